//! `motcua catalog import`: a list of procedures as others publish it becomes the `procedures.csv` of a catalog.
//!
//! What stands in the list is taken; what it lacks is guessed, and told with the reason; what cannot be guessed is
//! refused, and told too. What is written has passed the same check as any other catalog. Deliberately not here: what
//! the list's words mean as a limit (`limit.rs`), and what a catalog may say (the check's own code).

mod limit;
mod list;
mod report;

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use motcua_calendar::Limit;
use motcua_platform::{catalog, parse::LINE_CHARS_MAX};
use motcua_proto::r#type::v1::Procedure;

use self::list::Entry;
use super::{
    budget::word,
    bundle,
    fault::{Fault, Faults},
    files::{DEFINITIONS, Files, PROCEDURES},
    tables::PROCEDURE_COLUMNS,
};

/// The definition for what nobody has described yet.
const IMPORTED: &str = "imported";
const IMPORTED_FILE: &str = "definitions/imported.toml";
const IMPORTED_TEXT: &str = include_str!("imported.toml");

/// Whose the words of a field are, where it is not the ward itself that decides.
const FIELDS: [(&str, Decides); 15] = [
    ("cư trú", Decides::Agency("police")),
    ("căn cước", Decides::Agency("police")),
    ("xuất nhập cảnh", Decides::Agency("police")),
    ("phương tiện giao thông", Decides::Agency("police")),
    ("định danh và xác thực", Decides::Agency("police")),
    ("phòng cháy", Decides::Agency("police")),
    ("vũ khí", Decides::Agency("police")),
    ("giấy phép lái xe", Decides::Agency("police")),
    ("bhxh", Decides::Agency("social_insurance")),
    ("bhyt", Decides::Agency("social_insurance")),
    ("hải quan", Decides::Nobody("the customs")),
    ("thuế", Decides::Nobody("the tax office")),
    ("kho bạc", Decides::Nobody("the treasury")),
    ("tòa án", Decides::Nobody("the courts")),
    ("thi hành án", Decides::Nobody("the enforcement offices")),
];

#[derive(Debug, Clone, Copy)]
enum Decides {
    /// An agency of this kind.
    Agency(&'static str),
    /// Somebody for whom a catalog has no kind.
    Nobody(&'static str),
}

/// What is to be imported, where to, and whether what stands there may go.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The list.
    pub(crate) list: PathBuf,
    /// The catalog's directory.
    pub(crate) into: PathBuf,
    /// Whether `procedures.csv` may be replaced.
    pub(crate) force: bool,
}

/// What became of the list.
#[derive(Debug)]
pub(crate) struct Imported {
    told: Vec<Told>,
    written: PathBuf,
    definition: Option<PathBuf>,
}

/// What is told of one row.
#[derive(Debug, Clone, Default)]
struct Told {
    line: u64,
    code: String,
    title: String,
    /// What was written; none where it was refused.
    row: Option<Row>,
    guessed: Vec<Guess>,
    refused: Option<String>,
}

/// Something that the list does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Guess {
    /// The column that it is for; empty for what was only put right.
    column: &'static str,
    value: String,
    why: String,
}

/// A row of `procedures.csv`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    code: String,
    title: String,
    field: String,
    limit: String,
    cutoff: String,
    fee_vnd: i64,
    fee_online_vnd: i64,
    fee_unit: String,
    competent: String,
    definition: String,
    options: String,
}

impl Imported {
    /// Whether no row was taken, and so nothing written.
    pub(crate) fn is_empty(&self) -> bool {
        self.told.iter().all(|told| told.row.is_none())
    }
}

/// Imports a list.
///
/// # Errors
/// When the list is none, the directory is no sound catalog, or a file is in the way: nothing is written then.
pub(crate) fn import(order: &Order) -> Result<Imported, String> {
    let written = order.into.join(PROCEDURES);
    if written.exists() && !order.force {
        return Err(format!(
            "{}: is there already; --force replaces it",
            written.display()
        ));
    }
    let known = known()?;
    let mut told = Vec::new();
    let mut lines = HashMap::new();
    for entry in list::read(&order.list)? {
        told.push(tell(&entry, &known, &mut lines));
    }
    tell_namesakes(&mut told);
    let (text, definition) = fit(&order.into, &mut told)?;
    let Some(text) = text else {
        return Ok(Imported {
            told,
            written: PathBuf::new(),
            definition: None,
        });
    };
    let definition = if definition {
        let path = order.into.join(IMPORTED_FILE);
        put(&path, IMPORTED_TEXT, false)?;
        Some(path)
    } else {
        None
    };
    put(&written, &text, order.force)?;
    Ok(Imported {
        told,
        written,
        definition,
    })
}

fn put(path: &Path, text: &str, force: bool) -> Result<(), String> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .create_new(!force)
        .truncate(force)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("{}: cannot be written: {error}", path.display()))
}

/// The procedures that come with the software, by their codes: what a list lacks is taken from them first.
fn known() -> Result<HashMap<String, Procedure>, String> {
    let bundle = super::embedded().map_err(|faults| faults.to_string())?;
    let procedures = bundle.catalog.procedures.into_iter();
    Ok(procedures
        .map(|procedure| (procedure.code.clone(), procedure))
        .collect())
}

/// What one row of the list says.
fn tell(
    entry: &Entry,
    known: &HashMap<String, Procedure>,
    lines: &mut HashMap<String, u64>,
) -> Told {
    let code = entry.get("code").to_owned();
    let mut told = Told {
        line: entry.line,
        title: entry.get("name").to_owned(),
        guessed: entry
            .mended
            .iter()
            .map(|mended| Guess::new("", mended, ""))
            .collect(),
        ..Told::default()
    };
    match row(entry, known.get(&code), &mut told.guessed) {
        Ok(_) if lines.contains_key(&code) => {
            told.refused = Some(format!("code: stands in line {} already", lines[&code]));
        }
        Ok(row) => {
            lines.insert(code.clone(), entry.line);
            told.row = Some(row);
        }
        Err(problem) => told.refused = Some(problem),
    }
    told.code = code;
    told
}

fn row(entry: &Entry, known: Option<&Procedure>, guessed: &mut Vec<Guess>) -> Result<Row, String> {
    if let Some(unreadable) = &entry.unreadable {
        return Err(unreadable.clone());
    }
    let code = entry.get("code");
    if !is_code(code) {
        return Err(format!(
            "code: '{code}' is no national code such as 1.000656"
        ));
    }
    let level = entry.get("level");
    if !level.is_empty() && !level.to_lowercase().contains("xã") {
        return Err(format!("level: '{level}' is not the wards'"));
    }
    let mut row = Row {
        code: code.to_owned(),
        title: title(entry.get("name"), code, known, guessed),
        field: entry.get("field").to_owned(),
        ..Row::default()
    };
    row.competent = competent(&row.field, known, guessed)?;
    (row.limit, row.cutoff) = time(entry.get("time_by_channel"), known, guessed)?;
    if let Some(known) = known {
        row.fee_vnd = known.fee_vnd;
        row.fee_online_vnd = known.fee_online_vnd;
        row.fee_unit.clone_from(&known.fee_unit);
        row.definition.clone_from(&known.definition);
        row.options = known.options.join(" ");
        guessed.push(Guess::new("fees", fees(&row), SHIPPED));
        guessed.push(Guess::new("definition", &row.definition, SHIPPED));
    } else {
        row.definition = IMPORTED.to_owned();
        guessed.push(Guess::new("fees", fees(&row), UNKNOWN));
        guessed.push(Guess::new("definition", IMPORTED, UNKNOWN));
    }
    Ok(row)
}

/// Why what the catalog that comes with the software says is taken.
const SHIPPED: &str = "the list does not say; the catalog that comes with the software does";
/// Why the plainest is taken.
const UNKNOWN: &str = "the list does not say, and nobody else here knows the procedure";

impl Guess {
    fn new(column: &'static str, value: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            column,
            value: value.into(),
            why: why.into(),
        }
    }
}

fn fees(row: &Row) -> String {
    format!("{} đồng, online {}", row.fee_vnd, row.fee_online_vnd)
}

/// `1.000656`.
fn is_code(code: &str) -> bool {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    code.split_once('.')
        .is_some_and(|(kind, number)| digits(kind, 1) && digits(number, 6))
}

/// The name, without a code that was written into it.
fn title(name: &str, code: &str, known: Option<&Procedure>, guessed: &mut Vec<Guess>) -> String {
    if let Some(known) = known
        && name.chars().count() > LINE_CHARS_MAX
    {
        let why = format!("the list's has more than {LINE_CHARS_MAX} characters");
        guessed.push(Guess::new("title", &known.title, why));
        return known.title.clone();
    }
    let without = name
        .strip_suffix(&format!("({code})"))
        .map_or(name, str::trim_end);
    if without != name {
        guessed.push(Guess::new("", "left the code out of the name", ""));
    }
    without.to_owned()
}

/// Procedures of one name are most often one decision about several of them: somebody has to look.
fn tell_namesakes(told: &mut [Told]) {
    let mut lines: HashMap<String, Vec<u64>> = HashMap::new();
    for row in told.iter().filter(|told| told.row.is_some()) {
        lines.entry(row.title.clone()).or_default().push(row.line);
    }
    for row in told.iter_mut().filter(|told| told.row.is_some()) {
        let others: Vec<String> = lines
            .get(&row.title)
            .into_iter()
            .flatten()
            .filter(|line| **line != row.line)
            .map(ToString::to_string)
            .collect();
        if !others.is_empty() {
            let told = format!("the name is that of lines {} too", others.join(", "));
            row.guessed.insert(0, Guess::new("", told, ""));
        }
    }
}

fn competent(
    field: &str,
    known: Option<&Procedure>,
    guessed: &mut Vec<Guess>,
) -> Result<String, String> {
    if let Some(known) = known {
        let competent = word(known.competent()).to_owned();
        guessed.push(Guess::new("competent", &competent, SHIPPED));
        return Ok(competent);
    }
    let lower = field.to_lowercase();
    let found = FIELDS.iter().find(|(words, _)| lower.contains(words));
    match found {
        Some((words, Decides::Nobody(who))) => Err(format!(
            "field: '{words}' is decided by {who}, for whom a catalog has no kind of agency"
        )),
        Some((words, Decides::Agency(kind))) => {
            let why = format!("the list does not say; its field speaks of '{words}'");
            guessed.push(Guess::new("competent", *kind, why));
            Ok((*kind).to_owned())
        }
        None => {
            guessed.push(Guess::new("competent", "ward", UNKNOWN));
            Ok("ward".to_owned())
        }
    }
}

/// The limit and its cut-off.
fn time(
    cell: &str,
    known: Option<&Procedure>,
    guessed: &mut Vec<Guess>,
) -> Result<(String, String), String> {
    let known = known
        .and_then(|known| known.limit.as_ref())
        .and_then(catalog::limit);
    let reading = limit::limit(cell);
    let taken = match (reading, known) {
        (Ok(reading), Some(known)) if reading.bare => {
            let why =
                format!("'{cell}' has no unit; the catalog that comes with the software has one");
            guessed.push(Guess::new("limit", known.to_string(), why));
            known
        }
        (Ok(reading), _) => {
            for why in reading.guessed {
                guessed.push(Guess::new("limit", reading.limit.to_string(), why));
            }
            reading.limit
        }
        (Err(problem), Some(known)) => {
            let why = format!("{problem}; the catalog that comes with the software does");
            guessed.push(Guess::new("limit", known.to_string(), why));
            known
        }
        (Err(problem), None) => return Err(format!("time_by_channel: {problem}")),
    };
    Ok(match taken {
        Limit::SameDay { cutoff } => ("same day".to_owned(), cutoff.strftime("%H:%M").to_string()),
        other => (other.to_string(), String::new()),
    })
}

/// Checks the rows as the catalog that they would make, until all that are left pass: a row whose definition does not
/// fit its limit takes the plain one, and any other row with a fault is refused with it. Gives the text of
/// `procedures.csv`, and whether the plain definition has to be put beside it.
fn fit(dir: &Path, told: &mut [Told]) -> Result<(Option<String>, bool), String> {
    loop {
        let (text, rows) = table(told)?;
        if rows.is_empty() {
            return Ok((None, false));
        }
        let mut faults = Faults::default();
        let mut files = Files::in_directory(dir, &mut faults);
        let ours = files.path(PROCEDURES);
        let needed = told.iter().any(Told::is_plain) && !files.has(IMPORTED_FILE);
        if needed {
            files.put(IMPORTED_FILE, IMPORTED_TEXT.to_owned());
        }
        files.put(PROCEDURES, text.clone());
        let Err(faults) = bundle(&files, faults) else {
            return Ok((Some(text), needed));
        };
        let mut changed = false;
        for fault in faults.iter().filter(|fault| fault.file == ours) {
            let row = fault
                .line
                .and_then(|line| line.checked_sub(FIRST_ROW))
                .and_then(|index| rows.get(index));
            if let Some(told) = row.and_then(|index| told.get_mut(*index)) {
                told.put_right(fault);
                changed = true;
            }
        }
        if !changed {
            let others: Vec<_> = faults.iter().map(ToString::to_string).collect();
            return Err(format!(
                "{}\nnothing was written: mend the catalog or take out what does not fit these procedures, and import \
                 again ({DEFINITIONS} may call a procedure that the list does not have)",
                others.join("\n")
            ));
        }
    }
}

/// The line of the first row, below a comment and the head.
const FIRST_ROW: usize = 3;

/// The table, and which of those that are told of stands in each row.
fn table(told: &[Told]) -> Result<(String, Vec<usize>), String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut indexes = Vec::new();
    let failed =
        |error: &dyn std::error::Error| format!("{PROCEDURES}: cannot be written: {error}");
    writer
        .write_record(PROCEDURE_COLUMNS)
        .map_err(|error| failed(&error))?;
    for (index, told) in told.iter().enumerate() {
        let Some(row) = &told.row else { continue };
        let (fee_vnd, fee_online_vnd) = (row.fee_vnd.to_string(), row.fee_online_vnd.to_string());
        writer
            .write_record([
                &row.code,
                &row.title,
                &row.field,
                &row.limit,
                &row.cutoff,
                &fee_vnd,
                &fee_online_vnd,
                &row.fee_unit,
                &row.competent,
                &row.definition,
                &row.options,
            ])
            .map_err(|error| failed(&error))?;
        indexes.push(index);
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    let rows = String::from_utf8(bytes).map_err(|error| failed(&error))?;
    let comment = "# Imported from a list. Who decides, how it is worked on and what it costs is guessed: see the import's report.";
    Ok((format!("{comment}\n{rows}"), indexes))
}

impl Told {
    fn is_plain(&self) -> bool {
        self.row
            .as_ref()
            .is_some_and(|row| row.definition == IMPORTED)
    }

    /// Takes the plain definition where another one does not fit; refuses the row otherwise.
    fn put_right(&mut self, fault: &Fault) {
        let column = fault.column.as_deref().unwrap_or_default();
        let Some(row) = &mut self.row else { return };
        if row.definition != IMPORTED && matches!(column, "limit" | "definition" | "options") {
            let why = format!(
                "'{}' does not fit: {column}: {}",
                row.definition, fault.message
            );
            IMPORTED.clone_into(&mut row.definition);
            row.options.clear();
            self.guessed.retain(|guess| guess.column != "definition");
            self.guessed.push(Guess::new("definition", IMPORTED, why));
            return;
        }
        self.row = None;
        self.refused = Some(match column {
            "" => fault.message.clone(),
            column => format!("{column}: {}", fault.message),
        });
    }
}

/// Writes the report of an import, as a table divided by tabs.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_report(imported: &Imported, path: &Path) -> Result<(), String> {
    let failed =
        |error: &dyn std::error::Error| format!("{}: cannot be written: {error}", path.display());
    let text = report::tsv(&imported.told).map_err(|error| failed(&error))?;
    fs::write(path, text).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests;
