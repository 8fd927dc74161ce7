//! `motcua catalog`: every fault with its file and line before anything changes, what a new one would change, and what
//! becomes of somebody else's list.

use std::{fs, path::Path};

use crate::support::{Databases, ROOT, Setup, Suite, motcua};

fn shipped() -> String {
    format!("{ROOT}/deploy/catalog")
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
    }
}

/// Replaces words in a file, and says in which line they stood.
fn spoil(directory: &Path, file: &str, words: &str, by: &str) -> String {
    let path = directory.join(file);
    let text = fs::read_to_string(&path).expect("the file");
    let line = 1 + text
        .lines()
        .position(|line| line.contains(words))
        .expect("the words");
    fs::write(&path, text.replacen(words, by, 1)).expect("written");
    format!("{file}:{line}")
}

#[tokio::test]
async fn what_comes_with_the_software_is_sound() {
    let checked = motcua(&["catalog", "check", &shipped()], &[]).await;
    assert!(checked.ok, "{checked:?}");
}

#[tokio::test]
async fn every_fault_of_a_catalog_is_told_with_file_and_line() {
    let place = tempfile::tempdir().expect("a directory");
    copy(Path::new(&shipped()), place.path());
    let faults = [
        spoil(
            place.path(),
            "procedures.csv",
            "hộ tịch,same day,15:00,8000",
            "hộ tịch,two days,15:00,8000",
        ),
        spoil(
            place.path(),
            "agencies.csv",
            "11593-ca,Công an phường An Phong,police",
            "11593-ca,Công an phường An Phong,polite",
        ),
        spoil(
            place.path(),
            "calendar.csv",
            "2025-09-02,holiday",
            "2025-09-32,holiday",
        ),
        spoil(
            place.path(),
            "definitions/civil-status-same-day.toml",
            "role = \"leader\"",
            "role = \"loader\"",
        ),
    ];
    let directory = place.path().to_str().expect("UTF-8");
    let checked = motcua(&["catalog", "check", directory], &[]).await;
    assert!(!checked.ok);
    for fault in &faults {
        assert!(
            checked.stderr.contains(fault),
            "no '{fault}' in\n{}",
            checked.stderr
        );
    }

    // The same when it is to be applied: nothing of it is.
    let suite = Suite::with(Setup {
        databases: Some(Databases::empty().await),
        ..Setup::default()
    })
    .await;
    let applied = suite.motcua(&["catalog", "apply", directory]).await;
    assert!(
        !applied.ok && applied.stderr.contains(&faults[0]),
        "{applied:?}"
    );
    for service in crate::support::Service::ALL {
        assert_eq!(suite.head(service).await.position, 0);
    }
}

#[tokio::test]
async fn applying_the_same_catalog_again_changes_nothing() {
    let suite = Suite::start().await;
    let before = suite.head(crate::support::Service::Intake).await.position;
    assert!(before > 0);
    let applied = suite.motcua(&["catalog", "apply", &shipped()]).await;
    assert!(
        applied.ok && applied.stdout.contains("unchanged"),
        "{applied:?}"
    );
    assert_eq!(
        suite.head(crate::support::Service::Intake).await.position,
        before
    );
}

#[tokio::test]
async fn what_a_catalog_would_change_is_shown_and_told_by_the_exit_code() {
    let place = tempfile::tempdir().expect("a directory");
    copy(Path::new(&shipped()), place.path());
    let directory = place.path().to_str().expect("UTF-8").to_owned();
    spoil(
        place.path(),
        "catalog.toml",
        "hai-phong-2025-07",
        "hai-phong-2026-01",
    );
    let suite = Suite::start().await;
    let same = suite.motcua(&["catalog", "diff", &directory]).await;
    assert_eq!(same.code, Some(0), "{same:?}");

    spoil(
        place.path(),
        "procedures.csv",
        "hộ tịch,same day,15:00,8000",
        "hộ tịch,2 working days,,8000",
    );
    let against = [
        "catalog",
        "diff",
        &directory,
        "--against",
        &shipped(),
        "--json",
    ];
    for differs in [
        suite
            .motcua(&["catalog", "diff", &directory, "--json"])
            .await,
        motcua(&against, &[]).await,
    ] {
        assert_eq!(differs.code, Some(1), "{differs:?}");
        assert!(differs.stderr.is_empty(), "{differs:?}");
        for words in [
            "\"same day until 15:00\"",
            "\"2 working days\"",
            "\"hai-phong-2026-01\"",
        ] {
            assert!(differs.stdout.contains(words), "{differs:?}");
        }
    }

    let trouble = motcua(
        &["catalog", "diff", &directory, "--against", "/nowhere"],
        &[],
    )
    .await;
    assert_eq!(trouble.code, Some(2), "{trouble:?}");
    assert!(trouble.stderr.contains("/nowhere"), "{trouble:?}");
}

#[tokio::test]
async fn a_list_becomes_a_catalog_that_passes_the_check() {
    let place = tempfile::tempdir().expect("a directory");
    let catalog = place.path().join("catalog");
    copy(Path::new(&shipped()), &catalog);
    for file in [
        "procedures.csv",
        "definitions/linked-birth.toml",
        "definitions/linked-death.toml",
    ] {
        fs::remove_file(catalog.join(file)).expect("it was there");
    }
    let path = |name: &str| place.path().join(name).to_str().expect("UTF-8").to_owned();
    let (list, into, report) = (path("list.tsv"), path("catalog"), path("told.tsv"));
    fs::write(
        &list,
        "code\tname\tfield\ttime_by_channel\n\
         1.000656\tThủ tục đăng ký\tHộ tịch\tTrực tiếp=1\n\
         1.000005\tThủ tục hải quan\tHải quan\tTrực tuyến=120\n",
    )
    .expect("written");
    let import = [
        "catalog", "import", &list, "--into", &into, "--report", &report,
    ];
    let imported = motcua(&import, &[]).await;
    assert!(imported.ok && imported.stdout.is_empty(), "{imported:?}");
    for words in ["rows of the list: 2", "written: 1", "refused: 1"] {
        assert!(imported.stderr.contains(words), "{}", imported.stderr);
    }
    let told = fs::read_to_string(&report).expect("the report");
    // The copied papers of the procedures that the list does not have are told of behind its own rows.
    let (papers, rows): (Vec<_>, Vec<_>) = told
        .lines()
        .partition(|line| line.contains("\tpaper left out\t"));
    assert_eq!(rows.len(), 3, "{told}");
    assert!(!papers.is_empty(), "{told}");
    let checked = motcua(&["catalog", "check", &into], &[]).await;
    assert!(
        checked.ok && checked.stdout.contains("1 procedures"),
        "{checked:?}"
    );
    let again = motcua(&import, &[]).await;
    assert!(!again.ok && again.stderr.contains("--force"), "{again:?}");
    let told = fs::read_to_string(&report).expect("the report");
    assert!(told.contains("\tnot written\t"), "{told}");
}
