//! What the counter wrote down wrongly, as it should have stood: a payment, the reference of a parcel, how many papers.

use motcua_platform::error::{Error, Refusal, Violation};
use motcua_proto::r#type::v1::{CorrectedEntry, CorrectedPayment, HandOverMethod, corrected_entry};
use serde::{Deserialize, Serialize};

use super::{
    dossier::{Dossier, Payment, Reception},
    moves,
    papers::{self, Handed},
    payments,
    rules::Rules,
};

/// An entry as it should have stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A payment.
    Payment {
        /// Its id: `p1`.
        payment: String,
        /// What was paid, in đồng; 0 where it was not for this dossier.
        amount_vnd: i64,
        /// The provider's reference; empty where it stands there rightly.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reference: String,
    },
    /// The reference of the parcel that the result went by.
    TrackingReference(String),
    /// How much was handed in of a paper, in all.
    Paper(Handed),
}

impl Entry {
    /// From the contract; `None` where it names nothing.
    #[must_use]
    pub fn of(entry: &CorrectedEntry) -> Option<Self> {
        Some(match entry.entry.as_ref()? {
            corrected_entry::Entry::Payment(right) => Self::Payment {
                payment: right.payment.clone(),
                amount_vnd: right.amount_vnd,
                reference: right.reference.clone(),
            },
            corrected_entry::Entry::TrackingReference(right) => {
                Self::TrackingReference(right.clone())
            }
            corrected_entry::Entry::Paper(right) => Self::Paper(Handed {
                electronic: 0,
                ..Handed::of(right)
            }),
        })
    }

    /// As the contract has it.
    #[must_use]
    pub fn to_proto(&self) -> CorrectedEntry {
        let entry = match self {
            Self::Payment {
                payment,
                amount_vnd,
                reference,
            } => corrected_entry::Entry::Payment(CorrectedPayment {
                payment: payment.clone(),
                amount_vnd: *amount_vnd,
                reference: reference.clone(),
            }),
            Self::TrackingReference(right) => {
                corrected_entry::Entry::TrackingReference(right.clone())
            }
            Self::Paper(right) => corrected_entry::Entry::Paper(right.to_proto()),
        };
        CorrectedEntry { entry: Some(entry) }
    }
}

/// Whether the dossier has such an entry, and it can be so. Asked when it is proposed, and again when it is confirmed.
pub(super) fn check(dossier: &Dossier, entry: &Entry, rules: &Rules<'_>) -> Result<(), Error> {
    let changes = match entry {
        Entry::Payment {
            payment,
            amount_vnd,
            reference,
        } => check_payment(dossier, payment, *amount_vnd, reference, rules)?,
        Entry::TrackingReference(right) => {
            let by_post = dossier
                .handed_over
                .as_ref()
                .filter(|it| it.method == HandOverMethod::Post);
            let sent = by_post.ok_or_else(|| {
                refusal(
                    moves::HAND_OVER,
                    "the result did not go by post".to_owned(),
                    "NOT_POSTED",
                    "hand the result over first (HandOverResult)",
                )
            })?;
            sent.tracking_reference != *right
        }
        Entry::Paper(right) => check_paper(dossier, right, rules)?,
    };
    if changes {
        Ok(())
    } else {
        Err(Error::field("entry", "stands there already"))
    }
}

fn check_payment(
    dossier: &Dossier,
    id: &str,
    amount_vnd: i64,
    reference: &str,
    rules: &Rules<'_>,
) -> Result<bool, Error> {
    let of =
        |field: &str, problem: String| Error::field(&format!("entry.payment.{field}"), problem);
    let wrong = dossier
        .payment_place(id)
        .and_then(|place| dossier.payments.get(place))
        .ok_or_else(|| of("payment", format!("the dossier has no payment '{id}'")))?;
    if wrong.refunded_at.is_some() {
        return Err(refusal(
            moves::FEES,
            format!("payment {id} was given back"),
            "REFUNDED",
            "let it stand: it counts for nothing any more",
        ));
    }
    let reference = if reference.is_empty() {
        &wrong.reference
    } else {
        reference
    };
    let stands_elsewhere =
        |other: &Payment| !std::ptr::eq(other, wrong) && other.is_of(&wrong.provider, reference);
    if dossier.payments.iter().any(stands_elsewhere) {
        return Err(of("reference", "is another payment's".to_owned()));
    }
    let others = dossier.paid_vnd() - wrong.amount_vnd;
    payments::ensure_owed(payments::owed(dossier, rules), others, amount_vnd)?;
    Ok(wrong.amount_vnd != amount_vnd || wrong.reference != reference)
}

fn check_paper(dossier: &Dossier, right: &Handed, rules: &Rules<'_>) -> Result<bool, Error> {
    let known = papers::counts(&[right.to_proto()], &rules.procedure.papers);
    if !known.is_empty() {
        let of_entry = |violation: Violation| Violation {
            field: violation.field.replace("papers[0]", "entry.paper"),
            ..violation
        };
        return Err(Error::Invalid(known.into_iter().map(of_entry).collect()));
    }
    if dossier.originals_returned.is_some() {
        return Err(refusal(
            moves::RECEPTION,
            "the papers were given back".to_owned(),
            "RETURNED",
            "let the counts stand: nothing of them is here any more",
        ));
    }
    let stands = dossier.counted(&right.paper);
    let right = Handed {
        electronic: stands.electronic,
        ..right.clone()
    };
    Ok(stands != right)
}

fn refusal(article: &'static str, message: String, state: &str, remedy: &'static str) -> Error {
    Error::Refused(Refusal {
        message,
        article,
        state: state.to_owned(),
        remedy,
    })
}

impl Dossier {
    /// How much there is of a paper, in all. What the counter saw and did not write down is what the receipt says.
    fn counted(&self, paper: &str) -> Handed {
        let received = self.reception.iter().flat_map(|it| &it.papers);
        let mut stands = self.papers.iter().chain(received);
        let stands = stands.find(|it| it.paper == paper).cloned();
        stands.unwrap_or_else(|| Handed {
            paper: paper.to_owned(),
            ..Handed::default()
        })
    }

    /// The entry stands as it should have.
    pub(super) fn set_right(&mut self, entry: &Entry) {
        match entry {
            Entry::Payment {
                payment,
                amount_vnd,
                reference,
            } => {
                let place = self.payment_place(payment);
                if let Some(wrong) = place.and_then(|place| self.payments.get_mut(place)) {
                    wrong.amount_vnd = *amount_vnd;
                    if !reference.is_empty() {
                        wrong.reference.clone_from(reference);
                    }
                }
            }
            Entry::TrackingReference(right) => {
                if let Some(sent) = &mut self.handed_over {
                    sent.tracking_reference.clone_from(right);
                }
            }
            Entry::Paper(right) => {
                let before = self.counted(&right.paper);
                if let Some(reception) = &mut self.reception {
                    recount_receipt(reception, &before, right);
                }
                set_counts(&mut self.papers, right);
            }
        }
    }
}

/// The receipt has what was there at acceptance. Where nothing came later, what is wrong with the whole is wrong there; else it has
/// no more than the whole.
fn recount_receipt(reception: &mut Reception, before: &Handed, right: &Handed) {
    let mut received = reception.papers.iter().filter(|it| it.paper == right.paper);
    let received = received.next().cloned().unwrap_or_default();
    let count = |of: fn(&Handed) -> i32| {
        if of(&received) == of(before) {
            of(right)
        } else {
            of(&received).min(of(right))
        }
    };
    let counted = Handed {
        paper: right.paper.clone(),
        originals: count(|it| it.originals),
        copies: count(|it| it.copies),
        photographs: count(|it| it.photographs),
        electronic: received.electronic,
    };
    set_counts(&mut reception.papers, &counted);
}

/// What is there of a paper, whose files stay. A paper of which nothing was there is one that was looked at.
fn set_counts(papers: &mut Vec<Handed>, right: &Handed) {
    match papers.iter_mut().find(|it| it.paper == right.paper) {
        Some(wrong) => {
            *wrong = Handed {
                electronic: wrong.electronic,
                ..right.clone()
            };
        }
        None => papers.push(Handed {
            electronic: 0,
            ..right.clone()
        }),
    }
}
