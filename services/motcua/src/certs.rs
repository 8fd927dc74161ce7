//! `motcua certs`: a private authority, and the certificates by which the services know each other.

use std::{
    fs::{self, File, Permissions},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use motcua_platform::{
    clock::Clock,
    tls::{DOMAIN, SERVICES, Tls},
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustix::fs::{FlockOperation, flock};

use crate::Failed;

/// How long an authority lasts. Days.
const AUTHORITY_DAYS: u16 = 3_650;
/// The authority's name. Certificates are matched to it by name, so it never changes.
const AUTHORITY: &str = "motcua private authority";
/// Certificates hold from a little before they were made: clocks of other machines may be behind.
const HEAD_START: SignedDuration = SignedDuration::from_hours(1);
const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a private authority and the four services' certificates; run again, renew the certificates.
    ///
    /// Running services take renewed certificates within seconds, without a restart. The authority of a directory is
    /// kept for its ten years.
    Init {
        /// Where: ca.pem, ca.key, and for each service SERVICE.pem and SERVICE.key.
        directory: PathBuf,
        /// How long the services' certificates last.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=825))]
        days: u16,
        /// Another name or address of the machines, for clients that look for it; may be given several times.
        #[arg(long, value_name = "NAME")]
        host: Vec<String>,
    },
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failed> {
    let Command::Init {
        directory,
        days,
        host,
    } = command;
    for line in init(directory, *days, host)? {
        println!("{line}");
    }
    println!(
        "each machine needs ca.pem and the two files of its own services; renew with the same command and copy the files\n\
         there before the certificates end: nothing has to be restarted"
    );
    Ok(ExitCode::SUCCESS)
}

/// Makes what is missing and renews the rest, and says so. Either all of it is put into place or, where something is
/// wrong, none.
fn init(directory: &Path, days: u16, hosts: &[String]) -> Result<Vec<String>, Failed> {
    for host in hosts {
        check_host(host)?;
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(at(directory))?;
    let lock = File::open(directory).map_err(at(directory))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Failed::new(format!(
            "{}: somebody else is making certificates here; try again",
            directory.display()
        ))
    })?;
    let now = Clock::system().now();
    let drafts = tempfile::TempDir::with_prefix_in(".new-", directory).map_err(at(directory))?;
    let draft = drafts.path();
    let mut said = Vec::new();

    let authority = match kept(directory)? {
        Some(kept) => {
            fs::copy(directory.join("ca.pem"), draft.join("ca.pem")).map_err(at(directory))?;
            said.push("ca.pem, ca.key: the authority that was there".to_owned());
            kept
        }
        None => {
            let (authority, pem) = authority(now)?;
            write(&draft.join("ca.pem"), &pem, PUBLIC)?;
            write(
                &draft.join("ca.key"),
                &authority.key().serialize_pem(),
                SECRET,
            )?;
            said.push(format!(
                "ca.pem, ca.key: a new authority, until {}; keep ca.key where certificates are made, and nowhere else",
                day(after(now, AUTHORITY_DAYS)?)
            ));
            authority
        }
    };
    let until = after(now, days)?;
    for service in SERVICES {
        let (certificate, key) = certificate(&authority, service, hosts, now, until)?;
        write(&draft.join(format!("{service}.key")), &key, SECRET)?;
        write(&draft.join(format!("{service}.pem")), &certificate, PUBLIC)?;
        // As the service itself will look at them: also that the authority's two files belong together.
        Tls::check(draft, service)?;
        said.push(format!(
            "{service}.pem, {service}.key: {service}.{DOMAIN}, until {}",
            day(until)
        ));
    }

    // Each file is there whole, or as it was. A service that looks between a key and its certificate sees that they do
    // not belong together, keeps what it has, and looks again.
    for name in ["ca.key", "ca.pem"]
        .map(str::to_owned)
        .into_iter()
        .chain(
            SERVICES
                .into_iter()
                .flat_map(|service| [format!("{service}.key"), format!("{service}.pem")]),
        )
        .filter(|name| draft.join(name).exists())
    {
        let file = directory.join(&name);
        fs::rename(draft.join(&name), &file).map_err(at(&file))?;
    }
    lock.sync_all().map_err(at(directory))?;
    Ok(said)
}

fn check_host(host: &str) -> Result<(), Failed> {
    if host.eq_ignore_ascii_case(DOMAIN)
        || host.to_ascii_lowercase().ends_with(&format!(".{DOMAIN}"))
    {
        return Err(Failed::new(format!(
            "--host {host}: names in {DOMAIN} are the services' own, and every certificate has its own already"
        )));
    }
    let is_name = host.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    if is_name || host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(Failed::new(format!(
        "--host {host}: not the name or the address of a machine"
    )))
}

/// The authority of a directory, if it has one.
fn kept(directory: &Path) -> Result<Option<Issuer<'static, KeyPair>>, Failed> {
    let (certificate, key) = (directory.join("ca.pem"), directory.join("ca.key"));
    match (certificate.exists(), key.exists()) {
        (false, false) => return Ok(None),
        (true, true) => {}
        (true, false) => {
            return Err(Failed::new(format!(
                "{} is not there, and nobody else can sign for {}; bring it here, or remove the latter for a new \
                 authority, whose certificates every service then needs",
                key.display(),
                certificate.display()
            )));
        }
        (false, true) => {
            return Err(Failed::new(format!(
                "{} is not there, but its key is; bring it here, or remove {} for a new authority, whose certificates \
                 every service then needs",
                certificate.display(),
                key.display()
            )));
        }
    }
    let mode = fs::metadata(&key).map_err(at(&key))?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Failed::new(format!(
            "{} can be read by others (mode {mode:04o}): whoever has it can be any service; if nobody took it, \
             `chmod 600 {}`",
            key.display(),
            key.display()
        )));
    }
    let text = fs::read_to_string(&key).map_err(at(&key))?;
    let pair = KeyPair::from_pem(&text)
        .map_err(|error| Failed::new(format!("{} holds no private key: {error}", key.display())))?;
    // Only its name and its key go into what it signs.
    Ok(Some(Issuer::new(authority_params(), pair)))
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn authority(now: Timestamp) -> Result<(Issuer<'static, KeyPair>, String), Failed> {
    let mut params = authority_params();
    params.not_before = system_time(now - HEAD_START).into();
    params.not_after = system_time(after(now, AUTHORITY_DAYS)?).into();
    let key = pair()?;
    let certificate = params.self_signed(&key).map_err(unmade)?;
    Ok((Issuer::new(params, key), certificate.pem()))
}

/// A service's certificate and its key, as PEM.
fn certificate(
    authority: &Issuer<'static, KeyPair>,
    service: &str,
    hosts: &[String],
    now: Timestamp,
    until: Timestamp,
) -> Result<(String, String), Failed> {
    let name = format!("{service}.{DOMAIN}");
    let mut names = vec![name.clone(), "localhost".to_owned()];
    names.extend_from_slice(hosts);
    let mut params = CertificateParams::new(names).map_err(unmade)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = system_time(now - HEAD_START).into();
    params.not_after = system_time(until).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    let key = pair()?;
    let certificate = params.signed_by(&key, authority).map_err(unmade)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn pair() -> Result<KeyPair, Failed> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unmade)
}

fn after(now: Timestamp, days: u16) -> Result<Timestamp, Failed> {
    now.checked_add(SignedDuration::from_hours(24 * i64::from(days)))
        .map_err(|error| Failed::new(error.to_string()))
}

fn system_time(at: Timestamp) -> SystemTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn day(at: Timestamp) -> String {
    motcua_calendar::local(at).strftime("%Y-%m-%d").to_string()
}

fn write(file: &Path, text: &str, mode: u32) -> Result<(), Failed> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut opened = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(SECRET)
        .open(file)
        .map_err(at(file))?;
    opened.write_all(text.as_bytes()).map_err(at(file))?;
    opened
        .set_permissions(Permissions::from_mode(mode))
        .map_err(at(file))?;
    opened.sync_all().map_err(at(file))
}

fn at(file: &Path) -> impl Fn(std::io::Error) -> Failed {
    move |error| Failed::new(format!("{}: {error}", file.display()))
}

fn unmade(error: rcgen::Error) -> Failed {
    Failed::new(format!("a certificate cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn every_service_gets_what_its_peers_accept_and_renewal_keeps_the_authority() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("certificates");
        let made = init(
            &directory,
            90,
            &["counter.example.org".to_owned(), "10.0.0.7".to_owned()],
        );
        assert!(made.unwrap()[0].contains("a new authority"));
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join("ca.key")), 0o600);
        assert_eq!(mode(&directory.join("ca.pem")), 0o644);
        let read = |name: &str| fs::read(directory.join(name)).unwrap();
        let authority = (read("ca.pem"), read("ca.key"));
        let first = SERVICES.map(|service| read(&format!("{service}.pem")));
        for service in SERVICES {
            Tls::check(&directory, service).unwrap();
            assert_eq!(mode(&directory.join(format!("{service}.key"))), 0o600);
            assert_eq!(mode(&directory.join(format!("{service}.pem"))), 0o644);
        }

        let again = init(&directory, 30, &[]).unwrap();
        assert!(again[0].contains("the authority that was there"));
        assert_eq!((read("ca.pem"), read("ca.key")), authority);
        for (service, first) in SERVICES.into_iter().zip(first) {
            Tls::check(&directory, service).unwrap();
            assert_ne!(read(&format!("{service}.pem")), first);
        }
        // Ten files, and nothing left over.
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 10);
    }

    #[test]
    fn half_an_authority_is_not_replaced_behind_anybodys_back() {
        for (lost, named) in [("ca.key", "ca.pem"), ("ca.pem", "ca.key")] {
            let place = tempfile::tempdir().unwrap();
            init(place.path(), 90, &[]).unwrap();
            fs::remove_file(place.path().join(lost)).unwrap();
            let before = fs::read(place.path().join("intake.pem")).unwrap();
            let refused = init(place.path(), 90, &[]).unwrap_err().to_string();
            assert!(
                refused.contains(lost) && refused.contains(named),
                "{refused}"
            );
            assert_eq!(fs::read(place.path().join("intake.pem")).unwrap(), before);
        }
    }

    #[test]
    fn an_authority_whose_key_is_another_ones_or_open_signs_nothing() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        init(one.path(), 90, &[]).unwrap();
        init(other.path(), 90, &[]).unwrap();
        let before = fs::read(one.path().join("intake.pem")).unwrap();
        let key = one.path().join("ca.key");
        fs::copy(other.path().join("ca.key"), &key).unwrap();
        let refused = init(one.path(), 90, &[]).unwrap_err().to_string();
        assert!(refused.contains("not of the authority"), "{refused}");
        fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
        let refused = init(one.path(), 90, &[]).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        assert_eq!(fs::read(one.path().join("intake.pem")).unwrap(), before);
        assert_eq!(fs::read_dir(one.path()).unwrap().count(), 10);
    }

    #[test]
    fn a_host_is_a_machine_and_no_service() {
        for fine in ["localhost", "intake.example.org", "10.0.0.7", "::1"] {
            check_host(fine).unwrap();
        }
        for wrong in [
            "",
            "*.example.org",
            "a b",
            "https://intake",
            "workflow.motcua.internal",
            "MOTCUA.internal",
        ] {
            check_host(wrong).unwrap_err();
        }
    }
}
