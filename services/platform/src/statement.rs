//! What was said in words: kept in versioned rows beside the events, which name only its revision.
//!
//! What is said about a dossier is sealed with the key of the person whose dossier it is. What is said about anything else (the
//! words of a template) is nobody's, and lies in the clear.

use sqlx::PgConnection;

use crate::{
    error::Error,
    redacted::Redacted,
    vault::{self, Aad, Keyring, Vault},
};

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is about, in the owning service's numbering.
    pub kind: i32,
    /// Revision within its kind, from 1.
    pub revision: i32,
    /// The words. Personal data may stand in it.
    pub body: Redacted<String>,
    /// The legal ground, where one was given.
    pub ground: Redacted<String>,
}

/// Body and ground as they lie in the database.
pub(crate) type Lying = (Vec<u8>, Vec<u8>);

impl Statement {
    /// As it lies in the database, about this resource of this dossier. Without a dossier, in the clear.
    pub(crate) fn sealed(
        &self,
        keyring: &Keyring,
        dossier: &str,
        name: &str,
    ) -> Result<Lying, vault::Error> {
        let row = row(name, self.kind, self.revision);
        let seal = |column, words: &Redacted<String>| {
            let words = words.expose().as_bytes();
            if dossier.is_empty() {
                return Ok(words.to_vec());
            }
            keyring.seal(dossier, &place(&row, column), words)
        };
        Ok((seal(BODY, &self.body)?, seal(GROUND, &self.ground)?))
    }
}

/// The latest statement of each kind about a resource of this dossier.
///
/// # Errors
/// [`Error::Erased`] when something was said and the person's key was destroyed since; those of the database.
pub async fn latest(
    connection: &mut PgConnection,
    vault: &Vault,
    dossier: &str,
    name: &str,
) -> Result<Vec<Statement>, Error> {
    let rows = sqlx::query_as(
        "SELECT DISTINCT ON (kind) kind, revision, body, ground FROM statement \
         WHERE name = $1 ORDER BY kind, revision DESC",
    )
    .bind(name)
    .fetch_all(connection)
    .await?;
    opened(vault, dossier, name, rows).await
}

/// Everything that was ever said about a resource of this dossier, by kind and revision.
///
/// # Errors
/// As [`latest`].
pub async fn all(
    connection: &mut PgConnection,
    vault: &Vault,
    dossier: &str,
    name: &str,
) -> Result<Vec<Statement>, Error> {
    let rows = sqlx::query_as(
        "SELECT kind, revision, body, ground FROM statement WHERE name = $1 ORDER BY kind, revision",
    )
    .bind(name)
    .fetch_all(connection)
    .await?;
    opened(vault, dossier, name, rows).await
}

async fn opened(
    vault: &Vault,
    dossier: &str,
    name: &str,
    rows: Vec<(i16, i32, Vec<u8>, Vec<u8>)>,
) -> Result<Vec<Statement>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let keyring = vault.keys(&[dossier]).await?;
    rows.into_iter()
        .map(|(kind, revision, body, ground)| {
            let kind = kind.into();
            let row = row(name, kind, revision);
            let open = |column, sealed: &[u8]| {
                keyring
                    .open_text(dossier, &place(&row, column), sealed)
                    .map(Redacted::from)
                    .map_err(|error| error.about(name))
            };
            Ok(Statement {
                kind,
                revision,
                body: open(BODY, &body)?,
                ground: open(GROUND, &ground)?,
            })
        })
        .collect()
}

const BODY: &str = "body";
const GROUND: &str = "ground";

fn row(name: &str, kind: i32, revision: i32) -> String {
    format!("{name}/{kind}/{revision}")
}

fn place<'a>(row: &'a str, column: &'a str) -> Aad<'a> {
    Aad {
        table: "statement",
        row,
        column,
    }
}
