//! Who may act on a case.

use motcua_platform::{error::Error, ledger::Authority};
use motcua_proto::{
    events::v1::{EventKind as K, event::Payload},
    r#type::v1::Role,
    workflow::v1::{CaseState, TaskState},
};

use super::{
    external::insurance,
    office::{
        INSURANCE, Office, POLICE, WARD, asks_for_supplement, at, cause, definition, leader,
        officer, staff, task, words,
    },
};
use crate::domain::{Command, Definition, Receipt};

const WORK: &str = "decree 118/2025, art. 18";
const FOUR_EYES: &str = "decree 118/2025, art. 18 (four eyes)";
const RECUSAL: &str = "law 36/2018/QH14, art. 23";

fn claim(task: &str) -> Command {
    Command::Claim { task: task.into() }
}

fn complete(task: &str, outcome: &str) -> Command {
    Command::Complete {
        reason: None,
        task: task.into(),
        outcome: outcome.into(),
    }
}

fn give_back(task: &str) -> Command {
    Command::Return {
        task: task.into(),
        reason: words(),
    }
}

fn extend() -> Command {
    Command::ExtendDeadline {
        due_at: at("2025-07-10T09:00"),
        reason: words(),
    }
}

fn stop() -> Command {
    Command::Stop {
        reason: words(),
        ground: words(),
    }
}

/// The article, the state and the remedy of a refusal; an accepted command has none.
fn refusal(
    office: &mut Office,
    who: &Authority,
    command: &Command,
) -> Option<(&'static str, String, &'static str)> {
    match office.asks(who, command) {
        Ok(_) => None,
        Err(Error::Refused(refusal)) => Some((refusal.article, refusal.state, refusal.remedy)),
        Err(other) => panic!("must be refused: {other}"),
    }
}

#[test]
fn a_task_is_theirs_who_have_its_role_at_its_agency() {
    let officer_of = |agency| staff("officer-1", &[Role::Officer], &[agency]);
    let leader_of = |agency| staff("leader-1", &[Role::Leader], &[agency]);
    let counter_of = |agency| staff("counter-1", &[Role::Receptionist], &[agency]);
    // At t2, verification by the police.
    for (who, agency_fits, role_fits) in [
        (officer_of(POLICE), true, true),
        (
            staff("both-1", &[Role::Leader, Role::Officer], &[WARD, POLICE]),
            true,
            true,
        ),
        (leader_of(POLICE), true, false),
        (counter_of(POLICE), true, false),
        (officer_of(WARD), false, true),
        (officer_of(INSURANCE), false, true),
        (leader_of(WARD), false, false),
    ] {
        for command in [claim("t2"), complete("t2", "done"), give_back("t2")] {
            let mut office = Office::accepts("2.002622", &[]);
            office.completes("register", "registered");
            let found = refusal(&mut office, &who, &command);
            let case = format!("{who:?} {command:?}");
            if !agency_fits {
                let (article, state, remedy) = found.expect(&case);
                assert_eq!((article, state.as_str()), (WORK, "OPEN"), "{case}");
                assert_eq!(
                    remedy, "leave it to the agency that the task names",
                    "{case}"
                );
            } else if !role_fits {
                let (article, state, remedy) = found.expect(&case);
                assert_eq!((article, state.as_str()), (WORK, "OPEN"), "{case}");
                assert!(remedy.contains("role"), "{case}");
            } else if let Some((_, _, remedy)) = found {
                // The first task of a branch has none before it.
                assert!(remedy.starts_with("complete it"), "{case}");
            }
        }
    }
}

#[test]
fn who_prepared_does_not_sign_whatever_their_roles() {
    let both = |n| {
        staff(
            &format!("both-{n}"),
            &[Role::Officer, Role::Leader],
            &[WARD],
        )
    };
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&both(1), &complete("t1", "done")).unwrap();
    for command in [claim("t2"), complete("t2", "approved")] {
        let (article, state, remedy) = refusal(&mut office, &both(1), &command).unwrap();
        assert_eq!((article, state.as_str()), (FOUR_EYES, "OPEN"));
        assert_eq!(remedy, "let another leader of the agency sign");
    }
    // Somebody else sends it back, does the first step anew, and has prepared it then too.
    office.asks(&both(2), &complete("t2", "rework")).unwrap();
    office.asks(&both(2), &complete("t3", "done")).unwrap();
    for n in [1, 2] {
        assert!(refusal(&mut office, &both(n), &complete("t4", "approved")).is_some());
    }
    assert_eq!(
        refusal(&mut office, &both(3), &complete("t4", "approved")),
        None
    );
    assert_eq!(office.case().state, CaseState::Finished);
}

#[test]
fn a_leader_who_wrote_down_another_systems_answer_signs_all_the_same() {
    let steps = vec![
        task("register", Role::Officer, 60, &[("done", "card")]),
        insurance("card", "sign"),
        task("sign", Role::Leader, 60, &[("approved", "")]),
    ];
    let steps = Definition::parse(&definition("d", "register", steps)).unwrap();
    let mut office = Office::open();
    office.surround.definitions.remember(steps);
    let receipt = Receipt {
        definition: "d".into(),
        ..office.receipt("1.000002", &[])
    };
    office.reacts(Command::Start {
        receipt: Box::new(receipt),
        cause: cause(),
    });
    let both = staff("both-1", &[Role::Officer, Role::Leader], &[WARD]);
    office.asks(&both, &complete("t1", "done")).unwrap();
    // On paper it came to the only leader there is.
    for who in [leader(1), both.clone()] {
        let mut office = office.clone();
        let code = "5".to_owned();
        let task = "t2".to_owned();
        let record = Command::RecordOutcome {
            task,
            code,
            reason: None,
        };
        assert_eq!(refusal(&mut office, &who, &record), None);
        assert_eq!(office.case().tasks[1].assignee, who.actor().id);
        let signed = refusal(&mut office, &who, &complete("t3", "approved"));
        if who.actor().id == both.actor().id {
            // What they prepared otherwise they do not sign.
            assert_eq!(signed.unwrap().0, FOUR_EYES);
        } else {
            assert_eq!(signed, None);
            assert_eq!(office.case().state, CaseState::Finished);
        }
    }
}

#[test]
fn a_leader_who_checked_a_branch_signs_the_whole() {
    let mut office = Office::accepts("1.000002", &[]);
    office.completes("read", "done");
    office.completes("land", "done");
    for (step, outcome) in [("land-check", "done"), ("sign", "approved")] {
        let command = complete(&office.task(step), outcome);
        assert_eq!(refusal(&mut office, &leader(1), &command), None, "{step}");
    }
}

#[test]
fn nobody_acts_on_what_is_their_own_or_a_relatives() {
    let mut office = Office::accepts("1.000001", &[]);
    let recuse = |who: &Authority| Command::Recuse {
        principal: who.actor().id.clone(),
    };
    for who in [officer(1), leader(1)] {
        assert_eq!(office.reacts(recuse(&who)), [K::CaseStaffRecused]);
        assert_eq!(office.reacts(recuse(&who)), []);
    }
    for (who, command) in [
        (officer(1), claim("t1")),
        (officer(1), complete("t1", "done")),
        (officer(1), give_back("t1")),
        (officer(1), asks_for_supplement()),
        (leader(1), extend()),
        (leader(1), stop()),
    ] {
        let (article, state, remedy) = refusal(&mut office, &who, &command).unwrap();
        assert_eq!((article, state.as_str()), (RECUSAL, "RUNNING"));
        assert_eq!(remedy, "leave it to a colleague");
    }
    assert_eq!(
        refusal(&mut office, &officer(2), &complete("t1", "done")),
        None
    );
    assert_eq!(refusal(&mut office, &leader(2), &extend()), None);
    assert_eq!(office.replayed().as_ref(), office.case.as_ref());
}

#[test]
fn what_they_had_in_hand_waits_for_somebody_else() {
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&officer(1), &claim("t1")).unwrap();
    office.reacts(Command::Recuse {
        principal: officer(1).actor().id.clone(),
    });
    let task = office.case().task("t1").unwrap();
    assert_eq!(
        (task.state, task.assignee.as_str(), task.claimed_at),
        (TaskState::Open, "", None)
    );
    assert_eq!(office.case().touched.iter().collect::<Vec<_>>(), [0]);
    assert_eq!(refusal(&mut office, &officer(2), &claim("t1")), None);
}

#[test]
fn who_was_marked_before_the_case_began_is_marked_however_it_begins() {
    for mut office in [Office::open(), Office::empty()] {
        let mut receipt = office.receipt("1.000001", &[]);
        receipt.recused = vec![officer(1).actor().id.clone()];
        office.reacts(Command::Start {
            receipt: Box::new(receipt),
            cause: cause(),
        });
        if office.case().state == CaseState::Blocked {
            // Marked while it is blocked.
            office.reacts(Command::Recuse {
                principal: officer(2).actor().id.clone(),
            });
            office.publish();
            office.reacts(Command::Retry);
            assert!(refusal(&mut office, &officer(2), &claim("t1")).is_some());
        }
        assert!(matches!(
            office.events.iter().find_map(|event| match &event.payload {
                Some(Payload::CaseStarted(started)) => Some(&started.recused),
                _ => None,
            }),
            Some(recused) if recused.contains(&officer(1).actor().id)
        ));
        assert!(refusal(&mut office, &officer(1), &claim("t1")).is_some());
        assert_eq!(office.replayed().as_ref(), office.case.as_ref());
    }
}

#[test]
fn the_cases_time_and_end_are_the_competent_agencys() {
    let police = staff("police-1", &[Role::Officer, Role::Leader], &[POLICE]);
    let insurance = staff("insurance-1", &[Role::Officer, Role::Leader], &[INSURANCE]);
    let mut office = Office::accepts("2.002622", &[]);
    office.completes("register", "registered");
    for command in [extend(), stop()] {
        let (_, state, remedy) = refusal(&mut office, &police, &command).unwrap();
        assert_eq!(state, "RUNNING");
        assert!(remedy.contains("competent_agency"));
    }
    // Who works on it may find that something is missing; who does not, may not.
    assert!(refusal(&mut office, &insurance, &asks_for_supplement()).is_some());
    assert_eq!(refusal(&mut office, &police, &asks_for_supplement()), None);
}

#[test]
fn a_case_is_theirs_who_received_it_decide_on_it_or_worked_on_it() {
    let mut office = Office::accepts("2.002622", &["funeral_costs"]);
    assert_eq!(office.case().tenants(), [WARD]);
    office.completes("register", "registered");
    assert_eq!(office.case().tenants(), [WARD, INSURANCE, POLICE]);
    office.completes("verify", "rejected");
    assert_eq!(office.case().tenants(), [WARD, INSURANCE, POLICE]);
}
