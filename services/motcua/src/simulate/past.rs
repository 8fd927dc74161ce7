//! What the history tells: where every case stands, who works, how long a step takes and what it comes to, and what comes in.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp, civil::Date};
use motcua_platform::{catalog::Catalog, time::from_proto_opt};
use motcua_proto::{
    events::v1::{Event, event::Payload},
    r#type::v1::{Punctuality, Role},
};
use motcua_workflow::domain::{Case, Definition, Receipt, Surround, apply};

use super::future::{Days, Outlook};
use crate::Failed;

/// People of one role at one agency.
pub(super) type Place = (String, Role);
/// A step of a procedure.
pub(super) type StepOf = (String, String);

/// The suite's past, as far as its future follows from it.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) surround: Surround,
    /// Those that have not ended.
    pub(super) open: BTreeMap<String, Case>,
    /// Who has completed tasks of late.
    pub(super) crews: BTreeMap<Place, BTreeSet<String>>,
    /// Working minutes of somebody's time that the step took each time.
    pub(super) minutes: HashMap<StepOf, Vec<u32>>,
    /// What it came to each time.
    pub(super) outcomes: HashMap<StepOf, Vec<String>>,
    /// What came in, by the day.
    pub(super) arrivals: BTreeMap<Date, Vec<Receipt>>,
    /// The suite's present: when the last thing happened.
    pub(super) now: Timestamp,
}

impl Past {
    /// Reads the histories of intake (for the catalogs) and workflow, in their order.
    pub(super) fn read<'e>(
        intake: &[Event],
        workflow: impl IntoIterator<Item = &'e Event>,
    ) -> Result<Self, Failed> {
        let mut past = Self::default();
        for event in intake {
            if let Some(Payload::CatalogApplied(applied)) = &event.payload
                && let Some(catalog) = &applied.catalog
            {
                let catalog =
                    Catalog::parse(catalog).map_err(|error| Failed::new(error.to_string()))?;
                past.surround.catalogs.remember(catalog, true);
            }
        }
        let mut cases: BTreeMap<String, Case> = BTreeMap::new();
        let mut free_since: HashMap<String, Timestamp> = HashMap::new();
        let mut done = Vec::new();
        for event in workflow {
            past.now =
                from_proto_opt(event.occurred_at.as_ref()).map_or(past.now, |at| at.max(past.now));
            match &event.payload {
                Some(Payload::DefinitionPublished(published)) => {
                    if let Some(definition) = &published.definition
                        && let Ok(definition) = Definition::parse(definition)
                    {
                        past.surround.definitions.remember(definition);
                    }
                }
                Some(_) if !event.dossier.is_empty() => {
                    let before = cases.remove(&event.dossier);
                    if let Some(Payload::TaskCompleted(completed)) = &event.payload {
                        done.extend(before.as_ref().and_then(|case| {
                            past.completed(case, completed, event, &mut free_since)
                        }));
                    }
                    if let Some(case) = apply(before, event) {
                        if let Some(Payload::CaseStarted(_)) = &event.payload {
                            past.arrived(&case);
                        }
                        cases.insert(event.dossier.clone(), case);
                    }
                }
                _ => {}
            }
        }
        let recent = past.now - SignedDuration::from_hours(24 * 28);
        for (place, who, at) in done {
            if at >= recent {
                past.crews.entry(place).or_default().insert(who);
            }
        }
        past.open = cases
            .into_iter()
            .filter(|(_, case)| !case.is_ended())
            .collect();
        Ok(past)
    }

    /// What really came of it up to an instant, by what was told since.
    pub(super) fn went_on(&self, told: &[&Event], until: Timestamp) -> Outlook {
        let mut cases = self.open.clone();
        let mut days = Days::default();
        for event in told.iter().filter(|event| !event.dossier.is_empty()) {
            let at = from_proto_opt(event.occurred_at.as_ref()).unwrap_or_default();
            if at > until {
                continue;
            }
            let before = cases.remove(&event.dossier);
            let Some(after) = apply(before, event) else {
                continue;
            };
            match &event.payload {
                Some(Payload::CaseStarted(_)) => days.at(at).received += 1,
                Some(Payload::CaseFinished(finished)) => {
                    let day = days.at(at);
                    day.resolved += 1;
                    day.overdue += i64::from(finished.punctuality() == Punctuality::Overdue);
                }
                _ => {}
            }
            cases.insert(event.dossier.clone(), after);
        }
        days.outlook(cases.values(), until)
    }

    /// So many days after now.
    pub(super) fn after(&self, days: i64) -> Timestamp {
        self.now + SignedDuration::from_hours(24 * days)
    }

    fn arrived(&mut self, case: &Case) {
        // Whom it concerns, and whether it is paid, is another matter each time.
        let receipt = Receipt {
            recused: Vec::new(),
            fee_vnd: 0,
            paid_vnd: 0,
            ..Receipt::of(case)
        };
        let day = motcua_calendar::local(case.received_at).date();
        self.arrivals.entry(day).or_default().push(receipt);
    }

    /// Somebody has done a task: where, who and when. What it took of their time began when they took it, or when they had
    /// done what they did before.
    fn completed(
        &mut self,
        case: &Case,
        completed: &motcua_proto::events::v1::TaskCompleted,
        event: &Event,
        free_since: &mut HashMap<String, Timestamp>,
    ) -> Option<(Place, String, Timestamp)> {
        let task = case.task(&completed.task)?;
        let at = from_proto_opt(completed.completed_at.as_ref())?;
        let who = event.actor.clone().unwrap_or_default().id;
        let catalog = self.surround.catalogs.get(&case.catalog)?;
        let calendar = catalog.calendar_of(catalog.agency(&task.agency)?)?;
        let taken = task.claimed_at.unwrap_or(task.opened_at);
        let since = free_since.get(&who).map_or(taken, |free| taken.max(*free));
        let minutes = calendar.elapsed_working_minutes(since.min(at), at);
        let step = (case.procedure_of(task).to_owned(), task.step.clone());
        self.outcomes
            .entry(step.clone())
            .or_default()
            .push(completed.outcome.clone());
        if task.role == Role::System {
            return None;
        }
        let minutes = u32::try_from(minutes).unwrap_or_default();
        self.minutes.entry(step).or_default().push(minutes);
        free_since.insert(who.clone(), at);
        Some(((task.agency.clone(), task.role), who, at))
    }
}
