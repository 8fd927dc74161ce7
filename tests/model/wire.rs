//! Five thousand steps over gRPC: many dossiers at the same moment, by people with their own tokens, on a real PostgreSQL.
//! What is to come of each step is said before it is taken, by the same model; what happened is read from the feeds. And the
//! same while workflow is killed in the middle of it, again and again.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use jiff::SignedDuration;
use motcua_intake::domain::command::Command;
use motcua_platform::policy;
use motcua_proto::{
    events::v1::{Event, SubscribeRequest, event_feed_service_client::EventFeedServiceClient},
    intake::v1::{
        ApplyCatalogRequest, SubmitDossierRequest, catalog_service_client::CatalogServiceClient,
        dossier_service_client::DossierServiceClient,
    },
    r#type::v1::Channel,
    workflow::v1::{PublishDefinitionRequest, definition_service_client::DefinitionServiceClient},
};
use motcua_workflow::domain as workflow_domain;
use tokio::sync::watch;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{
    calls::{self, Answer, Caller},
    intake,
    law::{Asked, Expected},
    setting::{self, WARDS},
    workflow,
    world::{Life, World, seed},
};
use crate::support::{Databases, Patience, Service, Setup, Suite, refused};

const STEPS: usize = 5_000;
/// Steps that are taken at the same moment, each on a dossier of its own.
const AT_ONCE: usize = 40;
/// Calls on their way at the same moment.
const CALLS: usize = 16;
const ALIVE: usize = 150;
const SEED: u64 = 367;
/// How often workflow is killed, once in each round, and the steps of such a round.
const KILLS: usize = 200;
const AT_ONCE_KILLED: usize = 12;
const SEED_KILLED: u64 = 368;

/// A step that is to be taken, and what is to come of it.
struct Step {
    place: usize,
    kind: Kind,
    /// Asked twice, with the same request id: a double click.
    twice: bool,
}

enum Kind {
    Submit {
        request: Box<SubmitDossierRequest>,
        person: usize,
        known: bool,
    },
    Intake {
        person: usize,
        asked: Asked,
        command: Command,
        expected: Verdict,
    },
    Workflow {
        person: usize,
        command: workflow_domain::Command,
        allowed: bool,
    },
}

/// What is to come of something that is asked of intake.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Law(Expected),
    /// The role does not do this.
    NotTheirRole,
    /// Another ward's dossier, which is not there for them.
    NotThere,
}

struct Wire {
    seed: u64,
    suite: Suite,
    /// Steps of a round.
    at_once: usize,
    /// Whether workflow is killed in the middle of each.
    kills: bool,
    world: World,
    counters: Vec<Caller>,
    workers: Vec<Caller>,
    /// Where each feed was read to.
    read: BTreeMap<&'static str, i64>,
    places: BTreeMap<String, usize>,
    alive: Vec<usize>,
}

#[tokio::test]
async fn five_thousand_steps_over_the_network_keep_to_the_law() {
    let suite = Suite::with(Setup {
        databases: Some(Databases::empty().await),
        ..Setup::default()
    })
    .await;
    let mut wire = Wire::begin(suite, seed(SEED)).await;
    for _ in 0..STEPS / AT_ONCE {
        wire.round().await;
    }
    wire.ends().await;
}

#[tokio::test]
async fn workflow_is_killed_two_hundred_times_and_keeps_to_the_law() {
    let suite = Suite::with(Setup {
        databases: Some(Databases::empty().await),
        apart: true,
        ..Setup::default()
    })
    .await;
    let mut wire = Wire::begin(suite, seed(SEED_KILLED)).await;
    wire.at_once = AT_ONCE_KILLED;
    wire.kills = true;
    for _ in 0..KILLS {
        wire.round().await;
    }
    wire.ends().await;
}

/// The model's catalog and definitions, as an administrator would bring them in.
async fn applies_setting(suite: &Suite) {
    let administrator = suite.administrator();
    let mut definitions = DefinitionServiceClient::new(administrator.peer(Service::Workflow));
    for definition in setting::definitions() {
        let request = PublishDefinitionRequest {
            definition: Some(definition),
            request_id: Uuid::new_v4().to_string(),
            ..PublishDefinitionRequest::default()
        };
        definitions.publish_definition(request).await.unwrap();
    }
    let request = ApplyCatalogRequest {
        catalog: Some(setting::proto_catalog()),
        request_id: Uuid::new_v4().to_string(),
        ..ApplyCatalogRequest::default()
    };
    CatalogServiceClient::new(administrator.peer(Service::Intake))
        .apply_catalog(request)
        .await
        .unwrap();
    suite.settle().await;
}

impl Wire {
    async fn begin(suite: Suite, seed: u64) -> Self {
        applies_setting(&suite).await;
        let mut world = World::new(seed, |_| {});
        let counters = setting::counters();
        let callers = counters.iter().map(|it| Caller::new(&suite, it)).collect();
        let workers = world
            .workers
            .iter()
            .map(|it| Caller::new(&suite, it))
            .collect();
        world.receptionists = counters;
        Self {
            seed,
            suite,
            at_once: AT_ONCE,
            kills: false,
            world,
            counters: callers,
            workers,
            read: BTreeMap::new(),
            places: BTreeMap::new(),
            alive: Vec::new(),
        }
    }

    /// The clock moves, then many things are asked at once, then everything that follows has followed.
    async fn round(&mut self) {
        let random = &mut self.world.random;
        let most = if random.u8(..8) == 0 { 4_000 } else { 180 };
        self.world.now += SignedDuration::from_mins(random.i64(1..most));
        self.suite.clock_to(self.world.now).await;
        self.reads().await;
        let steps = self.steps();
        // In the middle of it: when so many answers have come.
        let killed_after = match self.kills {
            true => self.world.random.usize(..self.at_once),
            false => 0,
        };
        let (answered, mut answers) = watch::channel(0_usize);
        let answered = &answered;
        let (counters, workers) = (&self.counters, &self.workers);
        let lives = &self.world.lives;
        let walking = stream::iter(steps)
            .map(|step| async move {
                let code = lives.get(step.place).map_or("", |life| life.code.as_str());
                let answer = take(&step, code, counters, workers).await;
                answered.send_modify(|answered| *answered += 1);
                (step, answer)
            })
            .buffer_unordered(CALLS)
            .collect();
        let mut taken: Vec<(Step, Answer)> = if self.kills {
            let suite = &mut self.suite;
            let killing = async {
                answers.wait_for(|it| *it >= killed_after).await.unwrap();
                suite.kills(Service::Workflow);
                suite.restarts(Service::Workflow).await;
            };
            futures::join!(walking, killing).0
        } else {
            walking.await
        };
        // Answers come in any order; a seed has one.
        taken.sort_by_key(|(step, _)| step.place);
        let before: BTreeMap<usize, _> = taken
            .iter()
            .map(|(step, _)| (step.place, self.world.lives[step.place].case.clone()))
            .collect();
        let mut worked = Vec::new();
        for (step, answer) in taken {
            let case = before[&step.place].clone();
            worked.extend(self.compares(step, answer).zip(case));
        }
        self.suite.settle().await;
        self.reads().await;
        for ((place, command), case) in worked {
            let after = self.world.lives[place].case.as_ref().unwrap();
            workflow::done(&command, &case, after);
        }
        // What has ended is asked a little longer, and must not move.
        let world = &mut self.world;
        self.alive
            .retain(|place| !world.lives[*place].matter.has_ended() || world.random.u8(..10) > 0);
    }

    /// Different dossiers, and what is to come of what is asked of each.
    fn steps(&mut self) -> Vec<Step> {
        let mut places = self.alive.clone();
        self.world.random.shuffle(&mut places);
        let mut steps = Vec::new();
        for _ in 0..self.at_once {
            let young = self.alive.len() < ALIVE && self.world.random.u8(..6) == 0;
            let place = if young { None } else { places.pop() };
            let kind = match place {
                None => self.submission(),
                Some(place) if self.world.random.bool() => self.at_counter(place),
                Some(place) => match self.behind_it(place) {
                    Some(kind) => kind,
                    None => self.at_counter(place),
                },
            };
            let place = place.unwrap_or_else(|| {
                self.world.lives.push(Life::default());
                self.world.lives.len() - 1
            });
            let twice = self.world.random.u8(..10) == 0;
            steps.push(Step { place, kind, twice });
        }
        steps
    }

    fn submission(&mut self) -> Kind {
        let random = &mut self.world.random;
        let ward = random.usize(..WARDS.len());
        let (procedure, known) = intake::procedure(random);
        let request = SubmitDossierRequest {
            procedure: procedure.to_owned(),
            receiving_agency: WARDS[ward].to_owned(),
            channel: Channel::Counter.into(),
            applicant: Some(intake::applicant()),
            accept: random.u8(..5) == 0,
            request_id: Uuid::new_v4().to_string(),
            ..SubmitDossierRequest::default()
        };
        Kind::Submit {
            request: Box::new(request),
            person: 2 * ward,
            known,
        }
    }

    fn at_counter(&mut self, place: usize) -> Kind {
        let world = &mut self.world;
        let ward = world.lives[place]
            .dossier
            .as_ref()
            .unwrap()
            .receiving_agency
            .clone();
        // Now and then somebody of the other ward.
        let mut person = world.random.usize(..self.counters.len());
        let theirs = |person: usize| self.counters[person].agencies.contains(&ward);
        if !theirs(person) && world.random.u8(..10) > 0 {
            person = (person + 2) % self.counters.len();
        }
        let caller = &self.counters[person];
        // So few end before acceptance with a fee paid that what follows from it is asked for on purpose.
        let matter = &world.lives[place].matter;
        let paid_in_vain = matter.has_ended() && !matter.accepted && matter.paid_vnd() > 0;
        let paid_in_vain = paid_in_vain && world.random.bool();
        let (asked, command) = loop {
            let drawn = intake::draws(world, place, caller.leads());
            let sent = calls::method_of(&drawn.1).is_some();
            if sent && (!paid_in_vain || intake::name(&drawn.1) == "refund") {
                break drawn;
            }
        };
        let method = calls::method_of(&command).unwrap();
        let admitted = policy::judge(policy::of(method).unwrap(), Some(&caller.principal), None);
        let expected = if admitted.is_none() {
            Verdict::NotTheirRole
        } else if !theirs(person) {
            Verdict::NotThere
        } else {
            Verdict::Law(world.lives[place].matter.judge(&caller.id, &asked))
        };
        Kind::Intake {
            person,
            asked,
            command,
            expected,
        }
    }

    fn behind_it(&mut self, place: usize) -> Option<Kind> {
        let case = self.world.lives[place].case.clone()?;
        let (person, command) = workflow::draws(&mut self.world, &case);
        // Over the network a leader gives away everything that waits at an agency: here tasks go one by one.
        let command = match command {
            workflow_domain::Command::Reassign { task, .. } => {
                workflow_domain::Command::Release { task }
            }
            other => other,
        };
        let now = self.world.now;
        let allowed = workflow::allowed(&self.world.workers[person], &case, &command, now);
        let principal = &self.workers[person].principal;
        let method = policy::of(calls::method_of_case(&command)).unwrap();
        let allowed = allowed && policy::judge(method, Some(principal), None).is_some();
        Some(Kind::Workflow {
            person,
            command,
            allowed,
        })
    }

    /// What came of a step is what was to come. Gives back what was done to a case.
    fn compares(
        &mut self,
        step: Step,
        answer: Answer,
    ) -> impl Iterator<Item = (usize, workflow_domain::Command)> + use<> {
        let Step { place, kind, .. } = step;
        let world = &mut self.world;
        let mut worked = None;
        match kind {
            Kind::Submit { known, .. } => match answer {
                Ok(Some(dossier)) => {
                    assert!(known, "a procedure that the catalog does not have");
                    world.lives[place].code.clone_from(&dossier.code);
                    assert_eq!(
                        self.places.insert(dossier.code, place),
                        None,
                        "a code twice"
                    );
                    self.alive.push(place);
                }
                answer => {
                    assert_eq!(code_of(&answer), Code::InvalidArgument, "{answer:?}");
                    assert!(!known, "{answer:?}");
                }
            },
            Kind::Intake {
                person,
                asked,
                command,
                expected,
            } => {
                let life = &mut world.lives[place];
                let got = verdict(&answer);
                let who = &self.counters[person].id;
                assert_eq!(
                    got, expected,
                    "{}: {who} asks {command:?} of {:?}: {answer:?}",
                    life.code, life.matter
                );
                if let Verdict::Law(Expected::Done(_)) = expected {
                    // Where it stands now is read from the feed.
                    let status = life.matter.status;
                    life.matter.done(who, &asked, status);
                    world
                        .seen
                        .insert(format!("{} done", intake::name(&command)));
                } else {
                    world
                        .seen
                        .insert(format!("{} refused", intake::name(&command)));
                }
            }
            Kind::Workflow {
                person,
                command,
                allowed,
            } => {
                assert_eq!(
                    answer.is_ok(),
                    allowed,
                    "{}: {} asks {command:?} of {:#?}: {answer:?}",
                    world.lives[place].code,
                    self.workers[person].id,
                    world.lives[place].case
                );
                let how = if allowed { "done" } else { "refused" };
                world
                    .seen
                    .insert(format!("{} {how}", workflow::name(&command)));
                worked = allowed.then_some((place, command));
            }
        }
        worked.into_iter()
    }

    /// What happened since, of all dossiers, in order.
    async fn reads(&mut self) {
        for service in [Service::Intake, Service::Workflow] {
            let after = self.read.get(service.name()).copied().unwrap_or_default();
            let (events, through) = events_after(&self.suite, service, after).await;
            self.read.insert(service.name(), through);
            for event in events {
                let Some(&place) = self.places.get(&event.dossier) else {
                    panic!("{:?} of nobody's dossier {}", event.kind(), event.dossier);
                };
                match service {
                    Service::Intake => self.world.hears_intake(place, &event),
                    _ => self.world.hears_workflow(place, &event),
                }
            }
        }
    }

    /// What must be true when everything is over.
    async fn ends(mut self) {
        self.suite.settle().await;
        self.reads().await;
        for place in self.places.values() {
            self.world.replays(*place);
        }
        self.codes_are_dense();
        self.rows_say_the_same().await;
        let lives: Vec<_> = self
            .places
            .values()
            .map(|it| &self.world.lives[*it])
            .collect();
        let count = |holds: &dyn Fn(&Life) -> bool| {
            i64::try_from(lives.iter().filter(|life| holds(life)).count()).unwrap()
        };
        // What was accepted while the counter was closed is received when it opens next.
        let last = self.world.now + SignedDuration::from_hours(24 * 7);
        let last = jiff::tz::offset(7).to_datetime(last).date().to_string();
        let total = self.suite.report("2025-07-01", &last).await.total.unwrap();
        let accepted = |life: &Life| life.matter.accepted;
        let resolved = |life: &Life| accepted(life) && matches!(life.matter.status, 7..=10);
        assert_eq!(total.received, count(&accepted));
        assert_eq!(total.resolved, count(&resolved));
        assert_eq!(total.refused, count(&|life| life.matter.status == 3));
        let differences = self.suite.reconciles().await.differences;
        assert!(differences.is_empty(), "{differences:?}");
        let wanted = intake::names()
            .filter(|name| *name != "add_document")
            .chain(workflow::names().filter(|name| *name != "reassign"))
            .flat_map(|name| [format!("{name} done"), format!("{name} refused")]);
        let missing: Vec<_> = wanted.filter(|it| !self.world.seen.contains(it)).collect();
        // Another seed may miss something in so few steps.
        assert!(
            self.seed != SEED || self.kills || missing.is_empty(),
            "never occurred: {missing:?}"
        );
    }

    /// Each agency's codes of a day are 1, 2, 3, …, although many were given out at the same moment.
    fn codes_are_dense(&self) {
        let mut days: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for code in self.places.keys() {
            let (begin, number) = code.rsplit_once('-').unwrap();
            days.entry(begin)
                .or_default()
                .insert(number.parse().unwrap());
        }
        for (begin, numbers) in days {
            let count = u32::try_from(numbers.len()).unwrap();
            assert!(numbers.into_iter().eq(1..=count), "a hole in {begin}");
        }
    }

    /// What the service shows is what its events tell.
    async fn rows_say_the_same(&self) {
        let look = self.suite.supervisor();
        for (code, place) in &self.places {
            let shown = look.sees(code).await;
            let life = &self.world.lives[*place];
            let dossier = life.dossier.as_ref().unwrap();
            assert_eq!(
                (shown.status(), shown.paid_vnd),
                (dossier.status, dossier.paid_vnd()),
                "{code}"
            );
        }
    }
}

/// Takes a step, once or twice; twice has to come to the same.
async fn take(step: &Step, code: &str, counters: &[Caller], workers: &[Caller]) -> Answer {
    let request_id = Uuid::new_v4().to_string();
    let once = async || match &step.kind {
        Kind::Submit {
            request, person, ..
        } => {
            let mut client = DossierServiceClient::new(counters[*person].intake.clone());
            let answer = client.submit_dossier((**request).clone()).await;
            answer.map(|it| Some(it.into_inner()))
        }
        Kind::Intake {
            person, command, ..
        } => counters[*person].asks(code, command, &request_id).await,
        Kind::Workflow {
            person, command, ..
        } => workers[*person].asks_case(code, command, &request_id).await,
    };
    let answered = async || {
        let mut patience = Patience::until("a killed service answers again");
        loop {
            match once().await {
                Err(status) if is_lost(&status) => patience.again(&status.to_string()).await,
                answer => return answer,
            }
        }
    };
    let first = answered().await;
    if step.twice {
        let second = answered().await;
        assert_eq!(
            code_of(&first),
            code_of(&second),
            "{first:?} and then {second:?}"
        );
    }
    first
}

/// No answer came, or one that says to ask again.
fn is_lost(status: &Status) -> bool {
    match status.get_details_error_info() {
        // Transport's own words: the connection was lost, or refused.
        None => matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled
        ),
        Some(_) => status.code() == Code::Unavailable,
    }
}

fn code_of(answer: &Answer) -> Code {
    answer.as_ref().err().map_or(Code::Ok, Status::code)
}

fn verdict(answer: &Answer) -> Verdict {
    match answer {
        Ok(dossier) => {
            let status = dossier.as_ref().expect("intake answers with it").status;
            Verdict::Law(Expected::Done(status))
        }
        Err(status) => match (status.code(), refused(status)) {
            (Code::PermissionDenied, _) => Verdict::NotTheirRole,
            (Code::FailedPrecondition, refused) => {
                let article = refused.metadata["article"].clone();
                Verdict::Law(Expected::Refused(article.leak()))
            }
            (Code::NotFound, refused) if refused.metadata["name"].starts_with("dossiers/") => {
                Verdict::NotThere
            }
            (Code::NotFound | Code::InvalidArgument, _) => Verdict::Law(Expected::Nonsense),
            _ => panic!("{status:?}"),
        },
    }
}

/// A service's events after a position, and how far that is.
async fn events_after(suite: &Suite, service: Service, after: i64) -> (Vec<Event>, i64) {
    let mut stream = EventFeedServiceClient::new(suite.peer(service))
        .subscribe(SubscribeRequest {
            after,
            until_head: true,
            ..SubscribeRequest::default()
        })
        .await
        .unwrap()
        .into_inner();
    let (mut events, mut through) = (Vec::new(), after);
    while let Some(batch) = stream.message().await.unwrap() {
        assert_eq!(batch.from, through + 1, "a hole in the history");
        through = batch.through;
        // Catalogs and definitions are nobody's dossier.
        events.extend(batch.events.into_iter().filter(|it| !it.dossier.is_empty()));
    }
    (events, through)
}
