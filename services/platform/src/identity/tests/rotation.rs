//! Keys that come and go: files that are replaced, issuers that rotate, fall silent, and are asked by many at once.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair as CertificateKey};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use super::forge::{Forge, World, claims, claims_at, ed_jwk, header, with};

/// A JWKS server with a certificate of a private CA.
struct Server {
    address: SocketAddr,
    state: Arc<State>,
    directory: tempfile::TempDir,
}

struct State {
    answer: Mutex<Vec<u8>>,
    asked: AtomicUsize,
    down: AtomicBool,
}

impl Server {
    async fn start(document: &Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (ca, issuer) = authority();
        std::fs::write(directory.path().join("ca.pem"), ca).unwrap();
        let key = CertificateKey::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(State {
                answer: Mutex::default(),
                asked: AtomicUsize::new(0),
                down: AtomicBool::new(false),
            }),
            directory,
        };
        server.publish(document);
        tokio::spawn(serve(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            Arc::clone(&server.state),
        ));
        server
    }

    fn publish(&self, document: &Value) {
        let document = document.to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{document}",
            document.len()
        );
        self.answer(answer.into_bytes());
    }

    fn answer(&self, answer: Vec<u8>) {
        *self.state.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    fn down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    fn ca(&self) -> Option<PathBuf> {
        Some(self.directory.path().join("ca.pem"))
    }

    async fn world(&self) -> World {
        World::at(&format!("https://{}/jwks", self.address), self.ca()).await
    }
}

fn authority() -> (String, Issuer<'static, CertificateKey>) {
    let key = CertificateKey::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            state.asked.fetch_add(1, Ordering::SeqCst);
            if state.down.load(Ordering::SeqCst) {
                return;
            }
            let Ok(mut stream) = tls.accept(stream).await else {
                return;
            };
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else {
                    return;
                };
                request.push(byte);
            }
            let answer = state.answer.lock().unwrap().clone();
            // A client that has read enough hangs up.
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        });
    }
}

/// Two issuers' keys stand for one issuer's keys before and after.
fn before_and_after() -> (Forge, Forge, Value, Value, Value) {
    let (old, new) = (Forge::new(), Forge::new());
    let (first, second) = (ed_jwk(&old.ed, "ed"), ed_jwk(&new.ed, "ed-2"));
    let only = |keys: Value| json!({ "keys": keys });
    let documents = (
        only(json!([first])),
        only(json!([second, first])),
        only(json!([second])),
    );
    (old, new, documents.0, documents.1, documents.2)
}

fn header_of_new() -> Value {
    with(header(), "kid", "ed-2")
}

#[tokio::test]
async fn a_file_that_is_replaced_brings_new_keys_and_takes_old_ones() {
    let (old, new, first, both, second) = before_and_after();
    let mut world = World::of(&first).await;
    let (of_old, of_new) = (
        old.ed(&header(), &claims()),
        new.ed(&header_of_new(), &claims()),
    );
    assert!(world.verify(&of_old).await.is_ok());
    assert!(world.verify(&of_new).await.is_err());

    world.pass(1);
    world.publish(&both.to_string());
    // An unknown key looks at once, not when it is time.
    assert!(world.verify(&of_new).await.is_ok());
    assert!(world.verify(&of_old).await.is_ok());

    world.publish(&second.to_string());
    world.pass(2);
    assert!(world.verify(&of_new).await.is_ok());
    assert!(
        world.verify(&of_old).await.is_err(),
        "remembered for too long"
    );

    // Half of a document, or none, takes nothing away.
    for broken in ["", "{\"keys\":[", "[]"] {
        world.publish(broken);
        world.pass(2);
        assert!(world.verify(&of_new).await.is_ok(), "{broken}");
    }
    world.publish(r#"{"keys":[]}"#);
    world.pass(2);
    assert!(world.verify(&of_new).await.is_err());
}

#[tokio::test]
async fn a_file_that_is_not_there_is_found_out_at_the_start() {
    let settings = crate::identity::tokens::Settings {
        jwks: "/nowhere/jwks.json".to_owned(),
        jwks_ca: None,
        issuer: "a".to_owned(),
        audience: "b".to_owned(),
        claims: crate::identity::claims::Claims::default(),
    };
    let error = crate::identity::tokens::Verifier::open(settings).await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("/nowhere/jwks.json")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_key_is_asked_for_once_a_minute_however_many_ask() {
    let (old, new, first, both, _) = before_and_after();
    let server = Server::start(&first).await;
    let mut world = server.world().await;
    assert_eq!(server.asked(), 1);
    assert!(world.verify(&old.ed(&header(), &claims())).await.is_ok());
    server.publish(&both);

    let of_new = new.ed(&header_of_new(), &claims());
    let all = |world: &World| {
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let (verifier, token) = (world.verifier.clone(), of_new.clone());
                tokio::spawn(async move { verifier.verify(&token).await.is_ok() })
            })
            .collect();
        async move {
            let mut good = 0;
            for task in tasks {
                good += usize::from(task.await.unwrap());
            }
            good
        }
    };
    // They waited for the one that asked.
    assert_eq!(all(&world).await, 100);
    assert_eq!(server.asked(), 2);

    // A flood of invented names, within the minute.
    for name in 0..200 {
        let invented = old.ed(
            &with(header(), "kid", format!("invented-{name}")),
            &claims(),
        );
        assert!(world.verify(&invented).await.is_err());
    }
    assert_eq!(server.asked(), 2);
    world.pass(60);
    for name in 0..200 {
        let invented = old.ed(
            &with(header(), "kid", format!("invented-{name}")),
            &claims(),
        );
        assert!(world.verify(&invented).await.is_err());
    }
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn keys_are_asked_for_anew_beside_the_calls_and_a_withdrawn_one_stops() {
    let (old, new, first, _, second) = before_and_after();
    let server = Server::start(&first).await;
    let mut world = server.world().await;
    let second_of_old = world.pass(599);
    let of_old = old.ed(&header(), &claims_at(second_of_old));
    assert!(world.verify(&of_old).await.is_ok());
    server.publish(&second);
    assert_eq!(server.asked(), 1);
    world.pass(1);
    // Nobody waits: this call still goes by the keys before.
    assert!(world.verify(&of_old).await.is_ok());
    world.verifier.settled().await;
    assert_eq!(server.asked(), 2);
    let of_new = new.ed(&header_of_new(), &claims_at(second_of_old));
    assert!(world.verify(&of_new).await.is_ok());
    assert_eq!(server.asked(), 2);
    // Its key is one that nobody knows, now.
    assert!(world.verify(&of_old).await.is_err());
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn an_issuer_that_is_down_keeps_its_keys_for_a_day() {
    let (old, _, first, ..) = before_and_after();
    let server = Server::start(&first).await;
    let mut world = server.world().await;
    server.down(true);
    for _ in 0..23 {
        let now = world.pass(3_600);
        let asked = server.asked();
        assert!(
            world
                .verify(&old.ed(&header(), &claims_at(now)))
                .await
                .is_ok()
        );
        world.verifier.settled().await;
        assert_eq!(server.asked(), asked + 1);
    }
    let now = world.pass(3_600);
    assert!(
        world
            .verify(&old.ed(&header(), &claims_at(now)))
            .await
            .is_err()
    );
    // It is not asked by each call while it is down.
    let asked = server.asked();
    for _ in 0..50 {
        assert!(
            world
                .verify(&old.ed(&header(), &claims_at(now)))
                .await
                .is_err()
        );
    }
    assert!(server.asked() <= asked + 1);
    server.down(false);
    let now = world.pass(60);
    assert!(
        world
            .verify(&old.ed(&header(), &claims_at(now)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_issuer_that_comes_later_is_found() {
    let (old, _, first, ..) = before_and_after();
    let server = Server::start(&first).await;
    server.down(true);
    let mut world = server.world().await;
    let of_old = old.ed(&header(), &claims());
    assert!(world.verify(&of_old).await.is_err());
    server.down(false);
    world.pass(60);
    assert!(world.verify(&of_old).await.is_ok());
}

#[tokio::test]
async fn keys_come_from_the_configured_server_alone_and_are_of_bounded_size() {
    let (old, _, first, ..) = before_and_after();
    let of_old = old.ed(&header(), &claims());
    let server = Server::start(&first).await;
    let elsewhere = Server::start(&first).await;
    // Another CA's certificate; a CA that browsers do not know.
    for ca in [elsewhere.ca(), None] {
        let world = World::at(&format!("https://{}/jwks", server.address), ca).await;
        assert!(world.verify(&of_old).await.is_err());
    }
    let huge = "x".repeat(1 << 21);
    for answer in [
        format!(
            "HTTP/1.1 302 Found\r\nlocation: https://{}/jwks\r\ncontent-length: 0\r\n\r\n",
            elsewhere.address
        ),
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_owned(),
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{{\"keys\":[],\"x\":\"{huge}\"}}"),
        "garbage".to_owned(),
    ] {
        server.answer(answer.into_bytes());
        let world = server.world().await;
        assert!(world.verify(&of_old).await.is_err());
    }
    assert_eq!(elsewhere.asked(), 0);
}
