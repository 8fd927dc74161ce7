//! Where the nodes of a diagram stand, how its flows run between them, and where it is written what they say.
//!
//! Columns by the longest path from the start. One flow leaves a node at its side, and the way it leads on is as straight as
//! it can be; the others leave beneath it, each on a line of its own, over which there is room for what it says. A flow over
//! several columns has a line of its own in each, so that it runs past nodes and not over them. In the gap between two
//! columns each flow turns on a lane of its own; only those that meet at the same point share one. Ways back run beneath
//! everything, and come to a node from its left as all others do.

mod lanes;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use self::{lanes::Lanes, rows::Rows};
use super::diagram::{Diagram, Flow, Node, Shape};

const MARGIN: f64 = 40.0;
/// A task's box: names of three lines stand clear of the sign that tools draw in its corner.
const TASK: (f64, f64) = (180.0, 100.0);
/// Above and beneath a node.
const AROUND: f64 = 20.0;
/// The first line: a task stands on it as what is smaller does.
const FIRST: f64 = MARGIN + AROUND + TASK.1 / 2.0;
/// Between a column and the first lane behind it, at least.
const BEHIND: f64 = 24.0;
/// Between two lanes.
const LANE: f64 = 14.0;
/// Between the last lane and the next column: an arrowhead, and what shows where it comes from.
const BEFORE: f64 = 28.0;
/// From a node's line to the first beneath it. What leaves there runs straight on where it passes a task.
const PAST: f64 = TASK.1 / 2.0 + AROUND + LINE / 2.0;
/// What a flow's own line takes of a column.
const LINE: f64 = 32.0;
/// Between two flows into the same side, at most.
const APART: f64 = 14.0;
/// Lines of different flows that are nearer than this look like one.
const NEAR: f64 = 8.0;
/// Between the last row and the first way back, and between two of these.
const BENEATH: f64 = 24.0;
/// How often a flow over several columns is moved to where it need not turn.
const ROUNDS: usize = 3;

/// A letter is about so wide, and a line of them so high.
const LETTER: f64 = 7.0;
const LETTERS_HIGH: f64 = 14.0;
/// Letters beside a flow at most.
const LETTERS: usize = 30;
/// Beside what is written.
const SPACE: f64 = 6.0;

/// A rectangle; coordinates grow to the right and down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Bounds {
    pub(super) fn centre(&self) -> f64 {
        self.x + self.width / 2.0
    }

    fn right(&self) -> f64 {
        self.x + self.width
    }

    fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

/// A point.
pub(super) type Point = (f64, f64);

/// Everything that is drawn: each node's bounds and each flow's course, in the diagram's order, and the bounds of what is
/// written beside them.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) nodes: Vec<Bounds>,
    pub(super) names: Vec<Option<Bounds>>,
    pub(super) flows: Vec<Vec<Point>>,
    pub(super) labels: Vec<Option<Bounds>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Layout {
    pub(super) fn of(diagram: &Diagram) -> Self {
        let plan = Plan::of(diagram);
        let rows = plan.rows();
        let lanes = plan.lanes(&rows);
        let mut nodes = Vec::new();
        for (index, node) in diagram.nodes.iter().enumerate() {
            let (width, height) = size(&node.shape);
            nodes.push(Bounds {
                x: lanes.centres[plan.columns[index]] - width / 2.0,
                y: rows.nodes[index] - height / 2.0,
                width,
                height,
            });
        }
        let names = diagram.nodes.iter().zip(&nodes).map(|(node, bounds)| {
            let (width, height) = name(node)?;
            let (x, y) = (bounds.centre() - width / 2.0, bounds.y - SPACE - height);
            Some(Bounds {
                x,
                y,
                width,
                height,
            })
        });
        let flows = (0..plan.ways.len()).map(|flow| plan.course(flow, &nodes, &rows, &lanes));
        let labels = (0..plan.ways.len()).map(|flow| plan.label(flow, &nodes, &rows));
        Self {
            names: names.collect(),
            flows: flows.collect(),
            labels: labels.collect(),
            nodes,
            width: lanes.width,
            height: rows.lowest + MARGIN,
        }
    }
}

/// What is written beside a flow; what is too long is cut, and shows it.
pub(super) fn written(flow: &Flow) -> String {
    let label = flow.label();
    match label.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &label[..end]),
        None => label,
    }
}

/// How large a shape is.
fn size(shape: &Shape) -> (f64, f64) {
    match shape {
        Shape::Task(_) | Shape::External { .. } | Shape::Call { .. } => TASK,
        Shape::Outcome | Shape::Choice | Shape::Fork { .. } | Shape::Join { .. } => (50.0, 50.0),
        Shape::Start | Shape::End | Shape::Timer(_) => (36.0, 36.0),
    }
}

/// How large a line of text is.
fn text(words: &str) -> (f64, f64) {
    (LETTER * number(words.chars().count()), LETTERS_HIGH)
}

/// How large a node's name is that is written above it, and not in it.
fn name(node: &Node) -> Option<(f64, f64)> {
    let above = matches!(node.shape, Shape::Timer(_)) && !node.label.is_empty();
    above.then(|| text(&node.label))
}

/// Flows into a task meet it side by side; into what is small, at one point.
fn meet(shape: &Shape) -> bool {
    !matches!(
        shape,
        Shape::Task(_) | Shape::External { .. } | Shape::Call { .. }
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a diagram has a few hundred of anything"
)]
fn number(count: usize) -> f64 {
    count as f64
}

/// A flow between two nodes.
#[derive(Debug, Clone, Copy)]
struct Way {
    from: usize,
    to: usize,
    /// It does not lead on to a later column.
    back: bool,
    /// Which it is of those that leave beneath the node, from 1; the one that leaves at its side is none of them.
    beneath: usize,
}

/// Who stands where from left to right.
struct Plan<'a> {
    diagram: &'a Diagram,
    /// The column of each node.
    columns: Vec<usize>,
    /// How many columns there are.
    count: usize,
    /// Each flow; none where it leads from or to what is not in the diagram.
    ways: Vec<Option<Way>>,
}

impl<'a> Plan<'a> {
    fn of(diagram: &'a Diagram) -> Self {
        let index: BTreeMap<&str, usize> = diagram
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (node.id.as_str(), index))
            .collect();
        let ends = |flow: &Flow| {
            Some((
                *index.get(flow.from.as_str())?,
                *index.get(flow.to.as_str())?,
            ))
        };
        let ends: Vec<_> = diagram.flows.iter().map(ends).collect();
        let columns = columns(diagram, &ends);
        // The nearest that leads on leaves at the side, and the farthest as the lowest: so it goes around the others.
        let mut leaving: BTreeMap<usize, BTreeSet<(bool, usize, usize)>> = BTreeMap::new();
        let rank = |flow: usize, from: usize, to: usize| {
            let back = columns[to] <= columns[from];
            (back, columns[to].abs_diff(columns[from]), flow)
        };
        for (flow, ends) in ends.iter().enumerate() {
            if let Some((from, to)) = *ends {
                let others = leaving.entry(from).or_default();
                others.insert(rank(flow, from, to));
            }
        }
        let ways = ends.iter().enumerate().map(|(flow, ends)| {
            let (from, to) = (*ends)?;
            let own = rank(flow, from, to);
            Some(Way {
                from,
                to,
                back: own.0,
                beneath: leaving.get(&from)?.range(..own).count(),
            })
        });
        Self {
            ways: ways.collect(),
            count: columns.iter().max().map_or(0, |last| last + 1),
            columns,
            diagram,
        }
    }

    fn ways(&self) -> impl Iterator<Item = (usize, Way)> {
        let ways = self.ways.iter().enumerate();
        ways.filter_map(|(flow, way)| Some((flow, (*way)?)))
    }

    fn shape(&self, node: usize) -> &Shape {
        &self.diagram.nodes[node].shape
    }

    /// How large it is what a flow says.
    fn said(&self, flow: usize) -> Option<(f64, f64)> {
        let words = written(&self.diagram.flows[flow]);
        (!words.is_empty()).then(|| text(&words))
    }

    /// The first line of a flow: over it, before anything turns, it is written what it says.
    fn label(&self, flow: usize, nodes: &[Bounds], rows: &Rows) -> Option<Bounds> {
        let way = self.ways[flow]?;
        let (width, height) = self.said(flow)?;
        let (x, _) = leaving(way, &nodes[way.from]);
        let line = rows.leaves[self.columns[way.from]].get(&flow)?;
        Some(Bounds {
            x: x + SPACE,
            y: line - SPACE / 2.0 - height,
            width,
            height,
        })
    }

    fn course(&self, flow: usize, nodes: &[Bounds], rows: &Rows, lanes: &Lanes) -> Vec<Point> {
        let Some(way) = self.ways[flow] else {
            return Vec::new();
        };
        let mut points = vec![leaving(way, &nodes[way.from])];
        let line = rows.leaves[self.columns[way.from]].get(&flow);
        if let (Some(line), true) = (line, way.beneath > 0) {
            points.push((nodes[way.from].centre(), *line));
        }
        for (gap, before, after) in self.bends(flow, way, rows) {
            if let Some(x) = lanes.turns.get(&(gap, self.turn(flow, way, gap))) {
                points.extend([(*x, before), (*x, after)]);
            }
        }
        let comes = rows.comes[self.columns[way.to]].get(&flow);
        points.extend(comes.map(|line| (nodes[way.to].x, *line)));
        points
    }
}

/// Where a flow leaves its node: at its side, or beneath.
fn leaving(way: Way, node: &Bounds) -> Point {
    if way.beneath > 0 {
        (node.centre(), node.bottom())
    } else {
        (node.right(), node.y + node.height / 2.0)
    }
}

/// The column of each node: one more than those of all that lead on to it.
fn columns(diagram: &Diagram, ends: &[Option<(usize, usize)>]) -> Vec<usize> {
    let mut columns = vec![0; diagram.nodes.len()];
    // As many rounds as there are nodes are enough where nothing goes round, and an end where something did.
    for _ in 0..diagram.nodes.len() {
        let mut moved = false;
        for (flow, ends) in diagram.flows.iter().zip(ends) {
            if let Some((from, to)) = *ends
                && flow.at_most == 0
                && columns[to] <= columns[from]
            {
                columns[to] = columns[from] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    columns
}
