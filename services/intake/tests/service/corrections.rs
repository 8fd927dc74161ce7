//! A clerical error, corrected by two people: what is shown, what it is found by, and what stays.

use motcua_platform::rpc::Peer;
use motcua_proto::{
    access::v1::{ExportSubjectRequest, subject_service_client::SubjectServiceClient},
    intake::v1::{
        Applicant, CorrectionState, DecideCorrectionRequest, Dossier, DossierFlag, DossierView,
        GetDossierRequest, ListDossiersRequest, LookUpDossierRequest, ProposeCorrectionRequest,
        StatementKind, SubmitDossierRequest, correction_service_client::CorrectionServiceClient,
        dossier_service_client::DossierServiceClient,
    },
    r#type::v1::Role,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{Ward, registration, stating};

const WRONG: &str = "031000000001";
const RIGHT: &str = "031000000010";

fn person(full_name: &str, identity_number: &str) -> Applicant {
    Applicant {
        full_name: full_name.to_owned(),
        identity_number: identity_number.to_owned(),
        ..Applicant::default()
    }
}

fn of(applicant: Applicant) -> SubmitDossierRequest {
    SubmitDossierRequest {
        applicant: Some(applicant),
        ..registration()
    }
}

fn clerk(ward: &Ward, number: u32) -> Peer {
    let id = format!("receptionist-11593-{number}");
    ward.of(Role::Receptionist, &id, &["11593"])
}

async fn propose(ward: &Ward, dossier: &Dossier, applicant: Applicant) -> Result<Dossier, Status> {
    let request = ProposeCorrectionRequest {
        name: dossier.name.clone(),
        applicant: Some(applicant),
        reason: "giấy tờ gốc ghi khác".to_owned(),
        ..ProposeCorrectionRequest::default()
    };
    let mut corrections = CorrectionServiceClient::new(clerk(ward, 1));
    Ok(corrections.propose_correction(request).await?.into_inner())
}

fn decision(dossier: &Dossier, confirm: bool) -> DecideCorrectionRequest {
    DecideCorrectionRequest {
        name: dossier.name.clone(),
        correction: "c1".to_owned(),
        confirm,
        request_id: Uuid::now_v7().to_string(),
        ..DecideCorrectionRequest::default()
    }
}

async fn decide(peer: Peer, request: DecideCorrectionRequest) -> Result<Dossier, Status> {
    let mut corrections = CorrectionServiceClient::new(peer);
    Ok(corrections.decide_correction(request).await?.into_inner())
}

async fn full(ward: &Ward, dossier: &Dossier) -> Dossier {
    let request = GetDossierRequest {
        name: dossier.name.clone(),
        view: DossierView::Full.into(),
        ..GetDossierRequest::default()
    };
    DossierServiceClient::new(clerk(ward, 1))
        .get_dossier(stating(request))
        .await
        .unwrap()
        .into_inner()
}

async fn found(ward: &Ward, request: ListDossiersRequest) -> Vec<String> {
    let mut dossiers = DossierServiceClient::new(clerk(ward, 1));
    let listed = dossiers.list_dossiers(stating(request)).await.unwrap();
    let listed = listed.into_inner().dossiers.into_iter();
    listed.map(|dossier| dossier.code).collect()
}

fn of_number(number: &str) -> ListDossiersRequest {
    ListDossiersRequest {
        identity_number: number.to_owned(),
        ..ListDossiersRequest::default()
    }
}

fn named(name: &str) -> ListDossiersRequest {
    ListDossiersRequest {
        applicant_name: name.to_owned(),
        ..ListDossiersRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_person_confirms_and_the_dossier_is_found_by_what_is_right() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of(person("Dương Thị Thử", WRONG)))
        .await
        .unwrap();
    let right = person("Đường Thị Thử", RIGHT);
    let proposed = propose(&ward, &dossier, right.clone()).await.unwrap();
    assert_eq!(proposed.corrections[0].state(), CorrectionState::Pending);

    // Until somebody else has decided, it is listed, shown beside what stands there, and changes nothing.
    let pending = ListDossiersRequest {
        flags: vec![DossierFlag::CorrectionPending.into()],
        ..ListDossiersRequest::default()
    };
    assert_eq!(found(&ward, pending.clone()).await, [&dossier.code[..]]);
    let shown = full(&ward, &dossier).await;
    assert_eq!(shown.applicant.unwrap().full_name, "Dương Thị Thử");
    assert_eq!(shown.proposed.unwrap().full_name, "Đường Thị Thử");
    assert_eq!(found(&ward, of_number(RIGHT)).await, Vec::<String>::new());

    let own = decide(clerk(&ward, 1), decision(&dossier, true)).await;
    let own = own.unwrap_err();
    assert_eq!(own.code(), Code::FailedPrecondition);
    let article = own.get_details_error_info().unwrap().metadata["article"].clone();
    assert!(article.contains("four eyes"), "{article}");

    let request = decision(&dossier, true);
    let confirmed = decide(clerk(&ward, 2), request.clone()).await.unwrap();
    assert_eq!(confirmed.corrections[0].state(), CorrectionState::Confirmed);
    // A double click gets the first answer again.
    assert_eq!(decide(clerk(&ward, 2), request).await.unwrap(), confirmed);

    let shown = full(&ward, &dossier).await;
    assert_eq!(shown.applicant.unwrap().full_name, right.full_name);
    assert_eq!(shown.proposed, None);
    assert_eq!(found(&ward, pending).await, Vec::<String>::new());
    for (request, finds) in [
        (of_number(WRONG), false),
        (of_number(RIGHT), true),
        (named("dương"), false),
        (named("đường"), true),
        (named("duong"), true),
    ] {
        let codes = found(&ward, request.clone()).await;
        assert_eq!(codes.contains(&dossier.code), finds, "{request:?}");
    }
    // The applicant is known by the right number from now on.
    for (ending, finds) in [("0001", false), ("0010", true)] {
        let request = LookUpDossierRequest {
            code: dossier.code.clone(),
            identity_ending: ending.to_owned(),
            ..LookUpDossierRequest::default()
        };
        let mut anybody = DossierServiceClient::new(ward.of_nobody());
        assert_eq!(anybody.look_up_dossier(request).await.is_ok(), finds);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_another_persons_is_not_confirmed() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of(person("Trần Văn Thử", WRONG)))
        .await
        .unwrap();
    ward.submits(of(person("Lê Thị Khác", RIGHT)))
        .await
        .unwrap();
    propose(&ward, &dossier, person("Trần Văn Thử", RIGHT))
        .await
        .unwrap();
    let refused = decide(clerk(&ward, 2), decision(&dossier, true)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    assert!(!refused.message().contains(RIGHT), "{refused:?}");
    // What stands may stay, and the name alone can still be corrected.
    decide(clerk(&ward, 2), decision(&dossier, false))
        .await
        .unwrap();
    propose(&ward, &dossier, person("Trần Văn Thử Nghiệm", WRONG))
        .await
        .unwrap();
    let second = DecideCorrectionRequest {
        correction: "c2".to_owned(),
        ..decision(&dossier, true)
    };
    decide(clerk(&ward, 2), second).await.unwrap();
    assert_eq!(found(&ward, named("nghiệm")).await, [&dossier.code[..]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stood_there_before_can_still_be_read() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of(person("Trần Văn Thử", WRONG)))
        .await
        .unwrap();
    propose(&ward, &dossier, person("Trần Văn Thứ", WRONG))
        .await
        .unwrap();
    decide(clerk(&ward, 2), decision(&dossier, true))
        .await
        .unwrap();
    let request = ExportSubjectRequest {
        dossier: dossier.code.clone(),
        ..ExportSubjectRequest::default()
    };
    let administrator = ward.of(Role::Administrator, "administrator-1", &[]);
    let held = SubjectServiceClient::new(administrator)
        .export_subject(stating(request))
        .await
        .unwrap()
        .into_inner();
    let dossier = &held.dossiers[0];
    assert_eq!(
        dossier.applicant.as_ref().unwrap().full_name,
        "Trần Văn Thứ"
    );
    let before: Vec<_> = dossier
        .statements
        .iter()
        .filter(|said| said.kind() == StatementKind::Applicant)
        .collect();
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].revision, 1);
    assert!(before[0].text.contains("Trần Văn Thử"));
}
