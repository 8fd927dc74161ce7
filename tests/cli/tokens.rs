//! `motcua jwks` and `motcua token`: keys and tokens without a database.

use crate::support::motcua;

#[tokio::test]
async fn a_key_is_made_once_a_token_is_printed_alone_and_a_rotation_says_so() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let secrets = directory.path().join("secrets");
    let secrets = secrets.to_str().expect("a readable path");
    let environment = [("MOTCUA_SECRETS", secrets.to_owned())];
    let token = [
        "token",
        "--principal",
        "receptionist-11593-1",
        "--role",
        "receptionist",
        "--agency",
        "11593",
    ];
    let early = motcua(&token, &environment).await;
    assert!(
        !early.ok && early.stderr.contains("motcua jwks init"),
        "{early:?}"
    );

    let made = motcua(&["jwks", "init"], &environment).await;
    assert!(made.ok && made.stdout.contains("token-key.pem"), "{made:?}");
    let again = motcua(&["jwks", "init"], &environment).await;
    assert!(!again.ok && again.stderr.contains("--rotate"), "{again:?}");

    let answer = motcua(&token, &environment).await;
    assert!(answer.ok && answer.stderr.is_empty(), "{answer:?}");
    assert_eq!(answer.stdout.lines().count(), 1);
    assert_eq!(answer.stdout.trim().split('.').count(), 3);
    for (more, word) in [
        (&["--role", "service"][..], "must be one of"),
        (&["--minutes", "1441"], "24 hours"),
        (&["--kind", "WHATEVER"], "DOSSIER_SUBMITTED"),
        (&["--all-agencies"], "cannot be used with"),
    ] {
        let refused = motcua(&[&token, more].concat(), &environment).await;
        assert!(!refused.ok && refused.stderr.contains(word), "{refused:?}");
    }

    let one = motcua(&["jwks", "show"], &environment).await;
    let rotated = motcua(&["jwks", "init", "--rotate"], &environment).await;
    let two = motcua(&["jwks", "show"], &environment).await;
    assert!(one.ok && rotated.ok && two.ok, "{rotated:?}");
    let keys = |text: &str| text.matches("\"kid\"").count();
    assert_eq!((keys(&one.stdout), keys(&two.stdout)), (1, 2));
}
