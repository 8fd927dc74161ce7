//! A BPMN 2.0 file as a definition.
//!
//! The subset that the engine runs is read; whatever is outside it is a fault with the element's id; whatever only
//! decorates is told of as not kept. Roles may stand in lanes and budgets at the end of a task's name ("Thẩm định (2 giờ)"),
//! so that a plain drawing tool is enough.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Span;
use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{
        Branch, CallStep, ChoiceStep, Definition, ExternalCode, ExternalStep, ForkStep, JoinStep,
        Step, TaskStep, TimerStep, Transition, Way, step::Kind, timer_step::Wait,
    },
};
use roxmltree::{Document, Node};

use super::{
    super::{
        fault::{Fault, Faults, Place, Places},
        words::{AGENCIES, ROLES, agency_of, role_of},
    },
    BPMN, MOTCUA,
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
    "group",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "ioSpecification",
    "dataInputAssociation",
    "dataOutputAssociation",
];

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
        notes,
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
    lanes: BTreeMap<&'a str, &'a str>,
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
        let mut processes = Vec::new();
        for child in root.children().filter(Node::is_element) {
            match (child.tag_name().namespace(), child.tag_name().name()) {
                (Some(BPMN), "process") => processes.push(child),
                (Some(BPMN), "collaboration") => {
                    self.note(child, "is not kept: a definition is one agency's process");
                }
                (Some(BPMN), name @ ("message" | "signal" | "error" | "escalation")) => {
                    self.note(child, format!("is not kept: no {name} is sent or awaited"));
                }
                (Some(BPMN), name) if !DECORATION.contains(&name) => {
                    self.fault(child, "is outside what the engine runs");
                }
                _ => {}
            }
        }
        match processes.as_slice() {
            [process] => self.process(*process),
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

    fn process(&mut self, process: Node<'a, 'input>) -> Option<Definition> {
        for child in process.children().filter(Node::is_element) {
            self.child(child);
        }
        self.check_flows();
        let id = own(process, "id").or(process.attribute("id"));
        let mut definition = Definition {
            id: id.unwrap_or_default().to_owned(),
            title: process
                .attribute("name")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            ..Definition::default()
        };
        let place = self.place(process);
        for (field, attribute) in [("definition.id", "id"), ("definition.title", "name")] {
            let label = format!("process {} {attribute}", definition.id);
            self.places.put(field, place.clone().column(&label));
        }
        self.places.put("definition", place);
        if let Some(percents) = own(process, "dueSoon") {
            for percent in percents.split_whitespace() {
                match percent.parse() {
                    Ok(percent) => definition.due_soon_percents.push(percent),
                    Err(_) => self.fault(process, "motcua:dueSoon must be numbers"),
                }
            }
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
    fn child(&mut self, child: Node<'a, 'input>) {
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
            "laneSet" => self.lanes_of(child),
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
        for attribute in node.attributes() {
            if attribute.namespace().is_some_and(|space| space != MOTCUA) {
                self.note(
                    node,
                    format!(
                        "its attribute {} is another tool's, and not kept",
                        attribute.name()
                    ),
                );
            }
        }
    }

    fn lanes_of(&mut self, set: Node<'a, 'input>) {
        for lane in set
            .children()
            .filter(|child| child.has_tag_name((BPMN, "lane")))
        {
            let name = lane.attribute("name").unwrap_or_default();
            for child in lane.children().filter(Node::is_element) {
                match child.tag_name().name() {
                    "flowNodeRef" => {
                        if let Some(node) = child.text() {
                            self.lanes.insert(node.trim(), name);
                        }
                    }
                    _ => self.fault(child, "in a lane is outside what the engine runs"),
                }
            }
        }
    }

    fn flow(&mut self, element: Node<'a, 'input>, id: &'a str) {
        let condition = element
            .children()
            .find(|child| child.has_tag_name((BPMN, "conditionExpression")))
            .and_then(|condition| condition.text())
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        self.flows.push(Flow {
            element,
            id,
            from: element.attribute("sourceRef").unwrap_or_default(),
            to: element.attribute("targetRef").unwrap_or_default(),
            condition,
        });
    }

    fn check_flows(&mut self) {
        for flow in self.flows.clone() {
            for (end, name) in [(flow.from, "sourceRef"), (flow.to, "targetRef")] {
                if !self.nodes.contains_key(end) {
                    self.fault(flow.element, format!("its {name} '{end}' is not there"));
                }
            }
        }
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

    /// What the engine does at an element; nothing at those that only lead on.
    fn step(&mut self, element: Node<'a, 'input>, id: &'a str) -> Option<Kind> {
        let flows = self.outgoing(id);
        let (ways_in, ways_out) = (self.incoming(id), flows.len());
        match element.tag_name().name() {
            "task" | "userTask" | "manualTask" => self.task(element, id).map(Kind::Task),
            "serviceTask" | "sendTask" | "receiveTask" => {
                self.external(element, id).map(Kind::External)
            }
            "callActivity" => {
                let to = self.one_way(element, &flows)?;
                let Some(procedure) = element.attribute("calledElement") else {
                    self.fault(element, "must name the procedure as calledElement");
                    return None;
                };
                Some(Kind::Call(CallStep {
                    procedure: procedure.to_owned(),
                    agency: self.agency(element)?.into(),
                    to,
                }))
            }
            "intermediateCatchEvent" => {
                let to = self.one_way(element, &flows)?;
                let wait = self.wait(element)?;
                Some(Kind::Timer(TimerStep {
                    to,
                    wait: Some(wait),
                }))
            }
            "parallelGateway" | "inclusiveGateway" if ways_out >= 2 && ways_in >= 2 => {
                self.fault(element, "joins and divides at once: draw two gateways");
                None
            }
            name @ ("parallelGateway" | "inclusiveGateway") if ways_out >= 2 => self
                .fork(element, &flows, name == "inclusiveGateway")
                .map(Kind::Fork),
            "parallelGateway" | "inclusiveGateway" => {
                if ways_in < 2 {
                    self.fault(element, "neither joins nor divides");
                    return None;
                }
                let to = self.one_way(element, &flows)?;
                Some(Kind::Join(JoinStep { to }))
            }
            "exclusiveGateway" if ways_out >= 2 && !self.decides_an_outcome(id) => {
                self.choice(element, &flows).map(Kind::Choice)
            }
            "exclusiveGateway" if ways_out == 0 => {
                self.fault(element, "leads nowhere: lead it to an end event");
                None
            }
            "endEvent" if ways_out > 0 => {
                self.fault(element, "an end event leads nowhere");
                None
            }
            _ => None,
        }
    }

    fn one_way(&mut self, element: Node<'a, 'input>, flows: &[Flow<'a, 'input>]) -> Option<String> {
        match flows {
            [flow] => Some(self.target(flow)),
            [] => {
                self.fault(element, "leads nowhere: lead it to an end event");
                None
            }
            _ => {
                self.fault(
                    element,
                    "leads to several elements: put a gateway behind it",
                );
                None
            }
        }
    }

    /// Whether a gateway divides by the outcome of the task before it: one task leads to it, and its flows have outcomes in
    /// place of conditions.
    fn decides_an_outcome(&self, id: &str) -> bool {
        let before: Vec<_> = self.flows.iter().filter(|flow| flow.to == id).collect();
        let [flow] = before.as_slice() else {
            return false;
        };
        let is_task = self.nodes.get(flow.from).is_some_and(|node| {
            matches!(
                node.tag_name().name(),
                "task" | "userTask" | "manualTask" | "serviceTask" | "sendTask" | "receiveTask"
            )
        });
        is_task
            && self
                .outgoing(id)
                .iter()
                .all(|flow| flow.condition.is_none())
    }

    fn transitions(&mut self, element: Node<'a, 'input>, id: &'a str) -> Option<Vec<Transition>> {
        let flows = self.outgoing(id);
        let [flow] = flows.as_slice() else {
            self.one_way(element, &flows);
            return None;
        };
        let behind = self.nodes.get(flow.to).copied();
        let decides = behind.is_some_and(|node| {
            node.tag_name().name() == "exclusiveGateway" && self.outgoing(flow.to).len() >= 2
        }) && self.decides_an_outcome(flow.to);
        if decides {
            let ways = self.outgoing(flow.to);
            return ways.iter().map(|way| self.transition(way, None)).collect();
        }
        self.transition(flow, Some("done")).map(|way| vec![way])
    }

    fn transition(
        &mut self,
        flow: &Flow<'a, 'input>,
        otherwise: Option<&str>,
    ) -> Option<Transition> {
        let named = own(flow.element, "outcome").or(flow.element.attribute("name"));
        let outcome = named
            .map(str::trim)
            .filter(|name| is_id(name))
            .or(otherwise);
        let Some(outcome) = outcome else {
            self.fault(
                flow.element,
                "must have its outcome as its name, or in motcua:outcome: letters, digits, . - and _",
            );
            return None;
        };
        let outcome = outcome.to_owned();
        let at_most = self.count(flow.element, "atMost")?;
        Some(Transition {
            outcome,
            to: self.target(flow),
            at_most,
        })
    }

    fn task(&mut self, element: Node<'a, 'input>, id: &'a str) -> Option<TaskStep> {
        let transitions = self.transitions(element, id);
        let role = self.role(element, id);
        let agency = self.optional_agency(element);
        let (title, planned_minutes) = self.titled(element);
        let escalate_after_percent = self.count(element, "escalateAfterPercent");
        let word = |name| own(element, name).unwrap_or_default().to_owned();
        Some(TaskStep {
            title,
            role: role?.into(),
            agency: agency?.into(),
            planned_minutes: planned_minutes?,
            transitions: transitions?,
            group: word("group"),
            when: word("when"),
            left_out_as: word("leftOutAs"),
            escalate_after_percent: escalate_after_percent?,
        })
    }

    fn external(&mut self, element: Node<'a, 'input>, id: &'a str) -> Option<ExternalStep> {
        let transitions = self.transitions(element, id);
        let agency = self.optional_agency(element);
        let (title, planned_minutes) = self.titled(element);
        let system = own(element, "system");
        if system.is_none() {
            self.fault(
                element,
                "must name the system that it asks in motcua:system",
            );
        }
        let codes = element
            .descendants()
            .filter(|child| child.has_tag_name((MOTCUA, "code")))
            .map(|code| ExternalCode {
                code: code.attribute("code").unwrap_or_default().to_owned(),
                outcome: code.attribute("outcome").unwrap_or_default().to_owned(),
            })
            .collect();
        Some(ExternalStep {
            title,
            system: system?.to_owned(),
            agency: agency?.into(),
            planned_minutes: planned_minutes?,
            transitions: transitions?,
            codes,
        })
    }

    /// A role of its own, or its lane's.
    fn role(&mut self, element: Node<'a, 'input>, id: &str) -> Option<Role> {
        let lane = self.lanes.get(id).copied();
        let word = own(element, "role").or(lane);
        let role = word.and_then(|word| role_of(word.trim()).or_else(|| lane_role(word)));
        if role.is_none() {
            self.fault(
                element,
                format!("must have a role, in motcua:role or as the name of its lane: {ROLES}"),
            );
        }
        role
    }

    fn optional_agency(&mut self, element: Node<'a, 'input>) -> Option<AgencyKind> {
        match own(element, "agency") {
            None => Some(AgencyKind::Unspecified),
            Some(_) => self.agency(element),
        }
    }

    fn agency(&mut self, element: Node<'a, 'input>) -> Option<AgencyKind> {
        let agency = own(element, "agency").and_then(agency_of);
        if agency.is_none() {
            self.fault(
                element,
                format!("must have its agency in motcua:agency: {AGENCIES}"),
            );
        }
        agency
    }

    /// Title and budget: the latter from an attribute, or from the end of the name.
    fn titled(&mut self, element: Node<'a, 'input>) -> (String, Option<i32>) {
        let name = element.attribute("name").unwrap_or_default();
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(minutes) = own(element, "minutes") {
            let minutes = minutes.trim().parse().ok();
            if minutes.is_none() {
                self.fault(element, "motcua:minutes must be a whole number");
            }
            return (name, minutes);
        }
        if let Some((title, minutes)) = budget_in(&name) {
            return (title.to_owned(), Some(minutes));
        }
        self.fault(
            element,
            "must have a budget, in motcua:minutes or at the end of its name: (2 giờ), (30 phút), (1 ngày)",
        );
        (name, None)
    }

    fn count(&mut self, element: Node<'a, 'input>, name: &str) -> Option<i32> {
        let Some(word) = own(element, name) else {
            return Some(0);
        };
        let count = word.trim().parse().ok();
        if count.is_none() {
            self.fault(element, format!("motcua:{name} must be a whole number"));
        }
        count
    }

    fn wait(&mut self, element: Node<'a, 'input>) -> Option<Wait> {
        let duration = element
            .descendants()
            .find(|child| child.has_tag_name((BPMN, "timeDuration")))
            .and_then(|duration| duration.text());
        let Some(duration) = duration else {
            let waits_for_time = element
                .children()
                .any(|child| child.has_tag_name((BPMN, "timerEventDefinition")));
            let waits_for_else = element
                .children()
                .any(|child| child.tag_name().name().ends_with("EventDefinition"));
            // What waits for anything else is told of already.
            if waits_for_time || !waits_for_else {
                self.fault(element, "must wait for a timeDuration");
            }
            return None;
        };
        let wait = duration.trim().parse().ok().and_then(waited);
        if wait.is_none() {
            self.fault(
                element,
                format!(
                    "'{}' must be days (P3D) or working hours and minutes (PT4H30M)",
                    duration.trim()
                ),
            );
        }
        wait
    }

    fn choice(
        &mut self,
        element: Node<'a, 'input>,
        flows: &[Flow<'a, 'input>],
    ) -> Option<ChoiceStep> {
        let default = element.attribute("default");
        let (mut ways, mut others) = (Vec::new(), Vec::new());
        for flow in flows {
            let to = self.target(flow);
            match &flow.condition {
                Some(condition) if default != Some(flow.id) => ways.push(Way {
                    when: condition.clone(),
                    to,
                }),
                _ => others.push(to),
            }
        }
        let [otherwise] = others.as_slice() else {
            self.fault(
                element,
                "must have a condition on every flow but one, which is taken where none is true",
            );
            return None;
        };
        Some(ChoiceStep {
            ways,
            otherwise: otherwise.clone(),
        })
    }

    fn fork(
        &mut self,
        element: Node<'a, 'input>,
        flows: &[Flow<'a, 'input>],
        inclusive: bool,
    ) -> Option<ForkStep> {
        let mut branches = Vec::new();
        for flow in flows {
            let option = match (&flow.condition, inclusive) {
                (None, _) => String::new(),
                (Some(condition), true) => option_in(condition).map_or_else(
                    || {
                        self.fault(
                            flow.element,
                            "a branch asks for an option: \"option\" in options",
                        );
                        String::new()
                    },
                    str::to_owned,
                ),
                (Some(_), false) => {
                    self.fault(flow.element, "a parallel branch has no condition");
                    String::new()
                }
            };
            branches.push(Branch {
                to: self.target(flow),
                option,
            });
        }
        let joins: BTreeSet<_> = flows
            .iter()
            .filter_map(|flow| self.join_of(flow.to))
            .collect();
        let mut joins = joins.into_iter();
        match (joins.next(), joins.next()) {
            (Some(join), None) => Some(ForkStep {
                branches,
                join: self.step_id(join),
            }),
            (None, _) => {
                self.fault(element, "its branches never meet in one gateway");
                None
            }
            (Some(one), Some(other)) => {
                self.fault(
                    element,
                    format!("its branches meet in different gateways, '{one}' and '{other}'"),
                );
                None
            }
        }
    }

    /// The gateway where a branch meets the others: the first on its way that joins more than the branch itself divided.
    fn join_of(&self, first: &'a str) -> Option<&'a str> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![(first, 0_usize)];
        while let Some((id, depth)) = waiting.pop() {
            if !seen.insert((id, depth)) || depth > self.nodes.len() {
                continue;
            }
            let ways_out = self.outgoing(id);
            let name = self.nodes.get(id).map(|node| node.tag_name().name());
            let meets = matches!(name, Some("parallelGateway" | "inclusiveGateway"));
            let depth = match (meets, ways_out.len()) {
                (true, 2..) if self.incoming(id) < 2 => depth + 1,
                (true, _) if depth == 0 => return Some(id),
                (true, _) => depth - 1,
                (false, _) => depth,
            };
            waiting.extend(ways_out.iter().map(|flow| (flow.to, depth)));
        }
        None
    }
}

/// An attribute of our own namespace.
fn own<'a>(element: Node<'a, '_>, name: &str) -> Option<&'a str> {
    element.attribute((MOTCUA, name))
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// What people call a lane.
fn lane_role(name: &str) -> Option<Role> {
    let name = name.trim().to_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    if starts(&["lãnh đạo", "chủ tịch", "trưởng"]) {
        Some(Role::Leader)
    } else if starts(&["một cửa", "tiếp nhận", "bộ phận tiếp nhận"]) {
        Some(Role::Receptionist)
    } else if starts(&["chuyên viên", "công chức", "cán bộ"]) {
        Some(Role::Officer)
    } else if starts(&["tại nhà", "tổ lưu động"]) {
        Some(Role::HomeVisitor)
    } else {
        None
    }
}

/// A budget at the end of a name: title and working minutes.
fn budget_in(name: &str) -> Option<(&str, i32)> {
    let (title, budget) = name.strip_suffix(')')?.rsplit_once('(')?;
    let (number, unit) = budget.trim().split_once(' ')?;
    let minutes = match unit.trim() {
        "phút" => 1.0,
        "giờ" | "giờ làm việc" => 60.0,
        "ngày" | "ngày làm việc" => 480.0,
        _ => return None,
    };
    let minutes = number.replace(',', ".").parse::<f64>().ok()? * minutes;
    super::super::definition::whole(minutes).map(|minutes| (title.trim(), minutes))
}

/// Days of the calendar, or working time.
fn waited(span: Span) -> Option<Wait> {
    let days = span.get_weeks() * 7 + span.get_days();
    let minutes = span.get_hours() * 60 + i32::try_from(span.get_minutes()).ok()?;
    let rest = span.get_years() != 0 || span.get_months() != 0 || span.get_seconds() != 0;
    match (days, minutes) {
        _ if rest => None,
        (1.., 0) => Some(Wait::CalendarDays(days)),
        (0, 1..) => Some(Wait::WorkingMinutes(minutes)),
        _ => None,
    }
}

/// The option that `"option" in options` asks for.
fn option_in(condition: &str) -> Option<&str> {
    let quoted = condition.strip_suffix("in options")?.trim();
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .or_else(|| {
            quoted
                .strip_prefix('\'')
                .and_then(|rest| rest.strip_suffix('\''))
        })?;
    is_id(inner).then_some(inner)
}
