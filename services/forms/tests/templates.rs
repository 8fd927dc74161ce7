//! A published template never changes: papers that were handed out must print again as they were.
//!
//! What the law or a better wording asks for becomes the next version, with its line in `golden/templates.sha256`:
//! `sha256sum *.xml` in the folder of the templates writes the lines.

use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

#[test]
fn published_templates_are_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder.join("templates")).unwrap() {
        let entry = entry.unwrap();
        let mut digest = String::new();
        for byte in Sha256::digest(fs::read(entry.path()).unwrap()) {
            write!(digest, "{byte:02x}").unwrap();
        }
        found.insert(entry.file_name().into_string().unwrap(), digest);
    }
    let kept = fs::read_to_string(folder.join("tests/golden/templates.sha256")).unwrap();
    let kept: BTreeMap<String, String> = kept
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
        .collect();
    assert_eq!(found, kept);
}
