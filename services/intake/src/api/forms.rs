//! `FormService`: what is printed at the counter.

use motcua_forms::{FormId, Sheet, bundle, render};
use motcua_platform::{call::Call, error::Error, parse::Fields, scope::Scope, time::to_proto};
use motcua_proto::intake::v1::{
    Form, PrintFormRequest, PrintFormResponse, PrintFormsRequest, PrintFormsResponse,
    PrintRegisterRequest, PrintRegisterResponse, Sheet as AskedSheet,
    form_service_server::FormService,
};
use motcua_proto::r#type::v1::Role;
use motcua_proto::workflow::v1::{
    GetCaseRequest, GetControlSheetRequest, ListCaseStatementsRequest,
    case_service_client::CaseServiceClient,
};
use tonic::{Code, Request, Response, Status};

use super::DossierApi;
use crate::{
    domain::forms::{CaseFile, Particulars, fill},
    store::{self, Printed, Which},
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
        let wanted = wanted(&mut fields, call, &body);
        let branch = branch(&mut fields, form, &body.branch);
        let (((code, form), (sheet, branch)), wanted) =
            fields.finish(code.zip(form).zip(sheet.zip(branch)).zip(wanted))?;
        let paper = self.paper(call, (&code, &branch), form, wanted).await?;
        self.accesses
            .note(call, PRINT_FORM, PURPOSE, &[&code])
            .await?;
        let (template, issue) = (paper.template, paper.issue);
        let issued_at = Some(to_proto(paper.issued_at));
        let rendered = reckon(move || render(template, sheet, &paper.form)).await?;
        Ok(PrintFormResponse {
            template: template.to_string(),
            pdf: rendered.pdf,
            html: rendered.html,
            issue,
            issued_at,
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
        let forms = forms(&mut fields, &body);
        let sheet = sheet(&mut fields, body.sheet);
        let (forms, sheet) = fields.finish(forms.zip(sheet))?;
        let mut printed = Vec::with_capacity(codes.len() * forms.len());
        for code in &codes {
            for form in &forms {
                printed.push(self.paper(call, (code, ""), *form, Wanted::Last).await?);
            }
        }
        let read: Vec<_> = codes.iter().map(String::as_str).collect();
        self.accesses
            .note(call, PRINT_FORMS, PURPOSE, &read)
            .await?;
        let pdf = reckon(move || {
            let papers: Vec<_> = printed
                .iter()
                .map(|paper| (paper.template, sheet, &paper.form))
                .collect();
            bundle(&papers)
        });
        Ok(PrintFormsResponse { pdf: pdf.await? })
    }

    /// A form of a dossier, or of a branch of its case: as it was issued, or issued now.
    async fn paper(
        &self,
        call: &Call,
        (code, branch): (&str, &str),
        form: Form,
        wanted: Wanted,
    ) -> Result<Printed, Status> {
        let of_case = CaseFile::is_wanted(form) || !branch.is_empty();
        let missing = || Error::Missing {
            name: format!("dossiers/{code}"),
        };
        let mut case = None;
        let mut scope = call.scope().clone();
        let mut reading = self.archive.open(&scope).await.map_err(Error::from)?;
        let mut dossier = store::dossier(&mut reading, code)
            .await
            .map_err(Error::from)?;
        // A branch's agency has to do with the branch, and only the case knows that.
        if dossier.is_none() && !branch.is_empty() {
            drop(reading);
            case = self.case_file(code).await?;
            let agencies = scope.agencies().cloned().unwrap_or_default();
            let theirs = case
                .as_ref()
                .is_some_and(|file| file.branch_is_of(branch, &agencies));
            if !theirs {
                return Err(missing().into());
            }
            scope = Scope::by_rule();
            reading = self.archive.open(&scope).await.map_err(Error::from)?;
            dossier = store::dossier(&mut reading, code)
                .await
                .map_err(Error::from)?;
        }
        let dossier = dossier.filter(|dossier| dossier.shows_papers_to(&call.actor));
        let dossier = dossier.ok_or_else(missing)?;
        let statements = store::statements(&mut reading, &self.vault, code).await?;
        let catalog = self.catalog_of(&mut reading, &dossier).await?;
        drop(reading);
        // What was accepted is refused by its case.
        let speaks_of_case = of_case || form == Form::Refusal;
        if case.is_none() && speaks_of_case && dossier.reception.is_some() {
            case = self.case_file(code).await?;
        }
        let particulars = Particulars {
            code,
            dossier: &dossier,
            statements: &statements,
            catalog: &catalog,
            link: self.link(code),
            case: case.as_ref(),
            branch,
        };
        let issue_now = || {
            let (kind, filled) = fill(form, &particulars)?;
            Ok::<_, Error>((FormId::latest(kind), filled))
        };
        let occasion = particulars.occasion(form);
        let which = match wanted {
            Wanted::Issue(issue) => Some(Which::Issue(issue)),
            Wanted::Last => Some(Which::Last(occasion)),
            Wanted::Anew => None,
        };
        let issued = match which {
            Some(which) => self.printed.find((code, branch), form, which).await?,
            None => None,
        };
        let anew = match (wanted, issued) {
            (Wanted::Issue(_), None) => {
                return Err(Error::field("issue", "was never issued of this form").into());
            }
            // What goes with the case is another paper once it has gone further.
            (Wanted::Last, Some(printed)) if form == Form::ControlSheet => {
                let now = issue_now()?;
                if now.1 == printed.form {
                    return Ok(printed);
                }
                true
            }
            (_, Some(printed)) => return Ok(printed),
            (Wanted::Anew, None) => true,
            (Wanted::Last, None) => false,
        };
        Ok(self
            .printed
            .issue((code, branch), form, (occasion, anew), issue_now()?)
            .await?)
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

/// Which paper is asked for.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// The last one about what happened last.
    Last,
    /// The one that was issued then.
    Issue(i32),
    /// Another one, from what holds now.
    Anew,
}

fn wanted(fields: &mut Fields, call: &Call, body: &PrintFormRequest) -> Option<Wanted> {
    match (body.issue, body.anew) {
        (0, false) => return Some(Wanted::Last),
        (1.., false) => return Some(Wanted::Issue(body.issue)),
        (..0, _) => fields.reject("issue", "must not be negative"),
        (1.., true) => fields.reject(
            "anew",
            "is for a paper that was not issued yet: leave issue out",
        ),
        (0, true) if matches!(call.actor.role(), Role::Citizen | Role::System) => {
            fields.reject(
                "anew",
                "is for the counter: what was issued can be printed by everybody who may",
            );
        }
        (0, true) => return Some(Wanted::Anew),
    }
    None
}

/// Empty for the dossier's own paper.
fn branch(fields: &mut Fields, form: Option<Form>, branch: &str) -> Option<String> {
    if branch.is_empty() {
        return Some(String::new());
    }
    if form.is_some_and(|form| !CaseFile::may_be_of_branch(form)) {
        fields.reject(
            "branch",
            "may be given for FORM_RECEIPT, FORM_CASE_SUPPLEMENT and FORM_REFUSAL only: the other forms are of the whole dossier",
        );
        return None;
    }
    fields.id("branch", branch)
}

/// One form, or several in this order.
fn forms(fields: &mut Fields, body: &PrintFormsRequest) -> Option<Vec<Form>> {
    if body.forms.is_empty() {
        return fields.choice("form", body.form).map(|form| vec![form]);
    }
    if body.form != 0 {
        fields.reject("form", "must be empty where forms say which");
    }
    for (index, form) in body.forms.iter().enumerate() {
        if body.forms.iter().take(index).any(|earlier| earlier == form) {
            fields.reject(format!("forms[{index}]"), "stands twice");
        }
    }
    fields.choices("forms", &body.forms)
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
