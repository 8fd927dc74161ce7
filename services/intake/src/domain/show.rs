//! The dossier as the contract shows it, in the BASIC view: without personal data.

use motcua_platform::{catalog, ledger::etag, time::to_proto};
use motcua_proto::{
    intake::v1::{
        Dossier as ProtoDossier, FailedHandOver as ProtoFailedHandOver, Payment as ProtoPayment,
        StatementKind, Visit as ProtoVisit,
    },
    r#type::v1::{HandOverMethod, Recipient},
};

use super::{
    dossier::{Dossier, FailedHandOver, Payment, Transfer, payment_id, visit_id},
    others::Other,
    papers::Handed,
};

impl Dossier {
    /// As the contract shows it in the BASIC view.
    #[must_use]
    pub fn to_proto(&self, code: &str) -> ProtoDossier {
        let reception = self.reception.as_ref();
        ProtoDossier {
            name: format!("dossiers/{code}"),
            code: code.to_owned(),
            status: self.status.into(),
            status_since: Some(to_proto(self.status_since)),
            procedure: self.procedure.clone(),
            channel: self.channel.into(),
            receiving_agency: self.receiving_agency.clone(),
            competent_agency: self.competent_agency.clone(),
            catalog: self.catalog.clone(),
            priority: self.priority.into(),
            hand_over_method: self.hand_over_method.into(),
            options: self.options.clone(),
            external_code: self.external_code.clone(),
            submitted_at: Some(to_proto(self.submitted_at)),
            acceptance_due_at: Some(to_proto(self.acceptance_due_at)),
            received_at: reception.map(|reception| to_proto(reception.received_at)),
            due_at: reception.map(|reception| to_proto(reception.due_at)),
            limit: reception.and_then(|reception| catalog::limit_to_proto(&reception.limit)),
            result_ready_at: self.result.as_ref().map(|result| to_proto(result.ready_at)),
            outcome: self
                .result
                .as_ref()
                .map(|result| result.outcome.clone())
                .unwrap_or_default(),
            handed_over_at: self
                .handed_over
                .as_ref()
                .map(|handed_over| to_proto(handed_over.at)),
            handed_over_by: self
                .handed_over
                .as_ref()
                .map_or(HandOverMethod::Unspecified, |it| it.method)
                .into(),
            fee_vnd: reception.map_or(0, |reception| reception.fee_vnd),
            obligations_vnd: reception.map_or(0, |reception| reception.obligations_vnd),
            visits: (0..self.visits.len())
                .filter_map(|place| self.visit(place))
                .collect(),
            etag: etag(self.version),
            applicant: None,
            statements: Vec::new(),
            recused: self.recused.iter().cloned().collect(),
            supplement_due_at: self.awaited().map(|asked| to_proto(asked.due_at)),
            explanation: Vec::new(),
            payments: self
                .payments
                .iter()
                .enumerate()
                .map(|(place, payment)| payment.to_proto(place))
                .collect(),
            paid_vnd: self.paid_vnd(),
            exempted_vnd: reception.map_or(0, |reception| reception.exempted_vnd),
            papers: self.papers.iter().map(Handed::to_proto).collect(),
            documents: self
                .documents
                .iter()
                .enumerate()
                .map(|(place, document)| document.to_proto(code, place))
                .collect(),
            handed_over_to: self
                .handed_over
                .as_ref()
                .map_or(Recipient::Unspecified, |it| it.recipient)
                .into(),
            tracking_reference: self
                .handed_over
                .as_ref()
                .map(|it| it.tracking_reference.clone())
                .unwrap_or_default(),
            failed_hand_overs: self
                .failed_hand_overs
                .iter()
                .map(FailedHandOver::to_proto)
                .collect(),
            corrections: self
                .corrections
                .iter()
                .enumerate()
                .map(|(place, correction)| correction.to_proto(place))
                .collect(),
            proposed: None,
            archived: self.archived,
            originals_returned_at: self.originals_returned.as_ref().map(|it| to_proto(it.at)),
            originals_returned_by: self
                .originals_returned
                .as_ref()
                .map(|it| it.by.clone())
                .unwrap_or_default(),
            quantity: self.quantity,
            copies: self.copies,
            sets: self.sets.max(1),
            exemption: self.exemption.clone(),
            authority: self.authority.clone(),
            other_systems: self.others.iter().map(Other::to_proto).collect(),
            helping_agency: self.helping_agency.clone(),
            helping_revision: self.helping_revision(),
            transfer: self.transfer.as_ref().map(Transfer::to_proto),
        }
    }
}

impl FailedHandOver {
    fn to_proto(&self) -> ProtoFailedHandOver {
        ProtoFailedHandOver {
            method: self.method.into(),
            failure: self.failure.into(),
            at: Some(to_proto(self.at)),
        }
    }
}

impl Dossier {
    /// As the contract shows the visit at a place; `None` where there is none.
    #[must_use]
    pub fn visit(&self, place: usize) -> Option<ProtoVisit> {
        let visit = self.visits.get(place)?;
        let latest_address = self.next_revision(StatementKind::Visit) - 1;
        Some(ProtoVisit {
            id: visit_id(place),
            window_from: Some(to_proto(visit.from)),
            window_to: Some(to_proto(visit.to)),
            made_at: visit.made_at.map(to_proto),
            handed_over: visit.handed_over,
            papers_taken: visit.papers_taken,
            visitor: visit.visitor.clone(),
            address_revision: visit.address_revision.unwrap_or(latest_address),
            location_revision: visit.location_revision,
            offered: visit.offered,
        })
    }
}

impl Payment {
    fn to_proto(&self, place: usize) -> ProtoPayment {
        ProtoPayment {
            id: payment_id(place),
            provider: self.provider.clone(),
            reference: self.reference.clone(),
            amount_vnd: self.amount_vnd,
            paid_at: Some(to_proto(self.paid_at)),
            refunded_at: self.refunded_at.map(to_proto),
        }
    }
}
