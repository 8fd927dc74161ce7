//! What intake's events do here: an accepted dossier begins its case, a withdrawal ends it, a supplement lets it go on.

use std::sync::Arc;

use motcua_platform::{
    catalog::Catalog,
    clock::Clock,
    error::Error,
    follower::{Failure, Handler, Received},
    ledger::{self, Envelope, Target},
    telemetry,
    vault::Vault,
    work::Work,
};
use motcua_proto::{
    events::v1::{EventKind, event::Payload},
    r#type::v1::Catalog as ProtoCatalog,
};
use sqlx::PgConnection;

use crate::{
    SERVICE,
    domain::{Command, asked_by},
    store::{Cases, Wanted, ensure_newest},
};

/// The kinds that matter here.
pub(crate) const KINDS: [EventKind; 9] = [
    EventKind::CatalogApplied,
    EventKind::DossierAccepted,
    EventKind::DossierWithdrawn,
    EventKind::SupplementProvided,
    EventKind::SupplementLapsed,
    EventKind::PaymentRecorded,
    EventKind::DossierCorrected,
    EventKind::StaffRecused,
    EventKind::SubjectErased,
];

/// Reacts to intake.
#[derive(Debug)]
pub(crate) struct Reactions {
    pub(crate) cases: Arc<Cases>,
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
        // Dossiers name their catalog, so one that came later in the batch changes nothing for those before it.
        let mut commands = Vec::new();
        let mut erased = Vec::new();
        for (index, received) in events.iter().enumerate() {
            match &received.event.payload {
                Some(Payload::CatalogApplied(applied)) => {
                    self.keep(work, applied.catalog.as_ref())
                        .await
                        .map_err(|why| at(index, why))?;
                }
                // What is said here of a dossier is sealed with a key of its own: it goes with the person's.
                Some(Payload::SubjectErased(subject)) => {
                    erased.extend(subject.dossiers.iter().map(String::as_str));
                }
                Some(payload) => {
                    let command = asked_by(source, &received.event, payload)
                        .map_err(|why| Failure::event(index, why))?;
                    commands.extend(command.map(|command| (index, envelope(received, command))));
                }
                None => {}
            }
        }
        if !erased.is_empty() {
            let held = self.vault.hold(work, &erased).await?;
            self.vault.destroy(work, &held, self.clock.now()).await?;
        }
        let (places, envelopes): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
        if envelopes.is_empty() {
            return Ok(());
        }
        let wanted: Vec<_> = envelopes
            .iter()
            .filter_map(|envelope| match &envelope.command {
                Command::Start { receipt, .. } => Some(Wanted {
                    catalog: &receipt.catalog,
                    definition: &receipt.definition,
                }),
                _ => None,
            })
            .collect();
        ensure_newest(&self.cases.surround, work, &wanted).await?;
        let outcomes = ledger::write(
            self.cases.as_ref(),
            &self.vault,
            work,
            &envelopes,
            self.clock.now(),
        )
        .await?;
        for (index, outcome) in places.into_iter().zip(outcomes) {
            match (outcome, &events[index].event.payload) {
                (Ok(_), _) => {}
                // Before acceptance there is no case; what is accepted then names everybody who was marked.
                (Err(Error::Missing { .. }), Some(Payload::StaffRecused(_))) => {}
                (Err(error), _) => return Err(Failure::event(index, error.to_string())),
            }
        }
        Ok(())
    }
}

/// Why a catalog could not be kept.
enum NotKept {
    Unsound(String),
    Database(sqlx::Error),
}

fn at(index: usize, why: NotKept) -> Failure {
    match why {
        NotKept::Unsound(why) => Failure::event(index, why),
        NotKept::Database(error) => error.into(),
    }
}

impl Reactions {
    async fn keep(
        &self,
        connection: &mut PgConnection,
        catalog: Option<&ProtoCatalog>,
    ) -> Result<(), NotKept> {
        let catalog =
            catalog.ok_or_else(|| NotKept::Unsound("the event carries no catalog".to_owned()))?;
        let catalog =
            Catalog::parse(catalog).map_err(|error| NotKept::Unsound(error.to_string()))?;
        self.cases
            .surround
            .catalogs
            .keep(connection, catalog)
            .await
            .map_err(NotKept::Database)
    }
}

fn envelope(received: &Received, command: Command) -> Envelope<Command> {
    let target = Target::Key(received.event.dossier.clone());
    let traceparent = telemetry::traceparent(&received.span);
    Envelope::by_rule(SERVICE, target, command, traceparent)
}
