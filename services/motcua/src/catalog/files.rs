//! The files of a catalog, from a directory or from the binary.

use std::{collections::BTreeMap, fs, io, path::Path, str};

use super::fault::{Faults, Place};

/// The file that names the catalog.
pub(super) const HEADER: &str = "catalog.toml";
/// The agencies.
pub(super) const AGENCIES: &str = "agencies.csv";
/// The procedures.
pub(super) const PROCEDURES: &str = "procedures.csv";
/// The papers that the procedures want. A catalog may do without.
pub(super) const PAPERS: &str = "papers.csv";
/// Where definitions lie.
pub(super) const DEFINITIONS: &str = "definitions/";
/// What the name of a definition's file ends in.
const DEFINITION_END: &str = ".toml";

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../deploy/catalog/", $name)))),*]
    };
}

/// `deploy/catalog`, as it was when the binary was built. A test keeps the list complete.
const SHIPPED: &[(&str, &str)] = shipped![
    "agencies.csv",
    "calendar.csv",
    "catalog.toml",
    "definitions/adoption.toml",
    "definitions/certification-same-day.toml",
    "definitions/certification-signed.toml",
    "definitions/civil-status-same-day.toml",
    "definitions/civil-status-signed.toml",
    "definitions/civil-status-verified.toml",
    "definitions/construction-permit.toml",
    "definitions/disability.toml",
    "definitions/funeral-costs.toml",
    "definitions/household-business.toml",
    "definitions/land-mediation.toml",
    "definitions/land-registration.toml",
    "definitions/linked-birth.toml",
    "definitions/linked-death.toml",
    "definitions/merit.toml",
    "definitions/residence-confirmation.toml",
    "definitions/residence-notice.toml",
    "definitions/residence.toml",
    "definitions/social-protection.toml",
    "papers.csv",
    "procedures.csv",
];

/// The texts, by their names within the catalog.
#[derive(Debug)]
pub(super) struct Files {
    root: String,
    texts: BTreeMap<String, (String, String)>,
}

impl Files {
    /// Those that are compiled in.
    pub(super) fn embedded() -> Self {
        let mut files = Self::of("deploy/catalog");
        for (name, text) in SHIPPED {
            files.put(name, (*text).to_owned());
        }
        files
    }

    /// Those of a directory. What cannot be read is a fault, and what is no part of a catalog is left alone.
    pub(super) fn in_directory(dir: &Path, faults: &mut Faults) -> Self {
        let root = dir.display().to_string();
        let mut files = Self::of(root.trim_end_matches('/'));
        if files.take_in(dir, "", faults)
            && files.take_in(&dir.join(DEFINITIONS), DEFINITIONS, faults)
            && files.definitions().next().is_none()
        {
            let path = files.path(DEFINITIONS.trim_end_matches('/'));
            faults.push(Place::file(&path).fault(format!(
                "holds no definition, which is a file that ends in {DEFINITION_END}"
            )));
        }
        files
    }

    fn of(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            texts: BTreeMap::new(),
        }
    }

    /// Takes in the files of one directory; false where it cannot be read.
    fn take_in(&mut self, dir: &Path, prefix: &str, faults: &mut Faults) -> bool {
        let path = self.path(prefix.trim_end_matches('/'));
        let entries = match fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => {
                faults.push(
                    Place::file(&path).fault(format!("is no directory that can be read: {error}")),
                );
                return false;
            }
        };
        for entry in entries {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let file = entry.path();
            let wanted = if prefix == DEFINITIONS {
                is_definition(&name)
            } else {
                name == HEADER || name.ends_with(".csv")
            };
            if !wanted || !file.is_file() {
                continue;
            }
            match fs::read(&file) {
                Ok(bytes) => {
                    if let Err(error) = str::from_utf8(&bytes) {
                        let good = &bytes[..error.valid_up_to()];
                        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
                        faults.push(
                            Place::line(&self.path(&name), line).fault("is not written in UTF-8"),
                        );
                    }
                    self.put(&name, String::from_utf8_lossy(&bytes).into_owned());
                }
                Err(error) => faults
                    .push(Place::file(&self.path(&name)).fault(format!("cannot be read: {error}"))),
            }
        }
        true
    }

    /// Takes in a text in the place of a file.
    pub(super) fn put(&mut self, name: &str, text: String) {
        // Spreadsheets begin their files with a byte order mark.
        let text = text
            .strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(text);
        self.texts.insert(name.to_owned(), (self.path(name), text));
    }

    /// A file's path, as it is shown.
    pub(super) fn path(&self, name: &str) -> String {
        if name.is_empty() {
            self.root.clone()
        } else {
            format!("{}/{name}", self.root)
        }
    }

    /// A file's path and text. One that is missing is a fault.
    pub(super) fn text(&self, name: &str, faults: &mut Faults) -> Option<(&str, &str)> {
        let Some((path, text)) = self.texts.get(name) else {
            let path = self.path(name);
            // One fault is enough where it, or the whole directory, cannot be read.
            if !faults
                .iter()
                .any(|fault| fault.file == self.root || fault.file == path)
            {
                faults.push(Place::file(&path).fault("is missing"));
            }
            return None;
        };
        Some((path, text))
    }

    /// Whether a file is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.texts.contains_key(name)
    }

    /// The definitions: name without its end, path, text; in the order of their names.
    pub(super) fn definitions(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.texts.iter().filter_map(|(name, (path, text))| {
            let name = name
                .strip_prefix(DEFINITIONS)?
                .strip_suffix(DEFINITION_END)?;
            Some((name, path.as_str(), text.as_str()))
        })
    }
}

fn is_definition(name: &str) -> bool {
    name.strip_prefix(DEFINITIONS)
        .is_some_and(|name| name.ends_with(DEFINITION_END) && !name.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_in_is_what_lies_in_the_repository() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
        let mut faults = Faults::default();
        let there = Files::in_directory(&root, &mut faults);
        assert_eq!(faults, Faults::default());
        let texts = |files: &Files| -> BTreeMap<String, String> {
            files
                .texts
                .iter()
                .map(|(name, (_, text))| (name.clone(), text.clone()))
                .collect()
        };
        let (there, shipped) = (texts(&there), texts(&Files::embedded()));
        assert_eq!(
            there.keys().collect::<Vec<_>>(),
            shipped.keys().collect::<Vec<_>>()
        );
        assert_eq!(there, shipped);
    }
}
