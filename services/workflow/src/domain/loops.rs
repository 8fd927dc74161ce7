//! Does every way back have a bound, and how long can the work take at the longest?
//!
//! Without its ways back a definition is a graph without circles. A way back leads to a step that every path to it has
//! passed, so each time that it is taken adds the path from that step to it, and nothing else: cut out of any course of a
//! case one round after the other, and a path without circles remains. That is what the budget of the whole rests on.

use std::collections::{BTreeMap, BTreeSet};

use motcua_platform::error::Violation;

use super::{
    definition::{Step, Transition},
    structure::successors,
};

/// Checks that every circle has a bound, and that a bound is for a way back.
pub(super) fn check(start: &str, steps: &[(String, Step)]) -> Result<(), Vec<Violation>> {
    let graph = Graph {
        steps: steps
            .iter()
            .enumerate()
            .map(|(index, (id, step))| (id.as_str(), (index, step)))
            .collect(),
        calls: &|_| 0,
    };
    let unbounded = graph.unbounded();
    if !unbounded.is_empty() {
        return Err(unbounded);
    }
    let stray: Vec<_> = graph
        .ways_back()
        .filter(|(from, _, way)| {
            way.to
                .as_deref()
                .is_none_or(|to| graph.reached(start, Some(to)).contains(from))
        })
        .map(|(_, field, way)| Violation {
            field: format!("{field}.at_most"),
            description: match &way.to {
                Some(to) => format!(
                    "is for a way back, and not every path that comes here has passed '{to}'"
                ),
                None => "is for a way back, and the path ends here".to_owned(),
            },
        })
        .collect();
    if stray.is_empty() { Ok(()) } else { Err(stray) }
}

/// Budgets along the longest path of steps that were checked, in working minutes, with every way back taken as often as it
/// may be. How long a call takes is said by its step.
pub(super) fn longest_minutes<'a>(
    start: &'a str,
    steps: &'a BTreeMap<String, Step>,
    calls: &dyn Fn(&str) -> u32,
) -> u32 {
    let graph = Graph {
        steps: steps
            .iter()
            .enumerate()
            .map(|(index, (id, step))| (id.as_str(), (index, step)))
            .collect(),
        calls,
    };
    let rounds = graph.ways_back().map(|(from, _, way)| {
        let (to, times) = (way.to.as_deref().unwrap_or_default(), way.at_most);
        graph
            .longest(to, Some(from))
            .unwrap_or(0)
            .saturating_mul(times.unwrap_or(0))
    });
    rounds.fold(graph.longest(start, None).unwrap_or(0), u32::saturating_add)
}

struct Graph<'a, 'c> {
    /// Index and step by id.
    steps: BTreeMap<&'a str, (usize, &'a Step)>,
    /// What each call takes.
    calls: &'c dyn Fn(&str) -> u32,
}

impl<'a> Graph<'a, '_> {
    /// Every transition with a bound: its step, its field, itself.
    fn ways_back(&self) -> impl Iterator<Item = (&'a str, String, &'a Transition)> {
        self.steps.iter().flat_map(|(id, (index, step))| {
            let task = match step {
                Step::Task(task) => Some(task),
                _ => None,
            };
            task.into_iter().flat_map(move |task| {
                let bounded = task.transitions.iter().enumerate();
                bounded
                    .filter(|(_, way)| way.at_most.is_some())
                    .map(move |(place, way)| {
                        let kind = task.kind();
                        let field =
                            format!("definition.steps[{index}].{kind}.transitions[{place}]");
                        (*id, field, way)
                    })
            })
        })
    }

    /// Where a path may go on, ways back left out.
    fn onward(&self, id: &str) -> Vec<&'a str> {
        match self.steps.get(id) {
            Some((_, Step::Task(task))) => task
                .transitions
                .iter()
                .filter(|way| way.at_most.is_none())
                .filter_map(|way| way.to.as_deref())
                .collect(),
            Some((_, step)) => successors(step),
            None => Vec::new(),
        }
    }

    /// Steps that lie on a circle without a bound: what remains when those that lead nowhere are taken away again and
    /// again, and those that nothing leads to.
    fn unbounded(&self) -> Vec<Violation> {
        let mut left: BTreeSet<&str> = self.steps.keys().copied().collect();
        loop {
            let before = left.len();
            let leads_on: BTreeSet<_> = left
                .iter()
                .filter(|id| self.onward(id).iter().any(|to| left.contains(to)))
                .copied()
                .collect();
            let reached: BTreeSet<_> = leads_on.iter().flat_map(|id| self.onward(id)).collect();
            left = leads_on.intersection(&reached).copied().collect();
            if left.len() == before {
                break;
            }
        }
        left.iter()
            .take(1)
            .filter_map(|id| self.steps.get(id))
            .map(|(index, _)| Violation {
                field: format!("definition.steps[{index}]"),
                description: format!(
                    "a path leads round without a bound, over {}: give the way back an at_most",
                    left.iter().copied().collect::<Vec<_>>().join(", ")
                ),
            })
            .collect()
    }

    /// What is reached from a step, ways back included, when one step is not there.
    fn reached(&self, from: &'a str, without: Option<&str>) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(id) = waiting.pop() {
            if Some(id) != without && reached.insert(id) {
                waiting.extend(
                    self.steps
                        .get(id)
                        .into_iter()
                        .flat_map(|(_, step)| successors(step)),
                );
            }
        }
        reached
    }

    /// Budgets along the longest path from a step, to its end or to another step; `None` where none leads there.
    fn longest(&self, from: &'a str, to: Option<&str>) -> Option<u32> {
        self.longest_from(from, to, &mut BTreeMap::new())
    }

    fn longest_from(
        &self,
        id: &'a str,
        to: Option<&str>,
        known: &mut BTreeMap<&'a str, Option<u32>>,
    ) -> Option<u32> {
        if let Some(minutes) = known.get(id) {
            return *minutes;
        }
        let own = match self.steps.get(id)?.1 {
            Step::Task(task) => task.planned_minutes,
            Step::Timer(timer) => timer.wait.planned_minutes(),
            Step::Call(_) => (self.calls)(id),
            Step::Fork { .. } | Step::Join { .. } | Step::Choice(_) => 0,
        };
        let rest = if Some(id) == to {
            Some(0)
        } else {
            let onward = self.onward(id).into_iter();
            onward
                .filter_map(|next| self.longest_from(next, to, known))
                .max()
                .or(to.is_none().then_some(0))
        };
        let minutes = rest.map(|rest| own.saturating_add(rest));
        known.insert(id, minutes);
        minutes
    }
}
