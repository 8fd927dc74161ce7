//! The archive: what is due leaves the lists, comes back where the run is undone, and is sealed for good.

use jiff::SignedDuration;
use motcua_platform::rpc::Peer;
use motcua_proto::{
    intake::v1::{
        ArchiveRun, ArchiveRunState, Dossier, GetArchiveRunRequest, GetDossierRequest,
        ListArchiveRunsRequest, ListDossiersRequest, RecuseStaffRequest, SealArchiveRunRequest,
        StartArchiveRunRequest, UndoArchiveRunRequest, WithdrawDossierRequest,
        archive_service_client::ArchiveServiceClient,
    },
    r#type::v1::{Catalog, Role},
};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{Ward, at, catalog, registration};

/// Death registrations are due for the archive after thirty days, whatever else never.
fn with_days() -> Catalog {
    let mut catalog = catalog();
    catalog.procedures[0].archive_days = 30;
    catalog
}

async fn ward() -> Ward {
    let mut ward = Ward::opens().await;
    ward.applies(with_days()).await.unwrap();
    ward
}

fn administrator(ward: &Ward, agency: &str) -> ArchiveServiceClient<Peer> {
    let id = format!("administrator-{agency}");
    ArchiveServiceClient::new(ward.of(Role::WardAdministrator, &id, &[agency]))
}

async fn withdrawn(ward: &mut Ward, procedure: &str) -> Dossier {
    let mut request = registration();
    procedure.clone_into(&mut request.procedure);
    let dossier = ward.submits(request).await.unwrap();
    let request = WithdrawDossierRequest {
        name: dossier.name,
        ..WithdrawDossierRequest::default()
    };
    let withdrawn = ward.dossiers.withdraw_dossier(request).await;
    withdrawn.unwrap().into_inner()
}

fn starting() -> StartArchiveRunRequest {
    StartArchiveRunRequest {
        agency: "11593".to_owned(),
        request_id: Uuid::now_v7().to_string(),
    }
}

async fn starts(ward: &Ward) -> Result<ArchiveRun, Status> {
    let started = administrator(ward, "11593")
        .start_archive_run(starting())
        .await;
    Ok(started?.into_inner())
}

async fn listed(ward: &mut Ward, archived: bool) -> Vec<String> {
    let request = ListDossiersRequest {
        archived,
        ..ListDossiersRequest::default()
    };
    let listed = ward.dossiers.list_dossiers(request).await.unwrap();
    let listed = listed.into_inner().dossiers.into_iter();
    listed.map(|dossier| dossier.code).collect()
}

fn later(ward: &Ward, days: i64) {
    ward.hand
        .set(at("2025-07-01T08:00:00") + SignedDuration::from_hours(24 * days));
}

fn state(status: &Status) -> String {
    status.get_details_error_info().unwrap().metadata["state"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_leaves_the_lists_and_comes_back_where_the_run_is_undone() {
    let mut ward = ward().await;
    let due = withdrawn(&mut ward, "1.000656").await;
    let never = withdrawn(&mut ward, "2.002622").await;
    let under_way = ward.submits(registration()).await.unwrap();
    later(&ward, 29);
    let early = starts(&ward).await.unwrap_err();
    assert_eq!(
        (early.code(), state(&early)),
        (Code::FailedPrecondition, "NOTHING_DUE".to_owned())
    );

    later(&ward, 30);
    let run = starts(&ward).await.unwrap();
    assert_eq!(run.state(), ArchiveRunState::Open);
    assert!(!run.more);
    let codes: Vec<_> = run.dossiers.iter().map(|entry| &entry.code).collect();
    assert_eq!(codes, [&due.code]);
    assert_eq!(listed(&mut ward, true).await, [&due.code[..]]);
    assert_eq!(
        listed(&mut ward, false).await,
        [&never.code[..], &under_way.code]
    );
    // Nothing happens to it meanwhile, and whoever knows its code still sees it.
    let recusing = || RecuseStaffRequest {
        name: due.name.clone(),
        principal: "officer-11593-2".to_owned(),
        ..RecuseStaffRequest::default()
    };
    let refused = ward.dossiers.recuse_staff(recusing()).await.unwrap_err();
    assert_eq!(state(&refused), "ARCHIVED");
    let request = GetDossierRequest {
        name: due.name.clone(),
        ..GetDossierRequest::default()
    };
    let shown = ward.dossiers.get_dossier(request).await.unwrap();
    assert!(shown.into_inner().archived);
    assert_eq!(state(&starts(&ward).await.unwrap_err()), "NOTHING_DUE");

    let undo = UndoArchiveRunRequest {
        name: run.name.clone(),
        etag: run.etag,
        request_id: Uuid::now_v7().to_string(),
    };
    let mut administrator = administrator(&ward, "11593");
    let undone = administrator.undo_archive_run(undo.clone()).await.unwrap();
    assert_eq!(undone.get_ref().state(), ArchiveRunState::Undone);
    let again = administrator.undo_archive_run(undo).await.unwrap();
    assert_eq!(again.into_inner(), undone.into_inner());
    assert_eq!(listed(&mut ward, true).await, [""; 0]);
    assert_eq!(listed(&mut ward, false).await.len(), 3);
    ward.dossiers.recuse_staff(recusing()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_run_is_sealed_for_good_and_its_seal_is_of_the_histories() {
    let mut ward = ward().await;
    let first = withdrawn(&mut ward, "1.000656").await;
    let second = withdrawn(&mut ward, "1.000656").await;
    later(&ward, 40);
    let run = starts(&ward).await.unwrap();
    assert_eq!(run.dossier_count, 2);
    let mut administrator = administrator(&ward, "11593");
    let seal = SealArchiveRunRequest {
        name: run.name.clone(),
        ..SealArchiveRunRequest::default()
    };
    let sealed = administrator
        .seal_archive_run(seal)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(sealed.state(), ArchiveRunState::Sealed);

    // Whoever has the feed can tell that nothing was changed since.
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let mut lines = String::new();
    for (dossier, entry) in [&first, &second].into_iter().zip(&sealed.dossiers) {
        let history = ward.history(&dossier.name).await;
        let of_events = motcua_intake::domain::archive_run::of_history(&history);
        assert_eq!(entry.sha256, hex(&of_events));
        lines += &format!("{} {}\n", dossier.code, entry.sha256);
    }
    let all = ring::digest::digest(&ring::digest::SHA256, lines.as_bytes());
    assert_eq!(sealed.sha256, hex(all.as_ref()));

    let undo = UndoArchiveRunRequest {
        name: run.name.clone(),
        ..UndoArchiveRunRequest::default()
    };
    let refused = administrator.undo_archive_run(undo).await.unwrap_err();
    assert_eq!(state(&refused), "SEALED");
    let request = GetArchiveRunRequest {
        name: run.name.clone(),
    };
    let shown = administrator.get_archive_run(request).await.unwrap();
    assert_eq!(shown.into_inner(), sealed);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_wards_archive_does_not_exist() {
    let mut ward = ward().await;
    withdrawn(&mut ward, "1.000656").await;
    later(&ward, 40);
    let mut elsewhere = administrator(&ward, "12345");
    let foreign = elsewhere.start_archive_run(starting()).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let run = starts(&ward).await.unwrap();
    let request = GetArchiveRunRequest {
        name: run.name.clone(),
    };
    let foreign = elsewhere.get_archive_run(request).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let request = UndoArchiveRunRequest {
        name: run.name,
        ..UndoArchiveRunRequest::default()
    };
    let foreign = elsewhere.undo_archive_run(request).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let runs = elsewhere
        .list_archive_runs(ListArchiveRunsRequest::default())
        .await;
    assert!(runs.unwrap().into_inner().runs.is_empty());
    let runs = administrator(&ward, "11593")
        .list_archive_runs(ListArchiveRunsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .runs;
    assert_eq!(runs.len(), 1);
    assert!(runs[0].dossiers.is_empty());
    assert_eq!(runs[0].dossier_count, 1);
}
