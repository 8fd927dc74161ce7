//! Worklists of what somebody may work on, and of a group's.

use motcua_platform::rpc::Peer;
use motcua_proto::{
    r#type::v1::{PriorityGround, Role},
    workflow::v1::{
        ClaimTaskRequest, ListTasksRequest, step::Kind, task_service_client::TaskServiceClient,
    },
};

use crate::{
    hands::{OFFICER, code, done, first},
    world::{World, catalog, simple},
};

#[tokio::test]
async fn a_worklist_can_be_of_what_one_may_work_on_and_of_one_group() {
    let mut world = World::open().await;
    let mut for_a_group = simple();
    if let Some(Kind::Task(task)) = &mut for_a_group.steps[0].kind {
        task.group = "land".into();
    }
    world.publishes(for_a_group).await.unwrap();
    world.intake.applies(catalog());
    for n in 1..=3 {
        let priority = PriorityGround::Unspecified;
        world
            .intake
            .accepts(&code(n), "1.000001", "simple", priority);
    }
    world.has_followed(4).await;
    let listed = async |way: Peer, request: ListTasksRequest| {
        let mut tasks = TaskServiceClient::new(way);
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let asked = ListTasksRequest {
                page_size: 1,
                page_token,
                ..request.clone()
            };
            let page = tasks.list_tasks(asked).await.unwrap().into_inner();
            assert!(page.tasks.len() <= 1);
            all.extend(page.tasks.into_iter().map(|task| task.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    };
    let workable = || ListTasksRequest {
        workable_only: true,
        ..ListTasksRequest::default()
    };
    let group = |group: &str| ListTasksRequest {
        group: group.into(),
        ..ListTasksRequest::default()
    };
    let officer = |id: &str| world.way_of(id, &[Role::Officer], &["11593"]);
    let of_group = |id: &str| world.way_of_group(id, &[Role::Officer], &["11593"], &["land"]);
    let every: Vec<_> = (1..=3).map(first).collect();
    assert_eq!(
        listed(officer(OFFICER), ListTasksRequest::default()).await,
        every
    );
    // Who is not of the group sees them and may work on none; who is, on all.
    assert_eq!(listed(officer(OFFICER), workable()).await, [""; 0]);
    assert_eq!(listed(of_group("surveyor-1"), workable()).await, every);
    assert_eq!(listed(officer(OFFICER), group("land")).await, every);
    assert_eq!(listed(officer(OFFICER), group("other")).await, [""; 0]);
    // What a colleague has in hand is not somebody else's to work on.
    let claim = ClaimTaskRequest {
        name: first(2),
        ..ClaimTaskRequest::default()
    };
    let mut surveyor = TaskServiceClient::new(of_group("surveyor-1"));
    surveyor.claim_task(claim).await.unwrap();
    assert_eq!(listed(of_group("surveyor-1"), workable()).await, every);
    assert_eq!(
        listed(of_group("surveyor-2"), workable()).await,
        [first(1), first(3)]
    );
    // Who prepared one does not sign it, though they lead as well.
    surveyor.complete_task(done(2)).await.unwrap();
    let roles = [Role::Officer, Role::Leader];
    let both = |id: &str| world.way_of_group(id, &roles, &["11593"], &["land"]);
    assert_eq!(
        listed(both("surveyor-1"), workable()).await,
        [first(1), first(3)]
    );
    assert_eq!(listed(both("surveyor-2"), workable()).await.len(), 3);
    // A supervisor of the city works on none, and one who is an officer as well on their own ward's; a system on none.
    let supervisor = [Role::CitySupervisor];
    let nobody = world.way_of("supervisor-1", &supervisor, &[]);
    assert_eq!(listed(nobody, workable()).await, [""; 0]);
    let roles = [Role::Officer, Role::CitySupervisor];
    let both = |agency: &str| world.way_of_group("surveyor-3", &roles, &[agency], &["land"]);
    assert_eq!(
        listed(both("11593"), workable()).await,
        [first(1), first(3)]
    );
    assert_eq!(listed(both("11407"), workable()).await, [""; 0]);
    let system = world.way_of("social-insurance", &[Role::System], &["11593"]);
    assert_eq!(listed(system, workable()).await, [""; 0]);
    world.closes().await;
}
