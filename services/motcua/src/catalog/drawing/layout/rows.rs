//! What stands where from top to bottom: the line of each node, and those of each flow in every column.

use std::collections::BTreeMap;

use super::{
    APART, AROUND, BENEATH, FIRST, LINE, MARGIN, NEAR, PAST, Plan, ROUNDS, Way, meet, number, size,
};

/// A node, or a flow that passes a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Node(usize),
    Passing(usize),
}

/// What stands where from top to bottom.
#[derive(Default)]
pub(super) struct Rows {
    /// The middle line of each node.
    pub(super) nodes: Vec<f64>,
    /// The line on which each flow comes to a column, and the one on which it leaves it.
    pub(super) comes: Vec<BTreeMap<usize, f64>>,
    pub(super) leaves: Vec<BTreeMap<usize, f64>>,
    /// The line of each way back.
    pub(super) back: BTreeMap<usize, f64>,
    pub(super) lowest: f64,
}

impl Plan<'_> {
    /// Where a flow that passes has to go down for others it has gone down in vain before: it does so at once, the next time.
    pub(super) fn rows(&self) -> Rows {
        let mut rows = self.placed(&BTreeMap::new());
        for _ in 1..ROUNDS {
            let mut passing: BTreeMap<usize, f64> = BTreeMap::new();
            for column in 0..self.count {
                for (flow, line) in &rows.comes[column] {
                    if rows.leaves[column].contains_key(flow) {
                        let lowest = passing.entry(*flow).or_default();
                        *lowest = lowest.max(*line);
                    }
                }
            }
            rows = self.placed(&passing);
        }
        for (flow, _) in self.ways().filter(|(_, way)| way.back) {
            rows.lowest += BENEATH;
            rows.back.insert(flow, rows.lowest);
        }
        rows
    }

    /// Column by column, each place as near as it can be to where the flow that leads to it comes from.
    fn placed(&self, passing: &BTreeMap<usize, f64>) -> Rows {
        let mut rows = Rows {
            nodes: vec![0.0; self.columns.len()],
            comes: vec![BTreeMap::new(); self.count],
            leaves: vec![BTreeMap::new(); self.count],
            ..Rows::default()
        };
        for column in 0..self.count {
            let before = match column.checked_sub(1) {
                Some(before) => rows.leaves[before].clone(),
                None => BTreeMap::new(),
            };
            let mut wanted = Vec::new();
            for place in self.inhabitants(column) {
                let into = self.into(place, &before);
                let nearest = match place {
                    Place::Passing(flow) => passing.get(&flow),
                    Place::Node(_) => None,
                };
                let nearest = nearest.or_else(|| before.get(&into.first()?.0));
                wanted.push((nearest.copied().unwrap_or(FIRST), place, into));
            }
            // Those that are wished to the same line keep the order of the diagram.
            wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut free = MARGIN;
            for (wish, place, into) in wanted {
                let (above, below) = self.extent(place);
                let mut line = wish.max(free + above);
                while self.misleads(place, line, &into, &before) {
                    line += NEAR / 2.0;
                }
                free = line + below;
                rows.lowest = rows.lowest.max(free);
                for (flow, offset) in into {
                    rows.comes[column].insert(flow, line + offset);
                }
                self.leave(place, line, &mut rows, column);
            }
        }
        rows
    }

    /// The nodes of a column, and the flows that pass it.
    fn inhabitants(&self, column: usize) -> Vec<Place> {
        let nodes = (0..self.columns.len()).filter(|node| self.columns[*node] == column);
        let passing = self
            .ways()
            .filter(|(_, way)| self.columns[way.from] < column && column < self.columns[way.to]);
        let passing = passing.map(|(flow, _)| Place::Passing(flow));
        nodes.map(Place::Node).chain(passing).collect()
    }

    /// The flows that come to a place, and how far beneath its line: first the one that it is to be level with.
    fn into(&self, place: Place, before: &BTreeMap<usize, f64>) -> Vec<(usize, f64)> {
        let node = match place {
            Place::Node(node) => node,
            Place::Passing(flow) => return vec![(flow, 0.0)],
        };
        let into = self.ways().filter(|(_, way)| way.to == node);
        let mut into: Vec<_> = into.collect();
        // Ways back come from beneath everything.
        let from = |flow: usize| before.get(&flow).copied().unwrap_or(f64::INFINITY);
        into.sort_by(|(a, one), (b, other)| {
            let beneath = |way: &Way| (way.back, way.beneath > 0);
            let order = beneath(one).cmp(&beneath(other));
            order.then(from(*a).total_cmp(&from(*b)))
        });
        let mut levels: Vec<_> = into.iter().map(|(flow, _)| (*flow, from(*flow))).collect();
        let Some((first, level)) = levels.first().copied() else {
            return Vec::new();
        };
        if meet(self.shape(node)) {
            return levels.into_iter().map(|(flow, _)| (flow, 0.0)).collect();
        }
        let side = size(self.shape(node)).1 / 2.0 - NEAR;
        let apart = APART.min(side / number(levels.len()));
        levels.remove(0);
        levels.sort_by(|a, b| a.1.total_cmp(&b.1));
        let above = levels.iter().filter(|(_, line)| *line < level).count();
        let offset = |place: usize| {
            if place < above {
                -apart * number(above - place)
            } else {
                apart * number(place - above + 1)
            }
        };
        let others = levels.iter().enumerate();
        let others = others.map(|(place, (flow, _))| (*flow, offset(place)));
        [(first, 0.0)].into_iter().chain(others).collect()
    }

    /// Whether a flow that comes here would look as if it were another that leaves the column before on the same line, or
    /// would turn for next to nothing.
    fn misleads(
        &self,
        place: Place,
        line: f64,
        into: &[(usize, f64)],
        before: &BTreeMap<usize, f64>,
    ) -> bool {
        let one = matches!(place, Place::Node(node) if meet(self.shape(node)));
        let with = |other: usize| one && into.iter().any(|(flow, _)| *flow == other);
        into.iter().any(|(flow, offset)| {
            before.iter().any(|(other, leaves)| {
                let far = (line + offset - leaves).abs();
                let near = far < NEAR;
                if flow == other {
                    near && far > f64::EPSILON
                } else {
                    near && !with(*other)
                }
            })
        })
    }

    /// What a place takes of its column above its line, and beneath.
    fn extent(&self, place: Place) -> (f64, f64) {
        let Place::Node(node) = place else {
            return (LINE / 2.0, LINE / 2.0);
        };
        let half = size(self.shape(node)).1 / 2.0;
        let leaving = self.ways().filter(|(_, way)| way.from == node);
        let beneath = leaving
            .map(|(_, way)| way.beneath)
            .max()
            .unwrap_or_default();
        let lowest = beneath_by(beneath).map_or(0.0, |line| line + LINE / 2.0);
        (half + AROUND, lowest.max(half + AROUND))
    }

    /// Puts a place on its line, and the flows that leave it on theirs.
    fn leave(&self, place: Place, line: f64, rows: &mut Rows, column: usize) {
        let node = match place {
            Place::Node(node) => node,
            Place::Passing(flow) => {
                rows.leaves[column].insert(flow, line);
                return;
            }
        };
        rows.nodes[node] = line;
        for (flow, way) in self.ways().filter(|(_, way)| way.from == node) {
            let leaves = line + beneath_by(way.beneath).unwrap_or_default();
            rows.leaves[column].insert(flow, leaves);
        }
    }
}

/// How far beneath its node's line a flow leaves that does not leave at its side.
fn beneath_by(place: usize) -> Option<f64> {
    let others = place.checked_sub(1)?;
    Some(PAST + LINE * number(others))
}
