//! In whose hands a task is.

use jiff::Timestamp;
use motcua_platform::error::Error;
use motcua_proto::{
    events::v1::{EventKind as K, ReleaseGround, event::Payload},
    r#type::v1::Role,
    workflow::v1::TaskState,
};

use super::{
    office::{Office, WARD, asks_for_supplement, at, cause, leader, officer, refused, staff},
    substitution::stands,
};
use crate::domain::Command;

fn claim() -> Command {
    Command::Claim { task: "t1".into() }
}

fn release() -> Command {
    Command::Release { task: "t1".into() }
}

fn delegate(to: &str, until: Timestamp) -> Command {
    Command::Delegate {
        task: "t1".into(),
        to: to.into(),
        until,
    }
}

fn reassign(to: &str) -> Command {
    Command::Reassign {
        task: "t1".into(),
        to: to.into(),
    }
}

fn done() -> Command {
    Command::Complete {
        reason: None,
        task: "t1".into(),
        outcome: "done".into(),
    }
}

fn of(n: u32) -> String {
    format!("officer-{WARD}-{n}")
}

fn has(office: &Office) -> (TaskState, &str) {
    let task = &office.case().tasks[0];
    (task.state, task.assignee.as_str())
}

fn released(office: &Office) -> ReleaseGround {
    match office.last() {
        Payload::TaskReleased(released) => released.ground(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_taken_is_somebodys_for_its_budget_and_then_waits_for_others() {
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&officer(1), &claim()).unwrap();
    // 180 minutes are planned, and half a working day is the least: from eight over noon.
    let until = at("2025-07-01T14:00");
    assert_eq!(office.case().tasks[0].lease.as_ref().unwrap().until, until);
    refused(office.asks(&officer(2), &claim()));
    office.now = at("2025-07-01T13:59");
    assert_eq!(office.reacts(Command::Tick), []);
    office.now = until;
    assert_eq!(office.reacts(Command::Tick), [K::TaskReleased]);
    assert_eq!(released(&office), ReleaseGround::LeaseEnded);
    assert_eq!(has(&office), (TaskState::Open, ""));
    assert_eq!(office.reacts(Command::Tick), []);
    // Whoever had it may still finish it, as long as nobody else has it.
    office.clone().asks(&officer(1), &done()).unwrap();
    office.asks(&officer(2), &claim()).unwrap();
    refused(office.asks(&officer(1), &done()));
}

#[test]
fn a_hold_does_not_eat_the_time_that_a_task_is_somebodys() {
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&officer(1), &claim()).unwrap();
    office.now = at("2025-07-01T09:00");
    let ask = asks_for_supplement();
    office.asks(&officer(1), &ask).unwrap();
    office.now = at("2025-07-08T08:00");
    assert_eq!(office.reacts(Command::Tick), []);
    let now = office.now;
    office.reacts(Command::Resume {
        at: now,
        cause: cause(),
    });
    // Three of four hours were left.
    let lease = office.case().tasks[0].lease.as_ref().unwrap();
    assert_eq!(lease.until, at("2025-07-08T11:00"));
}

#[test]
fn who_has_a_task_gives_it_out_of_hand_and_so_does_a_leader() {
    let mut office = Office::accepts("1.000001", &[]);
    // Nobody has it: nothing is given away.
    assert!(
        office
            .asks(&officer(1), &release())
            .unwrap()
            .events
            .is_empty()
    );
    office.asks(&officer(1), &claim()).unwrap();
    refused(office.asks(&officer(2), &release()));
    office.asks(&officer(1), &release()).unwrap();
    assert_eq!(released(&office), ReleaseGround::ByHand);
    assert_eq!(has(&office), (TaskState::Open, ""));
    office.asks(&officer(2), &claim()).unwrap();
    office.asks(&leader(1), &release()).unwrap();
    assert_eq!(has(&office), (TaskState::Open, ""));
    let elsewhere = staff("leader-11407-1", &[Role::Leader], &["11407"]);
    refused(office.asks(&elsewhere, &release()));
}

#[test]
fn what_was_delegated_comes_back_when_its_time_has_passed() {
    let mut office = Office::accepts("1.000001", &[]);
    let until = at("2025-07-02T17:00");
    // Only what one has is delegated.
    refused(office.asks(&officer(1), &delegate(&of(2), until)));
    office.asks(&officer(1), &claim()).unwrap();
    refused(office.asks(&officer(2), &delegate(&of(2), until)));
    for (to, until, field) in [
        (of(1), until, "assignee"),
        (of(2), office.now, "until"),
        (of(2), at("2027-01-01T08:00"), "until"),
    ] {
        let Err(Error::Invalid(faults)) = office.asks(&officer(1), &delegate(&to, until)) else {
            panic!("{field} must be invalid")
        };
        assert_eq!(faults[0].field, field);
    }
    office.asks(&officer(1), &delegate(&of(2), until)).unwrap();
    assert_eq!(has(&office), (TaskState::Claimed, of(2).as_str()));
    refused(office.asks(&officer(1), &done()));
    // It is lent, and comes back: nobody lends it further.
    refused(office.asks(&officer(2), &delegate(&of(3), until)));
    // Given out of hand, it is theirs again who delegated it; so it is when the time has passed.
    let mut given_back = office.clone();
    given_back.asks(&officer(2), &release()).unwrap();
    assert_eq!(has(&given_back), (TaskState::Claimed, of(1).as_str()));
    // And again for as long as if they had taken it anew: four working hours from Tuesday at eight.
    let lease = |office: &Office| office.case().tasks[0].lease.clone().unwrap();
    assert_eq!(lease(&given_back).until, at("2025-07-01T14:00"));
    assert_eq!(lease(&given_back).back_to, "");
    office.now = until;
    office.reacts(Command::Tick);
    while office.case().timer_at().is_some_and(|at| at <= office.now) {
        office.reacts(Command::Tick);
    }
    assert_eq!(has(&office), (TaskState::Claimed, of(1).as_str()));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
    office.asks(&officer(1), &done()).unwrap();
}

#[test]
fn what_was_delegated_comes_back_to_nobody_who_may_no_longer_have_it() {
    let until = at("2025-07-02T17:00");
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&officer(1), &claim()).unwrap();
    office.asks(&officer(1), &delegate(&of(2), until)).unwrap();
    // It has become a relative's of whoever delegated it.
    office.reacts(Command::Recuse { principal: of(1) });
    assert_eq!(has(&office), (TaskState::Claimed, of(2).as_str()));
    let mut given_back = office.clone();
    given_back.asks(&officer(2), &release()).unwrap();
    assert_eq!(released(&given_back), ReleaseGround::ByHand);
    assert_eq!(has(&given_back), (TaskState::Open, ""));
    office.now = until;
    assert_eq!(office.reacts(Command::Tick), [K::TaskReleased]);
    assert_eq!(released(&office), ReleaseGround::DelegationEnded);
    assert_eq!(has(&office), (TaskState::Open, ""));
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
    office.asks(&officer(2), &claim()).unwrap();

    // A signature, of whoever prepared the other branch meanwhile.
    let both = staff("both-1", &[Role::Officer, Role::Leader], &[WARD]);
    let mut office = Office::accepts("1.000002", &["with_tax"]);
    office.completes("read", "done");
    office.completes("land", "done");
    let id = office.task("land-check");
    office
        .asks(&both, &Command::Claim { task: id.clone() })
        .unwrap();
    let lend = Command::Delegate {
        task: id.clone(),
        to: leader(2).actor().id.clone(),
        until,
    };
    office.asks(&both, &lend).unwrap();
    let tax = Command::Complete {
        reason: None,
        task: office.task("tax"),
        outcome: "done".into(),
    };
    office.asks(&both, &tax).unwrap();
    office
        .asks(&leader(2), &Command::Release { task: id.clone() })
        .unwrap();
    let task = office.case().task(&id).unwrap();
    assert_eq!((task.state, task.assignee.as_str()), (TaskState::Open, ""));
}

#[test]
fn a_leader_gives_a_task_to_whomever_and_not_to_a_relative() {
    let mut office = Office::accepts("1.000001", &[]);
    office.asks(&leader(1), &reassign(&of(2))).unwrap();
    assert_eq!(has(&office), (TaskState::Claimed, of(2).as_str()));
    assert!(
        office
            .asks(&leader(1), &reassign(&of(2)))
            .unwrap()
            .events
            .is_empty()
    );
    office.asks(&leader(1), &reassign(&of(1))).unwrap();
    let Payload::TaskReassigned(given) = office.last() else {
        panic!("must be told")
    };
    assert_eq!(
        (given.from.as_str(), given.assignee.as_str()),
        (of(2).as_str(), of(1).as_str())
    );
    // With one who is not there it does not lie for ever.
    let mut lying = office.clone();
    lying.now = at("2025-07-01T13:59:59");
    assert_eq!(lying.reacts(Command::Tick), []);
    lying.now = at("2025-07-01T14:00");
    assert_eq!(lying.reacts(Command::Tick), [K::TaskReleased]);
    assert_eq!(released(&lying), ReleaseGround::LeaseEnded);
    assert_eq!(has(&lying), (TaskState::Open, ""));
    assert_eq!(lying.replayed().as_ref(), Some(lying.case()));
    office.reacts(Command::Recuse { principal: of(2) });
    let refusal = refused(office.asks(&leader(1), &reassign(&of(2))));
    assert!(refusal.article.contains("36/2018"));
    refused(office.asks(&officer(1), &delegate(&of(2), at("2025-07-02T17:00"))));
    office.asks(&officer(1), &done()).unwrap();
    refused(office.asks(&leader(1), &reassign(&of(1))));
}

#[test]
fn whoever_stands_in_for_a_leader_gives_out_tasks_and_the_history_names_both() {
    let mut office = Office::accepts("1.000001", &[]);
    let away = leader(1).actor().id.clone();
    // An officer gives nothing away that is not in their own hands, and takes nothing back.
    office.asks(&officer(3), &claim()).unwrap();
    refused(office.asks(&officer(1), &reassign(&of(2))));
    refused(office.asks(&officer(1), &release()));
    let role = Role::Leader;
    let stands_in = stands(&of(1), &away, role);
    office.surround.substitutions.replace(vec![stands_in]);
    office.asks(&officer(1), &reassign(&of(2))).unwrap();
    let Payload::TaskReassigned(given) = office.last() else {
        panic!("must be told")
    };
    assert_eq!(given.on_behalf_of, away);
    office.asks(&officer(1), &release()).unwrap();
    assert_eq!(has(&office), (TaskState::Open, ""));
    office.asks(&leader(2), &reassign(&of(2))).unwrap();
    let Payload::TaskReassigned(given) = office.last() else {
        panic!("must be told")
    };
    assert_eq!(given.on_behalf_of, "");
}

#[test]
fn a_signature_is_given_to_nobody_who_prepared_the_case() {
    let mut office = Office::accepts("1.000001", &[]);
    let give = |to: &str| Command::Reassign {
        task: "t2".into(),
        to: to.into(),
    };
    let lend = |to: &str| Command::Delegate {
        task: "t2".into(),
        to: to.into(),
        until: at("2025-07-02T17:00"),
    };
    office.asks(&officer(1), &done()).unwrap();
    let second = format!("leader-{WARD}-2");
    office
        .asks(&leader(1), &Command::Claim { task: "t2".into() })
        .unwrap();
    for command in [give(&of(1)), lend(&of(1))] {
        let refusal = refused(office.asks(&leader(1), &command));
        assert!(refusal.article.contains("four eyes"), "{command:?}");
        assert!(refusal.remedy.contains("another leader"), "{command:?}");
        assert_eq!(refusal.state, "CLAIMED");
    }
    assert_eq!(
        office.case().tasks[1].assignee,
        leader(1).actor().id,
        "it stays where it was"
    );
    office.asks(&leader(1), &lend(&second)).unwrap();
    office.asks(&leader(1), &give(&second)).unwrap();
    // What goes back for rework is no signature: whoever prepared it prepares it anew.
    let rework = Command::Complete {
        reason: None,
        task: "t2".into(),
        outcome: "rework".into(),
    };
    office.asks(&leader(2), &rework).unwrap();
    let again = Command::Reassign {
        task: "t3".into(),
        to: of(1),
    };
    office.asks(&leader(1), &again).unwrap();
    assert_eq!(office.case().tasks[2].assignee, of(1));
}
