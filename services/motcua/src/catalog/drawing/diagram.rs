//! A definition as a diagram of BPMN 2.0: nodes, and the flows between them.
//!
//! What a definition says in one step, BPMN says in two where a task has several outcomes: the task, and the gateway that
//! its outcome decides.

use motcua_proto::workflow::v1::{
    Definition, ExternalCode, Step, TaskStep, Transition, step::Kind, timer_step::Wait,
};

use super::super::words::{written_limit, written_limits};

/// Where every path begins, and where all of them end.
pub(super) const START: &str = "_start";
pub(super) const END: &str = "_end";

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// A start event.
    Start,
    /// An end event.
    End,
    /// A user task.
    Task(TaskStep),
    /// A service task: another system, its agency's kind, its budget in working minutes, after how many percent of it a leader is
    /// to know, and its codes.
    External {
        system: String,
        agency: i32,
        planned_minutes: i32,
        escalate_after_percent: i32,
        codes: Vec<ExternalCode>,
    },
    /// An exclusive gateway that a task's outcome decides.
    Outcome,
    /// An exclusive gateway with conditions.
    Choice,
    /// A parallel gateway, or an inclusive one where branches have options.
    Fork { inclusive: bool },
    /// The gateway where they meet.
    Join { inclusive: bool },
    /// A call activity: the procedure, its agency's kind, and limits of its own as they are written.
    Call {
        procedure: String,
        agency: i32,
        limit: String,
        other_limits: String,
    },
    /// A catching timer event.
    Timer(Wait),
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Its id in the diagram.
    pub(super) id: String,
    /// The step's id, where it differs.
    pub(super) step: Option<String>,
    pub(super) shape: Shape,
    pub(super) label: String,
}

/// What a flow carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Flow {
    pub(super) from: String,
    pub(super) to: String,
    /// The outcome that takes it.
    pub(super) outcome: String,
    /// How often it may be taken; 0 where it leads on.
    pub(super) at_most: i32,
    /// Its condition.
    pub(super) condition: String,
    /// The option that a branch asks for.
    pub(super) option: String,
    /// The way where no condition is true.
    pub(super) default: bool,
}

impl Flow {
    /// What is written beside it.
    pub(super) fn label(&self) -> String {
        let words = [&self.outcome, &self.condition, &self.option];
        let said = words.into_iter().find(|word| !word.is_empty());
        let said = said.cloned().unwrap_or_default();
        if self.at_most > 0 {
            format!("{said} (≤ {})", self.at_most)
        } else {
            said
        }
    }
}

/// Nodes and flows, the nodes in the order of the definition.
#[derive(Debug)]
pub(super) struct Diagram {
    pub(super) nodes: Vec<Node>,
    pub(super) flows: Vec<Flow>,
}

/// The id of a step's node: a name of XML begins with a letter, and those that begin with `_` are ours.
pub(super) fn node_id(step: &str) -> String {
    if step.starts_with(|first: char| first.is_ascii_alphabetic()) {
        step.to_owned()
    } else {
        format!("_s_{step}")
    }
}

fn target(step: &str) -> String {
    if step.is_empty() {
        END.to_owned()
    } else {
        node_id(step)
    }
}

impl Diagram {
    pub(super) fn of(definition: &Definition) -> Self {
        let mut diagram = Self {
            nodes: Vec::new(),
            flows: Vec::new(),
        };
        diagram.push(START.to_owned(), None, Shape::Start, "");
        diagram.flow(START, &definition.start, |_| {});
        for step in &definition.steps {
            diagram.step(definition, step);
        }
        diagram.push(END.to_owned(), None, Shape::End, "");
        diagram
    }

    fn push(&mut self, id: String, step: Option<String>, shape: Shape, label: &str) {
        let label = label.to_owned();
        self.nodes.push(Node {
            id,
            step,
            shape,
            label,
        });
    }

    fn flow(&mut self, from: &str, to: &str, change: impl FnOnce(&mut Flow)) {
        let mut flow = Flow {
            from: from.to_owned(),
            to: target(to),
            ..Flow::default()
        };
        change(&mut flow);
        self.flows.push(flow);
    }

    fn step(&mut self, definition: &Definition, step: &Step) {
        let id = node_id(&step.id);
        let own = (id != step.id).then(|| step.id.clone());
        match &step.kind {
            Some(Kind::Task(task)) => {
                self.push(id.clone(), own, Shape::Task(task.clone()), &task.title);
                self.transitions(&id, &task.transitions);
            }
            Some(Kind::External(external)) => {
                let shape = Shape::External {
                    system: external.system.clone(),
                    agency: external.agency,
                    planned_minutes: external.planned_minutes,
                    escalate_after_percent: external.escalate_after_percent,
                    codes: external.codes.clone(),
                };
                self.push(id.clone(), own, shape, &external.title);
                self.transitions(&id, &external.transitions);
            }
            Some(Kind::Choice(choice)) => {
                self.push(id.clone(), own, Shape::Choice, "");
                for way in &choice.ways {
                    self.flow(&id, &way.to, |flow| flow.condition.clone_from(&way.when));
                }
                self.flow(&id, &choice.otherwise, |flow| flow.default = true);
            }
            Some(Kind::Fork(fork)) => {
                let inclusive = fork.branches.iter().any(|branch| !branch.option.is_empty());
                self.push(id.clone(), own, Shape::Fork { inclusive }, "");
                for branch in &fork.branches {
                    self.flow(&id, &branch.to, |flow| {
                        flow.option.clone_from(&branch.option)
                    });
                }
            }
            Some(Kind::Join(join)) => {
                let inclusive = definition.steps.iter().any(|other| match &other.kind {
                    Some(Kind::Fork(fork)) => {
                        fork.join == step.id
                            && fork.branches.iter().any(|branch| !branch.option.is_empty())
                    }
                    _ => false,
                });
                self.push(id.clone(), own, Shape::Join { inclusive }, "");
                self.flow(&id, &join.to, |_| {});
            }
            Some(Kind::Call(call)) => {
                let shape = Shape::Call {
                    procedure: call.procedure.clone(),
                    agency: call.agency,
                    limit: written_limit(call.limit.as_ref()),
                    other_limits: written_limits(&call.other_limits),
                };
                self.push(id.clone(), own, shape, &call.procedure);
                self.flow(&id, &call.to, |_| {});
            }
            Some(Kind::Timer(timer)) => {
                if let Some(wait) = timer.wait {
                    self.push(id.clone(), own, Shape::Timer(wait), &waits(wait));
                    self.flow(&id, &timer.to, |_| {});
                }
            }
            None => {}
        }
    }

    fn transitions(&mut self, task: &str, transitions: &[Transition]) {
        let from = if let [_] = transitions {
            task.to_owned()
        } else {
            let gateway = format!("_{task}_outcome");
            self.push(gateway.clone(), None, Shape::Outcome, "");
            self.flows.push(Flow {
                from: task.to_owned(),
                to: gateway.clone(),
                ..Flow::default()
            });
            gateway
        };
        for way in transitions {
            self.flow(&from, &way.to, |flow| {
                flow.outcome.clone_from(&way.outcome);
                flow.at_most = way.at_most;
            });
        }
    }
}

/// A wait, for people to read.
pub(super) fn waits(wait: Wait) -> String {
    match wait {
        Wait::CalendarDays(days) => format!("{days} ngày"),
        Wait::WorkingMinutes(minutes) if minutes % 60 == 0 => {
            format!("{} giờ làm việc", minutes / 60)
        }
        Wait::WorkingMinutes(minutes) => format!("{minutes} phút làm việc"),
    }
}
