//! What somebody types, and what the command answers: its words, and whether it failed.

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

mod cli {
    mod ahead;
    mod asking;
    mod catalog;
    mod certificates;
    mod due;
    mod starting;
    mod tokens;
}
