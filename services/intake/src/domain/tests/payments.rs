//! Fees are never paid twice, and given back where nobody has worked yet.

use proptest::prelude::*;

use super::*;
use crate::domain::command::Found;
use motcua_proto::intake::v1::StatementKind;

fn paid(counter: &Counter) -> i64 {
    counter.dossier().to_proto(CODE).paid_vnd
}

/// At the counter the fee is 8.000 đồng.
fn submitted() -> Counter {
    Counter::opens("2025-07-01T08:00:00").does(&submission("1.000656", Channel::Counter, false))
}

#[test]
fn a_fee_is_paid_in_parts_up_to_the_fee_and_a_notice_that_comes_again_says_nothing_new() {
    let mut counter = submitted().does(&pay("bl-1", 5_000)).does(&Command::Accept);
    assert_eq!(counter.asks(&pay("bl-1", 5_000)).unwrap(), []);
    assert!(
        matches!(counter.asks(&pay("bl-1", 4_000)), Err(Error::Refused(refusal)) if refusal.state == "PAYMENT_RECORDED")
    );
    assert!(
        matches!(counter.asks(&pay("bl-2", 3_001)), Err(Error::Refused(refusal)) if refusal.state == "PAID")
    );
    let [Payload::PaymentRecorded(rest)] = &counter.asks(&pay("bl-2", 3_000)).unwrap()[..] else {
        panic!("the rest is paid");
    };
    assert_eq!(
        (rest.payment.as_str(), rest.fee_vnd, rest.paid_vnd),
        ("p2", 8_000, 8_000)
    );
    assert_eq!(paid(&counter), 8_000);
}

#[test]
fn what_was_paid_is_given_back_once_and_only_where_nobody_has_worked() {
    let paid_for = submitted().does(&pay("bl-1", 8_000));
    let mut waiting = paid_for.clone();
    assert!(matches!(
        waiting.asks(&refund("p1")),
        Err(Error::Refused(_))
    ));
    let refused = paid_for.clone().does(&walk::refuse());
    let mut counter = refused.does(&refund("p1"));
    assert_eq!(paid(&counter), 0);
    assert_eq!(counter.asks(&refund("p1")).unwrap(), [], "once");
    assert!(matches!(
        counter.asks(&refund("p2")),
        Err(Error::Invalid(_))
    ));
    let accepted = paid_for.does(&Command::Accept);
    let mut worked = accepted
        .clone()
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&walk::withdraw());
    assert!(matches!(worked.asks(&refund("p1")), Err(Error::Refused(_))));
    // Taken back before the case began.
    let unworked = accepted.does(&walk::withdraw()).does(&refund("p1"));
    assert_eq!(paid(&unworked), 0);
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

fn refund_is_due(counter: &Counter) -> bool {
    let due = motcua_proto::intake::v1::DossierFlag::RefundDue;
    counter.dossier().flags().contains(&due)
}

/// The case asks for the fee.
fn asked_to_pay() -> Counter {
    submitted()
        .does(&Command::Accept)
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&asked::asks(DossierStatus::PaymentRequired))
}

#[test]
fn nothing_is_paid_for_a_case_that_is_being_stopped() {
    let mut counter = asked_to_pay().does(&pay("bl-1", 1_000));
    for status in [
        DossierStatus::PaymentRequired,
        DossierStatus::SupplementRequired,
    ] {
        let mut counter = submitted()
            .does(&Command::Accept)
            .does(&walk::follow(DossierStatus::InProgress))
            .does(&asked::asks(status))
            .at("2025-07-11T00:00:00")
            .does(&Command::Tick);
        let Err(Error::Refused(refusal)) = counter.asks(&pay("bl-1", 1_000)) else {
            panic!("{status:?}: it has lapsed");
        };
        assert_eq!(refusal.state, "PAYMENT_LAPSED");
        assert!(refusal.article.contains("Mẫu 05"), "{}", refusal.article);
        assert!(refusal.remedy.contains("SubmitDossier"));
        assert_eq!(paid(&counter), 0);
    }
    // The last moment that counts; and the notice of it that comes again says nothing new, however late.
    counter.now = at("2025-07-10T23:59:59");
    let mut counter = counter
        .does(&pay("bl-2", 2_000))
        .at("2025-07-11T00:00:00")
        .does(&Command::Tick);
    assert_eq!(counter.asks(&pay("bl-2", 2_000)).unwrap(), []);
    assert_eq!(paid(&counter), 3_000);
}

#[test]
fn what_was_paid_to_a_case_that_waited_for_it_and_was_stopped_is_given_back() {
    let waiting = || {
        submitted()
            .does(&pay("bl-1", 2_000))
            .does(&Command::Accept)
            .does(&walk::follow(DossierStatus::InProgress))
            .does(&asked::asks(DossierStatus::PaymentRequired))
            .does(&pay("bl-2", 3_000))
    };
    let mut counter = waiting().does(&walk::follow(DossierStatus::Stopped));
    // There was work for the first part.
    let Err(Error::Refused(refusal)) = counter.asks(&refund("p1")) else {
        panic!("work had begun");
    };
    assert_eq!(refusal.state, "STOPPED");
    let mut counter = counter.does(&refund("p2"));
    assert_eq!(paid(&counter), 2_000);
    assert_eq!(counter.asks(&refund("p2")).unwrap(), [], "once");
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
    // The applicant took the dossier back meanwhile: nobody worked for it either.
    let withdrawn = waiting().does(&walk::withdraw());
    assert!(refund_is_due(&withdrawn));
    let withdrawn = withdrawn.does(&refund("p2"));
    assert_eq!(paid(&withdrawn), 2_000);
    assert!(!refund_is_due(&withdrawn), "the first part was worked for");
    // The case went on with it, and ended later.
    for end in [walk::follow(DossierStatus::Stopped), walk::withdraw()] {
        let end = [
            pay("bl-3", 3_000),
            walk::follow(DossierStatus::InProgress),
            end,
        ];
        let mut counter = end.iter().fold(waiting(), Counter::does);
        assert!(matches!(
            counter.asks(&refund("p2")),
            Err(Error::Refused(_))
        ));
        assert_eq!(counter.dossier().payments[1].refunded_at, None);
    }
}

/// A provider's notice of money that came then.
fn notice(reference: &str, amount_vnd: i64, paid_at: &str) -> Command {
    Command::RecordPayment(NewPayment {
        provider: "bank".to_owned(),
        reference: reference.to_owned(),
        amount_vnd,
        paid_at: Some(at(paid_at)),
    })
}

#[test]
fn a_late_notice_of_money_that_came_in_time_is_recorded_and_the_money_given_back() {
    // The last moment was the end of 10 July; the notices come when the time has passed, and when the case is stopped.
    let lapsed = asked_to_pay()
        .at("2025-07-11T00:00:00")
        .does(&Command::Tick);
    let stopped = lapsed.clone().does(&walk::follow(DossierStatus::Stopped));
    for (counter, too_late) in [
        (lapsed, "2025-07-11T00:00:00"),
        (stopped, "2025-07-11T00:00:01"),
    ] {
        let mut counter = counter.at("2025-07-11T08:00:00");
        let late = counter.asks(&notice("nb-1", 2_000, too_late));
        assert!(matches!(late, Err(Error::Refused(_))), "{late:?}");
        let in_time = notice("nb-1", 2_000, "2025-07-10T23:59:59");
        let mut counter = counter.does(&in_time);
        assert_eq!(paid(&counter), 2_000);
        assert_eq!(counter.asks(&in_time).unwrap(), [], "once");
        let more = counter.asks(&notice("nb-2", 6_001, "2025-07-10T23:59:59"));
        assert!(matches!(more, Err(Error::Refused(refusal)) if refusal.state == "PAID"));
        if !counter.dossier().has_ended() {
            counter = counter.does(&walk::follow(DossierStatus::Stopped));
        }
        assert!(refund_is_due(&counter));
        let counter = counter.does(&refund("p1"));
        assert_eq!(paid(&counter), 0);
        let replayed = counter.events.iter().fold(None, Dossier::apply);
        assert_eq!(replayed, counter.dossier);
    }
    // Refused or taken back before anybody worked: given back as well. After work, or a result: kept, and known.
    let hand_over = hand_over(HandOverMethod::Counter);
    for (walk, due) in [
        (vec![walk::refuse()], true),
        (vec![Command::Accept, walk::withdraw()], true),
        (
            vec![
                Command::Accept,
                walk::follow(DossierStatus::InProgress),
                walk::withdraw(),
            ],
            false,
        ),
        (
            vec![
                Command::Accept,
                walk::follow(DossierStatus::InProgress),
                walk::follow(DossierStatus::ResultReady),
                hand_over,
            ],
            false,
        ),
    ] {
        let ended = walk.iter().fold(submitted(), Counter::does);
        let ended = ended.at("2025-07-01T09:00:00");
        let counter = ended.does(&notice("nb-1", 2_000, "2025-07-01T08:00:00"));
        assert_eq!(
            (paid(&counter), refund_is_due(&counter)),
            (2_000, due),
            "{walk:?}"
        );
        // What came before there was a dossier was not for it.
        let mut counter = counter;
        let before = counter.asks(&notice("nb-2", 1_000, "2025-07-01T07:59:59"));
        assert!(matches!(before, Err(Error::Refused(_))), "{before:?}");
    }
}

#[test]
fn nothing_is_paid_tomorrow() {
    let mut counter = submitted();
    let tomorrow = Command::RecordPayment(NewPayment {
        provider: "counter".to_owned(),
        reference: "bl-1".to_owned(),
        amount_vnd: 1_000,
        paid_at: Some(at("2025-07-02T08:00:00")),
    });
    assert!(matches!(counter.asks(&tomorrow), Err(Error::Invalid(_))));
}

proptest! {
    #[test]
    fn whatever_notices_come_no_more_is_taken_than_the_fee(
        notices in proptest::collection::vec((0..6_u8, 1..9_000_i64), 0..40),
    ) {
        let mut counter = submitted();
        for (reference, amount) in notices {
            counter.asks(&pay(&format!("bl-{reference}"), amount)).ok();
            prop_assert!(paid(&counter) <= 8_000);
            let mut references: Vec<_> = counter.dossier().payments.iter().map(|it| it.reference.clone()).collect();
            let all = references.len();
            references.sort();
            references.dedup();
            prop_assert_eq!(references.len(), all, "each reference counts once");
        }
    }
}

#[test]
fn who_is_exempted_pays_less_and_the_receipt_says_what_was_not_taken() {
    use motcua_proto::r#type::v1::Exemption;

    // The applicant of these tests is elderly; at the counter the fee is 8.000 đồng.
    for (percent, taken, exempted) in [(100, 0, 8_000), (50, 4_000, 4_000), (33, 5_360, 2_640)] {
        let mut catalog = proto_catalog();
        catalog.procedures[0].exemptions = vec![
            Exemption {
                ground: PriorityGround::Merit.into(),
                percent: 100,
                ..Exemption::default()
            },
            Exemption {
                ground: PriorityGround::Elderly.into(),
                percent,
                ..Exemption::default()
            },
        ];
        let mut counter = Counter::opens("2025-07-01T08:00:00");
        counter.catalog = Arc::new(Catalog::parse(&catalog).unwrap());
        let mut counter = counter.does(&submission("1.000656", Channel::Counter, false));
        // Before acceptance as well, no more is taken than what is left.
        let more = counter.asks(&pay("bl-1", taken + 1));
        assert!(matches!(more, Err(Error::Refused(_))), "{more:?}");
        let counter = counter.does(&Command::Accept);
        let shown = counter.dossier().to_proto(CODE);
        assert_eq!((shown.fee_vnd, shown.exempted_vnd), (taken, exempted));
        // What nobody has to pay is not unpaid.
        let unpaid = counter
            .dossier()
            .flags()
            .contains(&motcua_proto::intake::v1::DossierFlag::Unpaid);
        assert_eq!(unpaid, taken > 0);
    }
}

/// The case waits for 5.000 đồng of the fee, and for a land tax of 300.000 that it has found.
fn owes_a_tax() -> Counter {
    submitted()
        .does(&pay("bl-1", 3_000))
        .does(&Command::Accept)
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&asked::finds(DossierStatus::PaymentRequired, 300_000))
}

#[test]
fn what_the_case_finds_to_be_owed_is_owed_beside_the_fee_until_all_of_it_is_paid() {
    let mut counter = owes_a_tax();
    let shown = counter.dossier().to_proto(CODE);
    assert_eq!(
        (shown.fee_vnd, shown.obligations_vnd, shown.paid_vnd),
        (308_000, 300_000, 3_000)
    );
    assert_eq!(counter.accepted().fee_vnd, 8_000, "the receipt's");
    let [Payload::PaymentRecorded(all)] = &counter.asks(&pay("bl-2", 305_000)).unwrap()[..] else {
        panic!("the rest is paid");
    };
    assert_eq!((all.fee_vnd, all.paid_vnd), (308_000, 308_000));
    assert!(
        matches!(counter.asks(&pay("bl-3", 1)), Err(Error::Refused(refusal)) if refusal.state == "PAID")
    );
    // The same news again finds nothing more; news of more does.
    counter = counter.does(&walk::follow(DossierStatus::InProgress));
    for (found, fee) in [(300_000, 308_000), (0, 308_000), (350_000, 358_000)] {
        counter = counter
            .does(&asked::finds(DossierStatus::PaymentRequired, found))
            .does(&walk::follow(DossierStatus::InProgress));
        assert_eq!(counter.dossier().to_proto(CODE).fee_vnd, fee, "{found}");
    }
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

#[test]
fn what_was_paid_of_it_is_given_back_where_the_case_is_stopped_waiting_for_the_rest() {
    let mut counter = owes_a_tax()
        .does(&pay("bl-2", 100_000))
        .at("2025-07-11T00:00:00")
        .does(&Command::Tick)
        .does(&walk::follow(DossierStatus::Stopped));
    assert!(matches!(
        counter.asks(&refund("p1")),
        Err(Error::Refused(_))
    ));
    let counter = counter.does(&refund("p2"));
    assert_eq!(paid(&counter), 3_000);
}

#[test]
fn a_fee_is_by_unit_and_the_counter_counts_them_again() {
    use motcua_proto::r#type::v1::FeeTier;

    let mut catalog = proto_catalog();
    let procedure = &mut catalog.procedures[0];
    (procedure.fee_vnd, procedure.fee_online_vnd) = (2_000, 1_000);
    procedure.fee_unit = "trang".to_owned();
    procedure.fee_cap_vnd = 200_000;
    procedure.fee_tiers = [(1, 2_000, 1_000), (3, 1_000, 500)]
        .map(|(from_unit, price_vnd, price_online_vnd)| FeeTier {
            from_unit,
            price_vnd,
            price_online_vnd,
        })
        .to_vec();
    let catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    let submitted = |channel, pages| {
        let Command::Submit(mut submission) = submission("1.000656", channel, false) else {
            panic!("a submission");
        };
        submission.units.quantity = pages;
        let mut counter = Counter::opens("2025-07-01T08:00:00");
        counter.catalog = Arc::clone(&catalog);
        counter.does(&Command::Submit(submission))
    };
    let found = |quantity| {
        Command::AcceptAt(Found {
            units: Units {
                quantity,
                copies: 0,
            },
            ..Found::default()
        })
    };
    for (channel, pages, command, fee) in [
        (Channel::Counter, 5, Command::Accept, 7_000),
        (Channel::Portal, 5, Command::Accept, 3_500),
        (Channel::Counter, 5, found(12), 14_000),
        (Channel::Counter, 1, found(0), 2_000),
    ] {
        let counter = submitted(channel, pages).does(&command);
        assert_eq!(counter.accepted().fee_vnd, fee, "{command:?}");
        assert_eq!(counter.accepted().quantity, counter.dossier().quantity);
    }
    // Before acceptance no more is taken than what was submitted costs, and what was paid stays within the fee.
    let mut counter = submitted(Channel::Counter, 5);
    let more = counter.asks(&pay("bl-1", 7_001));
    assert!(matches!(more, Err(Error::Refused(_))), "{more:?}");
    let mut counter = counter.does(&pay("bl-1", 7_000));
    let Err(Error::Refused(refusal)) = counter.asks(&found(4)) else {
        panic!("more is paid than that");
    };
    assert_eq!(refusal.state, "PAID");
    assert!(matches!(
        counter.asks(&found(10_001)),
        Err(Error::Invalid(_))
    ));
    assert_eq!(counter.clone().does(&found(6)).accepted().fee_vnd, 8_000);
    // Three copies of the same five pages: as many pages as were submitted, each copy by itself.
    let copies = Command::AcceptAt(Found {
        units: Units {
            quantity: 0,
            copies: 3,
        },
        ..Found::default()
    });
    let accepted = counter.does(&copies).accepted();
    assert_eq!((accepted.quantity, accepted.copies), (5, 3));
    assert_eq!(accepted.fee_vnd, 21_000);
}

#[test]
fn an_exemption_is_chosen_at_the_counter_and_the_paper_that_shows_it_is_kept() {
    use motcua_proto::r#type::v1::Exemption;

    let mut catalog = proto_catalog();
    catalog.procedures[0].exemptions = vec![
        Exemption {
            id: "tre-em".to_owned(),
            title: "trẻ em dưới 6 tuổi".to_owned(),
            percent: 100,
            ..Exemption::default()
        },
        Exemption {
            ground: PriorityGround::Elderly.into(),
            percent: 50,
            ..Exemption::default()
        },
    ];
    let mut counter = Counter::opens("2025-07-01T08:00:00");
    counter.catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    let mut counter = counter.does(&submission("1.000656", Channel::Counter, false));
    let accept = |exemption: &str| {
        Command::AcceptAt(Found {
            exemption: exemption.to_owned(),
            exemption_paper: words("Giấy khai sinh số 12, ngày 01/03/2024"),
            ..Found::default()
        })
    };
    assert!(
        matches!(counter.asks(&accept("nobody")), Err(Error::Invalid(violations)) if violations[0].field == "exemption")
    );
    let counter = counter.does(&accept("tre-em"));
    let shown = counter.dossier().to_proto(CODE);
    assert_eq!(
        (shown.fee_vnd, shown.exempted_vnd, shown.exemption.as_str()),
        (0, 8_000, "tre-em")
    );
    let said = counter.statements.last().unwrap();
    assert_eq!(said.kind, i32::from(StatementKind::Exemption));
    assert_eq!(said.revision, counter.accepted().exemption_revision);
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);

    // What was claimed and is not shown is not taken off; what goes first by its ground is.
    let mut claimed = Counter::opens("2025-07-01T08:00:00");
    claimed.catalog = Arc::clone(&counter.catalog);
    let Command::Submit(mut claims) = submission("1.000656", Channel::Counter, false) else {
        unreachable!()
    };
    claims.exemption = "tre-em".to_owned();
    let claimed = claimed
        .does(&Command::Submit(claims))
        .does(&Command::AcceptAt(Found {
            no_exemption: true,
            ..Found::default()
        }));
    let shown = claimed.dossier().to_proto(CODE);
    assert_eq!(
        (shown.fee_vnd, shown.exempted_vnd, shown.exemption.as_str()),
        (4_000, 4_000, "")
    );
}

#[test]
fn the_counter_says_what_goes_first_and_the_exemption_by_its_ground_follows() {
    use motcua_proto::r#type::v1::Exemption;

    let mut catalog = proto_catalog();
    catalog.procedures[0].exemptions = vec![Exemption {
        ground: PriorityGround::Merit.into(),
        percent: 100,
        ..Exemption::default()
    }];
    let catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    // The applicant of these tests was submitted as elderly, which is exempted from nothing here.
    for (priority, why, fee, revision) in [
        (None, "", 8_000, 0),
        (Some(PriorityGround::Unspecified), "", 8_000, 0),
        (Some(PriorityGround::Merit), "Giấy chứng nhận số 12", 0, 1),
    ] {
        let mut counter = Counter::opens("2025-07-01T08:00:00");
        counter.catalog = Arc::clone(&catalog);
        let counter = counter.does(&submission("1.000656", Channel::Counter, false));
        let counter = counter.does(&Command::AcceptAt(Found {
            priority,
            priority_reason: words(why),
            ..Found::default()
        }));
        let accepted = counter.accepted();
        let expected = priority.unwrap_or(PriorityGround::Elderly);
        assert_eq!(accepted.priority(), expected, "what the case is begun with");
        assert_eq!(counter.dossier().priority, expected);
        assert_eq!(
            (accepted.fee_vnd, accepted.priority_revision),
            (fee, revision)
        );
        let said = counter.statements.iter();
        let said: Vec<_> = said
            .filter(|said| said.kind == i32::from(StatementKind::Priority))
            .map(|said| said.body.expose().as_str())
            .collect();
        assert_eq!(said, [why][..usize::from(!why.is_empty())]);
        let replayed = counter.events.iter().fold(None, Dossier::apply);
        assert_eq!(replayed, counter.dossier);
    }
}
