//! Who works: the lanes, and the roles and agencies that elements say themselves.

use motcua_proto::r#type::v1::{AgencyKind, Role};
use roxmltree::Node;

use super::{
    Reader,
    words::{lane_agency, lane_role, own, text_of},
};
use crate::catalog::{
    drawing::BPMN,
    words::{AGENCIES, ROLES, agency_of, agency_word, role_of, role_word},
};

/// What a word for a role means: ours, or what people call a lane.
fn role_in(word: &str) -> Option<Role> {
    role_of(word.trim()).or_else(|| lane_role(word))
}

impl<'a, 'input> Reader<'a, 'input> {
    pub(super) fn lanes_of(&mut self, process: Node<'a, 'input>, set: Node<'a, 'input>) {
        self.check_extensions(set);
        for lane in set.children().filter(Node::is_element) {
            if !lane.has_tag_name((BPMN, "lane")) {
                if lane.tag_name().name() != "extensionElements" {
                    self.note(lane, "is not kept");
                }
                continue;
            }
            self.check_extensions(lane);
            let name = lane.attribute("name").unwrap_or_default();
            let known = role_in(name).is_some() || lane_agency(name).is_some();
            if !known && !name.trim().is_empty() {
                self.note(
                    lane,
                    format!(
                        "its name '{}' is not kept: it is no role and no agency",
                        name.trim()
                    ),
                );
            }
            for child in lane.children().filter(Node::is_element) {
                match child.tag_name().name() {
                    "flowNodeRef" => {
                        self.check_lane_ref(process, lane, child);
                        self.lanes.insert(text_of(child).trim().to_owned(), name);
                    }
                    "documentation" => {
                        let id = lane.attribute("id").unwrap_or_default();
                        self.note(child, format!("in lane '{id}' is not kept"));
                    }
                    "extensionElements" => {}
                    _ => self.fault(child, "in a lane is outside what the engine runs"),
                }
            }
        }
    }

    /// Lanes hold what is there, and each node once.
    fn check_lane_ref(
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

    /// A role of its own, or its lane's. Where both say one, they say the same.
    pub(super) fn role(&mut self, element: Node<'a, 'input>, id: &str) -> Option<Role> {
        let lane = self.lanes.get(id).copied();
        let word = own(element, "role");
        let role = word.or(lane).and_then(role_in);
        let Some(role) = role else {
            self.fault(
                element,
                format!("must have a role, in motcua:role or as the name of its lane: {ROLES}"),
            );
            return None;
        };
        let lane = lane.unwrap_or_default();
        if let Some(other) = role_in(lane).filter(|other| *other != role) {
            self.fault(
                element,
                format!(
                    "its lane '{}' is of the role {}, and motcua:role says {}",
                    lane.trim(),
                    role_word(other),
                    role_word(role)
                ),
            );
        }
        Some(role)
    }

    /// The agency of a task: the case's own, unless it says another.
    pub(super) fn optional_agency(
        &mut self,
        element: Node<'a, 'input>,
        id: &str,
    ) -> Option<AgencyKind> {
        if own(element, "agency").is_some() {
            return self.agency(element, id);
        }
        self.check_lane_agency(element, id, AgencyKind::Unspecified);
        Some(AgencyKind::Unspecified)
    }

    /// The agency that an element says.
    pub(super) fn agency(&mut self, element: Node<'a, 'input>, id: &str) -> Option<AgencyKind> {
        let Some(agency) = own(element, "agency").and_then(agency_of) else {
            self.fault(
                element,
                format!("must have its agency in motcua:agency: {AGENCIES}"),
            );
            return None;
        };
        self.check_lane_agency(element, id, agency);
        Some(agency)
    }

    /// A lane of another agency than its element's would leave the work with somebody whom nobody drew.
    fn check_lane_agency(&mut self, element: Node<'a, 'input>, id: &str, agency: AgencyKind) {
        let lane = self.lanes.get(id).copied().unwrap_or_default();
        let Some(other) = lane_agency(lane).filter(|other| *other != agency) else {
            return;
        };
        let (lane, other) = (lane.trim(), agency_word(other));
        let message = if agency == AgencyKind::Unspecified {
            format!(
                "its lane '{lane}' is of another agency, whose work is a callActivity, or a task with motcua:agency=\"{other}\""
            )
        } else {
            format!(
                "its lane '{lane}' is of the agency {other}, and motcua:agency says {}",
                agency_word(agency)
            )
        };
        self.fault(element, message);
    }
}
