//! `kill -9`.

use sqlx::query;

use super::load::Load;
use crate::support::{Service, Suite, WARD, birth};

#[tokio::test]
async fn each_service_is_killed_in_mid_stream_and_nothing_is_lost_and_nothing_happens_twice() {
    let mut suite = Suite::apart().await;
    suite.clock_at("2025-07-01T08:00").await;
    let load = Load::begin(&suite, 15);
    for (part, service) in (1..).zip(Service::ALL) {
        load.reaches(part, 6).await;
        suite.kills(service);
        suite.restarts(service).await;
    }
    load.ends(&suite).await;
}

#[tokio::test]
async fn the_recount_names_what_somebody_falsified() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    for _ in 0..3 {
        suite.clerk().submits(birth()).await;
    }
    suite.settle().await;
    let recount = suite.reconciles().await;
    assert_eq!((recount.dossiers, recount.differences.len()), (3, 0));
    assert_eq!(recount.positions.len(), 3, "{:?}", recount.positions);

    let mut statistics = suite.database(Service::Statistics).await;
    let falsified = query("UPDATE daily_counter SET value = value + 5 WHERE measure = 2")
        .execute(&mut statistics);
    assert_eq!(falsified.await.unwrap().rows_affected(), 1);
    let falsified =
        query("UPDATE fact SET used_minutes = 7 WHERE dossier = 'H24.11593-250701-0002'");
    assert_eq!(
        falsified
            .execute(&mut statistics)
            .await
            .unwrap()
            .rows_affected(),
        1
    );
    let gone =
        query("DELETE FROM fact WHERE dossier = 'H24.11593-250701-0003'").execute(&mut statistics);
    assert_eq!(gone.await.unwrap().rows_affected(), 1);

    let differences = suite.reconciles().await.differences;
    let named = |begin: &str, stored: &str, counted: &str| {
        differences.iter().any(|found| {
            found.what.starts_with(begin) && found.stored == stored && found.counted == counted
        })
    };
    assert!(
        named("fact H24.11593-250701-0002 used_minutes", "7", "0"),
        "{differences:?}"
    );
    assert!(
        named("fact H24.11593-250701-0003", "none", "known"),
        "{differences:?}"
    );
    assert!(
        named(
            &format!("counter {WARD} 2025-07-01 received_counter"),
            "8",
            "3"
        ),
        "{differences:?}"
    );
    assert_eq!(differences.len(), 3, "{differences:?}");
}

#[tokio::test]
async fn a_suite_that_was_stopped_goes_on_where_it_was() {
    let mut suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let code = suite.clerk().submits(birth()).await.code;
    suite.settle().await;
    suite.officer().approves(WARD, &code).await;
    suite.terminate_all().await;
    suite.restarts_all().await;
    suite.leader().approves(WARD, &code).await;
    suite.clerk().hands_over(&code).await;
    suite.settle().await;
    assert_eq!(suite.messages(&code).await.len(), 2);
    assert_eq!(
        suite.clerk().submits(birth()).await.code,
        "H24.11593-250701-0002"
    );
    suite.settle().await;
    assert!(suite.reconciles().await.differences.is_empty());
}
