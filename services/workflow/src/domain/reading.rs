//! Is each step of a definition sound by itself, and is every step that it names there?

use std::collections::{BTreeMap, BTreeSet};

use motcua_platform::{
    catalog::{self, limit},
    error::{Error, Violation},
    parse::Fields,
};
use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{self as proto, step::Kind, timer_step},
};

use super::{
    condition::Condition,
    definition::{
        Branch, Call, Choice, External, Meaning, Optional, Step, Task, Timer, Transition, Wait,
    },
};

/// Steps of a definition at most.
pub(super) const STEPS_MAX: usize = 200;
/// Outcomes of a task, ways of a choice and branches of a fork at most.
const WAYS_MAX: usize = 20;
/// Codes of another system at most.
const CODES_MAX: usize = 100;
/// Parts of a limit at most.
const PERCENTS_MAX: usize = 5;
/// How often a way back may be taken at most.
const ROUNDS_MAX: i32 = 100;
/// Budget of a step at most, in working minutes: about a working year.
const PLANNED_MINUTES_MAX: i32 = 120_000;
/// Calendar days that a path waits at most.
const DAYS_MAX: i32 = 366;

pub(super) fn violations<T>(fields: Fields, value: T) -> Result<T, Vec<Violation>> {
    fields.finish(Some(value)).map_err(|error| match error {
        Error::Invalid(violations) => violations,
        other => vec![Violation {
            field: "definition".to_owned(),
            description: other.to_string(),
        }],
    })
}

pub(super) fn parse_steps(
    fields: &mut Fields,
    definition: &proto::Definition,
) -> Vec<(String, Option<Step>)> {
    let known: Vec<_> = definition
        .steps
        .iter()
        .map(|step| step.id.as_str())
        .collect();
    let mut ids = BTreeSet::new();
    let mut steps = Vec::new();
    for (index, step) in definition.steps.iter().enumerate().take(STEPS_MAX) {
        let path = format!("definition.steps[{index}]");
        if fields.id(&format!("{path}.id"), &step.id).is_some() && !ids.insert(step.id.as_str()) {
            fields.reject(format!("{path}.id"), format!("'{}' stands twice", step.id));
        }
        let parsed = match &step.kind {
            Some(Kind::Task(task)) => parse_task(fields, &format!("{path}.task"), task, &known),
            Some(Kind::Fork(fork)) => parse_fork(fields, &format!("{path}.fork"), fork),
            Some(Kind::Join(join)) => Some(Step::Join {
                to: optional(&join.to),
            }),
            Some(Kind::Call(call)) => parse_call(fields, &format!("{path}.call"), call),
            Some(Kind::Choice(choice)) => {
                parse_choice(fields, &format!("{path}.choice"), choice, &known)
            }
            Some(Kind::Timer(timer)) => parse_timer(fields, &format!("{path}.timer"), timer),
            Some(Kind::External(external)) => {
                parse_external(fields, &format!("{path}.external"), external)
            }
            None => {
                fields.reject(
                    &path,
                    "must be a task, a fork, a join, a call, a choice, a timer or an external step",
                );
                None
            }
        };
        steps.push((step.id.clone(), parsed));
    }
    steps
}

fn optional(id: &str) -> Option<String> {
    (!id.is_empty()).then(|| id.to_owned())
}

fn parse_task(
    fields: &mut Fields,
    path: &str,
    task: &proto::TaskStep,
    steps: &[&str],
) -> Option<Step> {
    let title = fields.line(&format!("{path}.title"), &task.title);
    let role = fields.choice(&format!("{path}.role"), task.role);
    let agency = parse_agency(fields, path, task.agency);
    let planned_minutes = parse_minutes(
        fields,
        &format!("{path}.planned_minutes"),
        task.planned_minutes,
    );
    let transitions = parse_transitions(fields, path, &task.transitions);
    let group = fields.optional_id(&format!("{path}.group"), &task.group)?;
    let optional = parse_optional(fields, path, task, &transitions, steps);
    let percent = parse_escalation(fields, path, task.escalate_after_percent);
    let planned_minutes = planned_minutes?;
    Some(Step::Task(Task {
        title: title?,
        role: role?,
        agency,
        planned_minutes,
        transitions,
        group: (!group.is_empty()).then_some(group),
        optional,
        escalate_after_minutes: part_of(planned_minutes, percent),
        external: None,
    }))
}

/// After which part of the budget a leader is to know, in percent; 0 for never.
fn parse_escalation(fields: &mut Fields, path: &str, percent: i32) -> u32 {
    if !(0..=100).contains(&percent) {
        fields.reject(
            format!("{path}.escalate_after_percent"),
            "must be 1 to 100, or 0 for never",
        );
    }
    u32::try_from(percent).unwrap_or_default()
}

/// So many percent of a budget, to the next whole minute; none where that is never.
fn part_of(planned_minutes: u32, percent: u32) -> Option<u32> {
    (percent > 0).then(|| planned_minutes.saturating_mul(percent).div_ceil(100))
}

/// Another of the ward's agencies; none for the case's own.
fn parse_agency(fields: &mut Fields, path: &str, agency: i32) -> Option<AgencyKind> {
    let path = format!("{path}.agency");
    let kind = fields.optional_choice(&path, agency)?;
    if kind == AgencyKind::Department {
        fields.reject(
            path,
            "a department works under a procedure of its own: call that one",
        );
    }
    Some(kind).filter(|kind| *kind != AgencyKind::Unspecified)
}

fn parse_minutes(fields: &mut Fields, path: &str, minutes: i32) -> Option<u32> {
    if (1..=PLANNED_MINUTES_MAX).contains(&minutes) {
        return u32::try_from(minutes).ok();
    }
    fields.reject(
        path,
        format!("must be working minutes, 1 to {PLANNED_MINUTES_MAX}"),
    );
    None
}

fn parse_transitions(
    fields: &mut Fields,
    path: &str,
    transitions: &[proto::Transition],
) -> Vec<Transition> {
    if transitions.is_empty() || transitions.len() > WAYS_MAX {
        fields.reject(
            format!("{path}.transitions"),
            format!("must be 1 to {WAYS_MAX}: a task ends with an outcome"),
        );
    } else if transitions.iter().all(|transition| transition.at_most > 0) {
        fields.reject(
            format!("{path}.transitions"),
            "must have one without a bound: when the others were taken so often, the work must still end",
        );
    }
    let mut outcomes = BTreeSet::new();
    for (index, transition) in transitions.iter().enumerate() {
        let path = format!("{path}.transitions[{index}]");
        let field = format!("{path}.outcome");
        if fields.id(&field, &transition.outcome).is_some()
            && !outcomes.insert(transition.outcome.as_str())
        {
            fields.reject(field, format!("'{}' stands twice", transition.outcome));
        }
        if !(0..=ROUNDS_MAX).contains(&transition.at_most) {
            fields.reject(
                format!("{path}.at_most"),
                format!("must be 1 to {ROUNDS_MAX}, or 0 where it leads on"),
            );
        }
    }
    transitions
        .iter()
        .map(|transition| Transition {
            outcome: transition.outcome.clone(),
            to: optional(&transition.to),
            at_most: u32::try_from(transition.at_most)
                .ok()
                .filter(|times| *times > 0),
        })
        .collect()
}

fn parse_optional(
    fields: &mut Fields,
    path: &str,
    task: &proto::TaskStep,
    transitions: &[Transition],
    steps: &[&str],
) -> Option<Optional> {
    let field = format!("{path}.left_out_as");
    if task.when.is_empty() {
        if !task.left_out_as.is_empty() {
            fields.reject(field, "means nothing without a condition in when");
        }
        return None;
    }
    match transitions
        .iter()
        .find(|transition| transition.outcome == task.left_out_as)
    {
        None => fields.reject(field, "must be one of the task's outcomes"),
        Some(transition) if transition.at_most.is_some() => {
            fields.reject(field, "must not be a way back");
        }
        Some(_) => {}
    }
    Some(Optional {
        when: parse_condition(fields, &format!("{path}.when"), &task.when, steps)?,
        left_out_as: task.left_out_as.clone(),
    })
}

fn parse_condition(
    fields: &mut Fields,
    path: &str,
    text: &str,
    steps: &[&str],
) -> Option<Condition> {
    if text.trim().is_empty() {
        fields.reject(path, "is required");
        return None;
    }
    Condition::parse(text, steps)
        .map_err(|reason| fields.reject(path, reason))
        .ok()
}

fn parse_choice(
    fields: &mut Fields,
    path: &str,
    choice: &proto::ChoiceStep,
    steps: &[&str],
) -> Option<Step> {
    if !(1..=WAYS_MAX).contains(&choice.ways.len()) {
        fields.reject(format!("{path}.ways"), format!("must be 1 to {WAYS_MAX}"));
    }
    let ways: Vec<_> = choice
        .ways
        .iter()
        .enumerate()
        .map(|(index, way)| {
            let path = format!("{path}.ways[{index}].when");
            Some((
                parse_condition(fields, &path, &way.when, steps)?,
                way.to.clone(),
            ))
        })
        .collect();
    Some(Step::Choice(Choice {
        ways: ways.into_iter().collect::<Option<_>>()?,
        otherwise: choice.otherwise.clone(),
    }))
}

fn parse_timer(fields: &mut Fields, path: &str, timer: &proto::TimerStep) -> Option<Step> {
    let wait = match timer.wait {
        Some(timer_step::Wait::WorkingMinutes(minutes)) => Wait::WorkingMinutes(parse_minutes(
            fields,
            &format!("{path}.working_minutes"),
            minutes,
        )?),
        Some(timer_step::Wait::CalendarDays(days)) if (1..=DAYS_MAX).contains(&days) => {
            Wait::CalendarDays(days.unsigned_abs())
        }
        Some(timer_step::Wait::CalendarDays(_)) => {
            fields.reject(
                format!("{path}.calendar_days"),
                format!("must be 1 to {DAYS_MAX}"),
            );
            return None;
        }
        None => {
            fields.reject(path, "must have working_minutes or calendar_days");
            return None;
        }
    };
    Some(Step::Timer(Timer {
        wait,
        to: timer.to.clone(),
    }))
}

fn parse_external(fields: &mut Fields, path: &str, step: &proto::ExternalStep) -> Option<Step> {
    let title = fields.line(&format!("{path}.title"), &step.title);
    let system = fields.id(&format!("{path}.system"), &step.system);
    let agency = parse_agency(fields, path, step.agency);
    let planned_minutes = parse_minutes(
        fields,
        &format!("{path}.planned_minutes"),
        step.planned_minutes,
    );
    let transitions = parse_transitions(fields, path, &step.transitions);
    let codes = parse_codes(fields, path, step, &transitions);
    let percent = parse_escalation(fields, path, step.escalate_after_percent);
    let planned_minutes = planned_minutes?;
    Some(Step::Task(Task {
        title: title?,
        role: Role::System,
        agency,
        planned_minutes,
        transitions,
        group: None,
        optional: None,
        escalate_after_minutes: part_of(planned_minutes, percent),
        external: Some(External {
            system: system?,
            codes,
        }),
    }))
}

/// Why a code refuses: with its ground, or not at all, and of a code that has an outcome.
fn parse_why(fields: &mut Fields, path: &str, code: &proto::ExternalCode) -> Option<[String; 2]> {
    let reason = fields.optional_text(&format!("{path}.reason"), &code.reason)?;
    let ground = fields.optional_line(&format!("{path}.ground"), &code.ground)?;
    if reason.is_empty() != ground.is_empty() {
        let missing = if reason.is_empty() {
            "reason"
        } else {
            "ground"
        };
        let both = "is required where the other one is given";
        fields.reject(format!("{path}.{missing}"), both);
    }
    if !reason.is_empty() && code.outcome.is_empty() {
        let no_end = "belongs to an outcome, and a state on the way has none";
        fields.reject(format!("{path}.reason"), no_end);
    }
    (!reason.is_empty()).then_some([reason, ground])
}

fn parse_codes(
    fields: &mut Fields,
    path: &str,
    step: &proto::ExternalStep,
    transitions: &[Transition],
) -> BTreeMap<String, Meaning> {
    if step.codes.is_empty() || step.codes.len() > CODES_MAX {
        fields.reject(format!("{path}.codes"), format!("must be 1 to {CODES_MAX}"));
    }
    let mut codes = BTreeMap::new();
    for (index, code) in step.codes.iter().enumerate() {
        let path = format!("{path}.codes[{index}]");
        let outcome = optional(&code.outcome);
        if let Some(outcome) = &outcome
            && !transitions
                .iter()
                .any(|transition| transition.outcome == *outcome)
        {
            fields.reject(
                format!("{path}.outcome"),
                format!("'{outcome}' is none of the step's outcomes"),
            );
        }
        let why = parse_why(fields, &path, code);
        let known = fields.line(&format!("{path}.code"), &code.code);
        if let Some(known) = known
            && codes.insert(known, Meaning { outcome, why }).is_some()
        {
            fields.reject(
                format!("{path}.code"),
                format!("'{}' stands twice", code.code),
            );
        }
    }
    for (index, transition) in transitions.iter().enumerate() {
        let meant = codes
            .values()
            .any(|meaning| meaning.outcome.as_deref() == Some(transition.outcome.as_str()));
        if !meant && !codes.is_empty() {
            fields.reject(
                format!("{path}.transitions[{index}].outcome"),
                format!("no code means '{}'", transition.outcome),
            );
        }
    }
    codes
}

/// Parts of the limit.
pub(super) fn parse_percents(fields: &mut Fields, percents: &[i32]) -> Vec<u32> {
    let rising = percents
        .iter()
        .zip(percents.iter().skip(1))
        .all(|(a, b)| a < b);
    if percents.len() > PERCENTS_MAX
        || !rising
        || !percents.iter().all(|percent| (1..=99).contains(percent))
    {
        fields.reject(
            "definition.due_soon_percents",
            format!("must be 1 to 99, each greater than the one before, at most {PERCENTS_MAX}"),
        );
        return Vec::new();
    }
    percents
        .iter()
        .map(|percent| percent.unsigned_abs())
        .collect()
}

/// Outcomes that refuse: each of them some task has.
pub(super) fn parse_refusals(
    fields: &mut Fields,
    refusals: &[String],
    steps: &[(String, Option<Step>)],
) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (index, outcome) in refusals.iter().enumerate() {
        let path = format!("definition.refusals[{index}]");
        let is_chosen = steps.iter().any(|(_, step)| match step {
            Some(Step::Task(task)) => task.transition(outcome).is_some(),
            // What could not be read has its violation.
            None => true,
            Some(_) => false,
        });
        if !is_chosen {
            fields.reject(path, format!("'{outcome}' is no outcome of a task"));
        } else if !known.insert(outcome.clone()) {
            fields.reject(path, format!("'{outcome}' stands twice"));
        }
    }
    check_whys(fields, &known, steps);
    known
}

/// Why a code refuses is said of those that do.
fn check_whys(fields: &mut Fields, refusals: &BTreeSet<String>, steps: &[(String, Option<Step>)]) {
    for (index, (_, step)) in steps.iter().enumerate() {
        let Some(Step::Task(Task {
            external: Some(external),
            ..
        })) = step
        else {
            continue;
        };
        for (code, meaning) in &external.codes {
            let refuses = meaning
                .outcome
                .as_ref()
                .is_some_and(|it| refusals.contains(it));
            if meaning.why.is_some() && !refuses {
                fields.reject(
                    format!("definition.steps[{index}].external.codes"),
                    format!("code '{code}' has a reason, and its outcome is none of the refusals"),
                );
            }
        }
    }
}

fn parse_fork(fields: &mut Fields, path: &str, fork: &proto::ForkStep) -> Option<Step> {
    if !(2..=WAYS_MAX).contains(&fork.branches.len()) {
        fields.reject(
            format!("{path}.branches"),
            format!("must be 2 to {WAYS_MAX}"),
        );
    }
    for (index, branch) in fork.branches.iter().enumerate() {
        fields.optional_id(&format!("{path}.branches[{index}].option"), &branch.option);
    }
    let branches = fork
        .branches
        .iter()
        .map(|branch| Branch {
            to: branch.to.clone(),
            option: optional(&branch.option),
        })
        .collect();
    Some(Step::Fork {
        branches,
        join: fork.join.clone(),
    })
}

fn parse_call(fields: &mut Fields, path: &str, call: &proto::CallStep) -> Option<Step> {
    let procedure = fields.id(&format!("{path}.procedure"), &call.procedure);
    let agency = fields.choice(&format!("{path}.agency"), call.agency);
    let limit = call.limit.as_ref().and_then(catalog::limit);
    if call.limit.is_some() && limit.is_none() {
        fields.reject(format!("{path}.limit"), limit::KINDS);
    }
    let others = format!("{path}.other_limits");
    if call.limit.is_none() && !call.other_limits.is_empty() {
        fields.reject(&others, "belong to a limit of the step's own");
    }
    limit::check_others(fields, &others, call.limit.as_ref(), &call.other_limits);
    Some(Step::Call(Call {
        procedure: procedure?,
        agency: agency?,
        to: call.to.clone(),
        limit,
        other_limits: call.other_limits.clone(),
    }))
}

/// Every step that is named must be there.
pub(super) fn check_references(fields: &mut Fields, start: &str, steps: &[(String, Option<Step>)]) {
    let kinds: BTreeMap<_, _> = steps
        .iter()
        .map(|(id, step)| (id.as_str(), step.as_ref()))
        .collect();
    let mut refer = |field: String, to: &str| {
        if to.is_empty() {
            fields.reject(field, "is required");
        } else if !kinds.contains_key(to) {
            fields.reject(field, format!("there is no step '{to}'"));
        }
    };
    refer("definition.start".to_owned(), start);
    for (index, (_, step)) in steps.iter().enumerate() {
        let path = format!("definition.steps[{index}]");
        // What could not be read has its violation, and refers to nothing.
        let Some(step) = step else { continue };
        match step {
            Step::Task(task) => {
                let kind = task.kind();
                for (index, transition) in task.transitions.iter().enumerate() {
                    if let Some(to) = &transition.to {
                        refer(format!("{path}.{kind}.transitions[{index}].to"), to);
                    }
                }
            }
            Step::Choice(choice) => {
                for (index, (_, to)) in choice.ways.iter().enumerate() {
                    refer(format!("{path}.choice.ways[{index}].to"), to);
                }
                refer(format!("{path}.choice.otherwise"), &choice.otherwise);
            }
            Step::Timer(timer) => refer(format!("{path}.timer.to"), &timer.to),
            Step::Fork { branches, join } => {
                for (index, branch) in branches.iter().enumerate() {
                    refer(format!("{path}.fork.branches[{index}].to"), &branch.to);
                }
                refer(format!("{path}.fork.join"), join);
            }
            Step::Join { to: Some(to) } => refer(format!("{path}.join.to"), to),
            Step::Join { to: None } => {}
            Step::Call(call) => refer(format!("{path}.call.to"), &call.to),
        }
    }
    if matches!(kinds.get(start), Some(Some(step)) if !matches!(step, Step::Task(_))) {
        fields.reject(
            "definition.start",
            format!("'{start}' must be a task: somebody begins"),
        );
    }
}
