//! The master key in a file that only its owner can read.
//!
//! A line for each generation, the newest first: its number and 64 hexadecimal digits.
//!
//! ```text
//! # The master key of motcua: …
//! 2 5f0c…
//! 1 a913…
//! ```

use std::{
    fmt::Write as _,
    fs, io,
    io::Write as _,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{Master, Wrapped};
use crate::vault::{Aad, Error, Secret};

const HEADER: &str = "\
# The master key of motcua. Whoever has it and a database reads everything; whoever loses it reads nothing ever again.
# Keep a copy apart from the copies of the databases. `motcua keys` makes the next generation; the newest stands first.
";

/// The permissions that others must not have.
const OTHERS: u32 = 0o077;

/// The master key, from a file. The file is read again when it has changed, so a new generation needs no restart.
#[derive(Debug)]
pub struct MasterFile {
    path: PathBuf,
    /// Goes with it, where it was made for it.
    _directory: Option<TempDir>,
    read: Mutex<Arc<Read>>,
}

#[derive(Debug)]
struct Read {
    stamp: Stamp,
    generations: Generations,
}

/// What is different once a file was written anew.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// The newest first; never empty.
#[derive(Debug, Clone)]
struct Generations {
    newest: (u32, Secret),
    older: Vec<(u32, Secret)>,
}

impl MasterFile {
    /// Makes a new one, with one generation. Never writes over an old one.
    ///
    /// # Errors
    /// When it is there already, or cannot be written.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let generations = Generations {
            newest: (1, Secret::random()?),
            older: Vec::new(),
        };
        write(path, &generations, false)?;
        Self::open(path)
    }

    /// A new one that is gone when it is dropped, and with it whatever it wrapped: for databases that do not stay either.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn passing() -> Result<Self, Error> {
        let directory = tempfile::tempdir().map_err(|error| {
            Error::MasterFile(format!("has no temporary directory to lie in: {error}"))
        })?;
        let master = Self::create(&directory.path().join("master.key"))?;
        Ok(Self {
            _directory: Some(directory),
            ..master
        })
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is not there, others can read it, or it is not such a file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            _directory: None,
            read: Mutex::new(Arc::new(read(path)?)),
            path: path.to_owned(),
        })
    }

    /// The numbers of its generations, the newest first.
    ///
    /// # Errors
    /// As [`MasterFile::open`].
    pub fn generations(&self) -> Result<Vec<u32>, Error> {
        let read = self.current()?;
        Ok(read.generations.iter().map(|(number, _)| *number).collect())
    }

    /// Adds a generation, which wraps from now on. What the older ones wrapped can still be unwrapped.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rotate(&self) -> Result<u32, Error> {
        let Generations { newest, mut older } = self.current()?.generations.clone();
        let number = newest
            .0
            .checked_add(1)
            .ok_or_else(|| self.wrong("has too many generations"))?;
        older.insert(0, newest);
        let generations = Generations {
            newest: (number, Secret::random()?),
            older,
        };
        write(&self.path, &generations, true)?;
        Ok(number)
    }

    /// Drops all generations but the newest: whatever they wrapped, also in old copies of a database, is lost for ever.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn retire(&self) -> Result<(), Error> {
        let newest = self.current()?.generations.newest.clone();
        let generations = Generations {
            newest,
            older: Vec::new(),
        };
        write(&self.path, &generations, true)
    }

    fn current(&self) -> Result<Arc<Read>, Error> {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp(&self.path)? != known.stamp {
            *known = Arc::new(read(&self.path)?);
            tracing::info!(
                generation = known.generations.newest.0,
                "the master key was read again"
            );
        }
        Ok(Arc::clone(&known))
    }

    fn wrong(&self, why: &str) -> Error {
        wrong(&self.path, why)
    }
}

impl Master for MasterFile {
    fn wrap<'a>(
        &'a self,
        context: &'a str,
        key: &'a Secret,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(async move {
            let read = self.current()?;
            let (number, master) = &read.generations.newest;
            let generation = number.to_string();
            let bytes = master.seal(&place(context, &generation), key.expose())?;
            Ok(Wrapped { generation, bytes })
        })
    }

    fn unwrap<'a>(
        &'a self,
        context: &'a str,
        wrapped: &'a Wrapped,
    ) -> BoxFuture<'a, Result<Secret, Error>> {
        Box::pin(async move {
            let read = self.current()?;
            let misfit = || Error::Misfit {
                generation: wrapped.generation.clone(),
            };
            let (_, master) = read
                .generations
                .iter()
                .find(|(number, _)| number.to_string() == wrapped.generation)
                .ok_or_else(misfit)?;
            let key = master
                .open(&place(context, &wrapped.generation), &wrapped.bytes)
                .map_err(|_| misfit())?;
            Secret::from_bytes(&key).ok_or_else(misfit)
        })
    }
}

impl Generations {
    fn iter(&self) -> impl Iterator<Item = &(u32, Secret)> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

fn place<'a>(context: &'a str, generation: &'a str) -> Aad<'a> {
    Aad {
        table: "master",
        row: context,
        column: generation,
    }
}

fn wrong(path: &Path, why: &str) -> Error {
    Error::MasterFile(format!("{} {why}", path.display()))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => wrong(
            path,
            "is not there: give back the copy that was kept; for a new installation, `motcua keys init` makes it",
        ),
        io::ErrorKind::AlreadyExists => wrong(path, "is there already, and is not written over"),
        _ => wrong(path, &format!("cannot be read or written: {error}")),
    }
}

fn stamp(path: &Path) -> Result<Stamp, Error> {
    let metadata = fs::metadata(path).map_err(|error| failed(path, &error))?;
    if !metadata.is_file() || metadata.mode() & OTHERS != 0 {
        return Err(wrong(
            path,
            "must be a file that only its owner can read: chmod 600",
        ));
    }
    Ok(Stamp {
        inode: metadata.ino(),
        bytes: metadata.len(),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

fn read(path: &Path) -> Result<Read, Error> {
    // Before the text: where the file changes in between, it is read again.
    let stamp = stamp(path)?;
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| failed(path, &error))?);
    Ok(Read {
        stamp,
        generations: parse(&text).map_err(|why| wrong(path, &why))?,
    })
}

fn parse(text: &str) -> Result<Generations, String> {
    let lines = text
        .lines()
        .zip(1..)
        .map(|(line, number)| (line.trim(), number))
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let mut generations = Vec::new();
    for (line, number) in lines {
        let generation = line
            .split_once(char::is_whitespace)
            .and_then(|(generation, key)| Some((generation.parse().ok()?, from_hex(key.trim())?)))
            .ok_or_else(|| {
                format!("is unreadable in line {number}: a generation and 64 hexadecimal digits")
            })?;
        if let Some((before, _)) = generations.last()
            && *before <= generation.0
        {
            return Err(format!("has its generations out of order in line {number}"));
        }
        generations.push(generation);
    }
    let mut generations = generations.into_iter();
    let newest = generations
        .next()
        .ok_or_else(|| "holds no key".to_owned())?;
    Ok(Generations {
        newest,
        older: generations.collect(),
    })
}

fn write(path: &Path, generations: &Generations, over: bool) -> Result<(), Error> {
    let mut text = Zeroizing::new(String::with_capacity(4_096));
    text.push_str(HEADER);
    for (number, key) in generations.iter() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{number} ");
        for byte in key.expose() {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    let writing = || -> io::Result<()> {
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        // Made with mode 0600. Whoever reads meanwhile sees the old one or the new one, and never a half.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        if over {
            file.persist(path)?;
        } else {
            file.persist_noclobber(path)?;
        }
        fs::File::open(directory)?.sync_all()
    };
    writing().map_err(|error| failed(path, &error))
}

fn from_hex(text: &str) -> Option<Secret> {
    let mut key = Zeroizing::new([0; 32]);
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Secret::from_bytes(&key[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_an_older_generation_wrapped_unwraps_until_it_is_retired() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let master = MasterFile::create(&path).unwrap();
        let running = MasterFile::open(&path).unwrap();
        let key = Secret::random().unwrap();
        let first = master.wrap("index", &key).await.unwrap();
        assert_eq!(first.generation, "1");

        assert_eq!(master.rotate().unwrap(), 2);
        assert_eq!(running.generations().unwrap(), [2, 1]);
        let second = running.wrap("index", &key).await.unwrap();
        assert_eq!(second.generation, "2");
        for wrapped in [&first, &second] {
            let unwrapped = running.unwrap("index", wrapped).await.unwrap();
            assert_eq!(unwrapped.expose(), key.expose());
        }

        master.retire().unwrap();
        assert!(running.unwrap("index", &second).await.is_ok());
        assert!(matches!(
            running.unwrap("index", &first).await,
            Err(Error::Misfit { .. })
        ));
    }

    #[tokio::test]
    async fn a_wrapped_key_serves_no_other_purpose_and_no_other_generation() {
        let directory = tempfile::tempdir().unwrap();
        let master = MasterFile::create(&directory.path().join("master.key")).unwrap();
        master.rotate().unwrap();
        let wrapped = master
            .wrap("agency a", &Secret::random().unwrap())
            .await
            .unwrap();
        assert!(master.unwrap("agency b", &wrapped).await.is_err());
        let older = Wrapped {
            generation: "1".to_owned(),
            ..wrapped
        };
        assert!(master.unwrap("agency a", &older).await.is_err());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterFile::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = MasterFile::open(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        MasterFile::open(&path).unwrap();
    }

    #[test]
    fn a_key_is_never_written_over_and_a_missing_one_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let error = MasterFile::open(&path).unwrap_err().to_string();
        assert!(error.contains("give back the copy"), "{error}");
        MasterFile::create(&path).unwrap();
        let error = MasterFile::create(&path).unwrap_err().to_string();
        assert!(error.contains("is there already"), "{error}");
    }

    #[test]
    fn what_is_not_a_key_file_is_told_by_its_line_and_without_its_text() {
        let key = "ab".repeat(32);
        for (text, why) in [
            (String::new(), "holds no key"),
            ("# nothing\n".to_owned(), "holds no key"),
            (format!("# x\n1 {key}0\n"), "line 2"),
            (format!("x {key}\n"), "line 1"),
            (format!("1 {}é\n", "a".repeat(62)), "line 1"),
            (format!("1 {key}\n2 {key}\n"), "out of order in line 2"),
            (format!("2 {key}\n2 {key}\n"), "out of order in line 2"),
        ] {
            let error = parse(&text).map(|_| ()).unwrap_err();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("abab"), "{error}");
        }
        assert_eq!(
            parse(&format!("2\t{key}\n\n1  {key}")).unwrap().older.len(),
            1
        );
    }
}
