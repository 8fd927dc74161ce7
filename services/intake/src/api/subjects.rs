//! `AccessLogService` and `SubjectService`: who read whose personal data, what is held on a person, and its end.

use motcua_platform::{
    archive::Archive,
    call::{Call, acknowledge},
    error::Error,
    ledger::{Ledger, Target},
    page,
    parse::Fields,
    redacted::Redacted,
    rpc::Peer,
    scope::Scope,
    vault::{NewSubject, Vault},
};
use motcua_proto::{
    access::v1::{
        CaseWords, EraseSubjectRequest, EraseSubjectResponse, ExportSubjectRequest,
        ExportSubjectResponse, ListAccessesRequest, ListAccessesResponse,
        access_log_service_server::AccessLogService, subject_service_server::SubjectService,
    },
    intake::v1::{Dossier, Statement, StatementKind},
    workflow::v1::{ListCaseStatementsRequest, case_service_client::CaseServiceClient},
};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::{
    domain::{applicant, subject::Erase},
    store::{self, AccessLog, Subjects, accesses},
};

/// Dossiers of one person at most: whoever has more is no person.
const DOSSIERS_MAX: i64 = 1_000;
/// Accesses that an export shows at most; the log has them all.
const ACCESSES_MAX: i64 = 1_000;
/// As the contract names it.
const EXPORT_SUBJECT: &str = "motcua.access.v1.SubjectService/ExportSubject";

/// Serves what concerns a person.
#[derive(Debug, Clone)]
pub(crate) struct SubjectApi {
    /// Where a person's data is erased.
    pub(crate) ledger: Ledger<Subjects>,
    /// For reading.
    pub(crate) archive: Archive,
    /// Finds persons, and opens what was said.
    pub(crate) vault: Vault,
    /// Where every reading of personal data is noted.
    pub(crate) accesses: AccessLog,
    /// Asked what the offices said.
    pub(crate) workflow: Peer,
}

impl SubjectApi {
    /// The dossiers of the person with this number, or of whoever that dossier belongs to. Exactly one of them is given.
    async fn dossiers_of(
        &self,
        fields: &mut Fields,
        identity_number: &str,
        dossier: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let number = fields.optional_line("identity_number", identity_number);
        let code = fields.optional_id("dossier", dossier);
        let Some((number, code)) = number.zip(code) else {
            return Ok(None);
        };
        match (number.is_empty(), code.is_empty()) {
            (true, true) => {
                fields.reject("identity_number", "is required, or else dossier");
                Ok(None)
            }
            (false, false) => {
                fields.reject("dossier", "must be empty where an identity number is given");
                Ok(None)
            }
            (false, true) => self.of_number(number).await.map(Some),
            (true, false) => Ok(Some(self.vault.of_same_persons(&[&code]).await?)),
        }
    }

    async fn of_number(&self, number: String) -> Result<Vec<String>, Error> {
        let like = NewSubject {
            identity_number: Redacted::from(number),
            ..NewSubject::default()
        };
        Ok(match self.vault.sought(&like) {
            Some(sought) => self.vault.find(&sought, "", DOSSIERS_MAX).await?,
            None => Vec::new(),
        })
    }

    /// What the offices said about these dossiers. Before acceptance there is no case.
    async fn said_behind_the_counter(
        &self,
        dossiers: &[Dossier],
    ) -> Result<Vec<CaseWords>, Status> {
        let mut workflow = CaseServiceClient::new(self.workflow.clone());
        let mut cases = Vec::new();
        for dossier in dossiers
            .iter()
            .filter(|dossier| dossier.received_at.is_some())
        {
            let request = ListCaseStatementsRequest {
                name: format!("cases/{}", dossier.code),
            };
            match workflow.list_case_statements(request).await {
                Ok(said) => cases.push(CaseWords {
                    dossier: dossier.code.clone(),
                    statements: said.into_inner().statements,
                }),
                Err(status) if status.code() == Code::NotFound => {}
                Err(status) => return Err(status),
            }
        }
        Ok(cases)
    }

    /// Everything personal of one dossier.
    async fn whole(&self, scope: &Scope, code: &str) -> Result<Option<Dossier>, Error> {
        let mut reading = self.archive.open(scope).await?;
        let Some(state) = store::dossier(&mut reading, code).await? else {
            return Ok(None);
        };
        let mut dossier = state.to_proto(code);
        let latest = state.next_revision(StatementKind::Applicant) - 1;
        for said in store::all_statements(&mut reading, &self.vault, code).await? {
            // What was corrected since is held too, and shown as it was said.
            if said.kind == i32::from(StatementKind::Applicant) && said.revision == latest {
                dossier.applicant = applicant::read(said.body.expose());
                continue;
            }
            dossier.statements.push(Statement {
                kind: said.kind,
                revision: said.revision,
                text: said.body.expose().clone(),
                ground: said.ground.expose().clone(),
            });
        }
        Ok(Some(dossier))
    }
}

fn nobody() -> Error {
    Error::Missing {
        name: "a person with this number or dossier".to_owned(),
    }
}

#[tonic::async_trait]
impl AccessLogService for SubjectApi {
    async fn list_accesses(
        &self,
        request: Request<ListAccessesRequest>,
    ) -> Result<Response<ListAccessesResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let after = page::key::<Uuid>(&mut fields, &body.page_token);
        let dossier = fields.optional_id("dossier", &body.dossier);
        let number = fields.optional_line("identity_number", &body.identity_number);
        let actor = fields.optional_id("principal", &body.principal);
        let parsed = size.zip(after).zip(dossier.zip(number)).zip(actor);
        let (((size, after), (dossier, number)), actor) = fields.finish(parsed)?;
        let mut dossiers = (!dossier.is_empty()).then(|| vec![dossier]);
        if !number.is_empty() {
            let of_person = self.of_number(number).await?;
            dossiers = Some(match dossiers {
                Some(named) => named
                    .into_iter()
                    .filter(|code| of_person.contains(code))
                    .collect(),
                None => of_person,
            });
        }
        let filter = accesses::Filter {
            dossiers,
            actor,
            after,
            rows: size + 1,
        };
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        let (ids, accesses): (Vec<_>, Vec<_>) = accesses::list(&mut reading, &self.vault, &filter)
            .await?
            .into_iter()
            .unzip();
        let (accesses, token) = page::cut(accesses, size, |_| ());
        let next_page_token = match accesses.len().checked_sub(1).and_then(|last| ids.get(last)) {
            Some(last) if !token.is_empty() => page::token(last),
            _ => String::new(),
        };
        Ok(Response::new(ListAccessesResponse {
            accesses,
            next_page_token,
        }))
    }
}

#[tonic::async_trait]
impl SubjectService for SubjectApi {
    async fn export_subject(
        &self,
        request: Request<ExportSubjectRequest>,
    ) -> Result<Response<ExportSubjectResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let codes = self
            .dossiers_of(&mut fields, &body.identity_number, &body.dossier)
            .await?;
        let codes = fields.finish(codes)?;
        let purpose = call.purpose()?;
        if codes.is_empty() {
            return Err(nobody().into());
        }
        let known: Vec<_> = codes.iter().map(String::as_str).collect();
        self.accesses
            .note(&call, EXPORT_SUBJECT, purpose, &known)
            .await?;
        let mut dossiers = Vec::new();
        for code in &codes {
            dossiers.extend(self.whole(call.scope(), code).await?);
        }
        let cases = self.said_behind_the_counter(&dossiers).await?;
        let filter = accesses::Filter {
            dossiers: Some(codes),
            actor: String::new(),
            after: None,
            rows: ACCESSES_MAX,
        };
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        let accesses = accesses::list(&mut reading, &self.vault, &filter).await?;
        Ok(Response::new(ExportSubjectResponse {
            dossiers,
            accesses: accesses.into_iter().map(|(_, access)| access).collect(),
            cases,
        }))
    }

    async fn erase_subject(
        &self,
        request: Request<EraseSubjectRequest>,
    ) -> Result<Response<EraseSubjectResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let request_id = fields.request_id(&body.request_id);
        let codes = self
            .dossiers_of(&mut fields, &body.identity_number, &body.dossier)
            .await?;
        let (codes, request_id) = fields.finish(codes.zip(request_id))?;
        let Some(first) = codes.first() else {
            return Err(nobody().into());
        };
        let command = if body.validate_only {
            Erase::Check
        } else {
            Erase::Do
        };
        // What the digest of a request is made of must not depend on a number that is then forgotten.
        let anonymous = EraseSubjectRequest {
            identity_number: String::new(),
            dossier: first.clone(),
            ..body
        };
        let method = "motcua.access.v1.SubjectService/EraseSubject";
        let target = Target::Key(first.clone());
        let envelope = call.envelope(method, &anonymous, request_id, target, command);
        Ok(acknowledge(self.ledger.execute("", envelope).await?))
    }
}
