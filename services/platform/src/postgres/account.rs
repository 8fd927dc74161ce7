//! As whom the server runs, and whether that user can get to a directory.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::error::{Doing, Error};

/// Users that root steps down to, the better one first.
const STEP_DOWN_TO: [&str; 2] = ["postgres", "nobody"];

/// The user that PostgreSQL's programs run as, and that owns its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whether this is another user than we are ourselves.
    steps_down: bool,
}

impl Account {
    /// Ourselves; or, since PostgreSQL refuses to run as root, the user that root steps down to.
    pub(super) fn choose() -> Result<Self, Error> {
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            let gid = rustix::process::getegid().as_raw();
            return Ok(Self {
                name: format!("with id {uid}"),
                uid: uid.as_raw(),
                gid,
                steps_down: false,
            });
        }
        let passwd = fs::read_to_string("/etc/passwd").doing(|| "read /etc/passwd".to_owned())?;
        step_down_to(&passwd).ok_or(Error::NoAccount)
    }

    /// Checks that we can make a directory this user's: as root any, otherwise only what is ours already.
    pub(super) fn check_owner(&self, directory: &Path) -> Result<(), Error> {
        let owner = fs::metadata(directory)
            .doing(|| format!("look at {}", directory.display()))?
            .uid();
        if self.steps_down || owner == self.uid {
            Ok(())
        } else {
            Err(self.is_others(directory, owner))
        }
    }

    /// The owner of a data directory that is there already: data that another user's motcua has made stays that user's.
    pub(super) fn owning(self, directory: &Path) -> Result<Self, Error> {
        let there = fs::metadata(directory).doing(|| format!("look at {}", directory.display()))?;
        if there.uid() == self.uid {
            return Ok(self);
        }
        if self.steps_down && there.uid() != 0 {
            return Ok(Self {
                name: format!("with id {}", there.uid()),
                uid: there.uid(),
                gid: there.gid(),
                ..self
            });
        }
        Err(self.is_others(directory, there.uid()))
    }

    fn is_others(&self, directory: &Path, owner: u32) -> Error {
        Error::OtherOwner {
            directory: directory.to_owned(),
            owner,
            own: self.uid,
        }
    }

    /// A command that runs as this user, in a clean environment: variables such as `PGOPTIONS` or a locale of the
    /// caller's change neither what the server does nor the language of what we read.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        for kept in ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        if self.steps_down {
            // The standard library drops root's supplementary groups along with the user id.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes this user the owner; of a symbolic link itself, not of what it points to.
    pub(super) fn own(&self, path: &Path) -> Result<(), Error> {
        if !self.steps_down {
            return Ok(());
        }
        lchown(path, Some(self.uid), Some(self.gid))
            .doing(|| format!("give {} to user {}", path.display(), self.name))
    }

    /// Checks that every ancestor of a canonical path lets this user through, and names the one that does not.
    pub(super) fn check_passable(&self, path: &Path) -> Result<(), Error> {
        let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
        ancestors.reverse();
        for ancestor in ancestors {
            let there =
                fs::metadata(ancestor).doing(|| format!("look at {}", ancestor.display()))?;
            if !self.may_pass(there.uid(), there.gid(), there.mode()) {
                return Err(Error::Impassable {
                    directory: path.to_owned(),
                    ancestor: ancestor.to_owned(),
                    mode: there.mode() & 0o7777,
                    user: self.name.clone(),
                });
            }
        }
        Ok(())
    }

    /// The kernel's rule: the first class that fits decides, and no other. Where we do not step down, our further groups
    /// count as well, and having come this far is the proof.
    fn may_pass(&self, owner: u32, group: u32, mode: u32) -> bool {
        let bit = if owner == self.uid {
            0o100
        } else if group == self.gid {
            0o010
        } else {
            0o001
        };
        !self.steps_down || mode & bit != 0
    }
}

/// Finds the user to step down to in the text of /etc/passwd.
fn step_down_to(passwd: &str) -> Option<Account> {
    STEP_DOWN_TO.iter().find_map(|wanted| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| name == wanted)?;
            let uid = fields.nth(1)?.parse().ok().filter(|&uid| uid != 0)?;
            let gid = fields.next()?.parse().ok()?;
            Some(Account {
                name: name.to_owned(),
                uid,
                gid,
                steps_down: true,
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres() -> Account {
        Account {
            name: "postgres".to_owned(),
            uid: 101,
            gid: 104,
            steps_down: true,
        }
    }

    #[test]
    fn root_steps_down_to_postgres_before_nobody() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:104:,,,:/:/bin/sh\n";
        assert_eq!(step_down_to(passwd), Some(postgres()));
    }

    #[test]
    fn a_user_that_is_root_by_another_name_is_not_stepped_down_to() {
        assert_eq!(step_down_to("postgres:x:0:0::/:/bin/sh\n"), None);
    }

    #[test]
    fn the_first_class_that_fits_decides() {
        assert!(postgres().may_pass(0, 0, 0o755));
        assert!(!postgres().may_pass(0, 0, 0o700));
        assert!(postgres().may_pass(0, 104, 0o710));
        assert!(!postgres().may_pass(101, 104, 0o077));
    }
}
