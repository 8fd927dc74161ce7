//! TLS 1.3 between the services, and between them and whoever calls: who is at the other end, proved by certificates
//! of a private authority, and kept from everybody in between.
//!
//! A directory holds `ca.pem` and, for each service, `<service>.pem` and `<service>.key`; `motcua certs init` makes it.
//! A service shows its certificate to whoever calls it, and to whom it calls. What counts in a certificate is one name,
//! `intake.motcua.internal`: a caller means a *service*, wherever its URL leads, and accepts nobody else there.
//!
//! The files are looked at again every two seconds. What was renewed holds for every connection made from then on;
//! those that stand keep what they were made with. Nothing is resumed from an earlier session, so that each
//! connection proves itself against the authority as it is now.
//!
//! Deliberately not here: people. They prove themselves with tokens ([`crate::identity`]), over a connection without a
//! certificate of their own. Sockets are not here either: [`crate::rpc`] accepts and dials.

mod error;
mod material;
mod place;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_rustls::rustls::{ClientConfig, ServerConfig};
use tokio_util::task::AbortOnDropHandle;

pub use self::error::Error;
pub(crate) use self::material::{server_name, service_of};
use self::{
    material::Material,
    place::{Digest, Place},
};
use crate::clock::Clock;

/// The services that a certificate can name.
pub const SERVICES: [&str; 4] = ["intake", "workflow", "notification", "statistics"];
/// The domain of the names in certificates. Nobody looks it up: `internal` is reserved for such use.
pub const DOMAIN: &str = "motcua.internal";

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How often a certificate that ends soon is spoken of.
const REMINDER: Duration = Duration::from_secs(3_600);

/// The certificates of one service, or of a caller that has none, as they are now. Cheap to clone; the files are
/// watched for as long as a clone lives.
#[derive(Clone)]
pub struct Tls {
    place: Place,
    present: watch::Receiver<Arc<Material>>,
    _looking: Arc<AbortOnDropHandle<()>>,
}

impl Tls {
    /// The certificates of a service, `<service>.pem` and `<service>.key` in a directory with `ca.pem`. A certificate
    /// that has ended is taken, and warned about: its holder cannot be reached, and says why. To be called inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// When a file is missing, is not what its name says, does not belong to the others, or when the private key can be
    /// read by other users of the machine.
    pub fn open(directory: &Path, service: &'static str) -> Result<Self, Error> {
        Self::watch(Place::service(directory, service))
    }

    /// For callers without a certificate, such as the command line: they verify services against this authority
    /// (`ca.pem`). To be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the file is missing or holds no certificate.
    pub fn client_only(ca: &Path) -> Result<Self, Error> {
        Self::watch(Place::authority(ca))
    }

    /// Whether [`open`](Self::open) would succeed, without opening: for whoever has just written the files.
    ///
    /// # Errors
    /// As `open`'s.
    pub fn check(directory: &Path, service: &'static str) -> Result<(), Error> {
        Place::service(directory, service).load().map(drop)
    }

    fn watch(place: Place) -> Result<Self, Error> {
        let (seen, material) = place.load()?;
        let (renewed, present) = watch::channel(Arc::new(material));
        let looking = tokio::spawn(look_again(place.clone(), seen, renewed));
        Ok(Self {
            place,
            present,
            _looking: Arc::new(AbortOnDropHandle::new(looking)),
        })
    }

    /// How to accept a connection that comes now. Nothing for a caller that has no certificate to show.
    pub(crate) fn server(&self) -> Option<Arc<ServerConfig>> {
        self.present.borrow().server()
    }

    /// How to make a connection now.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        self.present.borrow().client()
    }

    /// Ends when the files have been renewed since this clone was made or last asked.
    pub async fn renewed(&mut self) {
        if self.present.changed().await.is_err() {
            // Nobody looks at the files any more: the runtime is going away, and so is whoever waits.
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.place).finish()
    }
}

/// Keeps the present material in step with the files. What cannot be used is said once, and changes nothing.
async fn look_again(place: Place, mut seen: Digest, present: watch::Sender<Arc<Material>>) {
    let clock = Clock::system();
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complaint = Complaint::default();
    let mut reminded: Option<Instant> = None;
    loop {
        looks.tick().await;
        let looked = {
            let place = place.clone();
            spawn_blocking(move || place.load_if_not(seen)).await
        };
        match looked {
            Ok(Ok(None)) => complaint = Complaint::default(),
            Ok(Ok(Some((digest, fresh)))) => {
                seen = digest;
                present.send_replace(Arc::new(fresh));
                tracing::info!(certificates = %place, "renewed; new connections use them");
                complaint = Complaint::default();
                reminded = None;
            }
            Ok(Err(error)) => complaint.about(&error),
            // The runtime is going away.
            Err(_) => return,
        }
        if reminded.is_none_or(|at| at.elapsed() >= REMINDER) {
            reminded = Some(Instant::now());
            if let Some(ends) = present.borrow().ends_soon(clock.now()) {
                tracing::warn!(certificate = %place, "{ends}; `motcua certs init` renews it");
            }
        }
    }
}

/// What is wrong with the files, said when it is seen a second time: a renewal replaces one file after the other, and
/// whoever looks between the two sees a pair that does not match. Said once.
#[derive(Debug, Default)]
struct Complaint {
    seen: String,
    said: bool,
}

impl Complaint {
    fn about(&mut self, error: &Error) {
        let error = error.to_string();
        if self.seen != error {
            *self = Self {
                seen: error,
                said: false,
            };
        } else if !self.said {
            self.said = true;
            tracing::error!(%error, "the certificates on disk cannot be used; those of before stay in use");
        }
    }
}
