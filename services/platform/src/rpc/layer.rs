//! A tower layer as an async function of the request and the rest of the stack.

use std::{
    convert::Infallible,
    future::Future,
    task::{Context, Poll},
};

use futures::future::{FutureExt, Map};
use http::{Request, Response};
use tonic::body::Body;
use tower::{Service, ServiceExt};

/// The rest of the stack: it answers every call, if need be with a status.
pub(super) trait Rest:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
    /// Hands the call on.
    fn run(self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send {
        async move {
            let Ok(response) = self.oneshot(request).await;
            response
        }
    }
}

impl<S> Rest for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Puts the function around whatever it is given.
pub(super) fn around<S, F, Fut>(function: F) -> impl Fn(S) -> Around<S, F> + Clone
where
    S: Rest,
    F: Fn(Request<Body>, S) -> Fut + Clone,
    Fut: Future<Output = Response<Body>>,
{
    move |rest| Around {
        rest,
        function: function.clone(),
    }
}

/// A function around the rest of the stack.
#[derive(Debug, Clone)]
pub(super) struct Around<S, F> {
    rest: S,
    function: F,
}

impl<S, F, Fut> Service<Request<Body>> for Around<S, F>
where
    S: Rest,
    F: Fn(Request<Body>, S) -> Fut,
    Fut: Future<Output = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Map<Fut, fn(Response<Body>) -> Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The rest is asked when it is run: nothing in this stack holds a slot between the two.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        (self.function)(request, self.rest.clone()).map(Ok)
    }
}
