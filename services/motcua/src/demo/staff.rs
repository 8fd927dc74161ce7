//! How much people get done: desks behind the counter, and crews at it and on the road.

use jiff::Timestamp;
use motcua_proto::r#type::v1::Role;

/// Somebody who acts in the demo: a principal of the suite, with one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Opaque, and stable within the replay.
    pub(super) id: String,
    pub(super) role: Role,
    /// The agency that the role is held at; empty for citizens, and for those of the city.
    pub(super) agency: String,
}

impl Member {
    /// Somebody of an agency: `officer-11593-2`.
    pub(super) fn of_agency(role: Role, agency: &str, number: u32) -> Self {
        let word = match role {
            Role::Leader => "leader",
            Role::Receptionist => "receptionist",
            Role::HomeVisitor => "visitor",
            _ => "officer",
        };
        Self {
            id: format!("{word}-{agency}-{number}"),
            role,
            agency: agency.to_owned(),
        }
    }

    /// The system that takes online payments for an agency.
    pub(super) fn payment_platform(agency: &str) -> Self {
        Self::system("payment-platform-1", agency)
    }

    /// Another system that answers for an agency.
    pub(super) fn system(name: &str, agency: &str) -> Self {
        Self {
            id: name.to_owned(),
            role: Role::System,
            agency: agency.to_owned(),
        }
    }

    /// Whoever signs for an agency's first leader while they are away: an officer, who has no leader's role.
    pub(super) fn deputy(agency: &str) -> Self {
        Self {
            id: format!("deputy-{agency}-1"),
            role: Role::Officer,
            agency: agency.to_owned(),
        }
    }

    /// The citizen whose matter it is, who submits through the portal.
    pub(super) fn citizen(arrival: usize) -> Self {
        Self {
            id: format!("citizen-{}", arrival + 1),
            role: Role::Citizen,
            agency: String::new(),
        }
    }
}

/// Somebody behind the counter, with the tasks that lie on the desk.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) member: Member,
    tasks: Vec<Taken>,
}

/// A task on a desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// The arrival that the dossier came with.
    pub(super) arrival: usize,
    /// `cases/{code}/tasks/{task}`.
    pub(super) name: String,
    /// The outcome that it will have.
    pub(super) outcome: String,
    /// Whether that refuses what was asked for.
    pub(super) refuses: bool,
    /// Whether it goes back a step in place of that.
    pub(super) returns: bool,
    /// When the whole case is due.
    pub(super) due: Timestamp,
    /// Working minutes that are still to be done.
    pub(super) left: u32,
}

impl Desk {
    pub(super) fn new(role: Role, agency: &str, number: u32) -> Self {
        Self {
            member: Member::of_agency(role, agency, number),
            tasks: Vec::new(),
        }
    }

    /// Works for so many minutes, on what is due first; what stands still is left alone. Gives back what is done.
    pub(super) fn work(
        &mut self,
        minutes: u32,
        stands_still: impl Fn(usize) -> bool,
    ) -> Vec<Taken> {
        self.tasks
            .sort_by(|a, b| (a.due, a.arrival, &a.name).cmp(&(b.due, b.arrival, &b.name)));
        let mut minutes = minutes;
        let mut done = Vec::new();
        self.tasks.retain_mut(|task| {
            if stands_still(task.arrival) {
                return true;
            }
            let spent = task.left.min(minutes);
            minutes -= spent;
            task.left -= spent;
            if task.left > 0 {
                return true;
            }
            done.push(task.clone());
            false
        });
        done
    }

    /// Whether another task would be begun within so many minutes. An urgent one is put on top of a few.
    pub(super) fn has_room(
        &self,
        ahead: u32,
        urgent: bool,
        desk_max: usize,
        stands_still: impl Fn(usize) -> bool,
    ) -> bool {
        let moving = self.tasks.iter().filter(|task| !stands_still(task.arrival));
        self.load(&stands_still) < ahead || (urgent && moving.count() < desk_max)
    }

    /// Minutes of work on the desk.
    pub(super) fn load(&self, stands_still: impl Fn(usize) -> bool) -> u32 {
        self.tasks
            .iter()
            .filter(|task| !stands_still(task.arrival))
            .map(|task| task.left)
            .sum()
    }

    pub(super) fn take(&mut self, task: Taken) {
        self.tasks.push(task);
    }

    /// A case that has ended leaves the desk.
    pub(super) fn drop_case(&mut self, arrival: usize) {
        self.tasks.retain(|task| task.arrival != arrival);
    }

    /// Whether a task lies here.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.tasks.iter().any(|task| task.name == name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Whether something could be done here now.
    pub(super) fn is_busy(&self, stands_still: impl Fn(usize) -> bool) -> bool {
        self.tasks.iter().any(|task| !stands_still(task.arrival))
    }
}

/// People who serve in turn: at the counter, or on the road.
#[derive(Debug)]
pub(super) struct Crew {
    role: Role,
    agency: String,
    people: u32,
    /// Minutes of the present tick that are left; below zero where the last act ran into the next one.
    left: i64,
    served: u32,
}

impl Crew {
    pub(super) fn new(role: Role, agency: &str, people: u32) -> Self {
        Self {
            role,
            agency: agency.to_owned(),
            people: people.max(1),
            left: 0,
            served: 0,
        }
    }

    /// A new tick with so many minutes; unused time is gone, borrowed time is paid back.
    pub(super) fn begin(&mut self, minutes: u32) {
        self.left = self.left.min(0) + i64::from(minutes) * i64::from(self.people);
    }

    /// Who serves next, if anybody has time.
    pub(super) fn serve(&mut self, minutes: u32) -> Option<Member> {
        if self.left <= 0 {
            return None;
        }
        self.left -= i64::from(minutes);
        let number = self.served % self.people + 1;
        self.served = self.served.wrapping_add(1);
        Some(Member::of_agency(self.role, &self.agency, number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn task(arrival: usize, due: i64, left: u32) -> Taken {
        Taken {
            arrival,
            name: format!("t{arrival}"),
            outcome: "approved".into(),
            refuses: false,
            returns: false,
            due: at(due),
            left,
        }
    }

    fn nothing_stands(_: usize) -> bool {
        false
    }

    fn arrivals(done: &[Taken]) -> Vec<usize> {
        done.iter().map(|task| task.arrival).collect()
    }

    #[test]
    fn what_is_due_first_is_done_first_and_the_rest_waits() {
        let mut desk = Desk::new(Role::Officer, "11593", 2);
        assert_eq!(desk.member.id, "officer-11593-2");
        desk.take(task(1, 500, 10));
        desk.take(task(2, 100, 10));
        assert_eq!(arrivals(&desk.work(15, nothing_stands)), [2]);
        assert_eq!(desk.load(nothing_stands), 5);
        assert_eq!(arrivals(&desk.work(15, nothing_stands)), [1]);
        assert!(desk.is_empty());
    }

    #[test]
    fn a_case_that_stands_still_takes_no_time_and_no_room() {
        let mut desk = Desk::new(Role::Officer, "11593", 1);
        desk.take(task(1, 100, 30));
        let held = |arrival| arrival == 1;
        assert!(desk.work(60, held).is_empty());
        assert!(desk.has_room(15, false, 4, held) && !desk.is_busy(held));
        assert_eq!(arrivals(&desk.work(30, nothing_stands)), [1]);
    }

    #[test]
    fn whoever_has_work_takes_only_what_is_urgent_and_not_without_end() {
        let mut desk = Desk::new(Role::Officer, "11593", 1);
        desk.take(task(1, 100, 60));
        assert!(!desk.has_room(15, false, 2, nothing_stands));
        assert!(desk.has_room(15, true, 2, nothing_stands));
        desk.take(task(2, 50, 60));
        assert!(!desk.has_room(15, true, 2, nothing_stands));
    }

    #[test]
    fn a_crew_serves_in_turn_until_its_time_is_up_and_pays_back_what_it_borrowed() {
        let mut crew = Crew::new(Role::Receptionist, "11593", 2);
        assert!(crew.serve(5).is_none(), "closed");
        crew.begin(15);
        let served: Vec<_> = std::iter::from_fn(|| crew.serve(20))
            .map(|member| member.id)
            .collect();
        assert_eq!(served, ["receptionist-11593-1", "receptionist-11593-2"]);
        crew.begin(5);
        assert!(
            crew.serve(1).is_none(),
            "ten minutes were borrowed, ten have passed"
        );
        crew.begin(5);
        assert!(crew.serve(1).is_some());
    }
}
