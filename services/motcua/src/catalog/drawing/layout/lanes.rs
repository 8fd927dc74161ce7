//! What stands where from left to right: the columns, and in the gaps between them a lane for each flow that turns there.

use std::collections::BTreeMap;

use super::{BEFORE, BEHIND, LANE, MARGIN, Plan, SPACE, Way, meet, name, rows::Rows, size};

/// Who turns on a lane: a flow, or all that meet at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Flow(usize),
    Into(usize),
}

/// The lines that end at a lane from its left, and from its right.
#[derive(Default)]
struct Lane {
    left: Vec<f64>,
    right: Vec<f64>,
}

/// What stands where from left to right. A gap has the number of the column that it leads to.
pub(super) struct Lanes {
    /// The middle of each column.
    pub(super) centres: Vec<f64>,
    /// Each lane, by its gap.
    pub(super) turns: BTreeMap<(usize, Turn), f64>,
    pub(super) width: f64,
}

impl Plan<'_> {
    /// The gaps, each as wide as what is written in it and its lanes.
    pub(super) fn lanes(&self, rows: &Rows) -> Lanes {
        let (mut centres, mut turns) = (Vec::new(), BTreeMap::new());
        let mut x = MARGIN - BEFORE;
        for (gap, lanes) in self.turns(rows).iter().enumerate() {
            if gap > 0 {
                x += self.behind(gap - 1);
            }
            for (place, turn) in ordered(lanes).into_iter().enumerate() {
                x += if place > 0 { LANE } else { 0.0 };
                turns.insert((gap, turn), x);
            }
            x += BEFORE;
            if gap < self.count {
                let width = self.width(gap);
                centres.push(x + width / 2.0);
                x += width;
            }
        }
        Lanes {
            centres,
            turns,
            width: x,
        }
    }

    /// Who turns in each gap, and between which lines.
    fn turns(&self, rows: &Rows) -> Vec<BTreeMap<Turn, Lane>> {
        let mut turns: Vec<BTreeMap<Turn, Lane>> = Vec::new();
        turns.resize_with(self.count + 1, BTreeMap::new);
        for (flow, way) in self.ways() {
            for (gap, before, after) in self.bends(flow, way, rows) {
                let lane = turns[gap].entry(self.turn(flow, way, gap)).or_default();
                // A way back goes back on the side on which it has come.
                match (way.back, gap > self.columns[way.from]) {
                    (true, true) => lane.left.extend([before, after]),
                    (true, false) => lane.right.extend([before, after]),
                    (false, _) => {
                        lane.left.push(before);
                        lane.right.push(after);
                    }
                }
            }
        }
        turns
    }

    /// Where a flow turns, in the order of its course: the gap, and its lines before and after.
    pub(super) fn bends(&self, flow: usize, way: Way, rows: &Rows) -> Vec<(usize, f64, f64)> {
        let (from, to) = (self.columns[way.from], self.columns[way.to]);
        let leaves = |column: usize| rows.leaves[column].get(&flow).copied();
        let comes = |column: usize| rows.comes[column].get(&flow).copied();
        let gaps: Vec<_> = if way.back {
            let back = rows.back.get(&flow).copied();
            vec![(from + 1, leaves(from), back), (to, back, comes(to))]
        } else {
            let gaps = from + 1..=to;
            gaps.map(|gap| (gap, leaves(gap - 1), comes(gap))).collect()
        };
        let bends = gaps.into_iter().filter_map(|(gap, before, after)| {
            let (before, after) = (before?, after?);
            ((before - after).abs() > f64::EPSILON).then_some((gap, before, after))
        });
        bends.collect()
    }

    pub(super) fn turn(&self, flow: usize, way: Way, gap: usize) -> Turn {
        if gap == self.columns[way.to] && meet(self.shape(way.to)) {
            Turn::Into(way.to)
        } else {
            Turn::Flow(flow)
        }
    }

    /// How wide a column is.
    fn width(&self, column: usize) -> f64 {
        let nodes = self.diagram.nodes.iter().zip(&self.columns);
        let nodes = nodes.filter(|(_, own)| **own == column);
        let widths = nodes.map(|(node, _)| {
            let name = name(node).map_or(0.0, |(width, _)| width);
            size(&node.shape).0.max(name)
        });
        widths.fold(0.0, f64::max)
    }

    /// Between a column and the first lane behind it: what is said on the way there has to end before.
    fn behind(&self, column: usize) -> f64 {
        let end = self.width(column) / 2.0;
        let said = self
            .ways()
            .filter(|(_, way)| self.columns[way.from] == column);
        let said = said.filter_map(|(flow, way)| {
            let (width, _) = self.said(flow)?;
            let half = size(self.shape(way.from)).0 / 2.0;
            let begins = if way.beneath > 0 { 0.0 } else { half };
            Some(begins + SPACE + width + SPACE - end)
        });
        said.fold(BEHIND, f64::max)
    }
}

/// The lanes of a gap from left to right: each is put where the fewest lines cross.
fn ordered(lanes: &BTreeMap<Turn, Lane>) -> Vec<Turn> {
    let mut order: Vec<(Turn, &Lane)> = Vec::new();
    for (turn, lane) in lanes {
        let crossings = |place: &usize| {
            let (left, right) = order.split_at(*place);
            let left: usize = left.iter().map(|(_, other)| crossings(other, lane)).sum();
            let right: usize = right.iter().map(|(_, other)| crossings(lane, other)).sum();
            left + right
        };
        let place = (0..=order.len()).min_by_key(crossings).unwrap_or_default();
        order.insert(place, (*turn, lane));
    }
    order.into_iter().map(|(turn, _)| turn).collect()
}

/// How many lines cross where the one lane is left of the other.
fn crossings(left: &Lane, right: &Lane) -> usize {
    let over = |rows: &[f64], lane: &Lane| {
        let all = || lane.left.iter().chain(&lane.right).copied();
        let (top, bottom) = (
            all().fold(f64::INFINITY, f64::min),
            all().fold(f64::NEG_INFINITY, f64::max),
        );
        let between = |line: &&f64| top < **line && **line < bottom;
        rows.iter().filter(between).count()
    };
    over(&right.left, left) + over(&left.right, right)
}
