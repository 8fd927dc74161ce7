//! A case as the contract shows it.

use std::collections::BTreeSet;

use motcua_platform::{catalog, time::to_proto};
use motcua_proto::{
    events::v1::HoldGround,
    workflow::v1::{self as proto, SubCaseState, TaskState},
};

use super::{
    case::{Case, Task, Timer, task_id},
    surround::Definitions,
};

/// What the ledger answers, and keeps for a repeated request: the case without what its definitions say, and which
/// they are. [`Answered::fill`] puts that in.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Answered {
    /// The case.
    #[prost(message, optional, tag = "1")]
    pub case: Option<proto::Case>,
    /// The definitions that its tasks belong to; the first is the case's own.
    #[prost(message, repeated, tag = "2")]
    pub definitions: Vec<PinnedDefinition>,
    /// For each task the index of its definition.
    #[prost(uint32, repeated, tag = "3")]
    pub definition_of: Vec<u32>,
    /// How often the outcomes of waiting tasks were chosen before: a way back has a bound.
    #[prost(message, repeated, tag = "4")]
    pub taken: Vec<Taken>,
}

/// How often an outcome of a task's step was chosen before.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Taken {
    /// Index of the task.
    #[prost(uint32, tag = "1")]
    pub task: u32,
    /// The outcome.
    #[prost(string, tag = "2")]
    pub outcome: String,
    /// So often.
    #[prost(uint32, tag = "3")]
    pub times: u32,
}

/// A version of a definition.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PinnedDefinition {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Its version; 0 while the case is blocked.
    #[prost(int32, tag = "2")]
    pub version: i32,
}

impl Answered {
    /// The case with what its definitions say, as far as they are known.
    #[must_use]
    pub fn fill(self, definitions: &Definitions) -> proto::Case {
        let mut case = self.case.unwrap_or_default();
        for (place, (task, index)) in case.tasks.iter_mut().zip(&self.definition_of).enumerate() {
            let pinned = usize::try_from(*index)
                .ok()
                .and_then(|index| self.definitions.get(index));
            let taken = |outcome: &str| {
                let mut of_it = self.taken.iter().filter(|taken| {
                    usize::try_from(taken.task) == Ok(place) && taken.outcome == outcome
                });
                of_it.next().map_or(0, |taken| taken.times)
            };
            if let Some(pinned) = pinned {
                fill(task, definitions, (&pinned.id, pinned.version), taken);
            }
        }
        case
    }
}

/// The case with the definitions that it names.
#[must_use]
pub fn answered(code: &str, case: &Case) -> Answered {
    let own = PinnedDefinition {
        id: case.definition.clone(),
        version: case.definition_version,
    };
    let called = case.called.iter().map(|called| PinnedDefinition {
        id: called.definition.clone(),
        version: called.definition_version,
    });
    let definition_of = case
        .tasks
        .iter()
        .map(|task| {
            case.called
                .iter()
                .position(|called| called.branch == task.call)
                .map_or(0, |index| index + 1)
        })
        .map(|index| u32::try_from(index).unwrap_or_default())
        .collect();
    Answered {
        case: Some(show_case(code, case)),
        definitions: [own].into_iter().chain(called).collect(),
        definition_of,
        taken: taken(case),
    }
}

/// Of each waiting task the outcomes that its step had before.
fn taken(case: &Case) -> Vec<Taken> {
    let mut all = Vec::new();
    for (index, task) in case
        .tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| task.is_waiting())
    {
        let before: BTreeSet<_> = case
            .tasks_of(&task.call)
            .filter(|before| before.is_completed() && before.step == task.step)
            .map(|before| before.outcome.as_str())
            .collect();
        all.extend(before.into_iter().map(|outcome| Taken {
            task: u32::try_from(index).unwrap_or(u32::MAX),
            outcome: outcome.to_owned(),
            times: case.rounds(&task.call, &task.step, outcome),
        }));
    }
    all
}

fn show_case(code: &str, case: &Case) -> proto::Case {
    proto::Case {
        name: format!("cases/{code}"),
        code: code.to_owned(),
        state: case.state.into(),
        procedure: case.procedure.clone(),
        receiving_agency: case.receiving_agency.clone(),
        competent_agency: case.competent_agency.clone(),
        definition: case.definition.clone(),
        definition_version: case.definition_version,
        received_at: Some(to_proto(case.received_at)),
        limit: catalog::limit_to_proto(&case.limit),
        chosen_limit: case.chosen_limit.clone(),
        first_due_at: Some(to_proto(case.first_due.at)),
        due_at: Some(to_proto(case.due.at)),
        extended: case.extended,
        apology: case.apology.as_ref().map(|apology| proto::Apology {
            made_at: Some(to_proto(apology.made_at)),
            first_due_at: Some(to_proto(apology.first_due_at)),
            due_at: Some(to_proto(apology.due_at)),
            on_behalf_of: apology.on_behalf_of.clone(),
        }),
        overdue: case.overdue || case.punctuality == motcua_proto::r#type::v1::Punctuality::Overdue,
        priority: case.priority.into(),
        holds: case
            .holds
            .iter()
            .enumerate()
            .map(|(place, hold)| proto::Hold {
                held_at: Some(to_proto(hold.from)),
                resumed_at: hold.to.map(to_proto),
                supplement_due_at: hold.due_at.map(to_proto),
                payment: hold.ground == HoldGround::Payment,
                statement_revision: case.said_of(place),
                branch: hold.branch.clone(),
            })
            .collect(),
        tasks: (0..case.tasks.len())
            .filter_map(|index| show_task(code, case, index))
            .collect(),
        sub_cases: (0..case.sub_cases.len())
            .filter_map(|index| show_sub_case(code, case, index))
            .collect(),
        timers: case.timers.iter().map(show_timer).collect(),
        ended_at: case.ended_at.map(to_proto),
        fee_vnd: case.fee_vnd,
        obligations_vnd: case.obligations_vnd,
        statement_revision: case.statement_revision,
        limit_statement_revision: case.limit_revision,
        due_soon: case.due_soon,
        paid_vnd: case.paid_vnd,
        outcome: case.outcome.clone(),
        punctuality: case.punctuality.into(),
        blocked_reason: case.blocked_reason.clone(),
        etag: format!("\"{}\"", case.version),
    }
}

fn show_timer(timer: &Timer) -> proto::Timer {
    proto::Timer {
        step: timer.step.clone(),
        branch: timer.branch.clone(),
        set_at: Some(to_proto(timer.set_at)),
        fires_at: Some(to_proto(timer.fires_at)),
        fired_at: timer.fired_at.map(to_proto),
    }
}

/// A branch; `None` where there is none at that index.
#[must_use]
pub fn show_sub_case(code: &str, case: &Case, index: usize) -> Option<proto::SubCase> {
    let sub_case = case.sub_cases.get(index)?;
    let under_way = case.is_under_way(sub_case);
    Some(proto::SubCase {
        branch: sub_case.branch.clone(),
        procedure: sub_case.procedure.clone(),
        agency: sub_case.agency.clone(),
        limit: catalog::limit_to_proto(&sub_case.limit),
        chosen_limit: sub_case.chosen_limit.clone(),
        started_at: Some(to_proto(sub_case.started_at)),
        due_at: Some(to_proto(sub_case.due_at)),
        finished_at: sub_case.finished_at.map(to_proto),
        outcome: sub_case.outcome.clone(),
        overdue: sub_case.is_overdue(),
        punctuality: sub_case.punctuality().into(),
        dossier: code.to_owned(),
        number: i32::try_from(index + 1).unwrap_or(i32::MAX),
        state: if under_way {
            SubCaseState::Open
        } else {
            SubCaseState::Ended
        }
        .into(),
        held: under_way && case.is_held(&sub_case.branch),
        statement_revision: sub_case.statement_revision,
        lapsed: sub_case.lapsed,
        due_soon: sub_case.due_soon,
        first_due_at: Some(to_proto(sub_case.first_due_at.unwrap_or(sub_case.due_at))),
        first_limit: sub_case
            .first_limit
            .as_ref()
            .and_then(catalog::limit_to_proto),
    })
}

/// A task, without what its definition says; `None` where there is none at that index.
#[must_use]
pub fn show_task(code: &str, case: &Case, index: usize) -> Option<proto::Task> {
    let task = case.tasks.get(index)?;
    Some(proto::Task {
        name: format!("cases/{code}/tasks/{}", task_id(index)),
        dossier: code.to_owned(),
        step: task.step.clone(),
        title: String::new(),
        branch: task.branch.clone(),
        role: task.role.into(),
        agency: task.agency.clone(),
        procedure: case.procedure_of(task).to_owned(),
        state: task.state.into(),
        assignee: task.assignee.clone(),
        opened_at: Some(to_proto(task.opened_at)),
        claimed_at: task.claimed_at.map(to_proto),
        ended_at: task.ended_at.map(to_proto),
        planned_minutes: task.planned_minutes,
        used_minutes: task.used_minutes,
        due_at: Some(to_proto(task.due_at)),
        outcomes: Vec::new(),
        outcome: task.outcome.clone(),
        priority: case.priority.into(),
        case_due_at: Some(to_proto(case.due.at)),
        receiving_agency: case.receiving_agency.clone(),
        held: case.holds_up(task),
        branch_due_at: case
            .sub_case(&task.call)
            .map(|sub_case| to_proto(sub_case.due_at)),
        refusals: Vec::new(),
        group: task.group.clone(),
        system: task.system.clone(),
        external_code: task.external_code.clone(),
        external_code_at: task.external_code_at.map(to_proto),
        statement_revision: task.reason.unwrap_or_default(),
        escalated: task.escalation.is_some_and(|escalation| escalation.done),
        lease_until: task.lease.as_ref().map(|lease| to_proto(lease.until)),
        on_behalf_of: task.on_behalf_of.clone(),
        delegated_by: task
            .lease
            .as_ref()
            .map_or_else(String::new, |lease| lease.back_to.clone()),
    })
}

/// Puts into a shown task what its definition, by id and version, says: its title, and the outcomes that it waits for. A way
/// back that was taken as often as it may be is none of them.
pub fn fill(
    shown: &mut proto::Task,
    definitions: &Definitions,
    definition: (&str, i32),
    taken: impl Fn(&str) -> u32,
) {
    let Some(definition) = definitions.get(definition.0, definition.1) else {
        return;
    };
    let Some(step) = definition.task(&shown.step) else {
        return;
    };
    shown.title.clone_from(&step.title);
    if matches!(shown.state(), TaskState::Open | TaskState::Claimed) {
        shown.outcomes = step
            .transitions
            .iter()
            .filter(|way| way.is_open_after(taken(&way.outcome)))
            .map(|way| way.outcome.clone())
            .collect();
        shown.refusals = definition
            .refusals()
            .filter(|refusal| shown.outcomes.iter().any(|outcome| outcome == refusal))
            .map(str::to_owned)
            .collect();
    }
}

/// The definition that a task belongs to.
pub(super) fn pinned<'a>(case: &'a Case, task: &Task) -> (&'a str, i32) {
    case.called(&task.call).map_or(
        (case.definition.as_str(), case.definition_version),
        |called| (called.definition.as_str(), called.definition_version),
    )
}

impl Case {
    /// The definition that the task at an index belongs to.
    #[must_use]
    pub fn definition_of(&self, index: usize) -> Option<(&str, i32)> {
        Some(pinned(self, self.tasks.get(index)?))
    }

    /// How often an outcome of the step of the task at an index was chosen before.
    #[must_use]
    pub fn taken(&self, index: usize, outcome: &str) -> u32 {
        self.tasks
            .get(index)
            .map_or(0, |task| self.rounds(&task.call, &task.step, outcome))
    }
}
