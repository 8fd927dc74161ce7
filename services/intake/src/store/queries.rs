//! Reading dossiers.

use jiff::Timestamp;
use motcua_platform::{
    archive::Reading,
    error::Error,
    scope::Scope,
    statement::{self, Statement},
    time::Instant,
    vault::Vault,
};
use motcua_proto::intake::v1::{Applicant, Dossier as ProtoDossier, DossierFlag, StatementKind};
use sqlx::types::Json;

use crate::domain::{applicant, dossier::Dossier};

/// Where a dossier stands.
///
/// # Errors
/// Those of the database.
pub(crate) async fn dossier(
    reading: &mut Reading,
    code: &str,
) -> Result<Option<Dossier>, sqlx::Error> {
    let reach = reading.scope().reach();
    let state: Option<(Json<Dossier>, bool)> = sqlx::query_as(
        "SELECT state, archived FROM dossier WHERE code = $1 AND reaches($2, tenants)",
    )
    .bind(code)
    .bind(reach)
    .fetch_optional(&mut **reading)
    .await?;
    Ok(state
        .map(|(Json(state), archived)| Dossier { archived, ..state })
        .filter(|state| reading.shows(&state.tenants())))
}

/// The latest statement of each kind, of a dossier that was read before.
///
/// # Errors
/// [`Error::Erased`] once the applicant's key is destroyed; those of the database.
pub(crate) async fn statements(
    reading: &mut Reading,
    vault: &Vault,
    code: &str,
) -> Result<Vec<Statement>, Error> {
    statement::latest(reading, vault, code, &format!("dossiers/{code}")).await
}

/// Everything that was ever said about a dossier that was read before.
///
/// # Errors
/// As [`statements`].
pub(crate) async fn all_statements(
    reading: &mut Reading,
    vault: &Vault,
    code: &str,
) -> Result<Vec<Statement>, Error> {
    statement::all(reading, vault, code, &format!("dossiers/{code}")).await
}

/// The latest particulars of each of these dossiers that were not erased.
///
/// # Errors
/// Those of the database.
pub(crate) async fn applicants(
    reading: &mut Reading,
    vault: &Vault,
    codes: &[String],
) -> Result<Vec<(String, Applicant)>, Error> {
    let mut found = Vec::new();
    for code in codes {
        let said = match statements(reading, vault, code).await {
            Ok(said) => said,
            Err(Error::Erased { .. }) => continue,
            Err(error) => return Err(error),
        };
        let particulars = said
            .iter()
            .find(|said| said.kind == i32::from(StatementKind::Applicant))
            .and_then(|said| applicant::read(said.body.expose()));
        found.extend(particulars.map(|particulars| (code.clone(), particulars)));
    }
    Ok(found)
}

/// By the index on the moment of reception. The fence (OFFSET 0) keeps the order from tempting the planner into walking all codes.
const RECEIVED: &str = "SELECT code, state FROM (SELECT * FROM dossier \
         WHERE receiving_agency = $1 AND received_at >= $2 AND received_at < $3 OFFSET 0) AS received \
     WHERE reaches($4, tenants) ORDER BY code LIMIT $5";

/// What an agency received in a period, in the archive or not, by code.
///
/// # Errors
/// Those of the database.
pub(crate) async fn received(
    reading: &mut Reading,
    agency: &str,
    period: &std::ops::Range<Timestamp>,
    rows: i64,
) -> Result<Vec<(String, Dossier)>, sqlx::Error> {
    let reach = reading.scope().reach();
    let found: Vec<(String, Json<Dossier>)> = sqlx::query_as(RECEIVED)
        .bind(agency)
        .bind(Instant(period.start))
        .bind(Instant(period.end))
        .bind(reach)
        .bind(rows)
        .fetch_all(&mut **reading)
        .await?;
    Ok(shown(reading, found))
}

/// Those of the rows that the reader may see: the program's wall, behind the database's.
fn shown(reading: &Reading, found: Vec<(String, Json<Dossier>)>) -> Vec<(String, Dossier)> {
    found
        .into_iter()
        .map(|(code, Json(dossier))| (code, dossier))
        .filter(|(_, dossier)| reading.shows(&dossier.tenants()))
        .collect()
}

/// Dossiers of an agency that have not ended and for which a visit was arranged, by code. What is open is little.
///
/// # Errors
/// Those of the database.
pub(crate) async fn to_visit(
    reading: &mut Reading,
    agency: &str,
) -> Result<Vec<(String, Dossier)>, sqlx::Error> {
    let reach = reading.scope().reach();
    let found: Vec<(String, Json<Dossier>)> = sqlx::query_as(
        "SELECT code, state FROM (SELECT * FROM dossier \
             WHERE status IN (1, 2, 4, 5, 6, 9) AND receiving_agency = $1 OFFSET 0) AS open \
         WHERE state->'visits' IS NOT NULL AND reaches($2, tenants) ORDER BY code",
    )
    .bind(agency)
    .bind(reach)
    .fetch_all(&mut **reading)
    .await?;
    Ok(shown(reading, found))
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
    /// Bits of [`flags`] that must all be set.
    pub(crate) flags: i32,
    /// Due before.
    pub(crate) due_before: Option<Timestamp>,
    /// Result ready before, and not handed over.
    pub(crate) ready_before: Option<Timestamp>,
    /// Received at or after, and before.
    pub(crate) received: Period,
    /// Ended at or after, and before.
    pub(crate) ended: Period,
    /// Whether only what was handed over is asked for.
    pub(crate) handed_over: bool,
    /// The agency that decides; empty for all.
    pub(crate) competent_agency: String,
    /// Whether what is in the archive is asked for, and not the rest.
    pub(crate) archived: bool,
    /// Any of these, by code, in the order of codes; none for all.
    pub(crate) codes: Option<Vec<String>>,
    /// The last row of the page before.
    pub(crate) after: Option<(Timestamp, String)>,
    /// Rows at most.
    pub(crate) rows: i64,
}

/// A time with an end that is no longer in it, either of them open where it is not set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Period {
    /// At or after.
    pub(crate) from: Option<Timestamp>,
    /// Before.
    pub(crate) to: Option<Timestamp>,
}

impl Period {
    /// Whether it is limited at all.
    pub(crate) fn is_set(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// What lies in both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: self.to.into_iter().chain(other.to).min(),
        }
    }
}

/// One text for each way in, so that each has its index whatever plan PostgreSQL keeps: `dossier_open` for what is
/// still to be acted on, `dossier_agency` for what an agency received, `dossier_elsewhere` beside it for what it is competent
/// for, `dossier_owner` for a citizen's own, `dossier_submitted` for all, `dossier_received` and `dossier_ended` for an
/// agency's periods, the key for another system's. `$11` is the caller's
/// reach; `$12` the agency or the citizen that it is limited to.
macro_rules! list {
    ($way_in:literal) => {
        concat!(
            "SELECT code, state, archived FROM ",
            $way_in,
            " AND ($1 = '' OR receiving_agency = $1) AND ($2::smallint[] = '{}' OR status = ANY($2)) \
             AND ($3 = '' OR procedure = $3) AND ($4 = 0::smallint OR hand_over_method = $4) \
             AND submitted_at >= coalesce($5, '-infinity') AND submitted_at < coalesce($6, 'infinity') \
             AND ($7 = '' OR code IN (SELECT dossier FROM external_code WHERE code = $7)) \
             AND flags & $14::integer = $14 AND ($15::timestamptz IS NULL OR due_at < $15) \
             AND ($16::timestamptz IS NULL OR (status = 9 AND (state->'result'->>'ready_at')::timestamptz < $16)) \
             AND ($17::timestamptz IS NULL OR received_at >= $17) AND ($18::timestamptz IS NULL OR received_at < $18) \
             AND ($19::timestamptz IS NULL OR ended_at >= $19) AND ($20::timestamptz IS NULL OR ended_at < $20) \
             AND (NOT $21 OR status = 10) AND ($22 = '' OR competent_agency = $22) \
             AND (submitted_at, code) > (coalesce($8, '-infinity'), $9) AND reaches($11, tenants) \
             ORDER BY submitted_at, code LIMIT $10"
        )
    };
}

const BY_CODES: &str = list!("dossier WHERE code = ANY($13)");
const BY_EXTERNAL_CODE: &str =
    list!("dossier WHERE code IN (SELECT dossier FROM external_code WHERE code = $7)");
// Few are flagged: only what waits for somebody.
const FLAGGED: &str = list!("dossier WHERE flags <> 0 AND NOT archived");
const ARCHIVED: &str = list!("dossier WHERE archived");
// What is open is little. The fence (OFFSET 0) keeps the order from tempting the planner into walking the whole history.
const OPEN: &str = list!(
    "(SELECT * FROM dossier WHERE status IN (1, 2, 4, 5, 6, 9) AND status = ANY($2) OFFSET 0) AS open WHERE true"
);
const OPEN_OF_AGENCY: &str = list!(
    "(SELECT * FROM dossier WHERE status IN (1, 2, 4, 5, 6, 9) AND status = ANY($2) \
      AND receiving_agency = $1 OFFSET 0) AS open WHERE true"
);
const OPEN_OF_REACH: &str = list!(
    "(SELECT * FROM dossier WHERE status IN (1, 2, 4, 5, 6, 9) AND status = ANY($2) AND receiving_agency = $12 \
      UNION ALL SELECT * FROM dossier WHERE status = ANY($2) AND competent_agency = $12 \
      AND competent_agency <> receiving_agency AND NOT archived OFFSET 0) AS open WHERE true"
);
const OF_AGENCY: &str = list!("dossier WHERE receiving_agency = $1 AND NOT archived");
const OF_REACH: &str = list!(
    "(SELECT * FROM dossier WHERE receiving_agency = $12 AND NOT archived \
      UNION ALL SELECT * FROM dossier WHERE competent_agency = $12 AND competent_agency <> receiving_agency \
      AND NOT archived) AS reached WHERE true"
);
const COMPETENT: &str = list!(
    "(SELECT * FROM dossier WHERE receiving_agency = $22 AND NOT archived \
      UNION ALL SELECT * FROM dossier WHERE competent_agency = $22 AND competent_agency <> receiving_agency \
      AND NOT archived) AS reached WHERE true"
);
// What an agency received or ended in a period. The fence keeps the order of submission from tempting the planner into walking all that
// it ever received; what is in the archive is left out behind it, or the index of all that is not would do.
const RECEIVED_IN: &str = list!(
    "(SELECT * FROM dossier WHERE receiving_agency = $1 AND received_at >= coalesce($17, '-infinity') \
      AND received_at < coalesce($18, 'infinity') OFFSET 0) AS received WHERE NOT archived"
);
const ENDED_IN: &str = list!(
    "(SELECT * FROM dossier WHERE receiving_agency = $1 AND ended_at >= coalesce($19, '-infinity') \
      AND ended_at < coalesce($20, 'infinity') OFFSET 0) AS ended WHERE NOT archived"
);
// Of what an agency reaches, what another centre received for it is few.
const RECEIVED_IN_REACH: &str = list!(
    "(SELECT * FROM dossier WHERE receiving_agency = $12 AND received_at >= coalesce($17, '-infinity') \
      AND received_at < coalesce($18, 'infinity') \
      UNION ALL SELECT * FROM dossier WHERE competent_agency = $12 AND competent_agency <> receiving_agency \
      AND NOT archived OFFSET 0) AS received WHERE NOT archived"
);
const ENDED_IN_REACH: &str = list!(
    "(SELECT * FROM dossier WHERE receiving_agency = $12 AND ended_at >= coalesce($19, '-infinity') \
      AND ended_at < coalesce($20, 'infinity') \
      UNION ALL SELECT * FROM dossier WHERE competent_agency = $12 AND competent_agency <> receiving_agency \
      AND NOT archived OFFSET 0) AS ended WHERE NOT archived"
);
const OWN: &str = list!("dossier WHERE owner = $12 AND owner <> ''");
const ALL: &str = list!("dossier WHERE NOT archived");

/// Flags as the column has them: a bit each, by the contract's number.
pub(crate) fn flags(flags: &[DossierFlag]) -> i32 {
    flags
        .iter()
        .fold(0, |bits, flag| bits | 1 << i32::from(*flag))
}

impl Filter {
    /// Whether a period would be looked for among everything that a whole city ever received.
    pub(crate) fn walks_everything(&self, scope: &Scope) -> bool {
        (self.received.is_set() || self.ended.is_set()) && self.text(scope).0 == ALL
    }

    /// The text for a caller, and the agency or the citizen that it is limited to.
    fn text<'a>(&self, scope: &'a Scope) -> (&'static str, &'a str) {
        let open = !self.statuses.is_empty()
            && self
                .statuses
                .iter()
                .all(|status| matches!(status, 1 | 2 | 4 | 5 | 6 | 9));
        if self.codes.is_some() {
            return (BY_CODES, "");
        }
        if !self.external_code.is_empty() {
            return (BY_EXTERNAL_CODE, "");
        }
        if let Some(owner) = scope.owner() {
            return (OWN, owner);
        }
        if self.archived {
            return (ARCHIVED, "");
        }
        if self.flags != 0 {
            return (FLAGGED, "");
        }
        let of_agency = !self.receiving_agency.is_empty();
        match (of_agency, scope.only_agency()) {
            (true, _) if self.received.is_set() => return (RECEIVED_IN, ""),
            (true, _) if self.ended.is_set() => return (ENDED_IN, ""),
            (false, Some(agency)) if self.received.is_set() => {
                return (RECEIVED_IN_REACH, agency);
            }
            (false, Some(agency)) if self.ended.is_set() => return (ENDED_IN_REACH, agency),
            (false, None) if !self.competent_agency.is_empty() => return (COMPETENT, ""),
            _ => {}
        }
        match (open, !of_agency, scope.only_agency()) {
            (true, false, _) => (OPEN_OF_AGENCY, ""),
            (false, false, _) => (OF_AGENCY, ""),
            (true, true, Some(agency)) => (OPEN_OF_REACH, agency),
            (false, true, Some(agency)) => (OF_REACH, agency),
            (true, true, None) => (OPEN, ""),
            (false, true, None) => (ALL, ""),
        }
    }
}

/// Dossiers in the BASIC view, by submission.
///
/// # Errors
/// Those of the database.
pub(crate) async fn list(
    reading: &mut Reading,
    filter: &Filter,
) -> Result<Vec<ProtoDossier>, sqlx::Error> {
    let scope = reading.scope().clone();
    let (text, limited_to) = filter.text(&scope);
    let (after_at, after_code) = filter
        .after
        .clone()
        .map(|(at, code)| (Some(Instant(at)), code))
        .unwrap_or_default();
    let rows: Vec<(String, Json<Dossier>, bool)> = sqlx::query_as(text)
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
        .bind(scope.reach())
        .bind(limited_to)
        .bind(&filter.codes)
        .bind(filter.flags)
        .bind(filter.due_before.map(Instant))
        .bind(filter.ready_before.map(Instant))
        .bind(filter.received.from.map(Instant))
        .bind(filter.received.to.map(Instant))
        .bind(filter.ended.from.map(Instant))
        .bind(filter.ended.to.map(Instant))
        .bind(filter.handed_over)
        .bind(&filter.competent_agency)
        .fetch_all(&mut **reading)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(code, Json(state), archived)| (code, Dossier { archived, ..state }))
        .filter(|(_, state)| reading.shows(&state.tenants()))
        .map(|(code, state)| state.to_proto(&code))
        .collect())
}

#[cfg(test)]
mod tests {
    use motcua_platform::{
        database::{Base, steady},
        postgres::{DataDir, Options, Server},
    };
    use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

    use super::*;

    /// Eleven months of a city of 114 wards, nearly all of it handed over.
    const A_CITY: &str = "INSERT INTO dossier SELECT 'H24.' || n % 114 || '-' || n, 'ward-' || n % 114, \
             CASE WHEN n % 50 = 0 THEN 'ward-7' ELSE 'ward-' || n % 114 END, \
             ARRAY['ward-' || n % 114, CASE WHEN n % 50 = 0 THEN 'ward-7' ELSE 'ward-' || n % 114 END], \
             CASE WHEN n % 40 = 0 THEN 'citizen-' || n % 1000 ELSE '' END, '1.000656', \
             CASE WHEN n % 997 = 0 THEN 4 ELSE 10 END, 1, 1, '2025-01-01'::timestamptz + n * '6 min'::interval, \
             NULL, NULL, 1, '{}' FROM generate_series(1, 80000) AS n";

    #[tokio::test]
    async fn every_way_in_has_its_index_whatever_plan_is_kept() {
        let server = Server::start(Options::new(DataDir::Temporary))
            .await
            .unwrap();
        let base: Base = server.base_url().parse().unwrap();
        base.prepare("plans", &crate::MIGRATIONS).await.unwrap();
        let mut owner = PgConnection::connect_with(&base.owner("plans"))
            .await
            .unwrap();
        owner.execute(A_CITY).await.unwrap();
        // Those that are open go first, and the oldest are in the archive.
        owner
            .execute(
                "UPDATE dossier SET flags = CASE WHEN status = 4 THEN 4 ELSE 0 END, \
                                    received_at = submitted_at + '10 min'::interval, \
                                    ended_at = CASE WHEN status = 10 THEN submitted_at + '1 day'::interval END, \
                                    archived = status = 10 AND submitted_at < '2025-05-01'",
            )
            .await
            .unwrap();
        owner.execute("ANALYZE dossier").await.unwrap();
        owner.close().await.ok();
        // As the role that reads, behind its wall.
        let mut connection = PgConnection::connect_with(&steady(&base.reader("plans")))
            .await
            .unwrap();
        let city = "'*', ''";
        let ward = "'ward-7', 'ward-7'";
        let citizen = "'o:citizen-40', 'citizen-40'";
        for (text, indexes, agency, statuses, external_code, reach) in [
            (BY_CODES, &["dossier_pkey"][..], "", "{}", "", ward),
            (
                BY_EXTERNAL_CODE,
                &["dossier_pkey"][..],
                "",
                "{}",
                "G22",
                city,
            ),
            (OPEN, &["dossier_open"], "", "{1,4}", "", city),
            (
                OPEN_OF_AGENCY,
                &["dossier_open"],
                "ward-7",
                "{1,4}",
                "",
                ward,
            ),
            (
                OPEN_OF_REACH,
                &["dossier_open", "dossier_elsewhere"],
                "",
                "{1,4}",
                "",
                ward,
            ),
            (OF_AGENCY, &["dossier_agency"], "ward-7", "{}", "", ward),
            (OF_AGENCY, &["dossier_agency"], "ward-7", "{10}", "", city),
            (
                OF_REACH,
                &["dossier_agency", "dossier_elsewhere"],
                "",
                "{}",
                "",
                ward,
            ),
            (FLAGGED, &["dossier_flagged"], "", "{}", "", city),
            (FLAGGED, &["dossier_flagged"], "ward-7", "{}", "", ward),
            (ARCHIVED, &["dossier_archived"], "ward-7", "{}", "", ward),
            (OWN, &["dossier_owner"], "", "{}", "", citizen),
            (ALL, &["dossier_submitted"], "", "{}", "", city),
            (
                COMPETENT,
                &["dossier_agency", "dossier_elsewhere"],
                "",
                "{}",
                "",
                city,
            ),
            (RECEIVED_IN, &["dossier_received"], "ward-7", "{}", "", city),
            (ENDED_IN, &["dossier_ended"], "ward-7", "{10}", "", ward),
            (
                RECEIVED_IN_REACH,
                &["dossier_received", "dossier_elsewhere"],
                "",
                "{}",
                "",
                ward,
            ),
            (
                ENDED_IN_REACH,
                &["dossier_ended", "dossier_elsewhere"],
                "",
                "{}",
                "",
                ward,
            ),
        ] {
            let values =
                format!("'{agency}', '{statuses}', '', 0::smallint, NULL, NULL, '{external_code}'");
            let month = "'2025-07-01', '2025-08-01'";
            let periods = match text {
                RECEIVED_IN | RECEIVED_IN_REACH => format!("{month}, NULL, NULL, false, ''"),
                ENDED_IN | ENDED_IN_REACH => format!("NULL, NULL, {month}, true, ''"),
                COMPETENT => "NULL, NULL, NULL, NULL, false, 'ward-7'".to_owned(),
                _ => "NULL, NULL, NULL, NULL, false, ''".to_owned(),
            };
            for mode in ["force_generic_plan", "force_custom_plan"] {
                let plan = plan(&mut connection, text, [&values, &periods], reach, mode).await;
                for index in indexes {
                    assert!(plan.contains(index), "{index}, {mode}:\n{plan}");
                }
                assert!(!plan.contains("Seq Scan on dossier"), "{mode}:\n{plan}");
            }
        }
        let received = (RECEIVED, "text, timestamptz, timestamptz, text, bigint");
        for mode in ["force_generic_plan", "force_custom_plan"] {
            for reach in ["'*'", "'ward-7'"] {
                let values = format!("'ward-7', '2025-06-01', '2025-07-01', {reach}, 2001");
                let plan = explained(&mut connection, received, &values, reach, mode).await;
                assert!(plan.contains("dossier_received"), "{mode}:\n{plan}");
                assert!(!plan.contains("Seq Scan on dossier"), "{mode}:\n{plan}");
            }
        }
        connection.close().await.ok();
        server.stop().await.unwrap();
    }

    async fn plan(
        connection: &mut PgConnection,
        text: &str,
        [values, periods]: [&str; 2],
        reach: &str,
        mode: &str,
    ) -> String {
        let (reached, _) = reach.split_once(", ").unwrap();
        let types = "text, smallint[], text, smallint, timestamptz, timestamptz, text, timestamptz, text, bigint, text, text, text[], \
                     integer, timestamptz, timestamptz, timestamptz, timestamptz, timestamptz, timestamptz, boolean, text";
        let values = format!(
            "{values}, '2025-06-01', 'H24.7', 51, {reach}, '{{H24.7-77}}', 4, NULL, NULL, {periods}"
        );
        explained(connection, (text, types), &values, reached, mode).await
    }

    async fn explained(
        connection: &mut PgConnection,
        (text, types): (&str, &str),
        values: &str,
        reached: &str,
        mode: &str,
    ) -> String {
        let prepared = format!(
            "SET plan_cache_mode = {mode}; SET motcua.reach = {reached}; PREPARE asked ({types}) AS {text}"
        );
        connection.execute(AssertSqlSafe(prepared)).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE asked ({values})");
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        connection.execute("DEALLOCATE asked").await.unwrap();
        lines.join("\n")
    }
}
