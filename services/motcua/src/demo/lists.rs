//! The lists that people look at: the worklists and the counter's in the morning, what is due before closing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use motcua_platform::time::{from_proto_opt, to_proto};
use motcua_proto::{
    intake::v1::{Dossier, ListDossiersRequest},
    r#type::v1::{DossierStatus, HandOverMethod, Role},
    workflow::v1::{CaseState, ListCasesRequest, ListTasksRequest, Task, TaskState},
};

use super::{
    actors::{Moment, Order},
    acts::Act,
    client::{By, Client},
    staff::Member,
    town::{Open, Place, Town},
};
use crate::Failed;

/// As many as a page may have.
const PAGE_SIZE: i32 = 1_000;

/// In the morning everybody looks at the list of their own. What it shows and nobody had heard of is taken up, and what
/// it does not show any more is forgotten.
pub(super) async fn morning(client: &Client, town: &mut Town) -> Result<(), Failed> {
    let places: Vec<Place> = town
        .offices
        .iter()
        .filter(|(_, office)| {
            !office.open.is_empty() || office.desks.iter().any(|desk| !desk.is_empty())
        })
        .map(|(place, _)| place.clone())
        .collect();
    for place in places {
        worklist(client, town, &place).await?;
    }
    let wards: Vec<String> = town.wards.keys().cloned().collect();
    for ward in wards {
        if town
            .wards
            .get(&ward)
            .is_some_and(|ward| !ward.submitted.is_empty())
        {
            let submitted = dossiers(
                client,
                &ward,
                DossierStatus::Submitted,
                HandOverMethod::Unspecified,
            )
            .await?;
            let submitted: BTreeSet<usize> = submitted
                .iter()
                .filter_map(|dossier| town.arrival_of(&dossier.code))
                .collect();
            town.wards
                .entry(ward.clone())
                .and_modify(|ward| ward.submitted = submitted);
        }
        if town
            .wards
            .get(&ward)
            .is_some_and(|ward| !ward.to_bring.is_empty())
        {
            let ready = dossiers(
                client,
                &ward,
                DossierStatus::ResultReady,
                HandOverMethod::Home,
            )
            .await?;
            let to_bring = ready
                .iter()
                // A visit that was made and met nobody leaves the result to be brought.
                .filter(|dossier| dossier.visits.iter().all(|visit| visit.made_at.is_some()))
                .filter_map(|dossier| town.arrival_of(&dossier.code))
                .collect();
            town.wards
                .entry(ward)
                .and_modify(|ward| ward.to_bring = to_bring);
        }
    }
    Ok(())
}

async fn worklist(client: &Client, town: &mut Town, place: &Place) -> Result<(), Failed> {
    let (agency, role) = place;
    let mut listed = BTreeSet::new();
    let mut token = String::new();
    loop {
        let request = ListTasksRequest {
            page_size: PAGE_SIZE,
            page_token: token,
            agency: agency.clone(),
            role: (*role).into(),
            states: vec![TaskState::Open.into()],
            without_held: true,
            ..ListTasksRequest::default()
        };
        let somebody = Member::of_agency(*role, agency, 1);
        let request = client.asking(&somebody, request)?;
        let page = client.tasks.clone().list_tasks(request).await?.into_inner();
        for task in page.tasks {
            // What was taken longer ago than it is somebody's for is listed again; it lies on their desk all the same.
            let office = town.offices.get(place);
            if office.is_some_and(|office| office.desks.iter().any(|desk| desk.holds(&task.name))) {
                continue;
            }
            if let Some(open) = open(town, &task) {
                let name = task.name;
                listed.insert(name.clone());
                town.offices
                    .entry(place.clone())
                    .or_default()
                    .open
                    .entry(name)
                    .or_insert(open);
            }
        }
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let lives = &town.lives;
    if let Some(office) = town.offices.get_mut(place) {
        office
            .open
            .retain(|name, open| listed.contains(name) || lives[open.arrival].held);
    }
    Ok(())
}

fn open(town: &Town, task: &Task) -> Option<Open> {
    Some(Open {
        arrival: town.arrival_of(&task.dossier)?,
        step: task.step.clone(),
        branch: task.branch.clone(),
        procedure: task.procedure.clone(),
    })
}

async fn dossiers(
    client: &Client,
    ward: &str,
    status: DossierStatus,
    method: HandOverMethod,
) -> Result<Vec<Dossier>, Failed> {
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let request = ListDossiersRequest {
            page_size: PAGE_SIZE,
            page_token: token,
            receiving_agency: ward.to_owned(),
            statuses: vec![status.into()],
            hand_over_method: method.into(),
            ..ListDossiersRequest::default()
        };
        let somebody = match method {
            HandOverMethod::Home => Role::HomeVisitor,
            _ => Role::Receptionist,
        };
        let request = client.asking(&Member::of_agency(somebody, ward, 1), request)?;
        let page = client
            .dossiers
            .clone()
            .list_dossiers(request)
            .await?
            .into_inner();
        found.extend(page.dossiers);
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(found);
        }
    }
}

/// Before closing, leaders look at what is due by then. Where a task lies that nobody has taken, the day will not be
/// enough: they apologise and set a new date, while that is still in time.
pub(super) async fn before_closing(
    client: &Client,
    town: &Town,
    moment: &Moment,
    closing: Timestamp,
) -> Result<Vec<Order>, Failed> {
    let today = motcua_calendar::local(moment.now).date();
    let new_date = town
        .calendar
        .add_working_days(today, town.invented.habits.extended_by_days)
        .ok()
        .and_then(|day| town.calendar.closing_of(day));
    let Some(due) = new_date else {
        return Ok(Vec::new());
    };
    // A branch lies at another agency than its case: the receiving ward may have to answer for it.
    let open = town
        .offices
        .iter()
        .flat_map(|((agency, _), office)| office.open.values().map(move |open| (agency, open)));
    let agencies: BTreeSet<&String> = open
        .flat_map(|(agency, open)| [agency, &town.arrivals[open.arrival].ward])
        .collect();
    let mut orders = Vec::new();
    for agency in agencies {
        let mut token = String::new();
        loop {
            let request = ListCasesRequest {
                page_size: PAGE_SIZE,
                page_token: token,
                competent_agency: agency.clone(),
                states: vec![CaseState::Running.into()],
                // Due at closing is due today.
                due_before: Some(to_proto(closing + jiff::SignedDuration::from_mins(1))),
            };
            let request = client.asking(&Member::of_agency(Role::Leader, agency, 1), request)?;
            let page = client.cases.clone().list_cases(request).await?.into_inner();
            for case in page.cases {
                let Some(arrival) = town.arrival_of(&case.code) else {
                    continue;
                };
                let in_time =
                    from_proto_opt(case.due_at.as_ref()).is_some_and(|due| due > moment.now);
                let untaken = case
                    .tasks
                    .iter()
                    .any(|task| task.state() == TaskState::Open);
                if in_time && untaken && !case.extended {
                    let leader = Member::of_agency(Role::Leader, agency, 1);
                    orders.push(Order {
                        by: By {
                            member: leader,
                            arrival,
                        },
                        act: Act::Extend { due },
                    });
                }
            }
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
    }
    Ok(orders)
}
