//! The catalog, parsed: agencies, procedures and calendars that refer to each other and are known to fit.
//!
//! Intake owns it and workflow keeps a copy; both read it here. Catalogs never change once applied, so each process
//! keeps those that it has seen.

mod calendar;
mod check;
mod fee;
pub mod limit;
mod seen;
mod succession;

use std::{collections::BTreeMap, iter, sync::Arc};

use jiff::civil::{Date, Time};
use motcua_calendar::{Calendar, DueHour, TRANSFER_CUTOFF};
use motcua_proto::{
    google::r#type::Date as ProtoDate,
    r#type::v1::{
        Agency, AgencyKind, Catalog as ProtoCatalog, DueHour as ProtoDueHour, Exemption, Procedure,
    },
};

use crate::{error::Error, parse::Fields, time::date_from_proto};

pub use limit::{limit, limit_to_proto};
pub use seen::{Catalogs, starts_at};

/// A catalog whose parts fit together.
#[derive(Debug, Clone)]
pub struct Catalog {
    proto: ProtoCatalog,
    agencies: BTreeMap<String, Agency>,
    procedures: BTreeMap<String, Procedure>,
    /// What a procedure was called before, and what it is called now.
    aliases: BTreeMap<String, String>,
    calendars: BTreeMap<String, Arc<Calendar>>,
    /// Of a calendar whose sessions do not all receive everything: what it is for each field of the procedures.
    by_field: BTreeMap<String, BTreeMap<String, Arc<Calendar>>>,
}

impl Catalog {
    /// Checks a catalog and takes it apart.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong: unknown references, doubles, limits that mean nothing.
    pub fn parse(proto: &ProtoCatalog) -> Result<Self, Error> {
        let mut fields = Fields::new();
        fields.id("catalog.id", &proto.id);
        let first = proto.effective_from.as_ref();
        if first.is_some_and(|first| date_from_proto(first).is_none()) {
            fields.reject("catalog.effective_from", "must be a day that exists");
        }
        let known = proto
            .procedures
            .iter()
            .map(|it| it.field.as_str())
            .collect();
        let mut calendars = BTreeMap::new();
        for (index, calendar) in proto.calendars.iter().enumerate() {
            let path = format!("catalog.calendars[{index}]");
            fields.id(&format!("{path}.id"), &calendar.id);
            if let Some(parsed) = calendar::parse(&mut fields, &path, calendar, &known)
                && calendars
                    .insert(calendar.id.clone(), Arc::new(parsed))
                    .is_some()
            {
                fields.reject(format!("{path}.id"), "stands twice");
            }
        }
        let agencies = check::agencies(&mut fields, &proto.agencies, &calendars);
        let mut procedures = BTreeMap::new();
        for (index, procedure) in proto.procedures.iter().enumerate() {
            let path = format!("catalog.procedures[{index}]");
            check::procedure(&mut fields, &path, procedure);
            if procedures
                .insert(procedure.code.clone(), procedure.clone())
                .is_some()
            {
                fields.reject(format!("{path}.code"), "stands twice");
            }
        }
        check::departments(&mut fields, &proto.procedures, &agencies);
        let aliases = succession::procedures(&mut fields, &proto.procedures);
        succession::agencies(&mut fields, &proto.agencies);
        if agencies.is_empty() {
            fields.reject("catalog.agencies", "is required");
        }
        if procedures.is_empty() {
            fields.reject("catalog.procedures", "is required");
        }
        fields.finish(Some(Self {
            proto: proto.clone(),
            agencies,
            procedures,
            aliases,
            by_field: calendar::by_field(&calendars, &known),
            calendars,
        }))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.proto.id
    }

    /// As the contract has it.
    #[must_use]
    pub fn proto(&self) -> &ProtoCatalog {
        &self.proto
    }

    /// An agency by its code.
    #[must_use]
    pub fn agency(&self, code: &str) -> Option<&Agency> {
        self.agencies.get(code)
    }

    /// Agencies in the order of their codes.
    pub fn agencies(&self) -> impl Iterator<Item = &Agency> {
        self.agencies.values()
    }

    /// A procedure by its code, or by one that it had before.
    #[must_use]
    pub fn procedure(&self, code: &str) -> Option<&Procedure> {
        self.procedures
            .get(code)
            .or_else(|| self.procedures.get(self.aliases.get(code)?))
    }

    /// Every code of the procedure that has this code, or had it before; the code alone where the catalog does not know it.
    #[must_use]
    pub fn codes_of(&self, code: &str) -> Vec<String> {
        match self.procedure(code) {
            Some(procedure) => iter::once(&procedure.code)
                .chain(&procedure.aliases)
                .cloned()
                .collect(),
            None => vec![code.to_owned()],
        }
    }

    /// The procedure that has taken the place of another one by a day: from its own first day on. `None` while that is still open.
    #[must_use]
    pub fn successor(&self, procedure: &Procedure, day: Date) -> Option<&Procedure> {
        self.procedure(&procedure.successor)
            .filter(|successor| is_valid_on(successor.valid_from.as_ref(), None, day))
    }

    /// The procedure under which something is submitted on a day by whoever knows it by a code: it, or what has taken its place by
    /// then, or what it is to take the place of later. `None` where there is none on that day.
    #[must_use]
    pub fn procedure_on(&self, code: &str, day: Date) -> Option<&Procedure> {
        let named = self.procedure(code)?;
        // Successors lead round nowhere: a catalog in which they do is refused.
        let later = iter::successors(Some(named), |it| self.procedure(&it.successor));
        let earlier = iter::successors(self.predecessor(named), |it| self.predecessor(it));
        later
            .chain(earlier)
            .find(|it| self.why_closed(it, day).is_none())
    }

    /// Why nothing is submitted under a procedure on a day, and what there is in its place. `None` where it is open.
    #[must_use]
    pub fn why_closed(&self, procedure: &Procedure, day: Date) -> Option<String> {
        let code = &procedure.code;
        let first = procedure.valid_from.as_ref().and_then(date_from_proto);
        if let Some(first) = first.filter(|first| day < *first) {
            let before = self.predecessor(procedure);
            let before = before.filter(|before| self.why_closed(before, day).is_none());
            let until_then = before.map_or_else(String::new, |before| {
                format!(": until then there is '{}'", before.code)
            });
            return Some(format!("'{code}' begins on {first}{until_then}"));
        }
        let last = procedure.valid_to.as_ref().and_then(date_from_proto);
        if let Some(last) = last.filter(|last| *last < day) {
            let successor = self.procedure(&procedure.successor);
            let successor = successor.map_or(&procedure.successor, |it| &it.code);
            let others = match successor.as_str() {
                "" => String::new(),
                successor => format!(": its place is taken by '{successor}'"),
            };
            return Some(format!("'{code}' ended on {last}{others}"));
        }
        let successor = self.successor(procedure, day)?;
        Some(format!("'{code}' was replaced by '{}'", successor.code))
    }

    /// The procedure whose place another one takes, by the order of the codes the first.
    fn predecessor(&self, procedure: &Procedure) -> Option<&Procedure> {
        self.procedures().find(|before| {
            let successor = self.procedure(&before.successor);
            successor.is_some_and(|successor| successor.code == procedure.code)
        })
    }

    /// Procedures in the order of their codes.
    pub fn procedures(&self) -> impl Iterator<Item = &Procedure> {
        self.procedures.values()
    }

    /// An agency's calendar.
    #[must_use]
    pub fn calendar_of(&self, agency: &Agency) -> Option<&Arc<Calendar>> {
        self.calendars.get(&agency.calendar)
    }

    /// An agency's calendar as it is for a procedure of that field: without the sessions that receive other fields only.
    #[must_use]
    pub fn calendar_for(&self, agency: &Agency, field: &str) -> Option<Arc<Calendar>> {
        let whole = self.calendar_of(agency)?;
        let Some(by_field) = self.by_field.get(&agency.calendar) else {
            return Some(Arc::clone(whole));
        };
        // A field of another catalog's procedures is no session's.
        let narrow = by_field.get(field).map(Arc::clone);
        narrow.or_else(|| whole.of_field(field).map(Arc::new))
    }

    /// The agency that decides on a procedure for a ward on a day: the city's department, or the ward's own unit.
    #[must_use]
    pub fn competent(&self, procedure: &Procedure, ward: &str, day: Date) -> Option<&Agency> {
        if procedure.competent() != AgencyKind::Department {
            return self.unit(ward, procedure.competent(), day);
        }
        let named = self.agencies.get(&procedure.competent_agency)?;
        // Whoever took its place by then, as far as the catalog has them. Successors lead round nowhere.
        let follow = |it: &&Agency| self.agencies.get(it.successors.first()?);
        let mut later = iter::successors(Some(named), follow);
        Some(later.find(|it| receives_on(it, day)).unwrap_or(named))
    }

    /// The unit of that kind that belongs to a ward on a day: the ward itself, or one below it. Where none of them is there on that
    /// day, one that was or will be: what came before goes on, and a dossier is never without an agency.
    #[must_use]
    pub fn unit(&self, ward: &str, kind: AgencyKind, day: Date) -> Option<&Agency> {
        let ward = self.agencies.get(ward)?;
        // A unit below a ward finds its siblings.
        let ward = if ward.parent.is_empty() {
            ward
        } else {
            self.agencies.get(&ward.parent)?
        };
        if ward.kind() == kind {
            return Some(ward);
        }
        let units = || {
            let agencies = self.agencies.values();
            agencies.filter(|agency| agency.parent == ward.code && agency.kind() == kind)
        };
        units()
            .find(|unit| receives_on(unit, day))
            .or_else(|| units().next())
    }
}

/// Whether an agency receives on a day.
#[must_use]
pub fn receives_on(agency: &Agency, day: Date) -> bool {
    is_valid_on(agency.valid_from.as_ref(), agency.valid_to.as_ref(), day)
}

/// Whether an exemption is made on a day.
#[must_use]
pub fn exempts_on(exemption: &Exemption, day: Date) -> bool {
    is_valid_on(
        exemption.valid_from.as_ref(),
        exemption.valid_to.as_ref(),
        day,
    )
}

/// Both days are in it; one that is not set is open.
fn is_valid_on(first: Option<&ProtoDate>, last: Option<&ProtoDate>, day: Date) -> bool {
    first
        .and_then(date_from_proto)
        .is_none_or(|first| first <= day)
        && last
            .and_then(date_from_proto)
            .is_none_or(|last| day <= last)
}

/// How often a supplement may be asked for: from the second time on by a leader alone.
#[must_use]
pub fn supplement_rounds(procedure: Option<&Procedure>) -> i32 {
    procedure
        .map(|procedure| procedure.supplement_rounds)
        .filter(|rounds| *rounds > 0)
        .unwrap_or(2)
}

/// Most working hours that a submission may wait for acceptance: two weeks.
pub const ACCEPTANCE_HOURS_MAX: i32 = 80;
/// Most working days that the applicant has for what is asked for.
pub const SUPPLEMENT_DAYS_MAX: i32 = 250;

/// How long a submission, or a supplement to it, may wait for acceptance, in working minutes.
#[must_use]
pub fn acceptance_minutes(procedure: Option<&Procedure>) -> u32 {
    60 * said(procedure, |procedure| procedure.acceptance_hours, 8)
}

/// How long the applicant has for what is asked for, in working days: 7 is the period of linked procedures.
#[must_use]
pub fn supplement_days(procedure: Option<&Procedure>) -> u32 {
    said(procedure, |procedure| procedure.supplement_days, 7)
}

/// What a procedure says, or what holds where it does not.
fn said(procedure: Option<&Procedure>, pick: fn(&Procedure) -> i32, otherwise: u32) -> u32 {
    procedure
        .and_then(|procedure| u32::try_from(pick(procedure)).ok())
        .filter(|number| *number > 0)
        .unwrap_or(otherwise)
}

/// How an agency prints the due hour.
#[must_use]
pub fn due_hour(agency: &Agency) -> DueHour {
    match agency.due_hour() {
        ProtoDueHour::SameTime => DueHour::SameTime,
        ProtoDueHour::EndOfDay | ProtoDueHour::Unspecified => DueHour::EndOfDay,
    }
}

/// Until when an agency transfers on the same day what it receives for another centre's agencies.
#[must_use]
pub fn transfer_cutoff(agency: &Agency) -> Time {
    match agency.transfer_cutoff_minute {
        0 => TRANSFER_CUTOFF,
        minute => time_of(minute).unwrap_or(TRANSFER_CUTOFF),
    }
}

pub(crate) fn time_of(minute: i32) -> Option<Time> {
    Time::new(
        i8::try_from(minute.div_euclid(60)).ok()?,
        i8::try_from(minute.rem_euclid(60)).ok()?,
        0,
        0,
    )
    .ok()
}
