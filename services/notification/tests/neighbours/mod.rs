//! The services next door, as the test wants them: their histories, and the dossiers and cases that they show.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use motcua_proto::{
    events::v1::{
        CatalogApplied, Event, GetHeadRequest, GetHeadResponse, SubscribeRequest,
        SubscribeResponse,
        event::Payload,
        event_feed_service_server::{EventFeedService, EventFeedServiceServer},
    },
    intake::v1 as intake,
    intake::v1::dossier_service_server::{DossierService, DossierServiceServer},
    r#type::v1::{
        Agency, AgencyKind, Calendar, Catalog, HandOverMethod, Limit, Procedure, limit::Kind,
    },
    workflow::v1 as workflow,
    workflow::v1::case_service_server::{CaseService, CaseServiceServer},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_stream::{
    Stream,
    wrappers::{ReceiverStream, TcpListenerStream},
};
use tonic::{Request, Response, Status, service::Routes, transport::Server};

/// A dossier whose result is fetched at the counter.
pub(crate) const PLAIN: &str = "H24.11593-260213-0007";
/// A dossier that another agency decides on than received it.
pub(crate) const ELSEWHERE: &str = "H24.11593-260213-0009";
/// A dossier whose result goes home.
pub(crate) const HOME: &str = "H24.11593-260213-0008";

const CATALOG: &str = "test-2026";

/// An event of a neighbour's history.
pub(crate) fn event(position: i64, dossier: &str, payload: Payload) -> Event {
    Event {
        position,
        kind: motcua_platform::feed::kind_of(&payload).into(),
        name: format!("dossiers/{dossier}"),
        dossier: dossier.to_owned(),
        agency: "11593".to_owned(),
        procedure: "1.000656".to_owned(),
        payload: Some(payload),
        ..Event::default()
    }
}

/// The catalog that both dossiers stand under, as intake's history tells it.
pub(crate) fn catalog_applied(position: i64) -> Event {
    let catalog = Catalog {
        id: CATALOG.to_owned(),
        agencies: vec![Agency {
            code: "11593".to_owned(),
            title: "Trung tâm Phục vụ hành chính công phường Thí Dụ".to_owned(),
            kind: AgencyKind::Ward.into(),
            calendar: "test".to_owned(),
            ..Agency::default()
        }],
        procedures: vec![Procedure {
            code: "1.000656".to_owned(),
            title: "Đăng ký khai tử".to_owned(),
            field: "Hộ tịch".to_owned(),
            limit: Some(Limit {
                kind: Some(Kind::WorkingDayHalves(2)),
            }),
            definition: "registration".to_owned(),
            competent: AgencyKind::Ward.into(),
            ..Procedure::default()
        }],
        calendars: vec![Calendar {
            id: "test".to_owned(),
            ..Calendar::default()
        }],
        applied_at: None,
        effective_from: None,
    };
    let applied = CatalogApplied {
        catalog: Some(catalog),
    };
    Event {
        name: format!("catalogs/{CATALOG}"),
        dossier: String::new(),
        procedure: String::new(),
        ..event(position, "", Payload::CatalogApplied(applied))
    }
}

/// The neighbours: what they have said so far, what they know, and where they are.
pub(crate) struct Neighbours {
    intake_history: watch::Sender<Vec<Event>>,
    workflow_history: watch::Sender<Vec<Event>>,
    cases_begun: Arc<AtomicBool>,
    pub(crate) intake: String,
    pub(crate) workflow: String,
}

impl Neighbours {
    pub(crate) async fn serve(intake: Vec<Event>, workflow: Vec<Event>) -> Self {
        let (intake_history, workflow_history) =
            (watch::Sender::new(intake), watch::Sender::new(workflow));
        let feed = |source, history: &watch::Sender<_>| {
            EventFeedServiceServer::new(Feed {
                source,
                history: history.subscribe(),
            })
        };
        let cases_begun = Arc::new(AtomicBool::new(true));
        let cases = CaseServiceServer::new(Workflow {
            begun: Arc::clone(&cases_begun),
        });
        Self {
            intake: listen(
                Routes::new(feed("intake", &intake_history))
                    .add_service(DossierServiceServer::new(Intake)),
            )
            .await,
            workflow: listen(Routes::new(feed("workflow", &workflow_history)).add_service(cases))
                .await,
            intake_history,
            workflow_history,
            cases_begun,
        }
    }

    pub(crate) fn intake_says(&self, events: Vec<Event>) {
        self.intake_history
            .send_modify(|history| history.extend(events));
    }

    pub(crate) fn workflow_says(&self, events: Vec<Event>) {
        self.workflow_history
            .send_modify(|history| history.extend(events));
    }

    /// Whether workflow has come to the acceptances and has cases.
    pub(crate) fn cases_begun(&self, begun: bool) {
        self.cases_begun.store(begun, Ordering::SeqCst);
    }
}

async fn listen(routes: Routes) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(
        Server::builder()
            .add_routes(routes)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    url
}

struct Feed {
    source: &'static str,
    history: watch::Receiver<Vec<Event>>,
}

#[tonic::async_trait]
impl EventFeedService for Feed {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let SubscribeRequest {
            mut after, kinds, ..
        } = request.into_inner();
        let (source, mut history) = (self.source, self.history.clone());
        let (batches, stream) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                let batch = {
                    let history = history.borrow_and_update();
                    let head = head(&history);
                    SubscribeResponse {
                        source: source.to_owned(),
                        epoch: 1,
                        from: after + 1,
                        through: head,
                        head,
                        events: history
                            .iter()
                            .filter(|event| event.position > after && kinds.contains(&event.kind))
                            .cloned()
                            .collect(),
                    }
                };
                after = batch.through;
                if batches.send(Ok(batch)).await.is_err() || history.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_head(
        &self,
        _: Request<GetHeadRequest>,
    ) -> Result<Response<GetHeadResponse>, Status> {
        Ok(Response::new(GetHeadResponse {
            epoch: 1,
            position: head(&self.history.borrow()),
            ..GetHeadResponse::default()
        }))
    }
}

fn head(history: &[Event]) -> i64 {
    history.last().map_or(0, |event| event.position)
}

fn at(text: &str) -> Option<prost_types::Timestamp> {
    Some(motcua_platform::time::to_proto(text.parse().unwrap()))
}

struct Intake;

#[tonic::async_trait]
impl DossierService for Intake {
    async fn get_dossier(
        &self,
        request: Request<intake::GetDossierRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        let said = |name| {
            let value = request.metadata().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (service, purpose) = (said("motcua-service"), said("motcua-purpose"));
        assert!(
            service.is_some_and(|service| service.starts_with("notification.")),
            "asked under its own name"
        );
        let body = request.into_inner();
        let code = body.name.trim_start_matches("dossiers/");
        let method = match code {
            PLAIN => HandOverMethod::Counter,
            ELSEWHERE => HandOverMethod::Counter,
            HOME => HandOverMethod::Home,
            _ => return Err(Status::not_found("no such dossier")),
        };
        let full = body.view() == intake::DossierView::Full;
        assert_eq!(
            purpose.is_some_and(|purpose| purpose.starts_with("message ")),
            full,
            "who reads personal data says why"
        );
        let competent_agency = match code {
            ELSEWHERE => "11593-ca",
            _ => "11593",
        };
        Ok(Response::new(intake::Dossier {
            name: body.name.clone(),
            code: code.to_owned(),
            procedure: "1.000656".to_owned(),
            catalog: CATALOG.to_owned(),
            receiving_agency: "11593".to_owned(),
            competent_agency: competent_agency.to_owned(),
            hand_over_method: method.into(),
            submitted_at: at("2026-02-13T08:05:00Z"),
            received_at: at("2026-02-13T08:20:00Z"),
            due_at: at("2026-02-25T10:00:00Z"),
            result_ready_at: at("2026-02-24T03:30:00Z"),
            applicant: full.then(|| intake::Applicant {
                full_name: "Nguyễn Văn Thí Dụ".to_owned(),
                ..intake::Applicant::default()
            }),
            ..intake::Dossier::default()
        }))
    }

    async fn submit_dossier(
        &self,
        _: Request<intake::SubmitDossierRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn batch_submit_dossiers(
        &self,
        _: Request<intake::BatchSubmitDossiersRequest>,
    ) -> Result<Response<intake::BatchSubmitDossiersResponse>, Status> {
        Err(uncalled())
    }

    async fn list_dossiers(
        &self,
        _: Request<intake::ListDossiersRequest>,
    ) -> Result<Response<intake::ListDossiersResponse>, Status> {
        Err(uncalled())
    }

    async fn accept_dossier(
        &self,
        _: Request<intake::AcceptDossierRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn confirm_transfer(
        &self,
        _: Request<intake::ConfirmTransferRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn refuse_dossier(
        &self,
        _: Request<intake::RefuseDossierRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn request_supplement(
        &self,
        _: Request<intake::RequestSupplementRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn supplement_dossier(
        &self,
        _: Request<intake::SupplementDossierRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn withdraw_dossier(
        &self,
        _: Request<intake::WithdrawDossierRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn look_up_dossier(
        &self,
        _: Request<intake::LookUpDossierRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn recuse_staff(
        &self,
        _: Request<intake::RecuseStaffRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn hand_over_result(
        &self,
        _: Request<intake::HandOverResultRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn return_originals(
        &self,
        _: Request<intake::ReturnOriginalsRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }

    async fn record_failed_hand_over(
        &self,
        _: Request<intake::RecordFailedHandOverRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }
}

struct Workflow {
    begun: Arc<AtomicBool>,
}

#[tonic::async_trait]
impl CaseService for Workflow {
    async fn get_case(
        &self,
        request: Request<workflow::GetCaseRequest>,
    ) -> Result<Response<workflow::Case>, Status> {
        if !self.begun.load(Ordering::SeqCst) {
            return Err(Status::not_found("no such case"));
        }
        Ok(Response::new(workflow::Case {
            name: request.into_inner().name,
            first_due_at: at("2026-02-25T10:00:00Z"),
            due_at: at("2026-03-02T10:00:00Z"),
            extended: true,
            ..workflow::Case::default()
        }))
    }

    async fn list_cases(
        &self,
        _: Request<workflow::ListCasesRequest>,
    ) -> Result<Response<workflow::ListCasesResponse>, Status> {
        Err(uncalled())
    }

    async fn list_sub_cases(
        &self,
        _: Request<workflow::ListSubCasesRequest>,
    ) -> Result<Response<workflow::ListSubCasesResponse>, Status> {
        Err(uncalled())
    }

    async fn list_case_statements(
        &self,
        _: Request<workflow::ListCaseStatementsRequest>,
    ) -> Result<Response<workflow::ListCaseStatementsResponse>, Status> {
        Ok(Response::new(workflow::ListCaseStatementsResponse {
            statements: vec![workflow::CaseStatement {
                kind: workflow::CaseStatementKind::Apology.into(),
                revision: 1,
                text: "chưa có trả lời xác minh".to_owned(),
                ..workflow::CaseStatement::default()
            }],
        }))
    }

    async fn get_control_sheet(
        &self,
        _: Request<workflow::GetControlSheetRequest>,
    ) -> Result<Response<workflow::ControlSheet>, Status> {
        Err(uncalled())
    }

    async fn request_supplement(
        &self,
        _: Request<workflow::RequestSupplementRequest>,
    ) -> Result<Response<workflow::Case>, Status> {
        Err(uncalled())
    }

    async fn request_payment(
        &self,
        _: Request<workflow::RequestPaymentRequest>,
    ) -> Result<Response<workflow::Case>, Status> {
        Err(uncalled())
    }

    async fn extend_deadline(
        &self,
        _: Request<workflow::ExtendDeadlineRequest>,
    ) -> Result<Response<workflow::Case>, Status> {
        Err(uncalled())
    }

    async fn choose_limit(
        &self,
        _: Request<workflow::ChooseLimitRequest>,
    ) -> Result<Response<workflow::Case>, Status> {
        Err(uncalled())
    }

    async fn migrate_case(
        &self,
        _: Request<workflow::MigrateCaseRequest>,
    ) -> Result<Response<workflow::Case>, Status> {
        Err(uncalled())
    }

    async fn stop_case(
        &self,
        _: Request<workflow::StopCaseRequest>,
    ) -> Result<Response<workflow::Case>, Status> {
        Err(uncalled())
    }
}

fn uncalled() -> Status {
    Status::internal("notification never asks this")
}
