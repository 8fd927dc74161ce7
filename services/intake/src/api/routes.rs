//! `PlanVisitRoute`: the visits of a day in the order of a way.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan as _};
use motcua_platform::{
    archive::Reading, call::Call, error::Error, parse::Fields, statement::Statement,
};
use motcua_proto::intake::v1::{
    Location as ProtoLocation, PlanVisitRouteRequest, PlanVisitRouteResponse, StatementKind,
    VisitStop,
};

use super::{DossierApi, register::begin};
use crate::{
    domain::{
        applicant,
        dossier::{Dossier, Visit},
        route::{Location, Stop, route},
    },
    store,
};

/// As the contract names it, for the log of who read what.
const PLAN_VISIT_ROUTE: &str = "motcua.intake.v1.VisitService/PlanVisitRoute";
/// What it is for; nobody has to say so.
const PURPOSE: &str = "the day's visits are planned";

impl DossierApi {
    pub(super) async fn plan(
        &self,
        call: &Call,
        body: PlanVisitRouteRequest,
    ) -> Result<PlanVisitRouteResponse, Error> {
        let mut fields = Fields::new();
        let agency = fields.id("agency", &body.agency);
        let date = fields.date("date", body.date.as_ref());
        let visitor = fields.optional_id("visitor", &body.visitor);
        let start = located(&mut fields, "from", body.from.as_ref());
        let parsed = agency.zip(date).zip(visitor).zip(start);
        let (((agency, date), visitor), start) = fields.finish(parsed)?;
        if !call.scope().acts_for(&agency) {
            return Err(Error::Missing {
                name: format!("agencies/{agency}"),
            });
        }
        let day = begin("date", date)?..begin("date", date.saturating_add(1.day()))?;
        let mut reading = self.archive.open(call.scope()).await?;
        let visited = store::to_visit(&mut reading, &agency).await?;
        let (mut stops, mut shown) = (Vec::new(), BTreeMap::new());
        for (code, dossier) in visited {
            // Nobody is sent to their own or a relative's, and nobody sees where they live.
            if dossier.concerns(&call.actor.id) {
                continue;
            }
            let Some((place, visit)) = ahead(&dossier, &day, &visitor) else {
                continue;
            };
            let mut stop = VisitStop {
                dossier: code.clone(),
                visit: dossier.visit(place),
                ..VisitStop::default()
            };
            let location = self.place(&mut reading, &mut stop).await?;
            stops.push(Stop {
                dossier: code.clone(),
                from: visit.from,
                to: visit.to,
                location,
            });
            shown.insert(code, stop);
        }
        drop(reading);
        let codes: Vec<_> = shown.keys().map(String::as_str).collect();
        self.accesses
            .note(call, PLAN_VISIT_ROUTE, PURPOSE, &codes)
            .await?;
        let stops = route(stops, start)
            .into_iter()
            .filter_map(|(stop, metres)| {
                Some(VisitStop {
                    // Half the way round the world fits.
                    distance_metres: metres.unwrap_or_default().round() as i32,
                    ..shown.remove(&stop.dossier)?
                })
            })
            .collect();
        Ok(PlanVisitRouteResponse { stops })
    }

    /// Finds out where a stop is: nowhere once that was erased.
    async fn place(
        &self,
        reading: &mut Reading,
        stop: &mut VisitStop,
    ) -> Result<Option<Location>, Error> {
        let said = match store::all_statements(reading, &self.vault, &stop.dossier).await {
            Ok(said) => said,
            Err(Error::Erased { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let visit = stop.visit.clone().unwrap_or_default();
        let own = words(&said, StatementKind::Visit, Some(visit.address_revision));
        let applicant = words(&said, StatementKind::Applicant, None).and_then(applicant::read);
        stop.address = own
            .map(str::to_owned)
            .or(applicant.map(|applicant| applicant.address))
            .unwrap_or_default();
        let revision = Some(visit.location_revision);
        let location =
            words(&said, StatementKind::VisitLocation, revision).and_then(Location::read);
        stop.location = location.map(|at| ProtoLocation {
            latitude: at.latitude,
            longitude: at.longitude,
        });
        Ok(location)
    }
}

/// What was said in a revision, or in the latest where none is named.
fn words(said: &[Statement], kind: StatementKind, revision: Option<i32>) -> Option<&str> {
    said.iter()
        .filter(|said| said.kind == i32::from(kind))
        .filter(|said| revision.is_none_or(|revision| said.revision == revision))
        .max_by_key(|said| said.revision)
        .map(|said| said.body.expose().as_str())
}

/// The visit that a dossier waits for: the last that was arranged, where it was not made, has a window on that day, and is
/// this visitor's or nobody's.
fn ahead<'d>(
    dossier: &'d Dossier,
    day: &std::ops::Range<Timestamp>,
    visitor: &str,
) -> Option<(usize, &'d Visit)> {
    let place = dossier.visits.len().checked_sub(1)?;
    let visit = &dossier.visits[place];
    let on_day = visit.from < day.end && visit.to > day.start;
    let theirs = visitor.is_empty() || visit.visitor.is_empty() || visit.visitor == visitor;
    (visit.made_at.is_none() && on_day && theirs).then_some((place, visit))
}

/// A place on a map; the outer one says whether the field is valid.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether the field is valid"
)]
pub(super) fn located(
    fields: &mut Fields,
    name: &str,
    location: Option<&ProtoLocation>,
) -> Option<Option<Location>> {
    let Some(given) = location else {
        return Some(None);
    };
    let place = Location::new(given.latitude, given.longitude);
    if place.is_none() {
        fields.reject(
            name,
            "must have a latitude from -90 to 90 and a longitude from -180 to 180, in degrees",
        );
    }
    place.map(Some)
}
