//! A clerical error, corrected by two people: what is shown, what it is found by, and what stays.

use motcua_platform::rpc::Peer;
use motcua_proto::{
    access::v1::{ExportSubjectRequest, subject_service_client::SubjectServiceClient},
    intake::v1::{
        Applicant, CorrectionState, DecideCorrectionRequest, Dossier, DossierFlag, DossierView,
        GetDossierRequest, ListDossiersRequest, LookUpDossierRequest, ProposeCorrectionRequest,
        RecordPaymentRequest, StatementKind, SubmitDossierRequest,
        correction_service_client::CorrectionServiceClient,
        dossier_service_client::DossierServiceClient,
    },
    r#type::v1::{
        Channel, CorrectedEntry, CorrectedPayment, HandedPaper, Role, corrected_entry::Entry,
    },
};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{Ward, registration, stating, violated};

const WRONG: &str = "031000000001";
const RIGHT: &str = "031000000010";

fn person(full_name: &str, identity_number: &str) -> Applicant {
    Applicant {
        full_name: full_name.to_owned(),
        identity_number: identity_number.to_owned(),
        ..Applicant::default()
    }
}

fn of(applicant: Applicant) -> SubmitDossierRequest {
    SubmitDossierRequest {
        applicant: Some(applicant),
        ..registration()
    }
}

fn clerk(ward: &Ward, number: u32) -> Peer {
    let id = format!("receptionist-11593-{number}");
    ward.of(Role::Receptionist, &id, &["11593"])
}

async fn propose(ward: &Ward, dossier: &Dossier, applicant: Applicant) -> Result<Dossier, Status> {
    let request = ProposeCorrectionRequest {
        name: dossier.name.clone(),
        applicant: Some(applicant),
        reason: "giấy tờ gốc ghi khác".to_owned(),
        ..ProposeCorrectionRequest::default()
    };
    let mut corrections = CorrectionServiceClient::new(clerk(ward, 1));
    Ok(corrections.propose_correction(request).await?.into_inner())
}

fn decision(dossier: &Dossier, confirm: bool) -> DecideCorrectionRequest {
    DecideCorrectionRequest {
        name: dossier.name.clone(),
        correction: "c1".to_owned(),
        confirm,
        request_id: Uuid::now_v7().to_string(),
        ..DecideCorrectionRequest::default()
    }
}

async fn decide(peer: Peer, request: DecideCorrectionRequest) -> Result<Dossier, Status> {
    let mut corrections = CorrectionServiceClient::new(peer);
    Ok(corrections.decide_correction(request).await?.into_inner())
}

async fn full(ward: &Ward, dossier: &Dossier) -> Dossier {
    let request = GetDossierRequest {
        name: dossier.name.clone(),
        view: DossierView::Full.into(),
        ..GetDossierRequest::default()
    };
    DossierServiceClient::new(clerk(ward, 1))
        .get_dossier(stating(request))
        .await
        .unwrap()
        .into_inner()
}

async fn found(ward: &Ward, request: ListDossiersRequest) -> Vec<String> {
    let mut dossiers = DossierServiceClient::new(clerk(ward, 1));
    let listed = dossiers.list_dossiers(stating(request)).await.unwrap();
    let listed = listed.into_inner().dossiers.into_iter();
    listed.map(|dossier| dossier.code).collect()
}

fn of_number(number: &str) -> ListDossiersRequest {
    ListDossiersRequest {
        identity_number: number.to_owned(),
        ..ListDossiersRequest::default()
    }
}

fn named(name: &str) -> ListDossiersRequest {
    ListDossiersRequest {
        applicant_name: name.to_owned(),
        ..ListDossiersRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_person_confirms_and_the_dossier_is_found_by_what_is_right() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of(person("Dương Thị Thử", WRONG)))
        .await
        .unwrap();
    let right = person("Đường Thị Thử", RIGHT);
    let proposed = propose(&ward, &dossier, right.clone()).await.unwrap();
    assert_eq!(proposed.corrections[0].state(), CorrectionState::Pending);

    // Until somebody else has decided, it is listed, shown beside what stands there, and changes nothing.
    let pending = ListDossiersRequest {
        flags: vec![DossierFlag::CorrectionPending.into()],
        ..ListDossiersRequest::default()
    };
    assert_eq!(found(&ward, pending.clone()).await, [&dossier.code[..]]);
    let shown = full(&ward, &dossier).await;
    assert_eq!(shown.applicant.unwrap().full_name, "Dương Thị Thử");
    assert_eq!(shown.proposed.unwrap().full_name, "Đường Thị Thử");
    assert_eq!(found(&ward, of_number(RIGHT)).await, Vec::<String>::new());

    let own = decide(clerk(&ward, 1), decision(&dossier, true)).await;
    let own = own.unwrap_err();
    assert_eq!(own.code(), Code::FailedPrecondition);
    let article = own.get_details_error_info().unwrap().metadata["article"].clone();
    assert!(article.contains("four eyes"), "{article}");

    let request = decision(&dossier, true);
    let confirmed = decide(clerk(&ward, 2), request.clone()).await.unwrap();
    assert_eq!(confirmed.corrections[0].state(), CorrectionState::Confirmed);
    // A double click gets the first answer again.
    assert_eq!(decide(clerk(&ward, 2), request).await.unwrap(), confirmed);

    let shown = full(&ward, &dossier).await;
    assert_eq!(shown.applicant.unwrap().full_name, right.full_name);
    assert_eq!(shown.proposed, None);
    assert_eq!(found(&ward, pending).await, Vec::<String>::new());
    for (request, finds) in [
        (of_number(WRONG), false),
        (of_number(RIGHT), true),
        (named("dương"), false),
        (named("đường"), true),
        (named("duong"), true),
    ] {
        let codes = found(&ward, request.clone()).await;
        assert_eq!(codes.contains(&dossier.code), finds, "{request:?}");
    }
    // The applicant is known by the right number from now on.
    for (ending, finds) in [("0001", false), ("0010", true)] {
        let request = LookUpDossierRequest {
            code: dossier.code.clone(),
            identity_ending: ending.to_owned(),
            ..LookUpDossierRequest::default()
        };
        let mut anybody = DossierServiceClient::new(ward.of_nobody());
        assert_eq!(anybody.look_up_dossier(request).await.is_ok(), finds);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_another_persons_is_not_confirmed() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of(person("Trần Văn Thử", WRONG)))
        .await
        .unwrap();
    ward.submits(of(person("Lê Thị Khác", RIGHT)))
        .await
        .unwrap();
    propose(&ward, &dossier, person("Trần Văn Thử", RIGHT))
        .await
        .unwrap();
    let refused = decide(clerk(&ward, 2), decision(&dossier, true)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    assert!(!refused.message().contains(RIGHT), "{refused:?}");
    // What stands may stay, and the name alone can still be corrected.
    decide(clerk(&ward, 2), decision(&dossier, false))
        .await
        .unwrap();
    propose(&ward, &dossier, person("Trần Văn Thử Nghiệm", WRONG))
        .await
        .unwrap();
    let second = DecideCorrectionRequest {
        correction: "c2".to_owned(),
        ..decision(&dossier, true)
    };
    decide(clerk(&ward, 2), second).await.unwrap();
    assert_eq!(found(&ward, named("nghiệm")).await, [&dossier.code[..]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stood_there_before_can_still_be_read() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of(person("Trần Văn Thử", WRONG)))
        .await
        .unwrap();
    propose(&ward, &dossier, person("Trần Văn Thứ", WRONG))
        .await
        .unwrap();
    decide(clerk(&ward, 2), decision(&dossier, true))
        .await
        .unwrap();
    let request = ExportSubjectRequest {
        dossier: dossier.code.clone(),
        ..ExportSubjectRequest::default()
    };
    let administrator = ward.of(Role::Administrator, "administrator-1", &[]);
    let held = SubjectServiceClient::new(administrator)
        .export_subject(stating(request))
        .await
        .unwrap()
        .into_inner();
    let dossier = &held.dossiers[0];
    assert_eq!(
        dossier.applicant.as_ref().unwrap().full_name,
        "Trần Văn Thứ"
    );
    let before: Vec<_> = dossier
        .statements
        .iter()
        .filter(|said| said.kind() == StatementKind::Applicant)
        .collect();
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].revision, 1);
    assert!(before[0].text.contains("Trần Văn Thử"));
}

/// With a fee, as it is where somebody comes to the counter.
fn at_the_counter(applicant: Applicant) -> SubmitDossierRequest {
    SubmitDossierRequest {
        channel: Channel::Counter.into(),
        ..of(applicant)
    }
}

async fn propose_entry(ward: &Ward, dossier: &Dossier, entry: Entry) -> Result<Dossier, Status> {
    let request = ProposeCorrectionRequest {
        name: dossier.name.clone(),
        entry: Some(CorrectedEntry { entry: Some(entry) }),
        reason: "biên lai là của hồ sơ khác".to_owned(),
        ..ProposeCorrectionRequest::default()
    };
    let mut corrections = CorrectionServiceClient::new(clerk(ward, 1));
    Ok(corrections.propose_correction(request).await?.into_inner())
}

fn payment(id: &str, amount_vnd: i64, reference: &str) -> Entry {
    Entry::Payment(CorrectedPayment {
        payment: id.to_owned(),
        amount_vnd,
        reference: reference.to_owned(),
    })
}

fn paying(dossier: &Dossier, reference: &str) -> RecordPaymentRequest {
    RecordPaymentRequest {
        name: dossier.name.clone(),
        provider: "bank-1".to_owned(),
        reference: reference.to_owned(),
        amount_vnd: 5_000,
        ..RecordPaymentRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_another_dossiers_is_recorded_there_once_two_have_said_so() {
    let mut ward = Ward::ready().await;
    let wrong = ward
        .submits(at_the_counter(person("Trần Văn Thử", WRONG)))
        .await
        .unwrap();
    let right = at_the_counter(person("Lê Thị Thử", RIGHT));
    let right = ward.submits(right).await.unwrap();
    ward.payments
        .record_payment(paying(&wrong, "FT-1"))
        .await
        .unwrap();
    ward.payments
        .record_payment(paying(&right, "FT-1"))
        .await
        .expect_err("the reference is the other's");

    let proposed = propose_entry(&ward, &wrong, payment("p1", 0, ""))
        .await
        .unwrap();
    // Whoever is to confirm sees what.
    let shown = proposed.corrections[0]
        .entry
        .clone()
        .and_then(|it| it.entry);
    assert_eq!(shown, Some(payment("p1", 0, "")));
    let confirmed = decide(clerk(&ward, 2), decision(&wrong, true))
        .await
        .unwrap();
    assert_eq!((confirmed.paid_vnd, confirmed.payments.len()), (0, 1));
    // The provider's notice comes again, and undoes nothing.
    let again = ward.payments.record_payment(paying(&wrong, "FT-1")).await;
    assert_eq!(again.unwrap_err().code(), Code::FailedPrecondition);
    let paid = ward
        .payments
        .record_payment(paying(&right, "FT-1"))
        .await
        .unwrap();
    assert_eq!(paid.into_inner().paid_vnd, 5_000);

    // A reference that is another dossier's is none of this one.
    ward.payments
        .record_payment(paying(&wrong, "FT-2"))
        .await
        .unwrap();
    ward.payments
        .record_payment(RecordPaymentRequest {
            amount_vnd: 1_000,
            ..paying(&right, "FT-3")
        })
        .await
        .unwrap();
    propose_entry(&ward, &wrong, payment("p2", 5_000, "FT-3"))
        .await
        .unwrap();
    let second = DecideCorrectionRequest {
        correction: "c2".to_owned(),
        ..decision(&wrong, true)
    };
    let refused = decide(clerk(&ward, 2), second).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists, "{refused:?}");
    let stands = full(&ward, &wrong).await;
    assert_eq!(stands.payments[1].reference, "FT-2");
    assert_eq!(stands.corrections[1].state(), CorrectionState::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_at_an_entry_is_not_shown_particulars_that_were_rejected() {
    let mut ward = Ward::ready().await;
    let dossier = at_the_counter(person("Trần Văn Thử", WRONG));
    let dossier = ward.submits(dossier).await.unwrap();
    ward.payments
        .record_payment(paying(&dossier, "FT-1"))
        .await
        .unwrap();
    propose(&ward, &dossier, person("Trần Văn Thứ", WRONG))
        .await
        .unwrap();
    assert!(full(&ward, &dossier).await.proposed.is_some());
    decide(clerk(&ward, 2), decision(&dossier, false))
        .await
        .unwrap();
    propose_entry(&ward, &dossier, payment("p1", 4_000, ""))
        .await
        .unwrap();
    let shown = full(&ward, &dossier).await;
    assert_eq!(shown.proposed, None);
    assert!(shown.corrections[1].entry.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_corrected_is_named() {
    let mut ward = Ward::ready().await;
    let dossier = ward
        .submits(of(person("Trần Văn Thử", WRONG)))
        .await
        .unwrap();
    let paper = HandedPaper {
        paper: "khong-co".to_owned(),
        originals: 1,
        ..HandedPaper::default()
    };
    for (entry, field) in [
        (payment("", 1, ""), "entry.payment.payment"),
        (payment("p1", -1, ""), "entry.payment.amount_vnd"),
        (payment("p1", 1, ""), "entry.payment.payment"),
        (
            Entry::TrackingReference(String::new()),
            "entry.tracking_reference",
        ),
        (Entry::Paper(HandedPaper::default()), "entry.paper.paper"),
        (Entry::Paper(paper), "entry.paper.paper"),
    ] {
        let refused = propose_entry(&ward, &dossier, entry).await.unwrap_err();
        assert_eq!(violated(&refused), [field]);
    }
    let mut corrections = CorrectionServiceClient::new(clerk(&ward, 1));
    for (applicant, entry, field) in [
        (None, None, "applicant"),
        (None, Some(CorrectedEntry::default()), "entry"),
        (
            Some(person("Trần Văn Thử", WRONG)),
            Some(CorrectedEntry {
                entry: Some(payment("p1", 1, "")),
            }),
            "entry",
        ),
    ] {
        let request = ProposeCorrectionRequest {
            name: dossier.name.clone(),
            applicant,
            entry,
            reason: "giấy tờ gốc ghi khác".to_owned(),
            ..ProposeCorrectionRequest::default()
        };
        let refused = corrections.propose_correction(request).await.unwrap_err();
        assert_eq!(violated(&refused), [field]);
    }
}
