//! Applying a catalog: once, under an id of its own, for good.

use std::sync::Arc;

use motcua_platform::{
    error::Error,
    ledger::{Context, Decision},
    time::to_proto,
};
use motcua_proto::{
    events::v1::{CatalogApplied, Event, event::Payload},
    intake::v1::ApplyCatalogResponse,
    r#type::v1::Catalog,
};

/// A catalog that was applied. It never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied(pub Arc<Catalog>);

/// Asks to apply a catalog, checked already.
#[derive(Debug, Clone)]
pub struct Apply(pub Arc<Catalog>);

/// What happens. The same catalog again: nothing.
///
/// # Errors
/// When the id stands for another content: dossiers stand under it, and what they were promised does not change.
pub fn decide(
    state: Option<&Applied>,
    Apply(catalog): &Apply,
    context: &Context<'_>,
) -> Result<Decision, Error> {
    if let Some(applied) = state {
        return if same(&applied.0, catalog) {
            Ok(Decision::default())
        } else {
            Err(other_content(context.key))
        };
    }
    let catalog = Catalog {
        applied_at: Some(to_proto(context.now)),
        ..catalog.as_ref().clone()
    };
    Ok(Decision {
        events: vec![Payload::CatalogApplied(CatalogApplied {
            catalog: Some(catalog),
        })],
        ..Decision::default()
    })
}

/// The state after an event.
#[must_use]
pub fn apply(state: Option<Applied>, event: &Event) -> Option<Applied> {
    match &event.payload {
        Some(Payload::CatalogApplied(CatalogApplied {
            catalog: Some(catalog),
        })) => Some(Applied(Arc::new(catalog.clone()))),
        _ => state,
    }
}

/// Whether two catalogs say the same, whenever they were applied.
#[must_use]
pub fn same(one: &Catalog, other: &Catalog) -> bool {
    one.id == other.id
        && one.effective_from == other.effective_from
        && one.agencies == other.agencies
        && one.procedures == other.procedures
        && one.calendars == other.calendars
}

/// The refusal of another content under an id that stands.
#[must_use]
pub fn other_content(id: &str) -> Error {
    Error::Exists {
        name: format!("catalogs/{id} (with other content: take a new id)"),
    }
}

/// What was applied, in figures.
#[must_use]
pub fn summary(catalog: &Catalog, changed: bool) -> ApplyCatalogResponse {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    ApplyCatalogResponse {
        id: catalog.id.clone(),
        changed,
        agencies: count(catalog.agencies.len()),
        procedures: count(catalog.procedures.len()),
        calendars: count(catalog.calendars.len()),
        effective_from: catalog.effective_from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::proto_catalog;
    use motcua_platform::ledger::Authority;

    fn asks(state: Option<&Applied>, catalog: Catalog) -> Result<Decision, Error> {
        let now = "2025-07-01T00:00:00Z".parse().unwrap();
        let key = catalog.id.clone();
        decide(
            state,
            &Apply(Arc::new(catalog)),
            &Context::new(now, &key, &Authority::of_service("tests")),
        )
    }

    #[test]
    fn a_catalog_is_applied_once_and_its_id_stands_for_it() {
        let happened = asks(None, proto_catalog()).unwrap();
        let event = Event {
            payload: happened.events.into_iter().next(),
            ..Event::default()
        };
        let applied = apply(None, &event).unwrap();
        assert!(applied.0.applied_at.is_some());
        assert_eq!(
            asks(Some(&applied), proto_catalog()).unwrap(),
            Decision::default()
        );

        let mut other = proto_catalog();
        other.procedures.pop();
        let refused = asks(Some(&applied), other).unwrap_err().to_string();
        assert_eq!(
            refused,
            "catalogs/test-2025 (with other content: take a new id) exists already"
        );
    }
}
