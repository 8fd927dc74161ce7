//! What the applicant is asked for during the case: payments, supplements again, and what becomes of it when nothing comes.

use EventKind as K;
use motcua_platform::{catalog::Catalog, error::Error, time::to_proto};
use motcua_proto::{
    events::v1::{EventKind, HoldGround, event::Payload},
    r#type::v1::Role,
    workflow::v1::CaseState,
};

use super::{
    office::{Office, asks_for_supplement, at, cause, leader, officer, words},
    substitution::stands,
};
use crate::domain::{Command, OBLIGATIONS_VND_MAX, Obligation, StatementKind};

fn paid(office: &mut Office, paid_vnd: i64) -> Vec<EventKind> {
    office.reacts(Command::Pay {
        fee_vnd: 8_000,
        paid_vnd,
        at: office.now,
        cause: cause(),
    })
}

fn resumes(office: &mut Office) -> Vec<EventKind> {
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    })
}

fn refused(
    office: &mut Office,
    who: &motcua_platform::ledger::Authority,
    command: &Command,
) -> String {
    match office.asks(who, command) {
        Err(Error::Refused(refusal)) => format!("{}: {}", refusal.article, refusal.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payment_that_is_asked_for_holds_the_clock_until_all_of_it_is_there() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-01T09:00");
    assert_eq!(paid(&mut office, 3_000), [K::CasePaid]);
    let decision = office
        .asks(&officer(1), &Command::RequestPayment { obligation: None })
        .unwrap();
    let [
        Payload::PaymentRequested(requested),
        Payload::CaseHeld(held),
    ] = &decision.events[..]
    else {
        panic!("{:?}", decision.events);
    };
    assert_eq!(requested.amount_vnd, 5_000);
    assert_eq!(held.ground(), HoldGround::Payment);
    assert_eq!(office.case().state, CaseState::Held);
    assert_eq!(office.case().holds[0].due_at, Some(at("2025-07-10T17:00")));
    office.now = at("2025-07-03T14:00");
    assert_eq!(paid(&mut office, 7_999), [K::CasePaid]);
    assert_eq!(office.case().state, CaseState::Held);
    // What is no payment does not let it go on.
    assert_eq!(resumes(&mut office), [K::ReactionIgnored]);
    assert_eq!(paid(&mut office, 8_000), [K::CasePaid, K::CaseResumed]);
    assert_eq!(office.case().state, CaseState::Running);
    // Two working days after the asking, up to and including the day of payment.
    assert_eq!(office.case().due.at, at("2025-07-08T17:00"));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn nothing_is_asked_for_where_nothing_is_to_be_paid() {
    let mut office = Office::accepts("1.000001", &[]);
    paid(&mut office, 8_000);
    let why = refused(
        &mut office,
        &officer(1),
        &Command::RequestPayment { obligation: None },
    );
    assert_eq!(why, "law 97/2015/QH13 on fees and charges: the fee is paid");
    // A payment never ends the wait for a supplement.
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&officer(1), &asks_for_supplement()).unwrap();
    assert_eq!(paid(&mut office, 8_000), [K::CasePaid]);
    assert_eq!(office.case().state, CaseState::Held);
    let why = refused(
        &mut office,
        &officer(1),
        &Command::RequestPayment { obligation: None },
    );
    assert!(why.contains("stands still"), "{why}");
}

#[test]
fn what_does_not_come_in_time_stops_the_case_in_writing() {
    for (payment, words) in [
        (
            false,
            "Hết thời hạn bổ sung, hoàn thiện hồ sơ (17 giờ 00 phút, ngày 10/07/2025)",
        ),
        (
            true,
            "Hết thời hạn nộp phí, lệ phí (17 giờ 00 phút, ngày 10/07/2025)",
        ),
    ] {
        let mut office = Office::accepts("1.000001", &[]);
        let command = if payment {
            Command::RequestPayment { obligation: None }
        } else {
            asks_for_supplement()
        };
        office.asks(&officer(1), &command).unwrap();
        // Time alone stops nothing here: intake, which would have received it, says that it did not come.
        office.now = at("2025-07-20T00:00");
        assert_eq!(office.reacts(Command::Tick), []);
        office.now = at("2025-07-11T00:00");
        let lapse = Command::Lapse {
            at: office.now,
            cause: cause(),
        };
        let decision = office.asks(&officer(1), &lapse).unwrap();
        assert!(
            matches!(decision.events.last(), Some(Payload::CaseStopped(stopped)) if stopped.lapsed)
        );
        let said = &decision.statements[0];
        assert_eq!(said.kind, StatementKind::Stop as i32);
        assert!(
            said.body.expose().starts_with(words),
            "{}",
            said.body.expose()
        );
        assert!(said.ground.expose().contains("118/2025"));
        assert_eq!(office.case().state, CaseState::Stopped);
        assert_eq!(office.waiting(), [""; 0]);
        // Whatever comes then is too late, and said to be.
        assert_eq!(resumes(&mut office), [K::ReactionIgnored]);
        assert_eq!(paid(&mut office, 8_000), [K::ReactionIgnored]);
        assert_eq!(office.reacts(lapse), [K::ReactionIgnored]);
    }
}

#[test]
fn what_came_in_time_is_never_too_late_however_late_that_is_told() {
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&officer(1), &asks_for_supplement()).unwrap();
    let in_time = at("2025-07-10T16:59");
    office.now = at("2025-07-14T08:00");
    assert_eq!(
        office.reacts(Command::Resume {
            at: in_time,
            cause: cause()
        }),
        [K::CaseResumed]
    );
    let lapse = Command::Lapse {
        at: office.now,
        cause: cause(),
    };
    assert_eq!(office.reacts(lapse), [K::ReactionIgnored]);
    assert_eq!(office.case().state, CaseState::Running);
}

#[test]
fn a_leader_asks_again_as_often_as_the_procedure_lets_one() {
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&officer(1), &asks_for_supplement()).unwrap();
    resumes(&mut office);
    let why = refused(&mut office, &officer(1), &asks_for_supplement());
    assert!(why.contains("once only"), "{why}");
    // A leader who is away keeps nobody waiting.
    let (away, deputy) = (leader(1).actor().id.clone(), officer(1).actor().id.clone());
    let mut deputised = office.clone();
    let stands_in = stands(&deputy, &away, Role::Leader);
    deputised.surround.substitutions.replace(vec![stands_in]);
    deputised.asks(&officer(1), &asks_for_supplement()).unwrap();
    office.surround.substitutions.replace(Vec::new());
    office.asks(&leader(1), &asks_for_supplement()).unwrap();
    resumes(&mut office);
    let why = refused(&mut office, &leader(1), &asks_for_supplement());
    assert!(why.contains("as often as the procedure lets one"), "{why}");
    assert_eq!(office.case().holds.len(), 2);
}

#[test]
fn how_long_the_applicant_has_is_the_procedures() {
    for (days, due, reminder) in [
        (3, "2025-07-04T17:00", Some("2025-07-02T17:00")),
        (2, "2025-07-03T17:00", None),
        (0, "2025-07-10T17:00", Some("2025-07-08T17:00")),
    ] {
        for command in [
            asks_for_supplement(),
            Command::RequestPayment { obligation: None },
        ] {
            let mut office = Office::open();
            let mut catalog = super::office::catalog();
            catalog.procedures[0].supplement_days = days;
            let catalog = Catalog::parse(&catalog).unwrap();
            office.surround.catalogs.remember(catalog, true);
            let receipt = Box::new(office.receipt("1.000001", &[]));
            office.reacts(Command::Start {
                receipt,
                cause: cause(),
            });
            office.now = at("2025-07-01T09:00");
            let decision = office.asks(&officer(1), &command).unwrap();
            let Some(Payload::CaseHeld(held)) = decision.events.last() else {
                panic!("{:?}", decision.events);
            };
            assert_eq!(held.due_at, Some(to_proto(at(due))));
            assert_eq!(held.remind_at, reminder.map(|at_| to_proto(at(at_))));
        }
    }
}

fn finds(amount_vnd: i64) -> Command {
    Command::RequestPayment {
        obligation: Some(Obligation {
            amount_vnd,
            reason: words(),
            ground: words(),
        }),
    }
}

#[test]
fn what_the_work_finds_to_be_owed_is_asked_for_with_what_is_unpaid_and_holds_until_all_is_paid() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-01T09:00");
    paid(&mut office, 3_000);
    let decision = office.asks(&officer(1), &finds(300_000)).unwrap();
    let [
        Payload::PaymentRequested(requested),
        Payload::CaseHeld(held),
    ] = &decision.events[..]
    else {
        panic!("{:?}", decision.events);
    };
    assert_eq!(
        (requested.amount_vnd, requested.obligation_vnd),
        (305_000, 300_000)
    );
    assert_eq!(held.obligations_vnd, 300_000);
    // What it is owed for is said sealed, with its ground.
    let said = &decision.statements[0];
    assert_eq!(
        (said.kind, said.revision),
        (
            StatementKind::Obligation as i32,
            requested.statement_revision
        )
    );
    // Money that intake took before it knew is the fee, and not all that is owed.
    assert_eq!(paid(&mut office, 8_000), [K::CasePaid]);
    assert_eq!(
        (office.case().fee_vnd, office.case().obligations_vnd),
        (308_000, 300_000)
    );
    assert_eq!(office.case().state, CaseState::Held);
    assert_eq!(paid(&mut office, 308_000), [K::CasePaid, K::CaseResumed]);
    // More is found later, and a fee that is paid is not asked for again.
    let decision = office.asks(&officer(1), &finds(50_000)).unwrap();
    let [
        Payload::PaymentRequested(requested),
        Payload::CaseHeld(held),
    ] = &decision.events[..]
    else {
        panic!("{:?}", decision.events);
    };
    assert_eq!(requested.amount_vnd, 50_000);
    assert_eq!(requested.statement_revision, 2);
    assert_eq!(held.obligations_vnd, 350_000);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn no_more_is_found_than_one_case_can_ask_for() {
    let mut office = Office::accepts("1.000001", &[]);
    office
        .asks(&officer(1), &finds(OBLIGATIONS_VND_MAX))
        .unwrap();
    paid(&mut office, OBLIGATIONS_VND_MAX + 8_000);
    let why = refused(&mut office, &officer(1), &finds(1));
    assert!(why.contains("more was found"), "{why}");
}
