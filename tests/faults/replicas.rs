//! Two processes of one service on one database.

use motcua_proto::workflow::v1::{
    CompleteTaskRequest, GetCaseRequest, case_service_client::CaseServiceClient,
    task_service_client::TaskServiceClient,
};

use super::load::Load;
use crate::support::{Person, Service, Suite, WARD, birth, wait_until};

#[tokio::test]
async fn two_replicas_of_workflow_do_nothing_twice_and_one_goes_on_when_the_other_is_killed() {
    let mut suite = Suite::apart().await;
    suite.clock_at("2025-07-01T08:00").await;
    let replica = suite.replica(Service::Workflow).await;
    let load = Load::begin(&suite, 8);
    load.reaches(1, 3).await;
    suite.kills(Service::Workflow);
    // The other one takes over: cases go on to begin.
    let mut cases = CaseServiceClient::new(suite.supervisor().of(&replica));
    wait_until(
        "the replica has begun what was submitted last",
        async || {
            let name = format!("cases/H24.11593-250701-{:04}", load.acknowledged());
            cases
                .get_case(GetCaseRequest { name })
                .await
                .map(drop)
                .map_err(|status| status.to_string())
        },
    )
    .await;
    suite.restarts(Service::Workflow).await;
    load.ends(&suite).await;
}

#[tokio::test]
async fn a_request_that_both_replicas_get_is_done_once() {
    let mut suite = Suite::apart().await;
    suite.clock_at("2025-07-01T08:00").await;
    let replica = suite.replica(Service::Workflow).await;
    let code = suite.clerk().submits(birth()).await.code;
    suite.settle().await;
    let task = suite.officer().task(WARD, &code).await;
    let request: CompleteTaskRequest = Person::completing(&task, "approved");
    let answers = futures::future::join_all((0..10).map(|n| {
        let peer = if n % 2 == 0 {
            suite.officer().peer(Service::Workflow)
        } else {
            suite.officer().of(&replica)
        };
        let (mut tasks, request) = (TaskServiceClient::new(peer), request.clone());
        async move {
            tasks
                .complete_task(request)
                .await
                .expect("the first answer, or that again")
                .into_inner()
        }
    }))
    .await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    suite.settle().await;
    let kinds = suite.kinds(Service::Workflow, &code).await;
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "TaskCompleted").count(),
        1
    );
}
