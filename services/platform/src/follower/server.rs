//! Followers over gRPC: how far, and what was set aside.

use std::{collections::HashMap, fmt, sync::Arc};

use futures::future::BoxFuture;
use motcua_proto::events::v1::{
    Follower as FollowerState, ListFollowersRequest, ListFollowersResponse, ParkDossierRequest,
    ParkDossierResponse, ParkedDossier, UnparkDossierRequest, UnparkDossierResponse,
    follower_service_server::FollowerService,
};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tonic::{Request, Response, Status};

use super::{Cursor, Handler, Received, parking};
use crate::{
    clock::Clock,
    error::Error,
    feed::Feed,
    parse::Fields,
    progress::Progress,
    telemetry,
    time::to_proto,
    work::{self, Work},
};

type Unpark = dyn Fn(String) -> BoxFuture<'static, Result<i64, Error>> + Send + Sync;

/// The way to set dossiers of one source aside and to take them up again.
#[derive(Clone)]
pub struct Parking {
    source: &'static str,
    progress: Progress,
    clock: Clock,
    unpark: Arc<Unpark>,
}

impl fmt::Debug for Parking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parking")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Parking {
    pub(super) fn new<H: Handler>(
        source: &'static str,
        options: PgConnectOptions,
        handler: Arc<H>,
        progress: Progress,
        clock: Clock,
    ) -> Self {
        let feed = progress.feed().clone();
        let unpark = move |dossier: String| -> BoxFuture<'static, Result<i64, Error>> {
            let (options, handler, feed) = (options.clone(), Arc::clone(&handler), feed.clone());
            Box::pin(
                async move { unpark(&feed, source, &options, handler.as_ref(), &dossier).await },
            )
        };
        Self {
            source,
            progress,
            clock,
            unpark: Arc::new(unpark),
        }
    }
}

/// Replays a dossier's events in one transaction: all of them, or none and it stays set aside.
async fn unpark<H: Handler>(
    feed: &Feed,
    source: &'static str,
    options: &PgConnectOptions,
    handler: &H,
    dossier: &str,
) -> Result<i64, Error> {
    let mut connection = work::connect(options).await?;
    let mut work = Work::begin(&mut connection, feed).await?;
    // The follower's own lock, waited for: no newer event of the dossier can slip past the replay.
    sqlx::query("SELECT FROM follower WHERE source = $1 FOR UPDATE")
        .bind(source)
        .execute(&mut *work)
        .await?;
    let Some(events) = parking::take(&mut work, source, dossier).await? else {
        return Err(Error::Missing {
            name: format!("parked dossier {dossier} from {source}"),
        });
    };
    let events: Vec<_> = events
        .into_iter()
        .map(|event| Received {
            span: telemetry::process_span(feed.service(), source, &event),
            event,
        })
        .collect();
    handler.handle(&mut work, source, &events).await?;
    work.commit().await?;
    Ok(i64::try_from(events.len()).unwrap_or(i64::MAX))
}

/// Serves what a service follows.
#[derive(Debug, Clone)]
pub struct FollowerServer {
    pool: PgPool,
    parkings: Vec<Parking>,
}

impl FollowerServer {
    /// Serves these followers; none for a service that follows nobody.
    #[must_use]
    pub fn new(pool: PgPool, parkings: Vec<Parking>) -> Self {
        Self { pool, parkings }
    }

    fn parking(&self, fields: &mut Fields, source: &str) -> Option<&Parking> {
        let found = self
            .parkings
            .iter()
            .find(|parking| parking.source == source);
        if found.is_none() {
            let known: Vec<_> = self.parkings.iter().map(|parking| parking.source).collect();
            fields.reject(
                "source",
                if known.is_empty() {
                    "this service follows nobody".to_owned()
                } else {
                    format!("must be one of {}", known.join(", "))
                },
            );
        }
        found
    }

    /// What is set aside, by source; health and metrics are told as well.
    async fn parked(&self) -> Result<HashMap<String, Vec<ParkedDossier>>, Error> {
        let mut connection = self.pool.acquire().await?;
        let parked = parking::list(&mut connection).await?;
        for parking in &self.parkings {
            let count = parked.get(parking.source).map_or(0, Vec::len);
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            parking
                .progress
                .update(parking.source, |step| step.parked = count);
        }
        Ok(parked)
    }

    /// The cursors. The rows, not this process's memory: another replica may be the one that follows.
    async fn cursors(&self) -> Result<HashMap<String, Cursor>, Error> {
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("SELECT source, epoch, position FROM follower")
                .fetch_all(&self.pool)
                .await?;
        Ok(rows
            .into_iter()
            .map(|(source, epoch, position)| (source, Cursor { epoch, position }))
            .collect())
    }
}

#[tonic::async_trait]
impl FollowerService for FollowerServer {
    async fn list_followers(
        &self,
        _: Request<ListFollowersRequest>,
    ) -> Result<Response<ListFollowersResponse>, Status> {
        let mut parked = self.parked().await?;
        let cursors = self.cursors().await?;
        let followers = self
            .parkings
            .iter()
            .map(|parking| {
                let cursor = cursors.get(parking.source).copied().unwrap_or(Cursor {
                    epoch: 0,
                    position: 0,
                });
                let step = parking.progress.step(parking.source);
                let head = step.head.max(cursor.position);
                FollowerState {
                    source: parking.source.to_owned(),
                    epoch: cursor.epoch,
                    position: cursor.position,
                    head,
                    lag: head - cursor.position,
                    parked: parked.remove(parking.source).unwrap_or_default(),
                    fault: step.fault,
                }
            })
            .collect();
        Ok(Response::new(ListFollowersResponse { followers }))
    }

    async fn park_dossier(
        &self,
        request: Request<ParkDossierRequest>,
    ) -> Result<Response<ParkDossierResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::new();
        let parking = self.parking(&mut fields, &request.source);
        let dossier = fields.line("dossier", &request.dossier);
        let reason = fields.line("reason", &request.reason);
        let id = fields.request_id(&request.request_id);
        let ((parking, dossier), (reason, _)) =
            fields.finish(parking.zip(dossier).zip(reason.zip(id)))?;
        let now = parking.clock.now();
        let mut transaction = self.pool.begin().await.map_err(Error::from)?;
        // Parking what is parked already, or the same request again, changes nothing.
        sqlx::query("SELECT FROM follower WHERE source = $1 FOR UPDATE")
            .bind(parking.source)
            .execute(&mut *transaction)
            .await
            .map_err(Error::from)?;
        parking::park(&mut transaction, parking.source, &dossier, &reason, now)
            .await
            .map_err(Error::from)?;
        transaction.commit().await.map_err(Error::from)?;
        tracing::warn!(
            source = parking.source,
            dossier,
            "a dossier was parked by hand"
        );
        let parked = self
            .parked()
            .await?
            .remove(parking.source)
            .unwrap_or_default()
            .into_iter()
            .find(|parked| parked.dossier == dossier)
            .unwrap_or(ParkedDossier {
                dossier,
                position: 0,
                events: 0,
                parked_at: Some(to_proto(now)),
                reason,
            });
        Ok(Response::new(ParkDossierResponse {
            parked: Some(parked),
        }))
    }

    async fn unpark_dossier(
        &self,
        request: Request<UnparkDossierRequest>,
    ) -> Result<Response<UnparkDossierResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::new();
        let parking = self.parking(&mut fields, &request.source);
        let dossier = fields.line("dossier", &request.dossier);
        let id = fields.request_id(&request.request_id);
        let ((parking, dossier), _) = fields.finish(parking.zip(dossier).zip(id))?;
        let replayed = (parking.unpark)(dossier).await?;
        self.parked().await?;
        Ok(Response::new(UnparkDossierResponse { replayed }))
    }
}
