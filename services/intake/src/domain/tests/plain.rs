//! What an applicant is told, word for word.

use motcua_proto::intake::v1::Language;

use super::*;
use crate::domain::plain::tell;

fn told(counter: &Counter, language: Language) -> Vec<String> {
    let (catalog, now) = (&counter.catalog, counter.now);
    tell(counter.dossier(), catalog, None, now, language)
}

#[test]
fn a_day_off_that_was_decided_since_is_named_as_one() {
    let mut counter =
        Counter::opens("2025-07-01T08:00:00").does(&submission("2.002622", Channel::Counter, true));
    let mut later = proto_catalog();
    later.id = "later".to_owned();
    later.calendars[0].days.push(CalendarDay {
        date: Some(Date {
            year: 2025,
            month: 7,
            day: 3,
        }),
        kind: CalendarDayKind::Holiday.into(),
        title: "Nghỉ vì bão".to_owned(),
    });
    let later = Catalog::parse(&later).unwrap();
    // As workflow reckons it anew: three working days from Tuesday.
    counter = counter.does(&news(
        EventKind::DeadlineRecomputed,
        None,
        Some(at("2025-07-07T17:00:00")),
    ));
    let (catalog, now) = (&counter.catalog, counter.now);
    let told = tell(
        counter.dossier(),
        catalog,
        Some(&later),
        now,
        Language::Vietnamese,
    );
    let why = told.last().unwrap();
    assert!(why.contains("03/07 (Nghỉ vì bão)"), "{why}");
    assert!(!why.contains("đã dời"), "{why}");
}

#[test]
fn while_it_is_worked_on_one_is_told_by_whom_until_when_how_long_still_and_why() {
    let mut counter =
        Counter::opens("2025-08-28T16:10:00").does(&submission("2.002622", Channel::Counter, true));
    counter.now = at("2025-09-01T08:30:00");
    assert_eq!(
        told(&counter, Language::Vietnamese),
        [
            "Đơn vị 11593 đang giải quyết hồ sơ, từ 16 giờ 10 ngày 28/08/2025.",
            "Tiếp theo: trả kết quả tại nhà, hẹn 17 giờ 00 ngày 03/09/2025.",
            "Còn 1 ngày 6 giờ 30 phút làm việc.",
            "Hạn trả tính từ lúc tiếp nhận, 16 giờ 10 ngày 28/08/2025, trong thời hạn 3 ngày làm việc: \
             không tính ngày tiếp nhận 28/08 (Điều 147 Bộ luật Dân sự 2015); \
             không tính ngày nghỉ 30/08, 31/08, 02/09 (Quốc khánh).",
        ]
    );
    assert_eq!(
        told(&counter, Language::English)[2..],
        [
            "1 working day 6 hours 30 minutes are left.",
            "The due date follows from the reception at 16:10 on 28/08/2025 and the limit of 3 working days: \
             the day of reception, 28/08, is left out (Civil Code 2015, art. 147); \
             days off do not count: 30/08, 31/08, 02/09 (Quốc khánh).",
        ]
    );
}

#[test]
fn whoever_must_act_is_told_by_when_and_what_follows_otherwise() {
    let counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&ask_supplement());
    assert_eq!(
        told(&counter, Language::Vietnamese),
        [
            "Hồ sơ đang chờ ông/bà bổ sung giấy tờ, từ 08 giờ 00 ngày 01/07/2025.",
            "Tiếp theo: ông/bà bổ sung giấy tờ; quá hạn, hồ sơ bị từ chối tiếp nhận.",
            "Ông/bà cần bổ sung giấy tờ chậm nhất 17 giờ 00 ngày 10/07/2025; \
             thời hạn giải quyết chỉ tính từ khi hồ sơ được tiếp nhận.",
        ]
    );
}

#[test]
fn what_is_late_is_said_to_be_late_and_a_moved_due_says_why() {
    let mut counter = Counter::opens("2025-07-01T15:01:00")
        .does(&submission("1.000656", Channel::Counter, true))
        .does(&news(
            EventKind::DeadlineExtended,
            None,
            Some(at("2025-07-03T17:00:00")),
        ));
    counter.now = at("2025-07-04T09:30:00");
    let told = told(&counter, Language::Vietnamese);
    assert_eq!(
        told[2],
        "Đã quá hạn 2 giờ 30 phút làm việc; chúng tôi xin lỗi ông/bà về sự chậm trễ này."
    );
    assert!(
        told[3].contains("tiếp nhận sau 15:00 nên trả vào ngày làm việc tiếp theo"),
        "{}",
        told[3]
    );
    assert!(
        told[3].ends_with(
            "Ngày hẹn trả đã dời từ 17 giờ 00 ngày 02/07/2025 sang 17 giờ 00 ngày 03/07/2025 \
             do được gia hạn kèm văn bản xin lỗi (Mẫu 04)."
        ),
        "{}",
        told[3]
    );
}

/// A dossier of three working days from Tuesday 1 July, whose case has begun.
fn begun() -> Counter {
    Counter::opens("2025-07-01T08:00:00")
        .does(&submission("2.002622", Channel::Counter, true))
        .does(&news(
            EventKind::CaseStarted,
            Some(DossierStatus::InProgress),
            None,
        ))
}

fn resumed(due_at: &str) -> Command {
    Command::Follow(News {
        position: 3,
        kind: EventKind::CaseResumed,
        at: at("2025-07-03T09:00:00"),
        change: Change::Progress {
            status: Some(DossierStatus::InProgress),
            due_at: Some(at(due_at)),
            limit: None,
        },
    })
}

fn why(counter: &Counter, language: Language) -> String {
    told(counter, language).pop().unwrap()
}

#[test]
fn a_due_that_waiting_moved_says_what_was_waited_for_and_an_extension_says_so() {
    let by_hold = "2025-07-08T17:00:00";
    for (status, waited, in_english) in [
        (
            DossierStatus::SupplementRequired,
            "vì thời gian chờ ông/bà bổ sung giấy tờ không tính vào thời hạn giải quyết",
            "by the wait for papers, in which no time counts",
        ),
        (
            DossierStatus::PaymentRequired,
            "vì thời gian chờ ông/bà nộp phí, lệ phí không tính vào thời hạn giải quyết",
            "by the wait for a payment, in which no time counts",
        ),
    ] {
        let counter = begun().does(&asked::asks(status)).does(&resumed(by_hold));
        let moved = format!(
            "Ngày hẹn trả đã dời từ 17 giờ 00 ngày 04/07/2025 sang 17 giờ 00 ngày 08/07/2025 {waited}."
        );
        let told = why(&counter, Language::Vietnamese);
        assert!(told.ends_with(&moved), "{told}");
        let told = why(&counter, Language::English);
        assert!(told.ends_with(&format!("{in_english}.")), "{told}");

        let counter = counter.does(&news(
            EventKind::DeadlineExtended,
            None,
            Some(at("2025-07-10T17:00:00")),
        ));
        let told = why(&counter, Language::Vietnamese);
        assert!(
            told.ends_with(&format!(
                "{waited} và do được gia hạn kèm văn bản xin lỗi (Mẫu 04)."
            )),
            "{told}"
        );
    }
}

#[test]
fn a_due_that_the_calendar_does_not_explain_is_given_no_cause() {
    let counter = begun().does(&news(
        EventKind::DeadlineRecomputed,
        None,
        Some(at("2025-07-03T17:00:00")),
    ));
    let told = why(&counter, Language::Vietnamese);
    assert!(
        told.ends_with("đã dời từ 17 giờ 00 ngày 04/07/2025 sang 17 giờ 00 ngày 03/07/2025."),
        "{told}"
    );
}

#[test]
fn a_row_from_before_holds_were_kept_leaves_the_cause_open() {
    let mut counter = begun()
        .does(&asked::asks(DossierStatus::SupplementRequired))
        .does(&resumed("2025-07-08T17:00:00"));
    counter.dossier.as_mut().unwrap().holds.clear();
    let told = why(&counter, Language::Vietnamese);
    assert!(
        told.ends_with("vì thời gian chờ bổ sung, chờ nộp phí hoặc do gia hạn."),
        "{told}"
    );
}

#[test]
fn while_the_case_waits_one_is_told_by_when_to_act_and_that_no_time_counts() {
    for (status, act, in_english) in [
        (
            DossierStatus::SupplementRequired,
            "bổ sung giấy tờ",
            "hand in what is missing",
        ),
        (DossierStatus::PaymentRequired, "nộp phí, lệ phí", "pay"),
    ] {
        let counter = begun().does(&asked::asks(status));
        assert_eq!(
            told(&counter, Language::Vietnamese)[1..3],
            [
                "Tiếp theo: khi nhận đủ, Đơn vị 11593 giải quyết tiếp; quá hạn, hồ sơ bị dừng giải quyết.".to_owned(),
                format!(
                    "Ông/bà cần {act} chậm nhất 17 giờ 00 ngày 10/07/2025; \
                     thời gian chờ không tính vào thời hạn giải quyết."
                ),
            ]
        );
        assert_eq!(
            told(&counter, Language::English)[2],
            format!(
                "You are to {in_english} by 17:00 on 10/07/2025; the wait does not count against the limit."
            )
        );
    }
}

#[test]
fn what_is_awaited_without_end_stops_the_time_too() {
    let counter = begun().does(&news(
        EventKind::CaseHeld,
        Some(DossierStatus::PaymentRequired),
        None,
    ));
    assert_eq!(
        told(&counter, Language::Vietnamese)[2],
        "Ông/bà cần nộp phí, lệ phí; thời gian chờ không tính vào thời hạn giải quyết."
    );
}

#[test]
fn a_limit_of_one_is_singular_and_the_same_day_is_no_length() {
    let same_day =
        Counter::opens("2025-07-01T08:00:00").does(&submission("1.000656", Channel::Counter, true));
    assert_eq!(
        why(&same_day, Language::Vietnamese),
        "Hạn trả tính từ lúc tiếp nhận, 08 giờ 00 ngày 01/07/2025, giải quyết trong ngày."
    );
    assert_eq!(
        why(&same_day, Language::English),
        "The due date follows from the reception at 08:00 on 01/07/2025 and \
         the rule that it is to be resolved the same day."
    );
    let mut one_day =
        Counter::opens("2025-07-01T08:00:00").does(&submission("1.004194", Channel::Counter, true));
    let told_of_it = why(&one_day, Language::English);
    assert!(
        told_of_it.contains("the limit of 1 working day:"),
        "{told_of_it}"
    );
    for (now, left) in [
        ("2025-07-01T17:00:00", "1 working day is left."),
        ("2025-07-02T16:00:00", "1 hour is left."),
        ("2025-07-02T16:59:00", "1 minute is left."),
        ("2025-07-02T15:59:00", "1 hour 1 minute are left."),
        ("2025-07-02T17:00:00", "0 minutes are left."),
        ("2025-07-03T08:00:00", "It is late by 1 hour; we apologise."),
    ] {
        one_day.now = at(now);
        assert_eq!(told(&one_day, Language::English)[2], left, "{now}");
    }
}

#[test]
fn what_came_while_the_counter_was_closed_is_said_to_have_come_so() {
    let at_night =
        Counter::opens("2025-07-04T22:30:00").does(&submission("2.002622", Channel::Portal, false));
    let cases = [
        (
            at_night.clone().at("2025-07-07T08:15:00"),
            Some("nộp ngoài giờ nên tiếp nhận lúc 08 giờ 15 ngày 07/07/2025"),
        ),
        (
            at_night.clone().at("2025-07-04T23:00:00"),
            Some("nộp ngoài giờ nên tiếp nhận lúc 07 giờ 00 ngày 07/07/2025"),
        ),
        // It waited longer than the counter was closed.
        (
            at_night.clone().at("2025-07-08T08:15:00"),
            Some(
                "nộp ngoài giờ, lúc 22 giờ 30 ngày 04/07/2025, và tiếp nhận lúc 08 giờ 15 ngày 08/07/2025",
            ),
        ),
        // What completed it came while the counter was open.
        (
            at_night
                .at("2025-07-07T08:00:00")
                .does(&ask_supplement())
                .at("2025-07-08T09:00:00")
                .does(&provide_supplement()),
            None,
        ),
        (
            Counter::opens("2025-07-01T09:00:00")
                .does(&submission("2.002622", Channel::Portal, false))
                .does(&ask_supplement())
                .at("2025-07-05T09:00:00")
                .does(&provide_supplement())
                .at("2025-07-07T09:00:00"),
            Some("nộp ngoài giờ nên tiếp nhận lúc 09 giờ 00 ngày 07/07/2025"),
        ),
    ];
    for (counter, note) in cases {
        let told = why(&counter.does(&Command::Accept), Language::Vietnamese);
        match note {
            Some(note) => assert!(told.contains(&format!(": {note}; ")), "{told}"),
            None => assert!(!told.contains("ngoài giờ"), "{told}"),
        }
    }
}

#[test]
fn each_end_says_where_its_reason_is_given() {
    for (place, words, in_english) in [
        (
            "3",
            "Phiếu từ chối tiếp nhận giải quyết hồ sơ (Mẫu 03)",
            "Mẫu 03",
        ),
        ("7", "theo yêu cầu của ông/bà", "as you asked"),
        ("8", "Thông báo dừng giải quyết hồ sơ (Mẫu 05)", "Mẫu 05"),
    ] {
        let places = walk::places();
        let (_, counter, _) = places.iter().find(|(name, ..)| *name == place).unwrap();
        let told_of_it = told(counter, Language::Vietnamese);
        assert!(told_of_it[1].contains(words), "{}", told_of_it[1]);
        assert_eq!(
            told_of_it[1].contains("phí, lệ phí"),
            place == "8",
            "{}",
            told_of_it[1]
        );
        assert!(told(counter, Language::English)[1].contains(in_english));
    }
}

#[test]
fn a_ward_acts_as_its_committee() {
    let mut counter = begun();
    let mut catalog = proto_catalog();
    catalog.agencies[0].title = "Phường An Phong".to_owned();
    counter.catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    assert_eq!(
        told(&counter, Language::Vietnamese)[0],
        "UBND phường An Phong đang giải quyết hồ sơ, từ 08 giờ 00 ngày 01/07/2025."
    );
}

#[test]
fn every_place_has_its_words_in_both_languages() {
    for (place, counter, _) in walk::places() {
        for language in [Language::Vietnamese, Language::English] {
            let told = told(&counter, language);
            assert!(!told.is_empty(), "{place}");
            for sentence in told {
                assert!(
                    sentence.ends_with('.') && !sentence.contains("  "),
                    "{place}: {sentence}"
                );
            }
        }
    }
}

#[test]
fn a_due_day_lasts_to_its_end_and_what_is_late_over_a_weekend_is_late() {
    let mut counter =
        Counter::opens("2025-07-01T08:00:00").does(&submission("2.002622", Channel::Counter, true));
    for (now, still) in [
        ("2025-07-04T17:00:00", "Còn 0 phút làm việc."),
        (
            "2025-07-04T20:00:00",
            "Hôm nay là ngày hẹn trả, nhưng đã hết giờ làm việc.",
        ),
        (
            "2025-07-05T09:00:00",
            "Đã quá hạn; chúng tôi xin lỗi ông/bà về sự chậm trễ này.",
        ),
        (
            "2025-07-07T08:00:00",
            "Đã quá hạn 1 giờ làm việc; chúng tôi xin lỗi ông/bà về sự chậm trễ này.",
        ),
    ] {
        counter.now = at(now);
        assert_eq!(told(&counter, Language::Vietnamese)[2], still, "{now}");
    }
}
