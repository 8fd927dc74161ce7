//! Reaching PostgreSQL: connections, one database per service, migrations, and what an error of its means.

use std::{borrow::Cow, io, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::error::Error;

mod roles;

static HISTORY: Migrator = sqlx::migrate!("./migrations");

/// How long a statement waits for a row lock before its batch is tried again.
const LOCK_TIMEOUT: &str = "5s";

/// Where the four databases live: a base URL, from which each service's is made.
///
/// Whoever the URL names only logs in. A service works as a role of its own, which owns nothing; what it reads for callers,
/// as a second one, which changes nothing ([`crate::archive`]). Owning and migrating is the URL's user's, where that user
/// may; where it may not, an operator runs `motcua migrate` with the owner's URL first.
#[derive(Debug, Clone)]
pub struct Base {
    options: PgConnectOptions,
    login: Login,
}

/// How a service comes to its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Login {
    /// It logs in as the URL's user, who is a member, and steps down.
    Member,
    /// It logs in as the role itself: on a private server, whose socket only its own user reaches.
    Role,
}

impl FromStr for Base {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
            .then(|| PgConnectOptions::from_str(url).ok())
            .flatten()
            .map(|options| Self {
                options,
                login: Login::Member,
            })
            .ok_or_else(|| {
                Error::field(
                    "database_url",
                    "must be a PostgreSQL URL such as postgres://user@host:5432/",
                )
            })
    }
}

/// The role that a service works as.
#[must_use]
fn service_role(service: &str) -> String {
    format!("motcua_{service}")
}

/// The role that a service reads as, for its callers.
#[must_use]
fn reader_role(service: &str) -> String {
    format!("motcua_{service}_reader")
}

impl Base {
    /// A server of our own: its socket lies in a directory that nobody else enters, so that each role logs in by itself.
    #[must_use]
    pub fn private(self) -> Self {
        Self {
            login: Login::Role,
            ..self
        }
    }

    /// The options for a service's own database, `motcua_intake`, as the service's role.
    #[must_use]
    pub fn service(&self, service: &str) -> PgConnectOptions {
        let role = service_role(service);
        let options = self.owner(service);
        let options = match self.login {
            Login::Member => options,
            Login::Role => options.username(&role),
        };
        options.options([("role", role.as_str()), ("motcua.reach", "*")])
    }

    /// The options for reading a service's database for its callers: whoever reads says first what may be seen.
    #[must_use]
    pub fn reader(&self, service: &str) -> PgConnectOptions {
        let role = reader_role(service);
        let options = self.owner(service);
        let options = match self.login {
            Login::Member => options,
            Login::Role => options.username(&role),
        };
        options.options([("role", role.as_str()), ("motcua.reach", "")])
    }

    /// The options for a service's database, as the URL's own user.
    #[must_use]
    pub fn owner(&self, service: &str) -> PgConnectOptions {
        let name = match self.options.get_database() {
            // A base that names a database is a prefix of one's own choosing: several suites on one server.
            Some(base) if !base.is_empty() && base != "postgres" => format!("{base}_{service}"),
            _ => format!("motcua_{service}"),
        };
        self.options
            .clone()
            .database(&name)
            .application_name(&format!("motcua-{service}"))
            .options([
                ("lock_timeout", LOCK_TIMEOUT),
                ("idle_in_transaction_session_timeout", "60s"),
            ])
    }

    /// Makes a service's database if it is not there, and its roles, and migrates it. Where the URL's user may not, it must
    /// have been done.
    ///
    /// # Errors
    /// When PostgreSQL refuses, a migration fails, or somebody else must run it first.
    pub async fn prepare(&self, service: &str, own: &'static Migrator) -> Result<(), Error> {
        let options = self.owner(service);
        let name = options.get_database().unwrap_or_default().to_owned();
        let mut admin =
            PgConnection::connect_with(&self.options.clone().database("postgres")).await?;
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(&name)
                .fetch_one(&mut admin)
                .await?;
        if !exists {
            // The name is ours or the operator's own; identifiers cannot be bound, so it is quoted.
            let quoted = name.replace('"', "\"\"");
            let created = sqlx::query(AssertSqlSafe(format!("CREATE DATABASE \"{quoted}\"")))
                .execute(&mut admin)
                .await;
            if let Err(error) = created {
                // Another replica was quicker: 42P04 duplicate_database, or 23505 on the catalog's own index.
                let code = error.as_database_error().and_then(|e| e.code());
                if !matches!(code.as_deref(), Some("42P04" | "23505")) {
                    return Err(error.into());
                }
            }
        }
        admin.close().await.ok();
        let mut connection = PgConnection::connect_with(&options).await?;
        let owns: bool =
            sqlx::query_scalar("SELECT has_schema_privilege(current_user, 'public', 'CREATE')")
                .fetch_one(&mut connection)
                .await?;
        if !owns {
            return migrated(&mut connection, own).await;
        }
        roles::make(&mut connection, service, self.login == Login::Role).await?;
        migrate(&mut connection, own).await?;
        roles::grant(&mut connection, service).await?;
        connection.close().await.ok();
        Ok(())
    }
}

/// Whether the owner has brought the database to the present schema.
async fn migrated(connection: &mut PgConnection, own: &'static Migrator) -> Result<(), Error> {
    let last = HISTORY
        .iter()
        .chain(own.iter())
        .map(|step| step.version)
        .max();
    let stands: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM migration WHERE success")
            .fetch_one(connection)
            .await?;
    if stands >= last {
        return Ok(());
    }
    Err(Error::NotReady {
        missing: "the present schema of the database".to_owned(),
        remedy: "run `motcua migrate` with the owner's DATABASE_URL first",
    })
}

/// Brings a database to the present schema, under sqlx's advisory lock, as its owner.
async fn migrate(connection: &mut PgConnection, own: &'static Migrator) -> Result<(), Error> {
    let migrations = HISTORY.iter().chain(own.iter()).cloned().collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.table_name = Cow::Borrowed("migration");
    migrator
        .run(&mut *connection)
        .await
        .map_err(|error| Error::Fault(format!("a migration failed: {error}")))?;
    // Before anybody reads it: a dump that was loaded here is another history than the one it was taken from.
    crate::feed::renew_epoch(connection).await?;
    Ok(())
}

/// For a connection that writes. Its statements name rows by their keys, and for these there is one good plan: a loop
/// over the index. Made once and kept, whether the tables were empty then or not: planning such a statement anew costs
/// as much as running it, and a plan that was made for an empty table must not scan it when it has grown.
#[must_use]
pub(crate) fn writer(options: &PgConnectOptions) -> PgConnectOptions {
    steady(options).options([
        // A process that was stopped or cut off in the middle of a transaction lets go of its locks.
        ("idle_in_transaction_session_timeout", "10s"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
    ])
}

/// Options of a connection whose plans are made once and kept, for queries that are known to have their index whatever
/// their parameters: planning such a query anew costs more than running it. The planner cannot know how little most of the
/// conditions take away, and must not read the whole table because of that.
#[must_use]
pub fn steady(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
    ])
}

/// A pool for queries. Writers hold connections of their own.
#[must_use]
pub fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(10))
        // A ping on each acquire costs a round trip; a broken connection shows at its first statement anyway.
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// What an attempt comes to within a limit; after it, the error of a connection that does not answer. The connection is
/// then in the middle of something, and must be given up.
pub(crate) async fn within<T, E: From<sqlx::Error>>(
    limit: Duration,
    attempt: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, attempt)
        .await
        .unwrap_or_else(|_| {
            Err(sqlx::Error::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer within {} s", limit.as_secs()),
            ))
            .into())
        })
}

/// What an error of the database asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Try the whole again: the connection was lost, or others were in the way.
    Again,
    /// One row is at fault: SQLSTATE classes 22 and 23.
    Row,
    /// A mistake of ours.
    Broken,
}

/// Judges an error.
#[must_use]
pub fn severity(error: &sqlx::Error) -> Severity {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            match code.as_ref() {
                // Serialisation, deadlock, lock timeout.
                "40001" | "40P01" | "55P03" => Severity::Again,
                // A new row's own key: another replica made it meanwhile, and the next attempt finds it.
                "23505"
                    if database
                        .constraint()
                        .is_some_and(|name| name.ends_with("_pkey")) =>
                {
                    Severity::Again
                }
                // Shutting down, starting up, too many connections, connection exceptions.
                "57P01" | "57P02" | "57P03" | "25P03" | "57P05" => Severity::Again,
                // Cancelled by an operator; a demoted primary behind the same address; out of memory, disk, connections.
                // Or one that is not promoted yet.
                "57014" | "25006" | "55000" => Severity::Again,
                code if code.starts_with("53") => Severity::Again,
                code if code.starts_with("08") => Severity::Again,
                // A stale plan after a migration by another replica.
                "0A000" => Severity::Again,
                code if code.starts_with("22") || code.starts_with("23") => Severity::Row,
                _ => Severity::Broken,
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Severity::Again,
        _ => Severity::Broken,
    }
}

/// The error for the log: PostgreSQL's message and constraint, without the detail, which quotes values.
#[must_use]
pub fn redacted(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => format!(
            "{} (SQLSTATE {}{})",
            // Class 22 messages quote the offending value itself.
            if severity(error) == Severity::Row {
                "the row was refused"
            } else {
                database.message()
            },
            database.code().unwrap_or_default(),
            database
                .constraint()
                .map(|name| format!(", constraint {name}"))
                .unwrap_or_default(),
        ),
        other => other.to_string(),
    }
}
