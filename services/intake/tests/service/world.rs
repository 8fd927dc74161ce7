//! A ward with its intake service, and what its people do.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use motcua_intake::{MIGRATIONS, SERVICE, start};
use motcua_platform::{
    clock::{Clock, Hand},
    database::{self, Base},
    identity::{Principal, issuer::Issuer, mint::LIFETIME},
    postgres::{DataDir, Options, Server},
    rpc::{self, Gate, Health, Limits, Local, Peer},
    service::{Peers, Surroundings},
    time::to_proto,
    vault::{MasterFile, Vault},
};
use motcua_proto::{
    events::v1::{
        Event, EventKind, GetHeadRequest, GetHeadResponse, SubscribeRequest, SubscribeResponse,
        event::Payload,
        event_feed_service_client::EventFeedServiceClient,
        event_feed_service_server::{EventFeedService, EventFeedServiceServer},
    },
    google::r#type::Date,
    intake::v1::{
        Applicant, ApplyCatalogRequest, ApplyCatalogResponse, Dossier, SubmitDossierRequest,
        catalog_service_client::CatalogServiceClient, dossier_service_client::DossierServiceClient,
        form_service_client::FormServiceClient, payment_service_client::PaymentServiceClient,
        visit_service_client::VisitServiceClient,
    },
    r#type::v1::{
        Agency, AgencyKind, Calendar, CalendarDay, CalendarDayKind, Catalog, Channel, Limit,
        Procedure, Role, SameDay, Session, limit::Kind,
    },
};
use sqlx::{Connection, Executor, PgConnection, PgPool, postgres::PgConnectOptions};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{OnceCell, mpsc, watch},
};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status, Streaming, metadata::MetadataValue};
use tonic_types::StatusExt;

static SERVER: OnceCell<Server> = OnceCell::const_new();
static WARDS: AtomicUsize = AtomicUsize::new(0);

/// How long anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A ward's intake service.
pub(crate) struct Ward {
    /// Where the content of documents lies.
    pub(crate) documents: TempDir,
    issuer: Issuer,
    /// Of the clock that tokens expire by.
    pub(crate) tokens: Hand,
    /// Nobody's way to the service.
    peer: Peer,
    pub(crate) dossiers: DossierServiceClient<Peer>,
    pub(crate) visits: VisitServiceClient<Peer>,
    pub(crate) payments: PaymentServiceClient<Peer>,
    pub(crate) forms: FormServiceClient<Peer>,
    pub(crate) catalogs: CatalogServiceClient<Peer>,
    pub(crate) pool: PgPool,
    pub(crate) reader: PgConnectOptions,
    owner: PgConnectOptions,
    pub(crate) hand: Hand,
    workflow: watch::Sender<Vec<Event>>,
    history: EventFeedServiceClient<Peer>,
    feed: Streaming<SubscribeResponse>,
    seen: Vec<Event>,
}

impl Ward {
    /// Opens on an empty database, on Tuesday, 1 July 2025, at eight.
    pub(crate) async fn opens() -> Self {
        let server = SERVER
            .get_or_init(|| async {
                Server::start(Options::new(DataDir::Temporary))
                    .await
                    .unwrap()
            })
            .await;
        let base: Base = server.base_url().parse().unwrap();
        let name = format!("ward{}", WARDS.fetch_add(1, Ordering::Relaxed));
        base.prepare(&name, &MIGRATIONS).await.unwrap();
        let options = base.service(&name);
        let (clock, hand) = Clock::simulated(at("2025-07-01T08:00:00"));
        let drain = CancellationToken::new();

        let (workflow, told) = watch::channel(Vec::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let workflow_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(EventFeedServiceServer::new(Workflow(told)))
                .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)),
        );

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let peer = |url: &str, target| rpc::channel(url, SERVICE, target, None).unwrap();
        let (tokens_clock, tokens) = Clock::simulated(Clock::system().now());
        let (issuer, verifier) = Issuer::passing(&tokens_clock).await.unwrap();
        let process = Local::draw().unwrap();
        let documents = tempfile::tempdir().unwrap();
        let service = start(
            Surroundings {
                options: options.clone(),
                reader: base.reader(&name),
                vault: Vault::open(Arc::new(MasterFile::passing().unwrap()), &options, &clock)
                    .await
                    .unwrap(),
                clock,
                peers: Peers {
                    intake: peer(&url, SERVICE),
                    workflow: peer(&workflow_url, "workflow"),
                    notification: peer(&url, "notification"),
                },
                drain: drain.clone(),
                tasks: TaskTracker::new(),
            },
            "https://tra-cuu.invalid/{code}",
            documents.path(),
        )
        .await
        .unwrap();
        tokio::spawn(rpc::serve(rpc::Options {
            service: SERVICE,
            listener,
            tls: None,
            routes: service.routes,
            gate: Gate::new(process).taking(verifier),
            health: Health::serving(SERVICE).await,
            progress: service.progress,
            drain,
            limits: Limits::default(),
        }));

        let peer = peer(&url, SERVICE);
        let of = |role, id: &str, agencies: &[&str]| {
            let principal = Principal::of(id, &[role], agencies);
            let token = issuer.token(&principal, LIFETIME).unwrap();
            peer.bearing(&token).unwrap()
        };
        let supervisor = of(Role::CitySupervisor, "supervisor-1", &[]);
        let clerk = of(Role::Receptionist, "receptionist-11593-1", &["11593"]);
        let visitor = of(Role::HomeVisitor, "visitor-11593-1", &["11593"]);
        let administrator = of(Role::Administrator, "administrator-1", &[]);
        let mut history = EventFeedServiceClient::new(supervisor);
        let feed = history
            .subscribe(SubscribeRequest::default())
            .await
            .unwrap()
            .into_inner();
        Self {
            payments: PaymentServiceClient::new(clerk.clone()),
            forms: FormServiceClient::new(clerk.clone()),
            dossiers: DossierServiceClient::new(clerk),
            visits: VisitServiceClient::new(visitor),
            catalogs: CatalogServiceClient::new(administrator),
            documents,
            issuer,
            tokens,
            peer,
            pool: database::pool(options),
            reader: base.reader(&name),
            owner: base.owner(&name),
            hand,
            workflow,
            history,
            feed,
            seen: Vec::new(),
        }
    }

    /// Somebody's way to the service.
    pub(crate) fn of(&self, role: Role, id: &str, agencies: &[&str]) -> Peer {
        let principal = Principal::of(id, &[role], agencies);
        let token = self.issuer.token(&principal, LIFETIME).unwrap();
        self.peer.bearing(&token).unwrap()
    }

    /// As if the second wall had never been built.
    pub(crate) async fn tear_down_the_wall_in_postgresql(&self) {
        let mut owner = PgConnection::connect_with(&self.owner).await.unwrap();
        owner
            .execute(
                "ALTER TABLE dossier DISABLE ROW LEVEL SECURITY; \
                 ALTER TABLE statement DISABLE ROW LEVEL SECURITY; \
                 ALTER TABLE event DISABLE ROW LEVEL SECURITY; \
                 CREATE OR REPLACE FUNCTION reaches(reach text, tenants text[]) RETURNS boolean \
                     LANGUAGE sql IMMUTABLE AS 'SELECT true'",
            )
            .await
            .unwrap();
        owner.close().await.unwrap();
    }

    /// Nobody's.
    pub(crate) fn of_nobody(&self) -> Peer {
        self.peer.clone()
    }

    /// Opens with its catalog.
    pub(crate) async fn ready() -> Self {
        let mut ward = Self::opens().await;
        ward.applies(catalog()).await.unwrap();
        ward
    }

    pub(crate) async fn applies(
        &mut self,
        catalog: Catalog,
    ) -> Result<ApplyCatalogResponse, Status> {
        let request = ApplyCatalogRequest {
            catalog: Some(catalog),
            ..ApplyCatalogRequest::default()
        };
        Ok(self.catalogs.apply_catalog(request).await?.into_inner())
    }

    pub(crate) async fn submits(
        &mut self,
        request: SubmitDossierRequest,
    ) -> Result<Dossier, Status> {
        Ok(self.dossiers.submit_dossier(request).await?.into_inner())
    }

    /// The case says something.
    pub(crate) fn case_says(&self, dossier: &Dossier, kind: EventKind, payload: Payload) {
        self.workflow.send_modify(|history| {
            let now = to_proto(at("2025-07-01T09:00:00"));
            history.push(Event {
                position: i64::try_from(history.len()).unwrap() + 1,
                kind: kind.into(),
                name: format!("cases/{}", dossier.code),
                dossier: dossier.code.clone(),
                occurred_at: Some(now),
                recorded_at: Some(now),
                payload: Some(payload),
                ..Event::default()
            });
        });
    }

    /// Waits for the next event of that kind in intake's own history.
    pub(crate) async fn hears(&mut self, kind: EventKind) -> Event {
        self.hears_what(kind, |_| true).await
    }

    /// The same, of that dossier.
    pub(crate) async fn hears_of(&mut self, dossier: &Dossier, kind: EventKind) -> Event {
        self.hears_what(kind, |event| event.dossier == dossier.code)
            .await
    }

    async fn hears_what(&mut self, kind: EventKind, is_it: impl Fn(&Event) -> bool) -> Event {
        let is_it = |event: &Event| event.kind() == kind && is_it(event);
        let waiting = async {
            loop {
                if let Some(place) = self.seen.iter().position(is_it) {
                    return self.seen.remove(place);
                }
                let batch = self.feed.message().await.unwrap().unwrap();
                self.seen.extend(batch.events);
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(event) => event,
            Err(_) => panic!("no {} in {PATIENCE:?}", kind.as_str_name()),
        }
    }

    /// Everything that happened to a resource.
    pub(crate) async fn history(&mut self, name: &str) -> Vec<Event> {
        let request = SubscribeRequest {
            until_head: true,
            ..SubscribeRequest::default()
        };
        let mut feed = self.history.subscribe(request).await.unwrap().into_inner();
        let mut events = Vec::new();
        while let Some(batch) = feed.message().await.unwrap() {
            events.extend(batch.events.into_iter().filter(|event| event.name == name));
        }
        events
    }
}

/// Workflow, as far as its history goes.
struct Workflow(watch::Receiver<Vec<Event>>);

#[tonic::async_trait]
impl EventFeedService for Workflow {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let (batches, stream) = mpsc::channel(1);
        let mut history = self.0.clone();
        let mut after = usize::try_from(request.into_inner().after).unwrap();
        tokio::spawn(async move {
            loop {
                let events = history
                    .borrow_and_update()
                    .get(after..)
                    .unwrap_or_default()
                    .to_vec();
                let through = after + events.len();
                if !events.is_empty() {
                    let number = |n: usize| i64::try_from(n).unwrap();
                    let batch = SubscribeResponse {
                        source: "workflow".to_owned(),
                        epoch: 1,
                        from: number(after) + 1,
                        through: number(through),
                        head: number(through),
                        events,
                    };
                    if batches.send(Ok(batch)).await.is_err() {
                        return;
                    }
                }
                after = through;
                if history.changed().await.is_err() {
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
        let position = i64::try_from(self.0.borrow().len()).unwrap();
        Ok(Response::new(GetHeadResponse {
            epoch: 1,
            position,
            ..GetHeadResponse::default()
        }))
    }
}

/// Why somebody reads.
pub(crate) const PURPOSE: &str = "gia đình hỏi kết quả";

/// The same, saying why.
pub(crate) fn stating<T>(body: T) -> Request<T> {
    let mut request = Request::new(body);
    request.metadata_mut().insert_bin(
        "motcua-purpose-bin",
        MetadataValue::from_bytes(PURPOSE.as_bytes()),
    );
    request
}

/// The fields that a request was refused for.
pub(crate) fn violated(status: &Status) -> Vec<String> {
    let details = status.get_details_bad_request().unwrap();
    let violations = details.field_violations.into_iter();
    violations.map(|violation| violation.field).collect()
}

/// The wall clock in Việt Nam.
pub(crate) fn at(local: &str) -> Timestamp {
    format!("{local}+07:00").parse().unwrap()
}

/// A death registration, sent in online.
pub(crate) fn registration() -> SubmitDossierRequest {
    SubmitDossierRequest {
        procedure: "1.000656".to_owned(),
        receiving_agency: "11593".to_owned(),
        channel: Channel::Portal.into(),
        applicant: Some(Applicant {
            full_name: "Nguyễn Thị Thử".to_owned(),
            phone: "0900000001".to_owned(),
            ..Applicant::default()
        }),
        request_id: uuid::Uuid::now_v7().to_string(),
        ..SubmitDossierRequest::default()
    }
}

/// A ward with its police.
pub(crate) fn catalog() -> Catalog {
    let agency = |code: &str, kind: AgencyKind, identifier: &str, parent: &str| Agency {
        code: code.to_owned(),
        title: format!("Đơn vị {code}"),
        kind: kind.into(),
        identifier: identifier.to_owned(),
        calendar: "test".to_owned(),
        parent: parent.to_owned(),
        due_hour: 0,
        ..Agency::default()
    };
    let sessions = (1..=5)
        .flat_map(|weekday| {
            [
                (weekday, 7 * 60, 11 * 60 + 30),
                (weekday, 13 * 60 + 30, 17 * 60),
            ]
        })
        .map(|(weekday, from_minute, to_minute)| Session {
            weekday,
            from_minute,
            to_minute,
            ..Session::default()
        })
        .collect();
    let procedure = |code: &str, kind: Kind| Procedure {
        code: code.to_owned(),
        title: format!("Thủ tục {code}"),
        fee_vnd: 8_000,
        field: "Hộ tịch".to_owned(),
        limit: Some(Limit { kind: Some(kind) }),
        definition: "registration".to_owned(),
        retention_days: 365,
        competent: AgencyKind::Ward.into(),
        ..Procedure::default()
    };
    Catalog {
        id: "test-2025".to_owned(),
        agencies: vec![
            agency("11593", AgencyKind::Ward, "H24.11593", ""),
            agency("11593-ca", AgencyKind::Police, "", "11593"),
            agency("12345", AgencyKind::Ward, "H24.12345", ""),
        ],
        procedures: vec![
            procedure(
                "1.000656",
                Kind::SameDay(SameDay {
                    cutoff_minute: 15 * 60,
                }),
            ),
            procedure("2.002622", Kind::WorkingDayHalves(6)),
        ],
        calendars: vec![Calendar {
            id: "test".to_owned(),
            sessions,
            days: vec![CalendarDay {
                date: Some(Date {
                    year: 2025,
                    month: 9,
                    day: 2,
                }),
                kind: CalendarDayKind::Holiday.into(),
                title: "Quốc khánh".to_owned(),
            }],
        }],
        applied_at: None,
        effective_from: None,
    }
}
