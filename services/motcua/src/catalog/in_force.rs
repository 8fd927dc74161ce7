//! The catalog in force, as the services show it: agencies, procedures and calendars at intake, definitions at workflow.

use motcua_proto::{
    intake::v1::{
        ListAgenciesRequest, ListCalendarsRequest, ListProceduresRequest,
        catalog_service_client::CatalogServiceClient,
    },
    r#type::v1::Catalog,
    workflow::v1::{ListDefinitionsRequest, definition_service_client::DefinitionServiceClient},
};
use tonic::Status;

use super::diff::Side;
use crate::caller::Caller;

/// As many as a page takes.
const PAGE: i32 = 1_000;

/// Asks page by page until there is none.
macro_rules! every {
    ($client:expr, $method:ident, $request:ident, $field:ident) => {{
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = $client
                .$method($request {
                    page_size: PAGE,
                    page_token,
                })
                .await?
                .into_inner();
            all.extend(page.$field);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break all;
            }
        }
    }};
}

/// Reads it. No method tells its id.
///
/// # Errors
/// Those of the calls.
pub(crate) async fn read<T: Caller>(title: String, intake: T, workflow: T) -> Result<Side, Status> {
    let mut intake = CatalogServiceClient::new(intake);
    let mut workflow = DefinitionServiceClient::new(workflow);
    Ok(Side {
        title,
        catalog: Catalog {
            agencies: every!(intake, list_agencies, ListAgenciesRequest, agencies),
            procedures: every!(intake, list_procedures, ListProceduresRequest, procedures),
            calendars: every!(intake, list_calendars, ListCalendarsRequest, calendars),
            ..Catalog::default()
        },
        definitions: every!(
            workflow,
            list_definitions,
            ListDefinitionsRequest,
            definitions
        ),
    })
}
