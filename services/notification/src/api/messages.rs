//! `MessageService`.

use std::collections::BTreeSet;

use motcua_platform::{
    archive::{Archive, Reading},
    call::{Call, acknowledge},
    error::Error,
    ledger::{Ledger, Subject, Target},
    page,
    parse::Fields,
    rpc::Peer,
    time::from_proto_opt,
};
use motcua_proto::{
    intake::v1::{GetDossierRequest, dossier_service_client::DossierServiceClient},
    notification::v1::{
        GetMessageRequest, ListMessagesRequest, ListMessagesResponse, Message, MessageState,
        SendMessageRequest, message_service_server::MessageService,
    },
};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::{
    domain::message::{Command, Queue},
    store::{self, Filter, Messages},
};

/// Sends and shows messages.
#[derive(Debug)]
pub(crate) struct MessageApi {
    pub(crate) ledger: Ledger<Messages>,
    pub(crate) archive: Archive,
    pub(crate) intake: Peer,
}

impl MessageApi {
    async fn open(&self, call: &Call) -> Result<Reading, Error> {
        Ok(self.archive.open(call.scope()).await?)
    }

    /// Whose dossier it is, without personal data. Intake is asked on our own authority, which reaches every dossier: what
    /// the caller does not reach is answered like what does not exist.
    async fn subject(&self, call: &Call, dossier: &str) -> Result<Subject, Status> {
        let name = format!("dossiers/{dossier}");
        let request = GetDossierRequest {
            name: name.clone(),
            ..GetDossierRequest::default()
        };
        match DossierServiceClient::new(self.intake.clone())
            .get_dossier(request)
            .await
        {
            Ok(shown) => {
                let shown = shown.into_inner();
                // On behalf of the agency that received it, where the caller acts for it.
                let agency = [shown.receiving_agency, shown.competent_agency]
                    .into_iter()
                    .find(|agency| call.scope().covers([agency.as_str()]))
                    .ok_or(Error::Missing { name })?;
                Ok(Subject {
                    dossier: shown.code,
                    agency,
                    procedure: shown.procedure,
                })
            }
            Err(status) => Err(match status.code() {
                Code::NotFound => Error::Missing { name }.into(),
                Code::Unavailable
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Cancelled => {
                    // Intake's own words, with its advice when to come again.
                    status
                }
                code => Error::Fault(format!("intake answered {code:?} when asked for a dossier"))
                    .into(),
            }),
        }
    }
}

#[tonic::async_trait]
impl MessageService for MessageApi {
    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let dossier = fields.id("dossier", &body.dossier);
        let template = fields.id("template", &body.template);
        if let Some(id) = &template
            && store::read_template(&mut self.open(&call).await?, id)
                .await
                .map_err(Error::from)?
                .is_none()
        {
            fields.reject("template", "is not the id of a template; see ListTemplates");
        }
        let send_at = fields.optional_instant("send_at", body.send_at.as_ref());
        let request_id = fields.request_id(&body.request_id);
        let parsed = dossier.zip(template).zip(send_at).zip(request_id);
        let (((dossier, template), send_at), request_id) = fields.finish(parsed)?;
        let subject = self.subject(&call, &dossier).await?;
        let agency = subject.agency.clone();
        let command = Command::Queue(Queue {
            subject,
            template,
            send_at,
            cause: String::new(),
        });
        let id = Target::Key(Uuid::now_v7().to_string());
        let method = "motcua.notification.v1.MessageService/SendMessage";
        let envelope = call.envelope(method, &body, request_id, id, command);
        Ok(acknowledge(self.ledger.execute(&agency, envelope).await?))
    }

    async fn get_message(
        &self,
        request: Request<GetMessageRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.name("name", "messages", &body.name);
        let id = fields.finish(id)?;
        let mut reading = self.open(&call).await?;
        let message = store::get(&mut reading, &id).await.map_err(Error::from)?;
        Ok(Response::new(
            message.ok_or(Error::Missing { name: body.name })?,
        ))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let after = page::key(&mut fields, &body.page_token);
        let dossier = fields.optional_id("dossier", &body.dossier);
        let states: Option<Vec<MessageState>> = fields.choices("states", &body.states);
        let parsed = size.zip(after).zip(dossier).zip(states);
        let (((size, after), dossier), states) = fields.finish(parsed)?;
        let phases: BTreeSet<_> = states
            .into_iter()
            .filter_map(|state| i16::try_from(i32::from(state)).ok())
            .collect();
        let filter = Filter {
            dossier,
            phases: phases.into_iter().collect(),
            after,
            size,
        };
        let mut reading = self.open(&call).await?;
        let rows = store::list(&mut reading, filter)
            .await
            .map_err(Error::from)?;
        let (messages, next_page_token) = page::cut(rows, size, |message: &Message| {
            let id = message.name.strip_prefix("messages/").unwrap_or_default();
            (
                from_proto_opt(message.queued_at.as_ref()).unwrap_or_default(),
                id.to_owned(),
            )
        });
        Ok(Response::new(ListMessagesResponse {
            messages,
            next_page_token,
        }))
    }
}
