//! Both services' domains in memory, and between them two histories that each reads with a lag, in order.

use jiff::{SignedDuration, Timestamp};
use motcua_intake::domain::{self as intake, dossier::Dossier};
use motcua_platform::{
    catalog::Catalog,
    error::Error,
    feed::kind_of,
    ledger::Authority,
    ledger::Context,
    ledger::Decision,
    time,
    time::{from_proto_opt, to_proto},
};
use motcua_proto::{
    events::v1::{Event, EventKind, event::Payload},
    workflow::v1::CaseState,
};
use motcua_workflow::domain::{self as workflow, Case, Definition, Substitution, Surround};

use super::{
    deputies,
    law::{self, Matter},
    path,
    reckoning::{self, Calendar, Due},
    setting::{self, Person, Plant},
    work,
    workflow::{KEPT_COUNTED, may_have},
};
use std::collections::{BTreeMap, BTreeSet};

/// One dossier's life in both services, and what the law thinks of it.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) code: String,
    pub(super) dossier: Option<Dossier>,
    pub(super) case: Option<Case>,
    pub(super) matter: Matter,
    pub(super) intake_events: Vec<Event>,
    pub(super) workflow_events: Vec<Event>,
    /// What of its time was counted already.
    pub(super) counted: Option<Counted>,
    /// What was said, by service, kind and revision: each of it once.
    pub(super) said: BTreeSet<(&'static str, i32, i32)>,
}

impl Life {
    /// Nothing that is said takes the place of something else.
    fn says(&mut self, service: &'static str, decision: &Decision) {
        for said in &decision.statements {
            let new = self.said.insert((service, said.kind, said.revision));
            assert!(new, "{}: {service} says {said:?} twice", self.code);
        }
    }
}

/// What the time of a case is counted by: while none of it changes, nothing is counted anew.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counted {
    state: CaseState,
    limit: String,
    /// Limits of branches that were chosen.
    chosen: usize,
    due: Due,
    holds: usize,
    /// Tasks that ended.
    ended: usize,
}

impl Counted {
    fn of(case: &Case) -> Self {
        Self {
            state: case.state,
            limit: case.chosen_limit.clone(),
            chosen: case
                .sub_cases
                .iter()
                .filter(|branch| !branch.chosen_limit.is_empty())
                .count(),
            due: first_due(case),
            holds: case.holds.len(),
            ended: case
                .tasks
                .iter()
                .filter(|task| task.ended_at.is_some())
                .count(),
        }
    }
}

/// The seed of a run, which is printed: another one where `MOTCUA_MODEL_SEED` says so.
pub(super) fn seed(usual: u64) -> u64 {
    let seed = std::env::var("MOTCUA_MODEL_SEED").map_or(usual, |seed| seed.parse().unwrap());
    eprintln!("seed {seed}");
    seed
}

/// Everything.
pub(super) struct World {
    pub(super) random: fastrand::Rng,
    pub(super) now: Timestamp,
    plant: Plant,
    catalog: Catalog,
    /// The one that was applied last; none while that is the first.
    later: Option<Catalog>,
    pub(super) calendar: Calendar,
    pub(super) surround: Surround,
    pub(super) receptionists: Vec<Person>,
    pub(super) citizen: Person,
    pub(super) workers: Vec<Person>,
    pub(super) lives: Vec<Life>,
    /// Who stands in for whom, by the service's key; those that are long over are forgotten.
    pub(super) deputies: Vec<(String, Substitution)>,
    /// Whether the second versions are there.
    pub(super) published: bool,
    /// How many began, and how their own events tell those that are not over: in memory.
    pub(super) begun: usize,
    pub(super) in_force: BTreeMap<String, Substitution>,
    /// What happened, by whom it happened to.
    intake_history: Vec<(usize, Event)>,
    workflow_history: Vec<(usize, Event)>,
    /// How far each has read the other's.
    intake_read: usize,
    workflow_read: usize,
    /// What occurred: commands with their answers, kinds of events, statuses.
    pub(super) seen: BTreeSet<String>,
    /// How many codes each agency gave out on each day.
    given: BTreeMap<String, u32>,
}

impl World {
    pub(super) fn new(seed: u64, plant: Plant) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            now: "2025-07-01T08:00:00+07:00".parse().unwrap(),
            plant,
            catalog: setting::catalog(plant),
            later: None,
            calendar: Calendar::default(),
            surround: work::surround(plant),
            receptionists: setting::receptionists(),
            citizen: setting::citizens().remove(0),
            workers: setting::workers(),
            lives: Vec::new(),
            deputies: Vec::new(),
            published: false,
            begun: 0,
            in_force: BTreeMap::new(),
            intake_history: Vec::new(),
            workflow_history: Vec::new(),
            intake_read: 0,
            workflow_read: 0,
            seen: BTreeSet::new(),
            given: BTreeMap::new(),
        }
    }

    /// The second versions of two definitions are there from now on.
    pub(super) fn publishes(&mut self) {
        for definition in work::second_versions() {
            let definition = Definition::parse(&definition).unwrap();
            self.surround.definitions.remember(definition);
        }
        self.published = true;
    }

    /// Right before such a day, where it was worked, the calendar is replaced: there is a day off more in each month, from the next day on. Nothing changes
    /// of what is over.
    pub(super) fn may_replace_calendar(&mut self) {
        let from = reckoning::day_of(self.now).tomorrow().unwrap();
        if from.day() != setting::ALSO_OFF || !self.calendar.is_working_day(from) {
            return;
        }
        let later = setting::later_catalog(self.plant, from);
        self.surround.catalogs.remember(later.clone(), true);
        self.later = Some(later);
        self.calendar.fewer_from = Some(from);
        let before: Vec<_> = self.lives.iter().map(|it| it.case.clone()).collect();
        for (place, before) in before.into_iter().enumerate() {
            let rule = Authority::of_service("intake");
            let recompute = intake::command::Command::Recompute;
            self.asks_intake(place, &rule, &recompute).unwrap();
            let Some(before) = before else { continue };
            let rule = Authority::of_service("workflow");
            self.asks_workflow(place, &rule, &workflow::Command::Recompute)
                .unwrap();
            if before.is_ended() {
                assert_eq!(self.lives[place].case, Some(before));
            }
        }
    }

    /// The version that a case begins with.
    pub(super) fn newest(&self, definition: &str) -> i32 {
        if self.published && path::has_two(definition) {
            2
        } else {
            1
        }
    }

    /// Lets some time pass: mostly minutes, now and then a night.
    pub(super) fn waits(&mut self) {
        let most = if self.random.u8(..40) == 0 { 900 } else { 12 };
        self.now += SignedDuration::from_mins(self.random.i64(0..most));
    }

    /// One of several names, by their weights.
    pub(super) fn drawn(&mut self, weights: &[(&'static str, u32)]) -> &'static str {
        let total: u32 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.random.u32(..total);
        let chosen = weights.iter().find(|(_, weight)| {
            let found = left < *weight;
            left = left.saturating_sub(*weight);
            found
        });
        chosen.unwrap().0
    }

    /// The code that the next dossier of an agency gets today; it is used up by [`World::gave`] only.
    pub(super) fn next_code(&self, agency: &str) -> String {
        let day = jiff::tz::offset(7).to_datetime(self.now);
        let begin = format!("H24.{agency}-{}", day.strftime("%y%m%d"));
        let number = self.given.get(&begin).copied().unwrap_or_default() + 1;
        format!("{begin}-{number:04}")
    }

    /// A dossier got its code.
    pub(super) fn gave(&mut self, code: &str) {
        let (begin, _) = code.rsplit_once('-').unwrap();
        *self.given.entry(begin.to_owned()).or_default() += 1;
    }

    /// Asks intake. What happened is in its history when this returns.
    pub(super) fn asks_intake(
        &mut self,
        place: usize,
        who: &Authority,
        command: &intake::command::Command,
    ) -> Result<(), Error> {
        let life = &self.lives[place];
        let context = Context::new(self.now, &life.code, who);
        let in_force = self.later.as_ref().unwrap_or(&self.catalog);
        let own = intake::decide::catalog_id(life.dossier.as_ref(), command);
        let known = intake::decide::Known {
            own: [in_force, &self.catalog]
                .into_iter()
                .find(|catalog| own == Some(catalog.id())),
            in_force: Some(in_force),
        };
        let decided = intake::decide::decide(life.dossier.as_ref(), command, &context, known);
        let decision = sound(decided)?;
        self.lives[place].says("intake", &decision);
        let code = self.lives[place].code.clone();
        for event in written(&code, self.now, who, decision) {
            self.hears_intake(place, &event);
            self.intake_history.push((place, event));
        }
        Ok(())
    }

    /// Something happened at the counter.
    pub(super) fn hears_intake(&mut self, place: usize, event: &Event) {
        let life = &mut self.lives[place];
        let before = life.matter.clone();
        life.dossier = Dossier::apply(life.dossier.take(), event);
        let status = law::number(life.dossier.as_ref().unwrap().status);
        if before.status != 0 && before.status != status {
            assert!(
                before.may_move(status),
                "{} moved from {} to {status} by {:?}",
                life.code,
                before.status,
                event.kind()
            );
            assert!(!before.has_ended(), "{} moved after its end", life.code);
        }
        // What the law makes of an acceptance is not the service's to say; but the next move starts from here.
        if status == 2 && !life.matter.accepted {
            life.matter.accepts();
        }
        transfers_are_told_by_the_law(life, event, self.calendar);
        life.matter.comes_to(status);
        life.matter.lapsed |= event.kind() == EventKind::SupplementLapsed;
        self.seen.insert(format!("status {status}"));
        self.seen.insert(format!("intake {:?}", event.kind()));
        life.intake_events.push(event.clone());
        let dossier = life.dossier.as_ref().unwrap();
        if let Some(Payload::CaseProgressRecorded(progress)) = &event.payload {
            life.matter.owes(progress.obligations_vnd);
        }
        assert!(
            dossier.paid_vnd() <= life.matter.owed_vnd(),
            "more than is owed"
        );
    }

    /// Asks workflow likewise.
    pub(super) fn asks_workflow(
        &mut self,
        place: usize,
        who: &Authority,
        command: &workflow::Command,
    ) -> Result<(), Error> {
        let life = &self.lives[place];
        let context = Context::new(self.now, &life.code, who);
        let decided = workflow::decide(life.case.as_ref(), command, &context, &self.surround);
        let decision = sound(decided)?;
        self.lives[place].says("workflow", &decision);
        let code = self.lives[place].code.clone();
        for event in written(&code, self.now, who, decision) {
            self.hears_workflow(place, &event);
            self.workflow_history.push((place, event));
        }
        if let Some(case) = &self.lives[place].case {
            let runs = case.state == CaseState::Running;
            let kept = case.waiting().any(|(_, task)| task.kept.is_some());
            assert!(!(runs && kept), "{code}: an answer that never counts");
        }
        Ok(())
    }

    /// Something happened behind it.
    pub(super) fn hears_workflow(&mut self, place: usize, event: &Event) {
        if let Some(case) = &self.lives[place].case {
            let at = time::from_proto_opt(event.occurred_at.as_ref()).unwrap();
            is_judged_by_the_law(&self.lives[place].code, case, event, at);
            let by_deputy = deputies::are_named(self, case, event, at);
            self.seen.extend(by_deputy);
            if let Some(Payload::TaskCompleted(done)) = &event.payload
                && case
                    .task(&done.task)
                    .is_some_and(|task| task.kept.is_some())
            {
                self.seen.insert(KEPT_COUNTED.to_owned());
            }
        }
        let newest = match &event.payload {
            Some(Payload::CaseStarted(started)) => self.newest(&started.definition),
            _ => 0,
        };
        let life = &mut self.lives[place];
        let ended = life.case.as_ref().is_some_and(Case::is_ended);
        if let Some(case) = &life.case {
            branches_are_told_by_the_law(life, case, event);
            nobody_is_given_what_they_may_not_have(&life.code, case, event);
        }
        let version = life
            .case
            .as_ref()
            .map_or(newest, |it| it.definition_version);
        life.case = workflow::apply(life.case.take(), event);
        self.seen.insert(format!("workflow {:?}", event.kind()));
        let kind = event.kind().as_str_name();
        assert!(
            !ended || kind.ends_with("REACTION_IGNORED") || kind.ends_with("STAFF_RECUSED"),
            "{} after the end of {}",
            kind,
            life.code
        );
        life.workflow_events.push(event.clone());
        if event.kind() == EventKind::CaseFinished {
            let steps = life.case.iter().flat_map(|case| &case.tasks);
            let steps: Vec<_> = steps.map(|task| task.step.as_str()).collect();
            self.seen.insert(format!("path {}", steps.join(" ")));
            if steps.windows(2).any(|pair| pair == ["sign", "examine"]) {
                self.seen.insert("path back to examine".to_owned());
            }
        }
        if let Some(case) = &life.case {
            let moved = event.kind() == EventKind::CaseMigrated;
            assert!(
                moved || case.definition_version == version,
                "{} went on under another version of its definition",
                life.code
            );
            let counted = Counted::of(case);
            // By a calendar that has been replaced a case begins as the receipt says, and is reckoned anew at once.
            let begins = event.kind() == EventKind::CaseStarted && self.later.is_some();
            if !begins && life.counted.as_ref() != Some(&counted) {
                time_is_counted_once(&life.code, case, self.calendar);
                is_due_by_the_law(&life.code, case, self.calendar);
                branches_are_due_by_the_law(&life.code, case, self.calendar);
                life.counted = Some(counted);
            }
        }
    }

    /// Each service reads a little of what the other one wrote.
    pub(super) fn reads(&mut self, most: usize) {
        for _ in 0..self.random.usize(0..=most) {
            let Some((place, event)) = self.intake_history.get(self.workflow_read).cloned() else {
                break;
            };
            self.workflow_read += 1;
            let payload = event.payload.as_ref().unwrap();
            let Some(command) = workflow::asked_by("intake", &event, payload).unwrap() else {
                continue;
            };
            let rule = Authority::of_service("workflow");
            match self.asks_workflow(place, &rule, &command) {
                Ok(()) => {}
                Err(Error::Missing { .. })
                    if matches!(command, workflow::Command::Recuse { .. }) => {}
                Err(error) => panic!("workflow cannot follow {:?}: {error}", event.kind()),
            }
        }
        for _ in 0..self.random.usize(0..=most) {
            let Some((place, event)) = self.workflow_history.get(self.intake_read).cloned() else {
                break;
            };
            self.intake_read += 1;
            if !intake::follow::KINDS.contains(&event.kind()) {
                continue;
            }
            let news = intake::follow::News::read(&event).unwrap();
            let rule = Authority::of_service("intake");
            let command = intake::command::Command::Follow(news);
            self.asks_intake(place, &rule, &command).unwrap();
        }
    }

    /// Nothing is left unread.
    pub(super) fn reads_all(&mut self) {
        while self.workflow_read < self.intake_history.len()
            || self.intake_read < self.workflow_history.len()
        {
            self.reads(50);
        }
    }

    /// The events tell the state.
    pub(super) fn replays(&self, place: usize) {
        let life = &self.lives[place];
        let dossier = life.intake_events.iter().fold(None, Dossier::apply);
        assert_eq!(dossier, life.dossier, "intake's events of {}", life.code);
        let case = life.workflow_events.iter().fold(None, workflow::apply);
        assert_eq!(case, life.case, "workflow's events of {}", life.code);
    }

    /// What is submitted stands under the one in force.
    pub(super) fn catalog_id(&self) -> String {
        let in_force = self.later.as_ref().unwrap_or(&self.catalog);
        in_force.id().to_owned()
    }
}

/// Every refusal names its article.
fn sound(decided: Result<Decision, Error>) -> Result<Decision, Error> {
    if let Err(Error::Refused(refusal)) = &decided {
        assert!(!refusal.article.is_empty() && !refusal.remedy.is_empty());
    }
    decided
}

fn written(code: &str, now: Timestamp, who: &Authority, decision: Decision) -> Vec<Event> {
    let subject = decision.subject;
    let event = |payload| Event {
        kind: kind_of(&payload).into(),
        dossier: code.to_owned(),
        agency: subject.agency.clone(),
        procedure: subject.procedure.clone(),
        actor: Some(who.actor().clone()),
        occurred_at: Some(to_proto(now)),
        payload: Some(payload),
        ..Event::default()
    };
    decision.events.into_iter().map(event).collect()
}

/// While it goes on, a case is judged by its limit and by what did not count of it, reckoned anew each time.
fn is_due_by_the_law(code: &str, case: &Case, calendar: Calendar) {
    if case.state != CaseState::Running {
        return;
    }
    let held: Vec<_> = case
        .holds
        .iter()
        .map(|hold| (hold.from, hold.to.unwrap()))
        .collect();
    assert_eq!(
        first_due(case),
        calendar.due(case.received_at, path::limit(case), &held),
        "{code}: received at {}, held {held:?}",
        case.received_at
    );
}

/// What another ward decides is due there, and late, when the law says so.
fn transfers_are_told_by_the_law(life: &Life, event: &Event, calendar: Calendar) {
    let code = &life.code;
    match event.payload.as_ref().unwrap() {
        Payload::DossierAccepted(accepted) => {
            let received = from_proto_opt(accepted.received_at.as_ref()).unwrap();
            let due = life
                .matter
                .elsewhere
                .then(|| calendar.transfer_due(received));
            let told = from_proto_opt(accepted.transfer_due_at.as_ref());
            assert_eq!(told, due, "{code}: received at {received}");
        }
        Payload::TransferOverdue(overdue) => {
            let due = from_proto_opt(overdue.transfer_due_at.as_ref()).unwrap();
            let now = from_proto_opt(event.occurred_at.as_ref()).unwrap();
            assert!(
                due < now && !life.matter.transferred,
                "{code}: {due}, {now}"
            );
        }
        _ => {}
    }
}

/// So is each of its branches, by the limit of the branch's own procedure and from when the branch began.
fn branches_are_due_by_the_law(code: &str, case: &Case, calendar: Calendar) {
    // What somebody else awaits stops no branch's clock.
    let stands = |branch: &str| {
        let mut open = case.open_holds().peekable();
        match open.peek() {
            Some(_) => open.any(|hold| hold.branch.is_empty() || hold.branch == branch),
            None => case.state != CaseState::Running,
        }
    };
    let under_way = case.sub_cases.iter().filter(|it| it.finished_at.is_none());
    for sub_case in under_way.filter(|it| !stands(&it.branch)) {
        // What another branch's agency awaited is none of its time.
        let holds: Vec<_> = case
            .holds
            .iter()
            .filter(|hold| hold.branch.is_empty() || hold.branch == sub_case.branch)
            .map(|hold| (hold.from, hold.to.unwrap()))
            .collect();
        let limit = path::limit_of_branch(sub_case);
        assert_eq!(
            sub_case.due_at,
            calendar.due(sub_case.started_at, limit, &holds).at,
            "{code}: began at {}, held {holds:?}",
            sub_case.started_at
        );
    }
}

/// Of each due a branch is told overdue once at most, and never before its day has ended; that it comes near, before that. What is
/// said of it at its end is what the law says of that day.
fn branches_are_told_by_the_law(life: &Life, case: &Case, event: &Event) {
    let code = &life.code;
    let now = from_proto_opt(event.occurred_at.as_ref()).unwrap();
    match event.payload.as_ref().unwrap() {
        Payload::SubCaseOverdue(overdue) => {
            let (due_at, until) = due_of_branch(case, &overdue.branch);
            assert_eq!(overdue.due_at, Some(to_proto(due_at)), "{code}");
            assert!(now >= until, "{code}: not yet at {now}");
            let again = life.workflow_events.iter().any(|before| {
                matches!(&before.payload, Some(Payload::SubCaseOverdue(it)) if it == overdue)
            });
            assert!(!again, "{code}: told twice of {due_at}");
        }
        Payload::SubCaseDueSoon(soon) => {
            let (due_at, until) = due_of_branch(case, &soon.branch);
            assert_eq!(soon.due_at, Some(to_proto(due_at)), "{code}");
            assert!(now < until, "{code}: late at {now}");
        }
        Payload::SubCaseFinished(finished) => {
            let (at, judged_until) = due_of_branch(case, &finished.branch);
            let ready = from_proto_opt(finished.finished_at.as_ref()).unwrap();
            let judged = reckoning::judged(Due { at, judged_until }, ready);
            assert_eq!(finished.punctuality(), judged, "{code}: {at}, {ready}");
        }
        _ => {}
    }
}

/// When a branch is due, and the first instant that is too late.
pub(super) fn due_of_branch(case: &Case, branch: &str) -> (Timestamp, Timestamp) {
    let sub_case = case.sub_case(branch).unwrap();
    let limit = path::limit_of_branch(sub_case);
    (
        sub_case.due_at,
        reckoning::judged_until(limit, sub_case.due_at),
    )
}

fn first_due(case: &Case) -> Due {
    Due {
        at: case.first_due.at,
        judged_until: case.first_due.judged_until,
    }
}

/// What is told of a case's time is so: it is late when it is told to be, and its end is judged by the first due.
fn is_judged_by_the_law(code: &str, case: &Case, event: &Event, at: Timestamp) {
    match &event.payload {
        Some(Payload::CaseOverdue(_)) => {
            let until = reckoning::judged_until(path::limit(case), case.due.at);
            assert!(until <= at, "{code} is told to be late before {until}");
        }
        Some(Payload::CaseFinished(finished)) => {
            let punctuality = reckoning::judged(first_due(case), at);
            assert_eq!(finished.punctuality(), punctuality, "{code} ended at {at}");
        }
        _ => {}
    }
}

/// What was delegated comes back to whoever may still have it.
fn nobody_is_given_what_they_may_not_have(code: &str, case: &Case, event: &Event) {
    if let Some(Payload::TaskReleased(released)) = &event.payload
        && !released.assignee.is_empty()
    {
        let task = case.task(&released.task).unwrap();
        let may = may_have(case, task, &released.assignee);
        assert!(may, "{code}: {} has {task:?}", released.assignee);
    }
}

/// Holds lie one after the other, and of every task that ended, what was used and what was held make up what passed.
fn time_is_counted_once(code: &str, case: &Case, calendar: Calendar) {
    for (place, hold) in case.holds.iter().enumerate() {
        let mut before = case.holds.iter().take(place);
        // Two branches' agencies may await something at the same time, and nobody else.
        let apart = before.all(|it| {
            let others = ![it, hold].iter().any(|it| it.branch.is_empty());
            others && it.branch != hold.branch || it.to.is_some_and(|to| to <= hold.from)
        });
        assert!(apart, "{code}: holds overlap");
    }
    for task in &case.tasks {
        let Some(ended) = task.ended_at else { continue };
        let held: i64 = case
            .holds
            .iter()
            .filter(|hold| hold.branch.is_empty() || hold.branch == task.call)
            .map(|hold| {
                let from = hold.from.max(task.opened_at);
                let to = hold.to.unwrap_or(ended).min(ended);
                if from < to {
                    calendar.working_minutes(from, to)
                } else {
                    0
                }
            })
            .sum();
        assert_eq!(
            i64::from(task.used_minutes) + held,
            calendar.working_minutes(task.opened_at, ended),
            "{code}: {} used and held of what passed",
            task.step
        );
    }
}
