//! A place in a service's history, as it travels: `intake/3@4711` is position 4711 of intake's third epoch.

use std::{fmt, str::FromStr};

use crate::error::Error;

/// Metadata that carries the position of an acknowledged change, trailing.
pub const POSITION_METADATA: &str = "motcua-position";
/// Metadata that carries positions which a request must see the effects of.
pub const AFTER_METADATA: &str = "motcua-after";

/// A place in a service's history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The service whose history it is.
    pub source: String,
    /// The epoch of that history.
    pub epoch: i64,
    /// The place, from 1.
    pub position: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.source, self.epoch, self.position)
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.split_once('/')
            .and_then(|(source, rest)| Some((source, rest.split_once('@')?)))
            .and_then(|(source, (epoch, position))| {
                Some(Self {
                    source: (!source.is_empty() && source.bytes().all(|b| b.is_ascii_lowercase()))
                        .then(|| source.to_owned())?,
                    epoch: epoch.parse().ok().filter(|epoch| *epoch >= 0)?,
                    position: position.parse().ok().filter(|position| *position >= 0)?,
                })
            })
            .ok_or_else(|| Error::PositionInvalid {
                // An unreadable position may be anything: it is not repeated at length.
                position: text.chars().filter(|c| !c.is_control()).take(60).collect(),
                why: "unreadable; it looks like intake/3@4711",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_it_is_written() {
        let position = Position {
            source: "intake".into(),
            epoch: 3,
            position: 4711,
        };
        assert_eq!(position.to_string(), "intake/3@4711");
        assert_eq!(Position::from_str("intake/3@4711").unwrap(), position);
        for bad in [
            "",
            "intake",
            "intake/3",
            "intake/3@",
            "/3@1",
            "intake/-1@2",
            "INTAKE/1@2",
            "intake/1@x",
        ] {
            assert!(Position::from_str(bad).is_err(), "{bad}");
        }
    }
}
