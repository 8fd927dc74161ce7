//! `motcua simulate`: a city's next weeks from today's real state, on a copy; and what would be otherwise with other people,
//! other limits or more dossiers.
//!
//! It reads the histories, plays them on by the very rules that the service decides with, and changes nothing. What it
//! assumes: people are those who completed tasks in the last four weeks; a step takes of their time, and comes to, what it did
//! before; on each day comes what came on one of the last four days of the same name; what is awaited of an applicant comes
//! on its last day; nobody apologises, nothing new is asked for, and no other limit is chosen. How far that holds is seen with
//! `--as-of`: it begins in the past, and shows beside the courses what then really happened.

mod future;
mod past;

#[cfg(test)]
mod tests;

use std::{io::IsTerminal as _, process::ExitCode};

use jiff::{Timestamp, civil::Date};
use motcua_calendar::Limit;
use motcua_platform::{catalog::limit_to_proto, time::from_proto_opt};
use motcua_proto::{
    events::v1::{
        Event, EventKind, SubscribeRequest, event_feed_service_client::EventFeedServiceClient,
    },
    r#type::v1::Role,
};
use serde::Serialize;

pub(crate) use self::future::Outlook;
use self::{
    future::{Change, play},
    past::{Past, Place},
};
use crate::{
    Failed, caller::Caller, catalog::words, config::Config, feed::Service, picture, tables,
};

/// What if.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How far ahead.
    #[arg(long, value_name = "N", default_value_t = 28, value_parser = clap::value_parser!(i64).range(1..=366))]
    days: i64,
    /// So many people more or fewer at an agency: 11593/officer=-1. May be given several times; one stays at least.
    #[arg(long, value_name = "AGENCY/ROLE=±N", allow_hyphen_values = true)]
    people: Vec<String>,
    /// So many times the dossiers: 2.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    arrivals: Option<f64>,
    /// Another limit for what comes in: "1.000656=3 working days". May be given several times.
    #[arg(long, value_name = "PROCEDURE=LIMIT")]
    limit: Vec<String>,
    /// Begin at the end of this day, as the histories tell it, and show beside it what then really happened.
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// How often each course is played, each time with another chance.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    runs: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// For machines: the middle of all runs.
#[derive(Debug, Serialize)]
struct Json {
    as_it_is: Figures,
    what_if: Figures,
    /// What really happened, where it lies in the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_it_was: Option<Figures>,
}

/// The middle of all runs, and the lowest and the highest.
#[derive(Debug, Serialize)]
struct Figures {
    received: [i64; 3],
    resolved: [i64; 3],
    resolved_overdue: [i64; 3],
    open: [i64; 3],
    open_overdue: [i64; 3],
}

pub(crate) async fn run(config: &Config, args: Args) -> Result<ExitCode, Failed> {
    let change = change(&args)?;
    let histories = Histories::read(
        Service::Intake.peer(config, Role::CitySupervisor)?,
        Service::Workflow.peer(config, Role::CitySupervisor)?,
    )
    .await?;
    let begins = args.as_of.map(end_of).transpose()?;
    let (past, after) = histories.until(begins)?;
    let as_it_was = begins.map(|_| vec![past.went_on(&after, args.days)]);
    for place in change.people.keys() {
        if !past.crews.contains_key(place) {
            return Err(Failed::new(format!(
                "nobody has worked as {} at {} in the last four weeks",
                words::role_word(place.1),
                place.0
            )));
        }
    }
    let as_it_is = course(&past, &Change::default(), args.days, args.runs)?;
    let what_if = course(&past, &change, args.days, args.runs)?;
    if args.json {
        let json = Json {
            as_it_is: figures(&as_it_is),
            what_if: figures(&what_if),
            as_it_was: as_it_was.as_deref().map(figures),
        };
        let text =
            serde_json::to_string_pretty(&json).map_err(|error| Failed::new(error.to_string()))?;
        println!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    print!(
        "{}",
        shown(&past, &args, &as_it_is, &what_if, as_it_was.as_deref())
    );
    Ok(ExitCode::SUCCESS)
}

/// One course of things, played so many times, each time with another chance.
fn course(past: &Past, change: &Change, days: i64, runs: u64) -> Result<Vec<Outlook>, Failed> {
    (0..runs)
        .map(|seed| {
            if std::io::stderr().is_terminal() {
                eprint!("\r  run {} of {runs}\r", seed + 1);
            }
            play(past, change, days, seed)
        })
        .collect()
}

/// What the services have told from the beginning to now, as far as a future follows from it.
#[derive(Debug)]
pub(crate) struct Histories {
    /// The catalogs.
    intake: Vec<Event>,
    workflow: Vec<Event>,
}

impl Histories {
    /// Asks the services, as somebody of the city.
    pub(crate) async fn read<T: Caller>(intake: T, workflow: T) -> Result<Self, Failed> {
        Ok(Self {
            intake: history(intake, &[EventKind::CatalogApplied]).await?,
            workflow: history(workflow, &[]).await?,
        })
    }

    /// The past as it was at an instant, or is now; and what was told since.
    fn until(&self, begins: Option<Timestamp>) -> Result<(Past, Vec<&Event>), Failed> {
        let is_past = |event: &&Event| {
            let at = from_proto_opt(event.occurred_at.as_ref()).unwrap_or_default();
            begins.is_none_or(|begins| at < begins)
        };
        let (before, after): (Vec<_>, Vec<_>) = self.workflow.iter().partition(is_past);
        let mut past = Past::read(&self.intake, before)?;
        past.now = begins.unwrap_or(past.now);
        Ok((past, after))
    }

    /// What was to be foreseen at the end of a day, by each of so many runs, and what then really happened.
    pub(crate) fn hindsight(
        &self,
        day: Date,
        days: i64,
        runs: u64,
    ) -> Result<(Vec<Outlook>, Outlook), Failed> {
        let begins = end_of(day)?;
        let (past, after) = self.until(Some(begins))?;
        let told = |event: &Event| from_proto_opt(event.occurred_at.as_ref());
        let last = self.workflow.last().and_then(told).unwrap_or_default();
        if past.arrivals.is_empty() || past.after(days) > last {
            return Err(Failed::new(format!(
                "the histories do not tell what came before {day} and what happened in the {days} days after it"
            )));
        }
        let foreseen = course(&past, &Change::default(), days, runs)?;
        Ok((foreseen, past.went_on(&after, days)))
    }
}

/// The events of a service, from its beginning to now; all of them where no kinds are named.
async fn history<T: Caller>(service: T, kinds: &[EventKind]) -> Result<Vec<Event>, Failed> {
    let mut stream = EventFeedServiceClient::new(service)
        .subscribe(SubscribeRequest {
            kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
            until_head: true,
            ..SubscribeRequest::default()
        })
        .await?
        .into_inner();
    let mut events = Vec::new();
    while let Some(batch) = stream.message().await? {
        events.extend(batch.events);
    }
    Ok(events)
}

fn change(args: &Args) -> Result<Change, Failed> {
    let mut change = Change::default();
    for people in &args.people {
        let (place, more) = place(people).ok_or_else(|| {
            Failed::new(format!(
                "--people '{people}' must be like 11593/officer=-1, with one of {}",
                words::ROLES
            ))
        })?;
        *change.people.entry(place).or_default() += more;
    }
    if let Some(times) = args.arrivals {
        if !(0.0..=100.0).contains(&times) {
            return Err(Failed::new("--arrivals must be from 0 to 100"));
        }
        change.arrivals = Some(times);
    }
    for limit in &args.limit {
        let parsed = limit.split_once('=').map(|(procedure, text)| {
            let limit = text.trim().parse::<Limit>();
            (procedure.trim().to_owned(), limit)
        });
        let limited = match parsed {
            Some((procedure, Ok(limit))) => limit_to_proto(&limit).map(|_| (procedure, limit)),
            Some((_, Err(error))) => {
                return Err(Failed::new(format!("--limit '{limit}': {error}")));
            }
            None => None,
        };
        let (procedure, limit) = limited.ok_or_else(|| {
            Failed::new(format!(
                "--limit '{limit}' must be like \"1.000656=3 working days\", in whole hours at least"
            ))
        })?;
        change.limits.insert(procedure, limit);
    }
    Ok(change)
}

fn place(people: &str) -> Option<(Place, i64)> {
    let (place, more) = people.split_once('=')?;
    let (agency, role) = place.split_once('/')?;
    let more = more.trim().trim_start_matches('+').parse().ok()?;
    Some((
        (agency.trim().to_owned(), words::role_of(role.trim())?),
        more,
    ))
}

fn figures(runs: &[Outlook]) -> Figures {
    let of = |figure: Figure| middle(runs, figure);
    Figures {
        received: of(|run| run.received),
        resolved: of(|run| run.resolved),
        resolved_overdue: of(|run| run.resolved_overdue),
        open: of(|run| run.open),
        open_overdue: of(|run| run.open_overdue),
    }
}

/// One of an outlook's figures.
pub(crate) type Figure = fn(&Outlook) -> i64;

/// The middle of all runs, the lowest and the highest.
pub(crate) fn middle(runs: &[Outlook], figure: impl Fn(&Outlook) -> i64) -> [i64; 3] {
    let mut values: Vec<_> = runs.iter().map(figure).collect();
    values.sort_unstable();
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    [
        at(values.len() / 2),
        at(0),
        at(values.len().saturating_sub(1)),
    ]
}

fn end_of(day: Date) -> Result<Timestamp, Failed> {
    let midnight = day.tomorrow().map(|next| next.at(0, 0, 0, 0));
    midnight
        .ok()
        .and_then(|midnight| motcua_calendar::instant(midnight).ok())
        .ok_or_else(|| Failed::new("--as-of is a day of no calendar"))
}

fn shown(
    past: &Past,
    args: &Args,
    as_it_is: &[Outlook],
    what_if: &[Outlook],
    as_it_was: Option<&[Outlook]>,
) -> String {
    let from = motcua_calendar::local(past.now);
    let mut out = format!(
        "From {}, {} days ahead, {} runs each: the middle, and from the lowest to the highest.\n\n",
        from.strftime("%Y-%m-%d %H:%M"),
        args.days,
        args.runs
    );
    let cell = |[middle, low, high]: [i64; 3]| {
        if low == high {
            middle.to_string()
        } else {
            format!("{middle} ({low} to {high})")
        }
    };
    let rows: [(&str, Figure); 6] = [
        ("received", |run| run.received),
        ("resolved", |run| run.resolved),
        ("  of those overdue", |run| run.resolved_overdue),
        ("open at the end", |run| run.open),
        ("  of those overdue", |run| run.open_overdue),
        ("overdue in all", Outlook::overdue),
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(name, figure)| {
            let of = |runs: &[Outlook]| cell(middle(runs, figure));
            let mut row = vec![(*name).to_owned(), of(as_it_is), of(what_if)];
            row.extend(as_it_was.map(of));
            row
        })
        .collect();
    let mut header = vec!["", "as it is", "what if"];
    header.extend(as_it_was.map(|_| "as it was"));
    out.push_str(&tables::table(&header, &rows, 1));
    let was = as_it_was.unwrap_or_default();
    for (title, runs) in [
        ("As it is", as_it_is),
        ("What if", what_if),
        ("As it was", was),
    ] {
        if let Some(first) = runs.first() {
            out.push_str(&format!(
                "\n{title}, the first run\n\n{}",
                picture::days(&first.days)
            ));
        }
    }
    out
}
