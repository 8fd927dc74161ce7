//! What one fact adds to the daily counters.
//!
//! When a fact changes, the counters get its new contributions less its old ones in the same transaction: they are the
//! sums of the facts by construction, whatever order events arrive in.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use motcua_platform::time::local_date;
use motcua_proto::r#type::v1::{Channel, Punctuality};

use super::fact::{Fact, Manner};

/// What a counter counts, by the day on which it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub(crate) enum Measure {
    /// Accepted by a channel that is not stated.
    ReceivedOtherwise = 1,
    /// Accepted at the counter.
    ReceivedCounter = 2,
    /// Accepted by post.
    ReceivedPost = 3,
    /// Accepted through the National Public Service Portal.
    ReceivedPortal = 4,
    /// Accepted through VNeID.
    ReceivedVneid = 5,
    /// Accepted at home.
    ReceivedHome = 6,
    /// Resolved before the due day.
    ResolvedEarly = 20,
    /// Resolved on time.
    ResolvedOnTime = 21,
    /// Resolved overdue.
    ResolvedOverdue = 22,
    /// Of those, with an apology made in time.
    OverdueWithApology = 23,
    /// Of the resolved, withdrawn.
    Withdrawn = 24,
    /// Of the resolved, stopped.
    Stopped = 25,
    /// Refused before acceptance.
    Refused = 40,
    /// Results handed over.
    HandedOver = 50,
    /// Of those, at home.
    HandedOverAtHome = 51,
    /// Messages sent.
    MessagesSent = 60,
}

impl Measure {
    /// All of them.
    pub(crate) const ALL: [Self; 16] = [
        Self::ReceivedOtherwise,
        Self::ReceivedCounter,
        Self::ReceivedPost,
        Self::ReceivedPortal,
        Self::ReceivedVneid,
        Self::ReceivedHome,
        Self::ResolvedEarly,
        Self::ResolvedOnTime,
        Self::ResolvedOverdue,
        Self::OverdueWithApology,
        Self::Withdrawn,
        Self::Stopped,
        Self::Refused,
        Self::HandedOver,
        Self::HandedOverAtHome,
        Self::MessagesSent,
    ];

    /// Its number in the store.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    /// By its number in the store.
    pub(crate) fn of(number: i16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|measure| measure.number() == number)
    }

    /// As differences name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReceivedOtherwise => "received_otherwise",
            Self::ReceivedCounter => "received_counter",
            Self::ReceivedPost => "received_post",
            Self::ReceivedPortal => "received_portal",
            Self::ReceivedVneid => "received_vneid",
            Self::ReceivedHome => "received_home",
            Self::ResolvedEarly => "resolved_early",
            Self::ResolvedOnTime => "resolved_on_time",
            Self::ResolvedOverdue => "resolved_overdue",
            Self::OverdueWithApology => "overdue_with_apology",
            Self::Withdrawn => "withdrawn",
            Self::Stopped => "stopped",
            Self::Refused => "refused",
            Self::HandedOver => "handed_over",
            Self::HandedOverAtHome => "handed_over_at_home",
            Self::MessagesSent => "messages_sent",
        }
    }
}

/// Names a counter. The order is the one in which counters are locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CounterKey {
    /// Code of the receiving agency.
    pub(crate) agency: String,
    /// National code of the procedure.
    pub(crate) procedure: String,
    /// The day, in Asia/Ho_Chi_Minh.
    pub(crate) day: Date,
    /// What is counted.
    pub(crate) measure: Measure,
}

/// Sums by counter, in the order in which they are locked.
pub(crate) type Counters = BTreeMap<CounterKey, i64>;

/// What a fact adds to the counters. Nothing as long as its submission has not been heard of: whose it is, is not known.
pub(crate) fn contributions(fact: &Fact) -> Vec<(CounterKey, i64)> {
    let intake = &fact.intake;
    if intake.submitted_at.is_none() {
        return Vec::new();
    }
    let mut counted: Vec<(Measure, Timestamp)> = Vec::new();
    if let Some(accepted) = intake.accepted {
        counted.push((received_by(intake.channel), accepted.received_at));
    }
    if let Some(resolution) = fact.resolution() {
        let overdue = resolution.punctuality == Punctuality::Overdue;
        let measures = [
            Some(match resolution.punctuality {
                Punctuality::Early => Measure::ResolvedEarly,
                Punctuality::OnTime | Punctuality::Unspecified => Measure::ResolvedOnTime,
                Punctuality::Overdue => Measure::ResolvedOverdue,
            }),
            (overdue && resolution.apologised).then_some(Measure::OverdueWithApology),
            match resolution.manner {
                Manner::Finished => None,
                Manner::Stopped => Some(Measure::Stopped),
                Manner::Withdrawn => Some(Measure::Withdrawn),
            },
        ];
        counted.extend(
            measures
                .into_iter()
                .flatten()
                .map(|measure| (measure, resolution.at)),
        );
    }
    if let Some(refused) = intake.refused {
        counted.push((Measure::Refused, refused.at));
    }
    if let Some(handed_over) = intake.handed_over {
        counted.push((Measure::HandedOver, handed_over.at));
        if intake.handed_over_at_home() {
            counted.push((Measure::HandedOverAtHome, handed_over.at));
        }
    }
    counted.extend(
        fact.notification
            .sent
            .iter()
            .map(|sent| (Measure::MessagesSent, sent.at)),
    );
    counted
        .into_iter()
        .map(|(measure, at)| {
            let key = CounterKey {
                agency: intake.receiving_agency.clone(),
                procedure: intake.procedure.clone(),
                day: local_date(at),
                measure,
            };
            (key, 1)
        })
        .collect()
}

fn received_by(channel: i32) -> Measure {
    match Channel::try_from(channel).unwrap_or_default() {
        Channel::Unspecified => Measure::ReceivedOtherwise,
        Channel::Counter => Measure::ReceivedCounter,
        Channel::Post => Measure::ReceivedPost,
        Channel::Portal => Measure::ReceivedPortal,
        Channel::Vneid => Measure::ReceivedVneid,
        Channel::Home => Measure::ReceivedHome,
    }
}

/// Adds what a changed fact adds to the counters now, less what it added before.
pub(crate) fn add_change(counters: &mut Counters, before: &Fact, after: &Fact) {
    for (key, value) in contributions(after) {
        *counters.entry(key).or_default() += value;
    }
    for (key, value) in contributions(before) {
        *counters.entry(key).or_default() -= value;
    }
}
