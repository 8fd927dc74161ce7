//! `motcua health`: is a service serving? For container health checks and for people.

use std::{process::ExitCode, time::Duration};

use motcua_platform::rpc;
use tonic::{Code, Request};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{Failed, certificates, config::Config, feed};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks a service whether it is serving.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where it is: http://127.0.0.1:7101, or https:// where there are certificates.
    #[arg(long)]
    url: String,
    /// Which service is meant to answer there; needed with https.
    #[arg(long, value_name = "SERVICE")]
    of: Option<feed::Service>,
    /// One gRPC service of it, such as motcua.events.v1.FollowerService, which is not serving while a dossier is parked.
    #[arg(long, default_value = "")]
    service: String,
}

pub(crate) async fn run(config: &Config, args: Args) -> Result<ExitCode, Failed> {
    let tls = certificates::of_caller(config)?;
    if args.of.is_none() && args.url.starts_with("https:") {
        return Err(Failed::new(format!(
            "--of is needed: say which service is meant to answer at {}",
            args.url
        )));
    }
    let target = args.of.map_or("", feed::Service::name);
    let peer = rpc::channel(&args.url, "motcua", target, tls.as_ref())?;
    let mut request = Request::new(HealthCheckRequest {
        service: args.service,
    });
    request.set_timeout(TIMEOUT);
    let checked = HealthClient::new(peer).check(request).await;
    let status = checked
        .map_err(|status| match status.code() {
            Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded => {
                Failed::new(format!("nobody answers at {}", args.url))
            }
            _ => status.into(),
        })?
        .into_inner()
        .status();
    println!("{}", status.as_str_name());
    Ok(if status == ServingStatus::Serving {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
