//! What is said of steps beside tasks, forks and calls when something is wrong with them.

use super::{broken::faults, directory, sound};
use crate::catalog::read;

const RICH: &str = include_str!("sound/definitions/rich.toml");

/// The sound catalog with a definition of this text beside the others.
fn with(text: &str) -> Vec<(String, Vec<u8>)> {
    let rich = ("definitions/rich.toml".to_owned(), text.into());
    sound().into_iter().chain([rich]).collect()
}

#[test]
fn each_kind_of_step_is_read() {
    let dir = directory(with(RICH));
    let bundle = read(dir.path()).unwrap_or_else(|faults| panic!("{faults}"));
    let rich = bundle
        .definitions
        .iter()
        .find(|definition| definition.id == "rich")
        .unwrap();
    let parsed = motcua_workflow::domain::Definition::parse(rich).unwrap();
    assert_eq!(parsed.due_soon_percents(), [50, 80]);
    assert!(parsed.refuses("rejected") && !parsed.refuses("clear"));
    // Once through at the longest: 2 h, 1 h, two days that count as one, 4 h, 1 h; and back twice.
    assert_eq!(parsed.longest_minutes(), 3 * (120 + 60 + 480 + 240 + 60));
}

#[test]
fn steps_that_are_not_sound() {
    let cases = [
        (
            "parts of the limit that fall",
            "[50, 80]",
            "[80, 50]",
            "definitions/rich.toml:4: due_soon: must be 1 to 99, each greater than the one before, at most 5",
        ),
        (
            "parts of the limit that are no list",
            "[50, 80]",
            "50",
            "definitions/rich.toml:4: due_soon: must be a list of numbers",
        ),
        (
            "parts of the limit that are no numbers",
            "[50, 80]",
            "[\"half\"]",
            "definitions/rich.toml:4: due_soon: must be whole numbers",
        ),
        (
            "refusals that nobody can choose",
            "refusals = [\"rejected\"]",
            "refusals = [\"rejected\", \"no\"]",
            "definitions/rich.toml:5: refusals: 'no' is no outcome of a task",
        ),
        (
            "refusals that are no list",
            "refusals = [\"rejected\"]",
            "refusals = true",
            "definitions/rich.toml:5: refusals: must be a list of texts in double quotes",
        ),
        (
            "an escalation beyond the budget",
            "escalate_after_percent = 80",
            "escalate_after_percent = 120",
            "definitions/rich.toml:12: escalate_after_percent: must be 1 to 100, or 0 for never",
        ),
        (
            "an escalation in parts of a percent",
            "escalate_after_percent = 80",
            "escalate_after_percent = 0.5",
            "definitions/rich.toml:12: escalate_after_percent: must be a whole number",
        ),
        (
            "a group in words",
            "\"appraisers\"",
            "\"the appraisers\"",
            "definitions/rich.toml:11: group: must hold only letters, digits, '.', '-' and '_', at most 100",
        ),
        (
            "a condition that is none",
            "when = \"priority\"",
            "when = \"priority &&\"",
            "definitions/rich.toml:18: when: is no condition: 1:12: Syntax error: mismatched input '<EOF>'",
        ),
        (
            "a condition on what nobody knows",
            "when = \"priority\"",
            "when = \"urgent\"",
            "definitions/rich.toml:18: when: does not know urgent: there are options, priority, priority_ground, procedure, receiving_agency, competent_agency, fee_vnd, paid_vnd, outcome, times",
        ),
        (
            "a condition on a step that is not there",
            "outcome.appraise",
            "outcome.appraisal",
            "definitions/rich.toml:17: when: cannot be judged: No such key: appraisal",
        ),
        (
            "a condition that comes to a number",
            "when = \"priority\"",
            "when = \"fee_vnd\"",
            "definitions/rich.toml:18: when: must come to true or false",
        ),
        (
            "a condition that runs over a list",
            "when = \"priority\"",
            "when = \"options.exists(o, o == 'x')\"",
            "definitions/rich.toml:18: when: must not use @not_strictly_false: conditions compare, combine, and look into lists and maps",
        ),
        (
            "a choice without a way out",
            "otherwise = \"survey\"\n",
            "",
            "definitions/rich.toml:15: otherwise: is missing",
        ),
        (
            "a choice that leads nowhere",
            "otherwise = \"survey\"",
            "otherwise = \"surveys\"",
            "definitions/rich.toml:20: otherwise: there is no step 'surveys'",
        ),
        (
            "a way out of a choice that leads nowhere",
            "to = \"survey\" }",
            "to = \"surveys\" }",
            "definitions/rich.toml:17: to: there is no step 'surveys'",
        ),
        (
            "a choice without ways",
            "choice = [\n    { when = \"outcome.appraise == 'doubt'\", to = \"survey\" },\n    { when = \"priority\", to = \"card\" },\n]",
            "choice = []",
            "definitions/rich.toml:16: choice: must be 1 to 20",
        ),
        (
            "a step left out as what it does not come to",
            "left_out_as = \"fits\"",
            "left_out_as = \"fit\"",
            "definitions/rich.toml:27: left_out_as: must be one of the task's outcomes",
        ),
        (
            "a step that is left out under no condition",
            "when = \"'site' in options\"\n",
            "",
            "definitions/rich.toml:26: left_out_as: means nothing without a condition in when",
        ),
        (
            "a wait of no length",
            "{ calendar_days = 2 }",
            "{}",
            "definitions/rich.toml:31: timer: has no budget; give minutes, hours or days of working time",
        ),
        (
            "a wait in weeks",
            "{ calendar_days = 2 }",
            "{ calendar_days = 2, weeks = 1 }",
            "definitions/rich.toml:31: weeks: is no key here; known are calendar_days",
        ),
        (
            "a wait of more than a year",
            "calendar_days = 2",
            "calendar_days = 400",
            "definitions/rich.toml:31: calendar_days: must be 1 to 366",
        ),
        (
            "a wait that leads nowhere",
            "to = \"card\"\n",
            "to = \"cards\"\n",
            "definitions/rich.toml:32: to: there is no step 'cards'",
        ),
        (
            "a system without a name",
            "external = \"social-insurance\"",
            "external = \"\"",
            "definitions/rich.toml:35: external: is required",
        ),
        (
            "an escalation of a system beyond its budget",
            "escalate_after_percent = 75",
            "escalate_after_percent = 101",
            "definitions/rich.toml:38: escalate_after_percent: must be 1 to 100, or 0 for never",
        ),
        (
            "an escalation of a system in words",
            "escalate_after_percent = 75",
            "escalate_after_percent = \"half\"",
            "definitions/rich.toml:38: escalate_after_percent: must be a number above 0",
        ),
        (
            "a group of a system",
            "escalate_after_percent = 75",
            "group = \"insurers\"",
            "definitions/rich.toml:38: group: is no key here; known are agency, codes, title, external, minutes, hours, days, next, escalate_after_percent",
        ),
        (
            "a code that means what the step does not come to",
            "\"5\" = \"issued\"",
            "\"5\" = \"issued\", \"6\" = \"lost\"",
            "definitions/rich.toml:39: 6: 'lost' is none of the step's outcomes",
        ),
        (
            "an outcome that no code means",
            "next = { issued = \"sign\" }",
            "next = { issued = \"sign\", refused = \"sign\" }",
            "definitions/rich.toml:40: refused: no code means 'refused'",
        ),
        (
            "a system that answers in no codes",
            "codes = { \"1\" = \"\", \"5\" = \"issued\" }",
            "codes = {}",
            "definitions/rich.toml:39: codes: must be 1 to 100",
        ),
        (
            "a way back without a bound",
            "rework = { to = \"appraise\", at_most = 2 }",
            "rework = \"appraise\"",
            "definitions/rich.toml:7: appraise: a path leads round without a bound, over appraise, card, notice, sign, survey, which: give the way back an at_most",
        ),
        (
            "a way back as often as one likes",
            "at_most = 2",
            "at_most = 1000",
            "definitions/rich.toml:46: at_most: must be 1 to 100, or 0 where it leads on",
        ),
        (
            "a bound on a way that leads on",
            "doubt = \"which\"",
            "doubt = { to = \"which\", at_most = 2 }",
            "definitions/rich.toml:13: at_most: is for a way back, and not every path that comes here has passed 'which'",
        ),
        (
            "a task with nothing but ways back",
            "approved = \"\", rework",
            "rework",
            "definitions/rich.toml:46: next: must have one without a bound: when the others were taken so often, the work must still end",
        ),
        (
            "a way back with a word too many",
            "at_most = 2",
            "times = 2, at_most = 2",
            "definitions/rich.toml:46: times: is no key here; known are to, at_most",
        ),
        (
            "a step that is two things",
            "timer = { calendar_days = 2 }",
            "timer = { calendar_days = 2 }\ncall = \"1.003197\"",
            "definitions/rich.toml:30: notice: is one thing only, not call and timer at once",
        ),
    ];
    for (what, from, to, fault) in cases {
        assert!(RICH.contains(from), "{what}");
        let text = RICH.replacen(from, to, 1);
        assert_eq!(faults(with(&text)), [fault], "{what}");
    }
}
