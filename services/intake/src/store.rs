//! How dossiers and catalogs lie in PostgreSQL: the SQL of this service, and nothing else's.
//!
//! Writing goes through the ledger, which calls [`Aggregate`](motcua_platform::ledger::Aggregate); reading is one
//! function per question asked.

pub(crate) mod accesses;
mod archive_runs;
mod catalogs;
mod documents;
mod dossiers;
mod printed_forms;
mod queries;
mod subjects;

pub(crate) use self::{
    accesses::AccessLog,
    archive_runs::{ArchiveRuns, archive_run, archive_runs, digests, ended},
    catalogs::CatalogBook,
    documents::{Contents, FRAME_BYTES, Reading, SWEEP_EVERY, Writing},
    dossiers::Dossiers,
    printed_forms::{Printed, PrintedForms, Which},
    queries::{
        Filter, Period, all_statements, applicants, dossier, flags, list, received, statements,
        to_visit,
    },
    subjects::Subjects,
};

/// For [`motcua_platform::timers::Timers`]: what is due at `$1`.
pub(crate) const TIMERS_DUE: &str =
    "SELECT code, receiving_agency FROM dossier WHERE timer_at <= $1 ORDER BY timer_at LIMIT 128";
/// When the next timer falls due.
pub(crate) const TIMERS_NEXT: &str = "SELECT min(timer_at) FROM dossier WHERE timer_at IS NOT NULL";
/// Dossiers of which something is awaited from an agency, after a code, by code: an answer, or that they are taken over
/// (`DOSSIER_FLAG_TRANSFER_WAITING`). The condition is the index's.
pub(crate) const AWAITED: &str = "SELECT code FROM dossier WHERE (status = 1 OR flags & 1048576 <> 0) AND code > $1 \
     ORDER BY code LIMIT $2";
/// How many timers are due at `$1`.
pub(crate) const TIMERS_PENDING: &str = "SELECT count(*) FROM dossier WHERE timer_at <= $1";
