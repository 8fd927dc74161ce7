//! Who does what in a tick: everybody looks at what they know and decides; nothing is done here yet.

use jiff::{Timestamp, ToSpan as _};
use motcua_proto::r#type::v1::{Channel, Role};

use super::{
    acts::{Act, Done, Missing},
    client::By,
    draw::{between, percent, weighted},
    plan::Papers,
    staff::{Member, Taken},
    town::{Arranged, Errand, Open, Place, Town},
};

/// A moment of the replay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    /// Working minutes since the moment before.
    pub(super) worked: u32,
    /// Working minutes until the next tick: none at closing and at night.
    pub(super) ahead: u32,
    /// Length of a tick.
    pub(super) tick_minutes: i64,
}

/// Somebody does something.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) by: By,
    pub(super) act: Act,
}

impl Order {
    fn new(member: Member, arrival: usize, act: Act) -> Self {
        Self {
            by: By { member, arrival },
            act,
        }
    }
}

/// What is finished, who comes, and what the counter and the visitors do.
pub(super) fn morning_to_evening(town: &mut Town, moment: &Moment) -> Vec<Order> {
    let mut orders = completions(town, moment);
    come(town, moment, &mut orders);
    for ward in town.wards.values_mut() {
        ward.counter.begin(moment.ahead);
        ward.visitors.begin(moment.ahead);
    }
    diary(town, moment, &mut orders);
    if moment.ahead > 0 {
        let wards: Vec<String> = town.wards.keys().cloned().collect();
        for ward in wards {
            serve_queue(town, &ward, moment, &mut orders);
            accept_submitted(town, &ward, &mut orders);
            arrange_visits(town, &ward, moment, &mut orders);
        }
    }
    orders
}

fn completions(town: &mut Town, moment: &Moment) -> Vec<Order> {
    let Town { offices, lives, .. } = town;
    let held = |arrival: usize| lives[arrival].held;
    let mut orders = Vec::new();
    for desk in offices.values_mut().flat_map(|office| &mut office.desks) {
        if desk.is_empty() {
            continue;
        }
        for task in desk.work(moment.worked, held) {
            let act = if task.returns {
                Act::Return { task: task.name }
            } else {
                Act::Complete {
                    task: task.name,
                    outcome: task.outcome,
                    refuses: task.refuses,
                }
            };
            orders.push(Order::new(desk.member.clone(), task.arrival, act));
        }
    }
    orders
}

/// Online submissions are there at once; whoever comes in person, or by letter, stands in the queue.
fn come(town: &mut Town, moment: &Moment, orders: &mut Vec<Order>) {
    while let Some(arrival) = town
        .arrivals
        .get(town.next_arrival)
        .filter(|arrival| arrival.at <= moment.now)
    {
        let index = town.next_arrival;
        let at = arrival.at;
        let online = arrival.is_online();
        town.next_arrival += 1;
        if online {
            orders.push(Order::new(
                Member::citizen(index),
                index,
                Act::Submit { accept: false },
            ));
        } else if let Some(ward) = town.ward_of(index) {
            ward.queue.insert((at, index, Errand::Submit));
        }
    }
}

fn diary(town: &mut Town, moment: &Moment, orders: &mut Vec<Order>) {
    let later = town.diary.split_off(&(moment.now, usize::MAX));
    for ((at, arrival), arranged) in std::mem::replace(&mut town.diary, later) {
        match arranged {
            Arranged::Collect => {
                if let Some(ward) = town.ward_of(arrival) {
                    ward.queue.insert((at, arrival, Errand::Collect));
                }
            }
            Arranged::Supplement => {
                // What was submitted under one's own name one completes oneself; the rest is brought to the counter.
                let by = if town.arrivals[arrival].is_online() {
                    Member::citizen(arrival)
                } else {
                    Member::of_agency(Role::Receptionist, &town.arrivals[arrival].ward, 1)
                };
                orders.push(Order::new(by, arrival, Act::Supplement));
            }
            Arranged::Payment => {
                let amount_vnd = town.lives[arrival].unpaid_vnd;
                let by = Member::of_agency(Role::Receptionist, &town.arrivals[arrival].ward, 1);
                orders.push(Order::new(by, arrival, Act::Pay { amount_vnd }));
            }
            Arranged::Transfer { agency } => {
                let by = Member::of_agency(Role::Officer, &agency, 1);
                orders.push(Order::new(by, arrival, Act::ConfirmTransfer));
            }
            Arranged::Answer {
                system,
                agency,
                task,
            } => {
                let code = town.invented.systems.get(&system);
                let code = code.map(|system| system.code.clone()).unwrap_or_default();
                let by = Member::system(&system, &agency);
                orders.push(Order::new(by, arrival, Act::Answer { task, code }));
            }
            Arranged::Visit { visit, met } => {
                let minutes = between(
                    &mut town.draw("visit", arrival),
                    town.invented.minutes.visit,
                );
                match town
                    .ward_of(arrival)
                    .and_then(|ward| ward.visitors.serve(minutes))
                {
                    Some(visitor) => orders.push(Order::new(
                        visitor,
                        arrival,
                        Act::RecordVisit { visit, met },
                    )),
                    None => {
                        // Everybody is still on the road.
                        let next = moment.now + moment.tick_minutes.minutes();
                        town.diary
                            .insert((next, arrival), Arranged::Visit { visit, met });
                    }
                }
            }
        }
    }
}

fn serve_queue(town: &mut Town, ward: &str, moment: &Moment, orders: &mut Vec<Order>) {
    let Some(waiting) = town
        .wards
        .get_mut(ward)
        .map(|ward| std::mem::take(&mut ward.queue))
    else {
        return;
    };
    let mut left = std::collections::BTreeSet::new();
    for (since, arrival, errand) in waiting {
        let minutes = &town.invented.minutes;
        let at_home = errand == Errand::Submit && town.arrivals[arrival].channel == Channel::Home;
        let (purpose, range, act) = match errand {
            Errand::Submit if at_home => ("visit", minutes.visit, Act::Submit { accept: true }),
            Errand::Submit => (
                "submit",
                minutes.submit_at_counter,
                Act::Submit { accept: true },
            ),
            Errand::Collect => ("hand over", minutes.hand_over, Act::HandOver),
        };
        let minutes = between(&mut town.draw(purpose, arrival), range);
        let crew = town.wards.get_mut(ward).map(|ward| {
            if at_home {
                &mut ward.visitors
            } else {
                &mut ward.counter
            }
        });
        match crew.and_then(|crew| crew.serve(minutes)) {
            Some(actor) => orders.push(Order::new(actor, arrival, act)),
            None => drop(left.insert((since, arrival, errand))),
        }
    }
    debug_assert!(moment.ahead > 0, "the counter is open");
    if let Some(ward) = town.wards.get_mut(ward) {
        ward.queue = left;
    }
}

/// Looks at what came in online, in the order of coming: accepts it, or asks for what is missing.
fn accept_submitted(town: &mut Town, ward: &str, orders: &mut Vec<Order>) {
    let Some(waiting) = town.wards.get(ward).map(|ward| ward.submitted.clone()) else {
        return;
    };
    for arrival in waiting {
        if town.arrivals[arrival].papers == Papers::TakenBack {
            // Nobody at the counter has to do with it.
            orders.push(Order::new(Member::citizen(arrival), arrival, Act::Withdraw));
            continue;
        }
        let minutes = between(
            &mut town.draw("accept", arrival),
            town.invented.minutes.accept_online,
        );
        let Some(receptionist) = town
            .wards
            .get_mut(ward)
            .and_then(|ward| ward.counter.serve(minutes))
        else {
            return;
        };
        let missing =
            town.arrivals[arrival].papers == Papers::MissingAtCounter && !town.lives[arrival].asked;
        town.lives[arrival].asked |= missing;
        let act = match town.arrivals[arrival].papers {
            Papers::Elsewhere => Act::Refuse,
            _ if missing => Act::Ask,
            _ => Act::Accept,
        };
        orders.push(Order::new(receptionist, arrival, act));
    }
}

/// Visits begin an hour or so after opening: today where that is still ahead, else on the next working day.
fn arrange_visits(town: &mut Town, ward: &str, moment: &Moment, orders: &mut Vec<Order>) {
    let Some(waiting) = town
        .wards
        .get_mut(ward)
        .map(|ward| std::mem::take(&mut ward.to_bring))
    else {
        return;
    };
    let habits = &town.invented.habits;
    let today = motcua_calendar::local(moment.now).date();
    let window = |day: jiff::civil::Date| {
        let midnight = motcua_calendar::instant(day.at(0, 0, 0, 0)).ok()?;
        let from = town
            .calendar
            .add_working_minutes(midnight, habits.visit_after_opening_minutes)
            .ok()?;
        let to = town
            .calendar
            .add_working_minutes(from, habits.visit_window_minutes)
            .ok()?;
        Some((from, to))
    };
    let chosen = window(today)
        .filter(|(from, _)| *from > moment.now)
        .or_else(|| window(town.calendar.next_working_day(today).ok()?));
    let Some((from, to)) = chosen else { return };
    for arrival in waiting {
        let visitor = Member::of_agency(Role::HomeVisitor, ward, 1);
        orders.push(Order::new(visitor, arrival, Act::RequestVisit { from, to }));
    }
}

/// Who takes which of the open tasks: those with a priority first, then by due; to whoever has the least on the desk.
pub(super) fn claims(town: &mut Town, moment: &Moment) -> Vec<Order> {
    let mut orders = Vec::new();
    if moment.ahead == 0 {
        return orders;
    }
    let places: Vec<Place> = town
        .offices
        .iter()
        .filter(|(_, office)| !office.open.is_empty())
        .map(|(place, _)| place.clone())
        .collect();
    for place in places {
        claims_of(town, &place, moment, &mut orders);
    }
    orders
}

fn claims_of(town: &mut Town, place: &Place, moment: &Moment, orders: &mut Vec<Order>) {
    let held = |arrival: usize| town.lives[arrival].held;
    let Some(office) = town.offices.get(place) else {
        return;
    };
    let desk_max = town.invented.habits.desk_max;
    let mut open: Vec<(&String, &Open)> = office
        .open
        .iter()
        .filter(|(_, open)| !held(open.arrival))
        .collect();
    open.sort_by_key(|(_, open)| (town.order_of(open), &open.branch, &open.step));
    // What the claims of this tick add, before their answers are there.
    let mut added: Vec<Vec<u32>> = vec![Vec::new(); office.desks.len()];
    let mut taken: Vec<(String, Open, usize)> = Vec::new();
    for (name, open) in open {
        let urgent = town.lives[open.arrival].due.is_some_and(|due| {
            let left = town.calendar.elapsed_working_minutes(moment.now, due);
            left <= i64::from(town.invented.habits.urgent_minutes)
        });
        let minutes = step_minutes(town, open, &open.procedure, place.1);
        let room = office.desks.iter().enumerate().filter(|(index, desk)| {
            let more: u32 = added[*index].iter().sum();
            let few = desk_max.saturating_sub(added[*index].len());
            desk.has_room(moment.ahead.saturating_sub(more), urgent, few, held)
        });
        let least = room.min_by_key(|(index, desk)| {
            (desk.load(held) + added[*index].iter().sum::<u32>(), *index)
        });
        let Some((desk, _)) = least else {
            if urgent { continue } else { break }
        };
        added[desk].push(minutes);
        taken.push((name.clone(), open.clone(), desk));
    }
    for (task, open, desk) in taken {
        let Some(office) = town.offices.get_mut(place) else {
            continue;
        };
        office.open.remove(&task);
        let by = office.desks[desk].member.clone();
        let arrival = open.arrival;
        let ask = Some(&town.arrivals[arrival])
            .filter(|_| place.1 == Role::Officer && open.branch.is_empty())
            .filter(|_| !town.lives[arrival].asked)
            .and_then(|arrived| match arrived.papers {
                Papers::MissingInOffice => Some(Missing::Papers),
                _ if arrived.pays_later && town.lives[arrival].unpaid_vnd > 0 => Some(Missing::Fee),
                _ => None,
            });
        town.lives[arrival].asked |= ask.is_some();
        let limit = limit_of(town, &open, place.1).filter(|_| ask.is_none());
        orders.push(Order::new(
            by,
            arrival,
            Act::Claim {
                task,
                place: place.clone(),
                desk,
                open,
                ask,
                limit,
            },
        ));
    }
}

/// The other limit that a dossier gets, as the first officer who looks at it sees.
fn limit_of(town: &mut Town, open: &Open, role: Role) -> Option<String> {
    let is_first = role == Role::Officer && open.branch.is_empty();
    if !is_first || std::mem::replace(&mut town.lives[open.arrival].looked_at, true) {
        return None;
    }
    let verified = percent(
        &mut town.draw("verified", open.arrival),
        town.invented.office.verified_percent,
    );
    town.other_limits
        .get(&town.arrivals[open.arrival].procedure)
        .filter(|_| verified)
        .cloned()
}

fn step_minutes(town: &Town, open: &Open, procedure: &str, role: Role) -> u32 {
    let range = town.invented.step_minutes(procedure, role);
    between(
        &mut town.draw(
            &format!("minutes {} {}", open.branch, open.step),
            open.arrival,
        ),
        range,
    )
    .max(1)
}

/// Working minutes that are left of the limit at least where a signature sends the work back.
const TIME_TO_RETURN: i64 = 2 * 480;

/// Whether a signature sends the work back: once for a dossier, and where there is time for it.
fn goes_back(town: &Town, arrival: usize, due: Timestamp, now: Timestamp) -> bool {
    let left = town.calendar.elapsed_working_minutes(now, due.max(now));
    !town.lives[arrival].returned
        && left >= TIME_TO_RETURN
        && percent(
            &mut town.draw("returned", arrival),
            town.invented.office.returned_percent,
        )
}

/// Remembers what came of it.
pub(super) fn remember(town: &mut Town, arrival: usize, done: Done, now: Timestamp) {
    match done {
        Done::Submitted(dossier) => town.named(arrival, dossier.code),
        Done::VisitArranged { visit, from, to } => {
            let mut rng = town.draw(&format!("visit {visit}"), arrival);
            // The first visit may meet nobody; who arranges a second one is there.
            let met = visit != "v1" || !percent(&mut rng, town.invented.habits.nobody_met_percent);
            let minutes = town.calendar.elapsed_working_minutes(from, to).max(0);
            let after = rng.u32(0..=u32::try_from(minutes).unwrap_or(0) / 2);
            let at = town
                .calendar
                .add_working_minutes(from, after)
                .unwrap_or(from);
            town.diary
                .insert((at, arrival), Arranged::Visit { visit, met });
        }
        Done::NobodyMet => {
            if let Some(ward) = town.ward_of(arrival) {
                ward.to_bring.insert(arrival);
            }
        }
        Done::Claimed {
            task,
            place,
            desk,
            open,
            asked,
        } => {
            town.lives[arrival].held |= asked;
            let mut rng = town.draw(&format!("outcome {} {}", open.branch, open.step), arrival);
            let weights = &town.invented.outcomes;
            let choices: Vec<(usize, f64)> = task
                .outcomes
                .iter()
                .enumerate()
                .map(|(index, outcome)| (index, weights.get(outcome).copied().unwrap_or(1.0)))
                .collect();
            let chosen = weighted(&mut rng, &choices).unwrap_or(0);
            let left = step_minutes(town, &open, &task.procedure, place.1);
            let due = town.lives[arrival].due.unwrap_or(Timestamp::MAX);
            let outcome = task.outcomes.get(chosen).cloned().unwrap_or_default();
            let returns = place.1 == Role::Leader && goes_back(town, arrival, due, now);
            town.lives[arrival].returned |= returns;
            let taken = Taken {
                arrival,
                name: task.name,
                refuses: task.refusals.contains(&outcome),
                outcome,
                returns,
                due,
                left,
            };
            if let Some(desk) = town
                .offices
                .get_mut(&place)
                .and_then(|office| office.desks.get_mut(desk))
            {
                desk.take(taken);
            }
        }
        Done::SubmissionRefused(_) | Done::Nothing => {}
    }
}

#[cfg(test)]
mod tests {
    use motcua_proto::{intake::v1::Dossier, r#type::v1::HandOverMethod, workflow::v1::Task};

    use super::*;
    use crate::demo::town::tests::town;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Tuesday, 1 July 2025, 08:00 in Việt Nam.
    fn open_at_eight() -> Moment {
        Moment {
            now: at("2025-07-01T01:00:00Z"),
            worked: 15,
            ahead: 15,
            tick_minutes: 15,
        }
    }

    fn with_open_task(town: &mut Town, arrival: usize, due: &str) -> Place {
        let place = ("11593".to_owned(), Role::Officer);
        town.lives[arrival].due = Some(at(due));
        let open = Open {
            arrival,
            step: "check".into(),
            branch: String::new(),
            procedure: town.arrivals[arrival].procedure.clone(),
        };
        town.offices
            .get_mut(&place)
            .unwrap()
            .open
            .insert(format!("cases/c{arrival}/tasks/t1"), open);
        place
    }

    fn acts(orders: &[Order]) -> Vec<(usize, String)> {
        orders
            .iter()
            .map(|order| (order.by.arrival, order.by.member.id.clone()))
            .collect()
    }

    #[test]
    fn nobody_is_served_and_nothing_is_taken_while_the_office_is_closed() {
        let mut town = town(50);
        let night = Moment {
            now: at("2025-07-08T15:00:00Z"),
            worked: 0,
            ahead: 0,
            tick_minutes: 15,
        };
        with_open_task(&mut town, 0, "2025-07-09T10:00:00Z");
        let orders = morning_to_evening(&mut town, &night);
        assert!(
            orders
                .iter()
                .all(|order| matches!(order.act, Act::Submit { accept: false })),
            "{orders:?}"
        );
        assert!(claims(&mut town, &night).is_empty());
        assert!(
            !town.wards["11593"].queue.is_empty(),
            "whoever came in person waits"
        );
    }

    #[test]
    fn open_tasks_go_to_those_with_the_least_work_and_the_most_urgent_first() {
        let mut town = town(50);
        for arrival in &mut town.arrivals {
            arrival.priority = motcua_proto::r#type::v1::PriorityGround::Unspecified;
            arrival.papers = Papers::Complete;
        }
        with_open_task(&mut town, 0, "2025-07-03T10:00:00Z");
        with_open_task(&mut town, 1, "2025-07-01T10:00:00Z");
        let place = with_open_task(&mut town, 2, "2025-07-02T10:00:00Z");
        let orders = claims(&mut town, &open_at_eight());
        assert_eq!(
            acts(&orders),
            [
                (1, "officer-11593-1".into()),
                (2, "officer-11593-2".into()),
                (0, "officer-11593-3".into())
            ]
        );
        assert!(town.offices[&place].open.is_empty());
    }

    #[test]
    fn a_claimed_task_is_completed_after_its_minutes_of_working_time() {
        let mut town = town(50);
        let place = with_open_task(&mut town, 0, "2025-07-03T10:00:00Z");
        let open = town.offices[&place].open.values().next().unwrap().clone();
        let task = Task {
            name: "cases/c0/tasks/t1".into(),
            outcomes: vec!["approved".into()],
            procedure: open.procedure.clone(),
            ..Task::default()
        };
        let done = Done::Claimed {
            task: Box::new(task),
            place: place.clone(),
            desk: 0,
            open,
            asked: false,
        };
        remember(&mut town, 0, done, at("2025-07-01T01:00:00Z"));
        town.next_arrival = town.arrivals.len();
        let mut ticks = 0;
        while morning_to_evening(
            &mut town,
            &Moment {
                worked: 1,
                ..open_at_eight()
            },
        )
        .is_empty()
        {
            ticks += 1;
            assert!(ticks < 500, "it is done some time");
        }
        let [from, to] = town
            .invented
            .step_minutes(&town.arrivals[0].procedure, Role::Officer);
        assert!((from..=to).contains(&(ticks + 1)), "{ticks}");
    }

    #[test]
    fn the_officer_who_sees_that_papers_are_missing_asks_once() {
        let mut town = town(50);
        town.arrivals[0].papers = Papers::MissingInOffice;
        with_open_task(&mut town, 0, "2025-07-03T10:00:00Z");
        let asks = |orders: &[Order]| {
            orders.iter().any(|order| {
                matches!(
                    order.act,
                    Act::Claim {
                        ask: Some(Missing::Papers),
                        ..
                    }
                )
            })
        };
        assert!(asks(&claims(&mut town, &open_at_eight())));
        with_open_task(&mut town, 0, "2025-07-03T10:00:00Z");
        assert!(!asks(&claims(&mut town, &open_at_eight())));
    }

    #[test]
    fn a_result_goes_home_by_an_arranged_visit_and_again_when_nobody_was_met() {
        let mut town = town(50);
        town.next_arrival = town.arrivals.len();
        town.arrivals[0].hand_over = HandOverMethod::Home;
        remember(
            &mut town,
            0,
            Done::Submitted(Box::new(Dossier {
                code: "c0".into(),
                ..Dossier::default()
            })),
            at("2025-07-01T01:00:00Z"),
        );
        remember(&mut town, 0, Done::NobodyMet, at("2025-07-01T01:00:00Z"));
        let late = Moment {
            now: at("2025-07-01T03:00:00Z"),
            ..open_at_eight()
        };
        let orders = morning_to_evening(&mut town, &late);
        let Act::RequestVisit { from, to } = orders[0].act else {
            panic!("{orders:?}")
        };
        assert_eq!(
            from,
            at("2025-07-02T01:00:00Z"),
            "an hour after tomorrow's opening"
        );
        remember(
            &mut town,
            0,
            Done::VisitArranged {
                visit: "v2".into(),
                from,
                to,
            },
            at("2025-07-01T03:00:00Z"),
        );
        let visit = Moment {
            now: to,
            ..open_at_eight()
        };
        let orders = morning_to_evening(&mut town, &visit);
        assert!(
            matches!(&orders[0].act, Act::RecordVisit { visit, met: true } if visit == "v2"),
            "{orders:?}"
        );
        assert_eq!(orders[0].by.member.role, Role::HomeVisitor);
    }

    #[test]
    fn what_came_in_online_is_accepted_or_asked_about_by_a_receptionist() {
        let mut town = town(50);
        town.next_arrival = town.arrivals.len();
        town.arrivals[0].papers = Papers::MissingAtCounter;
        town.arrivals[1].papers = Papers::Complete;
        town.wards
            .get_mut("11593")
            .unwrap()
            .submitted
            .extend([0, 1]);
        let orders = morning_to_evening(&mut town, &open_at_eight());
        assert!(
            matches!(orders[0].act, Act::Ask) && matches!(orders[1].act, Act::Accept),
            "{orders:?}"
        );
        assert_eq!(orders[0].by.member.role, Role::Receptionist);
    }
}
