//! What a dossier costs, what the case finds beside it, and how dossiers that have ended are found and wound up.

use jiff::SignedDuration;
use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{CaseHeld, CaseStarted, EventKind, HoldGround, event::Payload},
    intake::v1::{
        AcceptDossierRequest, DossierView, Form, GetDossierRequest, Language, ListDossiersRequest,
        PrintFormRequest, RecordPaymentRequest, ReturnOriginalsRequest, StatementKind,
        SubmitDossierRequest, WithdrawDossierRequest, dossier_service_client::DossierServiceClient,
    },
    r#type::v1::{Catalog, Channel, DossierStatus, Exemption, FeeTier, Role},
};
use tonic::Code;

use crate::world::{Ward, at, catalog, registration, stating, violated};

/// Certified copies by the page, and children exempted from half of it.
fn by_the_page() -> Catalog {
    let mut catalog = catalog();
    let procedure = &mut catalog.procedures[0];
    (procedure.fee_vnd, procedure.fee_cap_vnd) = (2_000, 200_000);
    procedure.fee_unit = "trang".to_owned();
    procedure.fee_tiers = [(1, 2_000), (3, 1_000)]
        .map(|(from_unit, price_vnd)| FeeTier {
            from_unit,
            price_vnd,
            price_online_vnd: 0,
        })
        .to_vec();
    procedure.exemptions = vec![Exemption {
        id: "tre-em".to_owned(),
        title: "trẻ em dưới 6 tuổi".to_owned(),
        percent: 50,
        ..Exemption::default()
    }];
    catalog
}

fn at_the_counter() -> SubmitDossierRequest {
    SubmitDossierRequest {
        channel: Channel::Counter.into(),
        ..registration()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_by_the_page_with_an_exemption_stands_on_the_receipt() {
    let mut ward = Ward::opens().await;
    ward.applies(by_the_page()).await.unwrap();
    let nonsense = ward
        .submits(SubmitDossierRequest {
            quantity: -1,
            exemption: "hoc-sinh".to_owned(),
            ..at_the_counter()
        })
        .await
        .unwrap_err();
    assert_eq!(violated(&nonsense), ["quantity", "exemption"]);
    let other = SubmitDossierRequest {
        procedure: "2.002622".to_owned(),
        quantity: 2,
        ..at_the_counter()
    };
    let refused = ward.submits(other).await.unwrap_err();
    assert_eq!(violated(&refused), ["quantity"]);
    let submitted = SubmitDossierRequest {
        quantity: 4,
        ..at_the_counter()
    };
    let submitted = ward.submits(submitted).await.unwrap();
    assert_eq!(submitted.quantity, 4);
    let accepting = AcceptDossierRequest {
        name: submitted.name.clone(),
        quantity: 10,
        exemption: "tre-em".to_owned(),
        exemption_paper: "Giấy khai sinh số 12".to_owned(),
        ..AcceptDossierRequest::default()
    };
    let accepted = ward.dossiers.accept_dossier(accepting).await.unwrap();
    let accepted = accepted.into_inner();
    assert_eq!(
        (
            accepted.fee_vnd,
            accepted.exempted_vnd,
            accepted.quantity,
            accepted.exemption.as_str()
        ),
        (6_000, 6_000, 10, "tre-em")
    );
    let printing = PrintFormRequest {
        name: accepted.name,
        form: Form::Receipt.into(),
        ..PrintFormRequest::default()
    };
    let receipt = ward.forms.print_form(printing).await.unwrap().into_inner();
    for words in [
        "6.000 đồng (chưa nộp); tính cho 10 trang",
        "đã giảm 6.000 đồng cho trẻ em dưới 6 tuổi",
    ] {
        assert!(receipt.html.contains(words), "{words}\n{}", receipt.html);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_case_finds_to_be_owed_is_shown_and_taken_with_the_fee() {
    let mut ward = Ward::ready().await;
    let submitting = SubmitDossierRequest {
        accept: true,
        ..at_the_counter()
    };
    let dossier = ward.submits(submitting).await.unwrap();
    ward.case_says(
        &dossier,
        EventKind::CaseStarted,
        Payload::CaseStarted(CaseStarted::default()),
    );
    ward.case_says(
        &dossier,
        EventKind::CaseHeld,
        Payload::CaseHeld(CaseHeld {
            ground: HoldGround::Payment.into(),
            due_at: Some(to_proto(at("2025-07-10T17:00:00"))),
            judged_until: Some(to_proto(at("2025-07-11T00:00:00"))),
            obligations_vnd: 300_000,
            ..CaseHeld::default()
        }),
    );
    for _ in 0..2 {
        ward.hears(EventKind::CaseProgressRecorded).await;
    }
    let asking = GetDossierRequest {
        name: dossier.name.clone(),
        language: Language::Vietnamese.into(),
        ..GetDossierRequest::default()
    };
    let shown = ward
        .dossiers
        .get_dossier(asking)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown.status(), DossierStatus::PaymentRequired);
    assert_eq!((shown.fee_vnd, shown.obligations_vnd), (308_000, 300_000));
    let words = shown.explanation.join("\n");
    assert!(
        words.contains("nộp 308.000 đồng phí, lệ phí và nghĩa vụ tài chính"),
        "{words}"
    );
    let paying = RecordPaymentRequest {
        name: dossier.name.clone(),
        provider: "bank-1".to_owned(),
        reference: "FT25182.0001".to_owned(),
        amount_vnd: 308_000,
        ..RecordPaymentRequest::default()
    };
    for _ in 0..2 {
        let paid = ward.payments.record_payment(paying.clone()).await.unwrap();
        assert_eq!(paid.into_inner().paid_vnd, 308_000);
    }
    let printing = PrintFormRequest {
        name: dossier.name,
        form: Form::Receipt.into(),
        ..PrintFormRequest::default()
    };
    let receipt = ward.forms.print_form(printing).await.unwrap().into_inner();
    for words in [
        "8.000 đồng (đã nộp)",
        "nghĩa vụ tài chính xác định trong quá trình giải quyết: 300.000 đồng (đã nộp)",
    ] {
        assert!(receipt.html.contains(words), "{words}\n{}", receipt.html);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_is_found_by_its_end_and_its_originals_go_back() {
    let mut ward = Ward::ready().await;
    let accepted = SubmitDossierRequest {
        accept: true,
        ..at_the_counter()
    };
    let under_way = ward.submits(accepted.clone()).await.unwrap();
    let name = ward
        .submits(SubmitDossierRequest {
            request_id: String::new(),
            ..accepted
        })
        .await
        .unwrap()
        .name;
    ward.hand
        .set(at("2025-07-01T08:00:00") + SignedDuration::from_hours(24));
    let unsaid = WithdrawDossierRequest {
        name: name.clone(),
        ground: "khoản 4 Điều 18".to_owned(),
        ..WithdrawDossierRequest::default()
    };
    let refused = ward.dossiers.withdraw_dossier(unsaid.clone()).await;
    assert_eq!(violated(&refused.unwrap_err()), ["ground"]);
    let withdrawing = WithdrawDossierRequest {
        reason: "không cần nữa".to_owned(),
        ..unsaid
    };
    ward.dossiers.withdraw_dossier(withdrawing).await.unwrap();
    let returning = |name: &str| ReturnOriginalsRequest {
        name: name.to_owned(),
        received_by: "Nguyễn Thị Thử, chữ ký số 14".to_owned(),
        ..ReturnOriginalsRequest::default()
    };
    let early = ward.dossiers.return_originals(returning(&under_way.name));
    assert_eq!(early.await.unwrap_err().code(), Code::FailedPrecondition);
    let returned = ward.dossiers.return_originals(returning(&name)).await;
    let returned = returned.unwrap().into_inner();
    assert_eq!(
        returned.originals_returned_at,
        Some(to_proto(at("2025-07-02T08:00:00")))
    );
    assert!(!returned.originals_returned_by.is_empty());
    let full = stating(GetDossierRequest {
        name: name.clone(),
        view: DossierView::Full.into(),
        ..GetDossierRequest::default()
    });
    let statements = ward.dossiers.get_dossier(full).await.unwrap().into_inner();
    let said = |kind| {
        let mut all = statements.statements.iter();
        all.find(|said| said.kind() == kind).unwrap().clone()
    };
    assert_eq!(said(StatementKind::Withdrawal).ground, "khoản 4 Điều 18");
    assert!(
        said(StatementKind::OriginalsReturned)
            .text
            .contains("số 14")
    );

    let day = |day: &str| Some(to_proto(at(&format!("{day}T00:00:00"))));
    let ended = |from: &str, to: &str| ListDossiersRequest {
        receiving_agency: "11593".to_owned(),
        ended_from: day(from),
        ended_to: day(to),
        ..ListDossiersRequest::default()
    };
    let received = ListDossiersRequest {
        receiving_agency: "11593".to_owned(),
        received_from: day("2025-07-01"),
        received_to: day("2025-07-02"),
        ..ListDossiersRequest::default()
    };
    let decided = |agency: &str| ListDossiersRequest {
        competent_agency: agency.to_owned(),
        ..ListDossiersRequest::default()
    };
    let handed_over = ListDossiersRequest {
        receiving_agency: "11593".to_owned(),
        handed_over_from: day("2025-07-01"),
        ..ListDossiersRequest::default()
    };
    for (asked, found) in [
        (ended("2025-07-02", "2025-07-03"), vec![&name]),
        (ended("2025-07-01", "2025-07-02"), vec![]),
        (received, vec![&under_way.name, &name]),
        (decided("11593"), vec![&under_way.name, &name]),
        (decided("11593-ca"), vec![]),
        (handed_over, vec![]),
    ] {
        let listed = ward.dossiers.list_dossiers(asked.clone()).await.unwrap();
        let listed = listed.into_inner().dossiers;
        let names: Vec<_> = listed.iter().map(|dossier| &dossier.name).collect();
        assert_eq!(names, found, "{asked:?}");
    }
    let nonsense = ward
        .dossiers
        .list_dossiers(ended("2025-07-03", "2025-07-02"))
        .await;
    assert_eq!(violated(&nonsense.unwrap_err()), ["ended_to"]);
    // Whoever sees the whole city names the agency.
    let mut city = DossierServiceClient::new(ward.of(Role::CitySupervisor, "supervisor-1", &[]));
    let everywhere = ListDossiersRequest {
        receiving_agency: String::new(),
        ..ended("2025-07-02", "2025-07-03")
    };
    let refused = city.list_dossiers(everywhere.clone()).await.unwrap_err();
    assert_eq!(violated(&refused), ["receiving_agency"]);
    let of_one = ListDossiersRequest {
        competent_agency: "11593".to_owned(),
        ..everywhere
    };
    let listed = city.list_dossiers(of_one).await.unwrap().into_inner();
    assert_eq!(listed.dossiers.len(), 1);
}
