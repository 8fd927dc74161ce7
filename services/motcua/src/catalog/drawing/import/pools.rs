//! What is drawn around a process: its pool, and the pools and messages of others.

use roxmltree::Node;

use super::Reader;
use crate::catalog::drawing::BPMN;

impl<'a, 'input> Reader<'a, 'input> {
    /// The pool that a process is drawn in. Whatever else stands beside it is told of.
    pub(super) fn pool(
        &mut self,
        collaborations: &[Node<'a, 'input>],
        process: Node<'a, 'input>,
    ) -> Option<Node<'a, 'input>> {
        let mut pool = None;
        for collaboration in collaborations {
            self.check_extensions(*collaboration);
            for child in collaboration.children().filter(Node::is_element) {
                let is_bpmn = child.tag_name().namespace() == Some(BPMN);
                match child.tag_name().name() {
                    _ if !is_bpmn => self.note(child, "is not kept: it is not of BPMN 2.0"),
                    "extensionElements" => {}
                    "participant" if pool.is_none() && is_pool_of(child, process) => {
                        self.check_pool(child);
                        pool = Some(child);
                    }
                    "participant" => {
                        self.note(child, "is not kept: a definition is one agency's process");
                    }
                    "messageFlow" => {
                        self.note(child, "is not kept: no message is sent or awaited");
                    }
                    _ => self.note(child, "is not kept"),
                }
            }
        }
        pool
    }

    /// What stands in the pool of the process itself.
    fn check_pool(&mut self, pool: Node<'a, 'input>) {
        self.check_extensions(pool);
        let id = pool.attribute("id").unwrap_or_default();
        for child in pool.children().filter(Node::is_element) {
            if child.tag_name().name() != "extensionElements" {
                self.note(child, format!("in '{id}' is not kept"));
            }
        }
    }

    /// The definition's title, and the element whose name it is: the process, or its pool where the process has none.
    pub(super) fn title(
        &mut self,
        process: Node<'a, 'input>,
        pool: Option<Node<'a, 'input>>,
    ) -> (&'a str, Node<'a, 'input>) {
        let name = name_of(process);
        let Some(pool) = pool else {
            return (name, process);
        };
        let drawn = name_of(pool);
        if name.is_empty() && !drawn.is_empty() {
            return (drawn, pool);
        }
        if !drawn.is_empty() && drawn != name {
            self.note(
                pool,
                format!("its name '{drawn}' is not kept: the process has its own"),
            );
        }
        (name, process)
    }
}

fn name_of<'a>(element: Node<'a, '_>) -> &'a str {
    element.attribute("name").unwrap_or_default().trim()
}

/// Whether a participant is the pool of a process: what it refers to may stand behind a prefix.
fn is_pool_of(participant: Node<'_, '_>, process: Node<'_, '_>) -> bool {
    let reference = participant.attribute("processRef").unwrap_or_default();
    let reference = reference.rsplit(':').next().unwrap_or_default().trim();
    !reference.is_empty() && process.attribute("id") == Some(reference)
}
