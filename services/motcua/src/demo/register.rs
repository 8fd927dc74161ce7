//! A register: a CSV file of dossiers to be replayed. A bad row is named with its line and column; what is written is
//! read again as the same.

use std::{
    fmt,
    io::{Read, Write},
};

use jiff::{Timestamp, civil::DateTime};
use motcua_calendar::local;
use motcua_platform::catalog::Catalog;
use motcua_proto::{
    intake::v1::Applicant,
    r#type::v1::{Channel, HandOverMethod, PriorityGround},
};

use super::plan::{Arrival, Papers};
use crate::Failed;

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

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

const KNOWN: [&str; 12] = [
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
/// Where it says nothing there is none.
const PRIORITIES: [(&str, PriorityGround); 5] = [
    ("merit", PriorityGround::Merit),
    ("disability", PriorityGround::Disability),
    ("elderly", PriorityGround::Elderly),
    ("pregnant", PriorityGround::Pregnant),
    ("poor", PriorityGround::Poor),
];

/// Reads a register. Every fault of every row is named; a row with any is not replayed.
///
/// # Errors
/// When the file as a whole is no register: no header, a required column missing, an unknown one.
pub(super) fn read(
    file: impl Read,
    catalog: &Catalog,
) -> Result<(Vec<Arrival>, Vec<Rejected>), Failed> {
    // Rows of another length are named like other faults rather than ending the reading.
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(file);
    let header = reader
        .headers()
        .map_err(|error| Failed::new(format!("the register's header cannot be read: {error}")))?
        .clone();
    let columns = Columns::new(&header)?;
    let mut arrivals = Vec::new();
    let mut rejected = Vec::new();
    for record in reader.into_byte_records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return Err(Failed::new(format!("the register cannot be read: {error}"))),
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

/// Writes who comes as a register. Whose papers are incomplete is no column: what the file says is what was submitted.
///
/// # Errors
/// Those of the file.
pub(super) fn write(file: impl Write, arrivals: &[Arrival]) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(KNOWN)?;
    for arrival in arrivals {
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
            word(&PRIORITIES, arrival.priority),
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
    fn new(header: &csv::StringRecord) -> Result<Self, Failed> {
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
        Err(Failed::new(format!(
            "line 1 of the register: {}; the columns are {}",
            faults.join(", "),
            KNOWN.join(", ")
        )))
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
            self.faults.push(Rejected {
                line: self.line,
                column: None,
                problem: format!(
                    "has {} columns, the header has {}",
                    self.record.len(),
                    self.columns.count
                ),
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
        self.check_against_catalog(procedure.as_deref(), ward.as_deref(), &options);
        Some(Arrival {
            at: at?,
            procedure: procedure?,
            ward: ward?,
            channel: channel?,
            hand_over: hand_over?,
            priority: priority?,
            options,
            applicant: Applicant {
                full_name: full_name?,
                identity_number: self.text("identity_number").to_owned(),
                phone: self.text("phone").to_owned(),
                email: self.text("email").to_owned(),
                address: self.text("address").to_owned(),
            },
            papers: Papers::Complete,
            line: Some(self.line),
        })
    }

    fn check_against_catalog(
        &mut self,
        procedure: Option<&str>,
        ward: Option<&str>,
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
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    text.parse::<DateTime>()
        .ok()
        .and_then(|local| motcua_calendar::instant(local).ok())
        .ok_or_else(|| format!("{text} is no time; write 2025-07-01 08:15"))
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
    meaning(&PRIORITIES, text)
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
mod tests {
    use super::*;
    use crate::demo::{
        draw::Seed,
        invented::Invented,
        plan::{Order, plan, tests::catalog},
    };

    const HEADER: &str = "submitted_at,procedure,receiving_agency,applicant_name,channel,hand_over,options,priority\n";

    fn read_text(rows: &str) -> (Vec<Arrival>, Vec<String>) {
        let (arrivals, rejected) = read(format!("{HEADER}{rows}").as_bytes(), &catalog()).unwrap();
        (arrivals, rejected.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn good_rows_are_replayed_in_the_order_of_time() {
        let (arrivals, rejected) = read_text(
            "2025-07-02 09:00,2.000815,11593,Nguyễn Văn An,portal,online,,\n\
             2025-07-01T08:15:00+07:00,2.002622,11593,\"Trần Thị Bình\",,home,funeral_costs,elderly\n",
        );
        assert_eq!(rejected, [""; 0]);
        assert_eq!(
            arrivals
                .iter()
                .map(|arrival| arrival.line)
                .collect::<Vec<_>>(),
            [Some(3), Some(2)]
        );
        assert_eq!(arrivals[0].options, ["funeral_costs"]);
        assert_eq!(arrivals[0].hand_over, HandOverMethod::Home);
        assert_eq!(arrivals[1].at.to_string(), "2025-07-02T02:00:00Z");
    }

    #[test]
    fn whatever_is_written_is_read_as_the_same() {
        let catalog = catalog();
        let mut arrivals = invented();
        let mut file = Vec::new();
        write(&mut file, &arrivals).unwrap();
        let (read, rejected) = read(file.as_slice(), &catalog).unwrap();
        assert_eq!(rejected, []);
        for (arrival, line) in arrivals.iter_mut().zip(2..) {
            // The file has no column for these.
            arrival.papers = Papers::Complete;
            arrival.line = Some(line);
        }
        assert_eq!(read, arrivals);
        for Arrival { applicant, .. } in &read {
            let told = [
                &applicant.identity_number,
                &applicant.phone,
                &applicant.email,
                &applicant.address,
            ];
            assert!(told.iter().all(|told| !told.is_empty()));
        }
    }

    fn invented() -> Vec<Arrival> {
        plan(&Order {
            invented: &Invented::load(None).unwrap(),
            catalog: &catalog(),
            wards: &["11593".to_owned()],
            dossiers_per_ward: 400,
            seed: Seed(3),
        })
        .unwrap()
    }

    #[test]
    fn every_fault_is_named_with_line_and_column_and_the_other_rows_stay() {
        let (arrivals, rejected) = read_text(
            "2025-13-01 09:00,9.999999,11593,,counter,drone,,\n\
             2025-07-01 09:00,2.000815,11593,Lê Minh Hà,,,,\n\
             2025-07-01 09:00,2.000815\n\
             2025-07-01 09:00,2.000815,99999,Lê Minh Hà,,,funeral_costs,rich\n",
        );
        assert_eq!(arrivals.len(), 1);
        assert_eq!(
            rejected,
            [
                "line 2, column submitted_at: 2025-13-01 09:00 is no time; write 2025-07-01 08:15",
                "line 2, column applicant_name: is required",
                "line 2, column hand_over: drone is none of counter, post, home, online",
                "line 2, column procedure: 9.999999 is no procedure of the catalog",
                "line 4: has 2 columns, the header has 8",
                "line 5, column priority: rich is none of merit, disability, elderly, pregnant, poor",
                "line 5, column receiving_agency: 99999 is no agency of the catalog that receives",
                "line 5, column options: procedure 2.000815 has no option funeral_costs",
            ]
        );
    }

    #[test]
    fn rows_are_counted_once_however_many_faults_they_have() {
        let (_, rejected) =
            read(format!("{HEADER},,,,,,,\n,,,,,,,\n").as_bytes(), &catalog()).unwrap();
        assert_eq!(rows(&rejected), 2);
    }

    #[test]
    fn a_line_break_within_a_name_does_not_shift_the_lines() {
        let (_, rejected) =
            read_text("\"2025-07-01\n09:00\",2.000815,11593,An,,,,\nx,2.000815,11593,An,,,,\n");
        assert!(
            rejected[1].starts_with("line 4, column submitted_at"),
            "{rejected:?}"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_named() {
        let mut file = HEADER.as_bytes().to_vec();
        file.extend_from_slice(b"2025-07-01 09:00,2.000815,11593,\xff,,,,\n");
        let (arrivals, rejected) = read(file.as_slice(), &catalog()).unwrap();
        assert!(arrivals.is_empty());
        assert_eq!(
            rejected[0].to_string(),
            "line 2, column applicant_name: is not UTF-8"
        );
    }

    #[test]
    fn a_file_that_is_no_register_is_refused_as_a_whole() {
        let failed = read("procedure,colour\n".as_bytes(), &catalog())
            .unwrap_err()
            .to_string();
        for part in [
            "colour is unknown",
            "submitted_at is missing",
            "applicant_name is missing",
        ] {
            assert!(failed.contains(part), "{failed}");
        }
    }
}
