//! `catalog.toml`: the catalog's id, the due hour, and the weekly sessions of each calendar.

use motcua_platform::time::date_to_proto;
use motcua_proto::{
    google::r#type::Date,
    r#type::v1::{DueHour, Session},
};

use super::{
    fault::{Faults, Place, Places},
    files::{self, Files},
    table::{Entry, Source, Table},
};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What the file says.
#[derive(Debug)]
pub(super) struct Header {
    /// Id of the catalog.
    pub(super) id: String,
    /// First day on which it is in force; none for the day on which it is applied.
    pub(super) effective_from: Option<Date>,
    /// How every agency prints the due hour.
    pub(super) due_hour: DueHour,
    /// Days that personal data is kept after a dossier's end; 0 for good.
    pub(super) retention_days: i32,
    /// Days after its end that a dossier is due for the archive; 0 for never.
    pub(super) archive_days: i32,
    /// The calendars.
    pub(super) calendars: Vec<Week>,
}

/// A calendar without its days.
#[derive(Debug)]
pub(super) struct Week {
    /// Its id.
    pub(super) id: String,
    /// Name of the file with the days that differ; where it is named.
    pub(super) days: Option<(String, Place)>,
    /// Its sessions.
    pub(super) sessions: Vec<Session>,
    /// Whether all of it could be read: what rests on its hours is not judged otherwise.
    pub(super) sound: bool,
}

/// A hundred years: more is a typing mistake.
pub(super) const DAYS_MAX: i32 = 36_525;
/// What is said of days that are none.
pub(super) const DAYS: &str = "must be whole days, at most a hundred years";

/// Reads it. `None` where it is missing or no TOML.
pub(super) fn read(files: &Files, places: &mut Places, faults: &mut Faults) -> Option<Header> {
    let (file, text) = files.text(files::HEADER, faults)?;
    places.put("catalog", Place::file(file));
    let mut table = Table::parse(Source { file, text }, faults)?;
    let mut header = Header {
        id: String::new(),
        effective_from: None,
        due_hour: DueHour::Unspecified,
        retention_days: 0,
        archive_days: 0,
        calendars: Vec::new(),
    };
    if let Some(entry) = table.require("id", faults) {
        places.put("catalog.id", entry.place.clone());
        header.id = entry.text(faults).unwrap_or_default();
    }
    if let Some(entry) = table.take("effective_from") {
        let place = entry.place.clone();
        places.put("catalog.effective_from", place.clone());
        if let Some(text) = entry.text(faults) {
            match text.parse() {
                Ok(day) => header.effective_from = Some(date_to_proto(day)),
                Err(_) => faults.push(place.fault("must be a day such as \"2026-01-01\"")),
            }
        }
    }
    if let Some(entry) = table.require("due_hour", faults) {
        let place = entry.place.clone();
        match entry.text(faults).as_deref() {
            Some("end_of_day") => header.due_hour = DueHour::EndOfDay,
            Some("same_time") => header.due_hour = DueHour::SameTime,
            Some(other) => {
                faults.push(place.fault(format!("'{other}' is none of end_of_day, same_time")))
            }
            None => {}
        }
    }
    header.retention_days = days(&mut table, "retention_days", faults);
    header.archive_days = days(&mut table, "archive_days", faults);
    if let Some(calendars) = table
        .require("calendars", faults)
        .and_then(|entry| entry.table(faults))
    {
        for (index, entry) in calendars.into_entries().into_iter().enumerate() {
            let path = format!("catalog.calendars[{index}]");
            places.put(&path, entry.place.clone());
            header.calendars.push(week(entry, &path, places, faults));
        }
    }
    table.finish(faults);
    Some(header)
}

/// Days that a key says, 0 where it is not there.
fn days(table: &mut Table<'_>, key: &'static str, faults: &mut Faults) -> i32 {
    let Some(entry) = table.take(key) else {
        return 0;
    };
    let place = entry.place.clone();
    let Some(days) = entry.positive(faults) else {
        return 0;
    };
    if days.fract() == 0.0 && days <= f64::from(DAYS_MAX) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "compared with the range before"
        )]
        return days as i32;
    }
    faults.push(place.fault(DAYS));
    0
}

fn week(entry: Entry<'_>, path: &str, places: &mut Places, faults: &mut Faults) -> Week {
    let before = faults.len();
    let mut week = Week {
        id: entry.key.clone(),
        days: None,
        sessions: Vec::new(),
        sound: false,
    };
    let Some(mut table) = entry.table(faults) else {
        return week;
    };
    if let Some(entry) = table.take("days") {
        let place = entry.place.clone();
        week.days = entry.text(faults).map(|name| (name, place));
    }
    if let Some(entry) = table.require("sessions", faults) {
        let here = entry.place.clone();
        places.put(format!("{path}.sessions"), here.clone());
        for session in entry.tables(faults).unwrap_or_default() {
            let place = session.place.clone();
            for session in sessions(session, faults) {
                let path = format!("{path}.sessions[{}]", week.sessions.len());
                places.put(format!("{path}.fields"), place.clone().column("fields"));
                places.put(path, place.clone());
                week.sessions.push(session);
            }
        }
        if faults.len() == before && week.sessions.iter().all(|session| session.reception_only) {
            let message = "hold none in which work is done, and without one no limit ever ends";
            faults.push(here.fault(message));
        }
    }
    table.finish(faults);
    week.sound = faults.len() == before;
    week
}

/// One line of sessions: the same hours on each of its days.
fn sessions(mut table: Table<'_>, faults: &mut Faults) -> Vec<Session> {
    let days = read_with(
        &mut table,
        "days",
        faults,
        weekdays,
        "must be a day such as \"sat\" or days such as \"mon-fri\"",
    );
    let hours = "must be an hour such as \"07:30\"";
    let from = read_with(&mut table, "from", faults, minute, hours);
    let to = read_with(&mut table, "to", faults, minute, hours);
    let reception_only = table
        .take("reception_only")
        .and_then(|entry| entry.flag(faults))
        .unwrap_or(false);
    let fields = match table.take("fields") {
        Some(entry) => {
            let place = entry.place.clone();
            let fields = entry.texts(faults).unwrap_or_default();
            if fields.is_empty() {
                let message = "must name a field; a session without it receives every field";
                faults.push_unless_known(place.fault(message));
            }
            fields
        }
        None => Vec::new(),
    };
    table.finish(faults);
    let (Some(days), Some(from_minute), Some(to_minute)) = (days, from, to) else {
        return Vec::new();
    };
    days.map(|weekday| Session {
        weekday,
        from_minute,
        to_minute,
        reception_only,
        fields: fields.clone(),
    })
    .collect()
}

fn read_with<T>(
    table: &mut Table<'_>,
    key: &'static str,
    faults: &mut Faults,
    parse: fn(&str) -> Option<T>,
    wanted: &str,
) -> Option<T> {
    let entry = table.require(key, faults)?;
    let place = entry.place.clone();
    let value = parse(&entry.text(faults)?);
    if value.is_none() {
        faults.push(place.column(key).fault(wanted));
    }
    value
}

/// ISO weekdays of `sat` or `mon-fri`.
fn weekdays(text: &str) -> Option<std::ops::RangeInclusive<i32>> {
    let number = |name: &str| {
        let index = WEEKDAYS.iter().position(|day| *day == name.trim())?;
        i32::try_from(index).ok().map(|index| index + 1)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..=last)
}

/// Minutes after midnight of `07:30`.
pub(super) fn minute(text: &str) -> Option<i32> {
    let time = jiff::civil::Time::strptime("%H:%M", text).ok()?;
    Some(i32::from(time.hour()) * 60 + i32::from(time.minute()))
}
