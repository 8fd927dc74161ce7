//! Cases that cannot begin are tried again: at once when a definition is published, and every minute.
//!
//! Every minute, because no publication can be sure to find them all. An acceptance that is being decided does not see
//! the definition yet, and the publication does not see the blocked case yet; a process may end between a publication
//! and what follows it; and a case may wait for a definition that only its own names. So what is tried follows from
//! where the cases stand and not from what was told: whichever way a case came to be blocked, it is found. It costs one
//! look into an index where nothing is blocked, and a case that waits for the same thing as before writes nothing. (A
//! timer of the case would have to: it moves on with an event only.)

use jiff::SignedDuration;
use motcua_platform::{
    clock::Clock,
    database::redacted,
    ledger::{Envelope, Ledger, Target, turn_of},
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    SERVICE,
    domain::Command,
    store::{self, CaseKey, Cases},
};

const EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Cases asked for at a time.
const BATCH: i64 = 500;

/// The cases that are blocked.
#[derive(Debug, Clone)]
pub(crate) struct Blocked {
    pub(crate) ledger: Ledger<Cases>,
    pub(crate) pool: PgPool,
}

impl Blocked {
    /// Tries them every minute, until drained.
    pub(crate) async fn run(self, clock: Clock, drain: CancellationToken) {
        let trying = async {
            loop {
                // Before the cases are looked for: what comes after the look is found by the next one, however long this
                // one takes.
                let next = clock.now() + EVERY;
                self.try_again("").await;
                clock.reached(next).await;
            }
        };
        drain.run_until_cancelled(trying).await;
    }

    /// Lets all begin that can. One that cannot stays blocked, and says why; one that fails delays no other.
    pub(crate) async fn try_again(&self, traceparent: &str) {
        let mut after: Option<CaseKey> = None;
        loop {
            let mut keys = match store::blocked(&self.pool, after.as_ref(), BATCH).await {
                Ok(keys) => keys,
                Err(error) => {
                    let error = redacted(&error);
                    tracing::warn!(%error, "blocked cases cannot be looked for: they are tried again in a minute");
                    return;
                }
            };
            let tries = keys
                .iter()
                .map(|(_, code)| self.ledger.execute(turn_of(code), retry(code, traceparent)));
            for (outcome, (_, code)) in futures::future::join_all(tries)
                .await
                .into_iter()
                .zip(&keys)
            {
                if let Err(error) = outcome {
                    tracing::warn!(case = code, %error, "a blocked case could not be tried: it is tried again in a minute");
                }
            }
            after = keys.pop();
            if after.is_none() {
                return;
            }
        }
    }
}

fn retry(code: &str, traceparent: &str) -> Envelope<Command> {
    let target = Target::Key(code.to_owned());
    Envelope::by_rule(SERVICE, target, Command::Retry, traceparent.to_owned())
}
