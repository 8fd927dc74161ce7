//! What another system answers: an outcome, or that it is on the way; at once, or kept while its step stands still.

use jiff::Timestamp;
use motcua_platform::{
    error::Error,
    ledger::Decision,
    time::{from_proto_opt, to_proto},
};
use motcua_proto::events::v1::{self as events, event::Payload};

use super::{
    case::{Case, Kept, Task},
    command::Words,
    decide::Desk,
    engine::{How, Walk},
    replay::apply,
    scene::Scene,
    standing::{ARTICLE_WORK, refuse_task},
};

/// How often another system's word on the way is kept, of one task: a program that goes round says no more than before.
const PROGRESSES_MAX: u32 = 50;

impl Desk<'_> {
    /// Another system's code means an outcome, or that it is on the way. Said again, either changes nothing. A refusal has the reason
    /// that came with it, or the one that the definition has for the code.
    pub(super) fn record_outcome(
        &self,
        id: &str,
        code: &str,
        reason: Option<&[Words; 2]>,
    ) -> Result<Decision, Error> {
        let task = self.task(id)?;
        if task.system.is_empty() {
            return Err(refuse_task(
                task,
                "no other system is asked for this outcome",
                ARTICLE_WORK,
                "answer the task that OutcomeRequested named",
            ));
        }
        let absent = self.for_system(task)?;
        if task.is_completed() && task.external_code == code {
            return Ok(self.decision(Vec::new()));
        }
        let scene = self.scene()?;
        let held = self.case.is_held(&task.call);
        let kept = task.kept.as_ref().filter(|_| held);
        let kept = kept.filter(|kept| self.outcome_of(&scene, task, kept).is_some());
        if kept.is_some_and(|kept| kept.code == code) {
            return Ok(self.decision(Vec::new()));
        }
        let step = scene.definition_of(&task.call).task(&task.step);
        let Some(external) = step.and_then(|step| step.external.as_ref()) else {
            // Another version of the definition, which the case goes on under, may no longer have the step.
            self.unended(task, None)?;
            return Err(Error::Fault(format!(
                "step '{}' asks no other system",
                task.step
            )));
        };
        let Some(meaning) = external.codes.get(code) else {
            return Err(Error::field(
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
            ));
        };
        let Some(outcome) = &meaning.outcome else {
            if reason.is_some() {
                let no_end =
                    "belongs to an outcome that refuses, and the code is on the way to one";
                return Err(Error::field("reason", no_end));
            }
            // It may come late, or once more, when the outcome is there: who sends in order goes on to the next.
            let is_new = task.is_waiting()
                && kept.is_none()
                && task.external_code != code
                && task.progressed < PROGRESSES_MAX;
            let progressed = is_new.then(|| {
                Payload::OutcomeProgressed(events::OutcomeProgressed {
                    task: id.to_owned(),
                    code: code.to_owned(),
                    recorded_at: Some(to_proto(self.context.now)),
                })
            });
            return Ok(self.decision(progressed.into_iter().collect()));
        };
        self.unended(task, None)?;
        if !held {
            self.goes_on(&task.call, ARTICLE_WORK)?;
        }
        let refuses = scene.definition_of(&task.call).refuses(outcome);
        let own = meaning.why.as_ref().filter(|_| refuses);
        let own = own.map(|why| why.clone().map(Words::from));
        let reason = reason.or(own.as_ref());
        let how = How {
            outcome,
            external_code: code,
            on_behalf_of: &absent,
        };
        if kept.is_some() {
            return Err(refuse_task(
                task,
                "the system has answered already, and the answer counts once the case goes on",
                ARTICLE_WORK,
                "leave it at the first answer",
            ));
        }
        if held {
            return self.keep(&scene, id, task, how, reason);
        }
        self.completed(&scene, id, task, how, reason)
    }

    /// Others do not stand still because the applicant is awaited. What they answer meanwhile is kept, once, as what ended the step
    /// would be.
    fn keep(
        &self,
        scene: &Scene,
        id: &str,
        task: &Task,
        how: How<'_>,
        reason: Option<&[Words; 2]>,
    ) -> Result<Decision, Error> {
        self.ended(scene, task, how.outcome, reason, |statement_revision| {
            Ok(vec![Payload::OutcomeKept(events::OutcomeKept {
                task: id.to_owned(),
                code: how.external_code.to_owned(),
                kept_at: Some(to_proto(self.context.now)),
                statement_revision,
                on_behalf_of: how.on_behalf_of.to_owned(),
            })])
        })
    }

    /// With what follows from the answers that were kept, where a decision has the case go on.
    pub(super) fn with_kept(&self, mut decision: Decision) -> Result<Decision, Error> {
        let resumed = decision.events.iter().find_map(|payload| match payload {
            Payload::CaseResumed(resumed) => from_proto_opt(resumed.resumed_at.as_ref()),
            _ => None,
        });
        let none_kept = self.case.tasks.iter().all(|task| task.kept.is_none());
        let Some(at) = resumed.filter(|_| !none_kept) else {
            return Ok(decision);
        };
        let mut after = self.told(self.case.clone(), &decision.events);
        loop {
            let desk = Desk {
                case: &after,
                context: self.context,
                surround: self.surround,
            };
            let Some(more) = desk.counts_kept(at)? else {
                return Ok(decision);
            };
            after = self.told(after, &more);
            decision.events.extend(more);
        }
    }

    /// The case as these events leave it.
    pub(super) fn told(&self, case: Case, payloads: &[Payload]) -> Case {
        payloads.iter().fold(case, |case, payload| {
            let event = events::Event {
                occurred_at: Some(to_proto(self.context.now)),
                actor: Some(self.context.actor.clone()),
                payload: Some(payload.clone()),
                ..events::Event::default()
            };
            apply(Some(case.clone()), &event).unwrap_or(case)
        })
    }

    /// The first answer that was kept and counts now ends its step, when the case went on. One that means nothing any more, or whose
    /// way is closed since, ends nothing: the step waits for another one.
    fn counts_kept(&self, at: Timestamp) -> Result<Option<Vec<Payload>>, Error> {
        if self.case.is_ended() {
            return Ok(None);
        }
        let scene = self.scene()?;
        for (id, task) in self.case.waiting() {
            let kept = task
                .kept
                .as_ref()
                .filter(|_| !self.case.is_held(&task.call));
            let outcome = kept.and_then(|kept| self.outcome_of(&scene, task, kept));
            let Some((kept, outcome)) = kept.zip(outcome) else {
                continue;
            };
            let how = How {
                outcome,
                external_code: &kept.code,
                on_behalf_of: &kept.on_behalf_of,
            };
            let mut walk = Walk::new(self.case, &scene, at);
            walk.complete(&id, task, how, kept.statement_revision)?;
            return Ok(Some(walk.events));
        }
        Ok(None)
    }

    /// What an answer that was kept comes to, as the definition has it by now; `None` where it cannot end the step so.
    fn outcome_of<'s>(&self, scene: &'s Scene, task: &Task, kept: &Kept) -> Option<&'s str> {
        let step = scene.definition_of(&task.call).task(&task.step)?;
        let meaning = step.external.as_ref()?.codes.get(&kept.code)?;
        let outcome = meaning.outcome.as_deref()?;
        let is_said = kept.statement_revision > 0;
        let ends = self.check_end(scene, task, outcome, is_said).is_ok();
        ends.then_some(outcome)
    }
}
