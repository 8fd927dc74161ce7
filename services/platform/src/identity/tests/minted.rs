//! An issuer of our own.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use motcua_proto::{events::v1::EventKind, r#type::v1::Role};

use super::forge::{AUDIENCE, ISSUER, NOW, World, at};
use crate::identity::{
    Agencies, Kinds, Principal,
    claims::Claims,
    mint::{LIFETIME, Minted, SigningKey},
};

fn somebody() -> Principal {
    Principal {
        id: "system-tax".to_owned(),
        roles: vec![Role::System],
        agencies: Agencies::Some(["11593".to_owned()].into()),
        groups: vec!["counter-1".to_owned()],
        kinds: Kinds::Some([EventKind::DossierAccepted].into()),
    }
}

fn minted<'a>(principal: &'a Principal, claims: &'a Claims, lifetime: Duration) -> Minted<'a> {
    Minted {
        principal,
        lifetime,
        issuer: ISSUER,
        audience: AUDIENCE,
        claims,
    }
}

#[tokio::test]
async fn what_is_minted_is_what_is_proved_and_for_no_longer() {
    let (key, claims) = (SigningKey::generate().unwrap(), Claims::default());
    let mut world = World::of(&key.jwks(&[])).await;
    let token = key
        .mint_at(&minted(&somebody(), &claims, LIFETIME), at(NOW))
        .unwrap();
    assert_eq!(*world.verify(&token).await.unwrap(), somebody());
    world.pass(15 * 60 + 60);
    assert!(world.verify(&token).await.is_err());
}

#[test]
fn nothing_is_minted_that_would_be_refused() {
    let (key, claims) = (SigningKey::generate().unwrap(), Claims::default());
    let refused = |principal: Principal, lifetime: u64| {
        key.mint(&minted(&principal, &claims, Duration::from_secs(lifetime)))
            .unwrap_err()
            .to_string()
    };
    let named = |id: &str| Principal {
        id: id.to_owned(),
        ..somebody()
    };
    assert!(refused(named("Trần Ví Dụ"), 900).contains("principal"));
    assert!(refused(named("001199000001"), 900).contains("principal"));
    assert!(refused(somebody(), 0).contains("lifetime"));
    assert!(refused(somebody(), 86_401).contains("lifetime"));
    let service = Principal {
        roles: vec![Role::Service],
        ..somebody()
    };
    assert!(refused(service, 900).contains("a service"));
    let many = Principal {
        agencies: Agencies::Some((0..1_024).map(|n| format!("agency-{n}")).collect()),
        ..somebody()
    };
    assert!(refused(many, 900).contains("too many"));
}

#[test]
fn a_key_is_kept_in_a_file_that_nobody_else_reads() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token-key.pem");
    let key = SigningKey::generate().unwrap();
    key.save(&file).unwrap();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(SigningKey::open(&file).unwrap().jwk(), key.jwk());
    // Again, over the one that is there.
    let next = SigningKey::generate().unwrap();
    next.save(&file).unwrap();
    assert_eq!(SigningKey::open(&file).unwrap().id(), next.id());
    assert!(!format!("{key:?}").contains("pkcs8"));

    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    let error = SigningKey::open(&file).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    std::fs::write(
        &file,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    assert!(SigningKey::open(&file).is_err());
}

/// The key of RFC 8037, appendix A, and the thumbprint that stands there.
#[test]
fn the_name_of_a_key_is_its_thumbprint() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    let seed = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ];
    // As openssl writes it, without the public half: RFC 8410, section 7.
    let mut pkcs8 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    pkcs8.extend(seed);
    let text = pem::encode(&pem::Pem::new("PRIVATE KEY", pkcs8));
    crate::identity::mint::write_private(&file, text.as_bytes()).unwrap();
    let key = SigningKey::open(&file).unwrap();
    assert_eq!(
        key.jwk()["x"],
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    );
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}
