//! What a dossier's state keeps of each thing that happened to it: what was asked for, the reception, the result, payments, visits.

use jiff::Timestamp;
use motcua_calendar::Limit;
use motcua_platform::catalog;
use motcua_proto::r#type::v1::{HandOverFailure, HandOverMethod, Recipient};
use serde::{Deserialize, Serialize};

use super::{papers::Handed, words::number};

/// What was asked for (Mẫu 02), or is to be paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// When.
    pub at: Timestamp,
    /// By when it is to be handed in, as the form says.
    pub due_at: Timestamp,
    /// The first instant that is too late; an event from before the contract had it is awaited without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_until: Option<Timestamp>,
    /// When the applicant is reminded; `None` once that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_at: Option<Timestamp>,
    /// During the case: code of the agency that asked; empty where intake itself did, and where that was not kept yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// Whether it did not come in time.
    #[serde(default)]
    pub lapsed: bool,
}

/// A time that the case waited for the applicant: it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Whether for a payment; else for a supplement.
    pub payment: bool,
    /// Since when.
    pub from: Timestamp,
    /// Until when; `None` while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// What the receipt says (Mẫu 01).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reception {
    /// The moment of reception.
    pub received_at: Timestamp,
    /// The due instant that was promised: on the receipt, or when another limit was chosen.
    pub first_due_at: Timestamp,
    /// The due instant as it stands: moved by holds and by an extension.
    pub due_at: Timestamp,
    /// The limit as it stands.
    #[serde(with = "catalog::limit")]
    pub limit: Limit,
    /// The limit of the receipt, where another was chosen since.
    #[serde(
        default,
        with = "catalog::limit::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_limit: Option<Limit>,
    /// The due instant of the receipt, where another limit was chosen since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_due_at: Option<Timestamp>,
    /// What is owed in all, in đồng: the fee, and what the case has found to be owed beside it.
    pub fee_vnd: i64,
    /// What of that the case has found.
    #[serde(default)]
    pub obligations_vnd: i64,
    /// What is not taken of the fee because of an exemption, in đồng.
    #[serde(default)]
    pub exempted_vnd: i64,
    /// Id of the exemption that was claimed and by which that is; empty for one by ground, or none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub exemption: String,
    /// The papers that were there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<Handed>,
}

impl Reception {
    /// The limit and the due instant that stand on the receipt.
    #[must_use]
    pub fn receipt(&self) -> (&Limit, Timestamp) {
        (
            self.first_limit.as_ref().unwrap_or(&self.limit),
            self.receipt_due_at.unwrap_or(self.first_due_at),
        )
    }

    /// The fee that stands on the receipt, in đồng.
    #[must_use]
    pub fn receipt_fee_vnd(&self) -> i64 {
        self.fee_vnd - self.obligations_vnd
    }

    /// What the case has found so far to be owed beside the fee: more than was known is owed too, and what was told before changes
    /// nothing.
    pub(super) fn owe(&mut self, obligations_vnd: i64) {
        let more = (obligations_vnd - self.obligations_vnd).max(0);
        self.obligations_vnd += more;
        self.fee_vnd += more;
    }
}

/// What the case came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// When it was ready.
    pub ready_at: Timestamp,
    /// Its outcome.
    pub outcome: String,
}

/// How the result reached the applicant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HandedOver {
    /// When.
    pub at: Timestamp,
    /// How.
    #[serde(with = "number")]
    pub method: HandOverMethod,
    /// To whom.
    #[serde(default, with = "number")]
    pub recipient: Recipient,
    /// The parcel's reference; empty but by post.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tracking_reference: String,
    /// Who handed it over. Opaque id; empty in a row from before that was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

/// The original papers, given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginalsReturned {
    /// When.
    pub at: Timestamp,
    /// Who gave them back. Opaque id.
    pub by: String,
}

/// A time that the result did not reach the applicant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedHandOver {
    /// How it was tried.
    #[serde(with = "number")]
    pub method: HandOverMethod,
    /// Why it failed.
    #[serde(with = "number")]
    pub failure: HandOverFailure,
    /// When.
    pub at: Timestamp,
}

/// Something that was paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Who took the money.
    pub provider: String,
    /// The provider's reference.
    pub reference: String,
    /// In đồng.
    pub amount_vnd: i64,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// When it was given back; `None` while it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_at: Option<Timestamp>,
    /// Whether the case stood still for it when it came, and has not gone on since: nobody has worked for this money.
    #[serde(default)]
    pub unworked: bool,
}

impl Payment {
    /// Whether that reference is its own.
    #[must_use]
    pub fn is_of(&self, provider: &str, reference: &str) -> bool {
        self.provider == provider && self.reference == reference
    }
}

/// A visit at the family's home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// Begin of the time window.
    pub from: Timestamp,
    /// End of the time window.
    pub to: Timestamp,
    /// When it was made; `None` while it is ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
    /// Whether it handed the result over.
    pub handed_over: bool,
    /// Whether it took papers along.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub papers_taken: bool,
    /// Who is to go; empty while that is not settled. Opaque id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub visitor: String,
    /// Revision of its address; 0 for the applicant's. None in a row from before there was one: the latest address is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_revision: Option<i32>,
    /// Revision of where that is on a map; 0 where it is not known.
    #[serde(default)]
    pub location_revision: i32,
    /// Whether the agency offered it by its own initiative.
    #[serde(default)]
    pub offered: bool,
}
