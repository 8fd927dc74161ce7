//! A running case under another version of its definition.

use motcua_platform::error::{Error, Refusal};
use motcua_proto::{
    events::v1::EventKind as K,
    r#type::v1::Role,
    workflow::v1::{Definition as ProtoDefinition, Step, step::Kind},
};

use super::office::{Office, death, leader, opinions, simple, staff, task, words};
use crate::domain::{Command, Definition};

/// The next version of a definition, with something changed.
fn next(mut definition: ProtoDefinition, change: impl FnOnce(&mut Vec<Step>)) -> Definition {
    definition.version = 2;
    change(&mut definition.steps);
    Definition::parse(&definition).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn migrate() -> Command {
    Command::Migrate { version: 2 }
}

#[track_caller]
fn refused(office: &mut Office, says: &str) {
    match office.asks(&leader(1), &migrate()) {
        Err(Error::Refused(Refusal { message, .. })) => {
            assert!(message.contains(says), "{message}")
        }
        other => panic!("must be refused, and is {other:?}"),
    }
}

#[test]
fn a_case_goes_on_under_a_version_that_has_what_waits() {
    let mut office = Office::accepts("1.000001", &[]);
    // A check comes between, and signing has one more outcome.
    office
        .surround
        .definitions
        .remember(next(simple(), |steps| {
            steps[0] = task("appraise", Role::Officer, 180, &[("done", "check")]);
            steps.push(task("check", Role::Officer, 30, &[("done", "sign")]));
        }));
    let decision = office.asks(&leader(1), &migrate()).unwrap();
    assert_eq!(decision.events.len(), 1);
    assert_eq!(office.events.last().unwrap().kind(), K::CaseMigrated);
    assert_eq!(office.case().definition_version, 2);
    assert!(
        office
            .asks(&leader(1), &migrate())
            .unwrap()
            .events
            .is_empty()
    );
    office.completes("appraise", "done");
    assert_eq!(office.waiting(), ["t2 check"]);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn in_the_middle_of_a_fork_the_join_still_gets_what_it_waits_for() {
    let mut office = Office::accepts("1.000002", &["with_tax"]);
    office.completes("read", "done");
    office.completes("tax", "done");
    office
        .surround
        .definitions
        .remember(next(opinions(), |steps| {
            steps[6] = task("sign", Role::Leader, 60, &[("approved", "")]);
        }));
    office.asks(&leader(1), &migrate()).unwrap();
    assert_eq!(office.case().arrivals["meet"], 1);
    office.completes("land", "done");
    office.completes("land-check", "done");
    assert_eq!(office.waiting().len(), 1);
    assert!(office.waiting()[0].ends_with("sign"));
}

#[test]
fn what_came_to_a_join_in_a_passage_that_is_over_does_not_count_under_a_fork_with_other_branches() {
    let mut office = Office::accepts("1.000002", &["with_tax"]);
    office.completes("read", "done");
    office.completes("tax", "done");
    office.completes("land", "done");
    office.completes("land-check", "done");
    assert_eq!(office.case().arrivals["meet"], 2);
    // A third opinion from now on: when the whole goes back, all three are waited for.
    office
        .surround
        .definitions
        .remember(next(opinions(), |steps| {
            if let Some(Kind::Fork(fork)) = &mut steps[1].kind {
                let third = motcua_proto::workflow::v1::Branch {
                    to: "heritage".into(),
                    option: String::new(),
                };
                fork.branches.push(third);
            }
            steps.push(task("heritage", Role::Officer, 30, &[("done", "meet")]));
        }));
    office.asks(&leader(1), &migrate()).unwrap();
    office.completes("sign", "again");
    office.completes("tax", "done");
    office.completes("heritage", "done");
    office.completes("land", "done");
    assert_eq!(office.waiting().len(), 1);
    office.completes("land-check", "done");
    assert!(office.waiting()[0].ends_with("sign"));
}

#[test]
fn where_the_shapes_differ_the_case_stays_and_it_is_said_why() {
    let version = |office: &Office, definition: Definition| {
        office.surround.definitions.remember(definition);
    };
    let mut office = Office::accepts("1.000001", &[]);
    assert!(matches!(
        office.asks(&leader(1), &migrate()),
        Err(Error::Missing { .. })
    ));
    version(
        &office,
        next(simple(), |steps| {
            steps[0] = task("appraise", Role::Leader, 180, &[("done", "sign")]);
        }),
    );
    refused(
        &mut office,
        "step 'appraise' is not there, or is for somebody else",
    );

    // What a task may go back to must be there as well.
    let mut later = Office::accepts("1.000001", &[]);
    later.completes("appraise", "done");
    let mut without = definition_of_one_step();
    without.version = 2;
    version(&later, Definition::parse(&without).unwrap());
    refused(&mut later, "step 'appraise' is not there");

    let mut forked = Office::accepts("1.000002", &["with_tax"]);
    forked.completes("read", "done");
    version(
        &forked,
        next(opinions(), |steps| {
            if let Some(Kind::Fork(fork)) = &mut steps[1].kind {
                fork.branches[1].option = String::new();
            }
        }),
    );
    refused(&mut forked, "fork 'ask' has other branches");

    let mut linked = Office::accepts("2.002622", &[]);
    version(
        &linked,
        next(death(), |steps| {
            if let Some(Kind::Call(call)) = &mut steps[3].kind {
                call.procedure = "1.000001".into();
            }
        }),
    );
    refused(&mut linked, "had no definition for when it began");

    // By whoever decides on it, and not once it has ended.
    let police = staff("police-1", &[Role::Leader], &[super::office::POLICE]);
    assert!(matches!(
        office.asks(&police, &migrate()),
        Err(Error::Refused(_))
    ));
    let stop = Command::Stop {
        reason: words(),
        ground: words(),
    };
    office.asks(&leader(1), &stop).unwrap();
    refused(&mut office, "the case has ended");
}

fn definition_of_one_step() -> ProtoDefinition {
    super::office::definition(
        "simple",
        "sign",
        vec![task("sign", Role::Leader, 60, &[("approved", "")])],
    )
}
