//! Feeds that tell a given history, over gRPC.

use std::{pin::Pin, sync::Arc};

use motcua_platform::rpc::{self, Peer};
use motcua_proto::events::v1::{
    Event, GetHeadRequest, GetHeadResponse, SubscribeRequest, SubscribeResponse,
    event_feed_service_server::{EventFeedService, EventFeedServiceServer},
};
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt as _, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, transport::Server};

/// The epoch of every history.
pub(super) const EPOCH: i64 = 7;
/// Events in a batch.
const BATCH: usize = 40;

struct Told {
    source: &'static str,
    events: Arc<Vec<Event>>,
}

#[tonic::async_trait]
impl EventFeedService for Told {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let request = request.into_inner();
        let head = i64::try_from(self.events.len()).unwrap();
        let after = usize::try_from(request.after).unwrap();
        let batches: Vec<_> = self.events[after..]
            .chunks(BATCH)
            .map(|events| {
                Ok(SubscribeResponse {
                    source: self.source.to_owned(),
                    epoch: EPOCH,
                    from: events[0].position,
                    through: events[events.len() - 1].position,
                    head,
                    events: events
                        .iter()
                        .filter(|event| request.kinds.contains(&event.kind))
                        .cloned()
                        .collect(),
                })
            })
            .collect();
        let batches = tokio_stream::iter(batches);
        Ok(Response::new(if request.until_head {
            Box::pin(batches)
        } else {
            Box::pin(batches.chain(tokio_stream::pending()))
        }))
    }

    async fn get_head(
        &self,
        _: Request<GetHeadRequest>,
    ) -> Result<Response<GetHeadResponse>, Status> {
        Ok(Response::new(GetHeadResponse {
            source: self.source.to_owned(),
            epoch: EPOCH,
            position: i64::try_from(self.events.len()).unwrap(),
            ..GetHeadResponse::default()
        }))
    }
}

/// Serves a history, numbered in its order, and gives the way to it and its head.
pub(super) async fn serve(source: &'static str, mut events: Vec<Event>) -> (Peer, i64) {
    for (position, event) in (1..).zip(&mut events) {
        event.position = position;
    }
    let head = i64::try_from(events.len()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let told = EventFeedServiceServer::new(Told {
        source,
        events: Arc::new(events),
    });
    tokio::spawn(
        Server::builder()
            .add_service(told)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    (
        rpc::channel(&url, crate::SERVICE, source, None).unwrap(),
        head,
    )
}
