//! The table of the README, walked over gRPC: every status met by every command.

use std::collections::BTreeSet;

use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{
        CaseFinished, CaseHeld, CaseStarted, CaseStopped, EventKind, HoldGround, event::Payload,
    },
    intake::v1::{
        AcceptDossierRequest, AcknowledgeStateRequest, ConfirmTransferRequest,
        DecideCorrectionRequest, Dossier, GetDossierRequest, HandOverResultRequest,
        ProposeCorrectionRequest, RecordExternalStateRequest, RecordFailedHandOverRequest,
        RecordPaymentRequest, RecordVisitRequest, RecuseStaffRequest, RefundPaymentRequest,
        RefuseDossierRequest, RequestSupplementRequest, RequestVisitRequest,
        ReturnOriginalsRequest, SubmitDossierRequest, SupplementDossierRequest,
        WithdrawDossierRequest, correction_service_client::CorrectionServiceClient,
        dossier_service_client::DossierServiceClient,
        synchronisation_service_client::SynchronisationServiceClient,
    },
    r#type::v1::{Channel, DocumentKind, HandOverFailure, HandOverMethod, Role},
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    documents::{clerk, handed, header, known, pieces, reusing, send, with_papers},
    world::{PATIENCE, Ward, at, stating},
};

const README: &str = include_str!("../../README.md");

/// Rows of the table that somebody asks for; the others are the case's and the clock's.
const METHODS: usize = 24;

/// How a dossier comes to each of the table's columns.
const WAYS: [&[&str]; 11] = [
    &[],
    &["RequestSupplement"],
    &["AcceptDossier"],
    &["AcceptDossier", "began"],
    &["AcceptDossier", "began", "supplement"],
    &["AcceptDossier", "began", "payment"],
    &["RefuseDossier"],
    &["AcceptDossier", "began", "WithdrawDossier"],
    &["AcceptDossier", "began", "stopped"],
    &["AcceptDossier", "began", "finished"],
    &["AcceptDossier", "began", "finished", "HandOverResult"],
];

/// The cells by row: the row's name, and one cell for each column.
fn table() -> Vec<(&'static str, Vec<&'static str>)> {
    let (_, rest) = README.split_once("<!-- table -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /table -->").unwrap();
    table
        .lines()
        .skip(2)
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            (cells.next().unwrap(), cells.collect())
        })
        .collect()
}

/// What belongs to the dossier beside it: the file comes, and the dossier is as it is then.
async fn adds(ward: &mut Ward, method: &str, dossier: &Dossier) -> Result<Dossier, Status> {
    let content = b"%PDF";
    let mut file = header(dossier, content.len());
    match method {
        "ReuseDocument" => {
            let earlier = ward.submits(known()).await?;
            let kept = pieces(header(&earlier, content.len()), content);
            let kept = send(clerk(ward), kept).await?;
            let reuse = stating(reusing(dossier, &kept.name));
            clerk(ward).reuse_document(reuse).await?;
            return Ok(get(ward, &dossier.name).await);
        }
        "UploadDocument, a signature" => {
            file.kind = DocumentKind::Signature.into();
            file.paper.clear();
            "d1".clone_into(&mut file.signature_of);
        }
        "UploadDocument, a result" => {
            file.kind = DocumentKind::Result.into();
            file.paper.clear();
            "KQ.G15.000123".clone_into(&mut file.result_code);
        }
        _ => {}
    }
    send(clerk(ward), pieces(file, content)).await?;
    Ok(get(ward, &dossier.name).await)
}

async fn asks(ward: &mut Ward, method: &str, dossier: &Dossier) -> Result<Dossier, Status> {
    let name = dossier.name.clone();
    let (dossiers, visits) = (&mut ward.dossiers, &mut ward.visits);
    let payments = &mut ward.payments;
    let answer = match method {
        "AcceptDossier" => {
            let request = AcceptDossierRequest {
                name,
                ..Default::default()
            };
            dossiers.accept_dossier(request).await
        }
        "ConfirmTransfer" => {
            let request = ConfirmTransferRequest {
                name,
                ..Default::default()
            };
            let there = ward.of(Role::Officer, "officer-12345-1", &["12345"]);
            DossierServiceClient::new(there)
                .confirm_transfer(request)
                .await
        }
        "UploadDocument, a paper"
        | "ReuseDocument"
        | "UploadDocument, a signature"
        | "UploadDocument, a result" => {
            return adds(ward, method, dossier).await;
        }
        "RefuseDossier" => {
            let request = RefuseDossierRequest {
                name,
                reason: "không thuộc thẩm quyền".to_owned(),
                ground: "điều 17".to_owned(),
                ..Default::default()
            };
            dossiers.refuse_dossier(request).await
        }
        "RequestSupplement" => {
            let request = RequestSupplementRequest {
                name,
                missing: "giấy báo tử".to_owned(),
                ground: "điều 17".to_owned(),
                ..Default::default()
            };
            dossiers.request_supplement(request).await
        }
        "SupplementDossier" => {
            let request = SupplementDossierRequest {
                name,
                provided: "giấy báo tử".to_owned(),
                ..Default::default()
            };
            dossiers.supplement_dossier(request).await
        }
        "WithdrawDossier" => {
            let request = WithdrawDossierRequest {
                name,
                ..Default::default()
            };
            dossiers.withdraw_dossier(request).await
        }
        "RequestVisit" => {
            let request = RequestVisitRequest {
                name,
                window_from: Some(to_proto(at("2025-07-02T08:00:00"))),
                window_to: Some(to_proto(at("2025-07-02T10:00:00"))),
                ..Default::default()
            };
            visits.request_visit(request).await
        }
        "RecordVisit, nobody met" | "RecordVisit, papers taken" | "RecordVisit, handed over" => {
            let handed_over = method.ends_with("handed over");
            let request = RecordVisitRequest {
                name,
                visit: "v1".to_owned(),
                handed_over,
                papers_taken: method.ends_with("papers taken"),
                received_by: if handed_over {
                    "con".to_owned()
                } else {
                    String::new()
                },
                ..Default::default()
            };
            visits.record_visit(request).await
        }
        "HandOverResult" => {
            let request = HandOverResultRequest {
                name,
                method: HandOverMethod::Counter.into(),
                received_by: "con".to_owned(),
                ..Default::default()
            };
            dossiers.hand_over_result(request).await
        }
        "RecordFailedHandOver" => {
            let request = RecordFailedHandOverRequest {
                name,
                method: HandOverMethod::Counter.into(),
                failure: HandOverFailure::NotCollected.into(),
                ..Default::default()
            };
            dossiers.record_failed_hand_over(request).await
        }
        "ReturnOriginals" => {
            let request = ReturnOriginalsRequest {
                name,
                received_by: "con trai, chữ ký số 7".to_owned(),
                ..Default::default()
            };
            dossiers.return_originals(request).await
        }
        "ProposeCorrection" => {
            let request = ProposeCorrectionRequest {
                name,
                applicant: known().applicant,
                reason: "sai dấu trong họ tên".to_owned(),
                ..Default::default()
            };
            let clerk = ward.of(Role::Receptionist, "receptionist-11593-2", &["11593"]);
            CorrectionServiceClient::new(clerk)
                .propose_correction(request)
                .await
        }
        "RecordExternalState" => {
            let request = RecordExternalStateRequest {
                name,
                state: "TIEP_NHAN".to_owned(),
                state_at: Some(to_proto(at("2025-07-01T07:30:00"))),
                ..Default::default()
            };
            let portal = ward.of(Role::System, "portal", &["11593"]);
            SynchronisationServiceClient::new(portal)
                .record_external_state(request)
                .await
        }
        "DecideCorrection" => {
            let request = DecideCorrectionRequest {
                name,
                correction: "c1".to_owned(),
                confirm: true,
                ..Default::default()
            };
            let clerk = ward.of(Role::Receptionist, "receptionist-11593-1", &["11593"]);
            CorrectionServiceClient::new(clerk)
                .decide_correction(request)
                .await
        }
        "AcknowledgeState" => {
            let request = AcknowledgeStateRequest {
                status: get(ward, &name).await.status,
                name,
                ..Default::default()
            };
            let portal = ward.of(Role::System, "portal", &["11593"]);
            SynchronisationServiceClient::new(portal)
                .acknowledge_state(request)
                .await
        }
        "RecordPayment" => {
            let request = RecordPaymentRequest {
                provider: "counter".to_owned(),
                reference: name.replace('/', "-"),
                name,
                amount_vnd: 1_000,
                ..Default::default()
            };
            payments.record_payment(request).await
        }
        "RefundPayment" => {
            let request = RefundPaymentRequest {
                name,
                payment: "p1".to_owned(),
                reason: "trả tiền mặt".to_owned(),
                ..Default::default()
            };
            payments.refund_payment(request).await
        }
        "RecuseStaff" => {
            let request = RecuseStaffRequest {
                name,
                principal: "officer-11593-2".to_owned(),
                ..Default::default()
            };
            dossiers.recuse_staff(request).await
        }
        other => panic!("{other} is no method of this walk"),
    };
    answer.map(tonic::Response::into_inner)
}

/// What the case tells.
fn tells(ward: &Ward, dossier: &Dossier, what: &str) {
    let held = |ground: HoldGround| {
        Payload::CaseHeld(CaseHeld {
            ground: ground.into(),
            due_at: Some(to_proto(at("2025-07-10T17:00:00"))),
            judged_until: Some(to_proto(at("2025-07-11T00:00:00"))),
            ..CaseHeld::default()
        })
    };
    let (kind, payload) = match what {
        "began" => (
            EventKind::CaseStarted,
            Payload::CaseStarted(CaseStarted::default()),
        ),
        "supplement" => (EventKind::CaseHeld, held(HoldGround::Supplement)),
        "payment" => (EventKind::CaseHeld, held(HoldGround::Payment)),
        "stopped" => (
            EventKind::CaseStopped,
            Payload::CaseStopped(CaseStopped::default()),
        ),
        "finished" => (
            EventKind::CaseFinished,
            Payload::CaseFinished(CaseFinished::default()),
        ),
        other => panic!("{other} is nothing that a case tells"),
    };
    ward.case_says(dossier, kind, payload);
}

/// The same, and it has arrived.
async fn hears(ward: &mut Ward, dossier: &Dossier, what: &str) {
    tells(ward, dossier, what);
    let kind = match what {
        "finished" => EventKind::ResultReady,
        _ => EventKind::CaseProgressRecorded,
    };
    ward.hears_of(dossier, kind).await;
}

/// A dossier in that column. Another ward decides on it, and a part of its fee is paid: there is no method that it could not meet.
async fn comes_to(ward: &mut Ward, column: usize) -> Dossier {
    let mut dossier = ward
        .submits(SubmitDossierRequest {
            channel: Channel::Counter.into(),
            on_behalf_of: "12345".to_owned(),
            papers: vec![handed("to-khai", 1, 0), handed("giay-bao-tu", 0, 2)],
            ..known()
        })
        .await
        .unwrap();
    let paid = RecordPaymentRequest {
        name: dossier.name.clone(),
        provider: "counter".to_owned(),
        reference: format!("{}-1", dossier.code),
        amount_vnd: 1_000,
        ..Default::default()
    };
    ward.payments.record_payment(paid).await.unwrap();
    let mut paper = header(&dossier, 4);
    "uy-quyen".clone_into(&mut paper.paper);
    send(clerk(ward), pieces(paper, b"%PDF")).await.unwrap();
    dossier = asks(ward, "RequestVisit", &dossier).await.unwrap();
    for step in WAYS[column] {
        if step.starts_with(char::is_uppercase) {
            dossier = asks(ward, step, &dossier).await.unwrap();
        } else {
            hears(ward, &dossier, step).await;
        }
    }
    dossier
}

#[tokio::test]
async fn every_status_meets_every_method_as_the_readme_says() {
    let mut ward = Ward::opens().await;
    ward.applies(with_papers()).await.unwrap();
    let table = table();
    assert!(table.len() > METHODS);
    let mut met = BTreeSet::new();
    for column in 0..WAYS.len() {
        for (method, cells) in &table[..METHODS] {
            let dossier = comes_to(&mut ward, column).await;
            // What the row is about.
            match *method {
                "DecideCorrection" => {
                    asks(&mut ward, "ProposeCorrection", &dossier)
                        .await
                        .unwrap();
                }
                "AcknowledgeState" => {
                    asks(&mut ward, "RecordExternalState", &dossier)
                        .await
                        .unwrap();
                }
                _ => {}
            }
            let before = get(&mut ward, &dossier.name).await;
            let (cell, place) = (cells[column], format!("{method} in column {}", column + 1));
            met.insert(cell.to_owned());
            match asks(&mut ward, method, &dossier).await {
                Ok(after) if cell == "=" => {
                    assert_eq!(after.status, before.status, "{place}");
                    assert_ne!(after.etag, before.etag, "{place}");
                }
                Ok(after) => assert_eq!(after.status.to_string(), cell, "{place}"),
                Err(status) => {
                    assert_eq!(
                        status.code(),
                        Code::FailedPrecondition,
                        "{place}: {status:?}"
                    );
                    let info = status.get_details_error_info().unwrap();
                    let article = match info.metadata["article"].split_once(", art. ") {
                        Some((_, article)) => format!("*{article}*"),
                        None if info.metadata["article"].starts_with("law 97") => {
                            "*fee*".to_owned()
                        }
                        None => "*st*".to_owned(),
                    };
                    assert_eq!(article, cell, "{place}: {status:?}");
                    assert_eq!(get(&mut ward, &dossier.name).await, before, "{place}");
                }
            }
        }
    }
    let every = [
        "*17*", "*18*", "*22*", "*fee*", "*st*", "1", "10", "2", "3", "4", "5", "7", "=",
    ];
    assert_eq!(met.iter().map(String::as_str).collect::<Vec<_>>(), every);
}

#[tokio::test]
async fn every_status_hears_the_case_as_the_readme_says() {
    let mut ward = Ward::opens().await;
    ward.applies(with_papers()).await.unwrap();
    let mut met = BTreeSet::new();
    for (row, cells) in &table()[METHODS + 1..] {
        let what = match *row {
            "the case began" => "began",
            "the case asks for a supplement" => "supplement",
            "the case asks for a payment" => "payment",
            "the case was stopped" => "stopped",
            "the case is finished" => "finished",
            other => panic!("{other} is nothing that a case tells"),
        };
        for (column, cell) in cells.iter().enumerate() {
            let dossier = comes_to(&mut ward, column).await;
            let before = get(&mut ward, &dossier.name).await;
            tells(&ward, &dossier, what);
            // What comes after it comes when it has been heard.
            comes_to(&mut ward, 3).await;
            let after = get(&mut ward, &dossier.name).await;
            let expected = match *cell {
                "–" | "=" => before.status.to_string(),
                status => status.to_owned(),
            };
            let place = format!("{row} in column {}", column + 1);
            assert_eq!(after.status.to_string(), expected, "{place}");
            met.insert(*cell);
        }
    }
    assert_eq!(Vec::from_iter(met), ["4", "5", "6", "8", "9", "=", "–"]);
}

#[tokio::test]
async fn every_status_meets_the_clock_as_the_readme_says() {
    let mut ward = Ward::opens().await;
    ward.applies(with_papers()).await.unwrap();
    let table = table();
    let (row, cells) = &table[METHODS];
    assert_eq!(*row, "its time has passed");
    let mut dossiers = Vec::new();
    for column in 0..WAYS.len() {
        let dossier = comes_to(&mut ward, column).await;
        dossiers.push(get(&mut ward, &dossier.name).await);
    }
    ward.hand.set(at("2025-07-21T08:00:00"));
    for (before, cell) in dossiers.iter().zip(cells) {
        let expected = match *cell {
            "–" | "=" => before.status.to_string(),
            status => status.to_owned(),
        };
        let told = async {
            loop {
                let after = get(&mut ward, &before.name).await;
                let has_come = after.status.to_string() == expected;
                if has_come && (*cell == "–" || after.etag != before.etag) {
                    break;
                }
            }
        };
        let told = tokio::time::timeout(PATIENCE, told).await;
        assert!(told.is_ok(), "{} does not come to {cell}", before.status);
    }
    // The others look at no clock.
    let name = |(dossier, _): (&Dossier, _)| dossier.code.clone();
    let still = dossiers.iter().zip(cells).filter(|(_, cell)| **cell == "–");
    let still: Vec<_> = still.map(name).collect();
    let waiting: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM dossier WHERE code = ANY($1) AND timer_at IS NOT NULL",
    )
    .bind(&still)
    .fetch_one(&ward.pool)
    .await
    .unwrap();
    assert_eq!((still.len(), waiting), (5, 0));
}

async fn get(ward: &mut Ward, name: &str) -> Dossier {
    let request = GetDossierRequest {
        name: name.to_owned(),
        ..Default::default()
    };
    ward.dossiers
        .get_dossier(request)
        .await
        .unwrap()
        .into_inner()
}
