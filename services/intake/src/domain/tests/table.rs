//! The table of the README: every status met by every command.

use super::{
    correction, hand_over, originals, others,
    walk::{follow, places, refuse, visit, withdraw},
    *,
};

const README: &str = include_str!("../../../README.md");
const BEGIN: &str = "<!-- table -->\n";
const END: &str = "<!-- /table -->";

/// The rows, by the methods' names and by what the case tells.
fn rows() -> Vec<(&'static str, Command)> {
    let met = |receiver| Command::RecordVisit {
        visit: "v1".to_owned(),
        receiver,
    };
    vec![
        ("AcceptDossier", Command::Accept),
        ("RefuseDossier", refuse()),
        ("RequestSupplement", ask_supplement()),
        ("SupplementDossier", provide_supplement()),
        ("WithdrawDossier", withdraw()),
        ("RequestVisit", visit()),
        ("RecordVisit, nobody met", met(None)),
        ("RecordVisit, handed over", met(Some(received("con")))),
        ("HandOverResult", hand_over(HandOverMethod::Counter)),
        ("RecordFailedHandOver", hand_over::refused()),
        ("ReturnOriginals", originals::give_back()),
        ("RecordPayment", pay("bl-1", 1_000)),
        ("ProposeCorrection", correction::propose("Nguyễn Thị Thửa")),
        (
            "RecordExternalState",
            others::says("DANG_XU_LY", "2025-07-01T07:30:00"),
        ),
        (
            "RecuseStaff",
            Command::Recuse {
                principal: "officer-11593-2".to_owned(),
            },
        ),
        ("its time has passed", Command::Tick),
        ("the case began", follow(DossierStatus::InProgress)),
        (
            "the case asks for a supplement",
            follow(DossierStatus::SupplementRequired),
        ),
        (
            "the case asks for a payment",
            follow(DossierStatus::PaymentRequired),
        ),
        ("the case was stopped", follow(DossierStatus::Stopped)),
        ("the case is finished", finished()),
    ]
}

fn heading(place: &str) -> String {
    match place {
        "5 before acceptance" => "5, before".to_owned(),
        "5 during the case" => "5, case".to_owned(),
        place => place.to_owned(),
    }
}

fn cell(counter: &Counter, command: &Command) -> String {
    let mut counter = counter.clone();
    if matches!(command, Command::Tick) {
        // Whatever was asked for is due by then; what is only late has told so.
        counter.now = at("2025-07-21T08:00:00");
    }
    let before = counter.status();
    match counter.asks(command) {
        Ok(events) => match &events[..] {
            [] | [Payload::ReactionIgnored(_)] => "–".to_owned(),
            _ if counter.status() == before => "=".to_owned(),
            _ => i32::from(counter.status()).to_string(),
        },
        Err(Error::Refused(refusal)) => match refusal.article.split_once(", art. ") {
            Some((_, article)) => format!("*{article}*"),
            None if refusal.article.starts_with("law 97") => "*fee*".to_owned(),
            None => "*st*".to_owned(),
        },
        Err(other) => panic!("{command:?}: {other}"),
    }
}

fn table() -> String {
    let places = places();
    let mut text = String::from("| |");
    for (place, ..) in &places {
        text += &format!(" {} |", heading(place));
    }
    text += "\n| --- |";
    text += &" --- |".repeat(places.len());
    for (name, command) in rows() {
        text += &format!("\n| {name} |");
        for (_, counter, _) in &places {
            text += &format!(" {} |", cell(counter, &command));
        }
    }
    text + "\n"
}

#[test]
fn the_table_of_the_readme_is_what_the_rules_do() {
    let written = README
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(table, _)| table);
    let table = table();
    assert_eq!(written, Some(&table[..]), "write this:\n{table}");
}
