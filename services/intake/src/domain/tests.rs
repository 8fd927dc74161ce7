//! The law, as tests: a ward, what is asked of its dossiers, and what comes of it.

mod asked;
mod at_work;
mod correction;
#[path = "../../../../tests/support/days.rs"]
mod days;
mod documents;
mod examples;
mod hand_over;
mod helped;
mod originals;
mod others;
mod payments;
mod plain;
mod replay;
mod sessions;
mod succession;
mod table;
mod time;
mod transfer;
mod walk;

use std::sync::Arc;

use jiff::Timestamp;
use motcua_platform::{
    catalog::Catalog,
    error::Error,
    feed::kind_of,
    ledger::{Context, Decision},
    scope::Scope,
    statement::Statement,
    time::{from_proto_opt, to_proto},
    vault::Newcomer,
};
use motcua_proto::{
    events::v1::{Event, EventKind, event::Payload},
    google::r#type::Date,
    intake::v1::{Applicant, StatementKind},
    r#type::v1::{
        Actor, Agency, AgencyKind, Calendar, CalendarDay, CalendarDayKind, Catalog as ProtoCatalog,
        Channel, DocumentKind, DossierStatus, HandOverMethod, Limit, PriorityGround, Procedure,
        Recipient, Role, SameDay, Session, limit::Kind,
    },
};

use super::{
    command::{Command, Helping, Met, NewPayment, Receiver, Submission},
    decide::{Known, decide},
    dossier::Dossier,
    fees::Units,
    follow::{Change, News},
    words::Words,
};

/// A ward with its police: death registration on the same day, the linked procedure in three working days.
pub(crate) fn catalog() -> Catalog {
    Catalog::parse(&proto_catalog()).unwrap()
}

pub(crate) fn proto_catalog() -> ProtoCatalog {
    let agency = |code: &str, kind: AgencyKind, identifier: &str, parent: &str| Agency {
        code: code.to_owned(),
        title: format!("Đơn vị {code}"),
        kind: kind.into(),
        identifier: identifier.to_owned(),
        calendar: "test".to_owned(),
        parent: parent.to_owned(),
        due_hour: 0,
        ..Agency::default()
    };
    let procedure = |code: &str, kind: Kind, options: &[&str]| Procedure {
        code: code.to_owned(),
        title: format!("Thủ tục {code}"),
        field: "Hộ tịch".to_owned(),
        limit: Some(Limit { kind: Some(kind) }),
        fee_vnd: 8_000,
        fee_online_vnd: 0,
        fee_unit: String::new(),
        definition: "registration".to_owned(),
        retention_days: 365,
        competent: AgencyKind::Ward.into(),
        options: options.iter().map(|&option| option.to_owned()).collect(),
        ..Procedure::default()
    };
    let sessions = (1..=5)
        .flat_map(|weekday| {
            [
                (weekday, 7 * 60, 11 * 60 + 30),
                (weekday, 13 * 60 + 30, 17 * 60),
            ]
        })
        .map(|(weekday, from_minute, to_minute)| Session {
            weekday,
            from_minute,
            to_minute,
            ..Session::default()
        })
        .collect();
    ProtoCatalog {
        id: "test-2025".to_owned(),
        agencies: vec![
            agency("11593", AgencyKind::Ward, "H24.11593", ""),
            agency("11593-ca", AgencyKind::Police, "", "11593"),
            agency("11407", AgencyKind::Ward, "H24.11407", ""),
            agency("11407-ca", AgencyKind::Police, "", "11407"),
        ],
        procedures: vec![
            procedure(
                "1.000656",
                Kind::SameDay(SameDay {
                    cutoff_minute: 15 * 60,
                }),
                &[],
            ),
            procedure("2.002622", Kind::WorkingDayHalves(6), &["funeral_costs"]),
            Procedure {
                competent: AgencyKind::Police.into(),
                ..procedure("1.004194", Kind::WorkingDayHalves(2), &[])
            },
        ],
        calendars: vec![Calendar {
            id: "test".to_owned(),
            sessions,
            days: vec![CalendarDay {
                date: Some(Date {
                    year: 2025,
                    month: 9,
                    day: 2,
                }),
                kind: CalendarDayKind::Holiday.into(),
                title: "Quốc khánh".to_owned(),
            }],
        }],
        applied_at: None,
        effective_from: None,
    }
}

/// The wall clock in Việt Nam.
fn at(local: &str) -> Timestamp {
    format!("{local}+07:00").parse().unwrap()
}

fn submission(procedure: &str, channel: Channel, accept: bool) -> Command {
    Command::Submit(Box::new(Submission {
        catalog: "test-2025".to_owned(),
        procedure: procedure.to_owned(),
        receiving_agency: "11593".to_owned(),
        channel,
        applicant: Applicant {
            full_name: "Nguyễn Thị Thử".to_owned(),
            ..Applicant::default()
        },
        newcomer: Newcomer::default(),
        hand_over_method: HandOverMethod::Home,
        priority: PriorityGround::Elderly,
        options: Vec::new(),
        priority_reason: words(""),
        external_code: String::new(),
        external_system: String::new(),
        external_authority: false,
        on_behalf_of: String::new(),
        recused: Vec::new(),
        papers: Vec::new(),
        units: Units::default(),
        sets: 1,
        exemption: String::new(),
        exemption_paper: words(""),
        helped_by: Helping::default(),
        citizen: String::new(),
        accept,
    }))
}

fn received(by: &str) -> Receiver {
    Receiver {
        received_by: words(by),
        recipient: Recipient::Applicant,
        authorisation: words(""),
    }
}

fn words(text: &str) -> Words {
    Words::from(text.to_owned())
}

fn ask_supplement() -> Command {
    Command::AskSupplement {
        on_behalf_of: String::new(),
        reason: Words::default(),
        missing: words("giấy báo tử"),
        ground: words("điều 17"),
    }
}

fn pay(reference: &str, amount_vnd: i64) -> Command {
    Command::RecordPayment(NewPayment {
        provider: "counter".to_owned(),
        reference: reference.to_owned(),
        amount_vnd,
        paid_at: None,
    })
}

fn refund(payment: &str) -> Command {
    Command::RefundPayment {
        payment: payment.to_owned(),
        reason: words("trả tiền mặt"),
    }
}

fn provide_supplement() -> Command {
    Command::ProvideSupplement {
        provided: words("giấy báo tử"),
        papers: Vec::new(),
    }
}

fn hand_over(method: HandOverMethod) -> Command {
    Command::HandOver {
        method,
        receiver: received("con gái, chữ ký số 12"),
        tracking_reference: String::new(),
    }
}

fn news(kind: EventKind, status: Option<DossierStatus>, due_at: Option<Timestamp>) -> Command {
    Command::Follow(News {
        position: 1,
        kind,
        at: at("2025-07-01T09:00:00"),
        change: Change::Progress {
            status,
            due_at,
            limit: None,
        },
    })
}

fn finished() -> Command {
    Command::Follow(News {
        position: 9,
        kind: EventKind::CaseFinished,
        at: at("2025-07-01T10:00:00"),
        change: Change::Finished {
            outcome: "approved".to_owned(),
        },
    })
}

/// One dossier at a counter: what is asked, when, by whom, and everything that happened to it.
#[derive(Clone)]
struct Counter {
    catalog: Arc<Catalog>,
    /// The one that was applied since the dossier was submitted, if any.
    applied_since: Option<Arc<Catalog>>,
    now: Timestamp,
    actor: Actor,
    dossier: Option<Dossier>,
    events: Vec<Event>,
    statements: Vec<Statement>,
}

const CODE: &str = "H24.11593-250701-0001";

impl Counter {
    fn opens(local: &str) -> Self {
        Self {
            catalog: Arc::new(catalog()),
            applied_since: None,
            now: at(local),
            actor: Actor {
                id: "receptionist-11593-1".to_owned(),
                role: Role::Receptionist.into(),
            },
            dossier: None,
            events: Vec::new(),
            statements: Vec::new(),
        }
    }

    fn asks(&mut self, command: &Command) -> Result<Vec<Payload>, Error> {
        let context = Context {
            now: self.now,
            key: CODE,
            actor: &self.actor,
            roles: &[self.actor.role()],
            groups: &[],
            scope: &Scope::by_rule(),
        };
        let Decision {
            subject,
            events,
            statements,
            new_subject,
            corrected_subject,
        } = decide(
            self.dossier.as_ref(),
            command,
            &context,
            Known {
                own: Some(&self.catalog),
                in_force: Some(self.applied_since.as_ref().unwrap_or(&self.catalog)),
            },
        )?;
        // A dossier is somebody's from its first event on, and for ever.
        assert_eq!(new_subject.is_some(), matches!(command, Command::Submit(_)));
        assert_eq!(
            corrected_subject.is_some(),
            matches!(command, Command::ConfirmCorrection(it) if it.particulars.is_some())
        );
        for payload in &events {
            let event = Event {
                kind: kind_of(payload).into(),
                procedure: subject.procedure.clone(),
                agency: subject.agency.clone(),
                occurred_at: Some(to_proto(self.now)),
                actor: Some(self.actor.clone()),
                payload: Some(payload.clone()),
                ..Event::default()
            };
            self.dossier = Dossier::apply(self.dossier.take(), &event);
            self.events.push(event);
        }
        self.statements.extend(statements);
        Ok(events)
    }

    fn does(mut self, command: &Command) -> Self {
        self.asks(command).unwrap();
        self
    }

    fn at(mut self, local: &str) -> Self {
        self.now = at(local);
        self
    }

    fn dossier(&self) -> &Dossier {
        self.dossier.as_ref().unwrap()
    }

    fn status(&self) -> DossierStatus {
        self.dossier().status
    }

    fn due(&self) -> Timestamp {
        self.dossier().due_at().unwrap()
    }

    fn accepted(&self) -> motcua_proto::events::v1::DossierAccepted {
        self.events
            .iter()
            .find_map(|event| match &event.payload {
                Some(Payload::DossierAccepted(accepted)) => Some(accepted.clone()),
                _ => None,
            })
            .unwrap()
    }
}

fn instant(at: Option<&prost_types::Timestamp>) -> Timestamp {
    from_proto_opt(at).unwrap()
}
