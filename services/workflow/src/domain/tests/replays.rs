//! By chance: whatever is asked of a case, its events tell its state, it comes to an end, and an end leaves nothing open.

use std::collections::BTreeSet;

use motcua_platform::{
    ledger::Authority,
    time::{from_proto_opt, local_date},
};
use motcua_proto::{
    events::v1::event::Payload,
    r#type::v1::Role,
    workflow::v1::{CaseState, TaskState},
};
use proptest::prelude::*;

use super::office::{
    Office, POLICE, WARD, asks_for_supplement, cause, leader, officer, staff, words,
};
use crate::domain::{Case, Command};

/// How many may ask.
const PEOPLE: u32 = 6;

/// One of those who may ask: officers, leaders, one who is both, one of another agency.
fn person(n: u32) -> Authority {
    match n % PEOPLE {
        0 => officer(1),
        1 => officer(2),
        2 => leader(1),
        3 => leader(2),
        4 => staff("both-1", &[Role::Officer, Role::Leader], &[WARD]),
        _ => staff("police-1", &[Role::Officer, Role::Leader], &[POLICE]),
    }
}

/// What is asked next; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Move {
    Claim(usize, u32),
    Complete(usize, usize, u32),
    Return(usize, u32),
    RequestSupplement,
    Resume,
    Extend(i64),
    /// Of the case, or of one of its branches.
    ChooseLimit(u32, Option<usize>),
    Stop,
    Withdraw,
    StartAgain,
    Recuse(u32),
    /// The definitions are there now, and a case that waited for them is tried again.
    Publish,
    Tick,
    Wait(i64),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (0..4_usize, 0..PEOPLE).prop_map(|(task, who)| Move::Claim(task, who)),
        12 => (0..4_usize, 0..3_usize, 0..PEOPLE).prop_map(|(task, outcome, who)| Move::Complete(task, outcome, who)),
        2 => (0..4_usize, 0..PEOPLE).prop_map(|(task, who)| Move::Return(task, who)),
        1 => Just(Move::RequestSupplement),
        2 => Just(Move::Resume),
        1 => (1..200_i64).prop_map(Move::Extend),
        1 => (0..PEOPLE, prop::option::of(0..2_usize)).prop_map(|(who, branch)| Move::ChooseLimit(who, branch)),
        1 => prop_oneof![4 => Just(Move::Tick), 1 => Just(Move::Stop), 1 => Just(Move::Withdraw)],
        1 => Just(Move::StartAgain),
        1 => (0..PEOPLE).prop_map(Move::Recuse),
        1 => Just(Move::Publish),
        3 => Just(Move::Tick),
        4 => (1..2_000_i64).prop_map(Move::Wait),
    ]
}

fn procedures() -> impl Strategy<Value = (&'static str, Vec<&'static str>)> {
    (
        prop::sample::select(vec!["1.000001", "1.000002", "1.000003", "2.002622"]),
        prop::sample::subsequence(vec!["with_tax", "funeral_costs", "x", "y"], 0..=4),
    )
}

/// A task of the case, ended ones too, by chance.
fn task(case: &Case, n: usize) -> String {
    let waiting: Vec<_> = case.waiting().map(|(id, _)| id).collect();
    // Now and then one that has ended, or that never was.
    waiting
        .get(n)
        .cloned()
        .unwrap_or_else(|| format!("t{}", n + 1))
}

fn outcome(office: &Office, id: &str, n: usize) -> String {
    let outcomes = office.outcomes(id);
    outcomes
        .get(n % outcomes.len().max(1))
        .cloned()
        .unwrap_or_default()
}

fn play(office: &mut Office, next: &Move) {
    let (who, command) = match next {
        Move::Wait(minutes) => {
            office.now += jiff::SignedDuration::from_mins(*minutes);
            return;
        }
        Move::Claim(n, who) => (
            *who,
            Command::Claim {
                task: task(office.case(), *n),
            },
        ),
        Move::Complete(n, choice, who) => {
            let task = task(office.case(), *n);
            let outcome = outcome(office, &task, *choice);
            (
                *who,
                Command::Complete {
                    task,
                    outcome,
                    reason: None,
                },
            )
        }
        Move::Return(n, who) => (
            *who,
            Command::Return {
                task: task(office.case(), *n),
                reason: words(),
            },
        ),
        Move::RequestSupplement => (1, asks_for_supplement()),
        Move::Resume => (
            1,
            Command::Resume {
                at: office.now,
                cause: cause(),
            },
        ),
        Move::Extend(hours) => {
            let due_at = office.case().due.at + jiff::SignedDuration::from_hours(*hours);
            (
                2,
                Command::ExtendDeadline {
                    due_at,
                    reason: words(),
                },
            )
        }
        Move::ChooseLimit(who, branch) => (
            *who,
            Command::ChooseLimit {
                branch: branch
                    .and_then(|n| office.case().sub_cases.get(n))
                    .map(|sub_case| sub_case.branch.clone())
                    .unwrap_or_default(),
                limit: "verified".into(),
                reason: words(),
            },
        ),
        Move::Stop => (
            1,
            Command::Stop {
                reason: words(),
                ground: words(),
            },
        ),
        Move::Withdraw => (
            1,
            Command::Withdraw {
                at: office.now,
                cause: cause(),
            },
        ),
        Move::StartAgain => {
            let receipt = Box::new(office.receipt("1.000001", &[]));
            (
                1,
                Command::Start {
                    receipt,
                    cause: cause(),
                },
            )
        }
        Move::Recuse(whom) => {
            let principal = person(*whom).actor().id.clone();
            (0, Command::Recuse { principal })
        }
        Move::Publish => {
            office.publish();
            (1, Command::Retry)
        }
        Move::Tick => (1, Command::Tick),
    };
    // A refusal is an answer like any other; it must leave no trace.
    let before = office.events.len();
    if office.asks(&person(who), &command).is_err() {
        assert_eq!(office.events.len(), before);
    }
}

fn check(office: &Office) {
    let case = office.case();
    assert_eq!(office.replayed().as_ref(), Some(case));
    assert_eq!(case.version, i64::try_from(office.events.len()).unwrap());
    let stored: Case = serde_json::from_str(&serde_json::to_string(case).unwrap()).unwrap();
    assert_eq!(&stored, case);
    let counts = matches!(case.state, CaseState::Running | CaseState::Blocked);
    assert!(case.timer_at().is_none() || counts);
    if case.is_ended() {
        assert_eq!(case.waiting().count(), 0);
        assert!(case.ended_at.is_some());
        assert!(case.holds.iter().all(|hold| hold.to.is_some()));
    } else if case.state == CaseState::Blocked {
        assert!(case.tasks.is_empty());
    } else {
        assert_ne!(case.waiting().count(), 0, "somebody always has it");
    }
    for (_, task) in case.waiting() {
        assert!(!case.recused.contains(&task.assignee));
    }
    for task in &case.tasks {
        assert!(case.tenants().contains(&task.agency));
    }
    branches_are_told_late_once(office);
    // Whoever signs has prepared nothing; whoever completes works for the agency.
    let completed = |leader: bool| {
        case.tasks.iter().filter(move |task| {
            task.state == TaskState::Completed && (task.role == Role::Leader) == leader
        })
    };
    for signed in completed(true) {
        let before = completed(false)
            .filter(|prepared| prepared.assignee == signed.assignee)
            .filter(|prepared| prepared.ended_at < signed.ended_at);
        assert_eq!(before.count(), 0, "{}", signed.assignee);
    }
    for task in completed(true).chain(completed(false)) {
        assert!(task.assignee != "police-1" || task.agency == POLICE);
        assert!(task.assignee != "both-1" || task.agency == WARD);
    }
}

/// Of each due a branch is told overdue once at most, and not before the due day has ended.
fn branches_are_told_late_once(office: &Office) {
    let mut told = BTreeSet::new();
    for event in &office.events {
        if let Some(Payload::SubCaseOverdue(overdue)) = &event.payload {
            let day = |at: Option<&prost_types::Timestamp>| local_date(from_proto_opt(at).unwrap());
            assert!(day(event.occurred_at.as_ref()) > day(overdue.due_at.as_ref()));
            let due = overdue.due_at.map(|at| (at.seconds, at.nanos));
            assert!(told.insert((overdue.branch.clone(), due)), "{overdue:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_events_gives_the_state(
        (procedure, options) in procedures(),
        waits in prop::bool::weighted(0.2),
        moves in prop::collection::vec(moves(), 0..60),
    ) {
        // Now and then without a definition yet.
        let mut office = if waits { Office::empty() } else { Office::open() };
        office.is_handed(procedure, &options);
        check(&office);
        for next in &moves {
            play(&mut office, next);
            check(&office);
        }
    }

    #[test]
    fn who_goes_on_working_comes_to_an_end(
        (procedure, options) in procedures(),
        choices in prop::collection::vec((0..4_usize, 0..3_usize), 0..80),
    ) {
        let mut office = Office::accepts(procedure, &options);
        let choices = choices.into_iter().chain(std::iter::repeat_n((0, 0), 200));
        for (n, choice) in choices {
            if office.case().is_ended() {
                break;
            }
            // The first outcome of each task leads on, the others also back.
            let waiting = office.case().waiting().count();
            let task = task(office.case(), n % waiting);
            let outcome = outcome(&office, &task, choice);
            let who = office.whoever(&task);
            office.asks(&who, &Command::Complete { task, outcome, reason: None }).unwrap();
        }
        prop_assert_eq!(office.case().state, CaseState::Finished);
        check(&office);
    }
}
