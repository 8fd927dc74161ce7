//! Calling a service of the suite.

use std::{
    error::Error as StdError,
    mem,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, Request, Response, header::AUTHORIZATION};
use tonic::{
    Code, Status, TimeoutExpired,
    body::Body,
    transport::{Channel, Endpoint, Error as TransportError},
};
use tower::Service;
use tracing::Instrument;

use super::{
    CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, dial,
    local::{LOCAL_METADATA, Local},
    method,
    observe::{Observation, Side},
};
use crate::{error::Error, telemetry, tls::Tls};

/// How long a connection may take to be made.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How often a connection is asked whether it is still there, and how long it may take to say so.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a call may take unless it says otherwise (`grpc-timeout`).
const CALL_TIME: HeaderValue = HeaderValue::from_static("10S");

/// The way to a service: give it to a generated client. Cheap to clone; all clones share one connection.
///
/// Each call continues the trace under way, proves who calls, and ends: after ten seconds, unless it states a limit of its
/// own or streams.
#[derive(Debug, Clone)]
pub struct Peer {
    channel: Channel,
    service: &'static str,
    address: String,
    port: Option<u16>,
    /// In plain text on loopback; between machines the connection's certificate says it.
    credential: Option<(HeaderName, HeaderValue)>,
}

/// The way to a service at `url`, for the service that will call it. Connects when it is first used, and again whenever
/// the connection was lost. To be called inside a tokio runtime.
///
/// `http://127.0.0.1:7101` is plain text, for loopback. `https://` needs `tls`: whoever answers there must prove to be
/// `target`, whatever the URL's host is called, and is shown `service`'s own certificate, if `tls` has one. Connections
/// are made with the certificates of the moment.
///
/// # Errors
/// When the URL is no address, or asks for TLS where there is none.
pub fn channel(
    url: &str,
    service: &'static str,
    target: &'static str,
    tls: Option<&Tls>,
) -> Result<Peer, Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .ok()
        .filter(|endpoint| matches!(endpoint.uri().scheme_str(), Some("http" | "https")))
        .ok_or_else(|| {
            Error::field(
                "url",
                "must be the address of a service, such as http://127.0.0.1:7101",
            )
        })?;
    let address = endpoint.uri().host().unwrap_or_default().to_owned();
    let port = endpoint.uri().port_u16();
    let secret = endpoint.uri().scheme_str() == Some("https");
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIME_MAX)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIME_MAX)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    let channel = match tls {
        _ if !secret => endpoint.connect_lazy(),
        Some(tls) => endpoint.connect_with_connector_lazy(dial::connector(tls.clone(), target)?),
        None => {
            return Err(Error::field(
                "url",
                format!("{url} needs certificates: name their directory in `certificates`"),
            ));
        }
    };
    Ok(Peer {
        channel,
        service,
        address,
        port,
        credential: None,
    })
}

impl Peer {
    /// The same way, taken by whoever this token is about.
    ///
    /// # Errors
    /// When it is no token.
    pub fn bearing(&self, token: &str) -> Result<Self, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Error::field("token", "must be a signed token (JWT)"))?;
        value.set_sensitive(true);
        Ok(self.with((AUTHORIZATION, value)))
    }

    /// The same way, taken by the service that it was made for, to another one of the same process.
    #[must_use]
    pub fn within(&self, process: &Local) -> Self {
        match process.credential(self.service) {
            Some(value) => self.with((HeaderName::from_static(LOCAL_METADATA), value)),
            None => self.clone(),
        }
    }

    fn with(&self, credential: (HeaderName, HeaderValue)) -> Self {
        Self {
            credential: Some(credential),
            ..self.clone()
        }
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
        if let Some((name, value)) = &self.credential {
            headers.entry(name).or_insert_with(|| value.clone());
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
