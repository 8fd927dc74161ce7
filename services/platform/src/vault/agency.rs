//! The keys of agencies, one for each month in which an agency got to know somebody. They wrap the keys of persons.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Aad, Error, KEY_AGE_MAX, Master, Secret, Wrapped, cache::Cache};

/// Unwrapped keys that are remembered, at least: two years of a city with 160 agencies.
const KEYS_REMEMBERED: usize = 4_096;

/// Which key of which agency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AgencyKeyId {
    pub(super) agency: String,
    /// `2025-07`.
    pub(super) period: String,
    pub(super) generation: i32,
}

impl AgencyKeyId {
    /// What the master binds it to.
    pub(super) fn context(&self) -> String {
        format!("agency/{}/{}/{}", self.agency, self.period, self.generation)
    }
}

/// An agency's key.
#[derive(Debug, Clone)]
pub(super) struct AgencyKey(Arc<Secret>);

impl AgencyKey {
    pub(super) fn wrap_person(
        &self,
        id: &AgencyKeyId,
        person: Uuid,
        secret: &Secret,
    ) -> Result<Vec<u8>, Error> {
        let row = row(id, person);
        self.0.seal(&place(&row), secret.expose())
    }

    pub(super) fn unwrap_person(
        &self,
        id: &AgencyKeyId,
        person: Uuid,
        wrapped: &[u8],
    ) -> Result<Secret, Error> {
        let row = row(id, person);
        let secret = self.0.open(&place(&row), wrapped)?;
        Secret::from_bytes(&secret).ok_or(Error::Damaged)
    }
}

fn row(id: &AgencyKeyId, person: Uuid) -> String {
    format!("{person}/{}", id.context())
}

fn place(row: &str) -> Aad<'_> {
    Aad {
        table: "person_key",
        row,
        column: "wrapped",
    }
}

/// All of them, as far as they were needed.
#[derive(Debug)]
pub(super) struct AgencyKeys {
    master: Arc<dyn Master>,
    pool: PgPool,
    unwrapped: Cache<AgencyKeyId, AgencyKey>,
    /// The newest generation of each agency and period. Looked up again, because it may be renewed.
    newest: Cache<(String, String), i32>,
}

impl AgencyKeys {
    pub(super) fn new(master: Arc<dyn Master>, pool: PgPool) -> Self {
        Self {
            master,
            pool,
            unwrapped: Cache::new(KEYS_REMEMBERED, Duration::MAX),
            newest: Cache::new(KEYS_REMEMBERED, KEY_AGE_MAX),
        }
    }

    /// These keys.
    pub(super) async fn get(
        &self,
        ids: impl Iterator<Item = &AgencyKeyId>,
    ) -> Result<HashMap<AgencyKeyId, AgencyKey>, Error> {
        let mut keys = HashMap::new();
        let mut unknown = BTreeSet::new();
        for id in ids {
            if keys.contains_key(id) {
                continue;
            }
            match self.unwrapped.get(id) {
                Some(key) => {
                    keys.insert(id.clone(), key);
                }
                None => {
                    unknown.insert(id);
                }
            }
        }
        if unknown.is_empty() {
            return Ok(keys);
        }
        let rows: Vec<(String, String, i32, String, Vec<u8>)> = sqlx::query_as(
            "SELECT agency, period, generation, master_generation, wrapped FROM agency_key \
             JOIN UNNEST($1::text[], $2::text[], $3::integer[]) AS asked (agency, period, generation) \
             USING (agency, period, generation)",
        )
        .bind(unknown.iter().map(|id| &id.agency).collect::<Vec<_>>())
        .bind(unknown.iter().map(|id| &id.period).collect::<Vec<_>>())
        .bind(unknown.iter().map(|id| id.generation).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        let unwrapping = rows.into_iter().map(
            |(agency, period, generation, master_generation, bytes)| async move {
                let id = AgencyKeyId {
                    agency,
                    period,
                    generation,
                };
                let wrapped = Wrapped {
                    generation: master_generation,
                    bytes,
                };
                let secret = self.master.unwrap(&id.context(), &wrapped).await?;
                Ok::<_, Error>((id, AgencyKey(Arc::new(secret))))
            },
        );
        let since = Instant::now();
        for (id, key) in try_join_all(unwrapping).await? {
            self.unwrapped.put(id.clone(), key.clone(), since);
            keys.insert(id, key);
        }
        Ok(keys)
    }

    /// The key that wraps new keys of this agency in this period; made where there is none.
    pub(super) async fn newest(
        &self,
        agency: &str,
        period: &str,
    ) -> Result<(AgencyKeyId, AgencyKey), Error> {
        let place = (agency.to_owned(), period.to_owned());
        let generation = match self.newest.get(&place) {
            Some(generation) => generation,
            None => {
                let since = Instant::now();
                let generation = match self.look_up_newest(agency, period).await? {
                    Some(generation) => generation,
                    None => {
                        self.make(agency, period, 1).await?;
                        // This one, or another replica's.
                        self.look_up_newest(agency, period)
                            .await?
                            .ok_or(Error::Damaged)?
                    }
                };
                self.newest.put(place, generation, since);
                generation
            }
        };
        self.named(agency, period, generation).await
    }

    /// The same, looked up again: what is remembered may be older.
    pub(super) async fn newest_now(
        &self,
        agency: &str,
        period: &str,
    ) -> Result<(AgencyKeyId, AgencyKey), Error> {
        let generation = self.look_up_newest(agency, period).await?;
        self.named(agency, period, generation.ok_or(Error::Damaged)?)
            .await
    }

    async fn named(
        &self,
        agency: &str,
        period: &str,
        generation: i32,
    ) -> Result<(AgencyKeyId, AgencyKey), Error> {
        let id = AgencyKeyId {
            agency: agency.to_owned(),
            period: period.to_owned(),
            generation,
        };
        let key = self
            .get(std::iter::once(&id))
            .await?
            .remove(&id)
            .ok_or(Error::Damaged)?;
        Ok((id, key))
    }

    async fn look_up_newest(&self, agency: &str, period: &str) -> Result<Option<i32>, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT max(generation) FROM agency_key WHERE agency = $1 AND period = $2",
        )
        .bind(agency)
        .bind(period)
        .fetch_one(&self.pool)
        .await
    }

    /// Makes a generation, unless somebody else has made it.
    pub(super) async fn make(
        &self,
        agency: &str,
        period: &str,
        generation: i32,
    ) -> Result<bool, Error> {
        let id = AgencyKeyId {
            agency: agency.to_owned(),
            period: period.to_owned(),
            generation,
        };
        let wrapped = self.master.wrap(&id.context(), &Secret::random()?).await?;
        let made = sqlx::query(
            "INSERT INTO agency_key (agency, period, generation, master_generation, wrapped) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(agency)
        .bind(period)
        .bind(generation)
        .bind(wrapped.generation)
        .bind(wrapped.bytes)
        .execute(&self.pool)
        .await?;
        Ok(made.rows_affected() > 0)
    }

    /// This process no longer wraps with what was newest before.
    pub(super) fn forget_newest(&self) {
        self.newest.forget(|_, _| true);
    }
}
