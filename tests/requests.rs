//! What a client may send, and send again: nonsense on every method, repeated requests, stale etags, pages.

#![expect(
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

mod requests {
    mod contract;
    mod empty;
    mod lists;
    mod matrix;
    mod nonsense;
    mod raw;
    mod repeated;
    mod sight;
    mod walls;
}
