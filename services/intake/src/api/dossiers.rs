//! `DossierService`: reception and hand-over.

use std::{collections::HashMap, sync::Arc};

use futures::future::join_all;
use jiff::Timestamp;
use motcua_platform::{
    archive::Reading,
    call::{Call, acknowledge},
    catalog::Catalog,
    error::Error,
    identity::Principal,
    ledger::{Accepted, Target},
    missing, page,
    parse::Fields,
    scope::Scope,
    time::{from_proto_opt, local_date},
};
use motcua_proto::{
    intake::v1::{
        AcceptDossierRequest, BatchSubmitDossiersRequest, BatchSubmitDossiersResponse,
        ConfirmTransferRequest, CorrectionState, Dossier, DossierFlag, DossierView,
        GetDossierRequest, HandOverResultRequest, Language, ListDossiersRequest,
        ListDossiersResponse, LookUpDossierRequest, RecordFailedHandOverRequest,
        RecuseStaffRequest, RefuseDossierRequest, RequestSupplementRequest, ReturnOriginalsRequest,
        Statement, StatementKind, SubmitDossierRequest, SubmitOutcome, SupplementDossierRequest,
        WithdrawDossierRequest, dossier_service_server::DossierService, submit_outcome,
    },
    r#type::v1::{DossierStatus, HandOverMethod, PriorityGround, Role},
    workflow::v1::{
        ListSubstitutionsRequest, substitution_service_client::SubstitutionServiceClient,
    },
};
use tonic::{Request, Response, Status};

use super::{DossierApi, hand_over, search, submission};
use crate::{
    domain::{
        applicant,
        command::{Command, Found},
        dossier::Dossier as State,
        fees::Units,
        plain,
        words::Words,
    },
    store,
};

/// Submissions in one call at most.
const SUBMISSIONS_MAX: usize = 100;

/// As the contract names it, for the log of who read what.
const GET_DOSSIER: &str = "motcua.intake.v1.DossierService/GetDossier";

#[tonic::async_trait]
impl DossierService for DossierApi {
    async fn submit_dossier(
        &self,
        request: Request<SubmitDossierRequest>,
    ) -> Result<Response<Dossier>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let catalog = self.in_force().await?;
        Ok(acknowledge(self.submit(&call, &body, catalog).await?))
    }

    async fn batch_submit_dossiers(
        &self,
        request: Request<BatchSubmitDossiersRequest>,
    ) -> Result<Response<BatchSubmitDossiersResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        if !(1..=SUBMISSIONS_MAX).contains(&body.requests.len()) {
            let range = format!("must be at least one and at most {SUBMISSIONS_MAX}");
            return Err(Error::field("requests", range).into());
        }
        let catalog = self.in_force().await?;
        // The first of an id counts; which is first, two lanes cannot tell.
        let mut first = HashMap::new();
        let places: Vec<_> = body
            .requests
            .iter()
            .enumerate()
            .map(|(place, request)| match request.request_id.as_str() {
                "" => place,
                id => *first.entry(id).or_insert(place),
            })
            .collect();
        let submitting =
            places
                .iter()
                .zip(&body.requests)
                .enumerate()
                .map(async |(place, (first, request))| {
                    if *first == place {
                        Some(self.submit(&call, request, catalog.clone()).await)
                    } else {
                        None
                    }
                });
        let submitted = join_all(submitting).await;
        let outcomes: Vec<_> = places
            .iter()
            .zip(&body.requests)
            .map(
                |(first, request)| match (submitted.get(*first), body.requests.get(*first)) {
                    (Some(Some(outcome)), Some(same)) if same == request => outcome.clone(),
                    _ => Err(Error::RequestIdReused(request.request_id.clone())),
                },
            )
            .collect();
        // They were written in whatever order: who waits for the last of them has them all.
        let position = outcomes
            .iter()
            .flatten()
            .filter_map(|accepted| accepted.position.clone())
            .max_by_key(|position| position.position);
        let outcomes = outcomes.into_iter().map(outcome).collect();
        Ok(acknowledge(Accepted {
            answer: BatchSubmitDossiersResponse { outcomes },
            position,
        }))
    }

    async fn get_dossier(
        &self,
        request: Request<GetDossierRequest>,
    ) -> Result<Response<Dossier>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let code = fields.name("name", "dossiers", &body.name);
        let view = fields.optional_choice::<DossierView>("view", body.view);
        let language = fields.optional_choice::<Language>("language", body.language);
        let ((code, view), language) = fields.finish(code.zip(view).zip(language))?;
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        let state = store::dossier(&mut reading, &code)
            .await
            .map_err(Error::from)?
            .ok_or(Error::Missing { name: body.name })?;
        let mut dossier = state.to_proto(&code);
        if language != Language::Unspecified {
            dossier.explanation = self.explanation(&mut reading, &state, language).await?;
        }
        if view == DossierView::Full {
            self.complete(&call, &mut reading, &code, &mut dossier)
                .await?;
        }
        Ok(Response::new(dossier))
    }

    async fn list_dossiers(
        &self,
        request: Request<ListDossiersRequest>,
    ) -> Result<Response<ListDossiersResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let like = search::like(&mut fields, &body);
        let filter = filter(&mut fields, &body);
        if let (Some(filter), Some(None)) = (&filter, &like)
            && filter.walks_everything(call.scope())
        {
            fields.reject(
                "receiving_agency",
                "is required with a period of reception or of the end, or else competent_agency",
            );
        }
        let (mut filter, like) = fields.finish(filter.zip(like))?;
        // Asked for by a code that it had before, a procedure is found by the one that it has.
        if let Some(catalog) = self.in_force().await?
            && let Some(procedure) = catalog.procedure(&filter.procedure)
        {
            filter.procedure.clone_from(&procedure.code);
        }
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        if let Some(like) = like {
            return Ok(Response::new(
                self.search(&call, &mut reading, filter, &like).await?,
            ));
        }
        let rows = store::list(&mut reading, &filter)
            .await
            .map_err(Error::from)?;
        let (dossiers, next_page_token) = page::cut(rows, filter.rows - 1, |dossier| {
            (
                from_proto_opt(dossier.submitted_at.as_ref()),
                dossier.code.clone(),
            )
        });
        Ok(Response::new(ListDossiersResponse {
            dossiers,
            next_page_token,
        }))
    }

    async fn look_up_dossier(
        &self,
        request: Request<LookUpDossierRequest>,
    ) -> Result<Response<Dossier>, Status> {
        let call = Call::enter(&request)?;
        Ok(Response::new(
            self.look_up(&call, request.into_inner()).await?,
        ))
    }

    async fn confirm_transfer(
        &self,
        request: Request<ConfirmTransferRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/ConfirmTransfer",
            request,
            |_, _| Some(Command::ConfirmTransfer),
        )
        .await
    }

    async fn recuse_staff(
        &self,
        request: Request<RecuseStaffRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/RecuseStaff",
            request,
            |fields, body| {
                let principal = fields.id("principal", &body.principal)?;
                Some(Command::Recuse { principal })
            },
        )
        .await
    }

    async fn accept_dossier(
        &self,
        request: Request<AcceptDossierRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/AcceptDossier",
            request,
            accept,
        )
        .await
    }

    async fn refuse_dossier(
        &self,
        request: Request<RefuseDossierRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/RefuseDossier",
            request,
            |fields, body| {
                let reason = fields.text("reason", &body.reason);
                let ground = fields.line("ground", &body.ground);
                Some(Command::Refuse {
                    reason: Words::from(reason?),
                    ground: Words::from(ground?),
                })
            },
        )
        .await
    }

    async fn request_supplement(
        &self,
        request: Request<RequestSupplementRequest>,
    ) -> Result<Response<Dossier>, Status> {
        let call = Call::enter(&request)?;
        let on_behalf_of = self.asks_again_for(&call, &request.get_ref().name).await?;
        self.act(
            "motcua.intake.v1.DossierService/RequestSupplement",
            request,
            |fields, body| {
                let missing = missing::read(fields, &body.missing, &body.items);
                let reason = fields.optional_text("reason", &body.reason);
                let ground = fields.line("ground", &body.ground);
                Some(Command::AskSupplement {
                    missing: Words::from(missing?),
                    reason: Words::from(reason?),
                    ground: Words::from(ground?),
                    on_behalf_of,
                })
            },
        )
        .await
    }

    async fn supplement_dossier(
        &self,
        request: Request<SupplementDossierRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/SupplementDossier",
            request,
            |fields, body| {
                let provided = fields.text("provided", &body.provided);
                submission::paper_ids(fields, &body.papers);
                let provided = provided?;
                Some(Command::ProvideSupplement {
                    provided: Words::from(provided),
                    papers: body.papers.clone(),
                })
            },
        )
        .await
    }

    async fn withdraw_dossier(
        &self,
        request: Request<WithdrawDossierRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/WithdrawDossier",
            request,
            |fields, body| {
                let reason = fields.optional_text("reason", &body.reason);
                let ground = fields.optional_line("ground", &body.ground);
                if body.reason.is_empty() && !body.ground.is_empty() {
                    fields.reject("ground", "is given with a reason only");
                }
                Some(Command::Withdraw {
                    reason: Words::from(reason?),
                    ground: Words::from(ground?),
                })
            },
        )
        .await
    }

    async fn hand_over_result(
        &self,
        request: Request<HandOverResultRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/HandOverResult",
            request,
            hand_over::hand_over,
        )
        .await
    }

    async fn return_originals(
        &self,
        request: Request<ReturnOriginalsRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/ReturnOriginals",
            request,
            |fields, body| {
                let received_by = fields.text("received_by", &body.received_by)?;
                Some(Command::ReturnOriginals {
                    received_by: Words::from(received_by),
                })
            },
        )
        .await
    }

    async fn record_failed_hand_over(
        &self,
        request: Request<RecordFailedHandOverRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.DossierService/RecordFailedHandOver",
            request,
            hand_over::failed,
        )
        .await
    }
}

impl DossierApi {
    /// Submits one dossier under this catalog.
    async fn submit(
        &self,
        call: &Call,
        body: &SubmitDossierRequest,
        catalog: Option<Arc<Catalog>>,
    ) -> Result<Accepted<Dossier>, Error> {
        let request_id = Fields::new().request_id(&body.request_id).flatten();
        let (target, command) = match submission::parse(
            body,
            catalog.as_deref(),
            call.scope(),
            call.principal().map(|it| (it, call.actor.role())),
            self.clock.now(),
            |subject| self.vault.newcomer(subject),
        ) {
            Ok((submission, identifier)) => {
                let day = local_date(self.clock.now()).strftime("%y%m%d");
                (
                    Target::Numbered(format!("{identifier}-{day}")),
                    Command::Submit(Box::new(submission)),
                )
            }
            // The same request may have been accepted before, under another catalog: the ledger knows.
            Err(error) if request_id.is_some() => {
                (Target::Key(String::new()), Command::Reject(error))
            }
            Err(error) => return Err(error),
        };
        let turn = match &catalog {
            Some(catalog) => catalog
                .agency(&body.receiving_agency)
                .map_or("", |agency| &agency.identifier),
            None => "",
        };
        let envelope = call.envelope(
            "motcua.intake.v1.DossierService/SubmitDossier",
            body,
            request_id,
            target,
            command,
        );
        self.ledger.execute(turn, envelope).await
    }

    /// The catalog in force; looked up again where this process knows none, for another replica may.
    pub(super) async fn in_force(&self) -> Result<Option<Arc<Catalog>>, Error> {
        let now = self.clock.now();
        if self.catalogs.in_force(now).is_none() {
            let mut reading = self.archive.open(&Scope::by_rule()).await?;
            self.catalogs.refresh(&mut reading, now).await?;
        }
        Ok(self.catalogs.in_force(now))
    }

    /// Where it stands, in plain words.
    pub(super) async fn explanation(
        &self,
        reading: &mut Reading,
        state: &State,
        language: Language,
    ) -> Result<Vec<String>, Error> {
        let catalog = self.catalog_of(reading, state).await?;
        let now = self.clock.now();
        let in_force = self.catalogs.in_force(now);
        Ok(plain::tell(
            state,
            &catalog,
            in_force.as_deref(),
            now,
            language,
        ))
    }

    /// The leader for whom the caller stands in, where a leader is needed: to ask for a supplement again. Empty for none. Who stands in
    /// for whom is workflow's.
    async fn asks_again_for(&self, call: &Call, name: &str) -> Result<String, Status> {
        let code = name.strip_prefix("dossiers/").unwrap_or_default();
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        let dossier = store::dossier(&mut reading, code)
            .await
            .map_err(Error::from)?;
        drop(reading);
        let leads = |caller: &Principal| caller.roles.contains(&Role::Leader);
        let asked_before = dossier.filter(|dossier| {
            dossier.status == DossierStatus::Submitted && dossier.asked.is_some()
        });
        let Some(dossier) = asked_before.filter(|_| !call.principal().is_some_and(leads)) else {
            return Ok(String::new());
        };
        let agency = dossier.receiving_agency;
        let mut standing = SubstitutionServiceClient::new(self.workflow.clone());
        let mut asked = ListSubstitutionsRequest {
            page_size: 1_000,
            agency: agency.clone(),
            in_force_only: true,
            ..ListSubstitutionsRequest::default()
        };
        loop {
            let listed = standing
                .list_substitutions(asked.clone())
                .await?
                .into_inner();
            let own = listed.substitutions.into_iter().find(|it| {
                let leads = it.role() == Role::Leader && it.agency == agency;
                leads && it.substitute == call.actor.id
            });
            if own.is_some() || listed.next_page_token.is_empty() {
                return Ok(own.map(|it| it.absent).unwrap_or_default());
            }
            asked.page_token = listed.next_page_token;
        }
    }

    /// The catalog that it stands under; another replica may have applied it.
    pub(super) async fn catalog_of(
        &self,
        reading: &mut Reading,
        state: &State,
    ) -> Result<Arc<Catalog>, Error> {
        let id = state.catalog.as_str();
        self.catalogs.ensure(reading, [id]).await?;
        self.catalogs
            .get(id)
            .ok_or_else(|| Error::Fault(format!("catalog {id} is not in the database")))
    }

    /// Adds what only the FULL view shows.
    async fn complete(
        &self,
        call: &Call,
        reading: &mut Reading,
        code: &str,
        dossier: &mut Dossier,
    ) -> Result<(), Error> {
        let purpose = call.purpose()?;
        let statements = store::statements(reading, &self.vault, code).await?;
        self.accesses
            .note(call, GET_DOSSIER, purpose, &[code])
            .await?;
        let pending = dossier
            .corrections
            .last()
            .is_some_and(|it| it.state() == CorrectionState::Pending && it.entry.is_none());
        for said in statements {
            if said.kind == i32::from(StatementKind::Applicant) {
                dossier.applicant = applicant::read(said.body.expose());
                continue;
            }
            // The names of files are ListDocuments' to show, each with its document.
            if said.kind == i32::from(StatementKind::FileName) {
                continue;
            }
            if said.kind == i32::from(StatementKind::Correction) {
                if pending {
                    dossier.proposed = applicant::read(said.body.expose());
                }
                continue;
            }
            dossier.statements.push(Statement {
                kind: said.kind,
                revision: said.revision,
                text: said.body.into_exposed(),
                ground: said.ground.into_exposed(),
            });
        }
        Ok(())
    }
}

/// An outcome as the contract has it.
fn outcome(outcome: Result<Accepted<Dossier>, Error>) -> SubmitOutcome {
    let outcome = match outcome {
        Ok(accepted) => submit_outcome::Outcome::Dossier(accepted.answer),
        Err(error) => submit_outcome::Outcome::Error(error.into()),
    };
    SubmitOutcome {
        outcome: Some(outcome),
    }
}

/// `{name}_from` and `{name}_to`.
fn period(
    fields: &mut Fields,
    name: &str,
    [from, to]: [&Option<prost_types::Timestamp>; 2],
) -> Option<store::Period> {
    let from = fields.optional_instant(&format!("{name}_from"), from.as_ref());
    let to = fields.optional_instant(&format!("{name}_to"), to.as_ref());
    let (from, to) = from.zip(to)?;
    if from.zip(to).is_some_and(|(from, to)| to <= from) {
        fields.reject(format!("{name}_to"), format!("must lie after {name}_from"));
    }
    Some(store::Period { from, to })
}

fn accept(fields: &mut Fields, body: &AcceptDossierRequest) -> Option<Command> {
    let exemption = fields.optional_id("exemption", &body.exemption);
    let exemption_paper =
        submission::exemption_paper(fields, &body.exemption, &body.exemption_paper);
    let units = Units {
        quantity: body.quantity,
        copies: body.copies,
    };
    submission::check_units(fields, units);
    if body.no_exemption && !body.exemption.is_empty() {
        fields.reject(
            "no_exemption",
            "must not be set where one holds (exemption)",
        );
    }
    let stated = fields.optional_choice::<PriorityGround>("priority", body.priority);
    let priority_reason = fields.optional_text("priority_reason", &body.priority_reason);
    if stated == Some(PriorityGround::Unspecified) && !body.priority_reason.is_empty() {
        fields.reject("priority_reason", "is given with a priority only");
    }
    if body.no_priority && body.priority != 0 {
        fields.reject("no_priority", "must not be set where one holds (priority)");
    }
    let ((exemption, exemption_paper), (stated, priority_reason)) = exemption
        .zip(exemption_paper)
        .zip(stated.zip(priority_reason))?;
    let priority = match stated {
        PriorityGround::Unspecified => body.no_priority.then_some(PriorityGround::Unspecified),
        stated => Some(stated),
    };
    let as_submitted = units == Units::default() && exemption.is_empty() && !body.no_exemption;
    if as_submitted && priority.is_none() {
        return Some(Command::Accept);
    }
    Some(Command::AcceptAt(Found {
        units,
        exemption,
        exemption_paper,
        no_exemption: body.no_exemption,
        priority,
        priority_reason: Words::from(priority_reason),
    }))
}

fn filter(fields: &mut Fields, body: &ListDossiersRequest) -> Option<store::Filter> {
    let rows = page::size(fields, body.page_size);
    let after = page::key::<(Timestamp, String)>(fields, &body.page_token);
    let receiving_agency = fields.optional_id("receiving_agency", &body.receiving_agency);
    let statuses = fields.choices::<DossierStatus>("statuses", &body.statuses);
    let procedure = fields.optional_id("procedure", &body.procedure);
    let method =
        fields.optional_choice::<HandOverMethod>("hand_over_method", body.hand_over_method);
    let submitted_from = fields.optional_instant("submitted_from", body.submitted_from.as_ref());
    let submitted_to = fields.optional_instant("submitted_to", body.submitted_to.as_ref());
    let external_code = fields.optional_line("external_code", &body.external_code);
    let flags = fields.choices::<DossierFlag>("flags", &body.flags);
    let due_before = fields.optional_instant("due_before", body.due_before.as_ref());
    let ready_before = fields.optional_instant("ready_before", body.ready_before.as_ref());
    let received = period(fields, "received", [&body.received_from, &body.received_to]);
    let ended = period(fields, "ended", [&body.ended_from, &body.ended_to]);
    let handed_over = period(
        fields,
        "handed_over",
        [&body.handed_over_from, &body.handed_over_to],
    );
    let competent_agency = fields.optional_id("competent_agency", &body.competent_agency);
    let handed_over = handed_over?;
    Some(store::Filter {
        receiving_agency: receiving_agency?,
        statuses: statuses?
            .into_iter()
            .map(i32::from)
            .filter_map(|status| status.try_into().ok())
            .collect(),
        procedure: procedure?,
        hand_over_method: i32::from(method?).try_into().ok()?,
        submitted_from: submitted_from?,
        submitted_to: submitted_to?,
        external_code: external_code?,
        archived: body.archived,
        flags: store::flags(&flags?),
        due_before: due_before?,
        ready_before: ready_before?,
        received: received?,
        // The hand-over is an end.
        ended: ended?.and(handed_over),
        handed_over: handed_over.is_set(),
        competent_agency: competent_agency?,
        codes: None,
        after: after?,
        // One more than the page holds says whether another one follows.
        rows: rows? + 1,
    })
}
