//! How long the law allows.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Time;

/// The cut-off of same-day procedures in civil status and certification: "sau 15 giờ".
pub const DEFAULT_CUTOFF: Time = Time::constant(15, 0, 0, 0);

/// The most stages that a limit has.
pub const MAX_STAGES: usize = 6;

/// What stands between stages in text.
const THEN: &str = " then ";

/// The longest limit that is read from text, in days: ten years.
pub const MAX_LIMIT_DAYS: u32 = 3_650;

const MINUTES_PER_HOUR: u32 = 60;
/// Half a working day is four working hours everywhere, whatever the office's own day adds up to.
const MINUTES_PER_HALF_DAY: u32 = 4 * MINUTES_PER_HOUR;

/// A time limit (thời hạn giải quyết). Its kind belongs to the version of the procedure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The day of reception, or the next working day where received after the cut-off (the minute
    /// of the cut-off itself is still before it).
    SameDay {
        /// The last minute of reception for a result on the same day.
        cutoff: Time,
    },
    /// Working days, in halves. The day of reception does not count (Civil Code, art. 147); with a
    /// half day the limit is counted in working hours from the minute of reception.
    WorkingDays {
        /// Twice the number of days; not 0.
        halves: u32,
    },
    /// Working time from the minute of reception.
    WorkingHours {
        /// Working minutes; not 0.
        minutes: u32,
    },
    /// Calendar days. The day of reception does not count (art. 147); a last day that is off moves
    /// to the next working day (art. 148).
    CalendarDays {
        /// Not 0.
        days: u32,
    },
    /// Stages, each with a limit of its own, that follow one another.
    Staged(Stages),
}

/// Limits that follow one another, each from the day on which, or the minute at which, the one before it ends: adoption has
/// ten days, then fifteen, then five (law 52/2010/QH12). What is printed is the end of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stages(Arc<[Limit]>);

impl Stages {
    /// `None` unless there are two to [`MAX_STAGES`] of them, none of them of the same day or divided again.
    #[must_use]
    pub fn new(limits: Vec<Limit>) -> Option<Self> {
        let plain = |limit: &Limit| !matches!(limit, Limit::SameDay { .. } | Limit::Staged(_));
        let sound = (2..=MAX_STAGES).contains(&limits.len()) && limits.iter().all(plain);
        sound.then(|| Self(limits.into()))
    }

    /// In their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Limit> {
        self.0.iter()
    }
}

/// A limit that is not written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "limit \"{0}\" is not understood: write \"same day\", \"3 working days\" (0.5 allowed), \"8 working hours\" (quarters allowed) or \"15 calendar days\", up to ten years; stages that follow one another: \"10 working days then 15 calendar days\""
)]
pub struct InvalidLimit(String);

/// How a limit is counted.
pub(crate) enum Count<'l> {
    SameDay { cutoff: Time },
    WorkingDays(u32),
    WorkingMinutes(u32),
    CalendarDays(u32),
    Stages(&'l Stages),
}

impl Limit {
    /// Whole working days.
    pub const fn working_days(days: u32) -> Self {
        Self::WorkingDays {
            halves: days.saturating_mul(2),
        }
    }

    /// Whole working hours.
    pub const fn working_hours(hours: u32) -> Self {
        Self::WorkingHours {
            minutes: hours.saturating_mul(MINUTES_PER_HOUR),
        }
    }

    /// Calendar days.
    pub const fn calendar_days(days: u32) -> Self {
        Self::CalendarDays { days }
    }

    /// The same day, with the default cut-off.
    pub const fn same_day() -> Self {
        Self::SameDay {
            cutoff: DEFAULT_CUTOFF,
        }
    }

    /// With another cut-off, if it is a same-day limit; the others have none.
    #[must_use]
    pub fn with_cutoff(self, cutoff: Time) -> Self {
        match self {
            Self::SameDay { .. } => Self::SameDay { cutoff },
            other => other,
        }
    }

    /// Whether it ends with a minute of the due day, and not with that day.
    pub fn ends_by_the_minute(&self) -> bool {
        match self.count() {
            Count::WorkingMinutes(_) => true,
            Count::SameDay { .. } | Count::WorkingDays(_) | Count::CalendarDays(_) => false,
            Count::Stages(stages) => stages.iter().last().is_some_and(Self::ends_by_the_minute),
        }
    }

    pub(crate) fn count(&self) -> Count<'_> {
        match *self {
            Self::SameDay { cutoff } => Count::SameDay { cutoff },
            Self::WorkingDays { halves } if halves % 2 == 1 => {
                Count::WorkingMinutes(halves.saturating_mul(MINUTES_PER_HALF_DAY))
            }
            Self::WorkingDays { halves } => Count::WorkingDays(halves / 2),
            Self::WorkingHours { minutes } => Count::WorkingMinutes(minutes),
            Self::CalendarDays { days } => Count::CalendarDays(days),
            Self::Staged(ref stages) => Count::Stages(stages),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SameDay {
                cutoff: DEFAULT_CUTOFF,
            } => f.write_str("same day"),
            Self::SameDay { cutoff } => write!(f, "same day until {}", cutoff.strftime("%H:%M")),
            Self::WorkingDays { halves } => quantity(f, halves, 2, "working day"),
            Self::WorkingHours { minutes } => {
                quantity(f, minutes, MINUTES_PER_HOUR, "working hour")
            }
            Self::CalendarDays { days } => quantity(f, days, 1, "calendar day"),
            Self::Staged(ref stages) => {
                for (nth, stage) in stages.iter().enumerate() {
                    f.write_str(if nth > 0 { THEN } else { "" })?;
                    stage.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

/// Writes `parts / per_unit` with its unit; plural except for exactly one.
fn quantity(f: &mut fmt::Formatter<'_>, parts: u32, per_unit: u32, unit: &str) -> fmt::Result {
    let plural = if parts == per_unit { "" } else { "s" };
    if parts.is_multiple_of(per_unit) {
        write!(f, "{} {unit}{plural}", parts / per_unit)
    } else {
        write!(
            f,
            "{} {unit}{plural}",
            f64::from(parts) / f64::from(per_unit)
        )
    }
}

impl FromStr for Limit {
    type Err = InvalidLimit;

    /// Reads `same day`, `same day until 16:00`, `N working days`, `N working hours`, `N calendar days`, and stages of them with
    /// ` then ` between them.
    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        if text.contains(THEN) {
            let stages: Result<Vec<Self>, _> = text.split(THEN).map(str::parse).collect();
            return Stages::new(stages?)
                .map(Self::Staged)
                .ok_or_else(|| InvalidLimit(text.to_owned()));
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let limit = match *words.as_slice() {
            ["same", "day"] => Some(Self::same_day()),
            ["same", "day", "until", cutoff] => Time::strptime("%H:%M", cutoff)
                .ok()
                .map(|cutoff| Self::SameDay { cutoff }),
            [n, "working", "day" | "days"] => quarters(n, MAX_LIMIT_DAYS)
                .filter(|quarters| quarters % 2 == 0)
                .map(|quarters| Self::WorkingDays {
                    halves: quarters / 2,
                }),
            [n, "working", "hour" | "hours"] => {
                quarters(n, MAX_LIMIT_DAYS * 8).map(|quarters| Self::WorkingHours {
                    minutes: quarters * (MINUTES_PER_HOUR / 4),
                })
            }
            [n, "calendar", "day" | "days"] => quarters(n, MAX_LIMIT_DAYS)
                .filter(|quarters| quarters % 4 == 0)
                .map(|quarters| Self::calendar_days(quarters / 4)),
            _ => None,
        };
        limit.ok_or_else(|| InvalidLimit(text.to_owned()))
    }
}

/// A positive decimal number of whole quarters, up to `max` units.
fn quarters(text: &str, max: u32) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None; // u32 would read "+3"
    }
    let whole: u32 = whole.parse().ok().filter(|&whole| whole <= max)?;
    let fraction = match fraction {
        "0" | "00" => 0,
        "25" => 1,
        "5" | "50" => 2,
        "75" => 3,
        _ => return None,
    };
    Some(whole * 4 + fraction).filter(|&quarters| quarters > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wording_of_the_command_line_is_read_and_written_back() {
        for (text, limit) in [
            ("same day", Limit::same_day()),
            (
                "same day until 16:30",
                Limit::same_day().with_cutoff(Time::constant(16, 30, 0, 0)),
            ),
            ("1 working day", Limit::working_days(1)),
            ("3 working days", Limit::working_days(3)),
            ("0.5 working days", Limit::WorkingDays { halves: 1 }),
            ("2.5 working days", Limit::WorkingDays { halves: 5 }),
            ("8 working hours", Limit::working_hours(8)),
            ("0.25 working hours", Limit::WorkingHours { minutes: 15 }),
            ("1.5 working hours", Limit::WorkingHours { minutes: 90 }),
            ("15 calendar days", Limit::calendar_days(15)),
            (
                "10 working days then 15 calendar days then 4 working hours",
                Limit::Staged(
                    Stages::new(vec![
                        Limit::working_days(10),
                        Limit::calendar_days(15),
                        Limit::working_hours(4),
                    ])
                    .unwrap(),
                ),
            ),
        ] {
            assert_eq!(text.parse(), Ok(limit.clone()), "{text}");
            assert_eq!(limit.to_string(), text);
        }
        assert_eq!(
            "0.5 working day".parse(),
            Ok(Limit::WorkingDays { halves: 1 })
        );
        assert_eq!(" 3.0  working days ".parse(), Ok(Limit::working_days(3)));
    }

    #[test]
    fn what_is_no_limit_is_refused_with_the_wordings_that_are() {
        for text in [
            "",
            "3",
            "3 weeks",
            "3 days",
            "0 working days",
            "-1 working days",
            "+3 working days",
            "0.25 working days",
            "0.5 calendar days",
            "0.1 working hours",
            "9999 working days",
            "99999999999 calendar days",
            ".5 working days",
            "same day until 25:00",
            "same day until",
            "1. working days",
            "٣ working days",
            "3 working days then",
            "3 working days then same day",
            "3 working days then 5, then 2 calendar days",
            "1 working day then 1 working day then 1 working day then 1 working day then 1 working day then 1 working day then 1 working day",
        ] {
            let refused = text.parse::<Limit>().unwrap_err();
            assert!(refused.to_string().contains("\"3 working days\""), "{text}");
        }
    }
}
