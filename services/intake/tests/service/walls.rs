//! Two walls stand between agencies, one in the program and one in PostgreSQL. Each holds with the other one taken down.

use std::time::Duration;

use motcua_platform::{
    archive::Archive,
    clock::Clock,
    identity::{Principal, mint::LIFETIME},
    policy,
    rpc::Peer,
    scope::Scope,
};
use motcua_proto::{
    events::v1::{SubscribeRequest, event_feed_service_client::EventFeedServiceClient},
    intake::v1::{
        AcceptDossierRequest, Dossier, GetDossierRequest, ListDossiersRequest,
        ListDossiersResponse, LookUpDossierRequest, RecuseStaffRequest, SubmitDossierRequest,
        WithdrawDossierRequest, dossier_service_client::DossierServiceClient,
    },
    r#type::v1::{Channel, Role},
};
use sqlx::AssertSqlSafe;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{Ward, registration};

/// Another ward, and the police of the first.
const ELSEWHERE: &str = "12345";

/// What a receptionist of that agency reaches.
fn scope_of(agency: &str) -> Scope {
    let policy = policy::of("motcua.intake.v1.DossierService/GetDossier").unwrap();
    let principal = Principal::of("somebody-1", &[Role::Receptionist], &[agency]);
    policy::judge(policy, Some(&principal), None).unwrap().scope
}

async fn get(peer: Peer, name: &str) -> Result<Dossier, Status> {
    let request = GetDossierRequest {
        name: name.to_owned(),
        ..GetDossierRequest::default()
    };
    let shown = DossierServiceClient::new(peer).get_dossier(request).await?;
    Ok(shown.into_inner())
}

async fn list(peer: Peer, request: ListDossiersRequest) -> ListDossiersResponse {
    let listed = DossierServiceClient::new(peer).list_dossiers(request).await;
    listed.unwrap().into_inner()
}

/// A refusal, without what differs between two names.
fn refusal(status: &Status, name: &str) -> (Code, String, String) {
    let info = status.get_details_error_info().unwrap();
    (
        status.code(),
        status.message().replace(name, "NAME"),
        info.reason,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_agency_has_and_what_nobody_has_are_answered_alike() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let nobodys = "dossiers/H24.11593-250701-0999";
    let stranger = || ward.of(Role::Receptionist, "receptionist-12345-1", &[ELSEWHERE]);
    let agencyless = || ward.of(Role::Receptionist, "receptionist-1", &[]);
    for peer in [stranger(), agencyless()] {
        let theirs = get(peer.clone(), &dossier.name).await.unwrap_err();
        let none = get(peer, nobodys).await.unwrap_err();
        assert_eq!(theirs.code(), Code::NotFound);
        assert_eq!(refusal(&theirs, &dossier.name), refusal(&none, nobodys));
    }
    let mut client = DossierServiceClient::new(stranger());
    let mut acts = Vec::new();
    for name in [dossier.name.as_str(), nobodys] {
        let accept = AcceptDossierRequest {
            name: name.to_owned(),
            // Not even that it is stale.
            etag: "\"77\"".to_owned(),
            ..AcceptDossierRequest::default()
        };
        let withdraw = WithdrawDossierRequest {
            name: name.to_owned(),
            ..WithdrawDossierRequest::default()
        };
        let recuse = RecuseStaffRequest {
            name: name.to_owned(),
            principal: "officer-1".to_owned(),
            ..RecuseStaffRequest::default()
        };
        acts.push([
            refusal(&client.accept_dossier(accept).await.unwrap_err(), name),
            refusal(&client.withdraw_dossier(withdraw).await.unwrap_err(), name),
            refusal(&client.recuse_staff(recuse).await.unwrap_err(), name),
        ]);
    }
    assert_eq!(acts[0], acts[1]);
    assert!(acts[0].iter().all(|(code, ..)| *code == Code::NotFound));
    for request in [
        ListDossiersRequest::default(),
        ListDossiersRequest {
            receiving_agency: "11593".to_owned(),
            ..ListDossiersRequest::default()
        },
        ListDossiersRequest {
            external_code: "G22.1".to_owned(),
            ..ListDossiersRequest::default()
        },
    ] {
        assert_eq!(list(stranger(), request.clone()).await.dossiers, []);
        assert_eq!(list(agencyless(), request).await.dossiers, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_receives_for_another_ward_sees_it_and_so_does_the_ward() {
    let mut ward = Ward::ready().await;
    let elsewhere = SubmitDossierRequest {
        on_behalf_of: ELSEWHERE.to_owned(),
        ..registration()
    };
    let dossier = ward.submits(elsewhere).await.unwrap();
    assert_eq!(dossier.competent_agency, ELSEWHERE);
    ward.submits(registration()).await.unwrap();
    let here = ward.of(Role::Officer, "officer-11593-1", &["11593"]);
    let there = ward.of(Role::Officer, "officer-12345-1", &[ELSEWHERE]);
    assert_eq!(get(there.clone(), &dossier.name).await.unwrap(), dossier);
    let all = ListDossiersRequest::default();
    assert_eq!(list(there, all.clone()).await.dossiers, [dossier]);
    assert_eq!(list(here, all).await.dossiers.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_receives_at_a_counter_that_is_not_theirs() {
    let ward = Ward::ready().await;
    let mut stranger = DossierServiceClient::new(ward.of(
        Role::Receptionist,
        "receptionist-12345-1",
        &[ELSEWHERE],
    ));
    let mut answers = Vec::new();
    for agency in ["11593", "99999"] {
        let request = SubmitDossierRequest {
            receiving_agency: agency.to_owned(),
            ..registration()
        };
        let refused = stranger.submit_dossier(request).await.unwrap_err();
        answers.push(refusal(&refused, agency));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citizen_sees_their_own_and_nobody_elses() {
    let ward = Ward::ready().await;
    let one = ward.of(Role::Citizen, "citizen-1", &[]);
    let other = ward.of(Role::Citizen, "citizen-2", &[]);
    let request = SubmitDossierRequest {
        channel: Channel::Portal.into(),
        ..registration()
    };
    let submitted = DossierServiceClient::new(one.clone())
        .submit_dossier(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(get(one.clone(), &submitted.name).await.unwrap(), submitted);
    assert_eq!(
        get(other.clone(), &submitted.name)
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    let all = ListDossiersRequest::default();
    assert_eq!(list(one, all.clone()).await.dossiers, [submitted]);
    assert_eq!(list(other, all).await.dossiers, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_shows_nothing_of_others_whatever_the_query_says() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let archive = Archive::new(ward.reader.clone());
    for (scope, seen) in [
        (scope_of("11593"), 1),
        (scope_of(ELSEWHERE), 0),
        (scope_of("1159"), 0),
    ] {
        for table in [
            "dossier",
            "statement",
            "event WHERE dossier <> '' AND name LIKE 'dossiers/%'",
        ] {
            let mut reading = archive.open(&scope).await.unwrap();
            let count: i64 =
                sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                    .fetch_one(&mut *reading)
                    .await
                    .unwrap();
            assert_eq!(count, seen, "{table} for {scope:?}");
        }
        let mut reading = archive.open(&scope).await.unwrap();
        let state: Option<String> =
            sqlx::query_scalar("SELECT state::text FROM dossier WHERE code = $1")
                .bind(&dossier.code)
                .fetch_optional(&mut *reading)
                .await
                .unwrap();
        assert_eq!(state.is_some(), seen == 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_for_callers_changes_nothing_and_sees_no_keys() {
    let mut ward = Ward::ready().await;
    ward.submits(registration()).await.unwrap();
    let archive = Archive::new(ward.reader.clone());
    for forbidden in [
        "DELETE FROM dossier",
        "UPDATE dossier SET owner = 'me'",
        "INSERT INTO statement (name, kind, revision, body, ground, recorded_at) VALUES ('x', 1, 1, '', '', now())",
        "SELECT FROM request",
        "SELECT FROM counter",
        "SELECT FROM person_key",
        "SELECT FROM agency_key",
        "SELECT FROM vault_secret",
        "SELECT FROM subject",
        "DROP TABLE dossier",
        "ALTER TABLE dossier DISABLE ROW LEVEL SECURITY",
    ] {
        let mut reading = archive.open(&scope_of("11593")).await.unwrap();
        let refused = sqlx::query(AssertSqlSafe(forbidden))
            .execute(&mut *reading)
            .await
            .unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code());
        // Insufficient privilege, or a transaction that only reads.
        assert!(
            matches!(code.as_deref(), Some("42501" | "25006")),
            "{forbidden}: {refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_shows_nothing_of_others_where_postgresql_would() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(registration()).await.unwrap();
    ward.tear_down_the_wall_in_postgresql().await;
    let stranger = ward.of(Role::Receptionist, "receptionist-12345-1", &[ELSEWHERE]);
    assert_eq!(
        get(stranger.clone(), &dossier.name)
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    assert_eq!(
        list(stranger.clone(), ListDossiersRequest::default())
            .await
            .dossiers,
        []
    );
    let accept = AcceptDossierRequest {
        name: dossier.name.clone(),
        ..AcceptDossierRequest::default()
    };
    let refused = DossierServiceClient::new(stranger)
        .accept_dossier(accept)
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    // Who may, still may.
    let clerk = ward.of(Role::Receptionist, "receptionist-11593-2", &["11593"]);
    get(clerk, &dossier.name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_given_once_is_not_given_to_who_may_not_see_it_any_more() {
    let ward = Ward::ready().await;
    let request = SubmitDossierRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        ..registration()
    };
    let at_home = ward.of(Role::Receptionist, "receptionist-7", &["11593"]);
    let first = DossierServiceClient::new(at_home.clone())
        .submit_dossier(request.clone())
        .await
        .unwrap()
        .into_inner();
    let again = DossierServiceClient::new(at_home)
        .submit_dossier(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, again);
    // The same person works elsewhere now.
    let moved = ward.of(Role::Receptionist, "receptionist-7", &[ELSEWHERE]);
    let refused = DossierServiceClient::new(moved)
        .submit_dossier(request)
        .await;
    assert!(matches!(
        refused.unwrap_err().code(),
        Code::NotFound | Code::InvalidArgument
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicant_looks_up_with_code_and_number_and_guessing_is_slow() {
    let mut ward = Ward::ready().await;
    let mut request = registration();
    request.applicant.as_mut().unwrap().identity_number = "031000000001".to_owned();
    let dossier = ward.submits(request).await.unwrap();
    let mut anybody = DossierServiceClient::new(ward.of_nobody());
    let looking = |code: &str, ending: &str| LookUpDossierRequest {
        code: code.to_owned(),
        identity_ending: ending.to_owned(),
        ..LookUpDossierRequest::default()
    };
    let found = anybody
        .look_up_dossier(looking(&dossier.code, "0001"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.status(), dossier.status());
    assert_eq!(found.applicant, None);
    // In words, because whoever asks so has no program that reads a status.
    assert_eq!(
        found.explanation[0],
        "Hồ sơ đang chờ Đơn vị 11593 tiếp nhận, từ 08 giờ 00 ngày 01/07/2025."
    );
    let unknown = "H24.11593-250701-0999";
    let wrong = anybody
        .look_up_dossier(looking(&dossier.code, "0002"))
        .await
        .unwrap_err();
    let none = anybody
        .look_up_dossier(looking(unknown, "0001"))
        .await
        .unwrap_err();
    assert_eq!(refusal(&wrong, &dossier.code), refusal(&none, unknown));
    assert_eq!(wrong.code(), Code::NotFound);
    let mut tries = 0;
    let limited = loop {
        let status = anybody
            .look_up_dossier(looking(&dossier.code, "0003"))
            .await
            .unwrap_err();
        if status.code() != Code::NotFound {
            break status;
        }
        tries += 1;
    };
    assert_eq!(limited.code(), Code::ResourceExhausted);
    assert!(limited.get_details_retry_info().is_some());
    assert!(tries <= 10, "{tries}");
    // And whoever would know better has to wait as well: the limit is the dossier's.
    let right = anybody
        .look_up_dossier(looking(&dossier.code, "0001"))
        .await;
    assert_eq!(right.unwrap_err().code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_feed_ends_with_the_token_that_opened_it() {
    let ward = Ward::ready().await;
    let supervisor = ward.of(Role::CitySupervisor, "supervisor-2", &[]);
    let mut feed = EventFeedServiceClient::new(supervisor)
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    let batch = feed.message().await.unwrap().unwrap();
    assert!(!batch.events.is_empty());

    // The skew that clocks may have counts too.
    ward.tokens
        .set(Clock::system().now() + LIFETIME + Duration::from_secs(61));
    let ended = loop {
        match feed.message().await {
            // A heartbeat that was on its way.
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated);
}
