//! Other systems that know a dossier: what they say of it, and what they are told until they acknowledge it. Neither is ever the
//! dossier's own state.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{
    error::{Error, Refusal},
    ledger::Context,
    time::{from_proto_opt, to_proto},
};
use motcua_proto::{
    events::v1::{ExternalStateRecorded, StateAcknowledged, StateReported, event::Payload},
    intake::v1::{OtherSystem, Synchronisation},
    r#type::v1::DossierStatus,
};
use serde::{Deserialize, Serialize};

use super::{command::NewExternalState, decide::Happened, dossier::Dossier, moves, words::number};

/// How long after each report of a status it is told again. After the last one nobody is told any more: the dossier is listed as
/// unsynchronised until its status changes or the other system answers.
const AGAIN_AFTER: [SignedDuration; 7] = [
    SignedDuration::from_mins(15),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(4),
    SignedDuration::from_hours(8),
    SignedDuration::from_hours(16),
];
/// Systems that may know one dossier.
const SYSTEMS_MAX: usize = 10;

/// Another system that knows the dossier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Other {
    /// The principal id that it calls with.
    pub system: String,
    /// The dossier's code there; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// What it last said; `None` where it said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// What it was last told; `None` where it was told nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// The status that it last acknowledged, by number; 0 for none.
    #[serde(default)]
    pub acknowledged: i32,
}

/// What another system says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The state, in its own words.
    pub state: String,
    /// Since when.
    pub at: Timestamp,
}

/// What another system was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The status.
    #[serde(with = "number")]
    pub status: DossierStatus,
    /// How often.
    pub reports: i32,
    /// When it is told again; `None` once it has acknowledged, or has been told as often as anybody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Timestamp>,
    /// Why it could not take it, as it says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
    /// Whether it acknowledged it.
    pub acknowledged: bool,
}

impl Other {
    fn synchronisation(&self) -> Synchronisation {
        match &self.told {
            None => Synchronisation::Unspecified,
            Some(told) if told.acknowledged => Synchronisation::UpToDate,
            Some(told) if told.again_at.is_some() => Synchronisation::Reported,
            Some(_) => Synchronisation::Failed,
        }
    }

    pub(super) fn to_proto(&self) -> OtherSystem {
        OtherSystem {
            system: self.system.clone(),
            code: self.code.clone(),
            state: self
                .said
                .as_ref()
                .map(|said| said.state.clone())
                .unwrap_or_default(),
            state_at: self.said.as_ref().map(|said| to_proto(said.at)),
            synchronisation: self.synchronisation().into(),
            acknowledged_status: self.acknowledged,
            reports: self.told.as_ref().map_or(0, |told| told.reports),
            problem: self
                .told
                .as_ref()
                .map(|told| told.problem.clone())
                .unwrap_or_default(),
        }
    }

    /// The next report of that status, which the dossier has had since then.
    fn report(&self, status: DossierStatus, dossier: &Dossier, now: Timestamp) -> Payload {
        let report = match &self.told {
            Some(told) if told.status == status && !told.acknowledged => told.reports + 1,
            _ => 1,
        };
        let again_at = usize::try_from(report - 1)
            .ok()
            .and_then(|place| AGAIN_AFTER.get(place))
            .and_then(|after| now.checked_add(*after).ok());
        Payload::StateReported(StateReported {
            system: self.system.clone(),
            code: self.code.clone(),
            status: status.into(),
            status_since: Some(to_proto(dossier.status_since)),
            due_at: dossier.due_at().map(to_proto),
            report,
            again_at: again_at.map(to_proto),
        })
    }
}

impl Dossier {
    /// Whether another system was told as often as it is, and did not answer.
    #[must_use]
    pub fn is_unsynchronised(&self) -> bool {
        self.others
            .iter()
            .any(|other| other.synchronisation() == Synchronisation::Failed)
    }

    /// When another system is to be told again.
    pub(super) fn tells_again_at(&self) -> Option<Timestamp> {
        let told = self.others.iter().filter_map(|other| other.told.as_ref());
        told.filter_map(|told| told.again_at).min()
    }

    fn other(&self, system: &str) -> Option<&Other> {
        self.others.iter().find(|other| other.system == system)
    }

    pub(super) fn other_mut(&mut self, system: &str) -> &mut Other {
        let place = self
            .others
            .iter()
            .position(|other| other.system == system)
            .unwrap_or_else(|| {
                self.others.push(Other {
                    system: system.to_owned(),
                    ..Other::default()
                });
                self.others.len() - 1
            });
        &mut self.others[place]
    }

    pub(super) fn external_state_recorded(&mut self, recorded: &ExternalStateRecorded) {
        self.authority.clone_from(&recorded.authority);
        let other = self.other_mut(&recorded.system);
        if !recorded.code.is_empty() {
            other.code.clone_from(&recorded.code);
        }
        other.said = from_proto_opt(recorded.state_at.as_ref()).map(|at| Said {
            state: recorded.state.clone(),
            at,
        });
    }

    pub(super) fn state_reported(&mut self, reported: &StateReported) {
        let other = self.other_mut(&reported.system);
        let problem = match other.told.take() {
            Some(told) if reported.report > 1 => told.problem,
            _ => String::new(),
        };
        other.told = Some(Told {
            status: reported.status(),
            reports: reported.report,
            again_at: from_proto_opt(reported.again_at.as_ref()),
            problem,
            acknowledged: false,
        });
    }

    pub(super) fn state_acknowledged(&mut self, answer: &StateAcknowledged) {
        let other = self.other_mut(&answer.system);
        if answer.problem.is_empty() {
            other.acknowledged = answer.status;
        }
        if let Some(told) = &mut other.told {
            told.problem.clone_from(&answer.problem);
            if answer.problem.is_empty() {
                told.acknowledged = true;
                told.again_at = None;
            }
        }
    }
}

/// What came of a command, and the reports that follow: every other system is told each new status, and whoever has just come to
/// know the dossier is told the present one. The first `seen` events have made `dossier` what it is.
pub(super) fn with_reports(
    dossier: &Dossier,
    seen: usize,
    mut happened: Happened,
    context: &Context<'_>,
) -> Happened {
    let names_one = |event: &Payload| matches!(event, Payload::ExternalStateRecorded(_));
    // Nearly every dossier is known here alone.
    if dossier.others.is_empty() && !happened.events.iter().any(names_one) {
        return happened;
    }
    let after = dossier.after(happened.events.get(seen..).unwrap_or_default(), context);
    let told = |other: &&Other| {
        other
            .told
            .as_ref()
            .is_some_and(|told| told.status == after.status)
    };
    let untold = after.others.iter().filter(|other| !told(other));
    happened
        .events
        .extend(untold.map(|other| other.report(after.status, &after, context.now)));
    happened
}

/// Tells those again who have not answered in time.
pub(super) fn tell_again(dossier: &Dossier, now: Timestamp) -> Vec<Payload> {
    let due = |other: &&Other| {
        let told = other.told.as_ref();
        told.and_then(|told| told.again_at)
            .is_some_and(|at| at <= now)
    };
    let waiting = dossier.others.iter().filter(due);
    waiting
        .map(|other| other.report(dossier.status, dossier, now))
        .collect()
}

/// The caller is the system. What is older than what it said before says nothing new.
pub(super) fn record(
    dossier: &Dossier,
    new: &NewExternalState,
    context: &Context<'_>,
) -> Result<Happened, Error> {
    let system = context.actor.id.as_str();
    let known = dossier.other(system);
    if new.at > context.now {
        return Err(Error::field("state_at", "must not lie ahead"));
    }
    if known.is_none() && dossier.others.len() >= SYSTEMS_MAX {
        return Err(Error::Refused(Refusal {
            message: format!("{SYSTEMS_MAX} other systems know the dossier already"),
            article: moves::STATUSES,
            state: "SYSTEMS".to_owned(),
            remedy: "have one of them pass its news on",
        }));
    }
    let code = known.map_or("", |known| &known.code);
    if !new.code.is_empty() && !code.is_empty() && new.code != code {
        return Err(Error::field(
            "code",
            format!("is '{code}' already, and a code is never changed"),
        ));
    }
    let authority = match new.authority {
        Some(true) => system,
        Some(false) if dossier.authority == system => "",
        _ => &dossier.authority,
    };
    let said = known.and_then(|known| known.said.as_ref());
    let newer = said.is_none_or(|said| said.at <= new.at && said.state != new.state);
    let coded = !new.code.is_empty() && code.is_empty();
    if !newer && !coded && authority == dossier.authority {
        return Ok(Happened::default());
    }
    let (state, at) = match said {
        Some(said) if !newer => (&said.state, said.at),
        _ => (&new.state, new.at),
    };
    Ok(Payload::ExternalStateRecorded(ExternalStateRecorded {
        system: system.to_owned(),
        code: if coded {
            new.code.clone()
        } else {
            String::new()
        },
        state: state.clone(),
        state_at: Some(to_proto(at)),
        authority: authority.to_owned(),
    })
    .into())
}

/// An answer to a status that was told before the present one says nothing new.
pub(super) fn acknowledge(
    dossier: &Dossier,
    status: DossierStatus,
    problem: &str,
    context: &Context<'_>,
) -> Result<Happened, Error> {
    let system = context.actor.id.as_str();
    let Some(told) = dossier.other(system).and_then(|other| other.told.as_ref()) else {
        return Err(Error::Refused(Refusal {
            message: "nothing was told to the calling system".to_owned(),
            article: moves::STATUSES,
            state: "NOT_REPORTED".to_owned(),
            remedy: "say first that it knows the dossier (RecordExternalState)",
        }));
    };
    if told.status != status
        || told.acknowledged
        || (!problem.is_empty() && told.problem == problem)
    {
        return Ok(Happened::default());
    }
    Ok(Payload::StateAcknowledged(StateAcknowledged {
        system: system.to_owned(),
        status: status.into(),
        problem: problem.to_owned(),
    })
    .into())
}
