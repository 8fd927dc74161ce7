//! Branches at other agencies: their rows, written with the case's, and their lists.

use jiff::Timestamp;
use motcua_platform::{archive::Reading, ledger::Row, time::Instant};
use motcua_proto::workflow::v1::SubCaseState;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::read;
use crate::domain::{Case, SubCase};

/// What a list asks a branch's row for, as the number that stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    ended: bool,
    overdue: bool,
}

impl Standing {
    const EVERY: [Self; 4] = [
        Self::new(false, false),
        Self::new(false, true),
        Self::new(true, false),
        Self::new(true, true),
    ];

    const fn new(ended: bool, overdue: bool) -> Self {
        Self { ended, overdue }
    }

    fn of(case: &Case, sub_case: &SubCase) -> Self {
        Self::new(!case.is_under_way(sub_case), sub_case.is_overdue())
    }

    fn number(self) -> i16 {
        1 + 2 * i16::from(self.ended) + i16::from(self.overdue)
    }
}

/// Writes how the branches of cases stand, for everybody who finds the case.
pub(super) async fn save_sub_cases(
    connection: &mut PgConnection,
    rows: &[Row<'_, Case>],
) -> Result<(), sqlx::Error> {
    let mut columns = Columns::default();
    for row in rows.iter().filter(|row| !row.state.sub_cases.is_empty()) {
        let tenants = row.state.tenants();
        for (index, sub_case) in row.state.sub_cases.iter().enumerate() {
            for tenant in &tenants {
                columns.push(row, index, sub_case, tenant);
            }
        }
    }
    if columns.dossiers.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO sub_case (dossier, number, tenant, agency, procedure, standing, due_at) \
         SELECT * FROM UNNEST($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::smallint[], \
                              $7::timestamptz[]) \
         ON CONFLICT (dossier, number, tenant) DO UPDATE SET standing = excluded.standing, due_at = excluded.due_at \
             WHERE (sub_case.standing, sub_case.due_at) <> (excluded.standing, excluded.due_at)",
    )
    .bind(columns.dossiers)
    .bind(columns.numbers)
    .bind(columns.tenants)
    .bind(columns.agencies)
    .bind(columns.procedures)
    .bind(columns.standings)
    .bind(columns.due_at)
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(Default)]
struct Columns {
    dossiers: Vec<String>,
    numbers: Vec<i32>,
    tenants: Vec<String>,
    agencies: Vec<String>,
    procedures: Vec<String>,
    standings: Vec<i16>,
    due_at: Vec<Instant>,
}

impl Columns {
    fn push(&mut self, row: &Row<'_, Case>, index: usize, sub_case: &SubCase, tenant: &str) {
        self.dossiers.push(row.key.to_owned());
        self.numbers
            .push(i32::try_from(index + 1).unwrap_or(i32::MAX));
        self.tenants.push(tenant.to_owned());
        self.agencies.push(sub_case.agency.clone());
        self.procedures.push(sub_case.procedure.clone());
        self.standings
            .push(Standing::of(row.state, sub_case).number());
        self.due_at.push(Instant(sub_case.due_at));
    }
}

/// Which branches; what is empty does not matter.
#[derive(Debug, Default)]
pub(crate) struct SubCaseFilter {
    /// That works on them.
    pub(crate) agency: String,
    pub(crate) state: SubCaseState,
    pub(crate) overdue_only: bool,
    pub(crate) due_before: Option<Timestamp>,
    /// Of any of these procedures: the code that one has, and those that it had before.
    pub(crate) procedures: Vec<String>,
    /// The last one of the page before.
    pub(crate) after: Option<SubCaseKey>,
    pub(crate) rows: i64,
}

impl SubCaseFilter {
    /// The standings that it asks for.
    fn standings(&self) -> Vec<i16> {
        let wanted = |standing: &Standing| {
            let state = match self.state {
                SubCaseState::Open => !standing.ended,
                SubCaseState::Ended => standing.ended,
                SubCaseState::Unspecified => true,
            };
            state && (standing.overdue || !self.overdue_only)
        };
        let every = Standing::EVERY.into_iter();
        every.filter(wanted).map(Standing::number).collect()
    }
}

/// Where a list of branches goes on: after this one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SubCaseKey {
    pub(crate) due_at: Timestamp,
    pub(crate) dossier: String,
    pub(crate) number: i32,
}

/// A branch in its case.
#[derive(Debug)]
pub(crate) struct ListedSubCase {
    pub(crate) code: String,
    pub(crate) case: Case,
    /// Index of the branch.
    pub(crate) index: usize,
}

/// As for cases: each standing is asked on its own, for no more than a page, along an index that has it in the order of the list.
/// What is several tenants' comes once.
macro_rules! list_sub_cases {
    ($from:literal, $way_in:literal) => {
        concat!(
            "SELECT page.dossier, page.number, cases.state::text FROM ( \
                SELECT DISTINCT page.due_at, page.dossier, page.number FROM ",
            $from,
            "unnest($1::smallint[]) AS wanted (standing) \
                CROSS JOIN LATERAL (SELECT due_at, dossier, number FROM sub_case \
                    WHERE sub_case.standing = wanted.standing AND ",
            $way_in,
            " AND due_at < $3 \
                      AND (due_at, dossier, number) > ($5, $6, $7) \
                    ORDER BY due_at, dossier, number LIMIT $8) AS page \
                ORDER BY page.due_at, page.dossier, page.number LIMIT $8) AS page \
             JOIN cases ON cases.code = page.dossier WHERE reaches($9, cases.tenants) \
             ORDER BY page.due_at, page.dossier, page.number"
        )
    };
}

/// For whoever reaches the whole city: of each branch the row of its own agency.
pub(super) const SUB_CASES: &str = list_sub_cases!(
    "",
    "$9 = '*' AND $2::text[] = '{}' AND $4::text[] = '{}' AND tenant = agency"
);
/// Those that are at an agency, of each tenant.
pub(super) const SUB_CASES_AT_AGENCY: &str = list_sub_cases!(
    "unnest($2::text[]) AS own (tenant) CROSS JOIN ",
    "tenant = own.tenant AND agency = $10 AND $4::text[] = '{}' AND reaches($9, ARRAY[own.tenant])"
);
/// Those of each tenant.
pub(super) const SUB_CASES_OF_TENANTS: &str = list_sub_cases!(
    "unnest($2::text[]) AS own (tenant) CROSS JOIN ",
    "tenant = own.tenant AND number > 0 AND $4::text[] = '{}' AND reaches($9, ARRAY[own.tenant])"
);
/// The same of procedures, each asked on its own.
pub(super) const SUB_CASES_OF_PROCEDURES: &str = list_sub_cases!(
    "unnest($4::text[]) AS named (procedure) CROSS JOIN ",
    "$9 = '*' AND $2::text[] = '{}' AND tenant = agency AND procedure = named.procedure"
);
pub(super) const SUB_CASES_OF_PROCEDURES_AT_AGENCY: &str = list_sub_cases!(
    "unnest($2::text[]) AS own (tenant) CROSS JOIN unnest($4::text[]) AS named (procedure) CROSS JOIN ",
    "tenant = own.tenant AND agency = $10 AND procedure = named.procedure AND reaches($9, ARRAY[own.tenant])"
);
pub(super) const SUB_CASES_OF_PROCEDURES_OF_TENANTS: &str = list_sub_cases!(
    "unnest($2::text[]) AS own (tenant) CROSS JOIN unnest($4::text[]) AS named (procedure) CROSS JOIN ",
    "tenant = own.tenant AND procedure = named.procedure AND reaches($9, ARRAY[own.tenant])"
);

/// Branches by their due instant.
pub(crate) async fn sub_cases(
    reading: &mut Reading,
    filter: &SubCaseFilter,
) -> Result<Vec<ListedSubCase>, sqlx::Error> {
    let scope = reading.scope();
    let agency = filter.agency.as_str();
    // Whoever reaches the city finds an agency's among the agency's own, and so does the agency.
    let tenants = match scope.listed() {
        Some(own) if own.iter().any(|own| own == agency) => vec![agency.to_owned()],
        Some(own) => own,
        None if agency.is_empty() => Vec::new(),
        None => vec![agency.to_owned()],
    };
    let text = match (agency, scope.listed(), filter.procedures.as_slice()) {
        ("", None, []) => SUB_CASES,
        ("", None, _) => SUB_CASES_OF_PROCEDURES,
        ("", Some(_), []) => SUB_CASES_OF_TENANTS,
        ("", Some(_), _) => SUB_CASES_OF_PROCEDURES_OF_TENANTS,
        (_, _, []) => SUB_CASES_AT_AGENCY,
        _ => SUB_CASES_OF_PROCEDURES_AT_AGENCY,
    };
    let after = filter.after.as_ref();
    let query = sqlx::query_as(text)
        .bind(filter.standings())
        .bind(tenants)
        .bind(Instant(filter.due_before.unwrap_or(Timestamp::MAX)))
        .bind(&filter.procedures)
        .bind(Instant(
            after.map_or(Timestamp::UNIX_EPOCH, |key| key.due_at),
        ))
        .bind(after.map_or("", |key| &key.dossier))
        .bind(after.map_or(0, |key| key.number))
        .bind(filter.rows)
        .bind(scope.reach());
    let query = if agency.is_empty() {
        query
    } else {
        query.bind(agency)
    };
    let rows: Vec<(String, i32, String)> = query.fetch_all(&mut **reading).await?;
    rows.into_iter()
        .map(|(code, number, state)| {
            let number = usize::try_from(number).unwrap_or_default();
            Ok(ListedSubCase {
                code,
                case: read(&state)?,
                index: number.saturating_sub(1),
            })
        })
        .collect()
}
