//! Health, as `grpc.health.v1` tells it: of the server as a whole (the empty name) and of each gRPC service.

use std::{convert::Infallible, sync::Arc};

use futures::future::select_all;
use motcua_proto::events::v1::follower_service_server::SERVICE_NAME as FOLLOWER_SERVICE;
use tokio::sync::Mutex;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health as HealthApi, HealthServer},
    server::{HealthReporter, HealthService},
};

use super::method;
use crate::progress::Progress;

/// Says whether a service serves. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Health {
    reporter: HealthReporter,
    names: Arc<Mutex<Names>>,
}

#[derive(Debug)]
struct Names {
    known: Vec<String>,
    closed: bool,
}

impl Health {
    /// Everything that this service of the suite offers serves.
    pub async fn serving(service: &str) -> Self {
        let health = Self {
            reporter: HealthReporter::new(),
            names: Arc::new(Mutex::new(Names {
                known: vec![String::new()],
                closed: false,
            })),
        };
        for name in method::services(service) {
            health.set(name, true).await;
        }
        health
    }

    /// Says whether this gRPC service, or any other part that has a name, serves. Once the service drains, nothing
    /// serves any more, whoever says so.
    pub async fn set(&self, name: &str, serves: bool) {
        let mut names = self.names.lock().await;
        if names.closed {
            return;
        }
        if !names.known.iter().any(|known| known == name) {
            names.known.push(name.to_owned());
        }
        let status = if serves {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        self.reporter.set_service_status(name, status).await;
    }

    /// The follower service does not serve while a follower stands or a dossier is set aside: somebody has to look.
    pub(super) async fn mirror(&self, progress: &Progress) -> Infallible {
        let sources: Vec<_> = progress.steps().map(|(source, _)| source).collect();
        let mut steps: Vec<_> = sources
            .into_iter()
            .filter_map(|source| progress.watch(source))
            .collect();
        let mut well = true;
        loop {
            if std::mem::replace(&mut well, progress.is_well()) != well {
                self.set(FOLLOWER_SERVICE, well).await;
            }
            if steps.is_empty() {
                std::future::pending::<()>().await;
            }
            // The senders live as long as the progress that we hold.
            let (changed, _, _) =
                select_all(steps.iter_mut().map(|steps| Box::pin(steps.changed()))).await;
            changed.ok();
        }
    }

    /// Nothing serves from now on.
    pub(super) async fn close(&self) {
        let mut names = self.names.lock().await;
        names.closed = true;
        for name in &names.known {
            self.reporter
                .set_service_status(name, ServingStatus::NotServing)
                .await;
        }
    }

    pub(super) fn server(&self) -> HealthServer<impl HealthApi> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}
