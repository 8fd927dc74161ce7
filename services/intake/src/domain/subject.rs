//! A person as intake holds one: dossiers, and whether what they say can still be read. Law 91/2025/QH15 gives everybody the
//! right to have personal data erased, unless another law asks for it to be kept.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{
    error::{Error, Refusal},
    ledger::{self, Context, Decision},
};
use motcua_proto::events::v1::{Event, SubjectErased, event::Payload};

/// The right to erasure, and its limits.
const ARTICLE: &str = "law 91/2025/QH15, with the retention of the procedure's file";

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What is held, by code.
    pub dossiers: Vec<Held>,
    /// Whether the key was destroyed.
    pub erased: bool,
}

/// A dossier of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its code.
    pub code: String,
    /// The agency that received it.
    pub agency: String,
    /// When it ended; none while it is under way.
    pub ended_at: Option<Timestamp>,
    /// Days that it is kept after that; 0 for good.
    pub retention_days: i32,
}

/// Asks to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erase {
    /// Whether it could be done.
    Check,
    /// To do it.
    Do,
}

impl Subject {
    /// The codes of the dossiers.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        self.dossiers.iter().map(|held| held.code.clone()).collect()
    }
}

impl Held {
    /// Why it must be kept at this moment, if it must.
    fn kept(&self, now: Timestamp) -> Option<String> {
        let Some(ended_at) = self.ended_at else {
            return Some(format!("dossier {} is under way", self.code));
        };
        if self.retention_days == 0 {
            return Some(format!("dossier {} is kept for good", self.code));
        }
        // No day of Việt Nam's is longer or shorter.
        let kept = SignedDuration::from_hours(24 * i64::from(self.retention_days));
        let until = ended_at.checked_add(kept).unwrap_or(Timestamp::MAX);
        (now < until).then(|| {
            let day = motcua_calendar::local(until).date();
            format!("dossier {} is kept until {day}", self.code)
        })
    }
}

/// What happens: the key is destroyed, once, and the history stays.
///
/// # Errors
/// A person of whom nothing is held; a dossier that is under way or must be kept.
pub fn decide(
    state: Option<&Subject>,
    command: &Erase,
    context: &Context<'_>,
) -> Result<Decision, Error> {
    let Some(subject) = state else {
        return Err(Error::Missing {
            name: format!("subjects/{}", context.key),
        });
    };
    if subject.erased {
        return Ok(Decision::default());
    }
    if let Some(why) = subject
        .dossiers
        .iter()
        .find_map(|held| held.kept(context.now))
    {
        return Err(Refusal {
            message: format!("the personal data cannot be erased yet: {why}"),
            article: ARTICLE,
            state: "KEPT".to_owned(),
            remedy: "erase it once every dossier has ended and its retention has passed",
        }
        .into());
    }
    if *command == Erase::Check {
        return Ok(Decision::default());
    }
    Ok(Decision {
        subject: ledger::Subject {
            dossier: String::new(),
            agency: subject
                .dossiers
                .first()
                .map(|held| held.agency.clone())
                .unwrap_or_default(),
            procedure: String::new(),
        },
        events: vec![Payload::SubjectErased(SubjectErased {
            dossiers: subject.codes(),
        })],
        ..Decision::default()
    })
}

/// The person after an event.
#[must_use]
pub fn apply(state: Option<Subject>, event: &Event) -> Option<Subject> {
    let mut subject = state?;
    if matches!(event.payload, Some(Payload::SubjectErased(_))) {
        subject.erased = true;
    }
    Some(subject)
}

#[cfg(test)]
mod tests {
    use motcua_platform::ledger::Authority;

    use super::*;

    fn held(ended_at: Option<&str>, retention_days: i32) -> Held {
        Held {
            code: "H24.11593-250701-0001".to_owned(),
            agency: "11593".to_owned(),
            ended_at: ended_at.map(|at| at.parse().unwrap()),
            retention_days,
        }
    }

    fn asked(dossiers: Vec<Held>, now: &str) -> Result<Decision, Error> {
        let subject = Subject {
            dossiers,
            erased: false,
        };
        let authority = Authority::of_service("tests");
        let context = Context::new(now.parse().unwrap(), "H24.11593-250701-0001", &authority);
        decide(Some(&subject), &Erase::Do, &context)
    }

    #[test]
    fn what_must_be_kept_is_kept_to_the_day() {
        let ended = || vec![held(Some("2025-07-01T03:00:00Z"), 365)];
        let refused = asked(ended(), "2026-07-01T02:59:59Z").unwrap_err();
        assert!(
            refused.to_string().contains("until 2026-07-01"),
            "{refused}"
        );
        let erased = asked(ended(), "2026-07-01T03:00:00Z").unwrap();
        assert_eq!(
            erased.events,
            [Payload::SubjectErased(SubjectErased {
                dossiers: vec!["H24.11593-250701-0001".to_owned()]
            })]
        );
    }

    #[test]
    fn one_dossier_that_must_be_kept_keeps_them_all() {
        let old = held(Some("2015-07-01T03:00:00Z"), 365);
        for other in [
            held(None, 365),
            held(Some("2015-07-01T03:00:00Z"), 0),
            held(Some("2026-06-01T03:00:00Z"), 365),
        ] {
            let refused = asked(vec![old.clone(), other], "2026-07-01T03:00:00Z").unwrap_err();
            assert!(matches!(refused, Error::Refused(_)), "{refused}");
        }
    }

    #[test]
    fn nobody_is_erased_twice_and_nobody_who_is_not_there() {
        let authority = Authority::of_service("tests");
        let context = Context::new(Timestamp::UNIX_EPOCH, "x", &authority);
        let gone = Subject {
            dossiers: Vec::new(),
            erased: true,
        };
        assert_eq!(
            decide(Some(&gone), &Erase::Do, &context).unwrap(),
            Decision::default()
        );
        assert!(matches!(
            decide(None, &Erase::Do, &context),
            Err(Error::Missing { .. })
        ));
    }
}
