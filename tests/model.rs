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
    mod acts;
    mod answers;
    mod calls;
    mod deputies;
    mod ends;
    mod giving;
    mod intake;
    mod law;
    mod path;
    mod pure;
    mod reckoning;
    mod setting;
    mod steps;
    mod wire;
    mod work;
    mod workflow;
    mod world;
}
