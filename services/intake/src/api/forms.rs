//! `FormService`: what is printed at the counter.

use motcua_forms::{Form as Filled, FormId, Kind, Sheet, bundle, render};
use motcua_platform::{call::Call, error::Error, parse::Fields};
use motcua_proto::intake::v1::{
    Form, PrintFormRequest, PrintFormResponse, PrintFormsRequest, PrintFormsResponse,
    PrintRegisterRequest, PrintRegisterResponse, Sheet as AskedSheet,
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
/// Likewise.
const PRINT_FORMS: &str = "motcua.intake.v1.FormService/PrintForms";
/// What it is for; nobody has to say so.
const PURPOSE: &str = "a form is printed for the applicant";
/// Dossiers whose forms are printed at once: what one person hands in.
const DOSSIERS_MAX: usize = 20;
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

    async fn print_forms(
        &self,
        request: Request<PrintFormsRequest>,
    ) -> Result<Response<PrintFormsResponse>, Status> {
        let call = Call::enter(&request)?;
        Ok(Response::new(
            self.print_all(&call, request.into_inner()).await?,
        ))
    }

    async fn print_register(
        &self,
        request: Request<PrintRegisterRequest>,
    ) -> Result<Response<PrintRegisterResponse>, Status> {
        let call = Call::enter(&request)?;
        Ok(Response::new(
            self.register(&call, request.into_inner()).await?,
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
        let sheet = sheet(&mut fields, body.sheet);
        let ((code, form), sheet) = fields.finish(code.zip(form).zip(sheet))?;
        let (kind, form) = self.filled(call, &code, form).await?;
        self.accesses
            .note(call, PRINT_FORM, PURPOSE, &[&code])
            .await?;
        let id = FormId::latest(kind);
        let rendered = reckon(move || render(id, sheet, &form)).await?;
        Ok(PrintFormResponse {
            template: id.to_string(),
            pdf: rendered.pdf,
            html: rendered.html,
        })
    }

    async fn print_all(
        &self,
        call: &Call,
        body: PrintFormsRequest,
    ) -> Result<PrintFormsResponse, Status> {
        let mut fields = Fields::new();
        if !(1..=DOSSIERS_MAX).contains(&body.names.len()) {
            let range = format!("must be at least one and at most {DOSSIERS_MAX}");
            fields.reject("names", range);
        }
        let mut codes = Vec::new();
        for (index, name) in body.names.iter().take(DOSSIERS_MAX).enumerate() {
            let field = format!("names[{index}]");
            if body.names.iter().take(index).any(|earlier| earlier == name) {
                fields.reject(&field, "stands twice");
            }
            codes.extend(fields.name(&field, "dossiers", name));
        }
        let form = fields.choice::<Form>("form", body.form);
        let sheet = sheet(&mut fields, body.sheet);
        let (form, sheet) = fields.finish(form.zip(sheet))?;
        let mut filled = Vec::with_capacity(codes.len());
        for code in &codes {
            filled.push(self.filled(call, code, form).await?);
        }
        let read: Vec<_> = codes.iter().map(String::as_str).collect();
        self.accesses
            .note(call, PRINT_FORMS, PURPOSE, &read)
            .await?;
        let pdf = reckon(move || {
            let papers: Vec<_> = filled
                .iter()
                .map(|(kind, form)| (FormId::latest(*kind), sheet, form))
                .collect();
            bundle(&papers)
        });
        Ok(PrintFormsResponse { pdf: pdf.await? })
    }

    /// A form of a dossier, filled in.
    async fn filled(&self, call: &Call, code: &str, form: Form) -> Result<(Kind, Filled), Status> {
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        let dossier = store::dossier(&mut reading, code)
            .await
            .map_err(Error::from)?
            .ok_or_else(|| Error::Missing {
                name: format!("dossiers/{code}"),
            })?;
        let statements = store::statements(&mut reading, &self.vault, code).await?;
        let catalog = self.catalog_of(&mut reading, &dossier).await?;
        drop(reading);
        let case = if CaseFile::is_wanted(form) && dossier.reception.is_some() {
            self.case_file(code).await?
        } else {
            None
        };
        Ok(fill(
            form,
            &Particulars {
                code,
                dossier: &dossier,
                statements: &statements,
                catalog: &catalog,
                link: self.link(code),
                case: case.as_ref(),
            },
        )?)
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

fn sheet(fields: &mut Fields, sheet: i32) -> Option<Sheet> {
    fields
        .optional_choice::<AskedSheet>("sheet", sheet)
        .map(|sheet| match sheet {
            AskedSheet::A5 => Sheet::A5,
            AskedSheet::A4 | AskedSheet::Unspecified => Sheet::A4,
        })
}

/// Some milliseconds of nothing but reckoning: other calls are answered meanwhile.
pub(super) async fn reckon<T: Send + 'static>(
    draw: impl FnOnce() -> Result<T, motcua_forms::Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(draw)
        .await
        .map_err(|error| Error::Fault(error.to_string()))?
        .map_err(|error| match error {
            motcua_forms::Error::Sheet { .. } => Error::field("sheet", error.to_string()),
            error => Error::Fault(error.to_string()),
        })
}
