//! What is missing: before acceptance asked for here, in writing, fully, once (Mẫu 02); during the case asked for there. Handed in here,
//! or lapsed. Decree 118/2025, art. 17.

use jiff::Timestamp;
use motcua_platform::{
    catalog::supplement_rounds,
    error::{Error, Refusal},
    ledger::Context,
    statement::Statement,
    time::{in_words, to_proto},
};
use motcua_proto::{
    events::v1::{
        DossierRefused, PaymentDueSoon, SupplementAsked, SupplementDueSoon, SupplementLapsed,
        SupplementProvided, event::Payload,
    },
    intake::v1::StatementKind,
    r#type::v1::{HandedPaper, Role},
};

use super::{
    decide::{Happened, statement},
    dossier::{Asked, Dossier},
    moves::{self, Act, Place},
    papers,
    rules::Rules,
    words::Words,
};

/// Of a refusal by rule, as Mẫu 03 prints it.
const GROUND: &str = "Điều 17 Nghị định số 118/2025/NĐ-CP ngày 09 tháng 6 năm 2025 của Chính phủ";

/// Whoever forgot something needs a leader to ask again, or whoever stands in for one, and a leader asks no more often than the
/// procedure lets one.
pub(super) fn ask(
    dossier: &Dossier,
    [missing, reason, ground]: [&Words; 3],
    leader: &str,
    context: &Context<'_>,
    rules: &Rules<'_>,
) -> Result<Happened, Error> {
    moves::check(Act::AskSupplement, dossier.place())?;
    let (statement_revision, mut statements) =
        statement(dossier, StatementKind::SupplementAsked, missing, ground);
    if !reason.is_empty() {
        statements.push(Statement {
            kind: StatementKind::SupplementReason.into(),
            revision: statement_revision,
            body: reason.clone(),
            ground: Words::default(),
        });
    }
    let again = statement_revision > 1 && !context.roles.contains(&Role::Leader);
    if again && leader.is_empty() {
        return Err(Error::Refused(Refusal {
            message: "a supplement was asked for before, and it is asked for fully, once"
                .to_owned(),
            article: "decree 118/2025, art. 17",
            state: "SUBMITTED".to_owned(),
            remedy: "accept the dossier, refuse it, or have a leader ask again, or whoever stands in for one (CreateSubstitution)",
        }));
    }
    if statement_revision > supplement_rounds(Some(rules.procedure)) {
        return Err(Error::Refused(Refusal {
            message: "a supplement was asked for as often as the procedure lets one".to_owned(),
            article: "decree 118/2025, art. 17",
            state: "SUBMITTED".to_owned(),
            remedy: "accept the dossier, or refuse it",
        }));
    }
    let due = rules.supplement_due(context.now)?;
    Ok(Happened {
        events: vec![Payload::SupplementAsked(SupplementAsked {
            statement_revision,
            supplement_due_at: Some(to_proto(due.at)),
            judged_until: Some(to_proto(due.judged_until)),
            remind_at: rules.supplement_reminder(context.now)?.map(to_proto),
            on_behalf_of: if again { leader } else { "" }.to_owned(),
        })],
        statements,
    })
}

/// What comes back before acceptance is to be answered like a submission, in as long.
pub(super) fn provide(
    dossier: &Dossier,
    provided: &Words,
    papers: &[HandedPaper],
    now: Timestamp,
    rules: &Rules<'_>,
) -> Result<Happened, Error> {
    moves::check(Act::ProvideSupplement, dossier.place())?;
    if dossier.awaited().is_some_and(|asked| asked.lapsed) {
        return Err(Error::Refused(Refusal {
            message: "the time for the supplement has passed, and the case is being stopped"
                .to_owned(),
            article: moves::STOP,
            state: "SUPPLEMENT_LAPSED".to_owned(),
            remedy: "submit a new dossier (SubmitDossier)",
        }));
    }
    let during_case = dossier.reception.is_some();
    let acceptance_due_at = if during_case {
        None
    } else {
        Some(rules.acceptance_due(now)?)
    };
    let (statement_revision, statements) = statement(
        dossier,
        StatementKind::SupplementProvided,
        provided,
        &Words::default(),
    );
    Ok(Happened {
        events: vec![Payload::SupplementProvided(SupplementProvided {
            provided_at: Some(to_proto(now)),
            during_case,
            statement_revision,
            acceptance_due_at: acceptance_due_at.map(to_proto),
            papers: papers::handed(papers, rules)?,
        })],
        statements,
    })
}

/// The applicant is reminded once. What has not come by then is refused by rule before acceptance, and the refusal says why; during
/// the case it is said that it did not come, and the case is stopped there.
pub(super) fn tick(dossier: &Dossier, asked: &Asked, now: Timestamp) -> Happened {
    let due_at = Some(to_proto(asked.due_at));
    let payment = dossier.place() == Place::AwaitingPayment;
    if asked.lapsed {
        return Happened::default();
    }
    if asked.judged_until.is_some_and(|until| until <= now) {
        if dossier.place() == Place::Incomplete {
            return lapse(dossier, asked.due_at);
        }
        return Payload::SupplementLapsed(SupplementLapsed {
            supplement_due_at: due_at,
            payment,
        })
        .into();
    }
    match asked.remind_at {
        Some(at) if at <= now && payment => Payload::PaymentDueSoon(PaymentDueSoon {
            payment_due_at: due_at,
        })
        .into(),
        Some(at) if at <= now => Payload::SupplementDueSoon(SupplementDueSoon {
            supplement_due_at: due_at,
        })
        .into(),
        _ => Happened::default(),
    }
}

fn lapse(dossier: &Dossier, due_at: Timestamp) -> Happened {
    let due = in_words(due_at);
    let reason = format!(
        "Hết thời hạn bổ sung, hoàn thiện hồ sơ ({due}) nhưng chưa nhận được nội dung đã yêu cầu."
    );
    let (statement_revision, statements) = statement(
        dossier,
        StatementKind::Refusal,
        &Words::from(reason),
        &Words::from(GROUND.to_owned()),
    );
    Happened {
        events: vec![Payload::DossierRefused(DossierRefused {
            statement_revision,
            lapsed: true,
        })],
        statements,
    }
}
