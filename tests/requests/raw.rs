//! Calls of any method with any bytes, as a client in another language makes them.

use bytes::{Buf, BufMut};
use motcua_platform::rpc::Peer;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

/// Bytes in, bytes out.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}

/// Calls a method, `/package.Service/Method`; of a stream, the first message.
pub(super) async fn call(
    peer: Peer,
    path: &str,
    streams: bool,
    body: Vec<u8>,
) -> Result<Vec<u8>, Status> {
    let mut client = Grpc::new(peer);
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path = path.parse().expect("a path");
    if !streams {
        return Ok(client
            .unary(Request::new(body), path, Raw)
            .await?
            .into_inner());
    }
    let mut stream = client
        .server_streaming(Request::new(body), path, Raw)
        .await?
        .into_inner();
    Ok(stream.message().await?.unwrap_or_default())
}
