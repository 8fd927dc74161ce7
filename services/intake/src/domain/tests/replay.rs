//! Whatever is asked in whatever order: replaying the events gives the state, and the state survives its row.

use proptest::prelude::*;

use super::*;

fn any_news() -> impl Strategy<Value = Command> {
    let status = prop::sample::select(vec![
        None,
        Some(DossierStatus::InProgress),
        Some(DossierStatus::SupplementRequired),
        Some(DossierStatus::PaymentRequired),
        Some(DossierStatus::Stopped),
    ]);
    let due_at = prop::option::of(
        (0..500_000_i64)
            .prop_map(|minute| Timestamp::from_second(1_751_300_000 + minute * 60).unwrap()),
    );
    let branch = (0..3_usize, any::<bool>()).prop_map(|(branch, begins)| {
        let branch = format!("branch-{branch}");
        Command::Follow(News {
            position: 2,
            kind: EventKind::SubCaseStarted,
            at: at("2025-07-01T09:30:00"),
            change: if begins {
                Change::BranchBegan {
                    branch,
                    agency: "11593-ca".to_owned(),
                }
            } else {
                Change::BranchEnded { branch }
            },
        })
    });
    prop_oneof![
        3 => branch,
        9 => (status, due_at).prop_map(|(status, due_at)| news(EventKind::CaseResumed, status, due_at)),
        1 => Just(finished()),
    ]
}

fn any_command() -> impl Strategy<Value = Command> {
    let visit = (1..4_usize, any::<bool>()).prop_map(|(visit, met)| Command::RecordVisit {
        visit: format!("v{visit}"),
        met: if met {
            Met::Result(received("con trai"))
        } else {
            Met::Nobody
        },
    });
    let window = (0..100_i64).prop_map(|hour| {
        let from = Timestamp::from_second(1_751_300_000 + hour * 3_600).unwrap();
        Command::ArrangeVisit {
            from,
            to: Timestamp::from_second(1_751_303_600 + hour * 3_600).unwrap(),
            address: words(if hour % 2 == 0 {
                ""
            } else {
                "số 1 ngõ Thử"
            }),
            location: words(if hour % 3 == 0 {
                "20.850000,106.600000"
            } else {
                ""
            }),
            visitor: String::new(),
            offered: false,
        }
    });
    prop_oneof![
        4 => Just(Command::Accept),
        1 => Just(Command::Refuse { reason: words("thiếu"), ground: words("điều 17") }),
        2 => Just(ask_supplement()),
        4 => Just(provide_supplement()),
        1 => any::<bool>().prop_map(|why| Command::Withdraw { reason: words(if why { "đổi ý" } else { "" }), ground: words("") }),
        2 => Just(hand_over(HandOverMethod::Counter)),
        2 => window,
        2 => visit,
        2 => Just(Command::Tick),
        6 => any_news(),
        1 => Just(submission("2.002622", Channel::Vneid, true)),
    ]
}

proptest! {
    #[test]
    fn replaying_the_events_gives_the_state(
        accept in any::<bool>(),
        steps in prop::collection::vec((any_command(), 0..30_000_i64), 0..40),
    ) {
        let mut counter = Counter::opens("2025-07-01T08:00:00")
            .does(&submission("2.002622", Channel::Portal, accept));
        for (command, seconds) in steps {
            counter.now = Timestamp::from_second(counter.now.as_second() + seconds).unwrap();
            let before = counter.dossier().clone();
            match counter.asks(&command) {
                Ok(events) => prop_assert_eq!(
                    counter.dossier().version,
                    before.version + i64::try_from(events.len()).unwrap()
                ),
                Err(_) => prop_assert_eq!(counter.dossier(), &before),
            }
            // An end stays.
            if matches!(
                before.status,
                DossierStatus::Refused | DossierStatus::Withdrawn | DossierStatus::Stopped | DossierStatus::HandedOver
            ) {
                prop_assert_eq!(counter.status(), before.status);
            }
        }
        let replayed = counter.events.iter().fold(None, Dossier::apply);
        prop_assert_eq!(&replayed, &counter.dossier);
        let row = serde_json::to_string(counter.dossier()).unwrap();
        let read: Dossier = serde_json::from_str(&row).unwrap();
        prop_assert_eq!(&read, counter.dossier());
        // Each statement has a revision of its own.
        let mut revisions: Vec<_> = counter.statements.iter().map(|said| (said.kind, said.revision)).collect();
        revisions.sort_unstable();
        let said = revisions.len();
        revisions.dedup();
        prop_assert_eq!(revisions.len(), said);
    }
}
