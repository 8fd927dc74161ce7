//! After a whole summer of dossiers, nobody's name, number, address, phone or e-mail lies anywhere in the clear.

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

mod personal {
    mod databases;
    mod searcher;
    mod whole;
}
