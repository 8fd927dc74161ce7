//! gRPC in and out: parse, ask the ledger or the store, convert. No decisions.

mod act;
mod archives;
mod catalogs;
mod corrections;
mod documents;
mod dossiers;
mod forms;
mod hand_over;
mod look_up;
mod particulars;
mod payments;
mod register;
mod reuse;
mod routes;
mod search;
mod subjects;
mod submission;
mod synchronisation;
mod visits;

use motcua_platform::{
    archive::Archive, catalog::Catalogs, clock::Clock, ledger::Ledger, rpc::Peer, vault::Vault,
};

pub(crate) use self::{
    archives::ArchiveApi, catalogs::CatalogApi, look_up::LookUps, subjects::SubjectApi,
};
use crate::store::{AccessLog, Contents, Dossiers, PrintedForms};

/// Serves dossiers and their visits.
#[derive(Debug, Clone)]
pub(crate) struct DossierApi {
    /// Where commands go.
    pub(crate) ledger: Ledger<Dossiers>,
    /// The catalogs that this process has seen.
    pub(crate) catalogs: Catalogs,
    /// For reading, for callers.
    pub(crate) archive: Archive,
    /// For reading what was said.
    pub(crate) vault: Vault,
    /// Where the content of documents lies.
    pub(crate) contents: Contents,
    /// The forms that were issued.
    pub(crate) printed: PrintedForms,
    /// Where applicants look their dossiers up; empty for nowhere.
    pub(crate) look_up_url: String,
    /// Where every reading of personal data is noted.
    pub(crate) accesses: AccessLog,
    /// Asked what stands on the papers of a case.
    pub(crate) workflow: Peer,
    /// How often may be looked up: from an address, and of a dossier.
    pub(crate) look_ups: LookUps,
    /// For the day that a dossier's code names.
    pub(crate) clock: Clock,
}
