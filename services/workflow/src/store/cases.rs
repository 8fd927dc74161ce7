//! Cases under the ledger: locked rows in, changed rows out.

use jiff::Timestamp;
use motcua_platform::{
    error::Error,
    ledger::{Aggregate, Context, Decision, Row},
    time::Instant,
};
use motcua_proto::{events::v1::Event, r#type::v1::PriorityGround, workflow::v1::CaseState};
use sqlx::PgConnection;

use super::{
    definitions::{Wanted, ensure_newest, ensure_versions},
    read,
};
use crate::domain::{self, Answered, Case, Command, Surround};

/// Cases.
#[derive(Debug, Clone)]
pub(crate) struct Cases {
    /// Catalogs and definitions that this process has seen.
    pub(crate) surround: Surround,
}

impl Aggregate for Cases {
    type State = Case;
    type Command = Command;
    type Answer = Answered;

    const COLLECTION: &'static str = "cases";

    fn decide(
        &self,
        state: Option<&Case>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        domain::decide(state, command, context, &self.surround)
    }

    fn apply(state: Option<Case>, event: &Event) -> Option<Case> {
        domain::apply(state, event)
    }

    fn version(state: &Case) -> i64 {
        state.version
    }

    fn timer(state: &Case) -> Option<Timestamp> {
        state.timer_at()
    }

    fn answer(key: &str, state: &Case) -> Answered {
        domain::answered(key, state)
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        keys: &[String],
    ) -> Result<Vec<(String, Case)>, sqlx::Error> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT code, state::text FROM cases WHERE code = ANY($1) ORDER BY code FOR UPDATE",
        )
        .bind(keys)
        .fetch_all(&mut *connection)
        .await?;
        let rows = rows
            .into_iter()
            .map(|(code, state)| Ok((code, read(&state)?)))
            .collect::<Result<Vec<(String, Case)>, sqlx::Error>>()?;
        // Decisions look at catalogs and definitions in memory: what these cases run under, or wait for, must be there.
        let states = || rows.iter().map(|(_, case)| case);
        self.surround
            .catalogs
            .ensure(connection, states().map(|case| case.catalog.as_str()))
            .await?;
        let mut running: Vec<(&str, i32)> = Vec::new();
        for case in states().filter(|case| !case.is_ended() && case.state != CaseState::Blocked) {
            running.push((&case.definition, case.definition_version));
            running.extend(
                case.called
                    .iter()
                    .map(|called| (called.definition.as_str(), called.definition_version)),
            );
        }
        ensure_versions(&self.surround.definitions, connection, running).await?;
        let waiting: Vec<_> = states()
            .filter(|case| case.state == CaseState::Blocked)
            .map(|case| Wanted {
                catalog: &case.catalog,
                definition: &case.definition,
            })
            .collect();
        ensure_newest(&self.surround, connection, &waiting).await?;
        Ok(rows)
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Case>],
    ) -> Result<(), sqlx::Error> {
        let (new, changed): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.new);
        if !new.is_empty() {
            Columns::of(&new)?
                .bind(sqlx::query(
                    "INSERT INTO cases (code, state_number, due_at, timer_at, version, state, receiving_agency, \
                                        competent_agency) \
                     SELECT new.code, new.state_number, new.due_at, new.timer_at, new.version, new.state::json, \
                            new.receiving_agency, new.competent_agency \
                     FROM UNNEST($1::text[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], \
                                 $6::text[], $7::text[], $8::text[]) \
                     AS new (code, state_number, due_at, timer_at, version, state, receiving_agency, \
                             competent_agency)",
                ))
                .execute(&mut *connection)
                .await?;
        }
        if !changed.is_empty() {
            Columns::of(&changed)?
                .bind(sqlx::query(
                    "UPDATE cases SET state_number = new.state_number, due_at = new.due_at, timer_at = new.timer_at, \
                                      version = new.version, state = new.state::json, \
                                      receiving_agency = new.receiving_agency, \
                                      competent_agency = new.competent_agency \
                     FROM UNNEST($1::text[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], \
                                 $6::text[], $7::text[], $8::text[]) \
                     AS new (code, state_number, due_at, timer_at, version, state, receiving_agency, \
                             competent_agency) \
                     WHERE cases.code = new.code",
                ))
                .execute(&mut *connection)
                .await?;
        }
        save_tasks(connection, rows).await
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// What lists and timers ask for, column by column.
#[derive(Default)]
struct Columns {
    codes: Vec<String>,
    states: Vec<i16>,
    due_at: Vec<Instant>,
    timer_at: Vec<Option<Instant>>,
    versions: Vec<i64>,
    bodies: Vec<String>,
    receiving: Vec<String>,
    competent: Vec<String>,
}

impl Columns {
    fn of(rows: &[&Row<'_, Case>]) -> Result<Self, sqlx::Error> {
        let mut columns = Self::default();
        for row in rows {
            let case = row.state;
            columns.codes.push(row.key.to_owned());
            columns.states.push(small(case.state.into()));
            columns.due_at.push(Instant(case.due.at));
            columns.timer_at.push(case.timer_at().map(Instant));
            columns.versions.push(case.version);
            columns.bodies.push(
                serde_json::to_string(case).map_err(|error| sqlx::Error::Encode(error.into()))?,
            );
            columns.receiving.push(case.receiving_agency.clone());
            columns.competent.push(case.competent_agency.clone());
        }
        Ok(columns)
    }

    fn bind(self, query: Query<'_>) -> Query<'_> {
        query
            .bind(self.codes)
            .bind(self.states)
            .bind(self.due_at)
            .bind(self.timer_at)
            .bind(self.versions)
            .bind(self.bodies)
            .bind(self.receiving)
            .bind(self.competent)
    }
}

/// Writes the worklist's rows of tasks that changed; those that ended before never change again.
async fn save_tasks(
    connection: &mut PgConnection,
    rows: &[Row<'_, Case>],
) -> Result<(), sqlx::Error> {
    let touched: Vec<_> = rows
        .iter()
        .flat_map(|row| {
            let case = row.state;
            case.touched
                .iter()
                .filter_map(move |index| Some((row.key, case, index, case.tasks.get(index)?)))
        })
        .collect();
    if touched.is_empty() {
        return Ok(());
    }
    let rank = |case: &Case| i16::from(case.priority == PriorityGround::Unspecified);
    sqlx::query(
        "INSERT INTO task (dossier, number, agency, role, state_number, assignee, rank, case_due_at, held) \
         SELECT * FROM UNNEST($1::text[], $2::integer[], $3::text[], $4::smallint[], $5::smallint[], $6::text[], \
                              $7::smallint[], $8::timestamptz[], $9::boolean[]) \
         ON CONFLICT (dossier, number) DO UPDATE SET state_number = excluded.state_number, \
             assignee = excluded.assignee, case_due_at = excluded.case_due_at, held = excluded.held",
    )
    .bind(touched.iter().map(|(code, ..)| (*code).to_owned()).collect::<Vec<_>>())
    .bind(touched.iter().map(|(_, _, index, _)| i32::try_from(index + 1).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| task.agency.clone()).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| small(task.role.into())).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| small(task.state.into())).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| task.assignee.clone()).collect::<Vec<_>>())
    .bind(touched.iter().map(|(_, case, ..)| rank(case)).collect::<Vec<_>>())
    .bind(touched.iter().map(|(_, case, ..)| Instant(case.due.at)).collect::<Vec<_>>())
    .bind(touched.iter().map(|(_, case, ..)| case.state == CaseState::Held).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

fn small(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}
