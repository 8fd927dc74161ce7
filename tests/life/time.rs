//! Late, and how it is dealt with: apologies, overdue cases, submissions that wait.

use motcua_proto::{
    intake::v1::{GetDossierRequest, Language},
    r#type::v1::{Channel, DossierStatus, Punctuality},
};

use crate::support::{
    Person, Service, Suite, WARD, guardianship, local, marriage, online, refused,
};

#[tokio::test]
async fn an_apology_in_time_sets_a_new_date_once_and_does_not_make_it_on_time() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(guardianship()).await.code;
    suite.clock_at("2025-07-03T09:00").await;
    for (wrong, field) in [
        ("2025-07-04T10:00", "due_at"),
        ("2025-07-08T12:00", "due_at"),
    ] {
        let refusal = refused(
            &leader
                .cases()
                .extend_deadline(Person::extending(&code, wrong))
                .await
                .unwrap_err(),
        );
        assert_eq!(refusal.fields, [field], "{wrong}: {refusal:?}");
    }
    let case = leader.extends(&code, "2025-07-08T11:00").await;
    assert!(case.extended);
    assert_eq!(
        (local(&case.first_due_at), local(&case.due_at)),
        ("2025-07-04T17:00".into(), "2025-07-08T11:00".into())
    );
    suite.settle().await;
    let dossier = clerk.sees(&code).await;
    assert_eq!(
        (dossier.status(), local(&dossier.due_at)),
        (DossierStatus::InProgress, "2025-07-08T11:00".into())
    );
    let letters = suite.letters(&code);
    assert!(
        letters
            .iter()
            .any(|letter| letter.contains("Xin lỗi và hẹn lại ngày trả kết quả")),
        "{letters:#?}"
    );
    let refusal = refused(
        &leader
            .cases()
            .extend_deadline(Person::extending(&code, "2025-07-10T11:00"))
            .await
            .unwrap_err(),
    );
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");

    suite.clock_at("2025-07-07T09:00").await;
    officer.approves(WARD, &code).await;
    leader.approves(WARD, &code).await;
    officer.approves(WARD, &code).await;
    let fact = suite.fact(&code).await;
    assert_eq!(
        (fact.punctuality(), fact.apologised),
        (Punctuality::Overdue, true)
    );
    let total = suite
        .report("2025-07-01", "2025-07-31")
        .await
        .total
        .unwrap();
    assert_eq!((total.resolved_overdue, total.overdue_with_apology), (1, 1));
}

#[tokio::test]
async fn another_limit_is_chosen_with_a_reason_and_everybody_goes_by_it() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(marriage()).await.code;
    suite.settle().await;
    let receipt = clerk.sees(&code).await;
    assert_eq!(local(&receipt.due_at), "2025-07-01T17:00");
    let unknown = refused(&officer.chooses(&code, "forever").await.unwrap_err());
    assert_eq!(unknown.fields, ["limit"]);
    let case = officer
        .chooses(&code, "verified")
        .await
        .expect("it is chosen");
    assert_eq!(case.chosen_limit, "verified");
    assert_eq!(local(&case.first_due_at), "2025-07-04T17:00");
    let again = refused(&officer.chooses(&code, "verified").await.unwrap_err());
    assert_eq!(again.reason, "MOVE_NOT_ALLOWED");

    suite.settle().await;
    let dossier = clerk.sees(&code).await;
    assert_eq!(local(&dossier.due_at), "2025-07-04T17:00");
    assert_ne!(dossier.limit, receipt.limit);
    let request = GetDossierRequest {
        name: format!("dossiers/{code}"),
        language: Language::Vietnamese.into(),
        ..GetDossierRequest::default()
    };
    let explained = clerk.dossiers().get_dossier(request).await.unwrap();
    let why = explained.into_inner().explanation.join(" ");
    assert!(
        why.contains("trong thời hạn 3 ngày làm việc, được áp dụng trong quá trình giải quyết"),
        "{why}"
    );
    let letters = suite.letters(&code);
    assert!(
        letters
            .iter()
            .any(|letter| letter
                .contains("Thời điểm hẹn trả kết quả: 17 giờ 00 phút, ngày 04/07/2025")),
        "{letters:#?}"
    );

    suite.clock_at("2025-07-04T09:00").await;
    officer.approves(WARD, &code).await;
    leader.approves(WARD, &code).await;
    let fact = suite.fact(&code).await;
    assert_eq!(fact.punctuality(), Punctuality::OnTime);
    assert_eq!(local(&fact.due_at), "2025-07-04T17:00");
}

#[tokio::test]
async fn a_case_past_its_limit_is_overdue_by_the_clock_alone_and_an_apology_comes_too_late() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(guardianship()).await.code;
    // The last day counts whole.
    suite.clock_at("2025-07-04T23:59").await;
    let kinds = suite.kinds(Service::Workflow, &code).await;
    assert!(
        kinds.iter().any(|kind| kind == "CaseDueSoon")
            && !kinds.iter().any(|kind| kind == "CaseOverdue"),
        "{kinds:?}"
    );
    suite.clock_at("2025-07-05T00:00").await;
    assert!(
        suite
            .kinds(Service::Workflow, &code)
            .await
            .iter()
            .any(|kind| kind == "CaseOverdue")
    );
    assert!(officer.case(&code).await.overdue);
    suite.clock_at("2025-07-07T08:00").await;
    let total = suite
        .report("2025-07-01", "2025-07-31")
        .await
        .total
        .unwrap();
    assert_eq!(total.received, 1);
    let total = suite
        .report("2025-07-01", "2025-07-06")
        .await
        .total
        .unwrap();
    assert_eq!((total.in_progress, total.in_progress_overdue), (1, 1));
    let refusal = refused(
        &leader
            .cases()
            .extend_deadline(Person::extending(&code, "2025-07-10T11:00"))
            .await
            .unwrap_err(),
    );
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");

    officer.approves(WARD, &code).await;
    leader.approves(WARD, &code).await;
    officer.approves(WARD, &code).await;
    let fact = suite.fact(&code).await;
    assert_eq!(
        (fact.punctuality(), fact.apologised),
        (Punctuality::Overdue, false)
    );
    let total = suite
        .report("2025-07-01", "2025-07-31")
        .await
        .total
        .unwrap();
    assert_eq!((total.resolved_overdue, total.overdue_with_apology), (1, 0));
    // What was reported before stays as it was: as of Sunday it was in progress.
    let mut reports = motcua_proto::statistics::v1::report_service_client::ReportServiceClient::new(
        suite.peer(Service::Statistics),
    );
    let request = motcua_proto::statistics::v1::GetSettlementReportRequest {
        from: crate::support::date("2025-07-01"),
        to: crate::support::date("2025-07-31"),
        as_of: crate::support::date("2025-07-06"),
        ..Default::default()
    };
    let past = reports
        .get_settlement_report(request)
        .await
        .unwrap()
        .into_inner()
        .total
        .unwrap();
    assert_eq!((past.received, past.resolved, past.in_progress), (1, 0, 1));
}

#[tokio::test]
async fn a_submission_sent_on_a_saturday_night_waits_for_acceptance_and_its_waiting_has_a_limit() {
    let suite = Suite::start().await;
    let (citizen, clerk) = (suite.citizen(), suite.clerk());
    suite.clock_at("2025-07-05T20:00").await;
    let dossier = citizen.submits(online(guardianship())).await;
    let code = dossier.code.as_str();
    assert_eq!(
        (dossier.status(), dossier.channel()),
        (DossierStatus::Submitted, Channel::Portal)
    );
    assert_eq!(
        code, "H24.11593-250705-0001",
        "the code's day is the day of submission"
    );
    // Eight working hours from Monday's opening.
    assert_eq!(local(&dossier.acceptance_due_at), "2025-07-07T17:00");
    suite.clock_at("2025-07-07T16:59").await;
    assert_eq!(
        suite.kinds(Service::Intake, code).await,
        ["DossierSubmitted"]
    );
    suite.clock_at("2025-07-08T07:30").await;
    assert_eq!(
        suite.kinds(Service::Intake, code).await,
        ["DossierSubmitted", "AcceptanceOverdue"]
    );

    let dossier = clerk.accepts(code).await;
    assert_eq!(
        (local(&dossier.received_at), local(&dossier.due_at)),
        ("2025-07-08T07:30".into(), "2025-07-11T17:00".into())
    );
    suite.settle().await;
    let total = suite
        .report("2025-07-01", "2025-07-31")
        .await
        .total
        .unwrap();
    assert_eq!(
        (total.received, total.received_online, total.received_direct),
        (1, 1, 0)
    );
}
