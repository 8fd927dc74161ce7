//! What statistics does with events: it takes them into facts, and keeps the counters at their sums.
//!
//! It decides nothing, so it has no aggregate and needs no ledger: facts and counters change in the follower's own
//! transaction, a batch of events at a time.

use std::collections::BTreeMap;

use motcua_platform::{
    follower::{Failure, Handler, Received},
    work::Work,
};
use motcua_proto::events::v1::{EventKind, event::Payload};

use crate::{
    domain::{
        contribution::{Counters, add_change},
        fact::{Fact, INTAKE, NOTIFICATION, WORKFLOW},
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
            EventKind::DocumentAdded,
            EventKind::CatalogApplied,
        ],
        WORKFLOW => vec![
            EventKind::CaseStarted,
            EventKind::TaskCompleted,
            EventKind::TaskReturned,
            EventKind::CaseHeld,
            EventKind::CaseResumed,
            EventKind::DeadlineExtended,
            EventKind::DeadlineRecomputed,
            EventKind::LimitChosen,
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
    /// It has no history of its own, and tells nobody.
    const WAITS_FOR_DISK: bool = false;

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
        let mut changes = Counters::new();
        let mut dossiers: Vec<&str> = batch.keys().copied().collect();
        while !dossiers.is_empty() {
            let there = store::lock(work, &dossiers).await?;
            let facts = absorb(source, events, &batch, &dossiers, &there)?;
            let (known, new): (Vec<_>, Vec<_>) = facts
                .iter()
                .map(|(dossier, fact)| (*dossier, fact))
                .partition(|(dossier, _)| there.contains_key(*dossier));
            store::update(work, &known).await?;
            let made = store::insert(work, &new).await?;
            let nothing = Fact::default();
            for (dossier, after) in &facts {
                match there.get(*dossier) {
                    Some(before) => add_change(&mut changes, before, after),
                    None if made.contains(*dossier) => add_change(&mut changes, &nothing, after),
                    None => {}
                }
            }
            // What another source's follower has made meanwhile is there now.
            dossiers = new
                .into_iter()
                .map(|(dossier, _)| dossier)
                .filter(|dossier| !made.contains(*dossier))
                .collect();
        }
        store::add(work, &changes).await?;
        Ok(())
    }
}

/// The facts of these dossiers after the events, where they change.
fn absorb<'a>(
    source: &'static str,
    events: &[Received],
    batch: &BTreeMap<&str, Vec<usize>>,
    dossiers: &[&'a str],
    there: &BTreeMap<String, Fact>,
) -> Result<Vec<(&'a str, Fact)>, Failure> {
    let nothing = Fact::default();
    let mut changed = Vec::new();
    let mut malformed: Option<(usize, String)> = None;
    for dossier in dossiers {
        let before = there.get(*dossier).unwrap_or(&nothing);
        let mut after = before.clone();
        for index in batch.get(dossier).into_iter().flatten() {
            if let Err(error) = after.absorb(source, &events[*index].event) {
                // The first one in the order of positions: what stands before it can be handled again without it.
                if malformed.as_ref().is_none_or(|(first, _)| index < first) {
                    malformed = Some((*index, error.to_string()));
                }
                break;
            }
        }
        if after != *before {
            changed.push((*dossier, after));
        }
    }
    match malformed {
        Some((index, why)) => Err(Failure::event(index, why)),
        None => Ok(changed),
    }
}
