//! Commands that ask a running suite.

use crate::support::{Service, Suite, WARD, birth};

#[tokio::test]
async fn a_dossiers_life_the_feed_the_report_and_the_health_are_there_to_be_read() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:10").await;
    let code = suite.clerk().submits(birth()).await.code;
    suite.settle().await;
    suite.officer().approves(WARD, &code).await;
    suite.clock_at("2025-07-01T09:00").await;
    suite.leader().approves(WARD, &code).await;
    suite.clock_at("2025-07-02T09:30").await;
    suite.clerk().hands_over(&code).await;
    suite.settle().await;

    let life = suite.motcua(&["dossier", &code]).await;
    assert!(life.ok, "{life:?}");
    let mut at = 0;
    for words in [
        "Tuesday, 2025-07-01",
        "08:10",
        "DossierSubmitted",
        "DossierAccepted",
        "CaseStarted",
        "TaskCompleted",
        "09:00",
        "CaseFinished",
        "Wednesday, 2025-07-02",
        "09:30",
        "ResultHandedOver",
    ] {
        let found = life.stdout[at..].find(words);
        at += found.unwrap_or_else(|| panic!("no '{words}' in its place in\n{}", life.stdout));
    }
    assert!(
        life.stdout.contains("by receptionist-11593-1"),
        "{}",
        life.stdout
    );
    let unknown = suite.motcua(&["dossier", "H24.11593-250701-9999"]).await;
    assert!(
        !unknown.ok && unknown.stderr.contains("H24.11593-250701-9999"),
        "{unknown:?}"
    );

    let tail = suite
        .motcua(&["feed", "tail", "intake", "--until-head", "--dossier", &code])
        .await;
    assert!(tail.ok, "{tail:?}");
    let kinds: Vec<_> = tail
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    assert_eq!(kinds, suite.kinds(Service::Intake, &code).await);
    let followers = suite.motcua(&["feed", "followers", "statistics"]).await;
    assert!(
        followers
            .stdout
            .contains("statistics follows workflow: position")
            && followers.stdout.contains("(lag 0)"),
        "{followers:?}"
    );

    let report = suite
        .motcua(&[
            "report",
            "--from",
            "2025-07-01",
            "--to",
            "2025-07-31",
            "--agency",
            WARD,
        ])
        .await;
    assert!(
        report.ok && report.stdout.contains("Phường An Phong") && report.stdout.contains("hộ tịch"),
        "{report:?}"
    );
    let reversed = suite
        .motcua(&["report", "--from", "2025-07-31", "--to", "2025-07-01"])
        .await;
    assert!(!reversed.ok && !reversed.stderr.is_empty(), "{reversed:?}");

    let healthy = suite
        .motcua(&["health", "--url", suite.address(Service::Intake)])
        .await;
    assert!(
        healthy.ok && healthy.stdout.contains("SERVING"),
        "{healthy:?}"
    );
    let nobody = suite
        .motcua(&["health", "--url", "http://127.0.0.1:1"])
        .await;
    assert!(
        !nobody.ok && nobody.stderr.contains("nobody answers"),
        "{nobody:?}"
    );
}
