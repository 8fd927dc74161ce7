//! A workflow definition, parsed: steps that fit together, so that a case under it can always go on and always ends.

use std::collections::{BTreeMap, BTreeSet};

use motcua_calendar::Limit;
use motcua_platform::{
    error::{Error, Violation},
    parse::Fields,
};
use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{self as proto, step::Kind},
};

use super::structure::{self, Structure};

/// Steps of a definition at most.
const STEPS_MAX: usize = 200;
/// Outcomes of a task and branches of a fork at most.
const WAYS_MAX: usize = 20;
/// Budget of a step at most, in working minutes: about a working year.
const PLANNED_MINUTES_MAX: i32 = 120_000;
/// Working minutes of a working day, wherever a limit is turned into time.
const DAY_MINUTES: u32 = 480;

/// A definition whose parts fit together.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    id: String,
    version: i32,
    title: String,
    start: String,
    steps: BTreeMap<String, Step>,
    structure: Structure,
    longest_minutes: u32,
}

/// A step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Work for somebody.
    Task(Task),
    /// The path divides.
    Fork {
        /// The branches.
        branches: Vec<Branch>,
        /// The step where they meet.
        join: String,
    },
    /// Paths meet.
    Join {
        /// The next step; none when the path ends here.
        to: Option<String>,
    },
    /// Another agency works under its own procedure.
    Call(Call),
}

/// Work for somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What is to be done, in Vietnamese.
    pub title: String,
    /// Who may take it.
    pub role: Role,
    /// Which of the ward's agencies works on it; none for the case's own.
    pub agency: Option<AgencyKind>,
    /// Budget, in working minutes.
    pub planned_minutes: u32,
    /// Where each outcome leads, in the order of the definition.
    pub transitions: Vec<Transition>,
}

impl Task {
    /// Where an outcome leads; `None` where the task has no such outcome.
    #[must_use]
    pub fn transition(&self, outcome: &str) -> Option<&Transition> {
        self.transitions
            .iter()
            .find(|transition| transition.outcome == outcome)
    }

    fn nothing() -> Self {
        Self {
            title: String::new(),
            role: Role::Unspecified,
            agency: None,
            planned_minutes: 0,
            transitions: Vec::new(),
        }
    }

    /// Its outcomes.
    pub fn outcomes(&self) -> impl Iterator<Item = &str> {
        self.transitions
            .iter()
            .map(|transition| transition.outcome.as_str())
    }
}

/// Where an outcome leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The outcome.
    pub outcome: String,
    /// The next step; none when the path ends here.
    pub to: Option<String>,
}

/// A branch of a fork.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Its first step.
    pub to: String,
    /// The option that the dossier must have for it to run; none for always.
    pub option: Option<String>,
}

/// Another agency works under its own procedure.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// National code of the procedure.
    pub procedure: String,
    /// Which of the ward's agencies.
    pub agency: AgencyKind,
    /// The next step, whatever the outcome.
    pub to: String,
}

impl Definition {
    /// Checks a definition as a whole and takes it apart.
    ///
    /// # Errors
    /// Everything that is wrong, each with the path of its field below `definition`. Steps are looked at first, then
    /// how forks and joins hang together, then whether every step is reached and reaches an end: what comes later means
    /// nothing before what comes earlier is right.
    pub fn parse(definition: &proto::Definition) -> Result<Self, Vec<Violation>> {
        let mut fields = Fields::new();
        fields.id("definition.id", &definition.id);
        let title = fields
            .line("definition.title", &definition.title)
            .unwrap_or_default();
        let steps = parse_steps(&mut fields, definition);
        if definition.steps.is_empty() {
            fields.reject("definition.steps", "is required");
        } else if definition.steps.len() > STEPS_MAX {
            fields.reject("definition.steps", format!("must be at most {STEPS_MAX}"));
        }
        check_references(&mut fields, &definition.start, &steps);
        let steps = violations(fields, steps)?;

        let structure = structure::check(&definition.start, &steps)?;
        let longest_minutes = structure::longest_minutes(&definition.start, &steps);
        Ok(Self {
            id: definition.id.clone(),
            version: definition.version,
            title,
            start: definition.start.clone(),
            steps: steps.into_iter().collect(),
            structure,
            longest_minutes,
        })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its version; 0 before it is published.
    #[must_use]
    pub fn version(&self) -> i32 {
        self.version
    }

    /// Its title, in Vietnamese.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The first step, a task.
    #[must_use]
    pub fn start(&self) -> &str {
        &self.start
    }

    /// A step by its id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.get(id)
    }

    /// The steps in the order of their ids.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &Step)> {
        self.steps.iter().map(|(id, step)| (id.as_str(), step))
    }

    /// A task by its step.
    #[must_use]
    pub fn task(&self, step: &str) -> Option<&Task> {
        match self.steps.get(step) {
            Some(Step::Task(task)) => Some(task),
            _ => None,
        }
    }

    /// A call by its step.
    #[must_use]
    pub fn call(&self, step: &str) -> Option<&Call> {
        match self.steps.get(step) {
            Some(Step::Call(call)) => Some(call),
            _ => None,
        }
    }

    /// The calls, each with its step.
    pub fn calls(&self) -> impl Iterator<Item = (&str, &Call)> {
        self.steps.iter().filter_map(|(id, step)| match step {
            Step::Call(call) => Some((id.as_str(), call)),
            _ => None,
        })
    }

    /// The branch that a step lies in: the first step of the branch; empty for the main line.
    #[must_use]
    pub fn branch_of(&self, step: &str) -> &str {
        self.structure.branch_of(step)
    }

    /// The fork whose branches meet at a join.
    #[must_use]
    pub fn fork_of(&self, join: &str) -> Option<&str> {
        self.structure.fork_of(join)
    }

    /// The branches of a fork that run for a dossier with these options, by their first steps.
    pub fn branches_for<'a>(
        &'a self,
        fork: &str,
        options: &'a [String],
    ) -> impl Iterator<Item = &'a str> {
        let branches = match self.steps.get(fork) {
            Some(Step::Fork { branches, .. }) => branches.as_slice(),
            _ => &[],
        };
        branches
            .iter()
            .filter(|branch| {
                branch
                    .option
                    .as_ref()
                    .is_none_or(|option| options.contains(option))
            })
            .map(|branch| branch.to.as_str())
    }

    /// Budgets along the longest path without loops, in working minutes. Of branches the longest counts; a call counts
    /// nothing, because its procedure has a limit of its own.
    #[must_use]
    pub fn longest_minutes(&self) -> u32 {
        self.longest_minutes
    }

    /// Whether the budgets fit a procedure's limit, in working minutes as [`limit_minutes`] gives them.
    ///
    /// # Errors
    /// How far they do not.
    pub fn check_budget(&self, limit_minutes: u32) -> Result<(), Violation> {
        if self.longest_minutes <= limit_minutes {
            return Ok(());
        }
        Err(Violation {
            field: "definition.steps".to_owned(),
            description: format!(
                "the budgets along the longest path add up to {} working minutes, the limit allows {limit_minutes}",
                self.longest_minutes
            ),
        })
    }
}

/// The working minutes that a limit allows when it begins with the working day: 8 hours to the day, 5 working days to
/// 7 calendar days.
#[must_use]
pub fn limit_minutes(limit: &Limit) -> u32 {
    match limit {
        Limit::SameDay { .. } => DAY_MINUTES,
        Limit::WorkingDays { halves } => halves.saturating_mul(DAY_MINUTES / 2),
        Limit::WorkingHours { minutes } => *minutes,
        Limit::CalendarDays { days } => (days.saturating_mul(5) / 7)
            .max(1)
            .saturating_mul(DAY_MINUTES),
    }
}

fn violations<T>(fields: Fields, value: T) -> Result<T, Vec<Violation>> {
    fields.finish(Some(value)).map_err(|error| match error {
        Error::Invalid(violations) => violations,
        other => vec![Violation {
            field: "definition".to_owned(),
            description: other.to_string(),
        }],
    })
}

fn parse_steps(fields: &mut Fields, definition: &proto::Definition) -> Vec<(String, Step)> {
    let mut ids = BTreeSet::new();
    let mut steps = Vec::new();
    for (index, step) in definition.steps.iter().enumerate().take(STEPS_MAX) {
        let path = format!("definition.steps[{index}]");
        if fields.id(&format!("{path}.id"), &step.id).is_some() && !ids.insert(step.id.as_str()) {
            fields.reject(format!("{path}.id"), format!("'{}' stands twice", step.id));
        }
        let parsed = match &step.kind {
            Some(Kind::Task(task)) => Step::Task(parse_task(fields, &format!("{path}.task"), task)),
            Some(Kind::Fork(fork)) => parse_fork(fields, &format!("{path}.fork"), fork),
            Some(Kind::Join(join)) => Step::Join {
                to: optional(&join.to),
            },
            Some(Kind::Call(call)) => Step::Call(parse_call(fields, &format!("{path}.call"), call)),
            None => {
                fields.reject(&path, "must be a task, a fork, a join or a call");
                // It stands for nothing: with this violation the steps are not looked at any further.
                Step::Task(Task::nothing())
            }
        };
        steps.push((step.id.clone(), parsed));
    }
    steps
}

fn optional(id: &str) -> Option<String> {
    (!id.is_empty()).then(|| id.to_owned())
}

fn parse_task(fields: &mut Fields, path: &str, task: &proto::TaskStep) -> Task {
    let title = fields
        .line(&format!("{path}.title"), &task.title)
        .unwrap_or_default();
    let role = fields
        .choice(&format!("{path}.role"), task.role)
        .unwrap_or_default();
    let agency = fields
        .optional_choice(&format!("{path}.agency"), task.agency)
        .filter(|kind| *kind != AgencyKind::Unspecified);
    if !(1..=PLANNED_MINUTES_MAX).contains(&task.planned_minutes) {
        fields.reject(
            format!("{path}.planned_minutes"),
            format!("must be working minutes, 1 to {PLANNED_MINUTES_MAX}"),
        );
    }
    if task.transitions.is_empty() || task.transitions.len() > WAYS_MAX {
        fields.reject(
            format!("{path}.transitions"),
            format!("must be 1 to {WAYS_MAX}: a task ends with an outcome"),
        );
    }
    let mut outcomes = BTreeSet::new();
    for (index, transition) in task.transitions.iter().enumerate() {
        let path = format!("{path}.transitions[{index}].outcome");
        if fields.id(&path, &transition.outcome).is_some()
            && !outcomes.insert(transition.outcome.as_str())
        {
            fields.reject(path, format!("'{}' stands twice", transition.outcome));
        }
    }
    let transitions = task
        .transitions
        .iter()
        .map(|transition| Transition {
            outcome: transition.outcome.clone(),
            to: optional(&transition.to),
        })
        .collect();
    let planned_minutes = task.planned_minutes.max(0).unsigned_abs();
    Task {
        title,
        role,
        agency,
        planned_minutes,
        transitions,
    }
}

fn parse_fork(fields: &mut Fields, path: &str, fork: &proto::ForkStep) -> Step {
    if !(2..=WAYS_MAX).contains(&fork.branches.len()) {
        fields.reject(
            format!("{path}.branches"),
            format!("must be 2 to {WAYS_MAX}"),
        );
    }
    for (index, branch) in fork.branches.iter().enumerate() {
        fields.optional_id(&format!("{path}.branches[{index}].option"), &branch.option);
    }
    let branches = fork
        .branches
        .iter()
        .map(|branch| Branch {
            to: branch.to.clone(),
            option: optional(&branch.option),
        })
        .collect();
    Step::Fork {
        branches,
        join: fork.join.clone(),
    }
}

fn parse_call(fields: &mut Fields, path: &str, call: &proto::CallStep) -> Call {
    fields.id(&format!("{path}.procedure"), &call.procedure);
    let agency = fields
        .choice(&format!("{path}.agency"), call.agency)
        .unwrap_or_default();
    Call {
        procedure: call.procedure.clone(),
        agency,
        to: call.to.clone(),
    }
}

/// Every step that is named must be there.
fn check_references(fields: &mut Fields, start: &str, steps: &[(String, Step)]) {
    let kinds: BTreeMap<_, _> = steps.iter().map(|(id, step)| (id.as_str(), step)).collect();
    let mut refer = |field: String, to: &str| {
        if to.is_empty() {
            fields.reject(field, "is required");
        } else if !kinds.contains_key(to) {
            fields.reject(field, format!("there is no step '{to}'"));
        }
    };
    refer("definition.start".to_owned(), start);
    for (index, (_, step)) in steps.iter().enumerate() {
        let path = format!("definition.steps[{index}]");
        match step {
            Step::Task(task) => {
                for (index, transition) in task.transitions.iter().enumerate() {
                    if let Some(to) = &transition.to {
                        refer(format!("{path}.task.transitions[{index}].to"), to);
                    }
                }
            }
            Step::Fork { branches, join } => {
                for (index, branch) in branches.iter().enumerate() {
                    refer(format!("{path}.fork.branches[{index}].to"), &branch.to);
                }
                refer(format!("{path}.fork.join"), join);
            }
            Step::Join { to: Some(to) } => refer(format!("{path}.join.to"), to),
            Step::Join { to: None } => {}
            Step::Call(call) => refer(format!("{path}.call.to"), &call.to),
        }
    }
    if !matches!(kinds.get(start), Some(Step::Task(_)) | None) {
        fields.reject(
            "definition.start",
            format!("'{start}' must be a task: somebody begins"),
        );
    }
}
