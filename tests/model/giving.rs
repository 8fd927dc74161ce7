//! A leader gives away what waits at an agency, all of it in one call, and workflow may be killed in the middle of that.

use std::collections::BTreeMap;

use motcua_platform::policy;
use motcua_proto::{
    r#type::v1::Role,
    workflow::v1::{
        ReassignTasksRequest, TaskState, task_outcome::Outcome,
        task_service_client::TaskServiceClient,
    },
};
use motcua_workflow::domain::{Case, Command, Task};
use tonic::Code;
use uuid::Uuid;

use super::{answers::is_lost, deputies, path, wire::Wire, workflow};
use crate::support::{Patience, Service};

const REASSIGN: &str = "motcua.workflow.v1.TaskService/ReassignTasks";

/// What is given away, and by whom; by place among the workers.
struct Gift {
    person: usize,
    request: ReassignTasksRequest,
    to: String,
}

impl Wire {
    /// Nobody else acts meanwhile. What was given is so once, and what may not be given stays where it was.
    pub(super) async fn gives_away(&mut self) {
        let Some(gift) = self.draws_gift() else {
            return;
        };
        let request = &gift.request;
        let person = &self.world.workers[gift.person];
        let admitted = policy::judge(policy::of(REASSIGN).unwrap(), Some(&person.principal), None);
        let theirs = person.agencies.contains(&request.agency);
        let leads = deputies::leads(&self.world, person, &request.agency, self.world.now);
        // What is to come of each, before anything does.
        let mut expected = BTreeMap::new();
        for (place, life) in self.world.lives.iter().enumerate() {
            let Some(case) = &life.case else { continue };
            for (id, task) in case
                .waiting()
                .filter(|(_, task)| is_meant(case, task, request))
            {
                let command = Command::Reassign {
                    task: id.clone(),
                    to: gift.to.clone(),
                };
                let name = format!("cases/{}/tasks/{id}", life.code);
                let allowed = workflow::allowed(&self.world, person, case, &command);
                expected.insert(name, (place, id, task.clone(), allowed));
            }
        }
        let mut client = TaskServiceClient::new(self.workers[gift.person].workflow.clone());
        let giving = async {
            let mut patience = Patience::until("a killed service answers again");
            loop {
                match client.reassign_tasks(gift.request.clone()).await {
                    Err(status) if is_lost(&status) => patience.again(&status.to_string()).await,
                    answer => return answer,
                }
            }
        };
        let answer = if self.kills {
            let suite = &mut self.suite;
            let killing = async {
                suite.kills(Service::Workflow);
                suite.restarts(Service::Workflow).await;
            };
            futures::join!(giving, killing).0
        } else {
            giving.await
        };
        let outcomes = match answer {
            Ok(answer) if admitted.is_some() && leads => answer.into_inner().outcomes,
            Err(status) if !(admitted.is_some() && leads) => {
                let code = match admitted {
                    Some(_) => Code::FailedPrecondition,
                    None => Code::PermissionDenied,
                };
                assert_eq!(status.code(), code, "{status:?}");
                self.world.seen.insert("give away refused".to_owned());
                Vec::new()
            }
            answer => panic!("{} leads: {leads}, {answer:?}", person.id),
        };
        if !(theirs && leads && admitted.is_some()) {
            expected.clear();
        }
        // Asked again after a kill, it goes on with the rest.
        let told: BTreeMap<_, _> = outcomes
            .into_iter()
            .map(|it| (it.name, matches!(it.outcome, Some(Outcome::Task(_)))))
            .collect();
        let whole = expected.iter().map(|(name, it)| (name.clone(), it.3));
        let whole: BTreeMap<_, _> = whole.collect();
        let is_part = told
            .iter()
            .all(|(name, done)| whole.get(name) == Some(done));
        assert!(
            is_part && (self.kills || told.len() == whole.len()),
            "{told:?} of {whole:?}"
        );
        self.suite.settle().await;
        self.reads().await;
        for (name, (place, id, before, allowed)) in &expected {
            let case = self.world.lives[*place].case.as_ref().unwrap();
            let after = case.task(id).unwrap();
            if *allowed {
                let has = (after.state, after.assignee.as_str());
                assert_eq!(has, (TaskState::Claimed, gift.to.as_str()), "{name}");
            } else {
                assert_eq!(after, before, "{name}");
            }
            let how = if *allowed { "done" } else { "refused" };
            self.world.seen.insert(format!("give away {how}"));
        }
    }

    /// Mostly by somebody of the agency, to somebody of it.
    fn draws_gift(&mut self) -> Option<Gift> {
        let world = &mut self.world;
        let place = self.alive[world.random.usize(..self.alive.len())];
        let case = world.lives[place].case.as_ref()?;
        let waiting: Vec<_> = case
            .waiting()
            .filter(|(_, task)| task.system.is_empty())
            .collect();
        let (_, task) = waiting.get(world.random.usize(..waiting.len().max(1)))?;
        let staff = world.workers.len() - 1;
        let of_agency: Vec<_> = (0..staff)
            .filter(|place| world.workers[*place].agencies.contains(&task.agency))
            .collect();
        let mut somebody = || match world.random.u8(..6) {
            0 => world.random.usize(..staff),
            _ => of_agency[world.random.usize(..of_agency.len())],
        };
        let (person, to) = (somebody(), somebody());
        let to = world.workers[to].id.clone();
        let role = match world.random.bool() {
            true => task.role,
            false => Role::Unspecified,
        };
        let request = ReassignTasksRequest {
            agency: task.agency.clone(),
            role: role.into(),
            from: task.assignee.clone(),
            to: vec![to.clone()],
            group: path::group(case, task).unwrap_or_default().to_owned(),
            request_id: Uuid::new_v4().to_string(),
        };
        Some(Gift {
            person,
            request,
            to,
        })
    }
}

/// Whether a task that waits is one of those.
fn is_meant(case: &Case, task: &Task, request: &ReassignTasksRequest) -> bool {
    let state = if request.from.is_empty() {
        TaskState::Open
    } else {
        TaskState::Claimed
    };
    let of_role = request.role() == Role::Unspecified || request.role() == task.role;
    let in_hand = task.state == state && task.assignee == request.from;
    let group = path::group(case, task).unwrap_or_default();
    of_role
        && in_hand
        && task.agency == request.agency
        && group == request.group
        && task.system.is_empty()
}
