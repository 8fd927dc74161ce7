//! How the work on each procedure goes, as definitions. What that comes to is said once more in `path.rs`.

use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{
        Branch, CallStep, ChoiceStep, Definition as ProtoDefinition, ExternalCode, ExternalStep,
        ForkStep, JoinStep, Step, TaskStep, TimerStep, Transition, Way, step::Kind,
        timer_step::Wait,
    },
};
use motcua_workflow::domain::{Definition, Surround};

use super::setting::{self, Plant};

/// The other system that cards are asked of.
pub(super) const INSURANCE: &str = "social-insurance";
/// The group that verifies.
pub(super) const VERIFIERS: &str = "verifiers";
/// The outcome that refuses what was asked for.
pub(super) const REFUSAL: &str = "rejected";
/// How often a signature may be refused for more work.
pub(super) const REWORKS: usize = 2;

pub(super) fn surround(plant: Plant) -> Surround {
    let surround = Surround::default();
    surround.catalogs.remember(setting::catalog(plant), true);
    for definition in definitions() {
        let definition = Definition::parse(&definition).unwrap();
        surround.definitions.remember(definition);
    }
    surround
}

/// The called ones first.
pub(super) fn definitions() -> [ProtoDefinition; 4] {
    [
        appraised("simple"),
        appraised("residence"),
        refusing(linked()),
        checked(),
    ]
}

/// What is published later of two of them: the linked one without cards; the checked one with nobody's opinion, verified by
/// any officer, and with a seal.
pub(super) fn second_versions() -> [ProtoDefinition; 2] {
    let mut linked = linked();
    linked.steps.retain(|step| step.id != "card");
    for step in &mut linked.steps {
        if let Some(Kind::Fork(fork)) = &mut step.kind {
            fork.branches.retain(|branch| branch.to != "card");
        }
    }
    let mut checked = checked();
    checked.steps.retain(|step| step.id != "opinion");
    for step in &mut checked.steps {
        match &mut step.kind {
            Some(Kind::Choice(choice)) => choice.otherwise = "sign".to_owned(),
            Some(Kind::Task(task)) if step.id == "verify" => {
                task.group = String::new();
                task.transitions[0].to = "sign".to_owned();
            }
            Some(Kind::Task(task)) if step.id == "sign" => {
                task.transitions[0].to = "seal".to_owned();
            }
            _ => {}
        }
    }
    let seal = task("seal", Role::Officer, &[("approved", "")]);
    checked.steps.push(seal);
    [linked, checked].map(|definition| ProtoDefinition {
        version: 2,
        ..definition
    })
}

fn appraised(id: &str) -> ProtoDefinition {
    let ways = [("done", "sign"), (REFUSAL, "sign")];
    refusing(definition(
        id,
        vec![task("appraise", Role::Officer, &ways), signed("appraise")],
    ))
}

/// Who comes to that outcome says why.
fn refusing(definition: ProtoDefinition) -> ProtoDefinition {
    ProtoDefinition {
        refusals: vec![REFUSAL.to_owned()],
        ..definition
    }
}

fn linked() -> ProtoDefinition {
    let branch = |to: &str| Branch {
        to: to.to_owned(),
        option: String::new(),
    };
    definition(
        "linked",
        vec![
            task("register", Role::Officer, &[("approved", "branches")]),
            step(
                "branches",
                Kind::Fork(ForkStep {
                    branches: vec![branch("residence"), branch("benefit"), branch("card")],
                    join: "joined".to_owned(),
                }),
            ),
            step(
                "residence",
                Kind::Call(CallStep {
                    procedure: "1.000002".to_owned(),
                    agency: AgencyKind::Police.into(),
                    to: "joined".to_owned(),
                    ..CallStep::default()
                }),
            ),
            with(
                task("benefit", Role::Officer, &[("done", "joined")]),
                |task| task.escalate_after_percent = 50,
            ),
            step("card", Kind::External(card("joined"))),
            step(
                "joined",
                Kind::Join(JoinStep {
                    to: "pause".to_owned(),
                }),
            ),
            step(
                "pause",
                Kind::Timer(TimerStep {
                    to: "issue".to_owned(),
                    wait: Some(Wait::WorkingMinutes(30)),
                }),
            ),
            task("issue", Role::Officer, &[("approved", "")]),
        ],
    )
}

/// What is doubtful, or from abroad and not urgent, is verified; where heirs are named and nobody has verified, somebody gives
/// an opinion.
fn checked() -> ProtoDefinition {
    let choice = ChoiceStep {
        ways: vec![Way {
            when: r#"outcome.examine == "doubtful" || "abroad" in options && !priority"#.to_owned(),
            to: "verify".to_owned(),
        }],
        otherwise: "opinion".to_owned(),
    };
    refusing(definition(
        "checked",
        vec![
            task(
                "examine",
                Role::Officer,
                &[("clear", "way"), ("doubtful", "way")],
            ),
            step("way", Kind::Choice(choice)),
            with(
                task("verify", Role::Officer, &[("done", "opinion")]),
                |task| task.group = VERIFIERS.to_owned(),
            ),
            with(
                task("opinion", Role::Officer, &[("done", "sign")]),
                |task| {
                    task.when = r#""heirs" in options && times.verify == 0"#.to_owned();
                    task.left_out_as = "done".to_owned();
                },
            ),
            signed("examine"),
        ],
    ))
}

fn definition(id: &str, steps: Vec<Step>) -> ProtoDefinition {
    ProtoDefinition {
        id: id.to_owned(),
        version: 1,
        title: "Quy trình".to_owned(),
        start: steps[0].id.clone(),
        steps,
        ..ProtoDefinition::default()
    }
}

fn step(id: &str, kind: Kind) -> Step {
    Step {
        id: id.to_owned(),
        kind: Some(kind),
    }
}

fn task(id: &str, role: Role, transitions: &[(&str, &str)]) -> Step {
    let transition = |(outcome, to): &(&str, &str)| Transition {
        outcome: (*outcome).to_owned(),
        to: (*to).to_owned(),
        at_most: if *outcome == "rework" {
            i32::try_from(REWORKS).unwrap()
        } else {
            0
        },
    };
    let task = TaskStep {
        title: format!("Bước {id}"),
        role: role.into(),
        planned_minutes: 120,
        transitions: transitions.iter().map(transition).collect(),
        ..TaskStep::default()
    };
    step(id, Kind::Task(task))
}

/// A leader's signature, which may want more work.
fn signed(back_to: &str) -> Step {
    let transitions = [("approved", ""), (REFUSAL, ""), ("rework", back_to)];
    task("sign", Role::Leader, &transitions)
}

/// A task that differs a little.
fn with(mut step: Step, change: impl Fn(&mut TaskStep)) -> Step {
    if let Some(Kind::Task(task)) = &mut step.kind {
        change(task);
    }
    step
}

fn card(to: &str) -> ExternalStep {
    let code = |code: &str, outcome: &str| ExternalCode {
        code: code.to_owned(),
        outcome: outcome.to_owned(),
        ..ExternalCode::default()
    };
    ExternalStep {
        title: "Cấp thẻ".to_owned(),
        system: INSURANCE.to_owned(),
        planned_minutes: 120,
        transitions: ["issued", REFUSAL]
            .map(|outcome| Transition {
                outcome: outcome.to_owned(),
                to: to.to_owned(),
                at_most: 0,
            })
            .to_vec(),
        // What is still on its way means no outcome; of two that refuse one has its reason here.
        codes: vec![
            code("1", ""),
            code("5", "issued"),
            ExternalCode {
                reason: "Không đủ điều kiện".to_owned(),
                ground: "Luật".to_owned(),
                ..code("8", REFUSAL)
            },
            code("9", REFUSAL),
        ],
        escalate_after_percent: 50,
        ..ExternalStep::default()
    }
}
