//! Publishing a catalog: both services check the whole first, and only then anything changes.

use std::fmt;

use jiff::civil::Date;
use motcua_platform::{clock::Clock, error::Violation, time::date_from_proto};
use motcua_proto::{
    intake::v1::{
        ApplyCatalogRequest, ApplyCatalogResponse, catalog_service_client::CatalogServiceClient,
    },
    workflow::v1::{
        Definition, GetDefinitionRequest, PublishDefinitionRequest,
        definition_service_client::DefinitionServiceClient,
    },
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{
    Bundle,
    fault::{Faults, Place, Places},
};
use crate::caller::Caller;

/// What applying a catalog changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Applied {
    /// The catalog, as intake has it now.
    pub(crate) catalog: ApplyCatalogResponse,
    /// Each definition, as workflow has it now.
    pub(crate) definitions: Vec<Published>,
}

/// A definition, published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    /// Its id.
    pub(crate) id: String,
    /// Its version now.
    pub(crate) version: i32,
    /// Whether this version is new.
    pub(crate) changed: bool,
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for definition in self
            .definitions
            .iter()
            .filter(|definition| definition.changed)
        {
            writeln!(
                f,
                "definition {}: version {} is new",
                definition.id, definition.version
            )?;
        }
        let unchanged = self
            .definitions
            .iter()
            .filter(|definition| !definition.changed)
            .count();
        if unchanged > 0 {
            writeln!(f, "definitions: {unchanged} unchanged")?;
        }
        let catalog = &self.catalog;
        let state = match catalog.effective_from.as_ref().and_then(date_from_proto) {
            _ if !catalog.changed => "unchanged".to_owned(),
            Some(day) => format!("in force for dossiers submitted from {day} on"),
            None => "in force for dossiers submitted from now on".to_owned(),
        };
        write!(
            f,
            "catalog {}: {state} (agencies: {}, procedures: {}, calendars: {})",
            catalog.id, catalog.agencies, catalog.procedures, catalog.calendars,
        )
    }
}

/// Why a catalog could not be applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// A service found something wrong that the check here lets pass.
    #[error(transparent)]
    Refused(#[from] Faults),
    /// A call failed.
    #[error("{call} failed: {} ({:?}); apply it again: what is done already stays as it is", status.message(), status.code())]
    Call {
        /// What was called, for what.
        call: String,
        /// What came back.
        status: Box<Status>,
    },
}

/// The day that it is, in Việt Nam.
pub(crate) fn today() -> Date {
    motcua_calendar::local(Clock::system().now()).date()
}

/// Publishes a bundle through the ways to intake and to workflow. Both check all of it first; then the definitions go to
/// workflow, and last the catalog to intake, so that no dossier is accepted whose definition is not there. Applied again,
/// it changes nothing.
///
/// A definition has no day: a new version counts for every case that begins after it. So a catalog whose first day lies ahead of
/// `today` changes none that cases begin under until then.
///
/// # Errors
/// What a service finds wrong, each fault with its file and line, and nothing is changed; or a call that failed.
pub(crate) async fn apply<T: Caller>(
    bundle: &Bundle,
    today: Date,
    intake: T,
    workflow: T,
) -> Result<Applied, ApplyError> {
    let mut intake = CatalogServiceClient::new(intake);
    let mut workflow = DefinitionServiceClient::new(workflow);

    let mut faults = Faults::default();
    if let Err(status) = intake.apply_catalog(catalog_request(bundle, true)).await {
        collect(&status, "ApplyCatalog", &bundle.places, &mut faults)?;
    }
    for (definition, places) in bundle.definitions.iter().zip(&bundle.definition_places) {
        if let Err(status) = workflow
            .publish_definition(definition_request(definition, true))
            .await
        {
            collect(
                &status,
                &format!("PublishDefinition for '{}'", definition.id),
                places,
                &mut faults,
            )?;
        }
    }
    let first = bundle.catalog.effective_from.as_ref();
    if let Some(first) = first
        .and_then(date_from_proto)
        .filter(|first| *first > today)
    {
        for (definition, places) in bundle.definitions.iter().zip(&bundle.definition_places) {
            let published = newest(&mut workflow, &definition.id).await?;
            if published.is_some_and(|published| !is_same(&published, definition)) {
                let description = format!(
                    "a new version would count at once, and this catalog begins on {first}: give the changed definition an id of its own"
                );
                let changed = Violation {
                    field: "definition.id".to_owned(),
                    description,
                };
                faults.lead_back(&[changed], places, &Place::file(&definition.id));
            }
        }
    }
    faults.finish(())?;

    let mut definitions = Vec::new();
    for definition in &bundle.definitions {
        let before = newest(&mut workflow, &definition.id).await?;
        let published = workflow
            .publish_definition(definition_request(definition, false))
            .await
            .map_err(|status| failed(format!("PublishDefinition for '{}'", definition.id), status))?
            .into_inner();
        definitions.push(Published {
            id: published.id,
            version: published.version,
            changed: before.is_none_or(|before| before.version != published.version),
        });
    }
    let catalog = intake
        .apply_catalog(catalog_request(bundle, false))
        .await
        .map_err(|status| failed("ApplyCatalog".to_owned(), status))?
        .into_inner();
    Ok(Applied {
        catalog,
        definitions,
    })
}

/// A definition as it is published now.
async fn newest<T: Caller>(
    workflow: &mut DefinitionServiceClient<T>,
    id: &str,
) -> Result<Option<Definition>, ApplyError> {
    let request = GetDefinitionRequest {
        name: format!("definitions/{id}"),
        version: 0,
    };
    match workflow.get_definition(request).await {
        Ok(definition) => Ok(Some(definition.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(failed(format!("GetDefinition for '{id}'"), status)),
    }
}

/// Whether two say the same, whichever version either is.
fn is_same(published: &Definition, definition: &Definition) -> bool {
    let published = Definition {
        name: definition.name.clone(),
        version: definition.version,
        published_at: definition.published_at,
        ..published.clone()
    };
    published == *definition
}

fn catalog_request(bundle: &Bundle, validate_only: bool) -> ApplyCatalogRequest {
    ApplyCatalogRequest {
        catalog: Some(bundle.catalog.clone()),
        validate_only,
        request_id: Uuid::new_v4().to_string(),
    }
}

fn definition_request(definition: &Definition, validate_only: bool) -> PublishDefinitionRequest {
    PublishDefinitionRequest {
        definition: Some(definition.clone()),
        validate_only,
        request_id: Uuid::new_v4().to_string(),
    }
}

fn failed(call: String, status: Status) -> ApplyError {
    ApplyError::Call {
        call,
        status: Box::new(status),
    }
}

/// Leads what a service found wrong back to the files. A call that failed for another reason ends it.
fn collect(
    status: &Status,
    call: &str,
    places: &Places,
    faults: &mut Faults,
) -> Result<(), ApplyError> {
    let violations: Vec<_> = status
        .get_details_bad_request()
        .map(|request| request.field_violations)
        .unwrap_or_default()
        .into_iter()
        .map(|violation| Violation {
            field: violation.field,
            description: violation.description,
        })
        .collect();
    if status.code() != Code::InvalidArgument || violations.is_empty() {
        return Err(failed(call.to_owned(), status.clone()));
    }
    faults.lead_back(&violations, places, &Place::file(call));
    Ok(())
}
