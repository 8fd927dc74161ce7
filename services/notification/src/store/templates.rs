//! Templates: the aggregate's rows, their words among the statements, and the shelf that the sender takes them from.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use motcua_platform::{
    archive::Reading,
    error::Error,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row, asked_place},
    time::{Instant, to_proto},
};
use motcua_proto::{events::v1::Event, notification::v1::Template as ProtoTemplate};
use sqlx::PgConnection;

use crate::domain::{
    template::{self, BUILT_IN_VERSION, Command, Template},
    words::{self, BUILT_IN, Compiled, Words},
};

/// Templates that are written here.
#[derive(Debug)]
pub(crate) struct Templates;

impl Aggregate for Templates {
    type State = Template;
    type Command = Command;
    /// Without its words: those are the request's own.
    type Answer = ProtoTemplate;

    const COLLECTION: &'static str = "templates";

    fn decide(
        &self,
        place: Permitted<'_, Template>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        template::decide(place.state(), command, context.key)
    }

    fn apply(state: Option<Template>, event: &Event) -> Option<Template> {
        template::apply(state, event)
    }

    fn version(state: &Template) -> i64 {
        state.version.into()
    }

    fn answer(key: &str, state: &Template) -> ProtoTemplate {
        ProtoTemplate {
            name: format!("templates/{key}"),
            id: key.to_owned(),
            version: state.version,
            updated_at: Some(to_proto(state.updated_at)),
            etag: template::etag_of(state.version),
            ..ProtoTemplate::default()
        }
    }

    /// Templates are the city's: whoever may write one reaches all.
    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, Template)>, sqlx::Error> {
        let rows: Vec<(i64, i32, Instant)> = sqlx::query_as(
            "SELECT asked.place, version, updated_at \
             FROM UNNEST($1::text[]) WITH ORDINALITY AS asked (key, place) JOIN template ON template.id = asked.key \
             ORDER BY template.id FOR UPDATE OF template",
        )
        .bind(&asked.keys)
        .fetch_all(connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(place, version, updated_at)| {
                (
                    asked_place(place),
                    Template {
                        version,
                        updated_at: updated_at.0,
                    },
                )
            })
            .collect())
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Template>],
    ) -> Result<(), sqlx::Error> {
        for new in [true, false] {
            let rows: Vec<_> = rows.iter().filter(|row| row.new == new).collect();
            if rows.is_empty() {
                continue;
            }
            let query = if new {
                "INSERT INTO template (id, version, updated_at) \
                 SELECT * FROM UNNEST($1::text[], $2::integer[], $3::timestamptz[])"
            } else {
                "UPDATE template SET version = new.version, updated_at = new.updated_at \
                 FROM UNNEST($1::text[], $2::integer[], $3::timestamptz[]) AS new (id, version, updated_at) \
                 WHERE template.id = new.id"
            };
            sqlx::query(query)
                .bind(rows.iter().map(|row| row.key).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.state.version).collect::<Vec<_>>())
                .bind(
                    rows.iter()
                        .map(|row| Instant(row.state.updated_at))
                        .collect::<Vec<_>>(),
                )
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}

/// A template that was written here, with its words.
type Written = (String, i32, Instant, String, String);

fn shown((id, version, updated_at, subject, body): Written) -> ProtoTemplate {
    let state = Template {
        version,
        updated_at: updated_at.0,
    };
    ProtoTemplate {
        subject,
        body,
        ..Templates::answer(&id, &state)
    }
}

fn built_in(id: &str, words: Words) -> ProtoTemplate {
    ProtoTemplate {
        name: format!("templates/{id}"),
        id: id.to_owned(),
        subject: words.subject,
        body: words.body,
        version: BUILT_IN_VERSION,
        updated_at: None,
        etag: template::etag_of(BUILT_IN_VERSION),
    }
}

/// A template: as it was written here, else as it came with the software.
pub(crate) async fn read_template(
    reading: &mut Reading,
    id: &str,
) -> Result<Option<ProtoTemplate>, sqlx::Error> {
    let written: Option<Written> = sqlx::query_as(
        "SELECT template.id, template.version, template.updated_at, \
         convert_from(subject.body, 'UTF8'), convert_from(body.body, 'UTF8') FROM template \
         JOIN statement AS subject ON subject.name = 'templates/' || template.id AND subject.kind = 1 \
              AND subject.revision = template.version \
         JOIN statement AS body ON body.name = subject.name AND body.kind = 2 AND body.revision = template.version \
         WHERE template.id = $1",
    )
    .bind(id)
    .fetch_optional(&mut **reading)
    .await?;
    Ok(written
        .map(shown)
        .or_else(|| words::built_in(id).map(|words| built_in(id, words))))
}

/// Templates by id, after one, at most so many and one more.
pub(crate) async fn list_templates(
    reading: &mut Reading,
    after: &str,
    size: i64,
) -> Result<Vec<ProtoTemplate>, sqlx::Error> {
    let written: Vec<Written> = sqlx::query_as(
        "SELECT template.id, template.version, template.updated_at, \
         convert_from(subject.body, 'UTF8'), convert_from(body.body, 'UTF8') FROM template \
         JOIN statement AS subject ON subject.name = 'templates/' || template.id AND subject.kind = 1 \
              AND subject.revision = template.version \
         JOIN statement AS body ON body.name = subject.name AND body.kind = 2 AND body.revision = template.version \
         WHERE template.id COLLATE \"C\" > $1 ORDER BY template.id COLLATE \"C\" LIMIT $2 + 1",
    )
    .bind(after)
    .bind(size)
    .fetch_all(&mut **reading)
    .await?;
    let mut templates: Vec<_> = written.into_iter().map(shown).collect();
    let of_the_software: Vec<_> = BUILT_IN
        .iter()
        .filter(|built| built.id > after && templates.iter().all(|written| written.id != built.id))
        .filter_map(|built| words::built_in(built.id).map(|words| built_in(built.id, words)))
        .collect();
    templates.extend(of_the_software);
    templates.sort_by(|a, b| a.id.cmp(&b.id));
    templates.truncate(usize::try_from(size + 1).unwrap_or(usize::MAX));
    Ok(templates)
}

/// Templates, ready to be filled in, in their present version. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf(Arc<RwLock<Standing>>);

/// Version and template, by id.
type Standing = HashMap<String, (i32, Arc<Compiled>)>;

impl Shelf {
    /// A template. One that was written here stands on the shelf after [`Self::refresh`]; one of the software always
    /// does.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Compiled>> {
        let standing = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        if let Some((_, compiled)) = standing {
            return Some(compiled);
        }
        let compiled = compile(id, &words::built_in(id)?)?;
        self.put(id, BUILT_IN_VERSION, Arc::clone(&compiled));
        Some(compiled)
    }

    /// Takes up what was written since. Most offices write none, and then this reads an empty table.
    pub(crate) async fn refresh(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let present: Vec<(String, i32)> = sqlx::query_as("SELECT id, version FROM template")
            .fetch_all(&mut *connection)
            .await?;
        for (id, version) in present {
            if self.version(&id) == Some(version) {
                continue;
            }
            let (subject, body): (String, String) = sqlx::query_as(
                "SELECT convert_from(subject.body, 'UTF8'), convert_from(body.body, 'UTF8') FROM statement AS subject \
                 JOIN statement AS body USING (name, revision) \
                 WHERE name = $1 AND revision = $2 AND subject.kind = 1 AND body.kind = 2",
            )
            .bind(format!("templates/{id}"))
            .bind(version)
            .fetch_one(&mut *connection)
            .await?;
            if let Some(compiled) = compile(&id, &Words { subject, body }) {
                self.put(&id, version, compiled);
            }
        }
        Ok(())
    }

    fn version(&self, id: &str) -> Option<i32> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .map(|(version, _)| *version)
    }

    fn put(&self, id: &str, version: i32, compiled: Arc<Compiled>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), (version, compiled));
    }
}

/// What is stored was checked when it was written; an older software may have allowed more.
fn compile(id: &str, words: &Words) -> Option<Arc<Compiled>> {
    match Compiled::new(words) {
        Ok(compiled) => Some(Arc::new(compiled)),
        Err(error) => {
            tracing::error!(
                reason = words::reason(id, &error),
                "a template does not compile; write it anew"
            );
            None
        }
    }
}
