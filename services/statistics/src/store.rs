//! How facts and counters lie in PostgreSQL: the SQL of this service.

mod reading;
mod row;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use motcua_platform::{archive::Reading, position::Position, time::Instant};
use motcua_proto::r#type::v1::Catalog;
use sqlx::{PgConnection, types::Json};

pub(crate) use self::{
    reading::{Filter, at_one_moment, durations, list, settlement},
    row::Row,
};
use crate::domain::{
    contribution::{CounterKey, Counters, Measure},
    fact::Fact,
};

/// A day as a number: days since the beginning of 1970.
pub(crate) const EPOCH: Date = Date::constant(1970, 1, 1);

fn day_of(number: i32) -> Result<Date, sqlx::Error> {
    EPOCH
        .checked_add(jiff::Span::new().try_days(number).map_err(decode)?)
        .map_err(decode)
}

fn number_of(day: Date) -> i32 {
    day.since(EPOCH).map_or(0, |span| span.get_days())
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// The facts of those dossiers that are there already, locked in the order of their codes.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    dossiers: &[&str],
) -> Result<BTreeMap<String, Fact>, sqlx::Error> {
    let rows: Vec<(String, Json<Fact>)> = sqlx::query_as(
        "SELECT dossier, state FROM fact WHERE dossier = ANY($1) ORDER BY dossier FOR UPDATE",
    )
    .bind(dossiers)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(dossier, Json(fact))| (dossier, fact))
        .collect())
}

/// Writes new facts, in the order of their codes. Answers which of them were not there yet, and now are; the others
/// were made meanwhile by the follower of another source, which this waits for, and can be locked.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    facts: &[(&str, &Fact)],
) -> Result<BTreeSet<String>, sqlx::Error> {
    if facts.is_empty() {
        return Ok(BTreeSet::new());
    }
    row::insert(connection, facts).await
}

/// Writes changed facts, which are locked.
pub(crate) async fn update(
    connection: &mut PgConnection,
    facts: &[(&str, &Fact)],
) -> Result<(), sqlx::Error> {
    if facts.is_empty() {
        return Ok(());
    }
    row::update(connection, facts).await
}

/// Adds to the counters, in the order of their keys.
pub(crate) async fn add(
    connection: &mut PgConnection,
    changes: &Counters,
) -> Result<(), sqlx::Error> {
    let changes: Vec<_> = changes.iter().filter(|(_, value)| **value != 0).collect();
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO daily_counter (agency, procedure, day, measure, value) \
         SELECT agency, procedure, date '1970-01-01' + day, measure, value \
         FROM UNNEST($1::text[], $2::text[], $3::integer[], $4::smallint[], $5::bigint[]) \
             AS change (agency, procedure, day, measure, value) \
         ON CONFLICT (agency, procedure, day, measure) DO UPDATE SET value = daily_counter.value + excluded.value",
    )
    .bind(changes.iter().map(|(key, _)| key.agency.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|(key, _)| key.procedure.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|(key, _)| number_of(key.day)).collect::<Vec<_>>())
    .bind(changes.iter().map(|(key, _)| key.measure.number()).collect::<Vec<_>>())
    .bind(changes.iter().map(|(_, value)| **value).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps what a catalog says of its procedures.
pub(crate) async fn keep(
    connection: &mut PgConnection,
    catalog: &Catalog,
) -> Result<(), sqlx::Error> {
    let procedures = &catalog.procedures;
    sqlx::query(
        "INSERT INTO procedure (catalog, code, field, place) \
         SELECT $1, code, field, place FROM UNNEST($2::text[], $3::text[]) WITH ORDINALITY AS new (code, field, place) \
         ON CONFLICT DO NOTHING",
    )
    .bind(&catalog.id)
    .bind(procedures.iter().map(|procedure| procedure.code.as_str()).collect::<Vec<_>>())
    .bind(procedures.iter().map(|procedure| procedure.field.as_str()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// How far each source has been followed.
pub(crate) async fn positions(connection: &mut PgConnection) -> Result<Vec<Position>, sqlx::Error> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT source, epoch, position FROM follower ORDER BY source")
            .fetch_all(connection)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(source, epoch, position)| Position {
            source,
            epoch,
            position,
        })
        .collect())
}

/// Everything that is stored, as it stood at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// How far each source had been followed.
    pub(crate) positions: Vec<Position>,
    /// Every fact, with its row.
    pub(crate) facts: BTreeMap<String, (Row, Fact)>,
    /// Every counter.
    pub(crate) counters: Counters,
    /// Counters whose measure means nothing.
    pub(crate) unknown: Vec<String>,
}

/// Reads everything that there is, for a reading of the whole city that sees one moment.
pub(crate) async fn snapshot(reading: &mut Reading) -> Result<Snapshot, sqlx::Error> {
    let positions = positions(reading).await?;
    let facts = row::all(reading).await?;
    let rows: Vec<(String, String, i32, i16, i64)> = sqlx::query_as(
        "SELECT agency, procedure, day - date '1970-01-01', measure, value FROM daily_counter",
    )
    .fetch_all(&mut **reading)
    .await?;
    let mut counters = Counters::new();
    let mut unknown = Vec::new();
    for (agency, procedure, day, measure, value) in rows {
        let day = day_of(day)?;
        match Measure::of(measure) {
            Some(measure) => {
                counters.insert(
                    CounterKey {
                        agency,
                        procedure,
                        day,
                        measure,
                    },
                    value,
                );
            }
            None => unknown.push(format!("{agency} {day} {measure} {procedure}")),
        }
    }
    Ok(Snapshot {
        positions,
        facts,
        counters,
        unknown,
    })
}

fn instants(at: impl IntoIterator<Item = jiff::Timestamp>) -> Vec<Instant> {
    at.into_iter().map(Instant).collect()
}
