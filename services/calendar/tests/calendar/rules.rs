//! Each rule of time with the article that it comes from, on the days on which it is easily got wrong: one table to be read beside
//! the law.

use motcua_calendar::{Calendar, Hold};

use crate::support::{due_in, held, office, office_with_saturday_reception, shown};

/// Civil Code 2015: the day of the event that begins a time limit is left out.
const FIRST_DAY: &str = "Civil Code 2015, art. 147(2)";
/// Civil Code 2015: a last day that is off moves to the end of the next working day.
const LAST_DAY: &str = "Civil Code 2015, art. 148(5)";
/// Decree 118/2025: the limit runs from a complete dossier, as the receipt says.
const RECEPTION: &str = "decree 118/2025, art. 17";
/// Decree 118/2025: what waits for the applicant does not count.
const WAITING: &str = "decree 118/2025, art. 17, 18";
/// Labour Code 2019: days off, and days that are worked in place of them.
const DAYS_OFF: &str = "Labour Code 2019, art. 112";

/// What is promised for a dossier: rule, article, reception, limit, wait, due.
type Example = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
    &'static str,
);

#[rustfmt::skip]
const EXAMPLES: &[Example] = &[
    // The day of reception is left out, however early it is.
    ("first day",        FIRST_DAY, "2025-07-01T07:00", "1 working day",     None, "2025-07-02T17:00"),
    ("first day",        FIRST_DAY, "2025-07-01T16:59", "1 working day",     None, "2025-07-02T17:00"),
    ("first day",        FIRST_DAY, "2025-07-01T09:00", "3 calendar days",   None, "2025-07-04T17:00"),
    // Tết 2026: 16 to 20 February, between two weekends.
    ("Tết",              DAYS_OFF,  "2026-02-13T15:20", "3 working days",    None, "2026-02-25T17:00"),
    ("Tết",              DAYS_OFF,  "2026-02-13T15:20", "8 working hours",   None, "2026-02-23T15:20"),
    ("Tết",              DAYS_OFF,  "2026-02-13T16:00", "0.5 working days",  None, "2026-02-23T10:00"),
    ("Tết",              LAST_DAY,  "2026-02-13T09:00", "5 calendar days",   None, "2026-02-23T17:00"),
    ("Tết",              DAYS_OFF,  "2026-02-13T15:01", "same day",          None, "2026-02-23T17:00"),
    ("Tết, sent in",     RECEPTION, "2026-02-17T10:00", "1 working day",     None, "2026-02-24T17:00"),
    // 2 September 2025: Monday and Tuesday.
    ("2 September 2025", DAYS_OFF,  "2025-08-29T09:00", "1 working day",     None, "2025-09-03T17:00"),
    ("2 September 2025", DAYS_OFF,  "2025-08-29T15:01", "same day",          None, "2025-09-03T17:00"),
    ("2 September 2025", DAYS_OFF,  "2025-08-29T16:00", "2 working hours",   None, "2025-09-03T08:00"),
    ("2 September 2025", LAST_DAY,  "2025-08-29T09:00", "3 calendar days",   None, "2025-09-03T17:00"),
    // 2 September 2026: Monday to Wednesday, and Saturday 22 August is worked for that Monday.
    ("worked Saturday",  DAYS_OFF,  "2026-08-21T09:00", "1 working day",     None, "2026-08-22T17:00"),
    ("worked Saturday",  DAYS_OFF,  "2026-08-21T15:01", "same day",          None, "2026-08-22T17:00"),
    ("worked Saturday",  DAYS_OFF,  "2026-08-22T15:00", "same day",          None, "2026-08-22T17:00"),
    ("worked Saturday",  DAYS_OFF,  "2026-08-21T16:00", "2 working hours",   None, "2026-08-22T08:00"),
    ("Monday off",       DAYS_OFF,  "2026-08-28T09:00", "1 working day",     None, "2026-09-03T17:00"),
    ("both",             DAYS_OFF,  "2026-08-21T09:00", "7 working days",    None, "2026-09-03T17:00"),
    ("Monday off",       LAST_DAY,  "2026-08-21T09:00", "10 calendar days",  None, "2026-09-03T17:00"),
    // 24 November 2026, a Tuesday.
    ("culture day",      DAYS_OFF,  "2026-11-23T09:00", "1 working day",     None, "2026-11-25T17:00"),
    ("culture day",      DAYS_OFF,  "2026-11-23T15:01", "same day",          None, "2026-11-25T17:00"),
    ("culture day",      LAST_DAY,  "2026-11-23T09:00", "1 calendar day",    None, "2026-11-25T17:00"),
    ("culture day",      DAYS_OFF,  "2026-11-23T16:30", "1 working hour",    None, "2026-11-25T07:30"),
    // A day off on a Sunday is made up for on the Monday.
    ("made up for",      DAYS_OFF,  "2026-04-24T09:00", "1 working day",     None, "2026-04-28T17:00"),
    // The cut-off, to the minute.
    ("cut-off",          RECEPTION, "2025-07-01T15:00", "same day",          None, "2025-07-01T17:00"),
    ("cut-off",          RECEPTION, "2025-07-01T15:01", "same day",          None, "2025-07-02T17:00"),
    ("cut-off, Friday",  RECEPTION, "2025-07-04T15:01", "same day",          None, "2025-07-07T17:00"),
    // Outside the hours of reception it is received when the next session opens.
    ("at noon",          RECEPTION, "2025-07-01T12:00", "2 working hours",   None, "2025-07-01T15:30"),
    ("at night",         RECEPTION, "2025-07-01T20:00", "1 working day",     None, "2025-07-03T17:00"),
    ("at night",         RECEPTION, "2025-07-01T20:00", "same day",          None, "2025-07-02T17:00"),
    // Stages, each from the end of the one before it.
    ("stages, over Tết", FIRST_DAY, "2026-02-06T15:20", "10 working days then 15 calendar days then 5 working days", None, "2026-03-23T17:00"),
    // What waits for the applicant does not count: over days off, only the days that would have counted.
    ("wait",             WAITING,   "2025-07-01T09:00", "3 working days",    Some(("2025-07-02T10:00", "2025-07-04T09:00")), "2025-07-08T17:00"),
    ("wait over Tết",    WAITING,   "2026-02-11T09:00", "3 working days",    Some(("2026-02-12T10:00", "2026-02-24T09:00")), "2026-02-26T17:00"),
    ("wait over Tết",    WAITING,   "2026-02-13T09:00", "4 working hours",   Some(("2026-02-13T10:00", "2026-02-23T14:00")), "2026-02-23T17:00"),
    ("wait, September",  WAITING,   "2025-08-29T09:00", "2 working days",    Some(("2025-08-29T14:00", "2025-09-03T09:00")), "2025-09-05T17:00"),
    ("wait, 22 August",  WAITING,   "2026-08-20T09:00", "2 working days",    Some(("2026-08-21T10:00", "2026-08-22T10:00")), "2026-08-24T17:00"),
    ("wait, November",   WAITING,   "2026-11-23T09:00", "1 working day",     Some(("2026-11-23T10:00", "2026-11-25T09:00")), "2026-11-26T17:00"),
    ("wait, same day",   WAITING,   "2025-07-01T09:00", "same day",          Some(("2025-07-01T09:30", "2025-07-01T15:30")), "2025-07-02T17:00"),
];

/// On a Saturday morning, at a counter that receives then: a session, and no day that counts.
#[rustfmt::skip]
const ON_SATURDAY: &[Example] = &[
    ("on the spot",      RECEPTION, "2025-07-05T08:00", "same day",          None, "2025-07-05T11:00"),
    ("no day",           FIRST_DAY, "2025-07-05T08:00", "1 working day",     None, "2025-07-07T17:00"),
    ("no working hour",  RECEPTION, "2025-07-05T08:00", "8 working hours",   None, "2025-07-07T17:00"),
    ("calendar days",    FIRST_DAY, "2025-07-05T08:00", "3 calendar days",   None, "2025-07-08T17:00"),
    ("after it closed",  RECEPTION, "2025-07-05T11:01", "same day",          None, "2025-07-07T17:00"),
    ("before Tết",       DAYS_OFF,  "2026-02-14T08:00", "1 working day",     None, "2026-02-23T17:00"),
];

fn all_hold(calendar: &Calendar, examples: &[Example]) {
    let wrong: Vec<_> = examples
        .iter()
        .filter_map(|(rule, article, received, limit, wait, due)| {
            let holds: Vec<Hold> = wait.iter().map(|(from, to)| held(from, to)).collect();
            let found = shown(due_in(calendar, received, limit, &holds).at);
            (found != *due).then(|| {
                format!("{rule} ({article}): {received}, {limit}, {wait:?}: {found} and not {due}")
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_of_time_holds_on_the_days_on_which_it_is_easily_got_wrong() {
    all_hold(&office(), EXAMPLES);
}

#[test]
fn a_reception_on_a_saturday_morning_is_a_session_and_no_day_that_counts() {
    all_hold(&office_with_saturday_reception(), ON_SATURDAY);
}
