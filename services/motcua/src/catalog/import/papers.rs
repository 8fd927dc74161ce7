//! The papers of a copied catalog: those of procedures that the list does not have go, and are told of.

use std::collections::{BTreeMap, BTreeSet};

use super::{Files, PAPERS, Told};
use crate::catalog::{
    fault::Faults,
    papers::COLUMNS,
    sheet::{self, Row},
};

/// A row of `papers.csv` that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) line: usize,
    pub(super) procedure: String,
    pub(super) title: String,
    pub(super) why: String,
}

/// The table without the rows that nobody wants any more, and these; no table where all of them stay, or where it is none: what is
/// wrong with it is for the check to say.
pub(super) fn keep(files: &Files, told: &[Told]) -> (Option<String>, Vec<LeftOut>) {
    let mut faults = Faults::default();
    let table = files
        .has(PAPERS)
        .then(|| files.text(PAPERS, &mut faults))
        .flatten();
    let Some((file, text)) = table else {
        return (None, Vec::new());
    };
    let options: BTreeMap<_, BTreeSet<_>> = told
        .iter()
        .filter_map(|told| told.row.as_ref())
        .map(|row| (row.code.as_str(), row.options.split_whitespace().collect()))
        .collect();
    let rows = sheet::read(file, text, COLUMNS, &mut faults).unwrap_or_default();
    let left_out: Vec<_> = rows
        .iter()
        .filter_map(|row| left_out(row, &options))
        .collect();
    if left_out.is_empty() {
        return (None, left_out);
    }
    let lines: BTreeSet<_> = left_out.iter().map(|paper| paper.line).collect();
    let kept = text
        .lines()
        .enumerate()
        .filter(|(index, _)| !lines.contains(&(index + 1)))
        .map(|(_, line)| format!("{line}\n"));
    (Some(kept.collect()), left_out)
}

fn left_out(row: &Row, options: &BTreeMap<&str, BTreeSet<&str>>) -> Option<LeftOut> {
    let (procedure, option) = (row.get("procedure"), row.get("option"));
    let why = match options.get(procedure) {
        None => format!("procedure: '{procedure}' is not among those that were taken"),
        Some(options) if !option.is_empty() && !options.contains(option) => {
            format!("option: '{option}' is no option of the procedure as it was taken")
        }
        Some(_) => return None,
    };
    Some(LeftOut {
        line: row.place().number()?,
        procedure: procedure.to_owned(),
        title: row.get("title").to_owned(),
        why,
    })
}
