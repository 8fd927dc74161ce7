//! `motcua dossier CODE`: a dossier's life as a timeline, from the events of all services, with the traces that they belong to.

use std::process::ExitCode;

use jiff::Timestamp;
use motcua_platform::{telemetry, time::from_proto_opt};
use motcua_proto::{
    events::v1::{
        Event, EventKind, SubscribeRequest, event::Payload,
        event_feed_service_client::EventFeedServiceClient,
    },
    r#type::v1::Role,
};

use crate::{Failed, config::Config, feed::Service};

/// Which dossier.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The dossier's code: H24.11593-250701-0007.
    code: String,
}

pub(crate) async fn run(config: &Config, args: Args) -> Result<ExitCode, Failed> {
    let mut life: Vec<(Timestamp, usize, &str, Event)> = Vec::new();
    for (order, service) in Service::ALL.into_iter().enumerate() {
        let mut stream = EventFeedServiceClient::new(service.peer(config, Role::CitySupervisor)?)
            .subscribe(SubscribeRequest {
                dossier: args.code.clone(),
                until_head: true,
                ..SubscribeRequest::default()
            })
            .await?
            .into_inner();
        while let Some(batch) = stream.message().await? {
            life.extend(batch.events.into_iter().map(|event| {
                let at = from_proto_opt(event.recorded_at.as_ref()).unwrap_or_default();
                (at, order, service.name(), event)
            }));
        }
    }
    if life.is_empty() {
        return Err(Failed::new(format!(
            "no service has an event of dossier {}",
            args.code
        )));
    }
    // Within a service positions order; between services the time of recording does, then who causes whom.
    life.sort_by_key(|(at, order, _, event)| (*at, *order, event.position));
    println!("{}", args.code);
    let mut day = None;
    let mut trace = "";
    for (at, _, service, event) in &life {
        let local = motcua_calendar::local(*at);
        if day != Some(local.date()) {
            day = Some(local.date());
            println!("  {}", local.strftime("%A, %Y-%m-%d"));
        }
        // What one act brought about stands below its trace, which operators look up: the receipt has the first one.
        let own = telemetry::trace_id(&event.traceparent);
        if own != trace {
            trace = own;
            println!("    trace {}", if own.is_empty() { "none" } else { own });
        }
        let actor = event.actor.clone().unwrap_or_default();
        let who = match actor.role() {
            Role::Service => String::new(),
            _ => format!("  by {}", actor.id),
        };
        println!(
            "    {}  {:<12} {:<22} {}{who}",
            local.strftime("%H:%M"),
            service,
            telemetry::kind_name(EventKind::try_from(event.kind).unwrap_or_default()),
            detail(event),
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What matters of an event, in a few words.
fn detail(event: &Event) -> String {
    let time = |at: &Option<prost_types::Timestamp>| {
        from_proto_opt(at.as_ref())
            .map(|at| {
                motcua_calendar::local(at)
                    .strftime("%Y-%m-%d %H:%M")
                    .to_string()
            })
            .unwrap_or_default()
    };
    let at_agency = |what: &str, agency: &str, due_at: &Option<prost_types::Timestamp>| {
        format!("{what} at {agency}, due {}", time(due_at))
    };
    match &event.payload {
        Some(Payload::DossierSubmitted(submitted)) => {
            format!("procedure {}", event.procedure)
                + if submitted.options.is_empty() {
                    ""
                } else {
                    " with options"
                }
        }
        Some(Payload::DossierAccepted(accepted)) => format!("due {}", time(&accepted.due_at)),
        Some(Payload::TaskOpened(task)) => {
            format!(
                "{} {} at {}, {} min",
                task.task, task.step, task.agency, task.planned_minutes
            )
        }
        Some(Payload::TaskClaimed(task)) => task.task.clone(),
        Some(Payload::TaskCompleted(task)) => {
            format!(
                "{} {} after {} min{}",
                task.task,
                task.outcome,
                task.used_minutes,
                in_place_of(&task.on_behalf_of)
            )
        }
        Some(Payload::TaskReturned(task)) => format!("{} back to {}", task.task, task.to_step),
        Some(Payload::SubCaseStarted(branch)) => {
            at_agency(&branch.procedure, &branch.agency, &branch.due_at)
        }
        Some(Payload::SubCaseFinished(branch)) => format!("{} {}", branch.branch, branch.outcome),
        Some(Payload::SubCaseDueSoon(told)) => at_agency(&told.branch, &told.agency, &told.due_at),
        Some(Payload::SubCaseOverdue(told)) => at_agency(&told.branch, &told.agency, &told.due_at),
        Some(Payload::CaseResumed(resumed)) => format!("due {}", time(&resumed.due_at)),
        Some(Payload::LimitChosen(chosen)) => {
            format!("{}, due {}", chosen.limit_id, time(&chosen.due_at))
        }
        Some(Payload::SubCaseLimitChosen(chosen)) => format!(
            "{}: {}, due {}",
            chosen.branch,
            chosen.limit_id,
            time(&chosen.due_at)
        ),
        Some(Payload::DeadlineExtended(extended)) => format!(
            "new date {}{}",
            time(&extended.due_at),
            in_place_of(&extended.on_behalf_of)
        ),
        Some(Payload::CaseFinished(finished)) => format!(
            "{}, {}",
            finished.outcome,
            finished.punctuality().as_str_name().to_lowercase()
        )
        .replace("punctuality_", ""),
        Some(Payload::MessageQueued(message)) => message.template.clone(),
        Some(Payload::MessageFailed(message)) => message.reason.clone(),
        Some(Payload::ReactionIgnored(ignored)) => ignored.reason.clone(),
        _ => String::new(),
    }
}

/// For whom somebody stood in; nothing where they acted for themselves.
fn in_place_of(colleague: &str) -> String {
    if colleague.is_empty() {
        String::new()
    } else {
        format!(", for {colleague}")
    }
}
