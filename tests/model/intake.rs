//! What is asked at the counter: one generator for each of intake's commands, and what the law expects of each.

use jiff::SignedDuration;
use motcua_intake::domain::{
    command::{
        Command, Confirmation, Helping, Met, NewExternalState, NewPayment, Proposed, Receiver,
        Submission,
    },
    documents::{Document, NewDocument},
    entry::Entry,
    fees::Units,
    words::Words,
};
use motcua_platform::{error::Error, ledger::Authority, vault::Newcomer};
use motcua_proto::{
    intake::v1::Applicant,
    r#type::v1::{
        Channel, DocumentKind, DossierStatus, HandOverFailure, HandOverMethod, PriorityGround,
        Recipient, Role,
    },
};

use super::{
    law::{Asked, Expected, Visited},
    setting::{CHECKED, FEE_VND, OPTIONS, PROCEDURES, WARDS},
    world::{Life, World},
};

/// The generators by name, with their weights. The others are the world's own: see [`name`].
const WEIGHTS: [(&str, u32); 21] = [
    ("accept", 12),
    ("refuse", 1),
    ("ask_supplement", 2),
    ("provide_supplement", 5),
    ("withdraw", 1),
    ("return_originals", 1),
    ("hand_over", 4),
    ("arrange_visit", 2),
    ("record_visit", 2),
    ("pay", 4),
    ("refund", 2),
    ("confirm_transfer", 2),
    ("recuse", 1),
    ("fail_hand_over", 1),
    ("propose", 1),
    ("propose_payment", 1),
    ("confirm", 1),
    ("reject_correction", 2),
    ("external_state", 1),
    ("acknowledge", 1),
    ("add_document", 2),
];

/// What is asked by hand, and may be refused. Other systems have their own say, which never is.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let names = WEIGHTS.into_iter().map(|(name, _)| name);
    names.filter(|name| !matches!(*name, "external_state" | "acknowledge"))
}

/// The generator of each command. No wildcard: a new command does not compile until somebody decides here.
pub(super) fn name(command: &Command) -> &'static str {
    match command {
        Command::Submit(_) => "submit",
        // Made by the edge where the catalog has no such procedure: nothing of a dossier is asked.
        Command::Reject(_) => "reject",
        Command::Accept | Command::AcceptAt(_) => "accept",
        Command::Refuse { .. } => "refuse",
        Command::AskSupplement { .. } => "ask_supplement",
        Command::ProvideSupplement { .. } => "provide_supplement",
        Command::Withdraw { .. } => "withdraw",
        Command::ReturnOriginals { .. } => "return_originals",
        Command::HandOver { .. } => "hand_over",
        Command::ArrangeVisit { .. } => "arrange_visit",
        Command::RecordVisit { .. } => "record_visit",
        Command::RecordPayment(_) => "pay",
        Command::RefundPayment { .. } => "refund",
        Command::Recuse { .. } => "recuse",
        Command::RecordFailedHandOver { .. } => "fail_hand_over",
        Command::ProposeCorrection { .. } => "propose",
        Command::ProposeEntry { .. } => "propose_payment",
        Command::ConfirmCorrection(_) => "confirm",
        Command::RejectCorrection { .. } => "reject_correction",
        Command::RecordExternalState(_) => "external_state",
        Command::AcknowledgeState { .. } => "acknowledge",
        Command::AddDocument(_) => "add_document",
        Command::ConfirmTransfer => "confirm_transfer",
        // Its catalog is never replaced.
        Command::Recompute => "recompute",
        Command::Tick => "tick",
        Command::Follow(_) => "follow",
    }
}

pub(super) fn applicant() -> Applicant {
    Applicant {
        full_name: "Nguyễn Thị Thử".to_owned(),
        ..Applicant::default()
    }
}

fn receiver() -> Receiver {
    Receiver {
        received_by: words(),
        recipient: Recipient::Applicant,
        authorisation: Words::default(),
    }
}

fn words() -> Words {
    Words::from("theo quy định".to_owned())
}

/// What is submitted, and whether it can be: now and then the catalog does not have it.
pub(super) fn procedure(random: &mut fastrand::Rng) -> (&'static str, bool) {
    if random.u8(..20) > 0 {
        (PROCEDURES[random.usize(..PROCEDURES.len())], true)
    } else {
        ("9.999999", false)
    }
}

/// What is stated of it, and why it goes first, if it does.
pub(super) fn facts(random: &mut fastrand::Rng, procedure: &str) -> (Vec<String>, PriorityGround) {
    let mut options = match procedure {
        CHECKED => OPTIONS.map(str::to_owned).to_vec(),
        _ => Vec::new(),
    };
    options.retain(|_| random.bool());
    let priority = if random.u8(..4) == 0 {
        PriorityGround::Elderly
    } else {
        PriorityGround::Unspecified
    };
    (options, priority)
}

/// The other ward, by one time in six; empty for the ward itself.
pub(super) fn for_another_ward(random: &mut fastrand::Rng, ward: usize) -> String {
    if random.u8(..6) == 0 {
        WARDS[1 - ward].to_owned()
    } else {
        String::new()
    }
}

/// A new dossier, at one of the wards.
pub(super) fn submits(world: &mut World) {
    let ward = world.random.usize(..WARDS.len());
    let code = world.next_code(WARDS[ward]);
    // Where nobody can submit, the code is the next one's.
    let (procedure, known) = procedure(&mut world.random);
    let (options, priority) = facts(&mut world.random, procedure);
    // Online by a citizen it waits; at the counter one in five is accepted in the same act.
    let online = world.random.u8(..6) == 0;
    let accept = !online && world.random.u8(..5) == 0;
    let channel = if online {
        Channel::Portal
    } else {
        Channel::Counter
    };
    let on_behalf_of = for_another_ward(&mut world.random, ward);
    let command = Command::Submit(Box::new(Submission {
        catalog: world.catalog_id(),
        procedure: procedure.to_owned(),
        receiving_agency: WARDS[ward].to_owned(),
        channel,
        applicant: applicant(),
        newcomer: Newcomer::default(),
        hand_over_method: HandOverMethod::Counter,
        priority,
        options,
        priority_reason: Words::default(),
        external_code: String::new(),
        external_system: String::new(),
        external_authority: false,
        papers: Vec::new(),
        on_behalf_of: on_behalf_of.clone(),
        recused: Vec::new(),
        units: Units::default(),
        sets: 1,
        exemption: String::new(),
        exemption_paper: Words::default(),
        helped_by: Helping::default(),
        citizen: String::new(),
        accept,
    }));
    let place = world.lives.len();
    world.lives.push(Life {
        code: code.clone(),
        ..Life::default()
    });
    let who = if online {
        world.citizen.authority.clone()
    } else {
        world.receptionists[2 * ward].authority.clone()
    };
    let matter = &mut world.lives[place].matter;
    (matter.lacks_papers, matter.online) = (online, online);
    matter.elsewhere = !on_behalf_of.is_empty();
    match world.asks_intake(place, &who, &command) {
        Ok(()) => {
            assert!(known, "a procedure that the catalog does not have");
            assert_eq!(world.lives[place].matter.status, if accept { 2 } else { 1 });
            world.gave(&code);
            world.seen.insert("submit done".to_owned());
            if online {
                world.seen.insert("online done".to_owned());
            }
        }
        Err(Error::Invalid(_)) if !known => {
            world.lives.pop();
            world.seen.insert("submit refused".to_owned());
        }
        Err(error) => panic!("{command:?}: {error}"),
    }
}

/// Somebody at the counter asks something of a dossier, and gets what the law says.
pub(super) fn asks(world: &mut World, place: usize) {
    let person = world.random.usize(..world.receptionists.len());
    let id = world.receptionists[person].id.clone();
    let (asked, command) = draws(world, place, person);
    let before = world.lives[place].matter.clone();
    let expected = before.judge(&id, &asked);
    let state = world.lives[place].dossier.clone();
    let who = world.receptionists[person].authority.clone();
    let answer = world.asks_intake(place, &who, &command);
    let code = &world.lives[place].code;
    let got = match &answer {
        Ok(()) => Expected::Done(world.lives[place].matter.status),
        Err(Error::Refused(refusal)) => Expected::Refused(refusal.article),
        Err(Error::Missing { .. } | Error::Invalid(_)) => Expected::Nonsense,
        Err(error) => panic!("{code}: {command:?}: {error}"),
    };
    assert_eq!(got, expected, "{code}: {id} asks {command:?} of {before:?}");
    let how = if let Expected::Done(status) = got {
        world.lives[place].matter.done(&id, &asked, status);
        let paid = world.lives[place].dossier.as_ref().unwrap().paid_vnd();
        assert_eq!(paid, world.lives[place].matter.paid_vnd(), "paid once");
        "done"
    } else {
        assert_eq!(
            state, world.lives[place].dossier,
            "a refusal changes nothing"
        );
        "refused"
    };
    if how == "done" && before.corrects_payment(&asked) {
        world.seen.insert(PAYMENT_CORRECTED.to_owned());
    }
    world.seen.insert(format!("{} {how}", name(&command)));
}

/// Another amount was confirmed.
pub(super) const PAYMENT_CORRECTED: &str = "a payment corrected";

/// What somebody, by place among the receptionists, is to ask of a dossier, as the law sees it and as the service does.
pub(super) fn draws(world: &mut World, place: usize, person: usize) -> (Asked, Command) {
    let name = world.drawn(&WEIGHTS);
    generate(world, place, name, person)
}

/// The clock is looked at, as the service does by itself.
pub(super) fn ticks(world: &mut World, place: usize) {
    let rule = Authority::of_service("intake");
    world.asks_intake(place, &rule, &Command::Tick).unwrap();
    world.seen.insert("tick done".to_owned());
}

fn generate(world: &mut World, place: usize, name: &str, person: usize) -> (Asked, Command) {
    let matter = world.lives[place].matter.clone();
    let dossier = world.lives[place].dossier.as_ref();
    let person = &world.receptionists[person];
    let leads = person.roles.contains(&Role::Leader);
    let competent = dossier.is_some_and(|it| person.agencies.contains(&it.competent_agency));
    let submitted_at = dossier.map_or(world.now, |dossier| dossier.submitted_at);
    let random = &mut world.random;
    match name {
        "accept" => (Asked::Accept, Command::Accept),
        "refuse" => (
            Asked::Refuse,
            Command::Refuse {
                reason: words(),
                ground: words(),
            },
        ),
        "ask_supplement" => (
            Asked::AskSupplement { by_leader: leads },
            Command::AskSupplement {
                on_behalf_of: String::new(),
                reason: Words::default(),
                missing: words(),
                ground: words(),
            },
        ),
        "provide_supplement" => (
            Asked::ProvideSupplement,
            Command::ProvideSupplement {
                provided: words(),
                papers: Vec::new(),
            },
        ),
        "withdraw" => (
            Asked::Withdraw,
            Command::Withdraw {
                reason: words(),
                ground: words(),
            },
        ),
        "return_originals" => (
            Asked::ReturnOriginals,
            Command::ReturnOriginals {
                received_by: words(),
            },
        ),
        "hand_over" => {
            let home = random.u8(..5) == 0;
            let method = if home {
                HandOverMethod::Home
            } else {
                HandOverMethod::Counter
            };
            (
                Asked::HandOver { home },
                Command::HandOver {
                    method,
                    receiver: receiver(),
                    tracking_reference: String::new(),
                },
            )
        }
        "arrange_visit" => (
            Asked::ArrangeVisit,
            Command::ArrangeVisit {
                from: world.now,
                to: world.now + SignedDuration::from_hours(2),
                address: Words::default(),
                location: Words::default(),
                visitor: String::new(),
                offered: false,
            },
        ),
        "record_visit" => {
            let place = random.usize(..=matter.visits.len());
            let (came_of_it, met) = match random.u8(..4) {
                0 => (Visited::Nobody, Met::Nobody),
                1 => (Visited::Papers, Met::Papers(Vec::new())),
                _ => (Visited::Result, Met::Result(receiver())),
            };
            (
                Asked::RecordVisit { place, came_of_it },
                Command::RecordVisit {
                    visit: format!("v{}", place + 1),
                    met,
                },
            )
        }
        "pay" => {
            // A small number of references: notices come twice, and once in a while with another amount.
            let reference = format!("r{}", random.u8(..6));
            let amount_vnd = FEE_VND / [1, 2, 4, 8][random.usize(..4)];
            // A provider's notice may come long after the money.
            let early = random.u8(..4) == 0;
            (
                Asked::Pay {
                    reference: reference.clone(),
                    amount_vnd,
                    early,
                },
                Command::RecordPayment(NewPayment {
                    provider: "counter".to_owned(),
                    reference,
                    amount_vnd,
                    paid_at: early.then_some(submitted_at),
                }),
            )
        }
        "refund" => {
            let place = random.usize(..=matter.payments.len());
            (
                Asked::Refund { place },
                Command::RefundPayment {
                    payment: format!("p{}", place + 1),
                    reason: words(),
                },
            )
        }
        "confirm_transfer" => (
            Asked::ConfirmTransfer { competent },
            Command::ConfirmTransfer,
        ),
        "recuse" => {
            let who = world.receptionists[random.usize(..world.receptionists.len())]
                .id
                .clone();
            (
                Asked::Recuse(who.clone()),
                Command::Recuse { principal: who },
            )
        }
        "fail_hand_over" => (
            Asked::FailHandOver,
            Command::RecordFailedHandOver {
                method: HandOverMethod::Counter,
                failure: HandOverFailure::NotCollected,
                note: Words::default(),
            },
        ),
        "propose" => (
            Asked::Propose,
            Command::ProposeCorrection {
                applicant: Box::new(applicant()),
                reason: words(),
            },
        ),
        "propose_payment" => {
            let place = random.usize(..=matter.payments.len());
            let amount_vnd = FEE_VND / [1, 2, 4, 8][random.usize(..4)] * random.i64(0..=1);
            (
                Asked::ProposePayment { place, amount_vnd },
                Command::ProposeEntry {
                    entry: Entry::Payment {
                        payment: format!("p{}", place + 1),
                        amount_vnd,
                        reference: String::new(),
                    },
                    reason: words(),
                },
            )
        }
        "confirm" | "reject_correction" => {
            // Now and then one that was decided before, or that never was.
            let right = random.u8(..10) > 0;
            let number = matter.corrections + usize::from(!right);
            let correction = format!("c{number}");
            let confirm = name == "confirm";
            let command = if confirm {
                let dossier = world.lives[place].dossier.as_ref();
                let pending = dossier.and_then(|dossier| dossier.corrections.last());
                let of_particulars = pending.filter(|pending| pending.entry.is_none());
                Command::ConfirmCorrection(Box::new(Confirmation {
                    correction,
                    particulars: of_particulars.map(|pending| Proposed {
                        revision: pending.revision,
                        applicant: applicant(),
                        newcomer: Newcomer::default(),
                    }),
                }))
            } else {
                Command::RejectCorrection { correction }
            };
            (Asked::Decide { right, confirm }, command)
        }
        "external_state" => (
            Asked::ExternalState,
            Command::RecordExternalState(NewExternalState {
                code: String::new(),
                state: format!("S{}", random.u8(..4)),
                at: world.now,
                authority: None,
            }),
        ),
        "acknowledge" => (
            Asked::Acknowledge,
            Command::AcknowledgeState {
                status: DossierStatus::try_from(matter.status).unwrap_or_default(),
                problem: if random.u8(..4) == 0 {
                    "E-42".to_owned()
                } else {
                    String::new()
                },
            },
        ),
        "add_document" => {
            let result = random.bool();
            let document = Document {
                kind: if result {
                    DocumentKind::Result
                } else {
                    DocumentKind::Paper
                },
                paper: if result { "" } else { "to-khai" }.to_owned(),
                result_code: if result { "KQ.1" } else { "" }.to_owned(),
                signature_of: String::new(),
                media_type: "application/pdf".to_owned(),
                size: 1,
                sha256: [0; 32],
                object: format!("object-{}", random.u64(..)),
                reused_from: String::new(),
                added_at: world.now,
            };
            let asked = if result {
                Asked::AddResult
            } else {
                Asked::AddPaper
            };
            let file_name = words();
            let new = NewDocument {
                document,
                file_name,
                // None comes while another is on its way.
                beside: usize::MAX,
            };
            (asked, Command::AddDocument(Box::new(new)))
        }
        other => panic!("no generator '{other}'"),
    }
}
