//! From submission to hand-over, and the ends before it.

use motcua_proto::{
    intake::v1::StatementKind,
    notification::v1::MessageState,
    r#type::v1::{Channel, DossierStatus, HandOverMethod, Punctuality, Role},
    workflow::v1::{CaseState, TaskState},
};
use tonic::Code;

use crate::support::{Person, Service, Suite, WARD, birth, death, guardianship, local, refused};

#[tokio::test]
async fn a_death_registered_in_the_morning_is_in_the_familys_hands_before_noon() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;

    let dossier = clerk.submits(death()).await;
    let code = dossier.code.as_str();
    assert_eq!(code, "H24.11593-250701-0001");
    assert_eq!(dossier.status(), DossierStatus::Accepted);
    assert_eq!(
        (local(&dossier.received_at), local(&dossier.due_at)),
        ("2025-07-01T08:10".into(), "2025-07-01T17:00".into())
    );
    assert!(
        dossier.applicant.is_none(),
        "the answer shows no personal data"
    );
    suite.settle().await;
    assert_eq!(clerk.sees(code).await.status(), DossierStatus::InProgress);

    // The officer learns of the work from the worklist.
    let task = officer.task(WARD, code).await;
    assert_eq!(
        (task.step.as_str(), task.state(), task.planned_minutes),
        ("register", TaskState::Open, 45)
    );
    assert_eq!(local(&task.due_at), "2025-07-01T08:55");
    assert_eq!(local(&task.case_due_at), "2025-07-01T17:00");
    assert_eq!(task.outcomes, ["approved", "rejected"]);
    assert!(leader.worklist(WARD).await.is_empty());
    assert_eq!(officer.claims(&task).await.assignee, "officer-11593-1");
    suite.clock_at("2025-07-01T08:40").await;
    let done = officer.completes(&task, "approved").await;
    assert_eq!(
        (done.state(), done.used_minutes),
        (TaskState::Completed, 30)
    );
    suite.clock_at("2025-07-01T09:00").await;
    leader.approves(WARD, code).await;

    let dossier = clerk.sees(code).await;
    assert_eq!(
        (dossier.status(), dossier.outcome.as_str()),
        (DossierStatus::ResultReady, "approved")
    );
    assert_eq!(local(&dossier.result_ready_at), "2025-07-01T09:00");
    suite.clock_at("2025-07-01T10:00").await;
    let dossier = clerk.hands_over(code).await;
    assert_eq!(dossier.status(), DossierStatus::HandedOver);
    assert_eq!(dossier.handed_over_by(), HandOverMethod::Counter);
    suite.settle().await;

    let case = officer.case(code).await;
    assert_eq!(
        (case.state(), case.punctuality()),
        (CaseState::Finished, Punctuality::OnTime)
    );
    let sheet = officer.control_sheet(code).await;
    let lines: Vec<_> = sheet
        .lines
        .iter()
        .map(|line| {
            (
                line.role(),
                line.planned_minutes,
                line.used_minutes,
                line.punctuality(),
                line.assignee.as_str(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (Role::Officer, 45, 30, Punctuality::Early, "officer-11593-1"),
            (Role::Leader, 30, 20, Punctuality::Early, "leader-11593-1"),
        ]
    );
    // 08:10 to 11:30 and 13:30 to 17:00.
    assert_eq!((sheet.used_minutes, sheet.allowed_minutes), (50, 410));

    let fact = suite.fact(code).await;
    assert_eq!(
        (fact.status(), fact.punctuality()),
        (DossierStatus::HandedOver, Punctuality::OnTime)
    );
    assert_eq!(
        (fact.channel(), fact.receiving_agency.as_str()),
        (Channel::Counter, WARD)
    );
    assert_eq!(
        (fact.used_minutes, fact.messages_sent, fact.holds),
        (50, 2, 0)
    );
    assert_eq!(local(&fact.resolved_at), "2025-07-01T09:00");
    let total = suite
        .report("2025-07-01", "2025-07-31")
        .await
        .total
        .unwrap();
    assert_eq!(
        (
            total.received,
            total.received_direct,
            total.resolved_on_time
        ),
        (1, 1, 1)
    );
    assert_eq!(
        (total.handed_over, total.messages_sent, total.in_progress),
        (1, 2, 0)
    );
    assert!(suite.reconciles().await.differences.is_empty());
}

#[tokio::test]
async fn the_family_is_told_in_good_vietnamese_once_for_each_act() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(birth()).await.code;
    suite.settle().await;
    officer.approves(WARD, &code).await;
    leader.approves(WARD, &code).await;

    let messages = suite.messages(&code).await;
    let told: Vec<_> = messages
        .iter()
        .map(|message| (message.template.as_str(), message.state()))
        .collect();
    assert_eq!(
        told,
        [
            ("receipt", MessageState::Sent),
            ("result-ready", MessageState::Sent)
        ]
    );
    assert!(
        messages
            .iter()
            .all(|message| message.attempts.len() == 1 && message.channel == "file")
    );

    let letters = suite.letters(&code);
    assert_eq!(letters.len(), 2);
    let receipt = letters
        .iter()
        .find(|letter| letter.contains("Subject: Tiếp nhận hồ sơ"))
        .unwrap();
    for line in [
        "To: \"Nguyễn Thị Ví Dụ\" <vi.du@example.vn>",
        "Kính gửi ông/bà Nguyễn Thị Ví Dụ,",
        "Phường An Phong đã tiếp nhận hồ sơ đầy đủ, hợp lệ của ông/bà.",
        "Đăng ký khai sinh",
        "Thời điểm tiếp nhận: 08 giờ 10",
        "Thời điểm hẹn trả kết quả: 17 giờ 00",
    ] {
        assert!(receipt.contains(line), "no '{line}' in\n{receipt}");
    }
    assert!(
        letters
            .iter()
            .any(|letter| letter.contains("Subject: Mời nhận kết quả hồ sơ")),
        "{letters:#?}"
    );
    for letter in &letters {
        assert!(
            !letter.contains("{{") && !letter.contains("undefined"),
            "{letter}"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_reason_and_ground_and_is_an_end() {
    let suite = Suite::start().await;
    let clerk = suite.clerk();
    suite.clock_at("2025-07-01T08:10").await;
    let mut request = guardianship();
    request.accept = false;
    let dossier = clerk.submits(request).await;
    let code = dossier.code.as_str();
    assert_eq!(dossier.status(), DossierStatus::Submitted);
    // Eight working hours of the counter.
    assert_eq!(local(&dossier.acceptance_due_at), "2025-07-02T08:10");
    assert!(
        dossier.received_at.is_none() && dossier.due_at.is_none(),
        "no limit runs before acceptance"
    );

    let reason = "Hồ sơ không thuộc thẩm quyền giải quyết của phường";
    assert_eq!(
        clerk.refuses(code, reason).await.status(),
        DossierStatus::Refused
    );
    suite.settle().await;
    let said = clerk.sees_all(code).await.statements;
    assert_eq!(said.len(), 1);
    assert_eq!(
        (said[0].kind(), said[0].revision, said[0].text.as_str()),
        (StatementKind::Refusal, 1, reason)
    );
    let letters = suite.letters(code);
    assert_eq!(letters.len(), 1);
    for words in [
        "Từ chối tiếp nhận giải quyết hồ sơ",
        reason,
        "Căn cứ: Điều 17 Nghị định 118/2025/NĐ-CP",
    ] {
        assert!(
            letters[0].contains(words),
            "no '{words}' in\n{}",
            letters[0]
        );
    }

    let refusal = refused(
        &clerk
            .dossiers()
            .accept_dossier(Person::accepting(code))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::FailedPrecondition, "MOVE_NOT_ALLOWED")
    );
    assert_eq!(refusal.metadata["article"], "decree 118/2025, art. 17");
    assert_eq!(refusal.metadata["state"], "REFUSED");
    assert!(!refusal.metadata["remedy"].is_empty());

    let total = suite
        .report("2025-07-01", "2025-07-31")
        .await
        .total
        .unwrap();
    assert_eq!(
        (total.received, total.resolved, total.refused),
        (0, 0, 1),
        "what was never accepted is outside"
    );
    assert_eq!(
        suite.kinds(Service::Workflow, code).await,
        Vec::<String>::new(),
        "no case begins"
    );
}

#[tokio::test]
async fn a_withdrawal_ends_the_case_and_its_tasks() {
    let suite = Suite::start().await;
    let (clerk, officer) = (suite.clerk(), suite.officer());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(guardianship()).await.code;
    suite.settle().await;
    let task = officer.task(WARD, &code).await;
    suite.clock_at("2025-07-01T09:00").await;
    assert_eq!(
        clerk.withdraws(&code).await.status(),
        DossierStatus::Withdrawn
    );
    suite.settle().await;

    let case = officer.case(&code).await;
    assert_eq!(case.state(), CaseState::Withdrawn);
    assert_eq!(
        case.tasks
            .iter()
            .map(|task| task.state())
            .collect::<Vec<_>>(),
        [TaskState::Cancelled]
    );
    assert!(officer.worklist(WARD).await.is_empty());
    let refusal = refused(
        &officer
            .tasks()
            .complete_task(Person::completing(&task, "approved"))
            .await
            .unwrap_err(),
    );
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");
    let told: Vec<_> = suite
        .messages(&code)
        .await
        .into_iter()
        .map(|message| message.template)
        .collect();
    assert_eq!(told, ["receipt", "withdrawn"]);
    let fact = suite.fact(&code).await;
    assert_eq!(
        (fact.status(), local(&fact.resolved_at)),
        (DossierStatus::Withdrawn, "2025-07-01T09:00".into())
    );
    let total = suite
        .report("2025-07-01", "2025-07-01")
        .await
        .total
        .unwrap();
    assert_eq!(
        (
            total.received,
            total.resolved,
            total.withdrawn,
            total.in_progress
        ),
        (1, 1, 1, 0)
    );
}

#[tokio::test]
async fn a_task_that_goes_back_a_step_is_done_again_with_its_budget_anew() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:00").await;
    let code = clerk.submits(guardianship()).await.code;
    suite.settle().await;
    officer.approves(WARD, &code).await;
    let task = leader.task(WARD, &code).await;
    assert_eq!(task.step, "sign");
    suite.clock_at("2025-07-01T09:00").await;
    let back = leader.returns(&task, "Thiếu chữ ký của hai bên").await;
    assert_eq!((back.state(), back.used_minutes), (TaskState::Returned, 60));

    let again = officer.task(WARD, &code).await;
    assert_eq!(
        (again.step.as_str(), again.planned_minutes),
        ("appraise", 360)
    );
    assert_eq!(local(&again.opened_at), "2025-07-01T09:00");
    // The first step has none before it.
    let first = officer.claims(&again).await;
    let refusal = refused(
        &officer
            .tasks()
            .return_task(motcua_proto::workflow::v1::ReturnTaskRequest {
                name: first.name.clone(),
                reason: "Nhầm".to_owned(),
                request_id: String::new(),
            })
            .await
            .unwrap_err(),
    );
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");
    officer.completes(&first, "approved").await;
    leader.approves(WARD, &code).await;
    officer.approves(WARD, &code).await;
    assert_eq!(clerk.sees(&code).await.status(), DossierStatus::ResultReady);
    let notes: Vec<_> = officer
        .control_sheet(&code)
        .await
        .lines
        .into_iter()
        .map(|line| line.note)
        .collect();
    assert_eq!(
        notes,
        ["approved", "returned", "approved", "approved", "approved"]
    );
}

#[tokio::test]
async fn a_stopped_case_is_an_end_of_status_8() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(guardianship()).await.code;
    suite.clock_at("2025-07-01T09:00").await;
    let case = leader
        .stops(&code, "Hết thời hạn bổ sung mà không bổ sung")
        .await;
    assert_eq!(case.state(), CaseState::Stopped);
    suite.settle().await;
    assert_eq!(clerk.sees(&code).await.status(), DossierStatus::Stopped);
    assert!(officer.worklist(WARD).await.is_empty());
    let told: Vec<_> = suite
        .messages(&code)
        .await
        .into_iter()
        .map(|message| message.template)
        .collect();
    assert_eq!(told, ["receipt", "stopped"]);
    let total = suite
        .report("2025-07-01", "2025-07-01")
        .await
        .total
        .unwrap();
    assert_eq!((total.resolved, total.stopped), (1, 1));
    // A withdrawal comes too late now.
    let request = motcua_proto::intake::v1::WithdrawDossierRequest {
        name: format!("dossiers/{code}"),
        ..Default::default()
    };
    let refusal = refused(
        &clerk
            .dossiers()
            .withdraw_dossier(request)
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (refusal.reason.as_str(), refusal.metadata["state"].as_str()),
        ("MOVE_NOT_ALLOWED", "STOPPED")
    );
}
