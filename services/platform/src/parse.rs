//! Parsing requests at the edge: every violation is collected, and past it types cannot be wrong.

use jiff::{Timestamp, civil::Date};
use motcua_proto::google::r#type::Date as ProtoDate;
use uuid::Uuid;

use crate::{
    error::{Error, Violation},
    time::{date_from_proto, from_proto},
};

/// Longest text of one line: names, codes, titles, grounds. In characters.
pub const LINE_CHARS_MAX: usize = 300;
/// Longest name of a procedure: those of the national list are whole sentences. In characters.
pub const TITLE_CHARS_MAX: usize = 1_000;
/// Longest free text: reasons, lists of what is missing. In characters.
pub const TEXT_CHARS_MAX: usize = 10_000;

/// Collects what is wrong with a request.
#[derive(Debug, Default)]
pub struct Fields {
    violations: Vec<Violation>,
}

impl Fields {
    /// Nothing is wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This field is wrong.
    pub fn reject(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.violations.push(Violation {
            field: field.into(),
            description: description.into(),
        });
    }

    /// Everything that was wrong, or the value.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation; also when a value is missing without one.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Error> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            _ => Err(Error::Invalid(self.violations)),
        }
    }

    /// Each of several, with its own path. All of them are looked at before one is found wrong.
    pub fn each<'a, T, R>(
        &mut self,
        field: &str,
        items: &'a [T],
        mut read: impl FnMut(&mut Self, &str, &'a T) -> Option<R>,
    ) -> Option<Vec<R>> {
        let read: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(index, item)| read(self, &format!("{field}[{index}]"), item))
            .collect();
        read.into_iter().collect()
    }

    /// A required line of text, without the space around it.
    pub fn line(&mut self, field: &str, text: &str) -> Option<String> {
        let text = self.optional_line(field, text)?;
        if text.is_empty() {
            self.reject(field, "is required");
            return None;
        }
        Some(text)
    }

    /// A required name of a procedure: a line, and a long one.
    pub fn title(&mut self, field: &str, text: &str) -> Option<String> {
        let text = self.one_line(field, text, TITLE_CHARS_MAX)?;
        if text.is_empty() {
            self.reject(field, "is required");
            return None;
        }
        Some(text)
    }

    /// A line of text that may be empty.
    pub fn optional_line(&mut self, field: &str, text: &str) -> Option<String> {
        self.one_line(field, text, LINE_CHARS_MAX)
    }

    fn one_line(&mut self, field: &str, text: &str, max: usize) -> Option<String> {
        let text = self.chars(field, text, max)?;
        if text.chars().any(char::is_control) {
            self.reject(field, "must be one line without control characters");
            return None;
        }
        Some(text)
    }

    /// Required free text, of several lines.
    pub fn text(&mut self, field: &str, text: &str) -> Option<String> {
        let text = self.optional_text(field, text)?;
        if text.is_empty() {
            self.reject(field, "is required");
            return None;
        }
        Some(text)
    }

    /// Free text that may be empty.
    pub fn optional_text(&mut self, field: &str, text: &str) -> Option<String> {
        let text = self.chars(field, text, TEXT_CHARS_MAX)?;
        if text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            self.reject(field, "must not hold control characters");
            return None;
        }
        Some(text)
    }

    fn chars(&mut self, field: &str, text: &str, max: usize) -> Option<String> {
        let text = text.trim();
        if text.chars().count() > max {
            self.reject(field, format!("must have at most {max} characters"));
            return None;
        }
        Some(text.to_owned())
    }

    /// A resource name: its collection and what follows, `dossiers/{code}`.
    pub fn name(&mut self, field: &str, collection: &str, name: &str) -> Option<String> {
        let id = name
            .strip_prefix(collection)
            .and_then(|rest| rest.strip_prefix('/'))
            .filter(|id| is_id(id));
        if id.is_none() {
            self.reject(field, format!("must be a name such as {collection}/ID"));
        }
        id.map(str::to_owned)
    }

    /// A code or id: letters, digits, `.`, `-`, `_`.
    pub fn id(&mut self, field: &str, id: &str) -> Option<String> {
        if is_id(id) {
            return Some(id.to_owned());
        }
        self.reject(
            field,
            if id.is_empty() {
                "is required"
            } else {
                "must hold only letters, digits, '.', '-' and '_', at most 100"
            },
        );
        None
    }

    /// A code or id that may be empty.
    pub fn optional_id(&mut self, field: &str, id: &str) -> Option<String> {
        if id.is_empty() {
            Some(String::new())
        } else {
            self.id(field, id)
        }
    }

    /// An enum's value that must be set.
    pub fn choice<E: TryFrom<i32> + Default + PartialEq>(
        &mut self,
        field: &str,
        value: i32,
    ) -> Option<E> {
        match E::try_from(value) {
            Ok(choice) if choice != E::default() => Some(choice),
            Ok(_) => {
                self.reject(field, "is required");
                None
            }
            Err(_) => {
                self.reject(field, format!("{value} is not one of its values"));
                None
            }
        }
    }

    /// An enum's value that may be unspecified.
    pub fn optional_choice<E: TryFrom<i32>>(&mut self, field: &str, value: i32) -> Option<E> {
        let choice = E::try_from(value).ok();
        if choice.is_none() {
            self.reject(field, format!("{value} is not one of its values"));
        }
        choice
    }

    /// Each value of a repeated enum.
    pub fn choices<E: TryFrom<i32> + Default + PartialEq>(
        &mut self,
        field: &str,
        values: &[i32],
    ) -> Option<Vec<E>> {
        values
            .iter()
            .enumerate()
            .map(|(index, value)| self.choice(&format!("{field}[{index}]"), *value))
            .collect::<Vec<_>>()
            .into_iter()
            .collect()
    }

    /// A required instant.
    pub fn instant(
        &mut self,
        field: &str,
        at: Option<&prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        let Some(at) = at else {
            self.reject(field, "is required");
            return None;
        };
        self.optional_instant(field, Some(at)).flatten()
    }

    /// An instant that may be missing.
    pub fn optional_instant(
        &mut self,
        field: &str,
        at: Option<&prost_types::Timestamp>,
    ) -> Option<Option<Timestamp>> {
        let Some(at) = at else { return Some(None) };
        match from_proto(at) {
            // Instants far from our time are mistakes of a client, and calendars do not reach them.
            Some(at) if (1900..2200).contains(&crate::time::local_date(at).year()) => {
                Some(Some(at))
            }
            _ => {
                self.reject(field, "must be an instant between the years 1900 and 2199");
                None
            }
        }
    }

    /// A required day.
    pub fn date(&mut self, field: &str, date: Option<&ProtoDate>) -> Option<Date> {
        let Some(date) = date else {
            self.reject(field, "is required");
            return None;
        };
        let parsed = date_from_proto(date).filter(|date| (1900..2200).contains(&date.year()));
        if parsed.is_none() {
            self.reject(
                field,
                "must be a day of the calendar between the years 1900 and 2199",
            );
        }
        parsed
    }

    /// A request id: a UUID, or nothing.
    pub fn request_id(&mut self, text: &str) -> Option<Option<Uuid>> {
        if text.is_empty() {
            return Some(None);
        }
        let id = Uuid::try_parse(text).ok();
        if id.is_none() {
            self.reject("request_id", "must be a UUID");
        }
        id.map(Some)
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 100
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_violation_comes_back_at_once() {
        let mut fields = Fields::new();
        let name = fields.line("applicant.full_name", "  ");
        let code = fields.name("name", "dossiers", "dossiers/../etc");
        let id = fields.request_id("seven");
        let Err(Error::Invalid(violations)) = fields.finish(name.zip(code).zip(id)) else {
            panic!("must be invalid");
        };
        let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["applicant.full_name", "name", "request_id"]);
    }
}
