//! What is said of two catalogs that differ, and of two that do not.

use std::{collections::BTreeSet, path::Path};

use jiff::civil::date;
use motcua_platform::time::date_to_proto;
use motcua_proto::r#type::v1::{Agency, Procedure};
use prost_reflect::DescriptorPool;

use super::{directory, sound};
use crate::catalog::{
    diff::{Diff, Side, diff, of_agency, of_procedure},
    read,
};

fn side(title: &str, files: Vec<(String, Vec<u8>)>) -> Side {
    let dir = directory(files);
    let bundle = read(dir.path()).unwrap_or_else(|faults| panic!("{faults}"));
    Side {
        title: title.to_owned(),
        catalog: bundle.catalog,
        definitions: bundle.definitions,
    }
}

/// The sound catalog with texts replaced: file, what, by what.
fn changed(changes: &[(&str, &str, &str)]) -> Side {
    let mut files = sound();
    for (file, from, to) in changes {
        let (_, text) = files.iter_mut().find(|(name, _)| name == file).unwrap();
        let before = String::from_utf8(text.clone()).unwrap();
        assert!(before.contains(from), "{file} has no '{from}'");
        *text = before.replace(from, to).into_bytes();
    }
    side("new", files)
}

fn against_the_sound_one(changes: &[(&str, &str, &str)]) -> Diff {
    diff(&side("old", sound()), &changed(changes))
}

#[test]
fn what_is_the_same_differs_in_nothing() {
    let diff = against_the_sound_one(&[("catalog.toml", "\"small\"", "\"smaller\"")]);
    assert!(diff.is_empty());
    assert_eq!(
        diff.to_string(),
        "from  small (old)\nto    smaller (new)\n\nprocedures: the same\n\nagencies: the same\n\ncalendars: the same\n\n\
         definitions: the same\n\nrunning dossiers: none is touched, each keeps the catalog that it was submitted under\n"
    );
}

#[test]
fn a_change_is_shown_field_by_field_with_what_it_was() {
    let diff = against_the_sound_one(&[
        ("catalog.toml", "\"small\"", "\"smaller\""),
        (
            "procedures.csv",
            "1.000656,Đăng ký khai tử,hộ tịch,same day,15:00,0,0,,",
            "1.000656,Đăng ký khai tử,hộ tịch,3 working days,,8000,0,bản,",
        ),
        (
            "agencies.csv",
            "11593-ca,Công an phường",
            "11594-ca,Công an xã",
        ),
        (
            "calendar.csv",
            "2025-09-02,holiday,Quốc khánh",
            "2025-09-02,morning,Quốc khánh\n2025-09-03,holiday,Nghỉ bù",
        ),
        ("catalog.toml", "\"07:30\"", "\"08:00\""),
        ("definitions/plain.toml", "minutes = 45", "minutes = 60"),
    ]);
    assert!(!diff.is_empty());
    let text = diff.to_string();
    let rows: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("  ") && !line.contains('─') && !line.contains("code"))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "~ 1.000656 Đăng ký khai tử limit same day until 15:00 3 working days",
            "fee_vnd 0 8000",
            "fee_unit — bản",
            "+ 11594-ca Công an xã An Phong",
            "- 11593-ca Công an phường An Phong",
            "~ week sat 07:30–11:30 (reception only) 08:00–11:30 (reception only)",
            "2025-09-02 holiday Quốc khánh morning Quốc khánh",
            "2025-09-03 — holiday Nghỉ bù",
            "~ plain Thẩm định và ký appraise.minutes 45 60",
        ],
        "{text}"
    );
    assert!(
        text.contains("procedures: 0 added, 0 removed, 1 changed"),
        "{text}"
    );
}

#[test]
fn a_changed_catalog_under_the_same_id_cannot_be_applied_and_that_is_said() {
    let diff = against_the_sound_one(&[("agencies.csv", "Công an phường", "Công an")]);
    assert!(
        diff.to_string().ends_with(
            "the id is the same: a changed catalog needs one of its own before it can be applied\n"
        ),
        "{diff}"
    );
}

#[test]
fn a_definition_that_is_gone_stays_published_and_is_no_change() {
    let old = side("old", sound());
    let mut new = old.clone();
    new.definitions.pop();
    assert!(diff(&old, &new).is_empty());
    assert_eq!(diff(&new, &old).definitions.added[0].code, "plain");
}

#[test]
fn a_code_that_was_replaced_is_gone_and_is_told_what_it_is_called_now() {
    let old = side("old", sound());
    let mut new = old.clone();
    let procedure = &mut new.catalog.procedures[0];
    procedure.code = "1.009999".to_owned();
    procedure.aliases = vec!["1.000656".to_owned()];
    let changes = diff(&old, &new);
    assert_eq!(changes.procedures.added[0].succession[0].field, "aliases");
    let gone = &changes.procedures.removed[0];
    assert_eq!(
        (gone.code.as_str(), gone.succession[0].to.as_str()),
        ("1.000656", "1.009999")
    );
    let text = changes.to_string();
    for words in ["aliases  —         1.000656", "code     1.000656  1.009999"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn the_days_of_a_procedure_are_told() {
    let old = side("old", sound());
    let mut new = old.clone();
    let mut successor = new.catalog.procedures[0].clone();
    successor.code = "1.009999".to_owned();
    successor.valid_from = Some(date_to_proto(date(2026, 9, 1)));
    let procedure = &mut new.catalog.procedures[0];
    procedure.successor = "1.009999".to_owned();
    procedure.valid_to = Some(date_to_proto(date(2026, 8, 31)));
    new.catalog.procedures.push(successor);
    let text = diff(&old, &new).to_string();
    let words: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        "~ 1.000656 Đăng ký khai tử successor — 1.009999",
        "valid_to — 2026-08-31",
        "valid_from — 2026-09-01",
    ] {
        assert!(words.iter().any(|it| it == line), "no '{line}' in\n{text}");
    }
}

#[test]
fn the_fields_of_a_session_are_told() {
    let only = "reception_only = true";
    let fields = r#"reception_only = true, fields = ["cư trú", "hộ tịch"]"#;
    let diff = against_the_sound_one(&[("catalog.toml", only, fields)]);
    assert!(diff.open_dues_reckoned_anew);
    let text = diff.to_string();
    for words in [
        "reckoned anew",
        "07:30–11:30 (reception only)",
        "07:30–11:30 (reception only of cư trú, hộ tịch)",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn programs_read_it_too() {
    let diff = against_the_sound_one(&[("procedures.csv", "5 working days", "7 working days")]);
    let json = serde_json::to_value(&diff).unwrap();
    assert_eq!(json["procedures"]["changed"][0]["code"], "1.003197");
    assert_eq!(
        json["procedures"]["changed"][0]["fields"][0],
        serde_json::json!({ "field": "limit", "from": "5 working days", "to": "7 working days" })
    );
    assert_eq!(json["running_dossiers_touched"], 0);
    assert_eq!(json["open_dues_reckoned_anew"], false);
    assert_eq!(json["to"]["id"], "small");
}

/// A field that the contract gains and the comparison does not know would change unseen.
#[test]
fn every_field_of_the_contract_is_compared() {
    let pool = DescriptorPool::decode(motcua_proto::FILE_DESCRIPTOR_SET).unwrap();
    let contract = |message: &str| -> BTreeSet<String> {
        let message = pool.get_message_by_name(message).unwrap();
        message
            .fields()
            .map(|field| field.name().to_owned())
            .collect()
    };
    for (parts, message) in [
        (of_agency(&Agency::default()), "motcua.type.v1.Agency"),
        (
            of_procedure(&Procedure::default()),
            "motcua.type.v1.Procedure",
        ),
    ] {
        let compared: BTreeSet<String> = parts
            .fields
            .into_iter()
            .map(|(name, _)| name)
            // Those that are claimed are told apart; the contract has them among all.
            .filter(|name| name != "claimed_exemptions")
            .chain(["code".to_owned()])
            .collect();
        assert_eq!(compared, contract(message));
    }
    assert_eq!(
        contract("motcua.type.v1.Calendar"),
        ["days", "id", "sessions"].map(str::to_owned).into()
    );
}

#[test]
fn the_shipped_catalog_is_what_the_binary_holds() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
    let side = |bundle: crate::catalog::Bundle| Side {
        title: String::new(),
        catalog: bundle.catalog,
        definitions: bundle.definitions,
    };
    let there = side(read(&dir).unwrap());
    let embedded = side(crate::catalog::embedded().unwrap());
    assert!(diff(&there, &embedded).is_empty());
}
