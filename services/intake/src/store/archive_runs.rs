//! Runs of the archive, and the dossiers that leave the lists with them.

use jiff::Timestamp;
use motcua_platform::{
    archive::Reading,
    error::Error,
    feed::decode,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row, asked_place},
    scope::tenants,
    time::Instant,
};
use motcua_proto::{
    events::v1::Event,
    intake::v1::{ArchiveRun as ProtoArchiveRun, ArchiveRunState},
};
use sqlx::{PgConnection, types::Json};

use crate::domain::{
    archive_run::{ArchiveRun, Command, Sha256, decide, of_history},
    dossier::Dossier,
};

/// Runs of the archive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ArchiveRuns;

impl Aggregate for ArchiveRuns {
    type State = ArchiveRun;
    type Command = Command;
    type Answer = ProtoArchiveRun;

    const COLLECTION: &'static str = "archives";

    fn decide(
        &self,
        place: Permitted<'_, ArchiveRun>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        decide(place.state(), command, context)
    }

    fn apply(state: Option<ArchiveRun>, event: &Event) -> Option<ArchiveRun> {
        ArchiveRun::apply(state, event)
    }

    fn tenants(run: &ArchiveRun) -> Vec<String> {
        tenants([run.agency.as_str()], "")
    }

    fn version(run: &ArchiveRun) -> i64 {
        run.version
    }

    fn answer(key: &str, run: &ArchiveRun) -> ProtoArchiveRun {
        run.to_proto(key)
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, ArchiveRun)>, sqlx::Error> {
        let rows: Vec<(i64, Json<ArchiveRun>)> = sqlx::query_as(
            "SELECT asked.place, state \
             FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS asked (key, reach, place) \
             JOIN archive_run USING (key) WHERE reaches(asked.reach, tenants) ORDER BY key FOR UPDATE OF archive_run",
        )
        .bind(&asked.keys)
        .bind(&asked.reaches)
        .fetch_all(connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(place, Json(state))| (asked_place(place), state))
            .collect())
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, ArchiveRun>],
    ) -> Result<(), sqlx::Error> {
        for row in rows {
            let state = serde_json::to_string(row.state)
                .map_err(|error| sqlx::Error::Encode(error.into()))?;
            if row.new {
                sqlx::query(
                    "INSERT INTO archive_run (key, agency, tenants, state) VALUES ($1, $2, ARRAY[$2], $3::json)",
                )
                .bind(row.key)
                .bind(&row.state.agency)
                .bind(state)
                .execute(&mut *connection)
                .await?;
            } else {
                sqlx::query("UPDATE archive_run SET state = $2::json WHERE key = $1")
                    .bind(row.key)
                    .bind(state)
                    .execute(&mut *connection)
                    .await?;
            }
            move_dossiers(connection, row).await?;
        }
        Ok(())
    }

    fn constraint(name: &str) -> Option<Error> {
        (name == "archived_once").then(|| Error::Exists {
            name: "an archive run with one of these dossiers".to_owned(),
        })
    }
}

/// Into the archive where the run is new, and back where it was undone.
async fn move_dossiers(
    connection: &mut PgConnection,
    row: &Row<'_, ArchiveRun>,
) -> Result<(), sqlx::Error> {
    let codes: Vec<_> = row
        .state
        .entries
        .iter()
        .map(|entry| entry.code.as_str())
        .collect();
    let moving = match row.state.state {
        ArchiveRunState::Open => {
            "WITH kept AS (INSERT INTO archived (dossier, run) SELECT code, $2 FROM UNNEST($1::text[]) AS code) \
             UPDATE dossier SET archived = true WHERE code = ANY($1)"
        }
        ArchiveRunState::Undone => {
            "WITH kept AS (DELETE FROM archived WHERE dossier = ANY($1) AND run = $2) \
             UPDATE dossier SET archived = false WHERE code = ANY($1)"
        }
        ArchiveRunState::Sealed | ArchiveRunState::Unspecified => return Ok(()),
    };
    sqlx::query(moving)
        .bind(&codes)
        .bind(row.key)
        .execute(connection)
        .await?;
    Ok(())
}

/// A run.
///
/// # Errors
/// Those of the database.
pub(crate) async fn archive_run(
    reading: &mut Reading,
    key: &str,
) -> Result<Option<ArchiveRun>, sqlx::Error> {
    let reach = reading.scope().reach();
    let state: Option<Json<ArchiveRun>> =
        sqlx::query_scalar("SELECT state FROM archive_run WHERE key = $1 AND reaches($2, tenants)")
            .bind(key)
            .bind(reach)
            .fetch_optional(&mut **reading)
            .await?;
    Ok(state
        .map(|Json(state)| state)
        .filter(|run| reading.shows(&ArchiveRuns::tenants(run))))
}

/// Runs by key, after this one.
///
/// # Errors
/// Those of the database.
pub(crate) async fn archive_runs(
    reading: &mut Reading,
    agency: &str,
    after: &str,
    rows: i64,
) -> Result<Vec<(String, ArchiveRun)>, sqlx::Error> {
    let reach = reading.scope().reach();
    let runs: Vec<(String, Json<ArchiveRun>)> = sqlx::query_as(
        "SELECT key, state FROM archive_run \
         WHERE key > $1 AND ($2 = '' OR agency = $2) AND reaches($3, tenants) ORDER BY key LIMIT $4",
    )
    .bind(after)
    .bind(agency)
    .bind(reach)
    .bind(rows)
    .fetch_all(&mut **reading)
    .await?;
    Ok(runs
        .into_iter()
        .map(|(key, Json(run))| (key, run))
        .filter(|(_, run)| reading.shows(&ArchiveRuns::tenants(run)))
        .collect())
}

/// Dossiers that the agency received and that have ended, are not in the archive and look at no clock, after this one, in the order
/// of submission.
///
/// # Errors
/// Those of the database.
pub(crate) async fn ended(
    reading: &mut Reading,
    agency: &str,
    after: Option<&(Timestamp, String)>,
    rows: i64,
) -> Result<Vec<(String, Dossier)>, sqlx::Error> {
    let reach = reading.scope().reach();
    let dossiers: Vec<(String, Json<Dossier>)> = sqlx::query_as(
        "SELECT code, state FROM dossier \
         WHERE receiving_agency = $1 AND NOT archived AND status IN (3, 7, 8, 10) AND timer_at IS NULL \
               AND (submitted_at, code) > (coalesce($2, '-infinity'), $3) AND reaches($4, tenants) \
         ORDER BY submitted_at, code LIMIT $5",
    )
    .bind(agency)
    .bind(after.map(|(at, _)| Instant(*at)))
    .bind(after.map_or("", |(_, code)| code))
    .bind(reach)
    .bind(rows)
    .fetch_all(&mut **reading)
    .await?;
    Ok(dossiers
        .into_iter()
        .map(|(code, Json(dossier))| (code, dossier))
        .filter(|(_, dossier)| reading.shows(&dossier.tenants()))
        .collect())
}

/// The digest of each dossier's history, in this order.
///
/// # Errors
/// Those of the database.
pub(crate) async fn digests(
    reading: &mut Reading,
    codes: &[&str],
) -> Result<Vec<Sha256>, sqlx::Error> {
    let mut digests = Vec::with_capacity(codes.len());
    for code in codes {
        let rows: Vec<(i64, Instant, Vec<u8>)> = sqlx::query_as(
            "SELECT position, recorded_at, body FROM event WHERE dossier = $1 ORDER BY position",
        )
        .bind(code)
        .fetch_all(&mut **reading)
        .await?;
        let events: Vec<_> = rows
            .into_iter()
            .map(|(position, recorded_at, body)| decode(position, recorded_at.0, &body))
            .collect::<Result<_, _>>()?;
        digests.push(of_history(&events));
    }
    Ok(digests)
}
