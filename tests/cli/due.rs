//! `motcua due`: a date by law and its reasons, without a database.

use crate::support::{Output, motcua};

async fn due(args: &[&str]) -> Output {
    motcua(&[&["due"], args].concat(), &[]).await
}

#[tokio::test]
async fn three_working_days_over_tet_are_explained_day_by_day() {
    let answer = due(&[
        "--received",
        "2026-02-13T15:20",
        "--limit",
        "3 working days",
    ])
    .await;
    assert!(answer.ok, "{answer:?}");
    // Tết is from Monday the 16th to Friday the 20th.
    for line in [
        "received         ",
        "Fri 2026-02-13        -  first day, left out (Civil Code, art. 147)",
        "Tue 2026-02-17        -  holiday: Tết Nguyên Đán",
        "Sun 2026-02-22        -  weekly day off",
        "Mon 2026-02-23        1  working day",
        "Wed 2026-02-25        3  working day",
        "due              ",
        "2026-02-25 17:00",
    ] {
        assert!(
            answer.stdout.contains(line),
            "no '{line}' in\n{}",
            answer.stdout
        );
    }
}

#[tokio::test]
async fn the_same_as_json_for_machines() {
    let limit = [
        "--received",
        "2026-02-13T15:20",
        "--limit",
        "3 working days",
        "--json",
    ];
    let value: serde_json::Value = serde_json::from_str(&due(&limit).await.stdout).expect("JSON");
    assert_eq!(value["due_at"], "2026-02-25T10:00:00Z");
    assert_eq!(value["too_late_from"], "2026-02-25T17:00:00Z");
    let lines = value["lines"].as_array().expect("lines");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line["counted"].is_number())
            .count(),
        3
    );

    let held = [&limit[..], &["--hold", "2026-02-23T09:00/2026-02-25T10:00"]].concat();
    let value: serde_json::Value = serde_json::from_str(&due(&held).await.stdout).expect("JSON");
    // Two working days were held: Wednesday the 25th moves to Friday the 27th.
    assert_eq!(value["due_at"], "2026-02-27T10:00:00Z");
}

#[tokio::test]
async fn a_same_day_limit_has_a_cut_off() {
    let at = |received| ["--received", received, "--limit", "same day", "--json"];
    for (received, due_at) in [
        ("2025-07-01T15:00", "2025-07-01T10:00:00Z"),
        ("2025-07-01T15:01", "2025-07-02T10:00:00Z"),
    ] {
        let value: serde_json::Value =
            serde_json::from_str(&due(&at(received)).await.stdout).expect("JSON");
        assert_eq!(value["due_at"], due_at, "{received}");
    }
    let later = [&at("2025-07-01T15:01")[..], &["--cutoff", "16:00"]].concat();
    let value: serde_json::Value = serde_json::from_str(&due(&later).await.stdout).expect("JSON");
    assert_eq!(value["due_at"], "2025-07-01T10:00:00Z");
}

#[tokio::test]
async fn stages_are_explained_one_after_the_other() {
    let answer = due(&["--procedure", "2.001263", "--received", "2026-03-06T09:00"]).await;
    assert!(answer.ok, "{answer:?}");
    for line in [
        "limit            10 working days then 15 calendar days then 5 working days",
        "Fri 2026-03-06        -  stage 1 of 3: 10 working days",
        "Fri 2026-03-20       10  working day",
        "Fri 2026-03-20        -  stage 2 of 3: 15 calendar days",
        "Sat 2026-04-04       15  weekly day off",
        "Mon 2026-04-06        -  next working day",
        "Mon 2026-04-06        -  stage 3 of 3: 5 working days",
        "due              Mon 2026-04-13 17:00",
    ] {
        assert!(
            answer.stdout.contains(line),
            "no '{line}' in\n{}",
            answer.stdout
        );
    }
}

#[tokio::test]
async fn what_means_nothing_is_refused_in_words() {
    for (args, words) in [
        (
            &["--received", "2026-02-13T15:20", "--limit", "3 weeks"][..],
            "3 weeks",
        ),
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "0 working days",
            ],
            "0 working days",
        ),
        (
            &["--received", "yesterday", "--limit", "same day"],
            "yesterday",
        ),
        (&["--received", "2026-02-13T15:20"], "--limit"),
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "2 working days",
                "--cutoff",
                "15:00",
            ],
            "--cutoff",
        ),
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "same day",
                "--hold",
                "2026-02-13T16:00",
            ],
            "FROM/TO",
        ),
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "same day",
                "--hold",
                "2026-02-14T09:00/2026-02-13T09:00",
            ],
            "end before it begins",
        ),
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "same day",
                "--catalog",
                "/no/such/directory",
            ],
            "/no/such/directory",
        ),
    ] {
        let answer = due(args).await;
        assert!(
            !answer.ok && answer.stdout.is_empty(),
            "{args:?}: {answer:?}"
        );
        assert!(
            answer.stderr.contains(words),
            "{args:?}: no '{words}' in {}",
            answer.stderr
        );
    }
}

#[tokio::test]
async fn a_procedure_is_explained_with_each_of_its_limits() {
    let asked = ["--received", "2026-02-13T15:20", "--procedure"];
    let answer = due(&[&asked[..], &["1.000894"]].concat()).await;
    assert!(answer.ok, "{answer:?}");
    // After the cut-off: the day after Tết; or three working days, where it has to be verified.
    for line in [
        "2026-02-23 17:00",
        "Where 'verified' is chosen during the work:",
        "2026-02-25 17:00",
    ] {
        assert!(answer.stdout.contains(line), "no '{line}' in {answer:?}");
    }
    let answer = due(&[&asked[..], &["1.000894", "--json"]].concat()).await;
    let value: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(value["limits"][0]["due_at"], "2026-02-23T10:00:00Z");
    assert_eq!(value["limits"][1]["chosen"], "verified");
    assert_eq!(value["limits"][1]["due_at"], "2026-02-25T10:00:00Z");
    let answer = due(&[&asked[..], &["9.999999"]].concat()).await;
    assert!(
        !answer.ok && answer.stderr.contains("9.999999"),
        "{answer:?}"
    );
    let answer = due(&asked[..2]).await;
    assert!(
        !answer.ok && answer.stderr.contains("--limit"),
        "{answer:?}"
    );
}
