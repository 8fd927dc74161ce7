//! What may happen to a dossier at the citizen's side of the counter, and to the catalog.
//!
//! Pure: no I/O, no async, no SQL, no gRPC; time and actor come in a [`Context`](motcua_platform::ledger::Context),
//! what the law and the city fixed comes from a catalog. `decide` never changes anything, `apply` never refuses.

pub mod applicant;
pub mod archive_run;
pub mod at_work;
mod body;
mod case_forms;
pub mod catalogs;
pub mod command;
pub mod correction;
pub mod decide;
pub mod documents;
pub mod dossier;
pub mod entry;
pub mod fees;
pub mod follow;
pub mod forms;
mod hand_over;
pub mod moves;
mod originals;
pub mod others;
pub mod papers;
mod parts;
mod payments;
pub mod plain;
pub mod route;
pub mod rules;
mod show;
pub mod subject;
mod supplement;
mod transfer;
pub mod words;

#[cfg(test)]
pub(crate) mod tests;
