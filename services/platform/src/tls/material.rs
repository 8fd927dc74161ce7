//! From the bytes of certificates to what a handshake needs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio_rustls::rustls::{
    self, ClientConfig, RootCertStore, ServerConfig,
    client::Resumption,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::TLS13,
};
use webpki::{EndEntityCert, KeyUsage};

use super::{DOMAIN, Error, SERVICES};
use crate::clock::Clock;

/// The one protocol spoken inside TLS.
const HTTP2: &[u8] = b"h2";
/// How long before its end a certificate is spoken of.
const NOTICE: Duration = Duration::from_secs(14 * 24 * 3_600);

/// The name of a service in its certificate: `intake.motcua.internal`.
pub(crate) fn server_name(service: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(dns_name(service)).ok()
}

fn dns_name(service: &str) -> String {
    format!("{service}.{DOMAIN}")
}

/// Which service of the suite a certificate names, if it names exactly one. The certificate must have been verified.
pub(crate) fn service_of(certificate: &CertificateDer<'_>) -> Option<&'static str> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    let mut named = SERVICES
        .into_iter()
        .filter(|service| names(&certificate, service));
    // Whoever could be several is nobody.
    match (named.next(), named.next()) {
        (Some(service), None) => Some(service),
        _ => None,
    }
}

fn names(certificate: &EndEntityCert<'_>, service: &str) -> bool {
    let wanted = dns_name(service);
    // In full: a wildcard names no service.
    certificate
        .valid_dns_names()
        .any(|name| name.eq_ignore_ascii_case(&wanted))
}

/// An authority, and where it was read.
pub(super) struct Authority {
    file: PathBuf,
    roots: Arc<RootCertStore>,
}

/// What connections are made with.
pub(super) struct Material {
    server: Option<Arc<ServerConfig>>,
    client: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
    /// The own certificate first, then those that lead to the authority; empty without one.
    chain: Vec<CertificateDer<'static>>,
}

impl Material {
    /// Reads an authority: one certificate, or two while one takes over from the other.
    pub(super) fn authority(file: &Path, bytes: &[u8]) -> Result<Authority, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(file, bytes)? {
            roots
                .add(certificate)
                .map_err(|error| unusable(file, &error))?;
        }
        Ok(Authority {
            file: file.to_owned(),
            roots: Arc::new(roots),
        })
    }

    /// For a caller without a certificate of its own.
    pub(super) fn without_certificate(authority: Authority) -> Result<Self, Error> {
        let client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| unusable(&authority.file, &error))?
            .with_root_certificates(Arc::clone(&authority.roots))
            .with_no_client_auth();
        Ok(Self {
            server: None,
            client: Arc::new(calling(client)),
            roots: authority.roots,
            chain: Vec::new(),
        })
    }

    /// For a service, after its certificate was found to be what its peers will want.
    pub(super) fn of_service(
        authority: Authority,
        service: &str,
        (certificate_file, certificate): (&Path, &[u8]),
        (key_file, key): (&Path, &[u8]),
    ) -> Result<Self, Error> {
        let chain = certificates(certificate_file, certificate)?;
        if let Some(Err(error)) = chain.first().map(EndEntityCert::try_from) {
            return Err(unusable(certificate_file, &error));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| Error::Unusable {
            file: key_file.to_owned(),
            why: format!("it holds no private key ({error})"),
        })?;
        let Authority { file, roots } = authority;
        let of_pair = |error: rustls::Error| match error {
            rustls::Error::InconsistentKeys(_) => Error::Mismatched {
                certificate: certificate_file.to_owned(),
                key: key_file.to_owned(),
            },
            other => unusable(key_file, &other),
        };
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider())
            // People come without a certificate and prove themselves with a token.
            .allow_unauthenticated()
            .build()
            .map_err(|error| unusable(&file, &error))?;
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| unusable(certificate_file, &error))?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(of_pair)?;
        server.alpn_protocols = vec![HTTP2.to_vec()];
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        let client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| unusable(certificate_file, &error))?
            .with_root_certificates(Arc::clone(&roots))
            .with_client_auth_cert(chain.clone(), key)
            .map_err(of_pair)?;
        let material = Self {
            server: Some(Arc::new(server)),
            client: Arc::new(calling(client)),
            roots,
            chain,
        };
        material.be_acceptable(service, certificate_file, &file)?;
        Ok(material)
    }

    /// Peers will look for the name and the signature; so do we, before they refuse us.
    fn be_acceptable(
        &self,
        service: &str,
        certificate: &Path,
        authority: &Path,
    ) -> Result<(), Error> {
        let foreign = |error: webpki::Error| Error::Foreign {
            certificate: certificate.to_owned(),
            authority: authority.to_owned(),
            why: error.to_string(),
        };
        for usage in [KeyUsage::server_auth(), KeyUsage::client_auth()] {
            match self.verify(usage, unix(Clock::system().now(), Duration::ZERO)) {
                // That is a matter of time, not of the certificate: it is warned about, again and again.
                Ok(())
                | Err(webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }) => {
                }
                Err(error) => return Err(foreign(error)),
            }
        }
        let named = self
            .chain
            .first()
            .and_then(|first| EndEntityCert::try_from(first).ok())
            .is_some_and(|first| names(&first, service));
        if !named {
            return Err(Error::Misnamed {
                certificate: certificate.to_owned(),
                name: dns_name(service),
            });
        }
        Ok(())
    }

    fn verify(&self, usage: KeyUsage, at: UnixTime) -> Result<(), webpki::Error> {
        let Some((first, others)) = self.chain.split_first() else {
            return Ok(());
        };
        EndEntityCert::try_from(first)?
            .verify_for_usage(
                provider().signature_verification_algorithms.all,
                &self.roots.roots,
                others,
                at,
                usage,
                None,
                None,
            )
            .map(drop)
    }

    /// What to say of a certificate that has ended, or ends within a fortnight.
    pub(super) fn ends_soon(&self, now: Timestamp) -> Option<String> {
        let usage = KeyUsage::server_auth;
        match self.verify(usage(), unix(now, Duration::ZERO)) {
            Err(webpki::Error::CertExpired { not_after, .. }) => Some(format!(
                "the certificate has ended on {}: nobody accepts it any more",
                day(not_after)
            )),
            Err(webpki::Error::CertNotValidYet { not_before, .. }) => Some(format!(
                "the certificate is not valid before {}: nobody accepts it yet",
                day(not_before)
            )),
            _ => match self.verify(usage(), unix(now, NOTICE)) {
                Err(webpki::Error::CertExpired { not_after, .. }) => {
                    Some(format!("the certificate ends on {}", day(not_after)))
                }
                _ => None,
            },
        }
    }

    pub(super) fn server(&self) -> Option<Arc<ServerConfig>> {
        self.server.clone()
    }

    pub(super) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }
}

/// Named, rather than installed for the process: whatever else is linked in cannot change it.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn calling(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![HTTP2.to_vec()];
    config.resumption = Resumption::disabled();
    config
}

fn certificates(file: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(file, &error))?;
    if found.is_empty() {
        return Err(unusable(file, &"it holds no certificate"));
    }
    Ok(found)
}

fn unusable(file: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Unusable {
        file: file.to_owned(),
        why: why.to_string(),
    }
}

fn unix(now: Timestamp, from_now: Duration) -> UnixTime {
    let now = Duration::from_secs(u64::try_from(now.as_second()).unwrap_or_default());
    UnixTime::since_unix_epoch(now + from_now)
}

fn day(at: UnixTime) -> String {
    i64::try_from(at.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(
            || "an unknown day".to_owned(),
            |at| at.strftime("%Y-%m-%d").to_string(),
        )
}
