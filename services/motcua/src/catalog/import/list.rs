//! The list as it is found: a table divided by tabs, whose cells may hold anything.

use std::{collections::HashMap, fs, path::Path};

use unicode_normalization::UnicodeNormalization as _;

/// Without these there is nothing to import.
const REQUIRED: [&str; 4] = ["code", "name", "field", "time_by_channel"];
/// These are read where they are there; any other column is left out.
const OPTIONAL: [&str; 1] = ["level"];

/// A row of the list.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    /// The line that it begins in, from 1.
    pub(super) line: u64,
    /// Cells by the names of their columns, in one line each.
    cells: HashMap<&'static str, String>,
    /// What was put right in reading it, and what was left out.
    pub(super) mended: Vec<String>,
    /// Why it cannot be read at all.
    pub(super) unreadable: Option<String>,
}

impl Entry {
    /// A cell; empty where the list has none.
    pub(super) fn get(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// Reads a list.
///
/// # Errors
/// Why the file as a whole is no list, with file and line.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, String> {
    let file = path.display();
    let bytes = fs::read(path).map_err(|error| format!("{file}: cannot be read: {error}"))?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .flexible(true)
        .from_reader(bytes.as_slice());
    let head: Vec<String> = reader
        .byte_headers()
        .map_err(|error| format!("{file}:1: cannot be read: {error}"))?
        .iter()
        .map(|name| {
            String::from_utf8_lossy(name)
                .trim_start_matches('\u{feff}')
                .trim()
                .to_lowercase()
        })
        .collect();
    for column in REQUIRED {
        if !head.iter().any(|name| name == column) {
            return Err(format!(
                "{file}:1: {column}: is missing among the columns; a list is divided by tabs and begins with their names, \
                 among them {}",
                REQUIRED.join(", ")
            ));
        }
    }
    let mut entries = Vec::new();
    for record in reader.byte_records() {
        let record = record.map_err(|error| format!("{file}: cannot be read: {error}"))?;
        entries.push(entry(&record, &head));
    }
    Ok(entries)
}

fn entry(record: &csv::ByteRecord, head: &[String]) -> Entry {
    let mut entry = Entry {
        line: record.position().map_or(0, csv::Position::line),
        ..Entry::default()
    };
    let record = match csv::StringRecord::from_byte_record(record.clone()) {
        Ok(record) => record,
        Err(error) => {
            let column = head.get(error.utf8_error().field());
            entry.unreadable = Some(format!(
                "{}: is not written in UTF-8",
                column.map_or("row", String::as_str)
            ));
            return entry;
        }
    };
    if let Some(cell) = record.iter().find(|cell| cell.contains('\t')) {
        let lines = cell.lines().count();
        entry.unreadable = Some(format!(
            "a double quote that is not closed swallows {lines} lines from here on"
        ));
        return entry;
    }
    if record.len() < head.len() {
        entry.unreadable = Some(format!(
            "has {} columns in place of {}",
            record.len(),
            head.len()
        ));
        return entry;
    }
    for cell in record
        .iter()
        .skip(head.len())
        .filter(|cell| !cell.is_empty())
    {
        entry
            .mended
            .push(format!("left out a cell beyond the last column: {cell}"));
    }
    for column in REQUIRED.into_iter().chain(OPTIONAL) {
        let cell = head
            .iter()
            .position(|name| name == column)
            .and_then(|index| record.get(index))
            .unwrap_or_default();
        if cell.trim().contains(['\n', '\r']) {
            entry.mended.push(format!("{column}: line breaks joined"));
        }
        let words: Vec<String> = cell
            .nfc()
            .collect::<String>()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        entry.cells.insert(column, words.join(" "));
    }
    entry
}
