//! A call as it comes in: who asks, under which trace, with which request id.

use motcua_proto::r#type::v1::Actor;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, metadata::MetadataValue};
use uuid::Uuid;

use crate::{
    error::Error,
    ledger::{Accepted, Envelope, Request as LedgerRequest, Target},
    position::POSITION_METADATA,
    rpc, telemetry,
};

/// Who asks, and under which trace.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks.
    pub actor: Actor,
    /// W3C trace context of the asking.
    pub traceparent: String,
}

impl Call {
    /// Reads who asks.
    ///
    /// # Errors
    /// When the actor is unreadable.
    pub fn enter<T>(request: &Request<T>) -> Result<Self, Error> {
        Ok(Self {
            actor: rpc::actor_from(request.metadata())?,
            traceparent: telemetry::current_traceparent(),
        })
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
            actor: self.actor.clone(),
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
