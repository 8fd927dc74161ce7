//! What every act on a dossier that exists has in common: its name, the etag that the caller saw, the request id.

use motcua_platform::{
    call::{Call, acknowledge},
    ledger::{Target, turn_of},
    parse::Fields,
};
use motcua_proto::intake::v1::{
    AcceptDossierRequest, AcknowledgeStateRequest, ConfirmTransferRequest, DecideCorrectionRequest,
    Dossier, HandOverResultRequest, ProposeCorrectionRequest, RecordExternalStateRequest,
    RecordFailedHandOverRequest, RecordPaymentRequest, RecordVisitRequest, RecuseStaffRequest,
    RefundPaymentRequest, RefuseDossierRequest, RequestSupplementRequest, RequestVisitRequest,
    ReturnOriginalsRequest, SupplementDossierRequest, WithdrawDossierRequest,
};
use tonic::{Request, Response, Status};

use super::DossierApi;
use crate::domain::command::Command;

/// A request that acts on a dossier that exists.
pub(super) trait Act: prost::Message {
    fn name(&self) -> &str;
    fn etag(&self) -> &str;
    fn request_id(&self) -> &str;
}

macro_rules! acts {
    ($($request:ty)*) => {$(
        impl Act for $request {
            fn name(&self) -> &str { &self.name }
            fn etag(&self) -> &str { &self.etag }
            fn request_id(&self) -> &str { &self.request_id }
        }
    )*};
}

acts! {
    RecuseStaffRequest AcceptDossierRequest RefuseDossierRequest RequestSupplementRequest SupplementDossierRequest
    WithdrawDossierRequest HandOverResultRequest RequestVisitRequest RecordVisitRequest RecordPaymentRequest RefundPaymentRequest
    RecordFailedHandOverRequest ProposeCorrectionRequest DecideCorrectionRequest RecordExternalStateRequest
    AcknowledgeStateRequest ReturnOriginalsRequest ConfirmTransferRequest
}

impl DossierApi {
    /// Parses, asks the ledger, answers with the dossier as it now is.
    pub(super) async fn act<M: Act>(
        &self,
        method: &'static str,
        request: Request<M>,
        parse: impl FnOnce(&mut Fields, &M) -> Option<Command>,
    ) -> Result<Response<Dossier>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let code = fields.name("name", "dossiers", body.name());
        let command = parse(&mut fields, &body);
        let etag = fields.optional_line("etag", body.etag());
        let request_id = fields.request_id(body.request_id());
        let parsed = code.zip(command).zip(etag.zip(request_id));
        let ((code, command), (etag, request_id)) = fields.finish(parsed)?;
        let turn = turn_of(&code).to_owned();
        let mut envelope = call.envelope(method, &body, request_id, Target::Key(code), command);
        envelope.etag = etag;
        Ok(acknowledge(self.ledger.execute(&turn, envelope).await?))
    }
}
