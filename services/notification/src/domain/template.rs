//! A template's life: written, and written anew. Its words are statements, of every version; here are only the numbers.

use jiff::Timestamp;
use motcua_platform::{
    error::Error,
    ledger::{Decision, Subject},
    statement::Statement,
    time::from_proto_opt,
};
use motcua_proto::events::v1::{Event, TemplateWritten, event::Payload};

use super::words::{self, Words};

/// What a statement about a template is: the subject.
pub(crate) const SUBJECT: i32 = 1;
/// What a statement about a template is: the body.
pub(crate) const BODY: i32 = 2;

/// The version of the words that come with the software.
pub(crate) const BUILT_IN_VERSION: i32 = 1;

/// A template that was written here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) version: i32,
    pub(crate) updated_at: Timestamp,
}

/// What may be asked of a template.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Make one.
    Create(Words),
    /// Write one anew. The etag counts where only the software's own words are there to be compared; elsewhere the
    /// ledger has compared it.
    Update(Words, String),
}

/// What happens.
pub(crate) fn decide(
    state: Option<&Template>,
    command: &Command,
    id: &str,
) -> Result<Decision, Error> {
    let present = match state {
        Some(template) => Some(template.version),
        None => words::built_in(id).map(|_| BUILT_IN_VERSION),
    };
    let name = || format!("templates/{id}");
    let (words, version) = match (command, present) {
        (Command::Create(words), None) => (words, 1),
        (Command::Create(_), Some(_)) => return Err(Error::Exists { name: name() }),
        (Command::Update(..), None) => return Err(Error::Missing { name: name() }),
        (Command::Update(words, etag), Some(version)) => {
            let present = etag_of(version);
            if !etag.is_empty() && *etag != present {
                return Err(Error::Stale {
                    name: name(),
                    etag: present,
                });
            }
            (words, version.saturating_add(1))
        }
    };
    let statement = |kind, body: &str| Statement {
        kind,
        revision: version,
        body: body.to_owned().into(),
        ground: String::new().into(),
    };
    Ok(Decision {
        subject: Subject::default(),
        events: vec![Payload::TemplateWritten(TemplateWritten { version })],
        statements: vec![
            statement(SUBJECT, &words.subject),
            statement(BODY, &words.body),
        ],
        ..Decision::default()
    })
}

/// The template after an event.
pub(crate) fn apply(state: Option<Template>, event: &Event) -> Option<Template> {
    match &event.payload {
        Some(Payload::TemplateWritten(written)) => Some(Template {
            version: written.version,
            updated_at: from_proto_opt(event.occurred_at.as_ref())?,
        }),
        _ => state,
    }
}

/// A version as an etag.
pub(crate) fn etag_of(version: i32) -> String {
    format!("\"{version}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words {
            subject: "Chủ đề".into(),
            body: "Nội dung".into(),
        }
    }

    fn version(decision: &Decision) -> i32 {
        match decision.events.as_slice() {
            [Payload::TemplateWritten(written)] => written.version,
            other => panic!("must be written once: {other:?}"),
        }
    }

    #[test]
    fn words_written_over_those_of_the_software_are_the_second_version() {
        let decision = decide(None, &Command::Update(words(), String::new()), "receipt").unwrap();
        assert_eq!(version(&decision), 2);
        assert!(
            decision
                .statements
                .iter()
                .all(|statement| statement.revision == 2)
        );
    }

    #[test]
    fn a_template_is_made_once_and_those_of_the_software_are_there_already() {
        assert_eq!(
            version(&decide(None, &Command::Create(words()), "reminder").unwrap()),
            1
        );
        let state = Template {
            version: 1,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        for (state, id) in [(Some(&state), "reminder"), (None, "receipt")] {
            assert!(matches!(
                decide(state, &Command::Create(words()), id),
                Err(Error::Exists { .. })
            ));
        }
    }

    #[test]
    fn an_unknown_template_is_not_updated_and_a_stale_etag_is_refused() {
        let update = |etag: &str| Command::Update(words(), etag.to_owned());
        assert!(matches!(
            decide(None, &update(""), "reminder"),
            Err(Error::Missing { .. })
        ));
        assert!(matches!(
            decide(None, &update("\"7\""), "receipt"),
            Err(Error::Stale { .. })
        ));
        assert!(decide(None, &update("\"1\""), "receipt").is_ok());
    }
}
