//! What a portal hands in for citizens: it is theirs, the portal fetches what came of it, and no other system does.

use motcua_platform::rpc::Peer;
use motcua_proto::{
    intake::v1::{
        AcceptDossierRequest, DocumentHeader, Dossier, Form, GetDossierRequest,
        ListDocumentsRequest, PrintFormRequest, SubmitDossierRequest,
        document_service_client::DocumentServiceClient,
        dossier_service_client::DossierServiceClient, form_service_client::FormServiceClient,
    },
    r#type::v1::{DocumentKind, DossierStatus, HandOverMethod, Role},
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    documents::{clerk, content_for, header, pieces, send},
    hand_over::{finishes, request},
    world::{Ward, registration, stating, violated},
};

fn portal(ward: &Ward, id: &str) -> Peer {
    ward.of(Role::System, id, &["11593"])
}

async fn submits(ward: &Ward, citizen: &str) -> Dossier {
    let request = SubmitDossierRequest {
        citizen: citizen.to_owned(),
        hand_over_method: HandOverMethod::Online.into(),
        ..registration()
    };
    let mut dossiers = DossierServiceClient::new(portal(ward, "portal"));
    dossiers.submit_dossier(request).await.unwrap().into_inner()
}

async fn sees(peer: Peer, dossier: &Dossier) -> Result<(), Status> {
    let asked = GetDossierRequest {
        name: dossier.name.clone(),
        ..GetDossierRequest::default()
    };
    let mut dossiers = DossierServiceClient::new(peer);
    dossiers.get_dossier(asked).await.map(drop)
}

async fn prints(peer: Peer, dossier: &Dossier, anew: bool) -> Result<(), Status> {
    let asked = PrintFormRequest {
        name: dossier.name.clone(),
        form: Form::Receipt.into(),
        anew,
        ..PrintFormRequest::default()
    };
    FormServiceClient::new(peer)
        .print_form(asked)
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_portal_submits_is_its_citizens_and_no_other_systems() {
    let mut ward = Ward::ready().await;
    let dossier = submits(&ward, "citizen-1").await;
    let nobodys = submits(&ward, "").await;
    let citizen = |ward: &Ward, id: &str| ward.of(Role::Citizen, id, &[]);
    sees(citizen(&ward, "citizen-1"), &dossier).await.unwrap();
    for (who, dossier) in [("citizen-2", &dossier), ("citizen-1", &nobodys)] {
        let hidden = sees(citizen(&ward, who), dossier).await.unwrap_err();
        assert_eq!(hidden.code(), Code::NotFound, "{who}");
    }
    // At the counter, and for themselves, nobody says whose it is.
    let stated = SubmitDossierRequest {
        citizen: "citizen-1".to_owned(),
        ..registration()
    };
    let refused = ward.submits(stated.clone()).await.unwrap_err();
    assert_eq!(violated(&refused), ["citizen"]);
    let mut own = DossierServiceClient::new(citizen(&ward, "citizen-2"));
    let refused = own.submit_dossier(stated).await.unwrap_err();
    assert_eq!(violated(&refused), ["citizen"]);

    // Nor does a portal say a number of theirs: by that this suite knows nobody.
    let numbered = SubmitDossierRequest {
        citizen: "001099012345".to_owned(),
        ..registration()
    };
    let mut own = DossierServiceClient::new(portal(&ward, "portal"));
    let refused = own.submit_dossier(numbered).await.unwrap_err();
    assert_eq!(violated(&refused), ["citizen"]);

    let accepting = AcceptDossierRequest {
        name: dossier.name.clone(),
        ..AcceptDossierRequest::default()
    };
    ward.dossiers.accept_dossier(accepting).await.unwrap();
    prints(portal(&ward, "portal"), &dossier, false)
        .await
        .unwrap();
    let anew = prints(portal(&ward, "portal"), &dossier, true).await;
    assert_eq!(violated(&anew.unwrap_err()), ["anew"]);
    let hidden = prints(portal(&ward, "ministry"), &dossier, false).await;
    assert_eq!(hidden.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_handed_over_online_once_it_is_there_and_the_portal_fetches_it() {
    let mut ward = Ward::ready().await;
    let dossier = submits(&ward, "citizen-1").await;
    let accepting = AcceptDossierRequest {
        name: dossier.name.clone(),
        ..AcceptDossierRequest::default()
    };
    ward.dossiers.accept_dossier(accepting).await.unwrap();
    let result = b"%PDF-1.7 Trich luc khai tu".as_slice();
    finishes(&mut ward, &dossier).await;
    let online = request(&dossier, HandOverMethod::Online);
    let refused = ward.dossiers.hand_over_result(online.clone()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let details = refused.get_details_precondition_failure().unwrap();
    assert_eq!(details.violations[0].subject, "RESULT_MISSING");
    let header = DocumentHeader {
        kind: DocumentKind::Result.into(),
        paper: String::new(),
        result_code: "KQ.G15.000123".to_owned(),
        ..header(&dossier, result.len())
    };
    let kept = send(clerk(&ward), pieces(header, result)).await.unwrap();
    let handed_over = ward.dossiers.hand_over_result(online).await.unwrap();
    let handed_over = handed_over.into_inner();
    assert_eq!(handed_over.status(), DossierStatus::HandedOver);
    assert_eq!(handed_over.handed_over_by(), HandOverMethod::Online);

    let documents = |peer| DocumentServiceClient::new(peer);
    let fetched = content_for(documents(portal(&ward, "portal")), &kept.name).await;
    assert_eq!(fetched.unwrap(), result);
    let citizen = ward.of(Role::Citizen, "citizen-1", &[]);
    let fetched = content_for(documents(citizen), &kept.name).await;
    assert_eq!(fetched.unwrap(), result);
    let list = ListDocumentsRequest {
        name: dossier.name.clone(),
    };
    let mut own = documents(portal(&ward, "portal"));
    let listed = own.list_documents(stating(list.clone())).await.unwrap();
    assert_eq!(listed.into_inner().documents.len(), 1);
    let mut other = documents(portal(&ward, "ministry"));
    let hidden = other.list_documents(stating(list)).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound);
    let hidden = content_for(other, &kept.name).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound);
}
