//! The private PostgreSQL, with a real one: its programs must be on this machine. As root, the tests see the step down too.

#![cfg(target_os = "linux")] // The tests look at processes through /proc.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use motcua_platform::postgres::{DataDir, Error, Options, Server, Step};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};

/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Names the data directory for the process that a test starts in order to kill it; empty for a temporary one.
const VICTIM_DIRECTORY: &str = "MOTCUA_TEST_VICTIM_DIRECTORY";

/// A directory that the server's user can get to: the one that `tempfile` makes is closed to others.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("makes a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("opens it");
        Self(directory)
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

async fn start(directory: &Path) -> Result<Server, Error> {
    Server::start(Options::new(DataDir::Kept(directory.to_owned()))).await
}

async fn connect(server: &Server) -> PgConnection {
    PgConnection::connect(&server.base_url())
        .await
        .expect("connects")
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)")
        .bind(name)
        .fetch_one(connection)
        .await
        .expect("has this setting")
}

async fn refusal(directory: &Path) -> String {
    start(directory).await.expect_err("is refused").to_string()
}

fn log(directory: &Path) -> String {
    fs::read_to_string(directory.join("postgresql.log")).expect("has a log")
}

/// Looks again and again, until it is so.
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LIMIT, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

fn is_alive(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state
        .rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("is not zero");
    kill_process(pid, signal).expect("is there to be killed");
}

#[tokio::test]
async fn it_keeps_its_data_over_a_restart() {
    let place = Place::new();
    let server = start(&place.data()).await.expect("starts");
    let pid = server.pid();
    assert!(is_alive(pid));
    let mut connection = connect(&server).await;
    sqlx::raw_sql(
        "CREATE TABLE dossier (code text); INSERT INTO dossier VALUES ('H29.1-250701-0001')",
    )
    .execute(&mut connection)
    .await
    .expect("writes");
    // A session that is still open does not hold the server up.
    server.stop().await.expect("stops");
    assert!(!is_alive(pid));

    let server = start(&place.data()).await.expect("starts again");
    let code: String = sqlx::query_scalar("SELECT code FROM dossier")
        .fetch_one(&mut connect(&server).await)
        .await
        .expect("reads");
    assert_eq!(code, "H29.1-250701-0001");
    server.stop().await.expect("stops");
    assert!(
        !log(&place.data()).contains("interrupted"),
        "it was not shut down cleanly"
    );
}

#[tokio::test]
async fn it_is_durable_private_and_not_root() {
    let place = Place::new();
    let server = start(&place.data()).await.expect("starts");
    let mut connection = connect(&server).await;
    for (name, expected) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
        ("max_connections", "200"),
        ("TimeZone", "UTC"),
        ("log_error_verbosity", "terse"),
        ("server_encoding", "UTF8"),
        (
            "server_version",
            server.version().split_whitespace().next().expect("has one"),
        ),
    ] {
        let actual = setting(&mut connection, name).await;
        assert!(
            actual == expected || actual.starts_with(&format!("{expected} (")),
            "{name} is {actual}"
        );
    }
    assert_ne!(
        fs::metadata(format!("/proc/{}", server.pid()))
            .expect("is there")
            .uid(),
        0
    );
    assert_eq!(
        fs::metadata(place.data()).expect("is there").mode() & 0o777,
        0o700
    );
    let lower: String = sqlx::query_scalar("SELECT lower('ĐÃ GIẢI QUYẾT')")
        .fetch_one(&mut connection)
        .await
        .expect("asks");
    assert_eq!(lower, "đã giải quyết");
    server.stop().await.expect("stops");
}

#[tokio::test]
async fn every_database_has_its_url() {
    let place = Place::new();
    let server = start(&place.data()).await.expect("starts");
    sqlx::raw_sql("CREATE DATABASE intake")
        .execute(&mut connect(&server).await)
        .await
        .expect("creates");
    let mut connection = PgConnection::connect(&server.url("intake"))
        .await
        .expect("connects");
    let name: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&mut connection)
        .await
        .expect("asks");
    assert_eq!(name, "intake");
}

#[tokio::test]
async fn a_temporary_directory_is_gone_afterwards() {
    let server = Server::start(Options::new(DataDir::Temporary))
        .await
        .expect("starts");
    let (pid, directory) = (server.pid(), server.data_directory().to_owned());
    assert!(directory.join("PG_VERSION").exists());
    // Dropped, not stopped.
    drop(server);
    assert!(!is_alive(pid));
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_its_socket_elsewhere() {
    let place = Place::new();
    let directory = place
        .data()
        .join("một cửa, \"dài\" ".repeat(4))
        .join("x".repeat(80));
    let server = start(&directory).await.expect("starts");
    connect(&server).await;
    let socket = fs::read_to_string(directory.join("postmaster.pid"))
        .expect("is there")
        .lines()
        .nth(4)
        .map(PathBuf::from)
        .expect("has one");
    assert!(!socket.starts_with(place.0.path()));
    server.stop().await.expect("stops");
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_data_directory_with_an_odd_name_works() {
    let place = Place::new();
    let server = start(&place.0.path().join("a b, \"c\" %41'd"))
        .await
        .expect("starts");
    connect(&server).await;
    server.stop().await.expect("stops");
}

#[tokio::test]
async fn a_second_motcua_on_the_same_directory_is_refused() {
    let place = Place::new();
    let server = start(&place.data()).await.expect("starts");
    let refused = refusal(&place.data()).await;
    assert!(
        refused.contains(&format!(
            "in use by another motcua (process {})",
            std::process::id()
        )),
        "{refused}"
    );
    connect(&server).await;
    server.stop().await.expect("stops");
}

#[tokio::test]
async fn the_server_ends_cleanly_when_its_motcua_is_killed() {
    let place = Place::new();
    let mut victim = Victim::start(&place.data());
    victim.kill();
    wait_until("the server has followed its motcua", || {
        !is_alive(victim.server)
    });
    let log = log(&place.data());
    assert!(log.contains("received fast shutdown request"), "{log}");
    assert!(log.contains("database system is shut down"), "{log}");
}

#[tokio::test]
async fn a_server_that_outlived_its_motcua_is_taken_over() {
    let place = Place::new();
    let data = place.data();
    // A PATH with `initdb` and no `setpriv` on it: then nothing stops the server when its motcua is killed.
    let server = start(&data).await.expect("starts");
    let postgres = fs::read_link(format!("/proc/{}/exe", server.pid())).expect("runs a program");
    server.stop().await.expect("stops");
    let path = place.0.path().join("path");
    fs::create_dir(&path).expect("makes it");
    symlink(postgres.with_file_name("initdb"), path.join("initdb")).expect("links");

    let mut victim = Victim::start_with(&data, |command| {
        command.env("PATH", &path);
    });
    victim.kill();
    assert!(is_alive(victim.server));
    let (seen, steps) = std::sync::mpsc::channel();
    let mut options = Options::new(DataDir::Kept(data.clone()));
    options.progress = Box::new(move |step| seen.send(step.clone()).expect("the test listens"));
    let server = Server::start(options).await.expect("takes over");
    assert!(
        steps
            .iter()
            .any(|step| step == Step::TakingOver { pid: victim.server })
    );
    assert_ne!(server.pid(), victim.server);
    assert!(!is_alive(victim.server));
    connect(&server).await;
    server.stop().await.expect("stops");
    assert!(
        !log(&data).contains("interrupted"),
        "it was not shut down cleanly"
    );
}

#[tokio::test]
async fn it_recovers_when_both_are_killed() {
    let place = Place::new();
    let mut victim = Victim::start(&place.data());
    kill(victim.server, Signal::KILL);
    victim.kill();
    let server = start(&place.data()).await.expect("recovers");
    connect(&server).await;
    server.stop().await.expect("stops");
    assert!(
        log(&place.data()).contains("interrupted"),
        "this was to be a crash"
    );
}

#[tokio::test]
async fn the_temporary_directory_of_a_killed_motcua_is_removed_at_the_next_start() {
    let mut victim = Victim::start(Path::new(""));
    // The server may end by itself now, or be stopped by the next motcua; either way nothing of it stays.
    victim.kill();
    let place = Place::new();
    start(&place.data())
        .await
        .expect("starts")
        .stop()
        .await
        .expect("stops");
    wait_until(
        "the directory is gone, by this motcua or another test's",
        || !victim.directory.exists(),
    );
    assert!(!is_alive(victim.server));
}

#[tokio::test]
async fn a_stale_pid_file_with_the_number_of_another_program_is_removed() {
    let place = Place::new();
    start(&place.data())
        .await
        .expect("starts")
        .stop()
        .await
        .expect("stops");
    let mut other = as_owner(&place.data(), "cat")
        .stdin(Stdio::piped())
        .spawn()
        .expect("starts cat");
    leave_pid_file(&place.data(), other.id());

    let server = start(&place.data()).await.expect("starts all the same");
    server.stop().await.expect("stops");
    assert!(is_alive(other.id()), "it is none of ours");
    other.kill().and_then(|()| other.wait()).expect("ends");
}

#[tokio::test]
async fn a_stale_pid_file_with_the_number_of_a_zombie_is_removed() {
    let place = Place::new();
    start(&place.data())
        .await
        .expect("starts")
        .stop()
        .await
        .expect("stops");
    let mut zombie = as_owner(&place.data(), "true")
        .spawn()
        .expect("starts true");
    wait_until("it is dead and not reaped", || !is_alive(zombie.id()));
    leave_pid_file(&place.data(), zombie.id());

    let server = start(&place.data()).await.expect("starts all the same");
    server.stop().await.expect("stops");
    zombie.wait().expect("is reaped");
}

#[tokio::test]
async fn data_of_another_version_is_refused() {
    let place = Place::new();
    start(&place.data())
        .await
        .expect("starts")
        .stop()
        .await
        .expect("stops");
    fs::write(place.data().join("PG_VERSION"), "12\n").expect("writes");
    let refused = refusal(&place.data()).await;
    assert!(
        refused.contains("was written by PostgreSQL 12 and this machine has "),
        "{refused}"
    );
    assert!(refused.contains("pg_dump"), "{refused}");
}

#[tokio::test]
async fn a_directory_with_something_else_in_it_is_refused_and_left_alone() {
    let place = Place::new();
    fs::create_dir(place.data()).expect("makes it");
    fs::write(place.data().join("thesis.odt"), "all of it").expect("writes");
    let before = fs::metadata(place.data()).expect("is there");
    let refused = refusal(&place.data()).await;
    assert!(
        refused.contains("not a PostgreSQL data directory (it holds thesis.odt)"),
        "{refused}"
    );
    let after = fs::metadata(place.data()).expect("is there");
    assert_eq!((before.uid(), before.mode()), (after.uid(), after.mode()));
    assert_eq!(fs::read_dir(place.data()).expect("is there").count(), 1);
}

#[tokio::test]
async fn an_ancestor_that_the_servers_user_cannot_pass_is_named() {
    if !rustix::process::geteuid().is_root() {
        return; // There is nobody to step down to.
    }
    let place = Place::new();
    let closed = place.0.path().join("closed");
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&closed)
        .expect("makes it");
    let refused = refusal(&closed.join("within").join("data")).await;
    assert!(
        refused.starts_with(&format!("{} leads to ", closed.display())),
        "{refused}"
    );
    assert!(refused.contains("(mode 0700)"), "{refused}");
}

#[tokio::test]
async fn an_initdb_that_was_interrupted_is_done_anew() {
    let place = Place::new();
    fs::create_dir_all(place.data().join("initdb.tmp").join("base")).expect("makes it");
    fs::create_dir(place.data().join("global")).expect("makes it");
    let server = start(&place.data()).await.expect("starts anew");
    connect(&server).await;
    server.stop().await.expect("stops");
    assert!(!place.data().join("initdb.tmp").exists());
}

#[tokio::test]
async fn a_server_that_does_not_come_up_shows_its_log() {
    let place = Place::new();
    start(&place.data())
        .await
        .expect("starts")
        .stop()
        .await
        .expect("stops");
    let mut configuration = fs::OpenOptions::new()
        .append(true)
        .open(place.data().join("postgresql.conf"))
        .expect("opens");
    writeln!(configuration, "shared_buffers = 'plenty'").expect("writes");
    let refused = refusal(&place.data()).await;
    assert!(refused.contains("ended while it was starting"), "{refused}");
    assert!(
        refused.contains("invalid value for parameter \"shared_buffers\""),
        "{refused}"
    );
}

/// A program that runs as the owner of the data.
fn as_owner(data: &Path, program: &str) -> Command {
    let owner = fs::metadata(data).expect("is there");
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    command
}

fn leave_pid_file(data: &Path, pid: u32) {
    let file = data.join("postmaster.pid");
    fs::write(
        &file,
        format!(
            "{pid}\n{0}\n1750000000\n5432\n{0}\n\n  1 2\nready   \n",
            data.display()
        ),
    )
    .expect("writes");
    let owner = fs::metadata(data).expect("is there");
    chown(&file, Some(owner.uid()), Some(owner.gid())).expect("gives it away");
}

/// A process of its own that keeps a server, to be killed.
struct Victim {
    process: std::process::Child,
    server: u32,
    directory: PathBuf,
}

impl Victim {
    fn start(data: &Path) -> Self {
        Self::start_with(data, |_| ())
    }

    fn start_with(data: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("is a program"));
        command
            .args([
                "--exact",
                "keeps_a_server_until_it_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(VICTIM_DIRECTORY, data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        change(&mut command);
        let mut process = command.spawn().expect("starts this test program again");
        let output = BufReader::new(process.stdout.take().expect("is piped"));
        let said = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("server=")?.1.to_owned()));
        let said = said.expect("says that it has a server");
        let (server, directory) = said.split_once(' ').expect("says which, and where");
        Self {
            process,
            server: server.parse().expect("is a number"),
            directory: directory.into(),
        }
    }

    fn kill(&mut self) {
        self.process
            .kill()
            .and_then(|()| self.process.wait())
            .expect("is killed");
    }
}

#[test]
#[ignore = "is run by other tests, in a process of its own"]
fn keeps_a_server_until_it_is_killed() {
    let Some(directory) = std::env::var_os(VICTIM_DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("makes a runtime");
    let place = if directory.as_os_str().is_empty() {
        DataDir::Temporary
    } else {
        DataDir::Kept(directory)
    };
    let server = runtime
        .block_on(Server::start(Options::new(place)))
        .expect("starts");
    println!(
        "server={} {}",
        server.pid(),
        server.data_directory().display()
    );
    // Ends when the test that started this ends without having killed it.
    std::io::stdin().lines().for_each(drop);
}
