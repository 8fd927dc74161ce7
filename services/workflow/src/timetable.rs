//! When another catalog is in force, its calendars count: the dues of every open case are reckoned anew, once.
//!
//! What is done follows from two rows and not from what was told, so that it is done whatever was running when the catalog
//! came: the catalog in force, and the one that the dues were reckoned by last. Several replicas may do it at once; the second
//! finds nothing left to change.

use jiff::SignedDuration;
use motcua_platform::{
    clock::Clock,
    database::redacted,
    ledger::{Envelope, Ledger, Target},
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    SERVICE,
    api::turn,
    domain::Command,
    store::{self, Cases},
};

/// How often the rows are looked at: one look into two small tables.
const EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Cases asked at a time.
const BATCH: i64 = 500;

/// The calendars that count.
#[derive(Debug)]
pub(crate) struct Timetables {
    pub(crate) ledger: Ledger<Cases>,
    pub(crate) pool: PgPool,
}

impl Timetables {
    /// Reckons anew whenever a catalog came, until drained.
    pub(crate) async fn run(self, clock: Clock, drain: CancellationToken) {
        let watching = async {
            loop {
                let next = clock.now() + EVERY;
                if let Err(error) = self.catch_up().await {
                    let error = redacted(&error);
                    tracing::warn!(%error, "dues could not be reckoned anew: it is tried again in a minute");
                }
                clock.reached(next).await;
            }
        };
        drain.run_until_cancelled(watching).await;
    }

    async fn catch_up(&self) -> Result<(), sqlx::Error> {
        let behind: Option<String> = sqlx::query_scalar(
            "SELECT id FROM (SELECT id FROM catalog ORDER BY number DESC LIMIT 1) AS last \
             WHERE id <> coalesce((SELECT catalog FROM timetable), '')",
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(catalog) = behind else {
            return Ok(());
        };
        let mut after = String::new();
        loop {
            let codes = store::open(&self.pool, &after, BATCH).await?;
            let asked = codes
                .iter()
                .map(|code| self.ledger.execute(turn(code), recompute(code)));
            for (outcome, code) in futures::future::join_all(asked)
                .await
                .into_iter()
                .zip(&codes)
            {
                // One that cannot be reckoned keeps its dues, and delays no other.
                if let Err(error) = outcome {
                    tracing::error!(case = code, %error, "the dues of a case could not be reckoned anew");
                }
            }
            match codes.into_iter().next_back() {
                Some(last) => after = last,
                None => break,
            }
        }
        sqlx::query(
            "INSERT INTO timetable (catalog) VALUES ($1) ON CONFLICT (one) DO UPDATE SET catalog = excluded.catalog",
        )
        .bind(catalog)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn recompute(code: &str) -> Envelope<Command> {
    let target = Target::Key(code.to_owned());
    Envelope::by_rule(SERVICE, target, Command::Recompute, String::new())
}
