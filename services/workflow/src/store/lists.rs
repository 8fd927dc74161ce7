//! Questions about cases and tasks: by key, and in pages by key.
//!
//! Each states in its SQL what the reading reaches, and takes a way in that walks over nobody else's rows; row-level security
//! beneath says the same (`migrations/0101_cases.sql`).

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use motcua_platform::{archive::Reading, database, time::Instant};
use motcua_proto::{
    r#type::v1::{PriorityGround, Role},
    workflow::v1::{CaseState, TaskState},
};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgConnectOptions};

use super::read;
use crate::domain::Case;

/// For an archive whose lists walk along an index, in its order, for no more than a page: a plan is kept, and none gathers
/// first everything that might be on the page.
pub(crate) fn walking(reader: &PgConnectOptions) -> PgConnectOptions {
    database::steady(reader).options([("enable_bitmapscan", "off")])
}

/// A case; `None` where there is none for this reader.
pub(crate) async fn case(reading: &mut Reading, code: &str) -> Result<Option<Case>, sqlx::Error> {
    let state: Option<String> = sqlx::query_scalar(
        "SELECT state::text FROM cases WHERE code = $1 AND reaches($2, tenants)",
    )
    .bind(code)
    .bind(reading.scope().reach())
    .fetch_optional(&mut **reading)
    .await?;
    state.map(|state| read(&state)).transpose()
}

/// No due instant comes before it: where first pages begin.
const BEFORE_ALL: Timestamp = Timestamp::UNIX_EPOCH;

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

/// Cases that have not ended after a code, by code: those that cannot begin too, because their limit runs on.
pub(crate) const OPEN: &str =
    "SELECT code FROM cases WHERE state_number IN (1, 2, 3) AND code > $1 ORDER BY code LIMIT $2";

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
/// A way in states what its index is conditional on; see there. What bounds a walk is compared as it is bound: beneath
/// row-level security, PostgreSQL looks into an index only for what it knows to tell nothing (COALESCE is not among that).
macro_rules! list_cases {
    ($way_in:literal) => {
        concat!(
            "SELECT page.code, page.state::text FROM unnest($2::smallint[]) AS wanted (state_number) \
             CROSS JOIN LATERAL (SELECT code, due_at, state FROM cases \
                WHERE cases.state_number = wanted.state_number AND ",
            $way_in,
            " AND due_at < $3 \
              AND (due_at, code) > ($4, $5) \
              ORDER BY due_at, code LIMIT $6) AS page \
             ORDER BY page.due_at, page.code LIMIT $6"
        )
    };
}

/// For whoever reaches the whole city, and for nobody else: there is nothing to judge row by row.
const CASES: &str = list_cases!("$7 = '*' AND $1 = '' AND code <> ''");
const CASES_OF_AGENCY: &str = list_cases!("competent_agency = $1 AND reaches($7, tenants)");

/// Of each agency that a reading is limited to: what it decides on, and what it has to do with otherwise. A case that is
/// several agencies' comes once.
const CASES_OF_SCOPE: &str = "SELECT cases.code, cases.state::text FROM ( \
        SELECT DISTINCT page.due_at, page.code FROM unnest($8::text[]) AS own (agency) \
        CROSS JOIN unnest($2::smallint[]) AS wanted (state_number) \
        CROSS JOIN LATERAL ( \
            (SELECT due_at, code FROM cases \
             WHERE competent_agency = own.agency AND ($1 = '' OR own.agency = $1) \
               AND state_number = wanted.state_number AND due_at < $3 \
               AND (due_at, code) > ($4, $5) \
             ORDER BY due_at, code LIMIT $6) \
            UNION ALL \
            (SELECT due_at, code FROM case_elsewhere \
             WHERE agency = own.agency AND ($1 = '' OR competent_agency = $1) \
               AND state_number = wanted.state_number AND due_at < $3 \
               AND (due_at, code) > ($4, $5) \
             ORDER BY due_at, code LIMIT $6)) AS page \
        ORDER BY page.due_at, page.code LIMIT $6) AS page \
     JOIN cases ON cases.code = page.code WHERE reaches($7, cases.tenants) ORDER BY page.due_at, page.code";

/// Cases by due instant, with their codes.
pub(crate) async fn cases(
    reading: &mut Reading,
    filter: &CaseFilter,
) -> Result<Vec<(String, Case)>, sqlx::Error> {
    let scope = reading.scope();
    let agency = filter.competent_agency.as_str();
    // An agency's own are all its own; of another agency's it finds those that it has to do with.
    let own = scope
        .listed()
        .filter(|agencies| !agencies.iter().any(|own| own == agency));
    let text = match (&own, agency) {
        (Some(_), _) => CASES_OF_SCOPE,
        (None, "") => CASES,
        (None, _) => CASES_OF_AGENCY,
    };
    let states = match filter.states.as_slice() {
        [] => EVERY_CASE_STATE.as_slice(),
        states => states,
    };
    let after = filter.after.as_ref();
    let query = sqlx::query_as(text)
        .bind(agency)
        .bind(each_once(states))
        .bind(Instant(filter.due_before.unwrap_or(Timestamp::MAX)))
        .bind(Instant(after.map_or(BEFORE_ALL, |(due_at, _)| *due_at)))
        .bind(after.map_or("", |(_, code)| code))
        .bind(filter.rows)
        .bind(scope.reach());
    let query = match own {
        Some(own) => query.bind(own),
        None => query,
    };
    let rows: Vec<(String, String)> = query.fetch_all(&mut **reading).await?;
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
    /// Any of these; empty for whoever has it, and for nobody.
    pub(crate) assignees: Vec<String>,
    /// Not empty.
    pub(crate) states: Vec<TaskState>,
    pub(crate) without_held: bool,
    pub(crate) escalated_only: bool,
    /// The last one of the page before.
    pub(crate) after: Option<TaskKey>,
    pub(crate) rows: i64,
}

/// What orders a worklist: those with a priority first, then by the case's due, or the branch's where that comes first.
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

impl Listed {
    /// Where a list goes on after it.
    pub(crate) fn key(&self) -> Option<TaskKey> {
        let task = self.case.tasks.get(self.index)?;
        let number = i32::try_from(self.index + 1).unwrap_or(i32::MAX);
        let due_at = self.case.due_of(task);
        Some(TaskKey::new(
            self.case.priority,
            due_at,
            self.code.clone(),
            number,
        ))
    }
}

/// As for cases; for somebody's tasks, there is an index of those that anybody has. The state of a case is looked up
/// for each task of the page and no other.
macro_rules! list_tasks {
    ($from:literal, $way_in:literal) => {
        concat!(
            "SELECT page.dossier, page.number, (SELECT state::text FROM cases WHERE code = page.dossier) \
             FROM (SELECT task.* FROM ",
            $from,
            "unnest($1::smallint[]) AS wanted (state_number) \
                CROSS JOIN LATERAL (SELECT dossier, number, rank, case_due_at FROM task \
                    WHERE task.state_number = wanted.state_number AND ",
            $way_in,
            " AND ($3 = 0::smallint OR role = $3) AND NOT (held AND $5) \
              AND (escalated OR NOT $12) \
              AND (rank, case_due_at, dossier, number) > ($6, $7, $8, $9) \
              ORDER BY rank, case_due_at, dossier, number LIMIT $10) AS task \
             ORDER BY rank, case_due_at, dossier, number LIMIT $10) AS page \
             ORDER BY rank, case_due_at, dossier, number"
        )
    };
}

const TASKS: &str = list_tasks!(
    "",
    "$11 = '*' AND $4::text[] = '{}' AND $2::text[] = '{}' AND number > 0"
);
const TASKS_OF_AGENCIES: &str = list_tasks!(
    "unnest($2::text[]) AS own (agency) CROSS JOIN ",
    "$4::text[] = '{}' AND agency = own.agency AND rank >= 0 AND reaches($11, ARRAY[own.agency])"
);
const TASKS_OF_ASSIGNEES: &str = list_tasks!(
    "unnest($4::text[]) AS own (assignee) CROSS JOIN ",
    "task.assignee = own.assignee AND task.assignee <> '' AND ($2::text[] = '{}' OR agency = ANY($2)) AND reaches($11, ARRAY[agency])"
);

/// Tasks in the order of a worklist.
pub(crate) async fn tasks(
    reading: &mut Reading,
    filter: &TaskFilter,
) -> Result<Vec<Listed>, sqlx::Error> {
    let scope = reading.scope();
    let agencies = match filter.agency.as_str() {
        "" => scope.listed(),
        agency => Some(vec![agency.to_owned()]),
    };
    let text = match (filter.assignees.is_empty(), &agencies) {
        (true, None) => TASKS,
        (true, Some(_)) => TASKS_OF_AGENCIES,
        (false, _) => TASKS_OF_ASSIGNEES,
    };
    let after = filter.after.as_ref();
    let query = sqlx::query_as(text)
        .bind(each_once(&filter.states))
        .bind(agencies.unwrap_or_default())
        .bind(small(filter.role.into()))
        .bind(&filter.assignees)
        .bind(filter.without_held)
        // Below every rank: the first page begins before all.
        .bind(after.map_or(-1, |key| key.rank))
        .bind(Instant(after.map_or(BEFORE_ALL, |key| key.case_due_at)))
        .bind(after.map_or("", |key| &key.dossier))
        .bind(after.map_or(0, |key| key.number))
        .bind(filter.rows)
        .bind(scope.reach())
        .bind(filter.escalated_only);
    let rows: Vec<(String, i32, String)> = query.fetch_all(&mut **reading).await?;
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

/// How many tasks each of these has in hand.
pub(crate) async fn in_hand(
    reading: &mut Reading,
    assignees: &[String],
) -> Result<HashMap<String, i64>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT assignee, count(*) FROM task \
         WHERE assignee = ANY($1) AND assignee <> '' AND state_number = 2 AND reaches($2, ARRAY[agency]) \
         GROUP BY assignee",
    )
    .bind(assignees)
    .bind(reading.scope().reach())
    .fetch_all(&mut **reading)
    .await?;
    Ok(rows.into_iter().collect())
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

    use super::{
        super::sub_cases::{
            SUB_CASES, SUB_CASES_AT_AGENCY, SUB_CASES_OF_PROCEDURES,
            SUB_CASES_OF_PROCEDURES_AT_AGENCY, SUB_CASES_OF_PROCEDURES_OF_TENANTS,
            SUB_CASES_OF_TENANTS,
        },
        *,
    };

    /// Eleven months of a city of 114 wards: most has ended, 50,000 tasks wait.
    const A_CITY: &str = "\
        INSERT INTO cases SELECT 'H24-' || n, 'ward-' || n / 4 % 114, \
            CASE WHEN n % 3 = 0 THEN 'police-' ELSE 'ward-' END || n / 4 % 114, \
            ARRAY['ward-' || n / 4 % 114] || CASE WHEN n % 3 = 0 THEN ARRAY['police-' || n / 4 % 114] END, \
            CASE WHEN n % 997 = 0 THEN 3 WHEN n % 4 = 0 THEN 1 ELSE 4 END, \
            '2025-01-01'::timestamptz + n * '6 min'::interval, NULL, 1, '{}' FROM generate_series(1, 80000) AS n; \
        INSERT INTO case_elsewhere SELECT receiving_agency, code, competent_agency, state_number, due_at FROM cases \
            WHERE receiving_agency <> competent_agency; \
        INSERT INTO task SELECT 'H24-' || n, 1, 'ward-' || n / 8 % 114, 2, \
            CASE WHEN n % 4 <> 0 THEN 3 WHEN n % 8 = 0 THEN 1 ELSE 2 END, \
            CASE WHEN n % 8 = 0 THEN '' ELSE 'officer-' || n / 8 % 500 END, 1, \
            '2025-01-01'::timestamptz + n * '2 min'::interval, false FROM generate_series(1, 200000) AS n; \
        INSERT INTO sub_case SELECT code, 1, tenant, replace(receiving_agency, 'ward', 'police'), \
            CASE WHEN code LIKE '%77' THEN '1.003197' ELSE '1.004222' END, \
            CASE state_number WHEN 4 THEN 3 ELSE 1 END + (code LIKE '%5')::integer, due_at FROM cases \
            CROSS JOIN unnest(ARRAY[receiving_agency, replace(receiving_agency, 'ward', 'police')]) AS tenant; \
        ANALYZE cases; ANALYZE case_elsewhere; ANALYZE task; ANALYZE sub_case";

    const BLOCKED_TYPES: &str = "timestamptz, text, bigint";
    const CASE_TYPES: &str = "text, smallint[], timestamptz, timestamptz, text, bigint, text";
    const SCOPE_TYPES: &str =
        "text, smallint[], timestamptz, timestamptz, text, bigint, text, text[]";
    const SUB_CASE_TYPES: &str =
        "smallint[], text[], timestamptz, text[], timestamptz, text, integer, bigint, text";
    const TASK_TYPES: &str = "smallint[], text[], smallint, text[], boolean, smallint, timestamptz, text, integer, bigint, text, boolean";

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
        let blocked = "NULL, '', 500".to_owned();
        check(
            &mut connection,
            &["force_generic_plan", "force_custom_plan"],
            BLOCKED,
            BLOCKED_TYPES,
            "cases_state",
            &blocked,
        )
        .await;
        connection.close().await.ok();

        // What callers are shown, beneath row-level security, with the plans that an archive keeps.
        const STEADY: &[&str] = &["force_generic_plan"];
        let mut connection = PgConnection::connect_with(&walking(&base.reader("plans")))
            .await
            .unwrap();
        for reach in ["*", "ward-7", "police-7,ward-7,ward-8"] {
            let set = format!("SET motcua.reach = '{reach}'");
            connection.execute(AssertSqlSafe(set)).await.unwrap();
            let cases = |agency: &str, states: &str| {
                format!(
                    "'{agency}', '{{{states}}}', '9999-12-31', '2025-03-01', 'H24-7', 51, '{reach}'"
                )
            };
            let tasks = |agencies: &str, assignee: &str, states: &str| {
                format!(
                    "'{{{states}}}', '{{{agencies}}}', 0::smallint, '{{{assignee}}}', false, 1::smallint, '2025-03-01', \
                     'H24-7', 1, 51, '{reach}', false"
                )
            };
            let sub_cases = |tenants: &str, standings: &str, procedures: &str| {
                format!(
                    "'{{{standings}}}', '{{{tenants}}}', '9999-12-31', '{{{procedures}}}', '2025-03-01', 'H24-7', 1, 51, \
                     '{reach}'"
                )
            };
            for standings in ["1,2", "2,4", "1,2,3,4"] {
                for procedures in ["", "1.004222", "1.003197", "1.003197,1.003190"] {
                    let (text, tenants, index) = match (reach, procedures) {
                        ("*", "") => (SUB_CASES, "", "sub_case_standing"),
                        ("*", _) => (SUB_CASES_OF_PROCEDURES, "", "sub_case_procedure"),
                        (reach, "") => (SUB_CASES_OF_TENANTS, reach, "sub_case_tenant"),
                        (reach, _) => (
                            SUB_CASES_OF_PROCEDURES_OF_TENANTS,
                            reach,
                            "sub_case_tenant_procedure",
                        ),
                    };
                    let values = sub_cases(tenants, standings, procedures);
                    check(
                        &mut connection,
                        STEADY,
                        text,
                        SUB_CASE_TYPES,
                        index,
                        &values,
                    )
                    .await;
                    let (text, index) = match procedures {
                        "" => (SUB_CASES_AT_AGENCY, "sub_case_agency"),
                        _ => (
                            SUB_CASES_OF_PROCEDURES_AT_AGENCY,
                            "sub_case_agency_procedure",
                        ),
                    };
                    for (tenants, agency) in [("ward-7", "police-7"), ("police-7", "police-7")] {
                        let values =
                            format!("{}, '{agency}'", sub_cases(tenants, standings, procedures));
                        check(
                            &mut connection,
                            STEADY,
                            text,
                            &format!("{SUB_CASE_TYPES}, text"),
                            index,
                            &values,
                        )
                        .await;
                    }
                }
            }
            if reach == "*" {
                for states in ["3", "1,2,3", "1,2,3,4,5,6"] {
                    let values = cases("", states);
                    check(
                        &mut connection,
                        STEADY,
                        CASES,
                        CASE_TYPES,
                        "cases_state",
                        &values,
                    )
                    .await;
                }
                for states in ["1,2", "3"] {
                    let values = tasks("", "", states);
                    check(
                        &mut connection,
                        STEADY,
                        TASKS,
                        TASK_TYPES,
                        "task_state",
                        &values,
                    )
                    .await;
                }
            } else {
                for (agency, states) in [
                    ("", "1"),
                    ("", "3,4"),
                    ("", "1,2,3,4,5,6"),
                    ("ward-9", "1,4"),
                ] {
                    let values = format!("{}, '{{{reach}}}'", cases(agency, states));
                    check(
                        &mut connection,
                        STEADY,
                        CASES_OF_SCOPE,
                        SCOPE_TYPES,
                        "cases_competent",
                        &values,
                    )
                    .await;
                    check(
                        &mut connection,
                        STEADY,
                        CASES_OF_SCOPE,
                        SCOPE_TYPES,
                        "case_elsewhere_agency",
                        &values,
                    )
                    .await;
                }
            }
            for (agency, states) in [("ward-7", "1"), ("ward-7", "3,4"), ("nobody", "1,4")] {
                let values = cases(agency, states);
                check(
                    &mut connection,
                    STEADY,
                    CASES_OF_AGENCY,
                    CASE_TYPES,
                    "cases_competent",
                    &values,
                )
                .await;
            }
            for (agencies, states) in [
                ("ward-7", "1,2"),
                ("ward-7", "3,4,5"),
                ("ward-7,ward-8", "1,2"),
                // Somebody else's, who have many.
                ("ward-9", "3"),
                ("nobody", "1,3"),
            ] {
                let values = tasks(agencies, "", states);
                check(
                    &mut connection,
                    STEADY,
                    TASKS_OF_AGENCIES,
                    TASK_TYPES,
                    "task_agency",
                    &values,
                )
                .await;
            }
            for (agencies, states) in [("", "2"), ("ward-7", "3"), ("nobody", "2,3")] {
                let values = tasks(agencies, "officer-7", states);
                check(
                    &mut connection,
                    STEADY,
                    TASKS_OF_ASSIGNEES,
                    TASK_TYPES,
                    "task_assignee",
                    &values,
                )
                .await;
            }
        }
        connection.close().await.ok();
        server.stop().await.unwrap();
    }

    /// It uses its index and walks over little.
    async fn check(
        connection: &mut PgConnection,
        modes: &[&str],
        text: &str,
        types: &str,
        index: &str,
        values: &str,
    ) {
        for mode in modes {
            let plan = plan(connection, text, types, values, mode).await;
            let used = format!(" {index} ");
            assert!(plan.contains(&used), "{index}, {mode}:\n{plan}");
            assert!(!plan.contains("Seq Scan"), "{mode}:\n{plan}");
            // From the key on, in order: about a page of each state and agency, of the tens of thousands that are there.
            let most = walked(&plan);
            assert!(most <= 700, "{most} rows, {mode}, {values}:\n{plan}");
        }
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
