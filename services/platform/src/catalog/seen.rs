//! The catalogs that a process has seen, and which of them is in force.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use jiff::{Timestamp, civil::Time};
use motcua_proto::r#type::v1::Catalog as ProtoCatalog;
use prost::Message as _;
use sqlx::PgConnection;

use super::Catalog;
use crate::time::{Instant, date_from_proto, from_proto_opt};

/// From when on a catalog is in force, unless one that begins later is: when it was applied, or when its own first day begins.
#[must_use]
pub fn starts_at(catalog: &ProtoCatalog) -> Timestamp {
    let first = catalog.effective_from.as_ref().and_then(date_from_proto);
    let begins =
        first.and_then(|first| motcua_calendar::instant(first.to_datetime(Time::MIN)).ok());
    let applied = from_proto_opt(catalog.applied_at.as_ref());
    applied.max(begins).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The catalogs that this process has seen. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Catalogs(Arc<RwLock<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    by_id: HashMap<String, Arc<Catalog>>,
    /// Those that are in force, or will be, in the order in which they begin.
    timeline: Vec<(Timestamp, Arc<Catalog>)>,
}

impl Seen {
    /// The one that began last. Where a clock stands before all of them, the first that was not for a day: another clock applied it.
    fn in_force(&self, now: Timestamp) -> Option<&Arc<Catalog>> {
        let begun = self.timeline.partition_point(|(start, _)| *start <= now);
        let last = begun
            .checked_sub(1)
            .and_then(|last| self.timeline.get(last));
        let not_for_a_day = || {
            let mut all = self.timeline.iter();
            all.find(|(_, catalog)| catalog.proto().effective_from.is_none())
        };
        last.or_else(not_for_a_day).map(|(_, catalog)| catalog)
    }
}

impl Catalogs {
    /// A catalog by its id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Catalog>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_id
            .get(id)
            .cloned()
    }

    /// The one that is in force at an instant.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> Option<Arc<Catalog>> {
        let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
        seen.in_force(now).cloned()
    }

    /// Keeps a catalog here only: one that was read, or of a decision without a database. One that is or will be in force takes its
    /// place among those, after what begins at the same instant.
    pub fn remember(&self, catalog: Catalog, in_force: bool) {
        let catalog = Arc::new(catalog);
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        seen.by_id
            .insert(catalog.id().to_owned(), Arc::clone(&catalog));
        if in_force {
            let start = starts_at(catalog.proto());
            // What is told again stays where it is: another one may have taken its place.
            let is_it = |(it, known): &(Timestamp, Arc<Catalog>)| {
                *it == start && known.id() == catalog.id()
            };
            let is_known = seen.timeline.iter().any(is_it);
            if !is_known {
                let place = seen.timeline.partition_point(|(it, _)| *it <= start);
                seen.timeline.insert(place, (start, catalog));
            }
        }
    }

    /// Reads the one that is in force at an instant and those that begin later, where another replica has applied them since.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn refresh(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let known: Vec<_> = {
            let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let ids = seen.timeline.iter().map(|(_, it)| it.id().to_owned());
            ids.collect()
        };
        let newer: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT body FROM catalog WHERE id <> ALL ($1) AND NOT (starts_at, number) < ANY ( \
                 SELECT starts_at, number FROM catalog WHERE starts_at <= $2 \
                 ORDER BY starts_at DESC, number DESC LIMIT 1) \
             ORDER BY starts_at, number",
        )
        .bind(known)
        .bind(Instant(now))
        .fetch_all(connection)
        .await?;
        for body in newer {
            self.remember(read(&body)?, true);
        }
        Ok(())
    }

    /// Reads those that are not known yet.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ensure<'a>(
        &self,
        connection: &mut PgConnection,
        ids: impl IntoIterator<Item = &'a str> + Send,
    ) -> Result<(), sqlx::Error> {
        let unknown: BTreeSet<_> = ids
            .into_iter()
            .filter(|id| self.get(id).is_none())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown: Vec<_> = unknown.into_iter().collect();
        let bodies: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT body FROM catalog WHERE id = ANY($1)")
                .bind(unknown)
                .fetch_all(connection)
                .await?;
        for body in bodies {
            self.remember(read(&body)?, false);
        }
        Ok(())
    }

    /// Keeps a catalog, in the database and here. One that is kept already stays as it is.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep(
        &self,
        connection: &mut PgConnection,
        catalog: Catalog,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO catalog (id, body, starts_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(catalog.id())
        .bind(catalog.proto().encode_to_vec())
        .bind(Instant(starts_at(catalog.proto())))
        .execute(connection)
        .await?;
        self.remember(catalog, true);
        Ok(())
    }
}

fn read(body: &[u8]) -> Result<Catalog, sqlx::Error> {
    let proto = ProtoCatalog::decode(body).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Catalog::parse(&proto).map_err(|error| sqlx::Error::Decode(error.into()))
}
