//! `motcua simulate`: a city's next weeks from today's real state, on a copy; and what would be otherwise with other people,
//! other limits or more dossiers.
//!
//! It reads the histories, plays them on by the very rules that the service decides with, and changes nothing. What it
//! assumes: people are those who completed tasks in the last four weeks, and belong to the named groups whose tasks they ever
//! did; what anybody else has goes back to the worklist; a step takes of their time, and comes to, what it did before, also that
//! it is given back; on each day on which a counter is open comes what came on one of the last four days of the same name on which
//! it was, under the catalog in force; what is awaited of an applicant comes on its last day; nobody apologises, nothing new is
//! asked for, and no other limit is chosen. How far that holds is seen with `--as-of`: it begins in the past, and shows beside the
//! courses what then really happened.
//!
//! With `--agency` the figures are of those cases alone that the agency received, decides, or works or worked on. All the
//! others are played too: the police of a ward, or an insurance that works for several, would otherwise seem to have nothing
//! else to do, and one ward's figures would not be its part of the whole. What `--people` and `--arrivals` change holds for
//! all that is played.
//!
//! | file | answers |
//! | --- | --- |
//! | `past.rs` | where does every case stand, who works, what does a step take and come to, what comes in? |
//! | `arrivals.rs` | what comes in on a day? |
//! | `hands.rs` | what does a task take of somebody who has several in hand? |
//! | `future.rs` | how does it go on? |
//! | `outlook.rs` | what does it come to? |

mod arrivals;
mod future;
mod hands;
mod outlook;
mod past;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal as _,
    process::ExitCode,
};

use jiff::{SignedDuration, Timestamp, civil::Date};
use motcua_calendar::{InvalidLimit, Limit};
use motcua_platform::{catalog::limit_to_proto, clock::Clock, time::from_proto_opt};
use motcua_proto::{
    events::v1::{
        Event, EventKind, SubscribeRequest, event_feed_service_client::EventFeedServiceClient,
    },
    r#type::v1::Role,
};
use serde::Serialize;

pub(crate) use self::outlook::Outlook;
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
    /// So many people more or fewer at an agency, up to 1000: 11593/officer=-1. May be given several times. Where all are to
    /// go, one stays, which is said.
    #[arg(long, value_name = "AGENCY/ROLE=±N", allow_hyphen_values = true)]
    people: Vec<String>,
    /// So many times the dossiers: 2.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    arrivals: Option<f64>,
    /// Another limit for what comes in: "1.000656=3 working days". May be given several times.
    #[arg(long, value_name = "PROCEDURE=LIMIT")]
    limit: Vec<String>,
    /// Show the figures of this agency alone: of what it received, decides, or works or worked on. Everything is played all the
    /// same, as its people may work for others too. May be given several times.
    #[arg(long, value_name = "CODE")]
    agency: Vec<String>,
    /// Begin at the end of this day, as the histories tell it, and show beside it what then really happened, as far as that
    /// is over.
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
struct Json<'a> {
    /// Whose figures these are, where not everybody's.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    agencies: &'a BTreeSet<String>,
    as_it_is: Figures,
    what_if: Figures,
    /// What really happened, where it lies in the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_it_was: Option<Figures>,
    /// So many of its days are still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_to_come: Option<i64>,
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
    let mut change = change(&args)?;
    let histories = Histories::read(
        Service::Intake.peer(config, Role::CitySupervisor)?,
        Service::Workflow.peer(config, Role::CitySupervisor)?,
    )
    .await?;
    let begins = args
        .as_of
        .map(|day| histories.end_of_a_day_told(day))
        .transpose()?;
    let last = histories.last();
    let (mut past, after) = histories.until(begins.or_else(|| present(last)))?;
    past.shown = agencies(&past, &args.agency)?;
    let as_it_was = begins.map(|_| vec![past.went_on(&after, past.after(args.days).min(last))]);
    let to_come = begins.map(|_| days_between(last, past.after(args.days)));
    change.limits = limits_in_force(&past, change.limits)?;
    for words in few(&past, &change)?
        .into_iter()
        .chain(unplayed(&past, &change))
    {
        eprintln!("{words}");
    }
    let as_it_is = course(&past, &Change::default(), args.days, args.runs)?;
    let what_if = course(&past, &change, args.days, args.runs)?;
    if args.json {
        let json = Json {
            agencies: &past.shown,
            as_it_is: figures(&as_it_is),
            what_if: figures(&what_if),
            as_it_was: as_it_was.as_deref().map(figures),
            days_to_come: to_come.filter(|days| *days > 0),
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
    if let Some(days) = to_come.filter(|days| *days > 0) {
        println!(
            "\nAs it was goes to {}: of its {} days {days} are still to come.",
            motcua_calendar::local(last).strftime("%Y-%m-%d %H:%M"),
            args.days
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Nothing is told for longer than this at a suite whose clock is the system's: at the longest holiday something comes online.
const SILENT_AT_MOST: SignedDuration = SignedDuration::from_hours(24 * 31);

/// Now, which on the first morning after a holiday is days after what was told last. A suite whose clock is moved stands where it
/// last told something.
fn present(last: Timestamp) -> Option<Timestamp> {
    let now = Clock::system().now();
    let silent = now.duration_since(last);
    (silent > SignedDuration::ZERO && silent <= SILENT_AT_MOST).then_some(now)
}

/// Whole and begun days from one instant to a later one; none where it is not later.
fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    const DAY: i64 = 24 * 60 * 60;
    seconds / DAY + i64::from(seconds % DAY > 0)
}

/// Other limits by the codes of the catalog in force, which has the procedures.
fn limits_in_force(
    past: &Past,
    limits: BTreeMap<String, Limit>,
) -> Result<BTreeMap<String, Limit>, Failed> {
    let catalog = past.surround.catalogs.in_force(past.now);
    let of = |(code, limit): (String, Limit)| {
        let procedure = catalog
            .as_ref()
            .and_then(|catalog| catalog.procedure(&code));
        let known = procedure.map(|procedure| (procedure.code.clone(), limit));
        known.ok_or_else(|| {
            Failed::new(format!(
                "--limit: the catalog in force has no procedure '{code}'"
            ))
        })
    };
    limits.into_iter().map(of).collect()
}

/// The agencies whose figures are wanted, which the catalog in force has.
fn agencies(past: &Past, codes: &[String]) -> Result<BTreeSet<String>, Failed> {
    let catalog = past.surround.catalogs.in_force(past.now);
    let of = |code: &String| {
        let known = catalog.as_ref().and_then(|catalog| catalog.agency(code));
        known.map(|agency| agency.code.clone()).ok_or_else(|| {
            Failed::new(format!(
                "--agency: the catalog in force has no agency '{code}'"
            ))
        })
    };
    codes.iter().map(of).collect()
}

/// Another limit of which nothing is played is answered in words.
fn unplayed(past: &Past, change: &Change) -> Vec<String> {
    let weeks_ago = motcua_calendar::local(past.now - SignedDuration::from_hours(24 * 28)).date();
    let came = |code: &str| {
        let late = past.arrivals.range(weeks_ago..);
        late.flat_map(|(_, receipts)| receipts)
            .any(|receipt| receipt.procedure == code)
    };
    let is_open = |code: &str| past.open.values().any(|case| case.procedure == code);
    change
        .limits
        .keys()
        .filter(|code| !came(code) && !is_open(code))
        .map(|code| {
            format!(
                "--limit {code}: nothing of it came in during the last four weeks and nothing of it is open; \
                 nothing of it is played, and the limit changes nothing"
            )
        })
        .collect()
}

/// Where all people of a place are to go, one stays, which is answered in words; more than there are cannot go.
fn few(past: &Past, change: &Change) -> Result<Vec<String>, Failed> {
    let mut words = Vec::new();
    for (place, more) in &change.people {
        let (agency, role) = (&place.0, words::role_word(place.1));
        let Some(crew) = past.crews.get(place) else {
            return Err(Failed::new(format!(
                "nobody has worked as {role} at {agency} in the last four weeks"
            )));
        };
        let crew = i64::try_from(crew.len()).unwrap_or(i64::MAX);
        let left = crew.saturating_add(*more);
        if left < 0 {
            return Err(Failed::new(format!(
                "--people {agency}/{role}={more}: only {crew} worked there in the last four weeks"
            )));
        }
        if left == 0 {
            words.push(format!(
                "--people {agency}/{role}={more}: {crew} worked there in the last four weeks; one stays, so {} fewer are played",
                crew - 1
            ));
        }
    }
    Ok(words)
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
        // Nor is a catalog known that came later.
        let mut past = Past::read(self.intake.iter().filter(is_past), before)?;
        past.now = begins.unwrap_or(past.now);
        Ok((past, after))
    }

    /// When a thing was told last: the suite's now.
    fn last(&self) -> Timestamp {
        let told = self.workflow.iter();
        told.filter_map(|event| from_proto_opt(event.occurred_at.as_ref()))
            .max()
            .unwrap_or_default()
    }

    /// The end of a day which the histories tell of: not before their first event, and not after their last.
    fn end_of_a_day_told(&self, day: Date) -> Result<Timestamp, Failed> {
        let end = end_of(day)?;
        let told = self.workflow.iter();
        let first = told
            .filter_map(|event| from_proto_opt(event.occurred_at.as_ref()))
            .min()
            .unwrap_or_default();
        let last = self.last();
        if first < end && end <= last {
            return Ok(end);
        }
        let written = |at| {
            motcua_calendar::local(at)
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        };
        Err(Failed::new(format!(
            "--as-of {day}: its end must lie between {} and {}, which is what the histories tell of; \
             without --as-of it begins now",
            written(first),
            written(last)
        )))
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
        if past.arrivals.is_empty() || past.after(days) > self.last() {
            return Err(Failed::new(format!(
                "the histories do not tell what came before {day} and what happened in the {days} days after it"
            )));
        }
        let foreseen = course(&past, &Change::default(), days, runs)?;
        Ok((foreseen, past.went_on(&after, past.after(days))))
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
                "--people '{people}' must be like 11593/officer=-1, with one of {} and {MOST_PEOPLE} people at most",
                words::ROLES
            ))
        })?;
        let wanted = change.people.entry(place).or_default();
        *wanted = wanted.saturating_add(more);
        if !(-MOST_PEOPLE..=MOST_PEOPLE).contains(wanted) {
            return Err(Failed::new(format!(
                "--people '{people}': at most {MOST_PEOPLE} people more or fewer"
            )));
        }
    }
    if let Some(times) = args.arrivals {
        if !(0.0..=100.0).contains(&times) {
            return Err(Failed::new("--arrivals must be from 0 to 100"));
        }
        change.arrivals = Some(times);
    }
    for limit in &args.limit {
        let Some((procedure, text)) = limit.split_once('=') else {
            return Err(Failed::new(format!(
                "--limit '{limit}' must be like \"1.000656=3 working days\""
            )));
        };
        let wrong = |why: &str| Failed::new(format!("--limit '{limit}': {why}"));
        let read: Limit = text
            .trim()
            .parse()
            .map_err(|error: InvalidLimit| wrong(&error.to_string()))?;
        if has_part_hours(&read) {
            return Err(wrong(
                "a procedure's limit in hours has whole hours, like \"4 working hours\"",
            ));
        }
        if limit_to_proto(&read).is_none() {
            return Err(wrong("is no limit that a procedure may have"));
        }
        change.limits.insert(procedure.trim().to_owned(), read);
    }
    Ok(change)
}

/// How many people more or fewer may be asked for.
const MOST_PEOPLE: i64 = 1000;

fn has_part_hours(limit: &Limit) -> bool {
    match limit {
        Limit::WorkingHours { minutes } => minutes % 60 != 0,
        Limit::Staged(stages) => stages.iter().any(has_part_hours),
        _ => false,
    }
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
    if !past.shown.is_empty() {
        let codes: Vec<_> = past.shown.iter().map(String::as_str).collect();
        out.push_str(&format!(
            "Of what {} received, decides, or works or worked on.\n\n",
            codes.join(", ")
        ));
    }
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
