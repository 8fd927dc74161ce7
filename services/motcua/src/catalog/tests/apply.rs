use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex},
};

use jiff::civil::date;
use motcua_platform::{error::Error, time::date_to_proto};
use motcua_proto::{
    intake::v1::{
        ApplyCatalogRequest, ApplyCatalogResponse, GetAgencyRequest, GetCalendarRequest,
        GetProcedureRequest, ListAgenciesRequest, ListAgenciesResponse, ListCalendarsRequest,
        ListCalendarsResponse, ListProceduresRequest, ListProceduresResponse,
        catalog_service_server::{CatalogService, CatalogServiceServer},
    },
    r#type::v1::{Agency, Calendar, Procedure},
    workflow::v1::{
        Definition, GetDefinitionRequest, ListDefinitionsRequest, ListDefinitionsResponse,
        PublishDefinitionRequest,
        definition_service_server::{DefinitionService, DefinitionServiceServer},
    },
};
use tonic::{Code, Request, Response, Status, service::Routes};

use super::{directory, sound};
use crate::catalog::{
    Bundle,
    apply::{Applied, ApplyError, apply},
    diff::{Side, diff},
    in_force, read,
};

/// Both services in one, as far as applying a catalog needs them: they keep what they are given and note what was asked.
#[derive(Debug, Default)]
struct State {
    asked: Vec<String>,
    catalog: Option<motcua_proto::r#type::v1::Catalog>,
    definitions: BTreeMap<String, Definition>,
    /// What they find wrong: for what, and which.
    wrong: Option<(&'static str, Error)>,
}

impl State {
    fn asked(&mut self, what: &str, validate_only: bool) -> Result<(), Status> {
        self.asked.push(format!(
            "{}{what}",
            if validate_only { "check " } else { "" }
        ));
        match &self.wrong {
            Some((place, error)) if *place == what => Err(error.clone().into()),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct City(Arc<Mutex<State>>);

impl City {
    fn routes(&self) -> Routes {
        Routes::new(CatalogServiceServer::new(self.clone()))
            .add_service(DefinitionServiceServer::new(self.clone()))
    }

    async fn applies(&self, bundle: &Bundle) -> Result<Applied, ApplyError> {
        apply(bundle, date(2025, 7, 1), self.routes(), self.routes()).await
    }

    /// What was asked of it since the last time.
    fn asked(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap().asked)
    }

    fn finds_wrong(&self, place: &'static str, error: Error) {
        self.0.lock().unwrap().wrong = Some((place, error));
    }
}

/// A page of one, so that whoever does not turn it over sees too little.
fn page<T: Clone>(all: Option<&Vec<T>>, token: &str) -> (Vec<T>, String) {
    let all = all.map_or(&[][..], Vec::as_slice);
    let from: usize = token.parse().unwrap_or(0);
    let next = if from + 1 < all.len() {
        (from + 1).to_string()
    } else {
        String::new()
    };
    (all.iter().skip(from).take(1).cloned().collect(), next)
}

fn unused<T>() -> Result<Response<T>, Status> {
    Err(Status::internal(
        "nobody asks for this when a catalog is applied",
    ))
}

#[tonic::async_trait]
impl CatalogService for City {
    async fn apply_catalog(
        &self,
        request: Request<ApplyCatalogRequest>,
    ) -> Result<Response<ApplyCatalogResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.0.lock().unwrap();
        state.asked("catalog", request.validate_only)?;
        let changed = state.catalog != request.catalog;
        let catalog = request.catalog.clone().unwrap();
        if !request.validate_only {
            state.catalog = request.catalog;
        }
        let count = |length: usize| i32::try_from(length).unwrap();
        Ok(Response::new(ApplyCatalogResponse {
            id: catalog.id,
            changed,
            agencies: count(catalog.agencies.len()),
            procedures: count(catalog.procedures.len()),
            calendars: count(catalog.calendars.len()),
            effective_from: catalog.effective_from,
        }))
    }

    async fn get_agency(&self, _: Request<GetAgencyRequest>) -> Result<Response<Agency>, Status> {
        unused()
    }

    async fn list_agencies(
        &self,
        request: Request<ListAgenciesRequest>,
    ) -> Result<Response<ListAgenciesResponse>, Status> {
        let state = self.0.lock().unwrap();
        let all = state.catalog.as_ref().map(|catalog| &catalog.agencies);
        let (agencies, next_page_token) = page(all, &request.into_inner().page_token);
        Ok(Response::new(ListAgenciesResponse {
            agencies,
            next_page_token,
        }))
    }

    async fn get_procedure(
        &self,
        _: Request<GetProcedureRequest>,
    ) -> Result<Response<Procedure>, Status> {
        unused()
    }

    async fn list_procedures(
        &self,
        request: Request<ListProceduresRequest>,
    ) -> Result<Response<ListProceduresResponse>, Status> {
        let state = self.0.lock().unwrap();
        let all = state.catalog.as_ref().map(|catalog| &catalog.procedures);
        let (procedures, next_page_token) = page(all, &request.into_inner().page_token);
        Ok(Response::new(ListProceduresResponse {
            procedures,
            next_page_token,
        }))
    }

    async fn get_calendar(
        &self,
        _: Request<GetCalendarRequest>,
    ) -> Result<Response<Calendar>, Status> {
        unused()
    }

    async fn list_calendars(
        &self,
        request: Request<ListCalendarsRequest>,
    ) -> Result<Response<ListCalendarsResponse>, Status> {
        let state = self.0.lock().unwrap();
        let all = state.catalog.as_ref().map(|catalog| &catalog.calendars);
        let (calendars, next_page_token) = page(all, &request.into_inner().page_token);
        Ok(Response::new(ListCalendarsResponse {
            calendars,
            next_page_token,
        }))
    }
}

#[tonic::async_trait]
impl DefinitionService for City {
    async fn publish_definition(
        &self,
        request: Request<PublishDefinitionRequest>,
    ) -> Result<Response<Definition>, Status> {
        let request = request.into_inner();
        let definition = request.definition.unwrap();
        let mut state = self.0.lock().unwrap();
        state.asked(&definition.id, request.validate_only)?;
        let published = state.definitions.get(&definition.id).cloned();
        let version = published.as_ref().map_or(0, |published| published.version);
        let same = published.is_some_and(|published| {
            Definition {
                version: 0,
                ..published
            } == definition
        });
        let definition = Definition {
            version: if same { version } else { version + 1 },
            ..definition
        };
        if !request.validate_only {
            state
                .definitions
                .insert(definition.id.clone(), definition.clone());
        }
        Ok(Response::new(definition))
    }

    async fn get_definition(
        &self,
        request: Request<GetDefinitionRequest>,
    ) -> Result<Response<Definition>, Status> {
        let name = request.into_inner().name;
        let state = self.0.lock().unwrap();
        let definition = name
            .strip_prefix("definitions/")
            .and_then(|id| state.definitions.get(id));
        definition
            .cloned()
            .map(Response::new)
            .ok_or_else(|| Error::Missing { name }.into())
    }

    async fn list_definitions(
        &self,
        request: Request<ListDefinitionsRequest>,
    ) -> Result<Response<ListDefinitionsResponse>, Status> {
        let state = self.0.lock().unwrap();
        let all: Vec<_> = state.definitions.values().cloned().collect();
        let (definitions, next_page_token) = page(Some(&all), &request.into_inner().page_token);
        Ok(Response::new(ListDefinitionsResponse {
            definitions,
            next_page_token,
        }))
    }
}

/// The small sound catalog, read. Its directory may be gone: all that is needed is in memory.
fn small() -> (Bundle, String) {
    let dir = directory(sound());
    (read(dir.path()).unwrap(), dir.path().display().to_string())
}

#[tokio::test]
async fn everything_is_checked_before_anything_is_published_and_the_catalog_comes_last() {
    let city = City::default();
    let applied = city.applies(&small().0).await.unwrap();
    assert_eq!(
        city.asked(),
        [
            "check catalog",
            "check linked",
            "check plain",
            "linked",
            "plain",
            "catalog"
        ]
    );
    assert_eq!(
        applied.to_string(),
        "definition linked: version 1 is new\n\
         definition plain: version 1 is new\n\
         catalog small: in force for dossiers submitted from now on (agencies: 2, procedures: 3, calendars: 1)"
    );
}

#[tokio::test]
async fn applied_again_it_changes_nothing_and_says_so() {
    let city = City::default();
    let (bundle, _) = small();
    city.applies(&bundle).await.unwrap();
    let again = city.applies(&bundle).await.unwrap();
    assert_eq!(
        again.to_string(),
        "definitions: 2 unchanged\ncatalog small: unchanged (agencies: 2, procedures: 3, calendars: 1)"
    );
}

#[tokio::test]
async fn a_changed_definition_becomes_its_next_version() {
    let city = City::default();
    let (mut bundle, _) = small();
    city.applies(&bundle).await.unwrap();
    bundle.definitions[1].title.push_str(", lần hai");
    let applied = city.applies(&bundle).await.unwrap();
    let versions: Vec<_> = applied
        .definitions
        .iter()
        .map(|published| (published.id.as_str(), published.version, published.changed))
        .collect();
    assert_eq!(versions, [("linked", 1, false), ("plain", 2, true)]);
}

#[tokio::test]
async fn a_catalog_for_a_day_ahead_changes_no_definition_that_cases_begin_under_until_then() {
    let city = City::default();
    let (mut bundle, dir) = small();
    city.applies(&bundle).await.unwrap();
    bundle.catalog.id = "autumn".to_owned();
    bundle.catalog.effective_from = Some(date_to_proto(date(2025, 9, 1)));
    let unchanged = city.applies(&bundle).await.unwrap();
    assert!(
        unchanged.to_string().ends_with(
            "catalog autumn: in force for dossiers submitted from 2025-09-01 on (agencies: 2, procedures: 3, calendars: 1)"
        ),
        "{unchanged}"
    );
    city.asked();
    bundle.definitions[1].title.push_str(", lần hai");
    let refused = city.applies(&bundle).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "{dir}/definitions/plain.toml:1: id: a new version would count at once, and this catalog begins on 2025-09-01: give the changed definition an id of its own"
        )
    );
    assert_eq!(
        city.asked(),
        ["check catalog", "check linked", "check plain"]
    );
    // On that day it may.
    bundle.catalog.effective_from = Some(date_to_proto(date(2025, 7, 1)));
    city.applies(&bundle).await.unwrap();
}

#[tokio::test]
async fn what_a_service_finds_wrong_is_told_with_file_and_line_and_changes_nothing() {
    let city = City::default();
    let (bundle, dir) = small();
    city.finds_wrong(
        "linked",
        Error::field(
            "definition.steps[2].call.procedure",
            "is not called like this any more",
        ),
    );
    let error = city.applies(&bundle).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{dir}/definitions/linked.toml:19: call: is not called like this any more")
    );
    assert_eq!(
        city.asked(),
        ["check catalog", "check linked", "check plain"]
    );

    city.finds_wrong(
        "catalog",
        Error::field(
            "catalog.procedures[1].limit",
            "is longer than the law allows",
        ),
    );
    let error = city.applies(&bundle).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{dir}/procedures.csv:5: limit: is longer than the law allows")
    );
    assert_eq!(
        city.asked(),
        ["check catalog", "check linked", "check plain"]
    );
}

#[tokio::test]
async fn a_service_that_does_not_answer_ends_it() {
    let city = City::default();
    city.finds_wrong("plain", Error::Unavailable);
    let error = city.applies(&small().0).await.unwrap_err();
    let ApplyError::Call { call, status } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (call.as_str(), status.code()),
        ("PublishDefinition for 'plain'", Code::Unavailable)
    );
    assert_eq!(
        city.asked(),
        ["check catalog", "check linked", "check plain"]
    );
}

#[tokio::test]
async fn what_is_in_force_is_read_whole_and_differs_from_what_was_applied_in_nothing() {
    let city = City::default();
    let (bundle, _) = small();
    city.applies(&bundle).await.unwrap();
    let title = "in force".to_owned();
    let in_force = in_force::read(title, city.routes(), city.routes())
        .await
        .unwrap();
    let mut side = Side {
        title: "new".to_owned(),
        catalog: bundle.catalog,
        definitions: bundle.definitions,
    };
    assert!(diff(&in_force, &side).is_empty());
    side.catalog.procedures.pop();
    side.definitions[0].title.push_str(", lần hai");
    let changes = diff(&in_force, &side);
    assert_eq!(changes.procedures.removed[0].code, "2.002622");
    assert_eq!(changes.definitions.changed[0].code, "linked");
    assert!(!changes.to_string().contains("the id is the same"));
}
