//! What a list's own words say of a limit: `01 ngày làm việc`, `0,5 ngày`, `trong ngày`, `03 ngày (05 ngày nếu xác minh)`.
//!
//! Where words give more than one, the longest is taken: it is the one promise that holds in each case.

use jiff::civil::Time;
use motcua_calendar::{DEFAULT_CUTOFF, Limit, MAX_LIMIT_DAYS};
use motcua_workflow::domain::limit_minutes;
use unicode_normalization::UnicodeNormalization as _;

/// The largest number without a unit that is taken for working days: more is as likely minutes, or a fee.
const BARE_DAYS_MAX: f64 = 60.0;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// The limit.
    pub(super) limit: Limit,
    /// What the words do not say and was supplied, each with its reason.
    pub(super) guessed: Vec<String>,
    /// Whether the unit itself is a guess.
    pub(super) bare: bool,
}

/// One limit among the words.
#[derive(Debug, Clone)]
struct Case {
    limit: Limit,
    words: String,
    guessed: Option<&'static str>,
}

/// What stands behind a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    WorkingDay,
    Day,
    Week,
    Month,
    HalfDay,
    WorkingHour,
    Hour,
    Minute,
}

/// Longer words first: `ngày` begins `ngày làm việc`.
const UNITS: [(&str, Unit); 9] = [
    ("ngày làm việc", Unit::WorkingDay),
    ("ngày", Unit::Day),
    ("tuần", Unit::Week),
    ("tháng", Unit::Month),
    ("buổi", Unit::HalfDay),
    ("giờ làm việc", Unit::WorkingHour),
    ("giờ", Unit::Hour),
    ("tiếng", Unit::Hour),
    ("phút", Unit::Minute),
];

/// What means the same day; none of them where a next day is meant.
const SAME_DAY: [&str; 4] = [
    "trong ngày",
    "cùng ngày",
    "giải quyết ngay",
    "trả kết quả ngay",
];
/// What a same-day procedure says of submissions after its cut-off.
const NEXT_DAY: [&str; 2] = ["ngày làm việc tiếp theo", "ngày tiếp theo"];

/// Reads a limit.
///
/// # Errors
/// Why there is none, in words that follow the column's name.
pub(super) fn limit(text: &str) -> Result<Reading, String> {
    let words: Vec<String> = text
        .nfc()
        .collect::<String>()
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let words = words.join(" ");
    let Scan {
        mut cases,
        bare,
        cutoff,
    } = scan(&words)?;
    let rest = NEXT_DAY
        .iter()
        .fold(words.clone(), |words, next| words.replace(next, ""));
    if SAME_DAY.iter().any(|same| rest.contains(same)) {
        cases.push(Case {
            limit: Limit::SameDay {
                cutoff: cutoff.unwrap_or(DEFAULT_CUTOFF),
            },
            words: "trong ngày".to_owned(),
            guessed: cutoff
                .is_none()
                .then_some("no cut-off is named, 15:00 is the usual one"),
        });
    }
    if rest.contains("nửa ngày") {
        cases.push(Case {
            limit: Limit::WorkingDays { halves: 1 },
            words: "nửa ngày".to_owned(),
            guessed: None,
        });
    }
    if cases.is_empty() {
        return of_bare_number(&words, &bare);
    }
    let mut reading = longest(cases)?;
    if !bare.is_empty() {
        let left: Vec<_> = bare.iter().map(|bare| bare.words.as_str()).collect();
        reading
            .guessed
            .push(format!("{} has no unit and was left out", left.join(", ")));
    }
    Ok(reading)
}

/// A number as it stands among the words.
#[derive(Debug, Clone, PartialEq)]
struct Number {
    value: f64,
    words: String,
}

struct Scan {
    cases: Vec<Case>,
    bare: Vec<Number>,
    cutoff: Option<Time>,
}

fn scan(words: &str) -> Result<Scan, String> {
    let mut found = Scan {
        cases: Vec::new(),
        bare: Vec::new(),
        cutoff: None,
    };
    let mut from = 0;
    while let Some(start) = words[from..].find(|c: char| c.is_ascii_digit()) {
        let before = &words[..from + start];
        let here = &words[from + start..];
        let end = end_of_number(here);
        let number = number(&here[..end])?;
        let behind = here[end..].trim_start();
        let unit = UNITS.iter().find(|(unit, _)| behind.starts_with(unit));
        match unit {
            // `sau 15 giờ`: not how long it takes, but until when it is the same day.
            Some((_, Unit::Hour)) if before.trim_end().ends_with("sau") => {
                found.cutoff = hour(number.value);
            }
            Some((word, unit)) => {
                let words = format!("{} {word}", number.words);
                found.cases.push(case(&number, *unit, words)?);
            }
            None => {
                if !found.bare.contains(&number) {
                    found.bare.push(number);
                }
            }
        }
        from += start + end;
    }
    Ok(found)
}

/// The length of `0,5`, `120,000`, `8`, at the beginning of a text.
fn end_of_number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while digit(end) || (matches!(bytes.get(end), Some(b'.' | b',')) && digit(end + 1)) {
        end += 1;
    }
    end
}

/// `0,5` is a half; `120,000` is not 120, but a hundred and twenty thousand.
fn number(words: &str) -> Result<Number, String> {
    let parts: Vec<&str> = words.split(['.', ',']).collect();
    let text = match parts.as_slice() {
        [whole] => (*whole).to_owned(),
        [whole, part] if part.len() != 3 => format!("{whole}.{part}"),
        parts => parts.concat(),
    };
    match text.parse() {
        Ok(value) if f64::is_finite(value) => Ok(Number {
            value,
            words: words.to_owned(),
        }),
        _ => Err(format!("'{words}' is no number")),
    }
}

fn hour(value: f64) -> Option<Time> {
    whole(value, 23).and_then(|hour| Time::new(i8::try_from(hour).ok()?, 0, 0, 0).ok())
}

fn case(number: &Number, unit: Unit, words: String) -> Result<Case, String> {
    let n = number.value;
    let days = |days: f64| whole(days, MAX_LIMIT_DAYS).map(|days| Limit::CalendarDays { days });
    let halves = |days: f64| {
        whole(days * 2.0, MAX_LIMIT_DAYS * 2).map(|halves| Limit::WorkingDays { halves })
    };
    let hours = |hours: f64| {
        whole(hours, MAX_LIMIT_DAYS * 8).map(|hours| Limit::WorkingHours {
            minutes: hours * 60,
        })
    };
    let (limit, guessed) = match unit {
        Unit::WorkingDay => (halves(n), None),
        Unit::Day if n.fract() == 0.0 => (days(n), None),
        Unit::Day => (
            halves(n),
            Some("a part of a day is counted in working time"),
        ),
        Unit::Week => (days(n * 7.0), Some("a week is counted as 7 calendar days")),
        Unit::Month => (
            days(n * 30.0),
            Some("a month is counted as 30 calendar days"),
        ),
        Unit::HalfDay => (
            halves(n / 2.0),
            Some("a session is counted as half a working day"),
        ),
        Unit::WorkingHour => (hours(n), None),
        Unit::Hour => (hours(n), Some("hours are counted in working time")),
        Unit::Minute => (hours(n / 60.0), Some("minutes are counted in working time")),
    };
    let limit = limit.ok_or_else(|| {
        format!("'{words}' is no limit that can be kept: whole hours, half working days, whole days, at most ten years")
    })?;
    Ok(Case {
        limit,
        words,
        guessed,
    })
}

/// A number without a unit, where nothing else stands there.
fn of_bare_number(words: &str, bare: &[Number]) -> Result<Reading, String> {
    let Some(most) = bare.iter().max_by(|a, b| a.value.total_cmp(&b.value)) else {
        return Err(if words.is_empty() {
            "is empty".to_owned()
        } else {
            format!("'{words}' names no limit")
        });
    };
    if most.value == 0.0 {
        return Err("0 is no limit".to_owned());
    }
    if most.value > BARE_DAYS_MAX {
        return Err(format!(
            "{} has no unit, and is too much to be taken for working days",
            most.words
        ));
    }
    let limit = whole(most.value * 2.0, MAX_LIMIT_DAYS * 2)
        .map(|halves| Limit::WorkingDays { halves })
        .ok_or_else(|| format!("{} has no unit", most.words))?;
    let mut guessed = vec![format!(
        "{} has no unit, working days are the most frequent",
        most.words
    )];
    if bare.len() > 1 {
        guessed.push(several(bare.iter().map(|number| number.words.as_str())));
    }
    Ok(Reading {
        limit,
        guessed,
        bare: true,
    })
}

/// The longest of several.
fn longest(cases: Vec<Case>) -> Result<Reading, String> {
    let mut different: Vec<Case> = Vec::new();
    for case in cases {
        if !different.iter().any(|known| known.limit == case.limit) {
            different.push(case);
        }
    }
    let longest = different
        .iter()
        .max_by_key(|case| working_minutes(&case.limit))
        .ok_or_else(|| "names no limit".to_owned())?;
    let mut guessed: Vec<String> = longest
        .guessed
        .iter()
        .map(|why| (*why).to_owned())
        .collect();
    if different.len() > 1 {
        guessed.insert(0, several(different.iter().map(|case| case.words.as_str())));
    }
    Ok(Reading {
        limit: longest.limit.clone(),
        guessed,
        bare: false,
    })
}

fn several<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.collect();
    format!("the longest of {}", words.join(", "))
}

/// How much working time a limit is, near enough to compare: five of seven days are worked.
fn working_minutes(limit: &Limit) -> u32 {
    match limit {
        Limit::SameDay { .. } => 0,
        other => limit_minutes(other),
    }
}

/// A whole number above zero.
fn whole(value: f64, max: u32) -> Option<u32> {
    if value.fract() != 0.0 || !(1.0..=f64::from(max)).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within range, as was just checked"
    )]
    Some(value as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_everything_is_taken_as_it_is() {
        for (text, wanted) in [
            ("01 ngày làm việc", "1 working day"),
            ("3 Ngày làm việc", "3 working days"),
            ("0,5 ngày làm việc", "0.5 working days"),
            ("1.5 ngày làm việc", "1.5 working days"),
            (
                "Không quá 05 ngày làm việc kể từ ngày nhận đủ hồ sơ",
                "5 working days",
            ),
            ("15 Ngày", "15 calendar days"),
            ("08 giờ làm việc", "8 working hours"),
            ("Nửa ngày", "0.5 working days"),
            (
                "Trực tuyến=2 Ngày làm việc; Trực tiếp=2 Ngày làm việc",
                "2 working days",
            ),
            ("  2\u{a0}ngày\n làm việc ", "2 working days"),
            // The same, with its marks as characters of their own.
            (
                "2 nga\u{300}y la\u{300}m vie\u{323}\u{302}c",
                "2 working days",
            ),
            (
                "ngay trong ngày; nhận hồ sơ sau 15 giờ thì trả trong ngày làm việc tiếp theo",
                "same day",
            ),
            (
                "trong ngày, sau 16 giờ thì ngày làm việc tiếp theo",
                "same day until 16:00",
            ),
        ] {
            let reading = limit(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(reading.limit.to_string(), wanted, "{text}");
            assert_eq!(reading.guessed, [""; 0], "{text}");
        }
    }

    #[test]
    fn what_had_to_be_guessed_is_told_with_the_reason() {
        for (text, wanted, guessed) in [
            (
                "0,5 ngày",
                "0.5 working days",
                "a part of a day is counted in working time",
            ),
            (
                "8 giờ",
                "8 working hours",
                "hours are counted in working time",
            ),
            (
                "120 phút",
                "2 working hours",
                "minutes are counted in working time",
            ),
            (
                "1 tháng",
                "30 calendar days",
                "a month is counted as 30 calendar days",
            ),
            (
                "02 tuần",
                "14 calendar days",
                "a week is counted as 7 calendar days",
            ),
            (
                "1 buổi",
                "0.5 working days",
                "a session is counted as half a working day",
            ),
            (
                "Trong ngày",
                "same day",
                "no cut-off is named, 15:00 is the usual one",
            ),
            (
                "5",
                "5 working days",
                "5 has no unit, working days are the most frequent",
            ),
            (
                "03 ngày (05 ngày nếu xác minh)",
                "5 calendar days",
                "the longest of 03 ngày, 05 ngày",
            ),
            (
                "Trực tuyến=20 Ngày; Trực tiếp=15 Ngày",
                "20 calendar days",
                "the longest of 20 ngày, 15 ngày",
            ),
            (
                "40 Ngày; 6 Ngày làm việc",
                "40 calendar days",
                "the longest of 40 ngày, 6 ngày làm việc",
            ),
            (
                "30 Ngày; 30 Ngày làm việc",
                "30 working days",
                "the longest of 30 ngày, 30 ngày làm việc",
            ),
            (
                "1; 6 ngày làm việc",
                "6 working days",
                "1 has no unit and was left out",
            ),
            (
                "từ 3 đến 5 ngày làm việc",
                "5 working days",
                "3 has no unit and was left out",
            ),
            (
                "trong ngày, hoặc 03 ngày làm việc",
                "3 working days",
                "the longest of 03 ngày làm việc, trong ngày",
            ),
        ] {
            let reading = limit(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(reading.limit.to_string(), wanted, "{text}");
            assert_eq!(reading.guessed, [guessed], "{text}");
        }
    }

    #[test]
    fn what_cannot_be_guessed_is_refused_with_the_reason() {
        let kept = |words: &str| {
            format!(
                "'{words}' is no limit that can be kept: whole hours, half working days, whole days, at most ten years"
            )
        };
        for (text, problem) in [
            ("", "is empty".to_owned()),
            (
                "Không có thông tin",
                "'không có thông tin' names no limit".to_owned(),
            ),
            ("Theo quy định", "'theo quy định' names no limit".to_owned()),
            ("0", "0 is no limit".to_owned()),
            ("0 ngày làm việc", kept("0 ngày làm việc")),
            ("0,3 ngày", kept("0,3 ngày")),
            ("45 phút", kept("45 phút")),
            ("9999 ngày", kept("9999 ngày")),
            (
                "120",
                "120 has no unit, and is too much to be taken for working days".to_owned(),
            ),
            (
                "120,000",
                "120,000 has no unit, and is too much to be taken for working days".to_owned(),
            ),
        ] {
            assert_eq!(limit(text), Err(problem), "{text}");
        }
    }
}
