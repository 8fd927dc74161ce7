//! An intake that tells a history which the test writes as it goes.

use std::pin::Pin;

use jiff::Timestamp;
use motcua_platform::{feed::kind_of, time::to_proto};
use motcua_proto::{
    events::v1::{
        CatalogApplied, DossierAccepted, DossierWithdrawn, Event, GetHeadRequest, GetHeadResponse,
        StaffRecused, SubscribeRequest, SubscribeResponse, SupplementProvided,
        event::Payload,
        event_feed_service_server::{EventFeedService, EventFeedServiceServer},
    },
    r#type::v1::{Catalog, PriorityGround},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{TcpListenerStream, WatchStream},
};
use tonic::{Request, Response, Status, transport::Server};

use crate::world::at;

/// Its history; cheap to clone.
#[derive(Clone)]
pub(crate) struct Intake(watch::Sender<Vec<Event>>);

impl Intake {
    pub(crate) async fn serve() -> (Self, String) {
        let intake = Self(watch::Sender::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = EventFeedServiceServer::new(intake.clone());
        tokio::spawn(
            Server::builder()
                .add_service(server)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        (intake, url)
    }

    fn says(&self, dossier: &str, procedure: &str, payload: Payload) {
        self.0.send_modify(|events| {
            events.push(Event {
                position: i64::try_from(events.len()).unwrap() + 1,
                kind: kind_of(&payload).into(),
                name: format!("dossiers/{dossier}"),
                dossier: dossier.to_owned(),
                agency: "11593".to_owned(),
                procedure: procedure.to_owned(),
                payload: Some(payload),
                ..Event::default()
            });
        });
    }

    pub(crate) fn applies(&self, catalog: Catalog) {
        self.says(
            "",
            "",
            Payload::CatalogApplied(CatalogApplied {
                catalog: Some(catalog),
            }),
        );
    }

    /// A dossier of Tuesday 1 July, 08:00, with three working days.
    pub(crate) fn accepts(
        &self,
        dossier: &str,
        procedure: &str,
        definition: &str,
        priority: PriorityGround,
    ) {
        let accepted = accepted(definition, priority);
        self.says(dossier, procedure, Payload::DossierAccepted(accepted));
    }

    /// Dossiers of one moment whose limit passes in another.
    pub(crate) fn accepts_all(&self, dossiers: &[String], judged_until: Timestamp) {
        let accepted = DossierAccepted {
            due_at: Some(to_proto(judged_until)),
            judged_until: Some(to_proto(judged_until)),
            ..accepted("simple", PriorityGround::Unspecified)
        };
        for dossier in dossiers {
            let payload = Payload::DossierAccepted(accepted.clone());
            self.says(dossier, "1.000001", payload);
        }
    }

    pub(crate) fn recuses(&self, dossier: &str, principal: &str) {
        let recused = StaffRecused {
            principal: principal.to_owned(),
        };
        self.says(dossier, "1.000001", Payload::StaffRecused(recused));
    }

    pub(crate) fn is_given_a_supplement(&self, dossier: &str, moment: &str) {
        let provided = SupplementProvided {
            provided_at: Some(to_proto(at(moment))),
            during_case: true,
            statement_revision: 1,
            ..SupplementProvided::default()
        };
        self.says(dossier, "1.000001", Payload::SupplementProvided(provided));
    }

    pub(crate) fn ends_by_withdrawal(&self, dossier: &str, moment: &str) {
        let withdrawn = DossierWithdrawn {
            statement_revision: 1,
            accepted: true,
            withdrawn_at: Some(to_proto(at(moment))),
        };
        self.says(dossier, "1.000001", Payload::DossierWithdrawn(withdrawn));
    }
}

/// What a receipt of Tuesday 1 July, 08:00, says, with three working days.
fn accepted(definition: &str, priority: PriorityGround) -> DossierAccepted {
    DossierAccepted {
        received_at: Some(to_proto(at("2025-07-01T08:00"))),
        due_at: Some(to_proto(at("2025-07-04T17:00"))),
        judged_until: Some(to_proto(at("2025-07-05T00:00"))),
        limit: Some(crate::world::three_days()),
        catalog: "summer".to_owned(),
        definition: definition.to_owned(),
        receiving_agency: "11593".to_owned(),
        competent_agency: "11593".to_owned(),
        priority: priority.into(),
        options: vec!["funeral_costs".to_owned()],
        ..DossierAccepted::default()
    }
}

#[tonic::async_trait]
impl EventFeedService for Intake {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let mut after = request.into_inner().after;
        let batches = WatchStream::new(self.0.subscribe()).map(move |events| {
            let head = i64::try_from(events.len()).unwrap();
            let from = after + 1;
            let events = events
                .into_iter()
                .filter(|event| event.position >= from)
                .collect();
            after = head;
            Ok(SubscribeResponse {
                source: "intake".to_owned(),
                epoch: 1,
                from,
                through: head,
                head,
                events,
            })
        });
        Ok(Response::new(Box::pin(batches)))
    }

    async fn get_head(
        &self,
        _: Request<GetHeadRequest>,
    ) -> Result<Response<GetHeadResponse>, Status> {
        Ok(Response::new(GetHeadResponse {
            source: "intake".to_owned(),
            epoch: 1,
            position: i64::try_from(self.0.borrow().len()).unwrap(),
            ..GetHeadResponse::default()
        }))
    }
}
