//! The domain, by examples and by chance.

mod ask;
mod branches;
mod definitions;
mod engine;
mod hands;
mod language;
mod limits;
mod migrate;
mod office;
mod random;
mod replays;
mod standing;
mod substitution;
mod time;
