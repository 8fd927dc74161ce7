//! The issuer's public keys (RFC 7517, 7518, 8037), and the one algorithm that each of them is good for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// Most keys of an issuer that are looked at.
const KEYS_MAX: usize = 100;
/// Sizes of an RSA modulus that are good enough, and that can be reckoned with in reasonable time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The algorithms of signatures that are accepted. No other, and never one that needs a shared secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    EdDsa,
    Es256,
    Rs256,
}

impl Algorithm {
    /// By its exact name: `none` has many spellings, these have one.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "EdDSA" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

/// A public key. Its kind decides the algorithm; what a token claims must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// A key of the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    id: Option<String>,
    public: Public,
}

/// The keys of the issuer that can be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<Value>,
}

impl KeySet {
    /// Reads a JWKS document. Keys that are of no use here (for encryption, of other kinds, too weak) are left out.
    pub(super) fn parse(document: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(document)
            .map_err(|error| format!("it is not a JWKS document: {error}"))?;
        if document.keys.len() > KEYS_MAX {
            return Err(format!("it has more than {KEYS_MAX} keys"));
        }
        let mut keys = Vec::new();
        for value in document.keys {
            let read = serde_json::from_value::<Jwk>(value)
                .map_err(|_| "it is not a JWK")
                .and_then(Key::read);
            match read {
                Ok(key) => keys.push(key),
                Err(why) => tracing::debug!(why, "a key of the issuer is left out"),
            }
        }
        if keys.is_empty() {
            tracing::warn!("the issuer has no key that can be used: no token is accepted");
        }
        Ok(Self(keys))
    }

    /// Whether a token that names this key, or none, can be looked at at all. A token may leave the name out only where
    /// there is nothing to choose.
    pub(super) fn knows(&self, id: Option<&str>) -> bool {
        match id {
            Some(_) => self.0.iter().any(|key| key.id.as_deref() == id),
            None => self.0.len() == 1,
        }
    }

    /// Whether a key of that name, made for that algorithm, has signed this.
    pub(super) fn proves(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> bool {
        self.knows(id)
            && self
                .0
                .iter()
                .filter(|key| id.is_none() || key.id.as_deref() == id)
                .filter(|key| key.public.algorithm() == algorithm)
                .any(|key| key.public.verify(signed, signature))
    }
}

impl Key {
    fn read(jwk: Jwk) -> Result<Self, &'static str> {
        if jwk.d.is_some() {
            return Err("it is a private key: whoever read it can sign; withdraw it");
        }
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err("it is not for signatures");
        }
        if let Some(operations) = &jwk.key_ops
            && !operations.iter().any(|operation| operation == "verify")
        {
            return Err("it is not for verifying");
        }
        let public = Public::read(&jwk)?;
        match jwk.alg.as_deref() {
            Some(alg) if Algorithm::named(alg) != Some(public.algorithm()) => {
                Err("its algorithm does not fit its kind, or is not allowed")
            }
            _ => Ok(Self {
                id: jwk.kid,
                public,
            }),
        }
    }
}

impl Public {
    fn read(jwk: &Jwk) -> Result<Self, &'static str> {
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => Ok(Self::Ed25519(fixed(jwk.x.as_deref())?)),
            ("EC", Some("P-256")) => {
                // The uncompressed point of SEC 1.
                let mut point = vec![4];
                point.extend(fixed(jwk.x.as_deref())?);
                point.extend(fixed(jwk.y.as_deref())?);
                Ok(Self::P256(point))
            }
            ("RSA", None) => {
                let (n, e) = (number(jwk.n.as_deref())?, number(jwk.e.as_deref())?);
                let leading = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
                if !RSA_BITS.contains(&(n.len() * 8 - leading)) {
                    return Err("its modulus is too short, or too long");
                }
                Ok(Self::Rsa { n, e })
            }
            _ => Err("it is of another kind"),
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }

    fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        let unparsed = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(signed, signature)
        };
        match self {
            Self::Ed25519(key) => unparsed(&ED25519, key),
            Self::P256(key) => unparsed(&ECDSA_P256_SHA256_FIXED, key),
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                signed,
                signature,
            ),
        }
        .is_ok()
    }
}

/// A coordinate of 32 bytes: both curves have the same size.
fn fixed(text: Option<&str>) -> Result<Vec<u8>, &'static str> {
    let bytes = decoded(text)?;
    if bytes.len() == 32 {
        Ok(bytes)
    } else {
        Err("a coordinate has not the size of its curve")
    }
}

/// A positive number, without the zeros that some issuers put before it.
fn number(text: Option<&str>) -> Result<Vec<u8>, &'static str> {
    let bytes = decoded(text)?;
    let start = bytes.iter().position(|byte| *byte != 0);
    start
        .map(|start| bytes[start..].to_vec())
        .ok_or("a number is zero")
}

fn decoded(text: Option<&str>) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD
        .decode(text.ok_or("a member is missing")?)
        .map_err(|_| "a member is not base64url")
}
