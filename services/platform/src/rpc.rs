//! gRPC, the one way for every service: what travels with each call, how a service is served and drained, and how one
//! service calls another.
//!
//! Deliberately not here: any method. A service brings its routes; this module knows of them what the contract says.

mod admission;
mod client;
mod connection;
mod dial;
mod health;
mod identify;
mod layer;
mod local;
mod method;
mod observe;
mod position;
mod streams;
#[cfg(test)]
mod tests;

use std::{pin::pin, time::Duration};

use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Server};
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};
use tower::ServiceBuilder;

use self::{admission::Slots, layer::around};
pub use self::{
    client::{Peer, channel},
    connection::PeerInfo,
    health::Health,
    identify::Gate,
    local::Local,
};
use crate::{error::Error, policy::MethodPolicy, progress::Progress, tls::Tls};

/// How often a silent connection is asked whether it is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// Flow control: what a peer may have under way on one stream, and on one connection. Bytes.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Calls and streams that one connection may have open.
const CONNECTION_STREAMS_MAX: u32 = 1_024;
/// How long calls that were cut at the end of a drain have to hear of it.
const FAREWELL: Duration = Duration::from_secs(1);

/// A service to be served.
#[derive(Debug)]
pub struct Options {
    /// Its name: `intake`.
    pub service: &'static str,
    /// Where it listens, bound already: whoever binds knows the port.
    pub listener: TcpListener,
    /// Its certificates. Without them it speaks plain text, which is for loopback.
    pub tls: Option<Tls>,
    /// Its gRPC services, each with its own compression and message size. Health and reflection are added here.
    pub routes: Routes,
    /// Who is let in.
    pub gate: Gate,
    /// What its health is to say.
    pub health: Health,
    /// How far it has followed others, for `motcua-after`.
    pub progress: Progress,
    /// Fires when it is to stop.
    pub drain: CancellationToken,
    /// What it takes at once, and for how long.
    pub limits: Limits,
}

/// A limit on everything.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Calls under way. The next one is answered RESOURCE_EXHAUSTED.
    pub calls_max: usize,
    /// Streams open, counted apart.
    pub streams_max: usize,
    /// TLS handshakes under way. The next one ends the oldest: whoever connects in order to say nothing gives way to
    /// whoever speaks.
    pub handshakes_max: usize,
    /// How long one call may take, whatever its caller allows.
    pub call_time_max: Duration,
    /// How long health says "not serving" before connections are refused, so that balancers look elsewhere first.
    pub lame_duck: Duration,
    /// How long accepted calls have to end, from then on.
    pub drain_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_max: 1_024,
            streams_max: 256,
            handshakes_max: 512,
            call_time_max: Duration::from_secs(30),
            lame_duck: Duration::from_millis(200),
            drain_time_max: Duration::from_secs(20),
        }
    }
}

/// Serves until drained: not serving, a short lame duck, streams end, no more connections, accepted calls run to their
/// end. Calls that outlast the limit are cut with UNAVAILABLE, and logged.
///
/// # Errors
/// When the service cannot be set up, or stops by itself.
pub async fn serve(options: Options) -> Result<(), Error> {
    let Options {
        service,
        listener,
        tls,
        routes,
        gate,
        health,
        progress,
        drain,
        limits,
    } = options;
    if tls.as_ref().is_some_and(|tls| tls.server().is_none()) {
        return Err(Error::Fault(format!(
            "{service} cannot be served with the certificates of a mere caller"
        )));
    }
    let closing = CancellationToken::new();
    let cut = CancellationToken::new();
    let slots = Slots::new(&limits);
    let call_time_max = limits.call_time_max;

    let stack = ServiceBuilder::new()
        // First, so that everything after it, also a refusal, is seen and timed under the caller's trace.
        .layer_fn(around(move |request, next| {
            observe::observe(service, request, next)
        }))
        // Before anything waits: whatever follows can see how much time is left.
        .layer_fn(around({
            let (closing, cut) = (closing.clone(), cut.clone());
            move |request, next| {
                admission::bound(call_time_max, closing.clone(), cut.clone(), request, next)
            }
        }))
        // Cheap refusals before costly checks.
        .layer_fn(around(move |request, next| {
            admission::shed(slots.clone(), request, next)
        }))
        // Who calls, and whether the method's option in the contract lets them: what follows waits and reads on behalf of
        // somebody known.
        .layer_fn(around(move |request, next| {
            identify::identify(gate.clone(), request, next)
        }))
        .layer_fn(around({
            let progress = progress.clone();
            move |request, next| position::wait(progress.clone(), request, next)
        }))
        .layer_fn(around(position::trail))
        // Message sizes are limited where messages are decoded, in each tonic service: 4 MiB by default.
        // Last, closest to the handlers: a panic costs its own call and nothing else.
        .layer_fn(around(admission::survive))
        .into_inner();

    let server = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(CONNECTION_STREAMS_MAX)
        .layer(stack)
        .add_routes(
            routes
                .add_service(health.server())
                .add_service(reflection(service)?),
        )
        .serve_with_incoming_shutdown(
            connection::incoming(service, listener, tls, limits.handshakes_max),
            closing.clone().cancelled_owned(),
        );
    let mut server = pin!(server);

    let drained = async {
        drain.cancelled().await;
        tracing::info!(service, "draining");
        health.close().await;
        tokio::time::sleep(limits.lame_duck).await;
    };
    tokio::select! {
        ended = &mut server => {
            return Err(match ended {
                Ok(()) => Error::Fault(format!("{service} stopped listening by itself")),
                Err(error) => Error::Fault(format!("{service} cannot be served: {error}")),
            });
        }
        never = health.mirror(&progress) => match never {},
        () = drained => {}
    }
    closing.cancel();
    if timeout(limits.drain_time_max, &mut server).await.is_err() {
        tracing::warn!(
            service,
            "calls outlasted the drain of {:?} and are cut",
            limits.drain_time_max
        );
        cut.cancel();
        timeout(FAREWELL, &mut server).await.ok();
    }
    tracing::info!(service, "drained");
    Ok(())
}

/// The policy of every method of the suite, by name.
pub(crate) fn policies() -> impl Iterator<Item = MethodPolicy> {
    method::ours().map(|method| MethodPolicy {
        method: method.name,
        policy: method.policy,
    })
}

/// The policy of a method by its name.
pub(crate) fn policy_of(method: &str) -> Option<&'static motcua_proto::policy::v1::Policy> {
    method::of(method).policy
}

fn reflection(service: &str) -> Result<ServerReflectionServer<impl ServerReflection>, Error> {
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(motcua_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health")
        .with_service_name("grpc.reflection.v1.ServerReflection");
    for name in method::services(service) {
        builder = builder.with_service_name(name);
    }
    builder.build_v1().map_err(|error| {
        Error::Fault(format!(
            "the contract's descriptors are unreadable: {error}"
        ))
    })
}
