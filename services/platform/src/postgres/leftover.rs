//! What a motcua that was killed has left behind: a running server, a stale `postmaster.pid`, temporary directories.
//!
//! A server that is still running is stopped and started anew rather than adopted: the new one has this release's
//! settings, and this process as its parent. Nobody else can be using it: we hold the directory's lock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::cluster::{Cluster, SOCKET_PREFIX, TEMPORARY_PREFIX};
use super::error::{Doing, Error};
use super::{FAST_STOP_LIMIT, IMMEDIATE_STOP_LIMIT};

/// How often a process that is not our child is looked at, to see whether it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What PostgreSQL notes down about a running server, in `postmaster.pid`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    /// The server's process.
    pub(super) pid: Pid,
    /// The first directory of its sockets.
    socket_directory: Option<PathBuf>,
    /// Whether it accepts connections.
    pub(super) ready: bool,
}

impl PidFile {
    /// Reads a data directory's. None if there is none, or one that is only half written.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(path(directory)).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // Process, data directory, start time, port, socket directory, listen address, shared memory, status.
        let lines: Vec<&str> = text.lines().collect();
        Some(Self {
            pid: Pid::from_raw(lines.first()?.trim().parse().ok()?)?,
            socket_directory: lines
                .get(4)
                .filter(|line| !line.is_empty())
                .map(PathBuf::from),
            ready: lines.get(7).is_some_and(|line| line.trim() == "ready"),
        })
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("postmaster.pid")
}

/// Stops a server that still runs on the directory, and removes a `postmaster.pid` that no server stands behind.
///
/// PostgreSQL removes a stale one by itself, but not where its number is that of a dead process which nobody has reaped
/// yet, or of another program of the same user: then it would refuse to start.
pub(super) fn clear(cluster: &Cluster, mut taking_over: impl FnMut(u32)) -> Result<(), Error> {
    let directory = cluster.directory();
    let Some(noted) = PidFile::read(directory) else {
        // Half written, by a server that died at once, or not there.
        return remove(&path(directory));
    };
    if is_server(noted.pid, directory) {
        taking_over(noted.pid.as_raw_nonzero().get().cast_unsigned());
        stop(noted.pid, directory)?;
    }
    remove(&path(directory))?;
    if let Some(sockets) = noted.socket_directory {
        remove_sockets(&sockets, directory)?;
    }
    Ok(())
}

/// Stops a server that is not our child.
fn stop(pid: Pid, directory: &Path) -> Result<(), Error> {
    for (signal, limit) in [
        (Signal::INT, FAST_STOP_LIMIT),
        (Signal::QUIT, IMMEDIATE_STOP_LIMIT),
    ] {
        match rustix::process::kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => {
                return Err(error)
                    .doing(|| format!("stop PostgreSQL (process {})", pid.as_raw_nonzero()));
            }
        }
        let asked = Instant::now();
        while asked.elapsed() < limit {
            if !is_server(pid, directory) {
                return Ok(());
            }
            thread::sleep(LOOK_AGAIN);
        }
    }
    Err(Error::WillNotStop {
        pid: pid.as_raw_nonzero().get().cast_unsigned(),
    })
}

/// Removes the sockets of a server that is gone, with their lock files, which PostgreSQL misreads just as it does the
/// `postmaster.pid`. Only where they can be none but ours.
fn remove_sockets(sockets: &Path, directory: &Path) -> Result<(), Error> {
    let own = sockets
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(SOCKET_PREFIX));
    if own {
        return match fs::remove_dir_all(sockets) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).doing(|| format!("remove {}", sockets.display()))
            }
            _ => Ok(()),
        };
    }
    if sockets == directory {
        remove(&sockets.join(".s.PGSQL.5432"))?;
        remove(&sockets.join(".s.PGSQL.5432.lock"))?;
    }
    Ok(())
}

fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Whether this process is alive, and the server of this directory: a postmaster works in its data directory.
#[cfg(target_os = "linux")]
fn is_server(pid: Pid, directory: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    let Ok(stat) = fs::read_to_string(process.join("stat")) else {
        return false;
    };
    // "1234 (postgres) S …": the name may hold anything, a parenthesis too, so the state is what follows the last one.
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.trim_start().chars().next());
    if matches!(state, None | Some('Z' | 'X' | 'x')) {
        return false;
    }
    let command = fs::read(process.join("cmdline")).unwrap_or_default();
    let program = command.split(|&byte| byte == 0).next().unwrap_or_default();
    program.ends_with(b"postgres")
        && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == directory)
}

/// Whether this process is alive, and a PostgreSQL started on this directory.
#[cfg(not(target_os = "linux"))]
fn is_server(pid: Pid, directory: &Path) -> bool {
    let Ok(output) = std::process::Command::new("ps")
        .args([
            "-ww",
            "-o",
            "state=,command=",
            "-p",
            &pid.as_raw_nonzero().to_string(),
        ])
        .output()
    else {
        return rustix::process::test_kill_process(pid).is_ok();
    };
    let line = String::from_utf8_lossy(&output.stdout);
    let line = line.trim_start();
    !line.is_empty()
        && !line.starts_with('Z')
        && line.contains("postgres")
        && line.contains(&*directory.to_string_lossy())
}

/// Removes the temporary data directories of motcuas that were killed, and stops the servers on them.
pub(super) fn sweep_temporary() {
    let Ok(entries) = fs::canonicalize(std::env::temp_dir()).and_then(fs::read_dir) else {
        return;
    };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(TEMPORARY_PREFIX)
            && let Some(cluster) = Cluster::left_behind(entry.path())
        {
            tracing::info!(directory = %cluster.directory().display(), "removing what a killed motcua left behind");
            if let Err(error) = clear(&cluster, |_| ()) {
                tracing::warn!(%error, "a server that a killed motcua left running could not be stopped");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read_line_by_line() {
        let noted = PidFile::parse(
            "4711\n/data\n1700000000\n5432\n/data\n\n  5432001     32769\nready   \n",
        );
        let expected = PidFile {
            pid: Pid::from_raw(4711).expect("not zero"),
            socket_directory: Some(PathBuf::from("/data")),
            ready: true,
        };
        assert_eq!(noted, Some(expected));
    }

    #[test]
    fn a_server_that_is_only_starting_is_not_ready() {
        assert!(
            !PidFile::parse("4711\n/data\n1700000000\n5432\n/data\n\n 1 2\nstarting\n")
                .expect("parses")
                .ready
        );
        assert!(!PidFile::parse("4711\n/data\n").expect("parses").ready);
        assert_eq!(PidFile::parse(""), None);
    }

    #[test]
    fn another_program_is_not_the_server() {
        let me = rustix::process::getpid();
        assert!(!is_server(me, &std::env::current_dir().expect("has one")));
    }
}
