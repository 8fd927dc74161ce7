//! A workflow definition in TOML, and where each of its parts stands.
//!
//!     id = "civil-status-signed"
//!     title = "Hộ tịch có thẩm định và trình ký"
//!     start = "appraise"
//!
//!     [steps.appraise]
//!     task = "Thẩm định hồ sơ"
//!     role = "officer"
//!     hours = 6
//!     next = { approved = "sign", rejected = "" }
//!
//! A step is what its key says: `task`, `choice`, `fork`, `join`, `call`, `timer` or `external`. A way back has a bound:
//! `rework = { to = "appraise", at_most = 3 }`.

use motcua_proto::workflow::v1::{
    Branch, CallStep, ChoiceStep, Definition, ExternalCode, ExternalStep, ForkStep, JoinStep, Step,
    TaskStep, TimerStep, Transition, Way, step::Kind, timer_step::Wait,
};

use super::{
    fault::{Faults, Place, Places},
    table::{Entry, Source, Table},
    words::{AGENCIES, LIMITS, ROLES, agency_of, limit, other_limits, role_of},
};

/// Working minutes of a working day.
const DAY_MINUTES: f64 = 480.0;
/// What decides which kind of step it is.
const KINDS: [&str; 7] = [
    "task", "fork", "join", "call", "choice", "timer", "external",
];

/// Reads a definition. What is wrong is left empty in it and stands among the faults.
fn read(name: &str, file: &str, text: &str, faults: &mut Faults) -> (Definition, Places) {
    let mut reader = Reader {
        places: Places::default(),
        faults,
    };
    let mut definition = Definition {
        id: name.to_owned(),
        ..Definition::default()
    };
    reader.places.put("definition", Place::file(file));
    if let Some(table) = Table::parse(Source { file, text }, reader.faults) {
        reader.definition(table, &mut definition);
    }
    (definition, reader.places)
}

/// Reads a definition, and judges it where it is not misshapen: the faults that follow from that would only hide it. True
/// where it is sound.
pub(super) fn judged(
    name: &str,
    file: &str,
    text: &str,
    faults: &mut Faults,
) -> (Definition, Places, bool) {
    let before = faults.len();
    let (definition, places) = read(name, file, text, faults);
    if faults.len() == before
        && let Err(violations) = motcua_workflow::domain::Definition::parse(&definition)
    {
        faults.lead_back(&violations, &places, &Place::file(file));
    }
    (definition, places, faults.len() == before)
}

struct Reader<'f> {
    places: Places,
    faults: &'f mut Faults,
}

impl Reader<'_> {
    fn definition(&mut self, mut table: Table<'_>, definition: &mut Definition) {
        if let Some(entry) = table.require("id", self.faults) {
            let place = entry.place.clone();
            if let Some(id) = entry.text(self.faults)
                && id != definition.id
            {
                self.faults.push(place.fault(format!(
                    "is '{id}', and the file is named '{}'",
                    definition.id
                )));
            }
            self.places.put("definition.id", place);
        }
        definition.title = self.text(&mut table, "title", "definition.title");
        definition.start = self.text(&mut table, "start", "definition.start");
        if let Some(entry) = table.take("due_soon") {
            self.places
                .put("definition.due_soon_percents", entry.place.clone());
            definition.due_soon_percents = entry.percents(self.faults);
        }
        if let Some(entry) = table.take("refusals") {
            let place = entry.place.clone();
            self.places.put("definition.refusals", place);
            definition.refusals = entry.texts(self.faults).unwrap_or_default();
        }
        if let Some(entry) = table.require("steps", self.faults) {
            self.places.put("definition.steps", entry.place.clone());
            if let Some(steps) = entry.table(self.faults) {
                for (index, entry) in steps.into_entries().into_iter().enumerate() {
                    definition
                        .steps
                        .push(self.step(entry, &format!("definition.steps[{index}]")));
                }
            }
        }
        table.finish(self.faults);
    }

    fn step(&mut self, entry: Entry<'_>, path: &str) -> Step {
        self.places.put(path, entry.place.clone());
        let id = entry.key.clone();
        let place = entry.place.clone();
        let Some(mut table) = entry.table(self.faults) else {
            return Step { id, kind: None };
        };
        // A fork names its join by the same word.
        let is_kind = |kind: &&str| table.has(kind) && !(*kind == "join" && table.has("fork"));
        let stated: Vec<_> = KINDS.into_iter().filter(is_kind).collect();
        let kind = match stated.as_slice() {
            ["task"] => Some(Kind::Task(self.task(&mut table, &format!("{path}.task")))),
            ["fork"] => Some(Kind::Fork(self.fork(&mut table, &format!("{path}.fork")))),
            ["join"] => Some(Kind::Join(self.join(&mut table, &format!("{path}.join")))),
            ["call"] => Some(Kind::Call(self.call(&mut table, &format!("{path}.call")))),
            ["choice"] => Some(Kind::Choice(
                self.choice(&mut table, &format!("{path}.choice")),
            )),
            ["timer"] => Some(Kind::Timer(
                self.timer(&mut table, &format!("{path}.timer")),
            )),
            ["external"] => Some(Kind::External(
                self.external(&mut table, &format!("{path}.external")),
            )),
            [] => {
                self.faults
                    .push(place.fault(format!("must have one of {}", KINDS.join(", "))));
                return Step { id, kind: None };
            }
            several => {
                self.faults.push(place.fault(format!(
                    "is one thing only, not {} at once",
                    several.join(" and ")
                )));
                return Step { id, kind: None };
            }
        };
        table.finish(self.faults);
        Step { id, kind }
    }

    fn task(&mut self, table: &mut Table<'_>, path: &str) -> TaskStep {
        self.places.put(path, table.place.clone());
        let title = self.text(table, "task", &format!("{path}.title"));
        let role = table.require("role", self.faults);
        let role = role.map_or(0, |entry| {
            self.word(entry, &format!("{path}.role"), role_of, ROLES)
        });
        let agency = table.take("agency");
        let agency = agency.map_or(0, |entry| {
            self.word(entry, &format!("{path}.agency"), agency_of, AGENCIES)
        });
        TaskStep {
            title,
            role,
            agency,
            planned_minutes: self.budget(table, &format!("{path}.planned_minutes")),
            transitions: self.transitions(table, &format!("{path}.transitions")),
            group: self.optional_text(table, "group", &format!("{path}.group")),
            when: self.optional_text(table, "when", &format!("{path}.when")),
            left_out_as: self.optional_text(table, "left_out_as", &format!("{path}.left_out_as")),
            escalate_after_percent: self.escalation(table, path),
        }
    }

    fn choice(&mut self, table: &mut Table<'_>, path: &str) -> ChoiceStep {
        self.places.put(path, table.place.clone());
        let mut ways = Vec::new();
        if let Some(entry) = table.require("choice", self.faults) {
            self.places.put(format!("{path}.ways"), entry.place.clone());
            let tables = entry.tables(self.faults).unwrap_or_default();
            for (index, mut way) in tables.into_iter().enumerate() {
                let path = format!("{path}.ways[{index}]");
                self.places.put(&path, way.place.clone());
                ways.push(Way {
                    when: self.text(&mut way, "when", &format!("{path}.when")),
                    to: self.text(&mut way, "to", &format!("{path}.to")),
                });
                way.finish(self.faults);
            }
        }
        ChoiceStep {
            ways,
            otherwise: self.text(table, "otherwise", &format!("{path}.otherwise")),
        }
    }

    /// A wait: `timer = { hours = 4 }` or `minutes` or `days` of working time, or `{ calendar_days = 3 }`.
    fn timer(&mut self, table: &mut Table<'_>, path: &str) -> TimerStep {
        self.places.put(path, table.place.clone());
        let mut wait = None;
        if let Some(entry) = table.require("timer", self.faults)
            && let Some(mut own) = entry.table(self.faults)
        {
            wait = Some(if own.has("calendar_days") {
                let field = format!("{path}.calendar_days");
                Wait::CalendarDays(self.optional_count(&mut own, "calendar_days", &field))
            } else {
                Wait::WorkingMinutes(self.budget(&mut own, &format!("{path}.working_minutes")))
            });
            own.finish(self.faults);
        }
        TimerStep {
            to: self.text(table, "to", &format!("{path}.to")),
            wait,
        }
    }

    fn external(&mut self, table: &mut Table<'_>, path: &str) -> ExternalStep {
        self.places.put(path, table.place.clone());
        let agency = table.take("agency");
        let agency = agency.map_or(0, |entry| {
            self.word(entry, &format!("{path}.agency"), agency_of, AGENCIES)
        });
        let mut codes = Vec::new();
        if let Some(entry) = table.require("codes", self.faults) {
            let field = format!("{path}.codes");
            self.places.put(&field, entry.place.clone());
            let entries = entry.table(self.faults).map(Table::into_entries);
            for (index, entry) in entries.unwrap_or_default().into_iter().enumerate() {
                let code = entry.key.clone();
                self.places
                    .put(format!("{field}[{index}]"), entry.place.clone());
                codes.push(self.code(code, entry, &format!("{field}[{index}]")));
            }
        }
        ExternalStep {
            title: self.text(table, "title", &format!("{path}.title")),
            system: self.text(table, "external", &format!("{path}.system")),
            agency,
            planned_minutes: self.budget(table, &format!("{path}.planned_minutes")),
            transitions: self.transitions(table, &format!("{path}.transitions")),
            codes,
            escalate_after_percent: self.escalation(table, path),
        }
    }

    /// What a code means: `"5" = "issued"`, or `"9" = { outcome = "refused", reason = "…", ground = "…" }`.
    fn code(&mut self, code: String, entry: Entry<'_>, path: &str) -> ExternalCode {
        if !entry.is_table() {
            return ExternalCode {
                code,
                outcome: entry.text(self.faults).unwrap_or_default(),
                ..ExternalCode::default()
            };
        }
        let Some(mut own) = entry.table(self.faults) else {
            return ExternalCode::default();
        };
        let meaning = ExternalCode {
            code,
            outcome: self.text(&mut own, "outcome", &format!("{path}.outcome")),
            reason: self.optional_text(&mut own, "reason", &format!("{path}.reason")),
            ground: self.optional_text(&mut own, "ground", &format!("{path}.ground")),
        };
        own.finish(self.faults);
        meaning
    }

    fn escalation(&mut self, table: &mut Table<'_>, path: &str) -> i32 {
        let field = format!("{path}.escalate_after_percent");
        self.optional_count(table, "escalate_after_percent", &field)
    }

    fn optional_count(&mut self, table: &mut Table<'_>, key: &'static str, path: &str) -> i32 {
        let Some(entry) = table.take(key) else {
            return 0;
        };
        let place = entry.place.clone();
        self.places.put(path, place.clone());
        let number = entry.positive(self.faults);
        number.map_or(0, |number| {
            whole(number).unwrap_or_else(|| {
                self.faults.push(place.fault("must be a whole number"));
                0
            })
        })
    }

    /// A budget: `minutes`, `hours` or `days`, each in working time.
    fn budget(&mut self, table: &mut Table<'_>, path: &str) -> i32 {
        let stated: Vec<_> = [("minutes", 1.0), ("hours", 60.0), ("days", DAY_MINUTES)]
            .into_iter()
            .filter_map(|(key, minutes)| Some((table.take(key)?, minutes)))
            .collect();
        if stated.len() > 1 {
            self.faults.push(stated[1].0.place.fault(format!(
                "stands beside {}; one budget is enough",
                stated[0].0.key
            )));
        }
        let Some((entry, minutes)) = stated.into_iter().next() else {
            self.faults.push(
                table
                    .place
                    .fault("has no budget; give minutes, hours or days of working time"),
            );
            return 0;
        };
        let place = entry.place.clone();
        self.places.put(path, place.clone());
        let Some(number) = entry.positive(self.faults) else {
            return 0;
        };
        whole(number * minutes).unwrap_or_else(|| {
            self.faults
                .push(place.fault("must be whole minutes, at most a year of working time"));
            0
        })
    }

    fn transitions(&mut self, table: &mut Table<'_>, path: &str) -> Vec<Transition> {
        let Some(entry) = table.require("next", self.faults) else {
            return Vec::new();
        };
        self.places.put(path, entry.place.clone());
        let Some(outcomes) = entry.table(self.faults) else {
            return Vec::new();
        };
        let mut transitions = Vec::new();
        for (index, entry) in outcomes.into_entries().into_iter().enumerate() {
            let outcome = entry.key.clone();
            self.places
                .put(format!("{path}[{index}]"), entry.place.clone());
            transitions.push(self.transition(entry, outcome, &format!("{path}[{index}]")));
        }
        transitions
    }

    /// Where an outcome leads: `"sign"`, or `{ to = "appraise", at_most = 3 }` for a way back.
    fn transition(&mut self, entry: Entry<'_>, outcome: String, path: &str) -> Transition {
        if !entry.is_table() {
            let to = entry.text(self.faults).unwrap_or_default();
            return Transition {
                outcome,
                to,
                at_most: 0,
            };
        }
        let Some(mut table) = entry.table(self.faults) else {
            return Transition {
                outcome,
                ..Transition::default()
            };
        };
        let transition = Transition {
            outcome,
            to: self.text(&mut table, "to", &format!("{path}.to")),
            at_most: self.optional_count(&mut table, "at_most", &format!("{path}.at_most")),
        };
        table.finish(self.faults);
        transition
    }

    fn fork(&mut self, table: &mut Table<'_>, path: &str) -> ForkStep {
        self.places.put(path, table.place.clone());
        let mut branches = Vec::new();
        if let Some(entry) = table.require("fork", self.faults) {
            self.places
                .put(format!("{path}.branches"), entry.place.clone());
            for (index, mut branch) in entry
                .tables(self.faults)
                .unwrap_or_default()
                .into_iter()
                .enumerate()
            {
                let path = format!("{path}.branches[{index}]");
                self.places.put(&path, branch.place.clone());
                branches.push(Branch {
                    to: self.text(&mut branch, "to", &format!("{path}.to")),
                    option: self.optional_text(&mut branch, "option", &format!("{path}.option")),
                });
                branch.finish(self.faults);
            }
        }
        ForkStep {
            branches,
            join: self.text(table, "join", &format!("{path}.join")),
        }
    }

    fn join(&mut self, table: &mut Table<'_>, path: &str) -> JoinStep {
        self.places.put(path, table.place.clone());
        if let Some(entry) = table.take("join") {
            let place = entry.place.clone();
            if entry.flag(self.faults) == Some(false) {
                self.faults.push(place.fault("is true, or is left out"));
            }
        }
        JoinStep {
            to: self.text(table, "to", &format!("{path}.to")),
        }
    }

    fn call(&mut self, table: &mut Table<'_>, path: &str) -> CallStep {
        self.places.put(path, table.place.clone());
        let procedure = self.text(table, "call", &format!("{path}.procedure"));
        let agency = table.require("agency", self.faults);
        let agency = agency.map_or(0, |entry| {
            self.word(entry, &format!("{path}.agency"), agency_of, AGENCIES)
        });
        let limit = table.take("limit").and_then(|entry| {
            self.meaning(entry, &format!("{path}.limit"), |text| {
                limit(text).ok_or_else(|| format!("'{text}' is no limit; write {LIMITS}"))
            })
        });
        let others = table
            .take("other_limits")
            .and_then(|entry| self.meaning(entry, &format!("{path}.other_limits"), other_limits));
        CallStep {
            procedure,
            agency,
            to: self.text(table, "to", &format!("{path}.to")),
            limit,
            other_limits: others.unwrap_or_default(),
        }
    }

    fn text(&mut self, table: &mut Table<'_>, key: &'static str, path: &str) -> String {
        let entry = table.require(key, self.faults);
        self.text_of(entry, path)
    }

    fn optional_text(&mut self, table: &mut Table<'_>, key: &'static str, path: &str) -> String {
        let entry = table.take(key);
        self.text_of(entry, path)
    }

    fn text_of(&mut self, entry: Option<Entry<'_>>, path: &str) -> String {
        let Some(entry) = entry else {
            return String::new();
        };
        self.places.put(path, entry.place.clone());
        entry.text(self.faults).unwrap_or_default()
    }

    /// What a text means, or what is wrong with it.
    fn meaning<T>(
        &mut self,
        entry: Entry<'_>,
        path: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let place = entry.place.clone();
        self.places.put(path, place.clone());
        let text = entry.text(self.faults)?;
        read(&text)
            .map_err(|message| self.faults.push(place.fault(message)))
            .ok()
    }

    fn word<T: Into<i32>>(
        &mut self,
        entry: Entry<'_>,
        path: &str,
        meaning: fn(&str) -> Option<T>,
        words: &str,
    ) -> i32 {
        let place = entry.place.clone();
        self.places.put(path, place.clone());
        let Some(word) = entry.text(self.faults) else {
            return 0;
        };
        let value = meaning(&word);
        if value.is_none() {
            self.faults
                .push(place.fault(format!("'{word}' is none of {words}")));
        }
        value.map_or(0, Into::into)
    }
}

/// Whole working minutes, at most a year of them.
pub(super) fn whole(minutes: f64) -> Option<i32> {
    /// 260 working days.
    const YEAR_MINUTES: f64 = 260.0 * DAY_MINUTES;
    let rounded = minutes.round();
    // A budget in hours such as 0.35 is whole minutes but for the rounding of its last binary digit.
    if (minutes - rounded).abs() > 1e-6 || !(1.0..=YEAR_MINUTES).contains(&rounded) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within range, as was just checked"
    )]
    Some(rounded as i32)
}
