//! `motcua bench foresight`: does a what-if in which nothing is changed agree with what then really happens?
//!
//! Each seed is another summer of the demo. On the evening of its last day the next weeks are foreseen, and then held against
//! what the same histories tell of them.
//!
//! The demo itself ends there, with nothing open and nothing to come: for that it takes in less and less, nothing of a limit of
//! ten working days in its last six, and earlier of longer ones. So the summer is one that goes on here: as much comes on each
//! working day until the weeks are over. The four weeks after Monday, 25 August have a holiday of two days in them.
//!
//! They are four because a foresight draws on four, and because how many come is chance: that alone sets what is foreseen and what
//! comes some 6 % apart where 340 come in two weeks, and less than 5 % where 790 come in four. In the first two weeks of the
//! fourth summer 275 come, which nobody foresees.
//!
//! Summers are played one after the other: one of them, with its suite and its PostgreSQL, keeps two processors busy.

use std::{fmt::Write as _, process::ExitCode};

use jiff::{ToSpan as _, civil::Date};
use motcua_proto::r#type::v1::Role;
use serde_json::json;

use crate::{
    Failed, demo,
    simulate::{Figure, Histories, Outlook, middle},
    suite::connect,
    tables,
};

/// How far off a count may be, as a share of it; the smaller counts may be so many off.
const SHARE: f64 = 0.20;
const FEW: i64 = 12;
/// Characters to each side of the picture's middle, which is the bound.
const WIDTH: i64 = 20;

const FIGURES: [(&str, Figure); 4] = [
    ("received", |outlook| outlook.received),
    ("resolved", |outlook| outlook.resolved),
    ("open at the end", |outlook| outlook.open),
    ("overdue in all", Outlook::overdue),
];

/// Holds what was foreseen against what happened.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// So many summers, with the seeds from 1 on.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    /// Officers of the centre; those of the demo's assumptions if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    officers: Option<u32>,
    /// The day at whose end is foreseen; the default is the last one of the demo.
    #[arg(long, value_name = "DAY", default_value = "2025-08-25")]
    as_of: Date,
    /// How far ahead.
    #[arg(long, value_name = "N", default_value_t = 28, value_parser = clap::value_parser!(i64).range(1..=366))]
    days: i64,
    /// How often each future is played; the middle counts.
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    runs: u64,
    /// Print JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// A figure of one summer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Foresight {
    seed: u64,
    name: &'static str,
    /// The middle of all runs, the lowest and the highest.
    foreseen: [i64; 3],
    was: i64,
}

impl Foresight {
    fn off(&self) -> i64 {
        self.foreseen[0] - self.was
    }

    /// How far off it may be.
    fn bound(&self) -> i64 {
        // A count of dossiers is far below what a float holds exactly.
        ((self.was as f64 * SHARE) as i64).max(FEW)
    }

    fn agrees(&self) -> bool {
        self.off().abs() <= self.bound()
    }
}

/// Exits with 1 where a figure is beyond its bound.
pub(crate) async fn run(args: Args) -> Result<ExitCode, Failed> {
    let until = args
        .as_of
        .checked_add(args.days.days())
        .map_err(|error| Failed::new(format!("--as-of {}: {error}", args.as_of)))?;
    let mut all = Vec::new();
    for seed in 1..=args.seeds {
        eprintln!("summer {seed} of {}", args.seeds);
        let histories = demo::then(seed, args.officers, until, async |addresses, identities| {
            let supervisor =
                |channel| identities.line(channel, "supervisor-1", Role::CitySupervisor);
            Histories::read(
                supervisor(connect(&addresses.intake).await?)?,
                supervisor(connect(&addresses.workflow).await?)?,
            )
            .await
        })
        .await?;
        let (foreseen, was) = histories.hindsight(args.as_of, args.days, args.runs)?;
        let figures = FIGURES.map(|(name, figure)| Foresight {
            seed,
            name,
            foreseen: middle(&foreseen, figure),
            was: figure(&was),
        });
        // Twenty summers take most of an hour: what the first ones showed is known before the last one is over.
        let told = figures.iter().map(|of| {
            let [middle, ..] = of.foreseen;
            format!("{} {middle} (was {})", of.name, of.was)
        });
        eprintln!("  foreseen: {}", told.collect::<Vec<_>>().join(", "));
        all.extend(figures);
    }
    if args.json {
        println!("{:#}", json(&args, &all));
    } else {
        print!("{}", shown(&args, &all));
    }
    let agrees = all.iter().all(Foresight::agrees);
    Ok(if agrees {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn shown(args: &Args, all: &[Foresight]) -> String {
    let mut out = format!(
        "Foreseen at the end of {} for {} days, the middle of {} runs, against what then happened.\n\
         A count may be {:.0} % off, a small one {FEW}.\n\n",
        args.as_of,
        args.days,
        args.runs,
        SHARE * 100.0
    );
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|of| {
            let [middle, low, high] = of.foreseen;
            vec![
                of.seed.to_string(),
                of.name.to_owned(),
                format!("{middle} ({low} to {high})"),
                of.was.to_string(),
                format!("{:+}", of.off()),
                format!("±{}", of.bound()),
                drawn(of),
            ]
        })
        .collect();
    let header = [
        "seed",
        "figure",
        "foreseen",
        "was",
        "off",
        "bound",
        "too few | too many",
    ];
    out.push_str(&tables::table(&header, &rows, 2));
    let beyond = all.iter().filter(|of| !of.agrees()).count();
    // Writing into a string does not fail.
    writeln!(out, "\n{} figures, {beyond} beyond their bound", all.len()).ok();
    out
}

/// How far off, from the middle to the bound at either edge, and a mark beyond it.
fn drawn(of: &Foresight) -> String {
    let cells = of.off() * WIDTH / of.bound();
    let bar = |cells: i64| "█".repeat(usize::try_from(cells.clamp(0, WIDTH)).unwrap_or(0));
    let width = usize::try_from(WIDTH).unwrap_or(0);
    let (low, high) = (bar(-cells), bar(cells));
    let beyond = if of.agrees() { ' ' } else { '!' };
    format!("{low:>width$}|{high:<width$}{beyond}")
}

fn json(args: &Args, all: &[Foresight]) -> serde_json::Value {
    let of = |name: &str| -> Vec<&Foresight> { all.iter().filter(|of| of.name == name).collect() };
    let figures: serde_json::Map<_, _> = FIGURES
        .iter()
        .map(|(name, _)| {
            let off: Vec<i64> = of(name).iter().map(|of| of.off()).collect();
            let was: Vec<i64> = of(name).iter().map(|of| of.was).collect();
            let name = name.replace(' ', "_");
            (name, json!({ "was": was, "off": off }))
        })
        .collect();
    json!({
        "seeds": args.seeds,
        "days": args.days,
        "figures": figures,
        "beyond_their_bound": all.iter().filter(|of| !of.agrees()).count(),
    })
}
