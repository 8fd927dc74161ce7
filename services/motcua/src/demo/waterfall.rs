//! One trace as a waterfall: who did what, when after the beginning, and for how long.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write as _,
};

use super::receiver::{Seen, TraceId};
use crate::tables::shortened;

/// Characters for the bars.
const BAR_WIDTH: usize = 40;
/// Characters for a span's name with its indentation.
const NAME_WIDTH: usize = 58;

/// The trace that reaches the most services, then the one with the most spans.
pub(super) fn richest(spans: &[Seen]) -> Option<TraceId> {
    let mut traces: BTreeMap<TraceId, (HashSet<&str>, usize)> = BTreeMap::new();
    for span in spans {
        let (services, count) = traces.entry(span.trace).or_default();
        services.insert(&span.service);
        *count += 1;
    }
    traces
        .into_iter()
        .max_by_key(|(_, (services, count))| (services.len(), *count))
        .map(|(trace, _)| trace)
}

/// Draws a trace.
pub(super) fn draw(spans: &[Seen], trace: TraceId) -> String {
    let mut spans: Vec<&Seen> = spans.iter().filter(|span| span.trace == trace).collect();
    spans.sort_by_key(|span| (span.start_ns, span.end_ns));
    let (Some(begin), Some(end)) = (
        spans.iter().map(|span| span.start_ns).min(),
        spans.iter().map(|span| span.end_ns).max(),
    ) else {
        return String::new();
    };
    let known: HashSet<&[u8]> = spans.iter().map(|span| span.id.as_slice()).collect();
    let mut children: HashMap<&[u8], Vec<&Seen>> = HashMap::new();
    let mut roots = Vec::new();
    for span in &spans {
        // A span whose parent was not recorded still belongs to the picture.
        if known.contains(span.parent.as_slice()) && span.parent != span.id {
            children.entry(&span.parent).or_default().push(span);
        } else {
            roots.push(*span);
        }
    }
    let mut picture = format!(
        "{:<20} {:<NAME_WIDTH$} {:>9}  {:<BAR_WIDTH$} {:>9}\n",
        "service", "span", "after ms", "", "took ms"
    );
    let scale = Scale {
        begin,
        length: (end - begin).max(1),
    };
    let mut stack: Vec<(usize, &Seen)> = roots.into_iter().rev().map(|span| (0, span)).collect();
    while let Some((depth, span)) = stack.pop() {
        line(&mut picture, &scale, depth, span);
        if let Some(mine) = children.remove(span.id.as_slice()) {
            stack.extend(mine.into_iter().rev().map(|child| (depth + 1, child)));
        }
    }
    picture
}

struct Scale {
    begin: u64,
    length: u64,
}

impl Scale {
    fn place(&self, at: u64) -> usize {
        let offset =
            u128::from(at.saturating_sub(self.begin)) * BAR_WIDTH as u128 / u128::from(self.length);
        usize::try_from(offset).unwrap_or(BAR_WIDTH).min(BAR_WIDTH)
    }
}

fn line(picture: &mut String, scale: &Scale, depth: usize, span: &Seen) {
    let from = scale.place(span.start_ns).min(BAR_WIDTH - 1);
    let to = scale.place(span.end_ns).max(from + 1);
    let bar = format!("{}{}", " ".repeat(from), "█".repeat(to - from));
    let name = shortened(&format!("{}{}", "  ".repeat(depth), span.name), NAME_WIDTH);
    // Writing into a string does not fail.
    writeln!(
        picture,
        "{:<20} {name:<NAME_WIDTH$} {:>9.2}  {bar:<BAR_WIDTH$} {:>9.2}",
        shortened(&span.service, 20),
        milliseconds(span.start_ns.saturating_sub(scale.begin)),
        milliseconds(span.end_ns.saturating_sub(span.start_ns)),
    )
    .ok();
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a trace, for the eye"
)]
fn milliseconds(ns: u64) -> f64 {
    ns as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(
        trace: u8,
        id: u8,
        parent: u8,
        service: &str,
        name: &str,
        start_ms: u64,
        end_ms: u64,
    ) -> Seen {
        Seen {
            trace: [trace; 16],
            id: vec![id; 8],
            parent: if parent == 0 {
                Vec::new()
            } else {
                vec![parent; 8]
            },
            service: service.into(),
            name: name.into(),
            start_ns: start_ms * 1_000_000,
            end_ns: end_ms * 1_000_000,
        }
    }

    #[test]
    fn reactions_stand_under_their_command_in_the_order_of_time() {
        let spans = [
            span(1, 3, 2, "workflow", "process intake DossierAccepted", 6, 9),
            span(
                1,
                4,
                2,
                "statistics",
                "process intake DossierSubmitted",
                5,
                10,
            ),
            span(1, 1, 0, "motcua-demo", "submit", 0, 4),
            span(1, 2, 1, "intake", "SubmitDossier", 1, 3),
            span(2, 9, 0, "intake", "another trace", 0, 1),
        ];
        let picture = draw(&spans, [1; 16]);
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(
            lines[1].contains(" submit") && lines[1].contains("0.00") && lines[1].ends_with("4.00")
        );
        assert!(lines[2].contains("  SubmitDossier"));
        assert!(
            lines[3].contains("    process intake DossierSubmitted"),
            "{picture}"
        );
        assert!(lines[4].contains("    process intake DossierAccepted"));
        let width = lines[1].chars().count();
        assert!(
            lines.iter().all(|line| line.chars().count() == width),
            "{picture}"
        );
        assert!(
            lines[3].trim_end_matches("5.00").trim_end().ends_with('█'),
            "the last to end fills the bar"
        );
    }

    #[test]
    fn a_span_without_its_parent_and_one_that_is_its_own_parent_are_drawn_once() {
        let spans = [
            span(1, 2, 7, "intake", "orphan", 1, 3),
            span(1, 3, 3, "intake", "odd", 2, 3),
        ];
        assert_eq!(draw(&spans, [1; 16]).lines().count(), 3);
        assert_eq!(draw(&[], [1; 16]), "");
    }

    #[test]
    fn the_trace_that_reaches_the_most_services_is_shown() {
        let spans = [
            span(1, 1, 0, "intake", "a", 0, 1),
            span(1, 2, 0, "intake", "b", 0, 1),
            span(1, 3, 0, "intake", "c", 0, 1),
            span(2, 4, 0, "intake", "d", 0, 1),
            span(2, 5, 0, "workflow", "e", 0, 1),
        ];
        assert_eq!(richest(&spans), Some([2; 16]));
        assert_eq!(richest(&[]), None);
    }
}
