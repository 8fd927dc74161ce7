//! How far this service has followed others, for whoever waits for it (`motcua-after`) and whoever watches it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use motcua_proto::events::v1::{GetHeadRequest, event_feed_service_client::EventFeedServiceClient};
use sqlx::PgPool;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{error::Error, feed::Feed, position::Position, rpc::Peer};

/// Another replica may hold the lease: then only the row tells how far it has come.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How far one source has been followed, as this process knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The source's epoch; 0 before the first contact.
    pub epoch: i64,
    /// The last position whose effects are stored.
    pub position: i64,
    /// The source's head as last heard.
    pub head: i64,
    /// How many dossiers are set aside.
    pub parked: i64,
    /// What stops the follower now; empty when it runs.
    pub fault: String,
}

/// How far a service has followed each of its sources. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress {
    feed: Feed,
    pool: PgPool,
    sources: Arc<BTreeMap<&'static str, Source>>,
}

#[derive(Debug)]
struct Source {
    steps: watch::Sender<Step>,
    peer: Peer,
}

impl Progress {
    /// Knows the sources, each with the way to ask it where its head is.
    #[must_use]
    pub fn new(
        feed: Feed,
        pool: PgPool,
        sources: impl IntoIterator<Item = (&'static str, Peer)>,
    ) -> Self {
        let sources = sources
            .into_iter()
            .map(|(name, peer)| {
                (
                    name,
                    Source {
                        steps: watch::Sender::new(Step::default()),
                        peer,
                    },
                )
            })
            .collect();
        Self {
            feed,
            pool,
            sources: Arc::new(sources),
        }
    }

    /// The service's own history.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The sources and how far each has been followed.
    pub fn steps(&self) -> impl Iterator<Item = (&'static str, Step)> {
        self.sources
            .iter()
            .map(|(name, source)| (*name, source.steps.borrow().clone()))
    }

    /// How far one source has been followed; nowhere for one that is not.
    #[must_use]
    pub fn step(&self, source: &str) -> Step {
        self.sources
            .get(source)
            .map(|source| source.steps.borrow().clone())
            .unwrap_or_default()
    }

    /// Whether everything runs: no follower is stopped and no dossier is set aside.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.steps()
            .all(|(_, step)| step.parked == 0 && step.fault.is_empty())
    }

    /// Rings when a source's step changes.
    #[must_use]
    pub fn watch(&self, source: &str) -> Option<watch::Receiver<Step>> {
        self.sources
            .get(source)
            .map(|source| source.steps.subscribe())
    }

    pub(crate) fn update(&self, source: &str, change: impl FnOnce(&mut Step)) {
        if let Some(source) = self.sources.get(source) {
            source.steps.send_if_modified(|step| {
                let before = step.clone();
                change(step);
                *step != before
            });
        }
    }

    /// Waits until the effects of these positions are stored here, at most for `limit`.
    ///
    /// # Errors
    /// [`Error::PositionInvalid`] for a position of an unknown source, of another epoch or beyond the head;
    /// [`Error::PositionNotReached`] when it takes longer.
    pub async fn wait(&self, positions: &[Position], limit: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + limit;
        for position in positions {
            if position.source == self.feed.service() {
                let head = self.feed.head().await?;
                check(position, head.epoch, head.position)?;
                continue;
            }
            let Some(source) = self.sources.get(position.source.as_str()) else {
                return Err(invalid(
                    position,
                    "of a source that this service does not follow",
                ));
            };
            match timeout_at(deadline, self.reached(source, position)).await {
                Ok(reached) => reached?,
                Err(_) => {
                    return Err(Error::PositionNotReached {
                        position: position.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    async fn reached(&self, source: &Source, position: &Position) -> Result<(), Error> {
        if position.position == 0 {
            // Before anything happened: there is nothing to wait for.
            return Ok(());
        }
        let mut steps = source.steps.subscribe();
        let there =
            |step: &Step| step.epoch == position.epoch && step.position >= position.position;
        if there(&steps.borrow_and_update()) {
            return Ok(());
        }
        // Not there yet as this process knows it: a position that can never be reached is refused at once.
        let head = EventFeedServiceClient::new(source.peer.clone())
            .get_head(GetHeadRequest {})
            .await
            .map_err(|_| Error::PositionNotReached {
                position: position.to_string(),
            })?
            .into_inner();
        check(position, head.epoch, head.position)?;
        loop {
            if there(&steps.borrow_and_update()) || self.stored(position).await? {
                return Ok(());
            }
            tokio::time::timeout(LOOK_AGAIN, steps.changed()).await.ok();
        }
    }

    async fn stored(&self, position: &Position) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM follower WHERE source = $1 AND epoch = $2 AND position >= $3)",
        )
        .bind(&position.source)
        .bind(position.epoch)
        .bind(position.position)
        .fetch_one(&self.pool)
        .await?)
    }
}

fn invalid(position: &Position, why: &'static str) -> Error {
    Error::PositionInvalid {
        position: position.to_string(),
        why,
    }
}

fn check(position: &Position, epoch: i64, head: i64) -> Result<(), Error> {
    if position.epoch != epoch {
        return Err(invalid(
            position,
            "of another epoch: the source was restored or promoted",
        ));
    }
    if position.position > head {
        return Err(invalid(position, "beyond the source's head"));
    }
    Ok(())
}
