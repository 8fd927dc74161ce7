//! `motcua due`: a date by law and its reasons, without a database.

use std::{fs, path::Path};

use crate::support::{Output, ROOT, motcua};

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
        "Fri 2026-02-13        -  first day, left out (Civil Code 2015, art. 147)",
        "Tue 2026-02-17        -  holiday: Tết Nguyên Đán (Labour Code 2019, art. 112)",
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

    assert_eq!(lines[0]["article"], "Civil Code 2015, art. 147");
    assert!(lines[1]["article"].is_null(), "a Saturday is a Saturday");

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

/// The catalog that comes with the software, whose counters receive residence matters on Saturday mornings too.
fn with_residence_on_saturday() -> tempfile::TempDir {
    let shipped = Path::new(ROOT).join("deploy/catalog");
    let dir = tempfile::TempDir::new().expect("a directory");
    fs::create_dir(dir.path().join("definitions")).expect("a directory");
    for from in [shipped.clone(), shipped.join("definitions")] {
        for entry in fs::read_dir(&from).expect("the shipped catalog") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let to = path.strip_prefix(&shipped).expect("within it");
                fs::copy(&path, dir.path().join(to)).expect("a copy");
            }
        }
    }
    let header = dir.path().join("catalog.toml");
    let text = fs::read_to_string(&header).expect("catalog.toml");
    let session = r#"{ days = "sat", from = "07:30", to = "11:00", reception_only = true, fields = ["cư trú"] },"#;
    let text = text.replacen("sessions = [", &format!("sessions = [\n{session}"), 1);
    fs::write(&header, text).expect("catalog.toml");
    dir
}

#[tokio::test]
async fn a_procedure_is_received_in_the_sessions_of_its_field() {
    let dir = with_residence_on_saturday();
    let dir = dir.path().to_string_lossy();
    for (procedure, received, due_at) in [
        // Residence: three working days, of which Monday is the first.
        ("1.004194", "2025-07-05T08:00:00", "2025-07-09T10:00:00Z"),
        // Civil status: received on Monday, and due on the same day.
        ("1.000656", "2025-07-07T07:00:00", "2025-07-07T10:00:00Z"),
    ] {
        let args = [
            "--received",
            "2025-07-05T08:00",
            "--procedure",
            procedure,
            "--catalog",
            &dir,
            "--json",
        ];
        let answer = due(&args).await;
        let value: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
        let first = &value["limits"][0];
        assert_eq!(first["received"], received, "{procedure}: {answer:?}");
        assert_eq!(first["due_at"], due_at, "{procedure}");
    }
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

/// Over Tết, as workflow reckons it: the answer has two working days, and the dossier is due when it was.
#[tokio::test]
async fn an_external_wait_is_explained_and_moves_nothing() {
    let received = &[
        "--received",
        "2026-02-13T14:00",
        "--limit",
        "3 working days",
    ][..];
    let asked = &["--external", "2026-02-13T14:00/16 working hours"][..];
    let json = async |args: Vec<&str>| {
        let answer = due(&[args, vec!["--json"]].concat()).await;
        serde_json::from_str::<serde_json::Value>(&answer.stdout).expect("JSON")
    };
    let without = json(received.to_vec()).await;
    let with = json([received, asked].concat()).await;
    assert_eq!(with["due_at"], without["due_at"]);
    let answer = &with["external"][0];
    assert_eq!(answer["too_late_for"], serde_json::json!([]));
    assert_eq!(answer["due_at"], "2026-02-24T07:00:00Z");
    let lines = answer["lines"].as_array().expect("lines").iter();
    let counted: u64 = lines.filter_map(|line| line["counted"].as_u64()).sum();
    assert_eq!(counted, 960, "{answer}");

    let late = ["--external", "2026-02-25T09:00/16 working hours"];
    let answer = due(&[received, &late].concat()).await;
    for line in [
        "Another system is asked, and the limit runs on:",
        "due              Fri 2026-02-27 09:00",
        "That is later than the dossier is due.",
    ] {
        assert!(answer.stdout.contains(line), "{}", answer.stdout);
    }

    // What lies beyond the years whose days off are listed is said of it too.
    let beyond = [
        "--received",
        "2027-12-28T09:00",
        "--limit",
        "1 working day",
        "--external",
        "2027-12-29T09:00/40 working hours",
    ];
    let answer = due(&beyond).await;
    assert!(
        answer.stderr.contains("lists no days off after 2027"),
        "{answer:?}"
    );

    // Residence has one working day, or three where it must be verified.
    let verified = [
        "--received",
        "2025-07-01T08:00",
        "--procedure",
        "1.010041",
        "--external",
        "2025-07-02T09:00/8 working hours",
    ];
    let answer = due(&verified).await;
    let line = "That is later than the dossier is due by the first limit.";
    assert!(answer.stdout.contains(line), "{}", answer.stdout);

    let bundle = ["--received", "2025-07-01T08:00", "--procedure", "2.002622"];
    let answer = due(&bundle).await;
    let line = "external wait    social-insurance: ";
    assert!(answer.stdout.contains(line), "{}", answer.stdout);
}

#[tokio::test]
async fn what_means_nothing_is_refused_in_words() {
    for (args, words) in [
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "same day",
                "--external",
                "2026-02-13T15:30/2 working days",
            ][..],
            "counted in working hours",
        ),
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "same day",
                "--external",
                "2026-02-13T15:10/2 working hours",
            ],
            "before the dossier was received",
        ),
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
        (
            &["--received", "2026-02-13", "--limit", "same day"],
            "`2026-02-13` is not a time with its hour, such as 2026-02-13T15:20",
        ),
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "same day",
                "--hold",
                "2026-02-13/2026-02-14T09:00",
            ],
            "`2026-02-13` is not a time with its hour",
        ),
        (
            &[
                "--received",
                "2026-02-13T15:20",
                "--limit",
                "same day",
                "--agency",
                "99999",
            ],
            "no agency '99999'",
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

/// The shipped catalog, where one ward has a calendar of its own that also receives on Saturday mornings.
fn with_saturdays(directory: &Path, ward: &str) {
    let shipped = format!("{ROOT}/deploy/catalog");
    super::catalog::copy(Path::new(&shipped), directory);
    let change = |file: &str, change: &dyn Fn(&str) -> String| {
        let path = directory.join(file);
        let text = fs::read_to_string(&path).expect("the file");
        let changed = change(&text);
        assert_ne!(changed, text, "{file}");
        fs::write(&path, changed).expect("written");
    };
    change("catalog.toml", &|text| {
        let sessions = [
            r#"{ days = "mon-fri", from = "07:00", to = "11:30" }"#,
            r#"{ days = "mon-fri", from = "13:30", to = "17:00" }"#,
            r#"{ days = "sat", from = "07:30", to = "11:30", reception_only = true }"#,
        ];
        format!(
            "{text}\n[calendars.saturdays]\ndays = \"calendar.csv\"\nsessions = [{}]\n",
            sessions.join(", ")
        )
    });
    change("agencies.csv", &|text| {
        let lines = text.lines().map(|line| {
            if line.starts_with(&format!("{ward},")) {
                line.replace(",hai-phong,", ",saturdays,")
            } else {
                line.to_owned()
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    });
}

#[tokio::test]
async fn the_calendar_is_that_of_the_agency_which_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    with_saturdays(directory.path(), "11593");
    let catalog = directory.path().display().to_string();
    let asked = [
        "--received",
        "2025-07-05T08:00",
        "--limit",
        "same day",
        "--json",
        "--catalog",
        &catalog,
    ];
    // Saturday: the one ward receives and answers until 11:30, all others on Monday.
    for (agency, due_at) in [
        (&[][..], "2025-07-07T10:00:00Z"),
        (&["--agency", "11593-ca"], "2025-07-07T10:00:00Z"),
        (&["--agency", "11593"], "2025-07-05T04:30:00Z"),
    ] {
        let answer = due(&[&asked[..], agency].concat()).await;
        assert!(
            answer.ok && answer.stderr.is_empty(),
            "{agency:?}: {answer:?}"
        );
        let value: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
        assert_eq!(value["due_at"], due_at, "{agency:?}");
    }
}

#[tokio::test]
async fn the_hour_of_the_due_day_is_the_agency_s_unless_it_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    with_saturdays(directory.path(), "11593");
    let path = directory.path().join("catalog.toml");
    let text = fs::read_to_string(&path).expect("the file");
    let by_hour = text.replace("due_hour = \"end_of_day\"", "due_hour = \"same_time\"");
    assert_ne!(by_hour, text);
    fs::write(&path, by_hour).expect("written");
    let catalog = directory.path().display().to_string();
    let asked = [
        "--received",
        "2025-07-01T09:10",
        "--limit",
        "1 working days",
        "--json",
        "--catalog",
        &catalog,
    ];
    for (hour, due_at) in [
        (&[][..], "2025-07-02T02:10:00Z"),
        (&["--due-hour", "end-of-day"], "2025-07-02T10:00:00Z"),
    ] {
        let answer = due(&[&asked[..], hour].concat()).await;
        let value: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
        assert_eq!(value["due_at"], due_at, "{hour:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_reckoning_beyond_the_years_whose_days_off_are_listed_says_so() {
    for (received, warned) in [("2027-12-20T09:00", false), ("2027-12-30T09:00", true)] {
        let limit = [
            "--received",
            received,
            "--limit",
            "3 working days",
            "--json",
        ];
        let answer = due(&limit).await;
        assert!(answer.ok, "{answer:?}");
        let words = "lists no days off after 2027";
        assert_eq!(answer.stderr.contains(words), warned, "{answer:?}");
        serde_json::from_str::<serde_json::Value>(&answer.stdout).expect("JSON alone");
    }
}

#[tokio::test]
async fn a_code_that_has_ended_is_reckoned_with_and_its_successor_named() {
    for (code, received, warning) in [
        ("2.002622", "2026-08-31T09:00", ""),
        (
            "2.002622",
            "2026-09-01T09:00",
            "warning: nothing is submitted under this code on 2026-09-01: '2.002622' ended on 2026-08-31: its place is taken by \
             '2.002913'",
        ),
        ("2.002913", "2026-09-01T09:00", ""),
        (
            "2.002913",
            "2026-08-31T09:00",
            "warning: nothing is submitted under this code on 2026-08-31: '2.002913' begins on 2026-09-01: until then there is \
             '2.002622'",
        ),
    ] {
        let answer = due(&["--procedure", code, "--received", received]).await;
        assert!(answer.ok, "{answer:?}");
        assert_eq!(answer.stderr.trim(), warning, "{code} on {received}");
        assert!(answer.stdout.contains("due  "), "{answer:?}");
    }
}

#[tokio::test]
async fn what_runs_beside_the_limit_is_told_with_its_article() {
    // Friday before Tết 2026, after 15:00: the next working day is Monday, 23 February.
    let asked = ["--procedure", "1.000894", "--received", "2026-02-13T15:30"];
    let text = due(&asked).await.stdout;
    for line in [
        "a submission online then is answered         by Mon 2026-02-23 15:30  decree 118/2025, art. 17",
        "what is asked for then is handed in          by Tue 2026-03-03 17:00  decree 118/2025, art. 17",
        "received then for another ward, it is there  by Mon 2026-02-23 08:00  decree 118/2025, art. 18",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let json = due(&[&asked[..], &["--json"]].concat()).await.stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["terms"][2]["until"], "2026-02-23T08:00:00");
    assert_eq!(json["terms"][2]["article"], "decree 118/2025, art. 18");
}
