//! How the steps of a definition hang together: which branch each lies in, where branches meet, and whether every path
//! comes to an end.
//!
//! A definition is a main line; a fork divides it into branches, each a line of its own, which lead to the fork's join
//! and nowhere else. Nobody enters a branch from outside, so a join always gets what its fork sent. A branch begins
//! with work or a wait, and so does every path from a join to a further join: one act reaches one join at most.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use motcua_platform::error::Violation;

use super::definition::Step;

/// Which branch each step lies in, and which fork each join belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Structure {
    /// The first step of the branch; empty for the main line.
    branches: BTreeMap<String, String>,
    forks: BTreeMap<String, String>,
}

impl Structure {
    pub(super) fn branch_of(&self, step: &str) -> &str {
        self.branches.get(step).map_or("", String::as_str)
    }

    pub(super) fn fork_of(&self, join: &str) -> Option<&str> {
        self.forks.get(join).map(String::as_str)
    }
}

/// Checks the structure of steps whose references are known to exist.
pub(super) fn check<'a>(
    start: &'a str,
    steps: &'a [(String, Step)],
) -> Result<Structure, Vec<Violation>> {
    let mut survey = Survey {
        places: steps
            .iter()
            .enumerate()
            .map(|(index, (id, step))| (id.as_str(), (index, step)))
            .collect(),
        structure: Structure::default(),
        reached: BTreeSet::new(),
        violations: Vec::new(),
    };
    survey.entries(steps);
    if survey.structure.branches.contains_key(start) {
        survey.reject(
            "definition.start".to_owned(),
            format!("'{start}' belongs to a branch"),
        );
    } else {
        survey.line(start, "", None);
    }
    if survey.violations.is_empty() {
        survey.unreached(steps);
    }
    if survey.violations.is_empty() {
        survey.endless(steps);
    }
    if survey.violations.is_empty() {
        Ok(survey.structure)
    } else {
        Err(survey.violations)
    }
}

/// The steps that may follow a step, whatever is chosen.
pub(super) fn successors(step: &Step) -> Vec<&str> {
    match step {
        Step::Task(task) => task
            .transitions
            .iter()
            .filter_map(|transition| transition.to.as_deref())
            .collect(),
        // A fork whose branches are all left out goes straight to its join, as its branches do in the end.
        Step::Fork { branches, join } => branches
            .iter()
            .map(|branch| branch.to.as_str())
            .chain([join.as_str()])
            .collect(),
        Step::Join { to } => to.as_deref().into_iter().collect(),
        Step::Call(call) => vec![&call.to],
        Step::Choice(choice) => choice
            .ways
            .iter()
            .map(|(_, to)| to.as_str())
            .chain([choice.otherwise.as_str()])
            .collect(),
        Step::Timer(timer) => vec![&timer.to],
    }
}

/// Where a path may go on from a step without any work or wait in between.
fn passes(step: &Step) -> Vec<&str> {
    match step {
        Step::Choice(_) => successors(step),
        Step::Task(task) => task
            .left_out()
            .and_then(|transition| transition.to.as_deref())
            .into_iter()
            .collect(),
        // Where every branch is left out.
        Step::Fork { branches, join } if branches.iter().all(|branch| branch.option.is_some()) => {
            vec![join]
        }
        Step::Fork { .. } | Step::Join { .. } | Step::Call(_) | Step::Timer(_) => Vec::new(),
    }
}

/// Whether a path may end at a step.
fn may_end(step: &Step) -> bool {
    match step {
        Step::Task(task) => task
            .transitions
            .iter()
            .any(|transition| transition.to.is_none()),
        Step::Join { to } => to.is_none(),
        Step::Fork { .. } | Step::Call(_) | Step::Choice(_) | Step::Timer(_) => false,
    }
}

struct Survey<'a> {
    /// Index and step by id.
    places: BTreeMap<&'a str, (usize, &'a Step)>,
    structure: Structure,
    reached: BTreeSet<&'a str>,
    violations: Vec<Violation>,
}

impl<'a> Survey<'a> {
    fn reject(&mut self, field: String, description: String) {
        self.violations.push(Violation { field, description });
    }

    /// The first steps of all branches: nobody else may lead there.
    fn entries(&mut self, steps: &'a [(String, Step)]) {
        for (index, (_, step)) in steps.iter().enumerate() {
            let Step::Fork { branches, .. } = step else {
                continue;
            };
            for (place, branch) in branches.iter().enumerate() {
                let field = format!("definition.steps[{index}].fork.branches[{place}].to");
                let to = &branch.to;
                if !matches!(
                    self.places.get(to.as_str()),
                    Some((_, Step::Task(task))) if task.optional.is_none()
                ) && !matches!(
                    self.places.get(to.as_str()),
                    Some((_, Step::Call(_) | Step::Timer(_)))
                ) {
                    self.reject(
                        field,
                        "must be a task that is not left out, a call or a timer: a branch begins with work".to_owned(),
                    );
                } else if self
                    .structure
                    .branches
                    .insert(to.clone(), to.clone())
                    .is_some()
                {
                    self.reject(field, format!("'{to}' begins another branch already"));
                }
            }
        }
    }

    /// Walks the line that begins at `first`: the main one, or a branch that leads to `join`. Its branches come after
    /// it, so that what leads from a branch to a step of the line is found where it leads away.
    fn line(&mut self, first: &'a str, branch: &str, join: Option<&'a str>) {
        self.structure
            .branches
            .insert(first.to_owned(), branch.to_owned());
        self.reached.insert(first);
        let mut waiting = VecDeque::from([first]);
        let mut forks = Vec::new();
        while let Some(id) = waiting.pop_front() {
            let Some(&(index, step)) = self.places.get(id) else {
                continue;
            };
            let path = format!("definition.steps[{index}]");
            match step {
                Step::Task(task) => {
                    for (index, transition) in task.transitions.iter().enumerate() {
                        let field = format!("{path}.{}.transitions[{index}].to", task.kind());
                        waiting.extend(self.hop(field, transition.to.as_deref(), branch, join));
                    }
                }
                Step::Call(call) => {
                    waiting.extend(self.hop(
                        format!("{path}.call.to"),
                        Some(&call.to),
                        branch,
                        join,
                    ));
                }
                Step::Choice(choice) => {
                    for (index, (_, to)) in choice.ways.iter().enumerate() {
                        let field = format!("{path}.choice.ways[{index}].to");
                        waiting.extend(self.hop(field, Some(to), branch, join));
                    }
                    let field = format!("{path}.choice.otherwise");
                    waiting.extend(self.hop(field, Some(&choice.otherwise), branch, join));
                }
                Step::Timer(timer) => {
                    let field = format!("{path}.timer.to");
                    waiting.extend(self.hop(field, Some(&timer.to), branch, join));
                }
                Step::Fork {
                    branches,
                    join: own,
                } => {
                    let Some(to) = self.pair(&path, id, own, branch) else {
                        continue;
                    };
                    forks.push((branches, own));
                    let field = format!("definition.steps[{}].join.to", self.index(own));
                    if to.is_some_and(|to| self.leads_to_join(to)) {
                        self.reject(
                            field,
                            "must not lead to a further join: let work come between, or a wait"
                                .to_owned(),
                        );
                        continue;
                    }
                    waiting.extend(self.hop(field, to, branch, join));
                }
                // Joins are passed with their forks.
                Step::Join { .. } => {}
            }
        }
        for (branches, own) in forks {
            for branch in branches {
                self.line(&branch.to, &branch.to, Some(own));
            }
        }
    }

    fn index(&self, id: &str) -> usize {
        self.places.get(id).map_or(0, |(index, _)| *index)
    }

    fn is_join(&self, id: &str) -> bool {
        matches!(self.places.get(id), Some((_, Step::Join { .. })))
    }

    /// Whether a path that goes on here may come to a join before it comes to work. A join that is passed because its fork
    /// sent nobody is none.
    fn leads_to_join(&self, to: &'a str) -> bool {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![to];
        while let Some(id) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.places.get(id) {
                Some((_, Step::Join { .. })) => return true,
                Some((_, step @ Step::Fork { .. })) => {
                    // Over the join of its own to where that leads.
                    for join in passes(step) {
                        if let Some((_, Step::Join { to: Some(to) })) = self.places.get(join) {
                            waiting.push(to);
                        }
                    }
                }
                Some((_, step)) => waiting.extend(passes(step)),
                None => {}
            }
        }
        false
    }

    /// One step on; the step to walk from next, if it was not walked from before.
    fn hop(
        &mut self,
        field: String,
        to: Option<&'a str>,
        branch: &str,
        join: Option<&str>,
    ) -> Option<&'a str> {
        let Some(to) = to else {
            if let Some(join) = join {
                self.reject(
                    field,
                    format!("must not end inside a branch: it leads to the join '{join}'"),
                );
            }
            return None;
        };
        if self.is_join(to) {
            match join {
                Some(own) if own == to => {}
                Some(own) => self.reject(
                    field,
                    format!("must not lead to the join '{to}': this branch's is '{own}'"),
                ),
                None => self.reject(
                    field,
                    format!("must not lead to the join '{to}' from outside its fork"),
                ),
            }
            return None;
        }
        self.claim(field, to, branch).then_some(to)
    }

    /// A step lies in one branch only; true when it is new.
    fn claim(&mut self, field: String, step: &'a str, branch: &str) -> bool {
        match self.structure.branches.get(step) {
            None => {
                self.structure
                    .branches
                    .insert(step.to_owned(), branch.to_owned());
                self.reached.insert(step)
            }
            Some(known) if known == branch => false,
            Some(known) => {
                let other = if known.is_empty() {
                    "the main line".to_owned()
                } else {
                    format!("the branch '{known}'")
                };
                self.reject(
                    field,
                    format!("must not lead to '{step}', which belongs to {other}"),
                );
                false
            }
        }
    }

    /// A fork and its join; where the join leads, if they are in order.
    #[expect(
        clippy::option_option,
        reason = "the outer one says whether the walk can go on, the inner where"
    )]
    fn pair(
        &mut self,
        path: &str,
        fork: &str,
        join: &'a str,
        branch: &str,
    ) -> Option<Option<&'a str>> {
        let Some((_, Step::Join { to })) = self.places.get(join) else {
            self.reject(
                format!("{path}.fork.join"),
                format!("'{join}' must be a join"),
            );
            return None;
        };
        let to = to.as_deref();
        if let Some(other) = self
            .structure
            .forks
            .insert(join.to_owned(), fork.to_owned())
        {
            self.reject(
                format!("{path}.fork.join"),
                format!("'{join}' is the join of '{other}': each fork has its own"),
            );
            return None;
        }
        self.structure
            .branches
            .insert(join.to_owned(), branch.to_owned());
        self.reached.insert(join);
        Some(to)
    }

    fn unreached(&mut self, steps: &[(String, Step)]) {
        for (index, (id, _)) in steps.iter().enumerate() {
            if !self.reached.contains(id.as_str()) {
                self.reject(
                    format!("definition.steps[{index}]"),
                    format!("no path leads to '{id}'"),
                );
            }
        }
    }

    fn endless(&mut self, steps: &[(String, Step)]) {
        let mut ending: BTreeSet<&str> = steps
            .iter()
            .filter(|(_, step)| may_end(step))
            .map(|(id, _)| id.as_str())
            .collect();
        loop {
            let before = ending.len();
            for (id, step) in steps {
                let leads_on = match step {
                    // Every branch may run, so every branch must come to the join; others are found by themselves.
                    Step::Fork { join, .. } => ending.contains(join.as_str()),
                    other => successors(other).iter().any(|to| ending.contains(to)),
                };
                if leads_on {
                    ending.insert(id);
                }
            }
            if ending.len() == before {
                break;
            }
        }
        for (index, (id, _)) in steps.iter().enumerate() {
            if !ending.contains(id.as_str()) {
                self.reject(
                    format!("definition.steps[{index}]"),
                    format!("no path leads from '{id}' to an end"),
                );
            }
        }
    }
}
