//! Where the work goes on, as somebody reads the definitions in `work.rs`: which outcomes a step has, who may take it, and
//! what begins after it.

use motcua_proto::workflow::v1::TaskState;
use motcua_workflow::domain::{Case, SubCase, Task};

use super::{
    setting::{Allowed, limit_of, verified_limit_of},
    work::{REFUSAL, REWORKS, VERIFIERS},
};

/// What may come of a step.
pub(super) fn outcomes(step: &str) -> &'static [&'static str] {
    match step {
        "appraise" => &["done", REFUSAL],
        "benefit" | "verify" | "opinion" => &["done"],
        "examine" => &["clear", "doubtful"],
        "sign" => &["approved", REFUSAL, "rework"],
        "register" | "issue" | "seal" => &["approved"],
        "card" => &[],
        other => panic!("no step '{other}'"),
    }
}

/// The same of a task, which may go back so often only.
pub(super) fn offers(case: &Case, task: &Task, outcome: &str) -> bool {
    let went_back = completed(case, &task.call)
        .filter(|before| before.outcome == "rework")
        .count();
    outcomes(&task.step).contains(&outcome) && (outcome != "rework" || went_back < REWORKS)
}

/// Whether it is to be said why, and on which ground: of what refuses, unless it was said by whoever came to the same right before.
/// Of nothing else may it be.
pub(super) fn is_reason_right(case: &Case, task: &Task, outcome: &str, is_said: bool) -> bool {
    let before = case.task(&task.previous);
    let said_before = before.is_some_and(|before| before.outcome == REFUSAL);
    if is_said {
        outcome == REFUSAL
    } else {
        outcome != REFUSAL || said_before
    }
}

/// The group that a task is for, beside its role.
pub(super) fn group(case: &Case, task: &Task) -> Option<&'static str> {
    (task.step == "verify" && case.definition_version == 1).then_some(VERIFIERS)
}

/// The steps that begin when a task ends with an outcome; none are known where branches meet, because that is for the others
/// too.
pub(super) fn begins(case: &Case, task: &Task, outcome: &str) -> Option<Vec<&'static str>> {
    let verified = || completed(case, &task.call).any(|before| before.step == "verify");
    let has = |option: &str| case.options.iter().any(|it| it == option);
    let is_first = case.definition_version == 1;
    let in_a_hurry = !case.priority.as_str_name().ends_with("UNSPECIFIED");
    Some(match (task.step.as_str(), outcome) {
        ("register", _) if is_first => vec!["appraise", "benefit", "card"],
        ("register", _) => vec!["appraise", "benefit"],
        ("benefit" | "card", _) => return None,
        ("issue" | "seal", _) => Vec::new(),
        ("appraise" | "verify" | "opinion", _) => vec!["sign"],
        ("examine", "doubtful") => vec!["verify"],
        ("examine", _) if has("abroad") && !in_a_hurry => vec!["verify"],
        ("examine", _) if is_first && has("heirs") && !verified() => vec!["opinion"],
        ("examine", _) => vec!["sign"],
        ("sign", "rework") if is_checked(case) => vec!["examine"],
        ("sign", "rework") => vec!["appraise"],
        ("sign", "approved") if is_checked(case) && !is_first => vec!["seal"],
        ("sign", _) if !task.call.is_empty() => return None,
        ("sign", _) => Vec::new(),
        (other, _) => panic!("no step '{other}'"),
    })
}

/// Whether a case may go on under the other version of its definition: nothing waits, or may go back to, where they differ.
pub(super) fn fits_the_other(case: &Case) -> bool {
    let other: &[_] = if is_checked(case) {
        &["verify", "opinion", "seal"]
    } else {
        &["residence", "benefit", "card"]
    };
    let tasks = case.waiting().filter(|(_, task)| task.call.is_empty());
    let back = tasks.flat_map(|(_, task)| {
        std::iter::successors(Some(task), |task| case.task(&task.previous))
            .map(|task| task.step.as_str())
    });
    let timers = case.timers.iter().filter(|timer| timer.fired_at.is_none());
    let timers = timers.map(|timer| timer.step.as_str());
    let calls = case.sub_cases.iter().filter(|it| it.finished_at.is_none());
    let calls = calls.map(|call| call.branch.as_str());
    back.chain(timers)
        .chain(calls)
        .all(|step| !other.contains(&step))
}

/// Whether a case's definition has two versions, once the second ones are published.
pub(super) fn has_two(definition: &str) -> bool {
    matches!(definition, "linked" | "checked")
}

/// The limit that a case is judged by: the procedure's, or the one that was chosen in its place.
pub(super) fn limit(case: &Case) -> Allowed {
    match case.chosen_limit.as_str() {
        "" => limit_of(&case.procedure),
        _ => verified_limit_of(&case.procedure).unwrap(),
    }
}

/// The same of a branch.
pub(super) fn limit_of_branch(branch: &SubCase) -> Allowed {
    match branch.chosen_limit.as_str() {
        "" => limit_of(&branch.procedure),
        _ => verified_limit_of(&branch.procedure).unwrap(),
    }
}

fn is_checked(case: &Case) -> bool {
    case.definition == "checked"
}

fn completed<'c>(case: &'c Case, call: &'c str) -> impl Iterator<Item = &'c Task> {
    case.tasks
        .iter()
        .filter(move |task| task.call == call && task.state == TaskState::Completed)
}
