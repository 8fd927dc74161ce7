//! Who stands in for whom: a deputy takes what an absent colleague has in hand, and what is for the colleague's role.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{
    ledger::{Authority, Context},
    policy,
};
use motcua_proto::{
    events::v1::{Event, event::Payload},
    r#type::v1::Role,
    workflow::v1::TaskState,
};
use motcua_workflow::domain::{Case, Substitution, SubstitutionCommand, Task};

use super::{path, setting::Person, work::VERIFIERS, world::World};

const CREATE: &str = "motcua.workflow.v1.SubstitutionService/CreateSubstitution";
const END: &str = "motcua.workflow.v1.SubstitutionService/EndSubstitution";
/// What is decided by hand.
pub(super) const NAMES: [&str; 2] = ["begin_deputy", "end_deputy"];
/// So many are remembered of those that are over.
const REMEMBERED: usize = 40;

/// What is to change.
#[derive(Debug)]
pub(super) enum Change {
    Begin(Substitution),
    /// By its key.
    End(String),
}

impl Change {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Begin(_) => NAMES[0],
            Self::End(_) => NAMES[1],
        }
    }

    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Begin(_) => CREATE,
            Self::End(_) => END,
        }
    }
}

/// Somebody, by place among the workers, and what they decide.
pub(super) fn draws(world: &mut World) -> (usize, Change) {
    let staff = world.workers.len() - 1;
    // Mostly a leader, whose it is to decide.
    let person = loop {
        let any = world.random.usize(..staff);
        if world.workers[any].roles.contains(&Role::Leader) || world.random.u8(..4) == 0 {
            break any;
        }
    };
    let among = |world: &mut World| {
        let agency = world.workers[person].agencies[0].clone();
        loop {
            let any = world.random.usize(..staff);
            let other = &world.workers[any];
            // Now and then somebody of elsewhere, who is of no use.
            if other.agencies.contains(&agency) || world.random.u8(..10) == 0 {
                return world.workers[any].id.clone();
            }
        }
    };
    let (absent, substitute) = (among(world), among(world));
    let agency = world.workers[person].agencies[0].clone();
    let now = world.now;
    let random = &mut world.random;
    if random.u8(..6) == 0 {
        let known = world.deputies.len();
        let place = random.usize(..=known);
        let key = match world.deputies.get(place) {
            Some((key, _)) => key.clone(),
            None => format!("{agency}-250701-9999"),
        };
        return (person, Change::End(key));
    }
    let from = now + SignedDuration::from_hours(random.i64(-24..12));
    let role = if random.bool() {
        Role::Officer
    } else {
        Role::Leader
    };
    let change = Change::Begin(Substitution {
        agency,
        absent,
        substitute,
        role,
        groups: if random.bool() {
            vec![VERIFIERS.to_owned()]
        } else {
            Vec::new()
        },
        from,
        until: from + SignedDuration::from_hours(random.i64(-2..200)),
        ground: "12/QĐ-UBND".to_owned(),
        ended_at: None,
    });
    (person, change)
}

/// Whether the law lets somebody decide it.
pub(super) fn allowed(world: &World, person: &Person, change: &Change) -> bool {
    let admitted = policy::judge(
        policy::of(change.method()).unwrap(),
        Some(&person.principal),
        None,
    );
    let (agency, can_be) = match change {
        Change::Begin(it) => {
            let lasts = it.until > it.from && it.until > world.now;
            (&it.agency, lasts && it.absent != it.substitute)
        }
        Change::End(key) => match world.deputies.iter().find(|(known, _)| known == key) {
            Some((_, it)) => (&it.agency, true),
            None => return false,
        },
    };
    admitted.is_some() && person.agencies.contains(agency) && can_be
}

/// It was decided, under this key.
pub(super) fn done(world: &mut World, key: String, change: Change) {
    match change {
        Change::Begin(it) => world.deputies.push((key, it)),
        Change::End(_) => {
            let now = world.now;
            let of_key = |(known, _): &&mut (String, Substitution)| *known == key;
            if let Some((_, it)) = world.deputies.iter_mut().find(of_key) {
                it.ended_at.get_or_insert(now);
            }
        }
    }
    let now = world.now;
    let mut before = world.deputies.len();
    world.deputies.retain(|(_, it)| {
        before -= 1;
        before < REMEMBERED || it.ended_at.is_none() && now < it.until
    });
}

/// Somebody decides something, in memory.
pub(super) fn asks(world: &mut World) {
    let (person, change) = draws(world);
    let expected = allowed(world, &world.workers[person], &change);
    let principal = &world.workers[person].principal;
    let admitted = policy::judge(policy::of(change.method()).unwrap(), Some(principal), None);
    let authority = admitted.map(|admission| Authority::of(principal, &admission));
    let key = match &change {
        Change::Begin(it) => {
            world.begun += 1;
            format!("{}-{}", it.agency, world.begun)
        }
        Change::End(key) => key.clone(),
    };
    let before = world.deputies.iter().find(|(known, _)| *known == key);
    let command = match &change {
        Change::Begin(it) => SubstitutionCommand::Create(it.clone()),
        Change::End(_) => SubstitutionCommand::End,
    };
    let answer = authority.map(|authority| {
        let context = Context::new(world.now, &key, &authority);
        Substitution::decide(before.map(|(_, it)| it), &command, &context)
    });
    let is_done = matches!(answer, Some(Ok(_)));
    assert_eq!(
        is_done, expected,
        "{} asks {change:?}: {answer:?}",
        world.workers[person].id
    );
    let how = if is_done { "done" } else { "refused" };
    world.seen.insert(format!("{} {how}", change.name()));
    let Some(Ok(decision)) = answer else { return };
    for payload in decision.events {
        let event = Event {
            payload: Some(payload),
            ..Event::default()
        };
        let known = world.in_force.remove(&key);
        world
            .in_force
            .extend(Substitution::apply(known, &event).map(|it| (key.clone(), it)));
    }
    done(world, key, change);
    world
        .in_force
        .retain(|_, it| it.ended_at.is_none() && it.until > world.now);
    let present = world.in_force.values().cloned().collect();
    world.surround.substitutions.replace(present);
}

/// Whoever stands in for a leader wrote down what another system answered.
pub(super) const SYSTEM_ANSWERED: &str = "deputy for a system";

/// Those for whom somebody stands in at an agency, in a role or in any.
pub(super) fn absent<'w>(
    world: &'w World,
    deputy: &'w str,
    agency: &'w str,
    role: Option<Role>,
    at: Timestamp,
) -> impl Iterator<Item = &'w str> {
    standing(world, deputy, agency, role, at).map(|it| it.absent.as_str())
}

/// Whether somebody leads, or stands in for a leader of that agency.
pub(super) fn leads(world: &World, person: &Person, agency: &str, at: Timestamp) -> bool {
    let mut leaders = absent(world, &person.id, agency, Some(Role::Leader), at);
    person.roles.contains(&Role::Leader) || leaders.next().is_some()
}

fn standing<'w>(
    world: &'w World,
    deputy: &'w str,
    agency: &'w str,
    role: Option<Role>,
    at: Timestamp,
) -> impl Iterator<Item = &'w Substitution> {
    world.deputies.iter().map(|(_, it)| it).filter(move |it| {
        let lasts = it.ended_at.is_none() && it.from <= at && at < it.until;
        let theirs = it.substitute == deputy && it.agency == agency;
        lasts && theirs && role.is_none_or(|role| it.role == role)
    })
}

/// For whom somebody may work on a task that has not ended: for nobody but themselves where there is nobody; `None` where they
/// may not.
pub(super) fn takes<'w>(
    world: &'w World,
    person: &'w Person,
    case: &'w Case,
    task: &'w Task,
    at: Timestamp,
) -> Option<Vec<&'w str>> {
    if !person.agencies.contains(&task.agency) {
        return None;
    }
    let standing = || standing(world, &person.id, &task.agency, Some(task.role), at);
    let group = path::group(case, task);
    let fits = person.roles.contains(&task.role) && person.is_of(group);
    let of_deputy = |absent: Vec<&'w str>| (!absent.is_empty()).then_some(absent);
    match task.state {
        TaskState::Claimed if task.assignee != person.id => of_deputy(
            standing()
                .map(|it| it.absent.as_str())
                .filter(|it| *it == task.assignee)
                .collect(),
        ),
        TaskState::Open | TaskState::Claimed if fits => Some(Vec::new()),
        // Of a group there is only what the colleague belongs to, or had taken over for already.
        TaskState::Open | TaskState::Claimed => of_deputy(
            standing()
                .filter(|it| {
                    let in_group = group.is_none_or(|group| it.groups.iter().any(|it| it == group));
                    in_group || it.absent == task.on_behalf_of
                })
                .map(|it| it.absent.as_str())
                .collect(),
        ),
        _ => None,
    }
}

/// The history names both: who acted, and for whom. Answers with what was done for a colleague.
pub(super) fn are_named(
    world: &World,
    case: &Case,
    event: &Event,
    at: Timestamp,
) -> Option<String> {
    let (task, named) = match event.payload.as_ref()? {
        Payload::TaskClaimed(it) => (Some(&it.task), &it.on_behalf_of),
        Payload::TaskCompleted(it) => (Some(&it.task), &it.on_behalf_of),
        Payload::TaskReturned(it) => (Some(&it.task), &it.on_behalf_of),
        Payload::DeadlineExtended(it) => (None, &it.on_behalf_of),
        Payload::TaskReassigned(it) => (None, &it.on_behalf_of),
        Payload::OutcomeKept(it) => (None, &it.on_behalf_of),
        Payload::SupplementRequested(it) if !it.on_behalf_of.is_empty() => (None, &it.on_behalf_of),
        _ => return None,
    };
    let actor = event.actor.as_ref()?;
    let person = world.workers.iter().find(|it| it.id == actor.id)?;
    let agencies = person.agencies.iter();
    let leaders = agencies.flat_map(|it| absent(world, &person.id, it, Some(Role::Leader), at));
    let task = task.and_then(|task| case.task(task));
    // What another system came to is written down by a leader, as a new date is set by one.
    let of_people = task.filter(|task| task.step != "card");
    let absent = match of_people {
        Some(task) => takes(world, person, case, task, at).unwrap_or_default(),
        None if person.roles.contains(&Role::Leader) => Vec::new(),
        None => leaders.collect(),
    };
    let is_right = absent.contains(&named.as_str()) || absent.is_empty() && named.is_empty();
    assert!(
        is_right,
        "{:?} by {} for '{named}', who stands in for {absent:?}",
        event.kind(),
        actor.id
    );
    let what = match (task, of_people) {
        (Some(_), None) => SYSTEM_ANSWERED.to_owned(),
        _ => format!("deputy {:?}", event.kind()),
    };
    (!named.is_empty()).then_some(what)
}
