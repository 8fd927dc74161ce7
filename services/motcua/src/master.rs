//! The master key that the configuration names: in a file among the secrets, or held by a service.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use motcua_platform::vault::{Master, MasterFile, MasterService};

use crate::{Failed, config::Config};

/// Environment variable with the token for a master key in a service.
const TOKEN: &str = "MOTCUA_KMS_TOKEN";

/// Where the master key lies, unless it is a service that holds it.
pub(crate) fn path(config: &Config) -> PathBuf {
    if config.master_key.is_empty() {
        config.secrets.join("master.key")
    } else {
        PathBuf::from(&config.master_key)
    }
}

/// The master key that is configured.
pub(crate) fn open(config: &Config) -> Result<Arc<dyn Master>, Failed> {
    if config.master_key.contains("://") {
        let token = std::env::var(TOKEN).unwrap_or_default();
        let ca = &config.master_key_ca;
        let roots = if ca.as_os_str().is_empty() {
            None
        } else {
            let wrong = |error| Failed::new(format!("master_key_ca: {}: {error}", ca.display()));
            Some(fs::read(ca).map_err(wrong)?)
        };
        let service =
            MasterService::new(&config.master_key, &token, roots.as_deref()).map_err(failed)?;
        return Ok(Arc::new(service));
    }
    Ok(Arc::new(MasterFile::open(&path(config)).map_err(failed)?))
}

/// Makes a master key in a file.
pub(crate) fn make(path: &Path) -> Result<(), Failed> {
    if let Some(directory) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    MasterFile::create(path).map_err(failed)?;
    Ok(())
}

/// Makes what is missing, for a suite with a private PostgreSQL of its own.
pub(crate) fn make_missing(config: &Config) -> Result<(), Failed> {
    let path = self::path(config);
    if config.master_key.is_empty() && !path.exists() {
        make(&path)?;
        tracing::warn!(path = %path.display(), "a master key was made: without it the data cannot be read again");
    }
    Ok(())
}

/// With its causes.
pub(crate) fn failed(error: motcua_platform::vault::Error) -> Failed {
    match error {
        motcua_platform::vault::Error::Database(error) => {
            motcua_platform::error::Error::from(error).into()
        }
        error => Failed::new(error.to_string()),
    }
}
