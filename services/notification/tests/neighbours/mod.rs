//! The services next door, as the test wants them: their histories, and the dossiers and cases that they show.

use std::pin::Pin;

use motcua_proto::{
    events::v1::{
        Event, GetHeadRequest, GetHeadResponse, SubscribeRequest, SubscribeResponse,
        event::Payload,
        event_feed_service_server::{EventFeedService, EventFeedServiceServer},
    },
    intake::v1 as intake,
    intake::v1::dossier_service_server::{DossierService, DossierServiceServer},
    r#type::v1::HandOverMethod,
    workflow::v1 as workflow,
    workflow::v1::case_service_server::{CaseService, CaseServiceServer},
};
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, service::Routes, transport::Server};

/// A dossier whose result is fetched at the counter.
pub(crate) const PLAIN: &str = "H24.11593-260213-0007";
/// A dossier whose result goes home.
pub(crate) const HOME: &str = "H24.11593-260213-0008";

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

/// What the neighbours will say, and, once served, where.
pub(crate) struct Neighbours {
    histories: [Vec<Event>; 2],
    pub(crate) intake: String,
    pub(crate) workflow: String,
}

impl Neighbours {
    pub(crate) fn new(intake: Vec<Event>, workflow: Vec<Event>) -> Self {
        Self {
            histories: [intake, workflow],
            intake: String::new(),
            workflow: String::new(),
        }
    }

    pub(crate) async fn serve(mut self) -> Self {
        let [intake, workflow] = std::mem::take(&mut self.histories);
        let feed = |source, events| EventFeedServiceServer::new(Feed { source, events });
        self.intake = listen(
            Routes::new(feed("intake", intake)).add_service(DossierServiceServer::new(Intake)),
        )
        .await;
        self.workflow = listen(
            Routes::new(feed("workflow", workflow)).add_service(CaseServiceServer::new(Workflow)),
        )
        .await;
        self
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
    events: Vec<Event>,
}

#[tonic::async_trait]
impl EventFeedService for Feed {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let SubscribeRequest { after, kinds, .. } = request.into_inner();
        let head = i64::try_from(self.events.len()).unwrap();
        let batch = SubscribeResponse {
            source: self.source.to_owned(),
            epoch: 1,
            from: after + 1,
            through: head,
            head,
            events: self
                .events
                .iter()
                .filter(|event| event.position > after && kinds.contains(&event.kind))
                .cloned()
                .collect(),
        };
        // Nothing new ever comes: the stream stays open.
        Ok(Response::new(Box::pin(
            tokio_stream::once(Ok(batch)).chain(tokio_stream::pending()),
        )))
    }

    async fn get_head(
        &self,
        _: Request<GetHeadRequest>,
    ) -> Result<Response<GetHeadResponse>, Status> {
        Err(Status::unavailable("not asked for in these tests"))
    }
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
        let actor = request
            .metadata()
            .get("motcua-actor")
            .and_then(|value| value.to_str().ok());
        assert_eq!(
            actor,
            Some("service/service-notification"),
            "asked under its own name"
        );
        let body = request.into_inner();
        let code = body.name.trim_start_matches("dossiers/");
        let method = match code {
            PLAIN => HandOverMethod::Counter,
            HOME => HandOverMethod::Home,
            _ => return Err(Status::not_found("no such dossier")),
        };
        let full = body.view() == intake::DossierView::Full;
        Ok(Response::new(intake::Dossier {
            name: body.name.clone(),
            code: code.to_owned(),
            procedure: "1.000656".to_owned(),
            receiving_agency: "11593".to_owned(),
            competent_agency: "11593".to_owned(),
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

    async fn hand_over_result(
        &self,
        _: Request<intake::HandOverResultRequest>,
    ) -> Result<Response<intake::Dossier>, Status> {
        Err(uncalled())
    }
}

struct Workflow;

#[tonic::async_trait]
impl CaseService for Workflow {
    async fn get_case(
        &self,
        request: Request<workflow::GetCaseRequest>,
    ) -> Result<Response<workflow::Case>, Status> {
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

    async fn extend_deadline(
        &self,
        _: Request<workflow::ExtendDeadlineRequest>,
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
