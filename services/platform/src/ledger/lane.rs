//! A lane: one connection that writes batch after batch, and knows what to do when the database objects.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    Aggregate, Envelope, Outcomes,
    batch::write,
    queue::{Job, Queue},
};
use crate::{
    clock::Clock,
    database::{Severity, redacted, severity, within},
    error::Error,
    feed::Feed,
    telemetry,
    vault::Vault,
    work::{self, Work},
};

/// Two: while one waits for its commit to reach the disk, the other decides. With more of them the batches get smaller, and
/// each dossier dearer.
pub(super) const LANES: usize = 2;

/// Commands in a batch at most: beyond this the sharing brings nothing more, and the first waits for the last.
const BATCH_MAX: usize = 256;

/// How long a batch is tried before its callers are told that the database does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One attempt at most, which is more than it may wait for a lock: a connection that fell silent says nothing for as
/// long as one listens.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(6);

fn delays() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(5))
        .with_max_delay(Duration::from_secs(2))
        .without_max_times()
        .with_jitter()
        .build()
}

pub(super) struct Lane<A> {
    feed: Feed,
    vault: Vault,
    number: usize,
    aggregate: Arc<A>,
    options: PgConnectOptions,
    clock: Clock,
    connection: Option<PgConnection>,
}

impl<A: Aggregate> Lane<A> {
    pub(super) fn new(
        feed: Feed,
        vault: Vault,
        number: usize,
        aggregate: Arc<A>,
        options: PgConnectOptions,
        clock: Clock,
    ) -> Self {
        Self {
            feed,
            vault,
            number,
            aggregate,
            options,
            clock,
            connection: None,
        }
    }

    pub(super) async fn run(mut self, queue: Arc<Queue<Job<A>>>) {
        tracing::debug!(
            service = self.feed.service(),
            collection = A::COLLECTION,
            lane = self.number,
            "lane starts"
        );
        loop {
            let jobs = queue.take(BATCH_MAX);
            if !jobs.is_empty() {
                self.settle(jobs).await;
            } else if queue.is_closed() {
                break;
            } else {
                queue.arrival().await;
            }
        }
        if let Some(connection) = self.connection.take() {
            connection.close().await.ok();
        }
    }

    /// Writes the jobs in one transaction; where a row is refused, halves of them in two, until it stands alone.
    async fn settle(&mut self, jobs: Vec<Job<A>>) {
        let mut pending = vec![jobs];
        while let Some(jobs) = pending.pop() {
            let (envelopes, replies): (Vec<_>, Vec<_>) = jobs
                .into_iter()
                .map(|job| (job.envelope, job.reply))
                .unzip();
            telemetry::record_batch_size(self.feed.service(), A::COLLECTION, envelopes.len());
            let span = telemetry::batch_span(self.feed.service(), "write");
            telemetry::link(
                &span,
                envelopes
                    .iter()
                    .map(|envelope| envelope.traceparent.as_str()),
            );
            match self.write_patiently(&envelopes).instrument(span).await {
                Ok(outcomes) => {
                    for (reply, outcome) in replies.into_iter().zip(outcomes) {
                        // A caller that has gone away asks again with its request id, if it cares.
                        reply.send(outcome).ok();
                    }
                }
                Err(Objection::Row(error)) if envelopes.len() == 1 => {
                    for reply in replies {
                        reply.send(Err(error.clone())).ok();
                    }
                }
                Err(Objection::Row(_)) => {
                    let mut jobs: Vec<_> = envelopes
                        .into_iter()
                        .zip(replies)
                        .map(|(envelope, reply)| Job { envelope, reply })
                        .collect();
                    let second = jobs.split_off(jobs.len() / 2);
                    // The first half goes first: commands keep their order.
                    pending.push(second);
                    pending.push(jobs);
                }
                Err(Objection::Whole(error)) => {
                    for reply in replies {
                        reply.send(Err(error.clone())).ok();
                    }
                }
            }
        }
    }

    /// Tries until the batch is written, refused for a reason of its own, or patience ends. After a lost connection a
    /// commit may or may not have happened: the next attempt looks the request ids up, and finds what was accepted.
    async fn write_patiently(
        &mut self,
        envelopes: &[Envelope<A::Command>],
    ) -> Result<Outcomes<A::Answer>, Objection> {
        let begin = Instant::now();
        let mut delays = delays().take_while(|delay| begin.elapsed() + *delay < PATIENCE);
        let mut lost = false;
        loop {
            let attempt = within(ATTEMPT_TIME_MAX, self.write_once(envelopes));
            let error = match attempt.await {
                Ok(outcomes) => {
                    if lost {
                        // An earlier attempt may be what was committed, and then this one had nothing to tell.
                        self.feed.tell_all_to_ask();
                    }
                    return Ok(outcomes);
                }
                Err(error) => error,
            };
            lost = true;
            // Whatever happened, the transaction is over and the connection's state unknown.
            self.connection = None;
            match severity(&error) {
                Severity::Row => {
                    let constraint = error.as_database_error().and_then(|e| e.constraint());
                    return Err(Objection::Row(
                        constraint
                            .and_then(A::constraint)
                            .unwrap_or_else(|| Error::RowRefused(redacted(&error))),
                    ));
                }
                Severity::Broken => return Err(Objection::Whole(Error::Fault(redacted(&error)))),
                Severity::Again => match delays.next() {
                    Some(delay) => {
                        tracing::debug!(error = %redacted(&error), ?delay, "a batch is tried again");
                        tokio::time::sleep(delay).await;
                    }
                    None => {
                        tracing::error!(
                            service = self.feed.service(),
                            error = %redacted(&error),
                            "the database does not answer; {} command(s) were given up",
                            envelopes.len(),
                        );
                        return Err(Objection::Whole(Error::Unavailable));
                    }
                },
            }
        }
    }

    async fn write_once(
        &mut self,
        envelopes: &[Envelope<A::Command>],
    ) -> Result<Outcomes<A::Answer>, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(work::connect(&self.options).await?),
        };
        let mut work = Work::begin(connection, &self.feed).await?;
        let outcomes = write(
            self.aggregate.as_ref(),
            &self.vault,
            &mut work,
            envelopes,
            self.clock.now(),
        )
        .await?;
        work.commit().await?;
        Ok(outcomes)
    }
}

/// Why a batch was not written.
enum Objection {
    /// One of its rows was refused.
    Row(Error),
    /// It fails as a whole.
    Whole(Error),
}
