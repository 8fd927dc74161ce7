//! Five thousand steps over gRPC: many dossiers at the same moment, by people with their own tokens, on a real PostgreSQL.
//! What is to come of each step is said before it is taken, by the same model; what happened is read from the feeds. And the
//! same while workflow is killed in the middle of it, again and again.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use jiff::SignedDuration;
use motcua_proto::{
    events::v1::{Event, SubscribeRequest, event_feed_service_client::EventFeedServiceClient},
    intake::v1::{ApplyCatalogRequest, catalog_service_client::CatalogServiceClient},
    workflow::v1::{
        Definition, PublishDefinitionRequest, definition_service_client::DefinitionServiceClient,
    },
};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    answers::{Callers, take},
    calls::{Answer, Caller},
    deputies, setting,
    steps::Step,
    work, workflow,
    world::{World, seed},
};
use crate::support::{Databases, Service, Setup, Suite};

const STEPS: usize = 5_000;
/// Steps that are taken at the same moment, each on a dossier of its own.
const AT_ONCE: usize = 40;
/// Calls on their way at the same moment.
const CALLS: usize = 16;
pub(super) const ALIVE: usize = 150;
pub(super) const SEED: u64 = 374;
/// How often workflow is killed, once in each round, and the steps of such a round.
const KILLS: usize = 200;
const AT_ONCE_KILLED: usize = 12;
const SEED_KILLED: u64 = 368;

pub(super) struct Wire {
    pub(super) seed: u64,
    pub(super) suite: Suite,
    /// Steps of a round.
    pub(super) at_once: usize,
    /// Whether workflow is killed in the middle of each.
    pub(super) kills: bool,
    pub(super) world: World,
    pub(super) counters: Vec<Caller>,
    pub(super) citizens: Vec<Caller>,
    pub(super) workers: Vec<Caller>,
    /// Where each feed was read to.
    read: BTreeMap<&'static str, i64>,
    /// Whose dossier it is, where a citizen submitted it; both by place.
    pub(super) owners: BTreeMap<usize, usize>,
    pub(super) places: BTreeMap<String, usize>,
    pub(super) alive: Vec<usize>,
}

#[tokio::test]
async fn five_thousand_steps_over_the_network_keep_to_the_law() {
    let suite = Suite::with(Setup {
        databases: Some(Databases::empty().await),
        ..Setup::default()
    })
    .await;
    let mut wire = Wire::begin(suite, seed(SEED)).await;
    wire.rounds(STEPS / AT_ONCE).await;
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
    wire.rounds(KILLS).await;
    wire.ends().await;
}

/// The model's catalog and definitions, as an administrator would bring them in.
async fn applies_setting(suite: &Suite) {
    publishes(suite, work::definitions()).await;
    let request = ApplyCatalogRequest {
        catalog: Some(setting::proto_catalog()),
        request_id: Uuid::new_v4().to_string(),
        ..ApplyCatalogRequest::default()
    };
    CatalogServiceClient::new(suite.administrator().peer(Service::Intake))
        .apply_catalog(request)
        .await
        .unwrap();
    suite.settle().await;
}

async fn publishes(suite: &Suite, wanted: impl IntoIterator<Item = Definition>) {
    let administrator = suite.administrator();
    let mut definitions = DefinitionServiceClient::new(administrator.peer(Service::Workflow));
    for definition in wanted {
        let version = definition.version;
        let request = PublishDefinitionRequest {
            definition: Some(definition),
            request_id: Uuid::new_v4().to_string(),
            ..PublishDefinitionRequest::default()
        };
        let published = definitions.publish_definition(request).await.unwrap();
        assert_eq!(published.into_inner().version, version);
    }
}

impl Wire {
    async fn begin(suite: Suite, seed: u64) -> Self {
        applies_setting(&suite).await;
        let mut world = World::new(seed, |_| {});
        let counters = setting::counters();
        let callers = |people: &[setting::Person]| -> Vec<_> {
            people.iter().map(|it| Caller::new(&suite, it)).collect()
        };
        let (at_counter, workers) = (callers(&counters), callers(&world.workers));
        let citizens = callers(&setting::citizens());
        world.receptionists = counters;
        Self {
            seed,
            suite,
            at_once: AT_ONCE,
            kills: false,
            world,
            counters: at_counter,
            citizens,
            workers,
            read: BTreeMap::new(),
            owners: BTreeMap::new(),
            places: BTreeMap::new(),
            alive: Vec::new(),
        }
    }

    /// So many rounds; after a third of them the second versions are published.
    async fn rounds(&mut self, count: usize) {
        for number in 0..count {
            if number == count / 3 {
                publishes(&self.suite, work::second_versions()).await;
                self.world.published = true;
            }
            self.round().await;
        }
    }

    /// Somebody decides who stands in for whom.
    async fn deputies(&mut self) {
        let (person, change) = deputies::draws(&mut self.world);
        let who = &self.world.workers[person];
        let allowed = deputies::allowed(&self.world, who, &change);
        let answer = self.workers[person].changes(&change, Uuid::new_v4()).await;
        assert_eq!(
            answer.is_ok(),
            allowed,
            "{} asks {change:?}: {answer:?}",
            who.id
        );
        let how = if allowed { "done" } else { "refused" };
        self.world.seen.insert(format!("{} {how}", change.name()));
        if let Ok(key) = answer {
            deputies::done(&mut self.world, key, change);
        }
    }

    /// The clock moves, then many things are asked at once, then everything that follows has followed.
    async fn round(&mut self) {
        let random = &mut self.world.random;
        let most = if random.u8(..8) == 0 { 4_000 } else { 180 };
        self.world.now += SignedDuration::from_mins(random.i64(1..most));
        self.suite.clock_to(self.world.now).await;
        self.reads().await;
        self.deputies().await;
        let steps = self.steps();
        // In the middle of it: when so many answers have come.
        let killed_after = match self.kills {
            true => self.world.random.usize(..self.at_once),
            false => 0,
        };
        let (answered, mut answers) = watch::channel(0_usize);
        let answered = &answered;
        let callers = Callers {
            counters: &self.counters,
            citizens: &self.citizens,
            workers: &self.workers,
        };
        let lives = &self.world.lives;
        let walking = stream::iter(steps)
            .map(|step| async move {
                let answers = take(&step, lives, callers).await;
                answered.send_modify(|answered| *answered += 1);
                (step, answers)
            })
            .buffer_unordered(CALLS)
            .collect();
        let mut taken: Vec<(Step, Vec<Answer>)> = if self.kills {
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
        let mut worked = Vec::new();
        for (step, answers) in taken {
            let done = self.compares(step, answers).into_iter();
            worked.extend(done.map(|(place, command)| {
                let case = self.world.lives[place].case.clone();
                (place, command, case.unwrap())
            }));
        }
        self.suite.settle().await;
        self.reads().await;
        for (place, command, before) in worked {
            let after = self.world.lives[place].case.as_ref().unwrap();
            workflow::done(&command, &before, after);
        }
        if !self.alive.is_empty() && self.world.random.u8(..8) == 0 {
            self.gives_away().await;
        }
        // What has ended is asked a little longer, and must not move.
        let world = &mut self.world;
        self.alive
            .retain(|place| !world.lives[*place].matter.has_ended() || world.random.u8(..10) > 0);
    }

    /// What happened since, of all dossiers, in order.
    pub(super) async fn reads(&mut self) {
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
