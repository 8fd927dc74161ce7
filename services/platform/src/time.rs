//! Instants as the domain, PostgreSQL and the contract know them.
//!
//! Inside the suite an instant is a [`jiff::Timestamp`] in whole microseconds, which is what PostgreSQL keeps.

use jiff::{Timestamp, civil::Date};
use motcua_proto::google::r#type::Date as ProtoDate;
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};

/// An instant on Việt Nam's clock, as letters and forms write it: `17 giờ 00 phút, ngày 10/07/2025`.
#[must_use]
pub fn in_words(at: Timestamp) -> String {
    motcua_calendar::local(at)
        .strftime("%H giờ %M phút, ngày %d/%m/%Y")
        .to_string()
}

/// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01T00:00:00Z.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// An instant as a bound value: `timestamptz`, which PostgreSQL keeps as microseconds since 2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Timestamp);

impl Type<Postgres> for Instant {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("timestamptz")
    }
}

impl PgHasArrayType for Instant {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("_timestamptz")
    }
}

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.0.as_microsecond() - POSTGRES_EPOCH_US, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Instant {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        // Every query of ours is prepared, so values arrive in the binary format.
        let microseconds = <i64 as Decode<Postgres>>::decode(value)?
            .checked_add(POSTGRES_EPOCH_US)
            .ok_or("instant out of range")?;
        Ok(Self(Timestamp::from_microsecond(microseconds)?))
    }
}

/// The instant in whole microseconds, as every store keeps it.
#[must_use]
pub fn truncated(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// For the contract.
#[must_use]
pub fn to_proto(at: Timestamp) -> prost_types::Timestamp {
    let microseconds = at.as_microsecond();
    prost_types::Timestamp {
        seconds: microseconds.div_euclid(1_000_000),
        nanos: i32::try_from(microseconds.rem_euclid(1_000_000) * 1_000).unwrap_or(0),
    }
}

/// From the contract; `None` where no such instant exists.
#[must_use]
pub fn from_proto(at: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(at.seconds, at.nanos).ok().map(truncated)
}

/// From the contract, for fields that the sender has always set.
#[must_use]
pub fn from_proto_opt(at: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    at.and_then(from_proto)
}

/// For the contract.
#[must_use]
pub fn date_to_proto(date: Date) -> ProtoDate {
    ProtoDate {
        year: i32::from(date.year()),
        month: i32::from(date.month()),
        day: i32::from(date.day()),
    }
}

/// From the contract; `None` where no such day exists.
#[must_use]
pub fn date_from_proto(date: &ProtoDate) -> Option<Date> {
    Date::new(
        date.year.try_into().ok()?,
        date.month.try_into().ok()?,
        date.day.try_into().ok()?,
    )
    .ok()
}

/// The legal day of an instant, in Asia/Ho_Chi_Minh.
#[must_use]
pub fn local_date(at: Timestamp) -> Date {
    motcua_calendar::local(at).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_before_1970_survives_the_contract() {
        let at: Timestamp = "1969-12-31T23:59:59.25Z".parse().unwrap();
        assert_eq!(from_proto(&to_proto(at)), Some(at));
    }

    #[test]
    fn a_legal_day_begins_at_seventeen_hours_utc() {
        assert_eq!(
            local_date("2025-06-30T17:00:00Z".parse().unwrap()).to_string(),
            "2025-07-01"
        );
        assert_eq!(
            local_date("2025-06-30T16:59:59Z".parse().unwrap()).to_string(),
            "2025-06-30"
        );
    }
}
