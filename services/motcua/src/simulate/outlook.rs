//! What a course of things comes to: figures of all cases, or of those of some agencies.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use motcua_platform::time::date_to_proto;
use motcua_proto::{statistics::v1::SettlementDay, r#type::v1::Punctuality};
use motcua_workflow::domain::Case;

/// How it comes out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outlook {
    /// Came in.
    pub(crate) received: i64,
    /// Resolved, and of those too late.
    pub(crate) resolved: i64,
    pub(crate) resolved_overdue: i64,
    /// Open at the end, and of those beyond their limit.
    pub(crate) open: i64,
    pub(crate) open_overdue: i64,
    /// By the day.
    pub(crate) days: Vec<SettlementDay>,
}

impl Outlook {
    /// Too late, resolved or not.
    pub(crate) fn overdue(&self) -> i64 {
        self.resolved_overdue + self.open_overdue
    }
}

/// What came in and what was resolved, in the order of time.
#[derive(Debug, Default)]
pub(super) struct Days {
    came: Vec<(Date, String)>,
    resolved: Vec<(Date, String)>,
}

impl Days {
    pub(super) fn came(&mut self, at: Timestamp, code: &str) {
        self.came.push((day_of(at), code.to_owned()));
    }

    pub(super) fn resolved(&mut self, at: Timestamp, code: &str) {
        self.resolved.push((day_of(at), code.to_owned()));
    }

    /// All of it, with how the cases stand in the end; of some agencies alone, where they are named. A case is theirs from its
    /// first day, also where its work came to them later.
    pub(super) fn outlook(
        self,
        cases: &BTreeMap<String, Case>,
        agencies: &BTreeSet<String>,
        until: Timestamp,
    ) -> Outlook {
        let shown = |code: &String| cases.get(code).filter(|case| is_of(case, agencies));
        let mut outlook = Outlook::default();
        let mut days = BTreeMap::new();
        for (day, _) in self.came.iter().filter(|(_, code)| shown(code).is_some()) {
            outlook.received += 1;
            of_day(&mut days, *day).received += 1;
        }
        for (day, case) in self
            .resolved
            .iter()
            .filter_map(|(day, code)| Some((*day, shown(code)?)))
        {
            let overdue = i64::from(case.punctuality == Punctuality::Overdue);
            outlook.resolved += 1;
            outlook.resolved_overdue += overdue;
            let of_day = of_day(&mut days, day);
            of_day.resolved += 1;
            of_day.overdue += overdue;
        }
        let open = cases.values().filter(|case| !case.is_ended());
        for case in open.filter(|case| is_of(case, agencies)) {
            outlook.open += 1;
            outlook.open_overdue += i64::from(is_overdue(case, until));
        }
        outlook.days = days.into_values().collect();
        outlook
    }
}

/// While something is awaited of the applicant the limit stands where that began.
fn is_overdue(case: &Case, at: Timestamp) -> bool {
    let stood = case.open_holds().fold(at, |at, hold| at.min(hold.from));
    stood >= case.first_due.judged_until
}

fn day_of(at: Timestamp) -> Date {
    motcua_calendar::local(at).date()
}

fn of_day(days: &mut BTreeMap<Date, SettlementDay>, date: Date) -> &mut SettlementDay {
    days.entry(date).or_insert_with(|| SettlementDay {
        date: Some(date_to_proto(date)),
        ..SettlementDay::default()
    })
}

/// Whether one of the agencies received the case, decides it, or works or worked on it; every case is, where none are named.
fn is_of(case: &Case, agencies: &BTreeSet<String>) -> bool {
    let working = case.tasks.iter().map(|task| &task.agency);
    let branches = case.sub_cases.iter().map(|sub_case| &sub_case.agency);
    agencies.is_empty()
        || [&case.receiving_agency, &case.competent_agency]
            .into_iter()
            .chain(working)
            .chain(branches)
            .any(|agency| agencies.contains(agency))
}
