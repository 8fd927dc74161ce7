//! By chance: definitions that are valid by construction, worked through with outcomes by chance to their end; and the
//! same with one thing broken, which is refused.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use motcua_calendar::Limit;
use motcua_platform::{ledger::Authority, time::to_proto};
use motcua_proto::{
    events::v1::event::Payload,
    r#type::v1::{AgencyKind, PriorityGround, Role},
    workflow::v1::{
        CaseState, ChoiceStep, Definition as ProtoDefinition, ExternalCode, ExternalStep, Step,
        TaskStep, TimerStep, Transition, Way, step::Kind, timer_step::Wait,
    },
};

use super::office::{Office, call, cause, definition, fork, join, leader, officer, system};
use crate::domain::{
    Case, Command, Definition, Receipt,
    case::Alarm,
    definition::{self as known, limit_minutes},
    task_index,
};

const DEFINITIONS: u64 = 5_000;
const RUNS: u64 = 10;
const BROKEN: u64 = 2_000;

/// Writes steps down, each sequence in front of what comes after it.
struct Author {
    chance: fastrand::Rng,
    steps: Vec<Step>,
}

impl Author {
    fn id(&mut self, kind: &str) -> String {
        format!(
            "{kind}{}",
            self.steps.len() + 1_000 * self.chance.usize(0..1_000)
        )
    }

    fn push(&mut self, id: &str, kind: Kind) -> String {
        self.steps.push(Step {
            id: id.to_owned(),
            kind: Some(kind),
        });
        id.to_owned()
    }

    fn minutes(&mut self) -> i32 {
        self.chance.i32(1..60)
    }

    fn condition(&mut self) -> String {
        let known: Vec<_> = self.steps.iter().map(|step| step.id.clone()).collect();
        match (self.chance.u8(0..4), self.chance.choice(known)) {
            (0, _) => "\"x\" in options".to_owned(),
            (1, _) => "priority && fee_vnd > 0".to_owned(),
            (2, Some(step)) => format!("outcome[\"{step}\"] == \"done\""),
            (_, Some(step)) => format!("times[\"{step}\"] < 2"),
            (_, None) => "!priority".to_owned(),
        }
    }

    /// A sequence of elements that goes on at `next`; where its first step is. `back` are the steps of its line that every
    /// path here has passed.
    fn sequence(
        &mut self,
        length: usize,
        depth: usize,
        next: &str,
        main: bool,
        begins: bool,
    ) -> String {
        // From the end to the beginning, so that each element knows what follows; ways back are put in afterwards.
        let mut next = next.to_owned();
        let mut entries = Vec::new();
        for place in (0..length).rev() {
            // A branch begins with work, and the main line with a task.
            let first = place == 0 && begins;
            // What leads on needs something to lead to.
            let kind = if first || next.is_empty() {
                0
            } else {
                self.chance.u8(0..12)
            };
            next = match kind {
                5 => {
                    let id = self.id("timer");
                    let wait = if self.chance.bool() {
                        Wait::WorkingMinutes(self.minutes())
                    } else {
                        Wait::CalendarDays(1)
                    };
                    self.push(
                        &id,
                        Kind::Timer(TimerStep {
                            to: next,
                            wait: Some(wait),
                        }),
                    )
                }
                6 => self.external(&next),
                7 if main => {
                    let id = self.id("call");
                    let step = call(&id, "1.001731", AgencyKind::SocialInsurance, &next);
                    self.steps.push(step);
                    id
                }
                8 | 9 if depth > 0 => self.choice(depth, &next, main),
                10 | 11 if depth > 0 => self.division(depth, &next),
                kind => self.task(&next, kind == 4 && !next.is_empty(), main),
            };
            entries.push(next.clone());
        }
        self.ways_back(&entries);
        next
    }

    fn task(&mut self, next: &str, optional: bool, main: bool) -> String {
        let id = self.id("task");
        let mut transitions = vec![way("done", next)];
        if main && self.chance.u8(0..5) == 0 {
            transitions.push(way("rejected", ""));
        }
        let step = TaskStep {
            title: "Bước".into(),
            role: Role::Officer.into(),
            planned_minutes: self.minutes(),
            transitions,
            when: if optional {
                self.condition()
            } else {
                String::new()
            },
            left_out_as: if optional {
                "done".into()
            } else {
                String::new()
            },
            escalate_after_percent: self.chance.i32(0..=100),
            ..TaskStep::default()
        };
        self.push(&id, Kind::Task(step))
    }

    fn external(&mut self, next: &str) -> String {
        let id = self.id("external");
        let step = ExternalStep {
            title: "Hệ thống khác".into(),
            system: "hospital".into(),
            agency: 0,
            planned_minutes: self.minutes(),
            transitions: vec![way("done", next)],
            escalate_after_percent: self.chance.i32(0..=100),
            codes: vec![
                ExternalCode {
                    code: "05".into(),
                    outcome: "done".into(),
                    ..ExternalCode::default()
                },
                ExternalCode {
                    code: "01".into(),
                    outcome: String::new(),
                    ..ExternalCode::default()
                },
            ],
        };
        self.push(&id, Kind::External(step))
    }

    fn choice(&mut self, depth: usize, next: &str, main: bool) -> String {
        if next.is_empty() {
            return self.task(next, false, main);
        }
        let ways = (0..self.chance.usize(1..3))
            .map(|_| {
                let length = self.chance.usize(0..3);
                Way {
                    to: self.sequence(length, depth - 1, next, main, false),
                    when: self.condition(),
                }
            })
            .collect();
        let length = self.chance.usize(0..3);
        let otherwise = self.sequence(length, depth - 1, next, main, false);
        let id = self.id("choice");
        self.push(&id, Kind::Choice(ChoiceStep { ways, otherwise }))
    }

    fn division(&mut self, depth: usize, next: &str) -> String {
        // Work comes between this join and a further one.
        let after = self.task(next, false, false);
        let meet = self.id("join");
        self.steps.push(join(&meet, &after));
        let branches: Vec<_> = (0..self.chance.usize(2..4))
            .map(|_| {
                let length = self.chance.usize(1..4);
                let option = ["", "", "x", "y"][self.chance.usize(0..4)];
                (self.sequence(length, depth - 1, &meet, false, true), option)
            })
            .collect();
        let id = self.id("fork");
        let branches: Vec<_> = branches
            .iter()
            .map(|(to, option)| (to.as_str(), *option))
            .collect();
        self.steps.push(fork(&id, &branches, &meet));
        id
    }

    /// Tasks of a line may lead back to steps of it that come before: every path has passed them.
    fn ways_back(&mut self, entries: &[String]) {
        for (place, entry) in entries.iter().enumerate() {
            let before = &entries[place..];
            let target = before[self.chance.usize(0..before.len())].clone();
            let times = self.chance.i32(1..4);
            let leads_back = self.chance.u8(0..4) == 0;
            let step = self.steps.iter_mut().find(|step| step.id == *entry);
            if let Some(Kind::Task(task)) = step.and_then(|step| step.kind.as_mut())
                && leads_back
            {
                task.transitions.push(Transition {
                    at_most: times,
                    ..way("rework", &target)
                });
            }
        }
    }
}

fn way(outcome: &str, to: &str) -> Transition {
    Transition {
        outcome: outcome.into(),
        to: to.into(),
        at_most: 0,
    }
}

fn written(seed: u64) -> ProtoDefinition {
    let mut author = Author {
        chance: fastrand::Rng::with_seed(seed),
        steps: Vec::new(),
    };
    let length = author.chance.usize(1..6);
    let start = author.sequence(length, 2, "", true, true);
    author.chance.clone().shuffle(&mut author.steps);
    definition("random", &start, author.steps)
}

fn sound(seed: u64) -> Definition {
    let written = written(seed);
    Definition::parse(&written)
        .unwrap_or_else(|violations| panic!("seed {seed}: {violations:?}\n{written:#?}"))
}

/// A join, and what has come to it.
struct Meeting {
    /// The step behind it: work, which nothing else leads to.
    behind: String,
    /// How many branches the fork sends.
    sent: usize,
    /// How many of them have come.
    arrived: usize,
    /// How often the step behind it was entered.
    entered: usize,
}

/// Where the clock, the tasks and the other system stand, and how long the path to each task was.
struct Course {
    office: Office,
    chance: fastrand::Rng,
    /// Working minutes that were planned on the way to each task or timer, itself included.
    paths: BTreeMap<String, u32>,
    /// The longest way to each join.
    joins: BTreeMap<String, u32>,
    meetings: BTreeMap<String, Meeting>,
    longest: u32,
}

fn meetings(definition: &Definition, options: &[&str]) -> BTreeMap<String, Meeting> {
    let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
    let joins = definition.steps().filter_map(|(id, step)| match step {
        known::Step::Join { to } => Some((id, to.clone())),
        _ => None,
    });
    joins
        .map(|(join, behind)| {
            let fork = definition.fork_of(join).expect("every join has a fork");
            let meeting = Meeting {
                behind: behind.expect("work comes behind every join"),
                sent: definition.branches_for(fork, &options).count(),
                arrived: 0,
                entered: 0,
            };
            (join.to_owned(), meeting)
        })
        .collect()
}

impl Course {
    fn begin(definition: Definition, seed: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let office = Office::open();
        let options: &[&str] = [&[][..], &["x"], &["x", "y"]][chance.usize(0..3)];
        let meetings = meetings(&definition, options);
        office.surround.definitions.remember(definition);
        let receipt = Receipt {
            definition: "random".into(),
            priority: if chance.bool() {
                PriorityGround::Elderly
            } else {
                PriorityGround::Unspecified
            },
            ..office.receipt("1.000002", options)
        };
        let mut course = Self {
            office,
            chance,
            paths: BTreeMap::new(),
            joins: BTreeMap::new(),
            meetings,
            longest: 0,
        };
        course.does(
            &Authority::of_service("workflow"),
            &Command::Start {
                receipt: Box::new(receipt),
                cause: cause(),
            },
            0,
        );
        course
    }

    /// Carries out a command at the end of a path so long.
    fn does(&mut self, who: &Authority, command: &Command, path: u32) {
        let before = self.office.events.len();
        self.office
            .asks(who, command)
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let events = self.office.events[before..].to_vec();
        let mut path = path;
        for event in events {
            match event.payload.unwrap() {
                Payload::TaskCompleted(it) => path = self.meets(&it.joined, path),
                Payload::TimerFired(it) => path = self.meets(&it.joined, path),
                Payload::SubCaseFinished(it) => path = self.meets(&it.joined, path),
                Payload::TaskOpened(it) => {
                    for meeting in self.meetings.values_mut() {
                        meeting.entered +=
                            usize::from(it.call.is_empty() && it.step == meeting.behind);
                    }
                    // A call's procedure has a limit of its own.
                    let own = if it.call.is_empty() {
                        it.planned_minutes.unsigned_abs()
                    } else {
                        0
                    };
                    self.paths.insert(it.task, path + own);
                    self.longest = self.longest.max(path + own);
                }
                Payload::TimerSet(it) => {
                    let own = if it.working_minutes > 0 {
                        it.working_minutes.unsigned_abs()
                    } else {
                        480
                    };
                    self.paths.insert(it.timer, path + own);
                    self.longest = self.longest.max(path + own);
                }
                _ => {}
            }
        }
        // Each passage of a join enters the step behind it once: with the last branch that comes, and with no other.
        for (join, meeting) in &self.meetings {
            if let Some(passages) = meeting.arrived.checked_div(meeting.sent) {
                assert_eq!(meeting.entered, passages, "{join}");
            } else {
                assert_eq!(meeting.arrived, 0, "{join}: nobody sets out");
            }
        }
    }

    fn meets(&mut self, join: &str, path: u32) -> u32 {
        if join.is_empty() {
            return path;
        }
        self.meetings.get_mut(join).expect("a join").arrived += 1;
        let longest = self.joins.entry(join.to_owned()).or_default();
        *longest = path.max(*longest);
        *longest
    }

    /// The next thing that happens, by chance.
    fn moves_on(&mut self) {
        let case = self.office.case();
        let waiting: Vec<_> = case.waiting().map(|(id, _)| id).collect();
        let waits = case.timers.iter().any(|timer| timer.fired_at.is_none());
        let Some(id) = self
            .chance
            .choice(waiting)
            .filter(|_| !waits || self.chance.bool())
        else {
            return self.looks_at_the_clock();
        };
        let (role, somebody) = case
            .task(&id)
            .map(|task| (task.role, task.system.is_empty()))
            .unwrap();
        let path = self.paths[&id];
        self.office.now += SignedDuration::from_mins(self.chance.i64(0..200));
        if somebody {
            let outcome = self.outcome(&id);
            let who = match role {
                Role::Leader => leader(1),
                _ => officer(1),
            };
            self.does(
                &who,
                &Command::Complete {
                    task: id,
                    outcome,
                    reason: None,
                },
                path,
            );
        } else {
            let code = if self.chance.bool() { "05" } else { "01" };
            let command = Command::RecordOutcome {
                task: id,
                code: code.into(),
                reason: None,
            };
            self.does(&system("hospital", &[]), &command, path);
        }
    }

    fn looks_at_the_clock(&mut self) {
        let at = self.office.case().timer_at().expect("something waits");
        self.office.now = self.office.now.max(at);
        let path = match self.office.case().alarm() {
            Some(Alarm::Timer(_, id)) => self.paths[&id],
            _ => 0,
        };
        self.does(&Authority::of_service("workflow"), &Command::Tick, path);
    }

    /// One that the task still has.
    fn outcome(&mut self, id: &str) -> String {
        let left = self.office.outcomes(id);
        let case = self.office.case();
        let (definition, version) = case.definition_of(task_index(id).unwrap()).unwrap();
        let definition = self.office.surround.definitions.get(definition, version);
        let definition = definition.unwrap();
        let step = definition.task(&case.task(id).unwrap().step).unwrap();
        // What is used up is refused, and nothing comes of it.
        for spent in step
            .outcomes()
            .filter(|outcome| !left.contains(&(*outcome).to_owned()))
        {
            let who = officer(1);
            let again = Command::Complete {
                reason: None,
                task: id.to_owned(),
                outcome: spent.to_owned(),
            };
            assert!(self.office.clone().asks(&who, &again).is_err());
        }
        self.chance.choice(left).unwrap()
    }

    fn has_ended_well(&self, definition: &Definition) {
        let case = self.office.case();
        assert_eq!(case.state, CaseState::Finished);
        assert_eq!(case.waiting().count(), 0);
        assert!(case.timers.iter().all(|timer| timer.fired_at.is_some()));
        assert!(
            case.sub_cases
                .iter()
                .all(|sub_case| sub_case.finished_at.is_some())
        );
        assert!(
            self.longest <= definition.longest_minutes(),
            "{} minutes were planned on one path, and the definition says at most {}",
            self.longest,
            definition.longest_minutes()
        );
        for (join, meeting) in &self.meetings {
            let Meeting { arrived, sent, .. } = meeting;
            assert!(arrived.is_multiple_of(*sent), "{join}: {arrived} of {sent}");
            let counted = case.arrivals.get(join).copied().unwrap_or_default();
            assert_eq!(counted, *arrived, "{join}");
        }
        for event in &self.office.events {
            if let Some(Payload::SubCaseFinished(finished)) = &event.payload {
                let ended = finished.finished_at;
                let judged = case.sub_cases.iter().any(|sub_case| {
                    sub_case.branch == finished.branch
                        && sub_case.finished_at.map(to_proto) == ended
                        && sub_case.punctuality() == finished.punctuality()
                });
                assert!(judged, "{finished:?}");
            }
        }
        let finished = self
            .office
            .events
            .iter()
            .filter(|event| matches!(event.payload, Some(Payload::CaseFinished(_))));
        assert_eq!(finished.count(), 1);
        assert_eq!(self.office.replayed().as_ref(), Some(case));
        let kept: Case = serde_json::from_str(&serde_json::to_string(case).unwrap()).unwrap();
        assert_eq!(&kept, case);
    }
}

/// A limit as long as the longest way is enough, and one minute less is not.
fn fits_no_less_than_its_longest_way(definition: &Definition) {
    let longest = definition.longest_minutes();
    let of = |minutes| limit_minutes(&Limit::WorkingHours { minutes });
    assert!(definition.check_budget(of(longest)).is_ok());
    assert!(definition.check_budget(of(longest - 1)).is_err());
}

#[test]
fn every_definition_runs_to_its_end_whatever_is_chosen() {
    let (mut longest, mut full) = (0, 0);
    for seed in 0..DEFINITIONS {
        let definition = sound(seed);
        fits_no_less_than_its_longest_way(&definition);
        for run in 0..RUNS {
            let mut course = Course::begin(definition.clone(), seed * RUNS + run);
            let mut moves = 0;
            while !course.office.case().is_ended() {
                course.moves_on();
                moves += 1;
                assert!(moves < 5_000, "seed {seed}, run {run} does not end");
            }
            course.has_ended_well(&definition);
            longest = longest.max(moves);
            full += u64::from(course.longest == definition.longest_minutes());
        }
    }
    println!(
        "{} runs, the longest with {longest} moves, {full} along the longest way",
        DEFINITIONS * RUNS
    );
    // The bound is the longest way's own, and not merely above every way.
    assert!(full > DEFINITIONS, "{full}");
}

/// Breaks one thing; what is said of it must contain the words.
fn break_one(
    definition: &mut ProtoDefinition,
    chance: &mut fastrand::Rng,
) -> Option<&'static [&'static str]> {
    let index = chance.usize(0..definition.steps.len());
    let start = definition.start.clone();
    let twin = definition.steps[index].id.clone();
    let step = &mut definition.steps[index];
    let at_start = step.id == start;
    match (chance.u8(0..13), step.kind.as_mut()?) {
        (0, Kind::Task(task)) => {
            task.planned_minutes = 0;
            Some(&["working minutes"])
        }
        (1, Kind::Task(task)) => {
            task.transitions[0].to = "nowhere".into();
            Some(&["there is no step 'nowhere'"])
        }
        (2, Kind::Task(task)) => {
            task.role = 0;
            Some(&["is required"])
        }
        (3, Kind::Task(task)) => {
            task.transitions
                .iter_mut()
                .find(|way| way.at_most > 0)?
                .at_most = 0;
            Some(&["without a bound"])
        }
        (4, Kind::Task(task)) => {
            task.transitions[0].at_most = 2;
            Some(&[
                "must have one without a bound",
                "is for a way back",
                "must not be a way back",
            ])
        }
        (5, Kind::Choice(choice)) => {
            choice.ways[0].when = "tomorrow > 1".into();
            Some(&["does not know tomorrow"])
        }
        (6, Kind::Choice(choice)) => {
            choice.otherwise = String::new();
            Some(&["is required"])
        }
        (7, Kind::Fork(fork)) => {
            fork.branches.truncate(1);
            Some(&["must be 2 to"])
        }
        (8, Kind::Join(_)) => {
            let own = definition.steps[index].id.clone();
            if let Some(Kind::Join(join)) = definition.steps[index].kind.as_mut() {
                join.to = own;
            }
            Some(&["join"])
        }
        (9, Kind::External(external)) => {
            external.codes[0].outcome = "unheard-of".into();
            Some(&["none of the step's outcomes"])
        }
        (12, Kind::External(external)) => {
            external.escalate_after_percent = 101;
            Some(&["must be 1 to 100, or 0 for never"])
        }
        (10, Kind::Timer(timer)) => {
            timer.wait = None;
            Some(&["working_minutes or calendar_days"])
        }
        (11, Kind::Task(_)) if !at_start => {
            definition.steps.push(Step {
                id: twin,
                kind: definition.steps[index].kind.clone(),
            });
            Some(&["stands twice"])
        }
        _ => None,
    }
}

#[test]
fn with_one_thing_broken_a_definition_is_refused_and_the_reason_said() {
    let (mut refused, mut seed) = (0, 0);
    while refused < BROKEN {
        seed += 1;
        let mut definition = written(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        let Some(reasons) = break_one(&mut definition, &mut chance) else {
            continue;
        };
        let violations = Definition::parse(&definition)
            .expect_err(&format!("seed {seed} must be refused: {reasons:?}"));
        assert!(
            violations.iter().any(|violation| reasons
                .iter()
                .any(|reason| violation.description.contains(reason))),
            "seed {seed}: {reasons:?} is not among {violations:?}"
        );
        refused += 1;
    }
}
