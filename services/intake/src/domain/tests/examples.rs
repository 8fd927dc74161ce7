//! Worked examples.

use motcua_platform::{error::Violation, time::date_to_proto};

use super::*;

#[test]
fn received_at_fifteen_oclock_sharp_is_due_the_same_day() {
    let counter =
        Counter::opens("2025-07-01T15:00:00").does(&submission("1.000656", Channel::Counter, true));
    assert_eq!(counter.status(), DossierStatus::Accepted);
    assert_eq!(counter.due(), at("2025-07-01T17:00:00"));
}

#[test]
fn received_a_minute_after_fifteen_oclock_is_due_the_next_working_day() {
    let monday =
        Counter::opens("2025-07-01T15:01:00").does(&submission("1.000656", Channel::Counter, true));
    assert_eq!(monday.due(), at("2025-07-02T17:00:00"));
    assert_eq!(
        instant(monday.accepted().judged_until.as_ref()),
        at("2025-07-03T00:00:00")
    );
    let before_the_holiday =
        Counter::opens("2025-09-01T15:01:00").does(&submission("1.000656", Channel::Counter, true));
    assert_eq!(before_the_holiday.due(), at("2025-09-03T17:00:00"));
}

#[test]
fn the_limit_runs_from_reception_and_not_from_submission() {
    let counter = Counter::opens("2025-07-04T22:30:00")
        .does(&submission("2.002622", Channel::Portal, false))
        .at("2025-07-07T08:15:00")
        .does(&Command::Accept);
    let accepted = counter.accepted();
    assert_eq!(
        instant(accepted.received_at.as_ref()),
        at("2025-07-07T08:15:00")
    );
    assert_eq!(counter.due(), at("2025-07-10T17:00:00"));
    assert_eq!(accepted.definition, "registration");
    assert_eq!(accepted.fee_vnd, 0, "online");
}

#[test]
fn what_is_accepted_at_night_is_received_when_the_counter_opens() {
    let counter = Counter::opens("2025-07-04T22:30:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&Command::Accept);
    assert_eq!(
        instant(counter.accepted().received_at.as_ref()),
        at("2025-07-07T07:00:00")
    );
    assert_eq!(counter.due(), at("2025-07-07T17:00:00"));
}

#[test]
fn at_the_counter_the_fee_is_the_counters() {
    let counter =
        Counter::opens("2025-07-01T09:00:00").does(&submission("2.002622", Channel::Home, true));
    assert_eq!(counter.accepted().fee_vnd, 8_000);
}

#[test]
fn a_procedure_of_the_police_is_decided_by_the_wards_police() {
    let counter =
        Counter::opens("2025-07-01T09:00:00").does(&submission("1.004194", Channel::Counter, true));
    assert_eq!(counter.dossier().receiving_agency, "11593");
    assert_eq!(counter.dossier().competent_agency, "11593-ca");
}

#[test]
fn a_submission_that_nobody_answers_is_late_after_eight_working_hours_and_once() {
    let mut counter =
        Counter::opens("2025-07-04T22:30:00").does(&submission("1.000656", Channel::Portal, false));
    // Monday has 4.5 + 3.5 working hours.
    assert_eq!(counter.dossier().timer(), Some(at("2025-07-07T17:00:00")));
    counter.now = at("2025-07-07T16:59:00");
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    counter.now = at("2025-07-07T17:00:00");
    assert!(matches!(
        counter.asks(&Command::Tick).unwrap()[..],
        [Payload::AcceptanceOverdue(_)]
    ));
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    assert_eq!(counter.dossier().timer(), None);
    assert_eq!(
        counter.does(&Command::Accept).status(),
        DossierStatus::Accepted
    );
}

/// The test's catalog with another day off.
fn with_a_day_off(date: Date) -> Arc<Catalog> {
    let mut proto = proto_catalog();
    proto.id = "later".to_owned();
    proto.calendars[0].days.push(CalendarDay {
        date: Some(date),
        kind: CalendarDayKind::Holiday.into(),
        title: "Nghỉ".to_owned(),
    });
    Arc::new(Catalog::parse(&proto).unwrap())
}

fn july(day: i32) -> Date {
    Date {
        year: 2025,
        month: 7,
        day,
    }
}

#[test]
fn another_calendar_moves_the_wait_for_an_answer_once_and_no_other() {
    let monday_off = with_a_day_off(july(7));
    let mut counter =
        Counter::opens("2025-07-04T22:30:00").does(&submission("1.000656", Channel::Portal, false));
    assert_eq!(counter.asks(&Command::Recompute).unwrap(), []);
    counter.applied_since = Some(Arc::clone(&monday_off));
    let [Payload::AcceptanceDueRecomputed(recomputed)] =
        &counter.asks(&Command::Recompute).unwrap()[..]
    else {
        panic!("Monday does not count any more");
    };
    assert_eq!(recomputed.catalog, "later");
    assert_eq!(
        counter.dossier().timer(),
        Some(at("2025-07-08T17:00:00")),
        "and Tuesday does"
    );
    assert_eq!(counter.asks(&Command::Recompute).unwrap(), []);
    counter.now = at("2025-07-08T17:00:00");
    assert!(matches!(
        counter.asks(&Command::Tick).unwrap()[..],
        [Payload::AcceptanceOverdue(_)]
    ));
    // What was late stays late.
    counter.applied_since = Some(with_a_day_off(july(8)));
    assert_eq!(counter.asks(&Command::Recompute).unwrap(), []);

    // The day that was written on a request for a supplement stays; the answer to the supplement is awaited by the new calendar.
    let mut asked = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&ask_supplement());
    let written = asked.dossier().timer();
    asked.applied_since = Some(monday_off);
    assert_eq!(asked.asks(&Command::Recompute).unwrap(), []);
    assert_eq!(asked.dossier().timer(), written);
    let mut provided = asked.at("2025-07-04T17:00:00").does(&provide_supplement());
    assert_eq!(provided.dossier().timer(), Some(at("2025-07-08T17:00:00")));
    provided.applied_since = Some(with_a_day_off(july(8)));
    provided.asks(&Command::Recompute).unwrap();
    assert_eq!(provided.dossier().timer(), Some(at("2025-07-07T17:00:00")));
}

#[test]
fn a_receipt_is_written_by_the_calendar_in_force() {
    let mut counter =
        Counter::opens("2025-07-01T08:00:00").does(&submission("1.000656", Channel::Portal, false));
    let by = |counter: &Counter| counter.clone().does(&Command::Accept).due();
    let before = by(&counter);
    let day_due = motcua_calendar::local(before).date();
    counter.applied_since = Some(with_a_day_off(motcua_platform::time::date_to_proto(
        day_due,
    )));
    assert!(by(&counter) > before);
}

#[test]
fn a_submission_that_was_answered_is_not_late() {
    let asked = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&ask_supplement());
    // What wakes it next is the supplement that it waits for.
    assert_eq!(asked.dossier().timer(), Some(at("2025-07-08T17:00:00")));
    assert!(!asked.dossier().answer_awaited);
}

#[test]
fn a_supplement_that_nobody_answers_is_late_after_eight_working_hours_of_its_own() {
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        // The submission itself was answered too late.
        .at("2025-07-02T08:00:00")
        .does(&Command::Tick)
        .does(&ask_supplement())
        .at("2025-07-08T09:00:00")
        .does(&provide_supplement());
    // Tuesday has 2.5 + 3.5 working hours left, and Wednesday gives the other two.
    let due = at("2025-07-09T09:00:00");
    assert_eq!(
        (counter.status(), counter.dossier().timer()),
        (DossierStatus::Submitted, Some(due))
    );
    assert_eq!(
        instant(counter.dossier().to_proto(CODE).acceptance_due_at.as_ref()),
        due
    );
    counter.now = at("2025-07-09T08:59:00");
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    counter.now = due;
    let [Payload::AcceptanceOverdue(overdue)] = &counter.asks(&Command::Tick).unwrap()[..] else {
        panic!("the supplement waits too long");
    };
    assert_eq!(instant(overdue.acceptance_due_at.as_ref()), due);
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

#[test]
fn a_supplement_that_was_answered_is_not_late() {
    let back = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&ask_supplement())
        .does(&provide_supplement());
    assert!(back.dossier().timer().is_some());
    assert_eq!(back.does(&Command::Accept).dossier().timer(), None);
}

#[test]
fn a_supplement_from_before_the_contract_had_its_due_replays_as_it_was() {
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&ask_supplement())
        .does(&provide_supplement());
    let provided = counter.events.last_mut().unwrap();
    if let Some(Payload::SupplementProvided(provided)) = &mut provided.payload {
        provided.acceptance_due_at = None;
    }
    let replayed = counter.events.iter().fold(None, Dossier::apply).unwrap();
    assert_eq!(
        (replayed.status, replayed.timer()),
        (DossierStatus::Submitted, None)
    );
}

#[test]
fn a_supplement_is_asked_for_once_and_a_second_time_only_by_a_leader() {
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&ask_supplement())
        .does(&provide_supplement());
    assert!(matches!(
        counter.asks(&ask_supplement()),
        Err(Error::Refused(_))
    ));
    counter.actor.role = Role::Leader.into();
    let [Payload::SupplementAsked(asked)] = &counter.asks(&ask_supplement()).unwrap()[..] else {
        panic!("a supplement is asked for");
    };
    assert_eq!(asked.statement_revision, 2);
    // Seven working days after Tuesday 1 July.
    assert_eq!(
        instant(asked.supplement_due_at.as_ref()),
        at("2025-07-10T17:00:00")
    );
}

#[test]
fn a_supplement_during_the_case_lets_it_go_on_at_once_and_the_due_moves_when_the_case_says_so() {
    let moved = at("2025-07-08T17:00:00");
    let counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("2.002622", Channel::Counter, true))
        .does(&news(
            EventKind::CaseStarted,
            Some(DossierStatus::InProgress),
            None,
        ))
        .does(&news(
            EventKind::CaseHeld,
            Some(DossierStatus::SupplementRequired),
            None,
        ));
    let first_due = counter.due();
    let counter = counter.does(&provide_supplement());
    assert_eq!(
        (counter.status(), counter.due()),
        (DossierStatus::InProgress, first_due)
    );
    let Some(Payload::SupplementProvided(provided)) = &counter.events.last().unwrap().payload
    else {
        panic!("a supplement is provided");
    };
    assert!(provided.during_case);
    assert_eq!(
        (&provided.acceptance_due_at, counter.dossier().timer()),
        (&None, None),
        "it was accepted long ago"
    );
    let counter = counter.does(&news(
        EventKind::CaseResumed,
        Some(DossierStatus::InProgress),
        Some(moved),
    ));
    assert_eq!(
        (counter.status(), counter.due()),
        (DossierStatus::InProgress, moved)
    );
}

#[test]
fn an_extension_that_was_under_way_does_not_undo_a_supplement_handed_in_here() {
    let counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("2.002622", Channel::Counter, true))
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&news(
            EventKind::CaseHeld,
            Some(DossierStatus::SupplementRequired),
            None,
        ))
        .does(&provide_supplement())
        .does(&news(
            EventKind::DeadlineExtended,
            None,
            Some(at("2025-07-11T17:00:00")),
        ));
    assert_eq!(
        (counter.status(), counter.due()),
        (DossierStatus::InProgress, at("2025-07-11T17:00:00"))
    );
}

#[test]
fn what_the_law_has_no_move_for_is_ignored_with_the_reason_and_the_case_is_followed_on() {
    let resumed = || {
        news(
            EventKind::CaseResumed,
            Some(DossierStatus::InProgress),
            None,
        )
    };
    let accepted =
        Counter::opens("2025-07-01T08:00:00").does(&submission("1.000656", Channel::Counter, true));
    let begun = accepted.clone().does(&resumed());
    let supplement = begun
        .clone()
        .does(&asked::asks(DossierStatus::SupplementRequired));
    let payment = begun.does(&asked::asks(DossierStatus::PaymentRequired));
    for (mut counter, reason) in [
        (accepted, "it is accepted and its case has not begun"),
        (supplement, "its case waits for a supplement"),
        (payment, "its case waits for a payment"),
    ] {
        let before = counter.dossier().clone();
        let [Payload::ReactionIgnored(ignored)] = &counter.asks(&finished()).unwrap()[..] else {
            panic!("the finish is ignored: {reason}");
        };
        assert_eq!(
            ignored.reason,
            format!("the dossier cannot be moved by its case: {reason}")
        );
        let after = counter.dossier();
        assert_eq!(
            (after.status, after.status_since, &after.result),
            (before.status, before.status_since, &None)
        );
        let counter = counter.does(&resumed()).does(&finished());
        assert_eq!(counter.status(), DossierStatus::ResultReady);
        assert_eq!(
            counter.dossier().result.as_ref().unwrap().outcome,
            "approved"
        );
    }
}

#[test]
fn a_second_asking_follows_the_first_ones_answer_however_late_it_is_heard_that_the_case_goes_on() {
    let resumed = news(
        EventKind::CaseResumed,
        Some(DossierStatus::InProgress),
        Some(at("2025-07-08T17:00:00")),
    );
    let counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("2.002622", Channel::Counter, true))
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&asked::asks(DossierStatus::SupplementRequired))
        .does(&provide_supplement())
        .does(&resumed)
        .does(&asked::asks(DossierStatus::PaymentRequired));
    assert_eq!(counter.status(), DossierStatus::PaymentRequired);
    assert_eq!(counter.due(), at("2025-07-08T17:00:00"));
    // The case was stopped while the supplement was on its way.
    let stopped = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("2.002622", Channel::Counter, true))
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&asked::asks(DossierStatus::SupplementRequired))
        .does(&provide_supplement())
        .does(&walk::follow(DossierStatus::Stopped));
    assert_eq!(stopped.status(), DossierStatus::Stopped);
}

#[test]
fn a_withdrawal_beats_a_finish_that_comes_later_and_it_is_recorded_why() {
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, true))
        .does(&news(
            EventKind::CaseStarted,
            Some(DossierStatus::InProgress),
            None,
        ))
        .does(&Command::Withdraw {
            reason: words(""),
            ground: words(""),
        });
    let [Payload::ReactionIgnored(ignored)] = &counter.asks(&finished()).unwrap()[..] else {
        panic!("the finish is ignored");
    };
    assert_eq!(
        (ignored.source.as_str(), ignored.source_position),
        ("workflow", 9)
    );
    assert_eq!(ignored.source_kind(), EventKind::CaseFinished);
    assert_eq!(
        ignored.reason,
        "the dossier cannot be moved by its case: it was withdrawn"
    );
    assert_eq!(counter.status(), DossierStatus::Withdrawn);
    assert_eq!(
        counter.statements.len(),
        1,
        "nothing was said with the withdrawal"
    );
}

#[test]
fn a_visit_hands_the_result_over_at_home() {
    let window = |day: &str| Command::ArrangeVisit {
        from: at(&format!("{day}T08:00:00")),
        to: at(&format!("{day}T10:00:00")),
        address: words("số 1 ngõ Thử"),
        location: Words::default(),
        visitor: String::new(),
        offered: false,
    };
    let met = |visit: &str| Command::RecordVisit {
        visit: visit.to_owned(),
        met: Met::Result(received("con trai, chữ ký số 7")),
    };
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, true))
        .does(&window("2025-07-02"))
        .does(&window("2025-07-03"));
    assert!(
        matches!(counter.asks(&met("v1")), Err(Error::Refused(_))),
        "the result is not ready"
    );
    let mut counter = counter
        .does(&walk::follow(DossierStatus::InProgress))
        .does(&finished());
    assert!(matches!(
        counter.asks(&hand_over(HandOverMethod::Home)),
        Err(Error::Refused(_))
    ));
    assert!(matches!(
        counter.asks(&met("v3")),
        Err(Error::Missing { .. })
    ));
    let mut counter = counter.does(&Command::RecordVisit {
        visit: "v1".to_owned(),
        met: Met::Nobody,
    });
    assert!(
        matches!(counter.asks(&met("v1")), Err(Error::Refused(_))),
        "it was made already"
    );
    let happened = counter.asks(&met("v2")).unwrap();
    let [
        Payload::VisitMade(made),
        Payload::ResultHandedOver(handed_over),
    ] = &happened[..]
    else {
        panic!("the visit hands the result over");
    };
    assert!(made.handed_over);
    assert_eq!(
        (handed_over.method(), handed_over.visit.as_str()),
        (HandOverMethod::Home, "v2")
    );
    assert_eq!(counter.status(), DossierStatus::HandedOver);
    let shown = counter.dossier().to_proto(CODE);
    let visits: Vec<_> = shown
        .visits
        .iter()
        .map(|visit| (visit.id.as_str(), visit.handed_over))
        .collect();
    assert_eq!(visits, [("v1", false), ("v2", true)]);
    assert_eq!(shown.etag, format!("\"{}\"", counter.events.len()));
}

#[test]
fn a_visit_lies_ahead() {
    let mut counter =
        Counter::opens("2025-07-02T10:00:00").does(&submission("1.000656", Channel::Counter, true));
    let past = Command::ArrangeVisit {
        from: at("2025-07-02T08:00:00"),
        to: at("2025-07-02T10:00:00"),
        address: words(""),
        location: Words::default(),
        visitor: String::new(),
        offered: false,
    };
    assert!(matches!(counter.asks(&past), Err(Error::Invalid(_))));
}

#[test]
fn a_submission_for_what_the_catalog_does_not_have_names_every_field() {
    let Command::Submit(mut nonsense) = submission("9.999999", Channel::Counter, false) else {
        panic!("is a submission")
    };
    nonsense.receiving_agency = "99999".to_owned();
    let refused = Counter::opens("2025-07-01T08:00:00").asks(&Command::Submit(nonsense));
    let Err(Error::Invalid(violations)) = refused else {
        panic!("must be invalid")
    };
    let fields: Vec<_> = violations
        .iter()
        .map(|Violation { field, .. }| field.as_str())
        .collect();
    assert_eq!(fields, ["procedure", "receiving_agency"]);
}

#[test]
fn no_log_of_a_command_repeats_what_somebody_said() {
    for command in [
        submission("1.000656", Channel::Counter, false),
        ask_supplement(),
        hand_over(HandOverMethod::Counter),
        Command::Refuse {
            reason: words("giấy báo tử"),
            ground: words("điều 17"),
        },
    ] {
        let logged = format!("{command:?}");
        for said in ["Nguyễn", "Thử", "giấy", "con gái", "điều"] {
            assert!(!logged.contains(said), "{logged}");
        }
    }
}

#[test]
fn the_state_and_the_events_hold_no_personal_data() {
    let counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Counter, false))
        .does(&Command::Refuse {
            reason: words("giấy báo tử"),
            ground: words("điều 17"),
        });
    let kept = format!(
        "{} {:?}",
        serde_json::to_string(counter.dossier()).unwrap(),
        counter.events
    );
    for said in ["Nguyễn", "giấy", "điều"] {
        assert!(!kept.contains(said), "{kept}");
    }
    let bodies: Vec<_> = counter
        .statements
        .iter()
        .map(|said| (said.body.expose().as_str(), said.ground.expose().as_str()))
        .collect();
    assert_eq!(
        bodies,
        [
            (r#"{"full_name":"Nguyễn Thị Thử"}"#, ""),
            ("giấy báo tử", "điều 17")
        ]
    );
}

fn citizen(id: &str) -> Actor {
    Actor {
        id: id.to_owned(),
        role: Role::Citizen.into(),
    }
}

#[test]
fn who_submits_as_a_citizen_owns_the_dossier_and_a_clerk_does_not() {
    let mut counter = Counter::opens("2025-07-01T09:00:00");
    counter.actor = citizen("citizen-1");
    let counter = counter.does(&submission("2.002622", Channel::Portal, false));
    assert_eq!(counter.dossier().owner, "citizen-1");
    assert_eq!(counter.dossier().tenants(), ["11593", "o:citizen-1"]);
    let counter =
        Counter::opens("2025-07-01T09:00:00").does(&submission("2.002622", Channel::Counter, true));
    assert_eq!(counter.dossier().owner, "");
}

#[test]
fn nobody_acts_on_a_relatives_dossier_or_on_their_own() {
    let mut counter = Counter::opens("2025-07-01T09:00:00")
        .does(&submission("2.002622", Channel::Portal, false))
        .does(&Command::Recuse {
            principal: "receptionist-11593-1".to_owned(),
        });
    let Err(Error::Refused(refusal)) = counter.asks(&Command::Accept) else {
        panic!("a relative accepted it");
    };
    assert_eq!(refusal.article, "law 36/2018/QH14, art. 23");
    // A colleague does.
    counter.actor.id = "receptionist-11593-2".to_owned();
    let counter = counter.does(&Command::Accept);
    assert_eq!(counter.accepted().recused, ["receptionist-11593-1"]);

    let mut own = Counter::opens("2025-07-01T09:00:00");
    own.actor = citizen("receptionist-11593-1");
    let mut own = own.does(&submission("2.002622", Channel::Portal, false));
    own.actor.role = Role::Receptionist.into();
    assert!(matches!(own.asks(&Command::Accept), Err(Error::Refused(_))));
    // As a citizen one may.
    own.actor.role = Role::Citizen.into();
    let own = own.does(&Command::Withdraw {
        reason: words(""),
        ground: words(""),
    });
    assert_eq!(own.status(), DossierStatus::Withdrawn);
}

#[test]
fn a_mark_that_stands_says_nothing_new() {
    let mark = Command::Recuse {
        principal: "officer-11593-2".to_owned(),
    };
    let mut counter = Counter::opens("2025-07-01T09:00:00")
        .does(&submission("2.002622", Channel::Counter, true))
        .does(&mark);
    assert_eq!(counter.asks(&mark).unwrap(), []);
}

#[test]
fn a_centre_receives_for_another_ward_whose_agencies_are_then_competent() {
    let Command::Submit(mut elsewhere) = submission("1.004194", Channel::Counter, true) else {
        unreachable!()
    };
    elsewhere.on_behalf_of = "11407".to_owned();
    let counter = Counter::opens("2025-07-01T09:00:00").does(&Command::Submit(elsewhere.clone()));
    assert_eq!(counter.dossier().receiving_agency, "11593");
    assert_eq!(counter.dossier().competent_agency, "11407-ca");
    assert_eq!(counter.dossier().tenants(), ["11407-ca", "11593"]);
    // Nothing that is decided later forgets it.
    assert_eq!(counter.accepted().competent_agency, "11407-ca");

    elsewhere.on_behalf_of = "99999".to_owned();
    let refused = Counter::opens("2025-07-01T09:00:00").asks(&Command::Submit(elsewhere));
    let Err(Error::Invalid(violations)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(violations[0].field, "on_behalf_of");
}

/// Two units of a ward take turns on a day: who decides is who was there when it was submitted, and stays it.
#[test]
fn the_unit_that_is_there_on_the_day_of_submission_is_competent() {
    let day = |day| Some(date_to_proto(jiff::civil::date(2025, 7, day)));
    let mut catalog = proto_catalog();
    let mut police = catalog
        .agencies
        .iter()
        .find(|it| it.code == "11593-ca")
        .unwrap()
        .clone();
    police.code = "11593-cb".to_owned();
    police.valid_from = day(8);
    for agency in &mut catalog.agencies {
        if agency.code == "11593-ca" {
            agency.valid_to = day(7);
            agency.successors = vec!["11593-cb".to_owned()];
        }
    }
    catalog.agencies.push(police);
    let catalog = Arc::new(Catalog::parse(&catalog).unwrap());
    for (at, unit) in [
        ("2025-07-07T09:00:00", "11593-ca"),
        ("2025-07-08T09:00:00", "11593-cb"),
    ] {
        let mut counter = Counter::opens(at);
        counter.catalog = Arc::clone(&catalog);
        counter = counter.does(&submission("1.004194", Channel::Counter, false));
        assert_eq!(counter.dossier().competent_agency, unit, "{at}");
        counter.now = self::at("2025-07-09T09:00:00");
        counter = counter.does(&Command::Accept);
        assert_eq!(counter.accepted().competent_agency, unit, "{at}");
    }
}

#[test]
fn what_was_asked_for_is_reminded_of_once_and_then_refused_by_rule_in_writing() {
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&ask_supplement());
    // Seven working days end on Thursday 10 July; two before that is Tuesday.
    assert_eq!(counter.dossier().timer(), Some(at("2025-07-08T17:00:00")));
    counter.now = at("2025-07-08T16:59:00");
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    counter.now = at("2025-07-08T17:00:00");
    assert!(matches!(
        counter.asks(&Command::Tick).unwrap()[..],
        [Payload::SupplementDueSoon(_)]
    ));
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    // The whole day is the applicant's.
    assert_eq!(counter.dossier().timer(), Some(at("2025-07-11T00:00:00")));
    counter.now = at("2025-07-10T23:59:00");
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    counter.now = at("2025-07-11T00:00:00");
    let [Payload::DossierRefused(refused)] = &counter.asks(&Command::Tick).unwrap()[..] else {
        panic!("the supplement has lapsed");
    };
    assert!(refused.lapsed && refused.statement_revision == 1);
    let said = counter.statements.last().unwrap();
    assert_eq!(said.kind, i32::from(StatementKind::Refusal));
    assert_eq!(
        said.body.expose(),
        "Hết thời hạn bổ sung, hoàn thiện hồ sơ (17 giờ 00 phút, ngày 10/07/2025) nhưng chưa nhận được nội dung đã yêu cầu."
    );
    assert!(said.ground.expose().contains("118/2025/NĐ-CP"));
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}

#[test]
fn what_was_handed_in_does_not_lapse() {
    let mut counter = Counter::opens("2025-07-01T08:00:00")
        .does(&submission("1.000656", Channel::Portal, false))
        .does(&ask_supplement())
        .at("2025-07-10T16:00:00")
        .does(&provide_supplement());
    counter.now = at("2025-07-11T00:00:00");
    assert_eq!(counter.asks(&Command::Tick).unwrap(), []);
    assert_eq!(counter.dossier().to_proto(CODE).supplement_due_at, None);
}
