//! The keys that one batch or one reader needs.

use std::{collections::HashMap, time::Instant};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Aad, Error, Key};

/// The keys of some dossiers, and the rows that must be written for those that are new.
#[derive(Debug)]
pub struct Keyring {
    keys: HashMap<String, Key>,
    /// What was looked up or made, and not remembered before.
    pub(super) learned: Vec<(String, Key)>,
    /// When that was looked up.
    pub(super) since: Instant,
    pub(super) persons: Vec<NewPerson>,
    pub(super) rows: Vec<NewRow>,
}

/// A new row of `person_key`.
#[derive(Debug)]
pub struct NewPerson {
    /// The person.
    pub person: Uuid,
    /// Blind index of the identity number, if one is known.
    pub identity: Option<Vec<u8>>,
    /// Whose key wraps the person's.
    pub agency: String,
    /// Of which month.
    pub period: String,
    /// In which generation.
    pub generation: i32,
    /// The person's key, wrapped.
    pub wrapped: Vec<u8>,
}

/// A new row of `subject`.
#[derive(Debug)]
pub struct NewRow {
    /// The dossier's code.
    pub dossier: String,
    /// Whose it is.
    pub person: Uuid,
    /// What it is found by.
    pub tokens: Vec<i64>,
}

impl Keyring {
    pub(super) fn new(since: Instant) -> Self {
        Self {
            keys: HashMap::new(),
            learned: Vec::new(),
            since,
            persons: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The rows of `person_key` that must be written.
    #[must_use]
    pub fn persons(&self) -> &[NewPerson] {
        &self.persons
    }

    /// The rows of `subject` that must be written.
    #[must_use]
    pub fn rows(&self) -> &[NewRow] {
        &self.rows
    }

    /// Seals a text of this dossier. With a destroyed key nothing is kept of it: what is sealed is empty, and opens as erased.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the dossier's key is not on the ring.
    pub fn seal(&self, dossier: &str, place: &Aad<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.key(dossier)?.secret {
            Some(secret) => secret.seal(place, plain),
            None => Ok(Vec::new()),
        }
    }

    /// Opens a text of this dossier.
    ///
    /// # Errors
    /// [`Error::Erased`] when the key was destroyed; [`Error::Damaged`] when it was not sealed for this dossier and place;
    /// [`Error::Unknown`] when the dossier's key is not on the ring.
    pub fn open(
        &self,
        dossier: &str,
        place: &Aad<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        match &self.key(dossier)?.secret {
            Some(secret) if !sealed.is_empty() => secret.open(place, sealed),
            _ => Err(Error::Erased),
        }
    }

    /// Opens a text of this dossier that is UTF-8.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn open_text(
        &self,
        dossier: &str,
        place: &Aad<'_>,
        sealed: &[u8],
    ) -> Result<String, Error> {
        let mut plain = self.open(dossier, place, sealed)?;
        String::from_utf8(std::mem::take(&mut *plain)).map_err(|_| Error::Damaged)
    }

    pub(super) fn knows(&self, dossier: &str) -> bool {
        self.keys.contains_key(dossier)
    }

    pub(super) fn add(&mut self, dossier: &str, key: Key) {
        self.keys.insert(dossier.to_owned(), key);
    }

    pub(super) fn learn(&mut self, dossier: &str, key: Key) {
        self.learned.push((dossier.to_owned(), key.clone()));
        self.add(dossier, key);
    }

    fn key(&self, dossier: &str) -> Result<&Key, Error> {
        self.keys
            .get(dossier)
            .ok_or_else(|| Error::Unknown(dossier.to_owned()))
    }
}

impl NewRow {
    /// The tokens as PostgreSQL writes an array: an array of arrays of different lengths cannot be bound.
    #[must_use]
    pub fn tokens_literal(&self) -> String {
        let mut literal = String::with_capacity(2 + self.tokens.len() * 21);
        literal.push('{');
        for token in &self.tokens {
            if literal.len() > 1 {
                literal.push(',');
            }
            literal.push_str(&token.to_string());
        }
        literal.push('}');
        literal
    }
}
