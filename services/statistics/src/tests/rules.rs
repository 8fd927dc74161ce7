//! The rules of counting, one by one.

use jiff::{Timestamp, civil::date};
use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{
        CaseFinished, CaseHeld, CaseResumed, CaseStarted, CaseStopped, DeadlineExtended,
        DeadlineRecomputed, DocumentAdded, DossierAccepted, DossierSubmitted, DossierWithdrawn,
        Event, HoldGround, LimitChosen, event::Payload,
    },
    statistics::v1::SettlementFigures,
    r#type::v1::{Channel, DossierStatus, Punctuality},
};

use super::{history::minute, recount::recount};
use crate::{
    domain::{
        fact::{Fact, INTAKE, WORKFLOW},
        report::{Period, day_end},
    },
    store::Filter,
};

const DAY: i64 = 24 * 60;
/// A dossier of these tests is accepted at 08:00 on 1 July and due by the end of 3 July.
const RECEIVED: i64 = 8 * 60;
const DUE: i64 = 2 * DAY + 17 * 60;
const JUDGED_UNTIL: i64 = 3 * DAY;

fn at(minutes: i64) -> Option<prost_types::Timestamp> {
    Some(to_proto(minute(minutes)))
}

/// Takes in an event that was written down as it happened.
fn hear(fact: &mut Fact, source: &str, happened: i64, payload: Payload) {
    let event = Event {
        occurred_at: at(happened),
        recorded_at: at(happened),
        payload: Some(payload),
        ..Event::default()
    };
    fact.absorb(source, &event).unwrap();
}

fn accepted() -> Fact {
    let mut fact = Fact::default();
    let submitted = DossierSubmitted {
        channel: Channel::Counter.into(),
        receiving_agency: "11593".to_owned(),
        submitted_at: at(RECEIVED),
        ..DossierSubmitted::default()
    };
    hear(
        &mut fact,
        INTAKE,
        RECEIVED,
        Payload::DossierSubmitted(submitted),
    );
    let (received_at, due_at, judged_until) = (at(RECEIVED), at(DUE), at(JUDGED_UNTIL));
    let accepted = DossierAccepted {
        received_at,
        due_at,
        judged_until,
        ..DossierAccepted::default()
    };
    hear(
        &mut fact,
        INTAKE,
        RECEIVED,
        Payload::DossierAccepted(accepted),
    );
    let started = CaseStarted {
        received_at,
        due_at,
        judged_until,
        ..CaseStarted::default()
    };
    hear(&mut fact, WORKFLOW, RECEIVED, Payload::CaseStarted(started));
    fact
}

fn hold(fact: &mut Fact, when: i64) {
    let held = CaseHeld {
        held_at: at(when),
        ground: HoldGround::Supplement.into(),
        ..CaseHeld::default()
    };
    hear(fact, WORKFLOW, when, Payload::CaseHeld(held));
}

fn withdraw(fact: &mut Fact, when: i64) {
    let withdrawn = DossierWithdrawn {
        accepted: true,
        withdrawn_at: at(when),
        ..DossierWithdrawn::default()
    };
    hear(fact, INTAKE, when, Payload::DossierWithdrawn(withdrawn));
}

fn finish(fact: &mut Fact, when: i64, punctuality: Punctuality) {
    let finished = CaseFinished {
        finished_at: at(when),
        punctuality: punctuality.into(),
        ..CaseFinished::default()
    };
    hear(fact, WORKFLOW, when, Payload::CaseFinished(finished));
}

fn july(fact: &Fact, last_day: i8, as_of: Option<i8>) -> SettlementFigures {
    let period = Period {
        from: date(2025, 7, 1),
        to: date(2025, 7, last_day),
    };
    let recorded_before = as_of.map_or(Timestamp::MAX, |day| day_end(date(2025, 7, day)));
    let moment = period.end().min(recorded_before);
    recount(
        [fact],
        &Filter {
            agencies: Vec::new(),
            period,
            recorded_before,
            moment,
        },
    )
    .0
}

#[test]
fn the_due_day_counts_whole() {
    let fact = accepted();
    assert_eq!(july(&fact, 2, None).in_progress_in_time, 1);
    // The period's end is the midnight that ends the due day.
    assert_eq!(july(&fact, 3, None).in_progress_overdue, 1);
}

#[test]
fn waiting_for_a_supplement_keeps_a_dossier_in_time() {
    let mut fact = accepted();
    hold(&mut fact, 2 * DAY);
    assert_eq!(fact.status(), DossierStatus::SupplementRequired);
    assert_eq!(july(&fact, 31, None).in_progress_in_time, 1);
    // As of the day before it was asked for, nobody knew.
    assert_eq!(july(&fact, 31, Some(2)).in_progress_in_time, 1);
}

#[test]
fn asked_for_after_the_limit_it_stays_overdue() {
    let mut fact = accepted();
    hold(&mut fact, 4 * DAY);
    assert_eq!(july(&fact, 31, None).in_progress_overdue, 1);
}

#[test]
fn a_hold_moves_the_first_due_and_an_extension_does_not() {
    let mut fact = accepted();
    hold(&mut fact, DAY);
    let resumed = CaseResumed {
        resumed_at: at(9 * DAY),
        due_at: at(DUE + 8 * DAY),
        judged_until: at(JUDGED_UNTIL + 8 * DAY),
        first_due_at: at(DUE + 8 * DAY),
        first_judged_until: at(JUDGED_UNTIL + 8 * DAY),
        ..CaseResumed::default()
    };
    hear(&mut fact, WORKFLOW, 9 * DAY, Payload::CaseResumed(resumed));
    let extended = DeadlineExtended {
        first_due_at: at(DUE + 8 * DAY),
        due_at: at(DUE + 20 * DAY),
        ..DeadlineExtended::default()
    };
    hear(
        &mut fact,
        WORKFLOW,
        10 * DAY,
        Payload::DeadlineExtended(extended),
    );
    assert_eq!(july(&fact, 10, None).in_progress_in_time, 1);
    assert_eq!(july(&fact, 12, None).in_progress_overdue, 1);
    let known = fact.to_proto("d".to_owned());
    assert_eq!(
        (known.first_due_at, known.due_at),
        (at(DUE + 8 * DAY), at(DUE + 20 * DAY))
    );
    assert!(known.apologised);
    let stopped = CaseStopped {
        stopped_at: at(15 * DAY),
        ..CaseStopped::default()
    };
    hear(&mut fact, WORKFLOW, 15 * DAY, Payload::CaseStopped(stopped));
    let figures = july(&fact, 31, None);
    assert_eq!(
        (
            figures.resolved_overdue,
            figures.overdue_with_apology,
            figures.stopped
        ),
        (1, 1, 1)
    );
}

#[test]
fn by_another_calendar_it_is_judged_by_another_due() {
    let mut fact = accepted();
    let recomputed = DeadlineRecomputed {
        due_at: at(DUE + 4 * DAY),
        judged_until: at(JUDGED_UNTIL + 4 * DAY),
        first_due_at: at(DUE + 4 * DAY),
        first_judged_until: at(JUDGED_UNTIL + 4 * DAY),
        ..DeadlineRecomputed::default()
    };
    hear(
        &mut fact,
        WORKFLOW,
        DAY,
        Payload::DeadlineRecomputed(recomputed),
    );
    assert_eq!(july(&fact, 6, None).in_progress_in_time, 1);
    assert_eq!(july(&fact, 8, None).in_progress_overdue, 1);
    let known = fact.to_proto("d".to_owned());
    assert_eq!(
        (known.first_due_at, known.due_at),
        (at(DUE + 4 * DAY), at(DUE + 4 * DAY))
    );
}

#[test]
fn by_the_limit_that_was_chosen_it_is_judged_from_then_on() {
    let mut fact = accepted();
    let chosen = LimitChosen {
        due_at: at(DUE + 4 * DAY),
        judged_until: at(JUDGED_UNTIL + 4 * DAY),
        ..LimitChosen::default()
    };
    hear(&mut fact, WORKFLOW, DAY, Payload::LimitChosen(chosen));
    assert_eq!(july(&fact, 6, None).in_progress_in_time, 1);
    assert_eq!(july(&fact, 8, None).in_progress_overdue, 1);
    let known = fact.to_proto("d".to_owned());
    assert_eq!(
        (known.first_due_at, known.due_at),
        (at(DUE + 4 * DAY), at(DUE + 4 * DAY))
    );
}

#[test]
fn a_withdrawal_is_judged_as_a_finish_would_be() {
    for (when, punctuality) in [
        (DAY, Punctuality::Early),
        (2 * DAY, Punctuality::OnTime),
        (JUDGED_UNTIL - 1, Punctuality::OnTime),
        (JUDGED_UNTIL, Punctuality::Overdue),
    ] {
        let mut fact = accepted();
        withdraw(&mut fact, when);
        assert_eq!(
            fact.resolution().unwrap().punctuality,
            punctuality,
            "{when}"
        );
    }
    let mut fact = accepted();
    hold(&mut fact, DAY);
    withdraw(&mut fact, 20 * DAY);
    // The limit stood still since the second day.
    assert_eq!(fact.resolution().unwrap().punctuality, Punctuality::Early);
}

#[test]
fn a_report_as_of_a_day_knows_nothing_that_was_written_down_later() {
    let mut fact = accepted();
    finish(&mut fact, DAY, Punctuality::Early);
    // At the same moment it was withdrawn at the counter, which was down until the fifth.
    let withdrawn = DossierWithdrawn {
        accepted: true,
        withdrawn_at: at(DAY),
        ..DossierWithdrawn::default()
    };
    let event = Event {
        recorded_at: at(4 * DAY),
        payload: Some(Payload::DossierWithdrawn(withdrawn)),
        ..Event::default()
    };
    fact.absorb(INTAKE, &event).unwrap();
    let as_of = |day| {
        let figures = july(&fact, 31, Some(day));
        (
            figures.in_progress,
            figures.resolved_early,
            figures.withdrawn,
        )
    };
    assert_eq!(as_of(1), (1, 0, 0));
    assert_eq!(as_of(2), (0, 1, 0));
    assert_eq!(as_of(4), (0, 1, 0));
    assert_eq!(as_of(5), (0, 1, 1));
}

#[test]
fn accepted_at_night_and_withdrawn_before_the_counter_opened_it_is_in_and_out_on_that_day() {
    let mut fact = Fact::default();
    let submitted = DossierSubmitted {
        submitted_at: at(0),
        ..DossierSubmitted::default()
    };
    hear(&mut fact, INTAKE, 0, Payload::DossierSubmitted(submitted));
    let accepted = DossierAccepted {
        received_at: at(DAY + RECEIVED),
        due_at: at(DUE),
        judged_until: at(JUDGED_UNTIL),
        ..DossierAccepted::default()
    };
    hear(&mut fact, INTAKE, 10, Payload::DossierAccepted(accepted));
    withdraw(&mut fact, 20);
    assert_eq!(july(&fact, 1, None).received, 0);
    let figures = july(&fact, 2, None);
    assert_eq!(
        (figures.received, figures.resolved, figures.withdrawn),
        (1, 1, 1)
    );
}

#[test]
fn a_paper_that_was_taken_from_an_earlier_dossier_counts_and_an_uploaded_one_does_not() {
    let mut fact = accepted();
    for reused_from in ["", "dossiers/H24.11593-250601-0001/documents/d1", ""] {
        let added = DocumentAdded {
            reused_from: reused_from.to_owned(),
            ..DocumentAdded::default()
        };
        hear(&mut fact, INTAKE, RECEIVED, Payload::DocumentAdded(added));
    }
    assert_eq!(fact.intake.documents_reused, 1);
}
