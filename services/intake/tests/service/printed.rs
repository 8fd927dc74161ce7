//! A form that was printed is kept: printed again, it is the same paper, whatever has changed since.

use std::collections::HashSet;

use motcua_platform::{rpc::Peer, time::to_proto};
use motcua_proto::{
    access::v1::{EraseSubjectRequest, subject_service_client::SubjectServiceClient},
    events::v1::{CaseStarted, EventKind, LimitChosen, event::Payload},
    intake::v1::{
        Applicant, DecideCorrectionRequest, Dossier, Form, PrintFormRequest, PrintFormResponse,
        ProposeCorrectionRequest, RecordPaymentRequest, RequestSupplementRequest,
        SubmitDossierRequest, SupplementDossierRequest, WithdrawDossierRequest,
        correction_service_client::CorrectionServiceClient,
        dossier_service_client::DossierServiceClient, form_service_client::FormServiceClient,
    },
    r#type::v1::{Channel, Limit, Role, limit::Kind},
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{Ward, at, registration, violated};

const NUMBER: &str = "031000000001";

fn at_the_counter() -> SubmitDossierRequest {
    SubmitDossierRequest {
        procedure: "2.002622".to_owned(),
        channel: Channel::Counter.into(),
        applicant: Some(person("Nguyễn Thị Thử")),
        accept: true,
        ..registration()
    }
}

fn person(full_name: &str) -> Applicant {
    Applicant {
        full_name: full_name.to_owned(),
        identity_number: NUMBER.to_owned(),
        ..Applicant::default()
    }
}

fn request(dossier: &Dossier, form: Form) -> PrintFormRequest {
    PrintFormRequest {
        name: dossier.name.clone(),
        form: form.into(),
        ..PrintFormRequest::default()
    }
}

async fn prints(ward: &mut Ward, request: PrintFormRequest) -> Result<PrintFormResponse, Status> {
    Ok(ward.forms.print_form(request).await?.into_inner())
}

fn clerk(ward: &Ward, number: u32) -> Peer {
    let id = format!("receptionist-11593-{number}");
    ward.of(Role::Receptionist, &id, &["11593"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_says_what_it_said_whatever_was_chosen_paid_or_corrected_since() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(at_the_counter()).await.unwrap();
    let receipt = || request(&dossier, Form::Receipt);
    let first = prints(&mut ward, receipt()).await.unwrap();
    assert_eq!(first.issue, 1);
    assert_eq!(first.issued_at, Some(to_proto(at("2025-07-01T08:00:00"))));
    for words in ["chưa nộp", "3 ngày làm việc", "ngày 04 tháng 7 năm 2025"] {
        assert!(first.html.contains(words), "{words}\n{}", first.html);
    }

    ward.hand.set(at("2025-07-01T09:00:00"));
    let paying = RecordPaymentRequest {
        name: dossier.name.clone(),
        provider: "bank-1".to_owned(),
        reference: "FT25182.0001".to_owned(),
        amount_vnd: 8_000,
        ..RecordPaymentRequest::default()
    };
    ward.payments.record_payment(paying).await.unwrap();
    let started = Payload::CaseStarted(CaseStarted::default());
    ward.case_says(&dossier, EventKind::CaseStarted, started);
    let chosen = Payload::LimitChosen(LimitChosen {
        limit_id: "verified".to_owned(),
        limit: Some(Limit {
            kind: Some(Kind::WorkingDayHalves(14)),
        }),
        due_at: Some(to_proto(at("2025-07-10T17:00:00"))),
        ..LimitChosen::default()
    });
    ward.case_says(&dossier, EventKind::LimitChosen, chosen);
    for _ in 0..2 {
        ward.hears(EventKind::CaseProgressRecorded).await;
    }
    let proposing = ProposeCorrectionRequest {
        name: dossier.name.clone(),
        applicant: Some(person("Nguyễn Thị Thứ")),
        reason: "giấy tờ gốc ghi khác".to_owned(),
        ..ProposeCorrectionRequest::default()
    };
    CorrectionServiceClient::new(clerk(&ward, 1))
        .propose_correction(proposing)
        .await
        .unwrap();
    let confirming = DecideCorrectionRequest {
        name: dossier.name.clone(),
        correction: "c1".to_owned(),
        confirm: true,
        ..DecideCorrectionRequest::default()
    };
    CorrectionServiceClient::new(clerk(&ward, 2))
        .decide_correction(confirming)
        .await
        .unwrap();
    assert_eq!(prints(&mut ward, receipt()).await.unwrap(), first);

    // With the right name, a new one; the limit and the day are still the receipt's.
    let anew = PrintFormRequest {
        anew: true,
        ..receipt()
    };
    let second = prints(&mut ward, anew).await.unwrap();
    assert_eq!(second.issue, 2);
    for words in [
        "Nguyễn Thị Thứ",
        "đã nộp",
        "3 ngày làm việc",
        "ngày 04 tháng 7 năm 2025",
    ] {
        assert!(second.html.contains(words), "{words}\n{}", second.html);
    }
    assert_eq!(prints(&mut ward, receipt()).await.unwrap(), second);
    let issue = |issue| PrintFormRequest { issue, ..receipt() };
    assert_eq!(prints(&mut ward, issue(1)).await.unwrap(), first);

    for (wrong, field) in [
        (issue(3), "issue"),
        (issue(-1), "issue"),
        (
            PrintFormRequest {
                anew: true,
                ..issue(1)
            },
            "anew",
        ),
    ] {
        let refused = prints(&mut ward, wrong).await.unwrap_err();
        assert_eq!(violated(&refused), [field], "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_for_a_supplement_has_a_paper_of_its_own() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let leader = ward.of(Role::Leader, "leader-11593-1", &["11593"]);
    let mut papers = Vec::new();
    for missing in ["Giấy báo tử", "Bản chụp căn cước"] {
        let asking = RequestSupplementRequest {
            name: dossier.name.clone(),
            missing: missing.to_owned(),
            ground: "Điều 17".to_owned(),
            ..RequestSupplementRequest::default()
        };
        DossierServiceClient::new(leader.clone())
            .request_supplement(asking)
            .await
            .unwrap();
        let paper = prints(&mut ward, request(&dossier, Form::Supplement)).await;
        let paper = paper.unwrap();
        assert!(paper.html.contains(missing), "{}", paper.html);
        papers.push(paper);
        let providing = SupplementDossierRequest {
            name: dossier.name.clone(),
            provided: "đã nộp".to_owned(),
            ..SupplementDossierRequest::default()
        };
        ward.dossiers.supplement_dossier(providing).await.unwrap();
    }
    for (issue, paper) in (1..).zip(&papers) {
        let asked = PrintFormRequest {
            issue,
            ..request(&dossier, Form::Supplement)
        };
        assert_eq!(&prints(&mut ward, asked).await.unwrap(), paper);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_that_is_asked_for_by_many_at_once_is_issued_once() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(at_the_counter()).await.unwrap();
    let asking = (0..8).map(|number| {
        let mut forms = FormServiceClient::new(clerk(&ward, number));
        let request = request(&dossier, Form::Receipt);
        tokio::spawn(async move { forms.print_form(request).await.unwrap().into_inner().issue })
    });
    let mut issues = HashSet::new();
    for asked in asking.collect::<Vec<_>>() {
        issues.insert(asked.await.unwrap());
    }
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM printed_form")
        .fetch_one(&ward.pool)
        .await
        .unwrap();
    assert_eq!((issues, kept), (HashSet::from([1]), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_printed_of_a_person_is_erased_with_the_person() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(at_the_counter()).await.unwrap();
    prints(&mut ward, request(&dossier, Form::Receipt))
        .await
        .unwrap();
    let withdrawing = WithdrawDossierRequest {
        name: dossier.name.clone(),
        ..WithdrawDossierRequest::default()
    };
    ward.dossiers.withdraw_dossier(withdrawing).await.unwrap();
    ward.hand.set(at("2026-07-02T08:00:00"));
    let administrator = ward.of(Role::Administrator, "administrator-1", &[]);
    let erasing = EraseSubjectRequest {
        identity_number: NUMBER.to_owned(),
        request_id: uuid::Uuid::new_v4().to_string(),
        ..EraseSubjectRequest::default()
    };
    SubjectServiceClient::new(administrator)
        .erase_subject(erasing)
        .await
        .unwrap();
    for issue in [0, 1] {
        let asked = PrintFormRequest {
            issue,
            ..request(&dossier, Form::Receipt)
        };
        let erased = prints(&mut ward, asked).await.unwrap_err();
        assert_eq!(erased.code(), Code::FailedPrecondition);
        let reason = erased.get_details_error_info().unwrap().reason;
        assert_eq!(reason, "PERSONAL_DATA_ERASED");
    }
}
