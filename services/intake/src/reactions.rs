//! What intake does when its cases move: the dossier's public status follows.

use jiff::Timestamp;
use motcua_platform::{
    clock::Clock,
    follower::{Failure, Handler, Received},
    ledger::{self, Envelope, Target},
    telemetry,
    vault::Vault,
    work::Work,
};

use crate::{
    SERVICE,
    domain::{command::Command, follow::News},
    store::Dossiers,
};

/// Follows workflow.
#[derive(Debug)]
pub(crate) struct Reactions {
    /// What is moved.
    pub(crate) dossiers: Dossiers,
    /// What is said is sealed with it.
    pub(crate) vault: Vault,
    /// The time.
    pub(crate) clock: Clock,
}

impl Handler for Reactions {
    async fn handle(
        &self,
        work: &mut Work<'_>,
        _: &'static str,
        events: &[Received],
    ) -> Result<(), Failure> {
        let envelopes = events
            .iter()
            .enumerate()
            .map(|(index, received)| envelope(received).map_err(|why| Failure::event(index, why)))
            .collect::<Result<Vec<_>, _>>()?;
        let now: Timestamp = self.clock.now();
        let outcomes = ledger::write(&self.dossiers, &self.vault, work, &envelopes, now).await?;
        match outcomes
            .into_iter()
            .enumerate()
            .find_map(|(index, outcome)| Some((index, outcome.err()?)))
        {
            Some((index, error)) => Err(Failure::event(index, error.to_string())),
            None => Ok(()),
        }
    }
}

fn envelope(received: &Received) -> Result<Envelope<Command>, &'static str> {
    let target = Target::Key(received.event.dossier.clone());
    let command = Command::Follow(News::read(&received.event)?);
    let traceparent = telemetry::traceparent(&received.span);
    Ok(Envelope::by_rule(SERVICE, target, command, traceparent))
}
