//! When an office is open: sessions, a day's hours, a week's hours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};

/// Why hours or a calendar cannot be used as they were given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A session that ends before it begins, or has no length.
    #[error("session {open}–{close} must end after it begins, on the same day")]
    EmptySession {
        /// As given.
        open: Time,
        /// As given.
        close: Time,
    },
    /// Sessions are in whole minutes, as receipts are.
    #[error("session {open}–{close} must begin and end at a whole minute")]
    NotWholeMinutes {
        /// As given.
        open: Time,
        /// As given.
        close: Time,
    },
    /// Two sessions of one day share working time.
    #[error("sessions {first} and {second} overlap: join or separate them")]
    Overlap {
        /// The earlier one.
        first: Session,
        /// The later one.
        second: Session,
    },
    /// A session that would receive nothing.
    #[error("session {0} receives no field: name at least one, or make it a session for all")]
    NoField(Session),
    /// A day is stated twice.
    #[error("{0} is stated twice: keep one line for each day")]
    RepeatedDay(jiff::civil::Date),
    /// A swapped working day takes the hours of an ordinary working day, and there is none.
    #[error(
        "{0} is a swapped working day, but no day of the week has working sessions to take its hours from"
    )]
    NoOrdinaryDay(jiff::civil::Date),
}

/// An uninterrupted time in which the office is open, within one day; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session {
    // Minutes since midnight.
    pub(crate) open: u16,
    pub(crate) close: u16,
}

impl Session {
    /// A session from `open` to `close`, in whole minutes.
    pub fn new(open: Time, close: Time) -> Result<Self, Invalid> {
        let seconds = |time: Time| time.second() != 0 || time.subsec_nanosecond() != 0;
        if seconds(open) || seconds(close) {
            return Err(Invalid::NotWholeMinutes { open, close });
        }
        if close <= open {
            return Err(Invalid::EmptySession { open, close });
        }
        Ok(Self {
            open: minute_of(open),
            close: minute_of(close),
        })
    }

    /// The opening hour.
    pub fn open(self) -> Time {
        time_of(self.open)
    }

    /// The closing hour.
    pub fn close(self) -> Time {
        time_of(self.close)
    }

    /// Its length in minutes.
    pub fn minutes(self) -> u32 {
        u32::from(self.close - self.open)
    }

    pub(crate) fn contains(self, minute: u16) -> bool {
        (self.open..=self.close).contains(&minute)
    }
}

impl std::fmt::Display for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}–{}",
            self.open().strftime("%H:%M"),
            self.close().strftime("%H:%M")
        )
    }
}

/// The hours of one day. Working time counts against limits; reception time does not: the counter
/// is merely open, as on a Saturday morning, in the evening, or on a bus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayHours {
    working: Vec<Session>,
    reception: Vec<Session>,
    // Those of `reception` that do not receive everything, with the fields that they do.
    by_field: BTreeMap<Session, BTreeSet<String>>,
}

impl DayHours {
    /// A day's sessions, in any order; none may overlap another (they may touch).
    pub fn new(
        working: impl IntoIterator<Item = Session>,
        reception: impl IntoIterator<Item = Session>,
    ) -> Result<Self, Invalid> {
        let sorted = |mut sessions: Vec<Session>| {
            sessions.sort_unstable();
            sessions
        };
        let day = Self {
            working: sorted(working.into_iter().collect()),
            reception: sorted(reception.into_iter().collect()),
            by_field: BTreeMap::new(),
        };
        day.apart()?;
        Ok(day)
    }

    /// The same day with one more session of reception, in which only procedures of these fields (lĩnh vực) are received:
    /// residence on a Saturday morning. Time never counts in it, so that no field's limit differs from another's. It must not
    /// overlap the others.
    pub fn with_reception_of(
        mut self,
        session: Session,
        fields: impl IntoIterator<Item = String>,
    ) -> Result<Self, Invalid> {
        let fields: BTreeSet<String> = fields.into_iter().collect();
        if fields.is_empty() {
            return Err(Invalid::NoField(session));
        }
        self.reception.push(session);
        self.reception.sort_unstable();
        self.apart()?;
        self.by_field.insert(session, fields);
        Ok(self)
    }

    /// Whether no session overlaps another; they may touch.
    fn apart(&self) -> Result<(), Invalid> {
        let mut all: Vec<Session> = self.all().collect();
        all.sort_unstable();
        for pair in all.windows(2) {
            if let [first, second] = *pair
                && second.open < first.close
            {
                return Err(Invalid::Overlap { first, second });
            }
        }
        Ok(())
    }

    /// The day as it is for one field: without the sessions that receive others only.
    pub(crate) fn of_field(&self, field: &str) -> Self {
        let receives = |session: &Session| {
            let fields = self.by_field.get(session);
            fields.is_none_or(|fields| fields.contains(field))
        };
        let reception = self.reception.iter().copied().filter(receives);
        Self {
            working: self.working.clone(),
            reception: reception.collect(),
            by_field: BTreeMap::new(),
        }
    }

    pub(crate) fn differs_by_field(&self) -> bool {
        !self.by_field.is_empty()
    }

    /// The sessions whose time counts, in order.
    pub fn working(&self) -> &[Session] {
        &self.working
    }

    /// The further sessions in which the counter receives, in order.
    pub fn reception(&self) -> &[Session] {
        &self.reception
    }

    pub(crate) fn is_working_day(&self) -> bool {
        !self.working.is_empty()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Session> + '_ {
        self.working.iter().chain(&self.reception).copied()
    }

    pub(crate) fn minutes(&self) -> u32 {
        self.working.iter().map(|session| session.minutes()).sum()
    }

    /// The working minutes of the day that lie before `minute`.
    pub(crate) fn minutes_before(&self, minute: u16) -> u32 {
        let before = |s: &Session| u32::from(minute.clamp(s.open, s.close) - s.open);
        self.working.iter().map(before).sum()
    }

    /// The working session that `minute` lies in.
    pub(crate) fn working_at(&self, minute: u16) -> Option<Session> {
        self.working
            .iter()
            .copied()
            .find(|session| session.contains(minute))
    }

    /// The reception session that `minute` lies in, where no working session claims it.
    pub(crate) fn reception_only_at(&self, minute: u16) -> Option<Session> {
        match self.working_at(minute) {
            Some(_) => None,
            None => self
                .reception
                .iter()
                .copied()
                .find(|session| session.contains(minute)),
        }
    }

    /// When the day's work ends; on a day without work, when reception ends.
    pub(crate) fn closing(&self) -> Option<u16> {
        self.working
            .last()
            .or(self.reception.last())
            .map(|session| session.close)
    }
}

/// The hours of an ordinary week.
///
/// The default is 07:00–11:30 and 13:30–17:00 from Monday to Friday, eight hours a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeeklyHours {
    // Monday first.
    days: [DayHours; 7],
}

impl Default for WeeklyHours {
    fn default() -> Self {
        let morning = Session {
            open: 7 * 60,
            close: 11 * 60 + 30,
        };
        let afternoon = Session {
            open: 13 * 60 + 30,
            close: 17 * 60,
        };
        let day = DayHours {
            working: vec![morning, afternoon],
            ..DayHours::default()
        };
        let mut week = Self::closed();
        week.days[..5].fill(day);
        week
    }
}

impl WeeklyHours {
    /// A week in which the office never opens: a start for hours of one's own.
    pub fn closed() -> Self {
        Self {
            days: Default::default(),
        }
    }

    /// The same week with other hours on one day.
    #[must_use]
    pub fn with(mut self, weekday: Weekday, hours: DayHours) -> Self {
        self.days[index(weekday)] = hours;
        self
    }

    /// The hours of a day of the week.
    pub fn day(&self, weekday: Weekday) -> &DayHours {
        &self.days[index(weekday)]
    }

    /// What a swapped working day takes its hours from: its own day of the week if that is worked,
    /// else the first day of the week that is.
    pub(crate) fn ordinary_day(&self, weekday: Weekday) -> Option<&DayHours> {
        [self.day(weekday)]
            .into_iter()
            .chain(&self.days)
            .find(|day| day.is_working_day())
    }

    pub(crate) fn of_field(&self, field: &str) -> Self {
        Self {
            days: self.days.each_ref().map(|day| day.of_field(field)),
        }
    }

    pub(crate) fn days(&self) -> &[DayHours; 7] {
        &self.days
    }
}

pub(crate) fn index(weekday: Weekday) -> usize {
    usize::from(weekday.to_monday_zero_offset().unsigned_abs())
}

/// Minutes since midnight; seconds are dropped.
pub(crate) fn minute_of(time: Time) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

pub(crate) fn time_of(minute: u16) -> Time {
    Time::midnight().saturating_add(SignedDuration::from_mins(i64::from(minute)))
}
