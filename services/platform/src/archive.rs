//! Reading for somebody: the only way from a call to a service's rows.
//!
//! A query of a service's store takes a [`Reading`], and there is no reading without a [`Scope`]: code that forgets whose
//! dossiers it may show does not compile. PostgreSQL is told the scope too, for the length of the reading; its row-level
//! security (`migrations/0004_scope.sql`) then shows nothing else, whatever the query says. The role that reads can change
//! nothing and does not see keys, requests and their answers.

use std::ops::{Deref, DerefMut};

use sqlx::{
    AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction, postgres::PgConnectOptions,
};

use crate::{database, scope::Scope};

/// A service's rows, for whoever may see some of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Archive {
    pool: PgPool,
}

impl Archive {
    /// The archive of a service, from its [`reader`](database::Base::reader)'s options.
    #[must_use]
    pub fn new(reader: PgConnectOptions) -> Self {
        Self {
            pool: database::pool(reader),
        }
    }

    /// Begins to read what this scope reaches.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn open(&self, scope: &Scope) -> Result<Reading, sqlx::Error> {
        // Codes and ids hold no quote; a reach that did would still be one text.
        let reach = scope.reach().replace('\'', "''");
        let begin = format!("BEGIN READ ONLY; SET LOCAL motcua.reach = '{reach}'");
        Ok(Reading {
            transaction: self.pool.begin_with(AssertSqlSafe(begin)).await?,
            scope: scope.clone(),
        })
    }
}

/// A connection on which rows outside a scope do not exist.
#[derive(Debug)]
pub struct Reading {
    transaction: Transaction<'static, Postgres>,
    scope: Scope,
}

impl Reading {
    /// What it reaches.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether something with these tenants may be shown. Stores ask it of whatever they read: this is the program's own
    /// wall, which holds whatever PostgreSQL lets through.
    #[must_use]
    pub fn shows(&self, tenants: &[String]) -> bool {
        self.scope.covers(tenants.iter().map(String::as_str))
    }
}

impl Deref for Reading {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}
