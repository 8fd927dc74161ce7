//! What must hold for every history, without a database.

use jiff::{Timestamp, ToSpan, civil::date};
use motcua_proto::{
    events::v1::Event,
    statistics::v1::SettlementFigures,
    r#type::v1::{DossierStatus, Punctuality},
};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};

use super::{
    history::{Life, code, life, minute},
    recount::recount,
};
use crate::{
    domain::{
        contribution::{Counters, Measure, add_change, contributions},
        fact::Fact,
        report::{Period, day_end},
    },
    store::Filter,
};

/// Merges what the sources tell, each source in its order, as the choices say.
fn interleaved(life: &Life, dossier: &str, choices: &[u8]) -> Vec<(&'static str, Event)> {
    let mut told = life
        .told(dossier)
        .map(|(source, events)| (source, events.into_iter().peekable()));
    let mut merged = Vec::new();
    for choice in choices.iter().cycle() {
        let mut waiting: Vec<_> = told
            .iter_mut()
            .filter_map(|(source, events)| events.peek().is_some().then_some((*source, events)))
            .collect();
        if waiting.is_empty() {
            break;
        }
        let chosen = usize::from(*choice) % waiting.len();
        let (source, events) = &mut waiting[chosen];
        merged.extend(events.next().map(|event| (*source, event)));
    }
    merged
}

pub(super) fn filters() -> impl Strategy<Value = Filter> {
    (
        0..70_i32,
        0..40_i32,
        proptest::option::of(0..90_i32),
        0..90_i64,
    )
        .prop_map(|(from, length, as_of, now)| {
            let from = date(2025, 7, 1) + from.days();
            let period = Period {
                from,
                to: from + length.days(),
            };
            let recorded_before = as_of.map_or(Timestamp::MAX, |days| day_end(from + days.days()));
            let moment = period.end().min(recorded_before).min(minute(now * 24 * 60));
            Filter {
                agencies: Vec::new(),
                period,
                recorded_before,
                moment,
            }
        })
}

fn identities(figures: &SettlementFigures) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        figures.received,
        figures.received_online + figures.received_direct + figures.carried_over
    );
    prop_assert_eq!(figures.received, figures.resolved + figures.in_progress);
    prop_assert_eq!(
        figures.resolved,
        figures.resolved_early + figures.resolved_on_time + figures.resolved_overdue
    );
    prop_assert_eq!(
        figures.in_progress,
        figures.in_progress_in_time + figures.in_progress_overdue
    );
    Ok(())
}

proptest! {
    #[test]
    fn the_same_fact_comes_of_any_interleaving_of_the_sources(
        life in life(),
        choices in vec(any::<u8>(), 1..40),
    ) {
        let mut fact = Fact::default();
        for (source, event) in interleaved(&life, "d", &choices) {
            fact.absorb(source, &event).unwrap();
        }
        prop_assert_eq!(fact, life.fact("d"));
    }

    #[test]
    fn a_fact_reads_back_as_it_was_written(life in life()) {
        let fact = life.fact("d");
        let text = serde_json::to_string(&fact).unwrap();
        prop_assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact);
    }

    #[test]
    fn counters_are_the_sums_of_the_facts_after_every_event(
        lives in vec(life(), 1..6),
        choices in vec(any::<u8>(), 1..40),
    ) {
        let mut counters = Counters::new();
        let mut truth = Counters::new();
        for (number, life) in lives.iter().enumerate() {
            let mut fact = Fact::default();
            for (source, event) in interleaved(life, &code(number), &choices) {
                let before = fact.clone();
                fact.absorb(source, &event).unwrap();
                add_change(&mut counters, &before, &fact);
            }
            for (key, value) in contributions(&fact) {
                *truth.entry(key).or_default() += value;
            }
        }
        counters.retain(|_, value| *value != 0);
        prop_assert_eq!(counters, truth);
    }

    #[test]
    fn the_identities_of_the_form_hold_as_of_any_day(lives in vec(life(), 0..40), filter in filters()) {
        let facts: Vec<_> = lives.iter().map(|life| life.fact("d")).collect();
        let (total, lines, days) = recount(&facts, &filter);
        identities(&total)?;
        let mut sum = 0;
        for line in &lines {
            let figures = line.figures.unwrap_or_default();
            identities(&figures)?;
            sum += figures.received;
        }
        prop_assert_eq!(sum, total.received);
        prop_assert_eq!(
            days.iter().map(|day| day.received).sum::<i64>(),
            total.received_online + total.received_direct
        );
        prop_assert_eq!(days.iter().map(|day| day.resolved).sum::<i64>(), total.resolved);
        prop_assert_eq!(days.iter().map(|day| day.overdue).sum::<i64>(), total.resolved_overdue);
    }

    #[test]
    fn counters_and_facts_give_the_same_report(lives in vec(life(), 0..40), filter in filters()) {
        let facts: Vec<_> = lives.iter().map(|life| life.fact("d")).collect();
        let filter = Filter { recorded_before: Timestamp::MAX, ..filter };
        let (total, _, _) = recount(&facts, &filter);
        let mut counters = Counters::new();
        for fact in &facts {
            add_change(&mut counters, &Fact::default(), fact);
        }
        let sum = |within: &dyn Fn(jiff::civil::Date) -> bool, measures: &[Measure]| -> i64 {
            counters
                .iter()
                .filter(|(key, _)| within(key.day) && measures.contains(&key.measure))
                .map(|(_, value)| value)
                .sum()
        };
        let Period { from, to } = filter.period;
        let before = |day| day < from;
        let during = |day| from <= day && day <= to;
        let online = [Measure::ReceivedPortal, Measure::ReceivedVneid];
        let direct =
            [Measure::ReceivedOtherwise, Measure::ReceivedCounter, Measure::ReceivedPost, Measure::ReceivedHome];
        let received = [online.as_slice(), direct.as_slice()].concat();
        let resolved = [Measure::ResolvedEarly, Measure::ResolvedOnTime, Measure::ResolvedOverdue];
        prop_assert_eq!(total.received_online, sum(&during, &online));
        prop_assert_eq!(total.received_direct, sum(&during, &direct));
        prop_assert_eq!(total.carried_over, sum(&before, &received) - sum(&before, &resolved));
        prop_assert_eq!(total.resolved_early, sum(&during, &[Measure::ResolvedEarly]));
        prop_assert_eq!(total.resolved_on_time, sum(&during, &[Measure::ResolvedOnTime]));
        prop_assert_eq!(total.resolved_overdue, sum(&during, &[Measure::ResolvedOverdue]));
        prop_assert_eq!(total.overdue_with_apology, sum(&during, &[Measure::OverdueWithApology]));
        prop_assert_eq!(total.withdrawn, sum(&during, &[Measure::Withdrawn]));
        prop_assert_eq!(total.stopped, sum(&during, &[Measure::Stopped]));
        prop_assert_eq!(total.refused, sum(&during, &[Measure::Refused]));
        prop_assert_eq!(total.handed_over, sum(&during, &[Measure::HandedOver]));
        prop_assert_eq!(total.handed_over_at_home, sum(&during, &[Measure::HandedOverAtHome]));
        prop_assert_eq!(total.messages_sent, sum(&during, &[Measure::MessagesSent]));
    }

    #[test]
    fn a_withdrawal_beats_whatever_the_case_came_to(life in life()) {
        let fact = life.fact("d");
        if let Some(withdrawn) = fact.intake.withdrawn.filter(|withdrawn| withdrawn.accepted) {
            let resolution = fact.resolution().unwrap();
            prop_assert_eq!(resolution.at, withdrawn.at);
            prop_assert_ne!(resolution.punctuality, Punctuality::Unspecified);
            prop_assert_eq!(fact.status(), DossierStatus::Withdrawn);
        }
    }
}

#[test]
fn a_malformed_event_changes_nothing_and_says_what_it_lacks() {
    use motcua_proto::events::v1::{CaseResumed, event::Payload};
    let mut fact = Fact::default();
    let event = Event {
        recorded_at: Some(motcua_platform::time::to_proto(minute(0))),
        payload: Some(Payload::CaseResumed(CaseResumed::default())),
        ..Event::default()
    };
    assert_eq!(
        fact.absorb("workflow", &event).unwrap_err().to_string(),
        "the event lacks due_at"
    );
    assert_eq!(fact, Fact::default());
}

#[test]
fn measures_have_numbers_and_names_of_their_own() {
    for measure in Measure::ALL {
        assert_eq!(Measure::of(measure.number()), Some(measure));
        assert_eq!(
            Measure::ALL
                .iter()
                .filter(|other| other.name() == measure.name())
                .count(),
            1
        );
    }
}
