//! What the replay came to, as the statistics service counts it, printed for people and written for machines.

use std::{collections::BTreeMap, io::Write as _, path::Path, time::Duration};

use jiff::civil::Date;
use motcua_platform::{catalog::Catalog, time::date_to_proto};
use motcua_proto::{
    statistics::v1::{
        GetDurationsRequest, GetDurationsResponse, GetSettlementReportRequest,
        ListDossierFactsRequest, ReconcileRequest, ReconcileResponse, SettlementFigures,
        SettlementReport, report_service_client::ReportServiceClient,
    },
    r#type::v1::Role,
    workflow::v1::{ControlSheet, GetControlSheetRequest},
};
use serde::Serialize;

use super::{
    client::Client,
    progress::rate,
    receiver::Seen,
    register::{self, Rejected},
    staff::Member,
    town::Tally,
    waterfall,
};
use crate::{Failed, identities::Line, picture, tables};

/// Procedures whose durations are printed.
const DURATIONS_MAX: usize = 12;
/// Differences that are printed.
const DIFFERENCES_MAX: usize = 10;

/// Reasons of refusals that are printed.
const REFUSALS_MAX: usize = 10;

/// What statistics says.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) report: SettlementReport,
    durations: GetDurationsResponse,
    reconciled: ReconcileResponse,
    /// Dossiers that are or ended overdue and for which somebody apologised in time.
    apologies: u64,
    control_sheet: Option<ControlSheet>,
}

/// What the demo itself knows of its run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) wards: usize,
    pub(super) commands: u64,
    /// By method and reason.
    pub(super) refusals: BTreeMap<String, u64>,
    /// What was heard in the feeds and is in no report.
    pub(super) tally: Tally,
    /// The replay alone.
    pub(super) replay: Duration,
    /// From the command to now, PostgreSQL's start included.
    pub(super) elapsed: Duration,
    pub(super) fsync_per_second: f64,
    pub(super) peak_rss_bytes: Option<u64>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) spans: Vec<Seen>,
}

/// For machines.
#[derive(Debug, Serialize)]
struct Json<'a> {
    received: i64,
    resolved: i64,
    on_time_percent: f64,
    overdue: i64,
    handed_over: i64,
    handed_over_at_home: i64,
    messages: i64,
    refused: i64,
    taken_back: u64,
    returned: u64,
    escalated: u64,
    stood_in: u64,
    limits_chosen: u64,
    for_other_wards: u64,
    transfers_late: u64,
    payments: u64,
    paid_vnd: i64,
    exempted_vnd: i64,
    apologies: u64,
    differences: usize,
    commands: u64,
    refusals: u64,
    rejected_rows: usize,
    rejected: &'a [Rejected],
    seed: u64,
    wards: usize,
    elapsed_seconds: f64,
    replay_seconds: f64,
    dossiers_per_second: f64,
    commands_per_second: f64,
    fsync_per_second: f64,
    peak_rss_bytes: Option<u64>,
    profile: &'static str,
}

/// Asks statistics about the wards and the period, and workflow for the sheet of one dossier.
pub(super) async fn ask(
    statistics: Line,
    client: &Client,
    wards: &[String],
    from: Date,
    to: Date,
    code: Option<&str>,
) -> Result<Figures, Failed> {
    let mut reports = ReportServiceClient::new(statistics);
    let (from, to) = (Some(date_to_proto(from)), Some(date_to_proto(to)));
    let report = reports
        .get_settlement_report(GetSettlementReportRequest {
            agencies: wards.to_vec(),
            from,
            to,
            as_of: None,
        })
        .await?
        .into_inner();
    let durations = reports
        .get_durations(GetDurationsRequest {
            agencies: wards.to_vec(),
            from,
            to,
        })
        .await?
        .into_inner();
    let mut apologies = 0;
    if overdue(&report.total.unwrap_or_default()) > 0 {
        for ward in wards {
            apologies += apologies_of(&mut reports, ward).await?;
        }
    }
    let mut recount = tonic::Request::new(ReconcileRequest {});
    // It reads every event again.
    recount.set_timeout(Duration::from_secs(600));
    let reconciled = reports.reconcile(recount).await?.into_inner();
    let control_sheet = match code {
        None => None,
        Some(code) => {
            let request = GetControlSheetRequest {
                name: format!("cases/{code}"),
            };
            // The dossier may be any ward's.
            let supervisor = Member {
                id: "supervisor-1".to_owned(),
                role: Role::CitySupervisor,
                agency: String::new(),
            };
            let request = client.asking(&supervisor, request)?;
            Some(
                client
                    .cases
                    .clone()
                    .get_control_sheet(request)
                    .await?
                    .into_inner(),
            )
        }
    };
    Ok(Figures {
        report,
        durations,
        reconciled,
        apologies,
        control_sheet,
    })
}

async fn apologies_of(reports: &mut ReportServiceClient<Line>, ward: &str) -> Result<u64, Failed> {
    let mut apologies = 0;
    let mut token = String::new();
    loop {
        let request = ListDossierFactsRequest {
            page_size: 1_000,
            page_token: token,
            agency: ward.to_owned(),
            overdue_only: true,
        };
        let page = reports.list_dossier_facts(request).await?.into_inner();
        apologies += page.facts.iter().filter(|fact| fact.apologised).count() as u64;
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(apologies);
        }
    }
}

fn overdue(total: &SettlementFigures) -> i64 {
    total.resolved_overdue + total.in_progress_overdue
}

/// Of those that are resolved; all of none is on time.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of dossiers are far below 2^52"
)]
fn on_time_percent(total: &SettlementFigures) -> f64 {
    let in_time = total.resolved_early + total.resolved_on_time;
    if total.resolved == 0 {
        100.0
    } else {
        100.0 * in_time as f64 / total.resolved as f64
    }
}

impl Figures {
    /// Whether the recount came to what is stored.
    pub(super) fn agree(&self) -> bool {
        self.reconciled.differences.is_empty()
    }

    /// Prints everything.
    pub(super) fn print(&self, run: &Run, catalog: &Catalog, wards: &[String]) {
        let total = self.report.total.unwrap_or_default();
        self.print_summary(&total, run);
        let agency = match wards {
            [one] => catalog
                .agency(one)
                .map_or_else(|| one.clone(), |agency| agency.title.clone()),
            many => format!("{} phường, xã, đặc khu", many.len()),
        };
        heading("Settlement report II.06a");
        println!("{}", tables::settlement(&self.report, &agency));
        heading("Days: received ▒, resolved █");
        println!("{}", picture::days(&self.report.days));
        heading("Working minutes from opening to completion of the tasks, of resolved dossiers");
        println!(
            "{}",
            tables::durations(&self.durations, catalog, DURATIONS_MAX)
        );
        if let Some(sheet) = &self.control_sheet {
            heading("Control sheet of one dossier");
            println!("{}", tables::control_sheet(sheet, catalog));
        }
        if let Some(trace) = waterfall::richest(&run.spans) {
            heading("One command and its reactions, as an OTLP receiver got the spans");
            println!("{}", waterfall::draw(&run.spans, trace));
        }
        self.print_recount();
        print_speed(&total, run);
    }

    fn print_summary(&self, total: &SettlementFigures, run: &Run) {
        heading("What statistics counted");
        println!("  received              {:>8}", total.received);
        println!("  resolved              {:>8}", total.resolved);
        println!("  on time               {:>8.2} %", on_time_percent(total));
        println!(
            "  overdue               {:>8}  ({} resolved, {} in progress)",
            overdue(total),
            total.resolved_overdue,
            total.in_progress_overdue
        );
        println!(
            "  apologies in time     {:>8}  (of those overdue)",
            self.apologies
        );
        println!("  handed over           {:>8}", total.handed_over);
        println!("  handed over at home   {:>8}", total.handed_over_at_home);
        println!("  messages sent         {:>8}", total.messages_sent);
        let Tally {
            blocked,
            taken_back,
            returned,
            escalated,
            stood_in,
            limits_chosen,
            for_other_wards,
            transfers_late,
            payments,
            paid_vnd,
            exempted_vnd,
            ..
        } = run.tally;
        println!(
            "  refused               {:>8}  (before acceptance, beside those received)",
            total.refused
        );
        heading("What the feeds told beside it");
        println!("  taken back            {taken_back:>8}  (likewise before acceptance)");
        println!("  steps sent back       {returned:>8}  (by whoever was to sign)");
        println!("  escalated to leaders  {escalated:>8}");
        println!("  done by a deputy      {stood_in:>8}  (while a leader was away)");
        println!("  with another limit    {limits_chosen:>8}  (had to be verified)");
        println!(
            "  for other wards       {for_other_wards:>8}  ({transfers_late} came there late)"
        );
        println!("  payments              {payments:>8}  ({paid_vnd} đ)");
        println!("  exempted from fees    {exempted_vnd:>8} đ");
        if blocked > 0 {
            println!("  cases without a usable definition: {blocked}");
        }
        if !run.rejected.is_empty() {
            println!(
                "  rows not replayed     {:>8}",
                register::rows(&run.rejected)
            );
            for rejected in &run.rejected {
                println!("    {rejected}");
            }
        }
    }

    fn print_recount(&self) {
        let recount = &self.reconciled;
        heading("Recount from the feeds");
        let verdict = if self.agree() {
            "no difference"
        } else {
            "DIFFERENCES"
        };
        println!(
            "  {} events of {} dossiers read again: {verdict}",
            recount.events, recount.dossiers
        );
        for difference in recount.differences.iter().take(DIFFERENCES_MAX) {
            println!(
                "  {}: stored {}, counted {}",
                difference.what, difference.stored, difference.counted
            );
        }
        if recount.truncated || recount.differences.len() > DIFFERENCES_MAX {
            println!("  and more");
        }
    }

    /// Writes the figures for machines.
    pub(super) fn write_json(&self, run: &Run, file: &Path) -> Result<(), Failed> {
        let total = self.report.total.unwrap_or_default();
        let json = Json {
            received: total.received,
            resolved: total.resolved,
            on_time_percent: on_time_percent(&total),
            overdue: overdue(&total),
            handed_over: total.handed_over,
            handed_over_at_home: total.handed_over_at_home,
            messages: total.messages_sent,
            refused: total.refused,
            taken_back: run.tally.taken_back,
            returned: run.tally.returned,
            escalated: run.tally.escalated,
            stood_in: run.tally.stood_in,
            limits_chosen: run.tally.limits_chosen,
            for_other_wards: run.tally.for_other_wards,
            transfers_late: run.tally.transfers_late,
            payments: run.tally.payments,
            paid_vnd: run.tally.paid_vnd,
            exempted_vnd: run.tally.exempted_vnd,
            apologies: self.apologies,
            differences: self.reconciled.differences.len(),
            commands: run.commands,
            refusals: run.refusals.values().sum(),
            rejected_rows: register::rows(&run.rejected),
            rejected: &run.rejected,
            seed: run.seed,
            wards: run.wards,
            elapsed_seconds: run.elapsed.as_secs_f64(),
            replay_seconds: run.replay.as_secs_f64(),
            dossiers_per_second: rate(total.received.unsigned_abs(), run.replay),
            commands_per_second: rate(run.commands, run.replay),
            fsync_per_second: run.fsync_per_second,
            peak_rss_bytes: run.peak_rss_bytes,
            profile: profile(),
        };
        let write = || {
            let mut file = std::fs::File::create(file)?;
            serde_json::to_writer_pretty(&mut file, &json)?;
            file.write_all(b"\n")
        };
        write()
            .map_err(|error| Failed::new(format!("{} cannot be written: {error}", file.display())))
    }
}

fn print_speed(total: &SettlementFigures, run: &Run) {
    heading("Speed");
    println!(
        "  {:.1} s in all, {:.1} s of them the replay ({} profile, seed {})",
        run.elapsed.as_secs_f64(),
        run.replay.as_secs_f64(),
        profile(),
        run.seed
    );
    println!(
        "  {:.1} dossiers/s, {:.0} commands/s ({} commands, {} refused)",
        rate(total.received.unsigned_abs(), run.replay),
        rate(run.commands, run.replay),
        run.commands,
        run.refusals.values().sum::<u64>()
    );
    for (reason, count) in run.refusals.iter().take(REFUSALS_MAX) {
        println!("    {count} refused: {reason}");
    }
    println!(
        "  beside it, the disk took {:.0} durable writes of 8 kB a second",
        run.fsync_per_second
    );
    if let Some(bytes) = run.peak_rss_bytes {
        println!(
            "  peak memory of the four services: {} MiB, PostgreSQL not counted",
            bytes >> 20
        );
    }
}

fn heading(text: &str) {
    println!("\n{text}\n");
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "development"
    } else {
        "release"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_what_was_resolved() {
        let total = SettlementFigures {
            resolved: 4,
            resolved_early: 2,
            resolved_on_time: 1,
            resolved_overdue: 1,
            in_progress_overdue: 2,
            ..SettlementFigures::default()
        };
        assert!((on_time_percent(&total) - 75.0).abs() < 1e-9);
        assert_eq!(overdue(&total), 3);
        assert!((on_time_percent(&SettlementFigures::default()) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn machines_get_what_statistics_counted() {
        let figures = Figures {
            report: SettlementReport {
                total: Some(SettlementFigures {
                    received: 7,
                    messages_sent: 9,
                    ..SettlementFigures::default()
                }),
                ..SettlementReport::default()
            },
            durations: GetDurationsResponse::default(),
            reconciled: ReconcileResponse::default(),
            apologies: 2,
            control_sheet: None,
        };
        let rejected = Rejected {
            line: 4,
            column: None,
            problem: "has 2 columns".into(),
        };
        let run = Run {
            seed: 5,
            wards: 1,
            commands: 40,
            refusals: BTreeMap::new(),
            tally: Tally {
                payments: 3,
                ..Tally::default()
            },
            replay: Duration::from_secs(2),
            elapsed: Duration::from_secs(3),
            fsync_per_second: 100.0,
            peak_rss_bytes: Some(1),
            rejected: vec![rejected.clone(), rejected],
            spans: Vec::new(),
        };
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("demo.json");
        figures.write_json(&run, &file).unwrap();
        let json: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for (key, value) in [
            ("received", 7.0),
            ("messages", 9.0),
            ("apologies", 2.0),
            ("payments", 3.0),
            ("commands_per_second", 20.0),
        ] {
            assert!(
                (json[key].as_f64().unwrap() - value).abs() < 1e-9,
                "{key}: {json}"
            );
        }
        assert_eq!(
            (
                json["rejected_rows"].as_u64(),
                json["rejected"][0]["line"].as_u64()
            ),
            (Some(1), Some(4))
        );
    }
}
