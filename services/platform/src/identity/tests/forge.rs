//! What an issuer has, and what a forger tries.

use std::{path::PathBuf, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::{
    clock::{Clock, Hand},
    identity::{
        Principal, Unauthenticated,
        claims::Claims,
        tokens::{Settings, Verifier},
    },
};

pub(super) const ISSUER: &str = "https://login.example.vn/realms/city";
pub(super) const AUDIENCE: &str = "motcua";
/// 2025-07-01T00:00:00Z: in these tests it is always then, until a hand moves the clock. What openssl has signed below
/// counts from then on for 15 minutes.
pub(super) const NOW: i64 = 1_751_328_000;

/// The modulus of an RSA key whose private half was thrown away. ring makes no RSA keys; openssl made this one:
/// `openssl genrsa 2048`, and `openssl dgst -sha256 -sign` the token beneath.
pub(super) const RSA_2048: &str = "\
    sJ3ZB3eTD2VWHaKIxbBHH1r9ma8dW2LTTLpdIOO_sCmkOYVr6pPilX7u8OKBlqpkVEWQzcxNPeUm8lBACQ-BVCbWFgNO5A4LKzbR0vAU2Ek7L2\
    Kl1lcpQ5ZxfhjKYeIdKpJLGcwyohRESRhWOwDv7Pykikd9LS3-tOzmChLApXrXND-dNk7fKltiIOOSUsm7QP_FF5MPlWRMEuBMsAbLeaOpDp0y\
    UOOwRO5e_i0hPQ1VGBYeZQfxNeqEBhQMxJ0rEV9B_l3FjANigGfAciubTLwWSd7QLpXv1qj6TERU0kO20Gf_yL2GoIRXvZi_UjIMtbSeHyRKn8\
    DgBNCFFUOvkw";
pub(super) const RSA_2048_TOKEN: &str = "\
    eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InJzYS0yMDQ4In0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUudm4vcmVhbG\
    1zL2NpdHkiLCJhdWQiOiJtb3RjdWEiLCJzdWIiOiJvZmZpY2VyLTExNTkzLTIiLCJpYXQiOjE3NTEzMjgwMDAsImV4cCI6MTc1MTMyODkwMCwi\
    cmVhbG1fYWNjZXNzIjp7InJvbGVzIjpbIm9mZmljZXIiXX19.Q44nngznYaR9uaQ7VBkRJVkDPnGIBVpUCvBqPSrkCpNxCP6CNazeJZUiLUoP2\
    UEdUufsatsC5gLaoc1y-5siDEH8kR5_RiX2qTxhh4DSfMtObmAL8mXC6YocXPORmrOP-ZqSVsSw0GN_PVngkNuZrYrAcu40eMwL0SG9INoOLbF\
    WfumXce48_ZzG1LXxhssfOeYNbjIHyl9OQv3DQwWj5r9IK_58LqNP0ix8ljci8r7pHUloyOnbvYC-zVgmyxFtuQia3dmnQL6F58QL32JeeIS2S\
    -JhIp3-MwyEecRVEw56pN_55BRurxlt8hnwx_ABJW80-XB9Jw_pAZqHcW4-Hw";
/// The same claims by the same key, with PS256: `-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1`.
pub(super) const RSA_PS256_TOKEN: &str = "\
    eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InJzYS0yMDQ4In0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUudm4vcmVhbG\
    1zL2NpdHkiLCJhdWQiOiJtb3RjdWEiLCJzdWIiOiJvZmZpY2VyLTExNTkzLTIiLCJpYXQiOjE3NTEzMjgwMDAsImV4cCI6MTc1MTMyODkwMCwi\
    cmVhbG1fYWNjZXNzIjp7InJvbGVzIjpbIm9mZmljZXIiXX19.AzyebwD5CZcgueXPMCiOwzeYc4lr9v1GwbZhaSRl2QjJMAVa0N-T2jYQ3ODHb\
    qjY14xyqRVT_iA2U8YjZ-qwSXpXodED9cPaqM568sdF-33-fgEYL-cP8351enDpLwYWjB6xQ1J3A1usL2bCV42MWDm22w1FlZRYoFWyg6sdLOC\
    msrbKpQxHwq5SdGAOnk8boqhGIACTtGchBrCaHSDZdg2q4AaFP9Pxtd0tabjVLCiY-Z-BQNhLsOUIwUTpLvKQ_Lm_0aAGPP2jj5DbhJ8BXbAZ7\
    NsZ1tQ-TG892g2nIhZ1jFecHgsX3I6NZTJX5AhJwP40bK2Gzr3jYv8gkuyqCA";
/// A key that is too short, and a token whose signature is right.
pub(super) const RSA_1024: &str = "\
    qfkaIcR8o222JaHeSS3Aga8QDVBaQSr99dyWu2Tf-6rUwsK96s0Zc23n_Afd3E4rrdHfNgQfGjgaCVTih7eYo14X_srXVzsmYk-Q86Z9W0LEBL\
    WMv79GoKeP7fx9KBfUFwno3W4KfE3lSxSQEuImuScxtfVGcZzxtJceOwbjHf0";
pub(super) const RSA_1024_TOKEN: &str = "\
    eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InJzYS0xMDI0In0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUudm4vcmVhbG\
    1zL2NpdHkiLCJhdWQiOiJtb3RjdWEiLCJzdWIiOiJvZmZpY2VyLTExNTkzLTIiLCJpYXQiOjE3NTEzMjgwMDAsImV4cCI6MTc1MTMyODkwMCwi\
    cmVhbG1fYWNjZXNzIjp7InJvbGVzIjpbIm9mZmljZXIiXX19.buiz_uHhG7SP65JszFPHUs0i6W8EY9Ts4q1YMoaEkhkPyF0rVQAP1zMW5SOMy\
    2tjj-C91q5J0k-IgJ_45Erl1s7KT0OMUY0ZpfRnT4jRco85-xi2V4UIXr9GM-DkKmA4elRjSQQQnD4NbfxrzDgDrv_Ud8l5yRK75QeUYizuf50";

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An issuer with a key of each kind, and one key that it does not publish.
pub(super) struct Forge {
    pub(super) ed: Ed25519KeyPair,
    pub(super) ec: EcdsaKeyPair,
    pub(super) hidden: Ed25519KeyPair,
}

impl Forge {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let ed = || {
            let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
            Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()
        };
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self {
            ed: ed(),
            ec: EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap(),
            hidden: ed(),
        }
    }

    /// What it publishes.
    pub(super) fn jwks(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        json!({ "keys": [
            ed_jwk(&self.ed, "ed"),
            { "kty": "EC", "crv": "P-256", "kid": "ec", "x": b64(&point[1..33]), "y": b64(&point[33..]) },
            { "kty": "RSA", "kid": "rsa-2048", "n": RSA_2048, "e": "AQAB", "alg": "RS256", "use": "sig" },
            // None of these may be used.
            { "kty": "RSA", "kid": "rsa-1024", "n": RSA_1024, "e": "AQAB" },
            { "kty": "OKP", "crv": "Ed25519", "kid": "for-encryption", "use": "enc", "x": b64(self.ed.public_key()) },
            { "kty": "OKP", "crv": "Ed25519", "kid": "other-alg", "alg": "ES256", "x": b64(self.ed.public_key()) },
            { "kty": "OKP", "crv": "Ed25519", "kid": "for-wrapping", "key_ops": ["wrapKey"], "x": b64(self.ed.public_key()) },
            { "kty": "OKP", "crv": "Ed25519", "kid": "private", "d": "AAAA", "x": b64(self.ed.public_key()) },
            { "kty": "oct", "kid": "secret", "k": b64(b"secret") },
            { "kty": "EC", "crv": "P-521", "kid": "p-521", "x": "AA", "y": "AA" },
            "no key at all",
        ] })
    }

    /// A token of the Ed25519 key.
    pub(super) fn ed(&self, header: &Value, claims: &Value) -> String {
        self.ed_raw(header.to_string(), claims.to_string())
    }

    pub(super) fn ed_raw(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        token(header, claims, |signed| {
            self.ed.sign(signed).as_ref().to_vec()
        })
    }

    /// A token of the P-256 key.
    pub(super) fn ec(&self, header: &Value, claims: &Value) -> String {
        token(header.to_string(), claims.to_string(), |signed| {
            let signature = self.ec.sign(&SystemRandom::new(), signed).unwrap();
            signature.as_ref().to_vec()
        })
    }

    /// A token with a shared secret.
    pub(super) fn hmac(header: &Value, claims: &Value, secret: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        token(header.to_string(), claims.to_string(), |signed| {
            hmac::sign(&key, signed).as_ref().to_vec()
        })
    }
}

pub(super) fn ed_jwk(pair: &Ed25519KeyPair, id: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "alg": "EdDSA", "x": b64(pair.public_key()) })
}

pub(super) fn token(
    header: impl AsRef<[u8]>,
    claims: impl AsRef<[u8]>,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let signed = format!("{}.{}", b64(header), b64(claims));
    let signature = b64(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A header that is right for the Ed25519 key.
pub(super) fn header() -> Value {
    json!({ "alg": "EdDSA", "typ": "JWT", "kid": "ed" })
}

/// Claims that are right.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "officer-11593-2", "iat": NOW, "nbf": NOW, "exp": NOW + 900,
        "realm_access": { "roles": ["officer"] },
    })
}

/// The value with one more member, or another one in its place.
pub(super) fn with(mut value: Value, name: &str, member: impl Into<Value>) -> Value {
    value[name] = member.into();
    value
}

/// The value without that member.
pub(super) fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}

/// A verifier of that issuer's tokens, in a world where it is [`NOW`].
pub(super) struct World {
    pub(super) verifier: Verifier,
    pub(super) hand: Hand,
    second: i64,
    directory: Option<tempfile::TempDir>,
}

impl World {
    /// With the keys in a file.
    pub(super) async fn of(jwks: &Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("jwks.json");
        std::fs::write(&file, jwks.to_string()).unwrap();
        let mut world = Self::at(file.to_str().unwrap(), None).await;
        world.directory = Some(directory);
        world
    }

    /// With the keys somewhere.
    pub(super) async fn at(jwks: &str, jwks_ca: Option<PathBuf>) -> Self {
        let (clock, hand) = Clock::simulated(at(NOW));
        let settings = Settings {
            jwks: jwks.to_owned(),
            jwks_ca,
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            claims: Claims::default(),
        };
        Self {
            verifier: Verifier::with_clock(settings, clock).await.unwrap(),
            hand,
            second: NOW,
            directory: None,
        }
    }

    pub(super) async fn verify(&self, token: &str) -> Result<Arc<Principal>, Unauthenticated> {
        self.verifier
            .verify(token)
            .await
            .map(|proof| proof.principal)
    }

    /// Some time passes.
    pub(super) fn pass(&mut self, seconds: i64) -> i64 {
        self.second += seconds;
        self.hand.set(at(self.second));
        self.second
    }

    /// The file is replaced by another one.
    pub(super) fn publish(&self, jwks: &str) {
        let directory = self.directory.as_ref().unwrap().path();
        std::fs::write(directory.join("next"), jwks).unwrap();
        std::fs::rename(directory.join("next"), directory.join("jwks.json")).unwrap();
    }
}

/// Claims that are right at that second.
pub(super) fn claims_at(second: i64) -> Value {
    let claims = with(claims(), "iat", second);
    with(with(claims, "nbf", second), "exp", second + 900)
}
