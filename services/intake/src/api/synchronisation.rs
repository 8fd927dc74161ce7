//! `SynchronisationService`: what other systems and this one tell each other.

use motcua_platform::parse::Fields;
use motcua_proto::{
    intake::v1::{
        AcknowledgeStateRequest, Dossier, RecordExternalStateRequest,
        synchronisation_service_server::SynchronisationService,
    },
    r#type::v1::DossierStatus,
};
use tonic::{Request, Response, Status};

use super::DossierApi;
use crate::domain::command::{Command, NewExternalState};

#[tonic::async_trait]
impl SynchronisationService for DossierApi {
    async fn record_external_state(
        &self,
        request: Request<RecordExternalStateRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.SynchronisationService/RecordExternalState",
            request,
            record,
        )
        .await
    }

    async fn acknowledge_state(
        &self,
        request: Request<AcknowledgeStateRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.SynchronisationService/AcknowledgeState",
            request,
            acknowledge,
        )
        .await
    }
}

fn record(fields: &mut Fields, body: &RecordExternalStateRequest) -> Option<Command> {
    let code = fields.optional_line("code", &body.code);
    // It stands in events: a state is an id and no text about anybody.
    let state = fields.id("state", &body.state);
    let at = fields.instant("state_at", body.state_at.as_ref());
    Some(Command::RecordExternalState(NewExternalState {
        code: code?,
        state: state?,
        at: at?,
        authority: body.authority,
    }))
}

fn acknowledge(fields: &mut Fields, body: &AcknowledgeStateRequest) -> Option<Command> {
    let status = fields.choice::<DossierStatus>("status", body.status);
    let problem = fields.optional_id("problem", &body.problem);
    Some(Command::AcknowledgeState {
        status: status?,
        problem: problem?,
    })
}
