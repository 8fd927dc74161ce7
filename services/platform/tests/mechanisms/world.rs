//! A PostgreSQL for all tests of the process, a database for each.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use motcua_platform::{
    clock::Clock,
    database::{self, Base},
    feed::Feed,
    ledger::Ledger,
    postgres::{DataDir, Options, Server},
    vault::{Master, MasterFile, Vault},
};
use sqlx::{PgPool, migrate::Migrator, postgres::PgConnectOptions};
use tokio::sync::OnceCell;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::jar::Jars;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("tests/mechanisms/migrations");
static SERVER: OnceCell<Server> = OnceCell::const_new();
static WORLDS: AtomicUsize = AtomicUsize::new(0);

/// One service's surroundings: its database, and the clock of the process.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) options: PgConnectOptions,
    pub(crate) reader: PgConnectOptions,
    pub(crate) owner: PgConnectOptions,
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) drain: CancellationToken,
    pub(crate) master: Arc<MasterFile>,
    /// Where the master key lies.
    secrets: Arc<tempfile::TempDir>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = SERVER
            .get_or_init(|| async {
                Server::start(Options::new(DataDir::Temporary))
                    .await
                    .unwrap()
            })
            .await;
        let base: Base = server.base_url().parse().unwrap();
        let name = format!("world{}", WORLDS.fetch_add(1, Ordering::Relaxed));
        base.prepare(&name, &MIGRATIONS).await.unwrap();
        let options = base.service(&name);
        let secrets = tempfile::tempdir().unwrap();
        Self {
            master: Arc::new(MasterFile::create(&secrets.path().join("master.key")).unwrap()),
            secrets: Arc::new(secrets),
            pool: database::pool(options.clone()),
            options,
            reader: base.reader(&name),
            owner: base.owner(&name),
            clock: Clock::system(),
            drain: CancellationToken::new(),
        }
    }

    /// A replica: lanes and connections of its own on the same database.
    pub(crate) async fn ledger(&self) -> Ledger<Jars> {
        self.ledger_through(&self.options).await
    }

    /// A replica that reaches the database by another way.
    pub(crate) async fn ledger_through(&self, options: &PgConnectOptions) -> Ledger<Jars> {
        self.ledger_beside(&self.feed("jars"), options).await
    }

    /// A ledger in the process that serves this feed.
    pub(crate) async fn ledger_beside(
        &self,
        feed: &Feed,
        options: &PgConnectOptions,
    ) -> Ledger<Jars> {
        Ledger::start(
            feed,
            &self.vault().await,
            Arc::new(Jars),
            options,
            &self.clock,
            &TaskTracker::new(),
        )
    }

    /// A replica's vault, with a memory of its own.
    pub(crate) async fn vault(&self) -> Vault {
        self.vault_with(self.master.clone()).await.unwrap()
    }

    pub(crate) async fn vault_with(
        &self,
        master: Arc<dyn Master>,
    ) -> Result<Vault, motcua_platform::vault::Error> {
        Vault::open(master, &self.options, &self.clock).await
    }

    /// A directory for secrets.
    pub(crate) fn secrets(&self) -> &std::path::Path {
        self.secrets.path()
    }

    pub(crate) fn feed(&self, service: &'static str) -> Feed {
        Feed::start(
            service,
            self.pool.clone(),
            self.options.clone(),
            self.clock.clone(),
            "SELECT 0::bigint WHERE $1 IS NOT NULL",
            self.drain.clone(),
        )
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }
}
