//! `papers.csv`: what each procedure wants handed in. A catalog may do without.

use std::collections::BTreeMap;

use motcua_proto::r#type::v1::{Procedure, RequiredPaper};

use super::{
    fault::{Faults, Places},
    files::{self, Files},
    sheet::{Columns, Row},
    tables::{put, rows},
};

/// The columns of `papers.csv`.
pub(super) const COLUMNS: Columns = Columns {
    required: &["procedure", "id", "title", "originals", "copies"],
    optional: &["option", "photographs", "optional", "condition"],
};
/// More of one paper than anybody wants.
const COUNT_MAX: i32 = 20;

/// The papers that are not given to their procedures yet, by the procedure's code.
pub(super) struct Papers(BTreeMap<String, Vec<(Row, RequiredPaper)>>);

/// Reads the table; nothing where there is none.
pub(super) fn read(files: &Files, faults: &mut Faults) -> Papers {
    let mut papers = BTreeMap::<String, Vec<_>>::new();
    if files.has(files::PAPERS) {
        for row in rows(files, files::PAPERS, COLUMNS, faults).unwrap_or_default() {
            let paper = paper(&row, faults);
            let procedure = row.get("procedure").to_owned();
            papers.entry(procedure).or_default().push((row, paper));
        }
    }
    Papers(papers)
}

fn paper(row: &Row, faults: &mut Faults) -> RequiredPaper {
    let mut count = |column: &'static str| match row.get(column) {
        "" => 0,
        text => text
            .parse()
            .ok()
            .filter(|count| (0..=COUNT_MAX).contains(count))
            .unwrap_or_else(|| {
                let message = format!("'{text}' must be a number from 0 to {COUNT_MAX}");
                faults.push_unless_known(row.at(column).fault(message));
                // Whether anything of it is wanted cannot be said.
                1
            }),
    };
    let (originals, copies, photographs) =
        (count("originals"), count("copies"), count("photographs"));
    RequiredPaper {
        id: row.get("id").to_owned(),
        title: row.get("title").to_owned(),
        option: row.get("option").to_owned(),
        originals,
        copies,
        photographs,
        optional: match row.get("optional") {
            "" | "no" => false,
            "yes" => true,
            other => {
                let message = format!("'{other}' is none of yes, no");
                faults.push_unless_known(row.at("optional").fault(message));
                false
            }
        },
        condition: row.get("condition").to_owned(),
    }
}

impl Papers {
    /// Gives each procedure its papers, in the order of the table.
    pub(super) fn give(
        &mut self,
        procedures: &mut [Procedure],
        places: &mut Places,
        faults: &mut Faults,
    ) {
        for (index, procedure) in procedures.iter_mut().enumerate() {
            for (row, paper) in self.0.remove(&procedure.code).unwrap_or_default() {
                let place = procedure.papers.len();
                let path = format!("catalog.procedures[{index}].papers[{place}]");
                put(&row, &path, Some(COLUMNS), places);
                procedure.papers.push(paper);
            }
        }
        for (code, papers) in std::mem::take(&mut self.0) {
            for (row, _) in papers {
                let message = format!("there is no procedure '{code}'");
                faults.push_unless_known(row.at("procedure").fault(message));
            }
        }
    }
}
