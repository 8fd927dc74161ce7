//! The catalog as files: agencies, calendars, procedures and workflow definitions, read, checked, compared, imported and
//! applied.
//!
//! Everything that is wrong is collected, each fault with its file and line, before anything is sent. Deliberately not
//! here: what a catalog or a definition may say. That is `motcua_platform::catalog` and `motcua_workflow::domain`, the
//! same code that the services decide with; here their violations are led back to the line that they come from.

pub(crate) mod apply;
mod budget;
pub(crate) mod command;
mod definition;
mod diff;
pub(crate) mod drawing;
pub(crate) mod fault;
mod fees;
mod files;
mod header;
mod import;
mod in_force;
mod papers;
mod sheet;
mod table;
mod tables;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path};

use motcua_platform::{catalog::Catalog, error::Error};
use motcua_proto::{
    r#type::v1::{Catalog as ProtoCatalog, PriorityGround},
    workflow::v1::Definition,
};

use self::{
    fault::{Faults, Place, Places},
    files::Files,
};

/// Grounds of priority and of exemption, as tables write them.
pub(crate) const GROUNDS: [(&str, PriorityGround); 5] = [
    ("merit", PriorityGround::Merit),
    ("disability", PriorityGround::Disability),
    ("elderly", PriorityGround::Elderly),
    ("pregnant", PriorityGround::Pregnant),
    ("poor", PriorityGround::Poor),
];

/// A catalog and its definitions, read from files and known to fit together.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    /// The catalog, for intake.
    pub(crate) catalog: ProtoCatalog,
    /// The definitions, for workflow, in the order of their ids.
    pub(crate) definitions: Vec<Definition>,
    /// Where each field of the catalog stands.
    places: Places,
    /// Where each field of each definition stands, in the same order.
    definition_places: Vec<Places>,
}

/// Reads a directory such as `deploy/catalog`.
///
/// # Errors
/// Every fault of every file.
pub(crate) fn read(dir: &Path) -> Result<Bundle, Faults> {
    let mut faults = Faults::default();
    let files = Files::in_directory(dir, &mut faults);
    bundle(&files, faults)
}

/// The catalog that is compiled into the binary: `deploy/catalog` as it was built.
///
/// # Errors
/// None as long as this module's tests pass.
pub(crate) fn embedded() -> Result<Bundle, Faults> {
    bundle(&Files::embedded(), Faults::default())
}

fn bundle(files: &Files, mut faults: Faults) -> Result<Bundle, Faults> {
    let mut places = Places::default();
    let mut definitions = Vec::new();
    let mut definition_places = Vec::new();
    let mut sound = BTreeMap::new();
    for (name, file, text) in files.definitions() {
        let (definition, found, is_sound) = definition::judged(name, file, text, &mut faults);
        sound.insert(name.to_owned(), is_sound);
        definitions.push(definition);
        definition_places.push(found);
    }

    let catalog = tables::read(files, &sound, &mut places, &mut faults);
    if let Some(catalog) = &catalog
        && let Err(error) = Catalog::parse(catalog)
    {
        let whole = Place::file(&files.path(files::HEADER));
        match error {
            Error::Invalid(mut violations) => {
                // A calendar that stands there and is wrong is told of once, not by each agency that uses it.
                let there = |description: &str| {
                    catalog
                        .calendars
                        .iter()
                        .any(|calendar| description.contains(&format!("'{}'", calendar.id)))
                };
                violations.retain(|wrong| {
                    !(wrong.field.ends_with("].calendar") && there(&wrong.description))
                });
                faults.lead_back(&violations, &places, &whole);
            }
            other => faults.push(whole.fault(other.to_string())),
        }
    }
    let catalog = catalog.unwrap_or_default();
    budget::check(
        &catalog,
        &places,
        &definitions,
        &definition_places,
        &sound,
        &mut faults,
    );
    faults.finish(Bundle {
        catalog,
        definitions,
        places,
        definition_places,
    })
}
