//! `motcua catalog`: check, apply, compare and import catalogs.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use motcua_proto::r#type::v1::Role;

use super::{Bundle, apply, diff, import, in_force};
use crate::{Failed, config::Config, feed::Service};

/// What `diff` ends with where there are differences; 2 is trouble, as with the `diff` of files.
const DIFFERENT: u8 = 1;
const TROUBLE: u8 = 2;

/// What to do with a catalog.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read the catalog of a directory and report every fault with file and line.
    Check {
        /// The directory.
        directory: PathBuf,
    },
    /// Check the catalog of a directory as a whole, then apply it: definitions to workflow, the rest to intake.
    Apply {
        /// The directory.
        directory: PathBuf,
    },
    /// Show what the catalog of a directory would change. Exits with 0 where nothing, 1 where something, 2 on trouble.
    Diff {
        /// The directory.
        directory: PathBuf,
        /// Compare with the catalog of this directory in place of the one in force.
        #[arg(long, value_name = "DIR")]
        against: Option<PathBuf>,
        /// Write it for programs.
        #[arg(long)]
        json: bool,
    },
    /// Make the procedures.csv of a catalog from a list that others publish, and tell of each row what was taken, guessed
    /// and refused.
    #[command(after_help = IMPORT)]
    Import {
        /// The list: divided by tabs, its first line names the columns.
        list: PathBuf,
        /// Directory of a catalog that has everything but its procedures.
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
        /// Replace a procedures.csv that is there already.
        #[arg(long)]
        force: bool,
        /// Write what is told of each row to this file too, divided by tabs.
        #[arg(long, value_name = "FILE.tsv")]
        report: Option<PathBuf>,
    },
}

const IMPORT: &str = "\
Columns of the list (UTF-8, in any order; others are left out):
  code             required  national code: 1.000656
  name             required  a line break in it is joined
  field            required  decides whose the procedure is: the police's, the social insurance's, or else the ward's
  time_by_channel  required  how long it takes: Trực tuyến=3 Ngày làm việc; Trực tiếp=5 Ngày làm việc
  level                      a row that does not name the commune's level is refused";

/// Runs it. `config` is the file that was named, for those that ask the services.
pub(crate) fn run(config: Option<&Path>, command: &Command) -> Result<ExitCode, Failed> {
    match command {
        Command::Check { directory } => check(directory),
        Command::Apply { directory } => {
            let config = Config::load(config)?;
            crate::runtime()?.block_on(publish(&config, directory))
        }
        Command::Diff {
            directory,
            against,
            json,
        } => Ok(
            compare(config, directory, against.as_deref(), *json).unwrap_or_else(|failed| {
                eprintln!("motcua: {failed}");
                ExitCode::from(TROUBLE)
            }),
        ),
        Command::Import {
            list,
            into,
            force,
            report,
        } => {
            let order = import::Order {
                list: list.clone(),
                into: into.clone(),
                force: *force,
            };
            take_in(&order, report.as_deref())
        }
    }
}

fn read(directory: &Path) -> Result<Bundle, Failed> {
    super::read(directory).map_err(|faults| Failed::new(faults.to_string()))
}

fn check(directory: &Path) -> Result<ExitCode, Failed> {
    let bundle = read(directory)?;
    println!(
        "{}: {} agencies, {} procedures, {} definitions, no fault",
        bundle.catalog.id,
        bundle.catalog.agencies.len(),
        bundle.catalog.procedures.len(),
        bundle.definitions.len(),
    );
    Ok(ExitCode::SUCCESS)
}

async fn publish(config: &Config, directory: &Path) -> Result<ExitCode, Failed> {
    let bundle = read(directory)?;
    let applied = apply::apply(
        &bundle,
        apply::today(),
        Service::Intake.peer(config, Role::Administrator)?,
        Service::Workflow.peer(config, Role::Administrator)?,
    )
    .await
    .map_err(|error| Failed::new(error.to_string()))?;
    println!("{applied}");
    Ok(ExitCode::SUCCESS)
}

fn compare(
    config: Option<&Path>,
    directory: &Path,
    against: Option<&Path>,
    json: bool,
) -> Result<ExitCode, Failed> {
    let to = side(directory)?;
    let from = match against {
        Some(directory) => side(directory)?,
        None => {
            let config = Config::load(config)?;
            crate::runtime()?.block_on(in_force(&config))?
        }
    };
    let diff = diff::diff(&from, &to);
    if json {
        let text = serde_json::to_string_pretty(&diff)
            .map_err(|error| Failed::new(format!("the differences cannot be written: {error}")))?;
        println!("{text}");
    } else {
        print!("{diff}");
    }
    Ok(if diff.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIFFERENT)
    })
}

fn side(directory: &Path) -> Result<diff::Side, Failed> {
    let bundle = read(directory)?;
    Ok(diff::Side {
        title: directory.display().to_string(),
        catalog: bundle.catalog,
        definitions: bundle.definitions,
    })
}

async fn in_force(config: &Config) -> Result<diff::Side, Failed> {
    let title = format!("in force at {}", Service::Intake.url(config));
    let intake = Service::Intake.peer(config, Role::Administrator)?;
    let workflow = Service::Workflow.peer(config, Role::Administrator)?;
    in_force::read(title, intake, workflow)
        .await
        .map_err(|status| {
            let (message, code) = (status.message(), status.code());
            Failed::new(format!(
                "the catalog in force cannot be read: {message} ({code:?})"
            ))
        })
}

fn take_in(order: &import::Order, report: Option<&Path>) -> Result<ExitCode, Failed> {
    let imported = import::import(order);
    if let Some(report) = report {
        import::write_report(&imported, report).map_err(Failed::new)?;
    }
    let imported = imported.map_err(|refused| Failed::new(refused.to_string()))?;
    eprintln!("{imported}");
    Ok(if imported.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
