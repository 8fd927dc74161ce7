//! The two walks that find where a limit ends: over days, and over minutes. Whoever explains walks
//! the same way with a notebook.

use jiff::civil::Date;

use crate::calendar::{Calendar, MAX_DAYS, Moment, OutOfRange, tomorrow};
use crate::explain::{Line, Notes, Reason, note};
use crate::hours::time_of;

/// A closed hold, in local minutes; `from < to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
}

impl Pause {
    fn reason(self) -> Reason {
        let civil = |at: Moment| at.day.to_datetime(time_of(at.minute));
        Reason::Held {
            from: civil(self.from),
            to: civil(self.to),
        }
    }
}

/// A limit that is counted in whole days.
#[derive(Clone, Copy)]
pub(crate) enum DayLimit {
    /// `cutoff` in minutes since midnight.
    Same {
        cutoff: u16,
    },
    Working(u32),
    Calendar(u32),
}

/// The last day of a limit that begins at `start`, when the counter is open.
pub(crate) fn days(
    calendar: &Calendar,
    start: Moment,
    limit: DayLimit,
    pauses: &[Pause],
    notes: &mut Notes<'_>,
) -> Result<Date, OutOfRange> {
    let every_day = matches!(limit, DayLimit::Calendar(_));
    let cutoff = match limit {
        DayLimit::Same { cutoff } => Some(cutoff),
        DayLimit::Working(_) | DayLimit::Calendar(_) => None,
    };
    // A reception-only session has no cut-off: what is received there ends there.
    let passed = |at: Moment| {
        cutoff.filter(|&cutoff| {
            at.minute > cutoff && calendar.hours(at.day).working_at(at.minute).is_some()
        })
    };

    let mut quota = match limit {
        DayLimit::Same { .. } => u32::from(passed(start).is_some()),
        DayLimit::Working(days) | DayLimit::Calendar(days) => days,
    };
    let first = match (cutoff, passed(start)) {
        (Some(_), Some(cutoff)) => Reason::CutoffPassed {
            cutoff: time_of(cutoff),
        },
        (Some(_), None) => Reason::SameDay,
        (None, _) => Reason::FirstDay,
    };
    note(notes, || Line::new(start.day, first));

    let mut counted = 0;
    let mut day = start.day;
    for _ in 0..MAX_DAYS {
        let ends_here = counted == quota && (day == start.day || calendar.is_working_day(day));
        // Asked for on this day, which is not over yet, or still awaited: provision is on a later one.
        let runs_on = pauses
            .iter()
            .any(|pause| pause.from.day <= day && day < pause.to.day);
        if ends_here && !runs_on {
            let late = pauses
                .iter()
                .filter(|pause| pause.to.day == day)
                .find_map(|pause| passed(pause.to));
            let Some(cutoff) = late else { return Ok(day) };
            note(notes, || {
                Line::new(
                    day,
                    Reason::ProvidedAfterCutoff {
                        cutoff: time_of(cutoff),
                    },
                )
            });
            quota += 1;
        }

        day = tomorrow(day)?;
        let held = pauses
            .iter()
            .find(|pause| pause.from.day < day && day <= pause.to.day);
        let eligible = every_day || calendar.is_working_day(day);
        let counts = eligible && held.is_none() && counted < quota;
        counted += u32::from(counts);
        note(notes, || match held {
            _ if counts => Line::counting(day, counted, calendar.reason(day)),
            Some(pause) if eligible => Line::new(day, pause.reason()),
            None if calendar.is_working_day(day) => Line::new(day, Reason::LastDayMoved),
            _ => Line::new(day, calendar.reason(day)),
        });
    }
    Err(OutOfRange::NotFound { from: start.day })
}

/// The moment at which `minutes` (not 0) of working time have passed since `start`.
pub(crate) fn working_minutes(
    calendar: &Calendar,
    start: Moment,
    minutes: u32,
    pauses: &[Pause],
    notes: &mut Notes<'_>,
) -> Result<Moment, OutOfRange> {
    let mut left = minutes;
    let mut day = start.day;
    for _ in 0..MAX_DAYS {
        let hours = calendar.hours(day);
        if !hours.is_working_day() {
            note(notes, || Line::new(day, calendar.reason(day)));
        }
        for session in hours.working() {
            let mut at = Moment {
                day,
                minute: session.open,
            }
            .max(start);
            let close = Moment {
                day,
                minute: session.close,
            };
            while at < close {
                if let Some(pause) = pauses
                    .iter()
                    .find(|pause| pause.from <= at && at < pause.to)
                {
                    note(notes, || Line::new(day, pause.reason()));
                    at = pause.to;
                    continue;
                }
                let stop = pauses
                    .iter()
                    .map(|pause| pause.from)
                    .find(|&from| from > at)
                    .map_or(close, |from| from.min(close));
                let open = stop.minute - at.minute;
                let run = u16::try_from(left).map_or(open, |left| left.min(open));
                let end = Moment {
                    day,
                    minute: at.minute + run,
                };
                note(notes, || {
                    Line::counting(
                        day,
                        run.into(),
                        Reason::Session {
                            from: time_of(at.minute),
                            to: time_of(end.minute),
                        },
                    )
                });
                left -= u32::from(run);
                if left == 0 {
                    return resumed(calendar, end, pauses, notes);
                }
                at = end;
            }
        }
        day = tomorrow(day)?;
    }
    Err(OutOfRange::NotFound { from: start.day })
}

/// Where something was asked for in the very minute in which the time ran out, that minute is not
/// over: it ends with the provision, once the office works.
fn resumed(
    calendar: &Calendar,
    end: Moment,
    pauses: &[Pause],
    notes: &mut Notes<'_>,
) -> Result<Moment, OutOfRange> {
    let mut end = end;
    for pause in pauses {
        if pause.from <= end && end < pause.to {
            note(notes, || Line::new(end.day, pause.reason()));
            end = calendar.working_from(pause.to)?;
        }
    }
    Ok(end)
}
