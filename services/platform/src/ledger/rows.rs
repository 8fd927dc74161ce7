//! What a batch reads and writes beside its aggregates: request ids, counters, statements, events, the head.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use motcua_proto::events::v1::Event;
use prost::Message as _;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Envelope, Request, Target};
use crate::{statement::Statement, time::Instant};

/// Principal, method, id.
pub(super) type RequestKey = (String, String, Uuid);

pub(super) fn key_of(request: &Request) -> RequestKey {
    (
        request.principal.clone(),
        request.method.to_owned(),
        request.id,
    )
}

/// A request that was accepted before, by whichever replica.
pub(super) struct Known {
    pub(super) digest: Vec<u8>,
    pub(super) place: KnownPlace,
    pub(super) answer: Vec<u8>,
}

/// Where the events of a request that was accepted before lie: their dossier, their resource and its request id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct KnownPlace {
    pub(super) dossier: String,
    pub(super) name: String,
    pub(super) id: Uuid,
}

pub(super) struct NewEvent {
    pub(super) event: Event,
    pub(super) request_id: Option<Uuid>,
}

pub(super) struct NewRequest {
    pub(super) digest: [u8; 32],
    pub(super) dossier: String,
    pub(super) name: String,
    pub(super) answer: Vec<u8>,
    /// Index of the command in the batch.
    pub(super) outcome: usize,
}

/// What orders events: the dossier, or the resource's name where there is none.
pub(super) fn dossier_of(dossier: &str, name: &str) -> String {
    if dossier.is_empty() { name } else { dossier }.to_owned()
}

pub(super) async fn known_requests<C>(
    connection: &mut PgConnection,
    envelopes: &[Envelope<C>],
) -> Result<HashMap<RequestKey, Known>, sqlx::Error> {
    let requests: Vec<_> = envelopes
        .iter()
        .filter_map(|envelope| envelope.request.as_ref())
        .collect();
    if requests.is_empty() {
        return Ok(HashMap::new());
    }
    let principals: Vec<_> = requests
        .iter()
        .map(|request| request.principal.as_str())
        .collect();
    let methods: Vec<_> = requests.iter().map(|request| request.method).collect();
    let ids: Vec<_> = requests.iter().map(|request| request.id).collect();
    let rows = sqlx::query(
        "SELECT principal, method, id, digest, dossier, name, answer FROM request \
         JOIN (SELECT DISTINCT * FROM UNNEST($1::text[], $2::text[], $3::uuid[]) AS asked (principal, method, id)) \
         AS asked USING (principal, method, id)",
    )
    .bind(principals)
    .bind(methods)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = row.try_get(2)?;
            let place = KnownPlace {
                dossier: row.try_get(4)?,
                name: row.try_get(5)?,
                id,
            };
            Ok((
                (row.try_get(0)?, row.try_get(1)?, id),
                Known {
                    digest: row.try_get(3)?,
                    place,
                    answer: row.try_get(6)?,
                },
            ))
        })
        .collect()
}

pub(super) fn is_known<C>(envelope: &Envelope<C>, known: &HashMap<RequestKey, Known>) -> bool {
    !known.is_empty()
        && envelope
            .request
            .as_ref()
            .is_some_and(|request| known.contains_key(&key_of(request)))
}

pub(super) async fn lock_counters<C>(
    connection: &mut PgConnection,
    envelopes: &[Envelope<C>],
    known: &HashMap<RequestKey, Known>,
) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let names: BTreeSet<_> = envelopes
        .iter()
        .filter(|envelope| !is_known(envelope, known))
        .filter_map(|envelope| match &envelope.target {
            Target::Numbered(prefix) => Some(prefix.as_str()),
            Target::Key(_) => None,
        })
        .collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<_> = names.into_iter().collect();
    let locked = |rows: Vec<(String, i64)>| rows.into_iter().collect::<BTreeMap<_, _>>();
    const LOCK: &str =
        "SELECT name, value FROM counter WHERE name = ANY($1) ORDER BY name FOR UPDATE";
    let counters = locked(
        sqlx::query_as(LOCK)
            .bind(&names)
            .fetch_all(&mut *connection)
            .await?,
    );
    if counters.len() == names.len() {
        return Ok(counters);
    }
    // Once a day for each agency. Two replicas may make it at once; both then wait for its lock.
    sqlx::query("INSERT INTO counter (name, value) SELECT n, 0 FROM UNNEST($1::text[]) AS n ORDER BY n ON CONFLICT DO NOTHING")
        .bind(&names)
        .execute(&mut *connection)
        .await?;
    Ok(locked(
        sqlx::query_as(LOCK)
            .bind(&names)
            .fetch_all(connection)
            .await?,
    ))
}

pub(super) async fn save_counters(
    connection: &mut PgConnection,
    counters: &BTreeMap<String, i64>,
) -> Result<(), sqlx::Error> {
    if counters.is_empty() {
        return Ok(());
    }
    let (names, values): (Vec<_>, Vec<_>) = counters
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .unzip();
    sqlx::query(
        "UPDATE counter SET value = new.value FROM UNNEST($1::text[], $2::bigint[]) AS new (name, value) \
         WHERE counter.name = new.name",
    )
    .bind(names)
    .bind(values)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn save_statements(
    connection: &mut PgConnection,
    statements: &[(String, Statement)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if statements.is_empty() {
        return Ok(());
    }
    let column =
        |pick: fn(&Statement) -> &str| statements.iter().map(|(_, s)| pick(s)).collect::<Vec<_>>();
    let names: Vec<_> = statements.iter().map(|(name, _)| name.as_str()).collect();
    let kinds: Vec<_> = statements
        .iter()
        .map(|(_, s)| i16::try_from(s.kind).unwrap_or(i16::MAX))
        .collect();
    let revisions: Vec<_> = statements.iter().map(|(_, s)| s.revision).collect();
    sqlx::query(
        "INSERT INTO statement (name, kind, revision, body, ground, recorded_at) \
         SELECT said.*, $6 FROM UNNEST($1::text[], $2::smallint[], $3::integer[], $4::text[], $5::text[]) AS said",
    )
    .bind(names)
    .bind(kinds)
    .bind(revisions)
    .bind(column(|s| &s.body))
    .bind(column(|s| &s.ground))
    .bind(Instant(now))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn save_requests(
    connection: &mut PgConnection,
    requests: &BTreeMap<RequestKey, NewRequest>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if requests.is_empty() {
        return Ok(());
    }
    let principals: Vec<_> = requests
        .keys()
        .map(|(principal, _, _)| principal.as_str())
        .collect();
    let methods: Vec<_> = requests
        .keys()
        .map(|(_, method, _)| method.as_str())
        .collect();
    let ids: Vec<_> = requests.keys().map(|(_, _, id)| *id).collect();
    let digests: Vec<_> = requests
        .values()
        .map(|request| &request.digest[..])
        .collect();
    let dossiers: Vec<_> = requests
        .values()
        .map(|request| request.dossier.as_str())
        .collect();
    let names: Vec<_> = requests
        .values()
        .map(|request| request.name.as_str())
        .collect();
    let answers: Vec<_> = requests
        .values()
        .map(|request| &request.answer[..])
        .collect();
    sqlx::query(
        "INSERT INTO request (principal, method, id, digest, dossier, name, answer, recorded_at) \
         SELECT new.*, $8 FROM UNNEST($1::text[], $2::text[], $3::uuid[], $4::bytea[], $5::text[], $6::text[], \
         $7::bytea[]) AS new",
    )
    .bind(principals)
    .bind(methods)
    .bind(ids)
    .bind(digests)
    .bind(dossiers)
    .bind(names)
    .bind(answers)
    .bind(Instant(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Epoch and position of the last event of each request that was accepted before.
pub(super) type KnownPositions = HashMap<KnownPlace, (i64, i64)>;

pub(super) async fn positions_of(
    connection: &mut PgConnection,
    known: &HashMap<RequestKey, Known>,
) -> Result<KnownPositions, sqlx::Error> {
    let places = || known.values().map(|known| &known.place);
    let rows: Vec<(String, String, Uuid, i64, i64)> = sqlx::query_as(
        "SELECT event.dossier, event.name, event.request_id, head.epoch, max(event.position) \
         FROM UNNEST($1::text[], $2::text[], $3::uuid[]) AS asked (dossier, name, id) \
         JOIN event ON event.dossier = asked.dossier AND event.name = asked.name AND event.request_id = asked.id \
         CROSS JOIN (SELECT epoch FROM feed_head) AS head \
         GROUP BY event.dossier, event.name, event.request_id, head.epoch",
    )
    .bind(places().map(|place| place.dossier.as_str()).collect::<Vec<_>>())
    .bind(places().map(|place| place.name.as_str()).collect::<Vec<_>>())
    .bind(places().map(|place| place.id).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(dossier, name, id, epoch, position)| {
            (KnownPlace { dossier, name, id }, (epoch, position))
        })
        .collect())
}

/// Where the history stood before the batch.
pub(super) struct Head {
    pub(super) before: i64,
    pub(super) epoch: i64,
}

/// Numbers and writes the events, under the head's lock, and tells whoever listens.
pub(super) async fn append(
    connection: &mut PgConnection,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<Option<Head>, sqlx::Error> {
    if events.is_empty() {
        return Ok(None);
    }
    let kinds: Vec<_> = events
        .iter()
        .map(|new| i16::try_from(new.event.kind).unwrap_or_default())
        .collect();
    let dossiers: Vec<_> = events
        .iter()
        .map(|new| dossier_of(&new.event.dossier, &new.event.name))
        .collect();
    let names: Vec<_> = events.iter().map(|new| new.event.name.as_str()).collect();
    let agencies: Vec<_> = events.iter().map(|new| new.event.agency.as_str()).collect();
    let request_ids: Vec<_> = events.iter().map(|new| new.request_id).collect();
    let bodies: Vec<_> = events.iter().map(|new| new.event.encode_to_vec()).collect();
    let (before, epoch): (i64, i64) = sqlx::query_as(
        "WITH head AS ( \
             UPDATE feed_head SET position = position + cardinality($1::smallint[]), \
                                  recorded_at = greatest(recorded_at, $7) \
             RETURNING position - cardinality($1::smallint[]) AS before, position, epoch, recorded_at), \
         written AS ( \
             INSERT INTO event (position, kind, dossier, name, agency, request_id, recorded_at, body) \
             SELECT head.before + new.place, new.kind, new.dossier, new.name, new.agency, new.request_id, \
                    head.recorded_at, new.body \
             FROM head, UNNEST($1::smallint[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bytea[]) \
                  WITH ORDINALITY AS new (kind, dossier, name, agency, request_id, body, place)), \
         told AS (SELECT pg_notify('motcua_feed', head.epoch || '/' || head.position) FROM head) \
         SELECT head.before, head.epoch FROM head, told",
    )
    .bind(kinds)
    .bind(dossiers)
    .bind(names)
    .bind(agencies)
    .bind(request_ids)
    .bind(bodies)
    .bind(Instant(now))
    .fetch_one(connection)
    .await?;
    Ok(Some(Head { before, epoch }))
}
