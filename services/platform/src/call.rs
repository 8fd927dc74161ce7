//! A call as it comes in: who asks, whose dossiers that reaches, why, under which trace, with which request id.

use std::sync::Arc;

use jiff::Timestamp;
use motcua_proto::r#type::v1::{Actor, Role};
use sha2::{Digest, Sha256};
use tonic::{Request, Response, metadata::MetadataValue};
use uuid::Uuid;

use crate::{
    clock::Clock,
    error::Error,
    identity::Principal,
    ledger::{Accepted, Authority, Envelope, Request as LedgerRequest, Target},
    policy::{self, Admission},
    position::POSITION_METADATA,
    scope::Scope,
    telemetry,
};

/// Metadata in which a caller says what personal data is read for.
pub const PURPOSE_METADATA: &str = "motcua-purpose";
/// The same, for a purpose that is not ASCII: UTF-8, as gRPC carries binary metadata.
pub const PURPOSE_BIN_METADATA: &str = "motcua-purpose-bin";
/// Longest purpose, in bytes.
const PURPOSE_BYTES_MAX: usize = 300;

/// Somebody who was let in to a method: the layer of identity leaves it with the request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who; nobody in particular where the method is everybody's.
    pub(crate) principal: Option<Arc<Principal>>,
    /// In which capacity.
    pub(crate) role: Role,
    /// What the call reaches.
    pub(crate) scope: Scope,
    /// Until when whatever proved it counts, by which clock; for ever where a certificate did.
    pub(crate) until: Option<(Clock, Timestamp)>,
    /// Where it came from: for limits on those who have no name.
    pub(crate) address: String,
}

/// The context of an operation: whatever acts or reads for somebody takes it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks, and in which capacity.
    pub actor: Actor,
    /// W3C trace context of the asking.
    pub traceparent: String,
    caller: Caller,
    purpose: Option<String>,
}

impl Call {
    /// Reads who asks.
    ///
    /// # Errors
    /// When nobody was let in: the service is not served behind the layer of identity.
    pub fn enter<T>(request: &Request<T>) -> Result<Self, Error> {
        let caller: Caller = request
            .extensions()
            .get()
            .cloned()
            .ok_or(Error::Unauthenticated)?;
        // Text metadata is ASCII to most clients; a purpose in Vietnamese comes as UTF-8 in the binary form.
        let metadata = request.metadata();
        let purpose = metadata
            .get(PURPOSE_METADATA)
            .map(|value| value.as_bytes().to_vec())
            .or_else(|| {
                Some(
                    metadata
                        .get_bin(PURPOSE_BIN_METADATA)?
                        .to_bytes()
                        .ok()?
                        .to_vec(),
                )
            })
            .and_then(|purpose| String::from_utf8(purpose).ok())
            .map(|purpose| purpose.trim().to_owned())
            .filter(|purpose| !purpose.is_empty());
        Ok(Self {
            actor: Actor {
                id: caller
                    .principal
                    .as_ref()
                    .map_or_else(|| "anonymous".to_owned(), |principal| principal.id.clone()),
                role: caller.role.into(),
            },
            traceparent: telemetry::current_traceparent(),
            caller,
            purpose,
        })
    }

    /// Whose dossiers it reaches.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.caller.scope
    }

    /// Who asks; nobody where the method is everybody's.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.caller.principal.as_deref()
    }

    /// Returns when whoever calls is no longer proved to be that: an answer that has no end ends then.
    pub fn lapsed(&self) -> impl Future<Output = ()> + Send + 'static {
        let until = self.caller.until.clone();
        async move {
            match until {
                Some((clock, until)) => clock.reached(until).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Where it came from, without the port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.caller.address
    }

    /// What personal data is read for, in the caller's words.
    ///
    /// # Errors
    /// When the caller does not say, or says too much: who reads says why.
    pub fn purpose(&self) -> Result<&str, Error> {
        let purpose = self.purpose.as_deref().ok_or_else(|| {
            Error::field(
                PURPOSE_METADATA,
                "must say what the personal data is read for, in the call's metadata",
            )
        })?;
        if purpose.len() > PURPOSE_BYTES_MAX {
            return Err(Error::field(
                PURPOSE_METADATA,
                format!("must be at most {PURPOSE_BYTES_MAX} bytes"),
            ));
        }
        Ok(purpose)
    }

    /// On whose authority another method would be called; none where the caller may not.
    #[must_use]
    pub fn authority_for(&self, method: &str) -> Option<Authority> {
        let principal = self.principal()?;
        let admission = policy::judge(policy::of(method)?, Some(principal), None)?;
        Some(Authority::of(principal, &admission))
    }

    /// On whose authority a command is asked: with every role and group of whoever asks.
    fn authority(&self) -> Authority {
        let Caller { role, scope, .. } = &self.caller;
        match self.principal() {
            Some(principal) => {
                let admission = Admission {
                    role: *role,
                    scope: scope.clone(),
                };
                Authority::of(principal, &admission)
            }
            None => Authority::new(self.actor.clone(), vec![*role], scope.clone()),
        }
    }

    /// Puts a command into its envelope. The body's digest tells a repeated request from a reused id.
    pub fn envelope<C, M: prost::Message>(
        &self,
        method: &'static str,
        body: &M,
        request_id: Option<Uuid>,
        target: Target,
        command: C,
    ) -> Envelope<C> {
        Envelope {
            target,
            command,
            authority: self.authority(),
            traceparent: self.traceparent.clone(),
            etag: String::new(),
            request: Some(LedgerRequest {
                principal: self.actor.id.clone(),
                method,
                id: request_id.unwrap_or_else(Uuid::now_v7),
                stated: request_id.is_some(),
                digest: Sha256::digest(body.encode_to_vec()).into(),
            }),
        }
    }
}

/// The answer to an accepted command, with its position.
#[must_use]
pub fn acknowledge<T>(accepted: Accepted<T>) -> Response<T> {
    let mut response = Response::new(accepted.answer);
    if let Some(position) = accepted.position
        && let Ok(value) = MetadataValue::try_from(position.to_string())
    {
        response.metadata_mut().insert(POSITION_METADATA, value);
    }
    response
}
