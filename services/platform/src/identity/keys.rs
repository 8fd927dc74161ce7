//! Where the issuer's keys come from, and how long they are believed.
//!
//! A file is looked at every few seconds and read when it has changed. An address is asked every ten minutes, beside the
//! calls, which go on with the keys that are there; an issuer that cannot be reached keeps its keys for a day. A key that
//! nobody knows yet is worth one question a minute, whoever asks, so that a flood of invented names stays one question.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    fetch::{DOCUMENT_BYTES_MAX, Fetch},
    jwks::KeySet,
};
use crate::{clock::Clock, error::Error};

/// How often a file is looked at: for all callers, and for those who name a key that it did not have.
const FILE_INTERVAL: SignedDuration = SignedDuration::from_secs(2);
const FILE_UNKNOWN_INTERVAL: SignedDuration = SignedDuration::from_millis(100);
/// How often an address is asked: after it answered, after it did not, and for a key that it did not have.
const URL_INTERVAL: SignedDuration = SignedDuration::from_mins(10);
const URL_RETRY: SignedDuration = SignedDuration::from_secs(10);
const URL_UNKNOWN_INTERVAL: SignedDuration = SignedDuration::from_mins(1);
/// How long keys are believed that could not be confirmed.
const UNCONFIRMED_MAX: SignedDuration = SignedDuration::from_hours(24);
/// How long a call waits for keys.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The keys of a moment.
#[derive(Debug, Default)]
pub(super) struct Current {
    /// Greater with every change.
    pub(super) generation: u64,
    pub(super) keys: KeySet,
}

/// The issuer's keys, kept up to date by those who ask for them.
#[derive(Debug)]
pub(super) struct Keys {
    source: Source,
    clock: Clock,
    held: RwLock<Held>,
    /// Whoever holds it is the one that asks the source.
    turn: Arc<Mutex<Turn>>,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Url(Fetch),
}

#[derive(Debug, Clone, Default)]
struct Held {
    current: Arc<Current>,
    asked_at: Option<Timestamp>,
    confirmed_at: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Turn {
    /// The file as it was when its keys were taken.
    stamp: Option<Stamp>,
    unknown_at: Option<Timestamp>,
}

/// Tells a file from the one that was there before.
type Stamp = (SystemTime, u64, u64);

#[derive(Debug, Clone, Copy)]
enum Reason {
    Time,
    Unknown,
}

impl Keys {
    /// From a path or a URL. Nothing is read yet.
    pub(super) fn new(from: &str, ca: Option<&Path>, clock: Clock) -> Result<Self, Error> {
        let source = if from.contains("://") {
            Source::Url(Fetch::new(from, ca)?)
        } else {
            Source::File(PathBuf::from(from))
        };
        Ok(Self {
            source,
            clock,
            held: RwLock::default(),
            turn: Arc::default(),
        })
    }

    /// Reads them for the first time. A file has to be there; an issuer may come later.
    pub(super) async fn start(self: &Arc<Self>) -> Result<(), Error> {
        let mut turn = Arc::clone(&self.turn).lock_owned().await;
        match (self.ask(&mut turn).await, &self.source) {
            (Ok(()), _) => Ok(()),
            (Err(why), Source::File(path)) => {
                Err(Error::field("jwks", format!("{}: {why}", path.display())))
            }
            (Err(why), Source::Url(_)) => {
                tracing::warn!(%why, "the issuer's keys cannot be read; no token is accepted until they can");
                Ok(())
            }
        }
    }

    /// The keys that count now.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<Current> {
        let now = self.clock.now();
        let held = self.held();
        if self.source.is_fresh(&held, now) {
            return held.current;
        }
        if matches!(self.source, Source::File(_))
            || !within(held.confirmed_at, now, UNCONFIRMED_MAX)
        {
            return self.asked(Reason::Time).await;
        }
        if let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() {
            // Somebody may have asked since we looked.
            if self.is_due(&turn, Reason::Time) {
                self.ask_beside(turn);
            }
        }
        held.current
    }

    /// The keys, once it was asked for one that nobody knows; at once where that was done a moment ago.
    pub(super) async fn asked_for_unknown(self: &Arc<Self>) -> Arc<Current> {
        self.asked(Reason::Unknown).await
    }

    /// Waits until nobody asks any more.
    #[cfg(test)]
    pub(super) async fn settled(&self) {
        drop(self.turn.lock().await);
    }

    async fn asked(self: &Arc<Self>, reason: Reason) -> Arc<Current> {
        let asking = async {
            let mut turn = Arc::clone(&self.turn).lock_owned().await;
            if self.is_due(&turn, reason) {
                if matches!(reason, Reason::Unknown) {
                    turn.unknown_at = Some(self.clock.now());
                }
                // A caller who hangs up does not take the answer from those who wait with it.
                let _ = self.ask_beside(turn).await;
            }
        };
        if tokio::time::timeout(WAIT_MAX, asking).await.is_err() {
            tracing::warn!("the issuer's keys took longer than {WAIT_MAX:?}");
        }
        self.held().current
    }

    fn is_due(&self, turn: &Turn, reason: Reason) -> bool {
        let now = self.clock.now();
        match reason {
            Reason::Time => !self.source.is_fresh(&self.held(), now),
            Reason::Unknown => !within(turn.unknown_at, now, self.source.unknown_interval()),
        }
    }

    fn ask_beside(
        self: &Arc<Self>,
        mut turn: OwnedMutexGuard<Turn>,
    ) -> tokio::task::JoinHandle<()> {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(why) = this.ask(&mut turn).await {
                tracing::warn!(%why, "the issuer's keys cannot be read; those from before are used for a day at most");
            }
        })
    }

    /// Asks the source, and keeps what it says.
    async fn ask(&self, turn: &mut Turn) -> Result<(), String> {
        let answer = self.source.read(turn).await;
        let now = self.clock.now();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.asked_at = Some(now);
        match answer {
            Ok(keys) => {
                held.confirmed_at = Some(now);
                if let Some(keys) = keys {
                    held.replace(keys);
                }
                Ok(())
            }
            Err(why) => {
                if !within(held.confirmed_at, now, UNCONFIRMED_MAX) {
                    held.replace(KeySet::default());
                }
                Err(why)
            }
        }
    }

    fn held(&self) -> Held {
        self.held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Held {
    fn replace(&mut self, keys: KeySet) {
        if self.current.keys != keys {
            let generation = self.current.generation + 1;
            tracing::info!(generation, "the issuer's keys have changed");
            self.current = Arc::new(Current { generation, keys });
        }
    }
}

impl Source {
    fn is_fresh(&self, held: &Held, now: Timestamp) -> bool {
        let interval = match self {
            Self::File(_) => FILE_INTERVAL,
            Self::Url(_) if held.asked_at == held.confirmed_at => URL_INTERVAL,
            Self::Url(_) => URL_RETRY,
        };
        within(held.asked_at, now, interval)
    }

    fn unknown_interval(&self) -> SignedDuration {
        match self {
            Self::File(_) => FILE_UNKNOWN_INTERVAL,
            Self::Url(_) => URL_UNKNOWN_INTERVAL,
        }
    }

    /// The keys; none where the file has not changed.
    async fn read(&self, turn: &mut Turn) -> Result<Option<KeySet>, String> {
        match self {
            Self::Url(fetch) => KeySet::parse(&fetch.get().await?).map(Some),
            Self::File(path) => {
                let (path, before) = (path.clone(), turn.stamp);
                let read = tokio::task::spawn_blocking(move || read_changed(&path, before))
                    .await
                    .map_err(|error| error.to_string())??;
                let Some((document, stamp)) = read else {
                    return Ok(None);
                };
                let keys = KeySet::parse(&document)?;
                turn.stamp = Some(stamp);
                Ok(Some(keys))
            }
        }
    }
}

fn read_changed(path: &Path, before: Option<Stamp>) -> Result<Option<(Vec<u8>, Stamp)>, String> {
    let there = fs::metadata(path).map_err(|error| error.to_string())?;
    let modified = there.modified().map_err(|error| error.to_string())?;
    let stamp = (modified, there.len(), there.ino());
    if before == Some(stamp) {
        return Ok(None);
    }
    if there.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("it is larger than {DOCUMENT_BYTES_MAX} bytes"));
    }
    let document = fs::read(path).map_err(|error| error.to_string())?;
    Ok(Some((document, stamp)))
}

/// Whether something happened less than `limit` ago. A clock that was set back counts as if it had been set forward.
fn within(since: Option<Timestamp>, now: Timestamp, limit: SignedDuration) -> bool {
    since.is_some_and(|since| now.duration_since(since).abs() < limit)
}
