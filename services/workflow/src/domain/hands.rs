//! In whose hands a task is: released, delegated, given to somebody by a leader, and what its time brings.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{error::Error, ledger::Decision, time::to_proto};
use motcua_proto::{
    events::v1::{self as events, ReleaseGround, event::Payload},
    workflow::v1::TaskState,
};

use super::{
    case::{Lease, Task},
    decide::Desk,
    standing::{
        ARTICLE_FOUR_EYES, ARTICLE_RECUSAL, ARTICLE_WORK, gives_out, refuse_ended,
        refuse_for_system, refuse_task,
    },
};

/// Longest delegation.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);

impl<'a> Desk<'a> {
    /// A task of the actor's own agency that somebody is still to work on.
    fn waits_here(&self, id: &str) -> Result<&'a Task, Error> {
        let task = self.task(id)?;
        self.at_its_agency(task)?;
        if !task.system.is_empty() {
            return Err(refuse_for_system(task));
        }
        if !task.is_waiting() {
            return Err(refuse_ended(task));
        }
        Ok(task)
    }

    /// Whether the actor has it, or stands in for whoever has it; answers with that colleague.
    fn has(&self, task: &Task) -> Option<String> {
        if task.state != TaskState::Claimed {
            return None;
        }
        if task.assignee == self.context.actor.id {
            return Some(String::new());
        }
        let mut standing = self.stands_in().into_iter();
        let stands = standing.find(|it| it.agency == task.agency && it.absent == task.assignee);
        stands.map(|it| it.absent)
    }

    /// Nobody is given what is their own or a relative's, or a signature below what they prepared: they could not work on it,
    /// and it would lie with them.
    fn may_be_given(&self, task: &Task, to: &str) -> Result<(), Error> {
        if self.case.recused.contains(to) {
            return Err(refuse_task(
                task,
                "the dossier is marked as a relative's or one's own of whoever is to have the task",
                ARTICLE_RECUSAL,
                "give it to another colleague",
            ));
        }
        if self.is_barred(task, to) {
            return Err(refuse_task(
                task,
                "whoever is to have the task prepared the case, and does not sign it",
                ARTICLE_FOUR_EYES,
                "give it to another leader of the agency",
            ));
        }
        Ok(())
    }

    pub(super) fn release(&self, id: &str) -> Result<Decision, Error> {
        let task = self.waits_here(id)?;
        if task.state == TaskState::Open {
            return Ok(self.decision(Vec::new()));
        }
        let leads = || self.leads(|it| it == task.agency);
        let Some(on_behalf_of) = self.has(task).or_else(leads) else {
            return Err(refuse_task(
                task,
                "somebody else has the task",
                ARTICLE_WORK,
                "ask whoever has it, or a leader",
            ));
        };
        let released = events::TaskReleased {
            on_behalf_of,
            ..self.released(id, task, ReleaseGround::ByHand)?
        };
        Ok(self.decision(vec![Payload::TaskReleased(released)]))
    }

    pub(super) fn delegate(&self, id: &str, to: &str, until: Timestamp) -> Result<Decision, Error> {
        let task = self.waits_here(id)?;
        if self.has(task).is_none() {
            return Err(refuse_task(
                task,
                "only who has the task delegates it",
                ARTICLE_WORK,
                "take the task first (ClaimTask)",
            ));
        }
        let is_lent = |lease: &Lease| !lease.back_to.is_empty();
        if task.lease.as_ref().is_some_and(is_lent) {
            return Err(refuse_task(
                task,
                "what was delegated is not delegated again: it has to come back to whoever lent it",
                ARTICLE_WORK,
                "give it back (ReleaseTask), or ask a leader to give it to somebody else (ReassignTasks)",
            ));
        }
        if to == task.assignee {
            return Err(Error::field("assignee", "has the task already"));
        }
        if until <= self.context.now || until.duration_since(self.context.now) > LONGEST {
            return Err(Error::field(
                "until",
                "must be in the future, and at most a year away",
            ));
        }
        self.may_be_given(task, to)?;
        Ok(
            self.decision(vec![Payload::TaskDelegated(events::TaskDelegated {
                task: id.to_owned(),
                from: task.assignee.clone(),
                assignee: to.to_owned(),
                until: Some(to_proto(until)),
                delegated_at: Some(to_proto(self.context.now)),
            })]),
        )
    }

    pub(super) fn reassign(&self, id: &str, to: &str) -> Result<Decision, Error> {
        let task = self.waits_here(id)?;
        let on_behalf_of = gives_out(&task.agency, self.context, self.surround)?;
        self.may_be_given(task, to)?;
        if task.state == TaskState::Claimed && task.assignee == to {
            return Ok(self.decision(Vec::new()));
        }
        Ok(
            self.decision(vec![Payload::TaskReassigned(events::TaskReassigned {
                task: id.to_owned(),
                from: task.assignee.clone(),
                assignee: to.to_owned(),
                reassigned_at: Some(to_proto(self.context.now)),
                lease_until: Some(to_proto(self.lease_until(task)?)),
                on_behalf_of,
            })]),
        )
    }

    /// The time has passed for which a task was taken or delegated.
    pub(super) fn lease_ends(&self, id: &str) -> Result<Vec<Payload>, Error> {
        let Some(task) = self.case.task(id) else {
            return Ok(Vec::new());
        };
        let was_delegated = task
            .lease
            .as_ref()
            .is_some_and(|lease| !lease.back_to.is_empty());
        let ground = if was_delegated {
            ReleaseGround::DelegationEnded
        } else {
            ReleaseGround::LeaseEnded
        };
        Ok(vec![Payload::TaskReleased(
            self.released(id, task, ground)?,
        )])
    }

    /// A task is again theirs who delegated it, or nobody's: whoever was recused meanwhile, or prepared what is to be signed, could
    /// not work on it.
    fn released(
        &self,
        id: &str,
        task: &Task,
        ground: ReleaseGround,
    ) -> Result<events::TaskReleased, Error> {
        let back_to = task.lease.as_ref().map(|lease| lease.back_to.as_str());
        let back_to = back_to.filter(|to| !to.is_empty() && self.may_be_given(task, to).is_ok());
        let lease_until = back_to.map(|_| self.lease_until(task)).transpose()?;
        Ok(events::TaskReleased {
            task: id.to_owned(),
            assignee: back_to.unwrap_or_default().to_owned(),
            ground: ground.into(),
            released_at: Some(to_proto(self.context.now)),
            lease_until: lease_until.map(to_proto),
            on_behalf_of: String::new(),
        })
    }
}
