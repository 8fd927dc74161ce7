//! The four services as processes of their own, on a clock that the test moves.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::PathBuf,
    process::ExitStatus,
    sync::atomic::{AtomicU16, Ordering},
};

use jiff::Timestamp;
use motcua_platform::{
    clock::Tower,
    rpc::{Peer, channel},
    tls::Tls,
};
use sqlx::PgConnection;
use tempfile::TempDir;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{
    database::Databases,
    identities::Identities,
    process::{Output, Process, motcua},
    quiet::wait_until,
    time::at,
};

/// When every test begins: a Tuesday morning, on the first day of the new wards.
const BEGIN: &str = "2025-07-01T07:00";

/// A service of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    Intake,
    Workflow,
    Notification,
    Statistics,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [
        Self::Intake,
        Self::Workflow,
        Self::Notification,
        Self::Statistics,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Workflow => "workflow",
            Self::Notification => "notification",
            Self::Statistics => "statistics",
        }
    }
}

/// How a suite is to be started.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    /// On which databases; a copy of those with the catalog if none.
    pub(crate) databases: Option<Databases>,
    /// On a PostgreSQL of the binary's own, which keeps its data here.
    pub(crate) data: Option<PathBuf>,
    /// Each service in a process of its own.
    pub(crate) apart: bool,
    /// Over TLS, with the certificates of this directory.
    pub(crate) certificates: Option<PathBuf>,
    /// Where traces go.
    pub(crate) otlp: Option<String>,
    /// What is logged: `RUST_LOG`.
    pub(crate) log: Option<&'static str>,
}

/// The four services, serving.
#[derive(Debug)]
pub(crate) struct Suite {
    databases: Option<Databases>,
    tower: Tower,
    environment: Vec<(&'static str, String)>,
    /// By name: `all`, or each service's.
    processes: BTreeMap<String, Process>,
    /// The ports of services that are apart: the same after a restart.
    ports: BTreeMap<Service, u16>,
    addresses: BTreeMap<Service, (String, Peer)>,
    tls: Option<Tls>,
    /// Last: dropped after the processes.
    directory: TempDir,
}

impl Suite {
    /// All four in one process, with the catalog.
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// Each in a process of its own, with the catalog.
    pub(crate) async fn apart() -> Self {
        Self::with(Setup {
            apart: true,
            ..Setup::default()
        })
        .await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let databases = match (setup.databases, &setup.data) {
            (None, None) => Some(Box::pin(Databases::with_catalog()).await),
            (databases, _) => databases,
        };
        let directory = tempfile::tempdir().expect("a directory");
        let tower = Tower::bind(&directory.path().join("clock"), at(BEGIN)).expect("a socket");
        let mut environment = vec![(
            "MOTCUA_SECRETS",
            text(Identities::get().secrets().to_owned()),
        )];
        environment.push(("MOTCUA_DOCUMENTS", text(directory.path().join("documents"))));
        environment.extend(
            databases
                .as_ref()
                .map(|on| ("DATABASE_URL", on.url().to_owned())),
        );
        environment.extend(setup.data.map(|data| ("MOTCUA_DATA", text(data))));
        environment.extend(setup.log.map(|log| ("RUST_LOG", log.to_owned())));
        environment.extend(setup.otlp.map(|url| ("OTEL_EXPORTER_OTLP_ENDPOINT", url)));
        // Services that are apart know each other by certificates, and by nothing else.
        let certificates = match setup.certificates {
            None if setup.apart => Some(Identities::get().certificates().await.to_owned()),
            certificates => certificates,
        };
        let tls = certificates
            .as_ref()
            .map(|directory| Tls::client_only(&directory.join("ca.pem")).expect("an authority"));
        environment.extend(certificates.map(|directory| ("MOTCUA_CERTIFICATES", text(directory))));
        let mut suite = Self {
            databases,
            tower,
            environment,
            processes: BTreeMap::new(),
            ports: BTreeMap::new(),
            addresses: BTreeMap::new(),
            tls,
            directory,
        };
        if setup.apart {
            for service in Service::ALL {
                suite.ports.insert(service, free_port());
            }
            suite.environment.extend(suite.urls());
            for service in Service::ALL {
                suite.launch(service.name());
            }
            for service in Service::ALL {
                suite.serving(service.name()).await;
            }
        } else {
            suite.launch("all");
            suite.serving("all").await;
        }
        suite
    }

    /// Where each service is, as the environment says it.
    fn urls(&self) -> Vec<(&'static str, String)> {
        let variable = |service| match service {
            Service::Intake => "MOTCUA_INTAKE_URL",
            Service::Workflow => "MOTCUA_WORKFLOW_URL",
            Service::Notification => "MOTCUA_NOTIFICATION_URL",
            Service::Statistics => "MOTCUA_STATISTICS_URL",
        };
        Service::ALL
            .into_iter()
            .map(|service| {
                let url = match self.ports.get(&service) {
                    Some(port) => {
                        let scheme = if self.tls.is_some() { "https" } else { "http" };
                        format!("{scheme}://127.0.0.1:{port}")
                    }
                    None => self.address(service).to_owned(),
                };
                (variable(service), url)
            })
            .collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A way into a service's database, behind its back.
    pub(crate) async fn database(&self, service: Service) -> PgConnection {
        self.databases
            .as_ref()
            .expect("databases of the test's own")
            .connect(service)
            .await
    }

    /// Where messages are written.
    pub(crate) fn mail(&self) -> PathBuf {
        self.path("mail")
    }

    /// Where the files of dossiers lie.
    pub(crate) fn documents(&self) -> PathBuf {
        self.path("documents")
    }

    fn announcement(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.json"))
    }

    fn launch(&mut self, name: &str) {
        let port = Service::ALL
            .into_iter()
            .find(|service| service.name() == name)
            .and_then(|service| self.ports.get(&service))
            .copied()
            .unwrap_or_default();
        self.launch_as(name, name, port);
    }

    /// Starts a process: `what` is served, under a name of its own for its log.
    fn launch_as(&mut self, name: &str, what: &str, port: u16) {
        let announcement = self.announcement(name);
        std::fs::remove_file(&announcement).ok();
        let (listen, clock) = (format!("127.0.0.1:{port}"), text(self.path("clock")));
        let (announcement, mail) = (text(announcement), text(self.mail()));
        let args = [
            "serve",
            what,
            "--listen",
            &listen,
            "--insecure",
            "--simulated-clock",
            &clock,
            "--announce",
            &announcement,
            "--mail-directory",
            &mail,
        ];
        let process = Process::start(&args, &self.environment, &self.path(&format!("{name}.log")));
        self.processes.insert(name.to_owned(), process);
    }

    /// Waits until a process has said where it serves.
    async fn serving(&mut self, name: &str) {
        let announced = self.announced(name).await;
        for service in Service::ALL
            .into_iter()
            .filter(|service| name == "all" || name == service.name())
        {
            let address = announced[service.name()]
                .as_str()
                .expect("an address")
                .to_owned();
            let peer = self.way(&address, service);
            self.addresses.insert(service, (address, peer));
        }
    }

    async fn announced(&mut self, name: &str) -> serde_json::Value {
        let file = self.announcement(name);
        let process = self.processes.get_mut(name).expect("it was started");
        wait_until(&format!("{name} serves"), async || {
            if let Some(status) = process.exit() {
                panic!("{name} ended with {status} instead of serving");
            }
            let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
            serde_json::from_str(&text).map_err(|error| error.to_string())
        })
        .await
    }

    fn way(&self, address: &str, service: Service) -> Peer {
        channel(address, "test", service.name(), self.tls.as_ref()).expect("an address")
    }

    /// Where a service is.
    pub(crate) fn address(&self, service: Service) -> &str {
        &self.addresses[&service].0
    }

    /// The way to a service, for somebody who proves nothing.
    pub(crate) fn stranger(&self, service: Service) -> Peer {
        self.addresses[&service].1.clone()
    }

    /// The way to a service for whoever looks on: the city's supervisor, who sees everything and changes nothing.
    pub(crate) fn peer(&self, service: Service) -> Peer {
        self.supervisor().peer(service)
    }

    fn process(&mut self, service: Service) -> &mut Process {
        self.processes
            .get_mut(service.name())
            .expect("the services are apart")
    }

    /// `kill -9`.
    pub(crate) fn kills(&mut self, service: Service) {
        self.process(service).kill();
    }

    /// `kill -9` of the one process of all services.
    pub(crate) fn kills_all(&mut self) {
        for process in self.processes.values_mut() {
            process.kill();
        }
    }

    /// Starts a service again, on the same port and the same data.
    pub(crate) async fn restarts(&mut self, service: Service) {
        self.launch(service.name());
        self.serving(service.name()).await;
    }

    /// Starts all services again, in one process, on the same data.
    pub(crate) async fn restarts_all(&mut self) {
        self.launch("all");
        self.serving("all").await;
    }

    /// SIGTERM, without waiting for the end.
    pub(crate) fn asks_to_stop(&mut self, service: Service) {
        self.process(service).terminate();
    }

    /// How a service that was asked to stop has ended.
    pub(crate) async fn ended(&mut self, service: Service) -> ExitStatus {
        self.process(service).ended().await
    }

    /// SIGTERM to every process, and its orderly end.
    pub(crate) async fn terminate_all(&mut self) {
        for process in self.processes.values() {
            process.terminate();
        }
        for process in self.processes.values_mut() {
            let status = process.ended().await;
            assert!(status.success(), "{status}: {}", process.tail());
        }
    }

    /// Another process of the same service, on the same database.
    pub(crate) async fn replica(&mut self, service: Service) -> Peer {
        let name = format!("{}-replica", service.name());
        self.launch_as(&name, service.name(), free_port());
        let announced = self.announced(&name).await;
        self.way(
            announced[service.name()].as_str().expect("an address"),
            service,
        )
    }

    /// Moves the clock forward to a local time, `2025-07-01T08:00`: not before everything of the present has happened,
    /// and until everything has that is bound to happen then.
    pub(crate) async fn clock_at(&self, time: &str) {
        self.clock_to(at(time)).await;
    }

    /// The same, to an instant.
    pub(crate) async fn clock_to(&self, at: Timestamp) {
        self.settle().await;
        self.tower.set(at).await;
        self.settle().await;
    }

    /// Runs a command of the real binary that asks this suite.
    pub(crate) async fn motcua(&self, args: &[&str]) -> Output {
        let mut environment = self.urls();
        environment.extend(
            self.environment
                .iter()
                .filter(|(name, _)| matches!(*name, "MOTCUA_SECRETS" | "MOTCUA_CERTIFICATES"))
                .cloned(),
        );
        motcua(args, &environment).await
    }

    /// Everything that was logged so far.
    pub(crate) fn log(&self) -> String {
        self.processes.values().map(Process::log).collect()
    }

    /// Whether a part of a service says that it serves; the whole for an empty name.
    pub(crate) async fn serves(&self, service: Service, part: &str) -> bool {
        let request = HealthCheckRequest {
            service: part.to_owned(),
        };
        let checked = HealthClient::new(self.stranger(service))
            .check(request)
            .await
            .expect("health answers");
        checked.into_inner().status().as_str_name() == "SERVING"
    }
}

fn text(path: PathBuf) -> String {
    path.into_os_string().into_string().expect("UTF-8")
}

/// A port that nobody has, below those that the system gives to outgoing connections.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = u16::try_from(std::process::id() % 200).unwrap_or_default() * 100;
    loop {
        let port = 10_000 + spread + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
