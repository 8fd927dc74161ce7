//! Another system and this one, about one dossier.

use jiff::SignedDuration;
use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{EventKind, StateReported, event::Payload},
    intake::v1::{
        AcknowledgeStateRequest, Dossier, DossierFlag, ListDossiersRequest,
        RecordExternalStateRequest, SubmitDossierRequest, Synchronisation,
        dossier_service_client::DossierServiceClient,
        synchronisation_service_client::SynchronisationServiceClient,
    },
    r#type::v1::{DossierStatus, Role},
};
use tonic::Code;

use crate::world::{Ward, at, registration};

fn coded(code: &str) -> SubmitDossierRequest {
    SubmitDossierRequest {
        external_code: code.to_owned(),
        ..registration()
    }
}

/// The portal hands a dossier in.
async fn submitted(ward: &Ward, code: &str) -> Dossier {
    let portal = ward.of(Role::System, "portal", &["11593"]);
    let mut dossiers = DossierServiceClient::new(portal);
    let submitted = dossiers.submit_dossier(coded(code)).await;
    submitted.unwrap().into_inner()
}

async fn told(ward: &mut Ward) -> StateReported {
    match ward.hears(EventKind::StateReported).await.payload {
        Some(Payload::StateReported(reported)) => reported,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_is_told_until_it_answers_and_listed_when_it_never_does() {
    let mut ward = Ward::ready().await;
    let dossier = submitted(&ward, "G22-0001").await;
    let first = told(&mut ward).await;
    assert_eq!(
        (first.system.as_str(), first.code.as_str()),
        ("portal", "G22-0001")
    );
    assert_eq!(first.status(), DossierStatus::Submitted);

    let portal = ward.of(Role::System, "portal", &["11593"]);
    let mut portal = SynchronisationServiceClient::new(portal);
    let answer = |status: DossierStatus| AcknowledgeStateRequest {
        name: dossier.name.clone(),
        status: status.into(),
        ..AcknowledgeStateRequest::default()
    };
    let shown = portal
        .acknowledge_state(answer(DossierStatus::Submitted))
        .await;
    let shown = shown.unwrap().into_inner();
    assert_eq!(
        shown.other_systems[0].synchronisation(),
        Synchronisation::UpToDate
    );

    ward.dossiers
        .accept_dossier(motcua_proto::intake::v1::AcceptDossierRequest {
            name: dossier.name.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    for report in 1..=8 {
        let reported = told(&mut ward).await;
        assert_eq!(
            (reported.status(), reported.report),
            (DossierStatus::Accepted, report)
        );
        if let Some(again_at) = reported.again_at {
            let again_at = motcua_platform::time::from_proto_opt(Some(&again_at)).unwrap();
            ward.hand.set(again_at + SignedDuration::from_secs(1));
        } else {
            assert_eq!(report, 8);
        }
    }
    let unsynchronised = ListDossiersRequest {
        flags: vec![DossierFlag::Unsynchronised.into()],
        ..ListDossiersRequest::default()
    };
    let listed = ward.dossiers.list_dossiers(unsynchronised.clone()).await;
    let listed = listed.unwrap().into_inner().dossiers;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].status(), DossierStatus::Accepted);
    assert_eq!(
        listed[0].other_systems[0].acknowledged_status(),
        DossierStatus::Submitted
    );
    portal
        .acknowledge_state(answer(DossierStatus::Accepted))
        .await
        .unwrap();
    let listed = ward.dossiers.list_dossiers(unsynchronised).await.unwrap();
    assert!(listed.into_inner().dossiers.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_unique_within_its_system_and_found_whichever_it_is() {
    let mut ward = Ward::ready().await;
    let first = submitted(&ward, "G22-0001").await;
    let portal = ward.of(Role::System, "portal", &["11593"]);
    let mut dossiers = DossierServiceClient::new(portal);
    let again = dossiers
        .submit_dossier(coded("G22-0001"))
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists, "{again:?}");
    // Another system may well have the same code for another one, and its own code for this one.
    let second = ward.submits(coded("G22-0001")).await.unwrap();
    let ministry = ward.of(Role::System, "ministry", &["11593"]);
    let state = RecordExternalStateRequest {
        name: first.name.clone(),
        code: "BTP-77".to_owned(),
        state: "TIEP_NHAN".to_owned(),
        state_at: Some(to_proto(at("2025-07-01T07:59:00"))),
        authority: Some(true),
        ..RecordExternalStateRequest::default()
    };
    let shown = SynchronisationServiceClient::new(ministry)
        .record_external_state(state)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown.authority, "ministry");
    assert_eq!(shown.status(), DossierStatus::Submitted);
    for (code, found) in [
        ("G22-0001", vec![&first.code, &second.code]),
        ("BTP-77", vec![&first.code]),
        ("BTP-78", vec![]),
    ] {
        let request = ListDossiersRequest {
            external_code: code.to_owned(),
            ..ListDossiersRequest::default()
        };
        let listed = ward
            .dossiers
            .list_dossiers(request)
            .await
            .unwrap()
            .into_inner();
        let codes: Vec<_> = listed
            .dossiers
            .iter()
            .map(|dossier| &dossier.code)
            .collect();
        assert_eq!(codes, found, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_speaks_for_itself_alone_and_only_of_what_it_may_see() {
    let ward = Ward::ready().await;
    let dossier = submitted(&ward, "G22-0001").await;
    let state = RecordExternalStateRequest {
        name: dossier.name.clone(),
        state: "TIEP_NHAN".to_owned(),
        state_at: Some(to_proto(at("2025-07-01T07:59:00"))),
        ..RecordExternalStateRequest::default()
    };
    let elsewhere = ward.of(Role::System, "portal", &["12345"]);
    let refused = SynchronisationServiceClient::new(elsewhere)
        .record_external_state(state)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
    let clerk = ward.of(Role::Receptionist, "receptionist-11593-1", &["11593"]);
    let answer = AcknowledgeStateRequest {
        name: dossier.name,
        status: DossierStatus::Submitted.into(),
        ..AcknowledgeStateRequest::default()
    };
    let refused = SynchronisationServiceClient::new(clerk)
        .acknowledge_state(answer)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
}
