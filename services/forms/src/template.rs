//! The templates that this binary carries, and how they are filled.
//!
//! A template is data, and a published one never changes: `tests/templates.rs` holds each to its digest. What the law
//! changes becomes the next version, so that an older paper can be printed again as it was.

use crate::{Error, Form, FormId, Kind, words};
use jiff::civil::{Date, DateTime};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, value::Serde};

macro_rules! template {
    ($name:literal) => {
        ($name, include_str!(concat!("../templates/", $name, ".xml")))
    };
}

/// Forms by their `FormId`, and the parts that several include; parts have versions for the same reason.
const TEMPLATES: &[(&str, &str)] = &[
    template!("mau01-1"),
    template!("mau01-2"),
    template!("mau01-3"),
    template!("mau02-1"),
    template!("mau02-2"),
    template!("mau02-3"),
    template!("mau03-1"),
    template!("mau03-2"),
    template!("mau03-3"),
    template!("mau04-1"),
    template!("mau04-2"),
    template!("mau05-1"),
    template!("mau05-2"),
    template!("mau06-1"),
    template!("mau07-1"),
    template!("mau07-2"),
    template!("ct04-1"),
    template!("ct04-2"),
    template!("ct05-1"),
    template!("ct05-2"),
    template!("ct05-3"),
    template!("ct06-1"),
    template!("ct06-2"),
    template!("ct06-3"),
    template!("part-applicant-1"),
    template!("part-applicant-2"),
    template!("part-head-signature-1"),
    template!("part-letterhead-1"),
    template!("part-papers-1"),
    template!("part-receipt-1"),
    template!("part-receipt-2"),
    template!("part-receipt-3"),
    template!("part-refusal-1"),
    template!("part-refusal-2"),
    template!("part-supplement-1"),
    template!("part-supplement-2"),
    template!("part-title-1"),
    template!("part-two-signatures-1"),
];

/// The greatest version of a form that there is; every form has a first.
pub(crate) fn latest(form: Kind) -> u16 {
    let mut version = 1;
    while find(FormId {
        form,
        version: version + 1,
    })
    .is_some()
    {
        version += 1;
    }
    version
}

fn find(id: FormId) -> Option<&'static str> {
    let name = id.to_string();
    TEMPLATES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, source)| *source)
}

/// The template filled with the data: markup, in which whatever a user wrote is escaped.
pub(crate) fn fill(id: FormId, data: &Form) -> Result<String, Error> {
    if find(id).is_none() {
        return Err(Error::Version(id));
    }
    environment()
        .and_then(|environment| {
            environment
                .get_template(&id.to_string())?
                .render(Value::from(Serde(data)))
        })
        .map_err(|source| Error::Template {
            form: id,
            what: source.to_string(),
        })
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // A value that is not there must be asked for; else "none" would stand on a citizen's paper.
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(minijinja::Error::new(
                ErrorKind::InvalidOperation,
                "a value that is not there is printed",
            ));
        }
        minijinja::escape_formatter(out, state, value)
    });
    environment.add_filter("moment", |at: &str| {
        at.parse::<DateTime>().map(words::moment).map_err(wrong)
    });
    environment.add_filter("short_moment", |at: &str| {
        at.parse::<DateTime>()
            .map(words::short_moment)
            .map_err(wrong)
    });
    environment.add_filter("day", |at: &str| {
        at.parse::<Date>().map(words::lower_day).map_err(wrong)
    });
    environment.add_filter("short_day", |at: &str| {
        at.parse::<Date>().map(words::short_day).map_err(wrong)
    });
    environment.add_filter("dong", words::dong);
    environment.add_filter("duration", words::duration);
    environment.add_filter("lines", lines);
    environment.add_filter("sentence", words::sentence);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

fn wrong(error: jiff::Error) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string())
}

/// The user's own line breaks, where a form has room for several lines.
fn lines(text: &str) -> Value {
    let lines: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| minijinja::HtmlEscape(line).to_string())
        .collect();
    Value::from_safe_string(lines.join("<br/>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_template_and_every_template_a_form_or_an_includer() {
        for kind in Kind::ALL {
            assert!(find(FormId::latest(kind)).is_some());
        }
        for (name, _) in TEMPLATES {
            let used = name.strip_prefix("part-").map_or_else(
                || {
                    name.rsplit_once('-')
                        .is_some_and(|(form, _)| Kind::named(form).is_some())
                },
                |_| {
                    TEMPLATES
                        .iter()
                        .any(|(_, source)| source.contains(&format!("{{% include \"{name}\" %}}")))
                },
            );
            assert!(used, "{name}");
        }
    }

    #[test]
    fn lines_of_a_user_stay_and_are_escaped() {
        assert_eq!(lines("một\r\n\n<hai>").to_string(), "một<br/>&lt;hai&gt;");
    }
}
