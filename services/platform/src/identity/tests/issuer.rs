//! Against a real issuer, which is somebody else's reading of the same standards.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use motcua_proto::r#type::v1::Role;
use serde_json::Value;

use crate::identity::{
    Agencies, Kinds,
    claims::Claims,
    tokens::{Settings, Verifier},
};

/// `npm install oidc-provider` somewhere, then
/// `MOTCUA_OIDC_PROVIDER=THERE cargo nextest run -p motcua-platform --run-ignored only -E 'test(oidc_provider)'`.
#[tokio::test]
#[ignore = "needs node, and the directory of npm's oidc-provider in MOTCUA_OIDC_PROVIDER"]
async fn the_tokens_of_oidc_provider_are_accepted() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/identity/tests/issuer.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .current_dir(std::env::var("MOTCUA_OIDC_PROVIDER").unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The package greets before the script says where it is.
    let address = BufReader::new(node.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("http://"))
        .unwrap();
    let settings = |audience: &str| Settings {
        jwks: format!("{address}/jwks"),
        jwks_ca: None,
        issuer: address.clone(),
        audience: audience.to_owned(),
        claims: Claims::default(),
    };
    let verifier = Verifier::open(settings("motcua")).await.unwrap();
    let elsewhere = Verifier::open(settings("another")).await.unwrap();
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        let url = format!("{address}/token");
        let token = tokio::task::spawn_blocking(move || token_of(&url, algorithm));
        let token = token.await.unwrap();
        let principal = verifier.verify(&token).await.expect(algorithm).principal;
        assert_eq!(principal.id, algorithm);
        assert_eq!(principal.roles, [Role::System]);
        assert_eq!(
            principal.agencies,
            Agencies::Some(["11593".to_owned()].into())
        );
        assert_eq!(principal.kinds, Kinds::All);
        assert!(elsewhere.verify(&token).await.is_err());
    }
    drop(node.stdin.take());
    node.wait().unwrap();
}

fn token_of(url: &str, client: &str) -> String {
    let secret = "a-secret-of-this-test-alone-that-opens-nothing";
    let agent = ureq::Agent::config_builder()
        .proxy(None)
        .build()
        .new_agent();
    let mut answer = agent
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", basic(client, secret))
        .send("grant_type=client_credentials")
        .unwrap();
    let answer: Value = serde_json::from_slice(&answer.body_mut().read_to_vec().unwrap()).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

fn basic(user: &str, word: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{user}:{word}")))
}
