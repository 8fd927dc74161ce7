//! Who may call what, as the contract says it: each method's policy, and what it lets a caller reach.

use motcua_proto::{
    policy::v1::{Allowance, Policy, Scope as ScopeKind},
    r#type::v1::Role,
};

use crate::{
    identity::{Agencies, Principal},
    rpc,
    scope::Scope,
};

/// A method's policy.
#[derive(Debug, Clone, Copy)]
pub struct MethodPolicy {
    /// `motcua.intake.v1.DossierService/SubmitDossier`.
    pub method: &'static str,
    /// Who may call it; none is nobody.
    pub policy: Option<&'static Policy>,
}

/// The policy of every method of the suite, by name.
pub fn matrix() -> impl Iterator<Item = MethodPolicy> {
    rpc::policies()
}

/// The policy of a method by its name, `motcua.intake.v1.DossierService/SubmitDossier`; none where there is no such method, or
/// nobody may call it.
#[must_use]
pub fn of(method: &str) -> Option<&'static Policy> {
    rpc::policy_of(method)
}

/// What a caller may do with a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// In which capacity.
    pub role: Role,
    /// What it reaches.
    pub scope: Scope,
}

/// Judges a caller, who may be nobody, by a policy. `service` is the service of the suite that the caller proved to be.
///
/// Of several allowances the one that reaches furthest counts: the city before agencies, agencies before one's own.
#[must_use]
pub fn judge(
    policy: &Policy,
    principal: Option<&Principal>,
    service: Option<&str>,
) -> Option<Admission> {
    policy
        .allow
        .iter()
        .filter_map(|allowance| allow(allowance, principal, service))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, admission)| admission)
}

/// How far it reaches, the furthest first, and what it comes to.
fn allow(
    allowance: &Allowance,
    principal: Option<&Principal>,
    service: Option<&str>,
) -> Option<(u8, Admission)> {
    let admission = |role, scope| Admission { role, scope };
    if allowance.scope() == ScopeKind::Public {
        let role = principal
            .and_then(|principal| principal.roles.first().copied())
            .unwrap_or(Role::Unspecified);
        return Some((4, admission(role, Scope::nothing())));
    }
    let principal = principal?;
    let role = allowance
        .roles()
        .find(|role| principal.roles.contains(role))?;
    // The suite's own services are known by what they proved, and by nothing that a token says.
    let is_service =
        service.is_some_and(|service| allowance.services.iter().any(|it| it == service));
    if (role == Role::Service) != is_service {
        return None;
    }
    let (rank, scope) = match allowance.scope() {
        ScopeKind::Service => is_service.then(|| (0, Scope::city()))?,
        ScopeKind::City => (1, Scope::city()),
        ScopeKind::OwnAgency => (
            2,
            match &principal.agencies {
                Agencies::All => Scope::city(),
                Agencies::Some(agencies) => Scope::of_agencies(agencies.iter().cloned()),
            },
        ),
        ScopeKind::Self_ => (3, Scope::of_owner(principal.id.clone())),
        ScopeKind::Public | ScopeKind::Unspecified => return None,
    };
    Some((rank, admission(role, scope)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(roles: &[Role], agencies: &[&str]) -> Principal {
        Principal::of("somebody-1", roles, agencies)
    }

    fn policy_of(method: &str) -> &'static Policy {
        of(method).unwrap()
    }

    #[test]
    fn every_method_of_the_contract_says_who_may_call_it() {
        assert!(matrix().count() >= 45);
        for MethodPolicy { method, policy } in matrix() {
            let policy = policy.unwrap_or_else(|| panic!("{method} has no policy"));
            assert!(!policy.allow.is_empty(), "{method}");
            for allowance in &policy.allow {
                let public = allowance.scope() == ScopeKind::Public;
                assert_ne!(allowance.scope(), ScopeKind::Unspecified, "{method}");
                assert_eq!(allowance.roles.is_empty(), public, "{method}");
                let service = allowance.roles().any(|role| role == Role::Service);
                assert_eq!(service, allowance.scope() == ScopeKind::Service, "{method}");
                assert_eq!(service, !allowance.services.is_empty(), "{method}");
                assert!(!service || allowance.roles.len() == 1, "{method}");
            }
        }
    }

    #[test]
    fn the_supervisor_of_the_city_changes_nothing() {
        let reads = ["Get", "List", "Subscribe", "Reconcile", "LookUp"];
        for MethodPolicy { method, policy } in matrix() {
            let supervised = policy
                .iter()
                .flat_map(|policy| &policy.allow)
                .any(|allowance| allowance.roles().any(|role| role == Role::CitySupervisor));
            let verb = method.rsplit('/').next().unwrap();
            assert!(
                !supervised || reads.iter().any(|read| verb.starts_with(read)),
                "{method}"
            );
        }
    }

    #[test]
    fn the_widest_allowance_counts_and_names_the_capacity() {
        let get = policy_of("motcua.intake.v1.DossierService/GetDossier");
        let both = principal(&[Role::Receptionist, Role::CitySupervisor], &["11593"]);
        let admitted = judge(get, Some(&both), None).unwrap();
        assert_eq!(
            (admitted.role, admitted.scope.reach().as_str()),
            (Role::CitySupervisor, "*")
        );
        let clerk = principal(&[Role::Receptionist], &["11593"]);
        assert_eq!(
            judge(get, Some(&clerk), None).unwrap().scope.reach(),
            "11593"
        );
        let citizen = principal(&[Role::Citizen], &[]);
        assert_eq!(
            judge(get, Some(&citizen), None).unwrap().scope.reach(),
            "o:somebody-1"
        );
        assert_eq!(
            judge(get, Some(&principal(&[Role::Auditor], &[])), None),
            None
        );
        assert_eq!(judge(get, None, None), None);
    }

    #[test]
    fn a_service_has_the_methods_that_its_own_part_needs_and_proves_what_it_is() {
        let get = policy_of("motcua.intake.v1.DossierService/GetDossier");
        let service = principal(&[Role::Service], &[]);
        assert!(judge(get, Some(&service), Some("notification")).is_some());
        assert_eq!(judge(get, Some(&service), Some("statistics")), None);
        assert_eq!(judge(get, Some(&service), None), None);
        // And a person's role is not lent to a service.
        let odd = principal(&[Role::Receptionist], &["11593"]);
        assert!(judge(get, Some(&odd), None).is_some());
    }

    #[test]
    fn what_everybody_may_know_needs_no_credential_and_reaches_nobodys_dossier() {
        let list = policy_of("motcua.intake.v1.CatalogService/ListProcedures");
        assert_eq!(judge(list, None, None).unwrap().scope, Scope::nothing());
    }
}
