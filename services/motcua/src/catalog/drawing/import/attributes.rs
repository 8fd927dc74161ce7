//! What the attributes of a drawing say: those of our own, those of BPMN, and those of other tools.

use roxmltree::Node;

use super::Reader;
use crate::catalog::drawing::{BPMN, MOTCUA};

/// How a file says of which type an element is.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The elements that are read. Of every other it is told that it is not kept, or not run: its attributes go with it.
const READ: &[&str] = &[
    "definitions",
    "collaboration",
    "participant",
    "process",
    "laneSet",
    "lane",
    "flowNodeRef",
    "startEvent",
    "endEvent",
    "task",
    "userTask",
    "manualTask",
    "serviceTask",
    "sendTask",
    "receiveTask",
    "callActivity",
    "exclusiveGateway",
    "parallelGateway",
    "inclusiveGateway",
    "intermediateCatchEvent",
    "timerEventDefinition",
    "timeDuration",
    "sequenceFlow",
    "conditionExpression",
    "incoming",
    "outgoing",
    "extensionElements",
];

const YES: &[&str] = &["true", "1"];
const NO: &[&str] = &["false", "0"];
const CEL: &[&str] = &["cel", "https://cel.dev"];
const XPATH: &[&str] = &["http://www.w3.org/1999/XPath"];
const XML_TYPES: &[&str] = &["http://www.w3.org/2001/XMLSchema"];

/// The attributes of our own that an element takes.
pub(super) fn taken(name: &str) -> &'static [&'static str] {
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

/// What an attribute of BPMN says.
enum Meaning {
    /// It is read, or says nothing of the work.
    Read,
    /// With another value than these the work would not run as it is drawn.
    Only(&'static [&'static str]),
    /// These values say what is so anyway. Another one is lost, and changes nothing.
    Usual(&'static [&'static str]),
}

/// What an attribute without a namespace says of an element that is read.
fn meaning(element: &str, attribute: &str) -> Meaning {
    let activity = matches!(element, "task" | "callActivity") || element.ends_with("Task");
    let gateway = element.ends_with("Gateway");
    let event = element.ends_with("Event");
    let node = activity || gateway || event;
    match (element, attribute) {
        (_, "id")
        | ("process" | "participant" | "lane" | "sequenceFlow", "name")
        | ("sequenceFlow", "sourceRef" | "targetRef")
        | ("callActivity", "calledElement")
        | ("participant", "processRef")
        | ("process", "isExecutable")
        | ("definitions", "targetNamespace" | "exporter" | "exporterVersion") => Meaning::Read,
        (_, "name" | "default") if node => Meaning::Read,
        (_, "gatewayDirection") if gateway => Meaning::Read,
        (_, "isForCompensation") if activity => Meaning::Only(NO),
        (_, "startQuantity" | "completionQuantity") if activity => Meaning::Only(&["1"]),
        ("startEvent", "isInterrupting") => Meaning::Only(YES),
        ("receiveTask", "instantiate") => Meaning::Only(NO),
        ("conditionExpression", "language") => Meaning::Only(CEL),
        (_, "parallelMultiple") if event => Meaning::Usual(NO),
        ("process" | "collaboration", "isClosed") => Meaning::Usual(NO),
        ("process", "processType") => Meaning::Usual(&["None", "Private"]),
        ("sequenceFlow", "isImmediate") => Meaning::Usual(YES),
        ("definitions", "expressionLanguage") => Meaning::Usual(XPATH),
        ("definitions", "typeLanguage") => Meaning::Usual(XML_TYPES),
        _ => Meaning::Usual(&[]),
    }
}

impl<'a, 'input> Reader<'a, 'input> {
    /// Every attribute of our own is one that its element takes; of others it is told where they are lost.
    pub(super) fn check_attributes(&mut self, root: Node<'a, 'input>) {
        for element in root.descendants().filter(Node::is_element) {
            let name = element.tag_name().name();
            let is_bpmn = element.tag_name().namespace() == Some(BPMN);
            let takes = if is_bpmn { taken(name) } else { &[] };
            let read = is_bpmn && READ.contains(&name);
            for attribute in element.attributes() {
                match attribute.namespace() {
                    Some(MOTCUA) => self.check_own(element, takes, attribute.name()),
                    None if read => {
                        self.check_plain(element, takes, attribute.name(), attribute.value());
                    }
                    Some(space) if read && space != INSTANCE => self.note(
                        element,
                        format!(
                            "its attribute {} is another tool's, and not kept",
                            attribute.name()
                        ),
                    ),
                    _ => {}
                }
            }
        }
    }

    fn check_own(&mut self, element: Node<'a, 'input>, takes: &[&str], attribute: &str) {
        if takes.contains(&attribute) {
            return;
        }
        let only = match takes {
            [] => "nor any other".to_owned(),
            takes => {
                let names = takes.iter().map(|name| format!("motcua:{name}"));
                format!("only {}", names.collect::<Vec<_>>().join(", "))
            }
        };
        self.fault(element, format!("does not take motcua:{attribute}, {only}"));
    }

    fn check_plain(
        &mut self,
        element: Node<'a, 'input>,
        takes: &[&str],
        attribute: &str,
        value: &str,
    ) {
        let value = value.trim();
        match meaning(element.tag_name().name(), attribute) {
            Meaning::Read => {}
            Meaning::Only(these) | Meaning::Usual(these) if these.contains(&value) => {}
            Meaning::Only(these) => {
                let only = these.first().copied().unwrap_or_default();
                self.fault(
                    element,
                    format!(
                        "its {attribute} '{value}' is outside what the engine runs: only '{only}' is"
                    ),
                );
            }
            // One of our own, whose work would run without it.
            Meaning::Usual(_) if takes.contains(&attribute) => self.fault(
                element,
                format!("its {attribute} is not read: write motcua:{attribute}"),
            ),
            Meaning::Usual(_) => {
                self.note(element, format!("its {attribute} '{value}' is not kept"));
            }
        }
    }
}
