//! A definition with every kind of step, over the network and on a clock that is moved.

use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{PriorityGround, Role},
    workflow::v1::{
        Branch, ChoiceStep, CompleteTaskRequest, Definition, ExternalCode, ExternalStep, ForkStep,
        GetCaseRequest, JoinStep, ListTasksRequest, RecordExternalOutcomeRequest, Step, TaskStep,
        TimerStep, Transition, Way, step::Kind, task_service_client::TaskServiceClient,
        timer_step::Wait,
    },
};
use tonic::Code;

use crate::{
    life::tables_equal_history,
    world::{World, at, catalog},
};

const CODE: &str = "H24.11593-250701-0001";

fn step(id: &str, kind: Kind) -> Step {
    Step {
        id: id.into(),
        kind: Some(kind),
    }
}

fn to(outcome: &str, to: &str) -> Transition {
    Transition {
        outcome: outcome.into(),
        to: to.into(),
        at_most: 0,
    }
}

fn task(id: &str, transitions: Vec<Transition>) -> Step {
    step(
        id,
        Kind::Task(TaskStep {
            title: format!("Bước {id}"),
            role: Role::Officer.into(),
            planned_minutes: 120,
            transitions,
            escalate_after_percent: 50,
            ..TaskStep::default()
        }),
    )
}

/// Register; then a card of another system, beside a wait; then issue, unless the card was refused.
fn rich() -> Definition {
    let branch = |to: &str| Branch {
        to: to.into(),
        option: String::new(),
    };
    let code = |code: &str, outcome: &str| ExternalCode {
        code: code.into(),
        outcome: outcome.into(),
        ..ExternalCode::default()
    };
    let steps = vec![
        task("register", vec![to("done", "both")]),
        step(
            "both",
            Kind::Fork(ForkStep {
                branches: vec![branch("card"), branch("wait")],
                join: "meet".into(),
            }),
        ),
        step(
            "card",
            Kind::External(ExternalStep {
                title: "Cấp thẻ".into(),
                system: "social-insurance".into(),
                agency: 0,
                planned_minutes: 240,
                escalate_after_percent: 25,
                transitions: vec![to("issued", "meet"), to("refused", "meet")],
                codes: vec![code("1", ""), code("5", "issued"), code("9", "refused")],
            }),
        ),
        step(
            "wait",
            Kind::Timer(TimerStep {
                to: "meet".into(),
                wait: Some(Wait::WorkingMinutes(60)),
            }),
        ),
        step("meet", Kind::Join(JoinStep { to: "which".into() })),
        step(
            "which",
            Kind::Choice(ChoiceStep {
                ways: vec![Way {
                    when: "outcome.card == 'refused'".into(),
                    to: "explain".into(),
                }],
                otherwise: "issue".into(),
            }),
        ),
        task("explain", vec![to("done", "issue")]),
        task(
            "issue",
            vec![
                to("done", ""),
                Transition {
                    at_most: 1,
                    ..to("again", "register")
                },
            ],
        ),
    ];
    Definition {
        id: "simple".into(),
        title: "Quy trình".into(),
        start: "register".into(),
        steps,
        ..Definition::default()
    }
}

impl World {
    async fn completes(&mut self, task: &str, outcome: &str) -> Result<(), tonic::Status> {
        let request = CompleteTaskRequest {
            name: format!("cases/{CODE}/tasks/{task}"),
            outcome: outcome.into(),
            ..CompleteTaskRequest::default()
        };
        self.tasks.complete_task(request).await.map(drop)
    }
}

#[tokio::test]
async fn a_case_chooses_waits_asks_another_system_and_goes_back_once() {
    let mut world = World::open().await;
    world.publishes(rich()).await.unwrap();
    world.intake.applies(catalog());
    world
        .intake
        .accepts(CODE, "1.000001", "simple", PriorityGround::Unspecified);
    world.has_followed(2).await;

    // Half of the first task's budget passes; its leader finds it among the escalated.
    let escalated_only = ListTasksRequest {
        escalated_only: true,
        ..ListTasksRequest::default()
    };
    let none = world.leaders_tasks.list_tasks(escalated_only.clone()).await;
    assert!(none.unwrap().into_inner().tasks.is_empty());
    world.hand.set(at("2025-07-01T09:00"));
    let escalated = world.hears(K::TaskEscalated).await;
    assert_eq!(escalated.dossier, CODE);
    let listed = world.leaders_tasks.list_tasks(escalated_only.clone()).await;
    let listed = listed.unwrap().into_inner().tasks;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].escalated);

    // The card is asked for, in an event that another system reads.
    world.completes("t1", "done").await.unwrap();
    let asked = world.hears(K::OutcomeRequested).await;
    let Some(Payload::OutcomeRequested(request)) = asked.payload else {
        panic!("{asked:?}")
    };
    assert_eq!(
        (request.task.as_str(), request.system.as_str()),
        ("t2", "social-insurance")
    );
    let answer = |code: &str| RecordExternalOutcomeRequest {
        name: format!("cases/{CODE}/tasks/{}", request.task),
        code: code.into(),
        ..RecordExternalOutcomeRequest::default()
    };
    let system = |id: &str, agency: &str| {
        TaskServiceClient::new(world.way_of(id, &[Role::System], &[agency]))
    };
    let mut insurance = system("social-insurance", "11593");
    let on_its_way = insurance.record_external_outcome(answer("1")).await;
    assert!(on_its_way.unwrap().into_inner().outcome.is_empty());
    // Not by staff, not by another system, not for another ward, not in other codes.
    let mut hospital = system("hospital", "11593");
    let mut stranger = system("social-insurance", "11407");
    let peer = world.way_of("receptionist-1", &[Role::Receptionist], &["11593"]);
    let mut receptionist = TaskServiceClient::new(peer);
    let refused = [
        receptionist.record_external_outcome(answer("5")).await,
        world.tasks.record_external_outcome(answer("5")).await,
        hospital.record_external_outcome(answer("5")).await,
        stranger.record_external_outcome(answer("5")).await,
        insurance.record_external_outcome(answer("05")).await,
    ];
    assert_eq!(
        refused.map(|refused| refused.unwrap_err().code()),
        [
            Code::PermissionDenied,
            Code::FailedPrecondition,
            Code::FailedPrecondition,
            Code::NotFound,
            Code::InvalidArgument
        ]
    );
    // A quarter of its budget passes without an answer: its leader finds it among the escalated, with when it was to come.
    world.hand.set(at("2025-07-01T10:00"));
    world.waits_for_events(K::TaskEscalated, 2).await;
    let listed = world.leaders_tasks.list_tasks(escalated_only).await;
    let listed = listed.unwrap().into_inner().tasks;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].role(), listed[0].system.as_str()),
        (Role::System, "social-insurance")
    );
    assert!(listed[0].escalated && listed[0].due_at == request.due_at);
    let answered = insurance.record_external_outcome(answer("9")).await;
    assert_eq!(answered.unwrap().into_inner().outcome, "refused");
    // A system repeats itself without a request id of its own.
    let again = insurance.record_external_outcome(answer("9")).await;
    assert_eq!(again.unwrap().into_inner().outcome, "refused");

    // The join waits for the wait; then the choice sees what the card came to.
    world.hears(K::TimerFired).await;
    let case = GetCaseRequest {
        name: format!("cases/{CODE}"),
    };
    let case = world.cases.get_case(case).await.unwrap().into_inner();
    assert_eq!(case.timers.len(), 1);
    assert_eq!(case.timers[0].fired_at, case.timers[0].fires_at);
    assert_eq!(case.tasks[2].step, "explain");

    // Back once, and not twice: what is used up is offered no longer.
    world.completes("t3", "done").await.unwrap();
    world.completes("t4", "again").await.unwrap();
    world.completes("t5", "done").await.unwrap();
    let card = RecordExternalOutcomeRequest {
        name: format!("cases/{CODE}/tasks/t6"),
        code: "5".into(),
        ..RecordExternalOutcomeRequest::default()
    };
    insurance.record_external_outcome(card).await.unwrap();
    world.hand.set(at("2025-07-01T15:00"));
    let open = world.has_task(&format!("cases/{CODE}/tasks/t7")).await;
    assert_eq!(
        (open.step.as_str(), open.outcomes.as_slice()),
        ("issue", &["done".to_owned()][..])
    );
    let twice = world.completes("t7", "again").await.unwrap_err();
    assert_eq!(twice.code(), Code::FailedPrecondition);
    world.completes("t7", "done").await.unwrap();
    tables_equal_history(&world).await;
    world.closes().await;
}
