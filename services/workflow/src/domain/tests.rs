//! The domain, by examples and by chance.

mod ask;
mod definitions;
mod engine;
mod language;
mod office;
mod random;
mod replays;
mod standing;
mod time;
