//! Two wards with their police, two procedures of which one is linked, and the people.

use motcua_platform::{
    catalog::Catalog,
    identity::{Kinds, Principal},
    ledger::Authority,
    policy,
};
use motcua_proto::{
    r#type::v1::{
        Agency, AgencyKind, Calendar, Catalog as ProtoCatalog, Limit, OtherLimit, Procedure,
        RequiredPaper, Role, Session, limit::Kind,
    },
    workflow::v1::{
        Branch, CallStep, Definition as ProtoDefinition, ExternalCode, ExternalStep, ForkStep,
        JoinStep, Step, TaskStep, TimerStep, Transition, step::Kind as StepKind, timer_step::Wait,
    },
};
use motcua_workflow::domain::{Definition, Surround};

pub(super) const CATALOG: &str = "model";
pub(super) const WARDS: [&str; 2] = ["11593", "11407"];
pub(super) const PROCEDURES: [&str; 2] = ["1.000001", "2.000001"];
pub(super) const FEE_VND: i64 = 8_000;
/// Sessions of a working day, in minutes after midnight.
pub(super) const SESSIONS: [(i32, i32); 2] = [(7 * 60, 11 * 60 + 30), (13 * 60 + 30, 17 * 60)];

/// A fault that is planted in the catalog, to see that it is found.
pub(super) type Plant = fn(&mut ProtoCatalog);

pub(super) fn catalog(plant: Plant) -> Catalog {
    let mut catalog = proto_catalog();
    plant(&mut catalog);
    Catalog::parse(&catalog).unwrap()
}

pub(super) fn proto_catalog() -> ProtoCatalog {
    let agency = |code: String, kind: AgencyKind, identifier: String, parent: &str| Agency {
        title: format!("Đơn vị {code}"),
        code,
        kind: kind.into(),
        identifier,
        calendar: CATALOG.to_owned(),
        parent: parent.to_owned(),
        ..Agency::default()
    };
    let procedure = |code: &str, definition: &str, competent: AgencyKind| Procedure {
        code: code.to_owned(),
        title: format!("Thủ tục {code}"),
        field: "Hộ tịch".to_owned(),
        limit: Some(Limit {
            kind: Some(Kind::WorkingDayHalves(
                2 * i32::try_from(limit_days(code)).unwrap(),
            )),
        }),
        other_limits: if code == PROCEDURES[0] {
            vec![OtherLimit {
                id: VERIFIED.to_owned(),
                limit: Some(Limit {
                    kind: Some(Kind::WorkingDayHalves(
                        2 * i32::try_from(VERIFIED_DAYS).unwrap(),
                    )),
                }),
            }]
        } else {
            Vec::new()
        },
        fee_vnd: FEE_VND,
        fee_online_vnd: FEE_VND,
        definition: definition.to_owned(),
        retention_days: 365,
        competent: competent.into(),
        papers: vec![RequiredPaper {
            id: "to-khai".to_owned(),
            title: "Tờ khai".to_owned(),
            originals: 1,
            ..RequiredPaper::default()
        }],
        ..Procedure::default()
    };
    let sessions = (1..=5)
        .flat_map(|weekday| {
            SESSIONS.map(|(from_minute, to_minute)| Session {
                weekday,
                from_minute,
                to_minute,
                ..Session::default()
            })
        })
        .collect();
    let agencies = WARDS.into_iter().flat_map(|ward| {
        [
            agency(ward.to_owned(), AgencyKind::Ward, format!("H24.{ward}"), ""),
            agency(
                format!("{ward}-ca"),
                AgencyKind::Police,
                String::new(),
                ward,
            ),
        ]
    });
    ProtoCatalog {
        id: CATALOG.to_owned(),
        agencies: agencies.collect(),
        procedures: vec![
            procedure(PROCEDURES[0], "simple", AgencyKind::Ward),
            procedure(PROCEDURES[1], "linked", AgencyKind::Ward),
            procedure("1.000002", "residence", AgencyKind::Police),
        ],
        calendars: vec![Calendar {
            id: CATALOG.to_owned(),
            sessions,
            days: Vec::new(),
        }],
        applied_at: None,
    }
}

/// The limit that may be chosen of the first procedure, and its working days.
pub(super) const VERIFIED: &str = "verified";
pub(super) const VERIFIED_DAYS: usize = 5;

/// Working days of each procedure's limit.
pub(super) fn limit_days(procedure: &str) -> usize {
    match procedure {
        "1.000001" | "1.000002" => 3,
        "2.000001" => 8,
        other => panic!("no procedure '{other}'"),
    }
}

fn step(id: &str, kind: StepKind) -> Step {
    Step {
        id: id.to_owned(),
        kind: Some(kind),
    }
}

/// How often a signature may be refused for more work.
pub(super) const REWORKS: usize = 2;

fn task(id: &str, role: Role, transitions: &[(&str, &str)]) -> Step {
    step(
        id,
        StepKind::Task(TaskStep {
            title: format!("Bước {id}"),
            role: role.into(),
            planned_minutes: 120,
            transitions: transitions
                .iter()
                .map(|(outcome, to)| Transition {
                    outcome: (*outcome).to_owned(),
                    to: (*to).to_owned(),
                    at_most: if *outcome == "rework" {
                        i32::try_from(REWORKS).unwrap()
                    } else {
                        0
                    },
                })
                .collect(),
            ..TaskStep::default()
        }),
    )
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

pub(super) fn surround(plant: Plant) -> Surround {
    let surround = Surround::default();
    surround.catalogs.remember(catalog(plant), true);
    for definition in definitions() {
        let definition = Definition::parse(&definition).unwrap();
        surround.definitions.remember(definition);
    }
    surround
}

/// The called ones first.
pub(super) fn definitions() -> [ProtoDefinition; 3] {
    let appraised = |id| {
        definition(
            id,
            vec![
                task("appraise", Role::Officer, &[("done", "sign")]),
                task(
                    "sign",
                    Role::Leader,
                    &[("approved", ""), ("rejected", ""), ("rework", "appraise")],
                ),
            ],
        )
    };
    let branch = |to: &str| Branch {
        to: to.to_owned(),
        option: String::new(),
    };
    let linked = definition(
        "linked",
        vec![
            task("register", Role::Officer, &[("approved", "branches")]),
            step(
                "branches",
                StepKind::Fork(ForkStep {
                    branches: vec![branch("residence"), branch("benefit"), branch("card")],
                    join: "joined".to_owned(),
                }),
            ),
            step(
                "residence",
                StepKind::Call(CallStep {
                    procedure: "1.000002".to_owned(),
                    agency: AgencyKind::Police.into(),
                    to: "joined".to_owned(),
                    ..CallStep::default()
                }),
            ),
            escalated(task("benefit", Role::Officer, &[("done", "joined")])),
            step("card", StepKind::External(card("joined"))),
            step(
                "joined",
                StepKind::Join(JoinStep {
                    to: "pause".to_owned(),
                }),
            ),
            step(
                "pause",
                StepKind::Timer(TimerStep {
                    to: "issue".to_owned(),
                    wait: Some(Wait::WorkingMinutes(30)),
                }),
            ),
            task("issue", Role::Officer, &[("approved", "")]),
        ],
    );
    [appraised("simple"), appraised("residence"), linked]
}

/// The other system that cards are asked of.
pub(super) const INSURANCE: &str = "social-insurance";

fn card(to: &str) -> ExternalStep {
    let code = |code: &str, outcome: &str| ExternalCode {
        code: code.to_owned(),
        outcome: outcome.to_owned(),
    };
    ExternalStep {
        title: "Cấp thẻ".to_owned(),
        system: INSURANCE.to_owned(),
        planned_minutes: 120,
        transitions: vec![Transition {
            outcome: "issued".to_owned(),
            to: to.to_owned(),
            at_most: 0,
        }],
        // What is still on its way means no outcome.
        codes: vec![code("1", ""), code("5", "issued")],
        ..ExternalStep::default()
    }
}

fn escalated(mut step: Step) -> Step {
    if let Some(StepKind::Task(task)) = &mut step.kind {
        task.escalate_after_percent = 50;
    }
    step
}

/// Somebody of the staff.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) principal: Principal,
    pub(super) roles: Vec<Role>,
    pub(super) agencies: Vec<String>,
    pub(super) authority: Authority,
}

pub(super) fn person(id: String, roles: &[Role], agencies: &[String], method: &str) -> Person {
    let names: Vec<_> = agencies.iter().map(String::as_str).collect();
    let principal = Principal {
        kinds: Kinds::All,
        ..Principal::of(&id, roles, &names)
    };
    let admission = policy::judge(policy::of(method).unwrap(), Some(&principal), None).unwrap();
    Person {
        authority: Authority::of(&principal, &admission),
        principal,
        id,
        roles: roles.to_vec(),
        agencies: agencies.to_vec(),
    }
}

/// Who receives: in each ward two receptionists, one of whom leads too.
pub(super) fn receptionists() -> Vec<Person> {
    let method = "motcua.intake.v1.DossierService/AcceptDossier";
    let of_ward = |ward: &str| {
        let agencies = [ward.to_owned()];
        [
            person(
                format!("receptionist-{ward}-1"),
                &[Role::Receptionist],
                &agencies,
                method,
            ),
            person(
                format!("receptionist-{ward}-2"),
                &[Role::Receptionist, Role::Leader],
                &agencies,
                method,
            ),
        ]
    };
    WARDS.into_iter().flat_map(of_ward).collect()
}

/// Who receives and visits, with one who leads too: over the network, where each method asks for its role.
pub(super) fn counters() -> Vec<Person> {
    let method = "motcua.intake.v1.DossierService/AcceptDossier";
    let both = [Role::Receptionist, Role::HomeVisitor];
    let leads = [Role::Receptionist, Role::HomeVisitor, Role::Leader];
    let of_ward = |ward: &str| {
        let of = |number: u8, roles: &[Role]| {
            let id = format!("counter-{ward}-{number}");
            person(id, roles, &[ward.to_owned()], method)
        };
        [of(1, &both), of(2, &leads)]
    };
    WARDS.into_iter().flat_map(of_ward).collect()
}

/// Who works on cases: officers and leaders of the ward and of the police, and one who is both.
pub(super) fn workers() -> Vec<Person> {
    let method = "motcua.workflow.v1.TaskService/CompleteTask";
    let of_agency = |agency: String| {
        let of = |name: &str, roles: &[Role]| {
            let agencies = [agency.clone()];
            person(format!("{name}-{agency}"), roles, &agencies, method)
        };
        [
            of("officer", &[Role::Officer]),
            of("leader", &[Role::Leader]),
            of("both", &[Role::Officer, Role::Leader]),
        ]
    };
    WARDS
        .into_iter()
        .flat_map(|ward| [ward.to_owned(), format!("{ward}-ca")])
        .flat_map(of_agency)
        .chain([person(
            INSURANCE.to_owned(),
            &[Role::System],
            &WARDS.map(str::to_owned),
            "motcua.workflow.v1.TaskService/RecordExternalOutcome",
        )])
        .collect()
}
