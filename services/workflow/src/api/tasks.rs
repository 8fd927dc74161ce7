//! Tasks over gRPC.

use motcua_platform::{
    call::{Call, acknowledge},
    error::Error,
    ledger::{Accepted, Ledger, Target, turn_of},
    page,
    parse::Fields,
    time::from_proto_opt,
};
use motcua_proto::workflow::v1::{self as proto, TaskState, task_service_server::TaskService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Desk, task_name};
use crate::{
    domain::{Command, Words, fill, show_task},
    store::{self, Cases, Listed, TaskFilter, TaskKey},
};

/// Serves tasks.
#[derive(Debug, Clone)]
pub(crate) struct TaskServer {
    pub(crate) ledger: Ledger<Cases>,
    pub(crate) desk: Desk,
}

impl TaskServer {
    async fn list(&self, call: &Call, mut filter: TaskFilter) -> Result<Vec<Listed>, Error> {
        let mut reading = self.desk.archive.open(call.scope()).await?;
        // Whoever asks for their own has an absent colleague's too.
        if filter.assignees == [call.actor.id.as_str()] {
            let now = self.desk.clock.now();
            let absent = store::absent_colleagues(&mut reading, &call.actor.id, now).await?;
            filter.assignees.extend(absent);
        }
        Ok(store::tasks(&mut reading, &filter).await?)
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
        let reason = outcome_reason(&mut fields, body);
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
    body: &proto::CompleteTaskRequest,
) -> Option<Option<Box<[Words; 2]>>> {
    let reason = fields.optional_text("reason", &body.reason);
    let ground = fields.optional_line("ground", &body.ground);
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
        let size = fields.finish(size)?;
        if filter.states.is_empty() {
            filter.states = vec![TaskState::Open, TaskState::Claimed];
        }
        let listed = self.list(&call, filter).await?;
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
        let (tasks, next_page_token) = page::cut(shown, size, |task: &proto::Task| {
            let number = task
                .name
                .rsplit('t')
                .next()
                .and_then(|number| number.parse().ok())
                .unwrap_or_default();
            let case_due_at = from_proto_opt(task.case_due_at.as_ref()).unwrap_or_default();
            let due_at = from_proto_opt(task.branch_due_at.as_ref())
                .map_or(case_due_at, |due_at| due_at.min(case_due_at));
            TaskKey::new(task.priority(), due_at, task.dossier.clone(), number)
        });
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
        let method = "motcua.workflow.v1.TaskService/ClaimTask";
        let done = self.command(&call, method, &body, [&code, &task], request_id, command);
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
        let request_id = fields.request_id(&body.request_id);
        let (((code, task), answer), request_id) =
            fields.finish(name.zip(answer).zip(request_id))?;
        let command = Command::RecordOutcome {
            task: task.clone(),
            code: answer,
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
