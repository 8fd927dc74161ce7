//! Tasks over gRPC.

use std::collections::HashMap;

use motcua_platform::{
    archive::Reading,
    call::{Call, acknowledge},
    error::Error,
    ledger::{Accepted, Context, Ledger, Target, turn_of},
    page,
    parse::Fields,
};
use motcua_proto::workflow::v1::{self as proto, TaskState, task_service_server::TaskService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Desk, task_name};
use crate::{
    domain::{Command, Words, fill, is_workable, show_task, task_id},
    store::{self, Cases, Listed, TaskFilter, TaskKey},
};

/// Serves tasks.
#[derive(Debug, Clone)]
pub(crate) struct TaskServer {
    pub(crate) ledger: Ledger<Cases>,
    pub(crate) desk: Desk,
}

/// Tasks that one call looks at, at most, for those that it asks for: the next page goes on from there.
const LOOKED_AT_MAX: usize = 2_000;

/// How many of them at a time, at least: few of a worklist may be what is asked for.
const LOOKED_AT_ONCE: i64 = 200;
/// Who may work on a task is who may take it.
const CLAIM_TASK: &str = "motcua.workflow.v1.TaskService/ClaimTask";

/// What of a worklist is asked for that no index tells.
#[derive(Debug, Default)]
struct Sieve {
    /// For this named group; any if empty.
    group: String,
    /// What the caller may work on now.
    workable: bool,
}

impl Sieve {
    fn is_open(&self) -> bool {
        self.group.is_empty() && !self.workable
    }
}

/// So many tasks of a worklist that are kept, or a few more, out of at most so many; and where to go on where those came to an
/// end first.
pub(super) async fn sifted(
    reading: &mut Reading,
    mut filter: TaskFilter,
    (wanted, looked_at_max): (usize, usize),
    keeps: impl Fn(&Listed) -> bool,
) -> Result<(Vec<Listed>, Option<TaskKey>), Error> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    loop {
        let rows = store::tasks(reading, &filter).await?;
        looked_at += rows.len();
        let is_last = usize::try_from(filter.rows).is_ok_and(|asked| rows.len() < asked);
        filter.after = rows.last().and_then(Listed::key);
        found.extend(rows.into_iter().filter(|row| keeps(row)));
        if is_last || found.len() >= wanted {
            return Ok((found, None));
        }
        if looked_at >= looked_at_max {
            return Ok((found, filter.after));
        }
    }
}

impl TaskServer {
    /// A page, with one task more where there are more, and where to go on if it ended before it was full.
    async fn list(
        &self,
        call: &Call,
        mut filter: TaskFilter,
        sieve: &Sieve,
    ) -> Result<(Vec<Listed>, Option<TaskKey>), Error> {
        let mut reading = self.desk.archive.open(call.scope()).await?;
        let now = self.desk.clock.now();
        // Whoever asks for their own has an absent colleague's too.
        if filter.assignees == [call.actor.id.as_str()] {
            let own = store::substitutions_of(&mut reading, &call.actor.id, now).await?;
            filter
                .assignees
                .extend(own.into_iter().map(|own| own.absent));
        }
        if sieve.is_open() {
            return Ok((store::tasks(&mut reading, &filter).await?, None));
        }
        let standing = store::substitutions_of(&mut reading, &call.actor.id, now).await?;
        let surround = self.desk.surround.with_substitutions(standing);
        let wanted = usize::try_from(filter.rows).unwrap_or(usize::MAX);
        filter.rows = filter.rows.max(LOOKED_AT_ONCE);
        let authority = call.authority_for(CLAIM_TASK);
        sifted(&mut reading, filter, (wanted, LOOKED_AT_MAX), |row| {
            let task = row.case.tasks.get(row.index);
            let in_group =
                sieve.group.is_empty() || task.is_some_and(|task| task.group == sieve.group);
            let workable = || {
                authority.as_ref().is_some_and(|authority| {
                    let context = Context::new(now, &row.code, authority);
                    is_workable(&row.case, row.index, &context, &surround)
                })
            };
            in_group && (!sieve.workable || workable())
        })
        .await
    }

    /// Asks the ledger, and answers with the task as it now is.
    pub(super) async fn command<M: prost::Message>(
        &self,
        call: &Call,
        method: &'static str,
        body: &M,
        [code, task]: [&String; 2],
        request_id: Option<Uuid>,
        command: Command,
    ) -> Result<Accepted<proto::Task>, Error> {
        let target = Target::Key(code.clone());
        let envelope = call.envelope(method, body, request_id, target, command);
        let accepted = self.ledger.execute(turn_of(code), envelope).await?;
        let case = self.desk.shown_one(call.scope(), accepted.answer).await?;
        let name = format!("cases/{code}/tasks/{task}");
        let answer = case
            .tasks
            .into_iter()
            .find(|task| task.name == name)
            .ok_or_else(|| Error::Fault(format!("{name} is not in its case")))?;
        Ok(Accepted {
            answer,
            position: accepted.position,
        })
    }

    /// Finishes a task.
    pub(super) async fn complete(
        &self,
        call: &Call,
        body: &proto::CompleteTaskRequest,
    ) -> Result<Accepted<proto::Task>, Error> {
        let mut fields = Fields::new();
        let name = task_name(&mut fields, &body.name);
        let outcome = fields.id("outcome", &body.outcome);
        let reason = outcome_reason(&mut fields, [&body.reason, &body.ground]);
        let request_id = fields.request_id(&body.request_id);
        let ((((code, task), outcome), reason), request_id) =
            fields.finish(name.zip(outcome).zip(reason).zip(request_id))?;
        let command = Command::Complete {
            task: task.clone(),
            outcome,
            reason,
        };
        let method = "motcua.workflow.v1.TaskService/CompleteTask";
        self.command(call, method, body, [&code, &task], request_id, command)
            .await
    }
}

/// Why it ends so, and the legal ground: both, or neither.
#[expect(clippy::option_option, reason = "what is wrong is told by `fields`")]
fn outcome_reason(
    fields: &mut Fields,
    [reason, ground]: [&str; 2],
) -> Option<Option<Box<[Words; 2]>>> {
    let reason = fields.optional_text("reason", reason);
    let ground = fields.optional_line("ground", ground);
    let (reason, ground) = reason.zip(ground)?;
    if reason.is_empty() != ground.is_empty() {
        let missing = if reason.is_empty() {
            "reason"
        } else {
            "ground"
        };
        fields.reject(missing, "is required where the other one is given");
        return None;
    }
    let said = !reason.is_empty();
    Some(said.then(|| Box::new([Words::from(reason), Words::from(ground)])))
}

#[tonic::async_trait]
impl TaskService for TaskServer {
    async fn list_tasks(
        &self,
        request: Request<proto::ListTasksRequest>,
    ) -> Result<Response<proto::ListTasksResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let mut filter = TaskFilter {
            after: page::key(&mut fields, &body.page_token).flatten(),
            agency: fields
                .optional_id("agency", &body.agency)
                .unwrap_or_default(),
            role: fields
                .optional_choice("role", body.role)
                .unwrap_or_default(),
            assignees: fields
                .optional_line("assignee", &body.assignee)
                .filter(|assignee| !assignee.is_empty())
                .into_iter()
                .collect(),
            states: fields.choices("states", &body.states).unwrap_or_default(),
            without_held: body.without_held,
            escalated_only: body.escalated_only,
            rows: size.unwrap_or_default() + 1,
        };
        let group = fields.optional_id("group", &body.group);
        let (size, group) = fields.finish(size.zip(group))?;
        let sieve = Sieve {
            group,
            workable: body.workable_only,
        };
        if filter.states.is_empty() {
            filter.states = vec![TaskState::Open, TaskState::Claimed];
        }
        let (listed, goes_on) = self.list(&call, filter, &sieve).await?;
        let wanted: Vec<_> = listed
            .iter()
            .filter_map(|row| row.case.definition_of(row.index))
            .collect();
        self.desk.know(call.scope(), &wanted).await?;
        let shown = listed
            .iter()
            .filter_map(|row| {
                let mut task = show_task(&row.code, &row.case, row.index)?;
                fill(
                    &mut task,
                    &self.desk.surround.definitions,
                    row.case.definition_of(row.index)?,
                    |outcome| row.case.taken(row.index, outcome),
                );
                Some(task)
            })
            .collect();
        let keys: HashMap<_, _> = listed
            .iter()
            .map(|row| {
                let name = format!("cases/{}/tasks/{}", row.code, task_id(row.index));
                (name, row.key())
            })
            .collect();
        let (tasks, mut next_page_token) =
            page::cut(shown, size, |task: &proto::Task| keys.get(&task.name));
        if let Some(key) = goes_on.filter(|_| next_page_token.is_empty()) {
            next_page_token = page::token(&key);
        }
        Ok(Response::new(proto::ListTasksResponse {
            tasks,
            next_page_token,
        }))
    }

    async fn claim_task(
        &self,
        request: Request<proto::ClaimTaskRequest>,
    ) -> Result<Response<proto::Task>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = task_name(&mut fields, &body.name);
        let request_id = fields.request_id(&body.request_id);
        let ((code, task), request_id) = fields.finish(name.zip(request_id))?;
        let command = Command::Claim { task: task.clone() };
        let done = self.command(
            &call,
            CLAIM_TASK,
            &body,
            [&code, &task],
            request_id,
            command,
        );
        Ok(acknowledge(done.await?))
    }

    async fn complete_task(
        &self,
        request: Request<proto::CompleteTaskRequest>,
    ) -> Result<Response<proto::Task>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        Ok(acknowledge(self.complete(&call, &body).await?))
    }

    async fn release_task(
        &self,
        request: Request<proto::ReleaseTaskRequest>,
    ) -> Result<Response<proto::Task>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = task_name(&mut fields, &body.name);
        let request_id = fields.request_id(&body.request_id);
        let ((code, task), request_id) = fields.finish(name.zip(request_id))?;
        let command = Command::Release { task: task.clone() };
        let method = "motcua.workflow.v1.TaskService/ReleaseTask";
        let done = self.command(&call, method, &body, [&code, &task], request_id, command);
        Ok(acknowledge(done.await?))
    }

    async fn delegate_task(
        &self,
        request: Request<proto::DelegateTaskRequest>,
    ) -> Result<Response<proto::Task>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = task_name(&mut fields, &body.name);
        let to = fields.id("assignee", &body.assignee);
        let until = fields.instant("until", body.until.as_ref());
        let request_id = fields.request_id(&body.request_id);
        let ((((code, task), to), until), request_id) =
            fields.finish(name.zip(to).zip(until).zip(request_id))?;
        let command = Command::Delegate {
            task: task.clone(),
            to,
            until,
        };
        let method = "motcua.workflow.v1.TaskService/DelegateTask";
        let done = self.command(&call, method, &body, [&code, &task], request_id, command);
        Ok(acknowledge(done.await?))
    }

    async fn reassign_tasks(
        &self,
        request: Request<proto::ReassignTasksRequest>,
    ) -> Result<Response<proto::ReassignTasksResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        Ok(acknowledge(self.reassign(&call, &body).await?))
    }

    async fn batch_complete_tasks(
        &self,
        request: Request<proto::BatchCompleteTasksRequest>,
    ) -> Result<Response<proto::BatchCompleteTasksResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        Ok(acknowledge(self.complete_all(&call, &body).await?))
    }

    async fn record_external_outcome(
        &self,
        request: Request<proto::RecordExternalOutcomeRequest>,
    ) -> Result<Response<proto::Task>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = task_name(&mut fields, &body.name);
        let answer = fields.line("code", &body.code);
        let reason = outcome_reason(&mut fields, [&body.reason, &body.ground]);
        let request_id = fields.request_id(&body.request_id);
        let ((((code, task), answer), reason), request_id) =
            fields.finish(name.zip(answer).zip(reason).zip(request_id))?;
        let command = Command::RecordOutcome {
            task: task.clone(),
            code: answer,
            reason,
        };
        let method = "motcua.workflow.v1.TaskService/RecordExternalOutcome";
        let done = self.command(&call, method, &body, [&code, &task], request_id, command);
        Ok(acknowledge(done.await?))
    }

    async fn return_task(
        &self,
        request: Request<proto::ReturnTaskRequest>,
    ) -> Result<Response<proto::Task>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = task_name(&mut fields, &body.name);
        let reason = fields.text("reason", &body.reason);
        let request_id = fields.request_id(&body.request_id);
        let (((code, task), reason), request_id) =
            fields.finish(name.zip(reason).zip(request_id))?;
        let command = Command::Return {
            task: task.clone(),
            reason: Words::from(reason),
        };
        let method = "motcua.workflow.v1.TaskService/ReturnTask";
        let done = self.command(&call, method, &body, [&code, &task], request_id, command);
        Ok(acknowledge(done.await?))
    }
}
