//! Bodies of streams: they hold a slot while they last, and end when the service goes away.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, body::Body};

/// The stream, until the token fires; then the status.
pub(super) fn until(body: Body, closing: CancellationToken, last: Status) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Until {
        body,
        closing: Box::pin(closing.cancelled_owned()),
        last: Some(last),
    })
}

/// The stream, with a slot that is free again when it ends.
pub(super) fn holding(body: Body, slot: OwnedSemaphorePermit) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Holding { body, _slot: slot })
}

struct Until {
    body: Body,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
    /// What to say when it closes; none once it has been said.
    last: Option<Status>,
}

impl http_body::Body for Until {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.last.is_none() {
            return Poll::Ready(None);
        }
        if self.closing.as_mut().poll(cx).is_pending() {
            return Pin::new(&mut self.body).poll_frame(cx);
        }
        // An orderly end, between messages: a reader must not take it for the end of what there is to read.
        let mut trailers = HeaderMap::new();
        let written = self
            .last
            .take()
            .map_or(Ok(()), |last| last.add_header(&mut trailers));
        Poll::Ready(Some(written.map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.last.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

struct Holding {
    body: Body,
    _slot: OwnedSemaphorePermit,
}

impl http_body::Body for Holding {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
