//! What files call roles and kinds of agencies.

use motcua_calendar::Limit as CalendarLimit;
use motcua_platform::catalog;
use motcua_proto::r#type::v1::{AgencyKind, Limit, OtherLimit, Role};

/// The words for agencies, for people to read.
pub(crate) const AGENCIES: &str = "ward, police, social_insurance, department";
/// How a limit is written, for people to read.
pub(crate) const LIMITS: &str = "'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages";
/// The words for roles, for people to read.
pub(crate) const ROLES: &str = "receptionist, officer, leader, home_visitor";

/// What the word for a kind of agency means.
pub(crate) fn agency_of(word: &str) -> Option<AgencyKind> {
    Some(match word {
        "ward" => AgencyKind::Ward,
        "police" => AgencyKind::Police,
        "social_insurance" => AgencyKind::SocialInsurance,
        "department" => AgencyKind::Department,
        _ => return None,
    })
}

/// The word for a kind of agency.
pub(crate) fn agency_word(kind: AgencyKind) -> &'static str {
    match kind {
        AgencyKind::Ward => "ward",
        AgencyKind::Police => "police",
        AgencyKind::SocialInsurance => "social_insurance",
        AgencyKind::Department => "department",
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

/// `verified=3 working days; heard=10 calendar days`: limits that may be chosen during the work. Answers with what is wrong.
pub(crate) fn other_limits(text: &str) -> Result<Vec<OtherLimit>, String> {
    let told = text.split(';').map(str::trim);
    told.filter(|text| !text.is_empty())
        .map(|text| {
            let read = text.split_once('=').and_then(|(id, limit)| {
                Some(OtherLimit {
                    id: id.trim().to_owned(),
                    limit: Some(self::limit(limit)?),
                })
            });
            read.ok_or_else(|| {
                format!(
                    "'{text}' is no other limit; write its id and {LIMITS}: verified=3 working days"
                )
            })
        })
        .collect()
}

/// What `other_limits` reads.
pub(crate) fn written_limits(others: &[OtherLimit]) -> String {
    let others: Vec<_> = others
        .iter()
        .map(|other| format!("{}={}", other.id, written_limit(other.limit.as_ref())))
        .collect();
    others.join("; ")
}

/// `2 working days`; a same-day limit with its cut-off.
pub(crate) fn limit(text: &str) -> Option<Limit> {
    catalog::limit_to_proto(&text.trim().parse().ok()?)
}

/// What `limit` reads.
pub(crate) fn written_limit(limit: Option<&Limit>) -> String {
    match limit.and_then(catalog::limit) {
        // With its cut-off, the usual one too.
        Some(CalendarLimit::SameDay { cutoff }) => {
            format!("same day until {}", cutoff.strftime("%H:%M"))
        }
        Some(limit) => limit.to_string(),
        None => String::new(),
    }
}
