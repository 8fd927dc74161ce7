//! `motcua demo`: the first summer of An Phong ward's public administration service centre, replayed through the four
//! services by simulated people who use the public APIs only.
//!
//! | file | answers |
//! | --- | --- |
//! | `invented.toml`, `invented.rs` | what is invented? |
//! | `draw.rs` | how is chance drawn, so that a seed gives the same figures? |
//! | `programme.rs`, `plan.rs`, `register.rs` | who comes, when, with what: invented, or from a CSV file? |
//! | `suite.rs`, `client.rs`, `news.rs` | how is the suite started, called, and heard of? |
//! | `town.rs`, `staff.rs`, `actors.rs`, `lists.rs`, `acts.rs` | what do people know, how much can they do, what do they decide, look up, do? |
//! | `tick.rs`, `quiet.rs`, `estimate.rs`, `progress.rs` | when is the clock moved, and how far is it? |
//! | `outcome.rs`, `tables.rs`, `picture.rs`, `receiver.rs`, `waterfall.rs`, `measure.rs` | what came of it? |
//!
//! Deliberately not here: any figure. What is printed comes from the statistics service, from the clock on the wall, or
//! from the machine.

mod actors;
mod acts;
mod client;
mod draw;
mod estimate;
mod invented;
mod lists;
mod news;
mod outcome;
#[cfg(test)]
mod paper;
mod plan;
mod programme;
mod progress;
mod quiet;
mod receiver;
mod register;
mod staff;
mod tick;
mod town;
mod waterfall;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, civil::Date};
use motcua_calendar::local;
use motcua_platform::{catalog::Catalog, clock::Tower};
use motcua_proto::{
    events::v1::{GetHeadRequest, event_feed_service_client::EventFeedServiceClient},
    r#type::v1::{HandOverMethod, Role},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};
use tonic::transport::Channel;

use self::{
    client::{Client, Tracing},
    draw::Seed,
    invented::Invented,
    news::News,
    outcome::{Figures, Run},
    programme::Programme,
    progress::Progress,
    quiet::Quiet,
    receiver::Receiver,
    tick::Replay,
    town::Town,
};
use crate::{
    Failed,
    catalog::Bundle,
    identities::Identities,
    measure,
    suite::{self, Addresses, Suite},
};

/// How long after a failed call the suite's own end is waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How far the clock is moved at a time, unless one is told otherwise.
const TICK_MINUTES: i64 = 15;
/// Dossiers whose traces are kept, to draw one of them.
const WATCHED: usize = 3;

/// Replays a summer of one-stop shops through the suite.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = register::COLUMNS)]
pub(crate) struct Args {
    /// Replay a register of one's own instead of the invented one; its columns are below.
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["wards", "dossiers_per_ward"])]
    input: Option<PathBuf>,
    /// So many wards, An Phong first; 114 are the whole city.
    #[arg(long, value_name = "N", default_value_t = 1)]
    wards: usize,
    /// Dossiers of each ward; those of the assumptions if not given.
    #[arg(long, value_name = "N")]
    dossiers_per_ward: Option<u32>,
    /// Chance. The same seed gives the same figures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Officers of each centre; those of the assumptions if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    officers: Option<u32>,
    /// A file in place of the embedded assumptions; `--show-assumptions` prints those.
    #[arg(long, value_name = "FILE.toml")]
    assumptions: Option<PathBuf>,
    /// Print the embedded assumptions, and do nothing else.
    #[arg(long)]
    show_assumptions: bool,
    /// How far the clock is moved at a time.
    #[arg(long, value_name = "MINUTES", default_value_t = TICK_MINUTES, value_parser = clap::value_parser!(i64).range(1..=240))]
    tick_minutes: i64,
    /// Leave the suite running afterwards, and say where.
    #[arg(long)]
    serve: bool,
    /// Pass every trace and metric on to this OTLP receiver: http://127.0.0.1:4317.
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// Write the figures to this file, for machines.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write who comes to this file, as a register that --input reads; its columns are below.
    #[arg(long, value_name = "FILE.csv")]
    register: Option<PathBuf>,
    /// Keep the data in this directory, which must hold none yet, and the keys and the log beside it, in DIR.secrets and
    /// DIR.log; temporary ones if not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Args {
    /// The invented summer of one ward, by chance alone.
    fn of_seed(seed: u64) -> Self {
        Self {
            input: None,
            wards: 1,
            dossiers_per_ward: None,
            seed,
            officers: None,
            assumptions: None,
            show_assumptions: false,
            tick_minutes: TICK_MINUTES,
            serve: false,
            otlp: None,
            json: None,
            register: None,
            data: None,
        }
    }
}

/// Runs the demo from start to report. Fails where the suite does; exits with 1 where a recount disagrees.
pub(crate) async fn run(args: Args) -> Result<ExitCode, Failed> {
    if args.show_assumptions {
        print!("{}", invented::EMBEDDED);
        return Ok(ExitCode::SUCCESS);
    }
    let begun = Instant::now();
    let scene = Scene::of(&args, None)?;
    if let Some(file) = &args.register {
        programme::write_register(file, &scene.programme.arrivals)?;
    }
    programme::introduce(&args, &scene.invented, &scene.programme);
    replayed(&args, scene, begun, async |stage, end, directory| {
        let Scene {
            catalog, programme, ..
        } = &stage.scene;
        end.figures.print(&end.run, catalog, &programme.wards);
        if let Some(file) = &args.json {
            end.figures.write_json(&end.run, file)?;
        }
        if args.serve {
            serve(&stage.addresses, &end.tower, directory).await;
            told_to_stop().await;
        }
        Ok(if end.figures.agree() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
    .await
}

/// Replays the invented summer of one ward as one that does not end, up to the first closing hour after a day; and asks something of
/// the suite while it still stands.
pub(crate) async fn then<T>(
    seed: u64,
    officers: Option<u32>,
    day: Date,
    ask: impl AsyncFnOnce(&Addresses, &Identities) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let args = Args {
        officers,
        ..Args::of_seed(seed)
    };
    let scene = Scene::of(&args, Some(day))?;
    replayed(&args, scene, Instant::now(), async |stage, _, _| {
        ask(&stage.addresses, &stage.identities).await
    })
    .await
}

/// What is played.
struct Scene {
    invented: Invented,
    bundle: Bundle,
    catalog: Catalog,
    programme: Programme,
}

impl Scene {
    /// What is asked for; beyond its own last day where one is named on which it still goes on.
    fn of(args: &Args, goes_on: Option<Date>) -> Result<Self, Failed> {
        let mut invented = Invented::load(args.assumptions.as_deref())?;
        if let Some(officers) = args.officers {
            invented.staff.officers = officers;
        }
        let bundle =
            crate::catalog::embedded().map_err(|faults| Failed::new(faults.to_string()))?;
        let catalog = Catalog::parse(&bundle.catalog)?;
        let programme = match &args.input {
            Some(file) => programme::from_register(file, &catalog)?,
            None => match goes_on {
                Some(day) => programme::that_goes_on(args, &invented, &catalog, day)?,
                None => programme::from_assumptions(args, &invented, &catalog)?,
            },
        };
        Ok(Self {
            invented,
            bundle,
            catalog,
            programme,
        })
    }
}

/// Starts the suite, replays, does something with what came of it, and stops the suite.
async fn replayed<T>(
    args: &Args,
    scene: Scene,
    begun: Instant,
    then: impl AsyncFnOnce(&Stage<'_>, &End, &Path) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let directory = tempfile::Builder::new().prefix("motcua-demo-").tempdir()?;
    let socket = directory.path().join("clock");
    let start = motcua_calendar::instant(scene.programme.from.at(0, 0, 0, 0)).map_err(|error| {
        Failed::new(format!(
            "the replay cannot begin on {}: {error}",
            scene.programme.from
        ))
    })?;
    let tower = Tower::bind(&socket, start)?;
    // It stays until the suite has ended, whose last spans and metrics come then.
    let receiver = Arc::new(Receiver::start(args.otlp.as_deref()).await?);
    let otlp = receiver.address.clone();
    let options = suite::Options {
        data: args.data.as_deref(),
        clock: Some(&socket),
        otlp: Some(&otlp),
        every_trace: args.otlp.is_some(),
        ..suite::Options::in_directory(directory.path())
    };
    let mut suite = tokio::select! {
        suite = start_suite(&options) => suite?,
        () = told_to_stop() => return Err(Failed::new("interrupted")),
    };
    let addresses = suite.addresses.clone();
    let identities = suite.identities.clone();
    let stage = Stage {
        args,
        scene,
        addresses,
        identities,
        begun,
    };
    let outcome = async {
        let end = stage.play(tower, Arc::clone(&receiver)).await?;
        let outcome = then(&stage, &end, directory.path()).await?;
        // While the tower stands, the suite's clock does not complain.
        Ok((outcome, end.tower))
    };
    let outcome = tokio::select! {
        // Who is told to stop while they serve has done what they wanted.
        biased;
        outcome = outcome => outcome,
        failed = suite.death() => return Err(failed),
        () = told_to_stop() => Err(Failed::new("interrupted")),
    };
    let (outcome, _tower) = match outcome {
        Ok(outcome) => outcome,
        Err(failed) => {
            // Where the suite has died, that is the cause, and what its callers saw only follows from it.
            if let Ok(died) = tokio::time::timeout(LAST_WORDS, suite.death()).await {
                return Err(died);
            }
            suite.stop().await.ok();
            return Err(failed);
        }
    };
    suite.stop().await?;
    Ok(outcome)
}

/// Ctrl-C, or a service manager. The suite is a process of its own and must not outlive the demo.
async fn told_to_stop() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

async fn start_suite(options: &suite::Options<'_>) -> Result<Suite, Failed> {
    eprintln!("starting PostgreSQL and the four services …");
    let begun = Instant::now();
    let told = std::cell::Cell::new(Duration::from_secs(5));
    let suite = Suite::start(options, |line| {
        // A first start may fetch PostgreSQL: say so now and then rather than seem to hang.
        if begun.elapsed() > told.get() {
            told.set(begun.elapsed() + Duration::from_secs(10));
            eprintln!("  {line}");
        }
    })
    .await?;
    eprintln!("  serving after {:.1} s", begun.elapsed().as_secs_f64());
    Ok(suite)
}

async fn serve(addresses: &Addresses, tower: &Tower, directory: &Path) {
    println!(
        "\nThe suite goes on, and its clock stands at {}:\n",
        local(tower.now().await)
    );
    for (name, address) in addresses.all() {
        println!("  {name:<14}{address}");
    }
    println!("  messages      {}", directory.join("mail").display());
    println!("\nCtrl-C stops it.");
}

/// What a replay is played with.
struct Stage<'a> {
    args: &'a Args,
    scene: Scene,
    addresses: Addresses,
    identities: Identities,
    begun: Instant,
}

/// What a replay came to.
struct End {
    figures: Figures,
    run: Run,
    /// It keeps the suite's clock.
    tower: Tower,
}

impl Stage<'_> {
    async fn play(&self, tower: Tower, receiver: Arc<Receiver>) -> Result<End, Failed> {
        let intake = suite::connect(&self.addresses.intake).await?;
        let workflow = suite::connect(&self.addresses.workflow).await?;
        let notification = suite::connect(&self.addresses.notification).await?;
        let statistics = suite::connect(&self.addresses.statistics).await?;
        self.check_that_nothing_is_there(intake.clone()).await?;
        let identities = &self.identities;
        let administrator =
            |channel| identities.line(channel, "administrator-1", Role::Administrator);
        let supervisor = |channel| identities.line(channel, "supervisor-1", Role::CitySupervisor);
        crate::catalog::apply::apply(
            &self.scene.bundle,
            crate::catalog::apply::today(),
            administrator(intake.clone())?,
            administrator(workflow.clone())?,
        )
        .await
        .map_err(|error| Failed::new(format!("the embedded catalog cannot be applied: {error}")))?;
        let services = [
            ("statistics", supervisor(statistics.clone())?),
            ("notification", supervisor(notification)?),
            ("workflow", supervisor(workflow.clone())?),
            ("intake", supervisor(intake.clone())?),
        ];
        let tracing = Tracing {
            watched: self.watched(),
            every: self.args.otlp.is_some(),
        };
        let mut replay = Replay {
            tower,
            client: Client::new(
                intake.clone(),
                workflow.clone(),
                identities.clone(),
                receiver,
                tracing,
            ),
            quiet: Quiet::new(services).await?,
            intake: News::subscribe("intake", supervisor(intake)?, &news::OF_INTAKE).await?,
            workflow: News::subscribe("workflow", supervisor(workflow)?, &news::OF_WORKFLOW)
                .await?,
            town: Town::new(
                self.scene.invented.clone(),
                Seed(self.args.seed),
                &self.scene.catalog,
                self.scene.programme.arrivals.clone(),
            )?,
            tick_minutes: self.args.tick_minutes,
            until: self.scene.programme.until,
            to_the_end: self.args.input.is_none(),
            rejected: self.scene.programme.rejected.clone(),
        };
        let fsync_per_second = self.fsyncs().await?;
        let progress = Progress::new(self.scene.programme.arrivals.len());
        self.estimate(&mut replay, fsync_per_second).await?;
        let replay_begun = Instant::now();
        let end = replay.run(&progress).await;
        progress.end();
        let end = end?;
        let replay_took = replay_begun.elapsed();

        let home = self
            .scene
            .programme
            .arrivals
            .iter()
            .position(|arrival| arrival.hand_over == HandOverMethod::Home);
        let shown = replay.town.lives[home.unwrap_or(0)].code.clone();
        let shown = Some(shown.as_str()).filter(|code| !code.is_empty());
        let to = local(end).date();
        let figures = outcome::ask(
            supervisor(statistics)?,
            &replay.client,
            &self.scene.programme.wards,
            self.scene.programme.from,
            to,
            shown,
        )
        .await?;
        let run = Run {
            seed: self.args.seed,
            wards: self.scene.programme.wards.len(),
            commands: replay.client.commands(),
            refusals: replay.client.refusals(),
            tally: replay.town.tally,
            replay: replay_took,
            elapsed: self.begun.elapsed(),
            fsync_per_second,
            peak_rss_bytes: measure::peak_rss_bytes(self.addresses.pid),
            rejected: std::mem::take(&mut replay.rejected),
            spans: replay.client.spans(),
        };
        Ok(End {
            figures,
            run,
            tower: replay.tower,
        })
    }

    async fn check_that_nothing_is_there(&self, intake: Channel) -> Result<(), Failed> {
        let supervisor = self
            .identities
            .line(intake, "supervisor-1", Role::CitySupervisor)?;
        let head = EventFeedServiceClient::new(supervisor)
            .get_head(GetHeadRequest {})
            .await?
            .into_inner();
        match &self.args.data {
            Some(directory) if head.position > 0 => Err(Failed::new(format!(
                "{} holds an earlier replay; give --data an empty directory",
                directory.display()
            ))),
            _ => Ok(()),
        }
    }

    /// The first whose result goes home, as the most people have to do with them; else the first of all.
    fn watched(&self) -> std::collections::HashSet<usize> {
        let arrivals = || self.scene.programme.arrivals.iter().enumerate();
        let home = arrivals().filter(|(_, arrival)| arrival.hand_over == HandOverMethod::Home);
        home.chain(arrivals())
            .map(|(index, _)| index)
            .take(WATCHED)
            .collect()
    }

    async fn fsyncs(&self) -> Result<f64, Failed> {
        let directory = self.args.data.clone().unwrap_or_else(std::env::temp_dir);
        measure::fsyncs_per_second(&directory)
            .await
            .map_err(|error| {
                Failed::new(format!(
                    "the disk under {} cannot be measured: {error}",
                    directory.display()
                ))
            })
    }

    /// Says how long it will take, from what a look at the suite and a durable write cost on this machine now.
    async fn estimate(&self, replay: &mut Replay, fsync_per_second: f64) -> Result<(), Failed> {
        let begun = Instant::now();
        for _ in 0..estimate::LOOKS {
            replay.quiet.settle().await?;
        }
        let look = begun.elapsed() / estimate::LOOKS;
        let days = replay.town.calendar.elapsed_working_minutes(
            self.scene
                .programme
                .arrivals
                .first()
                .map_or(self.scene.programme.until, |arrival| arrival.at),
            self.scene.programme.until.min(
                self.scene
                    .programme
                    .arrivals
                    .last()
                    .map_or(self.scene.programme.until, |arrival| arrival.at)
                    + SignedDuration::from_hours(24),
            ),
        );
        let ticks = u32::try_from(days / self.args.tick_minutes).unwrap_or(u32::MAX);
        let took = estimate::of(
            ticks,
            self.scene.programme.arrivals.len(),
            look,
            fsync_per_second,
        );
        eprintln!(
            "replaying; on this machine it takes about {:.0} s",
            took.as_secs_f64()
        );
        Ok(())
    }
}
