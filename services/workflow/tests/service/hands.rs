//! Tasks from hand to hand, over the network: leases, batches, substitutions and migration.

use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{PriorityGround, Role},
    workflow::v1::{
        BatchCompleteTasksRequest, ClaimTaskRequest, CompleteTaskRequest,
        CreateSubstitutionRequest, DelegateTaskRequest, EndSubstitutionRequest,
        ListSubstitutionsRequest, ListTasksRequest, MigrateCaseRequest, ReassignTasksRequest,
        ReleaseTaskRequest, Substitution, TaskOutcome, TaskState,
        substitution_service_client::SubstitutionServiceClient, task_outcome::Outcome,
        task_service_client::TaskServiceClient,
    },
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    life::tables_equal_history,
    world::{World, at, catalog, simple},
};

pub(crate) const OFFICER: &str = "officer-11593-1";
const SECOND: &str = "officer-11593-2";

pub(crate) fn code(n: usize) -> String {
    format!("H24.11593-250701-{n:04}")
}

pub(crate) fn first(n: usize) -> String {
    format!("cases/{}/tasks/t1", code(n))
}

pub(crate) fn done(n: usize) -> CompleteTaskRequest {
    CompleteTaskRequest {
        name: first(n),
        outcome: "done".into(),
        request_id: format!("00000000-0000-4000-8000-{n:012}"),
        ..CompleteTaskRequest::default()
    }
}

/// A ward with so many cases.
async fn ward(cases: usize) -> World {
    let mut world = World::open().await;
    world.publishes(simple()).await.unwrap();
    world.intake.applies(catalog());
    for n in 1..=cases {
        world
            .intake
            .accepts(&code(n), "1.000001", "simple", PriorityGround::Unspecified);
    }
    let followed = i64::try_from(cases).unwrap() + 1;
    world.has_followed(followed).await;
    world
}

fn told(outcomes: &[TaskOutcome]) -> Vec<(&str, Result<&str, i32>)> {
    outcomes
        .iter()
        .map(|outcome| {
            let what = match outcome.outcome.as_ref().unwrap() {
                Outcome::Task(task) => Ok(task.assignee.as_str()),
                Outcome::Error(error) => Err(error.code),
            };
            (outcome.name.as_str(), what)
        })
        .collect()
}

#[tokio::test]
async fn a_lease_ends_by_the_clock_and_a_delegation_comes_back() {
    let mut world = ward(1).await;
    let claim = ClaimTaskRequest {
        name: first(1),
        ..ClaimTaskRequest::default()
    };
    let claimed = world
        .tasks
        .claim_task(claim.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(claimed.lease_until, Some(to_proto(at("2025-07-01T14:00"))));
    let delegate = DelegateTaskRequest {
        name: first(1),
        assignee: SECOND.into(),
        until: Some(to_proto(at("2025-07-01T10:00"))),
        ..DelegateTaskRequest::default()
    };
    let delegated = world
        .tasks
        .delegate_task(delegate)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (delegated.assignee.as_str(), delegated.delegated_by.as_str()),
        (SECOND, OFFICER)
    );
    world.hand.set(at("2025-07-01T10:00"));
    let released = world.hears(K::TaskReleased).await;
    let Some(Payload::TaskReleased(released)) = released.payload else {
        panic!("{released:?}")
    };
    assert_eq!(released.assignee, OFFICER);
    let release = ReleaseTaskRequest {
        name: first(1),
        ..ReleaseTaskRequest::default()
    };
    let open = world
        .tasks
        .release_task(release)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (open.state(), open.assignee.as_str()),
        (TaskState::Open, "")
    );
    tables_equal_history(&world).await;
    world.closes().await;
}

#[tokio::test]
async fn a_leader_spreads_what_waits_over_colleagues_and_each_has_its_outcome() {
    let mut world = ward(5).await;
    // The second has one in hand already.
    let mut second = TaskServiceClient::new(world.way_of(SECOND, &[Role::Officer], &["11593"]));
    let claim = ClaimTaskRequest {
        name: first(5),
        ..ClaimTaskRequest::default()
    };
    second.claim_task(claim).await.unwrap();
    let reassign = ReassignTasksRequest {
        agency: "11593".into(),
        to: vec![SECOND.into(), OFFICER.into()],
        request_id: "00000000-0000-4000-8000-00000000abcd".into(),
        ..ReassignTasksRequest::default()
    };
    let answer = world
        .leaders_tasks
        .reassign_tasks(reassign.clone())
        .await
        .unwrap();
    assert!(answer.metadata().get("motcua-position").is_some());
    let given = answer.into_inner().outcomes;
    let names: Vec<_> = (1..=4).map(first).collect();
    assert_eq!(
        told(&given),
        [
            (names[0].as_str(), Ok(OFFICER)),
            (names[1].as_str(), Ok(SECOND)),
            (names[2].as_str(), Ok(OFFICER)),
            (names[3].as_str(), Ok(SECOND)),
        ]
    );
    // Asked again, nothing is left that waits for nobody.
    let again = world.leaders_tasks.reassign_tasks(reassign).await.unwrap();
    assert!(again.into_inner().outcomes.is_empty());
    // Everything that one colleague has, to the other: they are away.
    let all = ReassignTasksRequest {
        agency: "11593".into(),
        from: SECOND.into(),
        to: vec![OFFICER.into()],
        ..ReassignTasksRequest::default()
    };
    let given = world
        .leaders_tasks
        .reassign_tasks(all)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(given.outcomes.len(), 3);

    // One batch: done, unknown, an outcome that is none, somebody else's.
    let requests = vec![
        done(1),
        CompleteTaskRequest {
            name: "cases/H24.11593-250701-0099/tasks/t1".into(),
            ..done(90)
        },
        CompleteTaskRequest {
            outcome: "approved".into(),
            ..done(2)
        },
        done(3),
    ];
    let batch = BatchCompleteTasksRequest { requests };
    let answer = world
        .tasks
        .batch_complete_tasks(batch.clone())
        .await
        .unwrap()
        .into_inner();
    let outcomes = told(&answer.outcomes);
    assert_eq!(outcomes.len(), 4);
    assert_eq!(outcomes[0], (names[0].as_str(), Ok(OFFICER)));
    assert_eq!(outcomes[1].1, Err(i32::from(Code::NotFound)));
    assert_eq!(outcomes[2].1, Err(i32::from(Code::InvalidArgument)));
    assert_eq!(outcomes[3], (names[2].as_str(), Ok(OFFICER)));
    let again = world
        .tasks
        .batch_complete_tasks(batch)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, answer);
    for (requests, field) in [
        (Vec::new(), "requests"),
        (vec![done(2), done(2)], "requests[1].name"),
        (
            vec![
                done(2),
                CompleteTaskRequest {
                    name: first(4),
                    ..done(2)
                },
            ],
            "requests[1].request_id",
        ),
    ] {
        let batch = BatchCompleteTasksRequest { requests };
        let refused = world.tasks.batch_complete_tasks(batch).await.unwrap_err();
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, field);
    }
    let nobody = ReassignTasksRequest {
        to: vec![String::new()],
        ..ReassignTasksRequest::default()
    };
    let refused = world
        .leaders_tasks
        .reassign_tasks(nobody)
        .await
        .unwrap_err();
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["agency", "to[0]"]);
    tables_equal_history(&world).await;
    world.closes().await;
}

#[tokio::test]
async fn no_dossier_waits_because_one_person_is_away() {
    let mut world = ward(2).await;
    let claim = ClaimTaskRequest {
        name: first(1),
        ..ClaimTaskRequest::default()
    };
    world.tasks.claim_task(claim).await.unwrap();
    let leader = world.way_of("leader-11593-1", &[Role::Leader], &["11593"]);
    let mut substitutions = SubstitutionServiceClient::new(leader);
    let asked = |absent: &str, substitute: &str, role: Role| CreateSubstitutionRequest {
        substitution: Some(Substitution {
            agency: "11593".into(),
            absent: absent.into(),
            substitute: substitute.into(),
            role: role.into(),
            from: Some(to_proto(at("2025-07-01T00:00"))),
            until: Some(to_proto(at("2025-07-05T00:00"))),
            ground: "12/QĐ-UBND".into(),
            ..Substitution::default()
        }),
        request_id: String::new(),
    };
    let stands = substitutions
        .create_substitution(asked(OFFICER, SECOND, Role::Officer))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stands.name, "substitutions/11593-250701-0001");
    // A receptionist signs for the leader.
    substitutions
        .create_substitution(asked("leader-11593-1", "deputy-1", Role::Leader))
        .await
        .unwrap();

    // The colleague finds what the absent one has, and does it.
    let mut second = TaskServiceClient::new(world.way_of(SECOND, &[Role::Officer], &["11593"]));
    let mine = ListTasksRequest {
        assignee: SECOND.into(),
        ..ListTasksRequest::default()
    };
    let listed = second
        .list_tasks(mine.clone())
        .await
        .unwrap()
        .into_inner()
        .tasks;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].name.as_str(), listed[0].assignee.as_str()),
        (first(1).as_str(), OFFICER)
    );
    // Nobody else finds it under their own.
    let others = world.leaders_tasks.list_tasks(mine.clone()).await.unwrap();
    assert!(others.into_inner().tasks.is_empty());
    let finished = second.complete_task(done(1)).await.unwrap().into_inner();
    assert_eq!(
        (finished.assignee.as_str(), finished.on_behalf_of.as_str()),
        (SECOND, OFFICER)
    );
    let mut deputy =
        TaskServiceClient::new(world.way_of("deputy-1", &[Role::Receptionist], &["11593"]));
    let sign = CompleteTaskRequest {
        name: format!("cases/{}/tasks/t2", code(1)),
        outcome: "approved".into(),
        request_id: String::new(),
        ..Default::default()
    };
    let signed = deputy.complete_task(sign).await.unwrap().into_inner();
    assert_eq!(signed.on_behalf_of, "leader-11593-1");

    // Ended before its time, it holds no longer.
    let end = EndSubstitutionRequest {
        name: stands.name.clone(),
        request_id: String::new(),
    };
    let ended = substitutions
        .end_substitution(end.clone())
        .await
        .unwrap()
        .into_inner();
    assert!(ended.ended_at.is_some());
    let again = substitutions
        .end_substitution(end)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, ended);
    let claim = ClaimTaskRequest {
        name: first(2),
        ..ClaimTaskRequest::default()
    };
    world.tasks.claim_task(claim).await.unwrap();
    let refused = second.complete_task(done(2)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        second
            .list_tasks(mine)
            .await
            .unwrap()
            .into_inner()
            .tasks
            .is_empty()
    );

    // Listed in pages, those in force apart, and another ward's do not exist.
    let mut list = ListSubstitutionsRequest {
        page_size: 1,
        ..ListSubstitutionsRequest::default()
    };
    let page = substitutions
        .list_substitutions(list.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.substitutions, [ended]);
    list.page_token = page.next_page_token;
    let page = substitutions
        .list_substitutions(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.substitutions[0].substitute, "deputy-1");
    assert_eq!(page.next_page_token, "");
    let in_force = ListSubstitutionsRequest {
        in_force_only: true,
        ..ListSubstitutionsRequest::default()
    };
    let in_force = substitutions
        .list_substitutions(in_force)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(in_force.substitutions.len(), 1);
    let stranger = world.way_of("leader-11407-1", &[Role::Leader], &["11407"]);
    let mut strangers = SubstitutionServiceClient::new(stranger);
    let none = strangers
        .list_substitutions(ListSubstitutionsRequest::default())
        .await
        .unwrap();
    assert!(none.into_inner().substitutions.is_empty());
    let end = EndSubstitutionRequest {
        name: stands.name,
        request_id: String::new(),
    };
    let refused = strangers.end_substitution(end).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = strangers
        .create_substitution(asked(OFFICER, SECOND, Role::Officer))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);

    // Everything that is wrong is named at once; a ground has no room for names.
    let mut wrong = asked("", "", Role::System);
    if let Some(substitution) = &mut wrong.substitution {
        substitution.ground = "Bà Nguyễn Thị Mẫu nghỉ ốm".into();
        substitution.from = None;
    }
    let refused = substitutions.create_substitution(wrong).await.unwrap_err();
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "substitution.absent",
            "substitution.substitute",
            "substitution.role",
            "substitution.from",
            "substitution.ground"
        ]
    );
    tables_equal_history(&world).await;
    world.closes().await;
}

#[tokio::test]
async fn a_running_case_moves_to_another_version_where_the_shapes_match() {
    let mut world = ward(1).await;
    let mut next = simple();
    next.title = "Quy trình mới".into();
    world.publishes(next).await.unwrap();
    let migrate = |version: i32| MigrateCaseRequest {
        name: format!("cases/{}", code(1)),
        version,
        ..MigrateCaseRequest::default()
    };
    // Officers do not.
    let refused = world.cases.migrate_case(migrate(2)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    for (version, code) in [(0, Code::InvalidArgument), (7, Code::NotFound)] {
        let refused = world
            .leaders_cases
            .migrate_case(migrate(version))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), code);
    }
    let moved = world
        .leaders_cases
        .migrate_case(migrate(2))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(moved.definition_version, 2);
    world.tasks.complete_task(done(1)).await.unwrap();
    tables_equal_history(&world).await;
    world.closes().await;
}
