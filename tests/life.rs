//! The lives of dossiers, through the four services, by the law's clock.

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

mod life {
    mod forms;
    mod holds;
    mod home;
    mod time;
    mod whole;
}
