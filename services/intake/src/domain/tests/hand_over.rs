//! To whom a result goes, and what becomes of it when it does not arrive.

use motcua_proto::r#type::v1::{AuthorisationGround, HandOverFailure};

use super::{walk::places, *};

pub(super) fn refused() -> Command {
    failed(HandOverMethod::Counter, HandOverFailure::Refused)
}

fn failed(method: HandOverMethod, failure: HandOverFailure) -> Command {
    Command::RecordFailedHandOver {
        method,
        failure,
        note: words("tên trên trích lục sai dấu"),
    }
}

fn ready() -> Counter {
    let (_, counter, _) = places().swap_remove(9);
    assert_eq!(counter.status(), DossierStatus::ResultReady);
    counter
}

fn to_somebody_else(authorisation: &str) -> Command {
    Command::HandOver {
        method: HandOverMethod::Counter,
        receiver: Receiver {
            received_by: words("Trần Văn Thử"),
            recipient: Recipient::Authorised,
            authorisation: words(authorisation),
        },
        tracking_reference: String::new(),
    }
}

#[test]
fn who_comes_for_somebody_else_shows_by_what_right() {
    let mut counter = ready();
    let refused = counter.asks(&to_somebody_else("")).unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(violations) if violations[0].field == "authorisation"),
        "{refused}"
    );
    counter
        .asks(&to_somebody_else("Giấy ủy quyền số 12"))
        .unwrap();
    let handed_over = counter.dossier().handed_over.clone().unwrap();
    assert_eq!(handed_over.recipient, Recipient::Authorised);
    assert_eq!(
        counter.statements.last().unwrap().ground.expose(),
        "Giấy ủy quyền số 12"
    );
}

#[test]
fn whom_the_dossier_names_needs_to_show_nothing_more() {
    let mut counter = ready();
    if let Some(dossier) = &mut counter.dossier {
        dossier.authorisation = AuthorisationGround::Guardian;
    }
    counter.asks(&to_somebody_else("")).unwrap();
    assert_eq!(counter.status(), DossierStatus::HandedOver);
}

#[test]
fn a_result_that_did_not_arrive_waits_on_and_is_flagged_until_it_does() {
    use motcua_proto::intake::v1::DossierFlag;

    let mut counter = ready()
        .does(&failed(HandOverMethod::Post, HandOverFailure::Returned))
        .does(&refused());
    let dossier = counter.dossier();
    assert_eq!(dossier.status, DossierStatus::ResultReady);
    let failures: Vec<_> = dossier
        .failed_hand_overs
        .iter()
        .map(|failed| failed.failure)
        .collect();
    assert_eq!(
        failures,
        [HandOverFailure::Returned, HandOverFailure::Refused]
    );
    assert!(dossier.flags().contains(&DossierFlag::HandOverFailed));
    counter.asks(&hand_over(HandOverMethod::Counter)).unwrap();
    assert!(
        !counter
            .dossier()
            .flags()
            .contains(&DossierFlag::HandOverFailed)
    );
}

#[test]
fn a_parcel_keeps_its_reference() {
    let mut counter = ready();
    counter
        .asks(&Command::HandOver {
            method: HandOverMethod::Post,
            receiver: received("Nguyễn Thị Thử"),
            tracking_reference: "EH123456789VN".to_owned(),
        })
        .unwrap();
    let shown = counter.dossier().to_proto(CODE);
    assert_eq!(shown.tracking_reference, "EH123456789VN");
    assert_eq!(shown.handed_over_to(), Recipient::Applicant);
}
