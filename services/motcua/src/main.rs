//! `motcua`, the one binary: it serves, shows, measures and demonstrates the suite.
//!
//! Deliberately not here: rules, rows, events. Each command calls a service's library, or asks a service over gRPC as
//! any other client would.

mod bench;
mod caller;
mod catalog;
mod certificates;
mod certs;
mod config;
mod credentials;
mod demo;
mod dossier;
mod due;
mod feed;
mod health;
mod identities;
mod jwks;
mod keys;
mod master;
mod measure;
mod picture;
mod policy;
mod report;
mod secrets;
mod serve;
mod simulate;
mod subject;
mod suite;
mod tables;
mod token;

use std::{fmt, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::Config;

/// A call makes and drops a few hundred small things, on whichever thread: the system's allocator takes twice as long.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Open software that runs the administrative one-stop shops of Vietnamese wards, for a whole city at once.
#[derive(Debug, Parser)]
#[command(name = "motcua", version, arg_required_else_help = true)]
struct Cli {
    /// Configuration file; `motcua config` shows every key.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay the first summer of An Phong ward's centre through the four services.
    Demo(demo::Args),
    /// Run one service, or all four.
    Serve(serve::Args),
    /// Bring the four databases to the present schema, as their owner.
    Migrate,
    /// Make the master key, wrap all keys anew, or show how they stand.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Show every configuration key, with its default and what it does.
    Config,
    /// Check, apply, compare or import a catalog.
    #[command(subcommand)]
    Catalog(catalog::command::Command),
    /// Draw workflow definitions: BPMN 2.0 in and out, and pictures. Works without a database.
    #[command(subcommand)]
    Definition(catalog::drawing::Command),
    /// Show who may call what, as the contract says it.
    Policy(policy::Args),
    /// Make and renew the certificates by which the services know each other.
    #[command(subcommand)]
    Certs(certs::Command),
    /// Compute a due date by law, and explain it day by day. Works without a database.
    Due(due::Args),
    /// Watch a service's history, and set dossiers aside or take them up again.
    #[command(subcommand)]
    Feed(feed::Command),
    /// Show a dossier's life as a timeline, from the events of all services.
    Dossier(dossier::Args),
    /// Answer a person who asks what is held, or wants it erased.
    #[command(subcommand)]
    Subject(subject::Command),
    /// Print the settlement report II.06 of an agency or the whole city.
    Report(report::Args),
    /// Play the next weeks on a copy, from today's real state: how many will be overdue, and what if. Changes nothing.
    Simulate(simulate::Args),
    /// Measure the suite against the best that this machine gives.
    #[command(subcommand)]
    Bench(bench::Command),
    /// Make or show the key that signs tokens of the issuer that comes with the software.
    #[command(subcommand)]
    Jwks(jwks::Command),
    /// Print a short-lived token, for a machine account or for trying something.
    Token(token::Args),
    /// Ask a service whether it is serving; exits with 1 if not.
    Health(health::Args),
}

/// Why a command failed, in a sentence for whoever typed it.
#[derive(Debug)]
pub(crate) struct Failed(String);

impl Failed {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<tonic::Status> for Failed {
    fn from(status: tonic::Status) -> Self {
        Self(format!("{} ({:?})", status.message(), status.code()))
    }
}

impl From<motcua_platform::error::Error> for Failed {
    fn from(error: motcua_platform::error::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<motcua_platform::tls::Error> for Failed {
    fn from(error: motcua_platform::tls::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(failed) => {
            eprintln!("motcua: {failed}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failed> {
    // Commands that need neither configuration nor a runtime, or see to both themselves.
    match &cli.command {
        Command::Config => {
            print!("{}", config::DEFAULT);
            return Ok(ExitCode::SUCCESS);
        }
        Command::Certs(command) => return certs::run(command),
        Command::Due(args) => return due::run(args),
        Command::Policy(args) => return Ok(policy::run(args)),
        Command::Catalog(command) => return catalog::command::run(cli.config.as_deref(), command),
        Command::Definition(command) => {
            return catalog::drawing::run(command).map(|()| ExitCode::SUCCESS);
        }
        _ => {}
    }
    let config = Config::load(cli.config.as_deref())?;
    let command = match cli.command {
        Command::Jwks(command) => return jwks::run(&config, command),
        Command::Token(args) => return token::run(&config, args),
        command => command,
    };
    runtime()?.block_on(async {
        match command {
            Command::Demo(args) => demo::run(args).await,
            Command::Serve(args) => serve::run(config, args).await,
            Command::Migrate => serve::migrate(&config).await,
            Command::Keys(command) => keys::run(&config, command).await,
            Command::Feed(command) => feed::run(&config, command).await,
            Command::Dossier(args) => dossier::run(&config, args).await,
            Command::Subject(command) => subject::run(&config, command).await,
            Command::Report(args) => report::run(&config, args).await,
            Command::Simulate(args) => simulate::run(&config, args).await,
            Command::Bench(command) => bench::run(command).await,
            Command::Health(args) => health::run(&config, args).await,
            Command::Config
            | Command::Certs(_)
            | Command::Due(_)
            | Command::Policy(_)
            | Command::Jwks(_)
            | Command::Token(_)
            | Command::Catalog(_)
            | Command::Definition(_) => Ok(ExitCode::SUCCESS),
        }
    })
}

/// What asks the services runs on it.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}
