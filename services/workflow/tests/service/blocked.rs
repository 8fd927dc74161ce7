//! Cases that wait for a definition.

use motcua_proto::{
    events::v1::EventKind as K,
    r#type::v1::PriorityGround,
    workflow::v1::{Case, CaseState, GetCaseRequest},
};
use prost::Message as _;

use crate::{
    life::tables_equal_history,
    world::{World, at, catalog, death, simple},
};

const CODE: &str = "H24.11593-250701-0001";

async fn case(world: &mut World) -> Case {
    let name = format!("cases/{CODE}");
    world
        .cases
        .get_case(GetCaseRequest { name })
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_begins_when_a_definition_that_its_own_calls_is_published() {
    let mut world = World::open().await;
    world.publishes(death()).await.unwrap();
    world.intake.applies(catalog());
    world
        .intake
        .accepts(CODE, "2.002622", "death", PriorityGround::Unspecified);
    world.has_followed(2).await;
    let blocked = case(&mut world).await;
    assert_eq!(blocked.state(), CaseState::Blocked);
    assert!(blocked.blocked_reason.contains("'simple'"));
    world.publishes(simple()).await.unwrap();
    assert_eq!(case(&mut world).await.state(), CaseState::Running);
    tables_equal_history(&world).await;
    world.closes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_no_publication_found_begins_within_a_minute_and_was_overdue_meanwhile() {
    let mut world = World::open().await;
    world.intake.applies(catalog());
    world
        .intake
        .accepts(CODE, "1.000001", "simple", PriorityGround::Unspecified);
    world.has_followed(2).await;
    assert_eq!(case(&mut world).await.state(), CaseState::Blocked);
    world.hand.set(at("2025-07-08T08:00"));
    assert_eq!(world.hears(K::CaseOverdue).await.dossier, CODE);

    // As of a publication that did not see the case yet, or did not live to try it.
    let mut definition = simple();
    definition.version = 1;
    sqlx::query("INSERT INTO definition (id, version) VALUES ('simple', 1)")
        .execute(&world.pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO definition_version (id, version, digest, body) VALUES ('simple', 1, '', $1)",
    )
    .bind(definition.encode_to_vec())
    .execute(&world.pool)
    .await
    .unwrap();
    world.hand.set(at("2025-07-08T08:01"));
    assert_eq!(world.hears(K::CaseStarted).await.dossier, CODE);
    assert_eq!(case(&mut world).await.state(), CaseState::Running);
    tables_equal_history(&world).await;
    world.closes().await;
}
