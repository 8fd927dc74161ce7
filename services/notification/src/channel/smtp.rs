//! The e-mail channel. An answer of the server may quote an address: only its code leaves this file.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{Error as SmtpError, PoolConfig},
};
use motcua_platform::error::Error;

use super::Letter;
use crate::domain::message::Outcome;

/// How long the server may take for one step of the conversation.
const STEP_TIME_MAX: Duration = Duration::from_secs(20);
/// Connections at once, kept open between messages.
const CONNECTIONS_MAX: u32 = 16;
/// Answers that refuse us and no recipient: the operator mends the credentials, and the message goes out then.
const OUR_FAULT: [u16; 4] = [530, 534, 535, 538];

/// A mail server.
pub(crate) struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The transport holds the password.
        f.debug_struct("Server")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn new(url: &str, from: &str) -> Result<Self, Error> {
        let from = from.parse().map_err(|_| {
            Error::field(
                "smtp_from",
                "must be an address such as Một cửa <motcua@example.vn>",
            )
        })?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&explicit(url))
            .map_err(|_| {
                // The parser's own words may quote the URL, and the URL may hold a password.
                Error::field(
                    "smtp_url",
                    "must be smtp://user:password@host:587 or smtps://user:password@host:465",
                )
            })?
            .timeout(Some(STEP_TIME_MAX))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS_MAX))
            .build();
        Ok(Self { transport, from })
    }

    pub(super) async fn deliver(&self, letter: &Letter<'_>) -> Outcome {
        if letter.to_email.is_empty() {
            return Outcome::FailedForGood("no e-mail address".to_owned());
        }
        let Ok(address) = letter.to_email.parse::<Address>() else {
            return Outcome::FailedForGood("the e-mail address is not valid".to_owned());
        };
        let message = Message::builder()
            .message_id(Some(letter.message_id()))
            .date(SystemTime::try_from(letter.at).unwrap_or(SystemTime::UNIX_EPOCH))
            .from(self.from.clone())
            .to(Mailbox::new(Some(letter.to_name.to_owned()), address))
            .subject(letter.words.subject.as_str())
            .header(ContentType::TEXT_PLAIN)
            .body(letter.words.body.clone());
        let Ok(message) = message else {
            return Outcome::FailedForGood("the message cannot be written as an e-mail".to_owned());
        };
        match self.transport.send(message).await {
            Ok(_) => Outcome::Sent,
            Err(error) => outcome(&error),
        }
    }
}

/// The URL with what it means for TLS said aloud; the library would speak plainly where nothing is said.
fn explicit(url: &str) -> String {
    let says = url.contains("?tls=") || url.contains("&tls=");
    if says || !url.starts_with("smtp://") {
        return url.to_owned();
    }
    let tls = if url.contains('@') {
        "required"
    } else {
        "opportunistic"
    };
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}tls={tls}")
}

fn outcome(error: &SmtpError) -> Outcome {
    if let Some(code) = error.status().map(u16::from) {
        let reason = format!("SMTP {code}");
        let for_good = error.is_permanent() && !OUR_FAULT.contains(&code);
        return if for_good {
            Outcome::FailedForGood(reason)
        } else {
            Outcome::Failed(reason)
        };
    }
    let what = if error.is_timeout() {
        "time-out"
    } else if error.is_tls() {
        "no TLS"
    } else if error.is_response() {
        "an unreadable answer"
    } else if error.is_client() {
        "the server lacks what the message needs"
    } else {
        "no connection"
    };
    Outcome::Failed(format!("SMTP: {what}"))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::{TcpListener, TcpStream},
        sync::mpsc,
    };

    use super::*;
    use crate::domain::words::Words;

    /// A mail server that answers `RCPT TO` as it is told, and hands over what it accepted.
    async fn fake(rcpt: &'static str) -> (String, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (accepted, inbox) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, rcpt, accepted.clone()));
            }
        });
        (url, inbox)
    }

    async fn talk(
        stream: TcpStream,
        rcpt: &'static str,
        accepted: mpsc::UnboundedSender<String>,
    ) -> Option<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 fake\r\n").await.ok()?;
        while let Some(line) = lines.next_line().await.ok()? {
            let verb = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-fake\r\n250 8BITMIME",
                "RCPT" => rcpt,
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await.ok()?;
                    let mut text = String::new();
                    while let Some(line) = lines.next_line().await.ok()? {
                        if line == "." {
                            break;
                        }
                        text.push_str(&line);
                        text.push('\n');
                    }
                    accepted.send(text).ok()?;
                    "250 accepted"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            write
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .ok()?;
        }
        Some(())
    }

    fn server(url: &str) -> Server {
        Server::new(url, "Một cửa <motcua@example.vn>").unwrap()
    }

    async fn send(server: &Server, to_email: &str) -> Outcome {
        let words = Words {
            subject: "Mời nhận kết quả".into(),
            body: "Kính gửi ông/bà".into(),
        };
        server
            .deliver(&Letter {
                id: "0b9f6a52-0c5b-5b8e-9d36-2b1f6c1e9a40",
                to_name: "Nguyễn Văn Thí Dụ",
                to_email,
                to_phone: "",
                words: &words,
                at: "2026-02-13T08:20:00Z".parse().unwrap(),
            })
            .await
    }

    #[tokio::test]
    async fn a_message_leaves_under_an_id_that_a_repeat_has_again() {
        let (url, mut inbox) = fake("250 ok").await;
        let server = server(&url);
        for _ in 0..2 {
            assert_eq!(send(&server, "thi.du@example.vn").await, Outcome::Sent);
            let text = inbox.recv().await.unwrap();
            assert!(
                text.contains("Message-ID: <0b9f6a52-0c5b-5b8e-9d36-2b1f6c1e9a40@motcua.vn>"),
                "{text}"
            );
            assert!(
                text.contains("Date: Fri, 13 Feb 2026 08:20:00 +0000"),
                "{text}"
            );
            assert!(text.contains("thi.du@example.vn"), "{text}");
            assert!(text.contains("charset=utf-8"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_temporary_refusal_is_tried_again_and_a_final_one_is_not_and_neither_quotes_the_address()
     {
        let (url, _inbox) = fake("451 <thi.du@example.vn> greylisted").await;
        assert_eq!(
            send(&server(&url), "thi.du@example.vn").await,
            Outcome::Failed("SMTP 451".into())
        );
        let (url, _inbox) = fake("550 <thi.du@example.vn> unknown").await;
        assert_eq!(
            send(&server(&url), "thi.du@example.vn").await,
            Outcome::FailedForGood("SMTP 550".into())
        );
    }

    #[tokio::test]
    async fn a_refusal_of_our_own_credentials_loses_no_message() {
        let (url, _inbox) = fake("530 authenticate first").await;
        assert_eq!(
            send(&server(&url), "thi.du@example.vn").await,
            Outcome::Failed("SMTP 530".into())
        );
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(
            send(&server(&url), "thi.du@example.vn").await,
            Outcome::Failed("SMTP: no connection".into())
        );
    }

    #[tokio::test]
    async fn who_has_no_usable_address_is_not_tried_again() {
        let server = server("smtp://127.0.0.1:1");
        assert_eq!(
            send(&server, "").await,
            Outcome::FailedForGood("no e-mail address".into())
        );
        assert_eq!(
            send(&server, "không phải").await,
            Outcome::FailedForGood("the e-mail address is not valid".into())
        );
    }

    #[tokio::test]
    async fn a_password_is_sent_over_tls_only_and_shows_nowhere() {
        assert_eq!(
            explicit("smtp://u:p@h:587"),
            "smtp://u:p@h:587?tls=required"
        );
        assert_eq!(explicit("smtp://h:25"), "smtp://h:25?tls=opportunistic");
        assert_eq!(
            explicit("smtp://u:p@h:587?tls=opportunistic"),
            "smtp://u:p@h:587?tls=opportunistic"
        );
        assert_eq!(explicit("smtps://u:p@h:465"), "smtps://u:p@h:465");
        let refused = Server::new("ftp://u:geheim@h", "a@example.vn").unwrap_err();
        assert!(
            refused.to_string().contains("smtp_url") && !refused.to_string().contains("geheim"),
            "{refused}"
        );
        let refused = Server::new("smtp://h", "nobody").unwrap_err();
        assert!(refused.to_string().contains("smtp_from"), "{refused}");
        let shown = format!(
            "{:?}",
            Server::new("smtps://u:geheim@h", "a@example.vn").unwrap()
        );
        assert!(!shown.contains("geheim"), "{shown}");
    }
}
