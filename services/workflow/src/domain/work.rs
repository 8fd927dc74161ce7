//! What somebody may do with a task: take it, finish it, give it back.

use motcua_platform::{error::Error, ledger::Decision, time::to_proto};
use motcua_proto::{
    events::v1::{self as events, event::Payload},
    workflow::v1::TaskState,
};

use super::{
    case::Task,
    command::{StatementKind, Words},
    decide::Desk,
    definition,
    engine::{Scene, Walk},
    standing::{ARTICLE_WORK, refuse_task},
};

impl<'a> Desk<'a> {
    /// A task that this actor may work on now.
    fn workable(&self, id: &str) -> Result<&'a Task, Error> {
        let task = self.case.task(id).ok_or_else(|| Error::Missing {
            name: format!("cases/{}/tasks/{id}", self.context.key),
        })?;
        self.for_task(task)?;
        let refuse = |message, remedy| refuse_task(task, message, ARTICLE_WORK, remedy);
        match task.state {
            TaskState::Open => {}
            TaskState::Claimed if task.assignee == self.context.actor.id => {}
            TaskState::Claimed => {
                return Err(refuse(
                    "somebody else has the task",
                    "take another one from the worklist",
                ));
            }
            _ => {
                return Err(refuse(
                    "the task has ended",
                    "read the case again and work on what is open",
                ));
            }
        }
        self.running(ARTICLE_WORK)?;
        Ok(task)
    }

    pub(super) fn claim(&self, id: &str) -> Result<Decision, Error> {
        let task = self.workable(id)?;
        self.four_eyes(task)?;
        if task.state == TaskState::Claimed {
            return Ok(self.decision(Vec::new()));
        }
        Ok(
            self.decision(vec![Payload::TaskClaimed(events::TaskClaimed {
                task: id.to_owned(),
                assignee: self.context.actor.id.clone(),
                claimed_at: Some(to_proto(self.context.now)),
            })]),
        )
    }

    pub(super) fn complete(&self, id: &str, outcome: &str) -> Result<Decision, Error> {
        let task = self.workable(id)?;
        self.four_eyes(task)?;
        let scene = Scene::of(self.case, self.surround)?;
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
        let mut walk = Walk::new(self.case, &scene, self.context.now);
        walk.complete(id, task, outcome)?;
        Ok(self.decision(walk.events))
    }

    pub(super) fn give_back(&self, id: &str, reason: &Words) -> Result<Decision, Error> {
        let task = self.workable(id)?;
        let Some(previous) = self.case.task(&task.previous) else {
            return Err(self.refuse(
                "the task is the first of its branch, there is no step before it",
                ARTICLE_WORK,
                "complete it with one of its outcomes, ask for a supplement, or stop the case",
            ));
        };
        let scene = Scene::of(self.case, self.surround)?;
        let mut walk = Walk::new(self.case, &scene, self.context.now);
        walk.give_back(id, task, previous, self.revision(StatementKind::Return))?;
        let mut decision = self.decision(walk.events);
        decision
            .statements
            .push(self.statement(StatementKind::Return, reason, None));
        Ok(decision)
    }
}
