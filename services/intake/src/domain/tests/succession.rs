//! Procedures that were replaced and agencies that were merged take nothing new; what they have goes on.

use super::*;

/// The catalog with something changed about its first procedure and its first agency.
fn counter(change: impl FnOnce(&mut Procedure, &mut Agency)) -> Counter {
    let mut proto = proto_catalog();
    change(&mut proto.procedures[0], &mut proto.agencies[0]);
    let mut counter = Counter::opens("2025-07-01T08:00:00");
    counter.catalog = Arc::new(Catalog::parse(&proto).unwrap());
    counter
}

fn refused(mut counter: Counter) -> String {
    let asked = counter.asks(&submission("1.000656", Channel::Counter, true));
    let Err(Error::Invalid(violations)) = asked else {
        panic!("{asked:?}")
    };
    let [violation] = violations.as_slice() else {
        panic!("{violations:?}")
    };
    format!("{}: {}", violation.field, violation.description)
}

fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

#[test]
fn a_procedure_is_open_until_its_successor_is_in_the_catalog_too() {
    let replaced = counter(|procedure, _| procedure.successor = "2.002622".to_owned());
    assert_eq!(
        refused(replaced),
        "procedure: '1.000656' was replaced by '2.002622'"
    );
    let mut announced = counter(|procedure, _| procedure.successor = "2.002913".to_owned());
    announced
        .asks(&submission("1.000656", Channel::Counter, true))
        .unwrap();
}

/// The first procedure until 1 July 2025, and the last one in its place from the day after.
fn replaced_on_the_second() -> Counter {
    let mut proto = proto_catalog();
    let mut new = proto.procedures[0].clone();
    new.code = "1.009999".to_owned();
    new.valid_from = day(2025, 7, 2);
    proto.procedures[0].successor = "1.009999".to_owned();
    proto.procedures[0].valid_to = day(2025, 7, 1);
    proto.procedures.push(new);
    let mut counter = Counter::opens("2025-07-01T08:00:00");
    counter.catalog = Arc::new(Catalog::parse(&proto).unwrap());
    counter
}

#[test]
fn a_procedure_takes_the_place_of_another_one_by_the_day() {
    for (now, code, told) in [
        ("2025-07-01T23:59:59", "1.000656", None),
        (
            "2025-07-01T23:59:59",
            "1.009999",
            Some("'1.009999' begins on 2025-07-02: until then there is '1.000656'"),
        ),
        (
            "2025-07-02T00:00:00",
            "1.000656",
            Some("'1.000656' ended on 2025-07-01: its place is taken by '1.009999'"),
        ),
        ("2025-07-02T00:00:00", "1.009999", None),
    ] {
        let mut counter = replaced_on_the_second();
        counter.now = at(now);
        let asked = counter.asks(&submission(code, Channel::Portal, false));
        let found = match asked {
            Ok(_) => None,
            Err(Error::Invalid(violations)) => {
                assert_eq!(violations.len(), 1);
                assert_eq!(violations[0].field, "procedure");
                Some(violations[0].description.clone())
            }
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(found.as_deref(), told, "{code} at {now}");
    }
}

#[test]
fn what_was_submitted_on_the_last_day_is_accepted_after_it_under_the_code_that_it_had() {
    let mut counter = replaced_on_the_second();
    counter.now = at("2025-07-01T22:00:00");
    counter
        .asks(&submission("1.000656", Channel::Portal, false))
        .unwrap();
    counter.now = at("2025-07-02T08:00:00");
    counter.asks(&Command::Accept).unwrap();
    assert_eq!(counter.dossier().procedure, "1.000656");
    let received_at = counter.accepted().received_at;
    assert_eq!(received_at, Some(to_proto(at("2025-07-02T08:00:00"))));
}

#[test]
fn an_agency_receives_from_its_first_day_to_its_last() {
    for (from, to, receives) in [
        (day(2025, 7, 1), None, true),
        (None, day(2025, 7, 1), true),
        (day(2025, 7, 2), None, false),
        (None, day(2025, 6, 30), false),
    ] {
        let mut counter = counter(|_, agency| {
            (agency.valid_from, agency.valid_to) = (from, to);
        });
        let asked = counter.asks(&submission("1.000656", Channel::Counter, true));
        assert_eq!(asked.is_ok(), receives, "{from:?} to {to:?}: {asked:?}");
    }
    let merged = counter(|_, agency| {
        agency.valid_to = day(2025, 6, 30);
        agency.successors = vec!["11600".to_owned(), "11407".to_owned()];
    });
    assert_eq!(
        refused(merged),
        "receiving_agency: '11593' does not receive today: its place is taken by 11600, 11407"
    );
}

#[test]
fn what_an_agency_had_received_before_its_last_day_goes_on() {
    let mut counter = counter(|_, agency| agency.valid_to = day(2025, 7, 1));
    counter
        .asks(&submission("1.000656", Channel::Post, false))
        .unwrap();
    counter.now = at("2025-07-02T08:00:00");
    counter.asks(&Command::Accept).unwrap();
}
