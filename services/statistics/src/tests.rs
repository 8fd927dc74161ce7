//! Random histories, and what must hold for all of them.

mod database;
mod feeds;
mod history;
mod properties;
mod recount;
mod rules;
