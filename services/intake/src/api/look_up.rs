//! `LookUpDossier`: an applicant without an account asks where a dossier stands.

use std::{num::NonZeroU32, time::Duration};

use motcua_platform::{call::Call, error::Error, limit::Limit, parse::Fields, scope::Scope};
use motcua_proto::intake::v1::{Dossier, Language, LookUpDossierRequest, StatementKind};

use super::DossierApi;
use crate::{domain::applicant, store};

/// As the contract names it.
const LOOK_UP_DOSSIER: &str = "motcua.intake.v1.DossierService/LookUpDossier";
/// What it is for; nobody has to say so.
const PURPOSE: &str = "the applicant asks, with the end of the identity number";
/// Characters of the identity number that are asked for.
const ENDING: usize = 4;

/// How often may be looked up. Four characters are found by trying, so that trying is slow: whoever guesses at one dossier
/// needs weeks, and whoever guesses at many from one address as well.
#[derive(Debug, Clone)]
pub(crate) struct LookUps {
    of_address: Limit<String>,
    of_dossier: Limit<String>,
}

impl Default for LookUps {
    fn default() -> Self {
        const TWENTY: NonZeroU32 = NonZeroU32::new(20).unwrap();
        const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
        Self {
            of_address: Limit::new(TWENTY, Duration::from_secs(6)),
            of_dossier: Limit::new(TEN, Duration::from_secs(600)),
        }
    }
}

impl DossierApi {
    /// The dossier in the BASIC view, for whoever knows its code and the end of the identity number. An unknown code, a
    /// wrong end and an applicant who gave no number are answered alike.
    pub(super) async fn look_up(
        &self,
        call: &Call,
        body: LookUpDossierRequest,
    ) -> Result<Dossier, Error> {
        let mut fields = Fields::new();
        let code = fields.id("code", &body.code);
        let ending = fields.id("identity_ending", &body.identity_ending);
        if ending.as_ref().is_some_and(|ending| ending.len() != ENDING) {
            fields.reject("identity_ending", format!("must be {ENDING} characters"));
        }
        let language = match fields.optional_choice("language", body.language) {
            Some(Language::Unspecified) => Some(Language::Vietnamese),
            language => language,
        };
        let ((code, ending), language) = fields.finish(code.zip(ending).zip(language))?;
        self.look_ups.of_address.count(&call.address().to_owned())?;
        self.look_ups.of_dossier.count(&code)?;
        let missing = || Error::Missing {
            name: format!("dossiers/{code}"),
        };
        // Whoever proves to know the applicant's number is shown this one dossier, whoever it is.
        let mut reading = self.archive.open(&Scope::by_rule()).await?;
        let state = store::dossier(&mut reading, &code)
            .await?
            .ok_or_else(missing)?;
        let applicant = store::statements(&mut reading, &self.vault, &code)
            .await?
            .into_iter()
            .find(|said| said.kind == i32::from(StatementKind::Applicant))
            .and_then(|said| applicant::read(said.body.expose()));
        let number = applicant
            .map(|applicant| applicant.identity_number.to_ascii_uppercase())
            .unwrap_or_default();
        if number.is_empty() || !number.ends_with(&ending.to_ascii_uppercase()) {
            return Err(missing());
        }
        self.accesses
            .note(call, LOOK_UP_DOSSIER, PURPOSE, &[&code])
            .await?;
        Ok(Dossier {
            // Who stays out of it is the office's matter.
            recused: Vec::new(),
            explanation: self.explanation(&mut reading, &state, language).await?,
            ..state.to_proto(&code)
        })
    }
}
