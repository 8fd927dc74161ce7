//! `TemplateService`.

use motcua_platform::{
    archive::{Archive, Reading},
    call::{Call, acknowledge},
    error::Error,
    ledger::{Ledger, Target},
    page,
    parse::Fields,
};
use motcua_proto::notification::v1::{
    CreateTemplateRequest, GetTemplateRequest, ListTemplatesRequest, ListTemplatesResponse,
    PreviewTemplateRequest, PreviewTemplateResponse, Template, UpdateTemplateRequest,
    template_service_server::TemplateService,
};
use tonic::{Request, Response, Status};

use crate::{
    domain::{
        template::Command,
        words::{self, Words},
    },
    store::{self, Templates},
};

/// Writes and shows templates.
#[derive(Debug)]
pub(crate) struct TemplateApi {
    pub(crate) ledger: Ledger<Templates>,
    pub(crate) archive: Archive,
}

impl TemplateApi {
    async fn open(&self, call: &Call) -> Result<Reading, Error> {
        Ok(self.archive.open(call.scope()).await?)
    }
}

/// A template's words, and what they make of invented particulars.
fn words(fields: &mut Fields, template: &Template) -> Option<(Words, Words)> {
    let subject = fields.line("template.subject", &template.subject);
    let body = fields.text("template.body", &template.body);
    let (subject, body) = subject.zip(body)?;
    let words = Words { subject, body };
    match words::check(&words) {
        Ok(filled) => Some((words, filled)),
        Err(violations) => {
            for violation in violations {
                fields.reject(violation.field, violation.description);
            }
            None
        }
    }
}

/// The answer holds the words of the request: a repeated request has the same.
fn with_words(mut answer: Template, words: Words) -> Template {
    answer.subject = words.subject;
    answer.body = words.body;
    answer
}

#[tonic::async_trait]
impl TemplateService for TemplateApi {
    async fn create_template(
        &self,
        request: Request<CreateTemplateRequest>,
    ) -> Result<Response<Template>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let template = body.template.clone().unwrap_or_default();
        let id = fields.id("template.id", &template.id);
        let words = words(&mut fields, &template);
        let request_id = fields.request_id(&body.request_id);
        let ((id, (words, _)), request_id) = fields.finish(id.zip(words).zip(request_id))?;
        let method = "motcua.notification.v1.TemplateService/CreateTemplate";
        let command = Command::Create(words.clone());
        let envelope = call.envelope(method, &body, request_id, Target::Key(id), command);
        let accepted = self.ledger.execute("", envelope).await?;
        Ok(acknowledge(accepted).map(|answer| with_words(answer, words)))
    }

    async fn update_template(
        &self,
        request: Request<UpdateTemplateRequest>,
    ) -> Result<Response<Template>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let template = body.template.clone().unwrap_or_default();
        let id = fields.name("template.name", "templates", &template.name);
        if let Some(id) = &id
            && !template.id.is_empty()
            && template.id != *id
        {
            fields.reject(
                "template.id",
                "must be empty or the id in the name: an id never changes",
            );
        }
        let words = words(&mut fields, &template);
        let request_id = fields.request_id(&body.request_id);
        let ((id, (words, _)), request_id) = fields.finish(id.zip(words).zip(request_id))?;
        let method = "motcua.notification.v1.TemplateService/UpdateTemplate";
        let command = Command::Update(words.clone(), template.etag.clone());
        let mut envelope = call.envelope(method, &body, request_id, Target::Key(id), command);
        envelope.etag = template.etag;
        let accepted = self.ledger.execute("", envelope).await?;
        Ok(acknowledge(accepted).map(|answer| with_words(answer, words)))
    }

    async fn get_template(
        &self,
        request: Request<GetTemplateRequest>,
    ) -> Result<Response<Template>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.name("name", "templates", &body.name);
        let id = fields.finish(id)?;
        let template = store::read_template(&mut self.open(&call).await?, &id)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(
            template.ok_or(Error::Missing { name: body.name })?,
        ))
    }

    async fn list_templates(
        &self,
        request: Request<ListTemplatesRequest>,
    ) -> Result<Response<ListTemplatesResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let after = page::key::<String>(&mut fields, &body.page_token);
        let (size, after) = fields.finish(size.zip(after))?;
        let mut reading = self.open(&call).await?;
        let rows = store::list_templates(&mut reading, &after.unwrap_or_default(), size)
            .await
            .map_err(Error::from)?;
        let (templates, next_page_token) =
            page::cut(rows, size, |template: &Template| template.id.clone());
        Ok(Response::new(ListTemplatesResponse {
            templates,
            next_page_token,
        }))
    }

    async fn preview_template(
        &self,
        request: Request<PreviewTemplateRequest>,
    ) -> Result<Response<PreviewTemplateResponse>, Status> {
        Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let words = words(&mut fields, &body.template.unwrap_or_default());
        let (_, filled) = fields.finish(words)?;
        Ok(Response::new(PreviewTemplateResponse {
            subject: filled.subject,
            body: filled.body,
        }))
    }
}
