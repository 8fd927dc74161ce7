//! gRPC in and out: parse, ask the ledger or the store, convert. No decisions.

mod act;
mod catalogs;
mod dossiers;
mod submission;
mod visits;

use motcua_platform::{catalog::Catalogs, clock::Clock, ledger::Ledger};
use sqlx::PgPool;

pub(crate) use self::catalogs::CatalogApi;
use crate::store::Dossiers;

/// Serves dossiers and their visits.
#[derive(Debug, Clone)]
pub(crate) struct DossierApi {
    /// Where commands go.
    pub(crate) ledger: Ledger<Dossiers>,
    /// The catalogs that this process has seen.
    pub(crate) catalogs: Catalogs,
    /// For reading.
    pub(crate) pool: PgPool,
    /// For the day that a dossier's code names.
    pub(crate) clock: Clock,
}
