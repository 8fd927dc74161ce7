//! Dossiers set aside: the rows behind them.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use motcua_proto::events::v1::ParkedDossier;
use prost::Message as _;
use sqlx::PgConnection;

use super::Received;
use crate::{
    feed,
    time::{Instant, from_proto_opt, to_proto},
};

pub(super) async fn count(connection: &mut PgConnection, source: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM parked WHERE source = $1")
        .bind(source)
        .fetch_one(connection)
        .await
}

/// Those of the events' dossiers that are set aside.
pub(super) async fn parked_among(
    connection: &mut PgConnection,
    source: &str,
    events: &[Received],
) -> Result<HashSet<String>, sqlx::Error> {
    let dossiers: Vec<_> = events.iter().map(Received::dossier).collect();
    let parked: Vec<String> =
        sqlx::query_scalar("SELECT dossier FROM parked WHERE source = $1 AND dossier = ANY($2)")
            .bind(source)
            .bind(dossiers)
            .fetch_all(connection)
            .await?;
    Ok(parked.into_iter().collect())
}

/// Sets a dossier aside; one that already is keeps its first reason.
pub(super) async fn park(
    connection: &mut PgConnection,
    source: &str,
    dossier: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO parked (source, dossier, reason, parked_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(source)
    .bind(dossier)
    .bind(reason)
    .bind(Instant(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Queues an event behind those of its dossier.
pub(super) async fn queue(
    connection: &mut PgConnection,
    source: &str,
    received: &Received,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO parked_event (source, dossier, position, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (source, dossier, position) DO UPDATE SET body = excluded.body",
    )
    .bind(source)
    .bind(received.dossier())
    .bind(received.event.position)
    .bind(received.event.encode_to_vec())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a dossier's events out of the queue, in order; `None` if it is not set aside.
pub(super) async fn take(
    connection: &mut PgConnection,
    source: &str,
    dossier: &str,
) -> Result<Option<Vec<motcua_proto::events::v1::Event>>, sqlx::Error> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "WITH taken AS (DELETE FROM parked_event WHERE source = $1 AND dossier = $2 RETURNING position, body) \
         SELECT position, body FROM taken ORDER BY position",
    )
    .bind(source)
    .bind(dossier)
    .fetch_all(&mut *connection)
    .await?;
    let parked = sqlx::query("DELETE FROM parked WHERE source = $1 AND dossier = $2")
        .bind(source)
        .bind(dossier)
        .execute(connection)
        .await?;
    if parked.rows_affected() == 0 {
        return Ok(None);
    }
    rows.into_iter()
        .map(|(position, body)| {
            let event = motcua_proto::events::v1::Event::decode(&body[..])
                .map_err(|error| sqlx::Error::Decode(error.into()))?;
            let recorded_at = from_proto_opt(event.recorded_at.as_ref()).unwrap_or_default();
            feed::decode(position, recorded_at, &body)
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Everything set aside, by source, longest first.
pub(super) async fn list(
    connection: &mut PgConnection,
) -> Result<HashMap<String, Vec<ParkedDossier>>, sqlx::Error> {
    let rows: Vec<(String, String, String, Instant, Option<i64>, i64)> = sqlx::query_as(
        "SELECT source, parked.dossier, reason, parked_at, min(position), count(position) \
         FROM parked LEFT JOIN parked_event USING (source, dossier) \
         GROUP BY source, parked.dossier, reason, parked_at ORDER BY parked_at, parked.dossier LIMIT 1000",
    )
    .fetch_all(connection)
    .await?;
    let mut by_source: HashMap<String, Vec<ParkedDossier>> = HashMap::new();
    for (source, dossier, reason, parked_at, position, events) in rows {
        by_source.entry(source).or_default().push(ParkedDossier {
            dossier,
            position: position.unwrap_or_default(),
            events,
            parked_at: Some(to_proto(parked_at.0)),
            reason,
        });
    }
    Ok(by_source)
}
