//! Keys, and what is sealed with them: AES-256-GCM, with a random nonce for each value.

use std::fmt;

use ring::{
    aead::{AES_256_GCM, Aad as RingAad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

use super::Error;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// First byte of whatever is sealed: format, nonce, ciphertext, tag.
const FORMAT: u8 = 1;

/// Bytes that sealing adds: format, nonce and tag.
const OVERHEAD: usize = 1 + NONCE_LEN + 16;

/// A key of 256 bits. It is wiped from memory when it is dropped, and its `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; KEY_BYTES]>);

impl Secret {
    /// A new one, from the system's random numbers.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom::new()
            .fill(&mut bytes[..])
            .map_err(|_| Error::Random)?;
        Ok(Self(bytes))
    }

    /// From its bytes; `None` where they are not as many as a key has.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Seals a value for one place: nowhere else does it open.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, place: &Aad<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| Error::Random)?;
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                RingAad::from(place.bytes()),
                &mut sealed[1 + NONCE_LEN..],
            )
            // Only a value of 64 GiB would be too long.
            .map_err(|_| Error::Damaged)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it was sealed with another key, for another place, or was changed since: which of these,
    /// nobody can tell.
    pub fn open(&self, place: &Aad<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (nonce, sealed) = sealed
            .split_first()
            .filter(|(format, _)| **format == FORMAT)
            .and_then(|(_, rest)| rest.split_first_chunk::<NONCE_LEN>())
            .ok_or(Error::Damaged)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let length = self
            .cipher()?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                RingAad::from(place.bytes()),
                &mut plain,
            )
            .map_err(|_| Error::Damaged)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Made for each use, because ring does not wipe what it keeps: it lives for as long as one value takes.
    fn cipher(&self) -> Result<LessSafeKey, Error> {
        UnboundKey::new(&AES_256_GCM, &self.0[..])
            .map(LessSafeKey::new)
            .map_err(|_| Error::Damaged)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// The place that a value is sealed for: its associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aad<'a> {
    /// Its table.
    pub table: &'a str,
    /// Its row: whatever names it.
    pub row: &'a str,
    /// Its column.
    pub column: &'a str,
}

impl Aad<'_> {
    /// Each part with its length before it, so that no two places have the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let parts = [self.table, self.row, self.column];
        let length = parts.iter().map(|part| part.len() + 8).sum();
        let mut bytes = Vec::with_capacity(length);
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Aad<'_> = Aad {
        table: "statement",
        row: "dossiers/H24.11593-250701-0001/1/1",
        column: "body",
    };

    #[test]
    fn a_value_opens_at_its_place_with_its_key_and_nowhere_else() {
        let secret = Secret::random().unwrap();
        let sealed = secret.seal(&PLACE, "Nguyễn Thị Thử".as_bytes()).unwrap();
        assert_eq!(
            secret.open(&PLACE, &sealed).unwrap().as_slice(),
            "Nguyễn Thị Thử".as_bytes()
        );
        let elsewhere = [
            Aad {
                table: "request",
                ..PLACE
            },
            Aad {
                row: "dossiers/H24.11593-250701-0002/1/1",
                ..PLACE
            },
            Aad {
                column: "ground",
                ..PLACE
            },
            // The same letters, cut otherwise.
            Aad {
                table: "statementd",
                row: "ossiers/H24.11593-250701-0001/1/1",
                ..PLACE
            },
        ];
        for place in elsewhere {
            assert!(matches!(secret.open(&place, &sealed), Err(Error::Damaged)));
        }
        let other = Secret::random().unwrap();
        assert!(matches!(other.open(&PLACE, &sealed), Err(Error::Damaged)));
    }

    #[test]
    fn a_changed_or_cut_value_does_not_open() {
        let secret = Secret::random().unwrap();
        let sealed = secret.seal(&PLACE, b"0900000001").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(secret.open(&PLACE, &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(secret.open(&PLACE, &sealed[..length]).is_err());
        }
    }

    #[test]
    fn the_same_value_twice_looks_like_two() {
        let secret = Secret::random().unwrap();
        assert_ne!(
            secret.seal(&PLACE, b"").unwrap(),
            secret.seal(&PLACE, b"").unwrap()
        );
    }

    #[test]
    fn a_key_is_not_shown() {
        let secret = Secret::from_bytes(&[0x41; 32]).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert!(Secret::from_bytes(&[0; 31]).is_none());
    }
}
