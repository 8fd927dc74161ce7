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
//! A step is what its key says: `task`, `fork`, `join` or `call`.

use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{
        Branch, CallStep, Definition, ForkStep, JoinStep, Step, TaskStep, Transition, step::Kind,
    },
};

use super::{
    fault::{Faults, Place, Places},
    table::{Entry, Source, Table},
};

/// Working minutes of a working day.
const DAY_MINUTES: f64 = 480.0;
/// What decides which kind of step it is.
const KINDS: [&str; 4] = ["task", "fork", "join", "call"];

/// Reads a definition. What is wrong is left empty in it and stands among the faults.
pub(super) fn read(
    name: &str,
    file: &str,
    text: &str,
    faults: &mut Faults,
) -> (Definition, Places) {
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
            [] => {
                self.faults
                    .push(place.fault("must have one of task, fork, join, call"));
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
        }
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
            if let Some(to) = entry.text(self.faults) {
                transitions.push(Transition { outcome, to });
            }
        }
        transitions
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
        CallStep {
            procedure,
            agency,
            to: self.text(table, "to", &format!("{path}.to")),
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

/// The words for agencies, for people to read.
pub(super) const AGENCIES: &str = "ward, police, social_insurance";

/// What the word for a kind of agency means.
pub(super) fn agency_of(word: &str) -> Option<AgencyKind> {
    Some(match word {
        "ward" => AgencyKind::Ward,
        "police" => AgencyKind::Police,
        "social_insurance" => AgencyKind::SocialInsurance,
        _ => return None,
    })
}

const ROLES: &str = "receptionist, officer, leader, home_visitor";

/// Who can be given a task: people of the agency.
fn role_of(word: &str) -> Option<Role> {
    Some(match word {
        "receptionist" => Role::Receptionist,
        "officer" => Role::Officer,
        "leader" => Role::Leader,
        "home_visitor" => Role::HomeVisitor,
        _ => return None,
    })
}

fn whole(minutes: f64) -> Option<i32> {
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
