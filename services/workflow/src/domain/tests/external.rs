//! Steps that ask another system: what its codes mean, what it refuses and why, and what becomes of one that does not answer.

use motcua_platform::{error::Error, time::to_proto};
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::{PriorityGround, Role},
    workflow::v1::{
        Branch, CaseState, ExternalCode, ExternalStep, ForkStep, JoinStep, Step, step::Kind,
    },
};

use super::{
    language::{officers, plain, step, under},
    office::{
        CODE, Office, WARD, asks_for_supplement, at, cause, definition, leader, officer, refused,
        system,
    },
    substitution::{member, stands},
};
use crate::domain::{Command, Definition, StatementKind, Words, answered};

pub(super) fn insurance(id: &str, to: &str) -> Step {
    let kind = Kind::External(ExternalStep {
        title: "Cấp thẻ bảo hiểm y tế".into(),
        system: "social-insurance".into(),
        agency: 0,
        planned_minutes: 960,
        escalate_after_percent: 0,
        transitions: [("issued", to), ("refused", to)]
            .into_iter()
            .map(|(outcome, to)| motcua_proto::workflow::v1::Transition {
                outcome: outcome.into(),
                to: to.into(),
                at_most: 0,
            })
            .collect(),
        codes: [("1", ""), ("5", "issued"), ("9", "refused")]
            .into_iter()
            .map(|(code, outcome)| ExternalCode {
                code: code.into(),
                outcome: outcome.into(),
                ..ExternalCode::default()
            })
            .collect(),
    });
    step(id, kind)
}

fn answer(task: &str, code: &str) -> Command {
    Command::RecordOutcome {
        task: task.into(),
        code: code.into(),
        reason: None,
    }
}

#[test]
fn another_system_is_asked_and_its_own_codes_are_what_it_answers_with() {
    let mut office = plain(vec![
        officers("register", "card"),
        insurance("card", "issue"),
        officers("issue", ""),
    ]);
    assert_eq!(
        office.completes("register", "done"),
        [K::TaskCompleted, K::TaskOpened, K::OutcomeRequested]
    );
    let Payload::OutcomeRequested(asked) = office.last() else {
        panic!("must be asked")
    };
    assert_eq!(
        (
            asked.task.as_str(),
            asked.system.as_str(),
            asked.procedure.as_str()
        ),
        ("t2", "social-insurance", "1.000002")
    );
    let card = system("social-insurance", &[]);
    // Nobody else answers: neither the staff nor another system.
    let complete = Command::Complete {
        reason: None,
        task: "t2".into(),
        outcome: "issued".into(),
    };
    refused(office.asks(&officer(1), &complete));
    refused(office.asks(&system("hospital", &["hospitals"]), &answer("t2", "5")));
    refused(office.asks(&card, &answer("t1", "5")));
    // On its way; then what it came to, as often as the system likes to say so.
    let progressed = office.asks(&card, &answer("t2", "1")).unwrap().events;
    let [Payload::OutcomeProgressed(progressed)] = &progressed[..] else {
        panic!("{progressed:?}")
    };
    assert_eq!(
        (progressed.task.as_str(), progressed.code.as_str()),
        ("t2", "1")
    );
    assert_eq!(office.asks(&card, &answer("t2", "1")).unwrap().events, []);
    let shown = answered(CODE, office.case()).fill(&office.surround.definitions);
    assert_eq!(shown.tasks[1].external_code, "1");
    assert_eq!(shown.tasks[1].external_code_at, Some(to_proto(office.now)));
    assert_eq!(office.waiting(), ["t2 card"]);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
    let Err(Error::Invalid(faults)) = office.asks(&card, &answer("t2", "7")) else {
        panic!("must be invalid")
    };
    assert_eq!(faults[0].description, "must be one of: 1, 5, 9");
    office.asks(&card, &answer("t2", "9")).unwrap();
    assert_eq!(office.waiting(), ["t3 issue"]);
    assert_eq!(office.case().tasks[1].outcome, "refused");
    assert!(
        office
            .asks(&card, &answer("t2", "9"))
            .unwrap()
            .events
            .is_empty()
    );
    // What it said is not unsaid.
    refused(office.asks(&card, &answer("t2", "5")));
    // That it was on its way may come late, or again: whoever sends in order is not held up by it. What is no code stays none.
    assert_eq!(office.asks(&card, &answer("t2", "1")).unwrap().events, []);
    let Err(Error::Invalid(faults)) = office.asks(&card, &answer("t2", "7")) else {
        panic!("must be invalid")
    };
    assert_eq!(faults[0].field, "code");
    assert_eq!(office.case().tasks[1].outcome, "refused");
}

/// An answer with words of its own.
fn answer_saying(task: &str, code: &str, reason: &str) -> Command {
    Command::RecordOutcome {
        task: task.into(),
        code: code.into(),
        reason: Some(Box::new([
            Words::from(reason.to_owned()),
            Words::from("Luật Bảo hiểm y tế".to_owned()),
        ])),
    }
}

#[test]
fn what_another_system_refuses_has_its_reason_or_the_one_that_the_definition_has_for_the_code() {
    let opens = |why: [&str; 2]| {
        let mut card = insurance("card", "issue");
        if let Some(Kind::External(external)) = &mut card.kind {
            let code = &mut external.codes[2];
            [code.reason, code.ground] = why.map(str::to_owned);
        }
        let mut definition = definition(
            "d",
            "register",
            vec![officers("register", "card"), card, officers("issue", "")],
        );
        definition.refusals = vec!["refused".into()];
        let mut office = under(&definition, &[], PriorityGround::Unspecified);
        office.completes("register", "done");
        office
    };
    let card = system("social-insurance", &[]);
    let invalid = |office: &mut Office, command: &Command| {
        let Err(Error::Invalid(faults)) = office.asks(&card, command) else {
            panic!("must be invalid")
        };
        faults[0].field.clone()
    };
    // Without a word it is not taken, and nothing else than a refusal has a reason.
    let mut office = opens(["", ""]);
    assert_eq!(invalid(&mut office, &answer("t2", "9")), "reason");
    for code in ["1", "5"] {
        let saying = answer_saying("t2", code, "Không đủ điều kiện");
        assert_eq!(invalid(&mut office, &saying), "reason", "{code}");
    }
    let unfounded = ["Không đủ điều kiện cấp thẻ", "Luật Bảo hiểm y tế"];
    for (mut office, command, said) in [
        (
            office,
            answer_saying("t2", "9", "Chưa đóng đủ"),
            "Chưa đóng đủ",
        ),
        (opens(unfounded), answer("t2", "9"), unfounded[0]),
        (
            opens(unfounded),
            answer_saying("t2", "9", "Chưa đóng đủ"),
            "Chưa đóng đủ",
        ),
    ] {
        let decision = office.asks(&card, &command).unwrap();
        let [statement] = &decision.statements[..] else {
            panic!("{:?}", decision.statements)
        };
        assert_eq!(statement.kind, StatementKind::Outcome as i32);
        assert_eq!(statement.body.expose(), said);
        assert_eq!(statement.ground.expose(), "Luật Bảo hiểm y tế");
        let shown = answered(CODE, office.case()).fill(&office.surround.definitions);
        assert_eq!(shown.tasks[1].statement_revision, statement.revision);
        // Said again, with or without words, it changes nothing.
        for again in [command, answer("t2", "9")] {
            assert_eq!(office.asks(&card, &again).unwrap().events, []);
        }
        assert_eq!(office.replayed().as_ref(), Some(office.case()));
    }
    // The definition says both, or neither, and of an outcome alone.
    for (why, place, field) in [
        (["Vì thế", ""], 2, "ground"),
        (["", "Luật"], 2, "reason"),
        (["Vì thế", "Luật"], 0, "reason"),
    ] {
        let mut card = insurance("card", "");
        if let Some(Kind::External(external)) = &mut card.kind {
            let code = &mut external.codes[place];
            [code.reason, code.ground] = why.map(str::to_owned);
        }
        let definition = definition("d", "card", vec![card]);
        let faults = Definition::parse(&definition).unwrap_err();
        let named = format!("definition.steps[0].external.codes[{place}].{field}");
        assert_eq!(faults[0].field, named);
    }
}

#[test]
fn a_system_that_does_not_answer_is_told_to_a_leader_who_may_record_the_answer() {
    let mut card = insurance("card", "issue");
    if let Some(Kind::External(external)) = &mut card.kind {
        external.escalate_after_percent = 50;
    }
    let mut office = plain(vec![
        officers("register", "card"),
        card,
        officers("issue", ""),
    ]);
    office.completes("register", "done");
    let shown = |office: &Office| {
        let case = answered(CODE, office.case()).fill(&office.surround.definitions);
        case.tasks[1].clone()
    };
    // Sixteen working hours from Tuesday at eight, and half of them.
    assert_eq!(
        shown(&office).due_at,
        Some(to_proto(at("2025-07-03T08:00")))
    );
    let escalation = office.case().tasks[1].escalation.unwrap();
    assert_eq!(escalation.at, at("2025-07-02T08:00"));
    // That it is on its way is no answer.
    let system = system("social-insurance", &[]);
    office.asks(&system, &answer("t2", "1")).unwrap();
    // The applicant's time is not the system's.
    office.now = at("2025-07-01T09:00");
    let ask = asks_for_supplement();
    office.asks(&officer(1), &ask).unwrap();
    office.now = at("2025-07-02T09:00");
    let now = office.now;
    office.reacts(Command::Resume {
        at: now,
        cause: cause(),
    });
    assert_eq!(
        shown(&office).due_at,
        Some(to_proto(at("2025-07-04T08:00")))
    );
    office.now = at("2025-07-03T07:59");
    assert_eq!(office.reacts(Command::Tick), []);
    office.now = at("2025-07-03T08:00");
    assert_eq!(office.reacts(Command::Tick), [K::TaskEscalated]);
    let Payload::TaskEscalated(escalated) = office.last() else {
        panic!("must be told")
    };
    assert_eq!(
        (escalated.task.as_str(), escalated.agency.as_str()),
        ("t2", WARD)
    );
    let task = shown(&office);
    assert!(task.escalated);
    assert_eq!(
        (task.role(), task.system.as_str()),
        (Role::System, "social-insurance")
    );
    assert_eq!(office.reacts(Command::Tick), []);
    // Nobody takes it in hand, and no officer answers; a leader does, and the case goes on.
    refused(office.asks(&leader(1), &Command::Claim { task: "t2".into() }));
    refused(office.asks(&officer(1), &answer("t2", "5")));
    // A group of the staff that has the system's name is not the system.
    let namesake = member("officer-8", Role::Officer, &["social-insurance"]);
    refused(office.asks(&namesake, &answer("t2", "5")));
    // While the leader is away, so does whoever stands in, and the history says for whom.
    let (away, deputy) = (leader(1), officer(2));
    let (away, deputy_id) = (away.actor().id.clone(), deputy.actor().id.clone());
    let mut deputised = office.clone();
    deputised
        .surround
        .substitutions
        .replace(vec![stands(&deputy_id, &away, Role::Leader)]);
    deputised.asks(&deputy, &answer("t2", "5")).unwrap();
    let task = &deputised.case().tasks[1];
    assert_eq!(
        (task.outcome.as_str(), &task.on_behalf_of),
        ("issued", &away)
    );
    office.surround.substitutions.replace(Vec::new());
    office.asks(&leader(1), &answer("t2", "5")).unwrap();
    assert_eq!(office.waiting(), ["t3 issue"]);
    assert_eq!(office.case().tasks[1].outcome, "issued");
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn a_late_word_that_it_is_on_its_way_changes_nothing_when_the_case_has_ended() {
    let mut office = plain(vec![officers("register", "card"), insurance("card", "")]);
    office.completes("register", "done");
    let card = system("social-insurance", &[]);
    office.asks(&card, &answer("t2", "5")).unwrap();
    assert_eq!(office.case().state, CaseState::Finished);
    assert_eq!(office.asks(&card, &answer("t2", "1")).unwrap().events, []);
    refused(office.asks(&card, &answer("t2", "9")));
}

#[test]
fn a_system_is_known_by_its_group_as_well() {
    let mut office = plain(vec![
        officers("register", "card"),
        insurance("card", "issue"),
        officers("issue", ""),
    ]);
    office.completes("register", "done");
    let connector = system("connector-3", &["social-insurance"]);
    office.asks(&connector, &answer("t2", "5")).unwrap();
    assert_eq!(office.waiting(), ["t3 issue"]);
}

#[test]
fn what_is_answered_while_the_case_stands_still_counts_once_it_goes_on() {
    let mut held = plain(vec![officers("register", "card"), insurance("card", "")]);
    held.completes("register", "done");
    held.asks(&officer(1), &asks_for_supplement()).unwrap();
    let card = system("social-insurance", &[]);
    held.asks(&card, &answer("t2", "5")).unwrap();
    let Payload::OutcomeKept(kept) = held.last() else {
        panic!("must be told")
    };
    assert_eq!((kept.task.as_str(), kept.code.as_str()), ("t2", "5"));
    // It is as if it was said: again it is nothing new, and nothing else is said in its place.
    assert_eq!(held.asks(&card, &answer("t2", "5")).unwrap().events, []);
    refused(held.asks(&card, &answer("t2", "9")));
    assert_eq!(held.case().state, CaseState::Held);
    assert_eq!(held.waiting(), ["t2 card"]);
    held.now = at("2025-07-02T09:00");
    let told = held.reacts(Command::Resume {
        at: held.now,
        cause: cause(),
    });
    assert_eq!(told, [K::CaseResumed, K::TaskCompleted, K::CaseFinished]);
    let task = held.case().task("t2").unwrap();
    assert_eq!(task.assignee, "social-insurance");
    assert_eq!((task.external_code.as_str(), &task.kept), ("5", &None));
    assert_eq!(held.replayed().as_ref(), Some(held.case()));
}

#[test]
fn a_refusal_that_was_kept_keeps_its_reason_and_a_stop_ends_both() {
    let steps = vec![officers("register", "card"), insurance("card", "")];
    let mut definition = definition("d", "register", steps);
    definition.refusals = vec!["refused".into()];
    let mut office = under(&definition, &[], PriorityGround::Unspecified);
    office.completes("register", "done");
    office.asks(&officer(1), &asks_for_supplement()).unwrap();
    let card = system("social-insurance", &[]);
    let kept = office.asks(&card, &answer_saying("t2", "9", "Chưa đóng đủ"));
    let kept = kept.unwrap();
    assert_eq!(kept.statements.len(), 1);
    let mut stopped = office.clone();
    stopped.reacts(Command::Lapse {
        at: stopped.now,
        cause: cause(),
    });
    assert_eq!(stopped.case().state, CaseState::Stopped);
    let now = office.now;
    office.reacts(Command::Resume {
        at: now,
        cause: cause(),
    });
    assert_eq!(office.case().task("t2").unwrap().reason, Some(1));
    assert_eq!(office.case().statement_revision, 1);
}

#[test]
fn of_two_answers_that_were_kept_neither_takes_the_others_words() {
    let branch = |to: &str| Branch {
        to: to.into(),
        option: String::new(),
    };
    let fork = Kind::Fork(ForkStep {
        branches: vec![branch("card"), branch("pension")],
        join: "meet".into(),
    });
    let meet = Kind::Join(JoinStep { to: "issue".into() });
    let steps = vec![
        officers("register", "both"),
        step("both", fork),
        insurance("card", "meet"),
        insurance("pension", "meet"),
        step("meet", meet),
        officers("issue", ""),
    ];
    let mut definition = definition("d", "register", steps);
    definition.refusals = vec!["refused".into()];
    let mut office = under(&definition, &[], PriorityGround::Unspecified);
    office.completes("register", "done");
    office.asks(&officer(1), &asks_for_supplement()).unwrap();
    let system = system("social-insurance", &[]);
    office.now = at("2025-07-01T10:00");
    for task in ["t3", "t2"] {
        let refusal = answer_saying(task, "9", "Chưa đóng đủ");
        office.asks(&system, &refusal).unwrap();
    }
    // On its way it was before: a late word of that does not show in place of the answer.
    assert_eq!(office.asks(&system, &answer("t2", "1")).unwrap().events, []);
    office.now = at("2025-07-02T09:00");
    let resumed = office.now;
    office.now = at("2025-07-03T09:00");
    office.reacts(Command::Resume {
        at: resumed,
        cause: cause(),
    });
    assert_eq!(office.waiting(), ["t4 issue"]);
    for (task, reason) in [("t2", 2), ("t3", 1)] {
        let task = office.case().task(task).unwrap();
        assert_eq!(task.reason, Some(reason));
        // It ended when the case went on, and the answer is as old as it is.
        assert_eq!(task.ended_at, Some(resumed));
        assert_eq!(task.external_code_at, Some(at("2025-07-01T10:00")));
    }
    // What is said next has a place of its own.
    assert_eq!(office.case().revisions[&(StatementKind::Outcome as i32)], 2);
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}
