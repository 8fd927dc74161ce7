//! Messages: the aggregate's rows, and what is asked of them.

use jiff::Timestamp;
use motcua_platform::{
    archive::Reading,
    error::Error,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row, asked_place},
    scope,
    time::Instant,
};
use motcua_proto::{events::v1::Event, notification::v1::Message as ProtoMessage};
use sqlx::{PgConnection, types::Json};

use crate::domain::message::{self, Command, Message};

/// Messages that are due at `$1` and not yet sent or given up; those in sending are among them until they are recorded.
pub(crate) const PENDING: &str = "SELECT count(*) FROM message WHERE next_at <= $1";

/// Messages, sent by the channel of this name.
#[derive(Debug)]
pub(crate) struct Messages {
    pub(crate) channel: &'static str,
}

impl Aggregate for Messages {
    type State = Message;
    type Command = Command;
    type Answer = ProtoMessage;

    const COLLECTION: &'static str = "messages";

    fn decide(
        &self,
        place: Permitted<'_, Message>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        message::decide(
            place.state(),
            command,
            self.channel,
            context.key,
            context.now,
        )
    }

    fn tenants(state: &Message) -> Vec<String> {
        scope::tenants([state.agency.as_str()], "")
    }

    fn apply(state: Option<Message>, event: &Event) -> Option<Message> {
        message::apply(state, event)
    }

    fn version(state: &Message) -> i64 {
        state.version
    }

    fn answer(key: &str, state: &Message) -> ProtoMessage {
        shown(key, state)
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, Message)>, sqlx::Error> {
        let rows: Vec<(i64, Json<Message>)> = sqlx::query_as(
            "SELECT asked.place, message.state \
             FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS asked (key, reach, place) \
             JOIN message ON message.id = asked.key \
             WHERE reaches(asked.reach, ARRAY[message.agency]) ORDER BY message.id FOR UPDATE OF message",
        )
        .bind(&asked.keys)
        .bind(&asked.reaches)
        .fetch_all(connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(place, state)| (asked_place(place), state.0))
            .collect())
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Message>],
    ) -> Result<(), sqlx::Error> {
        let (new, changed): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.new);
        if !new.is_empty() {
            let columns = Columns::of(&new)?;
            sqlx::query(
                "INSERT INTO message (id, phase, next_at, state, dossier, queued_at, agency) \
                 SELECT id, phase, next_at, state::json, dossier, queued_at, agency \
                 FROM UNNEST($1::text[], $2::smallint[], $3::timestamptz[], $4::text[], $5::text[], $6::timestamptz[], \
                             $7::text[]) \
                      AS new (id, phase, next_at, state, dossier, queued_at, agency)",
            )
            .bind(columns.ids)
            .bind(columns.phases)
            .bind(columns.next)
            .bind(columns.states)
            .bind(new.iter().map(|row| row.state.dossier.as_str()).collect::<Vec<_>>())
            .bind(new.iter().map(|row| Instant(row.state.queued_at)).collect::<Vec<_>>())
            .bind(new.iter().map(|row| row.state.agency.as_str()).collect::<Vec<_>>())
            .execute(&mut *connection)
            .await?;
        }
        if !changed.is_empty() {
            let columns = Columns::of(&changed)?;
            sqlx::query(
                "UPDATE message SET phase = new.phase, next_at = new.next_at, state = new.state::json \
                 FROM UNNEST($1::text[], $2::smallint[], $3::timestamptz[], $4::text[]) \
                      AS new (id, phase, next_at, state) \
                 WHERE message.id = new.id",
            )
            .bind(columns.ids)
            .bind(columns.phases)
            .bind(columns.next)
            .bind(columns.states)
            .execute(connection)
            .await?;
        }
        Ok(())
    }
}

/// What changes in a row.
struct Columns<'a> {
    ids: Vec<&'a str>,
    phases: Vec<i16>,
    next: Vec<Option<Instant>>,
    states: Vec<String>,
}

impl<'a> Columns<'a> {
    fn of(rows: &[&Row<'a, Message>]) -> Result<Self, sqlx::Error> {
        Ok(Self {
            ids: rows.iter().map(|row| row.key).collect(),
            phases: rows
                .iter()
                .map(|row| i16::try_from(i32::from(row.state.state())).unwrap_or_default())
                .collect(),
            next: rows
                .iter()
                .map(|row| row.state.next_at().map(Instant))
                .collect(),
            states: rows
                .iter()
                .map(|row| {
                    serde_json::to_string(row.state)
                        .map_err(|error| sqlx::Error::Encode(error.into()))
                })
                .collect::<Result<_, _>>()?,
        })
    }
}

fn shown(id: &str, state: &Message) -> ProtoMessage {
    state.to_proto(id, format!("\"{}\"", state.version))
}

/// A message; none where there is none for this reader.
pub(crate) async fn get(
    reading: &mut Reading,
    id: &str,
) -> Result<Option<ProtoMessage>, sqlx::Error> {
    let state: Option<Json<Message>> = sqlx::query_scalar(
        "SELECT state FROM message WHERE id = $1 AND reaches($2, ARRAY[agency])",
    )
    .bind(id)
    .bind(reading.scope().reach())
    .fetch_optional(&mut **reading)
    .await?;
    Ok(state.map(|state| shown(id, &state)))
}

/// Which messages are asked for.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Empty for all.
    pub(crate) dossier: String,
    /// Empty for all.
    pub(crate) phases: Vec<i16>,
    /// The last one of the page before.
    pub(crate) after: Option<(Timestamp, String)>,
    /// At most so many, and one more.
    pub(crate) size: i64,
}

/// Every phase.
const PHASES: [i16; 3] = [1, 2, 3];

/// Messages in the order of queueing.
pub(crate) async fn list(
    reading: &mut Reading,
    mut filter: Filter,
) -> Result<Vec<ProtoMessage>, sqlx::Error> {
    // Several questions, so that each has its index whatever the planner guesses about the others' parameters. The first
    // page begins before all.
    let by_dossier = "SELECT id, state FROM message WHERE dossier = $1 AND ($2::smallint[] = '{}' OR phase = ANY($2)) \
         AND reaches($6, ARRAY[agency]) \
         AND (queued_at, id) > ($3, $4) ORDER BY queued_at, id LIMIT $5 + 1";
    let unfiltered = "SELECT id, state FROM message WHERE $1 = '' AND $2::smallint[] = '{}' \
         AND reaches($6, ARRAY[agency]) \
         AND (queued_at, id) > ($3, $4) ORDER BY queued_at, id LIMIT $5 + 1";
    let by_phase = "SELECT page.id, page.state FROM UNNEST($2::smallint[]) AS wanted (phase), LATERAL ( \
             SELECT id, queued_at, state FROM message WHERE $1 = '' AND phase = wanted.phase \
             AND reaches($6, ARRAY[agency]) \
             AND (queued_at, id) > ($3, $4) ORDER BY queued_at, id LIMIT $5 + 1) AS page \
         ORDER BY page.queued_at, page.id LIMIT $5 + 1";
    let of_scope = "SELECT page.id, page.state \
         FROM UNNEST($7::text[]) AS own (agency), UNNEST($2::smallint[]) AS wanted (phase), LATERAL ( \
             SELECT id, queued_at, state FROM message WHERE $1 = '' AND agency = own.agency AND phase = wanted.phase \
             AND reaches($6, ARRAY[own.agency]) \
             AND (queued_at, id) > ($3, $4) ORDER BY queued_at, id LIMIT $5 + 1) AS page \
         ORDER BY page.queued_at, page.id LIMIT $5 + 1";
    let scope = reading.scope();
    let own = scope.listed().filter(|_| filter.dossier.is_empty());
    let query = match (&own, filter.dossier.is_empty(), filter.phases.is_empty()) {
        (Some(_), ..) => of_scope,
        (None, false, _) => by_dossier,
        (None, true, true) => unfiltered,
        (None, true, false) => by_phase,
    };
    if own.is_some() && filter.phases.is_empty() {
        filter.phases = PHASES.to_vec();
    }
    let (at, id) = filter.after.unwrap_or_default();
    let query = sqlx::query_as(query)
        .bind(filter.dossier)
        .bind(filter.phases)
        .bind(Instant(at))
        .bind(id)
        .bind(filter.size)
        .bind(scope.reach());
    let query = match own {
        Some(own) => query.bind(own),
        None => query,
    };
    let rows: Vec<(String, Json<Message>)> = query.fetch_all(&mut **reading).await?;
    Ok(rows
        .into_iter()
        .map(|(id, state)| shown(&id, &state))
        .collect())
}

/// The messages that are due and not under way, longest due first.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    now: Timestamp,
    under_way: &[String],
    limit: usize,
) -> Result<Vec<(String, Message)>, sqlx::Error> {
    let rows: Vec<(String, Json<Message>)> = sqlx::query_as(
        "SELECT id, state FROM message WHERE next_at <= $1 AND id <> ALL($2) ORDER BY next_at LIMIT $3",
    )
    .bind(Instant(now))
    .bind(under_way)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(id, state)| (id, state.0)).collect())
}

/// When the next message after this instant falls due.
pub(crate) async fn next_due(
    connection: &mut PgConnection,
    after: Timestamp,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let next: Option<Instant> =
        sqlx::query_scalar("SELECT min(next_at) FROM message WHERE next_at > $1")
            .bind(Instant(after))
            .fetch_one(connection)
            .await?;
    Ok(next.map(|at| at.0))
}
