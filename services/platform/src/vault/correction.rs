//! What a dossier is found by, where its applicant's particulars were corrected.
//!
//! A person's key stays the person's: what was said about the dossier is sealed with it. A corrected identity number is therefore
//! taken over where the dossier is the person's only one and the number is nobody else's, and refused beforehand where it would make
//! the dossier another person's.

use sqlx::PgConnection;

use super::{Newcomer, Vault};

impl Vault {
    /// Whether the dossier stays the same person's if it is found by this from now on.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stays(&self, dossier: &str, newcomer: &Newcomer) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT identity IS NOT DISTINCT FROM $2 \
                    OR (NOT EXISTS (SELECT FROM person_key WHERE identity = $2) \
                        AND (SELECT count(*) FROM subject WHERE subject.person = person_key.person) = 1) \
             FROM person_key WHERE person = (SELECT person FROM subject WHERE dossier = $1)",
        )
        .bind(dossier)
        .bind(&newcomer.identity)
        .fetch_optional(&self.0.pool)
        .await
        // Of a dossier that is nobody's there is nothing to find.
        .map(|stays| stays.unwrap_or(true))
    }

    /// Finds the dossier by this from now on. A number that became somebody else's since [`Vault::stays`] was asked is left out:
    /// the dossier is then found by everything else.
    pub(crate) async fn correct(
        &self,
        connection: &mut PgConnection,
        dossier: &str,
        newcomer: &Newcomer,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "WITH found AS (UPDATE subject SET tokens = $2 WHERE dossier = $1 RETURNING person) \
             UPDATE person_key SET identity = $3 FROM found \
             WHERE person_key.person = found.person AND wrapped IS NOT NULL AND identity IS DISTINCT FROM $3 \
                   AND NOT EXISTS (SELECT FROM person_key AS other WHERE other.identity = $3)",
        )
        .bind(dossier)
        .bind(&newcomer.tokens)
        .bind(&newcomer.identity)
        .execute(connection)
        .await?;
        Ok(())
    }
}
