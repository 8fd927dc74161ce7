//! What the case asked for: awaited here, reminded of, and said to have lapsed where it did not come.

use super::{
    walk::{follow, places},
    *,
};
use crate::domain::dossier::Asked;

/// The case asks on Tuesday 1 July at nine.
pub(super) fn asks(status: DossierStatus) -> Command {
    finds(status, 0)
}

/// The case asks then, and has found so much to be owed beside the fee.
pub(super) fn finds(status: DossierStatus, obligations_vnd: i64) -> Command {
    Command::Follow(News {
        position: 2,
        kind: EventKind::CaseHeld,
        at: at("2025-07-01T09:00:00"),
        change: Change::Asked {
            status,
            asked: Asked {
                at: at("2025-07-01T09:00:00"),
                due_at: at("2025-07-10T17:00:00"),
                judged_until: Some(at("2025-07-11T00:00:00")),
                remind_at: Some(at("2025-07-08T17:00:00")),
                by: String::new(),
                lapsed: false,
            },
            obligations_vnd,
        },
    })
}

fn waiting(status: DossierStatus) -> Counter {
    let (_, counter, _) = places().swap_remove(3);
    counter.does(&asks(status))
}

fn tick(counter: &mut Counter, now: &str) -> Vec<EventKind> {
    counter.now = at(now);
    let events = counter.asks(&Command::Tick).unwrap();
    events.iter().map(kind_of).collect()
}

#[test]
fn the_applicant_is_reminded_and_then_it_is_said_that_nothing_came() {
    for (status, reminder) in [
        (
            DossierStatus::SupplementRequired,
            EventKind::SupplementDueSoon,
        ),
        (DossierStatus::PaymentRequired, EventKind::PaymentDueSoon),
    ] {
        let mut counter = waiting(status);
        let shown = counter.dossier().to_proto(CODE);
        assert_eq!(
            shown.supplement_due_at,
            Some(to_proto(at("2025-07-10T17:00:00")))
        );
        assert_eq!(tick(&mut counter, "2025-07-08T16:59:59"), []);
        assert_eq!(tick(&mut counter, "2025-07-08T17:00:00"), [reminder]);
        assert_eq!(tick(&mut counter, "2025-07-10T23:59:59"), []);
        assert_eq!(
            tick(&mut counter, "2025-07-11T00:00:00"),
            [EventKind::SupplementLapsed]
        );
        // Workflow stops the case; until it has, the status is what it was, and it is said once.
        assert_eq!(counter.status(), status);
        assert_eq!(counter.dossier().timer(), None);
        assert_eq!(tick(&mut counter, "2025-07-12T00:00:00"), []);
        counter.asks(&follow(DossierStatus::Stopped)).unwrap();
        assert_eq!(counter.status(), DossierStatus::Stopped);
    }
}

#[test]
fn after_it_has_lapsed_nothing_is_handed_in_and_until_then_it_is() {
    let mut counter = waiting(DossierStatus::SupplementRequired);
    counter.now = at("2025-07-10T23:59:59");
    let mut late = counter.clone();
    counter.asks(&provide_supplement()).unwrap();
    assert_eq!(counter.status(), DossierStatus::InProgress);
    assert_eq!(counter.dossier().timer(), None);
    tick(&mut late, "2025-07-11T00:00:00");
    let refused = late.asks(&provide_supplement()).unwrap_err();
    assert!(
        matches!(&refused, Error::Refused(refusal) if refusal.state == "SUPPLEMENT_LAPSED"),
        "{refused}"
    );
}

#[test]
fn what_was_asked_before_acceptance_stays_what_it_was() {
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, false))
        .does(&ask_supplement())
        .does(&provide_supplement())
        .does(&Command::Accept)
        .does(&follow(DossierStatus::InProgress));
    let before = counter.dossier().asked.clone();
    counter
        .asks(&asks(DossierStatus::SupplementRequired))
        .unwrap();
    assert_eq!(counter.dossier().asked, before);
    assert_ne!(counter.dossier().awaited(), before.as_ref());
}

#[test]
fn a_payment_says_whether_the_case_has_begun() {
    let before = |accept| {
        let mut counter = Counter::opens("2025-07-01T08:00:00").does(&submission(
            "1.000656",
            Channel::Counter,
            accept,
        ));
        match &counter.asks(&pay("bl-1", 1_000)).unwrap()[..] {
            [Payload::PaymentRecorded(recorded)] => recorded.accepted,
            other => panic!("{other:?}"),
        }
    };
    assert!(!before(false));
    assert!(before(true));
    // What was paid before acceptance stands in it.
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, false))
        .does(&pay("bl-1", 1_000));
    match &counter.asks(&Command::Accept).unwrap()[..] {
        [Payload::DossierAccepted(accepted)] => assert_eq!(accepted.paid_vnd, 1_000),
        other => panic!("{other:?}"),
    }
}

#[test]
fn how_long_an_answer_and_a_supplement_may_take_is_the_procedures() {
    // By days for the supplement: its due, and the reminder.
    for (days, due, reminder) in [
        (3, "2025-07-04T17:00:00", Some("2025-07-02T17:00:00")),
        (2, "2025-07-03T17:00:00", None),
        (1, "2025-07-02T17:00:00", None),
        (0, "2025-07-10T17:00:00", Some("2025-07-08T17:00:00")),
    ] {
        let mut catalog = proto_catalog();
        catalog.procedures[0].acceptance_hours = 2;
        catalog.procedures[0].supplement_days = days;
        let mut counter = Counter::opens("2025-07-01T08:00:00");
        counter.catalog = std::sync::Arc::new(Catalog::parse(&catalog).unwrap());
        let mut counter = counter.does(&submission("1.000656", Channel::Counter, false));
        assert_eq!(counter.dossier().timer(), Some(at("2025-07-01T10:00:00")));
        let [Payload::SupplementAsked(asked)] = &counter.asks(&ask_supplement()).unwrap()[..]
        else {
            panic!("a supplement is asked for");
        };
        assert_eq!(instant(asked.supplement_due_at.as_ref()), at(due));
        assert_eq!(
            asked.remind_at,
            reminder.map(|reminder| to_proto(at(reminder)))
        );
    }
}

#[test]
fn what_a_second_agency_awaits_beside_the_first_is_there_with_the_later_of_both() {
    let counter = waiting(DossierStatus::SupplementRequired);
    let later = |due_at: &str, judged_until: &str| {
        let Command::Follow(mut news) = asks(DossierStatus::SupplementRequired) else {
            unreachable!()
        };
        if let Change::Asked { asked, .. } = &mut news.change {
            asked.due_at = at(due_at);
            asked.judged_until = Some(at(judged_until));
            asked.by = "11593-ca".to_owned();
        }
        Command::Follow(news)
    };
    let judged = |counter: &Counter| counter.dossier().awaited().unwrap().judged_until;
    let first = judged(&counter);
    let sooner = counter
        .clone()
        .does(&later("2025-07-08T17:00:00", "2025-07-09T00:00:00"));
    assert_eq!(judged(&sooner), first);
    let counter = counter.does(&later("2025-07-15T17:00:00", "2025-07-16T00:00:00"));
    assert_eq!(judged(&counter), Some(at("2025-07-16T00:00:00")));
    assert_eq!(counter.status(), DossierStatus::SupplementRequired);
    assert_eq!(
        counter.dossier().holds.len(),
        1,
        "one time that the family waits in"
    );
    let counter = counter.does(&provide_supplement());
    assert_eq!(counter.status(), DossierStatus::InProgress);
    assert_eq!(counter.dossier().awaited(), None);
}
