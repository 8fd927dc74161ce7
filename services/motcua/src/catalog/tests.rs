//! What the shipped catalog is, what is said of broken ones, what applying one does, and how two differ.

mod apply;
mod broken;
mod diff;
mod language;
mod shipped;

use std::fs;

use tempfile::TempDir;

/// The files of a small catalog that is sound: a ward with its police, and a linked procedure.
const SOUND: [(&str, &str); 7] = [
    ("catalog.toml", include_str!("tests/sound/catalog.toml")),
    ("calendar.csv", include_str!("tests/sound/calendar.csv")),
    ("agencies.csv", include_str!("tests/sound/agencies.csv")),
    ("procedures.csv", include_str!("tests/sound/procedures.csv")),
    ("papers.csv", include_str!("tests/sound/papers.csv")),
    (
        "definitions/linked.toml",
        include_str!("tests/sound/definitions/linked.toml"),
    ),
    (
        "definitions/plain.toml",
        include_str!("tests/sound/definitions/plain.toml"),
    ),
];

/// A directory with these files.
fn directory(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("definitions")).unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// The sound catalog as files that can be changed.
fn sound() -> Vec<(String, Vec<u8>)> {
    SOUND
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect()
}
