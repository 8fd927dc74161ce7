//! Two wards with their police, their procedures, and the people. How the work on each procedure goes is in `work.rs`.

use std::ops::RangeInclusive;

use jiff::civil::{Date, Weekday};
use motcua_platform::{
    catalog::Catalog,
    identity::{Kinds, Principal},
    ledger::Authority,
    policy,
};
use motcua_proto::r#type::v1::{
    Agency, AgencyKind, Calendar, CalendarDay, CalendarDayKind, Catalog as ProtoCatalog, Limit,
    OtherLimit, Procedure, RequiredPaper, Role, SameDay, Session, limit::Kind,
};

use super::work::{INSURANCE, VERIFIERS};

pub(super) const CATALOG: &str = "model";
pub(super) const WARDS: [&str; 2] = ["11593", "11407"];
pub(super) const SIMPLE: &str = "1.000001";
pub(super) const LINKED: &str = "2.000001";
/// Its path depends on what is found, and on options.
pub(super) const CHECKED: &str = "1.000003";
/// Like the simple one, by the hour and on the same day.
pub(super) const HOURLY: &str = "1.000004";
pub(super) const SAME_DAY: &str = "1.000005";
/// What the linked one calls, in the branch of that step.
const RESIDENCE: &str = "1.000002";
pub(super) const PROCEDURES: [&str; 5] = [SIMPLE, LINKED, CHECKED, HOURLY, SAME_DAY];
/// What may be stated of a dossier of [`CHECKED`].
pub(super) const OPTIONS: [&str; 2] = ["abroad", "heirs"];
pub(super) const FEE_VND: i64 = 8_000;
/// Sessions of a working day, in minutes after midnight.
pub(super) const SESSIONS: [(i32, i32); 2] = [(7 * 60, 11 * 60 + 30), (13 * 60 + 30, 17 * 60)];

/// Days of each month on which nobody works, the one on which only the morning is worked, and those of which a Saturday is.
pub(super) const DAYS_OFF: [i8; 2] = [10, 11];
pub(super) const MORNING: i8 = 24;
/// The day of each month that is off, too, by the calendar that comes later.
pub(super) const ALSO_OFF: i8 = 17;
pub(super) const SWAPPED: RangeInclusive<i8> = 12..=18;
/// How far the calendar knows its days.
const YEARS: RangeInclusive<i16> = 2025..=2032;

/// How long the law allows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Allowed {
    WorkingDays(i64),
    WorkingMinutes(i64),
    CalendarDays(i64),
    /// The same day where received up to that minute, else the next working day.
    SameDay {
        cutoff: i32,
    },
}

/// A fault that is planted in the catalog, to see that it is found.
pub(super) type Plant = fn(&mut ProtoCatalog);

pub(super) fn catalog(plant: Plant) -> Catalog {
    let mut catalog = proto_catalog();
    plant(&mut catalog);
    Catalog::parse(&catalog).unwrap()
}

/// The catalog that comes later: from that day on there is a day off more in each month.
pub(super) fn later_catalog(plant: Plant, from: Date) -> Catalog {
    let mut catalog = proto_catalog();
    "model-later".clone_into(&mut catalog.id);
    let days = &mut catalog.calendars[0].days;
    let also = from.series(jiff::Span::new().days(1));
    let also = also.take_while(|day| YEARS.contains(&day.year()));
    for day in also.filter(|day| day.day() == ALSO_OFF) {
        days.retain(|it| it.date != Some(written(day)));
        days.push(CalendarDay {
            date: Some(written(day)),
            kind: CalendarDayKind::Holiday.into(),
            title: "Ngày nghỉ thêm".to_owned(),
        });
    }
    plant(&mut catalog);
    Catalog::parse(&catalog).unwrap()
}

fn written(day: Date) -> motcua_proto::google::r#type::Date {
    motcua_proto::google::r#type::Date {
        year: day.year().into(),
        month: day.month().into(),
        day: day.day().into(),
    }
}

pub(super) fn proto_catalog() -> ProtoCatalog {
    let agency = |code: String, kind: AgencyKind, identifier: String, parent: &str| Agency {
        title: format!("Đơn vị {code}"),
        code,
        kind: kind.into(),
        identifier,
        calendar: CATALOG.to_owned(),
        parent: parent.to_owned(),
        ..Agency::default()
    };
    let procedure = |code: &str, definition: &str, competent: AgencyKind| Procedure {
        code: code.to_owned(),
        title: format!("Thủ tục {code}"),
        field: "Hộ tịch".to_owned(),
        limit: Some(limit_to_proto(limit_of(code))),
        other_limits: verified_limit_of(code)
            .into_iter()
            .map(|limit| OtherLimit {
                id: VERIFIED.to_owned(),
                limit: Some(limit_to_proto(limit)),
            })
            .collect(),
        fee_vnd: FEE_VND,
        fee_online_vnd: FEE_VND,
        definition: definition.to_owned(),
        retention_days: 365,
        competent: competent.into(),
        papers: vec![RequiredPaper {
            id: "to-khai".to_owned(),
            title: "Tờ khai".to_owned(),
            originals: 1,
            ..RequiredPaper::default()
        }],
        ..Procedure::default()
    };
    let sessions = (1..=5)
        .flat_map(|weekday| {
            SESSIONS.map(|(from_minute, to_minute)| Session {
                weekday,
                from_minute,
                to_minute,
                ..Session::default()
            })
        })
        .collect();
    let agencies = WARDS.into_iter().flat_map(|ward| {
        [
            agency(ward.to_owned(), AgencyKind::Ward, format!("H24.{ward}"), ""),
            agency(
                format!("{ward}-ca"),
                AgencyKind::Police,
                String::new(),
                ward,
            ),
        ]
    });
    ProtoCatalog {
        id: CATALOG.to_owned(),
        agencies: agencies.collect(),
        procedures: vec![
            procedure(SIMPLE, "simple", AgencyKind::Ward),
            procedure(LINKED, "linked", AgencyKind::Ward),
            procedure(RESIDENCE, "residence", AgencyKind::Police),
            procedure(HOURLY, "simple", AgencyKind::Ward),
            procedure(SAME_DAY, "simple", AgencyKind::Ward),
            Procedure {
                options: OPTIONS.map(str::to_owned).to_vec(),
                ..procedure(CHECKED, "checked", AgencyKind::Ward)
            },
        ],
        calendars: vec![Calendar {
            id: CATALOG.to_owned(),
            sessions,
            days: days(),
        }],
        applied_at: None,
        effective_from: None,
    }
}

/// The limit that may be chosen of some procedures.
pub(super) const VERIFIED: &str = "verified";

/// How long that one is.
pub(super) fn verified_limit_of(procedure: &str) -> Option<Allowed> {
    match procedure {
        SIMPLE | RESIDENCE => Some(Allowed::WorkingDays(5)),
        HOURLY => Some(Allowed::WorkingMinutes(30 * 60)),
        SAME_DAY => Some(Allowed::WorkingDays(3)),
        _ => None,
    }
}

/// Each procedure's limit.
pub(super) fn limit_of(procedure: &str) -> Allowed {
    match procedure {
        SIMPLE | RESIDENCE => Allowed::WorkingDays(3),
        LINKED => Allowed::WorkingDays(8),
        CHECKED => Allowed::CalendarDays(6),
        HOURLY => Allowed::WorkingMinutes(13 * 60),
        SAME_DAY => Allowed::SameDay { cutoff: 15 * 60 },
        other => panic!("no procedure '{other}'"),
    }
}

fn limit_to_proto(limit: Allowed) -> Limit {
    let number = |number: i64| i32::try_from(number).unwrap();
    let kind = match limit {
        Allowed::WorkingDays(days) => Kind::WorkingDayHalves(number(2 * days)),
        Allowed::WorkingMinutes(minutes) => Kind::WorkingHours(number(minutes / 60)),
        Allowed::CalendarDays(days) => Kind::CalendarDays(number(days)),
        Allowed::SameDay { cutoff } => Kind::SameDay(SameDay {
            cutoff_minute: cutoff,
        }),
    };
    Limit { kind: Some(kind) }
}

/// The days that differ from the week.
fn days() -> Vec<CalendarDay> {
    let first = Date::constant(*YEARS.start(), 1, 1);
    let differing = first.series(jiff::Span::new().days(1));
    differing
        .take_while(|day| YEARS.contains(&day.year()))
        .filter_map(|day| {
            let worked = day.weekday() == Weekday::Saturday;
            let kind = match day.day() {
                of_month if DAYS_OFF.contains(&of_month) => CalendarDayKind::Holiday,
                of_month if worked && SWAPPED.contains(&of_month) => CalendarDayKind::Working,
                MORNING if !worked && day.weekday() != Weekday::Sunday => CalendarDayKind::Morning,
                _ => return None,
            };
            Some(CalendarDay {
                date: Some(written(day)),
                kind: kind.into(),
                title: "Ngày khác".to_owned(),
            })
        })
        .collect()
}

/// Somebody of the staff.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) principal: Principal,
    pub(super) roles: Vec<Role>,
    pub(super) agencies: Vec<String>,
    pub(super) authority: Authority,
}

pub(super) fn person(id: String, roles: &[Role], agencies: &[String], method: &str) -> Person {
    person_of(id, roles, agencies, &[], method)
}

fn person_of(
    id: String,
    roles: &[Role],
    agencies: &[String],
    groups: &[&str],
    method: &str,
) -> Person {
    let names: Vec<_> = agencies.iter().map(String::as_str).collect();
    let principal = Principal {
        kinds: Kinds::All,
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        ..Principal::of(&id, roles, &names)
    };
    let admission = policy::judge(policy::of(method).unwrap(), Some(&principal), None).unwrap();
    Person {
        authority: Authority::of(&principal, &admission),
        principal,
        id,
        roles: roles.to_vec(),
        agencies: agencies.to_vec(),
    }
}

impl Person {
    /// Whether they belong to a group; to none everybody does.
    pub(super) fn is_of(&self, group: Option<&str>) -> bool {
        group.is_none_or(|group| self.principal.groups.iter().any(|it| it == group))
    }
}

/// Who receives: in each ward two receptionists, one of whom leads too.
pub(super) fn receptionists() -> Vec<Person> {
    let method = "motcua.intake.v1.DossierService/AcceptDossier";
    let of_ward = |ward: &str| {
        let agencies = [ward.to_owned()];
        [
            person(
                format!("receptionist-{ward}-1"),
                &[Role::Receptionist],
                &agencies,
                method,
            ),
            person(
                format!("receptionist-{ward}-2"),
                &[Role::Receptionist, Role::Leader],
                &agencies,
                method,
            ),
        ]
    };
    WARDS.into_iter().flat_map(of_ward).collect()
}

/// Who receives and visits, with one who leads too: over the network, where each method asks for its role.
pub(super) fn counters() -> Vec<Person> {
    let method = "motcua.intake.v1.DossierService/AcceptDossier";
    let both = [Role::Receptionist, Role::HomeVisitor];
    let leads = [Role::Receptionist, Role::HomeVisitor, Role::Leader];
    let of_ward = |ward: &str| {
        let of = |number: u8, roles: &[Role]| {
            let id = format!("counter-{ward}-{number}");
            person(id, roles, &[ward.to_owned()], method)
        };
        [of(1, &both), of(2, &leads)]
    };
    WARDS.into_iter().flat_map(of_ward).collect()
}

/// Who submits online.
pub(super) fn citizens() -> Vec<Person> {
    let method = "motcua.intake.v1.DossierService/SubmitDossier";
    let citizen = |number: u8| person(format!("citizen-{number}"), &[Role::Citizen], &[], method);
    (1..=3).map(citizen).collect()
}

/// Who works on cases: officers and leaders of the ward and of the police, one who is both, and one who verifies.
pub(super) fn workers() -> Vec<Person> {
    let method = "motcua.workflow.v1.TaskService/CompleteTask";
    let of_agency = |agency: String| {
        let of = |name: &str, roles: &[Role], groups: &[&str]| {
            let agencies = [agency.clone()];
            let id = format!("{name}-{agency}");
            person_of(id, roles, &agencies, groups, method)
        };
        [
            of("officer", &[Role::Officer], &[]),
            of("verifier", &[Role::Officer], &[VERIFIERS]),
            of("leader", &[Role::Leader], &[]),
            of("both", &[Role::Officer, Role::Leader], &[]),
        ]
    };
    WARDS
        .into_iter()
        .flat_map(|ward| [ward.to_owned(), format!("{ward}-ca")])
        .flat_map(of_agency)
        .chain([person(
            INSURANCE.to_owned(),
            &[Role::System],
            &WARDS.map(str::to_owned),
            "motcua.workflow.v1.TaskService/RecordExternalOutcome",
        )])
        .collect()
}
