//! A hundred thousand steps.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use motcua_proto::r#type::v1::{CalendarDayKind, Limit, SameDay, limit::Kind};

use super::{
    deputies, intake,
    setting::{CHECKED, HOURLY, Plant, SAME_DAY},
    workflow,
    world::{World, seed},
};

const STEPS: usize = 100_000;
/// How many dossiers are alive at the same time.
const ALIVE: usize = 300;
const SEED: u64 = 188;

/// What must have occurred by the end, beside every command both done and refused.
const OCCURRED: [&str; 84] = [
    "workflow DeadlineRecomputed",
    intake::PAYMENT_CORRECTED,
    workflow::BRANCH_ASKED,
    workflow::SAID_BEFORE,
    workflow::UNSAID,
    "status 1",
    "status 2",
    "status 3",
    "status 4",
    "status 5",
    "status 6",
    "status 7",
    "status 8",
    "status 9",
    "status 10",
    "tick done",
    "tick_case done",
    "retry done",
    "intake DossierSubmitted",
    "intake DossierAccepted",
    "intake AcceptanceOverdue",
    "intake DossierRefused",
    "intake SupplementAsked",
    "intake SupplementDueSoon",
    "intake SupplementProvided",
    "intake DossierWithdrawn",
    "intake ResultReady",
    "intake ResultHandedOver",
    "intake VisitRequested",
    "intake VisitMade",
    "intake CaseProgressRecorded",
    "intake StaffRecused",
    "intake PaymentRecorded",
    "intake PaymentRefunded",
    "intake OriginalsReturned",
    "intake SupplementLapsed",
    "intake PaymentDueSoon",
    "intake HandOverFailed",
    "intake CorrectionProposed",
    "intake DossierCorrected",
    "intake CorrectionRejected",
    "intake ExternalStateRecorded",
    "intake StateReported",
    "intake StateAcknowledged",
    "intake DocumentAdded",
    "intake DossierTransferred",
    "intake TransferOverdue",
    "intake ReactionIgnored",
    "workflow CaseStarted",
    "workflow TaskOpened",
    "workflow TaskClaimed",
    "workflow TaskCompleted",
    "workflow TaskReturned",
    "workflow TaskCancelled",
    "workflow TaskEscalated",
    "workflow TaskReleased",
    "workflow TaskDelegated",
    "workflow TaskReassigned",
    "workflow OutcomeRequested",
    "workflow OutcomeProgressed",
    "workflow OutcomeKept",
    workflow::KEPT_COUNTED,
    "workflow TimerSet",
    "workflow TimerFired",
    "workflow SupplementRequested",
    "workflow PaymentRequested",
    "workflow CaseHeld",
    "workflow CaseResumed",
    "workflow DeadlineExtended",
    "workflow LimitChosen",
    "workflow SubCaseLimitChosen",
    "workflow CaseDueSoon",
    "workflow CaseOverdue",
    "workflow SubCaseStarted",
    "workflow SubCaseFinished",
    "workflow SubCaseDueSoon",
    "workflow SubCaseOverdue",
    "workflow CaseWithdrawn",
    "workflow CaseStopped",
    "workflow CaseFinished",
    "workflow CaseStaffRecused",
    "workflow ReactionIgnored",
    "submit done",
    "submit refused",
];

/// Likewise, in more detail.
const WAYS: [&str; 16] = [
    workflow::CODE_REFUSES,
    workflow::ANSWER_REFUSES,
    "deputy SupplementRequested",
    deputies::SYSTEM_ANSWERED,
    // A choice, a step that is left out where it is not wanted, one for a group, and round again.
    "path examine sign",
    "path examine opinion sign",
    "path examine verify sign",
    "path back to examine",
    "group refused",
    "deputy TaskClaimed",
    "deputy TaskCompleted",
    "deputy TaskReturned",
    "path examine sign seal",
    "workflow CaseMigrated",
    "misfit refused",
    "online done",
];

fn step(world: &mut World, alive: &mut Vec<usize>) {
    world.waits();
    if alive.len() < ALIVE && world.random.u8(..20) == 0 || alive.is_empty() {
        let before = world.lives.len();
        intake::submits(world);
        alive.extend(before..world.lives.len());
    }
    if alive.is_empty() {
        return;
    }
    // A few are asked often, so that the services act on one dossier while each other's events are on their way.
    let among = if world.random.bool() {
        alive.len().min(8)
    } else {
        alive.len()
    };
    let chosen = world.random.usize(..among);
    let place = alive[chosen];
    match world.random.u8(..10) {
        0..4 => intake::asks(world, place),
        4..9 => workflow::asks(world, place),
        _ => {
            intake::ticks(world, place);
            workflow::rules(world, place);
        }
    }
    if world.random.u8(..40) == 0 {
        world.reads(200);
    }
    if world.random.u8(..60) == 0 {
        deputies::asks(world);
    }
    // What has ended is asked a little longer, and must not move.
    if world.lives[place].matter.has_ended() && world.random.u8(..10) == 0 {
        world.replays(place);
        alive.swap_remove(chosen);
    }
}

/// So many steps, and everything that was left to be read.
fn steps(mut world: World, count: usize) -> World {
    let mut alive = Vec::new();
    for number in 0..count {
        if number == count / 2 {
            world.publishes();
        }
        if number >= count / 4 * 3 && world.calendar.fewer_from.is_none() {
            world.may_replace_calendar();
        }
        let done = catch_unwind(AssertUnwindSafe(|| step(&mut world, &mut alive)));
        if let Err(panic) = done {
            eprintln!("step {number}, at {}", world.now);
            resume_unwind(panic);
        }
    }
    world.reads_all();
    for place in 0..world.lives.len() {
        world.replays(place);
    }
    world
}

#[test]
fn a_hundred_thousand_steps_keep_to_the_law() {
    let seed = seed(SEED);
    let world = steps(World::new(seed, |_| {}), STEPS);
    // What somebody asks by hand is done at least once, and refused at least once.
    let by_hand = intake::names()
        .chain(workflow::names())
        .chain(deputies::NAMES)
        .flat_map(|name| [format!("{name} done"), format!("{name} refused")]);
    let wanted = OCCURRED
        .iter()
        .chain(&WAYS)
        .map(|&it| it.to_owned())
        .chain(by_hand);
    let missing: Vec<_> = wanted.filter(|it| !world.seen.contains(it)).collect();
    assert!(
        missing.is_empty(),
        "never occurred with seed {seed}: {missing:?}"
    );
}

/// Where the services think otherwise than the law, the model must say so.
#[test]
fn a_planted_fault_is_found() {
    let plants: [(&str, Plant); 12] = [
        ("a fee of another amount", |catalog| {
            catalog.procedures[0].fee_vnd += 1_000;
        }),
        ("a limit a day longer", |catalog| {
            catalog.procedures[0].limit = catalog.procedures[1].limit.clone();
        }),
        ("a limit of calendar days a day longer", |catalog| {
            let checked = catalog.procedures.iter_mut().find(|it| it.code == CHECKED);
            checked.unwrap().limit = Some(Limit {
                kind: Some(Kind::CalendarDays(7)),
            });
        }),
        ("a limit of hours an hour longer", |catalog| {
            let hourly = catalog.procedures.iter_mut().find(|it| it.code == HOURLY);
            hourly.unwrap().limit = Some(Limit {
                kind: Some(Kind::WorkingHours(14)),
            });
        }),
        ("a cut-off that is not kept", |catalog| {
            let same_day = catalog.procedures.iter_mut().find(|it| it.code == SAME_DAY);
            same_day.unwrap().limit = Some(Limit {
                kind: Some(Kind::SameDay(SameDay {
                    cutoff_minute: 17 * 60,
                })),
            });
        }),
        ("a day off that is worked", |catalog| {
            catalog.calendars[0]
                .days
                .retain(|day| day.kind() != CalendarDayKind::Holiday);
        }),
        ("a swapped day that is not worked", |catalog| {
            catalog.calendars[0]
                .days
                .retain(|day| day.kind() != CalendarDayKind::Working);
        }),
        ("another limit a day longer", |catalog| {
            catalog.procedures[0].other_limits[0].limit = catalog.procedures[1].limit.clone();
        }),
        ("a branch's limit five days longer", |catalog| {
            catalog.procedures[2].limit = catalog.procedures[1].limit.clone();
        }),
        ("an office that closes earlier", |catalog| {
            for session in &mut catalog.calendars[0].sessions {
                session.to_minute -= 30;
            }
        }),
        ("a day off on Mondays", |catalog| {
            catalog.calendars[0]
                .sessions
                .retain(|session| session.weekday != 1);
        }),
        ("a third round of supplements", |catalog| {
            for procedure in &mut catalog.procedures {
                procedure.supplement_rounds = 3;
            }
        }),
    ];
    for (fault, plant) in plants {
        let found = catch_unwind(|| steps(World::new(seed(SEED), plant), STEPS));
        assert!(found.is_err(), "not found: {fault}");
    }
}
