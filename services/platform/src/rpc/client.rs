//! Calling a service of the suite.

use std::{
    error::Error as StdError,
    mem,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use motcua_proto::r#type::v1::Actor;
use tonic::{
    Code, Status, TimeoutExpired,
    body::Body,
    transport::{Channel, Endpoint, Error as TransportError},
};
use tower::Service;
use tracing::Instrument;

use super::{
    CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES,
    actor::{ACTOR_METADATA, actor_metadata},
    method,
    observe::{Observation, Side},
};
use crate::{error::Error, telemetry};

/// How long a connection may take to be made.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How often a connection is asked whether it is still there, and how long it may take to say so.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a call may take unless it says otherwise (`grpc-timeout`).
const CALL_TIME: HeaderValue = HeaderValue::from_static("10S");

/// The way to a service: give it to a generated client. Cheap to clone; all clones share one connection.
///
/// Each call continues the trace under way, says who acts, and ends: after ten seconds, unless it states a limit of its
/// own or streams.
#[derive(Debug, Clone)]
pub struct Peer {
    channel: Channel,
    service: &'static str,
    address: String,
    port: Option<u16>,
    actor: Option<HeaderValue>,
}

/// The way to the service at `url` (`http://127.0.0.1:7101`), for the service that will call it. Connects when it is
/// first used, and again whenever the connection was lost. To be called inside a tokio runtime.
///
/// # Errors
/// When the URL is no address.
pub fn channel(url: &str, service: &'static str) -> Result<Peer, Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .ok()
        .filter(|endpoint| endpoint.uri().scheme_str() == Some("http"))
        .ok_or_else(|| {
            Error::field(
                "url",
                "must be the address of a service, such as http://127.0.0.1:7101",
            )
        })?;
    let address = endpoint.uri().host().unwrap_or_default().to_owned();
    let port = endpoint.uri().port_u16();
    let channel = endpoint
        .connect_timeout(CONNECT_TIME_MAX)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIME_MAX)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .connect_lazy();
    Ok(Peer {
        channel,
        service,
        address,
        port,
        actor: None,
    })
}

impl Peer {
    /// The same way, taken by this actor: its calls say so, unless one says otherwise.
    ///
    /// # Errors
    /// When the actor's id cannot travel.
    pub fn acting_as(&self, actor: &Actor) -> Result<Self, Error> {
        let stated = actor_metadata(actor)?;
        let stated = HeaderValue::from_bytes(stated.as_bytes())
            .map_err(|_| Error::field("actor.id", "cannot be sent as metadata"))?;
        Ok(Self {
            actor: Some(stated),
            ..self.clone()
        })
    }
}

impl Service<Request<Body>> for Peer {
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Response<Body>, TransportError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The clone has not been asked whether it is ready; the one that has goes with the call.
        let next = self.channel.clone();
        let mut channel = mem::replace(&mut self.channel, next);
        let method = method::of(request.uri().path());
        let headers = request.headers_mut();
        if let Some(actor) = &self.actor {
            headers
                .entry(ACTOR_METADATA)
                .or_insert_with(|| actor.clone());
        }
        if !method.streams {
            headers.entry("grpc-timeout").or_insert(CALL_TIME);
        }
        if !method.ours {
            return Box::pin(async move { channel.call(request).await.or_else(in_time) });
        }
        let span = telemetry::client_span(self.service, method.name, &self.address, self.port);
        telemetry::inject(&span, headers);
        let observation = Observation::new(Side::Client, self.service, method, span.clone());
        Box::pin(async move {
            match channel
                .call(request)
                .instrument(span)
                .await
                .or_else(in_time)
            {
                Ok(response) => Ok(observation.attach(response)),
                Err(error) => {
                    observation.end(Code::Unavailable);
                    Err(error)
                }
            }
        })
    }
}

/// tonic calls its own time-out "cancelled"; for a caller it is the deadline.
fn in_time(error: TransportError) -> Result<Response<Body>, TransportError> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(some) = cause {
        if some.is::<TimeoutExpired>() {
            return Ok(Status::deadline_exceeded("the service did not answer in time").into_http());
        }
        cause = some.source();
    }
    Err(error)
}
