//! What the demo invents, read from one commented file.

use std::{collections::BTreeMap, path::Path};

use jiff::civil::Date;
use motcua_proto::r#type::v1::Role;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::Failed;

/// The file that comes with the binary.
pub(super) const EMBEDDED: &str = include_str!("invented.toml");

/// From the first to the second number, evenly; both belong to it.
pub(super) type Between = [u32; 2];

/// Everything that is invented. `invented.toml` says what each of it means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invented {
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) ward: String,
    pub(super) home_procedure: String,
    pub(super) division: BTreeMap<String, u32>,
    pub(super) arrivals: Arrivals,
    pub(super) channels: Channels,
    pub(super) hand_over: HandOver,
    pub(super) care: Care,
    pub(super) supplements: Supplements,
    pub(super) beside: Beside,
    pub(super) boundary: Boundary,
    pub(super) payments: Payments,
    /// Other systems, by name.
    pub(super) systems: BTreeMap<String, System>,
    pub(super) staff: Staff,
    pub(super) minutes: Minutes,
    pub(super) outcomes: BTreeMap<String, f64>,
    pub(super) habits: Habits,
    pub(super) office: Office,
    pub(super) people: People,
}

/// When people come.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrivals {
    pub(super) weekday: [f64; 5],
    #[serde(deserialize_with = "hours")]
    pub(super) counter_hours: Vec<(i8, f64)>,
    #[serde(deserialize_with = "hours")]
    pub(super) online_hours: Vec<(i8, f64)>,
    pub(super) last_hour: i8,
    pub(super) last_before_end_base: f64,
    pub(super) last_before_end_share: f64,
}

/// How dossiers come in, as weights.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Channels {
    pub(super) counter: f64,
    pub(super) post: f64,
    pub(super) portal: f64,
    pub(super) vneid: f64,
    pub(super) taken_at_home_percent: u32,
}

/// How results are handed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOver {
    pub(super) direct: Ways,
    pub(super) online: Ways,
    pub(super) collected_after_minutes: Between,
}

/// Weights of the ways in which a result reaches the applicant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ways {
    pub(super) counter: f64,
    pub(super) post: f64,
    pub(super) online: f64,
}

/// Priorities and options.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Care {
    pub(super) priority_percent: u32,
    pub(super) merit: f64,
    pub(super) disability: f64,
    pub(super) elderly: f64,
    pub(super) pregnant: f64,
    pub(super) poor: f64,
    pub(super) option_percent: BTreeMap<String, u32>,
}

/// Papers that are missing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Supplements {
    pub(super) before_acceptance_percent: u32,
    pub(super) during_case_percent: u32,
    pub(super) provided_after_days: Between,
    pub(super) early_days: u32,
}

/// What ends before acceptance, beside the dossiers that are received.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beside {
    pub(super) refused_per_thousand: u32,
    pub(super) taken_back_per_thousand: u32,
}

/// What is received for other wards.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Boundary {
    pub(super) for_another_ward_percent: u32,
    pub(super) neighbours: Vec<String>,
}

/// Fees.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Payments {
    pub(super) later_percent: u32,
    pub(super) paid_after_days: Between,
}

/// Who works, in each ward.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Staff {
    pub(super) receptionists: u32,
    pub(super) officers: u32,
    pub(super) leaders: u32,
    pub(super) home_visitors: u32,
    pub(super) police_officers: u32,
    pub(super) police_leaders: u32,
    pub(super) insurance_officers: u32,
    pub(super) insurance_leaders: u32,
}

/// Working minutes of one act.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Minutes {
    pub(super) submit_at_counter: Between,
    pub(super) accept_online: Between,
    pub(super) hand_over: Between,
    pub(super) visit: Between,
    steps: Vec<StepMinutes>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepMinutes {
    procedure: Option<String>,
    role: StepRole,
    minutes: Between,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StepRole {
    Officer,
    Leader,
    Receptionist,
    HomeVisitor,
}

/// How people work.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Habits {
    pub(super) urgent_minutes: u32,
    pub(super) desk_max: usize,
    pub(super) watch_before_closing_minutes: u32,
    pub(super) extended_by_days: u32,
    pub(super) visit_after_opening_minutes: u32,
    pub(super) visit_window_minutes: u32,
    pub(super) nobody_met_percent: u32,
}

/// What happens behind the counter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Office {
    pub(super) returned_percent: u32,
    pub(super) verified_percent: u32,
    /// First and last day on which a leader is away.
    pub(super) away_from: Date,
    pub(super) away_until: Date,
    /// Number of the decision by which a deputy signs.
    pub(super) decision: String,
}

/// Another system that is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct System {
    /// Working minutes.
    pub(super) answers_after_minutes: Between,
    /// Its own code for done.
    pub(super) code: String,
}

/// Invented people.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct People {
    pub(super) family: Vec<String>,
    pub(super) middle: Vec<String>,
    pub(super) given: Vec<String>,
    pub(super) phone_prefix: String,
    pub(super) identity_prefix: String,
    pub(super) mail_domain: String,
}

impl Invented {
    /// The embedded file, or one that replaces it.
    pub(super) fn load(file: Option<&Path>) -> Result<Self, Failed> {
        match file {
            None => Self::parse(EMBEDDED, "the embedded assumptions"),
            Some(file) => {
                let name = file.display().to_string();
                let text = std::fs::read_to_string(file).map_err(|error| {
                    Failed::new(format!("assumptions {name} cannot be read: {error}"))
                })?;
                Self::parse(&text, &name)
            }
        }
    }

    fn parse(text: &str, name: &str) -> Result<Self, Failed> {
        let invented: Self =
            toml::from_str(text).map_err(|error| Failed::new(format!("{name}: {error}")))?;
        let faults = invented.faults();
        if faults.is_empty() {
            return Ok(invented);
        }
        Err(Failed::new(format!("{name}: {}", faults.join("; "))))
    }

    /// How many dossiers a ward has unless the command line says otherwise.
    pub(super) fn dossiers(&self) -> u32 {
        self.division.values().sum()
    }

    /// Working minutes of a step. A role that the file does not name is done in passing.
    pub(super) fn step_minutes(&self, procedure: &str, role: Role) -> Between {
        self.minutes
            .steps
            .iter()
            .find(|step| {
                step.role.is(role)
                    && step
                        .procedure
                        .as_deref()
                        .is_none_or(|code| code == procedure)
            })
            .map_or([1, 1], |step| step.minutes)
    }

    /// Everything that would make a replay meaningless.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, fault: &str| {
            if !holds {
                faults.push(fault.to_owned());
            }
        };
        check(self.from <= self.to, "`from` must not be after `to`");
        check(
            self.dossiers() > 0,
            "`division` must hold at least one dossier",
        );
        let weights = |weights: &[f64]| {
            weights
                .iter()
                .all(|weight| weight.is_finite() && *weight >= 0.0)
                && weights.iter().sum::<f64>() > 0.0
        };
        let of_hours = |hours: &[(i8, f64)]| {
            weights(&hours.iter().map(|(_, weight)| *weight).collect::<Vec<_>>())
        };
        let ways = |ways: &Ways| weights(&[ways.counter, ways.post, ways.online]);
        check(
            weights(&self.arrivals.weekday),
            "`arrivals.weekday` must hold weights, one at least above 0",
        );
        check(
            of_hours(&self.arrivals.counter_hours),
            "`arrivals.counter_hours` must hold weights above 0",
        );
        check(
            of_hours(&self.arrivals.online_hours),
            "`arrivals.online_hours` must hold weights above 0",
        );
        let channels = &self.channels;
        check(
            weights(&[
                channels.counter,
                channels.post,
                channels.portal,
                channels.vneid,
            ]),
            "`channels` must hold weights, one at least above 0",
        );
        check(
            ways(&self.hand_over.direct),
            "`hand_over.direct` must hold weights, one at least above 0",
        );
        check(
            ways(&self.hand_over.online),
            "`hand_over.online` must hold weights, one at least above 0",
        );
        let care = &self.care;
        check(
            weights(&[
                care.merit,
                care.disability,
                care.elderly,
                care.pregnant,
                care.poor,
            ]),
            "`care` must hold weights, one at least above 0",
        );
        let between = [
            self.hand_over.collected_after_minutes,
            self.supplements.provided_after_days,
            self.minutes.submit_at_counter,
            self.minutes.accept_online,
            self.minutes.hand_over,
            self.minutes.visit,
        ];
        check(
            between
                .iter()
                .chain(self.minutes.steps.iter().map(|step| &step.minutes))
                .chain(
                    self.systems
                        .values()
                        .map(|system| &system.answers_after_minutes),
                )
                .all(|[a, b]| a <= b),
            "ranges must go from the smaller to the larger number",
        );
        check(
            self.outcomes
                .values()
                .all(|weight| weight.is_finite() && *weight > 0.0),
            "`outcomes` must hold weights above 0",
        );
        let people = &self.people;
        check(
            [&people.family, &people.middle, &people.given]
                .iter()
                .all(|names| !names.is_empty()),
            "`people` needs names",
        );
        let staff = &self.staff;
        check(
            [
                staff.receptionists,
                staff.officers,
                staff.leaders,
                staff.home_visitors,
                staff.police_officers,
            ]
            .iter()
            .chain(&[
                staff.police_leaders,
                staff.insurance_officers,
                staff.insurance_leaders,
            ])
            .all(|count| *count > 0),
            "`staff` needs at least one of each",
        );
        check(
            self.habits.desk_max > 0,
            "`habits.desk_max` must be at least 1",
        );
        faults
    }
}

impl StepRole {
    fn is(self, role: Role) -> bool {
        matches!(
            (self, role),
            (Self::Officer, Role::Officer)
                | (Self::Leader, Role::Leader)
                | (Self::Receptionist, Role::Receptionist)
                | (Self::HomeVisitor, Role::HomeVisitor)
        )
    }
}

/// Keys of TOML are text; hours are numbers.
fn hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(i8, f64)>, D::Error> {
    let mut hours = BTreeMap::<String, f64>::deserialize(deserializer)?
        .into_iter()
        .map(|(hour, weight)| match hour.parse::<i8>() {
            Ok(number @ 0..24) => Ok((number, weight)),
            _ => Err(D::Error::custom(format!(
                "{hour} is no hour of the day, 0 to 23"
            ))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    // "10" sorts before "7" as text.
    hours.sort_by_key(|(hour, _)| *hour);
    Ok(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_is_whole_and_its_reported_figures_are_those_of_an_phong() {
        let invented = Invented::load(None).unwrap();
        assert_eq!(invented.dossiers(), 1_762);
        assert_eq!(invented.division[&invented.home_procedure], 20);
        assert_eq!(
            (invented.from.to_string(), invented.to.to_string()),
            ("2025-07-01".into(), "2025-08-25".into())
        );
    }

    #[test]
    fn a_procedure_of_its_own_comes_before_the_role() {
        let invented = Invented::load(None).unwrap();
        assert_eq!(invented.step_minutes("2.001159", Role::Officer), [2, 6]);
        assert_eq!(invented.step_minutes("9.999999", Role::Leader), [2, 6]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let text = EMBEDDED
            .replace("officers = 6", "officers = 0")
            .replace("[4, 9]", "[9, 4]");
        let failed = Invented::parse(&text, "mine").unwrap_err().to_string();
        assert!(
            failed.contains("at least one of each") && failed.contains("smaller to the larger"),
            "{failed}"
        );
        let failed = Invented::parse(&EMBEDDED.replace(" 7 = 0.9", " 27 = 0.9"), "mine")
            .unwrap_err()
            .to_string();
        assert!(failed.contains("27 is no hour"), "{failed}");
        assert!(Invented::parse("unknown = 1", "mine").is_err());
    }
}
