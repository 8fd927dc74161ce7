//! Who read whose personal data: written before it is shown, and read by auditors.

use jiff::Timestamp;
use motcua_platform::{
    archive::Reading,
    call::Call,
    clock::Clock,
    error::Error,
    time::{Instant, to_proto},
    vault::{Aad, Vault},
};
use motcua_proto::{access::v1::Access, r#type::v1::Actor};
use sqlx::PgPool;
use uuid::Uuid;

/// The log of readings.
#[derive(Debug, Clone)]
pub(crate) struct AccessLog {
    /// As the role that works: who reads for a caller changes nothing.
    pub(crate) pool: PgPool,
    /// Seals what is said of a reading.
    pub(crate) vault: Vault,
    /// The time.
    pub(crate) clock: Clock,
}

impl AccessLog {
    /// Notes that this caller is about to see the personal data of these dossiers. Nothing may be shown before that.
    ///
    /// # Errors
    /// Those of the database; then nothing may be shown.
    pub(crate) async fn note(
        &self,
        call: &Call,
        method: &'static str,
        purpose: &str,
        dossiers: &[&str],
    ) -> Result<(), Error> {
        if dossiers.is_empty() {
            return Ok(());
        }
        let keyring = self.vault.keys(dossiers).await?;
        let (mut ids, mut purposes) = (Vec::new(), Vec::new());
        for dossier in dossiers {
            let id = Uuid::now_v7();
            let sealed = keyring
                .seal(dossier, &purpose_of(&id.to_string()), purpose.as_bytes())
                .map_err(|error| error.about(&format!("dossiers/{dossier}")))?;
            ids.push(id);
            purposes.push(sealed);
        }
        sqlx::query(
            "INSERT INTO access (id, accessed_at, actor, role, method, purpose, dossier) \
             SELECT new.id, $1, $2, $3, $4, new.purpose, new.dossier \
             FROM UNNEST($5::uuid[], $6::bytea[], $7::text[]) AS new (id, purpose, dossier)",
        )
        .bind(Instant(self.clock.now()))
        .bind(&call.actor.id)
        .bind(i16::try_from(call.actor.role).unwrap_or_default())
        .bind(method)
        .bind(ids)
        .bind(purposes)
        .bind(dossiers)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn purpose_of(row: &str) -> Aad<'_> {
    Aad {
        table: "access",
        row,
        column: "purpose",
    }
}

/// Which accesses are asked for; what is empty does not matter.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Any of these dossiers; none for all.
    pub(crate) dossiers: Option<Vec<String>>,
    /// Whose readings.
    pub(crate) actor: String,
    /// The last one of the page before.
    pub(crate) after: Option<Uuid>,
    /// Rows at most.
    pub(crate) rows: i64,
}

/// One text for each way in, so that each has its index whatever plan PostgreSQL keeps.
macro_rules! list {
    ($way_in:literal) => {
        concat!(
            "SELECT id, accessed_at, actor, role, method, purpose, dossier FROM access WHERE ",
            $way_in,
            " AND ($2 = '' OR actor = $2) AND ($1::text[] IS NULL OR dossier = ANY($1)) AND id < $3 \
             ORDER BY id DESC LIMIT $4"
        )
    };
}

const OF_DOSSIERS: &str = list!("dossier = ANY($1)");
const OF_ACTOR: &str = list!("actor = $2");
const ALL: &str = list!("true");

/// As it lies in the database.
type Row = (Uuid, Instant, String, i16, String, Vec<u8>, String);

/// Accesses, latest first, each with its id. What was sealed with a key that was destroyed since says nothing any more.
///
/// # Errors
/// Those of the database.
pub(crate) async fn list(
    reading: &mut Reading,
    vault: &Vault,
    filter: &Filter,
) -> Result<Vec<(Uuid, Access)>, Error> {
    let text = match (&filter.dossiers, filter.actor.as_str()) {
        (Some(_), _) => OF_DOSSIERS,
        (None, "") => ALL,
        (None, _) => OF_ACTOR,
    };
    let rows: Vec<Row> = sqlx::query_as(text)
        .bind(&filter.dossiers)
        .bind(&filter.actor)
        .bind(filter.after.unwrap_or(Uuid::max()))
        .bind(filter.rows)
        .fetch_all(&mut **reading)
        .await?;
    let dossiers: Vec<_> = rows.iter().map(|row| row.6.as_str()).collect();
    let keyring = vault.keys(&dossiers).await?;
    rows.iter()
        .map(|(id, accessed_at, actor, role, method, purpose, dossier)| {
            let purpose = match keyring.open_text(dossier, &purpose_of(&id.to_string()), purpose) {
                Ok(purpose) => purpose,
                Err(motcua_platform::vault::Error::Erased) => String::new(),
                Err(error) => return Err(error.into()),
            };
            let at: Timestamp = accessed_at.0;
            Ok((
                *id,
                Access {
                    accessed_at: Some(to_proto(at)),
                    actor: Some(Actor {
                        id: actor.clone(),
                        role: i32::from(*role),
                    }),
                    method: method.clone(),
                    purpose,
                    dossier: dossier.to_owned(),
                },
            ))
        })
        .collect()
}
