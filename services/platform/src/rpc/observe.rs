//! The span and the measurement of a call, taken or made: from its start until its last byte.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tracing::{Instrument, Span};

use super::{
    layer::Rest,
    method::{self, Method},
};
use crate::telemetry;

/// Continues the caller's trace, and sees what becomes of the call.
pub(super) async fn observe(
    service: &'static str,
    request: Request<Body>,
    rest: impl Rest,
) -> Response<Body> {
    let method = method::of(request.uri().path());
    if !method.ours {
        return rest.run(request).await;
    }
    let span = telemetry::server_span(service, method.name);
    telemetry::set_remote_parent(&span, request.headers());
    let observation = Observation::new(Side::Server, service, method, span.clone());
    let response = rest.run(request).instrument(span).await;
    observation.attach(response)
}

/// Which end of the call we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Server,
    Client,
}

/// A call under way. Whatever happens, its end is recorded once, when this is dropped.
#[derive(Debug)]
pub(super) struct Observation {
    side: Side,
    service: &'static str,
    method: Method,
    span: Span,
    started: Instant,
    code: Code,
}

impl Observation {
    pub(super) fn new(side: Side, service: &'static str, method: Method, span: Span) -> Self {
        // Dropped before an answer: whoever asked has gone away.
        Self {
            side,
            service,
            method,
            span,
            started: Instant::now(),
            code: Code::Cancelled,
        }
    }

    /// The call ended with this code.
    pub(super) fn end(mut self, code: Code) {
        self.code = code;
    }

    /// Stays with the answer until its end: the code comes last.
    pub(super) fn attach(mut self, response: Response<Body>) -> Response<Body> {
        if let Some(code) = code_of(response.headers()) {
            self.code = code;
            return response;
        }
        response.map(|body| {
            Body::new(Observed {
                body,
                observation: Some(self),
            })
        })
    }

    /// A refusal is the caller's matter; these are the server's.
    fn is_failure(&self) -> bool {
        match self.side {
            Side::Client => self.code != Code::Ok,
            Side::Server => matches!(
                self.code,
                Code::Unknown
                    | Code::DeadlineExceeded
                    | Code::Unimplemented
                    | Code::Internal
                    | Code::Unavailable
                    | Code::DataLoss
            ),
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let code = name(self.code);
        let took = self.started.elapsed();
        match self.side {
            Side::Server => {
                telemetry::record_server_call(self.service, self.method.name, code, took)
            }
            Side::Client => {
                telemetry::record_client_call(self.service, self.method.name, code, took)
            }
        }
        // Entered, so that the span lasts until now.
        let _entered = self.span.enter();
        self.span.record("rpc.response.status_code", code);
        if self.is_failure() {
            self.span.record("error.type", code);
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

struct Observed {
    body: Body,
    observation: Option<Observation>,
}

impl Observed {
    fn end(&mut self, code: Code) {
        if let Some(observation) = self.observation.take() {
            observation.end(code);
        }
    }
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.end(code_of(trailers).unwrap_or(Code::Unknown));
                }
            }
            Some(Err(status)) => self.end(status.code()),
            // An answer must end with trailers.
            None => self.end(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers
        .get(Status::GRPC_STATUS)
        .map(|code| Code::from_bytes(code.as_bytes()))
}

/// The code as the gRPC specification spells it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
