//! `motcua due`: when a dossier is due by law, and why, day by day.

use std::{path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use jiff::{
    Timestamp,
    civil::{DateTime, Time},
};
use motcua_calendar::{DueHour, Explanation, Hold, Limit};
use motcua_platform::catalog::Catalog;
use serde_json::json;

use crate::{Failed, catalog};

/// Computes a due date by law and explains it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Times are of Asia/Ho_Chi_Minh, as YYYY-MM-DDTHH:MM. \
    The calendar is the one that comes with the software unless --catalog names a directory.\n\n\
    Example: motcua due --received 2026-02-13T15:20 --limit \"3 working days\"\n\
             motcua due --received 2026-02-13T15:20 --procedure 1.010041")]
pub(crate) struct Args {
    /// The moment of reception: 2026-02-13T15:20.
    #[arg(long, value_name = "TIME")]
    received: DateTime,
    /// `same day`, `N working days` (0.5 allowed), `N working hours` or `N calendar days`.
    #[arg(long, required_unless_present = "procedure")]
    limit: Option<Limit>,
    /// A procedure of the catalog, with its limit and those that may be chosen during the work: 1.010041.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["limit", "cutoff"])]
    procedure: Option<String>,
    /// The cut-off of a limit of the same day: received later, it is due the next working day. 15:00 if not given.
    #[arg(long, value_name = "HH:MM")]
    cutoff: Option<Time>,
    /// A time that does not count, FROM/TO: 2026-02-23T09:00/2026-02-25T10:00. May be given several times.
    #[arg(long, value_name = "FROM/TO", value_parser = parse_hold)]
    hold: Vec<Hold>,
    /// Which hour of the due day is printed on the receipt.
    #[arg(long, value_enum, default_value_t = Hour::EndOfDay)]
    due_hour: Hour,
    /// A catalog whose calendar counts, instead of the one that comes with the software.
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Hour {
    /// The closing hour.
    EndOfDay,
    /// The hour of reception, inside opening hours.
    SameTime,
}

fn parse_hold(text: &str) -> Result<Hold, String> {
    let (from, to) = text.split_once('/').ok_or("must be FROM/TO")?;
    let instant = |text: &str| -> Result<Timestamp, String> {
        let at: DateTime = text
            .parse()
            .map_err(|_| format!("`{text}` is not a time such as 2026-02-23T09:00"))?;
        motcua_calendar::instant(at).map_err(|error| error.to_string())
    };
    let (from, to) = (instant(from)?, instant(to)?);
    if to < from {
        return Err("must not end before it begins".to_owned());
    }
    Ok(Hold { from, to: Some(to) })
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failed> {
    let catalog = parsed(args.catalog.as_deref())?;
    let calendar = catalog
        .agencies()
        .find_map(|agency| catalog.calendar_of(agency))
        .ok_or_else(|| Failed::new("the catalog has no calendar"))?;
    let due_hour = match args.due_hour {
        Hour::EndOfDay => DueHour::EndOfDay,
        Hour::SameTime => DueHour::SameTime,
    };
    let received =
        motcua_calendar::instant(args.received).map_err(|error| Failed::new(error.to_string()))?;
    let explain = |limit: &Limit| {
        calendar
            .explain(received, limit, due_hour, &args.hold)
            .map_err(|error| Failed::new(error.to_string()))
    };
    let limits = limits(args, &catalog)?;
    let explained = limits
        .iter()
        .map(|(id, limit)| Ok((id.as_str(), explain(limit)?)))
        .collect::<Result<Vec<_>, Failed>>()?;
    if args.json {
        let values: Vec<_> = explained.iter().map(|(id, it)| value(id, it)).collect();
        let value = match (values.as_slice(), &args.procedure) {
            ([one], None) => one.clone(),
            _ => json!({ "procedure": args.procedure, "limits": values }),
        };
        println!("{value:#}");
        return Ok(ExitCode::SUCCESS);
    }
    for (number, (id, explanation)) in explained.iter().enumerate() {
        if number > 0 {
            println!();
        }
        if !id.is_empty() {
            println!("Where '{id}' is chosen during the work:");
        }
        println!("{}", explanation.to_string().trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// What is asked about: one limit without a name, or a procedure's, of which only those that may be chosen have one.
fn limits(args: &Args, catalog: &Catalog) -> Result<Vec<(String, Limit)>, Failed> {
    let Some(code) = &args.procedure else {
        let limit = match (args.cutoff, args.limit.clone()) {
            (Some(cutoff), Some(limit @ Limit::SameDay { .. })) => limit.with_cutoff(cutoff),
            (Some(_), Some(limit)) => {
                return Err(Failed::new(format!(
                    "--cutoff belongs to `same day`; this limit is `{limit}`"
                )));
            }
            (_, limit) => limit.ok_or_else(|| Failed::new("--limit or --procedure is wanted"))?,
        };
        return Ok(vec![(String::new(), limit)]);
    };
    let procedure = catalog
        .procedure(code)
        .ok_or_else(|| Failed::new(format!("the catalog has no procedure '{code}'")))?;
    let first = procedure.limit.iter().map(|limit| ("", limit));
    let others = procedure
        .other_limits
        .iter()
        .filter_map(|other| Some((other.id.as_str(), other.limit.as_ref()?)));
    Ok(first
        .chain(others)
        .filter_map(|(id, limit)| Some((id.to_owned(), motcua_platform::catalog::limit(limit)?)))
        .collect())
}

fn value(id: &str, explanation: &Explanation) -> serde_json::Value {
    let lines: Vec<_> = explanation
        .lines
        .iter()
        .map(|line| {
            json!({ "day": line.day.to_string(), "counted": line.counted, "reason": line.reason.to_string() })
        })
        .collect();
    let mut value = json!({
        "received": motcua_calendar::local(explanation.received).to_string(),
        "limit": explanation.limit.to_string(),
        "due": motcua_calendar::local(explanation.due.at).to_string(),
        "due_at": explanation.due.at.to_string(),
        "too_late_from": explanation.due.judged_until.to_string(),
        "lines": lines,
    });
    if !id.is_empty() {
        value["chosen"] = json!(id);
    }
    value
}

fn parsed(directory: Option<&std::path::Path>) -> Result<Catalog, Failed> {
    let bundle = match directory {
        Some(directory) => catalog::read(directory),
        None => catalog::embedded(),
    }
    .map_err(|faults| Failed::new(faults.to_string()))?;
    Ok(Catalog::parse(&bundle.catalog)?)
}
