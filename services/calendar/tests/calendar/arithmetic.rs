//! Sums of working time, and where they end.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use motcua_calendar::{
    Calendar, DayHours, DayKind, DueHour, HANOI, Hold, Invalid, Limit, OutOfRange, Session,
    WeeklyHours,
};

use crate::support::{at, day, office, session, shown, time};

#[test]
fn working_time_between_two_instants_leaves_out_noon_nights_and_days_off() {
    let elapsed = |from, to| office().elapsed_working_minutes(at(from), at(to));
    assert_eq!(elapsed("2025-07-01T07:00", "2025-07-02T07:00"), 480);
    assert_eq!(elapsed("2025-07-01T11:30", "2025-07-01T13:30"), 0);
    assert_eq!(elapsed("2025-07-01T00:00", "2025-07-01T08:00"), 60);
    assert_eq!(elapsed("2026-02-13T16:00", "2026-02-23T08:00"), 120);
    assert_eq!(elapsed("2026-02-23T08:00", "2026-02-13T16:00"), -120);
}

#[test]
fn working_days_between_are_those_after_the_first_up_to_the_last() {
    let between = |from, to| office().working_days_between(day(from), day(to));
    assert_eq!(between("2026-02-13", "2026-02-25"), 3);
    assert_eq!(between("2026-02-25", "2026-02-13"), -3);
    assert_eq!(between("2026-02-14", "2026-02-14"), 0);
    assert_eq!(between("2026-08-21", "2026-09-03"), 7);
}

#[test]
fn the_neighbouring_working_days_step_over_what_is_off() {
    let office = office();
    assert_eq!(
        office.next_working_day(day("2026-02-13")),
        Ok(day("2026-02-23"))
    );
    assert_eq!(
        office.previous_working_day(day("2026-02-23")),
        Ok(day("2026-02-13"))
    );
    assert_eq!(
        office.add_working_days(day("2026-02-14"), 0),
        Ok(day("2026-02-23"))
    );
    assert_eq!(
        office.add_working_days(day("2026-02-13"), 0),
        Ok(day("2026-02-13"))
    );
    assert_eq!(office.closing_of(day("2026-02-14")), None);
    assert_eq!(
        shown(office.next_working_time(at("2026-02-13T17:01")).unwrap()),
        "2026-02-23T07:00"
    );
    assert_eq!(
        shown(
            office
                .add_working_minutes(at("2026-02-13T12:00"), 0)
                .unwrap()
        ),
        "2026-02-13T13:30"
    );
}

#[test]
fn the_offset_is_that_of_asia_ho_chi_minh_in_every_month_of_half_a_century() {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let mut month = day("1976-01-01");
    while month < day("2040-01-01") {
        let at: Timestamp = HANOI.to_timestamp(month.at(0, 0, 0, 0)).unwrap();
        assert_eq!(zone.to_offset(at), HANOI, "{month}");
        month = month.checked_add(1.month()).unwrap();
    }
}

#[test]
fn a_calendar_without_working_days_is_an_error_and_no_endless_loop() {
    let never = Calendar::new(WeeklyHours::closed(), []).unwrap();
    let from = at("2025-07-01T09:00");
    let nothing = OutOfRange::NotFound {
        from: day("2025-07-01"),
    };
    for limit in [
        Limit::same_day(),
        Limit::working_days(1),
        Limit::working_hours(1),
        Limit::calendar_days(1),
    ] {
        assert_eq!(
            never.due(from, &limit, DueHour::EndOfDay, &[]),
            Err(nothing.clone())
        );
    }
    assert_eq!(never.received_at(from), Err(nothing.clone()));
    assert_eq!(never.next_working_time(from), Err(nothing.clone()));
    assert_eq!(never.add_working_minutes(from, 0), Err(nothing.clone()));
    assert_eq!(never.add_working_minutes(from, 1), Err(nothing.clone()));
    assert_eq!(
        never.next_working_day(day("2025-07-01")),
        Err(nothing.clone())
    );
    assert_eq!(never.previous_working_day(day("2025-07-01")), Err(nothing));
    assert_eq!(
        never.elapsed_working_minutes(from, at("2035-07-01T09:00")),
        0
    );
}

#[test]
fn a_counter_that_only_receives_finds_no_working_day_either() {
    let saturday = DayHours::new([], [session("07:30", "11:00")]).unwrap();
    let office =
        Calendar::new(WeeklyHours::closed().with(Weekday::Saturday, saturday), []).unwrap();
    let due = |limit: Limit| office.due(at("2025-07-05T08:00"), &limit, DueHour::EndOfDay, &[]);
    assert!(due(Limit::same_day()).is_ok());
    for limit in [
        Limit::working_days(1),
        Limit::working_hours(1),
        Limit::calendar_days(1),
    ] {
        assert_eq!(
            due(limit),
            Err(OutOfRange::NotFound {
                from: day("2025-07-05")
            })
        );
    }
}

#[test]
fn the_ends_of_time_are_an_error() {
    let office = office();
    let (first, last) = (Timestamp::MIN, Timestamp::MAX);
    assert_eq!(
        office.due(last, &Limit::working_days(900), DueHour::EndOfDay, &[]),
        Err(OutOfRange::Beyond)
    );
    assert_eq!(
        office.add_working_minutes(last, u32::MAX),
        Err(OutOfRange::Beyond)
    );
    assert!(
        office
            .due(first, &Limit::working_days(1), DueHour::SameTime, &[])
            .is_ok()
    );
    assert!(office.elapsed_working_minutes(first, last) > 0);
    assert!(office.working_days_between(jiff::civil::Date::MIN, jiff::civil::Date::MAX) > 0);
    let beyond = Limit::WorkingDays {
        halves: u32::MAX - 1,
    };
    assert!(matches!(
        office.due(at("2025-07-01T09:00"), &beyond, DueHour::EndOfDay, &[]),
        Err(OutOfRange::NotFound { .. })
    ));
}

#[test]
fn nonsense_is_refused_in_words() {
    let nothing = office().due(
        at("2025-07-01T09:00"),
        &Limit::working_days(0),
        DueHour::EndOfDay,
        &[],
    );
    assert_eq!(nothing, Err(OutOfRange::EmptyLimit));
    let hold = Hold {
        from: at("2025-07-02T09:00"),
        to: Some(at("2025-07-01T09:00")),
    };
    let backwards = office().due(
        at("2025-07-01T09:00"),
        &Limit::working_days(1),
        DueHour::EndOfDay,
        &[hold],
    );
    assert!(matches!(backwards, Err(OutOfRange::HoldBackwards { .. })));

    let error = |result: Result<Session, Invalid>| result.unwrap_err().to_string();
    assert!(error(Session::new(time("11:00"), time("07:00"))).contains("must end after it begins"));
    assert!(error(Session::new(time("07:00:30"), time("11:00"))).contains("whole minute"));
    let overlap =
        DayHours::new([session("07:00", "11:30")], [session("11:00", "12:00")]).unwrap_err();
    assert_eq!(
        overlap.to_string(),
        "sessions 07:00–11:30 and 11:00–12:00 overlap: join or separate them"
    );
    let twice = [
        (day("2026-01-01"), DayKind::holiday("a")),
        (day("2026-01-01"), DayKind::working("b")),
    ];
    assert_eq!(
        Calendar::new(WeeklyHours::default(), twice),
        Err(Invalid::RepeatedDay(day("2026-01-01")))
    );
    let swapped = [(day("2026-08-22"), DayKind::working("Làm bù"))];
    assert_eq!(
        Calendar::new(WeeklyHours::closed(), swapped),
        Err(Invalid::NoOrdinaryDay(day("2026-08-22")))
    );
}
