//! One trace over four services, as a real OTLP collector gets it, and nobody's name in it or in any row.

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

mod traces {
    mod personal;
    mod whole;
}
