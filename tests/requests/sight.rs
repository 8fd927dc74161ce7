//! One's own effects across services, and what a service says of itself.

use motcua_proto::workflow::v1::GetCaseRequest;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request, Status};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::support::{Service, Suite, birth, refused};

async fn get_case(suite: &Suite, code: &str, after: &[&str]) -> Result<(), Status> {
    let mut request = Request::new(GetCaseRequest {
        name: format!("cases/{code}"),
    });
    for position in after {
        request
            .metadata_mut()
            .append("motcua-after", position.parse().expect("metadata"));
    }
    suite.officer().cases().get_case(request).await.map(drop)
}

#[tokio::test]
async fn whoever_brings_a_position_sees_its_effects_at_once() {
    let suite = Suite::apart().await;
    suite.clock_at("2025-07-01T08:00").await;
    let mut last = String::new();
    for _ in 0..10 {
        let answer = suite
            .clerk()
            .dossiers()
            .submit_dossier(birth())
            .await
            .unwrap();
        last = answer
            .metadata()
            .get("motcua-position")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        get_case(&suite, &answer.get_ref().code, &[&last])
            .await
            .expect("the case is there, without asking twice");
    }

    let code = "H24.11593-250701-0001";
    let (source, position) = last.split_once('@').unwrap();
    let (_, epoch) = source.split_once('/').unwrap();
    let beyond = format!("{source}@{}", position.parse::<i64>().unwrap() + 1_000);
    let foreign = format!("intake/{}@1", epoch.parse::<i64>().unwrap() + 1);
    for wrong in [
        beyond.as_str(),
        &foreign,
        "intake",
        "statistics/1@1",
        "intake/1@x",
        "",
    ] {
        let refusal = refused(&get_case(&suite, code, &[&last, wrong]).await.unwrap_err());
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::InvalidArgument, "POSITION_INVALID"),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_position_that_a_service_cannot_reach_is_answered_in_time_with_when_to_ask_again() {
    let mut suite = Suite::apart().await;
    suite.clock_at("2025-07-01T08:00").await;
    suite.kills(Service::Workflow);
    let answer = suite
        .clerk()
        .dossiers()
        .submit_dossier(birth())
        .await
        .unwrap();
    let position = answer
        .metadata()
        .get("motcua-position")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    // Nobody can be asked how far it has come: the statistics do not follow what is down, and must not hang.
    suite.kills(Service::Intake);
    suite.restarts(Service::Workflow).await;
    let status = get_case(&suite, &answer.get_ref().code, &[&position])
        .await
        .unwrap_err();
    let refusal = refused(&status);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Unavailable, "POSITION_NOT_REACHED")
    );
    use tonic_types::StatusExt as _;
    assert!(
        status
            .get_details_retry_info()
            .is_some_and(|info| info.retry_delay.is_some())
    );
    suite.restarts(Service::Intake).await;
    suite.settle().await;
    get_case(&suite, &answer.get_ref().code, &[&position])
        .await
        .unwrap();
}

#[tokio::test]
async fn every_service_says_that_it_serves_and_what_it_offers() {
    let suite = Suite::start().await;
    for service in Service::ALL {
        for part in [
            "",
            "motcua.events.v1.EventFeedService",
            "motcua.events.v1.FollowerService",
        ] {
            assert!(
                suite.serves(service, part).await,
                "{} {part}",
                service.name()
            );
        }
        let ask = |request| ServerReflectionRequest {
            host: String::new(),
            message_request: Some(request),
        };
        let asked = [
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol(
                "motcua.events.v1.EventFeedService".to_owned(),
            )),
        ];
        let mut client = ServerReflectionClient::new(suite.peer(service));
        let mut answers = client
            .server_reflection_info(tokio_stream::iter(asked))
            .await
            .unwrap()
            .into_inner();
        let Some(MessageResponse::ListServicesResponse(list)) =
            answers.next().await.unwrap().unwrap().message_response
        else {
            panic!("no list of services");
        };
        let offered: Vec<_> = list
            .service
            .into_iter()
            .map(|offered| offered.name)
            .collect();
        let own = format!("motcua.{}.v1.", service.name());
        assert!(
            offered.iter().any(|name| name.starts_with(&own)),
            "{offered:?}"
        );
        assert!(
            offered.iter().any(|name| name == "grpc.health.v1.Health"),
            "{offered:?}"
        );
        assert!(
            offered
                .iter()
                .any(|name| name == "motcua.events.v1.EventFeedService"),
            "{offered:?}"
        );
        let file = answers.next().await.unwrap().unwrap().message_response;
        assert!(
            matches!(file, Some(MessageResponse::FileDescriptorResponse(_))),
            "{file:?}"
        );
    }
}
