//! What actors do, each act one command of the public APIs.

use futures::stream;
use jiff::Timestamp;
use motcua_platform::time::to_proto;
use motcua_proto::{
    intake::v1::{
        AcceptDossierRequest, ConfirmTransferRequest, DocumentHeader, Dossier,
        HandOverResultRequest, RecordPaymentRequest, RecordVisitRequest, RefuseDossierRequest,
        RequestSupplementRequest as AskBeforeAcceptance, RequestVisitRequest, SubmitDossierRequest,
        SupplementDossierRequest, UploadDocumentRequest, WithdrawDossierRequest,
        upload_document_request::Piece,
    },
    r#type::v1::{DocumentKind, HandOverMethod, Role},
    workflow::v1::{
        ChooseLimitRequest, ClaimTaskRequest, CompleteTaskRequest, ExtendDeadlineRequest,
        RecordExternalOutcomeRequest, RequestPaymentRequest,
        RequestSupplementRequest as AskDuringCase, ReturnTaskRequest, Task,
    },
};
use sha2::{Digest as _, Sha256};
use tonic::Status;
use uuid::Uuid;

use super::{
    client::{Answer, By, Client},
    plan::Arrival,
    staff::Member,
    town::{Life, Open, Place},
};
use crate::Failed;

/// What is missing, and the article under which it is asked for. Invented, like the applicant.
const MISSING: &str =
    "Bản sao giấy tờ tùy thân của người nộp hồ sơ; nộp trực tiếp hoặc gửi trực tuyến.";
const GROUND: &str = "Điều 17 Nghị định số 118/2025/NĐ-CP";
const PROVIDED: &str = "Bản sao giấy tờ tùy thân của người nộp hồ sơ";
/// Why a signature sends the work back. Invented likewise.
const UNCLEAR: &str =
    "Dự thảo kết quả chưa thống nhất với hồ sơ; đề nghị kiểm tra, hoàn chỉnh và trình lại.";
/// Why a dossier is refused, and why an applicant takes one back. Invented likewise.
const ELSEWHERE: &str =
    "Thủ tục không thuộc thẩm quyền giải quyết của phường; đề nghị nộp tại cơ quan có thẩm quyền.";
/// Why a case refuses.
const UNFOUNDED: &str = "Hồ sơ không đủ điều kiện giải quyết theo quy định của thủ tục.";
const TAKEN_BACK: &str = "Người nộp hồ sơ không còn nhu cầu thực hiện thủ tục.";
/// Why a dossier gets another limit. Invented likewise.
const TO_VERIFY: &str = "Thông tin trong hồ sơ cần được xác minh trước khi giải quyết.";
const APOLOGY: &str = "Số hồ sơ tiếp nhận tăng cao, chưa bố trí đủ nhân lực giải quyết đúng hạn.";

/// Something that somebody does with a dossier.
#[derive(Debug)]
pub(super) enum Act {
    /// Submits, and pays the fee where it is not paid later.
    Submit {
        accept: bool,
    },
    Accept,
    /// The competent agency has it, from the centre that received it.
    ConfirmTransfer,
    Refuse,
    /// The applicant takes it back.
    Withdraw,
    /// The rest of the fee.
    Pay {
        amount_vnd: i64,
    },
    /// Asks for missing papers before acceptance.
    Ask,
    /// Brings what was missing.
    Supplement,
    HandOver,
    RequestVisit {
        from: Timestamp,
        to: Timestamp,
    },
    RecordVisit {
        visit: String,
        met: bool,
    },
    /// Takes a task, and asks for what is seen to be missing.
    Claim {
        task: String,
        place: Place,
        desk: usize,
        open: Open,
        ask: Option<Missing>,
        /// Another of the procedure's limits, where it has to be verified.
        limit: Option<String>,
    },
    Complete {
        task: String,
        outcome: String,
        /// Whether that refuses what was asked for.
        refuses: bool,
    },
    /// Another system says what it came to.
    Answer {
        task: String,
        code: String,
    },
    /// Gives the work back a step.
    Return {
        task: String,
    },
    /// Apologises and sets a new date.
    Extend {
        due: Timestamp,
    },
}

/// What an officer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Papers,
    Fee,
}

/// What came of it, as far as somebody must remember it.
#[derive(Debug)]
pub(super) enum Done {
    Submitted(Box<Dossier>),
    VisitArranged {
        visit: String,
        from: Timestamp,
        to: Timestamp,
    },
    NobodyMet,
    Claimed {
        task: Box<Task>,
        place: Place,
        desk: usize,
        open: Open,
        asked: bool,
    },
    SubmissionRefused(Box<Status>),
    Nothing,
}

/// Does it.
pub(super) async fn act(
    client: &Client,
    arrival: &Arrival,
    life: &Life,
    by: &By,
    act: Act,
) -> Result<Done, Failed> {
    let request_id = Uuid::new_v4().to_string();
    let dossier = format!("dossiers/{}", life.code);
    match act {
        Act::Submit { accept } => submit(client, arrival, by, accept, request_id).await,
        Act::Accept => {
            let body = AcceptDossierRequest {
                name: dossier,
                request_id,
                ..AcceptDossierRequest::default()
            };
            let call = |request| async { client.dossiers.clone().accept_dossier(request).await };
            nothing(client.command(by, "AcceptDossier", body, call).await?)
        }
        Act::ConfirmTransfer => {
            let body = ConfirmTransferRequest {
                name: dossier,
                request_id,
                ..ConfirmTransferRequest::default()
            };
            let call = |request| async { client.dossiers.clone().confirm_transfer(request).await };
            nothing(client.command(by, "ConfirmTransfer", body, call).await?)
        }
        Act::Refuse => {
            let body = RefuseDossierRequest {
                name: dossier,
                reason: ELSEWHERE.to_owned(),
                ground: GROUND.to_owned(),
                request_id,
                ..RefuseDossierRequest::default()
            };
            let call = |request| async { client.dossiers.clone().refuse_dossier(request).await };
            nothing(client.command(by, "RefuseDossier", body, call).await?)
        }
        Act::Withdraw => {
            let body = WithdrawDossierRequest {
                name: dossier,
                reason: TAKEN_BACK.to_owned(),
                request_id,
                ..WithdrawDossierRequest::default()
            };
            let call = |request| async { client.dossiers.clone().withdraw_dossier(request).await };
            nothing(client.command(by, "WithdrawDossier", body, call).await?)
        }
        Act::Pay { amount_vnd } => pay(client, by, &life.code, amount_vnd).await,
        Act::Ask => {
            let body = AskBeforeAcceptance {
                name: dossier,
                missing: MISSING.to_owned(),
                ground: GROUND.to_owned(),
                request_id,
                ..AskBeforeAcceptance::default()
            };
            let call =
                |request| async { client.dossiers.clone().request_supplement(request).await };
            nothing(client.command(by, "RequestSupplement", body, call).await?)
        }
        Act::Supplement => {
            let body = SupplementDossierRequest {
                name: dossier,
                provided: PROVIDED.to_owned(),
                papers: arrival.handed().1.to_vec(),
                request_id,
                ..SupplementDossierRequest::default()
            };
            let call =
                |request| async { client.dossiers.clone().supplement_dossier(request).await };
            nothing(client.command(by, "SupplementDossier", body, call).await?)
        }
        Act::HandOver => {
            let method = match arrival.hand_over {
                HandOverMethod::Unspecified => HandOverMethod::Counter,
                method => method,
            };
            if method == HandOverMethod::Online {
                upload_result(client, by, &life.code).await?;
            }
            let body = HandOverResultRequest {
                name: dossier,
                method: method.into(),
                received_by: received_by(arrival, method),
                tracking_reference: tracking_reference(method, &life.code),
                request_id,
                ..HandOverResultRequest::default()
            };
            let call = |request| async { client.dossiers.clone().hand_over_result(request).await };
            nothing(client.command(by, "HandOverResult", body, call).await?)
        }
        Act::RequestVisit { from, to } => {
            request_visit(client, by, dossier, from, to, request_id).await
        }
        Act::RecordVisit { visit, met } => {
            let received_by = if met {
                received_by(arrival, HandOverMethod::Home)
            } else {
                String::new()
            };
            let body = RecordVisitRequest {
                name: dossier,
                visit,
                handed_over: met,
                received_by,
                request_id,
                ..RecordVisitRequest::default()
            };
            let call = |request| async { client.visits.clone().record_visit(request).await };
            nothing(client.command(by, "RecordVisit", body, call).await?)?;
            Ok(if met { Done::Nothing } else { Done::NobodyMet })
        }
        Act::Claim {
            task,
            place,
            desk,
            open,
            ask,
            limit,
        } => {
            let body = ClaimTaskRequest {
                name: task,
                request_id,
            };
            let call = |request| async { client.tasks.clone().claim_task(request).await };
            let Answer::Done(task) = client.command(by, "ClaimTask", body, call).await? else {
                return Ok(Done::Nothing);
            };
            if let Some(limit) = limit {
                choose_limit(client, by, &life.code, limit).await?;
            }
            let asked = match ask {
                None => false,
                Some(missing) => ask_during_case(client, by, &life.code, missing).await?,
            };
            Ok(Done::Claimed {
                task: Box::new(task),
                place,
                desk,
                open,
                asked,
            })
        }
        Act::Complete {
            task,
            outcome,
            refuses,
        } => {
            let (reason, ground) = if refuses {
                (UNFOUNDED, GROUND)
            } else {
                Default::default()
            };
            let body = CompleteTaskRequest {
                name: task,
                outcome,
                request_id,
                reason: reason.to_owned(),
                ground: ground.to_owned(),
            };
            let call = |request| async { client.tasks.clone().complete_task(request).await };
            nothing(client.command(by, "CompleteTask", body, call).await?)
        }
        Act::Answer { task, code } => {
            let body = RecordExternalOutcomeRequest {
                name: task,
                code,
                request_id,
                ..RecordExternalOutcomeRequest::default()
            };
            let call =
                |request| async { client.tasks.clone().record_external_outcome(request).await };
            nothing(
                client
                    .command(by, "RecordExternalOutcome", body, call)
                    .await?,
            )
        }
        Act::Return { task } => {
            let body = ReturnTaskRequest {
                name: task,
                reason: UNCLEAR.to_owned(),
                request_id,
            };
            let call = |request| async { client.tasks.clone().return_task(request).await };
            nothing(client.command(by, "ReturnTask", body, call).await?)
        }
        Act::Extend { due } => {
            let body = ExtendDeadlineRequest {
                name: format!("cases/{}", life.code),
                due_at: Some(to_proto(due)),
                reason: APOLOGY.to_owned(),
                request_id,
                ..ExtendDeadlineRequest::default()
            };
            let call = |request| async { client.cases.clone().extend_deadline(request).await };
            nothing(client.command(by, "ExtendDeadline", body, call).await?)
        }
    }
}

async fn submit(
    client: &Client,
    arrival: &Arrival,
    by: &By,
    accept: bool,
    request_id: String,
) -> Result<Done, Failed> {
    let body = SubmitDossierRequest {
        procedure: arrival.procedure.clone(),
        receiving_agency: arrival.ward.clone(),
        channel: arrival.channel.into(),
        applicant: Some(arrival.applicant.clone()),
        hand_over_method: arrival.hand_over.into(),
        priority: arrival.priority.into(),
        options: arrival.options.clone(),
        papers: arrival.handed().0.to_vec(),
        on_behalf_of: arrival.on_behalf_of.clone(),
        accept,
        request_id,
        ..SubmitDossierRequest::default()
    };
    let call = |request| async { client.dossiers.clone().submit_dossier(request).await };
    let dossier = match client.command(by, "SubmitDossier", body, call).await? {
        Answer::Done(dossier) => dossier,
        Answer::Refused(status) => return Ok(Done::SubmissionRefused(Box::new(status))),
    };
    if dossier.fee_vnd > 0 && !arrival.pays_later && arrival.is_received() {
        let till = if arrival.is_online() {
            Member::payment_platform(&arrival.ward)
        } else {
            by.member.clone()
        };
        let by = By {
            member: till,
            arrival: by.arrival,
        };
        pay(client, &by, &dossier.code, dossier.fee_vnd).await?;
    }
    Ok(Done::Submitted(Box::new(dossier)))
}

/// Whoever takes the money says so.
async fn pay(client: &Client, by: &By, code: &str, amount_vnd: i64) -> Result<Done, Failed> {
    let provider = match by.member.role {
        Role::System => &by.member.id,
        _ => "counter",
    };
    let body = RecordPaymentRequest {
        name: format!("dossiers/{code}"),
        provider: provider.to_owned(),
        reference: format!("BL-{code}"),
        amount_vnd,
        request_id: Uuid::new_v4().to_string(),
        ..RecordPaymentRequest::default()
    };
    let call = |request| async { client.payments.clone().record_payment(request).await };
    nothing(client.command(by, "RecordPayment", body, call).await?)
}

async fn request_visit(
    client: &Client,
    by: &By,
    name: String,
    from: Timestamp,
    to: Timestamp,
    request_id: String,
) -> Result<Done, Failed> {
    let body = RequestVisitRequest {
        name,
        window_from: Some(to_proto(from)),
        window_to: Some(to_proto(to)),
        offered: true,
        request_id,
        ..RequestVisitRequest::default()
    };
    let call = |request| async { client.visits.clone().request_visit(request).await };
    let Answer::Done(dossier) = client.command(by, "RequestVisit", body, call).await? else {
        return Ok(Done::Nothing);
    };
    Ok(dossier
        .visits
        .into_iter()
        .next_back()
        .map_or(Done::Nothing, |visit| Done::VisitArranged {
            visit: visit.id,
            from,
            to,
        }))
}

async fn choose_limit(client: &Client, by: &By, code: &str, limit: String) -> Result<Done, Failed> {
    let body = ChooseLimitRequest {
        name: format!("cases/{code}"),
        limit,
        reason: TO_VERIFY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..ChooseLimitRequest::default()
    };
    let call = |request| async { client.cases.clone().choose_limit(request).await };
    nothing(client.command(by, "ChooseLimit", body, call).await?)
}

/// True when the case now stands still.
async fn ask_during_case(
    client: &Client,
    by: &By,
    code: &str,
    missing: Missing,
) -> Result<bool, Failed> {
    if missing == Missing::Fee {
        let body = RequestPaymentRequest {
            name: format!("cases/{code}"),
            request_id: Uuid::new_v4().to_string(),
            ..RequestPaymentRequest::default()
        };
        let call = |request| async { client.cases.clone().request_payment(request).await };
        let answer = client.command(by, "RequestPayment", body, call).await?;
        return Ok(matches!(answer, Answer::Done(_)));
    }
    let body = AskDuringCase {
        name: format!("cases/{code}"),
        missing: MISSING.to_owned(),
        ground: GROUND.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..AskDuringCase::default()
    };
    let call = |request| async { client.cases.clone().request_supplement(request).await };
    Ok(matches!(
        client.command(by, "RequestSupplement", body, call).await?,
        Answer::Done(_)
    ))
}

/// What was refused is counted, and what it was about is found again in the morning's lists.
fn nothing<R>(_: Answer<R>) -> Result<Done, Failed> {
    Ok(Done::Nothing)
}

/// What is fetched online is there first: a few words in place of a decision.
async fn upload_result(client: &Client, by: &By, code: &str) -> Result<(), Failed> {
    let content = format!("Kết quả giải quyết hồ sơ {code}").into_bytes();
    let header = DocumentHeader {
        name: format!("dossiers/{code}"),
        kind: DocumentKind::Result.into(),
        result_code: format!("KQ.G15.{:06}", by.arrival + 1),
        media_type: "text/plain".to_owned(),
        size: i64::try_from(content.len()).unwrap_or(i64::MAX),
        file_name: "ket-qua.txt".to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..DocumentHeader::default()
    };
    let sha256 = Sha256::digest(&content).to_vec();
    let pieces = [
        Piece::Header(header),
        Piece::Content(content),
        Piece::Sha256(sha256),
    ];
    let pieces = pieces.map(|piece| UploadDocumentRequest { piece: Some(piece) });
    let call = |request| async { client.documents.clone().upload_document(request).await };
    let upload = stream::iter(pieces);
    client.command(by, "UploadDocument", upload, call).await?;
    Ok(())
}

/// The parcel's reference; empty but by post.
fn tracking_reference(method: HandOverMethod, code: &str) -> String {
    match method {
        HandOverMethod::Post => format!("BC-{code}"),
        _ => String::new(),
    }
}

fn received_by(arrival: &Arrival, method: HandOverMethod) -> String {
    let name = &arrival.applicant.full_name;
    match method {
        HandOverMethod::Post => format!("{name}, bưu tá giao tận tay"),
        HandOverMethod::Online => format!("{name}, qua kho dữ liệu điện tử"),
        _ => format!("{name}, ký nhận"),
    }
}
