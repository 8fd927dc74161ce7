//! Where the content of documents lies: sealed, in frames, one object each. A row says whose it is; what has none is swept away.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::{Buf as _, BytesMut};
use futures::TryStreamExt as _;
use motcua_platform::{
    error::Error,
    vault::{Aad, Keyring, Vault},
};
use object_store::{
    ObjectStoreExt as _, WriteMultipart, local::LocalFileSystem, path::Path as Place,
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Bytes of content in a frame, and in a message.
pub(crate) const FRAME_BYTES: usize = 64 * 1024;
/// An object without a row may be one that is being uploaded.
const UPLOAD_LASTS_AT_MOST: Duration = Duration::from_secs(6 * 60 * 60);
/// How often what nobody owns is looked for.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// The store of documents' contents: a folder.
#[derive(Debug, Clone)]
pub(crate) struct Contents {
    store: Arc<LocalFileSystem>,
}

/// Content on its way into the store. Dropped before it is finished, it leaves an upload behind that is not an object;
/// [`Writing::give_up`] clears it away at once, and the sweep later.
pub(crate) struct Writing {
    /// Its object.
    pub(crate) object: String,
    dossier: String,
    keyring: Keyring,
    upload: WriteMultipart,
    /// Plain, until a frame is full.
    frame: BytesMut,
    frames: u64,
}

/// Content on its way out of the store.
pub(crate) struct Reading {
    object: String,
    dossier: String,
    keyring: Keyring,
    stream: futures::stream::BoxStream<'static, object_store::Result<bytes::Bytes>>,
    sealed: BytesMut,
    frames: u64,
    ended: bool,
}

fn fault(error: &object_store::Error) -> Error {
    Error::Fault(format!("the store of documents: {error}"))
}

/// Where a frame belongs: another document's, another place or another end does not open.
fn row(dossier: &str, object: &str, frame: u64, last: bool) -> String {
    let end = if last { "/last" } else { "" };
    format!("{dossier}/{object}/{frame}{end}")
}

fn place(row: &str) -> Aad<'_> {
    Aad {
        table: "document",
        row,
        column: "content",
    }
}

impl Contents {
    /// Opens the folder, which is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let unusable =
            |error: &dyn std::fmt::Display| Error::Fault(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(|error| unusable(&error))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| unusable(&error))?;
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// Begins to write the content of a document of that dossier.
    pub(crate) async fn write(&self, vault: &Vault, dossier: &str) -> Result<Writing, Error> {
        let keyring = vault.keys(&[dossier]).await?;
        let object = Uuid::now_v7().to_string();
        let upload = self
            .store
            .put_multipart(&Place::from(object.as_str()))
            .await
            .map_err(|error| fault(&error))?;
        Ok(Writing {
            object,
            dossier: dossier.to_owned(),
            keyring,
            upload: WriteMultipart::new(upload),
            frame: BytesMut::with_capacity(2 * FRAME_BYTES),
            frames: 0,
        })
    }

    /// Begins to read the content of a document of that dossier.
    pub(crate) async fn read(
        &self,
        vault: &Vault,
        dossier: &str,
        object: &str,
    ) -> Result<Reading, Error> {
        let keyring = vault.keys(&[dossier]).await?;
        let found = self.store.get(&Place::from(object)).await;
        let found = found.map_err(|error| match error {
            // The row is there: the person's data was erased, and with it the content.
            object_store::Error::NotFound { .. } => Error::Erased {
                name: format!("dossiers/{dossier}"),
            },
            error => fault(&error),
        })?;
        Ok(Reading {
            object: object.to_owned(),
            dossier: dossier.to_owned(),
            keyring,
            stream: found.into_stream(),
            sealed: BytesMut::new(),
            frames: 0,
            ended: false,
        })
    }

    /// Removes an object; one that is not there is removed already.
    pub(crate) async fn remove(&self, object: &str) -> Result<(), Error> {
        match self.store.delete(&Place::from(object)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(fault(&error)),
        }
    }

    /// Removes what nobody owns: objects without a row, uploads that ended with their process, and contents of those whose data was
    /// erased. What may still be on its way is left.
    ///
    /// # Errors
    /// Those of the store and of the database.
    pub(crate) async fn sweep(&self, pool: &PgPool, folder: &Path) -> Result<usize, Error> {
        let erased: Vec<String> = sqlx::query_scalar(
            "SELECT object FROM document JOIN subject USING (dossier) JOIN person_key USING (person) \
             WHERE person_key.wrapped IS NULL",
        )
        .fetch_all(pool)
        .await?;
        for object in &erased {
            self.remove(object).await?;
        }
        sqlx::query("DELETE FROM document WHERE object = ANY($1)")
            .bind(&erased)
            .execute(pool)
            .await?;
        let files = folder.to_owned();
        let old = blocking(move || old_files(&files)).await?;
        let owned: Vec<String> =
            sqlx::query_scalar("SELECT object FROM document WHERE object = ANY($1)")
                .bind(&old)
                .fetch_all(pool)
                .await?;
        let folder = folder.to_owned();
        let swept = blocking(move || {
            let nobodys = old.iter().filter(|name| !owned.contains(name));
            remove_files(&folder, nobodys)
        });
        Ok(erased.len() + swept.await?)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Fault(error.to_string()))?
}

/// An upload that ended with its process is a file that the store does not show.
fn remove_files<'a>(
    folder: &Path,
    names: impl Iterator<Item = &'a String>,
) -> Result<usize, Error> {
    let mut removed = 0;
    for name in names {
        match std::fs::remove_file(folder.join(name)) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::Fault(format!("{name}: {error}"))),
        }
    }
    Ok(removed)
}

/// Names of files that are older than any upload lasts.
fn old_files(folder: &Path) -> Result<Vec<String>, Error> {
    let unreadable = |error| Error::Fault(format!("{}: {error}", folder.display()));
    let mut old = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > UPLOAD_LASTS_AT_MOST)
            && let Some(name) = entry.file_name().to_str()
        {
            old.push(name.to_owned());
        }
    }
    Ok(old)
}

impl Writing {
    /// Takes some more of the content.
    pub(crate) async fn take(&mut self, content: &[u8]) -> Result<(), Error> {
        self.frame.extend_from_slice(content);
        // One frame is kept back: the last one says so.
        while self.frame.len() > FRAME_BYTES {
            let frame = self.frame.split_to(FRAME_BYTES);
            self.seal(&frame, false).await?;
        }
        Ok(())
    }

    async fn seal(&mut self, frame: &[u8], last: bool) -> Result<(), Error> {
        let row = row(&self.dossier, &self.object, self.frames, last);
        let name = || format!("dossiers/{}", self.dossier);
        let sealed = self
            .keyring
            .seal(&self.dossier, &place(&row), frame)
            .map_err(|error| error.about(&name()))?;
        if sealed.is_empty() {
            return Err(Error::Erased { name: name() });
        }
        self.frames += 1;
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        self.upload
            .wait_for_capacity(1)
            .await
            .map_err(|error| fault(&error))?;
        self.upload.write(&length.to_be_bytes());
        self.upload.write(&sealed);
        Ok(())
    }

    /// The content is whole: it lies where it is to stay.
    pub(crate) async fn finish(mut self) -> Result<String, Error> {
        let frame = std::mem::take(&mut self.frame);
        if let Err(error) = self.seal(&frame, true).await {
            self.give_up().await;
            return Err(error);
        }
        let Self { upload, object, .. } = self;
        upload.finish().await.map_err(|error| fault(&error))?;
        Ok(object)
    }

    /// Leaves nothing behind.
    pub(crate) async fn give_up(self) {
        if let Err(error) = self.upload.abort().await {
            tracing::warn!(object = self.object, %error, "an upload that was given up is swept away later");
        }
    }
}

impl Reading {
    /// The next frame of the content; `None` after the last.
    ///
    /// # Errors
    /// When what lies in the store is not what was put there.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let damaged = || {
            Error::Fault(format!(
                "the content of a document of dossiers/{} is damaged",
                self.dossier
            ))
        };
        if self.ended {
            return Ok(None);
        }
        loop {
            if let Some(length) = self.sealed.first_chunk::<4>() {
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                if length > 2 * FRAME_BYTES {
                    return Err(damaged());
                }
                if self.sealed.len() >= 4 + length {
                    self.sealed.advance(4);
                    let frame = self.sealed.split_to(length);
                    return self.open(&frame).map(Some);
                }
            }
            match self.stream.try_next().await {
                Ok(Some(more)) => self.sealed.extend_from_slice(&more),
                // The last frame says that it is the last: what ends without it was cut off.
                Ok(None) => return Err(damaged()),
                Err(error) => return Err(fault(&error)),
            }
        }
    }

    fn open(&mut self, frame: &[u8]) -> Result<Vec<u8>, Error> {
        for last in [false, true] {
            let row = row(&self.dossier, &self.object, self.frames, last);
            match self.keyring.open(&self.dossier, &place(&row), frame) {
                Ok(plain) => {
                    self.frames += 1;
                    self.ended = last;
                    return Ok(plain.to_vec());
                }
                Err(error) if last => {
                    return Err(error.about(&format!("dossiers/{}", self.dossier)));
                }
                Err(_) => {}
            }
        }
        Ok(Vec::new())
    }
}

/// Keeps whose each object is: of those that were written before nothing changes.
pub(super) async fn own(
    connection: &mut PgConnection,
    owned: &[(&str, &str)],
) -> Result<(), sqlx::Error> {
    if owned.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO document (object, dossier) SELECT * FROM UNNEST($1::text[], $2::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(owned.iter().map(|(object, _)| *object).collect::<Vec<_>>())
    .bind(owned.iter().map(|(_, dossier)| *dossier).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::SystemTime};

    use motcua_platform::{
        database::{self, Base},
        postgres::{DataDir, Options, Server},
    };

    use super::*;

    #[tokio::test]
    async fn what_nobody_owns_is_swept_away_once_no_upload_lasts_as_long() {
        let server = Server::start(Options::new(DataDir::Temporary))
            .await
            .unwrap();
        let base: Base = server.base_url().parse().unwrap();
        base.prepare("sweep", &crate::MIGRATIONS).await.unwrap();
        let pool = database::pool(base.service("sweep"));
        let folder = tempfile::tempdir().unwrap();
        let contents = Contents::open(folder.path()).unwrap();
        let old = SystemTime::UNIX_EPOCH + UPLOAD_LASTS_AT_MOST;
        for (name, age) in [
            ("old", Some(old)),
            ("old-upload#1", Some(old)),
            ("old-owned", Some(old)),
            ("new", None),
        ] {
            let file = File::create(folder.path().join(name)).unwrap();
            if let Some(age) = age {
                file.set_modified(age).unwrap();
            }
        }
        let mut connection = pool.acquire().await.unwrap();
        own(&mut connection, &[("old-owned", "H24.11593-250701-0001")])
            .await
            .unwrap();
        drop(connection);
        assert_eq!(contents.sweep(&pool, folder.path()).await.unwrap(), 2);
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["new", "old-owned"]);
        pool.close().await;
        server.stop().await.unwrap();
    }
}
