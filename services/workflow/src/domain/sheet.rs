//! The control sheet (phiếu kiểm soát quá trình giải quyết hồ sơ, Mẫu 06): who had it, from when to when, and how much
//! working time it took.

use jiff::Timestamp;
use motcua_platform::{error::Error, time::to_proto};
use motcua_proto::{
    r#type::v1::Punctuality,
    workflow::v1::{self as proto, TaskState},
};

use super::{
    case::{Case, Task},
    scene::timetable_of,
    show::pinned,
    surround::Surround,
};

/// Note of whoever passed a task on, or had it taken from them.
const PASSED_ON: &str = "passed_on";

/// The control sheet of a case as it is at `now`: a line for each who had a task.
///
/// # Errors
/// When its catalog is not at hand.
pub fn control_sheet(
    code: &str,
    case: &Case,
    now: Timestamp,
    surround: &Surround,
) -> Result<proto::ControlSheet, Error> {
    let timetable = timetable_of(case, surround, now)?;
    let mut lines = Vec::with_capacity(case.tasks.len());
    for task in &case.tasks {
        let hours = timetable.hours(&task.agency)?;
        let holds = case.holds_of(&task.call);
        let used_minutes = if task.is_waiting() {
            hours.used(task.opened_at, now, &holds)
        } else {
            task.used_minutes
        };
        let (definition, version) = pinned(case, task);
        let title = surround
            .definitions
            .get(definition, version)
            .and_then(|definition| definition.task(&task.step).map(|step| step.title.clone()))
            .unwrap_or_default();
        // Each has what those before left of the budget.
        let (mut handed_over_at, mut left, mut used) = (task.opened_at, task.planned_minutes, 0);
        let mut giver = giver(case, task);
        for hand in &task.before {
            let used_minutes = hours.used(handed_over_at, hand.until, &holds);
            lines.push(proto::ControlSheetLine {
                assignee: hand.assignee.clone(),
                on_behalf_of: hand.on_behalf_of.clone(),
                handed_over_by: std::mem::replace(&mut giver, hand.assignee.clone()),
                handed_over_at: Some(to_proto(handed_over_at)),
                received_at: Some(to_proto(hand.from)),
                ended_at: Some(to_proto(hand.until)),
                planned_minutes: left,
                used_minutes,
                note: PASSED_ON.to_owned(),
                ..whose(task, &title)
            });
            handed_over_at = hand.until;
            left = (left - used_minutes).max(0);
            used += used_minutes;
        }
        let last = Span {
            handed_over_at,
            planned_minutes: left,
            used_minutes: (used_minutes - used).max(0),
        };
        lines.push(proto::ControlSheetLine {
            handed_over_by: giver,
            ..line(task, &title, &last)
        });
    }
    let hours = timetable.hours_of(case)?;
    let until = case.ended_at.unwrap_or(now);
    Ok(proto::ControlSheet {
        name: format!("cases/{code}"),
        procedure: case.procedure.clone(),
        received_at: Some(to_proto(case.received_at)),
        first_due_at: Some(to_proto(case.first_due.at)),
        due_at: Some(to_proto(case.due.at)),
        lines,
        used_minutes: hours.used(case.received_at, until, &case.holds),
        allowed_minutes: hours.used(case.received_at, case.first_due.at, &closed_before(case)),
    })
}

/// Holds that moved the first due: one that still lasts has not yet.
fn closed_before(case: &Case) -> Vec<super::case::Hold> {
    case.holds
        .iter()
        .filter(|hold| hold.to.is_some())
        .cloned()
        .collect()
}

/// The time of whoever has, or finished, a task.
struct Span {
    handed_over_at: Timestamp,
    planned_minutes: i32,
    used_minutes: i32,
}

/// Who handed a task over: whoever gave the work back to it, or had the step before it, or the one that ended as this one was
/// opened, where paths met or divided. Empty where nobody of the case did.
fn giver(case: &Case, task: &Task) -> String {
    let ended_then = |state: TaskState| {
        let mut tasks = case.tasks.iter().rev();
        tasks.find(|it| it.state == state && it.ended_at == Some(task.opened_at))
    };
    let given_back = ended_then(TaskState::Returned).filter(|it| it.call == task.call);
    let before = given_back
        .or_else(|| case.task(&task.previous))
        .or_else(|| ended_then(TaskState::Completed));
    before.map_or_else(String::new, |before| before.assignee.clone())
}

/// What is the same for everybody who had a task.
fn whose(task: &Task, title: &str) -> proto::ControlSheetLine {
    proto::ControlSheetLine {
        agency: task.agency.clone(),
        title: title.to_owned(),
        system: task.system.clone(),
        role: task.role.into(),
        ..proto::ControlSheetLine::default()
    }
}

fn line(task: &Task, title: &str, span: &Span) -> proto::ControlSheetLine {
    let punctuality = match span.used_minutes.cmp(&span.planned_minutes) {
        _ if task.is_waiting() => Punctuality::Unspecified,
        std::cmp::Ordering::Less => Punctuality::Early,
        std::cmp::Ordering::Equal => Punctuality::OnTime,
        std::cmp::Ordering::Greater => Punctuality::Overdue,
    };
    let note = match task.state {
        TaskState::Completed => task.outcome.clone(),
        TaskState::Returned => "returned".to_owned(),
        TaskState::Cancelled => "cancelled".to_owned(),
        TaskState::Open | TaskState::Claimed | TaskState::Unspecified => String::new(),
    };
    proto::ControlSheetLine {
        assignee: task.assignee.clone(),
        handed_over_at: Some(to_proto(span.handed_over_at)),
        // Who completes a task without taking it first takes it in doing so.
        received_at: task
            .claimed_at
            .or(task.ended_at.filter(|_| !task.assignee.is_empty()))
            .map(to_proto),
        ended_at: task.ended_at.map(to_proto),
        planned_minutes: span.planned_minutes,
        used_minutes: span.used_minutes,
        punctuality: punctuality.into(),
        note,
        on_behalf_of: task.on_behalf_of.clone(),
        ..whose(task, title)
    }
}
