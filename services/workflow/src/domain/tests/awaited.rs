//! Waits in calendar days, and by when an apology is made, on the real days of 2025 and 2026: Tết, the days around 2 September, a
//! day off that is worked in place of another, 24 November, a reception on a Saturday morning. One row per example, to be read
//! beside its article.

use jiff::SignedDuration;
use motcua_platform::{catalog::Catalog, error::Error};
use motcua_proto::{
    r#type::v1::{Limit as ProtoLimit, limit::Kind as LimitKind},
    workflow::v1::{TimerStep, step::Kind, timer_step::Wait},
};

use super::{
    language::{officers, step},
    limits::real_days,
    office::{Office, asks_for_supplement, at, cause, definition, leader, officer, refused, words},
};
use crate::domain::{Command, Definition, Receipt};

/// Civil Code 2015: the day of the event that begins a time limit is left out.
const FIRST_DAY: &str = "Civil Code 2015, art. 147(2)";
/// Civil Code 2015: a last day that is off moves to the end of the next working day.
const LAST_DAY: &str = "Civil Code 2015, art. 148(5)";
/// Labour Code 2019: days off, and days that are worked in place of them.
const DAYS_OFF: &str = "Labour Code 2019, art. 112";
/// Decree 118/2025: an apology with a new date comes before the limit passes.
const APOLOGY: &str = "decree 118/2025, art. 18, with Mẫu 04 of circular 03/2025";

/// Three working days.
const DAYS: &str = "1.000001";
/// Eight working hours.
const HOURS: &str = "1.000002";
/// The same day until 15:00.
const SAME_DAY: &str = "1.000003";

/// Article, beginning, calendar days, the first instant after them.
#[rustfmt::skip]
const TIMERS: &[(&str, &str, i32, &str)] = &[
    // The day of the posting is left out, and the last one counts whole.
    (FIRST_DAY, "2026-02-12T07:00",  1, "2026-02-14T00:00"),
    (FIRST_DAY, "2026-02-12T16:59",  1, "2026-02-14T00:00"),
    // On a Friday evening, when nobody is there any more.
    (FIRST_DAY, "2025-07-04T17:30",  3, "2025-07-08T00:00"),
    // Tết 2026: 16 to 20 February, between two weekends. Days off in the middle count, a last one does not.
    (LAST_DAY,  "2026-02-13T10:00",  5, "2026-02-24T00:00"),
    (LAST_DAY,  "2026-02-06T09:00", 15, "2026-02-24T00:00"),
    (FIRST_DAY, "2026-02-10T09:00", 15, "2026-02-26T00:00"),
    // 2 September 2025: Monday and Tuesday. The fifteenth day from 15 August is the Saturday before them.
    (LAST_DAY,  "2025-08-29T09:00",  3, "2025-09-04T00:00"),
    (LAST_DAY,  "2025-08-15T10:00", 15, "2025-09-04T00:00"),
    // 2026: Saturday 22 August is worked, and so a last day; Monday 31 August is off in place of it.
    (DAYS_OFF,  "2026-08-07T09:00", 15, "2026-08-23T00:00"),
    (LAST_DAY,  "2026-08-14T09:00", 15, "2026-09-04T00:00"),
    (LAST_DAY,  "2026-08-17T09:00", 15, "2026-09-04T00:00"),
    // A day off on a Sunday is made up for on the Monday; 30 April and 1 May are followed by a weekend.
    (LAST_DAY,  "2026-04-24T09:00",  2, "2026-04-29T00:00"),
    (LAST_DAY,  "2026-04-15T09:00", 15, "2026-05-05T00:00"),
    // 24 November 2026, a Tuesday; a wait in days has no cut-off.
    (FIRST_DAY, "2026-11-20T15:01",  3, "2026-11-24T00:00"),
    (LAST_DAY,  "2026-11-23T15:01",  1, "2026-11-26T00:00"),
    (LAST_DAY,  "2026-11-09T09:00", 15, "2026-11-26T00:00"),
    // On a Saturday morning on which the counter receives.
    (FIRST_DAY, "2025-07-05T08:00",  3, "2025-07-09T00:00"),
    (LAST_DAY,  "2025-07-05T08:00",  7, "2025-07-15T00:00"),
];

/// Procedure, received, due, the last moment for an apology, the first that is too late, the new date.
type Apology = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const APOLOGIES: &[Apology] = &[
    // Due on the last day before Tết 2026: in Tết it is too late.
    (DAYS,     "2026-02-10T09:00",    "2026-02-13T17:00", "2026-02-13T23:59:59", "2026-02-14T00:00", "2026-02-24T10:00"),
    // Due on the first day after it: a day of Tết is in time, and so is that day's evening.
    (DAYS,     "2026-02-11T09:00",    "2026-02-23T17:00", "2026-02-18T09:00",    "2026-02-24T00:00", "2026-02-25T10:00"),
    (DAYS,     "2026-02-11T09:00",    "2026-02-23T17:00", "2026-02-23T23:59:59", "2026-02-24T00:00", "2026-02-25T10:00"),
    // A limit in hours is over with its minute.
    (HOURS,    "2026-02-13T15:20",    "2026-02-23T15:20", "2026-02-23T15:20:59", "2026-02-23T15:21", "2026-02-24T10:00"),
    // Received on the Saturday morning before it.
    (DAYS,     "2026-02-14T08:00",    "2026-02-25T17:00", "2026-02-25T23:59:59", "2026-02-26T00:00", "2026-02-26T10:00"),
    // 2 September 2025.
    (DAYS,     "2025-08-26T09:00",    "2025-08-29T17:00", "2025-08-29T23:59:59", "2025-08-30T00:00", "2025-09-03T10:00"),
    (DAYS,     "2025-08-27T09:00",    "2025-09-03T17:00", "2025-09-03T23:59:59", "2025-09-04T00:00", "2025-09-05T10:00"),
    // Due on the Saturday that is worked, and on the first day after 2 September 2026.
    (DAYS,     "2026-08-19T09:00",    "2026-08-22T17:00", "2026-08-22T23:59:59", "2026-08-23T00:00", "2026-08-24T10:00"),
    (DAYS,     "2026-08-26T09:00",    "2026-09-03T17:00", "2026-09-03T23:59:59", "2026-09-04T00:00", "2026-09-04T10:00"),
    // 24 November 2026; the cut-off, to the minute, decides on which side of it the limit lies.
    (DAYS,     "2026-11-18T09:00",    "2026-11-23T17:00", "2026-11-23T23:59:59", "2026-11-24T00:00", "2026-11-25T10:00"),
    (SAME_DAY, "2026-11-23T15:00:59", "2026-11-23T17:00", "2026-11-23T23:59:59", "2026-11-24T00:00", "2026-11-25T10:00"),
    (SAME_DAY, "2026-11-23T15:01",    "2026-11-25T17:00", "2026-11-25T23:59:59", "2026-11-26T00:00", "2026-11-26T10:00"),
    // On the spot on a Saturday morning: printed as the end of the session, judged to that of the day.
    (SAME_DAY, "2025-07-05T08:00",    "2025-07-05T11:30", "2025-07-05T23:59:59", "2025-07-06T00:00", "2025-07-07T10:00"),
];

/// Received, the new date, whether the counter is open then.
#[rustfmt::skip]
const NEW_DATES: &[(&str, &str, bool)] = &[
    ("2026-02-10T09:00", "2026-02-16T10:00", false),
    ("2026-02-10T09:00", "2026-02-20T16:00", false),
    ("2026-02-10T09:00", "2026-02-23T07:00", true),
    ("2025-08-26T09:00", "2025-09-02T10:00", false),
    ("2025-08-26T09:00", "2025-09-03T10:00", true),
    // A Saturday that is worked has an afternoon; others have a morning for reception.
    ("2026-08-18T09:00", "2026-08-22T14:00", true),
    ("2026-08-25T09:00", "2026-08-29T14:00", false),
    ("2026-08-25T09:00", "2026-08-31T10:00", false),
    ("2026-11-18T09:00", "2026-11-24T10:00", false),
    ("2026-11-18T09:00", "2026-11-25T17:00", true),
];

/// A ward on real days, which receives on Saturday mornings too.
fn ward(now: &str) -> Office {
    let mut office = Office::open();
    let mut catalog = real_days(&[]);
    let procedures = &mut catalog.procedures;
    let by_the_hour = procedures.iter_mut().find(|it| it.code == HOURS);
    by_the_hour.unwrap().limit = Some(ProtoLimit {
        kind: Some(LimitKind::WorkingHours(8)),
    });
    office
        .surround
        .catalogs
        .remember(Catalog::parse(&catalog).unwrap(), true);
    office.now = at(now);
    office
}

/// Something is posted for so many calendar days.
fn posted(begins: &str, calendar_days: i32) -> Office {
    let mut office = ward(begins);
    let wait = TimerStep {
        to: "close".into(),
        wait: Some(Wait::CalendarDays(calendar_days)),
    };
    let steps = vec![
        officers("post", "wait"),
        step("wait", Kind::Timer(wait)),
        officers("close", ""),
    ];
    let parsed = Definition::parse(&definition("d", "post", steps)).unwrap();
    office.surround.definitions.remember(parsed);
    let receipt = Receipt {
        definition: "d".into(),
        ..office.receipt(DAYS, &[])
    };
    office.reacts(Command::Start {
        receipt: Box::new(receipt),
        cause: cause(),
    });
    office.completes("post", "done");
    office
}

/// Everything that the clock brings until now.
fn ticks(office: &mut Office) {
    while office.case().timer_at().is_some_and(|at| at <= office.now) {
        office.reacts(Command::Tick);
    }
}

#[test]
fn a_wait_in_days_ends_with_its_last_day_or_the_next_that_is_worked_whatever_lies_between() {
    for &(article, begins, calendar_days, fires) in TIMERS {
        let row = format!("{article}: {calendar_days} days from {begins}");
        let mut office = posted(begins, calendar_days);
        assert_eq!(
            motcua_calendar::local(office.case().timers[0].fires_at).to_string(),
            motcua_calendar::local(at(fires)).to_string(),
            "{row}"
        );
        let second = SignedDuration::from_secs(1);
        office.now = at(fires).checked_sub(second).unwrap();
        ticks(&mut office);
        assert!(office.waiting().is_empty(), "{row}");
        office.now = at(fires);
        ticks(&mut office);
        assert_eq!(office.waiting(), ["t2 close"], "{row}");
        assert_eq!(office.replayed().as_ref(), Some(office.case()), "{row}");
    }
}

/// Decree 118/2025, art. 17, 18: what waits for the applicant does not count, and over days off no day of it does.
#[test]
fn days_that_wait_for_the_applicant_over_a_holiday_are_not_among_them() {
    for (begins, calendar_days, asked, provided, fires) in [
        // 11 and 12 February count; 13 to 23 do not.
        (
            "2026-02-10T09:00",
            5,
            "2026-02-12T09:00",
            "2026-02-23T10:00",
            "2026-02-27T00:00",
        ),
        // 28 and 29 August count, and 4 to 6 September; that is a Saturday, and so Monday.
        (
            "2025-08-27T09:00",
            5,
            "2025-08-29T14:00",
            "2025-09-03T09:00",
            "2025-09-09T00:00",
        ),
        // The day off lies in the wait: 24 and 25 November do not count.
        (
            "2026-11-20T09:00",
            5,
            "2026-11-23T09:00",
            "2026-11-25T09:00",
            "2026-11-28T00:00",
        ),
    ] {
        let mut office = posted(begins, calendar_days);
        office.now = at(asked);
        let ask = asks_for_supplement();
        office.asks(&officer(1), &ask).unwrap();
        office.now = at(provided);
        office.reacts(Command::Resume {
            at: office.now,
            cause: cause(),
        });
        assert_eq!(
            motcua_calendar::local(office.case().timers[0].fires_at).to_string(),
            motcua_calendar::local(at(fires)).to_string(),
            "{calendar_days} days from {begins}, asked {asked}, provided {provided}"
        );
        assert_eq!(office.replayed().as_ref(), Some(office.case()));
    }
}

fn apology(due_at: &str) -> Command {
    Command::ExtendDeadline {
        due_at: at(due_at),
        reason: words(),
    }
}

#[test]
fn an_apology_is_made_before_the_limit_passes_and_not_after_it_whatever_lies_between() {
    for &(procedure, received, due, in_time, too_late, new) in APOLOGIES {
        let row = format!("{APOLOGY}: {procedure} received {received}");
        let mut office = ward(received);
        office.is_handed(procedure, &[]);
        assert_eq!(
            motcua_calendar::local(office.case().due.at).to_string(),
            motcua_calendar::local(at(due)).to_string(),
            "{row}"
        );
        let mut late = office.clone();
        late.now = at(too_late);
        let refusal = refused(late.asks(&leader(1), &apology(new)));
        assert_eq!(refusal.article, APOLOGY, "{row}");
        assert!(
            refusal.message.contains("has passed"),
            "{row}: {}",
            refusal.message
        );
        office.now = at(in_time);
        if let Err(error) = office.asks(&leader(1), &apology(new)) {
            panic!("{row}, at {in_time}: {error:?}");
        }
        // The first due goes on to judge.
        assert_eq!(office.case().due.at, at(new), "{row}");
        assert_eq!(office.case().first_due.at, at(due), "{row}");
        assert_eq!(office.replayed().as_ref(), Some(office.case()), "{row}");
    }
}

/// Mẫu 04 names when the applicant is to come: nobody is sent to a counter that is closed.
#[test]
fn an_apology_names_no_day_that_is_off() {
    for &(received, new, is_open) in NEW_DATES {
        let row = format!("received {received}, new date {new}");
        let mut office = ward(received);
        office.is_handed(DAYS, &[]);
        match office.asks(&leader(1), &apology(new)) {
            Ok(_) => assert!(is_open, "{row}"),
            Err(Error::Invalid(violations)) => {
                assert!(!is_open, "{row}: {violations:?}");
                assert_eq!(violations[0].field, "due_at", "{row}");
            }
            Err(other) => panic!("{row}: {other:?}"),
        }
    }
}
