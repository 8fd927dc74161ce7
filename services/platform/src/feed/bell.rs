//! The bell: rings whenever something was written, by whichever replica.

use std::time::Duration;

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::database::redacted;

const CHANNEL: &str = "motcua_feed";
/// Other replicas are told at most so often.
const HERALD_PAUSE: Duration = Duration::from_millis(20);
/// After a lost connection.
const AGAIN: Duration = Duration::from_millis(500);

/// What a ring of the bell tells: the history has come to this position; nothing, where something may have been missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    pub(super) epoch: i64,
    pub(super) position: i64,
}

impl Heard {
    fn parse(payload: &str) -> Option<Self> {
        let (epoch, position) = payload.split_once('/')?;
        Some(Self {
            epoch: epoch.parse().ok()?,
            position: position.parse().ok()?,
        })
    }

    /// Whether it says more than what is known, or that something may have been missed.
    fn is_news(self, known: Self) -> bool {
        self.epoch == 0 || self.epoch != known.epoch || self.position > known.position
    }

    fn ring(self, bell: &watch::Sender<Self>) {
        bell.send_if_modified(|known| {
            let is_news = self.is_news(*known);
            if is_news {
                *known = self;
            }
            is_news
        });
    }
}

/// Rings for what this process writes, and for what it hears that others have written.
#[derive(Debug, Clone, Default)]
pub(super) struct Bell {
    /// By anyone.
    heard: watch::Sender<Heard>,
    /// By this process.
    written: watch::Sender<Heard>,
}

impl Bell {
    pub(super) fn hear(&self) -> watch::Receiver<Heard> {
        self.heard.subscribe()
    }

    /// This process has committed, up to this position or nobody knows what.
    pub(super) fn tell(&self, written: Heard) {
        written.ring(&self.heard);
        written.ring(&self.written);
    }

    /// Hears what other replicas have written, until drained.
    pub(super) fn listen(
        &self,
        service: &'static str,
        options: PgConnectOptions,
        drain: CancellationToken,
    ) {
        let heard = self.heard.clone();
        tokio::spawn(drain.run_until_cancelled_owned(async move {
            loop {
                let error = match listen(&options, &heard).await {
                    Ok(never) => match never {},
                    Err(error) => error,
                };
                tracing::warn!(service, error = %redacted(&error), "listening for new events again in a moment");
                sleep(AGAIN).await;
                Heard::default().ring(&heard);
            }
        }));
    }

    /// Tells other replicas what this one has written, for as long as anybody can write: also while it drains. What a
    /// crash leaves untold they find when they look by themselves.
    pub(super) fn herald(&self, service: &'static str, pool: PgPool) {
        let mut written = self.written.subscribe();
        tokio::spawn(async move {
            while written.changed().await.is_ok() {
                let Heard { epoch, position } = *written.borrow_and_update();
                let told = sqlx::query("SELECT pg_notify($1, $2)")
                    .bind(CHANNEL)
                    .bind(format!("{epoch}/{position}"))
                    .execute(&pool)
                    .await;
                match told {
                    Ok(_) => sleep(HERALD_PAUSE).await,
                    Err(error) => {
                        tracing::debug!(service, error = %redacted(&error), "other replicas are told again in a moment");
                        written.mark_changed();
                        sleep(AGAIN).await;
                    }
                }
            }
        });
    }
}

async fn listen(
    options: &PgConnectOptions,
    ring: &watch::Sender<Heard>,
) -> Result<std::convert::Infallible, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    // What was written before we listened rang for nobody.
    Heard::default().ring(ring);
    loop {
        // None: the connection was lost and something may have been missed. Both ring.
        let heard = listener
            .try_recv()
            .await?
            .and_then(|told| Heard::parse(told.payload()));
        heard.unwrap_or_default().ring(ring);
    }
}
