//! The papers of a dossier: what the procedure wants in this case, what was handed in, and whether that is complete.
//! Decree 118/2025, art. 17.

use motcua_platform::error::{Error, Refusal, Violation};
use motcua_proto::r#type::v1::{DocumentKind, HandedPaper, RequiredPaper};
use serde::{Deserialize, Serialize};

use super::{dossier::Dossier, fees::is_online, moves, rules::Rules};

/// Papers that one dossier may name.
pub const PAPERS_MAX: usize = 100;
/// Of each of them, how many.
const COUNT_MAX: i32 = 100;

/// What was handed in of a paper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// Its id in the procedure's list.
    pub paper: String,
    /// Originals.
    #[serde(default)]
    pub originals: i32,
    /// Copies.
    #[serde(default)]
    pub copies: i32,
    /// Photographs or photocopies.
    #[serde(default)]
    pub photographs: i32,
    /// Files.
    #[serde(default)]
    pub electronic: i32,
}

impl Handed {
    /// From the contract.
    #[must_use]
    pub fn of(handed: &HandedPaper) -> Self {
        Self {
            paper: handed.paper.clone(),
            originals: handed.originals,
            copies: handed.copies,
            photographs: handed.photographs,
            electronic: handed.electronic,
        }
    }

    pub(super) fn to_proto(&self) -> HandedPaper {
        HandedPaper {
            paper: self.paper.clone(),
            originals: self.originals,
            copies: self.copies,
            photographs: self.photographs,
            electronic: self.electronic,
        }
    }

    fn satisfies(&self, wanted: &RequiredPaper) -> bool {
        // A file takes the place of the paper.
        self.electronic > 0
            || (self.originals >= wanted.originals
                && self.copies >= wanted.copies
                && self.photographs >= wanted.photographs)
    }
}

/// Everything that is wrong with what a request says it hands in. Field paths are of the request.
#[must_use]
pub fn violations(papers: &[HandedPaper], wanted: &[RequiredPaper]) -> Vec<Violation> {
    let mut violations = counts(papers, wanted);
    let nothing =
        |handed: &HandedPaper| [handed.originals, handed.copies, handed.photographs] == [0, 0, 0];
    let empty = papers.iter().take(PAPERS_MAX).enumerate();
    violations.extend(
        empty
            .filter(|(_, handed)| nothing(handed))
            .map(|(index, _)| Violation {
                field: format!("papers[{index}].originals"),
                description: "nothing of it is handed in".to_owned(),
            }),
    );
    violations
}

/// What is wrong with how much there is said to be of each paper.
pub(super) fn counts(papers: &[HandedPaper], wanted: &[RequiredPaper]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut reject = |field: String, description: String| {
        violations.push(Violation { field, description });
    };
    if papers.len() > PAPERS_MAX {
        reject("papers".to_owned(), format!("must be at most {PAPERS_MAX}"));
        return violations;
    }
    for (index, handed) in papers.iter().enumerate() {
        if !wanted.iter().any(|wanted| wanted.id == handed.paper) {
            let ids: Vec<_> = wanted.iter().map(|wanted| wanted.id.as_str()).collect();
            reject(
                format!("papers[{index}].paper"),
                if ids.is_empty() {
                    "the procedure has no list of papers".to_owned()
                } else {
                    format!("must be one of {}", ids.join(", "))
                },
            );
        }
        if papers
            .iter()
            .take(index)
            .any(|earlier| earlier.paper == handed.paper)
        {
            reject(format!("papers[{index}].paper"), "stands twice".to_owned());
        }
        let counts = [
            ("originals", handed.originals),
            ("copies", handed.copies),
            ("photographs", handed.photographs),
        ];
        for (field, count) in counts {
            if !(0..=COUNT_MAX).contains(&count) {
                reject(
                    format!("papers[{index}].{field}"),
                    format!("must be from 0 to {COUNT_MAX}"),
                );
            }
        }
    }
    violations
}

/// What a request hands in of the papers of the dossier's procedure.
pub(super) fn handed(papers: &[HandedPaper], rules: &Rules<'_>) -> Result<Vec<HandedPaper>, Error> {
    let violations = violations(papers, &rules.procedure.papers);
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    let uploaded_elsewhere = |handed: &HandedPaper| HandedPaper {
        electronic: 0,
        ..handed.clone()
    };
    Ok(papers.iter().map(uploaded_elsewhere).collect())
}

impl Dossier {
    pub(super) fn hand_in(&mut self, papers: &[HandedPaper]) {
        for more in papers {
            match self.papers.iter_mut().find(|it| it.paper == more.paper) {
                Some(handed) => {
                    handed.originals += more.originals;
                    handed.copies += more.copies;
                    handed.photographs += more.photographs;
                }
                None => self.papers.push(Handed::of(more)),
            }
        }
    }

    /// Whether the procedure wants the paper in this dossier's case.
    fn wants(&self, paper: &RequiredPaper) -> bool {
        paper.option.is_empty() || self.options.contains(&paper.option)
    }

    fn uploaded(&self, paper: &str) -> i32 {
        let documents = self.documents.iter();
        let of_paper = documents
            .filter(|document| document.kind == DocumentKind::Paper && document.paper == paper);
        i32::try_from(of_paper.count()).unwrap_or(i32::MAX)
    }

    /// What is there of each paper that is there, files included.
    fn there(&self, rules: &Rules<'_>) -> Vec<Handed> {
        let mut there = self.papers.clone();
        for paper in &rules.procedure.papers {
            let electronic = self.uploaded(&paper.id);
            if electronic == 0 {
                continue;
            }
            match there.iter_mut().find(|handed| handed.paper == paper.id) {
                Some(handed) => handed.electronic = electronic,
                None => there.push(Handed {
                    paper: paper.id.clone(),
                    electronic,
                    ..Handed::default()
                }),
            }
        }
        there
    }
}

/// The papers that a dossier is accepted with, as the receipt lists them.
///
/// Where something was named or uploaded, and online always, the list is gone through. Where nothing was said at a counter, the
/// receptionist who accepts has seen all that the procedure wants.
///
/// # Errors
/// The refusal, with every paper that is missing.
pub(super) fn complete(dossier: &Dossier, rules: &Rules<'_>) -> Result<Vec<Handed>, Refusal> {
    let there = dossier.there(rules);
    let wanted = || {
        let papers = rules.procedure.papers.iter();
        papers.filter(|paper| !paper.optional && dossier.wants(paper))
    };
    let online = is_online(dossier.channel);
    if there.is_empty() && !online {
        let seen = wanted().map(|paper| Handed {
            paper: paper.id.clone(),
            originals: paper.originals,
            copies: paper.copies,
            photographs: paper.photographs,
            electronic: 0,
        });
        return Ok(seen.collect());
    }
    let missing: Vec<_> = wanted()
        .filter(|paper| {
            let handed = there.iter().find(|handed| handed.paper == paper.id);
            !handed.is_some_and(|handed| handed.satisfies(paper))
        })
        .map(|paper| format!("{} ({})", paper.id, paper.title))
        .collect();
    if missing.is_empty() {
        return Ok(there);
    }
    Err(Refusal {
        message: format!(
            "the dossier is not complete: it lacks {}",
            missing.join(", ")
        ),
        article: moves::RECEPTION,
        state: "INCOMPLETE".to_owned(),
        remedy: "ask for what is missing (RequestSupplement), or upload it (UploadDocument)",
    })
}
