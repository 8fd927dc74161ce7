//! How the server is started, watched and stopped.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::cluster::Cluster;
use super::error::{Doing, Error};
use super::leftover::PidFile;
use super::programs::Programs;

/// How long a start may take, recovery included: the log to replay is bounded by `max_wal_size`.
const READY_LIMIT: Duration = Duration::from_secs(300);
/// How often a starting server is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How much of the log an error shows.
const TAIL_LINES: usize = 12;
const TAIL_BYTES: u64 = 16 * 1024;
/// What PostgreSQL says where children of a killed server are still ending.
const STILL_IN_USE: &str = "is still in use";

/// The server as others see it: to be signalled and waited for, from any thread.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Set, under the lock, before the process is reaped: nobody signals a number that may be another process's by then.
    ended: bool,
    stopping: bool,
}

impl Process {
    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds this lock, and both fields are sensible at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the server, in peace and then at once, and returns when it has ended. Stopping it again is fine.
    pub(super) fn stop(&self, in_peace: Duration, at_once: Duration) -> Result<(), Error> {
        for (signal, limit) in [(Signal::INT, in_peace), (Signal::QUIT, at_once)] {
            let mut state = self.state();
            state.stopping = true;
            if !state.ended {
                rustix::process::kill_process(self.pid, signal)
                    .doing(|| format!("stop PostgreSQL (process {})", self.pid()))?;
            }
            let (state, _) = self
                .ended
                .wait_timeout_while(state, limit, |state| !state.ended)
                .unwrap_or_else(PoisonError::into_inner);
            if state.ended {
                return Ok(());
            }
        }
        Err(Error::WillNotStop { pid: self.pid() })
    }
}

/// The server as its parent thread has it.
#[derive(Debug)]
pub(super) struct Child {
    child: process::Child,
    process: Arc<Process>,
    log: Log,
}

impl Child {
    pub(super) fn process(&self) -> Arc<Process> {
        Arc::clone(&self.process)
    }
}

/// What the server has written since it was started.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    from: u64,
}

impl Log {
    fn tail(&self) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(
                self.from.max(length.saturating_sub(TAIL_BYTES)),
            ))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = match read() {
            Ok(text) => text,
            Err(error) => return format!("(it could not be read: {error})"),
        };
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

/// Starts the server and waits until it accepts connections. The calling thread becomes its parent: it must go on to
/// [`keep`] it.
pub(super) fn start(programs: &Programs, cluster: &Cluster) -> Result<Child, Error> {
    let began = Instant::now();
    loop {
        let mut child = spawn(programs, cluster)?;
        let Some(status) = wait_until_ready(&mut child, cluster, began)? else {
            return Ok(child);
        };
        let tail = child.log.tail();
        if tail.contains(STILL_IN_USE) && began.elapsed() < READY_LIMIT {
            thread::sleep(LOOK_AGAIN * 20);
            continue;
        }
        return Err(Error::EndedEarly {
            status,
            log: child.log.path,
            tail,
        });
    }
}

fn spawn(programs: &Programs, cluster: &Cluster) -> Result<Child, Error> {
    let postgres = programs.postgres();
    let log_file = cluster.open_log()?;
    let log = Log {
        path: cluster.log(),
        from: log_file
            .metadata()
            .doing(|| "look at the log".to_owned())?
            .len(),
    };
    let errors = log_file.try_clone().doing(|| "share the log".to_owned())?;
    let mut command = match setpriv(cluster) {
        Some(mut setpriv) => {
            setpriv.arg(&postgres);
            setpriv
        }
        None => cluster.account().command(&postgres),
    };
    let child = command
        .arg("-D")
        .arg(cluster.directory())
        // On the command line these win over every file, also over what ALTER SYSTEM has written.
        .args([
            "-c",
            "fsync=on",
            "-c",
            "full_page_writes=on",
            "-c",
            "listen_addresses=",
            "-c",
            "port=5432",
        ])
        .args([
            "-c",
            "unix_socket_permissions=0700",
            "-c",
            "logging_collector=off",
            "-c",
            "log_destination=stderr",
        ])
        .arg("-c")
        .arg(format!(
            "unix_socket_directories={}",
            quoted(cluster.socket_directory())
        ))
        .stdin(Stdio::null())
        .stdout(log_file)
        .stderr(errors)
        // A group of its own: Ctrl-C at the terminal is for motcua, which drains first and then stops its server.
        .process_group(0)
        .spawn()
        .doing(|| format!("start {}", postgres.display()))?;
    let pid = Pid::from_child(&child);
    let process = Arc::new(Process {
        pid,
        state: Mutex::default(),
        ended: Condvar::new(),
    });
    Ok(Child {
        child,
        process,
        log,
    })
}

/// `setpriv --pdeathsig INT`, of util-linux: if this thread dies, and so if motcua is killed, the server shuts down
/// cleanly. Where it is not there, the next start takes the server over.
fn setpriv(cluster: &Cluster) -> Option<Command> {
    let command = || {
        let mut command = cluster.account().command(Path::new("setpriv"));
        command.args(["--pdeathsig", "INT", "--"]);
        command
    };
    let works = command()
        .arg("true")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    works.is_ok_and(|status| status.success()).then(command)
}

/// A directory as an element of a PostgreSQL list of names.
fn quoted(directory: &Path) -> String {
    format!(
        "\"{}\"",
        directory.display().to_string().replace('"', "\"\"")
    )
}

/// Waits until the server accepts connections; returns its status if it ends instead.
fn wait_until_ready(
    child: &mut Child,
    cluster: &Cluster,
    began: Instant,
) -> Result<Option<ExitStatus>, Error> {
    let socket = cluster.socket_directory().join(".s.PGSQL.5432");
    while began.elapsed() < READY_LIMIT {
        if let Some(status) = child
            .child
            .try_wait()
            .doing(|| "wait for PostgreSQL".to_owned())?
        {
            return Ok(Some(status));
        }
        let noted = PidFile::read(cluster.directory());
        if noted.is_some_and(|noted| noted.ready && noted.pid == child.process.pid)
            && UnixStream::connect(&socket).is_ok()
        {
            return Ok(None);
        }
        thread::sleep(LOOK_AGAIN);
    }
    let tail = child.log.tail();
    rustix::process::kill_process(child.process.pid, Signal::QUIT)
        .and_then(|()| child.child.wait().map_err(|_| rustix::io::Errno::CHILD))
        .doing(|| "stop a PostgreSQL that did not become ready".to_owned())?;
    Err(Error::NotReady {
        seconds: READY_LIMIT.as_secs(),
        log: child.log.path.clone(),
        tail,
    })
}

/// Is the server's parent until it ends.
pub(super) fn keep(mut child: Child) {
    // Waits without reaping: until `ended` is set, the number stays this process's.
    let waiting = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) =
        rustix::process::waitid(WaitId::Pid(child.process.pid), waiting)
    {}
    let mut state = child.process.state();
    state.ended = true;
    let stopping = state.stopping;
    let status = child.child.wait();
    drop(state);
    child.process.ended.notify_all();
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    if stopping {
        tracing::debug!(%status, "the private PostgreSQL has stopped");
    } else {
        tracing::error!(%status, log = %child.log.path.display(), tail = child.log.tail(), "the private PostgreSQL ended by itself");
    }
}
