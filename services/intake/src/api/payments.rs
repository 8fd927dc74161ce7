//! `PaymentService`: what was paid and what was given back.

use motcua_platform::parse::Fields;
use motcua_proto::intake::v1::{
    Dossier, RecordPaymentRequest, RefundPaymentRequest, payment_service_server::PaymentService,
};
use tonic::{Request, Response, Status};

use super::DossierApi;
use crate::domain::{
    command::{Command, NewPayment},
    words::Words,
};

#[tonic::async_trait]
impl PaymentService for DossierApi {
    async fn record_payment(
        &self,
        request: Request<RecordPaymentRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.PaymentService/RecordPayment",
            request,
            record,
        )
        .await
    }

    async fn refund_payment(
        &self,
        request: Request<RefundPaymentRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.PaymentService/RefundPayment",
            request,
            refund,
        )
        .await
    }
}

fn record(fields: &mut Fields, body: &RecordPaymentRequest) -> Option<Command> {
    let provider = fields.id("provider", &body.provider);
    // It stands in events: a reference is an id and no text about whoever paid.
    let reference = fields.id("reference", &body.reference);
    if body.amount_vnd <= 0 {
        fields.reject("amount_vnd", "must be more than 0");
    }
    let paid_at = fields.optional_instant("paid_at", body.paid_at.as_ref());
    Some(Command::RecordPayment(NewPayment {
        provider: provider?,
        reference: reference?,
        amount_vnd: Some(body.amount_vnd).filter(|amount| *amount > 0)?,
        paid_at: paid_at?,
    }))
}

fn refund(fields: &mut Fields, body: &RefundPaymentRequest) -> Option<Command> {
    let payment = fields.id("payment", &body.payment);
    let reason = fields.text("reason", &body.reason);
    Some(Command::RefundPayment {
        payment: payment?,
        reason: Words::from(reason?),
    })
}
