//! Clerical errors: proposed by one, decided by another.

use motcua_proto::intake::v1::CorrectionState;

use super::*;
use crate::domain::{
    applicant,
    command::{Confirmation, Proposed},
    entry::Entry,
    papers::Handed,
};

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
        particulars: Some(Proposed {
            revision,
            applicant: named("Nguyễn Thị Thửa"),
            newcomer: Newcomer::default(),
        }),
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

/// At the counter the fee is 8.000 đồng.
fn paid() -> Counter {
    Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, true))
        .does(&pay("bl-1", 5_000))
}

fn propose_entry(entry: Entry) -> Command {
    Command::ProposeEntry {
        entry,
        reason: words("biên lai ghi khác"),
    }
}

fn payment(id: &str, amount_vnd: i64, reference: &str) -> Entry {
    Entry::Payment {
        payment: id.to_owned(),
        amount_vnd,
        reference: reference.to_owned(),
    }
}

/// Confirmed by whoever did not look at any particulars: there are none.
fn confirm_entry(correction: &str) -> Command {
    Command::ConfirmCorrection(Box::new(Confirmation {
        correction: correction.to_owned(),
        particulars: None,
    }))
}

fn sum(counter: &Counter) -> i64 {
    counter.dossier().to_proto(CODE).paid_vnd
}

#[test]
fn a_payment_is_counted_as_it_was_once_a_colleague_has_confirmed_it() {
    let mut counter = paid().does(&propose_entry(payment("p1", 3_000, "bl-9")));
    assert_eq!(sum(&counter), 5_000, "nothing changes yet");
    assert!(matches!(
        counter.asks(&confirm_entry("c1")),
        Err(Error::Refused(refusal)) if refusal.article.contains("four eyes")
    ));
    let mut counter = colleague(counter);
    let events = counter.asks(&confirm_entry("c1")).unwrap();
    let [Payload::DossierCorrected(corrected)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!((corrected.fee_vnd, corrected.paid_vnd), (8_000, 3_000));
    assert!(corrected.accepted);
    let shown = counter.dossier().to_proto(CODE);
    assert_eq!(shown.payments[0].reference, "bl-9");
    assert_eq!(sum(&counter), 3_000);
    // The true reference counts once, the wrong one is nobody's.
    assert_eq!(counter.asks(&pay("bl-9", 3_000)).unwrap(), []);
    let counter = counter.does(&pay("bl-1", 5_000));
    assert_eq!(sum(&counter), 8_000);
}

#[test]
fn what_was_never_paid_for_it_counts_for_nothing_until_two_say_otherwise() {
    let counter = paid().does(&propose_entry(payment("p1", 0, "")));
    let mut counter = colleague(counter).does(&confirm_entry("c1"));
    assert_eq!(sum(&counter), 0);
    // The notice that comes again undoes nothing, and no other payment takes its reference.
    let again = counter.asks(&pay("bl-1", 5_000));
    assert!(matches!(again, Err(Error::Refused(it)) if it.state == "PAYMENT_CORRECTED"));
    let mut counter = counter.does(&pay("bl-2", 1_000));
    let taken = counter.asks(&propose_entry(payment("p2", 1_000, "bl-1")));
    assert!(matches!(taken, Err(Error::Invalid(_))));
    let mut counter = counter.does(&propose_entry(payment("p1", 5_000, "")));
    counter.actor.id = "receptionist-11593-1".to_owned();
    let counter = counter.does(&confirm_entry("c2"));
    assert_eq!(sum(&counter), 6_000);
    let payments = counter.dossier().to_proto(CODE).payments;
    assert_eq!(payments.len(), 2, "what stood there stays in sight");
    // Nothing of it is to be given back.
    let mut refused = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, false))
        .does(&pay("bl-1", 5_000))
        .does(&propose_entry(payment("p1", 0, "")));
    refused = colleague(refused)
        .does(&confirm_entry("c1"))
        .does(&walk::refuse());
    assert_eq!(refused.dossier().flags(), []);
    assert!(matches!(
        refused.asks(&refund("p1")),
        Err(Error::Invalid(_))
    ));
}

#[test]
fn a_payment_is_corrected_to_what_can_have_been_only() {
    let counter = paid().does(&pay("bl-2", 1_000));
    for (entry, field) in [
        (payment("p3", 1_000, ""), "entry.payment.payment"),
        (payment("p1", 5_000, ""), "entry"),
        (payment("p1", 5_000, "bl-1"), "entry"),
        (payment("p1", 4_000, "bl-2"), "entry.payment.reference"),
    ] {
        let refused = counter.clone().asks(&propose_entry(entry)).unwrap_err();
        let Error::Invalid(violations) = &refused else {
            panic!("{refused}");
        };
        assert_eq!(violations[0].field, field);
    }
    let too_much = counter
        .clone()
        .asks(&propose_entry(payment("p1", 7_001, "")));
    assert!(matches!(too_much, Err(Error::Refused(refusal)) if refusal.state == "PAID"));
    // What it may be is asked once more when it is confirmed.
    let mut later = counter
        .does(&propose_entry(payment("p1", 7_000, "")))
        .does(&pay("bl-3", 1_000));
    later = colleague(later);
    assert!(matches!(
        later.asks(&confirm_entry("c1")),
        Err(Error::Refused(refusal)) if refusal.state == "PAID"
    ));
    later.asks(&reject("c1")).unwrap();
}

#[test]
fn what_was_given_back_is_not_corrected() {
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, false))
        .does(&pay("bl-1", 5_000))
        .does(&walk::refuse())
        .does(&refund("p1"));
    let refused = counter.asks(&propose_entry(payment("p1", 4_000, "")));
    assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.state == "REFUNDED"));
}

#[test]
fn the_reference_of_a_parcel_is_corrected_where_there_is_one() {
    let entry = || Entry::TrackingReference("EC000000018VN".to_owned());
    let mut counter = paid();
    assert!(matches!(
        counter.asks(&propose_entry(entry())),
        Err(Error::Refused(refusal)) if refusal.state == "NOT_POSTED"
    ));
    let posted = Command::HandOver {
        method: HandOverMethod::Post,
        receiver: received("bưu điện"),
        tracking_reference: "EC000000081VN".to_owned(),
    };
    let counter = paid()
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&finished())
        .does(&posted)
        .does(&propose_entry(entry()));
    let counter = colleague(counter).does(&confirm_entry("c1"));
    let shown = counter.dossier().to_proto(CODE);
    assert_eq!(shown.tracking_reference, "EC000000018VN");
    assert_eq!(counter.status(), DossierStatus::HandedOver);
}

#[test]
fn how_many_papers_there_were_is_corrected_on_the_dossier_and_on_the_receipt() {
    let handed = |paper: &str, originals, copies| Handed {
        paper: paper.to_owned(),
        originals,
        copies,
        ..Handed::default()
    };
    let counter = originals::received(2, true);
    let unknown = Entry::Paper(handed("giay-khac", 1, 1));
    let refused = counter.clone().asks(&propose_entry(unknown)).unwrap_err();
    let Error::Invalid(violations) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(violations[0].field, "entry.paper.paper");
    let right = handed("to-khai", 1, 1);
    let counter = colleague(counter.does(&propose_entry(Entry::Paper(right.clone()))));
    let counter = counter.does(&confirm_entry("c1"));
    let stands = |counter: &Counter| {
        let dossier = counter.dossier();
        let received = dossier.reception.as_ref().unwrap().papers.clone();
        (dossier.papers.clone(), received)
    };
    assert_eq!(stands(&counter), (vec![right.clone()], vec![right]));
    // None of it was there after all; whoever confirmed before proposes now.
    let none = Entry::Paper(handed("to-khai", 0, 0));
    let mut counter = counter.does(&propose_entry(none));
    counter.actor.id = "receptionist-11593-1".to_owned();
    let counter = counter.does(&confirm_entry("c2"));
    let none = handed("to-khai", 0, 0);
    assert_eq!(stands(&counter), (vec![none.clone()], vec![none]));
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

#[test]
fn what_the_counter_saw_and_did_not_write_down_is_corrected_as_the_receipt_has_it() {
    let mut seen = originals::received(0, false);
    seen.dossier = None;
    seen.events.clear();
    let mut counter = seen.does(&submission("1.000656", Channel::Counter, false));
    // The one paper of the procedure is wanted now.
    let mut catalog = counter.catalog.proto().clone();
    catalog.procedures[0].papers[0].optional = false;
    counter.catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    let counter = counter.does(&Command::Accept);
    let received = |counter: &Counter| {
        let reception = counter.dossier().reception.as_ref().unwrap();
        reception.papers[0].originals
    };
    assert_eq!(received(&counter), 1);
    assert_eq!(counter.dossier().papers, []);
    let right = |originals| {
        Entry::Paper(Handed {
            paper: "to-khai".to_owned(),
            originals,
            ..Handed::default()
        })
    };
    for originals in [0, 2] {
        let counter = counter.clone().does(&propose_entry(right(originals)));
        let counter = colleague(counter).does(&confirm_entry("c1"));
        assert_eq!(received(&counter), originals);
    }
    // Before acceptance, a paper that was not there is one that is missing.
    let named = originals::received(1, false);
    let mut catalog = named.catalog.proto().clone();
    catalog.procedures[0].papers[0].optional = false;
    let mut named = named.does(&propose_entry(right(0)));
    named.catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    let mut named = colleague(named).does(&confirm_entry("c1"));
    let refused = named.asks(&Command::Accept);
    assert!(matches!(refused, Err(Error::Refused(it)) if it.state == "INCOMPLETE"));
}

#[test]
fn what_the_family_brought_later_stays_off_the_receipt() {
    let right = Handed {
        paper: "to-khai".to_owned(),
        originals: 2,
        copies: 1,
        ..Handed::default()
    };
    let more = Command::ProvideSupplement {
        provided: words("thêm một bản chính"),
        papers: vec![motcua_proto::r#type::v1::HandedPaper {
            paper: "to-khai".to_owned(),
            originals: 2,
            ..Default::default()
        }],
    };
    let counter = originals::received(1, true)
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&walk::follow(DossierStatus::SupplementRequired))
        .does(&more)
        .does(&propose_entry(Entry::Paper(right.clone())));
    let counter = colleague(counter).does(&confirm_entry("c1"));
    assert_eq!(counter.dossier().papers, [right]);
    let reception = counter.dossier().reception.as_ref().unwrap();
    assert_eq!(reception.papers[0].originals, 1);
}
