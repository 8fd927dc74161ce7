//! W3C trace context: into spans, out of spans, and across gRPC metadata.

use std::{fmt::Write, sync::LazyLock};

use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// Links that a span keeps: as many as the SDK does unless told otherwise.
const LINKS_MAX: usize = 128;

/// The contract's own format, whatever else a process might configure.
static W3C: LazyLock<TraceContextPropagator> = LazyLock::new(TraceContextPropagator::new);

/// The span's own trace context, for whoever continues it; empty when it has none.
#[must_use]
pub fn traceparent(span: &Span) -> String {
    written(span.context().span().span_context())
}

/// The trace context of the work under way; empty when there is none.
#[must_use]
pub fn current_traceparent() -> String {
    written(Context::current().span().span_context())
}

/// The trace of a W3C trace context (`version-trace-span-flags`), in hexadecimal; empty for none.
#[must_use]
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

/// Makes the span a child of a trace context that came from elsewhere. To be called before the span is first entered;
/// an empty or unreadable context changes nothing.
pub fn set_parent(span: &Span, traceparent: &str) {
    let parent = read(traceparent);
    if parent.span().span_context().is_valid() {
        adopt(span, parent);
    }
}

/// Links the span to other traces, the causes of parts of its work: to as many as a span keeps. An empty or unreadable
/// context changes nothing.
pub fn link<'a>(span: &Span, traceparents: impl IntoIterator<Item = &'a str>) {
    for traceparent in traceparents.into_iter().take(LINKS_MAX) {
        span.add_link(read(traceparent).span().span_context().clone());
    }
}

/// Makes the span a child of the caller's, as the call's metadata say.
pub(crate) fn set_remote_parent(span: &Span, headers: &HeaderMap) {
    let parent = W3C.extract_with_context(&Context::new(), &Headers(headers));
    if parent.span().span_context().is_valid() {
        adopt(span, parent);
    }
}

/// Tells the callee which span it continues.
pub(crate) fn inject(span: &Span, headers: &mut HeaderMap) {
    W3C.inject_context(&span.context(), &mut HeadersMut(headers));
}

fn adopt(span: &Span, parent: Context) {
    // Disabled spans and processes without telemetry have nothing to adopt with: that is no fault.
    if let Err(tracing_opentelemetry::SetParentError::AlreadyStarted) = span.set_parent(parent) {
        tracing::debug!("a span was entered before its parent was known");
    }
}

fn read(traceparent: &str) -> Context {
    if traceparent.is_empty() {
        return Context::new();
    }
    W3C.extract_with_context(&Context::new(), &Stored(traceparent))
}

fn written(span: &SpanContext) -> String {
    let mut text = String::new();
    if span.is_valid() {
        text.reserve_exact(55);
        let flags = span.trace_flags().to_u8();
        // Writing into a string does not fail.
        write!(
            text,
            "00-{}-{}-{flags:02x}",
            span.trace_id(),
            span.span_id()
        )
        .ok();
    }
    text
}

/// A context as an event stores it: without the vendors' `tracestate`.
struct Stored<'a>(&'a str);

impl Extractor for Stored<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        // An empty tracestate says nothing and need not travel.
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::try_from(key),
            HeaderValue::try_from(value),
        ) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{batch_span, testing::recorded};

    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_span_continues_the_trace_that_it_is_given() {
        recorded();
        let span = batch_span("intake", "write");
        set_parent(&span, CALLER);
        let own = traceparent(&span);
        assert!(
            own.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
            "{own}"
        );
        assert_ne!(own, CALLER);
        assert_eq!(span.in_scope(current_traceparent), own);
    }

    #[test]
    fn nonsense_starts_a_trace_of_its_own() {
        recorded();
        for bad in [
            "",
            "00",
            "00-0-0-01",
            "xx",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        ] {
            let span = batch_span("intake", "write");
            set_parent(&span, bad);
            link(&span, [bad]);
            assert_eq!(traceparent(&span).len(), 55, "{bad}");
        }
    }

    #[test]
    fn a_batch_links_to_what_caused_it() {
        let recorded = recorded();
        let span = batch_span("intake", "write");
        link(&span, [CALLER]);
        let own = traceparent(&span);
        drop(span);
        let spans = recorded.spans();
        let span = spans
            .iter()
            .find(|span| own.contains(&span.span_context.span_id().to_string()))
            .unwrap();
        assert_eq!(span.links.len(), 1);
        assert_eq!(
            span.links[0].span_context.span_id().to_string(),
            "00f067aa0ba902b7"
        );
    }

    #[test]
    fn outside_any_span_there_is_no_context() {
        recorded();
        assert_eq!(current_traceparent(), "");
        assert_eq!(traceparent(&Span::none()), "");
    }
}
