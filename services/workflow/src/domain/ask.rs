//! What is asked of the applicant during the case, a supplement or a payment: the limit stands still until it is provided, and the
//! case is stopped by rule where it never is. Decree 118/2025, art. 17 and 18.

use jiff::Timestamp;
use motcua_calendar::Limit as CalendarLimit;
use motcua_platform::{
    catalog::{supplement_days, supplement_rounds},
    error::Error,
    ledger::Decision,
    statement::Statement,
    time::{in_words, to_proto},
};
use motcua_proto::{
    events::v1::{self as events, HoldGround, event::Payload},
    workflow::v1::CaseState,
};

use super::{
    case::Hold,
    command::{Cause, Obligation, StatementKind, Words},
    decide::{ARTICLE_SUPPLEMENT, Desk},
    engine::Walk,
    reckon::beyond,
    scene::catalog_of,
};

/// The applicant is reminded at the close of the day so many working days before.
const REMINDER_WORKING_DAYS: u32 = 2;
/// Fees: what is taken, and when.
const ARTICLE_FEES: &str = "law 97/2015/QH13 on fees and charges";
/// The most that one case may find to be owed beside the fee, in đồng: whoever asks for more has mistyped it.
pub const OBLIGATIONS_VND_MAX: i64 = 1_000_000_000_000;
/// Of a stop by rule, as Mẫu 05 prints it.
const GROUND: &str = "Điều 18 Nghị định số 118/2025/NĐ-CP ngày 09 tháng 6 năm 2025 của Chính phủ";

impl Desk<'_> {
    /// What is missing is asked for in writing, fully and once. Whoever forgot something needs a leader to ask again, and a leader
    /// asks no more often than the procedure lets one.
    pub(super) fn request_supplement(
        &self,
        branch: &str,
        [missing, reason, ground]: [&Words; 3],
    ) -> Result<Decision, Error> {
        let branch = self.asking(branch)?;
        // Each agency of a linked procedure asks for what it needs itself: once, by its own procedure.
        let asked = self
            .case
            .holds
            .iter()
            .filter(|hold| hold.ground != HoldGround::Payment && hold.branch == branch);
        let asked = i32::try_from(asked.count()).unwrap_or(i32::MAX);
        let asked_before = asked > 0 && !self.case.is_ended();
        let leads = self.leads_work(branch);
        if asked_before && leads.is_none() {
            return Err(self.refuse(
                "what was missing has been asked for already, and it is asked for once only",
                ARTICLE_SUPPLEMENT,
                "decide on what is there, have a leader or whoever stands in for one ask again, or stop the case with a ground",
            ));
        }
        if branch.is_empty() {
            self.running(ARTICLE_SUPPLEMENT)?;
            self.for_working_agency(ARTICLE_SUPPLEMENT)?;
        } else {
            // What another branch's agency awaits holds up this one no more than its work.
            self.goes_on(branch, ARTICLE_SUPPLEMENT)?;
            self.for_branch(branch, ARTICLE_SUPPLEMENT)?;
        }
        let catalog = catalog_of(self.case, self.surround)?;
        let rounds = supplement_rounds(catalog.procedure(self.procedure_of(branch)));
        if asked_before && asked >= rounds {
            return Err(self.refuse(
                "a supplement was asked for as often as the procedure lets one",
                ARTICLE_SUPPLEMENT,
                "decide on what is there, or stop the case with a ground",
            ));
        }
        let revision = self.revision(StatementKind::Missing);
        let (due_at, held) = self.hold(HoldGround::Supplement, branch, revision)?;
        let requested = Payload::SupplementRequested(events::SupplementRequested {
            statement_revision: revision,
            supplement_due_at: Some(to_proto(due_at)),
            on_behalf_of: leads.filter(|_| asked_before).unwrap_or_default(),
        });
        let mut decision = self.decision(vec![requested, Payload::CaseHeld(held)]);
        decision
            .statements
            .push(self.statement(StatementKind::Missing, missing, Some(ground)));
        if !reason.expose().is_empty() {
            decision.statements.push(Statement {
                revision,
                ..self.statement(StatementKind::Reason, reason, None)
            });
        }
        Ok(decision)
    }

    /// What is still to be paid is asked for, with what the work has found to be owed beside the fee. Law 97/2015/QH13 on fees and
    /// charges.
    pub(super) fn request_payment(
        &self,
        obligation: Option<&Obligation>,
    ) -> Result<Decision, Error> {
        self.running(ARTICLE_FEES)?;
        self.for_working_agency(ARTICLE_FEES)?;
        let obligation_vnd = obligation.map_or(0, |it| it.amount_vnd);
        let obligations_vnd = self.case.obligations_vnd.saturating_add(obligation_vnd);
        if obligations_vnd > OBLIGATIONS_VND_MAX {
            return Err(self.refuse(
                "more was found to be owed than one case can ask for",
                ARTICLE_FEES,
                "look at the amount again: it is counted in whole đồng",
            ));
        }
        let amount_vnd = self.case.fee_vnd - self.case.paid_vnd + obligation_vnd;
        if amount_vnd <= 0 {
            return Err(self.refuse(
                if self.case.fee_vnd > 0 {
                    "the fee is paid"
                } else {
                    "there is no fee"
                },
                ARTICLE_FEES,
                "ask for nothing, or for what the work has found to be owed beside the fee (amount_vnd)",
            ));
        }
        let statement_revision = obligation.map_or(0, |_| self.revision(StatementKind::Obligation));
        let (due_at, mut held) = self.hold(HoldGround::Payment, "", statement_revision)?;
        held.obligations_vnd = obligations_vnd;
        let requested = Payload::PaymentRequested(events::PaymentRequested {
            amount_vnd,
            payment_due_at: Some(to_proto(due_at)),
            obligation_vnd,
            statement_revision,
        });
        let mut decision = self.decision(vec![requested, Payload::CaseHeld(held)]);
        decision.statements.extend(
            obligation
                .map(|it| self.statement(StatementKind::Obligation, &it.reason, Some(&it.ground))),
        );
        Ok(decision)
    }

    /// The branch whose agency asks. Where only one that is under way is the caller's, nothing has to be said; whoever acts for the
    /// agency that decides asks for the whole.
    fn asking<'b>(&'b self, branch: &'b str) -> Result<&'b str, Error> {
        let scope = self.context.scope;
        if !branch.is_empty() || scope.acts_for(&self.case.competent_agency) {
            return Ok(branch);
        }
        let mut own = self.case.sub_cases.iter().filter(|sub_case| {
            self.case.is_under_way(sub_case) && scope.acts_for(&sub_case.agency)
        });
        match (own.next(), own.next()) {
            (Some(only), None) => Ok(&only.branch),
            (Some(_), Some(_)) => Err(Error::field(
                "branch",
                format!("is required: {}", self.no_such_branch()),
            )),
            (None, _) => Ok(branch),
        }
    }

    /// National code of the procedure of a branch; of the case's own where that is empty.
    fn procedure_of(&self, branch: &str) -> &str {
        self.case
            .sub_case(branch)
            .map_or(&self.case.procedure, |sub_case| &sub_case.procedure)
    }

    /// The limit stands still, and by when that is to end.
    fn hold(
        &self,
        ground: HoldGround,
        branch: &str,
        statement_revision: i32,
    ) -> Result<(Timestamp, events::CaseHeld), Error> {
        let (hours, now) = (self.hours()?, self.context.now);
        let after = |days| {
            let limit = CalendarLimit::working_days(days);
            hours.calendar.term(now, &limit, &[]).map_err(beyond)
        };
        let catalog = catalog_of(self.case, self.surround)?;
        let days = supplement_days(catalog.procedure(self.procedure_of(branch)));
        let due = after(days)?;
        // Where so little time is given, nobody is reminded of it.
        let remind_at = days
            .checked_sub(REMINDER_WORKING_DAYS)
            .filter(|days| *days > 0)
            .map(after)
            .transpose()?;
        let held = events::CaseHeld {
            held_at: Some(to_proto(now)),
            ground: ground.into(),
            due_at: Some(to_proto(due.at)),
            judged_until: Some(to_proto(due.judged_until)),
            remind_at: remind_at.map(|due| to_proto(due.at)),
            obligations_vnd: self.case.obligations_vnd,
            statement_revision,
            branch: branch.to_owned(),
            agency: self
                .case
                .sub_case(branch)
                .map_or(&self.case.competent_agency, |sub_case| &sub_case.agency)
                .clone(),
        };
        Ok((due.at, held))
    }

    /// Something was paid. Once all of it is, a case that waits for it goes on.
    pub(super) fn pay(
        &self,
        fee_vnd: i64,
        paid_vnd: i64,
        at: Timestamp,
        cause: Cause,
    ) -> Result<Decision, Error> {
        if self.case.is_ended() {
            return Ok(self.ignored(cause, "the case has ended already"));
        }
        // Intake may have taken the money before it knew of what the case has found since.
        let fee_vnd = fee_vnd.max(self.case.fee_vnd);
        let mut decision = if paid_vnd >= fee_vnd && self.waits_for(HoldGround::Payment) {
            self.resume(at, cause)?
        } else {
            self.decision(Vec::new())
        };
        let paid = events::CasePaid { fee_vnd, paid_vnd };
        decision.events.insert(0, Payload::CasePaid(paid));
        decision.events.extend(self.missed(fee_vnd, paid_vnd));
        Ok(decision)
    }

    /// What has turned out not to be paid while the rest is awaited is asked for with it. The time for it stays.
    fn missed(&self, fee_vnd: i64, paid_vnd: i64) -> Option<Payload> {
        let hold = self.case.open_holds().next()?;
        if paid_vnd >= self.case.paid_vnd || !self.waits_for(HoldGround::Payment) {
            return None;
        }
        Some(Payload::PaymentRequested(events::PaymentRequested {
            amount_vnd: fee_vnd - paid_vnd,
            payment_due_at: hold.due_at.map(to_proto),
            obligation_vnd: 0,
            statement_revision: 0,
        }))
    }

    /// Whether the case stands still for that.
    pub(super) fn waits_for(&self, ground: HoldGround) -> bool {
        let hold = self.case.holds.last();
        self.case.state == CaseState::Held && hold.is_some_and(|hold| hold.ground == ground)
    }

    /// What was asked for did not come: the case is stopped by rule, in writing. Where branches' agencies had asked, only those branches
    /// end, refused in writing; what the others did is not lost.
    pub(super) fn lapse(&self, at: Timestamp, cause: Cause) -> Result<Decision, Error> {
        let open: Vec<_> = self.case.open_holds().collect();
        let Some(last) = open
            .iter()
            .max_by_key(|hold| hold.due_at)
            .filter(|_| self.case.state == CaseState::Held)
        else {
            return Ok(self.ignored(cause, "the case does not wait for anything"));
        };
        let at = open.iter().fold(at, |at, hold| at.max(hold.from));
        let due = last.due_at.map(in_words).unwrap_or_default();
        let reason = if last.ground == HoldGround::Payment {
            format!("Hết thời hạn nộp phí, lệ phí ({due}) nhưng chưa nhận đủ số tiền đã yêu cầu.")
        } else {
            format!(
                "Hết thời hạn bổ sung, hoàn thiện hồ sơ ({due}) nhưng chưa nhận được nội dung đã yêu cầu."
            )
        };
        let under_way = |hold: &&Hold| {
            let sub_case = self.case.sub_case(&hold.branch);
            sub_case.is_some_and(|sub_case| self.case.is_under_way(sub_case))
        };
        if open.iter().all(under_way) {
            let branches = open.iter().map(|hold| hold.branch.as_str());
            return self.branches_lapsed(branches, at, cause, &reason);
        }
        self.stopped(
            at,
            true,
            &Words::from(reason),
            &Words::from(GROUND.to_owned()),
        )
    }

    fn branches_lapsed<'b>(
        &self,
        branches: impl Iterator<Item = &'b str>,
        at: Timestamp,
        cause: Cause,
        reason: &str,
    ) -> Result<Decision, Error> {
        let mut decision = self.resume(at, cause)?;
        let mut after = self.told(self.case.clone(), &decision.events);
        for branch in branches {
            let desk = Desk {
                case: &after,
                context: self.context,
                surround: self.surround,
            };
            let scene = desk.scene()?;
            let mut walk = Walk::new(&after, &scene, at);
            walk.events = desk.cancelled(at, Some(branch))?;
            walk.lapse(branch, desk.revision(StatementKind::Outcome))?;
            decision.statements.push(desk.statement(
                StatementKind::Outcome,
                &Words::from(reason.to_owned()),
                Some(&Words::from(GROUND.to_owned())),
            ));
            let events = walk.events;
            after = self.told(after, &events);
            decision.events.extend(events);
        }
        Ok(decision)
    }
}
