//! Whether the work fits the law: what the steps of a definition take at the longest, against the limits of the
//! procedures that use it; and whether what a definition calls is there.

use std::collections::BTreeMap;

use jiff::civil::Time;
use motcua_calendar::Limit;
use motcua_platform::catalog::limit;
use motcua_proto::{
    r#type::v1::{
        Agency, AgencyKind, Calendar, Catalog, Limit as ProtoLimit, OtherLimit, Procedure,
    },
    workflow::v1::{Definition, Step, Transition, step::Kind, timer_step::Wait},
};
use motcua_workflow::domain::{Definition as Sound, Wait as Planned, limit_minutes};

use super::{
    fault::{Faults, Places},
    words::agency_word as word,
};

/// Checks calls, options and budgets. Definitions that are not sound themselves are left out, with what rests on them.
pub(super) fn check(
    catalog: &Catalog,
    places: &Places,
    definitions: &[Definition],
    definition_places: &[Places],
    sound: &BTreeMap<String, bool>,
    faults: &mut Faults,
) {
    let world = World {
        definitions: definitions
            .iter()
            .filter(|definition| sound.get(&definition.id) == Some(&true))
            .map(|definition| (definition.id.as_str(), definition))
            .collect(),
        procedures: catalog
            .procedures
            .iter()
            .flat_map(|procedure| {
                let codes = procedure.aliases.iter().chain([&procedure.code]);
                codes.map(move |code| (code.as_str(), procedure))
            })
            .collect(),
    };
    // Which hours are worked, and by whom, is only known where nothing is wrong with it.
    let hours_known = places
        .find("catalog")
        .is_some_and(|header| !faults.touch(header));
    let kinds_known = catalog
        .agencies
        .iter()
        .all(|agency| agency.kind() != AgencyKind::Unspecified);
    let known = hours_known && kinds_known;
    if !catalog.procedures.is_empty() {
        for (definition, places) in definitions.iter().zip(definition_places) {
            if world.definitions.contains_key(definition.id.as_str()) {
                world.check_calls(definition, places, (catalog, known), faults);
            }
        }
    }
    for (index, procedure) in catalog.procedures.iter().enumerate() {
        let path = format!("catalog.procedures[{index}]");
        let mut wrong = |column: &str, message: String| {
            if let Some(place) = places.find(&format!("{path}.{column}")) {
                faults.push_unless_known(place.fault(message));
            }
        };
        let competent = |agency: &Agency| agency.kind == procedure.competent;
        // A department is named by its code, and known or not.
        let by_kind = procedure.competent() != AgencyKind::Department;
        if kinds_known && by_kind && !catalog.agencies.iter().any(competent) {
            let kind = word(procedure.competent());
            wrong(
                "competent",
                format!("there is no agency of the kind '{kind}' in this catalog"),
            );
            continue;
        }
        let Some(definition) = world.definitions.get(procedure.definition.as_str()) else {
            continue;
        };
        check_options(procedure, definition, &mut wrong);
        let Some(longest) = world.longest(definition) else {
            continue;
        };
        check_fit(
            (catalog, procedure.competent(), known),
            (&definition.id, &longest),
            (procedure.limit.as_ref(), &procedure.other_limits),
            wrong,
        );
    }
}

/// Whether the work fits each of these limits.
fn check_fit(
    (catalog, competent, hours_known): (&Catalog, AgencyKind, bool),
    (definition, longest): (&str, &Way),
    (limit, others): (Option<&ProtoLimit>, &[OtherLimit]),
    mut wrong: impl FnMut(&str, String),
) {
    let others = others.iter();
    let limits = std::iter::once(("limit", "", limit))
        .chain(others.map(|other| ("other_limits", other.id.as_str(), other.limit.as_ref())));
    for (column, id, limit) in limits {
        let allowed = limit.and_then(|limit| allowance(catalog, competent, limit, hours_known));
        if let Some(allowed) = allowed
            && longest.minutes > allowed
        {
            let which = if id.is_empty() {
                String::new()
            } else {
                format!("'{id}' ")
            };
            wrong(
                column,
                format!(
                    "{which}leaves {} of work, and '{definition}' takes {} at the longest: {}",
                    hours(allowed),
                    hours(longest.minutes),
                    longest.steps.join(", "),
                ),
            );
        }
    }
}

struct World<'c> {
    definitions: BTreeMap<&'c str, &'c Definition>,
    /// By their codes, old ones too: a definition may still call one by it.
    procedures: BTreeMap<&'c str, &'c Procedure>,
}

/// A way through a definition.
#[derive(Debug, Default, Clone)]
struct Way {
    minutes: i64,
    /// Each step with what it takes, for people to read.
    steps: Vec<String>,
}

impl World<'_> {
    /// What is called exists, is decided by the agency that is called, and does not call its caller.
    fn check_calls(
        &self,
        definition: &Definition,
        places: &Places,
        (catalog, hours_known): (&Catalog, bool),
        faults: &mut Faults,
    ) {
        for (index, step) in definition.steps.iter().enumerate() {
            let Some(Kind::Call(call)) = &step.kind else {
                continue;
            };
            let path = format!("definition.steps[{index}].call");
            let mut wrong = |field: &str, message: String| {
                if let Some(place) = places.find(&format!("{path}.{field}")) {
                    faults.push_unless_known(place.fault(message));
                }
            };
            let Some(procedure) = self.procedures.get(call.procedure.as_str()) else {
                wrong(
                    "procedure",
                    format!("there is no procedure '{}' in this catalog", call.procedure),
                );
                continue;
            };
            if procedure.competent() != call.agency()
                && procedure.competent() != AgencyKind::Unspecified
            {
                wrong(
                    "agency",
                    format!(
                        "procedure {} is decided by {}",
                        procedure.code,
                        word(procedure.competent()),
                    ),
                );
            }
            if self.reaches(&procedure.definition, &definition.id, &mut Vec::new()) {
                wrong(
                    "procedure",
                    format!(
                        "procedure {} leads back to '{}', without end",
                        procedure.code, definition.id
                    ),
                );
                continue;
            }
            let called = self.definitions.get(procedure.definition.as_str());
            if let Some(called) = called
                && let Some(longest) = self.longest(called)
            {
                check_fit(
                    (catalog, call.agency(), hours_known),
                    (&called.id, &longest),
                    (call.limit.as_ref(), &call.other_limits),
                    wrong,
                );
            }
        }
    }

    /// Whether the calls of one definition lead to another.
    fn reaches<'a>(&'a self, from: &'a str, to: &str, seen: &mut Vec<&'a str>) -> bool {
        if from == to {
            return true;
        }
        if seen.contains(&from) {
            return false;
        }
        seen.push(from);
        let steps = self
            .definitions
            .get(from)
            .map_or(&[][..], |definition| definition.steps.as_slice());
        steps.iter().any(|step| match &step.kind {
            Some(Kind::Call(call)) => {
                let procedure = self.procedures.get(call.procedure.as_str());
                procedure.is_some_and(|procedure| self.reaches(&procedure.definition, to, seen))
            }
            _ => false,
        })
    }

    /// The longest way through, with every way back as often as it may be taken. A call takes what the called definition
    /// takes. `None` where the way leads to what is not there: that is a fault of its own.
    fn longest(&self, definition: &Definition) -> Option<Way> {
        Walk {
            world: self,
            within: Vec::new(),
        }
        .definition(definition)
    }
}

/// A walk through definitions that remembers where it is, so that no loop is walked twice.
struct Walk<'w, 'c> {
    world: &'w World<'c>,
    within: Vec<(String, String)>,
}

impl Walk<'_, '_> {
    fn definition(&mut self, definition: &Definition) -> Option<Way> {
        let steps = definition
            .steps
            .iter()
            .map(|step| (step.id.as_str(), step))
            .collect();
        let mut longest = self.step(
            &definition.id,
            &steps,
            &definition.start,
            &mut BTreeMap::new(),
        )?;
        let sound = Sound::parse(definition).ok()?;
        let mut calls = BTreeMap::new();
        for (step, call) in sound.calls() {
            let procedure = self.world.procedures.get(call.procedure.as_str())?;
            let called = *self.world.definitions.get(procedure.definition.as_str())?;
            calls.insert(step.to_owned(), self.called(called, step)?);
        }
        let call = |step: &str| calls.get(step).copied().unwrap_or_default();
        let whole = i64::from(sound.longest_minutes_with(&call));
        if whole > longest.minutes {
            let back = hours(whole - longest.minutes);
            longest.steps.push(format!("ways back {back}"));
            longest.minutes = whole;
        }
        Some(longest)
    }

    /// What a called definition takes; nothing where the calls go round, which is a fault of its own.
    fn called(&mut self, called: &Definition, step: &str) -> Option<u32> {
        let here = (called.id.clone(), format!("call {step}"));
        if self.within.contains(&here) {
            return Some(0);
        }
        self.within.push(here);
        let minutes = self.definition(called)?.minutes;
        self.within.pop();
        u32::try_from(minutes).ok()
    }

    fn step<'d>(
        &mut self,
        definition: &str,
        steps: &BTreeMap<&'d str, &'d Step>,
        id: &str,
        known: &mut BTreeMap<&'d str, Way>,
    ) -> Option<Way> {
        if id.is_empty() {
            return Some(Way::default());
        }
        if let Some(way) = known.get(id) {
            return Some(way.clone());
        }
        let (&id, &step) = steps.get_key_value(id)?;
        let here = (definition.to_owned(), id.to_owned());
        if self.within.contains(&here) {
            return Some(Way::default());
        }
        self.within.push(here);
        let (own, next): (i64, Vec<&str>) = match step.kind.as_ref()? {
            Kind::Task(task) => (i64::from(task.planned_minutes), onward(&task.transitions)),
            Kind::External(external) => (
                i64::from(external.planned_minutes),
                onward(&external.transitions),
            ),
            Kind::Choice(choice) => (
                0,
                choice
                    .ways
                    .iter()
                    .map(|way| way.to.as_str())
                    .chain([choice.otherwise.as_str()])
                    .collect(),
            ),
            Kind::Timer(timer) => (waits(timer.wait?), vec![timer.to.as_str()]),
            Kind::Fork(fork) => (
                0,
                fork.branches
                    .iter()
                    .map(|branch| branch.to.as_str())
                    .collect(),
            ),
            Kind::Join(join) => (0, vec![join.to.as_str()]),
            Kind::Call(call) => {
                let procedure = self.world.procedures.get(call.procedure.as_str())?;
                let called = *self.world.definitions.get(procedure.definition.as_str())?;
                (self.definition(called)?.minutes, vec![call.to.as_str()])
            }
        };
        let mut longest = Way::default();
        for next in next {
            let way = self.step(definition, steps, next, known)?;
            if way.minutes >= longest.minutes {
                longest = way;
            }
        }
        self.within.pop();
        longest.minutes += own;
        if own > 0 {
            longest.steps.insert(0, format!("{id} {}", hours(own)));
        }
        known.insert(id, longest.clone());
        Some(longest)
    }
}

/// Where a step's outcomes lead on; ways back are counted on their own.
fn onward(transitions: &[Transition]) -> Vec<&str> {
    transitions
        .iter()
        .filter(|way| way.at_most == 0)
        .map(|way| way.to.as_str())
        .collect()
}

/// What a wait takes of the limit, as workflow counts it.
fn waits(wait: Wait) -> i64 {
    let planned = match wait {
        Wait::WorkingMinutes(minutes) => Planned::WorkingMinutes(minutes.unsigned_abs()),
        Wait::CalendarDays(days) => Planned::CalendarDays(days.unsigned_abs()),
    };
    i64::from(planned.planned_minutes())
}

/// Every option that a branch asks for is offered by the procedure, and every option offered is asked for.
fn check_options(
    procedure: &Procedure,
    definition: &Definition,
    wrong: &mut impl FnMut(&str, String),
) {
    let mut asked: Vec<&str> = Vec::new();
    for step in &definition.steps {
        if let Some(Kind::Fork(fork)) = &step.kind {
            let options = fork.branches.iter().map(|branch| branch.option.as_str());
            asked.extend(options.filter(|option| !option.is_empty()));
        }
    }
    // A condition may look at any option, in whatever words.
    let conditions: Vec<&str> = definition
        .steps
        .iter()
        .flat_map(|step| match &step.kind {
            Some(Kind::Task(task)) => vec![task.when.as_str()],
            Some(Kind::Choice(choice)) => choice.ways.iter().map(|way| way.when.as_str()).collect(),
            _ => Vec::new(),
        })
        .collect();
    let is_looked_at = |option: &str| {
        let quoted = [format!("\"{option}\""), format!("'{option}'")];
        conditions
            .iter()
            .any(|when| quoted.iter().any(|option| when.contains(option)))
    };
    for option in &asked {
        if !procedure.options.iter().any(|offered| offered == option) {
            wrong(
                "options",
                format!(
                    "lacks '{option}', which a branch of '{}' asks for and so would never run",
                    definition.id,
                ),
            );
        }
    }
    for option in &procedure.options {
        if !asked.contains(&option.as_str()) && !is_looked_at(option) {
            wrong(
                "options",
                format!(
                    "offers '{option}', which no branch and no condition of '{}' asks for",
                    definition.id
                ),
            );
        }
    }
}

/// The working minutes that a limit leaves. `None` where that cannot be said.
fn allowance(
    catalog: &Catalog,
    competent: AgencyKind,
    of: &ProtoLimit,
    hours_known: bool,
) -> Option<i64> {
    Some(match limit(of)? {
        Limit::SameDay { .. } if !hours_known => return None,
        // What comes in at the cut-off must be done by the evening, wherever it is decided.
        Limit::SameDay { cutoff } => {
            let decides = |calendar: &&Calendar| {
                catalog
                    .agencies
                    .iter()
                    .any(|agency| agency.kind() == competent && agency.calendar == calendar.id)
            };
            let calendars = catalog.calendars.iter().filter(decides);
            let left = calendars.map(|calendar| after(calendar, cutoff));
            left.min()?
        }
        other => i64::from(limit_minutes(&other)),
    })
}

/// The working minutes after a cut-off, on the day of the week that has the fewest; none where nobody works after it.
/// Days that end before the cut-off never come to it.
fn after(calendar: &Calendar, cutoff: Time) -> i64 {
    let cutoff_minute = i32::from(cutoff.hour()) * 60 + i32::from(cutoff.minute());
    let mut left: BTreeMap<i32, i64> = BTreeMap::new();
    let working = calendar
        .sessions
        .iter()
        .filter(|session| !session.reception_only);
    for session in working {
        let from = session.from_minute.max(cutoff_minute);
        let minutes = i64::from(session.to_minute) - i64::from(from);
        if minutes > 0 {
            *left.entry(session.weekday).or_default() += minutes;
        }
    }
    left.into_values().min().unwrap_or(0)
}

fn hours(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
