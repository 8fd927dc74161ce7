//! `motcua due`: when a dossier is due by law, and why, day by day.

mod terms;

use std::{path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
};
use motcua_calendar::{Calendar, DueHour, Explanation, Hold, Limit};
use motcua_platform::{catalog::Catalog, time::date_from_proto};
use motcua_proto::{
    r#type::v1::{Agency, CalendarDayKind, Procedure},
    workflow::v1::{Definition, ExternalStep, step::Kind},
};
use serde_json::json;

use self::terms::{Term, terms};
use crate::{
    Failed,
    catalog::{self, Bundle},
};

/// Computes a due date by law and explains it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Times are of Asia/Ho_Chi_Minh, as YYYY-MM-DDTHH:MM. \
    The calendar is the first agency's of the catalog that comes with the software, unless --agency and --catalog say another.\n\n\
    Example: motcua due --received 2026-02-13T15:20 --limit \"3 working days\"\n\
             motcua due --received 2026-02-13T15:20 --procedure 1.010041\n\
             motcua due --received 2026-02-13T15:20 --limit \"5 working days\" --external \"2026-02-23T09:00/16 working hours\"")]
pub(crate) struct Args {
    /// The moment of reception: 2026-02-13T15:20.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
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
    /// An external wait, ASKED/HOURS: when another system is asked, and how long it has: "2026-02-23T09:00/16 working hours".
    /// Inside the limit, which runs on. May be given several times.
    #[arg(long, value_name = "ASKED/HOURS", value_parser = parse_external)]
    external: Vec<External>,
    /// Which hour of the due day is printed on the receipt, where it is not the agency's.
    #[arg(long, value_enum)]
    due_hour: Option<Hour>,
    /// The agency whose calendar counts: 11593. The catalog's first if not given.
    #[arg(long, value_name = "CODE")]
    agency: Option<String>,
    /// A catalog whose calendars count, instead of the one that comes with the software.
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Another system is asked, and has so long to answer.
#[derive(Debug, Clone)]
struct External {
    asked: Timestamp,
    budget: Limit,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Hour {
    /// The closing hour.
    EndOfDay,
    /// The hour of reception, inside opening hours.
    SameTime,
}

/// A time with its hour: without one it would be midnight, which nobody means.
fn parse_time(text: &str) -> Result<DateTime, String> {
    let at = text.parse().ok();
    at.filter(|_| text.contains(['T', 't', ' ']))
        .ok_or_else(|| format!("`{text}` is not a time with its hour, such as 2026-02-13T15:20"))
}

fn parse_hold(text: &str) -> Result<Hold, String> {
    let (from, to) = text.split_once('/').ok_or("must be FROM/TO")?;
    let instant = |text: &str| -> Result<Timestamp, String> {
        motcua_calendar::instant(parse_time(text)?).map_err(|error| error.to_string())
    };
    let (from, to) = (instant(from)?, instant(to)?);
    if to < from {
        return Err("must not end before it begins".to_owned());
    }
    Ok(Hold { from, to: Some(to) })
}

fn parse_external(text: &str) -> Result<External, String> {
    let (asked, budget) = text.split_once('/').ok_or("must be ASKED/HOURS")?;
    let asked = motcua_calendar::instant(parse_time(asked)?).map_err(|error| error.to_string())?;
    match budget.parse::<Limit>() {
        Ok(budget @ Limit::WorkingHours { .. }) => Ok(External { asked, budget }),
        _ => Err(format!(
            "what another system has is counted in working hours, such as `16 working hours`, and not as `{budget}`"
        )),
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failed> {
    let bundle = read(args.catalog.as_deref())?;
    let catalog = Catalog::parse(&bundle.catalog)?;
    let agency = agency(args, &catalog)?;
    let procedure = procedure(args, &catalog)?;
    // Without a procedure, whatever is received at that hour is.
    let field = procedure.map(|procedure| procedure.field.as_str());
    let calendar = field
        .map_or_else(
            || catalog.calendar_of(agency).cloned(),
            |field| catalog.calendar_for(agency, field),
        )
        .ok_or_else(|| Failed::new(format!("the agency '{}' has no calendar", agency.code)))?;
    let due_hour = match args.due_hour {
        Some(Hour::EndOfDay) => DueHour::EndOfDay,
        Some(Hour::SameTime) => DueHour::SameTime,
        None => motcua_platform::catalog::due_hour(agency),
    };
    let received =
        motcua_calendar::instant(args.received).map_err(|error| Failed::new(error.to_string()))?;
    let explain = |limit: &Limit| {
        calendar
            .explain(received, limit, due_hour, &args.hold)
            .map_err(|error| Failed::new(error.to_string()))
    };
    let limits = limits(args, procedure)?;
    let explained = limits
        .iter()
        .map(|(id, limit)| Ok((id.as_str(), explain(limit)?)))
        .collect::<Result<Vec<_>, Failed>>()?;
    let answers = answers(args, received, &calendar)?;
    let reckoned = explained.iter().map(|(_, it)| it).chain(&answers);
    let last = reckoned.map(last_day).max();
    if let Some(warning) = last.and_then(|last| beyond(&catalog, agency, last)) {
        eprintln!("{warning}");
    }
    let closed = procedure.and_then(|it| catalog.why_closed(it, args.received.date()));
    if let Some(why) = closed {
        eprintln!(
            "warning: nothing is submitted under this code on {}: {why}",
            args.received.date()
        );
    }
    let definition = procedure.and_then(|procedure| {
        let mut definitions = bundle.definitions.iter();
        definitions.find(|definition| definition.id == procedure.definition)
    });
    let terms = procedure.map(|procedure| terms(&calendar, agency, procedure, received));
    let terms = terms.transpose()?.unwrap_or_default();
    if args.json {
        let values: Vec<_> = explained.iter().map(|(id, it)| value(id, it)).collect();
        let mut value = match (values.as_slice(), &args.procedure) {
            ([one], None) => one.clone(),
            _ => json!({ "procedure": args.procedure, "limits": values }),
        };
        if !answers.is_empty() {
            let answer = |it: &Explanation| {
                let mut value = self::value("", it);
                value["too_late_for"] = json!(too_late_for(it, &explained));
                value
            };
            value["external"] = answers.iter().map(answer).collect();
        }
        if !terms.is_empty() {
            value["terms"] = terms.iter().map(Term::value).collect();
        }
        if let Some(definition) = definition {
            value["external_waits"] = externals(definition)
                .map(|(step, external)| {
                    json!({
                        "step": step,
                        "system": external.system,
                        "working_minutes": external.planned_minutes,
                    })
                })
                .collect();
        }
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
    for term in &terms {
        println!("{term}");
    }
    for (step, external) in definition.iter().flat_map(|it| externals(it)) {
        println!(
            "external wait    {}: {} working hours from when it is asked (step '{step}'), inside the limit",
            external.system,
            f64::from(external.planned_minutes) / 60.0,
        );
    }
    for answer in &answers {
        println!("\nAnother system is asked, and the limit runs on:");
        println!("{}", answer.to_string().trim_end());
        match too_late_for(answer, &explained)[..] {
            [] => {}
            ref all if all.len() == explained.len() => {
                println!("That is later than the dossier is due.");
            }
            ref some => {
                let limits = some.iter().map(|id| match *id {
                    "" => "the first limit".to_owned(),
                    chosen => format!("'{chosen}'"),
                });
                println!(
                    "That is later than the dossier is due by {}.",
                    limits.collect::<Vec<_>>().join(", ")
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// By when each of the systems that are asked is to have answered: in working time, and held with the dossier.
fn answers(
    args: &Args,
    received: Timestamp,
    calendar: &Calendar,
) -> Result<Vec<Explanation>, Failed> {
    let answer = |external: &External| {
        if external.asked < received {
            return Err(Failed::new(format!(
                "--external: asked at {}, before the dossier was received",
                motcua_calendar::local(external.asked)
            )));
        }
        calendar
            .explain(
                external.asked,
                &external.budget,
                DueHour::SameTime,
                &args.hold,
            )
            .map_err(|error| Failed::new(error.to_string()))
    };
    args.external.iter().map(answer).collect()
}

/// The limits, by their ids, that have passed when an answer may still come.
fn too_late_for<'a>(answer: &Explanation, limits: &'a [(&str, Explanation)]) -> Vec<&'a str> {
    let passed = limits
        .iter()
        .filter(|(_, it)| it.due.judged_until <= answer.due.at);
    passed.map(|(id, _)| *id).collect()
}

/// What a definition waits for from other systems, with the step of each.
fn externals(definition: &Definition) -> impl Iterator<Item = (&str, &ExternalStep)> {
    let steps = definition.steps.iter();
    steps.filter_map(|step| match &step.kind {
        Some(Kind::External(external)) => Some((step.id.as_str(), external)),
        _ => None,
    })
}

/// The agency whose calendar counts.
fn agency<'a>(args: &Args, catalog: &'a Catalog) -> Result<&'a Agency, Failed> {
    match &args.agency {
        Some(code) => catalog
            .agency(code)
            .ok_or_else(|| Failed::new(format!("the catalog has no agency '{code}'"))),
        None => catalog
            .agencies()
            .find(|agency| catalog.calendar_of(agency).is_some())
            .ok_or_else(|| Failed::new("the catalog has no calendar")),
    }
}

/// The last day that a reckoning looks at.
fn last_day(explanation: &Explanation) -> Date {
    let days = explanation.lines.iter().map(|line| line.day);
    days.fold(explanation.due.day, Date::max)
}

/// What is to be known where a reckoning goes beyond the years whose holidays the calendar lists.
fn beyond(catalog: &Catalog, agency: &Agency, last: Date) -> Option<String> {
    let mut calendars = catalog.proto().calendars.iter();
    let calendar = calendars.find(|calendar| calendar.id == agency.calendar)?;
    let listed = calendar
        .days
        .iter()
        .filter(|day| day.kind() == CalendarDayKind::Holiday)
        .filter_map(|day| date_from_proto(day.date.as_ref()?))
        .max();
    match listed {
        Some(listed) if last.year() <= listed.year() => None,
        Some(listed) => Some(format!(
            "warning: the calendar '{}' lists no days off after {}: those that are on the way to {last} are not known, and \
             count as working days",
            calendar.id,
            listed.year()
        )),
        None => Some(format!(
            "warning: the calendar '{}' lists no days off: they are not known, and count as working days",
            calendar.id
        )),
    }
}

/// The procedure that is asked about; `None` where a limit is.
fn procedure<'a>(args: &Args, catalog: &'a Catalog) -> Result<Option<&'a Procedure>, Failed> {
    let found = args.procedure.as_ref().map(|code| {
        catalog
            .procedure(code)
            .ok_or_else(|| Failed::new(format!("the catalog has no procedure '{code}'")))
    });
    found.transpose()
}

/// What is asked about: one limit without a name, or a procedure's, of which only those that may be chosen have one.
fn limits(args: &Args, procedure: Option<&Procedure>) -> Result<Vec<(String, Limit)>, Failed> {
    let Some(procedure) = procedure else {
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
            json!({
                "day": line.day.to_string(),
                "counted": line.counted,
                "reason": line.reason.to_string(),
                "article": line.reason.article(),
            })
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

fn read(directory: Option<&std::path::Path>) -> Result<Bundle, Failed> {
    match directory {
        Some(directory) => catalog::read(directory),
        None => catalog::embedded(),
    }
    .map_err(|faults| Failed::new(faults.to_string()))
}
