//! Where certificates lie, and reading them whole.

use std::{
    fmt,
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{Error, material::Material};

/// Longest file that is read. Bytes; a certificate has about a thousand.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Permissions of everybody but the owner.
const OTHERS: u32 = 0o077;

/// What the files held, for telling whether they have changed.
pub(super) type Digest = [u8; 32];

/// Where certificates lie.
#[derive(Debug, Clone)]
pub(super) struct Place {
    authority: PathBuf,
    own: Option<Own>,
}

/// Where a service's own certificate lies.
#[derive(Debug, Clone)]
struct Own {
    service: &'static str,
    certificate: PathBuf,
    key: PathBuf,
}

impl Place {
    pub(super) fn service(directory: &Path, service: &'static str) -> Self {
        Self {
            authority: directory.join("ca.pem"),
            own: Some(Own {
                service,
                certificate: directory.join(format!("{service}.pem")),
                key: directory.join(format!("{service}.key")),
            }),
        }
    }

    pub(super) fn authority(ca: &Path) -> Self {
        Self {
            authority: ca.to_owned(),
            own: None,
        }
    }

    /// What the files hold now.
    pub(super) fn load(&self) -> Result<(Digest, Material), Error> {
        self.read()?.material()
    }

    /// What the files hold now, unless it is what was seen already.
    pub(super) fn load_if_not(&self, seen: Digest) -> Result<Option<(Digest, Material)>, Error> {
        let contents = self.read()?;
        if contents.digest() == seen {
            return Ok(None);
        }
        contents.material().map(Some)
    }

    fn read(&self) -> Result<Contents<'_>, Error> {
        Ok(Contents {
            place: self,
            authority: read(&self.authority, false)?,
            own: match &self.own {
                // The key first, as it is written first: whoever reads both within a renewal gets the new key and the
                // old certificate at worst, which is noticed.
                Some(own) => {
                    let key = read(&own.key, true)?;
                    Some((read(&own.certificate, false)?, key))
                }
                None => None,
            },
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self
            .own
            .as_ref()
            .map_or(&self.authority, |own| &own.certificate);
        write!(f, "{}", file.display())
    }
}

/// What the files of a place hold.
struct Contents<'a> {
    place: &'a Place,
    authority: Vec<u8>,
    own: Option<(Vec<u8>, Vec<u8>)>,
}

impl Contents<'_> {
    fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        let (certificate, key) = self
            .own
            .as_ref()
            .map_or((&[][..], &[][..]), |(certificate, key)| (certificate, key));
        for part in [&self.authority[..], certificate, key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn material(&self) -> Result<(Digest, Material), Error> {
        let authority = Material::authority(&self.place.authority, &self.authority)?;
        let material = match (&self.place.own, &self.own) {
            (Some(own), Some((certificate, key))) => Material::of_service(
                authority,
                own.service,
                (&own.certificate, certificate),
                (&own.key, key),
            )?,
            _ => Material::without_certificate(authority)?,
        };
        Ok((self.digest(), material))
    }
}

fn read(file: &Path, secret: bool) -> Result<Vec<u8>, Error> {
    let unreadable = |why: std::io::Error| Error::Unreadable {
        file: file.to_owned(),
        why: why.to_string(),
    };
    let opened = File::open(file).map_err(unreadable)?;
    let mode = opened.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
    if secret && mode & OTHERS != 0 {
        return Err(Error::Exposed {
            file: file.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::new();
    opened
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}
