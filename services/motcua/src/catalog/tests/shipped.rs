use motcua_proto::{
    r#type::v1::{AgencyKind, DueHour},
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
    assert_eq!(bundle.catalog.procedures.len(), 48);
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

/// The bundles of decree 63/2024 have other codes from 1 September 2026. A city adds a row for each, with the papers of the
/// one before it, and applies the catalog on that day.
#[test]
fn the_codes_of_september_2026_take_the_place_of_those_before_them() {
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir(to.path().join("definitions")).unwrap();
    let replaced = [("2.002622", "2.002913"), ("2.002621", "3.000722")];
    for folder in ["", "definitions"] {
        for file in std::fs::read_dir(from.join(folder)).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if file.file_type().unwrap().is_dir() {
                continue;
            }
            let mut text = std::fs::read_to_string(file.path()).unwrap();
            if matches!(name.as_str(), "procedures.csv" | "papers.csv") {
                for (old, new) in replaced {
                    let rows: String = text
                        .lines()
                        .filter(|line| line.starts_with(&format!("{old},")))
                        .map(|line| line.replace(old, new).replace(&format!(",{new}"), ",") + "\n")
                        .collect();
                    text.push_str(&rows);
                }
            }
            std::fs::write(to.path().join(folder).join(name), text).unwrap();
        }
    }
    let bundle = read(to.path()).unwrap_or_else(|faults| panic!("{faults}"));
    let catalog = motcua_platform::catalog::Catalog::parse(&bundle.catalog).unwrap();
    for (old, new) in replaced {
        let old = catalog.procedure(old).unwrap();
        let new = catalog.procedure(new).unwrap();
        assert_eq!(catalog.successor(old).map(|it| &it.code), Some(&new.code));
        assert_eq!(catalog.successor(new), None);
        assert_eq!(old.definition, new.definition);
        assert_eq!(old.papers, new.papers);
    }
}
