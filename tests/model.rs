//! Random commands by random people on a random clock, to many dossiers at once, against a model that was written from
//! the law and not from the code. A failure prints its seed and step; `MOTCUA_MODEL_SEED` plays that seed again.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of what they share"
)]
mod support;

mod model {
    mod calls;
    mod intake;
    mod law;
    mod pure;
    mod setting;
    mod wire;
    mod workflow;
    mod world;
}
