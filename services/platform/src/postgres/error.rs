//! Why a private PostgreSQL could not be had, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why the private PostgreSQL could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine has no server programs that can be used, and none could be fetched.
    #[error("no usable PostgreSQL server is installed ({tried}): {advice}")]
    NotInstalled {
        /// What was looked at and why it did not do.
        tried: String,
        /// The command that installs one, or the way around.
        advice: String,
    },
    /// The data directory was written by another major version than the programs on this machine.
    #[error(
        "{} was written by PostgreSQL {data} and this machine has {}: install the programs of PostgreSQL {data}, or give another data directory and carry the data over with pg_dump",
        directory.display(), installed.join(", ")
    )]
    OtherVersion {
        /// The data directory.
        directory: PathBuf,
        /// Its major version.
        data: String,
        /// The versions that were found, with their places.
        installed: Vec<String>,
    },
    /// The directory holds something else.
    #[error("{} is not empty and is not a PostgreSQL data directory (it holds {found}): give an empty or a new directory", directory.display())]
    NotADataDirectory {
        /// The directory.
        directory: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// The directory is not the server's user's.
    #[error("{} belongs to user id {owner} and PostgreSQL would run as user id {own}: change its owner with chown -R, run motcua as its owner, or give another data directory", directory.display())]
    OtherOwner {
        /// The data directory.
        directory: PathBuf,
        /// Its owner.
        owner: u32,
        /// Whose it would have to be.
        own: u32,
    },
    /// A directory on the way cannot be passed by the user that the server runs as.
    #[error(
        "{} leads to {}, but user {user}, as whom PostgreSQL runs, may not pass it (mode {mode:04o}): give a directory elsewhere, such as /var/lib/motcua, or let others pass with chmod o+x",
        ancestor.display(), directory.display()
    )]
    Impassable {
        /// The directory that was to be reached.
        directory: PathBuf,
        /// The one of its ancestors that is closed.
        ancestor: PathBuf,
        /// The ancestor's permissions.
        mode: u32,
        /// The user that cannot pass.
        user: String,
    },
    /// Another motcua uses the directory.
    #[error("{} is in use by another motcua ({holder}): stop that one first, or give another data directory", directory.display())]
    InUse {
        /// The data directory.
        directory: PathBuf,
        /// Who uses it.
        holder: String,
    },
    /// We are root, and there is nobody to step down to.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither a user `postgres` nor a user `nobody` to run it as: add one, or run motcua as another user than root"
    )]
    NoAccount,
    /// A program of PostgreSQL, or one that fetches it, failed.
    #[error("{program} failed ({status}): {output}")]
    Program {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// The server ended while it started.
    #[error("PostgreSQL ended while it was starting ({status}); the end of {}:\n{tail}", log.display())]
    EndedEarly {
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The server did not become ready in time.
    #[error("PostgreSQL was not ready within {seconds} s; the end of {}:\n{tail}", log.display())]
    NotReady {
        /// The limit.
        seconds: u64,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A server would not stop.
    #[error(
        "PostgreSQL (process {pid}) did not stop, not even at once: look at its log, and end it by hand"
    )]
    WillNotStop {
        /// The server's process.
        pid: u32,
    },
    /// The thread that keeps the server panicked.
    #[error("the thread that keeps PostgreSQL ended unexpectedly")]
    KeeperDied,
    /// The operating system refused something.
    #[error("could not {what}")]
    Io {
        /// What was to be done, and to what.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Says what was being done when the operating system refused it.
pub(super) trait Doing<T> {
    /// Adds what was being done, and to what, in the words that follow "could not".
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io {
            what: what(),
            source: source.into(),
        })
    }
}
