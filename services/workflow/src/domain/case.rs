//! Where a case stands. Without personal data and without words: those are statements, and only their revision is here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use motcua_calendar::Limit;
use motcua_platform::{catalog, scope};
use motcua_proto::{
    events::v1::HoldGround,
    r#type::v1::{PriorityGround, Punctuality, Role},
    workflow::v1::{CaseState, TaskState},
};
use serde::{Deserialize, Serialize};

use super::reckon::{judged, judged_until};

/// The work on one dossier from acceptance to finish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Where it stands.
    #[serde(with = "number")]
    pub state: CaseState,
    /// National code of the procedure.
    pub procedure: String,
    /// The agency that received.
    pub receiving_agency: String,
    /// The agency that decides.
    pub competent_agency: String,
    /// The catalog that the dossier stands under.
    pub catalog: String,
    /// Id of the definition.
    pub definition: String,
    /// Its version; 0 while blocked.
    pub definition_version: i32,
    /// The definitions that its calls run under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<Called>,
    /// Moment of reception.
    pub received_at: Timestamp,
    /// The limit.
    #[serde(with = "catalog::limit")]
    pub limit: Limit,
    /// Id of the procedure's other limit that was chosen during the work; empty while the receipt's holds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub chosen_limit: String,
    /// The first due as moved by holds: it judges.
    pub first_due: Due,
    /// The due in force: with the extension, where there was one.
    pub due: Due,
    /// True once an apology with a new date was made.
    pub extended: bool,
    /// That apology, as it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apology: Option<Apology>,
    /// When to tell that the due comes near.
    pub due_soon_at: Option<Timestamp>,
    /// True once that was told.
    pub due_soon: bool,
    /// True once it was told that the due has passed.
    pub overdue: bool,
    /// Why it goes first, if it does.
    #[serde(with = "number")]
    pub priority: PriorityGround,
    /// Facts that choose the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Staff who may not act on it: it is a relative's or their own. Opaque ids.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recused: BTreeSet<String>,
    /// Times that do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// What is owed in all, in đồng: the fee, and what the work has found to be owed beside it.
    #[serde(default)]
    pub fee_vnd: i64,
    /// What of that the work has found.
    #[serde(default)]
    pub obligations_vnd: i64,
    /// What is paid of it, in đồng.
    #[serde(default)]
    pub paid_vnd: i64,
    /// Every task, in the order of opening: the n-th is `tN`.
    pub tasks: Vec<Task>,
    /// Branches at other agencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_cases: Vec<SubCase>,
    /// Where paths wait or waited, in the order of their setting: the n-th is `wN`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<Timer>,
    /// How many branches have reached each join. A passage of a fork sends the same number every time, because options
    /// do not change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arrivals: BTreeMap<String, usize>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The outcome of the last step.
    pub outcome: String,
    /// Revision of why what was asked for was refused; 0 where it was not.
    #[serde(default)]
    pub statement_revision: i32,
    /// Revision of why another limit holds for the case itself; 0 while the receipt's does.
    #[serde(default)]
    pub limit_revision: i32,
    /// How it stood to its limit; set when finished.
    #[serde(with = "number")]
    pub punctuality: Punctuality,
    /// Why it cannot run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub blocked_reason: String,
    /// Latest revision of each kind of statement.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revisions: BTreeMap<i32, i32>,
    /// Number of its events.
    pub version: i64,
    /// Which tasks changed since the state was read: what is to be written.
    #[serde(skip)]
    pub touched: Touched,
}

/// A due instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The instant that is printed.
    pub at: Timestamp,
    /// The first instant that is too late.
    pub judged_until: Timestamp,
}

/// An apology with a new date. Later holds move the case's dues, and not what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apology {
    /// When it was made.
    pub made_at: Timestamp,
    /// The due instant that was not to be kept.
    pub first_due_at: Timestamp,
    /// The new date.
    pub due_at: Timestamp,
    /// The leader for whom somebody stood in who made it; empty where a leader did. Opaque id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub on_behalf_of: String,
}

/// The definition that a call runs under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The step that calls.
    pub branch: String,
    /// National code of the called procedure.
    pub procedure: String,
    /// Id of its definition.
    pub definition: String,
    /// Its version.
    pub definition_version: i32,
}

/// Time that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub from: Timestamp,
    /// Until when; none while it lasts.
    pub to: Option<Timestamp>,
    /// Why.
    #[serde(default, with = "number")]
    pub ground: HoldGround,
    /// By when what was asked for is to be provided.
    pub due_at: Option<Timestamp>,
    /// Revision of the statement that says what for; 0 where nothing but the fee is awaited.
    #[serde(default)]
    pub statement_revision: i32,
    /// The branch whose agency asked for a supplement; empty for the case's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub branch: String,
}

impl Hold {
    /// Whether it stops the clock of a call's work, or of the case's own where that is empty: one of the whole stops every clock.
    #[must_use]
    pub fn stops(&self, call: &str) -> bool {
        self.branch.is_empty() || self.branch == call
    }
}

/// One step of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The step of the definition.
    pub step: String,
    /// The branch; empty for the main line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// The call whose sub-case it belongs to; empty for the case's own definition.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// Who may take it.
    #[serde(with = "number")]
    pub role: Role,
    /// The agency that works on it.
    pub agency: String,
    /// Where it stands.
    #[serde(with = "number")]
    pub state: TaskState,
    /// Opaque id of who has it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assignee: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was taken.
    pub claimed_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Budget, in working minutes.
    pub planned_minutes: i32,
    /// Working minutes used; set when ended.
    pub used_minutes: i32,
    /// When the budget ends.
    pub due_at: Timestamp,
    /// The outcome that was chosen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// Id of the task before it in the same branch; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub previous: String,
    /// Named group that it is for; empty for everybody with the role.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The other system that is to answer; empty where somebody works.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// The code that the system last answered with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_code: String,
    /// How often it told that it is on its way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub progressed: u32,
    /// When it did. None in a row from before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_code_at: Option<Timestamp>,
    /// What the system answered while the step stood still; none once that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// When its leader is to know of it, and after how many working minutes that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
    /// Until when it is its assignee's; none where that has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Whom the assignee stood in for; empty where they act for themselves. Opaque id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub on_behalf_of: String,
    /// Revision of why it ended with its outcome; none where nothing was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<i32>,
    /// Who had it before whoever has it now, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Hand>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An answer that counts once its step goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The system's code.
    pub code: String,
    /// Revision of why, where it refuses; 0 where nothing was said.
    pub statement_revision: i32,
    /// Who gave it, or wrote it down. Opaque id.
    pub by: String,
    /// Whom they stood in for; empty where they acted for themselves. Opaque id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub on_behalf_of: String,
}

/// Somebody who had a task and passed it on, or from whom it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// Opaque id.
    pub assignee: String,
    /// Whom they stood in for; empty where they acted for themselves. Opaque id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub on_behalf_of: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// For how long a task is somebody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Until when.
    pub until: Timestamp,
    /// Who has it again after that: whoever delegated it; empty for nobody. Opaque id.
    pub back_to: String,
}

/// When a task that has not ended is escalated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// When.
    pub at: Timestamp,
    /// After how many working minutes.
    pub after_minutes: i32,
    /// True once it was.
    pub done: bool,
}

/// A path that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// The step of the definition.
    pub step: String,
    /// The call whose sub-case it belongs to; empty for the case's own definition.
    pub call: String,
    /// The branch; empty for the main line.
    pub branch: String,
    /// Id of the task before it in the same branch; empty if there is none.
    pub previous: String,
    /// The agency whose working time it waits in.
    pub agency: String,
    /// Since when.
    pub set_at: Timestamp,
    /// Until when.
    pub fires_at: Timestamp,
    /// How long in working minutes; 0 where it waits for a day of the calendar.
    pub working_minutes: i32,
    /// How many calendar days; 0 where it waits working minutes.
    #[serde(default)]
    pub calendar_days: i32,
    /// When it went on.
    pub fired_at: Option<Timestamp>,
}

/// What the clock may bring about, and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// A path has waited; the timer's id.
    Timer(Timestamp, String),
    /// A task is escalated; its id.
    Escalation(Timestamp, String),
    /// A task is no longer its assignee's; its id.
    Lease(Timestamp, String),
    /// A branch's due comes near, or has passed; the branch's index.
    Branch(Timestamp, usize),
    /// The case's due comes near, or has passed.
    Due(Timestamp),
}

impl Alarm {
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Timer(at, _)
            | Self::Escalation(at, _)
            | Self::Lease(at, _)
            | Self::Branch(at, _)
            | Self::Due(at) => *at,
        }
    }
}

impl Task {
    /// Whether it was done.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.state == TaskState::Completed
    }

    /// Whether somebody is still to work on it.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, TaskState::Open | TaskState::Claimed)
    }

    /// Whether another limit of the case, or of a branch by its call, gives it more time: it waits, and is the work of what the
    /// limit is for, and not another system's.
    pub(super) fn has_more_time(&self, call: &str) -> bool {
        self.is_waiting() && self.call == call && self.system.is_empty()
    }
}

/// A branch at another agency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubCase {
    /// The step that called it.
    pub branch: String,
    /// National code of its procedure.
    pub procedure: String,
    /// Its agency.
    pub agency: String,
    /// Its limit.
    #[serde(with = "catalog::limit")]
    pub limit: Limit,
    /// Id of its procedure's other limit that was chosen for it; empty while the first one holds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub chosen_limit: String,
    /// The limit that it began with, where another was chosen since.
    #[serde(
        default,
        with = "catalog::limit::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_limit: Option<Limit>,
    /// When it began.
    pub started_at: Timestamp,
    /// Its due instant as it began; none in a row from before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_due_at: Option<Timestamp>,
    /// Its due instant.
    pub due_at: Timestamp,
    /// The first instant that is too late; none where what moved the due did not tell it yet ([`SubCase::due`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_until: Option<Timestamp>,
    /// When to tell that the due comes near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_soon_at: Option<Timestamp>,
    /// True once that was told of this due.
    #[serde(default)]
    pub due_soon: bool,
    /// True once it was told that this due has passed.
    #[serde(default)]
    pub overdue: bool,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Its outcome.
    pub outcome: String,
    /// Revision of why it was refused; 0 where it was not.
    #[serde(default)]
    pub statement_revision: i32,
    /// Whether it ended by rule, because what its agency asked for did not come.
    #[serde(default)]
    pub lapsed: bool,
    /// How many tasks the case had when it began: what a call did before, when it was made more than once, comes before.
    #[serde(default)]
    pub first_task: usize,
}

impl SubCase {
    /// Its due as moved by holds, which judges it. What began before branches were watched did not keep until when: that follows
    /// from the instant and the limit, as it does where a due is reckoned.
    #[must_use]
    pub fn due(&self) -> Due {
        let judged_until = self
            .judged_until
            .or_else(|| judged_until(self.due_at, &self.limit).ok())
            .unwrap_or(self.due_at);
        Due {
            at: self.due_at,
            judged_until,
        }
    }

    /// How it stood to that due; unspecified until it finishes.
    #[must_use]
    pub fn punctuality(&self) -> Punctuality {
        self.finished_at
            .map_or(Punctuality::Unspecified, |at| judged(self.due(), at))
    }

    /// Whether its due passed while it was under way, as was told or as it finished.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.overdue || self.punctuality() == Punctuality::Overdue
    }

    /// It is due at an instant from now on. That this comes near is told of it, whatever was told of the one before; and where it
    /// is another, so is that it has passed.
    pub(super) fn moves(
        &mut self,
        due_at: Timestamp,
        judged_until: Option<Timestamp>,
        due_soon_at: Option<Timestamp>,
    ) {
        let before = self.due();
        self.due_at = due_at;
        self.judged_until = judged_until;
        self.overdue &= self.due() == before;
        self.due_soon_at = due_soon_at;
        self.due_soon = false;
    }

    /// When the clock is looked at for it.
    fn alarm_at(&self) -> Option<Timestamp> {
        let reminder = self.due_soon_at.filter(|_| !self.due_soon);
        (self.finished_at.is_none() && !self.overdue)
            .then(|| reminder.unwrap_or_else(|| self.due().judged_until))
    }
}

/// Indices of changed tasks. It says nothing about where the case stands, so it takes no part in comparisons.
#[derive(Debug, Clone, Default)]
pub struct Touched(BTreeSet<usize>);

impl PartialEq for Touched {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Touched {
    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().copied()
    }
}

impl Case {
    /// Whether it has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(
            self.state,
            CaseState::Finished | CaseState::Stopped | CaseState::Withdrawn
        )
    }

    /// Whose it is: the agency's that received it, the one's that decides, and theirs that work or worked on it.
    #[must_use]
    pub fn tenants(&self) -> Vec<String> {
        let working = self
            .tasks
            .iter()
            .map(|task| &task.agency)
            .chain(self.sub_cases.iter().map(|sub_case| &sub_case.agency));
        let all = [&self.receiving_agency, &self.competent_agency]
            .into_iter()
            .chain(working);
        scope::tenants(all.map(String::as_str), "")
    }

    /// The holds that last, where it stands still: one, or one for each branch whose agency awaits something.
    pub fn open_holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(|hold| hold.to.is_none())
    }

    /// When to look at the clock: nothing falls due while it stands still for the applicant. The limit of a case that
    /// cannot begin runs on like any other.
    #[must_use]
    pub fn timer_at(&self) -> Option<Timestamp> {
        self.alarm().map(|alarm| alarm.at())
    }

    /// What the clock brings about next.
    pub(super) fn alarm(&self) -> Option<Alarm> {
        // What one branch's agency awaits stops the clock of that branch and of the whole, and no other's.
        let held = match self.state {
            CaseState::Running | CaseState::Blocked => false,
            CaseState::Held if !self.is_held("") => true,
            _ => return None,
        };
        let goes_on = |call: &str| !self.is_held(call);
        let due = self
            .due_soon_at
            .filter(|_| !self.due_soon)
            .unwrap_or(self.due.judged_until);
        let timers = self
            .timers
            .iter()
            .enumerate()
            .filter(|(_, timer)| self.waits(timer) && goes_on(&timer.call))
            .map(|(index, timer)| Alarm::Timer(timer.fires_at, timer_id(index)));
        let working = || self.waiting().filter(|(_, task)| goes_on(&task.call));
        let escalations = working().filter_map(|(id, task)| {
            let escalation = task.escalation.filter(|escalation| !escalation.done)?;
            Some(Alarm::Escalation(escalation.at, id))
        });
        let leases =
            working().filter_map(|(id, task)| Some(Alarm::Lease(task.lease.as_ref()?.until, id)));
        let branches = self
            .sub_cases
            .iter()
            .enumerate()
            .filter(|(_, sub_case)| goes_on(&sub_case.branch))
            .filter_map(|(index, sub_case)| Some(Alarm::Branch(sub_case.alarm_at()?, index)));
        (!self.overdue && !held)
            .then_some(Alarm::Due(due))
            .into_iter()
            .chain(timers)
            .chain(escalations)
            .chain(leases)
            .chain(branches)
            .min_by(|a, b| a.at().cmp(&b.at()).then_with(|| a.cmp(b)))
    }

    /// The holds that stop the clock of a call's work, or of the case's own where that is empty: those of the whole, and its own.
    #[must_use]
    pub fn holds_of(&self, call: &str) -> Vec<Hold> {
        holds_of(&self.holds, call)
    }

    /// Whether a timer still waits: a branch that ended by rule takes its own along.
    pub(super) fn waits(&self, timer: &Timer) -> bool {
        let runs = |sub_case: &SubCase| {
            sub_case.finished_at.is_none() && sub_case.started_at <= timer.set_at
        };
        timer.fired_at.is_none()
            && (timer.call.is_empty() || self.sub_case(&timer.call).is_some_and(runs))
    }

    /// Whether a task stands still: with the whole case, or with the branch whose agency asked for a supplement. What other agencies
    /// do goes on meanwhile.
    #[must_use]
    pub fn holds_up(&self, task: &Task) -> bool {
        self.is_held(&task.call)
    }

    /// Revision of what the hold at a place was asked with. Before holds kept it, each supplement had the statement of its own number.
    #[must_use]
    pub fn said_of(&self, place: usize) -> i32 {
        let Some(hold) = self.holds.get(place) else {
            return 0;
        };
        if hold.statement_revision > 0 || hold.ground == HoldGround::Payment {
            return hold.statement_revision;
        }
        let until = self.holds.iter().take(place + 1);
        let supplements = until.filter(|hold| hold.ground != HoldGround::Payment);
        i32::try_from(supplements.count()).unwrap_or(i32::MAX)
    }

    /// The same of a call's work.
    #[must_use]
    pub fn is_held(&self, call: &str) -> bool {
        let mut open = self.open_holds().peekable();
        self.state == CaseState::Held
            && (open.peek().is_none() || open.any(|hold| hold.stops(call)))
    }

    /// By when a task's work is due: the whole case's due, or that of the branch that it belongs to where it comes first.
    #[must_use]
    pub fn due_of(&self, task: &Task) -> Timestamp {
        let branch = self.sub_case(&task.call).map(|sub_case| sub_case.due_at);
        branch.map_or(self.due.at, |due_at| due_at.min(self.due.at))
    }

    /// A task by its id.
    #[must_use]
    pub fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.get(task_index(id)?)
    }

    /// A timer by its id.
    pub(super) fn timer(&self, id: &str) -> Option<&Timer> {
        self.timers.get(timer_index(id)?)
    }

    /// The same, to be changed.
    pub(super) fn timer_mut(&mut self, id: &str) -> Option<&mut Timer> {
        self.timers.get_mut(timer_index(id)?)
    }

    /// How often an outcome of a step was chosen: in the case's own definition, or in the present run of a call.
    pub(super) fn rounds(&self, call: &str, step: &str, outcome: &str) -> u32 {
        let chosen = self
            .tasks_of(call)
            .filter(|task| task.is_completed() && task.step == step && task.outcome == outcome);
        u32::try_from(chosen.count()).unwrap_or(u32::MAX)
    }

    /// The tasks of the case's own definition, or of the present run of a call.
    pub(super) fn tasks_of<'a>(&'a self, call: &'a str) -> impl Iterator<Item = &'a Task> {
        let first = self
            .sub_case(call)
            .map_or(0, |sub_case| sub_case.first_task);
        self.tasks
            .iter()
            .skip(first)
            .filter(move |task| task.call == call)
    }

    /// Changes a task, and notes that it is to be written.
    pub(super) fn change_task(&mut self, id: &str, change: impl FnOnce(&mut Task)) {
        if let Some(index) = task_index(id)
            && let Some(task) = self.tasks.get_mut(index)
        {
            change(task);
            self.touched.0.insert(index);
        }
    }

    /// Opens a task.
    pub(super) fn push_task(&mut self, task: Task) {
        self.touched.0.insert(self.tasks.len());
        self.tasks.push(task);
    }

    /// What every waiting task shows of its case has changed.
    pub(super) fn touch_waiting(&mut self) {
        let waiting = self
            .tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| task.is_waiting());
        self.touched.0.extend(waiting.map(|(index, _)| index));
    }

    /// The tasks that somebody is still to work on, with their ids.
    pub fn waiting(&self) -> impl Iterator<Item = (String, &Task)> {
        self.tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| task.is_waiting())
            .map(|(index, task)| (task_id(index), task))
    }

    /// The call's pinned definition.
    #[must_use]
    pub fn called(&self, call: &str) -> Option<&Called> {
        self.called.iter().find(|called| called.branch == call)
    }

    /// The sub-case that a call runs, or ran last.
    #[must_use]
    pub fn sub_case(&self, call: &str) -> Option<&SubCase> {
        self.sub_cases
            .iter()
            .rev()
            .find(|sub_case| sub_case.branch == call)
    }

    /// Whether one of its branches is still under way: it has not finished, nor fallen away with the case.
    #[must_use]
    pub fn is_under_way(&self, sub_case: &SubCase) -> bool {
        sub_case.finished_at.is_none() && !self.is_ended()
    }

    /// National code of the procedure that a task belongs to.
    #[must_use]
    pub fn procedure_of(&self, task: &Task) -> &str {
        self.called(&task.call)
            .map_or(&self.procedure, |called| &called.procedure)
    }
}

/// Of these holds those that stop the clock of a call's work.
pub(super) fn holds_of(holds: &[Hold], call: &str) -> Vec<Hold> {
    let stopping = holds.iter().filter(|hold| hold.stops(call));
    stopping.cloned().collect()
}

/// The id of the task at an index: `t1` for the first.
#[must_use]
pub fn task_id(index: usize) -> String {
    format!("t{}", index + 1)
}

/// The id of the timer at an index: `w1` for the first.
pub(super) fn timer_id(index: usize) -> String {
    format!("w{}", index + 1)
}

/// The index of a task's id; `None` where it is none.
#[must_use]
pub fn task_index(id: &str) -> Option<usize> {
    index(id, 't')
}

fn timer_index(id: &str) -> Option<usize> {
    index(id, 'w')
}

fn index(id: &str, letter: char) -> Option<usize> {
    let number = id
        .strip_prefix(letter)
        .filter(|number| !number.starts_with(['0', '+']))?;
    number.parse::<usize>().ok()?.checked_sub(1)
}

/// Enums of the contract are kept as their numbers.
pub(super) mod number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in super::super) fn serialize<E: Into<i32> + Copy, S: Serializer>(
        value: &E,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32((*value).into())
    }

    pub(in super::super) fn deserialize<'de, E: TryFrom<i32>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<E, D::Error> {
        let number = i32::deserialize(deserializer)?;
        E::try_from(number)
            .map_err(|_| D::Error::custom(format!("{number} is not one of its values")))
    }
}
