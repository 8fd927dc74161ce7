//! Cases under the ledger: locked rows in, changed rows out.

use jiff::Timestamp;
use motcua_platform::{
    clock::Clock,
    error::Error,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row, asked_place},
    time::Instant,
};
use motcua_proto::{events::v1::Event, r#type::v1::PriorityGround, workflow::v1::CaseState};
use sqlx::PgConnection;

use super::{
    definitions::{Wanted, ensure_newest, ensure_versions},
    read,
    sub_cases::save_sub_cases,
    substitutions::present,
};
use crate::domain::{self, Answered, Case, Command, Surround};

/// The rows as PostgreSQL gets them. Arrays of different lengths do not fit into one bound array; codes hold no comma.
macro_rules! new_cases {
    () => {
        "FROM UNNEST($1::text[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::text[], \
                     $7::text[], $8::text[], $9::text[]) \
         AS new (code, state_number, due_at, timer_at, version, state, receiving_agency, competent_agency, tenants) "
    };
}
/// Cases.
#[derive(Debug, Clone)]
pub(crate) struct Cases {
    /// Catalogs and definitions that this process has seen.
    pub(crate) surround: Surround,
    /// By which substitutions begin and end.
    pub(crate) clock: Clock,
}

impl Aggregate for Cases {
    type State = Case;
    type Command = Command;
    type Answer = Answered;

    const COLLECTION: &'static str = "cases";

    fn decide(
        &self,
        place: Permitted<'_, Case>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        domain::decide(place.state(), command, context, &self.surround)
    }

    fn tenants(state: &Case) -> Vec<String> {
        state.tenants()
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
        asked: &Asked,
    ) -> Result<Vec<(usize, Case)>, sqlx::Error> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT asked.place, cases.state::text \
             FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS asked (key, reach, place) \
             JOIN cases ON cases.code = asked.key \
             WHERE reaches(asked.reach, cases.tenants) ORDER BY cases.code FOR UPDATE OF cases",
        )
        .bind(&asked.keys)
        .bind(&asked.reaches)
        .fetch_all(&mut *connection)
        .await?;
        let rows = rows
            .into_iter()
            .map(|(place, state)| Ok((asked_place(place), read(&state)?)))
            .collect::<Result<Vec<(usize, Case)>, sqlx::Error>>()?;
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
        let now = self.clock.now();
        let (substitutions, catalog) = present(connection, now).await?;
        self.surround.substitutions.replace(substitutions);
        let catalogs = &self.surround.catalogs;
        if catalog != catalogs.in_force(now).map(|known| known.id().to_owned()) {
            catalogs.refresh(connection, now).await?;
        }
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
                .bind(sqlx::query(concat!(
                    "INSERT INTO cases (code, state_number, due_at, timer_at, version, state, receiving_agency, \
                                        competent_agency, tenants) \
                     SELECT new.code, new.state_number, new.due_at, new.timer_at, new.version, new.state::json, \
                            new.receiving_agency, new.competent_agency, string_to_array(new.tenants, ',') ",
                    new_cases!(),
                )))
                .execute(&mut *connection)
                .await?;
        }
        if !changed.is_empty() {
            Columns::of(&changed)?
                .bind(sqlx::query(concat!(
                    "UPDATE cases SET state_number = new.state_number, due_at = new.due_at, timer_at = new.timer_at, \
                                      version = new.version, state = new.state::json, \
                                      receiving_agency = new.receiving_agency, \
                                      competent_agency = new.competent_agency, \
                                      tenants = string_to_array(new.tenants, ',') ",
                    new_cases!(),
                    "WHERE cases.code = new.code",
                )))
                .execute(&mut *connection)
                .await?;
        }
        save_elsewhere(connection, rows).await?;
        save_sub_cases(connection, rows).await?;
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
    tenants: Vec<String>,
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
            columns.tenants.push(case.tenants().join(","));
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
            .bind(self.tenants)
    }
}

/// Writes how a case stands for the agencies that have to do with it and do not decide on it.
async fn save_elsewhere(
    connection: &mut PgConnection,
    rows: &[Row<'_, Case>],
) -> Result<(), sqlx::Error> {
    let elsewhere: Vec<_> = rows
        .iter()
        .flat_map(|row| {
            let tenants = row.state.tenants().into_iter();
            tenants
                .filter(|agency| *agency != row.state.competent_agency)
                .map(move |agency| (agency, row.key, row.state))
        })
        .collect();
    if elsewhere.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO case_elsewhere (agency, code, competent_agency, state_number, due_at) \
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[]) \
         ON CONFLICT (code, agency) DO UPDATE SET state_number = excluded.state_number, due_at = excluded.due_at \
             WHERE (case_elsewhere.state_number, case_elsewhere.due_at) <> (excluded.state_number, excluded.due_at)",
    )
    .bind(elsewhere.iter().map(|(agency, ..)| agency.as_str()).collect::<Vec<_>>())
    .bind(elsewhere.iter().map(|(_, code, _)| *code).collect::<Vec<_>>())
    .bind(elsewhere.iter().map(|(.., case)| case.competent_agency.as_str()).collect::<Vec<_>>())
    .bind(elsewhere.iter().map(|(.., case)| small(case.state.into())).collect::<Vec<_>>())
    .bind(elsewhere.iter().map(|(.., case)| Instant(case.due.at)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
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
        "INSERT INTO task (dossier, number, agency, role, state_number, assignee, rank, case_due_at, held, escalated) \
         SELECT * FROM UNNEST($1::text[], $2::integer[], $3::text[], $4::smallint[], $5::smallint[], $6::text[], \
                              $7::smallint[], $8::timestamptz[], $9::boolean[], $10::boolean[]) \
         ON CONFLICT (dossier, number) DO UPDATE SET state_number = excluded.state_number, \
             assignee = excluded.assignee, case_due_at = excluded.case_due_at, held = excluded.held, \
             escalated = excluded.escalated",
    )
    .bind(touched.iter().map(|(code, ..)| (*code).to_owned()).collect::<Vec<_>>())
    .bind(touched.iter().map(|(_, _, index, _)| i32::try_from(index + 1).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| task.agency.clone()).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| small(task.role.into())).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| small(task.state.into())).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| task.assignee.clone()).collect::<Vec<_>>())
    .bind(touched.iter().map(|(_, case, ..)| rank(case)).collect::<Vec<_>>())
    .bind(touched.iter().map(|(_, case, _, task)| Instant(case.due_of(task))).collect::<Vec<_>>())
    .bind(touched.iter().map(|(_, case, _, task)| case.holds_up(task)).collect::<Vec<_>>())
    .bind(touched.iter().map(|(.., task)| task.escalation.is_some_and(|it| it.done)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

fn small(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}
