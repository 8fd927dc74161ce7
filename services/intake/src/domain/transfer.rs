//! The way of a dossier to the agency that decides, where another centre received it: by when it is to be there, who confirms
//! that it is, and when it is late. It stands beside the dossier's own limit, which runs from reception on, and never holds
//! that up. Decree 118/2025, art. 18.
//!
//! Within one house nothing is transferred: a ward's centre and its police work behind the same counter, and the control sheet
//! (Mẫu 06) shows each hand-over there.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{
    error::Refusal,
    ledger::Context,
    time::{from_proto_opt, to_proto},
};
use motcua_proto::{
    events::v1::{DossierAccepted, DossierTransferred, TransferOverdue, event::Payload},
    intake::v1::Transfer as ProtoTransfer,
    r#type::v1::HandedPaper,
};
use serde::{Deserialize, Serialize};

use super::{
    decide::Happened,
    dossier::Dossier,
    fees::is_online,
    moves::{self, Act},
};

/// Transfer: decree 118/2025, art. 18.
pub(super) const ARTICLE: &str = "decree 118/2025, art. 18";

/// How far a dossier has come on its way to the competent agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// By when it is to be there.
    pub due_at: Timestamp,
    /// Since when it is; `None` while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_at: Option<Timestamp>,
    /// Who took it over, by opaque id; empty while it waits, and where nothing was on paper.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub confirmed_by: String,
    /// Whether it was told that it is late.
    #[serde(default)]
    pub told_late: bool,
}

impl Transfer {
    /// As it begins, where the acceptance says that there is one.
    pub(super) fn of(accepted: &DossierAccepted) -> Option<Self> {
        Some(Self {
            due_at: from_proto_opt(accepted.transfer_due_at.as_ref())?,
            transferred_at: None,
            confirmed_by: String::new(),
            told_late: false,
        })
    }

    /// The first instant that is too late: the minute of the due itself is in time.
    fn judged_until(&self) -> Timestamp {
        let minute = SignedDuration::from_mins(1);
        self.due_at.checked_add(minute).unwrap_or(self.due_at)
    }

    /// Whether it did not come in time.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.told_late
            || self
                .transferred_at
                .is_some_and(|at| at >= self.judged_until())
    }

    pub(super) fn to_proto(&self) -> ProtoTransfer {
        ProtoTransfer {
            due_at: Some(to_proto(self.due_at)),
            transferred_at: self.transferred_at.map(to_proto),
            overdue: self.is_late(),
            confirmed_by: self.confirmed_by.clone(),
        }
    }
}

impl Dossier {
    pub(super) fn transferred(&mut self, told: &DossierTransferred, by: &str, at: Timestamp) {
        if let Some(transfer) = &mut self.transfer {
            transfer.transferred_at = from_proto_opt(told.transferred_at.as_ref()).or(Some(at));
            if !told.electronic {
                by.clone_into(&mut transfer.confirmed_by);
            }
        }
    }

    pub(super) fn transfer_told_late(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            transfer.told_late = true;
        }
    }

    /// That another due had passed says nothing of this one.
    pub(super) fn transfer_moved(&mut self, due_at: Timestamp) {
        if let Some(transfer) = &mut self.transfer {
            transfer.due_at = due_at;
            transfer.told_late = false;
        }
    }

    /// Its way to the competent agency, as long as it is on it. What was decided, or has ended, waits for nobody.
    #[must_use]
    pub fn on_its_way(&self) -> Option<&Transfer> {
        let waits = self.place().is_in_work();
        let transfer = self.transfer.as_ref().filter(|_| waits)?;
        transfer.transferred_at.is_none().then_some(transfer)
    }

    /// When it is to be told that it is late.
    pub(super) fn transfer_alarm(&self) -> Option<Timestamp> {
        let transfer = self.on_its_way()?;
        (!transfer.told_late).then(|| transfer.judged_until())
    }
}

/// What follows from an acceptance: where nothing is on paper, the competent agency has it with it. Online nothing is, unless a
/// paper was handed in beside the files.
pub(super) fn with_acceptance(dossier: &Dossier, accepted: DossierAccepted) -> Vec<Payload> {
    let online = is_online(dossier.channel);
    let on_paper = |paper: &HandedPaper| paper.originals + paper.copies + paper.photographs > 0;
    let electronic = online && !accepted.papers.iter().any(on_paper);
    let transferred = (electronic && accepted.transfer_due_at.is_some()).then(|| {
        Payload::DossierTransferred(DossierTransferred {
            from_agency: dossier.receiving_agency.clone(),
            to_agency: dossier.competent_agency.clone(),
            transferred_at: accepted.received_at,
            transfer_due_at: accepted.transfer_due_at,
            electronic: true,
        })
    });
    [Payload::DossierAccepted(accepted)]
        .into_iter()
        .chain(transferred)
        .collect()
}

/// The competent agency has taken it over. Told again, nothing is new.
pub(super) fn confirm(dossier: &Dossier, context: &Context<'_>) -> Result<Happened, Refusal> {
    if !context.scope.acts_for(&dossier.competent_agency) {
        return Err(refusal(
            dossier,
            "another agency decides on the dossier, and it alone can say that it has it",
            "leave it to the competent agency",
        ));
    }
    let Some(transfer) = &dossier.transfer else {
        moves::check(Act::ConfirmTransfer, dossier.place())?;
        return Err(refusal(
            dossier,
            "the dossier was received by the competent agency's own centre",
            "nothing has to be transferred: work on it",
        ));
    };
    if transfer.transferred_at.is_some() {
        return Ok(Happened::default());
    }
    moves::check(Act::ConfirmTransfer, dossier.place())?;
    Ok(Payload::DossierTransferred(DossierTransferred {
        from_agency: dossier.receiving_agency.clone(),
        to_agency: dossier.competent_agency.clone(),
        transferred_at: Some(to_proto(context.now)),
        transfer_due_at: Some(to_proto(transfer.due_at)),
        electronic: false,
    })
    .into())
}

fn refusal(dossier: &Dossier, message: &str, remedy: &'static str) -> Refusal {
    Refusal {
        message: message.to_owned(),
        article: ARTICLE,
        state: dossier.place().name().to_owned(),
        remedy,
    }
}

/// Says once that it is late.
pub(super) fn tick(dossier: &Dossier, now: Timestamp) -> Option<Payload> {
    let due = dossier.transfer_alarm().filter(|due| *due <= now);
    due.and(dossier.on_its_way()).map(|transfer| {
        Payload::TransferOverdue(TransferOverdue {
            transfer_due_at: Some(to_proto(transfer.due_at)),
            to_agency: dossier.competent_agency.clone(),
        })
    })
}
