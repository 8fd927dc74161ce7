//! `motcua.statistics.v1.ReportService`: parse, ask, convert.

use jiff::{Timestamp, civil::Date};
use motcua_platform::{
    archive::Archive, call::Call, clock::Clock, error::Error, page, parse::Fields, rpc::Peer,
    scope::Scope, time::date_to_proto,
};
use motcua_proto::{
    google::r#type::Date as ProtoDate,
    statistics::v1::{
        GetDurationsRequest, GetDurationsResponse, GetSettlementReportRequest,
        ListDossierFactsRequest, ListDossierFactsResponse, ReconcileRequest, ReconcileResponse,
        SettlementReport, report_service_server::ReportService,
    },
};
use tonic::{Request, Response, Status};

use crate::{
    domain::report::{PERIOD_DAYS_MAX, Period, day_end, footnotes},
    reconcile::reconcile,
    store::{self, Filter},
};

/// Agencies that a report may be asked for at once.
const AGENCIES_MAX: usize = 1_000;

/// Serves reports.
#[derive(Debug, Clone)]
pub(crate) struct ReportServer {
    /// Its rows.
    pub(crate) archive: Archive,
    /// For what is in progress: it is judged at the period's end, or now where that lies ahead.
    pub(crate) clock: Clock,
    /// The feeds to recount from.
    pub(crate) sources: Vec<(&'static str, Peer)>,
}

impl ReportServer {
    pub(crate) async fn settlement_report(
        &self,
        scope: &Scope,
        request: GetSettlementReportRequest,
    ) -> Result<SettlementReport, Error> {
        let mut fields = Fields::new();
        let agencies = agencies(&mut fields, request.agencies);
        let period = period(&mut fields, request.from.as_ref(), request.to.as_ref());
        let as_of = as_of(&mut fields, request.as_of.as_ref(), request.from.as_ref());
        let ((agencies, period), as_of) = fields.finish(agencies.zip(period).zip(as_of))?;
        let recorded_before = as_of.map_or(Timestamp::MAX, day_end);
        let moment = period.end().min(recorded_before).min(self.clock.now());
        let filter = Filter {
            agencies,
            period,
            recorded_before,
            moment,
        };
        let settlement = store::settlement(&mut self.archive.open(scope).await?, &filter).await?;
        let (total, lines, days) = settlement.tally.finish(&settlement.places);
        Ok(SettlementReport {
            from: Some(date_to_proto(period.from)),
            to: Some(date_to_proto(period.to)),
            total: Some(total),
            lines,
            days,
            footnotes: footnotes(moment, as_of, &settlement.positions),
            positions: settlement.positions,
        })
    }

    pub(crate) async fn dossier_facts(
        &self,
        scope: &Scope,
        request: ListDossierFactsRequest,
    ) -> Result<ListDossierFactsResponse, Error> {
        let mut fields = Fields::new();
        let size = page::size(&mut fields, request.page_size);
        let after = page::key::<String>(&mut fields, &request.page_token);
        let agency = fields.optional_id("agency", &request.agency);
        let ((size, after), agency) = fields.finish(size.zip(after).zip(agency))?;
        let overdue_at = request.overdue_only.then(|| self.clock.now());
        let facts = store::list(
            &mut self.archive.open(scope).await?,
            &agency,
            &after.unwrap_or_default(),
            overdue_at,
            size + 1,
        )
        .await?;
        let facts = facts
            .into_iter()
            .map(|(dossier, fact)| fact.to_proto(dossier))
            .collect();
        let (facts, next_page_token) = page::cut(facts, size, |fact| fact.dossier.clone());
        Ok(ListDossierFactsResponse {
            facts,
            next_page_token,
        })
    }

    pub(crate) async fn durations(
        &self,
        scope: &Scope,
        request: GetDurationsRequest,
    ) -> Result<GetDurationsResponse, Error> {
        let mut fields = Fields::new();
        let agencies = agencies(&mut fields, request.agencies);
        let period = period(&mut fields, request.from.as_ref(), request.to.as_ref());
        let (agencies, period) = fields.finish(agencies.zip(period))?;
        let procedures =
            store::durations(&mut self.archive.open(scope).await?, &agencies, period).await?;
        Ok(GetDurationsResponse { procedures })
    }

    pub(crate) async fn recount(&self, scope: &Scope) -> Result<ReconcileResponse, Error> {
        reconcile(self.archive.open(scope).await?, &self.sources).await
    }
}

#[tonic::async_trait]
impl ReportService for ReportServer {
    async fn get_settlement_report(
        &self,
        request: Request<GetSettlementReportRequest>,
    ) -> Result<Response<SettlementReport>, Status> {
        let call = Call::enter(&request)?;
        let report = self.settlement_report(call.scope(), request.into_inner());
        Ok(Response::new(report.await?))
    }

    async fn list_dossier_facts(
        &self,
        request: Request<ListDossierFactsRequest>,
    ) -> Result<Response<ListDossierFactsResponse>, Status> {
        let call = Call::enter(&request)?;
        let facts = self.dossier_facts(call.scope(), request.into_inner());
        Ok(Response::new(facts.await?))
    }

    async fn get_durations(
        &self,
        request: Request<GetDurationsRequest>,
    ) -> Result<Response<GetDurationsResponse>, Status> {
        let call = Call::enter(&request)?;
        let durations = self.durations(call.scope(), request.into_inner());
        Ok(Response::new(durations.await?))
    }

    async fn reconcile(
        &self,
        request: Request<ReconcileRequest>,
    ) -> Result<Response<ReconcileResponse>, Status> {
        let call = Call::enter(&request)?;
        Ok(Response::new(self.recount(call.scope()).await?))
    }
}

fn agencies(fields: &mut Fields, codes: Vec<String>) -> Option<Vec<String>> {
    if codes.len() > AGENCIES_MAX {
        fields.reject(
            "agencies",
            format!("must be at most {AGENCIES_MAX}; leave it empty for all"),
        );
        return None;
    }
    codes
        .iter()
        .enumerate()
        .map(|(index, code)| fields.id(&format!("agencies[{index}]"), code))
        .collect::<Vec<_>>()
        .into_iter()
        .collect()
}

fn period(fields: &mut Fields, from: Option<&ProtoDate>, to: Option<&ProtoDate>) -> Option<Period> {
    let from = fields.date("from", from);
    let to = fields.date("to", to);
    let (from, to) = from.zip(to)?;
    if from > to {
        fields.reject("to", "must not be before from");
        return None;
    }
    if to
        .since(from)
        .is_ok_and(|length| length.get_days() >= PERIOD_DAYS_MAX)
    {
        fields.reject(
            "to",
            format!("must be within {PERIOD_DAYS_MAX} days of from"),
        );
        return None;
    }
    Some(Period { from, to })
}

#[expect(
    clippy::option_option,
    reason = "the outer one says whether the field is valid"
)]
fn as_of(
    fields: &mut Fields,
    as_of: Option<&ProtoDate>,
    from: Option<&ProtoDate>,
) -> Option<Option<Date>> {
    if as_of.is_none() {
        return Some(None);
    }
    let as_of = fields.date("as_of", as_of)?;
    // What is wrong with the period's own days is said there.
    let from = from.and_then(motcua_platform::time::date_from_proto);
    if from.is_some_and(|from| as_of < from) {
        fields.reject(
            "as_of",
            "must not be before from: nothing of the period had happened yet",
        );
        return None;
    }
    Some(Some(as_of))
}
