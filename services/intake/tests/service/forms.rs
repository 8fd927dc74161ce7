//! What is printed at the counter.

use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{CaseHeld, CaseResumed, CaseStarted, EventKind, HoldGround, event::Payload},
    intake::v1::{
        AcceptDossierRequest, Applicant, Form, PrintFormRequest, PrintFormResponse,
        PrintFormsRequest, PrintRegisterRequest, RefuseDossierRequest, RequestSupplementRequest,
        Sheet, SubmitDossierRequest, SupplementDossierRequest, WithdrawDossierRequest,
    },
    r#type::v1::{Channel, HelpingOrganisation, helping_organisation::Organisation},
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{Ward, at, catalog, registration};

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
        ..PrintFormRequest::default()
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
        helping_organisation: Some(HelpingOrganisation {
            organisation: Some(Organisation::Title("Bưu cục Bến Mây".to_owned())),
        }),
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
    assert_eq!(receipt.template, "mau01-3");
    assert!(
        receipt
            .html
            .contains("đơn vị hỗ trợ nộp hồ sơ: Bưu cục Bến Mây")
    );
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
    assert_eq!(asked.template, "mau02-3");
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
    assert_eq!(refused.template, "mau03-3");
    assert!(refused.html.contains("&lt;của phường"), "{}", refused.html);
    prints_on(&mut ward, &name, Form::Refusal, Sheet::A5)
        .await
        .unwrap();
    // What a head signs is on the larger sheet; a dossier that was never accepted is taken back without a case.
    let taken_back = ward.submits(registration()).await.unwrap().name;
    let taking_back = WithdrawDossierRequest {
        name: taken_back.clone(),
        reason: "không còn nhu cầu".to_owned(),
        ..WithdrawDossierRequest::default()
    };
    ward.dossiers.withdraw_dossier(taking_back).await.unwrap();
    let stopped = prints(&mut ward, &taken_back, Form::Stop).await.unwrap();
    assert!(stopped.html.contains("không còn nhu cầu"));
    let small = prints_on(&mut ward, &taken_back, Form::Stop, Sheet::A5)
        .await
        .unwrap_err();
    let violations = small.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "sheet");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_one_person_handed_in_is_one_print() {
    let mut ward = Ward::ready().await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(ward.submits(at_the_counter()).await.unwrap().name);
    }
    let asking = |names: Vec<String>| PrintFormsRequest {
        names,
        form: Form::Receipt.into(),
        ..PrintFormsRequest::default()
    };
    let pages = |pdf: &[u8]| {
        let page = b"/Type /Page\n";
        pdf.windows(page.len()).filter(|it| it == page).count()
    };
    let one = ward.forms.print_forms(asking(vec![names[0].clone()])).await;
    let one = pages(&one.unwrap().into_inner().pdf);
    let three = ward.forms.print_forms(asking(names.clone())).await;
    assert!(one > 0);
    assert_eq!(pages(&three.unwrap().into_inner().pdf), 3 * one);

    let twice = vec![names[0].clone(), names[0].clone()];
    let many = vec!["dossiers/x".to_owned(); 21];
    for (wrong, field) in [
        (twice, "names[1]"),
        (Vec::new(), "names"),
        (many, "names"),
        (vec!["cases/x".to_owned()], "names[0]"),
    ] {
        let status = ward.forms.print_forms(asking(wrong)).await.unwrap_err();
        let details = status.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, field, "{status:?}");
    }
    // One that is not there, or not accepted yet, and nothing is printed.
    names.push("dossiers/H24.11593-250701-0999".to_owned());
    let missing = ward.forms.print_forms(asking(names)).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_lists_what_was_received_day_by_day() {
    let mut ward = Ward::ready().await;
    let accepted = ward.submits(at_the_counter()).await.unwrap();
    // Nobody has received this one yet.
    let waiting = ward.submits(registration()).await.unwrap();
    ward.hand.set(at("2025-07-03T09:00:00"));
    let later = ward.submits(at_the_counter()).await.unwrap();
    let day = |day| {
        Some(motcua_proto::google::r#type::Date {
            year: 2025,
            month: 7,
            day,
        })
    };
    let asking = |agency: &str, from, to| PrintRegisterRequest {
        agency: agency.to_owned(),
        from: day(from),
        to: day(to),
    };
    let register = ward.forms.print_register(asking("11593", 1, 2)).await;
    let register = register.unwrap().into_inner();
    assert_eq!(register.line_count, 1);
    assert!(register.html.contains("Hỗ trợ nộp: Bưu cục Bến Mây"));
    assert_eq!(register.template, "mau07-2");
    // The receipt names the same place in the book.
    let receipt = prints(&mut ward, &accepted.name, Form::Receipt).await;
    let receipt = receipt.unwrap().html;
    assert!(
        receipt.contains("Quyển số: 2025; Số thứ tự: 250701-0001"),
        "{receipt}"
    );
    assert!(register.html.contains("250701-0001</"), "{}", register.html);
    assert!(register.pdf.starts_with(b"%PDF-"));
    assert!(register.html.contains(&accepted.code) && register.html.contains("Nguyễn Thị Thử"));
    assert!(!register.html.contains(&waiting.code) && !register.html.contains(&later.code));
    let both = ward.forms.print_register(asking("11593", 1, 31)).await;
    assert_eq!(both.unwrap().into_inner().line_count, 2);
    let foreign = ward.forms.print_register(asking("12345", 1, 2)).await;
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    let backwards = ward.forms.print_register(asking("11593", 2, 1)).await;
    let backwards = backwards.unwrap_err();
    let details = backwards.get_details_bad_request().unwrap();
    assert_eq!(details.field_violations[0].field, "to");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_has_what_waited_long_and_what_an_agency_received_that_is_no_more() {
    let mut ward = Ward::ready().await;
    let submitted = ward.submits(registration()).await.unwrap();
    // Three months: nobody looked at it.
    ward.hand.set(at("2025-10-01T09:00:00"));
    let accepting = AcceptDossierRequest {
        name: submitted.name.clone(),
        ..AcceptDossierRequest::default()
    };
    ward.dossiers.accept_dossier(accepting).await.unwrap();
    let day = |month, day| {
        Some(motcua_proto::google::r#type::Date {
            year: 2025,
            month,
            day,
        })
    };
    let october = PrintRegisterRequest {
        agency: "11593".to_owned(),
        from: day(10, 1),
        to: day(10, 2),
    };
    let register = ward.forms.print_register(october.clone()).await;
    let register = register.unwrap().into_inner();
    assert_eq!(register.line_count, 1);
    assert!(register.html.contains(&submitted.code));
    let july = PrintRegisterRequest {
        from: day(7, 1),
        to: day(7, 2),
        ..october.clone()
    };
    let empty = ward.forms.print_register(july.clone()).await.unwrap();
    assert_eq!(empty.into_inner().line_count, 0);

    // Its ward has been merged into another one: the register stays what it was.
    let mut merged = catalog();
    merged.id = "merged".to_owned();
    merged
        .agencies
        .retain(|agency| !agency.code.starts_with("11593"));
    assert!(!merged.agencies.is_empty());
    ward.applies(merged).await.unwrap();
    let after = ward.forms.print_register(october).await.unwrap();
    assert_eq!(after.into_inner().html, register.html);
    // Of a time in which it received nothing, nobody knows its name any more.
    let nobody = ward.forms.print_register(july).await.unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound);
}
