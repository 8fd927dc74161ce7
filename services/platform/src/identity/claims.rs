//! What the claims of a token mean: which of them name the principal, its roles, agencies, groups and kinds of events.
//!
//! Issuers have their own ways. The defaults fit Keycloak; everything else is configuration, not code.

use std::{collections::BTreeMap, collections::BTreeSet};

use motcua_proto::{events::v1::EventKind, r#type::v1::Role};
use serde::{Deserialize, de::Error as _};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Agencies, Kinds, Principal, is_id};
use crate::hex::hex;

/// Most agencies and groups of one principal. Whoever has more acts for the city: `*`.
const AGENCIES_MAX: usize = 1_024;
const GROUPS_MAX: usize = 64;
/// Every one, where a list is expected.
const ALL: &str = "*";
/// Length of the opaque part of an id made here. Hexadecimal digits, four bits each.
const OPAQUE_DIGITS: usize = 24;
/// Fewest digits of an id that could be somebody's number.
const NUMBER_DIGITS_MIN: usize = 8;

/// Where in a token what stands. Each is the name of a claim, or a path into objects with dots between: a claim whose
/// own name has dots in it (`https://city.example.vn/roles`) is looked for first.
///
/// A value may be a text, several words in a text, or an array of texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Claims {
    /// Who it is. What is no id by our rules (an address of email, a name with spaces), or could be somebody's number,
    /// becomes an opaque one, `p-` and 24 digits, the same for the same person as long as the issuer's name is the same:
    /// the id gets into events and logs, which stay for ever. For the same reason `preferred_username` is a poor choice
    /// where user names are made of people's names; `sub` is the default.
    pub principal: String,
    /// In which capacities. Roles that are not ours are passed over: issuers serve many applications.
    pub roles: String,
    /// For which agencies, by code; `*` for every one of the city. What is no code is passed over.
    pub agencies: String,
    /// In which groups. What is no id (Keycloak's full paths begin with `/`: turn them off there) is passed over.
    pub groups: String,
    /// Which events another system may be told of: `DOSSIER_SUBMITTED`, or `*`. Those that we do not know are passed over.
    pub kinds: String,
    /// The issuer's names of our roles. Where it is given, only what stands in it counts.
    #[serde(deserialize_with = "role_names")]
    pub role_names: BTreeMap<String, Role>,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            principal: "sub".to_owned(),
            roles: "realm_access.roles".to_owned(),
            agencies: "motcua_agencies".to_owned(),
            groups: "groups".to_owned(),
            kinds: "motcua_kinds".to_owned(),
            role_names: roles().map(|role| (role_name(role), role)).collect(),
        }
    }
}

/// Every role that a token can give. That of a service of the suite is not among them: its certificate gives it.
pub fn roles() -> impl Iterator<Item = Role> {
    (0..)
        .map_while(|number| Role::try_from(number).ok())
        .filter(|role| !matches!(role, Role::Unspecified | Role::Service))
}

/// Our own name of a role: `city_supervisor`.
#[must_use]
pub fn role_name(role: Role) -> String {
    role.as_str_name()
        .trim_start_matches("ROLE_")
        .to_ascii_lowercase()
}

/// The role of that name, if a token can give it.
#[must_use]
pub fn role_named(name: &str) -> Option<Role> {
    roles().find(|role| role_name(*role) == name)
}

/// The kind of event of that name: `DOSSIER_SUBMITTED`.
#[must_use]
pub fn kind_named(name: &str) -> Option<EventKind> {
    EventKind::from_str_name(&format!("EVENT_KIND_{name}"))
        .filter(|kind| *kind != EventKind::Unspecified)
}

fn role_names<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Role>, D::Error> {
    BTreeMap::<String, String>::deserialize(deserializer)?
        .into_iter()
        .map(|(theirs, ours)| match role_named(&ours) {
            Some(role) => Ok((theirs, role)),
            None => Err(D::Error::custom(format!(
                "role_names: `{ours}` is not a role that a token can give"
            ))),
        })
        .collect()
}

impl Claims {
    /// Whom these claims of that issuer describe, or why nobody.
    pub(super) fn principal(
        &self,
        issuer: &str,
        claims: &Map<String, Value>,
    ) -> Result<Principal, &'static str> {
        let id = at(claims, &self.principal)
            .and_then(Value::as_str)
            .filter(|id| !id.is_empty())
            .ok_or("it does not say whose it is")?;
        let roles: BTreeSet<Role> = words(claims, &self.roles)
            .filter_map(|name| self.role_names.get(name).copied())
            .collect();
        let agencies = listed(claims, &self.agencies, |code| {
            is_id(code).then(|| code.to_owned())
        });
        let agencies = agencies.map_or(Agencies::All, Agencies::Some);
        let groups: BTreeSet<String> = words(claims, &self.groups)
            .filter(|group| is_id(group))
            .map(str::to_owned)
            .collect();
        if matches!(&agencies, Agencies::Some(codes) if codes.len() > AGENCIES_MAX)
            || groups.len() > GROUPS_MAX
        {
            return Err("it names more agencies or groups than anybody has");
        }
        let kinds = listed(claims, &self.kinds, kind_named);
        Ok(Principal {
            id: opaque(issuer, id),
            roles: roles.into_iter().collect(),
            agencies,
            groups: groups.into_iter().collect(),
            kinds: kinds.map_or(Kinds::All, Kinds::Some),
        })
    }

    /// The claims that describe this principal: what [`Self::principal`] reads, it reads back.
    pub(super) fn describe(&self, principal: &Principal) -> Map<String, Value> {
        let mut claims = Map::new();
        put(&mut claims, &self.principal, json!(principal.id));
        let roles: Vec<_> = self
            .role_names
            .iter()
            .filter(|(_, role)| principal.roles.contains(role))
            .map(|(name, _)| name)
            .collect();
        put(&mut claims, &self.roles, json!(roles));
        let agencies = match &principal.agencies {
            Agencies::All => json!(ALL),
            Agencies::Some(codes) => json!(codes),
        };
        put(&mut claims, &self.agencies, agencies);
        put(&mut claims, &self.groups, json!(principal.groups));
        let kinds = match &principal.kinds {
            Kinds::All => json!(ALL),
            Kinds::Some(kinds) => kinds
                .iter()
                .map(|kind| kind.as_str_name().trim_start_matches("EVENT_KIND_"))
                .collect(),
        };
        put(&mut claims, &self.kinds, kinds);
        claims
    }
}

/// Whether an id may be shown as it is: it is one, and could not be somebody's number.
pub fn may_be_shown(id: &str) -> bool {
    let number = id.len() >= NUMBER_DIGITS_MIN
        && id
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_'));
    is_id(id) && !number
}

/// An id as it is where it may be shown, otherwise one that says nothing and stays the same.
fn opaque(issuer: &str, id: &str) -> String {
    if may_be_shown(id) {
        return id.to_owned();
    }
    let digest = Sha256::digest(format!("{issuer}|{id}"));
    format!("p-{}", hex(&digest[..OPAQUE_DIGITS / 2]))
}

/// What is listed, or nothing where it is everything.
fn listed<T: Ord>(
    claims: &Map<String, Value>,
    path: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Option<BTreeSet<T>> {
    if words(claims, path).any(|word| word == ALL) {
        return None;
    }
    Some(words(claims, path).filter_map(read).collect())
}

/// The texts at a path, whichever way they are written down.
fn words<'a>(claims: &'a Map<String, Value>, path: &str) -> impl Iterator<Item = &'a str> {
    let (text, array) = match at(claims, path) {
        Some(Value::String(text)) => (text.as_str(), &[][..]),
        Some(Value::Array(array)) => ("", array.as_slice()),
        _ => ("", &[][..]),
    };
    text.split_ascii_whitespace()
        .chain(array.iter().filter_map(Value::as_str))
}

/// The value at a path: a claim of that very name, or the one that the dots lead to.
fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    at(claims.get(first)?.as_object()?, rest)
}

/// Puts a value where [`at`] finds it.
fn put(claims: &mut Map<String, Value>, path: &str, value: Value) {
    let nested = path.split_once('.').and_then(|(first, rest)| {
        let object = claims
            .entry(first)
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()?;
        Some((object, rest))
    });
    match nested {
        Some((object, rest)) => put(object, rest, value),
        None => {
            claims.insert(path.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example.vn/realms/city";

    fn principal(claims: &Claims, value: Value) -> Principal {
        let Value::Object(map) = value else {
            panic!("claims are an object")
        };
        claims.principal(ISSUER, &map).unwrap()
    }

    #[test]
    fn the_defaults_read_what_keycloak_issues() {
        let somebody = principal(
            &Claims::default(),
            json!({
                "sub": "0f0b5a54-8f6b-4d4e-9a3f-2c1d7c2b9a10",
                "realm_access": { "roles": ["offline_access", "receptionist", "uma_authorization", "service"] },
                "motcua_agencies": ["11593", "Sở Y tế", "H24.1"],
                "groups": ["counter-1", "/full/path"],
                "motcua_kinds": "DOSSIER_SUBMITTED NEVER_HEARD_OF UNSPECIFIED",
            }),
        );
        assert_eq!(somebody.id, "0f0b5a54-8f6b-4d4e-9a3f-2c1d7c2b9a10");
        assert_eq!(somebody.roles, [Role::Receptionist]);
        let codes = ["11593".to_owned(), "H24.1".to_owned()];
        assert_eq!(somebody.agencies, Agencies::Some(codes.into()));
        assert_eq!(somebody.groups, ["counter-1"]);
        assert_eq!(
            somebody.kinds,
            Kinds::Some([EventKind::DossierSubmitted].into())
        );
    }

    #[test]
    fn a_claim_with_dots_in_its_name_is_found_before_the_path() {
        let claims: Claims = serde_json::from_value(json!({
            "roles": "https://city.example.vn/roles",
            "agencies": "city.agencies",
            "role_names": { "can-bo-mot-cua": "receptionist" },
        }))
        .unwrap();
        let somebody = principal(
            &claims,
            json!({
                "sub": "a",
                "https://city.example.vn/roles": "can-bo-mot-cua administrator",
                "city": { "agencies": "*" },
            }),
        );
        assert_eq!(somebody.roles, [Role::Receptionist]);
        assert_eq!(somebody.agencies, Agencies::All);
    }

    #[test]
    fn a_name_or_a_number_does_not_become_an_id() {
        let claims = Claims::default();
        for sub in [
            "Nguyễn Thị Ví Dụ",
            "vidu@example.vn",
            "001199000001",
            "0900-000-000",
            "a b",
            &"x".repeat(101),
        ] {
            let once = principal(&claims, json!({ "sub": sub }));
            assert!(is_id(&once.id) && once.id.len() == 26, "{}", once.id);
            assert!(once.id.starts_with("p-") && !once.id.contains("vidu"));
            assert_eq!(once.id, principal(&claims, json!({ "sub": sub })).id);
        }
        assert_ne!(opaque("a", "b c"), opaque("b", "b c"));
        for sub in ["officer-11593-2", "7", "550e8400-e29b-41d4"] {
            assert_eq!(principal(&claims, json!({ "sub": sub })).id, sub);
        }
    }

    #[test]
    fn nobody_without_a_name_and_nobody_with_everything_in_a_list() {
        let claims = Claims::default();
        let many = |count: usize| -> Vec<String> { (0..count).map(|n| format!("a{n}")).collect() };
        for (value, good) in [
            (json!({ "sub": "a" }), true),
            (json!({}), false),
            (json!({ "sub": "" }), false),
            (json!({ "sub": 7 }), false),
            (json!({ "sub": ["a"] }), false),
            (json!({ "sub": "a", "motcua_agencies": many(1_024) }), true),
            (json!({ "sub": "a", "motcua_agencies": many(1_025) }), false),
            (json!({ "sub": "a", "groups": many(64) }), true),
            (json!({ "sub": "a", "groups": many(65) }), false),
            (
                json!({ "sub": "a", "realm_access": 7, "groups": { "a": 1 } }),
                true,
            ),
        ] {
            let outcome = claims.principal(ISSUER, value.as_object().unwrap());
            assert_eq!(outcome.is_ok(), good, "{value}");
        }
    }

    #[test]
    fn what_is_described_is_read_back_wherever_it_stands() {
        let somebody = Principal {
            id: "system-tax".to_owned(),
            roles: vec![Role::System, Role::Auditor],
            agencies: Agencies::Some(["11593".to_owned()].into()),
            groups: vec!["a".to_owned()],
            kinds: Kinds::Some([EventKind::DossierAccepted].into()),
        };
        let elsewhere: Claims = serde_json::from_value(json!({
            "principal": "who", "roles": "https://city.example.vn/roles", "agencies": "x.y.z", "groups": "x.y.groups",
            "kinds": "x.kinds", "role_names": { "he-thong": "system", "kiem-toan": "auditor" },
        }))
        .unwrap();
        for claims in [Claims::default(), elsewhere] {
            let mut read = claims
                .principal(ISSUER, &claims.describe(&somebody))
                .unwrap();
            read.roles.sort_by_key(|role| *role != Role::System);
            assert_eq!(read, somebody);
        }
    }

    #[test]
    fn a_configuration_cannot_make_somebody_a_service() {
        for names in [json!({ "x": "service" }), json!({ "x": "boss" })] {
            let error = serde_json::from_value::<Claims>(json!({ "role_names": names }));
            assert!(error.unwrap_err().to_string().contains("is not a role"));
        }
        assert!(serde_json::from_value::<Claims>(json!({ "rolls": "x" })).is_err());
        assert_eq!(roles().count(), 10);
        assert_eq!(role_named("city_supervisor"), Some(Role::CitySupervisor));
    }
}
