//! What matters of an event, in a few words. Nothing of it is personal: events hold no more.

use motcua_platform::time::from_proto_opt;
use motcua_proto::{
    events::v1::{Event, event::Payload},
    r#type::v1::{CorrectedEntry, corrected_entry},
};

/// What is said beside the kind of an event; empty where that says all.
pub(super) fn of(event: &Event) -> String {
    let Some(payload) = &event.payload else {
        return String::new();
    };
    let procedure = event.procedure.as_str();
    at_the_counter(procedure, payload)
        .or_else(|| in_the_case(payload))
        .or_else(|| elsewhere(payload))
        .unwrap_or_default()
}

/// What happens at the citizen's side.
fn at_the_counter(procedure: &str, payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::DossierSubmitted(it) => {
            let channel = word(it.channel().as_str_name(), "CHANNEL_");
            let options = if it.options.is_empty() {
                ""
            } else {
                ", with options"
            };
            format!("procedure {procedure}, {channel}{options}")
        }
        Payload::DossierAccepted(it) => {
            let exempted = match it.exempted_vnd {
                0 => String::new(),
                vnd => format!(", {vnd} đồng exempted"),
            };
            let (due, fee) = (time(it.due_at.as_ref()), it.fee_vnd);
            format!("due {due}, fee {fee} đồng{exempted}")
        }
        Payload::AcceptanceOverdue(it) => format!("due {}", time(it.acceptance_due_at.as_ref())),
        Payload::DossierRefused(it) if it.lapsed => "nothing came in time".to_owned(),
        Payload::SupplementAsked(it) => {
            let by = time(it.supplement_due_at.as_ref());
            format!("by {by}{}", in_place_of(&it.on_behalf_of))
        }
        Payload::SupplementProvided(it) => handed_in(it.papers.len()),
        Payload::DossierWithdrawn(it) if !it.accepted => "before acceptance".to_owned(),
        Payload::PaymentRecorded(it) => format!(
            "{} {} đồng by {}, {} of {} đồng are paid",
            it.payment, it.amount_vnd, it.provider, it.paid_vnd, it.fee_vnd
        ),
        Payload::CorrectionProposed(it) => {
            format!("{} {}", it.correction, corrected(it.entry.as_ref()))
        }
        Payload::DossierCorrected(it) => {
            format!("{} {}", it.correction, corrected(it.entry.as_ref()))
        }
        Payload::CorrectionRejected(it) => it.correction.clone(),
        Payload::PaymentRefunded(it) => format!("{} {} đồng", it.payment, it.amount_vnd),
        Payload::DocumentAdded(it) => {
            let kind = word(it.kind().as_str_name(), "DOCUMENT_KIND_");
            let which = [&it.paper, &it.result_code, &it.signature_of];
            let which = which.into_iter().find(|said| !said.is_empty());
            let which = which.map_or_else(String::new, |said| format!(" {said}"));
            format!("{} {kind}{which}, {} bytes", it.document, it.size)
        }
        Payload::VisitRequested(it) => {
            let by = if it.offered { "offered" } else { "wished" };
            let (from, to) = (time(it.window_from.as_ref()), time(it.window_to.as_ref()));
            format!("{} {by}, {from} to {to}", it.visit)
        }
        Payload::VisitMade(it) => {
            let met = match (it.handed_over, it.papers_taken) {
                (true, _) => "handed over",
                (_, true) => "papers taken",
                _ => "nobody met",
            };
            format!("{} {met}", it.visit)
        }
        Payload::HandOverFailed(it) => format!(
            "{}: {}",
            word(it.method().as_str_name(), "HAND_OVER_METHOD_"),
            word(it.failure().as_str_name(), "HAND_OVER_FAILURE_")
        ),
        Payload::ResultHandedOver(it) => {
            let method = word(it.method().as_str_name(), "HAND_OVER_METHOD_");
            let recipient = word(it.recipient().as_str_name(), "RECIPIENT_");
            let parcel = match it.tracking_reference.as_str() {
                "" => String::new(),
                reference => format!(", parcel {reference}"),
            };
            format!("{method}, to {recipient}{parcel}")
        }
        _ => return None,
    })
}

/// What happens behind the counter.
fn in_the_case(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::CaseBlocked(it) => it.reason.clone(),
        Payload::TaskOpened(it) => format!(
            "{} {} at {}, {} min",
            it.task, it.step, it.agency, it.planned_minutes
        ),
        Payload::TaskClaimed(it) => format!("{}{}", it.task, in_place_of(&it.on_behalf_of)),
        Payload::TaskCompleted(it) => {
            let (outcome, minutes) = (&it.outcome, it.used_minutes);
            let in_place = in_place_of(&it.on_behalf_of);
            format!("{} {outcome} after {minutes} min{in_place}", it.task)
        }
        Payload::TaskReturned(it) => format!("{} back to {}", it.task, it.to_step),
        Payload::TaskReleased(it) => format!("{}{}", it.task, in_place_of(&it.on_behalf_of)),
        Payload::TaskDelegated(it) => {
            let until = time(it.until.as_ref());
            format!("{} to {} until {until}", it.task, it.assignee)
        }
        Payload::TaskReassigned(it) => {
            let in_place = in_place_of(&it.on_behalf_of);
            format!("{} to {}{in_place}", it.task, it.assignee)
        }
        Payload::TaskEscalated(it) => format!("{} at {}", it.task, it.agency),
        Payload::OutcomeRequested(it) => {
            let due = time(it.due_at.as_ref());
            format!("{} of {}, due {due}", it.task, it.system)
        }
        Payload::OutcomeProgressed(it) => format!("{} code {}", it.task, it.code),
        Payload::OutcomeKept(it) => {
            let in_place = in_place_of(&it.on_behalf_of);
            format!("{} code {}{in_place}", it.task, it.code)
        }
        Payload::SubCaseStarted(it) => at_agency(&it.procedure, &it.agency, it.due_at.as_ref()),
        Payload::SubCaseFinished(it) => format!("{} {}", it.branch, it.outcome),
        Payload::SubCaseDueSoon(it) => at_agency(&it.branch, &it.agency, it.due_at.as_ref()),
        Payload::SubCaseOverdue(it) => at_agency(&it.branch, &it.agency, it.due_at.as_ref()),
        Payload::SupplementRequested(it) => {
            let by = time(it.supplement_due_at.as_ref());
            format!("by {by}{}", in_place_of(&it.on_behalf_of))
        }
        Payload::PaymentRequested(it) => {
            let by = time(it.payment_due_at.as_ref());
            format!("{} đồng by {by}", it.amount_vnd)
        }
        Payload::CasePaid(it) => format!("{} of {} đồng", it.paid_vnd, it.fee_vnd),
        Payload::CaseHeld(it) => {
            let ground = word(it.ground().as_str_name(), "HOLD_GROUND_");
            let branch = match it.branch.as_str() {
                "" => String::new(),
                branch => format!(" of {branch}"),
            };
            format!("{ground}{branch}, by {}", time(it.due_at.as_ref()))
        }
        Payload::CaseResumed(it) => format!("due {}", time(it.due_at.as_ref())),
        Payload::LimitChosen(it) => {
            format!("{}, due {}", it.limit_id, time(it.due_at.as_ref()))
        }
        Payload::SubCaseLimitChosen(it) => {
            let due = time(it.due_at.as_ref());
            format!("{}: {}, due {due}", it.branch, it.limit_id)
        }
        Payload::DeadlineExtended(it) => {
            let new = time(it.due_at.as_ref());
            format!("new date {new}{}", in_place_of(&it.on_behalf_of))
        }
        Payload::DeadlineRecomputed(it) => format!("due {}", time(it.due_at.as_ref())),
        Payload::CaseDueSoon(it) => format!("due {}", time(it.due_at.as_ref())),
        Payload::CaseOverdue(it) => format!("was due {}", time(it.due_at.as_ref())),
        Payload::CaseMigrated(it) => format!(
            "{} from version {} to {}",
            it.definition, it.from_version, it.to_version
        ),
        Payload::CaseStopped(it) if it.lapsed => "nothing came in time".to_owned(),
        Payload::CaseFinished(it) => {
            let punctuality = word(it.punctuality().as_str_name(), "PUNCTUALITY_");
            format!("{}, {punctuality}", it.outcome)
        }
        _ => return None,
    })
}

/// What is told to others, and what they tell.
fn elsewhere(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::DossierTransferred(it) => format!("to {}", it.to_agency),
        Payload::TransferOverdue(it) => {
            let due = it.transfer_due_at.as_ref();
            at_agency("not yet", &it.to_agency, due)
        }
        Payload::ExternalStateRecorded(it) => format!("{} {}", it.system, it.state),
        Payload::StateReported(it) => {
            let status = word(it.status().as_str_name(), "DOSSIER_STATUS_");
            format!("{status} to {}, time {}", it.system, it.report)
        }
        Payload::StateAcknowledged(it) => {
            let status = word(it.status().as_str_name(), "DOSSIER_STATUS_");
            let taken = if it.problem.is_empty() {
                ""
            } else {
                " not taken"
            };
            format!("{status}{taken} by {}", it.system)
        }
        Payload::MessageQueued(it) => it.template.clone(),
        Payload::MessageFailed(it) => it.reason.clone(),
        Payload::ReactionIgnored(it) => it.reason.clone(),
        _ => return None,
    })
}

/// What a correction is about. The particulars are nobody's to read here.
fn corrected(entry: Option<&CorrectedEntry>) -> String {
    match entry.and_then(|it| it.entry.as_ref()) {
        Some(corrected_entry::Entry::Payment(it)) => {
            format!("{}: {} đồng {}", it.payment, it.amount_vnd, it.reference)
                .trim_end()
                .to_owned()
        }
        Some(corrected_entry::Entry::TrackingReference(it)) => format!("parcel {it}"),
        Some(corrected_entry::Entry::Paper(it)) => format!(
            "{}: {} originals, {} copies, {} photographs",
            it.paper, it.originals, it.copies, it.photographs
        ),
        None => "the particulars".to_owned(),
    }
}

fn handed_in(papers: usize) -> String {
    match papers {
        0 => String::new(),
        1 => "1 paper".to_owned(),
        more => format!("{more} papers"),
    }
}

/// A name of the contract as people read it: `HAND_OVER_METHOD_HOME` is "home".
fn word(name: &str, prefix: &str) -> String {
    let own = name.strip_prefix(prefix).unwrap_or(name);
    own.to_lowercase().replace('_', " ")
}

fn at_agency(what: &str, agency: &str, due_at: Option<&prost_types::Timestamp>) -> String {
    format!("{what} at {agency}, due {}", time(due_at))
}

/// By the clock of Việt Nam.
fn time(at: Option<&prost_types::Timestamp>) -> String {
    let local = from_proto_opt(at).map(motcua_calendar::local);
    local.map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

/// For whom somebody stood in; nothing where they acted for themselves.
fn in_place_of(colleague: &str) -> String {
    if colleague.is_empty() {
        String::new()
    } else {
        format!(", for {colleague}")
    }
}
