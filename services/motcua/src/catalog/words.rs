//! What files call roles and kinds of agencies.

use motcua_proto::r#type::v1::{AgencyKind, Role};

/// The words for agencies, for people to read.
pub(crate) const AGENCIES: &str = "ward, police, social_insurance";
/// The words for roles, for people to read.
pub(crate) const ROLES: &str = "receptionist, officer, leader, home_visitor";

/// What the word for a kind of agency means.
pub(crate) fn agency_of(word: &str) -> Option<AgencyKind> {
    Some(match word {
        "ward" => AgencyKind::Ward,
        "police" => AgencyKind::Police,
        "social_insurance" => AgencyKind::SocialInsurance,
        _ => return None,
    })
}

/// The word for a kind of agency.
pub(crate) fn agency_word(kind: AgencyKind) -> &'static str {
    match kind {
        AgencyKind::Ward => "ward",
        AgencyKind::Police => "police",
        AgencyKind::SocialInsurance => "social_insurance",
        AgencyKind::Unspecified => "nobody",
    }
}

/// Who can be given a task: people of the agency.
pub(crate) fn role_of(word: &str) -> Option<Role> {
    Some(match word {
        "receptionist" => Role::Receptionist,
        "officer" => Role::Officer,
        "leader" => Role::Leader,
        "home_visitor" => Role::HomeVisitor,
        _ => return None,
    })
}

/// The word for a role that can be given a task.
pub(crate) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Receptionist => "receptionist",
        Role::Officer => "officer",
        Role::Leader => "leader",
        Role::HomeVisitor => "home_visitor",
        _ => "somebody",
    }
}
