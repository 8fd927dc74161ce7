//! `motcua catalog import`: a list of procedures as others publish it becomes the `procedures.csv` of a catalog.
//!
//! What stands in the list is taken; what it lacks is guessed, and told with the reason; what cannot be guessed is
//! refused, and told too. Papers of procedures that the list does not have are left out of the copy. What is written has passed
//! the same check as any other catalog. Deliberately not here: what
//! the list's words mean as a limit (`limit.rs`), what is guessed from what (`guess.rs`), and what a catalog may say (the
//! check's own code).

mod guess;
mod limit;
mod list;
mod papers;
mod report;

use std::{
    collections::HashMap,
    fmt,
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use self::{
    guess::{known, tell, tell_namesakes},
    papers::LeftOut,
};
use super::{
    bundle,
    fault::{Fault, Faults},
    files::{DEFINITIONS, Files, PAPERS, PROCEDURES},
    tables::PROCEDURES as COLUMNS,
};

/// The definition for what nobody has described yet.
const IMPORTED: &str = "imported";
const IMPORTED_FILE: &str = "definitions/imported.toml";
const IMPORTED_TEXT: &str = include_str!("imported.toml");

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
    left_out: Vec<LeftOut>,
    written: PathBuf,
    definition: Option<PathBuf>,
}

/// Why nothing was written, and what is to be told all the same.
#[derive(Debug)]
pub(crate) struct Refused {
    told: Vec<Told>,
    why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
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
    fee_tiers: String,
    fee_cap_vnd: String,
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
pub(crate) fn import(order: &Order) -> Result<Imported, Refused> {
    let mut told = Vec::new();
    match take_in(order, &mut told) {
        Ok(Some(made)) => Ok(Imported {
            told,
            left_out: made.left_out,
            written: order.into.join(PROCEDURES),
            definition: made.plain.then(|| order.into.join(IMPORTED_FILE)),
        }),
        Ok(None) => Ok(Imported {
            told,
            left_out: Vec::new(),
            written: PathBuf::new(),
            definition: None,
        }),
        Err(why) => Err(Refused { told, why }),
    }
}

/// What is to be written.
struct Made {
    procedures: String,
    /// `papers.csv`, where rows of it had to go.
    papers: Option<String>,
    left_out: Vec<LeftOut>,
    /// Whether the plain definition has to be put beside it.
    plain: bool,
}

/// Reads, tells and writes; nothing where no row could be taken.
fn take_in(order: &Order, told: &mut Vec<Told>) -> Result<Option<Made>, String> {
    let known = known()?;
    let mut lines = HashMap::new();
    for entry in list::read(&order.list)? {
        told.push(tell(&entry, &known, &mut lines));
    }
    tell_namesakes(told);
    let written = order.into.join(PROCEDURES);
    if written.exists() && !order.force {
        return Err(format!(
            "{}: is there already; --force replaces it",
            written.display()
        ));
    }
    let Some(made) = fit(&order.into, told)? else {
        return Ok(None);
    };
    if made.plain {
        put(&order.into.join(IMPORTED_FILE), IMPORTED_TEXT, false)?;
    }
    if let Some(papers) = &made.papers {
        put(&order.into.join(PAPERS), papers, true)?;
    }
    put(&written, &made.procedures, order.force)?;
    Ok(Some(made))
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

/// Checks the rows as the catalog that they would make, until all that are left pass: a row whose definition does not
/// fit its limit takes the plain one, and any other row with a fault is refused with it. Papers go where their procedure goes.
fn fit(dir: &Path, told: &mut [Told]) -> Result<Option<Made>, String> {
    loop {
        let (text, rows) = table(told)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut faults = Faults::default();
        let mut files = Files::in_directory(dir, &mut faults);
        let ours = files.path(PROCEDURES);
        let needed = told.iter().any(Told::is_plain) && !files.has(IMPORTED_FILE);
        if needed {
            files.put(IMPORTED_FILE, IMPORTED_TEXT.to_owned());
        }
        files.put(PROCEDURES, text.clone());
        let (papers, left_out) = papers::keep(&files, told);
        if let Some(papers) = &papers {
            files.put(PAPERS, papers.clone());
        }
        let Err(faults) = bundle(&files, faults) else {
            return Ok(Some(Made {
                procedures: text,
                papers,
                left_out,
                plain: needed,
            }));
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
        .write_record(COLUMNS.required.iter().chain(&["fee_tiers", "fee_cap_vnd"]))
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
                &row.fee_tiers,
                &row.fee_cap_vnd,
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

/// Writes the report of an import, as a table divided by tabs: also of one that wrote nothing else.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_report(
    imported: &Result<Imported, Refused>,
    path: &Path,
) -> Result<(), String> {
    let failed =
        |error: &dyn std::error::Error| format!("{}: cannot be written: {error}", path.display());
    let text = report::tsv(imported).map_err(|error| failed(&error))?;
    fs::write(path, text).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests;
