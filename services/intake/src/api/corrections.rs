//! `CorrectionService`: a clerical error in the applicant's particulars, with four eyes.

use motcua_platform::{
    call::Call,
    error::{Error, Refusal},
};
use motcua_proto::intake::v1::{
    DecideCorrectionRequest, Dossier, ProposeCorrectionRequest, StatementKind,
    correction_service_server::CorrectionService,
};
use tonic::{Request, Response, Status};

use super::{DossierApi, submission};
use crate::{
    domain::{
        applicant,
        command::{Command, Confirmation},
        words::Words,
    },
    store,
};

/// As the contract names it.
const DECIDE_CORRECTION: &str = "motcua.intake.v1.CorrectionService/DecideCorrection";

#[tonic::async_trait]
impl CorrectionService for DossierApi {
    async fn propose_correction(
        &self,
        request: Request<ProposeCorrectionRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.CorrectionService/ProposeCorrection",
            request,
            |fields, body| {
                let applicant = submission::applicant(fields, body.applicant.as_ref());
                let reason = fields.text("reason", &body.reason);
                Some(Command::ProposeCorrection {
                    applicant: Box::new(applicant?),
                    reason: Words::from(reason?),
                })
            },
        )
        .await
    }

    async fn decide_correction(
        &self,
        request: Request<DecideCorrectionRequest>,
    ) -> Result<Response<Dossier>, Status> {
        let call = Call::enter(&request)?;
        let body = request.get_ref();
        let confirmed = if body.confirm {
            self.proposed(&call, &body.name, &body.correction).await?
        } else {
            None
        };
        self.act(DECIDE_CORRECTION, request, |fields, body| {
            let correction = fields.id("correction", &body.correction)?;
            Some(match confirmed {
                Some(confirmed) => Command::ConfirmCorrection(Box::new(confirmed)),
                None if body.confirm => Command::ConfirmCorrection(Box::new(Confirmation {
                    correction,
                    ..Confirmation::default()
                })),
                None => Command::RejectCorrection { correction },
            })
        })
        .await
    }
}

impl DossierApi {
    /// What the caller is about to confirm; none where there is no such thing, which the command then answers.
    async fn proposed(
        &self,
        call: &Call,
        name: &str,
        correction: &str,
    ) -> Result<Option<Confirmation>, Error> {
        let Some(code) = name.strip_prefix("dossiers/") else {
            return Ok(None);
        };
        let mut reading = self.archive.open(call.scope()).await?;
        let Some(state) = store::dossier(&mut reading, code).await? else {
            return Ok(None);
        };
        let Some((_, pending)) = state
            .pending_correction()
            .filter(|(id, _)| id == correction)
        else {
            return Ok(None);
        };
        let proposed = store::statements(&mut reading, &self.vault, code)
            .await?
            .into_iter()
            .find(|said| said.kind == i32::from(StatementKind::Correction))
            .filter(|said| said.revision == pending.revision)
            .and_then(|said| applicant::read(said.body.expose()));
        let Some(applicant) = proposed else {
            return Ok(None);
        };
        let newcomer = self.vault.newcomer(&applicant::subject(&applicant));
        if !self.vault.stays(code, &newcomer).await? {
            return Err(Error::Refused(Refusal {
                message: "with that identity number the dossier would be another person's"
                    .to_owned(),
                article: "law 91/2025/QH15: what is held on a person is kept apart from what is held on others",
                state: "ANOTHER_PERSON".to_owned(),
                remedy: "reject the correction, withdraw the dossier and submit it anew under the right number",
            }));
        }
        Ok(Some(Confirmation {
            correction: correction.to_owned(),
            revision: pending.revision,
            applicant,
            newcomer,
        }))
    }
}
