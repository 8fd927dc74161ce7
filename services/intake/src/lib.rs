//! Intake: dossiers at the citizen's side of the counter, from submission to hand-over, and the catalog.
//!
//! | module | answers |
//! | --- | --- |
//! | [`domain`] | what may happen to a dossier, and where the law says so |
//! | `store` | how dossiers and catalogs lie in PostgreSQL |
//! | `api` | how a gRPC request becomes a command or a query |
//! | `reactions` | what follows when a case moves |
//!
//! Deliberately not here: who works on a dossier inside the agency, in which steps and until when (workflow's), whether
//! anybody is told (notification's), and any figure about many dossiers (statistics'). Personal data stays here: it lies
//! in statements, and neither events nor logs repeat it.

mod api;
pub mod domain;
mod reactions;
mod store;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use motcua_platform::{
    archive::Archive,
    catalog::Catalogs,
    clock::Clock,
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
use motcua_proto::{
    access::v1::{
        access_log_service_server::AccessLogServiceServer,
        subject_service_server::SubjectServiceServer,
    },
    intake::v1::{
        archive_service_server::ArchiveServiceServer, catalog_service_server::CatalogServiceServer,
        correction_service_server::CorrectionServiceServer,
        document_service_server::DocumentServiceServer,
        dossier_service_server::DossierServiceServer, form_service_server::FormServiceServer,
        payment_service_server::PaymentServiceServer,
        synchronisation_service_server::SynchronisationServiceServer,
        visit_service_server::VisitServiceServer,
    },
};
use sqlx::PgPool;
use tokio::time::timeout;
use tonic::service::Routes;

use crate::{
    api::{ArchiveApi, CatalogApi, DossierApi, LookUps, SubjectApi},
    domain::{command::Command, follow},
    reactions::Reactions,
    store::{AccessLog, ArchiveRuns, CatalogBook, Contents, Dossiers, PrintedForms, Subjects},
};

/// The service's name: of its database, its history, its spans.
pub const SERVICE: &str = "intake";

/// The service's own tables, beside the platform's.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Another replica's catalog is looked for at most so often: the bell rings at every commit.
const CATALOG_LOOK_PAUSE: Duration = Duration::from_millis(250);

/// Another replica may have ended before it could ring.
const CATALOG_LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Starts the service: its background tasks run, and its routes wait to be served.
///
/// `look_up_url` is where applicants look their dossiers up, with `{code}` for the code: printed forms lead there. Empty for
/// nowhere. `documents` is the folder where the content of documents lies.
///
/// # Errors
/// When its database does not answer or does not hold a catalog that can be read; when the folder cannot be used.
pub async fn start(
    surroundings: Surroundings,
    look_up_url: &str,
    documents: &Path,
) -> Result<Service, Error> {
    let Surroundings {
        options,
        reader,
        vault,
        clock,
        peers,
        drain,
        tasks,
    } = surroundings;
    let pool = database::pool(database::steady(&options));
    let feed = Feed::start(
        SERVICE,
        pool.clone(),
        options.clone(),
        clock.clone(),
        store::TIMERS_PENDING,
        drain.clone(),
    );

    let archive = Archive::new(database::steady(&reader));

    let catalogs = Catalogs::default();
    catalogs
        .refresh(&mut *pool.acquire().await?, clock.now())
        .await?;
    tasks.spawn(drain.clone().run_until_cancelled_owned(look_for_catalogs(
        catalogs.clone(),
        pool.clone(),
        feed.clone(),
        clock.clone(),
    )));

    let contents = Contents::open(documents)?;
    tasks.spawn(drain.clone().run_until_cancelled_owned(sweep_contents(
        contents.clone(),
        pool.clone(),
        documents.to_owned(),
    )));

    let dossiers = Dossiers {
        catalogs: catalogs.clone(),
    };
    let ledger = Ledger::start(
        &feed,
        &vault,
        Arc::new(dossiers.clone()),
        &options,
        &clock,
        &tasks,
    );
    let catalog_ledger = Ledger::start(
        &feed,
        &vault,
        Arc::new(CatalogBook),
        &options,
        &clock,
        &tasks,
    );

    let subjects = Subjects {
        vault: vault.clone(),
        catalogs: catalogs.clone(),
        clock: clock.clone(),
    };
    let subject_ledger = Ledger::start(&feed, &vault, Arc::new(subjects), &options, &clock, &tasks);

    let archive_ledger = Ledger::start(
        &feed,
        &vault,
        Arc::new(ArchiveRuns),
        &options,
        &clock,
        &tasks,
    );

    let timers = Timers {
        ledger: ledger.clone(),
        pool: pool.clone(),
        clock: clock.clone(),
        feed: feed.clone(),
        due: store::TIMERS_DUE,
        next: store::TIMERS_NEXT,
        tick: || Command::Tick,
    };
    tasks.spawn(timers.run(drain.clone()));
    let timetables = Timetables {
        service: SERVICE,
        ledger: ledger.clone(),
        pool: pool.clone(),
        catalogs: catalogs.clone(),
        open: store::AWAITED,
        recompute: || Command::Recompute,
    };
    tasks.spawn(timetables.run(clock.clone(), drain.clone()));

    let progress = Progress::new(
        feed.clone(),
        pool.clone(),
        [("workflow", peers.workflow.clone())],
    );
    let workflow = peers.workflow.clone();
    let follower = Follower {
        service: SERVICE,
        source: "workflow",
        peer: peers.workflow,
        kinds: follow::KINDS.to_vec(),
        options,
        handler: Arc::new(Reactions {
            vault: vault.clone(),
            dossiers,
            clock: clock.clone(),
        }),
        progress: progress.clone(),
        clock: clock.clone(),
    };
    let parkings = vec![follower.parking()];
    tasks.spawn(follower.run(drain));

    let accesses = AccessLog {
        pool: pool.clone(),
        vault: vault.clone(),
        clock: clock.clone(),
    };
    let printed = PrintedForms {
        pool: pool.clone(),
        vault: vault.clone(),
        clock: clock.clone(),
    };
    let subject_api = SubjectApi {
        ledger: subject_ledger,
        archive: archive.clone(),
        vault: vault.clone(),
        accesses: accesses.clone(),
        workflow: workflow.clone(),
    };
    let archive_api = ArchiveApi {
        ledger: archive_ledger,
        catalogs: catalogs.clone(),
        archive: archive.clone(),
        clock: clock.clone(),
    };
    let dossier_api = DossierApi {
        ledger,
        catalogs: catalogs.clone(),
        archive: archive.clone(),
        vault,
        accesses,
        contents,
        printed,
        workflow,
        look_ups: LookUps::default(),
        look_up_url: look_up_url.to_owned(),
        clock: clock.clone(),
    };
    let catalog_api = CatalogApi {
        ledger: catalog_ledger,
        catalogs,
        archive: archive.clone(),
        clock,
    };
    let routes = Routes::new(compressed!(DossierServiceServer::new(dossier_api.clone())))
        .add_service(compressed!(VisitServiceServer::new(dossier_api.clone())))
        .add_service(compressed!(PaymentServiceServer::new(dossier_api.clone())))
        .add_service(compressed!(CorrectionServiceServer::new(
            dossier_api.clone()
        )))
        .add_service(compressed!(SynchronisationServiceServer::new(
            dossier_api.clone()
        )))
        .add_service(compressed!(FormServiceServer::new(dossier_api.clone())))
        .add_service(compressed!(DocumentServiceServer::new(dossier_api)))
        .add_service(compressed!(ArchiveServiceServer::new(archive_api)))
        .add_service(compressed!(CatalogServiceServer::new(catalog_api)))
        .add_service(compressed!(AccessLogServiceServer::new(
            subject_api.clone()
        )))
        .add_service(compressed!(SubjectServiceServer::new(subject_api)));
    Ok(Service::new(
        routes, feed, archive, pool, parkings, progress,
    ))
}

/// Removes what nobody owns, at the start and now and then.
async fn sweep_contents(contents: Contents, pool: PgPool, folder: PathBuf) {
    loop {
        match contents.sweep(&pool, &folder).await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(
                service = SERVICE,
                swept,
                "documents that nobody owns are removed"
            ),
            Err(error) => {
                tracing::warn!(service = SERVICE, %error, "documents are swept again later")
            }
        }
        tokio::time::sleep(store::SWEEP_EVERY).await;
    }
}

/// Reads what another replica has applied, when the bell has rung or has not for a while.
async fn look_for_catalogs(catalogs: Catalogs, pool: PgPool, feed: Feed, clock: Clock) {
    let mut bell = feed.bell();
    while !matches!(
        timeout(CATALOG_LOOK_AGAIN, bell.changed()).await,
        Ok(Err(_))
    ) {
        if let Err(error) = refresh(&catalogs, &pool, clock.now()).await {
            tracing::warn!(service = SERVICE, %error, "catalogs are looked for again");
        }
        tokio::time::sleep(CATALOG_LOOK_PAUSE).await;
    }
}

async fn refresh(catalogs: &Catalogs, pool: &PgPool, now: Timestamp) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    Ok(catalogs.refresh(&mut connection, now).await?)
}
