//! What somebody may do with a task: take it, finish it, give it back.

use jiff::Timestamp;
use motcua_platform::{
    error::Error,
    ledger::{Context, Decision},
    time::to_proto,
};
use motcua_proto::{
    events::v1::{self as events, event::Payload},
    workflow::v1::TaskState,
};

use super::{
    case::{Case, Task, task_id},
    command::{StatementKind, Words},
    decide::Desk,
    definition,
    engine::{How, Walk, said_before},
    scene::Scene,
    standing::{ARTICLE_WORK, refuse_ended, refuse_task},
    surround::Surround,
};

/// What is taken is somebody's for half a working day at least, in working minutes.
const LEASE_MINUTES_MIN: u32 = 240;

/// How often the work may go back from one step: two people who send it to and fro need a third.
const RETURNS_MAX: usize = 5;

/// Whether the actor may work on the task at an index now, by what claiming it goes by.
#[must_use]
pub fn is_workable(case: &Case, index: usize, context: &Context<'_>, surround: &Surround) -> bool {
    let desk = Desk {
        case,
        context,
        surround,
    };
    let claimable = || {
        desk.not_recused()?;
        let (task, _) = desk.workable(&task_id(index))?;
        desk.four_eyes(task)
    };
    claimable().is_ok()
}

impl<'a> Desk<'a> {
    /// A task of the case.
    pub(super) fn task(&self, id: &str) -> Result<&'a Task, Error> {
        self.case.task(id).ok_or_else(|| Error::Missing {
            name: format!("cases/{}/tasks/{id}", self.context.key),
        })
    }

    /// A task that this actor may work on now, and whom they stand in for, if anybody.
    fn workable(&self, id: &str) -> Result<(&'a Task, String), Error> {
        let task = self.task(id)?;
        let absent = self.for_task(task)?;
        self.unended(task, absent.as_deref())?;
        self.goes_on(&task.call, ARTICLE_WORK)?;
        Ok((task, absent.unwrap_or_default()))
    }

    /// A task that has not ended, and that nobody else has than the colleague whom the actor stands in for.
    pub(super) fn unended(&self, task: &Task, absent: Option<&str>) -> Result<(), Error> {
        match task.state {
            TaskState::Open => Ok(()),
            TaskState::Claimed
                if task.assignee == self.context.actor.id
                    || absent == Some(task.assignee.as_str()) =>
            {
                Ok(())
            }
            TaskState::Claimed => Err(refuse_task(
                task,
                "somebody else has the task",
                ARTICLE_WORK,
                "take another one from the worklist",
            )),
            _ => Err(refuse_ended(task)),
        }
    }

    pub(super) fn claim(&self, id: &str) -> Result<Decision, Error> {
        let (task, absent) = self.workable(id)?;
        self.four_eyes(task)?;
        if task.state == TaskState::Claimed && task.assignee == self.context.actor.id {
            return Ok(self.decision(Vec::new()));
        }
        Ok(
            self.decision(vec![Payload::TaskClaimed(events::TaskClaimed {
                task: id.to_owned(),
                assignee: self.context.actor.id.clone(),
                claimed_at: Some(to_proto(self.context.now)),
                lease_until: Some(to_proto(self.lease_until(task)?)),
                on_behalf_of: absent,
            })]),
        )
    }

    /// Until when a task is theirs who have it from now on: for as long as its budget, and for half a working day at least. After
    /// that others may take it, so that nothing lies with one who is not there.
    pub(super) fn lease_until(&self, task: &Task) -> Result<Timestamp, Error> {
        let hours = self.timetable()?.hours(&task.agency)?;
        let minutes = u32::try_from(task.planned_minutes)
            .unwrap_or_default()
            .max(LEASE_MINUTES_MIN);
        hours.budget_end(self.context.now, minutes)
    }

    pub(super) fn complete(
        &self,
        id: &str,
        outcome: &str,
        reason: Option<&[Words; 2]>,
    ) -> Result<Decision, Error> {
        let (task, absent) = self.workable(id)?;
        self.four_eyes(task)?;
        let scene = self.scene()?;
        let step = scene.definition_of(&task.call).task(&task.step);
        if step.is_none_or(|step| step.transition(outcome).is_none()) {
            let outcomes: Vec<_> = step
                .into_iter()
                .flat_map(definition::Task::outcomes)
                .collect();
            return Err(Error::field(
                "outcome",
                format!("must be one of: {}", outcomes.join(", ")),
            ));
        }
        let how = How {
            outcome,
            external_code: "",
            on_behalf_of: &absent,
        };
        self.completed(&scene, id, task, how, reason)
    }

    /// A refusal has a reason, and nothing else has one.
    fn check_reason(
        &self,
        scene: &Scene,
        task: &Task,
        outcome: &str,
        is_given: bool,
    ) -> Result<(), Error> {
        let refuses = scene.definition_of(&task.call).refuses(outcome);
        match is_given {
            true if !refuses => {
                let refusals: Vec<_> = scene.definition_of(&task.call).refusals().collect();
                let description = if refusals.is_empty() {
                    "belongs to an outcome that refuses, and the definition has none".to_owned()
                } else {
                    format!(
                        "belongs to an outcome that refuses: {}",
                        refusals.join(", ")
                    )
                };
                Err(Error::field("reason", description))
            }
            // Who signs need not say again what was said right before.
            false if refuses && said_before(self.case, task, outcome).is_none() => {
                Err(Error::field(
                    "reason",
                    format!(
                        "is required: '{outcome}' refuses what was asked for, and the applicant is told why (decree 118/2025, art. 17)"
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether a task may end with an outcome: with a reason where it refuses, and by a way that is still open.
    pub(super) fn check_end(
        &self,
        scene: &Scene,
        task: &Task,
        outcome: &str,
        is_given: bool,
    ) -> Result<(), Error> {
        self.check_reason(scene, task, outcome, is_given)?;
        let step = scene.definition_of(&task.call).task(&task.step);
        let taken = self.case.rounds(&task.call, &task.step, outcome);
        let way = step.and_then(|step| step.transition(outcome));
        if way.is_some_and(|way| !way.is_open_after(taken)) {
            return Err(refuse_task(
                task,
                "the work has gone this way back as often as its definition allows",
                ARTICLE_WORK,
                "choose another of the task's outcomes",
            ));
        }
        Ok(())
    }

    /// A task ends with an outcome that its step has, and with the reason that it has where it refuses.
    pub(super) fn completed(
        &self,
        scene: &Scene,
        id: &str,
        task: &Task,
        how: How<'_>,
        reason: Option<&[Words; 2]>,
    ) -> Result<Decision, Error> {
        self.ended(scene, task, how.outcome, reason, |statement_revision| {
            let mut walk = Walk::new(self.case, scene, self.context.now);
            walk.complete(id, task, how, statement_revision)?;
            Ok(walk.events)
        })
    }

    /// What an outcome brings about, where its step may end so, and the reason that it has, by whose revision the events name it.
    pub(super) fn ended(
        &self,
        scene: &Scene,
        task: &Task,
        outcome: &str,
        reason: Option<&[Words; 2]>,
        events: impl FnOnce(i32) -> Result<Vec<Payload>, Error>,
    ) -> Result<Decision, Error> {
        self.check_end(scene, task, outcome, reason.is_some())?;
        let revision = reason.map_or(0, |_| self.revision(StatementKind::Outcome));
        let mut decision = self.decision(events(revision)?);
        decision.statements.extend(
            reason.map(|[why, ground]| self.statement(StatementKind::Outcome, why, Some(ground))),
        );
        Ok(decision)
    }

    pub(super) fn give_back(&self, id: &str, reason: &Words) -> Result<Decision, Error> {
        let (task, absent) = self.workable(id)?;
        let returned = self.case.tasks_of(&task.call).filter(|it| {
            it.step == task.step && it.branch == task.branch && it.state == TaskState::Returned
        });
        if returned.count() >= RETURNS_MAX {
            return Err(refuse_task(
                task,
                "the work has gone back from this step as often as it may",
                ARTICLE_WORK,
                "complete it with one of its outcomes, ask for a supplement, or stop the case",
            ));
        }
        let Some(previous) = self.case.task(&task.previous) else {
            return Err(self.refuse(
                "the task is the first of its branch, there is no step before it",
                ARTICLE_WORK,
                "complete it with one of its outcomes, ask for a supplement, or stop the case",
            ));
        };
        let scene = self.scene()?;
        let mut walk = Walk::new(self.case, &scene, self.context.now);
        let returned = events::TaskReturned {
            task: id.to_owned(),
            statement_revision: self.revision(StatementKind::Return),
            on_behalf_of: absent,
            ..events::TaskReturned::default()
        };
        walk.give_back(returned, task, previous)?;
        let mut decision = self.decision(walk.events);
        decision
            .statements
            .push(self.statement(StatementKind::Return, reason, None));
        Ok(decision)
    }
}
