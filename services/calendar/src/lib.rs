//! Working-time arithmetic as the law counts it: when is a dossier due, how much working time has
//! passed, and why.
//!
//! A [`Calendar`] knows the office's hours, its holidays and its swapped working days. Given the
//! moment of reception, a [`Limit`] and the [`Hold`]s, it answers with a [`Due`], and on request
//! with an [`Explanation`] made by the very walk that found the due.
//!
//! ```
//! use jiff::civil::date;
//! use motcua_calendar::{Calendar, DayKind, DueHour, Limit, WeeklyHours, instant, local};
//!
//! let culture_day = (date(2026, 11, 24), DayKind::holiday("Ngày Văn hóa Việt Nam"));
//! let calendar = Calendar::new(WeeklyHours::default(), [culture_day])?;
//! let received = instant(date(2026, 11, 23).at(10, 56, 0, 0))?;
//! let limit: Limit = "3 working days".parse()?;
//! let due = calendar.due(received, &limit, DueHour::EndOfDay, &[])?;
//! assert_eq!(local(due.at), date(2026, 11, 27).at(17, 0, 0, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Conventions.** The unit is the minute, because a receipt states hour and minute: seconds are
//! dropped wherever time is counted. Both ends of a session belong to it: who comes at 11:30 sharp
//! is still served, and 15:00 sharp is still before a cut-off of 15:00.
//!
//! **Deliberately absent:** no clock (the caller says what time it is), no files or parsing of
//! calendar data (the catalog's), no database, no default list of holidays (a year's list is decided
//! by the government each autumn), and no search without an end: what cannot be found within
//! [`MAX_DAYS`] is an [`OutOfRange`].

mod calendar;
mod due;
mod explain;
mod hours;
mod limit;
mod transfer;
mod walk;

pub use calendar::{Calendar, DayKind, MAX_DAYS, OutOfRange};
pub use due::{Due, DueHour, Hold, Standing};
pub use explain::{Explanation, Line, Reason};
pub use hours::{DayHours, Invalid, Session, WeeklyHours};
pub use limit::{DEFAULT_CUTOFF, InvalidLimit, Limit, MAX_LIMIT_DAYS, MAX_STAGES, Stages};
pub use transfer::{FIRST_THING_MINUTES, TRANSFER_CUTOFF};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Asia/Ho_Chi_Minh. The zone has been a constant +07:00 since 13 June 1975, so the offset itself is
/// used: it is a constant, needs no time zone data, and no local time is ever ambiguous.
pub const HANOI: Offset = jiff::tz::offset(7);

/// The wall clock in Việt Nam at an instant.
pub fn local(at: Timestamp) -> DateTime {
    HANOI.to_datetime(at)
}

/// The instant of a wall clock reading in Việt Nam.
pub fn instant(at: DateTime) -> Result<Timestamp, OutOfRange> {
    HANOI.to_timestamp(at).map_err(|_| OutOfRange::Beyond)
}
