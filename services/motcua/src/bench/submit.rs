//! `motcua bench submit`.

use std::{process::ExitCode, time::Duration};

use futures::{TryStreamExt, stream::FuturesUnordered};
use motcua_platform::{
    database::Base,
    postgres::{DataDir, Options as PostgresOptions, Server},
};
use motcua_proto::{
    events::v1::{
        GetHeadRequest, ListFollowersRequest, event_feed_service_client::EventFeedServiceClient,
        follower_service_client::FollowerServiceClient,
    },
    intake::v1::{
        Applicant, BatchSubmitDossiersRequest, SubmitDossierRequest,
        dossier_service_client::DossierServiceClient, submit_outcome,
    },
    r#type::v1::{Channel as DossierChannel, Role},
};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use uuid::Uuid;

use super::ceiling::{Ceiling, Sample};
use crate::{
    Failed, catalog,
    identities::Line,
    measure::{fsyncs_per_second, peak_rss_bytes},
    suite::{Options, Suite, connect},
};

/// The ward at whose counter everybody submits.
const WARD: &str = "11593";
/// Connections of the raw statements.
const CEILINGS: [usize; 3] = [1, 16, 64];
/// How long followers may take after the load before the bench gives up on them.
const CATCH_UP_MAX: Duration = Duration::from_secs(120);
/// Submissions in a call of a register that is taken over: 64 clients of it stay below what the service lets wait.
const AT_ONCE: u32 = 32;
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Measures submissions.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Clients that submit at once, each on a connection of its own.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Rounds, interleaved; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Print JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failed> {
    if args.clients == 0 || args.seconds == 0 || args.rounds == 0 {
        return Err(Failed::new(
            "--clients, --seconds and --rounds must be at least 1",
        ));
    }
    eprintln!("starting a private PostgreSQL and the four services");
    let postgres = Server::start(PostgresOptions::new(DataDir::Temporary))
        .await
        .map_err(|error| Failed::new(error.to_string()))?;
    let outcome = measured(&args, &postgres).await;
    postgres
        .stop()
        .await
        .map_err(|error| Failed::new(error.to_string()))?;
    outcome
}

async fn measured(args: &Args, postgres: &Server) -> Result<ExitCode, Failed> {
    let directory = tempfile::tempdir()?;
    let url = postgres.base_url();
    let options = Options {
        database_url: Some(&url),
        ..Options::in_directory(directory.path())
    };
    let suite = Suite::start(&options, |_| ()).await?;
    let outcome = rounds(args, postgres, &suite).await;
    suite.stop().await?;
    let figures = outcome?;
    if args.json {
        println!("{:#}", figures.json(args));
    } else {
        figures.print(args);
    }
    Ok(ExitCode::SUCCESS)
}

async fn rounds(args: &Args, postgres: &Server, suite: &Suite) -> Result<Figures, Failed> {
    let addresses = &suite.addresses;
    let bundle = catalog::embedded().map_err(|faults| Failed::new(faults.to_string()))?;
    let administrator = async |address: &str| {
        let channel = connect(address).await?;
        suite
            .identities
            .line(channel, "administrator-1", Role::Administrator)
    };
    let (intake, workflow) = (
        administrator(&addresses.intake).await?,
        administrator(&addresses.workflow).await?,
    );
    catalog::apply::apply(&bundle, catalog::apply::today(), intake, workflow)
        .await
        .map_err(|error| Failed::new(error.to_string()))?;
    let (mut clients, mut probes) = (Vec::new(), Vec::new());
    for number in 1..=args.clients {
        // Each at a desk of their own, with a token of their own.
        let clerk = suite.identities.line_of(
            connect(&addresses.intake).await?,
            &format!("receptionist-{WARD}-{number}"),
            Role::Receptionist,
            WARD,
        )?;
        clients.push(DossierServiceClient::new(clerk));
        probes.push(HealthClient::new(connect(&addresses.intake).await?));
    }
    // Warms every connection up, and leaves the rows that the ceiling is measured with.
    submit(&clients, Duration::from_millis(500)).await?;
    let base: Base = postgres.base_url().parse()?;
    let ceiling = Ceiling::prepare(&base, Sample::read(&base).await?).await?;
    caught_up(suite).await?;

    let time = Duration::from_secs(args.seconds);
    let mut figures = Figures::default();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        for (figure, connections) in figures.ceilings.iter_mut().zip(CEILINGS) {
            figure.push(ceiling.measure(connections, time).await?);
        }
        figures.grpc.push(answered(&probes, time, probe).await?);
        figures.submissions.push(submit(&clients, time).await?);
        caught_up(suite).await?;
        figures.batched.push(submit_many(&clients, time).await?);
        figures
            .catch_up_seconds
            .push(caught_up(suite).await?.as_secs_f64());
        figures
            .fsyncs
            .push(fsyncs_per_second(postgres.data_directory()).await?);
    }
    figures.peak_rss_bytes = peak_rss_bytes(addresses.pid);
    Ok(figures)
}

/// Acknowledged submissions per second.
async fn submit(clients: &[DossierServiceClient<Line>], time: Duration) -> Result<f64, Failed> {
    answered(clients, time, async |client, number| {
        client.submit_dossier(request(number)).await.map(drop)
    })
    .await
}

/// Acknowledged submissions per second where each call carries [`AT_ONCE`] of them.
async fn submit_many(
    clients: &[DossierServiceClient<Line>],
    time: Duration,
) -> Result<f64, Failed> {
    let calls = answered(clients, time, async |client, number| {
        let requests = (0..AT_ONCE).map(|_| request(number)).collect();
        let answer = client
            .batch_submit_dossiers(BatchSubmitDossiersRequest { requests })
            .await?
            .into_inner();
        let refused = answer
            .outcomes
            .into_iter()
            .find_map(|outcome| match outcome.outcome {
                Some(submit_outcome::Outcome::Error(error)) => Some(error.message),
                _ => None,
            });
        refused.map_or(Ok(()), |why| Err(tonic::Status::internal(why)))
    })
    .await?;
    Ok(calls * f64::from(AT_ONCE))
}

/// A call that asks for nothing: what it takes is gRPC's own.
async fn probe(client: &mut HealthClient<Channel>, _: usize) -> Result<(), tonic::Status> {
    let request = HealthCheckRequest {
        service: String::new(),
    };
    client.check(request).await.map(drop)
}

/// Answers per second, of all clients together; each waits for its answer before it calls again.
async fn answered<C, F>(clients: &[C], time: Duration, call: F) -> Result<f64, Failed>
where
    C: Clone,
    F: AsyncFn(&mut C, usize) -> Result<(), tonic::Status>,
{
    let begin = Instant::now();
    let mut calling: FuturesUnordered<_> = clients
        .iter()
        .enumerate()
        .map(|(number, client)| {
            let (mut client, call) = (client.clone(), &call);
            async move {
                let mut answers = 0_u32;
                while begin.elapsed() < time {
                    call(&mut client, number).await?;
                    answers += 1;
                }
                Ok::<_, tonic::Status>(answers)
            }
        })
        .collect();
    let mut answers = 0.0;
    while let Some(of_one) = calling.try_next().await? {
        answers += f64::from(of_one);
    }
    Ok(answers / begin.elapsed().as_secs_f64())
}

fn request(client: usize) -> SubmitDossierRequest {
    SubmitDossierRequest {
        procedure: "1.004873".to_owned(),
        receiving_agency: WARD.to_owned(),
        channel: DossierChannel::Counter.into(),
        applicant: Some(Applicant {
            full_name: format!("Người Thử Tải {client}"),
            phone: "0900000000".to_owned(),
            ..Applicant::default()
        }),
        request_id: Uuid::new_v4().to_string(),
        ..SubmitDossierRequest::default()
    }
}

async fn supervisor(suite: &Suite, address: &str) -> Result<Line, Failed> {
    let channel = connect(address).await?;
    suite
        .identities
        .line(channel, "supervisor-1", Role::CitySupervisor)
}

/// How long it takes until every service has followed every other one to its head.
async fn caught_up(suite: &Suite) -> Result<Duration, Failed> {
    let begin = Instant::now();
    let services = suite.addresses.all();
    let mut heads = Vec::new();
    for (name, address) in services {
        let head = EventFeedServiceClient::new(supervisor(suite, address).await?)
            .get_head(GetHeadRequest {})
            .await?;
        heads.push((name, head.into_inner().position));
    }
    for (name, address) in services {
        let mut client = FollowerServiceClient::new(supervisor(suite, address).await?);
        loop {
            let followers = client
                .list_followers(ListFollowersRequest {})
                .await?
                .into_inner()
                .followers;
            let behind = followers.iter().any(|follower| {
                heads
                    .iter()
                    .any(|(source, head)| *source == follower.source && follower.position < *head)
            });
            if !behind {
                break;
            }
            if begin.elapsed() > CATCH_UP_MAX {
                return Err(Failed::new(format!(
                    "{name} has not caught up after {} s",
                    CATCH_UP_MAX.as_secs()
                )));
            }
            sleep(LOOK_AGAIN).await;
        }
    }
    Ok(begin.elapsed())
}

/// One figure a round.
#[derive(Debug, Default)]
struct Figures {
    ceilings: [Vec<f64>; 3],
    grpc: Vec<f64>,
    submissions: Vec<f64>,
    batched: Vec<f64>,
    catch_up_seconds: Vec<f64>,
    fsyncs: Vec<f64>,
    peak_rss_bytes: Option<u64>,
}

impl Figures {
    /// A figure as a ratio to the best of the ceilings.
    fn ratio(&self, figure: &[f64]) -> f64 {
        let best = self
            .ceilings
            .iter()
            .map(|figure| median(figure))
            .fold(0.0, f64::max);
        median(figure) / best
    }

    fn json(&self, args: &Args) -> serde_json::Value {
        let ceilings: serde_json::Map<_, _> = CEILINGS
            .iter()
            .zip(&self.ceilings)
            .map(|(connections, figure)| (connections.to_string(), json!(median(figure).round())))
            .collect();
        json!({
            "ratio": rounded(self.ratio(&self.submissions)),
            "submissions_per_second": median(&self.submissions).round(),
            "batched_ratio": rounded(self.ratio(&self.batched)),
            "batched_submissions_per_second": median(&self.batched).round(),
            "submissions_in_a_batch": AT_ONCE,
            "ceiling_per_second_by_connections": ceilings,
            "grpc_calls_that_do_nothing_per_second": median(&self.grpc).round(),
            "catch_up_seconds": median(&self.catch_up_seconds),
            "fsyncs_per_second": median(&self.fsyncs).round(),
            "peak_rss_bytes": self.peak_rss_bytes,
            "clients": args.clients,
            "rounds": args.rounds,
            "seconds": args.seconds,
            "profile": profile(),
        })
    }

    fn print(&self, args: &Args) {
        println!(
            "dossiers a second, median of {} round(s) of {} s, {} profile",
            args.rounds,
            args.seconds,
            profile()
        );
        let widest = self
            .ceilings
            .iter()
            .chain([&self.grpc, &self.submissions, &self.batched])
            .map(|figure| median(figure))
            .fold(1.0, f64::max);
        let line = |name: String, value: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a bar of at most 40 characters"
            )]
            let bar = "█".repeat((value / widest * 40.0).round() as usize);
            println!("  {name:<36} {value:>8.0}  {bar}");
        };
        for (connections, figure) in CEILINGS.iter().zip(&self.ceilings) {
            line(
                format!("raw SQL, {connections} connection(s)"),
                median(figure),
            );
        }
        line(
            format!("gRPC that does nothing, {} clients", args.clients),
            median(&self.grpc),
        );
        line(
            format!("motcua through gRPC, {} clients", args.clients),
            median(&self.submissions),
        );
        line(
            format!("the same, {AT_ONCE} dossiers in a call"),
            median(&self.batched),
        );
        println!(
            "  ratio to the best of raw SQL          {:>7.2}   {:.2} with {AT_ONCE} in a call",
            self.ratio(&self.submissions),
            self.ratio(&self.batched),
        );
        println!(
            "  followers caught up after             {:>7.2} s",
            median(&self.catch_up_seconds)
        );
        println!(
            "  the disk's fsync rate meanwhile       {:>7.0} per second",
            median(&self.fsyncs)
        );
        if let Some(bytes) = self.peak_rss_bytes {
            println!(
                "  peak memory of the services           {:>7} MiB, PostgreSQL not counted",
                bytes >> 20
            );
        }
    }
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1_000.0).round() / 1_000.0
}

/// The build that was measured.
fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "development"
    } else {
        "release"
    }
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_to_the_best_ceiling_by_medians() {
        let figures = Figures {
            ceilings: [vec![10.0, 30.0, 20.0], vec![100.0, 1.0, 50.0], vec![40.0]],
            submissions: vec![25.0, 100.0, 75.0],
            ..Figures::default()
        };
        assert!((figures.ratio(&figures.submissions) - 1.5).abs() < 1e-9);
    }
}
