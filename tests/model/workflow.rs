//! What is asked behind the counter: one generator for each of workflow's commands, and the conditions that the law sets.

use jiff::SignedDuration;
use motcua_platform::{error::Error, ledger::Authority};
use motcua_proto::{
    events::v1::HoldGround,
    r#type::v1::Role,
    workflow::v1::{CaseState, TaskState},
};
use motcua_workflow::domain::{Case, Command, Words};

use super::{setting::Person, world::World};

const WEIGHTS: [(&str, u32); 7] = [
    ("request_supplement", 3),
    ("request_payment", 2),
    ("extend_deadline", 2),
    ("stop", 1),
    ("claim", 20),
    ("complete", 60),
    ("return", 5),
];

/// The generator of each command. No wildcard: a new command does not compile until somebody decides here.
pub(super) fn name(command: &Command) -> &'static str {
    match command {
        // From intake's events: the world reads them.
        Command::Start { .. } => "start",
        Command::Withdraw { .. } => "withdraw_case",
        Command::Resume { .. } => "resume",
        Command::Lapse { .. } => "lapse",
        Command::Pay { .. } => "pay_case",
        Command::Recuse { .. } => "recuse_case",
        // By rule.
        Command::Retry => "retry",
        Command::Tick => "tick_case",
        Command::RequestSupplement { .. } => "request_supplement",
        Command::RequestPayment => "request_payment",
        Command::ExtendDeadline { .. } => "extend_deadline",
        Command::Stop { .. } => "stop",
        Command::Claim { .. } => "claim",
        Command::Complete { .. } => "complete",
        Command::Return { .. } => "return",
    }
}

fn words() -> Words {
    Words::from("theo quy định".to_owned())
}

/// Somebody behind the counter asks something of a case.
pub(super) fn asks(world: &mut World, place: usize) {
    let Some(case) = world.lives[place].case.clone() else {
        return;
    };
    let total: u32 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut left = world.random.u32(..total);
    let chosen = WEIGHTS.iter().find(|(_, weight)| {
        let found = left < *weight;
        left = left.saturating_sub(*weight);
        found
    });
    let command = generate(world, &case, chosen.unwrap().0);
    let person = somebody(world, &case, &command);
    let who = world.workers[person].authority.clone();
    let answer = world.asks_workflow(place, &who, &command);
    let after = world.lives[place].case.as_ref().unwrap();
    let how = match answer {
        Ok(()) => {
            may(&world.workers[person], &case, &command, after);
            "done"
        }
        Err(Error::Refused(_) | Error::Invalid(_) | Error::Missing { .. }) => {
            assert_eq!(&case, after, "a refusal changes nothing");
            "refused"
        }
        Err(error) => panic!("{}: {command:?}: {error}", world.lives[place].code),
    };
    world.seen.insert(format!("{} {how}", name(&command)));
}

/// By rule: the clock, and what a blocked case waited for.
pub(super) fn rules(world: &mut World, place: usize) {
    if world.lives[place].case.is_none() {
        return;
    }
    let rule = Authority::of_service("workflow");
    for command in [Command::Tick, Command::Retry] {
        world.asks_workflow(place, &rule, &command).unwrap();
        world.seen.insert(format!("{} done", name(&command)));
    }
}

/// Mostly somebody of the task's agency who has its role; else anybody.
fn somebody(world: &mut World, case: &Case, command: &Command) -> usize {
    let task = match command {
        Command::Claim { task } | Command::Complete { task, .. } | Command::Return { task, .. } => {
            case.task(task)
        }
        _ => None,
    };
    let fit: Vec<_> = (0..world.workers.len())
        .filter(|place| {
            let person = &world.workers[*place];
            match task {
                Some(task) => {
                    person.agencies.contains(&task.agency) && person.roles.contains(&task.role)
                }
                None => person.agencies.contains(&case.competent_agency),
            }
        })
        .collect();
    if fit.is_empty() || world.random.u8(..5) == 0 {
        world.random.usize(..world.workers.len())
    } else {
        fit[world.random.usize(..fit.len())]
    }
}

fn generate(world: &mut World, case: &Case, name: &str) -> Command {
    let random = &mut world.random;
    let waiting: Vec<_> = case.waiting().map(|(id, _)| id).collect();
    // Now and then one that has ended, or that never was.
    let task = if waiting.is_empty() || random.u8(..10) == 0 {
        format!("t{}", random.usize(1..=case.tasks.len() + 1))
    } else {
        waiting[random.usize(..waiting.len())].clone()
    };
    match name {
        "request_supplement" => Command::RequestSupplement {
            missing: words(),
            ground: words(),
        },
        "request_payment" => Command::RequestPayment,
        "extend_deadline" => Command::ExtendDeadline {
            due_at: case.due.at + SignedDuration::from_hours(24 * random.i64(-1..6)),
            reason: words(),
        },
        "stop" => Command::Stop {
            reason: words(),
            ground: words(),
        },
        "claim" => Command::Claim { task },
        "complete" => {
            let outcomes = ["done", "approved", "rejected", "rework"];
            let outcome = outcomes[random.usize(..outcomes.len())].to_owned();
            Command::Complete { task, outcome }
        }
        "return" => Command::Return {
            task,
            reason: words(),
        },
        other => panic!("no generator '{other}'"),
    }
}

/// What was done may be done: who did it, and where the case stood.
fn may(person: &Person, case: &Case, command: &Command, after: &Case) {
    assert!(!case.recused.contains(&person.id), "one's own matter");
    let of_case = person.agencies.contains(&case.competent_agency);
    match command {
        Command::Claim { task } | Command::Complete { task, .. } | Command::Return { task, .. } => {
            let task = case.task(task).unwrap();
            assert_eq!(case.state, CaseState::Running);
            assert!(
                person.agencies.contains(&task.agency),
                "another agency's task"
            );
            assert!(person.roles.contains(&task.role), "another role's task");
            assert!(
                task.state == TaskState::Open || task.assignee == person.id,
                "somebody else's task"
            );
            let prepared = case.tasks.iter().any(|before| {
                before.role != Role::Leader
                    && before.state == TaskState::Completed
                    && before.assignee == person.id
            });
            if task.role == Role::Leader && !matches!(command, Command::Return { .. }) {
                assert!(!prepared, "who prepared the case signed it");
            }
        }
        Command::RequestSupplement { .. } => {
            assert_eq!(case.state, CaseState::Running);
            let before = case
                .holds
                .iter()
                .filter(|hold| hold.ground == HoldGround::Supplement)
                .count();
            assert!(
                before == 0 || before == 1 && person.roles.contains(&Role::Leader),
                "asked for once, and by a leader once more"
            );
            assert_eq!(after.state, CaseState::Held);
            let part = case
                .waiting()
                .any(|(_, task)| person.agencies.contains(&task.agency));
            assert!(part || of_case, "another agency's case");
        }
        Command::RequestPayment => {
            assert_eq!(case.state, CaseState::Running);
            assert!(case.paid_vnd < case.fee_vnd, "asked for what is paid");
            assert_eq!(after.state, CaseState::Held);
        }
        Command::ExtendDeadline { due_at, .. } => {
            assert!(
                !case.extended && !case.is_ended(),
                "extended once, while it runs"
            );
            assert!(of_case, "another agency's case");
            assert!(*due_at > case.due.at, "an extension lies later");
            assert_eq!(
                after.first_due, case.first_due,
                "what it is judged by stays"
            );
        }
        Command::Stop { .. } => {
            assert!(!case.is_ended() && of_case);
            assert_eq!(after.state, CaseState::Stopped);
            assert_eq!(after.waiting().count(), 0, "an end leaves nothing open");
        }
        other => panic!("{other:?} is not asked by hand"),
    }
}
