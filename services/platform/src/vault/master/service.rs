//! The master key in a service that never gives it away: any key management that speaks this little protocol, or a small
//! process before one that does not.
//!
//! Both calls are `POST` with a JSON body, and answer 200 with one. Bytes are base64 with padding. The bearer token comes
//! from the environment variable `MOTCUA_KMS_TOKEN`.
//!
//! ```text
//! POST {url}/wrap    {"context": "agency/H24.11593/2025-07/1", "key": "…32 bytes…"}
//!                    {"generation": "7", "wrapped": "…"}
//! POST {url}/unwrap  {"context": "agency/H24.11593/2025-07/1", "generation": "7", "wrapped": "…"}
//!                    {"key": "…32 bytes…"}
//! ```
//!
//! `context` must be bound to what is wrapped (as associated data), and `generation` names the service's key in a text of its
//! own choosing. Status 422 means: these two do not belong together, or no such generation is known. Any other one is a failure
//! of the service, and is asked again by whoever needed the key.

use std::{net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use ureq::{
    Agent,
    http::Uri,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};
use zeroize::Zeroizing;

use super::{Master, Wrapped};
use crate::vault::{Error, Secret};

/// An answer is awaited no longer: the batch that waits for it holds locks.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);

/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What the service says where a key does not belong to its context.
const UNPROCESSABLE: u16 = 422;

/// The master key, in a service.
pub struct MasterService {
    agent: Agent,
    url: String,
    authorization: Zeroizing<String>,
}

impl std::fmt::Debug for MasterService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterService")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl MasterService {
    /// At this URL, which is `https` unless it is on this very machine, with this token. `roots` are the certificates, in PEM,
    /// that its own must come from; without any, those of the public authorities.
    ///
    /// # Errors
    /// When the URL or a certificate is none.
    pub fn new(url: &str, token: &str, roots: Option<&[u8]>) -> Result<Self, Error> {
        let wrong = |why: &str| Error::MasterService(why.to_owned());
        let parsed: Uri = url.parse().map_err(|_| wrong("its URL cannot be read"))?;
        let host = parsed.host().unwrap_or_default();
        match parsed.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if is_loopback(host) => {}
            _ => return Err(wrong("its URL must begin with https://")),
        }
        if token.is_empty() {
            return Err(wrong(
                "MOTCUA_KMS_TOKEN, the token that it wants, is not set",
            ));
        }
        let roots = match roots {
            Some(pem) => RootCerts::from(certificates(pem).map_err(|why| wrong(&why))?),
            None => RootCerts::WebPki,
        };
        let agent = Agent::config_builder()
            .timeout_global(Some(ANSWER_TIME_MAX))
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build()
            .new_agent();
        Ok(Self {
            agent,
            url: url.trim_end_matches('/').to_owned(),
            authorization: Zeroizing::new(format!("Bearer {token}")),
        })
    }

    /// Asks, on a thread that may wait.
    async fn ask(&self, call: &str, body: Value, generation: &str) -> Result<Answer, Error> {
        let agent = self.agent.clone();
        let url = format!("{}/{call}", self.url);
        let authorization = self.authorization.clone();
        let generation = generation.to_owned();
        tokio::task::spawn_blocking(move || {
            let body = Zeroizing::new(body.to_string());
            let mut answer = agent
                .post(&url)
                .header("authorization", authorization.as_str())
                .header("content-type", "application/json")
                .send(body.as_str())
                .map_err(|error| Error::MasterService(format!("it cannot be asked: {error}")))?;
            match answer.status().as_u16() {
                200 => {}
                UNPROCESSABLE => return Err(Error::Misfit { generation }),
                status => return Err(Error::MasterService(format!("it answered with {status}"))),
            }
            let text = answer
                .body_mut()
                .with_config()
                .limit(ANSWER_BYTES_MAX)
                .read_to_string()
                .map(Zeroizing::new)
                .map_err(|error| {
                    Error::MasterService(format!("its answer cannot be read: {error}"))
                })?;
            serde_json::from_str(&text)
                .map(Answer)
                // serde's own words quote what they could not read.
                .map_err(|_| Error::MasterService("its answer is not JSON".to_owned()))
        })
        .await
        .map_err(|_| Error::MasterService("asking it was given up".to_owned()))?
    }
}

struct Answer(Value);

impl Answer {
    fn text(&self, field: &str) -> Result<&str, Error> {
        self.0[field]
            .as_str()
            .ok_or_else(|| Error::MasterService(format!("its answer has no `{field}`")))
    }

    fn bytes(&self, field: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        BASE64_STANDARD
            .decode(self.text(field)?)
            .map(Zeroizing::new)
            .map_err(|_| Error::MasterService(format!("`{field}` of its answer is not base64")))
    }
}

impl Master for MasterService {
    fn wrap<'a>(
        &'a self,
        context: &'a str,
        key: &'a Secret,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(async move {
            let body = json!({ "context": context, "key": BASE64_STANDARD.encode(key.expose()) });
            let answer = self.ask("wrap", body, "").await?;
            Ok(Wrapped {
                generation: answer.text("generation")?.to_owned(),
                bytes: answer.bytes("wrapped")?.to_vec(),
            })
        })
    }

    fn unwrap<'a>(
        &'a self,
        context: &'a str,
        wrapped: &'a Wrapped,
    ) -> BoxFuture<'a, Result<Secret, Error>> {
        Box::pin(async move {
            let body = json!({
                "context": context,
                "generation": wrapped.generation,
                "wrapped": BASE64_STANDARD.encode(&wrapped.bytes),
            });
            let answer = self.ask("unwrap", body, &wrapped.generation).await?;
            Secret::from_bytes(&answer.bytes("key")?)
                .ok_or_else(|| Error::MasterService("`key` of its answer is not a key".to_owned()))
        })
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, String> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| format!("its root certificates cannot be read: {error}"))?
        {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err("there is no certificate among its roots".to_owned());
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::vault::MasterFile;

    /// A service of the tests' own, before a key file.
    fn key_management(master: MasterFile) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys/", listener.local_addr().unwrap());
        let handle = tokio::runtime::Handle::current();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (path, token, body) = asked(&stream);
                let (status, answer) = if token == "Bearer letmein" {
                    handle.block_on(answer(&master, &path, &body))
                } else {
                    (401, String::new())
                };
                write!(
                    stream,
                    "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                    answer.len()
                )
                .unwrap();
            }
        });
        url
    }

    fn asked(stream: &TcpStream) -> (String, String, Value) {
        let mut lines = BufReader::new(stream);
        let (mut path, mut token, mut length) = (String::new(), String::new(), 0);
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            let line = line.trim_end();
            if let Some(rest) = line.strip_prefix("POST ") {
                path = rest.split(' ').next().unwrap().to_owned();
            } else if let Some((name, value)) = line.split_once(": ") {
                match name.to_ascii_lowercase().as_str() {
                    "authorization" => token = value.to_owned(),
                    "content-length" => length = value.parse().unwrap(),
                    _ => {}
                }
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).unwrap();
        (path, token, serde_json::from_slice(&body).unwrap())
    }

    async fn answer(master: &MasterFile, path: &str, body: &Value) -> (u16, String) {
        let bytes = |field: &str| {
            BASE64_STANDARD
                .decode(body[field].as_str().unwrap())
                .unwrap()
        };
        let context = body["context"].as_str().unwrap();
        match path {
            "/keys/wrap" => {
                let key = Secret::from_bytes(&bytes("key")).unwrap();
                let wrapped = master.wrap(context, &key).await.unwrap();
                let answer = json!({
                    "generation": wrapped.generation,
                    "wrapped": BASE64_STANDARD.encode(wrapped.bytes),
                });
                (200, answer.to_string())
            }
            "/keys/unwrap" => {
                let wrapped = Wrapped {
                    generation: body["generation"].as_str().unwrap().to_owned(),
                    bytes: bytes("wrapped"),
                };
                match master.unwrap(context, &wrapped).await {
                    Ok(key) => {
                        let answer = json!({ "key": BASE64_STANDARD.encode(key.expose()) });
                        (200, answer.to_string())
                    }
                    Err(_) => (422, String::new()),
                }
            }
            _ => (404, String::new()),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_service_wraps_and_unwraps_as_the_file_behind_it_does() {
        let directory = tempfile::tempdir().unwrap();
        let file = MasterFile::create(&directory.path().join("master.key")).unwrap();
        let url = key_management(file);
        let service = MasterService::new(&url, "letmein", None).unwrap();
        let key = Secret::random().unwrap();
        let wrapped = service.wrap("index", &key).await.unwrap();
        assert_eq!(wrapped.generation, "1");
        let unwrapped = service.unwrap("index", &wrapped).await.unwrap();
        assert_eq!(unwrapped.expose(), key.expose());
        assert!(matches!(
            service.unwrap("agency", &wrapped).await,
            Err(Error::Misfit { .. })
        ));

        let stranger = MasterService::new(&url, "letmeout", None).unwrap();
        let error = stranger.wrap("index", &key).await.unwrap_err().to_string();
        assert!(error.contains("401"), "{error}");
        assert!(!format!("{stranger:?}{error}").contains("letmeout"));
    }

    #[test]
    fn across_machines_it_is_asked_over_https_alone() {
        for url in [
            "https://kms.example/v1",
            "http://localhost:1/",
            "http://[::1]:1",
        ] {
            MasterService::new(url, "t", None).unwrap();
        }
        for url in [
            "http://kms.example",
            "ftp://localhost",
            "kms.example",
            "https://",
        ] {
            assert!(MasterService::new(url, "t", None).is_err(), "{url}");
        }
        assert!(MasterService::new("https://kms.example", "", None).is_err());
        assert!(MasterService::new("https://kms.example", "t", Some(b"no PEM")).is_err());
    }
}
