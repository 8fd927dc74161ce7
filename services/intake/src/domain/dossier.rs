//! The dossier as intake knows it, without personal data, and how each event changes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use motcua_platform::{catalog, ledger::Context, scope::tenants, telemetry, time::from_proto_opt};
use motcua_proto::{
    events::v1::{DossierAccepted, DossierSubmitted, Event, SupplementProvided, event::Payload},
    intake::v1::{CorrectionState, DossierFlag, StatementKind},
    r#type::v1::{
        Actor, AuthorisationGround, Channel, DossierStatus, HandOverMethod, PriorityGround, Role,
    },
};
use serde::{Deserialize, Serialize};

pub use super::parts::{
    Asked, CaseResult, FailedHandOver, HandedOver, Hold, OriginalsReturned, Payment, Reception,
    Visit,
};
pub use super::transfer::Transfer;
use super::{
    at_work::AtWork, correction::Correction, documents::Document, entry::Entry, fees::Units,
    moves::Place, others::Other, papers::Handed, payments, words::number,
};

/// Where a dossier stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dossier {
    /// The number of its events.
    pub version: i64,
    /// The national portal's status.
    #[serde(with = "number")]
    pub status: DossierStatus,
    /// Since when.
    pub status_since: Timestamp,
    /// National code of the procedure.
    pub procedure: String,
    /// How it came in.
    #[serde(with = "number")]
    pub channel: Channel,
    /// The agency whose counter received it.
    pub receiving_agency: String,
    /// The agency that decides.
    pub competent_agency: String,
    /// The catalog that it stands under, for good.
    pub catalog: String,
    /// Why it goes first, if it does.
    #[serde(with = "number")]
    pub priority: PriorityGround,
    /// How the result is to reach the applicant.
    #[serde(with = "number")]
    pub hand_over_method: HandOverMethod,
    /// Facts that choose the path of a linked procedure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The code in another system; empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_code: String,
    /// The citizen who submitted it; empty where nobody did so under their own name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// The ward whose agencies are competent, where the centre received for another one; empty for its own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub on_behalf_of: String,
    /// Staff who may not act on it: it is a relative's or their own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recused: BTreeSet<String>,
    /// The trace that it came in with, in hexadecimal; empty where nothing was traced.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace: String,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// By when it had to be accepted, asked for more, or refused: since its submission, or since its last supplement.
    pub acceptance_due_at: Timestamp,
    /// Whether that is still to be watched: nobody has answered the submission or its supplement, nor has it been said to be late.
    pub answer_awaited: bool,
    /// What was last asked for before acceptance, whatever became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// When a supplement was last handed in before acceptance; `None` in a row from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplemented_at: Option<Timestamp>,
    /// What the case last asked for, a supplement or a payment, whatever became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by_case: Option<Asked>,
    /// Times that the case has waited for the applicant, in their order; empty in a row from before they were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// Agencies that work on branches of a linked procedure now, in the order in which they began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_work: Vec<AtWork>,
    /// What the receipt says; `None` before acceptance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reception: Option<Reception>,
    /// The case's result; `None` before it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<CaseResult>,
    /// How the result reached the applicant; `None` before it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<HandedOver>,
    /// The system that submitted it; empty where people did, and in a row from before that was kept. Opaque id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub submitted_by_system: String,
    /// Whether it ended while nobody worked on it. False in a row from before that was kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended_still: bool,
    /// Visits at home: `v1` is the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visits: Vec<Visit>,
    /// Units that the fee is reckoned for; 0 where it is not by unit.
    #[serde(default)]
    pub quantity: i32,
    /// Copies of so many units each; 0 where it is not by unit.
    #[serde(default)]
    pub copies: i32,
    /// Sets of papers that were handed in; 0 in a row from before they were counted.
    #[serde(default)]
    pub sets: i32,
    /// Id of the exemption from the fee that is claimed, or after acceptance was; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub exemption: String,
    /// What was paid towards the fee: `p1` is the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// What was handed in of the procedure's papers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<Handed>,
    /// Files: `d1` is the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
    /// By what right somebody acts for the applicant; not set where nobody does.
    #[serde(default, with = "number")]
    pub authorisation: AuthorisationGround,
    /// Times that the result did not reach the applicant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_hand_overs: Vec<FailedHandOver>,
    /// The original papers, given back where it ended without a result; `None` before they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originals_returned: Option<OriginalsReturned>,
    /// Corrections of clerical errors: `c1` is the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
    /// The system that is authoritative; empty for this one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub authority: String,
    /// Other systems that know it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
    /// Code of the agency that helped the applicant to submit it; empty where none did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub helping_agency: String,
    /// Its way to the competent agency; `None` before acceptance, and where that is behind the same counter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// Whether it is in the archive. No event of its own says so: a run of the archive does.
    #[serde(skip)]
    pub archived: bool,
    /// The last revision of each kind of statement, by the kind's number.
    pub revisions: BTreeMap<i32, i32>,
}

impl Dossier {
    /// As it begins, by that actor's act.
    #[must_use]
    pub fn submitted(submitted: &DossierSubmitted, procedure: &str, by: &Actor) -> Self {
        Self {
            version: 1,
            status: DossierStatus::Submitted,
            status_since: instant(submitted.submitted_at.as_ref()),
            procedure: procedure.to_owned(),
            channel: submitted.channel(),
            receiving_agency: submitted.receiving_agency.clone(),
            competent_agency: submitted.competent_agency.clone(),
            catalog: submitted.catalog.clone(),
            priority: submitted.priority(),
            hand_over_method: submitted.hand_over_method(),
            options: submitted.options.clone(),
            external_code: submitted.external_code.clone(),
            owner: match by.role() {
                Role::Citizen => by.id.clone(),
                _ => submitted.citizen.clone(),
            },
            submitted_by_system: match by.role() {
                Role::System => by.id.clone(),
                _ => String::new(),
            },
            on_behalf_of: submitted.on_behalf_of.clone(),
            recused: submitted.recused.iter().cloned().collect(),
            trace: String::new(),
            submitted_at: instant(submitted.submitted_at.as_ref()),
            acceptance_due_at: instant(submitted.acceptance_due_at.as_ref()),
            answer_awaited: true,
            asked: None,
            supplemented_at: None,
            asked_by_case: None,
            holds: Vec::new(),
            at_work: Vec::new(),
            reception: None,
            result: None,
            handed_over: None,
            ended_still: false,
            visits: Vec::new(),
            quantity: submitted.quantity,
            copies: submitted.copies,
            sets: submitted.sets,
            exemption: submitted.exemption.clone(),
            payments: Vec::new(),
            papers: submitted.papers.iter().map(Handed::of).collect(),
            documents: Vec::new(),
            authorisation: submitted.authorisation(),
            failed_hand_overs: Vec::new(),
            originals_returned: None,
            corrections: Vec::new(),
            authority: submitted.authority.clone(),
            helping_agency: submitted.helping_agency.clone(),
            transfer: None,
            archived: false,
            others: if submitted.external_system.is_empty() {
                Vec::new()
            } else {
                vec![Other {
                    system: submitted.external_system.clone(),
                    code: submitted.external_code.clone(),
                    ..Other::default()
                }]
            },
            revisions: [
                (StatementKind::Applicant, submitted.applicant_revision),
                (StatementKind::Priority, submitted.priority_revision),
                (StatementKind::Exemption, submitted.exemption_revision),
                (
                    StatementKind::HelpingOrganisation,
                    submitted.helping_revision,
                ),
            ]
            .into_iter()
            .filter(|(_, revision)| *revision > 0)
            .map(|(kind, revision)| (kind.into(), revision))
            .collect(),
        }
    }

    /// As it is after these happened now, before they are written down.
    pub(super) fn after(&self, events: &[Payload], context: &Context<'_>) -> Self {
        let mut dossier = self.clone();
        for payload in events {
            dossier.happen(payload, &context.actor.id, context.now);
        }
        dossier
    }

    /// The state after an event. Never refuses: what happened, happened.
    #[must_use]
    pub fn apply(state: Option<Self>, event: &Event) -> Option<Self> {
        let Some(payload) = &event.payload else {
            return state;
        };
        if let Payload::DossierSubmitted(submitted) = payload {
            let nobody = Actor::default();
            let by = event.actor.as_ref().unwrap_or(&nobody);
            return Some(Self {
                trace: telemetry::trace_id(&event.traceparent).to_owned(),
                ..Self::submitted(submitted, &event.procedure, by)
            });
        }
        let mut dossier = state?;
        let by = event.actor.as_ref().map_or("", |actor| &actor.id);
        dossier.happen(payload, by, instant(event.occurred_at.as_ref()));
        Some(dossier)
    }

    fn happen(&mut self, payload: &Payload, by: &str, at: Timestamp) {
        self.version += 1;
        let (before, still) = (self.status, self.stands_still());
        self.change(payload, by, at);
        if self.status != before {
            self.status_since = at;
            self.ended_still = still && self.has_ended();
        }
    }

    fn change(&mut self, payload: &Payload, by: &str, at: Timestamp) {
        match payload {
            Payload::DossierAccepted(accepted) => self.accept(accepted),
            Payload::AcceptanceOverdue(_) => self.answer_awaited = false,
            Payload::AcceptanceDueRecomputed(recomputed) => {
                self.acceptance_due_at = instant(recomputed.acceptance_due_at.as_ref());
            }
            Payload::DossierRefused(refused) => {
                self.end_waiting(DossierStatus::Refused);
                self.said(StatementKind::Refusal, refused.statement_revision);
            }
            Payload::SupplementAsked(asked) => {
                self.end_waiting(DossierStatus::SupplementRequired);
                self.said(StatementKind::SupplementAsked, asked.statement_revision);
                self.asked = Some(Asked {
                    at,
                    due_at: instant(asked.supplement_due_at.as_ref()),
                    judged_until: from_proto_opt(asked.judged_until.as_ref()),
                    remind_at: from_proto_opt(asked.remind_at.as_ref()),
                    lapsed: false,
                    by: String::new(),
                });
            }
            Payload::SupplementDueSoon(_) | Payload::PaymentDueSoon(_) => {
                if let Some(asked) = self.awaited_mut() {
                    asked.remind_at = None;
                }
            }
            Payload::SupplementLapsed(_) => {
                if let Some(asked) = self.awaited_mut() {
                    asked.lapsed = true;
                }
            }
            Payload::SupplementProvided(provided) => self.supplemented(provided),
            Payload::DossierWithdrawn(withdrawn) => {
                self.end_waiting(DossierStatus::Withdrawn);
                self.said(StatementKind::Withdrawal, withdrawn.statement_revision);
            }
            Payload::StaffRecused(recused) => {
                self.recused.insert(recused.principal.clone());
            }
            Payload::CaseProgressRecorded(progress) => {
                self.status = progress.status();
                if let Some(told) = &progress.agency_at_work {
                    self.agency_at_work(told);
                }
                self.hold(from_proto_opt(progress.occurred_at.as_ref()).unwrap_or(at));
                if self.status == DossierStatus::InProgress {
                    let payments = self.payments.iter_mut();
                    payments.for_each(|payment| payment.unworked = false);
                }
                if let Some(due_at) = from_proto_opt(progress.asked_due_at.as_ref()) {
                    self.asked_by_case = Some(Asked {
                        at: from_proto_opt(progress.occurred_at.as_ref()).unwrap_or(at),
                        due_at,
                        judged_until: from_proto_opt(progress.asked_judged_until.as_ref()),
                        remind_at: from_proto_opt(progress.asked_remind_at.as_ref()),
                        by: progress.asked_by.clone(),
                        lapsed: false,
                    });
                }
                if let Some(reception) = &mut self.reception {
                    reception.owe(progress.obligations_vnd);
                }
                if let (Some(reception), Some(due_at)) = (
                    &mut self.reception,
                    from_proto_opt(progress.due_at.as_ref()),
                ) {
                    reception.due_at = due_at;
                    if let Some(chosen) = progress.limit.as_ref().and_then(catalog::limit) {
                        let before = std::mem::replace(&mut reception.limit, chosen);
                        reception.first_limit.get_or_insert(before);
                        reception
                            .receipt_due_at
                            .get_or_insert(reception.first_due_at);
                        reception.first_due_at = due_at;
                    }
                }
            }
            Payload::ResultReady(ready) => {
                self.status = DossierStatus::ResultReady;
                self.result = Some(CaseResult {
                    ready_at: instant(ready.finished_at.as_ref()),
                    outcome: ready.outcome.clone(),
                });
            }
            Payload::ResultHandedOver(handed_over) => {
                self.status = DossierStatus::HandedOver;
                self.handed_over = Some(HandedOver {
                    at: instant(handed_over.handed_over_at.as_ref()),
                    method: handed_over.method(),
                    recipient: handed_over.recipient(),
                    tracking_reference: handed_over.tracking_reference.clone(),
                    by: by.to_owned(),
                });
                self.said(StatementKind::HandOver, handed_over.statement_revision);
            }
            Payload::VisitRequested(requested) => {
                self.visits.push(Visit {
                    from: instant(requested.window_from.as_ref()),
                    to: instant(requested.window_to.as_ref()),
                    made_at: None,
                    handed_over: false,
                    papers_taken: false,
                    visitor: requested.visitor.clone(),
                    address_revision: Some(requested.statement_revision),
                    location_revision: requested.location_revision,
                    offered: requested.offered,
                });
                self.said(StatementKind::Visit, requested.statement_revision);
                self.said(StatementKind::VisitLocation, requested.location_revision);
            }
            Payload::VisitMade(made) => {
                let place = self.visit_place(&made.visit);
                if let Some(visit) = place.and_then(|place| self.visits.get_mut(place)) {
                    visit.made_at = Some(instant(made.made_at.as_ref()));
                    visit.handed_over = made.handed_over;
                    visit.papers_taken = made.papers_taken;
                }
                self.hand_in(&made.papers);
            }
            Payload::PaymentRecorded(recorded) => self.payments.push(Payment {
                provider: recorded.provider.clone(),
                reference: recorded.reference.clone(),
                amount_vnd: recorded.amount_vnd,
                paid_at: instant(recorded.paid_at.as_ref()),
                refunded_at: None,
                unworked: self.stands_still(),
            }),
            Payload::PaymentRefunded(refunded) => {
                let place = self.payment_place(&refunded.payment);
                if let Some(payment) = place.and_then(|place| self.payments.get_mut(place)) {
                    payment.refunded_at = Some(instant(refunded.refunded_at.as_ref()));
                }
                self.said(StatementKind::Refund, refunded.statement_revision);
            }
            Payload::HandOverFailed(failed) => {
                self.failed_hand_overs.push(FailedHandOver {
                    method: failed.method(),
                    failure: failed.failure(),
                    at: instant(failed.failed_at.as_ref()),
                });
                self.said(StatementKind::HandOverFailure, failed.statement_revision);
            }
            Payload::OriginalsReturned(returned) => {
                self.originals_returned = Some(OriginalsReturned {
                    at: instant(returned.returned_at.as_ref()),
                    by: by.to_owned(),
                });
                self.said(
                    StatementKind::OriginalsReturned,
                    returned.statement_revision,
                );
            }
            Payload::CorrectionProposed(proposed) => {
                self.corrections.push(Correction {
                    state: CorrectionState::Pending,
                    revision: proposed.statement_revision,
                    entry: proposed.entry.as_ref().and_then(Entry::of),
                    proposed_by: by.to_owned(),
                    proposed_at: at,
                    decided: None,
                });
                self.said(StatementKind::Correction, proposed.statement_revision);
                self.said(StatementKind::CorrectionReason, proposed.reason_revision);
            }
            Payload::DossierCorrected(corrected) => {
                self.decide_correction(CorrectionState::Confirmed, by, at);
                match corrected.entry.as_ref().and_then(Entry::of) {
                    Some(entry) => self.set_right(&entry),
                    None => self.authorisation = corrected.authorisation(),
                }
                self.said(StatementKind::Applicant, corrected.applicant_revision);
            }
            Payload::CorrectionRejected(_) => {
                self.decide_correction(CorrectionState::Rejected, by, at);
            }
            Payload::DocumentAdded(added) => {
                self.documents.push(Document::of(added, at));
                let revision = i32::try_from(self.documents.len()).unwrap_or(i32::MAX);
                self.said(StatementKind::FileName, revision);
            }
            Payload::ExternalStateRecorded(recorded) => self.external_state_recorded(recorded),
            Payload::StateReported(reported) => self.state_reported(reported),
            Payload::StateAcknowledged(answer) => self.state_acknowledged(answer),
            Payload::DossierTransferred(told) => self.transferred(told, by, at),
            Payload::TransferOverdue(_) => self.transfer_told_late(),
            Payload::TransferDueRecomputed(recomputed) => {
                self.transfer_moved(instant(recomputed.transfer_due_at.as_ref()));
            }
            // ReactionIgnored says that nothing changed; other kinds are not events of a dossier.
            _ => {}
        }
    }

    fn accept(&mut self, accepted: &DossierAccepted) {
        self.end_waiting(DossierStatus::Accepted);
        self.quantity = accepted.quantity;
        self.copies = accepted.copies;
        self.exemption.clone_from(&accepted.exemption);
        self.said(StatementKind::Exemption, accepted.exemption_revision);
        self.priority = accepted.priority();
        self.said(StatementKind::Priority, accepted.priority_revision);
        self.transfer = Transfer::of(accepted);
        self.reception = Some(Reception {
            received_at: instant(accepted.received_at.as_ref()),
            first_due_at: instant(accepted.due_at.as_ref()),
            due_at: instant(accepted.due_at.as_ref()),
            limit: catalog::limit::written(accepted.limit.as_ref()),
            first_limit: None,
            receipt_due_at: None,
            fee_vnd: accepted.fee_vnd,
            obligations_vnd: 0,
            exempted_vnd: accepted.exempted_vnd,
            exemption: accepted.exemption.clone(),
            papers: accepted.papers.iter().map(Handed::of).collect(),
        });
    }

    fn supplemented(&mut self, provided: &SupplementProvided) {
        let provided_at = from_proto_opt(provided.provided_at.as_ref());
        if provided.during_case {
            self.status = DossierStatus::InProgress;
            self.end_hold(provided_at);
        } else {
            self.status = DossierStatus::Submitted;
            self.supplemented_at = provided_at;
        }
        // It is the agency's turn again. An event from before the contract had the field does not say until when.
        if let Some(due_at) = from_proto_opt(provided.acceptance_due_at.as_ref()) {
            self.acceptance_due_at = due_at;
            self.answer_awaited = true;
        }
        self.hand_in(&provided.papers);
        self.said(
            StatementKind::SupplementProvided,
            provided.statement_revision,
        );
    }

    /// The case waits since then, or goes on. What is news of something else while it waits neither ends nor begins a hold.
    fn hold(&mut self, at: Timestamp) {
        let payment = match self.status {
            DossierStatus::SupplementRequired => false,
            DossierStatus::PaymentRequired => true,
            _ => return self.end_hold(Some(at)),
        };
        let open = self.holds.last().filter(|hold| hold.to.is_none());
        if open.is_none_or(|hold| hold.payment != payment) {
            self.end_hold(Some(at));
            self.holds.push(Hold {
                payment,
                from: at,
                to: None,
            });
        }
    }

    fn end_hold(&mut self, at: Option<Timestamp>) {
        let open = self.holds.last_mut().filter(|hold| hold.to.is_none());
        if let (Some(hold), Some(at)) = (open, at) {
            hold.to = Some(at.max(hold.from));
        }
    }

    fn end_waiting(&mut self, status: DossierStatus) {
        self.status = status;
        self.answer_awaited = false;
    }

    fn said(&mut self, kind: StatementKind, revision: i32) {
        // Revision 0: nothing was said.
        if revision > 0 {
            self.revisions.insert(kind.into(), revision);
        }
    }

    /// To whom it belongs.
    #[must_use]
    pub fn tenants(&self) -> Vec<String> {
        tenants(
            [self.receiving_agency.as_str(), &self.competent_agency],
            &self.owner,
        )
    }

    /// Whether it is this person's own, or marked as a relative's.
    #[must_use]
    pub fn concerns(&self, principal: &str) -> bool {
        self.owner == principal || self.recused.contains(principal)
    }

    /// Whether the actor may read its papers, as far as it is a system: one has those alone that it submitted.
    pub fn shows_papers_to(&self, actor: &Actor) -> bool {
        actor.role() != Role::System || self.submitted_by_system == actor.id
    }

    /// The revision that the next statement of a kind will have.
    #[must_use]
    pub fn next_revision(&self, kind: StatementKind) -> i32 {
        self.revisions
            .get(&kind.into())
            .copied()
            .unwrap_or_default()
            + 1
    }

    /// Revision of which organisation helped that is none of the catalog; 0 where none did.
    #[must_use]
    pub fn helping_revision(&self) -> i32 {
        self.next_revision(StatementKind::HelpingOrganisation) - 1
    }

    /// What its fee is reckoned for.
    #[must_use]
    pub fn units(&self) -> Units {
        Units {
            quantity: self.quantity,
            copies: self.copies,
        }
    }

    /// How many sets of papers were handed in.
    #[must_use]
    pub fn sets(&self) -> u32 {
        self.sets.max(1).unsigned_abs()
    }

    /// Where it stands, for the law.
    #[must_use]
    pub fn place(&self) -> Place {
        match self.status {
            DossierStatus::Unspecified | DossierStatus::Submitted => Place::Submitted,
            DossierStatus::Accepted => Place::Accepted,
            DossierStatus::Refused => Place::Refused,
            DossierStatus::InProgress => Place::InProgress,
            DossierStatus::SupplementRequired if self.reception.is_none() => Place::Incomplete,
            DossierStatus::SupplementRequired => Place::AwaitingSupplement,
            DossierStatus::PaymentRequired => Place::AwaitingPayment,
            DossierStatus::Withdrawn => Place::Withdrawn,
            DossierStatus::Stopped => Place::Stopped,
            DossierStatus::ResultReady => Place::ResultReady,
            DossierStatus::HandedOver => Place::HandedOver,
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(
            self.status,
            DossierStatus::Refused
                | DossierStatus::Withdrawn
                | DossierStatus::Stopped
                | DossierStatus::HandedOver
        )
    }

    /// Whether nobody works for money that comes now: its case has not begun, or waits for that money, or ended so.
    pub(super) fn stands_still(&self) -> bool {
        match self.place() {
            Place::Submitted | Place::Incomplete | Place::Accepted | Place::AwaitingPayment => true,
            Place::InProgress | Place::AwaitingSupplement | Place::ResultReady => false,
            Place::Refused | Place::Withdrawn | Place::Stopped | Place::HandedOver => {
                self.ended_still
            }
        }
    }

    /// When it came to its end; `None` before.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.has_ended().then_some(self.status_since)
    }

    /// When it is to look at the clock by itself.
    #[must_use]
    pub fn timer(&self) -> Option<Timestamp> {
        let own = match self.awaited() {
            Some(asked) if asked.lapsed => None,
            Some(asked) => asked.remind_at.or(asked.judged_until),
            None => self.answer_due(),
        };
        own.into_iter()
            .chain(self.tells_again_at())
            .chain(self.transfer_alarm())
            .min()
    }

    /// When the submission, or its supplement, is late if nobody has answered it; `None` once somebody has, or that was said.
    #[must_use]
    pub fn answer_due(&self) -> Option<Timestamp> {
        self.answer_awaited.then_some(self.acceptance_due_at)
    }

    /// Since when somebody's answer is awaited, to the submission or to its supplement; `None` where nobody's is, and in a row from
    /// before a supplement's instant was kept.
    #[must_use]
    pub fn answer_awaited_since(&self) -> Option<Timestamp> {
        if !self.answer_awaited {
            return None;
        }
        match &self.asked {
            Some(_) => self.supplemented_at,
            None => Some(self.submitted_at),
        }
    }

    /// What may be asked for beside the status: see [`DossierFlag`]. Only what waits for somebody is flagged, so that few are.
    #[must_use]
    pub fn flags(&self) -> Vec<DossierFlag> {
        let alive = !self.has_ended();
        let fee = self.reception.as_ref().map_or(0, |it| it.fee_vnd);
        [
            (
                DossierFlag::AcceptanceLate,
                self.status == DossierStatus::Submitted && !self.answer_awaited,
            ),
            (
                DossierFlag::Priority,
                alive && self.priority != PriorityGround::Unspecified,
            ),
            (
                DossierFlag::Elsewhere,
                alive && !self.on_behalf_of.is_empty(),
            ),
            (DossierFlag::Unpaid, alive && self.paid_vnd() < fee),
            (
                DossierFlag::CorrectionPending,
                self.pending_correction().is_some(),
            ),
            (DossierFlag::Unsynchronised, self.is_unsynchronised()),
            (
                DossierFlag::HandOverFailed,
                alive && !self.failed_hand_overs.is_empty(),
            ),
            (DossierFlag::TransferWaiting, self.on_its_way().is_some()),
            (
                DossierFlag::TransferLate,
                self.on_its_way().is_some_and(Transfer::is_late),
            ),
            (DossierFlag::OriginalsHeld, self.holds_originals()),
            (DossierFlag::RefundDue, payments::is_refund_due(self)),
        ]
        .into_iter()
        .filter_map(|(flag, holds)| holds.then_some(flag))
        .collect()
    }

    /// What was asked for, as long as it is awaited.
    #[must_use]
    pub fn awaited(&self) -> Option<&Asked> {
        match self.place() {
            Place::Incomplete => self.asked.as_ref(),
            Place::AwaitingSupplement | Place::AwaitingPayment => self.asked_by_case.as_ref(),
            _ => None,
        }
    }

    fn awaited_mut(&mut self) -> Option<&mut Asked> {
        match self.place() {
            Place::Incomplete => self.asked.as_mut(),
            Place::AwaitingSupplement | Place::AwaitingPayment => self.asked_by_case.as_mut(),
            _ => None,
        }
    }

    /// The dossier's codes in other systems, each with the system; the one without a system is of one that was not named.
    pub fn external_codes(&self) -> impl Iterator<Item = (&str, &str)> {
        let unnamed = self
            .others
            .iter()
            .all(|other| other.code != self.external_code);
        let own = ("", self.external_code.as_str());
        self.others
            .iter()
            .map(|other| (other.system.as_str(), other.code.as_str()))
            .chain(unnamed.then_some(own))
            .filter(|(_, code)| !code.is_empty())
    }

    /// The due instant as it stands.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.reception.as_ref().map(|reception| reception.due_at)
    }

    /// The visit of that id: its place in [`Dossier::visits`].
    #[must_use]
    pub fn visit_place(&self, id: &str) -> Option<usize> {
        (0..self.visits.len()).find(|place| visit_id(*place) == id)
    }

    /// The payment of that id: its place in [`Dossier::payments`].
    #[must_use]
    pub fn payment_place(&self, id: &str) -> Option<usize> {
        (0..self.payments.len()).find(|place| payment_id(*place) == id)
    }

    /// What is paid, in đồng, without what was given back.
    #[must_use]
    pub fn paid_vnd(&self) -> i64 {
        self.payments
            .iter()
            .filter(|payment| payment.refunded_at.is_none())
            .map(|payment| payment.amount_vnd)
            .sum()
    }
}

/// Id of the payment at that place: `p1` is the first.
#[must_use]
pub fn payment_id(place: usize) -> String {
    format!("p{}", place + 1)
}

/// Id of the visit at that place: `v1` is the first.
#[must_use]
pub fn visit_id(place: usize) -> String {
    format!("v{}", place + 1)
}

/// An instant that this service's own events always carry.
fn instant(at: Option<&prost_types::Timestamp>) -> Timestamp {
    from_proto_opt(at).unwrap_or(Timestamp::UNIX_EPOCH)
}
