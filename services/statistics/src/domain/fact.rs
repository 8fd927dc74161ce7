//! What is known of one dossier.
//!
//! The sources may be heard in any interleaving; order holds only within each. So each part of a [`Fact`] is written by
//! the events of one source alone, and whatever depends on several is computed when asked. Beside every deciding instant
//! stands the one at which its source wrote it down, because reports are as of what had been recorded by a day's end.

use jiff::{SignedDuration, Timestamp};
use motcua_calendar::{Due, Standing};
use motcua_platform::time::{from_proto_opt, local_date};
use motcua_proto::{
    events::v1::{Event, HoldGround, event::Payload},
    statistics::v1::DossierFact,
    r#type::v1::{Channel, DossierStatus, HandOverMethod, Punctuality},
};
use serde::{Deserialize, Serialize};

/// The service that tells of the citizen's side of the counter.
pub(crate) const INTAKE: &str = "intake";
/// The service that tells of the case behind it.
pub(crate) const WORKFLOW: &str = "workflow";
/// The service that tells of messages.
pub(crate) const NOTIFICATION: &str = "notification";

/// What is known of one dossier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Fact {
    /// As intake tells it.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) intake: Intake,
    /// As workflow tells it.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) workflow: Workflow,
    /// As notification tells it.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) notification: Notification,
}

/// The citizen's side of the counter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Intake {
    /// National code of the procedure.
    pub(crate) procedure: String,
    /// The agency whose counter received it.
    pub(crate) receiving_agency: String,
    /// The agency that decides.
    pub(crate) competent_agency: String,
    /// The catalog that it stands under.
    pub(crate) catalog: String,
    /// [`Channel`].
    pub(crate) channel: i32,
    /// When it was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) submitted_at: Option<Timestamp>,
    /// Whether something missing is awaited before acceptance.
    pub(crate) supplement_awaited: bool,
    /// Its acceptance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accepted: Option<Accepted>,
    /// Its refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<Noted>,
    /// Its withdrawal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawn: Option<Withdrawn>,
    /// Papers that were taken from earlier dossiers.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) documents_reused: i32,
    /// The hand-over of its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) handed_over: Option<HandedOver>,
}

/// The case behind the counter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Workflow {
    /// Whether the case has begun.
    pub(crate) started: bool,
    /// The due instant as it stands, extended or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Timestamp>,
    /// The first due instant, as moved by holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_due_at: Option<Timestamp>,
    /// Every state of the limit, in order.
    pub(crate) limits: Vec<Limit>,
    /// [`HoldGround`] of the hold that is open; 0 if none is.
    pub(crate) waits_for: i32,
    /// How often it stood still.
    pub(crate) holds: i32,
    /// Working minutes of all its tasks.
    pub(crate) used_minutes: i64,
    /// When an apology with a new date was written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apology_recorded_at: Option<Timestamp>,
    /// How the case ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) closed: Option<Closed>,
}

/// Messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Notification {
    /// Each message that was sent.
    pub(crate) sent: Vec<Noted>,
}

/// An instant, and when it was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// When it happened.
    pub(crate) at: Timestamp,
    /// When the source wrote it down.
    pub(crate) recorded_at: Timestamp,
}

/// An acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// Moment of reception.
    pub(crate) received_at: Timestamp,
    /// The instant printed on the receipt.
    pub(crate) due_at: Timestamp,
    /// The first instant that is too late.
    pub(crate) judged_until: Timestamp,
    /// When intake wrote it down.
    pub(crate) recorded_at: Timestamp,
}

/// A withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Withdrawn {
    /// When.
    pub(crate) at: Timestamp,
    /// When intake wrote it down.
    pub(crate) recorded_at: Timestamp,
    /// Whether the dossier had been accepted.
    pub(crate) accepted: bool,
}

/// A hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HandedOver {
    /// When.
    pub(crate) at: Timestamp,
    /// When intake wrote it down.
    pub(crate) recorded_at: Timestamp,
    /// [`HandOverMethod`].
    pub(crate) method: i32,
}

/// A state of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    /// When the source wrote it down.
    pub(crate) recorded_at: Timestamp,
    /// The first instant that is too late.
    pub(crate) judged_until: Timestamp,
    /// Since when it stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held_since: Option<Timestamp>,
}

/// The end of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    /// When.
    pub(crate) at: Timestamp,
    /// When workflow wrote it down.
    pub(crate) recorded_at: Timestamp,
    /// Whether it was stopped rather than finished.
    pub(crate) stopped: bool,
    /// [`Punctuality`] as workflow judged it; 0 where it did not.
    pub(crate) punctuality: i32,
    /// Whether an apology was made in time.
    pub(crate) apologised: bool,
}

/// What nobody has told of needs no place.
fn is_default<T: Default + PartialEq>(part: &T) -> bool {
    *part == T::default()
}

/// How a dossier was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// When: never before its reception, which may lie ahead of its acceptance (submitted at night).
    pub(crate) at: Timestamp,
    /// When its source wrote it down.
    pub(crate) recorded_at: Timestamp,
    /// In which manner.
    pub(crate) manner: Manner,
    /// How that stood to the limit.
    pub(crate) punctuality: Punctuality,
    /// Whether an apology was made in time.
    pub(crate) apologised: bool,
}

/// In which manner a dossier was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Its case was finished.
    Finished,
    /// Its case was stopped.
    Stopped,
    /// It was withdrawn after acceptance.
    Withdrawn,
}

/// An event that lacks what its kind always has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event lacks {0}")]
pub(crate) struct Malformed(&'static str);

type At<'a> = Option<&'a prost_types::Timestamp>;

fn instant(at: At<'_>, what: &'static str) -> Result<Timestamp, Malformed> {
    from_proto_opt(at).ok_or(Malformed(what))
}

impl Fact {
    /// Takes in an event of a source. Kinds that say nothing for a count change nothing, and neither does a malformed one.
    ///
    /// # Errors
    /// [`Malformed`] when it lacks an instant.
    pub(crate) fn absorb(&mut self, source: &str, event: &Event) -> Result<(), Malformed> {
        let Some(payload) = &event.payload else {
            return Ok(());
        };
        let recorded_at = instant(event.recorded_at.as_ref(), "recorded_at")?;
        match source {
            INTAKE => self.intake.absorb(event, payload, recorded_at),
            WORKFLOW => self.workflow.absorb(payload, recorded_at),
            NOTIFICATION => self.notification.absorb(payload, recorded_at),
            _ => Ok(()),
        }
    }

    /// Every state of the limit as it was written down, the receipt's first.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        let receipt = self.intake.accepted.map(|accepted| Limit {
            recorded_at: accepted.recorded_at,
            judged_until: accepted.judged_until,
            held_since: None,
        });
        let mut limits: Vec<Limit> = receipt.into_iter().collect();
        for limit in &self.workflow.limits {
            // The case takes its limit from the receipt: that it did so is no change.
            let changes = limits.last().is_none_or(|last| {
                (last.judged_until, last.held_since) != (limit.judged_until, limit.held_since)
            });
            if changes {
                limits.push(*limit);
            }
        }
        limits
    }

    /// How it was resolved, from everything recorded. A withdrawal beats whatever the case came to: intake decides the ends.
    pub(crate) fn resolution(&self) -> Option<Resolution> {
        self.withdrawal().or_else(|| self.closing())
    }

    /// The withdrawal, where the dossier had been accepted.
    pub(crate) fn withdrawal(&self) -> Option<Resolution> {
        let accepted = self.intake.accepted?;
        let withdrawn = self
            .intake
            .withdrawn
            .filter(|withdrawn| withdrawn.accepted)?;
        let known = |recorded_at: Timestamp| recorded_at <= withdrawn.recorded_at;
        Some(Resolution {
            at: withdrawn.at.max(accepted.received_at),
            recorded_at: withdrawn.recorded_at,
            manner: Manner::Withdrawn,
            punctuality: self.judge(withdrawn.at, withdrawn.recorded_at),
            apologised: self.workflow.apology_recorded_at.is_some_and(known),
        })
    }

    /// How the case ended; not before the acceptance is known too.
    pub(crate) fn closing(&self) -> Option<Resolution> {
        let accepted = self.intake.accepted?;
        let closed = self.workflow.closed?;
        let judged = Punctuality::try_from(closed.punctuality).unwrap_or_default();
        Some(Resolution {
            at: closed.at.max(accepted.received_at),
            recorded_at: closed.recorded_at,
            manner: if closed.stopped {
                Manner::Stopped
            } else {
                Manner::Finished
            },
            punctuality: match judged {
                Punctuality::Unspecified => self.judge(closed.at, closed.recorded_at),
                judged => judged,
            },
            apologised: closed.apologised,
        })
    }

    /// Judges an end by the limit as it had been recorded when the end was: the same judgement whenever it is asked for.
    fn judge(&self, at: Timestamp, recorded_at: Timestamp) -> Punctuality {
        let limits = self.limits();
        let known = limits
            .iter()
            .rev()
            .find(|limit| limit.recorded_at <= recorded_at);
        known
            .or(limits.first())
            .map_or(Punctuality::Unspecified, |limit| limit.judge(at))
    }

    /// Where it stands. Intake's ends beat what workflow says.
    pub(crate) fn status(&self) -> DossierStatus {
        let Self {
            intake, workflow, ..
        } = self;
        if intake.handed_over.is_some() {
            return DossierStatus::HandedOver;
        }
        if intake.withdrawn.is_some() {
            return DossierStatus::Withdrawn;
        }
        if intake.refused.is_some() {
            return DossierStatus::Refused;
        }
        if let Some(closed) = workflow.closed {
            return if closed.stopped {
                DossierStatus::Stopped
            } else {
                DossierStatus::ResultReady
            };
        }
        if workflow.started {
            return match HoldGround::try_from(workflow.waits_for).unwrap_or_default() {
                HoldGround::Unspecified => DossierStatus::InProgress,
                HoldGround::Supplement => DossierStatus::SupplementRequired,
                HoldGround::Payment => DossierStatus::PaymentRequired,
            };
        }
        if intake.accepted.is_some() {
            return DossierStatus::Accepted;
        }
        if intake.supplement_awaited {
            return DossierStatus::SupplementRequired;
        }
        if intake.submitted_at.is_some() {
            return DossierStatus::Submitted;
        }
        DossierStatus::Unspecified
    }

    /// For the contract.
    pub(crate) fn to_proto(&self, dossier: String) -> DossierFact {
        use motcua_platform::time::to_proto;
        let Self {
            intake,
            workflow,
            notification,
        } = self;
        let resolution = self.resolution();
        let printed = intake.accepted.map(|accepted| accepted.due_at);
        DossierFact {
            dossier,
            receiving_agency: intake.receiving_agency.clone(),
            competent_agency: intake.competent_agency.clone(),
            procedure: intake.procedure.clone(),
            channel: Channel::try_from(intake.channel).unwrap_or_default().into(),
            status: self.status().into(),
            submitted_at: intake.submitted_at.map(to_proto),
            received_at: intake
                .accepted
                .map(|accepted| to_proto(accepted.received_at)),
            first_due_at: workflow.first_due_at.or(printed).map(to_proto),
            due_at: workflow.due_at.or(printed).map(to_proto),
            resolved_at: resolution.map(|resolution| to_proto(resolution.at)),
            punctuality: resolution
                .map_or(Punctuality::Unspecified, |resolution| {
                    resolution.punctuality
                })
                .into(),
            apologised: workflow.apology_recorded_at.is_some(),
            handed_over_at: intake
                .handed_over
                .map(|handed_over| to_proto(handed_over.at)),
            handed_over_by: intake
                .handed_over
                .map_or(0, |handed_over| handed_over.method),
            used_minutes: workflow.used_minutes,
            messages_sent: i32::try_from(notification.sent.len()).unwrap_or(i32::MAX),
            holds: workflow.holds,
            documents_reused: intake.documents_reused,
        }
    }
}

impl Intake {
    fn absorb(
        &mut self,
        event: &Event,
        payload: &Payload,
        recorded_at: Timestamp,
    ) -> Result<(), Malformed> {
        match payload {
            Payload::DossierSubmitted(submitted) => {
                self.submitted_at = Some(instant(submitted.submitted_at.as_ref(), "submitted_at")?);
                self.procedure.clone_from(&event.procedure);
                self.receiving_agency
                    .clone_from(&submitted.receiving_agency);
                self.competent_agency
                    .clone_from(&submitted.competent_agency);
                self.catalog.clone_from(&submitted.catalog);
                self.channel = submitted.channel;
            }
            Payload::DossierAccepted(accepted) => {
                self.accepted = Some(Accepted {
                    received_at: instant(accepted.received_at.as_ref(), "received_at")?,
                    due_at: instant(accepted.due_at.as_ref(), "due_at")?,
                    judged_until: instant(accepted.judged_until.as_ref(), "judged_until")?,
                    recorded_at,
                });
                self.supplement_awaited = false;
            }
            Payload::DossierRefused(_) => {
                let at = instant(event.occurred_at.as_ref(), "occurred_at")?;
                self.refused = Some(Noted { at, recorded_at });
            }
            Payload::SupplementAsked(_) => self.supplement_awaited = true,
            Payload::SupplementProvided(provided) if !provided.during_case => {
                self.supplement_awaited = false
            }
            Payload::DossierWithdrawn(withdrawn) => {
                self.withdrawn = Some(Withdrawn {
                    at: instant(withdrawn.withdrawn_at.as_ref(), "withdrawn_at")?,
                    recorded_at,
                    accepted: withdrawn.accepted,
                });
            }
            Payload::DocumentAdded(added) if !added.reused_from.is_empty() => {
                self.documents_reused += 1;
            }
            Payload::ResultHandedOver(handed_over) => {
                self.handed_over = Some(HandedOver {
                    at: instant(handed_over.handed_over_at.as_ref(), "handed_over_at")?,
                    recorded_at,
                    method: handed_over.method,
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the result was handed over at home.
    pub(crate) fn handed_over_at_home(&self) -> bool {
        self.handed_over
            .is_some_and(|handed_over| handed_over.method == i32::from(HandOverMethod::Home))
    }
}

impl Workflow {
    /// The time runs from now on, towards these dues.
    fn runs(
        &mut self,
        recorded_at: Timestamp,
        due_at: Timestamp,
        first_due_at: Timestamp,
        judged_until: Timestamp,
    ) {
        self.due_at = Some(due_at);
        self.first_due_at = Some(first_due_at);
        self.limits.push(Limit {
            recorded_at,
            judged_until,
            held_since: None,
        });
    }

    fn absorb(&mut self, payload: &Payload, recorded_at: Timestamp) -> Result<(), Malformed> {
        match payload {
            Payload::CaseStarted(started) => {
                let due_at = instant(started.due_at.as_ref(), "due_at")?;
                let judged_until = instant(started.judged_until.as_ref(), "judged_until")?;
                self.started = true;
                self.runs(recorded_at, due_at, due_at, judged_until);
            }
            Payload::TaskCompleted(task) => self.used_minutes += i64::from(task.used_minutes),
            Payload::TaskReturned(task) => self.used_minutes += i64::from(task.used_minutes),
            Payload::CaseHeld(held) => {
                let held_since = Some(instant(held.held_at.as_ref(), "held_at")?);
                self.holds += 1;
                self.waits_for = held.ground;
                if let Some(last) = self.limits.last().copied() {
                    // Another branch's agency may await something before.
                    self.limits.push(Limit {
                        recorded_at,
                        held_since: last.held_since.or(held_since),
                        ..last
                    });
                }
            }
            Payload::CaseResumed(resumed) => {
                let due_at = instant(resumed.due_at.as_ref(), "due_at")?;
                // After an extension the first due goes on to judge; without one it is the due itself.
                let first_due_at = resumed.first_due_at.as_ref().or(resumed.due_at.as_ref());
                let judged_until = resumed
                    .first_judged_until
                    .as_ref()
                    .or(resumed.judged_until.as_ref());
                let judged_until = instant(judged_until, "first_judged_until")?;
                let first_due_at = instant(first_due_at, "first_due_at")?;
                self.waits_for = HoldGround::Unspecified.into();
                self.runs(recorded_at, due_at, first_due_at, judged_until);
            }
            Payload::DeadlineRecomputed(recomputed) => {
                self.due_at = Some(instant(recomputed.due_at.as_ref(), "due_at")?);
                let first_due_at = instant(recomputed.first_due_at.as_ref(), "first_due_at")?;
                self.first_due_at = Some(first_due_at);
                let judged_until =
                    instant(recomputed.first_judged_until.as_ref(), "first_judged_until")?;
                if let Some(last) = self.limits.last().copied() {
                    self.limits.push(Limit {
                        recorded_at,
                        judged_until,
                        ..last
                    });
                }
            }
            Payload::LimitChosen(chosen) => {
                let due_at = instant(chosen.due_at.as_ref(), "due_at")?;
                let judged_until = instant(chosen.judged_until.as_ref(), "judged_until")?;
                self.runs(recorded_at, due_at, due_at, judged_until);
            }
            Payload::DeadlineExtended(extended) => {
                let first_due_at = instant(extended.first_due_at.as_ref(), "first_due_at")?;
                self.due_at = Some(instant(extended.due_at.as_ref(), "due_at")?);
                self.first_due_at = Some(first_due_at);
                self.apology_recorded_at = Some(recorded_at);
            }
            Payload::CaseStopped(stopped) => {
                self.closed = Some(Closed {
                    at: instant(stopped.stopped_at.as_ref(), "stopped_at")?,
                    recorded_at,
                    stopped: true,
                    punctuality: Punctuality::Unspecified.into(),
                    apologised: self.apology_recorded_at.is_some(),
                });
            }
            Payload::CaseFinished(finished) => {
                self.closed = Some(Closed {
                    at: instant(finished.finished_at.as_ref(), "finished_at")?,
                    recorded_at,
                    stopped: false,
                    punctuality: finished.punctuality,
                    apologised: finished.apologised,
                });
            }
            _ => {}
        }
        Ok(())
    }
}

impl Notification {
    fn absorb(&mut self, payload: &Payload, recorded_at: Timestamp) -> Result<(), Malformed> {
        if let Payload::MessageSent(sent) = payload {
            let at = instant(sent.sent_at.as_ref(), "sent_at")?;
            self.sent.push(Noted { at, recorded_at });
        }
        Ok(())
    }
}

impl Limit {
    /// The first instant at which the dossier is overdue if nothing more happens. None while a hold keeps it in time:
    /// then the clock stands where the hold began.
    pub(crate) fn overdue_from(&self) -> Option<Timestamp> {
        self.held_since
            .is_none_or(|since| since >= self.judged_until)
            .then_some(self.judged_until)
    }

    /// Judges an end, as the calendar judges a finished case.
    fn judge(&self, at: Timestamp) -> Punctuality {
        // For a limit in days the midnight after the due day is the first instant too late.
        let last = self
            .judged_until
            .checked_sub(SignedDuration::from_micros(1))
            .unwrap_or(self.judged_until);
        let due = Due {
            day: local_date(last),
            at: last,
            judged_until: self.judged_until,
            held_since: self.held_since,
        };
        match due.judge(at) {
            Standing::Early => Punctuality::Early,
            Standing::OnTime => Punctuality::OnTime,
            Standing::Overdue => Punctuality::Overdue,
        }
    }
}
