//! What an import tells: each row with what was taken, guessed and refused; for people and for programs.

use std::fmt;

use super::{
    Guess, Imported, PAPERS, Refused, Told,
    guess::{SHIPPED, UNKNOWN},
};
use crate::tables::{shortened, table};

/// Characters of what is told beside a row on a terminal; the report has all of it.
const TOLD_WIDTH: usize = 96;
/// Characters of a name.
const TITLE_WIDTH: usize = 40;

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<Vec<String>> = self.told.iter().map(line).collect();
        f.write_str(&table(
            &["line", "code", "name", "took", "guessed", "refused"],
            &rows,
            6,
        ))?;
        writeln!(f, "\n  * {SHIPPED}\n  ? {UNKNOWN}\n")?;
        let refused = count(&self.told, |told| told.refused.is_some());
        let guessed = count(&self.told, |told| {
            told.row.is_some() && told.guessed.iter().any(|guess| guess.column == "limit")
        });
        let written = self.told.len() - refused;
        writeln!(f, "rows of the list: {}", self.told.len())?;
        writeln!(
            f,
            "written: {written}, {} of them with the limit as the list has it, {guessed} with a limit that is guessed",
            written - guessed
        )?;
        writeln!(f, "refused: {refused}")?;
        for (reason, count) in reasons(&self.told) {
            writeln!(f, "  {count:>4}  {reason}")?;
        }
        if self.is_empty() {
            return f.write_str("nothing was written");
        }
        if !self.left_out.is_empty() {
            let count = self.left_out.len();
            writeln!(
                f,
                "{PAPERS}: {count} papers left out, whose procedure or option is not among what was taken"
            )?;
        }
        if let Some(definition) = &self.definition {
            writeln!(
                f,
                "{}: put there, for what nobody has described yet",
                definition.display()
            )?;
        }
        write!(
            f,
            "{}: {written} procedures, no fault",
            self.written.display()
        )
    }
}

fn count(told: &[Told], which: impl Fn(&Told) -> bool) -> usize {
    told.iter().filter(|told| which(told)).count()
}

/// Refusals by the column that they are about, the most frequent first.
fn reasons(told: &[Told]) -> Vec<(String, usize)> {
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for refused in told.iter().filter_map(|told| told.refused.as_deref()) {
        // What stands in quotes is the row's own.
        let reason: String = refused.split('\'').step_by(2).collect::<Vec<_>>().join("…");
        let reason = without_numbers(&reason);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    reasons
}

/// The reason alone, so that rows that differ in a number only are counted together.
fn without_numbers(text: &str) -> String {
    let words: Vec<_> = text
        .split(' ')
        .map(|word| {
            if word.starts_with(|c: char| c.is_ascii_digit()) && word.len() > 1 {
                "…"
            } else {
                word
            }
        })
        .collect();
    words.join(" ")
}

fn line(told: &Told) -> Vec<String> {
    // What is the row's own stands first: a terminal has room for so much.
    let (own, usual): (Vec<_>, Vec<_>) = told
        .guessed
        .iter()
        .partition(|guess| !matches!(guess.why.as_str(), SHIPPED | UNKNOWN));
    let guessed: Vec<String> = own.into_iter().chain(usual).map(brief).collect();
    vec![
        told.line.to_string(),
        told.code.clone(),
        shortened(&told.title, TITLE_WIDTH),
        took(told),
        shortened(&guessed.join("; "), TOLD_WIDTH),
        shortened(told.refused.as_deref().unwrap_or_default(), TOLD_WIDTH),
    ]
}

/// The limit as it is written; code, name and field are taken as they stand.
fn took(told: &Told) -> String {
    told.row.as_ref().map_or_else(String::new, |row| {
        if row.cutoff.is_empty() {
            row.limit.clone()
        } else {
            format!("{} until {}", row.limit, row.cutoff)
        }
    })
}

fn brief(guess: &Guess) -> String {
    match guess.why.as_str() {
        "" => guess.value.clone(),
        SHIPPED => format!("{} {} *", guess.column, guess.value),
        UNKNOWN => format!("{} {} ?", guess.column, guess.value),
        why => format!("{} {} ({why})", guess.column, guess.value),
    }
}

fn full(guess: &Guess) -> String {
    match guess.why.as_str() {
        "" => guess.value.clone(),
        why => format!("{} {} ({why})", guess.column, guess.value),
    }
}

/// The same with nothing left out, divided by tabs. The lines of papers that were left out are those of their own table.
pub(super) fn tsv(imported: &Result<Imported, Refused>) -> Result<Vec<u8>, csv::Error> {
    let (told, left_out) = match imported {
        Ok(imported) => (&imported.told, &imported.left_out[..]),
        Err(refused) => (&refused.told, &[][..]),
    };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b'\t')
        .from_writer(Vec::new());
    writer.write_record([
        "line", "code", "name", "outcome", "took", "guessed", "refused",
    ])?;
    for told in told {
        let limit_guessed = told.guessed.iter().any(|guess| guess.column == "limit");
        let outcome = match &told.row {
            None => "refused",
            Some(_) if imported.is_err() => "not written",
            Some(_) if limit_guessed => "limit guessed",
            Some(_) => "taken",
        };
        let guessed: Vec<String> = told.guessed.iter().map(full).collect();
        writer.write_record([
            &told.line.to_string(),
            &told.code,
            &told.title,
            outcome,
            &took(told),
            &guessed.join("; "),
            told.refused.as_deref().unwrap_or_default(),
        ])?;
    }
    for paper in left_out {
        writer.write_record([
            &paper.line.to_string(),
            &paper.procedure,
            &paper.title,
            "paper left out",
            "",
            "",
            &paper.why,
        ])?;
    }
    writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}
