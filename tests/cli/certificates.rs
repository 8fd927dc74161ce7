//! From `motcua certs init` to services that speak TLS with each other and with whoever asks.

use std::fs;

use motcua_platform::tls::Tls;

use crate::support::{Identities, Service, Setup, Suite, motcua, wait_until};

#[tokio::test]
async fn services_apart_know_each_other_by_the_certificates_that_were_made() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = place.path().join("certificates");
    let path = directory.to_str().expect("UTF-8");
    let made = motcua(
        &["certs", "init", path, "--host", "counter.example.org"],
        &[],
    )
    .await;
    assert!(
        made.ok && made.stdout.contains("statistics.motcua.internal"),
        "{made:?}"
    );

    let suite = Suite::with(Setup {
        certificates: Some(directory.clone()),
        apart: true,
        ..Setup::default()
    })
    .await;
    let address = suite.address(Service::Statistics).to_owned();
    assert!(address.starts_with("https://"), "{address}");

    // Statistics has reached the three that it follows: each knows what it is asked for.
    let certificates = ("MOTCUA_CERTIFICATES", path.to_owned());
    let url = ("MOTCUA_STATISTICS_URL", address.clone());
    let secrets = (
        "MOTCUA_SECRETS",
        Identities::get().secrets().display().to_string(),
    );
    let environment = [certificates, url, secrets];
    let asked = ["feed", "followers", "statistics"];
    wait_until("statistics follows", async || {
        let followers = motcua(&asked, &environment).await;
        let follows = followers.stdout.matches("(lag 0)").count();
        if follows == 3 {
            Ok(())
        } else {
            Err(format!("{followers:?}"))
        }
    })
    .await;

    let healthy = ["health", "--of", "statistics", "--url", &address];
    let answer = motcua(&healthy, &environment).await;
    assert!(answer.ok && answer.stdout.contains("SERVING"), "{answer:?}");
    for (wrong, environment, said) in [
        // Somebody else is meant.
        (
            ["health", "--of", "intake", "--url", &address],
            &environment[..],
            "nobody answers",
        ),
        // Without the authority nobody can be verified.
        (healthy, &[], "certificates"),
        (
            ["health", "--service", "", "--url", &address],
            &environment,
            "--of",
        ),
    ] {
        let answer = motcua(&wrong, environment).await;
        assert!(!answer.ok && answer.stderr.contains(said), "{answer:?}");
    }
    let plain = address.replace("https://", "http://");
    let answer = motcua(&["health", "--url", &plain], &[]).await;
    assert!(!answer.ok, "{answer:?}");

    // Renewed under the running services, which say so and serve on.
    let renewed = motcua(&["certs", "init", path], &[]).await;
    assert!(renewed.ok, "{renewed:?}");
    wait_until("the services take the renewed certificates", async || {
        let log = suite.log();
        let renewals = log.matches("new connections use them").count();
        if renewals == 4 { Ok(()) } else { Err(log) }
    })
    .await;
    let answer = motcua(&healthy, &environment).await;
    assert!(answer.ok, "{answer:?}");
    assert!(suite.serves(Service::Intake, "").await);
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_found_out_at_the_start() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().to_str().expect("UTF-8");
    let serve = [
        "serve",
        "intake",
        "--listen",
        "0.0.0.0:0",
        "--certificates",
        path,
    ];
    let answer = motcua(&serve, &[]).await;
    assert!(
        !answer.ok && answer.stderr.contains(&format!("motcua certs init {path}")),
        "{answer:?}"
    );
    assert!(motcua(&["certs", "init", path], &[]).await.ok);
    Tls::check(place.path(), "intake").expect("what init made is sound");
    // With them it may be reached by others; now the database is what is missing.
    let answer = motcua(&serve, &[]).await;
    assert!(answer.stderr.contains("DATABASE_URL"), "{answer:?}");
    fs::copy(
        place.path().join("workflow.pem"),
        place.path().join("intake.pem"),
    )
    .expect("copied");
    let answer = motcua(&serve, &[]).await;
    assert!(
        !answer.ok && answer.stderr.contains("does not belong to"),
        "{answer:?}"
    );
}
