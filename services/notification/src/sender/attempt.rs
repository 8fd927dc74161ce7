//! One attempt: to whom, about what, in which words, and out.

use std::{sync::Arc, time::Duration};

use motcua_platform::{call::PURPOSE_METADATA, catalog::Catalog};
use motcua_proto::{
    intake::v1::{
        Dossier, DossierView, GetDossierRequest, dossier_service_client::DossierServiceClient,
    },
    r#type::v1::HandOverMethod,
    workflow::v1::{
        GetCaseRequest, ListCaseStatementsRequest, case_service_client::CaseServiceClient,
    },
};
use tokio::time::timeout;
use tonic::{Code, Request, Status, metadata::MetadataValue};

use super::Sender;
use crate::{
    channel::Letter,
    domain::{
        message::{Message, Outcome},
        particulars::{CaseFile, Particulars},
        words::{self, RESULT_READY, RESULT_READY_HOME},
    },
};

/// How long one delivery may take.
const DELIVERY_TIME_MAX: Duration = Duration::from_secs(60);

/// What a service that was asked answered instead of an answer.
enum Unanswered {
    /// It is not well; nothing is said about the message.
    Unreachable,
    /// This message cannot be sent.
    Outcome(Outcome),
}

impl Unanswered {
    fn from(status: &Status, who: &str) -> Self {
        match status.code() {
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Cancelled => {
                tracing::debug!(code = ?status.code(), "{who} does not answer; messages wait");
                Self::Unreachable
            }
            Code::NotFound => Self::Outcome(Outcome::FailedForGood(format!(
                "{who} does not know the dossier"
            ))),
            // It was erased at the applicant's wish, and cannot be told to anybody.
            Code::FailedPrecondition => Self::Outcome(Outcome::FailedForGood(format!(
                "{who} no longer has the personal data"
            ))),
            code => Self::Outcome(Outcome::Failed(format!("{who} answered {code:?}"))),
        }
    }
}

impl Sender {
    /// How it went; none when the services that must be asked are not well.
    pub(super) async fn attempt(&self, id: &str, message: &Message) -> Option<Outcome> {
        match self.try_once(id, message).await {
            Ok(outcome) | Err(Unanswered::Outcome(outcome)) => Some(outcome),
            Err(Unanswered::Unreachable) => None,
        }
    }

    async fn try_once(&self, id: &str, message: &Message) -> Result<Outcome, Unanswered> {
        let dossier = self.dossier(message).await?;
        let template = variant(&message.template, dossier.hand_over_method());
        let Some(compiled) = self.shelf.get(template) else {
            return Ok(Outcome::FailedForGood(format!(
                "template {template} is missing or does not compile"
            )));
        };
        // Before acceptance there is no case.
        let case = if compiled.needs_case && dossier.received_at.is_some() {
            Some(self.case(&message.dossier).await?)
        } else {
            None
        };
        let catalog = self.catalog(&dossier.catalog).await?;
        let particulars = Particulars::of(&dossier, case.as_ref(), &catalog);
        let words = match compiled.render(&particulars) {
            Ok(words) => words,
            Err(error) => return Ok(Outcome::FailedForGood(words::reason(template, &error))),
        };
        let applicant = dossier.applicant.unwrap_or_default();
        let letter = Letter {
            id,
            to_name: &applicant.full_name,
            to_email: &applicant.email,
            to_phone: &applicant.phone,
            words: &words,
            at: self.clock.now(),
        };
        Ok(timeout(DELIVERY_TIME_MAX, self.outbox.deliver(letter))
            .await
            .unwrap_or_else(|_| Outcome::Failed("delivery took too long".to_owned())))
    }

    /// Personal data comes from intake, under our own name, and intake records the asking and what it is for.
    async fn dossier(&self, message: &Message) -> Result<Dossier, Unanswered> {
        let mut request = Request::new(GetDossierRequest {
            name: format!("dossiers/{}", message.dossier),
            view: DossierView::Full.into(),
            ..GetDossierRequest::default()
        });
        if let Ok(purpose) = MetadataValue::try_from(format!("message {}", message.template)) {
            request.metadata_mut().insert(PURPOSE_METADATA, purpose);
        }
        match DossierServiceClient::new(self.intake.clone())
            .get_dossier(request)
            .await
        {
            Ok(dossier) => Ok(dossier.into_inner()),
            Err(status) => Err(Unanswered::from(&status, "intake")),
        }
    }

    /// The case, and the words that were said in it: intake has noted what for.
    async fn case(&self, code: &str) -> Result<CaseFile, Unanswered> {
        let name = format!("cases/{code}");
        let mut workflow = CaseServiceClient::new(self.workflow.clone());
        let case = GetCaseRequest { name: name.clone() };
        let case = match workflow.get_case(case).await {
            Ok(case) => case.into_inner(),
            // An accepted dossier has a case as soon as workflow has come to the acceptance: a letter that speaks of it
            // waits for that.
            Err(status) if status.code() == Code::NotFound => {
                return Err(not_yet("workflow has not begun the dossier's case yet"));
            }
            Err(status) => return Err(Unanswered::from(&status, "workflow")),
        };
        let said = workflow.list_case_statements(ListCaseStatementsRequest { name });
        let said = said
            .await
            .map_err(|status| Unanswered::from(&status, "workflow"))?;
        Ok(CaseFile {
            case,
            statements: said.into_inner().statements,
        })
    }

    /// The dossier's catalog. It comes with intake's history, which workflow's may overtake; until then a letter would
    /// name agencies and procedures by their codes.
    async fn catalog(&self, id: &str) -> Result<Arc<Catalog>, Unanswered> {
        if let Some(catalog) = self.catalogs.get(id) {
            return Ok(catalog);
        }
        let read = async {
            let mut connection = self.pool.acquire().await?;
            self.catalogs.ensure(&mut connection, [id]).await
        };
        read.await.map_err(|error| {
            tracing::warn!(error = %motcua_platform::database::redacted(&error), "a catalog could not be read");
            Unanswered::Unreachable
        })?;
        self.catalogs
            .get(id)
            .ok_or_else(|| not_yet(&format!("catalog {id} has not arrived from intake yet")))
    }
}

/// What lags behind will come: the message waits for its next attempt.
fn not_yet(reason: &str) -> Unanswered {
    Unanswered::Outcome(Outcome::Failed(reason.to_owned()))
}

/// A result that goes home is announced in words of its own: nobody is to come for it.
fn variant(template: &str, method: HandOverMethod) -> &str {
    if template == RESULT_READY.id && method == HandOverMethod::Home {
        RESULT_READY_HOME.id
    } else {
        template
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_result_that_goes_home_is_announced_in_words_of_its_own() {
        assert_eq!(
            variant("result-ready", HandOverMethod::Home),
            "result-ready-home"
        );
        assert_eq!(
            variant("result-ready", HandOverMethod::Counter),
            "result-ready"
        );
        assert_eq!(variant("receipt", HandOverMethod::Home), "receipt");
    }

    #[test]
    fn a_service_that_is_away_is_no_fault_of_the_message() {
        assert!(matches!(
            Unanswered::from(&Status::unavailable("x"), "intake"),
            Unanswered::Unreachable
        ));
        assert!(matches!(
            Unanswered::from(&Status::not_found("x"), "intake"),
            Unanswered::Outcome(Outcome::FailedForGood(_))
        ));
        assert!(matches!(
            Unanswered::from(&Status::failed_precondition("x"), "intake"),
            Unanswered::Outcome(Outcome::FailedForGood(_))
        ));
        assert!(matches!(
            Unanswered::from(&Status::internal("x"), "intake"),
            Unanswered::Outcome(Outcome::Failed(_))
        ));
    }
}
