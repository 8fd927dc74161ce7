//! The calendar by worked examples, named after the rules that they show, and by properties.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arithmetic;
mod explanation;
mod holds;
mod limits;
mod properties;
mod reception;
mod rules;
mod support;
mod transfer;
