//! The service on a real PostgreSQL, following three feeds at once.

use std::{collections::BTreeMap, str::FromStr, sync::Arc, time::Duration};

use jiff::Timestamp;
use motcua_platform::{
    archive::{Archive, Reading},
    clock::Clock,
    database::{self, Base},
    error::Error,
    identity::Principal,
    policy,
    postgres::{DataDir, Options, Server},
    scope::Scope,
    service::{Peers, Service, Surroundings},
    time::{date_to_proto, local_date},
    vault::{MasterFile, Vault},
};
use motcua_proto::{
    events::v1::Event,
    google::r#type::Date as ProtoDate,
    statistics::v1::{
        GetDurationsRequest, GetSettlementReportRequest, ListDossierFactsRequest, ReconcileResponse,
    },
    r#type::v1::{Punctuality, Role},
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use sqlx::PgPool;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::Status;
use tonic_types::StatusExt as _;

use super::{
    feeds::{self, EPOCH},
    history::{self, AGENCIES, Life, code, life, minute},
    properties::filters,
    recount,
};
use crate::{
    MIGRATIONS, SERVICE,
    api::ReportServer,
    domain::fact::{Fact, INTAKE, NOTIFICATION, WORKFLOW},
    store::{self, Filter},
};

/// Dossiers of the test.
const DOSSIERS: usize = 400;
/// How long the followers may take to come to the heads.
const LIMIT: Duration = Duration::from_secs(60);

/// A value of a strategy, from a fixed seed.
fn draw<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

/// What the policy of a method lets somebody reach.
fn scope_of(role: Role, agencies: &[&str]) -> Scope {
    let principal = Principal::of("somebody-1", &[role], agencies);
    let report = policy::of("motcua.statistics.v1.ReportService/GetSettlementReport").unwrap();
    policy::judge(report, Some(&principal), None).unwrap().scope
}

fn city() -> Scope {
    scope_of(Role::CitySupervisor, &[])
}

/// Statistics, caught up with three histories.
struct Running {
    reports: ReportServer,
    base: Base,
    pool: PgPool,
    facts: BTreeMap<String, Fact>,
    events: i64,
    drain: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    async fn start(server: &Server, lives: &[Life]) -> Self {
        let base = Base::from_str(&server.base_url()).unwrap();
        base.prepare(SERVICE, &MIGRATIONS).await.unwrap();
        let mut histories: BTreeMap<&str, Vec<Event>> = BTreeMap::new();
        histories
            .entry(INTAKE)
            .or_default()
            .push(history::catalog_applied());
        let mut facts = BTreeMap::new();
        for (number, life) in lives.iter().enumerate() {
            let dossier = code(number);
            for (source, events) in life.told(&dossier) {
                histories.entry(source).or_default().extend(events);
            }
            facts.insert(dossier.clone(), life.fact(&dossier));
        }
        // As a source writes them down: dossiers come mixed, each in its order.
        for history in histories.values_mut() {
            history.sort_by_key(|event| event.recorded_at.map(|at| at.seconds));
        }
        let mut peers = Vec::new();
        let mut events = 0;
        for source in [INTAKE, WORKFLOW, NOTIFICATION] {
            let (peer, head) =
                feeds::serve(source, histories.remove(source).unwrap_or_default()).await;
            events += head;
            peers.push((source, peer, head));
        }
        let [(_, intake, _), (_, workflow, _), (_, notification, _)] = &peers[..] else {
            panic!("there are three sources");
        };
        let (clock, _) = Clock::simulated(minute(60 * 24 * 60));
        let (drain, tasks) = (CancellationToken::new(), TaskTracker::new());
        let options = base.service(SERVICE);
        let Service { progress, .. } = crate::start(Surroundings {
            options: options.clone(),
            reader: base.reader(SERVICE),
            vault: Vault::open(Arc::new(MasterFile::passing().unwrap()), &options, &clock)
                .await
                .unwrap(),
            clock: clock.clone(),
            peers: Peers {
                intake: intake.clone(),
                workflow: workflow.clone(),
                notification: notification.clone(),
            },
            drain: drain.clone(),
            tasks: tasks.clone(),
        })
        .await
        .unwrap();
        for (source, _, head) in &peers {
            let mut steps = progress.watch(source).unwrap();
            let reached = steps.wait_for(|step| step.position == *head);
            assert!(
                tokio::time::timeout(LIMIT, reached).await.is_ok(),
                "{source} was not followed: {progress:?}"
            );
        }
        assert!(progress.is_well());
        let pool = database::pool(options);
        let sources = peers
            .into_iter()
            .map(|(source, peer, _)| (source, peer))
            .collect();
        let reports = ReportServer {
            archive: Archive::new(base.reader(SERVICE)),
            clock,
            sources,
        };
        Self {
            reports,
            base,
            pool,
            facts,
            events,
            drain,
            tasks,
        }
    }

    async fn reconcile(&self) -> ReconcileResponse {
        self.reports.recount(&city()).await.unwrap()
    }

    /// A reading as the service's own reader.
    async fn reads(&self, scope: &Scope) -> Reading {
        self.reports.archive.open(scope).await.unwrap()
    }

    async fn execute(&self, statement: &'static str) {
        let done = sqlx::query(statement).execute(&self.pool).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{statement}");
    }

    async fn stop(self) {
        self.drain.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.pool.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_feeds_followed_at_once_are_counted_as_fact_by_fact() {
    let server = Server::start(Options::new(DataDir::Temporary))
        .await
        .unwrap();
    let mut runner = TestRunner::deterministic();
    let lives: Vec<Life> = (0..DOSSIERS).map(|_| draw(&mut runner, &life())).collect();
    let running = Running::start(&server, &lives).await;

    reports_agree(&running, &mut runner).await;
    a_report_says_where_it_was_counted(&running).await;
    lists_page_through_every_fact(&running).await;
    durations_are_those_of_the_resolved(&running).await;
    every_violation_comes_at_once(&running).await;
    each_wall_stands_alone(&running, &mut runner).await;
    what_was_falsified_is_named(&running).await;

    running.stop().await;
    server.stop().await.unwrap();
}

async fn reports_agree(running: &Running, runner: &mut TestRunner) {
    for round in 0..120 {
        let agencies = [
            vec![],
            vec![AGENCIES[0].to_owned()],
            AGENCIES[1..].iter().map(|&a| a.to_owned()).collect(),
        ];
        let filter = Filter {
            agencies: agencies[round % 3].clone(),
            ..draw(runner, &filters())
        };
        let settlement = store::settlement(&mut running.reads(&city()).await, &filter)
            .await
            .unwrap();
        let places = settlement.places.clone();
        assert_eq!(places, recount::places());
        let counted = recount::recount(running.facts.values(), &filter);
        assert_eq!(settlement.tally.finish(&places), counted, "{filter:?}");
    }
}

async fn a_report_says_where_it_was_counted(running: &Running) {
    let request = GetSettlementReportRequest {
        from: Some(ProtoDate {
            year: 2025,
            month: 7,
            day: 1,
        }),
        to: Some(ProtoDate {
            year: 2025,
            month: 8,
            day: 31,
        }),
        ..GetSettlementReportRequest::default()
    };
    let report = running
        .reports
        .settlement_report(&city(), request)
        .await
        .unwrap();
    assert_eq!(report.days.len(), 62);
    assert_eq!(report.lines.len(), 3);
    assert_eq!(report.lines[0].field, "Hộ tịch");
    assert_eq!(report.footnotes.len(), 6);
    assert_eq!(report.positions.len(), 3);
    assert!(
        report.positions[0].starts_with(&format!("intake/{EPOCH}@")),
        "{:?}",
        report.positions
    );
    let total = report.total.unwrap();
    assert!(
        total.resolved_overdue > 0 && total.in_progress_overdue > 0 && total.carried_over == 0,
        "{total:?}"
    );
}

async fn lists_page_through_every_fact(running: &Running) {
    for (agency, overdue_only) in [
        ("", false),
        (AGENCIES[1], false),
        ("", true),
        (AGENCIES[2], true),
    ] {
        let mut request = ListDossierFactsRequest {
            page_size: 17,
            agency: agency.to_owned(),
            overdue_only,
            page_token: String::new(),
        };
        let mut listed = Vec::new();
        loop {
            let page = running
                .reports
                .dossier_facts(&city(), request.clone())
                .await
                .unwrap();
            listed.extend(page.facts);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let now = running.reports.clock.now();
        let overdue = |fact: &Fact| match fact.resolution() {
            Some(resolution) => resolution.punctuality == Punctuality::Overdue,
            None => fact
                .limits()
                .last()
                .and_then(|limit| limit.overdue_from())
                .is_some_and(|from| from <= now),
        };
        let expected: Vec<_> = running
            .facts
            .iter()
            .filter(|(_, fact)| agency.is_empty() || fact.intake.receiving_agency == agency)
            .filter(|(_, fact)| !overdue_only || overdue(fact))
            .map(|(dossier, fact)| fact.to_proto(dossier.clone()))
            .collect();
        assert!(!expected.is_empty());
        assert_eq!(listed, expected);
    }
}

async fn durations_are_those_of_the_resolved(running: &Running) {
    let (from, to) = (local_date(minute(0)), local_date(minute(90 * 24 * 60)));
    let request = GetDurationsRequest {
        agencies: Vec::new(),
        from: Some(date_to_proto(from)),
        to: Some(date_to_proto(to)),
    };
    let answer = running.reports.durations(&city(), request).await.unwrap();
    let mut expected: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for fact in running
        .facts
        .values()
        .filter(|fact| fact.resolution().is_some())
    {
        expected
            .entry(&fact.intake.procedure)
            .or_default()
            .push(fact.workflow.used_minutes);
    }
    assert_eq!(answer.procedures.len(), expected.len());
    for duration in &answer.procedures {
        let minutes = expected.get_mut(duration.procedure.as_str()).unwrap();
        minutes.sort_unstable();
        assert_eq!(duration.dossiers, i64::try_from(minutes.len()).unwrap());
        // The first value that at least so many do not exceed.
        let percentile =
            |hundredths: usize| minutes[(minutes.len() * hundredths).div_ceil(100) - 1];
        assert_eq!(duration.p50_minutes, percentile(50));
        assert_eq!(duration.p90_minutes, percentile(90));
        assert_eq!(duration.p99_minutes, percentile(99));
    }
}

async fn every_violation_comes_at_once(running: &Running) {
    let day = |year, month, day| Some(ProtoDate { year, month, day });
    let report = GetSettlementReportRequest {
        agencies: vec!["115 93".to_owned(), "11593".to_owned(), String::new()],
        from: day(2025, 8, 1),
        to: day(2025, 7, 1),
        as_of: day(2025, 7, 15),
    };
    let refused = running
        .reports
        .settlement_report(&city(), report)
        .await
        .unwrap_err();
    assert_eq!(
        violations(refused),
        ["agencies[0]", "agencies[2]", "to", "as_of"]
    );
    let report = GetSettlementReportRequest {
        from: day(2025, 2, 30),
        as_of: day(25, 1, 1),
        ..Default::default()
    };
    let refused = running
        .reports
        .settlement_report(&city(), report)
        .await
        .unwrap_err();
    assert_eq!(violations(refused), ["from", "to", "as_of"]);
    let durations = GetDurationsRequest {
        from: day(1990, 1, 1),
        to: day(2025, 1, 1),
        ..Default::default()
    };
    let refused = running
        .reports
        .durations(&city(), durations)
        .await
        .unwrap_err();
    assert_eq!(violations(refused), ["to"]);
    let list = ListDossierFactsRequest {
        page_size: -1,
        page_token: "7".to_owned(),
        agency: "'".to_owned(),
        overdue_only: false,
    };
    let refused = running
        .reports
        .dossier_facts(&city(), list)
        .await
        .unwrap_err();
    assert_eq!(violations(refused), ["page_size", "page_token", "agency"]);
}

fn violations(error: Error) -> Vec<String> {
    let details = Status::from(error).get_details_bad_request().unwrap();
    details
        .field_violations
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

/// Each wall between agencies, with the other one taken down.
async fn each_wall_stands_alone(running: &Running, runner: &mut TestRunner) {
    let (ours, theirs) = (AGENCIES[1], AGENCIES[2]);
    let scope = scope_of(Role::Leader, &[ours]);

    // Queries that ask for everything, on a connection that reads for somebody.
    for query in [
        "SELECT DISTINCT receiving_agency FROM fact",
        "SELECT DISTINCT agency FROM daily_counter",
    ] {
        let found: Vec<String> = sqlx::query_scalar(query)
            .fetch_all(&mut *running.reads(&scope).await)
            .await
            .unwrap();
        assert_eq!(found, [ours], "{query}");
    }

    // The service's own queries, also on a connection that row-level security does not hold.
    let owned = ReportServer {
        archive: Archive::new(running.base.owner(SERVICE)),
        ..running.reports.clone()
    };
    for reports in [&owned, &running.reports] {
        for (named, counted) in [
            (&[][..], Some(ours)),
            (&[ours], Some(ours)),
            (&[ours, theirs], Some(ours)),
            (&[theirs], None),
            (&["unheard-of"], None),
        ] {
            let named: Vec<_> = named.iter().map(|&agency| agency.to_owned()).collect();
            let filter = Filter {
                agencies: named.clone(),
                ..draw(runner, &filters())
            };
            let mut reading = reports.archive.open(&scope).await.unwrap();
            let settlement = store::settlement(&mut reading, &filter).await.unwrap();
            let expected = Filter {
                agencies: vec![counted.unwrap_or("nobody").to_owned()],
                ..filter.clone()
            };
            let places = settlement.places.clone();
            assert_eq!(
                settlement.tally.finish(&places),
                recount::recount(running.facts.values(), &expected),
                "{filter:?}"
            );
            let (from, to) = (local_date(minute(0)), local_date(minute(90 * 24 * 60)));
            let request = GetDurationsRequest {
                agencies: named,
                from: Some(date_to_proto(from)),
                to: Some(date_to_proto(to)),
            };
            let durations = reports.durations(&scope, request).await.unwrap();
            let resolved = running
                .facts
                .values()
                .filter(|fact| fact.resolution().is_some())
                .filter(|fact| Some(fact.intake.receiving_agency.as_str()) == counted)
                .count();
            let counted: i64 = durations.procedures.iter().map(|it| it.dossiers).sum();
            assert_eq!(counted, i64::try_from(resolved).unwrap());
        }
        for overdue_only in [false, true] {
            for (agency, found) in [("", true), (ours, true), (theirs, false)] {
                let request = ListDossierFactsRequest {
                    page_size: 1_000,
                    agency: agency.to_owned(),
                    overdue_only,
                    ..ListDossierFactsRequest::default()
                };
                let listed = reports.dossier_facts(&scope, request).await.unwrap().facts;
                assert_eq!(!listed.is_empty(), found, "{agency}");
                assert!(listed.iter().all(|fact| fact.receiving_agency == ours));
            }
        }
    }
}

async fn what_was_falsified_is_named(running: &Running) {
    let named = |answer: &ReconcileResponse| -> Vec<String> {
        answer
            .differences
            .iter()
            .map(|difference| difference.what.clone())
            .collect()
    };
    let answer = running.reconcile().await;
    assert_eq!(answer.differences, []);
    assert!(!answer.truncated);
    assert_eq!(answer.events, running.events);
    assert_eq!(answer.dossiers, i64::try_from(DOSSIERS).unwrap());

    running
        .execute(
            "UPDATE daily_counter SET value = value + 1 WHERE (agency, procedure, day, measure) = \
             (SELECT agency, procedure, day, measure FROM daily_counter WHERE measure = 2 AND value > 0 \
              ORDER BY agency, procedure, day LIMIT 1)",
        )
        .await;
    let answer = running.reconcile().await;
    let names = named(&answer);
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].starts_with("counter 11593 2025-07-"), "{names:?}");
    assert!(names[0].contains(" received_counter "), "{names:?}");
    let number = |text: &str| text.parse::<i64>().unwrap();
    assert_eq!(
        number(&answer.differences[0].stored),
        number(&answer.differences[0].counted) + 1
    );

    running
        .execute("UPDATE fact SET used_minutes = 1000000 WHERE dossier = (SELECT max(dossier) FROM fact)")
        .await;
    let last = code(DOSSIERS - 1);
    assert!(named(&running.reconcile().await).contains(&format!("fact {last} used_minutes")));
    running
        .execute("UPDATE fact SET state = '{}' WHERE dossier = (SELECT min(dossier) FROM fact)")
        .await;
    assert!(named(&running.reconcile().await).contains(&format!("fact {} state", code(0))));
    running
        .execute("DELETE FROM fact WHERE dossier = (SELECT max(dossier) FROM fact)")
        .await;
    assert!(named(&running.reconcile().await).contains(&format!("fact {last}")));
    running
        .execute("INSERT INTO daily_counter VALUES ('11593', '1.000656', date '1999-01-01', 50, 3)")
        .await;
    let unheard = "counter 11593 1999-01-01 handed_over 1.000656".to_owned();
    assert!(named(&running.reconcile().await).contains(&unheard));

    let far = Filter {
        agencies: Vec::new(),
        period: crate::domain::report::Period {
            from: local_date(minute(0)),
            to: local_date(minute(0)),
        },
        recorded_before: Timestamp::MAX,
        moment: Timestamp::MAX,
    };
    // The end of time fits the database too.
    store::settlement(&mut running.reads(&city()).await, &far)
        .await
        .unwrap();
}
