//! Whoever issues tokens here: for development, machine accounts, the demo and tests. A city has an issuer for its people.

use std::time::Duration;

use tempfile::TempDir;

use super::{
    Principal,
    claims::Claims,
    mint::{Minted, SigningKey},
    tokens::{Settings, Verifier},
};
use crate::{clock::Clock, error::Error};

/// A key, and what all its tokens say alike.
#[derive(Debug)]
pub struct Issuer {
    key: SigningKey,
    name: String,
    audience: String,
    claims: Claims,
    /// Where the public key of a passing one lies.
    _directory: Option<TempDir>,
}

impl Issuer {
    /// Whoever has this key and writes this `iss` and `aud`.
    #[must_use]
    pub fn new(key: SigningKey, name: &str, audience: &str, claims: &Claims) -> Self {
        Self {
            key,
            name: name.to_owned(),
            audience: audience.to_owned(),
            claims: claims.clone(),
            _directory: None,
        }
    }

    /// A new one that is gone when it is dropped, and who believes its tokens by this clock: for services that do not stay
    /// either.
    ///
    /// # Errors
    /// When there are no random numbers, or no room for temporary files.
    pub async fn passing(clock: &Clock) -> Result<(Self, Verifier), Error> {
        let key = SigningKey::generate()?;
        let room = |error: std::io::Error| Error::Fault(format!("no temporary files: {error}"));
        let directory = tempfile::tempdir().map_err(room)?;
        let jwks = directory.path().join("jwks.json");
        std::fs::write(&jwks, key.jwks(&[]).to_string()).map_err(room)?;
        let this = Self {
            _directory: Some(directory),
            ..Self::new(key, "https://passing.invalid", "motcua", &Claims::default())
        };
        let settings = Settings {
            jwks: jwks.display().to_string(),
            jwks_ca: None,
            issuer: this.name.clone(),
            audience: this.audience.clone(),
            claims: this.claims.clone(),
        };
        let verifier = Verifier::with_clock(settings, clock.clone()).await?;
        Ok((this, verifier))
    }

    /// A token for somebody, that counts from now on for so long.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it would say what no token may say.
    pub fn token(&self, principal: &Principal, lifetime: Duration) -> Result<String, Error> {
        self.key.mint(&Minted {
            principal,
            lifetime,
            issuer: &self.name,
            audience: &self.audience,
            claims: &self.claims,
        })
    }
}
