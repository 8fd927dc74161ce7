//! How a message reaches its recipient. Each delivery carries the message's id, so that a repeat, after a crash between
//! the delivery and its record, can be recognised: the same Message-ID, the same file.

mod file;
mod smtp;

use std::{fmt, path::PathBuf};

use jiff::Timestamp;
use motcua_platform::error::Error;

use crate::domain::{message::Outcome, words::Words};

/// Where messages go.
#[derive(Clone, PartialEq, Eq)]
pub enum Channel {
    /// One file each, to be printed, or taken up by another system. The directory is made, for this user alone.
    File {
        /// Where.
        directory: PathBuf,
    },
    /// By e-mail.
    Smtp {
        /// `smtp://host:587` speaks TLS where the server offers it, and always where a password is given;
        /// `smtps://user:password@host:465` speaks TLS from the first byte. `?tls=required` and `?tls=opportunistic`
        /// say so explicitly.
        url: String,
        /// The sender: `Một cửa <motcua@example.vn>`.
        from: String,
    },
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { directory } => f
                .debug_struct("File")
                .field("directory", directory)
                .finish(),
            // The URL may hold a password.
            Self::Smtp { from, .. } => f
                .debug_struct("Smtp")
                .field("from", from)
                .finish_non_exhaustive(),
        }
    }
}

impl Channel {
    /// As messages and their events name it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Smtp { .. } => "email",
        }
    }
}

/// What is delivered, and to whom. It lives as long as the delivery.
pub(crate) struct Letter<'a> {
    /// The message's id.
    pub(crate) id: &'a str,
    pub(crate) to_name: &'a str,
    /// Empty when the applicant has none.
    pub(crate) to_email: &'a str,
    /// Empty when the applicant has none.
    pub(crate) to_phone: &'a str,
    pub(crate) words: &'a Words,
    pub(crate) at: Timestamp,
}

impl Letter<'_> {
    /// The key that makes a repeated delivery recognisable to whoever receives it.
    fn message_id(&self) -> String {
        format!("<{}@motcua.vn>", self.id)
    }
}

/// A channel that is ready to deliver.
#[derive(Debug)]
pub(crate) enum Outbox {
    File(file::Directory),
    Smtp(smtp::Server),
}

impl Outbox {
    /// Makes a channel ready.
    pub(crate) fn open(channel: &Channel) -> Result<Self, Error> {
        match channel {
            Channel::File { directory } => file::Directory::open(directory).map(Self::File),
            Channel::Smtp { url, from } => smtp::Server::new(url, from).map(Self::Smtp),
        }
    }

    /// Delivers; the outcome's reason holds no address and no word of the letter.
    pub(crate) async fn deliver(&self, letter: Letter<'_>) -> Outcome {
        match self {
            Self::File(directory) => directory.deliver(&letter).await,
            Self::Smtp(server) => server.deliver(&letter).await,
        }
    }
}
