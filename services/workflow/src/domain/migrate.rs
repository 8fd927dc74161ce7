//! May a running case go on under another version of its definition?
//!
//! Where the shapes match: whatever waits has the same step there, in the same branch of the same fork, so that every join
//! gets what it waits for. What the case has done stays as it was done.

use motcua_platform::{error::Error, ledger::Decision, time::to_proto};
use motcua_proto::{
    events::v1::{self as events, event::Payload},
    workflow::v1::CaseState,
};

use super::{
    case::Case,
    decide::Desk,
    definition::{Definition, Step},
    scene::{Scene, definition_of},
    standing::ARTICLE_WORK,
};

impl Desk<'_> {
    pub(super) fn migrate(&self, version: i32) -> Result<Decision, Error> {
        let case = self.case;
        if case.state != CaseState::Held {
            self.running(ARTICLE_WORK)?;
        }
        self.for_competent_agency(ARTICLE_WORK)?;
        if version == case.definition_version {
            return Ok(self.decision(Vec::new()));
        }
        let before = definition_of(case, self.surround)?;
        let after = self
            .surround
            .definitions
            .get(&case.definition, version)
            .ok_or_else(|| Error::Missing {
                name: format!("definitions/{} version {version}", case.definition),
            })?;
        let joins = fits(case, &before, &after)
            .and_then(|joins| Scene::check_units_of(case, &after, self.surround).map(|()| joins))
            .map_err(|reason| {
                self.refuse(
                    &format!("the case does not fit version {version}: {reason}"),
                    ARTICLE_WORK,
                    "let it end under its own version, or publish one that keeps what waits",
                )
            })?;
        Ok(
            self.decision(vec![Payload::CaseMigrated(events::CaseMigrated {
                definition: case.definition.clone(),
                from_version: case.definition_version,
                to_version: version,
                joins,
                migrated_at: Some(to_proto(self.context.now)),
            })]),
        )
    }
}

/// The joins that branches are under way to, or why the case does not fit.
fn fits(case: &Case, before: &Definition, after: &Definition) -> Result<Vec<String>, String> {
    let mut joins = Vec::new();
    for step in waiting(case) {
        same_step(step, before, after)?;
        let mut branch = before.branch_of(step);
        if after.branch_of(step) != branch {
            return Err(format!("step '{step}' lies in another branch there"));
        }
        while !branch.is_empty() {
            let (fork, join) = fork_with(before, branch)
                .ok_or_else(|| format!("branch '{branch}' belongs to no fork"))?;
            if before.step(fork) != after.step(fork) {
                return Err(format!("fork '{fork}' has other branches there"));
            }
            if !joins.contains(join) {
                joins.push(join.clone());
            }
            branch = before.branch_of(fork);
        }
    }
    for (step, call) in after.calls() {
        let pinned = case.called(step);
        if pinned.is_none_or(|pinned| pinned.procedure != call.procedure) {
            return Err(format!(
                "step '{step}' calls what the case had no definition for when it began"
            ));
        }
    }
    Ok(joins)
}

/// The steps of the case's own definition that something waits at, or may go back to.
fn waiting(case: &Case) -> impl Iterator<Item = &str> {
    let own = |call: &str| call.is_empty();
    let tasks = case
        .waiting()
        .filter(move |(_, task)| own(&task.call))
        .flat_map(|(_, task)| {
            std::iter::successors(Some(task), |task| case.task(&task.previous))
                .map(|task| task.step.as_str())
        });
    let timers = case
        .timers
        .iter()
        .filter(move |timer| own(&timer.call) && case.waits(timer))
        .map(|timer| timer.step.as_str());
    let calls = case
        .sub_cases
        .iter()
        .filter(|sub_case| sub_case.finished_at.is_none())
        .map(|sub_case| sub_case.branch.as_str());
    tasks.chain(timers).chain(calls)
}

/// What waits at a step waits for the same people, or the same system.
fn same_step(id: &str, before: &Definition, after: &Definition) -> Result<(), String> {
    let same = match (before.step(id), after.step(id)) {
        (Some(Step::Task(before)), Some(Step::Task(after))) => {
            let system = |task: &super::definition::Task| {
                task.external
                    .as_ref()
                    .map(|external| external.system.clone())
            };
            before.role == after.role
                && before.agency == after.agency
                && before.group == after.group
                && system(before) == system(after)
        }
        (Some(Step::Timer(_)), Some(Step::Timer(_))) => true,
        (Some(Step::Call(before)), Some(Step::Call(after))) => {
            before.procedure == after.procedure && before.agency == after.agency
        }
        _ => false,
    };
    if same {
        Ok(())
    } else {
        Err(format!("step '{id}' is not there, or is for somebody else"))
    }
}

/// The fork that a branch belongs to, and its join.
fn fork_with<'d>(definition: &'d Definition, branch: &str) -> Option<(&'d str, &'d String)> {
    definition.steps().find_map(|(id, step)| match step {
        Step::Fork { branches, join } if branches.iter().any(|of| of.to == branch) => {
            Some((id, join))
        }
        _ => None,
    })
}
