//! Catalogs.

use jiff::civil::date;
use motcua_platform::time::date_to_proto;
use motcua_proto::{
    events::v1::EventKind,
    intake::v1::{
        AcceptDossierRequest, ApplyCatalogRequest, GetAgencyRequest, GetCalendarRequest,
        GetProcedureRequest, ListAgenciesRequest, ListCalendarsRequest, ListProceduresRequest,
        SubmitDossierRequest,
    },
    r#type::v1::Channel,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::world::{Ward, at, catalog, registration};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_catalog_nothing_is_received_and_it_is_said_what_to_do() {
    let mut ward = Ward::opens().await;
    let refused = ward.submits(registration()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("motcua catalog apply DIR"),
        "{refused}"
    );
    let listed = ward
        .catalogs
        .list_agencies(ListAgenciesRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(listed.agencies.is_empty());
    let missing = ward
        .catalogs
        .get_agency(GetAgencyRequest {
            name: "agencies/11593".to_owned(),
        })
        .await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_is_checked_then_applied_once_then_shown() {
    let mut ward = Ward::opens().await;
    let checked = ward
        .catalogs
        .apply_catalog(ApplyCatalogRequest {
            catalog: Some(catalog()),
            validate_only: true,
            ..ApplyCatalogRequest::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert!(!checked.changed);
    assert_eq!(
        (checked.agencies, checked.procedures, checked.calendars),
        (3, 2, 1)
    );
    assert_eq!(
        ward.submits(registration()).await.unwrap_err().code(),
        Code::FailedPrecondition
    );

    assert!(ward.applies(catalog()).await.unwrap().changed);
    assert!(!ward.applies(catalog()).await.unwrap().changed);
    ward.hears(EventKind::CatalogApplied).await;
    let mut other = catalog();
    other.procedures.pop();
    assert_eq!(
        ward.applies(other.clone()).await.unwrap_err().code(),
        Code::AlreadyExists
    );
    let checked = ward
        .catalogs
        .apply_catalog(ApplyCatalogRequest {
            catalog: Some(other),
            validate_only: true,
            ..ApplyCatalogRequest::default()
        })
        .await;
    assert_eq!(checked.unwrap_err().code(), Code::AlreadyExists);

    let first = ward
        .catalogs
        .list_agencies(ListAgenciesRequest {
            page_size: 1,
            ..ListAgenciesRequest::default()
        })
        .await
        .unwrap()
        .into_inner();
    let second = ward
        .catalogs
        .list_agencies(ListAgenciesRequest {
            page_size: 2,
            page_token: first.next_page_token,
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first.agencies[0].code, "11593");
    assert_eq!(second.agencies[0].code, "11593-ca");
    assert!(second.next_page_token.is_empty());
    let procedures = ward
        .catalogs
        .list_procedures(ListProceduresRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(procedures.procedures.len(), 2);
    let calendars = ward
        .catalogs
        .list_calendars(ListCalendarsRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(calendars.calendars, catalog().calendars);
    let procedure = ward
        .catalogs
        .get_procedure(GetProcedureRequest {
            name: "procedures/1.000656".to_owned(),
        })
        .await;
    assert_eq!(procedure.unwrap().into_inner(), catalog().procedures[0]);
    let calendar = ward
        .catalogs
        .get_calendar(GetCalendarRequest {
            name: "calendars/test".to_owned(),
        })
        .await;
    assert_eq!(calendar.unwrap().into_inner(), catalog().calendars[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_was_applied_beforehand_counts_from_its_first_day() {
    let mut ward = Ward::ready().await;
    let mut dearer = catalog();
    dearer.id = "from-august".to_owned();
    dearer.effective_from = Some(date_to_proto(date(2025, 8, 1)));
    dearer.procedures[0].fee_vnd = 10_000;
    dearer.agencies[0].title = "Phường mới".to_owned();
    let applied = ward.applies(dearer.clone()).await.unwrap();
    assert!(applied.changed);
    assert_eq!(applied.effective_from, dearer.effective_from);
    // Another one meanwhile, applied later, counts until that day and not from then on.
    let mut between = catalog();
    between.id = "in-july".to_owned();
    between.procedures[0].fee_vnd = 9_000;
    ward.hand.set(at("2025-07-15T08:00:00"));
    ward.applies(between).await.unwrap();
    assert!(!ward.applies(dearer).await.unwrap().changed, "applied once");

    let at_the_counter = || SubmitDossierRequest {
        channel: Channel::Counter.into(),
        accept: true,
        ..registration()
    };
    let waiting = SubmitDossierRequest {
        accept: false,
        ..at_the_counter()
    };
    let waiting = ward.submits(waiting).await.unwrap();
    for (now, id, fee, title) in [
        ("2025-07-31T16:00:00", "in-july", 9_000, "Đơn vị 11593"),
        ("2025-08-01T00:00:00", "from-august", 10_000, "Phường mới"),
        ("2025-08-04T08:00:00", "from-august", 10_000, "Phường mới"),
    ] {
        ward.hand.set(at(now));
        let dossier = ward.submits(at_the_counter()).await.unwrap();
        assert_eq!(
            (dossier.catalog.as_str(), dossier.fee_vnd),
            (id, fee),
            "{now}"
        );
        let named = GetAgencyRequest {
            name: "agencies/11593".to_owned(),
        };
        let agency = ward.catalogs.get_agency(named).await.unwrap();
        assert_eq!(agency.into_inner().title, title, "{now}");
    }
    // What was submitted before keeps what it was submitted under, though it is accepted later.
    let accepting = AcceptDossierRequest {
        name: waiting.name,
        ..AcceptDossierRequest::default()
    };
    let accepted = ward.dossiers.accept_dossier(accepting).await.unwrap();
    let accepted = accepted.into_inner();
    assert_eq!(
        (accepted.catalog.as_str(), accepted.fee_vnd),
        ("in-july", 9_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_catalogs_first_day_nothing_is_received() {
    let mut ward = Ward::opens().await;
    let mut first = catalog();
    first.effective_from = Some(date_to_proto(date(2025, 7, 2)));
    ward.applies(first).await.unwrap();
    ward.hand.set(at("2025-07-01T23:59:59"));
    let refused = ward.submits(registration()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    ward.hand.set(at("2025-07-02T00:00:00"));
    ward.submits(registration()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_with_a_catalog_comes_back_at_once() {
    let mut ward = Ward::opens().await;
    let mut wrong = catalog();
    wrong.agencies[0].calendar = "none".to_owned();
    wrong.procedures[1].limit = None;
    let refused = ward.applies(wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "catalog.agencies[0].calendar",
            "catalog.procedures[1].limit"
        ]
    );
    let nothing = ward
        .catalogs
        .apply_catalog(ApplyCatalogRequest::default())
        .await
        .unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidArgument);
}
