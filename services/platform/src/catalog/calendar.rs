//! An agency's calendar: its week of sessions, the days that differ from it, and which sessions receive which fields.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::civil::{Time, Weekday};
use motcua_calendar::{Calendar, DayHours, DayKind, Invalid, Session, WeeklyHours};
use motcua_proto::r#type::v1::{
    Calendar as ProtoCalendar, CalendarDayKind, Session as ProtoSession,
};

use super::time_of;
use crate::{parse::Fields, time::date_from_proto};

/// What each calendar is for each field, where that differs.
pub(super) fn by_field(
    calendars: &BTreeMap<String, Arc<Calendar>>,
    fields: &BTreeSet<&str>,
) -> BTreeMap<String, BTreeMap<String, Arc<Calendar>>> {
    let narrow = |calendar: &Calendar| -> Option<BTreeMap<_, _>> {
        let each = fields.iter();
        each.map(|&field| Some((field.to_owned(), Arc::new(calendar.of_field(field)?))))
            .collect()
    };
    calendars
        .iter()
        .filter_map(|(id, calendar)| Some((id.clone(), narrow(calendar)?)))
        .filter(|(_, by_field)| !by_field.is_empty())
        .collect()
}

/// Whether the fields of a session are fields that procedures have, each once, and the session may have any.
fn check_session_fields(
    fields: &mut Fields,
    path: &str,
    session: &ProtoSession,
    known: &BTreeSet<&str>,
) {
    if !session.fields.is_empty() && !session.reception_only {
        fields.reject(
            format!("{path}.fields"),
            "belong to a session of reception only: what is worked in, receives every field",
        );
    }
    for (index, field) in session.fields.iter().enumerate() {
        let path = format!("{path}.fields[{index}]");
        if session.fields.iter().take(index).any(|it| it == field) {
            fields.reject(path, format!("'{field}' stands twice"));
        } else if fields.line(&path, field).is_some() && !known.contains(field.as_str()) {
            fields.reject(path, format!("no procedure is of the field '{field}'"));
        }
    }
}

/// A calendar, where its sessions and days mean something.
pub(super) fn parse(
    fields: &mut Fields,
    path: &str,
    calendar: &ProtoCalendar,
    known: &BTreeSet<&str>,
) -> Option<Calendar> {
    let mut working: BTreeMap<i32, Vec<Session>> = BTreeMap::new();
    let mut reception: BTreeMap<i32, Vec<Session>> = BTreeMap::new();
    let mut narrow: BTreeMap<i32, Vec<(Session, &[String])>> = BTreeMap::new();
    let mut sound = true;
    for (index, session) in calendar.sessions.iter().enumerate() {
        let path = format!("{path}.sessions[{index}]");
        check_session_fields(fields, &path, session, known);
        let parsed = time_of(session.from_minute)
            .zip(time_of(session.to_minute))
            .and_then(|(from, to)| Session::new(from, to).ok());
        match parsed {
            Some(parsed) if (1..=7).contains(&session.weekday) => {
                if session.reception_only && !session.fields.is_empty() {
                    let list = narrow.entry(session.weekday).or_default();
                    list.push((parsed, &session.fields));
                    continue;
                }
                let list = if session.reception_only {
                    &mut reception
                } else {
                    &mut working
                };
                list.entry(session.weekday).or_default().push(parsed);
            }
            Some(_) => {
                sound = false;
                fields.reject(
                    format!("{path}.weekday"),
                    "must be 1 (Monday) to 7 (Sunday)",
                );
            }
            None => {
                sound = false;
                fields.reject(path, "must begin before it ends, within one day");
            }
        }
    }
    let mut week = WeeklyHours::closed();
    for weekday in 1..=7 {
        let hours = DayHours::new(
            working.remove(&weekday).unwrap_or_default(),
            reception.remove(&weekday).unwrap_or_default(),
        );
        let narrow = narrow.remove(&weekday).unwrap_or_default();
        let hours = hours.and_then(|day| with_narrow(day, narrow));
        match (
            hours,
            i8::try_from(weekday)
                .ok()
                .and_then(|day| Weekday::from_monday_one_offset(day).ok()),
        ) {
            (Ok(hours), Some(weekday)) => week = week.with(weekday, hours),
            (Err(error), _) => {
                sound = false;
                fields.reject(format!("{path}.sessions"), error.to_string());
            }
            (_, None) => sound = false,
        }
    }
    let mut days = Vec::new();
    for (index, day) in calendar.days.iter().enumerate() {
        let path = format!("{path}.days[{index}]");
        let date = day.date.as_ref().and_then(date_from_proto);
        let half = |morning: bool| {
            let noon = Time::midnight().wrapping_add(jiff::Span::new().hours(12));
            let monday = week.day(Weekday::Monday);
            DayHours::new(
                monday
                    .working()
                    .iter()
                    .copied()
                    .filter(|session| (session.close() <= noon) == morning),
                [],
            )
            .ok()
        };
        let kind = match day.kind() {
            CalendarDayKind::Holiday => Some(DayKind::holiday(&day.title)),
            CalendarDayKind::Working => Some(DayKind::working(&day.title)),
            CalendarDayKind::Morning => half(true).map(|hours| DayKind::hours(&day.title, hours)),
            CalendarDayKind::Afternoon => {
                half(false).map(|hours| DayKind::hours(&day.title, hours))
            }
            CalendarDayKind::Unspecified => None,
        };
        match date.zip(kind) {
            Some(day) => days.push(day),
            None => {
                sound = false;
                fields.reject(path, "must have a date that exists and a kind");
            }
        }
    }
    if !sound {
        return None;
    }
    match Calendar::new(week, days) {
        Ok(calendar) => Some(calendar),
        Err(error) => {
            fields.reject(path, error.to_string());
            None
        }
    }
}

fn with_narrow(day: DayHours, narrow: Vec<(Session, &[String])>) -> Result<DayHours, Invalid> {
    narrow.into_iter().try_fold(day, |day, (session, fields)| {
        day.with_reception_of(session, fields.iter().cloned())
    })
}
