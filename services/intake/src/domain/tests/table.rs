//! The table of the README: every status met by every command.

use super::{
    correction, hand_over, originals, others,
    walk::{follow, places_of, refuse, visit, withdraw},
    *,
};
use crate::domain::documents::{Document, NewDocument};

const README: &str = include_str!("../../../README.md");
const BEGIN: &str = "<!-- table -->\n";
const END: &str = "<!-- /table -->";

/// It waits for acceptance, is for another ward to decide, a part of its fee is paid and a paper uploaded: there is no command that it could not
/// meet.
pub(super) fn submitted() -> Counter {
    let mut catalog = proto_catalog();
    let paper = |id: &str, optional| motcua_proto::r#type::v1::RequiredPaper {
        id: id.to_owned(),
        title: "Tờ khai".to_owned(),
        originals: 1,
        optional,
        ..Default::default()
    };
    catalog.procedures[0].papers = vec![paper("to-khai", false), paper("giay-kem", true)];
    let mut counter = Counter::opens("2025-07-01T08:00:00");
    counter.catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    let Command::Submit(mut elsewhere) = submission("1.000656", Channel::Counter, false) else {
        unreachable!()
    };
    elsewhere.on_behalf_of = "11407".to_owned();
    elsewhere.papers = vec![motcua_proto::r#type::v1::HandedPaper {
        paper: "to-khai".to_owned(),
        originals: 1,
        ..Default::default()
    }];
    counter
        .does(&Command::Submit(elsewhere))
        .does(&pay("bl-1", 1_000))
        .does(&filed(|document| {
            "giay-kem".clone_into(&mut document.paper)
        }))
}

/// A file that differs from a paper of the list.
fn filed(change: impl FnOnce(&mut Document)) -> Command {
    let Command::AddDocument(mut new) = file(DocumentKind::Paper, "") else {
        unreachable!()
    };
    change(&mut new.document);
    Command::AddDocument(new)
}

/// Of the paper that was there from the beginning.
fn signature() -> Command {
    filed(|document| {
        document.kind = DocumentKind::Signature;
        document.paper.clear();
        "d1".clone_into(&mut document.signature_of);
    })
}

pub(super) fn file(kind: DocumentKind, reused_from: &str) -> Command {
    let result = kind == DocumentKind::Result;
    let only = |wanted: bool, id: &str| if wanted { id.to_owned() } else { String::new() };
    Command::AddDocument(Box::new(NewDocument {
        document: Document {
            kind,
            paper: only(!result, "to-khai"),
            result_code: only(result, "KQ.G15.000123"),
            signature_of: String::new(),
            media_type: "application/pdf".to_owned(),
            size: 4,
            sha256: [7; 32],
            object: "o1".to_owned(),
            reused_from: reused_from.to_owned(),
            added_at: at("2025-07-01T08:00:00"),
        },
        file_name: words("tep.pdf"),
        beside: 0,
    }))
}

/// The rows, by the methods' names and by what the case tells, of a dossier with that status.
fn rows(status: DossierStatus) -> Vec<(&'static str, Command)> {
    let met = |met| Command::RecordVisit {
        visit: "v1".to_owned(),
        met,
    };
    vec![
        ("AcceptDossier", Command::Accept),
        ("ConfirmTransfer", Command::ConfirmTransfer),
        ("RefuseDossier", refuse()),
        ("RequestSupplement", ask_supplement()),
        ("SupplementDossier", provide_supplement()),
        ("UploadDocument, a paper", file(DocumentKind::Paper, "")),
        (
            "ReuseDocument",
            file(
                DocumentKind::Paper,
                "dossiers/H24.11593-250630-0001/documents/d1",
            ),
        ),
        ("UploadDocument, a signature", signature()),
        ("UploadDocument, a result", file(DocumentKind::Result, "")),
        ("WithdrawDossier", withdraw()),
        ("RequestVisit", visit()),
        ("RecordVisit, nobody met", met(Met::Nobody)),
        ("RecordVisit, papers taken", met(Met::Papers(Vec::new()))),
        (
            "RecordVisit, handed over",
            met(Met::Result(received("con"))),
        ),
        ("HandOverResult", hand_over(HandOverMethod::Counter)),
        ("RecordFailedHandOver", hand_over::refused()),
        ("ReturnOriginals", originals::give_back()),
        ("RecordPayment", pay("bl-2", 1_000)),
        ("RefundPayment", refund("p1")),
        ("ProposeCorrection", correction::propose("Nguyễn Thị Thửa")),
        ("DecideCorrection", correction::confirm("c1", 1)),
        (
            "RecordExternalState",
            others::says("DANG_XU_LY", "2025-07-01T07:30:00"),
        ),
        ("AcknowledgeState", others::acknowledges(status, "")),
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
            asked::asks(DossierStatus::SupplementRequired),
        ),
        (
            "the case asks for a payment",
            asked::asks(DossierStatus::PaymentRequired),
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

/// What the row is about is there: a correction that waits, a state that was reported.
fn prepared(counter: &Counter, row: &str) -> Counter {
    let counter = counter.clone();
    match row {
        "DecideCorrection" => {
            correction::colleague(counter.does(&correction::propose("Nguyễn Thị Thửa")))
        }
        "AcknowledgeState" => counter.does(&others::says("DANG_XU_LY", "2025-07-01T07:30:00")),
        _ => counter,
    }
}

fn cell(mut counter: Counter, command: &Command) -> String {
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
    let places = places_of(submitted());
    let mut text = String::from("| |");
    for (place, ..) in &places {
        text += &format!(" {} |", heading(place));
    }
    text += "\n| --- |";
    text += &" --- |".repeat(places.len());
    let columns: Vec<_> = places
        .iter()
        .map(|(_, counter, _)| (counter, rows(counter.status())))
        .collect();
    for (row, (name, _)) in columns[0].1.iter().enumerate() {
        text += &format!("\n| {name} |");
        for (counter, rows) in &columns {
            text += &format!(" {} |", cell(prepared(counter, name), &rows[row].1));
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
