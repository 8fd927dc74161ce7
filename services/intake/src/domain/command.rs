//! What somebody may ask of a dossier. Parsed at the edge: nothing in here is nonsense.

use jiff::Timestamp;
use motcua_platform::{error::Error, vault::Newcomer};
use motcua_proto::{
    intake::v1::Applicant,
    r#type::v1::{
        Channel, DossierStatus, HandOverFailure, HandOverMethod, HandedPaper, PriorityGround,
        Recipient,
    },
};

use super::{documents::NewDocument, entry::Entry, fees::Units, follow::News, words::Words};

/// What is asked.
#[derive(Debug, Clone)]
pub enum Command {
    /// Submit a new dossier.
    Submit(Box<Submission>),
    /// Nothing that could be a submission under the catalog in force. It goes the way of all commands, because the
    /// same request may have been accepted under an earlier catalog: then it gets its first answer again.
    Reject(Error),
    /// Accept it as complete and valid, at the fee as it was submitted.
    Accept,
    /// Accept it so, at the fee as the counter has found it.
    AcceptAt(Found),
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
        /// Why, where that does not say it; may be empty.
        reason: Words,
        /// The legal ground.
        ground: Words,
        /// The leader for whom whoever asks stands in; empty for none. Opaque id.
        on_behalf_of: String,
    },
    /// Hand in what was asked for.
    ProvideSupplement {
        /// What was handed in.
        provided: Words,
        /// Of the procedure's papers.
        papers: Vec<HandedPaper>,
    },
    /// Keep a file that has been uploaded.
    AddDocument(Box<NewDocument>),
    /// Withdraw it.
    Withdraw {
        /// Why; may be empty.
        reason: Words,
        /// The legal ground; may be empty.
        ground: Words,
    },
    /// Record that its original papers were given back.
    ReturnOriginals {
        /// Who received them, and the proof.
        received_by: Words,
    },
    /// Hand the result over.
    HandOver {
        /// How.
        method: HandOverMethod,
        /// Who received it.
        receiver: Receiver,
        /// The parcel's reference; empty but by post.
        tracking_reference: String,
    },
    /// Record that the result did not reach the applicant.
    RecordFailedHandOver {
        /// How it was tried.
        method: HandOverMethod,
        /// Why it failed.
        failure: HandOverFailure,
        /// What else is to be said; may be empty.
        note: Words,
    },
    /// Arrange a visit.
    ArrangeVisit {
        /// Begin of the time window.
        from: Timestamp,
        /// End of the time window.
        to: Timestamp,
        /// Where; empty for the applicant's address.
        address: Words,
        /// Where that is on a map, as a `Location` is written; empty where that is not known.
        location: Words,
        /// Who is to go, where somebody says so. Opaque id.
        visitor: String,
        /// Whether the agency offers it by its own initiative.
        offered: bool,
    },
    /// Record that a visit was made.
    RecordVisit {
        /// Id of the visit: `v1`.
        visit: String,
        /// What came of it.
        met: Met,
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
    /// Propose other particulars of the applicant.
    ProposeCorrection {
        /// All of them, as they should have been.
        applicant: Box<Applicant>,
        /// What is wrong.
        reason: Words,
    },
    /// Propose that an entry of the counter should have stood otherwise.
    ProposeEntry {
        /// As it should have stood.
        entry: Entry,
        /// What is wrong.
        reason: Words,
    },
    /// Confirm what somebody else proposed.
    ConfirmCorrection(Box<Confirmation>),
    /// Reject what somebody else proposed.
    RejectCorrection {
        /// Id of the correction: `c1`.
        correction: String,
    },
    /// Record what the calling system says of it.
    RecordExternalState(NewExternalState),
    /// Take the calling system's answer to what it was told.
    AcknowledgeState {
        /// The status that it answers.
        status: DossierStatus,
        /// Why it could not take it; empty where it did.
        problem: String,
    },
    /// Confirm that the competent agency has it.
    ConfirmTransfer,
    /// Mark somebody who may not act on it.
    Recuse {
        /// Opaque id.
        principal: String,
    },
    /// Look at the clock.
    Tick,
    /// Another catalog is in force: reckon anew what is awaited of the agency.
    Recompute,
    /// Follow the case.
    Follow(News),
}

/// What the counter has found that the fee depends on.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What it is reckoned for; 0 for as many as were submitted.
    pub units: Units,
    /// Id of the exemption that holds; empty for the one that was submitted.
    pub exemption: String,
    /// The paper that shows it; may be empty.
    pub exemption_paper: Words,
    /// Whether none holds, whatever was claimed.
    pub no_exemption: bool,
    /// Why it goes first, UNSPECIFIED for not at all; `None` for as it was submitted.
    pub priority: Option<PriorityGround>,
    /// Why that is so; may be empty.
    pub priority_reason: Words,
}

/// What came of a visit.
#[derive(Debug, Clone)]
pub enum Met {
    /// Nobody was there.
    Nobody,
    /// Somebody handed papers in: the declaration, or what was missing; those of the procedure's that were counted.
    Papers(Vec<HandedPaper>),
    /// Somebody received the result.
    Result(Receiver),
}

/// Who received a result.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The name, and the proof.
    pub received_by: Words,
    /// In which capacity.
    pub recipient: Recipient,
    /// By what right, where the dossier names nobody who acts for the applicant; may be empty.
    pub authorisation: Words,
}

/// A correction, as the one who confirms it has seen it.
#[derive(Debug, Clone, Default)]
pub struct Confirmation {
    /// Id of the correction: `c1`.
    pub correction: String,
    /// The proposed particulars; `None` where an entry is corrected.
    pub particulars: Option<Proposed>,
}

/// Particulars that somebody proposed.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// Their revision.
    pub revision: i32,
    /// What they are.
    pub applicant: Applicant,
    /// What the dossier is found by from then on.
    pub newcomer: Newcomer,
}

/// What another system says of a dossier.
#[derive(Debug, Clone)]
pub struct NewExternalState {
    /// The dossier's code there; may be empty.
    pub code: String,
    /// Where it stands there, in that system's words.
    pub state: String,
    /// Since when.
    pub at: Timestamp,
    /// Whether that system is authoritative from now on; `None` where that stays as it was.
    pub authority: Option<bool>,
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

/// Who helped an applicant to submit, and neither receives nor decides; both are empty where nobody did.
#[derive(Debug, Clone, Default)]
pub struct Helping {
    /// Code of an agency of the catalog.
    pub agency: String,
    /// Another organisation, by its name. It is free text, so it is sealed like all that is said.
    pub title: Words,
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
    /// Why; may be empty.
    pub priority_reason: Words,
    /// The code in another system; empty if none.
    pub external_code: String,
    /// That system; empty where none was named.
    pub external_system: String,
    /// Whether that system is authoritative.
    pub external_authority: bool,
    /// The ward whose agencies are competent, where the centre receives for another one; empty for its own.
    pub on_behalf_of: String,
    /// Staff who may not act on it, by opaque ids.
    pub recused: Vec<String>,
    /// What is handed in of the procedure's papers.
    pub papers: Vec<HandedPaper>,
    /// What the fee is reckoned for; nothing where it is not by unit.
    pub units: Units,
    /// Sets of papers that are handed in, from 1.
    pub sets: i32,
    /// Id of the exemption from the fee that is claimed; empty for none.
    pub exemption: String,
    /// The paper that shows it; may be empty.
    pub exemption_paper: Words,
    /// Who helped the applicant.
    pub helped_by: Helping,
    /// For which citizen a system submits; empty where it names none. Opaque id.
    pub citizen: String,
    /// Whether it is accepted in the same act.
    pub accept: bool,
}
