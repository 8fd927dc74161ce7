//! Dossiers.

use motcua_intake::domain::dossier::Dossier as State;
use motcua_platform::time::{date_to_proto, to_proto};
use motcua_proto::{
    events::v1::{
        CaseFinished, CaseHeld, CaseResumed, CaseStarted, EventKind, HoldGround, event::Payload,
    },
    intake::v1::{
        AcceptDossierRequest, BatchSubmitDossiersRequest, BatchSubmitDossiersResponse, DossierView,
        GetDossierRequest, HandOverResultRequest, Language, ListDossiersRequest,
        RecordPaymentRequest, RecordVisitRequest, RefundPaymentRequest, RefuseDossierRequest,
        RequestSupplementRequest, RequestVisitRequest, StatementKind, SubmitDossierRequest,
        SupplementDossierRequest, WithdrawDossierRequest, submit_outcome::Outcome,
    },
    r#type::v1::{CalendarDay, CalendarDayKind, Channel, DossierStatus, HandOverMethod},
};
use sqlx::types::Json;
use tonic::{Code, Request};
use tonic_types::{RpcStatusExt as _, StatusExt as _};

use crate::world::{Ward, at, catalog, registration};

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_lives_from_submission_to_the_family_s_door() {
    let mut ward = Ward::ready().await;
    let submitted = ward.submits(registration()).await.unwrap();
    assert_eq!(submitted.code, "H24.11593-250701-0001");
    assert_eq!(submitted.status(), DossierStatus::Submitted);
    assert_eq!(submitted.etag, "\"1\"");

    let accept = |etag: &str| AcceptDossierRequest {
        name: submitted.name.clone(),
        etag: etag.to_owned(),
        ..AcceptDossierRequest::default()
    };
    let stale = ward
        .dossiers
        .accept_dossier(accept("\"7\""))
        .await
        .unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let accepted = ward
        .dossiers
        .accept_dossier(accept("\"1\""))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(accepted.status(), DossierStatus::Accepted);
    assert_eq!(accepted.due_at, Some(to_proto(at("2025-07-01T17:00:00"))));

    let due_at = accepted.due_at;
    ward.case_says(
        &accepted,
        EventKind::CaseStarted,
        Payload::CaseStarted(CaseStarted {
            due_at,
            ..CaseStarted::default()
        }),
    );
    ward.hears(EventKind::CaseProgressRecorded).await;
    let held = CaseHeld {
        ground: HoldGround::Payment.into(),
        ..CaseHeld::default()
    };
    ward.case_says(&accepted, EventKind::CaseHeld, Payload::CaseHeld(held));
    ward.case_says(
        &accepted,
        EventKind::CaseResumed,
        Payload::CaseResumed(CaseResumed::default()),
    );
    let finished = CaseFinished {
        outcome: "approved".to_owned(),
        ..CaseFinished::default()
    };
    ward.case_says(
        &accepted,
        EventKind::CaseFinished,
        Payload::CaseFinished(finished),
    );
    ward.hears(EventKind::ResultReady).await;

    ward.visits
        .request_visit(RequestVisitRequest {
            name: accepted.name.clone(),
            window_from: Some(to_proto(at("2025-07-01T14:00:00"))),
            window_to: Some(to_proto(at("2025-07-01T16:00:00"))),
            address: "số 1 ngõ Thử".to_owned(),
            ..RequestVisitRequest::default()
        })
        .await
        .unwrap();
    let handed_over = ward
        .visits
        .record_visit(RecordVisitRequest {
            name: accepted.name.clone(),
            visit: "v1".to_owned(),
            handed_over: true,
            received_by: "con trai, chữ ký số 7".to_owned(),
            ..RecordVisitRequest::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(handed_over.status(), DossierStatus::HandedOver);
    assert_eq!(handed_over.handed_over_by(), HandOverMethod::Home);
    let again = ward
        .dossiers
        .hand_over_result(HandOverResultRequest {
            name: accepted.name.clone(),
            method: HandOverMethod::Counter.into(),
            received_by: "con gái".to_owned(),
            ..HandOverResultRequest::default()
        })
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    let info = again.get_details_error_info().unwrap();
    assert_eq!(
        (
            info.metadata["state"].as_str(),
            info.metadata["remedy"].as_str()
        ),
        ("HANDED_OVER", "nothing is left to do")
    );

    let basic = GetDossierRequest {
        name: accepted.name.clone(),
        view: DossierView::Basic.into(),
        ..GetDossierRequest::default()
    };
    let basic = ward.dossiers.get_dossier(basic).await.unwrap().into_inner();
    assert_eq!(basic, handed_over);
    let full = GetDossierRequest {
        name: accepted.name.clone(),
        view: DossierView::Full.into(),
        ..GetDossierRequest::default()
    };
    // Who reads personal data says why.
    let unsaid = ward.dossiers.get_dossier(full.clone()).await.unwrap_err();
    let violations = unsaid.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "motcua-purpose");
    let full = ward
        .dossiers
        .get_dossier(for_the_family(full))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(full.applicant.unwrap().phone, "0900000001");
    let said: Vec<_> = full
        .statements
        .iter()
        .map(|said| said.text.as_str())
        .collect();
    assert_eq!(said, ["con trai, chữ ký số 7", "số 1 ngõ Thử"]);

    // The events give the row, without its personal part.
    let history = ward.history(&accepted.name).await;
    let replayed = history.iter().fold(None, State::apply).unwrap();
    let (Json(row), status): (Json<State>, i16) =
        sqlx::query_as("SELECT state, status FROM dossier WHERE code = $1")
            .bind(&accepted.code)
            .fetch_one(&ward.pool)
            .await
            .unwrap();
    assert_eq!(replayed, row);
    assert_eq!(status, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_its_first_answer_even_when_the_catalog_has_moved_on() {
    let mut ward = Ward::ready().await;
    let request = registration();
    let first = ward.dossiers.submit_dossier(request.clone()).await.unwrap();
    let mut without = catalog();
    without.id = "test-2026".to_owned();
    without.procedures.remove(0);
    ward.applies(without).await.unwrap();
    let again = ward.dossiers.submit_dossier(request.clone()).await.unwrap();
    assert_eq!(
        first.metadata().get("motcua-position"),
        again.metadata().get("motcua-position")
    );
    assert_eq!(first.into_inner(), again.into_inner());

    let reused = SubmitDossierRequest {
        accept: true,
        ..request
    };
    assert_eq!(
        ward.submits(reused).await.unwrap_err().code(),
        Code::AlreadyExists
    );
    let refused = ward.submits(registration()).await.unwrap_err();
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "procedure");
    // It stands under the catalog that it was submitted under.
    let name = "dossiers/H24.11593-250701-0001".to_owned();
    let accepted = ward
        .dossiers
        .accept_dossier(AcceptDossierRequest {
            name,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(accepted.into_inner().catalog, "test-2025");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_in_one_call_each_has_an_outcome_of_its_own() {
    let mut ward = Ward::ready().await;
    let first = registration();
    let nobody = SubmitDossierRequest {
        applicant: None,
        procedure: "9.999999".to_owned(),
        ..registration()
    };
    let reused = SubmitDossierRequest {
        accept: true,
        ..first.clone()
    };
    let requests = vec![first.clone(), nobody, first.clone(), registration(), reused];
    let batch = BatchSubmitDossiersRequest { requests };
    let outcomes = |response: BatchSubmitDossiersResponse| {
        response
            .outcomes
            .into_iter()
            .map(|outcome| match outcome.outcome.unwrap() {
                Outcome::Dossier(dossier) => Ok(dossier.code),
                Outcome::Error(error) => Err(error),
            })
            .collect::<Vec<_>>()
    };
    let answer = ward
        .dossiers
        .batch_submit_dossiers(batch.clone())
        .await
        .unwrap();
    let position = answer.metadata().get("motcua-position").cloned();
    assert!(position.is_some());
    let told = outcomes(answer.into_inner());
    assert_eq!(told.len(), 5);
    let code = told[0].clone().unwrap();
    // Two lanes carry them, so which of the two comes first is theirs; that a refusal leaves no gap is the contract's.
    let mut codes = [code.clone(), told[3].clone().unwrap()];
    codes.sort();
    assert_eq!(codes, ["H24.11593-250701-0001", "H24.11593-250701-0002"]);
    let refused = told[1].clone().unwrap_err();
    assert_eq!(refused.code, i32::from(Code::InvalidArgument));
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["applicant", "procedure"]);
    assert_eq!(
        told[2],
        Ok(code.clone()),
        "the same request is the same dossier"
    );
    let reused = told[4].clone().unwrap_err();
    assert_eq!(reused.code, i32::from(Code::AlreadyExists));

    // Sent again, as a whole or one of them, it is answered as before.
    let again = ward.dossiers.batch_submit_dossiers(batch).await.unwrap();
    assert_eq!(again.metadata().get("motcua-position").cloned(), position);
    assert_eq!(outcomes(again.into_inner()), told);
    assert_eq!(ward.submits(first).await.unwrap().code, code);

    for requests in [Vec::new(), vec![registration(); 101]] {
        let refused = ward
            .dossiers
            .batch_submit_dossiers(BatchSubmitDossiersRequest { requests })
            .await
            .unwrap_err();
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "requests");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_systems_code_leads_to_one_dossier() {
    let mut ward = Ward::ready().await;
    let coded = || SubmitDossierRequest {
        external_code: "G22.99.11-1".to_owned(),
        ..registration()
    };
    let first = ward.submits(coded()).await.unwrap();
    assert_eq!(
        ward.submits(coded()).await.unwrap_err().code(),
        Code::AlreadyExists
    );
    let next = ward.submits(registration()).await.unwrap();
    assert_eq!(
        next.code, "H24.11593-250701-0002",
        "a refusal leaves no gap"
    );
    let found = ward
        .dossiers
        .list_dossiers(ListDossiersRequest {
            external_code: "G22.99.11-1".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.dossiers, [first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_by_submission_and_their_filters_add_up() {
    let mut ward = Ward::ready().await;
    for number in 0..5 {
        ward.hand.set(at(&format!("2025-07-01T09:0{number}:00")));
        ward.submits(SubmitDossierRequest {
            accept: number % 2 == 0,
            hand_over_method: if number == 4 {
                HandOverMethod::Home
            } else {
                HandOverMethod::Unspecified
            }
            .into(),
            ..registration()
        })
        .await
        .unwrap();
    }
    let codes = async |ward: &mut Ward, request: ListDossiersRequest| {
        let mut numbers = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListDossiersRequest {
                page_size: 2,
                page_token,
                ..request.clone()
            };
            let page = ward
                .dossiers
                .list_dossiers(request)
                .await
                .unwrap()
                .into_inner();
            assert!(page.dossiers.len() <= 2);
            numbers.extend(
                page.dossiers
                    .iter()
                    .map(|dossier| dossier.code[dossier.code.len() - 1..].to_owned()),
            );
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return numbers.join("");
            }
        }
    };
    let all = ListDossiersRequest::default();
    assert_eq!(codes(&mut ward, all.clone()).await, "12345");
    let agency = ListDossiersRequest {
        receiving_agency: "11593".to_owned(),
        ..all.clone()
    };
    assert_eq!(codes(&mut ward, agency.clone()).await, "12345");
    let waiting = ListDossiersRequest {
        statuses: vec![DossierStatus::Submitted.into()],
        ..agency.clone()
    };
    assert_eq!(codes(&mut ward, waiting.clone()).await, "24");
    let everywhere = ListDossiersRequest {
        receiving_agency: String::new(),
        ..waiting
    };
    assert_eq!(codes(&mut ward, everywhere).await, "24");
    let ended = vec![
        DossierStatus::Accepted.into(),
        DossierStatus::HandedOver.into(),
    ];
    assert_eq!(
        codes(
            &mut ward,
            ListDossiersRequest {
                statuses: ended,
                ..agency.clone()
            }
        )
        .await,
        "135"
    );
    let home = ListDossiersRequest {
        hand_over_method: HandOverMethod::Home.into(),
        ..agency.clone()
    };
    assert_eq!(codes(&mut ward, home).await, "5");
    let between = ListDossiersRequest {
        submitted_from: Some(to_proto(at("2025-07-01T09:01:00"))),
        submitted_to: Some(to_proto(at("2025-07-01T09:03:00"))),
        ..agency
    };
    assert_eq!(codes(&mut ward, between).await, "23");
    assert_eq!(
        codes(
            &mut ward,
            ListDossiersRequest {
                procedure: "2.002622".to_owned(),
                ..all
            }
        )
        .await,
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_that_nobody_answers_is_said_to_be_late_once() {
    let mut ward = Ward::ready().await;
    ward.hand.set(at("2025-07-04T22:30:00"));
    let submitted = ward.submits(registration()).await.unwrap();
    assert_eq!(
        submitted.acceptance_due_at,
        Some(to_proto(at("2025-07-07T17:00:00")))
    );
    ward.hand.set(at("2025-07-07T17:00:00"));
    let late = ward.hears(EventKind::AcceptanceOverdue).await;
    assert_eq!(late.dossier, submitted.code);
    let name = submitted.name.clone();
    let accepted = ward
        .dossiers
        .accept_dossier(AcceptDossierRequest {
            name,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(
        accepted.into_inner().etag,
        "\"3\"",
        "submitted, late, accepted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_calendar_moves_what_waits_for_an_answer_and_nothing_else() {
    let mut ward = Ward::ready().await;
    ward.hand.set(at("2025-07-04T22:30:00"));
    let waiting = ward.submits(registration()).await.unwrap();
    let accepted = ward
        .submits(SubmitDossierRequest {
            accept: true,
            ..registration()
        })
        .await
        .unwrap();
    let mut later = catalog();
    later.id = "monday-off".to_owned();
    later.calendars[0].days.push(CalendarDay {
        date: Some(date_to_proto("2025-07-07".parse().unwrap())),
        kind: CalendarDayKind::Holiday.into(),
        title: "Nghỉ".to_owned(),
    });
    ward.applies(later).await.unwrap();
    ward.hand.set(at("2025-07-04T22:32:00"));
    let moved = ward.hears(EventKind::AcceptanceDueRecomputed).await;
    assert_eq!(moved.dossier, waiting.code);
    // By that calendar it is late, and the history of the other one says nothing of it.
    ward.hand.set(at("2025-07-08T17:00:00"));
    let late = ward.hears(EventKind::AcceptanceOverdue).await;
    assert_eq!(late.dossier, waiting.code);
    let get = |name: String| GetDossierRequest {
        name,
        ..Default::default()
    };
    let waited = ward.dossiers.get_dossier(get(waiting.name)).await.unwrap();
    assert_eq!(
        waited.into_inner().acceptance_due_at,
        Some(to_proto(at("2025-07-08T17:00:00")))
    );
    let other = ward.dossiers.get_dossier(get(accepted.name)).await.unwrap();
    assert_eq!(other.into_inner().etag, accepted.etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_handed_in_is_reminded_of_and_then_refused_in_writing() {
    let mut ward = Ward::ready().await;
    let submitted = ward.submits(registration()).await.unwrap();
    let asked = RequestSupplementRequest {
        name: submitted.name.clone(),
        missing: "giấy báo tử".to_owned(),
        ground: "điều 17".to_owned(),
        ..RequestSupplementRequest::default()
    };
    let asked = ward.dossiers.request_supplement(asked).await.unwrap();
    assert_eq!(
        asked.into_inner().supplement_due_at,
        Some(to_proto(at("2025-07-10T17:00:00")))
    );
    ward.hand.set(at("2025-07-08T17:00:00"));
    ward.hears(EventKind::SupplementDueSoon).await;
    ward.hand.set(at("2025-07-11T00:00:00"));
    ward.hears(EventKind::DossierRefused).await;
    let whole = GetDossierRequest {
        name: submitted.name,
        view: DossierView::Full.into(),
        language: Language::English.into(),
    };
    let refused = ward
        .dossiers
        .get_dossier(for_the_family(whole))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(refused.status(), DossierStatus::Refused);
    let said = refused.statements.iter();
    let reason = said
        .filter(|said| said.kind() == StatementKind::Refusal)
        .map(|said| said.text.as_str());
    assert_eq!(
        reason.collect::<Vec<_>>(),
        [
            "Hết thời hạn bổ sung, hoàn thiện hồ sơ (17 giờ 00 phút, ngày 10/07/2025) nhưng chưa nhận được nội dung đã yêu cầu."
        ]
    );
    assert_eq!(
        refused.explanation,
        [
            "Đơn vị 11593 refused the dossier at 00:00 on 11/07/2025.",
            "This dossier has ended; the notice of refusal (Mẫu 03), to be had where it was submitted, gives the reason and the ground; \
             you may submit a new one."
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_with_every_violation_and_never_as_an_internal_error() {
    let mut ward = Ward::ready().await;
    let fields = |status: tonic::Status| {
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        violations
            .into_iter()
            .map(|violation| violation.field)
            .collect::<Vec<_>>()
    };
    let nonsense = RequestSupplementRequest {
        name: "cases/1".to_owned(),
        request_id: "seven".to_owned(),
        ..RequestSupplementRequest::default()
    };
    let refused = ward
        .dossiers
        .request_supplement(nonsense)
        .await
        .unwrap_err();
    assert_eq!(fields(refused), ["name", "missing", "ground", "request_id"]);
    let nonsense = ListDossiersRequest {
        page_size: -1,
        page_token: "zz".to_owned(),
        receiving_agency: "a b".to_owned(),
        statuses: vec![77],
        ..ListDossiersRequest::default()
    };
    let refused = ward.dossiers.list_dossiers(nonsense).await.unwrap_err();
    assert_eq!(
        fields(refused),
        ["page_size", "page_token", "receiving_agency", "statuses[0]"]
    );
    let refused = ward
        .submits(SubmitDossierRequest::default())
        .await
        .unwrap_err();
    assert_eq!(
        fields(refused),
        ["procedure", "receiving_agency", "channel", "applicant"]
    );
    let name = "dossiers/H24.11593-250701-0009".to_owned();
    let missing = ward
        .dossiers
        .withdraw_dossier(WithdrawDossierRequest {
            name,
            ..Default::default()
        })
        .await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplement_that_nobody_answers_is_said_to_be_late() {
    let mut ward = Ward::ready().await;
    let submitted = ward.submits(registration()).await.unwrap();
    ward.dossiers
        .request_supplement(RequestSupplementRequest {
            name: submitted.name.clone(),
            missing: "giấy báo tử".to_owned(),
            ground: "điều 17".to_owned(),
            ..RequestSupplementRequest::default()
        })
        .await
        .unwrap();
    ward.hand.set(at("2025-07-02T08:00:00"));
    let supplemented = ward
        .dossiers
        .supplement_dossier(SupplementDossierRequest {
            name: submitted.name.clone(),
            provided: "giấy báo tử".to_owned(),
            ..SupplementDossierRequest::default()
        })
        .await
        .unwrap()
        .into_inner();
    let due = Some(to_proto(at("2025-07-03T08:00:00")));
    assert_eq!(
        (supplemented.status(), supplemented.acceptance_due_at),
        (DossierStatus::Submitted, due)
    );
    ward.hand.set(at("2025-07-03T08:00:00"));
    let overdue = ward.hears(EventKind::AcceptanceOverdue).await;
    let Some(Payload::AcceptanceOverdue(overdue)) = overdue.payload else {
        panic!("a supplement is overdue");
    };
    assert_eq!(overdue.acceptance_due_at, due);
}

fn for_the_family<T>(body: T) -> Request<T> {
    let mut request = Request::new(body);
    request
        .metadata_mut()
        .insert("motcua-purpose", "the family asks".parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_pays_for_one_dossier_and_what_was_paid_can_be_given_back() {
    let mut ward = Ward::ready().await;
    let mut at_the_counter = Vec::new();
    for _ in 0..2 {
        let request = SubmitDossierRequest {
            channel: Channel::Counter.into(),
            ..registration()
        };
        at_the_counter.push(ward.submits(request).await.unwrap().name);
    }
    let paying = |name: &str, amount_vnd| RecordPaymentRequest {
        name: name.to_owned(),
        provider: "bank-1".to_owned(),
        reference: "FT25182.0001".to_owned(),
        amount_vnd,
        ..RecordPaymentRequest::default()
    };
    for amount in [0, -1] {
        let nothing = ward
            .payments
            .record_payment(paying(&at_the_counter[0], amount))
            .await
            .unwrap_err();
        let violations = nothing.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "amount_vnd");
    }
    for _ in 0..2 {
        // The provider's notice comes twice, as another request.
        let paid = ward
            .payments
            .record_payment(paying(&at_the_counter[0], 5_000))
            .await
            .unwrap()
            .into_inner();
        assert_eq!((paid.paid_vnd, paid.payments.len()), (5_000, 1));
    }
    let elsewhere = ward
        .payments
        .record_payment(paying(&at_the_counter[1], 5_000))
        .await
        .unwrap_err();
    assert_eq!(elsewhere.code(), Code::AlreadyExists, "{elsewhere:?}");
    let refusing = RefuseDossierRequest {
        name: at_the_counter[0].clone(),
        reason: "không thuộc thẩm quyền".to_owned(),
        ground: "điều 17".to_owned(),
        ..RefuseDossierRequest::default()
    };
    ward.dossiers.refuse_dossier(refusing).await.unwrap();
    let refunding = RefundPaymentRequest {
        name: at_the_counter[0].clone(),
        payment: "p1".to_owned(),
        reason: "chuyển khoản trả lại".to_owned(),
        ..RefundPaymentRequest::default()
    };
    let refunded = ward.payments.refund_payment(refunding).await.unwrap();
    assert_eq!(refunded.into_inner().paid_vnd, 0);
}
