//! What other systems say, and what they are told until they answer.

use motcua_proto::{
    events::v1::StateReported,
    intake::v1::{DossierFlag, Synchronisation},
};

use super::{
    walk::{follow, withdraw},
    *,
};
use crate::domain::command::NewExternalState;

pub(super) fn says(state: &str, since: &str) -> Command {
    Command::RecordExternalState(NewExternalState {
        code: "G22-0001".to_owned(),
        state: state.to_owned(),
        at: at(since),
        authority: None,
    })
}

pub(super) fn acknowledges(status: DossierStatus, problem: &str) -> Command {
    Command::AcknowledgeState {
        status,
        problem: problem.to_owned(),
    }
}

/// The national portal submitted it.
fn submitted() -> Counter {
    let Command::Submit(submission) = submission("1.000656", Channel::Portal, false) else {
        unreachable!("a submission is one");
    };
    let mut counter =
        Counter::opens("2025-07-01T08:00:00").does(&Command::Submit(Box::new(Submission {
            external_code: "G22-0001".to_owned(),
            external_system: "portal".to_owned(),
            external_authority: true,
            ..*submission
        })));
    counter.actor = Actor {
        id: "portal".to_owned(),
        role: Role::System.into(),
    };
    counter
}

fn reported(events: &[Payload]) -> Vec<&StateReported> {
    events
        .iter()
        .filter_map(|event| match event {
            Payload::StateReported(reported) => Some(reported),
            _ => None,
        })
        .collect()
}

fn synchronisation(counter: &Counter) -> Synchronisation {
    counter.dossier().to_proto(CODE).other_systems[0].synchronisation()
}

#[test]
fn every_new_status_is_told_and_an_answer_ends_the_telling() {
    let mut counter = submitted();
    assert_eq!(synchronisation(&counter), Synchronisation::Reported);
    counter
        .asks(&acknowledges(DossierStatus::Submitted, ""))
        .unwrap();
    assert_eq!(synchronisation(&counter), Synchronisation::UpToDate);
    let events = counter.asks(&Command::Accept).unwrap();
    let told = reported(&events);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].status(), DossierStatus::Accepted);
    assert_eq!((told[0].code.as_str(), told[0].report), ("G22-0001", 1));
    assert_eq!(synchronisation(&counter), Synchronisation::Reported);
    // An answer to what was told before says nothing of what was told since.
    let late = counter
        .asks(&acknowledges(DossierStatus::Submitted, ""))
        .unwrap();
    assert_eq!(late, []);
    assert_eq!(synchronisation(&counter), Synchronisation::Reported);
}

#[test]
fn without_an_answer_it_is_told_again_later_and_later_and_then_listed() {
    let mut counter = submitted().does(&Command::Accept);
    let mut reports = vec![counter.now];
    while let Some(at) = counter.dossier().timer() {
        counter.now = at;
        let events = counter.asks(&Command::Tick).unwrap();
        assert_eq!(reported(&events).len(), 1, "{events:?}");
        reports.push(at);
    }
    let minutes: Vec<_> = reports
        .windows(2)
        .map(|pair| pair[1].duration_since(pair[0]).as_mins())
        .collect();
    assert_eq!(minutes, [15, 30, 60, 120, 240, 480, 960]);
    assert_eq!(synchronisation(&counter), Synchronisation::Failed);
    assert!(
        counter
            .dossier()
            .flags()
            .contains(&DossierFlag::Unsynchronised)
    );
    // Its own state is what it was; an answer, however late, mends the rest.
    assert_eq!(counter.status(), DossierStatus::Accepted);
    counter
        .asks(&acknowledges(DossierStatus::Accepted, ""))
        .unwrap();
    assert_eq!(synchronisation(&counter), Synchronisation::UpToDate);
    assert_eq!(counter.dossier().flags(), [DossierFlag::Priority]);
}

#[test]
fn a_problem_is_kept_with_the_telling_that_goes_on() {
    let mut counter = submitted().does(&acknowledges(DossierStatus::Submitted, "E-42"));
    let shown = |counter: &Counter| counter.dossier().to_proto(CODE).other_systems[0].clone();
    assert_eq!(shown(&counter).problem, "E-42");
    assert_eq!(synchronisation(&counter), Synchronisation::Reported);
    counter.now = at("2025-07-01T08:15:00");
    counter.asks(&Command::Tick).unwrap();
    assert_eq!(
        (shown(&counter).reports, shown(&counter).problem),
        (2, "E-42".to_owned())
    );
    counter.asks(&withdraw()).unwrap();
    assert_eq!(
        (shown(&counter).reports, shown(&counter).problem),
        (1, String::new())
    );
}

#[test]
fn what_another_system_says_stands_beside_the_dossiers_own_state_and_never_in_its_place() {
    let mut counter = submitted()
        .does(&Command::Accept)
        .does(&follow(DossierStatus::InProgress));
    let before = counter.status();
    counter
        .asks(&says("DA_TRA", "2025-07-01T07:45:00"))
        .unwrap();
    assert_eq!(counter.status(), before);
    let shown = counter.dossier().to_proto(CODE).other_systems[0].clone();
    assert_eq!(shown.state, "DA_TRA");
    // What is older, and what is the same, says nothing new.
    for old in [
        says("DANG_XU_LY", "2025-07-01T07:40:00"),
        says("DA_TRA", "2025-07-01T07:50:00"),
    ] {
        assert_eq!(counter.asks(&old).unwrap(), []);
    }
    let ahead = counter.asks(&says("DA_TRA", "2025-07-01T08:00:01"));
    assert!(matches!(ahead, Err(Error::Invalid(_))));
}

#[test]
fn a_system_that_comes_to_know_the_dossier_is_told_where_it_stands() {
    let mut counter =
        Counter::opens("2025-07-01T08:00:00").does(&submission("1.000656", Channel::Counter, true));
    assert!(counter.dossier().others.is_empty());
    counter.actor = Actor {
        id: "ministry".to_owned(),
        role: Role::System.into(),
    };
    let answer = counter.asks(&acknowledges(DossierStatus::Accepted, ""));
    assert!(matches!(answer, Err(Error::Refused(_))));
    let events = counter
        .asks(&says("TIEP_NHAN", "2025-07-01T08:00:00"))
        .unwrap();
    assert_eq!(reported(&events)[0].status(), DossierStatus::Accepted);
    let codes: Vec<_> = counter.dossier().external_codes().collect();
    assert_eq!(codes, [("ministry", "G22-0001")]);
    // A code is never changed.
    let other = Command::RecordExternalState(NewExternalState {
        code: "G22-0002".to_owned(),
        state: "TIEP_NHAN".to_owned(),
        at: at("2025-07-01T08:00:00"),
        authority: None,
    });
    assert!(matches!(counter.asks(&other), Err(Error::Invalid(_))));
}

#[test]
fn authority_is_taken_and_given_back_by_whoever_has_it() {
    let mut counter = submitted();
    assert_eq!(counter.dossier().authority, "portal");
    let authority = |counter: &mut Counter, system: &str, takes: bool| {
        counter.actor.id = system.to_owned();
        counter
            .asks(&Command::RecordExternalState(NewExternalState {
                code: String::new(),
                state: "X".to_owned(),
                at: at("2025-07-01T08:00:00"),
                authority: Some(takes),
            }))
            .unwrap();
        counter.dossier().authority.clone()
    };
    // Who has none cannot give it back for another.
    assert_eq!(authority(&mut counter, "ministry", false), "portal");
    assert_eq!(authority(&mut counter, "ministry", true), "ministry");
    assert_eq!(authority(&mut counter, "portal", false), "ministry");
    assert_eq!(authority(&mut counter, "ministry", false), "");
}
