//! What is wrong with a catalog's files, and where.

use std::{collections::HashMap, fmt};

use motcua_platform::error::Violation;

/// One thing that is wrong. Shown as `deploy/catalog/procedures.csv:12: limit: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// Path of the file.
    pub(crate) file: String,
    /// Line, from 1; none where the file as a whole is meant.
    pub(crate) line: Option<usize>,
    /// Column of the table or key of the line, where one is meant.
    pub(crate) column: Option<String>,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ": {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong, a line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Each of them, by file and line.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// Whether something is wrong in the file of a place.
    pub(super) fn touch(&self, place: &Place) -> bool {
        self.0.iter().any(|fault| fault.file == place.file)
    }

    /// One more.
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Without these: what is wrong is told in another way.
    pub(super) fn take_back(&mut self, these: &[Fault]) {
        self.0.retain(|fault| !these.contains(fault));
    }

    /// Leads violations back to where their fields stand. A place that is known to be wrong already is left alone: what
    /// could not be read is missing to whoever checks it next.
    pub(super) fn lead_back(&mut self, violations: &[Violation], places: &Places, whole: &Place) {
        for violation in violations {
            let place = places.find(&violation.field);
            let message = match place {
                Some(_) => violation.description.clone(),
                None => format!("{}: {}", violation.field, violation.description),
            };
            self.push_unless_known(place.unwrap_or(whole).fault(message));
        }
    }

    /// One more, unless its place is known to be wrong already.
    pub(super) fn push_unless_known(&mut self, fault: Fault) {
        let known = self.0.iter().any(|known| {
            let overlaps =
                known.column.is_none() || fault.column.is_none() || known.column == fault.column;
            known == &fault
                || (known.file == fault.file
                    && known.line == fault.line
                    && known.line.is_some()
                    && overlaps)
        });
        if !known {
            self.0.push(fault);
        }
    }

    /// The value, if nothing is wrong with it.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort();
        Err(self)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    file: String,
    line: Option<usize>,
    column: Option<String>,
}

impl Place {
    /// A file as a whole.
    pub(super) fn file(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
        }
    }

    /// A line.
    pub(super) fn line(file: &str, line: usize) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            column: None,
        }
    }

    /// The line's number; `None` for a whole file.
    pub(super) fn number(&self) -> Option<usize> {
        self.line
    }

    /// A column of this line, or a key in it.
    pub(super) fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }

    /// It is wrong.
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault {
            file: self.file.clone(),
            line: self.line,
            column: self.column.clone(),
            message: message.into(),
        }
    }
}

/// Where the fields of a message stand, by their paths: `definition.steps[3].task.role`.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(HashMap<String, Place>);

impl Places {
    /// A field stands here.
    pub(super) fn put(&mut self, path: impl Into<String>, place: Place) {
        self.0.insert(path.into(), place);
    }

    /// Where a field stands, or else what holds it.
    pub(super) fn find(&self, path: &str) -> Option<&Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.0.get(path) {
                return Some(place);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}
