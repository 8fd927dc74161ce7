//! How much time is left, and how much was used: the case's holds laid on the agencies' calendars.

use std::sync::Arc;

use jiff::Timestamp;
use motcua_calendar::{
    Calendar, Due as CalendarDue, DueHour, Hold as CalendarHold, Limit, OutOfRange, Standing, local,
};
use motcua_platform::{
    catalog::{Catalog, due_hour},
    error::Error,
};
use motcua_proto::r#type::v1::Punctuality;

use super::{
    case::{Case, Due, Hold},
    definition::{Definition, limit_minutes},
    surround::Surround,
};

/// A limit of two working days or more is a long one.
const SOON_FROM_MINUTES: u32 = 960;
/// How long before its due a case with a long limit is told to be due soon: one working day.
const SOON_MINUTES: i64 = 480;
/// The same for shorter limits: two working hours.
const SOON_MINUTES_SHORT: i64 = 120;

/// An agency's working time.
#[derive(Debug, Clone)]
pub(super) struct Hours {
    pub(super) calendar: Arc<Calendar>,
    pub(super) due_hour: DueHour,
}

/// Whose calendars count: those of the catalog in force, because days off are what they are for everybody; for
/// an agency that it does not have any more, those of the catalog that the case stands under.
#[derive(Debug, Clone)]
pub(super) struct Timetable {
    in_force: Option<Arc<Catalog>>,
    own: Arc<Catalog>,
    procedure: String,
}

impl Timetable {
    /// For what stands under a catalog, and a procedure of it, at an instant.
    pub(super) fn of(
        own: Arc<Catalog>,
        procedure: &str,
        surround: &Surround,
        now: Timestamp,
    ) -> Self {
        Self {
            in_force: surround.catalogs.in_force(now),
            own,
            procedure: procedure.to_owned(),
        }
    }

    /// Id of the catalog whose calendars count.
    pub(super) fn id(&self) -> &str {
        self.in_force.as_ref().unwrap_or(&self.own).id()
    }

    /// An agency's hours: it was checked to be there when the case began.
    pub(super) fn hours(&self, agency: &str) -> Result<Hours, Error> {
        self.hours_for(agency, &self.procedure)
    }

    /// Its hours for a branch's procedure: what is received, and comes back, in a session may differ by field.
    pub(super) fn hours_for(&self, agency: &str, procedure: &str) -> Result<Hours, Error> {
        let procedure = self.own.procedure(procedure);
        let field = procedure.map_or("", |procedure| &procedure.field);
        self.in_force
            .as_ref()
            .and_then(|catalog| Hours::find(catalog, agency, field))
            .or_else(|| Hours::find(&self.own, agency, field))
            .ok_or_else(|| Error::NotReady {
                missing: format!(
                    "agency {agency} with its calendar in catalog {}",
                    self.own.id()
                ),
                remedy: "apply a catalog that has it",
            })
    }

    /// Those that a case's receipt was reckoned by: the counter that received prints the due and hands over.
    pub(super) fn hours_of(&self, case: &Case) -> Result<Hours, Error> {
        self.hours(&case.receiving_agency)
    }
}

/// Holds as the calendar takes them.
fn of_calendar(holds: &[Hold]) -> Vec<CalendarHold> {
    let holds = holds.iter().map(|hold| CalendarHold {
        from: hold.from,
        to: hold.to,
    });
    holds.collect()
}

impl Hours {
    /// Those of an agency; `None` where the catalog does not know it.
    fn find(catalog: &Catalog, agency: &str, field: &str) -> Option<Self> {
        let agency = catalog.agency(agency)?;
        Some(Self {
            calendar: catalog.calendar_for(agency, field)?,
            due_hour: due_hour(agency),
        })
    }

    /// When a budget ends.
    pub(super) fn budget_end(&self, from: Timestamp, minutes: u32) -> Result<Timestamp, Error> {
        self.calendar
            .add_working_minutes(from, minutes)
            .map_err(beyond)
    }

    /// When so many calendar days are over, as the law counts them, and those that a hold takes left out: the first instant after
    /// the last of them.
    pub(super) fn days_end(
        &self,
        from: Timestamp,
        days: u32,
        holds: &[Hold],
    ) -> Result<Timestamp, Error> {
        let limit = Limit::CalendarDays { days };
        let end = self.calendar.term(from, &limit, &of_calendar(holds));
        Ok(end.map_err(beyond)?.judged_until)
    }

    /// When a limit ends.
    pub(super) fn due(
        &self,
        received_at: Timestamp,
        limit: &Limit,
        holds: &[Hold],
    ) -> Result<Due, Error> {
        let due = self
            .calendar
            .due(received_at, limit, self.due_hour, &of_calendar(holds))
            .map_err(beyond)?;
        Ok(Due {
            at: due.at,
            judged_until: due.judged_until,
        })
    }

    /// Working minutes between two instants, holds left out.
    pub(super) fn used(&self, from: Timestamp, to: Timestamp, holds: &[Hold]) -> i32 {
        let between = |from: Timestamp, to: Timestamp| {
            if from < to {
                self.calendar.elapsed_working_minutes(from, to)
            } else {
                0
            }
        };
        let mut holds: Vec<_> = holds.iter().collect();
        holds.sort_by_key(|hold| hold.from);
        // What two agencies await at the same time is one time.
        let (mut held, mut through) = (0, from);
        for hold in holds {
            let until = hold.to.unwrap_or(to).min(to);
            held += between(hold.from.max(through), until);
            through = through.max(until);
        }
        i32::try_from(between(from, to) - held).unwrap_or(i32::MAX)
    }

    /// How many working minutes before a due it is told to come near, most first: as the definition divides the limit, or
    /// by the rule of the house.
    pub(super) fn leads(
        &self,
        definition: &Definition,
        received_at: Timestamp,
        due: Due,
        limit: &Limit,
        holds: &[Hold],
    ) -> Vec<i64> {
        if definition.due_soon_percents().is_empty() {
            return vec![lead(limit)];
        }
        let whole = i64::from(self.used(received_at, due.at, holds));
        let left = |percent: &u32| whole * i64::from(100 - percent) / 100;
        definition.due_soon_percents().iter().map(left).collect()
    }

    /// When to tell next that a due comes near; none where all of that would lie at or before `now`.
    pub(super) fn due_soon(&self, now: Timestamp, due: Due, leads: &[i64]) -> Option<Timestamp> {
        leads
            .iter()
            .find_map(|lead| self.minutes_before(now, due, *lead))
    }

    /// The first whole minute after `now` at which no more than so many working minutes are left.
    fn minutes_before(&self, now: Timestamp, due: Due, lead: i64) -> Option<Timestamp> {
        let left = |at: i64| {
            Timestamp::from_second(at * 60)
                .map_or(0, |at| self.calendar.elapsed_working_minutes(at, due.at))
        };
        // Elapsed time is monotone, so halving finds it.
        let (mut early, mut late) = (
            now.as_second().div_euclid(60),
            due.at.as_second().div_euclid(60),
        );
        if late <= early || left(early) <= lead {
            return None;
        }
        while late - early > 1 {
            let middle = early + (late - early) / 2;
            if left(middle) <= lead {
                late = middle
            } else {
                early = middle
            }
        }
        Timestamp::from_second(late * 60).ok()
    }

    /// The new due of an extension, judged as the limit is: in days to the end of the day, in hours by the minute.
    pub(super) fn promised(&self, at: Timestamp, limit: &Limit) -> Result<Due, Error> {
        let judged_until = judged_until(at, limit).map_err(beyond)?;
        Ok(Due { at, judged_until })
    }
}

/// The first instant that is too late for a due of a limit: in days the end of the day, in hours the next minute.
pub(super) fn judged_until(at: Timestamp, limit: &Limit) -> Result<Timestamp, OutOfRange> {
    if limit.ends_by_the_minute() {
        return at
            .checked_add(jiff::SignedDuration::from_mins(1))
            .map_err(|_| OutOfRange::Beyond);
    }
    let tomorrow = local(at).date().tomorrow();
    let tomorrow = tomorrow.map_err(|_| OutOfRange::Beyond)?;
    motcua_calendar::instant(tomorrow.to_datetime(jiff::civil::Time::midnight()))
}

/// How many working minutes before the due it is told to come near.
fn lead(limit: &Limit) -> i64 {
    if limit_minutes(limit) >= SOON_FROM_MINUTES {
        SOON_MINUTES
    } else {
        SOON_MINUTES_SHORT
    }
}

/// How a result that is ready at an instant stands to a due.
pub(super) fn judged(due: Due, ready: Timestamp) -> Punctuality {
    let due = CalendarDue {
        day: local(due.at).date(),
        at: due.at,
        judged_until: due.judged_until,
        held_since: None,
    };
    match due.judge(ready) {
        Standing::Early => Punctuality::Early,
        Standing::OnTime => Punctuality::OnTime,
        Standing::Overdue => Punctuality::Overdue,
    }
}

/// The calendar has no answer.
pub(super) fn beyond(error: OutOfRange) -> Error {
    Error::NotReady {
        missing: format!("working time: {error}"),
        remedy: "mend the calendar in the catalog",
    }
}
