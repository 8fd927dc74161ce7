//! Why certificates cannot be used, and what to do about it.

use std::path::PathBuf;

/// Why certificates cannot be used. Each names the file and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file is not there, or not for us.
    #[error("{} cannot be read ({why}); `motcua certs init {}` makes what is missing", file.display(), directory(file))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A private key that other users of the machine can read proves nothing.
    #[error("{} can be read by others (mode {mode:04o}); close it with `chmod 600 {}`", file.display(), file.display())]
    Exposed {
        /// The key's file.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file does not hold what its name says.
    #[error("{} cannot be used: {why}; `motcua certs init {}` makes certificates", file.display(), directory(file))]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A certificate and a private key that do not belong together.
    #[error("{} does not belong to {}; `motcua certs init {}` makes both anew", key.display(), certificate.display(), directory(key))]
    Mismatched {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Nobody would accept the certificate.
    #[error("{} is not of the authority in {} ({why}); `motcua certs init {}` makes it anew", certificate.display(), authority.display(), directory(certificate))]
    Foreign {
        /// The certificate's file.
        certificate: PathBuf,
        /// The authority's file.
        authority: PathBuf,
        /// What verification says.
        why: String,
    },
    /// The certificate is somebody else's.
    #[error("{} does not name {name}; `motcua certs init {}` makes one that does", certificate.display(), directory(certificate))]
    Misnamed {
        /// The certificate's file.
        certificate: PathBuf,
        /// The name that it should bear.
        name: String,
    },
}

fn directory(file: &std::path::Path) -> String {
    file.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or_else(|| ".".to_owned(), |parent| parent.display().to_string())
}
