//! Branches of a linked procedure, at agencies of their own: who works on it, and nothing else, goes by them.

use motcua_proto::{
    events::v1::{CaseProgressRecorded, SubCaseFinished, SubCaseStarted},
    intake::v1::Language,
};

use super::{walk::places, *};
use crate::domain::plain::tell;

const POLICE: &str = "11593-ca";

fn follows(kind: EventKind, payload: Payload) -> Command {
    let event = Event {
        position: 5,
        kind: kind.into(),
        occurred_at: Some(to_proto(at("2025-07-01T09:59:00"))),
        payload: Some(payload),
        ..Event::default()
    };
    Command::Follow(News::read(&event).unwrap())
}

fn began(branch: &str, agency: &str, at_local: &str) -> Command {
    follows(
        EventKind::SubCaseStarted,
        Payload::SubCaseStarted(SubCaseStarted {
            branch: branch.to_owned(),
            agency: agency.to_owned(),
            started_at: Some(to_proto(at(at_local))),
            ..SubCaseStarted::default()
        }),
    )
}

fn ended(branch: &str) -> Command {
    follows(
        EventKind::SubCaseFinished,
        Payload::SubCaseFinished(SubCaseFinished {
            branch: branch.to_owned(),
            finished_at: Some(to_proto(at("2025-07-01T16:00:00"))),
            ..SubCaseFinished::default()
        }),
    )
}

fn residence() -> Command {
    began("residence", POLICE, "2025-07-01T10:00:00")
}

fn begun() -> Counter {
    Counter::opens("2025-07-01T08:00:00")
        .does(&submission("2.002622", Channel::Counter, true))
        .does(&news(
            EventKind::CaseStarted,
            Some(DossierStatus::InProgress),
            None,
        ))
}

fn who(counter: &Counter, language: Language) -> String {
    let (catalog, now) = (&counter.catalog, counter.now);
    tell(counter.dossier(), catalog, None, now, language).swap_remove(0)
}

fn progress(events: &[Payload]) -> CaseProgressRecorded {
    match events {
        [Payload::CaseProgressRecorded(progress)] => progress.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_works_on_a_branch_is_named_with_whoever_decides_and_only_while_they_work() {
    let alone = "Đơn vị 11593 đang giải quyết hồ sơ, từ 08 giờ 00 ngày 01/07/2025.";
    let counter = begun();
    assert_eq!(who(&counter, Language::Vietnamese), alone);
    let counter = counter
        .does(&residence())
        // A branch of the agency that decides, and another one of the police: nobody is named twice.
        .does(&began("funeral", "11593", "2025-07-01T10:05:00"))
        .does(&began("card", POLICE, "2025-07-01T11:00:00"));
    assert_eq!(
        who(&counter, Language::Vietnamese),
        "Đơn vị 11593 (từ 08 giờ 00 ngày 01/07/2025) cùng Đơn vị 11593-ca (từ 10 giờ 00 ngày 01/07/2025) \
         đang giải quyết hồ sơ."
    );
    assert_eq!(
        who(&counter, Language::English),
        "Đơn vị 11593 (since 08:00 on 01/07/2025) is working on the dossier together with \
         Đơn vị 11593-ca (since 10:00 on 01/07/2025)."
    );
    let counter = counter.does(&ended("residence"));
    assert!(who(&counter, Language::Vietnamese).contains("Đơn vị 11593-ca (từ 11 giờ 00"));
    let counter = counter.does(&ended("card")).does(&ended("funeral"));
    assert_eq!(who(&counter, Language::Vietnamese), alone);
    assert!(counter.dossier().at_work.is_empty());
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

#[test]
fn a_branch_changes_neither_status_nor_due_nor_what_is_awaited() {
    for (place, mut counter, _) in places() {
        let before = counter.dossier().clone();
        let events = counter.asks(&residence()).unwrap();
        let after = counter.dossier();
        assert_eq!(
            (after.status, after.status_since, after.due_at()),
            (before.status, before.status_since, before.due_at()),
            "{place}"
        );
        assert_eq!(
            (after.awaited(), &after.holds, after.timer()),
            (before.awaited(), &before.holds, before.timer()),
            "{place}"
        );
        // Between acceptance and the result or another end, and nowhere else.
        if matches!(place, "2" | "4" | "5 during the case" | "6") {
            let told = progress(&events);
            assert_eq!(told.status(), before.status, "{place}");
            assert_eq!(after.at_work.len(), 1, "{place}");
        } else {
            assert!(
                matches!(events[..], [Payload::ReactionIgnored(_)]),
                "{place}: {events:?}"
            );
            assert!(after.at_work.is_empty(), "{place}");
        }
    }
}

#[test]
fn the_history_says_who_began_when_and_when_it_ended() {
    let mut counter = begun();
    let told = progress(&counter.asks(&residence()).unwrap());
    let at_work = told.agency_at_work.unwrap();
    assert_eq!(
        (at_work.branch.as_str(), at_work.agency.as_str()),
        ("residence", POLICE)
    );
    assert_eq!(instant(at_work.since.as_ref()), at("2025-07-01T10:00:00"));
    assert_eq!(at_work.ended_at, None);
    let told = progress(&counter.asks(&ended("residence")).unwrap());
    let at_work = told.agency_at_work.unwrap();
    assert_eq!(at_work.agency, POLICE);
    assert_eq!(instant(at_work.since.as_ref()), at("2025-07-01T10:00:00"));
    assert_eq!(
        instant(at_work.ended_at.as_ref()),
        at("2025-07-01T16:00:00")
    );
}

#[test]
fn what_is_known_of_a_branch_already_and_an_end_without_a_beginning_say_nothing() {
    let mut counter = begun().does(&residence());
    assert_eq!(counter.asks(&residence()).unwrap(), []);
    assert_eq!(counter.asks(&ended("card")).unwrap(), []);
    assert_eq!(counter.dossier().at_work.len(), 1);
}
