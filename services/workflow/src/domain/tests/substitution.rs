//! Who stands in for whom.

use jiff::Timestamp;
use motcua_platform::{
    error::Error,
    ledger::{Authority, Context},
};
use motcua_proto::{
    events::v1::{Event, event::Payload},
    r#type::v1::Role,
};

use super::office::{CODE, Office, POLICE, WARD, at, leader, officer, refused, staff, words};
use crate::domain::{Command, Substitution, SubstitutionCommand, control_sheet};

fn stands(substitute: &str, absent: &str, role: Role) -> Substitution {
    Substitution {
        agency: WARD.into(),
        absent: absent.into(),
        substitute: substitute.into(),
        role,
        from: at("2025-07-01T00:00"),
        until: at("2025-07-04T00:00"),
        ground: "12/QĐ-UBND".into(),
        ended_at: None,
    }
}

/// Somebody who has no role of a leader, and signs by delegation.
fn deputy() -> Authority {
    staff("deputy", &[Role::Receptionist], &[WARD])
}

fn complete(task: &str, outcome: &str) -> Command {
    Command::Complete {
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
