//! Connections to a service over TLS.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::{Service, service_fn};

use crate::{
    error::Error,
    tls::{self, Tls},
};

/// Where https is when the URL names no port.
const HTTPS_PORT: u16 = 443;

/// Makes connections with the certificates of the moment, and takes nobody but the service that is meant: the URL says
/// where to go, the certificate who is there.
pub(super) fn connector(
    tls: Tls,
    target: &'static str,
) -> Result<
    impl Service<
        Uri,
        Response = TokioIo<TlsStream<TcpStream>>,
        Error = io::Error,
        Future: Future + Send,
    > + Send
    + 'static,
    Error,
> {
    let name = tls::server_name(target)
        .ok_or_else(|| Error::Fault(format!("`{target}` cannot be the name of a service")))?;
    let complained = Arc::new(AtomicBool::new(false));
    Ok(service_fn(move |uri: Uri| {
        let (tls, name, complained) = (tls.clone(), name.clone(), Arc::clone(&complained));
        async move {
            let host = uri.host().unwrap_or_default();
            // As an IPv6 address stands in a URL.
            let host = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'))
                .unwrap_or(host);
            let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(HTTPS_PORT))).await?;
            stream.set_nodelay(true)?;
            let made = TlsConnector::from(tls.client()).connect(name, stream).await;
            match &made {
                Ok(_) => complained.store(false, Ordering::Relaxed),
                // Whoever calls is told that the service is unavailable; why is the operator's matter, once.
                Err(error) if !complained.swap(true, Ordering::Relaxed) => {
                    tracing::warn!(%uri, target, %error, "whoever is there is not the service that is meant, or TLS fails");
                }
                Err(_) => {}
            }
            made.map(TokioIo::new)
        }
    }))
}
