//! The data directory: whether it is ours to use, how it is made, and how the server on it is set up.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::{FlockOperation, OFlags};

use super::account::Account;
use super::error::{Doing, Error};
use super::programs::Programs;
use super::{DataDir, SUPERUSER};

/// Names of temporary data directories begin with this.
pub(super) const TEMPORARY_PREFIX: &str = "motcua-postgres-";
/// Names of temporary socket directories begin with this.
pub(super) const SOCKET_PREFIX: &str = "motcua-socket-";

const LOCK: &str = "motcua.lock";
const SETTINGS: &str = "motcua.conf";
const LOG: &str = "postgresql.log";
/// `initdb` works in here. Its results are moved up when they are complete, `PG_VERSION` last: a directory with this name
/// in it and no `PG_VERSION` is an `initdb` of ours that was killed, and is made anew.
const UNFINISHED: &str = "initdb.tmp";

/// A log that has grown beyond this is set aside at the next start, in place of the one set aside before.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A Unix socket's whole path has 104 bytes on macOS and 108 on Linux, its end included; `/.s.PGSQL.5432` takes 14.
const SOCKET_DIRECTORY_BYTES_MAX: usize = 89;

/// What the private server sets differently from PostgreSQL's own defaults.
const SETTINGS_TEXT: &str = "\
# Written by motcua at every start: changes here are lost. Put your own into postgresql.conf, below the line that
# includes this file. motcua itself sets on the command line, so that nothing overrides them: fsync = on, no TCP, the socket.

max_connections = 200             # four services with their pools, and some for looking in
shared_buffers = 64MB             # a private server shares its machine with the four services
max_wal_size = 1GB                # checkpoints by time, not in the middle of a burst
autovacuum_naptime = 5s           # tables grow from nothing within seconds, and plans should know it
jit = off                         # compiling costs more than the longest report here gains

timezone = 'UTC'                  # the law's time zone is the services' business
log_timezone = 'UTC'
lc_messages = 'C'                 # motcua reads the log's tail, and shows it

# No personal data in the log: neither the text of failed statements nor the DETAIL line, which quotes rows.
log_min_error_statement = panic
log_error_verbosity = terse
log_line_prefix = '%m [%p] '
";

/// A data directory that this process holds the lock of.
#[derive(Debug)]
pub(super) struct Cluster {
    directory: PathBuf,
    socket: SocketDirectory,
    account: Account,
    temporary: bool,
    /// Held for as long as the server may run; the kernel releases it when this process ends, however it ends.
    _lock: File,
}

/// What a directory holds.
#[derive(Debug, PartialEq, Eq)]
enum Contents {
    /// Nothing, or nothing that counts.
    Nothing,
    /// What a killed `initdb` of ours has left.
    Unfinished,
    /// A data directory.
    Data,
    /// Something else, for example this.
    Other(String),
}

impl Cluster {
    /// Makes or opens the directory, and locks it.
    pub(super) fn open(place: &DataDir) -> Result<Self, Error> {
        let account = Account::choose()?;
        match place {
            DataDir::Kept(directory) => {
                fs::create_dir_all(directory).doing(|| format!("make {}", directory.display()))?;
                let directory = fs::canonicalize(directory)
                    .doing(|| format!("look at {}", directory.display()))?;
                Self::lock(directory, account, false)
            }
            DataDir::Temporary => loop {
                let directory = make_private(&std::env::temp_dir(), TEMPORARY_PREFIX)?;
                match Self::lock(directory, account.clone(), true) {
                    // Another motcua took it for something left behind, and is removing it: take another.
                    Err(Error::InUse { .. }) => {}
                    outcome => return outcome,
                }
            },
        }
    }

    /// Opens the temporary directory of a motcua that was killed, to remove it. None if it is not that, or not ours.
    pub(super) fn left_behind(directory: PathBuf) -> Option<Self> {
        if !fs::symlink_metadata(&directory).ok()?.is_dir() || !directory.join(LOCK).exists() {
            return None;
        }
        let account = Account::choose().ok()?.owning(&directory).ok()?;
        Self::lock(directory, account, true).ok()
    }

    fn lock(directory: PathBuf, mut account: Account, temporary: bool) -> Result<Self, Error> {
        account.check_owner(&directory)?;
        match contents(&directory)? {
            Contents::Data => account = account.owning(&directory)?,
            Contents::Other(found) => return Err(Error::NotADataDirectory { directory, found }),
            Contents::Nothing | Contents::Unfinished => {}
        }
        account.check_passable(&directory)?;
        account.own(&directory)?;
        fs::set_permissions(&directory, Permissions::from_mode(0o700))
            .doing(|| format!("close {} to others", directory.display()))?;
        let lock = take_lock(&directory, &account)?;
        let socket = SocketDirectory::for_data(&directory, &account)?;
        Ok(Self {
            directory,
            socket,
            account,
            temporary,
            _lock: lock,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    pub(super) fn socket_directory(&self) -> &Path {
        &self.socket.path
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.join(LOG)
    }

    /// The major version that wrote the data; none if there is no data yet.
    pub(super) fn major(&self) -> Result<Option<String>, Error> {
        let file = self.directory.join("PG_VERSION");
        match fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io {
                what: format!("read {}", file.display()),
                source,
            }),
        }
    }

    /// Makes a new data directory. Whenever this is interrupted, the next start begins anew.
    pub(super) fn initialise(&self, programs: &Programs) -> Result<(), Error> {
        if contents(&self.directory)? == Contents::Unfinished {
            self.clear_unfinished()?;
        }
        let unfinished = self.directory.join(UNFINISHED);
        self.run_initdb(programs, &unfinished)?;

        let configuration = unfinished.join("postgresql.conf");
        OpenOptions::new()
            .append(true)
            .open(&configuration)
            .and_then(|mut file| write!(file, "\n# motcua's settings; yours, below this line, win over them.\ninclude '{SETTINGS}'\n"))
            .doing(|| format!("write {}", configuration.display()))?;

        let moved = format!(
            "put the new data directory in place in {}",
            self.directory.display()
        );
        let mut parts = names(&unfinished)?;
        parts.sort_by_key(|part| part == "PG_VERSION");
        for part in parts {
            if part == "PG_VERSION" {
                self.sync()?;
            }
            fs::rename(unfinished.join(&part), self.directory.join(&part))
                .doing(|| moved.clone())?;
        }
        fs::remove_dir(&unfinished).doing(|| moved.clone())?;
        self.sync()
    }

    fn run_initdb(&self, programs: &Programs, target: &Path) -> Result<(), Error> {
        // From 17 on PostgreSQL brings its own C.UTF-8; before, the system has it, or there is the bare C.
        if programs.major_number() >= 17 {
            let locale = [
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ];
            return self.run_initdb_with(programs, target, &locale);
        }
        match self.run_initdb_with(programs, target, &["--locale=C.UTF-8"]) {
            Err(Error::Program { output, .. }) if output.contains("invalid locale") => {
                self.run_initdb_with(programs, target, &["--locale=C"])
            }
            outcome => outcome,
        }
    }

    fn run_initdb_with(
        &self,
        programs: &Programs,
        target: &Path,
        locale: &[&str],
    ) -> Result<(), Error> {
        let initdb = programs.initdb();
        let output = self
            .account
            .command(&initdb)
            .args([
                "--no-sync",
                "--auth=trust",
                "--encoding=UTF8",
                "--lc-messages=C",
                "--username",
                SUPERUSER,
            ])
            .args(locale)
            .arg("--pgdata")
            .arg(target)
            .stdin(Stdio::null())
            .output()
            .doing(|| format!("run {}", initdb.display()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Program {
            program: initdb.display().to_string(),
            status: output.status.to_string(),
            output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    fn clear_unfinished(&self) -> Result<(), Error> {
        let what = || {
            format!(
                "remove what an interrupted initdb left in {}",
                self.directory.display()
            )
        };
        // The mark goes last, or a second interruption here would leave something that nobody recognises.
        let mut parts = names(&self.directory)?;
        parts.sort_by_key(|part| part == UNFINISHED);
        for part in parts.iter().filter(|part| !is_ours_beside_data(part)) {
            let path = self.directory.join(part);
            let is_directory = fs::symlink_metadata(&path).doing(what)?.is_dir();
            if is_directory {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            }
            .doing(what)?;
        }
        Ok(())
    }

    /// Makes all that was written durable. `initdb` is told not to, since it would do so file by file; what is temporary
    /// need not be.
    fn sync(&self) -> Result<(), Error> {
        if self.temporary {
            return Ok(());
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return File::open(&self.directory)
            .and_then(|directory| Ok(rustix::fs::syncfs(directory)?))
            .doing(|| format!("write {} to disk", self.directory.display()));
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        {
            rustix::fs::sync();
            Ok(())
        }
    }

    /// Writes motcua's settings, as this release has them.
    pub(super) fn write_settings(&self) -> Result<(), Error> {
        let file = self.directory.join(SETTINGS);
        let new = self.directory.join(format!("{SETTINGS}.new"));
        let write = || -> io::Result<()> {
            // Made new and renamed, so that nothing is ever written through a link.
            if let Err(error) = fs::remove_file(&new)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            let mut written = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            written.write_all(SETTINGS_TEXT.as_bytes())?;
            written.sync_all()
        };
        write().doing(|| format!("write {}", new.display()))?;
        self.account.own(&new)?;
        fs::rename(&new, &file).doing(|| format!("write {}", file.display()))
    }

    /// Opens the server's log to append to, and sets one that has grown too long aside.
    pub(super) fn open_log(&self) -> Result<File, Error> {
        let path = self.log();
        if fs::symlink_metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            fs::rename(&path, path.with_extension("log.1"))
                .doing(|| format!("set {} aside", path.display()))?;
        }
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .doing(|| format!("open {}", path.display()))?;
        self.account.own(&path)?;
        Ok(log)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.directory)
        {
            tracing::warn!(directory = %self.directory.display(), %error, "a temporary data directory could not be removed");
        }
    }
}

/// Where the server's socket lies: in the data directory, or, where that path is too long for a socket's, in a temporary one.
#[derive(Debug)]
struct SocketDirectory {
    path: PathBuf,
    temporary: bool,
}

impl SocketDirectory {
    fn for_data(directory: &Path, account: &Account) -> Result<Self, Error> {
        if directory.as_os_str().as_bytes().len() <= SOCKET_DIRECTORY_BYTES_MAX {
            return Ok(Self {
                path: directory.to_owned(),
                temporary: false,
            });
        }
        let configured = std::env::temp_dir();
        let room = SOCKET_DIRECTORY_BYTES_MAX - SOCKET_PREFIX.len() - "4194304-999".len() - 1;
        let parent = if configured.as_os_str().as_bytes().len() <= room {
            configured
        } else {
            PathBuf::from("/tmp")
        };
        let path = make_private(&parent, SOCKET_PREFIX)?;
        account.own(&path)?;
        Ok(Self {
            path,
            temporary: true,
        })
    }
}

impl Drop for SocketDirectory {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(directory = %self.path.display(), %error, "a temporary socket directory could not be removed");
        }
    }
}

/// Makes a new directory for nobody but us, in a directory that others may write to as well.
fn make_private(parent: &Path, prefix: &str) -> Result<PathBuf, Error> {
    let what = || format!("make a directory in {}", parent.display());
    let parent = fs::canonicalize(parent).doing(what)?;
    let mut outcome = Err(io::Error::from(io::ErrorKind::AlreadyExists));
    for number in 0..1000 {
        let path = parent.join(format!("{prefix}{}-{number}", std::process::id()));
        // Making it fails where there is something of that name already, be it a link: so it is ours alone.
        outcome = DirBuilder::new().mode(0o700).create(&path).map(|()| path);
        if !matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::AlreadyExists) {
            break;
        }
    }
    outcome.doing(what)
}

fn take_lock(directory: &Path, account: &Account) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)
        .doing(|| format!("open {}", path.display()))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            // The process id is a help only: a holder that has not written it yet is a holder all the same.
            let holder = match lock.read_to_string(&mut holder) {
                Ok(_) if !holder.trim().is_empty() => format!("process {}", holder.trim()),
                _ => "which is just starting".to_owned(),
            };
            return Err(Error::InUse {
                directory: directory.to_owned(),
                holder,
            });
        }
        Err(error) => return Err(error).doing(|| format!("lock {}", path.display())),
    }
    account.own(&path)?;
    lock.set_len(0)
        .and_then(|()| writeln!(lock, "{}", std::process::id()))
        .doing(|| format!("write {}", path.display()))?;
    Ok(lock)
}

/// What lies beside the data, or in a directory that is as good as empty: our lock, and what a file system's root has.
fn is_ours_beside_data(name: &str) -> bool {
    name == LOCK || name == "lost+found"
}

fn contents(directory: &Path) -> Result<Contents, Error> {
    let names = names(directory)?;
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has("PG_VERSION") {
        return Ok(Contents::Data);
    }
    if has(UNFINISHED) {
        return Ok(Contents::Unfinished);
    }
    Ok(names
        .into_iter()
        .find(|name| !is_ours_beside_data(name))
        .map_or(Contents::Nothing, Contents::Other))
}

fn names(directory: &Path) -> Result<Vec<String>, Error> {
    fs::read_dir(directory)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect()
        })
        .doing(|| format!("look into {}", directory.display()))
}
