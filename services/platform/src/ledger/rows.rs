//! What a batch reads and writes beside its aggregates: request ids, counters, statements, events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use motcua_proto::events::v1::Event;
use prost::Message as _;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Decision, Envelope, Request, Target};
use crate::{
    error::Error,
    feed::{Written, dossier_of},
    statement::Statement,
    time::{Instant, to_proto},
    vault::{self, Aad, NewRow, Newcomer, Vault, Wanted},
    work::Work,
};

/// Id, principal, method: as the primary key has them.
pub(super) type RequestKey<'a> = (Uuid, &'a str, &'static str);

pub(super) fn key_of(request: &Request) -> RequestKey<'_> {
    (request.id, &request.principal, request.method)
}

/// The commands of a batch whose requests were accepted before, by their place in it.
pub(super) type KnownRequests = HashMap<usize, Known>;

/// A request that was accepted before, by whichever replica.
pub(super) struct Known {
    pub(super) digest: Vec<u8>,
    pub(super) place: KnownPlace,
    /// As it was given; or why it cannot be given again.
    pub(super) answer: Result<Vec<u8>, Error>,
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

/// Something that was said, about a resource of a dossier, or of none.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) dossier: String,
    pub(super) statement: Statement,
}

/// Whose a dossier is, of which something is kept.
pub(super) struct Owner {
    agency: String,
    new: Option<Newcomer>,
}

impl Owner {
    /// The dossier and its owner, where anything of it is to be sealed.
    pub(super) fn of(decision: &mut Decision, remembered: bool) -> Option<(String, Self)> {
        let new = decision.new_subject.take();
        let kept = remembered || new.is_some() || !decision.statements.is_empty();
        let dossier = &decision.subject.dossier;
        (kept && !dossier.is_empty()).then(|| {
            let agency = decision.subject.agency.clone();
            (dossier.clone(), Self { agency, new })
        })
    }
}

/// An answer is sealed where it is about a dossier; `name` stands in the dossier's place where it is about none.
fn is_sealed(dossier: &str, name: &str) -> bool {
    dossier != name
}

fn answer_row(id: Uuid, principal: &str, method: &str) -> String {
    format!("{id}/{method}/{principal}")
}

fn answer_place(row: &str) -> Aad<'_> {
    Aad {
        table: "request",
        row,
        column: "answer",
    }
}

pub(super) async fn known_requests<C>(
    connection: &mut PgConnection,
    vault: &Vault,
    envelopes: &[Envelope<C>],
) -> Result<KnownRequests, sqlx::Error> {
    let (places, requests): (Vec<_>, Vec<_>) = envelopes
        .iter()
        .zip(0_i32..)
        .filter_map(|(envelope, place)| Some((place, envelope.request.as_ref()?)))
        .unzip();
    if requests.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<_> = requests.iter().map(|request| request.id).collect();
    let principals: Vec<_> = requests
        .iter()
        .map(|request| request.principal.as_str())
        .collect();
    let methods: Vec<_> = requests.iter().map(|request| request.method).collect();
    let rows = sqlx::query(
        "SELECT asked.place, id, digest, dossier, name, answer FROM request \
         JOIN UNNEST($1::integer[], $2::uuid[], $3::text[], $4::text[]) AS asked (place, id, principal, method) \
         USING (id, principal, method)",
    )
    .bind(places)
    .bind(ids)
    .bind(principals)
    .bind(methods)
    .fetch_all(connection)
    .await?;
    let mut known = HashMap::new();
    for row in &rows {
        let place: i32 = row.try_get(0)?;
        let place = usize::try_from(place).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let request = Known {
            digest: row.try_get(2)?,
            place: KnownPlace {
                dossier: row.try_get(3)?,
                name: row.try_get(4)?,
                id: row.try_get(1)?,
            },
            answer: Ok(row.try_get(5)?),
        };
        known.insert(place, request);
    }
    open_answers(vault, envelopes, &mut known).await?;
    Ok(known)
}

/// A repeated request is rare: nothing is asked for where there is none.
async fn open_answers<C>(
    vault: &Vault,
    envelopes: &[Envelope<C>],
    known: &mut KnownRequests,
) -> Result<(), vault::Error> {
    let dossiers: BTreeSet<_> = known
        .values()
        .map(|known| known.place.clone())
        .filter(|place| is_sealed(&place.dossier, &place.name))
        .map(|place| place.dossier)
        .collect();
    if dossiers.is_empty() {
        return Ok(());
    }
    let dossiers: Vec<_> = dossiers.iter().map(String::as_str).collect();
    let keyring = vault.keys(&dossiers).await?;
    for (place, known) in known {
        let KnownPlace { dossier, name, .. } = &known.place;
        let request = envelopes
            .get(*place)
            .and_then(|envelope| envelope.request.as_ref());
        if let (Some(request), Ok(answer)) = (request, &known.answer)
            && is_sealed(dossier, name)
        {
            let row = answer_row(request.id, &request.principal, request.method);
            known.answer = keyring
                .open(dossier, &answer_place(&row), answer)
                .map(|answer| answer.to_vec())
                .map_err(|error| error.about(name));
        }
    }
    Ok(())
}

pub(super) async fn lock_counters<C>(
    connection: &mut PgConnection,
    envelopes: &[Envelope<C>],
    known: &KnownRequests,
) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let names: BTreeSet<_> = envelopes
        .iter()
        .enumerate()
        .filter(|(place, _)| !known.contains_key(place))
        .filter_map(|(_, envelope)| match &envelope.target {
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

/// Epoch and position of the last event of each request that was accepted before.
pub(super) type KnownPositions = HashMap<KnownPlace, (i64, i64)>;

pub(super) async fn positions_of(
    connection: &mut PgConnection,
    known: &KnownRequests,
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

/// What a batch leaves behind beside its aggregates.
pub(super) struct Rest<'a> {
    /// By name.
    pub(super) counters: BTreeMap<String, i64>,
    pub(super) statements: Vec<Said>,
    /// By dossier.
    pub(super) owners: BTreeMap<String, Owner>,
    /// By dossier.
    pub(super) corrected: BTreeMap<String, Newcomer>,
    /// Sorted, so that two replicas meet at the same key in the same order.
    pub(super) requests: BTreeMap<RequestKey<'a>, NewRequest>,
    /// In order.
    pub(super) events: Vec<NewEvent>,
    /// The earliest of the aggregates.
    pub(super) timer: Option<Timestamp>,
}

/// The head is taken last: only when everything before it is counted is its row looked at.
const WRITE: &str = "\
WITH numbered AS ( \
    UPDATE counter SET value = new.value FROM UNNEST($1::text[], $2::bigint[]) AS new (name, value) \
    WHERE counter.name = new.name RETURNING 1), \
said AS ( \
    INSERT INTO statement (name, kind, revision, body, ground, recorded_at) \
    SELECT new.*, $21 FROM UNNEST($3::text[], $4::smallint[], $5::integer[], $6::bytea[], $7::bytea[]) AS new \
    RETURNING 1), \
persons AS ( \
    INSERT INTO person_key (person, identity, agency, period, generation, wrapped) \
    SELECT * FROM UNNEST($22::uuid[], $23::bytea[], $24::text[], $25::text[], $26::integer[], $27::bytea[]) \
    RETURNING 1), \
owned AS ( \
    INSERT INTO subject (dossier, person, tokens) \
    SELECT new.dossier, new.person, new.tokens::bigint[] \
    FROM UNNEST($28::text[], $29::uuid[], $30::text[]) AS new (dossier, person, tokens) RETURNING 1), \
accepted AS ( \
    INSERT INTO request (id, principal, method, digest, dossier, name, answer, recorded_at) \
    SELECT new.*, $21 \
    FROM UNNEST($8::uuid[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::text[], $14::bytea[]) AS new \
    RETURNING 1), \
head AS ( \
    UPDATE feed_head SET position = position + cardinality($15::smallint[]), \
                         recorded_at = greatest(recorded_at, $21) \
    WHERE cardinality($15) > 0 \
          AND (SELECT count(*) FROM numbered) + (SELECT count(*) FROM said) + (SELECT count(*) FROM accepted) \
              + (SELECT count(*) FROM persons) + (SELECT count(*) FROM owned) >= 0 \
    RETURNING position - cardinality($15) AS before, epoch, recorded_at), \
happened AS ( \
    INSERT INTO event (position, kind, dossier, name, agency, request_id, recorded_at, body) \
    SELECT head.before + new.place, new.kind, new.dossier, new.name, new.agency, new.request_id, \
           head.recorded_at, new.body \
    FROM head, UNNEST($15, $16::text[], $17::text[], $18::text[], $19::uuid[], $20::bytea[]) \
         WITH ORDINALITY AS new (kind, dossier, name, agency, request_id, body, place)) \
SELECT before, epoch, recorded_at FROM head";

/// Writes all of it in one statement, and numbers the events under the head's lock. Answers with them as they stand in
/// the history; none where nothing happened.
pub(super) async fn write(
    work: &mut Work<'_>,
    vault: &Vault,
    rest: Rest<'_>,
    now: Timestamp,
) -> Result<Option<Written>, sqlx::Error> {
    let Rest {
        timer,
        counters,
        statements,
        owners,
        corrected,
        requests,
        events,
    } = rest;
    if events.is_empty() && requests.is_empty() {
        return Ok(None);
    }
    let wanted: Vec<_> = owners
        .iter()
        .map(|(dossier, owner)| Wanted {
            dossier,
            agency: &owner.agency,
            new: owner.new.as_ref(),
        })
        .collect();
    let keyring = vault.subjects(work, &wanted).await?;
    for (dossier, newcomer) in &corrected {
        vault.correct(work, dossier, newcomer).await?;
    }
    let (bodies, grounds): (Vec<_>, Vec<_>) = statements
        .iter()
        .map(|said| said.statement.sealed(&keyring, &said.dossier, &said.name))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .unzip();
    let answers = requests
        .iter()
        .map(|((id, principal, method), new)| {
            if !is_sealed(&new.dossier, &new.name) {
                return Ok(new.answer.clone());
            }
            let row = answer_row(*id, principal, method);
            keyring.seal(&new.dossier, &answer_place(&row), &new.answer)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (persons, subjects) = (keyring.persons(), keyring.rows());
    let head: Option<(i64, i64, Instant)> = sqlx::query_as(WRITE)
        .bind(counters.keys().collect::<Vec<_>>())
        .bind(counters.values().collect::<Vec<_>>())
        .bind(statements.iter().map(|said| &said.name).collect::<Vec<_>>())
        .bind(
            statements
                .iter()
                .map(|said| i16::try_from(said.statement.kind).unwrap_or(i16::MAX))
                .collect::<Vec<_>>(),
        )
        .bind(
            statements
                .iter()
                .map(|said| said.statement.revision)
                .collect::<Vec<_>>(),
        )
        .bind(bodies)
        .bind(grounds)
        .bind(requests.keys().map(|key| key.0).collect::<Vec<_>>())
        .bind(requests.keys().map(|key| key.1).collect::<Vec<_>>())
        .bind(requests.keys().map(|key| key.2).collect::<Vec<_>>())
        .bind(
            requests
                .values()
                .map(|new| vault.digest(&new.digest).to_vec())
                .collect::<Vec<_>>(),
        )
        .bind(
            requests
                .values()
                .map(|new| &new.dossier)
                .collect::<Vec<_>>(),
        )
        .bind(requests.values().map(|new| &new.name).collect::<Vec<_>>())
        .bind(answers)
        .bind(
            events
                .iter()
                .map(|new| i16::try_from(new.event.kind).unwrap_or_default())
                .collect::<Vec<_>>(),
        )
        .bind(
            events
                .iter()
                .map(|new| dossier_of(&new.event.dossier, &new.event.name))
                .collect::<Vec<_>>(),
        )
        .bind(events.iter().map(|new| &new.event.name).collect::<Vec<_>>())
        .bind(
            events
                .iter()
                .map(|new| &new.event.agency)
                .collect::<Vec<_>>(),
        )
        .bind(events.iter().map(|new| new.request_id).collect::<Vec<_>>())
        .bind(
            events
                .iter()
                .map(|new| new.event.encode_to_vec())
                .collect::<Vec<_>>(),
        )
        .bind(Instant(now))
        .bind(persons.iter().map(|new| new.person).collect::<Vec<_>>())
        .bind(
            persons
                .iter()
                .map(|new| new.identity.as_deref())
                .collect::<Vec<_>>(),
        )
        .bind(persons.iter().map(|new| &new.agency).collect::<Vec<_>>())
        .bind(persons.iter().map(|new| &new.period).collect::<Vec<_>>())
        .bind(persons.iter().map(|new| new.generation).collect::<Vec<_>>())
        .bind(
            persons
                .iter()
                .map(|new| &new.wrapped[..])
                .collect::<Vec<_>>(),
        )
        .bind(subjects.iter().map(|new| &new.dossier).collect::<Vec<_>>())
        .bind(subjects.iter().map(|new| new.person).collect::<Vec<_>>())
        .bind(
            subjects
                .iter()
                .map(NewRow::tokens_literal)
                .collect::<Vec<_>>(),
        )
        .fetch_optional(&mut **work)
        .await?;
    work.has_learned(vault, keyring);
    Ok(head.map(|(before, epoch, recorded_at)| Written {
        epoch,
        events: events
            .into_iter()
            .zip(before + 1..)
            .map(|(new, position)| Event {
                position,
                recorded_at: Some(to_proto(recorded_at.0)),
                ..new.event
            })
            .collect(),
        timer,
    }))
}
