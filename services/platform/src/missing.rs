//! What is missing in a dossier, as it is asked for and as it is written down: an item a line, and how to complete one after a tab.
//! Mẫu 02 of circular 03/2025/TT-VPCP has a column for each.

use motcua_proto::r#type::v1::MissingItem;

use crate::parse::Fields;

/// Items that one request may have.
const ITEMS_MAX: usize = 50;
/// Divides an item from how to complete it.
const TAB: char = '\t';

/// What a request asks for: its items, or in their place a text with one item a line.
pub fn read(fields: &mut Fields, missing: &str, items: &[MissingItem]) -> Option<String> {
    if items.is_empty() {
        return fields.text("missing", missing);
    }
    if !missing.is_empty() {
        fields.reject("missing", "must be empty where items say it");
    }
    if items.len() > ITEMS_MAX {
        fields.reject("items", format!("must be at most {ITEMS_MAX}"));
        return None;
    }
    let lines = fields.each("items", items, |fields, path, item| {
        let what = fields.line(&format!("{path}.what"), &item.what);
        let how = fields.optional_line(&format!("{path}.how"), &item.how);
        let (what, how) = what.zip(how)?;
        Some(if how.is_empty() {
            what
        } else {
            format!("{what}{TAB}{how}")
        })
    });
    Some(lines?.join("\n"))
}

/// The items as they were written down: what is missing, and how to complete it, which may be empty.
pub fn items(written: &str) -> impl Iterator<Item = (&str, &str)> {
    written
        .lines()
        .map(|line| line.split_once(TAB).unwrap_or((line, "")))
        .map(|(what, how)| (what.trim(), how.trim()))
        .filter(|(what, _)| !what.is_empty())
}

/// The same as a letter says it.
#[must_use]
pub fn in_lines(written: &str) -> String {
    let lines: Vec<_> = items(written)
        .map(|(what, how)| match how {
            "" => what.to_owned(),
            how => format!("{what} ({how})"),
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn item(what: &str, how: &str) -> MissingItem {
        MissingItem {
            what: what.to_owned(),
            how: how.to_owned(),
        }
    }

    fn asked(missing: &str, items: &[MissingItem]) -> Result<String, Vec<String>> {
        let mut fields = Fields::new();
        let read = read(&mut fields, missing, items);
        fields.finish(read).map_err(|error| match error {
            Error::Invalid(violations) => violations.into_iter().map(|it| it.field).collect(),
            other => panic!("{other}"),
        })
    }

    #[test]
    fn items_are_written_a_line_each_and_read_again() {
        let written = asked(
            "",
            &[item("Giấy báo tử", "nộp bản chính"), item("Tờ khai", "")],
        );
        let written = written.unwrap();
        assert_eq!(
            items(&written).collect::<Vec<_>>(),
            [("Giấy báo tử", "nộp bản chính"), ("Tờ khai", "")]
        );
        assert_eq!(in_lines(&written), "Giấy báo tử (nộp bản chính)\nTờ khai");
        assert_eq!(
            asked("Giấy báo tử\n\nTờ khai", &[]).unwrap(),
            "Giấy báo tử\n\nTờ khai"
        );
        assert_eq!(items("Giấy báo tử\n\n Tờ khai ").count(), 2);
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        assert_eq!(asked("", &[]).unwrap_err(), ["missing"]);
        let both = asked("Tờ khai", &[item("Tờ khai", "")]);
        assert_eq!(both.unwrap_err(), ["missing"]);
        let several = asked("", &[item("", ""), item("Tờ khai", "a\tb")]);
        assert_eq!(several.unwrap_err(), ["items[0].what", "items[1].how"]);
        assert_eq!(asked("", &vec![item("x", ""); 51]).unwrap_err(), ["items"]);
    }
}
