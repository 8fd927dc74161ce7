//! Every kind of limit, without holds.

use jiff::civil::Weekday;
use motcua_calendar::{Calendar, DayHours, DueHour, Limit, Standing, WeeklyHours};

use crate::support::{at, day, due, due_in, office, same_time, session, shown};

#[test]
fn the_day_of_reception_does_not_count() {
    assert_eq!(due("2025-07-01T07:00", "1 working day"), "2025-07-02T17:00");
    assert_eq!(due("2025-07-01T16:59", "1 working day"), "2025-07-02T17:00");
}

#[test]
fn weekends_and_the_tet_holidays_do_not_count() {
    // Friday; then a weekend, Tết from Monday to Friday, a weekend.
    assert_eq!(
        due("2026-02-13T15:20", "3 working days"),
        "2026-02-25T17:00"
    );
}

#[test]
fn the_second_of_september_2025_and_the_day_before_it_do_not_count() {
    assert_eq!(due("2025-08-29T09:00", "1 working day"), "2025-09-03T17:00");
}

#[test]
fn the_culture_day_on_a_tuesday_does_not_count() {
    assert_eq!(due("2026-11-23T09:00", "1 working day"), "2026-11-25T17:00");
}

#[test]
fn a_saturday_worked_in_place_of_another_day_counts_and_that_day_does_not() {
    assert_eq!(due("2026-08-21T09:00", "1 working day"), "2026-08-22T17:00");
    assert_eq!(due("2026-08-28T09:00", "1 working day"), "2026-09-03T17:00");
    // 22 August counts; 31 August, 1 and 2 September do not.
    assert_eq!(
        due("2026-08-21T09:00", "7 working days"),
        "2026-09-03T17:00"
    );
}

#[test]
fn a_holiday_on_a_sunday_is_made_up_for_on_the_monday() {
    assert_eq!(due("2026-04-24T09:00", "1 working day"), "2026-04-28T17:00");
}

#[test]
fn a_limit_with_a_half_day_is_counted_in_working_hours_from_the_minute_of_reception() {
    assert_eq!(
        due("2025-07-01T07:00", "0.5 working days"),
        "2025-07-01T11:00"
    );
    assert_eq!(
        due("2025-07-01T10:56", "0.5 working days"),
        "2025-07-01T16:56"
    );
    assert_eq!(
        due("2025-07-01T15:00", "0.5 working days"),
        "2025-07-02T09:00"
    );
    assert_eq!(
        due("2025-07-01T10:56", "1.5 working days"),
        "2025-07-02T16:56"
    );
}

#[test]
fn working_hours_run_inside_working_sessions_only() {
    assert_eq!(
        due("2025-07-01T10:30", "2 working hours"),
        "2025-07-01T14:30"
    );
    assert_eq!(
        due("2025-07-04T16:00", "2 working hours"),
        "2025-07-07T08:00"
    );
    assert_eq!(
        due("2026-02-13T15:20", "8 working hours"),
        "2026-02-23T15:20"
    );
}

#[test]
fn time_that_runs_out_with_a_session_ends_at_its_closing_hour() {
    assert_eq!(
        due("2025-07-01T10:30", "1 working hour"),
        "2025-07-01T11:30"
    );
    assert_eq!(
        due("2025-07-01T07:00", "8 working hours"),
        "2025-07-01T17:00"
    );
}

#[test]
fn received_at_the_closing_minute_the_first_hour_begins_with_the_next_session() {
    assert_eq!(
        due("2025-07-01T11:30", "1 working hour"),
        "2025-07-01T14:30"
    );
    assert_eq!(
        due("2025-07-01T17:00", "1 working hour"),
        "2025-07-02T08:00"
    );
}

#[test]
fn the_due_minute_counts_whole_and_the_next_is_too_late() {
    let due = due_in(&office(), "2025-07-01T10:30", "2 working hours", &[]);
    assert_eq!(shown(due.judged_until), "2025-07-01T14:31");
    assert_eq!(due.judge(at("2025-07-01T14:30:59")), Standing::OnTime);
    assert_eq!(due.judge(at("2025-07-01T14:31")), Standing::Overdue);
}

#[test]
fn calendar_days_count_weekends_and_holidays() {
    assert_eq!(
        due("2026-02-13T09:00", "10 calendar days"),
        "2026-02-23T17:00"
    );
}

#[test]
fn a_last_day_that_is_off_moves_to_the_next_working_day() {
    assert_eq!(
        due("2025-07-01T09:00", "4 calendar days"),
        "2025-07-07T17:00",
        "a Saturday"
    );
    assert_eq!(
        due("2026-02-11T09:00", "5 calendar days"),
        "2026-02-23T17:00",
        "the eve of Tết"
    );
    assert_eq!(
        due("2026-08-12T09:00", "10 calendar days"),
        "2026-08-22T17:00",
        "a Saturday that is worked"
    );
}

#[test]
fn received_at_fifteen_oclock_sharp_is_due_the_same_day() {
    assert_eq!(due("2025-07-01T07:00", "same day"), "2025-07-01T17:00");
    assert_eq!(due("2025-07-01T15:00", "same day"), "2025-07-01T17:00");
    assert_eq!(
        due("2025-07-01T15:00:59", "same day"),
        "2025-07-01T17:00",
        "the receipt says 15:00"
    );
}

#[test]
fn received_a_minute_after_fifteen_oclock_is_due_the_next_working_day() {
    assert_eq!(due("2025-07-01T15:01", "same day"), "2025-07-02T17:00");
    assert_eq!(
        due("2026-02-13T15:01", "same day"),
        "2026-02-23T17:00",
        "after Tết"
    );
}

#[test]
fn the_cutoff_is_data() {
    assert_eq!(
        due("2025-07-01T15:01", "same day until 16:00"),
        "2025-07-01T17:00"
    );
    assert_eq!(
        due("2025-07-01T16:01", "same day until 16:00"),
        "2025-07-02T17:00"
    );
}

#[test]
fn a_receipt_may_print_its_own_clock_time_on_the_due_day() {
    assert_eq!(
        same_time("2025-03-13T10:56", "20 working days"),
        "2025-04-10T10:56"
    );
    assert_eq!(
        same_time("2025-07-01T10:56", "same day"),
        "2025-07-01T17:00",
        "not its own reception"
    );
    assert_eq!(
        same_time("2025-07-01T15:20", "same day"),
        "2025-07-02T15:20"
    );
    let due = office()
        .due(
            at("2025-07-01T10:56"),
            &Limit::working_days(1),
            DueHour::SameTime,
            &[],
        )
        .unwrap();
    assert_eq!(
        shown(due.judged_until),
        "2025-07-03T00:00",
        "the day counts whole"
    );
}

#[test]
fn the_clock_time_of_a_reception_at_noon_is_printed_as_the_next_opening() {
    let saturday = DayHours::new([], [session("11:45", "12:30")]).unwrap();
    let office =
        Calendar::new(WeeklyHours::default().with(Weekday::Saturday, saturday), []).unwrap();
    let due = office
        .due(
            at("2025-07-05T12:00"),
            &Limit::working_days(1),
            DueHour::SameTime,
            &[],
        )
        .unwrap();
    assert_eq!(shown(due.at), "2025-07-07T13:30");
}

#[test]
fn early_is_before_the_due_day_on_time_on_it_and_overdue_after_it() {
    let due = due_in(&office(), "2025-07-01T09:00", "3 working days", &[]);
    assert_eq!(due.day, day("2025-07-04"));
    assert_eq!(due.judge(at("2025-07-03T23:59")), Standing::Early);
    assert_eq!(due.judge(at("2025-07-04T00:00")), Standing::OnTime);
    assert_eq!(
        due.judge(at("2025-07-04T23:59:59")),
        Standing::OnTime,
        "the day counts whole"
    );
    assert_eq!(due.judge(at("2025-07-05T00:00")), Standing::Overdue);
}

#[test]
fn stages_of_different_units_follow_one_another() {
    // Adoption: ten working days to check and to ask, fifteen days in which a parent may go back on the consent, five working
    // days to register. The stages end on 20 March, on 4 April, a Saturday, so on Monday 6 April, and on 13 April.
    let adoption = "10 working days then 15 calendar days then 5 working days";
    assert_eq!(
        due("2026-03-06T09:00", "10 working days"),
        "2026-03-20T17:00"
    );
    assert_eq!(
        due("2026-03-20T17:00", "15 calendar days"),
        "2026-04-06T17:00"
    );
    assert_eq!(due("2026-03-06T09:00", adoption), "2026-04-13T17:00");
    // The first stage runs over Tết: 9 to 13 and 23 to 27 February.
    assert_eq!(due("2026-02-06T15:20", adoption), "2026-03-23T17:00");
}

#[test]
fn a_stage_in_hours_runs_on_from_the_minute_at_which_the_one_before_it_ends() {
    assert_eq!(
        due("2025-07-01T10:30", "2 working hours then 3 working hours"),
        "2025-07-02T07:30"
    );
    assert_eq!(
        due("2025-07-01T10:30", "1 working day then 2 working hours"),
        "2025-07-03T09:00"
    );
    let by_the_minute = due_in(
        &office(),
        "2025-07-01T10:30",
        "1 working day then 2 working hours",
        &[],
    );
    assert_eq!(shown(by_the_minute.judged_until), "2025-07-03T09:01");
}
