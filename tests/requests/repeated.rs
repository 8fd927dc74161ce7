//! The same request again, at once and later; and requests that met another state than they thought.

use futures::future::join_all;
use motcua_proto::{
    intake::v1::{Dossier, SubmitDossierRequest},
    r#type::v1::Role,
    workflow::v1::ClaimTaskRequest,
};
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::support::{Person, Service, Suite, WARD, birth, guardianship, online, refused};

/// How many impatient clicks.
const CLICKS: usize = 20;

fn position<T>(answer: &Response<T>) -> String {
    answer
        .metadata()
        .get("motcua-position")
        .expect("a position")
        .to_str()
        .expect("text")
        .to_owned()
}

async fn submit(
    person: &Person<'_>,
    request: &SubmitDossierRequest,
) -> Result<Response<Dossier>, Status> {
    person.dossiers().submit_dossier(request.clone()).await
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_its_position_also_after_a_kill() {
    let mut suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let request = birth();
    let first = submit(&suite.clerk(), &request).await.unwrap();
    suite.settle().await;
    // Meanwhile the dossier has moved on, and time has too: the answer is still the first.
    suite.clock_at("2025-07-01T09:00").await;
    let second = submit(&suite.clerk(), &request).await.unwrap();
    assert_eq!(
        (second.get_ref(), position(&second)),
        (first.get_ref(), position(&first))
    );

    suite.kills_all();
    suite.restarts_all().await;
    let third = submit(&suite.clerk(), &request).await.unwrap();
    assert_eq!(
        (third.get_ref(), position(&third)),
        (first.get_ref(), position(&first))
    );

    let other = SubmitDossierRequest {
        accept: false,
        ..request.clone()
    };
    let refusal = refused(&submit(&suite.clerk(), &other).await.unwrap_err());
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );

    // The id is the clerk's own: somebody else's request of the same id is another one.
    let neighbour = suite.person(Role::Receptionist, "receptionist-11593-2");
    let theirs = submit(&neighbour, &request).await.unwrap().into_inner();
    assert_eq!(theirs.code, "H24.11593-250701-0002");
    suite.settle().await;
    assert_eq!(
        suite
            .kinds(Service::Intake, &first.get_ref().code)
            .await
            .len(),
        3,
        "submitted, accepted, in progress"
    );
}

#[tokio::test]
async fn a_refusal_is_not_remembered_and_leaves_no_gap_in_the_codes() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();
    let known = SubmitDossierRequest {
        external_code: "G01.TEST-1".to_owned(),
        ..online(birth())
    };
    assert_eq!(
        clerk.submits(known.clone()).await.code,
        "H24.11593-250701-0001"
    );
    let again = SubmitDossierRequest {
        request_id: Uuid::new_v4().to_string(),
        ..known
    };
    for _ in 0..3 {
        let refusal = refused(&submit(&clerk, &again).await.unwrap_err());
        assert_eq!(refusal.code, Code::AlreadyExists, "{refusal:?}");
        assert_ne!(refusal.reason, "REQUEST_ID_REUSED");
    }
    assert_eq!(clerk.submits(birth()).await.code, "H24.11593-250701-0002");

    // What was refused before is decided anew under the same id.
    let code = clerk.submits(online(guardianship())).await.code;
    let accept = Person::accepting(&code);
    clerk.asks_for(&code, "Ảnh căn cước").await;
    assert!(
        clerk
            .dossiers()
            .accept_dossier(accept.clone())
            .await
            .is_err()
    );
    clerk.hands_in(&code, "Đã nộp").await;
    clerk.dossiers().accept_dossier(accept).await.unwrap();
}

#[tokio::test]
async fn whoever_clicks_twenty_times_submits_accepts_and_claims_once() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();

    let request = online(birth());
    let clicks = join_all((0..CLICKS).map(|_| submit(&clerk, &request))).await;
    let mut answers: Vec<_> = clicks
        .into_iter()
        .map(|answer| answer.unwrap().into_inner())
        .collect();
    answers.dedup();
    assert_eq!(answers.len(), 1, "one request, one answer");
    let code = answers.remove(0).code;

    // Without a request id the moves alone protect.
    let mut accept = Person::accepting(&code);
    accept.request_id.clear();
    let clicks = join_all((0..CLICKS).map(|_| {
        let (mut client, accept) = (clerk.dossiers(), accept.clone());
        async move { client.accept_dossier(accept).await }
    }))
    .await;
    let (accepted, refusals): (Vec<_>, Vec<_>) = clicks.into_iter().partition(Result::is_ok);
    assert_eq!(accepted.len(), 1);
    for refusal in refusals {
        assert_eq!(refused(&refusal.unwrap_err()).reason, "MOVE_NOT_ALLOWED");
    }
    suite.settle().await;
    assert_eq!(
        suite.kinds(Service::Intake, &code).await,
        [
            "DossierSubmitted",
            "DossierAccepted",
            "CaseProgressRecorded"
        ]
    );
    assert_eq!(suite.messages(&code).await.len(), 1, "one act, one message");

    let task = suite.officer().task(WARD, &code).await;
    let colleagues: Vec<_> = (0..CLICKS)
        .map(|n| suite.person(Role::Officer, &format!("officer-11593-{n}")))
        .collect();
    let claims = join_all(colleagues.iter().map(|colleague| {
        let request = ClaimTaskRequest {
            name: task.name.clone(),
            request_id: String::new(),
        };
        let mut tasks = colleague.tasks();
        async move { tasks.claim_task(request).await }
    }))
    .await;
    assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1);

    // Nobody else completes what somebody has.
    let assignee = claims
        .into_iter()
        .find_map(Result::ok)
        .unwrap()
        .into_inner()
        .assignee;
    let other = colleagues
        .iter()
        .find(|colleague| colleague.id() != assignee)
        .unwrap();
    let refusal = refused(
        &other
            .tasks()
            .complete_task(Person::completing(&task, "approved"))
            .await
            .unwrap_err(),
    );
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");
    let owner = colleagues
        .iter()
        .find(|colleague| colleague.id() == assignee)
        .unwrap();
    let request = Person::completing(&task, "approved");
    let clicks = join_all((0..CLICKS).map(|_| {
        let (mut tasks, request) = (owner.tasks(), request.clone());
        async move { tasks.complete_task(request).await }
    }))
    .await;
    for click in clicks {
        click.expect("the first answer again");
    }
    suite.settle().await;
    let completed = suite.kinds(Service::Workflow, &code).await;
    assert_eq!(
        completed
            .iter()
            .filter(|kind| *kind == "TaskCompleted")
            .count(),
        1
    );
    assert!(suite.reconciles().await.differences.is_empty());
}

#[tokio::test]
async fn a_stale_etag_is_told_the_present_one() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();
    let seen = clerk.submits(online(guardianship())).await;
    clerk.asks_for(&seen.code, "Ảnh căn cước").await;
    let present = clerk.hands_in(&seen.code, "Đã nộp").await;
    for stale in [seen.etag.as_str(), "99999999999999999999", "không"] {
        let mut request = Person::accepting(&seen.code);
        request.etag = stale.to_owned();
        let refusal = refused(&clerk.dossiers().accept_dossier(request).await.unwrap_err());
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::Aborted, "ETAG_MISMATCH"),
            "{stale:?}"
        );
        assert_eq!(refusal.metadata["etag"], present.etag);
    }
    let mut request = Person::accepting(&seen.code);
    request.etag = present.etag;
    clerk.dossiers().accept_dossier(request).await.unwrap();
    suite.settle().await;

    let case = suite.leader().case(&seen.code).await;
    let mut request = Person::asking(&seen.code, "Một giấy tờ nữa");
    request.etag = "0".to_owned();
    let refusal = refused(
        &suite
            .officer()
            .cases()
            .request_supplement(request)
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (refusal.reason.as_str(), &refusal.metadata["etag"]),
        ("ETAG_MISMATCH", &case.etag)
    );
}
