//! Whose dossiers a call reaches.
//!
//! A [`Scope`] comes from a call that was let in, or from the suite's own rules, and from nowhere else: its constructors are
//! this crate's. Queries take one to be run at all ([`crate::archive`]), commands are decided only on what theirs covers
//! ([`crate::ledger`]), and PostgreSQL checks the same once more (`reaches`, in `migrations/0004_scope.sql`).

use std::{collections::BTreeSet, fmt};

/// Marks the owner of a dossier among its tenants, apart from the codes of agencies, which hold no colon.
const OWNER: &str = "o:";

/// Whose dossiers a call reaches.
#[derive(Clone, PartialEq, Eq)]
pub struct Scope(Reach);

#[derive(Clone, PartialEq, Eq)]
enum Reach {
    /// Every dossier of the city.
    City,
    /// Those that one of these agencies has to do with. Never empty.
    Agencies(BTreeSet<String>),
    /// Those that this citizen submitted.
    Owner(String),
    /// None.
    Nothing,
}

impl Scope {
    /// Every dossier of the city, for a rule of the suite itself that decides by other means what it shows to whom: an
    /// applicant who proves to know a dossier's code and the end of the identity number.
    #[must_use]
    pub fn by_rule() -> Self {
        Self::city()
    }

    /// Every dossier of the city.
    pub(crate) fn city() -> Self {
        Self(Reach::City)
    }

    /// What these agencies have to do with.
    pub(crate) fn of_agencies(agencies: impl IntoIterator<Item = String>) -> Self {
        let agencies: BTreeSet<_> = agencies.into_iter().collect();
        Self(if agencies.is_empty() {
            Reach::Nothing
        } else {
            Reach::Agencies(agencies)
        })
    }

    /// What this citizen submitted.
    pub(crate) fn of_owner(principal: String) -> Self {
        Self(Reach::Owner(principal))
    }

    /// Nothing that belongs to anybody.
    pub(crate) fn nothing() -> Self {
        Self(Reach::Nothing)
    }

    /// Whether it reaches something that belongs to these, as [`tenants`] names them.
    #[must_use]
    pub fn covers<'a>(&self, tenants: impl IntoIterator<Item = &'a str>) -> bool {
        let mut tenants = tenants.into_iter();
        match &self.0 {
            Reach::City => true,
            Reach::Agencies(agencies) => tenants.any(|tenant| agencies.contains(tenant)),
            Reach::Owner(owner) => {
                tenants.any(|tenant| tenant.strip_prefix(OWNER) == Some(owner.as_str()))
            }
            Reach::Nothing => false,
        }
    }

    /// Whether the caller may act in this agency's name: receive at its counter.
    #[must_use]
    pub fn acts_for(&self, agency: &str) -> bool {
        match &self.0 {
            Reach::City => true,
            Reach::Agencies(agencies) => agencies.contains(agency),
            // A citizen chooses where to submit.
            Reach::Owner(_) => true,
            Reach::Nothing => false,
        }
    }

    /// The agencies that it is limited to; none where it is not limited by agencies.
    #[must_use]
    pub fn agencies(&self) -> Option<&BTreeSet<String>> {
        match &self.0 {
            Reach::Agencies(agencies) => Some(agencies),
            _ => None,
        }
    }

    /// Whose rows a list goes through, agency by agency; none where it goes through everybody's. What reaches nothing by an
    /// agency goes through nobody's.
    #[must_use]
    pub fn listed(&self) -> Option<Vec<String>> {
        match &self.0 {
            Reach::City => None,
            Reach::Agencies(agencies) => Some(agencies.iter().cloned().collect()),
            Reach::Owner(_) | Reach::Nothing => Some(Vec::new()),
        }
    }

    /// The only agency that it reaches, if it is one: lists then use that agency's index.
    #[must_use]
    pub fn only_agency(&self) -> Option<&str> {
        self.agencies()
            .filter(|agencies| agencies.len() == 1)
            .and_then(|agencies| agencies.first())
            .map(String::as_str)
    }

    /// The citizen that it is limited to; none where it is not limited to one.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        match &self.0 {
            Reach::Owner(owner) => Some(owner),
            _ => None,
        }
    }

    /// As PostgreSQL's function `reaches` reads it: `*`, tenants separated by commas, or nothing.
    #[must_use]
    pub fn reach(&self) -> String {
        match &self.0 {
            Reach::City => "*".to_owned(),
            Reach::Agencies(agencies) => agencies
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(","),
            Reach::Owner(owner) => format!("{OWNER}{owner}"),
            Reach::Nothing => String::new(),
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Scope").field(&self.reach()).finish()
    }
}

/// To whom something belongs: agencies by code, and the citizen who submitted it. Each once, and none that is empty.
#[must_use]
pub fn tenants<'a>(agencies: impl IntoIterator<Item = &'a str>, owner: &str) -> Vec<String> {
    let mut tenants: BTreeSet<_> = agencies
        .into_iter()
        .filter(|agency| !agency.is_empty())
        .map(str::to_owned)
        .collect();
    if !owner.is_empty() {
        tenants.insert(format!("{OWNER}{owner}"));
    }
    tenants.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(agencies: &[&str]) -> Scope {
        Scope::of_agencies(agencies.iter().map(|&agency| agency.to_owned()))
    }

    fn covers(scope: &Scope, tenants: &[String]) -> bool {
        scope.covers(tenants.iter().map(String::as_str))
    }

    #[test]
    fn an_agency_reaches_what_it_received_is_competent_for_or_works_on() {
        let dossier = tenants(["11593", "11593-ca", "11593"], "citizen-1");
        assert_eq!(dossier, ["11593", "11593-ca", "o:citizen-1"]);
        assert!(covers(&of(&["11593"]), &dossier));
        assert!(covers(&of(&["11407", "11593-ca"]), &dossier));
        assert!(!covers(&of(&["11407"]), &dossier));
        assert!(!covers(&of(&["1159"]), &dossier));
    }

    #[test]
    fn a_citizen_reaches_what_is_theirs_even_where_the_id_is_an_agencys_code() {
        let dossier = tenants(["11593"], "citizen-1");
        assert!(covers(&Scope::of_owner("citizen-1".into()), &dossier));
        assert!(!covers(&Scope::of_owner("citizen-2".into()), &dossier));
        assert!(!covers(&Scope::of_owner("11593".into()), &dossier));
        // What nobody submitted as a citizen is no citizen's.
        assert!(!covers(
            &Scope::of_owner(String::new()),
            &tenants(["11593"], "")
        ));
    }

    #[test]
    fn who_acts_for_no_agency_reaches_nothing() {
        let nobody = of(&[]);
        assert!(!covers(&nobody, &tenants(["11593"], "citizen-1")));
        assert!(!covers(&nobody, &tenants([], "")));
        assert_eq!(nobody.reach(), "");
        assert!(!nobody.acts_for("11593"));
        assert_eq!(nobody, Scope::nothing());
        assert_eq!(nobody.listed(), Some(Vec::new()));
        assert_eq!(Scope::city().listed(), None);
    }

    #[test]
    fn postgresql_is_told_the_same() {
        assert_eq!(Scope::city().reach(), "*");
        assert_eq!(of(&["b", "a"]).reach(), "a,b");
        assert_eq!(Scope::of_owner("citizen-1".into()).reach(), "o:citizen-1");
    }
}
