//! Connections as they come in, in plain text or in TLS, and who is at their other end.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::stream::{self, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::transport::server::Connected;

use crate::{
    telemetry,
    tls::{self, Tls},
};

/// How long a handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long to leave the listener alone when the process has no descriptor left for another connection.
const BREATH: Duration = Duration::from_millis(100);

/// Who is at the other end of a connection, as far as the connection itself proves it.
///
/// Every request carries it in its extensions, for layers and handlers alike:
/// `request.extensions().get::<PeerInfo>()`, on `http::Request` as on `tonic::Request`. Where there is none, the server
/// was not started by [`serve`](super::serve).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerInfo {
    /// Where it comes from; unknown if it went away at once.
    pub address: Option<SocketAddr>,
    /// The service of the suite that its certificate names. The certificate was verified against our authority when
    /// the connection was made. Nothing in plain text, without a certificate, or with one that names no service.
    pub service: Option<&'static str>,
}

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connected for Connection {
    type ConnectInfo = PeerInfo;

    fn connect_info(&self) -> PeerInfo {
        match self {
            Self::Plain(stream) => PeerInfo {
                address: stream.peer_addr().ok(),
                service: None,
            },
            Self::Tls(stream) => {
                let (stream, session) = stream.get_ref();
                PeerInfo {
                    address: stream.peer_addr().ok(),
                    service: session
                        .peer_certificates()
                        .and_then(|chain| chain.first())
                        .and_then(tls::service_of),
                }
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The connections of a listener, each once its handshake is done. Dropping it closes the listener and ends the
/// handshakes under way.
pub(super) fn incoming(
    service: &'static str,
    listener: TcpListener,
    tls: Option<Tls>,
    handshakes_max: usize,
) -> impl Stream<Item = Result<Connection, Infallible>> {
    let acceptor = Acceptor {
        service,
        listener,
        tls,
        handshakes_max,
        handshakes: JoinSet::new(),
        oldest_first: VecDeque::new(),
    };
    stream::unfold(acceptor, |mut acceptor| async move {
        let connection = acceptor.next().await;
        Some((Ok(connection), acceptor))
    })
}

struct Acceptor {
    service: &'static str,
    listener: TcpListener,
    tls: Option<Tls>,
    handshakes_max: usize,
    handshakes: JoinSet<Option<Connection>>,
    /// Of the handshakes, and of some that have ended.
    oldest_first: VecDeque<AbortHandle>,
}

impl Acceptor {
    async fn next(&mut self) -> Connection {
        loop {
            tokio::select! {
                Some(ended) = self.handshakes.join_next() => {
                    // One that was ended for another's sake, or that panicked, is nothing.
                    if let Ok(Some(connection)) = ended {
                        return connection;
                    }
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        if let Some(connection) = self.take(stream) {
                            return connection;
                        }
                    }
                    Err(error) if is_its_own_fault(&error) => {}
                    Err(error) => {
                        tracing::warn!(service = self.service, %error, "no connection can be accepted");
                        sleep(BREATH).await;
                    }
                },
            }
        }
    }

    /// A connection in plain text is there at once; one in TLS when its handshake has ended.
    fn take(&mut self, stream: TcpStream) -> Option<Connection> {
        // It may be gone already; reading from it will say so.
        stream.set_nodelay(true).ok();
        let Some(server) = self.tls.as_ref().and_then(Tls::server) else {
            return Some(Connection::Plain(stream));
        };
        if self.handshakes.len() >= self.handshakes_max {
            self.end_oldest();
        }
        let service = self.service;
        let handshake = self.handshakes.spawn(async move {
            let accepted = TlsAcceptor::from(server).accept(stream);
            match timeout(HANDSHAKE_TIME_MAX, accepted).await {
                Ok(Ok(stream)) => Some(Connection::Tls(Box::new(stream))),
                Ok(Err(error)) => failed(service, &error),
                Err(_) => failed(service, &"it took too long"),
            }
        });
        self.oldest_first.push_back(handshake);
        if self.oldest_first.len() > 2 * self.handshakes_max {
            self.oldest_first.retain(|one| !one.is_finished());
        }
        None
    }

    fn end_oldest(&mut self) {
        while let Some(oldest) = self.oldest_first.pop_front() {
            if !oldest.is_finished() {
                oldest.abort();
                failed(self.service, &"too many others came after it");
                return;
            }
        }
    }
}

/// Anybody can make handshakes fail, so they are counted, and spoken of only to whoever asks.
fn failed(service: &'static str, why: &dyn std::fmt::Display) -> Option<Connection> {
    telemetry::record_failed_handshake(service);
    tracing::debug!(service, %why, "a handshake failed");
    None
}

/// The connection went away before it was accepted.
fn is_its_own_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
