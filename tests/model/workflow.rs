//! What is asked behind the counter: one generator for each of workflow's commands, and the conditions that the law sets.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{error::Error, ledger::Authority};
use motcua_proto::{
    events::v1::HoldGround,
    r#type::v1::Role,
    workflow::v1::{CaseState, TaskState},
};
use motcua_workflow::domain::{Case, Command, Obligation, Task, Words};

use super::{
    deputies, path, reckoning,
    setting::{FEE_VND, Person, VERIFIED, verified_limit_of},
    work::{INSURANCE, REFUSAL},
    world::{World, due_of_branch},
};

const WEIGHTS: [(&str, u32); 13] = [
    ("request_supplement", 4),
    ("request_payment", 2),
    ("extend_deadline", 4),
    ("choose_limit", 2),
    ("stop", 1),
    ("claim", 20),
    ("complete", 60),
    ("return", 5),
    ("record_outcome", 8),
    ("release", 3),
    ("delegate", 5),
    ("reassign", 3),
    ("migrate", 6),
];

/// A case was not taken under another version of its definition, because of its shape.
pub(super) const MISFIT: &str = "misfit refused";

/// Whoever works on a branch asked for it, or asked again.
pub(super) const BRANCH_ASKED: &str = "supplement of a branch";
/// What refuses was signed without a word, which was said before.
pub(super) const SAID_BEFORE: &str = "refusal said before";
/// What another system answered while its step stood still counted later.
pub(super) const KEPT_COUNTED: &str = "a kept answer counted";
/// What refuses came without a word.
pub(super) const UNSAID: &str = "refusal unsaid";

/// What is asked by hand.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WEIGHTS.into_iter().map(|(name, _)| name)
}

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
        Command::Recompute => "recompute_case",
        Command::RequestSupplement { .. } => "request_supplement",
        Command::RequestPayment { .. } => "request_payment",
        Command::ExtendDeadline { .. } => "extend_deadline",
        Command::ChooseLimit { .. } => "choose_limit",
        Command::Stop { .. } => "stop",
        Command::Claim { .. } => "claim",
        Command::Complete { .. } => "complete",
        Command::Return { .. } => "return",
        Command::RecordOutcome { .. } => "record_outcome",
        Command::Release { .. } => "release",
        Command::Delegate { .. } => "delegate",
        Command::Reassign { .. } => "reassign",
        Command::Migrate { .. } => "migrate",
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
    let (person, command) = draws(world, &case);
    let who = world.workers[person].authority.clone();
    let answer = world.asks_workflow(place, &who, &command);
    let after = world.lives[place].case.as_ref().unwrap();
    let expected = allowed(world, &world.workers[person], &case, &command);
    assert_eq!(
        answer.is_ok(),
        expected,
        "{}: {} asks {command:?} of {case:#?}: {answer:?}",
        world.lives[place].code,
        world.workers[person].id
    );
    let reason = answer.as_ref().err().map(ToString::to_string);
    let reason = reason.unwrap_or_default();
    let how = match answer {
        Ok(()) => {
            done(&command, &case, after);
            "done"
        }
        Err(Error::Refused(_) | Error::Invalid(_) | Error::Missing { .. }) => {
            assert_eq!(&case, after, "a refusal changes nothing");
            "refused"
        }
        Err(error) => panic!("{}: {command:?}: {error}", world.lives[place].code),
    };
    world.seen.insert(format!("{} {how}", name(&command)));
    world
        .seen
        .extend(told(&case, &command, how).map(str::to_owned));
    let mark = mark(world, &world.workers[person], &case, &command);
    if mark == Some(MISFIT) {
        assert!(reason.contains("does not fit version"), "{reason}");
    }
    world.seen.extend(mark.map(str::to_owned));
}

/// Another system refused, by a code that has its reason, and by an answer that brought one.
pub(super) const CODE_REFUSES: &str = "a code refuses";
pub(super) const ANSWER_REFUSES: &str = "an answer refuses";

/// What came of it that is worth knowing.
fn told(case: &Case, command: &Command, how: &str) -> Option<&'static str> {
    match command {
        Command::RequestSupplement { branch, .. } => {
            (how == "done" && !branch.is_empty()).then_some(BRANCH_ASKED)
        }
        Command::RecordOutcome { code, .. } if how == "done" => match code.as_str() {
            "8" => Some(CODE_REFUSES),
            "9" => Some(ANSWER_REFUSES),
            _ => None,
        },
        Command::Complete {
            task,
            outcome,
            reason: None,
        } if outcome == REFUSAL => {
            let is_taken = case.task(task)?.state == TaskState::Claimed;
            match how {
                "done" => Some(SAID_BEFORE),
                _ => is_taken.then_some(UNSAID),
            }
        }
        _ => None,
    }
}

/// What is told beside the command and its answer: whom a task's group keeps out, and which case a version does not fit.
pub(super) fn mark(
    world: &World,
    person: &Person,
    case: &Case,
    command: &Command,
) -> Option<&'static str> {
    match command {
        Command::Claim { task } | Command::Complete { task, .. } => {
            let task = case.task(task)?;
            let of_agency = person.agencies.contains(&task.agency);
            let in_role = of_agency && person.roles.contains(&task.role);
            let is_open = task.state == TaskState::Open;
            let is_kept_out = is_open && in_role && !person.is_of(path::group(case, task));
            is_kept_out.then_some("group refused")
        }
        Command::Migrate { version } => {
            let other = *version != case.definition_version;
            let itself = Command::Migrate {
                version: case.definition_version,
            };
            let is_there = (1..=world.newest(&case.definition)).contains(version);
            let only = other && is_there && allowed(world, person, case, &itself);
            (only && !path::fits_the_other(case)).then_some(MISFIT)
        }
        _ => None,
    }
}

/// What somebody, by place among the workers, is to ask of a case.
pub(super) fn draws(world: &mut World, case: &Case) -> (usize, Command) {
    let name = world.drawn(&WEIGHTS);
    let command = generate(world, case, name);
    (somebody(world, case, &command), command)
}

/// What somebody is to finish of a case.
pub(super) fn draws_completion(world: &mut World, case: &Case) -> (usize, Command) {
    let command = generate(world, case, "complete");
    (somebody(world, case, &command), command)
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
    // By the same calendar, every due is what it is.
    let before = world.lives[place].case.clone();
    world
        .asks_workflow(place, &rule, &Command::Recompute)
        .unwrap();
    assert_eq!(world.lives[place].case, before);
}

/// Mostly somebody of the task's agency who has its role; else anybody.
fn somebody(world: &mut World, case: &Case, command: &Command) -> usize {
    let task = match command {
        Command::Claim { task }
        | Command::Complete { task, .. }
        | Command::Return { task, .. }
        | Command::Release { task }
        | Command::Delegate { task, .. } => case.task(task),
        _ => None,
    };
    let of_branch = match command {
        Command::ChooseLimit { branch, .. } => case.sub_case(branch),
        _ => None,
    };
    let answers = matches!(command, Command::RecordOutcome { .. });
    let is_delegation = matches!(command, Command::Delegate { .. });
    let for_leader = matches!(
        command,
        Command::ExtendDeadline { .. } | Command::Migrate { .. }
    );
    let fit: Vec<_> = (0..world.workers.len())
        .filter(|place| {
            let person = &world.workers[*place];
            let is_system = person.roles == [Role::System];
            let agency = &case.competent_agency;
            let of_case = person.agencies.contains(agency);
            if answers {
                return is_system || of_case && deputies::leads(world, person, agency, world.now);
            }
            if is_system {
                return false;
            }
            match task {
                // Whoever has it in hand; whoever has the role; or who stands in for one of them.
                Some(task) if is_delegation => has(world, person, task),
                Some(task) => deputies::takes(world, person, case, task, world.now).is_some(),
                None if for_leader && !person.roles.contains(&Role::Leader) => false,
                None => match of_branch {
                    Some(branch) => person.agencies.contains(&branch.agency),
                    None => of_case,
                },
            }
        })
        .collect();
    if fit.is_empty() || world.random.u8(..5) == 0 {
        // The last one is another system, which has nothing else to ask.
        let staff = world.workers.len() - 1;
        world.random.usize(..staff)
    } else {
        fit[world.random.usize(..fit.len())]
    }
}

fn generate(world: &mut World, case: &Case, name: &str) -> Command {
    let now = world.now;
    let colleague = world.random.usize(..world.workers.len());
    let colleague = world.workers[colleague].id.clone();
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
            reason: Words::default(),
            // Mostly whoever asks need not say for which branch.
            branch: match random.u8(..6) {
                0 => "benefit",
                1 | 2 => "residence",
                _ => "",
            }
            .to_owned(),
            missing: words(),
            ground: words(),
        },
        "request_payment" => Command::RequestPayment {
            obligation: (random.u8(..3) == 0).then(|| Obligation {
                amount_vnd: FEE_VND / [1, 2, 4][random.usize(..3)],
                reason: words(),
                ground: words(),
            }),
        },
        "extend_deadline" => Command::ExtendDeadline {
            // Now and then in the night, when nobody is there.
            due_at: case.due.at
                + SignedDuration::from_hours(24 * random.i64(-1..6))
                + SignedDuration::from_hours(if random.u8(..5) == 0 { 6 } else { 0 }),
            reason: words(),
        },
        "choose_limit" => Command::ChooseLimit {
            branch: match random.u8(..8) {
                0 => "benefit",
                1..4 => "residence",
                _ => "",
            }
            .to_owned(),
            limit: if random.u8(..5) == 0 {
                "heard"
            } else {
                VERIFIED
            }
            .to_owned(),
            reason: words(),
        },
        "stop" => Command::Stop {
            reason: words(),
            ground: words(),
        },
        "claim" => Command::Claim { task },
        "complete" => {
            // Mostly one that the step has.
            let own = case.task(&task).map(|task| path::outcomes(&task.step));
            let any: &[_] = &["done", "approved", "rejected", "rework"];
            let outcomes = own.filter(|own| !own.is_empty() && random.u8(..4) > 0);
            let outcomes = outcomes.unwrap_or(any);
            let outcome = outcomes[random.usize(..outcomes.len())].to_owned();
            let said = random.u8(..10) < if outcome == REFUSAL { 7 } else { 1 };
            Command::Complete {
                task,
                outcome,
                reason: said.then(|| Box::new([words(), words()])),
            }
        }
        "record_outcome" => Command::RecordOutcome {
            task,
            code: ["1", "5", "7", "8", "9"][random.usize(..5)].to_owned(),
            reason: (random.u8(..3) == 0).then(|| Box::new([words(), words()])),
        },
        "release" => Command::Release { task },
        "delegate" => Command::Delegate {
            task,
            to: colleague,
            until: now + SignedDuration::from_hours(random.i64(-2..100)),
        },
        "reassign" => Command::Reassign {
            task,
            to: colleague,
        },
        "migrate" => Command::Migrate {
            // Mostly the other one.
            version: match random.u8(..4) {
                0 => random.i32(1..=3),
                _ => 3 - case.definition_version,
            },
        },
        "return" => Command::Return {
            task,
            reason: words(),
        },
        other => panic!("no generator '{other}'"),
    }
}

/// Whether the law lets somebody do it: no less and no more.
pub(super) fn allowed(world: &World, person: &Person, case: &Case, command: &Command) -> bool {
    let now = world.now;
    let runs = case.state == CaseState::Running;
    let of_case = person.agencies.contains(&case.competent_agency);
    let works = case
        .waiting()
        .any(|(_, task)| person.agencies.contains(&task.agency));
    // What one branch's agency awaits holds up no other branch.
    let goes_on_of = |call: &str| {
        let mut held_up = case
            .open_holds()
            .map(|hold| hold.branch.as_str())
            .peekable();
        let awaits = held_up.peek().is_some();
        runs || awaits && held_up.all(|branch| !branch.is_empty() && call != branch)
    };
    let goes_on = |task: &str| case.task(task).is_some_and(|task| goes_on_of(&task.call));
    let lawful = match command {
        Command::Claim { task } => {
            goes_on(task)
                && has_task(world, person, case, task)
                && !signs_own_work(person, case, task)
        }
        Command::Complete {
            task,
            outcome,
            reason,
        } => {
            goes_on(task)
                && has_task(world, person, case, task)
                && !signs_own_work(person, case, task)
                && case.task(task).is_some_and(|task| {
                    path::offers(case, task, outcome)
                        && path::is_reason_right(case, task, outcome, reason.is_some())
                })
        }
        Command::Return { task, .. } => {
            goes_on(task)
                && has_task(world, person, case, task)
                && case
                    .task(task)
                    .is_some_and(|task| !task.previous.is_empty() && returned(case, task) < 5)
        }
        Command::Release { task } => case.task(task).is_some_and(|task| {
            let theirs =
                has(world, person, task) || deputies::leads(world, person, &task.agency, now);
            waits_for_people(person, task) && (task.state == TaskState::Open || theirs)
        }),
        Command::Delegate { task, to, until } => case.task(task).is_some_and(|task| {
            waits_for_people(person, task)
                && task.state == TaskState::Claimed
                && has(world, person, task)
                && task.lease.as_ref().is_none_or(|it| it.back_to.is_empty())
                && *to != task.assignee
                && *until > now
                && may_have(case, task, to)
        }),
        Command::Reassign { task, to } => case.task(task).is_some_and(|task| {
            waits_for_people(person, task)
                && deputies::leads(world, person, &task.agency, now)
                && may_have(case, task, to)
        }),
        Command::Migrate { version } => {
            let is_there = (1..=world.newest(&case.definition)).contains(version);
            let fits = *version == case.definition_version || path::fits_the_other(case);
            (runs || case.state == CaseState::Held) && of_case && is_there && fits
        }
        Command::RecordOutcome {
            task: id,
            code,
            reason,
        } => case.task(id).is_some_and(|task| {
            let kept = task.kept.as_ref().map(|kept| kept.code.as_str());
            let said_again = task.state == TaskState::Completed && task.external_code == *code
                || kept == Some(code);
            let waits = task.state == TaskState::Open;
            // A word on the way is taken wherever the case and the task stand, while the definition has the step.
            let on_its_way = code == "1" && case.definition_version == 1;
            // A refusal has a reason, its own or the definition's, and nothing else has one.
            let means = match code.as_str() {
                "5" => reason.is_none(),
                "8" => true,
                "9" => reason.is_some(),
                _ => false,
            };
            // While its step stands still the first answer is kept.
            let stands = case.state == CaseState::Held && !goes_on(id) && kept.is_none();
            let means = means && (goes_on(id) || stands);
            let leads = person.agencies.contains(&task.agency)
                && deputies::leads(world, person, &task.agency, now);
            let answers = person.id == INSURANCE || leads;
            let is_taken = on_its_way && reason.is_none() || waits && means;
            task.step == "card" && answers && (said_again || is_taken)
        }),
        Command::RequestSupplement { branch: named, .. } => {
            let branch = if named.is_empty() {
                asks_for(person, case)
            } else {
                named
            };
            let mut own = branches_of(person, case);
            let may_ask = if named.is_empty() {
                of_case || works
            } else {
                own.any(|it| it == named)
            };
            let asked = case
                .holds
                .iter()
                .filter(|hold| hold.ground == HoldGround::Supplement && hold.branch == branch)
                .count();
            let of_branch = case.sub_case(branch).map(|it| &it.agency);
            let mut asking = person.agencies.iter();
            let leads = asking.any(|agency| {
                of_branch.is_none_or(|it| it == agency)
                    && deputies::leads(world, person, agency, now)
            });
            let once_more = asked == 1 && leads;
            // What another branch's agency awaits holds up no asking for a branch.
            let goes_on = if branch.is_empty() {
                runs
            } else {
                goes_on_of(branch)
            };
            goes_on && may_ask && (asked == 0 || once_more)
        }
        Command::RequestPayment { obligation } => {
            let owed_vnd = case.fee_vnd + obligation.as_ref().map_or(0, |it| it.amount_vnd);
            runs && (of_case || works) && case.paid_vnd < owed_vnd
        }
        Command::ExtendDeadline { due_at, .. } => {
            runs && of_case
                && deputies::leads(world, person, &case.competent_agency, now)
                && !case.extended
                && !has_passed(case, now)
                && *due_at > case.due.at
                && world.calendar.is_open(*due_at)
        }
        Command::ChooseLimit { branch, limit, .. } if !branch.is_empty() => {
            let own = case
                .sub_case(branch)
                .filter(|it| it.finished_at.is_none() && person.agencies.contains(&it.agency));
            let may_be = own.is_some_and(|it| {
                let (_, until) = due_of_branch(case, branch);
                let is_there = limit == VERIFIED && verified_limit_of(&it.procedure).is_some();
                it.chosen_limit.is_empty() && now < until && is_there
            });
            goes_on_of(branch) && may_be
        }
        Command::ChooseLimit { limit, .. } => {
            let is_there = limit == VERIFIED && verified_limit_of(&case.procedure).is_some();
            let first = case.chosen_limit.is_empty() && !case.extended;
            runs && of_case && first && !has_passed(case, now) && is_there
        }
        Command::Stop { .. } => of_case && !case.is_ended(),
        other => panic!("{other:?} is not asked by hand"),
    };
    lawful && !case.recused.contains(&person.id)
}

/// The branch for which somebody asks: theirs, where they do not act for the agency that decides.
fn asks_for<'a>(person: &Person, case: &'a Case) -> &'a str {
    if person.agencies.contains(&case.competent_agency) {
        return "";
    }
    branches_of(person, case).next().unwrap_or_default()
}

/// The branches under way that their agency works on.
fn branches_of<'a>(person: &Person, case: &'a Case) -> impl Iterator<Item = &'a str> {
    let own = case
        .sub_cases
        .iter()
        .filter(|branch| branch.finished_at.is_none() && person.agencies.contains(&branch.agency));
    own.map(|branch| branch.branch.as_str())
}

/// How often the work went back from a step.
fn returned(case: &Case, task: &Task) -> usize {
    let from = |it: &&Task| {
        it.state == TaskState::Returned && it.step == task.step && it.call == task.call
    };
    case.tasks.iter().filter(from).count()
}

/// The due that counts now has passed.
fn has_passed(case: &Case, now: Timestamp) -> bool {
    now >= reckoning::judged_until(path::limit(case), case.due.at)
}

/// It waits for them, or for a colleague whom they stand in for.
fn has_task(world: &World, person: &Person, case: &Case, task: &str) -> bool {
    let task = case.task(task);
    task.is_some_and(|task| deputies::takes(world, person, case, task, world.now).is_some())
}

/// It is in their hands, or in those of somebody whom they stand in for.
fn has(world: &World, person: &Person, task: &Task) -> bool {
    let mut absent = deputies::absent(world, &person.id, &task.agency, None, world.now);
    task.assignee == person.id || absent.any(|absent| absent == task.assignee)
}

/// It waits at this agency, and not for another system.
fn waits_for_people(person: &Person, task: &Task) -> bool {
    let waits = matches!(task.state, TaskState::Open | TaskState::Claimed);
    waits && task.step != "card" && person.agencies.contains(&task.agency)
}

/// Who prepared the case does not sign it.
fn signs_own_work(person: &Person, case: &Case, task: &str) -> bool {
    case.task(task)
        .is_some_and(|task| prepared_for(case, task, &person.id))
}

/// It is a signature, and they prepared what is signed. What the other system came to is nobody's work who wrote it down.
fn prepared_for(case: &Case, task: &Task, person: &str) -> bool {
    task.role == Role::Leader
        && case.tasks.iter().any(|before| {
            before.role != Role::Leader
                && before.step != "card"
                && before.state == TaskState::Completed
                && before.assignee == person
        })
}

/// Whether somebody may be given a task.
pub(super) fn may_have(case: &Case, task: &Task, person: &str) -> bool {
    !case.recused.contains(person) && !prepared_for(case, task, person)
}

/// What has come of what was done.
pub(super) fn done(command: &Command, case: &Case, after: &Case) {
    match command {
        Command::RequestSupplement { .. } | Command::RequestPayment { .. } => {
            assert_eq!(after.state, CaseState::Held);
        }
        Command::ExtendDeadline { .. } => {
            assert_eq!(
                after.first_due, case.first_due,
                "what it is judged by stays"
            );
            assert!(after.extended);
        }
        Command::ChooseLimit { branch, .. } if !branch.is_empty() => {
            let (before, chosen) = (case.sub_case(branch), after.sub_case(branch));
            let (before, chosen) = before.zip(chosen).unwrap();
            assert_eq!(chosen.chosen_limit, VERIFIED);
            assert!(chosen.due_at > before.due_at);
            assert_eq!(after.due, case.due, "the whole has a limit of its own");
            assert_eq!(after.chosen_limit, case.chosen_limit);
        }
        Command::ChooseLimit { .. } => {
            // A limit of the same day has as many, where what was missing came late again and again.
            let has_more = after.first_due.at > case.first_due.at;
            assert!(has_more || after.first_due == case.first_due);
            assert_eq!(after.due, after.first_due);
            assert_eq!(after.chosen_limit, VERIFIED);
            assert!(after.waiting().all(|(id, task)| {
                let before = case.task(&id).unwrap();
                let own = task.call.is_empty() && task.system.is_empty();
                (own && has_more) == (task.planned_minutes > before.planned_minutes)
            }));
        }
        Command::Complete {
            task,
            outcome,
            reason,
        } => {
            let said = after.task(task).unwrap().reason;
            assert_eq!(said.is_some(), reason.is_some(), "{outcome}");
            let task = case.task(task).unwrap();
            if let Some(begins) = path::begins(case, task, outcome) {
                assert_eq!(opened(case, after), begins, "after '{}'", task.step);
                let ends = begins.is_empty();
                assert_eq!(after.state == CaseState::Finished, ends);
            }
        }
        Command::Migrate { version } => assert_eq!(after.definition_version, *version),
        Command::Return { task, .. } => {
            let previous = &case.task(task).unwrap().previous;
            let previous = case.task(previous).unwrap();
            assert_eq!(opened(case, after), [previous.step.as_str()]);
        }
        Command::Stop { .. } => {
            assert_eq!(after.state, CaseState::Stopped);
            assert_eq!(after.waiting().count(), 0, "an end leaves nothing open");
        }
        _ => {}
    }
}

/// The steps that began since.
fn opened<'c>(before: &Case, after: &'c Case) -> Vec<&'c str> {
    let new = after.tasks[before.tasks.len()..].iter();
    new.map(|task| task.step.as_str()).collect()
}
