//! What actors do, each act one command of the public APIs.

use jiff::Timestamp;
use motcua_platform::time::to_proto;
use motcua_proto::{
    intake::v1::{
        AcceptDossierRequest, Dossier, HandOverResultRequest, RecordVisitRequest,
        RequestSupplementRequest as AskBeforeAcceptance, RequestVisitRequest, SubmitDossierRequest,
        SupplementDossierRequest,
    },
    r#type::v1::HandOverMethod,
    workflow::v1::{
        ClaimTaskRequest, CompleteTaskRequest, ExtendDeadlineRequest,
        RequestSupplementRequest as AskDuringCase, Task,
    },
};
use tonic::Status;
use uuid::Uuid;

use super::{
    client::{Answer, By, Client},
    plan::Arrival,
    town::{Life, Open, Place},
};
use crate::Failed;

/// What is missing, and the article under which it is asked for. Invented, like the applicant.
const MISSING: &str =
    "Bản sao giấy tờ tùy thân của người nộp hồ sơ; nộp trực tiếp hoặc gửi trực tuyến.";
const GROUND: &str = "Điều 17 Nghị định số 118/2025/NĐ-CP";
const PROVIDED: &str = "Bản sao giấy tờ tùy thân của người nộp hồ sơ";
const APOLOGY: &str = "Số hồ sơ tiếp nhận tăng cao, chưa bố trí đủ nhân lực giải quyết đúng hạn.";

/// Something that somebody does with a dossier.
#[derive(Debug)]
pub(super) enum Act {
    Submit {
        accept: bool,
    },
    Accept,
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
    /// Takes a task, and asks for missing papers where they are seen to be missing.
    Claim {
        task: String,
        place: Place,
        desk: usize,
        open: Open,
        ask: bool,
    },
    Complete {
        task: String,
        outcome: String,
    },
    /// Apologises and sets a new date.
    Extend {
        due: Timestamp,
    },
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
        } => {
            let body = ClaimTaskRequest {
                name: task,
                request_id,
            };
            let call = |request| async { client.tasks.clone().claim_task(request).await };
            let Answer::Done(task) = client.command(by, "ClaimTask", body, call).await? else {
                return Ok(Done::Nothing);
            };
            let asked = ask && ask_during_case(client, by, &life.code).await?;
            Ok(Done::Claimed {
                task: Box::new(task),
                place,
                desk,
                open,
                asked,
            })
        }
        Act::Complete { task, outcome } => {
            let body = CompleteTaskRequest {
                name: task,
                outcome,
                request_id,
            };
            let call = |request| async { client.tasks.clone().complete_task(request).await };
            nothing(client.command(by, "CompleteTask", body, call).await?)
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
        accept,
        request_id,
        ..SubmitDossierRequest::default()
    };
    let call = |request| async { client.dossiers.clone().submit_dossier(request).await };
    Ok(
        match client.command(by, "SubmitDossier", body, call).await? {
            Answer::Done(dossier) => Done::Submitted(Box::new(dossier)),
            Answer::Refused(status) => Done::SubmissionRefused(Box::new(status)),
        },
    )
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

/// True when the case now stands still.
async fn ask_during_case(client: &Client, by: &By, code: &str) -> Result<bool, Failed> {
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
