//! Who may not act although the method is theirs: relatives, whoever prepared what is to be signed, another agency's
//! counter.

use motcua_proto::{
    intake::v1::{Dossier, RecuseStaffRequest, SubmitDossierRequest},
    r#type::v1::{DossierStatus, HandOverMethod, Role},
    workflow::v1::{ClaimTaskRequest, Task},
};
use tonic::{Code, Status};

use crate::support::{Person, Refused, Service, Suite, WARD, birth, refused};

/// Conflicts of interest.
const RECUSAL: &str = "law 36/2018/QH14, art. 23";

async fn recuses(by: &Person<'_>, code: &str, whom: &Person<'_>) -> Result<Dossier, Status> {
    let request = RecuseStaffRequest {
        name: format!("dossiers/{code}"),
        principal: whom.id().to_owned(),
        ..RecuseStaffRequest::default()
    };
    Ok(by.dossiers().recuse_staff(request).await?.into_inner())
}

async fn is_kept_from(person: &Person<'_>, task: &Task) -> Refused {
    let request = ClaimTaskRequest {
        name: task.name.clone(),
        request_id: String::new(),
    };
    let claimed = person.tasks().claim_task(request).await;
    let refusal = refused(&claimed.expect_err("it is kept from them"));
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::FailedPrecondition, "MOVE_NOT_ALLOWED")
    );
    refusal
}

#[tokio::test]
async fn nobody_acts_on_a_relatives_from_the_moment_that_the_counter_knows() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let (clerk, officer, leader) = (suite.clerk(), suite.officer(), suite.leader());
    let colleague = suite.person(Role::Officer, "officer-11593-2");
    let code = clerk.submits(birth()).await.code;
    suite.settle().await;
    let task = officer.task(WARD, &code).await;

    // An officer cannot mark anybody; a leader can, and the clerk who received it too.
    let refusal = refused(&recuses(&officer, &code, &leader).await.unwrap_err());
    assert_eq!(refusal.reason, "METHOD_DENIED");
    recuses(&leader, &code, &officer).await.unwrap();
    recuses(&leader, &code, &clerk).await.unwrap();
    suite.settle().await;
    assert_eq!(
        suite.kinds(Service::Workflow, &code).await.last().unwrap(),
        "CaseStaffRecused"
    );
    assert_eq!(
        is_kept_from(&officer, &task).await.metadata["article"],
        RECUSAL
    );
    let refusal = officer
        .cases()
        .request_supplement(Person::asking(&code, "một giấy tờ"))
        .await
        .unwrap_err();
    assert_eq!(refused(&refusal).metadata["article"], RECUSAL);

    // A colleague does it, and another clerk hands it over.
    colleague.approves(WARD, &code).await;
    leader.approves(WARD, &code).await;
    let refusal = clerk
        .dossiers()
        .hand_over_result(Person::handing_over(&code, HandOverMethod::Counter))
        .await
        .unwrap_err();
    assert_eq!(refused(&refusal).metadata["article"], RECUSAL);
    let other_clerk = suite.person(Role::Receptionist, "receptionist-11593-2");
    assert_eq!(
        other_clerk.hands_over(&code).await.status(),
        DossierStatus::HandedOver
    );
}

#[tokio::test]
async fn a_relative_who_is_named_at_submission_never_gets_the_task() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let officer = suite.officer();
    let request = SubmitDossierRequest {
        recused: vec![officer.id().to_owned()],
        ..birth()
    };
    let code = suite.clerk().submits(request).await.code;
    suite.settle().await;
    let colleague = suite.person(Role::Officer, "officer-11593-2");
    let task = colleague.task(WARD, &code).await;
    assert_eq!(
        is_kept_from(&officer, &task).await.metadata["article"],
        RECUSAL
    );
    colleague.claims(&task).await;
}

#[tokio::test]
async fn who_did_the_officers_step_does_not_sign_it() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let both = suite.person_with(&[Role::Officer, Role::Leader], "deputy-11593-1");
    let (first, second) = (
        suite.clerk().submits(birth()).await.code,
        suite.clerk().submits(birth()).await.code,
    );
    suite.settle().await;
    both.approves(WARD, &first).await;
    suite.officer().approves(WARD, &second).await;
    // What a colleague prepared they may sign, and not their own.
    let task = suite.leader().task(WARD, &first).await;
    let refusal = is_kept_from(&both, &task).await;
    assert_eq!(
        refusal.metadata["article"],
        "decree 118/2025, art. 18 (four eyes)"
    );
    let completing = Person::completing(&task, "approved");
    let refusal = both.tasks().complete_task(completing).await.unwrap_err();
    assert_eq!(refused(&refusal).code, Code::FailedPrecondition);
    let task = suite.leader().task(WARD, &second).await;
    both.completes(&both.claims(&task).await, "approved").await;
    suite.leader().approves(WARD, &first).await;
    for code in [&first, &second] {
        assert_eq!(
            suite.clerk().sees(code).await.status(),
            DossierStatus::ResultReady
        );
    }
}

#[tokio::test]
async fn another_agencys_counter_is_told_the_same_as_one_that_does_not_exist() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let neighbour = suite.person_of(Role::Receptionist, "receptionist-11407-1", &["11407"]);
    let mut said = Vec::new();
    for agency in [WARD, "99999"] {
        let request = SubmitDossierRequest {
            receiving_agency: agency.to_owned(),
            ..birth()
        };
        let refusal = refused(
            &neighbour
                .dossiers()
                .submit_dossier(request)
                .await
                .unwrap_err(),
        );
        assert_eq!(
            (refusal.code, &refusal.fields[0]),
            (Code::InvalidArgument, &"receiving_agency".to_owned())
        );
        said.push(refusal.message.replace(agency, "AGENCY"));
    }
    assert_eq!(said[0], said[1]);
    // And no code was given out for it.
    assert_eq!(
        suite.clerk().submits(birth()).await.code,
        "H24.11593-250701-0001"
    );
}
