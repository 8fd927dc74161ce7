//! A table in a text file: comma separated, one row a line, `#` begins a comment line, the first other line names the
//! columns, in any order.

use super::fault::{Faults, Place};

/// A row and where it stands.
#[derive(Debug)]
pub(super) struct Row {
    place: Place,
    columns: &'static [&'static str],
    values: Vec<String>,
}

impl Row {
    /// The value of a column; empty where there is none.
    pub(super) fn get(&self, column: &str) -> &str {
        let index = self.columns.iter().position(|known| *known == column);
        index
            .and_then(|index| self.values.get(index))
            .map_or("", String::as_str)
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
    columns: &'static [&'static str],
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
        let Some(order) = &head else {
            head = Some(order_of(&values, columns, &place, faults)?);
            continue;
        };
        if values.len() != order.len() {
            faults.push_unless_known(place.fault(format!(
                "has {} columns in place of {}; a text with a comma stands in double quotes",
                values.len(),
                order.len(),
            )));
        }
        // A misshapen row is kept as far as it goes, so that what refers to it is not called wrong too.
        let values = order
            .iter()
            .map(|&index| values.get(index).cloned().unwrap_or_default())
            .collect();
        rows.push(Row {
            place,
            columns,
            values,
        });
    }
    if head.is_none() {
        faults.push(Place::file(file).fault(format!(
            "has no head; its first line is {}",
            columns.join(",")
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

/// For each known column, where the file has it.
fn order_of(
    head: &[String],
    columns: &'static [&'static str],
    place: &Place,
    faults: &mut Faults,
) -> Option<Vec<usize>> {
    let before = faults.len();
    // A spreadsheet divides by what its language's decimal comma leaves free.
    if let [only] = head
        && let Some(other) = only.chars().find(|c| matches!(c, ';' | '\t'))
    {
        faults.push(place.fault(format!("is divided by {other:?}, and a table is by ','")));
        return None;
    }
    if !head.iter().any(|name| columns.contains(&name.as_str())) {
        // What is no text names none either, and that is told already.
        faults.push_unless_known(place.fault(format!(
            "names none of the columns of this table, which are {}",
            columns.join(", ")
        )));
        return None;
    }
    let order: Vec<_> = columns
        .iter()
        .map(|column| head.iter().position(|name| name == column))
        .collect();
    let missing: Vec<_> = columns
        .iter()
        .zip(&order)
        .filter(|(_, index)| index.is_none())
        .map(|(column, _)| *column)
        .collect();
    let mut unknown = false;
    for (index, name) in head.iter().enumerate() {
        let place = place.clone().column(name);
        if !columns.contains(&name.as_str()) {
            unknown = true;
            // Most likely it is the missing one, written otherwise: that is one fault.
            let message = if missing.is_empty() {
                format!(
                    "is no column of this table; they are {}",
                    columns.join(", ")
                )
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
    if faults.len() > before {
        None
    } else {
        order.into_iter().collect()
    }
}
