//! What a new catalog changes: what is added, removed and changed, field by field.
//!
//! Deliberately not here: dossiers. None is touched: each keeps the catalog that it was submitted under, and each case
//! the version of the definition that it began with. Only days off are what they are for everybody.

use std::{collections::BTreeMap, fmt};

use motcua_platform::time::date_from_proto;
use motcua_proto::{
    google::r#type::Date as ProtoDate,
    r#type::v1::{
        Agency, AgencyKind, Calendar, CalendarDayKind, Catalog, DueHour, FormSet, Procedure,
        RequiredPaper,
    },
    workflow::v1::{Definition, Step, Transition, step::Kind, timer_step::Wait},
};
use serde::Serialize;

use super::{
    GROUNDS, fees,
    words::{agency_word as word, role_word, written_limit, written_limits},
};
use crate::tables::{shortened, table};

/// Characters of a name or a value in the table; `--json` has all of it.
const VALUE_WIDTH: usize = 56;

/// One side of a comparison.
#[derive(Debug, Clone, Default)]
pub(crate) struct Side {
    /// What it is, for people: a directory, or where it is in force.
    pub(crate) title: String,
    /// The catalog. Its id is empty where it is not known.
    pub(crate) catalog: Catalog,
    /// The definitions.
    pub(crate) definitions: Vec<Definition>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Diff {
    /// The older side.
    pub(crate) from: Named,
    /// The newer one.
    pub(crate) to: Named,
    /// Procedures.
    pub(crate) procedures: Changes,
    /// Agencies.
    pub(crate) agencies: Changes,
    /// Calendars.
    pub(crate) calendars: Changes,
    /// Definitions. One that the newer side does not have stays published, so none is ever removed.
    pub(crate) definitions: Changes,
    /// How many running dossiers it touches: each keeps its own catalog.
    pub(crate) running_dossiers_touched: u32,
    /// Whether their dues are reckoned anew: a day off is one for everybody.
    pub(crate) open_dues_reckoned_anew: bool,
}

/// A side, by its id and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Named {
    /// The catalog's id; empty where it is not known.
    pub(crate) id: String,
    /// A directory, or where it is in force.
    pub(crate) title: String,
    /// First day on which it is in force; empty for the day on which it is applied.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) effective_from: String,
}

/// What differs among the things of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Changes {
    /// Only in the newer one.
    pub(crate) added: Vec<Item>,
    /// Only in the older one.
    pub(crate) removed: Vec<Item>,
    /// In both, and not the same.
    pub(crate) changed: Vec<Changed>,
}

/// A thing by its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    /// Its code or id.
    pub(crate) code: String,
    /// Its name.
    pub(crate) title: String,
    /// Whose place it takes, who takes its place, and from when to when, where that is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) succession: Vec<Field>,
}

/// A thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Changed {
    /// Its code or id.
    pub(crate) code: String,
    /// Its name now.
    pub(crate) title: String,
    /// What of it.
    pub(crate) fields: Vec<Field>,
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Field {
    /// Its name; of a calendar also the day, of a definition also the step.
    pub(crate) field: String,
    /// What it was; empty where there was none.
    pub(crate) from: String,
    /// What it is.
    pub(crate) to: String,
}

/// What a newer side changes in an older one.
pub(crate) fn diff(from: &Side, to: &Side) -> Diff {
    let named = |side: &Side| Named {
        id: side.catalog.id.clone(),
        title: side.title.clone(),
        effective_from: day(side.catalog.effective_from.as_ref()),
    };
    let (old, new) = (&from.catalog, &to.catalog);
    let mut definitions = compare(&from.definitions, &to.definitions, of_definition);
    definitions.removed.clear();
    let mut procedures = compare(&old.procedures, &new.procedures, of_procedure);
    for removed in &mut procedures.removed {
        removed.is_called(new);
    }
    let calendars = compare(&old.calendars, &new.calendars, of_calendar);
    Diff {
        from: named(from),
        to: named(to),
        procedures,
        agencies: compare(&old.agencies, &new.agencies, of_agency),
        open_dues_reckoned_anew: !calendars.changed.is_empty(),
        calendars,
        definitions,
        running_dossiers_touched: 0,
    }
}

impl Diff {
    /// Whether nothing differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds()
            .iter()
            .all(|(_, changes)| **changes == Changes::default())
    }

    fn kinds(&self) -> [(&'static str, &Changes); 4] {
        [
            ("procedures", &self.procedures),
            ("agencies", &self.agencies),
            ("calendars", &self.calendars),
            ("definitions", &self.definitions),
        ]
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "from  {}\nto    {}", self.from, self.to)?;
        for (kind, changes) in self.kinds() {
            if *changes == Changes::default() {
                writeln!(f, "\n{kind}: the same")?;
                continue;
            }
            writeln!(
                f,
                "\n{kind}: {} added, {} removed, {} changed",
                changes.added.len(),
                changes.removed.len(),
                changes.changed.len()
            )?;
            f.write_str(&table(
                &["", "code", "name", "field", "from", "to"],
                &changes.rows(),
                6,
            ))?;
        }
        writeln!(
            f,
            "\nrunning dossiers: none is touched, each keeps the catalog that it was submitted under"
        )?;
        if self.open_dues_reckoned_anew {
            writeln!(
                f,
                "their calendars are everybody's: what is due and still open is reckoned anew by the changed ones, with an event for each due that moves"
            )?;
        }
        if !self.is_empty() && self.from.id == self.to.id {
            writeln!(
                f,
                "the id is the same: a changed catalog needs one of its own before it can be applied"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.id.is_empty() {
            f.write_str(&self.title)?;
        } else {
            write!(f, "{} ({})", self.id, self.title)?;
        }
        if !self.effective_from.is_empty() {
            write!(f, ", in force from {}", self.effective_from)?;
        }
        Ok(())
    }
}

impl Changes {
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for (what, items) in [("+", &self.added), ("-", &self.removed)] {
            for item in items {
                rows.push(vec![
                    what.to_owned(),
                    item.code.clone(),
                    shortened(&item.title, VALUE_WIDTH),
                ]);
                let succession = item.succession.iter().map(|field| {
                    let mut row = vec![String::new(); 3];
                    row.extend([field.field.clone(), shown(&field.from), shown(&field.to)]);
                    row
                });
                rows.extend(succession);
            }
        }
        for changed in &self.changed {
            for (index, field) in changed.fields.iter().enumerate() {
                // Its name once is enough.
                let named = |text: &str| {
                    if index == 0 {
                        shortened(text, VALUE_WIDTH)
                    } else {
                        String::new()
                    }
                };
                rows.push(vec![
                    named("~"),
                    named(&changed.code),
                    named(&changed.title),
                    field.field.clone(),
                    shown(&field.from),
                    shown(&field.to),
                ]);
            }
        }
        rows
    }
}

/// A value for the table: one that is empty is seen too.
fn shown(value: &str) -> String {
    if value.is_empty() {
        "—".to_owned()
    } else {
        shortened(value, VALUE_WIDTH)
    }
}

/// A thing, taken apart.
pub(super) struct Parts {
    code: String,
    title: String,
    /// Its fields by name, without the code, as people read them.
    pub(super) fields: Vec<(String, String)>,
}

fn compare<T>(old: &[T], new: &[T], parts: fn(&T) -> Parts) -> Changes {
    let by_code = |all: &[T]| -> BTreeMap<String, Parts> {
        all.iter()
            .map(parts)
            .map(|parts| (parts.code.clone(), parts))
            .collect()
    };
    let (mut old, new) = (by_code(old), by_code(new));
    let mut changes = Changes::default();
    for (code, new) in new {
        match old.remove(&code) {
            None => changes.added.push(Item::of(new, |to| (String::new(), to))),
            Some(old) => {
                let fields = fields(old.fields, new.fields);
                if !fields.is_empty() {
                    changes.changed.push(Changed {
                        code,
                        title: new.title,
                        fields,
                    });
                }
            }
        }
    }
    let removed = old.into_values();
    changes.removed = removed
        .map(|parts| Item::of(parts, |from| (from, String::new())))
        .collect();
    changes
}

/// The fields that say what takes whose place.
const SUCCESSION: [&str; 5] = [
    "aliases",
    "successor",
    "successors",
    "valid_from",
    "valid_to",
];

impl Item {
    /// A thing that stands on one side only: `side` says on which.
    fn of(parts: Parts, side: fn(String) -> (String, String)) -> Self {
        let said = parts
            .fields
            .into_iter()
            .filter(|(field, value)| SUCCESSION.contains(&field.as_str()) && !value.is_empty());
        let succession = said
            .map(|(field, value)| {
                let (from, to) = side(value);
                Field { field, from, to }
            })
            .collect();
        Self {
            code: parts.code,
            title: parts.title,
            succession,
        }
    }

    /// A code that is gone is not, where it is another one's alias.
    fn is_called(&mut self, new: &Catalog) {
        let called = new
            .procedures
            .iter()
            .find(|procedure| procedure.aliases.contains(&self.code));
        if let Some(called) = called {
            self.succession.push(Field {
                field: "code".to_owned(),
                from: self.code.clone(),
                to: called.code.clone(),
            });
        }
    }
}

/// Those of two that differ, in the order of the newer one; last what only the older one has.
fn fields(old: Vec<(String, String)>, new: Vec<(String, String)>) -> Vec<Field> {
    let mut old: BTreeMap<_, _> = old.into_iter().collect();
    let mut fields = Vec::new();
    for (field, to) in new {
        let from = old.remove(&field).unwrap_or_default();
        if from != to {
            fields.push(Field { field, from, to });
        }
    }
    fields.extend(old.into_iter().map(|(field, from)| Field {
        field,
        from,
        to: String::new(),
    }));
    fields
}

fn named(fields: Vec<(&str, String)>) -> Vec<(String, String)> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// An agency, field by field.
pub(super) fn of_agency(agency: &Agency) -> Parts {
    let due_hour = match agency.due_hour() {
        DueHour::SameTime => "same_time",
        DueHour::EndOfDay | DueHour::Unspecified => "end_of_day",
    };
    Parts {
        code: agency.code.clone(),
        title: agency.title.clone(),
        fields: named(vec![
            ("title", agency.title.clone()),
            ("kind", word(agency.kind()).to_owned()),
            ("identifier", agency.identifier.clone()),
            ("calendar", agency.calendar.clone()),
            ("parent", agency.parent.clone()),
            ("due_hour", due_hour.to_owned()),
            ("successors", agency.successors.join(" ")),
            ("valid_from", day(agency.valid_from.as_ref())),
            ("valid_to", day(agency.valid_to.as_ref())),
            ("transfer_cutoff_minute", transfer_cutoff(agency)),
            ("superior", agency.superior.clone()),
            ("phone", agency.phone.clone()),
        ]),
    }
}

/// A procedure, field by field.
pub(super) fn of_procedure(procedure: &Procedure) -> Parts {
    Parts {
        code: procedure.code.clone(),
        title: procedure.title.clone(),
        fields: named(vec![
            ("title", procedure.title.clone()),
            ("field", procedure.field.clone()),
            ("limit", written_limit(procedure.limit.as_ref())),
            ("other_limits", written_limits(&procedure.other_limits)),
            ("fee_vnd", procedure.fee_vnd.to_string()),
            ("fee_online_vnd", procedure.fee_online_vnd.to_string()),
            ("fee_unit", procedure.fee_unit.clone()),
            ("fee_tiers", fees::written_tiers(&procedure.fee_tiers)),
            ("fee_cap_vnd", procedure.fee_cap_vnd.to_string()),
            (
                "claimed_exemptions",
                fees::written_claimed(&procedure.exemptions),
            ),
            ("definition", procedure.definition.clone()),
            ("competent", word(procedure.competent()).to_owned()),
            ("competent_agency", procedure.competent_agency.clone()),
            ("options", procedure.options.join(" ")),
            ("retention_days", procedure.retention_days.to_string()),
            (
                "exemptions",
                procedure
                    .exemptions
                    .iter()
                    .filter(|exemption| exemption.id.is_empty())
                    .map(|exemption| {
                        let ground = GROUNDS.iter().find(|(_, it)| *it == exemption.ground());
                        let word = ground.map_or("unspecified", |(word, _)| word);
                        format!("{word}={}", exemption.percent)
                    })
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            (
                "papers",
                procedure
                    .papers
                    .iter()
                    .map(paper)
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
            (
                "form_set",
                match procedure.form_set() {
                    FormSet::Unspecified | FormSet::Standard => "standard".to_owned(),
                    FormSet::Residence => "residence".to_owned(),
                },
            ),
            ("supplement_rounds", procedure.supplement_rounds.to_string()),
            ("acceptance_hours", procedure.acceptance_hours.to_string()),
            ("supplement_days", procedure.supplement_days.to_string()),
            ("archive_days", procedure.archive_days.to_string()),
            ("aliases", procedure.aliases.join(" ")),
            ("successor", procedure.successor.clone()),
            ("valid_from", day(procedure.valid_from.as_ref())),
            ("valid_to", day(procedure.valid_to.as_ref())),
        ]),
    }
}

/// `to-khai 1/0/0`: originals, copies, photographs, in which case, and on which condition.
fn paper(paper: &RequiredPaper) -> String {
    let RequiredPaper {
        id,
        title,
        option,
        originals,
        copies,
        photographs,
        optional,
        condition,
    } = paper;
    let case = if option.is_empty() {
        String::new()
    } else {
        format!(" where {option}")
    };
    let optional = match (*optional, condition.as_str()) {
        (false, _) => String::new(),
        (true, "") => ", optional".to_owned(),
        (true, condition) => format!(", {condition}"),
    };
    format!("{id} ({title}) {originals}/{copies}/{photographs}{case}{optional}")
}

pub(super) fn day(date: Option<&ProtoDate>) -> String {
    date.and_then(date_from_proto)
        .map_or_else(String::new, |date| date.to_string())
}

fn hour(minute: i32) -> String {
    format!("{:02}:{:02}", minute.div_euclid(60), minute.rem_euclid(60))
}

/// As an hour; empty where nothing is said.
fn transfer_cutoff(agency: &Agency) -> String {
    match agency.transfer_cutoff_minute {
        0 => String::new(),
        minute => hour(minute),
    }
}

fn of_calendar(calendar: &Calendar) -> Parts {
    const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut fields = Vec::new();
    for (weekday, name) in (1..).zip(WEEKDAYS) {
        let sessions: Vec<_> = calendar
            .sessions
            .iter()
            .filter(|session| session.weekday == weekday)
            .map(|session| {
                let only = match (session.reception_only, session.fields.join(", ")) {
                    (false, _) => String::new(),
                    (true, all) if all.is_empty() => " (reception only)".to_owned(),
                    (true, fields) => format!(" (reception only of {fields})"),
                };
                format!(
                    "{}–{}{only}",
                    hour(session.from_minute),
                    hour(session.to_minute)
                )
            })
            .collect();
        fields.push((name.to_owned(), sessions.join(", ")));
    }
    for day in &calendar.days {
        let kind = match day.kind() {
            CalendarDayKind::Holiday => "holiday",
            CalendarDayKind::Working => "working",
            CalendarDayKind::Morning => "morning",
            CalendarDayKind::Afternoon => "afternoon",
            CalendarDayKind::Unspecified => "",
        };
        fields.push((
            self::day(day.date.as_ref()),
            format!("{kind} {}", day.title),
        ));
    }
    Parts {
        code: calendar.id.clone(),
        title: String::new(),
        fields,
    }
}

/// Without its version and when it was published: those are the service's.
fn of_definition(definition: &Definition) -> Parts {
    let mut fields = named(vec![
        ("title", definition.title.clone()),
        ("start", definition.start.clone()),
        ("due_soon", percents(&definition.due_soon_percents)),
        ("refusals", definition.refusals.join(", ")),
    ]);
    for step in &definition.steps {
        let parts = of_step(step).into_iter();
        fields.extend(parts.map(|(name, value)| (format!("{}.{name}", step.id), value)));
    }
    Parts {
        code: definition.id.clone(),
        title: definition.title.clone(),
        fields,
    }
}

/// Percent of a budget; empty where there are none.
fn percent(number: i32) -> String {
    match number {
        0 => String::new(),
        number => number.to_string(),
    }
}

/// By the names that the files have for them.
fn of_step(step: &Step) -> Vec<(&'static str, String)> {
    let at = |kind: AgencyKind| match kind {
        AgencyKind::Unspecified => String::new(),
        kind => word(kind).to_owned(),
    };
    match &step.kind {
        Some(Kind::Task(task)) => {
            vec![
                ("task", task.title.clone()),
                ("role", role_word(task.role()).to_owned()),
                ("agency", at(task.agency())),
                ("group", task.group.clone()),
                ("minutes", task.planned_minutes.to_string()),
                (
                    "escalate_after_percent",
                    percent(task.escalate_after_percent),
                ),
                ("when", task.when.clone()),
                ("left_out_as", task.left_out_as.clone()),
                ("next", ways(&task.transitions)),
            ]
        }
        Some(Kind::External(external)) => {
            let codes: Vec<_> = external
                .codes
                .iter()
                .map(|code| match [code.outcome.as_str(), &code.reason] {
                    ["", _] => format!("{} on its way", code.code),
                    [outcome, ""] => format!("{} = {outcome}", code.code),
                    [outcome, why] => {
                        format!("{} = {outcome}: {why} ({})", code.code, code.ground)
                    }
                })
                .collect();
            vec![
                ("external", external.system.clone()),
                ("title", external.title.clone()),
                ("agency", at(external.agency())),
                ("minutes", external.planned_minutes.to_string()),
                (
                    "escalate_after_percent",
                    percent(external.escalate_after_percent),
                ),
                ("codes", codes.join(", ")),
                ("next", ways(&external.transitions)),
            ]
        }
        Some(Kind::Choice(choice)) => {
            let ways: Vec<_> = choice
                .ways
                .iter()
                .map(|way| format!("{} if {}", way.to, way.when))
                .collect();
            vec![
                ("choice", ways.join(", ")),
                ("otherwise", choice.otherwise.clone()),
            ]
        }
        Some(Kind::Timer(timer)) => {
            let wait = match timer.wait {
                Some(Wait::WorkingMinutes(minutes)) => format!("{minutes} working minutes"),
                Some(Wait::CalendarDays(days)) => format!("{days} calendar days"),
                None => String::new(),
            };
            vec![("timer", wait), ("to", timer.to.clone())]
        }
        Some(Kind::Fork(fork)) => {
            let branches: Vec<_> = fork
                .branches
                .iter()
                .map(|branch| match branch.option.as_str() {
                    "" => branch.to.clone(),
                    option => format!("{} if {option}", branch.to),
                })
                .collect();
            vec![("fork", branches.join(", ")), ("join", fork.join.clone())]
        }
        Some(Kind::Join(join)) => vec![("to", end(&join.to))],
        Some(Kind::Call(call)) => vec![
            ("call", call.procedure.clone()),
            ("agency", at(call.agency())),
            ("limit", written_limit(call.limit.as_ref())),
            ("other_limits", written_limits(&call.other_limits)),
            ("to", end(&call.to)),
        ],
        None => Vec::new(),
    }
}

fn percents(percents: &[i32]) -> String {
    let percents: Vec<_> = percents
        .iter()
        .map(|percent| format!("{percent} %"))
        .collect();
    percents.join(", ")
}

fn end(to: &str) -> String {
    if to.is_empty() { "the end" } else { to }.to_owned()
}

fn ways(transitions: &[Transition]) -> String {
    let ways: Vec<_> = transitions
        .iter()
        .map(|way| match way.at_most {
            0 => format!("{} → {}", way.outcome, end(&way.to)),
            times => format!("{} → {} at most {times} times", way.outcome, end(&way.to)),
        })
        .collect();
    ways.join(", ")
}
