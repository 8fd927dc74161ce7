//! The questions that callers ask.

use std::collections::HashMap;

use jiff::Timestamp;
use motcua_platform::time::Instant;
use motcua_proto::{
    statistics::v1::ProcedureDuration,
    r#type::v1::{Channel, Punctuality},
};
use sqlx::{PgPool, types::Json};

use super::{day_of, positions};
use crate::domain::{
    contribution::Measure,
    fact::{Fact, Manner},
    report::{Beside, Cell, Period, Resolved, Tally},
};

/// What a settlement report is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// Codes of the receiving agencies; empty for all.
    pub(crate) agencies: Vec<String>,
    /// The period.
    pub(crate) period: Period,
    /// Only what had been recorded before.
    pub(crate) recorded_before: Timestamp,
    /// When what is in progress is judged.
    pub(crate) moment: Timestamp,
}

/// A settlement report as counted.
#[derive(Debug)]
pub(crate) struct Settlement {
    /// The figures.
    pub(crate) tally: Tally,
    /// The place of each field in the report.
    pub(crate) places: HashMap<String, i32>,
    /// The positions that it was counted at.
    pub(crate) positions: Vec<String>,
}

/// In one transaction that sees one moment, so that figures and positions belong together.
pub(crate) const ONE_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

#[derive(sqlx::FromRow)]
struct CellRow {
    field: String,
    channel: i32,
    received_on: Option<i32>,
    resolved_on: Option<i32>,
    resolved_as: i32,
    manner: i32,
    apologised: bool,
    overdue: bool,
    dossiers: i64,
}

impl CellRow {
    fn cell(self) -> Result<Cell, sqlx::Error> {
        let resolved = |on| {
            Ok::<_, sqlx::Error>(Resolved {
                on: day_of(on)?,
                punctuality: Punctuality::try_from(self.resolved_as).unwrap_or_default(),
                manner: match self.manner {
                    2 => Manner::Withdrawn,
                    1 => Manner::Stopped,
                    _ => Manner::Finished,
                },
                apologised: self.apologised,
            })
        };
        Ok(Cell {
            channel: Channel::try_from(self.channel).unwrap_or_default(),
            received_on: self.received_on.map(day_of).transpose()?,
            resolved: self.resolved_on.map(resolved).transpose()?,
            overdue: self.overdue,
            dossiers: self.dossiers,
            field: self.field,
        })
    }
}

/// Counts a settlement report.
pub(crate) async fn settlement(pool: &PgPool, filter: &Filter) -> Result<Settlement, sqlx::Error> {
    let mut transaction = pool.begin_with(ONE_MOMENT).await?;
    let (begin, end) = (Instant(filter.period.begin()), Instant(filter.period.end()));
    let recorded_before = Instant(filter.recorded_before);
    let cells: Vec<CellRow> = sqlx::query_as(include_str!("cells.sql"))
        .bind(&filter.agencies)
        .bind(begin)
        .bind(end)
        .bind(recorded_before)
        .bind(Instant(filter.moment))
        .fetch_all(&mut *transaction)
        .await?;
    let besides: Vec<(String, i16, i64)> = sqlx::query_as(include_str!("besides.sql"))
        .bind(&filter.agencies)
        .bind(begin)
        .bind(end)
        .bind(recorded_before)
        .bind(Measure::Refused.number())
        .bind(Measure::HandedOver.number())
        .bind(Measure::HandedOverAtHome.number())
        .bind(Measure::MessagesSent.number())
        .fetch_all(&mut *transaction)
        .await?;
    let places: Vec<(String, i32)> =
        sqlx::query_as("SELECT field, min(place) FROM procedure GROUP BY field")
            .fetch_all(&mut *transaction)
            .await?;
    let positions = positions(&mut transaction).await?;
    transaction.commit().await?;
    let mut tally = Tally::new(filter.period);
    for cell in cells {
        tally.add(&cell.cell()?);
    }
    for (field, measure, count) in besides {
        if let Some(measure) = Measure::of(measure) {
            tally.add_beside(&Beside {
                field,
                measure,
                count,
            });
        }
    }
    Ok(Settlement {
        tally,
        places: places.into_iter().collect(),
        positions: positions.iter().map(ToString::to_string).collect(),
    })
}

/// Facts after a code, in the order of the codes.
pub(crate) async fn list(
    pool: &PgPool,
    agency: &str,
    after: &str,
    overdue_at: Option<Timestamp>,
    rows: i64,
) -> Result<Vec<(String, Fact)>, sqlx::Error> {
    let facts: Vec<(String, Json<Fact>)> = match overdue_at {
        None => {
            sqlx::query_as(
                "SELECT dossier, state FROM fact WHERE dossier > $2 AND ($1 = '' OR receiving_agency = $1) \
                 ORDER BY dossier LIMIT $3",
            )
            .bind(agency)
            .bind(after)
            .bind(rows)
            .fetch_all(pool)
            .await?
        }
        Some(at) => {
            sqlx::query_as(
                "SELECT dossier, state FROM fact WHERE dossier > $2 AND ($1 = '' OR receiving_agency = $1) \
                 AND (resolved_at IS NULL OR resolved_as = 3) \
                 AND (resolved_as = 3 OR overdue_from <= $4) \
                 ORDER BY dossier LIMIT $3",
            )
            .bind(agency)
            .bind(after)
            .bind(rows)
            .bind(Instant(at))
            .fetch_all(pool)
            .await?
        }
    };
    Ok(facts
        .into_iter()
        .map(|(dossier, Json(fact))| (dossier, fact))
        .collect())
}

/// How long procedures took, for dossiers resolved in a period.
pub(crate) async fn durations(
    pool: &PgPool,
    agencies: &[String],
    period: Period,
) -> Result<Vec<ProcedureDuration>, sqlx::Error> {
    let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(include_str!("durations.sql"))
        .bind(agencies)
        .bind(Instant(period.begin()))
        .bind(Instant(period.end()))
        .fetch_all(pool)
        .await?;
    Ok(rows
        .into_iter()
        .map(
            |(procedure, dossiers, p50_minutes, p90_minutes, p99_minutes)| ProcedureDuration {
                procedure,
                dossiers,
                p50_minutes,
                p90_minutes,
                p99_minutes,
            },
        )
        .collect())
}
