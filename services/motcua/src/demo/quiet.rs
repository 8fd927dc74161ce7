//! When is the suite quiet? When every follower has stored the effects of everything that happened, no timer is due and
//! no message waits: only then may the clock be moved.

use std::{collections::BTreeMap, time::Duration};

use futures::future::try_join_all;
use motcua_platform::position::AFTER_METADATA;
use motcua_proto::events::v1::{
    Follower, GetHeadRequest, GetHeadResponse, ListFollowersRequest,
    event_feed_service_client::EventFeedServiceClient,
    follower_service_client::FollowerServiceClient,
};
use tokio::time::{Instant, sleep};
use tonic::{Code, Request, Status, metadata::MetadataValue};

use crate::{Failed, identities::Line};

/// How long a suite that is not busy may take. Real time: it is transport and disk that are waited for.
const QUIET_TIME_MAX: Duration = Duration::from_secs(60);
/// Between two looks at work that nobody can wait for: timers, messages.
const LOOK_AGAIN: Duration = Duration::from_millis(3);
/// So many times quiet, and somebody looks whether a dossier was set aside.
const LOOK_FOR_PARKED_EVERY: u32 = 50;

/// The last position of each service's history.
pub(super) type Heads = BTreeMap<String, i64>;

/// Looks at all services.
#[derive(Debug)]
pub(super) struct Quiet {
    services: Vec<Probe>,
    times_quiet: u32,
}

/// The way to look at one service.
#[derive(Debug, Clone)]
struct Probe {
    name: &'static str,
    feed: EventFeedServiceClient<Line>,
    followers: FollowerServiceClient<Line>,
    /// Whom it follows.
    sources: Vec<String>,
}

impl Quiet {
    pub(super) async fn new(
        services: impl IntoIterator<Item = (&'static str, Line)>,
    ) -> Result<Self, Status> {
        let mut probes = Vec::new();
        for (name, channel) in services {
            let mut probe = Probe {
                name,
                feed: EventFeedServiceClient::new(channel.clone()),
                followers: FollowerServiceClient::new(channel),
                sources: Vec::new(),
            };
            let followers = probe.followed().await?;
            probe.sources = followers
                .into_iter()
                .map(|follower| follower.source)
                .collect();
            probes.push(probe);
        }
        Ok(Self {
            services: probes,
            times_quiet: 0,
        })
    }

    /// Waits until the suite is quiet, and says where the histories then stand.
    ///
    /// Each service is asked for its head once it has stored the effects of all that its sources had done when they
    /// were asked: it waits by itself, and nobody has to ask again and again. Where two passes find the same heads and
    /// nothing due in either, nothing is under way.
    pub(super) async fn settle(&mut self) -> Result<Heads, Failed> {
        let deadline = Instant::now() + QUIET_TIME_MAX;
        let mut before = self.heads(&[]).await?;
        loop {
            let busy = match self.heads(&before).await {
                Ok(after) => {
                    let same = positions(&before) == positions(&after);
                    let busy = pending(&before).or_else(|| pending(&after));
                    before = after;
                    match busy {
                        None if same => break,
                        None => continue,
                        Some(busy) if same => busy,
                        Some(_) => continue,
                    }
                }
                // It took longer than a service waits: where a dossier is set aside or a follower stands, it says so.
                Err(status) if status.code() == Code::Unavailable => {
                    self.look_for_parked().await?;
                    status.message().to_owned()
                }
                Err(status) => return Err(status.into()),
            };
            if Instant::now() >= deadline {
                return Err(Failed::new(format!(
                    "the suite is not quiet after {} s: {busy}",
                    QUIET_TIME_MAX.as_secs()
                )));
            }
            sleep(LOOK_AGAIN).await;
        }
        self.times_quiet += 1;
        if self.times_quiet.is_multiple_of(LOOK_FOR_PARKED_EVERY) {
            self.look_for_parked().await?;
        }
        Ok(positions(&before))
    }

    /// Every service's head, once the effects of these are stored.
    async fn heads(&self, after: &[GetHeadResponse]) -> Result<Vec<GetHeadResponse>, Status> {
        try_join_all(self.services.iter().map(|probe| {
            let mut feed = probe.feed.clone();
            let mut request = Request::new(GetHeadRequest {});
            for head in after
                .iter()
                .filter(|head| probe.sources.contains(&head.source))
            {
                let position = format!("{}/{}@{}", head.source, head.epoch, head.position);
                if let Ok(position) = MetadataValue::try_from(position) {
                    request.metadata_mut().append(AFTER_METADATA, position);
                }
            }
            async move { Ok(feed.get_head(request).await?.into_inner()) }
        }))
        .await
    }

    async fn look_for_parked(&self) -> Result<(), Failed> {
        for probe in &self.services {
            let followers = probe.clone().followed().await?;
            if let Some(what) = parked(probe.name, &followers) {
                return Err(Failed::new(format!(
                    "{what}; `motcua feed followers` shows it, its cause is in the suite's log"
                )));
            }
        }
        Ok(())
    }
}

impl Probe {
    async fn followed(&mut self) -> Result<Vec<Follower>, Status> {
        Ok(self
            .followers
            .list_followers(ListFollowersRequest {})
            .await?
            .into_inner()
            .followers)
    }
}

fn positions(heads: &[GetHeadResponse]) -> Heads {
    heads
        .iter()
        .map(|head| (head.source.clone(), head.position))
        .collect()
}

fn pending(heads: &[GetHeadResponse]) -> Option<String> {
    heads.iter().find(|head| head.pending > 0).map(|head| {
        format!(
            "{} has {} timers or messages due",
            head.source, head.pending
        )
    })
}

fn parked(service: &str, followers: &[Follower]) -> Option<String> {
    followers.iter().find_map(|follower| {
        let parked = follower.parked.first()?;
        Some(format!(
            "{service} has set {} aside: {} of {} cannot be processed: {}",
            parked.dossier, parked.position, follower.source, parked.reason
        ))
    })
}

#[cfg(test)]
mod tests {
    use motcua_proto::events::v1::ParkedDossier;

    use super::*;

    #[test]
    fn a_parked_dossier_is_named_with_its_service() {
        let parked_dossier = ParkedDossier {
            dossier: "H24.11593-250701-0007".into(),
            ..ParkedDossier::default()
        };
        let follower = Follower {
            source: "intake".into(),
            parked: vec![parked_dossier],
            ..Follower::default()
        };
        let named = parked("workflow", &[Follower::default(), follower]).unwrap();
        assert!(
            named.starts_with("workflow has set H24.11593-250701-0007 aside"),
            "{named}"
        );
        assert_eq!(parked("workflow", &[Follower::default()]), None);
    }

    #[test]
    fn what_is_due_is_named() {
        let head = GetHeadResponse {
            source: "notification".into(),
            pending: 2,
            ..GetHeadResponse::default()
        };
        assert_eq!(
            pending(&[head]).as_deref(),
            Some("notification has 2 timers or messages due")
        );
    }
}
