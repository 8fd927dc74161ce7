//! Commands that wait, in a line for each agency; agencies take turns.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use tokio::sync::{Notify, oneshot};

use super::{Accepted, Aggregate, Envelope};
use crate::error::Error;

/// Commands that may wait before more are turned away.
const WAITING_MAX: usize = 4_096;

/// A command that waits, and where its answer goes.
#[derive(Debug)]
pub(super) struct Job<A: Aggregate> {
    pub(super) envelope: Envelope<A::Command>,
    pub(super) reply: oneshot::Sender<Result<Accepted<A::Answer>, Error>>,
}

/// The lines. One ward's bulk import never keeps another's counter waiting for more than a turn.
#[derive(Debug)]
pub(super) struct Queue<J> {
    lines: Mutex<Lines<J>>,
    arrival: Notify,
}

#[derive(Debug)]
struct Lines<J> {
    /// Whose turn is next. Every agency with a line stands here once.
    turns: VecDeque<String>,
    by_agency: HashMap<String, VecDeque<J>>,
    waiting: usize,
    closed: bool,
}

impl<J> Queue<J> {
    pub(super) fn new() -> Self {
        Self {
            lines: Mutex::new(Lines {
                turns: VecDeque::new(),
                by_agency: HashMap::new(),
                waiting: 0,
                closed: false,
            }),
            arrival: Notify::new(),
        }
    }

    pub(super) fn push(&self, agency: &str, job: J) -> Result<(), Error> {
        {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.waiting >= WAITING_MAX {
                return Err(Error::Overloaded);
            }
            lines.waiting += 1;
            match lines.by_agency.get_mut(agency) {
                Some(line) => line.push_back(job),
                None => {
                    lines.turns.push_back(agency.to_owned());
                    lines
                        .by_agency
                        .insert(agency.to_owned(), VecDeque::from([job]));
                }
            }
        }
        self.arrival.notify_one();
        Ok(())
    }

    /// Up to `max` jobs, one from each line in turn.
    pub(super) fn take(&self, max: usize) -> Vec<J> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        while taken.len() < max {
            let Some(agency) = lines.turns.pop_front() else {
                break;
            };
            let Some(line) = lines.by_agency.get_mut(&agency) else {
                continue;
            };
            taken.extend(line.pop_front());
            if line.is_empty() {
                lines.by_agency.remove(&agency);
            } else {
                lines.turns.push_back(agency);
            }
        }
        lines.waiting -= taken.len();
        if lines.waiting > 0 {
            // Another lane may be idle.
            self.arrival.notify_one();
        }
        taken
    }

    pub(super) async fn arrival(&self) {
        self.arrival.notified().await;
    }

    /// Nobody will push any more.
    pub(super) fn close(&self) {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.arrival.notify_one();
    }

    /// Whether nobody will push any more. Whoever learns it passes it on: each lane waits by itself.
    pub(super) fn is_closed(&self) -> bool {
        let closed = self
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed;
        if closed {
            self.arrival.notify_one();
        }
        closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agencies_take_turns_and_each_keeps_its_order() {
        let queue = Queue::new();
        for number in 0..100 {
            queue.push("bulk", ("bulk", number)).unwrap();
        }
        queue.push("counter", ("counter", 0)).unwrap();
        queue.push("counter", ("counter", 1)).unwrap();
        assert_eq!(
            queue.take(5),
            [
                ("bulk", 0),
                ("counter", 0),
                ("bulk", 1),
                ("counter", 1),
                ("bulk", 2)
            ],
        );
        assert_eq!(queue.take(1_000).len(), 97);
        assert!(queue.take(1).is_empty());
    }

    #[test]
    fn a_full_queue_turns_away_and_takes_again_when_it_has_room() {
        let queue = Queue::new();
        for _ in 0..WAITING_MAX {
            queue.push("a", ()).unwrap();
        }
        assert!(matches!(queue.push("b", ()), Err(Error::Overloaded)));
        queue.take(1);
        queue.push("b", ()).unwrap();
    }
}
