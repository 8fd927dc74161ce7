//! What holds for every calendar, instant, limit and hold.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp};
use motcua_calendar::{
    Calendar, DayHours, DayKind, Due, DueHour, Hold, Limit, OutOfRange, Reason, Session, Stages,
    WeeklyHours, local,
};
use proptest::prelude::*;

use crate::support::{at, session};

fn sessions(pattern: u8) -> (Vec<Session>, Vec<Session>) {
    match pattern {
        0 => (
            vec![session("07:00", "11:30"), session("13:30", "17:00")],
            vec![],
        ),
        1 => (vec![session("08:00", "12:00")], vec![]),
        2 => (
            vec![session("07:30", "16:00")],
            vec![session("17:00", "20:00")],
        ),
        3 => (vec![], vec![session("07:30", "11:00")]),
        4 => (vec![session("00:00", "23:59")], vec![]),
        _ => (vec![], vec![]),
    }
}

fn hours() -> impl Strategy<Value = DayHours> {
    (0..6_u8).prop_map(|pattern| {
        let (working, reception) = sessions(pattern);
        DayHours::new(working, reception).unwrap()
    })
}

fn day_kind() -> impl Strategy<Value = DayKind> {
    prop_oneof![
        3 => Just(DayKind::holiday("holiday")),
        1 => Just(DayKind::working("swapped")),
        1 => hours().prop_map(|hours| DayKind::hours("special", hours)),
    ]
}

/// Any week that works on Tuesday, with up to forty days in two years that differ.
fn calendar() -> impl Strategy<Value = Calendar> {
    let week = prop::collection::vec(hours(), 7).prop_map(|days| {
        let weekdays = Weekday::Monday.cycle_forward().take(7);
        let week = weekdays
            .zip(days)
            .fold(WeeklyHours::closed(), |week, (day, hours)| {
                week.with(day, hours)
            });
        week.with(
            Weekday::Tuesday,
            WeeklyHours::default().day(Weekday::Tuesday).clone(),
        )
    });
    let exceptions = prop::collection::btree_map(date(), day_kind(), 0..40);
    (week, exceptions)
        .prop_map(|(week, days): (_, BTreeMap<_, _>)| Calendar::new(week, days).unwrap())
}

/// A second of 2025 or 2026; boundaries more often than chance has them.
fn instant() -> impl Strategy<Value = Timestamp> {
    let boundary = prop::sample::select(vec![
        0_i64, 420, 450, 690, 720, 810, 900, 901, 960, 1020, 1439,
    ]);
    prop_oneof![
        (0..730 * 86_400_i64).prop_map(after_new_year),
        (0..730_i64, boundary).prop_map(|(day, minute)| after_new_year(day * 86_400 + minute * 60)),
    ]
}

fn after_new_year(seconds: i64) -> Timestamp {
    at("2025-01-01T00:00")
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap()
}

fn date() -> impl Strategy<Value = Date> {
    (0..730_i64).prop_map(|day| local(after_new_year(day * 86_400)).date())
}

fn limit() -> impl Strategy<Value = Limit> {
    let staged = prop::collection::vec(stage(), 2..4)
        .prop_map(|stages| Limit::Staged(Stages::new(stages).unwrap()));
    prop_oneof![4 => stage(), 1 => Just(Limit::same_day()), 1 => staged]
}

fn stage() -> impl Strategy<Value = Limit> {
    prop_oneof![
        (1..60_u32).prop_map(|halves| Limit::WorkingDays { halves }),
        (1..6_000_u32, any::<bool>()).prop_map(|(n, quarters)| Limit::WorkingHours {
            minutes: if quarters { n.div_ceil(15) * 15 } else { n }
        }),
        (1..60_u32).prop_map(Limit::calendar_days),
    ]
}

fn due_hour() -> impl Strategy<Value = DueHour> {
    prop_oneof![Just(DueHour::EndOfDay), Just(DueHour::SameTime)]
}

fn later(from: Timestamp, minutes: i64) -> Timestamp {
    from.checked_add(SignedDuration::from_mins(minutes))
        .unwrap()
}

/// Holds that begin up to a month after `from` and last up to two weeks; the last may be open.
fn holds(from: Timestamp) -> impl Strategy<Value = Vec<Hold>> {
    let hold = (0..43_200_i64, 0..20_160_i64).prop_map(move |(wait, length)| {
        let from = later(from, wait);
        Hold {
            from,
            to: Some(later(from, length)),
        }
    });
    (prop::collection::vec(hold, 0..4), prop::bool::weighted(0.1)).prop_map(|(mut holds, open)| {
        if open && let Some(last) = holds.last_mut() {
            last.to = None;
        }
        holds
    })
}

fn received_and_holds() -> impl Strategy<Value = (Timestamp, Vec<Hold>)> {
    instant().prop_flat_map(|received| (Just(received), holds(received)))
}

fn due(calendar: &Calendar, received: Timestamp, limit: &Limit, holds: &[Hold]) -> Due {
    calendar
        .due(received, limit, DueHour::EndOfDay, holds)
        .unwrap()
}

fn minute(at: Timestamp) -> Timestamp {
    after_new_year((at.as_second() - after_new_year(0).as_second()).div_euclid(60) * 60)
}

/// Whether every hour of a limit can be written.
fn in_quarters(limit: &Limit) -> bool {
    match limit {
        Limit::WorkingHours { minutes } => minutes % 15 == 0,
        Limit::Staged(stages) => stages.iter().all(in_quarters),
        _ => true,
    }
}

proptest! {
    #[test]
    fn adding_working_time_is_monotone_in_both(
        calendar in calendar(), from in instant(), wait in 0..20_000_i64, n in 0..5_000_u32, more in 0..500_u32,
    ) {
        let end = calendar.add_working_minutes(from, n).unwrap();
        prop_assert!(end <= calendar.add_working_minutes(from, n + more).unwrap());
        prop_assert!(end <= calendar.add_working_minutes(later(from, wait), n).unwrap());
        prop_assert!(minute(from) <= end);
    }

    #[test]
    fn added_working_time_has_elapsed_at_its_end_and_not_a_minute_before(
        calendar in calendar(), from in instant(), n in 1..5_000_u32,
    ) {
        let end = calendar.add_working_minutes(from, n).unwrap();
        prop_assert!(calendar.is_working_time(end));
        prop_assert_eq!(calendar.elapsed_working_minutes(from, end), i64::from(n));
        prop_assert_eq!(calendar.elapsed_working_minutes(from, later(end, -1)), i64::from(n) - 1);
    }

    #[test]
    fn elapsed_working_time_is_what_counting_minute_by_minute_finds(
        calendar in calendar(), from in instant(), length in 0..12_000_i64,
    ) {
        let to = later(from, length);
        // A minute of work has both its ends in one session.
        let works = |at: Timestamp| {
            let hours = calendar.hours(local(at).date());
            let (begin, end) = (local(at).time(), local(later(at, 1)).time());
            hours.working().iter().any(|session| session.open() <= begin && begin < end && end <= session.close())
        };
        let counted = (0..length).filter(|&passed| works(minute(later(from, passed)))).count();
        prop_assert_eq!(calendar.elapsed_working_minutes(from, to), i64::try_from(counted).unwrap());
        prop_assert_eq!(calendar.elapsed_working_minutes(to, from), -i64::try_from(counted).unwrap());
    }

    #[test]
    fn elapsed_working_time_adds_up(calendar in calendar(), a in instant(), b in instant(), c in instant()) {
        let elapsed = |from, to| calendar.elapsed_working_minutes(from, to);
        prop_assert_eq!(elapsed(a, b) + elapsed(b, c), elapsed(a, c));
    }

    #[test]
    fn adding_working_days_counts_so_many(calendar in calendar(), from in date(), n in 1..200_u32) {
        let end = calendar.add_working_days(from, n).unwrap();
        prop_assert!(calendar.is_working_day(end));
        prop_assert_eq!(calendar.working_days_between(from, end), i64::from(n));
        prop_assert_eq!(calendar.working_days_between(end, from), -i64::from(n));
        prop_assert!(end < calendar.add_working_days(from, n + 1).unwrap());
        prop_assert_eq!(calendar.previous_working_day(calendar.next_working_day(end).unwrap()).unwrap(), end);
    }

    #[test]
    fn a_reception_is_when_the_counter_is_open_and_stays_where_it_is(calendar in calendar(), submitted in instant()) {
        let received = calendar.received_at(submitted).unwrap();
        prop_assert!(submitted <= received);
        prop_assert!(calendar.is_open(received));
        prop_assert_eq!(calendar.received_at(received).unwrap(), received);
        let working = calendar.next_working_time(submitted).unwrap();
        prop_assert!(calendar.is_working_time(working) && received <= working);
    }

    #[test]
    fn a_limit_in_working_days_counts_so_many_days_after_the_reception(
        calendar in calendar(), submitted in instant(), n in 1..60_u32,
    ) {
        let due = due(&calendar, submitted, &Limit::working_days(n), &[]);
        let received = local(calendar.received_at(submitted).unwrap()).date();
        prop_assert_eq!(calendar.working_days_between(received, due.day), i64::from(n));
    }

    #[test]
    fn a_limit_in_working_hours_leaves_out_what_is_held(
        calendar in calendar(), (submitted, holds) in received_and_holds(), minutes in 1..6_000_u32,
    ) {
        let holds: Vec<Hold> = holds.into_iter().take(1).filter(|hold| hold.to.is_some()).collect();
        let received = calendar.received_at(submitted).unwrap();
        let due = due(&calendar, submitted, &Limit::WorkingHours { minutes }, &holds);
        let held = holds.first().map_or(0, |hold| {
            // The minute of the asking, as the minute of the due, lies at its end.
            let within = |at: Timestamp| at.max(received).min(due.at);
            calendar.elapsed_working_minutes(within(hold.from), within(hold.to.unwrap()))
        });
        prop_assert_eq!(calendar.elapsed_working_minutes(received, due.at) - held, i64::from(minutes));
    }

    #[test]
    fn a_due_is_printed_inside_opening_hours_and_judged_after_that(
        calendar in calendar(), (received, holds) in received_and_holds(), limit in limit(), hour in due_hour(),
    ) {
        let due = calendar.due(received, &limit, hour, &holds).unwrap();
        prop_assert!(calendar.is_open(due.at), "{}", local(due.at));
        prop_assert_eq!(local(due.at).date(), due.day);
        prop_assert!(due.at < due.judged_until);
        prop_assert!(minute(calendar.received_at(received).unwrap()) <= due.at);
    }

    #[test]
    fn a_due_is_monotone_in_the_reception(
        calendar in calendar(), received in instant(), wait in 0..20_000_i64, n in 1..60_u32,
    ) {
        // Same-day limits are left out: a Saturday's reception ends that Saturday, whatever Friday's cut-off did.
        for limit in [Limit::working_days(n), Limit::calendar_days(n), Limit::WorkingHours { minutes: n * 15 }] {
            let (first, second) = (due(&calendar, received, &limit, &[]), due(&calendar, later(received, wait), &limit, &[]));
            prop_assert!(first.at <= second.at, "{limit}");
        }
    }

    #[test]
    fn a_longer_limit_is_due_later(calendar in calendar(), (received, holds) in received_and_holds(), n in 1..40_u32) {
        for limit in [Limit::working_days, Limit::calendar_days, Limit::working_hours] {
            let (shorter, longer) = (due(&calendar, received, &limit(n), &holds), due(&calendar, received, &limit(n + 1), &holds));
            prop_assert!(shorter.at <= longer.at);
        }
    }

    #[test]
    fn a_hold_over_k_working_days_moves_a_due_in_working_days_by_k(
        calendar in calendar(), submitted in instant(), n in 1..30_u32, wait in 0..20_000_i64, length in 0..20_000_i64,
    ) {
        let limit = Limit::working_days(n);
        let first = due(&calendar, submitted, &limit, &[]);
        let received = calendar.received_at(submitted).unwrap();
        let asked = later(received, wait);
        prop_assume!(asked < first.judged_until);
        let hold = Hold { from: asked, to: Some(later(asked, length)) };
        let provided = local(calendar.received_at(later(asked, length)).unwrap()).date();
        let k = calendar.working_days_between(local(asked).date(), provided);

        let moved = due(&calendar, submitted, &limit, &[hold]);
        // Provided in a Saturday's reception after the limit had run out: the next working day.
        let expected = calendar.add_working_days(first.day, u32::try_from(k).unwrap()).unwrap();
        let expected = if expected < provided && local(asked).date() == first.day {
            calendar.add_working_days(provided, 0).unwrap()
        } else {
            expected
        };
        prop_assert_eq!(moved.day, expected);
    }

    #[test]
    fn no_due_is_before_what_was_asked_for_in_time_is_provided(
        calendar in calendar(), received in instant(), limit in limit(), wait in 0..5_000_i64, length in 0..20_000_i64,
    ) {
        let asked = later(calendar.received_at(received).unwrap(), wait);
        prop_assume!(asked < due(&calendar, received, &limit, &[]).judged_until);
        let provided = calendar.received_at(later(asked, length)).unwrap();
        let hold = Hold { from: asked, to: Some(later(asked, length)) };
        prop_assert!(provided < due(&calendar, received, &limit, &[hold]).judged_until);
    }

    #[test]
    fn the_explained_due_is_the_due_and_its_lines_add_up(
        calendar in calendar(), (received, holds) in received_and_holds(), limit in limit(), hour in due_hour(),
    ) {
        let due = calendar.due(received, &limit, hour, &holds).unwrap();
        let explained = calendar.explain(received, &limit, hour, &holds).unwrap();
        prop_assert_eq!(explained.due, due);
        prop_assert_eq!(explained.received, calendar.received_at(received).unwrap());

        let counted = || explained.lines.iter().filter(|line| line.counted.is_some());
        let in_minutes = counted().all(|line| matches!(line.reason, Reason::Session { .. }));
        match limit {
            Limit::WorkingHours { minutes } => {
                prop_assert_eq!(counted().filter_map(|line| line.counted).sum::<u32>(), minutes);
            }
            Limit::WorkingDays { halves } if halves % 2 == 1 => {
                prop_assert!(in_minutes);
                prop_assert_eq!(counted().filter_map(|line| line.counted).sum::<u32>(), halves * 240);
            }
            Limit::WorkingDays { halves: n } => {
                prop_assert!(counted().filter_map(|line| line.counted).eq(1..=n / 2));
                prop_assert!(counted().all(|line| calendar.is_working_day(line.day)));
            }
            Limit::CalendarDays { days } => {
                prop_assert!(counted().filter_map(|line| line.counted).eq(1..=days));
            }
            Limit::SameDay { .. } => {
                prop_assert!(counted().all(|line| calendar.is_working_day(line.day)));
            }
            Limit::Staged(stages) => {
                let begun = explained.lines.iter().filter(|line| matches!(line.reason, Reason::Stage { .. }));
                prop_assert_eq!(begun.count(), stages.iter().len());
            }
        }
    }

    #[test]
    fn stages_in_one_unit_end_where_one_limit_of_their_sum_does(
        calendar in calendar(), received in instant(), first in 1..60_u32, second in 1..60_u32, hour in due_hour(),
    ) {
        for unit in [Limit::working_days, Limit::working_hours] {
            let staged = Limit::Staged(Stages::new(vec![unit(first), unit(second)]).unwrap());
            prop_assert_eq!(
                calendar.due(received, &staged, hour, &[]).unwrap(),
                calendar.due(received, &unit(first + second), hour, &[]).unwrap(),
            );
        }
    }

    #[test]
    fn a_stage_begins_where_the_one_before_it_ends(
        calendar in calendar(), (received, holds) in received_and_holds(), first in stage(), second in stage(),
    ) {
        let staged = Limit::Staged(Stages::new(vec![first.clone(), second]).unwrap());
        let before = due(&calendar, received, &first, &holds);
        let whole = due(&calendar, received, &staged, &holds);
        prop_assert!(before.at < whole.at, "{staged}: {} is not before {}", local(before.at), local(whole.at));
        prop_assert_eq!(before.held_since, whole.held_since);
    }

    #[test]
    fn a_written_limit_is_read_back(limit in limit()) {
        prop_assume!(in_quarters(&limit));
        prop_assert_eq!(limit.to_string().parse(), Ok(limit));
    }
}

/// Any second that can be stated.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_second()..=Timestamp::MAX.as_second())
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    // Most of these walk to the end of what a search may take.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_panics_and_every_search_ends(
        calendar in calendar(), received in any_instant(), amount in any::<u32>(), from in any_instant(), to in any_instant(),
    ) {
        let hold = Hold { from, to: Some(to) };
        for limit in [
            Limit::same_day(),
            Limit::WorkingDays { halves: amount },
            Limit::WorkingHours { minutes: amount },
            Limit::calendar_days(amount),
        ] {
            let due = calendar.due(received, &limit, DueHour::SameTime, &[hold]);
            let explained = calendar.explain(received, &limit, DueHour::SameTime, &[hold]);
            prop_assert_eq!(due, explained.map(|explained| explained.due));
        }
        let _: Result<Timestamp, OutOfRange> = calendar.add_working_minutes(received, amount);
        calendar.elapsed_working_minutes(received, from);
    }

    /// A session that receives every field is one that receives everything: reception, due and explanation are the same. For a field
    /// that no session names, it is as if there were none but those of work.
    #[test]
    fn a_session_for_all_fields_is_a_session_without_any_and_one_for_others_is_none(
        patterns in prop::collection::vec(0..6_u8, 7),
        submitted in instant(),
        limit in limit(),
        hour in due_hour(),
    ) {
        let week = |day: &dyn Fn(Vec<Session>, Vec<Session>) -> DayHours| {
            let weekdays = Weekday::Monday.cycle_forward().zip(&patterns);
            let week = weekdays.fold(WeeklyHours::closed(), |week, (weekday, &pattern)| {
                let (working, reception) = sessions(pattern);
                week.with(weekday, day(working, reception))
            });
            let tuesday = WeeklyHours::default().day(Weekday::Tuesday).clone();
            Calendar::new(week.with(Weekday::Tuesday, tuesday), []).unwrap()
        };
        let plain = week(&|working, reception| DayHours::new(working, reception).unwrap());
        let without = week(&|working, _| DayHours::new(working, []).unwrap());
        let by_field = week(&|working, reception| {
            let day = DayHours::new(working, []).unwrap();
            reception.into_iter().fold(day, |day, session| {
                day.with_reception_of(session, ["a".to_owned(), "b".to_owned()]).unwrap()
            })
        });
        prop_assert_eq!(plain.of_field("a"), None);
        let of = |field| by_field.of_field(field).unwrap_or_else(|| by_field.clone());
        let answers = |calendar: &Calendar| {
            (calendar.received_at(submitted), calendar.explain(submitted, &limit, hour, &[]))
        };
        prop_assert_eq!(answers(&of("a")), answers(&plain));
        prop_assert_eq!(answers(&of("b")), answers(&plain));
        prop_assert_eq!(answers(&of("c")), answers(&without));
        prop_assert_eq!(answers(&by_field), answers(&plain), "whoever names no field");
    }
}
