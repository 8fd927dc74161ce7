//! Agencies side by side on one dossier: what one of them asks the applicant for holds up its own branch, and where that does not
//! come, that branch is refused in writing and the others' results are not lost. Decree 63/2024; decree 118/2025, art. 17 and 18.

use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::Role,
    workflow::v1::{CaseState, SubCaseState},
};

use super::{
    office::{
        CODE, INSURANCE, Office, POLICE, WARD, at, cause, leader, officer, refused, staff, words,
    },
    time::with_days_off,
};
use crate::domain::{Command, StatementKind, answered, control_sheet};

fn police() -> motcua_platform::ledger::Authority {
    staff("officer-11593-ca-1", &[Role::Officer], &[POLICE])
}

fn insurance() -> motcua_platform::ledger::Authority {
    staff("officer-bhxh-1", &[Role::Officer], &[INSURANCE])
}

fn asking(branch: &str) -> Command {
    Command::RequestSupplement {
        branch: branch.to_owned(),
        missing: words(),
        reason: words(),
        ground: words(),
    }
}

/// A death was registered on Tuesday, 1 July 2025; the police and the social insurance work on it.
fn registered() -> Office {
    let mut office = Office::accepts("2.002622", &["funeral_costs"]);
    office.completes("register", "registered");
    office
}

fn lapses(office: &mut Office, when: &str) -> Vec<K> {
    office.now = at(when);
    office.reacts(Command::Lapse {
        at: office.now,
        cause: cause(),
    })
}

#[test]
fn what_one_agency_asks_for_holds_up_its_own_branch_and_no_other() {
    let mut office = registered();
    office.now = at("2025-07-01T09:00");
    let asked = office.asks(&police(), &asking("residence")).unwrap();
    let Some(Payload::CaseHeld(held)) = asked.events.last() else {
        panic!("{:?}", asked.events);
    };
    assert_eq!(
        (held.branch.as_str(), held.agency.as_str()),
        ("residence", POLICE)
    );
    let said: Vec<_> = asked.statements.iter().map(|said| said.kind).collect();
    assert_eq!(
        said,
        [StatementKind::Missing as i32, StatementKind::Reason as i32]
    );
    let shown = answered(CODE, office.case()).fill(&office.surround.definitions);
    let held: Vec<_> = shown.sub_cases.iter().map(|it| it.held).collect();
    assert_eq!(held, [true, false]);
    let held: Vec<_> = shown.tasks.iter().skip(1).map(|it| it.held).collect();
    assert_eq!(held, [true, false]);
    // The police wait; the insurance goes on.
    let verify = Command::Complete {
        task: office.task("verify"),
        outcome: "done".to_owned(),
        reason: None,
    };
    let waits = refused(office.asks(&police(), &verify));
    assert!(waits.message.contains("stands still"), "{}", waits.message);
    office.completes("appraise", "done");
    office.completes("sign", "approved");
    assert_eq!(office.case().sub_cases[1].outcome, "approved");
    assert_eq!(office.case().state, CaseState::Held);
    // The paper comes, and the police go on.
    office.now = at("2025-07-02T09:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    office.completes("verify", "rejected");
    office.completes("issue", "approved");
    assert_eq!(office.case().state, CaseState::Finished);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn a_calendar_that_is_replaced_meanwhile_moves_the_others_at_once_and_who_waits_when_they_go_on() {
    let mut office = registered();
    office.now = at("2025-07-01T09:00");
    office.asks(&police(), &asking("residence")).unwrap();
    let waits = office.case().sub_cases[0].due_at;
    let task = |office: &Office, step: &str| {
        let task = office.case().tasks.iter().find(|task| task.step == step);
        task.unwrap().due_at
    };
    let (verify, appraise) = (task(&office, "verify"), task(&office, "appraise"));
    // Budgets may end on that very day. Three working days begin on the second: the fourth, the seventh and the eighth.
    with_days_off(&office, "autumn", &["2025-07-01", "2025-07-03"]);
    assert_eq!(office.reacts(Command::Recompute), [K::DeadlineRecomputed]);
    assert_eq!(office.case().sub_cases[0].due_at, waits);
    assert_eq!(office.case().sub_cases[1].due_at, at("2025-07-08T17:00"));
    assert_eq!(task(&office, "verify"), verify);
    assert!(task(&office, "appraise") > appraise);
    assert_eq!(office.reacts(Command::Recompute), []);
    office.now = at("2025-07-02T09:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    // What was asked for on a day off and came when the next one opened took no time: two working days, the fourth and the seventh.
    assert_eq!(office.case().sub_cases[0].due_at, at("2025-07-07T17:00"));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn the_clock_of_the_others_runs_on_and_none_of_their_time_is_given_back() {
    let mut office = registered();
    let due = office.case().sub_cases[1].due_at;
    assert_eq!(due, at("2025-07-04T17:00"));
    office.now = at("2025-07-01T09:00");
    office.asks(&police(), &asking("residence")).unwrap();
    // The insurance is told that its due comes near, and the police, who wait, are not.
    office.now = at("2025-07-03T17:00");
    let mut told = Vec::new();
    while office.case().timer_at().is_some_and(|at| at <= office.now) {
        office.reacts(Command::Tick);
        if let Payload::SubCaseDueSoon(soon) = office.last() {
            told.push(soon.branch.clone());
        }
    }
    assert_eq!(told, ["funeral"]);
    // What was done meanwhile was done in time that counts.
    office.completes("appraise", "done");
    let worked = |office: &Office, step: &str| {
        let task = office.case().tasks.iter().find(|task| task.step == step);
        task.unwrap().used_minutes
    };
    assert_eq!(worked(&office, "appraise"), 3 * 480 - 60);
    office.now = at("2025-07-04T09:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    let case = office.case();
    assert_eq!(case.sub_cases[1].due_at, due);
    // Three working days after the asking, up to and including the day on which the paper came.
    assert_eq!(case.sub_cases[0].due_at, at("2025-07-08T17:00"));
    assert_eq!(case.due.at, at("2025-07-11T17:00"));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn what_does_not_come_ends_the_branch_that_asked_in_writing_and_loses_nothing_else() {
    let mut office = registered();
    office.now = at("2025-07-01T09:00");
    office.completes("verify", "done");
    office.completes("book", "done");
    office.asks(&police(), &asking("residence")).unwrap();
    office.completes("appraise", "done");
    office.completes("sign", "approved");
    let told = lapses(&mut office, "2025-07-11T00:00");
    assert_eq!(
        told,
        [
            K::CaseResumed,
            K::TaskCancelled,
            K::SubCaseFinished,
            K::TaskOpened
        ]
    );
    assert_eq!(office.waiting().len(), 1, "{:?}", office.waiting());
    let Some(Payload::SubCaseFinished(finished)) =
        office
            .events
            .iter()
            .rev()
            .find_map(|event| match &event.payload {
                Some(it @ Payload::SubCaseFinished(_)) => Some(it),
                _ => None,
            })
    else {
        panic!("a branch ends");
    };
    assert!(finished.lapsed && finished.statement_revision == 1);
    let shown = answered(CODE, office.case()).fill(&office.surround.definitions);
    assert_eq!(
        (shown.sub_cases[0].state(), shown.sub_cases[0].lapsed),
        (SubCaseState::Ended, true)
    );
    assert_eq!(shown.sub_cases[0].statement_revision, 1);
    office.completes("issue", "approved");
    assert_eq!(office.case().state, CaseState::Finished);
    assert_eq!(office.case().statement_revision, 0);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
    // What the ward itself had asked for stops the whole, as ever.
    let mut office = registered();
    office.asks(&officer(1), &asking("")).unwrap();
    lapses(&mut office, "2025-07-11T00:00");
    assert_eq!(office.case().state, CaseState::Stopped);
}

#[test]
fn each_agency_asks_for_what_it_needs_once() {
    let mut office = registered();
    for (who, branch) in [(officer(1), ""), (police(), "residence"), (insurance(), "")] {
        office.asks(&who, &asking(branch)).unwrap();
        let hold = office.case().holds.last().unwrap();
        let expected = match hold.branch.as_str() {
            "" => WARD,
            "residence" => POLICE,
            _ => INSURANCE,
        };
        let Payload::CaseHeld(held) = office.last() else {
            panic!("held");
        };
        assert_eq!(held.agency, expected);
        office.reacts(Command::Resume {
            at: office.now,
            cause: cause(),
        });
    }
    let branches: Vec<_> = office.case().holds.iter().map(|it| &*it.branch).collect();
    assert_eq!(
        branches,
        ["", "residence", "funeral"],
        "the only one is meant"
    );
    // Asked again by the same agency it takes a leader, and no more than the procedure lets one.
    for who in [officer(1), police()] {
        let branch = if who.actor().id.contains("ca") {
            "residence"
        } else {
            ""
        };
        let again = refused(office.asks(&who, &asking(branch)));
        assert!(again.message.contains("once only"), "{}", again.message);
    }
    office.asks(&leader(1), &asking("residence")).unwrap();
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    let third = refused(office.asks(&leader(1), &asking("residence")));
    assert!(third.message.contains("as often"), "{}", third.message);
    let theirs = refused(registered().asks(&police(), &asking("funeral")));
    assert!(theirs.message.contains("another agency"));
}

#[test]
fn two_agencies_may_await_something_at_once_and_each_loses_its_own_time_only() {
    let mut office = registered();
    let dues = |office: &Office| {
        let sub_cases = &office.case().sub_cases;
        [sub_cases[0].due_at, sub_cases[1].due_at]
    };
    let [residence, funeral] = dues(&office);
    let whole = office.case().due.at;
    office.now = at("2025-07-01T09:00");
    office.asks(&police(), &asking("")).unwrap();
    // A day later the insurance needs something too; the ward, which asks for the whole, waits.
    office.now = at("2025-07-02T09:00");
    refused(office.asks(&officer(1), &asking("")));
    office.asks(&insurance(), &asking("")).unwrap();
    let branches: Vec<_> = office.case().open_holds().map(|it| &it.branch).collect();
    assert_eq!(branches, ["residence", "funeral"]);
    refused(office.asks(&police(), &asking("")));
    assert_eq!(office.case().timer_at(), None, "nobody's clock runs");
    office.now = at("2025-07-04T09:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    assert_eq!(office.case().state, CaseState::Running);
    assert_eq!(office.case().open_holds().count(), 0);
    // Three working days of the police's, two of the insurance's; of the whole the three in which somebody waited.
    assert_eq!(
        (residence, funeral),
        (at("2025-07-03T17:00"), at("2025-07-04T17:00"))
    );
    assert_eq!(
        dues(&office),
        [at("2025-07-08T17:00"), at("2025-07-08T17:00")]
    );
    assert_eq!(
        (whole, office.case().due.at),
        (at("2025-07-08T17:00"), at("2025-07-11T17:00"))
    );
    let sheet = control_sheet(CODE, office.case(), office.now, &office.surround).unwrap();
    // From 08:00 to 09:00 on the first day: all that nobody waited in.
    assert_eq!(sheet.used_minutes, 60);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn what_two_agencies_await_in_vain_ends_both_branches_and_not_the_case() {
    let mut office = registered();
    office.now = at("2025-07-01T09:00");
    office.asks(&police(), &asking("")).unwrap();
    office.asks(&insurance(), &asking("")).unwrap();
    let told = lapses(&mut office, "2025-07-11T00:00");
    let ended = told.iter().filter(|kind| **kind == K::SubCaseFinished);
    assert_eq!(ended.count(), 2, "{told:?}");
    assert_eq!(office.case().state, CaseState::Running);
    let reasons = office
        .case()
        .sub_cases
        .iter()
        .map(|it| it.statement_revision);
    assert_eq!(reasons.collect::<Vec<_>>(), [1, 2]);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}
