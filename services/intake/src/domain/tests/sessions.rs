//! Sessions in which some fields alone are received: residence on a Saturday morning. Decree 118/2025, art. 17.

use motcua_proto::intake::v1::Language;

use super::*;
use crate::domain::plain::tell;

/// The ward, whose counter receives residence matters on Saturday from 07:30 to 11:00.
fn counter(local: &str) -> Counter {
    let mut catalog = proto_catalog();
    let residence = catalog
        .procedures
        .iter_mut()
        .find(|it| it.code == "1.004194");
    "Cư trú".clone_into(&mut residence.unwrap().field);
    catalog.calendars[0].sessions.push(Session {
        weekday: 6,
        from_minute: 7 * 60 + 30,
        to_minute: 11 * 60,
        reception_only: true,
        fields: vec!["Cư trú".to_owned()],
    });
    Counter {
        catalog: Arc::new(Catalog::parse(&catalog).unwrap()),
        ..Counter::opens(local)
    }
}

#[test]
fn a_session_for_some_fields_receives_them_and_the_others_are_received_on_monday() {
    // Saturday, 5 July.
    for (procedure, received, due) in [
        ("1.004194", "2025-07-05T08:00:00", "2025-07-07T17:00:00"),
        ("2.002622", "2025-07-07T07:00:00", "2025-07-10T17:00:00"),
        ("1.000656", "2025-07-07T07:00:00", "2025-07-07T17:00:00"),
    ] {
        let counter =
            counter("2025-07-05T08:00:00").does(&submission(procedure, Channel::Counter, true));
        let accepted = counter.accepted();
        assert_eq!(
            (
                instant(accepted.received_at.as_ref()),
                instant(accepted.due_at.as_ref())
            ),
            (at(received), at(due)),
            "{procedure}"
        );
    }
}

#[test]
fn what_came_in_a_session_that_is_not_for_it_was_submitted_outside_hours_and_is_told_so() {
    let told = |procedure| {
        let mut counter =
            counter("2025-07-05T08:00:00").does(&submission(procedure, Channel::Counter, true));
        counter.now = at("2025-07-07T08:00:00");
        let (catalog, now) = (&counter.catalog, counter.now);
        let told = tell(counter.dossier(), catalog, None, now, Language::Vietnamese);
        told.join(" ")
            .contains("nộp ngoài giờ nên tiếp nhận lúc 07 giờ 00 ngày 07/07/2025")
    };
    assert!(told("2.002622"));
    assert!(!told("1.004194"));
}
