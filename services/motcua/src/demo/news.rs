//! What actors hear: the feeds of intake and workflow, as anybody may subscribe to them.

use std::sync::{Arc, Mutex, PoisonError};

use motcua_proto::events::v1::{
    Event, EventKind, SubscribeRequest, event_feed_service_client::EventFeedServiceClient,
};
use tokio::{sync::watch, task::AbortHandle};
use tonic::{Status, Streaming};

use crate::{Failed, identities::Line};

/// What the actors want to hear of a dossier's public side.
pub(super) const OF_INTAKE: [EventKind; 9] = [
    EventKind::DossierSubmitted,
    EventKind::DossierAccepted,
    EventKind::DossierRefused,
    EventKind::DossierWithdrawn,
    EventKind::SupplementAsked,
    EventKind::SupplementProvided,
    EventKind::PaymentRecorded,
    EventKind::ResultReady,
    EventKind::TransferOverdue,
];

/// What they want to hear of the work behind the counter.
pub(super) const OF_WORKFLOW: [EventKind; 18] = [
    EventKind::CaseStarted,
    EventKind::CaseBlocked,
    EventKind::TaskOpened,
    EventKind::TaskClaimed,
    EventKind::TaskCancelled,
    EventKind::TaskCompleted,
    EventKind::TaskReturned,
    EventKind::TaskEscalated,
    EventKind::OutcomeRequested,
    EventKind::SupplementRequested,
    EventKind::PaymentRequested,
    EventKind::CaseHeld,
    EventKind::CaseResumed,
    EventKind::DeadlineExtended,
    EventKind::LimitChosen,
    EventKind::CaseStopped,
    EventKind::CaseWithdrawn,
    EventKind::CaseFinished,
];

/// One service's feed, read ahead by a task of its own. What is unread is bounded by what a tick brings about.
#[derive(Debug)]
pub(super) struct News {
    service: &'static str,
    unread: Arc<Mutex<Vec<Event>>>,
    progress: watch::Receiver<Progress>,
    reading: AbortHandle,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    through: i64,
    ended: Option<String>,
}

impl News {
    /// Subscribes from the beginning.
    pub(super) async fn subscribe(
        service: &'static str,
        channel: Line,
        kinds: &[EventKind],
    ) -> Result<Self, Failed> {
        let stream = EventFeedServiceClient::new(channel)
            .subscribe(SubscribeRequest {
                kinds: kinds.iter().map(|kind| i32::from(*kind)).collect(),
                ..SubscribeRequest::default()
            })
            .await?
            .into_inner();
        let unread = Arc::new(Mutex::new(Vec::new()));
        let (tell, progress) = watch::channel(Progress::default());
        let reading = tokio::spawn(read(stream, Arc::clone(&unread), tell)).abort_handle();
        Ok(Self {
            service,
            unread,
            progress,
            reading,
        })
    }

    /// Everything new, once the history has been heard up to this position.
    pub(super) async fn through(&mut self, position: i64) -> Result<Vec<Event>, Failed> {
        let ended = self
            .progress
            .wait_for(|progress| progress.through >= position || progress.ended.is_some())
            .await
            .map_or_else(
                |_| Some("the reader has gone".to_owned()),
                |progress| progress.ended.clone(),
            );
        if let Some(why) = ended {
            return Err(Failed::new(format!(
                "the feed of {} has ended: {why}",
                self.service
            )));
        }
        Ok(std::mem::take(
            &mut *self.unread.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read(
    mut stream: Streaming<motcua_proto::events::v1::SubscribeResponse>,
    unread: Arc<Mutex<Vec<Event>>>,
    tell: watch::Sender<Progress>,
) {
    loop {
        match stream.message().await {
            Ok(Some(batch)) => {
                unread
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(batch.events);
                tell.send_modify(|progress| progress.through = progress.through.max(batch.through));
            }
            ended => {
                let why = ended
                    .err()
                    .map_or("the service closed it".to_owned(), |status: Status| {
                        status.to_string()
                    });
                tell.send_modify(|progress| progress.ended = Some(why));
                return;
            }
        }
    }
}
