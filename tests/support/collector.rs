//! An OTLP collector.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::any_value::Value,
    trace::v1::{ResourceSpans, Span},
};
use prost::Message as _;
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// Keeps what it is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    spans: Vec<ResourceSpans>,
    metrics: Vec<u8>,
}

impl Collector {
    /// Listens; the URL is where.
    pub(crate) async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("a port"));
        let server = Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(server);
        (collector, url)
    }

    /// The spans of a trace, each with the name of its service.
    pub(crate) fn trace(&self, id: &[u8]) -> Vec<(String, Span)> {
        let kept = self.0.lock().expect("nobody panicked");
        let spans = kept.spans.iter().flat_map(|of| {
            let service = service(of);
            of.scope_spans
                .iter()
                .flat_map(|scope| &scope.spans)
                .map(move |span| (service.clone(), span.clone()))
        });
        spans.filter(|(_, span)| span.trace_id == id).collect()
    }

    /// The services that sent spans.
    pub(crate) fn services(&self) -> BTreeSet<String> {
        self.0
            .lock()
            .expect("nobody panicked")
            .spans
            .iter()
            .map(service)
            .collect()
    }

    /// All spans, as bytes to be searched.
    pub(crate) fn spans(&self) -> Vec<u8> {
        let kept = self.0.lock().expect("nobody panicked");
        kept.spans
            .iter()
            .flat_map(prost::Message::encode_to_vec)
            .collect()
    }

    /// All metrics, as bytes to be searched.
    pub(crate) fn metrics(&self) -> Vec<u8> {
        self.0.lock().expect("nobody panicked").metrics.clone()
    }
}

fn service(spans: &ResourceSpans) -> String {
    let attributes = spans
        .resource
        .iter()
        .flat_map(|resource| &resource.attributes);
    let name = attributes
        .filter(|attribute| attribute.key == "service.name")
        .find_map(
            |attribute| match attribute.value.as_ref()?.value.as_ref()? {
                Value::StringValue(text) => Some(text.clone()),
                _ => None,
            },
        );
    name.expect("a service name")
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0
            .lock()
            .expect("nobody panicked")
            .spans
            .extend(request.into_inner().resource_spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.0
            .lock()
            .expect("nobody panicked")
            .metrics
            .extend(request.into_inner().encode_to_vec());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
