//! Results on their way: by post, to somebody else, and back again.

use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{CaseFinished, CaseStarted, EventKind, event::Payload},
    intake::v1::{
        Applicant, AuthorisedPerson, Dossier, DossierFlag, HandOverResultRequest,
        ListDossiersRequest, RecordFailedHandOverRequest, SubmitDossierRequest,
    },
    r#type::v1::{
        AuthorisationGround, DossierStatus, HandOverFailure, HandOverMethod, PriorityGround,
        Recipient,
    },
};

use crate::world::{Ward, at, registration, violated};

/// A dossier whose result is ready.
async fn ready(ward: &mut Ward, request: SubmitDossierRequest) -> Dossier {
    let request = SubmitDossierRequest {
        accept: true,
        ..request
    };
    let dossier = ward.submits(request).await.unwrap();
    finishes(ward, &dossier).await;
    dossier
}

/// Its case begins and comes to its result.
pub(crate) async fn finishes(ward: &mut Ward, dossier: &Dossier) {
    let finished = CaseFinished {
        finished_at: Some(to_proto(at("2025-07-01T09:00:00"))),
        outcome: "approved".to_owned(),
        ..CaseFinished::default()
    };
    ward.case_says(
        dossier,
        EventKind::CaseStarted,
        Payload::CaseStarted(CaseStarted::default()),
    );
    ward.case_says(
        dossier,
        EventKind::CaseFinished,
        Payload::CaseFinished(finished),
    );
    ward.hears(EventKind::ResultReady).await;
}

pub(crate) fn request(dossier: &Dossier, method: HandOverMethod) -> HandOverResultRequest {
    HandOverResultRequest {
        name: dossier.name.clone(),
        method: method.into(),
        received_by: "Trần Văn Thử".to_owned(),
        ..HandOverResultRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_has_a_reference_and_whoever_comes_for_another_a_right() {
    let mut ward = Ward::ready().await;
    let dossier = ready(&mut ward, registration()).await;
    for (wrong, fields) in [
        (
            request(&dossier, HandOverMethod::Post),
            vec!["tracking_reference"],
        ),
        (
            HandOverResultRequest {
                tracking_reference: "EH1".to_owned(),
                authorisation: "giấy ủy quyền".to_owned(),
                ..request(&dossier, HandOverMethod::Counter)
            },
            vec!["authorisation", "tracking_reference"],
        ),
        (
            HandOverResultRequest {
                recipient: Recipient::Authorised.into(),
                ..request(&dossier, HandOverMethod::Counter)
            },
            vec!["authorisation"],
        ),
    ] {
        let status = ward.dossiers.hand_over_result(wrong).await.unwrap_err();
        assert_eq!(violated(&status), fields, "{status:?}");
    }
    let sound = HandOverResultRequest {
        tracking_reference: "EH123456789VN".to_owned(),
        recipient: Recipient::Authorised.into(),
        authorisation: "Giấy ủy quyền số 12 ngày 01/7/2025".to_owned(),
        ..request(&dossier, HandOverMethod::Post)
    };
    let shown = ward
        .dossiers
        .hand_over_result(sound)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown.status(), DossierStatus::HandedOver);
    assert_eq!(shown.handed_over_to(), Recipient::Authorised);
    assert_eq!(shown.tracking_reference, "EH123456789VN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_sends_its_representative_and_nobody_asks_again() {
    let mut ward = Ward::ready().await;
    let company = Applicant {
        full_name: "Công ty TNHH Thử Nghiệm".to_owned(),
        identity_number: "0200000001".to_owned(),
        kind: motcua_proto::intake::v1::ApplicantKind::Organisation.into(),
        authorised: Some(AuthorisedPerson {
            full_name: "Trần Văn Thử".to_owned(),
            ground: AuthorisationGround::LegalRepresentative.into(),
            ..AuthorisedPerson::default()
        }),
        ..Applicant::default()
    };
    let submission = SubmitDossierRequest {
        applicant: Some(company),
        ..registration()
    };
    let dossier = ready(&mut ward, submission).await;
    let handed_over = HandOverResultRequest {
        recipient: Recipient::Authorised.into(),
        ..request(&dossier, HandOverMethod::Counter)
    };
    ward.dossiers.hand_over_result(handed_over).await.unwrap();
}

async fn listed(ward: &mut Ward, request: ListDossiersRequest) -> Vec<String> {
    let listed = ward.dossiers.list_dossiers(request).await.unwrap();
    let listed = listed.into_inner().dossiers.into_iter();
    listed.map(|dossier| dossier.code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_collected_is_listed_and_so_is_what_came_back() {
    let mut ward = Ward::ready().await;
    let dossier = ready(&mut ward, registration()).await;
    // Another one is still being worked on.
    ward.submits(SubmitDossierRequest {
        accept: true,
        ..registration()
    })
    .await
    .unwrap();
    let ready_before = |day: &str| ListDossiersRequest {
        ready_before: Some(to_proto(at(&format!("{day}T00:00:00")))),
        ..ListDossiersRequest::default()
    };
    assert_eq!(listed(&mut ward, ready_before("2025-07-01")).await, [""; 0]);
    assert_eq!(
        listed(&mut ward, ready_before("2025-07-02")).await,
        [&dossier.code[..]]
    );
    let failed = |method: HandOverMethod, failure: HandOverFailure| RecordFailedHandOverRequest {
        name: dossier.name.clone(),
        method: method.into(),
        failure: failure.into(),
        ..RecordFailedHandOverRequest::default()
    };
    for (wrong, field) in [
        (
            failed(HandOverMethod::Counter, HandOverFailure::Returned),
            "failure",
        ),
        (
            failed(HandOverMethod::Home, HandOverFailure::NotCollected),
            "method",
        ),
    ] {
        let status = ward.dossiers.record_failed_hand_over(wrong).await;
        assert_eq!(violated(&status.unwrap_err()), [field]);
    }
    let returned = failed(HandOverMethod::Post, HandOverFailure::Returned);
    let shown = ward.dossiers.record_failed_hand_over(returned).await;
    assert_eq!(shown.unwrap().into_inner().failed_hand_overs.len(), 1);
    let came_back = ListDossiersRequest {
        flags: vec![DossierFlag::HandOverFailed.into()],
        ..ListDossiersRequest::default()
    };
    assert_eq!(
        listed(&mut ward, came_back.clone()).await,
        [&dossier.code[..]]
    );
    let both = ListDossiersRequest {
        flags: vec![
            DossierFlag::HandOverFailed.into(),
            DossierFlag::Priority.into(),
        ],
        ..ListDossiersRequest::default()
    };
    assert_eq!(listed(&mut ward, both).await, [""; 0]);
    ward.dossiers
        .hand_over_result(request(&dossier, HandOverMethod::Counter))
        .await
        .unwrap();
    assert_eq!(listed(&mut ward, came_back).await, [""; 0]);
    assert_eq!(listed(&mut ward, ready_before("2025-07-02")).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_first_and_what_is_due_is_listed() {
    let mut ward = Ward::ready().await;
    let first = ward
        .submits(SubmitDossierRequest {
            accept: true,
            priority: PriorityGround::Elderly.into(),
            priority_reason: "88 tuổi, đi lại khó khăn".to_owned(),
            ..registration()
        })
        .await
        .unwrap();
    let other = ward.submits(registration()).await.unwrap();
    let flagged = ListDossiersRequest {
        flags: vec![DossierFlag::Priority.into()],
        ..ListDossiersRequest::default()
    };
    assert_eq!(listed(&mut ward, flagged).await, [&first.code[..]]);
    let due_before = |at_day: &str| ListDossiersRequest {
        due_before: Some(to_proto(at(at_day))),
        ..ListDossiersRequest::default()
    };
    assert_eq!(
        listed(&mut ward, due_before("2025-07-01T17:00:01")).await,
        [&first.code[..]]
    );
    assert_eq!(
        listed(&mut ward, due_before("2025-07-01T17:00:00")).await,
        [""; 0]
    );
    // Nobody goes first without a ground.
    let without = SubmitDossierRequest {
        priority_reason: "quen biết".to_owned(),
        ..registration()
    };
    let status = ward.submits(without).await.unwrap_err();
    assert_eq!(violated(&status), ["priority_reason"]);
    assert_ne!(other.code, first.code);
}
