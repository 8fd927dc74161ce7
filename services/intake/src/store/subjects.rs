//! Erasing a person's data: one resource per person, known by any of the person's dossiers.

use std::sync::Arc;

use jiff::Timestamp;
use motcua_platform::{
    catalog::Catalogs,
    clock::Clock,
    error::Error,
    ledger::{Aggregate, Asked, Context, Decision, Permitted, Row},
    time::Instant,
    vault::Vault,
};
use motcua_proto::{access::v1::EraseSubjectResponse, events::v1::Event};
use sqlx::{PgConnection, types::Json};

use crate::domain::{
    dossier::Dossier,
    subject::{Erase, Held, Subject, apply, decide},
};

/// Persons whose data can be erased.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    /// Whose keys are destroyed.
    pub(crate) vault: Vault,
    /// Where retention is said.
    pub(crate) catalogs: Catalogs,
    /// When a key was destroyed.
    pub(crate) clock: Clock,
}

impl Aggregate for Subjects {
    type State = Subject;
    type Command = Erase;
    type Answer = EraseSubjectResponse;

    const COLLECTION: &'static str = "subjects";

    fn decide(
        &self,
        place: Permitted<'_, Subject>,
        command: &Erase,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        decide(place.state(), command, context)
    }

    fn apply(state: Option<Subject>, event: &Event) -> Option<Subject> {
        apply(state, event)
    }

    fn version(subject: &Subject) -> i64 {
        subject.erased.into()
    }

    fn answer(_: &str, subject: &Subject) -> EraseSubjectResponse {
        EraseSubjectResponse {
            dossiers: subject.codes(),
        }
    }

    /// Locks the persons, so that none of them is given another dossier meanwhile, and their dossiers, so that none of these
    /// goes on. Persons belong to the city: the program judges that.
    async fn load(
        &self,
        connection: &mut PgConnection,
        asked: &Asked,
    ) -> Result<Vec<(usize, Subject)>, sqlx::Error> {
        let mut found = Vec::new();
        for (place, key) in asked.keys.iter().enumerate() {
            let held = self.vault.hold(connection, &[key]).await?;
            if held.dossiers.is_empty() {
                continue;
            }
            let rows: Vec<(String, Json<Dossier>, Instant)> = sqlx::query_as(
                "SELECT code, state, (SELECT max(recorded_at) FROM event WHERE dossier = code) FROM dossier \
                 WHERE code = ANY($1) ORDER BY code FOR UPDATE",
            )
            .bind(&held.dossiers)
            .fetch_all(&mut *connection)
            .await?;
            let catalogs = rows.iter().map(|(_, state, _)| state.catalog.as_str());
            self.catalogs.ensure(connection, catalogs).await?;
            let dossiers = rows
                .into_iter()
                .map(|(code, Json(state), last)| self.held(code, &state, last.0))
                .collect();
            found.push((
                place,
                Subject {
                    dossiers,
                    erased: held.erased,
                },
            ));
        }
        Ok(found)
    }

    async fn save(
        &self,
        connection: &mut PgConnection,
        rows: &[Row<'_, Subject>],
    ) -> Result<(), sqlx::Error> {
        for row in rows {
            let held = self.vault.hold(connection, &[row.key]).await?;
            self.vault
                .destroy(connection, &held, self.clock.now())
                .await?;
        }
        Ok(())
    }
}

impl Subjects {
    fn held(&self, code: String, dossier: &Dossier, last: Timestamp) -> Held {
        let retention_days = self
            .catalogs
            .get(&dossier.catalog)
            .as_ref()
            .and_then(|catalog: &Arc<_>| catalog.procedure(&dossier.procedure))
            .map_or(0, |procedure| procedure.retention_days);
        Held {
            code,
            agency: dossier.receiving_agency.clone(),
            ended_at: dossier.has_ended().then_some(last),
            retention_days,
        }
    }
}
