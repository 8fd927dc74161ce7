//! The ledger: batches, request ids, dense numbers, and a database that objects.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use motcua_platform::{
    clock::Clock,
    error::Error,
    ledger::{Accepted, Ledger, Outcomes, Target, forget_old_requests, write},
    work::Work,
};
use motcua_proto::notification::v1::Template;
use sqlx::Connection;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    jar::{Command, Jars, envelope, numbered, on},
    proxy::Proxy,
    world::World,
};

async fn batch(
    world: &World,
    envelopes: &[motcua_platform::ledger::Envelope<Command>],
) -> Outcomes<Template> {
    let mut connection = sqlx::PgConnection::connect_with(&world.options)
        .await
        .unwrap();
    let feed = world.feed("jars");
    let mut work = Work::begin(&mut connection, &feed).await.unwrap();
    let outcomes = write(
        &Jars,
        &world.vault().await,
        &mut work,
        envelopes,
        Clock::system().now(),
    )
    .await
    .unwrap();
    work.commit().await.unwrap();
    outcomes
}

fn place(accepted: &Accepted<Template>) -> i64 {
    accepted.position.as_ref().unwrap().position
}

#[tokio::test]
async fn each_command_of_a_batch_meets_the_state_that_the_one_before_it_left() {
    let world = World::new().await;
    let outcomes = batch(
        &world,
        &[
            on("j", Command::Put(5)),
            on("j", Command::PutIf(5, 2)),
            on("j", Command::PutIf(5, 2)),
        ],
    )
    .await;
    assert_eq!(outcomes[1].as_ref().unwrap().answer.version, 7);
    assert!(matches!(outcomes[2], Err(Error::Refused(_))));
    assert_eq!(
        world.count("SELECT coins FROM jar WHERE code = 'j'").await,
        7
    );
    assert_eq!(world.count("SELECT count(*) FROM event").await, 2);
}

#[tokio::test]
async fn the_same_request_twice_in_a_batch_happens_once_and_is_answered_twice() {
    let world = World::new().await;
    let id = Uuid::new_v4();
    let put = || envelope(Target::Numbered("J".to_owned()), Command::Put(1), id);
    let other = envelope(Target::Numbered("J".to_owned()), Command::Put(2), id);
    let outcomes = batch(&world, &[put(), put(), other]).await;
    assert_eq!(outcomes[0].as_ref().unwrap(), outcomes[1].as_ref().unwrap());
    assert!(matches!(outcomes[2], Err(Error::RequestIdReused(_))));
    assert_eq!(world.count("SELECT count(*) FROM jar").await, 1);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_after_a_restart_and_from_another_replica() {
    let world = World::new().await;
    let id = Uuid::new_v4();
    let put = || envelope(Target::Key("j".to_owned()), Command::Put(1), id);
    let first = world.ledger().await.execute("a", put()).await.unwrap();
    // That ledger is gone. Meanwhile the jar has filled.
    let replica = world.ledger().await;
    replica
        .execute("a", on("j", Command::Put(10)))
        .await
        .unwrap();
    let again = replica.execute("a", put()).await.unwrap();
    assert_eq!(
        again, first,
        "the first answer, with its position, not the present state"
    );
    let reused = replica
        .execute(
            "a",
            envelope(Target::Key("j".to_owned()), Command::Put(2), id),
        )
        .await;
    assert!(matches!(reused, Err(Error::RequestIdReused(_))));
}

#[tokio::test]
async fn a_repeat_that_waited_for_the_first_gets_its_answer_though_the_move_is_made_already() {
    let world = World::new().await;
    let replicas = [world.ledger().await, world.ledger().await];
    for round in 0..20 {
        let key = format!("j{round}");
        let fill = on(&key, Command::Put(5));
        replicas[0].execute("a", fill).await.unwrap();
        let id = Uuid::new_v4();
        // Allowed once: afterwards the jar no longer holds five.
        let put = || envelope(Target::Key(key.clone()), Command::PutIf(5, 1), id);
        let answers = join_all(
            replicas
                .iter()
                .cycle()
                .take(8)
                .map(|ledger| ledger.execute("a", put())),
        )
        .await;
        let first = answers[0].as_ref().unwrap();
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().unwrap() == first)
        );
    }
}

#[tokio::test]
async fn two_replicas_with_the_same_new_request_at_once_do_it_once() {
    let world = World::new().await;
    let replicas = [world.ledger().await, world.ledger().await];
    for round in 0..20 {
        let id = Uuid::new_v4();
        let key = format!("j{round}");
        let put = || envelope(Target::Key(key.clone()), Command::Put(1), id);
        let (one, two) = tokio::join!(
            replicas[0].execute("a", put()),
            replicas[1].execute("a", put())
        );
        assert_eq!(one.unwrap(), two.unwrap());
    }
    assert_eq!(world.count("SELECT sum(coins)::bigint FROM jar").await, 20);
    assert_eq!(world.count("SELECT count(*) FROM event").await, 20);
}

#[tokio::test]
async fn a_refused_request_is_decided_anew_when_it_is_tried_again() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    let id = Uuid::new_v4();
    let put_if = || envelope(Target::Key("j".to_owned()), Command::PutIf(3, 1), id);
    assert!(matches!(
        ledger.execute("a", put_if()).await,
        Err(Error::Refused(_))
    ));
    ledger.execute("a", on("j", Command::Put(3))).await.unwrap();
    assert_eq!(
        ledger.execute("a", put_if()).await.unwrap().answer.version,
        4
    );
}

#[tokio::test]
async fn refusals_leave_no_gap_in_the_codes_under_64_writers_and_two_replicas() {
    let world = World::new().await;
    let replicas = [world.ledger().await, world.ledger().await];
    let outcomes = join_all((0..640).map(|number| {
        let command = if number % 5 == 0 {
            Command::Refuse
        } else {
            Command::Put(1)
        };
        replicas[number % 2].execute("a", numbered(command))
    }))
    .await;
    let mut codes: Vec<_> = outcomes
        .into_iter()
        .flatten()
        .map(|accepted| accepted.answer.id)
        .collect();
    codes.sort();
    let expected: Vec<_> = (1..=512)
        .map(|number| format!("J-250701-{number:04}"))
        .collect();
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn a_row_that_the_database_refuses_fails_alone_among_64() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    let outcomes = join_all((0..64).map(|number| {
        let command = if number == 37 {
            Command::Put(1_001)
        } else {
            Command::Put(1)
        };
        ledger.execute("a", on(&format!("j{number}"), command))
    }))
    .await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(_) => assert_ne!(number, 37),
            Err(error) => {
                assert_eq!(number, 37);
                assert!(
                    matches!(&error, Error::RowRefused(why) if why.contains("jar_is_not_full")),
                    "{error:?}"
                );
            }
        }
    }
    assert_eq!(world.count("SELECT count(*) FROM jar").await, 63);
    assert_eq!(world.count("SELECT position FROM feed_head").await, 63);
}

#[tokio::test]
async fn a_violated_rule_of_the_schema_is_answered_in_the_words_of_the_domain() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    ledger
        .execute("a", on("j1", Command::Label("salt".to_owned())))
        .await
        .unwrap();
    let error = ledger
        .execute("a", on("j2", Command::Label("salt".to_owned())))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_present_one() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    ledger.execute("a", on("j", Command::Put(1))).await.unwrap();
    let mut put = on("j", Command::Put(1));
    put.etag = "\"0\"".to_owned();
    match ledger.execute("a", put).await {
        Err(Error::Stale { etag, .. }) => assert_eq!(etag, "\"1\""),
        other => panic!("{other:?}"),
    }
    let mut put = on("j", Command::Put(1));
    put.etag = "\"1\"".to_owned();
    ledger.execute("a", put).await.unwrap();
}

#[tokio::test]
async fn a_connection_lost_at_commit_neither_loses_nor_doubles_anything() {
    let world = World::new().await;
    let proxy = Proxy::before(&world.options).await;
    let ledger = world.ledger_through(&proxy.options()).await;
    ledger
        .execute("a", on("warm", Command::Put(1)))
        .await
        .unwrap();
    for round in 0..10 {
        // Cut after the server committed, or before it heard of the commit: the caller must not be able to tell.
        proxy.cut_at_next_commit(round % 2 == 0);
        let accepted = ledger.execute("a", on("j", Command::Put(1))).await.unwrap();
        assert_eq!(accepted.answer.version, round + 1);
        assert!(place(&accepted) > 0);
    }
    assert_eq!(proxy.cuts(), 10);
    assert_eq!(
        world.count("SELECT coins FROM jar WHERE code = 'j'").await,
        10
    );
    assert_eq!(world.count("SELECT count(*) FROM event").await, 11);
}

#[tokio::test]
async fn a_connection_that_falls_silent_at_commit_is_given_up_and_nothing_happens_twice() {
    let world = World::new().await;
    let proxy = Proxy::before(&world.options).await;
    let ledger = world.ledger_through(&proxy.options()).await;
    proxy.silence_at_next_commit();
    let accepted = ledger.execute("a", on("j", Command::Put(1))).await.unwrap();
    assert_eq!((accepted.answer.version, place(&accepted)), (1, 1));
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(world.count("SELECT count(*) FROM event").await, 1);
}

#[tokio::test]
async fn positions_are_dense_and_in_the_order_of_recording() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    join_all(
        (0..200)
            .map(|number| ledger.execute("a", on(&format!("j{}", number % 7), Command::Put(1)))),
    )
    .await;
    let broken = world
        .count(
            "SELECT count(*) FROM (SELECT position - lag(position) OVER (ORDER BY position) AS step, \
             recorded_at - lag(recorded_at) OVER (ORDER BY position) AS later FROM event) AS steps \
             WHERE step <> 1 OR later < interval '0'",
        )
        .await;
    assert_eq!(broken, 0);
    assert_eq!(world.count("SELECT max(position) FROM event").await, 200);
}

#[tokio::test]
async fn lanes_end_when_the_last_handle_is_gone_and_what_was_accepted_is_written() {
    let world = World::new().await;
    let tasks = TaskTracker::new();
    let ledger = Ledger::start(
        &world.feed("jars"),
        &world.vault().await,
        Arc::new(Jars),
        &world.options,
        &world.clock,
        &tasks,
    );
    let putting = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.execute("a", on("j", Command::Put(1))).await }
    });
    putting.await.unwrap().unwrap();
    drop(ledger);
    tasks.close();
    tokio::time::timeout(Duration::from_secs(10), tasks.wait())
        .await
        .unwrap();
}

#[tokio::test]
async fn requests_are_forgotten_after_thirty_days() {
    let world = World::new().await;
    let (clock, hand) = Clock::simulated("2025-07-01T00:00:00Z".parse().unwrap());
    let tasks = TaskTracker::new();
    let ledger = Ledger::start(
        &world.feed("jars"),
        &world.vault().await,
        Arc::new(Jars),
        &world.options,
        &clock,
        &tasks,
    );
    ledger.execute("a", on("j", Command::Put(1))).await.unwrap();
    let drain = CancellationToken::new();
    let forgetting = tokio::spawn(forget_old_requests(
        world.pool.clone(),
        clock,
        drain.clone(),
    ));
    hand.set("2025-07-30T00:00:00Z".parse().unwrap());
    ledger.execute("a", on("j", Command::Put(1))).await.unwrap();
    hand.set("2025-08-01T00:00:00Z".parse().unwrap());
    let left = async || world.count("SELECT count(*) FROM request").await;
    tokio::time::timeout(Duration::from_secs(10), async {
        while left().await != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    drain.cancel();
    forgetting.await.unwrap();
}
