//! What is done behind the counter. Each helper is one act, and fails the test when it is refused.

use motcua_platform::time::to_proto;
use motcua_proto::{
    r#type::v1::Role,
    workflow::v1::{
        Case, ChooseLimitRequest, ClaimTaskRequest, CompleteTaskRequest, ControlSheet,
        CreateSubstitutionRequest, ExtendDeadlineRequest, GetCaseRequest, GetControlSheetRequest,
        ListTasksRequest, RequestPaymentRequest, RequestSupplementRequest, ReturnTaskRequest,
        StopCaseRequest, Substitution, Task,
        substitution_service_client::SubstitutionServiceClient,
    },
};

use tonic::Status;

use super::{
    papers::WARD,
    people::{GROUND, Person, new_id},
    suite::Service,
    time::proto,
};

impl Person<'_> {
    pub(crate) async fn case(&self, code: &str) -> Case {
        let request = GetCaseRequest {
            name: format!("cases/{code}"),
        };
        self.cases()
            .get_case(request)
            .await
            .expect("it has begun")
            .into_inner()
    }

    pub(crate) async fn control_sheet(&self, code: &str) -> ControlSheet {
        let request = GetControlSheetRequest {
            name: format!("cases/{code}"),
        };
        self.cases()
            .get_control_sheet(request)
            .await
            .expect("it has begun")
            .into_inner()
    }

    /// The worklist of this person's role at an agency, without what stands still.
    pub(crate) async fn worklist(&self, agency: &str) -> Vec<Task> {
        let request = ListTasksRequest {
            agency: agency.to_owned(),
            role: self.role(),
            without_held: true,
            ..ListTasksRequest::default()
        };
        self.tasks()
            .list_tasks(request)
            .await
            .expect("workflow answers")
            .into_inner()
            .tasks
    }

    /// The dossier's only task in this person's worklist at an agency.
    pub(crate) async fn task(&self, agency: &str, code: &str) -> Task {
        let mut tasks = self.worklist(agency).await;
        tasks.retain(|task| task.dossier == code);
        assert_eq!(tasks.len(), 1, "{code} at {agency}: {tasks:#?}");
        tasks.remove(0)
    }

    pub(crate) async fn claims(&self, task: &Task) -> Task {
        let request = ClaimTaskRequest {
            name: task.name.clone(),
            request_id: new_id(),
        };
        self.tasks()
            .claim_task(request)
            .await
            .expect("it is claimed")
            .into_inner()
    }

    pub(crate) fn completing(task: &Task, outcome: &str) -> CompleteTaskRequest {
        CompleteTaskRequest {
            name: task.name.clone(),
            outcome: outcome.to_owned(),
            request_id: new_id(),
            ..CompleteTaskRequest::default()
        }
    }

    pub(crate) async fn completes(&self, task: &Task, outcome: &str) -> Task {
        self.tasks()
            .complete_task(Self::completing(task, outcome))
            .await
            .expect("it is completed")
            .into_inner()
    }

    /// Refuses what was asked for, with a reason.
    pub(crate) async fn rejects(&self, task: &Task) -> Task {
        let refusing = CompleteTaskRequest {
            reason: "Chưa thực hiện nghĩa vụ khai báo".to_owned(),
            ground: "Điều 24 Luật Cư trú".to_owned(),
            ..Self::completing(task, "rejected")
        };
        let refused = self.tasks().complete_task(refusing).await;
        refused.expect("it is refused").into_inner()
    }

    /// Takes the dossier's task from the worklist, approves, and lets everything follow.
    pub(crate) async fn approves(&self, agency: &str, code: &str) -> Task {
        let done = self.claims_and_approves(agency, code).await;
        self.suite.settle().await;
        done
    }

    /// The same, while another dossier is set aside.
    pub(crate) async fn approves_around(&self, agency: &str, code: &str) -> Task {
        let done = self.claims_and_approves(agency, code).await;
        self.suite.settle_around_parked().await;
        done
    }

    async fn claims_and_approves(&self, agency: &str, code: &str) -> Task {
        let task = self.task(agency, code).await;
        self.claims(&task).await;
        self.completes(&task, "approved").await
    }

    pub(crate) async fn returns(&self, task: &Task, reason: &str) -> Task {
        let request = ReturnTaskRequest {
            name: task.name.clone(),
            reason: reason.to_owned(),
            request_id: new_id(),
        };
        self.tasks()
            .return_task(request)
            .await
            .expect("it goes back")
            .into_inner()
    }

    pub(crate) fn asking(code: &str, missing: &str) -> RequestSupplementRequest {
        RequestSupplementRequest {
            name: format!("cases/{code}"),
            missing: missing.to_owned(),
            ground: GROUND.to_owned(),
            etag: String::new(),
            request_id: new_id(),
            ..RequestSupplementRequest::default()
        }
    }

    /// During the case.
    pub(crate) async fn requests(&self, code: &str, missing: &str) -> Case {
        self.cases()
            .request_supplement(Self::asking(code, missing))
            .await
            .expect("it is asked for")
            .into_inner()
    }

    pub(crate) async fn requests_payment(&self, code: &str) -> Result<Case, Status> {
        let request = RequestPaymentRequest {
            name: format!("cases/{code}"),
            request_id: new_id(),
            ..RequestPaymentRequest::default()
        };
        Ok(self.cases().request_payment(request).await?.into_inner())
    }

    pub(crate) fn extending(code: &str, to: &str) -> ExtendDeadlineRequest {
        ExtendDeadlineRequest {
            name: format!("cases/{code}"),
            due_at: proto(to),
            reason: "Cần xác minh thêm tại nơi cư trú trước đây".to_owned(),
            etag: String::new(),
            request_id: new_id(),
        }
    }

    /// Another limit of the procedure.
    pub(crate) async fn chooses(&self, code: &str, limit: &str) -> Result<Case, Status> {
        let request = ChooseLimitRequest {
            name: format!("cases/{code}"),
            limit: limit.to_owned(),
            reason: "Phải xác minh tình trạng hôn nhân tại nơi cư trú trước đây".to_owned(),
            request_id: new_id(),
            ..ChooseLimitRequest::default()
        };
        Ok(self.cases().choose_limit(request).await?.into_inner())
    }

    /// Somebody stands in for this leader for some days.
    pub(crate) async fn is_stood_in_for_by(&self, substitute: &str, days: [&str; 2]) {
        let [from, until] = days.map(|day| {
            let begin = format!("{day}T00:00:00+07:00");
            Some(to_proto(begin.parse().expect("a day")))
        });
        let request = CreateSubstitutionRequest {
            substitution: Some(Substitution {
                agency: WARD.to_owned(),
                absent: self.id().to_owned(),
                substitute: substitute.to_owned(),
                role: Role::Leader.into(),
                from,
                until,
                ground: "12/QĐ-UBND".to_owned(),
                ..Substitution::default()
            }),
            ..CreateSubstitutionRequest::default()
        };
        SubstitutionServiceClient::new(self.peer(Service::Workflow))
            .create_substitution(request)
            .await
            .expect("it is decided");
    }

    pub(crate) async fn extends(&self, code: &str, to: &str) -> Case {
        self.cases()
            .extend_deadline(Self::extending(code, to))
            .await
            .expect("it is extended")
            .into_inner()
    }

    pub(crate) async fn stops(&self, code: &str, reason: &str) -> Case {
        let request = StopCaseRequest {
            name: format!("cases/{code}"),
            reason: reason.to_owned(),
            ground: GROUND.to_owned(),
            etag: String::new(),
            request_id: new_id(),
        };
        self.cases()
            .stop_case(request)
            .await
            .expect("it is stopped")
            .into_inner()
    }
}
