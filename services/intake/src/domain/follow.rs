//! What the case tells: the events of workflow that a dossier's public status follows.

use jiff::Timestamp;
use motcua_platform::time::from_proto_opt;
use motcua_proto::{
    events::v1::{Event, EventKind, HoldGround, event::Payload},
    r#type::v1::{DossierStatus, Limit},
};

use super::dossier::Asked;

/// The kinds of workflow's events that matter here.
pub const KINDS: [EventKind; 10] = [
    EventKind::CaseStarted,
    EventKind::CaseHeld,
    EventKind::CaseResumed,
    EventKind::DeadlineExtended,
    EventKind::DeadlineRecomputed,
    EventKind::LimitChosen,
    EventKind::SubCaseStarted,
    EventKind::SubCaseFinished,
    EventKind::CaseStopped,
    EventKind::CaseFinished,
];

/// An event of workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// Its position there.
    pub position: i64,
    /// Its kind.
    pub kind: EventKind,
    /// When the case came to it.
    pub at: Timestamp,
    /// What it means for the dossier.
    pub change: Change,
}

/// What it means for the dossier.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Another status, another due, or both.
    Progress {
        /// The status; `None` to stay: an extension can be on its way while a supplement is handed in here.
        status: Option<DossierStatus>,
        /// The due instant; `None` to stay.
        due_at: Option<Timestamp>,
        /// The limit; `None` to stay.
        limit: Option<Limit>,
    },
    /// The case asked for something, and stands still until it is provided.
    Asked {
        /// The status.
        status: DossierStatus,
        /// By when.
        asked: Asked,
        /// What the case has found so far to be owed beside the fee, in đồng.
        obligations_vnd: i64,
    },
    /// A branch of a linked procedure began at its own agency.
    BranchBegan {
        /// The branch.
        branch: String,
        /// Code of its agency.
        agency: String,
    },
    /// A branch ended there.
    BranchEnded {
        /// The branch.
        branch: String,
    },
    /// The result is ready.
    Finished {
        /// The case's outcome.
        outcome: String,
    },
}

impl News {
    /// Reads an event of workflow.
    ///
    /// # Errors
    /// Why it means nothing here, for operators.
    pub fn read(event: &Event) -> Result<Self, &'static str> {
        let occurred_at = from_proto_opt(event.occurred_at.as_ref())
            .ok_or("the event does not say when it occurred")?;
        let progress =
            |at: Option<&prost_types::Timestamp>, status, due: Option<&prost_types::Timestamp>| {
                (
                    from_proto_opt(at),
                    Change::Progress {
                        status,
                        due_at: from_proto_opt(due),
                        limit: None,
                    },
                )
            };
        let (at, change) = match event.payload.as_ref().ok_or("the event has no payload")? {
            Payload::CaseStarted(started) => progress(
                None,
                Some(DossierStatus::InProgress),
                started.due_at.as_ref(),
            ),
            Payload::CaseHeld(held) => {
                let status = match held.ground() {
                    HoldGround::Supplement => DossierStatus::SupplementRequired,
                    HoldGround::Payment => DossierStatus::PaymentRequired,
                    HoldGround::Unspecified => return Err("the case is held without a ground"),
                };
                let at = from_proto_opt(held.held_at.as_ref());
                let change = match from_proto_opt(held.due_at.as_ref()) {
                    Some(due_at) => Change::Asked {
                        status,
                        asked: Asked {
                            at: at.unwrap_or(occurred_at),
                            due_at,
                            judged_until: from_proto_opt(held.judged_until.as_ref()),
                            remind_at: from_proto_opt(held.remind_at.as_ref()),
                            by: held.agency.clone(),
                            lapsed: false,
                        },
                        obligations_vnd: held.obligations_vnd,
                    },
                    // An event from before the contract had it: awaited without end.
                    None => Change::Progress {
                        status: Some(status),
                        due_at: None,
                        limit: None,
                    },
                };
                (at, change)
            }
            Payload::CaseResumed(resumed) => progress(
                resumed.resumed_at.as_ref(),
                Some(DossierStatus::InProgress),
                resumed.due_at.as_ref(),
            ),
            Payload::DeadlineExtended(extended) => progress(None, None, extended.due_at.as_ref()),
            Payload::DeadlineRecomputed(recomputed) => {
                progress(None, None, recomputed.due_at.as_ref())
            }
            Payload::LimitChosen(chosen) => {
                let change = Change::Progress {
                    status: None,
                    due_at: from_proto_opt(chosen.due_at.as_ref()),
                    limit: chosen.limit.clone(),
                };
                (None, change)
            }
            Payload::SubCaseStarted(started) => (
                from_proto_opt(started.started_at.as_ref()),
                Change::BranchBegan {
                    branch: started.branch.clone(),
                    agency: started.agency.clone(),
                },
            ),
            Payload::SubCaseFinished(finished) => (
                from_proto_opt(finished.finished_at.as_ref()),
                Change::BranchEnded {
                    branch: finished.branch.clone(),
                },
            ),
            Payload::CaseStopped(stopped) => progress(
                stopped.stopped_at.as_ref(),
                Some(DossierStatus::Stopped),
                None,
            ),
            Payload::CaseFinished(finished) => (
                from_proto_opt(finished.finished_at.as_ref()),
                Change::Finished {
                    outcome: finished.outcome.clone(),
                },
            ),
            _ => return Err("the event's kind is not followed"),
        };
        Ok(Self {
            position: event.position,
            kind: event.kind(),
            at: at.unwrap_or(occurred_at),
            change,
        })
    }
}
