//! Questions about cases and tasks: by key, and in pages by key.

use std::collections::BTreeSet;

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

/// Due instant and code: where a list of cases goes on.
pub(crate) type CaseKey = (Timestamp, String);

/// Cases that cannot begin yet, those first that are due first, after a key.
pub(crate) async fn blocked(
    pool: &PgPool,
    after: Option<&CaseKey>,
    rows: i64,
) -> Result<Vec<CaseKey>, sqlx::Error> {
    let keys: Vec<(Instant, String)> = sqlx::query_as(BLOCKED)
        .bind(after.map(|(due_at, _)| Instant(*due_at)))
        .bind(after.map_or("", |(_, code)| code))
        .bind(rows)
        .fetch_all(pool)
        .await?;
    Ok(keys
        .into_iter()
        .map(|(due_at, code)| (due_at.0, code))
        .collect())
}

const BLOCKED: &str = "SELECT due_at, code FROM cases WHERE state_number = 3 AND code <> '' \
     AND (due_at, code) > (coalesce($1::timestamptz, '-infinity'), $2) ORDER BY due_at, code LIMIT $3";

/// Which cases; what is empty does not matter.
#[derive(Debug, Default)]
pub(crate) struct CaseFilter {
    pub(crate) competent_agency: String,
    pub(crate) states: Vec<CaseState>,
    pub(crate) due_before: Option<Timestamp>,
    /// The last one of the page before.
    pub(crate) after: Option<CaseKey>,
    pub(crate) rows: i64,
}

/// One text for each way in, so that each has its index whatever plan PostgreSQL keeps. Each state is asked on its own,
/// for no more than a page: the index has it in the order of the list, and what stands otherwise is not walked over.
/// A way in states what its index is conditional on; see there.
macro_rules! list_cases {
    ($way_in:literal) => {
        concat!(
            "SELECT page.code, page.state::text FROM unnest($2::smallint[]) AS wanted (state_number) \
             CROSS JOIN LATERAL (SELECT code, due_at, state FROM cases \
                WHERE cases.state_number = wanted.state_number AND ",
            $way_in,
            " AND due_at < coalesce($3::timestamptz, 'infinity') \
              AND (due_at, code) > (coalesce($4::timestamptz, '-infinity'), $5) \
              ORDER BY due_at, code LIMIT $6) AS page \
             ORDER BY page.due_at, page.code LIMIT $6"
        )
    };
}

const CASES: &str = list_cases!("$1 = '' AND code <> ''");
const CASES_OF_AGENCY: &str = list_cases!("competent_agency = $1");

/// Cases by due instant, with their codes.
pub(crate) async fn cases(
    pool: &PgPool,
    filter: &CaseFilter,
) -> Result<Vec<(String, Case)>, sqlx::Error> {
    let text = match filter.competent_agency.as_str() {
        "" => CASES,
        _ => CASES_OF_AGENCY,
    };
    let states = match filter.states.as_slice() {
        [] => EVERY_CASE_STATE.as_slice(),
        states => states,
    };
    let after = filter.after.as_ref();
    let rows: Vec<(String, String)> = sqlx::query_as(text)
        .bind(&filter.competent_agency)
        .bind(each_once(states))
        .bind(filter.due_before.map(Instant))
        .bind(after.map(|(due_at, _)| Instant(*due_at)))
        .bind(after.map_or("", |(_, code)| code))
        .bind(filter.rows)
        .fetch_all(pool)
        .await?;
    rows.into_iter()
        .map(|(code, state)| Ok((code, read(&state)?)))
        .collect()
}

const EVERY_CASE_STATE: [CaseState; 6] = [
    CaseState::Running,
    CaseState::Held,
    CaseState::Blocked,
    CaseState::Finished,
    CaseState::Stopped,
    CaseState::Withdrawn,
];

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
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// As for cases; for somebody's tasks, there is an index of those that anybody has. The state of a case is looked up
/// for each task of the page and no other.
macro_rules! list_tasks {
    ($way_in:literal) => {
        concat!(
            "SELECT page.dossier, page.number, (SELECT state::text FROM cases WHERE code = page.dossier) \
             FROM (SELECT task.* FROM unnest($1::smallint[]) AS wanted (state_number) \
                CROSS JOIN LATERAL (SELECT dossier, number, rank, case_due_at FROM task \
                    WHERE task.state_number = wanted.state_number AND ",
            $way_in,
            " AND ($2 = '' OR agency = $2) AND ($3 = 0::smallint OR role = $3) AND NOT (held AND $5) \
              AND (rank, case_due_at, dossier, number) > ($6, coalesce($7::timestamptz, '-infinity'), $8, $9) \
              ORDER BY rank, case_due_at, dossier, number LIMIT $10) AS task \
             ORDER BY rank, case_due_at, dossier, number LIMIT $10) AS page \
             ORDER BY rank, case_due_at, dossier, number"
        )
    };
}

const TASKS: &str = list_tasks!("$4 = '' AND number > 0");
const TASKS_OF_AGENCY: &str = list_tasks!("$4 = '' AND agency = $2 AND rank >= 0");
const TASKS_OF_ASSIGNEE: &str = list_tasks!("assignee = $4 AND assignee <> ''");

/// Tasks in the order of a worklist.
pub(crate) async fn tasks(pool: &PgPool, filter: &TaskFilter) -> Result<Vec<Listed>, sqlx::Error> {
    let text = match (filter.assignee.as_str(), filter.agency.as_str()) {
        ("", "") => TASKS,
        ("", _) => TASKS_OF_AGENCY,
        _ => TASKS_OF_ASSIGNEE,
    };
    let after = filter.after.as_ref();
    let rows: Vec<(String, i32, String)> = sqlx::query_as(text)
        .bind(each_once(&filter.states))
        .bind(&filter.agency)
        .bind(small(filter.role.into()))
        .bind(&filter.assignee)
        .bind(filter.without_held)
        // Below every rank: the first page begins before all.
        .bind(after.map_or(-1, |key| key.rank))
        .bind(after.map(|key| Instant(key.case_due_at)))
        .bind(after.map_or("", |key| &key.dossier))
        .bind(after.map_or(0, |key| key.number))
        .bind(filter.rows)
        .fetch_all(pool)
        .await?;
    rows.into_iter()
        .map(|(code, number, state)| {
            let index = usize::try_from(number)
                .unwrap_or_default()
                .saturating_sub(1);
            Ok(Listed {
                code,
                case: read(&state)?,
                index,
            })
        })
        .collect()
}

/// The numbers of states, none twice: each is asked on its own.
fn each_once<S: Copy + Into<i32>>(states: &[S]) -> Vec<i16> {
    let numbers: BTreeSet<_> = states.iter().map(|state| small((*state).into())).collect();
    numbers.into_iter().collect()
}

fn small(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use motcua_platform::{
        database::Base,
        postgres::{DataDir, Options, Server},
    };
    use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

    use super::*;

    /// Eleven months of a city of 114 wards: most has ended, 50,000 tasks wait.
    const A_CITY: &str = "\
        INSERT INTO cases SELECT 'H24-' || n, 'ward-' || n / 4 % 114, 'ward-' || n / 4 % 114, \
            CASE WHEN n % 997 = 0 THEN 3 WHEN n % 4 = 0 THEN 1 ELSE 4 END, \
            '2025-01-01'::timestamptz + n * '6 min'::interval, NULL, 1, '{}' FROM generate_series(1, 80000) AS n; \
        INSERT INTO task SELECT 'H24-' || n, 1, 'ward-' || n / 8 % 114, 2, \
            CASE WHEN n % 4 <> 0 THEN 3 WHEN n % 8 = 0 THEN 1 ELSE 2 END, \
            CASE WHEN n % 8 = 0 THEN '' ELSE 'officer-' || n / 8 % 500 END, 1, \
            '2025-01-01'::timestamptz + n * '2 min'::interval, false FROM generate_series(1, 200000) AS n; \
        ANALYZE cases; ANALYZE task";

    const BLOCKED_TYPES: &str = "timestamptz, text, bigint";
    const CASE_TYPES: &str = "text, smallint[], timestamptz, timestamptz, text, bigint";
    const TASK_TYPES: &str =
        "smallint[], text, smallint, text, boolean, smallint, timestamptz, text, integer, bigint";

    #[tokio::test]
    async fn every_way_in_has_its_index_whatever_plan_is_kept() {
        let server = Server::start(Options::new(DataDir::Temporary))
            .await
            .unwrap();
        let base: Base = server.base_url().parse().unwrap();
        base.prepare("plans", &crate::MIGRATIONS).await.unwrap();
        let mut connection = PgConnection::connect_with(&base.service("plans"))
            .await
            .unwrap();
        connection.execute(A_CITY).await.unwrap();
        let cases = |agency: &str, states: &str| {
            format!("'{agency}', '{{{states}}}', NULL, '2025-03-01', 'H24-7', 51")
        };
        let tasks = |agency: &str, assignee: &str, states: &str| {
            format!(
                "'{{{states}}}', '{agency}', 0::smallint, '{assignee}', false, 1::smallint, '2025-03-01', 'H24-7', 1, 51"
            )
        };
        let blocked = "NULL, '', 500".to_owned();
        for (text, types, index, values) in [
            (BLOCKED, BLOCKED_TYPES, "cases_state", blocked),
            (CASES, CASE_TYPES, "cases_state", cases("", "3")),
            (CASES, CASE_TYPES, "cases_state", cases("", "1,2,3")),
            (CASES, CASE_TYPES, "cases_state", cases("", "1,2,3,4,5,6")),
            (
                CASES_OF_AGENCY,
                CASE_TYPES,
                "cases_competent",
                cases("ward-7", "1"),
            ),
            (
                CASES_OF_AGENCY,
                CASE_TYPES,
                "cases_competent",
                cases("ward-7", "3,4"),
            ),
            (
                CASES_OF_AGENCY,
                CASE_TYPES,
                "cases_competent",
                cases("nobody", "1,4"),
            ),
            (TASKS, TASK_TYPES, "task_state", tasks("", "", "1,2")),
            (TASKS, TASK_TYPES, "task_state", tasks("", "", "3")),
            (
                TASKS_OF_AGENCY,
                TASK_TYPES,
                "task_agency",
                tasks("ward-7", "", "1,2"),
            ),
            (
                TASKS_OF_AGENCY,
                TASK_TYPES,
                "task_agency",
                tasks("ward-7", "", "3,4,5"),
            ),
            (
                TASKS_OF_AGENCY,
                TASK_TYPES,
                "task_agency",
                tasks("nobody", "", "1,3"),
            ),
            (
                TASKS_OF_ASSIGNEE,
                TASK_TYPES,
                "task_assignee",
                tasks("", "officer-7", "2"),
            ),
            (
                TASKS_OF_ASSIGNEE,
                TASK_TYPES,
                "task_assignee",
                tasks("ward-7", "officer-7", "3"),
            ),
            (
                TASKS_OF_ASSIGNEE,
                TASK_TYPES,
                "task_assignee",
                tasks("nobody", "officer-7", "2,3"),
            ),
        ] {
            for mode in ["force_generic_plan", "force_custom_plan"] {
                let plan = plan(&mut connection, text, types, &values, mode).await;
                assert!(plan.contains(index), "{index}, {mode}:\n{plan}");
                assert!(!plan.contains("Seq Scan"), "{mode}:\n{plan}");
                // From the key on, in order: about a page of each state, of the tens of thousands that are there.
                let most = walked(&plan);
                assert!(most <= 500, "{most} rows, {mode}:\n{plan}");
            }
        }
        connection.close().await.ok();
        server.stop().await.unwrap();
    }

    async fn plan(
        connection: &mut PgConnection,
        text: &str,
        types: &str,
        values: &str,
        mode: &str,
    ) -> String {
        let prepared = format!("SET plan_cache_mode = {mode}; PREPARE asked ({types}) AS {text}");
        connection.execute(AssertSqlSafe(prepared)).await.unwrap();
        let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE asked ({values})");
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        connection.execute("DEALLOCATE asked").await.unwrap();
        lines.join("\n")
    }

    /// The most rows that any step of a plan gave or threw away.
    fn walked(plan: &str) -> u64 {
        let count = |line: &str| {
            let (_, count) = line
                .split_once("actual rows=")
                .or_else(|| line.split_once("Removed by Filter: "))?;
            let digits = count
                .split(|letter: char| !letter.is_ascii_digit())
                .next()?;
            digits.parse().ok()
        };
        plan.lines().filter_map(count).max().unwrap_or(u64::MAX)
    }
}
