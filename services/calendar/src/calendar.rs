//! Which days and minutes are working time, and plain sums over them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::hours::{DayHours, Invalid, WeeklyHours, index, minute_of, time_of};
use crate::{Reason, instant, local, walk};

/// How many days a search looks ahead before it gives up: about 27 years.
pub const MAX_DAYS: usize = 10_000;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutOfRange {
    /// The calendar has no, or not enough, working time ahead.
    #[error(
        "the calendar has too little working time in the {MAX_DAYS} days from {from}: check its weekly hours, or the limit"
    )]
    NotFound {
        /// Where the search began.
        from: Date,
    },
    /// Outside the years that time can be stated in.
    #[error("the time lies outside the years -9999 to 9999")]
    Beyond,
    /// A limit of nothing.
    #[error("a limit of nothing has no due: state at least half a working day, a minute or a day")]
    EmptyLimit,
    /// A hold that ends before it begins.
    #[error("the hold from {from} ends at {to}, before it begins: exchange the two")]
    HoldBackwards {
        /// When the supplement or payment was asked for.
        from: Timestamp,
        /// When it was provided.
        to: Timestamp,
    },
}

/// What is different about one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayKind {
    /// Nobody works, and the counter is closed.
    Holiday {
        /// Its name, as explanations give it.
        name: String,
    },
    /// Worked in place of another day (làm bù), with the hours of an ordinary working day.
    Working {
        /// Its name, as explanations give it.
        name: String,
    },
    /// Hours of its own: a half day, or the counter open on a day off. Any working session makes it
    /// a working day, which counts whole.
    Hours {
        /// Its name, as explanations give it.
        name: String,
        /// Its sessions, instead of the week's.
        hours: DayHours,
    },
}

impl DayKind {
    /// A day on which nobody works.
    pub fn holiday(name: impl Into<String>) -> Self {
        Self::Holiday { name: name.into() }
    }

    /// A day worked in place of another.
    pub fn working(name: impl Into<String>) -> Self {
        Self::Working { name: name.into() }
    }

    /// A day with hours of its own.
    pub fn hours(name: impl Into<String>, hours: DayHours) -> Self {
        Self::Hours {
            name: name.into(),
            hours,
        }
    }
}

/// The working time of one office: the hours of its week, and the days that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    week: WeeklyHours,
    exceptions: BTreeMap<Date, Exception>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    reason: Reason,
    hours: DayHours,
}

impl Calendar {
    /// A calendar of weekly hours and the days that differ from them, each stated once.
    pub fn new(
        hours: WeeklyHours,
        exceptions: impl IntoIterator<Item = (Date, DayKind)>,
    ) -> Result<Self, Invalid> {
        let mut days = BTreeMap::new();
        for (date, kind) in exceptions {
            let exception = match kind {
                DayKind::Holiday { name } => Exception {
                    reason: Reason::Holiday(name.into()),
                    hours: DayHours::default(),
                },
                DayKind::Working { name } => {
                    let ordinary = hours
                        .ordinary_day(date.weekday())
                        .ok_or(Invalid::NoOrdinaryDay(date))?;
                    Exception {
                        reason: Reason::SwappedWorkingDay(name.into()),
                        hours: ordinary.clone(),
                    }
                }
                DayKind::Hours { name, hours } => Exception {
                    reason: Reason::SpecialHours(name.into()),
                    hours,
                },
            };
            if days.insert(date, exception).is_some() {
                return Err(Invalid::RepeatedDay(date));
            }
        }
        Ok(Self {
            week: hours,
            exceptions: days,
        })
    }

    /// The calendar as it is for procedures of one field (lĩnh vực): a session that receives other fields only is none for them,
    /// and what is submitted in it is received when the next one opens that receives it. `None` where every session receives
    /// everything, so that it is the same for all. The calendar itself answers for whoever names no field: it is open whenever
    /// anything is received.
    pub fn of_field(&self, field: &str) -> Option<Self> {
        let mut days = self.week.days().iter();
        let mut exceptions = self.exceptions.values();
        let differs = days.any(DayHours::differs_by_field)
            || exceptions.any(|exception| exception.hours.differs_by_field());
        differs.then(|| Self {
            week: self.week.of_field(field),
            exceptions: self
                .exceptions
                .iter()
                .map(|(date, exception)| {
                    let exception = Exception {
                        reason: exception.reason.clone(),
                        hours: exception.hours.of_field(field),
                    };
                    (*date, exception)
                })
                .collect(),
        })
    }

    /// The sessions of a day.
    pub fn hours(&self, date: Date) -> &DayHours {
        match self.exceptions.get(&date) {
            Some(exception) => &exception.hours,
            None => self.week.day(date.weekday()),
        }
    }

    /// Whether work is done on that day, so that it counts. A Saturday that only receives does not.
    pub fn is_working_day(&self, date: Date) -> bool {
        self.hours(date).is_working_day()
    }

    /// The first working day after `date`.
    pub fn next_working_day(&self, date: Date) -> Result<Date, OutOfRange> {
        self.add_working_days(date, 1)
    }

    /// The last working day before `date`: an apology, for one, comes a working day ahead.
    pub fn previous_working_day(&self, date: Date) -> Result<Date, OutOfRange> {
        let mut day = date;
        for _ in 0..MAX_DAYS {
            day = day.yesterday().map_err(|_| OutOfRange::Beyond)?;
            if self.is_working_day(day) {
                return Ok(day);
            }
        }
        Err(OutOfRange::NotFound { from: date })
    }

    /// The `n`-th working day after `date`; for 0, `date` itself or the first working day after it.
    pub fn add_working_days(&self, date: Date, n: u32) -> Result<Date, OutOfRange> {
        let mut left = n;
        let mut day = date;
        for _ in 0..MAX_DAYS {
            if left == 0 && self.is_working_day(day) {
                return Ok(day);
            }
            day = tomorrow(day)?;
            if self.is_working_day(day) {
                left = left.saturating_sub(1);
            }
        }
        Err(OutOfRange::NotFound { from: date })
    }

    /// The working days after `from` up to and including `to`; negative if `to` is the earlier.
    pub fn working_days_between(&self, from: Date, to: Date) -> i64 {
        let counts = |hours: &DayHours| i64::from(hours.is_working_day());
        self.sum(from, to, counts) + counts(self.hours(to)) - counts(self.hours(from))
    }

    /// Whether the counter is open: in a working or a reception session, both ends included.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let Moment { day, minute } = Moment::of(at);
        self.hours(day)
            .all()
            .any(|session| session.contains(minute))
    }

    /// Whether the office works, so that time counts; both ends of a session included.
    pub fn is_working_time(&self, at: Timestamp) -> bool {
        let Moment { day, minute } = Moment::of(at);
        self.hours(day).working_at(minute).is_some()
    }

    /// When something submitted at that instant counts as received: at once if the counter is open,
    /// else when the next session opens, be it of work or of reception only.
    pub fn received_at(&self, submitted: Timestamp) -> Result<Timestamp, OutOfRange> {
        if self.is_open(submitted) {
            return Ok(submitted);
        }
        self.find_session(Moment::of(submitted), |hours, minute| {
            hours
                .all()
                .map(|session| session.open)
                .filter(|&open| open >= minute)
                .min()
        })?
        .instant()
    }

    /// The instant itself if the office works then, else when the next working session opens.
    pub fn next_working_time(&self, at: Timestamp) -> Result<Timestamp, OutOfRange> {
        if self.is_working_time(at) {
            return Ok(at);
        }
        self.working_from(Moment::of(at))?.instant()
    }

    /// When the day's work ends; on a day that only receives, when reception ends; `None` on a day
    /// that the office is closed.
    pub fn closing_of(&self, date: Date) -> Option<Timestamp> {
        let minute = self.hours(date).closing()?;
        Moment { day: date, minute }.instant().ok()
    }

    /// The instant at which `minutes` of working time have passed; it never lies outside working
    /// sessions. What ends with a session ends at its closing hour, not at the next opening.
    pub fn add_working_minutes(
        &self,
        from: Timestamp,
        minutes: u32,
    ) -> Result<Timestamp, OutOfRange> {
        let from = Moment::of(from);
        match minutes {
            0 => self.working_from(from)?.instant(),
            _ => walk::working_minutes(self, from, minutes, &[], &mut None)?.instant(),
        }
    }

    /// The working minutes between two instants; negative if `to` is the earlier. A stretch cut in
    /// pieces adds up exactly.
    pub fn elapsed_working_minutes(&self, from: Timestamp, to: Timestamp) -> i64 {
        let (from, to) = (Moment::of(from), Moment::of(to));
        let of_the_day = |at: Moment| i64::from(self.hours(at.day).minutes_before(at.minute));
        self.sum(from.day, to.day, |hours| i64::from(hours.minutes())) + of_the_day(to)
            - of_the_day(from)
    }

    /// The moment itself if the office works then, else the next working session's opening.
    pub(crate) fn working_from(&self, from: Moment) -> Result<Moment, OutOfRange> {
        self.find_session(from, |hours, minute| {
            hours
                .working()
                .iter()
                .find(|session| session.close >= minute)
                .map(|session| session.open.max(minute))
        })
    }

    /// The first minute that `pick` finds from `from` on, day by day.
    fn find_session(
        &self,
        from: Moment,
        pick: impl Fn(&DayHours, u16) -> Option<u16>,
    ) -> Result<Moment, OutOfRange> {
        let Moment {
            mut day,
            mut minute,
        } = from;
        for _ in 0..MAX_DAYS {
            if let Some(minute) = pick(self.hours(day), minute) {
                return Ok(Moment { day, minute });
            }
            day = tomorrow(day)?;
            minute = 0;
        }
        Err(OutOfRange::NotFound { from: from.day })
    }

    /// What a day is, as explanations say it.
    pub(crate) fn reason(&self, date: Date) -> Reason {
        if let Some(exception) = self.exceptions.get(&date) {
            return exception.reason.clone();
        }
        let hours = self.week.day(date.weekday());
        if hours.is_working_day() {
            Reason::WorkingDay
        } else if hours.reception().is_empty() {
            Reason::DayOff
        } else {
            Reason::ReceptionOnly
        }
    }

    /// The sum of a day's measure from `from` up to before `to`, negative if `to` is the earlier.
    /// By whole weeks, then corrected by the exceptions: ten years cost what ten days do.
    fn sum(&self, from: Date, to: Date, measure: impl Fn(&DayHours) -> i64) -> i64 {
        if to < from {
            return -self.sum(to, from, measure);
        }
        let days = from.duration_until(to).as_hours() / 24;
        let week = self.week.days();
        let whole_weeks = days / 7 * week.iter().map(&measure).sum::<i64>();
        let rest: i64 = week
            .iter()
            .cycle()
            .skip(index(from.weekday()))
            .zip(0..days % 7)
            .map(|(hours, _)| measure(hours))
            .sum();
        let corrections: i64 = self
            .exceptions
            .range(from..to)
            .map(|(date, exception)| {
                measure(&exception.hours) - measure(self.week.day(date.weekday()))
            })
            .sum();
        whole_weeks + rest + corrections
    }
}

/// A local minute: what the arithmetic inside works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) day: Date,
    pub(crate) minute: u16,
}

impl Moment {
    pub(crate) fn of(at: Timestamp) -> Self {
        let at = local(at);
        Self {
            day: at.date(),
            minute: minute_of(at.time()),
        }
    }

    pub(crate) fn instant(self) -> Result<Timestamp, OutOfRange> {
        instant(self.day.to_datetime(time_of(self.minute)))
    }
}

pub(crate) fn tomorrow(day: Date) -> Result<Date, OutOfRange> {
    day.tomorrow().map_err(|_| OutOfRange::Beyond)
}
