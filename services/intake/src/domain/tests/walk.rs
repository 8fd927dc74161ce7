//! Every status met by every command: what `domain.md` of the law allows happens, everything else is refused and
//! changes nothing.

use super::*;
use DossierStatus::{
    Accepted, HandedOver, InProgress, PaymentRequired, Refused, ResultReady, Stopped, Submitted,
    SupplementRequired, Withdrawn,
};

/// A dossier in every place there is, with the statuses that the law lets it come to.
pub(super) fn places() -> Vec<(&'static str, Counter, Vec<DossierStatus>)> {
    places_of(Counter::opens("2025-07-01T08:00:00").does(&submission(
        "1.000656",
        Channel::Counter,
        false,
    )))
}

/// The same of this one, which waits for acceptance.
pub(super) fn places_of(submitted: Counter) -> Vec<(&'static str, Counter, Vec<DossierStatus>)> {
    let submitted = submitted.does(&visit());
    let incomplete = submitted.clone().does(&ask_supplement());
    let refused = submitted.clone().does(&refuse());
    let accepted = submitted.clone().does(&Command::Accept);
    let in_progress = accepted.clone().does(&follow(InProgress));
    let supplement = in_progress.clone().does(&asked::asks(SupplementRequired));
    let payment = in_progress.clone().does(&asked::asks(PaymentRequired));
    let stopped = in_progress.clone().does(&follow(Stopped));
    let withdrawn = in_progress.clone().does(&withdraw());
    let ready = in_progress.clone().does(&finished());
    let handed_over = ready.clone().does(&hand_over(HandOverMethod::Counter));
    vec![
        (
            "1",
            submitted,
            vec![Accepted, Refused, SupplementRequired, Withdrawn],
        ),
        (
            "5 before acceptance",
            incomplete,
            vec![Submitted, Refused, Withdrawn],
        ),
        ("2", accepted, vec![InProgress, Withdrawn]),
        (
            "4",
            in_progress,
            vec![
                SupplementRequired,
                PaymentRequired,
                Withdrawn,
                Stopped,
                ResultReady,
            ],
        ),
        (
            "5 during the case",
            supplement,
            vec![InProgress, Withdrawn, Stopped],
        ),
        ("6", payment, vec![InProgress, Withdrawn, Stopped]),
        ("3", refused, vec![]),
        ("7", withdrawn, vec![]),
        ("8", stopped, vec![]),
        ("9", ready, vec![HandedOver]),
        ("10", handed_over, vec![]),
    ]
}

pub(super) fn refuse() -> Command {
    Command::Refuse {
        reason: words("giấy tờ giả"),
        ground: words("điều 17"),
    }
}

pub(super) fn withdraw() -> Command {
    Command::Withdraw {
        reason: words("không cần nữa"),
        ground: words(""),
    }
}

pub(super) fn visit() -> Command {
    Command::ArrangeVisit {
        from: at("2025-07-02T08:00:00"),
        to: at("2025-07-02T10:00:00"),
        address: words(""),
        location: Words::default(),
        visitor: String::new(),
        offered: false,
    }
}

pub(super) fn follow(status: DossierStatus) -> Command {
    news(EventKind::CaseStarted, Some(status), None)
}

/// Every command, with the status that it leads to where it is allowed.
fn commands() -> Vec<(Command, Option<DossierStatus>)> {
    vec![
        (Command::Accept, Some(Accepted)),
        (refuse(), Some(Refused)),
        (ask_supplement(), Some(SupplementRequired)),
        (provide_supplement(), None),
        (withdraw(), Some(Withdrawn)),
        (hand_over(HandOverMethod::Counter), Some(HandedOver)),
        (
            Command::RecordVisit {
                visit: "v1".to_owned(),
                met: Met::Result(received("con")),
            },
            Some(HandedOver),
        ),
        (follow(InProgress), Some(InProgress)),
        (follow(SupplementRequired), Some(SupplementRequired)),
        (follow(PaymentRequired), Some(PaymentRequired)),
        (follow(Stopped), Some(Stopped)),
        (finished(), Some(ResultReady)),
    ]
}

#[test]
fn every_move_of_the_law_happens_and_every_other_is_refused_with_article_and_remedy() {
    for (place, counter, allowed) in places() {
        let before = counter.dossier().clone();
        let mut reached = Vec::new();
        for (command, leads_to) in commands() {
            let mut counter = counter.clone();
            match counter.asks(&command) {
                Ok(events) if matches!(events[..], [Payload::ReactionIgnored(_)]) => {
                    assert_eq!(counter.status(), before.status, "{place}: {command:?}");
                }
                // To stay is no move: the case goes on where it went on already.
                Ok(events) if events.is_empty() => {
                    assert_eq!(leads_to, Some(before.status), "{place}: {command:?}");
                    assert_eq!(counter.dossier(), &before, "{place}: {command:?}");
                }
                Ok(_) => {
                    let status = counter.status();
                    assert!(
                        allowed.contains(&status),
                        "{place}: {command:?} led to {status:?}"
                    );
                    if let Some(leads_to) = leads_to {
                        assert_eq!(status, leads_to, "{place}: {command:?}");
                    }
                    reached.push(status);
                }
                Err(Error::Refused(refusal)) => {
                    assert_eq!(counter.dossier(), &before, "{place}: {command:?}");
                    assert!(
                        refusal.article.starts_with("decree 118/2025"),
                        "{refusal:?}"
                    );
                    assert!(
                        !refusal.remedy.is_empty() && !refusal.state.is_empty(),
                        "{refusal:?}"
                    );
                }
                Err(other) => panic!("{place}: {command:?}: {other}"),
            }
        }
        for status in allowed {
            assert!(
                reached.contains(&status),
                "{place}: nothing leads to {status:?}"
            );
        }
    }
}

#[test]
fn visits_are_arranged_for_as_long_as_something_is_to_be_taken_or_brought() {
    for (place, mut counter, _) in places() {
        let arranged = counter.asks(&visit()).is_ok();
        let ended = matches!(place, "3" | "7" | "8" | "10");
        assert_eq!(arranged, !ended, "{place}");
    }
}

#[test]
fn a_visit_takes_papers_along_before_acceptance_and_is_made_once() {
    let took = |originals| Command::RecordVisit {
        visit: "v1".to_owned(),
        met: Met::Papers(vec![motcua_proto::r#type::v1::HandedPaper {
            paper: "to-khai".to_owned(),
            originals,
            ..Default::default()
        }]),
    };
    let mut counter = originals::received(1, false).does(&visit());
    assert!(matches!(counter.asks(&took(-1)), Err(Error::Invalid(_))));
    let mut counter = counter.does(&took(2));
    let shown = counter.dossier().to_proto(CODE);
    let visit = &shown.visits[0];
    assert_eq!((visit.papers_taken, visit.handed_over), (true, false));
    assert_eq!(shown.papers[0].originals, 3);
    assert_eq!(counter.status(), Submitted);
    assert!(matches!(counter.asks(&took(1)), Err(Error::Refused(_))));
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

#[test]
fn only_a_submission_makes_a_dossier_and_it_makes_it_once() {
    for (command, _) in commands() {
        let missing = Counter::opens("2025-07-01T08:00:00").asks(&command);
        assert!(matches!(missing, Err(Error::Missing { .. })), "{command:?}");
    }
    let mut counter =
        Counter::opens("2025-07-01T08:00:00").does(&submission("1.000656", Channel::Portal, false));
    assert!(matches!(
        counter.asks(&submission("1.000656", Channel::Portal, false)),
        Err(Error::Exists { .. })
    ));
}
