//! Dues, holds, extensions, timers and the control sheet.

use jiff::civil::date;
use motcua_platform::error::Error;
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{CalendarDay, CalendarDayKind, Punctuality},
    workflow::v1::CaseState,
};

use super::office::{
    CODE, Office, asks_for_supplement, at, cause, death, leader, officer, residence, simple, words,
};
use crate::domain::{Command, Definition, control_sheet};

fn ask_for_supplement(office: &mut Office) {
    let command = asks_for_supplement();
    office.asks(&officer(1), &command).unwrap();
}

fn extend(office: &mut Office, due_at: &str) -> Result<(), Error> {
    office
        .asks(
            &leader(1),
            &Command::ExtendDeadline {
                due_at: at(due_at),
                reason: words(),
            },
        )
        .map(drop)
}

#[test]
fn while_a_supplement_is_awaited_nothing_goes_on() {
    let mut office = Office::accepts("1.000001", &[]);
    ask_for_supplement(&mut office);
    let case = office.case();
    assert_eq!(case.state, CaseState::Held);
    // Seven working days after Tuesday.
    assert_eq!(case.holds[0].due_at, Some(at("2025-07-10T17:00")));
    assert_eq!(case.timer_at(), None);
    for command in [
        Command::Claim { task: "t1".into() },
        Command::Complete {
            reason: None,
            task: "t1".into(),
            outcome: "done".into(),
        },
        Command::Return {
            task: "t1".into(),
            reason: words(),
        },
    ] {
        let Err(Error::Refused(refusal)) = office.asks(&officer(1), &command) else {
            panic!("must be refused")
        };
        assert_eq!(refusal.state, "HELD");
        assert!(refusal.remedy.contains("SupplementDossier"));
    }
}

#[test]
fn a_supplement_moves_every_due_by_what_it_took() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-01T09:00");
    ask_for_supplement(&mut office);
    office.now = at("2025-07-03T14:00");
    assert_eq!(
        office.reacts(Command::Resume {
            at: office.now,
            cause: cause()
        }),
        [K::CaseResumed]
    );
    let case = office.case();
    // Two working days after the asking, up to and including the day of provision: Friday 4 to Tuesday 8.
    assert_eq!(case.due.at, at("2025-07-08T17:00"));
    assert_eq!(case.first_due, case.due);
    // 60 of 180 minutes were used; 120 remain from 14:00.
    assert_eq!(case.tasks[0].due_at, at("2025-07-03T16:00"));
    office.now = at("2025-07-03T15:00");
    office.completes("appraise", "done");
    assert_eq!(office.case().tasks[0].used_minutes, 120);
}

#[test]
fn a_supplement_is_asked_for_once() {
    let mut office = Office::accepts("1.000001", &[]);
    ask_for_supplement(&mut office);
    let again = asks_for_supplement();
    assert!(
        matches!(office.asks(&officer(1), &again), Err(Error::Refused(refusal)) if refusal.message.contains("once"))
    );
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    assert!(
        matches!(office.asks(&officer(1), &again), Err(Error::Refused(refusal)) if refusal.message.contains("once"))
    );
}

#[test]
fn the_dues_of_branches_at_other_agencies_move_too() {
    let mut office = Office::accepts("2.002622", &[]);
    office.completes("register", "registered");
    ask_for_supplement(&mut office);
    office.now = at("2025-07-02T08:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    // Two working days after 1 July was 3 July; the hold took 2 July.
    assert_eq!(office.case().sub_cases[0].due_at, at("2025-07-04T17:00"));
}

#[test]
fn an_apology_sets_a_new_date_but_does_not_make_it_on_time() {
    let mut office = Office::accepts("1.000001", &[]);
    extend(&mut office, "2025-07-08T10:00").unwrap();
    assert_eq!(office.case().due.at, at("2025-07-08T10:00"));
    assert_eq!(office.case().first_due.at, at("2025-07-04T17:00"));
    // One working day before Tuesday 10:00.
    office.now = at("2025-07-07T10:00");
    assert_eq!(office.reacts(Command::Tick), [K::CaseDueSoon]);
    assert_eq!(
        office.reacts(Command::Tick),
        [],
        "it waits for the new date"
    );
    office.completes("appraise", "done");
    office.completes("sign", "approved");
    let Payload::CaseFinished(finished) = office.last() else {
        panic!("must be finished")
    };
    assert!(finished.apologised);
    assert_eq!(finished.punctuality(), Punctuality::Overdue);
}

#[test]
fn an_apology_comes_once_before_the_limit_passes_and_names_an_open_hour_after_it() {
    let mut office = Office::accepts("1.000001", &[]);
    for bad in [
        "2025-07-04T17:00",
        "2025-07-04T10:00",
        "2025-07-05T10:00",
        "2025-07-07T12:00",
    ] {
        assert!(
            matches!(extend(&mut office, bad), Err(Error::Invalid(_))),
            "{bad}"
        );
    }
    office.now = at("2025-07-04T23:59");
    extend(&mut office, "2025-07-07T10:00").unwrap();
    assert!(
        matches!(
            extend(&mut office, "2025-07-08T10:00"),
            Err(Error::Refused(_))
        ),
        "a second time"
    );

    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-05T00:00");
    let Err(Error::Refused(refusal)) = extend(&mut office, "2025-07-07T10:00") else {
        panic!("too late")
    };
    assert!(refusal.message.contains("comes before"));
}

#[test]
fn a_hold_moves_the_promised_date_by_its_working_time() {
    let mut office = Office::accepts("1.000001", &[]);
    extend(&mut office, "2025-07-08T10:00").unwrap();
    ask_for_supplement(&mut office);
    office.now = at("2025-07-02T08:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    assert_eq!(office.case().due.at, at("2025-07-09T10:00"));
    assert_eq!(office.case().first_due.at, at("2025-07-07T17:00"));
}

#[test]
fn on_the_due_day_is_on_time_and_before_it_is_early() {
    for (finished, punctuality) in [
        ("2025-07-03T17:00", Punctuality::Early),
        ("2025-07-04T07:00", Punctuality::OnTime),
        ("2025-07-04T23:59", Punctuality::OnTime),
        ("2025-07-05T00:00", Punctuality::Overdue),
    ] {
        let mut office = Office::accepts("1.000001", &[]);
        office.completes("appraise", "done");
        office.now = at(finished);
        office.completes("sign", "approved");
        assert_eq!(office.case().punctuality, punctuality, "{finished}");
    }
}

#[test]
fn it_is_told_once_that_the_due_comes_near_and_once_that_it_has_passed() {
    let mut office = Office::accepts("1.000001", &[]);
    // One working day before Friday 17:00 is Thursday 17:00, when exactly its minutes are left.
    assert_eq!(office.case().timer_at(), Some(at("2025-07-03T17:00")));
    assert_eq!(office.reacts(Command::Tick), []);
    office.now = at("2025-07-03T17:00");
    assert_eq!(office.reacts(Command::Tick), [K::CaseDueSoon]);
    assert_eq!(office.reacts(Command::Tick), []);
    assert_eq!(office.case().timer_at(), Some(at("2025-07-05T00:00")));
    office.now = at("2025-07-05T00:00");
    assert_eq!(office.reacts(Command::Tick), [K::CaseOverdue]);
    assert_eq!(office.case().timer_at(), None);
    assert!(office.case().overdue);
}

#[test]
fn when_the_due_moves_it_is_told_again_that_it_comes_near() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-03T17:00");
    assert_eq!(office.reacts(Command::Tick), [K::CaseDueSoon]);
    extend(&mut office, "2025-07-08T10:00").unwrap();
    assert_eq!(office.case().timer_at(), Some(at("2025-07-07T10:00")));
    office.now = at("2025-07-07T10:00");
    assert_eq!(office.reacts(Command::Tick), [K::CaseDueSoon]);
}

#[test]
fn a_hold_after_the_reminder_has_it_told_again() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-03T17:00");
    assert_eq!(office.reacts(Command::Tick), [K::CaseDueSoon]);
    ask_for_supplement(&mut office);
    office.now = at("2025-07-07T08:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    let case = office.case();
    let reminder = case.due_soon_at.unwrap();
    assert_eq!(case.timer_at(), Some(reminder));
    office.now = reminder;
    assert_eq!(office.reacts(Command::Tick), [K::CaseDueSoon]);
    assert_eq!(
        office.case().timer_at(),
        Some(office.case().due.judged_until)
    );
}

#[test]
fn a_case_that_cannot_begin_is_overdue_all_the_same_and_that_is_told_once() {
    let mut office = Office::empty();
    let receipt = Box::new(office.receipt("2.002622", &[]));
    office.reacts(Command::Start {
        receipt,
        cause: cause(),
    });
    assert_eq!(office.case().timer_at(), Some(at("2025-07-09T00:00")));
    office.now = at("2025-07-09T00:00");
    assert_eq!(office.reacts(Command::Tick), [K::CaseOverdue]);
    assert_eq!(office.case().state, CaseState::Blocked);
    assert_eq!(office.case().timer_at(), None);
    // It waits for another definition now, and then for none: it is as overdue as before.
    for (definition, first) in [
        (death(), K::CaseBlocked),
        (residence(), K::CaseBlocked),
        (simple(), K::CaseStarted),
    ] {
        let definition = Definition::parse(&definition).unwrap();
        office.surround.definitions.remember(definition);
        let happened = office.reacts(Command::Retry);
        assert!(happened.is_empty() || happened[0] == first, "{happened:?}");
        assert!(office.case().overdue);
        assert_eq!(office.case().timer_at(), None);
    }
    assert_eq!(office.case().state, CaseState::Running);
    assert_eq!(office.reacts(Command::Tick), []);
}

#[test]
fn a_same_day_case_is_told_two_hours_before_and_not_at_all_when_fewer_are_left() {
    let office = Office::accepts("1.000003", &[]);
    assert_eq!(office.case().due_soon_at, Some(at("2025-07-01T15:00")));
    let mut office = Office::open();
    office.now = at("2025-07-01T15:00");
    let receipt = Box::new(office.receipt("1.000003", &[]));
    office.reacts(Command::Start {
        receipt,
        cause: cause(),
    });
    assert_eq!(office.case().due_soon_at, None);
    assert_eq!(office.case().timer_at(), Some(at("2025-07-02T00:00")));
}

#[test]
fn the_control_sheet_says_who_had_it_and_how_long() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-01T08:10");
    office
        .asks(&officer(1), &Command::Claim { task: "t1".into() })
        .unwrap();
    office.now = at("2025-07-01T10:00");
    office.completes("appraise", "done");
    office.now = at("2025-07-01T11:00");
    ask_for_supplement(&mut office);
    office.now = at("2025-07-02T09:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    let sheet = control_sheet(
        CODE,
        office.case(),
        at("2025-07-02T09:30"),
        &office.surround,
    )
    .unwrap();
    let [first, second] = &sheet.lines[..] else {
        panic!("two tasks")
    };
    assert_eq!(
        (
            first.title.as_str(),
            first.used_minutes,
            first.planned_minutes
        ),
        ("Bước appraise", 120, 180)
    );
    assert_eq!(
        first.received_at,
        Some(motcua_platform::time::to_proto(at("2025-07-01T08:10")))
    );
    assert_eq!(first.punctuality(), Punctuality::Early);
    assert_eq!(first.note, "done");
    assert_eq!((second.used_minutes, second.assignee.as_str()), (90, ""));
    assert_eq!(second.punctuality(), Punctuality::Unspecified);
    assert_eq!(sheet.used_minutes, 210);
    // From Tuesday 08:00 to Monday 17:00, where the hold moved the due, without the 6 hours that it took.
    assert_eq!(sheet.allowed_minutes, 420 + 4 * 480 - 360);
}

#[test]
fn the_control_sheet_has_a_line_for_each_who_had_a_task_and_what_was_left_of_its_budget() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-01T08:10");
    office
        .asks(&officer(1), &Command::Claim { task: "t1".into() })
        .unwrap();
    office.now = at("2025-07-01T09:00");
    let colleague = officer(2).actor().id.clone();
    let reassign = Command::Reassign {
        task: "t1".into(),
        to: colleague.clone(),
    };
    office.asks(&leader(1), &reassign).unwrap();
    office.now = at("2025-07-01T10:30");
    let done = Command::Complete {
        task: "t1".into(),
        outcome: "done".into(),
        reason: None,
    };
    office.asks(&officer(2), &done).unwrap();
    let sheet = control_sheet(CODE, office.case(), office.now, &office.surround).unwrap();
    let givers = sheet.lines.iter().map(|line| line.handed_over_by.as_str());
    let first = officer(1).actor().id.clone();
    assert_eq!(givers.collect::<Vec<_>>(), ["", &first, &colleague]);
    // Who gives the work back hands it over, and not who had the step before that one.
    let mut back = office.clone();
    let command = Command::Return {
        task: "t2".into(),
        reason: super::office::words(),
    };
    back.asks(&leader(1), &command).unwrap();
    let again = control_sheet(CODE, back.case(), back.now, &back.surround).unwrap();
    let boss = leader(1).actor().id.clone();
    assert_eq!(again.lines[3].handed_over_by, boss);
    let lines: Vec<_> = sheet
        .lines
        .iter()
        .map(|line| {
            let when = [line.handed_over_at, line.received_at, line.ended_at];
            (
                line.assignee.as_str(),
                when,
                [line.planned_minutes, line.used_minutes],
                line.note.as_str(),
            )
        })
        .collect();
    let when = |times: [&str; 3]| times.map(|time| Some(motcua_platform::time::to_proto(at(time))));
    let first = officer(1).actor().id.clone();
    assert_eq!(
        lines[..2],
        [
            (
                first.as_str(),
                when(["2025-07-01T08:00", "2025-07-01T08:10", "2025-07-01T09:00"]),
                [180, 60],
                "passed_on"
            ),
            (
                colleague.as_str(),
                when(["2025-07-01T09:00", "2025-07-01T09:00", "2025-07-01T10:30"]),
                [120, 90],
                "done"
            ),
        ]
    );
    assert_eq!(sheet.lines[1].punctuality(), Punctuality::Early);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

/// The catalog with days that are off, applied in its turn.
pub(super) fn with_days_off(office: &Office, id: &str, days: &[&str]) {
    let mut catalog = super::office::catalog();
    id.clone_into(&mut catalog.id);
    catalog.calendars[0].days = days
        .iter()
        .map(|day| {
            let date: jiff::civil::Date = day.parse().unwrap();
            CalendarDay {
                date: Some(motcua_platform::time::date_to_proto(date)),
                kind: CalendarDayKind::Holiday.into(),
                title: "Nghỉ".into(),
            }
        })
        .collect();
    let catalog = motcua_platform::catalog::Catalog::parse(&catalog).unwrap();
    office.surround.catalogs.remember(catalog, true);
}

#[test]
fn a_calendar_that_is_replaced_moves_the_dues_of_open_cases_and_says_so_once() {
    // Three working days from Tuesday: Friday. Thursday becomes a day off.
    let mut office = Office::accepts("1.000001", &[]);
    assert_eq!(office.reacts(Command::Recompute), []);
    with_days_off(&office, "autumn", &["2025-07-03"]);
    assert_eq!(office.reacts(Command::Recompute), [K::DeadlineRecomputed]);
    assert_eq!(office.case().due.at, at("2025-07-07T17:00"));
    assert_eq!(office.case().first_due, office.case().due);
    assert_eq!(office.reacts(Command::Recompute), []);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
    // And back again.
    with_days_off(&office, "winter", &[]);
    assert_eq!(office.reacts(Command::Recompute), [K::DeadlineRecomputed]);
    assert_eq!(office.case().due.at, at("2025-07-04T17:00"));
    // It was to be told that it comes near; it is told again of the new due, and the clock goes by that.
    office.now = office.case().timer_at().unwrap();
    assert_eq!(office.reacts(Command::Tick), [K::CaseDueSoon]);
    with_days_off(&office, "spring", &["2025-07-04"]);
    office.reacts(Command::Recompute);
    assert!(!office.case().due_soon);
    // What has ended stays as it is.
    office.completes("appraise", "done");
    office.completes("sign", "approved");
    with_days_off(&office, "summer-2", &[]);
    assert_eq!(office.reacts(Command::Recompute), []);
}

#[test]
fn a_catalog_that_begins_later_moves_the_dues_on_its_first_day() {
    // Three working days from Tuesday, 1 July: Friday. From Wednesday on, Thursday is a day off.
    let mut office = Office::accepts("1.000001", &[]);
    let mut later = super::office::catalog();
    "from-wednesday".clone_into(&mut later.id);
    later.effective_from = Some(motcua_platform::time::date_to_proto(date(2025, 7, 2)));
    later.calendars[0].days = vec![CalendarDay {
        date: Some(motcua_platform::time::date_to_proto(date(2025, 7, 3))),
        kind: CalendarDayKind::Holiday.into(),
        title: "Nghỉ".into(),
    }];
    let later = motcua_platform::catalog::Catalog::parse(&later).unwrap();
    office.surround.catalogs.remember(later, true);
    office.now = at("2025-07-01T23:59:59");
    assert_eq!(office.reacts(Command::Recompute), []);
    office.now = at("2025-07-02T00:00");
    assert_eq!(office.reacts(Command::Recompute), [K::DeadlineRecomputed]);
    assert_eq!(office.case().due.at, at("2025-07-07T17:00"));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn a_day_off_that_was_not_known_takes_back_that_a_case_is_overdue() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-05T00:00");
    while office.case().timer_at().is_some_and(|at| at <= office.now) {
        office.reacts(Command::Tick);
    }
    assert!(office.case().overdue);
    // Friday and the day before were off: it is due on Tuesday, and told again when that has passed.
    with_days_off(&office, "corrected", &["2025-07-03", "2025-07-04"]);
    assert_eq!(office.reacts(Command::Recompute), [K::DeadlineRecomputed]);
    assert!(!office.case().overdue);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
    office.now = at("2025-07-09T00:00");
    let mut told = Vec::new();
    while office.case().timer_at().is_some_and(|at| at <= office.now) {
        told.extend(office.reacts(Command::Tick));
    }
    assert_eq!(
        told.iter().filter(|kind| **kind == K::CaseOverdue).count(),
        1
    );
}

#[test]
fn budgets_and_branches_move_with_the_calendar() {
    let mut office = Office::accepts("2.002622", &["funeral_costs"]);
    office.completes("register", "registered");
    office.now = at("2025-07-01T16:00");
    let before = office.case().clone();
    // The branch of the police is due on Thursday, its task of four hours on Tuesday at once.
    with_days_off(&office, "autumn", &["2025-07-02"]);
    office.reacts(Command::Recompute);
    let after = office.case();
    for (before, after) in before.sub_cases.iter().zip(&after.sub_cases) {
        assert!(after.due_at > before.due_at);
    }
    assert_eq!(office.reacts(Command::Recompute), []);
}

#[test]
fn what_is_asked_on_the_promised_day_after_its_hour_moves_the_promise() {
    let mut office = Office::accepts("1.000001", &[]);
    office.now = at("2025-07-04T09:00");
    extend(&mut office, "2025-07-08T10:00").unwrap();
    office.now = at("2025-07-08T14:00");
    ask_for_supplement(&mut office);
    office.now = at("2025-07-10T09:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    let due = office.case().due;
    assert_eq!(due.at, at("2025-07-10T09:00"));
    assert_eq!(due.judged_until, at("2025-07-11T00:00"));
    assert_eq!(office.reacts(Command::Tick), []);
    assert!(!office.case().overdue);
}

#[test]
fn a_promise_is_kept_although_the_calendar_changes_and_a_hold_goes_by_the_new_one() {
    let mut office = Office::accepts("1.000001", &[]);
    let extend = Command::ExtendDeadline {
        due_at: at("2025-07-10T16:00"),
        reason: words(),
    };
    office.asks(&leader(1), &extend).unwrap();
    with_days_off(&office, "autumn", &["2025-07-03"]);
    office.reacts(Command::Recompute);
    assert_eq!(office.case().due.at, at("2025-07-10T16:00"));
    assert_eq!(office.case().first_due.at, at("2025-07-07T17:00"));

    let mut held = Office::accepts("1.000001", &[]);
    let ask = asks_for_supplement();
    held.asks(&officer(1), &ask).unwrap();
    with_days_off(&held, "autumn", &["2025-07-03"]);
    assert_eq!(held.reacts(Command::Recompute), [K::DeadlineRecomputed]);
    assert_eq!(held.case().state, CaseState::Held);
    held.now = at("2025-07-02T08:00");
    let now = held.now;
    held.reacts(Command::Resume {
        at: now,
        cause: cause(),
    });
    // A day for the asking, a day off.
    assert_eq!(held.case().due.at, at("2025-07-08T17:00"));
    assert_eq!(held.replayed().as_ref(), Some(held.case()));
}

#[test]
fn a_case_that_cannot_begin_is_reckoned_anew_like_any_other() {
    let mut office = Office::empty();
    office.is_handed("1.000001", &[]);
    assert_eq!(office.case().due.at, at("2025-07-04T17:00"));
    with_days_off(&office, "autumn", &["2025-07-03"]);
    assert_eq!(office.reacts(Command::Recompute), [K::DeadlineRecomputed]);
    assert_eq!(office.case().state, CaseState::Blocked);
    assert_eq!(office.case().due.at, at("2025-07-07T17:00"));
    assert_eq!(office.case().first_due, office.case().due);
    // It is overdue by that one, and not before.
    assert_eq!(office.case().timer_at(), Some(at("2025-07-08T00:00")));
    assert_eq!(office.reacts(Command::Recompute), []);
    // Begun, it has the same due; what the receipt said does not come back.
    office.publish();
    assert_eq!(
        office.reacts(Command::Retry),
        [K::CaseStarted, K::TaskOpened]
    );
    assert_eq!(office.case().due.at, at("2025-07-07T17:00"));
    assert_eq!(office.reacts(Command::Recompute), []);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn what_cannot_begin_for_want_of_its_catalog_keeps_the_due_of_its_receipt() {
    let mut office = Office::open();
    let mut receipt = office.receipt("1.000001", &[]);
    receipt.catalog = "unknown".into();
    office.reacts(Command::Start {
        receipt: Box::new(receipt),
        cause: cause(),
    });
    with_days_off(&office, "autumn", &["2025-07-03"]);
    assert_eq!(office.reacts(Command::Recompute), []);
    assert_eq!(office.case().due.at, at("2025-07-04T17:00"));
}

#[test]
fn what_was_received_under_an_older_catalog_begins_with_the_due_by_the_calendars_in_force() {
    let older = Office::open();
    let receipt = older.receipt("1.000001", &[]);
    for (days_off, due, told) in [
        (
            &["2025-07-03"][..],
            "2025-07-07T17:00",
            &[K::CaseStarted, K::DeadlineRecomputed, K::TaskOpened][..],
        ),
        // A day off that is none of its days changes nothing, and nothing is said.
        (
            &["2025-08-01"][..],
            "2025-07-04T17:00",
            &[K::CaseStarted, K::TaskOpened][..],
        ),
    ] {
        let mut office = older.clone();
        // Each has its own catalogs: what is remembered by one is not there for the other.
        office.surround = Office::open().surround;
        with_days_off(&office, "autumn", days_off);
        let receipt = Box::new(receipt.clone());
        let cause = cause();
        assert_eq!(office.reacts(Command::Start { receipt, cause }), told);
        let case = office.case();
        assert_eq!(case.catalog, "summer");
        assert_eq!(case.due.at, at(due), "{days_off:?}");
        assert_eq!(case.first_due, case.due);
        assert!(case.due_soon_at.is_some_and(|soon| soon < case.due.at));
        assert_eq!(office.reacts(Command::Recompute), []);
        assert_eq!(office.replayed().as_ref(), office.case.as_ref());
    }
}

#[test]
fn what_was_received_under_the_catalog_in_force_keeps_the_due_of_its_receipt() {
    let mut office = Office::open();
    let mut receipt = office.receipt("1.000001", &[]);
    receipt.due.at = at("2025-07-09T10:56");
    office.reacts(Command::Start {
        receipt: Box::new(receipt),
        cause: cause(),
    });
    assert_eq!(office.case().due.at, at("2025-07-09T10:56"));
}
