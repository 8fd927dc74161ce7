//! A TOML table that is taken apart key by key. Every fault is collected, and what nobody took is one.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::fault::{Fault, Faults, Place};

/// A file's text, to tell lines by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'s> {
    /// Path, as it is shown.
    pub(super) file: &'s str,
    /// What stands in it.
    pub(super) text: &'s str,
}

impl Source<'_> {
    /// The line of a byte.
    fn place(self, offset: usize) -> Place {
        let before = self
            .text
            .as_bytes()
            .get(..offset)
            .unwrap_or(self.text.as_bytes());
        Place::line(
            self.file,
            before.iter().filter(|byte| **byte == b'\n').count() + 1,
        )
    }
}

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Entry<'s> {
    /// Its key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) place: Place,
    offset: usize,
    source: Source<'s>,
    value: DeValue<'s>,
}

impl<'s> Entry<'s> {
    /// A line of text.
    pub(super) fn text(self, faults: &mut Faults) -> Option<String> {
        match self.value {
            DeValue::String(text) => Some(text.into_owned()),
            _ => self.place.wrong(faults, "must be a text in double quotes"),
        }
    }

    /// True or false.
    pub(super) fn flag(self, faults: &mut Faults) -> Option<bool> {
        match self.value {
            DeValue::Boolean(flag) => Some(flag),
            _ => self.place.wrong(faults, "must be true or false"),
        }
    }

    /// A number above zero.
    pub(super) fn positive(self, faults: &mut Faults) -> Option<f64> {
        let number = match &self.value {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if f64::is_finite(number) && number > 0.0 => Some(number),
            _ => self.place.wrong(faults, "must be a number above 0"),
        }
    }

    /// Percentages, in a list.
    pub(super) fn percents(self, faults: &mut Faults) -> Vec<i32> {
        let DeValue::Array(values) = self.value else {
            faults.push(self.place.fault("must be a list of numbers"));
            return Vec::new();
        };
        let mut percents = Vec::new();
        for value in values {
            match value.get_ref() {
                DeValue::Integer(number) => match number.as_str().parse() {
                    Ok(percent) => percents.push(percent),
                    Err(_) => faults.push(self.place.fault("must be whole numbers")),
                },
                _ => faults.push(self.place.fault("must be whole numbers")),
            }
        }
        percents
    }

    /// Lines of text, in a list.
    pub(super) fn texts(self, faults: &mut Faults) -> Option<Vec<String>> {
        let wanted = "must be a list of texts in double quotes";
        let DeValue::Array(values) = self.value else {
            return self.place.wrong(faults, wanted);
        };
        let texts: Option<Vec<_>> = values
            .into_iter()
            .map(|value| match value.into_inner() {
                DeValue::String(text) => Some(text.into_owned()),
                _ => None,
            })
            .collect();
        texts.or_else(|| self.place.wrong(faults, wanted))
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    /// A table.
    pub(super) fn table(self, faults: &mut Faults) -> Option<Table<'s>> {
        match self.value {
            DeValue::Table(table) => Some(Table::new(self.source, self.place, table)),
            _ => self
                .place
                .wrong(faults, "must be a table of keys and values"),
        }
    }

    /// A list of tables.
    pub(super) fn tables(self, faults: &mut Faults) -> Option<Vec<Table<'s>>> {
        let DeValue::Array(values) = self.value else {
            return self.place.wrong(faults, "must be a list of { tables }");
        };
        let mut tables = Vec::new();
        for value in values {
            let place = self.source.place(value.span().start).column(&self.key);
            match value.into_inner() {
                DeValue::Table(table) => tables.push(Table::new(self.source, place, table)),
                _ => faults.push(place.fault("must be a { table } in this list")),
            }
        }
        Some(tables)
    }
}

impl Place {
    fn wrong<T>(&self, faults: &mut Faults, message: &str) -> Option<T> {
        faults.push(self.fault(message));
        None
    }
}

/// A table whose keys are taken one by one.
#[derive(Debug)]
pub(super) struct Table<'s> {
    /// Where it begins.
    pub(super) place: Place,
    entries: Vec<Entry<'s>>,
    asked: Vec<&'static str>,
    missing: Vec<Fault>,
}

impl<'s> Table<'s> {
    /// Reads a file. `None` where it is no TOML, or holds nothing.
    pub(super) fn parse(source: Source<'s>, faults: &mut Faults) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(source.text);
        let mut last = None;
        for error in &errors {
            // The same again is what follows from the first: each key of a table that stands twice, for example.
            if last.replace(error.message()) != Some(error.message()) {
                let place = source.place(error.span().map_or(0, |span| span.start));
                faults.push_unless_known(place.fault(error.message()));
            }
        }
        if !errors.is_empty() {
            return None;
        }
        let table = table.into_inner();
        if table.is_empty() {
            faults.push(Place::file(source.file).fault("holds nothing"));
            return None;
        }
        Some(Self::new(source, Place::line(source.file, 1), table))
    }

    fn new(source: Source<'s>, place: Place, table: DeTable<'s>) -> Self {
        let mut entries: Vec<_> = table
            .into_iter()
            .map(|(key, value): (Spanned<_>, Spanned<_>)| {
                let offset = key.span().start;
                let key = key.into_inner().into_owned();
                let place = source.place(offset).column(&key);
                Entry {
                    key,
                    place,
                    offset,
                    source,
                    value: value.into_inner(),
                }
            })
            .collect();
        // The order in the file is its author's order.
        entries.sort_by_key(|entry| entry.offset);
        Self {
            place,
            entries,
            asked: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Takes the value of a key that may be missing.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Entry<'s>> {
        self.asked.push(key);
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index))
    }

    /// Takes the value of a key that must be there.
    pub(super) fn require(&mut self, key: &'static str, faults: &mut Faults) -> Option<Entry<'s>> {
        let entry = self.take(key);
        if entry.is_none() {
            let fault = self.place.clone().column(key).fault("is missing");
            self.missing.push(fault.clone());
            faults.push(fault);
        }
        entry
    }

    /// Takes everything, for a table whose keys are names.
    pub(super) fn into_entries(self) -> Vec<Entry<'s>> {
        self.entries
    }

    /// Whether a key is there that has not been taken.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// What nobody took is a fault. Where a key is missing too, it is most likely that one, written otherwise: that is one
    /// fault.
    pub(super) fn finish(self, faults: &mut Faults) {
        if self.entries.is_empty() {
            return;
        }
        faults.take_back(&self.missing);
        let missing: Vec<_> = self
            .missing
            .iter()
            .filter_map(|fault| fault.column.as_deref())
            .collect();
        for entry in &self.entries {
            let message = if missing.is_empty() {
                format!("is no key here; known are {}", self.asked.join(", "))
            } else {
                format!("is no key here; missing is {}", missing.join(", "))
            };
            faults.push(entry.place.fault(message));
        }
    }
}
