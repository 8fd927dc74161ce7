//! What falls due: many timers at one moment on the machine's own clock, and dues by another calendar.

use std::{collections::HashSet, io::Write as _};

use jiff::SignedDuration;
use motcua_platform::{
    clock::Clock,
    time::{date_to_proto, from_proto_opt, to_proto},
};
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{CalendarDay, CalendarDayKind, Catalog, PriorityGround},
};

use crate::{
    life::tables_equal_history,
    world::{World, at, catalog, simple},
};

const TIMERS: usize = 10_000;
/// How long all of them take to be set, at most. Where a machine is slower, those that are set late fire late.
const AHEAD: SignedDuration = SignedDuration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_timers_of_the_same_second_fire_once_each() {
    let mut world = World::live().await;
    world.publishes(simple()).await.unwrap();
    world.intake.applies(catalog());
    world.has_followed(1).await;
    let due_at = Clock::system().now() + AHEAD;
    let codes: Vec<_> = (1..=TIMERS)
        .map(|n| format!("H24.11593-250701-{n:05}"))
        .collect();
    world.intake.accepts_all(&codes, due_at);
    world.has_followed(i64::try_from(TIMERS).unwrap() + 1).await;
    world.waits_for_events(K::CaseOverdue, TIMERS).await;

    let mut late = Vec::new();
    let mut fired = HashSet::new();
    for event in world.history().await {
        if event.kind() == K::CaseOverdue {
            assert!(
                fired.insert(event.dossier.clone()),
                "{} fired twice",
                event.dossier
            );
            let at = from_proto_opt(event.recorded_at.as_ref()).unwrap();
            assert!(at >= due_at, "{} fired early", event.dossier);
            late.push(at.duration_since(due_at).as_millis());
        }
    }
    assert_eq!(fired.len(), TIMERS);
    late.sort_unstable();
    let percentile = |percent: usize| late[(late.len() - 1) * percent / 100];
    // Past the capture of the test's output: CI shows it among the figures.
    writeln!(
        std::io::stderr(),
        "figure: {TIMERS} timers of one second, lateness p50 {} ms, p99 {} ms, worst {} ms",
        percentile(50),
        percentile(99),
        percentile(100),
    )
    .unwrap();
    world.closes().await;
}

/// The catalog with the third of July as a day off.
fn autumn() -> Catalog {
    let mut autumn = catalog();
    autumn.id = "autumn".into();
    autumn.calendars[0].days.push(CalendarDay {
        date: Some(date_to_proto("2025-07-03".parse().unwrap())),
        kind: CalendarDayKind::Holiday.into(),
        title: "Nghỉ".into(),
    });
    autumn
}

#[tokio::test]
async fn another_calendar_moves_the_dues_of_open_cases_once() {
    let mut world = World::open().await;
    world.publishes(simple()).await.unwrap();
    world.intake.applies(catalog());
    let codes = ["H24.11593-250701-0001", "H24.11593-250701-0002"];
    for code in codes {
        world
            .intake
            .accepts(code, "1.000001", "simple", PriorityGround::Unspecified);
    }
    world.has_followed(3).await;
    world
        .intake
        .ends_by_withdrawal(codes[1], "2025-07-01T08:00");
    // The third of July becomes a day off, with two days of the limit still to come.
    world.intake.applies(autumn());
    world.has_followed(5).await;
    world.hand.set(at("2025-07-01T08:02"));
    let event = world.hears(K::DeadlineRecomputed).await;
    assert_eq!(event.dossier, codes[0]);
    let Some(Payload::DeadlineRecomputed(recomputed)) = event.payload else {
        panic!("must say what is due")
    };
    assert_eq!(recomputed.catalog, "autumn");
    assert_eq!(recomputed.due_at, Some(to_proto(at("2025-07-07T17:00"))));
    // By the clock of that calendar it is overdue, and nothing was told of the case that has ended.
    world.hand.set(at("2025-07-08T00:00"));
    world.hears(K::CaseOverdue).await;
    let told = world.history().await.into_iter();
    let recomputed: Vec<_> = told
        .filter(|event| event.kind() == K::DeadlineRecomputed)
        .map(|event| event.dossier)
        .collect();
    assert_eq!(recomputed, [codes[0]]);
    tables_equal_history(&world).await;
    world.closes().await;
}

#[tokio::test]
async fn another_calendar_counts_for_what_cannot_begin_and_for_what_was_received_before_it() {
    let mut world = World::open().await;
    world.publishes(simple()).await.unwrap();
    world.intake.applies(catalog());
    let codes = ["H24.11593-250701-0001", "H24.11593-250701-0002"];
    // There is no definition that the first could begin under.
    world
        .intake
        .accepts(codes[0], "1.000001", "death", PriorityGround::Unspecified);
    world.has_followed(2).await;
    world.intake.applies(autumn());
    world.has_followed(3).await;
    world.hand.set(at("2025-07-01T08:02"));
    assert_eq!(world.hears(K::DeadlineRecomputed).await.dossier, codes[0]);
    // The dues of all open cases were reckoned anew when this one, with a receipt by the calendars before, begins.
    world
        .intake
        .accepts(codes[1], "1.000001", "simple", PriorityGround::Unspecified);
    world.has_followed(4).await;
    world.hand.set(at("2025-07-01T08:05"));
    world.waits_for_events(K::DeadlineRecomputed, 2).await;
    let told = world.history().await;
    for code in codes {
        let of_case: Vec<_> = told
            .iter()
            .filter(|event| event.dossier == code)
            .filter_map(|event| match event.payload.as_ref()? {
                Payload::DeadlineRecomputed(recomputed) => {
                    Some((recomputed.catalog.as_str(), recomputed.due_at))
                }
                _ => None,
            })
            .collect();
        let due_at = Some(to_proto(at("2025-07-07T17:00")));
        assert_eq!(of_case, [("autumn", due_at)], "{code}");
    }
    tables_equal_history(&world).await;
    world.closes().await;
}
