//! `ArchiveService`: runs of the archive.

use motcua_platform::{
    archive::Archive,
    call::{Call, acknowledge},
    catalog::Catalogs,
    clock::Clock,
    error::Error,
    ledger::{Ledger, Target},
    page,
    parse::Fields,
    time::local_date,
};
use motcua_proto::intake::v1::{
    ArchiveRun, GetArchiveRunRequest, ListArchiveRunsRequest, ListArchiveRunsResponse,
    SealArchiveRunRequest, StartArchiveRunRequest, UndoArchiveRunRequest,
    archive_service_server::ArchiveService,
};
use tonic::{Request, Response, Status};

use crate::{
    domain::archive_run::{Command, DOSSIERS_MAX, Entry},
    store::{self, ArchiveRuns},
};

/// Dossiers that are looked at in one go.
const LOOKED_AT: i64 = 1_000;

/// Serves the archive.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveApi {
    /// Where commands go.
    pub(crate) ledger: Ledger<ArchiveRuns>,
    /// Where it is said when dossiers are due.
    pub(crate) catalogs: Catalogs,
    /// For reading, for callers.
    pub(crate) archive: Archive,
    /// For the day that a run's key names.
    pub(crate) clock: Clock,
}

#[tonic::async_trait]
impl ArchiveService for ArchiveApi {
    async fn start_archive_run(
        &self,
        request: Request<StartArchiveRunRequest>,
    ) -> Result<Response<ArchiveRun>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let agency = fields.id("agency", &body.agency);
        let request_id = fields.request_id(&body.request_id);
        let (agency, request_id) = fields.finish(agency.zip(request_id))?;
        if !call.scope().acts_for(&agency) {
            return Err(Error::Missing {
                name: format!("agencies/{agency}"),
            }
            .into());
        }
        let (due, more) = self.due(&call, &agency).await?;
        let day = local_date(self.clock.now()).strftime("%y%m%d");
        let target = Target::Numbered(format!("{agency}-{day}"));
        let command = Command::Start {
            agency: agency.clone(),
            due,
            more,
        };
        let envelope = call.envelope(
            "motcua.intake.v1.ArchiveService/StartArchiveRun",
            &body,
            request_id,
            target,
            command,
        );
        Ok(acknowledge(self.ledger.execute(&agency, envelope).await?))
    }

    async fn get_archive_run(
        &self,
        request: Request<GetArchiveRunRequest>,
    ) -> Result<Response<ArchiveRun>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.name("name", "archives", &body.name);
        let key = fields.finish(key)?;
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        let run = store::archive_run(&mut reading, &key)
            .await
            .map_err(Error::from)?
            .ok_or(Error::Missing { name: body.name })?;
        Ok(Response::new(run.to_proto(&key)))
    }

    async fn list_archive_runs(
        &self,
        request: Request<ListArchiveRunsRequest>,
    ) -> Result<Response<ListArchiveRunsResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let after = page::key::<String>(&mut fields, &body.page_token);
        let agency = fields.optional_id("agency", &body.agency);
        let ((size, after), agency) = fields.finish(size.zip(after).zip(agency))?;
        let mut reading = self.archive.open(call.scope()).await.map_err(Error::from)?;
        let after = after.unwrap_or_default();
        let runs = store::archive_runs(&mut reading, &agency, &after, size + 1)
            .await
            .map_err(Error::from)?
            .into_iter()
            .map(|(key, run)| run.without_list(&key))
            .collect();
        let (runs, next_page_token) = page::cut(runs, size, |run: &ArchiveRun| {
            run.name
                .strip_prefix("archives/")
                .unwrap_or_default()
                .to_owned()
        });
        Ok(Response::new(ListArchiveRunsResponse {
            runs,
            next_page_token,
        }))
    }

    async fn undo_archive_run(
        &self,
        request: Request<UndoArchiveRunRequest>,
    ) -> Result<Response<ArchiveRun>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let (name, etag, request_id) = (&body.name, &body.etag, &body.request_id);
        let method = "motcua.intake.v1.ArchiveService/UndoArchiveRun";
        self.end(
            &call,
            method,
            &body,
            [name, etag, request_id],
            Command::Undo,
        )
        .await
    }

    async fn seal_archive_run(
        &self,
        request: Request<SealArchiveRunRequest>,
    ) -> Result<Response<ArchiveRun>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let (name, etag, request_id) = (&body.name, &body.etag, &body.request_id);
        let digests = self.digests(&call, name).await?;
        let method = "motcua.intake.v1.ArchiveService/SealArchiveRun";
        let command = Command::Seal(digests);
        self.end(&call, method, &body, [name, etag, request_id], command)
            .await
    }
}

impl ArchiveApi {
    /// What is due of that agency, and whether there is more than one run takes.
    async fn due(&self, call: &Call, agency: &str) -> Result<(Vec<Entry>, bool), Error> {
        let now = self.clock.now();
        let mut reading = self.archive.open(call.scope()).await?;
        let (mut due, mut after) = (Vec::new(), None);
        loop {
            let ended = store::ended(&mut reading, agency, after.as_ref(), LOOKED_AT).await?;
            let last = ended.last();
            after = last.map(|(code, dossier)| (dossier.submitted_at, code.clone()));
            let catalogs = ended.iter().map(|(_, dossier)| dossier.catalog.as_str());
            self.catalogs.ensure(&mut reading, catalogs).await?;
            for (code, dossier) in &ended {
                let archive_days = self.catalogs.get(&dossier.catalog).and_then(|catalog| {
                    let procedure = catalog.procedure(&dossier.procedure)?;
                    Some(procedure.archive_days)
                });
                let archive_days = archive_days.unwrap_or_default();
                due.extend(Entry::of(code, dossier, archive_days, now));
            }
            let more = due.len() > DOSSIERS_MAX;
            if more || after.is_none() {
                due.truncate(DOSSIERS_MAX);
                return Ok((due, more));
            }
        }
    }

    /// Of each dossier of the run; none where there is no such run, which the command then answers.
    async fn digests(&self, call: &Call, name: &str) -> Result<Vec<[u8; 32]>, Error> {
        let Some(key) = name.strip_prefix("archives/") else {
            return Ok(Vec::new());
        };
        let mut reading = self.archive.open(call.scope()).await?;
        let Some(run) = store::archive_run(&mut reading, key).await? else {
            return Ok(Vec::new());
        };
        let codes: Vec<_> = run.entries.iter().map(|entry| &entry.code[..]).collect();
        Ok(store::digests(&mut reading, &codes).await?)
    }

    async fn end<M: prost::Message>(
        &self,
        call: &Call,
        method: &'static str,
        body: &M,
        [name, etag, request_id]: [&String; 3],
        command: Command,
    ) -> Result<Response<ArchiveRun>, Status> {
        let mut fields = Fields::new();
        let key = fields.name("name", "archives", name);
        let etag = fields.optional_line("etag", etag);
        let request_id = fields.request_id(request_id);
        let ((key, etag), request_id) = fields.finish(key.zip(etag).zip(request_id))?;
        let turn = key.clone();
        let mut envelope = call.envelope(method, body, request_id, Target::Key(key), command);
        envelope.etag = etag;
        Ok(acknowledge(self.ledger.execute(&turn, envelope).await?))
    }
}
