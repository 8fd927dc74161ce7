//! A small office with a past, and its futures.

use std::collections::BTreeMap;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
};
use motcua_calendar::Limit;
use motcua_platform::{
    catalog::{self, Catalog},
    clock::Clock,
    feed::kind_of,
    identity::Principal,
    ledger::{Authority, Context},
    policy,
    time::{date_from_proto, date_to_proto, to_proto},
};
use motcua_proto::{
    events::v1::{CatalogApplied, DefinitionPublished, Event, EventKind, event::Payload},
    r#type::v1::{CalendarDay, CalendarDayKind, PriorityGround, Role},
    workflow::v1::step::Kind,
};
use motcua_workflow::domain::{Case, Cause, Command, Due, Receipt, Surround, Words, apply, decide};

use super::{
    Histories, Outlook, agencies, days_between, few,
    future::{Change, play},
    hands::Hands,
    limits_in_force,
    past::Past,
    unplayed,
};
use crate::catalog::embedded;

const WARD: &str = "11593";
const PROCEDURE: &str = "1.004837";

fn at(text: &str) -> Timestamp {
    motcua_calendar::instant(text.parse().unwrap()).unwrap()
}

fn staff(id: &str, role: Role) -> Authority {
    let principal = Principal {
        groups: vec!["surveyors".to_owned()],
        ..Principal::of(id, &[role], &[WARD])
    };
    let method = policy::of("motcua.workflow.v1.TaskService/CompleteTask").unwrap();
    Authority::of(
        &principal,
        &policy::judge(method, Some(&principal), None).unwrap(),
    )
}

/// A history that writes itself by the domain's rules.
struct History {
    surround: Surround,
    intake: Vec<Event>,
    workflow: Vec<Event>,
    cases: Vec<Case>,
}

impl History {
    fn begin() -> Self {
        Self::of_group("")
    }

    /// The officers' tasks are for a group.
    fn of_group(group: &str) -> Self {
        let bundle = embedded().unwrap();
        let surround = Surround::default();
        let catalog = Catalog::parse(&bundle.catalog).unwrap();
        surround.catalogs.remember(catalog, true);
        let mut workflow = Vec::new();
        for mut definition in bundle.definitions {
            definition.version = 1;
            for step in &mut definition.steps {
                if let Some(Kind::Task(task)) = &mut step.kind
                    && task.role() == Role::Officer
                {
                    task.group = group.to_owned();
                }
            }
            let parsed = motcua_workflow::domain::Definition::parse(&definition).unwrap();
            surround.definitions.remember(parsed);
            workflow.push(Event {
                payload: Some(Payload::DefinitionPublished(DefinitionPublished {
                    version: 1,
                    definition: Some(definition),
                    ..DefinitionPublished::default()
                })),
                ..Event::default()
            });
        }
        let intake = vec![Event {
            payload: Some(Payload::CatalogApplied(CatalogApplied {
                catalog: Some(bundle.catalog),
            })),
            ..Event::default()
        }];
        Self {
            surround,
            intake,
            workflow,
            cases: Vec::new(),
        }
    }

    fn asks(&mut self, place: usize, who: &Authority, now: Timestamp, command: &Command) {
        let code = format!("H24.11593-250701-{:04}", place + 1);
        let context = Context::new(now, &code, who);
        let decision = decide(self.cases.get(place), command, &context, &self.surround).unwrap();
        for payload in decision.events {
            let event = Event {
                kind: kind_of(&payload).into(),
                dossier: code.clone(),
                procedure: decision.subject.procedure.clone(),
                actor: Some(who.actor().clone()),
                occurred_at: Some(to_proto(now)),
                payload: Some(payload),
                ..Event::default()
            };
            let before = self.cases.get(place).cloned();
            let after = apply(before, &event).unwrap();
            if place < self.cases.len() {
                self.cases[place] = after;
            } else {
                self.cases.push(after);
            }
            self.workflow.push(event);
        }
    }

    /// Comes in at an instant; worked off at once where somebody does.
    fn dossier(&mut self, now: Timestamp, worked_off: bool) {
        let place = self.cases.len();
        let catalog = self.surround.catalogs.in_force(now).unwrap();
        let procedure = catalog.procedure(PROCEDURE).unwrap();
        let limit = catalog::limit(procedure.limit.as_ref().unwrap()).unwrap();
        let calendar = catalog.calendar_of(catalog.agency(WARD).unwrap()).unwrap();
        let hour = motcua_calendar::DueHour::EndOfDay;
        let due = calendar.due(now, &limit, hour, &[]).unwrap();
        let receipt = Receipt {
            procedure: PROCEDURE.into(),
            received_at: now,
            due: Due {
                at: due.at,
                judged_until: due.judged_until,
            },
            limit,
            catalog: catalog.id().to_owned(),
            definition: procedure.definition.clone(),
            receiving_agency: WARD.into(),
            competent_agency: WARD.into(),
            priority: PriorityGround::Unspecified,
            options: Vec::new(),
            recused: Vec::new(),
            fee_vnd: 0,
            paid_vnd: 0,
        };
        let start = Command::Start {
            receipt: Box::new(receipt),
            cause: Cause {
                source: "intake",
                position: 1,
                kind: EventKind::DossierAccepted,
            },
        };
        self.asks(place, &Authority::of_service("workflow"), now, &start);
        let mut now = now;
        while worked_off && !self.cases[place].is_ended() {
            let (task, role) = self.cases[place]
                .waiting()
                .map(|(id, task)| (id, task.role))
                .next()
                .unwrap();
            let who = match role {
                Role::Leader => staff("leader-1", Role::Leader),
                _ => staff("officer-1", Role::Officer),
            };
            let claim = Command::Claim { task: task.clone() };
            self.asks(place, &who, now, &claim);
            now += SignedDuration::from_mins(20);
            let outcome = "approved".to_owned();
            self.asks(
                place,
                &who,
                now,
                &Command::Complete {
                    task,
                    outcome,
                    reason: None,
                },
            );
        }
    }

    fn past(&self) -> Past {
        Past::read(&self.intake, &self.workflow).unwrap()
    }
}

/// Four weeks with four dossiers a day, worked off by one officer and one leader in an hour each.
fn four_weeks() -> History {
    weeks_of(History::begin())
}

fn weeks_of(history: History) -> History {
    weeks_from("2025-07-01", history)
}

fn weeks_from(first: &str, mut history: History) -> History {
    let mut day: Date = first.parse().unwrap();
    for _ in 0..28 {
        let catalog = history.surround.catalogs.in_force(Timestamp::MAX).unwrap();
        let calendar = catalog.calendar_of(catalog.agency(WARD).unwrap()).unwrap();
        if calendar.is_working_day(day) {
            for hour in [8, 9, 14, 15] {
                let now = motcua_calendar::instant(day.at(hour, 0, 0, 0)).unwrap();
                history.dossier(now, true);
            }
        }
        day = day.tomorrow().unwrap();
    }
    history
}

#[test]
fn the_past_is_read_from_the_histories() {
    let mut history = four_weeks();
    history.dossier(at("2025-07-28T16:00"), false);
    let past = history.past();
    assert_eq!(past.open.len(), 1);
    assert_eq!(past.now, at("2025-07-28T16:00"));
    let crew = |role| {
        past.crews[&(WARD.to_owned(), role)]
            .iter()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(crew(Role::Officer), ["officer-1"]);
    assert_eq!(crew(Role::Leader), ["leader-1"]);
    let step = (PROCEDURE.to_owned(), "appraise".to_owned());
    assert!(past.minutes[&step].iter().all(|minutes| *minutes == 20));
    assert!(
        past.endings[&step]
            .iter()
            .all(|ending| ending.as_deref() == Some("approved"))
    );
    assert_eq!(past.arrivals[&"2025-07-02".parse().unwrap()].len(), 4);
}

#[test]
fn nothing_changed_goes_on_as_before_and_the_same_chance_comes_out_the_same() {
    let mut history = four_weeks();
    history.dossier(at("2025-07-28T16:00"), false);
    let past = history.past();
    let as_it_is = play(&past, &Change::default(), 28, 1).unwrap();
    assert_eq!(as_it_is, play(&past, &Change::default(), 28, 1).unwrap());
    // Twenty working days of four, and now and then the one that was open, which came on a Monday.
    assert!((80..=84).contains(&as_it_is.received), "{as_it_is:?}");
    assert_eq!(as_it_is.overdue(), 0);
    assert_eq!(1 + as_it_is.received, as_it_is.resolved + as_it_is.open);
    assert!(as_it_is.open <= 4, "{as_it_is:?}");
    let by_day: i64 = as_it_is.days.iter().map(|day| day.resolved).sum();
    assert_eq!(by_day, as_it_is.resolved);
}

#[test]
fn more_dossiers_than_one_officer_can_do_come_late_and_more_officers_help() {
    let past = four_weeks().past();
    // Twelve times four dossiers a day, forty minutes of the officer's time each: 32 hours of work a day.
    let flood = Change {
        arrivals: Some(12.0),
        ..Change::default()
    };
    let drowned = play(&past, &flood, 28, 1).unwrap();
    assert_eq!(drowned.received, 12 * 80);
    assert!(drowned.overdue() > 500, "{drowned:?}");
    assert_eq!(drowned.received, drowned.resolved + drowned.open);
    let helped = Change {
        people: [
            ((WARD.to_owned(), Role::Officer), 5),
            ((WARD.to_owned(), Role::Leader), 5),
        ]
        .into(),
        ..flood
    };
    let helped = play(&past, &helped, 28, 1).unwrap();
    assert!(helped.overdue() < drowned.overdue() / 10, "{helped:?}");
    // Fewer than one is one.
    let nobody = Change {
        people: [((WARD.to_owned(), Role::Officer), -7)].into(),
        ..Change::default()
    };
    assert_eq!(play(&past, &nobody, 28, 1).unwrap().overdue(), 0);
}

#[test]
fn another_limit_is_another_measure() {
    let past = four_weeks().past();
    let flood = |limit: Option<Limit>| Change {
        arrivals: Some(4.0),
        limits: limit
            .map(|limit| (PROCEDURE.to_owned(), limit))
            .into_iter()
            .collect(),
        ..Change::default()
    };
    let strict = play(&past, &flood(Some(Limit::working_hours(1))), 28, 1).unwrap();
    let mild = play(&past, &flood(Some(Limit::working_days(100))), 28, 1).unwrap();
    assert_eq!(mild.overdue(), 0);
    assert!(strict.overdue() > mild.overdue() + 100, "{strict:?}");
    assert_eq!(strict.received, mild.received);
}

#[test]
fn what_is_asked_for_wrongly_is_said() {
    for (people, right) in [
        ("11593/officer=-1", true),
        ("11593/officer=+2", true),
        ("11593/guard=1", false),
        ("11593=1", false),
        ("11593/officer", false),
        ("11593/officer=one", false),
    ] {
        assert_eq!(super::place(people).is_some(), right, "{people}");
    }
}

#[test]
fn a_past_begins_at_the_end_of_a_day_that_the_histories_tell_of() {
    let mut history = four_weeks();
    let start = to_proto(at("2025-07-01T07:00"));
    for event in &mut history.workflow {
        event.occurred_at.get_or_insert(start);
    }
    let histories = Histories {
        intake: history.intake,
        workflow: history.workflow,
    };
    // The last day that anything came on is Monday the 28th.
    for (day, told) in [
        ("2025-06-30", false),
        ("2025-07-01", true),
        ("2025-07-27", true),
        ("2025-07-28", false),
        ("2026-07-01", false),
    ] {
        let end = histories.end_of_a_day_told(day.parse().unwrap());
        assert_eq!(end.is_ok(), told, "{day}");
    }
    let last = histories.last();
    assert_eq!(
        motcua_calendar::local(last).date().to_string(),
        "2025-07-28"
    );
    assert_eq!(
        days_between(at("2025-07-28T16:00"), at("2025-07-30T16:00")),
        2
    );
    assert_eq!(
        days_between(at("2025-07-28T16:00"), at("2025-07-30T16:01")),
        3
    );
    assert_eq!(
        days_between(at("2025-07-28T16:00"), at("2025-07-27T16:00")),
        0
    );
}

#[test]
fn more_people_than_there_are_cannot_go_and_of_all_of_them_one_stays_aloud() {
    let past = four_weeks().past();
    let people = |role, more| Change {
        people: [((WARD.to_owned(), role), more)].into(),
        ..Change::default()
    };
    assert!(few(&past, &people(Role::Officer, -2)).is_err());
    assert!(few(&past, &people(Role::HomeVisitor, 1)).is_err());
    let said = few(&past, &people(Role::Officer, -1)).unwrap();
    assert!(said[0].contains("one stays"), "{said:?}");
    assert!(few(&past, &people(Role::Officer, 1)).unwrap().is_empty());
}

#[test]
fn another_limit_is_of_a_procedure_that_there_is() {
    let past = four_weeks().past();
    let of = |code: &str| [(code.to_owned(), Limit::working_days(3))].into();
    let known = limits_in_force(&past, of(PROCEDURE)).unwrap();
    assert_eq!(known.keys().collect::<Vec<_>>(), [PROCEDURE]);
    let refused = limits_in_force(&past, of("9.999999")).unwrap_err();
    assert!(refused.to_string().contains("'9.999999'"), "{refused}");
}

#[test]
fn figures_of_one_agency_are_its_part_of_what_is_played_for_all() {
    let mut history = four_weeks();
    history.dossier(at("2025-07-28T16:00"), false);
    let mut past = history.past();
    let all = play(&past, &Change::default(), 28, 1).unwrap();
    past.shown = agencies(&past, &[WARD.to_owned()]).unwrap();
    assert_eq!(play(&past, &Change::default(), 28, 1).unwrap(), all);
    past.shown = agencies(&past, &["10510".to_owned()]).unwrap();
    let none = play(&past, &Change::default(), 28, 1).unwrap();
    assert_eq!((none.received, none.resolved, none.open), (0, 0, 0));
    assert!(none.days.is_empty());
    let refused = agencies(&past, &[WARD.to_owned(), "99999".to_owned()]).unwrap_err();
    assert!(
        refused.to_string().starts_with("--agency:") && refused.to_string().contains("'99999'"),
        "{refused}"
    );
}

#[test]
fn a_limit_of_which_nothing_is_played_is_said() {
    let mut history = four_weeks();
    let limits = |code: &str| Change {
        limits: [(code.to_owned(), Limit::working_days(3))].into(),
        ..Change::default()
    };
    assert!(unplayed(&history.past(), &limits(PROCEDURE)).is_empty());
    let said = unplayed(&history.past(), &limits("1.000656"));
    assert!(
        said.len() == 1 && said[0].starts_with("--limit 1.000656: nothing"),
        "{said:?}"
    );
    // What came in long ago counts as long as it is open.
    let mut past = history.past();
    past.now = at("2025-10-01T08:00");
    assert_eq!(unplayed(&past, &limits(PROCEDURE)).len(), 1);
    history.dossier(at("2025-07-28T16:00"), false);
    let mut past = history.past();
    past.now = at("2025-10-01T08:00");
    assert!(unplayed(&past, &limits(PROCEDURE)).is_empty());
}

#[test]
fn tasks_of_a_group_are_done_by_whoever_did_them_before_and_by_who_is_new() {
    let past = weeks_of(History::of_group("surveyors")).past();
    assert!(past.groups["officer-1"].contains("surveyors"));
    assert!(past.groups.values().all(|groups| groups.len() == 1));
    let resolved = |more| {
        let change = Change {
            arrivals: Some(12.0),
            people: [((WARD.to_owned(), Role::Officer), more)].into(),
            ..Change::default()
        };
        play(&past, &change, 28, 1).unwrap().resolved
    };
    let (alone, helped) = (resolved(0), resolved(1));
    assert!(alone > 100, "{alone}");
    assert!(helped > alone * 3 / 2, "{helped} and {alone}");
}

#[test]
fn what_was_given_back_before_is_given_back_again() {
    let mut history = four_weeks();
    let place = history.cases.len();
    history.dossier(at("2025-07-29T08:00"), false);
    let mut now = at("2025-07-29T08:00");
    for role in [Role::Officer, Role::Leader] {
        let (task, _) = history.cases[place].waiting().next().unwrap();
        let who = match role {
            Role::Leader => staff("leader-1", role),
            _ => staff("officer-1", role),
        };
        let claim = Command::Claim { task: task.clone() };
        history.asks(place, &who, now, &claim);
        now += SignedDuration::from_mins(20);
        let ends = match role {
            Role::Leader => Command::Return {
                task,
                reason: Words::from("chưa thống nhất".to_owned()),
            },
            _ => Command::Complete {
                reason: None,
                task,
                outcome: "approved".to_owned(),
            },
        };
        history.asks(place, &who, now, &ends);
    }
    let mut past = history.past();
    let step = (PROCEDURE.to_owned(), "sign".to_owned());
    assert_eq!(past.endings[&step].last(), Some(&None));
    assert_eq!(past.minutes[&step].last(), Some(&20));
    // Where every signature was given back, nothing is ever resolved.
    past.endings.insert(step, vec![None]);
    let never = play(&past, &Change::default(), 28, 1).unwrap();
    assert_eq!(never.resolved, 0, "{never:?}");
}

#[test]
fn all_of_somebodys_time_is_given_to_what_they_had_in_hand() {
    let mut history = History::begin();
    let officer = staff("officer-1", Role::Officer);
    let opened = at("2025-07-01T08:00");
    for _ in 0..2 {
        history.dossier(opened, false);
    }
    let task = |history: &History, place: usize| {
        let (task, _) = history.cases[place].waiting().next().unwrap();
        task
    };
    let mut ask = |place: usize, clock: &str, done: bool| {
        let task = task(&history, place);
        let command = if done {
            let outcome = "approved".to_owned();
            Command::Complete {
                task,
                outcome,
                reason: None,
            }
        } else {
            Command::Claim { task }
        };
        history.asks(
            place,
            &officer,
            at(&format!("2025-07-01T{clock}")),
            &command,
        );
    };
    // A long one is taken at eight, laid aside at ten for a short one, and done at half past ten.
    ask(0, "08:00", false);
    ask(1, "10:00", false);
    ask(1, "10:10", true);
    ask(0, "10:30", true);
    let past = history.past();
    let step = (PROCEDURE.to_owned(), "appraise".to_owned());
    assert_eq!(past.minutes[&step], [10, 140]);
}

#[test]
fn time_in_which_nothing_lay_in_hand_is_nobodys_work() {
    let history = four_weeks();
    let mut hands = Hands::default();
    let catalog = history.surround.catalogs.in_force(Timestamp::MAX).unwrap();
    let calendar = catalog.calendar_of(catalog.agency(WARD).unwrap()).unwrap();
    let mut done = |code: &str, opened: &str, ended: &str| {
        let work = (code.to_owned(), "t1".to_owned());
        hands.done("officer-1", work, at(opened), at(ended), calendar)
    };
    assert_eq!(done("a", "2025-07-01T08:00", "2025-07-01T08:20"), 20);
    assert_eq!(done("b", "2025-07-01T10:00", "2025-07-01T10:30"), 30);
    // What was open before is begun when the hands are free.
    assert_eq!(done("c", "2025-07-01T10:00", "2025-07-01T10:45"), 15);
}

/// What came in on each day of a course on which anything happened.
fn received(outlook: &Outlook) -> BTreeMap<String, i64> {
    let days = outlook.days.iter().filter(|day| day.received > 0);
    days.map(|day| {
        let date = date_from_proto(day.date.as_ref().unwrap()).unwrap();
        (date.to_string(), day.received)
    })
    .collect()
}

#[test]
fn nothing_comes_on_a_holiday_and_a_holiday_is_no_day_on_which_nothing_came() {
    let foreseen = |first: &str, now: &str, days: i64| {
        let mut past = weeks_from(first, History::begin()).past();
        past.now = at(now);
        received(&play(&past, &Change::default(), days, 1).unwrap())
    };
    let four = |days: &[&str]| -> BTreeMap<String, i64> {
        days.iter().map(|day| ((*day).to_owned(), 4)).collect()
    };
    // 1 and 2 September are holidays.
    assert_eq!(
        foreseen("2025-08-01", "2025-08-29T00:00", 7),
        four(&["2025-08-29", "2025-09-03", "2025-09-04"])
    );
    // Afterwards as much comes on a Monday and a Tuesday as came on those before.
    assert_eq!(
        foreseen("2025-08-11", "2025-09-08T00:00", 2),
        four(&["2025-09-08", "2025-09-09"])
    );
    // Tết is from 16 to 20 February.
    assert_eq!(
        foreseen("2026-01-16", "2026-02-13T00:00", 12),
        four(&["2026-02-13", "2026-02-23", "2026-02-24"])
    );
    // A Saturday that is worked in place of a Monday is like a working day.
    assert_eq!(
        foreseen("2026-07-24", "2026-08-21T00:00", 12),
        four(&[
            "2026-08-21",
            "2026-08-22",
            "2026-08-24",
            "2026-08-25",
            "2026-08-26",
            "2026-08-27",
            "2026-08-28"
        ])
    );
}

#[test]
fn a_day_on_which_nothing_came_although_the_counter_was_open_counts() {
    let mut past = four_weeks().past();
    // Nothing came on any Monday, and on one that is not over a hundred.
    past.arrivals
        .retain(|day, _| day.weekday() != Weekday::Monday);
    past.now = at("2025-07-29T00:00");
    let of_a_monday = |past: &Past| {
        let outlook = play(past, &Change::default(), 28, 1).unwrap();
        let mondays = ["2025-08-04", "2025-08-11", "2025-08-18", "2025-08-25"];
        let came = received(&outlook);
        mondays.map(|day| came.get(day).copied().unwrap_or_default())
    };
    assert_eq!(of_a_monday(&past), [0; 4]);
    let tuesday: Date = "2025-07-22".parse().unwrap();
    let receipts = vec![past.arrivals[&tuesday][0].clone(); 100];
    past.arrivals
        .insert("2025-07-28".parse().unwrap(), receipts);
    past.now = at("2025-07-28T10:00");
    assert_eq!(of_a_monday(&past), [0; 4]);
}

#[test]
fn what_comes_while_the_counter_is_closed_comes_as_it_opens() {
    let mut past = four_weeks().past();
    for (day, receipts) in &mut past.arrivals {
        for receipt in receipts {
            receipt.received_at = motcua_calendar::instant(day.at(18, 0, 0, 0)).unwrap();
        }
    }
    past.now = at("2025-07-29T00:00");
    let outlook = play(&past, &Change::default(), 2, 1).unwrap();
    assert_eq!(received(&outlook), [("2025-07-30".to_owned(), 4)].into());
}

#[test]
fn whoever_goes_leaves_their_tasks_to_their_colleagues() {
    let mut history = four_weeks();
    let gone = staff("officer-2", Role::Officer);
    let begun = at("2025-07-28T14:00");
    let assigned = |history: &mut History, to: &str| {
        let place = history.cases.len();
        history.dossier(begun, false);
        let (task, _) = history.cases[place].waiting().next().unwrap();
        let leader = staff("leader-1", Role::Leader);
        let to = to.to_owned();
        let gives = Command::Reassign {
            task: task.clone(),
            to,
        };
        history.asks(place, &leader, begun, &gives);
        (place, task)
    };
    // One is done, so that they are known to work; the other lies with them, as long as they keep it.
    let (place, task) = assigned(&mut history, "officer-2");
    let outcome = "approved".to_owned();
    history.asks(
        place,
        &gone,
        begun,
        &Command::Complete {
            task,
            outcome,
            reason: None,
        },
    );
    let (place, task) = assigned(&mut history, "officer-2");
    let lease = history.cases[place].task(&task).unwrap().lease.clone();
    assert_eq!(
        lease.unwrap().back_to,
        "",
        "theirs, as if they had taken it"
    );
    let past = history.past();
    assert_eq!(past.crews[&(WARD.to_owned(), Role::Officer)].len(), 2);
    let still_open = |more| {
        let change = Change {
            arrivals: Some(0.0),
            people: [((WARD.to_owned(), Role::Officer), more)].into(),
            ..Change::default()
        };
        play(&past, &change, 7, 1).unwrap().open
    };
    assert_eq!(still_open(0), 0);
    assert_eq!(still_open(-1), 0);
}

#[test]
fn what_was_lent_does_not_come_back_to_whoever_has_gone() {
    let mut history = four_weeks();
    let begun = at("2025-07-28T14:00");
    let gone = staff("officer-2", Role::Officer);
    for lends in [false, true] {
        let place = history.cases.len();
        history.dossier(begun, false);
        let (task, _) = history.cases[place].waiting().next().unwrap();
        let claim = Command::Claim { task: task.clone() };
        history.asks(place, &gone, begun, &claim);
        let ends = if lends {
            Command::Delegate {
                task,
                to: "officer-9".to_owned(),
                until: at("2025-07-30T08:00"),
            }
        } else {
            let outcome = "approved".to_owned();
            Command::Complete {
                task,
                outcome,
                reason: None,
            }
        };
        history.asks(place, &gone, begun, &ends);
    }
    let past = history.past();
    let change = Change {
        arrivals: Some(0.0),
        people: [((WARD.to_owned(), Role::Officer), -1)].into(),
        ..Change::default()
    };
    assert_eq!(play(&past, &change, 7, 1).unwrap().open, 0);
}

#[test]
fn what_comes_stands_under_the_catalog_in_force() {
    let mut history = four_weeks();
    let mut later = embedded().unwrap().catalog;
    later.id = "later".to_owned();
    let limit = Limit::working_hours(1);
    for procedure in &mut later.procedures {
        if procedure.code == PROCEDURE {
            procedure.limit = catalog::limit_to_proto(&limit);
        }
    }
    // Dossiers were worked off on a day that this one says was a holiday.
    later.calendars[0].days.push(CalendarDay {
        date: Some(date_to_proto("2025-07-02".parse().unwrap())),
        kind: CalendarDayKind::Holiday.into(),
        title: "Ngày nghỉ".to_owned(),
    });
    history.intake.push(Event {
        occurred_at: Some(to_proto(at("2025-07-28T18:00"))),
        payload: Some(Payload::CatalogApplied(CatalogApplied {
            catalog: Some(later),
        })),
        ..Event::default()
    });
    let receipt = |past: &Past| past.arrivals.values().next().unwrap()[0].clone();
    let idle = |past: &Past| {
        let minutes = &past.minutes[&(PROCEDURE.to_owned(), "appraise".to_owned())];
        minutes.iter().filter(|minutes| **minutes == 0).count()
    };
    let past = history.past();
    let now = receipt(&past);
    assert_eq!((now.catalog.as_str(), now.limit), ("later", limit));
    assert_eq!(idle(&past), 4);
    // What a foresight in the past does not know yet is not in force.
    let histories = Histories {
        intake: history.intake,
        workflow: history.workflow,
    };
    let (past, _) = histories.until(Some(at("2025-07-28T17:00"))).unwrap();
    assert_ne!(receipt(&past).catalog, "later");
    assert_eq!(idle(&past), 0);
}

#[test]
fn a_suite_that_was_silent_over_a_holiday_begins_now_and_one_whose_clock_is_moved_where_it_stands()
{
    let now = Clock::system().now();
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let since = |last| super::present(last).map(|at| at >= now);
    assert_eq!(since(now - days(10)), Some(true));
    assert_eq!(since(now - days(40)), None);
    assert_eq!(since(now + days(1)), None);
}
