//! Which definitions are sound, and what is said about those that are not.

use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{Definition as ProtoDefinition, Step},
};

use super::office::{
    ROUNDS, call, death, definition, fork, join, nested, opinions, residence, simple, task,
};
use crate::domain::{Definition, limit_minutes};

fn sound(definition: &ProtoDefinition) -> Definition {
    Definition::parse(definition).unwrap_or_else(|violations| panic!("{violations:?}"))
}

/// A definition with one fault says exactly that: its field, and words of its sentence.
#[track_caller]
fn broken(definition: &ProtoDefinition, field: &str, says: &str) {
    let violations = Definition::parse(definition).expect_err("must not be sound");
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert_eq!(violations[0].field, field);
    assert!(
        violations[0].description.contains(says),
        "{}",
        violations[0].description
    );
}

fn done(id: &str, to: &str) -> Step {
    task(id, Role::Officer, 10, &[("done", to)])
}

#[test]
fn the_definitions_of_the_tests_are_sound() {
    for definition in [simple(), opinions(), death(), nested(), residence()] {
        sound(&definition);
    }
}

#[test]
fn a_step_lies_in_the_branch_that_it_is_reached_by() {
    let opinions = sound(&opinions());
    assert_eq!(opinions.branch_of("read"), "");
    assert_eq!(opinions.branch_of("land-check"), "land");
    assert_eq!(opinions.branch_of("sign"), "");
    assert_eq!(opinions.fork_of("meet"), Some("ask"));
    let nested = sound(&nested());
    assert_eq!(nested.branch_of("e"), "a");
    assert_eq!(nested.branch_of("d"), "d");
}

#[test]
fn budgets_add_up_along_the_longest_path_and_each_way_back_counts_as_often_as_it_may_be_taken() {
    let rounds = u32::try_from(ROUNDS).unwrap();
    assert_eq!(sound(&simple()).longest_minutes(), 300 + rounds * 300);
    // Back within a branch, and back over the fork.
    assert_eq!(
        sound(&opinions()).longest_minutes(),
        (60 + 140 + 60) + rounds * 140 + rounds * (140 + 60)
    );
    // Calls have limits of their own.
    assert_eq!(sound(&death()).longest_minutes(), 180);
    let simple = sound(&simple());
    assert!(simple.check_budget(1_800).is_ok());
    assert!(
        simple
            .check_budget(1_799)
            .unwrap_err()
            .description
            .contains("add up to 1800")
    );
}

#[test]
fn a_limit_allows_eight_hours_to_the_working_day() {
    for (limit, minutes) in [
        ("same day", 480),
        ("0.5 working days", 240),
        ("3 working days", 1440),
        ("8 working hours", 480),
        ("15 calendar days", 4800),
        ("1 calendar day", 480),
    ] {
        assert_eq!(limit_minutes(&limit.parse().unwrap()), minutes, "{limit}");
    }
}

#[test]
fn every_fault_of_the_steps_is_named_at_once() {
    let mut faulty = simple();
    faulty.id = "đơn giản".into();
    faulty.title = String::new();
    faulty.steps.push(task("sign", Role::Unspecified, 0, &[]));
    let violations = Definition::parse(&faulty).unwrap_err();
    let fields: Vec<_> = violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "definition.id",
            "definition.title",
            "definition.steps[2].id",
            "definition.steps[2].task.role",
            "definition.steps[2].task.planned_minutes",
            "definition.steps[2].task.transitions",
        ]
    );
}

#[test]
fn what_is_wrong_with_a_step_is_said_at_its_field() {
    let one = |step: Step| definition("d", "a", vec![step]);
    broken(
        &one(Step {
            id: "a".into(),
            kind: None,
        }),
        "definition.steps[0]",
        "must be a task",
    );
    broken(
        &one(task("a", Role::Officer, 0, &[("done", "")])),
        "definition.steps[0].task.planned_minutes",
        "1 to",
    );
    broken(
        &one(task("a", Role::Unspecified, 5, &[("done", "")])),
        "definition.steps[0].task.role",
        "is required",
    );
    broken(
        &one(task("a", Role::Officer, 5, &[])),
        "definition.steps[0].task.transitions",
        "outcome",
    );
    broken(
        &one(task("a", Role::Officer, 5, &[("done", ""), ("done", "")])),
        "definition.steps[0].task.transitions[1].outcome",
        "stands twice",
    );
    broken(
        &one(done("a", "b")),
        "definition.steps[0].task.transitions[0].to",
        "there is no step 'b'",
    );
    broken(
        &definition(
            "d",
            "a",
            vec![
                done("a", "c"),
                call("c", "", AgencyKind::Police, "e"),
                done("e", ""),
            ],
        ),
        "definition.steps[1].call.procedure",
        "is required",
    );
    broken(
        &definition(
            "d",
            "a",
            vec![
                done("a", "c"),
                call("c", "1.1", AgencyKind::Unspecified, "e"),
                done("e", ""),
            ],
        ),
        "definition.steps[1].call.agency",
        "is required",
    );
    broken(
        &definition(
            "d",
            "a",
            vec![done("a", "c"), call("c", "1.1", AgencyKind::Police, "")],
        ),
        "definition.steps[1].call.to",
        "is required",
    );
    broken(
        &definition(
            "d",
            "a",
            vec![
                done("a", "f"),
                fork("f", &[("b", "")], "j"),
                done("b", "j"),
                join("j", ""),
            ],
        ),
        "definition.steps[1].fork.branches",
        "2 to",
    );
}

#[test]
fn the_start_exists_and_is_a_task() {
    broken(
        &definition("d", "", vec![done("a", "")]),
        "definition.start",
        "is required",
    );
    broken(
        &definition("d", "z", vec![done("a", "")]),
        "definition.start",
        "there is no step 'z'",
    );
    broken(
        &definition(
            "d",
            "c",
            vec![call("c", "1.1", AgencyKind::Police, "a"), done("a", "")],
        ),
        "definition.start",
        "must be a task",
    );
    let mut inside = forked(|_| {});
    inside.start = "b".into();
    broken(&inside, "definition.start", "belongs to a branch");
}

#[test]
fn every_step_is_reached_and_every_path_ends() {
    broken(
        &definition("d", "a", vec![done("a", ""), done("b", "a")]),
        "definition.steps[1]",
        "no path leads to 'b'",
    );
    broken(
        &definition("d", "a", vec![done("a", "a")]),
        "definition.steps[0]",
        "no path leads from 'a' to an end",
    );
    broken(
        &definition(
            "d",
            "a",
            vec![
                task("a", Role::Officer, 5, &[("done", ""), ("wait", "b")]),
                done("b", "b"),
            ],
        ),
        "definition.steps[1]",
        "no path leads from 'b'",
    );
}

/// a → f ⟨b, c⟩ j → e, with one thing changed.
fn forked(change: impl FnOnce(&mut Vec<Step>)) -> ProtoDefinition {
    let mut steps = vec![
        done("a", "f"),
        fork("f", &[("b", ""), ("c", "")], "j"),
        done("b", "j"),
        done("c", "j"),
        join("j", "e"),
        done("e", ""),
    ];
    change(&mut steps);
    definition("d", "a", steps)
}

#[test]
fn branches_lead_to_their_own_join_and_nowhere_else() {
    sound(&forked(|_| {}));
    broken(
        &forked(|steps| steps[2] = task("b", Role::Officer, 5, &[("done", "j"), ("failed", "")])),
        "definition.steps[2].task.transitions[1].to",
        "must not end inside a branch",
    );
    broken(
        &forked(|steps| steps[2] = task("b", Role::Officer, 5, &[("done", "j"), ("skip", "e")])),
        "definition.steps[2].task.transitions[1].to",
        "'e', which belongs to the main line",
    );
    broken(
        &forked(|steps| steps[2] = task("b", Role::Officer, 5, &[("done", "j"), ("other", "c")])),
        "definition.steps[2].task.transitions[1].to",
        "'c', which belongs to the branch 'c'",
    );
    broken(
        &forked(|steps| steps[0] = task("a", Role::Officer, 5, &[("done", "f"), ("short", "b")])),
        "definition.steps[0].task.transitions[1].to",
        "'b', which belongs to the branch 'b'",
    );
    broken(
        &forked(|steps| steps[0] = task("a", Role::Officer, 5, &[("done", "f"), ("short", "j")])),
        "definition.steps[0].task.transitions[1].to",
        "from outside its fork",
    );
    broken(
        &forked(|steps| steps[2] = done("b", "b")),
        "definition.steps[2]",
        "no path leads from 'b'",
    );
    broken(
        &forked(|steps| steps[1] = fork("f", &[("b", ""), ("c", "")], "e")),
        "definition.steps[1].fork.join",
        "must be a join",
    );
    broken(
        &forked(|steps| steps[1] = fork("f", &[("b", ""), ("j", "")], "j")),
        "definition.steps[1].fork.branches[1].to",
        "a branch begins with work",
    );
}

#[test]
fn forks_within_forks_have_work_between_them() {
    let nested = |inner_to: &str| {
        definition(
            "d",
            "a",
            vec![
                done("a", "f"),
                fork("f", &[("b", ""), ("c", "")], "j"),
                done("b", "g"),
                fork("g", &[("x", ""), ("y", "")], "k"),
                done("x", "k"),
                done("y", "k"),
                join("k", inner_to),
                done("z", "j"),
                done("c", "j"),
                join("j", ""),
            ],
        )
    };
    sound(&nested("z"));
    broken(
        &nested("j"),
        "definition.steps[6].join.to",
        "a further join",
    );
    broken(
        &nested(""),
        "definition.steps[6].join.to",
        "must not end inside a branch",
    );
    broken(
        &definition(
            "d",
            "a",
            vec![
                task("a", Role::Officer, 5, &[("one", "f"), ("two", "g")]),
                fork("f", &[("b", ""), ("c", "")], "j"),
                done("b", "j"),
                done("c", "j"),
                fork("g", &[("x", ""), ("y", "")], "j"),
                done("x", "j"),
                done("y", "j"),
                join("j", ""),
            ],
        ),
        "definition.steps[4].fork.join",
        "is the join of 'f'",
    );
}

#[test]
fn a_circle_of_forks_and_joins_alone_is_no_way_to_an_end() {
    let violations = Definition::parse(&forked(|steps| {
        steps[4] = join("j", "f");
        steps.pop();
    }))
    .unwrap_err();
    assert!(
        violations
            .iter()
            .all(|violation| violation.description.contains("to an end")),
        "{violations:?}"
    );
}
