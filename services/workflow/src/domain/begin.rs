//! How a case begins, or stands blocked until it can.

use motcua_platform::{
    catalog,
    ledger::{Context, Decision, Subject},
    time::to_proto,
};
use motcua_proto::{
    events::v1::{self as events, Event, event::Payload},
    workflow::v1::CaseState,
};

use super::{
    command::Receipt, decide::Desk, engine::Walk, replay::apply, scene::Scene, surround::Surround,
};

/// A case begins, or stands blocked where everybody sees it: the dossier was accepted, so there is a case.
pub(super) fn start(receipt: &Receipt, context: &Context<'_>, surround: &Surround) -> Decision {
    Decision {
        subject: Subject {
            dossier: context.key.to_owned(),
            agency: receipt.competent_agency.clone(),
            procedure: receipt.procedure.clone(),
        },
        events: begin(receipt, context, surround)
            .unwrap_or_else(|reason| vec![blocked(receipt, reason)]),
        ..Decision::default()
    }
}

/// What happens when a case begins, or why it cannot.
fn begin(
    receipt: &Receipt,
    context: &Context<'_>,
    surround: &Surround,
) -> Result<Vec<Payload>, String> {
    let scene = Scene::prepare(receipt, surround, context.now)?;
    let hours = scene
        .timetable
        .hours(&receipt.receiving_agency)
        .map_err(|error| error.to_string())?;
    let leads = hours.leads(
        &scene.definition,
        receipt.received_at,
        receipt.due,
        &receipt.limit,
        &[],
    );
    let started = Payload::CaseStarted(events::CaseStarted {
        received_at: Some(to_proto(receipt.received_at)),
        due_at: Some(to_proto(receipt.due.at)),
        judged_until: Some(to_proto(receipt.due.judged_until)),
        limit: catalog::limit_to_proto(&receipt.limit),
        catalog: receipt.catalog.clone(),
        definition: receipt.definition.clone(),
        definition_version: scene.definition.version(),
        receiving_agency: receipt.receiving_agency.clone(),
        competent_agency: receipt.competent_agency.clone(),
        priority: receipt.priority.into(),
        options: receipt.options.clone(),
        called: scene.called(),
        due_soon_at: hours
            .due_soon(context.now, receipt.due, &leads)
            .map(to_proto),
        recused: receipt.recused.clone(),
        fee_vnd: receipt.fee_vnd,
        paid_vnd: receipt.paid_vnd,
    });
    let after = |case, payload: &Payload| {
        let event = Event {
            procedure: receipt.procedure.clone(),
            payload: Some(payload.clone()),
            ..Event::default()
        };
        apply(case, &event).ok_or("the case does not begin")
    };
    let mut case = after(None, &started)?;
    // The dues of open cases were reckoned anew when the catalog in force came: before this one was open.
    let mut recomputed = Vec::new();
    if receipt.catalog != scene.timetable.id() {
        let desk = Desk {
            case: &case,
            context,
            surround,
        };
        recomputed = desk.recompute().map_err(|error| error.to_string())?.events;
    }
    for payload in &recomputed {
        case = after(Some(case), payload)?;
    }
    let mut walk = Walk::new(&case, &scene, context.now);
    walk.begin().map_err(|error| error.to_string())?;
    let began = [started].into_iter().chain(recomputed);
    Ok(began.chain(walk.events).collect())
}

fn blocked(receipt: &Receipt, reason: String) -> Payload {
    Payload::CaseBlocked(events::CaseBlocked {
        reason,
        received_at: Some(to_proto(receipt.received_at)),
        due_at: Some(to_proto(receipt.due.at)),
        competent_agency: receipt.competent_agency.clone(),
        judged_until: Some(to_proto(receipt.due.judged_until)),
        limit: catalog::limit_to_proto(&receipt.limit),
        catalog: receipt.catalog.clone(),
        definition: receipt.definition.clone(),
        receiving_agency: receipt.receiving_agency.clone(),
        priority: receipt.priority.into(),
        options: receipt.options.clone(),
        recused: receipt.recused.clone(),
        fee_vnd: receipt.fee_vnd,
        paid_vnd: receipt.paid_vnd,
    })
}

impl Desk<'_> {
    /// What a blocked case waited for may be there now.
    pub(super) fn retry(&self) -> Decision {
        let case = self.case;
        if case.state != CaseState::Blocked {
            return self.decision(Vec::new());
        }
        let receipt = Receipt::of(case);
        self.decision(match begin(&receipt, self.context, self.surround) {
            Ok(events) => events,
            Err(reason) if reason == case.blocked_reason => Vec::new(),
            Err(reason) => vec![blocked(&receipt, reason)],
        })
    }
}
