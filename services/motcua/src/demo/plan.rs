//! Who comes, when, with what: the only thing that is planned. What becomes of it is decided by those who work.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::{Timestamp, ToSpan, civil::Date};
use motcua_calendar::{Calendar, Limit};
use motcua_platform::{
    catalog::{self, Catalog},
    time::local_date,
};
use motcua_proto::{
    intake::v1::Applicant,
    r#type::v1::{Channel, HandOverMethod, HandedPaper, PriorityGround, Procedure},
};
use motcua_workflow::domain::limit_minutes;

use super::{
    draw::{Seed, apportioned, between, percent, weighted},
    invented::{Invented, People, Ways},
};
use crate::Failed;

/// Somebody comes with a dossier.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arrival {
    /// When.
    pub(super) at: Timestamp,
    /// National code of the procedure.
    pub(super) procedure: String,
    /// Code of the agency whose counter receives.
    pub(super) ward: String,
    pub(super) channel: Channel,
    pub(super) hand_over: HandOverMethod,
    pub(super) priority: PriorityGround,
    pub(super) options: Vec<String>,
    pub(super) applicant: Applicant,
    pub(super) papers: Papers,
    /// Code of the other ward whose agencies decide; empty where it is the receiving ward's own matter.
    pub(super) on_behalf_of: String,
    /// Whether the fee is paid only when the officer asks for it.
    pub(super) pays_later: bool,
    /// What the procedure wants handed in, one of each.
    pub(super) wanted: Vec<HandedPaper>,
    /// Line of the register that it stands in; none for an invented one.
    pub(super) line: Option<u64>,
}

/// What is in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Papers {
    Complete,
    /// The receptionist will see it.
    MissingAtCounter,
    /// The officer will see it.
    MissingInOffice,
    /// It is another authority's matter: the receptionist will refuse it.
    Elsewhere,
    /// Whatever it is, the applicant takes it back before anybody has looked at it.
    TakenBack,
}

impl Arrival {
    /// True for what waits until somebody at the counter looks at it.
    pub(super) fn is_online(&self) -> bool {
        matches!(self.channel, Channel::Portal | Channel::Vneid)
    }

    /// False for what ends before acceptance, and is no received dossier to any report.
    pub(super) fn is_received(&self) -> bool {
        !matches!(self.papers, Papers::Elsewhere | Papers::TakenBack)
    }

    /// What an online submission names, and what comes with the supplement because it was forgotten. At a counter the receptionist
    /// sees the papers, and names none.
    pub(super) fn handed(&self) -> (&[HandedPaper], &[HandedPaper]) {
        if !self.is_online() {
            return (&[], &[]);
        }
        let forgotten = usize::from(self.papers == Papers::MissingAtCounter);
        self.wanted
            .split_at(self.wanted.len().saturating_sub(forgotten))
    }
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) invented: &'a Invented,
    pub(super) catalog: &'a Catalog,
    /// Codes of the wards.
    pub(super) wards: &'a [String],
    pub(super) dossiers_per_ward: u32,
    pub(super) seed: Seed,
}

/// Everybody who comes, in the order of coming.
///
/// # Errors
/// When the assumptions name a ward or a procedure that the catalog does not have, or days on which nobody works.
pub(super) fn plan(order: &Order<'_>) -> Result<Vec<Arrival>, Failed> {
    let mut arrivals = Vec::new();
    for (number, ward) in (0..).zip(order.wards) {
        let mut rng = order.seed.rng("arrivals", &[number]);
        of_ward(order, ward, &mut rng, &mut arrivals)?;
    }
    // The sort is stable and the making is not concurrent: equal instants keep one order for one seed.
    arrivals.sort_by_key(|arrival| arrival.at);
    Ok(arrivals)
}

fn of_ward(
    order: &Order<'_>,
    ward: &str,
    rng: &mut Rng,
    arrivals: &mut Vec<Arrival>,
) -> Result<(), Failed> {
    let invented = order.invented;
    let calendar = order
        .catalog
        .agency(ward)
        .and_then(|agency| order.catalog.calendar_of(agency))
        .ok_or_else(|| {
            Failed::new(format!(
                "ward {ward} of the assumptions is not in the catalog"
            ))
        })?;
    let counts: Vec<u32> = invented.division.values().copied().collect();
    let counts = apportioned(&counts, order.dossiers_per_ward);
    let mut beside = beside(invented, order.dossiers_per_ward, rng);
    for (code, count) in invented.division.keys().zip(counts) {
        let procedure = order.catalog.procedure(code).ok_or_else(|| {
            Failed::new(format!(
                "procedure {code} of the assumptions is not in the catalog"
            ))
        })?;
        let days = Days::new(invented, calendar, procedure)?;
        for _ in 0..count {
            let arrival = arrival(invented, procedure, ward, None, &days, rng)?;
            let mut arrival = as_of_its_day(order, arrival)?;
            if arrival.channel == Channel::Counter && *code != invented.home_procedure {
                arrival.on_behalf_of = neighbour(order, ward, rng);
            }
            arrivals.push(arrival);
        }
        for papers in beside.remove(code).unwrap_or_default() {
            let arrival = arrival(invented, procedure, ward, Some(papers), &days, rng)?;
            arrivals.push(as_of_its_day(order, arrival)?);
        }
    }
    Ok(())
}

/// Under the code that its procedure has on that day: another one may have taken its place by then, or be to take it later.
fn as_of_its_day(order: &Order<'_>, mut arrival: Arrival) -> Result<Arrival, Failed> {
    let day = local_date(arrival.at);
    let code = &arrival.procedure;
    let procedure = order.catalog.procedure_on(code, day).ok_or_else(|| {
        Failed::new(format!(
            "procedure {code} of the assumptions takes nothing on {day}, and neither does what takes its place"
        ))
    })?;
    if procedure.code != *code {
        arrival.procedure.clone_from(&procedure.code);
        arrival
            .options
            .retain(|option| procedure.options.contains(option));
        arrival.wanted = wanted(procedure, &arrival.options);
    }
    Ok(arrival)
}

/// What ends before acceptance, by procedure: it comes beside the dossiers that are received.
fn beside(invented: &Invented, dossiers: u32, rng: &mut Rng) -> BTreeMap<String, Vec<Papers>> {
    let of_thousand = |share: u32| u64::from(dossiers) * u64::from(share) / 1_000;
    let refused = of_thousand(invented.beside.refused_per_thousand);
    let taken_back = of_thousand(invented.beside.taken_back_per_thousand);
    let procedures: Vec<_> = invented
        .division
        .iter()
        .filter(|(code, _)| **code != invented.home_procedure)
        .map(|(code, count)| (code, f64::from(*count)))
        .collect();
    let mut beside: BTreeMap<String, Vec<Papers>> = BTreeMap::new();
    for number in 0..refused + taken_back {
        let papers = if number < refused {
            Papers::Elsewhere
        } else {
            Papers::TakenBack
        };
        if let Some(code) = weighted(rng, &procedures) {
            beside.entry(code.clone()).or_default().push(papers);
        }
    }
    beside
}

/// The ward that decides in place of the receiving one; empty, as mostly, for the receiving one itself.
fn neighbour(order: &Order<'_>, ward: &str, rng: &mut Rng) -> String {
    let boundary = &order.invented.boundary;
    if !percent(rng, boundary.for_another_ward_percent) {
        return String::new();
    }
    let others: Vec<_> = boundary
        .neighbours
        .iter()
        .filter(|other| *other != ward && order.catalog.agency(other).is_some())
        .map(|other| (other, 1.0))
        .collect();
    weighted(rng, &others).cloned().unwrap_or_default()
}

/// The days on which a procedure's dossiers come, with their weights.
struct Days<'a> {
    calendar: &'a Calendar,
    weights: Vec<(Date, f64)>,
    /// Dossiers with missing papers come up to this day.
    early_until: Date,
    /// Whether the limit leaves time to ask for papers during the case.
    can_wait: bool,
}

impl<'a> Days<'a> {
    fn new(
        invented: &Invented,
        calendar: &'a Calendar,
        procedure: &Procedure,
    ) -> Result<Self, Failed> {
        let limit_days = limit_days(procedure);
        let at_least_a_day = limit_days >= 1.0;
        let margin = if at_least_a_day {
            invented.arrivals.last_before_end_base
                + invented.arrivals.last_before_end_share * limit_days
        } else {
            0.0
        };
        let latest = back(calendar, invented.to, margin.ceil());
        let early_until = back(calendar, latest, f64::from(invented.supplements.early_days));
        let weights: Vec<_> = invented
            .from
            .series(1.day())
            .take_while(|day| *day <= latest)
            .filter(|day| calendar.is_working_day(*day))
            .map(|day| (day, weight_of(&invented.arrivals.weekday, day)))
            .collect();
        if weights.iter().all(|(_, weight)| *weight <= 0.0) {
            return Err(Failed::new(format!(
                "procedure {} has no day left to come on between {} and {latest}: its limit is too long for the period",
                procedure.code, invented.from
            )));
        }
        Ok(Self {
            calendar,
            weights,
            early_until,
            can_wait: limit_days >= 2.0,
        })
    }
}

/// A worked Saturday counts as a Friday.
fn weight_of(weekday: &[f64; 5], day: Date) -> f64 {
    let index = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs()).min(4);
    weekday[index]
}

/// So many working days before a day.
fn back(calendar: &Calendar, day: Date, days: f64) -> Date {
    let mut day = day;
    let mut left = days;
    while left >= 1.0 {
        let Ok(earlier) = calendar.previous_working_day(day) else {
            return day;
        };
        day = earlier;
        left -= 1.0;
    }
    day
}

/// A procedure's limit in working days; none for the same day.
pub(super) fn limit_days(procedure: &Procedure) -> f64 {
    let limit = procedure.limit.as_ref().and_then(catalog::limit);
    limit.map_or(0.0, |limit| working_days(&limit))
}

fn working_days(limit: &Limit) -> f64 {
    match limit {
        Limit::SameDay { .. } => 0.0,
        other => f64::from(limit_minutes(other)) / 480.0,
    }
}

fn arrival(
    invented: &Invented,
    procedure: &Procedure,
    ward: &str,
    beside: Option<Papers>,
    days: &Days<'_>,
    rng: &mut Rng,
) -> Result<Arrival, Failed> {
    let home = procedure.code == invented.home_procedure;
    let channels = &invented.channels;
    let channel = if beside.is_some() {
        Channel::Portal
    } else if home {
        if percent(rng, channels.taken_at_home_percent) {
            Channel::Home
        } else {
            Channel::Counter
        }
    } else {
        weighted(
            rng,
            &[
                (Channel::Counter, channels.counter),
                (Channel::Post, channels.post),
                (Channel::Portal, channels.portal),
                (Channel::Vneid, channels.vneid),
            ],
        )
        .unwrap_or(Channel::Counter)
    };
    let online = matches!(channel, Channel::Portal | Channel::Vneid);
    let ways = if online {
        &invented.hand_over.online
    } else {
        &invented.hand_over.direct
    };
    let hand_over = if home {
        HandOverMethod::Home
    } else {
        way(ways, rng)
    };
    let day = weighted(rng, &days.weights).unwrap_or(invented.from);
    let at = instant(invented, days.calendar, day, online, rng)?;
    let priority = priority(invented, rng);
    let options: Vec<String> = procedure
        .options
        .iter()
        .filter(|option| {
            let share = invented
                .care
                .option_percent
                .get(*option)
                .copied()
                .unwrap_or(0);
            percent(rng, share)
        })
        .cloned()
        .collect();
    let papers = beside.unwrap_or_else(|| papers(invented, online, day, days, rng));
    let pays_later = !online
        && days.can_wait
        && day <= days.early_until
        && percent(rng, invented.payments.later_percent);
    let applicant = applicant(&invented.people, rng);
    Ok(Arrival {
        at,
        procedure: procedure.code.clone(),
        ward: ward.to_owned(),
        channel,
        hand_over,
        priority,
        wanted: wanted(procedure, &options),
        options,
        applicant,
        papers,
        on_behalf_of: String::new(),
        pays_later,
        line: None,
    })
}

/// What the procedure wants in this case.
pub(super) fn wanted(procedure: &Procedure, options: &[String]) -> Vec<HandedPaper> {
    let papers = procedure.papers.iter();
    papers
        .filter(|paper| !paper.optional)
        .filter(|paper| paper.option.is_empty() || options.contains(&paper.option))
        .map(|paper| HandedPaper {
            paper: paper.id.clone(),
            originals: paper.originals,
            copies: paper.copies,
            photographs: paper.photographs,
            electronic: 0,
        })
        .collect()
}

fn way(ways: &Ways, rng: &mut Rng) -> HandOverMethod {
    let choices = [
        (HandOverMethod::Counter, ways.counter),
        (HandOverMethod::Post, ways.post),
        (HandOverMethod::Online, ways.online),
    ];
    weighted(rng, &choices).unwrap_or(HandOverMethod::Counter)
}

/// A minute of that day: while the counter is open, or, online, at any of the hours.
fn instant(
    invented: &Invented,
    calendar: &Calendar,
    day: Date,
    online: bool,
    rng: &mut Rng,
) -> Result<Timestamp, Failed> {
    let arrivals = &invented.arrivals;
    let hours = if online {
        &arrivals.online_hours
    } else {
        &arrivals.counter_hours
    };
    let last_hour = if day == invented.to {
        arrivals.last_hour
    } else {
        23
    };
    let hours: Vec<_> = hours
        .iter()
        .copied()
        .filter(|(hour, _)| *hour <= last_hour)
        .collect();
    let none = || Failed::new(format!("the assumptions leave no hour of {day} to come in"));
    // Minutes when the counter is closed are drawn again; a limit keeps an odd calendar from turning this into a loop.
    for _ in 0..1_000 {
        let hour = weighted(rng, &hours).ok_or_else(none)?;
        let minute = rng.i8(0..60);
        let local = day.at(hour, minute, 0, 0);
        let at = motcua_calendar::instant(local).map_err(|_| none())?;
        if online || calendar.is_working_time(at) {
            return Ok(at);
        }
    }
    Err(none())
}

fn priority(invented: &Invented, rng: &mut Rng) -> PriorityGround {
    let care = &invented.care;
    if !percent(rng, care.priority_percent) {
        return PriorityGround::Unspecified;
    }
    let grounds = [
        (PriorityGround::Merit, care.merit),
        (PriorityGround::Disability, care.disability),
        (PriorityGround::Elderly, care.elderly),
        (PriorityGround::Pregnant, care.pregnant),
        (PriorityGround::Poor, care.poor),
    ];
    weighted(rng, &grounds).unwrap_or(PriorityGround::Unspecified)
}

fn papers(invented: &Invented, online: bool, day: Date, days: &Days<'_>, rng: &mut Rng) -> Papers {
    let supplements = &invented.supplements;
    let at_counter = percent(rng, supplements.before_acceptance_percent);
    let in_office = percent(rng, supplements.during_case_percent);
    if day > days.early_until {
        Papers::Complete
    } else if online && at_counter {
        Papers::MissingAtCounter
    } else if days.can_wait && in_office {
        Papers::MissingInOffice
    } else {
        Papers::Complete
    }
}

fn applicant(people: &People, rng: &mut Rng) -> Applicant {
    let mut one_of = |names: &[String]| {
        names
            .get(rng.usize(0..names.len().max(1)))
            .cloned()
            .unwrap_or_default()
    };
    let full_name = format!(
        "{} {} {}",
        one_of(&people.family),
        one_of(&people.middle),
        one_of(&people.given)
    );
    let number = rng.u32(0..1_000_000);
    Applicant {
        full_name,
        identity_number: format!("{}{:09}", people.identity_prefix, rng.u32(0..1_000_000_000)),
        phone: format!("{}{number:06}", people.phone_prefix),
        email: format!("nguoidan{number:06}@{}", people.mail_domain),
        address: format!(
            "Số {}, tổ dân phố số {}",
            between(rng, [1, 200]),
            between(rng, [1, 30])
        ),
        ..Applicant::default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::civil::date;
    use motcua_calendar::local;
    use motcua_platform::time::date_to_proto;
    use motcua_proto::r#type::v1::{
        Agency, AgencyKind, Calendar as ProtoCalendar, Catalog as ProtoCatalog,
        Limit as ProtoLimit, Session,
    };

    use super::*;

    /// The procedures as they are delivered, four wards and the police of two.
    pub(in super::super) fn catalog() -> Catalog {
        let sessions = (1..=5).flat_map(|weekday| {
            [(420, 690), (810, 1_020)].map(|(from_minute, to_minute)| Session {
                weekday,
                from_minute,
                to_minute,
                ..Session::default()
            })
        });
        let calendar = ProtoCalendar {
            id: "hai-phong".into(),
            sessions: sessions.collect(),
            days: Vec::new(),
        };
        let agency = |code: &str, kind: AgencyKind, parent: &str| Agency {
            code: code.into(),
            title: format!("Phường {code}"),
            kind: kind.into(),
            identifier: if parent.is_empty() {
                format!("H24.{code}")
            } else {
                String::new()
            },
            calendar: "hai-phong".into(),
            parent: parent.into(),
            ..Agency::default()
        };
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(include_str!("../../../../deploy/catalog/procedures.csv").as_bytes());
        let procedures = reader.records().map(|record| {
            let record = record.unwrap();
            Procedure {
                code: record[0].into(),
                title: record[1].into(),
                field: record[2].into(),
                limit: Some(limit(&record[3])),
                definition: record[9].into(),
                fee_vnd: record[5].parse().unwrap(),
                competent: match &record[8] {
                    "police" => AgencyKind::Police.into(),
                    _ => AgencyKind::Ward.into(),
                },
                options: record[10].split_whitespace().map(str::to_owned).collect(),
                successor: record[14].into(),
                valid_from: record[17].parse().ok().map(date_to_proto),
                valid_to: record[18].parse().ok().map(date_to_proto),
                ..Procedure::default()
            }
        });
        Catalog::parse(&ProtoCatalog {
            id: "test".into(),
            agencies: vec![
                agency("11593", AgencyKind::Ward, ""),
                agency("11593-ca", AgencyKind::Police, "11593"),
                agency("10510", AgencyKind::Ward, ""),
                agency("10525", AgencyKind::Ward, ""),
                agency("11602", AgencyKind::Ward, ""),
                agency("11602-ca", AgencyKind::Police, "11602"),
            ],
            procedures: procedures.collect(),
            calendars: vec![calendar],
            applied_at: None,
            effective_from: None,
        })
        .unwrap()
    }

    fn limit(text: &str) -> ProtoLimit {
        catalog::limit_to_proto(&text.parse().unwrap()).unwrap()
    }

    fn planned(seed: u64, wards: &[&str], dossiers_per_ward: u32) -> Vec<Arrival> {
        let wards: Vec<String> = wards.iter().map(|ward| (*ward).to_owned()).collect();
        plan(&Order {
            invented: &Invented::load(None).unwrap(),
            catalog: &catalog(),
            wards: &wards,
            dossiers_per_ward,
            seed: Seed(seed),
        })
        .unwrap()
    }

    #[test]
    fn an_phong_has_its_dossiers_and_twenty_of_them_go_home_whatever_the_seed() {
        for seed in 0..5 {
            let arrivals = planned(seed, &["11593"], 1_762);
            let received = |arrival: &&Arrival| arrival.is_received();
            assert_eq!(arrivals.iter().filter(received).count(), 1_762);
            let with = |papers| arrivals.iter().filter(|it| it.papers == papers).count();
            assert_eq!((with(Papers::Elsewhere), with(Papers::TakenBack)), (14, 8));
            let home = |arrival: &&Arrival| arrival.hand_over == HandOverMethod::Home;
            assert_eq!(arrivals.iter().filter(home).count(), 20);
            assert!(
                arrivals
                    .iter()
                    .filter(home)
                    .all(|arrival| arrival.procedure == "2.002622")
            );
        }
    }

    #[test]
    fn the_same_seed_plans_the_same_and_another_one_does_not() {
        assert_eq!(
            planned(7, &["11593", "10510"], 100),
            planned(7, &["11593", "10510"], 100)
        );
        assert_ne!(planned(7, &["11593"], 100), planned(8, &["11593"], 100));
    }

    #[test]
    fn people_come_to_the_counter_while_it_is_open_and_in_the_order_of_time() {
        let catalog = catalog();
        let calendar = catalog
            .calendar_of(catalog.agency("11593").unwrap())
            .unwrap();
        let arrivals = planned(1, &["11593"], 1_762);
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        for arrival in &arrivals {
            assert!(
                arrival.is_online() || calendar.is_working_time(arrival.at),
                "{arrival:?}"
            );
            assert!(
                calendar.is_working_day(local(arrival.at).date()),
                "{arrival:?}"
            );
        }
        assert!(
            arrivals.iter().any(|arrival| !calendar.is_open(arrival.at)),
            "some send it in the evening"
        );
    }

    #[test]
    fn whoever_has_a_long_limit_comes_early_enough_and_the_last_day_ends_early() {
        let invented = Invented::load(None).unwrap();
        for arrival in planned(2, &["11593"], 1_762) {
            let day = local(arrival.at).date();
            assert!((invented.from..=invented.to).contains(&day));
            if arrival.procedure == "2.002622" {
                assert!(
                    day <= jiff::civil::date(2025, 8, 15),
                    "six working days before the end: {day}"
                );
            }
            assert!(day < invented.to || local(arrival.at).hour() <= invented.arrivals.last_hour);
        }
    }

    #[test]
    fn whoever_comes_when_another_code_has_taken_the_place_comes_under_that_one() {
        let mut invented = Invented::load(None).unwrap();
        invented.from = date(2026, 8, 3);
        invented.to = date(2026, 9, 30);
        let arrivals = plan(&Order {
            invented: &invented,
            catalog: &catalog(),
            wards: &["11593".to_owned()],
            dossiers_per_ward: 1_762,
            seed: Seed(1),
        })
        .unwrap();
        let days = |code: &str| {
            let days = arrivals.iter().filter(|it| it.procedure == code);
            days.map(|it| local(it.at).date()).collect::<Vec<_>>()
        };
        for (old, new) in [("2.002622", "2.002913"), ("2.002621", "3.000722")] {
            let (before, after) = (days(old), days(new));
            assert!(before.iter().all(|day| *day <= date(2026, 8, 31)), "{old}");
            assert!(after.iter().all(|day| *day >= date(2026, 9, 1)), "{new}");
            assert!(!before.is_empty() && !after.is_empty(), "{old} {new}");
            let expected = invented.division[old];
            let received = |code: &str| {
                let of_it = arrivals.iter().filter(|it| it.procedure == code);
                of_it.filter(|it| it.is_received()).count()
            };
            assert_eq!(u32::try_from(received(old) + received(new)), Ok(expected));
        }
    }

    #[test]
    fn every_ward_gets_its_own_people() {
        let arrivals = planned(3, &["11593", "10510", "10525"], 100);
        for ward in ["11593", "10510", "10525"] {
            assert_eq!(
                arrivals
                    .iter()
                    .filter(|arrival| arrival.ward == ward)
                    .count(),
                100
            );
        }
    }

    #[test]
    fn what_the_catalog_does_not_know_is_named() {
        let invented = Invented::load(None).unwrap();
        let catalog = catalog();
        let order = Order {
            invented: &invented,
            catalog: &catalog,
            wards: &["99999".to_owned()],
            dossiers_per_ward: 1,
            seed: Seed(1),
        };
        assert!(plan(&order).unwrap_err().to_string().contains("99999"));
    }
}
