//! Fees: paid in one or several parts, never twice, and given back where nobody has worked for them.

use jiff::Timestamp;
use motcua_platform::{
    error::{Error, Refusal},
    time::to_proto,
};
use motcua_proto::{
    events::v1::{PaymentRecorded, PaymentRefunded, event::Payload},
    intake::v1::StatementKind,
};

use super::{
    command::NewPayment,
    decide::{Happened, statement},
    dossier::{Asked, Dossier, Payment, payment_id},
    moves::{self, Act, Place},
    rules::Rules,
    words::Words,
};

/// Payments that one dossier may have: whoever records more is a program that went wrong.
const PAYMENTS_MAX: usize = 50;

/// A notice that comes again says nothing new.
pub(super) fn record(
    dossier: &Dossier,
    new: &NewPayment,
    now: Timestamp,
    rules: &Rules<'_>,
) -> Result<Happened, Error> {
    let known = dossier
        .payments
        .iter()
        .find(|known| known.is_of(&new.provider, &new.reference));
    match known {
        Some(known) if known.amount_vnd == new.amount_vnd => return Ok(Happened::default()),
        // A notice that comes again does not undo what two people have looked at.
        Some(known) if known.amount_vnd == 0 => {
            return Err(refusal(
                format!(
                    "payment {} of {} was corrected to nothing: it was not for this dossier",
                    new.reference, new.provider
                ),
                "PAYMENT_CORRECTED",
                "record it with the dossier that it was for; if it was for this one, propose so (ProposeCorrection)",
            ));
        }
        Some(known) => {
            return Err(refusal(
                format!(
                    "payment {} of {} was recorded with {} đồng",
                    new.reference, new.provider, known.amount_vnd
                ),
                "PAYMENT_RECORDED",
                "ask the provider which of the two amounts is true",
            ));
        }
        None => {}
    }
    if !was_in_time(dossier, new) {
        moves::check(Act::Pay, dossier.place())?;
        not_lapsed(dossier)?;
    }
    if new.paid_at.is_some_and(|at| at > now) {
        return Err(Error::field("paid_at", "must not lie ahead"));
    }
    let fee = owed(dossier, rules);
    let total = ensure_owed(fee, dossier.paid_vnd(), new.amount_vnd)?;
    if dossier.payments.len() >= PAYMENTS_MAX {
        return Err(refusal(
            format!("the dossier has {PAYMENTS_MAX} payments already"),
            "PAYMENTS",
            "have the rest paid at once",
        ));
    }
    Ok(Payload::PaymentRecorded(PaymentRecorded {
        payment: payment_id(dossier.payments.len()),
        provider: new.provider.clone(),
        reference: new.reference.clone(),
        amount_vnd: new.amount_vnd,
        paid_at: Some(to_proto(new.paid_at.unwrap_or(now))),
        fee_vnd: fee,
        paid_vnd: total,
        accepted: dossier.reception.is_some(),
    })
    .into())
}

/// What is owed, in đồng: before acceptance what the fee will be, afterwards what the receipt says.
pub(super) fn owed(dossier: &Dossier, rules: &Rules<'_>) -> i64 {
    dossier.reception.as_ref().map_or_else(
        || rules.fee(dossier).taken_vnd,
        |reception| reception.fee_vnd,
    )
}

/// What is paid with that amount, in đồng: never more than is owed.
pub(super) fn ensure_owed(fee: i64, paid: i64, amount_vnd: i64) -> Result<i64, Error> {
    paid.checked_add(amount_vnd)
        .filter(|total| *total <= fee)
        .ok_or_else(|| {
            refusal(
                format!("the fee is {fee} đồng, and {paid} đồng of it are paid"),
                "PAID",
                "take no more than the fee",
            )
        })
}

/// Whether the notice alone is late: the money had come before the dossier ended, or before the time for it had passed. It is
/// recorded whatever became of the dossier meanwhile, so that it is known, and can be given back where nobody worked for it.
fn was_in_time(dossier: &Dossier, new: &NewPayment) -> bool {
    let until = lapsed(dossier).map(|asked| asked.judged_until.unwrap_or(asked.due_at));
    new.paid_at.is_some_and(|paid| {
        let before_end = dossier.ended_at().is_some_and(|ended| paid <= ended);
        let before_lapse = until.is_some_and(|until| paid < until);
        dossier.submitted_at <= paid && (before_end || before_lapse)
    })
}

/// What was asked for and did not come in time.
fn lapsed(dossier: &Dossier) -> Option<&Asked> {
    dossier.awaited().filter(|asked| asked.lapsed)
}

/// Where what the case asked for did not come in time, the case is being stopped: money that came now would be for nothing.
fn not_lapsed(dossier: &Dossier) -> Result<(), Refusal> {
    if lapsed(dossier).is_none() {
        return Ok(());
    }
    Err(Refusal {
        message: "the time for what the case asked for has passed, and the case is being stopped"
            .to_owned(),
        article: moves::STOP,
        state: "PAYMENT_LAPSED".to_owned(),
        remedy: "take no money for it, and submit a new dossier (SubmitDossier)",
    })
}

/// Whether nobody worked for that money: the dossier was never accepted, or its case waited for more when it ended.
fn is_unworked(dossier: &Dossier, payment: &Payment) -> bool {
    dossier.reception.is_none() || payment.unworked
}

/// Whether money is to be given back.
pub(super) fn is_refund_due(dossier: &Dossier) -> bool {
    let mut kept = dossier.payments.iter();
    moves::check(Act::Refund, dossier.place()).is_ok()
        && kept.any(|it| it.refunded_at.is_none() && it.amount_vnd > 0 && is_unworked(dossier, it))
}

/// Refunding twice says nothing new.
pub(super) fn refund(
    dossier: &Dossier,
    id: &str,
    reason: &Words,
    now: Timestamp,
) -> Result<Happened, Error> {
    moves::check(Act::Refund, dossier.place())?;
    let payment = dossier
        .payment_place(id)
        .and_then(|place| dossier.payments.get(place))
        .ok_or_else(|| Error::field("payment", format!("the dossier has no payment '{id}'")))?;
    if payment.amount_vnd == 0 {
        return Err(Error::field("payment", "was corrected to nothing"));
    }
    if !is_unworked(dossier, payment) {
        let (end, state) = match dossier.place() {
            Place::Stopped => ("stopped", "STOPPED"),
            _ => ("withdrawn", "WITHDRAWN"),
        };
        return Err(refusal(
            format!("work on the dossier had begun when it was {end}"),
            state,
            "fees are given back where nobody has worked yet, or where the case ended while it waited for them",
        ));
    }
    if payment.refunded_at.is_some() {
        return Ok(Happened::default());
    }
    let (statement_revision, statements) =
        statement(dossier, StatementKind::Refund, reason, &Words::default());
    Ok(Happened {
        events: vec![Payload::PaymentRefunded(PaymentRefunded {
            payment: id.to_owned(),
            amount_vnd: payment.amount_vnd,
            refunded_at: Some(to_proto(now)),
            statement_revision,
        })],
        statements,
    })
}

fn refusal(message: String, state: &str, remedy: &'static str) -> Error {
    Error::Refused(Refusal {
        message,
        article: moves::FEES,
        state: state.to_owned(),
        remedy,
    })
}
