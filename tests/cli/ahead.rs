//! What lies ahead, and how a procedure is drawn: commands that change nothing.

use std::fs;

use crate::support::{ROOT, Service, Suite, WARD, birth, motcua};

#[tokio::test]
async fn the_next_weeks_are_played_from_the_real_state_and_nothing_changes() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:10").await;
    for _ in 0..3 {
        let code = suite.clerk().submits(birth()).await.code;
        suite.settle().await;
        suite.officer().approves(WARD, &code).await;
        suite.leader().approves(WARD, &code).await;
    }
    let open = suite.clerk().submits(birth()).await.code;
    suite.settle().await;
    let before = suite.kinds(Service::Workflow, &open).await;

    let simulated = suite
        .motcua(&["simulate", "--days", "14", "--runs", "2", "--arrivals", "2"])
        .await;
    assert!(simulated.ok, "{simulated:?}");
    for words in [
        "From 2025-07-01 08:10, 14 days ahead, 2 runs each",
        "as it is",
        "what if",
        "overdue in all",
    ] {
        assert!(
            simulated.stdout.contains(words),
            "{words}: {}",
            simulated.stdout
        );
    }
    let json = suite
        .motcua(&[
            "simulate",
            "--days",
            "12",
            "--runs",
            "2",
            "--people",
            &format!("{WARD}/officer=-1"),
            "--limit",
            "1.001193=1 working hours",
            "--agency",
            WARD,
            "--json",
        ])
        .await;
    assert!(json.ok, "{json:?}");
    // The one officer stays, which is said.
    assert!(
        json.stderr.contains("one stays, so 0 fewer are played"),
        "{json:?}"
    );
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    // Eight working days lie ahead, and four came on the only one that is known; one was open.
    assert_eq!(json["as_it_is"]["received"][0], 32);
    assert_eq!(json["as_it_is"]["open"][0], 0);
    assert_eq!(json["as_it_is"]["resolved"][0], 33);
    assert_eq!(json["agencies"], serde_json::json!([WARD]));
    suite.settle().await;
    assert_eq!(suite.kinds(Service::Workflow, &open).await, before);

    for (wrong, says) in [
        (["--people", "11593/guard=1"], "receptionist, officer"),
        (
            ["--people", "11593/home_visitor=1"],
            "nobody has worked as home_visitor",
        ),
        (["--limit", "1.001193"], "1.000656=3 working days"),
        (["--limit", "1.001193=soon"], "soon"),
        (
            ["--limit", "1.001193=1.5 working hours"],
            "'1.001193=1.5 working hours': a procedure's limit in hours has whole hours",
        ),
        (
            ["--limit", "9.999999=3 working days"],
            "the catalog in force has no procedure '9.999999'",
        ),
        (
            ["--agency", "99999"],
            "--agency: the catalog in force has no agency '99999'",
        ),
        (
            ["--people", "11593/officer=9223372036854775807"],
            "at most 1000 people more or fewer",
        ),
        (
            ["--people", "11593/officer=-99999999999"],
            "at most 1000 people more or fewer",
        ),
        (
            ["--people", "11593/officer=-5"],
            "11593/officer=-5: only 1 worked there",
        ),
        (
            ["--as-of", "2025-07-01"],
            "2025-07-01: its end must lie between",
        ),
        (
            ["--as-of", "2035-07-01"],
            "2035-07-01: its end must lie between",
        ),
        (
            ["--as-of", "2015-07-01"],
            "2015-07-01: its end must lie between",
        ),
        (["--arrivals", "-1"], "from 0 to 100"),
        (["--days", "0"], "1..=366"),
    ] {
        let refused = suite.motcua(&[&["simulate"][..], &wrong].concat()).await;
        assert!(
            !refused.ok && refused.stderr.contains(says),
            "{wrong:?}: {refused:?}"
        );
    }

    // Two days later: of the days after the first one, most are still to come.
    suite.clock_at("2025-07-03T09:00").await;
    suite.clerk().submits(birth()).await;
    suite.settle().await;
    let asked = ["simulate", "--as-of", "2025-07-01", "--runs", "1", "--days"];
    let hindsight = suite.motcua(&[&asked[..], &["14"]].concat()).await;
    assert!(hindsight.ok, "{hindsight:?}");
    let to_come = "As it was goes to 2025-07-03 09:00: of its 14 days 13 are still to come.";
    assert!(hindsight.stdout.contains(to_come), "{hindsight:?}");
    let json = suite
        .motcua(&[&asked[..], &["14", "--json"]].concat())
        .await;
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["days_to_come"], 13);
    // Of the two that are open, the one of the first day is late; the one of this morning is not yet.
    assert_eq!(json["as_it_was"]["open"][0], 2);
    assert_eq!(json["as_it_was"]["open_overdue"][0], 1);
    let over = suite.motcua(&[&asked[..], &["1"]].concat()).await;
    assert!(
        over.ok && over.stdout.contains("as it was") && !over.stdout.contains("still to come"),
        "{over:?}"
    );
}

#[tokio::test]
async fn a_definition_is_drawn_and_comes_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let shipped = format!("{ROOT}/deploy/catalog/definitions/linked-death.toml");
    let (drawing, picture, back) = (path("d.bpmn"), path("d.svg"), path("linked-death.toml"));
    for args in [
        ["definition", "export", &shipped, "--out", &drawing],
        ["definition", "show", &drawing, "--out", &picture],
        ["definition", "import", &drawing, "--out", &back],
    ] {
        let done = motcua(&args, &[]).await;
        assert!(done.ok && done.stderr.is_empty(), "{args:?}: {done:?}");
    }
    let text = fs::read_to_string(&picture).expect("a picture");
    assert!(
        text.starts_with("<svg") && text.contains("Đăng ký khai tử"),
        "{text}"
    );
    let again = motcua(&["definition", "export", &back], &[]).await;
    assert_eq!(
        again.stdout,
        fs::read_to_string(&drawing).expect("a drawing")
    );

    let spoilt = path("spoilt.bpmn");
    let text = fs::read_to_string(&drawing).expect("a drawing");
    fs::write(
        &spoilt,
        text.replace("<userTask", "<scriptTask")
            .replace("</userTask", "</scriptTask"),
    )
    .expect("written");
    let refused = motcua(&["definition", "import", &spoilt], &[]).await;
    assert!(!refused.ok && refused.stdout.is_empty(), "{refused:?}");
    assert!(
        refused.stderr.contains("spoilt.bpmn:")
            && refused
                .stderr
                .contains("scriptTask register: is outside what the engine runs"),
        "{refused:?}"
    );
}
