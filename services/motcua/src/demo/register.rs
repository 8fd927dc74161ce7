//! A register: a CSV file of dossiers to be replayed. A bad row is named with its line and column; what is written is
//! read again as the same.

use std::{
    fmt,
    io::{Read, Write},
};

use jiff::{Timestamp, civil::DateTime};
use motcua_calendar::local;
use motcua_platform::{catalog::Catalog, time::local_date};
use motcua_proto::{
    intake::v1::Applicant,
    r#type::v1::{AgencyKind, Channel, HandOverMethod, PriorityGround},
};

use super::plan::{self, Arrival, Papers};
use crate::{Failed, catalog::GROUNDS};

/// For `--help`.
pub(super) const COLUMNS: &str = "\
Columns of --input FILE.csv, and of what --register writes (comma separated, UTF-8, a header line, in any order):
  submitted_at      required  2025-07-01 08:15 (Asia/Ho_Chi_Minh) or 2025-07-01T08:15:00+07:00
  procedure         required  national code: 1.001193
  receiving_agency  required  code of the ward: 11593
  applicant_name    required  full name
  channel           counter (if empty), post, portal, vneid, home
  hand_over         counter (if empty), post, home, online
  identity_number   6 to 20 letters and digits; whoever comes twice with it is one person
  phone, email      where messages go; messages are written to files, never sent
  address           where the applicant lives
  options           separated by ';': funeral_costs
  priority          merit, disability, elderly, pregnant, poor; empty for none
  on_behalf_of      code of the ward that decides, where the counter receives for another one
A row that cannot be read or is refused is reported with its line and column; the others are replayed.";

/// A row that is not replayed, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Rejected {
    /// Line of the file, from 1.
    pub(super) line: u64,
    /// Name of the column; none where the row as a whole is meant.
    pub(super) column: Option<String>,
    /// What is wrong, and what would be right.
    pub(super) problem: String,
}

impl Rejected {
    /// As the faults of a catalog are shown: `register.csv:12: channel: what is wrong`.
    pub(super) fn in_file(&self, file: &str) -> String {
        let column = self
            .column
            .as_ref()
            .map_or_else(String::new, |column| format!("{column}: "));
        format!("{file}:{}: {column}{}", self.line, self.problem)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

const KNOWN: [&str; 13] = [
    "submitted_at",
    "procedure",
    "receiving_agency",
    "applicant_name",
    "channel",
    "hand_over",
    "identity_number",
    "phone",
    "email",
    "address",
    "options",
    "priority",
    "on_behalf_of",
];
const REQUIRED: usize = 4;

/// What the register calls each channel; `counter` where it says nothing.
const CHANNELS: [(&str, Channel); 5] = [
    ("counter", Channel::Counter),
    ("post", Channel::Post),
    ("portal", Channel::Portal),
    ("vneid", Channel::Vneid),
    ("home", Channel::Home),
];
/// Likewise.
const HAND_OVERS: [(&str, HandOverMethod); 4] = [
    ("counter", HandOverMethod::Counter),
    ("post", HandOverMethod::Post),
    ("home", HandOverMethod::Home),
    ("online", HandOverMethod::Online),
];
/// Reads a register, which is called so. Every fault of every row is named; a row with any is not replayed.
///
/// # Errors
/// When the file as a whole is no register: no header, a required column missing, an unknown one.
pub(super) fn read(
    name: &str,
    file: impl Read,
    catalog: &Catalog,
) -> Result<(Vec<Arrival>, Vec<Rejected>), Failed> {
    // Rows of another length are named like other faults rather than ending the reading.
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(file);
    let unreadable = |line: u64, problem: String| Failed::new(format!("{name}:{line}: {problem}"));
    let header = reader
        .byte_headers()
        .map_err(|error| unreadable(1, format!("cannot be read: {error}")))?
        .clone();
    let line = header.position().map_or(1, csv::Position::line);
    let header = csv::StringRecord::from_byte_record(header).map_err(|_| {
        let problem = "is not written in UTF-8; save the register as \"CSV UTF-8\"";
        unreadable(line, problem.to_owned())
    })?;
    let columns = Columns::new(&header).map_err(|problem| unreadable(line, problem))?;
    let mut arrivals = Vec::new();
    let mut rejected = Vec::new();
    for record in reader.into_byte_records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return Err(Failed::new(format!("{name}: cannot be read: {error}"))),
        };
        let line = record.position().map_or(0, csv::Position::line);
        let record = match csv::StringRecord::from_byte_record(record) {
            Ok(record) => record,
            Err(error) => {
                let field = error.utf8_error().field();
                rejected.push(Rejected {
                    line,
                    column: header.get(field).map(str::to_owned),
                    problem: "is not UTF-8".to_owned(),
                });
                continue;
            }
        };
        let mut row = Row {
            columns: &columns,
            record: &record,
            line,
            catalog,
            faults: Vec::new(),
        };
        match row.arrival() {
            Some(arrival) if row.faults.is_empty() => arrivals.push(arrival),
            _ => rejected.append(&mut row.faults),
        }
    }
    arrivals.sort_by_key(|arrival| arrival.at);
    Ok((arrivals, rejected))
}

/// Writes who is received as a register. Whose papers are incomplete, and who pays later, is no column: what the file says is what
/// was submitted.
///
/// # Errors
/// Those of the file.
pub(super) fn write(file: impl Write, arrivals: &[Arrival]) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(KNOWN)?;
    for arrival in arrivals.iter().filter(|arrival| arrival.is_received()) {
        let applicant = &arrival.applicant;
        writer.write_record([
            local(arrival.at).to_string().as_str(),
            &arrival.procedure,
            &arrival.ward,
            &applicant.full_name,
            word(&CHANNELS, arrival.channel),
            word(&HAND_OVERS, arrival.hand_over),
            &applicant.identity_number,
            &applicant.phone,
            &applicant.email,
            &applicant.address,
            &arrival.options.join(";"),
            word(&GROUNDS, arrival.priority),
            &arrival.on_behalf_of,
        ])?;
    }
    writer.flush()?;
    Ok(())
}

/// How many rows are meant: one row can have several faults.
pub(super) fn rows(rejected: &[Rejected]) -> usize {
    let mut lines: Vec<_> = rejected.iter().map(|rejected| rejected.line).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.len()
}

/// Where each column stands.
struct Columns {
    places: [Option<usize>; KNOWN.len()],
    count: usize,
}

impl Columns {
    fn new(header: &csv::StringRecord) -> Result<Self, String> {
        // A spreadsheet divides by what its language's decimal comma leaves free.
        if header.len() <= 1
            && let Some(other) = header
                .get(0)
                .and_then(|only| only.chars().find(|c| matches!(c, ';' | '\t')))
        {
            return Err(format!("is divided by {other:?}, and a register is by ','"));
        }
        // What stands there then is somebody's row, whose name is not repeated.
        let known = |name: &str| KNOWN.contains(&name.trim_start_matches('\u{feff}'));
        if !header.iter().any(known) {
            return Err(format!(
                "names none of the columns, which are {}",
                KNOWN.join(", ")
            ));
        }
        let mut places = [None; KNOWN.len()];
        let mut faults = Vec::new();
        for (place, name) in header.iter().enumerate() {
            // Spreadsheets begin a file with a mark that nobody sees.
            let name = name.trim_start_matches('\u{feff}');
            match KNOWN.iter().position(|known| *known == name) {
                Some(known) if places[known].is_some() => {
                    faults.push(format!("{name} stands twice"))
                }
                Some(known) => places[known] = Some(place),
                None => faults.push(format!("{name} is unknown")),
            }
        }
        for (known, place) in KNOWN.iter().zip(places).take(REQUIRED) {
            if place.is_none() {
                faults.push(format!("{known} is missing"));
            }
        }
        if faults.is_empty() {
            return Ok(Self {
                places,
                count: header.len(),
            });
        }
        Err(format!(
            "{}; the columns are {}",
            faults.join(", "),
            KNOWN.join(", ")
        ))
    }
}

/// One row as it is read.
struct Row<'a> {
    columns: &'a Columns,
    record: &'a csv::StringRecord,
    line: u64,
    catalog: &'a Catalog,
    faults: Vec<Rejected>,
}

impl Row<'_> {
    fn arrival(&mut self) -> Option<Arrival> {
        if self.record.len() != self.columns.count {
            // What an open quote swallows is other people's rows: more than a count of columns must be said of it.
            let lines = self.record.iter().map(|cell| cell.lines().count()).max();
            let problem = match lines {
                Some(lines) if lines > 1 => {
                    format!("a double quote that is not closed swallows {lines} lines from here on")
                }
                _ => format!(
                    "has {} columns, the header has {}",
                    self.record.len(),
                    self.columns.count
                ),
            };
            self.faults.push(Rejected {
                line: self.line,
                column: None,
                problem,
            });
            return None;
        }
        let at = self.read("submitted_at", instant);
        let procedure = self.read("procedure", |text| required(text).map(str::to_owned));
        let ward = self.read("receiving_agency", |text| required(text).map(str::to_owned));
        let full_name = self.read("applicant_name", |text| required(text).map(str::to_owned));
        let channel = self.read("channel", channel);
        let hand_over = self.read("hand_over", hand_over);
        let priority = self.read("priority", priority);
        let options: Vec<String> = self
            .text("options")
            .split(';')
            .map(str::trim)
            .filter(|option| !option.is_empty())
            .map(str::to_owned)
            .collect();
        let on_behalf_of = self.text("on_behalf_of").to_owned();
        self.check_against_catalog(procedure.as_deref(), ward.as_deref(), at, &options);
        if !on_behalf_of.is_empty()
            && self
                .catalog
                .agency(&on_behalf_of)
                .is_none_or(|agency| agency.kind() != AgencyKind::Ward)
        {
            self.fault(
                "on_behalf_of",
                format!("{on_behalf_of} is no ward of the catalog"),
            );
        }
        let procedure = procedure?;
        let wanted = self
            .catalog
            .procedure(&procedure)
            .map(|procedure| plan::wanted(procedure, &options))
            .unwrap_or_default();
        Some(Arrival {
            at: at?,
            procedure,
            ward: ward?,
            channel: channel?,
            hand_over: hand_over?,
            priority: priority?,
            wanted,
            options,
            applicant: Applicant {
                full_name: full_name?,
                identity_number: self.text("identity_number").to_owned(),
                phone: self.text("phone").to_owned(),
                email: self.text("email").to_owned(),
                address: self.text("address").to_owned(),
                ..Applicant::default()
            },
            papers: Papers::Complete,
            on_behalf_of,
            pays_later: false,
            line: Some(self.line),
        })
    }

    fn check_against_catalog(
        &mut self,
        procedure: Option<&str>,
        ward: Option<&str>,
        at: Option<Timestamp>,
        options: &[String],
    ) {
        if let Some(ward) = ward
            && self
                .catalog
                .agency(ward)
                .is_none_or(|agency| agency.identifier.is_empty())
        {
            self.fault(
                "receiving_agency",
                format!("{ward} is no agency of the catalog that receives"),
            );
        }
        let Some(code) = procedure else { return };
        let Some(procedure) = self.catalog.procedure(code) else {
            self.fault(
                "procedure",
                format!("{code} is no procedure of the catalog"),
            );
            return;
        };
        if let Some(why) = at.and_then(|at| self.catalog.why_closed(procedure, local_date(at))) {
            self.fault("procedure", why);
        }
        let unknown: Vec<_> = options
            .iter()
            .filter(|option| !procedure.options.contains(option))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            self.fault(
                "options",
                format!("procedure {code} has no option {}", unknown.join(", ")),
            );
        }
    }

    fn text(&self, column: &str) -> &str {
        KNOWN
            .iter()
            .position(|known| *known == column)
            .and_then(|known| self.columns.places[known])
            .and_then(|place| self.record.get(place))
            .unwrap_or("")
    }

    fn read<T>(&mut self, column: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        parse(self.text(column))
            .map_err(|problem| self.fault(column, problem))
            .ok()
    }

    fn fault(&mut self, column: &str, problem: String) {
        self.faults.push(Rejected {
            line: self.line,
            column: Some(column.to_owned()),
            problem,
        });
    }
}

fn required(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        Err("is required".to_owned())
    } else {
        Ok(text)
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let text = required(text)?;
    let written = text.parse::<Timestamp>().ok();
    let at = written
        .or_else(|| motcua_calendar::instant(text.parse::<DateTime>().ok()?).ok())
        .ok_or_else(|| format!("{text} is no time; write 2025-07-01 08:15"))?;
    // A dossier's code has two digits for the year.
    if (2000..2100).contains(&local(at).year()) {
        Ok(at)
    } else {
        Err(format!("{text} lies outside of the years 2000 to 2099"))
    }
}

fn channel(text: &str) -> Result<Channel, String> {
    meaning(&CHANNELS, if text.is_empty() { "counter" } else { text })
}

fn hand_over(text: &str) -> Result<HandOverMethod, String> {
    meaning(&HAND_OVERS, if text.is_empty() { "counter" } else { text })
}

fn priority(text: &str) -> Result<PriorityGround, String> {
    if text.is_empty() {
        return Ok(PriorityGround::Unspecified);
    }
    meaning(&GROUNDS, text)
}

fn meaning<T: Copy>(words: &[(&str, T)], text: &str) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("{text} is none of {}", words.join(", "))
    })
}

/// Empty for what has no word.
fn word<T: PartialEq>(words: &[(&'static str, T)], meant: T) -> &'static str {
    words
        .iter()
        .find(|(_, meaning)| *meaning == meant)
        .map_or("", |(word, _)| *word)
}

#[cfg(test)]
mod tests;
