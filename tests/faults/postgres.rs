//! A database that goes away for a while, and the one that the binary brings with it.

use std::os::unix::fs::PermissionsExt as _;

use motcua_platform::postgres::{DataDir, Options, Server};
use tempfile::TempDir;

use super::load::Load;
use crate::support::{Databases, ROOT, Setup, Suite, WARD, birth};

/// A directory that the server's user, who is not ours, gets to.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    place
}

async fn apply_catalog(suite: &Suite) {
    let applied = suite
        .motcua(&["catalog", "apply", &format!("{ROOT}/deploy/catalog")])
        .await;
    assert!(applied.ok, "{applied:?}");
}

#[tokio::test]
async fn postgresql_is_restarted_under_load_and_what_was_acknowledged_stays() {
    let place = place();
    let start = || Server::start(Options::new(DataDir::Kept(place.path().join("data"))));
    let server = start().await.unwrap();
    let databases = Some(Databases::on(&server));
    let suite = Suite::with(Setup {
        databases,
        ..Setup::default()
    })
    .await;
    apply_catalog(&suite).await;
    suite.clock_at("2025-07-01T08:00").await;

    let load = Load::begin(&suite, 12);
    load.reaches(1, 3).await;
    server.stop().await.unwrap();
    let server = start().await.unwrap();
    load.ends(&suite).await;
    drop(suite);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_suite_with_a_postgresql_of_its_own_finds_its_data_again_after_a_kill() {
    let place = place();
    let data = place.path().join("data");
    let mut suite = Suite::with(Setup {
        data: Some(data.clone()),
        ..Setup::default()
    })
    .await;
    apply_catalog(&suite).await;
    suite.clock_at("2025-07-01T08:00").await;
    let code = suite.clerk().submits(birth()).await.code;
    // Nothing is stopped in order, neither the services nor their PostgreSQL.
    suite.kills_all();
    suite.restarts_all().await;
    suite.settle().await;
    suite.officer().approves(WARD, &code).await;
    suite.leader().approves(WARD, &code).await;
    assert_eq!(
        suite.clerk().submits(birth()).await.code,
        "H24.11593-250701-0002"
    );
    suite.settle().await;
    assert!(suite.reconciles().await.differences.is_empty());
    suite.terminate_all().await;
    assert!(
        !data.join("postmaster.pid").exists(),
        "its PostgreSQL was left behind"
    );
}
