//! Correcting a clerical error: one proposes, another decides, and what stood there before stays.

use jiff::Timestamp;
use motcua_platform::{
    error::{Error, Refusal},
    ledger::Context,
    statement::Statement,
    time::to_proto,
};
use motcua_proto::{
    events::v1::{CorrectionProposed, CorrectionRejected, DossierCorrected, event::Payload},
    intake::v1::{
        Applicant, Correction as ProtoCorrection, CorrectionState as State, StatementKind,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    applicant,
    command::Confirmation,
    decide::{Happened, statement},
    dossier::Dossier,
    entry::{self, Entry},
    payments,
    rules::Rules,
    words::{Words, number},
};

/// Who prepares something does not sign it.
const FOUR_EYES: &str = "decree 118/2025, art. 18 (four eyes)";
/// Corrections of one dossier: whoever proposes more is a program that went wrong.
const CORRECTIONS_MAX: usize = 50;

/// A correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// How it stands.
    #[serde(with = "number")]
    pub state: State,
    /// Revision of the proposed particulars; 0 where an entry is corrected.
    pub revision: i32,
    /// The entry as it should have stood; `None` where the particulars are corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
    /// Opaque id of who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Timestamp,
    /// Who decided it and when; `None` while nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<(String, Timestamp)>,
}

/// Id of the correction at that place: `c1` is the first.
fn id(place: usize) -> String {
    format!("c{}", place + 1)
}

impl Correction {
    pub(super) fn to_proto(&self, place: usize) -> ProtoCorrection {
        let (decided_by, decided_at) = self
            .decided
            .as_ref()
            .map_or((String::new(), None), |(by, at)| (by.clone(), Some(*at)));
        ProtoCorrection {
            id: id(place),
            state: self.state.into(),
            proposed_by: self.proposed_by.clone(),
            proposed_at: Some(to_proto(self.proposed_at)),
            decided_by,
            decided_at: decided_at.map(to_proto),
            entry: self.entry.as_ref().map(Entry::to_proto),
        }
    }
}

impl Dossier {
    /// The correction that waits for a second person, and its id.
    #[must_use]
    pub fn pending_correction(&self) -> Option<(String, &Correction)> {
        self.corrections
            .iter()
            .enumerate()
            .next_back()
            .filter(|(_, correction)| correction.state == State::Pending)
            .map(|(place, correction)| (id(place), correction))
    }

    /// Whether a payment has come to be another one than was recorded.
    #[must_use]
    pub fn has_corrected_payment(&self) -> bool {
        let mut confirmed = self.corrections.iter();
        confirmed.any(|it| {
            let of_payment = matches!(it.entry, Some(Entry::Payment { .. }));
            of_payment && it.state == State::Confirmed
        })
    }

    pub(super) fn decide_correction(&mut self, state: State, by: &str, at: Timestamp) {
        if let Some(correction) = self.corrections.last_mut() {
            correction.state = state;
            correction.decided = Some((by.to_owned(), at));
        }
    }
}

/// Proposes other particulars.
pub(super) fn propose(
    dossier: &Dossier,
    proposed: &Applicant,
    reason: &Words,
) -> Result<Happened, Error> {
    ensure_room(dossier)?;
    let particulars = statement(
        dossier,
        StatementKind::Correction,
        &applicant::write(proposed).into(),
        &Words::default(),
    );
    Ok(proposal(dossier, particulars, None, reason))
}

/// Proposes that an entry should have stood otherwise.
pub(super) fn propose_entry(
    dossier: &Dossier,
    proposed: &Entry,
    reason: &Words,
    rules: &Rules<'_>,
) -> Result<Happened, Error> {
    ensure_room(dossier)?;
    entry::check(dossier, proposed, rules)?;
    Ok(proposal(dossier, (0, Vec::new()), Some(proposed), reason))
}

/// One at a time: two proposals side by side would each undo what the other corrects.
fn ensure_room(dossier: &Dossier) -> Result<(), Error> {
    if let Some((id, _)) = dossier.pending_correction() {
        return Err(refusal(
            format!("correction {id} waits to be decided"),
            "CORRECTION_PENDING",
            "have a colleague confirm or reject it first (DecideCorrection)",
        ));
    }
    if dossier.corrections.len() >= CORRECTIONS_MAX {
        return Err(refusal(
            format!("the dossier has {CORRECTIONS_MAX} corrections already"),
            "CORRECTIONS",
            "let it stand as it is",
        ));
    }
    Ok(())
}

fn proposal(
    dossier: &Dossier,
    (statement_revision, mut statements): (i32, Vec<Statement>),
    entry: Option<&Entry>,
    reason: &Words,
) -> Happened {
    let (reason_revision, reasons) = statement(
        dossier,
        StatementKind::CorrectionReason,
        reason,
        &Words::default(),
    );
    statements.extend(reasons);
    Happened {
        events: vec![Payload::CorrectionProposed(CorrectionProposed {
            correction: id(dossier.corrections.len()),
            statement_revision,
            reason_revision,
            entry: entry.map(Entry::to_proto),
        })],
        statements,
    }
}

/// What was proposed holds from now on: the particulars under a revision of their own, or the entry.
pub(super) fn confirm(
    dossier: &Dossier,
    confirmed: &Confirmation,
    context: &Context<'_>,
    rules: &Rules<'_>,
) -> Result<Happened, Error> {
    let pending = by_somebody_else(dossier, &confirmed.correction, context)?;
    if let Some(entry) = &pending.entry {
        entry::check(dossier, entry, rules)?;
        return Ok(set_right(dossier, &confirmed.correction, entry, rules));
    }
    let Some(seen) = confirmed
        .particulars
        .as_ref()
        .filter(|seen| seen.revision == pending.revision)
    else {
        // It was not there yet when the caller's words were looked up.
        return Err(none_waits(&confirmed.correction));
    };
    let revision = dossier.next_revision(StatementKind::Applicant);
    Ok(Happened {
        events: vec![Payload::DossierCorrected(DossierCorrected {
            correction: confirmed.correction.clone(),
            applicant_revision: revision,
            authorisation: applicant::authorisation(&seen.applicant).into(),
            ..DossierCorrected::default()
        })],
        statements: vec![Statement {
            kind: StatementKind::Applicant.into(),
            revision,
            body: applicant::write(&seen.applicant).into(),
            ground: Words::default(),
        }],
    })
}

/// Whoever follows payments is told what is paid now, as by a payment: a case that waited for it may go on.
fn set_right(dossier: &Dossier, correction: &str, entry: &Entry, rules: &Rules<'_>) -> Happened {
    let mut right = dossier.clone();
    right.set_right(entry);
    let (fee_vnd, paid_vnd) = match entry {
        Entry::Payment { .. } => (payments::owed(&right, rules), right.paid_vnd()),
        Entry::TrackingReference(_) | Entry::Paper(_) => (0, 0),
    };
    Payload::DossierCorrected(DossierCorrected {
        correction: correction.to_owned(),
        entry: Some(entry.to_proto()),
        fee_vnd,
        paid_vnd,
        accepted: dossier.reception.is_some(),
        applicant_revision: 0,
        // Said again, because it says of every correction by what right somebody acts.
        authorisation: dossier.authorisation.into(),
    })
    .into()
}

pub(super) fn reject(
    dossier: &Dossier,
    correction: &str,
    context: &Context<'_>,
) -> Result<Happened, Error> {
    by_somebody_else(dossier, correction, context)?;
    Ok(Payload::CorrectionRejected(CorrectionRejected {
        correction: correction.to_owned(),
    })
    .into())
}

fn by_somebody_else<'a>(
    dossier: &'a Dossier,
    correction: &str,
    context: &Context<'_>,
) -> Result<&'a Correction, Error> {
    let pending = match dossier.pending_correction() {
        Some((id, pending)) if id == correction => pending,
        _ => return Err(none_waits(correction)),
    };
    if pending.proposed_by == context.actor.id {
        return Err(refusal(
            "who proposed a correction does not decide it".to_owned(),
            "CORRECTION_PENDING",
            "have a colleague decide it",
        ));
    }
    Ok(pending)
}

fn none_waits(correction: &str) -> Error {
    refusal(
        format!("no correction '{correction}' waits to be decided"),
        "NO_CORRECTION",
        "propose one (ProposeCorrection)",
    )
}

fn refusal(message: String, state: &str, remedy: &'static str) -> Error {
    Error::Refused(Refusal {
        message,
        article: FOUR_EYES,
        state: state.to_owned(),
        remedy,
    })
}
