//! Cases over gRPC.

use motcua_platform::{
    call::{Call, acknowledge},
    error::Error,
    ledger::{Accepted, Ledger, Target, turn_of},
    missing, page,
    parse::Fields,
    statement,
    time::from_proto_opt,
};
use motcua_proto::workflow::v1::{self as proto, case_service_server::CaseService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Desk, code};
use crate::{
    domain::{
        Case, Command, OBLIGATIONS_VND_MAX, Obligation, Words, answered, control_sheet,
        show_sub_case,
    },
    store::{self, CaseFilter, Cases, ListedSubCase, SubCaseFilter, SubCaseKey},
};

/// Serves cases.
#[derive(Debug, Clone)]
pub(crate) struct CaseServer {
    pub(crate) ledger: Ledger<Cases>,
    pub(crate) desk: Desk,
}

impl CaseServer {
    async fn find(&self, call: &Call, name: &str) -> Result<(String, Case), Error> {
        let mut fields = Fields::new();
        let code = code(&mut fields, name);
        let code = fields.finish(code)?;
        let mut reading = self.desk.archive.open(call.scope()).await?;
        match store::case(&mut reading, &code).await? {
            Some(case) => Ok((code, case)),
            None => Err(Error::Missing {
                name: format!("cases/{code}"),
            }),
        }
    }

    async fn list(&self, call: &Call, filter: &CaseFilter) -> Result<Vec<(String, Case)>, Error> {
        let mut reading = self.desk.archive.open(call.scope()).await?;
        Ok(store::cases(&mut reading, filter).await?)
    }

    async fn list_branches(
        &self,
        call: &Call,
        filter: &mut SubCaseFilter,
    ) -> Result<Vec<ListedSubCase>, Error> {
        let mut reading = self.desk.archive.open(call.scope()).await?;
        // A branch keeps the code that its procedure had when its case began.
        if let [asked] = filter.procedures.as_slice() {
            let catalogs = &self.desk.surround.catalogs;
            let now = self.desk.clock.now();
            catalogs.refresh(&mut reading, now).await?;
            if let Some(catalog) = catalogs.in_force(now) {
                filter.procedures = catalog.codes_of(asked);
            }
        }
        Ok(store::sub_cases(&mut reading, filter).await?)
    }

    /// Asks the ledger, for whoever saw that etag of the case, and answers with the case as it now is.
    async fn command<M: prost::Message>(
        &self,
        call: &Call,
        method: &'static str,
        body: &M,
        [code, etag]: [&String; 2],
        request_id: Option<Uuid>,
        command: Command,
    ) -> Result<Response<proto::Case>, Status> {
        let target = Target::Key(code.clone());
        let mut envelope = call.envelope(method, body, request_id, target, command);
        envelope.etag.clone_from(etag);
        let accepted = self.ledger.execute(turn_of(code), envelope).await?;
        let answer = self.desk.shown_one(call.scope(), accepted.answer).await?;
        Ok(acknowledge(Accepted {
            answer,
            position: accepted.position,
        }))
    }
}

#[tonic::async_trait]
impl CaseService for CaseServer {
    async fn get_case(
        &self,
        request: Request<proto::GetCaseRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        let call = Call::enter(&request)?;
        let (code, case) = self.find(&call, &request.get_ref().name).await?;
        let answer = answered(&code, &case);
        Ok(Response::new(
            self.desk.shown_one(call.scope(), answer).await?,
        ))
    }

    async fn list_cases(
        &self,
        request: Request<proto::ListCasesRequest>,
    ) -> Result<Response<proto::ListCasesResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let filter = CaseFilter {
            after: page::key(&mut fields, &body.page_token).flatten(),
            competent_agency: fields
                .optional_id("competent_agency", &body.competent_agency)
                .unwrap_or_default(),
            states: fields.choices("states", &body.states).unwrap_or_default(),
            due_before: fields
                .optional_instant("due_before", body.due_before.as_ref())
                .flatten(),
            rows: size.unwrap_or_default() + 1,
        };
        let size = fields.finish(size)?;
        let cases = self.list(&call, &filter).await?;
        let answers = cases
            .iter()
            .map(|(code, case)| answered(code, case))
            .collect();
        let shown = self.desk.shown(call.scope(), answers).await?;
        let (cases, next_page_token) = page::cut(shown, size, |case| {
            (
                from_proto_opt(case.due_at.as_ref()).unwrap_or_default(),
                case.code.clone(),
            )
        });
        Ok(Response::new(proto::ListCasesResponse {
            cases,
            next_page_token,
        }))
    }

    async fn list_sub_cases(
        &self,
        request: Request<proto::ListSubCasesRequest>,
    ) -> Result<Response<proto::ListSubCasesResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let mut filter = SubCaseFilter {
            after: page::key(&mut fields, &body.page_token).flatten(),
            agency: fields
                .optional_id("agency", &body.agency)
                .unwrap_or_default(),
            state: fields
                .optional_choice("state", body.state)
                .unwrap_or_default(),
            overdue_only: body.overdue_only,
            due_before: fields
                .optional_instant("due_before", body.due_before.as_ref())
                .flatten(),
            procedures: fields
                .optional_id("procedure", &body.procedure)
                .filter(|code| !code.is_empty())
                .into_iter()
                .collect(),
            rows: size.unwrap_or_default() + 1,
        };
        let size = fields.finish(size)?;
        let listed = self.list_branches(&call, &mut filter).await?;
        let shown = listed
            .iter()
            .filter_map(|listed| show_sub_case(&listed.code, &listed.case, listed.index))
            .collect();
        let (sub_cases, next_page_token) = page::cut(shown, size, |sub_case| SubCaseKey {
            due_at: from_proto_opt(sub_case.due_at.as_ref()).unwrap_or_default(),
            dossier: sub_case.dossier.clone(),
            number: sub_case.number,
        });
        Ok(Response::new(proto::ListSubCasesResponse {
            sub_cases,
            next_page_token,
        }))
    }

    async fn list_case_statements(
        &self,
        request: Request<proto::ListCaseStatementsRequest>,
    ) -> Result<Response<proto::ListCaseStatementsResponse>, Status> {
        let call = Call::enter(&request)?;
        let (code, _) = self.find(&call, &request.get_ref().name).await?;
        let mut reading = self
            .desk
            .archive
            .open(call.scope())
            .await
            .map_err(Error::from)?;
        let statements = statement::all(
            &mut reading,
            &self.desk.vault,
            &code,
            &format!("cases/{code}"),
        )
        .await?
        .into_iter()
        .map(|said| proto::CaseStatement {
            // The numbers in the database are the contract's.
            kind: said.kind,
            revision: said.revision,
            text: said.body.expose().clone(),
            ground: said.ground.expose().clone(),
        })
        .collect();
        Ok(Response::new(proto::ListCaseStatementsResponse {
            statements,
        }))
    }

    async fn get_control_sheet(
        &self,
        request: Request<proto::GetControlSheetRequest>,
    ) -> Result<Response<proto::ControlSheet>, Status> {
        let call = Call::enter(&request)?;
        let (code, case) = self.find(&call, &request.get_ref().name).await?;
        self.desk.surroundings_of(call.scope(), &case).await?;
        Ok(Response::new(control_sheet(
            &code,
            &case,
            self.desk.clock.now(),
            &self.desk.surround,
        )?))
    }

    async fn request_supplement(
        &self,
        request: Request<proto::RequestSupplementRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = code(&mut fields, &body.name);
        let missing = missing::read(&mut fields, &body.missing, &body.items);
        let reason = fields.optional_text("reason", &body.reason);
        let ground = fields.line("ground", &body.ground);
        let branch = fields.optional_id("branch", &body.branch);
        let request_id = fields.request_id(&body.request_id);
        let said = missing.zip(reason).zip(ground);
        let parsed = name.zip(said).zip(branch).zip(request_id);
        let (((code, ((missing, reason), ground)), branch), request_id) = fields.finish(parsed)?;
        let command = Command::RequestSupplement {
            branch,
            missing: Words::from(missing),
            reason: Words::from(reason),
            ground: Words::from(ground),
        };
        self.command(
            &call,
            "motcua.workflow.v1.CaseService/RequestSupplement",
            &body,
            [&code, &body.etag],
            request_id,
            command,
        )
        .await
    }

    async fn request_payment(
        &self,
        request: Request<proto::RequestPaymentRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = code(&mut fields, &body.name);
        let obligation = obligation(&mut fields, &body);
        let request_id = fields.request_id(&body.request_id);
        let parsed = name.zip(obligation).zip(request_id);
        let ((code, obligation), request_id) = fields.finish(parsed)?;
        let command = Command::RequestPayment { obligation };
        self.command(
            &call,
            "motcua.workflow.v1.CaseService/RequestPayment",
            &body,
            [&code, &body.etag],
            request_id,
            command,
        )
        .await
    }

    async fn extend_deadline(
        &self,
        request: Request<proto::ExtendDeadlineRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = code(&mut fields, &body.name);
        let due_at = fields.instant("due_at", body.due_at.as_ref());
        let reason = fields.text("reason", &body.reason);
        let request_id = fields.request_id(&body.request_id);
        let parsed = name.zip(due_at).zip(reason).zip(request_id);
        let (((code, due_at), reason), request_id) = fields.finish(parsed)?;
        let command = Command::ExtendDeadline {
            due_at,
            reason: Words::from(reason),
        };
        self.command(
            &call,
            "motcua.workflow.v1.CaseService/ExtendDeadline",
            &body,
            [&code, &body.etag],
            request_id,
            command,
        )
        .await
    }

    async fn choose_limit(
        &self,
        request: Request<proto::ChooseLimitRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = code(&mut fields, &body.name);
        let limit = fields.id("limit", &body.limit);
        let branch = if body.branch.is_empty() {
            Some(String::new())
        } else {
            fields.id("branch", &body.branch)
        };
        let reason = fields.text("reason", &body.reason);
        let request_id = fields.request_id(&body.request_id);
        let parsed = name.zip(branch).zip(limit).zip(reason).zip(request_id);
        let ((((code, branch), limit), reason), request_id) = fields.finish(parsed)?;
        let command = Command::ChooseLimit {
            branch,
            limit,
            reason: Words::from(reason),
        };
        self.command(
            &call,
            "motcua.workflow.v1.CaseService/ChooseLimit",
            &body,
            [&code, &body.etag],
            request_id,
            command,
        )
        .await
    }

    async fn migrate_case(
        &self,
        request: Request<proto::MigrateCaseRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = code(&mut fields, &body.name);
        let request_id = fields.request_id(&body.request_id);
        if body.version < 1 {
            fields.reject(
                "version",
                "must be a version of the case's definition, from 1",
            );
        }
        let (code, request_id) = fields.finish(name.zip(request_id))?;
        // The ledger decides with what this process knows; the version that is asked for may be new to it.
        let (_, case) = self.find(&call, &body.name).await?;
        let wanted = [(case.definition.as_str(), body.version)];
        self.desk.know(call.scope(), &wanted).await?;
        let command = Command::Migrate {
            version: body.version,
        };
        self.command(
            &call,
            "motcua.workflow.v1.CaseService/MigrateCase",
            &body,
            [&code, &body.etag],
            request_id,
            command,
        )
        .await
    }

    async fn stop_case(
        &self,
        request: Request<proto::StopCaseRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let name = code(&mut fields, &body.name);
        let reason = fields.text("reason", &body.reason);
        let ground = fields.line("ground", &body.ground);
        let request_id = fields.request_id(&body.request_id);
        let parsed = name.zip(reason).zip(ground).zip(request_id);
        let (((code, reason), ground), request_id) = fields.finish(parsed)?;
        let command = Command::Stop {
            reason: Words::from(reason),
            ground: Words::from(ground),
        };
        self.command(
            &call,
            "motcua.workflow.v1.CaseService/StopCase",
            &body,
            [&code, &body.etag],
            request_id,
            command,
        )
        .await
    }
}

/// What the work has found to be owed beside the fee: an amount with what it is owed for and the ground, or nothing of it.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether the fields are valid"
)]
fn obligation(
    fields: &mut Fields,
    body: &proto::RequestPaymentRequest,
) -> Option<Option<Obligation>> {
    if body.amount_vnd == 0 {
        let mut nothing = true;
        for (field, words) in [("reason", &body.reason), ("ground", &body.ground)] {
            if !words.is_empty() {
                nothing = false;
                fields.reject(field, "is given with an amount only (amount_vnd)");
            }
        }
        return nothing.then_some(None);
    }
    let sound = (1..=OBLIGATIONS_VND_MAX).contains(&body.amount_vnd);
    if !sound {
        fields.reject(
            "amount_vnd",
            format!(
                "must be from 1 to {OBLIGATIONS_VND_MAX}, or 0 to ask for what is unpaid alone"
            ),
        );
    }
    let reason = fields.text("reason", &body.reason);
    let ground = fields.line("ground", &body.ground);
    let (reason, ground) = (reason?, ground?);
    sound.then(|| {
        Some(Obligation {
            amount_vnd: body.amount_vnd,
            reason: Words::from(reason),
            ground: Words::from(ground),
        })
    })
}
