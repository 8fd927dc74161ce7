//! Who finds which case, and who may not act on one.

use motcua_proto::{
    r#type::v1::{PriorityGround, Role},
    workflow::v1::{
        ClaimTaskRequest, CompleteTaskRequest, GetCaseRequest, GetControlSheetRequest,
        ListCasesRequest, ListTasksRequest, case_service_client::CaseServiceClient,
        task_service_client::TaskServiceClient,
    },
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    life::tables_equal_history,
    world::{World, catalog, death, simple},
};

const LINKED: &str = "H24.11593-250701-0001";
const SIMPLE: &str = "H24.11593-250701-0002";
const NONE: &str = "H24.11593-250701-9999";

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

fn claim(code: &str, task: &str) -> ClaimTaskRequest {
    ClaimTaskRequest {
        name: format!("cases/{code}/tasks/{task}"),
        request_id: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_found_by_its_agencies_and_does_not_exist_for_others() {
    let mut world = World::open().await;
    world.publishes(simple()).await.unwrap();
    world.publishes(death()).await.unwrap();
    world.intake.applies(catalog());
    world
        .intake
        .accepts(LINKED, "2.002622", "death", PriorityGround::Unspecified);
    world
        .intake
        .accepts(SIMPLE, "1.000001", "simple", PriorityGround::Unspecified);
    world.has_followed(3).await;
    let complete = CompleteTaskRequest {
        name: format!("cases/{LINKED}/tasks/t1"),
        outcome: "registered".into(),
        request_id: String::new(),
        ..Default::default()
    };
    world.tasks.complete_task(complete).await.unwrap();

    for (agencies, cases, tasks) in [
        (&["11593"][..], &[LINKED, SIMPLE][..], 2),
        // It works on a branch.
        (&["11593-ca"], &[LINKED], 1),
        (&["11593", "11593-ca"], &[LINKED, SIMPLE], 3),
        (&["11407"], &[], 0),
        (&["11407", "11593-ca"], &[LINKED], 1),
        (&[], &[], 0),
    ] {
        let way = world.way_of("somebody-1", &[Role::Officer], agencies);
        let mut at_cases = CaseServiceClient::new(way.clone());
        let mut at_tasks = TaskServiceClient::new(way);
        for competent_agency in ["", "11593"] {
            let request = ListCasesRequest {
                competent_agency: competent_agency.into(),
                ..ListCasesRequest::default()
            };
            let listed = at_cases.list_cases(request).await.unwrap().into_inner();
            let codes: Vec<_> = listed.cases.iter().map(|case| case.code.as_str()).collect();
            assert_eq!(codes, cases, "{agencies:?} {competent_agency}");
        }
        let listed = at_tasks.list_tasks(ListTasksRequest::default()).await;
        assert_eq!(listed.unwrap().into_inner().tasks.len(), tasks);
        let wards = ListTasksRequest {
            agency: "11593".into(),
            ..ListTasksRequest::default()
        };
        let listed = at_tasks.list_tasks(wards).await.unwrap().into_inner();
        assert_eq!(listed.tasks.is_empty(), !agencies.contains(&"11593"));
        for code in [LINKED, SIMPLE, NONE] {
            let name = format!("cases/{code}");
            let shown = at_cases
                .get_case(GetCaseRequest { name: name.clone() })
                .await;
            let sheet = at_cases
                .get_control_sheet(GetControlSheetRequest { name: name.clone() })
                .await;
            let claimed = at_tasks.claim_task(claim(code, "t99")).await;
            assert_eq!(shown.is_ok(), cases.contains(&code));
            assert_eq!(sheet.is_ok(), cases.contains(&code));
            // As what does not exist.
            let missing = format!("{name} does not exist");
            if !cases.contains(&code) {
                for status in [shown.unwrap_err(), sheet.unwrap_err(), claimed.unwrap_err()] {
                    assert_eq!(status.code(), Code::NotFound);
                    assert_eq!(status.message(), missing);
                }
            }
        }
    }
    world.closes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_marked_by_intake_does_not_act() {
    let mut world = World::open().await;
    world.publishes(simple()).await.unwrap();
    world.intake.applies(catalog());
    // Before acceptance there is no case, and nothing to mark.
    world.intake.recuses(SIMPLE, "officer-11593-7");
    world
        .intake
        .accepts(SIMPLE, "1.000001", "simple", PriorityGround::Unspecified);
    world.has_followed(3).await;
    world.tasks.claim_task(claim(SIMPLE, "t1")).await.unwrap();
    world.intake.recuses(SIMPLE, "officer-11593-1");
    world.has_followed(4).await;

    let refused = world.tasks.claim_task(claim(SIMPLE, "t1")).await;
    let refused = refused.unwrap_err();
    assert_eq!(reason(&refused), "MOVE_NOT_ALLOWED");
    let metadata = refused.get_details_error_info().unwrap().metadata;
    assert_eq!(metadata["article"], "law 36/2018/QH14, art. 23");
    // What they had in hand is on the worklist again.
    let way = world.way_of("officer-11593-2", &[Role::Officer], &["11593"]);
    let mut colleague = TaskServiceClient::new(way);
    let claimed = colleague.claim_task(claim(SIMPLE, "t1"));
    assert_eq!(
        claimed.await.unwrap().into_inner().assignee,
        "officer-11593-2"
    );
    drop(colleague);
    let sign = world.leaders_tasks.claim_task(claim(SIMPLE, "t1")).await;
    assert_eq!(reason(&sign.unwrap_err()), "MOVE_NOT_ALLOWED");
    tables_equal_history(&world).await;
    world.closes().await;
}
