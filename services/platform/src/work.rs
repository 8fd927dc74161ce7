//! A unit of work: a transaction, and what is to be told once it is committed.

use std::ops::{Deref, DerefMut};

use sqlx::{Connection, PgConnection, Postgres, Transaction, postgres::PgConnectOptions};

use crate::{
    database::writer,
    feed::{self, Feed, Written},
    vault::{Keyring, Vault},
};

/// A connection to write history with. A new one may have found a promoted or restored server.
///
/// # Errors
/// Those of the database.
pub async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = PgConnection::connect_with(&writer(options)).await?;
    feed::renew_epoch(&mut connection).await?;
    Ok(connection)
}

/// A transaction in which a service's own history may grow. Dropped without [`Work::commit`], nothing has happened.
///
/// It is a connection for whatever else belongs into the same transaction.
#[derive(Debug)]
pub struct Work<'a> {
    transaction: Transaction<'a, Postgres>,
    feed: &'a Feed,
    written: Vec<Written>,
    learned: Vec<(Vault, Keyring)>,
}

impl<'a> Work<'a> {
    /// Begins.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(
        connection: &'a mut PgConnection,
        feed: &'a Feed,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            transaction: connection.begin().await?,
            feed,
            written: Vec::new(),
            learned: Vec::new(),
        })
    }

    /// Commits, and tells whoever follows the history.
    ///
    /// # Errors
    /// Those of the database. Whether the transaction was committed is then open.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await?;
        for (vault, mut keyring) in self.learned {
            vault.remember(&mut keyring);
        }
        for written in self.written {
            self.feed.tell(written);
        }
        Ok(())
    }

    /// The service whose history it is.
    pub(crate) fn service(&self) -> &'static str {
        self.feed.service()
    }

    /// These keys are remembered once their rows are committed: those of a transaction that is rolled back were never anybody's.
    pub(crate) fn has_learned(&mut self, vault: &Vault, keyring: Keyring) {
        self.learned.push((vault.clone(), keyring));
    }

    pub(crate) fn has_written(&mut self, written: Written) {
        self.written.push(written);
    }
}

impl Deref for Work<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Work<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}
