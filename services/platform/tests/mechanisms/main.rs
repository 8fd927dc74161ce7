//! The mechanisms that everything stands on, on a real PostgreSQL, with an aggregate of the tests' own.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod feed;
mod follower;
mod jar;
mod ledger;
mod proxy;
mod vault;
mod world;
