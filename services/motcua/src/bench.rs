//! `motcua bench`: the suite against the best that this machine gives in the same run.
//!
//! Figures are printed as ratios to a ceiling, never asserted: disks and neighbours swing too much for a bare number.

mod ceiling;
mod foresight;
mod submit;

use std::process::ExitCode;

use clap::Subcommand;

use crate::Failed;

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Acknowledged, durable submissions through gRPC, against raw SQL on the same PostgreSQL.
    Submit(submit::Args),
    /// What `motcua simulate` foresees, against what then happens, over many summers of the demo.
    Foresight(foresight::Args),
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failed> {
    match command {
        Command::Submit(args) => submit::run(args).await,
        Command::Foresight(args) => foresight::run(args).await,
    }
}
