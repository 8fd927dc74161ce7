//! A command and all its reactions.

use std::collections::{BTreeMap, BTreeSet};

use tonic::Request;

use crate::support::{Collector, Setup, Suite, birth};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT: &str = "00f067aa0ba902b7";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[tokio::test]
async fn a_submission_and_all_that_follows_is_one_trace_with_the_right_parents() {
    let (collector, url) = Collector::start().await;
    let mut suite = Suite::with(Setup {
        otlp: Some(url),
        apart: true,
        ..Setup::default()
    })
    .await;
    suite.clock_at("2025-07-01T08:00").await;
    let mut request = Request::new(birth());
    request.metadata_mut().insert(
        "traceparent",
        format!("00-{TRACE}-{CLIENT}-01").parse().unwrap(),
    );
    let code = suite
        .clerk()
        .dossiers()
        .submit_dossier(request)
        .await
        .unwrap()
        .into_inner()
        .code;
    // A caller that does not want to be traced is not.
    let unsampled = "5bf92f3577b34da6a3ce929d0e0e4736";
    let mut request = Request::new(birth());
    request.metadata_mut().insert(
        "traceparent",
        format!("00-{unsampled}-{CLIENT}-00").parse().unwrap(),
    );
    suite
        .clerk()
        .dossiers()
        .submit_dossier(request)
        .await
        .unwrap();
    suite.settle().await;
    // The last spans are sent when the services stop.
    suite.terminate_all().await;

    let spans = collector.trace(&bytes(TRACE));
    let services: BTreeSet<_> = spans.iter().map(|(service, _)| service.as_str()).collect();
    let all = [
        "motcua-intake",
        "motcua-notification",
        "motcua-statistics",
        "motcua-workflow",
    ];
    assert_eq!(services, BTreeSet::from(all), "{:?}", collector.services());
    assert!(
        collector.trace(&bytes(unsampled)).is_empty(),
        "the caller decides what is sampled"
    );

    let ids: BTreeMap<_, _> = spans
        .iter()
        .map(|(service, span)| (&span.span_id, (service, span)))
        .collect();
    let client = bytes(CLIENT);
    let shown = |service: &str, name: &str| format!("{service} {name}");
    for (service, span) in &spans {
        assert!(
            span.parent_span_id == client || ids.contains_key(&span.parent_span_id),
            "{} hangs nowhere",
            shown(service, &span.name)
        );
    }
    let entry: Vec<_> = spans
        .iter()
        .filter(|(_, span)| span.parent_span_id == client)
        .collect();
    assert_eq!(entry.len(), 1, "the call alone is the client's child");
    assert_eq!(
        (entry[0].0.as_str(), entry[0].1.name.as_str()),
        (
            "motcua-intake",
            "motcua.intake.v1.DossierService/SubmitDossier"
        )
    );

    // Each reaction hangs below the call that caused it, through the event's own trace context.
    let ancestors = |id: &Vec<u8>| {
        let mut path = Vec::new();
        let mut at = ids.get(id);
        while let Some((service, span)) = at {
            path.push(shown(service, &span.name));
            at = ids.get(&span.parent_span_id);
        }
        path
    };
    for service in [
        "motcua-workflow",
        "motcua-notification",
        "motcua-statistics",
    ] {
        let reaction = spans
            .iter()
            .find(|(of, span)| of == service && span.name.contains("process"))
            .unwrap_or_else(|| {
                panic!(
                    "no reaction of {service}: {:?}",
                    spans
                        .iter()
                        .map(|(s, x)| shown(s, &x.name))
                        .collect::<Vec<_>>()
                )
            });
        let path = ancestors(&reaction.1.span_id);
        assert!(path.last().unwrap().ends_with("SubmitDossier"), "{path:?}");
    }
    // Whose dossier it is about can be found in the trace.
    let about = spans.iter().any(|(_, span)| {
        span.attributes.iter().any(|attribute| {
            attribute.key == "motcua.dossier.code"
                && format!("{:?}", attribute.value).contains(&code)
        })
    });
    assert!(about);
}
