//! Tokens for those who act in the demo, in the bench and in tests of the binary: each somebody with a role, and nobody with
//! all of them.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use motcua_platform::identity::{Principal, issuer::Issuer};
use motcua_proto::r#type::v1::Role;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::{Failed, config::Config, secrets::Secrets};

/// As long as the longest replay, and as long as a token may.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes a token for each who acts, once. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Identities(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: Issuer,
    /// By id, role and agency: a system has one name at every agency that it answers for.
    made: Mutex<HashMap<(String, Role, String), MetadataValue<Ascii>>>,
}

/// A connection that one principal uses.
pub(crate) type Line = InterceptedService<Channel, Bearer>;

/// Says with each call who calls.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Identities {
    /// Those of a suite with these secrets, which are made if they are not there.
    pub(crate) fn of(secrets: &Path) -> Result<Self, Failed> {
        let (key, _) = Secrets::open(secrets)?.ensure_token_key()?;
        Ok(Self(Arc::new(Inner {
            issuer: Config::plain()?.issuer(key),
            made: Mutex::default(),
        })))
    }

    /// What somebody shows. `agency` is where the role is held; empty for citizens, and for those of the city.
    pub(crate) fn bearer(
        &self,
        id: &str,
        role: Role,
        agency: &str,
    ) -> Result<MetadataValue<Ascii>, Failed> {
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        let who = (id.to_owned(), role, agency.to_owned());
        if let Some(value) = made.get(&who) {
            return Ok(value.clone());
        }
        let agencies: &[&str] = if agency.is_empty() { &[] } else { &[agency] };
        let principal = Principal::of(id, &[role], agencies);
        let token = self.0.issuer.token(&principal, LIFETIME)?;
        let value: MetadataValue<Ascii> = format!("Bearer {token}")
            .parse()
            .map_err(|_| Failed::new("a token cannot be sent as metadata"))?;
        made.insert(who, value.clone());
        Ok(value)
    }

    /// A connection for somebody of the city.
    pub(crate) fn line(&self, channel: Channel, id: &str, role: Role) -> Result<Line, Failed> {
        self.line_of(channel, id, role, "")
    }

    /// A connection for somebody of an agency.
    pub(crate) fn line_of(
        &self,
        channel: Channel,
        id: &str,
        role: Role,
        agency: &str,
    ) -> Result<Line, Failed> {
        let bearer = Bearer(self.bearer(id, role, agency)?);
        Ok(InterceptedService::new(channel, bearer))
    }
}
