//! Substitutions: rows under the ledger, and those in force for whoever decides.

use jiff::Timestamp;
use motcua_platform::{
    archive::Reading,
    error::Error,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row, asked_place},
    scope::tenants,
    time::Instant,
};
use motcua_proto::{events::v1::Event, workflow::v1 as proto};
use sqlx::{PgConnection, types::Json};

use crate::domain::{Substitution, SubstitutionCommand};

/// Substitutions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Substitutions;

impl Aggregate for Substitutions {
    type State = Substitution;
    type Command = SubstitutionCommand;
    type Answer = proto::Substitution;

    const COLLECTION: &'static str = "substitutions";

    fn decide(
        &self,
        place: Permitted<'_, Substitution>,
        command: &SubstitutionCommand,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        Substitution::decide(place.state(), command, context)
    }

    fn apply(state: Option<Substitution>, event: &Event) -> Option<Substitution> {
        Substitution::apply(state, event)
    }

    fn tenants(substitution: &Substitution) -> Vec<String> {
        tenants([substitution.agency.as_str()], "")
    }

    /// It begins, and it may end once.
    fn version(substitution: &Substitution) -> i64 {
        1 + i64::from(substitution.ended_at.is_some())
    }

    fn answer(key: &str, substitution: &Substitution) -> proto::Substitution {
        substitution.to_proto(key)
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, Substitution)>, sqlx::Error> {
        let rows: Vec<(i64, Json<Substitution>)> = sqlx::query_as(
            "SELECT asked.place, state \
             FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS asked (key, reach, place) \
             JOIN substitution USING (key) WHERE reaches(asked.reach, ARRAY[agency]) ORDER BY key \
             FOR UPDATE OF substitution",
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
        rows: &[Row<'_, Substitution>],
    ) -> Result<(), sqlx::Error> {
        for row in rows {
            let state = row.state;
            // What was ended is over from then on.
            let until = state.ended_at.unwrap_or(state.until);
            sqlx::query(
                "INSERT INTO substitution (key, agency, substitute, until_at, state) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (key) DO UPDATE SET until_at = excluded.until_at, state = excluded.state",
            )
            .bind(row.key)
            .bind(&state.agency)
            .bind(&state.substitute)
            .bind(Instant(until))
            .bind(Json(state))
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

/// What every decision looks at: the substitutions that are not over, and the id of the catalog in force.
pub(super) async fn present(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<(Vec<Substitution>, Option<String>), sqlx::Error> {
    let rows: Vec<(Option<String>, Option<Json<Substitution>>)> = sqlx::query_as(
        "SELECT (SELECT id FROM catalog WHERE starts_at <= $1 ORDER BY starts_at DESC, number DESC LIMIT 1), substitution.state \
         FROM (VALUES (1)) AS always LEFT JOIN substitution ON until_at > $1 ORDER BY until_at, key",
    )
    .bind(Instant(now))
    .fetch_all(connection)
    .await?;
    let catalog = rows.first().and_then(|(catalog, _)| catalog.clone());
    let substitutions = rows.into_iter().filter_map(|(_, state)| Some(state?.0));
    Ok((substitutions.collect(), catalog))
}

/// What somebody stands in by at an instant.
pub(crate) async fn substitutions_of(
    reading: &mut Reading,
    substitute: &str,
    now: Timestamp,
) -> Result<Vec<Substitution>, sqlx::Error> {
    let rows: Vec<Json<Substitution>> = sqlx::query_scalar(
        "SELECT state FROM substitution \
         WHERE substitute = $1 AND until_at > $2 AND reaches($3, ARRAY[agency]) ORDER BY key",
    )
    .bind(substitute)
    .bind(Instant(now))
    .bind(reading.scope().reach())
    .fetch_all(&mut **reading)
    .await?;
    Ok(rows
        .into_iter()
        .map(|Json(substitution)| substitution)
        .filter(|substitution| {
            substitution.is_in_force(now) && reading.shows(&Substitutions::tenants(substitution))
        })
        .collect())
}

/// Substitutions by key, after this one; where an instant is given, those in force at it.
pub(crate) async fn substitutions(
    reading: &mut Reading,
    agency: &str,
    in_force_at: Option<Timestamp>,
    after: &str,
    rows: i64,
) -> Result<Vec<(String, Substitution)>, sqlx::Error> {
    let found: Vec<(String, Json<Substitution>)> = sqlx::query_as(
        "SELECT key, state FROM substitution \
         WHERE key > $1 AND ($2 = '' OR agency = $2) AND reaches($3, ARRAY[agency]) \
           AND ($4::timestamptz IS NULL OR (until_at > $4 AND (state ->> 'from')::timestamptz <= $4)) \
         ORDER BY key LIMIT $5",
    )
    .bind(after)
    .bind(agency)
    .bind(reading.scope().reach())
    .bind(in_force_at.map(Instant))
    .bind(rows)
    .fetch_all(&mut **reading)
    .await?;
    Ok(found
        .into_iter()
        .map(|(key, Json(state))| (key, state))
        .filter(|(_, substitution)| reading.shows(&Substitutions::tenants(substitution)))
        .collect())
}
