//! The days that come with the software, for the tests of rules: several crates include this file.

use motcua_platform::time::date_to_proto;
use motcua_proto::r#type::v1::{CalendarDay, CalendarDayKind};

/// Every day that differs from the week, as the catalog has them.
pub(crate) fn days() -> Vec<CalendarDay> {
    include_str!("../../deploy/catalog/calendar.csv")
        .lines()
        .filter_map(|line| {
            let (date, rest) = line.split_once(',')?;
            let (kind, title) = rest.split_once(',')?;
            let date: jiff::civil::Date = date.parse().ok()?;
            let kind = match kind {
                "working" => CalendarDayKind::Working,
                _ => CalendarDayKind::Holiday,
            };
            Some(CalendarDay {
                date: Some(date_to_proto(date)),
                kind: kind.into(),
                title: title.to_owned(),
            })
        })
        .collect()
}
