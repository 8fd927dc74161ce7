//! The file channel: one `.eml` for each message, written beside its place and moved there, so that nobody reads half a
//! letter. A repeat overwrites itself. Files are not forced to the disk one by one: after a power cut the last seconds'
//! may be missing, as letters on a printer's tray would be.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::fmt::rfc2822;
use motcua_platform::error::Error;

use super::Letter;
use crate::domain::message::Outcome;

/// Where letters are laid.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| {
                Error::field(
                    "mail_directory",
                    format!(
                        "{} cannot be made: {error}; name one that can",
                        path.display()
                    ),
                )
            })?;
        Ok(Self(path.to_owned()))
    }

    pub(super) async fn deliver(&self, letter: &Letter<'_>) -> Outcome {
        let text = text(letter);
        let place = self.0.join(format!("{}.eml", letter.id));
        let beside = self.0.join(format!(".{}.part", letter.id));
        let written =
            tokio::task::spawn_blocking(move || write(&beside, &place, text.as_bytes())).await;
        match written {
            Ok(Ok(())) => Outcome::Sent,
            Ok(Err(error)) => {
                Outcome::Failed(format!("the file cannot be written: {}", error.kind()))
            }
            Err(_) => Outcome::Failed("the file cannot be written: interrupted".to_owned()),
        }
    }
}

fn write(beside: &Path, place: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(beside)?;
    file.write_all(text)?;
    drop(file);
    fs::rename(beside, place)
}

/// Headers in UTF-8 (RFC 6532), so that a person can read the file as it is.
fn text(letter: &Letter<'_>) -> String {
    let mut headers = vec![
        ("Message-ID", letter.message_id()),
        (
            "Date",
            rfc2822::to_string(
                &letter
                    .at
                    .to_zoned_datetime(motcua_calendar::HANOI.to_time_zone()),
            )
            .unwrap_or_default(),
        ),
    ];
    headers.push(match letter.to_email {
        "" => ("X-Motcua-To", letter.to_name.to_owned()),
        email => (
            "To",
            format!("\"{}\" <{email}>", letter.to_name.replace(['"', '\\'], " ")),
        ),
    });
    if !letter.to_phone.is_empty() {
        headers.push(("X-Motcua-Phone", letter.to_phone.to_owned()));
    }
    headers.push(("Subject", letter.words.subject.clone()));
    headers.push(("MIME-Version", "1.0".to_owned()));
    headers.push(("Content-Type", "text/plain; charset=utf-8".to_owned()));
    headers.push(("Content-Transfer-Encoding", "8bit".to_owned()));
    let mut text = String::new();
    for (name, value) in headers {
        // A line break in a value would begin a header of its own.
        let value = value.replace(char::is_control, " ");
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    for line in letter.words.body.lines() {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::domain::words::Words;

    fn words() -> Words {
        Words {
            subject: "Mời nhận kết quả".into(),
            body: "Kính gửi ông/bà,\n\nTrân trọng".into(),
        }
    }

    fn letter<'a>(words: &'a Words, email: &'a str) -> Letter<'a> {
        Letter {
            id: "0b9f6a52-0c5b-5b8e-9d36-2b1f6c1e9a40",
            to_name: "Nguyễn Văn Thí Dụ",
            to_email: email,
            to_phone: "0900000000",
            words,
            at: "2026-02-13T08:20:00Z".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn a_letter_is_a_private_readable_file_and_a_repeat_overwrites_itself() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mail");
        let directory = Directory::open(&path).unwrap();
        let words = words();
        for _ in 0..2 {
            assert_eq!(
                directory
                    .deliver(&letter(&words, "thi.du@example.vn"))
                    .await,
                Outcome::Sent
            );
        }
        let files: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        assert_eq!(
            files,
            [path.join("0b9f6a52-0c5b-5b8e-9d36-2b1f6c1e9a40.eml")]
        );
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(
            fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::read_to_string(&files[0]).unwrap(),
            "Message-ID: <0b9f6a52-0c5b-5b8e-9d36-2b1f6c1e9a40@motcua.vn>\r\n\
             Date: Fri, 13 Feb 2026 15:20:00 +0700\r\n\
             To: \"Nguyễn Văn Thí Dụ\" <thi.du@example.vn>\r\n\
             X-Motcua-Phone: 0900000000\r\n\
             Subject: Mời nhận kết quả\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\n\
             \r\n\
             Kính gửi ông/bà,\r\n\r\nTrân trọng\r\n"
        );
    }

    #[test]
    fn without_an_address_the_letter_is_written_all_the_same_with_the_phone() {
        let words = words();
        let text = text(&letter(&words, ""));
        assert!(text.contains("X-Motcua-To: Nguyễn Văn Thí Dụ\r\nX-Motcua-Phone: 0900000000\r\n"));
        assert!(!text.contains("\r\nTo: "));
    }

    #[test]
    fn a_line_break_in_a_name_makes_no_header() {
        let words = words();
        let text = text(&Letter {
            to_name: "A\r\nBcc: x@example.vn",
            ..letter(&words, "")
        });
        assert!(!text.contains("\nBcc:"), "{text}");
    }

    #[tokio::test]
    async fn a_directory_that_is_gone_is_tried_again_later_and_the_reason_holds_no_name() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mail");
        let directory = Directory::open(&path).unwrap();
        fs::remove_dir(&path).unwrap();
        let words = words();
        assert_eq!(
            directory.deliver(&letter(&words, "")).await,
            Outcome::Failed("the file cannot be written: entity not found".to_owned())
        );
    }
}
