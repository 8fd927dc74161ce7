//! The result on its way: at the counter, by post, online, or brought to the home; and when it does not arrive.
//! Decree 118/2025, art. 22.

use jiff::Timestamp;
use motcua_platform::{
    error::{Error, Refusal},
    ledger::Context,
    time::to_proto,
};
use motcua_proto::{
    events::v1::{HandOverFailed, ResultHandedOver, VisitMade, VisitRequested, event::Payload},
    intake::v1::StatementKind,
    r#type::v1::{
        AuthorisationGround, DocumentKind, HandOverFailure, HandOverMethod, Recipient, Role,
    },
};

use super::{
    command::{Met, Receiver},
    decide::{Happened, statement},
    dossier::{Dossier, visit_id},
    moves::{self, Act},
    papers,
    rules::Rules,
    words::Words,
};

/// Visits that one dossier may have: whoever arranges more is a program that went wrong.
const VISITS_MAX: usize = 50;
/// Failed hand-overs of one dossier, likewise.
const FAILURES_MAX: usize = 50;

pub(super) fn hand_over(
    dossier: &Dossier,
    method: HandOverMethod,
    receiver: &Receiver,
    tracking_reference: &str,
    now: Timestamp,
) -> Result<Happened, Error> {
    moves::check(Act::HandOver, dossier.place())?;
    if method == HandOverMethod::Home {
        return Err(Error::Refused(Refusal {
            message: "a result is handed over at home by a visit".to_owned(),
            article: moves::HAND_OVER,
            state: "RESULT_READY".to_owned(),
            remedy: "arrange the visit (RequestVisit) and record that it handed the result over (RecordVisit)",
        }));
    }
    let mut kept = dossier.documents.iter().map(|document| document.kind);
    if method == HandOverMethod::Online && !kept.any(|kind| kind == DocumentKind::Result) {
        return Err(Error::Refused(Refusal {
            message: "nothing is there to be fetched online: the dossier has no result among its documents".to_owned(),
            article: moves::HAND_OVER,
            state: "RESULT_MISSING".to_owned(),
            remedy: "upload the result first (UploadDocument with DOCUMENT_KIND_RESULT)",
        }));
    }
    handed_over(
        dossier,
        receiver,
        now,
        ResultHandedOver {
            method: method.into(),
            tracking_reference: tracking_reference.to_owned(),
            ..ResultHandedOver::default()
        },
    )
}

/// Whoever is not the applicant shows by what right they come: the dossier says it, or they do now.
fn handed_over(
    dossier: &Dossier,
    receiver: &Receiver,
    now: Timestamp,
    how: ResultHandedOver,
) -> Result<Happened, Error> {
    if receiver.recipient == Recipient::Authorised
        && dossier.authorisation == AuthorisationGround::Unspecified
        && receiver.authorisation.is_empty()
    {
        return Err(Error::field(
            "authorisation",
            "is required: the dossier names nobody who acts for the applicant",
        ));
    }
    let (statement_revision, statements) = statement(
        dossier,
        StatementKind::HandOver,
        &receiver.received_by,
        &receiver.authorisation,
    );
    Ok(Happened {
        events: vec![Payload::ResultHandedOver(ResultHandedOver {
            handed_over_at: Some(to_proto(now)),
            statement_revision,
            recipient: receiver.recipient.into(),
            ..how
        })],
        statements,
    })
}

/// What did not arrive waits on, and whoever looks for it sees why.
pub(super) fn failed(
    dossier: &Dossier,
    method: HandOverMethod,
    failure: HandOverFailure,
    note: &Words,
    now: Timestamp,
) -> Result<Happened, Error> {
    moves::check(Act::HandOver, dossier.place())?;
    if dossier.failed_hand_overs.len() >= FAILURES_MAX {
        return Err(Error::Refused(Refusal {
            message: format!("the hand-over failed {FAILURES_MAX} times already"),
            article: moves::HAND_OVER,
            state: "HAND_OVER_FAILURES".to_owned(),
            remedy: "keep the result until somebody comes for it (HandOverResult)",
        }));
    }
    let (statement_revision, statements) = statement(
        dossier,
        StatementKind::HandOverFailure,
        note,
        &Words::default(),
    );
    Ok(Happened {
        events: vec![Payload::HandOverFailed(HandOverFailed {
            method: method.into(),
            failure: failure.into(),
            failed_at: Some(to_proto(now)),
            statement_revision,
        })],
        statements,
    })
}

pub(super) fn arrange_visit(
    dossier: &Dossier,
    window: std::ops::Range<Timestamp>,
    (address, location): (&Words, &Words),
    (visitor, offered): (&str, bool),
    context: &Context<'_>,
) -> Result<Happened, Error> {
    moves::check(Act::Visit, dossier.place())?;
    if context.scope.owner().is_some() {
        let agencys = [("visitor", !visitor.is_empty()), ("offered", offered)];
        for (field, said) in agencys {
            if said {
                return Err(Error::field(field, "is for the agency to say"));
            }
        }
    }
    if dossier.recused.contains(visitor) {
        return Err(Error::field(
            "visitor",
            "may not go: the dossier is marked as their own or a relative's",
        ));
    }
    if window.end <= context.now {
        return Err(Error::field("window_to", "must lie ahead"));
    }
    if dossier.visits.len() >= VISITS_MAX {
        return Err(Error::Refused(Refusal {
            message: format!("the dossier has {VISITS_MAX} visits already"),
            article: moves::HAND_OVER,
            state: "VISITS".to_owned(),
            remedy: "hand the result over at the counter or by post (HandOverResult)",
        }));
    }
    let nothing = Words::default();
    let (statement_revision, mut statements) =
        statement(dossier, StatementKind::Visit, address, &nothing);
    let (location_revision, on_map) =
        statement(dossier, StatementKind::VisitLocation, location, &nothing);
    statements.extend(on_map);
    // A home visitor who arranges a visit goes, unless somebody else is to.
    let visitor = match context.actor.role() {
        Role::HomeVisitor if visitor.is_empty() => &context.actor.id,
        _ => visitor,
    };
    Ok(Happened {
        events: vec![Payload::VisitRequested(VisitRequested {
            visit: visit_id(dossier.visits.len()),
            window_from: Some(to_proto(window.start)),
            window_to: Some(to_proto(window.end)),
            statement_revision,
            visitor: visitor.to_owned(),
            location_revision,
            offered,
        })],
        statements,
    })
}

/// A visit brings the result, or takes papers along while some may be handed in.
pub(super) fn record_visit(
    dossier: &Dossier,
    id: &str,
    met: &Met,
    context: &Context<'_>,
    rules: &Rules<'_>,
) -> Result<Happened, Error> {
    let act = match met {
        Met::Nobody => Act::Visit,
        Met::Papers(_) => Act::HandIn,
        Met::Result(_) => Act::HandOver,
    };
    moves::check(act, dossier.place())?;
    let visit = dossier
        .visit_place(id)
        .and_then(|place| dossier.visits.get(place))
        .ok_or_else(|| Error::Missing {
            name: format!("visit {id} of dossiers/{}", context.key),
        })?;
    if visit.made_at.is_some() {
        return Err(Error::Refused(Refusal {
            message: format!("visit {id} was made already"),
            article: moves::HAND_OVER,
            state: "VISIT_MADE".to_owned(),
            remedy: "arrange another visit (RequestVisit)",
        }));
    }
    let made = Payload::VisitMade(VisitMade {
        visit: id.to_owned(),
        made_at: Some(to_proto(context.now)),
        handed_over: matches!(met, Met::Result(_)),
        papers_taken: matches!(met, Met::Papers(_)),
        papers: match met {
            Met::Papers(taken) => papers::handed(taken, rules)?,
            Met::Nobody | Met::Result(_) => Vec::new(),
        },
    });
    let Met::Result(receiver) = met else {
        return Ok(made.into());
    };
    let mut happened = handed_over(
        dossier,
        receiver,
        context.now,
        ResultHandedOver {
            method: HandOverMethod::Home.into(),
            visit: id.to_owned(),
            ..ResultHandedOver::default()
        },
    )?;
    happened.events.insert(0, made);
    Ok(happened)
}
