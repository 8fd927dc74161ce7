//! An issuer of our own, for development, tests and machine accounts: a key, its public half, and short-lived tokens.
//!
//! Deliberately not here: people's passwords. A city has an issuer for its people.

use std::{
    fmt, fs,
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use motcua_proto::r#type::v1::Role;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Principal,
    claims::{Claims, may_be_shown},
    tokens::{LIFETIME_MAX, TOKEN_BYTES_MAX},
};
use crate::{clock::Clock, error::Error};

/// How long a token lives unless somebody says otherwise.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// What a file with a private key is called inside.
const PEM_TAG: &str = "PRIVATE KEY";

/// A private Ed25519 key that signs tokens.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    pkcs8: Vec<u8>,
    id: String,
}

/// What a token says.
#[derive(Debug, Clone, Copy)]
pub struct Minted<'a> {
    /// Whom it proves. Its id must be one that may be shown.
    pub principal: &'a Principal,
    /// How long. [`LIFETIME`] unless there is a reason, [`LIFETIME_MAX`] at most.
    pub lifetime: Duration,
    /// `iss`.
    pub issuer: &'a str,
    /// `aud`.
    pub audience: &'a str,
    /// Where what stands: that of the verifier.
    pub claims: &'a Claims,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, Error> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| Error::Fault("the system gives no random numbers".to_owned()))?;
        Self::from_pkcs8(pkcs8.as_ref().to_vec())
            .ok_or_else(|| Error::Fault("a new key cannot be read".to_owned()))
    }

    /// The key in a file: PKCS#8 in PEM, as [`Self::save`] or `openssl genpkey -algorithm ed25519` write it.
    ///
    /// # Errors
    /// When there is none, or when others than its owner may read it.
    pub fn open(file: &Path) -> Result<Self, Error> {
        let wrong = |why: String| Error::field("secrets", format!("{}: {why}", file.display()));
        let mode = fs::metadata(file)
            .map_err(|error| wrong(error.to_string()))?
            .mode();
        if mode & 0o077 != 0 {
            return Err(wrong(format!(
                "others may read the key (mode {:o}); chmod 600 it",
                mode & 0o777
            )));
        }
        let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        pem::parse(text)
            .ok()
            .filter(|pem| pem.tag() == PEM_TAG)
            .and_then(|pem| Self::from_pkcs8(pem.into_contents()))
            .ok_or_else(|| wrong("is not an Ed25519 key (PKCS#8 in PEM)".to_owned()))
    }

    /// Writes the key to a file that only its owner can read, in place of one that may be there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, file: &Path) -> std::io::Result<()> {
        let text = pem::encode(&pem::Pem::new(PEM_TAG, self.pkcs8.as_slice()));
        write_private(file, text.as_bytes())
    }

    fn from_pkcs8(pkcs8: Vec<u8>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).ok()?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        // RFC 7638, with the members of RFC 8037, in their order and without a space.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical));
        Some(Self { pair, pkcs8, id })
    }

    /// Its name: the thumbprint of RFC 7638.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its public half, as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(self.pair.public_key()),
            "kid": self.id,
            "use": "sig",
            "alg": "EdDSA",
        })
    }

    /// A document of this key and of those before it whose tokens still count.
    #[must_use]
    pub fn jwks(&self, before: &[Value]) -> Value {
        let mut keys = vec![self.jwk()];
        keys.extend_from_slice(before);
        json!({ "keys": keys })
    }

    /// Makes a token that counts from now on.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it would say what no token may say.
    pub fn mint(&self, minted: &Minted<'_>) -> Result<String, Error> {
        self.mint_at(minted, Clock::system().now())
    }

    pub(super) fn mint_at(&self, minted: &Minted<'_>, now: Timestamp) -> Result<String, Error> {
        let principal = minted.principal;
        if !may_be_shown(&principal.id) {
            return Err(Error::field(
                "principal",
                "must be an id of letters, digits, dots, hyphens and underscores, 100 at most, and nobody's number",
            ));
        }
        for role in &principal.roles {
            if !minted.claims.role_names.values().any(|known| known == role) {
                return Err(Error::field(
                    "role",
                    match role {
                        Role::Service => "a token cannot make anybody a service",
                        _ => "has no name in `claims.role_names`",
                    },
                ));
            }
        }
        let seconds = i64::try_from(minted.lifetime.as_secs()).unwrap_or(i64::MAX);
        if !(1..=LIFETIME_MAX.as_secs()).contains(&seconds) {
            return Err(Error::field(
                "lifetime",
                "must be a second at least and 24 hours at most",
            ));
        }
        let mut claims = minted.claims.describe(principal);
        let issued = now.as_second();
        for (name, value) in [
            ("iss", json!(minted.issuer)),
            ("aud", json!(minted.audience)),
            ("iat", json!(issued)),
            ("exp", json!(issued + seconds)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let token = self.sign(
            &json!({ "typ": "JWT", "alg": "EdDSA", "kid": self.id }),
            &Value::Object(claims),
        );
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::field(
                "agency",
                "these are too many for a token; an account that acts for so many acts for all",
            ));
        }
        Ok(token)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// Writes a file that only its owner can read, whole or not at all, in place of one that may be there.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = file.with_extension("draft");
    // A draft that a crash left may have other rights.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut open = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    open.write_all(content)?;
    open.sync_all()?;
    fs::rename(&draft, file)
}
