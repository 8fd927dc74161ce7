//! A fresh installation, before anybody applied a catalog.

use motcua_proto::{
    intake::v1::{
        GetAgencyRequest, ListAgenciesRequest, ListDossiersRequest,
        catalog_service_client::CatalogServiceClient,
    },
    notification::v1::{ListTemplatesRequest, template_service_client::TemplateServiceClient},
    workflow::v1::{
        ListCasesRequest, ListDefinitionsRequest,
        definition_service_client::DefinitionServiceClient,
    },
};
use tonic::Code;

use crate::support::{Databases, Service, Setup, Suite, WARD, birth, refused};

#[tokio::test]
async fn an_empty_database_says_what_is_missing_and_lists_nothing() {
    let databases = Databases::empty().await;
    let suite = Suite::with(Setup {
        databases: Some(databases),
        ..Setup::default()
    })
    .await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();
    let refusal = refused(&clerk.dossiers().submit_dossier(birth()).await.unwrap_err());
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::FailedPrecondition, "NOT_READY")
    );
    assert!(
        refusal.metadata["missing"].contains("catalog"),
        "{refusal:?}"
    );
    assert!(refusal.message.contains("catalog"), "{refusal:?}");

    let dossiers = clerk
        .dossiers()
        .list_dossiers(ListDossiersRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(dossiers.dossiers.is_empty() && dossiers.next_page_token.is_empty());
    let cases = suite
        .officer()
        .cases()
        .list_cases(ListCasesRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(cases.cases.is_empty());
    assert!(suite.officer().worklist("").await.is_empty());
    let mut catalog = CatalogServiceClient::new(suite.peer(Service::Intake));
    assert!(
        catalog
            .list_agencies(ListAgenciesRequest::default())
            .await
            .unwrap()
            .into_inner()
            .agencies
            .is_empty()
    );
    let missing = GetAgencyRequest {
        name: format!("agencies/{WARD}"),
    };
    assert_eq!(
        refused(&catalog.get_agency(missing).await.unwrap_err()).code,
        Code::NotFound
    );
    let mut definitions = DefinitionServiceClient::new(suite.peer(Service::Workflow));
    let listed = definitions
        .list_definitions(ListDefinitionsRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(listed.definitions.is_empty());
    // Words for the letters come with the software.
    let mut templates = TemplateServiceClient::new(suite.peer(Service::Notification));
    let listed = templates
        .list_templates(ListTemplatesRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(
        listed
            .templates
            .iter()
            .any(|template| template.id == "receipt"),
        "{listed:?}"
    );

    let total = suite
        .report("2025-07-01", "2025-07-31")
        .await
        .total
        .unwrap_or_default();
    assert_eq!((total.received, total.resolved), (0, 0));
    let recount = suite.reconciles().await;
    assert_eq!((recount.dossiers, recount.differences.len()), (0, 0));
    for service in Service::ALL {
        assert!(suite.serves(service, "").await);
    }
}
