//! Who hears of what: one act, one message.

use motcua_platform::time::{from_proto_opt, local_date};
use motcua_proto::events::v1::{EventKind, event::Payload};
use uuid::Uuid;

use super::words::{self, BuiltIn};

/// The services whose events cause messages.
pub(crate) const INTAKE: &str = "intake";
/// See [`INTAKE`].
pub(crate) const WORKFLOW: &str = "workflow";

/// Makes a message's id from its cause: the same event never makes two.
const IDS: Uuid = Uuid::from_u128(0x7a1f_5a52_0c5b_4b8e_9d36_2b1f_6c1e_9a40);

/// Source, kind, template. An end that both services record (a withdrawal, a finish) is told once, by intake's event.
const RULES: [(&str, EventKind, &BuiltIn); 16] = [
    (INTAKE, EventKind::DossierAccepted, &words::RECEIPT),
    (INTAKE, EventKind::DossierRefused, &words::REFUSAL),
    (INTAKE, EventKind::SupplementAsked, &words::SUPPLEMENT),
    (
        INTAKE,
        EventKind::SupplementDueSoon,
        &words::SUPPLEMENT_REMINDER,
    ),
    (INTAKE, EventKind::PaymentDueSoon, &words::PAYMENT_REMINDER),
    (INTAKE, EventKind::DossierWithdrawn, &words::WITHDRAWN),
    (INTAKE, EventKind::ResultReady, &words::RESULT_READY),
    (INTAKE, EventKind::VisitRequested, &words::VISIT),
    (WORKFLOW, EventKind::SupplementRequested, &words::SUPPLEMENT),
    (WORKFLOW, EventKind::PaymentRequested, &words::PAYMENT),
    (WORKFLOW, EventKind::DeadlineExtended, &words::EXTENSION),
    (WORKFLOW, EventKind::LimitChosen, &words::LIMIT),
    (WORKFLOW, EventKind::CaseResumed, &words::NEW_DATE),
    (WORKFLOW, EventKind::DeadlineRecomputed, &words::NEW_DATE),
    (WORKFLOW, EventKind::SubCaseFinished, &words::BRANCH_REFUSED),
    (WORKFLOW, EventKind::CaseStopped, &words::STOPPED),
];

/// The template of the message that an event causes; none for an event that the applicant need not hear of.
pub(crate) fn template_for(source: &str, kind: EventKind) -> Option<&'static str> {
    RULES
        .iter()
        .find(|(from, of, _)| *from == source && *of == kind)
        .map(|(_, _, template)| template.id)
}

/// Whether an event of such a kind concerns the applicant: a due that moved does where it lies on another day, a branch that ended where
/// it was refused.
pub(crate) fn concerns_the_applicant(payload: Option<&Payload>) -> bool {
    let (before, after) = match payload {
        Some(Payload::CaseResumed(resumed)) => (&resumed.due_before, &resumed.due_at),
        Some(Payload::DeadlineRecomputed(recomputed)) => {
            (&recomputed.due_before, &recomputed.due_at)
        }
        Some(Payload::SubCaseFinished(finished)) => return finished.statement_revision > 0,
        _ => return true,
    };
    let day = |at: &Option<prost_types::Timestamp>| from_proto_opt(at.as_ref()).map(local_date);
    // Before events told it, nobody was told.
    day(before).is_some_and(|before| Some(before) != day(after))
}

/// The kinds of a source that cause messages.
pub(crate) fn kinds(source: &str) -> impl Iterator<Item = EventKind> {
    RULES
        .iter()
        .filter(move |(from, _, _)| *from == source)
        .map(|(_, kind, _)| *kind)
}

/// An event as the cause of a message: `intake@4711`.
pub(crate) fn cause(source: &str, position: i64) -> String {
    format!("{source}@{position}")
}

/// The id of the message that a cause makes from a template.
pub(crate) fn message_id(cause: &str, template: &str) -> String {
    Uuid::new_v5(&IDS, format!("{cause}/{template}").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use motcua_platform::time::to_proto;
    use motcua_proto::events::v1::{CaseResumed, CaseStopped, DeadlineRecomputed, SubCaseFinished};

    use super::*;

    #[test]
    fn each_act_that_concerns_the_applicant_is_told_in_one_message() {
        for (source, kind, template) in [
            ("intake", EventKind::DossierAccepted, Some("receipt")),
            ("intake", EventKind::DossierRefused, Some("refusal")),
            ("intake", EventKind::SupplementAsked, Some("supplement")),
            (
                "intake",
                EventKind::SupplementDueSoon,
                Some("supplement-reminder"),
            ),
            ("intake", EventKind::DossierWithdrawn, Some("withdrawn")),
            ("intake", EventKind::ResultReady, Some("result-ready")),
            ("intake", EventKind::VisitRequested, Some("visit")),
            (
                "workflow",
                EventKind::SupplementRequested,
                Some("supplement"),
            ),
            (
                "intake",
                EventKind::PaymentDueSoon,
                Some("payment-reminder"),
            ),
            ("workflow", EventKind::PaymentRequested, Some("payment")),
            ("intake", EventKind::SupplementLapsed, None),
            ("workflow", EventKind::DeadlineExtended, Some("extension")),
            ("workflow", EventKind::LimitChosen, Some("limit")),
            ("workflow", EventKind::CaseResumed, Some("new-date")),
            (
                "workflow",
                EventKind::SubCaseFinished,
                Some("branch-refused"),
            ),
            ("workflow", EventKind::DeadlineRecomputed, Some("new-date")),
            ("workflow", EventKind::CaseStopped, Some("stopped")),
            ("intake", EventKind::DossierSubmitted, None),
            ("intake", EventKind::ResultHandedOver, None),
            ("intake", EventKind::CaseProgressRecorded, None),
            ("workflow", EventKind::CaseWithdrawn, None),
            ("workflow", EventKind::CaseFinished, None),
            ("workflow", EventKind::TaskOpened, None),
        ] {
            assert_eq!(
                template_for(source, kind),
                template,
                "{source} {}",
                kind.as_str_name()
            );
        }
    }

    #[test]
    fn a_due_that_moved_is_told_where_it_lies_on_another_day() {
        let at = |text: &str| Some(to_proto(text.parse().unwrap()));
        let resumed = |before: &str, after: &str| {
            Payload::CaseResumed(CaseResumed {
                due_before: at(before),
                due_at: at(after),
                ..CaseResumed::default()
            })
        };
        // Midnight in Việt Nam is 17:00 UTC.
        for (before, after, told) in [
            ("2025-07-01T10:00:00Z", "2025-07-02T10:00:00Z", true),
            ("2025-07-01T09:00:00Z", "2025-07-01T10:00:00Z", false),
            ("2025-07-01T16:59:00Z", "2025-07-01T17:00:00Z", true),
        ] {
            let payload = resumed(before, after);
            assert_eq!(concerns_the_applicant(Some(&payload)), told, "{after}");
        }
        let untold = Payload::DeadlineRecomputed(DeadlineRecomputed {
            due_at: at("2025-07-02T10:00:00Z"),
            ..DeadlineRecomputed::default()
        });
        assert!(!concerns_the_applicant(Some(&untold)));
        let branch = |statement_revision| {
            Payload::SubCaseFinished(SubCaseFinished {
                statement_revision,
                ..SubCaseFinished::default()
            })
        };
        assert!(concerns_the_applicant(Some(&branch(1))));
        assert!(!concerns_the_applicant(Some(&branch(0))), "granted");
        let stopped = Payload::CaseStopped(CaseStopped::default());
        assert!(concerns_the_applicant(Some(&stopped)));
    }

    #[test]
    fn an_event_makes_the_same_message_however_often_it_arrives() {
        let id = message_id(&cause("intake", 4711), "receipt");
        assert_eq!(id, message_id(&cause("intake", 4711), "receipt"));
        assert_ne!(id, message_id(&cause("intake", 4712), "receipt"));
        assert_ne!(id, message_id(&cause("workflow", 4711), "receipt"));
        assert_ne!(id, message_id(&cause("intake", 4711), "visit"));
    }
}
