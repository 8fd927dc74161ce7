//! Who read whose data, what is held on a person, and its end.

use motcua_platform::rpc::Peer;
use motcua_proto::{
    access::v1::{
        Access, EraseSubjectRequest, ExportSubjectRequest, ListAccessesRequest,
        access_log_service_client::AccessLogServiceClient,
        subject_service_client::SubjectServiceClient,
    },
    events::v1::EventKind,
    intake::v1::{
        Dossier, DossierView, GetDossierRequest, ListDossiersRequest, SubmitDossierRequest,
        WithdrawDossierRequest, dossier_service_client::DossierServiceClient,
    },
    r#type::v1::Role,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{PURPOSE, Ward, at, registration, stating};

/// An invented number.
const NUMBER: &str = "031000000077";

/// Of an invented person.
fn of_number(number: &str, name: &str) -> SubmitDossierRequest {
    let mut request = registration();
    let applicant = request.applicant.as_mut().unwrap();
    applicant.identity_number = number.to_owned();
    applicant.full_name = name.to_owned();
    request
}

async fn full(peer: Peer, name: &str) -> Result<Dossier, Status> {
    let request = GetDossierRequest {
        name: name.to_owned(),
        view: DossierView::Full.into(),
        ..GetDossierRequest::default()
    };
    let shown = DossierServiceClient::new(peer)
        .get_dossier(stating(request))
        .await?;
    Ok(shown.into_inner())
}

async fn accesses(ward: &Ward, request: ListAccessesRequest) -> Vec<Access> {
    let auditor = ward.of(Role::Auditor, "auditor-1", &[]);
    AccessLogServiceClient::new(auditor)
        .list_accesses(request)
        .await
        .unwrap()
        .into_inner()
        .accesses
}

async fn found(ward: &Ward, request: ListDossiersRequest) -> Vec<String> {
    let clerk = ward.of(Role::Receptionist, "receptionist-11593-1", &["11593"]);
    let listed = DossierServiceClient::new(clerk)
        .list_dossiers(stating(request))
        .await
        .unwrap()
        .into_inner();
    listed
        .dossiers
        .into_iter()
        .map(|dossier| dossier.code)
        .collect()
}

fn named(name: &str) -> ListDossiersRequest {
    ListDossiersRequest {
        applicant_name: name.to_owned(),
        ..ListDossiersRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_whose_data_and_why_can_be_shown() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of_number(NUMBER, "Nguyễn Thị Thử"))
        .await
        .unwrap();
    let other = ward.submits(registration()).await.unwrap();
    let clerk = ward.of(Role::Receptionist, "receptionist-11593-1", &["11593"]);
    let officer = ward.of(Role::Officer, "officer-11593-3", &["11593"]);
    full(clerk, &dossier.name).await.unwrap();
    full(officer.clone(), &dossier.name).await.unwrap();
    full(officer, &other.name).await.unwrap();

    let all = accesses(&ward, ListAccessesRequest::default()).await;
    let who: Vec<_> = all
        .iter()
        .map(|access| {
            (
                access.actor.as_ref().unwrap().id.as_str(),
                access.dossier.as_str(),
            )
        })
        .collect();
    assert_eq!(
        who,
        [
            ("officer-11593-3", other.code.as_str()),
            ("officer-11593-3", &dossier.code),
            ("receptionist-11593-1", &dossier.code),
        ]
    );
    assert!(all.iter().all(|access| access.purpose == PURPOSE
        && access.method == "motcua.intake.v1.DossierService/GetDossier"));
    for (request, count) in [
        (
            ListAccessesRequest {
                dossier: dossier.code.clone(),
                ..ListAccessesRequest::default()
            },
            2,
        ),
        (
            ListAccessesRequest {
                identity_number: NUMBER.to_owned(),
                ..ListAccessesRequest::default()
            },
            2,
        ),
        (
            ListAccessesRequest {
                principal: "officer-11593-3".to_owned(),
                ..ListAccessesRequest::default()
            },
            2,
        ),
        (
            ListAccessesRequest {
                principal: "officer-11593-3".to_owned(),
                identity_number: NUMBER.to_owned(),
                ..ListAccessesRequest::default()
            },
            1,
        ),
        (
            ListAccessesRequest {
                identity_number: "031000000078".to_owned(),
                ..ListAccessesRequest::default()
            },
            0,
        ),
    ] {
        assert_eq!(
            accesses(&ward, request.clone()).await.len(),
            count,
            "{request:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_in_pages_and_by_auditors_alone() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of_number(NUMBER, "Nguyễn Thị Thử"))
        .await
        .unwrap();
    let clerk = ward.of(Role::Receptionist, "receptionist-11593-1", &["11593"]);
    for _ in 0..5 {
        full(clerk.clone(), &dossier.name).await.unwrap();
    }
    let refused = AccessLogServiceClient::new(clerk)
        .list_accesses(ListAccessesRequest::default())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let mut auditor = AccessLogServiceClient::new(ward.of(Role::Auditor, "auditor-1", &[]));
    let (mut token, mut seen, mut pages) = (String::new(), 0, 0);
    loop {
        let page = auditor
            .list_accesses(ListAccessesRequest {
                page_size: 2,
                page_token: token,
                ..ListAccessesRequest::default()
            })
            .await
            .unwrap()
            .into_inner();
        seen += page.accesses.len();
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen, pages), (5, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_works_rewrites_the_log_or_the_history() {
    let ward = Ward::ready().await;
    for forbidden in [
        "DELETE FROM access",
        "UPDATE access SET actor = 'nobody'",
        "DELETE FROM event",
        "UPDATE event SET agency = ''",
        "DELETE FROM statement",
        "TRUNCATE access",
    ] {
        let refused = sqlx::query(forbidden)
            .execute(&ward.pool)
            .await
            .unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_number_phone_and_words_of_the_name() {
    let mut ward = Ward::ready().await;
    let one = ward
        .submits(of_number(NUMBER, "Nguyễn Thị Dương"))
        .await
        .unwrap()
        .code;
    let two = ward
        .submits(of_number("031000000078", "Đường Văn Thử"))
        .await
        .unwrap()
        .code;
    let both = [one.clone(), two.clone()];
    assert_eq!(found(&ward, named("duong")).await, both);
    assert_eq!(found(&ward, named("Dương")).await, [one.as_str()]);
    assert_eq!(found(&ward, named("thu DUONG")).await, [two.as_str()]);
    assert_eq!(
        found(&ward, named("Nguyen Van")).await,
        Vec::<String>::new()
    );
    let by = |number: &str, phone: &str| ListDossiersRequest {
        identity_number: number.to_owned(),
        phone: phone.to_owned(),
        ..ListDossiersRequest::default()
    };
    assert_eq!(found(&ward, by(NUMBER, "")).await, [one.as_str()]);
    assert_eq!(found(&ward, by("", "+84 900 000 001")).await, both);
    assert_eq!(
        found(&ward, by("03100000007", "")).await,
        Vec::<String>::new()
    );
    // Nobody finds what is not theirs, and the finding is a reading.
    let stranger = ward.of(Role::Receptionist, "receptionist-12345-1", &["12345"]);
    let listed = DossierServiceClient::new(stranger)
        .list_dossiers(stating(named("duong")))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.dossiers, []);
    let unsaid = DossierServiceClient::new(ward.of(Role::Receptionist, "r-1", &["11593"]))
        .list_dossiers(named("duong"))
        .await
        .unwrap_err();
    assert_eq!(unsaid.code(), Code::InvalidArgument);
    let noted = accesses(
        &ward,
        ListAccessesRequest {
            dossier: one,
            ..ListAccessesRequest::default()
        },
    )
    .await;
    assert_eq!(noted.len(), 4);
    assert_eq!(
        noted[0].method,
        "motcua.intake.v1.DossierService/ListDossiers"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_on_a_person_is_shown_whole() {
    let mut ward = Ward::ready().await;
    let mine = [
        ward.submits(of_number(NUMBER, "Nguyễn Thị Thử"))
            .await
            .unwrap(),
        ward.submits(of_number(NUMBER, "Nguyễn Thị Thử"))
            .await
            .unwrap(),
    ];
    ward.submits(registration()).await.unwrap();
    let mut subjects =
        SubjectServiceClient::new(ward.of(Role::Administrator, "administrator-1", &[]));
    for request in [
        ExportSubjectRequest {
            identity_number: NUMBER.to_owned(),
            ..ExportSubjectRequest::default()
        },
        ExportSubjectRequest {
            dossier: mine[1].code.clone(),
            ..ExportSubjectRequest::default()
        },
    ] {
        let held = subjects
            .export_subject(stating(request))
            .await
            .unwrap()
            .into_inner();
        let codes: Vec<_> = held
            .dossiers
            .iter()
            .map(|dossier| dossier.code.as_str())
            .collect();
        assert_eq!(codes, [&mine[0].code, &mine[1].code]);
        assert!(held.dossiers.iter().all(|dossier| {
            dossier
                .applicant
                .as_ref()
                .is_some_and(|it| it.identity_number == NUMBER)
        }));
        // The asking is an access itself.
        assert!(held.accesses.len() >= 2);
    }
    let nobody = subjects
        .export_subject(stating(ExportSubjectRequest {
            identity_number: "031000000079".to_owned(),
            ..ExportSubjectRequest::default()
        }))
        .await
        .unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound);
    let unclear = subjects
        .export_subject(stating(ExportSubjectRequest::default()))
        .await;
    assert_eq!(unclear.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_and_the_history_stays() {
    let mut ward = Ward::ready().await;
    let request = SubmitDossierRequest {
        request_id: Uuid::new_v4().to_string(),
        ..of_number(NUMBER, "Nguyễn Thị Thử")
    };
    let dossier = ward.submits(request.clone()).await.unwrap();
    let mut subjects =
        SubjectServiceClient::new(ward.of(Role::Administrator, "administrator-1", &[]));
    let erasing = |validate_only| EraseSubjectRequest {
        identity_number: NUMBER.to_owned(),
        validate_only,
        request_id: Uuid::new_v4().to_string(),
        ..EraseSubjectRequest::default()
    };
    // Under way; then kept for a year.
    for _ in 0..2 {
        let kept = subjects.erase_subject(erasing(false)).await.unwrap_err();
        assert_eq!(kept.code(), Code::FailedPrecondition);
        let withdraw = WithdrawDossierRequest {
            name: dossier.name.clone(),
            ..WithdrawDossierRequest::default()
        };
        ward.dossiers.withdraw_dossier(withdraw).await.ok();
    }
    ward.hand.set(at("2026-07-02T08:00:00"));
    let could = subjects
        .erase_subject(erasing(true))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(could.dossiers, std::slice::from_ref(&dossier.code));
    let clerk = || ward.of(Role::Receptionist, "receptionist-11593-1", &["11593"]);
    full(clerk(), &dossier.name).await.unwrap();

    let gone = subjects
        .erase_subject(erasing(false))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(gone, could);
    let erased = full(clerk(), &dossier.name).await.unwrap_err();
    assert_eq!(erased.code(), Code::FailedPrecondition);
    assert_eq!(
        erased.get_details_error_info().unwrap().reason,
        "PERSONAL_DATA_ERASED"
    );
    // Nobody finds the person, and asking again what was asked before says nothing either.
    let by_number = ListDossiersRequest {
        identity_number: NUMBER.to_owned(),
        ..ListDossiersRequest::default()
    };
    assert_eq!(found(&ward, by_number).await, Vec::<String>::new());
    assert_eq!(found(&ward, named("Thử")).await, Vec::<String>::new());
    let again = DossierServiceClient::new(clerk())
        .submit_dossier(request)
        .await;
    assert_eq!(again.unwrap_err().code(), Code::FailedPrecondition);
    let twice = subjects.erase_subject(erasing(false)).await.unwrap_err();
    assert_eq!(twice.code(), Code::NotFound);
    // What happened, happened; and who read, had read, though not why.
    let kinds: Vec<_> = ward
        .history(&dossier.name)
        .await
        .iter()
        .map(|event| event.kind())
        .collect();
    assert_eq!(
        kinds,
        [EventKind::DossierSubmitted, EventKind::DossierWithdrawn]
    );
    let noted = accesses(
        &ward,
        ListAccessesRequest {
            dossier: dossier.code.clone(),
            ..ListAccessesRequest::default()
        },
    )
    .await;
    assert!(!noted.is_empty() && noted.iter().all(|access| access.purpose.is_empty()));
}
