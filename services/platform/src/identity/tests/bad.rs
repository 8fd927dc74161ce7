//! Every way to be refused, and one answer to all of them.

use ring::signature::KeyPair;
use serde_json::{Value, json};

use super::forge::{
    AUDIENCE, Forge, ISSUER, NOW, RSA_1024_TOKEN, RSA_2048, RSA_2048_TOKEN, RSA_PS256_TOKEN, World,
    b64, claims, header, token, with, without,
};
use crate::error::Error;

/// Tokens that prove nothing, each with what is wrong with it.
fn bad(forge: &Forge) -> Vec<(&'static str, String)> {
    let good = forge.ed(&header(), &claims());
    let mut bad = Vec::new();
    bad.extend(bad_times(forge));
    bad.extend(bad_names(forge));
    bad.extend(bad_algorithms(forge));
    bad.extend(bad_headers(forge));
    bad.extend(bad_claims(forge));
    bad.extend(bad_shapes(forge, &good));
    bad
}

fn bad_times(forge: &Forge) -> Vec<(&'static str, String)> {
    let ed = |claims: Value| forge.ed(&header(), &claims);
    let exp = |value: Value| ed(with(claims(), "exp", value));
    let raw = |exp: &str| {
        let text = without(claims(), "exp").to_string();
        forge.ed_raw(
            header().to_string(),
            text.replacen('{', &format!("{{\"exp\":{exp},"), 1),
        )
    };
    let old = |exp: i64| {
        let claims = with(with(claims(), "iat", NOW - 900), "nbf", NOW - 900);
        ed(with(claims, "exp", exp))
    };
    vec![
        ("expired", old(NOW - 61)),
        ("expired the very second", old(NOW - 60)),
        ("no expiry", ed(without(claims(), "exp"))),
        ("expiry null", exp(Value::Null)),
        ("expiry as a text", exp(json!((NOW + 900).to_string()))),
        ("expiry with a fraction", exp(json!(NOW as f64 + 900.5))),
        ("expiry as a float", raw("1751328900.0")),
        ("expiry with an exponent", raw("1e300")),
        ("expiry not a number", raw("NaN")),
        ("expiry infinite", raw("Infinity")),
        ("expiry beyond all time", exp(json!(i64::MAX))),
        ("expiry beyond 64 bits", raw("99999999999999999999999999")),
        ("expiry negative", exp(json!(-1))),
        ("expiry true", exp(json!(true))),
        ("expiry a list", exp(json!([NOW + 900]))),
        ("not yet valid", ed(with(claims(), "nbf", NOW + 61))),
        ("valid from a text", ed(with(claims(), "nbf", "soon"))),
        ("issued in the future", ed(with(claims(), "iat", NOW + 61))),
        ("issued at null", ed(with(claims(), "iat", Value::Null))),
        ("lives too long", ed(with(claims(), "exp", NOW + 86_401))),
        (
            "lives too long and does not say since when",
            ed(with(without(claims(), "iat"), "exp", NOW + 86_401)),
        ),
        (
            "expires before it was issued",
            ed(with(claims(), "exp", NOW - 10)),
        ),
    ]
}

fn bad_names(forge: &Forge) -> Vec<(&'static str, String)> {
    let ed = |claims: Value| forge.ed(&header(), &claims);
    let issuer = |value: Value| ed(with(claims(), "iss", value));
    let audience = |value: Value| ed(with(claims(), "aud", value));
    vec![
        (
            "another issuer",
            issuer(json!("https://login.example.com/realms/city")),
        ),
        ("issuer with a slash", issuer(json!(format!("{ISSUER}/")))),
        ("issuer in capitals", issuer(json!(ISSUER.to_uppercase()))),
        ("issuer in a list", issuer(json!([ISSUER]))),
        ("no issuer", ed(without(claims(), "iss"))),
        ("another audience", audience(json!("account"))),
        ("other audiences", audience(json!(["account", "motcua2"]))),
        (
            "an audience that begins like ours",
            audience(json!("motcua.evil")),
        ),
        ("two audiences in a text", audience(json!("motcua account"))),
        ("an audience that is none", audience(json!([AUDIENCE, 7]))),
        ("no audience", ed(without(claims(), "aud"))),
        ("no audience in the list", audience(json!([]))),
        (
            "audience in an object",
            audience(json!({ "motcua": "motcua" })),
        ),
        ("no subject", ed(without(claims(), "sub"))),
        ("subject of no length", ed(with(claims(), "sub", ""))),
        ("subject a number", ed(with(claims(), "sub", 7))),
    ]
}

fn bad_algorithms(forge: &Forge) -> Vec<(&'static str, String)> {
    let named = |alg: &str, kid: &str| json!({ "alg": alg, "typ": "JWT", "kid": kid });
    let unsigned = |alg: &str| {
        format!(
            "{}.{}.",
            b64(named(alg, "ed").to_string()),
            b64(claims().to_string())
        )
    };
    let public = forge.ed.public_key().as_ref();
    // SubjectPublicKeyInfo of an Ed25519 key: RFC 8410.
    let mut der = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    der.extend_from_slice(public);
    let pem = pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_slice()));
    let jwk = forge.jwks()["keys"][0].to_string();
    let hs = |kid: &str, secret: &[u8]| Forge::hmac(&named("HS256", kid), &claims(), secret);
    vec![
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg NONE", unsigned("NONE")),
        ("alg nOnE", unsigned("nOnE")),
        ("alg of no length", unsigned("")),
        (
            "alg none with a signature",
            forge.ed(&named("none", "ed"), &claims()),
        ),
        ("alg EdDSA without a signature", unsigned("EdDSA")),
        (
            "alg in small letters",
            forge.ed(&named("eddsa", "ed"), &claims()),
        ),
        (
            "alg with a space",
            forge.ed(&named("EdDSA ", "ed"), &claims()),
        ),
        (
            "no alg",
            forge.ed(&json!({ "typ": "JWT", "kid": "ed" }), &claims()),
        ),
        (
            "alg null",
            forge.ed(&with(header(), "alg", Value::Null), &claims()),
        ),
        (
            "alg in a list",
            forge.ed(&with(header(), "alg", json!(["EdDSA"])), &claims()),
        ),
        ("HS256 with the public key", hs("ed", public)),
        ("HS256 with the public key in DER", hs("ed", &der)),
        ("HS256 with the public key in PEM", hs("ed", pem.as_bytes())),
        ("HS256 with the JWK", hs("ed", jwk.as_bytes())),
        (
            "HS256 with the modulus",
            hs("rsa-2048", RSA_2048.as_bytes()),
        ),
        (
            "HS256 with the secret of the document",
            hs("secret", b"secret"),
        ),
        (
            "EdDSA's name over an HMAC",
            Forge::hmac(&header(), &claims(), public),
        ),
        (
            "ES256 for an RSA key",
            forge.ec(&named("ES256", "rsa-2048"), &claims()),
        ),
        (
            "ES256 for an Ed25519 key",
            forge.ec(&named("ES256", "ed"), &claims()),
        ),
        (
            "EdDSA for a P-256 key",
            forge.ed(&named("EdDSA", "ec"), &claims()),
        ),
        (
            "RS256 for a P-256 key",
            forge.ec(&named("RS256", "ec"), &claims()),
        ),
        ("ES384", forge.ec(&named("ES384", "ec"), &claims())),
        ("PS256 of the right key", RSA_PS256_TOKEN.to_owned()),
        ("an RSA key that is too short", RSA_1024_TOKEN.to_owned()),
        (
            "a key whose own alg differs",
            forge.ed(&named("EdDSA", "other-alg"), &claims()),
        ),
        (
            "a key for encryption",
            forge.ed(&named("EdDSA", "for-encryption"), &claims()),
        ),
        (
            "a key for wrapping",
            forge.ed(&named("EdDSA", "for-wrapping"), &claims()),
        ),
        (
            "a private key that was published",
            forge.ed(&named("EdDSA", "private"), &claims()),
        ),
        (
            "a signature in ASN.1",
            token(
                named("ES256", "ec").to_string(),
                claims().to_string(),
                |_| {
                    let mut asn1 = vec![0x30, 0x44, 0x02, 0x20];
                    asn1.extend([1; 32]);
                    asn1.extend([0x02, 0x20]);
                    asn1.extend([1; 32]);
                    asn1
                },
            ),
        ),
        (
            "a signature of zeros",
            token(
                named("ES256", "ec").to_string(),
                claims().to_string(),
                |_| vec![0; 64],
            ),
        ),
    ]
}

fn bad_headers(forge: &Forge) -> Vec<(&'static str, String)> {
    let hidden = |header: &Value| {
        token(header.to_string(), claims().to_string(), |signed| {
            forge.hidden.sign(signed).as_ref().to_vec()
        })
    };
    let own = super::forge::ed_jwk(&forge.hidden, "ed");
    let ed = |name: &str, value: Value| forge.ed(&with(header(), name, value), &claims());
    let raw = |text: &str| forge.ed_raw(text, claims().to_string());
    vec![
        (
            "a key that nobody knows",
            hidden(&with(header(), "kid", "hidden")),
        ),
        ("another key under a known name", hidden(&header())),
        (
            "a key of its own in the header",
            hidden(&with(header(), "jwk", own.clone())),
        ),
        (
            "keys of its own elsewhere",
            hidden(&with(header(), "jku", "https://evil.example.com/jwks.json")),
        ),
        (
            "a certificate of its own elsewhere",
            hidden(&with(header(), "x5u", "https://evil.example.com/x.pem")),
        ),
        (
            "a certificate of its own",
            hidden(&with(header(), "x5c", json!(["MIIB"]))),
        ),
        (
            "no kid where there are several keys",
            forge.ed(&without(header(), "kid"), &claims()),
        ),
        (
            "kid null where there are several keys",
            ed("kid", Value::Null),
        ),
        ("kid of no length", ed("kid", json!(""))),
        ("kid a path", ed("kid", json!("../../../../dev/null"))),
        ("kid a statement", ed("kid", json!("ed' OR '1'='1"))),
        ("kid a number", ed("kid", json!(7))),
        ("kid with a NUL", ed("kid", json!("ed\u{0}"))),
        ("crit", ed("crit", json!(["exp"]))),
        ("crit of nothing", ed("crit", json!([]))),
        ("crit null", ed("crit", Value::Null)),
        ("b64", ed("b64", json!(false))),
        ("zip", ed("zip", json!("DEF"))),
        ("a nested token by its content", ed("cty", json!("JWT"))),
        ("another type", ed("typ", json!("dpop+jwt"))),
        ("a type of logout", ed("typ", json!("logout+jwt"))),
        ("type a number", ed("typ", json!(1))),
        (
            "alg twice",
            raw(r#"{"alg":"none","alg":"EdDSA","kid":"ed"}"#),
        ),
        ("kid twice", raw(r#"{"alg":"EdDSA","kid":"x","kid":"ed"}"#)),
        (
            "a header in a list",
            raw(r#"["EdDSA","ed",null,false,false,false,false]"#),
        ),
        (
            "a header that goes on",
            raw(r#"{"alg":"EdDSA","kid":"ed"}{}"#),
        ),
        ("a header of nothing", raw("")),
        (
            "a header that is no UTF-8",
            forge.ed_raw(
                b"{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"a\":\"\xff\"}",
                claims().to_string(),
            ),
        ),
        (
            "a header that is deep",
            raw(&format!(
                r#"{{"alg":"EdDSA","kid":"ed","a":{}{}}}"#,
                "[".repeat(1_500),
                "]".repeat(1_500)
            )),
        ),
    ]
}

fn bad_claims(forge: &Forge) -> Vec<(&'static str, String)> {
    let raw = |payload: &[u8]| forge.ed_raw(header().to_string(), payload);
    let text = claims().to_string();
    let more = |more: &str| raw(text.replacen('{', &format!("{{{more},"), 1).as_bytes());
    let many: Vec<_> = (0..65).map(|n| format!("g{n}")).collect();
    let codes: String = (0..1_025).map(|n| format!("{n:x} ")).collect();
    let inner = forge.ed(&header(), &claims());
    vec![
        ("claims of nothing", raw(b"")),
        ("claims null", raw(b"null")),
        ("claims in a list", raw(b"[]")),
        ("claims in a text", raw(b"\"x\"")),
        ("claims that go on", raw(format!("{text}{text}").as_bytes())),
        (
            "claims that are cut off",
            raw(&text.as_bytes()[..text.len() - 1]),
        ),
        ("claims that are no UTF-8", raw(b"{\"iss\":\"\xff\xfe\"}")),
        (
            "claims with a byte-order mark",
            raw(format!("\u{feff}{text}").as_bytes()),
        ),
        (
            "claims that are deep",
            more(&format!(
                r#""a":{}{}"#,
                "[".repeat(2_000),
                "]".repeat(2_000)
            )),
        ),
        (
            "an issuer twice",
            more(r#""iss":"https://evil.example.com""#),
        ),
        ("an expiry twice", more(r#""exp":99999999999"#)),
        ("a subject twice", more(r#""sub":"administrator-1""#)),
        (
            "a claim twice by another spelling",
            more(r#""s\u0075b":"administrator-1""#),
        ),
        ("a token inside", raw(inner.as_bytes())),
        (
            "more groups than anybody has",
            forge.ed(&header(), &with(claims(), "groups", many)),
        ),
        (
            "more agencies than anybody has",
            forge.ed(&header(), &with(claims(), "motcua_agencies", codes)),
        ),
        (
            "claims that are huge",
            forge.ed(&header(), &with(claims(), "a", "x".repeat(9_000))),
        ),
        (
            "claims that are far too huge",
            forge.ed(&header(), &with(claims(), "a", "x".repeat(1 << 20))),
        ),
    ]
}

fn bad_shapes(forge: &Forge, good: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<_> = good.split('.').collect();
    let [first, second, third] = parts[..] else {
        panic!("three parts")
    };
    let cut = |part: &str| part[..part.len() - 1].to_owned();
    let other = |part: &str| {
        // Another letter in the middle: still base64url.
        let mut bytes = part.as_bytes().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let admin = with(
        claims(),
        "realm_access",
        json!({ "roles": ["administrator"] }),
    );
    let elsewhere = forge.ed(&header(), &admin);
    let ec_header = json!({ "alg": "EdDSA", "kid": "ec" });
    // The last letter of 64 bytes holds two bits of nothing.
    let loose = {
        let last = third.as_bytes()[third.len() - 1];
        let next = match last {
            b'A' => 'B',
            b'Q' => 'R',
            b'g' => 'h',
            _ => 'x',
        };
        format!("{first}.{second}.{}{next}", cut(third))
    };
    let other_alphabet = |part: &str| part.replace('-', "+").replace('_', "/");
    let rsa: Vec<_> = RSA_2048_TOKEN.split('.').collect();
    vec![
        ("nothing", String::new()),
        ("a dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("three dots", "...".to_owned()),
        ("a space", " ".to_owned()),
        ("words", "let me in".to_owned()),
        ("a NUL", "\0".to_owned()),
        ("one part", first.to_owned()),
        ("two parts", format!("{first}.{second}")),
        ("no signature", format!("{first}.{second}.")),
        ("no header", format!(".{second}.{third}")),
        ("no claims", format!("{first}..{third}")),
        ("a fourth part", format!("{good}.{third}")),
        ("a fourth part of nothing", format!("{good}.")),
        (
            "five parts, as if encrypted",
            format!("{first}.{second}.{second}.{second}.{third}"),
        ),
        ("five parts, mostly empty", format!("{first}....{third}")),
        (
            "a header cut off",
            format!("{}.{second}.{third}", cut(first)),
        ),
        ("claims cut off", format!("{first}.{}.{third}", cut(second))),
        (
            "a signature cut off",
            format!("{first}.{second}.{}", cut(third)),
        ),
        (
            "a header changed",
            format!("{}.{second}.{third}", other(first)),
        ),
        (
            "a header of another key",
            format!("{}.{second}.{third}", b64(ec_header.to_string())),
        ),
        (
            "claims changed",
            format!("{first}.{}.{third}", other(second)),
        ),
        (
            "claims of another token",
            format!("{first}.{}.{third}", elsewhere.split('.').nth(1).unwrap()),
        ),
        (
            "a signature changed",
            format!("{first}.{second}.{}", other(third)),
        ),
        (
            "a signature of another token",
            format!("{first}.{second}.{}", elsewhere.split('.').nth(2).unwrap()),
        ),
        ("a signature with bits of nothing", loose),
        (
            "a signature in the other alphabet",
            format!("{}.{}.{}", rsa[0], rsa[1], other_alphabet(rsa[2])),
        ),
        (
            "a header with padding",
            format!("{first}==.{second}.{third}"),
        ),
        ("a signature with padding", format!("{good}==")),
        ("Bearer before it", format!("Bearer {good}")),
        ("a space before it", format!(" {good}")),
        ("a line's end after it", format!("{good}\n")),
        ("a NUL after it", format!("{good}\0")),
        ("a NUL inside", format!("{first}\0.{second}.{third}")),
        ("letters that look alike", good.replacen('e', "е", 1)),
        ("a letter's marks", format!("{good}\u{301}")),
        (
            "JSON instead",
            json!({ "payload": second, "protected": first, "signature": third }).to_string(),
        ),
        ("huge", "a".repeat(1 << 20)),
        (
            "huge, with its dots",
            format!("{0}.{0}.{0}", "a".repeat(3_000)),
        ),
        ("one byte too long", "a".repeat(8 * 1024 + 1)),
        ("only dots", ".".repeat(8 * 1024)),
    ]
}

#[tokio::test]
async fn every_bad_token_gets_the_same_answer() {
    let forge = Forge::new();
    let world = World::of(&forge.jwks()).await;
    let bad = bad(&forge);
    assert!(bad.len() >= 150, "{}", bad.len());
    let answers = ["the credential is missing or proves nothing"];
    // Twice: nothing of what was refused is remembered as good.
    for (what, token) in bad.iter().chain(&bad) {
        match world.verify(token).await {
            Ok(_) => panic!("{what} is accepted"),
            Err(refused) => {
                assert_eq!(refused.to_string(), answers[0], "{what}");
                assert!(matches!(Error::from(refused), Error::Unauthenticated));
            }
        }
    }
    // They were bad, not the verifier.
    assert!(world.verify(&forge.ed(&header(), &claims())).await.is_ok());
}

#[tokio::test]
async fn what_is_good_in_one_letter_less_is_bad() {
    let forge = Forge::new();
    let world = World::of(&forge.jwks()).await;
    let good = forge.ed(&header(), &claims());
    for length in 0..good.len() {
        assert!(world.verify(&good[..length]).await.is_err(), "{length}");
        let without = format!("{}{}", &good[..length], &good[length + 1..]);
        assert!(world.verify(&without).await.is_err(), "{length}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_comes_is_refused_without_a_panic(header: Vec<u8>, payload: Vec<u8>, text in ".{0,200}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let forge = Forge::new();
            let world = World::of(&forge.jwks()).await;
            for token in [forge.ed_raw(&header, &payload), forge.ed_raw(r#"{"alg":"EdDSA","kid":"ed"}"#, &payload), text] {
                assert!(world.verify(&token).await.is_err());
            }
        });
    }
}
