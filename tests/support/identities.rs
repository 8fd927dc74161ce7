//! Who may act: a directory of secrets for all tests of the process, and a token for each who acts.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use motcua_platform::identity::{
    Kinds, Principal,
    claims::Claims,
    issuer::Issuer,
    mint::{LIFETIME, SigningKey},
};
use motcua_platform::vault::MasterFile;
use motcua_proto::r#type::v1::Role;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::process::motcua;

/// What the software's own issuer says; `motcua.default.toml` has the same.
const ISSUER: &str = "https://motcua.localhost";
const AUDIENCE: &str = "motcua";

/// What a suite is given to know people and itself by.
#[derive(Debug)]
pub(crate) struct Identities {
    directory: TempDir,
    issuer: Issuer,
    certificates: OnceCell<PathBuf>,
}

impl Identities {
    /// Those of the process.
    pub(crate) fn get() -> &'static Self {
        static IDENTITIES: OnceLock<Identities> = OnceLock::new();
        IDENTITIES.get_or_init(|| {
            let directory = tempfile::tempdir().expect("a directory");
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700))
                .expect("a directory of our own");
            let key = SigningKey::generate().expect("random numbers");
            key.save(&directory.path().join("token-key.pem"))
                .expect("a key can be written");
            fs::write(
                directory.path().join("jwks.json"),
                key.jwks(&[]).to_string(),
            )
            .expect("its public half can be written");
            MasterFile::create(&directory.path().join("master.key")).expect("a master key");
            Self {
                directory,
                issuer: Issuer::new(key, ISSUER, AUDIENCE, &Claims::default()),
                certificates: OnceCell::new(),
            }
        })
    }

    /// For `MOTCUA_SECRETS`.
    pub(crate) fn secrets(&self) -> &Path {
        self.directory.path()
    }

    /// For `MOTCUA_CERTIFICATES`: services that are apart know each other by these.
    pub(crate) async fn certificates(&self) -> &Path {
        self.certificates
            .get_or_init(|| async {
                let directory = self.directory.path().join("certificates");
                let path = directory.to_str().expect("UTF-8");
                let made = motcua(&["certs", "init", path], &[]).await;
                assert!(made.ok, "{made:?}");
                directory
            })
            .await
    }

    /// What somebody shows.
    pub(crate) fn token(&self, id: &str, role: Role, agencies: &[&str]) -> String {
        let principal = Principal {
            kinds: Kinds::All,
            ..Principal::of(id, &[role], agencies)
        };
        self.token_of(&principal)
    }

    /// What this principal shows.
    pub(crate) fn token_of(&self, principal: &Principal) -> String {
        self.issuer.token(principal, LIFETIME).expect("a token")
    }
}
