//! What happens when something is asked of a dossier, or why nothing does.

use jiff::Timestamp;
use motcua_platform::{
    catalog::Catalog,
    error::{Error, Refusal},
    ledger::{Context, Decision, Subject},
    statement::Statement,
    time::{local_date, to_proto},
};
use motcua_proto::{
    events::v1::{
        AcceptanceDueRecomputed, AcceptanceOverdue, CaseProgressRecorded, DossierAccepted,
        DossierRefused, DossierSubmitted, DossierWithdrawn, ReactionIgnored, ResultReady,
        StaffRecused, TransferDueRecomputed, event::Payload,
    },
    intake::v1::StatementKind,
    r#type::v1::{DossierStatus, Limit, Role},
};

use super::{
    applicant, archive_run, at_work,
    command::{Command, Found, Submission},
    correction, documents,
    dossier::{Asked, Dossier},
    fees,
    follow::{Change, News},
    hand_over,
    moves::{self, Act, Place},
    originals, others,
    papers::{self, Handed},
    payments,
    rules::Rules,
    supplement, transfer,
    words::Words,
};

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

/// The catalogs that a decision looks at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The dossier's own, for good: the one of [`catalog_id`].
    pub own: Option<&'a Catalog>,
    /// The one that is in force: its calendars count, because days off are what they are for everybody.
    pub in_force: Option<&'a Catalog>,
}

/// What happens, or why nothing does.
///
/// # Errors
/// What the law or the catalog refuses, or a dossier that does not exist.
pub fn decide(
    state: Option<&Dossier>,
    command: &Command,
    context: &Context<'_>,
    catalogs: Known<'_>,
) -> Result<Decision, Error> {
    let name = || format!("dossiers/{}", context.key);
    let dossier = match (state, command) {
        (_, Command::Reject(error)) => return Err(error.clone()),
        (None, Command::Submit(submission)) => return submit(submission, context, catalogs),
        (Some(_), Command::Submit(_)) => return Err(Error::Exists { name: name() }),
        (None, _) => return Err(Error::Missing { name: name() }),
        (Some(dossier), _) => dossier,
    };
    nobody_decides_what_concerns_them(dossier, context)?;
    if dossier.archived {
        return in_the_archive(dossier, command, context);
    }
    let now = context.now;
    let happened = match command {
        // Answered above.
        Command::Submit(_) | Command::Reject(_) => Happened::default(),
        Command::Accept => {
            moves::check(Act::Accept, dossier.place())?;
            let accepted = accepted(dossier, &rules(dossier, catalogs)?, now)?;
            Happened {
                events: transfer::with_acceptance(dossier, accepted),
                statements: Vec::new(),
            }
        }
        Command::AcceptAt(found) => accept_at(dossier, found, &rules(dossier, catalogs)?, now)?,
        Command::Refuse { reason, ground } => refuse(dossier, reason, ground)?,
        Command::AskSupplement {
            missing,
            reason,
            ground,
            on_behalf_of,
        } => supplement::ask(
            dossier,
            [missing, reason, ground],
            on_behalf_of,
            context,
            &rules(dossier, catalogs)?,
        )?,
        Command::ProvideSupplement { provided, papers } => {
            supplement::provide(dossier, provided, papers, now, &rules(dossier, catalogs)?)?
        }
        Command::AddDocument(new) => {
            documents::add(dossier, new, context, &rules(dossier, catalogs)?)?
        }
        Command::Withdraw { reason, ground } => withdraw(dossier, reason, ground, now)?,
        Command::ReturnOriginals { received_by } => {
            originals::give_back(dossier, received_by, now)?
        }
        Command::HandOver {
            method,
            receiver,
            tracking_reference,
        } => hand_over::hand_over(dossier, *method, receiver, tracking_reference, now)?,
        Command::RecordFailedHandOver {
            method,
            failure,
            note,
        } => hand_over::failed(dossier, *method, *failure, note, now)?,
        Command::ArrangeVisit {
            from,
            to,
            address,
            location,
            visitor,
            offered,
        } => {
            let place = (address, location);
            let going = (visitor.as_str(), *offered);
            hand_over::arrange_visit(dossier, *from..*to, place, going, context)?
        }
        Command::RecordVisit { visit, met } => {
            hand_over::record_visit(dossier, visit, met, context, &rules(dossier, catalogs)?)?
        }
        Command::RecordPayment(new) => {
            payments::record(dossier, new, now, &rules(dossier, catalogs)?)?
        }
        Command::RefundPayment { payment, reason } => {
            payments::refund(dossier, payment, reason, now)?
        }
        Command::ProposeCorrection { applicant, reason } => {
            correction::propose(dossier, applicant, reason)?
        }
        Command::ProposeEntry { entry, reason } => {
            correction::propose_entry(dossier, entry, reason, &rules(dossier, catalogs)?)?
        }
        Command::ConfirmCorrection(confirmed) => {
            correction::confirm(dossier, confirmed, context, &rules(dossier, catalogs)?)?
        }
        Command::RejectCorrection { correction } => {
            correction::reject(dossier, correction, context)?
        }
        Command::RecordExternalState(new) => others::record(dossier, new, context)?,
        Command::AcknowledgeState { status, problem } => {
            others::acknowledge(dossier, *status, problem, context)?
        }
        Command::ConfirmTransfer => transfer::confirm(dossier, context)?,
        Command::Recuse { principal } => recuse(dossier, principal),
        Command::Tick => tick(dossier, now),
        Command::Recompute => recompute(dossier, catalogs)?,
        Command::Follow(news) => follow(dossier, news),
    };
    let happened = others::with_reports(dossier, 0, happened, context);
    let mut decision = decision(dossier, context, happened);
    if let Command::ConfirmCorrection(confirmed) = command {
        let seen = confirmed.particulars.as_ref();
        decision.corrected_subject = seen.map(|seen| seen.newcomer.clone());
    }
    Ok(decision)
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

/// Nothing more happens to it: its history is about to be sealed, or is. What its case still tells, and time that passes, change
/// nothing either.
fn in_the_archive(
    dossier: &Dossier,
    command: &Command,
    context: &Context<'_>,
) -> Result<Decision, Error> {
    if matches!(
        command,
        Command::Tick | Command::Recompute | Command::Follow(_)
    ) {
        return Ok(decision(dossier, context, Happened::default()));
    }
    Err(Error::Refused(Refusal {
        message: "the dossier is in the archive".to_owned(),
        article: archive_run::ARTICLE,
        state: "ARCHIVED".to_owned(),
        remedy: "have the ward's administrator undo the run of the archive while it is not sealed (UndoArchiveRun)",
    }))
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
        ..Decision::default()
    }
}

fn rules<'a>(dossier: &Dossier, catalogs: Known<'a>) -> Result<Rules<'a>, Error> {
    let catalog = known(catalogs.own, &dossier.catalog)?;
    // It was submitted under this very catalog: what is missing now is our failure and not the caller's.
    Rules::find(
        catalog,
        &dossier.procedure,
        &dossier.receiving_agency,
        &dossier.on_behalf_of,
        dossier.submitted_at,
    )
    .map(|rules| rules.by_calendar_of(catalogs.in_force))
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
    catalogs: Known<'_>,
) -> Result<Decision, Error> {
    let catalog = known(catalogs.own, &submission.catalog)?;
    let rules = Rules::find(
        catalog,
        &submission.procedure,
        &submission.receiving_agency,
        &submission.on_behalf_of,
        context.now,
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
        external_system: submission.external_system.clone(),
        authority: if submission.external_authority {
            submission.external_system.clone()
        } else {
            String::new()
        },
        priority_revision: i32::from(!submission.priority_reason.is_empty()),
        authorisation: applicant::authorisation(&submission.applicant).into(),
        papers: papers::handed(&submission.papers, &rules)?,
        quantity: submission.units.quantity,
        copies: submission.units.copies,
        sets: submission.sets,
        exemption: submission.exemption.clone(),
        exemption_revision: i32::from(!submission.exemption_paper.is_empty()),
        helping_agency: submission.helped_by.agency.clone(),
        helping_revision: i32::from(!submission.helped_by.title.is_empty()),
        citizen: submission.citizen.clone(),
    };
    let dossier = Dossier::submitted(&submitted, &submission.procedure, context.actor);
    // Nobody receives their own, or a relative's.
    nobody_decides_what_concerns_them(&dossier, context)?;
    let mut events = vec![Payload::DossierSubmitted(submitted)];
    if submission.accept {
        let accepted = accepted(&dossier, &rules, context.now)?;
        events.extend(transfer::with_acceptance(&dossier, accepted));
    }
    let particulars = Statement {
        kind: StatementKind::Applicant.into(),
        revision: 1,
        body: applicant::write(&submission.applicant).into(),
        ground: Words::default(),
    };
    let mut statements = vec![particulars];
    let also = [
        (StatementKind::Priority, &submission.priority_reason),
        (StatementKind::Exemption, &submission.exemption_paper),
        (
            StatementKind::HelpingOrganisation,
            &submission.helped_by.title,
        ),
    ];
    let also = also.into_iter().filter(|(_, words)| !words.is_empty());
    statements.extend(also.map(|(kind, words)| Statement {
        kind: kind.into(),
        revision: 1,
        body: words.clone(),
        ground: Words::default(),
    }));
    let happened = Happened { events, statements };
    let happened = others::with_reports(&dossier, 1, happened, context);
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
    let papers = papers::complete(dossier, rules)?;
    let fee = rules.fee(dossier);
    let received_at = rules.received_at(now)?;
    let due = rules.due(received_at)?;
    Ok(DossierAccepted {
        received_at: Some(to_proto(received_at)),
        due_at: Some(to_proto(due.at)),
        judged_until: Some(to_proto(due.judged_until)),
        limit: rules.limit(),
        catalog: dossier.catalog.clone(),
        definition: rules.procedure.definition.clone(),
        fee_vnd: fee.taken_vnd,
        exempted_vnd: fee.exempted_vnd,
        channel: dossier.channel.into(),
        receiving_agency: dossier.receiving_agency.clone(),
        competent_agency: dossier.competent_agency.clone(),
        priority: dossier.priority.into(),
        options: dossier.options.clone(),
        recused: dossier.recused.iter().cloned().collect(),
        paid_vnd: dossier.paid_vnd(),
        papers: papers.iter().map(Handed::to_proto).collect(),
        quantity: dossier.quantity,
        copies: dossier.copies,
        exemption: fee.exemption.to_owned(),
        exemption_revision: 0,
        priority_revision: 0,
        transfer_due_at: rules.transfer_due(received_at)?.map(to_proto),
    })
}

/// Accepts it at the fee that follows from what the counter has found. What was paid before stays within it, for a living dossier's
/// payments are not given back.
fn accept_at(
    dossier: &Dossier,
    found: &Found,
    rules: &Rules<'_>,
    now: Timestamp,
) -> Result<Happened, Error> {
    moves::check(Act::Accept, dossier.place())?;
    let asked = fees::Asked {
        units: found.units,
        exemption: &found.exemption,
    };
    fees::check(asked, rules.procedure, local_date(dossier.submitted_at))?;
    let mut as_found = dossier.clone();
    let units = found.units.or(dossier.units());
    (as_found.quantity, as_found.copies) = (units.quantity, units.copies);
    if found.no_exemption || !found.exemption.is_empty() {
        as_found.exemption.clone_from(&found.exemption);
    }
    as_found.priority = found.priority.unwrap_or(dossier.priority);
    let said = |kind, words| statement(dossier, kind, words, &Words::default());
    let (exemption_revision, mut statements) =
        said(StatementKind::Exemption, &found.exemption_paper);
    let (priority_revision, why_first) = said(StatementKind::Priority, &found.priority_reason);
    statements.extend(why_first);
    let accepted = DossierAccepted {
        exemption_revision,
        priority_revision,
        ..accepted(&as_found, rules, now)?
    };
    if accepted.paid_vnd > accepted.fee_vnd {
        return Err(Error::Refused(Refusal {
            message: format!(
                "{} đồng are paid, and the fee would be {} đồng",
                accepted.paid_vnd, accepted.fee_vnd
            ),
            article: moves::FEES,
            state: "PAID".to_owned(),
            remedy: "accept it at the fee that was paid, or refuse it, give the money back (RefundPayment) and have it submitted anew",
        }));
    }
    Ok(Happened {
        events: transfer::with_acceptance(&as_found, accepted),
        statements,
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

fn withdraw(
    dossier: &Dossier,
    reason: &Words,
    ground: &Words,
    now: Timestamp,
) -> Result<Happened, Error> {
    moves::check(Act::Withdraw, dossier.place())?;
    let (statement_revision, statements) =
        statement(dossier, StatementKind::Withdrawal, reason, ground);
    Ok(Happened {
        events: vec![Payload::DossierWithdrawn(DossierWithdrawn {
            statement_revision,
            accepted: dossier.reception.is_some(),
            withdrawn_at: Some(to_proto(now)),
        })],
        statements,
    })
}

/// Looks at the clock: what was asked for may be due, or an answer, or a transfer.
fn tick(dossier: &Dossier, now: Timestamp) -> Happened {
    let mut happened = look_at_the_clock(dossier, now);
    happened.events.extend(transfer::tick(dossier, now));
    happened.events.extend(others::tell_again(dossier, now));
    happened
}

fn look_at_the_clock(dossier: &Dossier, now: Timestamp) -> Happened {
    if let Some(asked) = dossier.awaited() {
        return supplement::tick(dossier, asked, now);
    }
    match dossier.answer_due() {
        // Said once for each wait: a submission, or its supplement, has waited for an answer longer than allowed.
        Some(due) if due <= now => Payload::AcceptanceOverdue(AcceptanceOverdue {
            acceptance_due_at: Some(to_proto(due)),
        })
        .into(),
        _ => Happened::default(),
    }
}

/// Another calendar is in force: the agency's own waits end by it. What the applicant was told in writing, the day of a supplement,
/// stays; and a wait for an answer that was said to be late stays late.
fn recompute(dossier: &Dossier, catalogs: Known<'_>) -> Result<Happened, Error> {
    let Some(in_force) = catalogs.in_force else {
        return Ok(Happened::default());
    };
    let catalog = || in_force.id().to_owned();
    let mut events = Vec::new();
    if let Some((due, since)) = dossier.answer_due().zip(dossier.answer_awaited_since()) {
        let anew = rules(dossier, catalogs)?.acceptance_due(since)?;
        if anew != due {
            events.push(Payload::AcceptanceDueRecomputed(AcceptanceDueRecomputed {
                catalog: catalog(),
                acceptance_due_at: Some(to_proto(anew)),
            }));
        }
    }
    if let Some((way, reception)) = dossier.on_its_way().zip(dossier.reception.as_ref()) {
        let anew = rules(dossier, catalogs)?.transfer_due(reception.received_at)?;
        if let Some(anew) = anew.filter(|anew| *anew != way.due_at) {
            events.push(Payload::TransferDueRecomputed(TransferDueRecomputed {
                catalog: catalog(),
                transfer_due_at: Some(to_proto(anew)),
            }));
        }
    }
    Ok(Happened {
        events,
        statements: Vec::new(),
    })
}

/// The case is the authority for 4, 5, 6, 8 and 9, within the law's moves; the ends 3, 7 and 10 are intake's, and stay.
fn follow(dossier: &Dossier, news: &News) -> Happened {
    let place = dossier.place();
    if let Err(refusal) = moves::check(asked_by_case(&news.change, place), place) {
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
        Change::Progress {
            status,
            due_at,
            limit,
        } => progress(dossier, *status, *due_at, limit.clone(), news.at),
        Change::BranchBegan { branch, agency } => at_work::began(dossier, branch, agency, news.at),
        Change::BranchEnded { branch } => at_work::ended(dossier, branch, news.at),
        Change::Asked {
            status,
            asked,
            obligations_vnd,
        } => asked_for(dossier, *status, asked, *obligations_vnd, news.at),
    }
}

/// The move that the news asks for.
fn asked_by_case(change: &Change, place: Place) -> Act {
    let status = match change {
        Change::Finished { .. } => return Act::FinishCase,
        // Several agencies of a linked procedure may await something at the same time.
        Change::Asked { status, .. }
            if *status == DossierStatus::SupplementRequired
                && place == Place::AwaitingSupplement =>
        {
            return Act::FollowCase;
        }
        Change::Asked { status, .. } => Some(*status),
        Change::Progress { status, .. } => *status,
        Change::BranchBegan { .. } | Change::BranchEnded { .. } => None,
    };
    match status {
        None => Act::FollowCase,
        Some(DossierStatus::SupplementRequired | DossierStatus::PaymentRequired) => Act::HoldCase,
        Some(DossierStatus::Stopped) => Act::StopCase,
        Some(_) => Act::BeginCase,
    }
}

fn progress(
    dossier: &Dossier,
    status: Option<DossierStatus>,
    due_at: Option<Timestamp>,
    limit: Option<Limit>,
    at: Timestamp,
) -> Happened {
    let status = status.unwrap_or(dossier.status);
    let due_at = due_at.or(dossier.due_at());
    let is_same = status == dossier.status && due_at == dossier.due_at();
    if is_same && limit.is_none() {
        return Happened::default();
    }
    Payload::CaseProgressRecorded(CaseProgressRecorded {
        status: status.into(),
        due_at: due_at.map(to_proto),
        occurred_at: Some(to_proto(at)),
        limit,
        ..CaseProgressRecorded::default()
    })
    .into()
}

/// The case asked for something, and stands still until it is there; what it found to be owed is owed from here on.
fn asked_for(
    dossier: &Dossier,
    status: DossierStatus,
    asked: &Asked,
    obligations_vnd: i64,
    at: Timestamp,
) -> Happened {
    // What is awaited beside something else is there with the later of both.
    let before = dossier.awaited().filter(|it| it.due_at > asked.due_at);
    let asked = before.unwrap_or(asked);
    Payload::CaseProgressRecorded(CaseProgressRecorded {
        status: status.into(),
        due_at: dossier.due_at().map(to_proto),
        occurred_at: Some(to_proto(at)),
        asked_due_at: Some(to_proto(asked.due_at)),
        asked_judged_until: asked.judged_until.map(to_proto),
        asked_remind_at: asked.remind_at.map(to_proto),
        asked_by: asked.by.clone(),
        obligations_vnd,
        ..CaseProgressRecorded::default()
    })
    .into()
}
