//! Why a dossier is due when it is.

use motcua_calendar::{DueHour, Hold, Limit, Reason};

use crate::support::{at, held, office, time};

#[test]
fn the_explanation_names_every_day_and_why_it_did_or_did_not_count() {
    let explained = office()
        .explain(
            at("2026-02-13T15:20"),
            &Limit::working_days(3),
            DueHour::EndOfDay,
            &[held("2026-02-23T09:00", "2026-02-24T10:00")],
        )
        .unwrap();
    assert_eq!(
        explained.to_string(),
        "\
received         Fri 2026-02-13 15:20
limit            3 working days
Fri 2026-02-13        -  first day, left out (Civil Code 2015, art. 147)
Sat 2026-02-14        -  weekly day off
Sun 2026-02-15        -  weekly day off
Mon 2026-02-16        -  holiday: Giao thừa Tết Nguyên Đán (Labour Code 2019, art. 112)
Tue 2026-02-17        -  holiday: Tết Nguyên Đán (Labour Code 2019, art. 112)
Wed 2026-02-18        -  holiday: Mùng hai Tết Nguyên Đán (Labour Code 2019, art. 112)
Thu 2026-02-19        -  holiday: Mùng ba Tết Nguyên Đán (Labour Code 2019, art. 112)
Fri 2026-02-20        -  holiday: Mùng bốn Tết Nguyên Đán (Labour Code 2019, art. 112)
Sat 2026-02-21        -  weekly day off
Sun 2026-02-22        -  weekly day off
Mon 2026-02-23        1  working day
Tue 2026-02-24        -  on hold from Mon 2026-02-23 09:00 to Tue 2026-02-24 10:00 (decree 118/2025, art. 17 and 18)
Wed 2026-02-25        2  working day
Thu 2026-02-26        3  working day
due              Thu 2026-02-26 17:00, overdue from Fri 2026-02-27 00:00"
    );
}

#[test]
fn the_explanation_of_hours_names_every_session() {
    let explained = office()
        .explain(
            at("2025-07-04T10:30"),
            &Limit::working_hours(8),
            DueHour::EndOfDay,
            &[held("2025-07-04T14:00", "2025-07-07T08:00")],
        )
        .unwrap();
    assert_eq!(
        explained.to_string(),
        "\
received         Fri 2025-07-04 10:30
limit            8 working hours
Fri 2025-07-04   60 min  working time 10:30 to 11:30
Fri 2025-07-04   30 min  working time 13:30 to 14:00
Fri 2025-07-04        -  on hold from Fri 2025-07-04 14:00 to Mon 2025-07-07 08:00 (decree 118/2025, art. 17 and 18)
Sat 2025-07-05        -  weekly day off
Sun 2025-07-06        -  weekly day off
Mon 2025-07-07        -  on hold from Fri 2025-07-04 14:00 to Mon 2025-07-07 08:00 (decree 118/2025, art. 17 and 18)
Mon 2025-07-07  210 min  working time 08:00 to 11:30
Mon 2025-07-07  180 min  working time 13:30 to 16:30
due              Mon 2025-07-07 16:30, overdue from Mon 2025-07-07 16:31"
    );
}

#[test]
fn the_explanation_says_what_moved_the_end() {
    let reasons = |received, limit: &str, holds: &[Hold]| -> Vec<Reason> {
        let limit = limit.parse().unwrap();
        let explained = office()
            .explain(at(received), &limit, DueHour::EndOfDay, holds)
            .unwrap();
        explained
            .lines
            .into_iter()
            .map(|line| line.reason)
            .collect()
    };
    assert_eq!(
        reasons("2025-07-01T15:01", "same day", &[]),
        [
            Reason::CutoffPassed {
                cutoff: time("15:00")
            },
            Reason::WorkingDay
        ]
    );
    assert_eq!(
        reasons("2025-07-04T20:00", "same day", &[]),
        [
            Reason::OutsideHours {
                received: at("2025-07-07T07:00")
            },
            Reason::SameDay
        ]
    );
    assert_eq!(
        reasons("2025-07-04T09:00", "1 calendar day", &[]),
        [
            Reason::FirstDay,
            Reason::DayOff,
            Reason::DayOff,
            Reason::LastDayMoved
        ]
    );
    assert_eq!(
        reasons(
            "2025-07-01T09:00",
            "same day",
            &[held("2025-07-01T09:30", "2025-07-01T15:30")]
        ),
        [
            Reason::SameDay,
            Reason::ProvidedAfterCutoff {
                cutoff: time("15:00")
            },
            Reason::WorkingDay
        ]
    );
    let open = Hold {
        from: at("2025-07-01T10:00"),
        to: None,
    };
    assert_eq!(
        reasons("2025-07-01T09:00", "1 working hour", &[open]),
        [
            Reason::Session {
                from: time("09:00"),
                to: time("10:00")
            },
            Reason::HoldOpen {
                since: at("2025-07-01T10:00")
            }
        ]
    );
}
