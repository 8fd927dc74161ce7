//! Your own effects, across services: `motcua-after` in, `motcua-position` out.

use std::time::Duration;

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tonic::{Status, body::Body};

use super::{admission::Deadline, layer::Rest};
use crate::{
    error::Error,
    position::{AFTER_METADATA, POSITION_METADATA, Position},
    progress::Progress,
};

/// How long a request waits for what it must see.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How many positions one request may name: more than there are services is a mistake.
const POSITIONS_MAX: usize = 16;

/// Waits, briefly, until what the request must see has happened here.
pub(super) async fn wait(
    progress: Progress,
    request: Request<Body>,
    rest: impl Rest,
) -> Response<Body> {
    let left = request
        .extensions()
        .get::<Deadline>()
        .map_or(WAIT_MAX, |deadline| {
            deadline.0.saturating_duration_since(Instant::now())
        });
    // What is left must also do for saying that it was not enough.
    let limit = WAIT_MAX.min(left - left / 10);
    let seen = match positions(request.headers()) {
        Ok(positions) if positions.is_empty() => Ok(()),
        Ok(positions) => progress.wait(&positions, limit).await,
        Err(error) => Err(error),
    };
    match seen {
        Ok(()) => rest.run(request).await,
        Err(error) => Status::from(error).into_http(),
    }
}

/// The header may be repeated, and each may hold several, with commas between.
fn positions(headers: &HeaderMap) -> Result<Vec<Position>, Error> {
    let mut positions = Vec::new();
    for header in headers.get_all(AFTER_METADATA) {
        for text in String::from_utf8_lossy(header.as_bytes()).split(',') {
            positions.push(text.trim().parse()?);
        }
    }
    if positions.len() > POSITIONS_MAX {
        return Err(Error::field(
            AFTER_METADATA,
            format!("must name at most {POSITIONS_MAX} positions"),
        ));
    }
    Ok(positions)
}

/// A handler can set leading metadata only; a position belongs after the answer, for it holds only once that stands.
pub(super) async fn trail(request: Request<Body>, rest: impl Rest) -> Response<Body> {
    let mut response = rest.run(request).await;
    // An answer without a body has its trailers in front.
    if response.headers().contains_key(Status::GRPC_STATUS) {
        return response;
    }
    let Some(position) = response.headers_mut().remove(POSITION_METADATA) else {
        return response;
    };
    response.map(|body| {
        Body::new(body.map_frame(move |mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                trailers.insert(POSITION_METADATA, position.clone());
            }
            frame
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_positions_come_in_one_header_or_in_many() {
        let mut headers = HeaderMap::new();
        headers.append(
            AFTER_METADATA,
            "intake/3@4711, workflow/1@12".parse().unwrap(),
        );
        headers.append(AFTER_METADATA, "notification/1@5".parse().unwrap());
        let read: Vec<_> = positions(&headers)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(read, ["intake/3@4711", "workflow/1@12", "notification/1@5"]);
    }

    #[test]
    fn an_unreadable_position_is_refused() {
        for bad in ["", "intake", "intake/3@4711,"] {
            let mut headers = HeaderMap::new();
            headers.insert(AFTER_METADATA, bad.parse().unwrap());
            assert!(
                matches!(positions(&headers), Err(Error::PositionInvalid { .. })),
                "{bad}"
            );
        }
    }
}
