//! What moves a case's due: a hold that ends, another calendar, and an apology with a new date.

use jiff::Timestamp;
use motcua_calendar::Limit;
use motcua_platform::{error::Error, ledger::Decision, time::to_proto};
use motcua_proto::{
    events::v1::{self as events, event::Payload},
    workflow::v1::CaseState,
};

use super::{
    case::{Due, Hold, SubCase, holds_of, timer_id},
    command::{Cause, StatementKind, Words},
    decide::Desk,
    reckon::{Hours, Timetable},
    replay::due,
    scene::{definition_called, definition_of},
};

/// An apology and its new date.
const ARTICLE_APOLOGY: &str = "decree 118/2025, art. 18, with Mẫu 04 of circular 03/2025";

/// Why what waits ends at another instant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending<'h> {
    /// These holds have ended.
    Hold(&'h [Hold]),
    /// Another calendar counts.
    Calendar,
    /// Another limit of the case, or of a branch by its call, has so many working minutes more.
    More(&'h str, i32),
}

impl Desk<'_> {
    pub(super) fn hours(&self) -> Result<Hours, Error> {
        self.timetable()?.hours_of(self.case)
    }

    /// When to tell that a due comes near, as the definition has it.
    pub(super) fn reminded(
        &self,
        hours: &Hours,
        now: Timestamp,
        (due, limit): (Due, &Limit),
        holds: &[Hold],
    ) -> Result<Option<Timestamp>, Error> {
        let case = self.case;
        let definition = definition_of(case, self.surround)?;
        let leads = hours.leads(&definition, case.received_at, due, limit, holds);
        Ok(hours.due_soon(now, due, &leads))
    }

    /// When to tell that a due of a branch comes near, as the definition has it that the branch runs under.
    pub(super) fn reminded_of(
        &self,
        hours: &Hours,
        now: Timestamp,
        sub_case: &SubCase,
        (due, limit): (Due, &Limit),
        holds: &[Hold],
    ) -> Result<Option<Timestamp>, Error> {
        let definition = definition_called(self.case, &sub_case.branch, self.surround)?;
        let leads = hours.leads(&definition, sub_case.started_at, due, limit, holds);
        Ok(hours.due_soon(now, due, &leads))
    }

    /// The limit runs on: every due moves by what the hold took.
    pub(super) fn resume(&self, at: Timestamp, cause: Cause) -> Result<Decision, Error> {
        let case = self.case;
        let starts = || case.open_holds().map(|hold| hold.from);
        let span = starts().min().zip(starts().max());
        let Some((since, last)) = span.filter(|_| case.state == CaseState::Held) else {
            return Ok(self.ignored(cause, "the case does not wait for anything"));
        };
        let at = at.max(last);
        let ended = |hold: &Hold| Hold {
            to: Some(at),
            ..hold.clone()
        };
        let over: Vec<_> = case.open_holds().map(ended).collect();
        let closed = case.holds.iter().filter(|hold| hold.to.is_some());
        let holds: Vec<_> = closed.cloned().chain(over.iter().cloned()).collect();
        let timetable = self.timetable()?;
        let hours = timetable.hours_of(case)?;
        let first_due = hours.due(case.received_at, &case.limit, &holds)?;
        let due = if case.extended {
            // The promised date was made in the knowledge of the case's own time: it moves by the working time held.
            let held = u32::try_from(hours.used(since, at, &[])).unwrap_or(0);
            // A day counts whole: what is asked after the hour that was printed is asked in time, and what is left follows.
            let moved = if held > 0 && case.due.judged_until > since {
                let from = case.due.at.max(since);
                hours.promised(hours.budget_end(from, held)?, &case.limit)?
            } else {
                case.due
            };
            if moved.judged_until < first_due.judged_until {
                first_due
            } else {
                moved
            }
        } else {
            first_due
        };
        let due_soon_at =
            self.reminded(&hours, at.max(self.context.now), (due, &case.limit), &holds)?;
        let event = events::CaseResumed {
            resumed_at: Some(to_proto(at)),
            due_at: Some(to_proto(due.at)),
            judged_until: Some(to_proto(due.judged_until)),
            first_due_at: Some(to_proto(first_due.at)),
            first_judged_until: Some(to_proto(first_due.judged_until)),
            due_soon_at: due_soon_at.map(to_proto),
            moved: self.ends(&timetable, &holds, at, Ending::Hold(&over))?,
            due_before: Some(to_proto(case.due.at)),
        };
        Ok(self.decision(vec![Payload::CaseResumed(event)]))
    }

    /// Where budgets, limits of branches and waits end, of a case that goes on at an instant: what they had left before it,
    /// holds left out, follows. After a hold, so does what a lease had left; with another limit, what it has more is the case's
    /// own steps' that wait.
    pub(super) fn ends(
        &self,
        timetable: &Timetable,
        holds: &[Hold],
        at: Timestamp,
        why: Ending<'_>,
    ) -> Result<Vec<events::MovedDue>, Error> {
        let mut ends = Vec::new();
        // A budget that was used up stays overdrawn, and so does what was to be escalated then; one that was to last longer, by a
        // calendar that had fewer working hours, is used up now.
        let later = |hours: &Hours, minutes: i32, now: Timestamp| match u32::try_from(minutes) {
            Ok(left) if left > 0 => hours.budget_end(at, left).map(to_proto).map(Some),
            _ => Ok((now > at).then(|| to_proto(at))),
        };
        // What stands still is reckoned when it goes on.
        let stands = |call: &str| !matches!(why, Ending::Hold(_)) && self.case.is_held(call);
        for (id, task) in self.case.waiting() {
            if stands(&task.call) {
                continue;
            }
            let hours = timetable.hours(&task.agency)?;
            let holds = &holds_of(holds, &task.call);
            let more = match why {
                Ending::More(call, minutes) if task.has_more_time(call) => minutes,
                _ => 0,
            };
            let used = hours.used(task.opened_at, at, holds) - more;
            let due_at = later(&hours, task.planned_minutes - used, task.due_at)?;
            let escalate_at = match task.escalation {
                Some(escalation) => later(&hours, escalation.after_minutes - used, escalation.at)?,
                None => None,
            };
            // What was taken for so much working time stays so; what was delegated until a day comes back on that day.
            let over = match why {
                Ending::Hold(over) => over.iter().find(|hold| hold.stops(&task.call)),
                Ending::Calendar | Ending::More(..) => None,
            };
            let lease_until = match (over, &task.lease) {
                (Some(hold), Some(lease)) if lease.back_to.is_empty() => {
                    later(&hours, hours.used(hold.from, lease.until, &[]), at)?
                }
                _ => None,
            };
            if due_at.is_some() || lease_until.is_some() {
                ends.push(events::MovedDue {
                    task: id,
                    due_at,
                    escalate_at,
                    lease_until,
                    ..events::MovedDue::default()
                });
            }
        }
        for (index, timer) in self.case.timers.iter().enumerate() {
            if !self.case.waits(timer) || stands(&timer.call) {
                continue;
            }
            let hours = timetable.hours(&timer.agency)?;
            let holds = &holds_of(holds, &timer.call);
            let due_at = match (u32::try_from(timer.calendar_days), timer.working_minutes) {
                (Ok(days @ 1..), _) => {
                    Some(to_proto(hours.days_end(timer.set_at, days, holds)?.max(at)))
                }
                // A day of the calendar, from before its number of days was kept.
                (_, 0) => None,
                (_, minutes) => {
                    let used = hours.used(timer.set_at, at, holds);
                    later(&hours, minutes - used, timer.fires_at)?
                }
            };
            if due_at.is_some() {
                ends.push(events::MovedDue {
                    timer: timer_id(index),
                    due_at,
                    ..events::MovedDue::default()
                });
            }
        }
        let running = self.case.sub_cases.iter();
        for sub_case in running.filter(|it| it.finished_at.is_none() && !stands(&it.branch)) {
            let hours = timetable.hours_for(&sub_case.agency, &sub_case.procedure)?;
            let holds = &holds_of(holds, &sub_case.branch);
            let due = hours.due(sub_case.started_at, &sub_case.limit, holds)?;
            let reminder = self.reminded_of(
                &hours,
                at.max(self.context.now),
                sub_case,
                (due, &sub_case.limit),
                holds,
            )?;
            ends.push(events::MovedDue {
                branch: sub_case.branch.clone(),
                due_at: Some(to_proto(due.at)),
                judged_until: Some(to_proto(due.judged_until)),
                due_soon_at: reminder.map(to_proto),
                ..events::MovedDue::default()
            });
        }
        Ok(ends)
    }

    /// Whether something ends at another instant than it is to end now.
    pub(super) fn is_other(&self, end: &events::MovedDue) -> bool {
        let case = self.case;
        if !end.branch.is_empty() {
            let now = case.sub_case(&end.branch).map(SubCase::due);
            let then = due(end.due_at.as_ref(), end.judged_until.as_ref());
            return now != Some(then);
        }
        let now = if !end.timer.is_empty() {
            case.timer(&end.timer).map(|timer| timer.fires_at)
        } else {
            case.task(&end.task).map(|task| task.due_at)
        };
        end.due_at != now.map(to_proto)
    }

    /// The calendars that count may be others than those that the dues were reckoned by. What was promised stays promised,
    /// unless the limit itself ends later now. What has ended stays as it is; the limit of what cannot begin runs on like any
    /// other.
    pub(super) fn recompute(&self) -> Result<Decision, Error> {
        let case = self.case;
        if case.is_ended() {
            return Ok(self.decision(Vec::new()));
        }
        let blocked = case.state == CaseState::Blocked;
        let found = self
            .timetable()
            .and_then(|timetable| Ok((timetable.hours_of(case)?, timetable)));
        let (hours, timetable) = match found {
            // That the catalog or the agency is not there may be what it cannot begin for.
            Err(_) if blocked => return Ok(self.decision(Vec::new())),
            found => found?,
        };
        // While a case stands still its due is the one before: it moves when the case goes on.
        let closed: Vec<_> = case
            .holds
            .iter()
            .filter(|hold| hold.to.is_some())
            .cloned()
            .collect();
        let first_due = hours.due(case.received_at, &case.limit, &closed)?;
        let due = if case.extended && case.due.judged_until >= first_due.judged_until {
            case.due
        } else {
            first_due
        };
        let mut moved = self.ends(&timetable, &closed, self.context.now, Ending::Calendar)?;
        moved.retain(|end| self.is_other(end));
        if first_due == case.first_due && due == case.due && moved.is_empty() {
            return Ok(self.decision(Vec::new()));
        }
        // What cannot begin has no definition yet that says when to tell of its due: that is reckoned when it begins.
        let due_soon_at = if blocked {
            None
        } else {
            self.reminded(&hours, self.context.now, (due, &case.limit), &closed)?
        };
        let event = events::DeadlineRecomputed {
            catalog: timetable.id().to_owned(),
            due_at: Some(to_proto(due.at)),
            judged_until: Some(to_proto(due.judged_until)),
            first_due_at: Some(to_proto(first_due.at)),
            first_judged_until: Some(to_proto(first_due.judged_until)),
            due_soon_at: due_soon_at.map(to_proto),
            moved,
            due_before: Some(to_proto(case.due.at)),
        };
        Ok(self.decision(vec![Payload::DeadlineRecomputed(event)]))
    }

    /// An apology with a new date is a leader's, or theirs who stand in for one; it comes before the limit has passed, and once. It
    /// does not make the case on time: the first due goes on to judge.
    pub(super) fn extend_deadline(
        &self,
        due_at: Timestamp,
        reason: &Words,
    ) -> Result<Decision, Error> {
        self.running(ARTICLE_APOLOGY)?;
        let on_behalf_of = self.for_leader(ARTICLE_APOLOGY)?;
        if self.case.extended {
            return Err(self.refuse(
                "a new date was set already, and it is set once only",
                ARTICLE_APOLOGY,
                "finish the case as soon as possible",
            ));
        }
        if self.context.now >= self.case.due.judged_until {
            return Err(self.refuse(
                "the limit has passed, and an apology with a new date comes before that",
                ARTICLE_APOLOGY,
                "finish the case as soon as possible; it counts as overdue without an apology in time",
            ));
        }
        let hours = self.hours()?;
        if due_at <= self.case.due.at {
            return Err(Error::field(
                "due_at",
                "must be after the present due instant",
            ));
        }
        if !hours.calendar.is_open(due_at) {
            return Err(Error::field(
                "due_at",
                "must lie inside the opening hours of the agency that received",
            ));
        }
        let due = hours.promised(due_at, &self.case.limit)?;
        let mut decision =
            self.decision(vec![Payload::DeadlineExtended(events::DeadlineExtended {
                first_due_at: Some(to_proto(self.case.first_due.at)),
                due_at: Some(to_proto(due.at)),
                statement_revision: self.revision(StatementKind::Apology),
                judged_until: Some(to_proto(due.judged_until)),
                due_soon_at: self
                    .reminded(
                        &hours,
                        self.context.now,
                        (due, &self.case.limit),
                        &self.case.holds,
                    )?
                    .map(to_proto),
                on_behalf_of,
            })]);
        decision
            .statements
            .push(self.statement(StatementKind::Apology, reason, None));
        Ok(decision)
    }
}
