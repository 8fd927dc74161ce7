//! Statistics: a fact for each dossier, counters for each day, reports from them, and a recount that proves them.
//!
//! It follows intake, workflow and notification, and decides nothing: its own feed stays empty, and no service that
//! decides asks it anything. Deliberately not here: any rule about what may happen to a dossier (the sources have
//! decided it by the time it is counted), and any personal data (events carry none).
//!
//! | file | answers |
//! | --- | --- |
//! | `domain/fact.rs` | what is known of a dossier, in whatever interleaving the sources are heard? |
//! | `domain/contribution.rs` | what does a fact add to the daily counters? |
//! | `domain/report.rs` | which dossier stands in which column of the settlement report? |
//! | `store.rs` | how do facts and counters lie in PostgreSQL? |
//! | `reactions.rs` | what happens when events arrive? |
//! | `reconcile.rs` | are the figures what the feeds say? |
//! | `api.rs` | what can be asked? |

mod api;
mod domain;
mod reactions;
mod reconcile;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use motcua_platform::{
    database,
    error::Error,
    feed::{self, Feed, FeedServer},
    follower::{Follower, FollowerServer},
    progress::Progress,
    rpc::Peer,
    service::{Service, Surroundings},
};
use motcua_proto::{
    events::v1::{
        event_feed_service_server::EventFeedServiceServer,
        follower_service_server::FollowerServiceServer,
    },
    statistics::v1::report_service_server::ReportServiceServer,
};
use tonic::{codec::CompressionEncoding, service::Routes};

use crate::{
    api::ReportServer,
    domain::fact::{INTAKE, NOTIFICATION, WORKFLOW},
    reactions::Counting,
};

/// The service's name.
pub const SERVICE: &str = "statistics";
/// Its own tables; the platform's come first.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Nothing is ever due here: there are no timers and no messages.
const NOTHING_PENDING: &str = "SELECT count(*) FROM fact WHERE false AND resolved_at <= $1";

/// Starts the service: follows its sources, and gives back what is to be served.
///
/// # Errors
/// When the database does not answer.
pub async fn start(surroundings: Surroundings) -> Result<Service, Error> {
    let Surroundings {
        options,
        clock,
        peers,
        drain,
        tasks,
    } = surroundings;
    let pool = database::pool(options.clone());
    let mut connection = pool.acquire().await?;
    feed::renew_epoch(&mut connection).await?;
    drop(connection);
    let own = Feed::start(
        SERVICE,
        pool.clone(),
        options.clone(),
        clock.clone(),
        NOTHING_PENDING,
        drain.clone(),
    );
    let sources: Vec<(&'static str, Peer)> = vec![
        (INTAKE, peers.intake),
        (WORKFLOW, peers.workflow),
        (NOTIFICATION, peers.notification),
    ];
    let progress = Progress::new(own.clone(), pool.clone(), sources.clone());
    let handler = Arc::new(Counting);
    // Facts follow from the sources' histories, and nobody follows facts: what a crash of PostgreSQL takes back, cursor
    // and counters together, is followed again. So nothing here waits for the disk.
    let projection = options.clone().options([("synchronous_commit", "off")]);
    let mut parkings = Vec::new();
    for (source, peer) in &sources {
        let follower = Follower {
            service: SERVICE,
            source,
            peer: peer.clone(),
            kinds: reactions::kinds(source),
            options: projection.clone(),
            handler: Arc::clone(&handler),
            progress: progress.clone(),
            clock: clock.clone(),
        };
        parkings.push(follower.parking());
        tasks.spawn(follower.run(drain.clone()));
    }
    macro_rules! compressed {
        ($server:expr) => {
            $server
                .accept_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Zstd)
                .send_compressed(CompressionEncoding::Gzip)
                .send_compressed(CompressionEncoding::Zstd)
        };
    }
    let reports = ReportServer {
        pool: pool.clone(),
        clock,
        sources,
    };
    let routes = Routes::new(compressed!(ReportServiceServer::new(reports)))
        .add_service(compressed!(EventFeedServiceServer::new(FeedServer::new(
            own
        ))))
        .add_service(compressed!(FollowerServiceServer::new(
            FollowerServer::new(pool, parkings)
        )));
    Ok(Service { routes, progress })
}
