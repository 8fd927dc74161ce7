//! `motcua health`: is a service serving? For container health checks and for people.

use std::{process::ExitCode, time::Duration};

use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::Failed;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks a service whether it is serving.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where it is: http://127.0.0.1:7101.
    #[arg(long)]
    url: String,
    /// One gRPC service of it, such as motcua.events.v1.FollowerService, which is not serving while a dossier is parked.
    #[arg(long, default_value = "")]
    service: String,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failed> {
    let channel = Endpoint::new(args.url.clone())
        .map_err(|_| Failed::new(format!("--url: `{}` is not a URL", args.url)))?
        .connect_timeout(TIMEOUT)
        .timeout(TIMEOUT)
        .connect()
        .await
        .map_err(|_| Failed::new(format!("nobody answers at {}", args.url)))?;
    let status = HealthClient::new(channel)
        .check(HealthCheckRequest {
            service: args.service,
        })
        .await?
        .into_inner()
        .status();
    println!("{}", status.as_str_name());
    Ok(if status == ServingStatus::Serving {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
