//! What a database holds, as text.

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, PgConnection};

/// Every row of every table, as PostgreSQL writes it: bytes are hexadecimal. Its own tables are among them, because its
/// statistics hold the most frequent values of ours.
pub(crate) async fn rows(connection: &mut PgConnection, mut each: impl FnMut(&str)) {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm') ORDER BY oid",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("tables");
    for table in tables {
        let select = format!("SELECT t::text FROM {table} t");
        let mut rows =
            sqlx::query_scalar::<_, String>(AssertSqlSafe(select)).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await.expect("rows") {
            each(&row);
        }
    }
}
