//! `ListDossiers` by a person: number, phone, words of the name. PostgreSQL finds by blind tokens, which may meet by chance;
//! what it finds is opened and compared once more, and the looking is noted as a reading of whoever was found.

use motcua_platform::{
    archive::Reading, call::Call, error::Error, page, parse::Fields, redacted::Redacted,
    time::from_proto_opt, vault::NewSubject,
};
use motcua_proto::intake::v1::{ListDossiersRequest, ListDossiersResponse};

use super::DossierApi;
use crate::{domain::applicant, store};

/// As the contract names it.
const LIST_DOSSIERS: &str = "motcua.intake.v1.DossierService/ListDossiers";
/// Codes that are looked at in one go ...
const FOUND_MAX: i64 = 500;
/// ... and goes of one call: a page may then be empty and still lead on.
const GOES_MAX: usize = 8;

/// Whom the caller looks for; none where nobody is described. The violation never repeats the value.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether the fields are valid"
)]
pub(super) fn like(fields: &mut Fields, body: &ListDossiersRequest) -> Option<Option<NewSubject>> {
    let identity_number = fields.optional_line("identity_number", &body.identity_number);
    let phone = fields.optional_line("phone", &body.phone);
    let full_name = fields.optional_line("applicant_name", &body.applicant_name);
    let (identity_number, phone, full_name) = (identity_number?, phone?, full_name?);
    if identity_number.is_empty() && phone.is_empty() && full_name.is_empty() {
        return Some(None);
    }
    Some(Some(NewSubject {
        identity_number: Redacted::from(identity_number),
        phone: Redacted::from(phone),
        full_name: Redacted::from(full_name),
    }))
}

impl DossierApi {
    /// A page of the dossiers of such persons, by code.
    pub(super) async fn search(
        &self,
        call: &Call,
        reading: &mut Reading,
        filter: store::Filter,
        like: &NewSubject,
    ) -> Result<ListDossiersResponse, Error> {
        let purpose = call.purpose()?;
        let Some(sought) = self.vault.sought(like) else {
            return Ok(ListDossiersResponse::default());
        };
        let size = filter.rows - 1;
        let wanted = usize::try_from(filter.rows).unwrap_or(usize::MAX);
        let mut after = filter
            .after
            .as_ref()
            .map(|(_, code)| code.clone())
            .unwrap_or_default();
        let (mut found, mut ended) = (Vec::new(), false);
        for _ in 0..GOES_MAX {
            let codes = self.vault.find(&sought, &after, FOUND_MAX).await?;
            ended = codes.len() < usize::try_from(FOUND_MAX).unwrap_or(usize::MAX);
            if let Some(last) = codes.last() {
                after.clone_from(last);
            }
            let page = store::Filter {
                codes: Some(codes),
                after: None,
                rows: FOUND_MAX,
                ..filter.clone()
            };
            let mut shown = store::list(reading, &page).await?;
            shown.sort_by(|a, b| a.code.cmp(&b.code));
            let codes: Vec<_> = shown.iter().map(|dossier| dossier.code.clone()).collect();
            let alike: Vec<_> = store::applicants(reading, &self.vault, &codes)
                .await?
                .into_iter()
                .filter(|(_, applicant)| self.vault.is_like(&applicant::subject(applicant), like))
                .map(|(code, _)| code)
                .collect();
            shown.retain(|dossier| alike.contains(&dossier.code));
            found.extend(shown);
            if ended || found.len() >= wanted {
                break;
            }
        }
        let (dossiers, mut next_page_token) = page::cut(found, size, |dossier| {
            (
                from_proto_opt(dossier.submitted_at.as_ref()),
                dossier.code.clone(),
            )
        });
        if next_page_token.is_empty() && !ended {
            next_page_token = page::token(&(Some(jiff::Timestamp::UNIX_EPOCH), after));
        }
        let codes: Vec<_> = dossiers
            .iter()
            .map(|dossier| dossier.code.as_str())
            .collect();
        self.accesses
            .note(call, LIST_DOSSIERS, purpose, &codes)
            .await?;
        Ok(ListDossiersResponse {
            dossiers,
            next_page_token,
        })
    }
}
