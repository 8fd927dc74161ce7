//! An event that cannot be processed: its dossier is set aside, loudly, and everything else goes on.

use motcua_proto::r#type::v1::DossierStatus;
use sqlx::query;

use crate::support::{Service, Suite, WARD, birth};

const FOLLOWERS: &str = "motcua.events.v1.FollowerService";

#[tokio::test]
async fn a_dossier_that_cannot_be_processed_is_set_aside_and_taken_up_again_in_order() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();
    // Somebody broke the database of workflow for one dossier.
    let mut workflow = suite.database(Service::Workflow).await;
    let broken =
        query("ALTER TABLE cases ADD CONSTRAINT broken CHECK (code <> 'H24.11593-250701-0002')");
    broken.execute(&mut workflow).await.unwrap();

    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(clerk.submits(birth()).await.code);
    }
    suite.settle_around_parked().await;
    let follower = suite.followers(Service::Workflow).await.unwrap().remove(0);
    assert_eq!(
        (follower.source.as_str(), follower.parked.len()),
        ("intake", 1)
    );
    let parked = &follower.parked[0];
    assert_eq!((&parked.dossier, parked.events), (&codes[1], 1));
    assert!(
        parked.position > 0 && !parked.reason.is_empty(),
        "{parked:?}"
    );
    assert!(!suite.serves(Service::Workflow, FOLLOWERS).await);
    assert!(
        suite.serves(Service::Workflow, "").await,
        "workflow itself serves"
    );
    let shown = suite.motcua(&["feed", "followers", "workflow"]).await;
    assert!(shown.stdout.contains(&codes[1]), "{shown:?}");
    let health = [
        "health",
        "--url",
        suite.address(Service::Workflow),
        "--service",
        FOLLOWERS,
    ];
    assert!(!suite.motcua(&health).await.ok);

    // The others go on to their end, and what happens to this one meanwhile waits in order.
    suite.officer().approves_around(WARD, &codes[2]).await;
    suite.leader().approves_around(WARD, &codes[2]).await;
    assert_eq!(
        clerk.sees(&codes[2]).await.status(),
        DossierStatus::ResultReady
    );
    assert_eq!(
        clerk.sees(&codes[1]).await.status(),
        DossierStatus::Accepted
    );
    clerk.withdraws(&codes[1]).await;
    suite.settle_around_parked().await;
    let follower = suite.followers(Service::Workflow).await.unwrap().remove(0);
    assert_eq!(follower.parked[0].events, 2);

    // Not mended yet: it stays aside, whole.
    let unpark = [
        "feed", "unpark", "workflow", "--source", "intake", &codes[1],
    ];
    let failed = suite.motcua(&unpark).await;
    assert!(!failed.ok, "{failed:?}");
    let follower = suite.followers(Service::Workflow).await.unwrap().remove(0);
    assert_eq!(follower.parked[0].events, 2);

    query("ALTER TABLE cases DROP CONSTRAINT broken")
        .execute(&mut workflow)
        .await
        .unwrap();
    let mended = suite.motcua(&unpark).await;
    assert!(
        mended.ok && mended.stdout.contains("2 event(s) replayed"),
        "{mended:?}"
    );
    suite.settle().await;
    let kinds = suite.kinds(Service::Workflow, &codes[1]).await;
    assert_eq!(
        kinds,
        [
            "CaseStarted",
            "TaskOpened",
            "TaskCancelled",
            "CaseWithdrawn"
        ]
    );
    assert!(suite.serves(Service::Workflow, FOLLOWERS).await);
    assert!(suite.motcua(&health).await.ok);
    assert_eq!(
        clerk.sees(&codes[1]).await.status(),
        DossierStatus::Withdrawn
    );
    assert!(suite.reconciles().await.differences.is_empty());
}

#[tokio::test]
async fn a_dossier_that_somebody_parks_waits_until_somebody_takes_it_up() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let code = "H24.11593-250701-0001";
    let park = [
        "feed",
        "park",
        "notification",
        "--source",
        "intake",
        code,
        "--reason",
        "the family asked for silence",
    ];
    assert!(suite.motcua(&park).await.ok);
    suite.clerk().submits(birth()).await;
    suite.settle_around_parked().await;
    assert!(suite.messages(code).await.is_empty());
    let unparked = suite
        .motcua(&["feed", "unpark", "notification", "--source", "intake", code])
        .await;
    assert!(unparked.ok, "{unparked:?}");
    suite.settle().await;
    assert_eq!(suite.messages(code).await.len(), 1);
    let nothing = suite
        .motcua(&["feed", "unpark", "notification", "--source", "intake", code])
        .await;
    assert!(
        !nothing.ok && nothing.stderr.contains("does not exist"),
        "{nothing:?}"
    );
}
