//! An OTLP receiver of the demo's own: the waterfall is drawn from what an OpenTelemetry collector would get.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_client::MetricsServiceClient,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_client::TraceServiceClient,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use tokio::{net::TcpListener, task::AbortHandle};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

use crate::Failed;

/// Spans kept, at most: of the few traces that are watched.
const SPANS_MAX: usize = 10_000;

/// A trace's id.
pub(super) type TraceId = [u8; 16];

/// What the waterfall needs of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) trace: TraceId,
    pub(super) id: Vec<u8>,
    pub(super) parent: Vec<u8>,
    pub(super) service: String,
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
}

/// Receives spans and metrics, keeps the spans of watched traces, and passes all on where somebody asked for them.
#[derive(Debug)]
pub(super) struct Receiver {
    /// Where it listens.
    pub(super) address: String,
    kept: Arc<Mutex<Kept>>,
    serving: AbortHandle,
}

#[derive(Debug, Default)]
struct Kept {
    watched: HashSet<TraceId>,
    spans: Vec<Seen>,
}

#[derive(Debug, Clone)]
struct Handler {
    kept: Arc<Mutex<Kept>>,
    onward: Option<Channel>,
}

impl Receiver {
    /// Listens on a free port of the loopback; passes everything on to `onward` (`http://HOST:PORT`) if given.
    pub(super) async fn start(onward: Option<&str>) -> Result<Self, Failed> {
        let onward = match onward {
            None => None,
            Some(url) => Some(
                Endpoint::from_shared(url.to_owned())
                    .map_err(|error| Failed::new(format!("--otlp {url} is no address: {error}")))?
                    .connect_lazy(),
            ),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let kept = Arc::new(Mutex::new(Kept::default()));
        let handler = Handler {
            kept: Arc::clone(&kept),
            onward,
        };
        let serving = tokio::spawn(
            Server::builder()
                .add_service(TraceServiceServer::new(handler.clone()))
                .add_service(MetricsServiceServer::new(handler))
                .serve_with_incoming(TcpIncoming::from(listener)),
        );
        Ok(Self {
            address,
            kept,
            serving: serving.abort_handle(),
        })
    }

    /// Keeps the spans of this trace from now on.
    pub(super) fn watch(&self, trace: TraceId) {
        self.kept().watched.insert(trace);
    }

    /// Adds a span that the demo itself made.
    pub(super) fn add(&self, span: Seen) {
        self.kept().add(span);
    }

    /// What has come so far.
    pub(super) fn spans(&self) -> Vec<Seen> {
        self.kept().spans.clone()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Kept {
    fn add(&mut self, span: Seen) {
        if self.spans.len() < SPANS_MAX && self.watched.contains(&span.trace) {
            self.spans.push(span);
        }
    }
}

#[tonic::async_trait]
impl TraceService for Handler {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for resource in &request.resource_spans {
                let service = service(
                    resource
                        .resource
                        .as_ref()
                        .map_or(&[], |resource| &resource.attributes),
                );
                for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                    if let Some(span) = seen(service, span) {
                        kept.add(span);
                    }
                }
            }
        }
        match &self.onward {
            None => Ok(Response::new(ExportTraceServiceResponse::default())),
            // Its refusal is the suite's to hear of: it logs that spans are lost.
            Some(onward) => {
                TraceServiceClient::new(onward.clone())
                    .export(request)
                    .await
            }
        }
    }
}

#[tonic::async_trait]
impl MetricsService for Handler {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        match &self.onward {
            None => Ok(Response::new(ExportMetricsServiceResponse::default())),
            Some(onward) => {
                MetricsServiceClient::new(onward.clone())
                    .export(request.into_inner())
                    .await
            }
        }
    }
}

fn service(attributes: &[KeyValue]) -> &str {
    attributes
        .iter()
        .find(|attribute| attribute.key == "service.name")
        .and_then(|attribute| attribute.value.as_ref()?.value.as_ref())
        .and_then(|value| match value {
            Value::StringValue(text) => Some(text.as_str()),
            _ => None,
        })
        .unwrap_or("?")
}

fn seen(service: &str, span: &Span) -> Option<Seen> {
    Some(Seen {
        trace: span.trace_id.as_slice().try_into().ok()?,
        id: span.span_id.clone(),
        parent: span.parent_span_id.clone(),
        service: service.to_owned(),
        name: span.name.clone(),
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano,
    })
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{
        common::v1::AnyValue,
        resource::v1::Resource,
        trace::v1::{ResourceSpans, ScopeSpans},
    };

    use super::*;

    fn export(trace: u8) -> ExportTraceServiceRequest {
        let name = KeyValue {
            key: "service.name".into(),
            value: Some(AnyValue {
                value: Some(Value::StringValue("motcua-intake".into())),
            }),
            ..KeyValue::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![name],
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans: vec![Span {
                        trace_id: vec![trace; 16],
                        span_id: vec![1; 8],
                        name: "call".into(),
                        start_time_unix_nano: 10,
                        end_time_unix_nano: 20,
                        ..Span::default()
                    }],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        }
    }

    #[tokio::test]
    async fn only_watched_traces_are_kept_and_everything_is_passed_on() {
        let collector = Receiver::start(None).await.unwrap();
        collector.watch([2; 16]);
        let receiver = Receiver::start(Some(&collector.address)).await.unwrap();
        receiver.watch([1; 16]);
        let mut client = TraceServiceClient::connect(receiver.address.clone())
            .await
            .unwrap();
        client.export(export(1)).await.unwrap();
        client.export(export(2)).await.unwrap();
        let spans = receiver.spans();
        assert_eq!(spans.len(), 1);
        assert_eq!(
            (spans[0].service.as_str(), spans[0].trace),
            ("motcua-intake", [1; 16])
        );
        assert_eq!(collector.spans()[0].trace, [2; 16]);
        let mut metrics = MetricsServiceClient::connect(receiver.address.clone())
            .await
            .unwrap();
        metrics
            .export(ExportMetricsServiceRequest::default())
            .await
            .unwrap();
    }
}
