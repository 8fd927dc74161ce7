//! One process of the real binary, and what it logged.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::quiet::wait_until;

/// The real binary.
const PROGRAM: &str = env!("CARGO_BIN_EXE_motcua");
/// How much of a log is shown when a test fails. Lines.
const TAIL_LINES: usize = 40;

/// The real binary in an environment that only the test decides.
fn command(args: &[&str], environment: &[(&str, String)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().stdin(Stdio::null());
    for kept in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) ok: bool,
    /// What it ended with; none where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command of the real binary to its end.
pub(crate) async fn motcua(args: &[&str], environment: &[(&str, String)]) -> Output {
    let mut command = tokio::process::Command::from(command(args, environment));
    let output = command
        .kill_on_drop(true)
        .output()
        .await
        .expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Output {
        ok: output.status.success(),
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A running `motcua serve`.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts one; the log of an earlier one with the same name is continued.
    pub(super) fn start(args: &[&str], environment: &[(&str, String)], log: &Path) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log can be written");
        let child = command(args, environment)
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the binary starts");
        Self {
            child,
            log: log.to_owned(),
            ended: None,
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, signal).expect("it is there");
    }

    /// `kill -9`: no destructor runs, no connection is closed in order.
    pub(super) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended = Some(self.child.wait().expect("it ends"));
    }

    /// Asks it to finish what it accepted.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        wait_until("the process has ended", async || {
            self.exit().ok_or_else(|| "it runs".to_owned())
        })
        .await
    }

    /// How it ended, if it has.
    pub(super) fn exit(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("it can be asked");
        }
        self.ended
    }

    /// Everything that it logged.
    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The last lines of its log.
    pub(super) fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exit().is_none() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if std::thread::panicking() {
            eprintln!("--- the end of {}:\n{}", self.log.display(), self.tail());
        }
    }
}
