//! The ledger: the only way to change an aggregate.
//!
//! Commands that arrive while a transaction is under way are taken together into the next one, as in group commit:
//! loads, writes and the fsync are shared, and a lone command waits for nobody. Each command meets the state as left
//! by the accepted commands before it, a refused one takes nothing with it, and a request that was accepted once gets
//! its first answer for ever after. Positions are numbered under the head row's lock, taken last: they are dense and
//! in the order of commit.
//!
//! [`Ledger::execute`] is for commands from outside. A follower, whose cursor moves in the same transaction, calls
//! [`write()`] itself.

mod batch;
mod lane;
mod queue;
mod rows;

use std::{future::Future, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use motcua_proto::{
    events::v1::{Event, event::Payload},
    r#type::v1::{Actor, Role},
};
use sqlx::{PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

pub use self::batch::{etag, write};
use self::queue::{Job, Queue};
use crate::{
    clock::Clock,
    database::redacted,
    error::Error,
    feed::Feed,
    identity::Principal,
    policy::Admission,
    position::Position,
    scope::Scope,
    statement::Statement,
    time::Instant,
    vault::{Newcomer, Vault},
};

/// One kind of resource that has a history: what may happen to it, and how it lies in PostgreSQL.
pub trait Aggregate: Send + Sync + 'static {
    /// Where it stands, without personal data: replaying its events gives exactly this.
    type State: Clone + Send + Sync;
    /// What somebody may ask of it.
    type Command: std::fmt::Debug + Send + Sync;
    /// The resource as the contract shows it, without personal data: the answer to an accepted command.
    type Answer: prost::Message + Default + Clone + std::fmt::Debug;

    /// Its collection in resource names: `dossiers`.
    const COLLECTION: &'static str;

    /// What happens, or why nothing does. Reads no clock, no database, and changes nothing.
    ///
    /// # Errors
    /// A refusal of the law, or a missing or conflicting resource.
    fn decide(
        &self,
        place: Permitted<'_, Self::State>,
        command: &Self::Command,
        context: &Context<'_>,
    ) -> Result<Decision, Error>;

    /// To whom it belongs, as [`crate::scope::tenants`] names them. A resource of the whole city belongs to nobody, and is
    /// reached by whoever reaches the city.
    fn tenants(state: &Self::State) -> Vec<String> {
        let _ = state;
        Vec::new()
    }

    /// The state after an event. Never refuses: what happened, happened.
    fn apply(state: Option<Self::State>, event: &Event) -> Option<Self::State>;

    /// The version that its etag shows: the number of its events.
    fn version(state: &Self::State) -> i64;

    /// When it is to look at the clock by itself, for those that have [`crate::timers`].
    fn timer(state: &Self::State) -> Option<Timestamp> {
        let _ = state;
        None
    }

    /// The resource as the contract shows it.
    fn answer(key: &str, state: &Self::State) -> Self::Answer;

    /// Reads and locks rows, in the order of their keys: of each asking that reaches its row, the asking's place and the
    /// row's state. PostgreSQL's function `reaches` judges where rows have tenants, beside the judgement in the program.
    fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> impl Future<Output = Result<Vec<(usize, Self::State)>, sqlx::Error>> + Send;

    /// Writes rows. New ones are inserted and must collide, by a key named `…_pkey`, with a row that another replica
    /// made meanwhile.
    fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Self::State>],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// What a violated constraint means, where it is a rule rather than a fault.
    fn constraint(name: &str) -> Option<Error> {
        let _ = name;
        None
    }
}

/// Which rows a batch needs, each once for every reach that it is asked with. The places are those of both lists.
#[derive(Debug, Default)]
pub struct Asked {
    /// Keys.
    pub keys: Vec<String>,
    /// Beside each, what the asking reaches, as [`Scope::reach`] writes it.
    pub reaches: Vec<String>,
}

/// A place that PostgreSQL counted, from one, as the lists of [`Asked`] do, from nought.
#[must_use]
pub fn asked_place(ordinality: i64) -> usize {
    usize::try_from(ordinality - 1).unwrap_or(usize::MAX)
}

/// Where a command is decided: the state of the very resource that it is for, or that there is none. Only the ledger makes
/// one, when the command's scope covers the resource: deciding takes this proof, and no id.
#[derive(Debug)]
pub struct Permitted<'a, S>(Option<&'a S>);

impl<'a, S> Permitted<'a, S> {
    /// The state; `None` where there is no such resource for this caller.
    #[must_use]
    pub fn state(&self) -> Option<&'a S> {
        self.0
    }
}

/// Who asks for a change, and what that reaches: taken from a [`Call`](crate::call::Call) that was let in, or the suite's own.
#[derive(Debug, Clone)]
pub struct Authority {
    actor: Actor,
    roles: Vec<Role>,
    groups: Vec<String>,
    scope: Scope,
}

impl Authority {
    pub(crate) fn new(actor: Actor, roles: Vec<Role>, scope: Scope) -> Self {
        Self {
            actor,
            roles,
            groups: Vec::new(),
            scope,
        }
    }

    /// Somebody whom a method's policy admitted.
    #[must_use]
    pub fn of(principal: &Principal, admission: &Admission) -> Self {
        let actor = Actor {
            id: principal.id.clone(),
            role: admission.role.into(),
        };
        Self {
            groups: principal.groups.clone(),
            ..Self::new(actor, principal.roles.clone(), admission.scope.clone())
        }
    }

    /// A service that acts by rule: on events, and when time has come.
    #[must_use]
    pub fn of_service(name: &str) -> Self {
        Self::new(
            crate::actor::service(name),
            vec![Role::Service],
            Scope::city(),
        )
    }

    /// Who asks.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A row to be written.
#[derive(Debug)]
pub struct Row<'a, S> {
    /// Its key.
    pub key: &'a str,
    /// Its state.
    pub state: &'a S,
    /// Whether there was no row before.
    pub new: bool,
}

/// Everything beside the state that a decision may look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The time.
    pub now: Timestamp,
    /// The resource's key; for one that is numbered on acceptance, the key that it will have.
    pub key: &'a str,
    /// Who acts.
    pub actor: &'a Actor,
    /// Every capacity in which the actor may act; the one that let the call in stands in [`Context::actor`].
    pub roles: &'a [Role],
    /// The named groups that the actor belongs to.
    pub groups: &'a [String],
    /// What the actor reaches, and for whom the actor acts.
    pub scope: &'a Scope,
}

impl<'a> Context<'a> {
    /// What is asked at this time of the resource with this key, on this authority.
    #[must_use]
    pub fn new(now: Timestamp, key: &'a str, authority: &'a Authority) -> Self {
        Self {
            now,
            key,
            actor: &authority.actor,
            roles: &authority.roles,
            groups: &authority.groups,
            scope: &authority.scope,
        }
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// Whose data it is.
    pub subject: Subject,
    /// In order. None means that the command asks for what is the case already.
    pub events: Vec<Payload>,
    /// What was said with it.
    pub statements: Vec<Statement>,
    /// Whose the dossier is, where this makes it.
    pub new_subject: Option<Newcomer>,
    /// What a dossier that exists is found by from now on, where its applicant's particulars were corrected.
    pub corrected_subject: Option<Newcomer>,
}

/// Whose data an event is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The dossier that it belongs to; empty where it belongs to none.
    pub dossier: String,
    /// Code of the agency.
    pub agency: String,
    /// National code of the procedure; empty where there is none.
    pub procedure: String,
}

/// Which resource a command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The one with this key, whether it exists yet or not.
    Key(String),
    /// A new one: its key is this prefix and the next number of the prefix's counter, dense from 1.
    Numbered(String),
}

/// A command on its way.
#[derive(Debug)]
pub struct Envelope<C> {
    /// Which resource it is for.
    pub target: Target,
    /// What is asked.
    pub command: C,
    /// Who asks, and what that reaches.
    pub authority: Authority,
    /// W3C trace context of the asking; empty if there is none.
    pub traceparent: String,
    /// The etag that the caller saw; empty not to check.
    pub etag: String,
    /// The request; none for a reaction, which its position makes safe to repeat.
    pub request: Option<Request>,
}

impl<C> Envelope<C> {
    /// What a service of the suite asks by rule: on an event, or when time has come. Nobody repeats it, and nobody has seen a
    /// version.
    #[must_use]
    pub fn by_rule(service: &str, target: Target, command: C, traceparent: String) -> Self {
        Self {
            target,
            command,
            authority: Authority::of_service(service),
            traceparent,
            etag: String::new(),
            request: None,
        }
    }

    /// The same command of the same caller on what a rule of the suite has found to be theirs to act on, although their scope does
    /// not reach it.
    #[must_use]
    pub fn admitted_by_rule(mut self) -> Self {
        self.authority.scope = Scope::by_rule();
        self
    }
}

/// What makes a repeated call safe (AIP-155).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks: the same id of two principals are two requests.
    pub principal: String,
    /// The method.
    pub method: &'static str,
    /// The caller's id, or one of ours where the caller gave none.
    pub id: Uuid,
    /// Whether the caller gave it: only then does it stand in the events.
    pub stated: bool,
    /// SHA-256 of the body. What is kept of it is keyed: a body with a phone number could be guessed.
    pub digest: [u8; 32],
}

/// An accepted command.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted<T> {
    /// The resource as it is after the command.
    pub answer: T,
    /// The position of the command's last event; none where nothing happened.
    pub position: Option<Position>,
}

/// What each command of a batch came to, in the batch's order.
pub type Outcomes<T> = Vec<Result<Accepted<T>, Error>>;

/// The way in for commands on one kind of aggregate. Cheap to clone.
#[derive(Debug)]
pub struct Ledger<A: Aggregate>(Arc<Door<A>>);

/// Closes the queue when the last handle is gone.
#[derive(Debug)]
struct Door<A: Aggregate> {
    queue: Arc<Queue<Job<A>>>,
}

impl<A: Aggregate> Drop for Door<A> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl<A: Aggregate> Clone for Ledger<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Whose turn a command on a dossier or its case takes: the agency's whose identifier begins the code.
#[must_use]
pub fn turn_of(code: &str) -> &str {
    code.rsplitn(3, '-').nth(2).unwrap_or(code)
}

impl<A: Aggregate> Ledger<A> {
    /// Starts the lanes that write. They end when every [`Ledger`] is gone and what was accepted is written.
    pub fn start(
        feed: &Feed,
        vault: &Vault,
        aggregate: Arc<A>,
        options: &PgConnectOptions,
        clock: &Clock,
        tasks: &TaskTracker,
    ) -> Self {
        let queue = Arc::new(Queue::new());
        for number in 0..lane::LANES {
            let lane = lane::Lane::new(
                feed.clone(),
                vault.clone(),
                number,
                Arc::clone(&aggregate),
                options.clone(),
                clock.clone(),
            );
            tasks.spawn(lane.run(Arc::clone(&queue)));
        }
        Self(Arc::new(Door { queue }))
    }

    /// Has a command decided and written. `agency` is whose turn it takes: when many wait, agencies take turns.
    ///
    /// # Errors
    /// Whatever [`Aggregate::decide`] refuses; [`Error::Stale`], [`Error::RequestIdReused`]; [`Error::Overloaded`]
    /// when too many wait; [`Error::Unavailable`] when the database does not answer within the limit; then whether it
    /// was written is open, and the same request id finds out.
    pub async fn execute(
        &self,
        agency: &str,
        envelope: Envelope<A::Command>,
    ) -> Result<Accepted<A::Answer>, Error> {
        let (reply, answer) = oneshot::channel();
        self.0.queue.push(agency, Job { envelope, reply })?;
        answer.await.map_err(|_| Error::Unavailable)?
    }
}

/// How long an accepted request is remembered.
const REQUEST_AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often the old ones are looked for.
const FORGET_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Forgets requests that were accepted more than 30 days ago, once a day, until drained.
pub async fn forget_old_requests(pool: PgPool, clock: Clock, drain: CancellationToken) {
    let forgetting = async {
        loop {
            let now = clock.now();
            let before = now.saturating_sub(REQUEST_AGE_MAX).unwrap_or(now);
            let forgotten = sqlx::query("DELETE FROM request WHERE recorded_at < $1")
                .bind(Instant(before))
                .execute(&pool)
                .await;
            if let Err(error) = forgotten {
                tracing::warn!(error = %redacted(&error), "old requests are forgotten tomorrow instead");
            }
            clock
                .reached(now.saturating_add(FORGET_EVERY).unwrap_or(now))
                .await;
        }
    };
    drain.run_until_cancelled(forgetting).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_takes_the_turn_of_the_agency_that_received_the_dossier() {
        assert_eq!(turn_of("H24.11593-250701-0007"), "H24.11593");
        assert_eq!(turn_of("nonsense"), "nonsense");
        assert_eq!(turn_of("odd"), "odd");
    }
}
