//! The spans that we make, named as OpenTelemetry's conventions name them. Every one says its service.

use motcua_proto::events::v1::{Event, EventKind};
use tracing::{Span, field::Empty, info_span};

use super::set_parent;

/// Says which service of this process a span or a measurement belongs to: `intake`.
pub const SERVICE: &str = "motcua.service";

/// A call that we take. The method is `motcua.intake.v1.DossierService/SubmitDossier`.
pub(crate) fn server_span(service: &'static str, method: &'static str) -> Span {
    info_span!(
        "call",
        "otel.name" = method,
        "otel.kind" = "server",
        "otel.status_code" = Empty,
        "motcua.service" = service,
        "rpc.system.name" = "grpc",
        "rpc.method" = method,
        "rpc.response.status_code" = Empty,
        "error.type" = Empty,
    )
}

/// A call that we make.
pub(crate) fn client_span(
    service: &'static str,
    method: &'static str,
    address: &str,
    port: Option<u16>,
) -> Span {
    info_span!(
        "call",
        "otel.name" = method,
        "otel.kind" = "client",
        "otel.status_code" = Empty,
        "motcua.service" = service,
        "rpc.system.name" = "grpc",
        "rpc.method" = method,
        "rpc.response.status_code" = Empty,
        "error.type" = Empty,
        "server.address" = address,
        "server.port" = port,
    )
}

/// The handling of one event of another service: a child of the command that caused the event.
#[must_use]
pub fn process_span(service: &'static str, source: &str, event: &Event) -> Span {
    let kind = kind_name(event.kind());
    let span = info_span!(
        "process",
        "otel.name" = format!("process {source} {kind}"),
        "otel.kind" = "consumer",
        "otel.status_code" = Empty,
        "motcua.service" = service,
        "messaging.system" = "motcua",
        "messaging.operation.type" = "process",
        "messaging.operation.name" = "process",
        "messaging.destination.name" = source,
        "messaging.message.id" = event.position,
        "motcua.event.kind" = kind,
        "motcua.dossier.code" = stated(&event.dossier),
        "motcua.agency.code" = stated(&event.agency),
        "motcua.procedure.code" = stated(&event.procedure),
    );
    set_parent(&span, &event.traceparent);
    span
}

/// One transaction for many: link it to each of those that caused it. The operation is a verb: `write`, `follow`.
#[must_use]
pub fn batch_span(service: &'static str, operation: &'static str) -> Span {
    info_span!(
        "batch",
        "otel.name" = format!("{operation} batch"),
        "otel.status_code" = Empty,
        "motcua.service" = service,
        "motcua.batch.operation" = operation,
    )
}

/// A question to PostgreSQL, by its summary (`SELECT dossiers`), never by its parameters.
#[must_use]
pub fn database_span(service: &'static str, summary: &'static str) -> Span {
    info_span!(
        "database",
        "otel.name" = summary,
        "otel.kind" = "client",
        "otel.status_code" = Empty,
        "motcua.service" = service,
        "db.system.name" = "postgresql",
        "db.query.summary" = summary,
    )
}

/// The kind as the contract names its message: `DossierAccepted`.
#[must_use]
pub fn kind_name(kind: EventKind) -> String {
    let name = kind.as_str_name();
    name.strip_prefix("EVENT_KIND_")
        .unwrap_or(name)
        .split('_')
        .flat_map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            [first.to_owned(), rest.to_ascii_lowercase()]
        })
        .collect()
}

fn stated(code: &str) -> Option<&str> {
    (!code.is_empty()).then_some(code)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::SpanKind;

    use super::*;
    use crate::telemetry::testing::recorded;

    #[test]
    fn a_reaction_is_a_child_of_the_command_and_carries_codes_only() {
        let recorded = recorded();
        let event = Event {
            position: 4711,
            kind: EventKind::DossierAccepted.into(),
            dossier: "H24.11593-250701-0007".into(),
            agency: "11593".into(),
            traceparent: "00-11111111111111112222222222222222-3333333333333333-01".into(),
            ..Event::default()
        };
        drop(process_span("workflow", "intake", &event));
        let span = recorded
            .spans()
            .into_iter()
            .find(|span| {
                span.span_context.trace_id().to_string() == "11111111111111112222222222222222"
            })
            .unwrap();
        assert_eq!(span.name, "process intake DossierAccepted");
        assert_eq!(span.span_kind, SpanKind::Consumer);
        assert_eq!(span.parent_span_id.to_string(), "3333333333333333");
        let attribute = |key: &str| {
            span.attributes
                .iter()
                .find(|attribute| attribute.key.as_str() == key)
                .map(|attribute| attribute.value.to_string())
        };
        assert_eq!(attribute(SERVICE).as_deref(), Some("workflow"));
        assert_eq!(
            attribute("motcua.dossier.code").as_deref(),
            Some("H24.11593-250701-0007")
        );
        assert_eq!(
            attribute("motcua.procedure.code"),
            None,
            "an empty code is not said"
        );
    }

    #[test]
    fn kinds_are_named_as_their_messages_are() {
        assert_eq!(kind_name(EventKind::SubCaseStarted), "SubCaseStarted");
        assert_eq!(kind_name(EventKind::ResultHandedOver), "ResultHandedOver");
    }
}
