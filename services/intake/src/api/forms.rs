//! `FormService`: what is printed at the counter.

use motcua_forms::{FormId, Sheet, render};
use motcua_platform::{call::Call, error::Error, parse::Fields};
use motcua_proto::intake::v1::{
    Form, PrintFormRequest, PrintFormResponse, Sheet as AskedSheet,
    form_service_server::FormService,
};
use motcua_proto::workflow::v1::{
    GetCaseRequest, GetControlSheetRequest, ListCaseStatementsRequest,
    case_service_client::CaseServiceClient,
};
use tonic::{Code, Request, Response, Status};

use super::DossierApi;
use crate::{
    domain::forms::{CaseFile, Particulars, fill},
    store,
};

/// As the contract names it, for the log of who read what.
const PRINT_FORM: &str = "motcua.intake.v1.FormService/PrintForm";
/// What it is for; nobody has to say so.
const PURPOSE: &str = "a form is printed for the applicant";
/// Stands for the dossier's code in the look-up's address.
const CODE: &str = "{code}";

#[tonic::async_trait]
impl FormService for DossierApi {
    async fn print_form(
        &self,
        request: Request<PrintFormRequest>,
    ) -> Result<Response<PrintFormResponse>, Status> {
        let call = Call::enter(&request)?;
        Ok(Response::new(
            self.print(&call, request.into_inner()).await?,
        ))
    }
}

impl DossierApi {
    async fn print(
        &self,
        call: &Call,
        body: PrintFormRequest,
    ) -> Result<PrintFormResponse, Status> {
        let mut fields = Fields::new();
        let code = fields.name("name", "dossiers", &body.name);
        let form = fields.choice::<Form>("form", body.form);
        let sheet = fields.optional_choice::<AskedSheet>("sheet", body.sheet);
        let ((code, form), sheet) = fields.finish(code.zip(form).zip(sheet))?;
        let sheet = match sheet {
            AskedSheet::A5 => Sheet::A5,
            AskedSheet::A4 | AskedSheet::Unspecified => Sheet::A4,
        };
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        let dossier = store::dossier(&mut reading, &code)
            .await
            .map_err(Error::from)?
            .ok_or(Error::Missing { name: body.name })?;
        let statements = store::statements(&mut reading, &self.vault, &code).await?;
        let catalog = self.catalog_of(&mut reading, &dossier).await?;
        drop(reading);
        let case = if CaseFile::is_wanted(form) && dossier.reception.is_some() {
            self.case_file(&code).await?
        } else {
            None
        };
        let (kind, form) = fill(
            form,
            &Particulars {
                code: &code,
                dossier: &dossier,
                statements: &statements,
                catalog: &catalog,
                link: self.link(&code),
                case: case.as_ref(),
            },
        )?;
        self.accesses
            .note(call, PRINT_FORM, PURPOSE, &[&code])
            .await?;
        let id = FormId::latest(kind);
        // Some milliseconds of nothing but reckoning: other calls are answered meanwhile.
        let rendered = tokio::task::spawn_blocking(move || render(id, sheet, &form))
            .await
            .map_err(|error| Error::Fault(error.to_string()))?
            .map_err(|error| match error {
                motcua_forms::Error::Sheet { .. } => Error::field("sheet", error.to_string()),
                error => Error::Fault(error.to_string()),
            })?;
        Ok(PrintFormResponse {
            template: id.to_string(),
            pdf: rendered.pdf,
            html: rendered.html,
        })
    }

    /// The case, as workflow knows it; `None` where it has not begun.
    async fn case_file(&self, code: &str) -> Result<Option<CaseFile>, Status> {
        let mut workflow = CaseServiceClient::new(self.workflow.clone());
        let name = format!("cases/{code}");
        let asked = GetCaseRequest { name: name.clone() };
        let case = match workflow.get_case(asked).await {
            Ok(case) => case.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) => return Err(status),
        };
        let asked = ListCaseStatementsRequest { name: name.clone() };
        let statements = workflow.list_case_statements(asked).await?.into_inner();
        let asked = GetControlSheetRequest { name };
        let sheet = workflow.get_control_sheet(asked).await?.into_inner();
        Ok(Some(CaseFile {
            case,
            statements: statements.statements,
            sheet,
        }))
    }

    /// What the QR code holds: where the dossier is looked up, or, where the city has no such place, its code.
    fn link(&self, code: &str) -> String {
        if self.look_up_url.is_empty() {
            return code.to_owned();
        }
        self.look_up_url.replace(CODE, code)
    }
}
