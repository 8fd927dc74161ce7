//! Each wall between agencies, with the others taken down.

use std::sync::Arc;

use motcua_calendar::Limit;
use motcua_platform::{
    archive::Archive,
    clock::Clock,
    database::{self, Base},
    error::Error,
    feed::Feed,
    identity::Principal,
    ledger::{Aggregate as _, Asked, Authority, Envelope, Ledger, Target},
    policy::{self, Admission},
    postgres::{DataDir, Options, Server},
    vault::{MasterFile, Vault},
};
use motcua_proto::{
    events::v1::EventKind,
    r#type::v1::{PriorityGround, Role},
    workflow::v1::TaskState,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    CaseFilter, Cases, SubCaseFilter, TaskFilter, case, cases, sub_cases, substitutions,
    substitutions_of, tasks,
};
use crate::{
    MIGRATIONS, PENDING, SERVICE,
    domain::{Cause, Command, Due, Receipt, Surround, Words},
};

const OURS: &str = "H24.11593-250701-0001";
const THEIRS: &str = "H24.11407-250701-0001";

/// A leader of one ward, as the policy of stopping cases lets them in.
fn leader(ward: &str) -> (Principal, Admission) {
    let principal = Principal::of(&format!("leader-{ward}-1"), &[Role::Leader], &[ward]);
    let stop = policy::of("motcua.workflow.v1.CaseService/StopCase").unwrap();
    let admission = policy::judge(stop, Some(&principal), None).unwrap();
    (principal, admission)
}

fn envelope(code: &str, authority: Authority, command: Command) -> Envelope<Command> {
    let target = Target::Key(code.to_owned());
    Envelope {
        authority,
        ..Envelope::by_rule(SERVICE, target, command, String::new())
    }
}

/// A case of this ward. It waits for its catalog: that takes no wall down.
fn start(ward: &str) -> Command {
    let at = |text: &str| text.parse().unwrap();
    Command::Start {
        receipt: Box::new(Receipt {
            procedure: "1.000656".to_owned(),
            received_at: at("2025-07-01T01:00:00Z"),
            due: Due {
                at: at("2025-07-04T10:00:00Z"),
                judged_until: at("2025-07-04T17:00:00Z"),
            },
            limit: Limit::working_days(3),
            catalog: "none".to_owned(),
            definition: "none".to_owned(),
            receiving_agency: ward.to_owned(),
            competent_agency: format!("{ward}-ca"),
            priority: PriorityGround::Unspecified,
            options: Vec::new(),
            recused: Vec::new(),
            fee_vnd: 0,
            paid_vnd: 0,
        }),
        cause: Cause {
            source: "intake",
            position: 1,
            kind: EventKind::DossierAccepted,
        },
    }
}

const BESIDE: &str = "\
    INSERT INTO task SELECT code, 1, receiving_agency, 3, 1, 'officer-1', 1, due_at, false FROM cases; \
    INSERT INTO sub_case SELECT code, 1, tenant, receiving_agency, '1.004222', 1, due_at \
        FROM cases CROSS JOIN unnest(tenants) AS tenant; \
    INSERT INTO statement SELECT 'cases/' || code, 3, 1, 'Lý do', 'Điều 18', now() FROM cases; \
    INSERT INTO substitution SELECT ward || '-250701-0001', ward, 'deputy', '2030-01-01', \
        json_build_object('agency', ward, 'absent', 'boss-' || ward, 'substitute', 'deputy', 'role', 4, \
            'from', '2020-01-01T00:00:00Z', 'until', '2030-01-01T00:00:00Z', 'ground', '1') \
        FROM unnest(ARRAY['11593', '11407']) AS ward";

#[tokio::test(flavor = "multi_thread")]
async fn each_wall_stands_alone() {
    let server = Server::start(Options::new(DataDir::Temporary))
        .await
        .unwrap();
    let base: Base = server.base_url().parse().unwrap();
    base.prepare(SERVICE, &MIGRATIONS).await.unwrap();
    // The owner, whom row-level security does not hold.
    let owner = base.owner(SERVICE);
    let (clock, _) = Clock::simulated("2025-07-01T01:00:00Z".parse().unwrap());
    let (drain, tracker) = (CancellationToken::new(), TaskTracker::new());
    let feed = Feed::start(
        SERVICE,
        database::pool(owner.clone()),
        owner.clone(),
        clock.clone(),
        PENDING,
        drain.clone(),
    );
    let aggregate = Arc::new(Cases {
        surround: Surround::default(),
        clock: clock.clone(),
    });
    let vault = Vault::open(Arc::new(MasterFile::passing().unwrap()), &owner, &clock)
        .await
        .unwrap();
    let ledger = Ledger::start(
        &feed,
        &vault,
        Arc::clone(&aggregate),
        &owner,
        &clock,
        &tracker,
    );
    for (code, ward) in [(OURS, "11593"), (THEIRS, "11407")] {
        let started = envelope(code, Authority::of_service(SERVICE), start(ward));
        ledger.execute(ward, started).await.unwrap();
    }
    let mut connection = PgConnection::connect_with(&owner).await.unwrap();
    connection.execute(BESIDE).await.unwrap();

    let (principal, admission) = leader("11593");
    row_level_security(&base, &admission).await;
    the_program(&base, &admission).await;
    the_programs_branches(&base, &admission).await;
    the_programs_substitutions(&base, &admission).await;
    the_ledger(&ledger, &Authority::of(&principal, &admission)).await;

    // And PostgreSQL judges what it gives to the ledger.
    let asked = Asked {
        keys: vec![OURS.to_owned(), THEIRS.to_owned(), THEIRS.to_owned()],
        reaches: ["11593", "11593", "11407-ca"].map(str::to_owned).to_vec(),
    };
    let given = aggregate.load(&mut connection, &asked).await.unwrap();
    let mut places: Vec<_> = given.into_iter().map(|(place, _)| place).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 2]);

    connection.close().await.ok();
    drop(ledger);
    drain.cancel();
    tracker.close();
    tracker.wait().await;
    server.stop().await.unwrap();
}

/// Queries that ask for everything, on a connection that reads for somebody.
async fn row_level_security(base: &Base, admission: &Admission) {
    let archive = Archive::new(base.reader(SERVICE));
    let mut reading = archive.open(&admission.scope).await.unwrap();
    for (query, found) in [
        ("SELECT code FROM cases", &[OURS][..]),
        ("SELECT code FROM case_elsewhere", &[OURS]),
        ("SELECT dossier FROM task", &[OURS]),
        // Of a branch there is a row for each tenant.
        ("SELECT dossier FROM sub_case", &[OURS]),
        (
            "SELECT substr(name, length('cases/') + 1) FROM statement",
            &[OURS],
        ),
        ("SELECT key FROM substitution", &["11593-250701-0001"]),
        // The decision is the police's, and so are the events.
        ("SELECT dossier FROM event", &[]),
    ] {
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut *reading)
            .await
            .unwrap();
        assert_eq!(rows, found, "{query}");
    }
    for query in ["SELECT FROM request", "DELETE FROM task"] {
        let mut reading = archive.open(&admission.scope).await.unwrap();
        assert!(
            reading.execute(AssertSqlSafe(query)).await.is_err(),
            "{query}"
        );
    }
}

/// The store's own queries, on a connection that row-level security does not hold.
async fn the_program(base: &Base, admission: &Admission) {
    let archive = Archive::new(base.owner(SERVICE));
    let mut reading = archive.open(&admission.scope).await.unwrap();
    assert!(case(&mut reading, OURS).await.unwrap().is_some());
    assert!(case(&mut reading, THEIRS).await.unwrap().is_none());
    for (agency, found) in [
        ("", &[OURS][..]),
        ("11593-ca", &[OURS]),
        ("11593", &[]),
        ("11407", &[]),
        ("11407-ca", &[]),
    ] {
        let filter = CaseFilter {
            competent_agency: agency.to_owned(),
            rows: 10,
            ..CaseFilter::default()
        };
        let listed = cases(&mut reading, &filter).await.unwrap();
        let codes: Vec<_> = listed.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(codes, found, "{agency}");
    }
    for (agency, assignee, found) in [
        ("", "", &[OURS][..]),
        ("11593", "", &[OURS]),
        ("11407", "", &[]),
        ("", "officer-1", &[OURS]),
        ("11407", "officer-1", &[]),
    ] {
        let filter = TaskFilter {
            agency: agency.to_owned(),
            assignees: [assignee]
                .into_iter()
                .filter(|assignee| !assignee.is_empty())
                .map(str::to_owned)
                .collect(),
            states: vec![TaskState::Open],
            rows: 10,
            ..TaskFilter::default()
        };
        let listed = tasks(&mut reading, &filter).await.unwrap();
        let codes: Vec<_> = listed.iter().map(|row| row.code.as_str()).collect();
        assert_eq!(codes, found, "{agency} {assignee}");
    }
}

/// The same of branches.
async fn the_programs_branches(base: &Base, admission: &Admission) {
    let archive = Archive::new(base.owner(SERVICE));
    let mut reading = archive.open(&admission.scope).await.unwrap();
    for (agency, procedure, found) in [
        ("", "", &[OURS][..]),
        ("11593", "", &[OURS]),
        ("11593-ca", "", &[]),
        ("11407", "", &[]),
        ("", "1.004222", &[OURS]),
        ("11593", "1.004222", &[OURS]),
        ("11593", "1.003197", &[]),
        ("11407", "1.004222", &[]),
    ] {
        let procedures = [procedure].into_iter().filter(|code| !code.is_empty());
        let filter = SubCaseFilter {
            agency: agency.to_owned(),
            procedures: procedures.map(str::to_owned).collect(),
            rows: 10,
            ..SubCaseFilter::default()
        };
        let listed = sub_cases(&mut reading, &filter).await.unwrap();
        let codes: Vec<_> = listed.iter().map(|row| row.code.as_str()).collect();
        assert_eq!(codes, found, "{agency} {procedure}");
    }
}

/// The same of who stands in for whom.
async fn the_programs_substitutions(base: &Base, admission: &Admission) {
    let archive = Archive::new(base.owner(SERVICE));
    let mut reading = archive.open(&admission.scope).await.unwrap();
    for (agency, found) in [
        ("", &["11593-250701-0001"][..]),
        ("11593", &["11593-250701-0001"]),
        ("11407", &[]),
    ] {
        let listed = substitutions(&mut reading, agency, None, "", 10)
            .await
            .unwrap();
        let keys: Vec<_> = listed.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, found, "{agency}");
    }
    let now = "2025-07-01T01:00:00Z".parse().unwrap();
    let own = substitutions_of(&mut reading, "deputy", now).await.unwrap();
    let absent: Vec<_> = own.iter().map(|own| own.absent.as_str()).collect();
    assert_eq!(absent, ["boss-11593"]);
}

/// A command on another ward's case, on a connection that row-level security does not hold.
async fn the_ledger(ledger: &Ledger<Cases>, authority: &Authority) {
    let stop = |code: &str| {
        let command = Command::Stop {
            reason: Words::from("Lý do".to_owned()),
            ground: Words::from("Điều 18".to_owned()),
        };
        ledger.execute("11593", envelope(code, authority.clone(), command))
    };
    for code in [THEIRS, "H24.11407-250701-9999"] {
        let answer = stop(code).await;
        let missing = format!("cases/{code}");
        assert!(matches!(answer, Err(Error::Missing { name }) if name == missing));
    }
    // Their own ward's: the police decides on it, and the leader hears that.
    assert!(matches!(stop(OURS).await, Err(Error::Refused(_))));
}
