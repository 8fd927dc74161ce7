//! Forms as they were issued: what was filled in, and with which template. Printed again, each is the same paper.

use jiff::Timestamp;
use motcua_forms::{Form, FormId, UnknownForm};
use motcua_platform::{
    clock::Clock,
    error::Error,
    time::Instant,
    vault::{Aad, Vault},
};
use motcua_proto::intake::v1::Form as Asked;
use sqlx::PgPool;

/// A form as it was issued.
pub(crate) struct Printed {
    /// Which paper of this form it is: 1 for the first.
    pub(crate) issue: i32,
    /// When.
    pub(crate) issued_at: Timestamp,
    /// Its template.
    pub(crate) template: FormId,
    /// What was filled in.
    pub(crate) form: Form,
}

/// Which paper of a form.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// The last one about this occasion: the first request for a supplement, the second.
    Last(i32),
    /// That one.
    Issue(i32),
}

/// Where they are kept.
#[derive(Debug, Clone)]
pub(crate) struct PrintedForms {
    /// As the role that works: whoever asks has seen the dossier before.
    pub(crate) pool: PgPool,
    /// Seals what was filled in.
    pub(crate) vault: Vault,
    /// The time.
    pub(crate) clock: Clock,
}

type Row = (i32, Instant, String, Vec<u8>);

impl PrintedForms {
    /// A form of a dossier that was issued before.
    ///
    /// # Errors
    /// [`Error::Erased`] when the person's data was erased since; those of the database.
    pub(crate) async fn find(
        &self,
        (code, branch): (&str, &str),
        form: Asked,
        which: Which,
    ) -> Result<Option<Printed>, Error> {
        let (occasion, issue) = match which {
            Which::Last(occasion) => (Some(occasion), None),
            Which::Issue(issue) => (None, Some(issue)),
        };
        let row: Option<Row> = sqlx::query_as(
            "SELECT issue, issued_at, template, content FROM printed_form \
             WHERE dossier = $1 AND form = $2 AND occasion = coalesce($3, occasion) \
             AND issue = coalesce($4, issue) AND branch = $5 ORDER BY issue DESC LIMIT 1",
        )
        .bind(code)
        .bind(number(form))
        .bind(occasion)
        .bind(issue)
        .bind(branch)
        .fetch_optional(&self.pool)
        .await?;
        let Some((issue, Instant(issued_at), template, sealed)) = row else {
            return Ok(None);
        };
        let name = format!("dossiers/{code}");
        let unreadable = |what: &dyn std::fmt::Display| {
            Error::Fault(format!("issue {issue} of {template} of {name}: {what}"))
        };
        let id: FormId = template
            .parse()
            .map_err(|UnknownForm| unreadable(&"no such template"))?;
        let keyring = self.vault.keys(&[code]).await?;
        let content = keyring
            .open(code, &place(&row_of(code, branch, form, issue)), &sealed)
            .map_err(|error| error.about(&name))?;
        let form = Form::read(id.form, &content).map_err(|error| unreadable(&error))?;
        Ok(Some(Printed {
            issue,
            issued_at,
            template: id,
            form,
        }))
    }

    /// Keeps a form that is issued now. Where somebody else issued one about the same occasion meanwhile, and it is not to be
    /// issued anew, theirs holds.
    ///
    /// # Errors
    /// [`Error::Erased`] when the person's data was erased; those of the database.
    pub(crate) async fn issue(
        &self,
        (code, branch): (&str, &str),
        asked: Asked,
        (occasion, anew): (i32, bool),
        (template, form): (FormId, Form),
    ) -> Result<Printed, Error> {
        let name = format!("dossiers/{code}");
        let json = serde_json::to_vec(&form)
            .map_err(|error| Error::Fault(format!("{template} of {name}: {error}")))?;
        let keyring = self.vault.keys(&[code]).await?;
        let issued_at = self.clock.now();
        // What is sealed names its place, so the place is sought first; another may take it meanwhile.
        loop {
            let last: Option<i32> = sqlx::query_scalar(
                "SELECT max(issue) FROM printed_form WHERE dossier = $1 AND form = $2 AND branch = $3",
            )
            .bind(code)
            .bind(number(asked))
            .bind(branch)
            .fetch_one(&self.pool)
            .await?;
            let issue = last.unwrap_or_default() + 1;
            let sealed = keyring
                .seal(code, &place(&row_of(code, branch, asked, issue)), &json)
                .map_err(|error| error.about(&name))?;
            let kept = sqlx::query(
                "INSERT INTO printed_form (dossier, form, issue, occasion, template, content, issued_at, branch) \
                 SELECT $1, $2, $3, $4, $5, $6, $7, $9 WHERE $8 OR NOT EXISTS (SELECT FROM printed_form \
                 WHERE dossier = $1 AND form = $2 AND occasion = $4 AND branch = $9) ON CONFLICT DO NOTHING",
            )
            .bind(code)
            .bind(number(asked))
            .bind(issue)
            .bind(occasion)
            .bind(template.to_string())
            .bind(sealed)
            .bind(Instant(issued_at))
            .bind(anew)
            .bind(branch)
            .execute(&self.pool)
            .await?;
            if kept.rows_affected() == 1 {
                return Ok(Printed {
                    issue,
                    issued_at,
                    template,
                    form,
                });
            }
            if !anew
                && let Some(theirs) = self
                    .find((code, branch), asked, Which::Last(occasion))
                    .await?
            {
                return Ok(theirs);
            }
        }
    }
}

fn number(form: Asked) -> i16 {
    i16::try_from(i32::from(form)).unwrap_or_default()
}

fn row_of(code: &str, branch: &str, form: Asked, issue: i32) -> String {
    let row = format!("{code}/{}/{issue}", number(form));
    if branch.is_empty() {
        row
    } else {
        format!("{row}/{branch}")
    }
}

fn place(row: &str) -> Aad<'_> {
    Aad {
        table: "printed_form",
        row,
        column: "content",
    }
}
