//! Pages: by key, stable while others write, in the order that people work in.

use std::collections::BTreeSet;

use futures::future::join_all;
use motcua_proto::{
    intake::v1::{ListDossiersRequest, ListDossiersResponse},
    r#type::v1::{DossierStatus, PriorityGround},
    workflow::v1::ListCasesRequest,
};
use tonic::Status;

use crate::support::{Suite, WARD, birth, guardianship, online, proto, refused};

async fn list(suite: &Suite, request: ListDossiersRequest) -> Result<ListDossiersResponse, Status> {
    Ok(suite
        .clerk()
        .dossiers()
        .list_dossiers(request)
        .await?
        .into_inner())
}

#[tokio::test]
async fn pages_miss_nothing_and_repeat_nothing_while_others_submit() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();
    let submitted = join_all((0..55).map(|_| clerk.submits(online(birth())))).await;
    let before: BTreeSet<_> = submitted.into_iter().map(|dossier| dossier.code).collect();

    let page = |page_size, token: &str| ListDossiersRequest {
        page_size,
        page_token: token.to_owned(),
        receiving_agency: WARD.to_owned(),
        ..ListDossiersRequest::default()
    };
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let answer = list(&suite, page(7, &token)).await.unwrap();
        assert!(answer.dossiers.len() <= 7);
        assert!(
            answer
                .dossiers
                .iter()
                .all(|dossier| dossier.applicant.is_none())
        );
        seen.extend(answer.dossiers.into_iter().map(|dossier| dossier.code));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
        if seen.len() < 30 {
            join_all((0..3).map(|_| clerk.submits(online(birth())))).await;
        }
    }
    let unique: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(unique.len(), seen.len(), "nothing comes twice");
    assert!(before.is_subset(&unique), "nothing is missed");
    assert!(seen.is_sorted(), "the newest comes last");

    // Sizes are coerced rather than refused; only a negative one means nothing.
    assert_eq!(list(&suite, page(0, "")).await.unwrap().dossiers.len(), 50);
    assert_eq!(
        list(&suite, page(i32::MAX, ""))
            .await
            .unwrap()
            .dossiers
            .len(),
        seen.len()
    );
    let wrong = ListDossiersRequest {
        page_size: -1,
        page_token: "đây không phải mã trang".to_owned(),
        statuses: vec![DossierStatus::Submitted.into(), 77],
        submitted_from: Some(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        }),
        ..ListDossiersRequest::default()
    };
    let mut fields = refused(&list(&suite, wrong).await.unwrap_err()).fields;
    fields.sort();
    assert_eq!(
        fields,
        ["page_size", "page_token", "statuses[1]", "submitted_from"]
    );
    // A token of another list is none of this one.
    clerk.accepts(&seen[0]).await;
    clerk.accepts(&seen[1]).await;
    suite.settle().await;
    let mut cases = suite.officer().cases();
    let request = ListCasesRequest {
        page_size: 1,
        ..ListCasesRequest::default()
    };
    let foreign = cases
        .list_cases(request)
        .await
        .unwrap()
        .into_inner()
        .next_page_token;
    assert!(!foreign.is_empty());
    // It may be readable by chance of its shape; it must never be a failure.
    if let Err(status) = list(&suite, page(5, &foreign)).await {
        assert_eq!(refused(&status).fields, ["page_token"]);
    }
}

#[tokio::test]
async fn filters_add_up() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();
    let born = clerk.submits(birth()).await.code;
    suite.clock_at("2025-07-01T09:00").await;
    let waiting = clerk.submits(online(guardianship())).await.code;
    let codes = async |request| -> Vec<String> {
        list(&suite, request)
            .await
            .unwrap()
            .dossiers
            .into_iter()
            .map(|dossier| dossier.code)
            .collect()
    };
    let all = ListDossiersRequest::default();
    let (born, waiting) = (born.as_str(), waiting.as_str());
    assert_eq!(codes(all.clone()).await, [born, waiting]);
    let submitted = ListDossiersRequest {
        statuses: vec![DossierStatus::Submitted.into()],
        ..all.clone()
    };
    assert_eq!(codes(submitted.clone()).await, [waiting]);
    assert!(
        codes(ListDossiersRequest {
            procedure: "1.001193".to_owned(),
            ..submitted
        })
        .await
        .is_empty()
    );
    let early = ListDossiersRequest {
        submitted_to: proto("2025-07-01T09:00"),
        ..all.clone()
    };
    assert_eq!(codes(early).await, [born]);
    assert_eq!(
        codes(ListDossiersRequest {
            submitted_from: proto("2025-07-01T09:00"),
            ..all
        })
        .await,
        [waiting]
    );
}

#[tokio::test]
async fn a_worklist_begins_with_whoever_has_a_priority_and_goes_on_by_due() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();
    let later = clerk.submits(guardianship()).await.code;
    let today = clerk.submits(birth()).await.code;
    let mut request = guardianship();
    request.priority = PriorityGround::Elderly.into();
    let first = clerk.submits(request).await.code;
    suite.settle().await;
    let order: Vec<_> = suite
        .officer()
        .worklist(WARD)
        .await
        .into_iter()
        .map(|task| task.dossier)
        .collect();
    assert_eq!(order, [first, today, later]);
}
