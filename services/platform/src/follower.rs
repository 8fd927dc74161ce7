//! Followers: what a service does when another one's event arrives.
//!
//! The position is stored in the same transaction as what was done, so effects happen exactly once, whatever crashes.
//! The cursor's row, locked first, is also the lease: of many replicas, one at a time takes a batch. Order holds
//! within a source only; a handler must give the same state for any interleaving of its sources.
//!
//! An event that cannot be processed is tried again; then its dossier is set aside, loudly, and everything else goes on.

mod parking;
mod server;

use std::{collections::HashSet, future::Future, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use motcua_proto::events::v1::{
    Event, EventKind, SubscribeRequest, SubscribeResponse,
    event_feed_service_client::EventFeedServiceClient,
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

pub use self::server::{FollowerServer, Parking};
use crate::{
    clock::Clock,
    database::{Severity, redacted, severity, within},
    error::Error,
    feed::dossier_of,
    progress::Progress,
    rpc::Peer,
    telemetry,
    work::{self, Work},
};

/// How often an event is tried by itself before its dossier is set aside.
const TRIES_MAX: usize = 4;

/// One attempt at a batch at most: a connection that fell silent says nothing for as long as one listens.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(30);

/// What a service does with another one's events.
pub trait Handler: Send + Sync + 'static {
    /// Whether what is done waits for the disk. It need not where nothing follows from it elsewhere, no event and no
    /// message: a crash takes effects and cursor back together, and the same events are handled again.
    const WAITS_FOR_DISK: bool = true;

    /// Does what the events ask for, in order, inside a transaction that the follower begins and commits. Effects on
    /// aggregates go through [`crate::ledger::write`].
    ///
    /// # Errors
    /// A [`Failure`], which names the event at fault where it can. The transaction is then rolled back, and the events
    /// before that one are handled again without it.
    fn handle(
        &self,
        work: &mut Work<'_>,
        source: &'static str,
        events: &[Received],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// An event as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The event.
    pub event: Event,
    /// The span of its handling, a child of the command that caused it: what follows hangs below.
    pub span: Span,
}

impl Received {
    /// What orders reactions: the dossier, or the resource's name where there is none.
    #[must_use]
    pub fn dossier(&self) -> &str {
        dossier_of(&self.event.dossier, &self.event.name)
    }
}

/// Why events could not be handled.
#[derive(Debug)]
pub struct Failure {
    /// Index of the event at fault; none when it is not known, as for a statement that carries many.
    pub at: Option<usize>,
    /// Why.
    pub cause: Cause,
}

/// Why an event could not be handled.
#[derive(Debug)]
pub enum Cause {
    /// The database objects.
    Database(sqlx::Error),
    /// The event makes no sense here; for operators, without personal data.
    Event(String),
}

impl Cause {
    fn text(&self) -> String {
        match self {
            Self::Database(error) => redacted(error),
            Self::Event(why) => why.clone(),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self {
            at: None,
            cause: Cause::Database(error),
        }
    }
}

impl Failure {
    /// The event at `index` makes no sense here.
    #[must_use]
    pub fn event(index: usize, why: impl Into<String>) -> Self {
        Self {
            at: Some(index),
            cause: Cause::Event(why.into()),
        }
    }

    fn text(&self) -> String {
        self.cause.text()
    }

    /// Whether the database is at fault as a whole, and no event.
    fn is_outage(&self) -> bool {
        matches!(&self.cause, Cause::Database(error) if severity(error) == Severity::Again)
    }
}

/// Follows one source.
#[derive(Debug)]
pub struct Follower<H> {
    /// The service that follows.
    pub service: &'static str,
    /// The source: `intake`.
    pub source: &'static str,
    /// The way to it.
    pub peer: Peer,
    /// The kinds that matter; positions of others count as followed.
    pub kinds: Vec<EventKind>,
    /// The database of the service that follows.
    pub options: PgConnectOptions,
    /// What is done.
    pub handler: Arc<H>,
    /// Where progress is shown.
    pub progress: Progress,
    /// For the times of parking.
    pub clock: Clock,
}

/// Why following stopped for now.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("{}", redacted(.0))]
    Database(#[from] sqlx::Error),
    #[error("the source is not reachable: {}", .0.message())]
    Source(#[from] tonic::Status),
    #[error("another replica follows")]
    Leased,
    #[error("another replica has moved on")]
    Moved,
    #[error("events from {expected} to {got} are missing; the source's feed is broken")]
    Gap { expected: i64, got: i64 },
    #[error(
        "the source is of epoch {now}, its history was followed in epoch {known}: it was restored or promoted; reconcile, then set the cursor anew"
    )]
    Epoch { known: i64, now: i64 },
    #[error("{0}")]
    Failed(String),
}

impl<H: Handler> Follower<H> {
    /// Follows until drained.
    pub async fn run(self, drain: CancellationToken) {
        let mut delays = backoff();
        let mut last_fault = String::new();
        let following = async {
            loop {
                let stop = match self.follow(&mut delays).await {
                    Ok(()) => continue,
                    Err(stop) => stop,
                };
                // Another replica follows: this one looks again from time to time, and takes over where it ends.
                let waiting = matches!(stop, Stop::Leased | Stop::Moved);
                let fault = if waiting {
                    String::new()
                } else {
                    stop.to_string()
                };
                // A fault that lasts is said once, not at every try.
                if fault != last_fault && !fault.is_empty() {
                    tracing::warn!(service = self.service, source = self.source, %fault, "following stopped; it is tried again");
                }
                last_fault.clone_from(&fault);
                self.progress.update(self.source, |step| step.fault = fault);
                tokio::time::sleep(delays.next().unwrap_or(Duration::from_secs(2))).await;
            }
        };
        drain.run_until_cancelled(following).await;
    }

    /// Subscribes after the cursor and takes batch after batch.
    async fn follow(&self, delays: &mut Delays) -> Result<(), Stop> {
        let (mut connection, mut cursor, parked) = within(ATTEMPT_TIME_MAX, self.connect()).await?;
        self.progress.update(self.source, |step| {
            step.epoch = cursor.epoch;
            step.position = cursor.position;
            step.head = step.head.max(cursor.position);
            step.parked = parked;
        });
        let mut stream = EventFeedServiceClient::new(self.peer.clone())
            .subscribe(SubscribeRequest {
                after: cursor.position,
                epoch: cursor.epoch,
                kinds: self.kinds.iter().map(|kind| i32::from(*kind)).collect(),
                agencies: Vec::new(),
                until_head: false,
                dossier: String::new(),
            })
            .await?
            .into_inner();
        while let Some(batch) = stream.message().await? {
            if cursor.epoch != 0 && batch.epoch != cursor.epoch {
                return Err(Stop::Epoch {
                    known: cursor.epoch,
                    now: batch.epoch,
                });
            }
            if batch.from != cursor.position + 1 {
                return Err(Stop::Gap {
                    expected: cursor.position + 1,
                    got: batch.from,
                });
            }
            let head = batch.head;
            if batch.through >= batch.from {
                cursor = self.take(&mut connection, cursor, batch).await?;
            }
            self.progress.update(self.source, |step| {
                step.epoch = cursor.epoch;
                step.position = cursor.position;
                step.head = head;
                step.fault.clear();
            });
            let parked = self.progress.step(self.source).parked;
            telemetry::record_lag(self.service, self.source, head - cursor.position);
            telemetry::record_parked(
                self.service,
                self.source,
                u64::try_from(parked).unwrap_or_default(),
            );
            *delays = backoff();
        }
        Ok(())
    }

    /// A connection, the cursor, and how many dossiers are set aside.
    async fn connect(&self) -> Result<(PgConnection, Cursor, i64), sqlx::Error> {
        let mut options = self.options.clone();
        if !H::WAITS_FOR_DISK {
            options = options.options([("synchronous_commit", "off")]);
        }
        let mut connection = work::connect(&options).await?;
        sqlx::query("INSERT INTO follower (source, epoch, position) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING")
            .bind(self.source)
            .execute(&mut connection)
            .await?;
        let cursor = Cursor::read(&mut connection, self.source).await?;
        let parked = parking::count(&mut connection, self.source).await?;
        Ok((connection, cursor, parked))
    }

    /// Handles a batch: as a whole where it goes, else up to the first failure, then that event by itself.
    async fn take(
        &self,
        connection: &mut PgConnection,
        mut cursor: Cursor,
        batch: SubscribeResponse,
    ) -> Result<Cursor, Stop> {
        let last = batch.through;
        let events: Vec<_> = batch
            .events
            .into_iter()
            .map(|event| {
                let span = telemetry::process_span(self.service, self.source, &event);
                Received { event, span }
            })
            .collect();
        let mut pending = vec![events];
        while let Some(mut events) = pending.pop() {
            // The cursor never passes what is still pending.
            let through = if pending.is_empty() {
                last
            } else {
                events
                    .last()
                    .map_or(cursor.position, |received| received.event.position)
            };
            let to = Cursor {
                epoch: batch.epoch,
                position: through,
            };
            let failure = match self.apply(connection, cursor, to, &events).await {
                Ok(()) => {
                    cursor = to;
                    continue;
                }
                Err(Attempt::Stop(stop)) => return Err(stop),
                Err(Attempt::Failed(failure)) => failure,
            };
            if failure.is_outage() {
                return Err(Stop::Failed(failure.text()));
            }
            if events.len() > 1 {
                // Up to the first failure where it is known; else halves, until it stands alone.
                let cut = match failure.at {
                    Some(at) if at > 0 => at,
                    Some(_) => 1,
                    None => events.len() / 2,
                };
                let rest = events.split_off(cut.min(events.len() - 1));
                pending.push(rest);
                pending.push(events);
                continue;
            }
            cursor = self
                .insist(connection, cursor, to, &events, failure)
                .await?;
        }
        Ok(cursor)
    }

    /// One event that failed: tried again, then its dossier is set aside.
    async fn insist(
        &self,
        connection: &mut PgConnection,
        cursor: Cursor,
        to: Cursor,
        events: &[Received],
        mut failure: Failure,
    ) -> Result<Cursor, Stop> {
        let [received] = events else {
            return Err(Stop::Failed(failure.text()));
        };
        for delay in backoff().take(TRIES_MAX) {
            tokio::time::sleep(delay).await;
            match self.apply(connection, cursor, to, events).await {
                Ok(()) => return Ok(to),
                Err(Attempt::Stop(stop)) => return Err(stop),
                Err(Attempt::Failed(again)) if again.is_outage() => {
                    return Err(Stop::Failed(again.text()));
                }
                Err(Attempt::Failed(again)) => failure = again,
            }
        }
        let reason = failure.text();
        tracing::error!(
            service = self.service,
            source = self.source,
            position = received.event.position,
            kind = EventKind::try_from(received.event.kind).unwrap_or_default().as_str_name(),
            dossier = received.dossier(),
            %reason,
            "an event could not be processed: its dossier is parked; mend the cause, then unpark it",
        );
        let parking = self.set_aside(connection, cursor, to, received, &reason);
        let count = within(ATTEMPT_TIME_MAX, parking).await?;
        self.progress
            .update(self.source, |step| step.parked = count);
        Ok(to)
    }

    /// Sets the event's dossier aside and passes it. Answers how many dossiers are set aside now.
    async fn set_aside(
        &self,
        connection: &mut PgConnection,
        cursor: Cursor,
        to: Cursor,
        received: &Received,
        reason: &str,
    ) -> Result<i64, Stop> {
        let mut transaction = connection.begin().await?;
        cursor.lock(&mut transaction, self.source).await?;
        parking::park(
            &mut transaction,
            self.source,
            received.dossier(),
            reason,
            self.clock.now(),
        )
        .await?;
        parking::queue(&mut transaction, self.source, received).await?;
        to.store(&mut transaction, self.source).await?;
        let count = parking::count(&mut transaction, self.source).await?;
        transaction.commit().await?;
        Ok(count)
    }

    /// Effects and cursor, in one transaction.
    async fn apply(
        &self,
        connection: &mut PgConnection,
        from: Cursor,
        to: Cursor,
        events: &[Received],
    ) -> Result<(), Attempt> {
        within(
            ATTEMPT_TIME_MAX,
            self.try_to_apply(connection, from, to, events),
        )
        .await
    }

    async fn try_to_apply(
        &self,
        connection: &mut PgConnection,
        from: Cursor,
        to: Cursor,
        events: &[Received],
    ) -> Result<(), Attempt> {
        if events.is_empty() {
            return Ok(from.pass(to, connection, self.source).await?);
        }
        let span = telemetry::batch_span(self.service, "follow");
        telemetry::link(
            &span,
            events
                .iter()
                .map(|received| received.event.traceparent.as_str()),
        );
        async {
            let mut work = Work::begin(connection, self.progress.feed()).await?;
            let count = from.lock(&mut work, self.source).await?;
            self.progress
                .update(self.source, |step| step.parked = count);
            let parked = if count == 0 {
                HashSet::new()
            } else {
                parking::parked_among(&mut work, self.source, events).await?
            };
            if parked.is_empty() {
                self.handler
                    .handle(&mut work, self.source, events)
                    .await
                    .map_err(Attempt::Failed)?;
            } else {
                let (aside, going): (Vec<_>, Vec<_>) = events
                    .iter()
                    .enumerate()
                    .partition(|(_, received)| parked.contains(received.dossier()));
                for (_, received) in aside {
                    parking::queue(&mut work, self.source, received).await?;
                }
                let (places, going): (Vec<_>, Vec<_>) = going
                    .into_iter()
                    .map(|(place, received)| (place, received.clone()))
                    .unzip();
                self.handler
                    .handle(&mut work, self.source, &going)
                    .await
                    .map_err(|failure| {
                        Attempt::Failed(Failure {
                            at: failure.at.and_then(|at| places.get(at).copied()),
                            ..failure
                        })
                    })?;
            }
            to.store(&mut work, self.source).await?;
            work.commit().await?;
            Ok(())
        }
        .instrument(span)
        .await
    }

    /// The way to set dossiers aside and take them up again, for [`FollowerServer`].
    #[must_use]
    pub fn parking(&self) -> Parking {
        Parking::new(
            self.source,
            self.options.clone(),
            Arc::clone(&self.handler),
            self.progress.clone(),
            self.clock.clone(),
        )
    }
}

/// Why an attempt came to nothing.
enum Attempt {
    /// The events could not be handled.
    Failed(Failure),
    /// They are not ours to handle now.
    Stop(Stop),
}

impl From<sqlx::Error> for Attempt {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Stop> for Attempt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

type Delays = backon::ExponentialBackoff;

fn backoff() -> Delays {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .without_max_times()
        .build()
}

/// How far a source has been followed.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    epoch: i64,
    position: i64,
}

impl Cursor {
    async fn read(connection: &mut PgConnection, source: &str) -> Result<Self, sqlx::Error> {
        let (epoch, position) =
            sqlx::query_as("SELECT epoch, position FROM follower WHERE source = $1")
                .bind(source)
                .fetch_one(connection)
                .await?;
        Ok(Self { epoch, position })
    }

    /// Takes the lease, for this transaction, where the cursor still stands here. Answers how many dossiers are set
    /// aside: hardly ever any, and then nobody needs to look which.
    async fn lock(self, connection: &mut PgConnection, source: &str) -> Result<i64, Stop> {
        let row: Option<(i64, i64)> = sqlx::query_as(
            "SELECT position, (SELECT count(*) FROM parked WHERE parked.source = follower.source) \
             FROM follower WHERE source = $1 FOR UPDATE SKIP LOCKED",
        )
        .bind(source)
        .fetch_optional(connection)
        .await?;
        match row {
            None => Err(Stop::Leased),
            Some((position, _)) if position != self.position => Err(Stop::Moved),
            Some((_, parked)) => Ok(parked),
        }
    }

    /// Passes positions whose events do not matter here. Nothing waits for the disk: a cursor that a crash takes back
    /// finds the same nothing again.
    async fn pass(self, to: Self, connection: &mut PgConnection, source: &str) -> Result<(), Stop> {
        let passed = sqlx::query(
            "UPDATE follower SET epoch = $2, position = $3 WHERE source = $1 AND position = $4 \
             AND set_config('synchronous_commit', 'off', true) = 'off'",
        )
        .bind(source)
        .bind(to.epoch)
        .bind(to.position)
        .bind(self.position)
        .execute(connection)
        .await?;
        if passed.rows_affected() == 1 {
            Ok(())
        } else {
            Err(Stop::Moved)
        }
    }

    async fn store(self, connection: &mut PgConnection, source: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE follower SET epoch = $2, position = $3 WHERE source = $1")
            .bind(source)
            .bind(self.epoch)
            .bind(self.position)
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.cause {
            Cause::Database(error) if severity(&error) != Severity::Row => error.into(),
            cause => Self::NotReady {
                missing: cause.text(),
                remedy: "mend the cause, then unpark the dossier again",
            },
        }
    }
}
