//! What is printed of a case: intake knows whose it is, workflow what was said and when.

use motcua_platform::telemetry::trace_id;
use motcua_proto::{
    intake::v1::{
        ConfirmTransferRequest, Form, PrintFormRequest, SubmitDossierRequest,
        WithdrawDossierRequest,
    },
    r#type::v1::Role,
    workflow::v1::{GetCaseRequest, RecordExternalOutcomeRequest},
};
use tonic::{Code, Status};

use crate::support::{
    POLICE, Person, Service, Suite, WARD, birth, certification, guardianship, linked_death, online,
    refused,
};

/// Phường An Biên.
const OTHER_WARD: &str = "11407";

impl Person<'_> {
    async fn prints(&self, code: &str, form: Form) -> Result<String, Status> {
        self.prints_of(code, "", form).await
    }

    async fn prints_of(&self, code: &str, branch: &str, form: Form) -> Result<String, Status> {
        let request = PrintFormRequest {
            name: format!("dossiers/{code}"),
            form: form.into(),
            branch: branch.to_owned(),
            ..PrintFormRequest::default()
        };
        Ok(self.forms().print_form(request).await?.into_inner().html)
    }
}

/// All of these stand on the paper.
fn reads(paper: &str, words: &[&str]) {
    for words in words {
        assert!(paper.contains(words), "{words}\n{paper}");
    }
}

#[tokio::test]
async fn an_apology_keeps_its_dates_when_a_hold_moves_the_case() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(guardianship()).await.code;
    suite.settle().await;
    for (form, remedy) in [
        (Form::Apology, "ExtendDeadline"),
        (Form::Stop, "StopCase"),
        (Form::CaseSupplement, "FORM_SUPPLEMENT"),
    ] {
        let refusal = refused(&clerk.prints(&code, form).await.unwrap_err());
        assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");
        assert!(refusal.metadata["remedy"].contains(remedy), "{refusal:?}");
    }
    suite.clock_at("2025-07-02T09:00").await;
    leader.extends(&code, "2025-07-08T10:00").await;
    let paper = clerk.prints(&code, Form::Apology).await.unwrap();
    reads(
        &paper,
        &[
            "Mẫu số 04",
            "08 giờ 10 phút, ngày 01 tháng 7 năm 2025",
            "17 giờ 00 phút, ngày 04 tháng 7 năm 2025",
            "10 giờ 00 phút, ngày 08 tháng 7 năm 2025",
            "CHỦ TỊCH",
        ],
    );

    suite.clock_at("2025-07-03T09:00").await;
    officer
        .requests(&code, "Giấy xác nhận\n\nẢnh của hai bên")
        .await;
    suite.settle().await;
    let asked = clerk.prints(&code, Form::CaseSupplement).await.unwrap();
    reads(
        &asked,
        &[
            "Mẫu số 02",
            "Giấy xác nhận",
            "Ảnh của hai bên",
            "ngày 14 tháng 7 năm 2025",
        ],
    );
    suite.clock_at("2025-07-07T10:00").await;
    clerk.hands_in(&code, "Đã nộp").await;
    suite.settle().await;
    // The case's dues moved. What was handed to the applicant did not.
    assert_eq!(clerk.prints(&code, Form::Apology).await.unwrap(), paper);
    assert_eq!(
        clerk.prints(&code, Form::CaseSupplement).await.unwrap(),
        asked
    );
}

#[tokio::test]
async fn what_was_taken_back_leaves_a_paper_before_acceptance_and_after() {
    let suite = Suite::start().await;
    let clerk = suite.clerk();
    suite.clock_at("2025-07-01T08:10").await;
    let early = clerk.submits(online(birth())).await.code;
    let late = clerk.submits(guardianship()).await.code;
    suite.settle().await;
    let refusal = refused(&clerk.prints(&early, Form::Stop).await.unwrap_err());
    assert!(refusal.metadata["remedy"].contains("WithdrawDossier"));
    for (code, phase) in [
        (&early, "Trước khi tiếp nhận hồ sơ"),
        (&late, "Đang giải quyết"),
    ] {
        suite.clock_at("2025-07-01T09:30").await;
        let request = WithdrawDossierRequest {
            name: format!("dossiers/{code}"),
            ..WithdrawDossierRequest::default()
        };
        clerk.dossiers().withdraw_dossier(request).await.unwrap();
        suite.settle().await;
        let paper = clerk.prints(code, Form::Stop).await.unwrap();
        let words = ["Mẫu số 05", phase, "Ông/Bà đề nghị rút hồ sơ.", "118/2025"];
        reads(&paper, &words);
        assert!(!paper.contains("Phí, lệ phí đã nộp"));
    }
}

#[tokio::test]
async fn whoever_signs_for_a_leader_says_so_on_paper() {
    let suite = Suite::start().await;
    let (clerk, leader) = (suite.clerk(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(guardianship()).await.code;
    suite.settle().await;
    leader
        .is_stood_in_for_by("officer-11593-7", ["2025-07-01", "2025-07-05"])
        .await;
    let deputy = suite.person(Role::Officer, "officer-11593-7");
    deputy.extends(&code, "2025-07-08T10:00").await;
    let paper = clerk.prints(&code, Form::Apology).await.unwrap();
    reads(&paper, &["TUQ. CHỦ TỊCH"]);
}

#[tokio::test]
async fn what_a_head_signs_is_the_agencys_that_decides_and_not_the_counters_that_received() {
    let suite = Suite::start().await;
    let clerk = suite.clerk();
    suite.clock_at("2025-07-01T08:10").await;
    let elsewhere = SubmitDossierRequest {
        on_behalf_of: OTHER_WARD.to_owned(),
        ..guardianship()
    };
    let code = clerk.submits(elsewhere).await.code;
    suite.settle().await;
    let leader = suite.person_of(Role::Leader, "leader-11407-1", &[OTHER_WARD]);
    leader.extends(&code, "2025-07-08T10:00").await;
    let paper = clerk.prints(&code, Form::Apology).await.unwrap();
    reads(&paper, &["PHƯỜNG AN BIÊN", "CHỦ TỊCH"]);
    assert!(!paper.contains("PHƯỜNG AN PHONG"), "{paper}");
    // The receipt is the counter's that gave it.
    let receipt = clerk.prints(&code, Form::Receipt).await.unwrap();
    reads(&receipt, &["PHƯỜNG AN PHONG"]);

    let residence = SubmitDossierRequest {
        procedure: "1.010028".to_owned(),
        ..birth()
    };
    let code = clerk.submits(residence).await.code;
    let receipt = clerk.prints(&code, Form::Receipt).await.unwrap();
    reads(&receipt, &["CÔNG AN PHƯỜNG AN PHONG"]);
    // In capitals it would stand in the letterhead.
    assert!(!receipt.contains("TRUNG TÂM"), "{receipt}");
}

#[tokio::test]
async fn a_branch_has_the_forms_of_its_own_agency_and_procedure() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(linked_death(&["funeral_costs"])).await.code;
    suite.settle().await;
    let early = clerk.prints_of(&code, "residence", Form::Receipt).await;
    let refusal = refused(&early.unwrap_err());
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");
    assert!(refusal.metadata["remedy"].contains("sub_cases"));

    officer.approves(WARD, &code).await;
    suite.clock_at("2025-07-01T10:00").await;
    leader.approves(WARD, &code).await;
    let paper = clerk
        .prints_of(&code, "residence", Form::Receipt)
        .await
        .unwrap();
    reads(
        &paper,
        &[
            "Mẫu CT04",
            "CÔNG AN PHƯỜNG AN PHONG",
            "Xóa đăng ký thường trú",
            "10 giờ 00 phút, ngày 01 tháng 7 năm 2025",
            "17 giờ 00 phút, ngày 08 tháng 7 năm 2025",
        ],
    );
    // The ward's own branch has the ward's form; the whole has its own procedure and due.
    let funeral = clerk
        .prints_of(&code, "funeral", Form::Receipt)
        .await
        .unwrap();
    reads(&funeral, &["Mẫu số 01", "ngày 04 tháng 7 năm 2025"]);
    let whole = clerk.prints(&code, Form::Receipt).await.unwrap();
    reads(
        &whole,
        &["Mẫu số 01", "Liên thông", "ngày 15 tháng 7 năm 2025"],
    );
    let whole_only = clerk.prints_of(&code, "residence", Form::Apology).await;
    assert_eq!(refused(&whole_only.unwrap_err()).fields, ["branch"]);

    // What the police ask for holds the case, and is printed on their form; the ward's branch has asked for nothing.
    let police = suite.person_of(Role::Officer, "officer-11593-ca-1", &[POLICE]);
    suite.clock_at("2025-07-02T09:00").await;
    let mut asking = Person::asking(&code, "Sổ hộ khẩu");
    asking.branch = "nowhere".to_owned();
    let nowhere = police.cases().request_supplement(asking.clone()).await;
    assert_eq!(refused(&nowhere.unwrap_err()).fields, ["branch"]);
    asking.branch = "funeral".to_owned();
    let theirs = police.cases().request_supplement(asking.clone()).await;
    assert_eq!(refused(&theirs.unwrap_err()).reason, "MOVE_NOT_ALLOWED");
    asking.branch = "residence".to_owned();
    police.cases().request_supplement(asking).await.unwrap();
    suite.settle().await;
    let asked = police
        .prints_of(&code, "residence", Form::CaseSupplement)
        .await
        .unwrap();
    reads(
        &asked,
        &["Mẫu CT05", "CÔNG AN PHƯỜNG AN PHONG", "Sổ hộ khẩu"],
    );
    let funeral = clerk
        .prints_of(&code, "funeral", Form::CaseSupplement)
        .await;
    assert_eq!(refused(&funeral.unwrap_err()).reason, "MOVE_NOT_ALLOWED");
    let letters = suite.letters(&code).join("\n");
    reads(
        &letters,
        &[
            "Nội dung cần bổ sung, hoàn thiện: Sổ hộ khẩu",
            "Công an phường An Phong đề nghị",
        ],
    );
    // The receipt is the paper that it was, whatever moved since; printed anew, it promises what the branch began with.
    suite.clock_at("2025-07-03T09:00").await;
    clerk.hands_in(&code, "Đã nộp").await;
    suite.settle().await;
    let again = clerk.prints_of(&code, "residence", Form::Receipt).await;
    assert_eq!(again.unwrap(), paper);
    let anew = PrintFormRequest {
        name: format!("dossiers/{code}"),
        form: Form::Receipt.into(),
        branch: "residence".to_owned(),
        anew: true,
        ..PrintFormRequest::default()
    };
    let anew = police.forms().print_form(anew).await.unwrap().into_inner();
    assert_eq!((anew.html, anew.issue), (paper, 2));

    // The police refuse, with a reason; their notice says it, and nobody else's does.
    let task = police.task(POLICE, &code).await;
    police.claims(&task).await;
    assert_eq!(task.refusals, ["rejected"]);
    let mut refusing = Person::completing(&task, "rejected");
    refusing.reason = "Chưa thực hiện nghĩa vụ khai báo".to_owned();
    let halved = police.tasks().complete_task(refusing.clone()).await;
    assert_eq!(refused(&halved.unwrap_err()).fields, ["ground"]);
    let mut praising = Person::completing(&task, "approved");
    praising.reason = "Hồ sơ đủ".to_owned();
    praising.ground = "Điều 24".to_owned();
    let praised = police.tasks().complete_task(praising).await;
    assert_eq!(refused(&praised.unwrap_err()).fields, ["reason"]);
    police.rejects(&task).await;
    let early = police.prints_of(&code, "residence", Form::Refusal).await;
    assert_eq!(refused(&early.unwrap_err()).reason, "MOVE_NOT_ALLOWED");
    let chief = suite.person_of(Role::Leader, "leader-11593-ca-1", &[POLICE]);
    let task = chief.task(POLICE, &code).await;
    chief.claims(&task).await;
    chief.completes(&task, "rejected").await;
    suite.settle().await;
    let notice = police
        .prints_of(&code, "residence", Form::Refusal)
        .await
        .unwrap();
    reads(
        &notice,
        &[
            "Mẫu CT06",
            "CÔNG AN PHƯỜNG AN PHONG",
            "Chưa thực hiện nghĩa vụ khai báo",
            "Điều 24 Luật Cư trú",
        ],
    );
    // What is not of their branch is none of their business, and another ward's police see nothing of it.
    let whole = police.prints(&code, Form::Receipt).await;
    assert_eq!(whole.unwrap_err().code(), Code::NotFound);
    let theirs = police.prints_of(&code, "funeral", Form::Receipt).await;
    assert_eq!(theirs.unwrap_err().code(), Code::NotFound);
    let elsewhere = suite.person_of(Role::Officer, "officer-11407-ca-1", &["11407-ca"]);
    for branch in ["residence", ""] {
        let hidden = elsewhere.prints_of(&code, branch, Form::Receipt).await;
        assert_eq!(hidden.unwrap_err().code(), Code::NotFound, "{branch}");
    }
    let citizen = suite.citizen();
    let hidden = citizen.prints_of(&code, "residence", Form::Receipt).await;
    assert_eq!(hidden.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn what_another_system_refuses_is_a_paper_of_the_agency_that_asked_it() {
    let suite = Suite::start().await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    suite.clock_at("2025-07-01T08:10").await;
    let death = linked_death(&["survivorship_benefit"]);
    let code = clerk.submits(death).await.code;
    suite.settle().await;
    officer.approves(WARD, &code).await;
    leader.approves(WARD, &code).await;
    suite.settle().await;
    let asked = async || {
        let asked = GetCaseRequest {
            name: format!("cases/{code}"),
        };
        let case = officer.cases().get_case(asked).await.unwrap().into_inner();
        let mut tasks = case.tasks.into_iter();
        tasks.find(|task| task.step == "survivorship").unwrap()
    };
    let insurance = suite.person_of(Role::System, "social-insurance", &[WARD]);
    let answers = async |code: &str, reason: &str| {
        let ground = if reason.is_empty() {
            ""
        } else {
            "Luật Bảo hiểm xã hội"
        };
        let request = RecordExternalOutcomeRequest {
            name: asked().await.name,
            code: code.to_owned(),
            reason: reason.to_owned(),
            ground: ground.to_owned(),
            ..RecordExternalOutcomeRequest::default()
        };
        let answer = insurance.tasks().record_external_outcome(request).await;
        answer.map(|answer| answer.into_inner())
    };
    // On its way, and seen by whoever looks at the case.
    answers("1", "").await.unwrap();
    assert_eq!(asked().await.external_code, "1");
    let early = clerk.prints_of(&code, "survivorship", Form::Refusal).await;
    assert_eq!(refused(&early.unwrap_err()).reason, "MOVE_NOT_ALLOWED");
    let why = "Người mất chưa có thời gian đóng bảo hiểm xã hội";
    answers("9", why).await.unwrap();
    suite.settle().await;
    let notice = clerk
        .prints_of(&code, "survivorship", Form::Refusal)
        .await
        .unwrap();
    reads(&notice, &["Mẫu số 03", why, "Luật Bảo hiểm xã hội"]);
    // It has no other paper, and the others' results are not touched.
    let receipt = clerk.prints_of(&code, "survivorship", Form::Receipt).await;
    assert_eq!(refused(&receipt.unwrap_err()).reason, "MOVE_NOT_ALLOWED");
    let whole = clerk.prints(&code, Form::Refusal).await;
    assert_eq!(refused(&whole.unwrap_err()).reason, "MOVE_NOT_ALLOWED");
}

#[tokio::test]
async fn a_case_that_stops_by_itself_leaves_its_notice() {
    let suite = Suite::start().await;
    let (clerk, officer) = (suite.clerk(), suite.officer());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(certification()).await.code;
    clerk.pays(&code, 20_000).await;
    suite.settle().await;
    officer.requests_payment(&code).await.unwrap();
    suite.clock_at("2025-07-11T00:00").await;
    suite.settle().await;
    reads(
        &clerk.prints(&code, Form::Stop).await.unwrap(),
        &[
            "Mẫu số 05",
            "Chờ thực hiện nghĩa vụ tài chính",
            "118/2025/NĐ-CP",
            "Việc hoàn trả thực hiện theo quy định của pháp luật về phí, lệ phí.",
            "Trả lại Ông/Bà tại Trung tâm Phục vụ hành chính công",
        ],
    );
}

#[tokio::test]
async fn a_control_sheet_tells_each_step_and_nothing_that_depends_on_when_one_looks() {
    let suite = Suite::start().await;
    let (clerk, officer) = (suite.clerk(), suite.officer());
    suite.clock_at("2025-07-01T08:10").await;
    let code = clerk.submits(birth()).await.code;
    suite.settle().await;
    suite.clock_at("2025-07-01T09:00").await;
    officer.approves(WARD, &code).await;
    let paper = clerk.prints(&code, Form::ControlSheet).await.unwrap();
    reads(
        &paper,
        &[
            "Mẫu số 06",
            &code,
            officer.id(),
            "Đang giải quyết",
            "Thực tế: 50 phút",
        ],
    );
    suite.clock_at("2025-07-01T10:00").await;
    let again = PrintFormRequest {
        name: format!("dossiers/{code}"),
        form: Form::ControlSheet.into(),
        ..PrintFormRequest::default()
    };
    let again = clerk.forms().print_form(again).await.unwrap().into_inner();
    assert_eq!((again.html, again.issue), (paper, 1));
    // What another ward decides goes there first, and nothing is said of how that went before it is there.
    let elsewhere = SubmitDossierRequest {
        on_behalf_of: OTHER_WARD.to_owned(),
        ..birth()
    };
    let elsewhere = clerk.submits(elsewhere).await.code;
    suite.settle().await;
    let paper = clerk.prints(&elsewhere, Form::ControlSheet).await.unwrap();
    let (first, rest) = paper
        .split_once("Hạn chuyển: 17 giờ 00 phút, ngày 01/07/2025")
        .unwrap();
    reads(
        first,
        &["Tiếp nhận hồ sơ được chuyển đến", "Đang giải quyết"],
    );
    assert!(!rest.contains("Hạn chuyển"));
    suite.clock_at("2025-07-01T11:00").await;
    let there = suite.person_of(Role::Officer, "officer-11407-1", &[OTHER_WARD]);
    let confirming = ConfirmTransferRequest {
        name: format!("dossiers/{elsewhere}"),
        ..ConfirmTransferRequest::default()
    };
    there.dossiers().confirm_transfer(confirming).await.unwrap();
    let further = clerk.prints(&elsewhere, Form::ControlSheet).await.unwrap();
    let (first, _) = further.split_once("Hạn chuyển").unwrap();
    reads(first, &["Đúng hạn", "officer-11407-1"]);
    // That is another paper, and the one before can be printed again as it was.
    for (issue, printed) in [(1, &paper), (2, &further)] {
        let request = PrintFormRequest {
            name: format!("dossiers/{elsewhere}"),
            form: Form::ControlSheet.into(),
            issue,
            ..PrintFormRequest::default()
        };
        let again = clerk.forms().print_form(request).await.unwrap();
        assert_eq!(&again.into_inner().html, printed);
    }
    // Another ward learns nothing.
    let stranger = suite.person_of(Role::Receptionist, "receptionist-00001-1", &["00001"]);
    let status = stranger
        .prints(&code, Form::ControlSheet)
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn the_receipt_is_on_the_procedures_form_and_names_the_trace_that_it_came_in_with() {
    let suite = Suite::start().await;
    let clerk = suite.clerk();
    suite.clock_at("2025-07-01T08:10").await;
    let residence = SubmitDossierRequest {
        procedure: "1.010028".to_owned(),
        ..birth()
    };
    for (request, form) in [(birth(), "Mẫu số 01"), (residence, "Mẫu CT04")] {
        let code = clerk.submits(request).await.code;
        let paper = clerk.prints(&code, Form::Receipt).await.unwrap();
        let events = suite.events(Service::Intake, &code).await;
        let trace = trace_id(&events[0].traceparent);
        assert_eq!(trace.len(), 32);
        reads(&paper, &[form, &format!("Mã tra vết: {trace}")]);
        // Months later, the code alone finds it.
        let found = suite.motcua(&["dossier", &code]).await;
        assert!(found.ok && found.stdout.contains(trace), "{found:?}");
    }
}
