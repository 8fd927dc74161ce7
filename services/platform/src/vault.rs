//! The vault: personal data and free text are sealed before they reach PostgreSQL, and whoever takes the database, a dump
//! or a disk reads none of it.
//!
//! # Keys
//!
//! | key | seals | lies |
//! | --- | --- | --- |
//! | the master key, in generations | agency keys, the index secret | outside of the database: [`Master`] |
//! | a key per agency and month | keys of persons | `agency_key`, wrapped |
//! | a key per person | statements, remembered answers | `person_key`, wrapped |
//! | the index secret | nothing: blind indexes and digests are derived from it | `vault_secret`, wrapped |
//!
//! Everything is AES-256-GCM with a random nonce, bound to table, row and column ([`Aad`]): a value that was moved does not
//! open. `subject` says whose each dossier is; dossiers of one identity number share a person, and where no number is known
//! each dossier is a person of its own.
//!
//! [`Vault::destroy`] wipes a person's key: what was sealed with it stays where it is and is noise, in every table and in every
//! later copy. A copy that was made before holds the wrapped key, and tells nothing once the master key of that time is
//! retired. In the database itself the old row lies on the disk until PostgreSQL has vacuumed it, and in WAL until that is
//! recycled; both need the master key too. A replica that has just used the key may go on reading with it
//! for [`KEY_AGE_MAX`]; what it writes in that time is noise too.
//!
//! # What it leaks
//!
//! To whoever has the database and not the key: how long each text is; which dossiers share a person, a phone number or
//! a word of a name, and how frequent each is (not which: that takes the index secret, and then a dictionary); which person
//! was erased and when. To whoever has neither: nothing. Blind tokens are cut to 64 bits: what is found is compared once more
//! after it was opened.
//!
//! Deliberately not here: who may read what (policy), and when a person may be erased (the procedure's retention).

mod agency;
mod cache;
mod correction;
mod index;
mod keyring;
mod master;
mod rotation;
mod secret;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use self::{
    agency::{AgencyKey, AgencyKeyId, AgencyKeys},
    cache::Cache,
    index::Index,
};
pub use self::{
    index::{Newcomer, Sought},
    keyring::{Keyring, NewPerson, NewRow},
    master::{Master, MasterFile, MasterService, Wrapped},
    rotation::{Rotated, Status},
    secret::{Aad, Secret},
};
use crate::{
    clock::Clock,
    redacted::Redacted,
    time::{Instant as BoundInstant, local_date},
};

/// How long a person's key is used without being looked up again, in real time: as long may another replica read what was
/// erased meanwhile.
pub const KEY_AGE_MAX: Duration = Duration::from_secs(60);

/// Dossiers whose keys are remembered, at least.
const DOSSIERS_REMEMBERED: usize = 8_192;

/// Connections of the vault's own. Who reads for a caller does not see keys, and agency keys are made outside of the
/// transaction that wants one.
const CONNECTIONS_MAX: u32 = 8;

/// Why something could not be sealed or opened. None of it says what it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL objects.
    #[error("the keys cannot be read or written")]
    Database(#[from] sqlx::Error),
    /// The master key's file is missing, unreadable or readable by others.
    #[error("the master key {0}")]
    MasterFile(String),
    /// The service that holds the master key does not do what it should.
    #[error("the service of the master key: {0}")]
    MasterService(String),
    /// A key was wrapped by another master.
    #[error(
        "the master key does not fit this database: it cannot unwrap what generation `{generation}` wrapped; give the master key \
         that the database was made with"
    )]
    Misfit {
        /// Which generation it was wrapped by.
        generation: String,
    },
    /// Sealed with another key or for another place, or changed since.
    #[error("a sealed value does not open: it was changed, or lies where it does not belong")]
    Damaged,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The person's key was destroyed.
    #[error("the personal data was erased")]
    Erased,
    /// There is no key for this dossier.
    #[error("there is no key for {0}")]
    Unknown(String),
}

/// Inside of a batch: what may pass is tried again, and what will not is a fault.
impl From<Error> for sqlx::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error,
            Error::MasterService(_) | Error::Random => Self::Io(std::io::Error::other(error)),
            _ => Self::Decode(Box::new(error)),
        }
    }
}

impl Error {
    /// The error for a caller who asked for this resource.
    #[must_use]
    pub fn about(self, name: &str) -> crate::error::Error {
        match self {
            Self::Erased => crate::error::Error::Erased {
                name: name.to_owned(),
            },
            error => error.into(),
        }
    }
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            Error::MasterService(_) => {
                tracing::error!(%error, "nothing can be opened");
                Self::Unavailable
            }
            error => Self::Fault(error.to_string()),
        }
    }
}

/// Whose a new dossier is, as far as it is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewSubject {
    /// Number of the identity document; empty if none. Two dossiers of one number are one person's.
    pub identity_number: Redacted<String>,
    /// Phone number; empty if none.
    pub phone: Redacted<String>,
    /// Full name.
    pub full_name: Redacted<String>,
}

/// A dossier whose key is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its code.
    pub dossier: &'a str,
    /// The agency whose key wraps the person's, should one have to be made.
    pub agency: &'a str,
    /// Whose it is, where it is new in this very transaction. Otherwise it is looked up, and made somebody's of whom nothing is
    /// known where it is nobody's yet.
    pub new: Option<&'a Newcomer>,
}

/// Persons whose rows are locked, with every dossier of theirs: nobody gives them another one meanwhile.
#[derive(Debug)]
pub struct Held {
    persons: Vec<Uuid>,
    /// Codes of all their dossiers, in order.
    pub dossiers: Vec<String>,
    /// Whether all of their keys were destroyed before.
    pub erased: bool,
}

/// One database's vault. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    master: Arc<dyn Master>,
    pool: PgPool,
    clock: Clock,
    index: Index,
    agencies: AgencyKeys,
    /// By dossier.
    keys: Cache<String, Key>,
    /// Persons whose keys were destroyed lately: whoever looked a key up before that does not remember it after.
    destroyed: Cache<Uuid, ()>,
}

/// A person's key, as it is known.
#[derive(Debug, Clone)]
struct Key {
    person: Uuid,
    /// None once it is destroyed.
    secret: Option<Arc<Secret>>,
}

/// `person_key`, as it is read.
type PersonRow = (Uuid, String, String, i32, Option<Vec<u8>>);

/// The same, with the dossier or the identity that it was found by.
type FoundRow = (
    Option<String>,
    Option<Vec<u8>>,
    Uuid,
    String,
    String,
    i32,
    Option<Vec<u8>>,
);

impl Vault {
    /// Opens the vault of a database, which the master key must fit. A new database gets an index secret of its own.
    ///
    /// # Errors
    /// [`Error::Misfit`]; or when database or master cannot be reached.
    pub async fn open(
        master: Arc<dyn Master>,
        options: &PgConnectOptions,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(Duration::from_secs(5))
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(options.clone());
        let index = Index::new(&index_secret(master.as_ref(), &pool).await?);
        Ok(Self(Arc::new(Inner {
            agencies: AgencyKeys::new(Arc::clone(&master), pool.clone()),
            master,
            pool,
            clock: clock.clone(),
            index,
            keys: Cache::new(DOSSIERS_REMEMBERED, KEY_AGE_MAX),
            destroyed: Cache::new(DOSSIERS_REMEMBERED, KEY_AGE_MAX * 2),
        })))
    }

    /// A keyed digest, for what is compared and never read: without the key, a digest of a phone number is guessed in no time.
    #[must_use]
    pub fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.0.index.digest(bytes)
    }

    /// What a new dossier of this person will be found by.
    #[must_use]
    pub fn newcomer(&self, subject: &NewSubject) -> Newcomer {
        let index = &self.0.index;
        Newcomer {
            identity: index.identity(subject.identity_number.expose()),
            tokens: index.tokens(subject),
        }
    }

    /// The keys of the dossiers of a batch: found, or made. What was made are rows that must be written in the same transaction
    /// ([`Keyring::persons`], [`Keyring::rows`]); after its commit, [`Vault::remember`] may
    /// be told. One statement at most, and none where every key is remembered.
    ///
    /// Two replicas that make one person at once collide at `person_key_identity_pkey`; the second finds it when it tries again.
    ///
    /// # Errors
    /// Those of the database, and of the master where an agency's key is not known yet.
    pub async fn subjects(
        &self,
        connection: &mut PgConnection,
        wanted: &[Wanted<'_>],
    ) -> Result<Keyring, sqlx::Error> {
        let mut keyring = Keyring::new(Instant::now());
        let mut unknown = Vec::new();
        let mut identities = BTreeMap::new();
        for want in wanted {
            match want.new {
                None => match self.0.keys.get(want.dossier) {
                    Some(key) => keyring.add(want.dossier, key),
                    None => unknown.push(want.dossier),
                },
                Some(new) => {
                    identities.insert(want.dossier, new.identity.clone());
                }
            }
        }
        let mut persons = self
            .look_up(connection, &unknown, &identities, &mut keyring)
            .await?;
        let period = local_date(self.0.clock.now()).strftime("%Y-%m").to_string();
        let mut agency_keys = HashMap::new();
        for want in wanted {
            if keyring.knows(want.dossier) {
                continue;
            }
            let identity = identities.remove(want.dossier).flatten();
            let known = identity.as_ref().and_then(|identity| persons.get(identity));
            let key = match known {
                Some(key) => key.clone(),
                None => {
                    let (id, agency_key) = match agency_keys.entry(want.agency) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(place) => {
                            place.insert(self.0.agencies.newest(want.agency, &period).await?)
                        }
                    };
                    let (key, person) = new_person(id, agency_key, identity.clone())?;
                    keyring.persons.push(person);
                    if let Some(identity) = identity {
                        // Several dossiers of one person in one batch.
                        persons.insert(identity, key.clone());
                    }
                    key
                }
            };
            keyring.rows.push(NewRow {
                dossier: want.dossier.to_owned(),
                person: key.person,
                tokens: want.new.map(|new| new.tokens.clone()).unwrap_or_default(),
            });
            keyring.learn(want.dossier, key);
        }
        Ok(keyring)
    }

    /// The keys of dossiers that are to be read. Dossiers that are nobody's have none. Keys are looked up on a connection of the
    /// vault's own: who reads for a caller sees none.
    ///
    /// # Errors
    /// Those of the database, and of the master where an agency's key is not known yet.
    pub async fn keys(&self, dossiers: &[&str]) -> Result<Keyring, Error> {
        let mut keyring = Keyring::new(Instant::now());
        let mut unknown = Vec::new();
        for dossier in dossiers {
            match self.0.keys.get(*dossier) {
                Some(key) => keyring.add(dossier, key),
                None => unknown.push(*dossier),
            }
        }
        if !unknown.is_empty() {
            let mut connection = self.0.pool.acquire().await?;
            self.look_up(&mut connection, &unknown, &BTreeMap::new(), &mut keyring)
                .await?;
            self.remember(&mut keyring);
        }
        Ok(keyring)
    }

    /// Remembers the keys that were looked up or made, once that is committed.
    pub fn remember(&self, keyring: &mut Keyring) {
        for (dossier, key) in std::mem::take(&mut keyring.learned) {
            if self.0.destroyed.get(&key.person).is_none() {
                self.0.keys.put(dossier, key, keyring.since);
            }
        }
    }

    /// What dossiers of such a person are looked for by. Empty fields do not count; `None` where nothing can be found by it.
    #[must_use]
    pub fn sought(&self, like: &NewSubject) -> Option<Sought> {
        let index = &self.0.index;
        let mut sought = Sought::default();
        if !like.identity_number.is_empty() {
            sought.identity = Some(index.identity(like.identity_number.expose())?);
        }
        if !like.phone.is_empty() {
            sought.tokens.push(index.phone(like.phone.expose())?);
        }
        let name = index.sought_name(like.full_name.expose());
        if name.is_empty() && !like.full_name.is_empty() {
            return None;
        }
        sought.tokens.extend(name);
        (sought.identity.is_some() || !sought.tokens.is_empty()).then_some(sought)
    }

    /// Whether this person is like that one: the same number, the same phone, and every word of the name, as far as each is
    /// given. What was found by blind tokens is compared so once more.
    #[must_use]
    pub fn is_like(&self, subject: &NewSubject, like: &NewSubject) -> bool {
        let index = &self.0.index;
        let tokens = index.tokens(subject);
        let same_number = like.identity_number.is_empty()
            || index.identity(subject.identity_number.expose())
                == index.identity(like.identity_number.expose());
        let same_phone = like.phone.is_empty()
            || index.phone(like.phone.expose()) == index.phone(subject.phone.expose());
        same_number
            && same_phone
            && index
                .sought_name(like.full_name.expose())
                .iter()
                .all(|token| tokens.contains(token))
    }

    /// Codes of the dossiers that are found so, in order, after this code. A few may be found by chance: whoever shows them
    /// compares once more what they hold, and looks whether the caller may see them.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(
        &self,
        sought: &Sought,
        after: &str,
        rows: i64,
    ) -> Result<Vec<String>, sqlx::Error> {
        let finding = match &sought.identity {
            Some(identity) => sqlx::query_scalar(
                "SELECT dossier FROM subject JOIN person_key USING (person) \
                 WHERE tokens @> $1 AND dossier > $2 AND identity = $4 ORDER BY dossier LIMIT $3",
            )
            .bind(&sought.tokens)
            .bind(after)
            .bind(rows)
            .bind(identity),
            None => sqlx::query_scalar(
                "SELECT dossier FROM subject WHERE tokens @> $1 AND cardinality($1) > 0 AND dossier > $2 \
                 ORDER BY dossier LIMIT $3",
            )
            .bind(&sought.tokens)
            .bind(after)
            .bind(rows),
        };
        finding.fetch_all(&self.0.pool).await
    }

    /// Every dossier of whoever these belong to, in order.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_same_persons(&self, dossiers: &[&str]) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT dossier FROM subject WHERE person IN (SELECT person FROM subject WHERE dossier = ANY($1)) \
             ORDER BY dossier",
        )
        .bind(dossiers)
        .fetch_all(&self.0.pool)
        .await
    }

    /// Locks whoever these dossiers belong to, and tells all of their dossiers: the caller sees whether every one of
    /// them may be erased, and no other is added before the transaction's end.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn hold(
        &self,
        connection: &mut PgConnection,
        dossiers: &[&str],
    ) -> Result<Held, sqlx::Error> {
        let locked: Vec<(Uuid, bool)> = sqlx::query_as(
            "SELECT person, wrapped IS NULL FROM person_key WHERE person IN (SELECT person FROM subject WHERE dossier = ANY($1)) \
             ORDER BY person FOR UPDATE",
        )
        .bind(dossiers)
        .fetch_all(&mut *connection)
        .await?;
        let erased = locked.iter().all(|(_, destroyed)| *destroyed);
        let persons: Vec<_> = locked.into_iter().map(|(person, _)| person).collect();
        // A statement of its own: it sees what was committed while the first one waited.
        let dossiers = sqlx::query_scalar(
            "SELECT dossier FROM subject WHERE person = ANY($1) ORDER BY dossier",
        )
        .bind(&persons)
        .fetch_all(connection)
        .await?;
        Ok(Held {
            persons,
            dossiers,
            erased,
        })
    }

    /// Destroys the keys of those who are held. Once this is committed, nothing of theirs opens again, and nobody finds them by
    /// anything. Destroying twice changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn destroy(
        &self,
        connection: &mut PgConnection,
        held: &Held,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "WITH gone AS ( \
                 UPDATE person_key SET wrapped = NULL, identity = NULL, destroyed_at = $2 \
                 WHERE person = ANY($1) AND wrapped IS NOT NULL) \
             UPDATE subject SET tokens = '{}' WHERE person = ANY($1) AND tokens <> '{}'",
        )
        .bind(&held.persons)
        .bind(BoundInstant(now))
        .execute(connection)
        .await?;
        let since = Instant::now();
        for person in &held.persons {
            self.0.destroyed.put(*person, (), since);
        }
        self.0
            .keys
            .forget(|_, key| held.persons.contains(&key.person));
        Ok(())
    }

    /// Looks up dossiers, whose keys go into the ring, and persons by their identity numbers, who are kept from being
    /// erased until the transaction ends: a new dossier is about to become theirs.
    async fn look_up(
        &self,
        connection: &mut PgConnection,
        dossiers: &[&str],
        identities: &BTreeMap<&str, Option<Vec<u8>>>,
        keyring: &mut Keyring,
    ) -> Result<HashMap<Vec<u8>, Key>, Error> {
        let identities: BTreeSet<_> = identities.values().flatten().collect();
        let mut persons = HashMap::new();
        if dossiers.is_empty() && identities.is_empty() {
            return Ok(persons);
        }
        let rows: Vec<FoundRow> = sqlx::query_as(
            "WITH kept AS ( \
                 SELECT identity, person, agency, period, generation, wrapped FROM person_key \
                 WHERE identity = ANY($2) ORDER BY person FOR SHARE) \
             SELECT dossier, NULL, person, agency, period, generation, wrapped \
             FROM subject JOIN person_key USING (person) WHERE dossier = ANY($1) \
             UNION ALL SELECT NULL, identity, person, agency, period, generation, wrapped FROM kept",
        )
        .bind(dossiers)
        .bind(identities.into_iter().collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
        let mut places = Vec::with_capacity(rows.len());
        let mut found = Vec::with_capacity(rows.len());
        for (dossier, identity, person, agency, period, generation, wrapped) in rows {
            places.push((dossier, identity));
            found.push((person, agency, period, generation, wrapped));
        }
        for ((dossier, identity), key) in places.into_iter().zip(self.unwrapped(found).await?) {
            if let Some(dossier) = dossier {
                keyring.learn(&dossier, key);
            } else if let Some(identity) = identity {
                persons.insert(identity, key);
            }
        }
        Ok(persons)
    }

    async fn unwrapped(&self, rows: Vec<PersonRow>) -> Result<Vec<Key>, Error> {
        let ids: Vec<_> = rows
            .iter()
            .map(|(_, agency, period, generation, _)| AgencyKeyId {
                agency: agency.clone(),
                period: period.clone(),
                generation: *generation,
            })
            .collect();
        let agency_keys = self.0.agencies.get(ids.iter()).await?;
        rows.into_iter()
            .zip(&ids)
            .map(|((person, .., wrapped), id)| {
                let secret = match wrapped {
                    Some(wrapped) => Some(Arc::new(
                        agency_keys
                            .get(id)
                            .ok_or(Error::Damaged)?
                            .unwrap_person(id, person, &wrapped)?,
                    )),
                    None => None,
                };
                Ok(Key { person, secret })
            })
            .collect()
    }
}

fn new_person(
    id: &AgencyKeyId,
    agency_key: &AgencyKey,
    identity: Option<Vec<u8>>,
) -> Result<(Key, NewPerson), Error> {
    // In the order of time: what is new lies at the end of each index.
    let person = Uuid::now_v7();
    let secret = Secret::random()?;
    let wrapped = agency_key.wrap_person(id, person, &secret)?;
    let key = Key {
        person,
        secret: Some(Arc::new(secret)),
    };
    Ok((
        key,
        NewPerson {
            person,
            identity,
            agency: id.agency.clone(),
            period: id.period.clone(),
            generation: id.generation,
            wrapped,
        },
    ))
}

const INDEX: &str = "index";

/// The secret of this database's indexes; made where there is none. Several replicas may start at once.
async fn index_secret(master: &dyn Master, pool: &PgPool) -> Result<Secret, Error> {
    if let Some(secret) = read_index_secret(master, pool).await? {
        return Ok(secret);
    }
    let new = master.wrap(INDEX, &Secret::random()?).await?;
    sqlx::query(
        "INSERT INTO vault_secret (name, wrapped, master_generation) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(INDEX)
    .bind(new.bytes)
    .bind(new.generation)
    .execute(pool)
    .await?;
    read_index_secret(master, pool)
        .await?
        .ok_or_else(|| Error::Unknown(INDEX.to_owned()))
}

async fn read_index_secret(master: &dyn Master, pool: &PgPool) -> Result<Option<Secret>, Error> {
    let row: Option<(Vec<u8>, String)> =
        sqlx::query_as("SELECT wrapped, master_generation FROM vault_secret WHERE name = $1")
            .bind(INDEX)
            .fetch_optional(pool)
            .await?;
    match row {
        Some((bytes, generation)) => Ok(Some(
            master.unwrap(INDEX, &Wrapped { generation, bytes }).await?,
        )),
        None => Ok(None),
    }
}
