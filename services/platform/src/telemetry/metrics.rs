//! What is measured. Without an exporter nothing is, and recording costs a load.

use std::{sync::OnceLock, time::Duration};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram, Meter},
};

use super::{PROCESS, SERVICE};

/// Buckets that the conventions give for calls, in seconds.
const CALL_SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Buckets that the conventions give for database operations, in seconds.
const DATABASE_SECONDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
/// Buckets for commands in a batch.
const BATCH_COMMANDS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

static INSTRUMENTS: OnceLock<Instruments> = OnceLock::new();

struct Instruments {
    server_calls: Histogram<f64>,
    client_calls: Histogram<f64>,
    database: Histogram<f64>,
    batch_size: Histogram<u64>,
    lag: Gauge<i64>,
    parked: Gauge<u64>,
    failed_handshakes: Counter<u64>,
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        let seconds = |name, description, buckets: &[f64]| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(buckets.to_vec())
                .build()
        };
        Self {
            server_calls: seconds(
                "rpc.server.call.duration",
                "Duration of calls taken",
                &CALL_SECONDS,
            ),
            client_calls: seconds(
                "rpc.client.call.duration",
                "Duration of calls made",
                &CALL_SECONDS,
            ),
            database: seconds(
                "db.client.operation.duration",
                "Duration of database operations",
                &DATABASE_SECONDS,
            ),
            batch_size: meter
                .u64_histogram("motcua.ledger.batch.size")
                .with_unit("{command}")
                .with_description("Commands written in one transaction")
                .with_boundaries(BATCH_COMMANDS.to_vec())
                .build(),
            lag: meter
                .i64_gauge("motcua.follower.lag")
                .with_unit("{event}")
                .with_description("Events of the source whose effects are not stored yet")
                .build(),
            parked: meter
                .u64_gauge("motcua.follower.parked")
                .with_unit("{dossier}")
                .with_description(
                    "Dossiers set aside because an event of theirs could not be processed",
                )
                .build(),
            failed_handshakes: meter
                .u64_counter("motcua.tls.failed_handshakes")
                .with_unit("{handshake}")
                .with_description("Connections that ended before both sides had proved themselves")
                .build(),
        }
    }
}

/// Makes the instruments, once the meter is there.
pub(super) fn start() {
    INSTRUMENTS.get_or_init(|| Instruments::new(&global::meter(PROCESS)));
}

fn call(service: &'static str, method: &'static str, code: &'static str) -> [KeyValue; 4] {
    [
        KeyValue::new(SERVICE, service),
        KeyValue::new("rpc.system.name", "grpc"),
        KeyValue::new("rpc.method", method),
        KeyValue::new("rpc.response.status_code", code),
    ]
}

/// A call was taken and answered.
pub(crate) fn record_server_call(
    service: &'static str,
    method: &'static str,
    code: &'static str,
    took: Duration,
) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .server_calls
            .record(took.as_secs_f64(), &call(service, method, code));
    }
}

/// A call was made and answered.
pub(crate) fn record_client_call(
    service: &'static str,
    method: &'static str,
    code: &'static str,
    took: Duration,
) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .client_calls
            .record(took.as_secs_f64(), &call(service, method, code));
    }
}

/// A database operation ended; `summary` as in [`super::database_span`].
pub fn record_database(service: &'static str, summary: &'static str, took: Duration) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let attributes = [
            KeyValue::new(SERVICE, service),
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.query.summary", summary),
        ];
        instruments.database.record(took.as_secs_f64(), &attributes);
    }
}

/// That many commands went into one transaction of the collection's ledger.
pub fn record_batch_size(service: &'static str, collection: &'static str, commands: usize) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let attributes = [
            KeyValue::new(SERVICE, service),
            KeyValue::new("motcua.collection", collection),
        ];
        instruments.batch_size.record(commands as u64, &attributes);
    }
}

/// How many events of the source wait for the follower.
pub fn record_lag(service: &'static str, source: &str, events: i64) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.lag.record(events, &followed(service, source));
    }
}

/// How many of the source's dossiers the follower has set aside.
pub fn record_parked(service: &'static str, source: &str, dossiers: u64) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .parked
            .record(dossiers, &followed(service, source));
    }
}

/// A connection ended before both sides had proved themselves.
pub(crate) fn record_failed_handshake(service: &'static str) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let attributes = [KeyValue::new(SERVICE, service)];
        instruments.failed_handshakes.add(1, &attributes);
    }
}

fn followed(service: &'static str, source: &str) -> [KeyValue; 2] {
    [
        KeyValue::new(SERVICE, service),
        KeyValue::new("motcua.source", source.to_owned()),
    ]
}
