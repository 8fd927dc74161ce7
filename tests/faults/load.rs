//! A ward at work: clerks who submit, officers and leaders who take what the worklist shows. Whoever gets no answer asks
//! again with the same request id, as every client should.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use motcua_platform::rpc::Peer;
use motcua_proto::{
    events::v1::event::Payload,
    intake::v1::{ListDossiersRequest, dossier_service_client::DossierServiceClient},
    r#type::v1::{DossierStatus, Role},
    workflow::v1::{ListTasksRequest, Task, task_service_client::TaskServiceClient},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{Patience, Person, Service, Suite, WARD, birth, wait_until};

/// The ward's clerks.
const CLERKS: usize = 6;
/// Officers, and as many leaders.
const OFFICERS: usize = 2;

/// A ward at work.
#[derive(Debug)]
pub(super) struct Load {
    acknowledged: Arc<Mutex<Vec<String>>>,
    submissions: usize,
    clerks: JoinSet<()>,
    others: JoinSet<()>,
    stop: CancellationToken,
}

impl Load {
    /// Begins: each clerk submits so many births.
    pub(super) fn begin(suite: &Suite, each: usize) -> Self {
        let (acknowledged, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let (mut clerks, mut others) = (JoinSet::new(), JoinSet::new());
        for n in 0..CLERKS {
            let clerk = suite.person(Role::Receptionist, &format!("receptionist-11593-{n}"));
            clerks.spawn(submit(
                clerk.peer(Service::Intake),
                each,
                Arc::clone(&acknowledged),
            ));
        }
        for n in 0..OFFICERS {
            for (role, name) in [(Role::Officer, "officer"), (Role::Leader, "leader")] {
                let person = suite.person(role, &format!("{name}-11593-{n}"));
                others.spawn(work(person.peer(Service::Workflow), role, stop.clone()));
            }
        }
        Self {
            acknowledged,
            submissions: CLERKS * each,
            clerks,
            others,
            stop,
        }
    }

    /// How many submissions were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until a part of the submissions was acknowledged.
    pub(super) async fn reaches(&self, numerator: usize, denominator: usize) {
        let wanted = self.submissions * numerator / denominator;
        wait_until(
            &format!("{wanted} submissions are acknowledged"),
            async || match self.acknowledged() {
                n if n >= wanted => Ok(()),
                n => Err(format!("{n}")),
            },
        )
        .await;
    }

    /// Waits until everything is submitted and worked off; then checks that nothing was lost and nothing happened twice.
    pub(super) async fn ends(mut self, suite: &Suite) {
        while let Some(ended) = self.clerks.join_next().await {
            ended.expect("a clerk who submitted everything");
        }
        let mut dossiers = DossierServiceClient::new(suite.peer(Service::Intake));
        wait_until("every dossier's result is ready", async || {
            let request = ListDossiersRequest {
                page_size: 1_000,
                statuses: [
                    DossierStatus::Submitted,
                    DossierStatus::Accepted,
                    DossierStatus::InProgress,
                ]
                .map(i32::from)
                .to_vec(),
                ..ListDossiersRequest::default()
            };
            let open = dossiers
                .list_dossiers(request)
                .await
                .map_err(|status| status.to_string())?
                .into_inner()
                .dossiers;
            open.first().map_or(Ok(()), |first| {
                Err(format!("{} are open, such as {first:?}", open.len()))
            })
        })
        .await;
        self.stop.cancel();
        while let Some(ended) = self.others.join_next().await {
            ended.expect("an officer who worked everything off");
        }
        suite.settle().await;
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        nothing_lost_and_nothing_twice(suite, &acknowledged).await;
    }
}

/// Whether to ask again: no answer came, or one that says so. Anything else fails the test.
pub(super) fn again(status: &Status) -> String {
    match status.get_details_error_info() {
        // Transport's own words: the connection was lost, or refused.
        None => assert!(
            !matches!(
                status.code(),
                Code::InvalidArgument | Code::FailedPrecondition | Code::Unimplemented
            ),
            "{status:?}"
        ),
        Some(_) => assert!(
            matches!(status.code(), Code::Unavailable | Code::ResourceExhausted),
            "{status:?}"
        ),
    }
    status.to_string()
}

async fn submit(peer: Peer, each: usize, acknowledged: Arc<Mutex<Vec<String>>>) {
    let mut dossiers = DossierServiceClient::new(peer);
    for _ in 0..each {
        let request = birth();
        let mut patience = Patience::until("a birth is submitted");
        let dossier = loop {
            match dossiers.submit_dossier(request.clone()).await {
                Ok(dossier) => break dossier.into_inner(),
                Err(status) => patience.again(&again(&status)).await,
            }
        };
        acknowledged.lock().unwrap().push(dossier.code);
    }
}

/// Works off what the worklist shows, until told to stop.
async fn work(peer: Peer, role: Role, stop: CancellationToken) {
    let mut tasks = TaskServiceClient::new(peer);
    let request = ListTasksRequest {
        agency: WARD.to_owned(),
        role: role.into(),
        ..ListTasksRequest::default()
    };
    let mut patience = Patience::until("there is work");
    while !stop.is_cancelled() {
        match tasks.list_tasks(request.clone()).await {
            Ok(list) if list.get_ref().tasks.is_empty() => {
                patience.again("an empty worklist").await
            }
            Ok(list) => {
                for task in list.into_inner().tasks {
                    complete(&mut tasks, &task).await;
                }
                patience = Patience::until("there is work");
            }
            Err(status) => patience.again(&again(&status)).await,
        }
    }
}

async fn complete(tasks: &mut TaskServiceClient<Peer>, task: &Task) {
    let request = Person::completing(task, "approved");
    let mut patience = Patience::until("a task is completed");
    loop {
        match tasks.complete_task(request.clone()).await {
            Ok(_) => return,
            // A colleague was quicker.
            Err(status) if status.code() == Code::FailedPrecondition => return,
            Err(status) => patience.again(&again(&status)).await,
        }
    }
}

/// Every acknowledged submission exists once, and so does everything that follows from it.
pub(super) async fn nothing_lost_and_nothing_twice(suite: &Suite, acknowledged: &[String]) {
    let codes: BTreeSet<_> = acknowledged.iter().cloned().collect();
    assert_eq!(
        codes.len(),
        acknowledged.len(),
        "two submissions have one code"
    );
    let dense: BTreeSet<_> = (1..=acknowledged.len())
        .map(|n| format!("H24.11593-250701-{n:04}"))
        .collect();
    assert_eq!(codes, dense, "the codes are dense");

    let mut once: BTreeMap<String, usize> = BTreeMap::new();
    for service in [Service::Intake, Service::Workflow, Service::Notification] {
        for event in suite.events(service, "").await {
            let what = match event.payload.as_ref().expect("a payload") {
                Payload::DossierSubmitted(_) => "is submitted".to_owned(),
                Payload::DossierAccepted(_) => "is accepted".to_owned(),
                Payload::ResultReady(_) => "is ready".to_owned(),
                Payload::CaseStarted(_) => "has a case".to_owned(),
                Payload::CaseFinished(_) => "is finished".to_owned(),
                Payload::TaskCompleted(completed) => format!("has {} completed", completed.task),
                Payload::MessageSent(_) => format!("has {} sent", event.name),
                Payload::MessageQueued(queued) => format!("has a message of {}", queued.template),
                Payload::ReactionIgnored(ignored) => panic!("{}: {}", event.name, ignored.reason),
                _ => continue,
            };
            *once.entry(format!("{} {what}", event.dossier)).or_default() += 1;
        }
    }
    let twice: Vec<_> = once.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    for code in &codes {
        for what in [
            "is submitted",
            "is accepted",
            "has a case",
            "has t1 completed",
            "has t2 completed",
            "is finished",
            "is ready",
            "has a message of receipt",
            "has a message of result-ready",
        ] {
            assert!(
                once.contains_key(&format!("{code} {what}")),
                "{code} {what}: not so"
            );
        }
    }
    let recount = suite.reconciles().await;
    assert_eq!(recount.differences, [], "the statistics are wrong");
    assert_eq!(usize::try_from(recount.dossiers).unwrap(), codes.len());
}
