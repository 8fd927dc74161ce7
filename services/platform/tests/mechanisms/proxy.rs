//! A proxy before PostgreSQL that cuts a connection at its commit, or lets it fall silent.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

const OFF: usize = 0;
const AFTER: usize = 1;
const BEFORE: usize = 2;
const SILENT: usize = 3;

pub(crate) struct Proxy {
    port: u16,
    options: PgConnectOptions,
    cut: Arc<AtomicUsize>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn before(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let socket = options
            .get_socket()
            .map(|directory| directory.join(format!(".s.PGSQL.{}", options.get_port())))
            .unwrap_or_else(|| {
                PathBuf::from(options.get_host()).join(format!(".s.PGSQL.{}", options.get_port()))
            });
        let (cut, cuts) = (
            Arc::new(AtomicUsize::new(OFF)),
            Arc::new(AtomicUsize::new(0)),
        );
        tokio::spawn({
            let (cut, cuts) = (Arc::clone(&cut), Arc::clone(&cuts));
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let server = UnixStream::connect(&socket).await.unwrap();
                    tokio::spawn(relay(client, server, Arc::clone(&cut), Arc::clone(&cuts)));
                }
            }
        });
        Self {
            port,
            options: options.clone(),
            cut,
            cuts,
        }
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        let mut options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(self.options.get_username())
            .ssl_mode(sqlx::postgres::PgSslMode::Disable);
        if let Some(database) = self.options.get_database() {
            options = options.database(database);
        }
        options
    }

    /// Cuts the connection that commits next: after the server has answered, or before it hears of it.
    pub(crate) fn cut_at_next_commit(&self, after: bool) {
        self.cut
            .store(if after { AFTER } else { BEFORE }, Ordering::SeqCst);
    }

    /// The connection that commits next says nothing from then on: the server has committed, and neither end hears of it.
    pub(crate) fn silence_at_next_commit(&self) {
        self.cut.store(SILENT, Ordering::SeqCst);
    }

    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

async fn relay(
    mut client: TcpStream,
    mut server: UnixStream,
    cut: Arc<AtomicUsize>,
    cuts: Arc<AtomicUsize>,
) {
    let (mut up, mut down) = ([0; 65_536], [0; 65_536]);
    let (mut dying, mut silent) = (false, false);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                let commits = up[..read].windows(6).any(|window| window == b"COMMIT");
                if commits {
                    match cut.swap(OFF, Ordering::SeqCst) {
                        BEFORE => { cuts.fetch_add(1, Ordering::SeqCst); return; }
                        AFTER => { cuts.fetch_add(1, Ordering::SeqCst); dying = true; }
                        SILENT => { cuts.fetch_add(1, Ordering::SeqCst); silent = true; }
                        _ => {}
                    }
                }
                if server.write_all(&up[..read]).await.is_err() { return; }
            }
            read = server.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                // The server has answered the commit; the client will never know.
                if dying { return; }
                if silent { continue; }
                if client.write_all(&down[..read]).await.is_err() { return; }
            }
        }
    }
}
