//! Time that does not count: supplements, before acceptance and during the case.

use motcua_proto::{
    events::v1::event::Payload,
    intake::v1::{
        DecideCorrectionRequest, ProposeCorrectionRequest,
        correction_service_client::CorrectionServiceClient,
    },
    r#type::v1::{
        CorrectedEntry, CorrectedPayment, DossierStatus, Punctuality, Role, corrected_entry,
    },
    workflow::v1::CaseState,
};

use crate::support::{
    Person, Service, Suite, WARD, certification, guardianship, local, online, refused,
};

#[tokio::test]
async fn a_supplement_during_the_case_moves_the_due_by_the_days_that_it_took() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let dossier = clerk.submits(guardianship()).await;
    let code = dossier.code.as_str();
    // Tuesday; three working days after it is Friday.
    assert_eq!(local(&dossier.due_at), "2025-07-04T17:00");
    suite.clock_at("2025-07-02T09:00").await;

    let case = officer
        .requests(code, "Giấy xác nhận tình trạng hôn nhân của bên nữ")
        .await;
    assert_eq!(case.state(), CaseState::Held);
    // Seven working days after Wednesday, 2 July.
    assert_eq!(local(&case.holds[0].supplement_due_at), "2025-07-11T17:00");
    suite.settle().await;
    assert_eq!(
        clerk.sees(code).await.status(),
        DossierStatus::SupplementRequired
    );
    assert!(
        officer.worklist(WARD).await.is_empty(),
        "nobody can work on what stands still"
    );
    let refusal = refused(
        &officer
            .cases()
            .request_supplement(Person::asking(code, "Thêm nữa"))
            .await
            .unwrap_err(),
    );
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");
    assert_eq!(refusal.metadata["article"], "decree 118/2025, art. 17");

    // Past the first due, and no overdue comes of it.
    suite.clock_at("2025-07-07T08:00").await;
    assert!(
        !suite
            .kinds(Service::Workflow, code)
            .await
            .iter()
            .any(|kind| kind == "CaseOverdue")
    );
    assert!(!officer.case(code).await.overdue);

    suite.clock_at("2025-07-07T10:00").await;
    clerk
        .hands_in(code, "Đã nộp Giấy xác nhận tình trạng hôn nhân")
        .await;
    suite.settle().await;
    // Thursday, Friday and Monday were held: Friday the 4th moves to Wednesday the 9th.
    let dossier = clerk.sees(code).await;
    assert_eq!(
        (dossier.status(), local(&dossier.due_at)),
        (DossierStatus::InProgress, "2025-07-09T17:00".into())
    );
    let case = officer.case(code).await;
    assert_eq!(
        (case.state(), local(&case.first_due_at)),
        (CaseState::Running, "2025-07-09T17:00".into())
    );
    assert_eq!(local(&case.holds[0].resumed_at), "2025-07-07T10:00");

    officer.approves(WARD, code).await;
    leader.approves(WARD, code).await;
    officer.approves(WARD, code).await;
    let sheet = officer.control_sheet(code).await;
    // From 08:10 on the 1st to 09:00 on the 2nd, eight working hours and 50 minutes; what was held is left out.
    assert_eq!(sheet.lines[0].used_minutes, 530);
    let fact = suite.fact(code).await;
    assert_eq!((fact.holds, fact.punctuality()), (1, Punctuality::Early));
    assert!(!fact.apologised);
    let letters = suite.letters(code);
    assert!(
        letters
            .iter()
            .any(|letter| letter.contains("Thời hạn bổ sung")
                && letter.contains("bổ sung, hoàn thiện")),
        "{letters:#?}"
    );
    assert!(suite.reconciles().await.differences.is_empty());
}

#[tokio::test]
async fn a_payment_that_is_asked_for_holds_the_clock_and_the_last_part_of_it_lets_it_run() {
    let suite = Suite::start().await;
    let (clerk, officer) = (suite.clerk(), suite.officer());
    suite.clock_at("2025-07-01T08:10").await;
    let dossier = clerk.submits(certification()).await;
    let code = dossier.code.as_str();
    assert_eq!(local(&dossier.due_at), "2025-07-03T17:00");
    clerk.pays(code, 20_000).await;
    suite.settle().await;
    let case = officer.requests_payment(code).await.unwrap();
    assert_eq!(case.state(), CaseState::Held);
    assert_eq!((case.fee_vnd, case.paid_vnd), (50_000, 20_000));
    suite.settle().await;
    let dossier = clerk.sees(code).await;
    assert_eq!(dossier.status(), DossierStatus::PaymentRequired);
    assert_eq!(local(&dossier.supplement_due_at), "2025-07-10T17:00");
    let letters = suite.letters(code);
    assert!(
        letters
            .iter()
            .any(|letter| letter.contains("Số tiền còn phải nộp: 30.000 đồng")),
        "{letters:#?}"
    );
    suite.clock_at("2025-07-04T10:00").await;
    clerk.pays(code, 10_000).await;
    suite.settle().await;
    assert_eq!(
        clerk.sees(code).await.status(),
        DossierStatus::PaymentRequired
    );
    clerk.pays(code, 20_000).await;
    suite.settle().await;
    // Wednesday to Friday were held: Thursday the 3rd moves to Tuesday the 8th.
    let dossier = clerk.sees(code).await;
    assert_eq!(
        (dossier.status(), local(&dossier.due_at)),
        (DossierStatus::InProgress, "2025-07-08T17:00".into())
    );
    let refusal = refused(&officer.requests_payment(code).await.unwrap_err());
    assert!(refusal.metadata["article"].starts_with("law 97/2015/QH13"));
    assert!(suite.reconciles().await.differences.is_empty());
}

/// The first payment was another amount: one says so, who cannot decide it, and another confirms it.
async fn corrects_payment(suite: &Suite, code: &str, amount_vnd: i64) {
    let name = format!("dossiers/{code}");
    let mistyped = CorrectedPayment {
        payment: "p1".to_owned(),
        amount_vnd,
        ..CorrectedPayment::default()
    };
    let proposal = ProposeCorrectionRequest {
        name: name.clone(),
        entry: Some(CorrectedEntry {
            entry: Some(corrected_entry::Entry::Payment(mistyped)),
        }),
        reason: "Biên lai ghi khác".to_owned(),
        ..ProposeCorrectionRequest::default()
    };
    let clerk = suite.clerk();
    let mut corrections = CorrectionServiceClient::new(clerk.peer(Service::Intake));
    corrections.propose_correction(proposal).await.unwrap();
    let decision = DecideCorrectionRequest {
        name,
        correction: "c1".to_owned(),
        confirm: true,
        ..DecideCorrectionRequest::default()
    };
    let own = corrections.decide_correction(decision.clone()).await;
    let own = refused(&own.unwrap_err());
    assert_eq!(own.metadata["state"], "CORRECTION_PENDING");
    let colleague = suite.person(Role::Receptionist, "receptionist-11593-9");
    CorrectionServiceClient::new(colleague.peer(Service::Intake))
        .decide_correction(decision)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_payment_that_was_mistyped_is_corrected_by_two_and_lets_the_clock_run() {
    let suite = Suite::start().await;
    let (clerk, officer) = (suite.clerk(), suite.officer());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(certification()).await.code;
    suite.settle().await;
    officer.requests_payment(&code).await.unwrap();
    suite.settle().await;
    // 50.000 đồng were paid.
    clerk.pays(&code, 5_000).await;
    suite.settle().await;
    let waits = clerk.sees(&code).await;
    assert_eq!(waits.status(), DossierStatus::PaymentRequired);
    corrects_payment(&suite, &code, 50_000).await;
    suite.settle().await;
    let runs = clerk.sees(&code).await;
    assert_eq!(runs.status(), DossierStatus::InProgress);
    assert_eq!((runs.paid_vnd, runs.payments.len()), (50_000, 1));
    let case = officer.case(&code).await;
    assert_eq!((case.state(), case.paid_vnd), (CaseState::Running, 50_000));
    assert!(suite.reconciles().await.differences.is_empty());
}

#[tokio::test]
async fn what_turns_out_not_to_be_paid_is_asked_for_with_the_rest() {
    let suite = Suite::start().await;
    let (clerk, officer) = (suite.clerk(), suite.officer());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(certification()).await.code;
    clerk.pays(&code, 20_000).await;
    suite.settle().await;
    officer.requests_payment(&code).await.unwrap();
    suite.settle().await;
    let asks_for = |letters: Vec<String>, amount: &str| {
        let words = format!("Số tiền còn phải nộp: {amount} đồng");
        letters.iter().any(|letter| letter.contains(&words))
    };
    assert!(asks_for(suite.letters(&code), "30.000"));
    corrects_payment(&suite, &code, 0).await;
    suite.settle().await;
    assert!(asks_for(suite.letters(&code), "50.000"));
    assert_eq!(officer.case(&code).await.paid_vnd, 0);
}

#[tokio::test]
async fn what_never_comes_stops_the_case_by_itself_after_a_reminder() {
    let suite = Suite::start().await;
    let (clerk, officer) = (suite.clerk(), suite.officer());
    suite.clock_at("2025-07-01T08:10").await;
    let missing = clerk.submits(guardianship()).await.code;
    let unpaid = clerk.submits(certification()).await.code;
    suite.settle().await;
    officer.requests(&missing, "Giấy xác nhận").await;
    officer.requests_payment(&unpaid).await.unwrap();
    suite.clock_at("2025-07-08T17:00").await;
    suite.settle().await;
    for (code, words) in [
        (&missing, "Nhắc bổ sung, hoàn thiện hồ sơ"),
        (&unpaid, "Nhắc nộp phí, lệ phí"),
    ] {
        let letters = suite.letters(code);
        assert!(
            letters.iter().any(|letter| letter.contains(words)),
            "{letters:#?}"
        );
    }
    suite.clock_at("2025-07-11T00:00").await;
    suite.settle().await;
    for code in [&missing, &unpaid] {
        assert_eq!(clerk.sees(code).await.status(), DossierStatus::Stopped);
        assert_eq!(officer.case(code).await.state(), CaseState::Stopped);
        let letters = suite.letters(code);
        assert!(
            letters
                .iter()
                .any(|letter| letter.contains("Thông báo dừng giải quyết hồ sơ")),
            "{letters:#?}"
        );
    }
    let late = clerk
        .dossiers()
        .supplement_dossier(motcua_proto::intake::v1::SupplementDossierRequest {
            name: format!("dossiers/{missing}"),
            provided: "Đã có".to_owned(),
            ..Default::default()
        })
        .await;
    assert_eq!(refused(&late.unwrap_err()).reason, "MOVE_NOT_ALLOWED");
    assert!(suite.reconciles().await.differences.is_empty());
}

#[tokio::test]
async fn what_is_missing_at_the_counter_is_asked_for_once_and_the_limit_runs_from_acceptance() {
    let suite = Suite::start().await;
    let (clerk, leader) = (suite.clerk(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk
        .submits(crate::support::online(guardianship()))
        .await
        .code;
    let dossier = clerk.asks_for(&code, "Ảnh chụp căn cước của bên nam").await;
    assert_eq!(dossier.status(), DossierStatus::SupplementRequired);
    suite.clock_at("2025-07-03T14:00").await;
    assert_eq!(
        clerk.hands_in(&code, "Đã gửi ảnh").await.status(),
        DossierStatus::Submitted
    );

    // Once; a second time is for a leader to decide.
    let again = motcua_proto::intake::v1::RequestSupplementRequest {
        name: format!("dossiers/{code}"),
        missing: "Thêm một giấy tờ".to_owned(),
        ground: "Điều 17".to_owned(),
        ..Default::default()
    };
    let refusal = refused(
        &clerk
            .dossiers()
            .request_supplement(again.clone())
            .await
            .unwrap_err(),
    );
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");
    leader.dossiers().request_supplement(again).await.unwrap();
    clerk.hands_in(&code, "Đã gửi đủ").await;

    let dossier = clerk.accepts(&code).await;
    assert_eq!(
        (local(&dossier.received_at), local(&dossier.due_at)),
        ("2025-07-03T14:00".into(), "2025-07-08T17:00".into())
    );
    suite.settle().await;
    assert_eq!(
        suite.fact(&code).await.holds,
        0,
        "a wait before acceptance holds no limit"
    );
}

#[tokio::test]
async fn whoever_stands_in_for_a_leader_asks_again_before_acceptance_too() {
    let suite = Suite::start().await;
    let (clerk, leader) = (suite.clerk(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(online(guardianship())).await.code;
    clerk.asks_for(&code, "Ảnh chụp căn cước").await;
    clerk.hands_in(&code, "Đã nộp").await;
    let again = || motcua_proto::intake::v1::RequestSupplementRequest {
        name: format!("dossiers/{code}"),
        missing: "Mặt sau của căn cước".to_owned(),
        ground: "Điều 17".to_owned(),
        ..Default::default()
    };
    let alone = clerk.dossiers().request_supplement(again()).await;
    let alone = refused(&alone.unwrap_err());
    assert!(alone.metadata["remedy"].contains("CreateSubstitution"));
    // Another day's does not count, and another one's neither.
    leader
        .is_stood_in_for_by(clerk.id(), ["2025-07-03", "2025-07-05"])
        .await;
    leader
        .is_stood_in_for_by("receptionist-11593-9", ["2025-07-01", "2025-07-05"])
        .await;
    let early = clerk.dossiers().request_supplement(again()).await;
    assert!(early.is_err());
    suite.clock_at("2025-07-03T08:00").await;
    clerk.dossiers().request_supplement(again()).await.unwrap();
    let events = suite.events(Service::Intake, &code).await;
    let Some(Payload::SupplementAsked(asked)) = &events.last().unwrap().payload else {
        panic!("must be told");
    };
    assert_eq!(asked.on_behalf_of, leader.id());
}
