//! What does a case run under: its catalog, its definition and those of its calls, and the agencies that work on it.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use motcua_platform::{catalog::Catalog, error::Error, time::local_date};
use motcua_proto::{
    events::v1 as events,
    r#type::v1::{Agency, AgencyKind},
};

use super::{
    case::{Called, Case},
    command::Receipt,
    definition::{Call, Definition, Step},
    reckon::Timetable,
    surround::Surround,
};

/// Catalog and definitions that a case runs under.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) catalog: Arc<Catalog>,
    /// Whose calendars count.
    pub(super) timetable: Timetable,
    pub(super) definition: Arc<Definition>,
    called: Vec<(Called, Arc<Definition>)>,
}

impl Scene {
    /// What a case would run under, or why it cannot.
    pub(super) fn prepare(
        receipt: &Receipt,
        surround: &Surround,
        now: Timestamp,
    ) -> Result<Self, String> {
        let catalog = surround
            .catalogs
            .get(&receipt.catalog)
            .ok_or_else(|| format!("there is no catalog '{}'", receipt.catalog))?;
        let newest = |id: &str| {
            surround
                .definitions
                .newest(id)
                .ok_or_else(|| format!("there is no definition '{id}': publish it"))
        };
        let definition = newest(&receipt.definition)?;
        for agency in [&receipt.receiving_agency, &receipt.competent_agency] {
            catalog
                .agency(agency)
                .filter(|agency| catalog.calendar_of(agency).is_some())
                .ok_or_else(|| format!("the catalog has no agency '{agency}'"))?;
        }
        let standing = Standing {
            competent: &receipt.competent_agency,
            receiving: &receipt.receiving_agency,
            day: local_date(receipt.received_at),
        };
        check_units(&catalog, &definition, standing)?;
        let mut called = Vec::new();
        for (branch, call) in definition.calls() {
            let procedure = catalog.procedure(&call.procedure).ok_or_else(|| {
                format!(
                    "step '{branch}' calls procedure '{}', which the catalog does not have",
                    call.procedure
                )
            })?;
            standing
                .of_call(&catalog, call)
                .filter(|unit| catalog.calendar_of(unit).is_some())
                .ok_or_else(|| standing.lacks(call.agency, branch))?;
            let definition = newest(&procedure.definition)?;
            if definition.calls().next().is_some() {
                return Err(format!(
                    "step '{branch}' calls definition '{}', which calls in its turn: calls go one level deep",
                    definition.id()
                ));
            }
            check_units(&catalog, &definition, standing)?;
            let pinned = Called {
                branch: branch.to_owned(),
                // The present one, where the definition still calls it by an old one.
                procedure: procedure.code.clone(),
                definition: definition.id().to_owned(),
                definition_version: definition.version(),
            };
            called.push((pinned, definition));
        }
        Ok(Self {
            timetable: Timetable::of(Arc::clone(&catalog), &receipt.procedure, surround, now),
            catalog,
            definition,
            called,
        })
    }

    /// What a case runs under.
    pub(super) fn of(case: &Case, surround: &Surround, now: Timestamp) -> Result<Self, Error> {
        let catalog = catalog_of(case, surround)?;
        Ok(Self {
            timetable: Timetable::of(Arc::clone(&catalog), &case.procedure, surround, now),
            catalog,
            definition: definition_of(case, surround)?,
            called: case
                .called
                .iter()
                .map(|called| {
                    Ok((
                        called.clone(),
                        pinned(surround, &called.definition, called.definition_version)?,
                    ))
                })
                .collect::<Result<_, Error>>()?,
        })
    }

    /// The definitions of its calls, for the event that begins the case.
    pub(super) fn called(&self) -> Vec<events::CalledDefinition> {
        self.called
            .iter()
            .map(|(called, _)| events::CalledDefinition {
                branch: called.branch.clone(),
                procedure: called.procedure.clone(),
                definition: called.definition.clone(),
                definition_version: called.definition_version,
            })
            .collect()
    }

    /// Whether the units are there that the tasks of another version of a case's definition need.
    pub(super) fn check_units_of(
        case: &Case,
        definition: &Definition,
        surround: &Surround,
    ) -> Result<(), String> {
        let catalog = catalog_of(case, surround).map_err(|error| error.to_string())?;
        let standing = Standing::of(case, case.received_at);
        check_units(&catalog, definition, standing)
    }

    /// What a call runs, with its definition.
    pub(super) fn call(&self, call: &str) -> Option<(&Called, &Definition)> {
        self.called
            .iter()
            .find(|(called, _)| called.branch == call)
            .map(|(called, definition)| (called, &**definition))
    }

    /// The agency that decides on a call's sub-case, or on the case itself.
    pub(super) fn agency_of(
        &self,
        case: &Case,
        call: &str,
        now: Timestamp,
    ) -> Result<String, Error> {
        let Some(call) = self.definition.call(call) else {
            return Ok(case.competent_agency.clone());
        };
        let standing = Standing::of(case, now);
        self.there(standing.of_call(&self.catalog, call), case, call.agency)
    }

    /// The unit of a kind that works on a case.
    pub(super) fn unit(
        &self,
        case: &Case,
        kind: AgencyKind,
        now: Timestamp,
    ) -> Result<String, Error> {
        let standing = Standing::of(case, now);
        self.there(standing.unit(&self.catalog, kind), case, kind)
    }

    /// What was found in the catalog, or that it lacks it.
    fn there(
        &self,
        found: Option<&Agency>,
        case: &Case,
        kind: AgencyKind,
    ) -> Result<String, Error> {
        let unit = found.ok_or_else(|| Error::NotReady {
            missing: format!(
                "unit {} of agency {} in catalog {}",
                kind.as_str_name(),
                case.competent_agency,
                case.catalog
            ),
            remedy: "apply a catalog that has it",
        })?;
        Ok(unit.code.clone())
    }

    /// The definition that a task belongs to: the case's own, or the call's.
    pub(super) fn definition_of(&self, call: &str) -> &Definition {
        self.call(call)
            .map_or(&*self.definition, |(_, definition)| definition)
    }
}

/// The definition that a case runs under.
pub(super) fn definition_of(case: &Case, surround: &Surround) -> Result<Arc<Definition>, Error> {
    pinned(surround, &case.definition, case.definition_version)
}

/// The definition that one of its calls runs under.
pub(super) fn definition_called(
    case: &Case,
    call: &str,
    surround: &Surround,
) -> Result<Arc<Definition>, Error> {
    match case.called(call) {
        Some(called) => pinned(surround, &called.definition, called.definition_version),
        None => Err(Error::Fault(format!(
            "the case calls nothing by step '{call}'"
        ))),
    }
}

fn pinned(surround: &Surround, id: &str, version: i32) -> Result<Arc<Definition>, Error> {
    surround
        .definitions
        .get(id, version)
        .ok_or_else(|| Error::NotReady {
            missing: format!("version {version} of definition {id}"),
            remedy: "restore it: running cases keep their version",
        })
}

/// The calendars that count for a case at an instant.
pub(super) fn timetable_of(
    case: &Case,
    surround: &Surround,
    now: Timestamp,
) -> Result<Timetable, Error> {
    Ok(Timetable::of(
        catalog_of(case, surround)?,
        &case.procedure,
        surround,
        now,
    ))
}

/// The catalog that a case stands under.
pub(super) fn catalog_of(case: &Case, surround: &Surround) -> Result<Arc<Catalog>, Error> {
    surround
        .catalogs
        .get(&case.catalog)
        .ok_or_else(|| Error::NotReady {
            missing: format!("catalog {}", case.catalog),
            remedy: "apply it again under the same id",
        })
}

/// The agencies that a case's other ones are found by.
#[derive(Debug, Clone, Copy)]
struct Standing<'a> {
    competent: &'a str,
    receiving: &'a str,
    /// On which day.
    day: Date,
}

impl<'s> Standing<'s> {
    /// Of a case, on the day of an instant.
    fn of(case: &'s Case, at: Timestamp) -> Self {
        Self {
            competent: &case.competent_agency,
            receiving: &case.receiving_agency,
            day: local_date(at),
        }
    }

    /// The agency that a call is for: a unit of that kind, or the city's department that decides on its procedure.
    fn of_call<'c>(&self, catalog: &'c Catalog, call: &Call) -> Option<&'c Agency> {
        if call.agency != AgencyKind::Department {
            return self.unit(catalog, call.agency);
        }
        let procedure = catalog.procedure(&call.procedure)?;
        catalog.competent(procedure, self.competent, self.day)
    }

    fn lacks(&self, kind: AgencyKind, step: &str) -> String {
        let (agency, kind) = (self.competent, kind.as_str_name());
        format!("agency '{agency}' has no {kind} unit for step '{step}'")
    }

    /// The unit of that kind: of the ward that decides, which a centre may have received for (decree 118/2025, art. 17); where an
    /// agency of no ward decides, of the one that received.
    fn unit<'c>(&self, catalog: &'c Catalog, kind: AgencyKind) -> Option<&'c Agency> {
        let own = catalog.unit(self.competent, kind, self.day);
        own.or_else(|| catalog.unit(self.receiving, kind, self.day))
    }
}

/// Every unit that the definition's tasks need must be there, so that a running case never stops for one.
fn check_units(
    catalog: &Catalog,
    definition: &Definition,
    standing: Standing<'_>,
) -> Result<(), String> {
    for (id, step) in definition.steps() {
        if let Step::Task(task) = step
            && let Some(kind) = task.agency
        {
            unit(catalog, standing, kind, id)?;
        }
    }
    Ok(())
}

fn unit(
    catalog: &Catalog,
    standing: Standing<'_>,
    kind: AgencyKind,
    step: &str,
) -> Result<(), String> {
    standing
        .unit(catalog, kind)
        .filter(|unit| catalog.calendar_of(unit).is_some())
        .map(drop)
        .ok_or_else(|| standing.lacks(kind, step))
}
