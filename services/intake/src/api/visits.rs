//! `VisitService`: the counter that comes to the family.

use jiff::SignedDuration;
use motcua_platform::{call::Call, parse::Fields};
use motcua_proto::intake::v1::{
    Dossier, PlanVisitRouteRequest, PlanVisitRouteResponse, RecordVisitRequest,
    RequestVisitRequest, visit_service_server::VisitService,
};
use tonic::{Request, Response, Status};

use super::{DossierApi, hand_over, routes::located, submission};
use crate::domain::{
    command::{Command, Met},
    words::Words,
};

/// The longest time window of a visit: nobody waits at home for longer.
const WINDOW_MAX: SignedDuration = SignedDuration::from_hours(24);

#[tonic::async_trait]
impl VisitService for DossierApi {
    async fn request_visit(
        &self,
        request: Request<RequestVisitRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act(
            "motcua.intake.v1.VisitService/RequestVisit",
            request,
            arrange,
        )
        .await
    }

    async fn record_visit(
        &self,
        request: Request<RecordVisitRequest>,
    ) -> Result<Response<Dossier>, Status> {
        self.act("motcua.intake.v1.VisitService/RecordVisit", request, record)
            .await
    }

    async fn plan_visit_route(
        &self,
        request: Request<PlanVisitRouteRequest>,
    ) -> Result<Response<PlanVisitRouteResponse>, Status> {
        let call = Call::enter(&request)?;
        Ok(Response::new(self.plan(&call, request.into_inner()).await?))
    }
}

fn arrange(fields: &mut Fields, body: &RequestVisitRequest) -> Option<Command> {
    let from = fields.instant("window_from", body.window_from.as_ref());
    let to = fields.instant("window_to", body.window_to.as_ref());
    let address = fields.optional_line("address", &body.address);
    let location = located(fields, "location", body.location.as_ref());
    let visitor = fields.optional_id("visitor", &body.visitor);
    let (from, to) = from.zip(to)?;
    if to <= from || to.duration_since(from) > WINDOW_MAX {
        fields.reject(
            "window_to",
            "must lie after window_from and within a day of it",
        );
        return None;
    }
    Some(Command::ArrangeVisit {
        from,
        to,
        address: Words::from(address?),
        location: Words::from(location?.map(|place| place.written()).unwrap_or_default()),
        visitor: visitor?,
        offered: body.offered,
    })
}

fn record(fields: &mut Fields, body: &RecordVisitRequest) -> Option<Command> {
    let visit = fields.id("visit", &body.visit);
    if body.handed_over && body.papers_taken {
        fields.reject(
            "papers_taken",
            "must be false where the result was handed over: nothing more is handed in then",
        );
    }
    if !body.papers_taken && !body.papers.is_empty() {
        fields.reject("papers", "are given where some were taken along only");
    }
    submission::paper_ids(fields, &body.papers);
    let met = if body.handed_over {
        hand_over::receiver(
            fields,
            &body.received_by,
            body.recipient,
            &body.authorisation,
        )
        .map(Met::Result)
    } else {
        for (field, given) in [
            ("received_by", !body.received_by.is_empty()),
            ("recipient", body.recipient != 0),
            ("authorisation", !body.authorisation.is_empty()),
        ] {
            if given {
                fields.reject(field, "must be empty when nothing was handed over");
            }
        }
        Some(if body.papers_taken {
            Met::Papers(body.papers.clone())
        } else {
            Met::Nobody
        })
    };
    Some(Command::RecordVisit {
        visit: visit?,
        met: met?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use motcua_platform::{error::Error, time::to_proto};

    fn violated<T>(parse: impl FnOnce(&mut Fields) -> Option<T>) -> Vec<String> {
        let mut fields = Fields::new();
        let parsed = parse(&mut fields);
        match fields.finish(parsed) {
            Err(Error::Invalid(violations)) => violations
                .into_iter()
                .map(|violation| violation.field)
                .collect(),
            Err(other) => panic!("{other}"),
            Ok(_) => Vec::new(),
        }
    }

    fn window(from: &str, to: &str) -> RequestVisitRequest {
        let at = |text: &str| Some(to_proto(text.parse().unwrap()));
        RequestVisitRequest {
            window_from: at(from),
            window_to: at(to),
            ..RequestVisitRequest::default()
        }
    }

    #[test]
    fn a_window_ends_after_it_begins_and_within_a_day() {
        let arranged = |request: RequestVisitRequest| violated(|fields| arrange(fields, &request));
        assert!(arranged(window("2025-07-02T01:00:00Z", "2025-07-02T03:00:00Z")).is_empty());
        assert_eq!(
            arranged(window("2025-07-02T03:00:00Z", "2025-07-02T03:00:00Z")),
            ["window_to"]
        );
        assert_eq!(
            arranged(window("2025-07-02T03:00:00Z", "2025-07-03T03:00:01Z")),
            ["window_to"]
        );
        assert_eq!(
            arranged(RequestVisitRequest::default()),
            ["window_from", "window_to"]
        );
    }

    #[test]
    fn who_received_is_said_exactly_when_the_result_was_handed_over() {
        let recorded = |handed_over, received_by: &str| {
            let request = RecordVisitRequest {
                visit: "v1".to_owned(),
                handed_over,
                received_by: received_by.to_owned(),
                ..RecordVisitRequest::default()
            };
            violated(|fields| record(fields, &request))
        };
        assert!(recorded(true, "con trai, chữ ký số 7").is_empty());
        assert!(recorded(false, "").is_empty());
        assert_eq!(recorded(true, ""), ["received_by"]);
        assert_eq!(recorded(false, "con trai"), ["received_by"]);
    }
}
