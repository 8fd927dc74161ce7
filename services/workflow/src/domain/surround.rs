//! What a decision looks at beside the case: catalogs and definitions. Neither ever changes once it is there, so each
//! process keeps those that it has seen.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use motcua_platform::catalog::Catalogs;

use super::{definition::Definition, substitution::Substitution};

/// Everything beside the case and the context. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Surround {
    /// Catalogs.
    pub catalogs: Catalogs,
    /// Definitions.
    pub definitions: Definitions,
    /// Who stands in for whom.
    pub substitutions: InForce,
}

impl Surround {
    /// The same, with these substitutions and no others.
    #[must_use]
    pub fn with_substitutions(&self, substitutions: Vec<Substitution>) -> Self {
        let own = InForce::default();
        own.replace(substitutions);
        Self {
            substitutions: own,
            ..self.clone()
        }
    }
}

/// Substitutions that are not over, as they were read with the cases that are decided on. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct InForce(Arc<RwLock<Vec<Substitution>>>);

impl InForce {
    /// Those of a substitute that are in force at an instant.
    #[must_use]
    pub fn of(&self, substitute: &str, now: Timestamp) -> Vec<Substitution> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|stands| stands.substitute == substitute && stands.is_in_force(now))
            .cloned()
            .collect()
    }

    /// These are all.
    pub fn replace(&self, substitutions: Vec<Substitution>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = substitutions;
    }
}

/// The versions of definitions that this process has seen. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Definitions(Arc<RwLock<HashMap<String, Versions>>>);

type Versions = BTreeMap<i32, Arc<Definition>>;

impl Definitions {
    /// A version of a definition.
    #[must_use]
    pub fn get(&self, id: &str, version: i32) -> Option<Arc<Definition>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)?
            .get(&version)
            .cloned()
    }

    /// The newest version that has been seen.
    #[must_use]
    pub fn newest(&self, id: &str) -> Option<Arc<Definition>> {
        let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
        seen.get(id)?
            .last_key_value()
            .map(|(_, definition)| Arc::clone(definition))
    }

    /// Keeps a version.
    pub fn remember(&self, definition: Definition) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(definition.id().to_owned())
            .or_default()
            .insert(definition.version(), Arc::new(definition));
    }
}
