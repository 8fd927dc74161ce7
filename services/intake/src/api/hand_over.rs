//! Parsing who received a result, how, and why it did not arrive.

use motcua_platform::parse::Fields;
use motcua_proto::{
    intake::v1::{HandOverResultRequest, RecordFailedHandOverRequest},
    r#type::v1::{HandOverFailure, HandOverMethod, Recipient},
};

use crate::domain::{
    command::{Command, Receiver},
    words::Words,
};

/// Who received it; the applicant where nobody else is named.
pub(super) fn receiver(
    fields: &mut Fields,
    received_by: &str,
    recipient: i32,
    authorisation: &str,
) -> Option<Receiver> {
    let received_by = fields.text("received_by", received_by);
    let recipient = fields.optional_choice::<Recipient>("recipient", recipient);
    let given = !authorisation.is_empty();
    let authorisation = fields.optional_line("authorisation", authorisation);
    let recipient = match recipient? {
        Recipient::Unspecified => Recipient::Applicant,
        recipient => recipient,
    };
    if given && recipient == Recipient::Applicant {
        fields.reject(
            "authorisation",
            "must be empty where the applicant receives",
        );
    }
    Some(Receiver {
        received_by: Words::from(received_by?),
        recipient,
        authorisation: Words::from(authorisation?),
    })
}

pub(super) fn hand_over(fields: &mut Fields, body: &HandOverResultRequest) -> Option<Command> {
    let method = fields.choice::<HandOverMethod>("method", body.method);
    let receiver = receiver(
        fields,
        &body.received_by,
        body.recipient,
        &body.authorisation,
    );
    // It stands in events: a reference is an id and no text about whoever receives.
    let tracking_reference = fields.optional_id("tracking_reference", &body.tracking_reference);
    let by_post = method == Some(HandOverMethod::Post);
    if by_post && body.tracking_reference.is_empty() {
        fields.reject("tracking_reference", "is required by post");
    }
    if !by_post && !body.tracking_reference.is_empty() {
        fields.reject("tracking_reference", "must be empty but by post");
    }
    Some(Command::HandOver {
        method: method?,
        receiver: receiver?,
        tracking_reference: tracking_reference?,
    })
}

pub(super) fn failed(fields: &mut Fields, body: &RecordFailedHandOverRequest) -> Option<Command> {
    let method = fields.choice::<HandOverMethod>("method", body.method);
    let failure = fields.choice::<HandOverFailure>("failure", body.failure);
    let note = fields.optional_text("note", &body.note);
    let (method, failure) = method.zip(failure)?;
    match (failure, method) {
        (HandOverFailure::Returned, HandOverMethod::Post)
        | (
            HandOverFailure::NotCollected,
            HandOverMethod::Counter | HandOverMethod::Post | HandOverMethod::Online,
        )
        | (HandOverFailure::Refused, _) => {}
        (HandOverFailure::Returned, _) => fields.reject("failure", "only the post returns"),
        _ => fields.reject(
            "method",
            "a visit that met nobody is recorded by RecordVisit",
        ),
    }
    Some(Command::RecordFailedHandOver {
        method,
        failure,
        note: Words::from(note?),
    })
}
