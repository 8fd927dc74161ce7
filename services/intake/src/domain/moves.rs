//! The moves: which act the law allows where. Everything else is refused, with the article and what to do instead.
//!
//! | from | to |
//! | --- | --- |
//! | start | 1 |
//! | 1 submitted | 2, 3, 5, 7 |
//! | 5 asked before acceptance | 1, 3, 7 |
//! | 2 accepted | 4, 7 |
//! | 4 in progress | 5, 6, 7, 8, 9 |
//! | 5, 6 asked during the case | 4, 7, 8 |
//! | 9 result ready | 10 |
//!
//! Intake decides the ends 3, 7 and 10, and takes a case on from 5 once the supplement is there. Every other move after acceptance
//! is the case's. Its news come in the order in which they happened, so that what has no move here never was one.

use motcua_platform::error::Refusal;

use super::transfer;
use Place::{
    Accepted, AwaitingPayment, AwaitingSupplement, HandedOver, InProgress, Incomplete, Refused,
    ResultReady, Stopped, Submitted, Withdrawn,
};

/// Where a dossier stands: its status, with the two meanings of 5 kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// 1: waits for acceptance.
    Submitted,
    /// 5, before acceptance: something missing was asked for.
    Incomplete,
    /// 2: accepted, its case has not begun.
    Accepted,
    /// 4: its case is under way.
    InProgress,
    /// 5, during the case.
    AwaitingSupplement,
    /// 6: a payment was asked for.
    AwaitingPayment,
    /// 3, an end.
    Refused,
    /// 7, an end.
    Withdrawn,
    /// 8, an end.
    Stopped,
    /// 9: the result waits to be handed over.
    ResultReady,
    /// 10, an end.
    HandedOver,
}

impl Place {
    /// Where it stands, in a sentence's words.
    fn words(self) -> &'static str {
        match self {
            Submitted => "it waits for acceptance",
            Incomplete => "it waits for a supplement that was asked for before acceptance",
            Accepted => "it is accepted and its case has not begun",
            InProgress => "its case is under way",
            AwaitingSupplement => "its case waits for a supplement",
            AwaitingPayment => "its case waits for a payment",
            Refused => "it was refused",
            Withdrawn => "it was withdrawn",
            Stopped => "its case was stopped",
            ResultReady => "its result is ready",
            HandedOver => "its result was handed over",
        }
    }

    /// Whether it is accepted, and its result is still to come.
    #[must_use]
    pub fn is_in_work(self) -> bool {
        matches!(
            self,
            Accepted | InProgress | AwaitingSupplement | AwaitingPayment
        )
    }

    /// For the caller's program.
    pub(super) fn name(self) -> &'static str {
        match self {
            Submitted => "SUBMITTED",
            Incomplete | AwaitingSupplement => "SUPPLEMENT_REQUIRED",
            Accepted => "ACCEPTED",
            InProgress => "IN_PROGRESS",
            AwaitingPayment => "PAYMENT_REQUIRED",
            Refused => "REFUSED",
            Withdrawn => "WITHDRAWN",
            Stopped => "STOPPED",
            ResultReady => "RESULT_READY",
            HandedOver => "HANDED_OVER",
        }
    }
}

/// What somebody wants to do, as far as the moves are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// 1 → 2.
    Accept,
    /// → 3.
    Refuse,
    /// 1 → 5.
    AskSupplement,
    /// 5 → 1, or 5 → 4 during the case.
    ProvideSupplement,
    /// → 7.
    Withdraw,
    /// 9 → 10.
    HandOver,
    /// Stays where it is.
    Visit,
    /// Stays where it is.
    Pay,
    /// Stays where it is.
    Refund,
    /// Stays where it is: a paper comes.
    HandIn,
    /// Stays where it is: the original papers go back.
    ReturnOriginals,
    /// Stays where it is: the file of a result comes.
    AddResult,
    /// Stays where it is: the competent agency has it.
    ConfirmTransfer,
    /// Stays where it is: the case says until when it is due.
    FollowCase,
    /// → 4: the case began, or goes on.
    BeginCase,
    /// 4 → 5, 6: the case asks for something.
    HoldCase,
    /// → 8.
    StopCase,
    /// 4 → 9.
    FinishCase,
}

/// What the law says about an act.
struct Rule {
    from: &'static [Place],
    /// What the act does, for the message: "the dossier cannot be …".
    words: &'static str,
    article: &'static str,
    /// What to do where the dossier is still alive.
    remedy: &'static str,
}

/// Reception: decree 118/2025, art. 17.
pub(super) const RECEPTION: &str = "decree 118/2025, art. 17";
/// Hand-over: decree 118/2025, art. 22.
pub(super) const HAND_OVER: &str = "decree 118/2025, art. 22";
/// Fees: what is taken, and what is given back.
pub(super) const FEES: &str = "law 97/2015/QH13 on fees and charges";
/// What was asked for during the case and did not come: the case is stopped.
pub(super) const STOP: &str = "decree 118/2025, art. 18, with Mẫu 05 of circular 03/2025";
/// The national portal's statuses bind every system that shows a dossier.
pub(super) const STATUSES: &str = "decree 118/2025, statuses of the national portal";

/// The table.
const fn rule(act: Act) -> Rule {
    match act {
        Act::Accept => Rule {
            from: &[Submitted],
            words: "accepted",
            article: RECEPTION,
            remedy: "a dossier is accepted once; one that waits for a supplement first gets it (SupplementDossier)",
        },
        Act::Refuse => Rule {
            from: &[Submitted, Incomplete],
            words: "refused",
            article: RECEPTION,
            remedy: "an accepted dossier is decided by its case, which can be stopped with a ground (StopCase)",
        },
        Act::AskSupplement => Rule {
            from: &[Submitted],
            words: "asked for a supplement before acceptance",
            article: RECEPTION,
            remedy: "during the case, its officer asks (RequestSupplement of the case)",
        },
        Act::ProvideSupplement => Rule {
            from: &[Incomplete, AwaitingSupplement],
            words: "supplemented",
            article: RECEPTION,
            remedy: "a supplement is handed in once it was asked for (RequestSupplement)",
        },
        Act::Withdraw => Rule {
            from: &[
                Submitted,
                Incomplete,
                Accepted,
                InProgress,
                AwaitingSupplement,
                AwaitingPayment,
            ],
            words: "withdrawn",
            article: STATUSES,
            remedy: "the result is ready: hand it over (HandOverResult)",
        },
        Act::HandOver => Rule {
            from: &[ResultReady],
            words: "handed over",
            article: HAND_OVER,
            remedy: "wait until its result is ready (status 9)",
        },
        Act::Visit => Rule {
            from: &[
                Submitted,
                Incomplete,
                Accepted,
                InProgress,
                AwaitingSupplement,
                AwaitingPayment,
                ResultReady,
            ],
            words: "visited",
            article: HAND_OVER,
            remedy: "wait until there is something to bring or to take",
        },
        Act::Pay => Rule {
            from: &[
                Submitted,
                Incomplete,
                Accepted,
                InProgress,
                AwaitingSupplement,
                AwaitingPayment,
                ResultReady,
            ],
            words: "paid for",
            article: FEES,
            remedy: "take no money for it",
        },
        Act::Refund => Rule {
            from: &[Refused, Withdrawn, Stopped],
            words: "refunded",
            article: FEES,
            remedy: "fees are given back where the dossier ended before anybody worked for them",
        },
        Act::ReturnOriginals => Rule {
            from: &[Refused, Withdrawn, Stopped],
            words: "given its original papers back",
            article: RECEPTION,
            remedy: "they are given back where the dossier was refused, withdrawn or stopped",
        },
        Act::HandIn => Rule {
            from: &[
                Submitted,
                Incomplete,
                Accepted,
                InProgress,
                AwaitingSupplement,
                AwaitingPayment,
            ],
            words: "given another paper",
            article: RECEPTION,
            remedy: "the result is ready: papers come before it",
        },
        Act::AddResult => Rule {
            from: &[InProgress, AwaitingSupplement, AwaitingPayment, ResultReady],
            words: "given a result",
            article: HAND_OVER,
            remedy: "wait until its case has begun (status 4)",
        },
        Act::ConfirmTransfer => Rule {
            from: &[
                Accepted,
                InProgress,
                AwaitingSupplement,
                AwaitingPayment,
                ResultReady,
            ],
            words: "transferred",
            article: transfer::ARTICLE,
            remedy: "a dossier is transferred once it is accepted (AcceptDossier)",
        },
        Act::FollowCase | Act::BeginCase => {
            by_case(&[Accepted, InProgress, AwaitingSupplement, AwaitingPayment])
        }
        Act::HoldCase | Act::FinishCase => by_case(&[InProgress]),
        Act::StopCase => by_case(&[InProgress, AwaitingSupplement, AwaitingPayment]),
    }
}

/// What the case may tell there.
const fn by_case(from: &'static [Place]) -> Rule {
    Rule {
        from,
        words: "moved by its case",
        article: STATUSES,
        remedy: "look at the case: the law has no such move",
    }
}

/// Whether the law allows the act where the dossier stands.
///
/// # Errors
/// The refusal, with the article and what to do instead.
pub fn check(act: Act, place: Place) -> Result<(), Refusal> {
    let rule = rule(act);
    if rule.from.contains(&place) {
        return Ok(());
    }
    let remedy = match place {
        Refused | Withdrawn | Stopped => "it has ended: submit a new dossier (SubmitDossier)",
        HandedOver => "nothing is left to do",
        _ => rule.remedy,
    };
    Err(Refusal {
        message: format!("the dossier cannot be {}: {}", rule.words, place.words()),
        article: rule.article,
        state: place.name().to_owned(),
        remedy,
    })
}
