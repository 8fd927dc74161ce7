//! A whole summer through the real binary, then a look at everything that it left.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::Instant,
};

use motcua_platform::postgres::{DataDir, Options, Server};

use super::databases;
use crate::support::{Collector, Place, Search, motcua};

/// How every dossier's code begins.
pub(super) const DOSSIER: &str = "H24.11593-25";
/// How all our metrics' names begin, and the services' own.
const OURS: &str = "motcua";
/// What is logged at level debug alone, and then always: a service says little, and nothing of dossiers as long as all is well.
const DEBUGGED: &str = "lane starts";
/// Everything that we log ourselves, and of others what is not bytes on a wire.
const LOGGED: &str = "debug,h2=info,hyper=info,hyper_util=info,tower=info";
/// As `invented.toml` has it.
const DOSSIERS: usize = 1_762;
/// What is told of an applicant, as the register's columns are called.
const PERSONAL: [&str; 5] = [
    "applicant_name",
    "identity_number",
    "phone",
    "email",
    "address",
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_lies_anywhere() {
    let begun = Instant::now();
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let (data, register, left) = (path("data"), path("register.csv"), path("left"));
    fs::create_dir(&left).unwrap();
    // The server's user, who may not be ours, gets to both.
    for directory in [place.path(), &left] {
        fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    }
    keep_all_changes(&data).await;

    let (collector, url) = Collector::start().await;
    let arguments = ["demo", "--data", text(&data), "--register", text(&register)];
    let demo = motcua(
        &[arguments.as_slice(), &["--otlp", &url]].concat(),
        &[
            ("RUST_LOG", LOGGED.to_owned()),
            ("TMPDIR", text(&left).to_owned()),
        ],
    )
    .await;
    assert!(demo.ok, "{demo:?}");
    let replayed = begun.elapsed();

    let search = Search::new(needles(&register), &[DOSSIER, OURS, DEBUGGED]);
    let mut places = Vec::new();
    let mut look = |name: &str, proof, bytes: &[u8]| {
        let mut place = Place::new(name, proof);
        search.look(bytes, &mut place);
        places.push(place);
    };
    look(
        "what was printed",
        OURS,
        (demo.stdout + &demo.stderr).as_bytes(),
    );
    look("spans", DOSSIER, &collector.spans());
    look("metrics", OURS, &collector.metrics());
    for (name, of, proof) in [
        ("the log", data.with_added_extension("log"), DEBUGGED),
        ("the write-ahead log", data.join("pg_wal"), DOSSIER),
        ("the tables' files", data.join("base"), DOSSIER),
        ("all other files of PostgreSQL", data.clone(), ""),
        ("keys", data.with_added_extension("secrets"), ""),
    ] {
        let mut place = Place::new(name, proof);
        files(&of, &mut |file| {
            if of != data
                || !["base", "pg_wal"]
                    .iter()
                    .any(|seen| file.starts_with(data.join(seen)))
            {
                search.look(File::open(file).unwrap(), &mut place);
            }
        });
        places.push(place);
    }
    assert!(
        data.join("pg_wal/000000010000000000000001").exists(),
        "the write-ahead log is whole"
    );
    // Letters name people, and are gone.
    files(&left, &mut |file| panic!("{} is left", file.display()));

    let server = Server::start(Options::new(DataDir::Kept(data)))
        .await
        .unwrap();
    places.extend(databases::look(&server, &search).await);
    server.stop().await.unwrap();

    let all: Vec<_> = places.iter().map(ToString::to_string).collect();
    let all = all.join("\n");
    eprintln!(
        "looked for {} texts; the replay took {replayed:?}, everything {:?}\n{all}",
        search.len(),
        begun.elapsed()
    );
    assert!(places.iter().all(Place::is_clean), "{all}");
}

/// Makes the data directory beforehand and has it keep every change that is ever written to its log.
async fn keep_all_changes(data: &Path) {
    let server = Server::start(Options::new(DataDir::Kept(data.to_owned())))
        .await
        .unwrap();
    server.stop().await.unwrap();
    let mut configuration = OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))
        .unwrap();
    writeln!(configuration, "wal_keep_size = 64GB").unwrap();
}

/// Everything that the register tells of applicants.
fn needles(register: &Path) -> Vec<(String, String)> {
    let mut reader = csv::Reader::from_path(register).unwrap();
    let header = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.into_records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), DOSSIERS);
    let mut needles = Vec::new();
    for column in PERSONAL {
        let place = header.iter().position(|name| name == column).unwrap();
        for (line, row) in (2..).zip(&rows) {
            assert!(!row[place].is_empty(), "{column} of line {line}");
            needles.push((format!("{column} of line {line}"), row[place].to_owned()));
        }
    }
    needles
}

/// Every file there is in a directory, however deep.
fn files(path: &Path, each: &mut impl FnMut(&Path)) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            files(&entry.unwrap().path(), each);
        }
    } else {
        each(path);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
