//! Calls of any method with any bytes, as a client in another language makes them.

use bytes::{Buf, BufMut};
use motcua_platform::rpc::Peer;
use tonic::{
    Request, Status, Streaming,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
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
    if !streams {
        let (mut client, path) = ready(peer, path).await?;
        return Ok(client.unary(request(body), path, Raw).await?.into_inner());
    }
    let mut stream = begin(peer, path, body).await?;
    Ok(stream.message().await?.unwrap_or_default())
}

/// Calls a method that streams, to the stream's end: everything that it said, one message after the other.
pub(super) async fn call_to_the_end(
    peer: Peer,
    path: &str,
    body: Vec<u8>,
) -> Result<Vec<u8>, Status> {
    let (mut stream, mut said) = (begin(peer, path, body).await?, Vec::new());
    while let Some(message) = stream.message().await? {
        said.extend(message);
    }
    Ok(said)
}

async fn begin(peer: Peer, path: &str, body: Vec<u8>) -> Result<Streaming<Vec<u8>>, Status> {
    let (mut client, path) = ready(peer, path).await?;
    let answer = client.server_streaming(request(body), path, Raw).await?;
    Ok(answer.into_inner())
}

async fn ready(peer: Peer, path: &str) -> Result<(Grpc<Peer>, PathAndQuery), Status> {
    let mut client = Grpc::new(peer);
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    Ok((client, path.parse().expect("a path")))
}

fn request(body: Vec<u8>) -> Request<Vec<u8>> {
    let mut request = Request::new(body);
    request
        .metadata_mut()
        .insert("motcua-purpose", "a test".parse().expect("ASCII"));
    request
}
