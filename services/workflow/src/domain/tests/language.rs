//! What a definition can say beside tasks, forks and calls: choices, optional steps, timers, other systems, groups, ways
//! back with a bound, escalation, and when it is told that a due comes near.

use motcua_platform::{identity::Principal, ledger::Authority, policy};
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{PriorityGround, Role},
    workflow::v1::{
        CaseState, ChoiceStep, Definition as ProtoDefinition, Step, TaskStep, TimerStep, Way,
        step::Kind, timer_step::Wait,
    },
};

use super::office::{
    Office, ROUNDS, WARD, asks_for_supplement, at, call, cause, definition, fork, join, leader,
    officer, refused, task,
};
use super::time::with_days_off;
use crate::domain::{Command, Definition, Receipt};

pub(super) fn step(id: &str, kind: Kind) -> Step {
    Step {
        id: id.into(),
        kind: Some(kind),
    }
}

fn choice(id: &str, ways: &[(&str, &str)], otherwise: &str) -> Step {
    let ways = ways
        .iter()
        .map(|(when, to)| Way {
            when: (*when).into(),
            to: (*to).into(),
        })
        .collect();
    let otherwise = otherwise.into();
    step(id, Kind::Choice(ChoiceStep { ways, otherwise }))
}

fn timer(id: &str, wait: Wait, to: &str) -> Step {
    let to = to.into();
    let wait = Some(wait);
    step(id, Kind::Timer(TimerStep { to, wait }))
}

/// The same task with something changed.
fn with(mut step: Step, change: impl FnOnce(&mut TaskStep)) -> Step {
    if let Some(Kind::Task(task)) = &mut step.kind {
        change(task);
    }
    step
}

pub(super) fn officers(id: &str, to: &str) -> Step {
    task(id, Role::Officer, 60, &[("done", to)])
}

/// A case under a definition, received on Tuesday, 1 July 2025, at eight.
pub(super) fn under(
    definition: &ProtoDefinition,
    options: &[&str],
    priority: PriorityGround,
) -> Office {
    let mut office = Office::open();
    let parsed = Definition::parse(definition).unwrap_or_else(|faults| panic!("{faults:?}"));
    office.surround.definitions.remember(parsed);
    let receipt = Receipt {
        definition: definition.id.clone(),
        priority,
        ..office.receipt("1.000002", options)
    };
    let receipt = Box::new(receipt);
    office.reacts(Command::Start {
        receipt,
        cause: cause(),
    });
    office
}

pub(super) fn plain(steps: Vec<Step>) -> Office {
    let start = steps[0].id.clone();
    under(
        &definition("d", &start, steps),
        &[],
        PriorityGround::Unspecified,
    )
}

#[test]
fn a_choice_takes_the_first_way_whose_condition_is_true() {
    let chooses = definition(
        "d",
        "appraise",
        vec![
            task(
                "appraise",
                Role::Officer,
                60,
                &[("clear", "choose"), ("doubt", "choose")],
            ),
            choice(
                "choose",
                &[
                    ("outcome.appraise == \"doubt\"", "verify"),
                    (
                        "priority_ground == \"MERIT\" || \"urgent\" in options",
                        "sign",
                    ),
                ],
                "check",
            ),
            officers("verify", "sign"),
            officers("check", "sign"),
            officers("sign", ""),
        ],
    );
    for (options, priority, outcome, then) in [
        (&[][..], PriorityGround::Unspecified, "clear", "check"),
        (
            &["urgent"][..],
            PriorityGround::Unspecified,
            "clear",
            "sign",
        ),
        (&[][..], PriorityGround::Merit, "clear", "sign"),
        (&[][..], PriorityGround::Elderly, "clear", "check"),
        (&["urgent"][..], PriorityGround::Merit, "doubt", "verify"),
    ] {
        let mut office = under(&chooses, options, priority);
        office.completes("appraise", outcome);
        assert_eq!(office.waiting(), [format!("t2 {then}")]);
        // A choice is no step of its own to go back to.
        assert_eq!(office.case().tasks[1].previous, "t1");
    }
}

#[test]
fn a_choice_looks_at_what_a_call_came_to() {
    let mut office = plain(vec![
        officers("register", "residence"),
        call(
            "residence",
            "1.004222",
            motcua_proto::r#type::v1::AgencyKind::Police,
            "choose",
        ),
        choice(
            "choose",
            &[("outcome.residence == \"rejected\"", "explain")],
            "issue",
        ),
        officers("explain", "issue"),
        officers("issue", ""),
    ]);
    office.completes("register", "done");
    let police = super::office::staff("police-1", &[Role::Officer], &[super::office::POLICE]);
    let reject = Command::Complete {
        reason: None,
        task: "t2".into(),
        outcome: "rejected".into(),
    };
    office.asks(&police, &reject).unwrap();
    assert_eq!(office.waiting(), ["t3 explain"]);
}

#[test]
fn a_step_is_left_out_where_its_condition_is_false_and_the_path_goes_on_as_its_outcome() {
    let survey = with(
        task(
            "survey",
            Role::Officer,
            60,
            &[("fits", "sign"), ("fails", "")],
        ),
        |task| {
            task.when = "\"new_building\" in options".into();
            task.left_out_as = "fits".into();
        },
    );
    let steps = definition(
        "d",
        "appraise",
        vec![officers("appraise", "survey"), survey, officers("sign", "")],
    );
    let mut without = under(&steps, &[], PriorityGround::Unspecified);
    without.completes("appraise", "done");
    assert_eq!(without.waiting(), ["t2 sign"]);
    let mut with = under(&steps, &["new_building"], PriorityGround::Unspecified);
    with.completes("appraise", "done");
    assert_eq!(with.waiting(), ["t2 survey"]);
}

#[test]
fn where_the_last_step_is_left_out_the_case_ends_with_the_outcome_that_it_was_left_out_as() {
    let last = with(
        task(
            "visit",
            Role::HomeVisitor,
            60,
            &[("brought", ""), ("failed", "")],
        ),
        |task| {
            task.when = "\"at_home\" in options".into();
            task.left_out_as = "brought".into();
        },
    );
    let mut office = plain(vec![officers("issue", "visit"), last]);
    assert_eq!(
        office.completes("issue", "done"),
        [K::TaskCompleted, K::CaseFinished]
    );
    assert_eq!(office.case().outcome, "brought");
}

#[test]
fn a_way_back_is_refused_once_it_was_taken_as_often_as_it_may_be() {
    let mut office = Office::accepts("1.000001", &[]);
    for _ in 0..ROUNDS {
        office.completes("appraise", "done");
        assert!(
            office
                .outcomes(&office.task("sign"))
                .contains(&"rework".to_owned())
        );
        office.completes("sign", "rework");
    }
    office.completes("appraise", "done");
    let sign = office.task("sign");
    assert_eq!(office.outcomes(&sign), ["approved", "rejected"]);
    let rework = Command::Complete {
        reason: None,
        task: sign,
        outcome: "rework".into(),
    };
    let refusal = refused(office.asks(&leader(1), &rework));
    assert!(refusal.message.contains("as often as"));
    office.completes("sign", "approved");
    assert_eq!(office.case().state, CaseState::Finished);
}

#[test]
fn a_timer_fires_to_the_minute_and_the_path_goes_on() {
    let mut office = plain(vec![
        officers("post", "wait"),
        timer("wait", Wait::WorkingMinutes(300), "close"),
        officers("close", ""),
    ]);
    office.now = at("2025-07-04T16:00");
    assert_eq!(
        office.completes("post", "done"),
        [K::TaskCompleted, K::TimerSet]
    );
    assert!(office.waiting().is_empty());
    // An hour on Friday, four on Monday.
    let fires_at = at("2025-07-07T11:00");
    assert_eq!(office.case().timers[0].fires_at, fires_at);
    office.now = at("2025-07-07T10:59");
    while office.case().timer_at().is_some_and(|at| at <= office.now) {
        office.reacts(Command::Tick);
    }
    assert!(office.waiting().is_empty());
    office.now = fires_at;
    assert_eq!(office.reacts(Command::Tick), [K::TimerFired, K::TaskOpened]);
    assert_eq!(office.waiting(), ["t2 close"]);
    // Whoever gives it back gives it to the step before the wait.
    assert_eq!(office.case().tasks[1].previous, "t1");
    assert_eq!(office.reacts(Command::Tick), []);
}

/// Civil Code 2015, art. 147 and 148: the first day does not count, the last counts whole, and where it is off, the next working
/// day's end ends the time.
#[test]
fn a_timer_in_days_ends_with_its_last_day_or_with_the_next_one_that_is_worked() {
    let posted = |began: &str, days| {
        let mut office = plain(vec![
            officers("post", "wait"),
            timer("wait", Wait::CalendarDays(days), "close"),
            officers("close", ""),
        ]);
        office.now = at(began);
        office.completes("post", "done");
        office
    };
    for (began, days, fires) in [
        ("2025-07-01T08:00", 2, "2025-07-04T00:00"),
        // Saturday, and so Monday.
        ("2025-07-01T08:00", 4, "2025-07-08T00:00"),
        ("2025-07-01T16:59", 15, "2025-07-17T00:00"),
        ("2026-02-27T16:00", 15, "2026-03-17T00:00"),
    ] {
        let office = posted(began, days);
        assert_eq!(
            office.case().timers[0].fires_at,
            at(fires),
            "{began} {days}"
        );
    }
    // What is awaited of the applicant meanwhile is not among the days.
    let mut office = posted("2025-07-01T08:00", 2);
    office.now = at("2025-07-02T09:00");
    let ask = asks_for_supplement();
    office.asks(&officer(1), &ask).unwrap();
    office.now = at("2025-07-04T09:00");
    let now = office.now;
    office.reacts(Command::Resume {
        at: now,
        cause: cause(),
    });
    assert_eq!(office.case().timers[0].fires_at, at("2025-07-08T00:00"));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn a_wait_that_is_over_by_a_corrected_calendar_ends_at_once() {
    let mut office = plain(vec![
        officers("post", "wait"),
        timer("wait", Wait::WorkingMinutes(300), "close"),
        officers("close", ""),
    ]);
    with_days_off(&office, "wrong", &["2025-07-07"]);
    office.now = at("2025-07-04T16:00");
    office.completes("post", "done");
    assert_eq!(office.case().timers[0].fires_at, at("2025-07-08T11:00"));
    // Monday was worked, and most of it is over.
    office.now = at("2025-07-07T15:00");
    with_days_off(&office, "corrected", &[]);
    office.reacts(Command::Recompute);
    assert_eq!(office.case().timers[0].fires_at, office.now);
    assert_eq!(office.reacts(Command::Recompute), []);
    assert_eq!(office.reacts(Command::Tick), [K::TimerFired, K::TaskOpened]);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn a_hold_moves_a_wait_in_working_time_and_a_budget_with_its_escalation() {
    let escalated = with(officers("check", "meet"), |task| {
        task.planned_minutes = 240;
        task.escalate_after_percent = 50;
    });
    let mut office = plain(vec![
        officers("begin", "both"),
        fork("both", &[("check", ""), ("wait", "")], "meet"),
        escalated,
        timer("wait", Wait::WorkingMinutes(120), "meet"),
        join("meet", "close"),
        officers("close", ""),
    ]);
    office.completes("begin", "done");
    let escalation = |office: &Office| office.case().tasks[1].escalation.unwrap();
    assert_eq!(escalation(&office).at, at("2025-07-01T10:00"));
    office.now = at("2025-07-01T09:00");
    let ask = asks_for_supplement();
    office.asks(&officer(1), &ask).unwrap();
    assert_eq!(office.case().timer_at(), None);
    office.now = at("2025-07-03T15:00");
    let now = office.now;
    office.reacts(Command::Resume {
        at: now,
        cause: cause(),
    });
    // An hour of each was used before the asking.
    assert_eq!(office.case().timers[0].fires_at, at("2025-07-03T16:00"));
    assert_eq!(escalation(&office).at, at("2025-07-03T16:00"));
    assert_eq!(office.case().tasks[1].due_at, at("2025-07-04T08:00"));
    office.now = at("2025-07-03T16:00");
    let mut told = Vec::new();
    while office.case().timer_at().is_some_and(|at| at <= office.now) {
        told.extend(office.reacts(Command::Tick));
    }
    assert_eq!(told, [K::TimerFired, K::TaskEscalated]);
    assert_eq!(office.waiting(), ["t2 check"]);
    office.completes("check", "done");
    assert_eq!(office.waiting(), ["t3 close"]);
}

#[test]
fn a_task_is_escalated_once_when_so_much_of_its_budget_is_used() {
    let late = with(officers("check", ""), |task| {
        task.planned_minutes = 101;
        task.escalate_after_percent = 50;
    });
    let mut office = plain(vec![late]);
    office.now = at("2025-07-01T08:50");
    assert_eq!(office.reacts(Command::Tick), []);
    office.now = at("2025-07-01T08:51");
    assert_eq!(office.reacts(Command::Tick), [K::TaskEscalated]);
    let Payload::TaskEscalated(escalated) = office.last() else {
        panic!("must be told")
    };
    assert_eq!(
        (escalated.task.as_str(), escalated.agency.as_str()),
        ("t1", WARD)
    );
    assert_eq!(office.reacts(Command::Tick), []);
    // Not once it has ended.
    let mut ended = plain(vec![
        with(officers("check", "close"), |task| {
            task.escalate_after_percent = 100
        }),
        officers("close", ""),
    ]);
    ended.completes("check", "done");
    ended.now = at("2025-07-01T10:00");
    assert_eq!(ended.reacts(Command::Tick), []);
}

#[test]
fn what_is_for_a_group_is_taken_by_who_belongs_to_it() {
    let mut office = plain(vec![with(officers("survey", ""), |task| {
        task.group = "surveyors".into();
    })]);
    let claim = Command::Claim { task: "t1".into() };
    let refusal = refused(office.asks(&officer(1), &claim));
    assert!(refusal.message.contains("group"));
    let mut principal = Principal::of("officer-9", &[Role::Officer], &[WARD]);
    principal.groups = vec!["surveyors".to_owned()];
    let method = policy::of("motcua.workflow.v1.TaskService/ClaimTask").unwrap();
    let surveyor = Authority::of(
        &principal,
        &policy::judge(method, Some(&principal), None).unwrap(),
    );
    office.asks(&surveyor, &claim).unwrap();
    assert_eq!(office.case().tasks[0].assignee, "officer-9");
}

#[test]
fn it_is_told_that_the_due_comes_near_at_each_part_of_the_limit() {
    // Five working days from Tuesday at eight, 39 hours and a half of opening time.
    let mut steps = definition("d", "work", vec![officers("work", "")]);
    steps.due_soon_percents = vec![50, 80];
    let mut office = under(&steps, &[], PriorityGround::Unspecified);
    assert_eq!(office.case().due.at, at("2025-07-08T17:00"));
    let mut told = Vec::new();
    while let Some(at) = office.case().timer_at() {
        office.now = at;
        let kinds = office.reacts(Command::Tick);
        told.push((at, kinds[0]));
    }
    let opening = |from: &str, to: &str| {
        let catalog = office.surround.catalogs.get("summer").unwrap();
        let ward = catalog.agency(WARD).unwrap();
        catalog
            .calendar_of(ward)
            .unwrap()
            .elapsed_working_minutes(at(from), at(to))
    };
    let whole = opening("2025-07-01T08:00", "2025-07-08T17:00");
    assert_eq!(told.len(), 3);
    for ((instant, kind), percent) in told.iter().zip([50, 80]) {
        assert_eq!(*kind, K::CaseDueSoon);
        let left = motcua_calendar::local(*instant).to_string();
        assert_eq!(
            opening(&left[..16], "2025-07-08T17:00"),
            whole * (100 - percent) / 100
        );
    }
    assert_eq!(told[2], (at("2025-07-09T00:00"), K::CaseOverdue));
}

#[test]
fn what_conditions_may_not_be_is_said_in_their_place() {
    for (when, reason) in [
        ("", "is required"),
        ("1 +", "is no condition"),
        ("1", "must come to true or false"),
        ("tomorrow == 1", "does not know tomorrow"),
        (
            "options.exists(o, o == \"a\")",
            "must not use @not_strictly_false",
        ),
        ("options.map(o, o) == []", "must not use _+_"),
        ("matches(\"a\", \"b\")", "must not use matches"),
        ("outcome.unheard == \"done\"", "cannot be judged"),
        (
            "fee_vnd == fee_vnd && (priority ? 1 : 2)",
            "cannot be judged",
        ),
        ("((((((((((true))))))))))", "must nest at most 8"),
        ("!!!!!!!!!!!!!!!!!priority", "must nest at most 8"),
    ] {
        let steps = definition(
            "d",
            "a",
            vec![
                officers("a", "c"),
                choice("c", &[(when, "b")], "b"),
                officers("b", ""),
            ],
        );
        let faults = Definition::parse(&steps).expect_err(when);
        assert_eq!(faults.len(), 1, "{when}: {faults:?}");
        assert_eq!(faults[0].field, "definition.steps[1].choice.ways[0].when");
        assert!(
            faults[0].description.contains(reason),
            "{when}: {}",
            faults[0].description
        );
    }
    let long = format!("priority || \"{}\" in options", "x".repeat(400));
    let steps = definition("d", "c", vec![choice("c", &[(&long, "c")], "c")]);
    let faults = Definition::parse(&steps).unwrap_err();
    assert!(
        faults
            .iter()
            .any(|fault| fault.description.contains("at most 400 bytes"))
    );
}

#[test]
fn the_deepest_condition_fits_on_a_small_stack() {
    let deepest = format!("{}priority{}", "(".repeat(8), ")".repeat(8));
    let negated = format!("{}priority", "!".repeat(16));
    let long = vec!["priority"; 33].join(" || ");
    for when in [deepest, negated, long] {
        let steps = definition(
            "d",
            "a",
            vec![
                officers("a", "c"),
                choice("c", &[(&when, "b")], "b"),
                officers("b", ""),
            ],
        );
        std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(move || Definition::parse(&steps).map(drop))
            .unwrap()
            .join()
            .unwrap()
            .unwrap();
    }
}

#[test]
fn loops_have_bounds_and_bounds_are_for_loops() {
    let faults = |steps: Vec<Step>| {
        let faults = Definition::parse(&definition("d", "a", steps)).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        (faults[0].field.clone(), faults[0].description.clone())
    };
    let back = |at_most: i32| {
        with(
            task("b", Role::Officer, 5, &[("done", ""), ("back", "a")]),
            |task| task.transitions[1].at_most = at_most,
        )
    };
    let (field, says) = faults(vec![officers("a", "b"), back(0)]);
    assert_eq!(field, "definition.steps[0]");
    assert!(says.contains("round without a bound, over a, b"), "{says}");
    let (field, says) = faults(vec![officers("a", "b"), back(101)]);
    assert_eq!(field, "definition.steps[1].task.transitions[1].at_most");
    assert!(says.contains("1 to 100"), "{says}");
    // Forward, and to a step that a path here can avoid.
    let forward = with(
        task("a", Role::Officer, 5, &[("done", ""), ("on", "b")]),
        |task| task.transitions[1].at_most = 2,
    );
    let (field, says) = faults(vec![forward, officers("b", "")]);
    assert_eq!(field, "definition.steps[0].task.transitions[1].at_most");
    assert!(says.contains("has passed 'b'"), "{says}");
    let aside = task("a", Role::Officer, 5, &[("one", "b"), ("two", "c")]);
    let into = with(
        task("c", Role::Officer, 5, &[("done", ""), ("rework", "b")]),
        |task| task.transitions[1].at_most = 2,
    );
    let (field, says) = faults(vec![aside, officers("b", "c"), into]);
    assert_eq!(field, "definition.steps[2].task.transitions[1].at_most");
    assert!(says.contains("has passed 'b'"), "{says}");
    // Over choices alone there is no way back at all.
    let (_, says) = faults(vec![
        officers("a", "c"),
        choice("c", &[("priority", "a")], "b"),
        officers("b", ""),
    ]);
    assert!(says.contains("round without a bound"), "{says}");
}

#[test]
fn between_a_join_and_a_further_one_there_is_work() {
    let steps = definition(
        "d",
        "a",
        vec![
            officers("a", "outer"),
            fork("outer", &[("b", ""), ("c", "")], "outer-meet"),
            officers("b", "inner"),
            fork("inner", &[("d", ""), ("e", "")], "inner-meet"),
            officers("d", "inner-meet"),
            officers("e", "inner-meet"),
            join("inner-meet", "choose"),
            choice("choose", &[("priority", "f")], "outer-meet"),
            officers("f", "outer-meet"),
            officers("c", "outer-meet"),
            join("outer-meet", ""),
        ],
    );
    let faults = Definition::parse(&steps).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].field, "definition.steps[6].join.to");
}
