//! What the forms say of the case: the apology, the stop, the control sheet, and what was asked for behind the counter.
//!
//! The words and the moments are workflow's; each paper takes the moments of the act that it is about, not where the case came to
//! since.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::DateTime};
use motcua_calendar::local;
use motcua_forms::data::{
    Apology, ControlSheet, Hand, Handover, Outcome, Phase, Receipt, Refusal, Signatory, Stop,
    Supplement,
};
use motcua_platform::{
    catalog,
    error::Error,
    time::{from_proto_opt, in_words},
};
use motcua_proto::{
    intake::v1::{Form as Asked, StatementKind},
    r#type::v1::{AgencyKind, DossierStatus, Punctuality},
    workflow::v1::{
        Case, CaseState, CaseStatement, CaseStatementKind, ControlSheet as Sheet, ControlSheetLine,
        Hold, SubCase, Task,
    },
};

use super::{
    dossier::Reception,
    forms::{CENTRE, INCOMPLETE, Particulars, items},
    plain,
    words::Words,
};

/// Why a dossier is stopped that its applicant has taken back without a word.
const WITHDRAWN: &str = "Ông/Bà đề nghị rút hồ sơ.";
/// What it is taken back under, where nobody named an article.
const ONE_STOP: &str = "Nghị định số 118/2025/NĐ-CP ngày 09 tháng 6 năm 2025 của Chính phủ về thực hiện thủ tục hành chính theo cơ chế một cửa, một cửa liên thông tại Bộ phận Một cửa và Cổng Dịch vụ công quốc gia.";

/// What workflow answers about a case.
#[derive(Debug)]
pub struct CaseFile {
    /// Where it stands, and what it passed through.
    pub case: Case,
    /// Everything that was said about it.
    pub statements: Vec<CaseStatement>,
    /// Who held it, and when.
    pub sheet: Sheet,
}

impl CaseFile {
    /// Whether a form speaks of the case.
    #[must_use]
    pub fn is_wanted(form: Asked) -> bool {
        match form {
            Asked::Apology | Asked::Stop | Asked::ControlSheet | Asked::CaseSupplement => true,
            Asked::Receipt | Asked::Supplement | Asked::Refusal | Asked::Unspecified => false,
        }
    }

    /// Whether a branch of the case may have a form of its own.
    #[must_use]
    pub fn may_be_of_branch(form: Asked) -> bool {
        matches!(
            form,
            Asked::Receipt | Asked::CaseSupplement | Asked::Refusal
        )
    }

    /// Whether a branch of that name ran at one of these agencies.
    #[must_use]
    pub fn branch_is_of(&self, branch: &str, agencies: &BTreeSet<String>) -> bool {
        let mut ran = self.case.sub_cases.iter();
        ran.any(|it| it.branch == branch && agencies.contains(&it.agency))
    }

    fn said(&self, kind: CaseStatementKind, revision: i32) -> Option<&CaseStatement> {
        let mut said = self.statements.iter();
        said.find(|said| said.kind() == kind && said.revision == revision)
    }
}

impl Particulars<'_> {
    /// Which request of the case a form is about.
    pub(super) fn case_supplement_revision(&self) -> i32 {
        self.supplement_asked()
            .map_or(1, |hold| hold.statement_revision)
    }

    /// The case and what the receipt promised.
    fn begun(&self) -> Result<(&CaseFile, &Reception), Error> {
        self.case
            .zip(self.dossier.reception.as_ref())
            .ok_or_else(|| {
                self.not_yet(
                    "its case has not begun",
                    "accept it (AcceptDossier); the case begins by itself soon after",
                )
            })
    }

    /// The branch whose paper it is, as it ran last.
    pub(super) fn sub_case(&self) -> Option<&SubCase> {
        let branches = self.case?.case.sub_cases.iter();
        branches.rev().find(|branch| branch.branch == self.branch)
    }

    /// The same, where it has begun.
    pub(super) fn begun_branch(&self) -> Result<&SubCase, Error> {
        self.sub_case().ok_or_else(|| {
            self.not_yet(
                &format!("no branch '{}' of its case has begun", self.branch),
                "read the case for its branches (GetCase, sub_cases)",
            )
        })
    }

    /// A branch's agency receives from the counter what came in there, and answers for its own procedure and limit; what is paid is
    /// paid once, for the whole. It promises the due that the branch began with, whatever has moved it since.
    pub(super) fn receipt_of(&self, branch: &SubCase, whole: Receipt) -> Result<Receipt, Error> {
        let limit = branch.first_limit.as_ref().or(branch.limit.as_ref());
        let limit = limit.and_then(catalog::limit);
        Ok(Receipt {
            reference: self.reference(instant(branch.started_at.as_ref())?),
            limit: limit.map(|limit| plain::length_of(&limit, false)),
            received_at: moment(branch.started_at.as_ref())?,
            due_at: moment(branch.first_due_at.as_ref())?,
            fee: None,
            // The book is the centre's.
            register: None,
            ..whole
        })
    }

    /// Why a branch's agency refused. Decree 118/2025, art. 17; circular 66/2023/TT-BCA.
    pub(super) fn refusal_of(&self, branch: &SubCase) -> Result<Refusal, Error> {
        let ended = (branch.statement_revision, branch.finished_at.as_ref());
        self.refused_with(ended, "its branch was not refused")
    }

    /// What another system refused, where the branch is a step of the case that asked one. Its own branches have papers of theirs.
    pub(super) fn refused_by_system(&self) -> Option<&Task> {
        let case = &self.case?.case;
        let mut tasks = case.tasks.iter().rev().filter(|task| {
            let of_case = task.procedure == case.procedure;
            of_case && task.step == self.branch && !task.system.is_empty()
        });
        tasks.next().filter(|task| task.statement_revision > 0)
    }

    /// Why another system refused: the agency that asked it hands on its answer.
    pub(super) fn refusal_of_system(&self, task: &Task) -> Result<Refusal, Error> {
        let ended = (task.statement_revision, task.ended_at.as_ref());
        self.refused_with(ended, "its answer refuses nothing")
    }

    /// Why the agency that decides refused, after the dossier was accepted: with the outcome that ended its case.
    pub(super) fn refusal_of_case(&self) -> Result<Refusal, Error> {
        let ended = self.case.map_or((0, None), |file| {
            (file.case.statement_revision, file.case.ended_at.as_ref())
        });
        self.refused_with(ended, "it was not refused")
    }

    fn refused_with(
        &self,
        (revision, ended_at): (i32, Option<&prost_types::Timestamp>),
        why_not: &str,
    ) -> Result<Refusal, Error> {
        let said = self
            .case
            .and_then(|file| file.said(CaseStatementKind::Outcome, revision))
            .zip(ended_at);
        let (said, ended_at) = said.ok_or_else(|| {
            self.not_yet(
                why_not,
                "before acceptance it is refused by RefuseDossier, during the case by an outcome that refuses (CompleteTask)",
            )
        })?;
        Ok(Refusal {
            // What the agency decides comes from no counter.
            office: self.agency(),
            reference: self.reference(instant(Some(ended_at))?),
            applicant: self.applicant()?,
            procedure: self.procedure(),
            reason: said.text.clone(),
            ground: said.ground.clone(),
            advice: None,
            made_by: None,
        })
    }

    /// What the case last asked for, or of a branch what its agency asked for last.
    fn supplement_asked(&self) -> Option<&Hold> {
        let mut asked = self.case?.case.holds.iter().rev();
        asked.find(|hold| !hold.payment && hold.branch == self.branch)
    }

    /// How often the branch was called until now.
    pub(super) fn runs(&self) -> i32 {
        let branches = self.case.map_or(&[][..], |file| &file.case.sub_cases);
        let own = branches.iter().filter(|it| it.branch == self.branch);
        i32::try_from(own.count()).unwrap_or(i32::MAX)
    }

    pub(super) fn case_supplement(&self) -> Result<Supplement, Error> {
        let (file, _) = self.begun()?;
        let (hold, said) = self
            .supplement_asked()
            .and_then(|hold| {
                Some((
                    hold,
                    file.said(CaseStatementKind::Missing, hold.statement_revision)?,
                ))
            })
            .ok_or_else(|| {
                self.not_yet(
                    "no supplement was asked for during the case",
                    "what was asked for before acceptance is FORM_SUPPLEMENT",
                )
            })?;
        Ok(Supplement {
            office: self.office(),
            reference: self.reference(instant(hold.held_at.as_ref())?),
            applicant: self.applicant()?,
            procedure: self.procedure(),
            phase: Phase::Resolution,
            items: items(&said.text),
            reason: file
                .said(CaseStatementKind::Reason, hold.statement_revision)
                .map_or_else(|| INCOMPLETE.to_owned(), |reason| reason.text.clone()),
            ground: said.ground.clone(),
            until: from_proto_opt(hold.supplement_due_at.as_ref()).map(local),
            made_by: None,
        })
    }

    pub(super) fn apology(&self) -> Result<Apology, Error> {
        let (file, reception) = self.begun()?;
        let (made, said) = file
            .case
            .apology
            .as_ref()
            .zip(file.said(CaseStatementKind::Apology, 1))
            .ok_or_else(|| {
                self.not_yet(
                    "no new date was set",
                    "a leader sets one before the limit passes (ExtendDeadline)",
                )
            })?;
        Ok(Apology {
            office: self.agency(),
            reference: self.reference(instant(made.made_at.as_ref())?),
            applicant: self.applicant()?,
            procedure: self.procedure(),
            received_at: local(reception.received_at),
            due_at: moment(made.first_due_at.as_ref())?,
            reason: said.text.clone(),
            new_due_at: moment(made.due_at.as_ref())?,
            head: self.signs_for(&made.on_behalf_of),
        })
    }

    /// Mẫu 05: its case was stopped, or the applicant has taken the dossier back.
    pub(super) fn stop(&self) -> Result<Stop, Error> {
        if self.dossier.status == DossierStatus::Withdrawn {
            return self.withdrawal();
        }
        let stopped = self.case.and_then(|file| {
            let said = file.said(CaseStatementKind::Stop, 1)?;
            (file.case.state() == CaseState::Stopped).then_some((file, said))
        });
        let (file, said) = stopped.ok_or_else(|| {
            self.not_yet(
                "its case was not stopped, nor was it taken back",
                "stop it (StopCase), or take it back (WithdrawDossier)",
            )
        })?;
        let stopped_at = instant(file.case.ended_at.as_ref())?;
        let last = file.case.holds.last();
        // A hold ends with the case.
        let waiting = last
            .filter(|hold| hold.resumed_at.is_none() || hold.resumed_at == file.case.ended_at)
            .map(|hold| hold.payment);
        self.stopped(stopped_at, waiting, (&said.text, &said.ground))
    }

    /// What was said when it was taken back; the applicant need not say why.
    fn withdrawal(&self) -> Result<Stop, Error> {
        let said = self.said(StatementKind::Withdrawal);
        let or = |said: Option<&Words>, otherwise: &str| {
            let said = said.map(|words| words.expose().clone());
            said.filter(|words| !words.is_empty())
                .unwrap_or_else(|| otherwise.to_owned())
        };
        let withdrawn_at = self.dossier.status_since;
        let last = self.dossier.holds.last();
        let waiting = last
            .filter(|hold| hold.to.is_none_or(|to| to >= withdrawn_at))
            .map(|hold| hold.payment);
        let reason = or(said.map(|it| &it.body), WITHDRAWN);
        let ground = or(said.map(|it| &it.ground), ONE_STOP);
        self.stopped(withdrawn_at, waiting, (&reason, &ground))
    }

    /// That the work ends, whether it waited for a payment or a supplement then, and why.
    fn stopped(
        &self,
        at: Timestamp,
        waiting: Option<bool>,
        (reason, ground): (&str, &str),
    ) -> Result<Stop, Error> {
        let payments = &self.dossier.payments;
        let paid = payments
            .iter()
            .any(|it| it.amount_vnd > 0 && it.paid_at <= at);
        let reception = self.dossier.reception.as_ref();
        Ok(Stop {
            office: self.agency(),
            reference: self.reference(at),
            applicant: self.applicant()?,
            procedure: self.procedure(),
            received_at: reception.map(|reception| local(reception.received_at)),
            phase: match waiting {
                _ if reception.is_none() => "Trước khi tiếp nhận hồ sơ",
                Some(true) => "Chờ thực hiện nghĩa vụ tài chính",
                Some(false) => "Chờ bổ sung, hoàn thiện hồ sơ",
                None => "Đang giải quyết",
            }
            .to_owned(),
            reason: reason.to_owned(),
            ground: ground.to_owned(),
            fees: paid.then(|| {
                "Việc hoàn trả thực hiện theo quy định của pháp luật về phí, lệ phí.".to_owned()
            }),
            originals: Some(format!("Trả lại Ông/Bà tại {CENTRE} {}.", self.of_ward())),
            head: self.head(),
        })
    }

    pub(super) fn control_sheet(&self) -> Result<ControlSheet, Error> {
        let (file, reception) = self.begun()?;
        let competent = &self.dossier.competent_agency;
        let mut others: Vec<&str> = Vec::new();
        for line in &file.sheet.lines {
            if line.agency != *competent && !others.contains(&line.agency.as_str()) {
                others.push(&line.agency);
            }
        }
        Ok(ControlSheet {
            office: self.office(),
            // It goes with the receipt.
            reference: self.reference(reception.received_at),
            applicant: self.applicant()?.name,
            procedure: self.procedure(),
            responsible: self.title(competent),
            cooperating: others.into_iter().map(|code| self.title(code)).collect(),
            received_at: local(reception.received_at),
            due_at: local(reception.first_due_at),
            handovers: self
                .transferred(reception)
                .map(Ok)
                .into_iter()
                .chain(file.sheet.lines.iter().map(|line| self.handover(line)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Its way from the centre that received it to the agency that decides: the first hand-over, where there is one.
    fn transferred(&self, reception: &Reception) -> Option<Handover> {
        // Where nobody said that it came, and it is decided or has ended since, nothing is known of it.
        let transfer = self.dossier.transfer.as_ref().filter(|transfer| {
            transfer.transferred_at.is_some() || self.dossier.place().is_in_work()
        })?;
        let in_time = transfer.transferred_at.map(|_| Outcome::OnTime);
        Some(Handover {
            unit: self.title(&self.dossier.competent_agency),
            step: Some("Tiếp nhận hồ sơ được chuyển đến".to_owned()),
            handed_over: Some(Hand {
                at: local(reception.received_at),
                by: self.title(&self.dossier.receiving_agency),
            }),
            received: transfer.transferred_at.map(|at| Hand {
                at: local(at),
                by: transfer.confirmed_by.clone(),
            }),
            outcome: if transfer.is_late() {
                Some(Outcome::Overdue)
            } else {
                in_time
            },
            planned_minutes: None,
            used_minutes: None,
            note: Some(format!("Hạn chuyển: {}", in_words(transfer.due_at))),
        })
    }

    fn handover(&self, line: &ControlSheetLine) -> Result<Handover, Error> {
        let outcome = match line.punctuality() {
            Punctuality::Early => Some(Outcome::Early),
            Punctuality::OnTime => Some(Outcome::OnTime),
            Punctuality::Overdue => Some(Outcome::Overdue),
            Punctuality::Unspecified => None,
        };
        Ok(Handover {
            unit: self.title(&line.agency),
            step: Some(line.title.clone()).filter(|title| !title.is_empty()),
            handed_over: Some(Hand {
                at: moment(line.handed_over_at.as_ref())?,
                by: line.handed_over_by.clone(),
            }),
            received: from_proto_opt(line.received_at.as_ref()).map(|at| Hand {
                at: local(at),
                by: in_hand(line),
            }),
            outcome,
            planned_minutes: u32::try_from(line.planned_minutes).ok(),
            // What a step that lasts has used depends on when one looks.
            used_minutes: outcome.and(u32::try_from(line.used_minutes).ok()),
            note: match line.note.as_str() {
                "returned" => Some("Chuyển lại bước trước".to_owned()),
                "passed_on" => Some("Chuyển cho người khác xử lý".to_owned()),
                "cancelled" => Some("Không phải thực hiện nữa".to_owned()),
                _ => None,
            },
        })
    }

    /// The head, or whoever was authorised to sign in a leader's place (thừa ủy quyền). Decree 30/2020, annex I.
    fn signs_for(&self, leader: &str) -> Signatory {
        let head = self.head();
        if leader.is_empty() {
            return head;
        }
        Signatory {
            capacity: format!("TUQ. {}", head.capacity),
            ..head
        }
    }

    fn head(&self) -> Signatory {
        Signatory {
            capacity: match self.competent_kind() {
                AgencyKind::Police => "Trưởng Công an",
                AgencyKind::SocialInsurance | AgencyKind::Department => "Giám đốc",
                AgencyKind::Ward | AgencyKind::Unspecified => "Chủ tịch",
            }
            .to_owned(),
            name: None,
        }
    }
}

/// Who has it, and whom they stand in for.
fn in_hand(line: &ControlSheetLine) -> String {
    let somebody = if line.on_behalf_of.is_empty() {
        line.assignee.clone()
    } else {
        format!("{} thay {}", line.assignee, line.on_behalf_of)
    };
    if line.system.is_empty() || line.assignee == line.system {
        somebody
    } else {
        // Whoever wrote the system's answer down.
        format!("{} ({somebody})", line.system)
    }
}

fn instant(at: Option<&prost_types::Timestamp>) -> Result<Timestamp, Error> {
    from_proto_opt(at).ok_or_else(|| Error::Fault("workflow left a moment out".to_owned()))
}

fn moment(at: Option<&prost_types::Timestamp>) -> Result<DateTime, Error> {
    instant(at).map(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stands_in_for_somebody_is_named_with_them() {
        let line = ControlSheetLine {
            assignee: "officer-11593-2".to_owned(),
            ..ControlSheetLine::default()
        };
        assert_eq!(in_hand(&line), "officer-11593-2");
        let line = ControlSheetLine {
            on_behalf_of: "officer-11593-1".to_owned(),
            ..line
        };
        assert_eq!(in_hand(&line), "officer-11593-2 thay officer-11593-1");
        let answered = ControlSheetLine {
            system: "social-insurance".to_owned(),
            assignee: "leader-11593-1".to_owned(),
            ..ControlSheetLine::default()
        };
        assert_eq!(in_hand(&answered), "social-insurance (leader-11593-1)");
    }
}
