//! What statistics does with events: it takes them into facts, and keeps the counters at their sums.
//!
//! It decides nothing, so it has no aggregate and needs no ledger: facts and counters change in the follower's own
//! transaction, a batch of events at a time.

use std::collections::{BTreeMap, BTreeSet};

use motcua_platform::{
    follower::{Failure, Handler, Received},
    work::Work,
};
use motcua_proto::events::v1::{EventKind, event::Payload};

use crate::{
    domain::{
        contribution::{Counters, add_change},
        fact::{INTAKE, NOTIFICATION, WORKFLOW},
    },
    store,
};

/// The kinds of a source's events that are counted.
pub(crate) fn kinds(source: &str) -> Vec<EventKind> {
    match source {
        INTAKE => vec![
            EventKind::DossierSubmitted,
            EventKind::DossierAccepted,
            EventKind::DossierRefused,
            EventKind::SupplementAsked,
            EventKind::SupplementProvided,
            EventKind::DossierWithdrawn,
            EventKind::ResultHandedOver,
            EventKind::CatalogApplied,
        ],
        WORKFLOW => vec![
            EventKind::CaseStarted,
            EventKind::TaskCompleted,
            EventKind::TaskReturned,
            EventKind::CaseHeld,
            EventKind::CaseResumed,
            EventKind::DeadlineExtended,
            EventKind::CaseStopped,
            EventKind::CaseFinished,
        ],
        NOTIFICATION => vec![EventKind::MessageSent],
        _ => Vec::new(),
    }
}

/// Counts events.
#[derive(Debug)]
pub(crate) struct Counting;

impl Handler for Counting {
    async fn handle(
        &self,
        work: &mut Work<'_>,
        source: &'static str,
        events: &[Received],
    ) -> Result<(), Failure> {
        for received in events {
            if let Some(Payload::CatalogApplied(applied)) = &received.event.payload
                && let Some(catalog) = &applied.catalog
            {
                store::keep(work, catalog).await?;
            }
        }
        // What belongs to no dossier, such as a message that somebody wrote by hand, is no dossier's fact.
        let mut batch: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, received) in events.iter().enumerate() {
            if !received.event.dossier.is_empty() {
                batch
                    .entry(&received.event.dossier)
                    .or_default()
                    .push(index);
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        let dossiers: BTreeSet<&str> = batch.keys().copied().collect();
        let before = store::lock(work, &dossiers).await?;
        let mut changes = Counters::new();
        let mut changed = Vec::new();
        let mut malformed: Option<(usize, String)> = None;
        for (dossier, before) in &before {
            let mut after = before.clone();
            for index in batch.get(dossier.as_str()).into_iter().flatten() {
                if let Err(error) = after.absorb(source, &events[*index].event) {
                    // The first one in the order of positions: what stands before it can be handled again without it.
                    if malformed.as_ref().is_none_or(|(first, _)| index < first) {
                        malformed = Some((*index, error.to_string()));
                    }
                    break;
                }
            }
            if after != *before {
                add_change(&mut changes, before, &after);
                changed.push((dossier.as_str(), after));
            }
        }
        if let Some((index, why)) = malformed {
            return Err(Failure::event(index, why));
        }
        let changed: Vec<_> = changed
            .iter()
            .map(|(dossier, fact)| (*dossier, fact))
            .collect();
        store::save(work, &changed).await?;
        store::add(work, &changes).await?;
        Ok(())
    }
}
