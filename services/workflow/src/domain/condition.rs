//! Conditions of a definition: expressions of the Common Expression Language over what a case knows of its dossier.
//!
//! They stand in published data, so a condition is kept small: no macros (nothing runs over a list many times), no depth
//! that a stack must hold, no name that does not exist. What can be found out at publication is refused there; what
//! remains cannot fail a case: a condition that cannot be judged is not true.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use cel::{Context, Program, Value};
use motcua_proto::r#type::v1::PriorityGround;

use super::{case::Case, definition::Definition};

/// Longest condition, in bytes.
const BYTES_MAX: usize = 400;
/// Deepest nesting of brackets, and most prefix and ternary operators: the parser descends by calling itself.
const DEPTH_MAX: usize = 8;
const PREFIXES_MAX: usize = 16;
/// What a condition may use. `_+_` is missing, because with it the macros over lists would be there.
const FUNCTIONS: &[&str] = &[
    "_&&_",
    "_||_",
    "!_",
    "_==_",
    "_!=_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "-_",
    "@in",
    "_[_]",
    "_?_:_",
    "size",
    "startsWith",
    "endsWith",
    "contains",
];
const VARIABLES: &[&str] = &[
    "options",
    "priority",
    "priority_ground",
    "procedure",
    "receiving_agency",
    "competent_agency",
    "fee_vnd",
    "paid_vnd",
    "outcome",
    "times",
];

/// A condition that was found sound.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    program: Arc<Program>,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Condition {
    /// Reads a condition of a definition with these steps.
    ///
    /// # Errors
    /// Why it is none, as a sentence for whoever wrote it.
    pub(super) fn parse(text: &str, steps: &[&str]) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("must be at most {BYTES_MAX} bytes"));
        }
        if !is_shallow(text) {
            return Err(format!(
                "must nest at most {DEPTH_MAX} brackets and use at most {PREFIXES_MAX} of ! - ?"
            ));
        }
        let program = Program::compile(text)
            .map_err(|error| format!("is no condition: {}", first_line(&error.to_string())))?;
        let references = program.references();
        let unknown = |names: Vec<&str>, known: &[&str]| -> Vec<String> {
            let names: BTreeSet<_> = names.into_iter().collect();
            names
                .into_iter()
                .filter(|name| !known.contains(name))
                .map(str::to_owned)
                .collect()
        };
        let strange = unknown(references.functions(), FUNCTIONS);
        if !strange.is_empty() {
            return Err(format!(
                "must not use {}: conditions compare, combine, and look into lists and maps",
                strange.join(", ")
            ));
        }
        let strange = unknown(references.variables(), VARIABLES);
        if !strange.is_empty() {
            return Err(format!(
                "does not know {}: there are {}",
                strange.join(", "),
                VARIABLES.join(", ")
            ));
        }
        let condition = Self {
            text: text.to_owned(),
            program: Arc::new(program),
        };
        condition.tried(steps)?;
        Ok(condition)
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is true. What cannot be judged is not true.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        matches!(
            self.program.execute(&facts.context()),
            Ok(Value::Bool(true))
        )
    }

    /// With a dossier that has nothing, and one that has a priority, it comes to true or false.
    fn tried(&self, steps: &[&str]) -> Result<(), String> {
        for priority in [PriorityGround::Unspecified, PriorityGround::Elderly] {
            let nothing = Facts {
                priority,
                outcomes: steps.iter().map(|step| (*step, "")).collect(),
                times: steps.iter().map(|step| (*step, 0)).collect(),
                ..Facts::default()
            };
            match self.program.execute(&nothing.context()) {
                Ok(Value::Bool(_)) => {}
                Ok(_) => return Err("must come to true or false".to_owned()),
                Err(error) => return Err(format!("cannot be judged: {error}")),
            }
        }
        Ok(())
    }
}

/// What a parser's error says first: line and column of the condition, and what is wrong there.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    // Everything that might have stood there instead is no help.
    let line = line.split(" expecting {").next().unwrap_or(line);
    line.trim_start_matches("ERROR: <input>:").to_owned()
}

fn is_shallow(text: &str) -> bool {
    let (mut depth, mut deepest, mut prefixes) = (0_usize, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'!' | b'-' | b'?' => prefixes += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest <= DEPTH_MAX && prefixes <= PREFIXES_MAX
}

/// What conditions look at.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    options: &'a [String],
    priority: PriorityGround,
    procedure: &'a str,
    receiving_agency: &'a str,
    competent_agency: &'a str,
    fee_vnd: i64,
    paid_vnd: i64,
    outcomes: HashMap<&'a str, &'a str>,
    times: HashMap<&'a str, i64>,
}

impl<'a> Facts<'a> {
    /// Of a case, for the definition of one of its calls or its own, at the moment when a step ends with an outcome.
    pub(super) fn of(
        case: &'a Case,
        definition: &'a Definition,
        call: &'a str,
        ending: Option<(&'a str, &'a str)>,
    ) -> Self {
        let mut outcomes: HashMap<_, _> = definition.steps().map(|(id, _)| (id, "")).collect();
        let mut times: HashMap<_, _> = definition.steps().map(|(id, _)| (id, 0)).collect();
        let completed = case
            .tasks_of(call)
            .filter(|task| task.is_completed())
            .map(|task| (task.step.as_str(), task.outcome.as_str()));
        let left = case
            .sub_cases
            .iter()
            .filter(|sub_case| call.is_empty() && sub_case.finished_at.is_some())
            .map(|sub_case| (sub_case.branch.as_str(), sub_case.outcome.as_str()));
        for (step, outcome) in completed.chain(left).chain(ending) {
            outcomes.insert(step, outcome);
            *times.entry(step).or_default() += 1;
        }
        Self {
            options: &case.options,
            priority: case.priority,
            procedure: case
                .called(call)
                .map_or(&case.procedure, |called| &called.procedure),
            receiving_agency: &case.receiving_agency,
            competent_agency: &case.competent_agency,
            fee_vnd: case.fee_vnd,
            paid_vnd: case.paid_vnd,
            outcomes,
            times,
        }
    }

    fn context(&self) -> Context<'static, 'static> {
        let ground = self.priority.as_str_name();
        let ground = match self.priority {
            PriorityGround::Unspecified => "",
            _ => ground.strip_prefix("PRIORITY_GROUND_").unwrap_or(ground),
        };
        let owned = |words: &HashMap<&str, &str>| -> HashMap<String, String> {
            words
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let times: HashMap<String, i64> = self
            .times
            .iter()
            .map(|(step, times)| ((*step).to_owned(), *times))
            .collect();
        let mut context = Context::default();
        context.add_variable_from_value("options", self.options.to_vec());
        context.add_variable_from_value("priority", self.priority != PriorityGround::Unspecified);
        context.add_variable_from_value("priority_ground", ground.to_owned());
        context.add_variable_from_value("procedure", self.procedure.to_owned());
        context.add_variable_from_value("receiving_agency", self.receiving_agency.to_owned());
        context.add_variable_from_value("competent_agency", self.competent_agency.to_owned());
        context.add_variable_from_value("fee_vnd", self.fee_vnd);
        context.add_variable_from_value("paid_vnd", self.paid_vnd);
        context.add_variable_from_value("outcome", owned(&self.outcomes));
        context.add_variable_from_value("times", times);
        context
    }
}
