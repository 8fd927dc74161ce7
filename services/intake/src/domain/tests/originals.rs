//! Original papers go back once, where a dossier has ended without a result.

use motcua_proto::{
    intake::v1::{DossierFlag, StatementKind},
    r#type::v1::{HandedPaper, RequiredPaper},
};

use super::*;
use crate::domain::archive_run::Entry;

pub(super) fn give_back() -> Command {
    Command::ReturnOriginals {
        received_by: words("Nguyễn Thị Thử, chữ ký số 14"),
    }
}

#[test]
fn they_are_given_back_once_and_to_whom_stands_in_no_event() {
    let mut counter =
        Counter::opens("2025-07-01T08:00:00").does(&submission("1.000656", Channel::Counter, true));
    assert!(matches!(counter.asks(&give_back()), Err(Error::Refused(_))));
    let mut counter = counter
        .does(&Command::Withdraw {
            reason: words("không cần nữa"),
            ground: words("khoản 4 Điều 18"),
        })
        .at("2025-07-02T08:00:00")
        .does(&give_back());
    let said: Vec<_> = counter.statements.iter().rev().take(2).collect();
    assert_eq!(said[0].kind, i32::from(StatementKind::OriginalsReturned));
    assert_eq!(said[1].ground.expose(), "khoản 4 Điều 18");
    let shown = counter.dossier().to_proto(CODE);
    assert_eq!(
        (
            shown.originals_returned_at,
            shown.originals_returned_by.as_str()
        ),
        (
            Some(to_proto(at("2025-07-02T08:00:00"))),
            "receptionist-11593-1"
        )
    );
    assert_eq!(counter.asks(&give_back()).unwrap(), [], "once");
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

/// So many originals, and a copy, of the one paper that the procedure knows and does not insist on.
pub(super) fn received(originals: i32, accept: bool) -> Counter {
    let mut catalog = proto_catalog();
    catalog.procedures[0].papers = vec![RequiredPaper {
        id: "to-khai".to_owned(),
        title: "Tờ khai".to_owned(),
        originals: 1,
        optional: true,
        ..RequiredPaper::default()
    }];
    let Command::Submit(mut submission) = submission("1.000656", Channel::Counter, accept) else {
        unreachable!()
    };
    submission.papers = vec![HandedPaper {
        paper: "to-khai".to_owned(),
        originals,
        copies: 1,
        ..HandedPaper::default()
    }];
    let mut counter = Counter::opens("2025-07-01T08:00:00");
    counter.catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    counter.does(&Command::Submit(submission))
}

#[test]
fn what_is_to_be_given_back_is_listed_and_goes_to_no_archive_before() {
    let waits = |counter: &Counter| {
        let kept = [DossierFlag::OriginalsHeld, DossierFlag::RefundDue];
        let mut flags = counter.dossier().flags();
        flags.retain(|flag| kept.contains(flag));
        let archived = Entry::of(CODE, counter.dossier(), 30, at("2025-09-01T08:00:00"));
        assert_eq!(archived.is_none(), !flags.is_empty());
        flags
    };
    let paid = received(1, false).does(&pay("bl-1", 1_000));
    let both = paid.does(&walk::refuse());
    assert_eq!(
        waits(&both),
        [DossierFlag::OriginalsHeld, DossierFlag::RefundDue]
    );
    let money = both.does(&give_back());
    assert_eq!(waits(&money), [DossierFlag::RefundDue]);
    assert_eq!(waits(&money.does(&refund("p1"))), []);
    let withdrawn = received(1, true).does(&walk::withdraw());
    assert_eq!(waits(&withdrawn), [DossierFlag::OriginalsHeld]);
    assert_eq!(waits(&received(0, true).does(&walk::withdraw())), []);
    // A result is what the originals were handed in for.
    let handed_over = received(1, true)
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&finished())
        .does(&hand_over(HandOverMethod::Counter));
    assert_eq!(waits(&handed_over), []);
}
