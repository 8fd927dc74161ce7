//! A ward's next weeks, played on a copy by the very rules that decide: people take what is first on their worklist, work on
//! it inside working hours, and what they complete moves the case on.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use motcua_calendar::{Calendar, Limit};
use motcua_platform::{
    catalog::due_hour,
    feed::kind_of,
    identity::Principal,
    ledger::{Authority, Context},
    policy,
    time::to_proto,
};
use motcua_proto::{
    events::v1::{Event, EventKind, HoldGround},
    r#type::v1::{PriorityGround, Role},
    workflow::v1::TaskState,
};
use motcua_workflow::domain::{
    Case, Cause, Command, Definition, Due, Receipt, Words, apply, decide, task_index,
};

use super::{
    arrivals::{ALIKE, Arrivals},
    outlook::{Days, Outlook},
    past::{Ending, Past, Place},
};
use crate::Failed;

/// What is other than it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    /// So many people more or fewer, by agency and role; one stays at least.
    pub(super) people: BTreeMap<Place, i64>,
    /// So many times the dossiers.
    pub(super) arrivals: Option<f64>,
    /// Other limits, by procedure.
    pub(super) limits: BTreeMap<String, Limit>,
}

/// Plays so many days.
pub(super) fn play(past: &Past, change: &Change, days: i64, seed: u64) -> Result<Outlook, Failed> {
    let mut world = World::new(past, change, seed);
    let until = past.after(days);
    world.begin(until)?;
    while let Some(Reverse((at, _, what))) = world.agenda.pop() {
        if at > until {
            break;
        }
        world.now = at;
        world.happens(what)?;
        world.everybody_takes()?;
    }
    world.now = until;
    Ok(world.outlook(until))
}

/// Something happens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Offices open, and people look at their lists.
    Opens,
    /// A case falls due in some way.
    Clock(String),
    /// What was asked of the applicant is there.
    Resumes(String),
    /// Somebody, at a place, has done a task.
    Done {
        place: Place,
        who: String,
        code: String,
        task: String,
    },
    /// Another system answers.
    Answers { code: String, task: String },
    /// A dossier comes in.
    Comes(usize),
}

struct World<'p> {
    past: &'p Past,
    change: &'p Change,
    chance: fastrand::Rng,
    now: Timestamp,
    agenda: BinaryHeap<Reverse<(Timestamp, u64, What)>>,
    /// How many were put on the agenda: of two at the same instant the earlier comes first.
    noted: u64,
    cases: BTreeMap<String, Case>,
    /// What waits, in the order of a worklist: priority, due, dossier, task.
    lists: BTreeMap<Place, BTreeSet<(bool, Timestamp, String, String)>>,
    /// Who works, and of them who has nothing to do.
    crews: BTreeMap<Place, BTreeSet<String>>,
    free: BTreeMap<Place, BTreeSet<String>>,
    /// Tasks that somebody works on.
    in_hand: BTreeSet<(String, String)>,
    arrivals: Arrivals<'p>,
    coming: Vec<Receipt>,
    days: Days,
    authorities: HashMap<(String, Place), Authority>,
    /// When offices open, and cases look at the clock, as far as that is on the agenda.
    openings: BTreeSet<Timestamp>,
    clocks: HashMap<String, Timestamp>,
}

impl<'p> World<'p> {
    fn new(past: &'p Past, change: &'p Change, seed: u64) -> Self {
        let crews: BTreeMap<_, _> = past
            .crews
            .iter()
            .map(|(place, crew)| {
                let more = change.people.get(place).copied().unwrap_or_default();
                (place.clone(), people(crew, more))
            })
            .collect();
        Self {
            past,
            change,
            chance: fastrand::Rng::with_seed(seed),
            now: past.now,
            agenda: BinaryHeap::new(),
            noted: 0,
            cases: past.open.clone(),
            lists: BTreeMap::new(),
            free: crews.clone(),
            crews,
            in_hand: BTreeSet::new(),
            arrivals: Arrivals::of(past),
            coming: Vec::new(),
            days: Days::default(),
            authorities: HashMap::new(),
            openings: BTreeSet::new(),
            clocks: HashMap::new(),
        }
    }

    fn note(&mut self, at: Timestamp, what: What) {
        self.noted += 1;
        self.agenda
            .push(Reverse((at.max(self.now), self.noted, what)));
    }

    fn begin(&mut self, until: Timestamp) -> Result<(), Failed> {
        for code in self.cases.keys().cloned().collect::<Vec<_>>() {
            let Some(case) = self.cases.get(&code) else {
                continue;
            };
            // What is awaited comes on its last day.
            let usual = self.now + SignedDuration::from_hours(72);
            let comes = case.open_holds().map(|hold| hold.due_at.unwrap_or(usual));
            let comes = comes.max();
            if let Some(at) = comes {
                self.note(at, What::Resumes(code.clone()));
            }
            self.listed(&code);
        }
        let mut day = motcua_calendar::local(self.now).date();
        let last = motcua_calendar::local(until).date();
        while day <= last {
            self.draws_a_day(day)?;
            day = day
                .tomorrow()
                .map_err(|error| Failed::new(error.to_string()))?;
        }
        self.note(self.now, What::Opens);
        Ok(())
    }

    /// On a day comes what came on one of those that it is like, and where the counter is not open at that hour, as it opens.
    fn draws_a_day(&mut self, day: Date) -> Result<(), Failed> {
        let nth = self.chance.usize(..ALIKE);
        let Some(catalog) = self.past.surround.catalogs.in_force(self.now) else {
            return Ok(());
        };
        let times = self.change.arrivals.unwrap_or(1.0);
        for receipt in self.arrivals.on(day, nth, &catalog) {
            let Some((calendar, _)) = self.counter(receipt) else {
                continue;
            };
            let clock = motcua_calendar::local(receipt.received_at).time();
            let at = motcua_calendar::instant(day.to_datetime(clock))
                .and_then(|at| calendar.received_at(at))
                .map_err(|error| Failed::new(error.to_string()))?;
            let mut copies = times;
            while copies > 0.0 && (copies >= 1.0 || self.chance.f64() < copies) {
                copies -= 1.0;
                // What came before now has come.
                if at <= self.now {
                    continue;
                }
                let mut receipt = receipt.clone();
                if let Some(limit) = self.change.limits.get(&receipt.procedure) {
                    receipt.limit = limit.clone();
                }
                self.coming.push(Receipt {
                    received_at: at,
                    ..receipt
                });
                self.note(at, What::Comes(self.coming.len() - 1));
            }
        }
        Ok(())
    }

    fn happens(&mut self, what: What) -> Result<(), Failed> {
        match what {
            What::Opens => {}
            What::Comes(index) => self.comes(index),
            What::Clock(code) => {
                self.clocks.remove(&code);
                if self
                    .cases
                    .get(&code)
                    .and_then(Case::timer_at)
                    .is_some_and(|at| at <= self.now)
                {
                    self.asks(&Authority::of_service("workflow"), &code, &Command::Tick);
                }
            }
            What::Resumes(code) => {
                let command = match self.cases.get(&code) {
                    // What is still owed is paid.
                    Some(case) if waits_for_payment(case) => Command::Pay {
                        fee_vnd: case.fee_vnd,
                        paid_vnd: case.fee_vnd,
                        at: self.now,
                        cause: CAUSE,
                    },
                    _ => Command::Resume {
                        at: self.now,
                        cause: CAUSE,
                    },
                };
                self.asks(&Authority::of_service("workflow"), &code, &command);
            }
            What::Done {
                place,
                who,
                code,
                task,
            } => {
                self.in_hand.remove(&(code.clone(), task.clone()));
                let authority = self.authority(&who, &place)?;
                if let Some(ending) = self.ending(&code, &task) {
                    let command = match ending {
                        Some(outcome) => Command::Complete {
                            reason: self.refusal(&code, &task, &outcome),
                            task,
                            outcome,
                        },
                        None => Command::Return {
                            task,
                            reason: Words::from(UNSAID.to_owned()),
                        },
                    };
                    self.asks(&authority, &code, &command);
                }
                self.listed(&code);
                self.free.entry(place).or_default().insert(who);
            }
            What::Answers { code, task } => self.answers(&code, &task)?,
        }
        Ok(())
    }

    fn comes(&mut self, index: usize) {
        let Some(receipt) = self.coming.get(index).cloned() else {
            return;
        };
        let Some((calendar, hour)) = self.counter(&receipt) else {
            return;
        };
        let Ok(due) = calendar.due(receipt.received_at, &receipt.limit, hour, &[]) else {
            return;
        };
        let receipt = Receipt {
            due: Due {
                at: due.at,
                judged_until: due.judged_until,
            },
            ..receipt
        };
        let code = format!("what-if-{}", index + 1);
        let start = Command::Start {
            receipt: Box::new(receipt),
            cause: CAUSE,
        };
        self.asks(&Authority::of_service("workflow"), &code, &start);
    }

    /// The calendar of whoever receives, as it is for the procedure, with the hour at which things are due: a session may receive
    /// other procedures only.
    fn counter(&self, receipt: &Receipt) -> Option<(Arc<Calendar>, motcua_calendar::DueHour)> {
        let catalog = self.past.surround.catalogs.in_force(self.now)?;
        let agency = catalog.agency(&receipt.receiving_agency)?;
        let field = &catalog.procedure(&receipt.procedure)?.field;
        Some((catalog.calendar_for(agency, field)?, due_hour(agency)))
    }

    /// An agency's calendar, with the hour at which things are due.
    fn calendar(&self, agency: &str) -> Option<(Arc<Calendar>, motcua_calendar::DueHour)> {
        let catalog = self.past.surround.catalogs.in_force(self.now)?;
        let agency = catalog.agency(agency)?;
        Some((Arc::clone(catalog.calendar_of(agency)?), due_hour(agency)))
    }

    /// Asks the domain, and takes in what happens. What it refuses does not happen.
    fn asks(&mut self, who: &Authority, code: &str, command: &Command) {
        let context = Context::new(self.now, code, who);
        let before = self.cases.get(code);
        let Ok(decision) = decide(before, command, &context, &self.past.surround) else {
            return;
        };
        for payload in decision.events {
            let event = Event {
                kind: kind_of(&payload).into(),
                procedure: decision.subject.procedure.clone(),
                actor: Some(who.actor().clone()),
                occurred_at: Some(to_proto(self.now)),
                payload: Some(payload),
                ..Event::default()
            };
            let before = self.cases.remove(code);
            if let Some(after) = apply(before, &event) {
                self.cases.insert(code.to_owned(), after);
            }
            match event.kind() {
                EventKind::CaseFinished => self.days.resolved(self.now, code),
                EventKind::CaseStarted => self.days.came(self.now, code),
                _ => {}
            }
        }
        self.listed(code);
    }

    /// What waits of a case is on the lists, and its clock on the agenda.
    fn listed(&mut self, code: &str) {
        self.gives_back_what_is_left(code);
        let Some(case) = self.cases.get(code) else {
            return;
        };
        let ordinary = case.priority == PriorityGround::Unspecified;
        let waiting: Vec<_> = case
            .waiting()
            .map(|(id, task)| (id, task.agency.clone(), task.role, task.planned_minutes))
            .collect();
        let (due, timer_at) = (case.due.at, case.timer_at());
        for (id, agency, role, planned) in waiting {
            let key = (code.to_owned(), id.clone());
            if self.in_hand.contains(&key) {
                continue;
            }
            if role == Role::System {
                self.in_hand.insert(key);
                let minutes = u32::try_from(planned).unwrap_or_default();
                let at = self
                    .calendar(&agency)
                    .and_then(|(calendar, _)| calendar.add_working_minutes(self.now, minutes).ok());
                let code = code.to_owned();
                self.note(at.unwrap_or(self.now), What::Answers { code, task: id });
            } else {
                let list = self.lists.entry((agency, role)).or_default();
                list.insert((ordinary, due, code.to_owned(), id));
            }
        }
        if let Some(at) = timer_at
            && self.clocks.insert(code.to_owned(), at) != Some(at)
        {
            self.note(at, What::Clock(code.to_owned()));
        }
    }

    /// What somebody has who does not work there waits for whoever does: it was theirs before they went, or came back to them.
    fn gives_back_what_is_left(&mut self, code: &str) {
        let left_behind: Vec<_> = self
            .cases
            .get(code)
            .into_iter()
            .flat_map(Case::waiting)
            .filter(|(_, task)| task.state == TaskState::Claimed)
            .map(|(id, task)| (id, (task.agency.clone(), task.role), task.assignee.clone()))
            .filter(|(_, place, who)| {
                let crew = self.crews.get(place);
                crew.is_none_or(|crew| !crew.contains(who))
            })
            .collect();
        for (task, place, who) in left_behind {
            if let Ok(authority) = self.authority(&who, &place) {
                self.asks(&authority, code, &Command::Release { task });
            }
        }
    }

    /// Whoever is free takes what is first on the list that they may take.
    fn everybody_takes(&mut self) -> Result<(), Failed> {
        let places: Vec<_> = self
            .lists
            .iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(place, _)| place.clone())
            .collect();
        for place in places {
            let Some((calendar, _)) = self.calendar(&place.0) else {
                continue;
            };
            if !calendar.is_working_time(self.now) || !self.has_time_left(&calendar) {
                if let Ok(opens) = calendar.next_working_time(self.now + 1.minute())
                    && self.openings.insert(opens)
                {
                    self.note(opens, What::Opens);
                }
                continue;
            }
            self.place_takes(&place, &calendar)?;
        }
        Ok(())
    }

    /// The closing minute is working time in which nothing more is begun.
    fn has_time_left(&self, calendar: &Calendar) -> bool {
        calendar.elapsed_working_minutes(self.now, self.now + 1.minute()) > 0
    }

    fn place_takes(&mut self, place: &Place, calendar: &Calendar) -> Result<(), Failed> {
        let list: Vec<_> = self
            .lists
            .get(place)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        for entry in list {
            let (_, _, code, task) = &entry;
            let still = self
                .cases
                .get(code)
                .filter(|case| case.task(task).is_some_and(|task| task.is_waiting()));
            let Some(case) = still else {
                self.lists.entry(place.clone()).or_default().remove(&entry);
                continue;
            };
            if case.task(task).is_some_and(|of| case.holds_up(of)) {
                continue;
            }
            let procedure = case
                .task(task)
                .map(|of| (case.procedure_of(of).to_owned(), of.step.clone()));
            let free: Vec<_> = self
                .free
                .get(place)
                .into_iter()
                .flatten()
                .cloned()
                .collect();
            if free.is_empty() {
                return Ok(());
            }
            let Some(who) = self.who_may(&free, place, code, task)? else {
                continue;
            };
            let minutes = procedure
                .and_then(|step| self.past.minutes.get(&step))
                .and_then(|minutes| self.chance.choice(minutes.as_slice()).copied())
                .unwrap_or(DEFAULT_MINUTES);
            let done = calendar
                .add_working_minutes(self.now, minutes)
                .unwrap_or(self.now);
            self.free.entry(place.clone()).or_default().remove(&who);
            self.in_hand.insert((code.clone(), task.clone()));
            self.lists.entry(place.clone()).or_default().remove(&entry);
            let done_by = What::Done {
                place: place.clone(),
                who,
                code: code.clone(),
                task: task.clone(),
            };
            self.note(done, done_by);
        }
        Ok(())
    }

    /// The first of them whom the rules let take it: not a relative's, not one's own work to sign.
    fn who_may(
        &mut self,
        free: &[String],
        place: &Place,
        code: &str,
        task: &str,
    ) -> Result<Option<String>, Failed> {
        for who in free {
            let authority = self.authority(who, place)?;
            let context = Context::new(self.now, code, &authority);
            let claim = Command::Claim {
                task: task.to_owned(),
            };
            let may = decide(self.cases.get(code), &claim, &context, &self.past.surround);
            if may.is_ok() {
                return Ok(Some(who.clone()));
            }
        }
        Ok(None)
    }

    fn authority(&mut self, who: &str, place: &Place) -> Result<Authority, Failed> {
        let key = (who.to_owned(), place.clone());
        if let Some(known) = self.authorities.get(&key) {
            return Ok(known.clone());
        }
        let method = match place.1 {
            Role::System => "motcua.workflow.v1.TaskService/RecordExternalOutcome",
            _ => "motcua.workflow.v1.TaskService/CompleteTask",
        };
        let principal = Principal {
            groups: self.groups(who, place),
            ..Principal::of(who, &[place.1], &[place.0.as_str()])
        };
        let admission = policy::of(method)
            .and_then(|policy| policy::judge(policy, Some(&principal), None))
            .ok_or_else(|| {
                Failed::new(format!(
                    "nobody in the role of {:?} works on tasks",
                    place.1
                ))
            })?;
        let authority = Authority::of(&principal, &admission);
        self.authorities.insert(key, authority.clone());
        Ok(authority)
    }

    /// The named groups that somebody belongs to, as far as their work has shown; whoever is new belongs to those of their
    /// colleagues.
    fn groups(&self, who: &str, place: &Place) -> Vec<String> {
        let crew = self.past.crews.get(place);
        let is_new = crew.is_some_and(|crew| !crew.contains(who));
        let colleagues = crew.into_iter().flatten().filter(|_| is_new);
        let shown: BTreeSet<&String> = colleagues
            .map(String::as_str)
            .chain([who])
            .filter_map(|who| self.past.groups.get(who))
            .flatten()
            .collect();
        shown.into_iter().cloned().collect()
    }

    /// The definition's step of a task, the index of the task, and its case.
    fn step(&self, code: &str, id: &str) -> Option<(Arc<Definition>, usize, &Case)> {
        let case = self.cases.get(code)?;
        let index = task_index(id)?;
        let (definition, version) = case.definition_of(index)?;
        let definition = self.past.surround.definitions.get(definition, version)?;
        Some((definition, index, case))
    }

    /// An ending as it came before, of those that the task still has; the first outcome where it never was done.
    fn ending(&mut self, code: &str, id: &str) -> Option<Ending> {
        let (definition, index, case) = self.step(code, id)?;
        let task = case.task(id)?;
        let step = (case.procedure_of(task).to_owned(), task.step.clone());
        let has_step_before = !task.previous.is_empty();
        let left: Vec<_> = definition
            .task(&task.step)?
            .transitions
            .iter()
            .filter(|way| way.is_open_after(case.taken(index, &way.outcome)))
            .map(|way| way.outcome.clone())
            .collect();
        let before: Vec<_> = self
            .past
            .endings
            .get(&step)
            .into_iter()
            .flatten()
            .filter(|ending| match ending {
                Some(outcome) => left.contains(outcome),
                None => has_step_before,
            })
            .collect();
        self.chance
            .choice(before)
            .cloned()
            .or_else(|| left.into_iter().next().map(Some))
    }

    /// What is said with an outcome that refuses.
    fn refusal(&mut self, code: &str, id: &str, outcome: &str) -> Option<Box<[Words; 2]>> {
        let (definition, ..) = self.step(code, id)?;
        let unsaid = || Words::from(UNSAID.to_owned());
        definition
            .refuses(outcome)
            .then(|| Box::new([unsaid(), unsaid()]))
    }

    fn answers(&mut self, code: &str, id: &str) -> Result<(), Failed> {
        let Some(Some(outcome)) = self.ending(code, id) else {
            return Ok(());
        };
        let found = self.step(code, id).and_then(|(definition, _, case)| {
            let task = case.task(id)?;
            let external = definition.task(&task.step)?.external.as_ref()?;
            let (code, _) = external
                .codes
                .iter()
                .find(|(_, meaning)| meaning.outcome.as_ref() == Some(&outcome))?;
            Some((external.system.clone(), task.agency.clone(), code.clone()))
        });
        let reason = self.refusal(code, id, &outcome);
        self.in_hand.remove(&(code.to_owned(), id.to_owned()));
        if let Some((system, agency, answer)) = found {
            let authority = self.authority(&system, &(agency, Role::System))?;
            let command = Command::RecordOutcome {
                task: id.to_owned(),
                code: answer,
                reason,
            };
            self.asks(&authority, code, &command);
        }
        Ok(())
    }

    fn outlook(self, until: Timestamp) -> Outlook {
        self.days.outlook(&self.cases, &self.past.shown, until)
    }
}

/// Why somebody gives work back: nobody reads it.
const UNSAID: &str = "what if";
/// What a step takes that was never done before, in working minutes.
const DEFAULT_MINUTES: u32 = 30;
/// Nothing of it is written down, so it comes from nowhere.
const CAUSE: Cause = Cause {
    source: "intake",
    position: 0,
    kind: EventKind::DossierAccepted,
};

/// A crew with so many more, or fewer: one stays at least.
fn people(crew: &BTreeSet<String>, more: i64) -> BTreeSet<String> {
    let wanted = i64::try_from(crew.len())
        .unwrap_or(i64::MAX)
        .saturating_add(more);
    let wanted = usize::try_from(wanted.max(1)).unwrap_or(1);
    let others = (1..).map(|n| format!("what-if-{n}"));
    crew.iter().cloned().chain(others).take(wanted).collect()
}

fn waits_for_payment(case: &Case) -> bool {
    case.open_holds()
        .any(|hold| hold.ground == HoldGround::Payment)
}
