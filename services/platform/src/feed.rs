//! The feed: a service's history, read in order and without a gap.
//!
//! A reader that holds position *n* has missed nothing before it, because positions are numbered under the head's
//! lock. Readers never slow writers: they look at committed rows, and wake when PostgreSQL notifies.

mod server;

use jiff::Timestamp;
use motcua_proto::events::v1::{Event, EventKind, event::Payload};
use prost::Message as _;
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgListener},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::server::FeedServer;
use crate::{
    clock::Clock,
    database::redacted,
    time::{Instant, to_proto},
};

/// Events in a batch at most.
const BATCH_EVENTS_MAX: i64 = 512;

/// A service's own history.
#[derive(Debug, Clone)]
pub struct Feed {
    service: &'static str,
    pool: PgPool,
    clock: Clock,
    pending: &'static str,
    bell: watch::Receiver<Heard>,
    drain: CancellationToken,
}

/// Which events a reader wants; what is empty does not matter.
#[derive(Debug, Clone, Default)]
struct Filter {
    kinds: Vec<i16>,
    agencies: Vec<String>,
    dossier: String,
}

/// What a ring of the bell tells: the history has come to this position; nothing, where something may have been missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    epoch: i64,
    position: i64,
}

impl Heard {
    fn parse(payload: &str) -> Option<Self> {
        let (epoch, position) = payload.split_once('/')?;
        Some(Self {
            epoch: epoch.parse().ok()?,
            position: position.parse().ok()?,
        })
    }
}

/// Where a history stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last position; 0 when nothing has happened yet.
    pub position: i64,
    /// The epoch.
    pub epoch: i64,
    /// When the last event was recorded.
    pub recorded_at: Option<Timestamp>,
}

impl Feed {
    /// Starts to listen. `pending` counts, at the time `$1`, the timers and messages that are due and not yet done.
    #[must_use]
    pub fn start(
        service: &'static str,
        pool: PgPool,
        options: PgConnectOptions,
        clock: Clock,
        pending: &'static str,
        drain: CancellationToken,
    ) -> Self {
        let (ring, bell) = watch::channel(Heard::default());
        tokio::spawn(listen(service, options, ring, drain.clone()));
        Self {
            service,
            pool,
            clock,
            pending,
            bell,
            drain,
        }
    }

    /// The service whose history it is.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Rings whenever something was written, by whichever replica.
    #[must_use]
    pub fn bell(&self) -> watch::Receiver<Heard> {
        self.bell.clone()
    }

    /// Where the history stands.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn head(&self) -> Result<Head, sqlx::Error> {
        let (position, epoch, recorded_at): (i64, i64, Option<Instant>) = sqlx::query_as(
            "SELECT position, epoch, CASE WHEN position > 0 THEN recorded_at END FROM feed_head",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Head {
            position,
            epoch,
            recorded_at: recorded_at.map(|at| at.0),
        })
    }

    async fn pending(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(self.pending)
            .bind(Instant(self.clock.now()))
            .fetch_one(&self.pool)
            .await
    }

    /// Events of a range of positions, both ends included, in order.
    async fn read(
        &self,
        from: i64,
        through: i64,
        filter: &Filter,
    ) -> Result<Vec<Event>, sqlx::Error> {
        let rows: Vec<(i64, Instant, Vec<u8>)> = sqlx::query_as(
            "SELECT position, recorded_at, body FROM event WHERE position BETWEEN $1 AND $2 \
             AND ($3::smallint[] = '{}' OR kind = ANY($3)) AND ($4::text[] = '{}' OR agency = ANY($4)) \
             AND ($5 = '' OR dossier = $5) ORDER BY position",
        )
        .bind(from)
        .bind(through)
        .bind(&filter.kinds)
        .bind(&filter.agencies)
        .bind(&filter.dossier)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|(position, recorded_at, body)| decode(position, recorded_at.0, &body))
            .collect()
    }
}

/// An event as it is stored, with what the store numbers.
///
/// # Errors
/// When the bytes are no event.
pub fn decode(position: i64, recorded_at: Timestamp, body: &[u8]) -> Result<Event, sqlx::Error> {
    let mut event = Event::decode(body).map_err(|error| sqlx::Error::Decode(error.into()))?;
    event.position = position;
    event.recorded_at = Some(to_proto(recorded_at));
    Ok(event)
}

/// Begins a new epoch when the server is not the one that the present epoch was taken on: another cluster (a dump was
/// loaded) or another timeline (a restore, a promotion). Readers then know that history may have been forgotten.
///
/// # Errors
/// Those of the database.
pub async fn renew_epoch(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH server AS ( \
             SELECT system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS lineage \
             FROM pg_control_system()) \
         UPDATE feed_head SET epoch = feed_head.epoch + 1, lineage = server.lineage \
         FROM server WHERE feed_head.lineage <> server.lineage",
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn listen(
    service: &'static str,
    options: PgConnectOptions,
    ring: watch::Sender<Heard>,
    drain: CancellationToken,
) {
    let listening = async {
        loop {
            let error = match hear(&options, &ring).await {
                Ok(()) => continue,
                Err(error) => error,
            };
            tracing::warn!(service, error = %redacted(&error), "listening for new events again in a moment");
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            ring.send_replace(Heard::default());
        }
    };
    drain.run_until_cancelled(listening).await;
}

async fn hear(options: &PgConnectOptions, ring: &watch::Sender<Heard>) -> Result<(), sqlx::Error> {
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("motcua_feed").await?;
    // What was written before we listened rang for nobody.
    ring.send_replace(Heard::default());
    loop {
        // None: the connection was lost and something may have been missed. Both ring.
        let heard = listener.try_recv().await?;
        ring.send_replace(
            heard
                .and_then(|told| Heard::parse(told.payload()))
                .unwrap_or_default(),
        );
    }
}

macro_rules! kinds {
    ($payload:expr, $($name:ident)*) => {
        match $payload { $(Payload::$name(_) => EventKind::$name,)* }
    };
}

/// The kind of a payload.
#[must_use]
pub fn kind_of(payload: &Payload) -> EventKind {
    kinds!(payload,
        DossierSubmitted DossierAccepted AcceptanceOverdue DossierRefused SupplementAsked SupplementProvided
        DossierWithdrawn ResultReady ResultHandedOver VisitRequested VisitMade CaseProgressRecorded CatalogApplied
        CaseStarted CaseBlocked TaskOpened TaskClaimed TaskCompleted TaskReturned TaskCancelled SupplementRequested
        CaseHeld CaseResumed DeadlineExtended CaseDueSoon CaseOverdue SubCaseStarted SubCaseFinished CaseWithdrawn
        CaseStopped CaseFinished DefinitionPublished MessageQueued MessageSent MessageFailed TemplateWritten
        ReactionIgnored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use motcua_proto::events::v1::{CaseFinished, DossierSubmitted, ReactionIgnored};

    #[test]
    fn a_kind_has_the_number_of_its_payload_on_the_wire() {
        for payload in [
            Payload::DossierSubmitted(DossierSubmitted::default()),
            Payload::CaseFinished(CaseFinished::default()),
            Payload::ReactionIgnored(ReactionIgnored::default()),
        ] {
            let kind = kind_of(&payload);
            let bytes = Event {
                payload: Some(payload),
                ..Event::default()
            }
            .encode_to_vec();
            let tag = prost::encoding::decode_key(&mut &bytes[..]).unwrap().0;
            assert_eq!(i32::from(kind), i32::try_from(tag).unwrap());
        }
    }
}
