//! The domain, by examples and by chance.

mod apart;
mod ask;
mod awaited;
mod branches;
#[path = "../../../../tests/support/days.rs"]
mod days;
mod definitions;
mod engine;
mod external;
mod hands;
mod language;
mod limits;
mod migrate;
mod office;
mod random;
mod refusals;
mod replays;
mod standing;
mod substitution;
mod table;
mod time;
