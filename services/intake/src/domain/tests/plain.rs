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
            "1 working day(s) 6 hour(s) 30 minute(s) are left.",
            "The due follows from the reception at 16:10 on 28/08/2025 and the limit of 3 working days: \
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
            "Tiếp theo: ông/bà bổ sung, chậm nhất 17 giờ 00 ngày 10/07/2025; quá hạn, hồ sơ bị từ chối tiếp nhận.",
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
             vì thời gian chờ bổ sung, chờ nộp phí hoặc do gia hạn."
        ),
        "{}",
        told[3]
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
