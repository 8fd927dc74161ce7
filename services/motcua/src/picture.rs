//! A picture of the days: what was received and what was resolved, a line for each day.

use std::fmt::Write as _;

use motcua_platform::time::date_from_proto;
use motcua_proto::statistics::v1::SettlementDay;

/// Characters of the longest bar.
const BAR_WIDTH: i64 = 36;

/// Draws the days on which something happened.
pub(crate) fn days(days: &[SettlementDay]) -> String {
    let most = days
        .iter()
        .flat_map(|day| [day.received, day.resolved])
        .max()
        .unwrap_or(0);
    let mut picture = String::new();
    let mut week = None;
    for day in days.iter().filter(|day| day.received + day.resolved > 0) {
        let Some(date) = day.date.as_ref().and_then(date_from_proto) else {
            continue;
        };
        let this_week = date.iso_week_date().week();
        let first_of_week = week.replace(this_week) != Some(this_week);
        let label = if first_of_week {
            date.strftime("%d %b")
        } else {
            date.strftime("   %d")
        };
        let late = if day.overdue > 0 {
            format!("  {} overdue", day.overdue)
        } else {
            String::new()
        };
        // Writing into a string does not fail.
        writeln!(
            picture,
            "  {:>6} {}  {:>5} {:<width$} {:>5} {}{late}",
            label.to_string(),
            date.strftime("%a"),
            day.received,
            bar(day.received, most, '▒'),
            day.resolved,
            bar(day.resolved, most, '█'),
            width = usize::try_from(BAR_WIDTH).unwrap_or(0),
        )
        .ok();
    }
    picture
}

/// As long as the share of the most; something is never nothing.
fn bar(count: i64, most: i64, mark: char) -> String {
    if count <= 0 || most <= 0 {
        return String::new();
    }
    let length = (count * BAR_WIDTH / most).clamp(1, BAR_WIDTH);
    mark.to_string()
        .repeat(usize::try_from(length).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use motcua_proto::google::r#type::Date;

    use super::*;

    fn day(day: i32, received: i64, resolved: i64, overdue: i64) -> SettlementDay {
        SettlementDay {
            date: Some(Date {
                year: 2025,
                month: 7,
                day,
            }),
            received,
            resolved,
            overdue,
        }
    }

    #[test]
    fn the_busiest_day_fills_the_width_and_an_empty_one_is_left_out() {
        let picture = days(&[day(1, 72, 1, 0), day(2, 36, 36, 3), day(5, 0, 0, 0)]);
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[0],
            format!("  01 Jul Tue     72 {}     1 █", "▒".repeat(36))
        );
        assert_eq!(
            lines[1],
            format!(
                "      02 Wed     36 {}{}    36 {}  3 overdue",
                "▒".repeat(18),
                " ".repeat(18),
                "█".repeat(18)
            )
        );
    }

    #[test]
    fn no_day_no_picture() {
        assert_eq!(days(&[]), "");
    }
}
