//! A definition as BPMN 2.0 with diagram interchange, so that it opens in a drawing tool.
//!
//! What BPMN has no word for stands in attributes of a namespace of our own, which tools keep.

use std::io;

use motcua_proto::{
    r#type::v1::AgencyKind,
    workflow::v1::{Definition, timer_step::Wait},
};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
    writer::ElementWriter,
};

use super::super::words::{agency_word, role_word};
use super::{
    BPMN, MOTCUA,
    diagram::{Diagram, Flow, Node, Shape, node_id},
    layout::{Bounds, Layout, Point},
};

type Out = Writer<Vec<u8>>;

/// Writes it.
pub(super) fn bpmn(definition: &Definition) -> io::Result<String> {
    let diagram = Diagram::of(definition);
    let layout = Layout::of(&diagram);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("definitions")
        .with_attributes([
            ("xmlns", BPMN),
            ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
            ("xmlns:bpmndi", "http://www.omg.org/spec/BPMN/20100524/DI"),
            ("xmlns:dc", "http://www.omg.org/spec/DD/20100524/DC"),
            ("xmlns:di", "http://www.omg.org/spec/DD/20100524/DI"),
            ("xmlns:motcua", MOTCUA),
            ("id", "definitions"),
            ("targetNamespace", "https://motcua.vn/definitions"),
        ])
        .write_inner_content(|writer| {
            process(writer, definition, &diagram)?;
            interchange(writer, definition, &diagram, &layout)
        })?;
    let mut text = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

fn flow_id(index: usize) -> String {
    format!("_flow_{}", index + 1)
}

fn process(writer: &mut Out, definition: &Definition, diagram: &Diagram) -> io::Result<()> {
    let id = node_id(&definition.id);
    let percents: Vec<_> = definition
        .due_soon_percents
        .iter()
        .map(ToString::to_string)
        .collect();
    let percents = percents.join(" ");
    let refusals = definition.refusals.join(" ");
    let mut attributes = vec![
        ("id", id.as_str()),
        ("name", definition.title.as_str()),
        ("isExecutable", "true"),
    ];
    if id != definition.id {
        attributes.push(("motcua:id", &definition.id));
    }
    if !percents.is_empty() {
        attributes.push(("motcua:dueSoon", &percents));
    }
    if !refusals.is_empty() {
        attributes.push(("motcua:refusals", &refusals));
    }
    writer
        .create_element("process")
        .with_attributes(attributes)
        .write_inner_content(|writer| {
            for node in &diagram.nodes {
                element(writer, diagram, node)?;
            }
            for (index, flow) in diagram.flows.iter().enumerate() {
                sequence_flow(writer, flow, &flow_id(index))?;
            }
            Ok(())
        })?;
    Ok(())
}

/// The attributes that a node has beside its id and name.
fn element(writer: &mut Out, diagram: &Diagram, node: &Node) -> io::Result<()> {
    let mut own: Vec<(&str, String)> = Vec::new();
    let name = match &node.shape {
        Shape::Start => "startEvent",
        Shape::End => "endEvent",
        Shape::Task(task) => {
            own.push(("motcua:role", role_word(task.role()).to_owned()));
            agency(&mut own, task.agency());
            own.push(("motcua:minutes", task.planned_minutes.to_string()));
            let words = [
                ("motcua:group", &task.group),
                ("motcua:when", &task.when),
                ("motcua:leftOutAs", &task.left_out_as),
            ];
            own.extend(
                words
                    .into_iter()
                    .filter(|(_, word)| !word.is_empty())
                    .map(|(key, word)| (key, word.clone())),
            );
            escalation(&mut own, task.escalate_after_percent);
            "userTask"
        }
        Shape::External {
            system,
            agency: kind,
            planned_minutes,
            escalate_after_percent,
            ..
        } => {
            own.push(("motcua:system", system.clone()));
            agency(&mut own, AgencyKind::try_from(*kind).unwrap_or_default());
            own.push(("motcua:minutes", planned_minutes.to_string()));
            escalation(&mut own, *escalate_after_percent);
            "serviceTask"
        }
        Shape::Call {
            procedure,
            agency: kind,
            limit,
            other_limits,
        } => {
            own.push(("calledElement", procedure.clone()));
            agency(&mut own, AgencyKind::try_from(*kind).unwrap_or_default());
            for (name, limit) in [
                ("motcua:limit", limit),
                ("motcua:otherLimits", other_limits),
            ] {
                if !limit.is_empty() {
                    own.push((name, limit.clone()));
                }
            }
            "callActivity"
        }
        Shape::Outcome => "exclusiveGateway",
        Shape::Choice => {
            let default = diagram
                .flows
                .iter()
                .position(|flow| flow.from == node.id && flow.default);
            own.extend(default.map(|index| ("default", flow_id(index))));
            "exclusiveGateway"
        }
        Shape::Fork { inclusive } | Shape::Join { inclusive } => {
            if *inclusive {
                "inclusiveGateway"
            } else {
                "parallelGateway"
            }
        }
        Shape::Timer(_) => "intermediateCatchEvent",
    };
    let mut head = writer
        .create_element(name)
        .with_attribute(("id", node.id.as_str()));
    if !node.label.is_empty() {
        head = head.with_attribute(("name", node.label.as_str()));
    }
    if let Some(step) = &node.step {
        head = head.with_attribute(("motcua:id", step.as_str()));
    }
    for (key, value) in &own {
        head = head.with_attribute((*key, value.as_str()));
    }
    inner(head, diagram, node)
}

fn agency(own: &mut Vec<(&str, String)>, kind: AgencyKind) {
    if kind != AgencyKind::Unspecified {
        own.push(("motcua:agency", agency_word(kind).to_owned()));
    }
}

fn escalation(own: &mut Vec<(&str, String)>, percent: i32) {
    if percent > 0 {
        own.push(("motcua:escalateAfterPercent", percent.to_string()));
    }
}

fn inner(head: ElementWriter<'_, Vec<u8>>, diagram: &Diagram, node: &Node) -> io::Result<()> {
    head.write_inner_content(|writer| {
        if let Shape::External { codes, .. } = &node.shape {
            writer
                .create_element("extensionElements")
                .write_inner_content(|writer| {
                    for code in codes {
                        let why = [("reason", code.reason.as_str()), ("ground", &code.ground)];
                        writer
                            .create_element("motcua:code")
                            .with_attributes([
                                ("code", code.code.as_str()),
                                ("outcome", code.outcome.as_str()),
                            ])
                            .with_attributes(why.into_iter().filter(|(_, said)| !said.is_empty()))
                            .write_empty()?;
                    }
                    Ok(())
                })?;
        }
        for (index, flow) in diagram.flows.iter().enumerate() {
            let name = match (flow.to == node.id, flow.from == node.id) {
                (true, _) => "incoming",
                (_, true) => "outgoing",
                _ => continue,
            };
            let id = flow_id(index);
            writer
                .create_element(name)
                .write_text_content(BytesText::new(&id))?;
        }
        if let Shape::Timer(wait) = &node.shape {
            timer(writer, *wait)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Days are of the calendar; hours and minutes are of working time.
fn timer(writer: &mut Out, wait: Wait) -> io::Result<()> {
    let duration = match wait {
        Wait::CalendarDays(days) => format!("P{days}D"),
        Wait::WorkingMinutes(minutes) => format!("PT{minutes}M"),
    };
    writer
        .create_element("timerEventDefinition")
        .write_inner_content(|writer| {
            writer
                .create_element("timeDuration")
                .with_attribute(("xsi:type", "tFormalExpression"))
                .write_text_content(BytesText::new(&duration))?;
            Ok(())
        })?;
    Ok(())
}

fn sequence_flow(writer: &mut Out, flow: &Flow, id: &str) -> io::Result<()> {
    let label = flow.label();
    let at_most = flow.at_most.to_string();
    let mut head = writer.create_element("sequenceFlow").with_attributes([
        ("id", id),
        ("sourceRef", flow.from.as_str()),
        ("targetRef", flow.to.as_str()),
    ]);
    if !label.is_empty() {
        head = head.with_attribute(("name", label.as_str()));
    }
    if !flow.outcome.is_empty() {
        head = head.with_attribute(("motcua:outcome", flow.outcome.as_str()));
    }
    if flow.at_most > 0 {
        head = head.with_attribute(("motcua:atMost", at_most.as_str()));
    }
    let condition = if flow.option.is_empty() {
        flow.condition.clone()
    } else {
        format!("\"{}\" in options", flow.option)
    };
    if condition.is_empty() {
        head.write_empty()?;
        return Ok(());
    }
    head.write_inner_content(|writer| {
        writer
            .create_element("conditionExpression")
            .with_attribute(("xsi:type", "tFormalExpression"))
            .write_text_content(BytesText::new(&condition))?;
        Ok(())
    })?;
    Ok(())
}

fn interchange(
    writer: &mut Out,
    definition: &Definition,
    diagram: &Diagram,
    layout: &Layout,
) -> io::Result<()> {
    writer
        .create_element("bpmndi:BPMNDiagram")
        .with_attribute(("id", "diagram"))
        .write_inner_content(|writer| {
            writer
                .create_element("bpmndi:BPMNPlane")
                .with_attributes([
                    ("id", "plane"),
                    ("bpmnElement", node_id(&definition.id).as_str()),
                ])
                .write_inner_content(|writer| {
                    let nodes = diagram.nodes.iter().zip(&layout.nodes);
                    for ((node, bounds), name) in nodes.zip(&layout.names) {
                        drawn(writer, node, bounds, name.as_ref())?;
                    }
                    let flows = layout.flows.iter().zip(&layout.labels);
                    for (index, (points, label)) in flows.enumerate() {
                        edge(writer, &flow_id(index), points, label.as_ref())?;
                    }
                    Ok(())
                })?;
            Ok(())
        })?;
    Ok(())
}

fn edge(writer: &mut Out, id: &str, points: &[Point], label: Option<&Bounds>) -> io::Result<()> {
    writer
        .create_element("bpmndi:BPMNEdge")
        .with_attributes([("id", format!("{id}_di").as_str()), ("bpmnElement", id)])
        .write_inner_content(|writer| {
            for (x, y) in points {
                writer
                    .create_element("di:waypoint")
                    .with_attributes([("x", x.to_string().as_str()), ("y", y.to_string().as_str())])
                    .write_empty()?;
            }
            written_at(writer, label)
        })?;
    Ok(())
}

fn drawn(writer: &mut Out, node: &Node, bounds: &Bounds, name: Option<&Bounds>) -> io::Result<()> {
    let mut head = writer.create_element("bpmndi:BPMNShape").with_attributes([
        ("id", format!("{}_di", node.id).as_str()),
        ("bpmnElement", node.id.as_str()),
    ]);
    if matches!(node.shape, Shape::Outcome | Shape::Choice) {
        head = head.with_attribute(("isMarkerVisible", "true"));
    }
    head.write_inner_content(|writer| {
        rectangle(writer, bounds)?;
        written_at(writer, name)
    })?;
    Ok(())
}

/// Where a name is written: tools put one without a place where it hides others.
fn written_at(writer: &mut Out, label: Option<&Bounds>) -> io::Result<()> {
    if let Some(bounds) = label {
        writer
            .create_element("bpmndi:BPMNLabel")
            .write_inner_content(|writer| rectangle(writer, bounds))?;
    }
    Ok(())
}

fn rectangle(writer: &mut Out, bounds: &Bounds) -> io::Result<()> {
    writer
        .create_element("dc:Bounds")
        .with_attributes([
            ("x", bounds.x.to_string().as_str()),
            ("y", bounds.y.to_string().as_str()),
            ("width", bounds.width.to_string().as_str()),
            ("height", bounds.height.to_string().as_str()),
        ])
        .write_empty()?;
    Ok(())
}
