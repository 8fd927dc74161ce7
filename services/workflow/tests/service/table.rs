//! The table of what is asked behind the counter, walked over gRPC: every status of a case met by every method.

use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::EventKind as K,
    r#type::v1::{Limit, OtherLimit, PriorityGround, Role, limit::Kind},
    workflow::v1::{
        Case, CaseState, ChooseLimitRequest, ClaimTaskRequest, CompleteTaskRequest, Definition,
        DelegateTaskRequest, ExtendDeadlineRequest, GetCaseRequest, MigrateCaseRequest,
        ReleaseTaskRequest, RequestPaymentRequest, RequestSupplementRequest, ReturnTaskRequest,
        StopCaseRequest, case_service_client::CaseServiceClient,
        task_service_client::TaskServiceClient,
    },
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{World, at, catalog, simple};

const README: &str = include_str!("../../../intake/README.md");

/// The cells by row: the row's name, and one cell for each column.
fn table() -> Vec<(&'static str, Vec<&'static str>)> {
    let (_, rest) = README
        .split_once("<!-- table behind the counter -->\n")
        .unwrap();
    let (table, _) = rest
        .split_once("<!-- /table behind the counter -->")
        .unwrap();
    let cells = |line: &'static str| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        (cells.next().unwrap(), cells.collect())
    };
    table.lines().skip(2).map(cells).collect()
}

fn status(case: &Case) -> &'static str {
    match case.state() {
        CaseState::Held if case.holds.last().is_some_and(|hold| hold.payment) => "6",
        CaseState::Held => "5",
        CaseState::Withdrawn => "7",
        CaseState::Stopped => "8",
        CaseState::Finished => "9",
        CaseState::Blocked => "2",
        CaseState::Running | CaseState::Unspecified => "4",
    }
}

/// Somebody who appraises and decides.
struct Both {
    cases: CaseServiceClient<motcua_platform::rpc::Peer>,
    tasks: TaskServiceClient<motcua_platform::rpc::Peer>,
}

impl Both {
    async fn asks(&mut self, method: &str, code: &str) -> Result<(), Status> {
        let name = format!("cases/{code}");
        let task = format!("{name}/tasks/t2");
        let reason = "cần xác minh".to_owned();
        let ground = "điều 17".to_owned();
        match method {
            "RequestSupplement of the case" => {
                let request = RequestSupplementRequest {
                    name,
                    missing: "Giấy chứng sinh".to_owned(),
                    ground,
                    ..Default::default()
                };
                self.cases.request_supplement(request).await.map(drop)
            }
            "RequestPayment" => {
                let request = RequestPaymentRequest {
                    name,
                    amount_vnd: 300_000,
                    reason,
                    ground,
                    ..Default::default()
                };
                self.cases.request_payment(request).await.map(drop)
            }
            "ExtendDeadline" => {
                let request = ExtendDeadlineRequest {
                    name,
                    due_at: Some(to_proto(at("2025-07-09T10:00"))),
                    reason,
                    ..Default::default()
                };
                self.cases.extend_deadline(request).await.map(drop)
            }
            "ChooseLimit" => {
                let request = ChooseLimitRequest {
                    name,
                    limit: "verified".to_owned(),
                    reason,
                    ..Default::default()
                };
                self.cases.choose_limit(request).await.map(drop)
            }
            "StopCase" => {
                let request = StopCaseRequest {
                    name,
                    reason,
                    ground,
                    ..Default::default()
                };
                self.cases.stop_case(request).await.map(drop)
            }
            "ClaimTask" => {
                let request = ClaimTaskRequest {
                    name: task,
                    ..Default::default()
                };
                self.tasks.claim_task(request).await.map(drop)
            }
            "ReturnTask" => {
                let request = ReturnTaskRequest {
                    name: task,
                    reason,
                    ..Default::default()
                };
                self.tasks.return_task(request).await.map(drop)
            }
            "ReleaseTask" => {
                let request = ReleaseTaskRequest {
                    name: task,
                    ..Default::default()
                };
                self.tasks.release_task(request).await.map(drop)
            }
            "DelegateTask" => {
                let request = DelegateTaskRequest {
                    name: task,
                    assignee: "leader-11593-8".to_owned(),
                    until: Some(to_proto(at("2025-07-02T17:00"))),
                    ..Default::default()
                };
                self.tasks.delegate_task(request).await.map(drop)
            }
            "MigrateCase" => {
                let request = MigrateCaseRequest {
                    name,
                    version: 1,
                    ..Default::default()
                };
                self.cases.migrate_case(request).await.map(drop)
            }
            "CompleteTask, the last" => {
                let request = CompleteTaskRequest {
                    name: task,
                    outcome: "approved".to_owned(),
                    ..Default::default()
                };
                self.tasks.complete_task(request).await.map(drop)
            }
            other => panic!("{other} is no method of this walk"),
        }
    }

    async fn sees(&mut self, code: &str) -> Case {
        let request = GetCaseRequest {
            name: format!("cases/{code}"),
        };
        self.cases.get_case(request).await.unwrap().into_inner()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_status_of_a_case_meets_every_method_as_the_readme_says() {
    let mut world = World::open().await;
    // Cases begin with the second one.
    let second = Definition {
        title: "Quy trình mới".to_owned(),
        ..simple()
    };
    for definition in [simple(), second] {
        world.publishes(definition).await.unwrap();
    }
    let mut catalog = catalog();
    let days = |n: i32| Limit {
        kind: Some(Kind::WorkingDayHalves(2 * n)),
    };
    catalog.procedures[0].other_limits = vec![OtherLimit {
        id: "verified".to_owned(),
        limit: Some(days(5)),
    }];
    world.intake.applies(catalog);
    let mut followed = 1;
    let way = world.way_of("leader-11593-9", &[Role::Leader, Role::Officer], &["11593"]);
    let mut both = Both {
        cases: CaseServiceClient::new(way.clone()),
        tasks: TaskServiceClient::new(way),
    };
    let columns = ["2", "4", "5", "6", "7", "8", "9"];
    let mut number = 0;
    for (method, cells) in table() {
        for (column, cell) in columns.into_iter().zip(cells) {
            number += 1;
            let code = format!("H24.11593-250701-{number:04}");
            let place = format!("{method} in {column}");
            let definition = if column == "2" { "nowhere" } else { "simple" };
            let unspecified = PriorityGround::Unspecified;
            world
                .intake
                .accepts(&code, "1.000001", definition, unspecified);
            followed += 1;
            world.has_followed(followed).await;
            if column != "2" {
                let request = CompleteTaskRequest {
                    name: format!("cases/{code}/tasks/t1"),
                    outcome: "done".to_owned(),
                    ..Default::default()
                };
                world.tasks.complete_task(request).await.unwrap();
            }
            let way = match column {
                "5" => "RequestSupplement of the case",
                "6" => "RequestPayment",
                "8" => "StopCase",
                "9" => "CompleteTask, the last",
                _ => "",
            };
            if column != "2" && matches!(method, "ReleaseTask" | "DelegateTask") {
                both.asks("ClaimTask", &code).await.unwrap();
            }
            if !way.is_empty() {
                both.asks(way, &code).await.unwrap();
            }
            if column == "7" {
                world.intake.ends_by_withdrawal(&code, "2025-07-01T09:00");
                followed += 1;
                world.has_followed(followed).await;
            }
            let before = both.sees(&code).await;
            assert_eq!(status(&before), column, "{place}");
            match both.asks(method, &code).await {
                Ok(()) => {
                    let after = both.sees(&code).await;
                    assert_ne!(after.etag, before.etag, "{place}");
                    match cell {
                        "=" => assert_eq!(status(&after), column, "{place}"),
                        cell => assert_eq!(status(&after), cell, "{place}"),
                    }
                }
                Err(status) if status.code() == Code::NotFound => assert_eq!(cell, "–", "{place}"),
                Err(status) => {
                    assert_eq!(
                        status.code(),
                        Code::FailedPrecondition,
                        "{place}: {status:?}"
                    );
                    let info = status.get_details_error_info().unwrap();
                    let article = info.metadata["article"]
                        .split_once(", art. ")
                        .map_or("fee", |(_, article)| {
                            article.split([',', ' ']).next().unwrap()
                        });
                    assert_eq!(format!("*{article}*"), cell, "{place}: {status:?}");
                    assert_eq!(both.sees(&code).await, before, "{place}");
                }
            }
        }
    }
    world.waits_for_events(K::CaseBlocked, 11).await;
    world.closes().await;
}
