//! Questions about cases and tasks: by key, and in pages by key.

use jiff::Timestamp;
use motcua_platform::time::Instant;
use motcua_proto::{
    r#type::v1::{PriorityGround, Role},
    workflow::v1::{CaseState, TaskState},
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::read;
use crate::domain::Case;

/// A case; `None` where there is none.
pub(crate) async fn case(pool: &PgPool, code: &str) -> Result<Option<Case>, sqlx::Error> {
    let state: Option<String> = sqlx::query_scalar("SELECT state::text FROM cases WHERE code = $1")
        .bind(code)
        .fetch_optional(pool)
        .await?;
    state.map(|state| read(&state)).transpose()
}

/// Cases that wait for a definition, those that are due first.
pub(crate) async fn blocked_on(
    pool: &PgPool,
    definition: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT code FROM cases WHERE state_number = 3 AND definition = $1 ORDER BY due_at, code LIMIT 10000",
    )
    .bind(definition)
    .fetch_all(pool)
    .await
}

/// Which cases; what is empty does not matter.
#[derive(Debug, Default)]
pub(crate) struct CaseFilter {
    pub(crate) competent_agency: String,
    pub(crate) states: Vec<CaseState>,
    pub(crate) due_before: Option<Timestamp>,
    /// Due instant and code of the last one of the page before.
    pub(crate) after: Option<(Timestamp, String)>,
    pub(crate) rows: i64,
}

/// Cases by due instant, with their codes.
pub(crate) async fn cases(
    pool: &PgPool,
    filter: &CaseFilter,
) -> Result<Vec<(String, Case)>, sqlx::Error> {
    let (after_due, after_code) = match &filter.after {
        Some((due_at, code)) => (Some(Instant(*due_at)), code.as_str()),
        None => (None, ""),
    };
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT code, state::text FROM cases WHERE ($1 = '' OR competent_agency = $1) \
         AND ($2::smallint[] = '{}' OR state_number = ANY($2)) AND ($3::timestamptz IS NULL OR due_at < $3) \
         AND ($4::timestamptz IS NULL OR (due_at, code) > ($4, $5)) ORDER BY due_at, code LIMIT $6",
    )
    .bind(&filter.competent_agency)
    .bind(filter.states.iter().map(|state| small((*state).into())).collect::<Vec<_>>())
    .bind(filter.due_before.map(Instant))
    .bind(after_due)
    .bind(after_code)
    .bind(filter.rows)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(code, state)| Ok((code, read(&state)?)))
        .collect()
}

/// Which tasks; what is empty does not matter.
#[derive(Debug, Default)]
pub(crate) struct TaskFilter {
    pub(crate) agency: String,
    pub(crate) role: Role,
    pub(crate) assignee: String,
    /// Not empty.
    pub(crate) states: Vec<TaskState>,
    pub(crate) without_held: bool,
    /// The last one of the page before.
    pub(crate) after: Option<TaskKey>,
    pub(crate) rows: i64,
}

/// What orders a worklist: those with a priority first, then by the case's due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TaskKey {
    rank: i16,
    case_due_at: Timestamp,
    dossier: String,
    number: i32,
}

impl TaskKey {
    /// Of a task.
    pub(crate) fn new(
        priority: PriorityGround,
        case_due_at: Timestamp,
        dossier: String,
        number: i32,
    ) -> Self {
        Self {
            rank: i16::from(priority == PriorityGround::Unspecified),
            case_due_at,
            dossier,
            number,
        }
    }
}

/// A task in its case.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) code: String,
    pub(crate) case: Case,
    /// Index of the task.
    pub(crate) index: usize,
}

/// Two questions, because what waits and what has ended lie in two indexes: a worklist never walks over the past.
const WAITING: &str = "SELECT task.dossier, task.number, task.rank, task.case_due_at, cases.state::text \
     FROM task JOIN cases ON cases.code = task.dossier \
     WHERE task.state_number <= 2 AND task.state_number = ANY($1) AND ($2 = '' OR task.agency = $2) \
     AND ($3 = 0 OR task.role = $3) AND ($4 = '' OR task.assignee = $4) AND NOT (task.held AND $5) \
     AND ($6::smallint IS NULL OR (task.rank, task.case_due_at, task.dossier, task.number) > ($6, $7, $8, $9)) \
     ORDER BY task.rank, task.case_due_at, task.dossier, task.number LIMIT $10";
const ENDED: &str = "SELECT task.dossier, task.number, task.rank, task.case_due_at, cases.state::text \
     FROM task JOIN cases ON cases.code = task.dossier \
     WHERE task.state_number > 2 AND task.state_number = ANY($1) AND ($2 = '' OR task.agency = $2) \
     AND ($3 = 0 OR task.role = $3) AND ($4 = '' OR task.assignee = $4) AND NOT (task.held AND $5) \
     AND ($6::smallint IS NULL OR (task.rank, task.case_due_at, task.dossier, task.number) > ($6, $7, $8, $9)) \
     ORDER BY task.rank, task.case_due_at, task.dossier, task.number LIMIT $10";

/// Tasks in the order of a worklist.
pub(crate) async fn tasks(pool: &PgPool, filter: &TaskFilter) -> Result<Vec<Listed>, sqlx::Error> {
    let (waiting, ended): (Vec<_>, Vec<_>) = filter
        .states
        .iter()
        .map(|state| small((*state).into()))
        .partition(|state| *state <= small(TaskState::Claimed.into()));
    let mut rows = Vec::new();
    for (sql, states) in [(WAITING, waiting), (ENDED, ended)] {
        if !states.is_empty() {
            rows.extend(task_rows(pool, sql, states, filter).await?);
        }
    }
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    rows.truncate(usize::try_from(filter.rows).unwrap_or(usize::MAX));
    rows.into_iter()
        .map(|(key, state)| {
            let index = usize::try_from(key.number)
                .unwrap_or_default()
                .saturating_sub(1);
            Ok(Listed {
                code: key.dossier,
                case: read(&state)?,
                index,
            })
        })
        .collect()
}

async fn task_rows(
    pool: &PgPool,
    sql: &'static str,
    states: Vec<i16>,
    filter: &TaskFilter,
) -> Result<Vec<(TaskKey, String)>, sqlx::Error> {
    let after = filter.after.as_ref();
    let rows: Vec<(String, i32, i16, Instant, String)> = sqlx::query_as(sql)
        .bind(states)
        .bind(&filter.agency)
        .bind(small(filter.role.into()))
        .bind(&filter.assignee)
        .bind(filter.without_held)
        .bind(after.map(|key| key.rank))
        .bind(after.map(|key| Instant(key.case_due_at)))
        .bind(after.map(|key| key.dossier.as_str()))
        .bind(after.map(|key| key.number))
        .bind(filter.rows)
        .fetch_all(pool)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(dossier, number, rank, case_due_at, state)| {
            (
                TaskKey {
                    rank,
                    case_due_at: case_due_at.0,
                    dossier,
                    number,
                },
                state,
            )
        })
        .collect())
}

fn small(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}
