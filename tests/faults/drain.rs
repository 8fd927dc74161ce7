//! SIGTERM: what was accepted is finished, what was not is refused cleanly.

use motcua_proto::intake::v1::{
    ListDossiersRequest, SubmitDossierRequest, dossier_service_client::DossierServiceClient,
};
use tokio::task::JoinSet;
use tonic::Code;

use crate::support::{Service, Suite, birth, online, wait_until};

/// Clients at once.
const CLIENTS: usize = 12;

#[tokio::test]
async fn a_service_that_is_asked_to_stop_cuts_nothing_off() {
    let mut suite = Suite::apart().await;
    suite.clock_at("2025-07-01T08:00").await;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let mut dossiers = DossierServiceClient::new(suite.clerk().peer(Service::Intake));
        clients.spawn(async move {
            // Each goes on until it is refused.
            let mut answered = Vec::new();
            for n in 0.. {
                let external_code = format!("T.{client}-{n}");
                let request = SubmitDossierRequest {
                    external_code: external_code.clone(),
                    ..online(birth())
                };
                match dossiers.submit_dossier(request.clone()).await {
                    Ok(dossier) => answered.push((external_code, dossier.into_inner().code)),
                    Err(status) => return (answered, request, status),
                }
            }
            unreachable!("a client that is never refused")
        });
    }
    let mut dossiers = DossierServiceClient::new(suite.peer(Service::Intake));
    wait_until("every client is at work", async || {
        let request = ListDossiersRequest {
            page_size: 1_000,
            ..ListDossiersRequest::default()
        };
        let there = dossiers
            .list_dossiers(request)
            .await
            .unwrap()
            .into_inner()
            .dossiers
            .len();
        if there > 3 * CLIENTS {
            Ok(())
        } else {
            Err(format!("{there}"))
        }
    })
    .await;
    suite.asks_to_stop(Service::Intake);
    let ended: Vec<_> = clients.join_all().await;
    let status = suite.ended(Service::Intake).await;
    assert!(status.success(), "{status}");
    suite.restarts(Service::Intake).await;

    let by_external_code = async |external_code: &str| {
        let mut dossiers = DossierServiceClient::new(suite.peer(Service::Intake));
        let request = ListDossiersRequest {
            external_code: external_code.to_owned(),
            ..ListDossiersRequest::default()
        };
        let found = dossiers
            .list_dossiers(request)
            .await
            .unwrap()
            .into_inner()
            .dossiers;
        found
            .into_iter()
            .map(|dossier| dossier.code)
            .collect::<Vec<_>>()
    };
    for (answered, refused, status) in ended {
        // "Cancelled" is the client's own word for what it had not sent yet when the connection was closed.
        assert!(
            matches!(status.code(), Code::Unavailable | Code::Cancelled),
            "{status:?}"
        );
        for (external_code, code) in answered {
            assert_eq!(by_external_code(&external_code).await, [code]);
        }
        assert!(
            by_external_code(&refused.external_code).await.is_empty(),
            "{} was accepted, and its answer was cut off: {status:?}",
            refused.external_code
        );
        suite.clerk().submits(refused).await;
    }
    suite.settle().await;
}
