//! Where paths go.

use motcua_platform::{catalog::Catalog, error::Error};
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{CaseState, TaskState},
};

use super::office::{
    CODE, Office, agency, at, call, catalog, cause, definition, leader, officer, staff, task, words,
};
use crate::domain::{Command, Definition, Receipt, answered};

#[test]
fn a_case_begins_with_its_receipt_and_its_first_task() {
    let office = Office::accepts("1.000001", &[]);
    let case = office.case();
    assert_eq!(case.state, CaseState::Running);
    assert_eq!(case.definition_version, 1);
    assert_eq!(case.due.at, at("2025-07-04T17:00"));
    assert_eq!(office.waiting(), ["t1 appraise"]);
    // 180 working minutes from 08:00.
    assert_eq!(case.tasks[0].due_at, at("2025-07-01T11:00"));
    assert_eq!(case.tasks[0].agency, "11593");
}

#[test]
fn outcomes_choose_the_path_and_the_last_one_is_the_cases() {
    let mut office = Office::accepts("1.000001", &[]);
    assert_eq!(
        office.completes("appraise", "done"),
        [K::TaskCompleted, K::TaskOpened]
    );
    assert_eq!(
        office.completes("sign", "rework"),
        [K::TaskCompleted, K::TaskOpened]
    );
    assert_eq!(office.waiting(), ["t3 appraise"]);
    office.completes("appraise", "done");
    assert_eq!(
        office.completes("sign", "rejected"),
        [K::TaskCompleted, K::CaseFinished]
    );
    assert_eq!(office.case().state, CaseState::Finished);
    assert_eq!(office.case().outcome, "rejected");
    assert_eq!(office.case().tasks[3].assignee, leader(1).actor().id);
}

#[test]
fn an_outcome_that_the_task_does_not_have_is_refused_with_those_that_it_has() {
    let mut office = Office::accepts("1.000001", &[]);
    let command = Command::Complete {
        reason: None,
        task: "t1".into(),
        outcome: "approved".into(),
    };
    let Err(Error::Invalid(violations)) = office.asks(&officer(1), &command) else {
        panic!("must be invalid")
    };
    assert_eq!(
        (
            violations[0].field.as_str(),
            violations[0].description.as_str()
        ),
        ("outcome", "must be one of: done")
    );
    let command = Command::Complete {
        reason: None,
        task: "t9".into(),
        outcome: "done".into(),
    };
    assert!(
        matches!(office.asks(&officer(1), &command), Err(Error::Missing { name }) if name.ends_with("/tasks/t9"))
    );
}

#[test]
fn a_join_waits_for_every_branch_that_was_started() {
    let mut office = Office::accepts("1.000002", &["with_tax"]);
    office.completes("read", "done");
    assert_eq!(office.waiting(), ["t2 land", "t3 tax"]);
    assert_eq!(office.case().tasks[1].branch, "land");
    assert_eq!(office.completes("tax", "done"), [K::TaskCompleted]);
    office.completes("land", "done");
    office.completes("land-check", "rework");
    office.completes("land", "done");
    assert_eq!(
        office.completes("land-check", "done"),
        [K::TaskCompleted, K::TaskOpened]
    );
    assert_eq!(office.waiting(), ["t7 sign"]);
    // Once more through the fork: it waits for both again.
    office.completes("sign", "again");
    office.completes("tax", "done");
    office.completes("land", "done");
    office.completes("land-check", "done");
    assert_eq!(
        office.completes("sign", "approved").last(),
        Some(&K::CaseFinished)
    );
}

#[test]
fn a_branch_whose_option_is_absent_is_neither_started_nor_waited_for() {
    let mut office = Office::accepts("1.000002", &[]);
    office.completes("read", "done");
    let Payload::TaskOpened(_) = office.last() else {
        panic!("land must be open")
    };
    assert_eq!(office.waiting(), ["t2 land"]);
    office.completes("land", "done");
    office.completes("land-check", "done");
    assert_eq!(office.waiting(), ["t4 sign"]);
}

#[test]
fn a_fork_within_a_branch_without_any_option_goes_straight_on() {
    let mut office = Office::accepts("1.000003", &[]);
    office.completes("begin", "done");
    office.completes("a", "done");
    assert_eq!(office.waiting(), ["t3 b", "t4 e"]);
    office.completes("e", "again");
    office.completes("e", "done");
    assert_eq!(
        office.completes("b", "done"),
        [K::TaskCompleted, K::CaseFinished]
    );
}

#[test]
fn a_fork_within_a_branch_joins_before_the_outer_one() {
    let mut office = Office::accepts("1.000003", &["x", "y"]);
    office.completes("begin", "done");
    office.completes("b", "done");
    office.completes("a", "done");
    office.completes("d", "done");
    assert_eq!(office.waiting(), ["t4 c"]);
    office.completes("c", "done");
    office.completes("e", "done");
    assert_eq!(office.case().state, CaseState::Finished);
}

#[test]
fn a_linked_procedure_runs_its_branches_at_their_own_agencies_and_joins_them() {
    let mut office = Office::accepts("2.002622", &["funeral_costs"]);
    let kinds = office.completes("register", "registered");
    assert_eq!(
        kinds,
        [
            K::TaskCompleted,
            K::SubCaseStarted,
            K::TaskOpened,
            K::SubCaseStarted,
            K::TaskOpened
        ]
    );
    let case = office.case();
    let (police, insurance) = (&case.tasks[1], &case.tasks[2]);
    assert_eq!(
        (police.agency.as_str(), police.branch.as_str()),
        ("11593-ca", "residence")
    );
    assert_eq!(
        (insurance.agency.as_str(), insurance.branch.as_str()),
        ("11593-bh", "funeral")
    );
    assert_eq!(case.sub_cases[0].due_at, at("2025-07-03T17:00"));
    assert_eq!(case.sub_cases[1].due_at, at("2025-07-04T17:00"));
    let shown = answered(CODE, case).fill(&office.surround.definitions);
    assert_eq!(shown.tasks[1].procedure, "1.004222");
    assert_eq!(shown.tasks[1].title, "Bước verify");
    assert_eq!(shown.tasks[2].outcomes, ["done"]);

    office.completes("verify", "done");
    assert_eq!(office.case().task("t4").unwrap().branch, "residence/book");
    office.completes("card", "done");
    office.completes("book", "done");
    // A refused branch does not lose the other's result.
    office.completes("appraise", "done");
    assert_eq!(
        office.completes("sign", "rejected"),
        [K::TaskCompleted, K::SubCaseFinished]
    );
    assert_eq!(office.waiting(), ["t6 close"]);
    assert_eq!(
        office.completes("close", "deleted"),
        [K::TaskCompleted, K::SubCaseFinished, K::TaskOpened]
    );
    let outcomes: Vec<_> = office
        .case()
        .sub_cases
        .iter()
        .map(|sub_case| sub_case.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["deleted", "rejected"]);
    assert_eq!(office.waiting(), ["t8 issue"]);
    office.completes("issue", "approved");
    assert_eq!(office.case().outcome, "approved");
}

#[test]
fn without_the_option_only_the_residence_is_called() {
    let mut office = Office::accepts("2.002622", &[]);
    office.completes("register", "registered");
    assert_eq!(office.waiting(), ["t2 verify"]);
    office.completes("verify", "rejected");
    assert_eq!(office.waiting(), ["t3 issue"]);
}

#[test]
fn a_bundle_calls_a_department_of_the_city_by_the_procedure_that_it_decides_on() {
    let mut catalog = catalog();
    catalog
        .agencies
        .push(agency("H24-STP", AgencyKind::Department, ""));
    let of_city = catalog.procedures.iter_mut();
    for procedure in of_city.filter(|it| it.code == "1.001731") {
        procedure.competent = AgencyKind::Department.into();
        procedure.competent_agency = "H24-STP".into();
    }
    let mut office = Office::open();
    let catalog = Catalog::parse(&catalog).unwrap();
    office.surround.catalogs.remember(catalog, true);
    let bundle = definition(
        "bundle",
        "open",
        vec![
            task("open", Role::Officer, 10, &[("done", "ask")]),
            call("ask", "1.001731", AgencyKind::Department, "close"),
            task("close", Role::Officer, 10, &[("done", "")]),
        ],
    );
    office
        .surround
        .definitions
        .remember(Definition::parse(&bundle).unwrap());
    let receipt = Receipt {
        definition: "bundle".into(),
        ..office.receipt("2.002622", &[])
    };
    office.reacts(Command::Start {
        receipt: Box::new(receipt),
        cause: cause(),
    });
    office.completes("open", "done");
    assert_eq!(office.case().sub_cases[0].agency, "H24-STP");
    assert_eq!(office.case().tasks[1].agency, "H24-STP");
    // A step of one's own is no department's.
    let mut own = bundle;
    if let Some(motcua_proto::workflow::v1::step::Kind::Task(task)) = &mut own.steps[2].kind {
        task.agency = AgencyKind::Department.into();
    }
    let faults = Definition::parse(&own).unwrap_err();
    assert_eq!(faults[0].field, "definition.steps[2].task.agency");
}

#[test]
fn what_a_centre_received_for_another_ward_is_that_wards_agencies() {
    let mut catalog = catalog();
    for (code, kind) in [
        ("11602", AgencyKind::Ward),
        ("11602-ca", AgencyKind::Police),
        ("11602-bh", AgencyKind::SocialInsurance),
    ] {
        let parent = if code == "11602" { "" } else { "11602" };
        catalog.agencies.push(agency(code, kind, parent));
    }
    let mut office = Office::open();
    let catalog = Catalog::parse(&catalog).unwrap();
    office.surround.catalogs.remember(catalog, true);
    let receipt = Receipt {
        competent_agency: "11602".to_owned(),
        ..office.receipt("2.002622", &["funeral_costs"])
    };
    office.reacts(Command::Start {
        receipt: Box::new(receipt),
        cause: cause(),
    });
    let agencies = |office: &Office| {
        let tasks = office.case().tasks.iter();
        tasks.map(|task| task.agency.clone()).collect::<Vec<_>>()
    };
    assert_eq!(agencies(&office), ["11602"]);
    let elsewhere = staff("officer-11602-1", &[Role::Officer], &["11602"]);
    let task = "t1".to_owned();
    office.asks(&elsewhere, &Command::Claim { task }).unwrap();
    let (task, outcome) = ("t1".to_owned(), "registered".to_owned());
    let done = office.asks(
        &elsewhere,
        &Command::Complete {
            task,
            outcome,
            reason: None,
        },
    );
    done.unwrap();
    assert_eq!(agencies(&office), ["11602", "11602-ca", "11602-bh"]);
}

#[test]
fn a_task_goes_back_to_the_one_before_it_in_its_branch() {
    let mut office = Office::accepts("1.000001", &[]);
    let first = office.asks(
        &officer(1),
        &Command::Return {
            task: "t1".into(),
            reason: words(),
        },
    );
    assert!(
        matches!(first, Err(Error::Refused(_))),
        "the first has none before it"
    );
    office.completes("appraise", "done");
    let decision = office
        .asks(
            &leader(1),
            &Command::Return {
                task: "t2".into(),
                reason: words(),
            },
        )
        .unwrap();
    assert_eq!(decision.statements[0].revision, 1);
    assert_eq!(office.case().task("t2").unwrap().state, TaskState::Returned);
    assert_eq!(office.waiting(), ["t3 appraise"]);
    // What came back to the first step has nothing before it either.
    let again = office.asks(
        &officer(1),
        &Command::Return {
            task: "t3".into(),
            reason: words(),
        },
    );
    assert!(matches!(again, Err(Error::Refused(_))));
    office.completes("appraise", "done");
    let decision = office
        .asks(
            &leader(1),
            &Command::Return {
                task: "t4".into(),
                reason: words(),
            },
        )
        .unwrap();
    assert_eq!(decision.statements[0].revision, 2);
}

#[test]
fn nothing_goes_back_over_a_fork_a_join_or_a_call() {
    let mut office = Office::accepts("1.000002", &[]);
    office.completes("read", "done");
    for step in ["land", "sign"] {
        if step == "sign" {
            office.completes("land", "done");
            office.completes("land-check", "done");
        }
        let command = Command::Return {
            task: office.task(step),
            reason: words(),
        };
        let who = office.whoever(&office.task(step));
        assert!(
            matches!(office.asks(&who, &command), Err(Error::Refused(refusal)) if refusal.remedy.starts_with("complete it")),
            "{step}"
        );
    }
}

#[test]
fn one_has_a_task_and_the_same_asking_again_changes_nothing() {
    let mut office = Office::accepts("1.000001", &[]);
    let claim = Command::Claim { task: "t1".into() };
    assert_eq!(office.asks(&officer(1), &claim).unwrap().events.len(), 1);
    assert_eq!(office.asks(&officer(1), &claim).unwrap().events.len(), 0);
    assert!(matches!(
        office.asks(&officer(2), &claim),
        Err(Error::Refused(_))
    ));
    let complete = Command::Complete {
        reason: None,
        task: "t1".into(),
        outcome: "done".into(),
    };
    assert!(matches!(
        office.asks(&officer(2), &complete),
        Err(Error::Refused(_))
    ));
    assert!(office.asks(&officer(1), &complete).is_ok());
    assert!(
        matches!(office.asks(&officer(1), &complete), Err(Error::Refused(refusal)) if refusal.state == "COMPLETED")
    );
}

#[test]
fn an_end_takes_every_open_task_with_it_and_what_comes_after_is_ignored() {
    let mut office = Office::accepts("1.000002", &["with_tax"]);
    office.completes("read", "done");
    let withdraw = Command::Withdraw {
        at: office.now,
        cause: cause(),
    };
    assert_eq!(
        office.reacts(withdraw.clone()),
        [K::TaskCancelled, K::TaskCancelled, K::CaseWithdrawn]
    );
    assert_eq!(office.reacts(withdraw), [K::ReactionIgnored]);
    let resume = Command::Resume {
        at: office.now,
        cause: cause(),
    };
    assert_eq!(office.reacts(resume), [K::ReactionIgnored]);
    let receipt = Box::new(office.receipt("1.000002", &[]));
    assert_eq!(
        office.reacts(Command::Start {
            receipt,
            cause: cause()
        }),
        [K::ReactionIgnored]
    );
    assert!(office.waiting().is_empty());
    assert_eq!(office.case().timer_at(), None);

    let mut office = Office::accepts("1.000001", &[]);
    let stop = Command::Stop {
        reason: words(),
        ground: words(),
    };
    let decision = office.asks(&officer(1), &stop).unwrap();
    assert_eq!(decision.events.len(), 2);
    assert!(matches!(
        office.asks(&officer(1), &stop),
        Err(Error::Refused(_))
    ));
}

#[test]
fn a_case_that_cannot_run_is_blocked_in_plain_sight_and_begins_when_it_can() {
    let mut office = Office::empty();
    let receipt = office.receipt("2.002622", &[]);
    let start = Command::Start {
        receipt: Box::new(receipt.clone()),
        cause: cause(),
    };
    assert_eq!(office.reacts(start), [K::CaseBlocked]);
    assert_eq!(office.case().state, CaseState::Blocked);
    assert!(
        office
            .case()
            .blocked_reason
            .contains("no definition 'death'")
    );
    assert_eq!(
        office.case().timer_at(),
        Some(receipt.due.judged_until),
        "its limit runs on"
    );
    let stop = Command::Stop {
        reason: words(),
        ground: words(),
    };
    let Err(Error::Refused(refusal)) = office.asks(&leader(1), &stop) else {
        panic!("what has not begun cannot be stopped");
    };
    assert_eq!(refusal.state, "BLOCKED");
    assert!(refusal.remedy.contains("WithdrawDossier"));
    assert_eq!(office.reacts(Command::Retry), [], "nothing has changed");
    let know = |office: &Office, definition| {
        office
            .surround
            .definitions
            .remember(Definition::parse(&definition).unwrap())
    };
    know(&office, super::office::death());
    assert_eq!(
        office.reacts(Command::Retry),
        [K::CaseBlocked],
        "now what it calls is missing"
    );
    assert!(
        office
            .case()
            .blocked_reason
            .contains("no definition 'simple'")
    );
    know(&office, super::office::simple());
    know(&office, super::office::residence());
    assert_eq!(
        office.reacts(Command::Retry),
        [K::CaseStarted, K::TaskOpened]
    );
    assert_eq!(office.case().due, receipt.due);
    assert_eq!(office.case().version, 4);
    assert_eq!(Some(office.case().clone()), office.replayed());
}

#[test]
fn calls_go_one_level_deep() {
    let mut office = Office::open();
    let deep = definition(
        "residence",
        "verify",
        vec![
            task(
                "verify",
                motcua_proto::r#type::v1::Role::Officer,
                10,
                &[("done", "on")],
            ),
            call(
                "on",
                "1.001731",
                motcua_proto::r#type::v1::AgencyKind::SocialInsurance,
                "verify2",
            ),
            task(
                "verify2",
                motcua_proto::r#type::v1::Role::Officer,
                10,
                &[("done", "")],
            ),
        ],
    );
    let deep = motcua_proto::workflow::v1::Definition { version: 2, ..deep };
    office
        .surround
        .definitions
        .remember(Definition::parse(&deep).unwrap());
    let receipt = Box::new(office.receipt("2.002622", &[]));
    assert_eq!(
        office.reacts(Command::Start {
            receipt,
            cause: cause()
        }),
        [K::CaseBlocked]
    );
    assert!(
        office
            .case()
            .blocked_reason
            .contains("calls go one level deep")
    );
}

#[test]
fn a_catalog_without_the_unit_or_the_agency_blocks() {
    let mut bare = catalog();
    bare.id = "bare".into();
    bare.agencies.truncate(2);
    let mut office = Office::open();
    office.surround.catalogs.remember(
        motcua_platform::catalog::Catalog::parse(&bare).unwrap(),
        false,
    );
    let mut receipt = office.receipt("2.002622", &[]);
    receipt.catalog = "bare".into();
    office.reacts(Command::Start {
        receipt: Box::new(receipt),
        cause: cause(),
    });
    assert!(
        office
            .case()
            .blocked_reason
            .contains("AGENCY_KIND_SOCIAL_INSURANCE"),
        "{}",
        office.case().blocked_reason
    );

    let mut office = Office::open();
    let mut receipt = office.receipt("1.000001", &[]);
    receipt.catalog = "unknown".into();
    office.reacts(Command::Start {
        receipt: Box::new(receipt),
        cause: cause(),
    });
    assert!(
        office
            .case()
            .blocked_reason
            .contains("no catalog 'unknown'")
    );
}

#[test]
fn a_running_case_keeps_its_version() {
    let mut office = Office::accepts("1.000001", &[]);
    let mut next = super::office::simple();
    next.version = 2;
    next.steps.remove(1);
    next.steps[0] = task(
        "appraise",
        motcua_proto::r#type::v1::Role::Officer,
        10,
        &[("finished", "")],
    );
    office
        .surround
        .definitions
        .remember(Definition::parse(&next).unwrap());
    office.completes("appraise", "done");
    assert_eq!(office.waiting(), ["t2 sign"]);
}
