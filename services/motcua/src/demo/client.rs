//! Calls to the suite: who acts, under which trace, tried again with the same request id when the answer got lost.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use motcua_platform::{
    clock::Clock,
    position::{POSITION_METADATA, Position},
    time::to_proto,
};
use motcua_proto::{
    intake::v1::{
        document_service_client::DocumentServiceClient,
        dossier_service_client::DossierServiceClient, payment_service_client::PaymentServiceClient,
        visit_service_client::VisitServiceClient,
    },
    workflow::v1::{
        CreateSubstitutionRequest, Substitution, case_service_client::CaseServiceClient,
        substitution_service_client::SubstitutionServiceClient,
        task_service_client::TaskServiceClient,
    },
};
use tokio::time::sleep;
use uuid::Uuid;

use tonic::{Code, Request, Response, Status, metadata::MetadataMap, transport::Channel};

use super::{
    receiver::{Receiver, Seen},
    staff::Member,
};
use crate::{Failed, identities::Identities};

/// How often a call is tried whose answer did not come.
const TRIES_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_millis(25);
/// The name under which the demo's own spans stand in the waterfall.
const OWN_SERVICE: &str = "motcua-demo";

/// The suite as the actors reach it. All of it over the public APIs.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) dossiers: DossierServiceClient<Channel>,
    pub(super) documents: DocumentServiceClient<Channel>,
    pub(super) visits: VisitServiceClient<Channel>,
    pub(super) payments: PaymentServiceClient<Channel>,
    pub(super) cases: CaseServiceClient<Channel>,
    pub(super) tasks: TaskServiceClient<Channel>,
    substitutions: SubstitutionServiceClient<Channel>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    identities: Identities,
    receiver: Arc<Receiver>,
    tracing: Tracing,
    commands: AtomicU64,
    refusals: Mutex<BTreeMap<String, u64>>,
    intake_position: AtomicI64,
    workflow_position: AtomicI64,
}

/// Whose commands are traced. Recording costs time, so that most are not.
#[derive(Debug, Default)]
pub(super) struct Tracing {
    /// Arrivals whose traces the demo keeps, to draw one of them.
    pub(super) watched: HashSet<usize>,
    /// Whether everybody's are recorded, because somebody else wants to see them.
    pub(super) every: bool,
}

/// Who acts, and on which dossier.
#[derive(Debug, Clone)]
pub(super) struct By {
    pub(super) member: Member,
    /// The arrival that the dossier came with.
    pub(super) arrival: usize,
}

/// What came of a command.
#[derive(Debug)]
pub(super) enum Answer<R> {
    Done(R),
    /// The suite said no, and why.
    Refused(Status),
}

impl Client {
    pub(super) fn new(
        intake: Channel,
        workflow: Channel,
        identities: Identities,
        receiver: Arc<Receiver>,
        tracing: Tracing,
    ) -> Self {
        Self {
            dossiers: DossierServiceClient::new(intake.clone()),
            documents: DocumentServiceClient::new(intake.clone()),
            visits: VisitServiceClient::new(intake.clone()),
            payments: PaymentServiceClient::new(intake),
            cases: CaseServiceClient::new(workflow.clone()),
            tasks: TaskServiceClient::new(workflow.clone()),
            substitutions: SubstitutionServiceClient::new(workflow),
            shared: Arc::new(Shared {
                identities,
                receiver,
                tracing,
                commands: AtomicU64::new(0),
                refusals: Mutex::default(),
                intake_position: AtomicI64::new(0),
                workflow_position: AtomicI64::new(0),
            }),
        }
    }

    /// A question that this person asks.
    pub(super) fn asking<B>(&self, member: &Member, body: B) -> Result<Request<B>, Failed> {
        let mut request = Request::new(body);
        let bearer = self
            .shared
            .identities
            .bearer(&member.id, member.role, &member.agency)?;
        request.metadata_mut().insert("authorization", bearer);
        Ok(request)
    }

    /// A leader has a deputy sign from one instant to another, by a decision.
    pub(super) async fn stands_in(
        &self,
        leader: &Member,
        deputy: &Member,
        (from, until): (Timestamp, Timestamp),
        decision: &str,
    ) -> Result<(), Failed> {
        let substitution = Substitution {
            agency: leader.agency.clone(),
            absent: leader.id.clone(),
            substitute: deputy.id.clone(),
            role: leader.role.into(),
            from: Some(to_proto(from)),
            until: Some(to_proto(until)),
            ground: decision.to_owned(),
            ..Substitution::default()
        };
        let body = CreateSubstitutionRequest {
            substitution: Some(substitution),
            request_id: Uuid::new_v4().to_string(),
        };
        let request = self.asking(leader, body)?;
        self.substitutions
            .clone()
            .create_substitution(request)
            .await?;
        self.shared.commands.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Commands that the suite has acknowledged.
    pub(super) fn commands(&self) -> u64 {
        self.shared.commands.load(Ordering::Relaxed)
    }

    /// Commands that it has refused, by method and reason.
    pub(super) fn refusals(&self) -> BTreeMap<String, u64> {
        self.refusals_now().clone()
    }

    fn refusals_now(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.shared
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The last positions that commands were acknowledged at, of intake and of workflow.
    pub(super) fn acknowledged(&self) -> (i64, i64) {
        let last = |position: &AtomicI64| position.load(Ordering::Relaxed);
        (
            last(&self.shared.intake_position),
            last(&self.shared.workflow_position),
        )
    }

    /// The spans of the traced commands and of their reactions, as the OTLP receiver got them.
    pub(super) fn spans(&self) -> Vec<Seen> {
        self.shared.receiver.spans()
    }

    /// Sends a command; the body states its request id, so that another try is the same command.
    pub(super) async fn command<B, R, F, C>(
        &self,
        by: &By,
        method: &str,
        body: B,
        call: F,
    ) -> Result<Answer<R>, Failed>
    where
        B: Clone,
        F: Fn(Request<B>) -> C,
        C: Future<Output = Result<Response<R>, Status>>,
    {
        let trace = self.trace(by.arrival);
        let started = trace.sampled.then(|| Clock::system().now());
        let mut tries = 0;
        let outcome = loop {
            let mut request = self.asking(&by.member, body.clone())?;
            if let Ok(parent) = trace.parent().parse() {
                request.metadata_mut().insert("traceparent", parent);
            }
            tries += 1;
            match call(request).await {
                Err(status) if lost(&status) && tries < TRIES_MAX => sleep(PAUSE * tries).await,
                outcome => break outcome,
            }
        };
        if let Some(started) = started {
            self.shared.receiver.add(trace.span(
                method,
                nanoseconds(started),
                nanoseconds(Clock::system().now()),
            ));
        }
        match outcome {
            Ok(response) => {
                self.shared.commands.fetch_add(1, Ordering::Relaxed);
                self.note(response.metadata());
                Ok(Answer::Done(response.into_inner()))
            }
            Err(status) if refused(&status) => {
                let reason = format!("{method}: {}", status.message());
                *self.refusals_now().entry(reason).or_default() += 1;
                Ok(Answer::Refused(status))
            }
            Err(status) => Err(Failed::new(format!(
                "{method} failed: {} ({:?})",
                status.message(),
                status.code()
            ))),
        }
    }

    fn note(&self, metadata: &MetadataMap) {
        let position = metadata
            .get(POSITION_METADATA)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<Position>().ok());
        let Some(position) = position else { return };
        let last = match position.source.as_str() {
            "intake" => &self.shared.intake_position,
            "workflow" => &self.shared.workflow_position,
            _ => return,
        };
        last.fetch_max(position.position, Ordering::Relaxed);
    }

    fn trace(&self, arrival: usize) -> Trace {
        let watched = self.shared.tracing.watched.contains(&arrival);
        let trace = Trace {
            id: fastrand::u128(1..).to_be_bytes(),
            span: fastrand::u64(1..).to_be_bytes(),
            sampled: watched || self.shared.tracing.every,
        };
        if watched {
            self.shared.receiver.watch(trace.id);
        }
        trace
    }
}

/// The span of one act of the demo. Most are not recorded: the few that are say so to every service on the way.
struct Trace {
    id: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

impl Trace {
    fn parent(&self) -> String {
        format!(
            "00-{:032x}-{:016x}-{:02x}",
            u128::from_be_bytes(self.id),
            u64::from_be_bytes(self.span),
            u8::from(self.sampled)
        )
    }

    fn span(&self, method: &str, start_ns: u64, end_ns: u64) -> Seen {
        Seen {
            trace: self.id,
            id: self.span.to_vec(),
            parent: Vec::new(),
            service: OWN_SERVICE.to_owned(),
            name: method.to_owned(),
            start_ns,
            end_ns,
        }
    }
}

fn nanoseconds(at: jiff::Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}

/// Nobody knows whether it was done: the same request id makes asking again safe.
fn lost(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded
    )
}

/// Nothing was done, and the same request would be refused again.
fn refused(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::AlreadyExists
            | Code::Aborted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_says_whether_it_is_recorded() {
        let trace = Trace {
            id: [1; 16],
            span: [2; 8],
            sampled: true,
        };
        assert_eq!(
            trace.parent(),
            "00-01010101010101010101010101010101-0202020202020202-01"
        );
        assert!(
            Trace {
                sampled: false,
                ..trace
            }
            .parent()
            .ends_with("-00")
        );
    }

    #[test]
    fn only_what_was_lost_is_tried_again() {
        assert!(lost(&Status::unavailable("")) && !refused(&Status::unavailable("")));
        assert!(
            refused(&Status::failed_precondition("")) && !lost(&Status::failed_precondition(""))
        );
        assert!(!refused(&Status::internal("")) && !lost(&Status::internal("")));
    }
}
