//! The feed: dense, in order, for a reader that looks on while many write.

use motcua_platform::{
    archive::Archive,
    feed::{Feed, FeedServer},
    ledger::Target,
    progress::Progress,
    rpc::{self, Gate, Health, Limits, Local, Peer},
};
use motcua_proto::events::v1::{
    GetHeadRequest, SubscribeRequest, event_feed_service_client::EventFeedServiceClient,
    event_feed_service_server::EventFeedServiceServer,
};
use tokio::net::TcpListener;
use tonic::{Code, service::Routes};
use uuid::Uuid;

use crate::{
    jar::{Command, envelope, on},
    proxy::Proxy,
    world::World,
};

/// Serves a feed on a port of its own.
pub(crate) async fn served(feed: Feed, world: &World) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = FeedServer::new(feed.clone(), Archive::new(world.reader.clone()));
    let process = Local::draw().unwrap();
    let health = Health::serving("intake").await;
    tokio::spawn(rpc::serve(rpc::Options {
        service: "intake",
        listener,
        tls: None,
        routes: Routes::new(EventFeedServiceServer::new(server)),
        gate: Gate::new(process.clone()),
        health,
        progress: Progress::new(feed, world.pool.clone(), []),
        drain: world.drain.clone(),
        limits: Limits::default(),
    }));
    rpc::channel(&url, "workflow", "intake", None)
        .unwrap()
        .within(&process)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_every_position_once_and_in_order_while_64_write() {
    const EVENTS: i64 = 64 * 40;
    let world = World::new().await;
    let feed = world.feed("jars");
    let peer = served(feed.clone(), &world).await;
    // One in the process that serves the reader, which has the events in memory, and one elsewhere.
    let replicas = [
        world.ledger_beside(&feed, &world.options).await,
        world.ledger().await,
    ];
    for writer in 0..64 {
        let ledger = replicas[writer % 2].clone();
        tokio::spawn(async move {
            for number in 0..40 {
                let command = if number % 8 == 7 {
                    Command::Refuse
                } else {
                    Command::Put(1)
                };
                ledger
                    .execute(&format!("a{writer}"), on(&format!("j{writer}"), command))
                    .await
                    .ok();
                // A refusal writes nothing; one more makes up for it.
                if number % 8 == 7 {
                    ledger
                        .execute("a", on(&format!("j{writer}"), Command::Put(1)))
                        .await
                        .unwrap();
                }
            }
        });
    }
    let mut stream = EventFeedServiceClient::new(peer)
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    let (mut position, mut recorded_at) = (0, None);
    while position < EVENTS {
        let batch = stream.message().await.unwrap().unwrap();
        assert_eq!(batch.from, position + 1);
        assert!(batch.head >= batch.through);
        for event in &batch.events {
            assert_eq!(event.position, position + 1);
            let at = event.recorded_at.map(|at| (at.seconds, at.nanos));
            assert!(
                at >= recorded_at,
                "recorded_at ran backwards at {}",
                event.position
            );
            (position, recorded_at) = (event.position, at);
        }
        assert_eq!(batch.through, position.max(batch.from - 1));
    }
    assert_eq!(position, EVENTS);
}

#[tokio::test]
async fn a_filtered_reader_is_told_the_range_that_each_batch_covers() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    for number in 0..10 {
        ledger
            .execute("a", on(&format!("j{}", number % 2), Command::Put(1)))
            .await
            .unwrap();
    }
    let mut stream = EventFeedServiceClient::new(served(world.feed("jars"), &world).await)
        .subscribe(SubscribeRequest {
            until_head: true,
            dossier: "j1".to_owned(),
            ..SubscribeRequest::default()
        })
        .await
        .unwrap()
        .into_inner();
    let batch = stream.message().await.unwrap().unwrap();
    assert_eq!((batch.from, batch.through, batch.events.len()), (1, 10, 5));
    assert!(
        stream.message().await.unwrap().is_none(),
        "until_head ends the stream"
    );
}

#[tokio::test]
async fn a_reader_of_another_epoch_or_beyond_the_head_is_stopped() {
    let world = World::new().await;
    world
        .ledger()
        .await
        .execute("a", on("j", Command::Put(1)))
        .await
        .unwrap();
    let mut client = EventFeedServiceClient::new(served(world.feed("jars"), &world).await);
    let head = client
        .get_head(GetHeadRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!((head.epoch, head.position), (1, 1));
    let refused = async |after, epoch| {
        let mut client = client.clone();
        let mut stream = client
            .subscribe(SubscribeRequest {
                after,
                epoch,
                ..SubscribeRequest::default()
            })
            .await
            .unwrap()
            .into_inner();
        stream.message().await.unwrap_err().code()
    };
    assert_eq!(refused(0, 7).await, Code::FailedPrecondition);
    assert_eq!(refused(2, 1).await, Code::OutOfRange);
}

#[tokio::test]
async fn a_server_with_another_lineage_begins_a_new_epoch() {
    let world = World::new().await;
    world
        .ledger()
        .await
        .execute("a", on("j", Command::Put(1)))
        .await
        .unwrap();
    // As after a dump was loaded elsewhere, or a standby promoted.
    sqlx::query("UPDATE feed_head SET lineage = 'another'")
        .execute(&world.pool)
        .await
        .unwrap();
    let put = envelope(Target::Key("j".to_owned()), Command::Put(1), Uuid::new_v4());
    let accepted = world.ledger().await.execute("a", put).await.unwrap();
    assert_eq!(accepted.position.unwrap().to_string(), "jars/2@2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_told_before_the_slow_poll() {
    let world = World::new().await;
    let proxy = Proxy::before(&world.options).await;
    let feed = world.feed("jars");
    // One in the process that serves the reader, and one that another replica's herald has to tell of.
    let ledgers = [
        world.ledger_beside(&feed, &proxy.options()).await,
        world.ledger_through(&proxy.options()).await,
    ];
    let mut stream = EventFeedServiceClient::new(served(feed, &world).await)
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut heartbeats = 0;
    for (ledger, position) in ledgers.iter().zip(1..) {
        proxy.cut_at_next_commit(true);
        ledger.execute("a", on("j", Command::Put(1))).await.unwrap();
        loop {
            let batch = stream.message().await.unwrap().unwrap();
            if batch.through == position {
                break;
            }
            heartbeats += 1;
        }
    }
    assert_eq!(proxy.cuts(), 2);
    assert_eq!(heartbeats, 0, "nobody had to wait for one");
}
