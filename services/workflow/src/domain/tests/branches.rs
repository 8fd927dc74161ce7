//! Branches at other agencies against the clock: each has a due of its own, which holds, chosen limits and other calendars move,
//! which is told of as the case's is, and which judges it. Decree 118/2025, art. 17; Civil Code 2015, art. 147 and 148.

use motcua_platform::{ledger::Authority, time::to_proto};
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{Limit as ProtoLimit, Punctuality, Role, limit::Kind},
    workflow::v1::{self as proto, SubCaseState, step::Kind as StepKind},
};

use super::{
    days,
    office::{
        CODE, Office, POLICE, asks_for_supplement, at, catalog, cause, death, definition, leader,
        officer, task, words,
    },
    time::with_days_off,
};
use crate::domain::{Case, Command, Definition, SubCase, answered};

/// A death was registered on Tuesday, 1 July 2025; since then the police have two working days, and the whole has five.
fn registered() -> Office {
    let mut office = Office::accepts("2.002622", &[]);
    office.completes("register", "registered");
    office
}

fn branch(office: &Office) -> &SubCase {
    &office.case().sub_cases[0]
}

/// As callers see it.
fn shown(office: &Office) -> proto::SubCase {
    let case = answered(CODE, office.case()).fill(&office.surround.definitions);
    case.sub_cases[0].clone()
}

/// What the clock brings about at an instant, and nothing more at the same one.
fn rings(office: &mut Office, when: &str) -> Vec<K> {
    office.now = at(when);
    let mut told = Vec::new();
    loop {
        match office.reacts(Command::Tick) {
            kinds if kinds.is_empty() => break,
            kinds => told.extend(kinds),
        }
    }
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
    told
}

fn ask_for_supplement(office: &mut Office, who: &Authority) {
    let ask = asks_for_supplement();
    office.asks(who, &ask).unwrap();
}

fn resume(office: &mut Office, when: &str) {
    office.now = at(when);
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
}

/// The police do what they have to do.
fn police_finish(office: &mut Office) {
    office.completes("verify", "rejected");
}

#[test]
fn it_is_told_once_that_a_branchs_due_comes_near_and_once_that_it_has_passed() {
    let mut office = registered();
    assert_eq!(branch(&office).due_at, at("2025-07-03T17:00"));
    assert_eq!(rings(&mut office, "2025-07-02T16:59"), []);
    // A working day before it; the case's own due is on 8 July.
    assert_eq!(rings(&mut office, "2025-07-02T17:00"), [K::SubCaseDueSoon]);
    let Payload::SubCaseDueSoon(soon) = office.last() else {
        panic!("must be told")
    };
    assert_eq!(
        (soon.branch.as_str(), soon.agency.as_str()),
        ("residence", POLICE)
    );
    assert_eq!(soon.due_at, Some(to_proto(at("2025-07-03T17:00"))));
    // The due day lasts to its end.
    assert_eq!(rings(&mut office, "2025-07-03T23:59"), []);
    assert!(!shown(&office).overdue);
    assert_eq!(rings(&mut office, "2025-07-04T00:00"), [K::SubCaseOverdue]);
    let Payload::SubCaseOverdue(overdue) = office.last() else {
        panic!("must be told")
    };
    assert_eq!(
        (overdue.branch.as_str(), overdue.agency.as_str()),
        ("residence", POLICE)
    );
    assert_eq!(overdue.due_at, Some(to_proto(at("2025-07-03T17:00"))));
    let seen = shown(&office);
    assert!(seen.overdue && !office.case().overdue);
    assert_eq!(seen.state(), SubCaseState::Open);
    assert_eq!(seen.punctuality(), Punctuality::Unspecified);
    assert_eq!((seen.dossier.as_str(), seen.number), (CODE, 1));
    // What is left to tell is the case's.
    assert_eq!(rings(&mut office, "2025-07-07T17:00"), [K::CaseDueSoon]);
    // Late all the same, while the whole is on time.
    police_finish(&mut office);
    office.completes("issue", "approved");
    let seen = shown(&office);
    assert_eq!(
        (seen.punctuality(), seen.state(), seen.overdue),
        (Punctuality::Overdue, SubCaseState::Ended, true)
    );
    assert_eq!(office.case().punctuality, Punctuality::Early);
}

#[test]
fn a_branch_is_judged_by_its_own_due() {
    for (when, expected) in [
        ("2025-07-02T23:59", Punctuality::Early),
        ("2025-07-03T00:00", Punctuality::OnTime),
        ("2025-07-03T23:59", Punctuality::OnTime),
        ("2025-07-04T00:00", Punctuality::Overdue),
    ] {
        let mut office = registered();
        office.now = at(when);
        police_finish(&mut office);
        let told = office.events.iter().find_map(|event| match &event.payload {
            Some(Payload::SubCaseFinished(finished)) => Some(finished.punctuality()),
            _ => None,
        });
        assert_eq!(told, Some(expected), "{when}");
        assert_eq!(shown(&office).punctuality(), expected, "{when}");
        assert_eq!(
            shown(&office).overdue,
            expected == Punctuality::Overdue,
            "{when}"
        );
        // Of a branch that has ended nothing is told.
        let told = rings(&mut office, "2025-07-04T00:01");
        assert!(!told.contains(&K::SubCaseOverdue), "{when}: {told:?}");
    }
}

#[test]
fn a_hold_moves_the_due_of_a_branch_and_what_is_told_of_it() {
    let mut office = registered();
    assert_eq!(rings(&mut office, "2025-07-02T17:00"), [K::SubCaseDueSoon]);
    ask_for_supplement(&mut office, &officer(1));
    assert!(shown(&office).held);
    // While the case stands still, nothing falls due.
    assert_eq!(rings(&mut office, "2025-07-05T08:00"), []);
    resume(&mut office, "2025-07-07T08:00");
    // 3, 4 and 7 July do not count.
    assert_eq!(branch(&office).due_at, at("2025-07-08T17:00"));
    assert_eq!(rings(&mut office, "2025-07-07T16:59"), []);
    // It is told again, of the due that moved.
    assert_eq!(rings(&mut office, "2025-07-07T17:00"), [K::SubCaseDueSoon]);
    assert_eq!(rings(&mut office, "2025-07-08T23:59"), []);
    let mut late = office.clone();
    assert_eq!(rings(&mut late, "2025-07-09T00:00"), [K::SubCaseOverdue]);
    police_finish(&mut office);
    assert_eq!(shown(&office).punctuality(), Punctuality::OnTime);
    // What was asked for after the due day does not make it good again, and is not told again.
    ask_for_supplement(&mut late, &leader(1));
    resume(&mut late, "2025-07-10T08:00");
    assert_eq!(branch(&late).due_at, at("2025-07-08T17:00"));
    assert!(shown(&late).overdue);
    assert!(!rings(&mut late, "2025-07-10T09:00").contains(&K::SubCaseOverdue));
}

#[test]
fn tet_lies_between_a_branch_and_its_due() {
    let mut office = Office::open();
    let mut real = catalog();
    "real".clone_into(&mut real.id);
    real.calendars[0].days = days::days();
    let real = motcua_platform::catalog::Catalog::parse(&real).unwrap();
    office.surround.catalogs.remember(real, true);
    // Thursday; 16 to 20 February 2026 are off.
    office.now = at("2026-02-12T08:00");
    office.is_handed("2.002622", &[]);
    office.completes("register", "registered");
    assert_eq!(branch(&office).due_at, at("2026-02-23T17:00"));
    let mut kept = office.clone();
    assert_eq!(rings(&mut kept, "2026-02-13T17:00"), [K::SubCaseDueSoon]);
    assert_eq!(rings(&mut kept, "2026-02-23T23:59"), []);
    assert_eq!(rings(&mut kept, "2026-02-24T00:00"), [K::SubCaseOverdue]);

    // Five working days in place of two: 13, 23, 24, 25 and 26 February.
    office.now = at("2026-02-13T09:00");
    let verified = Command::ChooseLimit {
        branch: "residence".into(),
        limit: "verified".into(),
        reason: words(),
    };
    office.asks(&officer(1), &verified).unwrap();
    assert_eq!(branch(&office).due_at, at("2026-02-26T17:00"));
    assert_eq!(rings(&mut office, "2026-02-24T00:00"), []);
    // The whole is due on the same day: the branch goes first.
    assert_eq!(
        rings(&mut office, "2026-02-25T17:00"),
        [K::SubCaseDueSoon, K::CaseDueSoon]
    );
    assert_eq!(
        rings(&mut office, "2026-02-27T00:00"),
        [K::SubCaseOverdue, K::CaseOverdue]
    );
}

#[test]
fn another_calendar_gives_a_branch_another_due_that_is_told_of_anew() {
    let mut office = registered();
    assert_eq!(rings(&mut office, "2025-07-02T17:00"), [K::SubCaseDueSoon]);
    assert_eq!(rings(&mut office, "2025-07-04T00:00"), [K::SubCaseOverdue]);
    // The third of July was a day off, it turns out.
    office.now = at("2025-07-04T08:00");
    with_days_off(&office, "autumn", &["2025-07-03"]);
    assert_eq!(office.reacts(Command::Recompute), [K::DeadlineRecomputed]);
    assert_eq!(branch(&office).due_at, at("2025-07-04T17:00"));
    assert!(!shown(&office).overdue);
    assert_eq!(office.reacts(Command::Recompute), []);
    // Fewer hours are left than it would be told before.
    assert_eq!(rings(&mut office, "2025-07-04T23:59"), []);
    assert_eq!(rings(&mut office, "2025-07-05T00:00"), [K::SubCaseOverdue]);
}

#[test]
fn a_limit_in_hours_is_judged_by_the_minute() {
    let mut office = Office::open();
    let mut bundle = death();
    for step in &mut bundle.steps {
        if let Some(StepKind::Call(call)) = &mut step.kind
            && call.procedure == "1.004222"
        {
            call.limit = Some(ProtoLimit {
                kind: Some(Kind::WorkingHours(4)),
            });
        }
    }
    bundle.version = 2;
    let bundle = Definition::parse(&bundle).unwrap();
    office.surround.definitions.remember(bundle);
    office.is_handed("2.002622", &[]);
    office.completes("register", "registered");
    assert_eq!(branch(&office).due_at, at("2025-07-01T14:00"));
    // Two working hours before it.
    assert_eq!(rings(&mut office, "2025-07-01T09:59"), []);
    assert_eq!(rings(&mut office, "2025-07-01T10:00"), [K::SubCaseDueSoon]);
    assert_eq!(rings(&mut office, "2025-07-01T14:00"), []);
    let mut in_time = office.clone();
    police_finish(&mut in_time);
    assert_eq!(shown(&in_time).punctuality(), Punctuality::OnTime);
    assert_eq!(rings(&mut office, "2025-07-01T14:01"), [K::SubCaseOverdue]);
}

#[test]
fn a_definition_says_when_it_is_told_that_the_due_of_its_branch_comes_near() {
    let mut office = Office::open();
    let mut residence = definition(
        "residence",
        "verify",
        vec![task(
            "verify",
            Role::Officer,
            240,
            &[("done", ""), ("rejected", "")],
        )],
    );
    residence.version = 2;
    residence.due_soon_percents = vec![50, 75];
    let residence = Definition::parse(&residence).unwrap();
    office.surround.definitions.remember(residence);
    office.is_handed("2.002622", &[]);
    office.completes("register", "registered");
    // From Tuesday 08:00 to Thursday 17:00 are 1,380 minutes: 690 are left on Wednesday at 11:30, 345 on Thursday at 09:15.
    assert_eq!(rings(&mut office, "2025-07-02T11:29"), []);
    assert_eq!(rings(&mut office, "2025-07-02T11:30"), [K::SubCaseDueSoon]);
    assert_eq!(rings(&mut office, "2025-07-03T09:14"), []);
    assert_eq!(rings(&mut office, "2025-07-03T09:15"), [K::SubCaseDueSoon]);
    assert_eq!(rings(&mut office, "2025-07-03T17:00"), []);
}

#[test]
fn a_branch_that_nothing_is_left_to_do_in_ends_as_it_begins_and_is_judged() {
    let mut office = Office::open();
    let mut residence = definition(
        "residence",
        "verify",
        vec![task("verify", Role::Officer, 240, &[("done", "")])],
    );
    residence.version = 2;
    if let Some(StepKind::Task(task)) = &mut residence.steps[0].kind {
        task.when = "\"x\" in options".into();
        task.left_out_as = "done".into();
    }
    let residence = Definition::parse(&residence).unwrap();
    office.surround.definitions.remember(residence);
    office.is_handed("2.002622", &[]);
    let told = office.completes("register", "registered");
    assert_eq!(
        told,
        [
            K::TaskCompleted,
            K::SubCaseStarted,
            K::SubCaseFinished,
            K::TaskOpened
        ]
    );
    let told = office.events.iter().find_map(|event| match &event.payload {
        Some(Payload::SubCaseFinished(finished)) => Some(finished.punctuality()),
        _ => None,
    });
    assert_eq!(told, Some(Punctuality::Early));
    assert_eq!(shown(&office).punctuality(), Punctuality::Early);
}

#[test]
fn a_branch_falls_away_with_its_case() {
    let mut office = registered();
    let stop = Command::Stop {
        reason: words(),
        ground: words(),
    };
    office.asks(&officer(1), &stop).unwrap();
    let seen = shown(&office);
    assert_eq!(seen.state(), SubCaseState::Ended);
    assert_eq!(seen.punctuality(), Punctuality::Unspecified);
    assert_eq!(rings(&mut office, "2025-07-04T00:00"), []);
}

#[test]
fn what_began_before_branches_were_watched_is_watched_by_its_limit() {
    let mut office = registered();
    let mut state = serde_json::to_value(office.case()).unwrap();
    let kept = state["sub_cases"][0].as_object_mut().unwrap();
    for field in ["judged_until", "due_soon_at", "due_soon", "overdue"] {
        assert!(kept.remove(field).is_some(), "{field}");
    }
    let old: Case = serde_json::from_value(state).unwrap();
    assert_eq!(old.sub_cases[0].due(), branch(&office).due());
    // As the events of that time tell it.
    for event in &mut office.events {
        if let Some(Payload::SubCaseStarted(started)) = &mut event.payload {
            started.judged_until = None;
            started.due_soon_at = None;
        }
    }
    assert_eq!(office.replayed().as_ref(), Some(&old));
    office.case = Some(old);
    // By the same calendar nothing is another.
    assert_eq!(office.reacts(Command::Recompute), []);
    assert_eq!(rings(&mut office, "2025-07-03T23:59"), []);
    assert_eq!(rings(&mut office, "2025-07-04T00:00"), [K::SubCaseOverdue]);
}
