//! What was asked for is refused with a reason and a ground, as the applicant is told. Decree 118/2025, art. 17.

use motcua_platform::error::Error;
use motcua_proto::{
    events::v1::event::Payload, r#type::v1::Role, workflow::v1::Definition as Proto,
};

use super::office::{CODE, Office, definition, leader, officer, task, words};
use crate::domain::{Command, Definition, StatementKind, answered};

/// An officer rejects, and a leader signs that; or sends it back.
fn signed() -> Proto {
    Proto {
        refusals: vec!["rejected".to_owned()],
        ..definition(
            "simple",
            "appraise",
            vec![
                task(
                    "appraise",
                    Role::Officer,
                    60,
                    &[("approved", "sign"), ("rejected", "sign")],
                ),
                task(
                    "sign",
                    Role::Leader,
                    60,
                    &[("approved", ""), ("rejected", ""), ("rework", "appraise")],
                ),
            ],
        )
    }
}

fn office() -> Office {
    let office = Office::empty();
    office
        .surround
        .definitions
        .remember(Definition::parse(&signed()).unwrap());
    let mut office = office;
    office.is_handed("1.000001", &[]);
    office
}

fn ends(office: &Office, step: &str, outcome: &str, said: bool) -> Command {
    Command::Complete {
        task: office.task(step),
        outcome: outcome.to_owned(),
        reason: said.then(|| Box::new([words(), words()])),
    }
}

/// The officer has rejected, and said why.
fn rejected() -> Office {
    let mut office = office();
    let rejects = ends(&office, "appraise", "rejected", true);
    office.asks(&officer(1), &rejects).unwrap();
    office
}

/// The leader does not sign it.
fn sends_back(office: &Office) -> Command {
    Command::Return {
        task: office.task("sign"),
        reason: words(),
    }
}

fn wrong(result: Result<motcua_platform::ledger::Decision, Error>) -> String {
    match result {
        Err(Error::Invalid(violations)) => {
            format!("{}: {}", violations[0].field, violations[0].description)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_outcome_that_refuses_has_a_reason_and_no_other_has() {
    let mut office = office();
    let shown = answered(CODE, office.case()).fill(&office.surround.definitions);
    assert_eq!(shown.tasks[0].refusals, ["rejected"]);
    let unsaid = ends(&office, "appraise", "rejected", false);
    let told = wrong(office.asks(&officer(1), &unsaid));
    assert!(
        told.starts_with("reason: is required: 'rejected'"),
        "{told}"
    );
    let praised = ends(&office, "appraise", "approved", true);
    let told = wrong(office.asks(&officer(1), &praised));
    assert!(told.ends_with("refuses: rejected"), "{told}");
    let rejects = ends(&office, "appraise", "rejected", true);
    let rejected = office.asks(&officer(1), &rejects).unwrap();
    assert_eq!(rejected.statements[0].kind, StatementKind::Outcome as i32);
    // Whoever signs need not write it again.
    let signs = ends(&office, "sign", "rejected", false);
    let signed = office.asks(&leader(1), &signs).unwrap();
    let Some(Payload::CaseFinished(finished)) = signed.events.last() else {
        panic!("{:?}", signed.events);
    };
    assert_eq!(finished.statement_revision, 1);
    assert_eq!(office.case().statement_revision, 1);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn a_reason_that_was_given_back_is_no_longer_one() {
    let mut office = rejected();
    let back = sends_back(&office);
    office.asks(&leader(1), &back).unwrap();
    let approves = ends(&office, "appraise", "approved", false);
    office.asks(&officer(1), &approves).unwrap();
    let signs = ends(&office, "sign", "rejected", false);
    assert!(wrong(office.asks(&leader(1), &signs)).starts_with("reason: is required"));
    // One of the leader's own is.
    let signs = ends(&office, "sign", "rejected", true);
    office.asks(&leader(1), &signs).unwrap();
    assert_eq!(office.case().statement_revision, 2);
}

#[test]
fn nothing_is_refused_by_an_approval_after_a_refusal() {
    let mut office = rejected();
    let overrules = ends(&office, "sign", "approved", false);
    office.asks(&leader(1), &overrules).unwrap();
    assert_eq!(office.case().statement_revision, 0);
}

#[test]
fn work_goes_back_from_one_step_so_often_and_no_more() {
    let mut office = office();
    for _ in 0..5 {
        let rejects = ends(&office, "appraise", "rejected", true);
        office.asks(&officer(1), &rejects).unwrap();
        let back = sends_back(&office);
        office.asks(&leader(1), &back).unwrap();
    }
    let approves = ends(&office, "appraise", "approved", false);
    office.asks(&officer(1), &approves).unwrap();
    let back = sends_back(&office);
    let refusal = super::office::refused(office.asks(&leader(1), &back));
    assert!(refusal.message.contains("as often as it may"));
    let signs = ends(&office, "sign", "approved", false);
    office.asks(&leader(1), &signs).unwrap();
}
