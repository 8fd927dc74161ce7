//! Agencies that work on a dossier beside the competent one: the branches of a linked procedure, each at its own. Neither the status
//! nor the due goes by them.

use jiff::Timestamp;
use motcua_platform::time::{from_proto_opt, to_proto};
use motcua_proto::events::v1::{AgencyAtWork, CaseProgressRecorded, event::Payload};
use serde::{Deserialize, Serialize};

use super::{decide::Happened, dossier::Dossier};

/// An agency that works on a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtWork {
    /// The branch: the step of the definition that calls it.
    pub branch: String,
    /// Code of the agency.
    pub agency: String,
    /// Since when.
    pub since: Timestamp,
}

impl AtWork {
    fn recorded(&self, dossier: &Dossier, at: Timestamp, ended_at: Option<Timestamp>) -> Happened {
        Payload::CaseProgressRecorded(CaseProgressRecorded {
            status: dossier.status.into(),
            due_at: dossier.due_at().map(to_proto),
            occurred_at: Some(to_proto(at)),
            agency_at_work: Some(AgencyAtWork {
                branch: self.branch.clone(),
                agency: self.agency.clone(),
                since: Some(to_proto(self.since)),
                ended_at: ended_at.map(to_proto),
            }),
            ..CaseProgressRecorded::default()
        })
        .into()
    }
}

/// A branch began. What is known of it already says nothing new.
pub(super) fn began(dossier: &Dossier, branch: &str, agency: &str, at: Timestamp) -> Happened {
    let begun = AtWork {
        branch: branch.to_owned(),
        agency: agency.to_owned(),
        since: at,
    };
    if dossier.at_work.contains(&begun) {
        return Happened::default();
    }
    begun.recorded(dossier, at, None)
}

/// A branch ended. One that began before beginnings were followed is not known here.
pub(super) fn ended(dossier: &Dossier, branch: &str, at: Timestamp) -> Happened {
    let known = dossier.at_work.iter().find(|it| it.branch == branch);
    known.map_or_else(Happened::default, |known| {
        known.recorded(dossier, at, Some(at))
    })
}

impl Dossier {
    pub(super) fn agency_at_work(&mut self, told: &AgencyAtWork) {
        self.at_work.retain(|it| it.branch != told.branch);
        if let (Some(since), None) = (from_proto_opt(told.since.as_ref()), &told.ended_at) {
            self.at_work.push(AtWork {
                branch: told.branch.clone(),
                agency: told.agency.clone(),
                since,
            });
        }
    }
}
