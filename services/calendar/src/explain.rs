//! Why a dossier is due when it is: the steps of the walk that found it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

use crate::{Due, Limit, local};

/// A due with every step that led to it. Its `Display` is a small table in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The reception that counts: moved to the next opening if it was outside opening hours.
    pub received: Timestamp,
    /// The limit that was counted.
    pub limit: Limit,
    /// The steps, as they were walked.
    pub lines: Vec<Line>,
    /// What came of it.
    pub due: Due,
}

/// One step: a day, or a part of one, that counted or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The day, in Việt Nam.
    pub day: Date,
    /// `None` if it did not count; else which day of the limit it was, or for
    /// [`Reason::Session`] how many minutes counted.
    pub counted: Option<u32>,
    /// What the day was, or why it did not count.
    pub reason: Reason,
}

/// What a day or a part of it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Submitted when the counter was closed: received when it next opens.
    OutsideHours {
        /// That opening.
        received: Timestamp,
    },
    /// The day of reception, or the one on which the stage before ended, is left out (Civil Code, art. 147).
    FirstDay,
    /// Here one of several stages begins.
    Stage {
        /// Which: 1 for the first.
        nth: usize,
        /// Of how many.
        of: usize,
        /// Its own limit.
        limit: Limit,
    },
    /// Received in time for a result on the same day.
    SameDay,
    /// Received after the cut-off.
    CutoffPassed {
        /// The last minute that would have been in time.
        cutoff: Time,
    },
    /// What was asked for came after the cut-off.
    ProvidedAfterCutoff {
        /// The last minute that would have been in time.
        cutoff: Time,
    },
    /// An ordinary working day.
    WorkingDay,
    /// A working day in place of another, by its name.
    SwappedWorkingDay(Arc<str>),
    /// A day with hours of its own, by its name.
    SpecialHours(Arc<str>),
    /// A day of the week that is never worked.
    DayOff,
    /// A day of the week on which the counter receives and nobody works.
    ReceptionOnly,
    /// A holiday, by its name.
    Holiday(Arc<str>),
    /// A part of a day, of a limit in working time.
    Session {
        /// Its first minute.
        from: Time,
        /// Its last minute.
        to: Time,
    },
    /// Waiting for what was asked for; local time.
    Held {
        /// When it was asked for (of holds that overlap, the first).
        from: DateTime,
        /// When it was provided (of holds that overlap, the last).
        to: DateTime,
    },
    /// Still waiting.
    HoldOpen {
        /// When it was asked for.
        since: Timestamp,
    },
    /// The day on which a limit ends that had run out on a day off (Civil Code, art. 148).
    LastDayMoved,
}

impl Line {
    pub(crate) fn new(day: Date, reason: Reason) -> Self {
        Self {
            day,
            counted: None,
            reason,
        }
    }

    pub(crate) fn counting(day: Date, counted: u32, reason: Reason) -> Self {
        Self {
            day,
            counted: Some(counted),
            reason,
        }
    }
}

/// A walk's notebook; without one, nothing is written and nothing is allocated.
pub(crate) type Notes<'a> = Option<&'a mut Vec<Line>>;

pub(crate) fn note(notes: &mut Notes<'_>, line: impl FnOnce() -> Line) {
    if let Some(lines) = notes {
        let line = line();
        // A hold over both sessions of a day says so once.
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
}

const MINUTE: &str = "%a %Y-%m-%d %H:%M";

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "received         {}",
            local(self.received).strftime(MINUTE)
        )?;
        writeln!(f, "limit            {}", self.limit)?;
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        write!(
            f,
            "due              {}",
            local(self.due.at).strftime(MINUTE)
        )?;
        if self.due.held_since.is_some() {
            f.write_str(" at the earliest")?;
        }
        write!(
            f,
            ", overdue from {}",
            local(self.due.judged_until).strftime(MINUTE)
        )
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = match (self.counted, &self.reason) {
            (Some(minutes), Reason::Session { .. }) => format!("{minutes} min"),
            (Some(nth), _) => nth.to_string(),
            (None, _) => "-".to_owned(),
        };
        write!(
            f,
            "{}  {counted:>7}  {}",
            self.day.strftime("%a %Y-%m-%d"),
            self.reason
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words(f)?;
        match self.article() {
            Some(article) => write!(f, " ({article})"),
            None => Ok(()),
        }
    }
}

impl Reason {
    /// Where the rule stands that it follows from; `None` for what is the week's or the limit's own.
    #[must_use]
    pub fn article(&self) -> Option<&'static str> {
        match self {
            Self::FirstDay => Some("Civil Code 2015, art. 147"),
            Self::LastDayMoved => Some("Civil Code 2015, art. 148"),
            Self::OutsideHours { .. }
            | Self::SameDay
            | Self::CutoffPassed { .. }
            | Self::ProvidedAfterCutoff { .. }
            | Self::ReceptionOnly => Some("decree 118/2025, art. 17"),
            Self::Held { .. } | Self::HoldOpen { .. } => Some("decree 118/2025, art. 17 and 18"),
            Self::Holiday(_) | Self::SwappedWorkingDay(_) => Some("Labour Code 2019, art. 112"),
            Self::Stage { .. }
            | Self::WorkingDay
            | Self::SpecialHours(_)
            | Self::DayOff
            | Self::Session { .. } => None,
        }
    }

    fn words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideHours { received } => {
                write!(
                    f,
                    "submitted outside opening hours: received {}",
                    local(*received).strftime(MINUTE)
                )
            }
            Self::FirstDay => f.write_str("first day, left out"),
            Self::Stage { nth, of, limit } => write!(f, "stage {nth} of {of}: {limit}"),
            Self::SameDay => f.write_str("received in time for the same day"),
            Self::CutoffPassed { cutoff } => {
                write!(
                    f,
                    "received after {}: due the next working day",
                    cutoff.strftime("%H:%M")
                )
            }
            Self::ProvidedAfterCutoff { cutoff } => {
                write!(
                    f,
                    "completed after {}: due the next working day",
                    cutoff.strftime("%H:%M")
                )
            }
            Self::WorkingDay => f.write_str("working day"),
            Self::SwappedWorkingDay(name) => write!(f, "swapped working day: {name}"),
            Self::SpecialHours(name) => write!(f, "special hours: {name}"),
            Self::DayOff => f.write_str("weekly day off"),
            Self::ReceptionOnly => f.write_str("open for reception only"),
            Self::Holiday(name) => write!(f, "holiday: {name}"),
            Self::Session { from, to } => {
                write!(
                    f,
                    "working time {} to {}",
                    from.strftime("%H:%M"),
                    to.strftime("%H:%M")
                )
            }
            Self::Held { from, to } => {
                write!(
                    f,
                    "on hold from {} to {}",
                    from.strftime(MINUTE),
                    to.strftime(MINUTE)
                )
            }
            Self::HoldOpen { since } => {
                write!(
                    f,
                    "on hold since {}, not resumed: the due will move",
                    local(*since).strftime(MINUTE)
                )
            }
            Self::LastDayMoved => {
                f.write_str("next working day: a last day that is off moves to it")
            }
        }
    }
}
