//! Who gets in over TLS, and who does not.

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
        version::{TLS12, TLS13},
    },
};

use super::*;
use crate::tls::testing::{Authority, Pair};

/// A machine's certificates.
struct Desk(TempDir);

impl Desk {
    /// Of a service, with a sound certificate.
    fn of(service: &str, authority: &Authority) -> Self {
        Self::with(service, authority, &authority.vouches_for(service))
    }

    fn with(service: &str, authority: &Authority, pair: &Pair) -> Self {
        let directory = TempDir::new().unwrap();
        authority.equips_with(directory.path(), service, pair);
        Self(directory)
    }

    fn tls(&self, service: &'static str) -> Tls {
        Tls::open(self.0.path(), service).unwrap()
    }

    fn authority_only(&self) -> Tls {
        Tls::client_only(&self.0.path().join("ca.pem")).unwrap()
    }
}

impl Served {
    async fn workflow(tls: Tls) -> Self {
        Self::start_with(prompt(), Some(tls)).await
    }

    /// The feed, as it is reached with these certificates.
    fn feed_with(&self, tls: &Tls) -> EventFeedServiceClient<Peer> {
        let url = format!("https://{}", self.address);
        EventFeedServiceClient::new(channel(&url, "intake", "workflow", Some(tls)).unwrap())
    }

    /// Who the service takes the caller for.
    async fn takes_for(&self, tls: &Tls) -> Result<String, Code> {
        match patiently(self.feed_with(tls).get_head(asking("who"))).await {
            Ok(answer) => Ok(answer.into_inner().source),
            Err(status) => Err(status.code()),
        }
    }
}

/// Where a connection breaks while it is made, and where it breaks just afterwards. In TLS 1.3 a caller learns only then
/// that its certificate was refused.
fn is_broken(answer: &Result<String, Code>) -> bool {
    matches!(answer, Err(Code::Unavailable | Code::Unknown))
}

/// A client of the test's own making.
fn client(
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    own: Option<&Pair>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    match own {
        Some(pair) => config
            .with_client_auth_cert(vec![pair.der()], pair.key_der())
            .unwrap(),
        None => config.with_no_client_auth(),
    }
}

async fn connects(
    address: SocketAddr,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("workflow.motcua.internal").unwrap();
    patiently(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

/// What the service shows to whoever connects now.
async fn shown(address: SocketAddr, authority: &Authority) -> CertificateDer<'static> {
    let stream = connects(address, client(authority, &TLS13, None))
        .await
        .unwrap();
    let session = stream.get_ref().1;
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    session.peer_certificates().unwrap()[0].clone()
}

#[tokio::test]
async fn a_service_is_known_by_its_certificate_and_others_are_nobody() {
    let authority = Authority::new("authority");
    let served = Served::workflow(Desk::of("workflow", &authority).tls("workflow")).await;
    let intake = Desk::of("intake", &authority);
    assert_eq!(
        served.takes_for(&intake.tls("intake")).await,
        Ok("intake".to_owned())
    );
    // Without one it is nobody, and nobody may call.
    assert_eq!(
        served.takes_for(&intake.authority_only()).await,
        Err(Code::Unauthenticated)
    );
    let plain = Served::start(prompt()).await;
    let answer = plain.feed().get_head(asking("who")).await.unwrap();
    assert_eq!(answer.into_inner().source, "nobody");
}

#[tokio::test]
async fn a_layer_sees_who_calls() {
    let authority = Authority::new("authority");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own = Desk::of("workflow", &authority).tls("workflow");
    let (tell, mut seen) = mpsc::unbounded_channel();
    let layer = ServiceBuilder::new()
        .layer_fn(around(move |request: http::Request<Body>, next| {
            tell.send(request.extensions().get::<PeerInfo>().copied())
                .unwrap();
            layer::Rest::run(next, request)
        }))
        .into_inner();
    let (_, health) = tonic_health::server::health_reporter();
    tokio::spawn(
        Server::builder()
            .layer(layer)
            .add_service(health)
            .serve_with_incoming(connection::incoming("workflow", listener, Some(own), 1)),
    );
    let intake = Desk::of("intake", &authority).tls("intake");
    let url = format!("https://{address}");
    let peer = channel(&url, "intake", "workflow", Some(&intake)).unwrap();
    HealthClient::new(peer)
        .check(HealthCheckRequest::default())
        .await
        .unwrap();
    let seen = seen.recv().await.unwrap().unwrap();
    assert_eq!(seen.service, Some("intake"));
    assert!(seen.address.unwrap().ip().is_loopback());
}

#[tokio::test]
async fn nobody_but_the_service_that_is_meant_is_spoken_to() {
    let authority = Authority::new("authority");
    let intake = Desk::of("intake", &authority);
    let callers = [intake.tls("intake"), intake.authority_only()];
    let expired = authority.signs(&["workflow.motcua.internal"], (2020, 2021));
    let too_early = authority.signs(&["workflow.motcua.internal"], (2080, 2090));
    let other = Authority::new("authority");
    for (case, answers) in [
        (
            "expired",
            Desk::with("workflow", &authority, &expired).tls("workflow"),
        ),
        (
            "not valid yet",
            Desk::with("workflow", &authority, &too_early).tls("workflow"),
        ),
        (
            "of another authority",
            Desk::of("workflow", &other).tls("workflow"),
        ),
        (
            "another service's",
            Desk::of("intake", &authority).tls("intake"),
        ),
        (
            "a third service's",
            Desk::of("statistics", &authority).tls("statistics"),
        ),
    ] {
        let served = Served::workflow(answers).await;
        for caller in &callers {
            assert_eq!(
                served.takes_for(caller).await,
                Err(Code::Unavailable),
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn a_caller_with_a_certificate_that_proves_nothing_is_refused() {
    let authority = Authority::new("authority");
    let served = Served::workflow(Desk::of("workflow", &authority).tls("workflow")).await;
    let expired = authority.signs(&["intake.motcua.internal"], (2020, 2021));
    let expired = Desk::with("intake", &authority, &expired).tls("intake");
    let answer = served.takes_for(&expired).await;
    assert!(is_broken(&answer), "{answer:?}");

    let self_made = Authority::new("authority").vouches_for("intake");
    let config = client(&authority, &TLS13, Some(&self_made));
    let refused = match connects(served.address, config).await {
        Ok(mut stream) => stream.read_u8().await.unwrap_err(),
        Err(error) => error,
    };
    let refused = refused.to_string();
    assert!(refused.contains("alert"), "{refused}");

    // The same client without that certificate is taken.
    shown(served.address, &authority).await;
}

#[tokio::test]
async fn an_older_protocol_is_refused() {
    let authority = Authority::new("authority");
    let served = Served::workflow(Desk::of("workflow", &authority).tls("workflow")).await;
    let error = connects(served.address, client(&authority, &TLS12, None))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
}

#[tokio::test]
async fn plain_text_and_tls_do_not_mix() {
    let authority = Authority::new("authority");
    let served = Served::workflow(Desk::of("workflow", &authority).tls("workflow")).await;
    let plain = patiently(served.feed().get_head(asking("who"))).await;
    let answer = plain.map(|_| String::new()).map_err(|status| status.code());
    assert!(is_broken(&answer), "{answer:?}");

    let intake = Desk::of("intake", &authority).tls("intake");
    let plain = Served::start(prompt()).await;
    assert_eq!(plain.takes_for(&intake).await, Err(Code::Unavailable));
    assert!(channel("https://127.0.0.1:1", "intake", "workflow", None).is_err());
    let caller = Desk::of("intake", &authority).authority_only();
    let refused = Served::workflow(caller).await.ended.await.unwrap();
    assert!(matches!(refused, Err(Error::Fault(_))), "{refused:?}");
}

#[tokio::test]
async fn whoever_says_nothing_keeps_nobody_out() {
    let authority = Authority::new("authority");
    let limits = Limits {
        handshakes_max: 2,
        ..prompt()
    };
    let tls = Desk::of("workflow", &authority).tls("workflow");
    let served = Served::start_with(limits, Some(tls)).await;
    let intake = Desk::of("intake", &authority).tls("intake");
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(served.address).await.unwrap());
    }
    // Neither do those who talk nonsense.
    let mut nonsense = TcpStream::connect(served.address).await.unwrap();
    nonsense.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(served.takes_for(&intake).await, Ok("intake".to_owned()));
    // The oldest have given way.
    assert_eq!(patiently(silent[0].read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn renewed_certificates_are_shown_to_new_connections_and_the_old_ones_stay() {
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let (workflow, intake) = (Desk::of("workflow", &before), Desk::of("intake", &before));
    let (mut own, mut callers) = (workflow.tls("workflow"), intake.tls("intake"));
    let served = Served::workflow(own.clone()).await;
    let url = format!("https://{}", served.address);
    let peer = channel(&url, "intake", "workflow", Some(&callers)).unwrap();
    let mut watch = HealthClient::new(peer.clone())
        .watch(HealthCheckRequest {
            service: "motcua.events.v1.FollowerService".into(),
        })
        .await
        .unwrap()
        .into_inner();
    watch.message().await.unwrap().unwrap();
    let first = shown(served.address, &before).await;

    // The same authority, as every few weeks.
    let renewed = before.equips(workflow.0.path(), "workflow");
    patiently(own.renewed()).await;
    let second = shown(served.address, &before).await;
    assert_ne!(second, first);
    assert_eq!(second, renewed.der());

    // Half of it: what cannot be used changes nothing.
    std::fs::remove_file(workflow.0.path().join("workflow.pem")).unwrap();
    assert_eq!(shown(served.address, &before).await, second);

    // Another authority, on both sides.
    let renewed = after.equips(workflow.0.path(), "workflow");
    after.equips(intake.0.path(), "intake");
    patiently(own.renewed()).await;
    patiently(callers.renewed()).await;
    assert_eq!(shown(served.address, &after).await, renewed.der());
    assert_eq!(served.takes_for(&callers).await, Ok("intake".to_owned()));
    let of_before = Desk::of("intake", &before).tls("intake");
    let answer = served.takes_for(&of_before).await;
    assert!(is_broken(&answer), "{answer:?}");

    // All the while the first connection lives, with its stream and for other calls.
    served.progress.update("intake", |step| step.parked = 1);
    assert_eq!(
        patiently(watch.message()).await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    let answer = EventFeedServiceClient::new(peer)
        .get_head(asking("who"))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().source, "intake");
}
