//! A dossier on its way to the agency that decides. Decree 118/2025, art. 18.

use motcua_proto::{
    intake::v1::{DossierFlag, Language},
    r#type::v1::HandedPaper,
};

use super::*;
use crate::domain::plain::tell;

fn for_another_ward(channel: Channel, accept: bool) -> Command {
    let Command::Submit(mut elsewhere) = submission("2.002622", channel, accept) else {
        unreachable!()
    };
    elsewhere.on_behalf_of = "11407".to_owned();
    Command::Submit(elsewhere)
}

fn received_at(local: &str) -> Counter {
    Counter::opens(local).does(&for_another_ward(Channel::Counter, true))
}

fn due(counter: &Counter) -> Timestamp {
    counter.dossier().transfer.as_ref().unwrap().due_at
}

fn flags(counter: &Counter) -> Vec<DossierFlag> {
    let transfers = [DossierFlag::TransferWaiting, DossierFlag::TransferLate];
    let mut flags = counter.dossier().flags();
    flags.retain(|flag| transfers.contains(flag));
    flags
}

fn confirmed_late_or_not(counter: &Counter) -> bool {
    counter.dossier().to_proto(CODE).transfer.unwrap().overdue
}

#[test]
fn the_way_ends_by_the_calendar_in_force() {
    let mut counter = received_at("2025-07-04T15:30:00");
    assert_eq!(due(&counter), at("2025-07-07T08:00:00"));
    let mut proto = proto_catalog();
    proto.id = "later".to_owned();
    proto.calendars[0].days.push(CalendarDay {
        date: Some(Date {
            year: 2025,
            month: 7,
            day: 7,
        }),
        kind: CalendarDayKind::Holiday.into(),
        title: "Nghỉ".to_owned(),
    });
    counter.now = at("2025-07-07T08:01:00");
    counter = counter.does(&Command::Tick);
    assert!(confirmed_late_or_not(&counter));
    counter.applied_since = Some(Arc::new(Catalog::parse(&proto).unwrap()));
    assert!(matches!(
        counter.asks(&Command::Recompute).unwrap()[..],
        [Payload::TransferDueRecomputed(_)]
    ));
    assert_eq!(due(&counter), at("2025-07-08T08:00:00"));
    assert!(!confirmed_late_or_not(&counter), "Monday was off");
    assert_eq!(counter.asks(&Command::Recompute).unwrap(), []);
    assert_eq!(flags(&counter), [DossierFlag::TransferWaiting]);
}

#[test]
fn what_another_ward_decides_goes_there_the_same_day_or_the_first_thing_on_the_next() {
    for (received, goes) in [
        ("2025-07-01T09:00:00", "2025-07-01T17:00:00"),
        ("2025-07-01T15:00:00", "2025-07-01T17:00:00"),
        ("2025-07-01T15:01:00", "2025-07-02T08:00:00"),
        ("2025-07-04T15:01:00", "2025-07-07T08:00:00"),
        ("2025-09-01T15:01:00", "2025-09-03T08:00:00"),
        // Received when the counter opens.
        ("2025-07-01T19:00:00", "2025-07-02T17:00:00"),
    ] {
        assert_eq!(due(&received_at(received)), at(goes), "{received}");
    }
    let own = submission("2.002622", Channel::Counter, true);
    let own = Counter::opens("2025-07-01T09:00:00").does(&own);
    assert_eq!(own.dossier().transfer, None);
    let police = submission("1.004194", Channel::Counter, true);
    let police = Counter::opens("2025-07-01T09:00:00").does(&police);
    assert_eq!(police.dossier().competent_agency, "11593-ca");
    assert_eq!(police.dossier().transfer, None, "behind the same counter");
}

#[test]
fn a_centre_may_have_another_cutoff() {
    let mut later = proto_catalog();
    later.agencies[0].transfer_cutoff_minute = 16 * 60;
    let mut counter = Counter::opens("2025-07-01T16:00:00");
    counter.catalog = Arc::new(Catalog::parse(&later).unwrap());
    let counter = counter.does(&for_another_ward(Channel::Counter, true));
    assert_eq!(due(&counter), at("2025-07-01T17:00:00"));
}

#[test]
fn it_is_told_once_that_it_is_late_and_the_limit_runs_on_beside_it() {
    let mut counter = received_at("2025-07-01T09:00:00");
    let limit = counter.due();
    assert_eq!(flags(&counter), [DossierFlag::TransferWaiting]);
    assert_eq!(counter.dossier().timer(), Some(at("2025-07-01T17:01:00")));
    counter.now = at("2025-07-01T17:00:00");
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    counter.now = at("2025-07-01T17:01:00");
    let [Payload::TransferOverdue(late)] = &counter.asks(&Command::Tick).unwrap()[..] else {
        panic!("the transfer is late");
    };
    assert_eq!(
        instant(late.transfer_due_at.as_ref()),
        at("2025-07-01T17:00:00")
    );
    assert_eq!(late.to_agency, "11407");
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    assert_eq!(
        flags(&counter),
        [DossierFlag::TransferWaiting, DossierFlag::TransferLate]
    );
    let mut counter = counter
        .at("2025-07-02T08:00:00")
        .does(&Command::ConfirmTransfer);
    assert!(flags(&counter).is_empty() && confirmed_late_or_not(&counter));
    assert_eq!(counter.due(), limit);
    // Told again, nothing is new, wherever it has come to since.
    assert_eq!(counter.asks(&Command::ConfirmTransfer).unwrap(), []);
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

#[test]
fn whoever_decides_says_that_it_has_come_and_in_time_it_is_not_late() {
    let mut counter = received_at("2025-07-01T09:00:00").at("2025-07-01T17:00:00");
    counter.actor.id = "officer-11407-1".to_owned();
    let events = counter.asks(&Command::ConfirmTransfer).unwrap();
    let [Payload::DossierTransferred(told)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(
        (&*told.from_agency, &*told.to_agency, told.electronic),
        ("11593", "11407", false)
    );
    let transfer = counter.dossier().to_proto(CODE).transfer.unwrap();
    assert_eq!(
        instant(transfer.transferred_at.as_ref()),
        at("2025-07-01T17:00:00")
    );
    assert_eq!(
        (&*transfer.confirmed_by, transfer.overdue),
        ("officer-11407-1", false)
    );
    assert_eq!(counter.dossier().timer(), None);
}

#[test]
fn what_has_no_paper_is_there_with_its_acceptance() {
    let online =
        || Counter::opens("2025-07-01T09:00:00").does(&for_another_ward(Channel::Portal, false));
    let mut counter = online();
    let events = counter.asks(&Command::Accept).unwrap();
    let [
        Payload::DossierAccepted(_),
        Payload::DossierTransferred(told),
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert!(told.electronic);
    assert!(flags(&counter).is_empty() && !confirmed_late_or_not(&counter));
    let transfer = counter.dossier().transfer.as_ref().unwrap();
    assert_eq!(transfer.transferred_at, Some(at("2025-07-01T09:00:00")));
    assert_eq!(transfer.confirmed_by, "");
    assert_eq!(counter.asks(&Command::ConfirmTransfer).unwrap(), []);

    // One original among the files goes by hand.
    let mut proto = proto_catalog();
    proto.procedures[1].papers = vec![motcua_proto::r#type::v1::RequiredPaper {
        id: "to-khai".to_owned(),
        title: "Tờ khai".to_owned(),
        originals: 1,
        ..Default::default()
    }];
    let Command::Submit(mut submission) = for_another_ward(Channel::Portal, true) else {
        unreachable!()
    };
    submission.papers = vec![HandedPaper {
        paper: "to-khai".to_owned(),
        originals: 1,
        ..HandedPaper::default()
    }];
    let mut counter = Counter::opens("2025-07-01T09:00:00");
    counter.catalog = Arc::new(Catalog::parse(&proto).unwrap());
    let counter = counter.does(&Command::Submit(submission));
    assert_eq!(flags(&counter), [DossierFlag::TransferWaiting]);
}

#[test]
fn what_was_not_received_or_is_decided_or_ended_is_on_no_way() {
    let refused = |counter: &mut Counter, state: &str| match counter.asks(&Command::ConfirmTransfer)
    {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.article, "decree 118/2025, art. 18");
            assert_eq!(refusal.state, state);
            refusal.message
        }
        other => panic!("{other:?}"),
    };
    let mut waiting =
        Counter::opens("2025-07-01T09:00:00").does(&for_another_ward(Channel::Counter, false));
    refused(&mut waiting, "SUBMITTED");
    let own = submission("2.002622", Channel::Counter, true);
    let mut own = Counter::opens("2025-07-01T09:00:00").does(&own);
    let message = refused(&mut own, "ACCEPTED");
    assert!(message.contains("own centre"), "{message}");
    let mut withdrawn = received_at("2025-07-01T09:00:00").does(&Command::Withdraw {
        reason: words(""),
        ground: words(""),
    });
    refused(&mut withdrawn, "WITHDRAWN");
    assert_eq!(
        (withdrawn.dossier().timer(), flags(&withdrawn)),
        (None, vec![])
    );
    // Decided before anybody said that it had come: that may still be said, and nobody is told that it is late.
    let mut decided = received_at("2025-07-01T09:00:00")
        .does(&news(
            EventKind::CaseStarted,
            Some(DossierStatus::InProgress),
            None,
        ))
        .does(&finished());
    assert_eq!((decided.dossier().timer(), flags(&decided)), (None, vec![]));
    assert_eq!(decided.asks(&Command::ConfirmTransfer).unwrap().len(), 1);
}

#[test]
fn the_applicant_is_told_in_plain_words_where_it_is() {
    let told = |counter: &Counter, language| {
        let (catalog, now) = (&counter.catalog, counter.now);
        tell(counter.dossier(), catalog, None, now, language)[1].clone()
    };
    let waiting = received_at("2025-07-01T09:00:00");
    assert_eq!(
        told(&waiting, Language::Vietnamese),
        "Hồ sơ giấy đang được Đơn vị 11593 chuyển đến Đơn vị 11407, chậm nhất 17 giờ 00 ngày 01/07/2025."
    );
    let late = waiting
        .clone()
        .at("2025-07-01T17:01:00")
        .does(&Command::Tick);
    assert_eq!(
        told(&late, Language::Vietnamese),
        "Hồ sơ giấy do Đơn vị 11593 tiếp nhận chưa đến Đơn vị 11407, dù phải chuyển chậm nhất 17 giờ 00 ngày 01/07/2025; thời hạn \
         giải quyết vẫn tính từ lúc tiếp nhận."
    );
    let there = waiting
        .at("2025-07-01T10:30:00")
        .does(&Command::ConfirmTransfer);
    assert_eq!(
        told(&there, Language::Vietnamese),
        "Đơn vị 11407 đã nhận hồ sơ do Đơn vị 11593 chuyển đến, lúc 10 giờ 30 ngày 01/07/2025."
    );
    assert_eq!(
        told(&there, Language::English),
        "Đơn vị 11407 has had the dossier from Đơn vị 11593 since 10:30 on 01/07/2025."
    );
}

#[test]
fn what_a_department_of_the_city_decides_is_received_at_every_centre_and_transferred() {
    let mut proto = proto_catalog();
    let department = motcua_proto::r#type::v1::Agency {
        code: "H24-STP".to_owned(),
        title: "Sở Tư pháp".to_owned(),
        kind: AgencyKind::Department.into(),
        calendar: "test".to_owned(),
        ..Default::default()
    };
    proto.agencies.push(department);
    let procedure = &mut proto.procedures[1];
    procedure.competent = AgencyKind::Department.into();
    procedure.competent_agency = "H24-STP".to_owned();
    let catalog = Arc::new(Catalog::parse(&proto).unwrap());
    for ward in ["11593", "11407"] {
        let Command::Submit(mut submission) = submission("2.002622", Channel::Counter, true) else {
            unreachable!()
        };
        submission.receiving_agency = ward.to_owned();
        let mut counter = Counter::opens("2025-07-01T09:00:00");
        counter.catalog = Arc::clone(&catalog);
        let counter = counter.does(&Command::Submit(submission));
        let dossier = counter.dossier();
        assert_eq!(
            [dossier.receiving_agency.as_str(), &dossier.competent_agency],
            [ward, "H24-STP"]
        );
        assert_eq!(due(&counter), at("2025-07-01T17:00:00"));
    }
    // Once another one has taken its place, that one decides.
    let mut later = proto.clone();
    if let Some(department) = later.agencies.last_mut() {
        department.successors = vec!["H24-SNV".to_owned()];
        department.valid_to = Some(Date {
            year: 2025,
            month: 6,
            day: 30,
        });
        let successor = motcua_proto::r#type::v1::Agency {
            code: "H24-SNV".to_owned(),
            successors: Vec::new(),
            valid_to: None,
            ..department.clone()
        };
        later.agencies.push(successor);
    }
    let later = Catalog::parse(&later).unwrap();
    let procedure = later.procedure("2.002622").unwrap();
    for (month, day, decides) in [(6, 30, "H24-STP"), (7, 1, "H24-SNV")] {
        let day = jiff::civil::date(2025, month, day);
        let competent = later.competent(procedure, "11593", day).unwrap();
        assert_eq!(competent.code, decides);
    }
    // One that is not named, or is none, is said when the catalog is checked; and so is one that decides nothing.
    for (kind, code, wrong) in [
        (
            AgencyKind::Department,
            "",
            "is required where a department decides",
        ),
        (
            AgencyKind::Department,
            "11593",
            "'11593' is no department of the catalog",
        ),
        (
            AgencyKind::Ward,
            "H24-STP",
            "is given where a department decides only",
        ),
    ] {
        let procedure = &mut proto.procedures[1];
        procedure.competent = kind.into();
        procedure.competent_agency = code.to_owned();
        let Err(Error::Invalid(violations)) = Catalog::parse(&proto) else {
            panic!("{kind:?} {code}");
        };
        assert_eq!(
            violations[0].field,
            "catalog.procedures[1].competent_agency"
        );
        assert_eq!(violations[0].description, wrong);
    }
}
