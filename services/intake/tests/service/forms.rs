//! What is printed at the counter.

use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{CaseHeld, CaseResumed, CaseStarted, EventKind, HoldGround, event::Payload},
    intake::v1::{
        Applicant, Form, PrintFormRequest, PrintFormResponse, RefuseDossierRequest,
        RequestSupplementRequest, Sheet, SubmitDossierRequest, SupplementDossierRequest,
    },
    r#type::v1::Channel,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{Ward, at, registration};

async fn prints(ward: &mut Ward, name: &str, form: Form) -> Result<PrintFormResponse, Status> {
    prints_on(ward, name, form, Sheet::A4).await
}

async fn prints_on(
    ward: &mut Ward,
    name: &str,
    form: Form,
    sheet: Sheet,
) -> Result<PrintFormResponse, Status> {
    let request = PrintFormRequest {
        name: name.to_owned(),
        form: form.into(),
        sheet: sheet.into(),
    };
    Ok(ward.forms.print_form(request).await?.into_inner())
}

fn at_the_counter() -> SubmitDossierRequest {
    SubmitDossierRequest {
        procedure: "2.002622".to_owned(),
        channel: Channel::Counter.into(),
        applicant: Some(Applicant {
            full_name: "Nguyễn Thị Thử".to_owned(),
            address: "số 1 ngõ Thử, tổ 3".to_owned(),
            phone: "0900000001".to_owned(),
            ..Applicant::default()
        }),
        accept: true,
        ..registration()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_promises_for_ever_what_it_promised() {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(at_the_counter()).await.unwrap();
    let receipt = prints(&mut ward, &dossier.name, Form::Receipt)
        .await
        .unwrap();
    assert_eq!(receipt.template, "mau01-1");
    assert!(receipt.pdf.starts_with(b"%PDF-"));
    for words in [
        "Nguyễn Thị Thử",
        "số 1 ngõ Thử, tổ 3",
        &dossier.code,
        "3 ngày làm việc",
        "8.000 đồng",
        "17 giờ 00 phút, ngày 04 tháng 7 năm 2025",
    ] {
        assert!(receipt.html.contains(words), "{words}\n{}", receipt.html);
    }
    // The case waits, and the due moves; the paper in the applicant's hand does not.
    ward.case_says(
        &dossier,
        EventKind::CaseStarted,
        Payload::CaseStarted(CaseStarted::default()),
    );
    ward.case_says(
        &dossier,
        EventKind::CaseHeld,
        Payload::CaseHeld(CaseHeld {
            ground: HoldGround::Supplement.into(),
            ..CaseHeld::default()
        }),
    );
    ward.case_says(
        &dossier,
        EventKind::CaseResumed,
        Payload::CaseResumed(CaseResumed {
            due_at: Some(to_proto(at("2025-07-09T17:00:00"))),
            ..CaseResumed::default()
        }),
    );
    for _ in 0..3 {
        ward.hears(EventKind::CaseProgressRecorded).await;
    }
    let again = prints(&mut ward, &dossier.name, Form::Receipt)
        .await
        .unwrap();
    assert_eq!(again, receipt);
    let small = prints_on(&mut ward, &dossier.name, Form::Receipt, Sheet::A5)
        .await
        .unwrap();
    assert_ne!(small.pdf, receipt.pdf);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_and_why_it_was_refused_stand_on_their_forms_and_no_form_comes_before_its_act()
 {
    let mut ward = Ward::ready().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let name = dossier.name;
    for form in [Form::Receipt, Form::Supplement, Form::Refusal] {
        let early = prints(&mut ward, &name, form).await.unwrap_err();
        assert_eq!(early.code(), Code::FailedPrecondition, "{form:?}");
    }
    let asking = RequestSupplementRequest {
        name: name.clone(),
        missing: "Giấy báo tử\nBản chụp căn cước".to_owned(),
        ground: "Điều 17 Nghị định số 118/2025/NĐ-CP".to_owned(),
        ..RequestSupplementRequest::default()
    };
    ward.dossiers.request_supplement(asking).await.unwrap();
    let asked = prints(&mut ward, &name, Form::Supplement).await.unwrap();
    assert_eq!(asked.template, "mau02-1");
    for words in [
        "Giấy báo tử",
        "Bản chụp căn cước",
        "ngày 10 tháng 7 năm 2025",
    ] {
        assert!(asked.html.contains(words), "{words}");
    }
    let providing = SupplementDossierRequest {
        name: name.clone(),
        provided: "giấy báo tử".to_owned(),
        ..SupplementDossierRequest::default()
    };
    ward.dossiers.supplement_dossier(providing).await.unwrap();
    ward.hand.set(at("2025-07-02T09:00:00"));
    assert_eq!(
        prints(&mut ward, &name, Form::Supplement).await.unwrap(),
        asked
    );
    let refusing = RefuseDossierRequest {
        name: name.clone(),
        reason: "không thuộc thẩm quyền <của phường>".to_owned(),
        ground: "điều 17".to_owned(),
        ..RefuseDossierRequest::default()
    };
    ward.dossiers.refuse_dossier(refusing).await.unwrap();
    let refused = prints(&mut ward, &name, Form::Refusal).await.unwrap();
    assert_eq!(refused.template, "mau03-1");
    assert!(refused.html.contains("&lt;của phường"), "{}", refused.html);
    let small = prints_on(&mut ward, &name, Form::Refusal, Sheet::A5)
        .await
        .unwrap_err();
    let violations = small.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "sheet");
}
