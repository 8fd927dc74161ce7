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

/// The control sheet of a case as it is at `now`.
///
/// # Errors
/// When its catalog is not at hand.
pub fn control_sheet(
    code: &str,
    case: &Case,
    now: Timestamp,
    surround: &Surround,
) -> Result<proto::ControlSheet, Error> {
    let timetable = timetable_of(case, surround)?;
    let mut lines = Vec::with_capacity(case.tasks.len());
    for task in &case.tasks {
        let hours = timetable.hours(&task.agency)?;
        let used_minutes = if task.is_waiting() {
            hours.used(task.opened_at, now, &case.holds_of(&task.call))
        } else {
            task.used_minutes
        };
        let (definition, version) = pinned(case, task);
        let title = surround
            .definitions
            .get(definition, version)
            .and_then(|definition| definition.task(&task.step).map(|step| step.title.clone()))
            .unwrap_or_default();
        lines.push(line(task, title, used_minutes));
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

fn line(task: &Task, title: String, used_minutes: i32) -> proto::ControlSheetLine {
    let punctuality = match used_minutes.cmp(&task.planned_minutes) {
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
        agency: task.agency.clone(),
        title,
        role: task.role.into(),
        assignee: task.assignee.clone(),
        handed_over_at: Some(to_proto(task.opened_at)),
        // Who completes a task without taking it first takes it in doing so.
        received_at: task
            .claimed_at
            .or(task.ended_at.filter(|_| !task.assignee.is_empty()))
            .map(to_proto),
        ended_at: task.ended_at.map(to_proto),
        planned_minutes: task.planned_minutes,
        used_minutes,
        punctuality: punctuality.into(),
        note,
        on_behalf_of: task.on_behalf_of.clone(),
    }
}
