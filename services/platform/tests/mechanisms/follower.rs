//! Followers: exactly once, one replica at a time, and what happens to an event that cannot be processed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use motcua_platform::{
    error::Error,
    follower::{Failure, Follower, FollowerServer, Handler, Received},
    progress::Progress,
    rpc::Peer,
    work::Work,
};
use motcua_proto::events::v1::{
    ListFollowersRequest, UnparkDossierRequest, follower_service_server::FollowerService as _,
};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use crate::{
    feed::served,
    jar::{Command, on},
    world::World,
};

/// Writes down what it sees, and cannot see the jar "bad" until it is mended.
struct Witness {
    mended: AtomicBool,
}

impl Handler for Witness {
    async fn handle(
        &self,
        work: &mut Work<'_>,
        source: &'static str,
        events: &[Received],
    ) -> Result<(), Failure> {
        for (index, received) in events.iter().enumerate() {
            if received.dossier() == "bad" && !self.mended.load(Ordering::SeqCst) {
                return Err(Failure::event(index, "the jar is bad"));
            }
            // Applied twice, the primary key would object.
            sqlx::query("INSERT INTO seen (source, position) VALUES ($1, $2)")
                .bind(source)
                .bind(received.event.position)
                .execute(&mut **work)
                .await?;
        }
        Ok(())
    }
}

struct Replica {
    progress: Progress,
    witness: Arc<Witness>,
    server: FollowerServer,
    drain: CancellationToken,
}

fn follow(there: &World, here: &World, peer: &Peer) -> Replica {
    let witness = Arc::new(Witness {
        mended: AtomicBool::new(false),
    });
    let progress = Progress::new(
        here.feed("tests"),
        here.pool.clone(),
        [("jars", peer.clone())],
    );
    let follower = Follower {
        service: "tests",
        source: "jars",
        peer: peer.clone(),
        kinds: Vec::new(),
        options: here.options.clone(),
        handler: Arc::clone(&witness),
        progress: progress.clone(),
        clock: there.clock.clone(),
    };
    let server = FollowerServer::new(here.pool.clone(), vec![follower.parking()]);
    let drain = CancellationToken::new();
    tokio::spawn(follower.run(drain.clone()));
    Replica {
        progress,
        witness,
        server,
        drain,
    }
}

async fn until(progress: &Progress, position: i64) {
    let mut steps = progress.watch("jars").unwrap();
    let reached = steps.wait_for(|step| step.position >= position);
    tokio::time::timeout(Duration::from_secs(30), reached)
        .await
        .unwrap_or_else(|_| {
            panic!(
                "position {position} not reached: {:?}",
                progress.steps().collect::<Vec<_>>()
            )
        })
        .unwrap();
}

async fn put(world: &World, jar: &str, times: usize) {
    let ledger = world.ledger().await;
    for _ in 0..times {
        ledger.execute("a", on(jar, Command::Put(1))).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_never_both_apply_an_event_and_none_is_left_out() {
    let (there, here) = (World::new().await, World::new().await);
    let peer = served(there.feed("jars"), &there).await;
    let replicas = [follow(&there, &here, &peer), follow(&there, &here, &peer)];
    let writing = put(&there, "j", 300);
    let restarting = async {
        // The first goes away in the middle; the other, or its successor, takes over where it was.
        until(&replicas[0].progress, 50).await;
        replicas[0].drain.cancel();
    };
    tokio::join!(writing, restarting);
    until(&replicas[1].progress, 300).await;
    assert_eq!(here.count("SELECT count(*) FROM seen").await, 300);
    let disordered = here
        .count(
            "SELECT count(*) FROM (SELECT position - lag(position) OVER (ORDER BY place) AS step FROM seen) AS steps \
             WHERE step <> 1",
        )
        .await;
    assert_eq!(disordered, 0, "events are applied in order");
}

#[tokio::test]
async fn an_event_that_cannot_be_processed_parks_its_dossier_and_lets_the_others_go_on() {
    let (there, here) = (World::new().await, World::new().await);
    put(&there, "good", 2).await;
    put(&there, "bad", 1).await;
    put(&there, "good", 1).await;
    put(&there, "bad", 2).await;
    put(&there, "other", 1).await;
    let peer = served(there.feed("jars"), &there).await;
    let replica = follow(&there, &here, &peer);
    until(&replica.progress, 7).await;
    assert_eq!(here.count("SELECT count(*) FROM seen").await, 4);

    let listed = async || {
        replica
            .server
            .list_followers(Request::new(ListFollowersRequest {}))
            .await
            .unwrap()
            .into_inner()
            .followers
    };
    let followers = listed().await;
    let parked = &followers[0].parked[0];
    assert_eq!(
        (parked.dossier.as_str(), parked.position, parked.events),
        ("bad", 3, 3)
    );
    assert_eq!(parked.reason, "the jar is bad");
    assert_eq!(followers[0].lag, 0);
    assert!(!replica.progress.is_well(), "health must show it");

    let unpark = async || {
        let request = UnparkDossierRequest {
            source: "jars".to_owned(),
            dossier: "bad".to_owned(),
            request_id: String::new(),
        };
        replica.server.unpark_dossier(Request::new(request)).await
    };
    // Not mended yet: nothing is lost, and it stays where it was.
    unpark().await.unwrap_err();
    assert_eq!(listed().await[0].parked[0].events, 3);

    replica.witness.mended.store(true, Ordering::SeqCst);
    assert_eq!(unpark().await.unwrap().into_inner().replayed, 3);
    assert!(replica.progress.is_well());
    let order: Vec<i64> =
        sqlx::query_scalar("SELECT position FROM seen ORDER BY place DESC LIMIT 3")
            .fetch_all(&here.pool)
            .await
            .unwrap();
    assert_eq!(order, [6, 5, 3], "replayed in order, after the others");
    put(&there, "bad", 1).await;
    until(&replica.progress, 8).await;
    assert_eq!(here.count("SELECT count(*) FROM seen").await, 8);
}

#[tokio::test]
async fn who_asks_for_its_own_effects_waits_until_they_are_there() {
    let (there, here) = (World::new().await, World::new().await);
    let peer = served(there.feed("jars"), &there).await;
    put(&there, "j", 5).await;
    let replica = follow(&there, &here, &peer);
    let wait = async |text: &str| {
        let positions = [text.parse().unwrap()];
        replica
            .progress
            .wait(&positions, Duration::from_secs(10))
            .await
    };
    wait("jars/1@5").await.unwrap();
    assert_eq!(here.count("SELECT count(*) FROM seen").await, 5);
    assert!(
        matches!(wait("jars/1@6").await, Err(Error::PositionInvalid { .. })),
        "beyond the head"
    );
    assert!(
        matches!(wait("jars/9@5").await, Err(Error::PositionInvalid { .. })),
        "another epoch"
    );
    assert!(
        matches!(wait("boxes/1@5").await, Err(Error::PositionInvalid { .. })),
        "an unknown source"
    );

    replica.drain.cancel();
    put(&there, "j", 1).await;
    let position = ["jars/1@6".parse().unwrap()];
    let waited = replica
        .progress
        .wait(&position, Duration::from_millis(50))
        .await;
    // The follower may have had it in hand when it was stopped: then it is simply there.
    if here.count("SELECT count(*) FROM seen").await == 5 {
        assert!(matches!(waited, Err(Error::PositionNotReached { .. })));
    }
}
