//! What may be asked of a case.

use jiff::Timestamp;
use motcua_platform::redacted::Redacted;
use motcua_proto::{events::v1::EventKind, r#type::v1::PriorityGround};

use motcua_calendar::Limit;

use super::case::{Case, Due};

/// What is asked of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Intake accepted the dossier.
    Start {
        /// What the receipt says.
        receipt: Box<Receipt>,
        /// The event.
        cause: Cause,
    },
    /// What a blocked case waited for may be there now.
    Retry,
    /// Intake ended it: the applicant withdrew.
    Withdraw {
        /// When.
        at: Timestamp,
        /// The event.
        cause: Cause,
    },
    /// What was missing has been handed in.
    Resume {
        /// When.
        at: Timestamp,
        /// The event.
        cause: Cause,
    },
    /// What was asked for was not provided in time, as intake says.
    Lapse {
        /// Since when that is so.
        at: Timestamp,
        /// The event.
        cause: Cause,
    },
    /// Something was paid.
    Pay {
        /// The fee, in đồng.
        fee_vnd: i64,
        /// What is paid of it, in đồng.
        paid_vnd: i64,
        /// When.
        at: Timestamp,
        /// The event.
        cause: Cause,
    },
    /// Intake marked the dossier as somebody's own or a relative's.
    Recuse {
        /// Opaque id of the member of staff.
        principal: String,
    },
    /// Something missing is to be asked for.
    RequestSupplement {
        /// The branch whose agency asks; empty for the case's own.
        branch: String,
        /// What, and how to complete it.
        missing: Words,
        /// Why, where that does not say it; may be empty.
        reason: Words,
        /// The legal ground.
        ground: Words,
    },
    /// What is still to be paid is to be asked for.
    RequestPayment {
        /// What the work has found to be owed beside the fee; `None` for nothing.
        obligation: Option<Obligation>,
    },
    /// An apology with a new date.
    ExtendDeadline {
        /// The new date.
        due_at: Timestamp,
        /// Why it is late.
        reason: Words,
    },
    /// Another of the procedure's limits holds.
    ChooseLimit {
        /// The branch whose procedure it is; empty for the case's own.
        branch: String,
        /// Its id in the catalog.
        limit: String,
        /// What the work has shown.
        reason: Words,
    },
    /// It is to be stopped.
    Stop {
        /// Why.
        reason: Words,
        /// The legal ground.
        ground: Words,
    },
    /// Somebody takes a task.
    Claim {
        /// Its id.
        task: String,
    },
    /// Somebody gives a task out of hand.
    Release {
        /// Its id.
        task: String,
    },
    /// Somebody gives a task that they have to a colleague.
    Delegate {
        /// Its id.
        task: String,
        /// Opaque id of the colleague.
        to: String,
        /// When it comes back.
        until: Timestamp,
    },
    /// A leader gives a task to somebody.
    Reassign {
        /// Its id.
        task: String,
        /// Opaque id of who is to have it.
        to: String,
    },
    /// The case goes on under another version of its definition.
    Migrate {
        /// The version.
        version: i32,
    },
    /// Somebody has done a task.
    Complete {
        /// Its id.
        task: String,
        /// With which outcome.
        outcome: String,
        /// Why, and the legal ground; `None` where nothing is said.
        reason: Option<Box<[Words; 2]>>,
    },
    /// Somebody gives a task back.
    Return {
        /// Its id.
        task: String,
        /// Why.
        reason: Words,
    },
    /// Another system answers.
    RecordOutcome {
        /// Id of the task.
        task: String,
        /// The system's own code.
        code: String,
        /// Why it refuses, and the legal ground; `None` where nothing is said.
        reason: Option<Box<[Words; 2]>>,
    },
    /// Another calendar may count.
    Recompute,
    /// Look at the clock.
    Tick,
}

impl Command {
    /// Whether somebody asks, and neither the clock nor another service's event.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        match self {
            Self::RequestSupplement { .. }
            | Self::RequestPayment { .. }
            | Self::ExtendDeadline { .. }
            | Self::ChooseLimit { .. }
            | Self::Stop { .. }
            | Self::Claim { .. }
            | Self::Complete { .. }
            | Self::Return { .. }
            | Self::Release { .. }
            | Self::Delegate { .. }
            | Self::Reassign { .. }
            | Self::Migrate { .. }
            | Self::RecordOutcome { .. } => true,
            Self::Start { .. }
            | Self::Retry
            | Self::Withdraw { .. }
            | Self::Resume { .. }
            | Self::Lapse { .. }
            | Self::Pay { .. }
            | Self::Recuse { .. }
            | Self::Recompute
            | Self::Tick => false,
        }
    }
}

/// A financial obligation that the work has found: it is owed beside the fee.
#[derive(Debug, Clone, PartialEq)]
pub struct Obligation {
    /// In đồng; more than 0.
    pub amount_vnd: i64,
    /// What it is owed for.
    pub reason: Words,
    /// The legal ground.
    pub ground: Words,
}

/// What an accepted dossier's receipt says.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// National code of the procedure.
    pub procedure: String,
    /// Moment of reception.
    pub received_at: Timestamp,
    /// The due as printed, and until when it is judged: taken as they are, while the calendars count that it was printed by.
    pub due: Due,
    /// The limit.
    pub limit: Limit,
    /// The catalog that the dossier stands under.
    pub catalog: String,
    /// Id of the definition that the catalog names.
    pub definition: String,
    /// The agency that received.
    pub receiving_agency: String,
    /// The agency that decides.
    pub competent_agency: String,
    /// Why it goes first, if it does.
    pub priority: PriorityGround,
    /// Facts that choose the path.
    pub options: Vec<String>,
    /// Staff who may not act on it. Opaque ids.
    pub recused: Vec<String>,
    /// The fee, in đồng.
    pub fee_vnd: i64,
    /// What was paid of it, in đồng.
    pub paid_vnd: i64,
}

impl Receipt {
    /// What the receipt said of a case that has not been worked on.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        Self {
            procedure: case.procedure.clone(),
            received_at: case.received_at,
            due: case.due,
            limit: case.limit.clone(),
            catalog: case.catalog.clone(),
            definition: case.definition.clone(),
            receiving_agency: case.receiving_agency.clone(),
            competent_agency: case.competent_agency.clone(),
            priority: case.priority,
            options: case.options.clone(),
            recused: case.recused.iter().cloned().collect(),
            fee_vnd: case.fee_vnd,
            paid_vnd: case.paid_vnd,
        }
    }
}

/// The event of another service that a command comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The service.
    pub source: &'static str,
    /// The event's position there.
    pub position: i64,
    /// Its kind.
    pub kind: EventKind,
}

/// Free text, in which personal data may stand: it is never printed.
pub type Words = Redacted<String>;

/// What a statement about a case is about. The numbers stand in the database, and are those of the contract's
/// `CaseStatementKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    /// What is missing, and how to complete it (Mẫu 02).
    Missing = 1,
    /// The apology (Mẫu 04).
    Apology = 2,
    /// Why it was stopped (Mẫu 05).
    Stop = 3,
    /// Why a task went back.
    Return = 4,
    /// Why another limit was chosen.
    Limit = 5,
    /// What a financial obligation is owed for.
    Obligation = 6,
    /// Why a task ended with its outcome.
    Outcome = 7,
    /// Why a supplement was asked for; of the revision of what was asked for.
    Reason = 8,
}
