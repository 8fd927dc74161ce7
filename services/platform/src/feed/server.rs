//! The feed over gRPC.

use std::{pin::Pin, time::Duration};

use futures::Stream;
use motcua_proto::{
    events::v1::{
        EventKind, GetHeadRequest, GetHeadResponse, SubscribeRequest, SubscribeResponse,
        event_feed_service_server::EventFeedService,
    },
    r#type::v1::Role,
};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

use super::{BATCH_EVENTS_MAX, Feed, Filter};
use crate::{
    archive::Archive, call::Call, error::Error, identity::Kinds, parse::Fields, time::to_proto,
};

/// Without events, a reader hears so often that the stream lives; it is also the slow poll behind the notifications.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A reader that was given so many positions at once ...
const BUSY: i64 = 16;
/// ... is given the next ones after this pause: when many write, a moment later there is more to take in one transaction.
const GATHER: Duration = Duration::from_millis(40);
/// Batches that wait for a slow reader, at most.
const BATCHES_WAITING_MAX: usize = 2;
/// A batch also ends here, so that it fits a message.
const BATCH_BYTES_MAX: usize = 2 << 20;

/// Serves a [`Feed`]: to each reader what it may see of it. The ranges that it is told of are those of the whole history, so
/// that it knows how much it may have been spared, and no more.
#[derive(Debug, Clone)]
pub struct FeedServer {
    feed: Feed,
    archive: Archive,
}

impl FeedServer {
    /// Serves this history.
    #[must_use]
    pub fn new(feed: Feed, archive: Archive) -> Self {
        Self { feed, archive }
    }
}

/// The kinds that were asked for, as far as they were granted; none for every kind.
fn granted(call: &Call, asked: &[EventKind]) -> Option<Vec<i16>> {
    let number = |kind: &EventKind| i16::try_from(i32::from(*kind)).ok();
    let numbers = |kinds: &mut dyn Iterator<Item = &EventKind>| kinds.filter_map(number).collect();
    let granted = match call.principal().map(|principal| &principal.kinds) {
        Some(Kinds::Some(granted)) if call.actor.role() == Role::System => granted,
        _ if asked.is_empty() => return None,
        _ => return Some(numbers(&mut asked.iter())),
    };
    Some(if asked.is_empty() {
        numbers(&mut granted.iter())
    } else {
        numbers(&mut asked.iter().filter(|kind| granted.contains(kind)))
    })
}

#[tonic::async_trait]
impl EventFeedService for FeedServer {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let call = Call::enter(&request)?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        if request.after < 0 {
            fields.reject("after", "must not be negative");
        }
        let kinds: Option<Vec<EventKind>> = fields.choices("kinds", &request.kinds);
        for (index, agency) in request.agencies.iter().enumerate() {
            fields.id(&format!("agencies[{index}]"), agency);
        }
        fields.optional_line("dossier", &request.dossier);
        let kinds = fields.finish(kinds)?;
        let reader = Reader {
            feed: self.feed.clone(),
            archive: self.archive.clone(),
            after: request.after,
            epoch: request.epoch,
            filter: Filter {
                kinds: granted(&call, &kinds),
                agencies: request.agencies,
                dossier: request.dossier,
                scope: call.scope().clone(),
            },
            until_head: request.until_head,
        };
        let (batches, stream) = mpsc::channel(BATCHES_WAITING_MAX);
        tokio::spawn(reader.run(batches, call.lapsed()));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_head(
        &self,
        _: Request<GetHeadRequest>,
    ) -> Result<Response<GetHeadResponse>, Status> {
        let head = self.feed.head().await.map_err(Error::from)?;
        let pending = self.feed.pending().await.map_err(Error::from)?;
        Ok(Response::new(GetHeadResponse {
            source: self.feed.service.to_owned(),
            epoch: head.epoch,
            position: head.position,
            recorded_at: head.recorded_at.map(to_proto),
            pending,
            now: Some(to_proto(self.feed.clock.now())),
        }))
    }
}

struct Reader {
    feed: Feed,
    archive: Archive,
    after: i64,
    epoch: i64,
    filter: Filter,
    until_head: bool,
}

type Batches = mpsc::Sender<Result<SubscribeResponse, Status>>;

impl Reader {
    async fn run(mut self, batches: Batches, lapsed: impl Future<Output = ()>) {
        let drain = self.feed.drain.clone();
        tokio::select! {
            ended = self.tail(&batches) => {
                if let Err(status) = ended {
                    batches.send(Err(status)).await.ok();
                }
            }
            () = drain.cancelled() => {
                batches.send(Err(Status::unavailable("the service is stopping; subscribe again"))).await.ok();
            }
            () = lapsed => {
                batches.send(Err(Error::Unauthenticated.into())).await.ok();
            }
            () = batches.closed() => {}
        }
    }

    /// Sends batch after batch; ends when the reader is gone or asked for no more than the head.
    async fn tail(&mut self, batches: &Batches) -> Result<(), Status> {
        let mut bell = self.feed.bell();
        // Seen before the head is asked for: whatever is written after that rings.
        bell.mark_unchanged();
        let mut head = self.ask().await?;
        let until = if self.until_head { head } else { i64::MAX };
        loop {
            let before = self.after;
            while self.after < head.min(until) {
                // One dossier's events are few and found by index: the range need not be cut.
                let reach = if self.filter.dossier.is_empty() {
                    self.after + BATCH_EVENTS_MAX
                } else {
                    i64::MAX
                };
                let batch = self.batch(head.min(until).min(reach), head).await?;
                self.after = batch.through;
                if batches.send(Ok(batch)).await.is_err() {
                    return Ok(());
                }
            }
            if self.after >= until {
                return Ok(());
            }
            if self.after - before >= BUSY {
                tokio::time::sleep(GATHER).await;
            }
            if tokio::time::timeout(HEARTBEAT, bell.changed())
                .await
                .is_ok()
            {
                let heard = *bell.borrow_and_update();
                head = if heard.epoch == self.epoch {
                    // The notification has told; nobody needs to ask.
                    heard.position.max(head)
                } else {
                    self.ask().await?
                };
            } else {
                head = self.ask().await?;
                let heartbeat = self.covering(self.after, head, Vec::new());
                if batches.send(Ok(heartbeat)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }

    /// The head, of the epoch that the reader knows.
    async fn ask(&mut self) -> Result<i64, Status> {
        let head = self.feed.head().await.map_err(Error::from)?;
        if self.epoch == 0 {
            self.epoch = head.epoch;
        }
        if self.epoch != head.epoch {
            return Err(Status::new(
                Code::FailedPrecondition,
                format!(
                    "the history is of epoch {}, not {}: it was restored or promoted; begin anew",
                    head.epoch, self.epoch
                ),
            ));
        }
        if self.after > head.position {
            return Err(Status::out_of_range(format!(
                "position {} is beyond the head, {}",
                self.after, head.position
            )));
        }
        Ok(head.position)
    }

    async fn batch(&self, through: i64, head: i64) -> Result<SubscribeResponse, Status> {
        let mut events = self
            .feed
            .read(
                &self.archive,
                self.epoch,
                self.after + 1,
                through,
                &self.filter,
            )
            .await
            .map_err(Error::from)?;
        let mut through = through;
        let mut bytes = 0;
        let fitting = events
            .iter()
            .take_while(|event| {
                bytes += event.encoded_len();
                bytes <= BATCH_BYTES_MAX
            })
            .count()
            .max(1);
        if fitting < events.len() {
            events.truncate(fitting);
            through = events.last().map_or(through, |event| event.position);
        }
        Ok(self.covering(through, head, events))
    }

    fn covering(
        &self,
        through: i64,
        head: i64,
        events: Vec<motcua_proto::events::v1::Event>,
    ) -> SubscribeResponse {
        SubscribeResponse {
            source: self.feed.service.to_owned(),
            epoch: self.epoch,
            from: self.after + 1,
            through,
            head,
            events,
        }
    }
}
