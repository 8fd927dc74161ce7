//! One process, several services: each span is exported under the name of the service that made it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::future::join_all;
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithTonicConfig};
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
use tonic::transport::Channel;

use super::{PROCESS, resource, spans::SERVICE};

/// Sorts a batch by its spans' `motcua.service`, and sends each part with that service's resource over one connection.
pub(super) struct ByService {
    channel: Channel,
    exporters: Mutex<HashMap<String, Arc<OtlpExporter>>>,
    failing: AtomicBool,
}

impl std::fmt::Debug for ByService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByService").finish_non_exhaustive()
    }
}

impl ByService {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            channel,
            exporters: Mutex::default(),
            failing: AtomicBool::new(false),
        }
    }

    fn exporter(&self, service: &str) -> Result<Arc<OtlpExporter>, OTelSdkError> {
        let mut exporters = self
            .exporters
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(exporter) = exporters.get(service) {
            return Ok(Arc::clone(exporter));
        }
        let mut exporter = OtlpExporter::builder()
            .with_tonic()
            .with_channel(self.channel.clone())
            .build()
            .map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?;
        exporter.set_resource(&resource(service));
        let exporter = Arc::new(exporter);
        exporters.insert(service.to_owned(), Arc::clone(&exporter));
        Ok(exporter)
    }

    /// A collector that is away is said once, and once more when it is back.
    fn note(&self, outcome: &OTelSdkResult) {
        let failed = outcome.is_err();
        if self.failing.swap(failed, Ordering::Relaxed) == failed {
            return;
        }
        match outcome {
            Ok(()) => tracing::info!("spans are exported again"),
            Err(error) => {
                tracing::warn!(%error, "spans are lost: the OTLP receiver does not take them")
            }
        }
    }
}

impl SpanExporter for ByService {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let parts = by_service(batch)
            .into_iter()
            .map(|(service, spans)| async move { self.exporter(&service)?.export(spans).await });
        let outcome = join_all(parts).await.into_iter().collect::<OTelSdkResult>();
        self.note(&outcome);
        outcome
    }
}

/// The attribute has become the resource's name, and is not repeated.
fn by_service(batch: Vec<SpanData>) -> HashMap<String, Vec<SpanData>> {
    let mut parts: HashMap<String, Vec<SpanData>> = HashMap::new();
    for mut span in batch {
        let service = span
            .attributes
            .iter()
            .position(|attribute| attribute.key.as_str() == SERVICE)
            .map(|index| {
                span.attributes
                    .swap_remove(index)
                    .value
                    .as_str()
                    .into_owned()
            })
            .unwrap_or_else(|| PROCESS.to_owned());
        parts.entry(service).or_default().push(span);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{batch_span, testing::recorded, traceparent};

    #[test]
    fn each_service_gets_its_own_spans() {
        let recorded = recorded();
        let mut ids = Vec::new();
        for service in ["intake", "workflow", "intake"] {
            let span = batch_span(service, "write");
            ids.push(traceparent(&span));
        }
        let ours = recorded
            .spans()
            .into_iter()
            .filter(|span| {
                ids.iter()
                    .any(|id| id.contains(&span.span_context.span_id().to_string()))
            })
            .collect();
        let parts = by_service(ours);
        assert_eq!(parts["intake"].len(), 2);
        assert_eq!(parts["workflow"].len(), 1);
        assert!(
            parts["intake"]
                .iter()
                .all(|span| span.attributes.iter().all(|a| a.key.as_str() != SERVICE))
        );
    }
}
