//! The suite as a process of its own: the demo and the bench are clients like any other.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};
use tonic::transport::{Channel, Endpoint};

use crate::{Failed, identities::Identities, master};

/// A first start may have to fetch PostgreSQL.
const START_TIME_MAX: Duration = Duration::from_secs(600);
/// Draining, and PostgreSQL's own stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How much of the log is shown when the suite dies. Lines.
const TAIL_LINES: usize = 20;

/// How the suite is started.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// Where the announcement and the messages lie, and, unless data stay, the log and the secrets.
    pub(crate) directory: &'a Path,
    /// A PostgreSQL that is there already; a private one if none.
    pub(crate) database_url: Option<&'a str>,
    /// Where the private PostgreSQL's data lie; a temporary directory of its own if none.
    pub(crate) data: Option<&'a Path>,
    /// The socket of the clock; the system's clock if none.
    pub(crate) clock: Option<&'a Path>,
    /// Where traces and metrics go.
    pub(crate) otlp: Option<&'a str>,
    /// Whether traces that nobody asked for are recorded too.
    pub(crate) every_trace: bool,
}

impl<'a> Options<'a> {
    /// Data that stay need their keys, and whoever looks at them wants to know how they came to be: both lie beside them.
    /// Otherwise they go with everything else.
    fn beside_data(&self, what: &str) -> PathBuf {
        match self.data {
            Some(data) => data.with_added_extension(what),
            None => self.directory.join(what),
        }
    }

    /// With a private PostgreSQL and the system's clock.
    pub(crate) fn in_directory(directory: &'a Path) -> Self {
        Self {
            directory,
            database_url: None,
            data: None,
            clock: None,
            otlp: None,
            every_trace: false,
        }
    }
}

/// The four services, up and serving.
#[derive(Debug)]
pub(crate) struct Suite {
    child: Child,
    log: PathBuf,
    /// Those who may act: the suite takes the tokens that are made here.
    pub(crate) identities: Identities,
    /// Where they are.
    pub(crate) addresses: Addresses,
}

/// As `serve all --announce` writes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) intake: String,
    pub(crate) workflow: String,
    pub(crate) notification: String,
    pub(crate) statistics: String,
    pub(crate) pid: u32,
}

impl Addresses {
    /// Name and address of each service.
    pub(crate) fn all(&self) -> [(&'static str, &str); 4] {
        [
            ("intake", &self.intake),
            ("workflow", &self.workflow),
            ("notification", &self.notification),
            ("statistics", &self.statistics),
        ]
    }
}

impl Suite {
    /// Starts the suite and waits until every service is serving. `say` hears the log's last line while it waits.
    pub(crate) async fn start(options: &Options<'_>, say: impl Fn(&str)) -> Result<Self, Failed> {
        let log = options.beside_data("log");
        let announcement = options.directory.join("announce.json");
        let program = std::env::current_exe().map_err(|error| {
            Failed::new(format!("the path of this program is unknown: {error}"))
        })?;
        let sampler = if options.every_trace {
            "parentbased_always_on"
        } else {
            "parentbased_always_off"
        };
        let mut command = Command::new(program);
        command
            .args(["serve", "all", "--listen", "127.0.0.1:0"])
            .arg("--announce")
            .arg(&announcement)
            .arg("--mail-directory")
            .arg(options.directory.join("mail"));
        if let Some(otlp) = options.otlp {
            command.args(["--otlp", otlp]);
        }
        if let Some(clock) = options.clock {
            command.args(["--insecure", "--simulated-clock"]).arg(clock);
        }
        if let Some(url) = options.database_url {
            command.args(["--database-url", url]);
        }
        if let Some(data) = options.data {
            command.arg("--data").arg(data);
        }
        // It has a database of its own and writes its messages to files, whatever the environment configures: a
        // register's rows may name real people, and nobody is to get a message from a replay.
        for (name, _) in std::env::vars_os() {
            if name == "DATABASE_URL" || name.to_string_lossy().starts_with("MOTCUA_") {
                command.env_remove(name);
            }
        }
        let secrets = options.beside_data("secrets");
        let identities = Identities::of(&secrets)?;
        let master = secrets.join("master.key");
        if !master.exists() {
            master::make(&master)?;
        }
        let child = command
            .env("MOTCUA_SECRETS", &secrets)
            .env("MOTCUA_DOCUMENTS", options.beside_data("documents"))
            .env("OTEL_TRACES_SAMPLER", sampler)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            // Ctrl-C reaches the demo alone, which then stops the suite in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failed::new(format!("the suite cannot be started: {error}")))?;
        let addresses = Addresses {
            intake: String::new(),
            workflow: String::new(),
            notification: String::new(),
            statistics: String::new(),
            pid: 0,
        };
        let mut suite = Self {
            child,
            log,
            identities,
            addresses,
        };
        suite.addresses = suite.announced(&announcement, say).await?;
        Ok(suite)
    }

    async fn announced(
        &mut self,
        announcement: &Path,
        say: impl Fn(&str),
    ) -> Result<Addresses, Failed> {
        let deadline = Instant::now() + START_TIME_MAX;
        loop {
            if let Ok(text) = std::fs::read_to_string(announcement)
                && let Ok(addresses) = serde_json::from_str(&text)
            {
                return Ok(addresses);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(self.died(status));
            }
            if Instant::now() >= deadline {
                return Err(Failed::new(format!(
                    "the suite is not serving after {} s; its log ends with\n{}",
                    START_TIME_MAX.as_secs(),
                    self.tail(TAIL_LINES)
                )));
            }
            say(&self.tail(1));
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends only when the suite has ended without being asked to.
    pub(crate) async fn death(&mut self) -> Failed {
        match self.child.wait().await {
            Ok(status) => self.died(status),
            Err(error) => Failed::new(format!("the suite cannot be watched: {error}")),
        }
    }

    /// Asks the suite to drain and waits for it.
    pub(crate) async fn stop(mut self) -> Result<(), Failed> {
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself just now: then there is nobody to tell, and the wait says how it ended.
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        match timeout(STOP_TIME_MAX, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.died(status)),
            Ok(Err(error)) => Err(Failed::new(format!("the suite cannot be watched: {error}"))),
            Err(_) => {
                self.child.kill().await?;
                Err(Failed::new(format!(
                    "the suite did not stop within {} s and was killed",
                    STOP_TIME_MAX.as_secs()
                )))
            }
        }
    }

    fn died(&self, status: ExitStatus) -> Failed {
        Failed::new(format!(
            "the suite ended with {status}; its log ends with\n{}",
            self.tail(TAIL_LINES)
        ))
    }

    fn tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        tail(&String::from_utf8_lossy(&text), lines)
    }
}

fn tail(text: &str, lines: usize) -> String {
    let mut last: Vec<&str> = text.lines().rev().take(lines).collect();
    last.reverse();
    last.join("\n")
}

/// A connection to one service.
pub(crate) async fn connect(address: &str) -> Result<Channel, Failed> {
    Endpoint::from_shared(address.to_owned())
        .map_err(|error| Failed::new(format!("{address} is no address: {error}")))?
        .tcp_nodelay(true)
        .connect()
        .await
        .map_err(|error| Failed::new(format!("no connection to {address}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_log_of_data_that_stay_lie_beside_them() {
        let temporary = Options::in_directory(Path::new("/tmp/d"));
        assert_eq!(temporary.beside_data("log"), Path::new("/tmp/d/log"));
        let kept = Options {
            data: Some(Path::new("/srv/one.summer")),
            ..temporary
        };
        assert_eq!(kept.beside_data("log"), Path::new("/srv/one.summer.log"));
    }

    #[test]
    fn the_tail_is_the_last_lines_in_their_order() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 5), "a");
        assert_eq!(tail("", 1), "");
    }

    #[test]
    fn an_announcement_is_read_as_it_is_written() {
        let text = r#"{"intake":"http://127.0.0.1:1","workflow":"http://127.0.0.1:2",
            "notification":"http://127.0.0.1:3","statistics":"http://127.0.0.1:4","pid":7}"#;
        let addresses: Addresses = serde_json::from_str(text).unwrap();
        assert_eq!(addresses.all()[3], ("statistics", "http://127.0.0.1:4"));
        assert_eq!(addresses.pid, 7);
    }
}
