//! The catalog, parsed: agencies, procedures and calendars that refer to each other and are known to fit.
//!
//! Intake owns it and workflow keeps a copy; both read it here. Catalogs never change once applied, so each process
//! keeps those that it has seen.

mod fee;
pub mod limit;
mod succession;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    iter,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::{
    Timestamp,
    civil::{Date, Time, Weekday},
};
use motcua_calendar::{
    Calendar, DayHours, DayKind, DueHour, Invalid, Session, TRANSFER_CUTOFF, WeeklyHours,
};
use motcua_proto::google::r#type::Date as ProtoDate;
use motcua_proto::r#type::v1::{
    Agency, AgencyKind, Calendar as ProtoCalendar, CalendarDayKind, Catalog as ProtoCatalog,
    DueHour as ProtoDueHour, Exemption, FormSet, Procedure, RequiredPaper, Session as ProtoSession,
};
use prost::Message as _;
use sqlx::PgConnection;

use crate::{
    error::Error,
    parse::Fields,
    time::{Instant, date_from_proto, from_proto_opt},
};

pub use limit::{limit, limit_to_proto};

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
            if let Some(parsed) = parse_calendar(&mut fields, &path, calendar, &known)
                && calendars
                    .insert(calendar.id.clone(), Arc::new(parsed))
                    .is_some()
            {
                fields.reject(format!("{path}.id"), "stands twice");
            }
        }
        let agencies = parse_agencies(&mut fields, &proto.agencies, &calendars);
        let mut procedures = BTreeMap::new();
        for (index, procedure) in proto.procedures.iter().enumerate() {
            let path = format!("catalog.procedures[{index}]");
            check_procedure(&mut fields, &path, procedure);
            if procedures
                .insert(procedure.code.clone(), procedure.clone())
                .is_some()
            {
                fields.reject(format!("{path}.code"), "stands twice");
            }
        }
        check_departments(&mut fields, &proto.procedures, &agencies);
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
            by_field: by_field(&calendars, &known),
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

/// From when on a catalog is in force, unless one that begins later is: when it was applied, or when its own first day begins.
#[must_use]
pub fn starts_at(catalog: &ProtoCatalog) -> Timestamp {
    let first = catalog.effective_from.as_ref().and_then(date_from_proto);
    let begins =
        first.and_then(|first| motcua_calendar::instant(first.to_datetime(Time::MIN)).ok());
    let applied = from_proto_opt(catalog.applied_at.as_ref());
    applied.max(begins).unwrap_or(Timestamp::UNIX_EPOCH)
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

/// Whether `valid_from` and `valid_to` are days that exist, the last one no earlier than the first.
fn check_validity(fields: &mut Fields, path: &str, [first, last]: [Option<&ProtoDate>; 2]) {
    let mut bound = |name: &str, date: Option<&ProtoDate>| {
        let parsed = date.and_then(date_from_proto);
        if date.is_some() && parsed.is_none() {
            fields.reject(format!("{path}.{name}"), "must be a day that exists");
        }
        parsed
    };
    let (first, last) = (bound("valid_from", first), bound("valid_to", last));
    if let (Some(first), Some(last)) = (first, last)
        && last < first
    {
        fields.reject(
            format!("{path}.valid_to"),
            format!("lies before the first day, {first}"),
        );
    }
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

/// What each calendar is for each field, where that differs.
fn by_field(
    calendars: &BTreeMap<String, Arc<Calendar>>,
    fields: &BTreeSet<&str>,
) -> BTreeMap<String, BTreeMap<String, Arc<Calendar>>> {
    let narrow = |calendar: &Calendar| -> Option<BTreeMap<_, _>> {
        let each = fields.iter();
        each.map(|&field| Some((field.to_owned(), Arc::new(calendar.of_field(field)?))))
            .collect()
    };
    calendars
        .iter()
        .filter_map(|(id, calendar)| Some((id.clone(), narrow(calendar)?)))
        .filter(|(_, by_field)| !by_field.is_empty())
        .collect()
}

/// Whether the fields of a session are fields that procedures have, each once, and the session may have any.
fn check_session_fields(
    fields: &mut Fields,
    path: &str,
    session: &ProtoSession,
    known: &BTreeSet<&str>,
) {
    if !session.fields.is_empty() && !session.reception_only {
        fields.reject(
            format!("{path}.fields"),
            "belong to a session of reception only: what is worked in, receives every field",
        );
    }
    for (index, field) in session.fields.iter().enumerate() {
        let path = format!("{path}.fields[{index}]");
        if session.fields.iter().take(index).any(|it| it == field) {
            fields.reject(path, format!("'{field}' stands twice"));
        } else if fields.line(&path, field).is_some() && !known.contains(field.as_str()) {
            fields.reject(path, format!("no procedure is of the field '{field}'"));
        }
    }
}

fn parse_calendar(
    fields: &mut Fields,
    path: &str,
    calendar: &ProtoCalendar,
    known: &BTreeSet<&str>,
) -> Option<Calendar> {
    let mut working: BTreeMap<i32, Vec<Session>> = BTreeMap::new();
    let mut reception: BTreeMap<i32, Vec<Session>> = BTreeMap::new();
    let mut narrow: BTreeMap<i32, Vec<(Session, &[String])>> = BTreeMap::new();
    let mut sound = true;
    for (index, session) in calendar.sessions.iter().enumerate() {
        let path = format!("{path}.sessions[{index}]");
        check_session_fields(fields, &path, session, known);
        let parsed = time_of(session.from_minute)
            .zip(time_of(session.to_minute))
            .and_then(|(from, to)| Session::new(from, to).ok());
        match parsed {
            Some(parsed) if (1..=7).contains(&session.weekday) => {
                if session.reception_only && !session.fields.is_empty() {
                    let list = narrow.entry(session.weekday).or_default();
                    list.push((parsed, &session.fields));
                    continue;
                }
                let list = if session.reception_only {
                    &mut reception
                } else {
                    &mut working
                };
                list.entry(session.weekday).or_default().push(parsed);
            }
            Some(_) => {
                sound = false;
                fields.reject(
                    format!("{path}.weekday"),
                    "must be 1 (Monday) to 7 (Sunday)",
                );
            }
            None => {
                sound = false;
                fields.reject(path, "must begin before it ends, within one day");
            }
        }
    }
    let mut week = WeeklyHours::closed();
    for weekday in 1..=7 {
        let hours = DayHours::new(
            working.remove(&weekday).unwrap_or_default(),
            reception.remove(&weekday).unwrap_or_default(),
        );
        let narrow = narrow.remove(&weekday).unwrap_or_default();
        let hours = hours.and_then(|day| with_narrow(day, narrow));
        match (
            hours,
            i8::try_from(weekday)
                .ok()
                .and_then(|day| Weekday::from_monday_one_offset(day).ok()),
        ) {
            (Ok(hours), Some(weekday)) => week = week.with(weekday, hours),
            (Err(error), _) => {
                sound = false;
                fields.reject(format!("{path}.sessions"), error.to_string());
            }
            (_, None) => sound = false,
        }
    }
    let mut days = Vec::new();
    for (index, day) in calendar.days.iter().enumerate() {
        let path = format!("{path}.days[{index}]");
        let date = day.date.as_ref().and_then(date_from_proto);
        let half = |morning: bool| {
            let noon = Time::midnight().wrapping_add(jiff::Span::new().hours(12));
            let monday = week.day(Weekday::Monday);
            DayHours::new(
                monday
                    .working()
                    .iter()
                    .copied()
                    .filter(|session| (session.close() <= noon) == morning),
                [],
            )
            .ok()
        };
        let kind = match day.kind() {
            CalendarDayKind::Holiday => Some(DayKind::holiday(&day.title)),
            CalendarDayKind::Working => Some(DayKind::working(&day.title)),
            CalendarDayKind::Morning => half(true).map(|hours| DayKind::hours(&day.title, hours)),
            CalendarDayKind::Afternoon => {
                half(false).map(|hours| DayKind::hours(&day.title, hours))
            }
            CalendarDayKind::Unspecified => None,
        };
        match date.zip(kind) {
            Some(day) => days.push(day),
            None => {
                sound = false;
                fields.reject(path, "must have a date that exists and a kind");
            }
        }
    }
    if !sound {
        return None;
    }
    match Calendar::new(week, days) {
        Ok(calendar) => Some(calendar),
        Err(error) => {
            fields.reject(path, error.to_string());
            None
        }
    }
}

fn with_narrow(day: DayHours, narrow: Vec<(Session, &[String])>) -> Result<DayHours, Invalid> {
    narrow.into_iter().try_fold(day, |day, (session, fields)| {
        day.with_reception_of(session, fields.iter().cloned())
    })
}

fn parse_agencies(
    fields: &mut Fields,
    agencies: &[Agency],
    calendars: &BTreeMap<String, Arc<Calendar>>,
) -> BTreeMap<String, Agency> {
    let codes: BTreeSet<_> = agencies.iter().map(|agency| agency.code.as_str()).collect();
    let mut identifiers = BTreeSet::new();
    let mut parsed = BTreeMap::new();
    for (index, agency) in agencies.iter().enumerate() {
        let path = format!("catalog.agencies[{index}]");
        fields.id(&format!("{path}.code"), &agency.code);
        fields.line(&format!("{path}.title"), &agency.title);
        fields.choice::<AgencyKind>(&format!("{path}.kind"), agency.kind);
        if !(0..24 * 60).contains(&agency.transfer_cutoff_minute) {
            let message = "must be a minute of the day, from 0 to 1439";
            fields.reject(format!("{path}.transfer_cutoff_minute"), message);
        }
        if !calendars.contains_key(&agency.calendar) {
            fields.reject(
                format!("{path}.calendar"),
                format!("there is no calendar '{}'", agency.calendar),
            );
        }
        if !agency.parent.is_empty()
            && (agency.parent == agency.code || !codes.contains(agency.parent.as_str()))
        {
            fields.reject(
                format!("{path}.parent"),
                format!("there is no other agency '{}'", agency.parent),
            );
        }
        if !agency.identifier.is_empty() {
            fields.id(&format!("{path}.identifier"), &agency.identifier);
            if !identifiers.insert(agency.identifier.as_str()) {
                fields.reject(
                    format!("{path}.identifier"),
                    "belongs to another agency too",
                );
            }
        }
        if parsed.insert(agency.code.clone(), agency.clone()).is_some() {
            fields.reject(format!("{path}.code"), "stands twice");
        }
    }
    parsed
}

fn check_procedure(fields: &mut Fields, path: &str, procedure: &Procedure) {
    fields.id(&format!("{path}.code"), &procedure.code);
    fields.title(&format!("{path}.title"), &procedure.title);
    fields.line(&format!("{path}.field"), &procedure.field);
    fields.id(&format!("{path}.definition"), &procedure.definition);
    fields.choice::<AgencyKind>(&format!("{path}.competent"), procedure.competent);
    fields.optional_choice::<FormSet>(&format!("{path}.form_set"), procedure.form_set);
    if procedure.limit.as_ref().and_then(limit).is_none() {
        fields.reject(format!("{path}.limit"), limit::KINDS);
    }
    for (name, fee) in [
        ("fee_vnd", procedure.fee_vnd),
        ("fee_online_vnd", procedure.fee_online_vnd),
    ] {
        if fee < 0 {
            fields.reject(format!("{path}.{name}"), "must not be negative");
        }
    }
    for (name, number) in [
        ("retention_days", procedure.retention_days),
        ("archive_days", procedure.archive_days),
        ("supplement_rounds", procedure.supplement_rounds),
    ] {
        if number < 0 {
            fields.reject(format!("{path}.{name}"), "must not be negative");
        }
    }
    for (name, number, max) in [
        (
            "acceptance_hours",
            procedure.acceptance_hours,
            ACCEPTANCE_HOURS_MAX,
        ),
        (
            "supplement_days",
            procedure.supplement_days,
            SUPPLEMENT_DAYS_MAX,
        ),
    ] {
        if !(0..=max).contains(&number) {
            fields.reject(format!("{path}.{name}"), format!("must be from 0 to {max}"));
        }
    }
    limit::check_others(
        fields,
        &format!("{path}.other_limits"),
        procedure.limit.as_ref(),
        &procedure.other_limits,
    );
    for (index, option) in procedure.options.iter().enumerate() {
        fields.id(&format!("{path}.options[{index}]"), option);
    }
    fee::check_tiers(fields, path, procedure);
    fee::check_exemptions(fields, &format!("{path}.exemptions"), &procedure.exemptions);
    for (index, paper) in procedure.papers.iter().enumerate() {
        required_paper(
            &format!("{path}.papers[{index}]"),
            paper,
            index,
            procedure,
            fields,
        );
    }
}

/// A department is named where one decides, and nowhere else.
fn check_departments(
    fields: &mut Fields,
    procedures: &[Procedure],
    agencies: &BTreeMap<String, Agency>,
) {
    for (index, procedure) in procedures.iter().enumerate() {
        let path = format!("catalog.procedures[{index}].competent_agency");
        let code = procedure.competent_agency.as_str();
        let decides = procedure.competent() == AgencyKind::Department;
        let found = agencies.get(code);
        let is_department = found.is_some_and(|it| it.kind() == AgencyKind::Department);
        match (decides, code) {
            (false, "") => {}
            (false, _) => fields.reject(path, "is given where a department decides only"),
            (true, "") => fields.reject(path, "is required where a department decides"),
            (true, _) if !is_department => {
                fields.reject(path, format!("'{code}' is no department of the catalog"));
            }
            (true, _) if found.is_some_and(|it| !it.parent.is_empty()) => {
                fields.reject(
                    path,
                    format!("'{code}' belongs to an agency, and not to the city"),
                );
            }
            (true, _) => {}
        }
    }
}

/// The catalogs that this process has seen. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Catalogs(Arc<RwLock<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    by_id: HashMap<String, Arc<Catalog>>,
    /// Those that are in force, or will be, in the order in which they begin.
    timeline: Vec<(Timestamp, Arc<Catalog>)>,
}

impl Seen {
    /// The one that began last. Where a clock stands before all of them, the first that was not for a day: another clock applied it.
    fn in_force(&self, now: Timestamp) -> Option<&Arc<Catalog>> {
        let begun = self.timeline.partition_point(|(start, _)| *start <= now);
        let catalogs = || self.timeline.iter().map(|(_, catalog)| catalog);
        let last = begun.checked_sub(1).and_then(|last| catalogs().nth(last));
        last.or_else(|| catalogs().find(|it| it.proto().effective_from.is_none()))
    }
}

impl Catalogs {
    /// A catalog by its id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Catalog>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_id
            .get(id)
            .cloned()
    }

    /// The one that is in force at an instant.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> Option<Arc<Catalog>> {
        let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
        seen.in_force(now).cloned()
    }

    /// Keeps a catalog here only: one that was read, or of a decision without a database. One that is or will be in force takes its
    /// place among those, after what begins at the same instant.
    pub fn remember(&self, catalog: Catalog, in_force: bool) {
        let catalog = Arc::new(catalog);
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        seen.by_id
            .insert(catalog.id().to_owned(), Arc::clone(&catalog));
        if in_force {
            let start = starts_at(catalog.proto());
            // What is told again stays where it is: another one may have taken its place.
            let is_known = (seen.timeline.iter())
                .any(|(it, known)| *it == start && known.id() == catalog.id());
            if !is_known {
                let place = seen.timeline.partition_point(|(it, _)| *it <= start);
                seen.timeline.insert(place, (start, catalog));
            }
        }
    }

    /// Reads the one that is in force at an instant and those that begin later, where another replica has applied them since.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn refresh(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let known: Vec<_> = {
            let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let ids = seen.timeline.iter().map(|(_, it)| it.id().to_owned());
            ids.collect()
        };
        let newer: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT body FROM catalog WHERE id <> ALL ($1) AND NOT (starts_at, number) < ANY ( \
                 SELECT starts_at, number FROM catalog WHERE starts_at <= $2 \
                 ORDER BY starts_at DESC, number DESC LIMIT 1) \
             ORDER BY starts_at, number",
        )
        .bind(known)
        .bind(Instant(now))
        .fetch_all(connection)
        .await?;
        for body in newer {
            self.remember(read(&body)?, true);
        }
        Ok(())
    }

    /// Reads those that are not known yet.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ensure<'a>(
        &self,
        connection: &mut PgConnection,
        ids: impl IntoIterator<Item = &'a str> + Send,
    ) -> Result<(), sqlx::Error> {
        let unknown: BTreeSet<_> = ids
            .into_iter()
            .filter(|id| self.get(id).is_none())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown: Vec<_> = unknown.into_iter().collect();
        let bodies: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT body FROM catalog WHERE id = ANY($1)")
                .bind(unknown)
                .fetch_all(connection)
                .await?;
        for body in bodies {
            self.remember(read(&body)?, false);
        }
        Ok(())
    }

    /// Keeps a catalog, in the database and here. One that is kept already stays as it is.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep(
        &self,
        connection: &mut PgConnection,
        catalog: Catalog,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO catalog (id, body, starts_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(catalog.id())
        .bind(catalog.proto().encode_to_vec())
        .bind(Instant(starts_at(catalog.proto())))
        .execute(connection)
        .await?;
        self.remember(catalog, true);
        Ok(())
    }
}

fn read(body: &[u8]) -> Result<Catalog, sqlx::Error> {
    let proto = ProtoCatalog::decode(body).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Catalog::parse(&proto).map_err(|error| sqlx::Error::Decode(error.into()))
}
fn required_paper(
    path: &str,
    paper: &RequiredPaper,
    place: usize,
    procedure: &Procedure,
    fields: &mut Fields,
) {
    fields.id(&format!("{path}.id"), &paper.id);
    fields.text(&format!("{path}.title"), &paper.title);
    let earlier = procedure.papers.iter().take(place);
    if earlier.into_iter().any(|earlier| earlier.id == paper.id) {
        fields.reject(format!("{path}.id"), "stands twice");
    }
    if !paper.option.is_empty() && !procedure.options.contains(&paper.option) {
        fields.reject(
            format!("{path}.option"),
            format!("'{}' is no option of the procedure", paper.option),
        );
    }
    let counts = [
        ("originals", paper.originals),
        ("copies", paper.copies),
        ("photographs", paper.photographs),
    ];
    for (name, count) in counts {
        if count < 0 {
            fields.reject(format!("{path}.{name}"), "must not be negative");
        }
    }
    if counts.iter().all(|(_, count)| *count <= 0) {
        fields.reject(format!("{path}.originals"), "nothing of it is wanted");
    }
}
