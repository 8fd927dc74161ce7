//! The programme of a replay: who comes, to which wards, from when to when.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use motcua_calendar::local;
use motcua_platform::catalog::Catalog;
use motcua_proto::r#type::v1::AgencyKind;

use super::{
    Args,
    draw::Seed,
    invented::Invented,
    plan::{self, Arrival, Order},
    register::{self, Rejected},
};
use crate::Failed;

/// After the last row of a register, the replay goes on for at most so many days.
const REGISTER_DAYS_AFTER: i64 = 120;
/// A summer that does not end is planned for so many days more: of a procedure with a limit of sixty working days the last dossier
/// comes thirty-one working days before the end, and the last with missing papers eight before that.
const DAYS_BEYOND: i64 = 60;
/// Rejected rows that are shown before the start.
const REJECTED_SHOWN: usize = 20;

/// Who comes, where, and when it begins and ends.
pub(super) struct Programme {
    pub(super) arrivals: Vec<Arrival>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) wards: Vec<String>,
    pub(super) from: Date,
    pub(super) until: Timestamp,
}

/// The wards of the assumptions and the catalog, and whom chance sends there.
pub(super) fn from_assumptions(
    args: &Args,
    invented: &Invented,
    catalog: &Catalog,
) -> Result<Programme, Failed> {
    let others = catalog
        .agencies()
        .filter(|agency| agency.kind() == AgencyKind::Ward && !agency.identifier.is_empty())
        .map(|agency| agency.code.clone())
        .filter(|code| *code != invented.ward);
    let wards: Vec<String> = std::iter::once(invented.ward.clone())
        .chain(others)
        .take(args.wards.max(1))
        .collect();
    if wards.len() < args.wards {
        return Err(Failed::new(format!(
            "the catalog has {} wards, not {}",
            wards.len(),
            args.wards
        )));
    }
    let order = Order {
        invented,
        catalog,
        wards: &wards,
        dossiers_per_ward: args
            .dossiers_per_ward
            .unwrap_or_else(|| invented.dossiers()),
        seed: Seed(args.seed),
    };
    let arrivals = plan::plan(&order)?;
    let until = motcua_calendar::instant(invented.to.at(17, 0, 0, 0)).ok();
    let closing = catalog
        .agency(&invented.ward)
        .and_then(|agency| catalog.calendar_of(agency))
        .and_then(|calendar| calendar.closing_of(invented.to))
        .or(until)
        .ok_or_else(|| Failed::new(format!("the replay cannot end on {}", invented.to)))?;
    Ok(Programme {
        arrivals,
        rejected: Vec::new(),
        wards,
        from: invented.from,
        until: closing,
    })
}

/// A summer that does not end: as much comes on each working day as in the one of the assumptions, and it is left off at the first
/// closing hour after a day. It is planned far beyond that, so that nothing comes sparsely there for an end to be cleared.
pub(super) fn that_goes_on(
    args: &Args,
    invented: &Invented,
    catalog: &Catalog,
    day: Date,
) -> Result<Programme, Failed> {
    let failed = |error: &dyn std::error::Error| {
        Failed::new(format!("the replay cannot go on to {day}: {error}"))
    };
    let calendar = catalog
        .agency(&invented.ward)
        .and_then(|agency| catalog.calendar_of(agency))
        .ok_or_else(|| Failed::new(format!("the catalog has no ward '{}'", invented.ward)))?;
    let longer = Invented {
        to: day
            .checked_add(DAYS_BEYOND.days())
            .map_err(|error| failed(&error))?,
        ..invented.clone()
    };
    let days = |invented: &Invented| calendar.working_days_between(invented.from, invented.to) + 1;
    let dossiers = i64::from(invented.dossiers()) * days(&longer) / days(invented).max(1);
    let args = Args {
        dossiers_per_ward: Some(u32::try_from(dossiers).map_err(|error| failed(&error))?),
        ..args.clone()
    };
    let mut programme = from_assumptions(&args, &longer, catalog)?;
    programme.until = calendar
        .next_working_day(day)
        .ok()
        .and_then(|next| calendar.closing_of(next))
        .ok_or_else(|| Failed::new(format!("no working day follows {day}")))?;
    let until = programme.until;
    programme.arrivals.retain(|arrival| arrival.at <= until);
    Ok(programme)
}

pub(super) fn from_register(file: &Path, catalog: &Catalog) -> Result<Programme, Failed> {
    let name = file.display().to_string();
    let opened =
        File::open(file).map_err(|error| Failed::new(format!("{name} cannot be read: {error}")))?;
    let (arrivals, rejected) = register::read(&name, opened, catalog)?;
    for rejected in rejected.iter().take(REJECTED_SHOWN) {
        eprintln!("{}", rejected.in_file(&name));
    }
    let (Some(first), Some(last)) = (arrivals.first(), arrivals.last()) else {
        return Err(Failed::new(format!(
            "{name} has no row that can be replayed; {} were rejected",
            register::rows(&rejected)
        )));
    };
    let wards: BTreeSet<String> = arrivals
        .iter()
        .map(|arrival| arrival.ward.clone())
        .collect();
    let from = local(first.at).date();
    let until = last.at + SignedDuration::from_hours(24 * REGISTER_DAYS_AFTER);
    Ok(Programme {
        wards: wards.into_iter().collect(),
        arrivals,
        rejected,
        from,
        until,
    })
}

/// Writes who comes as a register, for its owner's eyes: one that was read may name real people.
pub(super) fn write_register(file: &Path, arrivals: &[Arrival]) -> Result<(), Failed> {
    let failed = |error: &dyn std::error::Error| {
        Failed::new(format!("{} cannot be written: {error}", file.display()))
    };
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .map_err(|error| failed(&error))?;
    register::write(opened, arrivals).map_err(|error| failed(&error))
}

pub(super) fn introduce(args: &Args, invented: &Invented, programme: &Programme) {
    let whose = match programme.wards.as_slice() {
        [_] => "one ward".to_owned(),
        wards => format!("{} wards", wards.len()),
    };
    println!(
        "{} dossiers of {whose} from {} on, in ticks of {} minutes",
        programme.arrivals.len(),
        programme.from,
        args.tick_minutes
    );
    match &args.input {
        Some(file) => println!(
            "They come from {} (rows that are not replayed: {}). Invented is who works and how long it takes",
            file.display(),
            register::rows(&programme.rejected)
        ),
        None => println!(
            "Reported of An Phong are 1 July to 25 August 2025, {} dossiers, all resolved, none overdue, {} handed over \
             at home. Invented is everything else: days, hours, applicants, procedures, staff, minutes",
            invented.dossiers(),
            invented
                .division
                .get(&invented.home_procedure)
                .copied()
                .unwrap_or(0),
        ),
    }
    println!(
        "(officers in each centre: {}; `motcua demo --show-assumptions` shows all of it)",
        invented.staff.officers
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summer_that_goes_on_brings_as_much_after_its_end_as_before() {
        let invented = Invented::load(None).unwrap();
        let catalog = Catalog::parse(&crate::catalog::embedded().unwrap().catalog).unwrap();
        let day = |text: &str| text.parse::<Date>().unwrap();
        let programme =
            that_goes_on(&Args::of_seed(1), &invented, &catalog, day("2025-09-08")).unwrap();
        assert_eq!(
            local(programme.until).to_string(),
            "2025-09-09T17:00:00",
            "the first closing hour after the day"
        );
        let came = |from: &str, to: &str, at_least: f64| {
            let days = day(from)..=day(to);
            let arrivals = programme.arrivals.iter();
            arrivals
                .filter(|arrival| days.contains(&local(arrival.at).date()))
                .filter(|arrival| {
                    let procedure = catalog.procedure(&arrival.procedure).unwrap();
                    plan::limit_days(procedure) >= at_least
                })
                .count()
        };
        // Ten working days before the end of the summer, and eight after it, with the two of a holiday between.
        let before = came("2025-08-12", "2025-08-25", 0.0);
        let after = came("2025-08-26", "2025-09-08", 0.0);
        assert!((380..=520).contains(&before), "{before}");
        assert!((300..=420).contains(&after), "{after}");
        assert_eq!(came("2025-09-01", "2025-09-02", 0.0), 0);
        // What takes ten working days and more still comes.
        let long = came("2025-08-26", "2025-09-08", 10.0);
        assert!(long >= 10, "{long}");
    }
}
