//! What the engine does at each element: tasks, other systems, calls, waits, choices, forks and joins.

use std::collections::BTreeSet;

use motcua_proto::workflow::v1::{
    Branch, CallStep, ChoiceStep, ExternalCode, ExternalStep, ForkStep, JoinStep, TaskStep,
    TimerStep, Transition, Way, step::Kind, timer_step::Wait,
};
use roxmltree::Node;

use super::{
    Flow, Reader,
    words::{budget_in, is_id, joined, option_in, own, text_of, waited},
};
use crate::catalog::{
    drawing::{BPMN, MOTCUA, diagram::waits},
    words::{self, LIMITS},
};

impl<'a, 'input> Reader<'a, 'input> {
    /// What the engine does at an element; nothing at those that only lead on.
    pub(super) fn step(&mut self, element: Node<'a, 'input>, id: &'a str) -> Option<Kind> {
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
                self.check_name(element, procedure);
                let limit = own(element, "limit");
                let read = limit.and_then(words::limit);
                if let Some(text) = limit.filter(|_| read.is_none()) {
                    self.fault(
                        element,
                        format!("motcua:limit '{text}' is no limit; write {LIMITS}"),
                    );
                    return None;
                }
                let others = words::other_limits(own(element, "otherLimits").unwrap_or_default());
                let other_limits = others
                    .map_err(|message| {
                        self.fault(element, format!("motcua:otherLimits: {message}"))
                    })
                    .ok()?;
                Some(Kind::Call(CallStep {
                    procedure: procedure.to_owned(),
                    agency: self.agency(element, id)?.into(),
                    to,
                    limit: read,
                    other_limits,
                }))
            }
            "intermediateCatchEvent" => {
                let to = self.one_way(element, &flows)?;
                let wait = self.wait(element)?;
                self.check_name(element, &waits(wait));
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
    pub(super) fn decides_an_outcome(&self, id: &str) -> bool {
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

    /// Whether a flow is an outcome of a task: its only way out, or one behind the gateway that divides by it.
    pub(super) fn is_outcome(&self, flow: &Flow<'a, 'input>) -> bool {
        let Some(from) = self.nodes.get(flow.from) else {
            return false;
        };
        let divides = |id: &str| {
            let gateway = self.nodes.get(id).copied();
            gateway.is_some_and(|node| node.tag_name().name() == "exclusiveGateway")
                && self.outgoing(id).len() >= 2
                && self.decides_an_outcome(id)
        };
        match from.tag_name().name() {
            "exclusiveGateway" => divides(flow.from),
            "task" | "userTask" | "manualTask" | "serviceTask" | "sendTask" | "receiveTask" => {
                !divides(flow.to)
            }
            _ => false,
        }
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
        let said = own(flow.element, "outcome");
        // One that is none is not taken for another.
        let otherwise = otherwise.filter(|_| said.is_none());
        let named = said.or(flow.element.attribute("name"));
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
        let agency = self.optional_agency(element, id);
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
        let agency = self.optional_agency(element, id);
        let (title, planned_minutes) = self.titled(element);
        let system = own(element, "system");
        if system.is_none() {
            self.fault(
                element,
                "must name the system that it asks in motcua:system",
            );
        }
        let escalate_after_percent = self.count(element, "escalateAfterPercent");
        let codes = element
            .descendants()
            .filter(|child| child.has_tag_name((MOTCUA, "code")))
            .map(|code| {
                let said = |name| code.attribute(name).unwrap_or_default().to_owned();
                ExternalCode {
                    code: said("code"),
                    outcome: said("outcome"),
                    reason: said("reason"),
                    ground: said("ground"),
                }
            })
            .collect();
        Some(ExternalStep {
            title,
            system: system?.to_owned(),
            agency: agency?.into(),
            planned_minutes: planned_minutes?,
            transitions: transitions?,
            codes,
            escalate_after_percent: escalate_after_percent?,
        })
    }

    /// Title and budget: the latter from an attribute, or from the end of the name.
    fn titled(&mut self, element: Node<'a, 'input>) -> (String, Option<i32>) {
        let name = joined(element.attribute("name").unwrap_or_default());
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
            .map(text_of)
            .filter(|duration| !duration.is_empty());
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
