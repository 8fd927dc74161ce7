//! What was said in words: kept in versioned rows beside the events, which name only its revision.

use sqlx::PgConnection;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is about, in the owning service's numbering.
    pub kind: i32,
    /// Revision within its kind, from 1.
    pub revision: i32,
    /// The words. Personal data may stand in it.
    pub body: String,
    /// The legal ground, where one was given.
    pub ground: String,
}

/// The latest statement of each kind about a resource.
///
/// # Errors
/// Those of the database.
pub async fn latest(
    connection: &mut PgConnection,
    name: &str,
) -> Result<Vec<Statement>, sqlx::Error> {
    let rows: Vec<(i16, i32, String, String)> = sqlx::query_as(
        "SELECT DISTINCT ON (kind) kind, revision, body, ground FROM statement \
         WHERE name = $1 ORDER BY kind, revision DESC",
    )
    .bind(name)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(kind, revision, body, ground)| Statement {
            kind: kind.into(),
            revision,
            body,
            ground,
        })
        .collect())
}
