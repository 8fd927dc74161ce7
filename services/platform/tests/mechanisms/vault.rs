//! The vault: whose key it is, what is found, what is erased, and keys that are wrapped anew meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use motcua_platform::{
    database::{Severity, severity},
    error::Error as PlatformError,
    ledger::Target,
    statement::{self, Statement},
    vault::{Aad, Error, Keyring, MasterFile, NewSubject, Newcomer, Vault, Wanted},
};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    jar::{Command, envelope, on},
    world::World,
};

const PLACE: Aad<'_> = Aad {
    table: "statement",
    row: "dossiers/a/1/1",
    column: "body",
};

const AGENCY: &str = "H24.11593";

fn person(identity_number: &str, phone: &str, full_name: &str) -> NewSubject {
    NewSubject {
        identity_number: identity_number.to_owned().into(),
        phone: phone.to_owned().into(),
        full_name: full_name.to_owned().into(),
    }
}

/// A dossier, and whose it is where it is new.
type Arriving<'a> = (&'a str, Option<&'a NewSubject>);

/// As the ledger does: in a transaction, tried again where another replica was quicker.
async fn known(world: &World, vault: &Vault, arriving: &[Arriving<'_>]) -> Keyring {
    let mut connection = world.pool.acquire().await.unwrap();
    for _ in 0..5 {
        match attempt(&mut connection, vault, arriving).await {
            Ok(keyring) => return keyring,
            Err(error) => assert_eq!(severity(&error), Severity::Again, "{error}"),
        }
    }
    panic!("others are always quicker");
}

async fn attempt(
    connection: &mut PgConnection,
    vault: &Vault,
    arriving: &[Arriving<'_>],
) -> Result<Keyring, sqlx::Error> {
    let newcomers: Vec<_> = arriving
        .iter()
        .map(|(_, new)| new.map(|new| vault.newcomer(new)))
        .collect();
    let wanted: Vec<_> = arriving
        .iter()
        .zip(&newcomers)
        .map(|((dossier, _), new)| Wanted {
            dossier,
            agency: AGENCY,
            new: new.as_ref(),
        })
        .collect();
    let mut transaction = connection.begin().await?;
    let keyring = vault.subjects(&mut transaction, &wanted).await?;
    insert(&keyring, &mut transaction).await?;
    transaction.commit().await?;
    Ok(keyring)
}

/// As the ledger's own statement does, among what else a batch leaves.
async fn insert(keyring: &Keyring, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for new in keyring.persons() {
        sqlx::query("INSERT INTO person_key VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(new.person)
            .bind(new.identity.as_deref())
            .bind(&new.agency)
            .bind(&new.period)
            .bind(new.generation)
            .bind(&new.wrapped)
            .execute(&mut *connection)
            .await?;
    }
    for new in keyring.rows() {
        sqlx::query("INSERT INTO subject VALUES ($1, $2, $3)")
            .bind(&new.dossier)
            .bind(new.person)
            .bind(&new.tokens)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn submit(world: &World, vault: &Vault, dossier: &str, who: &NewSubject) -> Keyring {
    known(world, vault, &[(dossier, Some(who))]).await
}

async fn keys(vault: &Vault, dossiers: &[&str]) -> Keyring {
    vault.keys(dossiers).await.unwrap()
}

async fn find(vault: &Vault, like: &NewSubject) -> Vec<String> {
    let sought = vault.sought(like).unwrap();
    vault.find(&sought, "", 100).await.unwrap()
}

async fn erase(world: &World, vault: &Vault, dossier: &str) -> Vec<String> {
    let mut connection = world.pool.acquire().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let held = vault.hold(&mut transaction, &[dossier]).await.unwrap();
    vault
        .destroy(&mut transaction, &held, world.clock.now())
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    held.dossiers
}

#[tokio::test]
async fn what_one_replica_sealed_another_one_opens_and_only_for_its_own_dossier_and_place() {
    let world = World::new().await;
    let (one, two) = (world.vault().await, world.vault().await);
    let thu = person("", "0900000001", "Nguyễn Thị Thử");
    let sealing = known(&world, &one, &[("a", Some(&thu)), ("b", Some(&thu))]).await;
    let sealed = sealing.seal("a", &PLACE, b"said").unwrap();
    let opening = keys(&two, &["a", "b", "c"]).await;
    assert_eq!(opening.open_text("a", &PLACE, &sealed).unwrap(), "said");
    // Nobody knows that they are one person's: each has a key of its own.
    assert!(matches!(
        opening.open("b", &PLACE, &sealed),
        Err(Error::Damaged)
    ));
    let elsewhere = Aad {
        row: "dossiers/a/1/2",
        ..PLACE
    };
    assert!(matches!(
        opening.open("a", &elsewhere, &sealed),
        Err(Error::Damaged)
    ));
    assert!(matches!(
        opening.open("c", &PLACE, &sealed),
        Err(Error::Unknown(_))
    ));
}

#[tokio::test]
async fn dossiers_of_one_identity_number_are_one_persons_in_a_batch_and_across_replicas() {
    let world = World::new().await;
    let replicas = [world.vault().await, world.vault().await];
    let thu = person("079 199 000 001", "", "Thử");
    let same = person("079199000001", "", "Nguyễn Thị Thử");
    let batch = [("a", Some(&thu)), ("b", Some(&same)), ("c", None)];
    known(&world, &replicas[0], &batch).await;
    assert_eq!(world.count("SELECT count(*) FROM person_key").await, 2);
    submit(&world, &replicas[1], "d", &same).await;
    assert_eq!(world.count("SELECT count(*) FROM person_key").await, 2);

    // All at once, again and again.
    for round in 0..10 {
        let new = person(&format!("07919900100{round}"), "", "Mới");
        let codes: Vec<_> = (0..6).map(|place| format!("r{round}-{place}")).collect();
        join_all(
            codes
                .iter()
                .zip(replicas.iter().cycle())
                .map(|(code, vault)| submit(&world, vault, code, &new)),
        )
        .await;
    }
    assert_eq!(world.count("SELECT count(*) FROM person_key").await, 12);
    assert_eq!(world.count("SELECT count(*) FROM subject").await, 64);
}

#[tokio::test]
async fn a_dossier_that_two_replicas_meet_at_once_for_the_first_time_gets_one_key() {
    let world = World::new().await;
    let replicas = [world.vault().await, world.vault().await];
    for round in 0..10 {
        let code = format!("w{round}");
        let batch = [(&code[..], None)];
        let (one, two) = tokio::join!(
            known(&world, &replicas[0], &batch),
            known(&world, &replicas[1], &batch)
        );
        let sealed = one.seal(&code, &PLACE, b"said").unwrap();
        assert_eq!(two.open_text(&code, &PLACE, &sealed).unwrap(), "said");
    }
    assert_eq!(world.count("SELECT count(*) FROM person_key").await, 10);
}

#[tokio::test]
async fn a_dossier_is_found_by_number_phone_and_words_of_the_name_in_several_spellings() {
    let world = World::new().await;
    let vault = world.vault().await;
    let people = [
        ("d1", person("B1234567", "0900 000 001", "Dương Thị Hoà")),
        ("d2", person("", "+84900000002", "Đường Văn Thử")),
        (
            "d3",
            person("b 1234567", "", "D\u{1b0}\u{1a1}ng Th\u{1ecb} Ho\u{0300}a"),
        ),
    ];
    for (code, who) in &people {
        submit(&world, &vault, code, who).await;
    }
    for (like, found) in [
        (person("B-123 4567", "", ""), vec!["d1", "d3"]),
        (person("", "84900000001", ""), vec!["d1"]),
        (person("", "0900.000.002", ""), vec!["d2"]),
        (person("", "", "duong"), vec!["d1", "d2", "d3"]),
        (person("", "", "HÒA dương"), vec!["d1", "d3"]),
        (person("", "", "đường"), vec!["d2"]),
        (person("", "", "duong thu"), vec!["d2"]),
        (person("B1234567", "0900000001", "hoa"), vec!["d1"]),
        (person("", "0900000003", ""), vec![]),
        (person("B7654321", "", ""), vec![]),
    ] {
        assert_eq!(find(&vault, &like).await, found, "{found:?}");
    }
    for nothing in [
        person("", "", ""),
        person("…", "", ""),
        person("", "-", "duong"),
        person("", "", "…"),
    ] {
        assert_eq!(vault.sought(&nothing), None);
    }
}

#[tokio::test]
async fn an_erased_person_is_neither_read_nor_found_in_any_dossier_nor_after_a_rotation() {
    let world = World::new().await;
    let (vault, replica) = (world.vault().await, world.vault().await);
    let thu = person("079199000001", "0900000001", "Nguyễn Thị Thử");
    let other = person("079199000002", "0900000001", "Nguyễn Văn Khác");
    let mut keyring = submit(&world, &vault, "a", &thu).await;
    let sealed = keyring.seal("a", &PLACE, b"said").unwrap();
    vault.remember(&mut keyring);
    submit(&world, &vault, "b", &thu).await;
    submit(&world, &vault, "c", &other).await;

    assert_eq!(erase(&world, &vault, "b").await, ["a", "b"]);
    for vault in [&vault, &replica] {
        let keyring = keys(vault, &["a", "b", "c"]).await;
        assert!(matches!(
            keyring.open("a", &PLACE, &sealed),
            Err(Error::Erased)
        ));
        // What is said of it from now on is not kept.
        let later = keyring.seal("a", &PLACE, b"later").unwrap();
        assert!(later.is_empty());
        assert!(matches!(
            keyring.open("a", &PLACE, &later),
            Err(Error::Erased)
        ));
    }
    assert_eq!(find(&vault, &thu).await, [""; 0]);
    assert_eq!(find(&vault, &person("", "0900000001", "")).await, ["c"]);

    world.master.rotate().unwrap();
    vault.rotate_master().await.unwrap();
    let rotated = vault.rotate_agency_keys(Duration::ZERO).await.unwrap();
    assert_eq!(rotated.by_agency, 1);
    let keyring = keys(&world.vault().await, &["a"]).await;
    assert!(matches!(
        keyring.open("a", &PLACE, &sealed),
        Err(Error::Erased)
    ));
    assert_eq!(vault.status().await.unwrap().destroyed, 1);

    // Who comes back is somebody new.
    submit(&world, &vault, "d", &thu).await;
    assert_eq!(find(&vault, &thu).await, ["d"]);
    assert_eq!(erase(&world, &vault, "a").await, ["a", "b"]);
    assert_eq!(find(&vault, &thu).await, ["d"]);
}

#[tokio::test]
async fn nobody_gets_a_new_dossier_while_it_is_judged_whether_they_may_be_erased() {
    let world = World::new().await;
    let vault = world.vault().await;
    let thu = person("079199000001", "", "Thử");
    submit(&world, &vault, "a", &thu).await;
    let mut connection = world.pool.acquire().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let held = vault.hold(&mut transaction, &["a"]).await.unwrap();
    let (arriving, ()) = tokio::join!(submit(&world, &vault, "b", &thu), async {
        vault
            .destroy(&mut transaction, &held, world.clock.now())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    });
    let sealed = arriving.seal("b", &PLACE, b"said").unwrap();
    let keyring = keys(&world.vault().await, &["a", "b"]).await;
    assert_eq!(keyring.open_text("b", &PLACE, &sealed).unwrap(), "said");
}

#[tokio::test]
async fn another_master_is_told_apart_and_changes_nothing() {
    let world = World::new().await;
    let vault = world.vault().await;
    let keyring = submit(&world, &vault, "a", &person("", "", "Thử")).await;
    let sealed = keyring.seal("a", &PLACE, b"said").unwrap();
    let other = MasterFile::create(&world.secrets().join("other.key")).unwrap();
    let error = world.vault_with(Arc::new(other)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the master key does not fit this database"),
        "{error}"
    );
    let keyring = keys(&world.vault().await, &["a"]).await;
    assert_eq!(keyring.open_text("a", &PLACE, &sealed).unwrap(), "said");
}

#[tokio::test]
async fn a_key_that_was_moved_to_another_person_opens_nothing() {
    let world = World::new().await;
    let vault = world.vault().await;
    submit(&world, &vault, "a", &person("1", "", "")).await;
    submit(&world, &vault, "b", &person("2", "", "")).await;
    sqlx::query(
        "UPDATE person_key SET wrapped = (SELECT wrapped FROM person_key ORDER BY person LIMIT 1)",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let error = vault.keys(&["a", "b"]).await.unwrap_err();
    assert!(error.to_string().contains("does not open"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_wrapped_anew_while_everybody_writes_and_the_old_master_can_go() {
    let world = World::new().await;
    let vault = world.vault().await;
    let old = person("079199000001", "0900000001", "Thử");
    let sealed = submit(&world, &vault, "old", &old)
        .await
        .seal("old", &PLACE, b"said")
        .unwrap();

    let done = AtomicBool::new(false);
    let writing = async {
        let mut written = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let code = format!("n{}", written.len());
            let keyring = submit(&world, &vault, &code, &old).await;
            written.push((keyring.seal(&code, &PLACE, b"said").unwrap(), code));
        }
        written
    };
    // As another process does it, once and again.
    let rotating = async {
        let rotator = world.vault().await;
        for generation in 2..5 {
            assert_eq!(world.master.rotate().unwrap(), generation);
            rotator.rotate_master().await.unwrap();
            rotator.rotate_agency_keys(Duration::ZERO).await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
    };
    let (written, ()) = tokio::join!(writing, rotating);
    assert!(!written.is_empty());

    let rotator = world.vault().await;
    rotator.rotate_master().await.unwrap();
    rotator
        .rotate_agency_keys(Duration::from_secs(3600))
        .await
        .unwrap();
    let status = rotator.status().await.unwrap();
    assert_eq!((status.persons, status.outdated), (1, 0));
    assert_eq!(status.by_master.len(), 1);
    assert_eq!(status.by_master[0].0, "4");
    world.master.retire().unwrap();

    let fresh = world.vault().await;
    assert_eq!(find(&fresh, &old).await.len(), written.len() + 1);
    let keyring = keys(&fresh, &["old"]).await;
    assert_eq!(keyring.open_text("old", &PLACE, &sealed).unwrap(), "said");
    for (sealed, code) in &written {
        let keyring = keys(&fresh, &[code]).await;
        assert_eq!(keyring.open_text(code, &PLACE, sealed).unwrap(), "said");
    }
    assert_eq!(
        rotator.rotate_master().await.unwrap(),
        motcua_platform::vault::Rotated::default(),
        "nothing is left to do"
    );
}

#[tokio::test]
async fn a_digest_is_the_databases_own_and_survives_a_rotation() {
    let (world, elsewhere) = (World::new().await, World::new().await);
    let vault = world.vault().await;
    let digest = vault.digest(b"0900000001");
    assert_eq!(world.vault().await.digest(b"0900000001"), digest);
    assert_ne!(elsewhere.vault().await.digest(b"0900000001"), digest);
    world.master.rotate().unwrap();
    vault.rotate_master().await.unwrap();
    world.master.retire().unwrap();
    assert_eq!(world.vault().await.digest(b"0900000001"), digest);
}

#[tokio::test]
async fn the_database_holds_no_word_of_a_person() {
    let world = World::new().await;
    let vault = world.vault().await;
    let who = person("079199000001", "0900000001", "Nguyễn Thị Thử");
    submit(&world, &vault, "a", &who).await;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT person_key::text FROM person_key UNION ALL SELECT subject::text FROM subject",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        for word in ["0900000001", "079199000001", "thử", "thu", "Nguyễn"] {
            assert!(!row.contains(word));
        }
    }
}

#[tokio::test]
async fn what_was_said_and_answered_lies_sealed_and_goes_with_the_person() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    let id = Uuid::new_v4();
    let put = || envelope(Target::Key("j".to_owned()), Command::Put(1), id);
    let vault = world.vault().await;
    let newcomer = vault.newcomer(&person("", "0900000001", ""));
    let say = |words: &str| on("j", Command::Say(words.to_owned(), newcomer.clone()));
    ledger.execute("a", say("Nguyễn Thị Thử")).await.unwrap();
    let first = ledger.execute("a", put()).await.unwrap();
    ledger.execute("a", say("0900000009")).await.unwrap();

    let said = latest(&world, &vault).await.unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].revision, 3);
    assert_eq!(said[0].body.expose(), "0900000009");
    assert_eq!(said[0].ground.expose(), "house rule 2");
    assert_eq!(find(&vault, &person("", "0900000001", "")).await, ["j"]);
    let stored: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT body FROM statement UNION ALL SELECT ground FROM statement UNION ALL SELECT answer FROM request",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert_eq!(stored.len(), 7);
    for value in stored {
        assert_eq!(value[0], 1, "the format of what is sealed");
        let text = String::from_utf8_lossy(&value).into_owned();
        for word in ["Thử", "09000", "house", "jars/"] {
            assert!(!text.contains(word));
        }
    }
    // A replica gives the recorded answer.
    let replica = world.ledger().await;
    assert_eq!(replica.execute("a", put()).await.unwrap(), first);

    assert_eq!(erase(&world, &vault, "j").await, ["j"]);
    let fresh = world.ledger().await;
    assert!(matches!(
        fresh.execute("a", put()).await,
        Err(PlatformError::Erased { name }) if name == "jars/j"
    ));
    assert!(matches!(
        latest(&world, &vault).await,
        Err(PlatformError::Erased { .. })
    ));
    // The history goes on; what is said with it is not kept.
    fresh.execute("a", say("Nguyễn Thị Thử")).await.unwrap();
    assert!(matches!(
        latest(&world, &world.vault().await).await,
        Err(PlatformError::Erased { .. })
    ));
}

#[tokio::test]
async fn a_statement_that_was_moved_to_another_row_does_not_open() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    for words in ["first", "second"] {
        let say = on("j", Command::Say(words.to_owned(), Newcomer::default()));
        ledger.execute("a", say).await.unwrap();
    }
    // Nobody who works here may do that: it takes the owner.
    let mut owner = PgConnection::connect_with(&world.owner).await.unwrap();
    sqlx::query("UPDATE statement SET body = (SELECT body FROM statement WHERE revision = 1)")
        .execute(&mut owner)
        .await
        .unwrap();
    let vault = world.vault().await;
    assert!(matches!(
        latest(&world, &vault).await,
        Err(PlatformError::Fault(why)) if why.contains("does not open")
    ));
}

#[tokio::test]
async fn keys_of_a_batch_that_was_rolled_back_are_nobodys() {
    let world = World::new().await;
    let ledger = world.ledger().await;
    let say = |key: &str| on(key, Command::Say("said".to_owned(), Newcomer::default()));
    ledger
        .execute("a", on("salted", Command::Label("salt".to_owned())))
        .await
        .unwrap();
    // One row is refused for a constraint: the halves are written apart, each with keys of its own.
    let (refused, said) = tokio::join!(
        ledger.execute("a", on("again", Command::Label("salt".to_owned()))),
        futures::future::join_all(["k1", "k2", "k3"].map(|key| ledger.execute("a", say(key))))
    );
    assert!(refused.is_err());
    let vault = world.vault().await;
    for (key, accepted) in ["k1", "k2", "k3"].into_iter().zip(said) {
        accepted.unwrap();
        let mut connection = world.pool.acquire().await.unwrap();
        let name = format!("jars/{key}");
        let said = statement::latest(&mut connection, &vault, key, &name)
            .await
            .unwrap();
        assert_eq!(said[0].body.expose(), "said");
    }
}

async fn latest(world: &World, vault: &Vault) -> Result<Vec<Statement>, PlatformError> {
    let mut connection = world.pool.acquire().await.unwrap();
    statement::latest(&mut connection, vault, "j", "jars/j").await
}
