//! Rotation: keys are wrapped anew, a few at a time, while everybody reads and writes.
//!
//! What is not done yet goes on being readable, so a rotation that was interrupted is begun again and does the rest. The data
//! are not sealed anew: a person's key never leaves the database but wrapped, and wrapped anew it is out of reach of
//! whoever had the old wrapping key and takes a new copy.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use sqlx::{Acquire, PgConnection};
use uuid::Uuid;

use super::{Error, INDEX, PersonRow, Vault, Wrapped, agency::AgencyKeyId};

/// Keys of agencies that are wrapped anew in one transaction.
const AGENCY_KEYS_AT_ONCE: i64 = 50;

/// Keys of persons that are wrapped anew in one transaction.
const PERSONS_AT_ONCE: i64 = 500;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotated {
    /// Keys of agencies that got a new generation.
    pub renewed: usize,
    /// Keys, of agencies and the database's own, that were wrapped by the newest master.
    pub by_master: usize,
    /// Keys of persons that were wrapped by their agency's newest key.
    pub by_agency: usize,
    /// Keys of agencies that wrapped nothing any more and were dropped.
    pub dropped: usize,
}

/// How the keys of a database stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Generations of the master, and how many keys each of them has wrapped.
    pub by_master: Vec<(String, i64)>,
    /// Persons whose keys their agency's newest key has wrapped.
    pub persons: i64,
    /// Persons whose keys an older one has wrapped.
    pub outdated: i64,
    /// Persons whose keys were destroyed.
    pub destroyed: i64,
}

impl Vault {
    /// Wraps whatever an older generation of the master has wrapped with the newest one.
    ///
    /// # Errors
    /// Those of the database and the master.
    pub async fn rotate_master(&self) -> Result<Rotated, Error> {
        let mut connection = self.0.pool.acquire().await?;
        let (newest, mut by_master) = self.rewrap_index(&mut connection).await?;
        loop {
            let rewrapped = self.rewrap_agency_keys(&mut connection, &newest).await?;
            if rewrapped == 0 {
                break;
            }
            by_master += rewrapped;
        }
        Ok(Rotated {
            by_master,
            ..Rotated::default()
        })
    }

    /// Gives each agency key that is older than so much a new generation, and wraps the keys of persons with it. Replicas
    /// may wrap new ones with the old generation for up to [`super::KEY_AGE_MAX`] more: the next rotation finds them. What wraps
    /// nothing any more is dropped once its successor is older than so much; make it much longer than that.
    ///
    /// # Errors
    /// Those of the database and the master.
    pub async fn rotate_agency_keys(&self, older_than: Duration) -> Result<Rotated, Error> {
        let seconds = older_than.as_secs_f64();
        let old: Vec<(String, String, i32)> = sqlx::query_as(
            "SELECT agency, period, max(generation) FROM agency_key GROUP BY agency, period \
             HAVING max(made_at) <= now() - make_interval(secs => $1) ORDER BY agency, period",
        )
        .bind(seconds)
        .fetch_all(&self.0.pool)
        .await?;
        let mut rotated = Rotated::default();
        for (agency, period, generation) in old {
            if self
                .0
                .agencies
                .make(&agency, &period, generation + 1)
                .await?
            {
                rotated.renewed += 1;
            }
        }
        self.0.agencies.forget_newest();
        rotated.by_agency = self.rewrap_persons().await?;
        let dropped = sqlx::query(
            "DELETE FROM agency_key AS old \
             WHERE EXISTS (SELECT FROM agency_key AS new WHERE new.agency = old.agency AND new.period = old.period \
                           AND new.generation > old.generation AND new.made_at <= now() - make_interval(secs => $1)) \
             AND NOT EXISTS (SELECT FROM person_key AS person WHERE person.agency = old.agency \
                             AND person.period = old.period AND person.generation = old.generation \
                             AND person.wrapped IS NOT NULL)",
        )
        .bind(seconds)
        .execute(&self.0.pool)
        .await?;
        rotated.dropped = usize::try_from(dropped.rows_affected()).unwrap_or(usize::MAX);
        Ok(rotated)
    }

    /// How the keys stand.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn status(&self) -> Result<Status, Error> {
        let by_master = sqlx::query_as(
            "SELECT master_generation, count(*) FROM ( \
                 SELECT master_generation FROM vault_secret UNION ALL SELECT master_generation FROM agency_key) AS wrapped \
             GROUP BY master_generation ORDER BY master_generation",
        )
        .fetch_all(&self.0.pool)
        .await?;
        let (persons, outdated, destroyed) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE wrapped IS NOT NULL AND generation = newest), \
                    count(*) FILTER (WHERE wrapped IS NOT NULL AND generation < newest), \
                    count(*) FILTER (WHERE wrapped IS NULL) \
             FROM person_key LEFT JOIN ( \
                 SELECT agency, period, max(generation) AS newest FROM agency_key GROUP BY agency, period) AS key \
             USING (agency, period)",
        )
        .fetch_one(&self.0.pool)
        .await?;
        Ok(Status {
            by_master,
            persons,
            outdated,
            destroyed,
        })
    }

    /// The newest generation, and whether the secret was wrapped by an older one.
    async fn rewrap_index(&self, connection: &mut PgConnection) -> Result<(String, usize), Error> {
        let mut transaction = connection.begin().await?;
        let (bytes, generation): (Vec<u8>, String) = sqlx::query_as(
            "SELECT wrapped, master_generation FROM vault_secret WHERE name = $1 FOR UPDATE",
        )
        .bind(INDEX)
        .fetch_one(&mut *transaction)
        .await?;
        let before = Wrapped { generation, bytes };
        let secret = self.0.master.unwrap(INDEX, &before).await?;
        let after = self.0.master.wrap(INDEX, &secret).await?;
        if after.generation == before.generation {
            return Ok((after.generation, 0));
        }
        sqlx::query("UPDATE vault_secret SET wrapped = $2, master_generation = $3 WHERE name = $1")
            .bind(INDEX)
            .bind(after.bytes)
            .bind(&after.generation)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok((after.generation, 1))
    }

    async fn rewrap_agency_keys(
        &self,
        connection: &mut PgConnection,
        newest: &str,
    ) -> Result<usize, Error> {
        let mut transaction = connection.begin().await?;
        let rows: Vec<(String, String, i32, String, Vec<u8>)> = sqlx::query_as(
            "SELECT agency, period, generation, master_generation, wrapped FROM agency_key \
             WHERE master_generation <> $1 ORDER BY agency, period, generation LIMIT $2 FOR UPDATE",
        )
        .bind(newest)
        .bind(AGENCY_KEYS_AT_ONCE)
        .fetch_all(&mut *transaction)
        .await?;
        let rewrapped = rows.len();
        for (agency, period, generation, master_generation, bytes) in rows {
            let id = AgencyKeyId {
                agency,
                period,
                generation,
            };
            let before = Wrapped {
                generation: master_generation,
                bytes,
            };
            let context = id.context();
            let secret = self.0.master.unwrap(&context, &before).await?;
            let after = self.0.master.wrap(&context, &secret).await?;
            sqlx::query(
                "UPDATE agency_key SET wrapped = $4, master_generation = $5 \
                 WHERE agency = $1 AND period = $2 AND generation = $3",
            )
            .bind(id.agency)
            .bind(id.period)
            .bind(id.generation)
            .bind(after.bytes)
            .bind(after.generation)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(rewrapped)
    }

    /// From the first person to the last; those that are done are passed over.
    async fn rewrap_persons(&self) -> Result<usize, Error> {
        let mut connection = self.0.pool.acquire().await?;
        let mut after = Uuid::nil();
        let mut rewrapped = 0;
        loop {
            let mut transaction = connection.begin().await?;
            // A key that is being destroyed is waited for, and is then no longer among them.
            let rows: Vec<PersonRow> = sqlx::query_as(
                "SELECT person, agency, period, generation, wrapped FROM person_key \
                 WHERE person > $1 AND wrapped IS NOT NULL \
                       AND EXISTS (SELECT FROM agency_key AS newer WHERE newer.agency = person_key.agency \
                                   AND newer.period = person_key.period AND newer.generation > person_key.generation) \
                 ORDER BY person LIMIT $2 FOR UPDATE OF person_key",
            )
            .bind(after)
            .bind(PERSONS_AT_ONCE)
            .fetch_all(&mut *transaction)
            .await?;
            let Some((last, ..)) = rows.last() else {
                return Ok(rewrapped);
            };
            after = *last;
            rewrapped += rows.len();
            let (persons, generations, wrapped) = self.rewrapped(rows).await?;
            sqlx::query(
                "UPDATE person_key SET generation = new.generation, wrapped = new.wrapped \
                 FROM UNNEST($1::uuid[], $2::integer[], $3::bytea[]) AS new (person, generation, wrapped) \
                 WHERE person_key.person = new.person AND person_key.wrapped IS NOT NULL",
            )
            .bind(persons)
            .bind(generations)
            .bind(wrapped)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
        }
    }

    async fn rewrapped(
        &self,
        rows: Vec<PersonRow>,
    ) -> Result<(Vec<Uuid>, Vec<i32>, Vec<Vec<u8>>), Error> {
        let places: Vec<_> = rows
            .iter()
            .map(|(_, agency, period, ..)| (agency.clone(), period.clone()))
            .collect();
        let mut newest = HashMap::new();
        for (agency, period) in &places {
            if let Entry::Vacant(vacant) = newest.entry((agency.clone(), period.clone())) {
                vacant.insert(self.0.agencies.newest_now(agency, period).await?);
            }
        }
        let (mut persons, mut generations, mut wrapped) = (Vec::new(), Vec::new(), Vec::new());
        for (key, place) in self.unwrapped(rows).await?.into_iter().zip(&places) {
            let (Some(secret), Some((id, agency_key))) = (key.secret, newest.get(place)) else {
                continue;
            };
            persons.push(key.person);
            generations.push(id.generation);
            wrapped.push(agency_key.wrap_person(id, key.person, &secret)?);
        }
        Ok((persons, generations, wrapped))
    }
}
