//! What a service is given to start with, and what it gives back to be served.

use sqlx::postgres::PgConnectOptions;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;

use crate::{clock::Clock, progress::Progress, rpc::Peer};

/// What every service is given.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Its own database, migrated.
    pub options: PgConnectOptions,
    /// The time.
    pub clock: Clock,
    /// The way to the other services.
    pub peers: Peers,
    /// Fires when the service is to stop: background tasks end at once, the ledger once its queue is empty.
    pub drain: CancellationToken,
    /// Where background tasks are spawned, so that stopping waits for them.
    pub tasks: TaskTracker,
}

/// The way to each service, from one of them. Connections are made when they are first used.
#[derive(Debug, Clone)]
pub struct Peers {
    /// Intake.
    pub intake: Peer,
    /// Workflow.
    pub workflow: Peer,
    /// Notification.
    pub notification: Peer,
}

/// A service that runs, and what of it is to be served.
#[derive(Debug)]
pub struct Service {
    /// Its gRPC services.
    pub routes: Routes,
    /// How far it has followed the others.
    pub progress: Progress,
}
