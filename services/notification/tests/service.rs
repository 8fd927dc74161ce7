//! The whole service on a real PostgreSQL, between an intake and a workflow that say what they are told to say.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod neighbours;

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use motcua_notification::{Channel, MIGRATIONS, SERVICE, Settings};
use motcua_platform::{
    clock::{Clock, Hand},
    database::Base,
    identity::{Principal, issuer::Issuer, mint::LIFETIME},
    position::Position,
    postgres::{DataDir, Options, Server as Postgres},
    progress::Progress,
    rpc::{self, Gate, Health, Limits, Local, Peer},
    service::{Peers, Surroundings},
    vault::{MasterFile, Vault},
};
use motcua_proto::{
    events::v1::{
        CaseStopped, DeadlineExtended, DossierAccepted, DossierSubmitted, Event, EventKind,
        ResultReady, SubscribeRequest, SubscribeResponse, event::Payload,
        event_feed_service_client::EventFeedServiceClient,
    },
    notification::v1::{
        GetMessageRequest, ListMessagesRequest, ListTemplatesRequest, Message, MessageState,
        SendMessageRequest, Template, UpdateTemplateRequest,
        message_service_client::MessageServiceClient,
        template_service_client::TemplateServiceClient,
    },
    r#type::v1::Role,
};
use neighbours::{ELSEWHERE, HOME, Neighbours, PLAIN, catalog_applied, event};
use prost::Message as _;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Code, Streaming};

const PATIENCE: Duration = Duration::from_secs(60);

/// Replicas of one database have one master key.
static MASTER: LazyLock<Arc<MasterFile>> =
    LazyLock::new(|| Arc::new(MasterFile::passing().unwrap()));

/// A running service and everything around it.
struct Suite {
    url: String,
    issuer: Issuer,
    process: Local,
    mail: PathBuf,
    hand: Hand,
    progress: Progress,
    drain: CancellationToken,
    tasks: TaskTracker,
}

impl Suite {
    async fn start(base: &Base, neighbours: &Neighbours, mail: PathBuf) -> Self {
        base.prepare(SERVICE, &MIGRATIONS).await.unwrap();
        let (clock, hand) = Clock::simulated("2026-02-13T08:30:00Z".parse().unwrap());
        let (drain, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (issuer, verifier) = Issuer::passing(&Clock::system()).await.unwrap();
        let process = Local::draw().unwrap();
        let peer = |url: &str, target| {
            rpc::channel(url, SERVICE, target, None)
                .unwrap()
                .within(&process)
        };
        let surroundings = Surroundings {
            options: base.service(SERVICE),
            reader: base.reader(SERVICE),
            vault: Vault::open(Arc::clone(&*MASTER) as _, &base.service(SERVICE), &clock)
                .await
                .unwrap(),
            clock,
            peers: Peers {
                intake: peer(&neighbours.intake, "intake"),
                workflow: peer(&neighbours.workflow, "workflow"),
                notification: peer("http://127.0.0.1:1", SERVICE),
            },
            drain: drain.clone(),
            tasks: tasks.clone(),
        };
        let settings = Settings {
            channel: Channel::File {
                directory: mail.clone(),
            },
        };
        let service = motcua_notification::start(surroundings, settings)
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (routes, progress) = (service.routes, service.progress);
        let options = rpc::Options {
            service: SERVICE,
            listener,
            tls: None,
            routes,
            gate: Gate::new(process.clone()).taking(verifier),
            health: Health::serving(SERVICE).await,
            progress: progress.clone(),
            drain: drain.clone(),
            limits: Limits {
                lame_duck: Duration::ZERO,
                ..Limits::default()
            },
        };
        tasks.spawn(async move { rpc::serve(options).await.unwrap() });
        tasks.close();
        Self {
            url,
            issuer,
            process,
            mail,
            hand,
            progress,
            drain,
            tasks,
        }
    }

    /// Waits until the effects of a neighbour's history, up to this position, are stored.
    async fn has_followed(&self, source: &str, position: i64) {
        let position = Position {
            source: source.to_owned(),
            epoch: 1,
            position,
        };
        self.progress.wait(&[position], PATIENCE).await.unwrap();
    }

    fn way(&self, service: &'static str) -> Peer {
        rpc::channel(&self.url, service, SERVICE, None).unwrap()
    }

    fn way_of(&self, id: &str, role: Role, agencies: &[&str]) -> Peer {
        let principal = Principal::of(id, &[role], agencies);
        let token = self.issuer.token(&principal, LIFETIME).unwrap();
        self.way("test").bearing(&token).unwrap()
    }

    /// For an officer of these agencies.
    fn messages_at(&self, agencies: &[&str]) -> MessageServiceClient<Peer> {
        MessageServiceClient::new(self.way_of("officer-11593-1", Role::Officer, agencies))
    }

    fn messages(&self) -> MessageServiceClient<Peer> {
        self.messages_at(&["11593"])
    }

    /// For the city's administrator.
    fn templates(&self) -> TemplateServiceClient<Peer> {
        TemplateServiceClient::new(self.way_of("administrator-1", Role::Administrator, &[]))
    }

    async fn history(&self, kinds: &[EventKind]) -> History {
        let stream = EventFeedServiceClient::new(self.way("statistics").within(&self.process))
            .subscribe(SubscribeRequest {
                kinds: kinds.iter().map(|kind| i32::from(*kind)).collect(),
                ..SubscribeRequest::default()
            })
            .await
            .unwrap()
            .into_inner();
        History {
            stream,
            seen: Vec::new(),
        }
    }

    async fn list(&self, request: ListMessagesRequest) -> (Vec<Message>, String) {
        let page = self
            .messages()
            .list_messages(request)
            .await
            .unwrap()
            .into_inner();
        (page.messages, page.next_page_token)
    }

    fn letter(&self, message: &Message) -> String {
        let id = message.name.strip_prefix("messages/").unwrap();
        fs::read_to_string(self.mail.join(format!("{id}.eml"))).unwrap()
    }

    /// Connections of clients must be gone, or the server waits for them.
    async fn stop(self) {
        self.drain.cancel();
        timeout(PATIENCE, self.tasks.wait())
            .await
            .expect("the service stops");
    }
}

/// Events as they arrive.
struct History {
    stream: Streaming<SubscribeResponse>,
    seen: Vec<Event>,
}

impl History {
    /// Waits until so many have come.
    async fn reaches(&mut self, count: usize) {
        let reading = async {
            while self.seen.len() < count {
                self.seen
                    .extend(self.stream.message().await.unwrap().unwrap().events);
            }
        };
        timeout(PATIENCE, reading)
            .await
            .unwrap_or_else(|_| panic!("{count} events were awaited"));
        assert_eq!(self.seen.len(), count, "{:?}", self.seen);
    }
}

async fn postgres() -> (Postgres, Base) {
    let server = Postgres::start(Options::new(DataDir::Temporary))
        .await
        .unwrap();
    let base = server.base_url().parse().unwrap();
    (server, base)
}

fn acts() -> Vec<Event> {
    vec![
        catalog_applied(1),
        event(
            2,
            PLAIN,
            Payload::DossierSubmitted(DossierSubmitted::default()),
        ),
        event(
            3,
            PLAIN,
            Payload::DossierAccepted(DossierAccepted::default()),
        ),
        event(4, HOME, Payload::ResultReady(ResultReady::default())),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_act_is_told_once_by_two_replicas_and_stays_told_after_a_restart() {
    let (server, base) = postgres().await;
    let home = tempfile::tempdir().unwrap();
    let neighbours = Neighbours::serve(acts(), Vec::new()).await;
    let suite = Suite::start(&base, &neighbours, home.path().join("mail")).await;
    let replica = Suite::start(&base, &neighbours, home.path().join("mail")).await;

    let mut sent = replica.history(&[EventKind::MessageSent]).await;
    sent.reaches(2).await;
    neighbours.workflow_says(vec![
        event(
            1,
            PLAIN,
            Payload::DeadlineExtended(DeadlineExtended::default()),
        ),
        event(2, HOME, Payload::CaseStopped(CaseStopped::default())),
    ]);
    sent.reaches(4).await;
    let (messages, _) = suite.list(ListMessagesRequest::default()).await;
    let told: Vec<_> = messages
        .iter()
        .map(|message| {
            (
                message.dossier.as_str(),
                message.template.as_str(),
                message.cause.as_str(),
            )
        })
        .collect();
    for expected in [
        (PLAIN, "receipt", "intake@3"),
        (HOME, "result-ready", "intake@4"),
        (PLAIN, "extension", "workflow@1"),
        (HOME, "stopped", "workflow@2"),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    assert!(
        messages
            .iter()
            .all(|message| message.state() == MessageState::Sent && message.attempts.len() == 1)
    );
    assert!(
        messages
            .iter()
            .all(|message| message.agency == "11593" && message.channel == "file")
    );

    let by = |template: &str| {
        suite.letter(
            messages
                .iter()
                .find(|message| message.template == template)
                .unwrap(),
        )
    };
    assert!(by("receipt").contains("Thời điểm hẹn trả kết quả: 17 giờ 00 phút, ngày 25/02/2026"));
    assert!(
        by("extension").contains("Thời điểm hẹn lại: 17 giờ 00 phút, ngày 02/03/2026"),
        "{}",
        by("extension")
    );
    assert!(
        by("extension").contains("Lý do chậm trễ: chưa có trả lời xác minh"),
        "{}",
        by("extension")
    );
    assert!(
        by("result-ready").contains("sẽ được mang đến nhà"),
        "a result that goes home has words of its own"
    );
    for event in &sent.seen {
        let bytes = event.encode_to_vec();
        assert!(
            !String::from_utf8_lossy(&bytes).contains("Thí Dụ"),
            "no personal data in events"
        );
    }
    drop(sent);
    replica.stop().await;
    suite.stop().await;

    // Another process reads the same histories: its cursor and the messages' ids say that all is told.
    let suite = Suite::start(&base, &neighbours, home.path().join("mail")).await;
    let mut queued = suite.history(&[EventKind::MessageQueued]).await;
    queued.reaches(4).await;
    let (messages, _) = suite.list(ListMessagesRequest::default()).await;
    assert_eq!(messages.len(), 4);
    drop(queued);
    suite.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_could_not_leave_is_sent_when_its_time_comes() {
    let (server, base) = postgres().await;
    let home = tempfile::tempdir().unwrap();
    let neighbours = Neighbours::serve(vec![catalog_applied(1)], Vec::new()).await;
    let suite = Suite::start(&base, &neighbours, home.path().join("mail")).await;
    suite.has_followed("intake", 1).await;
    let mut failed = suite.history(&[EventKind::MessageFailed]).await;
    let mut sent = suite.history(&[EventKind::MessageSent]).await;

    fs::remove_dir(&suite.mail).unwrap();
    let request = SendMessageRequest {
        dossier: PLAIN.to_owned(),
        template: "receipt".to_owned(),
        request_id: "0197f3a0-0000-7000-8000-000000000001".to_owned(),
        ..SendMessageRequest::default()
    };
    let message = suite
        .messages()
        .send_message(request.clone())
        .await
        .unwrap()
        .into_inner();
    failed.reaches(1).await;
    fs::create_dir(&suite.mail).unwrap();
    suite.hand.set("2026-02-13T08:31:00Z".parse().unwrap());
    sent.reaches(1).await;

    let again = suite
        .messages()
        .send_message(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        again.name, message.name,
        "the same request is the same message"
    );
    let get = GetMessageRequest {
        name: message.name.clone(),
    };
    let shown = suite
        .messages()
        .get_message(get)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        failures(&shown),
        ["the file cannot be written: entity not found", ""]
    );
    assert_eq!(shown.state(), MessageState::Sent);
    assert!(suite.letter(&shown).contains(PLAIN));
    drop((failed, sent));
    suite.stop().await;
    server.stop().await.unwrap();
}

/// What each attempt failed of; empty for one that did not.
fn failures(message: &Message) -> Vec<&str> {
    message
        .attempts
        .iter()
        .map(|attempt| attempt.failure.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_for_a_case_and_a_catalog_that_lag_behind() {
    let (server, base) = postgres().await;
    let home = tempfile::tempdir().unwrap();
    let extended = event(
        1,
        PLAIN,
        Payload::DeadlineExtended(DeadlineExtended::default()),
    );
    let neighbours = Neighbours::serve(Vec::new(), vec![extended]).await;
    neighbours.cases_begun(false);
    let suite = Suite::start(&base, &neighbours, home.path().join("mail")).await;
    let mut failed = suite.history(&[EventKind::MessageFailed]).await;
    let mut sent = suite.history(&[EventKind::MessageSent]).await;

    failed.reaches(1).await;
    neighbours.cases_begun(true);
    suite.hand.set("2026-02-13T08:31:00Z".parse().unwrap());
    failed.reaches(2).await;
    neighbours.intake_says(vec![catalog_applied(1)]);
    suite.has_followed("intake", 1).await;
    suite.hand.set("2026-02-13T08:36:00Z".parse().unwrap());
    sent.reaches(1).await;

    let (messages, _) = suite.list(ListMessagesRequest::default()).await;
    assert_eq!(
        failures(&messages[0]),
        [
            "workflow has not begun the dossier's case yet",
            "catalog test-2026 has not arrived from intake yet",
            ""
        ]
    );
    let letter = suite.letter(&messages[0]);
    for title in [
        "Đăng ký khai tử",
        "Trung tâm Phục vụ hành chính công phường Thí Dụ",
    ] {
        assert!(letter.contains(title), "{letter}");
    }
    drop((failed, sent));
    suite.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_offices_own_words_are_used_and_bad_requests_hear_everything_at_once() {
    let (server, base) = postgres().await;
    let home = tempfile::tempdir().unwrap();
    let neighbours = Neighbours::serve(vec![catalog_applied(1)], Vec::new()).await;
    let suite = Suite::start(&base, &neighbours, home.path().join("mail")).await;
    suite.has_followed("intake", 1).await;
    let mut sent = suite.history(&[EventKind::MessageSent]).await;

    let template = Template {
        name: "templates/receipt".to_owned(),
        subject: "Hồ sơ {{ dossier.code }}".to_owned(),
        body: "Chào {{ applicant.full_name }}".to_owned(),
        etag: "\"1\"".to_owned(),
        ..Template::default()
    };
    let update = |template: Template| UpdateTemplateRequest {
        template: Some(template),
        request_id: String::new(),
    };
    let written = suite
        .templates()
        .update_template(update(template.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (written.version, written.body.as_str()),
        (2, "Chào {{ applicant.full_name }}")
    );
    let stale = suite
        .templates()
        .update_template(update(template))
        .await
        .unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let list = ListTemplatesRequest {
        page_size: 4,
        ..ListTemplatesRequest::default()
    };
    let first = suite
        .templates()
        .list_templates(list)
        .await
        .unwrap()
        .into_inner();
    let rest = ListTemplatesRequest {
        page_token: first.next_page_token,
        ..ListTemplatesRequest::default()
    };
    let rest = suite
        .templates()
        .list_templates(rest)
        .await
        .unwrap()
        .into_inner();
    let ids: Vec<_> = first
        .templates
        .iter()
        .chain(&rest.templates)
        .map(|template| template.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "branch-refused",
            "extension",
            "limit",
            "new-date",
            "payment",
            "payment-reminder",
            "receipt",
            "refusal",
            "result-ready",
            "result-ready-home",
            "stopped",
            "supplement",
            "supplement-reminder",
            "visit",
            "withdrawn"
        ]
    );

    let send = |dossier: &str, template: &str| SendMessageRequest {
        dossier: dossier.to_owned(),
        template: template.to_owned(),
        ..SendMessageRequest::default()
    };
    for dossier in [PLAIN, HOME, PLAIN] {
        suite
            .messages()
            .send_message(send(dossier, "receipt"))
            .await
            .unwrap();
    }
    sent.reaches(3).await;
    let page = ListMessagesRequest {
        page_size: 1,
        dossier: PLAIN.to_owned(),
        ..ListMessagesRequest::default()
    };
    let (first, token) = suite.list(page.clone()).await;
    let (second, end) = suite
        .list(ListMessagesRequest {
            page_token: token,
            ..page
        })
        .await;
    assert_ne!(first[0].name, second[0].name);
    assert_eq!(end, "");
    assert!(
        suite
            .letter(&first[0])
            .ends_with("Chào Nguyễn Văn Thí Dụ\r\n")
    );
    let states = |states: Vec<MessageState>| ListMessagesRequest {
        states: states.into_iter().map(i32::from).collect(),
        ..ListMessagesRequest::default()
    };
    assert_eq!(
        suite
            .list(states(vec![MessageState::Sent, MessageState::Failed]))
            .await
            .0
            .len(),
        3
    );
    assert_eq!(
        suite.list(states(vec![MessageState::Queued])).await.0.len(),
        0
    );

    let nonsense = SendMessageRequest {
        request_id: "seven".to_owned(),
        ..send("a b", "none")
    };
    let refused = suite.messages().send_message(nonsense).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    for field in ["dossier", "template", "request_id"] {
        assert!(refused.message().contains(field), "{}", refused.message());
    }
    let missing = suite
        .messages()
        .send_message(send("H24.11593-260213-9999", "receipt"))
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    drop(sent);
    suite.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_to_its_agency_and_nobody_writes_about_what_they_do_not_see() {
    let (server, base) = postgres().await;
    let home = tempfile::tempdir().unwrap();
    let neighbours = Neighbours::serve(acts(), Vec::new()).await;
    let suite = Suite::start(&base, &neighbours, home.path().join("mail")).await;
    let mut sent = suite.history(&[EventKind::MessageSent]).await;
    sent.reaches(2).await;
    let list = |dossier: &str, states: &[MessageState]| ListMessagesRequest {
        dossier: dossier.to_owned(),
        states: states.iter().map(|state| i32::from(*state)).collect(),
        ..ListMessagesRequest::default()
    };
    let (messages, _) = suite.list(ListMessagesRequest::default()).await;
    let get = GetMessageRequest {
        name: messages[0].name.clone(),
    };
    for (agencies, found) in [
        (&["11593"][..], 2),
        (&["11407", "11593"], 2),
        (&["11407"], 0),
        (&[], 0),
    ] {
        let mut client = suite.messages_at(agencies);
        for (request, count) in [
            (list("", &[]), found),
            (list("", &[MessageState::Sent, MessageState::Failed]), found),
            (list(PLAIN, &[]), found / 2),
        ] {
            let listed = client.list_messages(request).await.unwrap().into_inner();
            assert_eq!(listed.messages.len(), count, "{agencies:?}");
        }
        let shown = client.get_message(get.clone()).await;
        if found > 0 {
            shown.unwrap();
        } else {
            let missing = shown.unwrap_err();
            assert_eq!(missing.code(), Code::NotFound);
            assert_eq!(missing.message(), format!("{} does not exist", get.name));
        }
    }
    let send = |dossier: &str| SendMessageRequest {
        dossier: dossier.to_owned(),
        template: "receipt".to_owned(),
        ..SendMessageRequest::default()
    };
    // Received at 11593, decided at 11593-ca, and nothing to 11407.
    for (agencies, behalf) in [
        (&["11593", "11593-ca"][..], Some("11593")),
        (&["11593-ca"], Some("11593-ca")),
        (&["11407"], None),
    ] {
        let mut client = suite.messages_at(agencies);
        let answer = client.send_message(send(ELSEWHERE)).await;
        match behalf {
            Some(agency) => assert_eq!(answer.unwrap().into_inner().agency, agency),
            None => {
                let refused = answer.unwrap_err();
                assert_eq!(refused.code(), Code::NotFound);
                let name = format!("dossiers/{ELSEWHERE}");
                assert_eq!(refused.message(), format!("{name} does not exist"));
                let unknown = "H24.11593-260213-9999";
                let refused = client.send_message(send(unknown)).await.unwrap_err();
                let name = format!("dossiers/{unknown}");
                assert_eq!(refused.message(), format!("{name} does not exist"));
            }
        }
    }
    drop(sent);
    suite.stop().await;
    server.stop().await.unwrap();
}
