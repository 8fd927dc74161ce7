//! `motcua jwks`: the key of the development issuer.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Subcommand;

use crate::{Failed, config::Config, secrets::Secrets};

/// What to do with the key that signs tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key for tokens, and the document of its public half.
    Init {
        /// The directory of the secrets; the configured one if not given.
        directory: Option<PathBuf>,
        /// Make a new key where there is one. The tokens of the one before it count until they expire.
        #[arg(long)]
        rotate: bool,
    },
    /// Print the public keys, for whoever verifies tokens.
    Show,
}

pub(crate) fn run(config: &Config, command: Command) -> Result<ExitCode, Failed> {
    match command {
        Command::Init { directory, rotate } => {
            let secrets = Secrets::open(directory.as_deref().unwrap_or(&config.secrets))?;
            let key = if rotate {
                secrets.rotate_token_key()?
            } else {
                let (key, made) = secrets.ensure_token_key()?;
                if !made {
                    return Err(Failed::new(format!(
                        "{} is there already; --rotate makes a new key and keeps the old one's tokens good",
                        secrets.token_key().display()
                    )));
                }
                key
            };
            println!("{}: signs as {}", secrets.token_key().display(), key.id());
            println!("{}: what verifies it", secrets.jwks().display());
        }
        Command::Show => {
            let file = Secrets::open(&config.secrets)?.jwks();
            let text = fs::read_to_string(&file).map_err(|error| {
                Failed::new(format!(
                    "{}: {error}; `motcua jwks init` makes it",
                    file.display()
                ))
            })?;
            print!("{text}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
