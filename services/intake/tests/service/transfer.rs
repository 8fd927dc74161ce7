//! What one centre receives and another ward decides.

use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{EventKind, event::Payload},
    intake::v1::{
        ConfirmTransferRequest, DossierFlag, GetDossierRequest, ListDossiersRequest,
        SubmitDossierRequest, dossier_service_client::DossierServiceClient,
    },
    r#type::v1::{Channel, Role},
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::world::{Ward, at, registration};

fn for_another_ward() -> SubmitDossierRequest {
    SubmitDossierRequest {
        channel: Channel::Counter.into(),
        on_behalf_of: "12345".to_owned(),
        accept: true,
        ..registration()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_competent_agency_takes_it_over_and_nobody_else_can_say_so() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(for_another_ward()).await.unwrap();
    let transfer = dossier.transfer.unwrap();
    assert_eq!(transfer.due_at, Some(to_proto(at("2025-07-01T17:00:00"))));
    assert_eq!(transfer.transferred_at, None);
    let confirming = || ConfirmTransferRequest {
        name: dossier.name.clone(),
        ..ConfirmTransferRequest::default()
    };
    let by_receiver = ward.dossiers.confirm_transfer(confirming()).await;
    let by_receiver = by_receiver.unwrap_err();
    assert_eq!(by_receiver.code(), Code::FailedPrecondition);
    let info = by_receiver.get_details_error_info().unwrap();
    assert_eq!(info.metadata["article"], "decree 118/2025, art. 18");
    let of = |id: &str, agency| DossierServiceClient::new(ward.of(Role::Officer, id, &[agency]));
    let mut stranger = of("officer-11593-ca-1", "11593-ca");
    let hidden = stranger.confirm_transfer(confirming()).await;
    assert_eq!(hidden.unwrap_err().code(), Code::NotFound);
    let mut there = of("officer-12345-1", "12345");
    let waiting = ListDossiersRequest {
        flags: vec![DossierFlag::TransferWaiting.into()],
        ..ListDossiersRequest::default()
    };
    let listed = there.list_dossiers(waiting.clone()).await.unwrap();
    assert_eq!(listed.into_inner().dossiers[0].code, dossier.code);
    let confirmed = there.confirm_transfer(confirming()).await.unwrap();
    let confirmed = confirmed.into_inner();
    let transfer = confirmed.transfer.clone().unwrap();
    assert!(transfer.transferred_at.is_some() && !transfer.overdue);
    assert_eq!(transfer.confirmed_by, "officer-12345-1");
    assert_eq!(confirmed.due_at, dossier.due_at, "beside the limit");
    let again = there.confirm_transfer(confirming()).await.unwrap();
    assert_eq!(again.into_inner(), confirmed);
    let listed = there.list_dossiers(waiting).await.unwrap();
    assert!(listed.into_inner().dossiers.is_empty());
    let told = ward.hears(EventKind::DossierTransferred).await;
    let Some(Payload::DossierTransferred(told)) = told.payload else {
        panic!("a transfer");
    };
    assert_eq!((&*told.from_agency, &*told.to_agency), ("11593", "12345"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_in_time_is_told_by_the_clock_alone_and_listed() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(for_another_ward()).await.unwrap();
    ward.hand.set(at("2025-07-01T17:01:00"));
    let late = ward.hears(EventKind::TransferOverdue).await;
    assert_eq!(late.dossier, dossier.code);
    let request = GetDossierRequest {
        name: dossier.name.clone(),
        ..GetDossierRequest::default()
    };
    let shown = ward.dossiers.get_dossier(request).await.unwrap();
    let shown = shown.into_inner();
    assert!(shown.transfer.unwrap().overdue);
    assert_eq!(
        (shown.status, shown.due_at),
        (dossier.status, dossier.due_at)
    );
    let listed = ListDossiersRequest {
        flags: vec![DossierFlag::TransferLate.into()],
        ..ListDossiersRequest::default()
    };
    let listed = ward.dossiers.list_dossiers(listed).await.unwrap();
    assert_eq!(listed.into_inner().dossiers.len(), 1);
}
