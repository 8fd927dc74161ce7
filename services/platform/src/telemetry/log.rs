//! How a log line looks: readable alone, with the trace id that leads to the rest.

use std::fmt::{self, Debug, Write};

use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// `2025-07-01T00:00:00.000000Z  INFO motcua_platform::rpc: serving service=intake trace_id=…`, or the same as JSON.
pub(super) struct Line {
    pub(super) json: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let context = opentelemetry::Context::current();
        let span = context.span();
        if span.span_context().is_valid() {
            fields.put(
                "trace_id",
                Value::String(span.span_context().trace_id().to_string()),
            );
        }
        let (level, target) = (event.metadata().level(), event.metadata().target());
        if self.json {
            let mut line = Map::new();
            line.insert("time".to_owned(), Value::String(time));
            line.insert("level".to_owned(), Value::String(level.to_string()));
            line.insert("target".to_owned(), Value::String(target.to_owned()));
            line.insert("message".to_owned(), Value::String(fields.message));
            line.extend(fields.others);
            return writeln!(writer, "{}", Value::Object(line));
        }
        write!(
            writer,
            "{time} {level:>5} {target}: {}",
            OneLine(&fields.message)
        )?;
        for (name, value) in &fields.others {
            match value {
                Value::String(text) => write!(writer, " {name}={}", OneLine(text))?,
                other => write!(writer, " {name}={other}")?,
            }
        }
        writeln!(writer)
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, name: &str, value: Value) {
        self.others.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field.name(), format!("{value:?}").into());
        }
    }
}

/// A value must not be able to look like a second line.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt, registry};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Written {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn logged(json: bool) -> String {
        let written = Written::default();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(written.clone())
            .event_format(Line { json });
        tracing::subscriber::with_default(registry().with(layer), || {
            tracing::warn!(
                dossier = "H24.11593-250701-0007",
                events = 3,
                "parked\nnot a second line"
            );
        });
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_one_line() {
        let line = logged(false);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(
            line.contains(
                r"WARN motcua_platform::telemetry::log::tests: parked\nnot a second line"
            ),
            "{line}"
        );
        assert!(
            line.contains("dossier=H24.11593-250701-0007 events=3"),
            "{line}"
        );
    }

    #[test]
    fn a_json_line_keeps_its_types() {
        let line: Value = serde_json::from_str(&logged(true)).unwrap();
        assert_eq!(line["events"], 3);
        assert_eq!(line["level"], "WARN");
    }
}
