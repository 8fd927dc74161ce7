//! Bearer tokens: a JWT of the issuer that the configuration names, and the principal that it proves.
//!
//! What is accepted, and nothing else:
//! - EdDSA with Ed25519, ES256 and RS256 with at least 2,048 bits. The kind of the issuer's key decides which; what the
//!   token says of its algorithm must agree with it. There is no algorithm with a shared secret to be confused with;
//! - a header without `crit`, without another token inside, of type `JWT` or `at+jwt` if it has a type;
//! - this issuer, this audience (among others, maybe), an `exp` that lies ahead, an `iat` and `nbf` that do not, with a
//!   minute for clocks that differ. All are whole seconds;
//! - a life of 24 hours at most: a token cannot be taken back, so it has to end soon;
//! - claims without one twice.
//!
//! A token is taken apart here and verified by ring. The `jsonwebtoken` crate was looked at: its old line with ring
//! is not kept up any more, its present one would call cryptography that we had to write for it, process-wide.
//!
//! Whether a token is valid is a matter of transport: it is asked of the real time, also where the suite's own is moved.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    Principal, Unauthenticated,
    claims::Claims,
    jws::{Jws, object},
    keys::{Current, Keys},
    verified::Verified,
};
use crate::{clock::Clock, error::Error};

/// Largest token that is looked at. Bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Longest life of a token, from `iat` to `exp`.
pub const LIFETIME_MAX: SignedDuration = SignedDuration::from_hours(24);
/// How far the issuer's clock may be from ours.
const SKEW: SignedDuration = SignedDuration::from_mins(1);
/// How much of a name that a stranger chose is worth a line of the log. Characters.
const LOGGED_CHARS_MAX: usize = 64;

/// Whose tokens are accepted, and what they mean.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The issuer's public keys: the path of a JWKS document, or the https URL of one (http on loopback).
    pub jwks: String,
    /// CA certificates (PEM) to trust at that URL instead of the public ones: cities have their own.
    pub jwks_ca: Option<PathBuf>,
    /// `iss` of every token.
    pub issuer: String,
    /// What has to be in `aud`.
    pub audience: String,
    /// Where in a token what stands.
    pub claims: Claims,
}

/// Whom a token proves.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Who.
    pub principal: Arc<Principal>,
    /// Until when the token counts.
    pub until: Timestamp,
}

/// Verifies bearer tokens. Cheap to clone; all clones share keys and memory.
#[derive(Debug, Clone)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    audience: String,
    claims: Claims,
    clock: Clock,
    keys: Arc<Keys>,
    verified: Verified,
    /// When a refusal was last told to whoever reads the log. Seconds.
    told_at: AtomicI64,
}

/// Why a token proves nothing: for the log, which gets neither the token nor a claim of it.
struct Fault {
    why: &'static str,
    algorithm: String,
    key: String,
}

impl From<&'static str> for Fault {
    fn from(why: &'static str) -> Self {
        Self {
            why,
            algorithm: String::new(),
            key: String::new(),
        }
    }
}

impl Verifier {
    /// A verifier for one issuer. Reads the issuer's keys: a file has to be there; an address that does not answer yet is
    /// asked again when a token comes.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the settings cannot work, with the configuration key as the field.
    pub async fn open(settings: Settings) -> Result<Self, Error> {
        Self::with_clock(settings, Clock::system()).await
    }

    pub(super) async fn with_clock(settings: Settings, clock: Clock) -> Result<Self, Error> {
        for (key, value) in [
            ("token_issuer", &settings.issuer),
            ("token_audience", &settings.audience),
        ] {
            if value.is_empty() {
                return Err(Error::field(key, "is required"));
            }
        }
        let keys = Keys::new(&settings.jwks, settings.jwks_ca.as_deref(), clock.clone())?;
        let keys = Arc::new(keys);
        keys.start().await?;
        Ok(Self(Arc::new(Inner {
            issuer: settings.issuer,
            audience: settings.audience,
            claims: settings.claims,
            clock,
            keys,
            verified: Verified::default(),
            told_at: AtomicI64::new(0),
        })))
    }

    /// The clock that tokens expire by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whom a token proves.
    ///
    /// # Errors
    /// When it proves nobody; why, the log says.
    pub async fn verify(&self, token: &str) -> Result<Proof, Unauthenticated> {
        let this = &self.0;
        if token.len() > TOKEN_BYTES_MAX {
            this.log(&Fault::from("it is too long"));
            return Err(Unauthenticated);
        }
        let current = this.keys.current().await;
        let digest = Sha256::digest(token).into();
        if let Some(proof) = this
            .verified
            .get(&digest, current.generation, this.clock.now())
        {
            return Ok(proof);
        }
        match this.read(token, current).await {
            Ok(proved) => {
                let proof = Proof {
                    principal: Arc::new(proved.principal),
                    until: proved.until,
                };
                this.verified
                    .insert(digest, proved.generation, proof.clone());
                Ok(proof)
            }
            Err(fault) => {
                this.log(&fault);
                Err(Unauthenticated)
            }
        }
    }
}

#[cfg(test)]
impl Verifier {
    /// Forgets every token, so that the next one is verified.
    pub(super) fn forget(&self) {
        self.0.verified.clear();
    }

    /// Waits until nobody asks for keys any more.
    pub(super) async fn settled(&self) {
        self.0.keys.settled().await;
    }
}

/// What a token proves, for how long, and by which keys.
struct Proved {
    principal: Principal,
    until: Timestamp,
    generation: u64,
}

impl Inner {
    async fn read(&self, token: &str, current: Arc<Current>) -> Result<Proved, Fault> {
        let jws = Jws::take_apart(token)?;
        self.judge(&jws, current).await.map_err(|why| Fault {
            why,
            algorithm: jws.header.alg.chars().take(LOGGED_CHARS_MAX).collect(),
            key: jws
                .header
                .kid
                .iter()
                .flat_map(|kid| kid.chars())
                .take(LOGGED_CHARS_MAX)
                .collect(),
        })
    }

    async fn judge(
        &self,
        jws: &Jws<'_>,
        mut current: Arc<Current>,
    ) -> Result<Proved, &'static str> {
        let key = jws.header.kid.as_deref();
        if key.is_some() && !current.keys.knows(key) {
            current = self.keys.asked_for_unknown().await;
        }
        if !current.keys.knows(key) {
            return Err("its key is not the issuer's");
        }
        if !current
            .keys
            .proves(key, jws.algorithm, jws.signed, &jws.signature)
        {
            return Err("its signature is not of that key, or not by that key's algorithm");
        }
        let claims =
            object(&jws.payload).ok_or("its claims are not an object, or one is there twice")?;
        self.check_who(&claims)?;
        let until = check_when(&claims, self.clock.now())?;
        Ok(Proved {
            principal: self.claims.principal(&self.issuer, &claims)?,
            until,
            generation: current.generation,
        })
    }

    fn check_who(&self, claims: &Map<String, Value>) -> Result<(), &'static str> {
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err("it is of another issuer");
        }
        let ours = |audience: &Value| audience.as_str() == Some(&self.audience);
        let for_us = match claims.get("aud") {
            Some(Value::Array(audiences)) => {
                audiences.iter().all(Value::is_string) && audiences.iter().any(ours)
            }
            Some(audience) => ours(audience),
            None => false,
        };
        if for_us {
            Ok(())
        } else {
            Err("it is for another audience")
        }
    }

    /// Once a second for the operator, who may have a wrong issuer in the configuration; the others for whoever looks
    /// closer. Strangers decide how many there are.
    fn log(&self, fault: &Fault) {
        let now = self.clock.now().as_second();
        if self.told_at.swap(now, Ordering::Relaxed) == now {
            tracing::debug!(%fault, "a token is refused");
        } else {
            tracing::info!(%fault, "a token is refused");
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)?;
        if !self.algorithm.is_empty() {
            // Quoted, with control characters escaped: a stranger wrote them.
            write!(f, " (alg {:?}, kid {:?})", self.algorithm, self.key)?;
        }
        Ok(())
    }
}

/// Until when it counts.
fn check_when(claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, &'static str> {
    let expires = instant(claims, "exp")?.ok_or("it does not say when it expires")?;
    let issued = instant(claims, "iat")?;
    let begins = instant(claims, "nbf")?;
    let until = expires
        .checked_add(SKEW)
        .map_err(|_| "it expires at no time that there is")?;
    if until <= now {
        return Err("it has expired");
    }
    for at in [issued, begins].into_iter().flatten() {
        if at.duration_since(now) > SKEW {
            return Err("it does not count yet");
        }
    }
    let lifetime = expires.duration_since(issued.unwrap_or(now));
    if lifetime > LIFETIME_MAX {
        return Err("it lives for longer than a day");
    }
    if lifetime <= SignedDuration::ZERO && issued.is_some() {
        return Err("it expires before it was issued");
    }
    Ok(until)
}

/// An instant in whole seconds, if the claim is there.
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, &'static str> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let second = value.as_i64().filter(|second| *second >= 0);
    second
        .and_then(|second| Timestamp::from_second(second).ok())
        .map(Some)
        .ok_or("an instant is not one")
}
