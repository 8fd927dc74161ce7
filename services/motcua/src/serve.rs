//! `motcua serve` and `motcua migrate`: services, from configuration to the last flushed span.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::ValueEnum;
use motcua_notification::Channel;
use motcua_platform::{
    clock::Clock,
    database::{self, Base},
    error::Error,
    identity::tokens::Verifier,
    ledger::forget_old_requests,
    postgres::{DataDir, Options as PostgresOptions, Server},
    rpc::{self, Gate, Health, Limits, Local},
    service::{Peers, Service, Surroundings},
    telemetry,
    tls::Tls,
    vault::Vault,
};
use serde_json::json;
use sqlx::migrate::Migrator;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Failed, certificates, config::Config, feed::Service as Name, master, secrets::Secrets,
};

/// How long followers, timers and ledgers have to end once nothing comes in any more.
const BACKGROUND_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a silent operator is reminded that plain text goes between machines.
const REMINDER: Duration = Duration::from_secs(3600);

/// Runs one service, or all four.
#[derive(Debug, clap::Args)]
#[command(after_help = "Runs until SIGTERM or SIGINT, then finishes what it accepted.")]
pub(crate) struct Args {
    /// Which.
    which: Which,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long)]
    listen: Option<String>,
    /// Base URL of PostgreSQL.
    #[arg(long)]
    database_url: Option<String>,
    /// Directory of the private PostgreSQL.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where traces and metrics go.
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// Where messages are written.
    #[arg(long, value_name = "DIR")]
    mail_directory: Option<PathBuf>,
    /// Directory of the services' certificates; see `motcua certs init`. With it every service speaks TLS.
    #[arg(long, value_name = "DIR")]
    certificates: Option<PathBuf>,
    /// Allow plain text beyond loopback, and a simulated clock.
    #[arg(long)]
    insecure: bool,
    /// Take the time from this Unix socket. For demonstrations and tests.
    #[arg(long, value_name = "SOCKET")]
    simulated_clock: Option<PathBuf>,
    /// Write where the services listen to this file, as JSON, once they all serve.
    #[arg(long, value_name = "FILE")]
    announce: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Reception.
    Intake,
    /// Behind the counter.
    Workflow,
    /// Messages.
    Notification,
    /// Figures.
    Statistics,
    /// All four, in one process.
    All,
}

impl Which {
    fn names(self) -> Vec<Name> {
        match self {
            Self::Intake => vec![Name::Intake],
            Self::Workflow => vec![Name::Workflow],
            Self::Notification => vec![Name::Notification],
            Self::Statistics => vec![Name::Statistics],
            Self::All => Name::ALL.to_vec(),
        }
    }
}

fn migrations(name: Name) -> &'static Migrator {
    match name {
        Name::Intake => &motcua_intake::MIGRATIONS,
        Name::Workflow => &motcua_workflow::MIGRATIONS,
        Name::Notification => &motcua_notification::MIGRATIONS,
        Name::Statistics => &motcua_statistics::MIGRATIONS,
    }
}

/// Brings every database to the present schema.
pub(crate) async fn migrate(config: &Config) -> Result<ExitCode, Failed> {
    if config.database_url.is_empty() {
        return Err(Failed::new(
            "DATABASE_URL (or database_url in the configuration) is needed: the owner's URL",
        ));
    }
    let base: Base = config.database_url.parse()?;
    for name in Name::ALL {
        base.prepare(name.name(), migrations(name)).await?;
        println!("{}: at the present schema", name.name());
    }
    Ok(ExitCode::SUCCESS)
}

/// Serves until a signal comes.
pub(crate) async fn run(mut config: Config, args: Args) -> Result<ExitCode, Failed> {
    overlay(&mut config, &args);
    if args.simulated_clock.is_some() && !config.insecure {
        return Err(Failed::new(
            "--simulated-clock is for demonstrations and tests, and needs --insecure",
        ));
    }
    let telemetry = telemetry::start(&telemetry::Settings {
        otlp_endpoint: (!config.otlp_endpoint.is_empty()).then(|| config.otlp_endpoint.clone()),
        log_json: config.log_json,
    })?;
    let outcome = serve(&config, &args).await;
    if let Err(failed) = &outcome {
        tracing::error!(%failed, "stopping");
    }
    telemetry.shutdown().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

fn overlay(config: &mut Config, args: &Args) {
    if let Some(listen) = &args.listen {
        config.listen.clone_from(listen);
    }
    if let Some(url) = &args.database_url {
        config.database_url.clone_from(url);
    }
    if let Some(data) = &args.data {
        config.data.clone_from(data);
    }
    if let Some(otlp) = &args.otlp {
        config.otlp_endpoint.clone_from(otlp);
    }
    if let Some(directory) = &args.mail_directory {
        config.mail_directory.clone_from(directory);
    }
    if let Some(directory) = &args.certificates {
        config.certificates.clone_from(directory);
    }
    config.insecure |= args.insecure;
}

async fn serve(config: &Config, args: &Args) -> Result<(), Failed> {
    let names = args.which.names();
    // What can be wrong is found out before anything starts.
    let certificates = names
        .iter()
        .map(|name| Ok((*name, certificates::of_service(config, *name)?)))
        .collect::<Result<Vec<_>, Failed>>()?;
    let bound = bind(config, certificates).await?;
    let postgres = private_postgres(config, args.which).await?;
    let served = serve_on(config, args, bound, postgres.as_ref()).await;
    if let Some(postgres) = postgres {
        postgres
            .stop()
            .await
            .map_err(|error| Failed::new(with_sources(&error)))?;
    }
    served
}

async fn serve_on(
    config: &Config,
    args: &Args,
    bound: Vec<Bound>,
    postgres: Option<&Server>,
) -> Result<(), Failed> {
    let base: Base = match postgres {
        Some(server) => server.base_url().parse::<Base>()?.private(),
        None => config.database_url.parse()?,
    };
    let process = Local::draw()?;
    let gate = gate(config, &process, postgres.is_some()).await?;
    let (clock, tower_gone) = match &args.simulated_clock {
        Some(socket) => Clock::follow(socket).await.map_err(|error| {
            Failed::new(format!(
                "no simulated clock at {}: {error}",
                socket.display()
            ))
        })?,
        None => (Clock::system(), CancellationToken::new()),
    };
    let urls = urls(config, &bound)?;
    let here: Vec<Name> = bound.iter().map(|bound| bound.name).collect();
    let (stop, background, tasks) = (
        CancellationToken::new(),
        CancellationToken::new(),
        TaskTracker::new(),
    );
    if postgres.is_some() {
        master::make_missing(config)?;
    }
    let master = master::open(config)?;
    let mut serving = JoinSet::new();
    for Bound {
        name,
        listener,
        tls,
    } in bound
    {
        base.prepare(name.name(), migrations(name)).await?;
        let options = base.service(name.name());
        let surroundings = Surroundings {
            vault: Vault::open(master.clone(), &options, &clock)
                .await
                .map_err(master::failed)?,
            options,
            reader: base.reader(name.name()),
            clock: clock.clone(),
            peers: peers(&urls, &here, name, tls.as_ref(), &process)?,
            drain: background.clone(),
            tasks: tasks.clone(),
        };
        let pool = database::pool(surroundings.options.clone());
        tasks.spawn(forget_old_requests(pool, clock.clone(), background.clone()));
        let Service { routes, progress } = start(name, surroundings, config).await?;
        tracing::info!(
            service = name.name(),
            address = %listener.local_addr()?,
            tls = tls.is_some(),
            "serving"
        );
        serving.spawn(rpc::serve(rpc::Options {
            service: name.name(),
            listener,
            tls,
            routes,
            gate: gate.clone(),
            health: Health::serving(name.name()).await,
            progress,
            drain: stop.clone(),
            limits: Limits {
                drain_time_max: Duration::from_secs(config.drain_seconds),
                ..Limits::default()
            },
        }));
    }
    if let Some(file) = &args.announce {
        announce(file, &urls)?;
    }
    let ended = tokio::select! {
        signalled = signalled() => signalled.map_err(Failed::from),
        // Whoever played with the time is gone: a demonstration or a test that was killed leaves nothing behind.
        () = tower_gone.cancelled() => {
            tracing::warn!("the simulated clock's tower is gone; stopping");
            Ok(())
        }
        // A service that ends before it is told to has failed.
        ended = serving.join_next() => Err(match ended {
            Some(Ok(Err(error))) => error.into(),
            Some(Err(error)) => Failed::new(format!("a service stopped: {error}")),
            _ => Failed::new("a service stopped by itself"),
        }),
        never = remind(config.insecure) => match never {},
    };
    stop.cancel();
    while serving.join_next().await.is_some() {}
    // Nothing comes in any more: what reacts and what fires may end, and ledgers write what they hold.
    background.cancel();
    tasks.close();
    if tokio::time::timeout(BACKGROUND_TIME_MAX, tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            "background work outlasted {BACKGROUND_TIME_MAX:?} and is cut off; nothing acknowledged is lost"
        );
    }
    ended
}

/// Who is let in. A suite with a PostgreSQL of its own makes the secrets that it lacks; one that was given a database may be
/// one of several, so that all of them must be given the same.
async fn gate(config: &Config, process: &Local, private: bool) -> Result<Gate, Failed> {
    if config.jwks.is_empty() {
        let secrets = Secrets::open(&config.secrets)?;
        if private && secrets.ensure_token_key()?.1 {
            tracing::info!(
                directory = %config.secrets.display(),
                "a key that signs tokens was made; `motcua token` makes tokens with it"
            );
        }
        if !secrets.jwks().exists() {
            return Err(Failed::new(format!(
                "{} is missing: `motcua jwks init` makes it, or set jwks to your issuer's",
                secrets.jwks().display()
            )));
        }
    }
    let verifier = Verifier::open(config.tokens()).await?;
    Ok(Gate::new(process.clone()).taking(verifier))
}

async fn start(name: Name, surroundings: Surroundings, config: &Config) -> Result<Service, Error> {
    match name {
        Name::Intake => {
            motcua_intake::start(surroundings, &config.look_up_url, &config.documents).await
        }
        Name::Workflow => motcua_workflow::start(surroundings).await,
        Name::Notification => {
            let channel = if config.smtp_url.is_empty() {
                Channel::File {
                    directory: config.mail_directory.clone(),
                }
            } else {
                Channel::Smtp {
                    url: config.smtp_url.clone(),
                    from: config.smtp_from.clone(),
                }
            };
            motcua_notification::start(surroundings, motcua_notification::Settings { channel })
                .await
        }
        Name::Statistics => motcua_statistics::start(surroundings).await,
    }
}

/// A service that will be served here.
struct Bound {
    name: Name,
    listener: TcpListener,
    tls: Option<Tls>,
}

/// Binds every port before anything starts: an address in use is found out at once.
async fn bind(config: &Config, names: Vec<(Name, Option<Tls>)>) -> Result<Vec<Bound>, Failed> {
    let listen = if config.listen.is_empty() {
        let port = names.first().map_or(0, |(name, _)| name.port());
        format!("127.0.0.1:{port}")
    } else {
        config.listen.clone()
    };
    let first: SocketAddr = tokio::net::lookup_host(&listen)
        .await
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| {
            Failed::new(format!(
                "listen: `{listen}` is not an address such as 127.0.0.1:7101"
            ))
        })?;
    check_loopback(first.ip(), config)?;
    let mut bound = Vec::new();
    for (offset, (name, tls)) in (0u16..).zip(names) {
        let port = if first.port() == 0 {
            0
        } else {
            first.port().checked_add(offset).ok_or_else(|| {
                Failed::new(format!(
                    "listen: port {} leaves no room for four services",
                    first.port()
                ))
            })?
        };
        let address = SocketAddr::new(first.ip(), port);
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failed::new(format!(
                "{}: cannot listen on {address}: {error}",
                name.name()
            ))
        })?;
        bound.push(Bound {
            name,
            listener,
            tls,
        });
    }
    Ok(bound)
}

fn check_loopback(address: IpAddr, config: &Config) -> Result<(), Failed> {
    if address.is_loopback() || certificates::given(config) || config.insecure {
        return Ok(());
    }
    Err(Failed::new(format!(
        "listen: {address} can be reached by others, and without certificates everything goes there in plain text; \
         use --certificates DIR (`motcua certs init DIR` makes them), a loopback address, or --insecure where the network \
         itself keeps others out"
    )))
}

/// Where each service is: those of this process where they listen, the others where the configuration says.
fn urls(config: &Config, bound: &[Bound]) -> Result<Vec<(Name, String)>, Failed> {
    Name::ALL
        .into_iter()
        .map(|name| {
            let own = bound.iter().find(|other| other.name == name);
            let url = match own {
                Some(own) => {
                    let address = own.listener.local_addr()?;
                    let ip = match address.ip() {
                        // Whoever listens everywhere is reached here by loopback.
                        ip if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
                        ip => ip,
                    };
                    let scheme = certificates::scheme(config);
                    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
                }
                None => {
                    let url = name.url(config);
                    certificates::guard(&url, config)?;
                    url
                }
            };
            Ok((name, url))
        })
        .collect()
}

/// A service's ways to the others: those in this process know it by the process's secret, those elsewhere by its certificate.
fn peers(
    urls: &[(Name, String)],
    here: &[Name],
    from: Name,
    tls: Option<&Tls>,
    process: &Local,
) -> Result<Peers, Failed> {
    let peer = |to: Name| {
        let url = urls
            .iter()
            .find(|(name, _)| *name == to)
            .map_or("", |(_, url)| url);
        let peer = rpc::channel(url, from.name(), to.name(), tls)?;
        let is_here = here.contains(&to);
        if !is_here && tls.is_none() {
            tracing::warn!(
                service = from.name(),
                "{} runs elsewhere and will not know this service: that takes certificates (`motcua certs init`)",
                to.name()
            );
        }
        Ok::<_, Failed>(if is_here { peer.within(process) } else { peer })
    };
    Ok(Peers {
        intake: peer(Name::Intake)?,
        workflow: peer(Name::Workflow)?,
        notification: peer(Name::Notification)?,
    })
}

async fn private_postgres(config: &Config, which: Which) -> Result<Option<Server>, Failed> {
    if !config.database_url.is_empty() {
        return Ok(None);
    }
    if which != Which::All {
        return Err(Failed::new(
            "DATABASE_URL is needed: only `serve all` and `demo` start a PostgreSQL of their own",
        ));
    }
    let data_dir = if config.data.as_os_str().is_empty() {
        tracing::info!(
            "the data is kept in a temporary directory and removed at the end; --data DIR keeps it"
        );
        DataDir::Temporary
    } else {
        DataDir::Kept(config.data.clone())
    };
    Server::start(PostgresOptions::new(data_dir))
        .await
        .map(Some)
        .map_err(|error| Failed::new(with_sources(&error)))
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Written whole and then renamed: whoever waits for the file reads all of it.
fn announce(file: &std::path::Path, urls: &[(Name, String)]) -> Result<(), Failed> {
    let mut value = serde_json::Map::new();
    for (name, url) in urls {
        value.insert(name.name().to_owned(), json!(url));
    }
    value.insert("pid".to_owned(), json!(std::process::id()));
    let draft = file.with_extension("draft");
    std::fs::write(&draft, serde_json::Value::Object(value).to_string())?;
    std::fs::rename(&draft, file)?;
    Ok(())
}

async fn signalled() -> std::io::Result<()> {
    let mut signals = [
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    ];
    futures::future::select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
    Ok(())
}

/// An insecure set-up must not be forgotten.
async fn remind(insecure: bool) -> std::convert::Infallible {
    if !insecure {
        std::future::pending::<()>().await;
    }
    loop {
        tracing::warn!(
            "running --insecure: what goes to these ports or to http:// URLs can be read on the way, tokens included"
        );
        tokio::time::sleep(REMINDER).await;
    }
}
