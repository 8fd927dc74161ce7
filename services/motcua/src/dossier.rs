//! `motcua dossier CODE`: a dossier's life as a timeline, from the events of all services, with the traces that they belong to.

mod detail;

use std::process::ExitCode;

use jiff::Timestamp;
use motcua_platform::{telemetry, time::from_proto_opt};
use motcua_proto::{
    events::v1::{
        Event, EventKind, SubscribeRequest, event_feed_service_client::EventFeedServiceClient,
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
            detail::of(event),
        );
    }
    Ok(ExitCode::SUCCESS)
}
