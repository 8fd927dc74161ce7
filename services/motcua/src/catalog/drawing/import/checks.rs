//! What a drawing says where nothing reads it: told of, so that nobody believes that it counts.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::{
    Flow, Reader,
    attributes::taken,
    words::{is_id, joined, option_in, own, says_nothing},
};
use crate::catalog::drawing::{BPMN, MOTCUA, diagram};

/// The attributes of a code of another system.
const CODE: [&str; 4] = ["code", "outcome", "reason", "ground"];

impl<'a, 'input> Reader<'a, 'input> {
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
                let name = part.tag_name().name();
                if name.starts_with("time") {
                    self.check_text(part);
                } else if name != "extensionElements" {
                    self.note(part, "is not kept");
                }
            }
        }
    }

    /// Of an element that is read as text, that text is read.
    pub(super) fn check_text(&mut self, element: Node<'a, 'input>) {
        self.check_extensions(element);
        let of = element.tag_name().name();
        for part in element.children().filter(Node::is_element) {
            if part.tag_name().name() != "extensionElements" {
                self.note(part, format!("in a {of} is not kept"));
            }
        }
    }

    /// A name that says no more than what is read of its element already is not missed; any other is told of.
    pub(super) fn check_name(&mut self, element: Node<'a, 'input>, said: &str) {
        let name = joined(element.attribute("name").unwrap_or_default());
        let known = says_nothing(element.tag_name().name(), &name) || name == joined(said);
        if !known {
            self.note(element, format!("its name '{name}' is not kept"));
        }
    }

    /// A flow is called by its outcome or its condition, as in what we draw. What else its name says is told of.
    fn check_flow_name(&mut self, flow: &Flow<'a, 'input>) {
        let name = joined(flow.element.attribute("name").unwrap_or_default());
        let known = if !self.is_outcome(flow) {
            flow.condition.as_deref().is_some_and(|condition| {
                name == joined(condition) || option_in(condition) == Some(name.as_str())
            })
        } else if let Some(outcome) = own(flow.element, "outcome") {
            let at_most = own(flow.element, "atMost");
            let drawn = diagram::Flow {
                outcome: outcome.trim().to_owned(),
                at_most: at_most
                    .and_then(|count| count.trim().parse::<i32>().ok())
                    .unwrap_or_default(),
                ..diagram::Flow::default()
            };
            name == drawn.outcome || name == drawn.label()
        } else {
            is_id(&name)
        };
        if !name.is_empty() && !known {
            self.note(flow.element, format!("its name '{name}' is not kept"));
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
            self.check_flow_name(&flow);
            let ours = flow
                .element
                .attributes()
                .find(|attribute| attribute.namespace() == Some(MOTCUA));
            if let Some(ours) = ours.filter(|ours| taken("sequenceFlow").contains(&ours.name()))
                && self.nodes.contains_key(flow.from)
                && !self.is_outcome(&flow)
            {
                self.fault(
                    flow.element,
                    format!(
                        "motcua:{} is not read here: it belongs to a flow that is a task's outcome",
                        ours.name()
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
}
