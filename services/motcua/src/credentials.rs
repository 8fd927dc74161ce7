//! What the command line itself calls the suite with.
//!
//! A token that somebody gives it, in `MOTCUA_TOKEN`; else one that it makes for each call from the key
//! in the directory of the secrets, for whoever can read that key can make any; else none.

use std::time::Duration;

use motcua_platform::identity::{Agencies, Kinds, Principal, issuer::Issuer};
use motcua_platform::rpc::Peer;
use motcua_proto::r#type::v1::Role;

use crate::{Failed, config::Config, secrets::Secrets};

/// How long a token counts that is made for one command.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Whom the command line acts as, with a token that it made.
const PRINCIPAL: &str = "motcua-cli";

/// The command line's credentials.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// A token that was given. It may not be shown.
    Given(Token),
    /// A key that makes tokens.
    Key(Box<Issuer>),
    /// None: public methods only.
    None,
}

/// A token, which no output shows.
pub(crate) struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Credentials {
    /// Looks for them: `MOTCUA_TOKEN`, then the key.
    pub(crate) fn find(config: &Config) -> Result<Self, Failed> {
        Self::choose(config, std::env::var("MOTCUA_TOKEN").ok().as_deref())
    }

    fn choose(config: &Config, token: Option<&str>) -> Result<Self, Failed> {
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            return Ok(Self::Given(Token(token.trim().to_owned())));
        }
        let own = Secrets::open(&config.secrets)?.signing_key()?;
        Ok(own.map_or(Self::None, |key| Self::Key(Box::new(config.issuer(key)))))
    }

    /// The token for a call in this role; none where there are no credentials. One that was given has the roles that it has.
    fn token(&self, role: Role) -> Result<Option<String>, Failed> {
        match self {
            Self::Given(Token(token)) => Ok(Some(token.clone())),
            Self::Key(issuer) => {
                let principal = Principal {
                    agencies: Agencies::All,
                    kinds: Kinds::All,
                    ..Principal::of(PRINCIPAL, &[role], &[])
                };
                Ok(Some(issuer.token(&principal, LIFETIME)?))
            }
            Self::None => Ok(None),
        }
    }

    /// The same way, taken in this role.
    pub(crate) fn take(&self, peer: Peer, role: Role) -> Result<Peer, Failed> {
        Ok(match self.token(role)? {
            Some(token) => peer.bearing(&token)?,
            None => peer,
        })
    }
}

#[cfg(test)]
mod tests {
    use motcua_platform::identity::tokens::Verifier;

    use super::*;

    #[tokio::test]
    async fn a_token_that_is_given_wins_over_a_key_and_a_key_over_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::load(None).unwrap();
        config.secrets = directory.path().join("secrets");
        let credentials = Credentials::choose(&config, None).unwrap();
        assert!(credentials.token(Role::CitySupervisor).unwrap().is_none());

        let secrets = Secrets::open(&config.secrets).unwrap();
        secrets.ensure_token_key().unwrap();
        let credentials = Credentials::choose(&config, Some("")).unwrap();
        let token = credentials.token(Role::CitySupervisor).unwrap().unwrap();
        let verifier = Verifier::open(config.tokens());
        let principal = verifier
            .await
            .unwrap()
            .verify(&token)
            .await
            .unwrap()
            .principal;
        assert_eq!(principal.roles, [Role::CitySupervisor]);
        assert_eq!(principal.agencies, Agencies::All);

        let given = Credentials::choose(&config, Some("a.b.c\n")).unwrap();
        let token = given.token(Role::Administrator).unwrap().unwrap();
        assert_eq!(token, "a.b.c");
        assert!(!format!("{given:?}").contains("a.b.c"));
    }
}
