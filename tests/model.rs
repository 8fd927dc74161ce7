//! Random commands by random people on a random clock, to many dossiers at once, against a model that was written from
//! the law and not from the code. A failure prints its seed and step; `MOTCUA_MODEL_SEED` plays that seed again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod model {
    mod intake;
    mod law;
    mod pure;
    mod setting;
    mod workflow;
    mod world;
}
