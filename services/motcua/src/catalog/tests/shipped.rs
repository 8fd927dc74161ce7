use jiff::civil::date;
use motcua_platform::catalog::Catalog;
use motcua_proto::{
    r#type::v1::{AgencyKind, DueHour, Procedure},
    workflow::v1::step::Kind,
};

use crate::catalog::{Bundle, embedded, read};

fn shipped() -> Bundle {
    embedded().unwrap_or_else(|faults| panic!("the shipped catalog has faults:\n{faults}"))
}

#[test]
fn the_shipped_catalog_has_no_fault() {
    let bundle = shipped();
    let wards = bundle
        .catalog
        .agencies
        .iter()
        .filter(|agency| agency.kind() == AgencyKind::Ward)
        .count();
    let police = bundle
        .catalog
        .agencies
        .iter()
        .filter(|agency| agency.kind() == AgencyKind::Police)
        .count();
    assert_eq!((wards, police), (114, 114));
    assert_eq!(bundle.catalog.procedures.len(), 50);
    assert_eq!(bundle.catalog.calendars.len(), 1);
    assert_eq!(bundle.catalog.calendars[0].sessions.len(), 10);
    assert_eq!(bundle.catalog.calendars[0].days.len(), 44);
}

#[test]
fn the_directory_reads_like_the_binary() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
    let there = read(&dir).unwrap_or_else(|faults| panic!("{faults}"));
    let shipped = shipped();
    assert_eq!(there.catalog, shipped.catalog);
    assert_eq!(there.definitions, shipped.definitions);
}

#[test]
fn an_phong_receives_for_its_police() {
    let bundle = shipped();
    let agency = |code: &str| {
        bundle
            .catalog
            .agencies
            .iter()
            .find(|agency| agency.code == code)
            .unwrap()
    };
    let ward = agency("11593");
    assert_eq!(
        (ward.title.as_str(), ward.identifier.as_str()),
        ("Phường An Phong", "H24.11593")
    );
    assert_eq!(ward.due_hour(), DueHour::EndOfDay);
    let police = agency("11593-ca");
    assert_eq!(
        (police.title.as_str(), police.parent.as_str()),
        ("Công an phường An Phong", "11593")
    );
    assert_eq!(police.identifier, "");
}

#[test]
fn every_procedure_has_its_definition_and_every_definition_a_procedure() {
    let bundle = shipped();
    let procedures = &bundle.catalog.procedures;
    for procedure in procedures {
        let found = bundle
            .definitions
            .iter()
            .any(|definition| definition.id == procedure.definition);
        assert!(found, "{} has no definition", procedure.code);
    }
    for definition in &bundle.definitions {
        let used = procedures
            .iter()
            .any(|procedure| procedure.definition == definition.id);
        assert!(used, "{} is used by no procedure", definition.id);
    }
}

/// The reading itself refuses a budget beyond its limit. Here: the last ones before the cut-off have two hours until the
/// evening, and half of that must be enough for one of them, because they wait for each other.
#[test]
fn what_is_due_the_same_day_leaves_room_for_a_queue() {
    let bundle = shipped();
    for id in ["certification-same-day", "civil-status-same-day"] {
        let definition = bundle
            .definitions
            .iter()
            .find(|definition| definition.id == id)
            .unwrap();
        let planned: i32 = definition
            .steps
            .iter()
            .map(|step| match &step.kind {
                Some(Kind::Task(task)) => task.planned_minutes,
                _ => 0,
            })
            .sum();
        assert!((1..=75).contains(&planned), "{id} takes {planned} minutes");
    }
}

#[test]
fn the_linked_procedures_call_the_police_at_once_with_the_rest() {
    let bundle = shipped();
    for (id, called) in [
        ("linked-death", vec!["1.003197", "1.001731"]),
        ("linked-birth", vec!["1.004222"]),
    ] {
        let definition = bundle
            .definitions
            .iter()
            .find(|definition| definition.id == id)
            .unwrap();
        let kind = |id: &str| {
            definition
                .steps
                .iter()
                .find(|step| step.id == id)
                .unwrap()
                .kind
                .clone()
                .unwrap()
        };
        let Kind::Fork(fork) = kind("branches") else {
            panic!("{id} does not divide")
        };
        assert!(fork.branches.len() >= called.len());
        let calls: Vec<_> = fork
            .branches
            .iter()
            .filter_map(|branch| match kind(&branch.to) {
                Kind::Call(call) => Some(call.procedure),
                _ => None,
            })
            .collect();
        assert_eq!(calls, called, "{id}");
    }
}

#[test]
fn steps_keep_the_order_of_the_file() {
    let bundle = shipped();
    let death = bundle
        .definitions
        .iter()
        .find(|definition| definition.id == "linked-death")
        .unwrap();
    let steps: Vec<_> = death.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        steps,
        [
            "register",
            "notice",
            "enter",
            "sign",
            "branches",
            "residence",
            "funeral",
            "survivorship",
            "joined",
            "issue"
        ]
    );
}

/// The bundles of decree 63/2024 have other codes from 1 September 2026, and the papers and the work of those before them.
#[test]
fn the_codes_of_september_2026_take_the_place_of_those_before_them() {
    let catalog = Catalog::parse(&shipped().catalog).unwrap();
    for (old, new) in [("2.002622", "2.002913"), ("2.002621", "3.000722")] {
        let [was, is] = [old, new].map(|code| catalog.procedure(code).unwrap());
        for (day, code, replaced) in [
            (date(2025, 7, 1), old, None),
            (date(2026, 8, 31), old, None),
            (date(2026, 9, 1), new, Some(is)),
            (date(2027, 12, 31), new, Some(is)),
        ] {
            assert_eq!(catalog.successor(was, day), replaced, "{day}");
            // By either code one comes to the one that is received on that day.
            for asked in [old, new] {
                let found = catalog.procedure_on(asked, day).map(|it| it.code.as_str());
                assert_eq!(found, Some(code), "{asked} on {day}");
            }
        }
        let expected = Procedure {
            code: old.to_owned(),
            successor: new.to_owned(),
            valid_from: None,
            valid_to: was.valid_to,
            ..is.clone()
        };
        assert_eq!(*was, expected);
        assert!(!is.papers.is_empty());
    }
}
