//! How cases, definitions and substitutions lie in PostgreSQL: the SQL of this service, and nothing else's.

mod cases;
mod definitions;
mod lists;
mod sub_cases;
mod substitutions;
#[cfg(test)]
mod walls;

pub(crate) use self::{
    cases::Cases,
    definitions::{
        PublishedDefinitions, Wanted, definition, definitions, ensure_newest, ensure_versions,
    },
    lists::{
        CaseFilter, CaseKey, Listed, OPEN, TaskFilter, TaskKey, blocked, case, cases, in_hand,
        tasks, walking,
    },
    sub_cases::{ListedSubCase, SubCaseFilter, SubCaseKey, sub_cases},
    substitutions::{Substitutions, substitutions, substitutions_of},
};
use crate::domain::Case;

/// A state as it is stored.
fn read(state: &str) -> Result<Case, sqlx::Error> {
    serde_json::from_str(state).map_err(|error| sqlx::Error::Decode(error.into()))
}
