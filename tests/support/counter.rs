//! What is done at the counter and at the family's home. Each helper is one act, and fails the test when it is refused.

use motcua_proto::{
    intake::v1::{
        AcceptDossierRequest, Dossier, DossierView, GetDossierRequest, HandOverResultRequest,
        RecordPaymentRequest, RecordVisitRequest, RefuseDossierRequest, RequestSupplementRequest,
        RequestVisitRequest, SubmitDossierRequest, SupplementDossierRequest,
        WithdrawDossierRequest,
    },
    r#type::v1::HandOverMethod,
};

use tonic::Request;

use super::{
    people::{GROUND, Person, new_id},
    time::proto,
};

impl Person<'_> {
    pub(crate) async fn submits(&self, request: SubmitDossierRequest) -> Dossier {
        self.dossiers()
            .submit_dossier(request)
            .await
            .expect("it is submitted")
            .into_inner()
    }

    pub(crate) async fn sees(&self, code: &str) -> Dossier {
        self.reads(code, DossierView::Basic).await
    }

    /// With the applicant and what was said.
    pub(crate) async fn sees_all(&self, code: &str) -> Dossier {
        self.reads(code, DossierView::Full).await
    }

    async fn reads(&self, code: &str, view: DossierView) -> Dossier {
        let mut request = Request::new(GetDossierRequest {
            name: format!("dossiers/{code}"),
            view: view.into(),
            ..GetDossierRequest::default()
        });
        request
            .metadata_mut()
            .insert("motcua-purpose", "a test".parse().expect("ASCII"));
        self.dossiers()
            .get_dossier(request)
            .await
            .expect("it is there")
            .into_inner()
    }

    pub(crate) fn accepting(code: &str) -> AcceptDossierRequest {
        AcceptDossierRequest {
            name: format!("dossiers/{code}"),
            etag: String::new(),
            request_id: new_id(),
            ..AcceptDossierRequest::default()
        }
    }

    pub(crate) async fn accepts(&self, code: &str) -> Dossier {
        self.dossiers()
            .accept_dossier(Self::accepting(code))
            .await
            .expect("it is accepted")
            .into_inner()
    }

    pub(crate) async fn refuses(&self, code: &str, reason: &str) -> Dossier {
        let request = RefuseDossierRequest {
            name: format!("dossiers/{code}"),
            reason: reason.to_owned(),
            ground: GROUND.to_owned(),
            etag: String::new(),
            request_id: new_id(),
        };
        self.dossiers()
            .refuse_dossier(request)
            .await
            .expect("it is refused")
            .into_inner()
    }

    /// Before acceptance.
    pub(crate) async fn asks_for(&self, code: &str, missing: &str) -> Dossier {
        let request = RequestSupplementRequest {
            name: format!("dossiers/{code}"),
            missing: missing.to_owned(),
            ground: GROUND.to_owned(),
            etag: String::new(),
            request_id: new_id(),
            ..Default::default()
        };
        self.dossiers()
            .request_supplement(request)
            .await
            .expect("it is asked for")
            .into_inner()
    }

    pub(crate) async fn hands_in(&self, code: &str, provided: &str) -> Dossier {
        let request = SupplementDossierRequest {
            name: format!("dossiers/{code}"),
            provided: provided.to_owned(),
            request_id: new_id(),
            ..SupplementDossierRequest::default()
        };
        self.dossiers()
            .supplement_dossier(request)
            .await
            .expect("it is handed in")
            .into_inner()
    }

    pub(crate) async fn withdraws(&self, code: &str) -> Dossier {
        let request = WithdrawDossierRequest {
            name: format!("dossiers/{code}"),
            reason: "Gia đình không còn nhu cầu".to_owned(),
            etag: String::new(),
            request_id: new_id(),
            ..WithdrawDossierRequest::default()
        };
        self.dossiers()
            .withdraw_dossier(request)
            .await
            .expect("it is withdrawn")
            .into_inner()
    }

    pub(crate) fn handing_over(code: &str, method: HandOverMethod) -> HandOverResultRequest {
        HandOverResultRequest {
            name: format!("dossiers/{code}"),
            method: method.into(),
            received_by: "Chủ hồ sơ, đã ký nhận".to_owned(),
            request_id: new_id(),
            tracking_reference: match method {
                HandOverMethod::Post => format!("BC-{code}"),
                _ => String::new(),
            },
            ..HandOverResultRequest::default()
        }
    }

    pub(crate) async fn hands_over(&self, code: &str) -> Dossier {
        let request = Self::handing_over(code, HandOverMethod::Counter);
        self.dossiers()
            .hand_over_result(request)
            .await
            .expect("it is handed over")
            .into_inner()
    }

    /// Towards the fee, in đồng.
    pub(crate) async fn pays(&self, code: &str, amount_vnd: i64) -> Dossier {
        let request_id = new_id();
        let request = RecordPaymentRequest {
            name: format!("dossiers/{code}"),
            provider: "counter".to_owned(),
            reference: request_id.clone(),
            amount_vnd,
            request_id,
            ..RecordPaymentRequest::default()
        };
        self.payments()
            .record_payment(request)
            .await
            .expect("it is recorded")
            .into_inner()
    }

    /// Between two local times.
    pub(crate) async fn arranges_visit(&self, code: &str, from: &str, to: &str) -> Dossier {
        let request = RequestVisitRequest {
            name: format!("dossiers/{code}"),
            window_from: proto(from),
            window_to: proto(to),
            request_id: new_id(),
            ..RequestVisitRequest::default()
        };
        self.visits()
            .request_visit(request)
            .await
            .expect("it is arranged")
            .into_inner()
    }

    /// Nobody is met if nobody received.
    pub(crate) async fn visits_home(&self, code: &str, visit: &str, received_by: &str) -> Dossier {
        let request = RecordVisitRequest {
            name: format!("dossiers/{code}"),
            visit: visit.to_owned(),
            handed_over: !received_by.is_empty(),
            received_by: received_by.to_owned(),
            request_id: new_id(),
            ..RecordVisitRequest::default()
        };
        self.visits()
            .record_visit(request)
            .await
            .expect("it is recorded")
            .into_inner()
    }
}
