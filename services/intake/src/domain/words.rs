//! How values are written down: words of people, which no log may show, and the contract's values in a state.

use motcua_platform::redacted::Redacted;
use motcua_proto::r#type::v1::{Limit, SameDay, limit::Kind};
use serde::{Deserialize, Serialize};

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

/// A limit of the contract.
pub(super) mod limit {
    use super::{Kind, Limit, SameDay, WrittenLimit};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::domain) fn serialize<S: Serializer>(
        limit: &Limit,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match limit.kind {
            Some(Kind::WorkingDayHalves(halves)) => Some(WrittenLimit::WorkingDayHalves(halves)),
            Some(Kind::WorkingHours(hours)) => Some(WrittenLimit::WorkingHours(hours)),
            Some(Kind::CalendarDays(days)) => Some(WrittenLimit::CalendarDays(days)),
            Some(Kind::SameDay(SameDay { cutoff_minute })) => {
                Some(WrittenLimit::SameDay(cutoff_minute))
            }
            None => None,
        }
        .serialize(serializer)
    }

    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Limit, D::Error> {
        let written = Option::<WrittenLimit>::deserialize(deserializer)?;
        Ok(Limit {
            kind: written.map(|written| match written {
                WrittenLimit::WorkingDayHalves(halves) => Kind::WorkingDayHalves(halves),
                WrittenLimit::WorkingHours(hours) => Kind::WorkingHours(hours),
                WrittenLimit::CalendarDays(days) => Kind::CalendarDays(days),
                WrittenLimit::SameDay(cutoff_minute) => Kind::SameDay(SameDay { cutoff_minute }),
            }),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenLimit {
    WorkingDayHalves(i32),
    WorkingHours(i32),
    CalendarDays(i32),
    SameDay(i32),
}
