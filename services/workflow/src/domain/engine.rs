//! Where a path goes on: from a task's outcome, over forks and joins, into calls and out of them, to the end.

use jiff::Timestamp;
use motcua_platform::{catalog, error::Error, time::to_proto};
use motcua_proto::{
    events::v1::{self as events, event::Payload},
    r#type::v1::Punctuality,
};

use super::{
    case::{Case, Due, SubCase, Task, Timer, task_id, timer_id},
    condition::Facts,
    definition::{Definition, Step, Wait},
    reckon::judged,
    replay::{arrival_key, due},
    scene::Scene,
};

/// The outcome of a branch that ended by rule, because what its agency asked for did not come. No definition names it.
pub(super) const LAPSED: &str = "lapsed";

/// How a task ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// With which outcome.
    pub(super) outcome: &'a str,
    /// The other system's code that meant it; empty where somebody did it.
    pub(super) external_code: &'a str,
    /// Whom they stood in for; empty where they acted for themselves.
    pub(super) on_behalf_of: &'a str,
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
    /// The outcome as which the last step on it was left out; none where none was.
    left_out_as: Option<String>,
}

/// A decision under way: what happens, in order.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    case: &'a Case,
    scene: &'a Scene,
    now: Timestamp,
    /// Revision of why what ends now ends so; 0 where nothing was said.
    reason: i32,
    /// Whether what ends now ends by rule.
    lapsed: bool,
    tasks: usize,
    timers: usize,
    pub(super) events: Vec<Payload>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(case: &'a Case, scene: &'a Scene, now: Timestamp) -> Self {
        Self {
            case,
            scene,
            now,
            reason: 0,
            lapsed: false,
            tasks: case.tasks.len(),
            timers: case.timers.len(),
            events: Vec::new(),
        }
    }

    /// The case's first step.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        let scene = self.scene;
        let way = self.way(&scene.definition, "", Some(scene.definition.start()), None);
        self.go_on("", &way, |_| "", "")
    }

    /// A task ends with an outcome that it has, and with the statement of that revision; 0 where nothing is said.
    pub(super) fn complete(
        &mut self,
        id: &str,
        task: &Task,
        how: How<'_>,
        statement_revision: i32,
    ) -> Result<(), Error> {
        let How {
            outcome,
            external_code,
            on_behalf_of,
        } = how;
        let scene = self.scene;
        let definition = scene.definition_of(&task.call);
        let to = definition
            .task(&task.step)
            .and_then(|step| step.transition(outcome))
            .and_then(|transition| transition.to.as_deref());
        let way = self.way(definition, &task.call, to, Some((&task.step, outcome)));
        self.events
            .push(Payload::TaskCompleted(events::TaskCompleted {
                task: id.to_owned(),
                outcome: outcome.to_owned(),
                completed_at: Some(to_proto(self.now)),
                used_minutes: self.used(task)?,
                joined: way.joined.clone(),
                forked: way.forked.clone(),
                external_code: external_code.to_owned(),
                on_behalf_of: on_behalf_of.to_owned(),
                statement_revision,
            }));
        self.reason = self.reason_of(task, outcome, statement_revision);
        let previous = |branch: &str| if branch == task.branch { id } else { "" };
        self.go_on(&task.call, &way, previous, outcome)
    }

    /// Why an outcome refuses: what was said with it, or with the same outcome of the step that came right before, and so on.
    /// Who signs a refusal need not write again what the officer wrote; what was given back since is not among it.
    fn reason_of(&self, task: &Task, outcome: &str, said_now: i32) -> i32 {
        if said_now > 0 {
            return said_now;
        }
        said_before(self.case, task, outcome).unwrap_or_default()
    }

    /// A branch ends by rule, with what waits in it.
    pub(super) fn lapse(&mut self, call: &str, statement_revision: i32) -> Result<(), Error> {
        self.reason = statement_revision;
        self.lapsed = true;
        self.leave(call, LAPSED)
    }

    /// A path has waited, and goes on.
    pub(super) fn fire(&mut self, id: &str, timer: &Timer) -> Result<(), Error> {
        let scene = self.scene;
        let definition = scene.definition_of(&timer.call);
        let to = definition.timer(&timer.step).map(|step| step.to.as_str());
        let way = self.way(definition, &timer.call, to, None);
        self.events.push(Payload::TimerFired(events::TimerFired {
            timer: id.to_owned(),
            fired_at: Some(to_proto(self.now)),
            joined: way.joined.clone(),
            forked: way.forked.clone(),
        }));
        let previous = |branch: &str| {
            if branch == timer.branch {
                timer.previous.as_str()
            } else {
                ""
            }
        };
        self.go_on(&timer.call, &way, previous, "")
    }

    /// Everything that a way leads to begins; where it ends, the case ends, or its call. Which task was before in a branch
    /// is known to whoever sets out.
    fn go_on<'t>(
        &mut self,
        call: &str,
        way: &Way,
        previous: impl Fn(&str) -> &'t str,
        outcome: &str,
    ) -> Result<(), Error> {
        let scene = self.scene;
        let definition = scene.definition_of(call);
        for step in &way.begins {
            let branch = branch_path(definition, call, step);
            self.enter(call, step, previous(&branch))?;
        }
        if !way.ends {
            return Ok(());
        }
        let outcome = match &way.left_out_as {
            Some(left_out_as) => {
                if left_out_as != outcome {
                    self.reason = 0;
                }
                left_out_as
            }
            None => outcome,
        };
        if call.is_empty() {
            self.finish(outcome);
            Ok(())
        } else {
            self.leave(call, outcome)
        }
    }

    /// A task goes back to the one before it.
    pub(super) fn give_back(
        &mut self,
        returned: events::TaskReturned,
        task: &Task,
        previous: &Task,
    ) -> Result<(), Error> {
        self.events
            .push(Payload::TaskReturned(events::TaskReturned {
                to_step: previous.step.clone(),
                returned_at: Some(to_proto(self.now)),
                used_minutes: self.used(task)?,
                ..returned
            }));
        self.enter(&previous.call, &previous.step, &previous.previous)
    }

    fn used(&self, task: &Task) -> Result<i32, Error> {
        Ok(self.scene.timetable.hours(&task.agency)?.used(
            task.opened_at,
            self.now,
            &self.case.holds_of(&task.call),
        ))
    }

    /// Follows a path from where a step led, to the work that begins next. `ending` is the step that ends with this, and
    /// its outcome.
    fn way<'d>(
        &self,
        definition: &'d Definition,
        call: &'d str,
        to: Option<&'d str>,
        ending: Option<(&'d str, &'d str)>,
    ) -> Way {
        let facts = || Facts::of(self.case, definition, call, ending);
        let mut way = Way::default();
        let mut next = to;
        // Loops make this end: without a way back there is no circle, and only work has ways back.
        while let Some(id) = next {
            match definition.step(id) {
                Some(Step::Choice(choice)) => {
                    let facts = facts();
                    let taken = choice.ways.iter().find(|(when, _)| when.holds(&facts));
                    next = Some(taken.map_or(&choice.otherwise, |(_, to)| to));
                    continue;
                }
                Some(Step::Task(task)) => {
                    if let (Some(optional), Some(left_out)) = (&task.optional, task.left_out())
                        && !optional.when.holds(&facts())
                    {
                        way.left_out_as = Some(optional.left_out_as.clone());
                        next = left_out.to.as_deref();
                        continue;
                    }
                    way.begins.push(id.to_owned());
                }
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
                Some(Step::Call(_) | Step::Timer(_)) | None => way.begins.push(id.to_owned()),
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
            Some(Step::Timer(timer)) => self.wait(call, step, timer.wait, previous),
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
            Some(kind) => self.scene.unit(self.case, kind, self.now)?,
            None => self.scene.agency_of(self.case, call, self.now)?,
        };
        let hours = self.scene.timetable.hours(&agency)?;
        let due_at = Some(to_proto(hours.budget_end(self.now, task.planned_minutes)?));
        let id = task_id(self.tasks);
        let after = task.escalate_after_minutes;
        let escalate_at = after
            .map(|minutes| hours.budget_end(self.now, minutes).map(to_proto))
            .transpose()?;
        let request = task.external.as_ref().map(|external| {
            Payload::OutcomeRequested(events::OutcomeRequested {
                task: id.clone(),
                system: external.system.clone(),
                step: step.to_owned(),
                procedure: self
                    .case
                    .called(call)
                    .map_or(&self.case.procedure, |called| &called.procedure)
                    .clone(),
                agency: agency.clone(),
                due_at,
            })
        });
        let opened = events::TaskOpened {
            task: id,
            step: step.to_owned(),
            branch: branch_path(definition, call, step),
            role: task.role.into(),
            agency,
            opened_at: Some(to_proto(self.now)),
            planned_minutes: i32::try_from(task.planned_minutes).unwrap_or(i32::MAX),
            due_at,
            call: call.to_owned(),
            previous: previous.to_owned(),
            group: task.group.clone().unwrap_or_default(),
            system: task
                .external
                .as_ref()
                .map_or_else(String::new, |external| external.system.clone()),
            escalate_at,
            escalate_after_minutes: after
                .and_then(|minutes| i32::try_from(minutes).ok())
                .unwrap_or_default(),
        };
        self.tasks += 1;
        self.events.push(Payload::TaskOpened(opened));
        self.events.extend(request);
        Ok(())
    }

    fn wait(&mut self, call: &str, step: &str, wait: Wait, previous: &str) -> Result<(), Error> {
        let agency = self.scene.agency_of(self.case, call, self.now)?;
        let hours = self.scene.timetable.hours(&agency)?;
        let number = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
        let (fires_at, working_minutes, calendar_days) = match wait {
            Wait::WorkingMinutes(minutes) => {
                (hours.budget_end(self.now, minutes)?, number(minutes), 0)
            }
            Wait::CalendarDays(days) => (hours.days_end(self.now, days, &[])?, 0, number(days)),
        };
        let definition = self.scene.definition_of(call);
        self.events.push(Payload::TimerSet(events::TimerSet {
            timer: timer_id(self.timers),
            step: step.to_owned(),
            call: call.to_owned(),
            branch: branch_path(definition, call, step),
            previous: previous.to_owned(),
            set_at: Some(to_proto(self.now)),
            fires_at: Some(to_proto(fires_at)),
            working_minutes,
            agency,
            calendar_days,
        }));
        self.timers += 1;
        Ok(())
    }

    fn start_sub_case(&mut self, call: &str) -> Result<(), Error> {
        let agency = self.scene.agency_of(self.case, call, self.now)?;
        let missing = || Error::NotReady {
            missing: format!(
                "what step '{call}' of case definition {} calls",
                self.case.definition
            ),
            remedy: "apply a catalog that has it",
        };
        let scene = self.scene;
        let (called, definition) = scene.call(call).ok_or_else(missing)?;
        let own = scene.definition.call(call);
        let limit = own
            .and_then(|step| step.limit.clone())
            .or_else(|| {
                let procedure = scene.catalog.procedure(&called.procedure)?;
                catalog::limit(procedure.limit.as_ref()?)
            })
            .ok_or_else(missing)?;
        let hours = self.scene.timetable.hours_for(&agency, &called.procedure)?;
        let due = hours.due(self.now, &limit, &[])?;
        let leads = hours.leads(definition, self.now, due, &limit, &[]);
        self.events
            .push(Payload::SubCaseStarted(events::SubCaseStarted {
                branch: call.to_owned(),
                procedure: called.procedure.clone(),
                agency,
                definition: called.definition.clone(),
                definition_version: called.definition_version,
                limit: catalog::limit_to_proto(&limit),
                started_at: Some(to_proto(self.now)),
                due_at: Some(to_proto(due.at)),
                judged_until: Some(to_proto(due.judged_until)),
                due_soon_at: hours.due_soon(self.now, due, &leads).map(to_proto),
            }));
        let way = self.way(definition, call, Some(definition.start()), None);
        self.go_on(call, &way, |_| "", "")
    }

    /// A sub-case has ended; the case goes on behind its call, whatever the outcome.
    fn leave(&mut self, call: &str, outcome: &str) -> Result<(), Error> {
        let scene = self.scene;
        let to = scene.definition.call(call).map(|call| call.to.as_str());
        let way = self.way(&scene.definition, "", to, Some((call, outcome)));
        self.events
            .push(Payload::SubCaseFinished(events::SubCaseFinished {
                branch: call.to_owned(),
                outcome: outcome.to_owned(),
                finished_at: Some(to_proto(self.now)),
                joined: way.joined.clone(),
                punctuality: self
                    .due_of(call)
                    .map_or(Punctuality::Unspecified, |due| judged(due, self.now))
                    .into(),
                statement_revision: self.reason,
                lapsed: std::mem::take(&mut self.lapsed),
            }));
        self.go_on("", &way, |_| "", outcome)
    }

    /// The due of the sub-case that a call runs: it may have begun with this decision, where all its work is left out.
    fn due_of(&self, call: &str) -> Option<Due> {
        let began = self.events.iter().rev().find_map(|event| match event {
            Payload::SubCaseStarted(began) if began.branch == call => {
                Some(due(began.due_at.as_ref(), began.judged_until.as_ref()))
            }
            // The hold that it ends with has moved it.
            Payload::CaseResumed(resumed) => {
                let moved = resumed.moved.iter().find(|end| end.branch == call)?;
                Some(due(moved.due_at.as_ref(), moved.judged_until.as_ref()))
            }
            _ => None,
        });
        began.or_else(|| self.case.sub_case(call).map(SubCase::due))
    }

    fn finish(&mut self, outcome: &str) {
        self.events
            .push(Payload::CaseFinished(events::CaseFinished {
                finished_at: Some(to_proto(self.now)),
                outcome: outcome.to_owned(),
                punctuality: judged(self.case.first_due, self.now).into(),
                apologised: self.case.extended,
                statement_revision: self.reason,
            }));
    }
}

/// What was said with the same outcome by the steps right before a task, one after the other.
pub(super) fn said_before(case: &Case, task: &Task, outcome: &str) -> Option<i32> {
    let mut before = case.task(&task.previous);
    while let Some(task) = before.filter(|task| task.outcome == outcome) {
        if task.reason.is_some() {
            return task.reason;
        }
        before = case.task(&task.previous);
    }
    None
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
