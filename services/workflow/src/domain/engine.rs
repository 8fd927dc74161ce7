//! Where a path goes on: from a task's outcome, over forks and joins, into calls and out of them, to the end.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use motcua_platform::{
    catalog::Catalog,
    error::Error,
    time::{local_date, to_proto},
};
use motcua_proto::{
    events::v1::{self as events, event::Payload},
    r#type::v1::{Agency, AgencyKind},
};

use super::{
    case::{Called, Case, Limit, Task, task_id},
    command::Receipt,
    definition::{Definition, Step},
    reckon::{Hours, judged},
    replay::arrival_key,
    surround::Surround,
};

/// Catalog and definitions that a case runs under.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) catalog: Arc<Catalog>,
    pub(super) definition: Arc<Definition>,
    called: Vec<(Called, Arc<Definition>)>,
}

impl Scene {
    /// What a case would run under, or why it cannot.
    pub(super) fn prepare(receipt: &Receipt, surround: &Surround) -> Result<Self, String> {
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
            Hours::find(&catalog, agency)
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
            unit(&catalog, standing, call.agency, branch)?;
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
            catalog,
            definition,
            called,
        })
    }

    /// What a case runs under.
    pub(super) fn of(case: &Case, surround: &Surround) -> Result<Self, Error> {
        let catalog = catalog_of(case, surround)?;
        let pinned = |id: &str, version: i32| {
            surround
                .definitions
                .get(id, version)
                .ok_or_else(|| Error::NotReady {
                    missing: format!("version {version} of definition {id}"),
                    remedy: "restore it: running cases keep their version",
                })
        };
        Ok(Self {
            catalog,
            definition: pinned(&case.definition, case.definition_version)?,
            called: case
                .called
                .iter()
                .map(|called| {
                    Ok((
                        called.clone(),
                        pinned(&called.definition, called.definition_version)?,
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

    /// The definition that a task belongs to: the case's own, or the call's.
    pub(super) fn definition_of(&self, call: &str) -> &Definition {
        self.called
            .iter()
            .find(|(called, _)| called.branch == call)
            .map_or(&*self.definition, |(_, definition)| definition)
    }
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

impl Standing<'_> {
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
        .ok_or_else(|| {
            format!(
                "agency '{}' has no {} unit for step '{step}'",
                standing.competent,
                kind.as_str_name()
            )
        })
}

/// Where a path goes after a step.
#[derive(Debug, Default)]
struct Way {
    /// The join that was reached.
    joined: String,
    /// The fork that divided the path.
    forked: String,
    /// The steps that begin.
    begins: Vec<String>,
    /// True when the path ends.
    ends: bool,
}

/// A decision under way: what happens, in order.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    case: &'a Case,
    scene: &'a Scene,
    now: Timestamp,
    tasks: usize,
    pub(super) events: Vec<Payload>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(case: &'a Case, scene: &'a Scene, now: Timestamp) -> Self {
        Self {
            case,
            scene,
            now,
            tasks: case.tasks.len(),
            events: Vec::new(),
        }
    }

    /// The case's first step.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        self.enter("", self.scene.definition.start(), "")
    }

    /// A task ends with an outcome that it has.
    pub(super) fn complete(&mut self, id: &str, task: &Task, outcome: &str) -> Result<(), Error> {
        let definition = self.scene.definition_of(&task.call);
        let to = definition
            .task(&task.step)
            .and_then(|step| step.transition(outcome))
            .and_then(|transition| transition.to.as_deref());
        let way = self.way(definition, &task.call, to);
        self.events
            .push(Payload::TaskCompleted(events::TaskCompleted {
                task: id.to_owned(),
                outcome: outcome.to_owned(),
                completed_at: Some(to_proto(self.now)),
                used_minutes: self.used(task)?,
                joined: way.joined.clone(),
                forked: way.forked.clone(),
            }));
        for step in &way.begins {
            let same_branch = branch_path(definition, &task.call, step) == task.branch;
            self.enter(&task.call, step, if same_branch { id } else { "" })?;
        }
        match (way.ends, task.call.as_str()) {
            (false, _) => Ok(()),
            (true, "") => {
                self.finish(outcome);
                Ok(())
            }
            (true, call) => self.leave(call, outcome),
        }
    }

    /// A task goes back to the one before it.
    pub(super) fn give_back(
        &mut self,
        id: &str,
        task: &Task,
        previous: &Task,
        statement_revision: i32,
    ) -> Result<(), Error> {
        self.events
            .push(Payload::TaskReturned(events::TaskReturned {
                task: id.to_owned(),
                to_step: previous.step.clone(),
                returned_at: Some(to_proto(self.now)),
                used_minutes: self.used(task)?,
                statement_revision,
            }));
        self.enter(&previous.call, &previous.step, &previous.previous)
    }

    fn used(&self, task: &Task) -> Result<i32, Error> {
        Ok(Hours::of(&self.scene.catalog, &task.agency)?.used(
            task.opened_at,
            self.now,
            &self.case.holds,
        ))
    }

    /// Follows a path from where a step led, to the work that begins next.
    fn way<'d>(&self, definition: &'d Definition, call: &str, to: Option<&'d str>) -> Way {
        let mut way = Way::default();
        let mut next = to;
        // Structure makes this end: forks and joins alone never form a circle.
        while let Some(id) = next {
            match definition.step(id) {
                Some(Step::Fork { join, .. }) => {
                    let branches: Vec<_> = definition
                        .branches_for(id, &self.case.options)
                        .map(str::to_owned)
                        .collect();
                    if branches.is_empty() {
                        // Nobody sets out, so nobody is waited for.
                        next = after_join(definition, join);
                        continue;
                    }
                    id.clone_into(&mut way.forked);
                    way.begins = branches;
                }
                Some(Step::Join { to }) => {
                    id.clone_into(&mut way.joined);
                    if self.is_last_to_arrive(definition, call, id) {
                        next = to.as_deref();
                        continue;
                    }
                }
                Some(Step::Task(_) | Step::Call(_)) | None => way.begins.push(id.to_owned()),
            }
            return way;
        }
        way.ends = true;
        way
    }

    fn is_last_to_arrive(&self, definition: &Definition, call: &str, join: &str) -> bool {
        let sent = definition
            .fork_of(join)
            .map_or(1, |fork| {
                definition.branches_for(fork, &self.case.options).count()
            })
            .max(1);
        let before = self
            .case
            .arrivals
            .get(&arrival_key(call, join))
            .copied()
            .unwrap_or_default();
        (before + 1).is_multiple_of(sent)
    }

    /// A step begins: a task opens, or a call starts its sub-case.
    fn enter(&mut self, call: &str, step: &str, previous: &str) -> Result<(), Error> {
        let definition = self.scene.definition_of(call);
        match definition.step(step) {
            Some(Step::Task(_)) => self.open(call, step, previous),
            Some(Step::Call(_)) if call.is_empty() => self.start_sub_case(step),
            _ => Err(Error::Fault(format!(
                "step '{step}' of definition {} version {} is no work",
                definition.id(),
                definition.version()
            ))),
        }
    }

    fn open(&mut self, call: &str, step: &str, previous: &str) -> Result<(), Error> {
        let definition = self.scene.definition_of(call);
        let Some(task) = definition.task(step) else {
            return Ok(());
        };
        let agency = match task.agency {
            Some(kind) => self.unit(kind)?,
            None => self.agency_of(call)?,
        };
        let due_at =
            Hours::of(&self.scene.catalog, &agency)?.budget_end(self.now, task.planned_minutes)?;
        let opened = events::TaskOpened {
            task: task_id(self.tasks),
            step: step.to_owned(),
            branch: branch_path(definition, call, step),
            role: task.role.into(),
            agency,
            opened_at: Some(to_proto(self.now)),
            planned_minutes: i32::try_from(task.planned_minutes).unwrap_or(i32::MAX),
            due_at: Some(to_proto(due_at)),
            call: call.to_owned(),
            previous: previous.to_owned(),
        };
        self.tasks += 1;
        self.events.push(Payload::TaskOpened(opened));
        Ok(())
    }

    /// The agency that decides on a call's sub-case, or on the case itself.
    fn agency_of(&self, call: &str) -> Result<String, Error> {
        match self.scene.definition.call(call) {
            Some(call) => self.unit(call.agency),
            None => Ok(self.case.competent_agency.clone()),
        }
    }

    fn unit(&self, kind: AgencyKind) -> Result<String, Error> {
        let standing = Standing {
            competent: &self.case.competent_agency,
            receiving: &self.case.receiving_agency,
            day: local_date(self.now),
        };
        let unit = standing
            .unit(&self.scene.catalog, kind)
            .ok_or_else(|| Error::NotReady {
                missing: format!(
                    "unit {} of agency {} in catalog {}",
                    kind.as_str_name(),
                    standing.competent,
                    self.case.catalog
                ),
                remedy: "apply a catalog that has it",
            })?;
        Ok(unit.code.clone())
    }

    fn start_sub_case(&mut self, call: &str) -> Result<(), Error> {
        let agency = self.agency_of(call)?;
        let missing = || Error::NotReady {
            missing: format!(
                "what step '{call}' of case definition {} calls",
                self.case.definition
            ),
            remedy: "apply a catalog that has it",
        };
        let (called, definition) = self
            .scene
            .called
            .iter()
            .find(|(called, _)| called.branch == call)
            .ok_or_else(missing)?;
        let limit = self
            .scene
            .catalog
            .procedure(&called.procedure)
            .and_then(|procedure| procedure.limit.as_ref())
            .and_then(Limit::from_proto)
            .ok_or_else(missing)?;
        let due = Hours::of(&self.scene.catalog, &agency)?.due(self.now, limit, &[])?;
        self.events
            .push(Payload::SubCaseStarted(events::SubCaseStarted {
                branch: call.to_owned(),
                procedure: called.procedure.clone(),
                agency,
                definition: called.definition.clone(),
                definition_version: called.definition_version,
                limit: Some(limit.to_proto()),
                started_at: Some(to_proto(self.now)),
                due_at: Some(to_proto(due.at)),
            }));
        self.open(call, definition.start(), "")
    }

    /// A sub-case has ended; the case goes on behind its call, whatever the outcome.
    fn leave(&mut self, call: &str, outcome: &str) -> Result<(), Error> {
        let scene = self.scene;
        let to = scene.definition.call(call).map(|call| call.to.as_str());
        let way = self.way(&scene.definition, "", to);
        self.events
            .push(Payload::SubCaseFinished(events::SubCaseFinished {
                branch: call.to_owned(),
                outcome: outcome.to_owned(),
                finished_at: Some(to_proto(self.now)),
                joined: way.joined.clone(),
            }));
        for step in &way.begins {
            self.enter("", step, "")?;
        }
        if way.ends {
            self.finish(outcome);
        }
        Ok(())
    }

    fn finish(&mut self, outcome: &str) {
        self.events
            .push(Payload::CaseFinished(events::CaseFinished {
                finished_at: Some(to_proto(self.now)),
                outcome: outcome.to_owned(),
                punctuality: judged(self.case.first_due, self.now).into(),
                apologised: self.case.extended,
            }));
    }
}

fn after_join<'a>(definition: &'a Definition, join: &str) -> Option<&'a str> {
    match definition.step(join) {
        Some(Step::Join { to }) => to.as_deref(),
        _ => None,
    }
}

/// The branch as tasks show it: within a call, below the call.
fn branch_path(definition: &Definition, call: &str, step: &str) -> String {
    let own = definition.branch_of(step);
    match (call.is_empty(), own.is_empty()) {
        (true, _) => own.to_owned(),
        (false, true) => call.to_owned(),
        (false, false) => format!("{call}/{own}"),
    }
}
