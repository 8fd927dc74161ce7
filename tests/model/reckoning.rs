//! Working time, once more and as plainly as possible: day by day and minute by minute.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
};
use motcua_proto::r#type::v1::Punctuality;

use super::setting::{ALSO_OFF, Allowed, DAYS_OFF, MORNING, SESSIONS, SWAPPED};

/// Time that did not count: asked for, and answered.
pub(super) type Held = (Timestamp, Timestamp);

/// When a limit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Timestamp,
    /// The first instant that is too late.
    pub(super) judged_until: Timestamp,
}

/// A day, and a minute of it.
type Minute = (Date, i32);

/// The calendar in force: see `setting.rs`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Calendar {
    /// From that day on one more day of each month is off.
    pub(super) fewer_from: Option<Date>,
}

impl Calendar {
    /// Working minutes between two instants, day by day and session by session.
    pub(super) fn working_minutes(self, from: Timestamp, to: Timestamp) -> i64 {
        let mut day = local(from).0;
        let last = local(to).0;
        let mut minutes = 0;
        while day <= last {
            for (open, close) in self.sessions(day) {
                let (open, close) = (instant((day, *open)), instant((day, *close)));
                let within = close.min(to).duration_since(open.max(from)).as_mins();
                minutes += within.max(0);
            }
            day = day.tomorrow().unwrap();
        }
        minutes
    }

    /// When a limit ends. What is handed in while the office is closed is received, like a dossier, when it opens next.
    pub(super) fn due(self, received_at: Timestamp, limit: Allowed, held: &[Held]) -> Due {
        let received = self.next_opening(local(received_at));
        let held: Vec<_> = held
            .iter()
            .map(|(asked, answered)| {
                (
                    local(*asked).max(received),
                    self.next_opening(local(*answered)),
                )
            })
            .filter(|(asked, answered)| asked < answered)
            .collect();
        let at = match limit {
            Allowed::WorkingMinutes(minutes) => self.last_minute(received, minutes, &held),
            _ => {
                let day = self.last_day(received, limit, &held);
                (day, self.sessions(day).last().unwrap().1)
            }
        };
        Due {
            at: instant(at),
            judged_until: judged_until(limit, instant(at)),
        }
    }

    /// By when the agency that decides has what another centre received for it: at the end of the day, where the office works on
    /// it up to three o'clock; else within the first hour of the next one.
    pub(super) fn transfer_due(self, received_at: Timestamp) -> Timestamp {
        let (mut day, minute) = self.next_opening(local(received_at));
        let close = self.sessions(day).last().unwrap().1;
        if minute <= close.min(15 * 60) {
            return instant((day, close));
        }
        loop {
            day = day.tomorrow().unwrap();
            if let Some((open, _)) = self.sessions(day).first() {
                return instant((day, open + 60));
            }
        }
    }

    /// The first day is left out. A day counts if nothing was asked for before it that is answered on it or later; what was asked for
    /// by the end of the last day keeps it from being the last. The last one is worked on.
    fn last_day(self, received: Minute, limit: Allowed, held: &[(Minute, Minute)]) -> Date {
        let after_cutoff = |at: Minute| match limit {
            Allowed::SameDay { cutoff } => at.1 > cutoff,
            _ => false,
        };
        let mut left = match limit {
            Allowed::WorkingDays(days) | Allowed::CalendarDays(days) => days,
            _ => i64::from(after_cutoff(received)),
        };
        let mut day = received.0;
        loop {
            let awaited = |(asked, answered): &(Minute, Minute)| asked.0 <= day && day < answered.0;
            if left == 0 && self.is_working_day(day) && !held.iter().any(awaited) {
                let late =
                    |(_, answered): &(Minute, Minute)| answered.0 == day && after_cutoff(*answered);
                if !held.iter().any(late) {
                    return day;
                }
                left = 1;
            }
            day = day.tomorrow().unwrap();
            let stands = |(asked, answered): &(Minute, Minute)| asked.0 < day && day <= answered.0;
            let every_day = matches!(limit, Allowed::CalendarDays(_));
            if (every_day || self.is_working_day(day)) && !held.iter().any(stands) {
                left = (left - 1).max(0);
            }
        }
    }

    /// Every minute counts in which the office works and nothing is awaited. What is asked for in the very minute that is the last
    /// lengthens it until the answer.
    fn last_minute(self, received: Minute, mut left: i64, held: &[(Minute, Minute)]) -> Minute {
        let awaited = |at: Minute| {
            held.iter()
                .find(|(asked, answered)| *asked <= at && at < *answered)
        };
        let mut day = received.0;
        loop {
            for (open, close) in self.sessions(day) {
                for minute in *open..*close {
                    let at = (day, minute);
                    if at < received || awaited(at).is_some() {
                        continue;
                    }
                    left -= 1;
                    if left == 0 {
                        let mut end = (day, minute + 1);
                        while let Some((_, answered)) = awaited(end) {
                            end = *answered;
                        }
                        return end;
                    }
                }
            }
            day = day.tomorrow().unwrap();
        }
    }

    /// The minute itself while the office is open, its closing minute included, as the cut-off's is; else when it opens next.
    fn next_opening(self, at: Minute) -> Minute {
        let mut day = at.0;
        loop {
            for (open, close) in self.sessions(day) {
                if at <= (day, *close) {
                    return at.max((day, *open));
                }
            }
            day = day.tomorrow().unwrap();
        }
    }

    /// Whether the office is open, its closing minute included: a due instant may be that one.
    pub(super) fn is_open(self, at: Timestamp) -> bool {
        let at = local(at);
        self.next_opening(at) == at
    }

    /// Whether anybody works on a day.
    pub(super) fn is_working_day(self, day: Date) -> bool {
        !self.sessions(day).is_empty()
    }

    /// When the office works on a day: see the calendar in `setting.rs`.
    fn sessions(self, day: Date) -> &'static [(i32, i32)] {
        let of_month = day.day();
        match day.weekday() {
            _ if DAYS_OFF.contains(&of_month) => &[],
            _ if of_month == ALSO_OFF && self.fewer_from.is_some_and(|from| day >= from) => &[],
            Weekday::Saturday if SWAPPED.contains(&of_month) => &SESSIONS,
            Weekday::Saturday | Weekday::Sunday => &[],
            _ if of_month == MORNING => &SESSIONS[..1],
            _ => &SESSIONS,
        }
    }
}

/// A limit in minutes is judged by the minute, and any other one by the day.
pub(super) fn judged_until(limit: Allowed, due: Timestamp) -> Timestamp {
    match limit {
        Allowed::WorkingMinutes(_) => due + SignedDuration::from_mins(1),
        _ => instant((local(due).0.tomorrow().unwrap(), 0)),
    }
}

/// How a result that is ready at an instant is judged.
pub(super) fn judged(due: Due, ready: Timestamp) -> Punctuality {
    if ready >= due.judged_until {
        Punctuality::Overdue
    } else if local(ready).0 < local(due.at).0 {
        Punctuality::Early
    } else {
        Punctuality::OnTime
    }
}

/// The day in Việt Nam.
pub(super) fn day_of(at: Timestamp) -> Date {
    local(at).0
}

fn local(at: Timestamp) -> Minute {
    let at = jiff::tz::offset(7).to_datetime(at);
    let minute = 60 * i32::from(at.hour()) + i32::from(at.minute());
    (at.date(), minute)
}

fn instant((day, minute): Minute) -> Timestamp {
    let midnight = jiff::tz::offset(7)
        .to_timestamp(day.at(0, 0, 0, 0))
        .unwrap();
    midnight + SignedDuration::from_mins(minute.into())
}
