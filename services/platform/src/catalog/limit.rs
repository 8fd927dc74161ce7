//! A limit, as the contract has it and as it is kept.

use motcua_calendar::{Limit, Stages};
use motcua_proto::r#type::v1::{
    Limit as ProtoLimit, OtherLimit, SameDay, Stages as ProtoStages, limit::Kind,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

use super::time_of;
use crate::parse::Fields;

/// What a limit must be.
pub const KINDS: &str = "must be working days, working hours, calendar days, stages of these, or the same day with a cut-off";

/// Checks the limits that may be chosen in place of one.
pub fn check_others(
    fields: &mut Fields,
    path: &str,
    of: Option<&ProtoLimit>,
    others: &[OtherLimit],
) {
    for (index, other) in others.iter().enumerate() {
        let path = format!("{path}[{index}]");
        fields.id(&format!("{path}.id"), &other.id);
        let mut earlier = others.iter().take(index);
        if earlier.any(|earlier| earlier.id == other.id) {
            fields.reject(format!("{path}.id"), "stands twice");
        }
        if other.limit.as_ref().and_then(limit).is_none() {
            fields.reject(format!("{path}.limit"), KINDS);
        } else if other.limit.as_ref() == of {
            fields.reject(format!("{path}.limit"), "is the limit already");
        }
    }
}

/// A limit of the contract; `None` where it means nothing.
#[must_use]
pub fn limit(limit: &ProtoLimit) -> Option<Limit> {
    let positive = |n: i32| u32::try_from(n).ok().filter(|n| (1..=7_300).contains(n));
    Some(match limit.kind.as_ref()? {
        Kind::WorkingDayHalves(halves) => Limit::WorkingDays {
            halves: positive(*halves)?,
        },
        Kind::WorkingHours(hours) => Limit::WorkingHours {
            minutes: positive(*hours)?.checked_mul(60)?,
        },
        Kind::CalendarDays(days) => Limit::CalendarDays {
            days: positive(*days)?,
        },
        Kind::SameDay(same_day) => Limit::SameDay {
            cutoff: time_of(same_day.cutoff_minute)?,
        },
        Kind::Stages(stages) => {
            // A stage is never divided again, and what is nested more deeply is not read.
            let plain = |stage: &ProtoLimit| match stage.kind {
                Some(Kind::Stages(_)) => None,
                _ => self::limit(stage),
            };
            Limit::Staged(Stages::new(
                stages.limits.iter().map(plain).collect::<Option<_>>()?,
            )?)
        }
    })
}

/// A limit that stands in an event. It was checked before it was written; where none is, the most careful one.
#[must_use]
pub fn written(limit: Option<&ProtoLimit>) -> Limit {
    limit.and_then(self::limit).unwrap_or(Limit::same_day())
}

/// A limit as the contract has it; `None` for part hours, which no procedure has, and for what is beyond any.
#[must_use]
pub fn limit_to_proto(limit: &Limit) -> Option<ProtoLimit> {
    let number = |number: u32| i32::try_from(number).ok();
    let kind = match limit {
        Limit::WorkingDays { halves } => Kind::WorkingDayHalves(number(*halves)?),
        Limit::WorkingHours { minutes } if minutes % 60 != 0 => return None,
        Limit::WorkingHours { minutes } => Kind::WorkingHours(number(minutes / 60)?),
        Limit::CalendarDays { days } => Kind::CalendarDays(number(*days)?),
        Limit::SameDay { cutoff } => Kind::SameDay(SameDay {
            cutoff_minute: i32::from(cutoff.hour()) * 60 + i32::from(cutoff.minute()),
        }),
        Limit::Staged(stages) => Kind::Stages(ProtoStages {
            limits: stages.iter().map(limit_to_proto).collect::<Option<_>>()?,
        }),
    };
    let proto = ProtoLimit { kind: Some(kind) };
    self::limit(&proto).map(|_| proto)
}

/// How a limit stands in the state of a dossier or of a case: by the contract's names.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    WorkingDayHalves(i32),
    WorkingHours(i32),
    CalendarDays(i32),
    SameDay(i32),
    Stages(Vec<Kept>),
}

impl Kept {
    fn of(limit: ProtoLimit) -> Option<Self> {
        Some(match limit.kind? {
            Kind::WorkingDayHalves(halves) => Self::WorkingDayHalves(halves),
            Kind::WorkingHours(hours) => Self::WorkingHours(hours),
            Kind::CalendarDays(days) => Self::CalendarDays(days),
            Kind::SameDay(same_day) => Self::SameDay(same_day.cutoff_minute),
            Kind::Stages(stages) => Self::Stages(
                stages
                    .limits
                    .into_iter()
                    .map(Self::of)
                    .collect::<Option<_>>()?,
            ),
        })
    }

    fn to_proto(&self) -> ProtoLimit {
        let kind = match self {
            Self::WorkingDayHalves(halves) => Kind::WorkingDayHalves(*halves),
            Self::WorkingHours(hours) => Kind::WorkingHours(*hours),
            Self::CalendarDays(days) => Kind::CalendarDays(*days),
            Self::SameDay(cutoff_minute) => Kind::SameDay(SameDay {
                cutoff_minute: *cutoff_minute,
            }),
            Self::Stages(stages) => Kind::Stages(ProtoStages {
                limits: stages.iter().map(Self::to_proto).collect(),
            }),
        };
        ProtoLimit { kind: Some(kind) }
    }
}

/// Keeps a limit, for `#[serde(serialize_with)]`.
///
/// # Errors
/// For a limit that the contract does not have.
pub fn serialize<S: Serializer>(limit: &Limit, serializer: S) -> Result<S::Ok, S::Error> {
    limit_to_proto(limit)
        .and_then(Kept::of)
        .ok_or_else(|| S::Error::custom(format!("no procedure has a limit of {limit}")))?
        .serialize(serializer)
}

/// Reads a limit that was kept, for `#[serde(deserialize_with)]`.
///
/// # Errors
/// For what means nothing.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    limit(&Kept::deserialize(deserializer)?.to_proto())
        .ok_or_else(|| D::Error::custom("a limit that means nothing"))
}

/// The same for a limit that may be missing.
pub mod optional {
    use super::{Deserialize, Deserializer, Limit, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct There(#[serde(with = "super")] Limit);

    /// Keeps it, for `#[serde(serialize_with)]`.
    ///
    /// # Errors
    /// As [`super::serialize`].
    pub fn serialize<S: Serializer>(
        limit: &Option<Limit>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        limit.clone().map(There).serialize(serializer)
    }

    /// Reads it, for `#[serde(deserialize_with)]`.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Limit>, D::Error> {
        let there = Option::<There>::deserialize(deserializer)?;
        Ok(there.map(|There(limit)| limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(with = "super")]
        limit: Limit,
        #[serde(
            default,
            with = "super::optional",
            skip_serializing_if = "Option::is_none"
        )]
        first_limit: Option<Limit>,
    }

    #[test]
    fn a_limit_is_kept_by_the_contracts_names_and_read_back() {
        for (text, kept) in [
            ("3 working days", r#"{"working_day_halves":6}"#),
            ("8 working hours", r#"{"working_hours":8}"#),
            ("15 calendar days", r#"{"calendar_days":15}"#),
            ("same day", r#"{"same_day":900}"#),
            (
                "10 working days then 15 calendar days",
                r#"{"stages":[{"working_day_halves":20},{"calendar_days":15}]}"#,
            ),
        ] {
            let limit: Limit = text.parse().unwrap();
            for first_limit in [None, Some(limit.clone())] {
                let row = Row {
                    limit: limit.clone(),
                    first_limit,
                };
                let json = serde_json::to_string(&row).unwrap();
                assert!(json.starts_with(&format!(r#"{{"limit":{kept}"#)), "{json}");
                assert_eq!(serde_json::from_str::<Row>(&json).unwrap(), row);
            }
            assert_eq!(super::limit(&limit_to_proto(&limit).unwrap()), Some(limit));
        }
    }

    #[test]
    fn what_no_procedure_has_means_nothing() {
        let days = |n| ProtoLimit {
            kind: Some(Kind::CalendarDays(n)),
        };
        let stages = |limits| ProtoLimit {
            kind: Some(Kind::Stages(ProtoStages { limits })),
        };
        let same_day = ProtoLimit {
            kind: Some(Kind::SameDay(SameDay { cutoff_minute: 900 })),
        };
        for nothing in [
            ProtoLimit::default(),
            days(0),
            days(-1),
            days(7_301),
            stages(vec![]),
            stages(vec![days(1)]),
            stages(vec![days(1), ProtoLimit::default()]),
            stages(vec![days(1), same_day]),
            stages(vec![days(1), stages(vec![days(1), days(1)])]),
        ] {
            assert_eq!(super::limit(&nothing), None, "{nothing:?}");
        }
        assert!(super::limit(&stages(vec![days(1), days(2)])).is_some());
        assert_eq!(limit_to_proto(&Limit::WorkingHours { minutes: 90 }), None);
    }
}
