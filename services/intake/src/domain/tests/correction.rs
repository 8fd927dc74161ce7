//! Clerical errors: proposed by one, decided by another.

use motcua_proto::intake::v1::CorrectionState;

use super::*;
use crate::domain::{applicant, command::Confirmation};

fn named(full_name: &str) -> Applicant {
    Applicant {
        full_name: full_name.to_owned(),
        ..Applicant::default()
    }
}

pub(super) fn propose(full_name: &str) -> Command {
    Command::ProposeCorrection {
        applicant: Box::new(named(full_name)),
        reason: words("giấy khai sinh ghi khác"),
    }
}

pub(super) fn confirm(correction: &str, revision: i32) -> Command {
    Command::ConfirmCorrection(Box::new(Confirmation {
        correction: correction.to_owned(),
        revision,
        applicant: named("Nguyễn Thị Thửa"),
        newcomer: Newcomer::default(),
    }))
}

fn reject(correction: &str) -> Command {
    Command::RejectCorrection {
        correction: correction.to_owned(),
    }
}

fn proposed() -> Counter {
    Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, true))
        .does(&propose("Nguyễn Thị Thửa"))
}

pub(super) fn colleague(mut counter: Counter) -> Counter {
    counter.actor.id = "receptionist-11593-2".to_owned();
    counter
}

fn applicants(counter: &Counter) -> Vec<(i32, String)> {
    counter
        .statements
        .iter()
        .filter(|said| said.kind == i32::from(StatementKind::Applicant))
        .map(|said| {
            let applicant = applicant::read(said.body.expose()).unwrap();
            (said.revision, applicant.full_name)
        })
        .collect()
}

#[test]
fn what_one_proposes_another_confirms_and_what_was_said_stays() {
    let mut counter = colleague(proposed());
    counter.asks(&confirm("c1", 1)).unwrap();
    assert_eq!(
        applicants(&counter),
        [
            (1, "Nguyễn Thị Thử".to_owned()),
            (2, "Nguyễn Thị Thửa".to_owned())
        ]
    );
    let shown = counter.dossier().to_proto(CODE);
    let correction = &shown.corrections[0];
    assert_eq!(correction.state(), CorrectionState::Confirmed);
    assert_ne!(correction.proposed_by, correction.decided_by);
    assert_eq!(counter.status(), DossierStatus::Accepted);
}

#[test]
fn nobody_decides_what_they_proposed() {
    let mut counter = proposed();
    for command in [confirm("c1", 1), reject("c1")] {
        let refused = counter.asks(&command).unwrap_err();
        assert!(
            matches!(&refused, Error::Refused(refusal) if refusal.article.contains("four eyes")),
            "{refused}"
        );
    }
}

#[test]
fn a_rejected_correction_changes_nothing_and_leaves_room_for_another() {
    let mut counter = colleague(proposed());
    counter.asks(&reject("c1")).unwrap();
    assert_eq!(applicants(&counter).len(), 1);
    for again in [reject("c1"), confirm("c1", 1)] {
        assert!(matches!(counter.asks(&again), Err(Error::Refused(_))));
    }
    counter.asks(&propose("Nguyễn Thị Thửa")).unwrap();
    assert_eq!(counter.dossier().pending_correction().unwrap().0, "c2");
}

#[test]
fn one_correction_waits_at_a_time_and_only_what_was_read_is_confirmed() {
    let mut counter = colleague(proposed());
    assert!(matches!(
        counter.asks(&propose("Nguyễn Thị Thửu")),
        Err(Error::Refused(_))
    ));
    for command in [confirm("c2", 1), confirm("c1", 2)] {
        assert!(matches!(counter.asks(&command), Err(Error::Refused(_))));
    }
}
