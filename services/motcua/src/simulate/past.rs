//! What the history tells: where every case stands, who works, how long a step takes and what it comes to, and what comes in.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, civil::Date};
use motcua_calendar::Calendar;
use motcua_platform::{
    catalog::{self, Catalog},
    time::from_proto_opt,
};
use motcua_proto::{
    events::v1::{Event, event::Payload},
    r#type::v1::Role,
};
use motcua_workflow::domain::{Case, Definition, Receipt, Surround, apply};

use super::{
    hands::Hands,
    outlook::{Days, Outlook},
};
use crate::Failed;

/// People of one role at one agency.
pub(super) type Place = (String, Role);
/// A step of a procedure.
pub(super) type StepOf = (String, String);
/// What a step came to: an outcome, or none where the work was given back.
pub(super) type Ending = Option<String>;

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
    pub(super) endings: HashMap<StepOf, Vec<Ending>>,
    /// The named groups whose tasks somebody has done.
    pub(super) groups: HashMap<String, BTreeSet<String>>,
    /// What came in, by the day, and as it would come in now.
    pub(super) arrivals: BTreeMap<Date, Vec<Receipt>>,
    /// The suite's present: when the last thing happened.
    pub(super) now: Timestamp,
    /// The agencies whose figures are wanted; those of all where it is empty. What happens does not depend on it.
    pub(super) shown: BTreeSet<String>,
}

impl Past {
    /// Reads the histories of intake (for the catalogs) and workflow, in their order.
    pub(super) fn read<'e>(
        intake: impl IntoIterator<Item = &'e Event>,
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
        let mut hands = Hands::default();
        let (mut done, mut came) = (Vec::new(), Vec::new());
        for event in workflow {
            let at = from_proto_opt(event.occurred_at.as_ref());
            past.now = at.map_or(past.now, |at| at.max(past.now));
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
                    let ended = match &event.payload {
                        Some(Payload::TaskCompleted(completed)) => {
                            Some((&completed.task, Some(completed.outcome.clone())))
                        }
                        Some(Payload::TaskReturned(returned)) => Some((&returned.task, None)),
                        _ => None,
                    };
                    if let (Some(case), Some((task, ending))) = (&before, ended) {
                        done.extend(past.ended(case, task, ending, event, &mut hands));
                    }
                    if let Some(case) = apply(before, event) {
                        if let Some(Payload::CaseStarted(_)) = &event.payload {
                            came.push(Receipt::of(&case));
                        }
                        hands.hear(event, at.unwrap_or_default(), &case);
                        cases.insert(event.dossier.clone(), case);
                    }
                }
                _ => {}
            }
        }
        for receipt in came {
            past.arrived(receipt);
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
                Some(Payload::CaseStarted(_)) => days.came(at, &event.dossier),
                Some(Payload::CaseFinished(_)) => days.resolved(at, &event.dossier),
                _ => {}
            }
            cases.insert(event.dossier.clone(), after);
        }
        days.outlook(&cases, &self.shown, until)
    }

    /// So many days after now.
    pub(super) fn after(&self, days: i64) -> Timestamp {
        self.now + SignedDuration::from_hours(24 * days)
    }

    /// What came once may come again: under the catalog in force, for what has taken the place of its procedure, and not where
    /// that has ended.
    fn arrived(&mut self, came: Receipt) {
        let Some(catalog) = self.surround.catalogs.in_force(self.now) else {
            return;
        };
        let today = motcua_calendar::local(self.now).date();
        let Some(procedure) = catalog.procedure_on(&came.procedure, today) else {
            return;
        };
        let limit = procedure.limit.as_ref().and_then(catalog::limit);
        let day = motcua_calendar::local(came.received_at).date();
        let competent = if catalog.agency(&came.competent_agency).is_some() {
            Some(came.competent_agency.clone())
        } else {
            let unit = catalog.competent(procedure, &came.receiving_agency, day);
            unit.map(|unit| unit.code.clone())
        };
        let (Some(limit), Some(competent_agency)) = (limit, competent) else {
            return;
        };
        // Whom it concerns, and whether it is paid, is another matter each time.
        let receipt = Receipt {
            procedure: procedure.code.clone(),
            catalog: catalog.id().to_owned(),
            definition: procedure.definition.clone(),
            limit,
            competent_agency,
            recused: Vec::new(),
            fee_vnd: 0,
            paid_vnd: 0,
            ..came
        };
        self.arrivals.entry(day).or_default().push(receipt);
    }

    /// An agency's calendar in the catalog in force, because days off are what they are for everybody; in another one where that
    /// does not have the agency any more.
    fn calendar(&self, agency: &str, other: &str) -> Option<Arc<Calendar>> {
        let of = |catalog: Arc<Catalog>| {
            let agency = catalog.agency(agency)?;
            catalog.calendar_of(agency).cloned()
        };
        let catalogs = &self.surround.catalogs;
        let in_force = catalogs.in_force(self.now).and_then(of);
        in_force.or_else(|| of(catalogs.get(other)?))
    }

    /// Somebody is done with a task, or has given it back: where, who and when.
    fn ended(
        &mut self,
        case: &Case,
        id: &str,
        ending: Ending,
        event: &Event,
        hands: &mut Hands,
    ) -> Option<(Place, String, Timestamp)> {
        let task = case.task(id)?;
        let at = from_proto_opt(event.occurred_at.as_ref())?;
        let who = event.actor.clone().unwrap_or_default().id;
        let calendar = self.calendar(&task.agency, &case.catalog)?;
        let step = (case.procedure_of(task).to_owned(), task.step.clone());
        self.endings.entry(step.clone()).or_default().push(ending);
        if task.role == Role::System {
            return None;
        }
        let work = (event.dossier.clone(), id.to_owned());
        let minutes = hands.done(&who, work, task.opened_at, at, &calendar);
        self.minutes.entry(step).or_default().push(minutes);
        if !task.group.is_empty() {
            let groups = self.groups.entry(who.clone()).or_default();
            groups.insert(task.group.clone());
        }
        Some(((task.agency.clone(), task.role), who, at))
    }
}
