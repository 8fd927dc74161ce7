//! The whole service on a real PostgreSQL, behind an intake that says what it is told to say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocked;
mod branches;
mod hands;
mod intake;
mod language;
mod life;
mod scope;
mod table;
mod timers;
mod worklist;
mod world;
