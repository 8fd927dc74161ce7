//! The replay on paper, for tests of the assumptions: people as in the demo, and in place of the suite a few lines that
//! hand each dossier from step to step. Whether a staff is capable is seen in a second, for many seeds.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use motcua_calendar::{Due, DueHour, Hold, Limit, Standing};
use motcua_platform::{
    catalog::{self, Catalog},
    time::to_proto,
};
use motcua_proto::{
    events::v1::{
        CaseFinished, CaseHeld, CaseResumed, CaseStarted, DossierAccepted, DossierRefused,
        DossierSubmitted, DossierWithdrawn, Event, PaymentRecorded, PaymentRequested, ResultReady,
        SupplementAsked, SupplementProvided, SupplementRequested, TaskOpened, event::Payload,
    },
    intake::v1::Dossier,
    r#type::v1::{AgencyKind, Role},
    workflow::v1::Task,
};

use super::{
    actors,
    acts::{Act, Done, Missing},
    draw::Seed,
    invented::Invented,
    plan::{self, Order},
    tick,
    town::Town,
};

#[derive(Debug, Default)]
struct Case {
    limit: Option<Limit>,
    received: Option<Timestamp>,
    hold: Option<Hold>,
    steps: VecDeque<(String, Role)>,
    task: u32,
    finished: Option<Timestamp>,
    handed_over: bool,
}

/// The suite on paper: what it told at once, and what only once everything was quiet.
struct Paper {
    catalog: Catalog,
    cases: BTreeMap<usize, Case>,
    at_once: Vec<Event>,
    when_quiet: Vec<Event>,
}

fn code(arrival: usize) -> String {
    format!("d{arrival}")
}

fn event(arrival: usize, payload: Payload) -> Event {
    Event {
        dossier: code(arrival),
        payload: Some(payload),
        ..Event::default()
    }
}

impl Paper {
    fn case(&mut self, arrival: usize) -> &mut Case {
        self.cases.entry(arrival).or_default()
    }

    fn accept(&mut self, town: &Town, arrival: usize, now: Timestamp) {
        let plan = &town.arrivals[arrival];
        let procedure = self.catalog.procedure(&plan.procedure).unwrap();
        let limit = catalog::limit(procedure.limit.as_ref().unwrap()).unwrap();
        let kind = procedure.competent();
        let fee_vnd = procedure.fee_vnd;
        let ward = if plan.on_behalf_of.is_empty() {
            &plan.ward
        } else {
            &plan.on_behalf_of
        };
        let day = motcua_calendar::local(now).date();
        let own = self.catalog.unit(ward, kind, day).unwrap().code.clone();
        let police = self
            .catalog
            .unit(ward, AgencyKind::Police, day)
            .unwrap()
            .code
            .clone();
        let mut steps = vec![(own.clone(), Role::Officer)];
        if !matches!(limit, Limit::WorkingHours { .. }) {
            steps.push((own.clone(), Role::Leader));
        }
        if matches!(
            limit,
            Limit::WorkingDays { .. } | Limit::CalendarDays { .. }
        ) {
            steps.push((own, Role::Officer));
        }
        if procedure.definition.starts_with("linked") {
            steps.splice(
                2..2,
                [
                    (police.clone(), Role::Officer),
                    (police.clone(), Role::Leader),
                    (police, Role::Officer),
                ],
            );
        }
        let due = town
            .calendar
            .due(now, &limit, DueHour::EndOfDay, &[])
            .unwrap();
        *self.case(arrival) = Case {
            limit: Some(limit),
            received: Some(now),
            steps: steps.into(),
            ..Case::default()
        };
        self.at_once.push(event(
            arrival,
            Payload::DossierAccepted(DossierAccepted {
                fee_vnd,
                paid_vnd: if plan.pays_later { 0 } else { fee_vnd },
                ..DossierAccepted::default()
            }),
        ));
        let started = CaseStarted {
            due_at: Some(to_proto(due.at)),
            ..CaseStarted::default()
        };
        self.when_quiet
            .push(event(arrival, Payload::CaseStarted(started)));
        let opened = self.opened(town, arrival).unwrap();
        self.when_quiet.push(opened);
    }

    fn opened(&mut self, town: &Town, arrival: usize) -> Option<Event> {
        let case = self.case(arrival);
        let (agency, role) = case.steps.pop_front()?;
        case.task += 1;
        let task = TaskOpened {
            task: format!("t{}", case.task),
            step: format!("s{}", case.task),
            role: role.into(),
            agency,
            ..TaskOpened::default()
        };
        let procedure = town.arrivals[arrival].procedure.clone();
        Some(Event {
            procedure,
            ..event(arrival, Payload::TaskOpened(task))
        })
    }

    fn act(&mut self, town: &Town, arrival: usize, act: Act, now: Timestamp) -> Done {
        match act {
            Act::Submit { accept } => {
                self.at_once.push(event(
                    arrival,
                    Payload::DossierSubmitted(DossierSubmitted::default()),
                ));
                if accept {
                    self.accept(town, arrival, now);
                }
                return Done::Submitted(Box::new(Dossier {
                    code: code(arrival),
                    ..Dossier::default()
                }));
            }
            Act::Accept => self.accept(town, arrival, now),
            // Nobody's work waits for it.
            Act::ConfirmTransfer => {}
            Act::Refuse => self.at_once.push(event(
                arrival,
                Payload::DossierRefused(DossierRefused::default()),
            )),
            Act::Withdraw => self.at_once.push(event(
                arrival,
                Payload::DossierWithdrawn(DossierWithdrawn::default()),
            )),
            Act::Pay { .. } => {
                self.at_once.push(event(
                    arrival,
                    Payload::PaymentRecorded(PaymentRecorded::default()),
                ));
                self.resume(town, arrival, now);
            }
            Act::Ask => self.at_once.push(event(
                arrival,
                Payload::SupplementAsked(SupplementAsked::default()),
            )),
            Act::Supplement => self.supplement(town, arrival, now),
            Act::HandOver => self.case(arrival).handed_over = true,
            Act::RequestVisit { from, to } => {
                return Done::VisitArranged {
                    visit: "v1".into(),
                    from,
                    to,
                };
            }
            Act::RecordVisit { met: false, .. } => return Done::NobodyMet,
            Act::RecordVisit { .. } => self.case(arrival).handed_over = true,
            Act::Claim {
                task,
                place,
                desk,
                open,
                ask,
                ..
            } => {
                let task = Task {
                    name: task,
                    outcomes: vec!["approved".into()],
                    procedure: open.procedure.clone(),
                    ..Task::default()
                };
                if let Some(missing) = ask {
                    self.case(arrival).hold = Some(Hold {
                        from: now,
                        to: None,
                    });
                    self.at_once
                        .push(event(arrival, Payload::CaseHeld(CaseHeld::default())));
                    let asked = match missing {
                        Missing::Papers => {
                            Payload::SupplementRequested(SupplementRequested::default())
                        }
                        Missing::Fee => Payload::PaymentRequested(PaymentRequested::default()),
                    };
                    self.at_once.push(event(arrival, asked));
                }
                return Done::Claimed {
                    task: Box::new(task),
                    place,
                    desk,
                    open,
                    asked: ask.is_some(),
                };
            }
            Act::Complete { .. } => match self.opened(town, arrival) {
                Some(opened) => self.at_once.push(opened),
                None => {
                    self.case(arrival).finished = Some(now);
                    self.at_once.push(event(
                        arrival,
                        Payload::CaseFinished(CaseFinished::default()),
                    ));
                    self.when_quiet
                        .push(event(arrival, Payload::ResultReady(ResultReady::default())));
                }
            },
            // The officer does it again.
            Act::Return { .. } => {
                let ward = town.arrivals[arrival].ward.clone();
                let steps = &mut self.case(arrival).steps;
                steps.push_front((ward.clone(), Role::Leader));
                steps.push_front((ward, Role::Officer));
                let opened = self.opened(town, arrival);
                self.at_once.extend(opened);
            }
            // This paper suite asks no other system.
            Act::Extend { .. } | Act::Answer { .. } => {}
        }
        Done::Nothing
    }

    fn supplement(&mut self, town: &Town, arrival: usize, now: Timestamp) {
        let provided = |during_case| SupplementProvided {
            during_case,
            ..SupplementProvided::default()
        };
        let during_case = self.case(arrival).hold.is_some();
        self.at_once.push(event(
            arrival,
            Payload::SupplementProvided(provided(during_case)),
        ));
        if during_case {
            self.resume(town, arrival, now);
        }
    }

    fn resume(&mut self, town: &Town, arrival: usize, now: Timestamp) {
        self.case(arrival).hold.as_mut().unwrap().to = Some(now);
        let due = self.due(town, arrival);
        let resumed = CaseResumed {
            due_at: Some(to_proto(due.at)),
            ..CaseResumed::default()
        };
        self.when_quiet
            .push(event(arrival, Payload::CaseResumed(resumed)));
    }

    fn due(&self, town: &Town, arrival: usize) -> Due {
        let case = &self.cases[&arrival];
        let holds: Vec<Hold> = case.hold.iter().cloned().collect();
        let (received, limit) = (case.received.unwrap(), case.limit.as_ref().unwrap());
        town.calendar
            .due(received, limit, DueHour::EndOfDay, &holds)
            .unwrap()
    }
}

/// Resolved, overdue (resolved late or not at all), and handed over.
fn replayed(
    seed: u64,
    officers: Option<u32>,
    dossiers: u32,
    tick_minutes: i64,
) -> (usize, usize, usize) {
    let mut invented = Invented::load(None).unwrap();
    invented.staff.officers = officers.unwrap_or(invented.staff.officers);
    let catalog = plan::tests::catalog();
    let wards = ["11593".to_owned()];
    let order = Order {
        invented: &invented,
        catalog: &catalog,
        wards: &wards,
        dossiers_per_ward: dossiers,
        seed: Seed(seed),
    };
    let arrivals = plan::plan(&order).unwrap();
    let mut town = Town::new(invented.clone(), Seed(seed), &catalog, arrivals).unwrap();
    let until = town.calendar.closing_of(invented.to).unwrap();
    let mut paper = Paper {
        catalog,
        cases: BTreeMap::new(),
        at_once: Vec::new(),
        when_quiet: Vec::new(),
    };
    let mut now = motcua_calendar::instant(invented.from.at(0, 0, 0, 0)).unwrap();
    while let Some(next) = tick::next(&town, now, tick_minutes).filter(|next| *next <= until) {
        let moment = tick::moment(&town.calendar, now, next, tick_minutes);
        now = next;
        let orders = actors::morning_to_evening(&mut town, &moment);
        perform(&mut town, &mut paper, orders, now);
        let orders = actors::claims(&mut town, &moment);
        perform(&mut town, &mut paper, orders, now);
        for event in std::mem::take(&mut paper.when_quiet) {
            town.hear(&event, now);
        }
    }
    let resolved = paper
        .cases
        .values()
        .filter(|case| case.finished.is_some())
        .count();
    let handed_over = paper.cases.values().filter(|case| case.handed_over).count();
    // What is not finished is judged by the end of the replay.
    let late = |arrival: &usize| {
        let ready = paper.cases[arrival].finished.unwrap_or(now);
        paper.due(&town, *arrival).judge(ready) == Standing::Overdue
    };
    (
        resolved,
        paper.cases.keys().filter(|arrival| late(arrival)).count(),
        handed_over,
    )
}

fn perform(town: &mut Town, paper: &mut Paper, orders: Vec<actors::Order>, now: Timestamp) {
    for order in orders {
        let arrival = order.by.arrival;
        let done = paper.act(town, arrival, order.act, now);
        actors::remember(town, arrival, done, now);
    }
    for event in std::mem::take(&mut paper.at_once) {
        town.hear(&event, now);
    }
}

#[test]
fn a_capable_staff_finishes_everything_in_time_whatever_the_seed() {
    for seed in 1..=8 {
        let (resolved, overdue, handed_over) = replayed(seed, None, 1_762, 15);
        assert_eq!((resolved, overdue), (1_762, 0), "seed {seed}");
        assert!(handed_over >= 1_700, "seed {seed}: {handed_over}");
    }
}

#[test]
fn one_officer_is_not_enough() {
    let (resolved, overdue, _) = replayed(1, Some(1), 1_762, 15);
    assert!(
        resolved < 1_762 && overdue > 100,
        "{resolved} resolved, {overdue} overdue"
    );
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    assert_eq!(replayed(5, Some(2), 600, 15), replayed(5, Some(2), 600, 15));
}
