//! What a task takes of somebody's working time, who may have several in hand and lay one aside for another.
//!
//! A history tells when a task was taken and done, and not when it was worked on. Every minute between two things that somebody
//! did is given to one task and to no other: so that all of their tasks together take as long as they worked.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use motcua_calendar::Calendar;
use motcua_proto::{
    events::v1::{Event, event::Payload},
    workflow::v1::{CaseState, TaskState},
};
use motcua_workflow::domain::{Case, task_id};

/// Dossier and task.
type Work = (String, String);

/// What everybody has in hand, and where their time went.
#[derive(Debug, Default)]
pub(super) struct Hands {
    /// Who has it, and since when without a pause.
    held: HashMap<Work, (String, Timestamp)>,
    /// The same by who has it, what was taken first at the front.
    hands: HashMap<String, BTreeSet<(Timestamp, Work)>>,
    /// Until when somebody's time is given away.
    given: HashMap<String, Timestamp>,
    /// Working minutes that were given to what is not done yet.
    spent: HashMap<Work, i64>,
}

impl Hands {
    /// Something has happened, after which a case stands so.
    pub(super) fn hear(&mut self, event: &Event, at: Timestamp, case: &Case) {
        let actor = event.actor.as_ref().map_or("", |actor| &actor.id);
        let released = match &event.payload {
            Some(Payload::TaskReleased(released)) => released.task.as_str(),
            _ => "",
        };
        for (index, task) in case.tasks.iter().enumerate() {
            let work = (event.dossier.clone(), task_id(index));
            let holder = self.held.get(&work).map(|(who, _)| who.as_str());
            let lies_still = case.state != CaseState::Running || !task.is_waiting();
            // What was taken longer ago than it is somebody's for goes on lying on their desk, until they say otherwise.
            let laid_down = released == work.1 && holder == Some(actor);
            let is_anothers = task.state == TaskState::Claimed && holder != Some(&task.assignee);
            if holder.is_some() && (lies_still || laid_down || is_anothers) {
                self.laid_down(&work);
            }
            if !lies_still && is_anothers {
                self.taken(work, &task.assignee, at);
            }
        }
    }

    fn taken(&mut self, work: Work, who: &str, at: Timestamp) {
        let hand = self.hands.entry(who.to_owned()).or_default();
        hand.insert((at, work.clone()));
        self.held.insert(work, (who.to_owned(), at));
    }

    fn laid_down(&mut self, work: &Work) {
        if let Some((who, since)) = self.held.remove(work)
            && let Some(hand) = self.hands.get_mut(&who)
        {
            hand.remove(&(since, work.clone()));
        }
    }

    /// Somebody is done with a task that was opened then. Answers with the working minutes that it took of their time: since they
    /// took it, or were done with what they did before, and what was given to it earlier. The time before they took it they
    /// worked at what they had had in hand the longest.
    pub(super) fn done(
        &mut self,
        who: &str,
        work: Work,
        opened: Timestamp,
        at: Timestamp,
        calendar: &Calendar,
    ) -> u32 {
        let taken = self
            .held
            .get(&work)
            .filter(|(holder, _)| holder == who)
            .map_or(opened, |(_, since)| *since);
        let given = self.given.insert(who.to_owned(), at);
        let given = given.unwrap_or(Timestamp::MIN);
        let begun = taken.max(given).min(at);
        let longest = self
            .hands
            .get(who)
            .and_then(|hand| hand.iter().find(|(_, other)| *other != work));
        if let Some((since, other)) = longest
            && begun > *since.max(&given)
        {
            let minutes = calendar.elapsed_working_minutes(*since.max(&given), begun);
            *self.spent.entry(other.clone()).or_default() += minutes;
        }
        let earlier = self.spent.remove(&work).unwrap_or_default();
        let minutes = earlier + calendar.elapsed_working_minutes(begun, at);
        u32::try_from(minutes).unwrap_or_default()
    }
}
