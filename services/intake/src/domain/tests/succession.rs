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
