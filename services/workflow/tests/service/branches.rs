//! Branches at other agencies: who finds which, in which order, and that the rows say what the states say.

use motcua_platform::{
    rpc::Peer,
    time::{Instant, to_proto},
};
use motcua_proto::{
    events::v1::EventKind as K,
    r#type::v1::{PriorityGround, Punctuality, Role},
    workflow::v1::{
        CompleteTaskRequest, ListSubCasesRequest, SubCase, SubCaseState,
        case_service_client::CaseServiceClient,
    },
};
use sqlx::PgPool;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    life::tables_equal_history,
    world::{PATIENCE, World, at, catalog, death, simple},
};

const CODES: [&str; 3] = [
    "H24.11593-250701-0001",
    "H24.11593-250701-0002",
    "H24.11593-250701-0003",
];
/// What the branch is for.
const RESIDENCE: &str = "1.004222";

/// How the rows of branches were made for the cases that were there before them.
const BACKFILL: &str = include_str!("../../migrations/0106_sub_cases.sql");

async fn completes(world: &mut World, code: &str, task: &str, outcome: &str) {
    let request = CompleteTaskRequest {
        name: format!("cases/{code}/tasks/{task}"),
        outcome: outcome.into(),
        request_id: String::new(),
        ..Default::default()
    };
    world.tasks.complete_task(request).await.unwrap();
}

/// Three cases whose branches, one at the police and one at the ward, begin on three days, and are due on 4, 7 and 8 July at 17:00.
async fn three_branches() -> World {
    let mut world = World::open().await;
    world.publishes(simple()).await.unwrap();
    world.publishes(death()).await.unwrap();
    world.intake.applies(catalog());
    for code in CODES {
        world
            .intake
            .accepts(code, "2.002622", "death", PriorityGround::Unspecified);
    }
    world.has_followed(4).await;
    for (code, when) in
        CODES
            .into_iter()
            .zip(["2025-07-01T08:00", "2025-07-02T08:00", "2025-07-03T08:00"])
    {
        world.hand.set(at(when));
        completes(&mut world, code, "t1", "registered").await;
    }
    world
}

/// Waits until everything that falls due by then has been told.
async fn nothing_is_due(world: &World, when: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let due: i64 = sqlx::query_scalar("SELECT count(*) FROM cases WHERE timer_at <= $1")
            .bind(Instant(at(when)))
            .fetch_one(&world.pool)
            .await
            .unwrap();
        if due == 0 {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{due} wait");
        tokio::task::yield_now().await;
    }
}

async fn pages(way: &Peer, request: ListSubCasesRequest) -> Vec<SubCase> {
    let mut client = CaseServiceClient::new(way.clone());
    let (mut found, mut request) = (Vec::new(), request);
    loop {
        let page = client.list_sub_cases(request.clone()).await.unwrap();
        let page = page.into_inner();
        found.extend(page.sub_cases);
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

async fn codes(way: &Peer, request: ListSubCasesRequest) -> Vec<String> {
    let found = pages(way, request).await.into_iter();
    found.map(|sub_case| sub_case.dossier).collect()
}

/// Every branch at the police.
fn all() -> ListSubCasesRequest {
    ListSubCasesRequest {
        agency: "11593-ca".into(),
        ..ListSubCasesRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_found_by_whoever_finds_its_case_and_by_nobody_else() {
    let world = three_branches().await;
    let twice: Vec<_> = CODES.into_iter().flat_map(|code| [code; 2]).collect();
    for (role, agencies, finds) in [
        (Role::Leader, &["11593"][..], true),
        (Role::Officer, &["11593-ca"], true),
        (Role::Leader, &["11593", "11593-ca"], true),
        (Role::Leader, &["11407"], false),
        (Role::Leader, &["11407", "11593"], true),
        (Role::Leader, &[], false),
        (Role::CitySupervisor, &[], true),
    ] {
        let way = world.way_of("somebody-1", &[role], agencies);
        for page_size in [0, 1, 2] {
            for (agency, there) in [
                ("", twice.as_slice()),
                ("11593-ca", &CODES),
                ("11593", &CODES),
                ("11407", &[]),
                ("nobody", &[]),
            ] {
                let request = ListSubCasesRequest {
                    page_size,
                    agency: agency.into(),
                    ..ListSubCasesRequest::default()
                };
                let found = codes(&way, request).await;
                let expected = if finds { there } else { &[] };
                assert_eq!(found, expected, "{agencies:?} {agency}");
            }
        }
    }
    world.closes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_are_listed_by_how_they_stand_to_their_own_due() {
    let mut world = three_branches().await;
    let police = world.way_of("leader-ca-1", &[Role::Leader], &["11593-ca"]);
    // The first is over on its due day; the second is overdue, and is finished after that; the third goes on.
    completes(&mut world, CODES[0], "t2", "done").await;
    let sign = |code: &str| CompleteTaskRequest {
        name: format!("cases/{code}/tasks/t4"),
        outcome: "approved".into(),
        request_id: String::new(),
        ..Default::default()
    };
    world.hand.set(at("2025-07-04T16:00"));
    nothing_is_due(&world, "2025-07-04T16:00").await;
    let signed = world.leaders_tasks.complete_task(sign(CODES[0]));
    signed.await.unwrap();
    world.hand.set(at("2025-07-08T00:00"));
    // And the ward's own of the first two.
    world.waits_for_events(K::SubCaseOverdue, 3).await;
    nothing_is_due(&world, "2025-07-08T00:00").await;

    let seen = pages(&police, all()).await;
    let seen: Vec<_> = seen
        .iter()
        .map(|it| {
            (
                it.dossier.as_str(),
                it.state(),
                it.overdue,
                it.punctuality(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (CODES[0], SubCaseState::Ended, false, Punctuality::OnTime),
            (CODES[1], SubCaseState::Open, true, Punctuality::Unspecified),
            (
                CODES[2],
                SubCaseState::Open,
                false,
                Punctuality::Unspecified
            ),
        ]
    );
    let in_state = |state: SubCaseState| ListSubCasesRequest {
        state: state.into(),
        ..all()
    };
    let overdue = ListSubCasesRequest {
        overdue_only: true,
        ..all()
    };
    let due_before = |when: &str| ListSubCasesRequest {
        due_before: Some(to_proto(at(when))),
        ..all()
    };
    let of = |procedure: &str| ListSubCasesRequest {
        procedure: procedure.into(),
        ..all()
    };
    for (request, found) in [
        (in_state(SubCaseState::Open), &CODES[1..]),
        (in_state(SubCaseState::Ended), &CODES[..1]),
        (overdue.clone(), &CODES[1..2]),
        (due_before("2025-07-07T17:00"), &CODES[..1]),
        (due_before("2025-07-07T17:01"), &CODES[..2]),
        (of(RESIDENCE), &CODES[..]),
        (of("2.002622"), &[]),
    ] {
        assert_eq!(codes(&police, request.clone()).await, found, "{request:?}");
    }
    // The procedure has another code from now on: by either one finds the branches that have the old one.
    let mut autumn = catalog();
    autumn.id = "autumn".into();
    let residence = &mut autumn.procedures[2];
    residence.aliases = vec![std::mem::replace(&mut residence.code, "1.009999".into())];
    world.intake.applies(autumn);
    world.has_followed(5).await;
    for code in [RESIDENCE, "1.009999"] {
        assert_eq!(codes(&police, of(code)).await, CODES, "{code}");
    }

    completes(&mut world, CODES[1], "t2", "done").await;
    let signed = world.leaders_tasks.complete_task(sign(CODES[1]));
    signed.await.unwrap();
    let late = ListSubCasesRequest {
        state: SubCaseState::Ended.into(),
        ..overdue
    };
    let late = pages(&police, late).await;
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].punctuality(), Punctuality::Overdue);
    assert_eq!((late[0].agency.as_str(), late[0].number), ("11593-ca", 1));

    let wrong = ListSubCasesRequest {
        page_size: -1,
        page_token: "nonsense".into(),
        agency: "?".into(),
        state: 77,
        procedure: "?".into(),
        ..all()
    };
    let status = CaseServiceClient::new(police.clone())
        .list_sub_cases(wrong)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_details_bad_request().unwrap();
    let mut fields: Vec<_> = details
        .field_violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["agency", "page_size", "page_token", "procedure", "state"]
    );
    drop(police);
    tables_equal_history(&world).await;
    the_rows_of_branches_can_be_made_from_the_states(&world.pool).await;
    world.closes().await;
}

type Rows = Vec<(String, i32, String, String, String, i16, String)>;

async fn rows(pool: &PgPool) -> Rows {
    sqlx::query_as(
        "SELECT dossier, number, tenant, agency, procedure, standing, due_at::text FROM sub_case \
         ORDER BY dossier, number, tenant",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// What the migration made of the cases that were there is what is written with them since.
async fn the_rows_of_branches_can_be_made_from_the_states(pool: &PgPool) {
    let written = rows(pool).await;
    assert_eq!(written.len(), 4 * CODES.len());
    let timers = "SELECT code, timer_at::text FROM cases ORDER BY code";
    let timers = async || -> Vec<(String, Option<String>)> {
        sqlx::query_as(timers).fetch_all(pool).await.unwrap()
    };
    let due = timers().await;
    let backfill = &BACKFILL[BACKFILL.find("WITH known").unwrap()..];
    let again = format!(
        "BEGIN; DELETE FROM sub_case; \
         UPDATE cases SET timer_at = 'infinity' WHERE code = '{}'; {backfill} COMMIT",
        CODES[2]
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(again))
        .execute(pool)
        .await
        .unwrap();
    assert_eq!(rows(pool).await, written);
    // Nothing else falls due before the branch that goes on.
    assert_eq!(timers().await, due);
}
