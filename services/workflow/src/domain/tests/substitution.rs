//! Who stands in for whom.

use jiff::Timestamp;
use motcua_platform::{
    error::Error,
    identity::Principal,
    ledger::{Authority, Context},
    policy,
};
use motcua_proto::{
    events::v1::{Event, event::Payload},
    r#type::v1::Role,
    workflow::v1::step::Kind,
};

use super::office::{
    CODE, Office, POLICE, WARD, at, cause, definition, leader, officer, refused, staff, task, words,
};
use crate::domain::{
    Command, Definition, Receipt, Substitution, SubstitutionCommand, control_sheet,
};

pub(super) fn stands(substitute: &str, absent: &str, role: Role) -> Substitution {
    Substitution {
        agency: WARD.into(),
        absent: absent.into(),
        substitute: substitute.into(),
        role,
        groups: Vec::new(),
        from: at("2025-07-01T00:00"),
        until: at("2025-07-04T00:00"),
        ground: "12/QĐ-UBND".into(),
        ended_at: None,
    }
}

/// A group that a step is for.
const SURVEYORS: &str = "surveyors";

/// Somebody who belongs to groups.
pub(super) fn member(id: &str, role: Role, groups: &[&str]) -> Authority {
    let mut principal = Principal::of(id, &[role], &[WARD]);
    principal.groups = groups.iter().map(|&group| group.to_owned()).collect();
    let method = policy::of("motcua.workflow.v1.TaskService/ClaimTask").unwrap();
    Authority::of(
        &principal,
        &policy::judge(method, Some(&principal), None).unwrap(),
    )
}

/// Somebody who has no role of a leader, and signs by delegation.
fn deputy() -> Authority {
    staff("deputy", &[Role::Receptionist], &[WARD])
}

fn complete(task: &str, outcome: &str) -> Command {
    Command::Complete {
        reason: None,
        task: task.into(),
        outcome: outcome.into(),
    }
}

fn appraised() -> Office {
    let mut office = Office::accepts("1.000001", &[]);
    office.completes("appraise", "done");
    office
}

#[test]
fn a_deputy_signs_by_delegation_within_its_period_and_the_history_names_both() {
    let mut office = appraised();
    let boss = leader(1).actor().id.clone();
    refused(office.asks(&deputy(), &complete("t2", "approved")));
    office
        .surround
        .substitutions
        .replace(vec![stands("deputy", &boss, Role::Leader)]);
    for (now, stands_in) in [
        ("2025-06-30T16:00", false),
        ("2025-07-03T17:00", true),
        ("2025-07-04T00:00", false),
    ] {
        let mut then = office.clone();
        then.now = at(now);
        assert_eq!(
            then.asks(&deputy(), &complete("t2", "approved")).is_ok(),
            stands_in,
            "{now}"
        );
    }
    office.asks(&deputy(), &complete("t2", "approved")).unwrap();
    let task = &office.case().tasks[1];
    assert_eq!(
        (task.assignee.as_str(), task.on_behalf_of.as_str()),
        ("deputy", boss.as_str())
    );
    let completed = office
        .events
        .iter()
        .rev()
        .find_map(|event| match &event.payload {
            Some(Payload::TaskCompleted(completed)) => Some(completed),
            _ => None,
        });
    assert_eq!(completed.unwrap().on_behalf_of, boss);
    // The control sheet names both.
    let sheet = control_sheet(CODE, office.case(), office.now, &office.surround).unwrap();
    let lines: Vec<_> = sheet
        .lines
        .iter()
        .map(|line| (line.assignee.as_str(), line.on_behalf_of.as_str()))
        .collect();
    assert_eq!(lines[1], ("deputy", boss.as_str()));
    assert_eq!(lines[0].1, "");
    assert_eq!(office.replayed().as_ref(), Some(office.case()));
}

#[test]
fn a_deputy_apologises_for_a_leader_who_is_away() {
    let mut office = appraised();
    let boss = leader(1).actor().id.clone();
    let extend = Command::ExtendDeadline {
        due_at: at("2025-07-08T10:00"),
        reason: words(),
    };
    for who in [deputy(), officer(1)] {
        let refusal = refused(office.asks(&who, &extend));
        assert!(refusal.remedy.contains("stands in"), "{refusal:?}");
    }
    office
        .surround
        .substitutions
        .replace(vec![stands("deputy", &boss, Role::Leader)]);
    office.asks(&deputy(), &extend).unwrap();
    let Payload::DeadlineExtended(extended) = office.last() else {
        panic!("must be extended")
    };
    assert_eq!(extended.on_behalf_of, boss);
    // A leader acts for nobody else.
    let mut office = appraised();
    office.asks(&leader(2), &extend).unwrap();
    assert!(
        matches!(office.last(), Payload::DeadlineExtended(extended) if extended.on_behalf_of.is_empty())
    );
}

#[test]
fn it_holds_for_the_agency_and_the_role_that_it_names() {
    let mut office = appraised();
    let boss = leader(1).actor().id.clone();
    let elsewhere = Substitution {
        agency: POLICE.into(),
        ..stands("deputy", &boss, Role::Leader)
    };
    let otherwise = stands("deputy", &boss, Role::Officer);
    let ended = Substitution {
        ended_at: Some(at("2025-07-01T07:00")),
        ..stands("deputy", &boss, Role::Leader)
    };
    for substitution in [elsewhere, otherwise, ended] {
        office.surround.substitutions.replace(vec![substitution]);
        refused(office.asks(&deputy(), &complete("t2", "approved")));
    }
}

#[test]
fn what_an_absent_colleague_has_in_hand_is_the_substitutes_too() {
    let mut office = Office::accepts("1.000001", &[]);
    let absent = officer(1).actor().id.clone();
    office
        .asks(&officer(1), &Command::Claim { task: "t1".into() })
        .unwrap();
    refused(office.asks(&officer(2), &complete("t1", "done")));
    let substitute = officer(2).actor().id.clone();
    office
        .surround
        .substitutions
        .replace(vec![stands(&substitute, &absent, Role::Officer)]);
    // Taken, given out of hand, given back a step: all of it for the colleague.
    let mut taken = office.clone();
    taken
        .asks(&officer(2), &Command::Claim { task: "t1".into() })
        .unwrap();
    assert_eq!(taken.case().tasks[0].on_behalf_of, absent);
    assert_eq!(taken.case().tasks[0].assignee, substitute);
    let mut released = office.clone();
    released
        .asks(&officer(2), &Command::Release { task: "t1".into() })
        .unwrap();
    assert_eq!(released.waiting(), ["t1 appraise"]);
    office.asks(&officer(2), &complete("t1", "done")).unwrap();
    assert_eq!(office.case().tasks[0].on_behalf_of, absent);
    // What is for one's own role and nobody's is done for oneself.
    let mut own = Office::accepts("1.000001", &[]);
    own.surround
        .substitutions
        .replace(vec![stands(&substitute, &absent, Role::Officer)]);
    own.asks(&officer(2), &complete("t1", "done")).unwrap();
    assert_eq!(own.case().tasks[0].on_behalf_of, "");
}

/// An office whose first task is for the group of the surveyors.
fn survey() -> Office {
    let mut steps = vec![task("survey", Role::Officer, 60, &[("done", "")])];
    if let Some(Kind::Task(task)) = &mut steps[0].kind {
        task.group = SURVEYORS.into();
    }
    let steps = Definition::parse(&definition("d", "survey", steps)).unwrap();
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
    office
}

#[test]
fn who_stands_in_for_a_colleague_has_the_colleagues_groups_whatever_roles_they_have_themselves() {
    let absent = "surveyor-1";
    let of_group = |groups: &[&str], substitute: &str| Substitution {
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        ..stands(substitute, absent, Role::Officer)
    };
    let with_role = officer(2);
    for (who, has_role) in [(with_role, true), (deputy(), false)] {
        let id = who.actor().id.clone();
        for (groups, takes) in [
            (&[SURVEYORS][..], true),
            (&["clerks", SURVEYORS], true),
            (&["clerks"], false),
            (&[], false),
        ] {
            let mut office = survey();
            office
                .surround
                .substitutions
                .replace(vec![of_group(groups, &id)]);
            let claimed = office.asks(&who, &Command::Claim { task: "t1".into() });
            if !takes {
                // Neither of the two could: neither may one for the other.
                let refusal = refused(claimed);
                assert!(refusal.message.contains("group"), "{refusal:?}");
                continue;
            }
            claimed.unwrap();
            office.asks(&who, &complete("t1", "done")).unwrap();
            let task = &office.case().tasks[0];
            assert_eq!(
                (task.assignee.as_str(), task.on_behalf_of.as_str()),
                (id.as_str(), absent)
            );
        }
        // Without a substitution the role is looked at before the group.
        let refusal = refused(survey().asks(&who, &complete("t1", "done")));
        assert_eq!(
            refusal.message.contains("another role"),
            !has_role,
            "{refusal:?}"
        );
        // What the colleague has in hand is theirs, and stays so once it was taken over.
        let mut office = survey();
        let surveyor = member(absent, Role::Officer, &[SURVEYORS]);
        let claim = Command::Claim { task: "t1".into() };
        office.asks(&surveyor, &claim).unwrap();
        office
            .surround
            .substitutions
            .replace(vec![of_group(&[], &id)]);
        office.asks(&who, &claim).unwrap();
        office.asks(&who, &complete("t1", "done")).unwrap();
        assert_eq!(office.case().tasks[0].on_behalf_of, absent);
    }
    // The role of the one and the group of the other make neither of them a surveyor.
    let mut office = survey();
    let clerk = member("clerk-1", Role::Receptionist, &[SURVEYORS]);
    office
        .surround
        .substitutions
        .replace(vec![of_group(&[], "clerk-1")]);
    let refusal = refused(office.asks(&clerk, &complete("t1", "done")));
    assert!(refusal.message.contains("group"), "{refusal:?}");
    // Who belongs to the group themselves acts for nobody else.
    let mut office = survey();
    let own = member("surveyor-2", Role::Officer, &[SURVEYORS]);
    office
        .surround
        .substitutions
        .replace(vec![of_group(&[SURVEYORS], "surveyor-2")]);
    office.asks(&own, &complete("t1", "done")).unwrap();
    assert_eq!(office.case().tasks[0].on_behalf_of, "");
}

#[test]
fn who_prepared_does_not_sign_for_somebody_else_either() {
    let mut office = Office::accepts("1.000001", &[]);
    let boss = leader(1).actor().id.clone();
    let substitute = officer(1).actor().id.clone();
    office
        .surround
        .substitutions
        .replace(vec![stands(&substitute, &boss, Role::Leader)]);
    office.asks(&officer(1), &complete("t1", "done")).unwrap();
    let refusal = refused(office.asks(&officer(1), &complete("t2", "approved")));
    assert!(refusal.article.contains("four eyes"));
    // And nobody acts for somebody else on what is a relative's.
    let mut relative = appraised();
    relative
        .surround
        .substitutions
        .replace(vec![stands("deputy", &boss, Role::Leader)]);
    relative.reacts(Command::Recuse {
        principal: "deputy".into(),
    });
    let refusal = refused(relative.asks(&deputy(), &complete("t2", "approved")));
    assert!(refusal.article.contains("36/2018"));
}

fn decides(
    before: Option<&Substitution>,
    command: &SubstitutionCommand,
    who: &Authority,
    now: Timestamp,
) -> Result<Option<Substitution>, Error> {
    let context = Context::new(now, "11593-250701-0001", who);
    let decision = Substitution::decide(before, command, &context)?;
    let events = decision.events.into_iter().map(|payload| Event {
        payload: Some(payload),
        ..Event::default()
    });
    Ok(events.fold(before.cloned(), |state, event| {
        Substitution::apply(state, &event)
    }))
}

#[test]
fn a_substitution_begins_and_ends_once_and_by_its_own_agency() {
    let now = at("2025-07-01T08:00");
    let new = stands("deputy", "leader", Role::Leader);
    let create = SubstitutionCommand::Create(new.clone());
    let begun = decides(None, &create, &leader(1), now).unwrap().unwrap();
    assert_eq!(begun, new);
    assert!(begun.is_in_force(now));
    let elsewhere = staff("leader-11407-1", &[Role::Leader], &["11407"]);
    assert!(matches!(
        decides(None, &create, &elsewhere, now),
        Err(Error::Refused(_))
    ));
    let ended = decides(Some(&begun), &SubstitutionCommand::End, &leader(1), now)
        .unwrap()
        .unwrap();
    assert!(!ended.is_in_force(now));
    let again = decides(
        Some(&ended),
        &SubstitutionCommand::End,
        &leader(1),
        at("2025-07-02T08:00"),
    );
    assert_eq!(again.unwrap(), Some(ended));
    // What is over by itself is not ended.
    let over = decides(
        Some(&begun),
        &SubstitutionCommand::End,
        &leader(1),
        at("2025-07-05T08:00"),
    );
    assert_eq!(over.unwrap(), Some(begun));
    assert!(matches!(
        decides(None, &SubstitutionCommand::End, &leader(1), now),
        Err(Error::Missing { .. })
    ));
}

#[test]
fn a_substitution_that_cannot_be_names_its_field() {
    let now = at("2025-07-01T08:00");
    let new = stands("deputy", "leader", Role::Leader);
    for (substitution, field) in [
        (
            Substitution {
                absent: "deputy".into(),
                ..new.clone()
            },
            "substitution.substitute",
        ),
        (
            Substitution {
                until: new.from,
                ..new.clone()
            },
            "substitution.until",
        ),
        (
            Substitution {
                from: at("2025-06-01T00:00"),
                until: at("2025-06-30T00:00"),
                ..new.clone()
            },
            "substitution.until",
        ),
        (
            Substitution {
                until: at("2026-08-01T00:00"),
                ..new.clone()
            },
            "substitution.until",
        ),
    ] {
        let create = SubstitutionCommand::Create(substitution);
        let Err(Error::Invalid(faults)) = decides(None, &create, &leader(1), now) else {
            panic!("{field} must be invalid")
        };
        assert_eq!(faults[0].field, field);
    }
}
