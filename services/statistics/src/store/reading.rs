//! The questions that callers ask. Each states in its SQL what the reading reaches; row-level security beneath says the same
//! (`migrations/0101_fact.sql`).

use std::collections::HashMap;

use jiff::Timestamp;
use motcua_platform::{archive::Reading, time::Instant};
use motcua_proto::{
    statistics::v1::ProcedureDuration,
    r#type::v1::{Channel, Punctuality},
};
use sqlx::{Executor, types::Json};

use super::{day_of, positions};
use crate::domain::{
    contribution::Measure,
    fact::{Fact, Manner},
    report::{Beside, Cell, Period, Resolved, Tally},
};

/// What a settlement report is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// Codes of the receiving agencies; empty for all that the caller reaches.
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

/// Lets a reading see one moment, so that figures and positions belong together, and has its plans made for the very
/// period: reports are few, and each looks at a different part of the facts.
pub(crate) async fn at_one_moment(reading: &mut Reading) -> Result<(), sqlx::Error> {
    reading
        .execute(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL plan_cache_mode = force_custom_plan",
        )
        .await?;
    Ok(())
}

/// The agencies that are asked about: none named is all that the reading reaches. Who names others is told of none of
/// theirs, as of an agency that does not exist.
fn asked_about(reading: &Reading, named: &[String]) -> Vec<String> {
    match reading.scope().agencies() {
        Some(own) if named.is_empty() => own.iter().cloned().collect(),
        _ => named.to_vec(),
    }
}

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
pub(crate) async fn settlement(
    reading: &mut Reading,
    filter: &Filter,
) -> Result<Settlement, sqlx::Error> {
    at_one_moment(reading).await?;
    let agencies = asked_about(reading, &filter.agencies);
    let reach = reading.scope().reach();
    let (begin, end) = (Instant(filter.period.begin()), Instant(filter.period.end()));
    let recorded_before = Instant(filter.recorded_before);
    let cells: Vec<CellRow> = sqlx::query_as(include_str!("cells.sql"))
        .bind(&agencies)
        .bind(begin)
        .bind(end)
        .bind(recorded_before)
        .bind(Instant(filter.moment))
        .bind(&reach)
        .fetch_all(&mut **reading)
        .await?;
    let besides: Vec<(String, i16, i64)> = sqlx::query_as(include_str!("besides.sql"))
        .bind(&agencies)
        .bind(begin)
        .bind(end)
        .bind(recorded_before)
        .bind(Measure::Refused.number())
        .bind(Measure::HandedOver.number())
        .bind(Measure::HandedOverAtHome.number())
        .bind(Measure::MessagesSent.number())
        .bind(&reach)
        .fetch_all(&mut **reading)
        .await?;
    let places: Vec<(String, i32)> =
        sqlx::query_as("SELECT field, min(place) FROM procedure GROUP BY field")
            .fetch_all(&mut **reading)
            .await?;
    let positions = positions(reading).await?;
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

/// One text for each way in, so that each has its index whatever plan PostgreSQL keeps.
macro_rules! list_facts {
    ($overdue:literal) => {
        (
            concat!(
                "SELECT dossier, state FROM fact WHERE dossier > $2 AND $1::text[] = '{}' ",
                $overdue,
                " AND reaches($5, ARRAY[receiving_agency]) ORDER BY dossier LIMIT $3"
            ),
            concat!(
                "SELECT page.dossier, page.state FROM unnest($1::text[]) AS own (agency) CROSS JOIN LATERAL ( \
                     SELECT dossier, state FROM fact WHERE receiving_agency = own.agency AND dossier > $2 ",
                $overdue,
                " AND reaches($5, ARRAY[own.agency]) ORDER BY dossier LIMIT $3) AS page ORDER BY page.dossier LIMIT $3"
            ),
        )
    };
}

/// For everybody's, and for some agencies'.
const FACTS: (&str, &str) = list_facts!("AND $4::timestamptz IS NULL");
const OVERDUE_FACTS: (&str, &str) = list_facts!(
    "AND (resolved_at IS NULL OR resolved_as = 3) AND (resolved_as = 3 OR overdue_from <= $4)"
);

/// Facts after a code, in the order of the codes; of one agency, or where none is named, of all that the reading reaches.
pub(crate) async fn list(
    reading: &mut Reading,
    agency: &str,
    after: &str,
    overdue_at: Option<Timestamp>,
    rows: i64,
) -> Result<Vec<(String, Fact)>, sqlx::Error> {
    let named: Vec<String> = Some(agency)
        .filter(|agency| !agency.is_empty())
        .map(str::to_owned)
        .into_iter()
        .collect();
    let agencies = if named.is_empty() {
        reading.scope().listed()
    } else {
        Some(named)
    };
    let (of_all, of_some) = match overdue_at {
        None => FACTS,
        Some(_) => OVERDUE_FACTS,
    };
    let text = match agencies {
        None => of_all,
        Some(_) => of_some,
    };
    let facts: Vec<(String, Json<Fact>)> = sqlx::query_as(text)
        .bind(agencies.unwrap_or_default())
        .bind(after)
        .bind(rows)
        .bind(overdue_at.map(Instant))
        .bind(reading.scope().reach())
        .fetch_all(&mut **reading)
        .await?;
    Ok(facts
        .into_iter()
        .map(|(dossier, Json(fact))| (dossier, fact))
        .collect())
}

/// How long procedures took, for dossiers resolved in a period.
pub(crate) async fn durations(
    reading: &mut Reading,
    agencies: &[String],
    period: Period,
) -> Result<Vec<ProcedureDuration>, sqlx::Error> {
    at_one_moment(reading).await?;
    let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(include_str!("durations.sql"))
        .bind(asked_about(reading, agencies))
        .bind(Instant(period.begin()))
        .bind(Instant(period.end()))
        .bind(reading.scope().reach())
        .fetch_all(&mut **reading)
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
