//! Timers: what falls due by the clock is asked of the ledger, like everything else.
//!
//! A timer is a column of its aggregate's row, written with the state: it cannot be lost, and it cannot fire for a
//! state that has gone. Several replicas may ask at once; the second finds the state moved on and nothing happens.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    database::redacted,
    error::Error,
    feed::Feed,
    ledger::{Aggregate, Envelope, Ledger, Target},
    time::Instant,
};

/// After a fault, and for what another replica has set and not lived to fire.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What falls due in one service.
#[derive(Debug)]
pub struct Timers<A: Aggregate> {
    /// The ledger that is asked.
    pub ledger: Ledger<A>,
    /// For the queries.
    pub pool: PgPool,
    /// The time.
    pub clock: Clock,
    /// Tells when this process has set a timer. One [`Timers`] listens to each feed.
    pub feed: Feed,
    /// `SELECT key, agency` of what is due at `$1`, earliest first, at most a batch.
    pub due: &'static str,
    /// `SELECT min(…)`: when the next falls due.
    pub next: &'static str,
    /// The command that says: look at the clock.
    pub tick: fn() -> A::Command,
}

impl<A: Aggregate> Timers<A> {
    /// Fires what falls due, until drained.
    pub async fn run(self, drain: CancellationToken) {
        let firing = async {
            let mut set = self.feed.timers().subscribe();
            loop {
                // Before the rows are asked: what is set after that is told.
                self.feed.timers().send_replace(jiff::Timestamp::MAX);
                let next = match self.fire().await {
                    Ok(next) => next,
                    Err(error) => {
                        tracing::warn!(service = self.feed.service(), %error, "timers are looked at again in a moment");
                        tokio::time::sleep(LOOK_AGAIN).await;
                        continue;
                    }
                };
                let reached = async {
                    match next {
                        Some(at) => self.clock.reached(at).await,
                        None => std::future::pending().await,
                    }
                };
                let earlier = set.wait_for(|at| *at < next.unwrap_or(jiff::Timestamp::MAX));
                tokio::select! {
                    () = reached => {}
                    _ = earlier => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
        };
        drain.run_until_cancelled(firing).await;
    }

    /// Fires everything that is due; answers when the next falls due.
    async fn fire(&self) -> Result<Option<jiff::Timestamp>, Error> {
        loop {
            let now = self.clock.now();
            let next: Option<Instant> = sqlx::query_scalar(self.next)
                .fetch_one(&self.pool)
                .await
                .map_err(fault)?;
            match next {
                Some(at) if at.0 <= now => {}
                next => return Ok(next.map(|at| at.0)),
            }
            let due = self.due(now).await?;
            if due.is_empty() {
                // Another replica, or a command, was quicker: when is the next one due?
                continue;
            }
            let ticks = due
                .iter()
                .map(|(key, agency)| self.ledger.execute(agency, self.envelope(key)));
            let mut moved = false;
            for outcome in futures::future::join_all(ticks).await {
                // One resource that cannot tick delays no other.
                match outcome {
                    Ok(accepted) => moved |= accepted.position.is_some(),
                    Err(error) => {
                        tracing::error!(service = self.feed.service(), %error, "a timer could not fire")
                    }
                }
            }
            if !moved && self.due(now).await? == due {
                // Not another replica, which would have moved them.
                return Err(Error::Fault(format!(
                    "{} timer(s) are due and nothing happens",
                    due.len()
                )));
            }
        }
    }

    async fn due(&self, now: jiff::Timestamp) -> Result<Vec<(String, String)>, Error> {
        sqlx::query_as(self.due)
            .bind(Instant(now))
            .fetch_all(&self.pool)
            .await
            .map_err(fault)
    }

    fn envelope(&self, key: &str) -> Envelope<A::Command> {
        let target = Target::Key(key.to_owned());
        Envelope::by_rule(self.feed.service(), target, (self.tick)(), String::new())
    }
}

fn fault(error: sqlx::Error) -> Error {
    Error::Fault(redacted(&error))
}
