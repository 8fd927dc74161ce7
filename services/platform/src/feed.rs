//! The feed: a service's history, read in order and without a gap.
//!
//! A reader that holds position *n* has missed nothing before it, because positions are numbered under the head's
//! lock. Readers never slow writers: they look at what is committed. In the process that wrote it they are told at
//! once, and find it in memory; a herald tells the other replicas through PostgreSQL. It does so beside the writing and
//! not in its transaction: PostgreSQL lets those that notify commit one by one, in all databases of a cluster.

mod bell;
mod server;
mod tail;

use jiff::Timestamp;
use motcua_proto::events::v1::{Event, EventKind, event::Payload};
use prost::Message as _;
use sqlx::{PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::{bell::Bell, tail::Tail};
pub use self::{bell::Heard, server::FeedServer};
use crate::{
    archive::Archive,
    clock::Clock,
    scope::Scope,
    time::{Instant, to_proto},
};

/// Events in a batch at most.
const BATCH_EVENTS_MAX: i64 = 1_024;

/// A service's own history.
#[derive(Debug, Clone)]
pub struct Feed {
    service: &'static str,
    pool: PgPool,
    clock: Clock,
    pending: &'static str,
    bell: Bell,
    tail: Tail,
    timers: watch::Sender<Timestamp>,
    drain: CancellationToken,
}

/// What a transaction has written to the history. It is told once it is committed.
#[derive(Debug)]
pub(crate) struct Written {
    /// The epoch.
    pub(crate) epoch: i64,
    /// With their positions, in order.
    pub(crate) events: Vec<Event>,
    /// The earliest timer of the rows that it wrote.
    pub(crate) timer: Option<Timestamp>,
}

/// Which events a reader wants and may see; what is empty does not matter.
#[derive(Debug, Clone)]
struct Filter {
    /// None for every kind.
    kinds: Option<Vec<i16>>,
    agencies: Vec<String>,
    dossier: String,
    scope: Scope,
}

impl Filter {
    fn wants(&self, event: &Event) -> bool {
        self.scope.covers([event.agency.as_str()])
            && self
                .kinds
                .as_ref()
                .is_none_or(|kinds| kinds.iter().any(|kind| i32::from(*kind) == event.kind))
            && (self.agencies.is_empty() || self.agencies.contains(&event.agency))
            && (self.dossier.is_empty() || self.dossier == dossier_of(&event.dossier, &event.name))
    }
}

/// What orders events: the dossier, or the resource's name where there is none.
pub(crate) fn dossier_of<'a>(dossier: &'a str, name: &'a str) -> &'a str {
    if dossier.is_empty() { name } else { dossier }
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
        let bell = Bell::default();
        bell.listen(service, options, drain.clone());
        bell.herald(service, pool.clone());
        Self {
            service,
            pool,
            clock,
            pending,
            bell,
            tail: Tail::default(),
            timers: watch::Sender::new(Timestamp::MAX),
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
        self.bell.hear()
    }

    /// The earliest timer that this process has set since it was last looked at, for [`crate::timers`] to look at.
    pub(crate) fn timers(&self) -> &watch::Sender<Timestamp> {
        &self.timers
    }

    /// A commit may have happened whose answer was lost: whoever waits for news looks by itself.
    pub(crate) fn tell_all_to_ask(&self) {
        self.timers.send_replace(Timestamp::MIN);
        self.bell.tell(Heard::default());
    }

    /// Tells what this process has committed.
    pub(crate) fn tell(&self, written: Written) {
        if let Some(timer) = written.timer {
            self.timers.send_if_modified(|earliest| {
                let is_earlier = timer < *earliest;
                *earliest = timer.min(*earliest);
                is_earlier
            });
        }
        if let Some(last) = written.events.last() {
            let heard = Heard {
                epoch: written.epoch,
                position: last.position,
            };
            self.tail.keep(written);
            self.bell.tell(heard);
        }
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
        archive: &Archive,
        epoch: i64,
        from: i64,
        through: i64,
        filter: &Filter,
    ) -> Result<Vec<Event>, sqlx::Error> {
        if let Some(events) = self.tail.recall(epoch, from, through, filter) {
            return Ok(events);
        }
        let rows: Vec<(i64, Instant, Vec<u8>)> = sqlx::query_as(
            "SELECT position, recorded_at, body FROM event WHERE position BETWEEN $1 AND $2 \
             AND ($3::smallint[] IS NULL OR kind = ANY($3)) AND ($4::text[] = '{}' OR agency = ANY($4)) \
             AND ($5 = '' OR dossier = $5) AND reaches($6, ARRAY[agency]) ORDER BY position",
        )
        .bind(from)
        .bind(through)
        .bind(&filter.kinds)
        .bind(&filter.agencies)
        .bind(&filter.dossier)
        .bind(filter.scope.reach())
        .fetch_all(&mut *archive.open(&filter.scope).await?)
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
        StaffRecused SubjectErased SupplementDueSoon PaymentRecorded PaymentRefunded
        DocumentAdded PaymentDueSoon SupplementLapsed PaymentRequested CasePaid TaskEscalated TimerSet TimerFired OutcomeRequested TaskReleased TaskDelegated TaskReassigned CaseMigrated SubstitutionCreated SubstitutionEnded DeadlineRecomputed LimitChosen SubCaseLimitChosen SubCaseDueSoon SubCaseOverdue HandOverFailed CorrectionProposed DossierCorrected CorrectionRejected ExternalStateRecorded StateReported StateAcknowledged ArchiveRunStarted ArchiveRunEnded OriginalsReturned
        CaseStarted CaseBlocked TaskOpened TaskClaimed TaskCompleted TaskReturned TaskCancelled SupplementRequested
        CaseHeld CaseResumed DeadlineExtended CaseDueSoon CaseOverdue SubCaseStarted SubCaseFinished CaseWithdrawn
        CaseStopped CaseFinished DefinitionPublished CaseStaffRecused MessageQueued MessageSent MessageFailed TemplateWritten
        ReactionIgnored OutcomeProgressed OutcomeKept DossierTransferred TransferOverdue TransferDueRecomputed AcceptanceDueRecomputed)
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
