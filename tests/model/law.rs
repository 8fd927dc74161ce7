//! What the law says, once more and as plainly as possible: a table of moves, and sums of money. It looks at nothing of the
//! services but the words of the contract. Time is counted in `reckoning.rs`.

use motcua_proto::r#type::v1::DossierStatus;

use super::setting::FEE_VND;

/// The moves of the national portal's statuses. Two meanings of 5: asked before acceptance, and during the case.
const MOVES: [(i32, &[i32]); 7] = [
    (1, &[2, 3, 5, 7]),
    (2, &[4, 7]),
    (4, &[5, 6, 7, 8, 9]),
    (5, &[4, 7, 8]),
    (6, &[4, 7, 8]),
    (9, &[10]),
    (BEFORE, &[1, 3, 7]),
];
/// 5, asked before acceptance.
const BEFORE: i32 = 50;

const RECEPTION: &str = "decree 118/2025, art. 17";
pub(super) const HAND_OVER: &str = "decree 118/2025, art. 22";
const FEES: &str = "law 97/2015/QH13 on fees and charges";
const STATUSES: &str = "decree 118/2025, statuses of the national portal";
const FOUR_EYES: &str = "decree 118/2025, art. 18 (four eyes)";
const TRANSFER: &str = "decree 118/2025, art. 18";
const STOP: &str = "decree 118/2025, art. 18, with Mẫu 05 of circular 03/2025";
/// How often a supplement may be asked for before acceptance.
const ROUNDS: usize = 2;
const RECUSAL: &str = "law 36/2018/QH14, art. 23";

/// One dossier, as the law sees it from the counter.
#[derive(Debug, Clone, Default)]
pub(super) struct Matter {
    pub(super) status: i32,
    pub(super) accepted: bool,
    /// It came online, without what the procedure wants.
    pub(super) lacks_papers: bool,
    pub(super) online: bool,
    /// Another ward decides, which has to get it.
    pub(super) elsewhere: bool,
    /// That ward has it.
    pub(super) transferred: bool,
    /// How often a supplement was asked for before acceptance.
    pub(super) asked_before: usize,
    /// What the case asked for did not come in time.
    pub(super) lapsed: bool,
    /// It ended while nobody worked on it.
    pub(super) ended_still: bool,
    /// The correction that waits.
    pub(super) proposed: Option<Proposed>,
    /// Corrections so far.
    pub(super) corrections: usize,
    /// Other systems that know it.
    pub(super) systems: Vec<String>,
    pub(super) recused: Vec<String>,
    pub(super) payments: Vec<Payment>,
    /// What the case has found to be owed beside the fee, in đồng.
    obligations_vnd: i64,
    /// Which visits were made.
    pub(super) visits: Vec<bool>,
}

/// A correction that waits.
#[derive(Debug, Clone)]
pub(super) struct Proposed {
    by: String,
    /// The payment that it is about, and what was paid in truth; none of the particulars.
    payment: Option<(usize, i64)>,
}

/// Money that came.
#[derive(Debug, Clone)]
pub(super) struct Payment {
    reference: String,
    amount_vnd: i64,
    given_back: bool,
    /// The case stood still for it, and has not gone on.
    unworked: bool,
}

/// What is to come of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// It is done, and the dossier stands there.
    Done(i32),
    /// It is refused, by this article.
    Refused(&'static str),
    /// It names something that is not there.
    Nonsense,
}

/// What comes of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visited {
    Nobody,
    Papers,
    Result,
}

/// What is asked at the counter, as far as the law looks at it.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Accept,
    Refuse,
    AskSupplement {
        by_leader: bool,
    },
    ProvideSupplement,
    Withdraw,
    ReturnOriginals,
    HandOver {
        home: bool,
    },
    ArrangeVisit,
    /// Of a visit that was arranged, or of none.
    RecordVisit {
        place: usize,
        came_of_it: Visited,
    },
    Pay {
        reference: String,
        amount_vnd: i64,
        /// The money had come before anything else happened: the notice alone is late.
        early: bool,
    },
    Refund {
        place: usize,
    },
    /// By somebody of the agency that decides, or not.
    ConfirmTransfer {
        competent: bool,
    },
    Recuse(String),
    FailHandOver,
    Propose,
    /// That something else was paid.
    ProposePayment {
        place: usize,
        amount_vnd: i64,
    },
    /// Of the correction that waits, or of another.
    Decide {
        right: bool,
        confirm: bool,
    },
    ExternalState,
    Acknowledge,
    AddPaper,
    AddResult,
}

impl Matter {
    fn place(&self) -> i32 {
        if self.status == 5 && !self.accepted {
            BEFORE
        } else {
            self.status
        }
    }

    /// Whether the table has the move.
    pub(super) fn may_move(&self, to: i32) -> bool {
        let place = self.place();
        MOVES
            .iter()
            .any(|(from, to_any)| *from == place && to_any.contains(&to))
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.status, 3 | 7 | 8 | 10)
    }

    pub(super) fn paid_vnd(&self) -> i64 {
        let kept = self.payments.iter().filter(|payment| !payment.given_back);
        kept.map(|payment| payment.amount_vnd).sum()
    }

    /// What is owed in all, in đồng.
    pub(super) fn owed_vnd(&self) -> i64 {
        FEE_VND + self.obligations_vnd
    }

    /// The counter has heard what the case has found to be owed so far.
    pub(super) fn owes(&mut self, obligations_vnd: i64) {
        self.obligations_vnd = self.obligations_vnd.max(obligations_vnd);
    }

    /// What is to come of it.
    pub(super) fn judge(&self, who: &str, asked: &Asked) -> Expected {
        if self.recused.iter().any(|recused| recused == who) {
            return Expected::Refused(RECUSAL);
        }
        let at = |places: &[i32], to: i32, article| {
            if places.contains(&self.place()) {
                Expected::Done(to)
            } else {
                Expected::Refused(article)
            }
        };
        let stays = self.status;
        match asked {
            Asked::Accept if self.lacks_papers => Expected::Refused(RECEPTION),
            Asked::Accept => at(&[1], 2, RECEPTION),
            Asked::Refuse => at(&[1, BEFORE], 3, RECEPTION),
            Asked::AskSupplement { by_leader }
                if self.asked_before >= ROUNDS || self.asked_before > 0 && !by_leader =>
            {
                Expected::Refused(RECEPTION)
            }
            Asked::AskSupplement { .. } => at(&[1], 5, RECEPTION),
            Asked::ProvideSupplement => {
                let to = if self.accepted { 4 } else { 1 };
                match at(&[BEFORE, 5], to, RECEPTION) {
                    Expected::Done(_) if self.lapsed => Expected::Refused(STOP),
                    other => other,
                }
            }
            Asked::Withdraw => at(&[1, BEFORE, 2, 4, 5, 6], 7, STATUSES),
            Asked::ReturnOriginals => at(&[3, 7, 8], stays, RECEPTION),
            Asked::HandOver { home: true } => Expected::Refused(HAND_OVER),
            Asked::HandOver { home: false } => at(&[9], 10, HAND_OVER),
            Asked::ArrangeVisit => at(&[1, BEFORE, 2, 4, 5, 6, 9], stays, HAND_OVER),
            Asked::RecordVisit { place, came_of_it } => {
                let allowed = match came_of_it {
                    Visited::Result => at(&[9], 10, HAND_OVER),
                    Visited::Papers => at(&[1, BEFORE, 2, 4, 5, 6], stays, RECEPTION),
                    Visited::Nobody => at(&[1, BEFORE, 2, 4, 5, 6, 9], stays, HAND_OVER),
                };
                match (allowed, self.visits.get(*place)) {
                    (Expected::Done(_), None) => Expected::Nonsense,
                    (Expected::Done(_), Some(true)) => Expected::Refused(HAND_OVER),
                    (allowed, _) => allowed,
                }
            }
            Asked::Pay {
                reference,
                amount_vnd,
                early,
            } => match self.payments.iter().find(|it| it.reference == *reference) {
                // One that was corrected to nothing is of no amount that comes.
                Some(known) if known.amount_vnd == *amount_vnd => Expected::Done(stays),
                Some(_) => Expected::Refused(FEES),
                None if self.lapsed && !early => Expected::Refused(STOP),
                None if self.paid_vnd() + amount_vnd > self.owed_vnd() => Expected::Refused(FEES),
                None if *early => Expected::Done(stays),
                None => at(&[1, BEFORE, 2, 4, 5, 6, 9], stays, FEES),
            },
            Asked::Refund { place } => {
                match (at(&[3, 7, 8], stays, FEES), self.payments.get(*place)) {
                    (Expected::Done(_), None) => Expected::Nonsense,
                    (Expected::Done(_), Some(payment)) if payment.amount_vnd == 0 => {
                        Expected::Nonsense
                    }
                    (Expected::Done(_), Some(payment)) if self.accepted && !payment.unworked => {
                        Expected::Refused(FEES)
                    }
                    (other, _) => other,
                }
            }
            Asked::ConfirmTransfer { competent } => {
                let begun = self.elsewhere && self.accepted;
                match at(&[2, 4, 5, 6, 9], stays, TRANSFER) {
                    _ if !competent || !begun => Expected::Refused(TRANSFER),
                    _ if self.transferred => Expected::Done(stays),
                    allowed => allowed,
                }
            }
            Asked::Recuse(_) | Asked::ExternalState => Expected::Done(stays),
            Asked::FailHandOver => at(&[9], stays, HAND_OVER),
            Asked::Propose | Asked::ProposePayment { .. } if self.proposed.is_some() => {
                Expected::Refused(FOUR_EYES)
            }
            Asked::Propose => Expected::Done(stays),
            Asked::ProposePayment { place, amount_vnd } => self.may_be(*place, *amount_vnd),
            Asked::Decide { right, confirm } => match &self.proposed {
                Some(proposed) if *right && proposed.by != who => match proposed.payment {
                    Some((place, amount_vnd)) if *confirm => self.may_be(place, amount_vnd),
                    _ => Expected::Done(stays),
                },
                _ => Expected::Refused(FOUR_EYES),
            },
            Asked::Acknowledge if self.systems.iter().any(|it| it == who) => Expected::Done(stays),
            Asked::Acknowledge => Expected::Refused(STATUSES),
            Asked::AddPaper => at(&[1, BEFORE, 2, 4, 5, 6], stays, RECEPTION),
            Asked::AddResult => at(&[4, 5, 6, 9], stays, HAND_OVER),
        }
    }

    /// Whether that confirms that something else was paid.
    pub(super) fn corrects_payment(&self, asked: &Asked) -> bool {
        let of_payment = self
            .proposed
            .as_ref()
            .is_some_and(|it| it.payment.is_some());
        of_payment && matches!(asked, Asked::Decide { confirm: true, .. })
    }

    /// Whether so much can have been paid.
    fn may_be(&self, place: usize, amount_vnd: i64) -> Expected {
        match self.payments.get(place) {
            None => Expected::Nonsense,
            Some(payment) if payment.given_back => Expected::Refused(FEES),
            Some(payment)
                if self.paid_vnd() - payment.amount_vnd + amount_vnd > self.owed_vnd() =>
            {
                Expected::Refused(FEES)
            }
            Some(payment) if payment.amount_vnd == amount_vnd => Expected::Nonsense,
            Some(_) => Expected::Done(self.status),
        }
    }

    /// It was accepted. What has no paper is where it is decided at once.
    pub(super) fn accepts(&mut self) {
        self.accepted = true;
        self.transferred = self.elsewhere && self.online;
    }

    /// It stands there now.
    pub(super) fn comes_to(&mut self, status: i32) {
        if self.status == status {
            return;
        }
        self.stands(status);
        self.lapsed = false;
        if status == 4 {
            self.payments.iter_mut().for_each(|it| it.unworked = false);
        }
    }

    /// Whether nobody works for money that comes now.
    fn stands_still(&self) -> bool {
        match self.place() {
            1 | BEFORE | 2 | 6 => true,
            _ => self.has_ended() && self.ended_still,
        }
    }

    fn stands(&mut self, status: i32) {
        let still = self.stands_still();
        self.status = status;
        self.ended_still = still && self.has_ended();
    }

    /// It was done.
    pub(super) fn done(&mut self, who: &str, asked: &Asked, status: i32) {
        self.stands(status);
        match asked {
            Asked::Accept if !self.accepted => self.accepts(),
            Asked::ConfirmTransfer { .. } => self.transferred = true,
            Asked::AddPaper => self.lacks_papers = false,
            Asked::AskSupplement { .. } => self.asked_before += 1,
            Asked::Propose | Asked::ProposePayment { .. } => {
                let payment = match asked {
                    Asked::ProposePayment { place, amount_vnd } => Some((*place, *amount_vnd)),
                    _ => None,
                };
                let by = who.to_owned();
                self.proposed = Some(Proposed { by, payment });
                self.corrections += 1;
            }
            Asked::Decide { confirm, .. } => {
                let payment = self.proposed.take().and_then(|it| it.payment);
                if let Some((place, amount_vnd)) = payment.filter(|_| *confirm) {
                    self.payments[place].amount_vnd = amount_vnd;
                }
            }
            Asked::ExternalState if self.systems.iter().all(|it| it != who) => {
                self.systems.push(who.to_owned());
            }
            Asked::Pay {
                reference,
                amount_vnd,
                ..
            } if self.payments.iter().all(|it| it.reference != *reference) => {
                self.payments.push(Payment {
                    reference: reference.clone(),
                    amount_vnd: *amount_vnd,
                    given_back: false,
                    unworked: self.stands_still(),
                });
            }
            Asked::ArrangeVisit => self.visits.push(false),
            Asked::RecordVisit { place, .. } => self.visits[*place] = true,
            Asked::Refund { place } => self.payments[*place].given_back = true,
            Asked::Recuse(who) => self.recused.push(who.clone()),
            _ => {}
        }
    }
}

/// The number that the contract gives a status.
pub(super) fn number(status: DossierStatus) -> i32 {
    status.into()
}
