//! What other services' events ask of this one: a message by the rules, and a copy of the catalog for its titles.

use motcua_platform::{
    catalog::{Catalog, Catalogs},
    clock::Clock,
    follower::{Failure, Handler, Received},
    ledger::{self, Envelope, Subject, Target},
    telemetry,
    vault::Vault,
    work::Work,
};
use motcua_proto::events::v1::{EventKind, event::Payload};

use crate::{
    SERVICE,
    domain::{
        message::{Command, Queue},
        rules,
    },
    store::Messages,
};

/// The kinds of a source that matter.
pub(crate) fn kinds(source: &str) -> Vec<EventKind> {
    let catalogs = (source == rules::INTAKE).then_some(EventKind::CatalogApplied);
    rules::kinds(source).chain(catalogs).collect()
}

/// Reacts to intake and workflow. Each message depends on its own event alone: any interleaving gives the same.
#[derive(Debug)]
pub(crate) struct Reactions {
    pub(crate) messages: Messages,
    pub(crate) catalogs: Catalogs,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
}

impl Handler for Reactions {
    async fn handle(
        &self,
        work: &mut Work<'_>,
        source: &'static str,
        events: &[Received],
    ) -> Result<(), Failure> {
        for (index, received) in events.iter().enumerate() {
            if let Some(Payload::CatalogApplied(applied)) = &received.event.payload {
                let catalog = applied
                    .catalog
                    .as_ref()
                    .ok_or_else(|| Failure::event(index, "a catalog is missing"))?;
                let catalog = Catalog::parse(catalog)
                    .map_err(|error| Failure::event(index, error.to_string()))?;
                self.catalogs.keep(work, catalog).await?;
            }
        }
        let (indexes, envelopes): (Vec<_>, Vec<_>) = events
            .iter()
            .enumerate()
            .filter_map(|(index, received)| Some((index, envelope(source, received)?)))
            .unzip();
        if envelopes.is_empty() {
            return Ok(());
        }
        let outcomes = ledger::write(
            &self.messages,
            &self.vault,
            work,
            &envelopes,
            self.clock.now(),
        )
        .await?;
        for (index, outcome) in indexes.into_iter().zip(outcomes) {
            outcome.map_err(|error| Failure::event(index, error.to_string()))?;
        }
        Ok(())
    }
}

fn envelope(source: &str, received: &Received) -> Option<Envelope<Command>> {
    let event = &received.event;
    let template = rules::template_for(source, event.kind())
        .filter(|_| rules::concerns_the_applicant(event.payload.as_ref()))?;
    let cause = rules::cause(source, event.position);
    let target = Target::Key(rules::message_id(&cause, template));
    let command = Command::Queue(Queue {
        subject: Subject {
            dossier: event.dossier.clone(),
            agency: event.agency.clone(),
            procedure: event.procedure.clone(),
        },
        template: template.to_owned(),
        send_at: None,
        cause,
    });
    let traceparent = telemetry::traceparent(&received.span);
    Some(Envelope::by_rule(SERVICE, target, command, traceparent))
}
