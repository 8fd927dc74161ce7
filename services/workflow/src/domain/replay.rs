//! How events change a case. Nothing is refused here, and nothing but the case and the event is looked at: what a rule,
//! a calendar or a definition had to say stands in the event.

use jiff::Timestamp;
use motcua_platform::{
    catalog::limit::written,
    time::{from_proto_opt, truncated},
};
use motcua_proto::{
    events::v1::{self as events, Event, event::Payload},
    r#type::v1::Punctuality,
    workflow::v1::{CaseState, TaskState},
};

use super::{
    case::{
        Apology, Called, Case, Due, Escalation, Hand, Hold, Kept, Lease, SubCase, Task, Timer,
        Touched,
    },
    command::StatementKind,
};

/// The case after an event.
#[must_use]
pub fn apply(case: Option<Case>, event: &Event) -> Option<Case> {
    let payload = event.payload.as_ref()?;
    let mut case = match (case, payload) {
        (before, Payload::CaseStarted(started)) => over(before, begun(event, started)),
        (before, Payload::CaseBlocked(blocked)) => over(before, stuck(event, blocked)),
        (case, _) => case?,
    };
    case.version += 1;
    change(&mut case, event, payload);
    Some(case)
}

/// A case that was blocked starts over as what it would have been, and goes on counting. What was told of its due stays
/// told: the due is the same.
fn over(before: Option<Case>, anew: Case) -> Case {
    match before {
        Some(before) => Case {
            version: before.version,
            overdue: before.overdue,
            ..anew
        },
        None => anew,
    }
}

fn at(instant: Option<&prost_types::Timestamp>) -> Timestamp {
    from_proto_opt(instant).map(truncated).unwrap_or_default()
}

fn begun(event: &Event, started: &events::CaseStarted) -> Case {
    let due = Due {
        at: at(started.due_at.as_ref()),
        judged_until: at(started.judged_until.as_ref()),
    };
    Case {
        state: CaseState::Running,
        procedure: event.procedure.clone(),
        receiving_agency: started.receiving_agency.clone(),
        competent_agency: started.competent_agency.clone(),
        catalog: started.catalog.clone(),
        definition: started.definition.clone(),
        definition_version: started.definition_version,
        called: started
            .called
            .iter()
            .map(|called| Called {
                branch: called.branch.clone(),
                procedure: called.procedure.clone(),
                definition: called.definition.clone(),
                definition_version: called.definition_version,
            })
            .collect(),
        received_at: at(started.received_at.as_ref()),
        limit: written(started.limit.as_ref()),
        chosen_limit: String::new(),
        first_due: due,
        due,
        extended: false,
        apology: None,
        due_soon_at: from_proto_opt(started.due_soon_at.as_ref()),
        due_soon: false,
        overdue: false,
        priority: started.priority(),
        options: started.options.clone(),
        recused: started.recused.iter().cloned().collect(),
        holds: Vec::new(),
        fee_vnd: started.fee_vnd,
        obligations_vnd: 0,
        paid_vnd: started.paid_vnd,
        tasks: Vec::new(),
        sub_cases: Vec::new(),
        timers: Vec::new(),
        arrivals: Default::default(),
        ended_at: None,
        outcome: String::new(),
        statement_revision: 0,
        limit_revision: 0,
        punctuality: Punctuality::Unspecified,
        blocked_reason: String::new(),
        revisions: Default::default(),
        version: 0,
        touched: Touched::default(),
    }
}

/// A case that cannot run is one that has begun and has nothing to do.
fn stuck(event: &Event, blocked: &events::CaseBlocked) -> Case {
    let as_started = events::CaseStarted {
        received_at: blocked.received_at,
        due_at: blocked.due_at,
        judged_until: blocked.judged_until,
        limit: blocked.limit.clone(),
        catalog: blocked.catalog.clone(),
        definition: blocked.definition.clone(),
        definition_version: 0,
        receiving_agency: blocked.receiving_agency.clone(),
        competent_agency: blocked.competent_agency.clone(),
        priority: blocked.priority,
        options: blocked.options.clone(),
        recused: blocked.recused.clone(),
        called: Vec::new(),
        due_soon_at: None,
        fee_vnd: blocked.fee_vnd,
        paid_vnd: blocked.paid_vnd,
    };
    Case {
        state: CaseState::Blocked,
        blocked_reason: blocked.reason.clone(),
        ..begun(event, &as_started)
    }
}

fn change(case: &mut Case, event: &Event, payload: &Payload) {
    match payload {
        Payload::TaskOpened(opened) => case.push_task(Task {
            step: opened.step.clone(),
            branch: opened.branch.clone(),
            call: opened.call.clone(),
            role: opened.role(),
            agency: opened.agency.clone(),
            state: TaskState::Open,
            assignee: String::new(),
            opened_at: at(opened.opened_at.as_ref()),
            claimed_at: None,
            before: Vec::new(),
            ended_at: None,
            planned_minutes: opened.planned_minutes,
            used_minutes: 0,
            due_at: at(opened.due_at.as_ref()),
            outcome: String::new(),
            previous: opened.previous.clone(),
            group: opened.group.clone(),
            system: opened.system.clone(),
            external_code: String::new(),
            external_code_at: None,
            progressed: 0,
            lease: None,
            on_behalf_of: String::new(),
            kept: None,
            reason: None,
            escalation: from_proto_opt(opened.escalate_at.as_ref()).map(|at| Escalation {
                at: truncated(at),
                after_minutes: opened.escalate_after_minutes,
                done: false,
            }),
        }),
        Payload::TaskEscalated(escalated) => case.change_task(&escalated.task, |task| {
            if let Some(escalation) = &mut task.escalation {
                escalation.done = true;
            }
        }),
        Payload::TimerSet(set) => case.timers.push(Timer {
            step: set.step.clone(),
            call: set.call.clone(),
            branch: set.branch.clone(),
            previous: set.previous.clone(),
            agency: set.agency.clone(),
            set_at: at(set.set_at.as_ref()),
            fires_at: at(set.fires_at.as_ref()),
            working_minutes: set.working_minutes,
            calendar_days: set.calendar_days,
            fired_at: None,
        }),
        Payload::TimerFired(fired) => timer_fired(case, fired),
        Payload::TaskClaimed(claimed) => case.change_task(&claimed.task, |task| {
            let lease = own_lease(claimed.lease_until.as_ref());
            has_it(task, &claimed.assignee, lease, claimed.claimed_at.as_ref());
            task.on_behalf_of.clone_from(&claimed.on_behalf_of);
        }),
        Payload::TaskReleased(released) => case.change_task(&released.task, |task| {
            has_it(
                task,
                &released.assignee,
                own_lease(released.lease_until.as_ref()),
                released.released_at.as_ref(),
            );
        }),
        Payload::TaskDelegated(delegated) => case.change_task(&delegated.task, |task| {
            let until = at(delegated.until.as_ref());
            let back_to = delegated.from.clone();
            let lease = Some(Lease { until, back_to });
            has_it(
                task,
                &delegated.assignee,
                lease,
                delegated.delegated_at.as_ref(),
            );
        }),
        Payload::TaskReassigned(reassigned) => case.change_task(&reassigned.task, |task| {
            has_it(
                task,
                &reassigned.assignee,
                own_lease(reassigned.lease_until.as_ref()),
                reassigned.reassigned_at.as_ref(),
            );
        }),
        Payload::CaseMigrated(migrated) => {
            case.definition_version = migrated.to_version;
            // Those of a call's own definition are not touched.
            case.arrivals
                .retain(|join, _| join.contains('/') || migrated.joins.contains(join));
        }
        Payload::TaskCompleted(completed) => task_completed(case, event, completed),
        Payload::OutcomeKept(kept) => outcome_kept(case, event, kept),
        Payload::OutcomeProgressed(progressed) => case.change_task(&progressed.task, |task| {
            let answered_at = from_proto_opt(progressed.recorded_at.as_ref());
            answered(task, &progressed.code, answered_at);
            task.progressed += 1;
        }),
        Payload::TaskReturned(returned) => {
            case.change_task(&returned.task, |task| {
                end(
                    task,
                    TaskState::Returned,
                    at(returned.returned_at.as_ref()),
                    returned.used_minutes,
                );
                task.on_behalf_of.clone_from(&returned.on_behalf_of);
                // As with what is completed: who gives it back had it, whether it was taken before or not.
                if let Some(actor) = &event.actor {
                    task.assignee.clone_from(&actor.id);
                }
            });
            said(case, StatementKind::Return, returned.statement_revision);
        }
        Payload::TaskCancelled(cancelled) => case.change_task(&cancelled.task, |task| {
            end(
                task,
                TaskState::Cancelled,
                at(cancelled.cancelled_at.as_ref()),
                cancelled.used_minutes,
            );
        }),
        Payload::SubCaseStarted(started) => sub_case_started(case, started),
        Payload::SubCaseFinished(finished) => {
            if let Some(sub_case) = running(case, &finished.branch) {
                sub_case.finished_at = from_proto_opt(finished.finished_at.as_ref());
                sub_case.outcome.clone_from(&finished.outcome);
                sub_case.statement_revision = finished.statement_revision;
                sub_case.lapsed = finished.lapsed;
            }
            if finished.lapsed {
                said(case, StatementKind::Outcome, finished.statement_revision);
            }
            arrived(case, "", &finished.joined);
        }
        Payload::SubCaseDueSoon(soon) => {
            if let Some(sub_case) = running(case, &soon.branch) {
                let next = from_proto_opt(soon.next_at.as_ref()).map(truncated);
                sub_case.due_soon = next.is_none();
                sub_case.due_soon_at = next.or(sub_case.due_soon_at);
            }
        }
        Payload::SubCaseOverdue(overdue) => {
            if let Some(sub_case) = running(case, &overdue.branch) {
                sub_case.overdue = true;
            }
        }
        Payload::SupplementRequested(requested) => {
            said(case, StatementKind::Missing, requested.statement_revision);
        }
        Payload::PaymentRequested(requested) => {
            case.fee_vnd += requested.obligation_vnd;
            case.obligations_vnd += requested.obligation_vnd;
            if requested.statement_revision > 0 {
                said(
                    case,
                    StatementKind::Obligation,
                    requested.statement_revision,
                );
            }
        }
        Payload::CasePaid(paid) => {
            case.fee_vnd = paid.fee_vnd;
            case.paid_vnd = paid.paid_vnd;
        }
        Payload::CaseHeld(held) => {
            case.state = CaseState::Held;
            let hold = Hold {
                from: at(held.held_at.as_ref()),
                to: None,
                ground: held.ground(),
                due_at: from_proto_opt(held.due_at.as_ref()).map(truncated),
                statement_revision: held.statement_revision,
                branch: held.branch.clone(),
            };
            case.holds.push(hold);
            case.touch_waiting();
        }
        Payload::CaseResumed(resumed) => case_resumed(case, resumed),
        Payload::DeadlineRecomputed(recomputed) => deadline_recomputed(case, recomputed),
        Payload::LimitChosen(chosen) => limit_chosen(case, chosen),
        Payload::SubCaseLimitChosen(chosen) => sub_case_limit_chosen(case, chosen),
        Payload::DeadlineExtended(extended) => {
            case.extended = true;
            let due_at = at(extended.due_at.as_ref());
            case.apology = Some(Apology {
                made_at: at(event.occurred_at.as_ref()),
                first_due_at: at(extended.first_due_at.as_ref()),
                due_at,
                on_behalf_of: extended.on_behalf_of.clone(),
            });
            case.due = Due {
                at: due_at,
                judged_until: at(extended.judged_until.as_ref()),
            };
            remind(case, extended.due_soon_at.as_ref());
            said(case, StatementKind::Apology, extended.statement_revision);
            case.touch_waiting();
        }
        Payload::CaseStaffRecused(recused) => {
            staff_recused(case, &recused.principal, event.occurred_at.as_ref())
        }
        Payload::CaseDueSoon(soon) => {
            let next = from_proto_opt(soon.next_at.as_ref()).map(truncated);
            case.due_soon = next.is_none();
            case.due_soon_at = next.or(case.due_soon_at);
        }
        Payload::CaseOverdue(_) => case.overdue = true,
        Payload::CaseWithdrawn(withdrawn) => {
            case.state = CaseState::Withdrawn;
            case.ended_at = from_proto_opt(withdrawn.withdrawn_at.as_ref());
            release(case);
        }
        Payload::CaseStopped(stopped) => {
            case.state = CaseState::Stopped;
            case.ended_at = from_proto_opt(stopped.stopped_at.as_ref());
            said(case, StatementKind::Stop, stopped.statement_revision);
            release(case);
        }
        Payload::CaseFinished(finished) => {
            case.state = CaseState::Finished;
            case.ended_at = from_proto_opt(finished.finished_at.as_ref());
            case.outcome.clone_from(&finished.outcome);
            case.statement_revision = finished.statement_revision;
            case.punctuality = finished.punctuality();
        }
        // The beginnings were made above; a reaction that was ignored changed nothing; others are not a case's.
        _ => {}
    }
}

fn sub_case_started(case: &mut Case, started: &events::SubCaseStarted) {
    // A run before this one may have ended by rule, with branches of its own under way.
    let own = arrival_key(&started.branch, "");
    case.arrivals.retain(|join, _| !join.starts_with(&own));
    case.sub_cases.push(SubCase {
        branch: started.branch.clone(),
        procedure: started.procedure.clone(),
        agency: started.agency.clone(),
        limit: written(started.limit.as_ref()),
        chosen_limit: String::new(),
        first_limit: None,
        started_at: at(started.started_at.as_ref()),
        first_due_at: Some(at(started.due_at.as_ref())),
        due_at: at(started.due_at.as_ref()),
        judged_until: from_proto_opt(started.judged_until.as_ref()).map(truncated),
        due_soon_at: from_proto_opt(started.due_soon_at.as_ref()).map(truncated),
        due_soon: false,
        overdue: false,
        finished_at: None,
        outcome: String::new(),
        statement_revision: 0,
        lapsed: false,
        first_task: case.tasks.len(),
    });
}

/// Until when a task is theirs who have it for themselves. Those from before that was told have no end.
fn own_lease(until: Option<&prost_types::Timestamp>) -> Option<Lease> {
    from_proto_opt(until).map(|until| Lease {
        until: truncated(until),
        back_to: String::new(),
    })
}

/// Another system answered with a code.
fn answered(task: &mut Task, code: &str, at: Option<Timestamp>) {
    code.clone_into(&mut task.external_code);
    task.external_code_at = at.map(truncated);
}

fn outcome_kept(case: &mut Case, event: &Event, kept: &events::OutcomeKept) {
    case.change_task(&kept.task, |task| {
        answered(task, &kept.code, from_proto_opt(kept.kept_at.as_ref()));
        let by = event.actor.as_ref().map(|actor| actor.id.clone());
        task.kept = Some(Kept {
            code: kept.code.clone(),
            statement_revision: kept.statement_revision,
            by: by.unwrap_or_default(),
            on_behalf_of: kept.on_behalf_of.clone(),
        });
    });
    if kept.statement_revision > 0 {
        said(case, StatementKind::Outcome, kept.statement_revision);
    }
}

fn task_completed(case: &mut Case, event: &Event, completed: &events::TaskCompleted) {
    let mut call = String::new();
    case.change_task(&completed.task, |task| {
        end(
            task,
            TaskState::Completed,
            at(completed.completed_at.as_ref()),
            completed.used_minutes,
        );
        task.outcome.clone_from(&completed.outcome);
        let is_it = |kept: &Kept| kept.code == completed.external_code;
        let kept = task.kept.take().filter(is_it);
        if !completed.external_code.is_empty() && kept.is_none() {
            let answered_at = from_proto_opt(completed.completed_at.as_ref());
            answered(task, &completed.external_code, answered_at);
        }
        task.on_behalf_of.clone_from(&completed.on_behalf_of);
        task.reason = (completed.statement_revision > 0).then_some(completed.statement_revision);
        // Who completes a task has it, whether it was taken before or not; an answer that was kept is whoever's it was.
        if let Some(kept) = kept {
            task.assignee = kept.by;
        } else if let Some(actor) = &event.actor {
            task.assignee.clone_from(&actor.id);
        }
        call.clone_from(&task.call);
    });
    if completed.statement_revision > 0 {
        said(case, StatementKind::Outcome, completed.statement_revision);
    }
    arrived(case, &call, &completed.joined);
}

fn timer_fired(case: &mut Case, fired: &events::TimerFired) {
    let mut call = String::new();
    if let Some(timer) = case.timer_mut(&fired.timer) {
        timer.fired_at = from_proto_opt(fired.fired_at.as_ref());
        call.clone_from(&timer.call);
    }
    arrived(case, &call, &fired.joined);
}

fn case_resumed(case: &mut Case, resumed: &events::CaseResumed) {
    case.state = CaseState::Running;
    for hold in case.holds.iter_mut().filter(|hold| hold.to.is_none()) {
        hold.to = from_proto_opt(resumed.resumed_at.as_ref());
    }
    case.due = due(resumed.due_at.as_ref(), resumed.judged_until.as_ref());
    case.first_due = due(
        resumed.first_due_at.as_ref(),
        resumed.first_judged_until.as_ref(),
    );
    remind(case, resumed.due_soon_at.as_ref());
    moves(case, &resumed.moved);
    case.touch_waiting();
}

fn deadline_recomputed(case: &mut Case, recomputed: &events::DeadlineRecomputed) {
    let before = case.due;
    case.due = due(recomputed.due_at.as_ref(), recomputed.judged_until.as_ref());
    case.first_due = due(
        recomputed.first_due_at.as_ref(),
        recomputed.first_judged_until.as_ref(),
    );
    if case.due != before {
        remind(case, recomputed.due_soon_at.as_ref());
        // That another due had passed says nothing of this one.
        case.overdue = false;
    }
    moves(case, &recomputed.moved);
    case.touch_waiting();
}

fn limit_chosen(case: &mut Case, chosen: &events::LimitChosen) {
    case.limit = written(chosen.limit.as_ref());
    case.chosen_limit.clone_from(&chosen.limit_id);
    case.limit_revision = chosen.statement_revision;
    case.due = due(chosen.due_at.as_ref(), chosen.judged_until.as_ref());
    case.first_due = case.due;
    remind(case, chosen.due_soon_at.as_ref());
    more_time(case, "", chosen.more_minutes);
    moves(case, &chosen.moved);
    said(case, StatementKind::Limit, chosen.statement_revision);
    case.touch_waiting();
}

fn sub_case_limit_chosen(case: &mut Case, chosen: &events::SubCaseLimitChosen) {
    if let Some(sub_case) = running(case, &chosen.branch) {
        sub_case.moves(
            at(chosen.due_at.as_ref()),
            from_proto_opt(chosen.judged_until.as_ref()).map(truncated),
            from_proto_opt(chosen.due_soon_at.as_ref()).map(truncated),
        );
        let before = std::mem::replace(&mut sub_case.limit, written(chosen.limit.as_ref()));
        sub_case.first_limit.get_or_insert(before);
        sub_case.chosen_limit.clone_from(&chosen.limit_id);
    }
    more_time(case, &chosen.branch, chosen.more_minutes);
    moves(case, &chosen.moved);
    said(case, StatementKind::Limit, chosen.statement_revision);
    case.touch_waiting();
}

/// What waits has so many working minutes more: the case's own steps, or those of a branch.
fn more_time(case: &mut Case, call: &str, minutes: i32) {
    for task in case
        .tasks
        .iter_mut()
        .filter(|task| task.has_more_time(call))
    {
        task.planned_minutes += minutes;
        if let Some(escalation) = &mut task.escalation {
            escalation.after_minutes += minutes;
        }
    }
}

pub(super) fn due(
    at_instant: Option<&prost_types::Timestamp>,
    judged_until: Option<&prost_types::Timestamp>,
) -> Due {
    Due {
        at: at(at_instant),
        judged_until: at(judged_until),
    }
}

/// Budgets, branches and waits end at other instants from now on.
fn moves(case: &mut Case, moved: &[events::MovedDue]) {
    for moved in moved {
        let due_at = from_proto_opt(moved.due_at.as_ref()).map(truncated);
        if !moved.timer.is_empty() {
            if let Some(timer) = case.timer_mut(&moved.timer) {
                timer.fires_at = due_at.unwrap_or(timer.fires_at);
            }
        } else if moved.branch.is_empty() {
            let escalate_at = from_proto_opt(moved.escalate_at.as_ref()).map(truncated);
            let lease_until = from_proto_opt(moved.lease_until.as_ref()).map(truncated);
            case.change_task(&moved.task, |task| {
                task.due_at = due_at.unwrap_or(task.due_at);
                if let (Some(escalation), Some(at)) = (&mut task.escalation, escalate_at) {
                    escalation.at = at;
                }
                if let (Some(lease), Some(until)) = (&mut task.lease, lease_until) {
                    lease.until = until;
                }
            });
        } else if let Some(sub_case) = running(case, &moved.branch) {
            sub_case.moves(
                due_at.unwrap_or(sub_case.due_at),
                from_proto_opt(moved.judged_until.as_ref()).map(truncated),
                from_proto_opt(moved.due_soon_at.as_ref()).map(truncated),
            );
        }
    }
}

/// What they had in hand waits for somebody else.
fn staff_recused(case: &mut Case, principal: &str, since: Option<&prost_types::Timestamp>) {
    case.recused.insert(principal.to_owned());
    let in_hand: Vec<_> = case
        .waiting()
        .filter(|(_, task)| task.assignee == principal)
        .map(|(id, _)| id)
        .collect();
    for id in in_hand {
        case.change_task(&id, |task| has_it(task, "", None, since));
    }
}

/// Somebody has a task from now on, or nobody.
fn has_it(
    task: &mut Task,
    assignee: &str,
    lease: Option<Lease>,
    since: Option<&prost_types::Timestamp>,
) {
    let since = at(since);
    if let Some(from) = task.claimed_at.take_if(|_| task.assignee != assignee) {
        task.before.push(Hand {
            assignee: std::mem::take(&mut task.assignee),
            on_behalf_of: std::mem::take(&mut task.on_behalf_of),
            from,
            until: since,
        });
    }
    task.state = if assignee.is_empty() {
        TaskState::Open
    } else {
        TaskState::Claimed
    };
    assignee.clone_into(&mut task.assignee);
    if !assignee.is_empty() {
        task.claimed_at.get_or_insert(since);
    }
    task.on_behalf_of.clear();
    task.lease = lease;
}

/// The due has moved: that it comes near is told of the new one, whatever was told of the one before.
fn remind(case: &mut Case, due_soon_at: Option<&prost_types::Timestamp>) {
    case.due_soon_at = from_proto_opt(due_soon_at);
    case.due_soon = false;
}

/// Holds end with the case.
fn release(case: &mut Case) {
    let ended_at = case.ended_at;
    for hold in case.holds.iter_mut().filter(|hold| hold.to.is_none()) {
        hold.to = ended_at.map(|at| at.max(hold.from));
    }
}

fn end(task: &mut Task, state: TaskState, at: Timestamp, used_minutes: i32) {
    task.state = state;
    task.lease = None;
    task.ended_at = Some(at);
    task.used_minutes = used_minutes;
}

fn running<'a>(case: &'a mut Case, branch: &str) -> Option<&'a mut SubCase> {
    case.sub_cases
        .iter_mut()
        .find(|sub_case| sub_case.branch == branch && sub_case.finished_at.is_none())
}

fn arrived(case: &mut Case, call: &str, join: &str) {
    if !join.is_empty() {
        *case.arrivals.entry(arrival_key(call, join)).or_default() += 1;
    }
}

/// What was said before something else may count after it: the next revision follows on the last one all the same.
fn said(case: &mut Case, kind: StatementKind, revision: i32) {
    let last = case.revisions.entry(kind as i32).or_default();
    *last = revision.max(*last);
}

/// A join in the definition of a call, or in the case's own.
pub(super) fn arrival_key(call: &str, join: &str) -> String {
    if call.is_empty() {
        join.to_owned()
    } else {
        format!("{call}/{join}")
    }
}
