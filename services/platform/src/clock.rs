//! The clock is a parameter: legal instants and business timers read it, and the demo and the tests move it.
//!
//! Transport keeps real time (deadlines of calls, backoff, pools, telemetry) and does not come here.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, watch},
};
use tokio_util::sync::CancellationToken;

use crate::time::truncated;

/// Longest sleep before the system's time is looked at again, so that a corrected system clock is noticed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What time it is.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Simulated(watch::Receiver<Timestamp>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn simulated(start: Timestamp) -> (Self, Hand) {
        let (hand, time) = watch::channel(truncated(start));
        (Self(Source::Simulated(time)), Hand(hand))
    }

    /// Follows the [`Tower`] that listens on a Unix socket. Answers once the first time has arrived, with a token that
    /// fires when the tower is gone: nothing will move the clock any more.
    ///
    /// # Errors
    /// When nobody listens there, or no time arrives.
    pub async fn follow(socket: &Path) -> std::io::Result<(Self, CancellationToken)> {
        let (read, mut write) = UnixStream::connect(socket).await?.into_split();
        let mut lines = BufReader::new(read).lines();
        let start = next_time(&mut lines).await?;
        let (clock, hand) = Self::simulated(start);
        write.write_all(b"\n").await?;
        let gone = CancellationToken::new();
        let fires = gone.clone().drop_guard();
        tokio::spawn(async move {
            let _fires = fires;
            while let Ok(time) = next_time(&mut lines).await {
                hand.set(time);
                if write.write_all(b"\n").await.is_err() {
                    break;
                }
            }
        });
        Ok((clock, gone))
    }

    /// The time, in whole microseconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the system's clock"
            )]
            Source::System => truncated(Timestamp::now()),
            Source::Simulated(time) => *time.borrow(),
        }
    }

    /// Waits until the instant has come.
    pub async fn reached(&self, at: Timestamp) {
        match &self.0 {
            Source::System => loop {
                let left = at.duration_since(self.now());
                let Ok(left) = Duration::try_from(left) else {
                    return;
                };
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            },
            Source::Simulated(time) => {
                // A hand that is gone will never move the clock: whoever waits, waits until it is cancelled.
                if time.clone().wait_for(|now| *now >= at).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

/// Moves a simulated clock.
#[derive(Debug)]
pub struct Hand(watch::Sender<Timestamp>);

impl Hand {
    /// Moves it forward; an earlier time changes nothing, for time does not run backwards.
    pub fn set(&self, to: Timestamp) {
        let to = truncated(to);
        self.0.send_if_modified(|now| {
            let forward = to > *now;
            if forward {
                *now = to;
            }
            forward
        });
    }
}

type Lines = tokio::io::Lines<BufReader<OwnedReadHalf>>;

async fn next_time(lines: &mut Lines) -> std::io::Result<Timestamp> {
    let line = lines
        .next_line()
        .await?
        .ok_or(std::io::ErrorKind::UnexpectedEof)?;
    line.parse().map_err(std::io::Error::other)
}

/// Tells the time to the processes that follow it through a Unix socket: `serve --simulated-clock SOCKET`.
///
/// The protocol is a line with an RFC 3339 instant out, and an empty line back once the follower shows it.
#[derive(Debug)]
pub struct Tower {
    state: Arc<Mutex<TowerState>>,
    accepting: tokio::task::AbortHandle,
}

#[derive(Debug)]
struct TowerState {
    now: Timestamp,
    followers: Vec<(Lines, OwnedWriteHalf)>,
}

impl Tower {
    /// Listens on a socket, which must not exist yet.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn bind(socket: &Path, start: Timestamp) -> std::io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let state = Arc::new(Mutex::new(TowerState {
            now: truncated(start),
            followers: Vec::new(),
        }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state))).abort_handle();
        Ok(Self { state, accepting })
    }

    /// Moves every follower's clock, and answers when all of them show the new time.
    pub async fn set(&self, to: Timestamp) {
        let mut state = self.state.lock().await;
        state.now = truncated(to);
        let now = state.now;
        let mut still_there = Vec::new();
        for mut follower in std::mem::take(&mut state.followers) {
            if tell(&mut follower, now).await.is_ok() {
                still_there.push(follower);
            }
        }
        state.followers = still_there;
    }

    /// The time that it shows.
    pub async fn now(&self) -> Timestamp {
        self.state.lock().await.now
    }
}

impl Drop for Tower {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: UnixListener, state: Arc<Mutex<TowerState>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (read, write) = stream.into_split();
        let mut follower = (BufReader::new(read).lines(), write);
        let mut state = state.lock().await;
        let now = state.now;
        if tell(&mut follower, now).await.is_ok() {
            state.followers.push(follower);
        }
    }
}

async fn tell(follower: &mut (Lines, OwnedWriteHalf), now: Timestamp) -> std::io::Result<()> {
    follower.1.write_all(format!("{now}\n").as_bytes()).await?;
    follower
        .0
        .next_line()
        .await?
        .map(drop)
        .ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn whoever_waits_for_an_instant_goes_on_when_the_hand_reaches_it() {
        let (clock, hand) = Clock::simulated(at("2025-07-01T00:00:00Z"));
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reached(at("2025-07-01T02:00:00Z")).await }
        });
        hand.set(at("2025-07-01T01:00:00Z"));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        hand.set(at("2025-07-01T03:00:00Z"));
        waiting.await.unwrap();
    }

    #[test]
    fn time_does_not_run_backwards() {
        let (clock, hand) = Clock::simulated(at("2025-07-02T00:00:00Z"));
        hand.set(at("2025-07-01T00:00:00Z"));
        assert_eq!(clock.now(), at("2025-07-02T00:00:00Z"));
    }

    #[tokio::test]
    async fn every_follower_of_a_tower_shows_the_new_time_when_set_answers() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("clock");
        let tower = Tower::bind(&socket, at("2025-07-01T00:00:00Z")).unwrap();
        let (first, gone) = Clock::follow(&socket).await.unwrap();
        let (second, _) = Clock::follow(&socket).await.unwrap();
        assert_eq!(first.now(), at("2025-07-01T00:00:00Z"));
        tower.set(at("2025-07-01T00:15:00Z")).await;
        assert_eq!(first.now(), at("2025-07-01T00:15:00Z"));
        assert_eq!(second.now(), at("2025-07-01T00:15:00Z"));
        drop(tower);
        gone.cancelled().await;
    }
}
