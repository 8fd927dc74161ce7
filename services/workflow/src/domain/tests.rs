//! The domain, by examples and by chance.

mod ask;
mod definitions;
mod engine;
mod office;
mod replays;
mod standing;
mod time;
