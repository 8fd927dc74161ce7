//! Any way to a service that a generated client takes: a peer of the configuration, or a connection of the demo.

use bytes::Bytes;
use http_body::Body as HttpBody;
use tonic::{body::Body, client::GrpcService};

/// Errors of a transport, as tonic wants them.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a generated client asks of its transport, in one word.
pub(crate) trait Caller:
    GrpcService<
        Body,
        Error: Into<BoxError>,
        ResponseBody: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
    >
{
}

impl<T> Caller for T where
    T: GrpcService<
            Body,
            Error: Into<BoxError>,
            ResponseBody: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
        >
{
}
