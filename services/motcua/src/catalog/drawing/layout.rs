//! Where the nodes of a diagram stand, and how its flows run between them.
//!
//! Columns by the longest path from the start; within a column, each node as near as it can be to those that lead to it. A
//! flow over several columns has a place of its own in each, so that it runs past nodes and not over them. Ways back run
//! beneath everything.

use std::collections::{BTreeMap, BTreeSet};

use super::diagram::{Diagram, Shape};

const COLUMN: f64 = 210.0;
const ROW: f64 = 120.0;
/// What a flow that passes by takes of a column.
const PASSING: f64 = 40.0;
const MARGIN: f64 = 40.0;
/// Between the last row and the first way back, and between two of these.
const BENEATH: f64 = 24.0;

/// A rectangle; coordinates grow to the right and down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Bounds {
    fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }

    fn centre(&self) -> f64 {
        self.x + self.width / 2.0
    }
}

/// A point.
pub(super) type Point = (f64, f64);

/// Everything that is drawn: each node's bounds and each flow's course, in the diagram's order.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) nodes: Vec<Bounds>,
    pub(super) flows: Vec<Vec<Point>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// How large a shape is.
fn size(shape: &Shape) -> (f64, f64) {
    match shape {
        Shape::Task(_) | Shape::External { .. } | Shape::Call { .. } => (150.0, 80.0),
        Shape::Outcome | Shape::Choice | Shape::Fork { .. } | Shape::Join { .. } => (50.0, 50.0),
        Shape::Start | Shape::End | Shape::Timer(_) => (36.0, 36.0),
    }
}

/// A node, or a flow that passes a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Node(usize),
    Passing { flow: usize, column: usize },
}

impl Layout {
    pub(super) fn of(diagram: &Diagram) -> Self {
        let index: BTreeMap<&str, usize> = diagram
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (node.id.as_str(), index))
            .collect();
        let ends: Vec<Option<(usize, usize)>> = diagram
            .flows
            .iter()
            .map(|flow| {
                Some((
                    *index.get(flow.from.as_str())?,
                    *index.get(flow.to.as_str())?,
                ))
            })
            .collect();
        let columns = columns(diagram, &ends);
        let middles = middles(diagram, &ends, &columns);
        let nodes: Vec<Bounds> = diagram
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let (width, height) = size(&node.shape);
                let middle = middles
                    .get(&Place::Node(index))
                    .copied()
                    .unwrap_or_default();
                Bounds {
                    x: left(columns[index]) + (COLUMN - width) / 2.0,
                    y: middle - height / 2.0,
                    width,
                    height,
                }
            })
            .collect();
        let lowest = nodes
            .iter()
            .map(|bounds| bounds.y + bounds.height)
            .chain(middles.values().copied())
            .fold(0.0, f64::max);
        let mut beneath = lowest;
        let flows = ends
            .iter()
            .enumerate()
            .map(|(flow, ends)| {
                let Some((from, to)) = *ends else {
                    return Vec::new();
                };
                if columns[to] > columns[from] {
                    return onward(flow, (from, to), &nodes, &columns, &middles);
                }
                beneath += BENEATH;
                back(&nodes[from], &nodes[to], beneath)
            })
            .collect();
        let last = columns.iter().max().copied().unwrap_or_default();
        Self {
            nodes,
            flows,
            width: left(last + 1) + MARGIN,
            height: beneath + MARGIN,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a diagram has a few hundred columns"
)]
fn left(column: usize) -> f64 {
    MARGIN + COLUMN * column as f64
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

/// The middle line of each node, and of each flow where it passes a column.
fn middles(
    diagram: &Diagram,
    ends: &[Option<(usize, usize)>],
    columns: &[usize],
) -> BTreeMap<Place, f64> {
    let last = columns.iter().max().copied().unwrap_or_default();
    let mut inhabitants: Vec<BTreeSet<Place>> = vec![BTreeSet::new(); last + 1];
    let mut leads_to: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
    for (index, column) in columns.iter().enumerate() {
        inhabitants[*column].insert(Place::Node(index));
    }
    for (flow, ends) in ends.iter().enumerate() {
        let Some((from, to)) = *ends else { continue };
        let mut before = Place::Node(from);
        let between = inhabitants.iter_mut().enumerate();
        for (column, inhabitants) in between.take(columns[to]).skip(columns[from] + 1) {
            let passing = Place::Passing { flow, column };
            inhabitants.insert(passing);
            leads_to.entry(passing).or_default().push(before);
            before = passing;
        }
        if columns[to] > columns[from] {
            leads_to.entry(Place::Node(to)).or_default().push(before);
        }
    }
    let height = |place: Place| match place {
        Place::Node(_) => ROW,
        Place::Passing { .. } => PASSING,
    };
    let mut middles = BTreeMap::new();
    for column in inhabitants {
        let mut wanted: Vec<(f64, Place)> = column
            .into_iter()
            .map(|place| (wish(leads_to.get(&place), &middles), place))
            .collect();
        // Those that are wished to the same line keep the order of the diagram.
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free = MARGIN;
        for (wish, place) in wanted {
            let half = height(place) / 2.0;
            let middle = wish.max(free + half);
            free = middle + half;
            middles.insert(place, middle);
        }
    }
    debug_assert!(diagram.nodes.len() <= middles.len());
    middles
}

/// The mean of those that lead to a place.
fn wish(before: Option<&Vec<Place>>, middles: &BTreeMap<Place, f64>) -> f64 {
    let lines: Vec<f64> = before
        .into_iter()
        .flatten()
        .filter_map(|place| middles.get(place).copied())
        .collect();
    if lines.is_empty() {
        return MARGIN + ROW / 2.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a node has a few dozen flows")]
    let count = lines.len() as f64;
    lines.iter().sum::<f64>() / count
}

/// From the right of one node to the left of the other, over the flow's own places in between.
fn onward(
    flow: usize,
    (from, to): (usize, usize),
    nodes: &[Bounds],
    columns: &[usize],
    middles: &BTreeMap<Place, f64>,
) -> Vec<Point> {
    let (start, end) = (nodes[from], nodes[to]);
    let mut points = vec![(start.x + start.width, start.middle())];
    let mut line = start.middle();
    for column in columns[from] + 1..=columns[to] {
        let next = if column == columns[to] {
            end.middle()
        } else {
            let passing = Place::Passing { flow, column };
            middles.get(&passing).copied().unwrap_or(line)
        };
        if (next - line).abs() > f64::EPSILON {
            let turn = left(column);
            points.extend([(turn, line), (turn, next)]);
            line = next;
        }
    }
    points.push((end.x, end.middle()));
    points
}

/// From beneath one node to beneath the other.
fn back(from: &Bounds, to: &Bounds, line: f64) -> Vec<Point> {
    vec![
        (from.centre(), from.y + from.height),
        (from.centre(), line),
        (to.centre(), line),
        (to.centre(), to.y + to.height),
    ]
}
