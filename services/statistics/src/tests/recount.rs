//! The settlement report counted the slow way: fact by fact, in Rust. What the SQL answers must be the same.

use std::collections::HashMap;

use jiff::Timestamp;
use motcua_platform::time::local_date;
use motcua_proto::{
    statistics::v1::{SettlementDay, SettlementFigures, SettlementLine},
    r#type::v1::Channel,
};

use super::history::{PROCEDURES, field};
use crate::{
    domain::{
        contribution::Measure,
        fact::Fact,
        report::{Beside, Cell, Resolved, Tally},
    },
    store::Filter,
};

/// The place of each field in the report.
pub(super) fn places() -> HashMap<String, i32> {
    let mut places = HashMap::new();
    for (place, (_, field)) in (1..).zip(PROCEDURES) {
        places.entry(field.to_owned()).or_insert(place);
    }
    places
}

/// Counts a report, fact by fact.
pub(super) fn recount<'a>(
    facts: impl IntoIterator<Item = &'a Fact>,
    filter: &Filter,
) -> (SettlementFigures, Vec<SettlementLine>, Vec<SettlementDay>) {
    let mut tally = Tally::new(filter.period);
    let within = |at: Timestamp| filter.period.begin() <= at && at < filter.period.end();
    let seen = |recorded_at: Timestamp| recorded_at < filter.recorded_before;
    for fact in facts {
        if !filter.agencies.is_empty() && !filter.agencies.contains(&fact.intake.receiving_agency) {
            continue;
        }
        if let Some(cell) = cell(fact, filter) {
            tally.add(&cell);
        }
        let mut beside = |measure, at, recorded_at| {
            if within(at) && seen(recorded_at) {
                tally.add_beside(&Beside {
                    field: field(&fact.intake.procedure).to_owned(),
                    measure,
                    count: 1,
                });
            }
        };
        if let Some(refused) = fact.intake.refused {
            beside(Measure::Refused, refused.at, refused.recorded_at);
        }
        if let Some(handed_over) = fact.intake.handed_over {
            beside(Measure::HandedOver, handed_over.at, handed_over.recorded_at);
            if fact.intake.handed_over_at_home() {
                beside(
                    Measure::HandedOverAtHome,
                    handed_over.at,
                    handed_over.recorded_at,
                );
            }
        }
        for sent in &fact.notification.sent {
            beside(Measure::MessagesSent, sent.at, sent.recorded_at);
        }
    }
    tally.finish(&places())
}

fn cell(fact: &Fact, filter: &Filter) -> Option<Cell> {
    let seen = |recorded_at: Timestamp| recorded_at < filter.recorded_before;
    let accepted = fact
        .intake
        .accepted
        .filter(|accepted| seen(accepted.recorded_at))?;
    if accepted.received_at >= filter.period.end() {
        return None;
    }
    let resolution = [fact.withdrawal(), fact.closing()]
        .into_iter()
        .flatten()
        .find(|resolution| seen(resolution.recorded_at));
    if resolution.is_some_and(|resolution| resolution.at < filter.period.begin()) {
        return None;
    }
    let resolved = resolution.filter(|resolution| resolution.at < filter.period.end());
    let limit = fact
        .limits()
        .into_iter()
        .rfind(|limit| seen(limit.recorded_at))?;
    Some(Cell {
        field: field(&fact.intake.procedure).to_owned(),
        channel: Channel::try_from(fact.intake.channel).unwrap(),
        received_on: (accepted.received_at >= filter.period.begin())
            .then(|| local_date(accepted.received_at)),
        resolved: resolved.map(|resolution| Resolved {
            on: local_date(resolution.at),
            punctuality: resolution.punctuality,
            manner: resolution.manner,
            apologised: resolution.apologised,
        }),
        overdue: resolved.is_none()
            && limit
                .overdue_from()
                .is_some_and(|from| from <= filter.moment),
        dossiers: 1,
    })
}
