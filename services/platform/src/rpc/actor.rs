//! Who acts, as a caller states it: `motcua-actor: officer/officer-11593-2`.
//!
//! A statement, not a proof: until calls carry an identity, whoever reaches the port can say anything.

use motcua_proto::r#type::v1::{Actor, Role};
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

use crate::error::Error;

/// Metadata in which a caller states who acts: the role in lower case, and an opaque id.
pub const ACTOR_METADATA: &str = "motcua-actor";

const PREFIX: &str = "ROLE_";
const ID_BYTES_MAX: usize = 100;

/// Who acts, as the call's metadata say; `anonymous` when they do not.
///
/// # Errors
/// When they say it unreadably.
pub fn actor_from(metadata: &MetadataMap) -> Result<Actor, Error> {
    let Some(value) = metadata.get(ACTOR_METADATA) else {
        return Ok(Actor {
            id: "anonymous".to_owned(),
            role: Role::Unspecified.into(),
        });
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.split_once('/'))
        .filter(|(role, id)| is_lower(role) && is_id(id))
        .and_then(|(role, id)| {
            let role = Role::from_str_name(&format!("{PREFIX}{}", role.to_ascii_uppercase()))?;
            Some(Actor {
                id: id.to_owned(),
                role: role.into(),
            })
        })
        .ok_or_else(|| {
            Error::field(
                ACTOR_METADATA,
                "must be a role and an opaque id, such as officer/officer-11593-2",
            )
        })
}

/// The metadata that state this actor.
///
/// # Errors
/// When its id cannot travel.
pub fn actor_metadata(actor: &Actor) -> Result<MetadataValue<Ascii>, Error> {
    let role = actor.role().as_str_name();
    let role = role
        .strip_prefix(PREFIX)
        .unwrap_or(role)
        .to_ascii_lowercase();
    Some(&actor.id)
        .filter(|id| is_id(id))
        .and_then(|id| MetadataValue::try_from(format!("{role}/{id}")).ok())
        .ok_or_else(|| {
            Error::field(
                "actor.id",
                "must hold only letters, digits, '.', '-' and '_', at most 100",
            )
        })
}

fn is_lower(role: &str) -> bool {
    role.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn is_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(text: &str) -> Result<Actor, Error> {
        let mut metadata = MetadataMap::new();
        metadata.insert(ACTOR_METADATA, text.parse().unwrap());
        actor_from(&metadata)
    }

    #[test]
    fn an_actor_arrives_as_it_was_stated() {
        let visitor = Actor {
            id: "visitor-1".into(),
            role: Role::HomeVisitor.into(),
        };
        let mut metadata = MetadataMap::new();
        metadata.insert(ACTOR_METADATA, actor_metadata(&visitor).unwrap());
        assert_eq!(
            metadata.get(ACTOR_METADATA).unwrap(),
            "home_visitor/visitor-1"
        );
        assert_eq!(actor_from(&metadata).unwrap(), visitor);
    }

    #[test]
    fn whoever_says_nothing_is_anonymous() {
        let actor = actor_from(&MetadataMap::new()).unwrap();
        assert_eq!(
            (actor.id.as_str(), actor.role()),
            ("anonymous", Role::Unspecified)
        );
    }

    #[test]
    fn nonsense_is_refused_with_the_name_of_the_metadata() {
        for bad in [
            "",
            "officer",
            "officer/",
            "OFFICER/x",
            "king/x",
            "officer/a b",
            "officer/a/b",
        ] {
            let error = stated(bad).unwrap_err();
            assert!(error.to_string().contains(ACTOR_METADATA), "{bad}: {error}");
        }
        assert!(
            actor_metadata(&Actor {
                id: "Nguyễn".into(),
                role: 0
            })
            .is_err()
        );
    }
}
