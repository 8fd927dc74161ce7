//! Who calls, and whether the contract lets them: nothing reaches a handler before both are known.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use jiff::Timestamp;
use motcua_proto::r#type::v1::Role;
use tonic::{Status, body::Body};

use super::{
    connection::PeerInfo,
    layer::Rest,
    local::{LOCAL_METADATA, Local},
    method::{self, Method},
};
use crate::{
    call::Caller,
    clock::Clock,
    error::Error,
    identity::{
        Agencies, Kinds, Principal,
        tokens::{Proof, Verifier},
    },
    limit::Limit,
    policy,
};

/// Credentials that prove nothing, from one address: so many at once ...
const FAILURES_AT_ONCE: NonZeroU32 = NonZeroU32::new(30).unwrap();
/// ... and one more every so often.
const FAILURE_EVERY: Duration = Duration::from_secs(2);
/// Calls of one other system: so many at once ...
const SYSTEM_CALLS_AT_ONCE: NonZeroU32 = NonZeroU32::new(400).unwrap();
/// ... and one more every so often: 200 in a second. A register is taken over with 100 dossiers in a call.
const SYSTEM_CALL_EVERY: Duration = Duration::from_millis(5);

/// Lets callers in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Knows the other services of this process.
    local: Local,
    /// Verifies tokens.
    verifier: Option<Verifier>,
    failures: Limit<Option<IpAddr>>,
    systems: Limit<String>,
}

impl Gate {
    /// A gate for the services of the suite: of this process, and those that a certificate names.
    #[must_use]
    pub fn new(local: Local) -> Self {
        Self {
            local,
            verifier: None,
            failures: Limit::new(FAILURES_AT_ONCE, FAILURE_EVERY),
            systems: Limit::new(SYSTEM_CALLS_AT_ONCE, SYSTEM_CALL_EVERY),
        }
    }

    /// The same gate, for people and other systems as well: whoever brings a token of that issuer.
    #[must_use]
    pub fn taking(self, verifier: Verifier) -> Self {
        Self {
            verifier: Some(verifier),
            ..self
        }
    }

    /// Who calls, and what the method lets them reach.
    async fn admit(
        &self,
        method: Method,
        headers: &HeaderMap,
        peer: Option<PeerInfo>,
    ) -> Result<Caller, Error> {
        let address = peer
            .and_then(|peer| peer.address)
            .map(|address| address.ip());
        let Known {
            principal,
            service,
            until,
        } = match self.identify(headers, peer).await {
            Ok(known) => known,
            Err(error) => {
                // Whoever keeps trying is slowed down.
                self.failures.count(&address)?;
                return Err(error);
            }
        };
        // Nobody may call what says nothing.
        let admission = method
            .policy
            .and_then(|policy| policy::judge(policy, principal.as_deref(), service));
        let Some(admission) = admission else {
            return Err(match principal {
                Some(_) => Error::Denied {
                    method: method.name,
                },
                None => Error::Unauthenticated,
            });
        };
        if admission.role == Role::System
            && let Some(principal) = &principal
        {
            self.systems.count(&principal.id)?;
        }
        Ok(Caller {
            principal,
            role: admission.role,
            scope: admission.scope,
            until,
            address: address
                .map(|address| address.to_string())
                .unwrap_or_default(),
        })
    }

    /// What a credential proves. One that proves nothing is worse than none.
    async fn identify(&self, headers: &HeaderMap, peer: Option<PeerInfo>) -> Result<Known, Error> {
        let mut tokens = headers.get_all(AUTHORIZATION).iter();
        if let Some(value) = tokens.next() {
            let token = value
                .to_str()
                .ok()
                .and_then(bearer)
                .filter(|_| tokens.next().is_none())
                .ok_or(Error::Unauthenticated)?;
            let verifier = self.verifier.as_ref().ok_or(Error::Unauthenticated)?;
            let Proof { principal, until } = verifier.verify(token).await?;
            return Ok(Known {
                principal: Some(principal),
                service: None,
                until: Some((verifier.clock().clone(), until)),
            });
        }
        if let Some(value) = headers.get(LOCAL_METADATA) {
            let service = self.local.recognise(value).ok_or(Error::Unauthenticated)?;
            return Ok(Known::service(service));
        }
        Ok(peer
            .and_then(|peer| peer.service)
            .map_or_else(Known::default, Known::service))
    }
}

/// What is known of whoever calls.
#[derive(Default)]
struct Known {
    /// Whom a credential proves.
    principal: Option<Arc<Principal>>,
    /// Which service of the suite it is.
    service: Option<&'static str>,
    /// Until when that counts, by which clock.
    until: Option<(Clock, Timestamp)>,
}

impl Known {
    fn service(service: &'static str) -> Self {
        Self {
            principal: Some(principal_of(service)),
            service: Some(service),
            until: None,
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// A service of the suite as a principal.
fn principal_of(service: &'static str) -> Arc<Principal> {
    Arc::new(Principal {
        id: format!("service-{service}"),
        roles: vec![Role::Service],
        agencies: Agencies::All,
        groups: Vec::new(),
        kinds: Kinds::All,
    })
}

/// Lets the call in, or answers it.
pub(super) async fn identify(
    gate: Gate,
    mut request: Request<Body>,
    rest: impl Rest,
) -> Response<Body> {
    let method = method::of(request.uri().path());
    // Probes and reflection say nothing about anybody; what does not exist is told so by whoever looks for it.
    if !method.ours || method.is_unknown() {
        return rest.run(request).await;
    }
    let peer = request.extensions().get::<PeerInfo>().copied();
    match gate.admit(method, request.headers(), peer).await {
        Ok(caller) => {
            // Nobody behind this needs it, so that nobody can let it slip.
            request.headers_mut().remove(AUTHORIZATION);
            request.headers_mut().remove(LOCAL_METADATA);
            request.extensions_mut().insert(caller);
            rest.run(request).await
        }
        Err(error) => Status::from(error).into_http(),
    }
}
