//! Time that does not count.

use motcua_calendar::{Hold, Standing};

use crate::support::{
    at, due, due_in, due_with, held, office, office_with_saturday_reception, shown,
};

#[test]
fn working_days_move_by_the_working_days_after_the_asking_up_to_the_day_of_provision() {
    let wednesday_to_friday = [held("2025-07-02T10:00", "2025-07-04T09:00")];
    assert_eq!(
        due("2025-07-01T09:00", "3 working days"),
        "2025-07-04T17:00"
    );
    assert_eq!(
        due_with("2025-07-01T09:00", "3 working days", &wednesday_to_friday),
        "2025-07-08T17:00"
    );
    let the_same_day = [held("2025-07-02T08:00", "2025-07-02T16:00")];
    assert_eq!(
        due_with("2025-07-01T09:00", "3 working days", &the_same_day),
        "2025-07-04T17:00"
    );
}

#[test]
fn a_hold_over_holidays_moves_by_its_working_days_only() {
    let over_tet = [held("2026-02-12T10:00", "2026-02-24T09:00")];
    // Without it the days are 12, 13 and 23 February; it holds 13, 23 and 24: three days more.
    assert_eq!(
        due("2026-02-11T09:00", "3 working days"),
        "2026-02-23T17:00"
    );
    assert_eq!(
        due_with("2026-02-11T09:00", "3 working days", &over_tet),
        "2026-02-26T17:00"
    );
}

#[test]
fn asked_for_on_the_due_day_itself_still_moves_it() {
    let hold = [held("2025-07-02T16:00", "2025-07-04T09:00")];
    assert_eq!(
        due_with("2025-07-01T09:00", "1 working day", &hold),
        "2025-07-04T17:00"
    );
}

#[test]
fn asked_for_after_the_due_day_moves_nothing() {
    let hold = [held("2025-07-03T08:00", "2025-07-04T09:00")];
    assert_eq!(
        due_with("2025-07-01T09:00", "1 working day", &hold),
        "2025-07-02T17:00"
    );
}

#[test]
fn what_was_asked_for_and_comes_at_night_is_provided_when_the_counter_opens() {
    let hold = [held("2025-07-02T10:00", "2025-07-03T22:00")];
    assert_eq!(
        due_with("2025-07-01T09:00", "3 working days", &hold),
        "2025-07-08T17:00"
    );
}

#[test]
fn no_due_is_before_the_provision() {
    let office = office_with_saturday_reception();
    let hold = [held("2025-07-02T16:00", "2025-07-05T09:00")];
    assert_eq!(
        shown(due_in(&office, "2025-07-01T09:00", "1 working day", &hold).at),
        "2025-07-07T17:00"
    );
    assert_eq!(
        shown(due_in(&office, "2025-07-01T09:00", "1 calendar day", &hold).at),
        "2025-07-07T17:00"
    );
}

#[test]
fn working_hours_run_on_with_the_minutes_that_remained() {
    let hold = [held("2025-07-01T10:00", "2025-07-03T14:00")];
    // An hour was used; three remain: to 17:00.
    assert_eq!(
        due_with("2025-07-01T09:00", "4 working hours", &hold),
        "2025-07-03T17:00"
    );
    assert_eq!(
        due_with("2025-07-01T09:00", "0.5 working days", &hold),
        "2025-07-03T17:00"
    );
    // Asked in the very minute in which the time ran out: due with the provision.
    assert_eq!(
        due_with("2025-07-01T09:00", "1 working hour", &hold),
        "2025-07-03T14:00"
    );
    assert_eq!(
        due_with("2025-07-01T08:00", "1 working hour", &hold),
        "2025-07-01T09:00"
    );
}

#[test]
fn calendar_days_move_by_calendar_days_then_to_a_working_day() {
    let hold = [held("2025-07-02T10:00", "2025-07-04T09:00")];
    assert_eq!(
        due("2025-07-01T09:00", "7 calendar days"),
        "2025-07-08T17:00"
    );
    assert_eq!(
        due_with("2025-07-01T09:00", "7 calendar days", &hold),
        "2025-07-10T17:00"
    );
    assert_eq!(
        due_with("2025-07-01T09:00", "3 calendar days", &hold),
        "2025-07-07T17:00",
        "moved from Sunday"
    );
}

#[test]
fn a_same_day_limit_moves_by_working_days_and_meets_its_cutoff_again() {
    let provided = |to| [held("2025-07-01T09:30", to)];
    assert_eq!(
        due_with(
            "2025-07-01T09:00",
            "same day",
            &provided("2025-07-01T11:00")
        ),
        "2025-07-01T17:00"
    );
    assert_eq!(
        due_with(
            "2025-07-01T09:00",
            "same day",
            &provided("2025-07-03T15:00")
        ),
        "2025-07-03T17:00"
    );
    assert_eq!(
        due_with(
            "2025-07-01T09:00",
            "same day",
            &provided("2025-07-03T15:01")
        ),
        "2025-07-04T17:00"
    );
    assert_eq!(
        due_with(
            "2025-07-01T09:00",
            "same day",
            &provided("2025-07-01T15:01")
        ),
        "2025-07-02T17:00"
    );
}

#[test]
fn holds_may_overlap_and_come_in_any_order() {
    let payment = held("2025-07-02T10:00", "2025-07-03T10:00");
    let supplement = held("2025-07-02T14:00", "2025-07-04T10:00");
    let within = held("2025-07-02T15:00", "2025-07-03T09:00");
    let at_once = held("2025-07-02T10:00", "2025-07-04T10:00");
    for limit in [
        "3 working days",
        "12 working hours",
        "9 calendar days",
        "same day",
    ] {
        let expected = due_with("2025-07-01T09:00", limit, &[at_once]);
        assert_eq!(
            due_with("2025-07-01T09:00", limit, &[payment, supplement]),
            expected,
            "{limit}"
        );
        assert_eq!(
            due_with("2025-07-01T09:00", limit, &[within, supplement, payment]),
            expected,
            "{limit}"
        );
    }
}

#[test]
fn while_a_hold_is_open_the_clock_stands_still() {
    let open = Hold {
        from: at("2025-07-02T10:00"),
        to: None,
    };
    let due = due_in(&office(), "2025-07-01T09:00", "2 working days", &[open]);
    assert_eq!(shown(due.at), "2025-07-03T17:00", "the earliest possible");
    assert_eq!(due.held_since, Some(at("2025-07-02T10:00")));
    assert_eq!(due.judge(at("2025-09-30T10:00")), Standing::Early);
    let late = Hold {
        from: at("2025-07-04T10:00"),
        to: None,
    };
    let due = due_in(&office(), "2025-07-01T09:00", "2 working days", &[late]);
    assert_eq!(
        due.judge(at("2025-09-30T10:00")),
        Standing::Overdue,
        "it was before it was asked for"
    );
}

#[test]
fn of_two_holds_the_closed_one_moves_the_due_while_the_other_is_still_open() {
    let open = Hold {
        from: at("2025-07-02T10:00"),
        to: None,
    };
    let paid = held("2025-07-01T10:00", "2025-07-02T15:00");
    let due = due_in(
        &office(),
        "2025-07-01T09:00",
        "2 working days",
        &[open, paid],
    );
    assert_eq!(shown(due.at), "2025-07-04T17:00");
    assert_eq!(due.held_since, Some(at("2025-07-02T10:00")));
    let second = Hold {
        from: at("2025-07-02T11:00"),
        to: None,
    };
    let due = due_in(
        &office(),
        "2025-07-01T09:00",
        "2 working days",
        &[second, open],
    );
    assert_eq!(
        due.held_since,
        Some(open.from),
        "the first of those still open"
    );
}

#[test]
fn what_was_asked_for_before_reception_does_not_count_again() {
    let before = [held("2025-06-27T10:00", "2025-07-01T08:00")];
    assert_eq!(
        due_with("2025-07-01T09:00", "1 working day", &before),
        "2025-07-02T17:00"
    );
}

#[test]
fn a_hold_moves_the_stage_in_which_it_began_and_those_that_follow() {
    let adoption = "10 working days then 15 calendar days then 5 working days";
    // Two working days of the first stage: it ends on 24 March, the second on 8 April.
    assert_eq!(
        due_with(
            "2026-03-06T09:00",
            adoption,
            &[held("2026-03-10T09:00", "2026-03-12T09:00")]
        ),
        "2026-04-15T17:00"
    );
    // Four calendar days of the second stage, a weekend among them: it ends on 8 April and not on the 4th.
    assert_eq!(
        due_with(
            "2026-03-06T09:00",
            adoption,
            &[held("2026-03-26T09:00", "2026-03-30T09:00")]
        ),
        "2026-04-15T17:00"
    );
    // Asked for on the last evening of the first stage: it is not over before the answer, and nothing counts twice.
    assert_eq!(
        due_with(
            "2026-03-06T09:00",
            adoption,
            &[held("2026-03-20T17:00", "2026-03-23T10:00")]
        ),
        "2026-04-14T17:00"
    );
}
