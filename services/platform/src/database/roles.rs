//! The roles that a service has in PostgreSQL: one that works, one that reads for callers. Neither owns anything.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{reader_role, service_role};
use crate::error::Error;

/// Serialises what replicas that start at once would do at once: PostgreSQL refuses concurrent changes of one privilege.
const LOCK: &str = "SELECT pg_advisory_lock(hashtextextended('motcua roles', 0))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtextextended('motcua roles', 0))";

/// What nobody reads for a caller: keys, requests and their answers, the schema's own book-keeping.
const WITHHELD: [&str; 8] = [
    "request",
    "counter",
    "migration",
    "person_key",
    "agency_key",
    "vault_secret",
    "subject",
    "document",
];

/// What is only ever added to: nobody who works rewrites what happened, what was said, or who read it.
const APPENDED: [&str; 3] = ["event", "statement", "access"];

/// Makes the roles that are not there. Roles belong to the whole server, so another suite may have made them.
pub(super) async fn make(
    connection: &mut PgConnection,
    service: &str,
    login: bool,
) -> Result<(), Error> {
    let login = if login { "LOGIN" } else { "NOLOGIN" };
    for role in [service_role(service), reader_role(service)] {
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
                .bind(&role)
                .fetch_one(&mut *connection)
                .await?;
        if !exists {
            let created = run(
                connection,
                &format!("CREATE ROLE {} {login}", quoted(&role)),
            )
            .await;
            if let Err(error) = created {
                // Another replica was quicker: 42710 duplicate_object, or 23505 on the catalog's own index.
                let code = error.as_database_error().and_then(|e| e.code());
                if !matches!(code.as_deref(), Some("42710" | "23505")) {
                    return Err(error.into());
                }
            }
        }
    }
    // Whoever migrates may work as both.
    for role in [service_role(service), reader_role(service)] {
        let is_member: bool =
            sqlx::query_scalar("SELECT pg_has_role(current_user, $1::name, 'MEMBER')")
                .bind(&role)
                .fetch_one(&mut *connection)
                .await?;
        if !is_member {
            let granted = run(
                connection,
                &format!("GRANT {} TO CURRENT_USER", quoted(&role)),
            )
            .await;
            if let Err(error) = granted {
                // Two replicas at once: XX000 "tuple concurrently updated", or the row is there already.
                let code = error.as_database_error().and_then(|e| e.code());
                if !matches!(code.as_deref(), Some("XX000" | "23505")) {
                    return Err(error.into());
                }
            }
        }
    }
    Ok(())
}

/// Says what the roles may do with the tables that are there now.
pub(super) async fn grant(connection: &mut PgConnection, service: &str) -> Result<(), Error> {
    let (works, reads) = (
        quoted(&service_role(service)),
        quoted(&reader_role(service)),
    );
    sqlx::query(LOCK).execute(&mut *connection).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
    )
    .fetch_all(&mut *connection)
    .await?;
    let among = |names: &[&str]| {
        let tables = tables
            .iter()
            .filter(|table| names.contains(&table.as_str()));
        tables
            .map(|table| quoted(table))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (withheld, appended) = (among(&WITHHELD), among(&APPENDED));
    let statements = format!(
        "GRANT USAGE ON SCHEMA public TO {works}, {reads}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {works}; \
         REVOKE INSERT, UPDATE, DELETE ON migration FROM {works}; \
         REVOKE UPDATE, DELETE ON {appended} FROM {works}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reads}; \
         REVOKE ALL ON {withheld} FROM {reads}"
    );
    let granted = run(connection, &statements).await;
    sqlx::query(UNLOCK).execute(&mut *connection).await?;
    granted.map_err(Error::from)
}

async fn run(connection: &mut PgConnection, statements: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(connection)
        .await
        .map(|_| ())
}

/// Identifiers cannot be bound. These are our own words and the names of our own tables.
fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
