//! The linked procedure of a death, and the visit that brings its result home.

use motcua_proto::{
    access::v1::{ListAccessesRequest, access_log_service_client::AccessLogServiceClient},
    intake::v1::{Location, PlanVisitRouteRequest, RequestVisitRequest},
    r#type::v1::{DossierStatus, HandOverMethod, Punctuality, Role},
    workflow::v1::CaseState,
};

use crate::support::{
    POLICE, Person, Service, Suite, WARD, date, guardianship, linked_death, local, online, proto,
    refused,
};

#[tokio::test]
async fn a_death_with_funeral_costs_runs_at_two_agencies_at_once_and_its_one_result_comes_home() {
    let suite = Suite::start().await;
    let (clerk, officer, leader, visitor) = (
        suite.clerk(),
        suite.officer(),
        suite.leader(),
        suite.visitor(),
    );
    suite.clock_at("2025-07-01T08:00").await;
    let dossier = clerk.submits(linked_death(&["funeral_costs"])).await;
    let code = dossier.code.as_str();
    // Ten working days after Tuesday the 1st.
    assert_eq!(local(&dossier.due_at), "2025-07-15T17:00");
    suite.settle().await;
    officer.approves(WARD, code).await;
    suite.clock_at("2025-07-01T10:00").await;
    leader.approves(WARD, code).await;

    // Registered: the police and the ward work at the same time, each by its own procedure and limit.
    let case = officer.case(code).await;
    let mut branches: Vec<_> = case
        .sub_cases
        .iter()
        .map(|branch| {
            (
                branch.procedure.as_str(),
                branch.agency.as_str(),
                local(&branch.due_at),
            )
        })
        .collect();
    branches.sort();
    assert_eq!(
        branches,
        [
            ("1.001731", WARD, "2025-07-04T17:00".into()),
            ("1.003197", POLICE, "2025-07-08T17:00".into())
        ]
    );
    assert_eq!(officer.task(POLICE, code).await.procedure, "1.003197");
    assert_eq!(officer.task(WARD, code).await.procedure, "1.001731");

    suite.clock_at("2025-07-02T09:00").await;
    for _ in 0..2 {
        officer.approves(POLICE, code).await;
        if let Some(task) = leader.worklist(POLICE).await.first() {
            leader.completes(task, "approved").await;
            suite.settle().await;
        }
    }
    let case = officer.case(code).await;
    let finished = |procedure: &str| {
        case.sub_cases
            .iter()
            .find(|branch| branch.procedure == procedure)
            .unwrap()
            .finished_at
            .is_some()
    };
    assert!(
        finished("1.003197") && !finished("1.001731"),
        "{:#?}",
        case.sub_cases
    );
    assert_eq!(
        case.state(),
        CaseState::Running,
        "it waits for the other branch"
    );
    officer.approves(WARD, code).await;
    leader.approves(WARD, code).await;
    officer.approves(WARD, code).await;

    // Joined: one envelope.
    let issue = officer.task(WARD, code).await;
    assert_eq!((issue.step.as_str(), issue.branch.as_str()), ("issue", ""));
    officer.completes(&issue, "approved").await;
    suite.settle().await;
    let dossier = clerk.sees(code).await;
    assert_eq!(dossier.status(), DossierStatus::ResultReady);
    assert_eq!(officer.case(code).await.punctuality(), Punctuality::Early);

    // A result that goes home is not handed over at a counter's keyboard.
    let refusal = refused(
        &clerk
            .dossiers()
            .hand_over_result(Person::handing_over(code, HandOverMethod::Home))
            .await
            .unwrap_err(),
    );
    assert_eq!(refusal.metadata["article"], "decree 118/2025, art. 22");

    let dossier = clerk
        .arranges_visit(code, "2025-07-03T08:00", "2025-07-03T10:00")
        .await;
    assert_eq!(dossier.visits[0].id, "v1");
    suite.clock_at("2025-07-03T08:30").await;
    // Nobody was at home: the result waits, and another visit is arranged.
    let dossier = visitor.visits_home(code, "v1", "").await;
    assert_eq!(
        (dossier.status(), dossier.visits[0].handed_over),
        (DossierStatus::ResultReady, false)
    );
    clerk
        .arranges_visit(code, "2025-07-04T08:00", "2025-07-04T10:00")
        .await;
    suite.clock_at("2025-07-04T08:20").await;
    let dossier = visitor
        .visits_home(code, "v2", "Con trai chủ hồ sơ, chữ ký số 7")
        .await;
    assert_eq!(
        (dossier.status(), dossier.handed_over_by()),
        (DossierStatus::HandedOver, HandOverMethod::Home)
    );
    assert_eq!(local(&dossier.handed_over_at), "2025-07-04T08:20");
    suite.settle().await;

    let told: Vec<_> = suite
        .messages(code)
        .await
        .into_iter()
        .map(|message| message.template)
        .collect();
    assert_eq!(told, ["receipt", "result-ready", "visit", "visit"]);
    let letters = suite.letters(code);
    assert!(
        letters
            .iter()
            .any(|letter| letter.contains("sẽ được mang đến nhà")),
        "{letters:#?}"
    );
    let total = suite
        .report("2025-07-01", "2025-07-31")
        .await
        .total
        .unwrap();
    assert_eq!(
        (
            total.resolved_early,
            total.handed_over,
            total.handed_over_at_home
        ),
        (1, 1, 1)
    );
    assert!(suite.reconciles().await.differences.is_empty());
}

#[tokio::test]
async fn without_the_option_only_the_police_have_a_branch() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:00").await;
    let code = clerk.submits(linked_death(&[])).await.code;
    suite.settle().await;
    officer.approves(WARD, &code).await;
    leader.approves(WARD, &code).await;
    let case = officer.case(&code).await;
    assert_eq!(case.sub_cases.len(), 1);
    assert!(officer.worklist(WARD).await.is_empty());

    // The police refuse: the branch is lost, the registration's result is not.
    let task = officer.task(POLICE, &code).await;
    let unsaid = officer
        .tasks()
        .complete_task(Person::completing(&task, "rejected"))
        .await;
    assert_eq!(refused(&unsaid.unwrap_err()).fields, ["reason"]);
    officer.rejects(&task).await;
    suite.settle().await;
    let answer = leader.task(POLICE, &code).await;
    leader.completes(&answer, "rejected").await;
    suite.settle().await;
    assert_eq!(officer.case(&code).await.sub_cases[0].outcome, "rejected");
    officer.approves(WARD, &code).await;
    let dossier = clerk.sees(&code).await;
    assert_eq!(
        (dossier.status(), dossier.outcome.as_str()),
        (DossierStatus::ResultReady, "approved")
    );
    assert!(
        !suite
            .kinds(Service::Workflow, &code)
            .await
            .iter()
            .any(|kind| kind == "ReactionIgnored")
    );
}

#[tokio::test]
async fn the_visits_of_a_day_are_planned_from_door_to_door_and_the_reading_is_logged() {
    let suite = Suite::start().await;
    let (clerk, visitor) = (suite.clerk(), suite.visitor());
    suite.clock_at("2025-07-01T08:00").await;
    let mut codes = Vec::new();
    // One to the north, one that nobody has put on the map, one next door; and one on the next day.
    for (day, north, address) in [
        ("2025-07-02", Some(20.90), "Số 9, đường Ví Dụ"),
        ("2025-07-02", None, ""),
        ("2025-07-02", Some(20.86), "Số 1, đường Ví Dụ"),
        ("2025-07-03", Some(20.85), "Số 5, đường Ví Dụ"),
    ] {
        let code = clerk.submits(linked_death(&[])).await.code;
        suite.settle().await;
        let request = RequestVisitRequest {
            name: format!("dossiers/{code}"),
            window_from: proto(&format!("{day}T08:00")),
            window_to: proto(&format!("{day}T10:00")),
            address: address.to_owned(),
            location: north.map(|latitude| Location {
                latitude,
                longitude: 106.60,
            }),
            ..RequestVisitRequest::default()
        };
        let arranged = clerk.visits().request_visit(request.clone()).await;
        assert_eq!(arranged.unwrap().into_inner().visits[0].visitor, "");
        let nowhere = RequestVisitRequest {
            location: Some(Location {
                latitude: 200.0,
                longitude: 0.0,
            }),
            ..request
        };
        let refusal = clerk.visits().request_visit(nowhere).await.unwrap_err();
        assert_eq!(refused(&refusal).fields, ["location"]);
        codes.push(code);
    }
    let planned = PlanVisitRouteRequest {
        agency: WARD.to_owned(),
        date: date("2025-07-02"),
        from: Some(Location {
            latitude: 20.85,
            longitude: 106.60,
        }),
        ..PlanVisitRouteRequest::default()
    };
    let way = visitor
        .visits()
        .plan_visit_route(planned.clone())
        .await
        .unwrap()
        .into_inner();
    let stops: Vec<_> = way
        .stops
        .iter()
        .map(|stop| (&stop.dossier, stop.address.as_str(), stop.distance_metres))
        .collect();
    let at_the_applicants = crate::support::family().address;
    assert_eq!(
        stops,
        [
            (&codes[2], "Số 1, đường Ví Dụ", 1_113),
            (&codes[1], at_the_applicants.as_str(), 0),
            (&codes[0], "Số 9, đường Ví Dụ", 4_453),
        ]
    );
    // Whoever read the addresses stands in the log of each dossier.
    let auditor = suite.person(Role::Auditor, "auditor-1");
    let mut accesses = AccessLogServiceClient::new(auditor.peer(Service::Intake));
    for code in &codes[..3] {
        let request = ListAccessesRequest {
            dossier: code.clone(),
            ..ListAccessesRequest::default()
        };
        let read = accesses.list_accesses(request).await.unwrap().into_inner();
        let planned = read.accesses.iter().any(|access| {
            access.method == "motcua.intake.v1.VisitService/PlanVisitRoute"
                && access
                    .actor
                    .as_ref()
                    .is_some_and(|actor| actor.id == visitor.id())
        });
        assert!(planned, "{read:?}");
    }
    // A visit of somebody else's is theirs; what was made is not planned again.
    let request = RequestVisitRequest {
        name: format!("dossiers/{}", codes[1]),
        window_from: proto("2025-07-02T08:00"),
        window_to: proto("2025-07-02T10:00"),
        visitor: "visitor-11593-2".to_owned(),
        offered: true,
        ..RequestVisitRequest::default()
    };
    let visits = clerk.visits().request_visit(request).await.unwrap();
    let offered = visits.into_inner().visits.into_iter();
    assert_eq!(
        offered.map(|visit| visit.offered).collect::<Vec<_>>(),
        [false, true],
        "the family wished the first, and the agency offered the second"
    );
    suite.clock_at("2025-07-02T08:30").await;
    visitor.visits_home(&codes[2], "v1", "").await;
    let mine = PlanVisitRouteRequest {
        visitor: "visitor-11593-1".to_owned(),
        ..planned
    };
    let way = visitor.visits().plan_visit_route(mine).await.unwrap();
    let stops: Vec<_> = way
        .into_inner()
        .stops
        .into_iter()
        .map(|stop| stop.dossier)
        .collect();
    assert_eq!(stops, [codes[0].clone()]);
}

#[tokio::test]
async fn who_goes_and_by_whose_initiative_is_not_the_applicants_to_say() {
    let suite = Suite::start().await;
    let (citizen, clerk) = (suite.citizen(), suite.clerk());
    suite.clock_at("2025-07-01T08:00").await;
    let code = citizen.submits(online(guardianship())).await.code;
    clerk.accepts(&code).await;
    let wish = RequestVisitRequest {
        name: format!("dossiers/{code}"),
        window_from: proto("2025-07-02T08:00"),
        window_to: proto("2025-07-02T10:00"),
        ..RequestVisitRequest::default()
    };
    let theirs = [
        (
            "visitor",
            RequestVisitRequest {
                visitor: "visitor-11593-2".to_owned(),
                ..wish.clone()
            },
        ),
        (
            "offered",
            RequestVisitRequest {
                offered: true,
                ..wish.clone()
            },
        ),
    ];
    for (field, request) in theirs {
        let refusal = citizen.visits().request_visit(request).await.unwrap_err();
        assert_eq!(refused(&refusal).fields, [field]);
    }
    citizen.visits().request_visit(wish).await.unwrap();
}
