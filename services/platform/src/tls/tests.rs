//! What is taken from a directory, and what is refused with which words.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{
    material::Material,
    place::Place,
    testing::{Authority, Pair},
    *,
};

struct Desk {
    directory: TempDir,
    authority: Authority,
}

impl Desk {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            authority: Authority::new("authority"),
        }
    }

    fn with(pair: impl FnOnce(&Authority) -> Pair) -> Self {
        let desk = Self::new();
        desk.authority
            .equips_with(desk.directory.path(), "intake", &pair(&desk.authority));
        desk
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn check(&self) -> Result<(), Error> {
        Tls::check(self.directory.path(), "intake")
    }

    fn material(&self) -> Material {
        Place::service(self.directory.path(), "intake")
            .load()
            .unwrap()
            .1
    }
}

fn sound(authority: &Authority) -> Pair {
    authority.vouches_for("intake")
}

#[test]
fn a_directory_as_it_should_be_is_taken() {
    Desk::with(sound).check().unwrap();
}

#[test]
fn what_is_missing_is_named_with_the_remedy() {
    for name in ["ca.pem", "intake.pem", "intake.key"] {
        let desk = Desk::with(sound);
        fs::remove_file(desk.file(name)).unwrap();
        let error = desk.check().unwrap_err();
        assert!(
            matches!(&error, Error::Unreadable { file, .. } if *file == desk.file(name)),
            "{error}"
        );
        let remedy = format!("motcua certs init {}", desk.directory.path().display());
        assert!(error.to_string().contains(&remedy), "{error}");
    }
}

#[test]
fn what_holds_something_else_is_named() {
    for name in ["ca.pem", "intake.pem", "intake.key"] {
        for text in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let desk = Desk::with(sound);
            fs::write(desk.file(name), text).unwrap();
            let error = desk.check().unwrap_err();
            assert!(error.to_string().contains(name), "{name}: {error}");
        }
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    for mode in [0o640, 0o604, 0o660, 0o644] {
        let desk = Desk::with(sound);
        fs::set_permissions(desk.file("intake.key"), fs::Permissions::from_mode(mode)).unwrap();
        let error = desk.check().unwrap_err();
        assert!(matches!(error, Error::Exposed { mode: seen, .. } if seen == mode));
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_certificate_that_no_peer_would_accept_is_refused() {
    let mixed = Desk::with(|authority| Pair {
        key: authority.vouches_for("intake").key,
        ..authority.vouches_for("intake")
    });
    assert!(matches!(mixed.check(), Err(Error::Mismatched { .. })));
    let foreign = Desk::with(|_| Authority::new("authority").vouches_for("intake"));
    assert!(matches!(foreign.check(), Err(Error::Foreign { .. })));
    for others in ["workflow.motcua.internal", "*.motcua.internal", "localhost"] {
        let misnamed = Desk::with(|authority| authority.signs(&[others], (2020, 2090)));
        assert!(
            matches!(misnamed.check(), Err(Error::Misnamed { .. })),
            "{others}"
        );
    }
}

#[test]
fn a_certificate_names_one_service_or_none() {
    let authority = Authority::new("authority");
    let names = |names: &[&str]| service_of(&authority.signs(names, (2020, 2090)).der());
    assert_eq!(
        names(&["localhost", "Workflow.motcua.internal", "10.0.0.7"]),
        Some("workflow")
    );
    assert_eq!(
        names(&["intake.motcua.internal", "workflow.motcua.internal"]),
        None
    );
    for nobody in [
        "*.motcua.internal",
        "payments.motcua.internal",
        "intake.motcua.internal.example.org",
        "intake",
    ] {
        assert_eq!(names(&[nobody]), None, "{nobody}");
    }
}

#[test]
fn a_certificate_is_spoken_of_before_it_ends() {
    let desk = Desk::with(|authority| authority.signs(&["intake.motcua.internal"], (2020, 2030)));
    let material = desk.material();
    let said = |at: &str| material.ends_soon(at.parse::<Timestamp>().unwrap());
    assert_eq!(said("2029-12-17T00:00:00Z"), None);
    assert_eq!(
        said("2029-12-19T00:00:00Z").unwrap(),
        "the certificate ends on 2030-01-01"
    );
    assert!(
        said("2030-01-02T00:00:00Z")
            .unwrap()
            .contains("has ended on 2030-01-01")
    );
    assert!(
        said("2019-12-31T00:00:00Z")
            .unwrap()
            .contains("not valid before 2020-01-01")
    );
    Desk::with(|authority| authority.signs(&["intake.motcua.internal"], (2020, 2021)))
        .check()
        .unwrap();
}
