//! Writing dossiers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use motcua_platform::{
    catalog::Catalogs,
    error::Error,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row, asked_place},
    time::Instant,
};
use motcua_proto::{events::v1::Event, intake::v1::Dossier as ProtoDossier};
use sqlx::{PgConnection, types::Json};

use super::documents;
use crate::domain::{
    command::Command,
    decide::{Known, catalog_id, decide},
    dossier::Dossier,
};

/// Dossiers, each under the catalog that it was submitted under.
#[derive(Debug, Clone)]
pub(crate) struct Dossiers {
    /// The catalogs that this process has seen.
    pub(crate) catalogs: Catalogs,
}

impl Aggregate for Dossiers {
    type State = Dossier;
    type Command = Command;
    type Answer = ProtoDossier;

    const COLLECTION: &'static str = "dossiers";

    fn decide(
        &self,
        place: Permitted<'_, Dossier>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        let state = place.state();
        let own = catalog_id(state, command).and_then(|id| self.catalogs.get(id));
        let in_force = self.catalogs.in_force(context.now);
        let catalogs = Known {
            own: own.as_deref(),
            in_force: in_force.as_deref(),
        };
        decide(state, command, context, catalogs)
    }

    fn apply(state: Option<Dossier>, event: &Event) -> Option<Dossier> {
        Dossier::apply(state, event)
    }

    fn tenants(state: &Dossier) -> Vec<String> {
        state.tenants()
    }

    fn version(state: &Dossier) -> i64 {
        state.version
    }

    fn timer(state: &Dossier) -> Option<Timestamp> {
        state.timer()
    }

    fn answer(key: &str, state: &Dossier) -> ProtoDossier {
        state.to_proto(key)
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, Dossier)>, sqlx::Error> {
        let rows: Vec<(i64, Json<Dossier>, bool)> = sqlx::query_as(
            "SELECT asked.place, state, archived \
             FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS asked (code, reach, place) \
             JOIN dossier USING (code) WHERE reaches(asked.reach, tenants) ORDER BY code FOR UPDATE OF dossier",
        )
        .bind(&asked.keys)
        .bind(&asked.reaches)
        .fetch_all(&mut *connection)
        .await?;
        let catalogs: BTreeSet<_> = rows
            .iter()
            .map(|(_, state, _)| state.catalog.as_str())
            .collect();
        self.catalogs.ensure(connection, catalogs).await?;
        Ok(rows
            .into_iter()
            .map(|(place, Json(state), archived)| {
                (asked_place(place), Dossier { archived, ..state })
            })
            .collect())
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Dossier>],
    ) -> Result<(), sqlx::Error> {
        let (new, changed): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.new);
        if !new.is_empty() {
            insert(connection, &new).await?;
        }
        if !changed.is_empty() {
            update(connection, &changed).await?;
            pay(connection, &changed).await?;
            own(connection, &changed).await?;
        }
        code(connection, rows).await
    }

    fn constraint(name: &str) -> Option<Error> {
        let name = match name {
            "external_code_once" => "a dossier with this external_code",
            "payment_once" => "a payment with this reference, of another dossier",
            _ => return None,
        };
        Some(Error::Exists {
            name: name.to_owned(),
        })
    }
}

async fn insert(
    connection: &mut PgConnection,
    rows: &[&Row<'_, Dossier>],
) -> Result<(), sqlx::Error> {
    let text =
        |pick: fn(&Dossier) -> &str| rows.iter().map(|row| pick(row.state)).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO dossier (code, receiving_agency, competent_agency, tenants, owner, procedure, status, channel, \
                              hand_over_method, submitted_at, due_at, timer_at, version, state, flags, received_at, \
                              ended_at) \
         SELECT code, receiving_agency, competent_agency, string_to_array(tenants, ','), owner, procedure, status, \
                channel, hand_over_method, submitted_at, due_at, timer_at, version, state::json, flags, received_at, \
                ended_at \
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::smallint[], \
                     $7::smallint[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bigint[], \
                     $12::text[], $13::text[], $14::text[], $15::integer[], $16::timestamptz[], $17::timestamptz[]) \
              AS new (code, receiving_agency, competent_agency, procedure, status, channel, \
                      hand_over_method, submitted_at, due_at, timer_at, version, state, tenants, owner, flags, \
                      received_at, ended_at)",
    )
    .bind(codes(rows))
    .bind(text(|dossier| &dossier.receiving_agency))
    .bind(text(|dossier| &dossier.competent_agency))
    .bind(text(|dossier| &dossier.procedure))
    .bind(statuses(rows))
    .bind(numbers(rows, |dossier| dossier.channel.into()))
    .bind(numbers(rows, |dossier| dossier.hand_over_method.into()))
    .bind(rows.iter().map(|row| Instant(row.state.submitted_at)).collect::<Vec<_>>())
    .bind(dues(rows))
    .bind(timers(rows))
    .bind(versions(rows))
    .bind(states(rows)?)
    // An array of arrays cannot be unnested row by row; no code and no id holds a comma.
    .bind(rows.iter().map(|row| row.state.tenants().join(",")).collect::<Vec<_>>())
    .bind(text(|dossier| &dossier.owner))
    .bind(flags(rows))
    .bind(receptions(rows))
    .bind(ends(rows))
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps other systems' codes: of those that were written before nothing changes, and those of another dossier are refused.
async fn code(connection: &mut PgConnection, rows: &[Row<'_, Dossier>]) -> Result<(), sqlx::Error> {
    let codes: Vec<_> = rows
        .iter()
        .flat_map(|row| {
            let codes = row.state.external_codes();
            codes.map(|(system, code)| (system, code, row.key))
        })
        .collect();
    if codes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO external_code (system, code, dossier) SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[]) \
         ON CONFLICT ON CONSTRAINT external_code_pkey DO NOTHING",
    )
    .bind(codes.iter().map(|(system, ..)| *system).collect::<Vec<_>>())
    .bind(codes.iter().map(|(_, code, _)| *code).collect::<Vec<_>>())
    .bind(codes.iter().map(|(.., dossier)| *dossier).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn update(
    connection: &mut PgConnection,
    rows: &[&Row<'_, Dossier>],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE dossier SET status = new.status, due_at = new.due_at, timer_at = new.timer_at, \
                            version = new.version, state = new.state::json, flags = new.flags, \
                            received_at = new.received_at, ended_at = new.ended_at \
         FROM UNNEST($1::text[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::text[], \
                     $7::integer[], $8::timestamptz[], $9::timestamptz[]) \
              AS new (code, status, due_at, timer_at, version, state, flags, received_at, ended_at) \
         WHERE dossier.code = new.code",
    )
    .bind(codes(rows))
    .bind(statuses(rows))
    .bind(dues(rows))
    .bind(timers(rows))
    .bind(versions(rows))
    .bind(states(rows)?)
    .bind(flags(rows))
    .bind(receptions(rows))
    .bind(ends(rows))
    .execute(connection)
    .await?;
    Ok(())
}

async fn own(connection: &mut PgConnection, rows: &[&Row<'_, Dossier>]) -> Result<(), sqlx::Error> {
    let owned: Vec<_> = rows
        .iter()
        .flat_map(|row| {
            let documents = row.state.documents.iter();
            documents.map(|document| (document.object.as_str(), row.key))
        })
        .collect();
    documents::own(connection, &owned).await
}

/// Keeps the references: of those that were written before nothing changes, and those of another dossier are refused. What was
/// corrected leads here no more.
async fn pay(connection: &mut PgConnection, rows: &[&Row<'_, Dossier>]) -> Result<(), sqlx::Error> {
    let payments: Vec<_> = rows
        .iter()
        .flat_map(|row| row.state.payments.iter().map(|payment| (row.key, payment)))
        .filter(|(_, payment)| payment.amount_vnd > 0)
        .collect();
    let corrected = rows.iter().filter(|row| row.state.has_corrected_payment());
    let corrected: Vec<_> = corrected.map(|row| row.key).collect();
    if !corrected.is_empty() {
        sqlx::query(
            "DELETE FROM payment WHERE dossier = ANY($1) AND (provider, reference, dossier) \
                NOT IN (SELECT * FROM UNNEST($2::text[], $3::text[], $4::text[]))",
        )
        .bind(corrected)
        .bind(
            payments
                .iter()
                .map(|(_, payment)| &payment.provider)
                .collect::<Vec<_>>(),
        )
        .bind(
            payments
                .iter()
                .map(|(_, payment)| &payment.reference)
                .collect::<Vec<_>>(),
        )
        .bind(payments.iter().map(|(code, _)| *code).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if payments.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO payment (provider, reference, dossier) SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[]) \
         ON CONFLICT ON CONSTRAINT payment_pkey DO NOTHING",
    )
    .bind(payments.iter().map(|(_, payment)| &payment.provider).collect::<Vec<_>>())
    .bind(payments.iter().map(|(_, payment)| &payment.reference).collect::<Vec<_>>())
    .bind(payments.iter().map(|(code, _)| *code).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

fn codes<'a>(rows: &[&Row<'a, Dossier>]) -> Vec<&'a str> {
    rows.iter().map(|row| row.key).collect()
}

fn statuses(rows: &[&Row<'_, Dossier>]) -> Vec<i16> {
    numbers(rows, |dossier| dossier.status.into())
}

fn numbers(rows: &[&Row<'_, Dossier>], pick: fn(&Dossier) -> i32) -> Vec<i16> {
    rows.iter()
        .map(|row| i16::try_from(pick(row.state)).unwrap_or(i16::MAX))
        .collect()
}

fn flags(rows: &[&Row<'_, Dossier>]) -> Vec<i32> {
    rows.iter()
        .map(|row| super::flags(&row.state.flags()))
        .collect()
}

fn dues(rows: &[&Row<'_, Dossier>]) -> Vec<Option<Instant>> {
    rows.iter()
        .map(|row| row.state.due_at().map(Instant))
        .collect()
}

fn receptions(rows: &[&Row<'_, Dossier>]) -> Vec<Option<Instant>> {
    rows.iter()
        .map(|row| {
            let reception = row.state.reception.as_ref();
            reception.map(|reception| Instant(reception.received_at))
        })
        .collect()
}

fn ends(rows: &[&Row<'_, Dossier>]) -> Vec<Option<Instant>> {
    rows.iter()
        .map(|row| row.state.ended_at().map(Instant))
        .collect()
}

fn timers(rows: &[&Row<'_, Dossier>]) -> Vec<Option<Instant>> {
    rows.iter()
        .map(|row| row.state.timer().map(Instant))
        .collect()
}

fn versions(rows: &[&Row<'_, Dossier>]) -> Vec<i64> {
    rows.iter().map(|row| row.state.version).collect()
}

fn states(rows: &[&Row<'_, Dossier>]) -> Result<Vec<String>, sqlx::Error> {
    rows.iter()
        .map(|row| {
            serde_json::to_string(row.state).map_err(|error| sqlx::Error::Encode(error.into()))
        })
        .collect()
}
