//! Short names for the actors that the suite itself is.

use motcua_proto::r#type::v1::{Actor, Role};

/// A service of the suite, acting by rule.
#[must_use]
pub(crate) fn service(name: &str) -> Actor {
    Actor {
        id: format!("service-{name}"),
        role: Role::Service.into(),
    }
}
