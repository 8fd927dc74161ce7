//! Who issues tokens to whomever a test needs.

use std::collections::BTreeSet;

use motcua_platform::identity::{
    Agencies, Kinds, Principal,
    claims::Claims,
    mint::{LIFETIME, Minted, SigningKey},
    tokens::{Settings, Verifier},
};
use motcua_proto::r#type::v1::Role;
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "motcua-test";

pub(crate) struct Issuer {
    key: SigningKey,
    claims: Claims,
    verifier: Verifier,
    /// Where its public key lies.
    _directory: TempDir,
}

impl Issuer {
    pub(crate) async fn open() -> Self {
        let key = SigningKey::generate().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let jwks = directory.path().join("jwks.json");
        std::fs::write(&jwks, key.jwks(&[]).to_string()).unwrap();
        let settings = Settings {
            jwks: jwks.to_str().unwrap().to_owned(),
            jwks_ca: None,
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            claims: Claims::default(),
        };
        Self {
            key,
            claims: Claims::default(),
            verifier: Verifier::open(settings).await.unwrap(),
            _directory: directory,
        }
    }

    pub(crate) fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// A token of somebody with these roles at these agencies.
    pub(crate) fn token(&self, id: &str, roles: &[Role], agencies: &[&str]) -> String {
        let principal = Principal {
            id: id.to_owned(),
            roles: roles.to_vec(),
            agencies: Agencies::Some(agencies.iter().map(|&agency| agency.to_owned()).collect()),
            groups: Vec::new(),
            kinds: Kinds::Some(BTreeSet::new()),
        };
        let minted = Minted {
            principal: &principal,
            lifetime: LIFETIME,
            issuer: ISSUER,
            audience: AUDIENCE,
            claims: &self.claims,
        };
        self.key.mint(&minted).unwrap()
    }
}
