//! Each wall between agencies, with the others taken down.

use std::sync::Arc;

use motcua_platform::{
    archive::Archive,
    clock::Clock,
    database::{self, Base},
    error::Error,
    feed::Feed,
    identity::Principal,
    ledger::{Aggregate as _, Asked, Authority, Envelope, Ledger, Subject, Target},
    policy::{self, Admission},
    postgres::{DataDir, Options, Server},
    vault::{MasterFile, Vault},
};
use motcua_proto::r#type::v1::Role;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Filter, Messages, PENDING, get, list};
use crate::{
    MIGRATIONS, SERVICE,
    domain::message::{Command, Outcome, Queue, Record},
};

const OURS: &str = "00000000-0000-4000-8000-000000000001";
const THEIRS: &str = "00000000-0000-4000-8000-000000000002";

/// An officer of one ward, as the policy of sending messages lets them in.
fn officer(ward: &str) -> (Principal, Admission) {
    let principal = Principal::of(&format!("officer-{ward}-1"), &[Role::Officer], &[ward]);
    let send = policy::of("motcua.notification.v1.MessageService/SendMessage").unwrap();
    let admission = policy::judge(send, Some(&principal), None).unwrap();
    (principal, admission)
}

fn envelope(id: &str, authority: Authority, command: Command) -> Envelope<Command> {
    let target = Target::Key(id.to_owned());
    Envelope {
        authority,
        ..Envelope::by_rule(SERVICE, target, command, String::new())
    }
}

fn queue(ward: &str) -> Command {
    Command::Queue(Queue {
        subject: Subject {
            dossier: format!("H24.{ward}-250701-0001"),
            agency: ward.to_owned(),
            procedure: "1.000656".to_owned(),
        },
        template: "receipt".to_owned(),
        send_at: None,
        cause: String::new(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wall_stands_alone() {
    let server = Server::start(Options::new(DataDir::Temporary))
        .await
        .unwrap();
    let base: Base = server.base_url().parse().unwrap();
    base.prepare(SERVICE, &MIGRATIONS).await.unwrap();
    // The owner, whom row-level security does not hold.
    let owner = base.owner(SERVICE);
    let (clock, _) = Clock::simulated("2025-07-01T01:00:00Z".parse().unwrap());
    let (drain, tracker) = (CancellationToken::new(), TaskTracker::new());
    let feed = Feed::start(
        SERVICE,
        database::pool(owner.clone()),
        owner.clone(),
        clock.clone(),
        PENDING,
        drain.clone(),
    );
    let aggregate = Arc::new(Messages { channel: "file" });
    let vault = Vault::open(Arc::new(MasterFile::passing().unwrap()), &owner, &clock)
        .await
        .unwrap();
    let ledger = Ledger::start(
        &feed,
        &vault,
        Arc::clone(&aggregate),
        &owner,
        &clock,
        &tracker,
    );
    for (id, ward) in [(OURS, "11593"), (THEIRS, "11407")] {
        let queued = envelope(id, Authority::of_service(SERVICE), queue(ward));
        ledger.execute(ward, queued).await.unwrap();
    }
    let (principal, admission) = officer("11593");
    row_level_security(&base, &admission).await;
    the_program(&base, &admission).await;
    the_ledger(&ledger, &Authority::of(&principal, &admission)).await;

    // And PostgreSQL judges what it gives to the ledger.
    let mut connection = PgConnection::connect_with(&owner).await.unwrap();
    let asked = Asked {
        keys: vec![OURS.to_owned(), THEIRS.to_owned(), THEIRS.to_owned()],
        reaches: ["11593", "11593", "11407"].map(str::to_owned).to_vec(),
    };
    let given = aggregate.load(&mut connection, &asked).await.unwrap();
    let mut places: Vec<_> = given.into_iter().map(|(place, _)| place).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 2]);

    connection.close().await.ok();
    drop(ledger);
    drain.cancel();
    tracker.close();
    tracker.wait().await;
    server.stop().await.unwrap();
}

/// Queries that ask for everything, on a connection that reads for somebody.
async fn row_level_security(base: &Base, admission: &Admission) {
    let archive = Archive::new(base.reader(SERVICE));
    let mut reading = archive.open(&admission.scope).await.unwrap();
    for (query, found) in [
        ("SELECT id FROM message", &[OURS][..]),
        ("SELECT dossier FROM event", &["H24.11593-250701-0001"]),
    ] {
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut *reading)
            .await
            .unwrap();
        assert_eq!(rows, found, "{query}");
    }
    for query in ["SELECT FROM request", "DELETE FROM message"] {
        let mut reading = archive.open(&admission.scope).await.unwrap();
        assert!(
            reading.execute(AssertSqlSafe(query)).await.is_err(),
            "{query}"
        );
    }
}

/// The store's own queries, on a connection that row-level security does not hold.
async fn the_program(base: &Base, admission: &Admission) {
    let archive = Archive::new(base.owner(SERVICE));
    let mut reading = archive.open(&admission.scope).await.unwrap();
    assert!(get(&mut reading, OURS).await.unwrap().is_some());
    assert!(get(&mut reading, THEIRS).await.unwrap().is_none());
    for (dossier, phases, found) in [
        ("", &[][..], 1),
        ("", &[1, 2], 1),
        ("H24.11593-250701-0001", &[], 1),
        ("H24.11407-250701-0001", &[], 0),
        ("H24.11407-250701-0001", &[1], 0),
    ] {
        let filter = Filter {
            dossier: dossier.to_owned(),
            phases: phases.to_vec(),
            after: None,
            size: 10,
        };
        let listed = list(&mut reading, filter).await.unwrap();
        assert_eq!(listed.len(), found, "{dossier} {phases:?}");
        assert!(listed.iter().all(|message| message.agency == "11593"));
    }
}

/// Commands in a ward's name, on a connection that row-level security does not hold.
async fn the_ledger(ledger: &Ledger<Messages>, authority: &Authority) {
    let record = || {
        Command::Record(Record {
            attempt: 1,
            outcome: Outcome::Sent,
        })
    };
    // Another ward's message is none; and nobody makes what they could not see.
    for (id, command) in [
        (THEIRS, record()),
        ("00000000-0000-4000-8000-000000000003", record()),
        ("00000000-0000-4000-8000-000000000003", queue("11407")),
    ] {
        let answer = ledger.execute("11593", envelope(id, authority.clone(), command));
        let missing = format!("messages/{id}");
        assert!(matches!(answer.await, Err(Error::Missing { name }) if name == missing));
    }
    let own = envelope(OURS, authority.clone(), record());
    assert!(ledger.execute("11593", own).await.is_ok());
}
