//! What a drawing says where nothing reads it: told of, so that nobody believes that it counts.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::{
    Flow, Reader,
    words::{says_nothing, text_of},
};
use crate::catalog::drawing::{BPMN, MOTCUA};

/// The attributes of a code of another system.
const CODE: [&str; 4] = ["code", "outcome", "reason", "ground"];

/// The attributes of our own that an element takes.
fn taken(name: &str) -> &'static [&'static str] {
    match name {
        "process" => &["id", "dueSoon", "refusals"],
        "task" | "userTask" | "manualTask" => &[
            "id",
            "role",
            "agency",
            "minutes",
            "group",
            "when",
            "leftOutAs",
            "escalateAfterPercent",
        ],
        "serviceTask" | "sendTask" | "receiveTask" => {
            &["id", "system", "agency", "minutes", "escalateAfterPercent"]
        }
        "callActivity" => &["id", "agency", "limit", "otherLimits"],
        "exclusiveGateway" | "parallelGateway" | "inclusiveGateway" | "intermediateCatchEvent" => {
            &["id"]
        }
        "sequenceFlow" => &["outcome", "atMost"],
        _ => &[],
    }
}

impl<'a, 'input> Reader<'a, 'input> {
    /// Every attribute of our own is one that its element takes.
    pub(super) fn check_attributes(&mut self, root: Node<'a, 'input>) {
        for element in root.descendants().filter(Node::is_element) {
            let name = element.tag_name().name();
            let is_bpmn = element.tag_name().namespace() == Some(BPMN);
            let takes = if is_bpmn { taken(name) } else { &[] };
            for attribute in element.attributes() {
                let own = attribute.namespace() == Some(MOTCUA);
                if !own || takes.contains(&attribute.name()) {
                    continue;
                }
                let only = match takes {
                    [] => "nor any other".to_owned(),
                    takes => {
                        let names = takes.iter().map(|name| format!("motcua:{name}"));
                        format!("only {}", names.collect::<Vec<_>>().join(", "))
                    }
                };
                self.fault(
                    element,
                    format!("does not take motcua:{}, {only}", attribute.name()),
                );
            }
        }
    }

    /// What extends an element: the codes of another system's answers are ours, all else is another tool's.
    pub(super) fn check_extensions(&mut self, parent: Node<'a, 'input>) {
        let extended = parent.children().filter(Node::is_element);
        for extension in extended
            .filter(|child| child.has_tag_name((BPMN, "extensionElements")))
            .flat_map(|child| child.children())
            .filter(Node::is_element)
        {
            let of = parent.tag_name().name();
            let id = parent.attribute("id").unwrap_or(of);
            let takes_codes = matches!(of, "serviceTask" | "sendTask" | "receiveTask");
            match (
                extension.tag_name().namespace(),
                extension.tag_name().name(),
            ) {
                (Some(MOTCUA), "code") if takes_codes => self.check_code(extension, id),
                (Some(MOTCUA), "code") => {
                    self.fault(
                        extension,
                        format!("in '{id}' is not read: only service tasks have motcua:code"),
                    );
                }
                (Some(MOTCUA), _) => self.fault(
                    extension,
                    format!("in '{id}' is not known; service tasks have motcua:code"),
                ),
                _ => self.note(
                    extension,
                    format!("in '{id}' is another tool's, and not kept"),
                ),
            }
        }
    }

    /// A code says what it is, and nothing else.
    fn check_code(&mut self, code: Node<'a, 'input>, of: &str) {
        for attribute in code.attributes() {
            if !CODE.contains(&attribute.name()) {
                let (name, known) = (attribute.name(), CODE.join(", "));
                self.fault(
                    code,
                    format!("in '{of}' is not read with {name}: a motcua:code has {known}"),
                );
            }
        }
    }

    /// Attributes of other tools.
    pub(super) fn check_foreign(&mut self, element: Node<'a, 'input>) {
        for attribute in element.attributes() {
            if attribute.namespace().is_some_and(|space| space != MOTCUA) {
                self.note(
                    element,
                    format!(
                        "its attribute {} is another tool's, and not kept",
                        attribute.name()
                    ),
                );
            }
        }
    }

    /// An event waits once, for one time.
    pub(super) fn check_timer(&mut self, event: Node<'a, 'input>) {
        let timers: Vec<_> = event
            .children()
            .filter(|child| child.has_tag_name((BPMN, "timerEventDefinition")))
            .collect();
        let id = event.attribute("id").unwrap_or_default();
        if let Some(second) = timers.get(1) {
            self.fault(
                *second,
                format!("in '{id}' is a second one: an event waits for one timeDuration"),
            );
        }
        for timer in timers {
            self.check_extensions(timer);
            let parts: Vec<_> = timer.children().filter(Node::is_element).collect();
            let times = parts
                .iter()
                .filter(|part| part.tag_name().name().starts_with("time"));
            if let Some(second) = times.clone().nth(1) {
                self.fault(
                    *second,
                    format!("in '{id}' is a second time: an event waits for one timeDuration"),
                );
            }
            for part in parts {
                if part.tag_name().name() == "documentation" {
                    self.note(part, "is not kept");
                }
            }
        }
    }

    /// Ends say nothing to the engine, whatever they are called.
    pub(super) fn check_end(&mut self, end: Node<'a, 'input>) {
        let name = end.attribute("name").unwrap_or_default().trim();
        if !says_nothing(name) {
            self.note(end, format!("its name '{name}' is not kept"));
        }
    }

    pub(super) fn check_flows(&mut self) {
        let mut ids = BTreeSet::new();
        for flow in self.flows.clone() {
            for (end, name) in [(flow.from, "sourceRef"), (flow.to, "targetRef")] {
                if !self.nodes.contains_key(end) {
                    self.fault(flow.element, format!("its {name} '{end}' is not there"));
                }
            }
            let known = self.nodes.contains_key(flow.id) || !ids.insert(flow.id);
            if !flow.id.is_empty() && known {
                self.fault(flow.element, "has the id of another element");
            }
            self.check_condition(&flow);
            let own = flow
                .element
                .attributes()
                .find(|attribute| attribute.namespace() == Some(MOTCUA));
            if let Some(own) = own.filter(|own| taken("sequenceFlow").contains(&own.name()))
                && self.nodes.contains_key(flow.from)
                && !self.is_outcome(&flow)
            {
                self.fault(
                    flow.element,
                    format!(
                        "motcua:{} is not read here: it belongs to a flow that is a task's outcome",
                        own.name()
                    ),
                );
            }
        }
    }

    /// A condition is asked only where a gateway divides, and not of the flow that is taken where none is true.
    fn check_condition(&mut self, flow: &Flow<'a, 'input>) {
        let Some(from) = self.nodes.get(flow.from).copied() else {
            return;
        };
        if flow.condition.is_none() {
            return;
        }
        if self.outgoing(flow.from).len() < 2 {
            self.fault(
                flow.element,
                "has a condition, which belongs to a flow behind a gateway that divides",
            );
        } else if from.tag_name().name() == "exclusiveGateway"
            && from.attribute("default") == Some(flow.id)
        {
            self.fault(
                flow.element,
                "is the default, which is taken where no condition is true, and has none itself",
            );
        }
    }

    /// A default is a flow of an exclusive gateway with conditions.
    pub(super) fn check_defaults(&mut self) {
        for id in self.order.clone() {
            let Some(&node) = self.nodes.get(id) else {
                continue;
            };
            let Some(default) = node.attribute("default") else {
                continue;
            };
            let flows = self.outgoing(id);
            let chooses = node.tag_name().name() == "exclusiveGateway"
                && flows.len() >= 2
                && !self.decides_an_outcome(id);
            if !chooses {
                self.fault(
                    node,
                    format!(
                        "has the default '{default}', which belongs to an exclusive gateway with conditions"
                    ),
                );
            } else if default.is_empty() || flows.iter().all(|flow| flow.id != default) {
                self.fault(
                    node,
                    format!("its default '{default}' is none of its flows"),
                );
            }
        }
    }

    /// Lanes hold what is there, and each node once.
    pub(super) fn check_lane_ref(
        &mut self,
        process: Node<'a, 'input>,
        lane: Node<'a, 'input>,
        reference: Node<'a, 'input>,
    ) {
        let id = text_of(reference);
        let id = id.trim();
        let lane = lane.attribute("id").unwrap_or_default();
        let there = process
            .children()
            .filter(Node::is_element)
            .find_map(|child| child.attribute("id").filter(|known| *known == id));
        match there {
            None => self.fault(reference, format!("in lane '{lane}': '{id}' is not there")),
            Some(id) if self.lanes.contains_key(id) => self.fault(
                reference,
                format!("in lane '{lane}': '{id}' stands in another lane too"),
            ),
            Some(_) => {}
        }
    }
}
