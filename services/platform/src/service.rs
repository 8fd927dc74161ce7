//! What a service is given to start with, and what it gives back to be served.

use motcua_proto::events::v1::{
    event_feed_service_server::EventFeedServiceServer,
    follower_service_server::FollowerServiceServer,
};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;

use crate::{
    archive::Archive,
    clock::Clock,
    feed::{Feed, FeedServer},
    follower::{FollowerServer, Parking},
    progress::Progress,
    rpc::Peer,
    vault::Vault,
};

/// A gRPC server that compresses, where the other side speaks it: the builder methods of generated servers have no trait.
#[macro_export]
macro_rules! compressed {
    ($server:expr) => {
        $server
            .accept_compressed(::tonic::codec::CompressionEncoding::Gzip)
            .accept_compressed(::tonic::codec::CompressionEncoding::Zstd)
            .send_compressed(::tonic::codec::CompressionEncoding::Gzip)
            .send_compressed(::tonic::codec::CompressionEncoding::Zstd)
    };
}

/// What every service is given.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Its own database, migrated, as the role that works.
    pub options: PgConnectOptions,
    /// The same, as the role that reads for callers.
    pub reader: PgConnectOptions,
    /// What its personal data are sealed with.
    pub vault: Vault,
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

impl Service {
    /// The service's own routes, and those that every service has: its feed, and how it follows others.
    #[must_use]
    pub fn new(
        routes: Routes,
        feed: Feed,
        archive: Archive,
        pool: PgPool,
        parkings: Vec<Parking>,
        progress: Progress,
    ) -> Self {
        let feed = EventFeedServiceServer::new(FeedServer::new(feed, archive));
        let followers = FollowerServiceServer::new(FollowerServer::new(pool, parkings));
        Self {
            routes: routes
                .add_service(compressed!(feed))
                .add_service(compressed!(followers)),
            progress,
        }
    }
}
