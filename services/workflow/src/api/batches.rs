//! Many tasks in one call, each with an outcome of its own.

use std::collections::HashSet;

use futures::future::join_all;
use motcua_platform::{
    call::Call,
    error::Error,
    ledger::{Accepted, Context},
    parse::Fields,
    position::Position,
};
use motcua_proto::workflow::v1::{self as proto, TaskState, task_outcome};
use uuid::Uuid;

use super::tasks::{TaskServer, sifted};
use crate::{
    domain::{Command, gives_out, task_id},
    store::{self, TaskFilter},
};

/// Tasks of one call at most.
const COMPLETIONS_MAX: usize = 100;
/// Tasks that one call gives away at most.
const REASSIGNMENTS_MAX: usize = 500;
/// Tasks that are looked at at a time for them.
const LOOKED_AT_ONCE: i64 = 50;
/// As the contract names it.
const REASSIGN_TASKS: &str = "motcua.workflow.v1.TaskService/ReassignTasks";
/// Colleagues that one call gives tasks to at most.
const COLLEAGUES_MAX: usize = 50;

type Outcome = (String, Result<Accepted<proto::Task>, Error>);

impl TaskServer {
    /// Finishes tasks. None is named twice.
    pub(super) async fn complete_all(
        &self,
        call: &Call,
        body: &proto::BatchCompleteTasksRequest,
    ) -> Result<Accepted<proto::BatchCompleteTasksResponse>, Error> {
        if !(1..=COMPLETIONS_MAX).contains(&body.requests.len()) {
            let range = format!("must be at least one and at most {COMPLETIONS_MAX}");
            return Err(Error::field("requests", range));
        }
        let (mut names, mut ids) = (HashSet::new(), HashSet::new());
        for (index, request) in body.requests.iter().enumerate() {
            if !names.insert(&request.name) {
                let field = format!("requests[{index}].name");
                return Err(Error::field(&field, "stands twice"));
            }
            if !request.request_id.is_empty() && !ids.insert(&request.request_id) {
                let field = format!("requests[{index}].request_id");
                return Err(Error::field(&field, "stands twice"));
            }
        }
        let completing = body
            .requests
            .iter()
            .map(async |request| (request.name.clone(), self.complete(call, request).await));
        let (outcomes, position) = told(join_all(completing).await);
        Ok(Accepted {
            answer: proto::BatchCompleteTasksResponse { outcomes },
            position,
        })
    }

    /// Gives tasks to colleagues, each to whoever has the fewest by then.
    pub(super) async fn reassign(
        &self,
        call: &Call,
        body: &proto::ReassignTasksRequest,
    ) -> Result<Accepted<proto::ReassignTasksResponse>, Error> {
        let mut fields = Fields::new();
        let agency = fields.id("agency", &body.agency);
        let role = fields.optional_choice("role", body.role);
        let from = fields.optional_line("from", &body.from);
        let to = colleagues(&mut fields, &body.to);
        let group = fields.optional_id("group", &body.group);
        let request_id = fields.request_id(&body.request_id);
        let (((((agency, role), from), to), group), request_id) = fields.finish(
            agency
                .zip(role)
                .zip(from)
                .zip(to)
                .zip(group)
                .zip(request_id),
        )?;
        let mut reading = self.desk.archive.open(call.scope()).await?;
        // Whoever may not is told so once, before any task is looked at; of each it is asked again.
        let authority = call
            .authority_for(REASSIGN_TASKS)
            .ok_or(Error::Unauthenticated)?;
        let now = self.desk.clock.now();
        let standing = store::substitutions_of(&mut reading, &call.actor.id, now).await?;
        let surround = self.desk.surround.with_substitutions(standing);
        gives_out(&agency, &Context::new(now, "", &authority), &surround)?;
        let state = if from.is_empty() {
            TaskState::Open
        } else {
            TaskState::Claimed
        };
        let filter = TaskFilter {
            agency,
            role,
            assignees: [from].into_iter().filter(|from| !from.is_empty()).collect(),
            states: vec![state],
            rows: LOOKED_AT_ONCE,
            ..TaskFilter::default()
        };
        // What is asked of another system is nobody's. Whatever else waits there, what is asked for is found.
        let every = (REASSIGNMENTS_MAX, usize::MAX);
        let (listed, _) = sifted(&mut reading, filter, every, |row| {
            let task = row.case.tasks.get(row.index);
            task.is_some_and(|task| task.system.is_empty() && task.group == group)
        })
        .await?;
        let in_hand = store::in_hand(&mut reading, &to).await?;
        let mut loads: Vec<_> = to
            .iter()
            .map(|id| (in_hand.get(id).copied().unwrap_or_default(), id))
            .collect();
        let giving = listed
            .iter()
            .take(REASSIGNMENTS_MAX)
            .map(|row| {
                let task = task_id(row.index);
                let to = least(&mut loads);
                // Each is a request of its own, and the same one when the whole is asked again.
                let own = request_id
                    .map(|id| Uuid::new_v5(&id, format!("{}/{task}", row.code).as_bytes()));
                let command = Command::Reassign {
                    task: task.clone(),
                    to,
                };
                (row, task, own, command)
            })
            .map(async |(row, task, own, command)| {
                let name = format!("cases/{}/tasks/{task}", row.code);
                let of = [&row.code, &task];
                (
                    name,
                    self.command(call, REASSIGN_TASKS, body, of, own, command)
                        .await,
                )
            });
        let (outcomes, position) = told(join_all(giving).await);
        Ok(Accepted {
            answer: proto::ReassignTasksResponse { outcomes },
            position,
        })
    }
}

fn colleagues(fields: &mut Fields, to: &[String]) -> Option<Vec<String>> {
    if !(1..=COLLEAGUES_MAX).contains(&to.len()) {
        fields.reject(
            "to",
            format!("must be at least one and at most {COLLEAGUES_MAX}"),
        );
        return None;
    }
    fields.each("to", to, |fields, path, id| fields.id(path, id))
}

/// Whoever has the fewest; they have one more from now on. Of several, whoever was named first.
fn least(loads: &mut [(i64, &String)]) -> String {
    let fewest = loads.iter_mut().min_by_key(|(load, _)| *load);
    fewest.map_or_else(String::new, |(load, id)| {
        *load += 1;
        (*id).clone()
    })
}

/// What is told of each, and the position after which all of it is there.
fn told(outcomes: Vec<Outcome>) -> (Vec<proto::TaskOutcome>, Option<Position>) {
    let position = outcomes
        .iter()
        .filter_map(|(_, outcome)| outcome.as_ref().ok()?.position.clone())
        .max_by_key(|position| position.position);
    let outcomes = outcomes
        .into_iter()
        .map(|(name, outcome)| proto::TaskOutcome {
            name,
            outcome: Some(match outcome {
                Ok(accepted) => task_outcome::Outcome::Task(accepted.answer),
                Err(error) => task_outcome::Outcome::Error(error.into()),
            }),
        })
        .collect();
    (outcomes, position)
}
