//! Definitions over gRPC.

use motcua_platform::{
    archive::Reading,
    call::{Call, acknowledge},
    error::Error,
    ledger::{Ledger, Target},
    page,
    parse::Fields,
};
use motcua_proto::workflow::v1::{self as proto, definition_service_server::DefinitionService};
use tonic::{Request, Response, Status};

use super::Desk;
use crate::{
    blocked::Blocked,
    domain::{Definition, Publication},
    store::{self, PublishedDefinitions},
};

/// Serves definitions.
#[derive(Debug, Clone)]
pub(crate) struct DefinitionServer {
    pub(crate) ledger: Ledger<PublishedDefinitions>,
    /// Cases that wait for a definition begin with its publication.
    pub(crate) blocked: Blocked,
    pub(crate) desk: Desk,
}

impl DefinitionServer {
    async fn open(&self, call: &Call) -> Result<Reading, Error> {
        Ok(self.desk.archive.open(call.scope()).await?)
    }
}

#[tonic::async_trait]
impl DefinitionService for DefinitionServer {
    async fn publish_definition(
        &self,
        request: Request<proto::PublishDefinitionRequest>,
    ) -> Result<Response<proto::Definition>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let request_id = fields.request_id(&body.request_id);
        if body.definition.is_none() {
            fields.reject("definition", "is required");
        }
        if let Some(definition) = &body.definition
            && let Err(violations) = Definition::parse(definition)
        {
            for violation in violations {
                fields.reject(violation.field, violation.description);
            }
        }
        let (definition, request_id) = fields.finish(body.definition.as_ref().zip(request_id))?;
        let publication = Publication::new(definition);
        if body.validate_only {
            return Ok(Response::new(publication.definition().clone()));
        }
        let id = definition.id.clone();
        let envelope = call.envelope(
            "motcua.workflow.v1.DefinitionService/PublishDefinition",
            &body,
            request_id,
            Target::Key(id.clone()),
            publication,
        );
        let accepted = self.ledger.execute("", envelope).await?;
        // Any of them may have waited for it: under its own procedure, or as one that it calls.
        self.blocked.try_again(&call.traceparent).await;
        Ok(acknowledge(accepted))
    }

    async fn get_definition(
        &self,
        request: Request<proto::GetDefinitionRequest>,
    ) -> Result<Response<proto::Definition>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.name("name", "definitions", &body.name);
        if body.version < 0 {
            fields.reject("version", "must not be negative");
        }
        let id = fields.finish(id)?;
        let mut reading = self.open(&call).await?;
        let found = store::definition(&mut reading, &id, body.version)
            .await
            .map_err(Error::from)?;
        let missing = || Error::Missing {
            name: match body.version {
                0 => format!("definitions/{id}"),
                version => format!("definitions/{id} version {version}"),
            },
        };
        Ok(Response::new(found.ok_or_else(missing)?))
    }

    async fn list_definitions(
        &self,
        request: Request<proto::ListDefinitionsRequest>,
    ) -> Result<Response<proto::ListDefinitionsResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let after: Option<String> = page::key(&mut fields, &body.page_token).flatten();
        let size = fields.finish(size)?;
        let mut reading = self.open(&call).await?;
        let found = store::definitions(&mut reading, after.as_deref(), size + 1)
            .await
            .map_err(Error::from)?;
        let (definitions, next_page_token) =
            page::cut(found, size, |definition| definition.id.clone());
        Ok(Response::new(proto::ListDefinitionsResponse {
            definitions,
            next_page_token,
        }))
    }
}
