//! Several limits in one procedure, and waits for other systems inside one, worked through on the real days of 2025 and 2026:
//! Tết, the days around 2 September, a day off that is worked in place of another, 24 November, the cut-off to the minute, a
//! reception on a Saturday morning, holds over holidays. Decree 118/2025, art. 17; Civil Code 2015, art. 147 and 148.

use motcua_calendar::Limit;
use motcua_platform::{
    catalog::{self, Catalog},
    error::Error,
    ledger::Decision,
};
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{
        Catalog as ProtoCatalog, Limit as ProtoLimit, OtherLimit, Punctuality, Role, SameDay,
        Session, limit::Kind,
    },
    workflow::v1::step::Kind as StepKind,
};

use super::{
    days,
    external::insurance,
    office::{
        Office, POLICE, WARD, asks_for_supplement, at, catalog, cause, death, definition, leader,
        officer, refused, staff, system, task, words,
    },
};
use crate::domain::{Command, Definition};

/// One working day; or one of the others.
const CONFIRMATION: &str = "1.000001";
/// The same day until 15:00; or three working days.
const MARRIAGE: &str = "1.000003";
const OTHERS: [(&str, Kind); 4] = [
    ("verified", Kind::WorkingDayHalves(6)),
    ("half", Kind::WorkingDayHalves(3)),
    ("heard", Kind::CalendarDays(10)),
    ("hours", Kind::WorkingHours(12)),
];

/// A catalog of the real days, in which Saturday mornings are for receiving these fields; all of them where none is named.
pub(super) fn real_days(fields: &[&str]) -> ProtoCatalog {
    let mut catalog = catalog();
    "real".clone_into(&mut catalog.id);
    catalog.calendars[0].days = days::days();
    catalog.calendars[0].sessions.push(Session {
        weekday: 6,
        from_minute: 420,
        to_minute: 690,
        reception_only: true,
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
    });
    catalog
}

/// A ward on real days, which receives on Saturday mornings too, and has just been handed a dossier.
fn received(procedure: &str, when: &str) -> Office {
    received_in(&[], procedure, when)
}

/// The same ward, whose Saturday mornings are for these fields; for all of them where none is named.
fn received_in(fields: &[&str], procedure: &str, when: &str) -> Office {
    let mut office = Office::open();
    let mut catalog = real_days(fields);
    let others = || {
        let other = |(id, kind): (&str, Kind)| OtherLimit {
            id: id.to_owned(),
            limit: Some(ProtoLimit { kind: Some(kind) }),
        };
        OTHERS.map(other).to_vec()
    };
    for (code, limit) in [
        (CONFIRMATION, Kind::WorkingDayHalves(2)),
        (MARRIAGE, Kind::SameDay(SameDay { cutoff_minute: 900 })),
        ("1.000002", Kind::WorkingDayHalves(10)),
    ] {
        let procedure = catalog.procedures.iter_mut().find(|it| it.code == code);
        let procedure = procedure.unwrap();
        procedure.limit = Some(ProtoLimit { kind: Some(limit) });
        procedure.other_limits = others();
        // Somebody's Saturday, where it is not theirs.
        if code == "1.000002" {
            "Cư trú".clone_into(&mut procedure.field);
        }
    }
    office
        .surround
        .catalogs
        .remember(Catalog::parse(&catalog).unwrap(), true);
    office.now = at(when);
    office.is_handed(procedure, &[]);
    office
}

fn choose(limit: &str) -> Command {
    Command::ChooseLimit {
        branch: String::new(),
        limit: limit.to_owned(),
        reason: words(),
    }
}

#[test]
fn each_limit_of_a_procedure_runs_from_the_reception_over_the_days_as_they_are() {
    #[rustfmt::skip]
    let examples = [
        // Before Tết 2026: 16 to 20 February are off, and 14, 15, 21, 22 are weekends.
        (CONFIRMATION, "2026-02-13T10:00", "2026-02-23T17:00", "verified", "2026-02-25T17:00"),
        (CONFIRMATION, "2026-02-13T10:00", "2026-02-23T17:00", "heard",    "2026-02-23T17:00"),
        // Half a day is counted in hours: five of the twelve are left of Friday.
        (CONFIRMATION, "2026-02-13T10:00", "2026-02-23T17:00", "half",     "2026-02-23T16:00"),
        (CONFIRMATION, "2026-02-13T10:00", "2026-02-23T17:00", "hours",    "2026-02-23T16:00"),
        // The last day of ten, 22 February, is a Sunday: the end of the next working day.
        (CONFIRMATION, "2026-02-12T10:00", "2026-02-13T17:00", "heard",    "2026-02-23T17:00"),
        // 2 September 2025: Monday and Tuesday are off.
        (CONFIRMATION, "2025-08-28T10:00", "2025-08-29T17:00", "verified", "2025-09-04T17:00"),
        (CONFIRMATION, "2025-08-29T16:59", "2025-09-03T17:00", "verified", "2025-09-05T17:00"),
        // 2 September 2026: Monday to Wednesday are off, and Saturday 22 August is worked for that Monday.
        (CONFIRMATION, "2026-08-20T10:00", "2026-08-21T17:00", "verified", "2026-08-24T17:00"),
        (CONFIRMATION, "2026-08-21T10:00", "2026-08-22T17:00", "verified", "2026-08-25T17:00"),
        (CONFIRMATION, "2026-08-28T10:00", "2026-09-03T17:00", "verified", "2026-09-07T17:00"),
        // 24 November 2026 is a day off.
        (CONFIRMATION, "2026-11-23T10:00", "2026-11-25T17:00", "verified", "2026-11-27T17:00"),
        // The cut-off is one of the first limit alone; it is 15:00 to the minute.
        (MARRIAGE,     "2026-02-13T15:00", "2026-02-13T17:00", "verified", "2026-02-25T17:00"),
        (MARRIAGE,     "2026-02-13T15:01", "2026-02-23T17:00", "verified", "2026-02-25T17:00"),
        (MARRIAGE,     "2026-11-23T15:01", "2026-11-25T17:00", "verified", "2026-11-27T17:00"),
        // Saturday morning is for reception, and no day that counts.
        (CONFIRMATION, "2025-07-05T08:30", "2025-07-07T17:00", "verified", "2025-07-09T17:00"),
        (CONFIRMATION, "2025-07-05T08:30", "2025-07-07T17:00", "hours",    "2025-07-08T11:00"),
    ];
    for (procedure, when, first, limit, due) in examples {
        let mut office = received(procedure, when);
        let what = format!("{procedure} at {when}, {limit}");
        assert_eq!(office.case().due.at, at(first), "{what}");
        office.asks(&officer(1), &choose(limit)).unwrap();
        let case = office.case();
        assert_eq!(
            motcua_calendar::local(case.due.at).to_string(),
            motcua_calendar::local(at(due)).to_string(),
            "{what}"
        );
        assert_eq!(case.first_due, case.due, "{what}: it judges");
        assert_eq!(case.chosen_limit, limit);
        assert_eq!(office.replayed().as_ref(), Some(office.case()));
    }
}

#[test]
fn a_hold_moves_the_limit_that_was_chosen() {
    // Three working days from Thursday 12 February: 13, 23, 24. Asked on the 13th, provided on the 23rd: one working day.
    for choose_first in [true, false] {
        let mut office = received(CONFIRMATION, "2026-02-12T08:00");
        if choose_first {
            office.asks(&officer(1), &choose("verified")).unwrap();
        }
        office.now = at("2026-02-13T09:00");
        let ask = asks_for_supplement();
        office.asks(&officer(1), &ask).unwrap();
        let while_held = refused(office.asks(&officer(1), &choose("verified")));
        assert_eq!(while_held.state, "HELD");
        office.now = at("2026-02-23T10:00");
        office.reacts(Command::Resume {
            at: office.now,
            cause: cause(),
        });
        if !choose_first {
            assert_eq!(office.case().due.at, at("2026-02-23T17:00"));
            office.asks(&officer(1), &choose("verified")).unwrap();
        }
        assert_eq!(office.case().due.at, at("2026-02-25T17:00"));
        assert_eq!(office.replayed().as_ref(), Some(office.case()));
    }
}

/// Asked on Friday the 4th, provided on Saturday morning: received then, or where that session is for other fields, on Monday.
#[test]
fn what_comes_back_in_a_session_for_other_fields_is_there_on_the_next_working_day() {
    for (fields, due) in [
        (&["Cư trú"][..], "2025-07-09T17:00"),
        (&["Cư trú", "Hộ tịch"], "2025-07-08T17:00"),
        (&[], "2025-07-08T17:00"),
    ] {
        let mut office = received_in(fields, CONFIRMATION, "2025-07-03T09:00");
        office.asks(&officer(1), &choose("verified")).unwrap();
        assert_eq!(office.case().due.at, at("2025-07-08T17:00"));
        office.now = at("2025-07-04T09:00");
        let ask = asks_for_supplement();
        office.asks(&officer(1), &ask).unwrap();
        office.now = at("2025-07-05T08:00");
        office.reacts(Command::Resume {
            at: office.now,
            cause: cause(),
        });
        assert_eq!(office.case().due.at, at(due), "{fields:?}");
    }
}

#[test]
fn what_the_limit_has_more_is_for_what_waits() {
    // Three hours from 08:50 are over at 13:50 on Friday; the limit moves from Monday after Tết to Wednesday, by two working days.
    let mut office = received(CONFIRMATION, "2026-02-13T08:50");
    assert_eq!(office.case().tasks[0].due_at, at("2026-02-13T13:50"));
    office.now = at("2026-02-13T10:00");
    office.asks(&officer(1), &choose("verified")).unwrap();
    let task = &office.case().tasks[0];
    assert_eq!(task.planned_minutes, 180 + 960);
    // 70 minutes were used; 1070 are left: 300 on Friday, 480 on Monday, 290 on Tuesday.
    assert_eq!(task.due_at, at("2026-02-24T13:50"));
    office.now = at("2026-02-24T10:00");
    office.completes("appraise", "done");
    // What comes after it has the time that it was given.
    assert_eq!(office.case().tasks[1].planned_minutes, 120);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn what_is_ready_within_the_limit_that_was_chosen_is_on_time() {
    let mut office = received(MARRIAGE, "2025-07-01T09:00");
    office.asks(&officer(1), &choose("verified")).unwrap();
    let Payload::LimitChosen(chosen) = office.last() else {
        panic!("must be chosen")
    };
    assert_eq!(chosen.limit_id, "verified");
    assert_eq!(
        chosen.limit.as_ref().and_then(catalog::limit),
        Some(Limit::working_days(3))
    );
    // It is told again that the due comes near, of the new one: a working day before it.
    office.now = at("2025-07-03T17:00");
    assert_eq!(office.reacts(Command::Tick), [K::CaseDueSoon]);
    office.now = at("2025-07-04T16:00");
    while !office.case().is_ended() {
        let (id, step) = {
            let (id, task) = office.case().waiting().next().unwrap();
            (id, task.step.clone())
        };
        let outcome = office.outcomes(&id).remove(0);
        office.completes(&step, &outcome);
    }
    assert_eq!(office.case().punctuality, Punctuality::OnTime);
}

#[test]
fn another_limit_is_chosen_once_in_time_and_for_a_reason_that_the_catalog_knows() {
    let mut office = received(CONFIRMATION, "2025-07-01T09:00");
    let Err(Error::Invalid(violations)) = office.asks(&officer(1), &choose("forever")) else {
        panic!("there is no such limit")
    };
    assert_eq!(violations[0].field, "limit");
    assert!(
        violations[0]
            .description
            .contains("verified, half, heard, hours")
    );
    office.asks(&officer(1), &choose("heard")).unwrap();
    let again = refused(office.asks(&officer(1), &choose("verified")));
    assert!(again.message.contains("once"), "{again:?}");

    let mut office = received(CONFIRMATION, "2025-07-01T09:00");
    let extend = Command::ExtendDeadline {
        due_at: at("2025-07-08T10:00"),
        reason: words(),
    };
    office.asks(&leader(1), &extend).unwrap();
    let promised = refused(office.asks(&officer(1), &choose("verified")));
    assert!(promised.message.contains("promised"), "{promised:?}");

    // To the last minute of the due day, and not after it.
    let mut office = received(CONFIRMATION, "2025-07-01T09:00");
    office.now = at("2025-07-03T00:00");
    let late = refused(office.asks(&officer(1), &choose("verified")));
    assert!(late.message.contains("has passed"), "{late:?}");
    office.now = at("2025-07-02T23:59");
    office.asks(&officer(1), &choose("verified")).unwrap();

    // One that has passed already is none.
    let mut office = received("1.000002", "2025-07-01T09:00");
    office.now = at("2025-07-04T09:00");
    let Err(Error::Invalid(violations)) = office.asks(&officer(1), &choose("half")) else {
        panic!("a day and a half have passed")
    };
    assert!(
        violations[0].description.contains("passed already"),
        "{violations:?}"
    );

    // A procedure that has no other.
    let mut office = Office::accepts("1.000002", &[]);
    let Err(Error::Invalid(violations)) = office.asks(&officer(1), &choose("verified")) else {
        panic!("it has one limit")
    };
    assert!(
        violations[0].description.contains("only the one"),
        "{violations:?}"
    );
}

/// An external wait is a part of the limit, counted in working hours: decree 118/2025, art. 18, with the budgets of the definition.
#[test]
fn what_another_system_is_asked_is_due_after_two_working_days_whatever_lies_between() {
    let mut waits = definition(
        "simple",
        "read",
        vec![
            task("read", Role::Officer, 60, &[("done", "ask")]),
            insurance("ask", "sign"),
            task("sign", Role::Leader, 60, &[("approved", "")]),
        ],
    );
    waits.version = 2;
    for (asked, due) in [
        // From the same hour of one working day to that of the second one after it.
        ("2025-07-01T08:00", "2025-07-03T08:00"),
        ("2025-07-03T15:00", "2025-07-07T15:00"),
        ("2025-08-29T09:00", "2025-09-04T09:00"),
        ("2026-02-13T14:00", "2026-02-24T14:00"),
        // The Saturday is worked in place of the Monday before the holiday.
        ("2026-08-21T09:00", "2026-08-24T09:00"),
        ("2026-08-28T10:30", "2026-09-04T10:30"),
        ("2026-11-23T16:00", "2026-11-26T16:00"),
    ] {
        let mut office = received(CONFIRMATION, asked);
        office
            .surround
            .definitions
            .remember(Definition::parse(&waits).unwrap());
        office.case = None;
        office.events.clear();
        office.is_handed(CONFIRMATION, &[]);
        office.completes("read", "done");
        assert_eq!(office.case().tasks[1].due_at, at(due), "{asked}");
    }
}

#[test]
fn what_another_system_takes_is_inside_the_limit_and_counted_in_working_hours() {
    let mut office = received("1.000002", "2026-02-13T14:00");
    let mut tax = definition(
        "opinions",
        "read",
        vec![
            task("read", Role::Officer, 60, &[("done", "ask")]),
            insurance("ask", "sign"),
            task("sign", Role::Leader, 60, &[("approved", "")]),
        ],
    );
    tax.version = 2;
    office
        .surround
        .definitions
        .remember(Definition::parse(&tax).unwrap());
    office.case = None;
    office.events.clear();
    office.is_handed("1.000002", &[]);
    office.completes("read", "done");
    // Two working days: three hours of Friday, the whole of Monday after Tết, five hours of Tuesday.
    let case = office.case();
    assert_eq!(case.tasks[1].due_at, at("2026-02-24T14:00"));
    // The limit of five working days goes on meanwhile.
    let due = at("2026-02-27T17:00");
    assert_eq!(case.due.at, due);
    office.now = at("2026-02-26T09:00");
    let answer = Command::RecordOutcome {
        task: "t2".into(),
        code: "5".into(),
        reason: None,
    };
    office
        .asks(&system("social-insurance", &["social-insurance"]), &answer)
        .unwrap();
    let case = office.case();
    assert_eq!(case.due.at, due, "whoever is late, the limit is the ward's");
    assert_eq!(case.tasks[1].used_minutes, 180 + 480 + 480 + 480 + 120);
    assert_eq!(office.waiting(), ["t3 sign"]);
}

fn invalid(result: Result<Decision, Error>) -> String {
    let Err(Error::Invalid(violations)) = result else {
        panic!("must be invalid, and is {result:?}")
    };
    format!("{}: {}", violations[0].field, violations[0].description)
}

#[test]
fn a_branch_has_the_limits_of_its_own_procedure_and_its_own_agency_chooses() {
    let mut office = Office::accepts("2.002622", &[]);
    office.completes("register", "registered");
    let of_ward = staff("ward", &[Role::Officer], &[WARD]);
    let of_police = staff("police", &[Role::Officer], &[POLICE]);
    let before = office.case().clone();
    let branch = |branch: &str, limit: &str| Command::ChooseLimit {
        branch: branch.to_owned(),
        limit: limit.to_owned(),
        reason: words(),
    };
    let call = before.sub_cases[0].branch.clone();
    assert_eq!(before.sub_cases[0].due_at, at("2025-07-03T17:00"));

    let told = invalid(office.asks(&of_police, &branch("elsewhere", "verified")));
    assert_eq!(
        told,
        format!("branch: is no branch under way; this case has {call}")
    );
    let told = invalid(office.asks(&of_police, &branch(&call, "heard")));
    assert_eq!(
        told,
        "limit: is no limit of this procedure; it has verified"
    );
    let told = refused(office.asks(&of_ward, &branch(&call, "verified")));
    assert!(
        told.message.contains("another agency works on the branch"),
        "{}",
        told.message
    );

    office.now = at("2025-07-02T09:00");
    office.asks(&of_police, &branch(&call, "verified")).unwrap();
    let after = office.case();
    assert_eq!(after.sub_cases[0].limit, Limit::working_days(5));
    assert_eq!(after.sub_cases[0].chosen_limit, "verified");
    assert_eq!(after.sub_cases[0].due_at, at("2025-07-08T17:00"));
    assert_eq!((after.due, after.first_due), (before.due, before.first_due));
    assert_eq!(after.chosen_limit, "", "the whole keeps its own");
    for ((id, task), (_, earlier)) in after.waiting().zip(before.waiting()) {
        // Three working days more, for what the police do and for nothing else.
        let more = if task.call == call { 3 * 480 } else { 0 };
        assert_eq!(task.planned_minutes, earlier.planned_minutes + more, "{id}");
        assert_eq!(task.due_at > earlier.due_at, more > 0, "{id}");
    }
    assert_eq!(office.replayed().as_ref(), Some(office.case()));

    let told = refused(office.asks(&of_police, &branch(&call, "verified")));
    assert!(told.message.contains("chosen already"), "{}", told.message);
    // The hold moves what was chosen: three working days of waiting.
    let asked = asks_for_supplement();
    office.asks(&officer(1), &asked).unwrap();
    office.now = at("2025-07-07T09:00");
    office.reacts(Command::Resume {
        at: office.now,
        cause: cause(),
    });
    assert_eq!(office.case().sub_cases[0].due_at, at("2025-07-11T17:00"));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn a_branch_whose_limit_has_passed_keeps_it() {
    let mut office = Office::accepts("2.002622", &[]);
    office.completes("register", "registered");
    let call = office.case().sub_cases[0].branch.clone();
    office.now = at("2025-07-04T00:00");
    let choose = Command::ChooseLimit {
        branch: call,
        limit: "verified".into(),
        reason: words(),
    };
    let told = refused(office.asks(&officer(1), &choose));
    assert!(told.message.contains("has passed"), "{}", told.message);
}

#[test]
fn a_bundle_may_give_a_branch_another_limit_than_its_procedure_has() {
    let mut office = Office::open();
    let mut bundle = death();
    let day = |n: i32| ProtoLimit {
        kind: Some(Kind::WorkingDayHalves(2 * n)),
    };
    let call = bundle
        .steps
        .iter_mut()
        .find_map(|step| match &mut step.kind {
            Some(StepKind::Call(call)) if call.procedure == "1.004222" => Some(call),
            _ => None,
        });
    let call = call.unwrap();
    call.limit = Some(day(1));
    call.other_limits = vec![OtherLimit {
        id: "heard".into(),
        limit: Some(day(4)),
    }];
    bundle.version = 2;
    office
        .surround
        .definitions
        .remember(Definition::parse(&bundle).unwrap());
    office.is_handed("2.002622", &[]);
    office.completes("register", "registered");
    let branch = office.case().sub_cases[0].branch.clone();
    assert_eq!(office.case().sub_cases[0].due_at, at("2025-07-02T17:00"));
    let choose = |limit: &str| Command::ChooseLimit {
        branch: branch.clone(),
        limit: limit.into(),
        reason: words(),
    };
    // Its procedure's own do not count here.
    let told = invalid(office.asks(&officer(1), &choose("verified")));
    assert_eq!(told, "limit: is no limit of this procedure; it has heard");
    office.asks(&officer(1), &choose("heard")).unwrap();
    assert_eq!(office.case().sub_cases[0].due_at, at("2025-07-07T17:00"));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn limits_of_a_call_are_checked_with_the_definition() {
    let with = |limit: Option<ProtoLimit>, others: Vec<OtherLimit>| {
        let mut bundle = death();
        for step in &mut bundle.steps {
            if let Some(StepKind::Call(call)) = &mut step.kind
                && call.procedure == "1.004222"
            {
                call.limit.clone_from(&limit);
                call.other_limits.clone_from(&others);
            }
        }
        let violations = Definition::parse(&bundle).unwrap_err();
        let told: Vec<_> = violations.iter().map(|it| it.field.clone()).collect();
        told.join(" ")
    };
    let days = |n: i32| ProtoLimit {
        kind: Some(Kind::CalendarDays(n)),
    };
    let other = |id: &str, limit: ProtoLimit| OtherLimit {
        id: id.into(),
        limit: Some(limit),
    };
    for (limit, others, field) in [
        (Some(days(0)), vec![], "call.limit"),
        (None, vec![other("heard", days(3))], "call.other_limits"),
        (
            Some(days(3)),
            vec![other("", days(4))],
            "call.other_limits[0].id",
        ),
        (
            Some(days(3)),
            vec![other("a", days(3))],
            "call.other_limits[0].limit",
        ),
    ] {
        let told = with(limit, others);
        assert!(told.ends_with(field), "{told}: {field}");
    }
}
