//! By when a dossier is with the agency that decides. Decree 118/2025, art. 18.

use jiff::civil::Weekday;
use motcua_calendar::{Calendar, DayHours, DayKind, TRANSFER_CUTOFF, WeeklyHours};

use crate::support::{at, day, days, office, office_with_saturday_reception, session, shown, time};

#[rustfmt::skip]
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("in the morning",            "2025-07-01T07:00", "2025-07-01T17:00"),
    ("at the cut-off sharp",      "2025-07-01T15:00", "2025-07-01T17:00"),
    ("a second after it",         "2025-07-01T15:00:59", "2025-07-01T17:00"),
    ("a minute after it",         "2025-07-01T15:01", "2025-07-02T08:00"),
    ("at closing",                "2025-07-01T17:00", "2025-07-02T08:00"),
    ("on Friday at the cut-off",  "2025-07-04T15:00", "2025-07-04T17:00"),
    ("on Friday after it",        "2025-07-04T15:01", "2025-07-07T08:00"),
    // Tết 2026: 16 to 20 February, between two weekends.
    ("before Tết",                "2026-02-13T15:00", "2026-02-13T17:00"),
    ("before Tết, after it",      "2026-02-13T15:01", "2026-02-23T08:00"),
    // 2 September 2025: Monday and Tuesday.
    ("before 2 September",        "2025-08-29T14:59", "2025-08-29T17:00"),
    ("before 2 September, after", "2025-08-29T16:30", "2025-09-03T08:00"),
    // Saturday 22 August 2026 is worked for Monday 31 August.
    ("before a worked Saturday",  "2026-08-21T15:01", "2026-08-22T08:00"),
    ("before the Monday off",     "2026-08-28T15:01", "2026-09-03T08:00"),
];

fn wrong(office: &Calendar, examples: &[(&str, &str, &str)]) -> Vec<String> {
    examples
        .iter()
        .filter_map(|(what, received, due)| {
            let found = shown(office.transfer_due(at(received), TRANSFER_CUTOFF).unwrap());
            (found != *due).then(|| format!("{what}, {received}: {found} and not {due}"))
        })
        .collect()
}

#[test]
fn what_is_received_goes_the_same_day_or_after_fifteen_oclock_the_first_thing_on_the_next() {
    assert_eq!(wrong(&office(), EXAMPLES), [""; 0]);
}

#[test]
fn what_a_session_of_reception_only_received_goes_with_the_next_working_day() {
    assert_eq!(
        wrong(
            &office_with_saturday_reception(),
            &[("on Saturday", "2025-07-05T08:00", "2025-07-07T08:00")]
        ),
        [""; 0]
    );
    let tuesday = DayHours::new(
        [session("07:00", "11:30")],
        [session("06:00", "06:45"), session("13:00", "14:00")],
    );
    let week = WeeklyHours::default().with(Weekday::Tuesday, tuesday.unwrap());
    assert_eq!(
        wrong(
            &Calendar::new(week, []).unwrap(),
            &[
                ("before work", "2025-07-01T06:30", "2025-07-01T11:30"),
                ("after work", "2025-07-01T13:30", "2025-07-02T08:00"),
            ]
        ),
        [""; 0]
    );
}

#[test]
fn on_a_half_day_it_goes_before_noon_and_a_centre_may_have_another_cutoff() {
    let morning = DayKind::hours(
        "Nghỉ chiều",
        DayHours::new([session("07:00", "11:30")], []).unwrap(),
    );
    let others = days().filter(|(date, _)| *date != day("2025-07-02"));
    let office = Calendar::new(
        WeeklyHours::default(),
        others.chain([(day("2025-07-02"), morning)]),
    )
    .unwrap();
    let due = |received, cutoff| shown(office.transfer_due(at(received), time(cutoff)).unwrap());
    assert_eq!(due("2025-07-02T11:00", "15:00"), "2025-07-02T11:30");
    assert_eq!(due("2025-07-01T16:00", "16:00"), "2025-07-01T17:00");
    assert_eq!(due("2025-07-01T16:01", "16:00"), "2025-07-02T08:00");
    assert_eq!(due("2025-07-01T11:01", "11:00"), "2025-07-02T08:00");
}
