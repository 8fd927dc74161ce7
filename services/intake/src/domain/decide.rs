//! What happens when something is asked of a dossier, or why nothing does.

use jiff::Timestamp;
use motcua_platform::{
    catalog::Catalog,
    error::{Error, Refusal},
    ledger::{Context, Decision, Subject},
    statement::Statement,
    time::to_proto,
};
use motcua_proto::{
    events::v1::{
        AcceptanceOverdue, CaseProgressRecorded, DossierAccepted, DossierRefused, DossierSubmitted,
        DossierWithdrawn, ReactionIgnored, ResultHandedOver, ResultReady, StaffRecused, VisitMade,
        VisitRequested, event::Payload,
    },
    intake::v1::StatementKind,
    r#type::v1::{DossierStatus, HandOverMethod, Role},
};

use super::{
    applicant,
    command::{Command, Submission},
    dossier::{Dossier, visit_id},
    follow::{Change, News},
    moves::{self, Act},
    payments,
    rules::Rules,
    supplement,
    words::Words,
};

/// Visits that one dossier may have: whoever arranges more is a program that went wrong.
const VISITS_MAX: usize = 50;

/// What happens, and what was said with it.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) events: Vec<Payload>,
    pub(super) statements: Vec<Statement>,
}

impl From<Payload> for Happened {
    fn from(event: Payload) -> Self {
        Self {
            events: vec![event],
            statements: Vec::new(),
        }
    }
}

/// The id of the catalog that a decision looks at: the dossier's own, for good.
#[must_use]
pub fn catalog_id<'a>(state: Option<&'a Dossier>, command: &'a Command) -> Option<&'a str> {
    match (state, command) {
        (Some(dossier), _) => Some(&dossier.catalog),
        (None, Command::Submit(submission)) => Some(&submission.catalog),
        (None, _) => None,
    }
}

/// What happens, or why nothing does. `catalog` is the one of [`catalog_id`].
///
/// # Errors
/// What the law or the catalog refuses, or a dossier that does not exist.
pub fn decide(
    state: Option<&Dossier>,
    command: &Command,
    context: &Context<'_>,
    catalog: Option<&Catalog>,
) -> Result<Decision, Error> {
    let name = || format!("dossiers/{}", context.key);
    let dossier = match (state, command) {
        (_, Command::Reject(error)) => return Err(error.clone()),
        (None, Command::Submit(submission)) => return submit(submission, context, catalog),
        (Some(_), Command::Submit(_)) => return Err(Error::Exists { name: name() }),
        (None, _) => return Err(Error::Missing { name: name() }),
        (Some(dossier), _) => dossier,
    };
    nobody_decides_what_concerns_them(dossier, context)?;
    let now = context.now;
    let happened = match command {
        // Answered above.
        Command::Submit(_) | Command::Reject(_) => Happened::default(),
        Command::Accept => {
            moves::check(Act::Accept, dossier.place())?;
            Payload::DossierAccepted(accepted(dossier, &rules(dossier, catalog)?, now)?).into()
        }
        Command::Refuse { reason, ground } => refuse(dossier, reason, ground)?,
        Command::AskSupplement { missing, ground } => {
            supplement::ask(dossier, missing, ground, context, &rules(dossier, catalog)?)?
        }
        Command::ProvideSupplement { provided } => {
            supplement::provide(dossier, provided, now, &rules(dossier, catalog)?)?
        }
        Command::Withdraw { reason } => withdraw(dossier, reason, now)?,
        Command::HandOver {
            method,
            received_by,
        } => hand_over(dossier, *method, received_by, now)?,
        Command::ArrangeVisit { from, to, address } => {
            arrange_visit(dossier, *from, *to, address, now)?
        }
        Command::RecordVisit { visit, received_by } => {
            record_visit(dossier, visit, received_by.as_ref(), context)?
        }
        Command::RecordPayment(new) => {
            payments::record(dossier, new, now, &rules(dossier, catalog)?)?
        }
        Command::RefundPayment { payment, reason } => {
            payments::refund(dossier, payment, reason, now)?
        }
        Command::Recuse { principal } => recuse(dossier, principal),
        Command::Tick => tick(dossier, now),
        Command::Follow(news) => follow(dossier, news),
    };
    Ok(decision(dossier, context, happened))
}

/// Law 36/2018/QH14, art. 23: who has an interest in a matter stays out of it. As a citizen one may act on one's own.
fn nobody_decides_what_concerns_them(
    dossier: &Dossier,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if context.actor.role() == Role::Citizen || !dossier.concerns(&context.actor.id) {
        return Ok(());
    }
    let status = dossier.status.as_str_name();
    Err(Refusal {
        message: "the dossier is marked as the caller's own or a relative's".to_owned(),
        article: "law 36/2018/QH14, art. 23",
        state: status
            .strip_prefix("DOSSIER_STATUS_")
            .unwrap_or(status)
            .to_owned(),
        remedy: "have a colleague act on it",
    })
}

/// Marking somebody twice says nothing new.
fn recuse(dossier: &Dossier, principal: &str) -> Happened {
    if dossier.recused.contains(principal) {
        return Happened::default();
    }
    Payload::StaffRecused(StaffRecused {
        principal: principal.to_owned(),
    })
    .into()
}

fn decision(dossier: &Dossier, context: &Context<'_>, happened: Happened) -> Decision {
    Decision {
        subject: Subject {
            dossier: context.key.to_owned(),
            agency: dossier.receiving_agency.clone(),
            procedure: dossier.procedure.clone(),
        },
        events: happened.events,
        statements: happened.statements,
        new_subject: None,
    }
}

fn rules<'a>(dossier: &Dossier, catalog: Option<&'a Catalog>) -> Result<Rules<'a>, Error> {
    let catalog = known(catalog, &dossier.catalog)?;
    // It was submitted under this very catalog: what is missing now is our failure and not the caller's.
    Rules::find(
        catalog,
        &dossier.procedure,
        &dossier.receiving_agency,
        &dossier.on_behalf_of,
    )
    .map_err(|violations| Error::Fault(Error::Invalid(violations).to_string()))
}

fn known<'a>(catalog: Option<&'a Catalog>, id: &str) -> Result<&'a Catalog, Error> {
    catalog.ok_or_else(|| {
        Error::Fault(format!(
            "catalog {id} is not among those that were applied here"
        ))
    })
}

/// What somebody said, under the next revision of its kind. Nothing said: no statement, revision 0.
pub(super) fn statement(
    dossier: &Dossier,
    kind: StatementKind,
    words: &Words,
    ground: &Words,
) -> (i32, Vec<Statement>) {
    if words.is_empty() {
        return (0, Vec::new());
    }
    let revision = dossier.next_revision(kind);
    let statement = Statement {
        kind: kind.into(),
        revision,
        body: words.clone(),
        ground: ground.clone(),
    };
    (revision, vec![statement])
}

/// Decree 118/2025, art. 15 and 17.
fn submit(
    submission: &Submission,
    context: &Context<'_>,
    catalog: Option<&Catalog>,
) -> Result<Decision, Error> {
    let catalog = known(catalog, &submission.catalog)?;
    let rules = Rules::find(
        catalog,
        &submission.procedure,
        &submission.receiving_agency,
        &submission.on_behalf_of,
    )
    .map_err(Error::Invalid)?;
    rules.are_open(catalog, context.now)?;
    let submitted = DossierSubmitted {
        channel: submission.channel.into(),
        receiving_agency: rules.receiving.code.clone(),
        competent_agency: rules.competent.code.clone(),
        catalog: submission.catalog.clone(),
        applicant_revision: 1,
        priority: submission.priority.into(),
        hand_over_method: submission.hand_over_method.into(),
        options: submission.options.clone(),
        acceptance_due_at: Some(to_proto(rules.acceptance_due(context.now)?)),
        submitted_at: Some(to_proto(context.now)),
        external_code: submission.external_code.clone(),
        recused: submission.recused.clone(),
        on_behalf_of: submission.on_behalf_of.clone(),
    };
    let dossier = Dossier::submitted(&submitted, &submission.procedure, context.actor);
    // Nobody receives their own, or a relative's.
    nobody_decides_what_concerns_them(&dossier, context)?;
    let mut events = vec![Payload::DossierSubmitted(submitted)];
    if submission.accept {
        events.push(Payload::DossierAccepted(accepted(
            &dossier,
            &rules,
            context.now,
        )?));
    }
    let particulars = Statement {
        kind: StatementKind::Applicant.into(),
        revision: 1,
        body: applicant::write(&submission.applicant).into(),
        ground: Words::default(),
    };
    let happened = Happened {
        events,
        statements: vec![particulars],
    };
    Ok(Decision {
        new_subject: Some(submission.newcomer.clone()),
        ..decision(&dossier, context, happened)
    })
}

/// The limit runs from the moment of reception, as the receipt says, and not from submission. Decree 118/2025, art. 17.
fn accepted(
    dossier: &Dossier,
    rules: &Rules<'_>,
    now: Timestamp,
) -> Result<DossierAccepted, Error> {
    let received_at = rules.received_at(now)?;
    let due = rules.due(received_at)?;
    Ok(DossierAccepted {
        received_at: Some(to_proto(received_at)),
        due_at: Some(to_proto(due.at)),
        judged_until: Some(to_proto(due.judged_until)),
        limit: Some(rules.limit()),
        catalog: dossier.catalog.clone(),
        definition: rules.procedure.definition.clone(),
        fee_vnd: rules.fee_vnd(dossier.channel),
        channel: dossier.channel.into(),
        receiving_agency: dossier.receiving_agency.clone(),
        competent_agency: dossier.competent_agency.clone(),
        priority: dossier.priority.into(),
        options: dossier.options.clone(),
        recused: dossier.recused.iter().cloned().collect(),
    })
}

/// Mẫu 03. Decree 118/2025, art. 17.
fn refuse(dossier: &Dossier, reason: &Words, ground: &Words) -> Result<Happened, Error> {
    moves::check(Act::Refuse, dossier.place())?;
    let (statement_revision, statements) =
        statement(dossier, StatementKind::Refusal, reason, ground);
    Ok(Happened {
        events: vec![Payload::DossierRefused(DossierRefused {
            statement_revision,
            lapsed: false,
        })],
        statements,
    })
}

fn withdraw(dossier: &Dossier, reason: &Words, now: Timestamp) -> Result<Happened, Error> {
    moves::check(Act::Withdraw, dossier.place())?;
    let (statement_revision, statements) = statement(
        dossier,
        StatementKind::Withdrawal,
        reason,
        &Words::default(),
    );
    Ok(Happened {
        events: vec![Payload::DossierWithdrawn(DossierWithdrawn {
            statement_revision,
            accepted: dossier.reception.is_some(),
            withdrawn_at: Some(to_proto(now)),
        })],
        statements,
    })
}

/// Decree 118/2025, art. 22.
fn hand_over(
    dossier: &Dossier,
    method: HandOverMethod,
    received_by: &Words,
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
    Ok(handed_over(
        dossier,
        method,
        received_by,
        now,
        String::new(),
    ))
}

fn handed_over(
    dossier: &Dossier,
    method: HandOverMethod,
    received_by: &Words,
    now: Timestamp,
    visit: String,
) -> Happened {
    let (statement_revision, statements) = statement(
        dossier,
        StatementKind::HandOver,
        received_by,
        &Words::default(),
    );
    Happened {
        events: vec![Payload::ResultHandedOver(ResultHandedOver {
            method: method.into(),
            handed_over_at: Some(to_proto(now)),
            statement_revision,
            visit,
        })],
        statements,
    }
}

fn arrange_visit(
    dossier: &Dossier,
    from: Timestamp,
    to: Timestamp,
    address: &Words,
    now: Timestamp,
) -> Result<Happened, Error> {
    moves::check(Act::Visit, dossier.place())?;
    if to <= now {
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
    let (statement_revision, statements) =
        statement(dossier, StatementKind::Visit, address, &Words::default());
    Ok(Happened {
        events: vec![Payload::VisitRequested(VisitRequested {
            visit: visit_id(dossier.visits.len()),
            window_from: Some(to_proto(from)),
            window_to: Some(to_proto(to)),
            statement_revision,
        })],
        statements,
    })
}

/// A visit that met somebody hands the result over. Decree 118/2025, art. 22.
fn record_visit(
    dossier: &Dossier,
    id: &str,
    received_by: Option<&Words>,
    context: &Context<'_>,
) -> Result<Happened, Error> {
    moves::check(
        if received_by.is_some() {
            Act::HandOver
        } else {
            Act::Visit
        },
        dossier.place(),
    )?;
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
        handed_over: received_by.is_some(),
    });
    let Some(received_by) = received_by else {
        return Ok(made.into());
    };
    let mut happened = handed_over(
        dossier,
        HandOverMethod::Home,
        received_by,
        context.now,
        id.to_owned(),
    );
    happened.events.insert(0, made);
    Ok(happened)
}

/// Looks at the clock: what was asked for may be due, or an answer.
fn tick(dossier: &Dossier, now: Timestamp) -> Happened {
    if let Some(asked) = dossier.awaited() {
        return supplement::tick(dossier, asked, now);
    }
    match dossier.timer() {
        // Said once for each wait: a submission, or its supplement, has waited for an answer longer than allowed.
        Some(due) if due <= now => Payload::AcceptanceOverdue(AcceptanceOverdue {
            acceptance_due_at: Some(to_proto(due)),
        })
        .into(),
        _ => Happened::default(),
    }
}

/// The case is the authority for 4, 5, 6, 8 and 9, whatever this side has seen so far; the ends 3, 7 and 10 are
/// intake's, and stay.
fn follow(dossier: &Dossier, news: &News) -> Happened {
    if let Err(refusal) = moves::check(Act::FollowCase, dossier.place()) {
        return Payload::ReactionIgnored(ReactionIgnored {
            source: "workflow".to_owned(),
            source_position: news.position,
            source_kind: news.kind.into(),
            reason: refusal.message,
        })
        .into();
    }
    match &news.change {
        Change::Finished { outcome } => Payload::ResultReady(ResultReady {
            finished_at: Some(to_proto(news.at)),
            outcome: outcome.clone(),
        })
        .into(),
        Change::Progress { status, due_at } => progress(dossier, *status, *due_at, news.at),
    }
}

fn progress(
    dossier: &Dossier,
    status: Option<DossierStatus>,
    due_at: Option<Timestamp>,
    at: Timestamp,
) -> Happened {
    let status = status.unwrap_or(dossier.status);
    let due_at = due_at.or(dossier.due_at());
    if status == dossier.status && due_at == dossier.due_at() {
        return Happened::default();
    }
    Payload::CaseProgressRecorded(CaseProgressRecorded {
        status: status.into(),
        due_at: due_at.map(to_proto),
        occurred_at: Some(to_proto(at)),
    })
    .into()
}
