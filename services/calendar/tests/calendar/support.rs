//! The offices that the examples happen in, and short ways to ask them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use motcua_calendar::{
    Calendar, DayHours, DayKind, Due, DueHour, Hold, Session, WeeklyHours, instant, local,
};

/// The days of 2025 and 2026 that the government's lists make different.
pub(crate) const DAYS: &[(&str, &str, &str)] = &[
    ("2025-04-26", "working", "Làm bù cho ngày 02/05/2025"),
    ("2025-04-30", "holiday", "Ngày Chiến thắng"),
    ("2025-05-01", "holiday", "Ngày Quốc tế Lao động"),
    (
        "2025-05-02",
        "holiday",
        "Ngày nghỉ (thay cho ngày 26/04/2025)",
    ),
    ("2025-09-01", "holiday", "Quốc khánh"),
    ("2025-09-02", "holiday", "Quốc khánh"),
    ("2026-01-01", "holiday", "Tết Dương lịch"),
    ("2026-02-16", "holiday", "Giao thừa Tết Nguyên Đán"),
    ("2026-02-17", "holiday", "Tết Nguyên Đán"),
    ("2026-02-18", "holiday", "Mùng hai Tết Nguyên Đán"),
    ("2026-02-19", "holiday", "Mùng ba Tết Nguyên Đán"),
    ("2026-02-20", "holiday", "Mùng bốn Tết Nguyên Đán"),
    ("2026-04-26", "holiday", "Ngày Giỗ Tổ Hùng Vương"),
    ("2026-04-27", "holiday", "Ngày Giỗ Tổ Hùng Vương (nghỉ bù)"),
    ("2026-04-30", "holiday", "Ngày Chiến thắng"),
    ("2026-05-01", "holiday", "Ngày Quốc tế Lao động"),
    ("2026-08-22", "working", "Làm bù cho ngày 31/08/2026"),
    (
        "2026-08-31",
        "holiday",
        "Ngày nghỉ (thay cho ngày 22/08/2026)",
    ),
    ("2026-09-01", "holiday", "Quốc khánh"),
    ("2026-09-02", "holiday", "Quốc khánh"),
    ("2026-11-24", "holiday", "Ngày Văn hóa Việt Nam"),
];

pub(crate) fn days() -> impl Iterator<Item = (Date, DayKind)> {
    DAYS.iter().map(|&(date, kind, name)| {
        let kind = if kind == "working" {
            DayKind::working(name)
        } else {
            DayKind::holiday(name)
        };
        (date.parse().unwrap(), kind)
    })
}

/// The ordinary office: 07:00–11:30 and 13:30–17:00, Monday to Friday.
pub(crate) fn office() -> Calendar {
    Calendar::new(WeeklyHours::default(), days()).unwrap()
}

/// The ordinary office, whose counter also receives on Saturday from 07:30 to 11:00.
pub(crate) fn office_with_saturday_reception() -> Calendar {
    let saturday = DayHours::new([], [session("07:30", "11:00")]).unwrap();
    Calendar::new(
        WeeklyHours::default().with(Weekday::Saturday, saturday),
        days(),
    )
    .unwrap()
}

pub(crate) fn session(open: &str, close: &str) -> Session {
    Session::new(time(open), time(close)).unwrap()
}

pub(crate) fn time(text: &str) -> Time {
    text.parse().unwrap()
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A local time such as `2026-02-13T15:20`.
pub(crate) fn at(text: &str) -> Timestamp {
    instant(text.parse::<DateTime>().unwrap()).unwrap()
}

/// An instant as the wall clock in Việt Nam reads it.
pub(crate) fn shown(at: Timestamp) -> String {
    local(at).strftime("%Y-%m-%dT%H:%M").to_string()
}

pub(crate) fn held(from: &str, to: &str) -> Hold {
    Hold {
        from: at(from),
        to: Some(at(to)),
    }
}

pub(crate) fn due_in(calendar: &Calendar, received: &str, limit: &str, holds: &[Hold]) -> Due {
    calendar
        .due(
            at(received),
            &limit.parse().unwrap(),
            DueHour::EndOfDay,
            holds,
        )
        .unwrap()
}

/// The printed due at the ordinary office.
pub(crate) fn due(received: &str, limit: &str) -> String {
    due_with(received, limit, &[])
}

pub(crate) fn due_with(received: &str, limit: &str, holds: &[Hold]) -> String {
    shown(due_in(&office(), received, limit, holds).at)
}

pub(crate) fn same_time(received: &str, limit: &str) -> String {
    shown(
        office()
            .due(
                at(received),
                &limit.parse().unwrap(),
                DueHour::SameTime,
                &[],
            )
            .unwrap()
            .at,
    )
}
