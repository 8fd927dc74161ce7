//! The certificates that the configuration names: for services that run here, and for commands that ask a service.

use std::net::IpAddr;

use motcua_platform::tls::Tls;
use tonic::transport::Endpoint;

use crate::{Failed, config::Config, feed::Service};

/// Whether there are any.
pub(crate) fn given(config: &Config) -> bool {
    !config.certificates.as_os_str().is_empty()
}

/// Those of a service that runs here.
pub(crate) fn of_service(config: &Config, service: Service) -> Result<Option<Tls>, Failed> {
    given(config)
        .then(|| Tls::open(&config.certificates, service.name()))
        .transpose()
        .map_err(Failed::from)
}

/// A command's: it verifies who answers, and has no certificate of its own.
pub(crate) fn of_caller(config: &Config) -> Result<Option<Tls>, Failed> {
    given(config)
        .then(|| Tls::client_only(&config.certificates.join("ca.pem")))
        .transpose()
        .map_err(Failed::from)
}

/// How URLs begin where nothing else is said.
pub(crate) fn scheme(config: &Config) -> &'static str {
    if given(config) { "https" } else { "http" }
}

/// Refuses a URL that would carry plain text to another machine, unless that was asked for.
pub(crate) fn guard(url: &str, config: &Config) -> Result<(), Failed> {
    let Ok(endpoint) = Endpoint::from_shared(url.to_owned()) else {
        // Whoever connects says what is wrong with it.
        return Ok(());
    };
    let uri = endpoint.uri();
    let host = uri.host().unwrap_or_default();
    let plain = uri.scheme_str() == Some("http");
    if config.insecure || !plain || is_loopback(host) {
        return Ok(());
    }
    Err(Failed::new(format!(
        "{url} is plain text to another machine; use https:// and certificates (`motcua certs init DIR`), \
         or --insecure (MOTCUA_INSECURE) where the network itself keeps others out"
    )))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_on_the_machine_unless_asked_for() {
        let mut config = Config::load(None).unwrap();
        for fine in [
            "http://127.0.0.1:7101",
            "http://[::1]:7101",
            "http://localhost:7101",
            "https://intake.example.org:7101",
        ] {
            guard(fine, &config).unwrap();
        }
        for plain in ["http://10.0.0.7:7101", "http://localhost.example.org:7101"] {
            config.insecure = false;
            let refused = guard(plain, &config).unwrap_err().to_string();
            assert!(
                refused.contains(plain) && refused.contains("--insecure"),
                "{refused}"
            );
            config.insecure = true;
            guard(plain, &config).unwrap();
        }
    }
}
