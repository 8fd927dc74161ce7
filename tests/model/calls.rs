//! The model's commands as calls over the network: one method for each.

use motcua_intake::domain::{
    command::{Command, Met},
    dossier::Dossier as State,
};
use motcua_platform::{identity::Principal, rpc::Peer, time::to_proto};
use motcua_proto::{
    intake::v1::{
        AcceptDossierRequest, ConfirmTransferRequest, DecideCorrectionRequest, Dossier,
        HandOverResultRequest, ProposeCorrectionRequest, RecordFailedHandOverRequest,
        RecordPaymentRequest, RecordVisitRequest, RecuseStaffRequest, RefundPaymentRequest,
        RefuseDossierRequest, RequestSupplementRequest, RequestVisitRequest,
        ReturnOriginalsRequest, SupplementDossierRequest, WithdrawDossierRequest,
        correction_service_client::CorrectionServiceClient,
        dossier_service_client::DossierServiceClient, payment_service_client::PaymentServiceClient,
        visit_service_client::VisitServiceClient,
    },
    workflow::v1::{
        ChooseLimitRequest, ClaimTaskRequest, CompleteTaskRequest, DelegateTaskRequest,
        ExtendDeadlineRequest, MigrateCaseRequest, RecordExternalOutcomeRequest,
        ReleaseTaskRequest, RequestPaymentRequest, RequestSupplementRequest as AskDuringCase,
        ReturnTaskRequest, StopCaseRequest, case_service_client::CaseServiceClient,
        task_service_client::TaskServiceClient,
    },
};
use motcua_workflow::domain::{Command as CaseCommand, Words};
use tonic::Status;

use super::setting::Person;
use crate::support::{Identities, Service, Suite};

/// The dossier as it stands after it; none where a case was asked.
pub(super) type Answer = Result<Option<Dossier>, Status>;

const SAID: &str = "theo quy định";

/// A reason and its ground, where they are said.
pub(super) fn said_of(reason: Option<&[Words; 2]>) -> [String; 2] {
    reason.map_or_else(Default::default, |_| [SAID, SAID].map(str::to_owned))
}

/// Somebody with a token.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) id: String,
    pub(super) agencies: Vec<String>,
    pub(super) principal: Principal,
    pub(super) intake: Peer,
    pub(super) workflow: Peer,
}

/// The method that a command goes to; none for those that are not sent.
pub(super) fn method_of(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::Accept | Command::AcceptAt(_) => "motcua.intake.v1.DossierService/AcceptDossier",
        Command::Refuse { .. } => "motcua.intake.v1.DossierService/RefuseDossier",
        Command::AskSupplement { .. } => "motcua.intake.v1.DossierService/RequestSupplement",
        Command::ProvideSupplement { .. } => "motcua.intake.v1.DossierService/SupplementDossier",
        Command::Withdraw { .. } => "motcua.intake.v1.DossierService/WithdrawDossier",
        Command::HandOver { .. } => "motcua.intake.v1.DossierService/HandOverResult",
        Command::RecordFailedHandOver { .. } => {
            "motcua.intake.v1.DossierService/RecordFailedHandOver"
        }
        Command::Recuse { .. } => "motcua.intake.v1.DossierService/RecuseStaff",
        Command::ArrangeVisit { .. } => "motcua.intake.v1.VisitService/RequestVisit",
        Command::RecordVisit { .. } => "motcua.intake.v1.VisitService/RecordVisit",
        Command::RecordPayment(_) => "motcua.intake.v1.PaymentService/RecordPayment",
        Command::RefundPayment { .. } => "motcua.intake.v1.PaymentService/RefundPayment",
        Command::ProposeCorrection { .. } | Command::ProposeEntry { .. } => {
            "motcua.intake.v1.CorrectionService/ProposeCorrection"
        }
        Command::ConfirmCorrection(_) | Command::RejectCorrection { .. } => {
            "motcua.intake.v1.CorrectionService/DecideCorrection"
        }
        Command::ReturnOriginals { .. } => "motcua.intake.v1.DossierService/ReturnOriginals",
        Command::ConfirmTransfer => "motcua.intake.v1.DossierService/ConfirmTransfer",
        // Other systems and uploads are not at the counter; the rest is not asked by hand.
        Command::RecordExternalState(_)
        | Command::AcknowledgeState { .. }
        | Command::AddDocument(_)
        | Command::Submit(_)
        | Command::Reject(_)
        | Command::Tick
        | Command::Recompute
        | Command::Follow(_) => return None,
    })
}

/// Likewise of what is asked of a case.
pub(super) fn method_of_case(command: &CaseCommand) -> &'static str {
    match command {
        CaseCommand::Claim { .. } => "motcua.workflow.v1.TaskService/ClaimTask",
        CaseCommand::Complete { .. } => "motcua.workflow.v1.TaskService/CompleteTask",
        CaseCommand::Return { .. } => "motcua.workflow.v1.TaskService/ReturnTask",
        CaseCommand::Release { .. } => "motcua.workflow.v1.TaskService/ReleaseTask",
        CaseCommand::Delegate { .. } => "motcua.workflow.v1.TaskService/DelegateTask",
        CaseCommand::Migrate { .. } => "motcua.workflow.v1.CaseService/MigrateCase",
        CaseCommand::RecordOutcome { .. } => "motcua.workflow.v1.TaskService/RecordExternalOutcome",
        CaseCommand::RequestSupplement { .. } => "motcua.workflow.v1.CaseService/RequestSupplement",
        CaseCommand::RequestPayment { .. } => "motcua.workflow.v1.CaseService/RequestPayment",
        CaseCommand::ExtendDeadline { .. } => "motcua.workflow.v1.CaseService/ExtendDeadline",
        CaseCommand::ChooseLimit { .. } => "motcua.workflow.v1.CaseService/ChooseLimit",
        CaseCommand::Stop { .. } => "motcua.workflow.v1.CaseService/StopCase",
        other => panic!("{other:?} is not asked by hand"),
    }
}

impl Caller {
    pub(super) fn new(suite: &Suite, person: &Person) -> Self {
        let token = Identities::get().token_of(&person.principal);
        let peer = |service| suite.stranger(service).bearing(&token).unwrap();
        Self {
            id: person.id.clone(),
            agencies: person.agencies.clone(),
            principal: person.principal.clone(),
            intake: peer(Service::Intake),
            workflow: peer(Service::Workflow),
        }
    }

    /// The dossier is one of the wards' that received it and that decides on it.
    pub(super) fn sees(&self, dossier: &State) -> bool {
        [&dossier.receiving_agency, &dossier.competent_agency]
            .into_iter()
            .any(|agency| self.agencies.contains(agency))
    }

    /// Asks it of a dossier.
    pub(super) async fn asks(&self, code: &str, command: &Command, request_id: &str) -> Answer {
        let mut dossiers = DossierServiceClient::new(self.intake.clone());
        let mut visits = VisitServiceClient::new(self.intake.clone());
        let mut payments = PaymentServiceClient::new(self.intake.clone());
        let mut corrections = CorrectionServiceClient::new(self.intake.clone());
        let (name, request_id) = (format!("dossiers/{code}"), request_id.to_owned());
        let said = SAID.to_owned();
        let answer = match command {
            Command::Accept => {
                let request = AcceptDossierRequest {
                    name,
                    request_id,
                    ..AcceptDossierRequest::default()
                };
                dossiers.accept_dossier(request).await
            }
            Command::Refuse { .. } => {
                let request = RefuseDossierRequest {
                    name,
                    request_id,
                    reason: said.clone(),
                    ground: said,
                    ..RefuseDossierRequest::default()
                };
                dossiers.refuse_dossier(request).await
            }
            Command::AskSupplement { .. } => {
                let request = RequestSupplementRequest {
                    name,
                    request_id,
                    missing: said.clone(),
                    ground: said,
                    ..RequestSupplementRequest::default()
                };
                dossiers.request_supplement(request).await
            }
            Command::ProvideSupplement { .. } => {
                let request = SupplementDossierRequest {
                    name,
                    request_id,
                    provided: said,
                    ..SupplementDossierRequest::default()
                };
                dossiers.supplement_dossier(request).await
            }
            Command::Withdraw { .. } => {
                let request = WithdrawDossierRequest {
                    name,
                    request_id,
                    reason: said,
                    ..WithdrawDossierRequest::default()
                };
                dossiers.withdraw_dossier(request).await
            }
            Command::ReturnOriginals { .. } => {
                let request = ReturnOriginalsRequest {
                    name,
                    request_id,
                    received_by: said,
                    ..ReturnOriginalsRequest::default()
                };
                dossiers.return_originals(request).await
            }
            Command::HandOver { method, .. } => {
                let request = HandOverResultRequest {
                    name,
                    request_id,
                    method: (*method).into(),
                    received_by: said,
                    ..HandOverResultRequest::default()
                };
                dossiers.hand_over_result(request).await
            }
            Command::RecordFailedHandOver {
                method, failure, ..
            } => {
                let request = RecordFailedHandOverRequest {
                    name,
                    request_id,
                    method: (*method).into(),
                    failure: (*failure).into(),
                    ..RecordFailedHandOverRequest::default()
                };
                dossiers.record_failed_hand_over(request).await
            }
            Command::Recuse { principal } => {
                let request = RecuseStaffRequest {
                    name,
                    request_id,
                    principal: principal.clone(),
                    ..RecuseStaffRequest::default()
                };
                dossiers.recuse_staff(request).await
            }
            Command::ArrangeVisit { from, to, .. } => {
                let request = RequestVisitRequest {
                    name,
                    request_id,
                    window_from: Some(to_proto(*from)),
                    window_to: Some(to_proto(*to)),
                    ..RequestVisitRequest::default()
                };
                visits.request_visit(request).await
            }
            Command::RecordVisit { visit, met } => {
                let handed_over = matches!(met, Met::Result(_));
                let request = RecordVisitRequest {
                    name,
                    request_id,
                    visit: visit.clone(),
                    handed_over,
                    papers_taken: matches!(met, Met::Papers(_)),
                    received_by: if handed_over { said } else { String::new() },
                    ..RecordVisitRequest::default()
                };
                visits.record_visit(request).await
            }
            Command::RecordPayment(payment) => {
                let request = RecordPaymentRequest {
                    name,
                    request_id,
                    provider: payment.provider.clone(),
                    // References are unique with a provider, over all dossiers.
                    reference: format!("{code}-{}", payment.reference),
                    amount_vnd: payment.amount_vnd,
                    paid_at: payment.paid_at.map(to_proto),
                    ..RecordPaymentRequest::default()
                };
                payments.record_payment(request).await
            }
            Command::RefundPayment { payment, .. } => {
                let request = RefundPaymentRequest {
                    name,
                    request_id,
                    payment: payment.clone(),
                    reason: said,
                    ..RefundPaymentRequest::default()
                };
                payments.refund_payment(request).await
            }
            Command::ProposeCorrection { applicant, .. } => {
                let request = ProposeCorrectionRequest {
                    name,
                    request_id,
                    applicant: Some((**applicant).clone()),
                    reason: said,
                    ..ProposeCorrectionRequest::default()
                };
                corrections.propose_correction(request).await
            }
            Command::ProposeEntry { entry, .. } => {
                let request = ProposeCorrectionRequest {
                    name,
                    request_id,
                    entry: Some(entry.to_proto()),
                    reason: said,
                    ..ProposeCorrectionRequest::default()
                };
                corrections.propose_correction(request).await
            }
            Command::ConfirmTransfer => {
                let request = ConfirmTransferRequest {
                    name,
                    request_id,
                    ..ConfirmTransferRequest::default()
                };
                dossiers.confirm_transfer(request).await
            }
            Command::ConfirmCorrection(confirmation) => {
                let request = DecideCorrectionRequest {
                    name,
                    request_id,
                    correction: confirmation.correction.clone(),
                    confirm: true,
                    ..DecideCorrectionRequest::default()
                };
                corrections.decide_correction(request).await
            }
            Command::RejectCorrection { correction } => {
                let request = DecideCorrectionRequest {
                    name,
                    request_id,
                    correction: correction.clone(),
                    ..DecideCorrectionRequest::default()
                };
                corrections.decide_correction(request).await
            }
            other => panic!("{other:?} is not sent"),
        };
        answer.map(|answer| Some(answer.into_inner()))
    }

    /// Asks it of a case.
    pub(super) async fn asks_case(
        &self,
        code: &str,
        command: &CaseCommand,
        request_id: &str,
    ) -> Answer {
        let mut cases = CaseServiceClient::new(self.workflow.clone());
        let mut tasks = TaskServiceClient::new(self.workflow.clone());
        let (name, request_id) = (format!("cases/{code}"), request_id.to_owned());
        let of_task = |task: &str| format!("{name}/tasks/{task}");
        let said = SAID.to_owned();
        match command {
            CaseCommand::Claim { task } => {
                let request = ClaimTaskRequest {
                    name: of_task(task),
                    request_id,
                };
                tasks.claim_task(request).await.map(drop)
            }
            CaseCommand::Complete {
                task,
                outcome,
                reason,
            } => {
                let [reason, ground] = said_of(reason.as_deref());
                let request = CompleteTaskRequest {
                    name: of_task(task),
                    outcome: outcome.clone(),
                    request_id,
                    reason,
                    ground,
                };
                tasks.complete_task(request).await.map(drop)
            }
            CaseCommand::Release { task } => {
                let request = ReleaseTaskRequest {
                    name: of_task(task),
                    request_id,
                };
                tasks.release_task(request).await.map(drop)
            }
            CaseCommand::Delegate { task, to, until } => {
                let request = DelegateTaskRequest {
                    name: of_task(task),
                    assignee: to.clone(),
                    until: Some(to_proto(*until)),
                    request_id,
                };
                tasks.delegate_task(request).await.map(drop)
            }
            CaseCommand::Migrate { version } => {
                let request = MigrateCaseRequest {
                    name,
                    version: *version,
                    request_id,
                    ..MigrateCaseRequest::default()
                };
                cases.migrate_case(request).await.map(drop)
            }
            CaseCommand::RecordOutcome { task, code, reason } => {
                let said = reason
                    .as_deref()
                    .map(|why| why.clone().map(|it| it.expose().clone()));
                let [reason, ground] = said.unwrap_or_default();
                let request = RecordExternalOutcomeRequest {
                    name: of_task(task),
                    code: code.clone(),
                    request_id,
                    reason,
                    ground,
                };
                tasks.record_external_outcome(request).await.map(drop)
            }
            CaseCommand::Return { task, .. } => {
                let request = ReturnTaskRequest {
                    name: of_task(task),
                    reason: said,
                    request_id,
                };
                tasks.return_task(request).await.map(drop)
            }
            CaseCommand::RequestSupplement { branch, .. } => {
                let request = AskDuringCase {
                    name,
                    branch: branch.clone(),
                    missing: said.clone(),
                    ground: said,
                    request_id,
                    ..AskDuringCase::default()
                };
                cases.request_supplement(request).await.map(drop)
            }
            CaseCommand::RequestPayment { obligation } => {
                let said = obligation.as_ref().map(|_| said).unwrap_or_default();
                let request = RequestPaymentRequest {
                    name,
                    request_id,
                    amount_vnd: obligation.as_ref().map_or(0, |it| it.amount_vnd),
                    reason: said.clone(),
                    ground: said,
                    ..RequestPaymentRequest::default()
                };
                cases.request_payment(request).await.map(drop)
            }
            CaseCommand::ExtendDeadline { due_at, .. } => {
                let request = ExtendDeadlineRequest {
                    name,
                    due_at: Some(to_proto(*due_at)),
                    reason: said,
                    request_id,
                    ..ExtendDeadlineRequest::default()
                };
                cases.extend_deadline(request).await.map(drop)
            }
            CaseCommand::ChooseLimit { branch, limit, .. } => {
                let request = ChooseLimitRequest {
                    name,
                    branch: branch.clone(),
                    limit: limit.clone(),
                    reason: said,
                    request_id,
                    ..ChooseLimitRequest::default()
                };
                cases.choose_limit(request).await.map(drop)
            }
            CaseCommand::Stop { .. } => {
                let request = StopCaseRequest {
                    name,
                    reason: said.clone(),
                    ground: said,
                    request_id,
                    ..StopCaseRequest::default()
                };
                cases.stop_case(request).await.map(drop)
            }
            other => panic!("{other:?} is not asked by hand"),
        }
        .map(|()| None)
    }
}
