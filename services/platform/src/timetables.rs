//! When another catalog is in force, its calendars count: the dues of everything that is open are reckoned anew, once.
//!
//! What is done follows from two rows and not from what was told, so that it is done whatever was running when the catalog
//! came: the catalog in force, and the one that the dues were reckoned by last (table `timetable`). Several replicas may do it
//! at once; the second finds nothing left to change.

use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::Catalogs,
    clock::Clock,
    database::redacted,
    error::Error,
    ledger::{Aggregate, Envelope, Ledger, Target, turn_of},
    time::Instant,
};

/// How often the rows are looked at: one look into two small tables.
const EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Aggregates asked at a time.
const BATCH: i64 = 500;

/// The calendars that count in one service.
#[derive(Debug)]
pub struct Timetables<A: Aggregate> {
    /// The service.
    pub service: &'static str,
    /// The ledger that is asked.
    pub ledger: Ledger<A>,
    /// For the queries.
    pub pool: PgPool,
    /// The catalogs that this process has seen: the one in force is read where it was not.
    pub catalogs: Catalogs,
    /// `SELECT key` of what is open and comes after the key `$1`, by the key, at most `$2` rows.
    pub open: &'static str,
    /// The command that says: reckon anew.
    pub recompute: fn() -> A::Command,
}

impl<A: Aggregate> Timetables<A> {
    /// Reckons anew whenever a catalog came, until drained.
    pub async fn run(self, clock: Clock, drain: CancellationToken) {
        let watching = async {
            loop {
                let next = clock.now() + EVERY;
                if let Err(error) = self.catch_up(clock.now()).await {
                    let error = redacted(&error);
                    tracing::warn!(service = self.service, %error, "dues could not be reckoned anew: it is tried again in a minute");
                }
                clock.reached(next).await;
            }
        };
        drain.run_until_cancelled(watching).await;
    }

    async fn catch_up(&self, now: Timestamp) -> Result<(), sqlx::Error> {
        let behind: Option<String> = sqlx::query_scalar(
            "SELECT id FROM (SELECT id FROM catalog WHERE starts_at <= $1 \
                             ORDER BY starts_at DESC, number DESC LIMIT 1) AS present \
             WHERE id <> coalesce((SELECT catalog FROM timetable), '')",
        )
        .bind(Instant(now))
        .fetch_optional(&self.pool)
        .await?;
        let Some(catalog) = behind else {
            return Ok(());
        };
        self.catalogs
            .refresh(&mut *self.pool.acquire().await?, now)
            .await?;
        let (mut after, mut again) = (String::new(), false);
        loop {
            let keys: Vec<String> = sqlx::query_scalar(self.open)
                .bind(&after)
                .bind(BATCH)
                .fetch_all(&self.pool)
                .await?;
            let asked = keys
                .iter()
                .map(|key| self.ledger.execute(turn_of(key), self.envelope(key)));
            for (outcome, key) in futures::future::join_all(asked)
                .await
                .into_iter()
                .zip(&keys)
            {
                // One that cannot be reckoned keeps its dues, and delays no other. What passes is tried again with all, in a
                // minute: to reckon twice changes nothing.
                if let Err(error) = outcome {
                    again |= passes(&error);
                    tracing::error!(service = self.service, key, %error, "dues could not be reckoned anew");
                }
            }
            match keys.into_iter().next_back() {
                Some(last) => after = last,
                None => break,
            }
        }
        if again {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO timetable (catalog) VALUES ($1) ON CONFLICT (one) DO UPDATE SET catalog = excluded.catalog",
        )
        .bind(catalog)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    fn envelope(&self, key: &str) -> Envelope<A::Command> {
        let target = Target::Key(key.to_owned());
        Envelope::by_rule(self.service, target, (self.recompute)(), String::new())
    }
}

/// Whether what failed may go well in a minute.
fn passes(error: &Error) -> bool {
    matches!(
        error,
        Error::Overloaded | Error::Unavailable | Error::NotReady { .. }
    )
}
