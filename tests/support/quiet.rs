//! When has everything happened that was bound to happen?

use std::{collections::BTreeMap, time::Duration};

use motcua_proto::events::v1::{
    Event, Follower, GetHeadRequest, GetHeadResponse, ListFollowersRequest, SubscribeRequest,
    event_feed_service_client::EventFeedServiceClient,
    follower_service_client::FollowerServiceClient,
};
use tokio::time::Instant;
use tonic::Status;

use super::suite::{Service, Suite};

/// How long anything that a test waits for may take: real time.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(3);

/// Looks again and again until there is something to be seen. What was seen instead is said when it takes too long.
pub(crate) async fn wait_until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let mut patience = Patience::until(what);
    loop {
        match look().await {
            Ok(seen) => return seen,
            Err(seen) => patience.again(&seen).await,
        }
    }
}

/// The same for loops of tasks that are spawned, which cannot hold such a closure.
#[derive(Debug)]
pub(crate) struct Patience {
    what: String,
    deadline: Instant,
}

impl Patience {
    /// Waits until this.
    pub(crate) fn until(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            deadline: Instant::now() + LIMIT,
        }
    }

    /// Before another look; it was not so yet.
    pub(crate) async fn again(&mut self, seen: &str) {
        assert!(
            Instant::now() < self.deadline,
            "waited in vain until {}; it saw: {seen}",
            self.what
        );
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What stands in the way of being quiet.
enum Busy {
    /// It passes.
    Still(String),
    /// A dossier is set aside.
    Parked(String),
}

impl From<Status> for Busy {
    fn from(status: Status) -> Self {
        Self::Still(format!("a service does not answer: {}", status.message()))
    }
}

impl Suite {
    /// Waits until every follower is at its source's head and nothing is due, in two passes. A dossier that was set
    /// aside fails the test.
    pub(crate) async fn settle(&self) {
        self.settle_and(|parked| panic!("{parked}")).await;
    }

    /// The same, where a dossier is meant to be set aside.
    pub(crate) async fn settle_around_parked(&self) {
        self.settle_and(|_| ()).await;
    }

    async fn settle_and(&self, on_parked: impl Fn(String)) {
        wait_until("the suite is quiet", async || match self.is_quiet().await {
            Ok(()) => Ok(()),
            Err(Busy::Still(why)) => Err(why),
            Err(Busy::Parked(what)) => {
                on_parked(what);
                Ok(())
            }
        })
        .await;
    }

    async fn is_quiet(&self) -> Result<(), Busy> {
        let before = self.heads().await?;
        let mut parked = None;
        for service in Service::ALL {
            for follower in self.followers(service).await? {
                let head = before.get(&follower.source).copied().unwrap_or_default();
                if follower.position != head {
                    return Err(Busy::Still(format!(
                        "{} is at {} of {head} of {}; {}",
                        service.name(),
                        follower.position,
                        follower.source,
                        follower.fault,
                    )));
                }
                if let Some(aside) = follower.parked.first() {
                    parked = Some(format!(
                        "{} set {} aside: {}",
                        service.name(),
                        aside.dossier,
                        aside.reason
                    ));
                }
            }
        }
        if self.heads().await? != before {
            return Err(Busy::Still("something has just happened".to_owned()));
        }
        parked.map_or(Ok(()), |parked| Err(Busy::Parked(parked)))
    }

    /// The heads of the four histories, once nothing is due any more.
    async fn heads(&self) -> Result<BTreeMap<String, i64>, Busy> {
        let mut heads = BTreeMap::new();
        for service in Service::ALL {
            let head = self.ask_head(service).await?;
            if head.pending > 0 {
                return Err(Busy::Still(format!(
                    "{} has {} things due",
                    head.source, head.pending
                )));
            }
            heads.insert(head.source, head.position);
        }
        Ok(heads)
    }

    async fn ask_head(&self, service: Service) -> Result<GetHeadResponse, Status> {
        let mut feed = EventFeedServiceClient::new(self.peer(service));
        Ok(feed.get_head(GetHeadRequest {}).await?.into_inner())
    }

    /// Where a service's history stands.
    pub(crate) async fn head(&self, service: Service) -> GetHeadResponse {
        self.ask_head(service).await.expect("it answers")
    }

    /// How far a service has followed the others.
    pub(crate) async fn followers(&self, service: Service) -> Result<Vec<Follower>, Status> {
        let mut client = FollowerServiceClient::new(self.peer(service));
        Ok(client
            .list_followers(ListFollowersRequest {})
            .await?
            .into_inner()
            .followers)
    }

    /// A dossier's events in one service, in order; of all dossiers if the code is empty. Ranges without a hole are part
    /// of what is promised.
    pub(crate) async fn events(&self, service: Service, dossier: &str) -> Vec<Event> {
        let mut stream = EventFeedServiceClient::new(self.peer(service))
            .subscribe(SubscribeRequest {
                dossier: dossier.to_owned(),
                until_head: true,
                ..SubscribeRequest::default()
            })
            .await
            .expect("the feed answers")
            .into_inner();
        let (mut events, mut through) = (Vec::new(), 0);
        while let Some(batch) = stream.message().await.expect("the feed goes on") {
            assert_eq!(
                batch.from,
                through + 1,
                "{} left a hole in its history",
                batch.source
            );
            through = batch.through;
            events.extend(batch.events);
        }
        events
    }

    /// The kinds of a dossier's events in one service: `DossierSubmitted`, ….
    pub(crate) async fn kinds(&self, service: Service, dossier: &str) -> Vec<String> {
        let kind = |event: &Event| motcua_platform::telemetry::kind_name(event.kind()).to_string();
        self.events(service, dossier)
            .await
            .iter()
            .map(kind)
            .collect()
    }
}
