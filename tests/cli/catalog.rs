//! `motcua catalog`: every fault with its file and line, before anything changes.

use std::{fs, path::Path};

use crate::support::{Databases, ROOT, Setup, Suite, motcua};

fn shipped() -> String {
    format!("{ROOT}/deploy/catalog")
}

fn copy(from: &Path, to: &Path) {
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
