//! Starting it, rightly and wrongly.

use std::time::Duration;

use crate::support::{Databases, Identities, Output, motcua};

/// A command that is meant to end by itself, at once.
async fn fails(args: &[&str], environment: &[(&str, String)]) -> Output {
    let ended = tokio::time::timeout(Duration::from_secs(20), motcua(args, environment)).await;
    let answer = ended.unwrap_or_else(|_| panic!("{args:?} goes on"));
    assert!(!answer.ok, "{args:?}: {answer:?}");
    answer
}

#[tokio::test]
async fn every_key_is_shown_and_what_is_shown_can_be_used() {
    let shown = motcua(&["config"], &[]).await;
    assert!(
        shown.ok && shown.stdout.contains("database_url") && shown.stdout.contains("DATABASE_URL"),
        "{shown:?}"
    );
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("motcua.toml");
    std::fs::write(&file, &shown.stdout).expect("written");
    let file = file.to_str().expect("UTF-8");
    // It gets as far as finding that a single service needs a database.
    let answer = fails(
        &[
            "serve",
            "intake",
            "--listen",
            "127.0.0.1:0",
            "--config",
            file,
        ],
        &[],
    )
    .await;
    assert!(
        answer.stderr.contains("DATABASE_URL is needed"),
        "{answer:?}"
    );
    std::fs::write(file, "listne = \"127.0.0.1:0\"\n").expect("written");
    let answer = fails(&["serve", "intake", "--config", file], &[]).await;
    assert!(
        answer.stderr.contains("listne") && answer.stderr.contains("motcua config"),
        "{answer:?}"
    );
    std::fs::write(file, "drain_seconds = \"soon\"\n").expect("written");
    let answer = fails(&["serve", "intake", "--config", file], &[]).await;
    assert!(
        answer.stderr.contains("drain_seconds") || answer.stderr.contains("soon"),
        "{answer:?}"
    );
    let answer = fails(&["serve", "intake", "--config", "/no/such/file.toml"], &[]).await;
    assert!(answer.stderr.contains("/no/such/file.toml"), "{answer:?}");
}

#[tokio::test]
async fn an_address_that_others_reach_needs_to_be_asked_for() {
    let databases = Databases::empty().await;
    let secrets = Identities::get().secrets().display().to_string();
    let url = [
        ("DATABASE_URL", databases.url().to_owned()),
        ("MOTCUA_SECRETS", secrets),
    ];
    let answer = fails(&["serve", "intake", "--listen", "0.0.0.0:0"], &url).await;
    assert!(answer.stderr.contains("--insecure"), "{answer:?}");
    let answer = fails(
        &[
            "serve",
            "intake",
            "--listen",
            "127.0.0.1:0",
            "--simulated-clock",
            "/no/clock",
        ],
        &url,
    )
    .await;
    assert!(answer.stderr.contains("--insecure"), "{answer:?}");
    let answer = fails(
        &[
            "serve",
            "intake",
            "--listen",
            "127.0.0.1:0",
            "--insecure",
            "--simulated-clock",
            "/no/clock",
        ],
        &url,
    )
    .await;
    assert!(answer.stderr.contains("/no/clock"), "{answer:?}");
    let answer = fails(&["serve", "intake", "--listen", "somewhere"], &url).await;
    assert!(answer.stderr.contains("somewhere"), "{answer:?}");
    let answer = fails(
        &["migrate"],
        &[("DATABASE_URL", "mysql://root@localhost".to_owned())],
    )
    .await;
    assert!(answer.stderr.contains("PostgreSQL URL"), "{answer:?}");
    let answer = fails(&["migrate"], &[]).await;
    assert!(answer.stderr.contains("DATABASE_URL"), "{answer:?}");
}

#[tokio::test]
async fn a_port_that_somebody_has_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let databases = Databases::empty().await;
    let url = [("DATABASE_URL", databases.url().to_owned())];
    let answer = fails(&["serve", "intake", "--listen", &address], &url).await;
    assert!(answer.stderr.contains(&address), "{answer:?}");
}
