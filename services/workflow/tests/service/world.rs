//! A running workflow service with a PostgreSQL of its own, an intake, and a clock that the test moves.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, civil::DateTime};
use motcua_platform::{
    clock::{Clock, Hand},
    database::{self, Base},
    identity::{Principal, issuer::Issuer, mint::LIFETIME},
    postgres::{DataDir, Options, Server as Postgres},
    progress::Progress,
    rpc::{self, Gate, Health, Limits, Local, Peer},
    service::{Peers, Surroundings},
    vault::{MasterFile, Vault},
};
use motcua_proto::{
    events::v1::{
        Event, EventKind, SubscribeRequest, event_feed_service_client::EventFeedServiceClient,
    },
    r#type::v1::{
        Agency, AgencyKind, Calendar, Catalog, Limit, Procedure, Role, Session,
        limit::Kind as LimitKind,
    },
    workflow::v1::{
        Branch, CallStep, Definition, ForkStep, JoinStep, ListTasksRequest,
        PublishDefinitionRequest, Step, Task, TaskStep, Transition,
        case_service_client::CaseServiceClient, definition_service_client::DefinitionServiceClient,
        step::Kind, task_service_client::TaskServiceClient,
    },
};
use motcua_workflow::{MIGRATIONS, SERVICE};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::intake::Intake;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A wall clock reading in Việt Nam.
pub(crate) fn at(text: &str) -> Timestamp {
    motcua_calendar::instant(text.parse::<DateTime>().unwrap()).unwrap()
}

pub(crate) fn three_days() -> Limit {
    Limit {
        kind: Some(LimitKind::WorkingDayHalves(6)),
    }
}

pub(crate) struct World {
    pub(crate) intake: Intake,
    pub(crate) hand: Hand,
    pub(crate) pool: PgPool,
    /// Of an officer of the ward and its police.
    pub(crate) cases: CaseServiceClient<Peer>,
    pub(crate) tasks: TaskServiceClient<Peer>,
    /// Of a leader of the ward.
    pub(crate) leaders_cases: CaseServiceClient<Peer>,
    pub(crate) leaders_tasks: TaskServiceClient<Peer>,
    /// Of the city's administrator.
    pub(crate) definitions: DefinitionServiceClient<Peer>,
    issuer: Issuer,
    url: String,
    /// Of another service.
    peer: Peer,
    progress: Progress,
    drain: CancellationToken,
    tracker: TaskTracker,
    postgres: Postgres,
}

impl World {
    /// Tuesday 1 July 2025, 08:00, before anything has happened.
    /// On a clock that the test moves.
    pub(crate) async fn open() -> Self {
        let (clock, hand) = Clock::simulated(at("2025-07-01T08:00"));
        Self::under(clock, hand).await
    }

    /// On the machine's own clock, which nobody moves.
    pub(crate) async fn live() -> Self {
        let (_, hand) = Clock::simulated(at("2025-07-01T08:00"));
        Self::under(Clock::system(), hand).await
    }

    async fn under(clock: Clock, hand: Hand) -> Self {
        let postgres = Postgres::start(Options::new(DataDir::Temporary))
            .await
            .unwrap();
        let base: Base = postgres.base_url().parse().unwrap();
        base.prepare(SERVICE, &MIGRATIONS).await.unwrap();
        let (drain, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (intake, intake_url) = Intake::serve().await;
        let nobody = rpc::channel("http://127.0.0.1:1", SERVICE, "notification", None).unwrap();
        let service = motcua_workflow::start(Surroundings {
            options: base.service(SERVICE),
            reader: base.reader(SERVICE),
            vault: Vault::open(
                Arc::new(MasterFile::passing().unwrap()),
                &base.service(SERVICE),
                &clock,
            )
            .await
            .unwrap(),
            clock,
            peers: Peers {
                intake: rpc::channel(&intake_url, SERVICE, "intake", None).unwrap(),
                workflow: nobody.clone(),
                notification: nobody,
            },
            drain: drain.clone(),
            tasks: tracker.clone(),
        })
        .await
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (issuer, verifier) = Issuer::passing(&Clock::system()).await.unwrap();
        let process = Local::draw().unwrap();
        let options = rpc::Options {
            service: SERVICE,
            listener,
            tls: None,
            routes: service.routes,
            gate: Gate::new(process.clone()).taking(verifier),
            health: Health::serving(SERVICE).await,
            progress: service.progress.clone(),
            drain: drain.clone(),
            limits: Limits {
                lame_duck: Duration::ZERO,
                ..Limits::default()
            },
        };
        tracker.spawn(async move { rpc::serve(options).await.unwrap() });
        let way = |service| rpc::channel(&url, service, SERVICE, None).unwrap();
        let as_person = |id: &str, role, agencies: &[&str]| {
            let principal = Principal::of(id, &[role], agencies);
            let token = issuer.token(&principal, LIFETIME).unwrap();
            way("test").bearing(&token).unwrap()
        };
        let officer = as_person("officer-11593-1", Role::Officer, &["11593", "11593-ca"]);
        let leader = as_person("leader-11593-1", Role::Leader, &["11593", "11593-ca"]);
        let administrator = as_person("administrator-1", Role::Administrator, &[]);
        let peer = way("statistics").within(&process);
        Self {
            intake,
            hand,
            pool: database::pool(base.service(SERVICE)),
            cases: CaseServiceClient::new(officer.clone()),
            tasks: TaskServiceClient::new(officer),
            leaders_cases: CaseServiceClient::new(leader.clone()),
            leaders_tasks: TaskServiceClient::new(leader),
            definitions: DefinitionServiceClient::new(administrator),
            issuer,
            url,
            peer,
            progress: service.progress,
            drain,
            tracker,
            postgres,
        }
    }

    /// The way in for somebody else.
    pub(crate) fn way_of(&self, id: &str, roles: &[Role], agencies: &[&str]) -> Peer {
        self.way_of_group(id, roles, agencies, &[])
    }

    /// The way in for somebody of named groups.
    pub(crate) fn way_of_group(
        &self,
        id: &str,
        roles: &[Role],
        agencies: &[&str],
        groups: &[&str],
    ) -> Peer {
        let mut principal = Principal::of(id, roles, agencies);
        principal.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        let token = self.issuer.token(&principal, LIFETIME).unwrap();
        let way = rpc::channel(&self.url, "test", SERVICE, None).unwrap();
        way.bearing(&token).unwrap()
    }

    /// Waits until the effects of intake's whole history are stored.
    pub(crate) async fn has_followed(&self, position: i64) {
        let mut steps = self.progress.watch("intake").unwrap();
        tokio::time::timeout(PATIENCE, steps.wait_for(|step| step.position >= position))
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "stopped before {position}: {:?}",
                    self.progress.steps().collect::<Vec<_>>()
                )
            })
            .unwrap();
        assert!(
            self.progress.is_well(),
            "{:?}",
            self.progress.steps().collect::<Vec<_>>()
        );
    }

    /// The whole history so far; positions are dense.
    pub(crate) async fn history(&self) -> Vec<Event> {
        let mut stream = EventFeedServiceClient::new(self.peer.clone())
            .subscribe(SubscribeRequest {
                until_head: true,
                ..SubscribeRequest::default()
            })
            .await
            .unwrap()
            .into_inner();
        let mut events = Vec::new();
        while let Some(batch) = stream.message().await.unwrap() {
            events.extend(batch.events);
        }
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.position, i64::try_from(index).unwrap() + 1);
        }
        events
    }

    /// Waits until so many events of a kind were recorded.
    pub(crate) async fn waits_for_events(&self, kind: EventKind, count: usize) {
        let waiting = async {
            let mut stream = EventFeedServiceClient::new(self.peer.clone())
                .subscribe(SubscribeRequest {
                    kinds: vec![kind.into()],
                    ..SubscribeRequest::default()
                })
                .await
                .unwrap()
                .into_inner();
            let mut seen = 0;
            while seen < count {
                seen += stream.message().await.unwrap().unwrap().events.len();
            }
        };
        tokio::time::timeout(2 * PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{count} of {kind:?} never happen"));
    }

    /// Waits until a task is there.
    pub(crate) async fn has_task(&mut self, name: &str) -> Task {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let request = ListTasksRequest::default();
            let listed = self.tasks.list_tasks(request).await.unwrap().into_inner();
            if let Some(task) = listed.tasks.into_iter().find(|task| task.name == name) {
                return task;
            }
            assert!(tokio::time::Instant::now() < deadline, "{name} never opens");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until something of this kind has happened.
    pub(crate) async fn hears(&self, kind: EventKind) -> Event {
        let listening = async {
            let mut stream = EventFeedServiceClient::new(self.peer.clone())
                .subscribe(SubscribeRequest {
                    kinds: vec![kind.into()],
                    ..SubscribeRequest::default()
                })
                .await
                .unwrap()
                .into_inner();
            loop {
                if let Some(event) = stream.message().await.unwrap().unwrap().events.pop() {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, listening)
            .await
            .unwrap_or_else(|_| panic!("{kind:?} never happens"))
    }

    pub(crate) async fn publishes(
        &mut self,
        definition: Definition,
    ) -> Result<Definition, tonic::Status> {
        let request = PublishDefinitionRequest {
            definition: Some(definition),
            ..PublishDefinitionRequest::default()
        };
        self.definitions
            .publish_definition(request)
            .await
            .map(tonic::Response::into_inner)
    }

    pub(crate) async fn closes(self) {
        self.drain.cancel();
        drop((
            self.cases,
            self.tasks,
            self.leaders_cases,
            self.leaders_tasks,
            self.definitions,
            self.peer,
            self.progress,
        ));
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait())
            .await
            .unwrap();
        self.pool.close().await;
        self.postgres.stop().await.unwrap();
    }
}

fn task(id: &str, role: Role, transitions: &[(&str, &str)]) -> Step {
    let transitions = transitions
        .iter()
        .map(|(outcome, to)| Transition {
            outcome: (*outcome).into(),
            to: (*to).into(),
            at_most: 0,
        })
        .collect();
    Step {
        id: id.into(),
        kind: Some(Kind::Task(TaskStep {
            title: format!("Bước {id}"),
            role: role.into(),
            agency: 0,
            planned_minutes: 120,
            transitions,
            ..TaskStep::default()
        })),
    }
}

fn definition(id: &str, start: &str, steps: Vec<Step>) -> Definition {
    Definition {
        id: id.into(),
        title: "Quy trình".into(),
        start: start.into(),
        steps,
        ..Definition::default()
    }
}

/// Appraise, then sign.
pub(crate) fn simple() -> Definition {
    definition(
        "simple",
        "appraise",
        vec![
            task("appraise", Role::Officer, &[("done", "sign")]),
            task("sign", Role::Leader, &[("approved", ""), ("rejected", "")]),
        ],
    )
}

/// Register; then residence, and funeral costs where they are asked for; then issue.
pub(crate) fn death() -> Definition {
    let call = |id: &str, procedure: &str, agency: AgencyKind| Step {
        id: id.into(),
        kind: Some(Kind::Call(CallStep {
            procedure: procedure.into(),
            agency: agency.into(),
            to: "meet".into(),
            ..CallStep::default()
        })),
    };
    let branch = |to: &str, option: &str| Branch {
        to: to.into(),
        option: option.into(),
    };
    definition(
        "death",
        "register",
        vec![
            task(
                "register",
                Role::Officer,
                &[("registered", "both"), ("rejected", "")],
            ),
            Step {
                id: "both".into(),
                kind: Some(Kind::Fork(ForkStep {
                    branches: vec![branch("residence", ""), branch("funeral", "funeral_costs")],
                    join: "meet".into(),
                })),
            },
            call("residence", "1.004222", AgencyKind::Police),
            call("funeral", "1.001731", AgencyKind::Ward),
            Step {
                id: "meet".into(),
                kind: Some(Kind::Join(JoinStep { to: "issue".into() })),
            },
            task("issue", Role::Leader, &[("approved", "")]),
        ],
    )
}

pub(crate) fn catalog() -> Catalog {
    let agency = |code: &str, kind: AgencyKind, parent: &str| Agency {
        code: code.into(),
        title: "Đơn vị".into(),
        kind: kind.into(),
        calendar: "hai-phong".into(),
        parent: parent.into(),
        ..Agency::default()
    };
    let procedure = |code: &str, definition: &str, competent: AgencyKind| Procedure {
        code: code.into(),
        title: "Thủ tục".into(),
        field: "Hộ tịch".into(),
        limit: Some(three_days()),
        definition: definition.into(),
        competent: competent.into(),
        ..Procedure::default()
    };
    let sessions = (1..=5).flat_map(|weekday| {
        [(420, 690), (810, 1020)].map(|(from_minute, to_minute)| Session {
            weekday,
            from_minute,
            to_minute,
            ..Session::default()
        })
    });
    Catalog {
        id: "summer".into(),
        agencies: vec![
            agency("11593", AgencyKind::Ward, ""),
            agency("11593-ca", AgencyKind::Police, "11593"),
        ],
        procedures: vec![
            procedure("1.000001", "simple", AgencyKind::Ward),
            procedure("2.002622", "death", AgencyKind::Ward),
            procedure("1.004222", "simple", AgencyKind::Police),
            procedure("1.001731", "simple", AgencyKind::Ward),
        ],
        calendars: vec![Calendar {
            id: "hai-phong".into(),
            sessions: sessions.collect(),
            days: vec![],
        }],
        applied_at: None,
        effective_from: None,
    }
}
