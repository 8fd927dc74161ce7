//! What is asked behind the counter, met by every status: the second table of intake's README, which a walk over gRPC reads too.

use motcua_platform::error::Error;
use motcua_proto::{
    events::v1::HoldGround,
    r#type::v1::Role,
    workflow::v1::{CaseState, Definition as ProtoDefinition},
};

use super::office::{Office, POLICE, WARD, at, cause, simple, staff, words};
use crate::domain::{Case, Command, Definition, Obligation};

const README: &str = include_str!("../../../../intake/README.md");
const BEGIN: &str = "<!-- table behind the counter -->\n";
const END: &str = "<!-- /table behind the counter -->";

/// An officer who is a leader too: what is refused is refused for where the case stands.
fn both() -> motcua_platform::ledger::Authority {
    staff(
        "leader-11593-9",
        &[Role::Leader, Role::Officer],
        &[WARD, POLICE],
    )
}

fn stop() -> Command {
    Command::Stop {
        reason: words(),
        ground: words(),
    }
}

fn ask_supplement() -> Command {
    Command::RequestSupplement {
        branch: String::new(),
        missing: words(),
        reason: words(),
        ground: words(),
    }
}

fn ask_payment() -> Command {
    Command::RequestPayment {
        obligation: Some(Obligation {
            amount_vnd: 300_000,
            reason: words(),
            ground: words(),
        }),
    }
}

/// The rows, by the methods' names. The task waits for a signature.
fn rows() -> Vec<(&'static str, Command)> {
    let task = || "t2".to_owned();
    vec![
        ("RequestSupplement of the case", ask_supplement()),
        ("RequestPayment", ask_payment()),
        (
            "ExtendDeadline",
            Command::ExtendDeadline {
                due_at: at("2025-07-09T10:00"),
                reason: words(),
            },
        ),
        (
            "ChooseLimit",
            Command::ChooseLimit {
                branch: String::new(),
                limit: "verified".to_owned(),
                reason: words(),
            },
        ),
        ("StopCase", stop()),
        ("ClaimTask", Command::Claim { task: task() }),
        (
            "ReturnTask",
            Command::Return {
                task: task(),
                reason: words(),
            },
        ),
        ("ReleaseTask", Command::Release { task: task() }),
        (
            "DelegateTask",
            Command::Delegate {
                task: task(),
                to: "leader-11593-8".to_owned(),
                until: at("2025-07-02T17:00"),
            },
        ),
        ("MigrateCase", Command::Migrate { version: 2 }),
        (
            "CompleteTask, the last",
            Command::Complete {
                task: task(),
                outcome: "approved".to_owned(),
                reason: None,
            },
        ),
    ]
}

/// Whether the method is of a task that one has in hand.
fn is_of_task_in_hand(row: &str) -> bool {
    matches!(row, "ReleaseTask" | "DelegateTask")
}

/// A case in every status that it may have, the signature in hand or not.
fn places(in_hand: bool) -> Vec<(&'static str, Office)> {
    let mut blocked = Office::empty();
    blocked.is_handed("1.000001", &[]);
    let mut running = Office::accepts("1.000001", &[]);
    let second = ProtoDefinition {
        version: 2,
        ..simple()
    };
    let second = Definition::parse(&second).unwrap();
    running.surround.definitions.remember(second);
    running.completes("appraise", "done");
    let task = "t2".to_owned();
    if in_hand {
        running
            .asks(&both(), &Command::Claim { task: task.clone() })
            .unwrap();
    }
    let after = |command: Command| {
        let mut office = running.clone();
        office.asks(&both(), &command).unwrap();
        office
    };
    let mut withdrawn = running.clone();
    withdrawn.reacts(Command::Withdraw {
        at: withdrawn.now,
        cause: cause(),
    });
    let finished = after(Command::Complete {
        task,
        outcome: "approved".to_owned(),
        reason: None,
    });
    vec![
        ("2", blocked),
        ("4", running.clone()),
        ("5, case", after(ask_supplement())),
        ("6", after(ask_payment())),
        ("7", withdrawn),
        ("8", after(stop())),
        ("9", finished),
    ]
}

/// The dossier's status that a case makes.
fn status(case: &Case) -> &'static str {
    match case.state {
        CaseState::Held
            if case
                .holds
                .last()
                .is_some_and(|it| it.ground == HoldGround::Payment) =>
        {
            "6"
        }
        CaseState::Held => "5",
        CaseState::Withdrawn => "7",
        CaseState::Stopped => "8",
        CaseState::Finished => "9",
        CaseState::Blocked => "2",
        CaseState::Running | CaseState::Unspecified => "4",
    }
}

fn cell(office: &Office, command: &Command) -> String {
    let mut office = office.clone();
    let before = status(office.case());
    match office.asks(&both(), command) {
        Ok(_) if status(office.case()) == before => "=".to_owned(),
        Ok(_) => status(office.case()).to_owned(),
        Err(Error::Refused(refusal)) => match refusal.article.split_once(", art. ") {
            Some((_, article)) => format!("*{}*", article.split([',', ' ']).next().unwrap()),
            None => "*fee*".to_owned(),
        },
        // Before the case begins it has no task.
        Err(Error::Missing { .. }) => "–".to_owned(),
        Err(other) => panic!("{command:?}: {other}"),
    }
}

#[test]
fn the_second_table_of_the_readme_is_what_the_rules_do() {
    let (places, in_hand) = (places(false), places(true));
    let mut table = String::from("| |");
    for (place, _) in &places {
        table += &format!(" {place} |");
    }
    table += "\n| --- |";
    table += &" --- |".repeat(places.len());
    for (name, command) in rows() {
        table += &format!("\n| {name} |");
        let places = if is_of_task_in_hand(name) {
            &in_hand
        } else {
            &places
        };
        for (_, office) in places {
            table += &format!(" {} |", cell(office, &command));
        }
    }
    table += "\n";
    let written = README
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(table, _)| table);
    assert_eq!(written, Some(&table[..]), "write this:\n{table}");
}
