//! Telemetry: log lines on stderr, spans and metrics by OTLP, and the trace context that travels with every event.
//!
//! Spans and metrics follow OpenTelemetry's semantic conventions. Nothing here carries personal data: codes, ids,
//! kinds, counts and durations only.
//!
//! A process may hold several services. Each span says its own in `motcua.service`, and is exported under that
//! service's name; the whole process shares one pipeline.

mod context;
mod export;
mod log;
mod metrics;
mod spans;

use std::time::Duration;

use opentelemetry::{KeyValue, global, trace::TracerProvider};
use opentelemetry_otlp::{MetricExporter, WithTonicConfig};
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use tonic::transport::{Channel, Endpoint};
use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, LevelFilter, ParseError, Targets, filter_fn},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

pub use context::{current_traceparent, link, set_parent, trace_id, traceparent};
pub(crate) use context::{inject, set_remote_parent};
pub use metrics::{record_batch_size, record_database, record_lag, record_parked};
pub(crate) use metrics::{record_client_call, record_failed_handshake, record_server_call};
pub use spans::{SERVICE, batch_span, database_span, kind_name, process_span};
pub(crate) use spans::{client_span, server_span};

use crate::error::Error;

/// Levels by target, `info,motcua_intake=debug`.
const LOG_CHOICE: &str = "RUST_LOG";
/// What is logged unless `RUST_LOG` says otherwise.
const LOG_DEFAULT: &str = "info,h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,sqlx=warn";
/// Where spans without a service of their own belong: the process itself.
const PROCESS: &str = "motcua";
/// Spans that wait for export. A burst beyond it is dropped rather than slowing a request.
const QUEUE_SPANS_MAX: usize = 16_384;
/// Spans sent in one go.
const BATCH_SPANS_MAX: usize = 1_024;
/// How long a finished span waits for company.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How often metrics are sent.
const METRICS_INTERVAL: Duration = Duration::from_secs(15);
/// How long one export may take.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the last flush may take.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(3);

/// What to record, and where to send it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// An OTLP receiver that speaks gRPC: `http://127.0.0.1:4317`. None: nothing is exported, and traces still have ids.
    pub otlp_endpoint: Option<String>,
    /// One JSON object a line instead of text.
    pub log_json: bool,
}

/// Holds the pipeline; [`Guard::shutdown`] empties it.
#[derive(Debug)]
#[must_use = "spans that wait for export are lost unless the guard is shut down"]
pub struct Guard {
    traces: SdkTracerProvider,
    metrics: Option<SdkMeterProvider>,
}

/// Starts logging and telemetry for the whole process, once.
///
/// The standard `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`, `OTEL_RESOURCE_ATTRIBUTES` and
/// `OTEL_EXPORTER_OTLP_HEADERS` are honoured. The default samples as the parent was, and every root.
///
/// # Errors
/// When the endpoint is no address, when it was started before, or, with an endpoint, outside a tokio runtime.
pub fn start(settings: &Settings) -> Result<Guard, Error> {
    let (traces, metrics) = match &settings.otlp_endpoint {
        Some(url) => {
            let channel = collector(url)?;
            (exporting(channel.clone()), Some(measuring(channel)?))
        }
        None => (silent(), None),
    };
    if let Some(metrics) = &metrics {
        global::set_meter_provider(metrics.clone());
        metrics::start();
    }
    let chosen = logged(std::env::var(LOG_CHOICE).ok().as_deref());
    let (wanted, mistaken) = match chosen {
        Ok(wanted) => (wanted, None),
        Err(error) => (logged(None).unwrap_or_default(), Some(error)),
    };
    tracing_subscriber::registry()
        .with(trace_layer(&traces))
        .with(log_layer(settings.log_json, wanted))
        .try_init()
        .map_err(|_| Error::Fault("telemetry was started twice in this process".to_owned()))?;
    if let Some(error) = mistaken {
        tracing::warn!(%error, "{LOG_CHOICE} is no list of levels by target; what is logged is the default");
    }
    Ok(Guard { traces, metrics })
}

impl Guard {
    /// Sends what waits, and gives up after three seconds: a collector that does not answer never holds up a stop.
    pub async fn shutdown(self) {
        self.flush(FLUSH_TIME_MAX).await;
    }

    async fn flush(self, limit: Duration) {
        let (done, flushed) = tokio::sync::oneshot::channel();
        // The pipeline's own shutdown blocks. A thread of its own can be left behind; a runtime's cannot.
        let flush = std::thread::Builder::new()
            .name("telemetry-flush".to_owned())
            .spawn(move || {
                let traces = self.traces.shutdown_with_timeout(limit);
                let metrics = self.metrics.map_or(Ok(()), |metrics| metrics.shutdown());
                done.send(traces.and(metrics)).ok();
            });
        let outcome = match flush {
            Ok(_) => tokio::time::timeout(limit, flushed).await,
            Err(error) => {
                tracing::warn!(%error, "no thread to flush telemetry; what waited for export is lost");
                return;
            }
        };
        match outcome {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "the last spans or metrics were not exported")
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("the last spans or metrics were not exported within {limit:?}");
            }
        }
    }
}

/// A lazy connection to the collector, shared by spans and metrics.
fn collector(url: &str) -> Result<Channel, Error> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(Error::Fault(
            "telemetry needs a tokio runtime to export".to_owned(),
        ));
    }
    Endpoint::from_shared(url.to_owned())
        .ok()
        .filter(|endpoint| endpoint.uri().scheme_str() == Some("http") && endpoint.uri().authority().is_some())
        .map(|endpoint| {
            endpoint
                .connect_timeout(EXPORT_TIME_MAX)
                .timeout(EXPORT_TIME_MAX)
                .connect_lazy()
        })
        .ok_or_else(|| {
            Error::field(
                "otlp_endpoint",
                "must be http://HOST:PORT; a collector beside the service takes it over TLS from there",
            )
        })
}

fn exporting(channel: Channel) -> SdkTracerProvider {
    let exporter = export::ByService::new(channel);
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(
            BatchConfigBuilder::default()
                .with_max_queue_size(QUEUE_SPANS_MAX)
                .with_max_export_batch_size(BATCH_SPANS_MAX)
                .with_scheduled_delay(EXPORT_INTERVAL)
                .build(),
        )
        .build();
    SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_resource(resource(PROCESS))
        .build()
}

/// Ids without records: a root is not sampled, and a caller's own decision is passed on.
fn silent() -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
        .build()
}

fn measuring(channel: Channel) -> Result<SdkMeterProvider, Error> {
    let exporter = MetricExporter::builder()
        .with_tonic()
        .with_channel(channel)
        .build()
        .map_err(|error| Error::Fault(format!("the metrics' exporter cannot be made: {error}")))?;
    Ok(SdkMeterProvider::builder()
        .with_reader(
            PeriodicReader::builder(exporter)
                .with_interval(METRICS_INTERVAL)
                .build(),
        )
        .with_resource(resource(PROCESS))
        .build())
}

fn resource(service: &str) -> Resource {
    let name = if service == PROCESS {
        PROCESS.to_owned()
    } else {
        format!("{PROCESS}-{service}")
    };
    Resource::builder()
        .with_service_name(name)
        .with_attributes([
            KeyValue::new("service.namespace", PROCESS),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build()
}

/// Our own spans, and what is logged within them, whatever `RUST_LOG` says: a trace must not lose its middle because
/// the log is quiet.
fn trace_layer<S>(traces: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let ours = filter_fn(|metadata| metadata.target().starts_with(PROCESS));
    tracing_opentelemetry::layer()
        .with_tracer(traces.tracer(PROCESS))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        // Only the outcome of a call makes its span an error, not a line that it logged on the way.
        .with_error_events_to_status(false)
        .with_filter(ours.and(LevelFilter::INFO))
}

/// What is logged: as chosen, or the default where nothing was.
fn logged(chosen: Option<&str>) -> Result<Targets, ParseError> {
    let chosen = chosen.map(str::trim).filter(|chosen| !chosen.is_empty());
    chosen.unwrap_or(LOG_DEFAULT).parse()
}

/// Events only: spans show as the trace id at the end of the line.
fn log_layer<S>(json: bool, wanted: Targets) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .event_format(log::Line { json })
        .with_filter(filter_fn(|metadata| metadata.is_event()).and(wanted))
}

#[cfg(test)]
pub(crate) mod testing {
    use opentelemetry_sdk::trace::{SpanData, SpanExporter};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps finished spans where a test can read them.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Recorded(Arc<Mutex<Vec<SpanData>>>);

    impl Recorded {
        pub(crate) fn spans(&self) -> Vec<SpanData> {
            self.0.lock().unwrap().clone()
        }
    }

    impl SpanExporter for Recorded {
        async fn export(&self, batch: Vec<SpanData>) -> opentelemetry_sdk::error::OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    /// Every test of this process shares one pipeline, as one process does; spans are told apart by their trace id.
    pub(crate) fn recorded() -> Recorded {
        static RECORDED: std::sync::OnceLock<Recorded> = std::sync::OnceLock::new();
        RECORDED
            .get_or_init(|| {
                let recorded = Recorded::default();
                let traces = SdkTracerProvider::builder()
                    .with_simple_exporter(recorded.clone())
                    .build();
                tracing_subscriber::registry()
                    .with(trace_layer(&traces))
                    .try_init()
                    .unwrap();
                recorded
            })
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    };
    use tracing_subscriber::registry;

    use super::*;

    #[test]
    fn without_an_exporter_a_trace_still_has_an_id_and_says_that_it_is_not_recorded() {
        let traces = silent();
        tracing::subscriber::with_default(registry().with(trace_layer(&traces)), || {
            let span = batch_span("intake", "write");
            let sent = traceparent(&span);
            assert_eq!(sent.len(), 55, "{sent}");
            assert!(sent.ends_with("-00"), "{sent}");
            let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let child = batch_span("intake", "write");
            set_parent(&child, caller);
            let carried = traceparent(&child);
            assert!(
                carried.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
                "{carried}"
            );
            assert!(
                carried.ends_with("-01"),
                "the caller's decision is kept: {carried}"
            );
        });
    }

    #[test]
    fn what_is_logged_is_chosen_by_target_and_a_mistaken_choice_is_told() {
        use tracing::Level;
        let default = logged(None).unwrap();
        assert!(default.would_enable("motcua_intake", &Level::INFO));
        assert!(!default.would_enable("h2::proto", &Level::INFO));
        assert_eq!(logged(Some(" ")).unwrap(), default);
        let chosen = logged(Some("warn,motcua_intake=debug")).unwrap();
        assert!(chosen.would_enable("motcua_intake::write", &Level::DEBUG));
        assert!(!chosen.would_enable("motcua_workflow", &Level::INFO));
        assert!(logged(Some("motcua=loud")).is_err());
    }

    #[tokio::test]
    async fn an_endpoint_that_is_no_address_is_refused_with_its_name() {
        for bad in ["", "collector", "https://collector:4317", "http:///path"] {
            let refused = collector(bad).unwrap_err();
            assert!(refused.to_string().contains("otlp_endpoint"), "{refused}");
        }
        assert!(collector("http://127.0.0.1:4317").is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_service_of_the_process_shows_as_its_own_at_the_receiver() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, mut received) = tokio::sync::mpsc::unbounded_channel();
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(Receiver(tell)))
            .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener));
        let server = tokio::spawn(server);

        let guard = Guard {
            traces: exporting(collector(&url).unwrap()),
            metrics: None,
        };
        tracing::subscriber::with_default(registry().with(trace_layer(&guard.traces)), || {
            batch_span("intake", "write")
                .in_scope(|| drop(database_span("workflow", "SELECT cases")));
            drop(tracing::info_span!("nobody's"));
        });
        guard.shutdown().await;
        server.abort();

        let mut exported = std::collections::BTreeMap::new();
        while let Some(request) = received.recv().await {
            for spans in request.resource_spans {
                let name = spans
                    .resource
                    .unwrap()
                    .attributes
                    .into_iter()
                    .find(|a| a.key == "service.name")
                    .unwrap();
                let name = format!("{:?}", name.value.unwrap().value.unwrap());
                let spans = spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
                exported.insert(
                    name,
                    spans
                        .map(|span| (span.name, span.trace_id))
                        .collect::<Vec<_>>(),
                );
            }
        }
        let of = |service: &str| exported[&format!("StringValue({service:?})")][0].clone();
        assert_eq!(exported.len(), 3, "{exported:?}");
        assert_eq!(of("motcua-intake").0, "write batch");
        assert_eq!(of("motcua-workflow").0, "SELECT cases");
        assert_eq!(of("motcua").0, "nobody's");
        assert_eq!(
            of("motcua-intake").1,
            of("motcua-workflow").1,
            "one trace over both"
        );
    }

    struct Receiver(tokio::sync::mpsc::UnboundedSender<ExportTraceServiceRequest>);

    #[tonic::async_trait]
    impl TraceService for Receiver {
        async fn export(
            &self,
            request: tonic::Request<ExportTraceServiceRequest>,
        ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
            self.0.send(request.into_inner()).unwrap();
            Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
        }
    }

    #[tokio::test]
    async fn a_collector_that_never_answers_does_not_hold_up_the_stop() {
        // Bound and never accepted: connections hang in the backlog.
        let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let channel = collector(&format!("http://{}", deaf.local_addr().unwrap())).unwrap();
        let guard = Guard {
            traces: exporting(channel.clone()),
            metrics: Some(measuring(channel).unwrap()),
        };
        let subscriber = registry().with(trace_layer(&guard.traces));
        tracing::subscriber::with_default(subscriber, || drop(batch_span("intake", "write")));
        let started = tokio::time::Instant::now();
        guard.flush(Duration::from_millis(50)).await;
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}
