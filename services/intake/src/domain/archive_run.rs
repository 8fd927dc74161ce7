//! The archive: dossiers that ended long enough ago leave the lists together, and are sealed together. Decree 118/2025, art. 22.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{
    error::{Error, Refusal},
    hex::hex,
    ledger::{Context, Decision, Subject, etag},
    time::{from_proto_opt, to_proto},
};
use motcua_proto::{
    events::v1::{ArchiveEntry, ArchiveRunEnded, ArchiveRunStarted, Event, event::Payload},
    intake::v1::{ArchiveRun as ProtoArchiveRun, ArchiveRunState as State, ArchivedDossier},
};
use prost::Message as _;
use ring::digest::{Context as Digest, SHA256, digest};
use serde::{Deserialize, Serialize};

use super::{dossier::Dossier, payments::is_refund_due, words::number};

/// What is archived, and when.
pub(super) const ARTICLE: &str = "decree 118/2025, art. 22";
/// Dossiers of one run: more is another run.
pub const DOSSIERS_MAX: usize = 1_000;

/// A SHA-256.
pub type Sha256 = [u8; 32];

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArchiveRun {
    /// The number of its events.
    pub version: i64,
    /// The agency that received its dossiers.
    pub agency: String,
    /// How it stands.
    #[serde(with = "number")]
    pub state: State,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was undone or sealed; `None` while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The list.
    pub entries: Vec<Entry>,
    /// Whether more was due than a run takes.
    pub more: bool,
}

/// A dossier of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its code.
    pub code: String,
    /// National code of its procedure.
    pub procedure: String,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Of its history; `None` until the run is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Command {
    /// Start a run of that agency with these dossiers, which are due.
    Start {
        /// Code of the agency.
        agency: String,
        /// At most [`DOSSIERS_MAX`].
        due: Vec<Entry>,
        /// Whether more is due.
        more: bool,
    },
    /// Bring its dossiers back.
    Undo,
    /// Seal it: of each dossier, in order, the digest of its history.
    Seal(Vec<Sha256>),
}

impl Entry {
    /// The dossier as an entry, where it is due for the archive: it has ended, `archive_days` have passed since, nobody is told of
    /// it any more, no correction waits, and neither original papers nor money are to be given back. Days as they are; no day of
    /// Việt Nam's is longer or shorter.
    #[must_use]
    pub fn of(code: &str, dossier: &Dossier, archive_days: i32, now: Timestamp) -> Option<Self> {
        let days = SignedDuration::from_hours(24 * i64::from(archive_days));
        let due_at = dossier.status_since.checked_add(days).ok()?;
        (archive_days > 0
            && dossier.has_ended()
            && due_at <= now
            && dossier.timer().is_none()
            && dossier.pending_correction().is_none()
            && !dossier.holds_originals()
            && !is_refund_due(dossier))
        .then(|| Self {
            code: code.to_owned(),
            procedure: dossier.procedure.clone(),
            ended_at: dossier.status_since,
            sha256: None,
        })
    }
}

impl ArchiveRun {
    /// The state after an event.
    #[must_use]
    pub fn apply(state: Option<Self>, event: &Event) -> Option<Self> {
        let at = from_proto_opt(event.occurred_at.as_ref()).unwrap_or(Timestamp::UNIX_EPOCH);
        if let Some(Payload::ArchiveRunStarted(started)) = &event.payload {
            let entries = started.entries.iter().map(|entry| Entry {
                code: entry.code.clone(),
                procedure: entry.procedure.clone(),
                ended_at: from_proto_opt(entry.ended_at.as_ref()).unwrap_or(Timestamp::UNIX_EPOCH),
                sha256: None,
            });
            return Some(Self {
                version: 1,
                agency: started.agency.clone(),
                state: State::Open,
                started_at: at,
                ended_at: None,
                entries: entries.collect(),
                more: started.more,
            });
        }
        let mut run = state?;
        run.version += 1;
        if let Some(Payload::ArchiveRunEnded(ended)) = &event.payload {
            run.ended_at = Some(at);
            run.state = if ended.sealed {
                State::Sealed
            } else {
                State::Undone
            };
            for (entry, sha256) in run.entries.iter_mut().zip(&ended.sha256) {
                entry.sha256 = sha256[..].try_into().ok();
            }
        }
        Some(run)
    }

    /// SHA-256 of the list with the digests, once it is sealed.
    fn sha256(&self) -> Option<String> {
        let mut all = Digest::new(&SHA256);
        for entry in &self.entries {
            all.update(format!("{} {}\n", entry.code, hex(entry.sha256?)).as_bytes());
        }
        (self.state == State::Sealed).then(|| hex(all.finish()))
    }

    /// As the contract shows it.
    #[must_use]
    pub fn to_proto(&self, key: &str) -> ProtoArchiveRun {
        let dossiers = self.entries.iter().map(|entry| ArchivedDossier {
            code: entry.code.clone(),
            procedure: entry.procedure.clone(),
            ended_at: Some(to_proto(entry.ended_at)),
            sha256: entry.sha256.map(hex).unwrap_or_default(),
        });
        ProtoArchiveRun {
            dossiers: dossiers.collect(),
            ..self.without_list(key)
        }
    }

    /// The same without its list.
    #[must_use]
    pub fn without_list(&self, key: &str) -> ProtoArchiveRun {
        ProtoArchiveRun {
            name: format!("archives/{key}"),
            agency: self.agency.clone(),
            state: self.state.into(),
            started_at: Some(to_proto(self.started_at)),
            ended_at: self.ended_at.map(to_proto),
            dossier_count: i32::try_from(self.entries.len()).unwrap_or(i32::MAX),
            dossiers: Vec::new(),
            sha256: self.sha256().unwrap_or_default(),
            more: self.more,
            etag: etag(self.version),
        }
    }
}

/// SHA-256 over a dossier's events as the feed has them, in order.
#[must_use]
pub fn of_history(events: &[Event]) -> Sha256 {
    let mut history = Digest::new(&SHA256);
    for event in events {
        // Each by its own digest: where one ends and the next begins is part of it.
        history.update(digest(&SHA256, &event.encode_to_vec()).as_ref());
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(history.finish().as_ref());
    sha256
}

/// What happens, or why nothing does.
///
/// # Errors
/// Nothing is due; the run has ended; it does not exist.
pub fn decide(
    state: Option<&ArchiveRun>,
    command: &Command,
    context: &Context<'_>,
) -> Result<Decision, Error> {
    let (agency, event) = match (state, command) {
        (_, Command::Start { agency, due, more }) => {
            if due.is_empty() {
                return Err(refusal(
                    "nothing is due for the archive",
                    "NOTHING_DUE",
                    "wait until dossiers have ended for as long as their procedures say (archive_days)",
                ));
            }
            let entries = due.iter().map(|entry| ArchiveEntry {
                code: entry.code.clone(),
                procedure: entry.procedure.clone(),
                ended_at: Some(to_proto(entry.ended_at)),
            });
            let started = ArchiveRunStarted {
                agency: agency.clone(),
                entries: entries.collect(),
                more: *more,
            };
            (agency, Payload::ArchiveRunStarted(started))
        }
        (None, _) => {
            return Err(Error::Missing {
                name: format!("archives/{}", context.key),
            });
        }
        (Some(run), Command::Undo | Command::Seal(_)) if run.state != State::Open => {
            let (message, state) = if run.state == State::Sealed {
                ("the run is sealed", "SEALED")
            } else {
                ("the run was undone", "UNDONE")
            };
            return Err(refusal(message, state, "nothing is left to do on it"));
        }
        (Some(run), Command::Undo) => (
            &run.agency,
            Payload::ArchiveRunEnded(ArchiveRunEnded::default()),
        ),
        (Some(run), Command::Seal(digests)) => {
            if digests.len() != run.entries.len() {
                return Err(Error::Fault(format!(
                    "{} digests for {} dossiers",
                    digests.len(),
                    run.entries.len()
                )));
            }
            let ended = ArchiveRunEnded {
                sealed: true,
                sha256: digests.iter().map(|sha256| sha256.to_vec()).collect(),
            };
            (&run.agency, Payload::ArchiveRunEnded(ended))
        }
    };
    Ok(Decision {
        subject: Subject {
            agency: agency.clone(),
            ..Subject::default()
        },
        events: vec![event],
        ..Decision::default()
    })
}

fn refusal(message: &str, state: &str, remedy: &'static str) -> Error {
    Error::Refused(Refusal {
        message: message.to_owned(),
        article: ARTICLE,
        state: state.to_owned(),
        remedy,
    })
}
