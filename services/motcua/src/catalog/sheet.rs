//! A table in a text file: comma separated, one row a line, `#` begins a comment line, the first other line names the
//! columns, in any order.

use super::fault::{Faults, Place};

/// The columns of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    /// Those that every file has.
    pub(super) required: &'static [&'static str],
    /// Those that it has where somebody needs them.
    pub(super) optional: &'static [&'static str],
}

impl Columns {
    /// All of them.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }

    fn listed(self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }
}

/// A row and where it stands.
#[derive(Debug)]
pub(super) struct Row {
    place: Place,
    values: Vec<(&'static str, String)>,
}

impl Row {
    /// The value of a column; empty where there is none.
    pub(super) fn get(&self, column: &str) -> &str {
        let value = self.values.iter().find(|(known, _)| *known == column);
        value.map_or("", |(_, value)| value)
    }

    /// Where the row stands.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Where a column of it stands.
    pub(super) fn at(&self, column: &str) -> Place {
        self.place.clone().column(column)
    }
}

/// Reads a table of these columns. `None` when its head is wrong: what stands in which column is not known then.
pub(super) fn read(
    file: &str,
    text: &str,
    columns: Columns,
    faults: &mut Faults,
) -> Option<Vec<Row>> {
    let mut head = None;
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let place = Place::line(file, index + 1);
        let values = match split(line) {
            Ok(values) => values,
            Err(message) => {
                faults.push(place.fault(message));
                // Its code, most likely, can be read all the same.
                line.split(',')
                    .map(|value| value.trim().to_owned())
                    .collect()
            }
        };
        let Some((order, width)) = &head else {
            head = Some((order_of(&values, columns, &place, faults)?, values.len()));
            continue;
        };
        if values.len() != *width {
            faults.push_unless_known(place.fault(format!(
                "has {} columns in place of {}; a text with a comma stands in double quotes",
                values.len(),
                width,
            )));
        }
        // A misshapen row is kept as far as it goes, so that what refers to it is not called wrong too.
        let values = order
            .iter()
            .map(|&(column, index)| (column, values.get(index).cloned().unwrap_or_default()))
            .collect();
        rows.push(Row { place, values });
    }
    if head.is_none() {
        faults.push(Place::file(file).fault(format!(
            "has no head; its first line is {}",
            columns.required.join(",")
        )));
        return None;
    }
    Some(rows)
}

fn split(line: &str) -> Result<Vec<String>, String> {
    if line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err("opens a double quote that is not closed on the same line".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(_) => Ok(record.iter().map(str::to_owned).collect()),
        Err(error) => Err(format!("is no row of a table: {error}")),
    }
}

/// For each column that the file has, where.
fn order_of(
    head: &[String],
    columns: Columns,
    place: &Place,
    faults: &mut Faults,
) -> Option<Vec<(&'static str, usize)>> {
    let before = faults.len();
    // A spreadsheet divides by what its language's decimal comma leaves free.
    if let [only] = head
        && let Some(other) = only.chars().find(|c| matches!(c, ';' | '\t'))
    {
        faults.push(place.fault(format!("is divided by {other:?}, and a table is by ','")));
        return None;
    }
    let order: Vec<_> = columns
        .names()
        .filter_map(|column| Some((column, head.iter().position(|name| name == column)?)))
        .collect();
    if order.is_empty() {
        // What is no text names none either, and that is told already.
        faults.push_unless_known(place.fault(format!(
            "names none of the columns of this table, which are {}",
            columns.listed()
        )));
        return None;
    }
    let missing: Vec<_> = columns
        .required
        .iter()
        .copied()
        .filter(|column| !order.iter().any(|(known, _)| known == column))
        .collect();
    let mut unknown = false;
    for (index, name) in head.iter().enumerate() {
        let place = place.clone().column(name);
        if !columns.names().any(|known| known == name) {
            unknown = true;
            // Most likely it is the missing one, written otherwise: that is one fault.
            let message = if missing.is_empty() {
                format!("is no column of this table; they are {}", columns.listed())
            } else {
                format!(
                    "is no column of this table; missing is {}",
                    missing.join(", ")
                )
            };
            faults.push(place.fault(message));
        } else if head.iter().position(|other| other == name) != Some(index) {
            faults.push(place.fault("stands twice"));
        }
    }
    if !unknown {
        for column in missing {
            let place = place.clone().column(column);
            faults.push(place.fault("is missing among the columns"));
        }
    }
    (faults.len() == before).then_some(order)
}
