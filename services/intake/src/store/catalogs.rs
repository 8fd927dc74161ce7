//! Writing catalogs, into the table that every service keeps its catalogs in.

use std::sync::Arc;

use motcua_platform::{
    catalog::starts_at,
    error::Error,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row, asked_place},
    time::Instant,
};
use motcua_proto::{events::v1::Event, intake::v1::ApplyCatalogResponse, r#type::v1::Catalog};
use prost::Message as _;
use sqlx::PgConnection;

use crate::domain::catalogs::{Applied, Apply, apply, decide, summary};

/// The catalogs that were applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatalogBook;

impl Aggregate for CatalogBook {
    type State = Applied;
    type Command = Apply;
    type Answer = ApplyCatalogResponse;

    const COLLECTION: &'static str = "catalogs";

    fn decide(
        &self,
        place: Permitted<'_, Applied>,
        command: &Apply,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        decide(place.state(), command, context)
    }

    fn apply(state: Option<Applied>, event: &Event) -> Option<Applied> {
        apply(state, event)
    }

    /// A catalog never changes: it has one event.
    fn version(_: &Applied) -> i64 {
        1
    }

    fn answer(_: &str, Applied(catalog): &Applied) -> ApplyCatalogResponse {
        summary(catalog, true)
    }

    /// Catalogs are the city's: whoever reaches the city reaches them, and the program judges that.
    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, Applied)>, sqlx::Error> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT asked.place, body FROM UNNEST($1::text[]) WITH ORDINALITY AS asked (id, place) \
             JOIN catalog USING (id) ORDER BY id FOR UPDATE OF catalog",
        )
        .bind(&asked.keys)
        .fetch_all(connection)
        .await?;
        rows.into_iter()
            .map(|(place, body)| {
                let catalog = Catalog::decode(&body[..])
                    .map_err(|error| sqlx::Error::Decode(error.into()))?;
                Ok((asked_place(place), Applied(Arc::new(catalog))))
            })
            .collect()
    }

    /// Only new ones come here. Two replicas that apply the same id meet at the key; the later one looks again.
    /// The cache learns of it after the commit, when it is read anew.
    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Applied>],
    ) -> Result<(), sqlx::Error> {
        let (ids, bodies): (Vec<_>, Vec<_>) = rows
            .iter()
            .map(|row| (row.key, row.state.0.encode_to_vec()))
            .unzip();
        let starts = rows.iter().map(|row| Instant(starts_at(&row.state.0)));
        sqlx::query(
            "INSERT INTO catalog (id, body, starts_at) \
             SELECT * FROM UNNEST($1::text[], $2::bytea[], $3::timestamptz[])",
        )
        .bind(ids)
        .bind(bodies)
        .bind(starts.collect::<Vec<_>>())
        .execute(connection)
        .await?;
        Ok(())
    }
}
