//! Configuration: one TOML file, the environment, flags; the last word is the flag's.

use std::path::{Path, PathBuf};

use motcua_platform::identity::{
    claims::Claims, issuer::Issuer, mint::SigningKey, tokens::Settings,
};
use serde::Deserialize;

use crate::Failed;

/// The file that documents every key, with its default.
pub(crate) const DEFAULT: &str = include_str!("motcua.default.toml");

/// Everything that can be configured. The keys are described in `motcua.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) database_url: String,
    pub(crate) data: PathBuf,
    pub(crate) listen: String,
    pub(crate) insecure: bool,
    pub(crate) certificates: PathBuf,
    pub(crate) secrets: PathBuf,
    pub(crate) master_key: String,
    pub(crate) master_key_ca: PathBuf,
    pub(crate) jwks: String,
    pub(crate) jwks_ca: PathBuf,
    pub(crate) token_issuer: String,
    pub(crate) token_audience: String,
    pub(crate) claims: Claims,
    pub(crate) intake_url: String,
    pub(crate) workflow_url: String,
    pub(crate) notification_url: String,
    pub(crate) statistics_url: String,
    pub(crate) look_up_url: String,
    pub(crate) documents: PathBuf,
    pub(crate) otlp_endpoint: String,
    pub(crate) log_json: bool,
    pub(crate) drain_seconds: u64,
    pub(crate) mail_directory: PathBuf,
    pub(crate) smtp_url: String,
    pub(crate) smtp_from: String,
}

/// Environment variables and the keys that they set. A table has none: it is for the file.
const ENVIRONMENT: [(&str, &str); 24] = [
    ("DATABASE_URL", "database_url"),
    ("MOTCUA_DATA", "data"),
    ("MOTCUA_LISTEN", "listen"),
    ("MOTCUA_INSECURE", "insecure"),
    ("MOTCUA_CERTIFICATES", "certificates"),
    ("MOTCUA_SECRETS", "secrets"),
    ("MOTCUA_MASTER_KEY", "master_key"),
    ("MOTCUA_MASTER_KEY_CA", "master_key_ca"),
    ("MOTCUA_JWKS", "jwks"),
    ("MOTCUA_JWKS_CA", "jwks_ca"),
    ("MOTCUA_TOKEN_ISSUER", "token_issuer"),
    ("MOTCUA_TOKEN_AUDIENCE", "token_audience"),
    ("MOTCUA_INTAKE_URL", "intake_url"),
    ("MOTCUA_WORKFLOW_URL", "workflow_url"),
    ("MOTCUA_NOTIFICATION_URL", "notification_url"),
    ("MOTCUA_STATISTICS_URL", "statistics_url"),
    ("MOTCUA_LOOK_UP_URL", "look_up_url"),
    ("MOTCUA_DOCUMENTS", "documents"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"),
    ("MOTCUA_LOG_JSON", "log_json"),
    ("MOTCUA_DRAIN_SECONDS", "drain_seconds"),
    ("MOTCUA_MAIL_DIRECTORY", "mail_directory"),
    ("MOTCUA_SMTP_URL", "smtp_url"),
    ("MOTCUA_SMTP_FROM", "smtp_from"),
];

impl Config {
    /// Reads the file, if one is given, and the environment.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, Failed> {
        let text = match file {
            Some(file) => std::fs::read_to_string(file).map_err(|error| {
                Failed::new(format!("{} cannot be read: {error}", file.display()))
            })?,
            None => String::new(),
        };
        let name = file.map_or_else(String::new, |file| format!("{}: ", file.display()));
        Self::merge(&text, |variable| std::env::var(variable).ok())
            .map_err(|error| Failed::new(format!("{name}{error}")))
    }

    /// Whose tokens are accepted.
    pub(crate) fn tokens(&self) -> Settings {
        let own = || self.secrets.join("jwks.json").display().to_string();
        Settings {
            jwks: if self.jwks.is_empty() {
                own()
            } else {
                self.jwks.clone()
            },
            jwks_ca: (!self.jwks_ca.as_os_str().is_empty()).then(|| self.jwks_ca.clone()),
            issuer: self.token_issuer.clone(),
            audience: self.token_audience.clone(),
            claims: self.claims.clone(),
        }
    }

    /// Whoever issues tokens that are accepted, with this key.
    pub(crate) fn issuer(&self, key: SigningKey) -> Issuer {
        Issuer::new(key, &self.token_issuer, &self.token_audience, &self.claims)
    }

    /// The defaults alone, whatever the environment says: of a suite that is started with nothing else.
    pub(crate) fn plain() -> Result<Self, Failed> {
        Self::merge("", |_| None).map_err(Failed::new)
    }

    fn merge(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let defaults: toml::Table = DEFAULT.parse().map_err(|error| format!("{error}"))?;
        let own: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
        let mut merged = defaults.clone();
        for (key, value) in own {
            if !defaults.contains_key(&key) {
                return Err(format!(
                    "there is no key `{key}`; `motcua config` lists every key"
                ));
            }
            merged.insert(key, value);
        }
        for (variable, key) in ENVIRONMENT {
            let Some(text) = environment(variable) else {
                continue;
            };
            let wrong = || format!("{variable}: {key} cannot be `{text}`");
            let value = match &defaults[key] {
                toml::Value::Boolean(_) => toml::Value::Boolean(match text.as_str() {
                    "1" | "true" => true,
                    "0" | "false" | "" => false,
                    _ => return Err(wrong()),
                }),
                toml::Value::Integer(_) => toml::Value::Integer(text.parse().map_err(|_| wrong())?),
                _ => toml::Value::String(text),
            };
            merged.insert(key.to_owned(), value);
        }
        merged
            .try_into()
            .map_err(|error: toml::de::Error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_default_and_an_environment_variable_that_its_comment_names() {
        let defaults: toml::Table = DEFAULT.parse().unwrap();
        let merged = Config::merge("", |_| None).unwrap();
        let tables = defaults.values().filter(|value| value.is_table()).count();
        assert_eq!(defaults.len(), ENVIRONMENT.len() + tables);
        // What the file says of claims is what the code means by its defaults.
        assert_eq!(merged.claims, Claims::default());
        for (variable, key) in ENVIRONMENT {
            assert!(defaults.contains_key(key), "{key}");
            assert!(DEFAULT.contains(variable), "{variable}");
        }
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let error = Config::merge("databse_url = \"\"", |_| None).unwrap_err();
        assert!(error.contains("databse_url"), "{error}");
    }

    #[test]
    fn a_table_may_say_a_part_and_no_more_than_there_is() {
        let config = Config::merge(
            "[claims]\nroles = \"roles\"\n[claims.role_names]\ncounter = \"receptionist\"",
            |_| None,
        )
        .unwrap();
        assert_eq!(config.claims.roles, "roles");
        assert_eq!(config.claims.principal, "sub");
        assert_eq!(config.claims.role_names.len(), 1);
        for (text, word) in [
            ("[claims]\nrolls = \"a\"", "rolls"),
            ("[claims.role_names]\na = \"service\"", "service"),
            ("claims = \"sub\"", "claims"),
        ] {
            let error = Config::merge(text, |_| None).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = Config::merge("drain_seconds = 5", |variable| {
            (variable == "MOTCUA_DRAIN_SECONDS").then(|| "7".to_owned())
        });
        assert_eq!(config.unwrap().drain_seconds, 7);
        let error = Config::merge("", |variable| {
            (variable == "MOTCUA_INSECURE").then(|| "maybe".to_owned())
        });
        assert!(error.unwrap_err().contains("MOTCUA_INSECURE"));
    }
}
