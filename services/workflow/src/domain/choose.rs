//! A procedure may have more than one limit: which of them holds can show during the work.

use jiff::Timestamp;
use motcua_calendar::Limit;
use motcua_platform::{
    catalog::{Catalog, limit, limit_to_proto},
    error::Error,
    ledger::Decision,
    time::to_proto,
};
use motcua_proto::{
    events::v1::{self as events, event::Payload},
    r#type::v1::OtherLimit,
};

use super::{
    case::{Due, SubCase},
    command::{StatementKind, Words},
    deadline::Ending,
    decide::Desk,
    reckon::{Hours, Timetable},
    scene::{catalog_of, definition_of},
};

/// What the limit is.
const ARTICLE: &str = "decree 118/2025, art. 17";

/// Another limit, and what follows from it.
struct Chosen {
    limit: Limit,
    due: Due,
    /// Working minutes that it has more.
    more_minutes: i32,
    moved: Vec<events::MovedDue>,
}

/// What a limit is for: a case, or one of its branches.
struct Limited<'c> {
    /// The call; empty for the case.
    call: &'c str,
    /// What may hold in its place.
    others: &'c [OtherLimit],
    /// When the limit began.
    from: Timestamp,
    /// When it ends.
    due: Due,
    /// Which other one was chosen already; empty while none was.
    chosen: &'c str,
}

impl Desk<'_> {
    /// The work shows that another of the procedure's limits holds: it runs from the same instant as the first one did, and
    /// judges. It is chosen before the limit passes, because after that it would undo a delay, and once.
    pub(super) fn choose_limit(
        &self,
        branch: &str,
        id: &str,
        reason: &Words,
    ) -> Result<Decision, Error> {
        self.goes_on(branch, ARTICLE)?;
        let event = if branch.is_empty() {
            self.choose_for_case(id)?
        } else {
            self.choose_for_branch(branch, id)?
        };
        let mut decision = self.decision(vec![event]);
        decision
            .statements
            .push(self.statement(StatementKind::Limit, reason, None));
        Ok(decision)
    }

    fn choose_for_case(&self, id: &str) -> Result<Payload, Error> {
        self.running(ARTICLE)?;
        self.for_competent_agency(ARTICLE)?;
        let case = self.case;
        if case.extended {
            return Err(self.refuse(
                "the applicant was promised a new date already",
                ARTICLE,
                "finish the case by the date of the apology",
            ));
        }
        let timetable = self.timetable()?;
        let hours = timetable.hours_of(case)?;
        let catalog = catalog_of(case, self.surround)?;
        let limited = Limited {
            call: "",
            others: of_procedure(&catalog, &case.procedure),
            from: case.received_at,
            due: case.due,
            chosen: &case.chosen_limit,
        };
        let chosen = self.choose(&timetable, &hours, &limited, id)?;
        let reminder = self.reminded(
            &hours,
            self.context.now,
            (chosen.due, &chosen.limit),
            &case.holds,
        )?;
        Ok(Payload::LimitChosen(events::LimitChosen {
            limit_id: id.to_owned(),
            limit: limit_to_proto(&chosen.limit),
            due_at: Some(to_proto(chosen.due.at)),
            judged_until: Some(to_proto(chosen.due.judged_until)),
            due_soon_at: reminder.map(to_proto),
            statement_revision: self.revision(StatementKind::Limit),
            more_minutes: chosen.more_minutes,
            moved: chosen.moved,
        }))
    }

    /// A branch has a procedure, an agency and a limit of its own, and what its agency finds is for that agency to say.
    fn choose_for_branch(&self, branch: &str, id: &str) -> Result<Payload, Error> {
        let case = self.case;
        let sub_case = self.for_branch(branch, ARTICLE)?;
        let timetable = self.timetable()?;
        let hours = timetable.hours_for(&sub_case.agency, &sub_case.procedure)?;
        let catalog = catalog_of(case, self.surround)?;
        let definition = definition_of(case, self.surround)?;
        let limited = Limited {
            call: branch,
            others: match definition.call(branch).filter(|call| call.limit.is_some()) {
                Some(call) => &call.other_limits,
                None => of_procedure(&catalog, &sub_case.procedure),
            },
            from: sub_case.started_at,
            due: sub_case.due(),
            chosen: &sub_case.chosen_limit,
        };
        let mut chosen = self.choose(&timetable, &hours, &limited, id)?;
        let reminder = self.reminded_of(
            &hours,
            self.context.now,
            sub_case,
            (chosen.due, &chosen.limit),
            &case.holds_of(branch),
        )?;
        chosen.moved.retain(|end| end.branch != branch);
        Ok(Payload::SubCaseLimitChosen(events::SubCaseLimitChosen {
            branch: branch.to_owned(),
            limit_id: id.to_owned(),
            limit: limit_to_proto(&chosen.limit),
            due_at: Some(to_proto(chosen.due.at)),
            judged_until: Some(to_proto(chosen.due.judged_until)),
            due_soon_at: reminder.map(to_proto),
            statement_revision: self.revision(StatementKind::Limit),
            more_minutes: chosen.more_minutes,
            moved: chosen.moved,
        }))
    }

    fn choose(
        &self,
        timetable: &Timetable,
        hours: &Hours,
        limited: &Limited<'_>,
        id: &str,
    ) -> Result<Chosen, Error> {
        let now = self.context.now;
        if !limited.chosen.is_empty() {
            return Err(self.refuse(
                "another limit was chosen already, and that is done once only",
                ARTICLE,
                "finish the work within the limit that was chosen",
            ));
        }
        if now >= limited.due.judged_until {
            return Err(self.refuse(
                "the limit has passed, and another one is chosen before that",
                ARTICLE,
                "finish the work as soon as possible",
            ));
        }
        let other = limited.others.iter().find(|other| other.id == id);
        let Some(limit) = other.and_then(|other| limit(other.limit.as_ref()?)) else {
            return Err(Error::field("limit", no_such_limit(limited.others)));
        };
        // What another branch's agency awaits is none of what this one counts; it is reckoned when that goes on.
        let closed = self.case.holds.iter().filter(|hold| hold.to.is_some());
        let holds = &closed.cloned().collect::<Vec<_>>();
        // The whole is moved by what any of its agencies awaited, a branch by its own.
        let due = match limited.call {
            "" => hours.due(limited.from, &limit, holds)?,
            branch => hours.due(limited.from, &limit, &self.case.holds_of(branch))?,
        };
        if now >= due.judged_until {
            return Err(Error::field("limit", "would have passed already"));
        }
        // What the limit has more is for whatever has to be done now: verification is no step of its own.
        let more_minutes = hours.used(limited.due.at, due.at, &[]);
        let more = Ending::More(limited.call, more_minutes);
        let mut moved = self.ends(timetable, holds, now, more)?;
        moved.retain(|end| self.is_other(end));
        Ok(Chosen {
            limit,
            due,
            more_minutes,
            moved,
        })
    }

    pub(super) fn no_such_branch(&self) -> String {
        let running = |sub_case: &&SubCase| sub_case.finished_at.is_none();
        let known: Vec<_> = self
            .case
            .sub_cases
            .iter()
            .filter(running)
            .map(|sub_case| sub_case.branch.as_str())
            .collect();
        if known.is_empty() {
            "is no branch under way; this case has none".to_owned()
        } else {
            format!("is no branch under way; this case has {}", known.join(", "))
        }
    }
}

fn of_procedure<'c>(catalog: &'c Catalog, procedure: &str) -> &'c [OtherLimit] {
    catalog
        .procedure(procedure)
        .map(|procedure| procedure.other_limits.as_slice())
        .unwrap_or_default()
}

fn no_such_limit(others: &[OtherLimit]) -> String {
    let known: Vec<_> = others.iter().map(|other| other.id.as_str()).collect();
    if known.is_empty() {
        "is no limit of this procedure, which has only the one that it began with".to_owned()
    } else {
        format!("is no limit of this procedure; it has {}", known.join(", "))
    }
}
