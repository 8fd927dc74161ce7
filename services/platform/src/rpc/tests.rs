//! A real server on a real port, with a service that behaves as the call's metadata ask.

mod tls;

use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc};

use futures::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Full};
use motcua_proto::events::v1::{
    GetHeadRequest, GetHeadResponse, ListFollowersRequest, SubscribeRequest, SubscribeResponse,
    event_feed_service_client::EventFeedServiceClient,
    event_feed_service_server::{EventFeedService, EventFeedServiceServer},
    follower_service_client::FollowerServiceClient,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
    task::JoinHandle,
};
use tonic::{Code, Request, Response, Status, body::Body};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;
use tower::{Service, ServiceExt};
use tracing::Instrument;

use super::*;
use crate::{
    clock::Clock,
    feed::Feed,
    position::{AFTER_METADATA, POSITION_METADATA},
    telemetry::{self, testing::recorded},
};

/// Longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const BEHAVIOUR: &str = "behaviour";

struct Obliging {
    arrived: mpsc::UnboundedSender<()>,
    release: Arc<Notify>,
}

#[tonic::async_trait]
impl EventFeedService for Obliging {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        _: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let first = stream::iter([Ok(SubscribeResponse::default())]);
        Ok(Response::new(Box::pin(first.chain(stream::pending()))))
    }

    async fn get_head(
        &self,
        request: Request<GetHeadRequest>,
    ) -> Result<Response<GetHeadResponse>, Status> {
        match request
            .metadata()
            .get(BEHAVIOUR)
            .map(|value| value.as_bytes())
        {
            Some(b"hold") => {
                self.arrived.send(()).unwrap();
                self.release.notified().await;
            }
            Some(b"hang") => {
                self.arrived.send(()).unwrap();
                std::future::pending::<()>().await;
            }
            Some(b"panic") => panic!("as the test asked"),
            Some(b"who") => {
                let peer = request.extensions().get::<PeerInfo>().unwrap();
                assert!(peer.address.unwrap().ip().is_loopback());
                return Ok(Response::new(GetHeadResponse {
                    source: peer.service.unwrap_or("nobody").to_owned(),
                    ..Default::default()
                }));
            }
            _ => {}
        }
        let source = telemetry::current_traceparent();
        let mut response = Response::new(GetHeadResponse {
            source,
            epoch: 3,
            position: 10,
            ..Default::default()
        });
        response
            .metadata_mut()
            .insert(POSITION_METADATA, "intake/3@4711".parse().unwrap());
        Ok(response)
    }
}

struct Served {
    address: SocketAddr,
    process: Local,
    health: Health,
    progress: Progress,
    drain: CancellationToken,
    arrived: mpsc::UnboundedReceiver<()>,
    release: Arc<Notify>,
    ended: JoinHandle<Result<(), Error>>,
}

impl Served {
    async fn start(limits: Limits) -> Self {
        Self::start_with(limits, None).await
    }

    async fn start_with(limits: Limits, tls: Option<Tls>) -> Self {
        recorded();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let drain = CancellationToken::new();
        let (tell, arrived) = mpsc::unbounded_channel();
        let release = Arc::new(Notify::new());
        let obliging = Obliging {
            arrived: tell,
            release: Arc::clone(&release),
        };
        let process = Local::draw().unwrap();
        let health = Health::serving("workflow").await;
        let intake = channel(&format!("http://{address}"), "workflow", "intake", None).unwrap();
        let progress = progress(intake.within(&process));
        let options = Options {
            service: "workflow",
            listener,
            tls,
            routes: Routes::new(EventFeedServiceServer::new(obliging)),
            gate: Gate::new(process.clone()),
            health: health.clone(),
            progress: progress.clone(),
            drain: drain.clone(),
            limits,
        };
        let ended = tokio::spawn(serve(options));
        Self {
            address,
            process,
            health,
            progress,
            drain,
            arrived,
            release,
            ended,
        }
    }

    fn peer(&self) -> Peer {
        self.stranger().within(&self.process)
    }

    /// Somebody who proves nothing.
    fn stranger(&self) -> Peer {
        channel(
            &format!("http://{}", self.address),
            "intake",
            "workflow",
            None,
        )
        .unwrap()
    }

    fn feed(&self) -> EventFeedServiceClient<Peer> {
        EventFeedServiceClient::new(self.peer())
    }

    /// A call that has arrived in its handler.
    async fn under_way(
        &mut self,
        behaviour: &'static str,
    ) -> JoinHandle<Result<Response<GetHeadResponse>, Status>> {
        let mut feed = self.feed();
        let call = tokio::spawn(async move { feed.get_head(asking(behaviour)).await });
        self.arrived.recv().await.unwrap();
        call
    }
}

fn progress(intake: Peer) -> Progress {
    // Never connected to: what is asked here is known without a database, or not known in time.
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(1);
    let pool = PgPoolOptions::new().connect_lazy_with(options.clone());
    let stopped = CancellationToken::new();
    stopped.cancel();
    let feed = Feed::start(
        "workflow",
        pool.clone(),
        options,
        Clock::system(),
        "SELECT 0::bigint",
        stopped,
    );
    Progress::new(feed, pool, [("intake", intake)])
}

fn asking(behaviour: &'static str) -> Request<GetHeadRequest> {
    let mut request = Request::new(GetHeadRequest {});
    request
        .metadata_mut()
        .insert(BEHAVIOUR, behaviour.parse().unwrap());
    request
}

fn after(positions: &'static str) -> Request<GetHeadRequest> {
    let mut request = Request::new(GetHeadRequest {});
    request
        .metadata_mut()
        .insert(AFTER_METADATA, positions.parse().unwrap());
    request
}

fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

fn prompt() -> Limits {
    Limits {
        lame_duck: Duration::ZERO,
        ..Limits::default()
    }
}

async fn patiently<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.unwrap()
}

/// Asks again until the answer is the wanted one.
async fn until<F, Fut>(mut holds: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    patiently(async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_drain_lets_accepted_calls_end_and_takes_no_new_ones() {
    let mut served = Served::start(prompt()).await;
    let held = served.under_way("hold").await;
    let mut watch = HealthClient::new(served.peer())
        .watch(HealthCheckRequest {
            service: String::new(),
        })
        .await
        .unwrap()
        .into_inner();
    let mut events = served
        .feed()
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    events.message().await.unwrap().unwrap();
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );

    served.drain.cancel();
    // Streams end, and say why, rather than hold up the stop.
    let last = patiently(events.message()).await.unwrap_err();
    assert_eq!(last.code(), Code::Unavailable);
    patiently(async { while watch.message().await.is_ok() {} }).await;
    let address = served.address;
    until(|| async move { TcpStream::connect(address).await.is_err() }).await;
    assert!(!served.ended.is_finished(), "a call is under way");

    served.release.notify_one();
    let answer = patiently(held).await.unwrap().unwrap();
    assert_eq!(answer.into_inner().position, 10);
    patiently(served.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn health_says_not_serving_before_connections_are_refused() {
    let served = Served::start(Limits {
        lame_duck: PATIENCE * 10,
        ..Limits::default()
    })
    .await;
    let mut health = HealthClient::new(served.peer());
    served.drain.cancel();
    until(|| {
        let mut health = health.clone();
        async move {
            let asked = HealthCheckRequest {
                service: "motcua.workflow.v1.CaseService".into(),
            };
            health.check(asked).await.unwrap().into_inner().status() == ServingStatus::NotServing
        }
    })
    .await;
    served.health.set("", true).await;
    let whole = health
        .check(HealthCheckRequest {
            service: String::new(),
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        whole.status(),
        ServingStatus::NotServing,
        "nothing serves again once it drains"
    );
    served.feed().get_head(GetHeadRequest {}).await.unwrap();
    served.ended.abort();
}

#[tokio::test]
async fn calls_that_outlast_the_drain_are_cut_with_a_status() {
    let mut served = Served::start(Limits {
        drain_time_max: Duration::from_millis(1),
        ..prompt()
    })
    .await;
    let hung = served.under_way("hang").await;
    served.drain.cancel();
    let status = patiently(hung).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.get_details_retry_info().is_some());
    patiently(served.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_position_comes_after_the_answer() {
    let served = Served::start(prompt()).await;
    // A clients' library merges both; on the wire they are apart.
    let answer = served.feed().get_head(GetHeadRequest {}).await.unwrap();
    assert_eq!(
        answer.metadata().get(POSITION_METADATA).unwrap(),
        "intake/3@4711"
    );

    let request = http::Request::post(format!(
        "http://{}/motcua.events.v1.EventFeedService/GetHead",
        served.address
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers")
    .body(Body::new(Full::new(bytes::Bytes::from_static(&[0; 5]))))
    .unwrap();
    let answer = served
        .peer()
        .ready()
        .await
        .unwrap()
        .call(request)
        .await
        .unwrap();
    assert!(!answer.headers().contains_key(POSITION_METADATA));
    let answer = answer.into_body().collect().await.unwrap();
    let trailers = answer.trailers().unwrap();
    assert_eq!(trailers[POSITION_METADATA], "intake/3@4711");
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn a_call_waits_for_what_it_must_see() {
    let served = Served::start(prompt()).await;
    for nonsense in ["intake", "nobody/3@1", "intake/3@11", "intake/2@1"] {
        let status = served.feed().get_head(after(nonsense)).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::InvalidArgument, "POSITION_INVALID"),
            "{nonsense}"
        );
    }

    let mut late = after("intake/3@7");
    late.set_timeout(Duration::from_millis(200));
    let status = served.feed().get_head(late).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "POSITION_NOT_REACHED")
    );
    assert!(status.get_details_retry_info().is_some());

    served
        .progress
        .update("intake", |step| (step.epoch, step.position) = (3, 7));
    served
        .feed()
        .get_head(after("intake/3@7,intake/3@5"))
        .await
        .unwrap();
}

#[tokio::test]
async fn too_many_calls_are_refused_at_once_and_probes_are_not() {
    let mut served = Served::start(Limits {
        calls_max: 1,
        streams_max: 1,
        ..prompt()
    })
    .await;
    let held = served.under_way("hold").await;
    let status = served.feed().get_head(GetHeadRequest {}).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::ResourceExhausted, "OVERLOADED")
    );
    assert!(
        status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .is_some()
    );
    HealthClient::new(served.peer())
        .check(HealthCheckRequest::default())
        .await
        .unwrap();

    // Streams are counted apart, for as long as they last.
    let stream = served
        .feed()
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap();
    let status = served
        .feed()
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    drop(stream);
    until(|| async {
        served
            .feed()
            .subscribe(SubscribeRequest::default())
            .await
            .is_ok()
    })
    .await;

    served.release.notify_one();
    held.await.unwrap().unwrap();
    served.feed().get_head(GetHeadRequest {}).await.unwrap();
}

#[tokio::test]
async fn a_panic_costs_its_own_call_and_nothing_else() {
    let served = Served::start(prompt()).await;
    let mut feed = served.feed();
    let status = feed.get_head(asking("panic")).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Internal, "INTERNAL")
    );
    assert!(!status.message().contains("as the test asked"));
    feed.get_head(GetHeadRequest {}).await.unwrap();
}

#[tokio::test]
async fn a_call_ends_by_the_callers_deadline_and_by_the_servers() {
    let served = Served::start(prompt()).await;
    let mut hasty = asking("hang");
    hasty.set_timeout(Duration::from_millis(100));
    let status = patiently(served.feed().get_head(hasty)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);

    let strict = Served::start(Limits {
        call_time_max: Duration::from_millis(20),
        ..prompt()
    })
    .await;
    let status = patiently(strict.feed().get_head(asking("hang")))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let mut events = strict
        .feed()
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    events.message().await.unwrap().unwrap();
    let open = timeout(Duration::from_millis(60), events.message()).await;
    assert!(
        open.is_err(),
        "a stream outlives the limit on calls: {open:?}"
    );
}

#[tokio::test]
async fn the_handler_works_under_the_callers_trace() {
    let recorded = recorded();
    let served = Served::start(prompt()).await;
    let caller = telemetry::batch_span("intake", "test");
    let trace = telemetry::traceparent(&caller)[3..35].to_owned();
    let answer = served
        .feed()
        .get_head(GetHeadRequest {})
        .instrument(caller)
        .await
        .unwrap();
    assert_eq!(answer.into_inner().source[3..35], trace);

    let of_trace = || {
        recorded
            .spans()
            .into_iter()
            .filter(|span| span.span_context.trace_id().to_string() == trace)
    };
    until(|| async { of_trace().count() == 3 }).await;
    let span = |kind| of_trace().find(|span| span.span_kind == kind).unwrap();
    let (made, taken) = (
        span(opentelemetry::trace::SpanKind::Client),
        span(opentelemetry::trace::SpanKind::Server),
    );
    assert_eq!(taken.parent_span_id, made.span_context.span_id());
    assert_eq!(taken.name, "motcua.events.v1.EventFeedService/GetHead");
    for span in [made, taken] {
        let code = span
            .attributes
            .iter()
            .find(|a| a.key.as_str() == "rpc.response.status_code")
            .unwrap();
        assert_eq!(code.value.as_str(), "OK");
    }
}

#[tokio::test]
async fn a_dossier_set_aside_shows_in_health() {
    let served = Served::start(prompt()).await;
    let mut watch = HealthClient::new(served.peer())
        .watch(HealthCheckRequest {
            service: "motcua.events.v1.FollowerService".into(),
        })
        .await
        .unwrap()
        .into_inner();
    for (parked, status) in [
        (0, ServingStatus::Serving),
        (1, ServingStatus::NotServing),
        (0, ServingStatus::Serving),
    ] {
        served
            .progress
            .update("intake", |step| step.parked = parked);
        assert_eq!(
            patiently(watch.message()).await.unwrap().unwrap().status(),
            status
        );
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut feed = EventFeedServiceClient::new(
        channel(&format!("http://{address}"), "intake", "workflow", None).unwrap(),
    );
    let status = patiently(feed.get_head(GetHeadRequest {}))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn who_proves_nothing_is_told_so_and_nothing_more() {
    let served = Served::start(prompt()).await;
    let foreign = served.stranger().within(&Local::draw().unwrap());
    let bearer = served.stranger().bearing("a.b.c").unwrap();
    for stranger in [served.stranger(), foreign, bearer] {
        let status = EventFeedServiceClient::new(stranger)
            .get_head(GetHeadRequest {})
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "UNAUTHENTICATED");
        assert_eq!(
            status.message(),
            "the credential is missing or proves nothing"
        );
    }
    // A probe has no credential.
    let health = HealthClient::new(served.stranger())
        .check(HealthCheckRequest::default())
        .await
        .unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving);
}

#[tokio::test]
async fn a_service_may_call_no_more_than_its_part_needs() {
    let served = Served::start(prompt()).await;
    // The method is not served here: the layer is asked first.
    let status = FollowerServiceClient::new(served.peer())
        .list_followers(ListFollowersRequest {})
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "METHOD_DENIED");
}

#[tokio::test]
async fn whoever_keeps_trying_is_slowed_down() {
    let served = Served::start(prompt()).await;
    let mut stranger = EventFeedServiceClient::new(served.stranger().bearing("a.b.c").unwrap());
    let limited = patiently(async {
        loop {
            let status = stranger.get_head(GetHeadRequest {}).await.unwrap_err();
            if status.code() == Code::ResourceExhausted {
                return status;
            }
        }
    })
    .await;
    assert_eq!(reason(&limited), "RATE_LIMITED");
    assert!(
        limited
            .get_details_retry_info()
            .and_then(|retry| retry.retry_delay)
            .is_some_and(|delay| delay > Duration::ZERO)
    );
}
