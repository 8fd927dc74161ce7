//! Reading dossiers.

use jiff::Timestamp;
use motcua_platform::{
    statement::{self, Statement},
    time::Instant,
};
use motcua_proto::intake::v1::Dossier as ProtoDossier;
use sqlx::{PgConnection, PgPool, types::Json};

use crate::domain::dossier::Dossier;

/// A dossier, in the BASIC view.
///
/// # Errors
/// Those of the database.
pub(crate) async fn dossier(
    pool: &PgPool,
    code: &str,
) -> Result<Option<ProtoDossier>, sqlx::Error> {
    let state: Option<Json<Dossier>> =
        sqlx::query_scalar("SELECT state FROM dossier WHERE code = $1")
            .bind(code)
            .fetch_optional(pool)
            .await?;
    Ok(state.map(|Json(state)| state.to_proto(code)))
}

/// The latest statement of each kind.
///
/// # Errors
/// Those of the database.
pub(crate) async fn statements(
    connection: &mut PgConnection,
    code: &str,
) -> Result<Vec<Statement>, sqlx::Error> {
    statement::latest(connection, &format!("dossiers/{code}")).await
}

/// Which dossiers are asked for. Filters add up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// The agency that received; empty for all.
    pub(crate) receiving_agency: String,
    /// Any of these; empty for all.
    pub(crate) statuses: Vec<i16>,
    /// National code of the procedure; empty for all.
    pub(crate) procedure: String,
    /// How the result is to be handed over; 0 for any.
    pub(crate) hand_over_method: i16,
    /// Submitted at or after.
    pub(crate) submitted_from: Option<Timestamp>,
    /// Submitted before.
    pub(crate) submitted_to: Option<Timestamp>,
    /// The code in another system; empty for all.
    pub(crate) external_code: String,
    /// The last row of the page before.
    pub(crate) after: Option<(Timestamp, String)>,
    /// Rows at most.
    pub(crate) rows: i64,
}

/// One text for each way in, so that each has its index whatever plan PostgreSQL keeps: `dossier_open` for what is
/// still to be acted on, `dossier_agency` for an agency's, `dossier_submitted` for all, the key for another system's.
macro_rules! list {
    ($way_in:literal) => {
        concat!(
            "SELECT code, state FROM ",
            $way_in,
            " AND ($1 = '' OR receiving_agency = $1) AND ($2::smallint[] = '{}' OR status = ANY($2)) \
             AND ($3 = '' OR procedure = $3) AND ($4 = 0::smallint OR hand_over_method = $4) \
             AND submitted_at >= coalesce($5, '-infinity') AND submitted_at < coalesce($6, 'infinity') \
             AND ($7 = '' OR code = (SELECT dossier FROM external_code WHERE code = $7)) \
             AND (submitted_at, code) > (coalesce($8, '-infinity'), $9) \
             ORDER BY submitted_at, code LIMIT $10"
        )
    };
}

const BY_EXTERNAL_CODE: &str =
    list!("dossier WHERE code = (SELECT dossier FROM external_code WHERE code = $7)");
// What is open is little. The fence (OFFSET 0) keeps the order from tempting the planner into walking the whole history.
const OPEN: &str = list!(
    "(SELECT * FROM dossier WHERE status IN (1, 2, 4, 5, 6, 9) AND status = ANY($2) OFFSET 0) AS open WHERE true"
);
const OPEN_OF_AGENCY: &str = list!(
    "(SELECT * FROM dossier WHERE status IN (1, 2, 4, 5, 6, 9) AND status = ANY($2) \
      AND receiving_agency = $1 OFFSET 0) AS open WHERE true"
);
const OF_AGENCY: &str = list!("dossier WHERE receiving_agency = $1");
const ALL: &str = list!("dossier WHERE true");

impl Filter {
    fn text(&self) -> &'static str {
        let open = !self.statuses.is_empty()
            && self
                .statuses
                .iter()
                .all(|status| matches!(status, 1 | 2 | 4 | 5 | 6 | 9));
        match (
            self.external_code.is_empty(),
            open,
            self.receiving_agency.is_empty(),
        ) {
            (false, _, _) => BY_EXTERNAL_CODE,
            (true, true, false) => OPEN_OF_AGENCY,
            (true, true, true) => OPEN,
            (true, false, false) => OF_AGENCY,
            (true, false, true) => ALL,
        }
    }
}

/// Dossiers in the BASIC view, by submission.
///
/// # Errors
/// Those of the database.
pub(crate) async fn list(pool: &PgPool, filter: &Filter) -> Result<Vec<ProtoDossier>, sqlx::Error> {
    let (after_at, after_code) = filter
        .after
        .clone()
        .map(|(at, code)| (Some(Instant(at)), code))
        .unwrap_or_default();
    let rows: Vec<(String, Json<Dossier>)> = sqlx::query_as(filter.text())
        .bind(&filter.receiving_agency)
        .bind(&filter.statuses)
        .bind(&filter.procedure)
        .bind(filter.hand_over_method)
        .bind(filter.submitted_from.map(Instant))
        .bind(filter.submitted_to.map(Instant))
        .bind(&filter.external_code)
        .bind(after_at)
        .bind(after_code)
        .bind(filter.rows)
        .fetch_all(pool)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(code, Json(state))| state.to_proto(&code))
        .collect())
}

#[cfg(test)]
mod tests {
    use motcua_platform::{
        database::Base,
        postgres::{DataDir, Options, Server},
    };
    use sqlx::{AssertSqlSafe, Connection, Executor};

    use super::*;

    /// Eleven months of a city of 114 wards, nearly all of it handed over.
    const A_CITY: &str = "INSERT INTO dossier SELECT 'H24.' || n % 114 || '-' || n, 'ward-' || n % 114, '', '1.000656', \
             CASE WHEN n % 997 = 0 THEN 4 ELSE 10 END, 1, 1, '2025-01-01'::timestamptz + n * '6 min'::interval, \
             NULL, NULL, 1, '{}' FROM generate_series(1, 80000) AS n";

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
        connection.execute("ANALYZE dossier").await.unwrap();
        for (text, index, agency, statuses, external_code) in [
            (BY_EXTERNAL_CODE, "dossier_pkey", "", "{}", "G22"),
            (OPEN, "dossier_open", "", "{1,4}", ""),
            (OPEN_OF_AGENCY, "dossier_open", "ward-7", "{1,4}", ""),
            (OF_AGENCY, "dossier_agency", "ward-7", "{}", ""),
            (OF_AGENCY, "dossier_agency", "ward-7", "{10}", ""),
            (ALL, "dossier_submitted", "", "{}", ""),
        ] {
            let values =
                format!("'{agency}', '{statuses}', '', 0::smallint, NULL, NULL, '{external_code}'");
            for mode in ["force_generic_plan", "force_custom_plan"] {
                let plan = plan(&mut connection, text, &values, mode).await;
                assert!(plan.contains(index), "{index}, {mode}:\n{plan}");
                assert!(!plan.contains("Seq Scan on dossier"), "{mode}:\n{plan}");
            }
        }
        connection.close().await.ok();
        server.stop().await.unwrap();
    }

    async fn plan(connection: &mut PgConnection, text: &str, values: &str, mode: &str) -> String {
        let prepared = format!(
            "SET plan_cache_mode = {mode}; PREPARE asked (text, smallint[], text, smallint, timestamptz, \
             timestamptz, text, timestamptz, text, bigint) AS {text}"
        );
        connection.execute(AssertSqlSafe(prepared)).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE asked ({values}, '2025-06-01', 'H24.7', 51)");
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        connection.execute("DEALLOCATE asked").await.unwrap();
        lines.join("\n")
    }
}
