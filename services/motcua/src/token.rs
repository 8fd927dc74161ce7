//! `motcua token`: a token of the development issuer, for a machine account or for trying something.

use std::{process::ExitCode, time::Duration};

use motcua_platform::identity::{
    Agencies, Kinds, Principal,
    claims::{kind_named, role_name, role_named, roles},
};
use motcua_proto::{events::v1::EventKind, r#type::v1::Role};

use crate::{Failed, config::Config, secrets::Secrets};

/// Prints a token, and nothing else.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The key is token-key.pem in the directory of the secrets; `motcua jwks init` makes it.\n\n\
    Example: motcua token --principal receptionist-11593-1 --role receptionist --agency 11593"
)]
pub(crate) struct Args {
    /// Whose it is: an opaque id, never a name or a number of a person.
    #[arg(long, value_name = "ID")]
    principal: String,
    /// In which capacity; may be given several times.
    #[arg(long, value_parser = parse_role)]
    role: Vec<Role>,
    /// For which agency, by code; may be given several times.
    #[arg(long, value_name = "CODE", conflicts_with = "all_agencies")]
    agency: Vec<String>,
    /// For every agency of the city.
    #[arg(long)]
    all_agencies: bool,
    /// In which group; may be given several times.
    #[arg(long)]
    group: Vec<String>,
    /// Which kind of events a system may be told of, such as DOSSIER_SUBMITTED, or * for all; may be given several times.
    #[arg(long, value_parser = parse_kind)]
    kind: Vec<Kind>,
    /// How many minutes it counts, 1440 at most: it cannot be taken back.
    #[arg(long, default_value_t = 15)]
    minutes: u32,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    All,
    One(EventKind),
}

fn parse_role(text: &str) -> Result<Role, String> {
    role_named(text).ok_or_else(|| {
        let known: Vec<_> = roles().map(role_name).collect();
        format!("must be one of {}", known.join(", "))
    })
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    if text == "*" {
        return Ok(Kind::All);
    }
    kind_named(text)
        .map(Kind::One)
        .ok_or_else(|| "must be a kind of event such as DOSSIER_SUBMITTED, or *".to_owned())
}

pub(crate) fn run(config: &Config, args: Args) -> Result<ExitCode, Failed> {
    let secrets = Secrets::open(&config.secrets)?;
    let key = secrets.signing_key()?.ok_or_else(|| {
        Failed::new(format!(
            "{} is missing; `motcua jwks init` makes it",
            secrets.token_key().display()
        ))
    })?;
    let kinds = args.kind.iter().map(|kind| match kind {
        Kind::All => None,
        Kind::One(kind) => Some(*kind),
    });
    let principal = Principal {
        id: args.principal,
        roles: args.role,
        agencies: if args.all_agencies {
            Agencies::All
        } else {
            Agencies::Some(args.agency.into_iter().collect())
        },
        groups: args.group,
        kinds: kinds.collect::<Option<_>>().map_or(Kinds::All, Kinds::Some),
    };
    let lifetime = Duration::from_secs(u64::from(args.minutes) * 60);
    let token = config.issuer(key).token(&principal, lifetime)?;
    println!("{token}");
    Ok(ExitCode::SUCCESS)
}
