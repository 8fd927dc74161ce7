//! The tests' own aggregate: coins go into jars.

use motcua_platform::{
    error::{Error, Refusal},
    ledger::{
        Aggregate, Asked, Authority, Context, Decision, Envelope, Permitted, Request, Row, Subject,
        Target, asked_place,
    },
    statement::Statement,
    vault::Newcomer,
};
use motcua_proto::{
    events::v1::{Event, TemplateWritten, event::Payload},
    notification::v1::Template,
};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct Jars;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Jar {
    pub(crate) version: i64,
    pub(crate) coins: i64,
    pub(crate) label: String,
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Puts coins in.
    Put(i32),
    /// Puts a coin in and sticks a label on.
    Label(String),
    /// Puts coins in if there are exactly so many.
    PutIf(i64, i32),
    /// Puts a coin in and says something; a jar that begins with it is this person's.
    Say(String, Newcomer),
    /// Is always refused.
    Refuse,
}

impl Aggregate for Jars {
    type State = Jar;
    type Command = Command;
    type Answer = Template;

    const COLLECTION: &'static str = "jars";

    fn decide(
        &self,
        place: Permitted<'_, Jar>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        let state = place.state();
        let coins = state.map_or(0, |jar| jar.coins);
        let written = |coins: i32| Payload::TemplateWritten(TemplateWritten { version: coins });
        let mut statements = Vec::new();
        let mut new_subject = None;
        let (events, procedure) = match command {
            Command::Say(words, newcomer) => {
                statements.push(Statement {
                    kind: 1,
                    revision: state.map_or(0, |jar| i32::try_from(jar.version).unwrap()) + 1,
                    body: words.clone().into(),
                    ground: "house rule 2".to_owned().into(),
                });
                new_subject = state.is_none().then(|| newcomer.clone());
                (vec![written(1)], String::new())
            }
            Command::Put(coins) => (vec![written(*coins)], String::new()),
            Command::Label(label) => (vec![written(1)], label.clone()),
            Command::PutIf(expected, more) if coins == *expected => {
                (vec![written(*more)], String::new())
            }
            Command::PutIf(..) | Command::Refuse => {
                return Err(Refusal {
                    message: "no".to_owned(),
                    article: "house rule 1",
                    state: coins.to_string(),
                    remedy: "ask nicely",
                }
                .into());
            }
        };
        Ok(Decision {
            subject: Subject {
                dossier: context.key.to_owned(),
                agency: "a".to_owned(),
                procedure,
            },
            events,
            statements,
            new_subject,
            corrected_subject: None,
        })
    }

    fn apply(state: Option<Jar>, event: &Event) -> Option<Jar> {
        let mut jar = state.unwrap_or_default();
        if let Some(Payload::TemplateWritten(written)) = &event.payload {
            jar.coins += i64::from(written.version);
        }
        if !event.procedure.is_empty() {
            jar.label.clone_from(&event.procedure);
        }
        jar.version += 1;
        Some(jar)
    }

    fn version(jar: &Jar) -> i64 {
        jar.version
    }

    fn answer(key: &str, jar: &Jar) -> Template {
        Template {
            name: format!("jars/{key}"),
            id: key.to_owned(),
            version: i32::try_from(jar.coins).unwrap(),
            ..Template::default()
        }
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, Jar)>, sqlx::Error> {
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(
            "SELECT place, version, coins, label FROM UNNEST($1::text[]) WITH ORDINALITY AS asked (code, place) \
             JOIN jar USING (code) ORDER BY code FOR UPDATE OF jar",
        )
        .bind(&asked.keys)
        .fetch_all(connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(place, version, coins, label)| {
                (
                    asked_place(place),
                    Jar {
                        version,
                        coins,
                        label,
                    },
                )
            })
            .collect())
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Jar>],
    ) -> Result<(), sqlx::Error> {
        for row in rows {
            let sql = if row.new {
                "INSERT INTO jar (code, version, coins, label) VALUES ($1, $2, $3, $4)"
            } else {
                "UPDATE jar SET version = $2, coins = $3, label = $4 WHERE code = $1"
            };
            sqlx::query(sql)
                .bind(row.key)
                .bind(row.state.version)
                .bind(row.state.coins)
                .bind(&row.state.label)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    fn constraint(name: &str) -> Option<Error> {
        (name == "jar_label").then(|| Error::Exists {
            name: "a jar with this label".to_owned(),
        })
    }
}

pub(crate) fn numbered(command: Command) -> Envelope<Command> {
    envelope(
        Target::Numbered("J-250701".to_owned()),
        command,
        Uuid::new_v4(),
    )
}

pub(crate) fn on(key: &str, command: Command) -> Envelope<Command> {
    envelope(Target::Key(key.to_owned()), command, Uuid::new_v4())
}

/// The digest is that of the command's debug form: the same command is the same body.
pub(crate) fn envelope(target: Target, command: Command, id: Uuid) -> Envelope<Command> {
    let mut digest = [0; 32];
    for (index, byte) in format!("{command:?}").bytes().enumerate() {
        digest[index % 32] ^= byte;
    }
    Envelope {
        target,
        authority: Authority::of_service("tests"),
        traceparent: String::new(),
        etag: String::new(),
        request: Some(Request {
            principal: "tester".to_owned(),
            method: "Put",
            id,
            stated: true,
            digest,
        }),
        command,
    }
}
