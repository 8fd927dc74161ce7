//! What is known in town: of each dossier what was heard of it, on each board what waits, in the diary what was arranged.
//!
//! All of it was heard from the feeds, the lists and the answers to commands. Nothing here calls anybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use motcua_calendar::Calendar;
use motcua_platform::{catalog::Catalog, time::from_proto_opt};
use motcua_proto::{
    events::v1::{Event, OutcomeRequested, event::Payload},
    r#type::v1::{Agency, AgencyKind, HandOverMethod, PriorityGround, Role},
};

use super::{
    draw::{Seed, between},
    invented::{Invented, Staff},
    plan::Arrival,
    staff::{Crew, Desk},
};
use crate::Failed;

/// Where an agency's people of one role work, and what lies there.
pub(super) type Place = (String, Role);

/// Everything that those who act know.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) invented: Invented,
    pub(super) seed: Seed,
    /// The calendar of the replay.
    pub(super) calendar: Calendar,
    pub(super) arrivals: Vec<Arrival>,
    /// The first who has not come yet.
    pub(super) next_arrival: usize,
    /// What was heard of each arrival's dossier; in the same order.
    pub(super) lives: Vec<Life>,
    codes: HashMap<String, usize>,
    /// The limit that may be chosen of a procedure, by its code.
    pub(super) other_limits: HashMap<String, String>,
    pub(super) wards: BTreeMap<String, Ward>,
    pub(super) offices: BTreeMap<Place, Office>,
    /// What was arranged for later.
    pub(super) diary: BTreeMap<(Timestamp, usize), Arranged>,
    pub(super) tally: Tally,
}

/// What was heard of a dossier.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Empty until it was submitted.
    pub(super) code: String,
    /// When the case is due.
    pub(super) due: Option<Timestamp>,
    /// True while the case stands still.
    pub(super) held: bool,
    /// True once a signature sent the work back.
    pub(super) returned: bool,
    /// True once somebody asked for missing papers.
    pub(super) asked: bool,
    /// True once an officer has seen whether it has to be verified.
    pub(super) looked_at: bool,
    /// What is still to be paid of the fee, in đồng; 0 until it is accepted.
    pub(super) unpaid_vnd: i64,
}

/// A ward's counter and its home visitors.
#[derive(Debug)]
pub(super) struct Ward {
    pub(super) counter: Crew,
    pub(super) visitors: Crew,
    /// Who stands at the counter or has a letter on it, first come first served.
    pub(super) queue: BTreeSet<(Timestamp, usize, Errand)>,
    /// Submitted and not yet looked at.
    pub(super) submitted: BTreeSet<usize>,
    /// Ready, to be brought home, and no visit arranged.
    pub(super) to_bring: BTreeSet<usize>,
}

/// What somebody wants at the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Errand {
    Submit,
    Collect,
}

/// What was arranged for later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arranged {
    /// The applicant comes for the result, or it is sent.
    Collect,
    /// The applicant brings what was missing.
    Supplement,
    /// The applicant pays what was asked for.
    Payment,
    /// The home visitor is at the door.
    Visit { visit: String, met: bool },
    /// The papers have come to the competent agency, from the centre that received them.
    Transfer { agency: String },
    /// Another system has finished what it was asked for.
    Answer {
        system: String,
        /// The agency that it answers for.
        agency: String,
        task: String,
    },
}

/// People of one role at one agency.
#[derive(Debug, Default)]
pub(super) struct Office {
    pub(super) desks: Vec<Desk>,
    /// Tasks that nobody has taken.
    pub(super) open: BTreeMap<String, Open>,
}

/// A task that nobody has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) arrival: usize,
    pub(super) step: String,
    pub(super) branch: String,
    pub(super) procedure: String,
}

/// What was heard, counted: for the progress bar, and for what no report has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) submitted: usize,
    pub(super) finished: usize,
    pub(super) blocked: usize,
    /// Withdrawn by their applicants, which here happens before acceptance only.
    pub(super) taken_back: u64,
    /// Steps that a signature sent back.
    pub(super) returned: u64,
    /// Tasks that used so much of their budget that their leader was told.
    pub(super) escalated: u64,
    /// Tasks that somebody did for an absent colleague.
    pub(super) stood_in: u64,
    /// Dossiers that got another of their procedure's limits.
    pub(super) limits_chosen: u64,
    /// Accepted for another ward.
    pub(super) for_other_wards: u64,
    /// Of those, what did not come there in time.
    pub(super) transfers_late: u64,
    pub(super) payments: u64,
    /// In đồng.
    pub(super) paid_vnd: i64,
    /// Fees that a ground took off, in đồng.
    pub(super) exempted_vnd: i64,
}

impl Town {
    pub(super) fn new(
        invented: Invented,
        seed: Seed,
        catalog: &Catalog,
        arrivals: Vec<Arrival>,
    ) -> Result<Self, Failed> {
        let mut wards = BTreeMap::new();
        let mut offices = BTreeMap::new();
        let codes: BTreeSet<&str> = arrivals
            .iter()
            .map(|arrival| arrival.ward.as_str())
            .collect();
        let mut calendar = None;
        for code in codes {
            let agency = catalog
                .agency(code)
                .ok_or_else(|| Failed::new(format!("agency {code} is not in the catalog")))?;
            calendar = calendar.or_else(|| catalog.calendar_of(agency));
            wards.insert(code.to_owned(), Ward::new(code, &invented.staff));
        }
        let elsewhere = arrivals.iter().map(|arrival| arrival.on_behalf_of.as_str());
        let served: BTreeSet<&str> = wards.keys().map(String::as_str).chain(elsewhere).collect();
        // Whoever belongs to one of those wards or decides for one of them, and whoever belongs to none and works for all.
        for agency in catalog.agencies() {
            let ward = if agency.parent.is_empty() {
                &agency.code
            } else {
                &agency.parent
            };
            let for_all = agency.parent.is_empty() && agency.kind() != AgencyKind::Ward;
            if for_all || served.contains(ward.as_str()) {
                offices.extend(staffed(agency, &invented.staff));
            }
        }
        let calendar =
            calendar.ok_or_else(|| Failed::new("nobody comes: there is nothing to replay"))?;
        Ok(Self {
            invented,
            seed,
            calendar: calendar.as_ref().clone(),
            next_arrival: 0,
            lives: arrivals.iter().map(|_| Life::default()).collect(),
            arrivals,
            codes: HashMap::new(),
            other_limits: catalog
                .procedures()
                .filter_map(|it| Some((it.code.clone(), it.other_limits.first()?.id.clone())))
                .collect(),
            wards,
            offices,
            diary: BTreeMap::new(),
            tally: Tally::default(),
        })
    }

    /// The arrival that a dossier came with; none for a dossier of somebody else.
    pub(super) fn arrival_of(&self, code: &str) -> Option<usize> {
        self.codes.get(code).copied()
    }

    /// A dossier has its code.
    pub(super) fn named(&mut self, arrival: usize, code: String) {
        self.codes.insert(code.clone(), arrival);
        self.lives[arrival].code = code;
        self.tally.submitted += 1;
    }

    pub(super) fn ward_of(&mut self, arrival: usize) -> Option<&mut Ward> {
        self.wards.get_mut(&self.arrivals[arrival].ward)
    }

    /// Whether anything waits for somebody's working time.
    pub(super) fn is_busy(&self) -> bool {
        let held = |arrival: usize| self.lives[arrival].held;
        self.wards.values().any(|ward| {
            !ward.queue.is_empty() || !ward.submitted.is_empty() || !ward.to_bring.is_empty()
        }) || self.offices.values().any(|office| {
            office.desks.iter().any(|desk| desk.is_busy(held))
                || office.open.values().any(|open| !held(open.arrival))
        })
    }

    /// Hears of something. It is now `now`; what has a date was arranged for later.
    pub(super) fn hear(&mut self, event: &Event, now: Timestamp) {
        let (Some(arrival), Some(payload)) =
            (self.arrival_of(&event.dossier), event.payload.as_ref())
        else {
            return;
        };
        match payload {
            Payload::DossierSubmitted(_) => self.waits_at_counter(arrival, true),
            Payload::DossierAccepted(accepted) => {
                self.waits_at_counter(arrival, false);
                self.lives[arrival].unpaid_vnd = accepted.fee_vnd - accepted.paid_vnd;
                self.tally.exempted_vnd += accepted.exempted_vnd;
                let elsewhere = !self.arrivals[arrival].on_behalf_of.is_empty();
                self.tally.for_other_wards += u64::from(elsewhere);
                if accepted.transfer_due_at.is_some() {
                    // The messenger goes at once.
                    let agency = accepted.competent_agency.clone();
                    self.diary
                        .insert((now, arrival), Arranged::Transfer { agency });
                }
            }
            Payload::TransferOverdue(_) => self.tally.transfers_late += 1,
            Payload::DossierRefused(_) => {
                self.waits_at_counter(arrival, false);
                self.tally.finished += 1;
            }
            Payload::PaymentRecorded(recorded) => {
                self.lives[arrival].unpaid_vnd = recorded.fee_vnd - recorded.paid_vnd;
                self.tally.payments += 1;
                self.tally.paid_vnd += recorded.amount_vnd;
            }
            Payload::PaymentRequested(_) => self.arrange_payment(arrival, now),
            Payload::SupplementAsked(_) => {
                self.waits_at_counter(arrival, false);
                self.arrange_supplement(arrival, now);
            }
            Payload::SupplementRequested(_) => self.arrange_supplement(arrival, now),
            Payload::SupplementProvided(provided) if !provided.during_case => {
                self.waits_at_counter(arrival, true)
            }
            Payload::ResultReady(_) => self.result_is_ready(arrival, now),
            Payload::CaseStarted(started) => self.is_due(arrival, started.due_at.as_ref()),
            Payload::LimitChosen(chosen) => {
                self.is_due(arrival, chosen.due_at.as_ref());
                self.tally.limits_chosen += 1;
            }
            Payload::DeadlineExtended(extended) => self.is_due(arrival, extended.due_at.as_ref()),
            Payload::CaseResumed(resumed) => {
                self.lives[arrival].held = false;
                self.is_due(arrival, resumed.due_at.as_ref());
            }
            Payload::CaseHeld(_) => self.lives[arrival].held = true,
            // It lies on nobody's list: the system is asked.
            Payload::TaskOpened(opened) if opened.role() == Role::System => {}
            Payload::OutcomeRequested(requested) => self.arrange_answer(arrival, requested, now),
            Payload::TaskOpened(opened) => {
                let office = self
                    .offices
                    .entry((opened.agency.clone(), opened.role()))
                    .or_default();
                let open = Open {
                    arrival,
                    step: opened.step.clone(),
                    branch: opened.branch.clone(),
                    procedure: event.procedure.clone(),
                };
                office.open.insert(
                    format!("cases/{}/tasks/{}", event.dossier, opened.task),
                    open,
                );
            }
            // Who takes a task from the list may hear only then that it was opened.
            Payload::TaskClaimed(claimed) => self.is_taken(&event.dossier, &claimed.task),
            Payload::TaskCancelled(cancelled) => self.is_taken(&event.dossier, &cancelled.task),
            Payload::CaseStopped(_) | Payload::CaseWithdrawn(_) => self.has_ended(arrival),
            Payload::DossierWithdrawn(_) => {
                self.has_ended(arrival);
                self.tally.finished += 1;
                self.tally.taken_back += 1;
            }
            Payload::TaskReturned(_) => self.tally.returned += 1,
            Payload::TaskEscalated(_) => self.tally.escalated += 1,
            Payload::TaskCompleted(completed) => {
                self.tally.stood_in += u64::from(!completed.on_behalf_of.is_empty());
            }
            Payload::CaseBlocked(_) => self.tally.blocked += 1,
            Payload::CaseFinished(_) => self.tally.finished += 1,
            _ => {}
        }
    }

    fn is_due(&mut self, arrival: usize, due: Option<&prost_types::Timestamp>) {
        self.lives[arrival].due = from_proto_opt(due);
    }

    fn is_taken(&mut self, code: &str, task: &str) {
        let name = format!("cases/{code}/tasks/{task}");
        self.offices
            .values_mut()
            .for_each(|office| drop(office.open.remove(&name)));
    }

    fn waits_at_counter(&mut self, arrival: usize, waits: bool) {
        let Some(ward) = self.ward_of(arrival) else {
            return;
        };
        if waits {
            ward.submitted.insert(arrival);
        } else {
            ward.submitted.remove(&arrival);
        }
    }

    fn has_ended(&mut self, arrival: usize) {
        self.waits_at_counter(arrival, false);
        for office in self.offices.values_mut() {
            office.open.retain(|_, open| open.arrival != arrival);
            office
                .desks
                .iter_mut()
                .for_each(|desk| desk.drop_case(arrival));
        }
    }

    /// A system that nobody has invented never answers.
    fn arrange_answer(&mut self, arrival: usize, asked: &OutcomeRequested, now: Timestamp) {
        let Some(system) = self.invented.systems.get(&asked.system) else {
            return;
        };
        let mut rng = self.draw(&format!("answer {}", asked.task), arrival);
        let minutes = between(&mut rng, system.answers_after_minutes);
        let at = self.calendar.add_working_minutes(now, minutes);
        let answer = Arranged::Answer {
            system: asked.system.clone(),
            agency: asked.agency.clone(),
            task: format!("cases/{}/tasks/{}", self.lives[arrival].code, asked.task),
        };
        self.diary.insert((at.unwrap_or(now), arrival), answer);
    }

    fn arrange_supplement(&mut self, arrival: usize, now: Timestamp) {
        let mut rng = self.draw("supplement", arrival);
        let days = between(&mut rng, self.invented.supplements.provided_after_days);
        let at = self.morning_after(now, days, between(&mut rng, [0, 180]));
        self.diary.insert((at, arrival), Arranged::Supplement);
    }

    fn arrange_payment(&mut self, arrival: usize, now: Timestamp) {
        let mut rng = self.draw("payment", arrival);
        let days = between(&mut rng, self.invented.payments.paid_after_days);
        let at = self.morning_after(now, days, between(&mut rng, [0, 180]));
        self.diary.insert((at, arrival), Arranged::Payment);
    }

    /// So many working days later, and then so many working minutes after opening.
    fn morning_after(&self, now: Timestamp, days: u32, after_opening: u32) -> Timestamp {
        let today = motcua_calendar::local(now).date();
        self.calendar
            .add_working_days(today, days)
            .and_then(|day| motcua_calendar::instant(day.at(0, 0, 0, 0)))
            .and_then(|midnight| self.calendar.add_working_minutes(midnight, after_opening))
            .unwrap_or(now)
    }

    fn result_is_ready(&mut self, arrival: usize, now: Timestamp) {
        match self.arrivals[arrival].hand_over {
            HandOverMethod::Home => {
                if let Some(ward) = self.ward_of(arrival) {
                    ward.to_bring.insert(arrival);
                }
            }
            HandOverMethod::Counter | HandOverMethod::Unspecified => {
                let mut rng = self.draw("collected", arrival);
                let minutes = between(&mut rng, self.invented.hand_over.collected_after_minutes);
                let at = self
                    .calendar
                    .add_working_minutes(now, minutes)
                    .unwrap_or(now);
                self.diary.insert((at, arrival), Arranged::Collect);
            }
            HandOverMethod::Post | HandOverMethod::Online => {
                self.diary.insert((now, arrival), Arranged::Collect);
            }
        }
    }

    /// Chance for one purpose and one dossier, whoever acts when.
    pub(super) fn draw(&self, purpose: &str, arrival: usize) -> fastrand::Rng {
        self.seed.rng(purpose, &[arrival as u64])
    }

    /// The order of a worklist: those with a priority first, then by due instant, then by arrival.
    pub(super) fn order_of(&self, open: &Open) -> (bool, Option<Timestamp>, usize) {
        let without_priority = self.arrivals[open.arrival].priority == PriorityGround::Unspecified;
        (without_priority, self.lives[open.arrival].due, open.arrival)
    }
}

impl Ward {
    fn new(code: &str, staff: &Staff) -> Self {
        Self {
            counter: Crew::new(Role::Receptionist, code, staff.receptionists),
            visitors: Crew::new(Role::HomeVisitor, code, staff.home_visitors),
            queue: BTreeSet::new(),
            submitted: BTreeSet::new(),
            to_bring: BTreeSet::new(),
        }
    }
}

fn staffed(agency: &Agency, staff: &Staff) -> Vec<(Place, Office)> {
    let people: &[(Role, u32)] = match agency.kind() {
        AgencyKind::Police => &[
            (Role::Officer, staff.police_officers),
            (Role::Leader, staff.police_leaders),
        ],
        AgencyKind::SocialInsurance => &[
            (Role::Officer, staff.insurance_officers),
            (Role::Leader, staff.insurance_leaders),
        ],
        AgencyKind::Ward | AgencyKind::Department | AgencyKind::Unspecified => &[
            (Role::Officer, staff.officers),
            (Role::Leader, staff.leaders),
            (Role::Receptionist, staff.receptionists),
            (Role::HomeVisitor, staff.home_visitors),
        ],
    };
    people
        .iter()
        .map(|(role, count)| {
            let desks = (1..=*count)
                .map(|number| Desk::new(*role, &agency.code, number))
                .collect();
            (
                (agency.code.clone(), *role),
                Office {
                    desks,
                    open: BTreeMap::new(),
                },
            )
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use motcua_platform::time::to_proto;
    use motcua_proto::events::v1::{
        CaseHeld, CaseResumed, CaseStarted, CaseStopped, DossierAccepted, DossierSubmitted,
        ResultReady, TaskOpened,
    };

    use super::*;
    use crate::demo::plan::{self, Order};

    pub(in super::super) fn town(dossiers_per_ward: u32) -> Town {
        let invented = Invented::load(None).unwrap();
        let catalog = plan::tests::catalog();
        let order = Order {
            invented: &invented,
            catalog: &catalog,
            wards: &["11593".to_owned()],
            dossiers_per_ward,
            seed: Seed(1),
        };
        let arrivals = plan::plan(&order).unwrap();
        Town::new(invented.clone(), Seed(1), &catalog, arrivals).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn event(payload: Payload) -> Event {
        Event {
            dossier: "H24.11593-250701-0001".into(),
            payload: Some(payload),
            ..Event::default()
        }
    }

    fn named(dossiers: u32) -> Town {
        let mut town = town(dossiers);
        town.named(0, "H24.11593-250701-0001".into());
        town
    }

    #[test]
    fn what_was_submitted_online_waits_at_the_counter_until_it_is_accepted() {
        let mut town = named(10);
        let now = at("2025-07-01T01:00:00Z");
        assert!(!town.is_busy());
        town.hear(
            &event(Payload::DossierSubmitted(DossierSubmitted::default())),
            now,
        );
        assert!(town.is_busy() && town.wards["11593"].submitted.contains(&0));
        town.hear(
            &event(Payload::DossierAccepted(DossierAccepted::default())),
            now,
        );
        assert!(!town.is_busy());
    }

    #[test]
    fn an_open_task_lies_in_its_office_and_a_case_that_stands_still_is_nobodys_work() {
        let mut town = named(10);
        let now = at("2025-07-01T01:00:00Z");
        let due = at("2025-07-01T10:00:00Z");
        let started = CaseStarted {
            due_at: Some(to_proto(due)),
            ..CaseStarted::default()
        };
        town.hear(&event(Payload::CaseStarted(started)), now);
        let opened = TaskOpened {
            task: "t1".into(),
            role: Role::Officer.into(),
            agency: "11593".into(),
            ..TaskOpened::default()
        };
        town.hear(&event(Payload::TaskOpened(opened)), now);
        let place = ("11593".to_owned(), Role::Officer);
        assert!(
            town.offices[&place]
                .open
                .contains_key("cases/H24.11593-250701-0001/tasks/t1")
        );
        assert_eq!(town.lives[0].due, Some(due));
        assert!(town.is_busy());
        town.hear(&event(Payload::CaseHeld(CaseHeld::default())), now);
        assert!(!town.is_busy());
        town.hear(&event(Payload::CaseResumed(CaseResumed::default())), now);
        assert!(town.is_busy());
        town.hear(&event(Payload::CaseStopped(CaseStopped::default())), now);
        assert!(town.offices[&place].open.is_empty());
    }

    #[test]
    fn a_result_is_collected_later_and_within_working_time() {
        let mut town = named(10);
        town.arrivals[0].hand_over = HandOverMethod::Counter;
        let now = at("2025-07-01T09:59:00Z");
        town.hear(&event(Payload::ResultReady(ResultReady::default())), now);
        let ((when, arrival), arranged) = town.diary.first_key_value().unwrap();
        assert_eq!((*arrival, arranged), (0, &Arranged::Collect));
        assert!(
            *when > now && town.calendar.is_working_time(*when),
            "{when}"
        );
        town.arrivals[0].hand_over = HandOverMethod::Home;
        town.hear(&event(Payload::ResultReady(ResultReady::default())), now);
        assert!(town.wards["11593"].to_bring.contains(&0));
    }

    #[test]
    fn what_was_received_for_another_ward_is_taken_over_there() {
        let mut town = named(10);
        let now = at("2025-07-01T01:00:00Z");
        let accepted = DossierAccepted {
            competent_agency: "11407".to_owned(),
            transfer_due_at: Some(to_proto(at("2025-07-01T10:00:00Z"))),
            ..DossierAccepted::default()
        };
        town.hear(&event(Payload::DossierAccepted(accepted)), now);
        let agency = "11407".to_owned();
        let arranged = town.diary.remove(&(now, 0));
        assert_eq!(arranged, Some(Arranged::Transfer { agency }));
        let here = DossierAccepted::default();
        town.hear(&event(Payload::DossierAccepted(here)), now);
        assert!(town.diary.is_empty());
    }

    #[test]
    fn dossiers_of_others_are_none_of_our_business() {
        let mut town = town(10);
        town.hear(
            &event(Payload::DossierSubmitted(DossierSubmitted::default())),
            at("2025-07-01T01:00:00Z"),
        );
        assert!(!town.is_busy());
    }
}
