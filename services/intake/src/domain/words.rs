//! How values are written down: words of people, which no log may show, and the contract's values in a state.

use motcua_platform::redacted::Redacted;

/// What somebody said.
pub type Words = Redacted<String>;

/// An enum of the contract by its number, which never changes.
pub(super) mod number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::domain) fn serialize<E, S>(value: &E, serializer: S) -> Result<S::Ok, S::Error>
    where
        E: Copy + Into<i32>,
        S: Serializer,
    {
        serializer.serialize_i32((*value).into())
    }

    pub(in crate::domain) fn deserialize<'de, E, D>(deserializer: D) -> Result<E, D::Error>
    where
        E: TryFrom<i32>,
        D: Deserializer<'de>,
    {
        let number = i32::deserialize(deserializer)?;
        E::try_from(number)
            .map_err(|_| D::Error::custom(format!("{number} is none of the enum's values")))
    }
}
