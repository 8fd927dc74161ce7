//! What the databases of a summer hold, asked of PostgreSQL: rows, events, dumps.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use futures::TryStreamExt as _;
use motcua_platform::postgres::Server;
use motcua_proto::events::v1::Event;
use prost::Message as _;
use sqlx::{Connection as _, PgConnection};

use super::whole::DOSSIER;
use crate::support::{Place, Search, rows};

/// Looked through at a time. Bytes.
const PIECE: usize = 1 << 20;

/// Every database of the server, as rows, as events and, where the program is there, as a dump.
pub(super) async fn look(server: &Server, search: &Search) -> Vec<Place> {
    let mut connection = connect(server, "postgres").await;
    let databases: Vec<String> =
        sqlx::query_scalar("SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let ours = databases
        .iter()
        .filter(|name| name.starts_with("motcua_"))
        .count();
    assert_eq!(ours, 4, "{databases:?}");
    let mut places = Vec::new();
    for database in &databases {
        let is_ours = database.starts_with("motcua_");
        let proof = if is_ours { DOSSIER } else { "" };
        let mut connection = connect(server, database).await;
        places.push(of_rows(&mut connection, database, proof, search).await);
        // Statistics only listens: it has no history to tell.
        if is_ours && database != "motcua_statistics" {
            places.push(of_events(&mut connection, database, search).await);
        }
        match dump(server) {
            Some(program) => {
                let mut place = Place::new(format!("a dump of {database}"), proof);
                let mut dumping = Command::new(program)
                    .arg("--dbname")
                    .arg(server.url(database))
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                search.look(dumping.stdout.take().unwrap(), &mut place);
                assert!(dumping.wait().unwrap().success(), "{database}");
                places.push(place);
            }
            None => eprintln!("no pg_dump beside the server: no dump of {database}"),
        }
    }
    places
}

async fn connect(server: &Server, database: &str) -> PgConnection {
    PgConnection::connect(&server.url(database)).await.unwrap()
}

async fn of_rows(
    connection: &mut PgConnection,
    database: &str,
    proof: &'static str,
    search: &Search,
) -> Place {
    let mut place = Place::new(format!("rows of {database}"), proof);
    let mut piece = String::new();
    rows(connection, |row| {
        piece.push_str(row);
        piece.push('\n');
        if piece.len() > PIECE {
            search.look(piece.as_bytes(), &mut place);
            piece.clear();
        }
    })
    .await;
    search.look(piece.as_bytes(), &mut place);
    place
}

/// As they are written, and as they are printed.
async fn of_events(connection: &mut PgConnection, database: &str, search: &Search) -> Place {
    let mut place = Place::new(format!("events of {database}"), DOSSIER);
    let mut bodies = sqlx::query_scalar::<_, Vec<u8>>("SELECT body FROM event ORDER BY position")
        .fetch(connection);
    while let Some(body) = bodies.try_next().await.unwrap() {
        let event = Event::decode(body.as_slice()).unwrap();
        search.look(body.as_slice(), &mut place);
        search.look(format!("{event:?}").as_bytes(), &mut place);
    }
    place
}

/// PostgreSQL's own program, of the server's version: it stands beside the server's.
fn dump(server: &Server) -> Option<PathBuf> {
    let program = std::fs::read_link(format!("/proc/{}/exe", server.pid())).ok()?;
    Some(program.with_file_name("pg_dump")).filter(|dump| dump.exists())
}
