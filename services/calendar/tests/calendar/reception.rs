//! When a dossier counts as received, and openings outside the ordinary hours.

use jiff::civil::Weekday;
use motcua_calendar::{Calendar, DayHours, DayKind, DueHour, Invalid, Limit, WeeklyHours};

use crate::support::{
    at, day, days, due, due_in, held, office, office_with_saturday_reception, session, shown,
};

#[test]
fn what_is_submitted_outside_opening_hours_is_received_when_the_next_session_opens() {
    let received = |submitted| shown(office().received_at(at(submitted)).unwrap());
    assert_eq!(received("2025-07-01T00:00"), "2025-07-01T07:00");
    assert_eq!(received("2025-07-01T06:59:59"), "2025-07-01T07:00");
    assert_eq!(received("2025-07-01T07:00"), "2025-07-01T07:00");
    assert_eq!(
        received("2025-07-01T11:30"),
        "2025-07-01T11:30",
        "the closing minute is still served"
    );
    assert_eq!(received("2025-07-01T11:31"), "2025-07-01T13:30");
    assert_eq!(received("2025-07-01T17:00"), "2025-07-01T17:00");
    assert_eq!(received("2025-07-01T17:01"), "2025-07-02T07:00");
    assert_eq!(received("2026-02-13T23:00"), "2026-02-23T07:00", "over Tết");
    assert_eq!(
        due("2025-07-01T20:00", "1 working day"),
        "2025-07-03T17:00",
        "received on the 2nd"
    );
    assert_eq!(
        due("2025-07-05T10:00", "same day"),
        "2025-07-07T17:00",
        "received on Monday"
    );
}

#[test]
fn a_same_day_procedure_received_on_a_saturday_morning_ends_in_that_session() {
    let office = office_with_saturday_reception();
    let due = due_in(&office, "2025-07-05T08:00", "same day", &[]);
    assert_eq!(shown(due.at), "2025-07-05T11:00");
    assert_eq!(shown(due.judged_until), "2025-07-06T00:00");
}

#[test]
fn a_same_day_procedure_received_in_the_evening_ends_in_that_session_although_the_cutoff_is_past() {
    let tuesday = DayHours::new(
        [session("07:00", "11:30"), session("13:30", "17:00")],
        [session("17:00", "20:00")],
    );
    let office = Calendar::new(
        WeeklyHours::default().with(Weekday::Tuesday, tuesday.unwrap()),
        [],
    )
    .unwrap();
    assert_eq!(
        shown(due_in(&office, "2025-07-01T18:00", "same day", &[]).at),
        "2025-07-01T20:00"
    );
    assert_eq!(
        shown(due_in(&office, "2025-07-01T17:00", "same day", &[]).at),
        "2025-07-02T17:00",
        "office hours"
    );
    let before = [held("2025-07-01T14:00", "2025-07-01T16:00")];
    assert_eq!(
        shown(due_in(&office, "2025-07-01T18:00", "same day", &before).at),
        "2025-07-01T20:00",
        "what came before reception is no hold"
    );
    assert_eq!(
        shown(office.closing_of(day("2025-07-01")).unwrap()),
        "2025-07-01T17:00"
    );
}

#[test]
fn received_on_a_saturday_morning_the_limit_begins_with_the_next_working_day() {
    let office = office_with_saturday_reception();
    let due = |limit| shown(due_in(&office, "2025-07-05T08:00", limit, &[]).at);
    assert_eq!(due("1 working day"), "2025-07-07T17:00");
    assert_eq!(due("2 working hours"), "2025-07-07T09:00");
    assert_eq!(due("0.5 working days"), "2025-07-07T11:00");
    assert!(!office.is_working_day(day("2025-07-05")));
    assert!(office.is_open(at("2025-07-05T08:00")));
    assert!(!office.is_working_time(at("2025-07-05T08:00")));
}

#[test]
fn a_saturday_reception_is_closed_on_a_holiday_and_worked_as_a_day_on_a_swapped_one() {
    let saturday = DayHours::new([], [session("07:30", "11:00")]).unwrap();
    let office = Calendar::new(
        WeeklyHours::default().with(Weekday::Saturday, saturday),
        [
            (day("2026-02-14"), DayKind::holiday("Tết")),
            (day("2026-08-22"), DayKind::working("Làm bù")),
        ],
    )
    .unwrap();
    assert!(!office.is_open(at("2026-02-14T08:00")));
    assert!(office.is_working_time(at("2026-08-22T16:00")));
}

#[test]
fn a_counter_opened_on_a_tet_day_receives_and_does_not_count() {
    let special = DayKind::hours(
        "Trực Tết",
        DayHours::new([], [session("08:00", "10:00")]).unwrap(),
    );
    let others = days().filter(|(date, _)| *date != day("2026-02-18"));
    let office = Calendar::new(
        WeeklyHours::default(),
        others.chain([(day("2026-02-18"), special)]),
    )
    .unwrap();
    assert_eq!(
        shown(due_in(&office, "2026-02-18T09:00", "same day", &[]).at),
        "2026-02-18T10:00"
    );
    assert_eq!(
        shown(due_in(&office, "2026-02-18T09:00", "1 working day", &[]).at),
        "2026-02-23T17:00"
    );
}

#[test]
fn a_half_day_counts_as_a_day_and_closes_at_noon() {
    let morning = DayKind::hours(
        "Nghỉ chiều",
        DayHours::new([session("07:00", "11:30")], []).unwrap(),
    );
    let office = Calendar::new(WeeklyHours::default(), [(day("2025-07-02"), morning)]).unwrap();
    let due = |hour| {
        shown(
            office
                .due(at("2025-07-01T15:00"), &Limit::working_days(1), hour, &[])
                .unwrap()
                .at,
        )
    };
    assert_eq!(due(DueHour::EndOfDay), "2025-07-02T11:30");
    assert_eq!(
        due(DueHour::SameTime),
        "2025-07-02T11:30",
        "a printed time is never outside opening hours"
    );
    assert_eq!(
        shown(due_in(&office, "2025-07-01T16:00", "6 working hours", &[]).at),
        "2025-07-03T07:30"
    );
}

/// The ordinary office, whose counter receives residence matters on Saturday from 07:30 to 11:00, and whatever comes on Tuesday
/// evening.
fn office_with_residence_on_saturday() -> Calendar {
    let saturday = DayHours::default()
        .with_reception_of(session("07:30", "11:00"), ["cư trú".to_owned()])
        .unwrap();
    let tuesday = DayHours::new(
        [session("07:00", "11:30"), session("13:30", "17:00")],
        [session("17:00", "20:00")],
    );
    let week = WeeklyHours::default()
        .with(Weekday::Saturday, saturday)
        .with(Weekday::Tuesday, tuesday.unwrap());
    Calendar::new(week, days()).unwrap()
}

#[test]
fn a_session_for_some_fields_receives_them_and_the_others_wait_for_the_next_that_receives_them() {
    let office = office_with_residence_on_saturday();
    let received = |field, at_: &str| {
        let calendar = office.of_field(field).unwrap();
        shown(calendar.received_at(at(at_)).unwrap())
    };
    for (field, submitted, then) in [
        ("cư trú", "2025-07-05T08:00", "2025-07-05T08:00"),
        ("cư trú", "2025-07-05T07:00", "2025-07-05T07:30"),
        ("cư trú", "2025-07-05T11:01", "2025-07-07T07:00"),
        ("hộ tịch", "2025-07-05T08:00", "2025-07-07T07:00"),
        ("hộ tịch", "2025-07-04T17:01", "2025-07-07T07:00"),
        // The evening receives everything.
        ("cư trú", "2025-07-01T18:00", "2025-07-01T18:00"),
        ("hộ tịch", "2025-07-01T18:00", "2025-07-01T18:00"),
        // Over Tết, the Saturday before the holidays receives residence still.
        ("cư trú", "2026-02-13T17:01", "2026-02-14T07:30"),
        ("hộ tịch", "2026-02-13T17:01", "2026-02-23T07:00"),
    ] {
        assert_eq!(received(field, submitted), then, "{field}, {submitted}");
    }
    assert!(office.is_open(at("2025-07-05T08:00")), "for somebody");
    assert!(!office.is_working_day(day("2025-07-05")));
}

#[test]
fn what_a_session_for_some_fields_receives_of_the_same_day_ends_in_it_and_of_the_others_on_monday()
{
    let office = office_with_residence_on_saturday();
    let due = |field, limit| {
        let calendar = office.of_field(field).unwrap();
        shown(due_in(&calendar, "2025-07-05T08:00", limit, &[]).at)
    };
    assert_eq!(due("cư trú", "same day"), "2025-07-05T11:00");
    assert_eq!(due("hộ tịch", "same day"), "2025-07-07T17:00");
    assert_eq!(due("cư trú", "1 working day"), "2025-07-07T17:00");
    assert_eq!(due("hộ tịch", "1 working day"), "2025-07-08T17:00");
}

#[test]
fn what_was_asked_for_comes_back_only_in_a_session_that_receives_it() {
    let office = office_with_residence_on_saturday();
    let due = |field| {
        let calendar = office.of_field(field).unwrap();
        let waited = [held("2025-07-02T10:00", "2025-07-05T08:00")];
        shown(due_in(&calendar, "2025-07-01T09:00", "3 working days", &waited).at)
    };
    assert_eq!(due("cư trú"), "2025-07-08T17:00");
    assert_eq!(due("hộ tịch"), "2025-07-09T17:00", "provided on Monday");
}

#[test]
fn a_session_for_no_field_or_over_another_is_refused() {
    let evening = session("17:00", "20:00");
    let day = DayHours::new([session("13:30", "17:00")], [evening]).unwrap();
    let narrow = |session, fields: &[&str]| {
        let fields = fields.iter().map(|&field| field.to_owned());
        day.clone().with_reception_of(session, fields)
    };
    let late = session("20:00", "21:00");
    assert_eq!(narrow(late, &[]), Err(Invalid::NoField(late)));
    let within = session("18:00", "19:00");
    assert_eq!(
        narrow(within, &["cư trú"]),
        Err(Invalid::Overlap {
            first: evening,
            second: within,
        })
    );
    assert!(narrow(late, &["cư trú"]).is_ok(), "they may touch");
}
