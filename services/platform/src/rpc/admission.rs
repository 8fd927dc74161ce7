//! Whether a call is taken, how long it may take, and what its panic costs.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use http::{HeaderMap, Request, Response};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use tonic_types::{ErrorDetails, StatusExt};

use super::{Limits, layer::Rest, method, streams};
use crate::error::Error;

/// An answer needs a moment to travel: we stop this much before the caller does, at most.
const TRAVEL: Duration = Duration::from_millis(10);
/// When to come back to a service that is going away.
const RETURN: Duration = Duration::from_secs(1);

/// By when the call must have been answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(pub(super) Instant);

/// Ends a call by its deadline, and a stream when the service closes.
pub(super) async fn bound(
    call_time_max: Duration,
    closing: CancellationToken,
    cut: CancellationToken,
    mut request: Request<Body>,
    rest: impl Rest,
) -> Response<Body> {
    if method::of(request.uri().path()).streams {
        // A stream may live for days. Its reader comes back elsewhere when this replica goes away.
        return tokio::select! {
            response = rest.run(request) => response.map(|body| streams::until(body, closing, leaving())),
            () = closing.cancelled() => leaving().into_http(),
        };
    }
    let allowed = asked(request.headers()).map_or(call_time_max, |asked| asked.min(call_time_max));
    let deadline = Instant::now() + allowed;
    request.extensions_mut().insert(Deadline(deadline));
    tokio::select! {
        biased;
        response = rest.run(request) => response,
        () = sleep_until(deadline) => {
            Status::deadline_exceeded("the call took longer than its deadline allows; try again with the same request id")
                .into_http()
        }
        () = cut.cancelled() => leaving().into_http(),
    }
}

fn leaving() -> Status {
    let details = ErrorDetails::with_retry_info(Some(RETURN));
    Status::with_error_details(
        tonic::Code::Unavailable,
        "the service is going away; try again, with the same request id if there was one",
        details,
    )
}

/// The caller's own limit (`grpc-timeout`), less the answer's way back.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // At most eight digits, as the specification has it.
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    let asked = match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    };
    Some(asked.saturating_sub(TRAVEL.min(asked / 10)))
}

/// Room for calls and, apart from them, for streams.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Slots {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(limits.calls_max)),
            streams: Arc::new(Semaphore::new(limits.streams_max)),
        }
    }
}

/// Refuses at once what there is no room for: a queue here would only make everybody wait.
pub(super) async fn shed(slots: Slots, request: Request<Body>, rest: impl Rest) -> Response<Body> {
    let method = method::of(request.uri().path());
    if !method.ours && !method.streams {
        // A probe asks whether we live, most of all under load.
        return rest.run(request).await;
    }
    let room = if method.streams {
        slots.streams
    } else {
        slots.calls
    };
    let Ok(slot) = room.try_acquire_owned() else {
        return Status::from(Error::Overloaded).into_http();
    };
    let response = rest.run(request).await;
    if method.streams {
        response.map(|body| streams::holding(body, slot))
    } else {
        response
    }
}

/// A panic in a handler becomes INTERNAL. Its message may quote anything, so it goes to the panic hook and no further.
pub(super) async fn survive(request: Request<Body>, rest: impl Rest) -> Response<Body> {
    let method = method::of(request.uri().path());
    AssertUnwindSafe(rest.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            Status::from(Error::Fault(format!(
                "the handler of {} panicked",
                method.name
            )))
            .into_http()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_for(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        asked(&headers)
    }

    #[test]
    fn the_callers_limit_is_read_in_every_unit_and_leaves_time_for_the_answer() {
        assert_eq!(asked_for("2S"), Some(Duration::from_millis(1_990)));
        assert_eq!(asked_for("50m"), Some(Duration::from_millis(45)));
        assert_eq!(asked_for("1000u"), Some(Duration::from_micros(900)));
        assert_eq!(
            asked_for("99999999H").map(|asked| asked.as_secs() / 3_600),
            Some(99_999_998)
        );
        for bad in ["", "S", "1", "-1S", "123456789S", "1x", "1.5S"] {
            assert_eq!(asked_for(bad), None, "{bad}");
        }
    }
}
