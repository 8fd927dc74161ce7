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
    archive::Archive,
    compressed, database,
    error::Error,
    feed::Feed,
    follower::Follower,
    progress::Progress,
    rpc::Peer,
    service::{Service, Surroundings},
};
use motcua_proto::statistics::v1::report_service_server::ReportServiceServer;
use tonic::service::Routes;

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
/// None at present; the database is reached when it is first needed.
pub async fn start(surroundings: Surroundings) -> Result<Service, Error> {
    let Surroundings {
        options,
        reader,
        // Nothing personal is kept here.
        vault: _,
        clock,
        peers,
        drain,
        tasks,
    } = surroundings;
    let pool = database::pool(options.clone());
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
    let archive = Archive::new(reader);
    let reports = ReportServer {
        archive: archive.clone(),
        clock,
        sources,
    };
    let routes = Routes::new(compressed!(ReportServiceServer::new(reports)));
    Ok(Service::new(routes, own, archive, pool, parkings, progress))
}
