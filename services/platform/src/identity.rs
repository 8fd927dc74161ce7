//! Who calls: the principal that a credential proves, and what it may be shown.
//!
//! Deliberately not here: what each method allows. The contract says it, and [`crate::rpc`] asks it.

pub mod claims;
mod fetch;
pub mod issuer;
mod jwks;
mod jws;
mod keys;
pub mod mint;
pub mod tokens;
mod verified;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use motcua_proto::{events::v1::EventKind, r#type::v1::Role};

/// Longest id of a principal, of a group and of an agency. Bytes.
const ID_BYTES_MAX: usize = 100;

/// Somebody whose credential was verified: a person, another system, or a service of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Opaque and stable: `officer-11593-2`. It stands in events and logs, and is never a name.
    pub id: String,
    /// In which capacities it may act.
    pub roles: Vec<Role>,
    /// For which agencies.
    pub agencies: Agencies,
    /// Named groups, for tasks that are given to a group.
    pub groups: Vec<String>,
    /// Which events another system may be told of.
    pub kinds: Kinds,
}

impl Principal {
    /// Somebody with these roles at these agencies, of no group, who is told of no events.
    #[must_use]
    pub fn of(id: &str, roles: &[Role], agencies: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            roles: roles.to_vec(),
            agencies: Agencies::Some(agencies.iter().map(|&code| code.to_owned()).collect()),
            groups: Vec::new(),
            kinds: Kinds::Some(BTreeSet::new()),
        }
    }
}

/// The agencies that somebody acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agencies {
    /// Every one of the city.
    All,
    /// These, by code; none where it is empty.
    Some(BTreeSet<String>),
}

/// The kinds of events that somebody may be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kinds {
    /// Every one, also those that the contract will have one day.
    All,
    /// These; none where it is empty.
    Some(BTreeSet<EventKind>),
}

/// Whether a text can be a principal's id: it travels in metadata, events and logs.
#[must_use]
pub fn is_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// No credential, or none that proves anything. There is nothing more to say: what exactly was wrong helps only whoever
/// tries; it goes to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credential is missing or proves nothing")]
pub struct Unauthenticated;

impl From<Unauthenticated> for crate::error::Error {
    fn from(_: Unauthenticated) -> Self {
        Self::Unauthenticated
    }
}
