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
    engine::Walk,
    scene::Scene,
    standing::{ARTICLE_WORK, refuse_task},
};

impl<'a> Desk<'a> {
    /// A task that this actor may work on now.
    fn workable(&self, id: &str) -> Result<&'a Task, Error> {
        let task = self.case.task(id).ok_or_else(|| Error::Missing {
            name: format!("cases/{}/tasks/{id}", self.context.key),
        })?;
        self.for_task(task)?;
        self.unended(task)?;
        self.running(ARTICLE_WORK)?;
        Ok(task)
    }

    /// A task that nobody else has and that has not ended.
    fn unended(&self, task: &Task) -> Result<(), Error> {
        let refuse = |message, remedy| refuse_task(task, message, ARTICLE_WORK, remedy);
        match task.state {
            TaskState::Open => Ok(()),
            TaskState::Claimed if task.assignee == self.context.actor.id => Ok(()),
            TaskState::Claimed => Err(refuse(
                "somebody else has the task",
                "take another one from the worklist",
            )),
            _ => Err(refuse(
                "the task has ended",
                "read the case again and work on what is open",
            )),
        }
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
        self.completed(&scene, id, task, outcome, "")
    }

    /// A task ends with an outcome that its step has.
    fn completed(
        &self,
        scene: &Scene,
        id: &str,
        task: &Task,
        outcome: &str,
        external_code: &str,
    ) -> Result<Decision, Error> {
        let step = scene.definition_of(&task.call).task(&task.step);
        let at_most = step
            .and_then(|step| step.transition(outcome))
            .and_then(|transition| transition.at_most);
        if at_most.is_some_and(|times| self.case.rounds(&task.call, &task.step, outcome) >= times) {
            return Err(refuse_task(
                task,
                "the work has gone this way back as often as its definition allows",
                ARTICLE_WORK,
                "choose another of the task's outcomes",
            ));
        }
        let mut walk = Walk::new(self.case, scene, self.context.now);
        walk.complete(id, task, outcome, external_code)?;
        Ok(self.decision(walk.events))
    }

    /// Another system's code means an outcome, or that it is on the way. Said again, it changes nothing.
    pub(super) fn record_outcome(&self, id: &str, code: &str) -> Result<Decision, Error> {
        let missing = || Error::Missing {
            name: format!("cases/{}/tasks/{id}", self.context.key),
        };
        let task = self.case.task(id).ok_or_else(missing)?;
        if task.system.is_empty() {
            return Err(refuse_task(
                task,
                "no other system is asked for this outcome",
                ARTICLE_WORK,
                "answer the task that OutcomeRequested named",
            ));
        }
        self.for_system(task)?;
        if task.is_completed() && task.external_code == code {
            return Ok(self.decision(Vec::new()));
        }
        self.unended(task)?;
        let scene = Scene::of(self.case, self.surround)?;
        let step = scene.definition_of(&task.call).task(&task.step);
        let external = step
            .and_then(|step| step.external.as_ref())
            .ok_or_else(missing)?;
        match external.codes.get(code) {
            None => Err(Error::field(
                "code",
                format!(
                    "must be one of: {}",
                    external
                        .codes
                        .keys()
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            )),
            Some(None) => Ok(self.decision(Vec::new())),
            Some(Some(outcome)) => {
                self.running(ARTICLE_WORK)?;
                self.completed(&scene, id, task, outcome, code)
            }
        }
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
