//! A compact JWS taken apart (RFC 7515): three parts, a header of the few words that are understood, nothing else.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};
use serde_json::{Map, Value};

use super::jwks::Algorithm;

/// A token in its parts. Nothing of it is proved yet.
pub(super) struct Jws<'a> {
    pub(super) header: Header,
    pub(super) algorithm: Algorithm,
    /// What the signature is over.
    pub(super) signed: &'a [u8],
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// What a header says. A key that it brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) is not even read: keys come
/// from the issuer's document alone.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    cty: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
}

/// Whatever the value is, also null: it is there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Jws<'a> {
    /// Takes a token apart, or says why it is none.
    pub(super) fn take_apart(token: &'a str) -> Result<Self, &'static str> {
        let (signed, signature) = token.rsplit_once('.').ok_or("it has no three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("it has no three parts")?;
        // The alphabet has no dot: a fourth part fails here.
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part);
        let header = decoded(header).map_err(|_| "the header is not base64url")?;
        let payload = decoded(payload).map_err(|_| "the payload is not base64url")?;
        let signature = decoded(signature).map_err(|_| "the signature is not base64url")?;
        if signature.is_empty() {
            return Err("it is not signed");
        }
        let header: Header = object(&header)
            .and_then(|header| serde_json::from_value(Value::Object(header)).ok())
            .ok_or("the header is not what a JWT has")?;
        let algorithm = header.check()?;
        Ok(Self {
            header,
            algorithm,
            signed: signed.as_bytes(),
            payload,
            signature,
        })
    }
}

impl Header {
    fn check(&self) -> Result<Algorithm, &'static str> {
        if self.crit || self.b64 || self.zip {
            return Err("the header asks for what is not understood");
        }
        if self.cty {
            return Err("it holds another token");
        }
        if let Some(typ) = &self.typ {
            // RFC 7515 lets the prefix be left out; RFC 9068 names access tokens.
            let typ = typ.to_ascii_lowercase();
            let typ = typ.strip_prefix("application/").unwrap_or(&typ);
            if !matches!(typ, "jwt" | "at+jwt") {
                return Err("it is not an access token by its type");
            }
        }
        Algorithm::named(&self.alg).ok_or("its algorithm is not allowed")
    }
}

/// A JSON object in which no name is there twice, and which is not deep. RFC 7519 lets readers take the last of two; then
/// two readers may differ.
pub(super) fn object(json: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(json)
        .ok()
        .map(|Object(members)| members)
}

struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(de::Error::custom("a name is there twice"));
                    }
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}
