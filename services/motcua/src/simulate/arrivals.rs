//! What comes in on a day: at each counter what came on one of the last days that were like it.
//!
//! Days are alike that have the same name, and on which the counter is open as on the other: for work, or for reception alone. A
//! holiday is like no day, so nothing comes on it, and it is no day of the past on which nothing came: so that on a day that is
//! worked as much comes as came on those that were. A day that no day of its name is like, a Saturday that is worked in place of a
//! Monday for one, is like the others that were worked.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan as _, civil::Date};
use motcua_calendar::Calendar;
use motcua_platform::catalog::{Catalog, receives_on};
use motcua_proto::r#type::v1::Agency;
use motcua_workflow::domain::Receipt;

use super::past::Past;

/// So many of the last days that are alike count.
pub(super) const ALIKE: usize = 4;

/// What came before, by who received it.
#[derive(Debug)]
pub(super) struct Arrivals<'p> {
    counters: BTreeMap<&'p str, BTreeMap<Date, Vec<&'p Receipt>>>,
    now: Timestamp,
}

impl<'p> Arrivals<'p> {
    pub(super) fn of(past: &'p Past) -> Self {
        let mut counters: BTreeMap<&str, BTreeMap<Date, Vec<&Receipt>>> = BTreeMap::new();
        for (day, receipts) in &past.arrivals {
            for receipt in receipts {
                let days = counters.entry(&receipt.receiving_agency).or_default();
                days.entry(*day).or_default().push(receipt);
            }
        }
        Self {
            counters,
            now: past.now,
        }
    }

    /// What comes in on a day, as it came on the `nth` last day that is like it, or on another one where there are fewer. It is
    /// one number for all counters: what a week brings to one of them it may bring to the others.
    pub(super) fn on(&self, day: Date, nth: usize, catalog: &Catalog) -> Vec<&'p Receipt> {
        self.counters
            .iter()
            .filter_map(|(agency, came)| {
                let agency = catalog.agency(agency)?;
                let alike = self.alike(day, came, agency, catalog.calendar_of(agency)?);
                let chosen = alike.get(nth.checked_rem(alike.len())?)?;
                came.get(chosen)
            })
            .flatten()
            .copied()
            .collect()
    }

    /// The last days that a day is like, from the first on which anything came; some of them may have brought nothing.
    fn alike(
        &self,
        day: Date,
        came: &BTreeMap<Date, Vec<&Receipt>>,
        agency: &Agency,
        calendar: &Calendar,
    ) -> Vec<Date> {
        let Some(first) = came.keys().next().copied() else {
            return Vec::new();
        };
        let kind = |day| {
            receives_on(agency, day)
                .then(|| kind(calendar, day))
                .flatten()
        };
        let Some(wanted) = kind(day) else {
            return Vec::new();
        };
        // Where nothing is known but a day that is not over, that is better than nothing.
        let last = self.last_whole_day(calendar).max(first);
        let before = || {
            let days = last.series(-1.day()).take_while(|day| *day >= first);
            days.filter(|day| kind(*day) == Some(wanted))
        };
        let of_its_name: Vec<_> = before()
            .filter(|before| before.weekday() == day.weekday())
            .take(ALIKE)
            .collect();
        if of_its_name.is_empty() {
            before().take(ALIKE).collect()
        } else {
            of_its_name
        }
    }

    /// The last day on which nothing more comes in.
    fn last_whole_day(&self, calendar: &Calendar) -> Date {
        let today = motcua_calendar::local(self.now).date();
        let is_over = calendar
            .closing_of(today)
            .is_none_or(|closing| closing <= self.now);
        if is_over {
            today
        } else {
            today.yesterday().unwrap_or(today)
        }
    }
}

/// How a counter is open on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Work,
    Reception,
}

/// None where it is closed.
fn kind(calendar: &Calendar, day: Date) -> Option<Kind> {
    if calendar.is_working_day(day) {
        Some(Kind::Work)
    } else {
        calendar.closing_of(day).map(|_| Kind::Reception)
    }
}
