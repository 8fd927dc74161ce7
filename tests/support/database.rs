//! A PostgreSQL for all tests of the process, and four databases of its own for each: copies of templates, which cost
//! some ten milliseconds.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use motcua_platform::postgres::{DataDir, Options, Server};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

use super::{
    ROOT,
    process::motcua,
    suite::{Service, Setup, Suite},
};

static SERVER: OnceCell<Server> = OnceCell::const_new();
static MIGRATED: OnceCell<Databases> = OnceCell::const_new();
static WITH_CATALOG: OnceCell<Databases> = OnceCell::const_new();
static COPIES: AtomicUsize = AtomicUsize::new(0);

/// Four databases, one for each service.
#[derive(Debug, Clone)]
pub(crate) struct Databases {
    /// The URL that a database with their prefix would have: what `DATABASE_URL` is.
    url: String,
    prefix: String,
    admin_url: String,
}

impl Databases {
    /// At the present schema, with nothing in them.
    pub(crate) async fn empty() -> Self {
        Self::migrated().await.copy().await
    }

    /// With the catalog that comes with the software.
    pub(crate) async fn with_catalog() -> Self {
        // Not `get_or_init` around the whole: the suite below makes a copy too.
        let migrated = Self::migrated().await;
        let template = WITH_CATALOG
            .get_or_init(|| async move {
                let databases = migrated.copy().await;
                let setup = Setup {
                    databases: Some(databases.clone()),
                    ..Setup::default()
                };
                // A plain box: a suite needs databases, and these need a suite.
                let mut suite = Box::pin(Suite::with(setup)).await;
                let applied = suite
                    .motcua(&["catalog", "apply", &format!("{ROOT}/deploy/catalog")])
                    .await;
                assert!(applied.ok, "{applied:?}");
                suite.settle().await;
                suite.terminate_all().await;
                databases
            })
            .await;
        template.copy().await
    }

    /// On a server of the test's own: not there yet.
    pub(crate) fn on(server: &Server) -> Self {
        Self {
            url: server.url("own"),
            prefix: "own".to_owned(),
            admin_url: server.base_url(),
        }
    }

    async fn migrated() -> &'static Self {
        MIGRATED
            .get_or_init(|| async {
                let server = SERVER
                    .get_or_init(|| async {
                        Server::start(Options::new(DataDir::Temporary))
                            .await
                            .expect("PostgreSQL starts")
                    })
                    .await;
                let databases = Self {
                    url: server.url("template"),
                    prefix: "template".to_owned(),
                    admin_url: server.base_url(),
                };
                let migrated =
                    motcua(&["migrate"], &[("DATABASE_URL", databases.url.clone())]).await;
                assert!(migrated.ok, "{migrated:?}");
                databases
            })
            .await
    }

    async fn copy(&self) -> Self {
        let prefix = format!("t{}", COPIES.fetch_add(1, Ordering::Relaxed));
        // All at once: what a copy waits for is the disk.
        join_all(Service::ALL.map(async |service| {
            let mut admin = PgConnection::connect(&self.admin_url)
                .await
                .expect("PostgreSQL answers");
            let name = service.name();
            let copied = format!(
                "CREATE DATABASE {prefix}_{name} TEMPLATE {}_{name}",
                self.prefix
            );
            sqlx::query(AssertSqlSafe(copied))
                .execute(&mut admin)
                .await
                .expect("a copy of the template");
        }))
        .await;
        let url = self
            .url
            .replace(&format!("/{}?", self.prefix), &format!("/{prefix}?"));
        Self {
            url,
            prefix,
            admin_url: self.admin_url.clone(),
        }
    }

    /// For `DATABASE_URL`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A way into a service's database, behind its back.
    pub(crate) async fn connect(&self, service: Service) -> PgConnection {
        let url = self.url.replace(
            &format!("/{}?", self.prefix),
            &format!("/{}_{}?", self.prefix, service.name()),
        );
        PgConnection::connect(&url)
            .await
            .expect("the database is there")
    }
}
