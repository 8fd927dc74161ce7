//! What somebody may ask of a dossier. Parsed at the edge: nothing in here is nonsense.

use jiff::Timestamp;
use motcua_platform::{error::Error, vault::Newcomer};
use motcua_proto::{
    intake::v1::Applicant,
    r#type::v1::{Channel, HandOverMethod, PriorityGround},
};

use super::{follow::News, words::Words};

/// What is asked.
#[derive(Debug, Clone)]
pub enum Command {
    /// Submit a new dossier.
    Submit(Box<Submission>),
    /// Nothing that could be a submission under the catalog in force. It goes the way of all commands, because the
    /// same request may have been accepted under an earlier catalog: then it gets its first answer again.
    Reject(Error),
    /// Accept it as complete and valid.
    Accept,
    /// Refuse it.
    Refuse {
        /// Why, for the applicant.
        reason: Words,
        /// The legal ground.
        ground: Words,
    },
    /// Ask, before acceptance, for what is missing.
    AskSupplement {
        /// What is missing and how to complete it.
        missing: Words,
        /// The legal ground.
        ground: Words,
    },
    /// Hand in what was asked for.
    ProvideSupplement {
        /// What was handed in.
        provided: Words,
    },
    /// Withdraw it.
    Withdraw {
        /// Why; may be empty.
        reason: Words,
    },
    /// Hand the result over.
    HandOver {
        /// How.
        method: HandOverMethod,
        /// Who received it, and the proof.
        received_by: Words,
    },
    /// Arrange a visit.
    ArrangeVisit {
        /// Begin of the time window.
        from: Timestamp,
        /// End of the time window.
        to: Timestamp,
        /// Where; empty for the applicant's address.
        address: Words,
    },
    /// Record that a visit was made.
    RecordVisit {
        /// Id of the visit: `v1`.
        visit: String,
        /// Who received the result, and the proof; `None` when nobody was met.
        received_by: Option<Words>,
    },
    /// Record a payment.
    RecordPayment(NewPayment),
    /// Record that a payment was given back.
    RefundPayment {
        /// Id of the payment: `p1`.
        payment: String,
        /// Why.
        reason: Words,
    },
    /// Mark somebody who may not act on it.
    Recuse {
        /// Opaque id.
        principal: String,
    },
    /// Look at the clock.
    Tick,
    /// Follow the case.
    Follow(News),
}

/// Something that was paid.
#[derive(Debug, Clone)]
pub struct NewPayment {
    /// Who took the money.
    pub provider: String,
    /// The provider's reference.
    pub reference: String,
    /// In đồng; more than 0.
    pub amount_vnd: i64,
    /// When; `None` for now.
    pub paid_at: Option<Timestamp>,
}

/// A new dossier.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The catalog that it is submitted under.
    pub catalog: String,
    /// National code of the procedure.
    pub procedure: String,
    /// The agency whose counter receives.
    pub receiving_agency: String,
    /// How it came in.
    pub channel: Channel,
    /// Whose matter it is. Its `Debug` is redacted by the contract.
    pub applicant: Applicant,
    /// What the dossier is found by.
    pub newcomer: Newcomer,
    /// How the result is to reach the applicant.
    pub hand_over_method: HandOverMethod,
    /// Why it goes first, if it does.
    pub priority: PriorityGround,
    /// Facts that choose the path of a linked procedure.
    pub options: Vec<String>,
    /// The code in another system; empty if none.
    pub external_code: String,
    /// The ward whose agencies are competent, where the centre receives for another one; empty for its own.
    pub on_behalf_of: String,
    /// Staff who may not act on it, by opaque ids.
    pub recused: Vec<String>,
    /// Whether it is accepted in the same act.
    pub accept: bool,
}
