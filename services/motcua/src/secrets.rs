//! The directory where everything secret lies: made for its owner alone, and every file in it too.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use motcua_platform::identity::mint::{SigningKey, write_private};
use serde_json::Value;

use crate::Failed;

/// The directory of the secrets.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    directory: PathBuf,
}

impl Secrets {
    /// The secrets in a directory, which is made when something is put there. One that others may look into is refused.
    pub(crate) fn open(directory: &Path) -> Result<Self, Failed> {
        match fs::metadata(directory) {
            Ok(there) if !there.is_dir() => Err(Failed::new(format!(
                "secrets: {} is not a directory",
                directory.display()
            ))),
            Ok(there) if there.mode() & 0o077 != 0 => Err(Failed::new(format!(
                "secrets: others may look into {} (mode {:o}); chmod 700 it",
                directory.display(),
                there.mode() & 0o777
            ))),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failed::new(format!(
                "secrets: {}: {error}",
                directory.display()
            ))),
            _ => Ok(Self {
                directory: directory.to_owned(),
            }),
        }
    }

    /// The private key of the development issuer.
    pub(crate) fn token_key(&self) -> PathBuf {
        self.directory.join("token-key.pem")
    }

    /// Its public half, and that of the key before it.
    pub(crate) fn jwks(&self) -> PathBuf {
        self.directory.join("jwks.json")
    }

    /// The key that signs tokens, if there is one.
    pub(crate) fn signing_key(&self) -> Result<Option<SigningKey>, Failed> {
        let file = self.token_key();
        if !exists(&file)? {
            return Ok(None);
        }
        Ok(Some(SigningKey::open(&file)?))
    }

    /// The key that signs tokens. Makes what is missing of it and its public half; true where something was made.
    pub(crate) fn ensure_token_key(&self) -> Result<(SigningKey, bool), Failed> {
        let (key, made) = match self.signing_key()? {
            Some(key) => (key, false),
            None => {
                self.make()?;
                let key = SigningKey::generate()?;
                self.put(&self.token_key(), |file| key.save(file))?;
                (key, true)
            }
        };
        if !made && exists(&self.jwks())? {
            return Ok((key, false));
        }
        self.publish(&key.jwks(&[]))?;
        Ok((key, true))
    }

    /// A new key that signs from now on. The one before it is still published, so that its tokens count until they
    /// expire; the one before that is not. Twice in a row, then, makes every token useless that was ever made.
    pub(crate) fn rotate_token_key(&self) -> Result<SigningKey, Failed> {
        let (before, _) = self.ensure_token_key()?;
        let key = SigningKey::generate()?;
        // Published first: whoever verifies must know it before the first token comes.
        self.publish(&key.jwks(&[before.jwk()]))?;
        self.put(&self.token_key(), |file| key.save(file))?;
        Ok(key)
    }

    fn publish(&self, document: &Value) -> Result<(), Failed> {
        let text = format!("{document:#}\n");
        self.put(&self.jwks(), |file| write_private(file, text.as_bytes()))
    }

    fn put(
        &self,
        file: &Path,
        write: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<(), Failed> {
        write(file).map_err(|error| Failed::new(format!("secrets: {}: {error}", file.display())))
    }

    fn make(&self) -> Result<(), Failed> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(|error| Failed::new(format!("secrets: {}: {error}", self.directory.display())))
    }
}

fn exists(file: &Path) -> Result<bool, Failed> {
    file.try_exists()
        .map_err(|error| Failed::new(format!("secrets: {}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn ids(secrets: &Secrets) -> Vec<String> {
        let text = fs::read_to_string(secrets.jwks()).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let keys = document["keys"].as_array().unwrap();
        keys.iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn what_is_missing_is_made_once_and_for_the_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(&directory.path().join("a/secrets")).unwrap();
        assert!(secrets.signing_key().unwrap().is_none());
        let (key, made) = secrets.ensure_token_key().unwrap();
        assert!(made);
        for (path, mode) in [
            (secrets.directory.clone(), 0o700),
            (secrets.token_key(), 0o600),
            (secrets.jwks(), 0o600),
        ] {
            let there = fs::metadata(&path).unwrap().mode() & 0o777;
            assert_eq!(there, mode, "{}", path.display());
        }
        let (same, made) = secrets.ensure_token_key().unwrap();
        assert!(!made && same.id() == key.id());
        fs::remove_file(secrets.jwks()).unwrap();
        assert!(secrets.ensure_token_key().unwrap().1);
        assert_eq!(ids(&secrets), [key.id()]);
    }

    #[test]
    fn a_rotated_key_is_published_beside_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(&directory.path().join("secrets")).unwrap();
        let first = secrets.ensure_token_key().unwrap().0;
        let second = secrets.rotate_token_key().unwrap();
        assert_eq!(ids(&secrets), [second.id(), first.id()]);
        let third = secrets.rotate_token_key().unwrap();
        assert_eq!(ids(&secrets), [third.id(), second.id()]);
        let signs = secrets.signing_key().unwrap().unwrap();
        assert_eq!(signs.id(), third.id());
    }

    #[test]
    fn a_directory_that_others_look_into_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o750)).unwrap();
        let error = Secrets::open(directory.path()).unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Secrets::open(&file).is_err());
    }
}
