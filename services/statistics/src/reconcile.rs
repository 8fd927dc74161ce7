//! Proves the counting: recounts from the sources' feeds, not from the facts, and names every difference.
//!
//! The stored side is read in one transaction that sees one moment, cursors included; each feed is then read again from
//! its beginning up to its cursor, and goes through the same pure functions.

use std::collections::BTreeMap;

use motcua_platform::{archive::Reading, error::Error, position::Position, rpc::Peer};
use motcua_proto::{
    events::v1::{Event, SubscribeRequest, event_feed_service_client::EventFeedServiceClient},
    statistics::v1::{Difference, ReconcileResponse},
};
use tonic::{Code, Status};

use crate::{
    domain::{
        contribution::{CounterKey, Counters, add_change},
        fact::Fact,
    },
    reactions,
    store::{self, Row, Snapshot},
};

/// Differences that are listed at most.
const DIFFERENCES_MAX: usize = 1_000;

/// Recounts, for somebody who reaches the whole city.
///
/// # Errors
/// When the database or a source does not answer, or a source has another epoch than the one that was followed.
pub(crate) async fn reconcile(
    mut reading: Reading,
    sources: &[(&'static str, Peer)],
) -> Result<ReconcileResponse, Error> {
    store::at_one_moment(&mut reading).await?;
    let snapshot = store::snapshot(&mut reading).await?;
    drop(reading);
    let mut recount = Recount::default();
    for (source, peer) in sources {
        if let Some(position) = snapshot
            .positions
            .iter()
            .find(|position| position.source == *source)
        {
            recount.read(source, peer, position).await?;
        }
    }
    Ok(recount.compare(&snapshot))
}

/// What the feeds say.
#[derive(Debug, Default)]
struct Recount {
    events: i64,
    facts: BTreeMap<String, Fact>,
}

impl Recount {
    /// Reads a source's history up to a position.
    async fn read(
        &mut self,
        source: &'static str,
        peer: &Peer,
        up_to: &Position,
    ) -> Result<(), Error> {
        if up_to.position == 0 {
            return Ok(());
        }
        let mut stream = EventFeedServiceClient::new(peer.clone())
            .subscribe(SubscribeRequest {
                after: 0,
                epoch: up_to.epoch,
                kinds: reactions::kinds(source)
                    .into_iter()
                    .map(i32::from)
                    .collect(),
                until_head: true,
                ..SubscribeRequest::default()
            })
            .await
            .map_err(|status| unreadable(source, &status))?
            .into_inner();
        let mut through = 0;
        while through < up_to.position {
            let Some(batch) = stream
                .message()
                .await
                .map_err(|status| unreadable(source, &status))?
            else {
                break;
            };
            through = batch.through;
            for event in batch
                .events
                .iter()
                .take_while(|event| event.position <= up_to.position)
            {
                self.absorb(source, event);
            }
        }
        if through < up_to.position {
            return Err(Error::NotReady {
                missing: format!("{source}'s history from position {}", through + 1),
                remedy: "its feed ends before what was followed: the source has lost events; restore it",
            });
        }
        Ok(())
    }

    fn absorb(&mut self, source: &str, event: &Event) {
        self.events += 1;
        if event.dossier.is_empty() {
            return;
        }
        let fact = self.facts.entry(event.dossier.clone()).or_default();
        if let Err(error) = fact.absorb(source, event) {
            // Such an event was set aside when it was followed, with its dossier: the difference shows there.
            tracing::warn!(source, position = event.position, %error, "an event is left out of the recount");
        }
    }

    fn compare(&self, stored: &Snapshot) -> ReconcileResponse {
        let mut differences = Differences::default();
        for (dossier, counted) in &self.facts {
            let counted_row = Row::of(dossier, counted);
            match stored.facts.get(dossier) {
                None => differences.note(format!("fact {dossier}"), "none", "known"),
                Some((row, fact)) => {
                    let columns = row.differences(&counted_row);
                    if columns.is_empty() && fact != counted {
                        differences.note(
                            format!("fact {dossier} state"),
                            format!("{fact:?}"),
                            format!("{counted:?}"),
                        );
                    }
                    for (column, stored, counted) in columns {
                        differences.note(format!("fact {dossier} {column}"), stored, counted);
                    }
                }
            }
        }
        for dossier in stored
            .facts
            .keys()
            .filter(|dossier| !self.facts.contains_key(*dossier))
        {
            differences.note(format!("fact {dossier}"), "known", "none");
        }
        let mut counted = Counters::new();
        for fact in self.facts.values() {
            add_change(&mut counted, &Fact::default(), fact);
        }
        for (key, value) in &counted {
            let stored = stored.counters.get(key).copied().unwrap_or_default();
            if stored != *value {
                differences.note(counter(key), stored, value);
            }
        }
        for (key, value) in stored
            .counters
            .iter()
            .filter(|(key, _)| !counted.contains_key(*key))
        {
            // A counter that went back to nothing stays as a row.
            if *value != 0 {
                differences.note(counter(key), value, 0);
            }
        }
        for unknown in &stored.unknown {
            differences.note(format!("counter {unknown}"), "known", "none");
        }
        ReconcileResponse {
            events: self.events,
            dossiers: i64::try_from(self.facts.len()).unwrap_or(i64::MAX),
            differences: differences.listed,
            positions: stored.positions.iter().map(ToString::to_string).collect(),
            truncated: differences.truncated,
        }
    }
}

fn counter(key: &CounterKey) -> String {
    format!(
        "counter {} {} {} {}",
        key.agency,
        key.day,
        key.measure.name(),
        key.procedure
    )
}

fn unreadable(source: &'static str, status: &Status) -> Error {
    tracing::warn!(source, code = ?status.code(), message = status.message(), "a source's feed could not be read");
    let missing = format!("{source}'s feed ({})", status.message());
    match status.code() {
        Code::FailedPrecondition | Code::OutOfRange => Error::NotReady {
            missing,
            remedy: "the source was restored or promoted since; set the cursor anew",
        },
        _ => Error::NotReady {
            missing,
            remedy: "see that the source is up, then ask again",
        },
    }
}

#[derive(Debug, Default)]
struct Differences {
    listed: Vec<Difference>,
    truncated: bool,
}

impl Differences {
    fn note(&mut self, what: String, stored: impl ToString, counted: impl ToString) {
        if self.listed.len() == DIFFERENCES_MAX {
            self.truncated = true;
            return;
        }
        self.listed.push(Difference {
            what,
            stored: stored.to_string(),
            counted: counted.to_string(),
        });
    }
}
