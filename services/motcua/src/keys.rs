//! `motcua keys`: the keys that personal data are sealed with.

use std::{process::ExitCode, sync::Arc, time::Duration};

use motcua_platform::{
    clock::Clock,
    database::Base,
    vault::{Master, MasterFile, Vault},
};

use crate::{
    Failed,
    config::Config,
    feed::Service as Name,
    master::{self, failed},
};

/// A key of an agency that was renewed less long ago is not renewed again, and goes once its successor is older.
const RENEWED_BEFORE: Duration = Duration::from_secs(3600);

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make the master key, in a file that only its owner can read. Never writes over one.
    Init,
    /// Wrap all keys anew with a new master key, without stopping anything. The old one stays in the file until the next
    /// rotation: the copies of the databases that were made before need it.
    Rotate {
        /// Renew the keys of the agencies too, and wrap every person's key anew.
        #[arg(long)]
        agency_keys: bool,
    },
    /// Show which generations of the master key are in use, and how many keys there are.
    Status,
}

pub(crate) async fn run(config: &Config, command: Command) -> Result<ExitCode, Failed> {
    match command {
        Command::Init => {
            let path = master::path(config);
            master::make(&path)?;
            println!(
                "{}: the master key. Keep a copy apart from the copies of the databases.",
                path.display()
            );
        }
        Command::Rotate { agency_keys } => rotate(config, agency_keys).await?,
        Command::Status => {
            for (name, vault) in vaults(config, &master::open(config)?).await? {
                let status = vault.status().await.map_err(failed)?;
                let by_master: Vec<_> = status
                    .by_master
                    .iter()
                    .map(|(generation, keys)| format!("{keys} by generation {generation}"))
                    .collect();
                println!(
                    "{name}: keys wrapped by the master: {}; persons: {}, of an older key of their agency: {}, destroyed: {}",
                    by_master.join(", "),
                    status.persons + status.outdated,
                    status.outdated,
                    status.destroyed,
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn rotate(config: &Config, agency_keys: bool) -> Result<(), Failed> {
    if config.master_key.contains("://") {
        // The service makes its generations itself.
        let service = master::open(config)?;
        return rewrap(&vaults(config, &service).await?, agency_keys).await;
    }
    let file = Arc::new(MasterFile::open(&master::path(config)).map_err(failed)?);
    let master: Arc<dyn Master> = file.clone();
    let vaults = vaults(config, &master).await?;
    let generations = file.generations().map_err(failed)?;
    let newest = generations.first().copied().unwrap_or_default().to_string();
    let mut older_in_use = false;
    for (_, vault) in &vaults {
        let status = vault.status().await.map_err(failed)?;
        older_in_use |= status
            .by_master
            .iter()
            .any(|(generation, _)| *generation != newest);
    }
    if older_in_use {
        println!("a rotation to generation {newest} was interrupted: it is finished");
    } else {
        if generations.len() > 1 {
            file.retire().map_err(failed)?;
            println!("older generations than {newest} are gone: nothing here was wrapped by them");
        }
        let made = file.rotate().map_err(failed)?;
        println!("generation {made} of the master key was made: keep a copy");
    }
    rewrap(&vaults, agency_keys).await
}

async fn rewrap(vaults: &[(&str, Vault)], agency_keys: bool) -> Result<(), Failed> {
    for (name, vault) in vaults {
        let rotated = vault.rotate_master().await.map_err(failed)?;
        println!(
            "{name}: {} key(s) wrapped by the newest master",
            rotated.by_master
        );
        if agency_keys {
            let rotated = vault
                .rotate_agency_keys(RENEWED_BEFORE)
                .await
                .map_err(failed)?;
            println!(
                "{name}: {} agency key(s) renewed, {} person(s) wrapped anew, {} old agency key(s) dropped",
                rotated.renewed, rotated.by_agency, rotated.dropped,
            );
        }
    }
    Ok(())
}

async fn vaults(
    config: &Config,
    master: &Arc<dyn Master>,
) -> Result<Vec<(&'static str, Vault)>, Failed> {
    if config.database_url.is_empty() {
        return Err(Failed::new(
            "DATABASE_URL (or database_url in the configuration) is needed: the keys lie in the databases",
        ));
    }
    let base: Base = config.database_url.parse()?;
    let mut vaults = Vec::new();
    // Statistics holds nothing personal, and opens its vault all the same: its keys must fit too.
    for name in Name::ALL {
        let vault = Vault::open(
            Arc::clone(master),
            &base.service(name.name()),
            &Clock::system(),
        )
        .await
        .map_err(failed)?;
        vaults.push((name.name(), vault));
    }
    Ok(vaults)
}
