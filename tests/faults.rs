//! What goes wrong: processes that are killed, a database that goes away, events that cannot be processed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of what they share"
)]
mod support;

mod faults {
    mod drain;
    mod killed;
    mod load;
    mod parked;
    mod postgres;
    mod replicas;
}
