//! What is awaited before the limit and beside it: the answer to a submission, a supplement, a way to another agency. One table of
//! each, to be read beside its article, on the days on which it is easily got wrong; they are the catalog's that comes with the
//! software.

use jiff::SignedDuration;

use super::*;

/// Decree 118/2025: a submission is answered within eight working hours, and a supplement to it likewise.
const ANSWER: &str = "decree 118/2025, art. 17";
/// Decree 118/2025: what is missing is handed in within the days that the form says.
const SUPPLEMENT: &str = "decree 118/2025, art. 17";
/// Decree 118/2025: transferred on the day of reception, or the first thing on the next working day.
const TRANSFER: &str = "decree 118/2025, art. 18";
/// Civil Code 2015: the day of the event that begins a time limit is left out.
const FIRST_DAY: &str = "Civil Code 2015, art. 147(2)";
/// Labour Code 2019: days off, and days that are worked in place of them.
const DAYS_OFF: &str = "Labour Code 2019, art. 112";

/// Article, beginning, end.
type Row = (&'static str, &'static str, &'static str);
/// Article, asked, reminded, due.
type Asking = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const ANSWERS: &[Row] = &[
    // Tết 2026: 16 to 20 February, between two weekends. A hundred minutes of Friday, the rest of Monday.
    (DAYS_OFF, "2026-02-13T15:20:00", "2026-02-23T15:20:00"),
    (DAYS_OFF, "2026-02-17T10:00:00", "2026-02-23T17:00:00"),
    // 2 September 2025: Monday and Tuesday. No cut-off shortens the wait, and a minute is a whole one.
    (ANSWER,   "2025-08-29T15:00:00", "2025-09-03T15:00:00"),
    (ANSWER,   "2025-08-29T15:00:59", "2025-09-03T15:00:00"),
    (ANSWER,   "2025-08-29T15:01:00", "2025-09-03T15:01:00"),
    // On a Friday evening: nobody is there until the next working day.
    (ANSWER,   "2025-08-29T20:30:00", "2025-09-03T17:00:00"),
    (ANSWER,   "2025-07-04T20:30:00", "2025-07-07T17:00:00"),
    // Saturday 22 August 2026 is worked for the Monday before 2 September, which is off with the two days after it.
    (DAYS_OFF, "2026-08-21T19:00:00", "2026-08-22T17:00:00"),
    (DAYS_OFF, "2026-08-22T15:00:00", "2026-08-24T15:00:00"),
    (DAYS_OFF, "2026-08-28T16:30:00", "2026-09-03T16:30:00"),
    // 24 November 2026, a Tuesday.
    (ANSWER,   "2026-11-23T07:00:00", "2026-11-23T17:00:00"),
    (DAYS_OFF, "2026-11-23T12:00:00", "2026-11-25T11:30:00"),
    (DAYS_OFF, "2026-11-24T09:00:00", "2026-11-25T17:00:00"),
];

/// A Saturday morning on which the counter receives has no working hour.
#[rustfmt::skip]
const ANSWERS_ON_SATURDAY: &[Row] = &[
    (ANSWER,   "2025-07-05T08:00:00", "2025-07-07T17:00:00"),
    (ANSWER,   "2025-07-04T16:00:00", "2025-07-07T16:00:00"),
    (DAYS_OFF, "2026-02-14T10:59:00", "2026-02-23T17:00:00"),
];

#[rustfmt::skip]
const SUPPLEMENTS: &[Asking] = &[
    // Seven working days, and reminded two of them before.
    (SUPPLEMENT, "2025-07-01T08:00:00", "2025-07-08T17:00:00", "2025-07-10T17:00:00"),
    // On a Friday evening: that day is left out, and no other.
    (FIRST_DAY,  "2025-07-04T20:00:00", "2025-07-11T17:00:00", "2025-07-15T17:00:00"),
    // Tết 2026.
    (DAYS_OFF,   "2026-02-06T09:00:00", "2026-02-13T17:00:00", "2026-02-24T17:00:00"),
    (DAYS_OFF,   "2026-02-13T15:20:00", "2026-02-27T17:00:00", "2026-03-03T17:00:00"),
    // 2 September 2025.
    (DAYS_OFF,   "2025-08-25T09:00:00", "2025-09-03T17:00:00", "2025-09-05T17:00:00"),
    // The worked Saturday of August 2026 is one of the seven; the Monday in place of it is none.
    (DAYS_OFF,   "2026-08-20T16:59:00", "2026-08-26T17:00:00", "2026-08-28T17:00:00"),
    (DAYS_OFF,   "2026-08-21T09:00:00", "2026-08-27T17:00:00", "2026-09-03T17:00:00"),
    (DAYS_OFF,   "2026-08-28T09:00:00", "2026-09-09T17:00:00", "2026-09-11T17:00:00"),
    // 24 November 2026; and no cut-off: the day of the asking is left out, however early it is.
    (FIRST_DAY,  "2026-11-16T07:00:00", "2026-11-23T17:00:00", "2026-11-26T17:00:00"),
    (FIRST_DAY,  "2026-11-16T15:00:00", "2026-11-23T17:00:00", "2026-11-26T17:00:00"),
    (FIRST_DAY,  "2026-11-16T15:01:00", "2026-11-23T17:00:00", "2026-11-26T17:00:00"),
];

/// Asked for on a Saturday morning on which the counter receives: the first of the days is Monday.
#[rustfmt::skip]
const SUPPLEMENTS_ON_SATURDAY: &[Asking] = &[
    (FIRST_DAY,  "2025-07-05T08:00:00", "2025-07-11T17:00:00", "2025-07-15T17:00:00"),
    (FIRST_DAY,  "2025-07-04T09:00:00", "2025-07-11T17:00:00", "2025-07-15T17:00:00"),
    (DAYS_OFF,   "2026-02-14T08:00:00", "2026-02-27T17:00:00", "2026-03-03T17:00:00"),
];

#[rustfmt::skip]
const TRANSFERS: &[Row] = &[
    // The cut-off, to the minute, on the last day before Tết 2026.
    (TRANSFER, "2026-02-13T15:00:00", "2026-02-13T17:00:00"),
    (TRANSFER, "2026-02-13T15:00:59", "2026-02-13T17:00:00"),
    (DAYS_OFF, "2026-02-13T15:01:00", "2026-02-23T08:00:00"),
    // In Tết it is received when the counter opens again, and so before that day's cut-off.
    (TRANSFER, "2026-02-17T10:00:00", "2026-02-23T17:00:00"),
    // 2 September 2025; on the Friday evening before it, likewise.
    (DAYS_OFF, "2025-08-29T15:01:00", "2025-09-03T08:00:00"),
    (TRANSFER, "2025-08-29T20:00:00", "2025-09-03T17:00:00"),
    // The worked Saturday of August 2026 is a working day as any other.
    (DAYS_OFF, "2026-08-21T15:01:00", "2026-08-22T08:00:00"),
    (TRANSFER, "2026-08-22T15:00:00", "2026-08-22T17:00:00"),
    (TRANSFER, "2026-08-22T15:01:00", "2026-08-24T08:00:00"),
    (DAYS_OFF, "2026-08-28T16:00:00", "2026-09-03T08:00:00"),
    // 24 November 2026.
    (DAYS_OFF, "2026-11-23T15:01:00", "2026-11-25T08:00:00"),
];

/// Received on a Saturday morning, which is no working day: the first thing on the next one. What was submitted on Friday evening
/// is received in that session.
#[rustfmt::skip]
const TRANSFERS_ON_SATURDAY: &[Row] = &[
    (TRANSFER, "2025-07-05T08:00:00", "2025-07-07T08:00:00"),
    (TRANSFER, "2025-07-04T20:00:00", "2025-07-07T08:00:00"),
    (TRANSFER, "2025-07-05T11:01:00", "2025-07-07T17:00:00"),
    (DAYS_OFF, "2026-02-14T08:00:00", "2026-02-23T08:00:00"),
];

/// The counter on those days. It may receive on Saturday from 07:30 to 11:00.
fn opens(local: &str, on_saturday: bool) -> Counter {
    let mut catalog = proto_catalog();
    let calendar = &mut catalog.calendars[0];
    calendar.days = days::days();
    if on_saturday {
        calendar.sessions.push(Session {
            weekday: 6,
            from_minute: 7 * 60 + 30,
            to_minute: 11 * 60,
            reception_only: true,
            ..Session::default()
        });
    }
    Counter {
        catalog: Arc::new(Catalog::parse(&catalog).unwrap()),
        ..Counter::opens(local)
    }
}

fn all_hold(rows: &[Row], ends: impl Fn(&str) -> Timestamp) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|&(article, begins, expected)| {
            let found = ends(begins);
            (found != at(expected)).then(|| {
                let found = motcua_calendar::local(found);
                format!("{article}: from {begins}: {found} and not {expected}")
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_days_off_of_those_years_are_known() {
    let days = days::days();
    let off = |year, month, day| {
        let date = Some(Date { year, month, day });
        days.iter()
            .find(|it| it.date == date)
            .map(CalendarDay::kind)
    };
    assert_eq!(off(2026, 2, 16), Some(CalendarDayKind::Holiday));
    assert_eq!(off(2026, 8, 22), Some(CalendarDayKind::Working));
    assert_eq!(off(2026, 8, 31), Some(CalendarDayKind::Holiday));
    assert_eq!(off(2026, 11, 24), Some(CalendarDayKind::Holiday));
}

/// By when a submission of that instant is answered.
fn answered(begins: &str, on_saturday: bool) -> Timestamp {
    let submitted =
        opens(begins, on_saturday).does(&submission("1.000656", Channel::Portal, false));
    let due = submitted.dossier().acceptance_due_at;
    assert_eq!(submitted.dossier().timer(), Some(due), "{begins}");
    // What is handed in at that instant is answered as soon.
    let supplemented = submitted
        .does(&ask_supplement())
        .does(&provide_supplement());
    assert_eq!(supplemented.dossier().acceptance_due_at, due, "{begins}");
    due
}

#[test]
fn a_submission_is_answered_within_eight_working_hours_whatever_lies_between() {
    all_hold(ANSWERS, |begins| answered(begins, false));
    all_hold(ANSWERS_ON_SATURDAY, |begins| answered(begins, true));
}

fn supplements_hold(rows: &[Asking], on_saturday: bool) {
    for &(article, begins, reminded, due) in rows {
        let row = format!("{article}: asked {begins}");
        let mut counter = opens(begins, on_saturday)
            .does(&submission("1.000656", Channel::Portal, false))
            .does(&ask_supplement());
        let awaited = counter.dossier().asked.as_ref().unwrap();
        assert_eq!(awaited.due_at, at(due), "{row}: due");
        assert_eq!(awaited.remind_at, Some(at(reminded)), "{row}: reminded");
        counter.now = at(reminded);
        assert!(
            matches!(
                counter.asks(&Command::Tick).unwrap()[..],
                [Payload::SupplementDueSoon(_)]
            ),
            "{row}: reminded"
        );
        // The last day counts whole.
        counter.now = at(&due.replace("17:00:00", "23:59:59"));
        assert_eq!(counter.asks(&Command::Tick).unwrap(), [], "{row}: too soon");
        counter.now = at(due).checked_add(SignedDuration::from_hours(7)).unwrap();
        assert!(
            matches!(
                &counter.asks(&Command::Tick).unwrap()[..],
                [Payload::DossierRefused(refused)] if refused.lapsed
            ),
            "{row}: lapsed"
        );
    }
}

#[test]
fn a_supplement_is_handed_in_within_seven_working_days_whatever_lies_between() {
    supplements_hold(SUPPLEMENTS, false);
    supplements_hold(SUPPLEMENTS_ON_SATURDAY, true);
}

/// By when what is received at that instant for another ward is to be there.
fn transferred(begins: &str, on_saturday: bool) -> Timestamp {
    let Command::Submit(mut elsewhere) = submission("2.002622", Channel::Counter, true) else {
        unreachable!()
    };
    elsewhere.on_behalf_of = "11407".to_owned();
    let counter = opens(begins, on_saturday).does(&Command::Submit(elsewhere));
    let due = counter.dossier().transfer.as_ref().unwrap().due_at;
    // The minute of the due itself is in time.
    let late = due.checked_add(SignedDuration::from_mins(1)).unwrap();
    assert_eq!(counter.dossier().timer(), Some(late), "{begins}");
    due
}

#[test]
fn what_another_ward_decides_is_there_the_same_day_or_first_thing_whatever_lies_between() {
    all_hold(TRANSFERS, |begins| transferred(begins, false));
    all_hold(TRANSFERS_ON_SATURDAY, |begins| transferred(begins, true));
}
