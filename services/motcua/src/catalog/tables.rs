//! The tables of a catalog: agencies, procedures, and the days of each calendar.

use std::collections::BTreeMap;

use motcua_calendar::Limit as CalendarLimit;
use motcua_platform::{
    catalog::{self, ACCEPTANCE_HOURS_MAX, SUPPLEMENT_DAYS_MAX},
    time::date_to_proto,
};
use motcua_proto::google::r#type::Date as ProtoDate;
use motcua_proto::r#type::v1::{
    Agency, Calendar, CalendarDay, CalendarDayKind, Catalog, DueHour, Exemption, FormSet, Limit,
    OtherLimit, Procedure, SameDay, limit::Kind,
};

use super::{
    GROUNDS,
    fault::{Faults, Places},
    fees,
    files::{self, Files},
    header::{self, Header, Week},
    papers,
    sheet::{self, Columns, Row},
    words::{self, LIMITS, agency_of},
};

const AGENCIES: Columns = Columns {
    required: &["code", "title", "kind", "identifier", "parent", "calendar"],
    optional: &[
        "successors",
        "valid_from",
        "valid_to",
        "transfer_cutoff",
        "superior",
        "phone",
    ],
};
const DAYS: Columns = Columns {
    required: &["date", "kind", "title"],
    optional: &[],
};
/// The columns of `procedures.csv`.
pub(super) const PROCEDURES: Columns = Columns {
    required: &[
        "code",
        "title",
        "field",
        "limit",
        "cutoff",
        "fee_vnd",
        "fee_online_vnd",
        "fee_unit",
        "competent",
        "definition",
        "options",
    ],
    optional: &[
        "competent_agency",
        "aliases",
        "successor",
        "valid_from",
        "valid_to",
        "exemptions",
        "form_set",
        "supplement_rounds",
        "retention_days",
        "archive_days",
        "other_limits",
        "acceptance_hours",
        "supplement_days",
        "fee_tiers",
        "fee_cap_vnd",
        "claimed_exemptions",
    ],
};
/// More rounds of supplements than anybody means.
const ROUNDS_MAX: i32 = 10;
/// The largest fee that is taken for one, in đồng.
pub(super) const FEE_VND_MAX: i64 = 1_000_000_000_000;

/// Reads the header and the tables. `None` where one of them is missing or misshapen as a whole: what refers to it
/// cannot be judged then.
pub(super) fn read(
    files: &Files,
    definitions: &BTreeMap<String, bool>,
    places: &mut Places,
    faults: &mut Faults,
) -> Option<Catalog> {
    let header = header::read(files, places, faults);
    let mut calendars = Vec::new();
    for (index, week) in header
        .iter()
        .flat_map(|header| &header.calendars)
        .enumerate()
    {
        let path = format!("catalog.calendars[{index}]");
        let days = days(files, week, &path, places, faults);
        calendars.push(Calendar {
            id: week.id.clone(),
            sessions: week.sessions.clone(),
            // Days take their hours from the week, which is not known then.
            days: if week.sound { days } else { Vec::new() },
        });
    }
    let due_hour = header
        .as_ref()
        .map_or(DueHour::Unspecified, |header| header.due_hour);
    let agencies = rows(files, files::AGENCIES, AGENCIES, faults).map(|rows| {
        let read = rows.iter().enumerate();
        read.map(|(index, row)| {
            agency(
                row,
                &format!("catalog.agencies[{index}]"),
                due_hour,
                places,
                faults,
            )
        })
        .collect()
    });
    let mut papers = papers::read(files, faults);
    let procedures = rows(files, files::PROCEDURES, PROCEDURES, faults).map(|rows| {
        let read = rows.iter().enumerate();
        read.map(|(index, row)| {
            procedure(
                row,
                &format!("catalog.procedures[{index}]"),
                header.as_ref(),
                definitions,
                places,
                faults,
            )
        })
        .collect::<Vec<Procedure>>()
    });
    let (header, agencies, mut procedures) = (header?, agencies?, procedures?);
    papers.give(&mut procedures, places, faults);
    Some(Catalog {
        id: header.id,
        agencies,
        procedures,
        calendars,
        applied_at: None,
        effective_from: header.effective_from,
    })
}

pub(super) fn rows(
    files: &Files,
    name: &str,
    columns: Columns,
    faults: &mut Faults,
) -> Option<Vec<Row>> {
    let (file, text) = files.text(name, faults)?;
    sheet::read(file, text, columns, faults)
}

pub(super) fn put(row: &Row, path: &str, columns: Option<Columns>, places: &mut Places) {
    places.put(path, row.place().clone());
    for column in columns.into_iter().flat_map(Columns::names) {
        places.put(format!("{path}.{column}"), row.at(column));
    }
}

/// Reads the days of a calendar, without those that are wrong. None at all are a calendar whose weeks are all alike.
fn days(
    files: &Files,
    week: &Week,
    path: &str,
    places: &mut Places,
    faults: &mut Faults,
) -> Vec<CalendarDay> {
    let Some((name, place)) = &week.days else {
        return Vec::new();
    };
    if !files.has(name) {
        faults.push(place.fault(format!("there is no file '{name}' beside this one")));
        return Vec::new();
    }
    let mut days: Vec<CalendarDay> = Vec::new();
    for row in rows(files, name, DAYS, faults).unwrap_or_default() {
        let date = row
            .get("date")
            .parse::<jiff::civil::Date>()
            .ok()
            .map(date_to_proto);
        let kind = match row.get("kind") {
            "holiday" => Some(CalendarDayKind::Holiday),
            "working" => Some(CalendarDayKind::Working),
            "morning" => Some(CalendarDayKind::Morning),
            "afternoon" => Some(CalendarDayKind::Afternoon),
            _ => None,
        };
        let title = row.get("title");
        if date.is_none() {
            faults.push_unless_known(
                row.at("date")
                    .fault("must be a day that exists, such as 2025-09-02"),
            );
        }
        if kind.is_none() {
            let message = format!(
                "'{}' is none of holiday, working, morning, afternoon",
                row.get("kind")
            );
            faults.push_unless_known(row.at("kind").fault(message));
        }
        if title.is_empty() {
            faults.push_unless_known(
                row.at("title")
                    .fault("is required; it explains a due date to people"),
            );
        }
        if date.is_some() && days.iter().any(|day| day.date == date) {
            faults.push_unless_known(row.at("date").fault("stands twice"));
        } else if let (Some(date), Some(kind)) = (date, kind) {
            put(&row, &format!("{path}.days[{}]", days.len()), None, places);
            days.push(CalendarDay {
                date: Some(date),
                kind: kind.into(),
                title: title.to_owned(),
            });
        }
    }
    days
}

fn agency(
    row: &Row,
    path: &str,
    due_hour: DueHour,
    places: &mut Places,
    faults: &mut Faults,
) -> Agency {
    put(row, path, Some(AGENCIES), places);
    Agency {
        code: row.get("code").to_owned(),
        title: row.get("title").to_owned(),
        kind: kind(row, "kind", faults),
        identifier: row.get("identifier").to_owned(),
        calendar: row.get("calendar").to_owned(),
        parent: row.get("parent").to_owned(),
        due_hour: due_hour.into(),
        successors: several(row, "successors"),
        valid_from: bound(row, "valid_from", faults),
        valid_to: bound(row, "valid_to", faults),
        transfer_cutoff_minute: transfer_cutoff(row, faults),
        superior: row.get("superior").to_owned(),
        phone: row.get("phone").to_owned(),
    }
}

/// Minutes after midnight, 0 where nothing is said.
fn transfer_cutoff(row: &Row, faults: &mut Faults) -> i32 {
    let text = row.get("transfer_cutoff");
    let minute = header::minute(text).filter(|minute| *minute > 0);
    if minute.is_none() && !text.is_empty() {
        let message = format!("'{text}' is no hour, such as 15:00");
        faults.push_unless_known(row.at("transfer_cutoff").fault(message));
    }
    minute.unwrap_or_default()
}

/// The words of a column, divided by spaces.
fn several(row: &Row, column: &str) -> Vec<String> {
    row.get(column)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// A day, where one is named.
fn bound(row: &Row, column: &str, faults: &mut Faults) -> Option<ProtoDate> {
    let text = row.get(column);
    if text.is_empty() {
        return None;
    }
    let date = text.parse::<jiff::civil::Date>().ok().map(date_to_proto);
    if date.is_none() {
        let message = "must be a day that exists, such as 2025-07-01, or be left empty";
        faults.push_unless_known(row.at(column).fault(message));
    }
    date
}

fn kind(row: &Row, column: &str, faults: &mut Faults) -> i32 {
    let word = row.get(column);
    let kind = agency_of(word);
    if kind.is_none() {
        faults.push_unless_known(
            row.at(column)
                .fault(format!("'{word}' is none of {}", words::AGENCIES)),
        );
    }
    kind.map_or(0, Into::into)
}

fn procedure(
    row: &Row,
    path: &str,
    header: Option<&Header>,
    definitions: &BTreeMap<String, bool>,
    places: &mut Places,
    faults: &mut Faults,
) -> Procedure {
    put(row, path, Some(PROCEDURES), places);
    let definition = row.get("definition");
    // Where there is none at all, that alone is the fault.
    if !definition.is_empty() && !definitions.is_empty() && !definitions.contains_key(definition) {
        let message = format!(
            "there is no definition '{definition}'; it would be {}{definition}.toml",
            files::DEFINITIONS
        );
        faults.push_unless_known(row.at("definition").fault(message));
    }
    let by_ground = exemptions(row, faults);
    let claimed = written(row, "claimed_exemptions", fees::claimed, faults);
    for index in by_ground.len()..by_ground.len() + claimed.len() {
        let place = row.at("claimed_exemptions");
        places.put(format!("{path}.exemptions[{index}]"), place);
    }
    Procedure {
        code: row.get("code").to_owned(),
        title: row.get("title").to_owned(),
        field: row.get("field").to_owned(),
        limit: limit(row, faults),
        other_limits: other_limits(row, faults),
        fee_vnd: fee(row, "fee_vnd", faults),
        fee_online_vnd: fee(row, "fee_online_vnd", faults),
        fee_unit: row.get("fee_unit").to_owned(),
        definition: definition.to_owned(),
        competent: kind(row, "competent", faults),
        competent_agency: row.get("competent_agency").to_owned(),
        options: several(row, "options"),
        // Given once all of them are known.
        papers: Vec::new(),
        exemptions: by_ground.into_iter().chain(claimed).collect(),
        fee_tiers: written(row, "fee_tiers", fees::tiers, faults),
        fee_cap_vnd: match row.get("fee_cap_vnd") {
            "" => 0,
            _ => fee(row, "fee_cap_vnd", faults),
        },
        form_set: form_set(row, faults).into(),
        supplement_rounds: number(row, "supplement_rounds", ROUNDS_MAX, faults),
        acceptance_hours: number(row, "acceptance_hours", ACCEPTANCE_HOURS_MAX, faults),
        supplement_days: number(row, "supplement_days", SUPPLEMENT_DAYS_MAX, faults),
        retention_days: kept(row, "retention_days", faults)
            .or(header.map(|header| header.retention_days))
            .unwrap_or_default(),
        archive_days: kept(row, "archive_days", faults)
            .or(header.map(|header| header.archive_days))
            .unwrap_or_default(),
        aliases: several(row, "aliases"),
        successor: row.get("successor").to_owned(),
        valid_from: bound(row, "valid_from", faults),
        valid_to: bound(row, "valid_to", faults),
    }
}

/// The common forms where the table says nothing.
fn form_set(row: &Row, faults: &mut Faults) -> FormSet {
    match row.get("form_set") {
        "" => FormSet::Unspecified,
        "standard" => FormSet::Standard,
        "residence" => FormSet::Residence,
        word => {
            let message = format!("'{word}' is none of standard, residence");
            faults.push_unless_known(row.at("form_set").fault(message));
            FormSet::Unspecified
        }
    }
}

/// `merit=100 poor=50`: whose, and percent of the fee.
fn exemptions(row: &Row, faults: &mut Faults) -> Vec<Exemption> {
    let mut exemptions = Vec::new();
    for word in row.get("exemptions").split_whitespace() {
        let read = word.split_once('=').and_then(|(ground, percent)| {
            let ground = GROUNDS.iter().find(|(name, _)| *name == ground)?.1;
            let percent = percent
                .parse()
                .ok()
                .filter(|percent| (1..=100).contains(percent))?;
            Some(Exemption {
                ground: ground.into(),
                percent,
                ..Exemption::default()
            })
        });
        match read {
            Some(exemption) => exemptions.push(exemption),
            None => {
                let message = format!(
                    "'{word}' is no exemption; write merit, disability, elderly, pregnant or poor, and the percent that is not taken: merit=100"
                );
                faults.push_unless_known(row.at("exemptions").fault(message));
            }
        }
    }
    exemptions
}

/// A number above 0; 0 where the procedure does not say.
fn number(row: &Row, column: &str, max: i32, faults: &mut Faults) -> i32 {
    let text = row.get(column);
    if text.is_empty() {
        return 0;
    }
    match text.parse() {
        Ok(number) if (1..=max).contains(&number) => number,
        _ => {
            let message = format!("'{text}' must be a number from 1 to {max}");
            faults.push_unless_known(row.at(column).fault(message));
            0
        }
    }
}

/// Days of the procedure's own; `None` where the catalog's hold.
fn kept(row: &Row, column: &str, faults: &mut Faults) -> Option<i32> {
    let text = row.get(column);
    if text.is_empty() {
        return None;
    }
    let days = text.parse().ok();
    let days = days.filter(|days| (0..=header::DAYS_MAX).contains(days));
    if days.is_none() {
        faults.push_unless_known(row.at(column).fault(header::DAYS));
    }
    days
}

fn fee(row: &Row, column: &str, faults: &mut Faults) -> i64 {
    let text = row.get(column);
    match text.parse() {
        Ok(fee) if (0..=FEE_VND_MAX).contains(&fee) => fee,
        _ => {
            let message = format!(
                "'{text}' is no amount; write whole đồng in digits alone, 0 where it is free"
            );
            faults.push_unless_known(row.at(column).fault(message));
            0
        }
    }
}

/// What a column holds, by its own way of writing; nothing where it cannot be read.
fn written<T>(
    row: &Row,
    column: &str,
    read: fn(&str) -> Result<Vec<T>, String>,
    faults: &mut Faults,
) -> Vec<T> {
    read(row.get(column)).unwrap_or_else(|message| {
        faults.push_unless_known(row.at(column).fault(message));
        Vec::new()
    })
}

fn other_limits(row: &Row, faults: &mut Faults) -> Vec<OtherLimit> {
    words::other_limits(row.get("other_limits")).unwrap_or_else(|message| {
        faults.push_unless_known(row.at("other_limits").fault(message));
        Vec::new()
    })
}

fn limit(row: &Row, faults: &mut Faults) -> Option<Limit> {
    let (text, cutoff) = (row.get("limit"), row.get("cutoff"));
    // The cut-off has a column of its own.
    let same_day = text.split_whitespace().eq(["same", "day"]);
    let limit = text
        .parse::<CalendarLimit>()
        .ok()
        .filter(|limit| same_day || !matches!(limit, CalendarLimit::SameDay { .. }))
        .and_then(|limit| catalog::limit_to_proto(&limit));
    let Some(limit) = limit else {
        let message = format!("'{text}' is no limit; write {LIMITS}",);
        faults.push_unless_known(row.at("limit").fault(message));
        return None;
    };
    if !same_day {
        if !cutoff.is_empty() {
            faults.push_unless_known(row.at("cutoff").fault("belongs to a same-day limit only"));
        }
        return Some(limit);
    }
    let cutoff_minute = header::minute(cutoff);
    if cutoff_minute.is_none() {
        let message =
            format!("'{cutoff}' is no hour; a same-day limit needs its cut-off, such as 15:00");
        faults.push_unless_known(row.at("cutoff").fault(message));
    }
    // The limit itself is not to be called wrong for its cut-off.
    let cutoff_minute = cutoff_minute.unwrap_or_default();
    Some(Limit {
        kind: Some(Kind::SameDay(SameDay { cutoff_minute })),
    })
}
