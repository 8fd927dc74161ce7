//! Instants as people in Hải Phòng read them.

use jiff::{Timestamp, civil::DateTime};
use motcua_platform::time::{date_to_proto, from_proto, to_proto};
use motcua_proto::google::r#type::Date;

/// The instant of a local time: `2025-07-01T08:00`.
pub(crate) fn at(text: &str) -> Timestamp {
    let time: DateTime = text.parse().expect("a time such as 2025-07-01T08:00");
    motcua_calendar::instant(time).expect("an instant")
}

/// The same for the contract.
pub(crate) fn proto(text: &str) -> Option<prost_types::Timestamp> {
    Some(to_proto(at(text)))
}

/// A day, for the contract: `2025-07-01`.
pub(crate) fn date(text: &str) -> Option<Date> {
    Some(date_to_proto(
        text.parse().expect("a day such as 2025-07-01"),
    ))
}

/// As the receipt prints it: `2025-07-01T17:00`; empty if not set.
pub(crate) fn local(at: &Option<prost_types::Timestamp>) -> String {
    at.as_ref()
        .map(|at| {
            motcua_calendar::local(from_proto(at).expect("an instant"))
                .strftime("%Y-%m-%dT%H:%M")
                .to_string()
        })
        .unwrap_or_default()
}
