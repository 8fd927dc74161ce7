//! The replay: the clock is moved a tick at a time, everybody does what they have to do, and the clock is moved again
//! only when the suite is quiet.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp, civil::Date};
use motcua_calendar::{Calendar, local};
use motcua_platform::clock::Tower;
use motcua_proto::r#type::v1::Role;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::{
    actors::{self, Moment, Order},
    acts::{self, Done},
    client::Client,
    lists,
    news::News,
    progress::Progress,
    quiet::Quiet,
    register::Rejected,
    staff::Member,
    town::Town,
};
use crate::Failed;

/// Dossiers that are worked on at the same moment.
const CONCURRENT: usize = 48;

/// Everything that a replay needs.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) tower: Tower,
    pub(super) client: Client,
    pub(super) quiet: Quiet,
    pub(super) intake: News,
    pub(super) workflow: News,
    pub(super) town: Town,
    pub(super) tick_minutes: i64,
    /// Last instant of the replay.
    pub(super) until: Timestamp,
    /// Whether the replay lasts until then, although nothing may be left to do before.
    pub(super) to_the_end: bool,
    /// Rows of a register that the suite refused.
    pub(super) rejected: Vec<Rejected>,
}

/// Days on which something is done but once.
#[derive(Debug, Default)]
struct Once {
    listed: Option<Date>,
    watched: Option<Date>,
}

impl Replay {
    /// From the first arrival to the end of the period. Gives back the last instant.
    pub(super) async fn run(&mut self, progress: &Progress) -> Result<Timestamp, Failed> {
        let mut now = self.tower.now().await;
        let mut once = Once::default();
        self.hear(now).await?;
        while let Some(next) =
            next(&self.town, now, self.tick_minutes).filter(|next| *next <= self.until)
        {
            let moment = moment(&self.town.calendar, now, next, self.tick_minutes);
            now = next;
            self.tick(&moment, &mut once).await?;
            progress.show(now, &self.town.tally, self.client.commands());
        }
        // What was due at the last instant has then passed.
        let left = next(&self.town, now, self.tick_minutes).is_some();
        let last = if self.to_the_end || left {
            self.until
        } else {
            now
        };
        let end = last + SignedDuration::from_mins(self.tick_minutes);
        self.tower.set(end).await;
        self.hear(end).await?;
        Ok(end)
    }

    async fn tick(&mut self, moment: &Moment, once: &mut Once) -> Result<(), Failed> {
        self.tower.set(moment.now).await;
        let orders = actors::morning_to_evening(&mut self.town, moment);
        self.perform(orders, moment.now).await?;
        // What a finished task opened is known as soon as the feed has come to the answers' positions.
        let (intake, workflow) = self.client.acknowledged();
        self.read(moment.now, intake, workflow).await?;
        let today = local(moment.now).date();
        if moment.ahead > 0 && once.listed.replace(today) != Some(today) {
            absence(&self.client, &mut self.town, today).await?;
            lists::morning(&self.client, &mut self.town).await?;
        }
        let orders = actors::claims(&mut self.town, moment);
        self.perform(orders, moment.now).await?;
        if let Some(closing) = self.watch_now(moment, today)
            && once.watched.replace(today) != Some(today)
        {
            let orders = lists::before_closing(&self.client, &self.town, moment, closing).await?;
            self.perform(orders, moment.now).await?;
        }
        self.hear(moment.now).await
    }

    /// The closing hour, when it is so near that leaders look at what is due.
    fn watch_now(&self, moment: &Moment, today: Date) -> Option<Timestamp> {
        let before = SignedDuration::from_mins(i64::from(
            self.town.invented.habits.watch_before_closing_minutes,
        ));
        let closing = self.town.calendar.closing_of(today)?;
        (moment.ahead > 0 && moment.now + before >= closing).then_some(closing)
    }

    /// Different dossiers at the same time, the acts on one dossier one after the other.
    async fn perform(&mut self, orders: Vec<Order>, now: Timestamp) -> Result<(), Failed> {
        let mut by_dossier: BTreeMap<usize, Vec<Order>> = BTreeMap::new();
        for order in orders {
            by_dossier.entry(order.by.arrival).or_default().push(order);
        }
        let (client, town) = (&self.client, &self.town);
        let mut done: Vec<(usize, Vec<Done>)> = stream::iter(by_dossier)
            .map(|(index, orders)| async move {
                let (arrival, life) = (&town.arrivals[index], &town.lives[index]);
                let mut done = Vec::with_capacity(orders.len());
                for Order { by, act } in orders {
                    done.push(acts::act(client, arrival, life, &by, act).await?);
                }
                Ok::<_, Failed>((index, done))
            })
            .buffer_unordered(CONCURRENT)
            .try_collect()
            .await?;
        // Answers come in any order; what they change is changed in one order, so that a seed gives the same figures.
        done.sort_by_key(|(index, _)| *index);
        for (index, done) in done {
            for done in done {
                if let Done::SubmissionRefused(status) = &done {
                    self.submission_refused(index, status)?;
                }
                actors::remember(&mut self.town, index, done, now);
            }
        }
        Ok(())
    }

    fn submission_refused(&mut self, arrival: usize, status: &Status) -> Result<(), Failed> {
        let Some(line) = self.town.arrivals[arrival].line else {
            return Err(Failed::new(format!(
                "an invented submission was refused: {}",
                status.message()
            )));
        };
        let violations = status
            .get_details_bad_request()
            .map(|request| request.field_violations)
            .unwrap_or_default();
        if violations.is_empty() {
            self.rejected.push(Rejected {
                line,
                column: None,
                problem: status.message().to_owned(),
            });
        }
        for violation in violations {
            let column = column_of(&violation.field);
            self.rejected.push(Rejected {
                line,
                column: Some(column),
                problem: violation.description,
            });
        }
        Ok(())
    }

    /// Waits until the suite is quiet, and hears of everything that has happened.
    async fn hear(&mut self, now: Timestamp) -> Result<(), Failed> {
        let heads = self.quiet.settle().await?;
        let head = |service: &str| heads.get(service).copied().unwrap_or(0);
        self.read(now, head("intake"), head("workflow")).await
    }

    async fn read(&mut self, now: Timestamp, intake: i64, workflow: i64) -> Result<(), Failed> {
        for event in self.intake.through(intake).await? {
            self.town.hear(&event, now);
        }
        for event in self.workflow.through(workflow).await? {
            self.town.hear(&event, now);
        }
        Ok(())
    }
}

/// On the first day on which a leader is away, a deputy stands in; on the first day after that, the leader is back.
async fn absence(client: &Client, town: &mut Town, today: Date) -> Result<(), Failed> {
    let office = &town.invented.office;
    let is_away = (office.away_from..=office.away_until).contains(&today);
    let decision = office.decision.clone();
    let midnight = |day: Date| {
        motcua_calendar::instant(day.at(0, 0, 0, 0)).map_err(|error| Failed::new(error.to_string()))
    };
    let back = office.away_until.tomorrow().unwrap_or(office.away_until);
    let (from, until) = (midnight(office.away_from)?, midnight(back)?);
    let wards: Vec<String> = town.wards.keys().cloned().collect();
    for ward in wards {
        let desk = town
            .offices
            .get_mut(&(ward.clone(), Role::Leader))
            .and_then(|office| office.desks.first_mut());
        let Some(desk) = desk else { continue };
        let (leader, deputy) = (
            Member::of_agency(Role::Leader, &ward, 1),
            Member::deputy(&ward),
        );
        if is_away && desk.member == leader {
            client
                .stands_in(&leader, &deputy, (from, until), &decision)
                .await?;
            desk.member = deputy;
        } else if !is_away && desk.member == deputy {
            desk.member = leader;
        }
    }
    Ok(())
}

/// The next tick in which something can happen; none when everything has.
pub(super) fn next(town: &Town, now: Timestamp, tick_minutes: i64) -> Option<Timestamp> {
    let calendar = &town.calendar;
    let after = now + SignedDuration::from_secs(1);
    let work = town
        .is_busy()
        .then(|| working_tick(calendar, after, tick_minutes))
        .flatten();
    let come = town
        .arrivals
        .get(town.next_arrival)
        .map(|arrival| grid(arrival.at.max(after), tick_minutes));
    let arranged = town
        .diary
        .first_key_value()
        .and_then(|((at, _), _)| working_tick(calendar, after.max(*at), tick_minutes));
    [work, come, arranged].into_iter().flatten().min()
}

/// The moment at which the next tick finds everybody.
pub(super) fn moment(
    calendar: &Calendar,
    before: Timestamp,
    now: Timestamp,
    tick_minutes: i64,
) -> Moment {
    Moment {
        now,
        worked: minutes(calendar, before, now),
        ahead: minutes(calendar, now, now + SignedDuration::from_mins(tick_minutes)),
        tick_minutes,
    }
}

/// Working minutes between two instants.
fn minutes(calendar: &Calendar, from: Timestamp, to: Timestamp) -> u32 {
    u32::try_from(calendar.elapsed_working_minutes(from, to)).unwrap_or(0)
}

/// The first tick at or after an instant, counted from midnight.
fn grid(at: Timestamp, tick_minutes: i64) -> Timestamp {
    let clock = local(at);
    let since_midnight = clock.duration_since(clock.date().at(0, 0, 0, 0)).as_secs();
    let tick = tick_minutes * 60;
    let missing = (tick - since_midnight % tick) % tick;
    Timestamp::from_second(at.as_second() + missing + i64::from(at.subsec_nanosecond() > 0))
        .unwrap_or(at)
}

/// The first tick of working time at or after an instant: each session from its opening, in ticks, to its closing.
fn working_tick(calendar: &Calendar, at: Timestamp, tick_minutes: i64) -> Option<Timestamp> {
    let mut day = local(at).date();
    loop {
        for session in calendar.hours(day).working() {
            let open = motcua_calendar::instant(day.to_datetime(session.open())).ok()?;
            let close = motcua_calendar::instant(day.to_datetime(session.close())).ok()?;
            if at > close {
                continue;
            }
            let tick = tick_minutes * 60;
            let since_open =
                (at.as_second() + i64::from(at.subsec_nanosecond() > 0) - open.as_second()).max(0);
            let ticks = (since_open + tick - 1) / tick;
            return Timestamp::from_second(open.as_second() + ticks * tick)
                .ok()
                .map(|at| at.min(close));
        }
        day = calendar.next_working_day(day).ok()?;
    }
}

/// The register's column that a field of the submission comes from.
fn column_of(field: &str) -> String {
    match field {
        "applicant.full_name" => "applicant_name".to_owned(),
        "hand_over_method" => "hand_over".to_owned(),
        other => {
            let name = other.strip_prefix("applicant.").unwrap_or(other);
            name.split('[').next().unwrap_or(name).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use motcua_calendar::WeeklyHours;

    fn at(text: &str) -> Timestamp {
        motcua_calendar::instant(text.parse().unwrap()).unwrap()
    }

    fn office() -> Calendar {
        Calendar::new(WeeklyHours::default(), []).unwrap()
    }

    #[test]
    fn ticks_of_work_begin_at_opening_and_end_at_closing() {
        let office = office();
        let next =
            |text: &str, tick| local(working_tick(&office, at(text), tick).unwrap()).to_string();
        assert_eq!(next("2025-07-01T06:00", 15), "2025-07-01T07:00:00");
        assert_eq!(next("2025-07-01T07:00:01", 15), "2025-07-01T07:15:00");
        assert_eq!(next("2025-07-01T11:16", 20), "2025-07-01T11:20:00");
        assert_eq!(
            next("2025-07-01T11:21", 20),
            "2025-07-01T11:30:00",
            "the closing hour is a tick too"
        );
        assert_eq!(next("2025-07-01T11:31", 15), "2025-07-01T13:30:00");
        assert_eq!(
            next("2025-07-04T17:01", 15),
            "2025-07-07T07:00:00",
            "over the weekend"
        );
    }

    #[test]
    fn whoever_comes_is_met_at_the_next_tick_also_at_night() {
        assert_eq!(grid(at("2025-07-01T20:01"), 15), at("2025-07-01T20:15"));
        assert_eq!(grid(at("2025-07-01T20:15"), 15), at("2025-07-01T20:15"));
        assert_eq!(grid(at("2025-07-01T23:59"), 15), at("2025-07-02T00:00"));
    }

    #[test]
    fn only_working_time_makes_work_go_on() {
        let office = office();
        assert_eq!(
            minutes(&office, at("2025-07-01T11:15"), at("2025-07-01T13:45")),
            30
        );
        assert_eq!(
            minutes(&office, at("2025-07-04T17:00"), at("2025-07-07T07:00")),
            0
        );
    }

    #[test]
    fn a_refused_field_is_led_back_to_its_column() {
        assert_eq!(column_of("applicant.full_name"), "applicant_name");
        assert_eq!(column_of("applicant.phone"), "phone");
        assert_eq!(column_of("options[0]"), "options");
    }
}
