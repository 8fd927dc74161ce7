//! The versions of a definition: each publication of new content is the next one, and none ever changes.

use jiff::Timestamp;
use motcua_platform::{
    hex::hex,
    ledger::{Context, Decision, Subject},
    time::to_proto,
};
use motcua_proto::{
    events::v1::{self as events, Event, event::Payload},
    workflow::v1 as proto,
};
use prost::Message as _;
use sha2::{Digest, Sha256};

/// Every version of a definition, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Published {
    /// In order; the n-th is version n.
    pub versions: Vec<Version>,
}

/// A version of a definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// SHA-256 of its content, in hexadecimal.
    pub digest: String,
    /// As the contract has it.
    pub definition: proto::Definition,
}

/// A definition that was found sound, to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    digest: String,
    definition: proto::Definition,
}

impl Publication {
    /// What a caller wrote, without what the server sets.
    #[must_use]
    pub fn new(definition: &proto::Definition) -> Self {
        let content = proto::Definition {
            name: format!("definitions/{}", definition.id),
            version: 0,
            published_at: None,
            ..definition.clone()
        };
        Self {
            digest: hex(Sha256::digest(content.encode_to_vec())),
            definition: content,
        }
    }

    /// The definition as it is shown before it has a version.
    #[must_use]
    pub fn definition(&self) -> &proto::Definition {
        &self.definition
    }

    /// What happens when it is published: nothing where the newest version says the same.
    #[must_use]
    pub fn decide(&self, published: Option<&Published>, context: &Context<'_>) -> Decision {
        let versions = published.map_or(&[][..], |published| &published.versions);
        let events = match versions.last() {
            Some(newest) if newest.digest == self.digest => Vec::new(),
            _ => vec![self.event(versions.len(), context.now)],
        };
        Decision {
            subject: Subject::default(),
            events,
            ..Decision::default()
        }
    }

    fn event(&self, versions_before: usize, now: Timestamp) -> Payload {
        let version = i32::try_from(versions_before + 1).unwrap_or(i32::MAX);
        let definition = proto::Definition {
            version,
            published_at: Some(to_proto(now)),
            ..self.definition.clone()
        };
        Payload::DefinitionPublished(events::DefinitionPublished {
            version,
            digest: self.digest.clone(),
            definition: Some(definition),
        })
    }
}

impl Published {
    /// The versions after an event.
    #[must_use]
    pub fn apply(published: Option<Self>, event: &Event) -> Option<Self> {
        let Some(Payload::DefinitionPublished(event)) = &event.payload else {
            return published;
        };
        let mut published = published.unwrap_or_default();
        published.versions.push(Version {
            digest: event.digest.clone(),
            definition: event.definition.clone().unwrap_or_default(),
        });
        Some(published)
    }

    /// The newest version, as the contract shows it.
    #[must_use]
    pub fn newest(&self) -> proto::Definition {
        self.versions
            .last()
            .map(|version| version.definition.clone())
            .unwrap_or_default()
    }
}
