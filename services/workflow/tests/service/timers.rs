//! Many timers at one moment, on the machine's own clock.

use std::{collections::HashSet, io::Write as _};

use jiff::{SignedDuration, Timestamp};
use motcua_platform::time::from_proto_opt;
use motcua_proto::events::v1::EventKind as K;

use crate::world::{World, catalog, simple};

const TIMERS: usize = 10_000;
/// How long all of them take to be set, at most. Where a machine is slower, those that are set late fire late.
const AHEAD: SignedDuration = SignedDuration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_timers_of_the_same_second_fire_once_each() {
    let mut world = World::live().await;
    world.publishes(simple()).await.unwrap();
    world.intake.applies(catalog());
    world.has_followed(1).await;
    let due_at = Timestamp::now() + AHEAD;
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
