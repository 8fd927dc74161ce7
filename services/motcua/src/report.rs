//! `motcua report`: the settlement report II.06 of an agency or the whole city.

use std::process::ExitCode;

use jiff::civil::Date;
use motcua_platform::time::date_to_proto;
use motcua_proto::{
    intake::v1::{GetAgencyRequest, catalog_service_client::CatalogServiceClient},
    statistics::v1::{GetSettlementReportRequest, report_service_client::ReportServiceClient},
    r#type::v1::Role,
};

use crate::{Failed, config::Config, feed::Service, picture, tables};

/// Which agencies, which period, as of when.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Code of a receiving agency; may be given several times. The whole city if not given.
    #[arg(long)]
    agency: Vec<String>,
    /// First day of the period: 2025-07-01.
    #[arg(long)]
    from: Date,
    /// Last day of the period.
    #[arg(long)]
    to: Date,
    /// As the sources had recorded it by the end of this day; by now if not given.
    #[arg(long)]
    as_of: Option<Date>,
}

pub(crate) async fn run(config: &Config, args: Args) -> Result<ExitCode, Failed> {
    let report = ReportServiceClient::new(Service::Statistics.peer(config, Role::CitySupervisor)?)
        .get_settlement_report(GetSettlementReportRequest {
            agencies: args.agency.clone(),
            from: Some(date_to_proto(args.from)),
            to: Some(date_to_proto(args.to)),
            as_of: args.as_of.map(date_to_proto),
        })
        .await?
        .into_inner();
    let title = match args.agency.as_slice() {
        [] => "toàn thành phố".to_owned(),
        [code] => {
            // The report is right without the agency's name; intake may be down.
            let agency =
                CatalogServiceClient::new(Service::Intake.peer(config, Role::CitySupervisor)?)
                    .get_agency(GetAgencyRequest {
                        name: format!("agencies/{code}"),
                    })
                    .await;
            agency.map_or_else(|_| code.clone(), |agency| agency.into_inner().title)
        }
        codes => codes.join(", "),
    };
    print!("{}", tables::settlement(&report, &title));
    println!();
    print!("{}", picture::days(&report.days));
    println!("\n  counted at {}", report.positions.join(", "));
    Ok(ExitCode::SUCCESS)
}
