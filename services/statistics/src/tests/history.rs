//! Histories of invented dossiers, as three sources would tell them.

use jiff::{SignedDuration, Timestamp, tz::Offset};
use motcua_platform::time::to_proto;
use motcua_proto::{
    events::v1::{
        CaseFinished, CaseHeld, CaseResumed, CaseStarted, CaseStopped, CatalogApplied,
        DeadlineExtended, DossierAccepted, DossierRefused, DossierSubmitted, DossierWithdrawn,
        Event, MessageSent, ResultHandedOver, TaskCompleted, TaskReturned, event::Payload,
    },
    r#type::v1::{Catalog, Procedure},
};
use proptest::{collection::vec, option, prelude::*};

use crate::domain::fact::{Fact, INTAKE, NOTIFICATION, WORKFLOW};

/// The catalog that they stand under.
pub(super) const CATALOG: &str = "hai-phong";
/// Codes of the agencies.
pub(super) const AGENCIES: [&str; 3] = ["11593", "11602", "11635"];
/// Codes of the procedures, each with its field.
pub(super) const PROCEDURES: [(&str, &str); 4] = [
    ("1.000656", "Hộ tịch"),
    ("1.004222", "Cư trú"),
    ("2.000815", "Chứng thực"),
    ("1.001193", "Hộ tịch"),
];

/// What happens on the way through a case.
#[derive(Debug, Clone)]
enum Step {
    Completed(i32),
    Returned(i32),
    Held(i64),
    Extended,
}

/// How a case ends.
#[derive(Debug, Clone)]
enum End {
    Finished { punctuality: i32, apologised: bool },
    Stopped,
}

/// What intake does with a submission.
#[derive(Debug, Clone)]
enum Reception {
    None,
    Refused,
    Withdrawn,
    Accepted {
        limit_minutes: i64,
        withdrawn_after: Option<i64>,
    },
}

/// The outline of a dossier's life. Times in minutes.
#[derive(Debug, Clone)]
pub(super) struct Life {
    submitted: i64,
    channel: i32,
    agency: usize,
    procedure: usize,
    reception: Reception,
    steps: Vec<(i64, Step)>,
    end: Option<End>,
    handed_over: Option<(i64, i32)>,
    messages: Vec<i64>,
    /// How long each source takes to write things down.
    delays: [i64; 3],
}

const DAYS: i64 = 24 * 60;

/// Any life that begins within forty days of 1 July 2025.
pub(super) fn life() -> impl Strategy<Value = Life> {
    let step = prop_oneof![
        (0..600_i32).prop_map(Step::Completed),
        (0..600_i32).prop_map(Step::Returned),
        (0..6 * DAYS).prop_map(Step::Held),
        Just(Step::Extended),
    ];
    let end = prop_oneof![
        4 => (0..=3_i32, any::<bool>()).prop_map(|(punctuality, apologised)| End::Finished { punctuality, apologised }),
        1 => Just(End::Stopped),
    ];
    let reception = prop_oneof![
        1 => Just(Reception::None),
        1 => Just(Reception::Refused),
        1 => Just(Reception::Withdrawn),
        8 => (0..7 * DAYS, option::weighted(0.2, 0..8 * DAYS))
            .prop_map(|(limit_minutes, withdrawn_after)| Reception::Accepted { limit_minutes, withdrawn_after }),
    ];
    (
        (
            0..40 * DAYS,
            0..=5_i32,
            0..AGENCIES.len(),
            0..PROCEDURES.len(),
            reception,
        ),
        (
            vec((0..2 * DAYS, step), 0..5),
            option::weighted(0.8, end),
            option::of((0..5 * DAYS, 1..=4_i32)),
        ),
        (vec(0..20 * DAYS, 0..4), [0..2 * DAYS, 0..3 * DAYS, 0..DAYS]),
    )
        .prop_map(
            |(
                (submitted, channel, agency, procedure, reception),
                (steps, end, handed_over),
                (messages, delays),
            )| {
                Life {
                    submitted,
                    channel,
                    agency,
                    procedure,
                    reception,
                    steps,
                    end,
                    handed_over,
                    messages,
                    delays,
                }
            },
        )
}

/// Minutes after 1 July 2025, 00:00, as an instant.
pub(super) fn minute(minutes: i64) -> Timestamp {
    let start = jiff::civil::date(2025, 7, 1).at(0, 0, 0, 0);
    Offset::constant(7).to_timestamp(start).unwrap() + SignedDuration::from_mins(minutes)
}

fn at(minutes: i64) -> Option<prost_types::Timestamp> {
    Some(to_proto(minute(minutes)))
}

/// What one source tells of one dossier. It writes down in order, and never before a thing has happened.
struct Telling {
    dossier: String,
    procedure: String,
    delay: i64,
    recorded: i64,
    events: Vec<Event>,
}

impl Telling {
    fn tell(&mut self, happened: i64, payload: Payload) {
        self.recorded = self.recorded.max(happened + self.delay);
        self.events.push(Event {
            dossier: self.dossier.clone(),
            procedure: self.procedure.clone(),
            occurred_at: at(happened),
            recorded_at: at(self.recorded),
            kind: motcua_platform::feed::kind_of(&payload).into(),
            payload: Some(payload),
            ..Event::default()
        });
    }
}

/// The code of the n-th dossier.
pub(super) fn code(number: usize) -> String {
    format!("H24.{}-250701-{number:04}", AGENCIES[0])
}

impl Life {
    /// What intake, workflow and notification tell of it, each in order and without positions.
    pub(super) fn told(&self, dossier: &str) -> [(&'static str, Vec<Event>); 3] {
        let (procedure, _) = PROCEDURES[self.procedure];
        let telling = |delay| Telling {
            dossier: dossier.to_owned(),
            procedure: procedure.to_owned(),
            delay,
            recorded: 0,
            events: Vec::new(),
        };
        let [mut intake, mut workflow, mut notification] = self.delays.map(telling);
        let agency = AGENCIES[self.agency];
        intake.tell(
            self.submitted,
            Payload::DossierSubmitted(DossierSubmitted {
                channel: self.channel,
                receiving_agency: agency.to_owned(),
                competent_agency: agency.to_owned(),
                catalog: CATALOG.to_owned(),
                submitted_at: at(self.submitted),
                ..DossierSubmitted::default()
            }),
        );
        let mut withdrawn = None;
        match self.reception {
            Reception::None => {}
            Reception::Refused => {
                intake.tell(
                    self.submitted + 30,
                    Payload::DossierRefused(DossierRefused::default()),
                );
            }
            Reception::Withdrawn => withdrawn = Some((self.submitted + 30, false)),
            Reception::Accepted {
                limit_minutes,
                withdrawn_after,
            } => {
                let received = self.submitted + 10;
                let due = received + limit_minutes;
                intake.tell(
                    received,
                    Payload::DossierAccepted(DossierAccepted {
                        received_at: at(received),
                        due_at: at(due),
                        judged_until: at(due + 1),
                        ..DossierAccepted::default()
                    }),
                );
                withdrawn = withdrawn_after.map(|after| (received + after, true));
                self.work(&mut workflow, received, due);
            }
        }
        if let Some((when, accepted)) = withdrawn {
            let event = DossierWithdrawn {
                accepted,
                withdrawn_at: at(when),
                ..DossierWithdrawn::default()
            };
            intake.tell(when, Payload::DossierWithdrawn(event));
        } else if let (Some((after, method)), Some(Payload::CaseFinished(_))) = (
            self.handed_over,
            workflow
                .events
                .last()
                .and_then(|event| event.payload.as_ref()),
        ) {
            let when = self.submitted + 12 * DAYS + after;
            let event = ResultHandedOver {
                method,
                handed_over_at: at(when),
                ..ResultHandedOver::default()
            };
            intake.tell(when, Payload::ResultHandedOver(event));
        }
        let mut messages = self.messages.clone();
        messages.sort_unstable();
        for after in messages {
            let when = self.submitted + after;
            notification.tell(
                when,
                Payload::MessageSent(MessageSent {
                    attempt: 1,
                    sent_at: at(when),
                }),
            );
        }
        [
            (INTAKE, intake.events),
            (WORKFLOW, workflow.events),
            (NOTIFICATION, notification.events),
        ]
    }

    fn work(&self, workflow: &mut Telling, received: i64, due: i64) {
        let (mut now, mut until, mut extended) = (received + 1, due + 1, false);
        workflow.tell(
            now,
            Payload::CaseStarted(CaseStarted {
                received_at: at(received),
                due_at: at(due),
                judged_until: at(until),
                ..CaseStarted::default()
            }),
        );
        for (place, (after, step)) in (1..).zip(&self.steps) {
            now += after;
            match *step {
                Step::Completed(used_minutes) => {
                    let event = TaskCompleted {
                        completed_at: at(now),
                        used_minutes,
                        ..TaskCompleted::default()
                    };
                    workflow.tell(now, Payload::TaskCompleted(event));
                }
                Step::Returned(used_minutes) => {
                    let event = TaskReturned {
                        returned_at: at(now),
                        used_minutes,
                        ..TaskReturned::default()
                    };
                    workflow.tell(now, Payload::TaskReturned(event));
                }
                Step::Held(minutes) => {
                    workflow.tell(
                        now,
                        Payload::CaseHeld(CaseHeld {
                            held_at: at(now),
                            ground: 1,
                            ..CaseHeld::default()
                        }),
                    );
                    // Some still wait.
                    if place == self.steps.len() && self.end.is_none() {
                        return;
                    }
                    // What was overdue when it was asked for stays so.
                    if now < until {
                        until += minutes;
                    }
                    now += minutes;
                    // The new date after an extension judges nothing.
                    let later = if extended { DAYS } else { 0 };
                    let event = CaseResumed {
                        resumed_at: at(now),
                        due_at: at(until - 1 + later),
                        judged_until: at(until + later),
                        first_due_at: at(until - 1),
                        first_judged_until: at(until),
                        ..CaseResumed::default()
                    };
                    workflow.tell(now, Payload::CaseResumed(event));
                }
                Step::Extended if extended => {}
                Step::Extended => {
                    extended = true;
                    let (first_due_at, due_at) = (at(until - 1), at(until - 1 + DAYS));
                    let event = DeadlineExtended {
                        first_due_at,
                        due_at,
                        ..DeadlineExtended::default()
                    };
                    workflow.tell(now, Payload::DeadlineExtended(event));
                }
            }
        }
        match self.end {
            Some(End::Finished {
                punctuality,
                apologised,
            }) => {
                let finished_at = at(now);
                let event = CaseFinished {
                    finished_at,
                    punctuality,
                    apologised,
                    ..CaseFinished::default()
                };
                workflow.tell(now, Payload::CaseFinished(event));
            }
            Some(End::Stopped) => {
                let event = CaseStopped {
                    stopped_at: at(now),
                    ..CaseStopped::default()
                };
                workflow.tell(now, Payload::CaseStopped(event));
            }
            None => {}
        }
    }

    /// The fact, the sources heard one after the other.
    pub(super) fn fact(&self, dossier: &str) -> Fact {
        let mut fact = Fact::default();
        for (source, events) in self.told(dossier) {
            for event in events {
                fact.absorb(source, &event).unwrap();
            }
        }
        fact
    }
}

/// The field of a procedure.
pub(super) fn field(procedure: &str) -> &'static str {
    PROCEDURES
        .iter()
        .find(|(code, _)| *code == procedure)
        .map_or("", |(_, field)| field)
}

/// The catalog, applied.
pub(super) fn catalog_applied() -> Event {
    let procedures = PROCEDURES.map(|(code, field)| Procedure {
        code: code.to_owned(),
        field: field.to_owned(),
        ..Procedure::default()
    });
    let catalog = Catalog {
        id: CATALOG.to_owned(),
        procedures: procedures.into(),
        ..Catalog::default()
    };
    let payload = Payload::CatalogApplied(CatalogApplied {
        catalog: Some(catalog),
    });
    Event {
        name: format!("catalogs/{CATALOG}"),
        kind: motcua_platform::feed::kind_of(&payload).into(),
        recorded_at: at(0),
        payload: Some(payload),
        ..Event::default()
    }
}
