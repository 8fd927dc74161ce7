//! A ward with its units, a few definitions, and one case: what the other tests play with.

use jiff::{Timestamp, civil::DateTime};
use motcua_platform::{
    catalog::{self, Catalog},
    error::{Error, Refusal},
    feed::kind_of,
    identity::Principal,
    ledger::{Authority, Context, Decision},
    policy,
    time::to_proto,
};
use motcua_proto::{
    events::v1::{Event, EventKind, event::Payload},
    r#type::v1::{
        Agency, AgencyKind, Calendar, Catalog as ProtoCatalog, Limit as ProtoLimit, OtherLimit,
        PriorityGround, Procedure, Role, SameDay, Session, limit::Kind as LimitKind,
    },
    workflow::v1::{
        Branch, CallStep, Definition as ProtoDefinition, ForkStep, JoinStep, Step, TaskStep,
        Transition, step::Kind,
    },
};

use crate::domain::{
    Case, Cause, Command, Definition, Due, Receipt, Surround, Words, answered, apply, decide,
    task_id,
};

pub(super) const WARD: &str = "11593";
pub(super) const POLICE: &str = "11593-ca";
pub(super) const INSURANCE: &str = "11593-bh";
pub(super) const CODE: &str = "H24.11593-250701-0001";

/// How often a way back may be taken in the definitions of these tests.
pub(super) const ROUNDS: i32 = 5;

/// A wall clock reading in Việt Nam.
pub(super) fn at(text: &str) -> Timestamp {
    motcua_calendar::instant(text.parse::<DateTime>().unwrap()).unwrap()
}

pub(super) fn task(id: &str, role: Role, minutes: i32, transitions: &[(&str, &str)]) -> Step {
    Step {
        id: id.into(),
        kind: Some(Kind::Task(TaskStep {
            title: format!("Bước {id}"),
            role: role.into(),
            agency: 0,
            planned_minutes: minutes,
            transitions: transitions
                .iter()
                .map(|(outcome, to)| Transition {
                    outcome: (*outcome).into(),
                    to: (*to).into(),
                    // What is called so leads back.
                    at_most: if matches!(*outcome, "rework" | "again") {
                        ROUNDS
                    } else {
                        0
                    },
                })
                .collect(),
            ..TaskStep::default()
        })),
    }
}

pub(super) fn fork(id: &str, branches: &[(&str, &str)], join: &str) -> Step {
    Step {
        id: id.into(),
        kind: Some(Kind::Fork(ForkStep {
            branches: branches
                .iter()
                .map(|(to, option)| Branch {
                    to: (*to).into(),
                    option: (*option).into(),
                })
                .collect(),
            join: join.into(),
        })),
    }
}

pub(super) fn join(id: &str, to: &str) -> Step {
    Step {
        id: id.into(),
        kind: Some(Kind::Join(JoinStep { to: to.into() })),
    }
}

pub(super) fn call(id: &str, procedure: &str, agency: AgencyKind, to: &str) -> Step {
    Step {
        id: id.into(),
        kind: Some(Kind::Call(CallStep {
            procedure: procedure.into(),
            agency: agency.into(),
            to: to.into(),
            ..CallStep::default()
        })),
    }
}

pub(super) fn definition(id: &str, start: &str, steps: Vec<Step>) -> ProtoDefinition {
    ProtoDefinition {
        id: id.into(),
        version: 1,
        title: "Quy trình".into(),
        start: start.into(),
        steps,
        ..ProtoDefinition::default()
    }
}

/// Appraise, sign; the leader may send it back.
pub(super) fn simple() -> ProtoDefinition {
    definition(
        "simple",
        "appraise",
        vec![
            task("appraise", Role::Officer, 180, &[("done", "sign")]),
            task(
                "sign",
                Role::Leader,
                120,
                &[("approved", ""), ("rejected", ""), ("rework", "appraise")],
            ),
        ],
    )
}

/// Two opinions at the same time, one of them by an option, then a signature; or everything once more.
pub(super) fn opinions() -> ProtoDefinition {
    definition(
        "opinions",
        "read",
        vec![
            task("read", Role::Officer, 60, &[("done", "ask")]),
            fork("ask", &[("land", ""), ("tax", "with_tax")], "meet"),
            task("land", Role::Officer, 100, &[("done", "land-check")]),
            task(
                "land-check",
                Role::Leader,
                40,
                &[("done", "meet"), ("rework", "land")],
            ),
            task("tax", Role::Officer, 60, &[("done", "meet")]),
            join("meet", "sign"),
            task(
                "sign",
                Role::Leader,
                60,
                &[("approved", ""), ("again", "ask")],
            ),
        ],
    )
}

/// Register; then residence and, where asked for, funeral costs; then issue.
pub(super) fn death() -> ProtoDefinition {
    definition(
        "death",
        "register",
        vec![
            task(
                "register",
                Role::Officer,
                120,
                &[("registered", "both"), ("rejected", "")],
            ),
            fork(
                "both",
                &[("residence", ""), ("funeral", "funeral_costs")],
                "meet",
            ),
            call("residence", "1.004222", AgencyKind::Police, "meet"),
            call("funeral", "1.001731", AgencyKind::SocialInsurance, "meet"),
            join("meet", "issue"),
            task("issue", Role::Leader, 60, &[("approved", "")]),
        ],
    )
}

/// A fork in a fork.
pub(super) fn nested() -> ProtoDefinition {
    definition(
        "nested",
        "begin",
        vec![
            task("begin", Role::Officer, 10, &[("done", "outer")]),
            fork("outer", &[("a", ""), ("b", "")], "outer-meet"),
            task("a", Role::Officer, 10, &[("done", "inner")]),
            fork("inner", &[("c", "x"), ("d", "y")], "inner-meet"),
            task("c", Role::Officer, 10, &[("done", "inner-meet")]),
            task("d", Role::Officer, 10, &[("done", "inner-meet")]),
            join("inner-meet", "e"),
            task(
                "e",
                Role::Officer,
                10,
                &[("done", "outer-meet"), ("again", "inner")],
            ),
            task("b", Role::Officer, 10, &[("done", "outer-meet")]),
            join("outer-meet", ""),
        ],
    )
}

/// A fork within a called definition.
pub(super) fn residence() -> ProtoDefinition {
    definition(
        "residence",
        "verify",
        vec![
            task(
                "verify",
                Role::Officer,
                240,
                &[("done", "two"), ("rejected", "")],
            ),
            fork("two", &[("book", ""), ("card", "")], "meet"),
            task("book", Role::Officer, 30, &[("done", "meet")]),
            task("card", Role::Officer, 30, &[("done", "meet")]),
            join("meet", "close"),
            task("close", Role::Leader, 30, &[("deleted", "")]),
        ],
    )
}

pub(super) fn agency(code: &str, kind: AgencyKind, parent: &str) -> Agency {
    Agency {
        code: code.into(),
        title: "Đơn vị".into(),
        kind: kind.into(),
        calendar: "hai-phong".into(),
        parent: parent.into(),
        ..Agency::default()
    }
}

fn procedure(code: &str, definition: &str, limit: LimitKind, competent: AgencyKind) -> Procedure {
    Procedure {
        code: code.into(),
        title: "Thủ tục".into(),
        field: "Hộ tịch".into(),
        limit: Some(ProtoLimit { kind: Some(limit) }),
        definition: definition.into(),
        competent: competent.into(),
        ..Procedure::default()
    }
}

pub(super) fn catalog() -> ProtoCatalog {
    let same_day = LimitKind::SameDay(SameDay { cutoff_minute: 900 });
    let days = |n: i32| LimitKind::WorkingDayHalves(2 * n);
    ProtoCatalog {
        id: "summer".into(),
        agencies: vec![
            agency(WARD, AgencyKind::Ward, ""),
            agency(POLICE, AgencyKind::Police, WARD),
            agency(INSURANCE, AgencyKind::SocialInsurance, WARD),
        ],
        procedures: vec![
            Procedure {
                other_limits: vec![OtherLimit {
                    id: "verified".into(),
                    limit: Some(ProtoLimit {
                        kind: Some(days(5)),
                    }),
                }],
                ..procedure("1.000001", "simple", days(3), AgencyKind::Ward)
            },
            procedure("1.000002", "opinions", days(5), AgencyKind::Ward),
            procedure("1.000003", "nested", same_day, AgencyKind::Ward),
            procedure("2.002622", "death", days(5), AgencyKind::Ward),
            Procedure {
                other_limits: vec![OtherLimit {
                    id: "verified".into(),
                    limit: Some(ProtoLimit {
                        kind: Some(days(5)),
                    }),
                }],
                ..procedure("1.004222", "residence", days(2), AgencyKind::Police)
            },
            procedure("1.001731", "simple", days(3), AgencyKind::SocialInsurance),
        ],
        calendars: vec![Calendar {
            id: "hai-phong".into(),
            sessions: (1..=5)
                .flat_map(|weekday| {
                    [(420, 690), (810, 1020)].map(|(from_minute, to_minute)| Session {
                        weekday,
                        from_minute,
                        to_minute,
                        ..Session::default()
                    })
                })
                .collect(),
            days: vec![],
        }],
        applied_at: None,
        effective_from: None,
    }
}

/// One case in one ward.
#[derive(Debug, Clone)]
pub(super) struct Office {
    pub(super) surround: Surround,
    pub(super) case: Option<Case>,
    pub(super) events: Vec<Event>,
    pub(super) now: Timestamp,
}

impl Office {
    /// Everything is in place, nothing has happened; Tuesday morning.
    pub(super) fn open() -> Self {
        let office = Self::empty();
        office.publish();
        office
    }

    /// Every definition is there from now on.
    pub(super) fn publish(&self) {
        for definition in [simple(), opinions(), death(), nested(), residence()] {
            self.surround
                .definitions
                .remember(Definition::parse(&definition).unwrap());
        }
    }

    /// A catalog without a single definition.
    pub(super) fn empty() -> Self {
        let surround = Surround::default();
        surround
            .catalogs
            .remember(Catalog::parse(&catalog()).unwrap(), true);
        Self {
            surround,
            case: None,
            events: Vec::new(),
            now: at("2025-07-01T08:00"),
        }
    }

    pub(super) fn receipt(&self, procedure: &str, options: &[&str]) -> Receipt {
        let catalog = self.surround.catalogs.in_force(self.now).unwrap();
        let entry = catalog.procedure(procedure).unwrap();
        let ward = catalog.agency(WARD).unwrap();
        let limit = catalog::limit(entry.limit.as_ref().unwrap()).unwrap();
        let due = catalog
            .calendar_of(ward)
            .unwrap()
            .due(self.now, &limit, motcua_calendar::DueHour::EndOfDay, &[])
            .unwrap();
        Receipt {
            procedure: procedure.into(),
            received_at: self.now,
            due: Due {
                at: due.at,
                judged_until: due.judged_until,
            },
            limit,
            catalog: catalog.id().to_owned(),
            definition: entry.definition.clone(),
            receiving_agency: WARD.into(),
            competent_agency: WARD.into(),
            priority: PriorityGround::Unspecified,
            options: options.iter().map(|option| (*option).into()).collect(),
            recused: Vec::new(),
            fee_vnd: 8_000,
            paid_vnd: 0,
        }
    }

    /// Intake accepts a dossier.
    pub(super) fn accepts(procedure: &str, options: &[&str]) -> Self {
        let mut office = Self::open();
        office.is_handed(procedure, options);
        office
    }

    /// Intake accepts a dossier here.
    pub(super) fn is_handed(&mut self, procedure: &str, options: &[&str]) {
        let receipt = Box::new(self.receipt(procedure, options));
        self.reacts(Command::Start {
            receipt,
            cause: cause(),
        });
    }

    /// What a command comes to; the state always equals the replay of all events.
    pub(super) fn asks(&mut self, who: &Authority, command: &Command) -> Result<Decision, Error> {
        let context = Context::new(self.now, CODE, who);
        let decision = decide(self.case.as_ref(), command, &context, &self.surround)?;
        for payload in &decision.events {
            let event = Event {
                kind: kind_of(payload).into(),
                name: format!("cases/{CODE}"),
                dossier: decision.subject.dossier.clone(),
                agency: decision.subject.agency.clone(),
                procedure: decision.subject.procedure.clone(),
                actor: Some(who.actor().clone()),
                occurred_at: Some(to_proto(self.now)),
                payload: Some(payload.clone()),
                ..Event::default()
            };
            self.case = apply(self.case.take(), &event);
            self.events.push(event);
        }
        Ok(decision)
    }

    pub(super) fn replayed(&self) -> Option<Case> {
        self.events.iter().fold(None, apply)
    }

    pub(super) fn reacts(&mut self, command: Command) -> Vec<EventKind> {
        let decision = self
            .asks(&Authority::of_service("workflow"), &command)
            .unwrap();
        decision.events.iter().map(kind_of).collect()
    }

    pub(super) fn case(&self) -> &Case {
        self.case.as_ref().unwrap()
    }

    /// Ids and steps of the tasks that wait, as `t1 appraise`.
    pub(super) fn waiting(&self) -> Vec<String> {
        self.case()
            .waiting()
            .map(|(id, task)| format!("{id} {}", task.step))
            .collect()
    }

    /// The waiting task of a step.
    pub(super) fn task(&self, step: &str) -> String {
        let index = self
            .case()
            .tasks
            .iter()
            .rposition(|task| task.step == step && task.is_waiting());
        task_id(
            index.unwrap_or_else(|| panic!("no task waits at {step}, but {:?}", self.waiting())),
        )
    }

    pub(super) fn completes(&mut self, step: &str, outcome: &str) -> Vec<EventKind> {
        let command = Command::Complete {
            reason: None,
            task: self.task(step),
            outcome: outcome.into(),
        };
        let who = self.whoever(&self.task(step));
        let decision = self.asks(&who, &command).unwrap();
        decision.events.iter().map(kind_of).collect()
    }

    /// The outcomes that a task still takes; none where there is no such task.
    pub(super) fn outcomes(&self, id: &str) -> Vec<String> {
        let case = answered(CODE, self.case()).fill(&self.surround.definitions);
        let name = format!("cases/{CODE}/tasks/{id}");
        case.tasks
            .into_iter()
            .find(|task| task.name == name)
            .map(|task| task.outcomes)
            .unwrap_or_default()
    }

    /// Somebody who may work on a task: the ward's first officer, or its first leader.
    pub(super) fn whoever(&self, task: &str) -> Authority {
        match self.case().task(task).map(|task| task.role) {
            Some(Role::Leader) => leader(1),
            _ => officer(1),
        }
    }

    pub(super) fn last(&self) -> &Payload {
        self.events.last().unwrap().payload.as_ref().unwrap()
    }
}

/// Somebody of the staff whom the contract lets work on tasks.
pub(super) fn staff(id: &str, roles: &[Role], agencies: &[&str]) -> Authority {
    let principal = Principal::of(id, roles, agencies);
    let complete = policy::of("motcua.workflow.v1.TaskService/CompleteTask").unwrap();
    Authority::of(
        &principal,
        &policy::judge(complete, Some(&principal), None).unwrap(),
    )
}

/// Another system that answers for the ward, with the groups that it belongs to.
pub(super) fn system(id: &str, groups: &[&str]) -> Authority {
    let principal = Principal {
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        ..Principal::of(id, &[Role::System], &[WARD])
    };
    let method = policy::of("motcua.workflow.v1.TaskService/RecordExternalOutcome").unwrap();
    Authority::of(
        &principal,
        &policy::judge(method, Some(&principal), None).unwrap(),
    )
}

/// Why something was refused.
#[track_caller]
pub(super) fn refused(result: Result<Decision, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("must be refused, and is {other:?}"),
    }
}

/// An officer who works for the ward and its units.
pub(super) fn officer(n: u32) -> Authority {
    let id = format!("officer-{WARD}-{n}");
    staff(&id, &[Role::Officer], &[WARD, POLICE, INSURANCE])
}

/// A leader likewise.
pub(super) fn leader(n: u32) -> Authority {
    let id = format!("leader-{WARD}-{n}");
    staff(&id, &[Role::Leader], &[WARD, POLICE, INSURANCE])
}

pub(super) fn cause() -> Cause {
    Cause {
        source: "intake",
        position: 7,
        kind: EventKind::DossierAccepted,
    }
}

/// Asks the applicant for what is missing, for the case itself.
pub(super) fn asks_for_supplement() -> Command {
    Command::RequestSupplement {
        branch: String::new(),
        missing: words(),
        reason: Words::default(),
        ground: words(),
    }
}

pub(super) fn words() -> Words {
    Words::from("thiếu giấy tờ".to_owned())
}
