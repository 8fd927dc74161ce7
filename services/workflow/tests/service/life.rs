//! Cases from acceptance to their ends.

use motcua_platform::time::{Instant, to_proto};
use motcua_proto::{
    events::v1::{Event, EventKind as K},
    r#type::v1::{PriorityGround, Punctuality, Role},
    workflow::v1::{
        CaseState, ClaimTaskRequest, CompleteTaskRequest, ExtendDeadlineRequest, GetCaseRequest,
        GetControlSheetRequest, GetDefinitionRequest, ListCasesRequest, ListDefinitionsRequest,
        ListTasksRequest, PublishDefinitionRequest, RequestSupplementRequest, ReturnTaskRequest,
        StopCaseRequest, TaskState,
    },
};
use motcua_workflow::domain::{Case, apply};
use tonic::Code;

use crate::world::{World, at, catalog, death, simple};

const FIRST: &str = "H24.11593-250701-0001";
const SECOND: &str = "H24.11593-250701-0002";
const THIRD: &str = "H24.11593-250701-0003";

fn name(code: &str) -> String {
    format!("cases/{code}")
}

fn task_name(code: &str, task: &str) -> String {
    format!("cases/{code}/tasks/{task}")
}

fn completed(code: &str, task: &str, outcome: &str) -> CompleteTaskRequest {
    // One id for each task: asked again, it is the same request.
    let id = format!(
        "00000000-0000-4000-8000-{:0>4}{:0>8}",
        &code[code.len() - 4..],
        &task[1..]
    );
    CompleteTaskRequest {
        name: task_name(code, task),
        outcome: outcome.to_owned(),
        request_id: id,
        ..CompleteTaskRequest::default()
    }
}

/// What lies in the tables is what the history tells, and the worklist is what the states say.
pub(crate) async fn tables_equal_history(world: &World) {
    let history = world.history().await;
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT code, state::text FROM cases ORDER BY code")
            .fetch_all(&world.pool)
            .await
            .unwrap();
    for (code, state) in rows {
        let stored: Case = serde_json::from_str(&state).unwrap();
        let events = history.iter().filter(|event| event.name == name(&code));
        let replayed = events.fold(None, |case, event: &Event| apply(case, event));
        assert_eq!(Some(stored.clone()), replayed);
        let listed: Vec<(i32, i16, String, bool)> = sqlx::query_as(
            "SELECT number, state_number, assignee, held FROM task WHERE dossier = $1 ORDER BY number",
        )
        .bind(&code)
        .fetch_all(&world.pool)
        .await
        .unwrap();
        assert_eq!(listed.len(), stored.tasks.len());
        for ((number, state, assignee, held), (index, task)) in
            listed.into_iter().zip(stored.tasks.iter().enumerate())
        {
            assert_eq!(number, i32::try_from(index).unwrap() + 1);
            assert_eq!(i32::from(state), i32::from(task.state));
            assert_eq!(assignee, task.assignee);
            assert!(!task.is_waiting() || held == stored.holds_up(task));
        }
        branches_stand_as_in(&code, &stored, world).await;
    }
}

/// There is a row of each branch for each of the case's tenants: 1 and 2 while it is under way, 3 and 4 after that, the even
/// ones where it is overdue.
async fn branches_stand_as_in(code: &str, case: &Case, world: &World) {
    let listed: Vec<(i32, String, String, i16, bool)> = sqlx::query_as(
        "SELECT number, tenant, agency, standing, due_at = ($2::timestamptz[])[number] FROM sub_case \
         WHERE dossier = $1 ORDER BY number, tenant",
    )
    .bind(code)
    .bind(
        case.sub_cases
            .iter()
            .map(|sub_case| Instant(sub_case.due_at))
            .collect::<Vec<_>>(),
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let mut tenants = case.tenants();
    tenants.sort();
    let expected: Vec<_> = (1..)
        .zip(&case.sub_cases)
        .flat_map(|(number, sub_case)| {
            let ended = sub_case.finished_at.is_some() || case.is_ended();
            let late = sub_case.overdue || sub_case.punctuality() == Punctuality::Overdue;
            let standing = 1 + 2 * i16::from(ended) + i16::from(late);
            let agency = sub_case.agency.clone();
            let of = move |tenant| (number, tenant, agency.clone(), standing, true);
            tenants.clone().into_iter().map(of)
        })
        .collect();
    assert_eq!(listed, expected, "{code}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ward_works_through_its_cases() {
    let mut world = World::open().await;
    assert_eq!(world.publishes(simple()).await.unwrap().version, 1);
    // Catalog and dossiers in one batch.
    world.intake.applies(catalog());
    world
        .intake
        .accepts(FIRST, "1.000001", "simple", PriorityGround::Unspecified);
    world
        .intake
        .accepts(SECOND, "1.000001", "simple", PriorityGround::Elderly);
    world
        .intake
        .accepts(THIRD, "2.002622", "death", PriorityGround::Unspecified);
    world
        .intake
        .accepts(FIRST, "1.000001", "simple", PriorityGround::Unspecified);
    world.has_followed(5).await;

    // Who has a priority goes first; pages go on by key.
    let mut request = ListTasksRequest {
        page_size: 1,
        agency: "11593".into(),
        ..ListTasksRequest::default()
    };
    let page = world
        .tasks
        .list_tasks(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.tasks[0].name, task_name(SECOND, "t1"));
    assert_eq!(page.tasks[0].title, "Bước appraise");
    assert_eq!(page.tasks[0].outcomes, ["done"]);
    request.page_token = page.next_page_token;
    let page = world.tasks.list_tasks(request).await.unwrap().into_inner();
    assert_eq!(
        (
            page.tasks[0].dossier.as_str(),
            page.next_page_token.as_str()
        ),
        (FIRST, "")
    );

    // The third waits in plain sight for its definition, and begins with it.
    let blocked = world
        .cases
        .get_case(GetCaseRequest { name: name(THIRD) })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(blocked.state(), CaseState::Blocked);
    assert!(blocked.blocked_reason.contains("'death'"));
    world.publishes(death()).await.unwrap();
    let begun = world
        .cases
        .get_case(GetCaseRequest { name: name(THIRD) })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (begun.state(), begun.definition_version),
        (CaseState::Running, 1)
    );

    // Claimed and done; the same request again gets the same answer at the same position.
    let claim = ClaimTaskRequest {
        name: task_name(FIRST, "t1"),
        request_id: String::new(),
    };
    let claimed = world.tasks.claim_task(claim).await.unwrap().into_inner();
    assert_eq!(
        (claimed.state(), claimed.assignee.as_str()),
        (TaskState::Claimed, "officer-11593-1")
    );
    world.hand.set(at("2025-07-01T09:30"));
    let done = world
        .tasks
        .complete_task(completed(FIRST, "t1", "done"))
        .await
        .unwrap();
    let again = world
        .tasks
        .complete_task(completed(FIRST, "t1", "done"))
        .await
        .unwrap();
    assert!(done.metadata().get("motcua-position").is_some());
    assert_eq!(
        done.metadata().get("motcua-position"),
        again.metadata().get("motcua-position")
    );
    assert_eq!(done.get_ref(), again.get_ref());
    assert_eq!(done.get_ref().used_minutes, 90);

    // A supplement stops the clock; handed in, it moves the due.
    let first = world
        .cases
        .get_case(GetCaseRequest { name: name(FIRST) })
        .await
        .unwrap()
        .into_inner();
    let mut ask = RequestSupplementRequest {
        name: name(FIRST),
        missing: "Giấy chứng sinh".into(),
        ground: "Nghị định 118/2025/NĐ-CP, điều 17".into(),
        etag: "\"1\"".into(),
        ..RequestSupplementRequest::default()
    };
    assert_eq!(
        world
            .cases
            .request_supplement(ask.clone())
            .await
            .unwrap_err()
            .code(),
        Code::Aborted
    );
    ask.etag = first.etag;
    assert_eq!(
        world
            .cases
            .request_supplement(ask)
            .await
            .unwrap()
            .into_inner()
            .state(),
        CaseState::Held
    );
    let held = ListTasksRequest {
        without_held: true,
        ..ListTasksRequest::default()
    };
    let listed = world.tasks.list_tasks(held).await.unwrap().into_inner();
    assert!(listed.tasks.iter().all(|task| task.dossier != FIRST));
    let refused = world
        .leaders_tasks
        .complete_task(completed(FIRST, "t2", "approved"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    tables_equal_history(&world).await;
    world.hand.set(at("2025-07-02T09:30"));
    world
        .intake
        .is_given_a_supplement(FIRST, "2025-07-02T09:00");
    world.has_followed(6).await;
    let resumed = world
        .cases
        .get_case(GetCaseRequest { name: name(FIRST) })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(resumed.due_at, Some(to_proto(at("2025-07-07T17:00"))));

    // An apology in time, and an end after the first due.
    let extended = world
        .leaders_cases
        .extend_deadline(ExtendDeadlineRequest {
            name: name(FIRST),
            due_at: Some(to_proto(at("2025-07-09T10:00"))),
            reason: "Cần xác minh thêm".into(),
            ..ExtendDeadlineRequest::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert!(extended.extended);
    let apology = extended.apology.unwrap();
    assert_eq!(apology.first_due_at, Some(to_proto(at("2025-07-07T17:00"))));
    assert_eq!(apology.due_at, Some(to_proto(at("2025-07-09T10:00"))));
    assert!(apology.made_at.is_some());
    world.hand.set(at("2025-07-08T08:00"));
    let overdue = world.hears(K::CaseOverdue).await;
    assert_ne!(
        overdue.dossier, FIRST,
        "its new date is still to come; the others were due on Friday"
    );
    world
        .leaders_tasks
        .complete_task(completed(FIRST, "t2", "approved"))
        .await
        .unwrap();
    let finished = world
        .cases
        .get_case(GetCaseRequest { name: name(FIRST) })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (finished.state(), finished.punctuality()),
        (CaseState::Finished, Punctuality::Overdue)
    );
    let sheet = world
        .cases
        .get_control_sheet(GetControlSheetRequest { name: name(FIRST) })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(sheet.lines.len(), 2);
    assert_eq!(sheet.lines[0].title, "Bước appraise");

    // The linked procedure, while the applicant of the second withdraws.
    world.intake.ends_by_withdrawal(SECOND, "2025-07-08T08:00");
    world.has_followed(7).await;
    world
        .tasks
        .complete_task(completed(THIRD, "t1", "registered"))
        .await
        .unwrap();
    let linked = world
        .cases
        .get_case(GetCaseRequest { name: name(THIRD) })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(linked.sub_cases.len(), 2);
    assert_eq!(
        (
            linked.tasks[1].agency.as_str(),
            linked.tasks[1].title.as_str()
        ),
        ("11593-ca", "Bước appraise")
    );
    let returned = world
        .tasks
        .return_task(ReturnTaskRequest {
            name: task_name(THIRD, "t2"),
            reason: "Thiếu sổ".into(),
            request_id: String::new(),
        })
        .await;
    assert_eq!(returned.unwrap_err().code(), Code::FailedPrecondition);
    let stopped = world
        .cases
        .stop_case(StopCaseRequest {
            name: name(THIRD),
            reason: "Không đủ điều kiện".into(),
            ground: "Nghị định 118/2025/NĐ-CP".into(),
            ..StopCaseRequest::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stopped.state(), CaseState::Stopped);

    let ended = ListTasksRequest {
        states: vec![
            TaskState::Cancelled.into(),
            TaskState::Completed.into(),
            TaskState::Open.into(),
        ],
        role: Role::Officer.into(),
        ..ListTasksRequest::default()
    };
    let ended = world.tasks.list_tasks(ended).await.unwrap().into_inner();
    assert_eq!(ended.tasks.len(), 5);
    assert_eq!(ended.tasks[0].dossier, SECOND, "with a priority");
    let request = ListCasesRequest {
        page_size: 2,
        ..ListCasesRequest::default()
    };
    let page = world
        .cases
        .list_cases(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        page.cases
            .iter()
            .map(|case| case.code.as_str())
            .collect::<Vec<_>>(),
        [SECOND, THIRD]
    );
    let request = ListCasesRequest {
        page_token: page.next_page_token,
        ..request
    };
    let page = world.cases.list_cases(request).await.unwrap().into_inner();
    assert_eq!(page.cases[0].code, FIRST);
    let stopped = ListCasesRequest {
        states: vec![CaseState::Stopped.into()],
        ..ListCasesRequest::default()
    };
    assert_eq!(
        world
            .cases
            .list_cases(stopped)
            .await
            .unwrap()
            .into_inner()
            .cases
            .len(),
        1
    );

    let ignored = world.hears(K::ReactionIgnored).await;
    assert_eq!(ignored.dossier, FIRST, "it was accepted twice");
    tables_equal_history(&world).await;
    world.closes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_are_published_in_versions_and_faults_are_named_at_once() {
    let mut world = World::open().await;
    let mut faulty = simple();
    faulty.title.clear();
    faulty.steps.pop();
    let refused = world.publishes(faulty).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("definition.title")
            && refused.message().contains("transitions[0].to")
    );

    let check = PublishDefinitionRequest {
        definition: Some(simple()),
        validate_only: true,
        ..PublishDefinitionRequest::default()
    };
    assert_eq!(
        world
            .definitions
            .publish_definition(check)
            .await
            .unwrap()
            .into_inner()
            .version,
        0
    );
    let missing = GetDefinitionRequest {
        name: "definitions/simple".into(),
        version: 0,
    };
    assert_eq!(
        world
            .definitions
            .get_definition(missing.clone())
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );

    assert_eq!(world.publishes(simple()).await.unwrap().version, 1);
    assert_eq!(
        world.publishes(simple()).await.unwrap().version,
        1,
        "the same content again"
    );
    let mut next = simple();
    next.title = "Quy trình rút gọn".into();
    assert_eq!(world.publishes(next).await.unwrap().version, 2);
    world.publishes(death()).await.unwrap();

    let newest = world
        .definitions
        .get_definition(missing.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (newest.version, newest.title.as_str()),
        (2, "Quy trình rút gọn")
    );
    let first = GetDefinitionRequest {
        version: 1,
        ..missing.clone()
    };
    assert_eq!(
        world
            .definitions
            .get_definition(first)
            .await
            .unwrap()
            .into_inner()
            .title,
        "Quy trình"
    );
    let none = GetDefinitionRequest {
        version: 9,
        ..missing
    };
    assert_eq!(
        world
            .definitions
            .get_definition(none)
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    let request = ListDefinitionsRequest {
        page_size: 1,
        ..ListDefinitionsRequest::default()
    };
    let page = world
        .definitions
        .list_definitions(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.definitions[0].id, "death");
    let request = ListDefinitionsRequest {
        page_token: page.next_page_token,
        ..ListDefinitionsRequest::default()
    };
    let page = world
        .definitions
        .list_definitions(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (page.definitions[0].id.as_str(), page.definitions[0].version),
        ("simple", 2)
    );
    assert_eq!(world.history().await.len(), 3);
    world.closes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused_and_never_a_failure_of_ours() {
    let mut world = World::open().await;
    for status in [
        world
            .cases
            .get_case(GetCaseRequest {
                name: "case/1".into(),
            })
            .await
            .unwrap_err(),
        world
            .cases
            .request_supplement(RequestSupplementRequest::default())
            .await
            .unwrap_err(),
        world
            .leaders_cases
            .extend_deadline(ExtendDeadlineRequest::default())
            .await
            .unwrap_err(),
        world
            .cases
            .stop_case(StopCaseRequest::default())
            .await
            .unwrap_err(),
        world
            .cases
            .get_control_sheet(GetControlSheetRequest::default())
            .await
            .unwrap_err(),
        world
            .cases
            .list_cases(ListCasesRequest {
                page_size: -1,
                page_token: "zz".into(),
                states: vec![99],
                ..Default::default()
            })
            .await
            .unwrap_err(),
        world
            .tasks
            .claim_task(ClaimTaskRequest::default())
            .await
            .unwrap_err(),
        world
            .tasks
            .complete_task(CompleteTaskRequest::default())
            .await
            .unwrap_err(),
        world
            .tasks
            .return_task(ReturnTaskRequest {
                name: "cases/x/tasks/t1".into(),
                ..Default::default()
            })
            .await
            .unwrap_err(),
        world
            .tasks
            .list_tasks(ListTasksRequest {
                role: 99,
                agency: "é".into(),
                ..Default::default()
            })
            .await
            .unwrap_err(),
        world
            .definitions
            .publish_definition(PublishDefinitionRequest::default())
            .await
            .unwrap_err(),
        world
            .definitions
            .get_definition(GetDefinitionRequest {
                name: String::new(),
                version: -1,
            })
            .await
            .unwrap_err(),
        world
            .definitions
            .list_definitions(ListDefinitionsRequest {
                page_token: "7".into(),
                ..Default::default()
            })
            .await
            .unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    }
    for status in [
        world
            .cases
            .get_case(GetCaseRequest { name: name(FIRST) })
            .await
            .unwrap_err(),
        world
            .cases
            .get_control_sheet(GetControlSheetRequest { name: name(FIRST) })
            .await
            .unwrap_err(),
        world
            .tasks
            .complete_task(completed(FIRST, "t1", "done"))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
    }
    world.closes().await;
}
