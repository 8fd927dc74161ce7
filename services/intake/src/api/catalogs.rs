//! `CatalogService`: agencies, procedures, calendars.

use std::{collections::BTreeMap, sync::Arc};

use motcua_platform::{
    archive::Archive,
    call::{Call, acknowledge},
    catalog::{Catalog, Catalogs},
    clock::Clock,
    error::Error,
    ledger::{Ledger, Target},
    page,
    parse::Fields,
    scope::Scope,
};
use motcua_proto::{
    intake::v1::{
        ApplyCatalogRequest, ApplyCatalogResponse, GetAgencyRequest, GetCalendarRequest,
        GetProcedureRequest, ListAgenciesRequest, ListAgenciesResponse, ListCalendarsRequest,
        ListCalendarsResponse, ListProceduresRequest, ListProceduresResponse,
        catalog_service_server::CatalogService,
    },
    r#type::v1::{Agency, Calendar, Procedure},
};
use tonic::{Request, Response, Status};

use crate::{
    domain::catalogs::{Apply, other_content, same, summary},
    store::CatalogBook,
};

/// Serves the catalog in force.
#[derive(Debug, Clone)]
pub(crate) struct CatalogApi {
    /// Where a new one goes.
    pub(crate) ledger: Ledger<CatalogBook>,
    /// Those that this process has seen.
    pub(crate) catalogs: Catalogs,
    /// For reading.
    pub(crate) archive: Archive,
    /// By it a catalog is in force.
    pub(crate) clock: Clock,
}

#[tonic::async_trait]
impl CatalogService for CatalogApi {
    async fn apply_catalog(
        &self,
        request: Request<ApplyCatalogRequest>,
    ) -> Result<Response<ApplyCatalogResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let request_id = fields.request_id(&body.request_id);
        let catalog = match Catalog::parse(body.catalog.as_ref().unwrap_or(&Default::default())) {
            Ok(catalog) => Some(Arc::new(catalog.proto().clone())),
            Err(Error::Invalid(violations)) => {
                for violation in violations {
                    fields.reject(violation.field, violation.description);
                }
                None
            }
            Err(other) => return Err(other.into()),
        };
        let (catalog, request_id) = fields.finish(catalog.zip(request_id))?;
        if body.validate_only {
            self.check(&catalog).await?;
            return Ok(Response::new(summary(&catalog, false)));
        }
        let target = Target::Key(catalog.id.clone());
        let method = "motcua.intake.v1.CatalogService/ApplyCatalog";
        let envelope = call.envelope(method, &body, request_id, target, Apply(catalog));
        let mut accepted = self.ledger.execute("", envelope).await?;
        // Without an event nothing was changed: it stood there already.
        accepted.answer.changed = accepted.position.is_some();
        // Whoever submits next, here, submits under it.
        if let Err(error) = self.refresh().await {
            tracing::warn!(%error, "the applied catalog is read in a moment");
        }
        Ok(acknowledge(accepted))
    }

    async fn get_agency(
        &self,
        request: Request<GetAgencyRequest>,
    ) -> Result<Response<Agency>, Status> {
        let name = request.into_inner().name;
        self.get("agencies", name, |catalog, code| {
            catalog.agency(code).cloned()
        })
    }

    async fn list_agencies(
        &self,
        request: Request<ListAgenciesRequest>,
    ) -> Result<Response<ListAgenciesResponse>, Status> {
        let ListAgenciesRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let (agencies, next_page_token) = self.list(
            page_size,
            &page_token,
            |catalog| catalog.agencies().cloned().collect(),
            |agency| agency.code.clone(),
        )?;
        Ok(Response::new(ListAgenciesResponse {
            agencies,
            next_page_token,
        }))
    }

    async fn get_procedure(
        &self,
        request: Request<GetProcedureRequest>,
    ) -> Result<Response<Procedure>, Status> {
        let name = request.into_inner().name;
        self.get("procedures", name, |catalog, code| {
            catalog.procedure(code).cloned()
        })
    }

    async fn list_procedures(
        &self,
        request: Request<ListProceduresRequest>,
    ) -> Result<Response<ListProceduresResponse>, Status> {
        let ListProceduresRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let (procedures, next_page_token) = self.list(
            page_size,
            &page_token,
            |catalog| catalog.procedures().cloned().collect(),
            |procedure| procedure.code.clone(),
        )?;
        Ok(Response::new(ListProceduresResponse {
            procedures,
            next_page_token,
        }))
    }

    async fn get_calendar(
        &self,
        request: Request<GetCalendarRequest>,
    ) -> Result<Response<Calendar>, Status> {
        let name = request.into_inner().name;
        self.get("calendars", name, |catalog, id| {
            calendars(catalog).remove(id)
        })
    }

    async fn list_calendars(
        &self,
        request: Request<ListCalendarsRequest>,
    ) -> Result<Response<ListCalendarsResponse>, Status> {
        let ListCalendarsRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let (calendars, next_page_token) = self.list(
            page_size,
            &page_token,
            |catalog| calendars(catalog).into_values().collect(),
            |calendar| calendar.id.clone(),
        )?;
        Ok(Response::new(ListCalendarsResponse {
            calendars,
            next_page_token,
        }))
    }
}

impl CatalogApi {
    async fn refresh(&self) -> Result<(), Error> {
        let mut reading = self.archive.open(&Scope::by_rule()).await?;
        Ok(self
            .catalogs
            .refresh(&mut reading, self.clock.now())
            .await?)
    }

    /// Whether the id is free, or stands for this very content.
    async fn check(&self, catalog: &motcua_proto::r#type::v1::Catalog) -> Result<(), Error> {
        let mut reading = self.archive.open(&Scope::by_rule()).await?;
        self.catalogs
            .ensure(&mut reading, [catalog.id.as_str()])
            .await?;
        match self.catalogs.get(&catalog.id) {
            Some(applied) if !same(applied.proto(), catalog) => Err(other_content(&catalog.id)),
            _ => Ok(()),
        }
    }

    fn get<T>(
        &self,
        collection: &'static str,
        name: String,
        find: impl FnOnce(&Catalog, &str) -> Option<T>,
    ) -> Result<Response<T>, Status> {
        let mut fields = Fields::new();
        let id = fields.name("name", collection, &name);
        let id = fields.finish(id)?;
        let found = self
            .catalogs
            .in_force(self.clock.now())
            .and_then(|catalog| find(&catalog, &id));
        Ok(Response::new(found.ok_or(Error::Missing { name })?))
    }

    fn list<T: prost::Message>(
        &self,
        page_size: i32,
        page_token: &str,
        all: impl FnOnce(&Catalog) -> Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, String), Error> {
        let mut fields = Fields::new();
        let size = page::size(&mut fields, page_size);
        let after = page::key::<String>(&mut fields, page_token);
        let (size, after) = fields.finish(size.zip(after))?;
        let mut rows = self
            .catalogs
            .in_force(self.clock.now())
            .map(|catalog| all(&catalog))
            .unwrap_or_default();
        if let Some(after) = after {
            rows.retain(|row| key(row) > after);
        }
        Ok(page::cut(rows, size, key))
    }
}

fn calendars(catalog: &Catalog) -> BTreeMap<String, Calendar> {
    catalog
        .proto()
        .calendars
        .iter()
        .map(|calendar| (calendar.id.clone(), calendar.clone()))
        .collect()
}
