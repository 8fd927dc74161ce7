//! One batch, inside a transaction that the caller begins and commits. Locks are always taken in the same order:
//! aggregates by key, counters by name, request ids by their key, the feed's head last.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use motcua_proto::events::v1::Event;
use prost::Message as _;
use sqlx::PgConnection;

use super::{
    Accepted, Aggregate, Context, Decision, Envelope, Outcomes, Request, Row, Target,
    rows::{
        Known, KnownPlace, NewEvent, NewRequest, RequestKey, append, dossier_of, is_known, key_of,
        known_requests, lock_counters, positions_of, save_counters, save_requests, save_statements,
    },
};
use crate::{error::Error, feed, position::Position, statement::Statement, time::to_proto};

/// Decides a batch of commands and writes what follows.
///
/// # Errors
/// Those of the database, after which the transaction must be rolled back. A refused command is not an error of the
/// batch: its refusal stands in the outcomes.
pub async fn write<A: Aggregate>(
    service: &'static str,
    aggregate: &A,
    connection: &mut PgConnection,
    envelopes: &[Envelope<A::Command>],
    now: Timestamp,
) -> Result<Outcomes<A::Answer>, sqlx::Error> {
    let mut known = known_requests(connection, envelopes).await?;
    let rows = load(aggregate, connection, envelopes, &known).await?;
    let counters = lock_counters(connection, envelopes, &known).await?;

    let mut draft = Draft::<A> {
        rows,
        counters,
        events: Vec::new(),
        statements: Vec::new(),
        requests: BTreeMap::new(),
        outcomes: Vec::with_capacity(envelopes.len()),
    };
    for envelope in envelopes {
        let outcome = match envelope
            .request
            .as_ref()
            .and_then(|request| known.get(&key_of(request)))
        {
            Some(known) => known.outcome(envelope.request.as_ref()),
            None => draft.take(aggregate, envelope, now),
        };
        draft.outcomes.push(outcome);
    }
    if draft.has_refused(envelopes) {
        // The same request may have been accepted by another batch while this one waited for the aggregate's lock: the
        // move is no longer allowed because this very request has made it. Now its answer can be seen.
        known = known_requests(connection, envelopes).await?;
        draft.remember(envelopes, &known);
    }
    draft
        .write(service, aggregate, connection, now, &known)
        .await
}

impl Known {
    fn outcome<T: prost::Message + Default>(
        &self,
        request: Option<&Request>,
    ) -> Result<Draftee<T>, Error> {
        match request {
            Some(request) if request.digest[..] != self.digest[..] => {
                Err(Error::RequestIdReused(request.id.to_string()))
            }
            _ => Ok(Draftee {
                answer: T::decode(&self.answer[..]).map_err(|error| {
                    Error::Fault(format!("a stored answer cannot be read: {error}"))
                })?,
                place: Place::Known(self.place.clone()),
            }),
        }
    }
}

/// An accepted command whose position is not known yet.
struct Draftee<T> {
    answer: T,
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// Its last event is the n-th of this batch.
    Written(usize),
    /// It was accepted before.
    Known(KnownPlace),
    /// Nothing happened.
    Nowhere,
}

struct Loaded<S> {
    state: Option<S>,
    existed: bool,
    changed: bool,
}

struct Draft<A: Aggregate> {
    rows: HashMap<String, Loaded<A::State>>,
    counters: BTreeMap<String, i64>,
    events: Vec<NewEvent>,
    statements: Vec<(String, Statement)>,
    /// Sorted, so that two replicas meet at the same key in the same order.
    requests: BTreeMap<RequestKey, NewRequest>,
    outcomes: Vec<Result<Draftee<A::Answer>, Error>>,
}

impl<A: Aggregate> Draft<A> {
    /// Decides one command against the state as the accepted commands before it left it.
    fn take(
        &mut self,
        aggregate: &A,
        envelope: &Envelope<A::Command>,
        now: Timestamp,
    ) -> Result<Draftee<A::Answer>, Error> {
        // The same id twice in one batch: the second gets the first's answer.
        if let Some(request) = &envelope.request
            && let Some(first) = self.requests.get(&key_of(request))
        {
            return if first.digest == request.digest {
                self.again(first.outcome)
            } else {
                Err(Error::RequestIdReused(request.id.to_string()))
            };
        }
        let key = match &envelope.target {
            Target::Key(key) => key.clone(),
            // The number is taken only when the command is accepted: a refusal leaves no gap.
            Target::Numbered(prefix) => numbered(prefix, self.next_number(prefix)),
        };
        let name = format!("{}/{key}", A::COLLECTION);
        let loaded = self.rows.entry(key.clone()).or_insert(Loaded {
            state: None,
            existed: false,
            changed: false,
        });
        if !envelope.etag.is_empty()
            && let Some(state) = &loaded.state
        {
            let etag = etag(A::version(state));
            if etag != envelope.etag {
                return Err(Error::Stale { name, etag });
            }
        }
        let context = Context {
            now,
            key: &key,
            actor: &envelope.actor,
        };
        let decision = aggregate.decide(loaded.state.as_ref(), &envelope.command, &context)?;
        let happened = !decision.events.is_empty();
        let dossier = dossier_of(&decision.subject.dossier, &name);
        let events = stamp(decision, &name, envelope, now, &mut self.statements);
        let mut state = loaded.state.take();
        for event in &events {
            state = A::apply(state, &event.event);
        }
        loaded.state = state;
        loaded.changed |= happened;
        let Some(state) = &loaded.state else {
            return Err(Error::Missing { name });
        };
        let answer = A::answer(&key, state);
        self.events.extend(events);
        let place = if happened {
            Place::Written(self.events.len() - 1)
        } else {
            Place::Nowhere
        };
        if let Target::Numbered(prefix) = &envelope.target {
            *self.counters.entry(prefix.clone()).or_default() += 1;
        }
        if let Some(request) = &envelope.request {
            self.requests.insert(
                key_of(request),
                NewRequest {
                    digest: request.digest,
                    dossier,
                    name,
                    answer: answer.encode_to_vec(),
                    outcome: self.outcomes.len(),
                },
            );
        }
        Ok(Draftee { answer, place })
    }

    /// Whether a request that can come again was refused.
    fn has_refused(&self, envelopes: &[Envelope<A::Command>]) -> bool {
        self.outcomes
            .iter()
            .zip(envelopes)
            .any(|(outcome, envelope)| {
                outcome.is_err()
                    && envelope
                        .request
                        .as_ref()
                        .is_some_and(|request| request.stated)
            })
    }

    /// The first answer for whatever was refused here and is known.
    fn remember(&mut self, envelopes: &[Envelope<A::Command>], known: &HashMap<RequestKey, Known>) {
        for (outcome, envelope) in self.outcomes.iter_mut().zip(envelopes) {
            if outcome.is_err()
                && let Some(request) = &envelope.request
                && let Some(known) = known.get(&key_of(request))
            {
                *outcome = known.outcome(Some(request));
            }
        }
    }

    fn next_number(&self, prefix: &str) -> i64 {
        self.counters.get(prefix).copied().unwrap_or_default() + 1
    }

    fn again(&self, outcome: usize) -> Result<Draftee<A::Answer>, Error> {
        match self.outcomes.get(outcome) {
            Some(Ok(first)) => Ok(Draftee {
                // The answer as it was given, which may no longer be the state.
                answer: first.answer.clone(),
                place: first.place.clone(),
            }),
            _ => Err(Error::Fault(
                "a request id points at a command that was not accepted".to_owned(),
            )),
        }
    }

    async fn write(
        self,
        service: &'static str,
        aggregate: &A,
        connection: &mut PgConnection,
        now: Timestamp,
        known: &HashMap<RequestKey, Known>,
    ) -> Result<Outcomes<A::Answer>, sqlx::Error> {
        let mut changed: Vec<_> = self
            .rows
            .iter()
            .filter(|(_, loaded)| loaded.changed)
            .filter_map(|(key, loaded)| {
                Some(Row {
                    key,
                    state: loaded.state.as_ref()?,
                    new: !loaded.existed,
                })
            })
            .collect();
        changed.sort_by_key(|row| row.key);
        if !changed.is_empty() {
            aggregate.save(connection, &changed).await?;
        }
        save_counters(connection, &self.counters).await?;
        save_statements(connection, &self.statements, now).await?;
        save_requests(connection, &self.requests, now).await?;
        let mut known_positions = HashMap::new();
        if !known.is_empty() {
            known_positions = positions_of(connection, known).await?;
        }
        let head = append(connection, &self.events, now).await?;

        Ok(self
            .outcomes
            .into_iter()
            .map(|outcome| {
                let draftee = outcome?;
                let position = match (&draftee.place, &head) {
                    (Place::Written(index), Some(head)) => {
                        Some(head.before + i64::try_from(*index).unwrap_or(i64::MAX) + 1)
                            .map(|position| (head.epoch, position))
                    }
                    (Place::Known(place), _) => known_positions.get(place).copied(),
                    _ => None,
                };
                Ok(Accepted {
                    answer: draftee.answer,
                    position: position.map(|(epoch, position)| Position {
                        source: service.to_owned(),
                        epoch,
                        position,
                    }),
                })
            })
            .collect())
    }
}

/// `"7"`: the etag of the seventh version.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// At least four digits, as circular 03/2025 has the dossier's code.
fn numbered(prefix: &str, number: i64) -> String {
    format!("{prefix}-{number:04}")
}

async fn load<A: Aggregate>(
    aggregate: &A,
    connection: &mut PgConnection,
    envelopes: &[Envelope<A::Command>],
    known: &HashMap<RequestKey, Known>,
) -> Result<HashMap<String, Loaded<A::State>>, sqlx::Error> {
    let keys: BTreeSet<_> = envelopes
        .iter()
        .filter(|envelope| !is_known(envelope, known))
        .filter_map(|envelope| match &envelope.target {
            Target::Key(key) => Some(key.clone()),
            Target::Numbered(_) => None,
        })
        .collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let keys: Vec<_> = keys.into_iter().collect();
    Ok(aggregate
        .load(connection, &keys)
        .await?
        .into_iter()
        .map(|(key, state)| {
            (
                key,
                Loaded {
                    state: Some(state),
                    existed: true,
                    changed: false,
                },
            )
        })
        .collect())
}

fn stamp<C>(
    decision: Decision,
    name: &str,
    envelope: &Envelope<C>,
    now: Timestamp,
    statements: &mut Vec<(String, Statement)>,
) -> Vec<NewEvent> {
    let request = envelope.request.as_ref().filter(|request| request.stated);
    let Decision {
        subject,
        events,
        statements: said,
    } = decision;
    statements.extend(
        said.into_iter()
            .map(|statement| (name.to_owned(), statement)),
    );
    events
        .into_iter()
        .map(|payload| NewEvent {
            request_id: envelope.request.as_ref().map(|request| request.id),
            event: Event {
                position: 0,
                kind: feed::kind_of(&payload).into(),
                name: name.to_owned(),
                dossier: subject.dossier.clone(),
                agency: subject.agency.clone(),
                procedure: subject.procedure.clone(),
                actor: Some(envelope.actor.clone()),
                occurred_at: Some(to_proto(now)),
                recorded_at: None,
                traceparent: envelope.traceparent.clone(),
                request_id: request
                    .map(|request| request.id.to_string())
                    .unwrap_or_default(),
                payload: Some(payload),
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_at_least_four_digits_and_grow_beyond_them() {
        assert_eq!(numbered("H24.11593-250701", 7), "H24.11593-250701-0007");
        assert_eq!(
            numbered("H24.11593-250701", 12_345),
            "H24.11593-250701-12345"
        );
    }
}
