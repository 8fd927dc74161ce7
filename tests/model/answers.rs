//! Steps are taken over the network, once or twice, and what came of each is what was to come.

use motcua_workflow::domain::Command;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{
    calls::{Answer, Caller},
    intake,
    law::Expected,
    steps::{Kind, Step, Verdict, Who, Work},
    wire::Wire,
    workflow,
    world::Life,
};
use crate::support::{Patience, refused};

/// Everybody who asks.
#[derive(Clone, Copy)]
pub(super) struct Callers<'w> {
    pub(super) counters: &'w [Caller],
    pub(super) citizens: &'w [Caller],
    pub(super) workers: &'w [Caller],
}

impl<'w> Callers<'w> {
    fn of(self, who: Who) -> &'w Caller {
        match who {
            Who::Counter(person) => &self.counters[person],
            Who::Citizen(person) => &self.citizens[person],
        }
    }
}

impl Wire {
    /// What came of a step is what was to come. Gives back what was done to a case.
    pub(super) fn compares(&mut self, step: Step, answers: Vec<Answer>) -> Vec<(usize, Command)> {
        let Step { place, kind, .. } = step;
        let many = matches!(kind, Kind::Tasks { .. });
        let world = &mut self.world;
        match kind {
            Kind::Workflow { person, work } => {
                return self.worked(person, vec![work], answers, many);
            }
            Kind::Tasks { person, works } => return self.worked(person, works, answers, many),
            Kind::Submit {
                known,
                who,
                request,
            } => match only(answers) {
                Ok(Some(dossier)) => {
                    assert!(known, "a procedure that the catalog does not have");
                    world.lives[place].code.clone_from(&dossier.code);
                    assert_eq!(
                        self.places.insert(dossier.code, place),
                        None,
                        "a code twice"
                    );
                    self.alive.push(place);
                    world.lives[place].matter.elsewhere = !request.on_behalf_of.is_empty();
                    if let Who::Citizen(citizen) = who {
                        self.owners.insert(place, citizen);
                        let matter = &mut world.lives[place].matter;
                        (matter.lacks_papers, matter.online) = (true, true);
                        world.seen.insert("online done".to_owned());
                    }
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
                let answer = only(answers);
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
            Kind::Upload {
                who,
                asked,
                how,
                expected,
                ..
            } => {
                let answer = only(answers);
                let got = match &answer {
                    Ok(_) => Verdict::Done,
                    Err(_) => verdict(&answer),
                };
                let life = &mut world.lives[place];
                assert_eq!(
                    got, expected,
                    "{}: {who:?} sends {asked:?} {how:?}, to {:?}: {answer:?}",
                    life.code, life.matter
                );
                let told = if expected == Verdict::Done {
                    let status = life.matter.status;
                    life.matter.done("", &asked, status);
                    "upload done".to_owned()
                } else {
                    format!("upload {how:?} refused")
                };
                world.seen.insert(told);
            }
        }
        Vec::new()
    }

    /// The same of what was asked of cases.
    fn worked(
        &mut self,
        person: usize,
        works: Vec<Work>,
        answers: Vec<Answer>,
        many: bool,
    ) -> Vec<(usize, Command)> {
        assert_eq!(works.len(), answers.len());
        let mut done = Vec::new();
        for (work, answer) in works.into_iter().zip(answers) {
            let Work {
                place,
                command,
                allowed,
            } = work;
            let case = self.world.lives[place].case.as_ref().unwrap();
            let who = &self.world.workers[person];
            assert_eq!(
                answer.is_ok(),
                allowed,
                "{}: {} asks {command:?} of {case:#?}: {answer:?}",
                self.world.lives[place].code,
                who.id
            );
            // Whose role does not ask it at all is told that, and nothing of the case.
            let mark = workflow::mark(&self.world, who, case, &command)
                .filter(|_| code_of(&answer) != Code::PermissionDenied);
            if let (Some(workflow::MISFIT), Err(status)) = (mark, &answer) {
                assert!(
                    status.message().contains("does not fit version"),
                    "{status}"
                );
            }
            let how = if allowed { "done" } else { "refused" };
            let name = if many {
                "many"
            } else {
                workflow::name(&command)
            };
            let seen = &mut self.world.seen;
            seen.insert(format!("{name} {how}"));
            seen.extend(mark.map(str::to_owned));
            if allowed {
                done.push((place, command));
            }
        }
        done
    }
}

/// The answer to one step.
fn only(answers: Vec<Answer>) -> Answer {
    let mut answers = answers.into_iter();
    let answer = answers.next().expect("an answer");
    assert!(answers.next().is_none());
    answer
}

/// Takes a step, once or twice; twice has to come to the same.
pub(super) async fn take(step: &Step, lives: &[Life], callers: Callers<'_>) -> Vec<Answer> {
    let request_id = Uuid::new_v4();
    let code = |place: usize| lives.get(place).map_or("", |life| life.code.as_str());
    let once = async || match &step.kind {
        Kind::Submit { request, who, .. } => {
            let request = (**request).clone();
            vec![callers.of(*who).submits(request).await]
        }
        Kind::Intake {
            person, command, ..
        } => {
            let (code, id) = (code(step.place), request_id.to_string());
            vec![callers.counters[*person].asks(code, command, &id).await]
        }
        Kind::Upload {
            who, header, how, ..
        } => vec![callers.of(*who).uploads(header.clone(), *how).await],
        Kind::Workflow { person, work } => {
            let (code, id) = (code(work.place), request_id.to_string());
            let caller = &callers.workers[*person];
            vec![caller.asks_case(code, &work.command, &id).await]
        }
        Kind::Tasks { person, works } => {
            let works: Vec<_> = works
                .iter()
                .map(|work| (code(work.place), &work.command))
                .collect();
            callers.workers[*person].completes(&works, request_id).await
        }
    };
    let answered = async || {
        let mut patience = Patience::until("a killed service answers again");
        loop {
            let answers = once().await;
            match answers
                .iter()
                .find_map(|it| it.as_ref().err().filter(|it| is_lost(it)))
            {
                Some(status) => patience.again(&status.to_string()).await,
                None => return answers,
            }
        }
    };
    let first = answered().await;
    if step.twice {
        let second = answered().await;
        let codes = |answers: &[Answer]| answers.iter().map(code_of).collect::<Vec<_>>();
        assert_eq!(
            codes(&first),
            codes(&second),
            "{first:?} and then {second:?}"
        );
    }
    first
}

/// No answer came, or one that says to ask again.
pub(super) fn is_lost(status: &Status) -> bool {
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
