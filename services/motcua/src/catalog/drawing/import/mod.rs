//! A BPMN 2.0 file as a definition.
//!
//! The subset that the engine runs is read; whatever is outside it is a fault with the element's id; whatever only
//! decorates is told of as not kept. Roles may stand in lanes and budgets at the end of a task's name ("Thẩm định (2 giờ)"),
//! so that a plain drawing tool is enough.

mod attributes;
mod checks;
mod lanes;
mod pools;
mod steps;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use motcua_proto::workflow::v1::{Definition, Step};
use roxmltree::{Document, Node};

use self::words::{own, text_of};
use super::{
    super::fault::{Fault, Faults, Place, Places},
    BPMN,
};

/// A definition, and what of the drawing it does not hold.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) definition: Definition,
    /// What only decorates, and is not kept.
    pub(crate) notes: Vec<Fault>,
}

/// Where the text of an element means nothing to the engine.
const DECORATION: &[&str] = &[
    "documentation",
    "extensionElements",
    "laneSet",
    "textAnnotation",
    "association",
    "group",
    "category",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "ioSpecification",
    "property",
    "auditing",
    "monitoring",
    "incoming",
    "outgoing",
    "dataInputAssociation",
    "dataOutputAssociation",
];
/// Decoration that is told of: its author may miss it.
const TOLD: &[&str] = &[
    "documentation",
    "textAnnotation",
    "association",
    "group",
    "category",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "ioSpecification",
    "property",
    "auditing",
    "monitoring",
    "dataInputAssociation",
    "dataOutputAssociation",
];

/// Decoration that stands beside a process.
const ASIDE: &[&str] = &["itemDefinition", "dataStore", "category", "import"];
/// How a drawing looks.
const INTERCHANGE: &str = "http://www.omg.org/spec/BPMN/20100524/DI";

/// Reads it. `file` is how faults call it.
///
/// # Errors
/// Everything that is outside the subset or wrong, each with its line and its element.
pub(crate) fn bpmn(file: &str, text: &str) -> Result<Imported, Faults> {
    let mut faults = Faults::default();
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let line = usize::try_from(error.pos().row).unwrap_or_default();
            faults.push(Place::line(file, line).fault(format!("is no XML: {error}")));
            return faults.finish(Imported {
                definition: Definition::default(),
                notes: Vec::new(),
            });
        }
    };
    let root = document.root_element();
    let mut reader = Reader {
        file,
        document: &document,
        faults,
        notes: Vec::new(),
        nodes: BTreeMap::new(),
        order: Vec::new(),
        flows: Vec::new(),
        lanes: BTreeMap::new(),
        places: Places::default(),
    };
    let definition = reader.definitions(root);
    let Reader {
        mut faults,
        mut notes,
        places,
        ..
    } = reader;
    let definition = definition.unwrap_or_default();
    if faults.len() == 0
        && let Err(violations) = motcua_workflow::domain::Definition::parse(&definition)
    {
        let whole = Place::file(file);
        for violation in &violations {
            let place = places.find(&violation.field).unwrap_or(&whole);
            // An element stands for a whole step: which part of it is meant is said too.
            let message = match violation.field.rsplit_once("].") {
                Some((_, part)) => {
                    let part = part.split_once('.').map_or(part, |(_, part)| part);
                    format!("{part}: {}", violation.description)
                }
                None => violation.description.clone(),
            };
            faults.push(place.fault(message));
        }
    }
    notes.sort();
    faults.finish(Imported { definition, notes })
}

/// A sequence flow.
#[derive(Debug, Clone)]
struct Flow<'a, 'input> {
    element: Node<'a, 'input>,
    id: &'a str,
    from: &'a str,
    to: &'a str,
    /// Its condition, where it has one.
    condition: Option<String>,
}

struct Reader<'a, 'input> {
    file: &'a str,
    document: &'a Document<'input>,
    faults: Faults,
    notes: Vec<Fault>,
    nodes: BTreeMap<&'a str, Node<'a, 'input>>,
    /// Ids of the nodes, as they stand in the file.
    order: Vec<&'a str>,
    flows: Vec<Flow<'a, 'input>>,
    /// The lane that each node stands in, by its name.
    lanes: BTreeMap<String, &'a str>,
    places: Places,
}

impl<'a, 'input> Reader<'a, 'input> {
    /// Where an element stands: its line, and its name with its id.
    fn place(&self, element: Node<'_, '_>) -> Place {
        let row = self.document.text_pos_at(element.range().start).row;
        let name = element.tag_name().name();
        let label = match element.attribute("id") {
            Some(id) => format!("{name} {id}"),
            None => name.to_owned(),
        };
        Place::line(self.file, usize::try_from(row).unwrap_or_default()).column(&label)
    }

    fn fault(&mut self, element: Node<'_, '_>, message: impl Into<String>) {
        let fault = self.place(element).fault(message);
        self.faults.push(fault);
    }

    fn note(&mut self, element: Node<'_, '_>, message: impl Into<String>) {
        let note = self.place(element).fault(message);
        self.notes.push(note);
    }

    fn definitions(&mut self, root: Node<'a, 'input>) -> Option<Definition> {
        if !root.has_tag_name((BPMN, "definitions")) {
            self.fault(root, "must be the definitions of a BPMN 2.0 file");
            return None;
        }
        let (mut processes, mut collaborations) = (Vec::new(), Vec::new());
        for child in root.children().filter(Node::is_element) {
            match (child.tag_name().namespace(), child.tag_name().name()) {
                (Some(BPMN), "process") => processes.push(child),
                (Some(BPMN), "collaboration") => {
                    self.note(child, "is not kept: a definition is one agency's process");
                    collaborations.push(child);
                }
                (Some(BPMN), name @ ("message" | "signal" | "error" | "escalation")) => {
                    self.note(child, format!("is not kept: no {name} is sent or awaited"));
                }
                (Some(BPMN), name) if TOLD.contains(&name) || ASIDE.contains(&name) => {
                    self.note(child, "is not kept");
                }
                (Some(BPMN), name) if !DECORATION.contains(&name) => {
                    self.fault(child, "is outside what the engine runs");
                }
                (Some(BPMN | INTERCHANGE), _) => {}
                _ => self.note(child, "is not kept: it is not of BPMN 2.0"),
            }
        }
        self.check_attributes(root);
        self.check_extensions(root);
        match processes.as_slice() {
            [process] => {
                let pool = self.pool(&collaborations, *process);
                self.process(*process, pool)
            }
            [] => {
                self.fault(root, "has no process");
                None
            }
            [_, second, ..] => {
                self.fault(*second, "is a second process: one file is one definition");
                None
            }
        }
    }

    fn process(
        &mut self,
        process: Node<'a, 'input>,
        pool: Option<Node<'a, 'input>>,
    ) -> Option<Definition> {
        for child in process.children().filter(Node::is_element) {
            self.child(process, child);
        }
        self.check_extensions(process);
        self.check_flows();
        self.check_defaults();
        let id = own(process, "id").or(process.attribute("id"));
        let id = id.unwrap_or_default();
        let (title, named) = self.title(process, pool);
        let mut definition = Definition {
            id: id.to_owned(),
            title: title.to_owned(),
            ..Definition::default()
        };
        let place = self.place(process);
        let label = format!("process {id} id");
        self.places
            .put("definition.id", place.clone().column(&label));
        let label = if named == process {
            format!("process {id} name")
        } else {
            format!(
                "participant {} name",
                named.attribute("id").unwrap_or_default()
            )
        };
        let title_place = self.place(named).column(&label);
        self.places.put("definition.title", title_place);
        self.places.put("definition", place);
        if let Some(percents) = own(process, "dueSoon") {
            for percent in percents.split_whitespace() {
                match percent.parse() {
                    Ok(percent) => definition.due_soon_percents.push(percent),
                    Err(_) => self.fault(process, "motcua:dueSoon must be numbers"),
                }
            }
        }
        if let Some(refusals) = own(process, "refusals") {
            let refusals = refusals.split_whitespace();
            definition.refusals = refusals.map(str::to_owned).collect();
        }
        definition.start = self.start(process).unwrap_or_default();
        for id in self.order.clone() {
            let Some(&element) = self.nodes.get(id) else {
                continue;
            };
            if let Some(kind) = self.step(element, id) {
                let path = format!("definition.steps[{}]", definition.steps.len());
                let place = self.place(element);
                self.places.put(path, place);
                definition.steps.push(Step {
                    id: self.step_id(id),
                    kind: Some(kind),
                });
            }
        }
        Some(definition)
    }

    /// One child of the process: a node, a flow, decoration, or a fault.
    fn child(&mut self, process: Node<'a, 'input>, child: Node<'a, 'input>) {
        if child.tag_name().namespace() != Some(BPMN) {
            self.note(child, "is not kept: it is not of BPMN 2.0");
            return;
        }
        let id = child.attribute("id").unwrap_or_default();
        match child.tag_name().name() {
            "startEvent"
            | "endEvent"
            | "task"
            | "userTask"
            | "manualTask"
            | "serviceTask"
            | "sendTask"
            | "receiveTask"
            | "exclusiveGateway"
            | "parallelGateway"
            | "inclusiveGateway"
            | "callActivity"
            | "intermediateCatchEvent" => {
                self.check_node(child);
                if id.is_empty() {
                    self.fault(child, "has no id");
                } else if self.nodes.insert(id, child).is_some() {
                    self.fault(child, "has the id of another element");
                } else {
                    self.order.push(id);
                }
            }
            "sequenceFlow" => self.flow(child, id),
            "laneSet" => self.lanes_of(process, child),
            name if DECORATION.contains(&name) => {
                if TOLD.contains(&name) {
                    self.note(child, "is not kept");
                }
            }
            _ => self.fault(child, "is outside what the engine runs"),
        }
    }

    /// What stands in a node, or beside it in other tools' words.
    fn check_node(&mut self, node: Node<'a, 'input>) {
        for child in node.children().filter(Node::is_element) {
            let name = child.tag_name().name();
            match name {
                "timerEventDefinition" if node.tag_name().name() == "intermediateCatchEvent" => {}
                _ if TOLD.contains(&name) => self.note(child, "is not kept"),
                _ if DECORATION.contains(&name) => {}
                _ => {
                    let id = node.attribute("id").unwrap_or_default();
                    self.fault(child, format!("in '{id}' is outside what the engine runs"));
                }
            }
        }
        self.check_extensions(node);
        match node.tag_name().name() {
            "intermediateCatchEvent" => self.check_timer(node),
            "startEvent" | "endEvent" | "exclusiveGateway" | "parallelGateway"
            | "inclusiveGateway" => self.check_name(node, ""),
            _ => {}
        }
    }

    fn flow(&mut self, element: Node<'a, 'input>, id: &'a str) {
        self.check_extensions(element);
        let mut condition = None;
        for child in element.children().filter(Node::is_element) {
            match child.tag_name().name() {
                "conditionExpression" if condition.is_none() => {
                    self.check_text(child);
                    let text = text_of(child).trim().to_owned();
                    condition = Some(text).filter(|text| !text.is_empty());
                }
                name if TOLD.contains(&name) => self.note(child, "is not kept"),
                name if DECORATION.contains(&name) => {}
                _ => self.fault(child, format!("in '{id}' is outside what the engine runs")),
            }
        }
        self.flows.push(Flow {
            element,
            id,
            from: element.attribute("sourceRef").unwrap_or_default(),
            to: element.attribute("targetRef").unwrap_or_default(),
            condition,
        });
    }

    fn outgoing(&self, id: &str) -> Vec<Flow<'a, 'input>> {
        let flows = self.flows.iter();
        flows.filter(|flow| flow.from == id).cloned().collect()
    }

    fn incoming(&self, id: &str) -> usize {
        self.flows.iter().filter(|flow| flow.to == id).count()
    }

    /// The step that an element is.
    fn step_id(&self, id: &str) -> String {
        let named = self.nodes.get(id).and_then(|node| own(*node, "id"));
        named.unwrap_or(id).to_owned()
    }

    /// Where a flow leads: over gateways that only bring paths together, to a step, or to the end.
    fn target(&mut self, flow: &Flow<'a, 'input>) -> String {
        let mut seen = BTreeSet::new();
        let mut at = flow.to;
        while let Some(&node) = self.nodes.get(at) {
            if node.tag_name().name() == "endEvent" {
                return String::new();
            }
            let onward = self.outgoing(at);
            let merges = node.tag_name().name() == "exclusiveGateway" && onward.len() == 1;
            match onward.first() {
                Some(next) if merges => {
                    if !seen.insert(at) {
                        self.fault(node, "leads back to itself, without any work between");
                        break;
                    }
                    at = next.to;
                }
                _ => break,
            }
        }
        self.step_id(at)
    }

    fn start(&mut self, process: Node<'a, 'input>) -> Option<String> {
        let starts: Vec<_> = self
            .order
            .iter()
            .filter_map(|id| Some((*id, *self.nodes.get(id)?)))
            .filter(|(_, node)| node.tag_name().name() == "startEvent")
            .collect();
        let [(id, _)] = starts.as_slice() else {
            let element = starts.get(1).map_or(process, |(_, second)| *second);
            self.fault(element, "a process has one start event");
            return None;
        };
        let flows = self.outgoing(id);
        let [flow] = flows.as_slice() else {
            let element = starts.first().map_or(process, |(_, start)| *start);
            self.fault(element, "must lead to one step");
            return None;
        };
        let start = self.target(flow);
        let place = self.place(flow.element);
        self.places.put("definition.start", place);
        Some(start)
    }
}
