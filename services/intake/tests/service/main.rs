//! The service as its callers see it: a real database, a real port, and a workflow that says what the test says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod archives;
mod catalogs;
mod corrections;
mod documents;
mod dossiers;
mod fees;
mod forms;
mod hand_over;
mod others;
mod portal;
mod printed;
mod table;
mod transfer;
mod walls;
mod world;
