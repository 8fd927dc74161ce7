//! `CorrectionService`: a clerical error, in the applicant's particulars or in an entry of the counter, with four eyes.

use motcua_platform::{
    call::Call,
    error::{Error, Refusal},
    parse::Fields,
};
use motcua_proto::{
    intake::v1::{
        DecideCorrectionRequest, Dossier, ProposeCorrectionRequest, StatementKind,
        correction_service_server::CorrectionService,
    },
    r#type::v1::{CorrectedEntry, corrected_entry},
};
use tonic::{Request, Response, Status};

use super::{DossierApi, particulars};
use crate::{
    domain::{
        applicant,
        command::{Command, Confirmation, Proposed},
        entry::Entry,
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
            propose,
        )
        .await
    }

    async fn decide_correction(
        &self,
        request: Request<DecideCorrectionRequest>,
    ) -> Result<Response<Dossier>, Status> {
        let call = Call::enter(&request)?;
        let body = request.get_ref();
        let particulars = if body.confirm {
            self.proposed(&call, &body.name, &body.correction).await?
        } else {
            None
        };
        self.act(DECIDE_CORRECTION, request, |fields, body| {
            let correction = fields.id("correction", &body.correction)?;
            Some(match particulars {
                particulars if body.confirm => Command::ConfirmCorrection(Box::new(Confirmation {
                    correction,
                    particulars,
                })),
                _ => Command::RejectCorrection { correction },
            })
        })
        .await
    }
}

impl DossierApi {
    /// The particulars that the caller is about to confirm; none where there are none, which the command then answers.
    async fn proposed(
        &self,
        call: &Call,
        name: &str,
        correction: &str,
    ) -> Result<Option<Proposed>, Error> {
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
        Ok(Some(Proposed {
            revision: pending.revision,
            applicant,
            newcomer,
        }))
    }
}

fn propose(fields: &mut Fields, body: &ProposeCorrectionRequest) -> Option<Command> {
    let reason = fields.text("reason", &body.reason).map(Words::from);
    let applicant = body
        .applicant
        .as_ref()
        .map(|applicant| particulars::applicant(fields, Some(applicant)));
    let entry = body.entry.as_ref().map(|right| entry(fields, right));
    match (applicant, entry) {
        (Some(applicant), None) => Some(Command::ProposeCorrection {
            applicant: Box::new(applicant?),
            reason: reason?,
        }),
        (None, Some(entry)) => Some(Command::ProposeEntry {
            entry: entry?,
            reason: reason?,
        }),
        (None, None) => {
            fields.reject("applicant", "is required, or entry");
            None
        }
        (Some(_), Some(_)) => {
            let message = "must be empty where applicant is given: correct one, then the other";
            fields.reject("entry", message);
            None
        }
    }
}

fn entry(fields: &mut Fields, right: &CorrectedEntry) -> Option<Entry> {
    match &right.entry {
        Some(corrected_entry::Entry::Payment(payment)) => {
            let id = fields.id("entry.payment.payment", &payment.payment);
            let reference = fields.optional_id("entry.payment.reference", &payment.reference);
            if payment.amount_vnd < 0 {
                fields.reject("entry.payment.amount_vnd", "must not be less than 0");
            }
            id.and(reference)?;
        }
        Some(corrected_entry::Entry::TrackingReference(reference)) => {
            fields.id("entry.tracking_reference", reference)?;
        }
        // Its counts are asked of the procedure's list.
        Some(corrected_entry::Entry::Paper(paper)) => {
            fields.id("entry.paper.paper", &paper.paper)?;
        }
        None => fields.reject(
            "entry",
            "is required: a payment, a tracking reference or a paper",
        ),
    }
    Entry::of(right)
}
