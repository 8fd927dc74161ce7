//! Which command meets which rule, and the ends that come from outside: withdrawal and stop. Every rule of law about
//! who may go on is in the files that this one leads to, with the article that it comes from.

use jiff::Timestamp;
use motcua_platform::{
    error::{Error, Refusal},
    ledger::{Context, Decision, Subject},
    statement::Statement,
    time::to_proto,
};
use motcua_proto::{
    events::v1::{self as events, HoldGround, event::Payload},
    workflow::v1::CaseState,
};

use super::{
    begin::start,
    case::{Alarm, Case},
    command::{Cause, Command, StatementKind, Words},
    engine::Walk,
    reckon::Timetable,
    scene::{Scene, timetable_of},
    surround::Surround,
};

/// Asking for a supplement, and the time that stands still meanwhile.
pub(super) const ARTICLE_SUPPLEMENT: &str = "decree 118/2025, art. 17";
/// Stopping, with a ground.
const ARTICLE_STOP: &str = "decree 118/2025, art. 18, with Mẫu 05 of circular 03/2025";

/// Decides a command.
///
/// # Errors
/// A refusal with its article, a missing case or task, an outcome or a date that cannot be.
pub fn decide(
    case: Option<&Case>,
    command: &Command,
    context: &Context<'_>,
    surround: &Surround,
) -> Result<Decision, Error> {
    let Some(case) = case else {
        return match command {
            Command::Start { receipt, .. } => Ok(start(receipt, context, surround)),
            _ => Err(Error::Missing {
                name: format!("cases/{}", context.key),
            }),
        };
    };
    let desk = Desk {
        case,
        context,
        surround,
    };
    if command.is_by_hand() {
        desk.not_recused()?;
    }
    match command {
        Command::Recuse { principal } => Ok(desk.recuse(principal)),
        Command::Start { cause, .. } => Ok(desk.ignored(*cause, "the case has begun already")),
        Command::Retry => Ok(desk.retry()),
        Command::Withdraw { at, cause } => desk.withdraw(*at, *cause),
        Command::Resume { cause, .. } if desk.waits_for(HoldGround::Payment) => {
            Ok(desk.ignored(*cause, "the case waits for a payment"))
        }
        Command::Resume { at, cause } => desk.with_kept(desk.resume(*at, *cause)?),
        Command::RequestSupplement {
            branch,
            missing,
            reason,
            ground,
        } => desk.request_supplement(branch, [missing, reason, ground]),
        Command::RequestPayment { obligation } => desk.request_payment(obligation.as_ref()),
        Command::Lapse { at, cause } => desk.lapse(*at, *cause),
        Command::Pay {
            fee_vnd,
            paid_vnd,
            at,
            cause,
        } => desk.with_kept(desk.pay(*fee_vnd, *paid_vnd, *at, *cause)?),
        Command::ExtendDeadline { due_at, reason } => desk.extend_deadline(*due_at, reason),
        Command::ChooseLimit {
            branch,
            limit,
            reason,
        } => desk.choose_limit(branch, limit, reason),
        Command::Stop { reason, ground } => desk.stop(reason, ground),
        Command::Claim { task } => desk.claim(task),
        Command::Release { task } => desk.release(task),
        Command::Delegate { task, to, until } => desk.delegate(task, to, *until),
        Command::Reassign { task, to } => desk.reassign(task, to),
        Command::Migrate { version } => desk.migrate(*version),
        Command::Complete {
            task,
            outcome,
            reason,
        } => desk.complete(task, outcome, reason.as_deref()),
        Command::Return { task, reason } => desk.give_back(task, reason),
        Command::Recompute => desk.recompute(),
        Command::Tick => desk.tick(),
        Command::RecordOutcome { task, code, reason } => {
            desk.record_outcome(task, code, reason.as_deref())
        }
    }
}

/// A case that exists, and who asks something of it.
pub(super) struct Desk<'a> {
    pub(super) case: &'a Case,
    pub(super) context: &'a Context<'a>,
    pub(super) surround: &'a Surround,
}

impl<'a> Desk<'a> {
    /// The calendars that count for the case now.
    pub(super) fn timetable(&self) -> Result<Timetable, Error> {
        timetable_of(self.case, self.surround, self.context.now)
    }

    /// What the case runs under now.
    pub(super) fn scene(&self) -> Result<Scene, Error> {
        Scene::of(self.case, self.surround, self.context.now)
    }

    pub(super) fn decision(&self, events: Vec<Payload>) -> Decision {
        Decision {
            subject: Subject {
                dossier: self.context.key.to_owned(),
                agency: self.case.competent_agency.clone(),
                procedure: self.case.procedure.clone(),
            },
            events,
            ..Decision::default()
        }
    }

    pub(super) fn ignored(&self, cause: Cause, reason: &str) -> Decision {
        self.decision(vec![Payload::ReactionIgnored(events::ReactionIgnored {
            source: cause.source.to_owned(),
            source_position: cause.position,
            source_kind: cause.kind.into(),
            reason: reason.to_owned(),
        })])
    }

    pub(super) fn refuse(
        &self,
        message: &str,
        article: &'static str,
        remedy: &'static str,
    ) -> Error {
        let state = self.case.state.as_str_name();
        Refusal {
            message: message.to_owned(),
            article,
            state: state
                .strip_prefix("CASE_STATE_")
                .unwrap_or(state)
                .to_owned(),
            remedy,
        }
        .into()
    }

    /// Only a running case is worked on.
    pub(super) fn running(&self, article: &'static str) -> Result<(), Error> {
        match self.case.state {
            CaseState::Running => Ok(()),
            CaseState::Held => Err(self.refuse(
                "the case stands still until the applicant has handed in what is missing, or paid",
                ARTICLE_SUPPLEMENT,
                "record what was handed in (SupplementDossier) or paid (RecordPayment) with intake; the case then goes on",
            )),
            CaseState::Blocked => Err(self.refuse(
                "the case cannot run yet",
                article,
                "publish the definition that its blocked_reason names",
            )),
            CaseState::Finished
            | CaseState::Stopped
            | CaseState::Withdrawn
            | CaseState::Unspecified => {
                Err(self.refuse("the case has ended", article, "nothing is left to do on it"))
            }
        }
    }

    /// The work of a call goes on, or the case's own where that is empty: what one branch's agency awaits holds up no other's.
    pub(super) fn goes_on(&self, call: &str, article: &'static str) -> Result<(), Error> {
        if self.case.state == CaseState::Held && !self.case.is_held(call) {
            return Ok(());
        }
        self.running(article)
    }

    pub(super) fn revision(&self, kind: StatementKind) -> i32 {
        self.case
            .revisions
            .get(&(kind as i32))
            .copied()
            .unwrap_or_default()
            + 1
    }

    pub(super) fn statement(
        &self,
        kind: StatementKind,
        body: &Words,
        ground: Option<&Words>,
    ) -> Statement {
        Statement {
            kind: kind as i32,
            revision: self.revision(kind),
            body: body.clone(),
            ground: ground.cloned().unwrap_or_default(),
        }
    }

    /// Intake decides this end: whatever goes on here, it is over, unless it was over before.
    fn withdraw(&self, at: Timestamp, cause: Cause) -> Result<Decision, Error> {
        if self.case.is_ended() {
            return Ok(self.ignored(cause, "the case has ended already"));
        }
        let mut events = self.cancelled(at, None)?;
        events.push(Payload::CaseWithdrawn(events::CaseWithdrawn {
            withdrawn_at: Some(to_proto(at)),
        }));
        Ok(self.decision(events))
    }

    /// What intake marked holds here too, wherever the case stands.
    fn recuse(&self, principal: &str) -> Decision {
        if self.case.recused.contains(principal) {
            return self.decision(Vec::new());
        }
        self.decision(vec![Payload::CaseStaffRecused(events::CaseStaffRecused {
            principal: principal.to_owned(),
        })])
    }

    /// Every waiting task falls away, or those of one branch. No definition is looked at: an end is always possible.
    pub(super) fn cancelled(
        &self,
        at: Timestamp,
        branch: Option<&str>,
    ) -> Result<Vec<Payload>, Error> {
        let mut falling = self
            .case
            .waiting()
            .filter(|(_, task)| branch.is_none_or(|branch| branch == task.call))
            .peekable();
        if falling.peek().is_none() {
            return Ok(Vec::new());
        }
        let timetable = self.timetable()?;
        falling
            .map(|(id, task)| {
                let hours = timetable.hours(&task.agency)?;
                Ok(Payload::TaskCancelled(events::TaskCancelled {
                    task: id,
                    cancelled_at: Some(to_proto(at)),
                    used_minutes: hours.used(task.opened_at, at, &self.case.holds_of(&task.call)),
                }))
            })
            .collect()
    }

    fn stop(&self, reason: &Words, ground: &Words) -> Result<Decision, Error> {
        if self.case.is_ended() {
            return Err(self.refuse(
                "the case has ended",
                ARTICLE_STOP,
                "nothing is left to stop",
            ));
        }
        // From status 2 a dossier comes to 4 or to 7, and to no other: what has not begun cannot be stopped.
        if self.case.state == CaseState::Blocked {
            return Err(self.refuse(
                "the case has not begun",
                ARTICLE_STOP,
                "publish the definition that its blocked_reason names, or have the dossier withdrawn (WithdrawDossier)",
            ));
        }
        self.for_competent_agency(ARTICLE_STOP)?;
        self.stopped(self.context.now, false, reason, ground)
    }

    pub(super) fn stopped(
        &self,
        at: Timestamp,
        lapsed: bool,
        reason: &Words,
        ground: &Words,
    ) -> Result<Decision, Error> {
        let mut events = self.cancelled(at, None)?;
        events.push(Payload::CaseStopped(events::CaseStopped {
            stopped_at: Some(to_proto(at)),
            statement_revision: self.revision(StatementKind::Stop),
            lapsed,
        }));
        let mut decision = self.decision(events);
        decision
            .statements
            .push(self.statement(StatementKind::Stop, reason, Some(ground)));
        Ok(decision)
    }

    /// One thing that the clock brings about; what is due beside it follows at once.
    fn tick(&self) -> Result<Decision, Error> {
        let now = self.context.now;
        let events = match self.case.alarm().filter(|alarm| alarm.at() <= now) {
            None => Vec::new(),
            Some(Alarm::Due(_)) => vec![self.due()?],
            Some(Alarm::Branch(_, index)) => self.branch_due(index)?,
            Some(Alarm::Escalation(_, id)) => vec![Payload::TaskEscalated(events::TaskEscalated {
                agency: self
                    .case
                    .task(&id)
                    .map_or_else(String::new, |task| task.agency.clone()),
                task: id,
                escalated_at: Some(to_proto(now)),
            })],
            Some(Alarm::Lease(_, id)) => self.lease_ends(&id)?,
            Some(Alarm::Timer(_, id)) => self.fire(&id)?,
        };
        Ok(self.decision(events))
    }

    fn due(&self) -> Result<Payload, Error> {
        let case = self.case;
        let now = self.context.now;
        let due_at = Some(to_proto(case.due.at));
        if now >= case.due.judged_until {
            return Ok(Payload::CaseOverdue(events::CaseOverdue { due_at }));
        }
        let next = self.reminded(&self.hours()?, now, (case.due, &case.limit), &case.holds)?;
        Ok(Payload::CaseDueSoon(events::CaseDueSoon {
            due_at,
            next_at: next.map(to_proto),
        }))
    }

    /// The same of a branch and its own due.
    fn branch_due(&self, index: usize) -> Result<Vec<Payload>, Error> {
        let case = self.case;
        let Some(sub_case) = case.sub_cases.get(index) else {
            return Ok(Vec::new());
        };
        let (now, due) = (self.context.now, sub_case.due());
        let (branch, agency) = (sub_case.branch.clone(), sub_case.agency.clone());
        let due_at = Some(to_proto(due.at));
        if now >= due.judged_until {
            let overdue = events::SubCaseOverdue {
                branch,
                agency,
                due_at,
            };
            return Ok(vec![Payload::SubCaseOverdue(overdue)]);
        }
        let hours = self
            .timetable()?
            .hours_for(&sub_case.agency, &sub_case.procedure)?;
        let limited = (due, &sub_case.limit);
        let next = self.reminded_of(
            &hours,
            now,
            sub_case,
            limited,
            &case.holds_of(&sub_case.branch),
        )?;
        Ok(vec![Payload::SubCaseDueSoon(events::SubCaseDueSoon {
            branch,
            agency,
            due_at,
            next_at: next.map(to_proto),
        })])
    }

    /// A path has waited, and goes on.
    fn fire(&self, id: &str) -> Result<Vec<Payload>, Error> {
        let Some(timer) = self.case.timer(id) else {
            return Ok(Vec::new());
        };
        let scene = self.scene()?;
        let mut walk = Walk::new(self.case, &scene, self.context.now);
        walk.fire(id, timer)?;
        Ok(walk.events)
    }
}
