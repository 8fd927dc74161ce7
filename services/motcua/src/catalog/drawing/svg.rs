//! A diagram as a picture.

use std::io;

use quick_xml::{Writer, events::BytesText};

use super::{
    diagram::{Diagram, Node, Shape},
    layout::{Bounds, Layout, Point, written},
};

/// Letters of a line in a task, about.
const LINE: usize = 25;
/// Lines in a task at most.
const LINES: usize = 4;
/// From the line that letters stand on to the foot of those that reach beneath it.
const DESCENT: f64 = 3.0;

/// Draws it.
pub(super) fn draw(diagram: &Diagram, title: &str) -> io::Result<String> {
    let layout = Layout::of(diagram);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    writer
        .create_element("svg")
        .with_attributes([
            ("xmlns", "http://www.w3.org/2000/svg"),
            (
                "viewBox",
                &format!("0 0 {} {}", layout.width, layout.height),
            ),
            ("font-family", "sans-serif"),
            ("font-size", "12"),
        ])
        .write_inner_content(|writer| {
            text_element(writer, "title", title)?;
            arrowhead(writer)?;
            writer
                .create_element("rect")
                .with_attributes([("width", "100%"), ("height", "100%"), ("fill", "white")])
                .write_empty()?;
            for (flow, points) in diagram.flows.iter().zip(&layout.flows) {
                course(writer, points, flow.at_most > 0)?;
            }
            for (flow, label) in diagram.flows.iter().zip(&layout.labels) {
                beside(writer, label.as_ref(), &written(flow))?;
            }
            for (node, bounds) in diagram.nodes.iter().zip(&layout.nodes) {
                shape(writer, node, bounds)?;
            }
            for (node, name) in diagram.nodes.iter().zip(&layout.names) {
                beside(writer, name.as_ref(), &node.label)?;
            }
            Ok(())
        })?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

type Out = Writer<Vec<u8>>;

fn text_element(writer: &mut Out, name: &str, text: &str) -> io::Result<()> {
    writer
        .create_element(name)
        .write_text_content(BytesText::new(text))?;
    Ok(())
}

fn arrowhead(writer: &mut Out) -> io::Result<()> {
    writer
        .create_element("defs")
        .write_inner_content(|writer| {
            writer
                .create_element("marker")
                .with_attributes([
                    ("id", "arrow"),
                    ("viewBox", "0 0 10 10"),
                    ("refX", "9"),
                    ("refY", "5"),
                    ("markerWidth", "7"),
                    ("markerHeight", "7"),
                    ("orient", "auto"),
                ])
                .write_inner_content(|writer| {
                    writer
                        .create_element("path")
                        .with_attributes([("d", "M0 0L10 5L0 10z"), ("fill", "#444")])
                        .write_empty()?;
                    Ok(())
                })?;
            Ok(())
        })?;
    Ok(())
}

fn course(writer: &mut Out, points: &[Point], back: bool) -> io::Result<()> {
    let points: Vec<_> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let mut line = writer.create_element("polyline").with_attributes([
        ("points", points.join(" ").as_str()),
        ("fill", "none"),
        ("stroke", "#444"),
        ("marker-end", "url(#arrow)"),
    ]);
    if back {
        line = line.with_attribute(("stroke-dasharray", "5 3"));
    }
    line.write_empty()?;
    Ok(())
}

/// What is written beside a flow or a node, where it has a place there.
fn beside(writer: &mut Out, bounds: Option<&Bounds>, label: &str) -> io::Result<()> {
    let Some(bounds) = bounds else {
        return Ok(());
    };
    let foot = (bounds.centre(), bounds.y + bounds.height - DESCENT);
    words(writer, foot, "middle", label, "11")
}

fn words(writer: &mut Out, (x, y): Point, anchor: &str, text: &str, size: &str) -> io::Result<()> {
    writer
        .create_element("text")
        .with_attributes([
            ("x", x.to_string().as_str()),
            ("y", y.to_string().as_str()),
            ("text-anchor", anchor),
            ("font-size", size),
            ("fill", "#222"),
        ])
        .write_text_content(BytesText::new(text))?;
    Ok(())
}

fn shape(writer: &mut Out, node: &Node, bounds: &Bounds) -> io::Result<()> {
    let centre = (
        bounds.x + bounds.width / 2.0,
        bounds.y + bounds.height / 2.0,
    );
    match &node.shape {
        Shape::Start => circle(writer, centre, 18.0, "#e6f4ea", "1.5"),
        Shape::End => circle(writer, centre, 18.0, "#fde8e8", "4"),
        Shape::Timer(_) => {
            circle(writer, centre, 18.0, "#fff8e1", "1.5")?;
            circle(writer, centre, 14.0, "#fff8e1", "1")
        }
        Shape::Outcome => diamond(writer, bounds, ""),
        Shape::Choice => diamond(writer, bounds, "×"),
        Shape::Fork { inclusive } | Shape::Join { inclusive } => {
            diamond(writer, bounds, if *inclusive { "○" } else { "+" })
        }
        Shape::Task(task) => {
            let budget = format!("{} phút", task.planned_minutes);
            rectangle(writer, node, bounds, "#eef3fb", "1.5", &budget)
        }
        Shape::External { system, .. } => rectangle(writer, node, bounds, "#f3eefb", "1.5", system),
        Shape::Call { .. } => rectangle(writer, node, bounds, "#eefbf4", "4", ""),
    }
}

fn circle(writer: &mut Out, (x, y): Point, r: f64, fill: &str, stroke: &str) -> io::Result<()> {
    writer
        .create_element("circle")
        .with_attributes([
            ("cx", x.to_string().as_str()),
            ("cy", y.to_string().as_str()),
            ("r", r.to_string().as_str()),
            ("fill", fill),
            ("stroke", "#444"),
            ("stroke-width", stroke),
        ])
        .write_empty()?;
    Ok(())
}

fn diamond(writer: &mut Out, bounds: &Bounds, sign: &str) -> io::Result<()> {
    let (x, y) = (
        bounds.x + bounds.width / 2.0,
        bounds.y + bounds.height / 2.0,
    );
    let points = format!(
        "{x},{} {},{y} {x},{} {},{y}",
        bounds.y,
        bounds.x + bounds.width,
        bounds.y + bounds.height,
        bounds.x
    );
    writer
        .create_element("polygon")
        .with_attributes([
            ("points", points.as_str()),
            ("fill", "#fff8e1"),
            ("stroke", "#444"),
            ("stroke-width", "1.5"),
        ])
        .write_empty()?;
    words(writer, (x, y + 7.0), "middle", sign, "20")
}

fn rectangle(
    writer: &mut Out,
    node: &Node,
    bounds: &Bounds,
    fill: &str,
    stroke: &str,
    small: &str,
) -> io::Result<()> {
    writer
        .create_element("rect")
        .with_attributes([
            ("x", bounds.x.to_string().as_str()),
            ("y", bounds.y.to_string().as_str()),
            ("width", bounds.width.to_string().as_str()),
            ("height", bounds.height.to_string().as_str()),
            ("rx", "8"),
            ("fill", fill),
            ("stroke", "#444"),
            ("stroke-width", stroke),
        ])
        .write_empty()?;
    let centre = bounds.x + bounds.width / 2.0;
    let mut y = bounds.y + 18.0;
    for line in wrapped(&node.label) {
        words(writer, (centre, y), "middle", &line, "11")?;
        y += 14.0;
    }
    let foot = (centre, bounds.y + bounds.height - 6.0);
    words(writer, foot, "middle", small, "9")
}

/// A title in lines; what does not fit is cut, and shows it.
fn wrapped(title: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < LINE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > LINES {
        lines.truncate(LINES);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}
