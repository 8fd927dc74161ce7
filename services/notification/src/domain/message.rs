//! A message's life: queued, then sent or given up. Nothing overwrites an end.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{
    error::Error,
    ledger::{Decision, Subject},
    time::{from_proto_opt, to_proto},
};
use motcua_proto::{
    events::v1::{Event, MessageFailed, MessageQueued, MessageSent, event::Payload},
    notification::v1::{Attempt as ProtoAttempt, Message as ProtoMessage, MessageState},
};
use serde::{Deserialize, Serialize};

/// How long a message waits after each failed attempt, by the business clock. After the last one it is given up: a
/// mailbox that was full or a server that was down for an afternoon loses nothing.
const WAITS: [SignedDuration; 4] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
];

/// A message: about which dossier, from which template, and how its sending went. Never to whom, or in which words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) dossier: String,
    pub(crate) agency: String,
    pub(crate) procedure: String,
    pub(crate) template: String,
    pub(crate) channel: String,
    pub(crate) cause: String,
    pub(crate) queued_at: Timestamp,
    /// Trace context of what caused it: the sending hangs below.
    pub(crate) traceparent: String,
    pub(crate) phase: Phase,
    pub(crate) failures: Vec<Failure>,
    /// How many events it has.
    pub(crate) version: i64,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Waits; due from this instant on.
    Queued(Timestamp),
    /// Left then.
    Sent(Timestamp),
    /// Given up.
    Failed,
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) at: Timestamp,
    pub(crate) reason: String,
}

/// What may be asked of a message.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Queue it.
    Queue(Queue),
    /// Write down how an attempt went.
    Record(Record),
}

/// A message to be queued.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) subject: Subject,
    pub(crate) template: String,
    /// Not before; at once if none.
    pub(crate) send_at: Option<Timestamp>,
    /// The event that caused it; empty when somebody asked.
    pub(crate) cause: String,
}

/// How an attempt went.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The attempt, from 1.
    pub(crate) attempt: usize,
    pub(crate) outcome: Outcome,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It left.
    Sent,
    /// It did not, this time.
    Failed(String),
    /// It did not, and trying again would not help.
    FailedForGood(String),
}

impl Message {
    /// When the next attempt is due; none once it has ended.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Queued(at) => Some(at),
            Phase::Sent(_) | Phase::Failed => None,
        }
    }

    pub(crate) fn state(&self) -> MessageState {
        match self.phase {
            Phase::Queued(_) => MessageState::Queued,
            Phase::Sent(_) => MessageState::Sent,
            Phase::Failed => MessageState::Failed,
        }
    }

    /// The attempt that comes next, from 1.
    pub(crate) fn next_attempt(&self) -> usize {
        self.failures.len() + 1
    }

    fn subject(&self) -> Subject {
        Subject {
            dossier: self.dossier.clone(),
            agency: self.agency.clone(),
            procedure: self.procedure.clone(),
        }
    }

    /// As the contract shows it.
    pub(crate) fn to_proto(&self, id: &str, etag: String) -> ProtoMessage {
        let sent_at = match self.phase {
            Phase::Sent(at) => Some(at),
            Phase::Queued(_) | Phase::Failed => None,
        };
        let failed = self
            .failures
            .iter()
            .map(|failure| (failure.at, failure.reason.clone()));
        let attempts = failed
            .chain(sent_at.map(|at| (at, String::new())))
            .zip(1..)
            .map(|((at, failure), number)| ProtoAttempt {
                number,
                attempted_at: Some(to_proto(at)),
                failure,
            })
            .collect();
        ProtoMessage {
            name: format!("messages/{id}"),
            dossier: self.dossier.clone(),
            template: self.template.clone(),
            channel: self.channel.clone(),
            state: self.state().into(),
            cause: self.cause.clone(),
            queued_at: Some(to_proto(self.queued_at)),
            sent_at: sent_at.map(to_proto),
            attempts,
            agency: self.agency.clone(),
            etag,
        }
    }
}

/// What happens. A message that is there already is not queued again, and what an attempt says after the end, or after
/// another sender has said it, changes nothing.
pub(crate) fn decide(
    state: Option<&Message>,
    command: &Command,
    channel: &str,
    key: &str,
    now: Timestamp,
) -> Result<Decision, Error> {
    match (command, state) {
        (Command::Queue(queue), None) => Ok(happens(
            queue.subject.clone(),
            Payload::MessageQueued(MessageQueued {
                template: queue.template.clone(),
                channel: channel.to_owned(),
                send_at: Some(to_proto(queue.send_at.map_or(now, |at| at.max(now)))),
                cause: queue.cause.clone(),
            }),
        )),
        (Command::Queue(_), Some(message)) => Ok(nothing(message)),
        (Command::Record(_), None) => Err(Error::Missing {
            name: format!("messages/{key}"),
        }),
        (Command::Record(record), Some(message)) => Ok(recorded(message, record, now)),
    }
}

fn recorded(message: &Message, record: &Record, now: Timestamp) -> Decision {
    if message.next_at().is_none() {
        return nothing(message);
    }
    let number = message.next_attempt();
    let attempt = i32::try_from(number).unwrap_or(i32::MAX);
    let (reason, final_) = match &record.outcome {
        // It is on its way, whatever another sender's attempt came to.
        Outcome::Sent => {
            let sent = MessageSent {
                attempt,
                sent_at: Some(to_proto(now)),
            };
            return happens(message.subject(), Payload::MessageSent(sent));
        }
        Outcome::Failed(_) | Outcome::FailedForGood(_) if record.attempt != number => {
            return nothing(message);
        }
        Outcome::Failed(reason) => (reason, number > WAITS.len()),
        Outcome::FailedForGood(reason) => (reason, true),
    };
    happens(
        message.subject(),
        Payload::MessageFailed(MessageFailed {
            attempt,
            failed_at: Some(to_proto(now)),
            reason: reason.clone(),
            r#final: final_,
        }),
    )
}

fn happens(subject: Subject, event: Payload) -> Decision {
    Decision {
        subject,
        events: vec![event],
        ..Decision::default()
    }
}

fn nothing(message: &Message) -> Decision {
    Decision {
        subject: message.subject(),
        ..Decision::default()
    }
}

/// The message after an event.
pub(crate) fn apply(state: Option<Message>, event: &Event) -> Option<Message> {
    match (event.payload.as_ref()?, state) {
        (Payload::MessageQueued(queued), None) => {
            let queued_at = from_proto_opt(event.occurred_at.as_ref())?;
            Some(Message {
                dossier: event.dossier.clone(),
                agency: event.agency.clone(),
                procedure: event.procedure.clone(),
                template: queued.template.clone(),
                channel: queued.channel.clone(),
                cause: queued.cause.clone(),
                queued_at,
                traceparent: event.traceparent.clone(),
                phase: Phase::Queued(from_proto_opt(queued.send_at.as_ref()).unwrap_or(queued_at)),
                failures: Vec::new(),
                version: 1,
            })
        }
        (Payload::MessageSent(sent), Some(mut message)) => {
            message.version += 1;
            message.phase = Phase::Sent(from_proto_opt(sent.sent_at.as_ref())?);
            Some(message)
        }
        (Payload::MessageFailed(failed), Some(mut message)) => {
            let at = from_proto_opt(failed.failed_at.as_ref())?;
            message.version += 1;
            message.phase = match WAITS.get(message.failures.len()) {
                Some(wait) if !failed.r#final => {
                    Phase::Queued(at.saturating_add(*wait).unwrap_or(at))
                }
                _ => Phase::Failed,
            };
            message.failures.push(Failure {
                at,
                reason: failed.reason.clone(),
            });
            Some(message)
        }
        (_, state) => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use motcua_proto::r#type::v1::Actor;
    use proptest::prelude::*;
    use prost::Message as _;

    const START: i64 = 1_751_328_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(START + minutes * 60).unwrap()
    }

    /// A message and its history, as the ledger would write them.
    #[derive(Default)]
    struct History {
        state: Option<Message>,
        events: Vec<Event>,
    }

    impl History {
        fn take(&mut self, command: &Command, now: Timestamp) -> usize {
            let Ok(decision) = decide(self.state.as_ref(), command, "file", "m", now) else {
                return 0;
            };
            let happened = decision.events.len();
            for payload in decision.events {
                let event = Event {
                    name: "messages/m".into(),
                    dossier: decision.subject.dossier.clone(),
                    agency: decision.subject.agency.clone(),
                    procedure: decision.subject.procedure.clone(),
                    actor: Some(Actor::default()),
                    occurred_at: Some(to_proto(now)),
                    traceparent: "00-11111111111111112222222222222222-3333333333333333-01".into(),
                    payload: Some(payload),
                    ..Event::default()
                };
                self.state = apply(self.state.take(), &event);
                self.events.push(event);
            }
            happened
        }

        fn state(&self) -> &Message {
            self.state.as_ref().unwrap()
        }
    }

    fn queue(send_at: Option<Timestamp>) -> Command {
        Command::Queue(Queue {
            subject: Subject {
                dossier: "H24.11593-250701-0007".into(),
                agency: "11593".into(),
                procedure: "1.000656".into(),
            },
            template: "receipt".into(),
            send_at,
            cause: "intake@4711".into(),
        })
    }

    fn record(attempt: usize, outcome: Outcome) -> Command {
        Command::Record(Record { attempt, outcome })
    }

    #[test]
    fn a_message_that_is_queued_already_is_not_queued_again() {
        let mut history = History::default();
        assert_eq!(history.take(&queue(None), at(0)), 1);
        assert_eq!(history.take(&queue(None), at(1)), 0);
        assert_eq!(history.state().next_at(), Some(at(0)));
    }

    #[test]
    fn a_message_waits_longer_after_each_failure_and_is_given_up_after_the_fifth() {
        let mut history = History::default();
        history.take(&queue(None), at(0));
        let mut now = 0;
        for (attempt, wait) in [(1, 1), (2, 5), (3, 30), (4, 120)] {
            history.take(
                &record(attempt, Outcome::Failed("SMTP 451".into())),
                at(now),
            );
            assert_eq!(
                history.state().next_at(),
                Some(at(now + wait)),
                "after attempt {attempt}"
            );
            now += wait;
        }
        history.take(&record(5, Outcome::Failed("SMTP 451".into())), at(now));
        assert_eq!(history.state().state(), MessageState::Failed);
        assert_eq!(
            history.state().to_proto("m", String::new()).attempts.len(),
            5
        );
    }

    #[test]
    fn nothing_overwrites_an_end() {
        for end in [Outcome::Sent, Outcome::FailedForGood("SMTP 550".into())] {
            let mut history = History::default();
            history.take(&queue(None), at(0));
            history.take(&record(1, end), at(1));
            let ended = history.state().clone();
            for late in [
                Outcome::Sent,
                Outcome::Failed("late".into()),
                Outcome::FailedForGood("late".into()),
            ] {
                assert_eq!(history.take(&record(2, late), at(2)), 0);
            }
            assert_eq!(history.state(), &ended);
        }
    }

    #[test]
    fn two_senders_that_failed_in_the_same_attempt_count_once_and_one_that_succeeded_counts() {
        let mut history = History::default();
        history.take(&queue(None), at(0));
        assert_eq!(
            history.take(
                &record(1, Outcome::Failed("SMTP: no connection".into())),
                at(0)
            ),
            1
        );
        assert_eq!(
            history.take(
                &record(1, Outcome::Failed("SMTP: no connection".into())),
                at(0)
            ),
            0
        );
        assert_eq!(history.take(&record(1, Outcome::Sent), at(0)), 1);
        assert_eq!(history.state().state(), MessageState::Sent);
    }

    #[test]
    fn what_is_to_be_sent_in_the_past_is_sent_at_once_and_later_means_later() {
        let mut history = History::default();
        history.take(&queue(Some(at(-60))), at(0));
        assert_eq!(history.state().next_at(), Some(at(0)));
        let mut history = History::default();
        history.take(&queue(Some(at(60))), at(0));
        assert_eq!(history.state().next_at(), Some(at(60)));
    }

    fn commands() -> impl Strategy<Value = Command> {
        prop_oneof![
            proptest::option::of(-100_i64..10_000).prop_map(|minutes| queue(minutes.map(at))),
            (1_usize..7, 0..3).prop_map(|(attempt, outcome)| record(
                attempt,
                match outcome {
                    0 => Outcome::Sent,
                    1 => Outcome::Failed("SMTP 451".into()),
                    _ => Outcome::FailedForGood("SMTP 550".into()),
                }
            )),
            (1_usize..7)
                .prop_map(|attempt| record(attempt, Outcome::Failed("SMTP: time-out".into()))),
        ]
    }

    proptest! {
        #[test]
        fn replaying_the_events_gives_the_state(
            steps in proptest::collection::vec((commands(), 0_i64..300), 0..40),
        ) {
            let mut history = History::default();
            let mut now = 0;
            for (command, minutes) in steps {
                now += minutes;
                history.take(&command, at(now));
            }
            // As they lie in the database: encoded.
            let replayed = history
                .events
                .iter()
                .map(|event| Event::decode(&event.encode_to_vec()[..]).unwrap())
                .fold(None, |state, event| apply(state, &event));
            prop_assert_eq!(&replayed, &history.state);
            if let Some(state) = &history.state {
                let stored: Message = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
                prop_assert_eq!(&stored, state);
                prop_assert_eq!(usize::try_from(state.version).unwrap(), history.events.len());
                prop_assert!(state.failures.len() <= WAITS.len() + 1);
                prop_assert_eq!(state.next_at().is_some(), state.state() == MessageState::Queued);
            }
        }
    }
}
