//! What intake tells: the events of a dossier that its case follows.

use motcua_platform::{catalog, time::from_proto_opt};
use motcua_proto::{
    events::v1::{DossierAccepted, DossierCorrected, Event, event::Payload},
    r#type::v1::corrected_entry,
};

use super::{
    case::Due,
    command::{Cause, Command, Receipt},
};

/// What an event asks for; nothing where the case has no part in it.
///
/// # Errors
/// Why it means nothing here, for operators.
pub fn asked_by(
    source: &'static str,
    event: &Event,
    payload: &Payload,
) -> Result<Option<Command>, String> {
    let cause = Cause {
        source,
        position: event.position,
        kind: event.kind(),
    };
    Ok(match payload {
        Payload::DossierAccepted(accepted) => {
            let receipt = receipt(&event.procedure, accepted)
                .ok_or("the receipt's times or limit are missing")?;
            Some(Command::Start {
                receipt: Box::new(receipt),
                cause,
            })
        }
        // Before acceptance there is no case.
        Payload::DossierWithdrawn(withdrawn) if withdrawn.accepted => {
            let at =
                from_proto_opt(withdrawn.withdrawn_at.as_ref()).ok_or("withdrawn_at is missing")?;
            Some(Command::Withdraw { at, cause })
        }
        Payload::SupplementProvided(provided) if provided.during_case => {
            let at =
                from_proto_opt(provided.provided_at.as_ref()).ok_or("provided_at is missing")?;
            Some(Command::Resume { at, cause })
        }
        Payload::SupplementLapsed(_) => {
            let at = from_proto_opt(event.occurred_at.as_ref()).ok_or("occurred_at is missing")?;
            Some(Command::Lapse { at, cause })
        }
        // What was paid before acceptance stands in it.
        Payload::PaymentRecorded(recorded) if recorded.accepted => {
            let at = from_proto_opt(event.occurred_at.as_ref()).ok_or("occurred_at is missing")?;
            Some(Command::Pay {
                fee_vnd: recorded.fee_vnd,
                paid_vnd: recorded.paid_vnd,
                at,
                cause,
            })
        }
        // What is paid was counted anew: a case that waits for it may go on.
        Payload::DossierCorrected(corrected) if corrected.accepted && is_of_payment(corrected) => {
            let at = from_proto_opt(event.occurred_at.as_ref()).ok_or("occurred_at is missing")?;
            Some(Command::Pay {
                fee_vnd: corrected.fee_vnd,
                paid_vnd: corrected.paid_vnd,
                at,
                cause,
            })
        }
        Payload::StaffRecused(recused) => Some(Command::Recuse {
            principal: recused.principal.clone(),
        }),
        _ => None,
    })
}

fn is_of_payment(corrected: &DossierCorrected) -> bool {
    let entry = corrected.entry.as_ref().and_then(|it| it.entry.as_ref());
    matches!(entry, Some(corrected_entry::Entry::Payment(_)))
}

fn receipt(procedure: &str, accepted: &DossierAccepted) -> Option<Receipt> {
    Some(Receipt {
        procedure: procedure.to_owned(),
        received_at: from_proto_opt(accepted.received_at.as_ref())?,
        due: Due {
            at: from_proto_opt(accepted.due_at.as_ref())?,
            judged_until: from_proto_opt(accepted.judged_until.as_ref())?,
        },
        limit: catalog::limit(accepted.limit.as_ref()?)?,
        catalog: accepted.catalog.clone(),
        definition: accepted.definition.clone(),
        receiving_agency: accepted.receiving_agency.clone(),
        competent_agency: accepted.competent_agency.clone(),
        priority: accepted.priority(),
        options: accepted.options.clone(),
        recused: accepted.recused.clone(),
        fee_vnd: accepted.fee_vnd,
        paid_vnd: accepted.paid_vnd,
    })
}
