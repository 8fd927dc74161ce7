//! How the services of one process know each other: by a secret that never leaves it.
//!
//! Services on different machines prove themselves with certificates ([`crate::tls`]). Within one process, on loopback,
//! each call carries the service's name and a keyed digest of it; the key is drawn when the process starts.

use std::{fmt, sync::Arc};

use http::HeaderValue;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};

use crate::{
    error::Error,
    hex::{hex, unhex},
};

/// Metadata in which a service of this process says which one it is.
pub(super) const LOCAL_METADATA: &str = "motcua-service";

/// The services of the suite.
const SERVICES: [&str; 4] = ["intake", "workflow", "notification", "statistics"];

/// The secret of one process. Cheap to clone.
#[derive(Clone)]
pub struct Local(Arc<hmac::Key>);

impl Local {
    /// Draws a new one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn draw() -> Result<Self, Error> {
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| Error::Fault("the system gives no random numbers".to_owned()))?;
        Ok(Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &secret))))
    }

    /// What the service says with each of its calls.
    pub(super) fn credential(&self, service: &str) -> Option<HeaderValue> {
        let tag = hmac::sign(&self.0, service.as_bytes());
        let mut value = HeaderValue::try_from(format!("{service}.{}", hex(tag.as_ref()))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The service that says so, if it is one of this process.
    pub(super) fn recognise(&self, value: &HeaderValue) -> Option<&'static str> {
        let (name, tag) = value.to_str().ok()?.split_once('.')?;
        let service = SERVICES.into_iter().find(|service| *service == name)?;
        hmac::verify(&self.0, service.as_bytes(), &unhex(tag)?)
            .ok()
            .map(|()| service)
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Local")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_of_this_process_is_recognised_and_nobody_else() {
        let (here, elsewhere) = (Local::draw().unwrap(), Local::draw().unwrap());
        let intake = here.credential("intake").unwrap();
        assert_eq!(here.recognise(&intake), Some("intake"));
        assert_eq!(elsewhere.recognise(&intake), None);
        let text = intake.to_str().unwrap();
        for forged in [
            text.replace("intake", "workflow"),
            text.replace("intake.", "registry."),
            text[..text.len() - 2].to_owned(),
            "intake.".to_owned(),
            "intake".to_owned(),
            "intake.ằ".to_owned(),
        ] {
            let Ok(value) = HeaderValue::try_from(&forged) else {
                continue;
            };
            assert_eq!(here.recognise(&value), None, "{forged}");
        }
        assert!(format!("{intake:?} {here:?}").contains("Sensitive"));
    }
}
