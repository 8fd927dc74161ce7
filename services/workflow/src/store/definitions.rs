//! Definitions: every version, under the ledger and for whoever runs under one.

use std::collections::{BTreeMap, BTreeSet};

use motcua_platform::{
    archive::Reading,
    error::Error,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row},
};
use motcua_proto::{events::v1::Event, workflow::v1 as proto};
use prost::Message as _;
use sqlx::PgConnection;

use crate::domain::{Definition, Definitions, Publication, Published, Surround, Version};

/// Definitions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublishedDefinitions;

impl Aggregate for PublishedDefinitions {
    type State = Published;
    type Command = Publication;
    type Answer = proto::Definition;

    const COLLECTION: &'static str = "definitions";

    fn decide(
        &self,
        place: Permitted<'_, Published>,
        command: &Publication,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        Ok(command.decide(place.state(), context))
    }

    fn apply(state: Option<Published>, event: &Event) -> Option<Published> {
        Published::apply(state, event)
    }

    fn version(state: &Published) -> i64 {
        i64::try_from(state.versions.len()).unwrap_or(i64::MAX)
    }

    fn answer(_: &str, state: &Published) -> proto::Definition {
        state.newest()
    }

    /// Definitions are the city's: whoever may publish one reaches all.
    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, Published)>, sqlx::Error> {
        let locked: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM definition WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        )
        .bind(&asked.keys)
        .fetch_all(&mut *connection)
        .await?;
        let versions: Vec<(String, String, Vec<u8>)> = sqlx::query_as(
            "SELECT id, digest, body FROM definition_version WHERE id = ANY($1) ORDER BY id, version",
        )
        .bind(&locked)
        .fetch_all(connection)
        .await?;
        let mut published: BTreeMap<String, Published> = locked
            .into_iter()
            .map(|id| (id, Published::default()))
            .collect();
        for (id, digest, body) in versions {
            let definition = decode(&body)?;
            published
                .entry(id)
                .or_default()
                .versions
                .push(Version { digest, definition });
        }
        let places = asked.keys.iter().enumerate();
        Ok(places
            .filter_map(|(place, id)| Some((place, published.get(id)?.clone())))
            .collect())
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Published>],
    ) -> Result<(), sqlx::Error> {
        let last =
            |row: &Row<'_, Published>| i32::try_from(row.state.versions.len()).unwrap_or(i32::MAX);
        let split = |new: bool| {
            rows.iter()
                .filter(move |row| row.new == new)
                .map(|row| (row.key.to_owned(), last(row)))
                .unzip()
        };
        let (ids, versions): (Vec<String>, Vec<i32>) = split(true);
        if !ids.is_empty() {
            sqlx::query("INSERT INTO definition (id, version) SELECT * FROM UNNEST($1::text[], $2::integer[])")
                .bind(ids)
                .bind(versions)
                .execute(&mut *connection)
                .await?;
        }
        let (ids, versions): (Vec<String>, Vec<i32>) = split(false);
        if !ids.is_empty() {
            sqlx::query(
                "UPDATE definition SET version = new.version \
                 FROM UNNEST($1::text[], $2::integer[]) AS new (id, version) WHERE definition.id = new.id",
            )
            .bind(ids)
            .bind(versions)
            .execute(&mut *connection)
            .await?;
        }
        // One batch may publish several versions of one definition; those that are there already stay as they are.
        let versions: Vec<_> = rows
            .iter()
            .flat_map(|row| {
                row.state
                    .versions
                    .iter()
                    .map(move |version| (row.key, version))
            })
            .collect();
        sqlx::query(
            "INSERT INTO definition_version (id, version, digest, body) \
             SELECT * FROM UNNEST($1::text[], $2::integer[], $3::text[], $4::bytea[]) \
             ON CONFLICT (id, version) DO NOTHING",
        )
        .bind(
            versions
                .iter()
                .map(|(id, _)| (*id).to_owned())
                .collect::<Vec<_>>(),
        )
        .bind(
            versions
                .iter()
                .map(|(_, version)| version.definition.version)
                .collect::<Vec<_>>(),
        )
        .bind(
            versions
                .iter()
                .map(|(_, version)| version.digest.clone())
                .collect::<Vec<_>>(),
        )
        .bind(
            versions
                .iter()
                .map(|(_, version)| version.definition.encode_to_vec())
                .collect::<Vec<_>>(),
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn decode(body: &[u8]) -> Result<proto::Definition, sqlx::Error> {
    proto::Definition::decode(body).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A version of a definition, the newest for 0; `None` where there is none.
pub(crate) async fn definition(
    reading: &mut Reading,
    id: &str,
    version: i32,
) -> Result<Option<proto::Definition>, sqlx::Error> {
    let body: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT body FROM definition_version WHERE id = $1 AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1",
    )
    .bind(id)
    .bind(version)
    .fetch_optional(&mut **reading)
    .await?;
    body.map(|body| decode(&body)).transpose()
}

/// The newest version of each definition after an id, by id.
pub(crate) async fn definitions(
    reading: &mut Reading,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<proto::Definition>, sqlx::Error> {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT body FROM definition JOIN definition_version USING (id, version) WHERE id > $1 ORDER BY id LIMIT $2",
    )
    .bind(after.unwrap_or_default())
    .bind(rows)
    .fetch_all(&mut **reading)
    .await?;
    bodies.iter().map(|body| decode(body)).collect()
}

/// Reads versions that this process has not seen.
pub(crate) async fn ensure_versions<'a>(
    definitions: &Definitions,
    connection: &mut PgConnection,
    wanted: impl IntoIterator<Item = (&'a str, i32)> + Send,
) -> Result<(), sqlx::Error> {
    let unknown: BTreeSet<_> = wanted
        .into_iter()
        .filter(|(id, version)| definitions.get(id, *version).is_none())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let (ids, versions): (Vec<_>, Vec<_>) = unknown
        .into_iter()
        .map(|(id, version)| (id.to_owned(), version))
        .unzip();
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT body FROM definition_version \
         JOIN UNNEST($1::text[], $2::integer[]) AS wanted (id, version) USING (id, version)",
    )
    .bind(ids)
    .bind(versions)
    .fetch_all(connection)
    .await?;
    for body in bodies {
        let definition = decode(&body)?;
        match Definition::parse(&definition) {
            Ok(parsed) => definitions.remember(parsed),
            // It was sound when it was published. Its cases say that it is missing, and everything else goes on.
            Err(violations) => tracing::error!(
                definition = definition.id,
                version = definition.version,
                faults = violations.len(),
                "a published definition is not sound any more: publish a new version",
            ),
        }
    }
    Ok(())
}

/// What a case that is to begin stands under.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) catalog: &'a str,
    pub(crate) definition: &'a str,
}

/// Reads the newest versions of definitions, and of those that they call.
pub(crate) async fn ensure_newest(
    surround: &Surround,
    connection: &mut PgConnection,
    wanted: &[Wanted<'_>],
) -> Result<(), sqlx::Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    surround
        .catalogs
        .ensure(connection, wanted.iter().map(|wanted| wanted.catalog))
        .await?;
    newest(
        &surround.definitions,
        connection,
        wanted
            .iter()
            .map(|wanted| wanted.definition.to_owned())
            .collect(),
    )
    .await?;
    let mut called = BTreeSet::new();
    for wanted in wanted {
        let Some(catalog) = surround.catalogs.get(wanted.catalog) else {
            continue;
        };
        let Some(definition) = surround.definitions.newest(wanted.definition) else {
            continue;
        };
        for (_, call) in definition.calls() {
            called.extend(
                catalog
                    .procedure(&call.procedure)
                    .map(|procedure| procedure.definition.clone()),
            );
        }
    }
    newest(&surround.definitions, connection, called).await
}

async fn newest(
    definitions: &Definitions,
    connection: &mut PgConnection,
    ids: BTreeSet<String>,
) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let versions: Vec<(String, i32)> =
        sqlx::query_as("SELECT id, version FROM definition WHERE id = ANY($1)")
            .bind(ids.into_iter().collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await?;
    ensure_versions(
        definitions,
        connection,
        versions.iter().map(|(id, version)| (id.as_str(), *version)),
    )
    .await
}
