//! One batch, inside a transaction that the caller begins and commits. Locks are always taken in the same order:
//! aggregates by key, counters by name, request ids by their key, the feed's head last.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use motcua_proto::events::v1::Event;
use prost::Message as _;
use sqlx::PgConnection;

use super::{
    Accepted, Aggregate, Asked, Context, Decision, Envelope, Outcomes, Permitted, Request, Row,
    Target,
    rows::{
        self, Known, KnownPlace, KnownRequests, NewEvent, NewRequest, Owner, Rest, Said, key_of,
        known_requests, lock_counters, positions_of,
    },
};
use crate::{
    error::Error,
    feed::{self, dossier_of},
    position::Position,
    scope::Scope,
    time::to_proto,
    vault::Vault,
    work::Work,
};

/// Decides a batch of commands and writes what follows.
///
/// # Errors
/// Those of the database, after which the transaction must be rolled back. A refused command is not an error of the
/// batch: its refusal stands in the outcomes.
pub async fn write<A: Aggregate>(
    aggregate: &A,
    vault: &Vault,
    work: &mut Work<'_>,
    envelopes: &[Envelope<A::Command>],
    now: Timestamp,
) -> Result<Outcomes<A::Answer>, sqlx::Error> {
    let mut known = known_requests(work, vault, envelopes).await?;
    let (rows, reached) = load(aggregate, work, envelopes, &known).await?;
    let counters = lock_counters(work, envelopes, &known).await?;

    let mut draft = Draft::<A> {
        rows,
        reached,
        rest: Rest {
            counters,
            statements: Vec::new(),
            owners: BTreeMap::new(),
            corrected: BTreeMap::new(),
            requests: BTreeMap::new(),
            events: Vec::new(),
            timer: None,
        },
        outcomes: Vec::with_capacity(envelopes.len()),
    };
    for (place, envelope) in envelopes.iter().enumerate() {
        let outcome = match known.get(&place) {
            // Who may no longer see the resource is not told what became of it either.
            Some(known) if !draft.still_permits(envelope, known) => Err(Error::Missing {
                name: known.place.name.clone(),
            }),
            Some(known) => known.outcome(vault, envelope.request.as_ref()),
            None => draft.take(aggregate, envelope, now),
        };
        draft.outcomes.push(outcome);
    }
    if draft.has_refused(envelopes) {
        // The same request may have been accepted by another batch while this one waited for the aggregate's lock: the
        // move is no longer allowed because this very request has made it. Now its answer can be seen.
        let before: HashSet<_> = known.keys().copied().collect();
        known = known_requests(work, vault, envelopes).await?;
        draft.remember(vault, envelopes, &known, &before);
    }
    draft.write(aggregate, vault, work, now, &known).await
}

impl Known {
    fn outcome<T: prost::Message + Default>(
        &self,
        vault: &Vault,
        request: Option<&Request>,
    ) -> Result<Draftee<T>, Error> {
        match request {
            Some(request) if vault.digest(&request.digest)[..] != self.digest[..] => {
                Err(Error::RequestIdReused(request.id.to_string()))
            }
            _ => Ok(Draftee {
                answer: T::decode(&self.answer.clone()?[..]).map_err(|error| {
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

struct Draft<'e, A: Aggregate> {
    rows: HashMap<String, Loaded<A::State>>,
    reached: Reached,
    rest: Rest<'e>,
    outcomes: Vec<Result<Draftee<A::Answer>, Error>>,
}

impl<'e, A: Aggregate> Draft<'e, A> {
    /// Decides one command against the state as the accepted commands before it left it.
    fn take(
        &mut self,
        aggregate: &A,
        envelope: &'e Envelope<A::Command>,
        now: Timestamp,
    ) -> Result<Draftee<A::Answer>, Error> {
        // The same id twice in one batch: the second gets the first's answer.
        if let Some(request) = &envelope.request
            && let Some(first) = self.rest.requests.get(&key_of(request))
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
        let authority = &envelope.authority;
        if let Some(state) = &loaded.state
            // PostgreSQL has judged the rows that it gave; those that this batch made it has not seen.
            && !((!loaded.existed || self.reached.holds(&key, &authority.scope))
                && covers::<A>(&authority.scope, state))
        {
            return Err(Error::Missing { name });
        }
        if !envelope.etag.is_empty()
            && let Some(state) = &loaded.state
        {
            let etag = etag(A::version(state));
            if etag != envelope.etag {
                return Err(Error::Stale { name, etag });
            }
        }
        let context = Context::new(now, &key, authority);
        let is_new = loaded.state.is_none();
        let place = Permitted(loaded.state.as_ref());
        let mut decision = aggregate.decide(place, &envelope.command, &context)?;
        let happened = !decision.events.is_empty();
        let owner = Owner::of(&mut decision, envelope.request.is_some());
        let dossier = dossier_of(&decision.subject.dossier, &name).to_owned();
        if let Some(corrected) = decision.corrected_subject.take() {
            self.rest.corrected.insert(dossier.clone(), corrected);
        }
        let mut statements = Vec::new();
        let events = stamp(decision, &name, envelope, now, &mut statements);
        let mut state = loaded.state.take();
        for event in &events {
            state = A::apply(state, &event.event);
        }
        if is_new
            && let Some(state) = &state
            && !covers::<A>(&authority.scope, state)
        {
            // Nobody makes what they could not see afterwards.
            return Err(Error::Missing { name });
        }
        self.rest.statements.extend(statements);
        loaded.state = state;
        loaded.changed |= happened;
        let Some(state) = &loaded.state else {
            return Err(Error::Missing { name });
        };
        let answer = A::answer(&key, state);
        self.rest.events.extend(events);
        if let Some((dossier, owner)) = owner {
            self.rest.owners.entry(dossier).or_insert(owner);
        }
        let place = if happened {
            Place::Written(self.rest.events.len() - 1)
        } else {
            Place::Nowhere
        };
        if let Target::Numbered(prefix) = &envelope.target {
            *self.rest.counters.entry(prefix.clone()).or_default() += 1;
        }
        if let Some(request) = &envelope.request {
            self.rest.requests.insert(
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

    /// Whether the caller of a request that was accepted before may still see what it was about.
    fn still_permits(&self, envelope: &Envelope<A::Command>, known: &Known) -> bool {
        let scope = &envelope.authority.scope;
        let key = key_in::<A>(&known.place.name);
        self.rows
            .get(key)
            .and_then(|loaded| loaded.state.as_ref())
            .is_some_and(|state| self.reached.holds(key, scope) && covers::<A>(scope, state))
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

    /// The first answer for whatever was refused here and is known now, and was not before: it was accepted a moment ago, on
    /// the same authority.
    fn remember(
        &mut self,
        vault: &Vault,
        envelopes: &[Envelope<A::Command>],
        known: &KnownRequests,
        before: &HashSet<usize>,
    ) {
        for (place, outcome) in self.outcomes.iter_mut().enumerate() {
            if outcome.is_err()
                && !before.contains(&place)
                && let Some(envelope) = envelopes.get(place)
                && let Some(known) = known.get(&place)
            {
                *outcome = known.outcome(vault, envelope.request.as_ref());
            }
        }
    }

    fn next_number(&self, prefix: &str) -> i64 {
        self.rest.counters.get(prefix).copied().unwrap_or_default() + 1
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
        mut self,
        aggregate: &A,
        vault: &Vault,
        work: &mut Work<'_>,
        now: Timestamp,
        known: &KnownRequests,
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
        self.rest.timer = changed.iter().filter_map(|row| A::timer(row.state)).min();
        if !changed.is_empty() {
            aggregate.save(work, &changed).await?;
        }
        let mut known_positions = HashMap::new();
        if !known.is_empty() {
            known_positions = positions_of(work, known).await?;
        }
        let written = rows::write(work, vault, self.rest, now).await?;

        let service = work.service();
        let outcomes = self
            .outcomes
            .into_iter()
            .map(|outcome| {
                let draftee = outcome?;
                let position = match (&draftee.place, &written) {
                    (Place::Written(index), Some(written)) => written
                        .events
                        .get(*index)
                        .map(|event| (written.epoch, event.position)),
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
            .collect();
        if let Some(written) = written {
            work.has_written(written);
        }
        Ok(outcomes)
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

/// The pairs of a key and a reach that PostgreSQL has let through.
struct Reached(HashSet<(String, String)>);

impl Reached {
    fn holds(&self, key: &str, scope: &Scope) -> bool {
        self.0.contains(&(key.to_owned(), scope.reach()))
    }
}

fn covers<A: Aggregate>(scope: &Scope, state: &A::State) -> bool {
    scope.covers(A::tenants(state).iter().map(String::as_str))
}

/// The key in a resource's name.
fn key_in<A: Aggregate>(name: &str) -> &str {
    name.strip_prefix(A::COLLECTION)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(name)
}

async fn load<A: Aggregate>(
    aggregate: &A,
    connection: &mut PgConnection,
    envelopes: &[Envelope<A::Command>],
    known: &KnownRequests,
) -> Result<(HashMap<String, Loaded<A::State>>, Reached), sqlx::Error> {
    let pairs: BTreeSet<_> = envelopes
        .iter()
        .enumerate()
        .filter_map(|(place, envelope)| {
            let key = match (known.get(&place), &envelope.target) {
                (Some(known), _) => key_in::<A>(&known.place.name),
                (None, Target::Key(key)) => key,
                (None, Target::Numbered(_)) => return None,
            };
            Some((key.to_owned(), envelope.authority.scope.reach()))
        })
        .collect();
    let mut rows = HashMap::new();
    let mut reached = HashSet::new();
    if pairs.is_empty() {
        return Ok((rows, Reached(reached)));
    }
    let (keys, reaches) = pairs.into_iter().unzip();
    let asked = Asked { keys, reaches };
    for (place, state) in aggregate.load(connection, &asked).await? {
        let (Some(key), Some(reach)) = (asked.keys.get(place), asked.reaches.get(place)) else {
            continue;
        };
        reached.insert((key.clone(), reach.clone()));
        rows.entry(key.clone()).or_insert(Loaded {
            state: Some(state),
            existed: true,
            changed: false,
        });
    }
    Ok((rows, Reached(reached)))
}

fn stamp<C>(
    decision: Decision,
    name: &str,
    envelope: &Envelope<C>,
    now: Timestamp,
    statements: &mut Vec<Said>,
) -> Vec<NewEvent> {
    let request = envelope.request.as_ref().filter(|request| request.stated);
    let Decision {
        subject,
        events,
        statements: said,
        ..
    } = decision;
    statements.extend(said.into_iter().map(|statement| Said {
        name: name.to_owned(),
        dossier: subject.dossier.clone(),
        statement,
    }));
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
                actor: Some(envelope.authority.actor.clone()),
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
