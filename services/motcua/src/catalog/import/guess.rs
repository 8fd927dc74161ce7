//! What one row of a list says, what of it has to be guessed, and from what.

use std::collections::HashMap;

use motcua_calendar::Limit;
use motcua_platform::{catalog, parse::TITLE_CHARS_MAX};
use motcua_proto::r#type::v1::Procedure;

use super::{Guess, IMPORTED, Row, Told, limit, list::Entry};
use crate::catalog::{fees::written_tiers, words::agency_word as word};

/// Whose the words of a field are, where it is not the ward itself that decides.
const FIELDS: [(&str, Decides); 15] = [
    ("cư trú", Decides::Agency("police")),
    ("căn cước", Decides::Agency("police")),
    ("xuất nhập cảnh", Decides::Agency("police")),
    ("phương tiện giao thông", Decides::Agency("police")),
    ("định danh và xác thực", Decides::Agency("police")),
    ("phòng cháy", Decides::Agency("police")),
    ("vũ khí", Decides::Agency("police")),
    ("giấy phép lái xe", Decides::Agency("police")),
    ("bhxh", Decides::Agency("social_insurance")),
    ("bhyt", Decides::Agency("social_insurance")),
    ("hải quan", Decides::Nobody("the customs")),
    ("thuế", Decides::Nobody("the tax office")),
    ("kho bạc", Decides::Nobody("the treasury")),
    ("tòa án", Decides::Nobody("the courts")),
    ("thi hành án", Decides::Nobody("the enforcement offices")),
];

#[derive(Debug, Clone, Copy)]
enum Decides {
    /// An agency of this kind.
    Agency(&'static str),
    /// Somebody for whom a catalog has no kind.
    Nobody(&'static str),
}

/// The procedures that come with the software, by their codes: what a list lacks is taken from them first.
pub(super) fn known() -> Result<HashMap<String, Procedure>, String> {
    let bundle = crate::catalog::embedded().map_err(|faults| faults.to_string())?;
    let procedures = bundle.catalog.procedures.into_iter();
    Ok(procedures
        .map(|procedure| (procedure.code.clone(), procedure))
        .collect())
}

/// What one row of the list says.
pub(super) fn tell(
    entry: &Entry,
    known: &HashMap<String, Procedure>,
    lines: &mut HashMap<String, u64>,
) -> Told {
    let code = entry.get("code").to_owned();
    let mut told = Told {
        line: entry.line,
        title: entry.get("name").to_owned(),
        guessed: entry
            .mended
            .iter()
            .map(|mended| Guess::new("", mended, ""))
            .collect(),
        ..Told::default()
    };
    match row(entry, known.get(&code), &mut told.guessed) {
        Ok(_) if lines.contains_key(&code) => {
            told.refused = Some(format!("code: stands in line {} already", lines[&code]));
        }
        Ok(row) => {
            lines.insert(code.clone(), entry.line);
            told.row = Some(row);
        }
        Err(problem) => told.refused = Some(problem),
    }
    told.code = code;
    told
}

fn row(entry: &Entry, known: Option<&Procedure>, guessed: &mut Vec<Guess>) -> Result<Row, String> {
    if let Some(unreadable) = &entry.unreadable {
        return Err(unreadable.clone());
    }
    let code = entry.get("code");
    if !is_code(code) {
        return Err(format!(
            "code: '{code}' is no national code such as 1.000656"
        ));
    }
    let level = entry.get("level");
    if !level.is_empty() && !level.to_lowercase().contains("xã") {
        return Err(format!("level: '{level}' is not the wards'"));
    }
    let mut row = Row {
        code: code.to_owned(),
        title: title(entry.get("name"), code, known, guessed),
        field: entry.get("field").to_owned(),
        ..Row::default()
    };
    row.competent = competent(&row.field, known, guessed)?;
    (row.limit, row.cutoff) = time(entry.get("time_by_channel"), known, guessed)?;
    if let Some(known) = known {
        row.fee_vnd = known.fee_vnd;
        row.fee_online_vnd = known.fee_online_vnd;
        row.fee_unit.clone_from(&known.fee_unit);
        row.fee_tiers = written_tiers(&known.fee_tiers);
        if known.fee_cap_vnd > 0 {
            row.fee_cap_vnd = known.fee_cap_vnd.to_string();
        }
        row.definition.clone_from(&known.definition);
        row.options = known.options.join(" ");
        guessed.push(Guess::new("fees", fees(&row), SHIPPED));
        guessed.push(Guess::new("definition", &row.definition, SHIPPED));
    } else {
        row.definition = IMPORTED.to_owned();
        guessed.push(Guess::new("fees", fees(&row), UNKNOWN));
        guessed.push(Guess::new("definition", IMPORTED, UNKNOWN));
    }
    Ok(row)
}

/// Why what the catalog that comes with the software says is taken.
pub(super) const SHIPPED: &str =
    "the list does not say; the catalog that comes with the software does";
/// Why the plainest is taken.
pub(super) const UNKNOWN: &str = "the list does not say, and nobody else here knows the procedure";

impl Guess {
    /// This, for a column, because.
    pub(super) fn new(
        column: &'static str,
        value: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            column,
            value: value.into(),
            why: why.into(),
        }
    }
}

fn fees(row: &Row) -> String {
    format!("{} đồng, online {}", row.fee_vnd, row.fee_online_vnd)
}

/// `1.000656`.
fn is_code(code: &str) -> bool {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    code.split_once('.')
        .is_some_and(|(kind, number)| digits(kind, 1) && digits(number, 6))
}

/// The name, without a code that was written into it.
fn title(name: &str, code: &str, known: Option<&Procedure>, guessed: &mut Vec<Guess>) -> String {
    if let Some(known) = known
        && name.chars().count() > TITLE_CHARS_MAX
    {
        let why = format!("the list's has more than {TITLE_CHARS_MAX} characters");
        guessed.push(Guess::new("title", &known.title, why));
        return known.title.clone();
    }
    let without = name
        .strip_suffix(&format!("({code})"))
        .map_or(name, str::trim_end);
    if without != name {
        guessed.push(Guess::new("", "left the code out of the name", ""));
    }
    without.to_owned()
}

/// Procedures of one name are most often one decision about several of them: somebody has to look.
pub(super) fn tell_namesakes(told: &mut [Told]) {
    let mut lines: HashMap<String, Vec<u64>> = HashMap::new();
    for row in told.iter().filter(|told| told.row.is_some()) {
        lines.entry(row.title.clone()).or_default().push(row.line);
    }
    for row in told.iter_mut().filter(|told| told.row.is_some()) {
        let others: Vec<String> = lines
            .get(&row.title)
            .into_iter()
            .flatten()
            .filter(|line| **line != row.line)
            .map(ToString::to_string)
            .collect();
        if !others.is_empty() {
            let told = format!("the name is that of lines {} too", others.join(", "));
            row.guessed.insert(0, Guess::new("", told, ""));
        }
    }
}

fn competent(
    field: &str,
    known: Option<&Procedure>,
    guessed: &mut Vec<Guess>,
) -> Result<String, String> {
    if let Some(known) = known {
        let competent = word(known.competent()).to_owned();
        guessed.push(Guess::new("competent", &competent, SHIPPED));
        return Ok(competent);
    }
    let lower = field.to_lowercase();
    let found = FIELDS.iter().find(|(words, _)| lower.contains(words));
    match found {
        Some((words, Decides::Nobody(who))) => Err(format!(
            "field: '{words}' is decided by {who}, for whom a catalog has no kind of agency"
        )),
        Some((words, Decides::Agency(kind))) => {
            let why = format!("the list does not say; its field speaks of '{words}'");
            guessed.push(Guess::new("competent", *kind, why));
            Ok((*kind).to_owned())
        }
        None => {
            guessed.push(Guess::new("competent", "ward", UNKNOWN));
            Ok("ward".to_owned())
        }
    }
}

/// The limit and its cut-off.
fn time(
    cell: &str,
    known: Option<&Procedure>,
    guessed: &mut Vec<Guess>,
) -> Result<(String, String), String> {
    let known = known
        .and_then(|known| known.limit.as_ref())
        .and_then(catalog::limit);
    let reading = limit::limit(cell);
    let taken = match (reading, known) {
        (Ok(reading), Some(known)) if reading.bare => {
            let why =
                format!("'{cell}' has no unit; the catalog that comes with the software has one");
            guessed.push(Guess::new("limit", known.to_string(), why));
            known
        }
        (Ok(reading), _) => {
            for why in reading.guessed {
                guessed.push(Guess::new("limit", reading.limit.to_string(), why));
            }
            reading.limit
        }
        (Err(problem), Some(known)) => {
            let why = format!("{problem}; the catalog that comes with the software does");
            guessed.push(Guess::new("limit", known.to_string(), why));
            known
        }
        (Err(problem), None) => return Err(format!("time_by_channel: {problem}")),
    };
    Ok(match taken {
        Limit::SameDay { cutoff } => ("same day".to_owned(), cutoff.strftime("%H:%M").to_string()),
        other => (other.to_string(), String::new()),
    })
}
