//! A workflow definition, parsed: steps that fit together, so that a case under it can always go on and always ends.

use std::collections::{BTreeMap, BTreeSet};

use motcua_calendar::Limit;
use motcua_platform::{error::Violation, parse::Fields};
use motcua_proto::{
    r#type::v1::{AgencyKind, OtherLimit, Role},
    workflow::v1 as proto,
};

use super::{
    condition::Condition,
    loops,
    reading::{
        STEPS_MAX, check_references, parse_percents, parse_refusals, parse_steps, violations,
    },
    structure::{self, Structure},
};

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
    due_soon_percents: Vec<u32>,
    refusals: BTreeSet<String>,
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
    /// The path goes one way.
    Choice(Choice),
    /// The path waits.
    Timer(Timer),
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
    /// Named group that it is for; none for everybody with the role.
    pub group: Option<String>,
    /// When it is left out, and as what.
    pub optional: Option<Optional>,
    /// When its leader is to know of it, in working minutes of its budget.
    pub escalate_after_minutes: Option<u32>,
    /// The other system that answers; none where somebody works.
    pub external: Option<External>,
}

/// A step that may be left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Optional {
    /// Where this is false.
    pub when: Condition,
    /// The path then goes on as with this outcome.
    pub left_out_as: String,
}

/// Another system that answers in place of somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct External {
    /// Its id.
    pub system: String,
    /// What its codes mean.
    pub codes: BTreeMap<String, Meaning>,
}

/// What a code of another system means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// The outcome; none for a state on the way.
    pub outcome: Option<String>,
    /// Why it refuses and on which ground, where an answer brings no words of its own; none where it is to bring them.
    pub why: Option<[String; 2]>,
}

impl Task {
    /// Where an outcome leads; `None` where the task has no such outcome.
    #[must_use]
    pub fn transition(&self, outcome: &str) -> Option<&Transition> {
        self.transitions
            .iter()
            .find(|transition| transition.outcome == outcome)
    }

    /// What the contract calls it: another system's step has a word of its own.
    pub(super) fn kind(&self) -> &'static str {
        match self.external {
            Some(_) => "external",
            None => "task",
        }
    }

    /// Where the path goes on when the step is left out.
    #[must_use]
    pub fn left_out(&self) -> Option<&Transition> {
        self.transition(&self.optional.as_ref()?.left_out_as)
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
    /// For a way back: how often it may be taken in one case.
    pub at_most: Option<u32>,
}

impl Transition {
    /// Whether it may be taken once more, after it was taken so often.
    #[must_use]
    pub fn is_open_after(&self, taken: u32) -> bool {
        self.at_most.is_none_or(|times| taken < times)
    }
}

/// The path goes one way: the first whose condition is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Conditions, and where each leads.
    pub ways: Vec<(Condition, String)>,
    /// Where no condition is true.
    pub otherwise: String,
}

/// The path waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    /// How long.
    pub wait: Wait,
    /// The next step.
    pub to: String,
}

/// How long a path waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Working minutes of the agency that decides.
    WorkingMinutes(u32),
    /// Calendar days, the first one left out, to the end of the last; where that is off, to the end of the next working day.
    /// Civil Code 2015, art. 147 and 148.
    CalendarDays(u32),
}

impl Wait {
    /// What it takes of a limit, in working minutes.
    #[must_use]
    pub fn planned_minutes(self) -> u32 {
        match self {
            Self::WorkingMinutes(minutes) => minutes,
            Self::CalendarDays(days) => limit_minutes(&Limit::CalendarDays { days }),
        }
    }
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
    /// How long it may take, where that is not the procedure's limit.
    pub limit: Option<Limit>,
    /// What may hold in place of that.
    pub other_limits: Vec<OtherLimit>,
}

impl Definition {
    /// Checks a definition as a whole and takes it apart.
    ///
    /// # Errors
    /// Everything that is wrong, each with the path of its field below `definition`. Steps are looked at first, then
    /// how forks and joins hang together, then whether every step is reached and reaches an end, then whether every way
    /// back is bounded: what comes later means nothing before what comes earlier is right.
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
        let due_soon_percents = parse_percents(&mut fields, &definition.due_soon_percents);
        let refusals = parse_refusals(&mut fields, &definition.refusals, &steps);
        let steps: Vec<_> = violations(fields, steps)?
            .into_iter()
            .filter_map(|(id, step)| Some((id, step?)))
            .collect();

        let structure = structure::check(&definition.start, &steps)?;
        loops::check(&definition.start, &steps)?;
        let steps: BTreeMap<_, _> = steps.into_iter().collect();
        let longest_minutes = loops::longest_minutes(&definition.start, &steps, &|_| 0);
        Ok(Self {
            id: definition.id.clone(),
            version: definition.version,
            title,
            start: definition.start.clone(),
            steps,
            structure,
            longest_minutes,
            due_soon_percents,
            refusals,
        })
    }

    /// Whether an outcome refuses what was asked for.
    #[must_use]
    pub fn refuses(&self, outcome: &str) -> bool {
        self.refusals.contains(outcome)
    }

    /// The outcomes that do.
    pub fn refusals(&self) -> impl Iterator<Item = &str> {
        self.refusals.iter().map(String::as_str)
    }

    /// Parts of the limit after which it is told that the due comes near, in percent; empty for the rule of the house.
    #[must_use]
    pub fn due_soon_percents(&self) -> &[u32] {
        &self.due_soon_percents
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

    /// A timer by its step.
    #[must_use]
    pub fn timer(&self, step: &str) -> Option<&Timer> {
        match self.steps.get(step) {
            Some(Step::Timer(timer)) => Some(timer),
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

    /// Budgets along the longest path, in working minutes, every way back taken as often as it may be. Of branches the
    /// longest counts; a call counts nothing, because its procedure has a limit of its own.
    #[must_use]
    pub fn longest_minutes(&self) -> u32 {
        self.longest_minutes
    }

    /// The same where each call, by its step, takes so many minutes.
    #[must_use]
    pub fn longest_minutes_with(&self, calls: &dyn Fn(&str) -> u32) -> u32 {
        loops::longest_minutes(&self.start, &self.steps, calls)
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
        Limit::Staged(stages) => stages
            .iter()
            .map(limit_minutes)
            .fold(0, u32::saturating_add),
    }
}
