//! Workflow: the case behind the counter, from acceptance to finish. Tasks, parallel branches, sub-cases of linked
//! procedures, holds, deadlines and their extension, worklists, the control sheet.
//!
//! A case begins by itself when intake accepts the dossier, and runs under the version of its definition that was
//! newest then.
//!
//! Deliberately not here: personal data (a case knows the dossier's code and procedure, nobody's name), the dossier's
//! public status and its ends by the applicant (intake decides those), and telling anybody (notification).

mod api;
mod blocked;
pub mod domain;
mod reactions;
mod store;

use std::sync::Arc;

use motcua_platform::{
    archive::Archive,
    compressed, database,
    error::Error,
    feed::Feed,
    follower::Follower,
    ledger::Ledger,
    progress::Progress,
    service::{Service, Surroundings},
    timers::Timers,
    timetables::Timetables,
};
use motcua_proto::workflow::v1::{
    case_service_server::CaseServiceServer, definition_service_server::DefinitionServiceServer,
    substitution_service_server::SubstitutionServiceServer, task_service_server::TaskServiceServer,
};
use tonic::service::Routes;

use crate::{
    api::{CaseServer, DefinitionServer, Desk, SubstitutionServer, TaskServer},
    blocked::Blocked,
    domain::{Command, Surround},
    reactions::{KINDS, Reactions},
    store::{Cases, PublishedDefinitions, Substitutions},
};

/// The service's name.
pub const SERVICE: &str = "workflow";

/// Its tables, beside the platform's.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Timers that are due at `$1` and not yet done.
const PENDING: &str = "SELECT count(*) FROM cases WHERE timer_at <= $1";
/// The next of them, a batch at a time. Whose turn it is follows from the code: the agency's identifier.
const TIMERS_DUE: &str = "SELECT code, regexp_replace(code, '-[0-9]+-[0-9]+$', '') FROM cases \
     WHERE timer_at <= $1 ORDER BY timer_at, code LIMIT 500";
/// When the next falls due.
const TIMER_NEXT: &str = "SELECT min(timer_at) FROM cases";

/// Starts the service: its ledgers, its timers, and the follower of intake.
///
/// # Errors
/// None at present; the database is reached when it is first needed.
pub async fn start(surroundings: Surroundings) -> Result<Service, Error> {
    let Surroundings {
        options,
        reader,
        vault,
        clock,
        peers,
        drain,
        tasks,
    } = surroundings;
    let archive = Archive::new(store::walking(&reader));
    let pool = database::pool(database::steady(&options));
    let feed = Feed::start(
        SERVICE,
        pool.clone(),
        options.clone(),
        clock.clone(),
        PENDING,
        drain.clone(),
    );
    let progress = Progress::new(
        feed.clone(),
        pool.clone(),
        [("intake", peers.intake.clone())],
    );

    let surround = Surround::default();
    let cases = Arc::new(Cases {
        surround: surround.clone(),
        clock: clock.clone(),
    });
    let ledger = Ledger::start(&feed, &vault, Arc::clone(&cases), &options, &clock, &tasks);
    let definitions = Ledger::start(
        &feed,
        &vault,
        Arc::new(PublishedDefinitions),
        &options,
        &clock,
        &tasks,
    );

    let substitutions = Ledger::start(
        &feed,
        &vault,
        Arc::new(Substitutions),
        &options,
        &clock,
        &tasks,
    );

    let follower = Follower {
        service: SERVICE,
        source: "intake",
        peer: peers.intake,
        kinds: KINDS.to_vec(),
        options,
        handler: Arc::new(Reactions {
            vault: vault.clone(),
            cases,
            clock: clock.clone(),
        }),
        progress: progress.clone(),
        clock: clock.clone(),
    };
    let parking = follower.parking();
    tasks.spawn(follower.run(drain.clone()));
    let timers = Timers {
        ledger: ledger.clone(),
        pool: pool.clone(),
        clock: clock.clone(),
        feed: feed.clone(),
        due: TIMERS_DUE,
        next: TIMER_NEXT,
        tick: || Command::Tick,
    };
    tasks.spawn(timers.run(drain.clone()));
    let blocked = Blocked {
        ledger: ledger.clone(),
        pool: pool.clone(),
    };
    tasks.spawn(blocked.clone().run(clock.clone(), drain.clone()));
    let timetables = Timetables {
        service: SERVICE,
        ledger: ledger.clone(),
        pool: pool.clone(),
        catalogs: surround.catalogs.clone(),
        open: store::OPEN,
        recompute: || Command::Recompute,
    };
    tasks.spawn(timetables.run(clock.clone(), drain));

    let desk = Desk {
        archive: archive.clone(),
        vault: vault.clone(),
        surround,
        clock,
    };
    let substitution_server = SubstitutionServer {
        ledger: substitutions,
        desk: desk.clone(),
    };
    let definition_server = DefinitionServer {
        ledger: definitions,
        blocked,
        desk: desk.clone(),
    };
    let routes = Routes::default()
        .add_service(compressed!(CaseServiceServer::new(CaseServer {
            ledger: ledger.clone(),
            desk: desk.clone()
        })))
        .add_service(compressed!(TaskServiceServer::new(TaskServer {
            ledger,
            desk
        })))
        .add_service(compressed!(SubstitutionServiceServer::new(
            substitution_server
        )))
        .add_service(compressed!(DefinitionServiceServer::new(definition_server)));
    let parkings = vec![parking];
    Ok(Service::new(
        routes, feed, archive, pool, parkings, progress,
    ))
}
