//! The sender: takes what is due, asks intake to whom and about what, fills the template in, delivers, and has the
//! outcome written by the ledger.
//!
//! **One replica sends at a time.** It holds a session's advisory lock on the very connection with which it looks for due
//! messages: without the lock it cannot take any, and the lock ends with the session, however the process ends. A row lock
//! would be in the way of the ledger, which locks the same rows on a connection of its own; a lease with a limit would run
//! out under a slow database. Sending waits for others' answers, so one process with many messages under way is enough.
//!
//! **A crash, or a lost connection, between a delivery and its record** means that the message is delivered again: with
//! the same Message-ID, or over the same file.

mod attempt;

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use motcua_platform::{
    catalog::Catalogs,
    clock::Clock,
    database::{redacted, steady},
    error::Error,
    feed::Feed,
    ledger::{Envelope, Ledger, Target},
    rpc::Peer,
    telemetry,
};
use sqlx::{Connection, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::{
    task::{Id, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::{
    SERVICE,
    channel::Outbox,
    domain::message::{Command, Message, Record},
    store::{Messages, Shelf, claim, next_due},
};

/// Messages under way at once.
const UNDER_WAY_MAX: usize = 64;
/// The slow poll behind the bell.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often another replica's lock is tried.
const LOCK_AGAIN: Duration = Duration::from_secs(1);
/// How long sending pauses when intake or our own database does not answer; doubled each time, up to [`LOOK_AGAIN`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// How long messages under way have to end when the service stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sends messages.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) ledger: Ledger<Messages>,
    pub(crate) outbox: Outbox,
    pub(crate) shelf: Shelf,
    pub(crate) catalogs: Catalogs,
    /// Asked to whom, and about what.
    pub(crate) intake: Peer,
    /// Asked for what only the case knows: the extended date.
    pub(crate) workflow: Peer,
    pub(crate) pool: PgPool,
    pub(crate) options: PgConnectOptions,
    pub(crate) clock: Clock,
    pub(crate) feed: Feed,
}

/// How sending a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The outcome is written.
    Recorded,
    /// Nothing was tried or written, because we are not well ourselves: no fault of the message's.
    Postponed,
}

/// The messages under way.
#[derive(Debug, Default)]
struct UnderWay {
    tasks: JoinSet<Ended>,
    ids: HashMap<Id, String>,
    /// No message is taken before this: set when we are not well.
    pause: Option<(Instant, Duration)>,
}

impl UnderWay {
    fn ids(&self) -> Vec<String> {
        self.ids.values().cloned().collect()
    }

    /// Waits until one has ended.
    async fn one(&mut self) {
        let (id, ended) = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ended))) => (id, ended),
            Some(Err(error)) => {
                tracing::error!(
                    "sending a message failed unexpectedly; it is tried again in a moment"
                );
                (error.id(), Ended::Postponed)
            }
            None => return,
        };
        self.ids.remove(&id);
        self.pause = match (ended, self.pause) {
            (Ended::Recorded, _) => None,
            // Those that began before the pause say nothing new.
            (Ended::Postponed, Some((until, length))) if until > Instant::now() => {
                Some((until, length))
            }
            (Ended::Postponed, pause) => {
                let length = pause.map_or(PAUSE_MIN, |(_, length)| (length * 2).min(LOOK_AGAIN));
                Some((Instant::now() + length, length))
            }
        };
    }

    fn paused_until(&self) -> Option<Instant> {
        self.pause
            .map(|(until, _)| until)
            .filter(|until| *until > Instant::now())
    }
}

impl Sender {
    /// Sends what falls due, until drained.
    pub(crate) async fn run(self, drain: CancellationToken) {
        let sender = Arc::new(self);
        let mut under_way = UnderWay::default();
        let mut last_fault = String::new();
        loop {
            let fault = tokio::select! {
                Err(error) = sender.lead(&mut under_way) => redacted(&error),
                () = drain.cancelled() => break,
            };
            if fault != last_fault {
                tracing::warn!(service = SERVICE, error = %fault, "sending stopped; it is tried again in a moment");
            }
            last_fault = fault;
            tokio::select! {
                () = sleep(LOOK_AGAIN) => {}
                () = drain.cancelled() => break,
            }
        }
        let farewell = async {
            while !under_way.tasks.is_empty() {
                under_way.one().await;
            }
        };
        if timeout(FAREWELL, farewell).await.is_err() {
            tracing::warn!(
                service = SERVICE,
                "messages were still under way; they are sent again under their ids"
            );
        }
    }

    /// Waits for the lock, then sends for as long as the connection holds.
    async fn lead(self: &Arc<Self>, under_way: &mut UnderWay) -> Result<(), sqlx::Error> {
        let mut connection = PgConnection::connect_with(&steady(&self.options)).await?;
        while !lock(&mut connection).await? {
            sleep(LOCK_AGAIN).await;
        }
        let mut bell = self.feed.bell();
        // Whether there may be due messages that are not under way yet.
        let mut more = true;
        // When the next one falls due.
        let mut next = None;
        loop {
            let free = UNDER_WAY_MAX - under_way.ids.len();
            let paused = under_way.paused_until();
            if more && paused.is_none() && free >= UNDER_WAY_MAX / 2 {
                bell.mark_unchanged();
                let now = self.clock.now();
                let due = claim(&mut connection, now, &under_way.ids(), free).await?;
                more = due.len() == free;
                if !due.is_empty() {
                    self.shelf.refresh(&mut connection).await?;
                }
                for (id, message) in due {
                    let task = under_way
                        .tasks
                        .spawn(Arc::clone(self).send(id.clone(), message));
                    under_way.ids.insert(task.id(), id);
                }
                next = next_due(&mut connection, now).await?;
            }
            tokio::select! {
                () = under_way.one(), if !under_way.ids.is_empty() => {
                    // What was postponed is due again.
                    more |= under_way.pause.is_some();
                }
                () = self.reached(next) => {
                    next = None;
                    more = true;
                }
                Ok(()) = bell.changed() => more = true,
                () = reached(paused) => more = true,
                () = sleep(LOOK_AGAIN) => more = true,
            }
        }
    }

    async fn reached(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.clock.reached(at).await,
            None => std::future::pending().await,
        }
    }

    /// Sends one message, in the trace of what caused it.
    async fn send(self: Arc<Self>, id: String, message: Message) -> Ended {
        let span = span(&id, &message);
        let recorded = self
            .send_and_record(&id, &message, &span)
            .instrument(span.clone())
            .await;
        if recorded == Ended::Postponed {
            span.record("otel.status_code", "ERROR");
        }
        recorded
    }

    async fn send_and_record(&self, id: &str, message: &Message, span: &Span) -> Ended {
        let Some(outcome) = self.attempt(id, message).await else {
            return Ended::Postponed;
        };
        let command = Command::Record(Record {
            attempt: message.next_attempt(),
            outcome,
        });
        let target = Target::Key(id.to_owned());
        let envelope = Envelope::by_rule(SERVICE, target, command, telemetry::traceparent(span));
        match self.ledger.execute(&message.agency, envelope).await {
            Ok(_) => Ended::Recorded,
            Err(Error::Unavailable | Error::Overloaded) => Ended::Postponed,
            Err(error) => {
                tracing::error!(id, %error, "how sending a message went could not be written");
                Ended::Postponed
            }
        }
    }
}

async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Whether this connection has the lock, now or already.
async fn lock(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended('motcua sender', 0))")
        .fetch_one(connection)
        .await
}

fn span(id: &str, message: &Message) -> Span {
    let span = tracing::info_span!(
        "send",
        "otel.name" = format!("send {}", message.template),
        "otel.kind" = "producer",
        "otel.status_code" = tracing::field::Empty,
        "motcua.service" = SERVICE,
        "messaging.system" = "motcua",
        "messaging.operation.type" = "send",
        "messaging.operation.name" = "send",
        "messaging.destination.name" = message.channel,
        "messaging.message.id" = id,
        "motcua.dossier.code" = message.dossier,
        "motcua.agency.code" = message.agency,
    );
    telemetry::set_parent(&span, &message.traceparent);
    span
}
