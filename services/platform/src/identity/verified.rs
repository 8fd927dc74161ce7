//! Tokens that were verified a moment ago: a caller shows the same one with every call.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use super::tokens::Proof;

/// Half of what is remembered at most. When that many were added, the half before is forgotten.
const HALF: usize = 4_096;

/// SHA-256 of a token.
pub(super) type Digest = [u8; 32];

/// What is remembered. Bounded, and never longer than the keys that proved it are the issuer's.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    /// Which set of keys proved them.
    generation: u64,
    young: HashMap<Digest, Proof>,
    old: HashMap<Digest, Proof>,
}

impl Verified {
    /// Whom this token proves, if these keys have verified it and it has not expired since.
    pub(super) fn get(&self, digest: &Digest, generation: u64, now: Timestamp) -> Option<Proof> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !halves.is_of(generation) {
            return None;
        }
        if let Some(entry) = halves.young.get(digest) {
            return (now < entry.until).then(|| entry.clone());
        }
        let entry = halves
            .old
            .remove(digest)
            .filter(|entry| now < entry.until)?;
        halves.add(*digest, entry.clone());
        Some(entry)
    }

    /// Remembers a token until it expires.
    pub(super) fn insert(&self, digest: Digest, generation: u64, proof: Proof) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if halves.is_of(generation) {
            halves.add(digest, proof);
        }
    }

    /// Forgets everything.
    #[cfg(test)]
    pub(super) fn clear(&self) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.young.clear();
        halves.old.clear();
    }
}

impl Halves {
    /// Forgets everything when the keys have changed. False for whoever still looks with the keys before.
    fn is_of(&mut self, generation: u64) -> bool {
        if generation > self.generation {
            *self = Self {
                generation,
                ..Self::default()
            };
        }
        generation == self.generation
    }

    fn add(&mut self, digest: Digest, entry: Proof) {
        if self.young.len() >= HALF {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, entry);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::identity::Principal;

    fn proof(until: Timestamp) -> Proof {
        Proof {
            principal: Arc::new(Principal::of("officer-11593-2", &[], &[])),
            until,
        }
    }

    fn digest(number: usize) -> Digest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        digest
    }

    #[test]
    fn what_is_used_stays_what_is_not_goes_and_there_are_never_more_than_two_halves() {
        let (verified, now) = (Verified::default(), Timestamp::UNIX_EPOCH);
        let until = now + jiff::SignedDuration::from_mins(15);
        for number in 0..10 * HALF {
            verified.insert(digest(number), 1, proof(until));
            if number % 1_000 == 0 {
                assert!(verified.get(&digest(0), 1, now).is_some(), "{number}");
            }
        }
        let halves = verified.0.lock().unwrap();
        assert!(halves.young.len() + halves.old.len() <= 2 * HALF);
        assert!(!halves.young.contains_key(&digest(1)) && !halves.old.contains_key(&digest(1)));
    }

    #[test]
    fn nothing_outlives_its_expiry_nor_the_keys_that_proved_it() {
        let (verified, now) = (Verified::default(), Timestamp::UNIX_EPOCH);
        let until = now + jiff::SignedDuration::from_mins(15);
        verified.insert(digest(1), 1, proof(until));
        assert!(verified.get(&digest(1), 1, now).is_some());
        assert!(verified.get(&digest(1), 1, until).is_none());
        assert!(verified.get(&digest(1), 2, now).is_none());
        // Somebody who began with the keys before comes late.
        verified.insert(digest(1), 1, proof(until));
        assert!(verified.get(&digest(1), 1, now).is_none());
        assert!(verified.get(&digest(1), 2, now).is_none());
    }
}
