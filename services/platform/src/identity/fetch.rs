//! One document from one address that the configuration names, with a limit on everything.

use std::{net::IpAddr, path::Path, time::Duration};

use http::Uri;
use ureq::{
    Agent,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::error::Error;

/// How long the whole exchange may take.
const TIME_MAX: Duration = Duration::from_secs(5);
/// Largest document.
pub(super) const DOCUMENT_BYTES_MAX: u64 = 1 << 20;

/// Fetches a document.
#[derive(Debug, Clone)]
pub(super) struct Fetch {
    agent: Agent,
    url: String,
}

impl Fetch {
    /// From an https address; http would let anybody on the way put keys in, so it is for loopback alone. With a file of
    /// CA certificates these are trusted and no others; without, those that browsers trust.
    pub(super) fn new(url: &str, ca: Option<&Path>) -> Result<Self, Error> {
        let wrong = |why: &str| Error::field("jwks", why);
        let uri: Uri = url
            .parse()
            .map_err(|_| wrong("must be a path or an https URL"))?;
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or_else(|| wrong("must have a host, and no user or password"))?;
        let local = is_loopback(authority.host());
        if uri.scheme_str() != Some("https") && !local {
            return Err(wrong("must be https; http is for loopback addresses only"));
        }
        let mut agent = Agent::config_builder()
            .timeout_global(Some(TIME_MAX))
            // The address is the one that was configured, whatever answers there.
            .max_redirects(0)
            .tls_config(TlsConfig::builder().root_certs(roots(ca)?).build());
        if local {
            agent = agent.proxy(None);
        }
        Ok(Self {
            agent: agent.build().new_agent(),
            url: url.to_owned(),
        })
    }

    /// The document, as it is now.
    pub(super) async fn get(&self) -> Result<Vec<u8>, String> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.get_blocking())
            .await
            .map_err(|error| error.to_string())?
    }

    fn get_blocking(&self) -> Result<Vec<u8>, String> {
        let mut response = self
            .agent
            .get(&self.url)
            .header("accept", "application/jwk-set+json, application/json")
            .call()
            .map_err(|error| error.to_string())?;
        if response.status() != 200 {
            return Err(format!("it answers {}", response.status()));
        }
        response
            .body_mut()
            .with_config()
            .limit(DOCUMENT_BYTES_MAX)
            .read_to_vec()
            .map_err(|error| error.to_string())
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn roots(ca: Option<&Path>) -> Result<RootCerts, Error> {
    let Some(file) = ca else {
        return Ok(RootCerts::WebPki);
    };
    let wrong = |why: String| Error::field("jwks_ca", format!("{}: {why}", file.display()));
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => return Err(wrong("holds something else than certificates".to_owned())),
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    if certificates.is_empty() {
        return Err(wrong("holds no certificate".to_owned()));
    }
    Ok(RootCerts::from(certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_not_from_another_machine_at_all() {
        for good in [
            "https://login.example.vn/realms/city/protocol/openid-connect/certs",
            "http://127.0.0.1:8080/jwks.json",
            "http://[::1]:8080/jwks.json",
            "http://localhost/jwks.json",
        ] {
            assert!(Fetch::new(good, None).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example.vn/jwks.json",
            "http://127.0.0.1.example.vn/",
            "http://localhost@example.vn/jwks.json",
            "https://user:word@example.vn/",
            "ftp://example.vn/jwks.json",
            "https:///jwks.json",
            "",
        ] {
            assert!(Fetch::new(bad, None).is_err(), "{bad}");
        }
    }
}
