//! A fact as a row: its columns are computed from it, so that reports need not look into the whole.

use std::collections::{BTreeMap, BTreeSet};

use motcua_platform::time::Instant;
use sqlx::{PgConnection, Postgres, Row as _, postgres::PgArguments, query::Query, types::Json};

use super::instants;
use crate::domain::fact::{Fact, Resolution};

/// Text of a value, for naming differences.
trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown_as_is {
    ($($type:ty)*) => { $(impl Shown for $type {
        fn shown(&self) -> String {
            self.to_string()
        }
    })* };
}
shown_as_is!(String i16 i64 bool);

impl Shown for Instant {
    fn shown(&self) -> String {
        self.0.to_string()
    }
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> String {
        self.as_ref()
            .map_or_else(|| "none".to_owned(), Shown::shown)
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> String {
        self.iter().map(Shown::shown).collect::<Vec<_>>().join(", ")
    }
}

macro_rules! row {
    ($($name:ident: $type:ty,)*) => {
        /// The columns of `fact`, as its migration explains them.
        #[derive(Debug, Clone, Default, PartialEq, sqlx::FromRow)]
        pub(crate) struct Row {
            $(pub(crate) $name: $type,)*
        }

        impl Row {
            /// Names each column that differs from `counted`, with both values.
            pub(crate) fn differences(&self, counted: &Self) -> Vec<(&'static str, String, String)> {
                let mut differences = Vec::new();
                $(if self.$name != counted.$name {
                    differences.push((stringify!($name), self.$name.shown(), counted.$name.shown()));
                })*
                differences
            }
        }
    };
}

row! {
    dossier: String,
    receiving_agency: String,
    procedure: String,
    catalog: String,
    channel: i16,
    received_at: Option<Instant>,
    accepted_recorded_at: Option<Instant>,
    refused_at: Option<Instant>,
    refused_recorded_at: Option<Instant>,
    withdrawn_at: Option<Instant>,
    withdrawn_recorded_at: Option<Instant>,
    withdrawn_as: i16,
    withdrawn_apologised: bool,
    closed_at: Option<Instant>,
    closed_recorded_at: Option<Instant>,
    closed_as: i16,
    closed_apologised: bool,
    closed_stopped: bool,
    handed_over_at: Option<Instant>,
    handed_over_recorded_at: Option<Instant>,
    handed_over_at_home: bool,
    overdue_from: Option<Instant>,
    limit_recorded_at: Option<Vec<Instant>>,
    limit_overdue_from: Option<Vec<Option<Instant>>>,
    resolved_at: Option<Instant>,
    resolved_as: i16,
    settled_recorded_at: Option<Instant>,
    used_minutes: i64,
    sent_at: Vec<Instant>,
    sent_recorded_at: Vec<Instant>,
    last_sent_at: Option<Instant>,
}

impl Row {
    /// The row of a fact.
    pub(crate) fn of(dossier: &str, fact: &Fact) -> Self {
        let Fact {
            intake,
            workflow,
            notification,
        } = fact;
        let at =
            |resolution: Option<Resolution>| resolution.map(|resolution| Instant(resolution.at));
        let recorded_at = |resolution: Option<Resolution>| {
            resolution.map(|resolution| Instant(resolution.recorded_at))
        };
        let (withdrawal, closing, resolution) =
            (fact.withdrawal(), fact.closing(), fact.resolution());
        let limits = fact.limits();
        let moved = limits.len() > 1;
        Self {
            dossier: dossier.to_owned(),
            receiving_agency: intake.receiving_agency.clone(),
            procedure: intake.procedure.clone(),
            catalog: intake.catalog.clone(),
            channel: i16::try_from(intake.channel).unwrap_or_default(),
            received_at: intake
                .accepted
                .map(|accepted| Instant(accepted.received_at)),
            accepted_recorded_at: intake
                .accepted
                .map(|accepted| Instant(accepted.recorded_at)),
            refused_at: intake.refused.map(|refused| Instant(refused.at)),
            refused_recorded_at: intake.refused.map(|refused| Instant(refused.recorded_at)),
            withdrawn_at: at(withdrawal),
            withdrawn_recorded_at: recorded_at(withdrawal),
            withdrawn_as: punctuality(withdrawal),
            withdrawn_apologised: withdrawal.is_some_and(|withdrawal| withdrawal.apologised),
            closed_at: at(closing),
            closed_recorded_at: recorded_at(closing),
            closed_as: punctuality(closing),
            closed_apologised: closing.is_some_and(|closing| closing.apologised),
            closed_stopped: workflow.closed.is_some_and(|closed| closed.stopped),
            handed_over_at: intake
                .handed_over
                .map(|handed_over| Instant(handed_over.at)),
            handed_over_recorded_at: intake
                .handed_over
                .map(|handed_over| Instant(handed_over.recorded_at)),
            handed_over_at_home: intake.handed_over_at_home(),
            overdue_from: limits
                .last()
                .and_then(|limit| limit.overdue_from().map(Instant)),
            limit_recorded_at: moved
                .then(|| instants(limits.iter().map(|limit| limit.recorded_at))),
            limit_overdue_from: moved.then(|| {
                limits
                    .iter()
                    .map(|limit| limit.overdue_from().map(Instant))
                    .collect()
            }),
            resolved_at: at(resolution),
            resolved_as: punctuality(resolution),
            settled_recorded_at: recorded_at(withdrawal).max(recorded_at(closing)),
            used_minutes: workflow.used_minutes,
            sent_at: instants(notification.sent.iter().map(|sent| sent.at)),
            sent_recorded_at: instants(notification.sent.iter().map(|sent| sent.recorded_at)),
            last_sent_at: notification.sent.iter().map(|sent| Instant(sent.at)).max(),
        }
    }
}

fn punctuality(resolution: Option<Resolution>) -> i16 {
    resolution.map_or(0, |resolution| {
        i16::try_from(i32::from(resolution.punctuality)).unwrap_or_default()
    })
}

/// An array as PostgreSQL reads it from text: arrays of different lengths do not fit into one bound array.
fn array(values: impl IntoIterator<Item = Option<Instant>>) -> String {
    let values: Vec<String> = values
        .into_iter()
        .map(|value| value.map_or_else(|| "NULL".to_owned(), |at| at.0.to_string()))
        .collect();
    format!("{{{}}}", values.join(","))
}

fn present(values: &[Instant]) -> String {
    array(values.iter().copied().map(Some))
}

/// The columns, in the order of their values. Macros, because statements are put together when they are compiled.
macro_rules! columns {
    () => {
        "dossier, receiving_agency, procedure, catalog, channel, received_at, accepted_recorded_at, refused_at, \
        refused_recorded_at, withdrawn_at, withdrawn_recorded_at, withdrawn_as, withdrawn_apologised, closed_at, \
        closed_recorded_at, closed_as, closed_apologised, closed_stopped, handed_over_at, handed_over_recorded_at, \
        handed_over_at_home, overdue_from, limit_recorded_at, limit_overdue_from, resolved_at, resolved_as, \
        settled_recorded_at, used_minutes, sent_at, sent_recorded_at, last_sent_at, state"
    };
}

/// The rows as PostgreSQL gets them.
macro_rules! new_rows {
    () => {
        concat!(
            "FROM UNNEST( \
            $1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::timestamptz[], $7::timestamptz[], \
            $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::smallint[], \
            $13::boolean[], $14::timestamptz[], $15::timestamptz[], $16::smallint[], $17::boolean[], $18::boolean[], \
            $19::timestamptz[], $20::timestamptz[], $21::boolean[], $22::timestamptz[], $23::text[], $24::text[], \
            $25::timestamptz[], $26::smallint[], $27::timestamptz[], $28::bigint[], $29::text[], $30::text[], \
            $31::timestamptz[], $32::text[]) \
             AS new (",
            columns!(),
            ") "
        )
    };
}

const INSERT: &str = concat!(
    "INSERT INTO fact (",
    columns!(),
    ") SELECT \
        dossier, receiving_agency, procedure, catalog, channel, received_at, accepted_recorded_at, refused_at, \
        refused_recorded_at, withdrawn_at, withdrawn_recorded_at, withdrawn_as, withdrawn_apologised, closed_at, \
        closed_recorded_at, closed_as, closed_apologised, closed_stopped, handed_over_at, handed_over_recorded_at, \
        handed_over_at_home, overdue_from, limit_recorded_at::timestamptz[], limit_overdue_from::timestamptz[], \
        resolved_at, resolved_as, settled_recorded_at, used_minutes, sent_at::timestamptz[], \
        sent_recorded_at::timestamptz[], last_sent_at, state::json ",
    new_rows!(),
    "ON CONFLICT (dossier) DO NOTHING RETURNING dossier",
);

const UPDATE: &str = concat!(
    "UPDATE fact SET \
        receiving_agency = new.receiving_agency, procedure = new.procedure, catalog = new.catalog, \
        channel = new.channel, received_at = new.received_at, accepted_recorded_at = new.accepted_recorded_at, \
        refused_at = new.refused_at, refused_recorded_at = new.refused_recorded_at, \
        withdrawn_at = new.withdrawn_at, withdrawn_recorded_at = new.withdrawn_recorded_at, \
        withdrawn_as = new.withdrawn_as, withdrawn_apologised = new.withdrawn_apologised, \
        closed_at = new.closed_at, closed_recorded_at = new.closed_recorded_at, closed_as = new.closed_as, \
        closed_apologised = new.closed_apologised, closed_stopped = new.closed_stopped, \
        handed_over_at = new.handed_over_at, handed_over_recorded_at = new.handed_over_recorded_at, \
        handed_over_at_home = new.handed_over_at_home, overdue_from = new.overdue_from, \
        limit_recorded_at = new.limit_recorded_at::timestamptz[], \
        limit_overdue_from = new.limit_overdue_from::timestamptz[], \
        resolved_at = new.resolved_at, resolved_as = new.resolved_as, \
        settled_recorded_at = new.settled_recorded_at, used_minutes = new.used_minutes, \
        sent_at = new.sent_at::timestamptz[], sent_recorded_at = new.sent_recorded_at::timestamptz[], \
        last_sent_at = new.last_sent_at, state = new.state::json \
     ",
    new_rows!(),
    "WHERE fact.dossier = new.dossier",
);

/// Writes rows that are not there yet; answers which were not.
pub(super) async fn insert(
    connection: &mut PgConnection,
    facts: &[(&str, &Fact)],
) -> Result<BTreeSet<String>, sqlx::Error> {
    let rows = bound(INSERT, facts)?.fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Writes rows that are there and locked.
pub(super) async fn update(
    connection: &mut PgConnection,
    facts: &[(&str, &Fact)],
) -> Result<(), sqlx::Error> {
    bound(UPDATE, facts)?.execute(connection).await?;
    Ok(())
}

fn bound(
    statement: &'static str,
    facts: &[(&str, &Fact)],
) -> Result<Query<'static, Postgres, PgArguments>, sqlx::Error> {
    let rows: Vec<Row> = facts
        .iter()
        .map(|(dossier, fact)| Row::of(dossier, fact))
        .collect();
    let states: Vec<String> = facts
        .iter()
        .map(|(_, fact)| serde_json::to_string(fact))
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    macro_rules! column {
        ($name:ident) => {
            rows.iter().map(|row| row.$name).collect::<Vec<_>>()
        };
        (text $name:ident) => {
            rows.iter().map(|row| row.$name.clone()).collect::<Vec<_>>()
        };
    }
    Ok(sqlx::query(statement)
        .bind(column!(text dossier))
        .bind(column!(text receiving_agency))
        .bind(column!(text procedure))
        .bind(column!(text catalog))
        .bind(column!(channel))
        .bind(column!(received_at))
        .bind(column!(accepted_recorded_at))
        .bind(column!(refused_at))
        .bind(column!(refused_recorded_at))
        .bind(column!(withdrawn_at))
        .bind(column!(withdrawn_recorded_at))
        .bind(column!(withdrawn_as))
        .bind(column!(withdrawn_apologised))
        .bind(column!(closed_at))
        .bind(column!(closed_recorded_at))
        .bind(column!(closed_as))
        .bind(column!(closed_apologised))
        .bind(column!(closed_stopped))
        .bind(column!(handed_over_at))
        .bind(column!(handed_over_recorded_at))
        .bind(column!(handed_over_at_home))
        .bind(column!(overdue_from))
        .bind(
            rows.iter()
                .map(|row| row.limit_recorded_at.as_deref().map(present))
                .collect::<Vec<_>>(),
        )
        .bind(
            rows.iter()
                .map(|row| {
                    row.limit_overdue_from
                        .as_ref()
                        .map(|limits| array(limits.iter().copied()))
                })
                .collect::<Vec<_>>(),
        )
        .bind(column!(resolved_at))
        .bind(column!(resolved_as))
        .bind(column!(settled_recorded_at))
        .bind(column!(used_minutes))
        .bind(
            rows.iter()
                .map(|row| present(&row.sent_at))
                .collect::<Vec<_>>(),
        )
        .bind(
            rows.iter()
                .map(|row| present(&row.sent_recorded_at))
                .collect::<Vec<_>>(),
        )
        .bind(column!(last_sent_at))
        .bind(states))
}

/// A row with the whole fact.
#[derive(sqlx::FromRow)]
struct Whole {
    #[sqlx(flatten)]
    row: Row,
    state: Json<Fact>,
}

/// Every fact.
pub(super) async fn all(
    connection: &mut PgConnection,
) -> Result<BTreeMap<String, (Row, Fact)>, sqlx::Error> {
    let rows: Vec<Whole> = sqlx::query_as("SELECT * FROM fact")
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(
            |Whole {
                 row,
                 state: Json(fact),
             }| (row.dossier.clone(), (row, fact)),
        )
        .collect())
}
