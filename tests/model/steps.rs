//! What is asked over the network: steps on different dossiers, each with what is to come of it, said before it is taken.

use motcua_intake::domain::command::Command;
use motcua_platform::policy;
use motcua_proto::{
    intake::v1::{DocumentHeader, SubmitDossierRequest},
    r#type::v1::{Channel, DocumentKind},
};
use motcua_workflow::domain::{self as workflow_domain, Case};
use uuid::Uuid;

use super::{
    acts, calls, intake,
    law::{Asked, Expected},
    setting::WARDS,
    wire::{ALIVE, Wire},
    workflow,
    world::Life,
};

const COMPLETE_MANY: &str = "motcua.workflow.v1.TaskService/BatchCompleteTasks";

/// A step that is to be taken, and what is to come of it.
pub(super) struct Step {
    /// Of the first dossier, where it is on many.
    pub(super) place: usize,
    pub(super) kind: Kind,
    /// Asked twice, with the same request id: a double click.
    pub(super) twice: bool,
}

pub(super) enum Kind {
    Submit {
        request: Box<SubmitDossierRequest>,
        who: Who,
        known: bool,
    },
    Intake {
        person: usize,
        asked: Asked,
        command: Command,
        expected: Verdict,
    },
    Upload {
        who: Who,
        asked: Asked,
        header: DocumentHeader,
        how: Upload,
        expected: Verdict,
    },
    Workflow {
        person: usize,
        work: Work,
    },
    /// Tasks of different cases in one call.
    Tasks {
        person: usize,
        works: Vec<Work>,
    },
}

/// Somebody at the counter, or a citizen; by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Counter(usize),
    Citizen(usize),
}

/// What is asked of a case.
pub(super) struct Work {
    pub(super) place: usize,
    pub(super) command: workflow_domain::Command,
    pub(super) allowed: bool,
}

/// How a file comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upload {
    Whole,
    /// The end of it is missing.
    CutOff,
    /// Its digest is another one's.
    Damaged,
}

/// What is to come of something that is asked of intake.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Law(Expected),
    /// It is done, and the answer says nothing of where the dossier stands.
    Done,
    /// The role does not do this.
    NotTheirRole,
    /// Another ward's dossier, which is not there for them.
    NotThere,
}

impl Wire {
    /// Different dossiers, and what is to come of what is asked of each.
    pub(super) fn steps(&mut self) -> Vec<Step> {
        let mut places = self.alive.clone();
        self.world.random.shuffle(&mut places);
        let mut steps = Vec::new();
        for _ in 0..self.at_once {
            let young = self.alive.len() < ALIVE && self.world.random.u8(..6) == 0;
            let place = if young { None } else { places.pop() };
            let drawn = self.world.random.u8(..24);
            // What came online waits for its files.
            let lacks = |place: usize| self.world.lives[place].matter.lacks_papers;
            let waits = drawn < 6 && place.is_some_and(lacks);
            let kind = match place {
                None => self.submission(),
                Some(place) if drawn == 0 || waits => self.upload(place),
                Some(place) if drawn < 12 => self.at_counter(place),
                Some(place) if drawn == 12 => self.tasks(place, &mut places),
                Some(place) => self.behind_it(place),
            };
            let kind = match (kind, place) {
                (None, Some(place)) => self.at_counter(place),
                (kind, _) => kind,
            };
            let place = place.unwrap_or_else(|| {
                self.world.lives.push(Life::default());
                self.world.lives.len() - 1
            });
            let twice = self.world.random.u8(..10) == 0;
            steps.extend(kind.map(|kind| Step { place, kind, twice }));
        }
        steps
    }

    /// At the counter, or online by a citizen: that waits to be accepted.
    fn submission(&mut self) -> Option<Kind> {
        let random = &mut self.world.random;
        let ward = random.usize(..WARDS.len());
        let (procedure, known) = intake::procedure(random);
        let (options, priority) = intake::facts(random, procedure);
        let online = random.u8(..6) == 0;
        let who = if online {
            Who::Citizen(random.usize(..self.citizens.len()))
        } else {
            Who::Counter(2 * ward)
        };
        let channel = if online {
            Channel::Portal
        } else {
            Channel::Counter
        };
        let request = SubmitDossierRequest {
            procedure: procedure.to_owned(),
            options,
            priority: priority.into(),
            receiving_agency: WARDS[ward].to_owned(),
            channel: channel.into(),
            applicant: Some(intake::applicant()),
            accept: !online && random.u8(..5) == 0,
            on_behalf_of: intake::for_another_ward(random, ward),
            request_id: Uuid::new_v4().to_string(),
            ..SubmitDossierRequest::default()
        };
        Some(Kind::Submit {
            request: Box::new(request),
            who,
            known,
        })
    }

    /// A small file: mostly by the citizen whose dossier it is, if any, and mostly whole.
    fn upload(&mut self, place: usize) -> Option<Kind> {
        let random = &mut self.world.random;
        let owner = self.owners.get(&place).copied();
        let who = match owner {
            Some(owner) if random.u8(..3) > 0 => Who::Citizen(owner),
            _ if random.u8(..8) == 0 => Who::Citizen(random.usize(..self.citizens.len())),
            _ => Who::Counter(random.usize(..self.counters.len())),
        };
        let result = random.u8(..3) == 0;
        let how = match random.u8(..6) {
            0 => Upload::CutOff,
            1 => Upload::Damaged,
            _ => Upload::Whole,
        };
        let (asked, kind) = if result {
            (Asked::AddResult, DocumentKind::Result)
        } else {
            (Asked::AddPaper, DocumentKind::Paper)
        };
        let life = &self.world.lives[place];
        let header = DocumentHeader {
            name: format!("dossiers/{}", life.code),
            kind: kind.into(),
            paper: if result { "" } else { "to-khai" }.to_owned(),
            result_code: if result { "KQ.1" } else { "" }.to_owned(),
            media_type: "application/pdf".to_owned(),
            size: i64::try_from(acts::CONTENT.len()).unwrap(),
            file_name: "to-khai.pdf".to_owned(),
            request_id: Uuid::new_v4().to_string(),
            ..DocumentHeader::default()
        };
        let dossier = life.dossier.as_ref()?;
        let (caller, sees) = match who {
            Who::Counter(person) => {
                let caller = &self.counters[person];
                (caller, caller.sees(dossier))
            }
            Who::Citizen(person) => (&self.citizens[person], owner == Some(person)),
        };
        let expected = if !sees {
            Verdict::NotThere
        } else if how != Upload::Whole {
            Verdict::Law(Expected::Nonsense)
        } else {
            // What the agency decided comes from the agency.
            match life.matter.judge(&caller.id, &asked) {
                _ if result && matches!(who, Who::Citizen(_)) => {
                    Verdict::Law(Expected::Refused(super::law::HAND_OVER))
                }
                Expected::Done(_) => Verdict::Done,
                expected => Verdict::Law(expected),
            }
        };
        Some(Kind::Upload {
            who,
            asked,
            header,
            how,
            expected,
        })
    }

    fn at_counter(&mut self, place: usize) -> Option<Kind> {
        let world = &mut self.world;
        let dossier = world.lives[place].dossier.clone().unwrap();
        // Now and then somebody of the other ward.
        let mut person = world.random.usize(..self.counters.len());
        let theirs = |person: usize| self.counters[person].sees(&dossier);
        if !theirs(person) && world.random.u8(..10) > 0 {
            person = (person + 2) % self.counters.len();
        }
        let caller = &self.counters[person];
        // So few end before acceptance with a fee paid that what follows from it is asked for on purpose.
        let matter = &world.lives[place].matter;
        let paid_in_vain = matter.has_ended() && !matter.accepted && matter.paid_vnd() > 0;
        let paid_in_vain = paid_in_vain && world.random.bool();
        let (asked, command) = loop {
            let drawn = intake::draws(world, place, person);
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
        Some(Kind::Intake {
            person,
            asked,
            command,
            expected,
        })
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
        let method = calls::method_of_case(&command);
        let work = self.work(place, person, &case, command, method);
        Some(Kind::Workflow { person, work })
    }

    /// Somebody finishes tasks of this case and of the next ones in one call.
    fn tasks(&mut self, place: usize, places: &mut Vec<usize>) -> Option<Kind> {
        let case = self.world.lives[place].case.clone()?;
        let (person, command) = workflow::draws_completion(&mut self.world, &case);
        let mut works = vec![self.work(place, person, &case, command, COMPLETE_MANY)];
        for _ in 0..3 {
            let Some(case) = places
                .last()
                .and_then(|it| self.world.lives[*it].case.clone())
            else {
                break;
            };
            let place = places.pop()?;
            let (_, command) = workflow::draws_completion(&mut self.world, &case);
            works.push(self.work(place, person, &case, command, COMPLETE_MANY));
        }
        Some(Kind::Tasks { person, works })
    }

    fn work(
        &self,
        place: usize,
        person: usize,
        case: &Case,
        command: workflow_domain::Command,
        method: &str,
    ) -> Work {
        let allowed = workflow::allowed(&self.world, &self.world.workers[person], case, &command);
        let principal = &self.workers[person].principal;
        let admitted = policy::judge(policy::of(method).unwrap(), Some(principal), None);
        Work {
            place,
            command,
            allowed: allowed && admitted.is_some(),
        }
    }
}
